#include "role/wall_int.h"

#include "pki/id.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

struct rf_wall_wait {
	struct rf_wall_peer *peer;   /* NULL: its connection has ended */
	struct rf_wall_wait *next, **link;
	uint32_t id;
	uint32_t left;               /* tuples that the kernel has not done yet */
	uint32_t failed;             /* the first one that it did not take; UINT32_MAX: none */
};

/* --- answers */

static void say(struct rf_wall_peer *p, uint32_t id, const char *text)
{
	char line[160];
	int n = snprintf(line, sizeof line, "%u %s\n", id, text);

	(void)rf_stream_send(p->stream, rf_view_of(line, (size_t)n)); /* who does not read is closed by its own bound */
}

static void say_at(struct rf_wall_peer *p, uint32_t id, const char *why, uint32_t index)
{
	char text[64];

	snprintf(text, sizeof text, "no %s %u", why, index);
	say(p, id, text);
}

static void end_wait(struct rf_wall_wait *x)
{
	if (x->peer) {
		*x->link = x->next;
		if (x->next)
			x->next->link = x->link;
		x->peer->waiting--;
	}
	free(x);
}

void rf_wall_answer(struct rf_wall_wait *x, uint32_t failed)
{
	if (failed < x->failed)
		x->failed = failed;
	if (--x->left)
		return;
	if (x->peer && x->failed != UINT32_MAX)
		say_at(x->peer, x->id, "kernel", x->failed);
	else if (x->peer)
		say(x->peer, x->id, "ok");
	end_wait(x);
}

/* A refusal goes on record once a second and host: who asks for what it may not have is worth a look, a
 * thousand of them are one. */
static void record_refusal(struct rf_front *w, struct rf_wall_host *host, const char *peer, const char *why,
			   const struct rf_tuple *t)
{
	char text[160] = "";
	uint64_t second = rf_loop_now(w->loop).us / 1000000;
	struct rf_event e;

	w->counts.refused++;
	if (host && host->refused_second == second)
		return;
	if (host)
		host->refused_second = second;
	if (t)
		rf_tuple_text(t, text, sizeof text);
	rf_wall_event(w, &e, RF_EVENT_WALL_REFUSED);
	rf_event_cstr(&e, "what", "pinhole");
	rf_event_cstr(&e, "host", host ? host->name : "");
	rf_event_cstr(&e, "peer", peer);
	rf_event_cstr(&e, "why", why);
	rf_event_cstr(&e, "tuple", text);
	rf_ledger_post(w->ledger, &e);
}

static void refused(struct rf_wall_peer *p, const char *why, const struct rf_tuple *t)
{
	char text[RF_ADDR_TEXT];

	record_refusal(p->wall, p->host, rf_addr_text(rf_stream_remote(p->stream), text), why, t);
}

/* --- requests */

static void run_request(struct rf_wall_peer *p, const struct rf_wall_request *r)
{
	struct rf_wall_wait *x = p->waiting < RF_WALL_WAITING ? calloc(1, sizeof *x) : NULL;
	const char *rule = "";
	uint32_t index = 0;

	if (!x) {
		say(p, r->id, "no busy");
		return;
	}
	*x = (struct rf_wall_wait){ .peer = p, .next = p->waits, .link = &p->waits, .id = r->id, .left = (uint32_t)r->n,
				    .failed = UINT32_MAX };
	if (x->next)
		x->next->link = &x->next;
	p->waits = x;
	p->waiting++;
	int rc = rf_wall_pin_request(p->wall, p->host, r, x, &index, &rule);
	if (!rc)
		return;
	end_wait(x);
	if (rc == RF_E_DENIED) {
		refused(p, rule, &r->tuples[index]);
		say_at(p, r->id, "denied", index);
	} else if (rc == RF_E_NOT_FOUND) {
		say_at(p, r->id, "unknown", index);
	} else {
		if (rc == RF_E_LIMIT)
			refused(p, "too many pinholes are open", NULL);
		say(p, r->id, rc == RF_E_LIMIT ? "no limit" : "no busy");
	}
}

static void bad_line(struct rf_wall_peer *p, uint32_t id, const char *rule)
{
	char text[120];

	refused(p, rule, NULL);
	snprintf(text, sizeof text, "no malformed %s", rule);
	say(p, id, text);
	rf_stream_close(p->stream);
}

/* False: the connection ends. */
static bool one_line(struct rf_wall_peer *p, struct rf_view line)
{
	struct rf_wall_request r;
	const char *rule = "";

	if (rf_wall_line_parse(line, &r, &rule)) {
		bad_line(p, r.id, rule);
		return false;
	}
	if (r.verb == RF_WALL_PING)
		say(p, r.id, "ok");
	else
		run_request(p, &r);
	return true;
}

static size_t on_data(struct rf_stream *s, struct rf_view bytes)
{
	struct rf_wall_peer *p = rf_stream_arg(s);
	size_t used = 0;

	if (!p->host)
		return bytes.n;
	while (used < bytes.n) {
		struct rf_view rest = rf_view_from(bytes, used);
		size_t n = rf_view_find(rest, '\n');

		if (n == rest.n) {
			if (n < RF_WALL_LINE_MAX)
				return used;
			bad_line(p, 0, "the line is too long");
			return bytes.n;
		}
		used += n + 1;
		if (!one_line(p, rf_view_sub(rest, 0, n)))
			return bytes.n;
	}
	return used;
}

/* --- who it is */

const struct rf_site_host *rf_wall_host_of(const struct rf_front *w, struct rf_view name)
{
	const struct rf_site_host *h = rf_site_host(w->site, name);

	return h && h->roles & (RF_ROLE_BORDER | RF_ROLE_RELAY) ? h : NULL;
}

static bool names_ip(const struct rf_pki_id *id, const struct rf_site_ip *ip)
{
	char text[INET6_ADDRSTRLEN];

	return ip->family && inet_ntop(ip->family == 4 ? AF_INET : AF_INET6, ip->b, text, sizeof text) &&
	       rf_pki_id_names(id, rf_view_str(text));
}

static bool is_from(const struct rf_site_host *h, const struct rf_addr *a)
{
	const struct rf_site_ip *ip = a->family == 4 ? &h->address : &h->address6;

	return ip->family == a->family && memcmp(ip->b, a->ip, a->family == 4 ? 4 : 16) == 0;
}

/* All hosts of a site share its SIP domain; what tells them apart in a certificate is their address. A phone's has
 * none, and a trunk's authority is not ours. The connection must come from that address, too: a stolen key alone is not
 * enough. NULL with *ret_why, static. */
static const struct rf_site_host *who_is(const struct rf_front *w, const struct rf_pki_id *id,
					 const struct rf_addr *from, const char **ret_why)
{
	*ret_why = id ? rf_revoked_why_not(w->revoked, id, w->clock.wall(w->clock.ctx).us / 1000000) : "no certificate";
	if (**ret_why)
		return NULL;
	*ret_why = "no border or relay of this site";
	for (size_t i = 0; i < w->site->host_count && !id->urn[0]; i++) {
		const struct rf_site_host *h = &w->site->hosts[i];

		if (is_from(h, from) && (names_ip(id, &h->address) || names_ip(id, &h->address6)))
			return rf_wall_host_of(w, h->name);
	}
	return NULL;
}

static struct rf_wall_host *slot_of(struct rf_front *w, const struct rf_site_host *h)
{
	struct rf_wall_host *free_one = NULL;

	for (size_t i = 0; i < RF_WALL_HOSTS; i++) {
		if (rf_view_eq(rf_view_str(w->hosts[i].name), h->name))
			return &w->hosts[i];
		if (!w->hosts[i].name[0] && !free_one)
			free_one = &w->hosts[i];
	}
	if (!free_one || !rf_view_cstr(h->name, free_one->name, sizeof free_one->name))
		return NULL;
	return free_one;
}

/* --- connections */

static void on_open(struct rf_stream *s, const struct rf_pki_id *id)
{
	struct rf_wall_peer *p = rf_stream_arg(s);
	const char *why;
	const struct rf_site_host *h = who_is(p->wall, id, rf_stream_remote(s), &why);
	struct rf_wall_host *host = h ? slot_of(p->wall, h) : NULL;

	if (host && host->streams < RF_WALL_STREAMS_OF_HOST)
		p->id = malloc(sizeof *p->id);
	if (!p->id) {
		refused(p, host ? "too many connections of this host" : why, NULL);
		rf_stream_close(s);
		return;
	}
	*p->id = *id;
	p->open_us = rf_loop_now(p->wall->loop).us;
	p->host = host;
	LIST_INSERT_HEAD(&p->wall->peers, p, link);
	host->streams++;
	rf_wall_host_back(host);
	(void)rf_stream_send(s, RF_V(RF_WALL_HELLO));
}

/* Its host is not that any more, or its certificate says nothing any more. */
static void cut(struct rf_wall_peer *p, const char *why)
{
	refused(p, why, NULL);
	rf_wall_host_out(p->host);
	rf_stream_abort(p->stream);
}

void rf_wall_review(struct rf_front *w)
{
	uint64_t now = rf_loop_now(w->loop).us, age_max = w->site->sip.reauthenticate_s * 1000000ull;
	struct rf_wall_peer *p;
	const char *why;

	LIST_FOREACH(p, &w->peers, link) {
		uint64_t age = now - p->open_us;
		const struct rf_site_host *h = who_is(w, p->id, rf_stream_remote(p->stream), &why);

		if (!h || !rf_view_eq(h->name, rf_view_str(p->host->name)))
			cut(p, h ? "another host has its address" : why);
		else if (age > age_max && (!p->waiting || age > age_max + RF_WALL_LEAVE_US))
			rf_stream_close(p->stream); /* it comes again, and proves itself anew */
	}
}

static void on_accept(struct rf_stream *s, void *arg)
{
	struct rf_wall_peer *p = calloc(1, sizeof *p);

	rf_stream_set_arg(s, p);
	if (!p) {
		rf_stream_abort(s);
		return;
	}
	p->wall = arg;
	p->stream = s;
}

static void record_handshake(struct rf_wall_peer *p, const struct rf_stream_end *end)
{
	struct rf_event e;
	char text[RF_ADDR_TEXT];

	p->wall->counts.refused++;
	rf_wall_event(p->wall, &e, RF_EVENT_CONNECTION_REFUSED);
	rf_event_cstr(&e, "peer", rf_addr_text(rf_stream_remote(p->stream), text));
	rf_event_cstr(&e, "rule", rf_tls_fail_name(end->fail));
	rf_event_cstr(&e, "why", end->text);
	rf_ledger_post(p->wall->ledger, &e);
}

static void on_closed(struct rf_stream *s, const struct rf_stream_end *end)
{
	struct rf_wall_peer *p = rf_stream_arg(s);

	if (!p)
		return;
	if (end->why == RF_WHY_HANDSHAKE)
		record_handshake(p, end);
	for (struct rf_wall_wait *x = p->waits, *next; x; x = next) {
		next = x->next;
		x->peer = NULL;
	}
	if (p->host) {
		LIST_REMOVE(p, link);
		if (--p->host->streams == 0)
			rf_wall_host_lost(p->host);
	}
	free(p->id);
	free(p);
}

const struct rf_stream_ops rf_wall_stream_ops = {
	.on_accept = on_accept, .on_open = on_open, .on_data = on_data, .on_closed = on_closed,
};
