/* Addresses that walls are told to drop: a short list, looked through from the front. */
#include "role/pinbook_int.h"

#include "net/addr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_over(const struct rf_pinbook *b, const struct pin_block *x)
{
	return x->until_us <= b->now_us || (x->lifted && x->told == (1u << b->conf.walls) - 1);
}

static struct pin_block *place_for(struct rf_pinbook *b, const struct rf_tuple *address)
{
	struct pin_block *free_one = NULL;

	for (size_t i = 0; i < b->blocks_n; i++) {
		struct pin_block *x = &b->blocks[i];

		if (x->until_us && memcmp(&x->address, address, sizeof *address) == 0)
			return x;
		if (!free_one && (!x->until_us || is_over(b, x)))
			free_one = x;
	}
	if (!free_one && b->blocks_n < RF_PIN_BLOCKS_MAX)
		free_one = &b->blocks[b->blocks_n++];
	return free_one;
}

int rf_pinbook_block(struct rf_pinbook *b, const struct rf_tuple *address, uint32_t seconds, struct rf_mono now)
{
	b->now_us = now.us;
	if (!b->blocks)
		b->blocks = calloc(RF_PIN_BLOCKS_MAX, sizeof *b->blocks);
	struct pin_block *x = b->blocks ? place_for(b, address) : NULL;

	if (!x)
		return RF_E_LIMIT;
	bool known = x->until_us && memcmp(&x->address, address, sizeof *address) == 0;

	if (!seconds && !known)
		return 0;
	x->address = *address;
	x->lifted = !seconds;
	x->told = 0;
	if (seconds)
		x->until_us = now.us + seconds * 1000000ull;
	return 0;
}

static size_t put_address(const struct rf_tuple *t, char *dst, size_t cap)
{
	struct rf_addr a = { .family = t->family };
	struct rf_writer w;

	memcpy(a.ip, t->src, sizeof a.ip);
	rf_writer_init(&w, dst, cap);
	rf_addr_put_host(&w, &a, false);
	return w.n;
}

size_t pin_block_line(struct rf_pinbook *b, unsigned wall, uint32_t id, enum rf_wall_verb *ret_verb, char *dst,
		      size_t cap)
{
	for (size_t i = 0; i < b->blocks_n; i++) {
		struct pin_block *x = &b->blocks[i];

		if (!x->until_us || x->told >> wall & 1)
			continue;
		if (is_over(b, x)) {
			x->until_us = 0;
			continue;
		}
		uint64_t left = (x->until_us - b->now_us + 999999) / 1000000;
		int n = x->lifted ? snprintf(dst, cap, "%u unblock ", id) :
				    snprintf(dst, cap, "%u block %llu ", id, (unsigned long long)left);

		x->told |= (uint8_t)(1u << wall);
		*ret_verb = x->lifted ? RF_WALL_UNBLOCK : RF_WALL_BLOCK;
		return (size_t)n + put_address(&x->address, dst + n, cap - (size_t)n);
	}
	return 0;
}

void pin_block_forget(struct rf_pinbook *b, unsigned wall)
{
	for (size_t i = 0; i < b->blocks_n; i++)
		b->blocks[i].told &= (uint8_t)~(1u << wall);
}
