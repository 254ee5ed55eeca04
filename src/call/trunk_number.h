/* Numbers as they cross to a trunk and come from it. Inside ringfort a number of the world is in E.164 form with a
 * plus; outside it may be written in any of the ways that a dial plan knows (site/telephony.h).
 * Pure functions on values; digits only, no allocation. Threads: any. */
#ifndef RF_CALL_TRUNK_NUMBER_H
#define RF_CALL_TRUNK_NUMBER_H

#include "base/writer.h"
#include "site/site.h"

enum { RF_TRUNK_FORMS = 6, RF_TRUNK_NUMBER_MAX = 40 };

/* A number as the trunk wants it: "+4930123" as it is, or in national form "030123", "0043123". What does not begin
 * with a plus is a number of that network (a short one) and stays. plan may be NULL: then E.164. */
void rf_trunk_number_put(struct rf_writer *w, const struct rf_site_plan *plan, int format, struct rf_view number);

struct rf_trunk_forms {
	size_t n;
	struct rf_view v[RF_TRUNK_FORMS];
	uint8_t text[RF_TRUNK_FORMS][RF_TRUNK_NUMBER_MAX];
};

/* What a number that a peer wrote may stand for, the likeliest first: as written; in E.164 form by its international or
 * national prefix; with a plus put before it; as a number of the country; as one of the area. Visual separators
 * (RFC 3966 5.1.1) are passed over. None when it is no number. */
void rf_trunk_number_forms(const struct rf_site_plan *plan, struct rf_view user, struct rf_trunk_forms *ret_forms);
/* The E.164 form with a plus, when the number says by itself that it is one (a plus, or a prefix of the plan).
 * RF_E_NOT_FOUND, RF_E_SPACE. */
int rf_trunk_number_world(const struct rf_site_plan *plan, struct rf_view user, uint8_t *buf, size_t cap,
			  struct rf_view *ret_number);

/* The form of a number that is one of this trunk's; *ret_form lies in *ret_forms. RF_E_NOT_FOUND. */
int rf_trunk_number_match(const struct rf_site_trunk *trunk, const struct rf_site_plan *plan, struct rf_view user,
			  struct rf_trunk_forms *ret_forms, struct rf_view *ret_form);
/* The number of ours that a number of this trunk reaches. RF_E_NOT_FOUND: none of its numbers; RF_E_SPACE. */
int rf_trunk_number_ours(const struct rf_site_trunk *trunk, const struct rf_site_plan *plan, struct rf_view user,
			 uint8_t *buf, size_t cap, struct rf_view *ret_number);
/* And back: the number in E.164 form by which this trunk reaches ours. RF_E_NOT_FOUND, RF_E_SPACE. */
int rf_trunk_number_outside(const struct rf_site_trunk *trunk, struct rf_view ours, uint8_t *buf, size_t cap,
			    struct rf_view *ret_number);

#endif
