#include "kit.h"

#include "base/log.h"
#include "ledger/reader.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <cmocka.h>
#include <poll.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define REALM "voice.example.org"

static const struct {
	const char *name, *number;
} phones[KIT_PHONES] = {
	{ "ann", "1001" }, { "bob", "1002" }, { "cid", "1003" }, { "bob-2", "1002" }, { "eve", "1005" },
};

static struct rf_mono mono(void *ctx)
{
	return (struct rf_mono){ ((struct kit *)ctx)->now_us };
}

static struct rf_wall wall(void *ctx)
{
	const struct kit *k = ctx;

	return (struct rf_wall){ (int64_t)k->now_us + 1790000000000000 + k->date_moved_us };
}

/* --- certificates: who is at which port */

static struct phone *phone_at(struct kit *k, const struct rf_flow *flow)
{
	for (size_t i = 0; i < KIT_PHONES; i++)
		if (k->phone[i].port == flow->remote.port)
			return &k->phone[i];
	return NULL;
}

static void with_certificate(struct kit *k, const struct rf_peer *from, struct rf_peer *ret_peer)
{
	struct phone *p = phone_at(k, &from->flow);

	*ret_peer = *from;
	ret_peer->id = p && p->certificate ? &p->id : NULL;
	if (k->outer)
		ret_peer->flow.kind = RF_FLOW_TLS;
}

static void on_request(void *ctx, struct rf_srv *srv, const struct rf_sip_msg *msg, const struct rf_peer *from)
{
	struct kit *k = ctx;
	struct rf_peer peer;

	with_certificate(k, from, &peer);
	rf_call_core_user()->request(k->core, srv, msg, &peer);
}

static bool on_ack(void *ctx, struct rf_srv *srv, const struct rf_sip_msg *msg, const struct rf_peer *from)
{
	struct kit *k = ctx;
	struct rf_peer peer;

	with_certificate(k, from, &peer);
	return rf_call_core_user()->ack(k->core, srv, msg, &peer);
}

static bool is_urgent(void *ctx, const struct rf_sip_msg *msg, const struct rf_peer *from)
{
	struct kit *k = ctx;
	struct rf_peer peer;

	with_certificate(k, from, &peer);
	return rf_call_core_user()->urgent(k->core, msg, &peer);
}

static const struct rf_ua_user kit_user_table = { .request = on_request, .urgent = is_urgent, .ack = on_ack };

/* --- the site */

static void load_site(struct kit *k)
{
	char yaml[4096];
	bool plain = strcmp(k->level, "minimum") == 0;
	struct rf_findings findings;
	int n = snprintf(yaml, sizeof yaml, "site: t\ndomain: " REALM "\nlevel: %s\nzones:\n"
			 "  server: { vlan: 20, subnet: 127.0.0.0/24 }\n"
			 "hosts:\n  - { name: ctl, zone: server, address: 127.0.0.1, roles: [controller] }\n%sphones:\n", k->level,
			 k->more && strstr(k->more, "roaming:") ? /* phones come from outside through a border */
			 "  - { name: edge, zone: server, address: 127.0.0.60, roles: [border] }\n" : "");

	for (size_t i = 0; i < KIT_PHONES; i++)
		n += snprintf(yaml + n, sizeof yaml - (size_t)n, "  - { name: %s, number: %s%s }\n", phones[i].name,
			      phones[i].number, i == 1 || i == 2 ? ", pickup_group: sales" :
			      i == 0 ? ", precedence: dsn.flash-override" : "");
	if (plain)
		n += snprintf(yaml + n, sizeof yaml - (size_t)n,
			      "media: { encryption: optional }\ndeviations:\n"
			      "  - { mitigation: " RF_MIT_MEDIA
			      ", reason: test, approved_by: test, until: 2027-06-30 }\n");
	if (k->more)
		n += snprintf(yaml + n, sizeof yaml - (size_t)n, "%s", k->more);
	rf_findings_init(&findings);
	int rc = rf_site_parse(rf_view_of(yaml, (size_t)n), RF_V(""), "site.yaml", wall(k), &findings, &k->site);

	if (rc)
		rf_findings_print(&findings, stderr);
	assert_int_equal(rc, 0);
	rf_findings_fini(&findings);
}

static void make_phone(struct kit *k, size_t i)
{
	struct phone *p = &k->phone[i];
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof a;

	*p = (struct phone){ .kit = k, .name = phones[i].name, .number = phones[i].number, .certificate = true };
	p->inbox = calloc(KIT_INBOX, sizeof *p->inbox);
	p->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(p->fd, (struct sockaddr *)&a, sizeof a), 0);
	getsockname(p->fd, (struct sockaddr *)&a, &len);
	p->port = ntohs(a.sin_port);
	p->id = (struct rf_pki_id){
		.present = true, .serial_len = 2, .serial = { 1, (uint8_t)i }, .not_after_s = INT64_MAX
	};
	memset(p->id.sha256, (int)i + 1, sizeof p->id.sha256);
	char urn[RF_SITE_URN];

	rf_site_urn(k->site, rf_view_str(p->name), urn);
	memcpy(p->id.urn, urn, sizeof p->id.urn);
	snprintf(p->id.uri, sizeof p->id.uri, "sip:%s@" REALM, p->number);
	struct rf_store_cert c = {
		.serial = rf_pki_id_serial(&p->id), .phone = rf_view_str(p->name), .subject = rf_view_str(p->id.uri),
		.not_after = { INT64_MAX / 2 },
	};

	memcpy(c.sha256, p->id.sha256, sizeof c.sha256);
	struct rf_diag d;

	if (strcmp(p->name, "eve") != 0) /* nobody issued hers */
		assert_int_equal(rf_store_cert_add(k->store, &c, &d), 0);
}

static void start(struct kit *k)
{
	char path[128];
	struct rf_diag d = { .code = 0 };
	struct rf_hash_key key = { 1, 2 };
	size_t n;

	snprintf(path, sizeof path, "%s/bindings.log", k->dir);
	struct rf_bindings_options bindings = { .path = path };
	struct rf_loop_conf loop = { .clock = { mono, wall, k } };
	struct rf_location_limits limits = { 1000, k->site->sip.bindings_per_number };
	struct rf_call_config call = { .worker = 0, .random = &k->random, .directory = k->directory };
	struct rf_clock clock = { mono, wall, k };

	assert_int_equal(rf_bindings_start(&bindings, &k->bindings, &d), 0);
	assert_int_equal(rf_location_new(&limits, &key, &k->location), 0);
	rf_location_enter(k->location);
	assert_int_equal(rf_loop_new(&loop, &k->loop), 0);
	snprintf(path, sizeof path, "%s/settings.db", k->dir);
	assert_int_equal(rf_settings_start(path, &key, &k->settings, &d), 0);
	call.settings = k->settings;
	call.loop = k->loop;
	call.location = k->location;
	call.bindings = k->bindings;
	assert_int_equal(rf_call_load_bindings(k->location, k->bindings, &clock, &n), 0);
	assert_int_equal(rf_call_core_new(&call, &k->core), 0);
	struct rf_ua_listener listener = { .kind = RF_FLOW_UDP, .fd = -1 };

	assert_int_equal(rf_addr_parse(RF_V("127.0.0.1"), k->port, &listener.local), 0);
	struct rf_ua_config ua = {
		.workers = 1, .loop = k->loop, .random = &k->random, .hash_key = key, .listeners = &listener,
		.listener_count = 1, .user = &kit_user_table, .ctx = k,
	};

	ua.supported = rf_call_core_supported(false, &ua.supported_count);
	assert_int_equal(rf_ua_new(&ua, &k->ua, &d), 0);
	rf_call_core_attach(k->core, k->ua);
	k->port = rf_ua_local(k->ua, 0)->port;
}

static void stop(struct kit *k)
{
	rf_bindings_stop(k->bindings);
	rf_call_core_free(k->core);
	rf_ua_free(k->ua);
	rf_loop_free(k->loop);
	rf_settings_stop(k->settings);
	rf_location_leave(k->location);
	rf_location_free(k->location);
}

struct kit *kit_new(const char *level)
{
	return kit_new_with(level, NULL);
}

static void is_set(void *ctx, int rc, const struct rf_settings *now)
{
	(void)now;
	assert_int_equal(rc, 0);
	sem_post(ctx);
}

void kit_set(struct kit *k, const char *number, const struct rf_settings_change *change)
{
	sem_t done;

	sem_init(&done, 0, 0);
	assert_int_equal(rf_settings_change(k->settings, rf_view_str(number), change, is_set, &done), 0);
	while (sem_wait(&done))
		;
	sem_destroy(&done);
}

void kit_forward(struct kit *k, const char *number, enum rf_forward kind, const char *to)
{
	struct rf_settings_change c = { .fields = (unsigned)RF_SET_FORWARD << kind };

	snprintf(c.to.forward[kind], sizeof c.to.forward[kind], "%s", to);
	kit_set(k, number, &c);
}

struct kit *kit_new_with(const char *level, const char *more)
{
	struct kit *k = calloc(1, sizeof *k);
	char path[128];
	struct rf_diag d;

	k->now_us = 1000000000;
	k->level = level;
	k->more = more;
	rf_random_system(&k->random);
	snprintf(k->dir, sizeof k->dir, "/tmp/rf-call-XXXXXX");
	assert_non_null(mkdtemp(k->dir));
	snprintf(path, sizeof path, "%s/directory.db", k->dir);
	assert_int_equal(rf_store_open(path, true, &k->store, &d), 0);
	load_site(k);
	for (size_t i = 0; i < KIT_PHONES; i++)
		make_phone(k, i);
	assert_int_equal(rf_directory_new(k->site, k->store, &k->directory, &d), 0);
	start(k);
	return k;
}

void kit_restart(struct kit *k)
{
	stop(k);
	start(k);
}

void kit_free(struct kit *k)
{
	char cmd[128];

	if (k->ledger)
		free(kit_record(k));
	stop(k);
	rf_directory_put(k->directory);
	rf_site_put(k->site);
	rf_store_close(k->store);
	for (size_t i = 0; i < KIT_PHONES; i++) {
		close(k->phone[i].fd);
		free(k->phone[i].inbox);
	}
	snprintf(cmd, sizeof cmd, "rm -r %s", k->dir);
	assert_int_equal(system(cmd), 0);
	free(k);
}

void kit_reload(struct kit *k)
{
	struct rf_directory *d;
	struct rf_diag diag;

	assert_int_equal(rf_directory_new(k->site, k->store, &d, &diag), 0);
	rf_call_core_reload(k->core, d);
	rf_directory_put(k->directory);
	k->directory = d;
}

void kit_user(struct kit *k, const char *name, const char *number, const char *password)
{
	struct rf_store_user u = {
		.name = rf_view_str(name), .number = rf_view_str(number), .algs = RF_DIGEST_SHA_ONLY,
	};
	struct rf_digest_ctx *ctx;
	struct rf_diag d;

	assert_int_equal(rf_digest_ctx_new(&ctx), 0);
	for (unsigned a = 0; a < RF_DIGEST_MD5; a++)
		rf_digest_ha1(ctx, a, u.name, RF_V(REALM), rf_view_str(password), &u.ha1[a]);
	rf_digest_ctx_free(ctx);
	assert_int_equal(rf_store_user_add(k->store, &u, &d), 0);
	kit_reload(k);
}

/* --- the ledger */

void kit_ledger(struct kit *k)
{
	char path[128];
	struct rf_diag d;
	struct rf_ledger_options opt = { .clock = { mono, wall, k }, .batch_ms = 1 };

	snprintf(path, sizeof path, "%s/ledger", k->dir);
	assert_int_equal(rf_ledger_open(path, &opt, &k->ledger, &d), 0);
	assert_int_equal(rf_ledger_start(k->ledger), 0);
	k->core->ledger = k->ledger;
}

char *kit_record(struct kit *k)
{
	char path[128], *text = calloc(1, 1);
	struct rf_ledger_reader *r;
	struct rf_ledger_line line;
	struct rf_diag d;
	size_t n = 0;

	k->core->ledger = NULL;
	rf_ledger_free(k->ledger);
	k->ledger = NULL;
	snprintf(path, sizeof path, "%s/ledger", k->dir);
	assert_int_equal(rf_ledger_reader_new(path, &r, &d), 0);
	while (rf_ledger_reader_next(r, &line) == 0) {
		text = realloc(text, n + line.text.n + 2);
		assert_non_null(text);
		n += (size_t)sprintf(text + n, "%.*s\n", RF_VFMT(line.text));
	}
	rf_ledger_reader_free(r);
	return text;
}

size_t count_of(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *p = text; (p = strstr(p, what)); p++)
		n++;
	return n;
}

/* --- running */

static bool read_phone(struct phone *p)
{
	bool any = false;

	for (;;) {
		struct inbox_item *item = &p->inbox[p->in % KIT_INBOX];
		ssize_t n = recv(p->fd, item->bytes, sizeof item->bytes, 0);

		if (n <= 0)
			return any;
		assert_true(p->in - p->out < KIT_INBOX);
		item->n = (size_t)n;
		p->in++;
		any = true;
		if (getenv("KIT_TRACE"))
			fprintf(stderr, "<<< to %s\n%.*s\n", p->name, (int)n, item->bytes);
	}
}

static bool waits_for_disk(struct kit *k)
{
	struct rf_call_census c = rf_call_core_census(k->core);

	return c.registrations || c.features;
}

void kit_run(struct kit *k)
{
	for (int quiet = 0; quiet < 2;) {
		bool any = false;
		struct rf_loop_stats a, b;

		rf_loop_stats(k->loop, &a);
		rf_loop_turn(k->loop, 0);
		if (waits_for_disk(k))
			rf_loop_turn(k->loop, 5);
		for (size_t i = 0; i < KIT_PHONES; i++)
			any |= read_phone(&k->phone[i]);
		rf_loop_stats(k->loop, &b);
		quiet = any || waits_for_disk(k) || a.mails != b.mails || a.timers != b.timers ? 0
		: quiet + 1;
	}
}

void kit_wait(struct kit *k, uint64_t ms)
{
	while (ms) {
		uint64_t step = ms < 100 ? ms : 100;

		k->now_us += step * 1000;
		ms -= step;
		kit_run(k);
	}
}

void kit_census(struct kit *k)
{
	for (size_t i = 0; i < KIT_PHONES; i++)
		phone_forget(&k->phone[i]);
	for (int i = 0; i < 40; i++) {
		kit_wait(k, 2000);
		for (size_t n = 0; n < KIT_PHONES; n++)
			phone_forget(&k->phone[n]);
	}
	struct rf_call_census c = rf_call_core_census(k->core);

	assert_int_equal(c.calls, 0);
	assert_int_equal(c.pairs, 0);
	assert_int_equal(c.relays, 0);
	assert_int_equal(c.registrations, 0);
	assert_int_equal(c.joins, 0);
	assert_int_equal(c.transfers, 0);
	assert_int_equal(c.parked, 0);
	assert_int_equal(c.subscriptions, 0);
	assert_int_equal(c.messages, 0);
	assert_int_equal(k->core->legs.count, 0);
	assert_int_equal(k->core->flows.count, 0);
	assert_int_equal(k->core->by_number.count, 0);
}

void kit_lose(struct phone *p)
{
	struct kit *k = p->kit;
	struct rf_call *call;
	struct rf_pair *pair;
	struct rf_peer peer = { .id = NULL };

	/* UDP has no connections: find the legs' flow and report it, as a stream's end is reported */
	TAILQ_FOREACH(call, &k->core->calls, list)
		TAILQ_FOREACH(pair, &call->pairs, list)
			for (int i = 0; i < 2; i++) {
				struct rf_leg *leg = i ? pair->b : pair->a;

				if (!leg->dlg || leg->flow.remote.port != p->port)
					continue;
				peer.flow = leg->flow;
				if (!leg->flow_entered)
					leg->flow_entered =
						rf_table_add(&k->core->flows, &leg->by_flow,
							     rf_flow_hash(&k->core->hash_key, &leg->flow)) == 0;
			}
	if (peer.flow.kind)
		rf_call_core_user()->flow_closed(k->core, &peer, NULL);
	kit_run(k);
}

/* --- phones */

void phone_send(struct phone *p, const char *bytes, size_t n)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(p->kit->port),
	};

	if (getenv("KIT_TRACE"))
		fprintf(stderr, ">>> from %s\n%.*s\n", p->name, (int)n, bytes);
	assert_int_equal(sendto(p->fd, bytes, n, 0, (struct sockaddr *)&a, sizeof a), (ssize_t)n);
}

static void send_message(struct phone *p, const char *head, const char *extra, const char *body)
{
	char buf[KIT_MESSAGE];
	bool sdp = body && *body && !(extra && strstr(extra, "Content-Type:"));
	int n = snprintf(buf, sizeof buf, "%s%s%s%sContent-Length: %zu\r\n\r\n%s", head, extra ? extra : "",
			 p->authorization, sdp ? "Content-Type: application/sdp\r\n" : "", body ? strlen(body) : 0,
			 body ? body : "");

	p->authorization[0] = 0;
	phone_send(p, buf, (size_t)n);
	kit_run(p->kit);
}

static void uri_of(char dst[static 128], const char *who)
{
	snprintf(dst, 128, strchr(who, ':') ? "%s" : "sip:%s@" REALM, who);
}

static void put_request(struct phone *p, const char *method, const char *uri, const char *extra, const char *body)
{
	char head[2048], contact[128] = "";

	if (!extra || !strstr(extra, "Contact:") || strstr(extra, "*"))
		snprintf(contact, sizeof contact, "Contact: <sip:%s@127.0.0.1:%u>\r\n", p->number, p->port);
	snprintf(head, sizeof head,
		 "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:%u;rport;branch=z9hG4bK-%s-%u\r\nMax-Forwards: 70\r\n"
		 "From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %u %s\r\n%s",
		 method, uri, p->port, p->name, p->branch, p->local, p->remote, p->call_id, p->cseq, method, contact);
	send_message(p, head, extra, body);
}

void phone_request(struct phone *p, const char *method, const char *uri, const char *from, const char *to,
		   const char *extra, const char *body)
{
	char f[128], t[128], u[128];
	bool again = p->authorization[0];

	uri_of(f, from);
	uri_of(t, to);
	uri_of(u, uri);
	if (!again)
		snprintf(p->call_id, sizeof p->call_id, "%s-%llx@test", p->name,
			 (unsigned long long)rf_random_u64(&p->kit->random));
	snprintf(p->local, sizeof p->local, "<%s>;tag=%s-%u", f, p->name, ++p->branch);
	snprintf(p->remote, sizeof p->remote, "<%s>", t);
	p->cseq++;
	snprintf(p->target, sizeof p->target, "%s", u);
	put_request(p, method, u, extra, body);
}

void phone_in_dialog(struct phone *p, const char *method, const char *extra, const char *body)
{
	p->cseq++;
	p->branch++;
	put_request(p, method, p->target, extra, body);
}

void phone_ack(struct phone *p, const char *body)
{
	p->branch++;
	put_request(p, "ACK", p->target, NULL, body);
}

void phone_cancel(struct phone *p)
{
	char head[2048];

	snprintf(head, sizeof head,
		 "CANCEL %s SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:%u;rport;branch=z9hG4bK-%s-%u\r\nMax-Forwards: 70\r\n"
		 "From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %u CANCEL\r\n",
		 p->target, p->port, p->name, p->branch, p->local, p->remote, p->call_id, p->cseq);
	send_message(p, head, NULL, NULL);
}

static void copy_view(char *dst, size_t cap, struct rf_view v)
{
	snprintf(dst, cap, "%.*s", RF_VFMT(v));
}

static void take_contact(struct phone *p)
{
	struct rf_sip_addr a;

	if (rf_sip_msg_addr(&p->msg, RF_SIP_H_CONTACT, &a) == 0)
		copy_view(p->target, sizeof p->target, a.uri.text);
}

void phone_answer(struct phone *p, unsigned code, const char *extra, const char *body)
{
	struct rf_sip_msg *m = &p->msg;
	char head[4096], to[512];
	int n = snprintf(head, sizeof head, "SIP/2.0 %u X\r\n", code);

	for (const struct rf_sip_hdr *h = rf_sip_msg_hdr(m, RF_SIP_H_VIA); h; h = rf_sip_msg_hdr_next(m, h))
		n += snprintf(head + n, sizeof head - (size_t)n, "Via: %.*s\r\n", RF_VFMT(h->value));
	snprintf(to, sizeof to, m->to.tag.n || code == 100 ? "%.*s" : "%.*s;tag=%s", RF_VFMT(m->to.text), p->name);
	snprintf(head + n, sizeof head - (size_t)n,
		 "From: %.*s\r\nTo: %s\r\nCall-ID: %.*s\r\nCSeq: %u %.*s\r\nContact: <sip:%s@127.0.0.1:%u>\r\n",
		 RF_VFMT(m->from.text), to, RF_VFMT(m->call_id), m->cseq, RF_VFMT(m->cseq_method_name), p->number,
		 p->port);
	if (m->cseq_method == RF_SIP_INVITE && !m->to.tag.n) {
		copy_view(p->call_id, sizeof p->call_id, m->call_id);
		copy_view(p->remote, sizeof p->remote, m->from.text);
		snprintf(p->local, sizeof p->local, "%s", to);
		p->cseq = 100;
	}
	if (m->method == RF_SIP_INVITE)
		take_contact(p);
	send_message(p, head, extra, body);
}

static bool next(struct phone *p)
{
	if (p->in == p->out)
		kit_run(p->kit);
	if (p->in == p->out)
		return false;
	struct inbox_item *item = &p->inbox[p->out++ % KIT_INBOX];

	memcpy(p->bytes, item->bytes, item->n);
	assert_int_equal(rf_sip_msg_parse(&p->msg, rf_view_of(p->bytes, item->n), RF_SIP_DATAGRAM, NULL), 0);
	return true;
}

void phone_expect(struct phone *p, const char *method)
{
	if (!next(p))
		fail_msg("%s: nothing came, expected %s", p->name, method);
	if (!p->msg.is_request || !rf_view_eq(p->msg.method_name, rf_view_str(method)))
		fail_msg("%s: expected %s, got\n%.300s", p->name, method, p->bytes);
}

void phone_expect_status(struct phone *p, unsigned code)
{
	do {
		if (!next(p))
			fail_msg("%s: nothing came, expected %u", p->name, code);
	} while (!p->msg.is_request && p->msg.status == 100 && code != 100);
	if (p->msg.is_request || p->msg.status != code)
		fail_msg("%s: expected %u, got\n%.300s", p->name, code, p->bytes);
	if (p->msg.to.tag.n && p->msg.cseq_method == RF_SIP_INVITE && code < 300) {
		copy_view(p->remote, sizeof p->remote, p->msg.to.text);
		take_contact(p);
	}
}

void phone_silent(struct phone *p)
{
	if (next(p))
		fail_msg("%s: expected nothing, got\n%.300s", p->name, p->bytes);
}

void phone_forget(struct phone *p)
{
	p->out = p->in;
}

bool phone_has(struct phone *p, const char *text)
{
	return memmem(p->bytes, p->msg.bytes.n, text, strlen(text)) != NULL;
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool phone_names(struct phone *p, const char *number)
{
	const char *text = p->bytes, *end = text + p->msg.bytes.n, *at = text;
	size_t n = strlen(number);

	while ((at = memmem(at, (size_t)(end - at), number, n))) {
		if ((at == text || !is_hex(at[-1])) && (at + n == end || !is_hex(at[n])))
			return true;
		at++;
	}
	return false;
}

struct password {
	struct rf_digest_ctx *ctx;
	struct rf_digest_ha1 ha1;
};

static int respond(void *arg, const struct rf_digest_cred *cred, struct rf_view method, struct rf_view body,
		   char ret_hex[static 2 * RF_DIGEST_HASH_MAX])
{
	struct password *p = arg;

	return rf_digest_response(p->ctx, cred, &p->ha1, method, body, ret_hex);
}

void phone_digest(struct phone *p, const char *user, const char *password, const char *method, const char *uri)
{
	struct rf_digest_login login = { .alg = RF_DIGEST_SHA256 };
	struct rf_digest_challenge ch[4];
	struct password secret;
	struct rf_writer w;
	char u[128];
	size_t n = 0;
	bool www = p->msg.status == 401;

	uri_of(u, uri);
	enum rf_sip_hid id = www ? RF_SIP_H_WWW_AUTHENTICATE : RF_SIP_H_PROXY_AUTHENTICATE;

	for (const struct rf_sip_hdr *h = rf_sip_msg_hdr(&p->msg, id); h && n < 4; h = rf_sip_msg_hdr_next(&p->msg, h))
		n += rf_digest_challenge_parse(h->value, &ch[n]) == 0;
	assert_true(n > 0);
	assert_int_equal(rf_digest_ctx_new(&secret.ctx), 0);
	assert_int_equal(rf_digest_login_begin(&login, ch, n, RF_DIGEST_SHA_ONLY, &p->kit->random), 0);
	rf_digest_ha1(secret.ctx, login.alg, rf_view_str(user), RF_V(REALM), rf_view_str(password), &secret.ha1);
	rf_writer_init(&w, p->authorization, sizeof p->authorization - 1);
	rf_put_fmt(&w, "%s: ", www ? "Authorization" : "Proxy-Authorization");
	assert_int_equal(rf_digest_login_put(&login, rf_view_str(user), respond, &secret, rf_view_str(method),
					     rf_view_str(u), RF_V(""), &w), 0);
	rf_put_lit(&w, "\r\n");
	p->authorization[w.n] = 0;
	rf_digest_ctx_free(secret.ctx);
}

void phone_register(struct phone *p)
{
	phone_request(p, "REGISTER", "sip:" REALM, p->number, p->number, "Expires: 600\r\n", NULL);
	phone_expect_status(p, 200);
}

void call_up(struct phone *a, struct phone *b, const char *offer, const char *answer)
{
	phone_request(a, "INVITE", b->number, a->number, b->number, "Allow: INVITE, ACK, BYE, UPDATE\r\n", offer);
	phone_expect(b, "INVITE");
	phone_answer(b, 180, NULL, NULL);
	phone_expect_status(a, 180);
	phone_answer(b, 200, "Allow: INVITE, ACK, BYE, UPDATE\r\n", answer);
	phone_expect_status(a, 200);
	phone_ack(a, offer ? NULL : answer);
	phone_expect(b, "ACK");
}

void call_down(struct phone *a, struct phone *b)
{
	phone_in_dialog(a, "BYE", NULL, NULL);
	phone_expect_status(a, 200);
	phone_expect(b, "BYE");
	phone_answer(b, 200, NULL, NULL);
}
