#include "call/call_int.h"

#include <stdlib.h>

/* Pieces of a party, gathered before they are copied into one block. */
enum { PIECES = 5 };

struct rf_party *rf_party_new(const struct rf_directory *dir, struct rf_view number, struct rf_view phone,
			      struct rf_view user)
{
	const struct rf_dir_phone *ph = phone.n ? rf_directory_phone(dir, phone) : NULL;
	struct rf_view from[PIECES] = { number, { NULL, 0 }, phone, user };
	size_t n = 0;

	if (ph && ph->site) {
		from[1] = ph->site->label;
		from[4] = ph->site->location_name;
	}
	for (size_t i = 0; i < PIECES; i++)
		n += from[i].n;
	struct rf_party *p = malloc(sizeof *p + n);

	if (!p)
		return NULL;
	struct rf_view *to[PIECES] = { &p->number, &p->display, &p->phone, &p->user, &p->location };
	uint8_t *b = (uint8_t *)(p + 1);

	p->refs = 1;
	for (size_t i = 0; i < PIECES; i++) {
		if (from[i].n)
			memcpy(b, from[i].p, from[i].n);
		*to[i] = rf_view_of(b, from[i].n);
		b += from[i].n;
	}
	return p;
}

struct rf_party *rf_party_get(struct rf_party *p)
{
	p->refs++;
	return p;
}

void rf_party_put(struct rf_party *p)
{
	if (p && --p->refs == 0)
		free(p);
}

bool rf_party_is(const struct rf_party *p, const struct rf_proof *proof)
{
	if (p->phone.n)
		return proof->phone && rf_view_eq(proof->phone->name, p->phone);
	return p->user.n && proof->user && rf_view_eq(proof->user->name, p->user);
}
