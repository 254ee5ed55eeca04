/* A binding as bytes: a version, fixed fields big-endian, then each text behind its length. */
#include "store/bindings_int.h"

#include "base/reader.h"
#include "base/writer.h"

enum { RECORD_VERSION = 1, FIXED = 1 + 8 + 8 + 4 + 4 + 2 + 1, TEXTS = 8 };

static void texts_of(const struct rf_stored_binding *s, struct rf_view v[static TEXTS])
{
	const struct rf_view all[TEXTS] = {
		s->contact, s->call_id, s->instance, s->path, s->phone, s->user, s->agent, s->flow,
	};

	memcpy(v, all, sizeof all);
}

size_t rf_record_bytes(const struct rf_stored_binding *s)
{
	struct rf_view v[TEXTS];
	size_t n = FIXED;

	texts_of(s, v);
	for (size_t i = 0; i < TEXTS; i++)
		n += 2 + v[i].n;
	return n;
}

static void put_be(struct rf_writer *w, uint64_t x, size_t bytes)
{
	while (bytes--)
		rf_put_byte(w, (uint8_t)(x >> 8 * bytes));
}

void rf_record_put(uint8_t *dst, const struct rf_stored_binding *s)
{
	struct rf_view v[TEXTS];
	struct rf_writer w;

	rf_writer_init(&w, dst, rf_record_bytes(s));
	put_be(&w, RECORD_VERSION, 1);
	put_be(&w, (uint64_t)s->since.us, 8);
	put_be(&w, (uint64_t)s->refreshed.us, 8);
	put_be(&w, s->cseq, 4);
	put_be(&w, s->reg_id, 4);
	put_be(&w, s->q_milli, 2);
	put_be(&w, s->by_flow, 1);
	texts_of(s, v);
	for (size_t i = 0; i < TEXTS; i++) {
		put_be(&w, v[i].n, 2);
		rf_put(&w, v[i]);
	}
}

static uint64_t take_be64(struct rf_reader *r)
{
	uint64_t high = rf_take_be32(r);

	return high << 32 | rf_take_be32(r);
}

int rf_record_get(struct rf_view record, struct rf_stored_binding *ret_s)
{
	struct rf_reader r = rf_reader_of(record);
	struct rf_stored_binding s = { .key = ret_s->key, .expires = ret_s->expires };
	struct rf_view *const v[TEXTS] = {
		&s.contact, &s.call_id, &s.instance, &s.path, &s.phone, &s.user, &s.agent, &s.flow,
	};

	if (rf_take_u8(&r) != RECORD_VERSION)
		return RF_E_CORRUPT;
	s.since.us = (int64_t)take_be64(&r);
	s.refreshed.us = (int64_t)take_be64(&r);
	s.cseq = rf_take_be32(&r);
	s.reg_id = rf_take_be32(&r);
	s.q_milli = rf_take_be16(&r);
	s.by_flow = rf_take_u8(&r) != 0;
	for (size_t i = 0; i < TEXTS; i++)
		*v[i] = rf_take(&r, rf_take_be16(&r));
	if (rf_reader_end(&r))
		return RF_E_CORRUPT;
	*ret_s = s;
	return 0;
}
