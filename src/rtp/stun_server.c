#include "rtp/stun_server.h"

int rf_stun_server_answer(struct rf_view request, const struct rf_stun_addr *from,
			  uint8_t buf[static RF_STUN_SERVER_REPLY_MAX], struct rf_view *ret_reply)
{
	struct rf_writer w;
	struct rf_stun m;
	int rc = rf_stun_parse(request, &m);

	if (rc)
		return rc;
	if (m.class != RF_STUN_REQUEST || m.method != RF_STUN_BINDING || !from->family)
		return RF_E_UNSUPPORTED;
	rf_writer_init(&w, buf, RF_STUN_SERVER_REPLY_MAX);
	if (m.unknown_count) {
		rf_stun_begin(&w, RF_STUN_ERROR, RF_STUN_BINDING, m.id);
		rf_stun_put_error(&w, 420);
		rf_stun_put_unknown(&w, &m);
	} else {
		rf_stun_begin(&w, RF_STUN_SUCCESS, RF_STUN_BINDING, m.id);
		rf_stun_put_mapped(&w, from);
	}
	/* A 420 that fills the buffer with names goes without: the bound is worth more. */
	if (m.fingerprint && w.cap - w.n >= 8)
		rf_stun_put_fingerprint(&w);
	return rf_writer_done(&w, ret_reply);
}
