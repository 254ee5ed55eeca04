/* Blocks of memory that go round: one thread takes them, another one is done with them. free() there would need the
 * lock of the heap that the block came from, at the moment when its thread allocates; who sleeps with that lock, or is
 * interrupted, stops the other. So a block that is given back is kept, up to a bound, for whoever takes next. Any
 * thread; nobody ever waits: who meets another one inside uses the heap as if there were no stock. */
#ifndef RF_BASE_SPARE_H
#define RF_BASE_SPARE_H

#include <stdatomic.h>
#include <stddef.h>

struct rf_spare {
	atomic_flag inside;
	void *first;
	size_t count, cap;
	size_t size;      /* of every block in stock */
};

/* size: at least that of a pointer. cap 0: no stock. */
void rf_spare_init(struct rf_spare *s, size_t size, size_t cap);
/* Nobody uses it any more. Blocks that were not given back are their owner's, for free(). */
void rf_spare_fini(struct rf_spare *s);

/* n bytes, as malloc() gives them; NULL without memory. What is over the size of the stock comes from the heap. */
void *rf_spare_take(struct rf_spare *s, size_t n);
/* p with the n that it was taken for, from this stock or another one of the same size. NULL is fine. */
void rf_spare_give(struct rf_spare *s, void *p, size_t n);

#endif
