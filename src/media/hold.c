/* Blocking and silencing: of a whole session, or of what one party sends. */
#include "media/session.h"

static const struct {
	uint8_t on, off;                 /* enum rf_ng_command */
	unsigned hold;
} holds[] = {
	{ RF_NG_BLOCK_MEDIA, RF_NG_UNBLOCK_MEDIA, RF_HOLD_MEDIA },
	{ RF_NG_SILENCE_MEDIA, RF_NG_UNSILENCE_MEDIA, RF_HOLD_SILENCE },
	{ RF_NG_BLOCK_DTMF, RF_NG_UNBLOCK_DTMF, RF_HOLD_DTMF },
};

static void put(unsigned *bits, unsigned hold, bool on)
{
	*bits = on ? *bits | hold : *bits & ~hold;
}

static bool has_address(const struct rf_session *s, const struct rf_party *party, const struct rf_addr *addr)
{
	for (const struct rf_pair *p = s->pairs; p; p = p->next)
		for (unsigned side = 0; side < 2; side++)
			for (size_t i = 0; p->side[side] == party && i < p->n_lines; i++)
				if (p->lines[i].said[side] && rf_addr_same_ip(&p->lines[i].said[side]->remote, addr))
					return true;
	return false;
}

bool rf_party_is_meant(const struct rf_turn *t, const struct rf_session *s, const struct rf_party *party)
{
	const struct rf_ng_request *q = t->req;

	if (q->from_tag.n)
		return rf_view_eq(party->tag, q->from_tag);
	if (q->label.n)
		return rf_view_eq(party->label, q->label);
	return has_address(s, party, &q->address);
}

int rf_session_block(struct rf_turn *t, struct rf_session *s)
{
	const struct rf_ng_request *q = t->req;
	bool one = q->from_tag.n || q->label.n || q->address.family, found = !one;

	for (size_t i = 0; i < sizeof holds / sizeof holds[0]; i++) {
		bool on = q->command == holds[i].on && q->dtmf != RF_NG_DTMF_OFF;

		if (q->command != holds[i].on && q->command != holds[i].off)
			continue;
		if (!one)
			put(&s->holds, holds[i].hold, on);
		for (struct rf_party *p = s->parties; p; p = p->next) {
			if (one ? !rf_party_is_meant(t, s, p) : on || !rf_ng_has(q, RF_NG_ALL))
				continue;
			found = true;
			put(&p->holds, holds[i].hold, on);
			if (one && holds[i].hold == RF_HOLD_DTMF)
				rf_party_detect(t, p);
		}
	}
	if (!found)
		return rf_turn_fail(t, RF_E_NOT_FOUND, "no party of this session has that tag, label or address");
	rf_session_hold(s);
	return 0;
}
