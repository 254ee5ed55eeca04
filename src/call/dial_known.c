/* What is known of numbers before a site says anything: numbers that cost by the minute whoever calls them, by the
 * public numbering plans (ITU-T E.164 for what has no country, the regulators' for the rest), and the islands that
 * share country code 1. A rule of the site's plan comes before these. Data. */
#include "call/dial_int.h"
#include "site/pattern.h"

static const struct {
	const char *match;
	enum rf_call_class call_class;
} known[] = {
	{ "+979*", RF_CLASS_PREMIUM }, /* international premium rate */
	{ "+808*", RF_CLASS_PREMIUM }, /* international shared cost */
	{ "+800*", RF_CLASS_SERVICE }, /* international freephone */
	{ "+870*", RF_CLASS_PREMIUM }, /* Inmarsat */
	{ "+878*", RF_CLASS_PREMIUM }, /* personal numbers */
	{ "+881*", RF_CLASS_PREMIUM }, /* global mobile satellite */
	{ "+882*", RF_CLASS_PREMIUM }, /* international networks */
	{ "+883*", RF_CLASS_PREMIUM },
	{ "+1900*", RF_CLASS_PREMIUM }, /* North America: pay per call, and the exchange 976 of each area */
	{ "+1xxx976xxxx", RF_CLASS_PREMIUM },
	{ "+1101*", RF_CLASS_PREMIUM }, /* choice of another carrier, 101xxxx */
	{ "+3389*", RF_CLASS_PREMIUM }, /* France */
	{ "+449*", RF_CLASS_PREMIUM },  /* United Kingdom: 09, 087, personal numbers 070 */
	{ "+4487*", RF_CLASS_PREMIUM },
	{ "+4470*", RF_CLASS_PREMIUM },
	{ "+4910*", RF_CLASS_PREMIUM }, /* Germany: choice of another carrier, mass traffic, 0900, 0190, 0118 */
	{ "+49118*", RF_CLASS_PREMIUM },
	{ "+49137*", RF_CLASS_PREMIUM },
	{ "+49190*", RF_CLASS_PREMIUM },
	{ "+49900*", RF_CLASS_PREMIUM },
};

enum rf_call_class rf_dial_known(struct rf_view e164)
{
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (rf_pattern_match(rf_view_str(known[i].match), e164))
			return known[i].call_class;
	return RF_CLASSES;
}
