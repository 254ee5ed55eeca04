#include "call/identity.h"

#include "call/border.h"
#include "call/roam.h"
#include "call/core_int.h"
#include "call/trunk.h"

static const struct {
	const char *name;
	uint16_t code; /* 0: 401 or 407 by method */
	struct rf_view text;
} rules[RF_ID_RULES] = {
	[RF_ID_OK] = { "ok", 0, { NULL, 0 } },
	[RF_ID_CHALLENGE] = { "challenge", 0, { NULL, 0 } },
	[RF_ID_PASSWORD] = { "password-wrong", 0, { NULL, 0 } },
	[RF_ID_WAIT] = { "password-tries", 403, { (const uint8_t *)"Too Many Wrong Passwords", 24 } },
	[RF_ID_CREDENTIALS] = { "credentials-malformed", 400, { (const uint8_t *)"Malformed Credentials", 21 } },
	[RF_ID_NO_CERTIFICATE] = { "certificate-missing", 403, { (const uint8_t *)"Client Certificate Required", 27 } },
	[RF_ID_PHONE_UNKNOWN] = { "phone-unknown", 403, { (const uint8_t *)"Unknown Phone", 13 } },
	[RF_ID_CERTIFICATE_OVER] = { "certificate-over", 403, { (const uint8_t *)"Certificate Not Valid", 21 } },
	[RF_ID_PHONE_LOCKED] = { "phone-locked", 403, { (const uint8_t *)"Phone Locked", 12 } },
	[RF_ID_USER_LOCKED] = { "user-locked", 403, { (const uint8_t *)"User Locked", 11 } },
	[RF_ID_USER_NUMBER] = { "user-number", 403, { (const uint8_t *)"User Not Assigned To This Phone", 31 } },
	[RF_ID_TO_OTHER] = { "register-other", 403, { (const uint8_t *)"Not Your Number", 15 } },
	[RF_ID_FROM_OTHER] = { "from-other", 403, { (const uint8_t *)"From Is Not Yours", 17 } },
	[RF_ID_TRUNK_REGISTER] = { "trunk-register", 403, { (const uint8_t *)"Trunks Do Not Register", 22 } },
	[RF_ID_TRUNK_GROUP] = { "trunk-group", 403, { (const uint8_t *)"Unknown Trunk Group", 19 } },
	[RF_ID_STRANGER] = { "stranger", 403, { NULL, 0 } },
	[RF_ID_DIALOG_OTHER] = { "dialog-other", 403, { (const uint8_t *)"Not Your Dialog", 15 } },
};

const char *rf_identity_rule_name(enum rf_identity_rule rule)
{
	return rules[rule].name;
}

struct rf_view rf_identity_rule_text(enum rf_identity_rule rule)
{
	return rules[rule].text;
}

static struct rf_verdict verdict(enum rf_identity_rule rule)
{
	return (struct rf_verdict){ .rule = rule, .code = rules[rule].code };
}

static struct rf_verdict challenge(enum rf_identity_rule rule, const struct rf_sip_msg *req, bool stale)
{
	return (struct rf_verdict){ .rule = rule, .code = req->method == RF_SIP_REGISTER ? 401 : 407, .stale = stale };
}

struct rf_verdict rf_identity_prove_phone(struct rf_call_core *core, const struct rf_peer *from,
					  struct rf_proof *ret_proof)
{
	const struct rf_policy *policy = &rf_core_site(core)->policy;

	*ret_proof = (struct rf_proof){ .trunk = rf_trunk_of(core, from) };
	if (!ret_proof->trunk && rf_border_between(core))
		ret_proof->host = rf_border_peer(core, from);
	if (!ret_proof->trunk && !ret_proof->host && core->border)
		ret_proof->phone = rf_roam_peer(core, from);
	if (ret_proof->trunk || ret_proof->host || (core->border && ret_proof->phone))
		return verdict(RF_ID_OK);
	if (core->border)
		return verdict(RF_ID_STRANGER);
	if (from->id && from->id->present) {
		switch (rf_directory_prove(core->directory, from->id, rf_core_wall(core), &ret_proof->phone, NULL)) {
		case 0:
			return verdict(RF_ID_OK);
		case RF_E_STALE:
			return verdict(RF_ID_CERTIFICATE_OVER);
		case RF_E_DENIED:
			return verdict(RF_ID_PHONE_LOCKED);
		default:
			return verdict(RF_ID_PHONE_UNKNOWN);
		}
	}
	return verdict(policy->require_certificate ? RF_ID_NO_CERTIFICATE : RF_ID_OK);
}

/* A phone outside, of which a border says who it is. */
static bool is_roaming(const struct rf_proof *proof)
{
	return proof->host && proof->phone;
}

/* Whoever has one address of an IPv6 network has all of them. What comes by a border comes from all phones outside:
 * there the phone is the source. */
static struct rf_view source_of(const struct rf_peer *from, const struct rf_proof *proof)
{
	if (is_roaming(proof))
		return rf_view_str(proof->phone->urn);
	return rf_view_of(from->flow.remote.ip, from->flow.remote.family == 4 ? 4 : 8);
}

/* A nonce serves only the certificate that asked for it; of a phone outside a border has seen that. */
static struct rf_view nonce_binding(const struct rf_peer *from, const struct rf_proof *proof)
{
	if (is_roaming(proof))
		return rf_view_str(proof->phone->urn);
	if (!from->id || !from->id->present)
		return (struct rf_view){ NULL, 0 };
	return rf_view_of(from->id->sha256, sizeof from->id->sha256);
}

static const struct rf_dir_user *find_user(struct rf_call_core *core, const struct rf_digest_cred *cred,
					   struct rf_writer *name)
{
	struct rf_view v;

	if (cred->userhash)
		return rf_directory_user_by_hash(core->directory, cred->alg, cred->username);
	if (rf_digest_cred_user(cred, name) || rf_writer_done(name, &v))
		return NULL;
	return rf_directory_user(core->directory, v);
}

/* A host of the site as the outside knows it. */
static bool is_outside_of_border(const struct rf_site *site, const struct rf_sip_uri *uri)
{
	struct rf_addr at;

	if (!rf_sip_uri_is_sip(uri) || uri->host_kind == RF_SIP_HOST_NAME || rf_addr_parse(uri->host, 0, &at))
		return false;
	for (size_t i = 0; i < site->host_count; i++) {
		const struct rf_site_ip *ip =
			site->hosts[i].roles & RF_ROLE_BORDER ? rf_site_outside_ip(&site->hosts[i], at.family) : NULL;

		if (ip && ip->family == at.family && memcmp(ip->b, at.ip, at.family == 4 ? 4 : 16) == 0)
			return true;
	}
	return false;
}

/* What a phone outside signs is the URI that it asked its border for; what comes here is written by the border. They
 * are the same when they name one number at this site (RFC 7616 3.4.6). */
static bool is_asked_outside(const struct rf_call_core *core, struct rf_view signed_uri, const struct rf_sip_uri *asked)
{
	uint8_t a[256], b[256];
	struct rf_view x = { NULL, 0 }, y = { NULL, 0 };
	struct rf_sip_uri uri;

	if (rf_sip_uri_parse(signed_uri, &uri) ||
	    !(rf_identity_our_host(core, &uri) || is_outside_of_border(rf_core_site(core), &uri)) ||
	    !rf_identity_our_host(core, asked))
		return false;
	if (uri.scheme == RF_SIP_SCHEME_TEL ? rf_sip_uri_aor(&uri, a, sizeof a, &x) :
					      rf_sip_uri_unescape(uri.user, a, sizeof a, &x))
		return false;
	return rf_sip_uri_unescape(asked->user, b, sizeof b, &y) == 0 && rf_view_eq(x, y);
}

/* The credentials meant for our realm: 1 and *ret_cred, 0 when there are none, else a verdict in *ret_v and -1. */
static int find_credentials(struct rf_call_core *core, const struct rf_sip_msg *req, bool roaming,
			    struct rf_digest_cred *ret_cred, struct rf_verdict *ret_v)
{
	enum rf_sip_hid id = req->method == RF_SIP_REGISTER ? RF_SIP_H_AUTHORIZATION : RF_SIP_H_PROXY_AUTHORIZATION;

	for (const struct rf_sip_hdr *h = rf_sip_msg_hdr(req, id); h; h = rf_sip_msg_hdr_next(req, h)) {
		struct rf_view realm;

		if (rf_digest_realm_of(h->value, &realm) && !rf_view_eq(realm, core->digest_policy.realm))
			continue;
		int rc = rf_digest_cred_parse(h->value, ret_cred);

		if (!rc)
			rc = rf_digest_cred_check(ret_cred, &core->digest_policy,
						  roaming && is_asked_outside(core, ret_cred->uri, &req->uri) ?
							  ret_cred->uri :
							  req->uri.text);
		if (rc == 0)
			return 1;
		if (rc != RF_E_NOT_FOUND && rc != RF_E_UNSUPPORTED) {
			*ret_v = verdict(RF_ID_CREDENTIALS);
			return -1;
		}
	}
	return 0;
}

static struct rf_verdict wrong_password(struct rf_call_core *core, const struct rf_sip_msg *req,
					struct rf_view name, struct rf_view source)
{
	core->counters.passwords_wrong++;
	rf_suspects_failed(core->suspects, name, source, rf_core_now(core));
	return challenge(RF_ID_PASSWORD, req, false);
}

/* An unknown user costs the same two hashes as a known one, so that time does not tell names apart. */
static int verify(struct rf_call_core *core, const struct rf_sip_msg *req, const struct rf_digest_cred *cred,
		  const struct rf_dir_user *user)
{
	static const struct rf_digest_ha1 nobody = { { 0 } };
	bool known = user && user->algs & RF_DIGEST_BIT(cred->alg);
	int rc = rf_digest_verify(core->digest, cred, known ? &user->ha1[cred->alg] : &nobody, req->method_name,
				  req->body);

	return known ? rc : RF_E_AUTH;
}

static struct rf_verdict prove_user(struct rf_call_core *core, const struct rf_sip_msg *req, const struct rf_peer *from,
				    const struct rf_proof *proof, const struct rf_dir_user **ret_user)
{
	struct rf_view binding = nonce_binding(from, proof), source = source_of(from, proof),
		       realm = core->digest_policy.realm;
	struct rf_mono now = rf_core_now(core);
	struct rf_digest_cred cred;
	struct rf_verdict v;
	uint8_t buf[256];
	struct rf_writer name;

	rf_writer_init(&name, buf, sizeof buf);
	int rc = find_credentials(core, req, is_roaming(proof), &cred, &v);

	if (rc < 0)
		return v;
	if (rc == 0)
		return challenge(RF_ID_CHALLENGE, req, false);
	const struct rf_dir_user *user = find_user(core, &cred, &name);
	struct rf_view who = user ? user->name : cred.username;
	uint32_t wait = rf_suspects_wait_ms(core->suspects, who, source, now);

	if (wait) {
		core->counters.passwords_delayed++;
		v = verdict(RF_ID_WAIT);
		v.retry_after_s = (wait + 999) / 1000;
		return v;
	}
	rc = rf_nonce_check(core->nonce, cred.nonce, realm, binding, now);
	if (rc)
		return challenge(RF_ID_CHALLENGE, req, rc == RF_E_STALE);
	if (verify(core, req, &cred, user))
		return wrong_password(core, req, who, source);
	if (rf_nonce_spend(core->nonce, cred.nonce, cred.nc, now))
		return challenge(RF_ID_CHALLENGE, req, true);
	rf_suspects_succeeded(core->suspects, who, source);
	*ret_user = user;
	return verdict(user->locked ? RF_ID_USER_LOCKED : RF_ID_OK);
}

struct rf_verdict rf_identity_prove(struct rf_call_core *core, const struct rf_sip_msg *req,
				    const struct rf_peer *from, struct rf_proof *ret_proof)
{
	const struct rf_policy *policy = &rf_core_site(core)->policy;
	struct rf_verdict v = rf_identity_prove_phone(core, from, ret_proof);

	if (!v.code && ret_proof->host && !core->border)
		v = rf_border_claim(core, req, ret_proof);
	if (v.code || ret_proof->trunk || (ret_proof->host && !(is_roaming(ret_proof) && policy->require_user)) ||
	    (ret_proof->phone && (core->border || !policy->require_user)))
		return v;
	v = prove_user(core, req, from, ret_proof, &ret_proof->user);
	if (v.code)
		return v;
	if (ret_proof->phone && !rf_view_eq(ret_proof->phone->number, ret_proof->user->number))
		return verdict(RF_ID_USER_NUMBER);
	return v;
}

bool rf_identity_stands(const struct rf_call_core *core, struct rf_view phone_name, struct rf_view user_name,
			struct rf_view number)
{
	const struct rf_dir_phone *phone = phone_name.n ? rf_directory_phone(core->directory, phone_name) : NULL;
	const struct rf_dir_user *user = user_name.n ? rf_directory_user(core->directory, user_name) : NULL;

	if (phone_name.n && (!phone || phone->locked || !rf_view_eq(phone->number, number)))
		return false;
	return user_name.n == 0 || (user && !user->locked && rf_view_eq(user->number, number));
}

struct rf_view rf_proof_number(const struct rf_proof *proof)
{
	if (proof->phone)
		return proof->phone->number;
	if (proof->user)
		return proof->user->number;
	return (struct rf_view){ NULL, 0 };
}

static bool ip_is(const struct rf_sip_uri *uri, struct rf_view text)
{
	uint8_t a[16], b[16];

	if (text.n == 0 || uri->host_kind == RF_SIP_HOST_NAME)
		return false;
	if (rf_view_eq(text, uri->host))
		return true;
	if (uri->host_kind != RF_SIP_HOST_IP6)
		return false;
	return rf_sip_ip6(text, a) && rf_sip_ip6(uri->host, b) && memcmp(a, b, 16) == 0;
}

bool rf_identity_our_host(const struct rf_call_core *core, const struct rf_sip_uri *uri)
{
	const struct rf_site *site = rf_core_site(core);

	if (uri->scheme == RF_SIP_SCHEME_TEL)
		return true;
	if (!rf_sip_uri_is_sip(uri))
		return false;
	if (rf_view_eq_nocase(uri->host, site->domain))
		return true;
	if (core->ua && rf_ua_is_us(core->ua, uri))
		return true;
	for (size_t i = 0; i < site->host_count; i++)
		if (ip_is(uri, site->hosts[i].address_text) || ip_is(uri, site->hosts[i].address6_text))
			return true;
	return false;
}

bool rf_identity_number_of(const struct rf_call_core *core, const struct rf_sip_uri *uri, uint8_t *buf, size_t cap,
			   struct rf_view *ret_number)
{
	if (!rf_identity_our_host(core, uri))
		return false;
	if (uri->scheme == RF_SIP_SCHEME_TEL)
		return rf_sip_uri_aor(uri, buf, cap, ret_number) == 0 && ret_number->n > 0;
	if (rf_sip_uri_unescape(uri->user, buf, cap, ret_number) || ret_number->n == 0)
		return false;
	return true;
}

static enum rf_privacy privacy_word(struct rf_view word)
{
	static const struct {
		const char *word;
		enum rf_privacy means;
	} rows[] = {
		{ "id", RF_PRIVACY_HIDE }, { "user", RF_PRIVACY_HIDE }, { "header", RF_PRIVACY_HIDE },
		{ "none", RF_PRIVACY_NONE },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rf_view_eq_nocase(word, rf_view_str(rows[i].word)))
			return rows[i].means;
	return RF_PRIVACY_UNSAID;
}

/* priv-value *(";" priv-value); the strongest of them, should they contradict each other */
enum rf_privacy rf_identity_privacy(const struct rf_sip_msg *msg)
{
	struct rf_sip_values it = rf_sip_values_of(msg, RF_SIP_H_PRIVACY);
	enum rf_privacy most = RF_PRIVACY_UNSAID;
	struct rf_view v;

	while (rf_sip_values_next(&it, &v) > 0)
		while (v.n) {
			size_t end = rf_view_find(v, ';');
			enum rf_privacy p = privacy_word(rf_view_trim(rf_view_sub(v, 0, end)));

			most = p > most ? p : most;
			v = rf_view_from(v, end + 1);
		}
	return most;
}

bool rf_identity_is_anonymous(const struct rf_sip_uri *uri)
{
	return rf_sip_uri_is_sip(uri) && rf_view_eq_nocase(uri->host, RF_V("anonymous.invalid")) &&
	       (uri->user.n == 0 || rf_view_eq_nocase(uri->user, RF_V("anonymous")));
}

/* Is this URI an address of record of the proven sender: its number, or its user name, at this site? */
static bool owns(const struct rf_call_core *core, const struct rf_proof *proof, const struct rf_sip_uri *uri)
{
	uint8_t buf[256];
	struct rf_view who, number = rf_proof_number(proof);

	if (number.n == 0 || !rf_identity_number_of(core, uri, buf, sizeof buf, &who))
		return false;
	return rf_view_eq(who, number) || (proof->user && rf_view_eq(who, proof->user->name));
}

/* The bare number only: a REGISTER creates what others are routed by. */
static bool is_number(const struct rf_call_core *core, const struct rf_proof *proof, const struct rf_sip_uri *uri)
{
	uint8_t buf[256];
	struct rf_view who, number = rf_proof_number(proof);

	return number.n && rf_identity_number_of(core, uri, buf, sizeof buf, &who) && rf_view_eq(who, number);
}

struct rf_verdict rf_identity_may_register(const struct rf_call_core *core, const struct rf_proof *proof,
					   const struct rf_sip_msg *req)
{
	if (!is_number(core, proof, &req->to.uri))
		return verdict(RF_ID_TO_OTHER);
	return verdict(is_number(core, proof, &req->from.uri) ? RF_ID_OK : RF_ID_FROM_OTHER);
}

struct rf_verdict rf_identity_may_send(const struct rf_call_core *core, const struct rf_proof *proof,
				       const struct rf_sip_msg *req)
{
	if (rf_identity_is_anonymous(&req->from.uri) && rf_proof_number(proof).n)
		return verdict(RF_ID_OK);
	return verdict(owns(core, proof, &req->from.uri) ? RF_ID_OK : RF_ID_FROM_OTHER);
}

int rf_identity_put_challenge(struct rf_call_core *core, struct rf_writer *w, const struct rf_peer *from,
			      const struct rf_proof *proof, unsigned code, bool stale)
{
	char text[RF_NONCE_TEXT];
	int rc = rf_nonce_issue(core->nonce, core->digest_policy.realm, nonce_binding(from, proof), core->random,
				rf_core_now(core), text);

	if (rc)
		return rc;
	core->counters.challenges++;
	return rf_digest_put_challenges(w, code == 401 ? RF_V("WWW-Authenticate") : RF_V("Proxy-Authenticate"),
					&core->digest_policy, rf_view_of(text, sizeof text), stale);
}

void rf_identity_report(struct rf_call_core *core, const struct rf_sip_msg *req, const struct rf_peer *from,
			const struct rf_proof *proof, const struct rf_verdict *v)
{
	if (v->rule == RF_ID_OK || v->rule == RF_ID_CHALLENGE)
		return;
	if (v->rule == RF_ID_DIALOG_OTHER)
		core->counters.hijacks_refused++;
	core->counters.identity_refused++;
	rf_record_identity(core, req, from, proof, v);
}
