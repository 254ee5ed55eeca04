/* Digest (RFC 7616) through a border: the controller asks, the phone answers, and the border says both anew from what
 * it has read. It knows no password, and what passes it is good for one request: the response is of the nonce, which is
 * of the phone's certificate (identity.c), of the method and of what was asked for. */
#include "call/roam_int.h"

#include "base/secret.h"

static bool is_ours(const struct rf_call_core *core, struct rf_view realm)
{
	return rf_view_eq(realm, core->digest_policy.realm);
}

/* A header line is whole, or it was never begun. */
static bool line_done(struct rf_writer *w, size_t before, int rc)
{
	if (!rc && !w->err)
		rf_sip_put_crlf(w);
	if (!rc && !w->err)
		return true;
	rf_secret_wipe(w->buf + before, w->n - before);
	w->n = before;
	w->err = 0;
	return false;
}

void rf_roam_put_credentials(const struct rf_call_core *core, const struct rf_sip_msg *req, struct rf_writer *w)
{
	enum rf_sip_hid id = req->method == RF_SIP_REGISTER ? RF_SIP_H_AUTHORIZATION : RF_SIP_H_PROXY_AUTHORIZATION;

	for (const struct rf_sip_hdr *h = rf_sip_msg_hdr(req, id); h; h = rf_sip_msg_hdr_next(req, h)) {
		struct rf_digest_cred cred;
		size_t before = w->n;

		if (rf_digest_cred_parse(h->value, &cred) || !is_ours(core, cred.realm))
			continue;
		rf_sip_put_hdr_name(w, id);
		if (line_done(w, before, rf_digest_put_cred(w, &cred)))
			return;
	}
}

bool rf_roam_put_challenges(const struct rf_call_core *core, const struct rf_sip_msg *answer, struct rf_writer *w)
{
	enum rf_sip_hid id = answer->status == 401 ? RF_SIP_H_WWW_AUTHENTICATE : RF_SIP_H_PROXY_AUTHENTICATE;
	unsigned n = 0;

	for (const struct rf_sip_hdr *h = rf_sip_msg_hdr(answer, id); h && n < RF_DIGEST_ALGS;
	     h = rf_sip_msg_hdr_next(answer, h)) {
		struct rf_digest_challenge ch;
		size_t before = w->n;

		if (rf_digest_challenge_parse(h->value, &ch) || !is_ours(core, ch.realm))
			continue;
		ch.domain = RF_V(""); /* of ours, and a list of where else it holds is for the inside */
		rf_sip_put_hdr_name(w, id);
		n += line_done(w, before, rf_digest_put_challenge(w, &ch));
	}
	return n > 0;
}
