/* From the bytes of a log of bindings to the bindings. The index is an array of entries, as many as there are puts, in
 * chains by AOR: clearing an AOR is a walk along its chain, and what is removed leaves it, so that chains stay as
 * short as AORs have bindings. It lies in memory of its own, mapped and unmapped whole, so that reading a large file
 * leaves nothing behind in the heap. */
#include "store/bindings_int.h"

#include "base/reader.h"

#include <sys/mman.h>

static const struct rf_hash_key slot_key = { 0x72666269, 0x6e64696e }; /* who may write here may write anything */

static uint64_t take_be64(struct rf_reader *r)
{
	uint64_t high = rf_take_be32(r);

	return high << 32 | rf_take_be32(r);
}

uint64_t rf_log_sum(uint64_t salt, uint64_t after, struct rf_view length_and_body)
{
	const struct rf_hash_key key = { salt, after };

	return rf_hash(&key, length_and_body);
}

/* --- pass one: which records count, and how many puts there are */

struct op {
	enum rf_change_what what;
	struct rf_view key, record;
	int64_t expires_us;
};

static int take_op(struct rf_reader *r, struct op *ret_op)
{
	uint8_t what = rf_take_u8(r);
	struct op op = { .what = what };

	if (what > RF_CHANGE_EXPIRE)
		return RF_E_CORRUPT;
	if (what == RF_CHANGE_PUT || what == RF_CHANGE_REMOVE)
		op.key = rf_take(r, rf_take_be16(r));
	if (what == RF_CHANGE_PUT || what == RF_CHANGE_EXPIRE)
		op.expires_us = (int64_t)take_be64(r);
	if (what == RF_CHANGE_PUT)
		op.record = rf_take(r, rf_take_be16(r));
	*ret_op = op;
	return r->err ? RF_E_CORRUPT : 0;
}

/* A whole record that its sum fits, or false: the end of what counts. */
static bool take_record(struct rf_reader *r, uint64_t salt, uint64_t *sum, struct rf_view *ret_body)
{
	struct rf_reader at = *r;
	uint64_t said = take_be64(&at);
	const uint8_t *summed = at.p;
	uint32_t n = rf_take_be32(&at);

	if (at.err || n > RF_LOG_BODY_MAX || n > rf_left(&at))
		return false;
	struct rf_view body = rf_take(&at, n);
	if (rf_log_sum(salt, *sum, rf_view_of(summed, 4 + (size_t)n)) != said)
		return false;
	*sum = said;
	*ret_body = body;
	*r = at;
	return true;
}

static int count_puts(struct rf_view body, size_t *puts)
{
	struct rf_reader r = rf_reader_of(body);
	struct op op;
	int rc = 0;

	rf_take(&r, rf_take_be16(&r));
	if (r.err || !rf_left(&r))
		return RF_E_CORRUPT;
	while (!rc && rf_left(&r)) {
		rc = take_op(&r, &op);
		*puts += !rc && op.what == RF_CHANGE_PUT;
	}
	return rc;
}

/* --- pass two */

static uint32_t *slot_of(struct rf_replay *r, struct rf_view aor)
{
	return &r->slots[rf_hash(&slot_key, aor) & r->mask];
}

static void drop(struct rf_replay *r, uint32_t *link)
{
	uint32_t i = *link;
	struct rf_replay_entry *e = &r->entries[i - 1];

	*link = e->next;
	e->next = r->free;
	r->free = i;
	r->live--;
}

static uint32_t *find(struct rf_replay *r, struct rf_view aor, struct rf_view key)
{
	uint32_t *link = slot_of(r, aor);

	for (; *link; link = &r->entries[*link - 1].next) {
		const struct rf_replay_entry *e = &r->entries[*link - 1];

		if (rf_view_eq(e->aor, aor) && rf_view_eq(e->key, key))
			break;
	}
	return link;
}

static void put(struct rf_replay *r, struct rf_view aor, const struct op *op)
{
	uint32_t *link = find(r, aor, op->key);

	if (!*link) {
		uint32_t i = r->free;

		if (i)
			r->free = r->entries[i - 1].next;
		else
			i = (uint32_t)++r->used; /* pass one counted all puts */
		r->entries[i - 1].next = 0;
		*link = i;
		r->live++;
	}
	struct rf_replay_entry *e = &r->entries[*link - 1];

	*e = (struct rf_replay_entry){ aor, op->key, op->record, op->expires_us, e->next };
}

static void clear(struct rf_replay *r, struct rf_view aor)
{
	for (uint32_t *link = slot_of(r, aor); *link;)
		if (rf_view_eq(r->entries[*link - 1].aor, aor))
			drop(r, link);
		else
			link = &r->entries[*link - 1].next;
}

static void expire(struct rf_replay *r, int64_t when_us)
{
	for (size_t i = 0; i <= r->mask; i++)
		for (uint32_t *link = &r->slots[i]; *link;)
			if (r->entries[*link - 1].expires_us < when_us)
				drop(r, link);
			else
				link = &r->entries[*link - 1].next;
}

static void apply(struct rf_replay *r, struct rf_view body)
{
	struct rf_reader at = rf_reader_of(body);
	struct rf_view aor = rf_take(&at, rf_take_be16(&at));
	struct op op;

	while (rf_left(&at) && take_op(&at, &op) == 0) {
		if (op.what == RF_CHANGE_PUT) {
			put(r, aor, &op);
		} else if (op.what == RF_CHANGE_REMOVE) {
			uint32_t *link = find(r, aor, op.key);

			if (*link)
				drop(r, link);
		} else if (op.what == RF_CHANGE_CLEAR) {
			clear(r, aor);
		} else {
			expire(r, op.expires_us);
		}
	}
}

/* --- both */

static int make_index(struct rf_replay *r, size_t puts)
{
	size_t slots = 64;

	while (slots < puts && slots < UINT32_MAX / 2)
		slots *= 2;
	if (puts >= UINT32_MAX)
		return -ENOMEM;
	r->map_bytes = puts * sizeof *r->entries + slots * sizeof *r->slots;
	r->map = mmap(NULL, r->map_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (r->map == MAP_FAILED) {
		r->map = NULL;
		return -ENOMEM;
	}
	r->entries = r->map;
	r->slots = (uint32_t *)(void *)((uint8_t *)r->map + puts * sizeof *r->entries);
	r->capacity = puts;
	r->mask = slots - 1;
	return 0;
}

static struct rf_reader begin(struct rf_view file, uint64_t *ret_salt)
{
	struct rf_reader r = rf_reader_of(file);
	struct rf_view magic = rf_take(&r, 8);

	if (!rf_view_eq(magic, RF_V("RFBINDL1")))
		r.err = RF_E_CORRUPT;
	*ret_salt = take_be64(&r);
	return r;
}

int rf_replay(struct rf_view file, struct rf_replay *ret_r)
{
	struct rf_replay r = { 0 };
	struct rf_reader at = begin(file, &r.salt), again = at;
	struct rf_view body;
	size_t puts = 0;

	if (at.err)
		return RF_E_CORRUPT;
	while (take_record(&at, r.salt, &r.sum, &body)) {
		if (count_puts(body, &puts))
			return RF_E_CORRUPT;
		r.records++;
	}
	r.good = (size_t)(at.p - file.p);
	int rc = make_index(&r, puts);
	if (rc)
		return rc;
	for (size_t i = 0; i < r.records; i++) {
		rf_take(&again, 8); /* its sum, which fits */
		apply(&r, rf_take(&again, rf_take_be32(&again)));
	}
	*ret_r = r;
	return 0;
}

int rf_replay_each(const struct rf_replay *r, int (*visit)(void *ctx, const struct rf_replay_entry *e), void *ctx)
{
	int rc = 0;

	for (size_t i = 0; i <= r->mask && !rc; i++)
		for (uint32_t k = r->slots[i]; k && !rc; k = r->entries[k - 1].next)
			rc = visit(ctx, &r->entries[k - 1]);
	return rc;
}

void rf_replay_free(struct rf_replay *r)
{
	if (r->map)
		munmap(r->map, r->map_bytes);
	*r = (struct rf_replay){ 0 };
}
