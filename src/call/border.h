/* A site in two halves: controllers, which decide about calls, and borders, which speak with the trunks. Both are cores of
 * this room; where a site has a host with the role border (rf_border_between()), calls to and from trunks cross from one half
 * to the other over TLS with certificates of the site, and the trunk that is meant is named in SIP itself (RFC 4904).
 *
 *	                     INVITE sip:+49...;tgrp=NAME;trunk-context=DOMAIN@border
 *	phone -> CONTROLLER ---------------------------------------------------------> BORDER -> trunk NAME
 *	phone <- CONTROLLER <--------------------------------------------------------- BORDER <- trunk NAME
 *	                     INVITE sip:+49...@DOMAIN, Contact: <sip:...;tgrp=NAME;trunk-context=DOMAIN@border>
 *
 *	border_peer.c   who the other half is, and the way to it
 *	border_claim.c  what a controller believes of a border: which trunk, and whether the caller is proven
 *	border_route.c  where calls go in a border: to the trunk that a controller names; to the controllers, in order
 *	border_carry.c  what crosses a border beside who calls whom: attestation, a diversion, the place of a call for help
 *	border_choice.c one offer for phones and for browsers
 *	border_list.c   the positive list: what of a message from a trunk is looked at, and what is dropped by which rule
 *	border_further.c, border_words.c  headers that only one trunk knows, and what no text may tell
 *	border_info.c   INFO, said anew
 *	border_look.c   messages held against it, and against what a trunk has of its own
 *
 * A controller sees a call from a border as it would see the trunk's: struct rf_proof has the trunk, and the host beside it.
 * Every leg that leads to the other half has a party with a host.
 * RFC 3325, 4904, 5853, 7092 (a back-to-back user agent on both planes). Threads: the worker's own. */
#ifndef RF_CALL_BORDER_H
#define RF_CALL_BORDER_H

#include "call/core_int.h"
#include "call/plan.h"

struct rf_aim;
struct rf_aim_ops;
struct rf_call;
struct rf_leg;
struct rf_pair;
struct rf_party;
struct rf_routed;
struct rf_trunk_way_to;

enum {
	RF_BORDER_HOSTS_MAX = 8,        /* of the other half that are tried for a call */
	RF_BORDER_PORT = 5061,          /* of a border, towards its site */
	RF_BORDER_PORT_BESIDE = 5071,   /* the same on a host that is a controller as well */
};

/* --- border_peer.c */

/* Do calls of this core's site to and from trunks cross between controllers and borders? Always in a border. */
bool rf_border_between(const struct rf_call_core *core);
/* The host of the other half that this peer is: by a certificate of the site that names an address of the host, over a
 * connection from that address to our inner side. NULL: none. */
const struct rf_site_host *rf_border_peer(struct rf_call_core *core, const struct rf_peer *from);
/* Did this come by our outer side? Where both sides are one address, both are asked so. */
bool rf_border_is_outer(const struct rf_call_core *core, const struct rf_flow *flow);
/* For struct rf_ua_user: a border hears controllers on its inner side and trunks on its outer one, and nobody else. */
bool rf_border_admit(void *ctx, const struct rf_peer *peer);
/* The same: nobody sets up a call over this connection. */
bool rf_border_may_end(void *ctx, const struct rf_peer *peer);
/* The hosts of the other half, those that stand by for others last. */
size_t rf_border_others(const struct rf_call_core *core, const struct rf_site_host *v[static RF_BORDER_HOSTS_MAX]);
/* The port that a border listens on towards its site. */
uint16_t rf_border_port(const struct rf_site_host *host);
/* Its address and port towards the other half: "10.60.0.11", 5061. */
struct rf_view rf_border_address(const struct rf_call_core *core, const struct rf_site_host *host, uint16_t *ret_port);
/* The way there, as rf_trunk_aim(). */
int rf_border_aim(const struct rf_call_core *core, const struct rf_site_host *host, struct rf_trunk_way_to *ret_way);
/* A flow to it that is not there yet, as far as it is known: what stands in our Contact. */
void rf_border_flow(const struct rf_call_core *core, const struct rf_site_host *host, struct rf_flow *ret_flow);
/* The address that such a flow to this side will leave from. */
void rf_border_leave(const struct rf_call_core *core, enum rf_towards side, struct rf_flow *flow);
/* From where connections towards this side are made: for rf_target.from. NULL: the kernel chooses. */
const struct rf_addr *rf_border_from(const struct rf_call_core *core, enum rf_towards side);

/* --- border_claim.c */

/* A controller: which trunk does this request of proof->host come by? Into proof->trunk. */
struct rf_verdict rf_border_claim(struct rf_call_core *core, const struct rf_sip_msg *req, struct rf_proof *proof);
/* A controller: what the border found out about the caller (verstat), into in->identity. */
void rf_border_believe(struct rf_in *in);
/* A border: the same for its controllers: ";verstat=...", nothing when nobody looked. identity: as in struct rf_in. */
void rf_border_put_verstat(struct rf_writer *w, const char *identity);

/* --- border_route.c */

/* A request outside a dialog from the other half that names no trunk: may it be looked at? False: it was answered. */
bool rf_border_admits(struct rf_call_core *core, struct rf_in *in);
/* A border: where this INVITE goes, as rf_route_find(). */
void rf_border_route(struct rf_call_core *core, const struct rf_in *in, struct rf_routed *ret_to);
/* A border: the trunk that a controller's INVITE names, NULL. */
const struct rf_site_trunk *rf_border_trunk_of(const struct rf_call_core *core, const struct rf_sip_msg *msg);
/* A border: is this an INVITE of a controller for an emergency number? */
bool rf_border_is_emergency(const struct rf_call_core *core, const struct rf_in *in);
/* A border: how the trunk is that a controller's OPTIONS names: 200, 503; 404 when there is none. */
unsigned rf_border_health(struct rf_call_core *core, const struct rf_in *in);
/* Our URI on a leg to a controller, with the trunk that is behind us. False: it is no such leg. */
bool rf_border_put_contact(const struct rf_leg *leg, const struct rf_flow *flow, struct rf_writer *w);

/* --- border_carry.c */

struct rf_carried {
	char attest;                    /* 'A', 'B', 'C' of the controller (RFC 8588); 0: not said */
	const char *reason;             /* why the call was diverted (RFC 5806), static; NULL: it was not */
	uint8_t diverted_by[40];        /* a number in E.164 form, may be empty */
	uint8_t diverted_by_n;
	size_t location_n;
	uint8_t location[];             /* a document application/pidf+xml */
};

/* What an INVITE of a controller brings; *ret_carried (malloc'd, NULL: nothing). -ENOMEM. */
int rf_border_carry(struct rf_call_core *core, const struct rf_in *in, struct rf_carried **ret_carried);
/* Attestation-Info of a call to a border. */
void rf_border_put_attest(struct rf_writer *w, char attest);
/* A Reason value without its text, into buf: what crosses a border is a cause, never words. Empty when it is none. */
struct rf_view rf_border_reason(struct rf_view reason, uint8_t *buf, size_t cap);

/* A controller: the caller offers nothing yet, and could be told no keys: what the called side offers
 * it is to be without. */
void rf_border_put_plain(const struct rf_pair *pair, struct rf_writer *w);
/* A border: is an INVITE of a controller such a one? */
bool rf_border_wants_plain(const struct rf_sip_msg *msg);

/* --- border_choice.c */

/* The body of an offer in two forms. */
void rf_border_put_choice(struct rf_writer *w, struct rf_view boundary, struct rf_view sdp, struct rf_view browser);
/* The form for browsers of such a body. False: it is none. */
bool rf_border_choice(const struct rf_sip_msg *msg, struct rf_view *ret_browser);
/* A controller: the form of the caller's offer that this aim gets, sdp where there is no choice. msg may be NULL. */
struct rf_view rf_border_choose(const struct rf_call *call, const struct rf_aim *aim, const struct rf_sip_msg *msg,
				struct rf_view sdp);

/* --- border_list.c */

/* Rules by which something of a message is dropped, or all of it refused. */
enum rf_list_rule {
	RF_LIST_PASS,
	RF_LIST_METHOD,                 /* a method that trunks have no use for: 405 */
	RF_LIST_SIZE,                   /* 513 */
	RF_LIST_BODY,                   /* a body of a type that does not cross */
	RF_LIST_REMOTE_CONTROL,         /* Alert-Info, Call-Info, Answer-Mode, ...: what makes a phone do something */
	RF_LIST_DIALOG,                 /* Replaces, Referred-By, Join, ...: what speaks of other calls */
	RF_LIST_ROUTE,                  /* Route, Record-Route, Path, ...: the way through another's house */
	RF_LIST_NAME,                   /* User-Agent, Server, Organization, Warning, ...: what somebody is */
	RF_LIST_IDENTITY,               /* who calls, said by somebody who is not trusted in it */
	RF_LIST_CREDENTIALS,
	RF_LIST_HEADER,                 /* a header that is not on the list */
	RF_LIST_PARAMETER,              /* a parameter of a header or URI that is not on the list */
	RF_LIST_RULES,
};
const char *rf_list_rule_name(enum rf_list_rule rule);
/* What the list has for a header: RF_LIST_PASS, or the rule that drops it. name: for RF_SIP_H_OTHER. */
enum rf_list_rule rf_list_header(unsigned id, struct rf_view name);
bool rf_list_method(unsigned method);

/* --- border_look.c: the list and a trunk's own (site/accept.h) held against messages */

/* How often. Any thread. */
uint64_t rf_border_listed(const struct rf_call_core *core, enum rf_list_rule rule);
/* A message from a trunk: what is not on the list is counted, for the process and for the trunk. 0, and *msg is what
 * there is to read of it: the message itself, or, where the trunk's list is narrower than ours, one without the rest,
 * good until the next one is looked at. Or the code to refuse it with; answers are never refused. */
unsigned rf_border_look(struct rf_call_core *core, const struct rf_site_trunk *trunk, const struct rf_sip_msg **msg);
/* What there is to read of an answer on this leg; without a trunk or a border: msg. */
const struct rf_sip_msg *rf_border_heard(struct rf_leg *leg, const struct rf_sip_msg *msg);
/* Allow, as this trunk's list has it; NULL: as ours has. */
void rf_border_put_allow(const struct rf_site_trunk *trunk, struct rf_writer *w);
/* One more, of the process. */
void rf_border_count(struct rf_call_core *core, enum rf_list_rule rule);
struct rf_looked *rf_looked_new(void);
void rf_looked_wipe(struct rf_looked *l); /* the last message had keys of media */
void rf_looked_free(struct rf_looked *l);
/* --- border_further.c */

/* The trunk's own header of this name; NULL: it has none. */
const struct rf_site_further *rf_border_further(const struct rf_site_trunk *trunk, unsigned id, struct rf_view name);
/* May it have this value? RF_LIST_PASS, or the rule that drops it. */
enum rf_list_rule rf_border_further_rule(const struct rf_site *site, const struct rf_site_further *f,
					 struct rf_view value);
/* Lines for our INVITE to leg b: those of the caller's that the trunk at either end has. */
void rf_border_put_further(const struct rf_pair *pair, struct rf_writer *w);

/* --- border_info.c */

enum { RF_BORDER_INFO_MAX = 512 };
/* An INFO as it crosses: the body that means the same onto w, *ret_type static; nothing of an INFO without a body. 0,
 * or the code to refuse it with. */
unsigned rf_border_info(const struct rf_sip_msg *msg, struct rf_view *ret_type, struct rf_writer *w);
/* Its package (RFC 6086), by its name alone, when that tells nothing of the inside. */
void rf_border_put_package(const struct rf_site *site, const struct rf_sip_msg *msg, struct rf_writer *w);

/* --- border_words.c */

/* Does this text name something of the inside: an address of the site's own networks or a private one, one of its hosts
 * by its full name; with names, by its name alone? What it names, static; NULL: nothing. */
const char *rf_border_tells(const struct rf_site *site, struct rf_view text, bool names);

/* A request of a phone outside (roam.h): the same, counted for the process. 0, or the code to refuse it with. */
unsigned rf_border_look_phone(struct rf_call_core *core, const struct rf_sip_msg *msg);

#endif
