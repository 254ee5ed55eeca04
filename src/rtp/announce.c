#include "rtp/announce.h"

#include "base/reader.h"

#include <assert.h>

struct out {
	uint8_t *at;
};

static void put(struct out *w, uint32_t x, unsigned bytes)
{
	while (bytes--)
		*w->at++ = (uint8_t)(x >> 8 * bytes);
}

static void put_bytes(struct out *w, const uint8_t *p, size_t n)
{
	memcpy(w->at, p, n);
	w->at += n;
}

void rf_announce_put_order(const struct rf_announce_order *o, uint8_t dst[static RF_ANNOUNCE_ORDER_BYTES])
{
	struct out w = { dst };

	put(&w, o->what, 1);
	put(&w, o->id, 4);
	put(&w, o->tone, 1);
	put(&w, o->code, 1);
	put(&w, o->type, 1);
	put(&w, o->dscp, 1);
	put(&w, o->socket, 1);
	put(&w, o->family, 1);
	put_bytes(&w, o->ip, sizeof o->ip);
	put(&w, o->scope, 4);
	put(&w, o->port, 2);
	put(&w, o->ms, 2);
	put(&w, o->seq, 2);
	put(&w, o->timestamp, 4);
	put(&w, o->ssrc, 4);
	put(&w, o->suite, 1);
	put_bytes(&w, o->key, sizeof o->key);
	assert(w.at == dst + RF_ANNOUNCE_ORDER_BYTES);
}

static bool sound(const struct rf_announce_order *o)
{
	if (o->what == RF_ANNOUNCE_STOP)
		return true;
	return o->what == RF_ANNOUNCE_PLAY && o->tone < RF_TONES && o->code < RF_TONE_CODES && o->type < 128 &&
	       o->dscp < 64 && o->socket < RF_ANNOUNCE_SOCKETS && (o->family == 4 || o->family == 6) && o->port &&
	       o->ms && o->ms <= RF_ANNOUNCE_MS_MAX && o->suite < RF_SRTP_SUITES;
}

int rf_announce_parse_order(struct rf_view bytes, struct rf_announce_order *ret_o)
{
	struct rf_reader r = rf_reader_of(bytes);

	*ret_o = (struct rf_announce_order){ .what = rf_take_u8(&r) };
	ret_o->id = rf_take_be32(&r);
	if (bytes.n != RF_ANNOUNCE_ORDER_BYTES)
		return RF_E_MALFORMED;
	ret_o->tone = rf_take_u8(&r);
	ret_o->code = rf_take_u8(&r);
	ret_o->type = rf_take_u8(&r);
	ret_o->dscp = rf_take_u8(&r);
	ret_o->socket = rf_take_u8(&r);
	ret_o->family = rf_take_u8(&r);
	memcpy(ret_o->ip, rf_take(&r, sizeof ret_o->ip).p, sizeof ret_o->ip);
	ret_o->scope = rf_take_be32(&r);
	ret_o->port = rf_take_be16(&r);
	ret_o->ms = rf_take_be16(&r);
	ret_o->seq = rf_take_be16(&r);
	ret_o->timestamp = rf_take_be32(&r);
	ret_o->ssrc = rf_take_be32(&r);
	ret_o->suite = rf_take_u8(&r);
	memcpy(ret_o->key, rf_take(&r, sizeof ret_o->key).p, sizeof ret_o->key);
	return !rf_reader_end(&r) && sound(ret_o) ? 0 : RF_E_MALFORMED;
}

void rf_announce_put_report(const struct rf_announce_report *rep, uint8_t dst[static RF_ANNOUNCE_REPORT_BYTES])
{
	struct out w = { dst };

	put(&w, RF_ANNOUNCE_ENDED, 1);
	put(&w, rep->id, 4);
	put(&w, rep->why, 1);
	put(&w, rep->packets, 2);
}

int rf_announce_parse_report(struct rf_view bytes, struct rf_announce_report *ret_r)
{
	struct rf_reader r = rf_reader_of(bytes);
	uint8_t what = rf_take_u8(&r);

	ret_r->id = rf_take_be32(&r);
	ret_r->why = rf_take_u8(&r);
	ret_r->packets = rf_take_be16(&r);
	return rf_reader_end(&r) || what != RF_ANNOUNCE_ENDED || ret_r->why >= RF_ANNOUNCE_WHYS ? RF_E_MALFORMED : 0;
}
