/* A binding as bytes: a version, fixed fields big-endian, then each text behind its length. And a change, which is made
 * of them: bindings_int.h has its form. */
#include "store/bindings_int.h"

#include "base/reader.h"

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

void rf_record_be(uint8_t *dst, uint64_t x, size_t bytes)
{
	for (; bytes; x >>= 8)
		dst[--bytes] = (uint8_t)x;
}

/* x in that many bytes; returns what follows them. The caller has measured. */
static uint8_t *be(uint8_t *p, uint64_t x, size_t bytes)
{
	rf_record_be(p, x, bytes);
	return p + bytes;
}

/* A text behind its length. */
static uint8_t *text(uint8_t *p, struct rf_view v)
{
	p = be(p, v.n, 2);
	if (v.n)
		memcpy(p, v.p, v.n);
	return p + v.n;
}

void rf_record_put(uint8_t *dst, const struct rf_stored_binding *s)
{
	struct rf_view v[TEXTS];
	uint8_t *p = be(dst, RECORD_VERSION, 1);

	p = be(p, (uint64_t)s->since.us, 8);
	p = be(p, (uint64_t)s->refreshed.us, 8);
	p = be(p, s->cseq, 4);
	p = be(p, s->reg_id, 4);
	p = be(p, s->q_milli, 2);
	p = be(p, s->by_flow, 1);
	texts_of(s, v);
	for (size_t i = 0; i < TEXTS; i++)
		p = text(p, v[i]);
}

static bool too_long(const struct rf_stored_binding *s)
{
	/* Each length has two bytes; the sum has a bound of its own. */
	const struct rf_view v[] = {
		s->key, s->contact, s->call_id, s->instance, s->path, s->phone, s->user, s->agent
	};

	for (size_t i = 0; i < sizeof v / sizeof *v; i++)
		if (v[i].n > UINT16_MAX)
			return true;
	return s->flow.n > RF_BINDINGS_FLOW_MAX;
}

int rf_change_measure(struct rf_view aor, const struct rf_bindings_op *ops, size_t n, size_t *ret_bytes)
{
	size_t texts = aor.n, all = 2 + aor.n + n;

	if (n == 0 || n > RF_BINDINGS_OPS_MAX || aor.n > RF_BINDINGS_BYTES_MAX)
		return RF_E_LIMIT;
	for (size_t i = 0; i < n; i++) {
		if (ops[i].what == RF_BINDINGS_CLEAR)
			continue;
		if (too_long(ops[i].b))
			return RF_E_LIMIT;
		size_t record = ops[i].what == RF_BINDINGS_PUT ? rf_record_bytes(ops[i].b) : 0;

		texts += ops[i].b->key.n + record;
		all += 2 + ops[i].b->key.n + (record ? 8 + 2 + record : 0);
	}
	*ret_bytes = all;
	return texts > RF_BINDINGS_BYTES_MAX ? RF_E_LIMIT : 0;
}

void rf_change_put(uint8_t *dst, struct rf_view aor, const struct rf_bindings_op *ops, size_t n)
{
	static const uint8_t what[] = {
		[RF_BINDINGS_PUT] = RF_CHANGE_PUT, [RF_BINDINGS_REMOVE] = RF_CHANGE_REMOVE,
		[RF_BINDINGS_CLEAR] = RF_CHANGE_CLEAR,
	};
	uint8_t *p = text(dst, aor);

	for (size_t i = 0; i < n; i++) {
		p = be(p, what[ops[i].what], 1);
		if (ops[i].what == RF_BINDINGS_CLEAR)
			continue;
		p = text(p, ops[i].b->key);
		if (ops[i].what != RF_BINDINGS_PUT)
			continue;
		size_t record = rf_record_bytes(ops[i].b);

		p = be(p, (uint64_t)ops[i].b->expires.us, 8);
		p = be(p, record, 2);
		rf_record_put(p, ops[i].b);
		p += record;
	}
}

void rf_change_put_expire(uint8_t *dst, struct rf_wall when)
{
	be(be(be(dst, 0, 2), RF_CHANGE_EXPIRE, 1), (uint64_t)when.us, 8);
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
