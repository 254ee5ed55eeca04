/* What the relay answers on its control socket, DIR/state/relay.sock:
 *
 *	{"do":"status"}
 *	{"do":"calls"}   {"do":"call","id":CALL-ID}
 *	{"do":"reload"}   {"do":"refresh"}   {"do":"stop"}   {"do":"stop","wait":SECONDS as text}
 */
#include "role/relay_int.h"
#include "media/dsp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void who(const struct rf_admin_request *r, char *dst, size_t cap)
{
	snprintf(dst, cap, "uid %u", (unsigned)rf_admin_uid(r));
}

static void answer_json(struct rf_admin_request *r, json_t *j)
{
	char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;
	struct rf_view members = rf_view_str(text);

	json_decref(j);
	if (text)
		rf_admin_answer(r, rf_view_sub(members, 1, members.n - 2));
	else
		rf_admin_refuse(r, "out of memory");
	free(text);
}

/* Bytes from outside: what is not UTF-8 becomes "?". */
static json_t *view_json(struct rf_view v)
{
	json_t *j = json_stringn(v.n ? (const char *)v.p : "", v.n);
	char *copy;

	if (j || !(copy = malloc(v.n + 1)))
		return j;
	for (size_t i = 0; i < v.n; i++)
		copy[i] = v.p[i] >= ' ' && v.p[i] < 0x7f ? (char)v.p[i] : '?';
	j = json_stringn(copy, v.n);
	free(copy);
	return j;
}

static json_t *time_json(int64_t s)
{
	char text[RF_WALL_TEXT];

	rf_wall_text((struct rf_wall){ s * 1000000 }, text);
	return json_string(text);
}

static json_t *addr_json(const struct rf_addr *a)
{
	char text[RF_ADDR_TEXT];

	return a->family ? json_string(rf_addr_text(a, text)) : json_null();
}

static json_t *drops_json(const uint64_t *drops)
{
	json_t *j = json_object();

	for (unsigned i = 0; i < RF_DROPS; i++)
		if (drops[i])
			json_object_set_new(j, rf_path_drop_name((enum rf_path_drop)i),
					    json_integer((json_int_t)drops[i]));
	return j;
}

/* --- a question that goes through all workers */

struct question {
	struct anchor_visit visit;
	struct rf_admin_request *request;
	struct anchor_sums sums;
	json_t *list;
	struct rf_view call_id;
	size_t left;
	bool found;
};

static void ask_all(struct anchor *a, struct rf_admin_request *r,
		    void (*at)(struct anchor_visit *, struct anchor_worker *), void (*done)(struct anchor_visit *, int))
{
	struct question *q = calloc(1, sizeof *q);

	if (q) {
		q->visit.at = at;
		q->visit.done = done;
		q->request = r;
		q->list = json_array();
		q->left = RF_ANCHOR_SHOWN_MAX;
		q->call_id = rf_view_str(rf_admin_text(r, "id"));
	}
	if (q && anchor_visit(a, &q->visit) == 0)
		return;
	if (q)
		json_decref(q->list);
	free(q);
	rf_admin_refuse(r, "the relay has too much to do to answer");
}

static void end_question(struct question *q, json_t *answer)
{
	answer_json(q->request, answer);
	json_decref(q->list);
	free(q);
}

/* --- status */

static json_t *listen_json(const struct anchor *a)
{
	static const char *const names[] = {
		[ANCHOR_UDP] = "udp", [ANCHOR_TCP] = "tcp", [ANCHOR_TLS] = "tls", [ANCHOR_STUN] = "stun"
	};
	json_t *list = json_array();
	char text[RF_ADDR_TEXT];

	for (unsigned i = 0; i < a->listens; i++)
		json_array_append_new(list, json_pack("{s:s,s:s}", "transport", names[a->listen[i].kind], "address",
						      rf_addr_text(&a->listen[i].at, text)));
	if (a->site)
		json_array_append_new(list, json_pack("{s:s,s:s}", "transport", "unix", "address",
						      "state/" RF_ANCHOR_NG_SOCKET));
	return list;
}

static json_t *interfaces_json(const struct anchor *a)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < a->plan.n_interfaces; i++) {
		const struct rf_media_interface *f = &a->plan.interfaces[i];
		struct rf_writer w;
		char ip[RF_ADDR_TEXT];

		rf_writer_init(&w, ip, sizeof ip);
		rf_addr_put_host(&w, &f->local, false);
		json_t *one = json_pack("{s:s,s:s%,s:i,s:i}", "name", f->name, "address", ip, w.n, "port_first",
					f->port_first, "port_last", f->port_last);
		if (f->advertised.family) {
			rf_writer_init(&w, ip, sizeof ip);
			rf_addr_put_host(&w, &f->advertised, false);
			json_object_set_new(one, "advertised", json_stringn(ip, w.n));
		}
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *walls_json(const struct anchor *a)
{
	json_t *list = json_array();

	for (unsigned i = 0; a->pinholes && i < rf_pinholes_walls(a->pinholes); i++) {
		struct rf_pinbook_wall w;

		rf_pinholes_wall_stats(a->pinholes, i, &w);
		json_array_append_new(list, json_pack("{s:s,s:b,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "wall",
						      rf_pinholes_wall_name(a->pinholes, i), "up", w.up, "open",
						      (json_int_t)w.open, "waiting", (json_int_t)w.waiting, "opened",
						      (json_int_t)w.opened, "closed", (json_int_t)w.closed, "denied",
						      (json_int_t)w.denied, "limit", (json_int_t)w.limit, "busy",
						      (json_int_t)w.busy, "kernel", (json_int_t)w.kernel, "open_us",
						      (json_int_t)(w.opened ? w.open_us / w.opened : 0), "open_us_max",
						      (json_int_t)w.open_us_max));
	}
	return list;
}

static void problem(json_t *list, const char *text, const char *name, const char *behind)
{
	char whole[RF_PAPERS_WHY + 200];

	snprintf(whole, sizeof whole, "%s%s%s", text, name, behind);
	json_array_append_new(list, json_string(whole));
}

static void wall_problems(const struct anchor *a, json_t *list)
{
	for (unsigned i = 0; a->pinholes && i < rf_pinholes_walls(a->pinholes); i++) {
		const char *name = rf_pinholes_wall_name(a->pinholes, i);
		struct rf_pinbook_wall w;

		rf_pinholes_wall_stats(a->pinholes, i, &w);
		if (!w.up)
			problem(list, "wall ", name, " cannot be asked for pinholes");
		else if (w.limit || w.kernel)
			problem(list, "wall ", name, " has refused pinholes");
	}
}

static json_t *problems_json(const struct anchor *a, const struct anchor_sums *s)
{
	json_t *list = json_array();
	struct rf_ledger_state ledger = { 0 };
	struct rf_keeper_state keeper = { .alive = true };
	char papers[RF_PAPERS_WHY + 100], old[RF_REVOKED_TEXT];

	if (a->ledger)
		rf_ledger_state(a->ledger, &ledger);
	if (a->keeper)
		rf_keeper_state(a->keeper, &keeper);
	if (ledger.failing)
		problem(list, "the ledger cannot be written", "", "");
	if (!keeper.alive)
		problem(list, "the key keeper has ended: no new TLS connections until a restart", "", "");
	if (a->revoked &&
	    *rf_revoked_old(rf_revoked_until_s(a->revoked), a->clock.wall(a->clock.ctx).us / 1000000, old))
		problem(list, old, "", "");
	if (a->site && *rf_papers_problem(&a->papers, a->clock.wall(a->clock.ctx).us / 1000000, papers))
		problem(list, papers, "", "");
	for (unsigned i = 0; i < a->plan.n_interfaces; i++)
		if (s->media.dry >> i & 1) /* of one thread at least: a call that falls to it is refused */
			problem(list, "no port for media is free on interface ", a->plan.interfaces[i].name, "");
	if (a->fast_why[0])
		problem(list, "the kernel does not pass media on (", a->fast_why,
			"): all of it goes through the process");
	if (a->xsk_why[0])
		problem(list, "media does not go past the sockets (AF_XDP: ", a->xsk_why,
			"): what the kernel does not pass on goes through them");
	if (a->plan.poll && !s->polls)
		problem(list, "media is waited for and not fetched: that takes Linux 6.9", "", "");
	wall_problems(a, list);
	return list;
}

static json_t *requests_json(const struct anchor *a, const struct anchor_sums *sums)
{
	struct rf_ng_server_stats s = anchor_gates_add(a, sums);

	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "done", (json_int_t)s.requests, "repeated",
			 (json_int_t)s.repeated, "strangers", (json_int_t)s.strangers, "rate", (json_int_t)s.rate,
			 "malformed", (json_int_t)s.malformed, "refused", (json_int_t)s.refused, "full",
			 (json_int_t)s.full, "waiting", (json_int_t)s.asks, "connections", (json_int_t)s.streams);
}

static void status_at(struct anchor_visit *v, struct anchor_worker *w)
{
	anchor_add(&rf_container(v, struct question, visit)->sums, w);
}

static json_t *counts_json(const struct anchor *a, const struct anchor_sums *s)
{
	uint64_t untold = s->census.untold + anchor_gates_add(a, s).untold;

	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "sessions",
			 (json_int_t)s->census.sessions, "parties", (json_int_t)s->census.parties, "media",
			 (json_int_t)s->census.media, "paths", (json_int_t)s->media.paths, "in_kernel",
			 (json_int_t)s->media.in_kernel, "af_xdp", (json_int_t)s->media.in_xdp, "ports",
			 (json_int_t)s->media.ports, "ports_free", (json_int_t)s->media.ports_free, "sockets",
			 (json_int_t)s->media.sockets, "kept", (json_int_t)s->media.kept, "packets",
			 (json_int_t)s->totals.packets, "sent", (json_int_t)s->totals.sent, "transcoded",
			 (json_int_t)s->census.coded, "keys_untold", (json_int_t)untold);
}

static json_t *kernel_json(const struct anchor *a, const struct anchor_sums *s)
{
	json_t *j = json_pack("{s:b,s:I,s:I}", "on", a->fast != NULL, "packets", (json_int_t)s->totals.kernel_packets,
			      "bytes", (json_int_t)s->totals.kernel_bytes);

	if (!a->fast)
		return j;
	struct rf_fast_totals t = rf_fast_totals(a->fast);
	json_object_set_new(j, "streams", json_integer((json_int_t)t.streams));
	json_object_set_new(j, "streams_max", json_integer((json_int_t)t.streams_max));
	for (unsigned i = 0; i < RF_FAST_VERDICTS; i++)
		json_object_set_new(j, rf_fast_verdict_name((enum rf_fast_verdict)i),
				    json_integer((json_int_t)t.verdicts[i]));
	return j;
}

static json_t *xdp_json(const struct anchor *a, const struct anchor_sums *s)
{
	json_t *j = json_pack("{s:b,s:I,s:I}", "on", a->xsk != NULL, "packets", (json_int_t)s->totals.xsk_packets,
			      "bytes", (json_int_t)s->totals.xsk_bytes);

	if (!a->xsk)
		return j;
	struct rf_xsk_totals t = rf_xsk_totals(a->xsk);
	json_object_set_new(j, "flows", json_integer((json_int_t)t.flows));
	json_object_set_new(j, "queues", json_integer(t.queues));
	json_object_set_new(j, "copied", json_integer(t.copied));
	json_object_set_new(j, "memory", json_integer((json_int_t)t.bytes));
	for (unsigned i = 0; i < RF_XSK_VERDICTS; i++)
		json_object_set_new(j, rf_xsk_verdict_name((enum rf_xsk_verdict)i),
				    json_integer((json_int_t)t.verdicts[i]));
	return j;
}

static json_t *steps_json(const uint64_t *counts, const uint32_t *steps, unsigned unit)
{
	json_t *j = json_object();
	char le[32];

	for (unsigned i = 0; i < RF_TALLY_STEPS; i++) {
		snprintf(le, sizeof le, "%g", (double)steps[i] / unit);
		json_object_set_new(j, le, json_integer((json_int_t)counts[i]));
	}
	return j;
}

/* Streams that are over: how many were up to each MOS and to each jitter in seconds. */
static json_t *ended_json(const struct rf_media_tally *t)
{
	return json_pack("{s:I,s:I,s:I,s:o,s:f,s:o,s:f}", "streams", (json_int_t)t->streams, "received",
			 (json_int_t)t->received, "lost", (json_int_t)t->lost, "mos",
			 steps_json(t->mos, rf_tally_mos_100, 100), "mos_sum", (double)t->mos_100_sum / 100, "jitter",
			 steps_json(t->jitter, rf_tally_jitter_us, 1000000), "jitter_sum",
			 (double)t->jitter_us_sum / 1000000);
}

static json_t *status_json(const struct anchor *a, const struct anchor_sums *s)
{
	char landlock[64];
	json_t *problems = problems_json(a, s);
	uint64_t up_s = (a->clock.mono(a->clock.ctx).us - a->started_at.us) / 1000000;

	snprintf(landlock, sizeof landlock, a->landlock_abi ? "Landlock ABI %d" : "no Landlock in this kernel",
		 a->landlock_abi);
	json_t *j = json_pack("{s:s,s:i,s:s,s:b,s:I,s:i,s:b,s:o,s:o,s:o,s:o,s:o,s:o,s:{s:s,s:s,s:s}}", "role", "relay",
			      "pid", (int)getpid(), "version", RF_VERSION, "healthy", json_array_size(problems) == 0,
			      "uptime_s", (json_int_t)up_s, "workers", (int)a->workers, "stopping", a->stopping,
			      "problems", problems, "counts", counts_json(a, s), "drops", drops_json(s->totals.dropped),
			      "requests", requests_json(a, s), "listen", listen_json(a), "interfaces",
			      interfaces_json(a), "confined", "user", a->user_name, "landlock", landlock, "syscalls",
			      a->filtered ? "system calls filtered" : "system calls not filtered");

	json_object_set_new(j, "rates", json_pack("{s:I,s:I,s:I}", "packets", (json_int_t)a->packet_rate, "bytes",
						  (json_int_t)a->byte_rate, "errors", (json_int_t)a->error_rate));
	json_object_set_new(j, "ended", ended_json(&s->totals.ended));
	json_object_set_new(j, "kernel", kernel_json(a, s));
	json_object_set_new(j, "af_xdp", xdp_json(a, s));
	json_object_set_new(j, "poll", json_boolean(s->polls));
	if (a->site) {
		json_object_set_new(j, "site", json_string(rf_site_cstr(a->site->name)));
		json_object_set_new(j, "host", json_string(rf_site_cstr(a->host->name)));
	}
	if (a->stuns)
		json_object_set_new(j, "stun", anchor_stun_json(a));
	if (a->pinholes) {
		struct rf_pinbook_stats pins;

		rf_pinholes_stats(a->pinholes, &pins);
		json_object_set_new(j, "pinholes",
				    json_pack("{s:I,s:I,s:I,s:I,s:I,s:o}", "wanted", (json_int_t)pins.tuples,
					      "sessions", (json_int_t)pins.sessions, "held", (json_int_t)pins.held,
					      "full", (json_int_t)pins.full, "failures", (json_int_t)a->pin_failures,
					      "walls", walls_json(a)));
	}
	return j;
}

static void status_done(struct anchor_visit *v, int err)
{
	struct question *q = rf_container(v, struct question, visit);

	end_question(q, err || !v->anchor->gate[ANCHOR_GATE_MAIN].server ? NULL : status_json(v->anchor, &q->sums));
}

static void do_status(void *ctx, struct rf_admin_request *r)
{
	ask_all(ctx, r, status_at, status_done);
}

/* --- sessions */

static bool list_one(void *arg, const struct rf_relay_view *s)
{
	struct question *q = arg;

	if (!q->left)
		return false;
	q->left--;
	json_array_append_new(q->list, json_pack("{s:o,s:o,s:b,s:I,s:I,s:I}", "call_id", view_json(s->call_id),
						 "created", time_json(s->created_s), "answered", s->answered, "parties",
						 (json_int_t)s->parties, "media", (json_int_t)s->media, "recorders",
						 (json_int_t)s->recorders));
	return true;
}

static void calls_at(struct anchor_visit *v, struct anchor_worker *w)
{
	rf_relay_each(w->relay, list_one, rf_container(v, struct question, visit));
}

static void calls_done(struct anchor_visit *v, int err)
{
	struct question *q = rf_container(v, struct question, visit);

	end_question(q, err ? NULL : json_pack("{s:O,s:b}", "calls", q->list, "more", q->left == 0));
}

static void do_calls(void *ctx, struct rf_admin_request *r)
{
	ask_all(ctx, r, calls_at, calls_done);
}

/* --- one session */

static const char *keying_name(enum rf_path_keying k)
{
	static const char *const names[] = { "plain", "sdes", "dtls", "passed" };

	return names[k];
}

static const char *suite_name(enum rf_srtp_suite suite)
{
	static const char *const names[RF_SRTP_SUITES] = {
		[RF_SRTP_AEAD_AES_256_GCM] = "AEAD_AES_256_GCM",
		[RF_SRTP_AEAD_AES_128_GCM] = "AEAD_AES_128_GCM",
		[RF_SRTP_AES_256_CM_HMAC_SHA1_80] = "AES_256_CM_HMAC_SHA1_80",
		[RF_SRTP_AES_192_CM_HMAC_SHA1_80] = "AES_192_CM_HMAC_SHA1_80",
		[RF_SRTP_AES_CM_128_HMAC_SHA1_80] = "AES_CM_128_HMAC_SHA1_80",
		[RF_SRTP_AES_256_CM_HMAC_SHA1_32] = "AES_256_CM_HMAC_SHA1_32",
		[RF_SRTP_AES_192_CM_HMAC_SHA1_32] = "AES_192_CM_HMAC_SHA1_32",
		[RF_SRTP_AES_CM_128_HMAC_SHA1_32] = "AES_CM_128_HMAC_SHA1_32",
	};

	return names[suite];
}

static json_t *streams_json(const struct rf_path_end_stats *s)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < s->n_streams && i < RF_PATH_SSRCS_MAX; i++) {
		const struct rf_path_stream *x = &s->streams[i];
		json_t *one = json_pack("{s:I,s:i,s:I,s:I,s:I,s:f}", "ssrc", (json_int_t)x->ssrc, "type", x->type,
					"packets", (json_int_t)x->packets, "bytes", (json_int_t)x->bytes, "lost",
					(json_int_t)x->lost, "jitter_ms", x->jitter_us / 1000.0);

		if (x->mos_100)
			json_object_set_new(one, "mos", json_real(x->mos_100 / 100.0));
		if (x->rtt_us)
			json_object_set_new(one, "rtt_ms", json_real(x->rtt_us / 1000.0));
		json_array_append_new(list, one);
	}
	return list;
}

/* Of a recorder's path what is transcoded is what comes to it. */
static json_t *end_json(const struct rf_path *p, unsigned end, struct rf_view tag, bool recorder)
{
	const struct rf_dsp *dsp = rf_dsp_of(p, recorder ? !end : end);
	struct rf_dsp_stats sound = dsp ? rf_dsp_stats(dsp) : (struct rf_dsp_stats){ 0 };
	struct rf_path_end_stats s;
	struct rf_addr rtp, rtcp;

	rf_path_stats(p, end, &s);
	rf_path_local(p, end, &rtp, &rtcp);
	json_t *j = json_pack("{s:o,s:o,s:o,s:s,s:b,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:o}", "tag", view_json(tag), "local",
			      addr_json(&rtp), "remote", addr_json(&s.remote), "keying", keying_name(s.keying),
			      "in_kernel", s.in_kernel, "packets", (json_int_t)s.packets, "bytes", (json_int_t)s.bytes,
			      "sent", (json_int_t)s.sent, "sent_bytes", (json_int_t)s.sent_bytes, "rtcp_packets",
			      (json_int_t)s.rtcp_packets, "rtcp_sent", (json_int_t)s.rtcp_sent, "drops",
			      drops_json(s.drops), "streams", streams_json(&s));
	json_object_set_new(j, "way", json_string(s.in_kernel ? "kernel" : s.in_xdp ? "af_xdp" : "sockets"));
	json_object_set_new(j, "cipher", suite_name(s.suite) ? json_string(suite_name(s.suite)) : json_null());
	if (s.keying == RF_KEYING_DTLS)
		json_object_set_new(j, "dtls", s.dtls ? json_string(s.dtls == 13 ? "1.3" : "1.2") : json_null());
	if (sound.coded)
		json_object_set_new(j, "transcoded",
				    json_pack("{s:s,s:s,s:I,s:I}", "from", rf_pcm_text(sound.from), "to",
					      rf_pcm_text(sound.to), "packets", (json_int_t)sound.coded, "refused",
					      (json_int_t)sound.uncoded));
	return j;
}

static void show_path(void *arg, unsigned index, const struct rf_view tag[RF_PATH_ENDS], bool recorder,
		      const struct rf_path *p)
{
	struct question *q = arg;
	json_t *ends = json_array(), *one = json_pack("{s:i,s:O}", "index", (int)index, "ends", ends);

	for (unsigned i = 0; i < (recorder ? 1 : RF_PATH_ENDS); i++)
		json_array_append_new(ends, end_json(p, i, tag[i], recorder));
	if (recorder)
		json_object_set_new(one, "copy_of", view_json(tag[1]));
	json_array_append_new(q->list, one);
	json_decref(ends);
}

static void call_at(struct anchor_visit *v, struct anchor_worker *w)
{
	struct question *q = rf_container(v, struct question, visit);

	if (w == anchor_worker_of(v->anchor, q->call_id))
		q->found = rf_relay_show(w->relay, q->call_id, show_path, q) == 0;
}

static void call_done(struct anchor_visit *v, int err)
{
	struct question *q = rf_container(v, struct question, visit);

	if (err || q->found) {
		end_question(q,
			     err ? NULL : json_pack("{s:o,s:O}", "call_id", view_json(q->call_id), "media", q->list));
		return;
	}
	rf_admin_refuse(q->request, "no session of that Call-ID");
	json_decref(q->list);
	free(q);
}

static void do_call(void *ctx, struct rf_admin_request *r)
{
	if (!*rf_admin_text(r, "id"))
		rf_admin_refuse(r, "say which: \"id\"");
	else
		ask_all(ctx, r, call_at, call_done);
}

/* --- orders */

static void do_reload(void *ctx, struct rf_admin_request *r)
{
	struct rf_diag diag = { 0 };
	const char *restart = "";
	char by[32], why[700];

	who(r, by, sizeof by);
	if (anchor_reload(ctx, by, &restart, &diag))
		rf_admin_refuse(r, "not reloaded: %s", anchor_why(&diag, why, sizeof why));
	else
		answer_json(r, json_pack("{s:s,s:s}", "result",
					 *restart ? "read again; something of it takes a restart" : "read again",
					 "restart", restart));
}

/* A command has written certificates or the list of revoked ones. */
static void do_refresh(void *ctx, struct rf_admin_request *r)
{
	anchor_renew(ctx, true);
	rf_admin_answer(r, (struct rf_view){ NULL, 0 });
}

static void do_stop(void *ctx, struct rf_admin_request *r)
{
	const char *wait = rf_admin_text(r, "wait");
	uint64_t wait_s = RF_ANCHOR_DRAIN_S;
	char by[32];

	if (*wait && !rf_view_u64(rf_view_str(wait), 86400, &wait_s)) {
		rf_admin_refuse(r, "\"%.32s\" is no number of seconds up to 86400", wait);
		return;
	}
	who(r, by, sizeof by);
	rf_admin_answer(r, (struct rf_view){ NULL, 0 });
	anchor_stop(ctx, by, (unsigned)wait_s);
}

const struct rf_admin_verb anchor_verbs[] = {
	{ "status", do_status }, { "calls", do_calls }, { "call", do_call }, { "reload", do_reload },
	{ "refresh", do_refresh }, { "stop", do_stop },
	{ NULL, NULL },
};
