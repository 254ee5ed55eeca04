#include "call/scanner.h"

#include "base/view.h"

/* As they stand in requests that anybody with a public SIP port receives; in small letters. */
static const char *const names[] = {
	"scanner", "friendly-request", "sipvicious", "sipcli", "sip-scan", "sundayddr", "siparmyknife",
	"vaxsipuseragent", "pplsip", "smap", "iwar", "sivus", "gulp",
};

static bool holds(struct rf_view text, struct rf_view word)
{
	for (size_t at = 0; at + word.n <= text.n; at++)
		if (rf_view_eq_nocase(rf_view_sub(text, at, word.n), word))
			return true;
	return false;
}

bool rf_scanner_named(const struct rf_sip_msg *msg)
{
	const struct rf_sip_hdr *h = rf_sip_msg_hdr(msg, RF_SIP_H_USER_AGENT);

	for (size_t i = 0; h && i < sizeof names / sizeof *names; i++)
		if (holds(h->value, rf_view_str(names[i])))
			return true;
	return false;
}
