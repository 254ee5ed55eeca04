/* ringfort relay: what the media relay of this machine does; and a relay alone, for Kamailio and
 * OpenSIPS, without a site. */
#include "cmd/cmd.h"
#include "cmd/roles.h"
#include "cmd/table.h"
#include "role/admin.h"
#include "role/relay.h"

#include <jansson.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

enum { ASK_MS = 10000, PORT_NG = 2223, PORT_FIRST = 30000, PORT_LAST = 40000 };

/* --- asking the one that runs */

static const char *text(const json_t *o, const char *key, char *dst, size_t cap)
{
	rf_cmd_cell(json_object_get(o, key), dst, cap);
	return dst;
}

/* The answer, or NULL after telling why: then *ret_status. */
static json_t *ask(struct rf_cmd_ctx *c, json_t *question, int *ret_status)
{
	struct rf_diag diag = { 0 };
	json_t *answer = NULL;
	int rc = rf_admin_ask_relay(c->dir, question, ASK_MS, &answer, &diag);

	if (rc)
		*ret_status = rf_cmd_error(c, rc == RF_E_INVALID ? RF_EXIT_NO : RF_EXIT_FAILED, "%s", diag.text);
	return answer;
}

static void print_numbers(FILE *out, const char *title, const json_t *o)
{
	const char *key;
	const json_t *value;
	char t[64];
	bool first = true;

	json_object_foreach((json_t *)(uintptr_t)o, key, value) {
		rf_cmd_cell(value, t, sizeof t);
		fprintf(out, "%s%s %s", first ? title : ", ", t, key);
		first = false;
	}
	if (!first)
		fputc('\n', out);
}

static void print_walls(FILE *out, const json_t *pinholes)
{
	const json_t *x;
	char t[4][64];
	size_t i;

	json_array_foreach(json_object_get(pinholes, "walls"), i, x)
		fprintf(out, "wall       %s %s, %s pinholes open, %s waiting, %s denied\n",
			text(x, "wall", t[0], sizeof t[0]),
			json_is_true(json_object_get(x, "up")) ? "is there" : "is not there",
			text(x, "open", t[1], sizeof t[1]), text(x, "waiting", t[2], sizeof t[2]),
			text(x, "denied", t[3], sizeof t[3]));
}

static void print_places(FILE *out, const json_t *a)
{
	const json_t *x;
	char t[4][128];
	size_t i;

	json_array_foreach(json_object_get(a, "listen"), i, x)
		fprintf(out, "listening  %-4s %s\n", text(x, "transport", t[0], sizeof t[0]),
			text(x, "address", t[1], sizeof t[1]));
	json_array_foreach(json_object_get(a, "interfaces"), i, x)
		fprintf(out, "interface  %s: %s%s%s, ports %s to %s\n", text(x, "name", t[0], sizeof t[0]),
			json_string_value(json_object_get(x, "address")),
			json_object_get(x, "advertised") ? " as " : "", text(x, "advertised", t[1], sizeof t[1]),
			text(x, "port_first", t[2], sizeof t[2]), text(x, "port_last", t[3], sizeof t[3]));
}

void rf_cmd_print_relay(FILE *out, const json_t *a)
{
	const json_t *counts = json_object_get(a, "counts"), *kernel = json_object_get(a, "kernel"), *x;
	const json_t *confined = json_object_get(a, "confined");
	char t[7][128];
	size_t i;

	fprintf(out, "relay      %s%s, pid %s, version %s, %s workers\n",
		json_is_true(json_object_get(a, "healthy")) ? "runs" : "runs, but not well",
		json_is_true(json_object_get(a, "stopping")) ? ", is being stopped" : "",
		text(a, "pid", t[0], sizeof t[0]), text(a, "version", t[1], sizeof t[1]),
		text(a, "workers", t[2], sizeof t[2]));
	json_array_foreach(json_object_get(a, "problems"), i, x)
		fprintf(out, "problem    %s\n", json_string_value(x));
	print_places(out, a);
	fprintf(out, "now        %s sessions, %s m-lines; directions: %s in the kernel, %s by AF_XDP; %s transcoded, "
		     "%s ports in use, %s free\n",
		text(counts, "sessions", t[0], sizeof t[0]), text(counts, "paths", t[1], sizeof t[1]),
		text(counts, "in_kernel", t[2], sizeof t[2]), text(counts, "af_xdp", t[5], sizeof t[5]),
		text(counts, "transcoded", t[6], sizeof t[6]), text(counts, "ports", t[3], sizeof t[3]),
		text(counts, "ports_free", t[4], sizeof t[4]));
	fprintf(out, "passed on  %s packets of %s, %s in the kernel, %s by AF_XDP\n",
		text(counts, "sent", t[0], sizeof t[0]), text(counts, "packets", t[1], sizeof t[1]),
		text(kernel, "packets", t[2], sizeof t[2]),
		text(json_object_get(a, "af_xdp"), "packets", t[3], sizeof t[3]));
	print_numbers(out, "refused    ", json_object_get(a, "drops"));
	print_numbers(out, "requests   ", json_object_get(a, "requests"));
	print_numbers(out, "stun       ", json_object_get(a, "stun"));
	print_walls(out, json_object_get(a, "pinholes"));
	fprintf(out, "confined   user %s, %s, %s\n", text(confined, "user", t[0], sizeof t[0]),
		text(confined, "landlock", t[1], sizeof t[1]), text(confined, "syscalls", t[2], sizeof t[2]));
}

static int show_status(struct rf_cmd_ctx *c)
{
	int status = RF_EXIT_YES;
	json_t *a = ask(c, json_pack("{s:s}", "do", "status"), &status);

	if (!a)
		return status;
	status = json_is_true(json_object_get(a, "healthy")) ? RF_EXIT_YES : RF_EXIT_NO;
	if (c->json)
		return rf_cmd_json(c, a, status);
	rf_cmd_print_relay(c->out, a);
	json_decref(a);
	return status;
}

static int calls(struct rf_cmd_ctx *c)
{
	static const struct rf_cmd_column columns[] = {
		{ "call_id", "CALL-ID", 60 }, { "created", "SINCE", 0 }, { "answered", "ANSWERED", 0 },
		{ "parties", "PARTIES", 0 }, { "media", "MEDIA", 0 }, { "recorders", "RECORDERS", 0 },
	};
	int status = RF_EXIT_YES;
	json_t *a = ask(c, json_pack("{s:s}", "do", "calls"), &status);

	if (!a)
		return status;
	if (c->json)
		return rf_cmd_json(c, a, RF_EXIT_YES);
	if (json_array_size(json_object_get(a, "calls")))
		rf_cmd_table(c->out, json_object_get(a, "calls"), columns, sizeof columns / sizeof columns[0]);
	else
		fputs("no sessions\n", c->out);
	if (json_is_true(json_object_get(a, "more")))
		fputs("and more\n", c->out);
	json_decref(a);
	return RF_EXIT_YES;
}

static const char *way_of(const json_t *e)
{
	const char *way = json_string_value(json_object_get(e, "way"));

	return way && strcmp(way, "kernel") == 0 ? "in the kernel" :
	       way && strcmp(way, "af_xdp") == 0 ? "in user space by AF_XDP" :
	       "in user space";
}

static void print_end(FILE *out, const json_t *e)
{
	const json_t *s;
	char t[6][160];
	size_t i;

	fprintf(out, "  %s: at %s, from %s, %s%s%s, %s\n",
		text(e, "tag", t[0], sizeof t[0])[0] ? t[0] : "not answered yet", text(e, "local", t[1], sizeof t[1]),
		json_is_string(json_object_get(e, "remote")) ? text(e, "remote", t[2], sizeof t[2]) : "nowhere yet",
		text(e, "keying", t[3], sizeof t[3]), json_is_string(json_object_get(e, "cipher")) ? " " : "",
		text(e, "cipher", t[4], sizeof t[4]), way_of(e));
	fprintf(out, "    %s packets in, %s out\n", text(e, "packets", t[0], sizeof t[0]),
		text(e, "sent", t[1], sizeof t[1]));
	s = json_object_get(e, "transcoded");
	if (s)
		fprintf(out, "    transcoded from %s to %s\n", text(s, "from", t[0], sizeof t[0]),
			text(s, "to", t[1], sizeof t[1]));
	json_array_foreach(json_object_get(e, "streams"), i, s)
		fprintf(out, "    SSRC %s: type %s, %s packets, %s lost, jitter %s ms, MOS %s\n",
			text(s, "ssrc", t[0], sizeof t[0]), text(s, "type", t[1], sizeof t[1]),
			text(s, "packets", t[2], sizeof t[2]), text(s, "lost", t[3], sizeof t[3]),
			text(s, "jitter_ms", t[4], sizeof t[4]),
			json_object_get(s, "mos") ? text(s, "mos", t[5], sizeof t[5]) : "not known");
	print_numbers(out, "    refused: ", json_object_get(e, "drops"));
}

static int show_call(struct rf_cmd_ctx *c)
{
	int status = RF_EXIT_YES;
	json_t *a = ask(c, json_pack("{s:s,s:s}", "do", "call", "id", c->arg[0]), &status), *m, *e;
	size_t i, k;
	char t[32], of[160];

	if (!a)
		return status;
	if (c->json)
		return rf_cmd_json(c, a, RF_EXIT_YES);
	json_array_foreach(json_object_get(a, "media"), i, m) {
		fprintf(c->out, json_object_get(m, "copy_of") ? "recorder's media %s" : "media %s",
			text(m, "index", t, sizeof t));
		if (json_object_get(m, "copy_of"))
			fprintf(c->out, ": copy of %s", text(m, "copy_of", of, sizeof of));
		fputc('\n', c->out);
		json_array_foreach(json_object_get(m, "ends"), k, e)
			print_end(c->out, e);
	}
	json_decref(a);
	return RF_EXIT_YES;
}

static int stop(struct rf_cmd_ctx *c)
{
	const char *wait = rf_cmd_opt(c, "wait");
	int status = RF_EXIT_YES;
	json_t *a = ask(c, json_pack("{s:s,s:s}", "do", "stop", "wait", wait ? wait : ""), &status);

	if (a && !c->json)
		fputs("the relay takes nothing new and ends with its last session\n", c->out);
	if (a && c->json)
		return rf_cmd_json(c, a, status);
	json_decref(a);
	return status;
}

/* --- one that runs alone */

static bool addresses(struct rf_cmd_ctx *c, const char *name, uint16_t port, struct rf_addr *v, unsigned cap,
		      unsigned *ret_n)
{
	const char *word;

	for (*ret_n = 0; (word = rf_cmd_opt_next(c, name, *ret_n)); ++*ret_n) {
		if (*ret_n == cap) {
			rf_cmd_error(c, RF_EXIT_USAGE, "--%s is given more than %u times", name, cap);
			return false;
		}
		if (rf_addr_parse(rf_view_str(word), port, &v[*ret_n])) {
			rf_cmd_error(c, RF_EXIT_USAGE, "--%s takes an IP address%s, not \"%s\"", name,
				     port ? " and a port" : "", word);
			return false;
		}
	}
	return true;
}

/* "inside/10.0.0.1", "outside/192.0.2.1!203.0.113.9", "10.0.0.1". */
static bool interface(struct rf_cmd_ctx *c, const char *word, struct rf_media_interface *ret)
{
	struct rf_view v = rf_view_str(word), name = RF_V("default");
	size_t slash = rf_view_find(v, '/');

	if (slash < v.n) {
		name = rf_view_sub(v, 0, slash);
		v = rf_view_from(v, slash + 1);
	}
	size_t mark = rf_view_find(v, '!');
	struct rf_view advertised = mark < v.n ? rf_view_from(v, mark + 1) : (struct rf_view){ NULL, 0 };

	v = rf_view_sub(v, 0, mark);
	bool ok = name.n && rf_view_cstr(name, ret->name, sizeof ret->name) && rf_addr_parse(v, 0, &ret->local) == 0 &&
		  !ret->local.port && !rf_addr_is_any(&ret->local);
	if (ok && advertised.n)
		ok = rf_addr_parse(advertised, 0, &ret->advertised) == 0 && !ret->advertised.port &&
		     ret->advertised.family == ret->local.family;
	if (!ok)
		rf_cmd_error(c, RF_EXIT_USAGE, "--interface takes NAME/ADDRESS, or NAME/ADDRESS!ADVERTISED of the same "
					       "family, not \"%s\"",
			     word);
	return ok;
}

static bool interfaces(struct rf_cmd_ctx *c, struct rf_anchor_plan *p)
{
	const char *word, *ports = rf_cmd_opt(c, "ports");
	uint64_t first = PORT_FIRST, last = PORT_LAST;

	if (ports) {
		struct rf_view v = rf_view_str(ports);
		size_t dash = rf_view_find(v, '-');

		if (!rf_view_u64(rf_view_sub(v, 0, dash), 65535, &first) || dash == v.n ||
		    !rf_view_u64(rf_view_from(v, dash + 1), 65535, &last) || first < 1024 || last <= first) {
			rf_cmd_error(c, RF_EXIT_USAGE, "--ports takes two ports from 1024 up, FIRST-LAST, not \"%s\"",
				     ports);
			return false;
		}
	}
	for (; (word = rf_cmd_opt_next(c, "interface", p->n_interfaces)); p->n_interfaces++) {
		struct rf_media_interface *f = &p->interfaces[p->n_interfaces];

		if (p->n_interfaces == RF_MEDIA_INTERFACES_MAX) {
			rf_cmd_error(c, RF_EXIT_USAGE, "--interface is given more than %d times",
				     RF_MEDIA_INTERFACES_MAX);
			return false;
		}
		if (!interface(c, word, f))
			return false;
		f->port_first = (uint16_t)first;
		f->port_last = (uint16_t)last;
	}
	if (!p->n_interfaces)
		rf_cmd_error(c, RF_EXIT_USAGE, "where is media to run? --interface NAME/ADDRESS, at least once");
	return p->n_interfaces > 0;
}

/* As root it becomes somebody else: who was named, else the account of ringfort, else nobody. */
static const char *account(const struct rf_cmd_ctx *c)
{
	const char *named = rf_cmd_opt(c, "user");

	return named ? named : getpwnam("ringfort") ? "ringfort" : "nobody";
}

static int run_alone(struct rf_cmd_ctx *c)
{
	struct rf_anchor_plan p = { .user = account(c), .fast = rf_cmd_opt(c, "fast") ? rf_cmd_opt(c, "fast") : "",
		.xdp = rf_cmd_opt(c, "xdp") ? rf_cmd_opt(c, "xdp") : "",
		.poll = rf_cmd_flag(c, "poll"), .sounds = rf_cmd_opt(c, "sounds") ? rf_cmd_opt(c, "sounds") : "" };
	uint64_t workers = 0, silence_s = 0, sessions = 0, coded = 0, ready_fd = UINT64_MAX;
	struct rf_diag diag = { 0 };

	if (!addresses(c, "listen-ng", PORT_NG, p.udp, RF_ANCHOR_NG_MAX, &p.n_udp) ||
	    !addresses(c, "listen-tcp-ng", PORT_NG, p.tcp, RF_ANCHOR_NG_MAX, &p.n_tcp) ||
	    !addresses(c, "stun", RF_ANCHOR_STUN_PORT, p.stun, RF_ANCHOR_NG_MAX, &p.n_stun) ||
	    !addresses(c, "peer", 0, p.peers, RF_ANCHOR_PEERS_MAX, &p.n_peers) || !interfaces(c, &p) ||
	    !rf_cmd_number(c, "workers", 1, RF_ANCHOR_WORKERS_MAX, &workers) ||
	    !rf_cmd_number(c, "silence", 10, 86400, &silence_s) ||
	    !rf_cmd_number(c, "sessions", 1, 1000000, &sessions) ||
	    !rf_cmd_number(c, "transcodings", 1, 10000, &coded) || !rf_cmd_number(c, "ready-fd", 0, 1023, &ready_fd))
		return RF_EXIT_USAGE;
	p.workers = (unsigned)workers;
	p.policy = (struct rf_relay_policy){
		.plain_allowed = !rf_cmd_flag(c, "encrypted"), .dtls = true,
		.suites = ~1u & ((1u << RF_SRTP_SUITES) - 1), .silence_ms = (uint32_t)silence_s * 1000,
		.sessions_max = sessions,
		.coded_max = coded ? coded : RF_RELAY_CODED,
	};
	struct rf_anchor_options opt = {
		.dir = strcmp(c->dir, ".") != 0 ? c->dir : NULL, .plan = &p, .log = &c->log,
		.ready_fd = ready_fd == UINT64_MAX ? -1 : (int)ready_fd,
	};
	int rc = rf_anchor_run(&opt, &diag);
	return rc ? rf_cmd_diag(c, &diag) : RF_EXIT_YES;
}

static int relay(struct rf_cmd_ctx *c)
{
	bool alone = rf_cmd_flag(c, "listen-ng") || rf_cmd_flag(c, "listen-tcp-ng");

	if (!alone)
		for (const struct rf_cmd_opt *o = c->cmd->opts; o->name; o++)
			if (rf_cmd_opt(c, o->name))
				return rf_cmd_error(c, RF_EXIT_USAGE,
						    "--%s is for a relay alone: it needs --listen-ng ADDRESS:PORT",
						    o->name);
	return alone ? run_alone(c) : show_status(c);
}

static const struct rf_cmd_opt relay_opts[] = {
	{ .name = "listen-ng", .arg = "ADDRESS:PORT", .many = true, .summary = "run a relay alone: requests by UDP are heard there" },
	{ .name = "listen-tcp-ng", .arg = "ADDRESS:PORT", .many = true, .summary = "the same by TCP" },
	{ .name = "peer", .arg = "ADDRESS", .many = true, .summary = "who may ask (this host alone)" },
	{ .name = "stun", .arg = "ADDRESS[:PORT]", .many = true, .summary = "tell who asks which address it has (port 3478)" },
	{ .name = "interface", .arg = "NAME/ADDRESS", .many = true, .summary = "where media runs; !ADDRESS behind it: "
									       "what is said of it" },
	{ .name = "ports", .arg = "FIRST-LAST", .summary = "of media (30000-40000)" },
	{ .name = "fast", .arg = "INTERFACES", .summary = "the kernel passes on what it can, on these, commas between" },
	{ .name = "xdp", .arg = "INTERFACES", .summary = "the rest goes past the sockets on these "
							 "(AF_XDP), commas between" },
	{ .name = "poll", .summary = "under load fetch media from the driver instead of being woken" },
	{ .name = "sounds", .arg = "FOLDER", .summary = "WAV files that may be played by name" },
	{ .name = "encrypted", .summary = "no leg without SRTP" },
	{ .name = "workers", .arg = "N", .summary = "threads (one for each processor)" },
	{ .name = "silence", .arg = "SECONDS", .summary = "a session without media ends (60)" },
	{ .name = "sessions", .arg = "N", .summary = "at most so many (10000)" },
	{ .name = "transcodings",
	  .arg = "N",
	  .summary = "change the codec of at most so many m-lines at a time (100)" },
	{ .name = "user", .arg = "NAME", .summary = "whom to become when started as root (ringfort, else nobody)" },
	{ .name = "ready-fd", .arg = "N", .summary = "descriptor that gets one JSON line when it is ready" },
	{ 0 }
};

static const struct rf_cmd_opt stop_opts[] = {
	{ .name = "wait", .arg = "SECONDS", .summary = "how long sessions that run may go on (10)" }, { 0 }
};

const struct rf_cmd rf_cmd_relay[] = {
	{
		.name = "relay",
		.summary = "this machine's media relay; with --listen-ng: run one alone",
		.help = "Without options: what the relay of the site in DIR does. Exit status 0 when it is well, 1 when it is not, 3 when\n"
			"none runs. With --listen-ng: keeps a relay in the foreground that needs no site and speaks the NG protocol, in\n"
			"the place of rtpengine beside Kamailio or OpenSIPS; with -C DIR it can be asked "
			"(DIR/state/relay.sock).",
		.example = "ringfort relay --listen-ng 127.0.0.1:2223 --interface inside/10.0.0.1 --interface "
			   "outside/192.0.2.1!203.0.113.9",
		.opts = relay_opts,
		.run = relay,
	},
	{
		.name = "relay", .sub = "calls", .summary = "the sessions of the relay",
		.example = "ringfort -C /etc/ringfort relay calls",
		.run = calls,
	},
	{
		.name = "relay", .sub = "show", .args = "CALL-ID", .min_args = 1, .max_args = 1,
		.summary = "one session: streams, ciphers, loss, and what was refused",
		.help = "Exit status 1: no such session.",
		.example = "ringfort -C /etc/ringfort relay show 3848276298220188511@10.0.0.1", .run = show_call,
	},
	{
		.name = "relay", .sub = "stop", .summary = "end it with its last session", .opts = stop_opts,
		.help = "Nothing new is taken from now on. Asked a second time it ends at once.",
		.example = "ringfort -C /etc/ringfort relay stop --wait 600", .run = stop,
	},
	{ 0 }
};
