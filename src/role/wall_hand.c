#include "role/wall_int.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

/* --- bundles */

static void record_bundle(struct rf_front *w, enum rf_event_kind kind, uint64_t number, const char *by, const char *why)
{
	const struct rf_hand_state *s = &w->state;
	struct rf_event e;

	rf_wall_event(w, &e, kind);
	rf_event_u64(&e, "number", number);
	if (kind != RF_EVENT_WALL_REFUSED) {
		rf_event_cstr(&e, "bundle", s->bundle);
		rf_event_cstr(&e, "config", s->site);
		rf_event_time(&e, "signed", (struct rf_wall){ s->signed_us });
	}
	if (kind == RF_EVENT_WALL_APPLIED)
		rf_event_time(&e, "until", (struct rf_wall){ s->deadline_us });
	rf_event_cstr(&e, "by", by);
	rf_event_cstr(&e, "why", why);
	rf_ledger_post(w->ledger, &e);
}

/* bundle, in this event, is the one that is loaded again. */
static void told_reverted(struct rf_front *w)
{
	rf_log(w->log, RF_LOG_ERROR, "bundle %llu was taken back: %s", (unsigned long long)w->state.reverted,
	       w->state.reverted_why);
	record_bundle(w, RF_EVENT_WALL_REVERTED, w->state.reverted, NULL, w->state.reverted_why);
	w->state.reverted = 0;
}

void rf_wall_told_state(struct rf_front *w)
{
	if (w->state.reverted)
		told_reverted(w);
	rf_log(w->log, w->state.confirmed ? RF_LOG_INFO : RF_LOG_WARN, w->state.confirmed ? "bundle %.16s is loaded" :
	       "no bundle is loaded%s: `ringfort apply` loads one", w->state.confirmed ? w->state.bundle : "");
}

static void answered(struct rf_front *w, const struct rf_hand_message *m)
{
	uint32_t slot = m->head.id % RF_WALL_ASKED;
	struct rf_admin_request *r = w->asked[slot];
	const char *by = w->asked_by[slot];
	bool apply = m->head.what == RF_HAND_APPLY;

	w->asked[slot] = NULL;
	w->state = m->u.state;
	if (m->head.err) {
		record_bundle(w, RF_EVENT_WALL_REFUSED, 0, by, m->u.state.why);
		rf_log(w->log, RF_LOG_WARN, "not %s: %s", apply ? "applied" : "confirmed", m->u.state.why);
		if (r)
			rf_admin_refuse(r, "%s", m->u.state.why);
		return;
	}
	w->told_n = 0; /* the counters begin anew with the table */
	record_bundle(w, apply ? RF_EVENT_WALL_APPLIED : RF_EVENT_WALL_CONFIRMED, apply ? m->u.state.candidate :
		      m->u.state.confirmed, by, NULL);
	rf_log(w->log, RF_LOG_INFO, "bundle %.16s is %s", m->u.state.bundle,
	       apply ? "loaded and waits to be confirmed" : "confirmed");
	if (r)
		rf_wall_answer_json(r, rf_wall_status(w));
}

static void news(struct rf_front *w, const struct rf_hand_message *m)
{
	struct rf_event e;

	w->state = m->u.state;
	if (!m->head.err) {
		w->told_n = 0;
		if (w->state.reverted)
			told_reverted(w);
		return;
	}
	rf_log(w->log, RF_LOG_ERROR, "the rules before could not be loaded again: %s", m->u.state.why);
	rf_wall_event(w, &e, RF_EVENT_FAULT);
	rf_event_cstr(&e, "what", "taking a bundle back");
	rf_event_cstr(&e, "why", m->u.state.why);
	rf_ledger_post(w->ledger, &e);
}

int rf_wall_order(struct rf_front *w, enum rf_hand_what what, const struct rf_hand_order *order,
		  struct rf_admin_request *r, const char *by)
{
	uint32_t id = ++w->next_order ? w->next_order : ++w->next_order;
	uint32_t slot = id % RF_WALL_ASKED;

	if (w->asked[slot])
		return RF_E_BUSY;
	int rc = order ? rf_hand_apply(w->hand, id, order) : rf_hand_ask(w->hand, id, what);
	if (rc)
		return rc;
	w->asked[slot] = r;
	snprintf(w->asked_by[slot], sizeof w->asked_by[slot], "%s", by);
	return 0;
}

/* --- drops */

/* What a packet was, from its first bytes: who sent it chose them. */
static void packet_text(const struct rf_hand_drop *d, char *dst, size_t cap)
{
	char src[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN], ports[2][8] = { "", "" };
	bool v6 = d->n >= 40 && d->bytes[0] >> 4 == 6, v4 = d->n >= 20 && d->bytes[0] >> 4 == 4;
	size_t head = v6 ? 40 : (size_t)(d->bytes[0] & 15) * 4;
	uint8_t protocol = v6 ? d->bytes[6] : d->bytes[9];
	bool has_ports = protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
	bool later = v4 && ((d->bytes[6] & 0x1f) || d->bytes[7]); /* a fragment that is not the first */

	if (!v4 && !v6) {
		snprintf(dst, cap, "%u bytes that are no IP packet", d->n);
		return;
	}
	inet_ntop(v6 ? AF_INET6 : AF_INET, d->bytes + (v6 ? 8 : 12), src, sizeof src);
	inet_ntop(v6 ? AF_INET6 : AF_INET, d->bytes + (v6 ? 24 : 16), to, sizeof to);
	if (has_ports && !later && head >= 20 && head + 4 <= d->n)
		for (size_t i = 0; i < 2; i++)
			snprintf(ports[i], sizeof ports[i], " %u",
				 d->bytes[head + 2 * i] << 8 | d->bytes[head + 2 * i + 1]);
	snprintf(dst, cap, "%s%.0u %s%s > %s%s", protocol == IPPROTO_TCP ? "tcp" : protocol == IPPROTO_UDP ? "udp" :
		 protocol == IPPROTO_ICMP ? "icmp" : protocol == IPPROTO_ICMPV6 ? "icmpv6" : "protocol ",
		 has_ports || protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6 ? 0 : protocol, src, ports[0], to,
		 ports[1]);
}

static struct rf_wall_sample *sample_of(struct rf_front *w, const char *id)
{
	for (size_t i = 0; i < w->sample_n; i++)
		if (strcmp(w->samples[i].id, id) == 0)
			return &w->samples[i];
	return NULL;
}

static void sample(struct rf_front *w, const struct rf_hand_drop *d)
{
	struct rf_wall_sample *s = sample_of(w, d->id);

	if (!s && w->sample_n < RF_WALL_SAMPLES) {
		s = &w->samples[w->sample_n++];
		memcpy(s->id, d->id, sizeof s->id);
		s->id[sizeof s->id - 1] = '\0';
	}
	if (s)
		packet_text(d, s->packet, sizeof s->packet);
}

static void record_drops(struct rf_front *w, const struct rf_hand_counter *c, uint64_t packets, uint64_t bytes)
{
	const struct rf_wall_sample *s = sample_of(w, c->id);
	struct rf_event e;

	rf_wall_event(w, &e, RF_EVENT_WALL_DROPS);
	rf_event_cstr(&e, "rule", c->id);
	rf_event_u64(&e, "packets", packets);
	rf_event_u64(&e, "bytes", bytes);
	rf_event_u64(&e, "total", c->packets);
	rf_event_cstr(&e, "sample", s ? s->packet : NULL);
	rf_event_u64(&e, "interval_s", w->opt->drops_s ? w->opt->drops_s : RF_WALL_DROPS_S);
	rf_ledger_post(w->ledger, &e);
}

static void record_counters(struct rf_front *w, const struct rf_hand_counter *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool known = i < w->told_n && strcmp(w->told[i].id, v[i].id) == 0 &&
			     w->told[i].packets <= v[i].packets && w->told[i].bytes <= v[i].bytes;
		uint64_t packets = v[i].packets - (known ? w->told[i].packets : 0);

		if (packets)
			record_drops(w, &v[i], packets, v[i].bytes - (known ? w->told[i].bytes : 0));
	}
	memcpy(w->told, v, n * sizeof *v);
	w->told_n = n;
	w->sample_n = 0;
}

static void answer_counters(struct rf_admin_request *r, struct rf_front *w, const struct rf_hand_counter *v, size_t n)
{
	json_t *status = rf_wall_status(w), *list = json_array();

	for (size_t i = 0; i < n; i++)
		if (v[i].packets)
			json_array_append_new(list,
					      json_pack("{s:s,s:I,s:I}", "rule", v[i].id, "packets",
							(json_int_t)v[i].packets, "bytes", (json_int_t)v[i].bytes));
	json_object_set_new(status, "drops", list);
	rf_wall_answer_json(r, status);
}

/* Asked by a command, or by the interval, which has no request. */
static void counters(struct rf_front *w, const struct rf_hand_message *m)
{
	uint32_t slot = m->head.id % RF_WALL_ASKED;
	struct rf_admin_request *r = w->asked[slot];
	size_t n = m->head.err ? 0 : m->head.n;

	w->asked[slot] = NULL;
	if (r)
		answer_counters(r, w, m->u.counters, n);
	else
		record_counters(w, m->u.counters, n);
}

static void record_pinholes(struct rf_front *w)
{
	struct rf_wall_counts *a = &w->counts, *b = &w->counts_told;
	struct rf_event e;

	if (memcmp(a, b, sizeof *a) == 0)
		return;
	rf_wall_event(w, &e, RF_EVENT_WALL_PINHOLES);
	rf_event_u64(&e, "now", w->pins.count);
	rf_event_u64(&e, "opened", a->opened - b->opened);
	rf_event_u64(&e, "closed", a->closed - b->closed);
	rf_event_u64(&e, "expired", a->expired - b->expired);
	rf_event_u64(&e, "refused", a->refused - b->refused);
	rf_event_u64(&e, "failed", a->failed - b->failed);
	rf_ledger_post(w->ledger, &e);
	*b = *a;
}

void rf_wall_interval_fire(struct rf_timer *t)
{
	struct rf_front *w = rf_container(t, struct rf_front, interval);

	rf_timer_start(rf_loop_wheel(w->loop), t, (w->opt->drops_s ? w->opt->drops_s : RF_WALL_DROPS_S) * 1000);
	record_pinholes(w);
	(void)rf_wall_order(w, RF_HAND_COUNTERS, NULL, NULL, "interval"); /* busy: the next interval tells of both */
}

/* --- hearing */

static void dispatch(struct rf_front *w, const struct rf_hand_message *m)
{
	switch (m->head.what) {
	case RF_HAND_ELEMENTS:
		rf_wall_pins_done(w, m);
		break;
	case RF_HAND_COUNTERS:
		counters(w, m);
		break;
	case RF_HAND_DROP:
		sample(w, &m->u.drop);
		break;
	case RF_HAND_STATE:
		news(w, m);
		break;
	default:
		answered(w, m);
	}
}

void rf_wall_hear(void *arg, unsigned events)
{
	struct rf_front *w = arg;
	struct rf_event e;
	int rc = 0;

	(void)events;
	for (int i = 0; i < 64 && !rc; i++) {
		rc = rf_hand_receive(w->hand, w->in);
		if (!rc)
			dispatch(w, w->in);
	}
	if (rc != RF_E_CLOSED || w->hand_died)
		return;
	w->hand_died = true;
	rf_log(w->log, RF_LOG_ERROR,
	       "the wall's hand has died: its guard takes back what was not confirmed; the wall ends");
	rf_wall_event(w, &e, RF_EVENT_FAULT);
	rf_event_cstr(&e, "what", "hand");
	rf_event_cstr(&e, "why", "the wall's hand has died");
	rf_ledger_post(w->ledger, &e);
	rf_wall_stop(w, "the end of its hand");
}
