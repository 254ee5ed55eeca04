#include "call/callbacks.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	struct rf_mono until;          /* 0: free */
	uint8_t elin_n, number_n;
	uint8_t elin[RF_CALLBACK_NUMBER_MAX], number[RF_CALLBACK_NUMBER_MAX];
};

/* Emergency calls are rare: a row of entries is looked through in a few microseconds. */
struct rf_callbacks {
	pthread_mutex_t lock;
	struct entry entry[RF_CALLBACKS_MAX];
};

struct rf_callbacks *rf_callbacks_new(void)
{
	struct rf_callbacks *c = calloc(1, sizeof *c);

	if (c)
		pthread_mutex_init(&c->lock, NULL);
	return c;
}

void rf_callbacks_free(struct rf_callbacks *c)
{
	if (!c)
		return;
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static bool is(const struct entry *e, struct rf_view elin)
{
	return rf_view_eq(rf_view_of(e->elin, e->elin_n), elin);
}

/* Its own place, else a free or an over one, else the one that ends first. */
static struct entry *place(struct rf_callbacks *c, struct rf_view elin)
{
	struct entry *first = &c->entry[0];

	for (size_t i = 0; i < RF_CALLBACKS_MAX; i++) {
		struct entry *e = &c->entry[i];

		if (e->until.us && is(e, elin))
			return e;
		if (e->until.us < first->until.us)
			first = e;
	}
	return first;
}

void rf_callbacks_keep(struct rf_callbacks *c, struct rf_view elin, struct rf_view number, struct rf_mono now,
		       struct rf_mono until)
{
	if (!elin.n || elin.n > RF_CALLBACK_NUMBER_MAX || number.n > RF_CALLBACK_NUMBER_MAX || until.us <= now.us)
		return;
	pthread_mutex_lock(&c->lock);
	struct entry *e = place(c, elin);

	*e = (struct entry){ .until = until, .elin_n = (uint8_t)elin.n, .number_n = (uint8_t)number.n };
	memcpy(e->elin, elin.p, elin.n);
	if (number.n)
		memcpy(e->number, number.p, number.n);
	pthread_mutex_unlock(&c->lock);
}

bool rf_callbacks_find(struct rf_callbacks *c, struct rf_view elin, struct rf_mono now,
		       uint8_t buf[static RF_CALLBACK_NUMBER_MAX], struct rf_view *ret_number)
{
	bool found = false;

	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < RF_CALLBACKS_MAX && !found; i++) {
		const struct entry *e = &c->entry[i];

		if (e->until.us <= now.us || !is(e, elin))
			continue;
		memcpy(buf, e->number, e->number_n);
		*ret_number = rf_view_of(buf, e->number_n);
		found = true;
	}
	pthread_mutex_unlock(&c->lock);
	return found;
}

size_t rf_callbacks_count(struct rf_callbacks *c, struct rf_mono now)
{
	size_t n = 0;

	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < RF_CALLBACKS_MAX; i++)
		n += c->entry[i].until.us > now.us;
	pthread_mutex_unlock(&c->lock);
	return n;
}
