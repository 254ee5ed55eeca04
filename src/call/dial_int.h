/* A number being decided on, for the files of dial (private to them). */
#ifndef RF_CALL_DIAL_INT_H
#define RF_CALL_DIAL_INT_H

#include "base/writer.h"
#include "call/dial.h"

struct dialling {
	const struct rf_dial_ask *ask;
	const struct rf_site *site;
	struct rf_dial *d;
	const struct rf_site_location *location;
	uint8_t text[RF_DIAL_NUMBER_MAX];     /* what was dialled, cleaned; a speed dial takes its place */
	struct rf_view number;                /* in text */
	struct rf_writer trail;
};

/* A line of the trail, when it is wanted. */
void rf_dial_say(struct dialling *k, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* " (site.yaml:12)" for a line of the trail; "" without a place. In a buffer of the caller. */
#define RF_DIAL_PLACE 96
const char *rf_dial_place(const struct dialling *k, struct rf_site_pos pos, char buf[static RF_DIAL_PLACE]);
/* It ends here: refused. */
void rf_dial_refuse(struct dialling *k, unsigned code, const char *rule, struct rf_site_pos pos, const char *why);

/* --- dial_number.c */

enum rf_dial_text_fault { RF_DIAL_TEXT_OK, RF_DIAL_TEXT_BAD, RF_DIAL_TEXT_CONTEXT, RF_DIAL_TEXT_LONG };

/* Digits, * and #, a leading +: without visual separators (RFC 3966 3) and parameters. A phone-context of elsewhere is
 * a number of elsewhere. */
enum rf_dial_text_fault rf_dial_clean(struct rf_view text, struct rf_view domain,
				      uint8_t buf[static RF_DIAL_NUMBER_MAX],
				      struct rf_view *ret_number);
/* The E.164 form by a plan: "+" and 4 to 15 digits; *ret_how: a static word for the trail. False: it has none. */
bool rf_dial_e164(const struct rf_site_plan *plan, struct rf_view number, uint8_t buf[static RF_DIAL_NUMBER_MAX],
		  struct rf_view *ret_e164, const char **ret_how);
/* Digits of the country code in front of an E.164 number without its +. */
size_t rf_dial_country_digits(struct rf_view digits);

/* --- dial_class.c */

/* The class of an E.164 number for a caller of this plan. *ret_pos: of the rule of the plan that says it, line 0: none;
 * *ret_how: a static text. */
enum rf_call_class rf_dial_class(const struct rf_site_plan *plan, struct rf_view e164, struct rf_site_pos *ret_pos,
				 const char **ret_how);
/* What is known of numbers without a site's word (dial_known.c): RF_CLASSES when nothing. */
enum rf_call_class rf_dial_known(struct rf_view e164);
/* May the caller call this number of this class now? False: refused. e164 may be empty. */
bool rf_dial_may(struct dialling *k, enum rf_call_class call_class, struct rf_view number, struct rf_view e164);

/* --- dial_route.c */

/* The trunks for d->call_class and number. False: there is none. */
bool rf_dial_route(struct dialling *k, struct rf_view e164);
void rf_dial_route_emergency(struct dialling *k);

#endif
