/* The rules are the same for both directions with the sides exchanged, so they are written once: what may a message of
 * this kind, sent by side s, carry now? rf_offer_got() and rf_offer_sent() only turn the ruling into codes. */
#include "sip/offer.h"

#include "base/err.h"

enum side { US, THEM };

/* Why a message, or the offer in it, may not be sent now. */
enum conflict {
	NONE,
	EARLIER,  /* the sender has an earlier one open */
	GLARE,    /* the receiver has one open */
	NO_PLACE, /* nothing that it could belong to */
};

struct ruling {
	enum conflict msg;      /* the message itself may not come */
	enum conflict offer;    /* it may, but not with an offer */
	enum rf_offer_role want; /* what a description in it would be; NO_SDP: there must be none */
	bool must;              /* and it must be there */
};

static bool open_by(const struct rf_offer *o, enum side s)
{
	return o->pending == (s == US ? RF_OFFER_SENT : RF_OFFER_GOT);
}

static bool open_in(const struct rf_offer *o, enum side s, enum rf_offer_msg carrier)
{
	return open_by(o, s) && o->carrier == carrier;
}

static enum side other(enum side s)
{
	return s == US ? THEM : US;
}

static enum conflict open_conflict(const struct rf_offer *o, enum side s)
{
	return open_by(o, s) ? EARLIER : open_by(o, other(s)) ? GLARE : NONE;
}

static struct ruling answer_due(bool due)
{
	return (struct ruling){ .want = due ? RF_OFFER_ANSWER : RF_OFFER_NO_SDP, .must = due };
}

static struct ruling misplaced(void)
{
	return (struct ruling){ .msg = NO_PLACE };
}

/* RFC 3261 14.1, 14.2. */
static struct ruling invite(const struct rf_offer *o, enum side s)
{
	struct ruling r = { .want = RF_OFFER_OFFER };

	r.msg = o->invite[s] ? EARLIER : o->invite[other(s)] ? GLARE : open_conflict(o, s);
	/* Ourselves we wait for the ACK; theirs may overtake the ACK that they sent before. */
	if (r.msg == NONE && s == US && (o->ack[US] || o->ack[THEM]))
		r.msg = EARLIER;
	return r;
}

/* An answer of s to the other's INVITE: RFC 3261 13.2.1, 3262 5. */
static struct ruling to_invite(const struct rf_offer *o, enum side s, enum rf_offer_msg msg)
{
	enum side caller = other(s);

	if (!o->invite[caller])
		return misplaced();
	if (msg == RF_OFFER_INVITE_FAIL)
		return (struct ruling){ .want = RF_OFFER_NO_SDP };
	if (open_in(o, caller, RF_OFFER_INVITE))
		return (struct ruling){
			.want = msg == RF_OFFER_1XX ? RF_OFFER_PREVIEW : RF_OFFER_ANSWER,
			.must = msg == RF_OFFER_INVITE_2XX,
		};
	/* No 2xx while another exchange is open, ours in a reliable provisional above all (RFC 3262 3). */
	if (msg == RF_OFFER_INVITE_2XX && o->pending != RF_OFFER_IDLE && s == US)
		return (struct ruling){ .msg = EARLIER };
	if (msg != RF_OFFER_1XX && o->needs_offer && o->pending == RF_OFFER_IDLE)
		return (struct ruling){ .want = RF_OFFER_OFFER, .must = true };
	return (struct ruling){ .want = RF_OFFER_NO_SDP };
}

/* RFC 3262 5: PRACK answers the offer of the provisional, or brings a new one. */
static struct ruling prack(const struct rf_offer *o, enum side s)
{
	if (open_in(o, other(s), RF_OFFER_1XX_REL))
		return answer_due(true);
	if (o->pending == RF_OFFER_IDLE && o->settled)
		return (struct ruling){ .want = RF_OFFER_OFFER };
	return (struct ruling){ .want = RF_OFFER_NO_SDP, .offer = o->pending ? open_conflict(o, s) : EARLIER };
}

/* RFC 3311 5.1, 5.2. */
static struct ruling update(const struct rf_offer *o, enum side s)
{
	if (o->update[s])
		return (struct ruling){ .msg = EARLIER };
	enum conflict c = open_conflict(o, s);
	if (c == NONE && o->needs_offer) /* an INVITE asked for an offer: that one comes first */
		c = o->invite[s] ? EARLIER : GLARE;
	if (c == NONE && !o->settled)
		c = EARLIER;
	return (struct ruling){ .want = c ? RF_OFFER_NO_SDP : RF_OFFER_OFFER, .offer = c };
}

static struct ruling rule(const struct rf_offer *o, enum side s, enum rf_offer_msg msg)
{
	enum side peer = other(s);

	switch (msg) {
	case RF_OFFER_INVITE:
		return invite(o, s);
	case RF_OFFER_1XX:
	case RF_OFFER_1XX_REL:
	case RF_OFFER_INVITE_2XX:
	case RF_OFFER_INVITE_FAIL:
		return to_invite(o, s, msg);
	case RF_OFFER_ACK:
		return o->ack[s] ? answer_due(open_in(o, peer, RF_OFFER_INVITE_2XX)) : misplaced();
	case RF_OFFER_PRACK:
		return prack(o, s);
	case RF_OFFER_PRACK_2XX:
		return answer_due(open_in(o, peer, RF_OFFER_PRACK));
	case RF_OFFER_UPDATE:
		return update(o, s);
	case RF_OFFER_UPDATE_2XX:
		return o->update[peer] ? answer_due(open_in(o, peer, RF_OFFER_UPDATE)) : misplaced();
	case RF_OFFER_UPDATE_FAIL:
		return o->update[peer] ? (struct ruling){ .want = RF_OFFER_NO_SDP } : misplaced();
	case RF_OFFER_PRACK_FAIL:
		return (struct ruling){ .want = RF_OFFER_NO_SDP };
	case RF_OFFER_MSGS:
		break;
	}
	return misplaced();
}

static void drop_offer_of(struct rf_offer *o, enum rf_offer_msg carrier)
{
	if (o->pending != RF_OFFER_IDLE && o->carrier == carrier)
		o->pending = RF_OFFER_IDLE;
}

/* What the message does to transactions, apart from its description. */
static void move(struct rf_offer *o, enum side s, enum rf_offer_msg msg, bool has_sdp)
{
	enum side peer = other(s);

	switch (msg) {
	case RF_OFFER_INVITE:
		o->invite[s] = true;
		o->needs_offer = !has_sdp;
		break;
	case RF_OFFER_INVITE_2XX:
		o->invite[peer] = false;
		o->ack[peer] = true;
		o->needs_offer = false;
		drop_offer_of(o, RF_OFFER_INVITE); /* an answer that was due and did not come */
		break;
	case RF_OFFER_INVITE_FAIL:
		o->invite[peer] = o->needs_offer = false;
		drop_offer_of(o, RF_OFFER_INVITE);
		drop_offer_of(o, RF_OFFER_1XX_REL);
		break;
	case RF_OFFER_ACK:
		o->ack[s] = false;
		drop_offer_of(o, RF_OFFER_INVITE_2XX);
		break;
	case RF_OFFER_PRACK_2XX:
	case RF_OFFER_PRACK_FAIL:
		drop_offer_of(o, RF_OFFER_PRACK);
		break;
	case RF_OFFER_UPDATE:
		o->update[s] = true;
		break;
	case RF_OFFER_UPDATE_2XX:
	case RF_OFFER_UPDATE_FAIL:
		o->update[peer] = false;
		drop_offer_of(o, RF_OFFER_UPDATE);
		break;
	default:
		break;
	}
}

static void apply(struct rf_offer *o, enum side s, enum rf_offer_msg msg, enum rf_offer_role role)
{
	if (role == RF_OFFER_ANSWER) {
		o->pending = RF_OFFER_IDLE;
		o->settled = true;
	}
	move(o, s, msg, role != RF_OFFER_NO_SDP);
	if (role == RF_OFFER_OFFER) {
		o->pending = s == US ? RF_OFFER_SENT : RF_OFFER_GOT;
		o->carrier = (uint8_t)msg;
		o->needs_offer = false;
	}
}

static bool is_request(enum rf_offer_msg msg)
{
	return msg == RF_OFFER_INVITE || msg == RF_OFFER_UPDATE || msg == RF_OFFER_PRACK;
}

static int refuse(enum conflict c, enum rf_offer_msg msg, unsigned *ret_code)
{
	if (!is_request(msg) || c == NO_PLACE) {
		*ret_code = 0;
		return RF_E_STATE;
	}
	*ret_code = c == GLARE && msg != RF_OFFER_PRACK ? 491 : 500;
	return *ret_code == 491 ? RF_E_BUSY : RF_E_STATE;
}

void rf_offer_init(struct rf_offer *o)
{
	*o = (struct rf_offer){ .pending = RF_OFFER_IDLE };
}

int rf_offer_got(struct rf_offer *o, enum rf_offer_msg msg, bool has_sdp, enum rf_offer_role *ret_role,
		 unsigned *ret_code)
{
	struct ruling r = rule(o, THEM, msg);
	enum conflict c = r.msg != NONE ? r.msg : has_sdp ? r.offer : NONE;

	if (c != NONE)
		return refuse(c, msg, ret_code);
	if (!has_sdp && r.must && is_request(msg)) {
		*ret_code = 400;
		return RF_E_MALFORMED;
	}
	enum rf_offer_role role = !has_sdp ? RF_OFFER_NO_SDP : r.want == RF_OFFER_NO_SDP ? RF_OFFER_EXTRA : r.want;
	/* A reliable provisional without the offer that it owes is forgiven: the 2xx may still bring it. */
	bool missing = !has_sdp && r.must && msg != RF_OFFER_1XX_REL;
	apply(o, THEM, msg, role);
	*ret_code = 0;
	if (missing)
		return RF_E_MALFORMED;
	*ret_role = role;
	return 0;
}

int rf_offer_can_send(const struct rf_offer *o, enum rf_offer_msg msg, enum rf_offer_role *ret_role)
{
	struct ruling r = rule(o, US, msg);

	if (r.msg != NONE)
		return r.msg == NO_PLACE ? RF_E_STATE : RF_E_BUSY;
	*ret_role = r.want;
	return 0;
}

int rf_offer_sent(struct rf_offer *o, enum rf_offer_msg msg, bool has_sdp)
{
	struct ruling r = rule(o, US, msg);

	if (r.msg != NONE)
		return r.msg == NO_PLACE ? RF_E_STATE : RF_E_BUSY;
	if (has_sdp ? r.want == RF_OFFER_NO_SDP : r.must)
		return RF_E_MALFORMED;
	apply(o, US, msg, has_sdp ? r.want : RF_OFFER_NO_SDP);
	return 0;
}

uint32_t rf_offer_glare_ms(bool call_id_is_ours, struct rf_random *random)
{
	uint64_t x = rf_random_u64(random);

	return (uint32_t)(call_id_is_ours ? 2100 + x % 191 * 10 : x % 201 * 10);
}

uint32_t rf_offer_retry_after_s(struct rf_random *random)
{
	return (uint32_t)(rf_random_u64(random) % 11);
}
