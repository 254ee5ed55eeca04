#include "call/call_int.h"
#include "call/trunk.h"

#include <stdlib.h>

/* Pieces of a party, gathered before they are copied into one block. */
enum { NUMBER, DISPLAY, PHONE, USER, LOCATION, TRUNK, HOST, SHOWN, PIECES };

static struct rf_party *make(const struct rf_view from[static PIECES])
{
	size_t n = 0;

	for (size_t i = 0; i < PIECES; i++)
		n += from[i].n;
	struct rf_party *p = calloc(1, sizeof *p + n);

	if (!p)
		return NULL;
	struct rf_view *to[PIECES] = { &p->number, &p->display, &p->phone, &p->user, &p->location, &p->trunk, &p->host,
					&p->shown };
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

struct rf_party *rf_party_new(const struct rf_directory *dir, struct rf_view number, struct rf_view phone,
			      struct rf_view user)
{
	const struct rf_dir_phone *ph = phone.n ? rf_directory_phone(dir, phone) : NULL;
	struct rf_view from[PIECES] = { [NUMBER] = number, [PHONE] = phone, [USER] = user };

	if (ph && ph->site) {
		from[DISPLAY] = ph->site->label;
		from[LOCATION] = ph->site->location_name;
	}
	return make(from);
}

/* Where it is nobody knows: no location. */
struct rf_party *rf_party_new_roaming(const struct rf_dir_phone *phone, struct rf_view host)
{
	return make((struct rf_view[PIECES]){ [NUMBER] = phone->number, [PHONE] = phone->name, [HOST] = host,
					      [DISPLAY] = phone->site ? phone->site->label : RF_V("") });
}

struct rf_party *rf_party_of(const struct rf_call_core *core, const struct rf_proof *proof)
{
	struct rf_view none = { NULL, 0 };

	if (proof->host && proof->phone)
		return rf_party_new_roaming(proof->phone, proof->host->name);
	return rf_party_new(core->directory, rf_proof_number(proof), proof->phone ? proof->phone->name : none,
			    proof->user ? proof->user->name : none);
}

struct rf_party *rf_party_new_far(const struct rf_far *far)
{
	return make((struct rf_view[PIECES]){ [NUMBER] = far->number, [DISPLAY] = far->display, [TRUNK] = far->trunk,
					      [HOST] = far->host, [SHOWN] = far->shown });
}

struct rf_party *rf_party_new_named(struct rf_view number, struct rf_view display)
{
	return make((struct rf_view[PIECES]){ [NUMBER] = number, [DISPLAY] = display });
}

struct rf_party *rf_party_get(struct rf_party *p)
{
	p->refs++;
	return p;
}

void rf_party_put(struct rf_party *p)
{
	if (!p || --p->refs)
		return;
	rf_trunk_give_channel(p);
	free(p);
}

bool rf_party_is(const struct rf_party *p, const struct rf_proof *proof)
{
	if (p->host.n || proof->host)
		return proof->host && rf_view_eq(proof->host->name, p->host);
	if (p->trunk.n || proof->trunk)
		return proof->trunk && rf_view_eq(proof->trunk->name, p->trunk);
	if (p->phone.n)
		return proof->phone && rf_view_eq(proof->phone->name, p->phone);
	return p->user.n && proof->user && rf_view_eq(proof->user->name, p->user);
}
