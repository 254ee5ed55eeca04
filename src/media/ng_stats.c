#include "media/ng_stats.h"

#include <stdio.h>

#include "media/ng.h"
#include "media/ng_out.h"
#include "media/ng_stats_int.h"

const struct rf_ng_bit_name rf_ng_stream_flags[] = {
	{ RF_NG_STREAM_RTP, "RTP" }, { RF_NG_STREAM_RTCP, "RTCP" }, { RF_NG_STREAM_FILLED, "filled" },
	{ RF_NG_STREAM_CONFIRMED, "confirmed" }, { RF_NG_STREAM_KERNELIZED, "kernelized" },
	{ RF_NG_STREAM_NO_KERNEL, "no kernel support" }, { 0, NULL },
};
const struct rf_ng_bit_name rf_ng_media_flags[] = {
	{ RF_NG_MEDIA_INITIALIZED, "initialized" }, { RF_NG_MEDIA_MUX, "rtcp-mux" }, { RF_NG_MEDIA_DTLS, "DTLS-SRTP" },
	{ RF_NG_MEDIA_SDES, "SDES" }, { RF_NG_MEDIA_PASSTHROUGH, "passthrough" }, { RF_NG_MEDIA_ICE, "ICE" },
	{ RF_NG_MEDIA_SEND, "send" }, { RF_NG_MEDIA_RECV, "recv" }, { 0, NULL },
};

static void key(struct rf_ng_out *o, const char *name)
{
	rf_ng_out_key(o, rf_view_str(name));
}

static void put_flags(struct rf_ng_out *o, uint32_t flags, const struct rf_ng_bit_name *names)
{
	key(o, "flags");
	rf_ng_out_list(o);
	for (; names->name; names++)
		if (flags & names->bit)
			rf_ng_out_str(o, rf_view_str(names->name));
	rf_ng_out_end(o);
}

static void put_count(struct rf_ng_out *o, const char *name, const struct rf_ng_count *c)
{
	key(o, name);
	rf_ng_out_dict(o);
	rf_ng_out_number(o, "bytes", (int64_t)c->bytes);
	rf_ng_out_number(o, "errors", (int64_t)c->errors);
	rf_ng_out_number(o, "packets", (int64_t)c->packets);
	rf_ng_out_end(o);
}

static void put_host(struct rf_ng_out *o, const char *name, const struct rf_addr *a)
{
	char text[RF_ADDR_TEXT];
	struct rf_writer w;

	rf_writer_init(&w, text, sizeof text);
	rf_addr_put_host(&w, a, false);
	rf_ng_out_member(o, name, rf_view_of(text, w.n));
}

static struct rf_view family(const struct rf_addr *a)
{
	return a->family == 4 ? RF_V("IPv4") : RF_V("IPv6");
}

static void put_endpoint(struct rf_ng_out *o, const char *name, const struct rf_addr *a)
{
	if (!a->family)
		return;
	key(o, name);
	rf_ng_out_dict(o);
	put_host(o, "address", a);
	rf_ng_out_member(o, "family", family(a));
	rf_ng_out_number(o, "port", a->port);
	rf_ng_out_end(o);
}

static void put_stream(struct rf_ng_out *o, const struct rf_ng_stats_stream *s)
{
	rf_ng_out_dict(o);
	if (s->ssrc)
		rf_ng_out_number(o, "SSRC", s->ssrc);
	put_endpoint(o, "advertised endpoint", &s->advertised);
	rf_ng_out_member(o, "crypto suite", s->suite);
	put_endpoint(o, "endpoint", &s->endpoint);
	if (s->local.family)
		rf_ng_out_member(o, "family", family(&s->local));
	put_flags(o, s->flags, rf_ng_stream_flags);
	rf_ng_out_number(o, "last packet", s->last_packet);
	if (s->local.family) {
		put_host(o, "local address", &s->local);
		rf_ng_out_number(o, "local port", s->local.port);
	}
	put_count(o, "stats", &s->count);
	rf_ng_out_end(o);
}

static void put_media(struct rf_ng_out *o, const struct rf_ng_stats_media *m)
{
	rf_ng_out_dict(o);
	rf_ng_out_member(o, "codec", m->codec);
	rf_ng_out_member(o, "dtls version", m->dtls);
	put_flags(o, m->flags, rf_ng_media_flags);
	rf_ng_out_number(o, "index", m->index);
	rf_ng_out_member(o, "protocol", m->protocol);
	key(o, "streams");
	rf_ng_out_list(o);
	for (size_t i = 0; i < m->n_streams; i++)
		put_stream(o, &m->streams[i]);
	rf_ng_out_end(o);
	rf_ng_out_member(o, "transcoded to", m->coded);
	rf_ng_out_member(o, "type", m->type);
	rf_ng_out_end(o);
}

static void put_subscriptions(struct rf_ng_out *o, const struct rf_ng_stats_tag *t)
{
	if (!t->n_subscriptions)
		return;
	key(o, "subscriptions");
	rf_ng_out_list(o);
	for (size_t i = 0; i < t->n_subscriptions; i++) {
		rf_ng_out_dict(o);
		rf_ng_out_member(o, "tag", t->subscriptions[i]);
		rf_ng_out_member(o, "type", RF_V("pub/sub"));
		rf_ng_out_end(o);
	}
	rf_ng_out_end(o);
}

static void put_tag(struct rf_ng_out *o, const struct rf_ng_stats_tag *t)
{
	rf_ng_out_key(o, t->tag);
	rf_ng_out_dict(o);
	rf_ng_out_number(o, "created", t->created);
	rf_ng_out_member(o, "in dialogue with", t->in_dialogue_with);
	rf_ng_out_member(o, "label", t->label);
	key(o, "medias");
	rf_ng_out_list(o);
	for (size_t i = 0; i < t->n_medias; i++)
		put_media(o, &t->medias[i]);
	rf_ng_out_end(o);
	put_subscriptions(o, t);
	key(o, "tag");
	rf_ng_out_str(o, t->tag);
	rf_ng_out_member(o, "via-branch", t->via_branch);
	rf_ng_out_end(o);
}

static void put_mos(struct rf_ng_out *o, const char *name, const struct rf_ng_mos *m, bool average)
{
	if (!m->mos)
		return;
	key(o, name);
	rf_ng_out_dict(o);
	rf_ng_out_number(o, "MOS", m->mos);
	rf_ng_out_number(o, "jitter", m->jitter);
	rf_ng_out_number(o, "packet loss", m->loss);
	if (!average)
		rf_ng_out_number(o, "reported at", m->at);
	rf_ng_out_number(o, "round-trip time", m->rtt_us);
	if (average)
		rf_ng_out_number(o, "samples", m->samples);
	rf_ng_out_end(o);
}

static void put_ssrc(struct rf_ng_out *o, const struct rf_ng_stats_ssrc *s)
{
	rf_ng_out_dict(o);
	put_mos(o, "average MOS", &s->average, true);
	rf_ng_out_number(o, "bytes", (int64_t)s->bytes);
	rf_ng_out_number(o, "cumulative loss", s->lost);
	put_mos(o, "highest MOS", &s->highest, false);
	put_mos(o, "lowest MOS", &s->lowest, false);
	rf_ng_out_number(o, "packets", (int64_t)s->packets);
	rf_ng_out_end(o);
}

/* Keys in the order of bytes, each once: the least that is greater than the last. There are few. */
static const struct rf_ng_stats_tag *next_tag(const struct rf_ng_stats_call *c, const struct rf_ng_stats_tag *last)
{
	const struct rf_ng_stats_tag *best = NULL;

	for (size_t i = 0; i < c->n_tags; i++) {
		const struct rf_ng_stats_tag *t = &c->tags[i];

		if ((!last || rf_view_cmp(t->tag, last->tag) > 0) && (!best || rf_view_cmp(t->tag, best->tag) < 0))
			best = t;
	}
	return best;
}

static int cmp_ssrc(uint32_t a, uint32_t b)
{
	char x[12], y[12];

	snprintf(x, sizeof x, "%u", (unsigned)a);
	snprintf(y, sizeof y, "%u", (unsigned)b);
	return strcmp(x, y);
}

static const struct rf_ng_stats_ssrc *next_ssrc(const struct rf_ng_stats_call *c, const struct rf_ng_stats_ssrc *last)
{
	const struct rf_ng_stats_ssrc *best = NULL;

	for (size_t i = 0; i < c->n_ssrcs; i++) {
		const struct rf_ng_stats_ssrc *s = &c->ssrcs[i];

		if ((!last || cmp_ssrc(s->ssrc, last->ssrc) > 0) && (!best || cmp_ssrc(s->ssrc, best->ssrc) < 0))
			best = s;
	}
	return best;
}

void rf_ng_stats_put_head(struct rf_ng_out *o, const struct rf_ng_stats_call *c)
{
	key(o, "SSRC");
	rf_ng_out_dict(o);
	for (const struct rf_ng_stats_ssrc *s = next_ssrc(c, NULL); s; s = next_ssrc(c, s)) {
		char text[12];

		snprintf(text, sizeof text, "%u", (unsigned)s->ssrc);
		key(o, text);
		put_ssrc(o, s);
	}
	rf_ng_out_end(o);
	rf_ng_out_number(o, "created", c->created);
	rf_ng_out_number(o, "created_us", c->created_us);
	rf_ng_out_number(o, "last signal", c->last_signal);
}

void rf_ng_stats_put_tail(struct rf_ng_out *o, const struct rf_ng_stats_call *c)
{
	key(o, "tags");
	rf_ng_out_dict(o);
	for (const struct rf_ng_stats_tag *t = next_tag(c, NULL); t; t = next_tag(c, t))
		put_tag(o, t);
	rf_ng_out_end(o);
	key(o, "totals");
	rf_ng_out_dict(o);
	put_count(o, "RTCP", &c->rtcp);
	put_count(o, "RTP", &c->rtp);
	rf_ng_out_end(o);
}

/* ---- of the relay */

struct number {
	const char *key;
	uint64_t value;
};

static void put_numbers(struct rf_ng_out *o, const struct number *n, size_t count)
{
	for (size_t i = 0; i < count; i++)
		rf_ng_out_number(o, n[i].key, (int64_t)n[i].value);
}
#define PUT_NUMBERS(o, array) put_numbers(o, array, sizeof array / sizeof *array)

static void put_current(struct rf_ng_out *o, const struct rf_ng_stats_relay *s)
{
	const struct number n[] = {
		{ "byterate", s->byte_rate },
		{ "errorrate", s->error_rate },
		{ "media_kernel", s->media_kernel },
		{ "media_mixed", s->media_mixed },
		{ "media_userspace", s->media_user },
		{ "packetrate", s->packet_rate },
		{ "sessionsforeign", 0 },
		{ "sessionsown", s->sessions },
		{ "sessionstotal", s->sessions },
		{ "transcodedmedia", s->transcoded },
	};

	key(o, "currentstatistics");
	rf_ng_out_dict(o);
	PUT_NUMBERS(o, n);
	rf_ng_out_end(o);
}

static void put_seconds(struct rf_ng_out *o, const char *name, uint64_t us)
{
	char text[48];
	int n = snprintf(text, sizeof text, "%llu.%06u", (unsigned long long)(us / 1000000), (unsigned)(us % 1000000));

	rf_ng_out_member(o, name, rf_view_of(text, (size_t)n));
}

static void put_total(struct rf_ng_out *o, const struct rf_ng_stats_relay *s)
{
	uint64_t ended = s->managed;
	const struct number a[] = {
		{ "finaltimeoutsessions", s->final_timeouts }, { "forcedterminatedsessions", s->forced },
		{ "managedsessions", s->managed }, { "offertimeoutsessions", s->offer_timeouts },
		{ "onewaystreams", s->one_way }, { "regularterminatedsessions", s->regular },
		{ "rejectedsessions", s->rejected }, { "relayedbytes", s->bytes_user + s->bytes_kernel },
		{ "relayedbytes_kernel", s->bytes_kernel }, { "relayedbytes_user", s->bytes_user },
		{ "relayedpacketerrors", s->errors_user + s->errors_kernel },
		{ "relayedpacketerrors_kernel", s->errors_kernel }, { "relayedpacketerrors_user", s->errors_user },
		{ "relayedpackets", s->packets_user + s->packets_kernel },
		{ "relayedpackets_kernel", s->packets_kernel }, { "relayedpackets_user", s->packets_user },
		{ "silenttimeoutsessions", s->silent }, { "timeoutsessions", s->timed_out },
	};
	char uptime[24];
	int n = snprintf(uptime, sizeof uptime, "%llu", (unsigned long long)s->uptime_s);

	key(o, "totalstatistics");
	rf_ng_out_dict(o);
	put_seconds(o, "avgcallduration", ended ? s->duration_us / ended : 0);
	PUT_NUMBERS(o, a);
	put_seconds(o, "totalcallsduration", s->duration_us);
	rf_ng_out_member(o, "uptime", rf_view_of(uptime, (size_t)n));
	rf_ng_out_number(o, "zerowaystreams", (int64_t)s->zero_way);
	rf_ng_out_end(o);
}

/* In the order of the keys. */
static const struct {
	const char *key;
	enum rf_ng_command command;
} control[] = {
	{ "totalanswercount", RF_NG_ANSWER },
	{ "totalblkdtmfcount", RF_NG_BLOCK_DTMF },
	{ "totalblkmedia", RF_NG_BLOCK_MEDIA },
	{ "totaldeletecount", RF_NG_DELETE },
	{ "totallistcount", RF_NG_LISTING },
	{ "totaloffercount", RF_NG_OFFER },
	{ "totalpingcount", RF_NG_PING },
	{ "totalplaydtmf", RF_NG_PLAY_DTMF },
	{ "totalplaymedia", RF_NG_PLAY_MEDIA },
	{ "totalquerycount", RF_NG_QUERY },
	{ "totalstatistics", RF_NG_STATISTICS },
	{ "totalstopmedia", RF_NG_STOP_MEDIA },
	{ "totalunblkdtmfcount", RF_NG_UNBLOCK_DTMF },
	{ "totalunblkmedia", RF_NG_UNBLOCK_MEDIA },
};

static void put_control(struct rf_ng_out *o, const struct rf_ng_stats_relay *s)
{
	_Static_assert(RF_NG_COMMANDS <= sizeof(s->commands) / sizeof(*s->commands), "one counter for each command");
	bool errors = false;

	key(o, "controlstatistics");
	rf_ng_out_dict(o);
	key(o, "proxies");
	rf_ng_out_list(o);
	rf_ng_out_end(o);
	for (size_t i = 0; i < sizeof control / sizeof *control; i++) {
		if (!errors && strcmp(control[i].key, "totalerrorcount") > 0) {
			rf_ng_out_number(o, "totalerrorcount", (int64_t)s->errors);
			errors = true;
		}
		rf_ng_out_number(o, control[i].key, (int64_t)s->commands[control[i].command]);
	}
	rf_ng_out_end(o);
}

void rf_ng_stats_put_relay(struct rf_ng_out *o, const struct rf_ng_stats_relay *s)
{
	rf_ng_out_dict(o);
	put_control(o, s);
	put_current(o, s);
	put_total(o, s);
	rf_ng_out_end(o);
}
