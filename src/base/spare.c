#include "base/spare.h"

#include <stdbool.h>
#include <stdlib.h>

void rf_spare_init(struct rf_spare *s, size_t size, size_t cap)
{
	*s = (struct rf_spare){ .inside = ATOMIC_FLAG_INIT, .size = size, .cap = cap };
}

void rf_spare_fini(struct rf_spare *s)
{
	while (s->first) {
		void *next = *(void **)s->first;

		free(s->first);
		s->first = next;
	}
	s->count = 0;
}

static bool enter(struct rf_spare *s)
{
	return !atomic_flag_test_and_set_explicit(&s->inside, memory_order_acquire);
}

static void leave(struct rf_spare *s)
{
	atomic_flag_clear_explicit(&s->inside, memory_order_release);
}

void *rf_spare_take(struct rf_spare *s, size_t n)
{
	void *p = NULL;

	if (n > s->size)
		return malloc(n);
	if (enter(s)) {
		p = s->first;
		if (p) {
			s->first = *(void **)p;
			s->count--;
		}
		leave(s);
	}
	return p ? p : malloc(s->size);
}

void rf_spare_give(struct rf_spare *s, void *p, size_t n)
{
	if (p && n <= s->size && enter(s)) {
		bool kept = s->count < s->cap;

		if (kept) {
			*(void **)p = s->first;
			s->first = p;
			s->count++;
		}
		leave(s);
		if (kept)
			return;
	}
	free(p);
}
