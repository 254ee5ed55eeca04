/* One offer in two forms, from a border to a controller (multipart/alternative, RFC 2046 5.1.4, RFC 5621): the first
 * part is for phones and what anybody reads who knows of no second; the last one is for phones in browsers. Which of
 * both a phone gets, its binding says, and so a call to a number rings at both. */
#include "call/border.h"

#include "call/call_int.h"
#include "sip/mpart.h"

static void put_part(struct rf_writer *w, struct rf_view boundary, struct rf_view sdp)
{
	rf_put_lit(w, "--");
	rf_put(w, boundary);
	rf_put_lit(w, "\r\nContent-Type: application/sdp\r\n\r\n");
	rf_put(w, sdp);
	rf_put_lit(w, "\r\n");
}

void rf_border_put_choice(struct rf_writer *w, struct rf_view boundary, struct rf_view sdp, struct rf_view browser)
{
	put_part(w, boundary, sdp);
	put_part(w, boundary, browser);
	rf_put_lit(w, "--");
	rf_put(w, boundary);
	rf_put_lit(w, "--\r\n");
}

bool rf_border_choice(const struct rf_sip_msg *msg, struct rf_view *ret_browser)
{
	struct rf_view type = rf_sip_msg_value(msg, RF_SIP_H_CONTENT_TYPE);
	struct rf_sip_mpart it;
	struct rf_sip_part part;
	size_t n = 0;

	if (!rf_sip_is_media_type(type, RF_V("multipart/alternative")) || rf_sip_mpart_init(&it, type, msg->body))
		return false;
	while (rf_sip_mpart_next(&it, &part) > 0)
		if (rf_sip_is_media_type(part.type, RF_V("application/sdp")) && ++n == 2) {
			*ret_browser = part.body;
			return true;
		}
	return false;
}

struct rf_view rf_border_choose(const struct rf_call *call, const struct rf_aim *aim, const struct rf_sip_msg *msg,
				struct rf_view sdp)
{
	struct rf_view browser;

	if (msg && call->caller->host.n && rf_flow_is_ws(aim->flow.kind) && rf_border_choice(msg, &browser))
		return browser;
	return sdp;
}
