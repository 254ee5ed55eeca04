#include "loop/timer.h"

/* Slots hold windows that are aligned, not relative: a timer is in the near level when its tick has the same upper
 * bits as the wheel's, in the first far level when it shares all but the next six, and so on. So the slots at and below
 * the wheel's own position in a level are empty, except slot 0 of the coarsest level, which keeps what lies beyond the
 * level's reach until the wheel passes into its next window. */

enum { NEAR_BITS = 8, FAR_BITS = 6, TOP = RF_WHEEL_LEVELS - 1 };

#define FOREVER_MS ((uint64_t)1 << 40) /* 34 years: keeps sums far from overflow */

/* The bits of a tick below far level `level`. */
static unsigned shift_of(int level)
{
	return NEAR_BITS + FAR_BITS * (unsigned)level;
}

static unsigned far_slot(uint64_t tick, int level)
{
	return tick >> shift_of(level) & (RF_WHEEL_FAR - 1);
}

void rf_wheel_init(struct rf_wheel *w, struct rf_mono now)
{
	*w = (struct rf_wheel){ .now = now, .tick = now.us / 1000 };
	w->ready_end = &w->ready;
}

void rf_timer_init(struct rf_timer *t, void (*fire)(struct rf_timer *t))
{
	*t = (struct rf_timer){ .fire = fire };
}

static void push(struct rf_timer **head, struct rf_timer *t)
{
	t->next = *head;
	if (t->next)
		t->next->link = &t->next;
	*head = t;
	t->link = head;
}

/* t->at_ms is not before w->tick. */
static void insert(struct rf_wheel *w, struct rf_timer *t)
{
	if (t->at_ms >> NEAR_BITS == w->tick >> NEAR_BITS) {
		unsigned slot = t->at_ms & (RF_WHEEL_NEAR - 1);

		w->near_used[slot / 64] |= UINT64_C(1) << slot % 64;
		push(&w->near[slot], t);
		return;
	}
	for (int level = 0; level <= TOP; level++)
		if (t->at_ms >> shift_of(level + 1) == w->tick >> shift_of(level + 1)) {
			unsigned slot = far_slot(t->at_ms, level);

			w->far_used[level] |= UINT64_C(1) << slot;
			push(&w->far[level][slot], t);
			return;
		}
	w->far_used[TOP] |= 1;
	push(&w->far[TOP][0], t);
}

/* t was the only timer of the slot whose head is link: the slot's bit goes, so that rf_wheel_next() stays exact. */
static void forget_slot(struct rf_wheel *w, struct rf_timer **link)
{
	uintptr_t at = (uintptr_t)link, near = (uintptr_t)w->near, far = (uintptr_t)w->far;

	if (at - near < sizeof w->near) {
		size_t slot = (at - near) / sizeof *link;

		w->near_used[slot / 64] &= ~(UINT64_C(1) << slot % 64);
	} else if (at - far < sizeof w->far) {
		size_t slot = (at - far) / sizeof *link;

		w->far_used[slot / RF_WHEEL_FAR] &= ~(UINT64_C(1) << slot % RF_WHEEL_FAR);
	}
}

void rf_timer_stop(struct rf_wheel *w, struct rf_timer *t)
{
	if (!t->link)
		return;
	if (w->ready_end == &t->next)
		w->ready_end = t->link;
	*t->link = t->next;
	if (t->next)
		t->next->link = t->link;
	else
		forget_slot(w, t->link);
	t->link = NULL;
	t->next = NULL;
	w->count--;
}

void rf_timer_start_at(struct rf_wheel *w, struct rf_timer *t, struct rf_mono at)
{
	uint64_t at_ms = at.us / 1000 + (at.us % 1000 != 0);

	rf_timer_stop(w, t);
	t->at_ms = at_ms > w->tick ? at_ms : w->tick + 1;
	insert(w, t);
	w->count++;
}

void rf_timer_start(struct rf_wheel *w, struct rf_timer *t, uint64_t delay_ms)
{
	rf_timer_start_at(w, t, rf_mono_add_ms(w->now, delay_ms < FOREVER_MS ? delay_ms : FOREVER_MS));
}

/* The first near slot in use behind the wheel's position, -1 for none. */
static int next_near(const struct rf_wheel *w)
{
	unsigned from = (w->tick & (RF_WHEEL_NEAR - 1)) + 1;

	for (unsigned i = from / 64; i < RF_WHEEL_NEAR / 64; i++) {
		uint64_t bits = w->near_used[i];

		if (i == from / 64)
			bits &= ~UINT64_C(0) << from % 64;
		if (bits)
			return (int)(i * 64) + __builtin_ctzll(bits);
	}
	return -1;
}

/* The next tick at which something is in the wheel: a timer's own, or the start of a coarse slot in use. 0: nothing. */
static uint64_t next_tick(const struct rf_wheel *w)
{
	int near = next_near(w);

	if (near >= 0)
		return (w->tick & ~(uint64_t)(RF_WHEEL_NEAR - 1)) + (uint64_t)near;
	for (int level = 0; level <= TOP; level++) {
		unsigned here = far_slot(w->tick, level);
		uint64_t bits = here == RF_WHEEL_FAR - 1 ? 0 : w->far_used[level] & ~UINT64_C(0) << (here + 1);

		if (bits) {
			uint64_t window = w->tick >> shift_of(level + 1) << shift_of(level + 1);

			return window + ((uint64_t)__builtin_ctzll(bits) << shift_of(level));
		}
	}
	return w->far_used[TOP] & 1 ? ((w->tick >> shift_of(TOP + 1)) + 1) << shift_of(TOP + 1) : 0;
}

static void cascade(struct rf_wheel *w, int level)
{
	unsigned slot = far_slot(w->tick, level);
	struct rf_timer *t = w->far[level][slot];

	w->far[level][slot] = NULL;
	w->far_used[level] &= ~(UINT64_C(1) << slot);
	while (t) {
		struct rf_timer *next = t->next;

		insert(w, t);
		t = next;
	}
}

/* The wheel has come to a tick: coarse slots that begin here are spread, the near slot becomes ready. */
static void arrive(struct rf_wheel *w)
{
	for (int level = TOP; level >= 0; level--)
		if ((w->tick & ((UINT64_C(1) << shift_of(level)) - 1)) == 0)
			cascade(w, level);
	unsigned slot = w->tick & (RF_WHEEL_NEAR - 1);
	struct rf_timer *t = w->near[slot];

	if (!t)
		return;
	w->near[slot] = NULL;
	w->near_used[slot / 64] &= ~(UINT64_C(1) << slot % 64);
	*w->ready_end = t;
	t->link = w->ready_end;
	while (t->next)
		t = t->next;
	w->ready_end = &t->next;
}

void rf_wheel_touch(struct rf_wheel *w, struct rf_mono now)
{
	if (now.us > w->now.us)
		w->now = now;
}

size_t rf_wheel_advance(struct rf_wheel *w, struct rf_mono now, size_t most)
{
	rf_wheel_touch(w, now);
	uint64_t target = w->now.us / 1000, next;

	while (w->tick < target) {
		next = next_tick(w);
		w->tick = next && next <= target ? next : target;
		if (w->tick == next)
			arrive(w);
	}
	size_t fired = 0, due = most ? most : SIZE_MAX;

	while (w->ready && fired < due) {
		struct rf_timer *t = w->ready;

		rf_timer_stop(w, t);
		fired++;
		t->fire(t);
	}
	return fired;
}

bool rf_wheel_next(const struct rf_wheel *w, struct rf_mono *ret_at)
{
	if (w->ready) {
		*ret_at = w->now;
		return true;
	}
	uint64_t next = next_tick(w);

	if (next)
		*ret_at = (struct rf_mono){ next * 1000 };
	return next != 0;
}
