#include "call/call_int.h"

#include <stdlib.h>

/* Pieces of a party, gathered before they are copied into one block. */
enum { PIECES = 8 };

static int copy_all(struct rf_party *p, const struct rf_view from[static PIECES])
{
	struct rf_view *to[PIECES] = {
		&p->number, &p->display, &p->phone, &p->user, &p->location, &p->tls, &p->cipher, &p->serial,
	};
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
		  struct rf_view user, const struct rf_peer *from)
{
	const struct rf_dir_phone *ph = phone.n ? rf_directory_phone(dir, phone) : NULL;
	struct rf_view piece[PIECES] = { number, { NULL, 0 }, phone, user };
	char serial[2 * RF_PKI_SERIAL_MAX];
	struct rf_writer w;

	*p = (struct rf_party){ .memory = NULL };
	rf_writer_init(&w, serial, sizeof serial);
	if (ph && ph->site) {
		piece[1] = ph->site->label;
		piece[4] = ph->site->location_name;
	}
	if (from) {
		piece[5] = rf_view_str(from->tls_version);
		piece[6] = rf_view_str(from->tls_cipher);
		if (from->id && from->id->present)
			rf_put_hex(&w, from->id->serial, from->id->serial_len);
		piece[7] = rf_view_of(serial, w.n);
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
