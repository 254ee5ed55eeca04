/* Phones of the site that come from outside (the site's `roaming`): registered and called through a border, which is
 * their
 * registrar towards them and one more way of theirs towards the controllers.
 *
 *	                 REGISTER, From and To its number                REGISTER, the same number
 *	phone -> BORDER ---------------------------------------> CONTROLLER
 *	         TLS, the phone's certificate        TLS, the border's certificate; Contact: a GRUU of the phone at the border
 *
 *	roam.c          who it is at the border's outer side, and its URI at the border
 *	roam_ask.c      a request of such a phone on its way to the controllers, one after the other
 *	roam_login.c    the password that a controller asks for, and the phone's answer
 *	roam_register.c a registration on its way through the border
 *	roam_text.c     MESSAGE and PUBLISH, likewise
 *	roam_refer.c    a transfer that such a phone asks for; roam_dialogs.h: the calls that it may name in it
 *	roam_watch*.c   a subscription: SUBSCRIBE in, NOTIFY back, in a dialog with each side
 *	roam_call.c     calls at the border: from such a phone to the controllers, and from them to the phone
 *	roam_claim.c    what a controller believes of a border: which phone
 *
 * The URI (RFC 5627): sip:NUMBER@BORDER:PORT;transport=tls;gr=URN, where the URN is the phone's by its certificate. It
 * is all that
 * inside knows of where the phone is; what the phone writes into its Contact, and the connection that it came by, stay
 * in the
 * border's own table of bindings. In the controller such a phone is one of ours (party->phone) that a host speaks for
 * (party->host): its rights are asked as inside, or of the class that the site has for phones outside.
 * RFC 5626, 5627, 3261 10.2. Threads: the worker's own. */
#ifndef RF_CALL_ROAM_H
#define RF_CALL_ROAM_H

#include "call/core_int.h"
#include "call/route.h"

struct rf_pair;

enum {
	RF_ROAM_EXPIRES_S = 600,     /* the longest that a phone outside is known without saying so again */
	RF_ROAM_PENDING_MAX = 4096,  /* registrations that wait for a controller */
	RF_ROAM_WATCHES = 64,        /* subscriptions of one phone, per worker */
	RF_ROAM_MESSAGE_MAX = 32768, /* bytes of a message from outside */
};

/* A border: the phone that this peer is, by a certificate of the site at our outer side, and that may roam. NULL:
 * none. */
const struct rf_dir_phone *rf_roam_peer(struct rf_call_core *core, const struct rf_peer *from);
/* sip:NUMBER@host:port;transport=tls;gr=URN */
void rf_roam_put_uri(struct rf_writer *w, const struct rf_dir_phone *phone, struct rf_view host, uint16_t port);
/* The phone that such a URI names and that may roam; NULL: none. */
const struct rf_dir_phone *rf_roam_named(const struct rf_call_core *core, const struct rf_sip_uri *uri);
/* A border: the phone that a controller's INVITE is for; NULL: none. */
const struct rf_dir_phone *rf_roam_called(const struct rf_call_core *core, const struct rf_in *in);
/* A border: the way to it, as it registered. False: it is not there. */
bool rf_roam_flow(struct rf_call_core *core, const struct rf_dir_phone *phone, struct rf_flow *ret_flow);

/* A border: is it a method that phones outside have and trunks have not? */
bool rf_roam_method(const struct rf_call_core *core, unsigned method);
/* Is this header, which the list drops from a trunk's message, read of a phone's request? */
bool rf_roam_reads(unsigned method, unsigned id, struct rf_view name);

/* A border: a REGISTER of a phone that roams. */
void rf_roam_register(struct rf_call_core *core, struct rf_in *in);
/* All that wait are forgotten. */
void rf_roam_drop(struct rf_call_core *core);

/* A border: MESSAGE or PUBLISH of a phone outside. */
void rf_roam_text(struct rf_call_core *core, struct rf_in *in);

/* A border: the subscriptions of phones outside (RFC 6665). -ENOMEM. */
int rf_roam_watches_new(struct rf_call_core *core, struct rf_roam_watches **ret_watches);
void rf_roam_watches_free(struct rf_roam_watches *all); /* without a word. NULL is fine */
size_t rf_roam_watches_count(const struct rf_roam_watches *all); /* NULL: none */
/* SUBSCRIBE of a phone outside that begins one. */
void rf_roam_watch(struct rf_call_core *core, struct rf_in *in);
/* A request in one; false: it is in none. */
bool rf_roam_watch_in_dialog(struct rf_call_core *core, struct rf_in *in);
/* The site is new: those of phones that may not come any more end. All end. */
void rf_roam_watches_fallen(struct rf_call_core *core);
void rf_roam_watches_drain(struct rf_call_core *core);

/* Is this leg of a call between a phone outside and a controller? */
bool rf_roam_crosses(const struct rf_leg *leg);
/* A border: REFER in a call of a phone outside; what the controller tells of it. */
void rf_roam_refer(struct rf_leg *leg, struct rf_in *in);
void rf_roam_refer_told(struct rf_leg *leg, struct rf_in *in);
/* The call ends, or is freed. */
void rf_roam_refer_free(struct rf_call *call);
/* Both dialogs of the pair may be known now: a Replaces of the phone may name them. The leg is freed. */
void rf_roam_note(struct rf_pair *pair);
void rf_roam_forget(struct rf_leg *leg);
/* Allow and Supported, for a phone outside. */
void rf_roam_put_abilities(struct rf_writer *w);

/* A border: who calls or writes, as the controller has decided to show them. NULL: no memory. */
struct rf_party *rf_roam_caller(const struct rf_in *in);
/* A border: to a phone outside; from one, as rf_border_route(). */
void rf_roam_to_phone(struct rf_call_core *core, const struct rf_in *in, const struct rf_dir_phone *phone,
		      struct rf_routed *r);

/* A controller: the phone that proof->host speaks for in this request, into proof->phone. */
struct rf_verdict rf_roam_claim(struct rf_call_core *core, const struct rf_sip_addr *contact, struct rf_proof *proof);
/* A controller: the border that a binding of ours leads to; NULL: none. */
const struct rf_site_host *rf_roam_border(const struct rf_call_core *core, const struct rf_binding *b);

#endif
