#include "call/call_int.h"

#include <stdlib.h>

/* Pieces of a party, gathered before they are copied into one block. */
enum { PIECES = 5 };

static int copy_all(struct rf_party *p, const struct rf_view from[static PIECES])
{
	struct rf_view *to[PIECES] = { &p->number, &p->display, &p->phone, &p->user, &p->location };
	size_t n = 1;

	for (size_t i = 0; i < PIECES; i++)
		n += from[i].n;
	uint8_t *b = malloc(n);

	if (!b)
		return -ENOMEM;
	p->memory = b;
	for (size_t i = 0; i < PIECES; i++) {
		if (from[i].n)
			memcpy(b, from[i].p, from[i].n);
		*to[i] = rf_view_of(b, from[i].n);
		b += from[i].n;
	}
	return 0;
}

int rf_party_init(struct rf_party *p, const struct rf_directory *dir, struct rf_view number, struct rf_view phone,
		  struct rf_view user)
{
	const struct rf_dir_phone *ph = phone.n ? rf_directory_phone(dir, phone) : NULL;
	struct rf_view piece[PIECES] = { number, { NULL, 0 }, phone, user };

	*p = (struct rf_party){ .memory = NULL };
	if (ph && ph->site) {
		piece[1] = ph->site->label;
		piece[4] = ph->site->location_name;
	}
	return copy_all(p, piece);
}

void rf_party_fini(struct rf_party *p)
{
	free(p->memory);
	*p = (struct rf_party){ .memory = NULL };
}

bool rf_party_is(const struct rf_party *p, const struct rf_proof *proof)
{
	if (p->phone.n)
		return proof->phone && rf_view_eq(proof->phone->name, p->phone);
	return p->user.n && proof->user && rf_view_eq(proof->user->name, p->user);
}
