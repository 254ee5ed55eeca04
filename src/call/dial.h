/* What becomes of a number that somebody dials: decided by the site and the directory alone, without a call, a socket
 * or a clock, so the same answer stands in a routed call, in the record of a refused one, and in `ringfort explain`.
 *
 * In this order; the first that applies decides:
 *
 *	emergency      911, 112, 000 and the site's own, also behind the outside prefix where nothing else has that number;
 *	               nothing that follows can refuse it
 *	feature code   *72 and the like, the longest code that fits, with what was dialled behind it
 *	speed dial     stands for another number, from here on
 *	our own        phones, users, groups, parking slots, voicemail; also by a number in E.164 form that a trunk brings in
 *	dialled rules  of the caller's dial plan: another number, or a class for one that goes out as it is
 *	E.164 form     by the plan's prefixes; its class by the plan's rules with +, by what is known of its country
 *	               (dial_known.c), else by country and area code. Every spelling of a number has one E.164 form, so a
 *	               class holds for all of them.
 *	class of service  may this caller do that now: the user's class, else the phone's, the location's, the site's
 *	route          the trunks that take it, in order
 *
 * What matches nothing is refused: 404. What is not granted is refused: 403. */
#ifndef RF_CALL_DIAL_H
#define RF_CALL_DIAL_H

#include "base/clock.h"
#include "sip/uri.h"
#include "store/directory.h"

enum {
	RF_DIAL_NUMBER_MAX = 40,   /* characters of a number, any form */
	RF_DIAL_TEXT_MAX = 128,    /* of what was dialled, separators and parameters too */
	RF_DIAL_TRUNKS_MAX = 16,   /* of a decision */
	RF_DIAL_TRAIL_MAX = 2048,
};

enum rf_dial_kind {
	RF_DIAL_REFUSED,           /* code, rule */
	RF_DIAL_NUMBER,            /* a number of ours: number */
	RF_DIAL_GROUP,             /* group */
	RF_DIAL_OUTSIDE,           /* by trunk[], number is what to send (E.164 when e164) */
	RF_DIAL_EMERGENCY,         /* number: the emergency number; by trunk[] */
	RF_DIAL_EMERGENCY_TEST,
	RF_DIAL_FEATURE,           /* feature; number: what was dialled behind the code, may be empty */
	RF_DIAL_PARKED,            /* number: the slot */
	RF_DIAL_VOICEMAIL,
};

/* Who asks. Names, as proven; each may be empty. Only a number: the rights of that number are those that every phone of
 * it has (its user's, when it has one user). */
struct rf_dial_who {
	struct rf_view number, phone, user;
	bool roams;                 /* the phone calls from outside: by the class for that, where the site has one */
	const struct rf_site_trunk *trunk; /* a call from outside: reaches numbers of ours that the trunk brings in,
					    * else nothing; the names are empty */
};

struct rf_dial_ask {
	const struct rf_directory *directory;
	struct rf_dial_who who;
	struct rf_view dialled;    /* rf_dial_text(), or as typed */
	struct rf_wall now;
	bool trail;                /* write it: costs some microseconds */
};

struct rf_dial {
	enum rf_dial_kind kind;
	enum rf_call_class call_class; /* RF_CLASSES: it did not come to that */
	unsigned code;             /* of a refusal: 403, 404, 484 */
	const char *rule;          /* the rule that decided: a fixed word, "class-denied"; the table is in dial.c */
	const char *why;           /* the same as a sentence, static */
	struct rf_site_pos pos;    /* where it stands in the site file; line 0: built in */
	struct rf_view number;     /* in store */
	bool e164;
	enum rf_feature feature;
	const struct rf_site_group *group;
	const struct rf_site_plan *plan;
	const struct rf_site_cos *cos;     /* that decided; NULL: none was asked */
	const struct rf_site_location *location; /* of the caller, NULL: none */
	const struct rf_site_route *route; /* NULL: trunks without routes */
	const struct rf_site_trunk *trunk[RF_DIAL_TRUNKS_MAX];
	size_t trunks;
	struct rf_view trail;      /* lines, each ends with a newline; in trail_store; empty unless asked for */
	uint8_t store[RF_DIAL_NUMBER_MAX];
	char trail_store[RF_DIAL_TRAIL_MAX];
};

/* Decide. Everything that ret points to lives as long as the directory, or in ret itself (do not copy it). */
void rf_dial(const struct rf_dial_ask *ask, struct rf_dial *ret);

/* Would this become an emergency call: does rf_dial() say so of it, or of what stands behind the code that hides or
 * shows who calls? Only that is looked at: for what comes before rights and rates. */
bool rf_dial_is_emergency(const struct rf_directory *directory, const struct rf_dial_who *who, struct rf_view dialled);
/* Would it become one for somebody, by any dial plan of the site: while it is not proven who asks. */
bool rf_dial_may_be_emergency(const struct rf_directory *directory, struct rf_view dialled);

/* What was dialled by a Request-URI or Refer-To: the user part of a sip URI with its escapes undone once, or the number
 * of a tel URI, with parameters. Whether the host is ours is the caller's to ask. RF_E_MALFORMED, RF_E_LIMIT. */
int rf_dial_text(const struct rf_sip_uri *uri, uint8_t *buf, size_t cap, struct rf_view *ret_text);

/* The class of service that holds for a caller now, by the order user, phone, location, site; never NULL. For a number
 * alone: the first of them. */
const struct rf_site_cos *rf_dial_cos(const struct rf_directory *d, const struct rf_dial_who *who, struct rf_wall now);

/* "outside", "refused", ... */
const char *rf_dial_kind_name(enum rf_dial_kind kind);
/* The last line of the trail, without its newline. */
struct rf_view rf_dial_last_line(const struct rf_dial *d);

#endif
