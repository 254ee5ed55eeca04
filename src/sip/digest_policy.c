/* The server's rules that need no secret: what we ask for, and what of the answers is for us. */
#include "sip/digest.h"

#include "sip/uri.h"

void rf_digest_policy_init(struct rf_digest_policy *p, struct rf_view realm, unsigned algs)
{
	*p = (struct rf_digest_policy){ .realm = realm };
	for (unsigned i = 0; i < RF_DIGEST_ALGS; i++)
		if (algs & RF_DIGEST_BIT(i))
			p->algs[p->alg_count++] = (enum rf_digest_alg)i;
}

int rf_digest_put_challenges(struct rf_writer *w, struct rf_view header, const struct rf_digest_policy *policy,
			     struct rf_view nonce, bool stale)
{
	struct rf_digest_challenge ch = {
		.realm = policy->realm,
		.nonce = nonce,
		.stale = stale,
		.userhash = policy->userhash,
		.qops = RF_DIGEST_QOP_AUTH | (policy->auth_int ? RF_DIGEST_QOP_AUTH_INT : 0),
	};

	for (unsigned i = 0; i < policy->alg_count; i++) {
		ch.alg = policy->algs[i];
		rf_put(w, header);
		rf_put_lit(w, ": ");
		int rc = rf_digest_put_challenge(w, &ch);
		if (rc)
			return rc;
		rf_put_lit(w, "\r\n");
	}
	return w->err;
}

static bool same_uri(struct rf_view a, struct rf_view b)
{
	struct rf_sip_uri ua, ub;

	if (rf_view_eq(a, b))
		return true;
	return rf_sip_uri_parse(a, &ua) == 0 && rf_sip_uri_parse(b, &ub) == 0 && rf_sip_uri_is_sip(&ua) &&
	       rf_sip_uri_is_sip(&ub) && rf_sip_uri_eq(&ua, &ub);
}

int rf_digest_cred_check(const struct rf_digest_cred *cred, const struct rf_digest_policy *policy,
			 struct rf_view request_uri)
{
	bool allowed = false;

	if (!rf_view_eq(cred->realm, policy->realm))
		return RF_E_NOT_FOUND;
	for (unsigned i = 0; i < policy->alg_count; i++)
		allowed |= policy->algs[i] == cred->alg;
	if (!allowed || cred->qop == RF_DIGEST_QOP_NONE || (cred->qop == RF_DIGEST_QOP_AUTH_INT && !policy->auth_int) ||
	    (cred->userhash && !policy->userhash))
		return RF_E_UNSUPPORTED;
	return same_uri(cred->uri, request_uri) ? 0 : RF_E_MALFORMED;
}
