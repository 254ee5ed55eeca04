#include "media/ng_stats.h"
#include "media/ng_stats_int.h"

/* Sticky error: what has the wrong type, and memory. */
struct reading {
	struct rf_arena *arena;
	int err;
};

static void fail(struct reading *rd, int err)
{
	if (!rd->err)
		rd->err = err;
}

/* A member of this type, or NULL; one of another type is an error. */
static const struct rf_ng_value *member(struct reading *rd, const struct rf_ng_value *dict, const char *key,
					enum rf_ng_type type)
{
	const struct rf_ng_value *v = rf_ng_get(dict, key);

	if (v && v->type != type) {
		fail(rd, RF_E_MALFORMED);
		return NULL;
	}
	return v;
}

static struct rf_view text(struct reading *rd, const struct rf_ng_value *dict, const char *key)
{
	const struct rf_ng_value *v = member(rd, dict, key, RF_NG_STRING);

	return v ? v->str : (struct rf_view){ NULL, 0 };
}

/* 0 or more; 0 where there is none. */
static uint64_t number(struct reading *rd, const struct rf_ng_value *dict, const char *key, int64_t max)
{
	const struct rf_ng_value *v = member(rd, dict, key, RF_NG_INT);

	if (v && (v->num < 0 || v->num > max)) {
		fail(rd, RF_E_MALFORMED);
		return 0;
	}
	return v ? (uint64_t)v->num : 0;
}

static uint32_t bits(struct reading *rd, const struct rf_ng_value *dict, const struct rf_ng_bit_name *names)
{
	const struct rf_ng_value *list = member(rd, dict, "flags", RF_NG_LIST);
	uint32_t flags = 0;

	for (const struct rf_ng_value *v = list ? list->first : NULL; v; v = v->next)
		for (const struct rf_ng_bit_name *n = names; v->type == RF_NG_STRING && n->name; n++)
			if (rf_view_eq(v->str, rf_view_str(n->name)))
				flags |= n->bit;
	return flags;
}

static void read_count(struct reading *rd, const struct rf_ng_value *dict, const char *key, struct rf_ng_count *ret)
{
	const struct rf_ng_value *v = member(rd, dict, key, RF_NG_DICT);

	*ret = (struct rf_ng_count){ .packets = number(rd, v, "packets", INT64_MAX),
				     .bytes = number(rd, v, "bytes", INT64_MAX),
				     .errors = number(rd, v, "errors", INT64_MAX) };
}

static void read_host(struct reading *rd, struct rf_view host, uint64_t port, struct rf_addr *ret)
{
	*ret = (struct rf_addr){ .family = 0 };
	if (!host.n)
		return;
	if (rf_addr_parse(host, 0, ret) < 0 || ret->port) {
		fail(rd, RF_E_MALFORMED);
		*ret = (struct rf_addr){ .family = 0 };
	} else {
		ret->port = (uint16_t)port;
	}
}

static void read_endpoint(struct reading *rd, const struct rf_ng_value *dict, const char *key, struct rf_addr *ret)
{
	const struct rf_ng_value *v = member(rd, dict, key, RF_NG_DICT);

	read_host(rd, text(rd, v, "address"), number(rd, v, "port", UINT16_MAX), ret);
}

static void read_stream(struct reading *rd, const struct rf_ng_value *v, void *to)
{
	struct rf_ng_stats_stream *s = to;

	read_host(rd, text(rd, v, "local address"), number(rd, v, "local port", UINT16_MAX), &s->local);
	read_endpoint(rd, v, "endpoint", &s->endpoint);
	read_endpoint(rd, v, "advertised endpoint", &s->advertised);
	s->suite = text(rd, v, "crypto suite");
	s->last_packet = (int64_t)number(rd, v, "last packet", INT64_MAX);
	s->ssrc = (uint32_t)number(rd, v, "SSRC", UINT32_MAX);
	s->flags = bits(rd, v, rf_ng_stream_flags);
	read_count(rd, v, "stats", &s->count);
}

/* An array of as many as the list or dictionary has, each read by one(). */
static void *read_all(struct reading *rd, const struct rf_ng_value *in, size_t size, size_t *ret_n,
		      void (*one)(struct reading *rd, const struct rf_ng_value *v, void *to))
{
	size_t n = in ? in->count : 0, i = 0;
	char *all = n && !rd->err ? rf_arena_array(rd->arena, n, size) : NULL;

	*ret_n = all ? n : 0;
	if (n && !all)
		fail(rd, -ENOMEM);
	for (const struct rf_ng_value *v = all ? in->first : NULL; v && !rd->err; v = v->next, i++) {
		if (v->type != RF_NG_DICT)
			fail(rd, RF_E_MALFORMED);
		one(rd, v, all + i * size);
	}
	return all;
}

static void read_media(struct reading *rd, const struct rf_ng_value *v, void *to)
{
	struct rf_ng_stats_media *m = to;

	m->index = (uint32_t)number(rd, v, "index", UINT32_MAX);
	m->type = text(rd, v, "type");
	m->protocol = text(rd, v, "protocol");
	m->codec = text(rd, v, "codec");
	m->dtls = text(rd, v, "dtls version");
	m->coded = text(rd, v, "transcoded to");
	m->flags = bits(rd, v, rf_ng_media_flags);
	m->streams =
		read_all(rd, member(rd, v, "streams", RF_NG_LIST), sizeof(*m->streams), &m->n_streams, read_stream);
}

static void read_subscription(struct reading *rd, const struct rf_ng_value *v, void *to)
{
	*(struct rf_view *)to = text(rd, v, "tag");
}

static void read_tag(struct reading *rd, const struct rf_ng_value *v, void *to)
{
	struct rf_ng_stats_tag *t = to;

	t->tag = v->key;
	t->label = text(rd, v, "label");
	t->via_branch = text(rd, v, "via-branch");
	t->in_dialogue_with = text(rd, v, "in dialogue with");
	t->created = (int64_t)number(rd, v, "created", INT64_MAX);
	t->medias = read_all(rd, member(rd, v, "medias", RF_NG_LIST), sizeof(*t->medias), &t->n_medias, read_media);
	t->subscriptions = read_all(rd, member(rd, v, "subscriptions", RF_NG_LIST), sizeof(*t->subscriptions),
				    &t->n_subscriptions, read_subscription);
}

static void read_mos(struct reading *rd, const struct rf_ng_value *dict, const char *key, struct rf_ng_mos *m)
{
	const struct rf_ng_value *v = member(rd, dict, key, RF_NG_DICT);

	*m = (struct rf_ng_mos){
		.mos = (uint32_t)number(rd, v, "MOS", UINT32_MAX),
		.rtt_us = (uint32_t)number(rd, v, "round-trip time", UINT32_MAX),
		.jitter = (uint32_t)number(rd, v, "jitter", UINT32_MAX),
		.loss = (uint32_t)number(rd, v, "packet loss", UINT32_MAX),
		.samples = (uint32_t)number(rd, v, "samples", UINT32_MAX),
		.at = (int64_t)number(rd, v, "reported at", INT64_MAX),
	};
}

static void read_ssrc(struct reading *rd, const struct rf_ng_value *v, void *to)
{
	struct rf_ng_stats_ssrc *s = to;

	if (!rf_view_u32(v->key, &s->ssrc))
		fail(rd, RF_E_MALFORMED);
	s->packets = number(rd, v, "packets", INT64_MAX);
	s->bytes = number(rd, v, "bytes", INT64_MAX);
	s->lost = (uint32_t)number(rd, v, "cumulative loss", UINT32_MAX);
	read_mos(rd, v, "average MOS", &s->average);
	read_mos(rd, v, "lowest MOS", &s->lowest);
	read_mos(rd, v, "highest MOS", &s->highest);
}

int rf_ng_stats_parse(const struct rf_ng_value *reply, struct rf_arena *arena, struct rf_ng_stats_call *c)
{
	struct reading rd = { .arena = arena };

	*c = (struct rf_ng_stats_call){ .created = (int64_t)number(&rd, reply, "created", INT64_MAX) };
	c->created_us = (uint32_t)number(&rd, reply, "created_us", 999999);
	c->last_signal = (int64_t)number(&rd, reply, "last signal", INT64_MAX);
	c->ssrcs = read_all(&rd, member(&rd, reply, "SSRC", RF_NG_DICT), sizeof(*c->ssrcs), &c->n_ssrcs, read_ssrc);
	c->tags = read_all(&rd, member(&rd, reply, "tags", RF_NG_DICT), sizeof(*c->tags), &c->n_tags, read_tag);
	const struct rf_ng_value *totals = member(&rd, reply, "totals", RF_NG_DICT);
	read_count(&rd, totals, "RTP", &c->rtp);
	read_count(&rd, totals, "RTCP", &c->rtcp);
	return rd.err;
}
