/* Package message-summary (RFC 3842): are there messages in the mailbox? Known from `ringfort mwi`; before anybody has
 * said so, there are none. */
#include "call/sub_int.h"

static bool body(struct rf_sub *sub, const struct rf_board_line *line, bool full, struct rf_writer *w)
{
	uint64_t hash;
	struct rf_view text;

	rf_put_lit(w, "Messages-Waiting: ");
	rf_put(w, line->mwi.fresh ? RF_V("yes") : RF_V("no"));
	rf_put_lit(w, "\r\nMessage-Account: ");
	rf_sip_uri_put_new(w, false, rf_sub_number(sub), rf_core_site(sub->core)->domain, 0);
	rf_put_lit(w, "\r\nVoice-Message: ");
	rf_put_u64(w, line->mwi.fresh);
	rf_put_byte(w, '/');
	rf_put_u64(w, line->mwi.old);
	rf_put_lit(w, " (0/0)\r\n");
	if (rf_writer_done(w, &text))
		return full;
	hash = rf_hash(&sub->core->hash_key, text);
	if (!full && hash == sub->told)
		return false;
	sub->told = hash;
	return true;
}

const struct rf_sub_package rf_sub_mwi = {
	.name = { (const uint8_t *)"message-summary", 15 },
	.type = { (const uint8_t *)"application/simple-message-summary", 34 },
	.interval_ms = 1000, .burst = 4, .others = false, .body = body,
};
