/* The wire form: "Digest name=value, name="quoted", ...". Strict: each name once, commas between, nothing left over. */
#include "sip/digest.h"

#include "base/reader.h"
#include "sip/params.h"

enum name {
	P_OTHER, P_ALGORITHM, P_CNONCE, P_DOMAIN, P_NC, P_NONCE, P_OPAQUE, P_QOP, P_REALM, P_RESPONSE, P_STALE, P_URI,
	P_USERHASH, P_USERNAME, P_USERNAME_EXT, P_NAMES
};

static const struct rf_view *name_of(enum name n)
{
#define N(lit) { (const uint8_t *)(lit), sizeof(lit) - 1 }
	static const struct rf_view names[P_NAMES] = {
		[P_ALGORITHM] = N("algorithm"), [P_CNONCE] = N("cnonce"),     [P_DOMAIN] = N("domain"),
		[P_NC] = N("nc"),               [P_NONCE] = N("nonce"),       [P_OPAQUE] = N("opaque"),
		[P_QOP] = N("qop"),             [P_REALM] = N("realm"),       [P_RESPONSE] = N("response"),
		[P_STALE] = N("stale"),         [P_URI] = N("uri"),           [P_USERHASH] = N("userhash"),
		[P_USERNAME] = N("username"),   [P_USERNAME_EXT] = N("username*"),
	};
#undef N
	return &names[n];
}

/* All parameters of one header: the known ones by name, the others only to see that none comes twice. */
struct fields {
	struct rf_view value[P_NAMES];
	bool has[P_NAMES];
	struct rf_view others[RF_DIGEST_PARAMS];
	unsigned other_count;
};

static enum name known(struct rf_view name)
{
	for (unsigned i = P_OTHER + 1; i < P_NAMES; i++) {
		const struct rf_view *one = name_of((enum name)i);

		if (one->n == name.n && rf_view_eq_nocase(name, *one)) /* the length first: no call for the others */
			return (enum name)i;
	}
	return P_OTHER;
}

static bool is_space(int c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n'; /* CR and LF only within a fold: the parser saw to it */
}

static void skip_space(struct rf_reader *r)
{
	while (is_space(rf_peek(r)))
		r->p++;
}

/* The inside of a quoted string whose first quote was taken, escapes left in; takes the last quote. */
static struct rf_view quoted(struct rf_reader *r)
{
	const uint8_t *from = r->p, *p = from;

	for (; p < r->end && *p != '"'; p++) {
		if (*p == '\\' && ++p == r->end)
			break;
		if ((*p < ' ' && *p != '\t') || *p == 0x7f)
			break;
	}
	if (p == r->end || *p != '"') {
		r->err = RF_E_MALFORMED;
		return rf_view_of(from, 0);
	}
	r->p = p + 1;
	return rf_view_of(from, (size_t)(p - from));
}

/* Up to white space, comma, equals sign or quote. */
static struct rf_view bare(struct rf_reader *r)
{
	const uint8_t *from = r->p, *p = from;

	while (p < r->end && !is_space(*p) && *p != ',' && *p != '=' && *p != '"')
		p++;
	struct rf_view v = rf_view_of(from, (size_t)(p - from));
	if (!rf_sip_is_token(v))
		r->err = RF_E_MALFORMED;
	r->p = p;
	return v;
}

static bool is_ext(uint8_t c)
{
	return c > ' ' && c < 0x7f && c != ',' && c != '"';
}

/* username* is an ext-value (RFC 8187), with apostrophes and percent signs, and never in quotes. */
static struct rf_view ext_value(struct rf_reader *r)
{
	const uint8_t *from = r->p;

	while (rf_left(r) && is_ext(*r->p))
		r->p++;
	if (r->p == from)
		r->err = RF_E_MALFORMED;
	return rf_view_of(from, (size_t)(r->p - from));
}

static struct rf_view take_value(struct rf_reader *r, enum name id)
{
	if (id == P_USERNAME_EXT)
		return ext_value(r);
	return rf_take_if(r, '"') ? quoted(r) : bare(r);
}

static int take_field(struct rf_reader *r, struct fields *f)
{
	skip_space(r);
	struct rf_view name = bare(r);
	skip_space(r);
	if (!rf_take_if(r, '='))
		return RF_E_MALFORMED;
	skip_space(r);
	enum name id = known(name);
	struct rf_view value = take_value(r, id);
	skip_space(r);
	if (r->err)
		return r->err;
	if (id == P_OTHER) {
		for (unsigned i = 0; i < f->other_count; i++)
			if (rf_view_eq_nocase(f->others[i], name))
				return RF_E_MALFORMED;
		if (f->other_count == RF_DIGEST_PARAMS)
			return RF_E_LIMIT;
		f->others[f->other_count++] = name;
		return 0;
	}
	if (f->has[id])
		return RF_E_MALFORMED;
	f->has[id] = true;
	f->value[id] = value;
	return 0;
}

static int take_fields(struct rf_view value, struct fields *f)
{
	struct rf_reader r = rf_reader_of(rf_view_trim(value));
	const uint8_t *from = r.p;

	while (rf_left(&r) && !is_space(*r.p))
		r.p++;
	struct rf_view scheme = rf_view_of(from, (size_t)(r.p - from));
	if (!rf_view_eq_nocase(scheme, RF_V("Digest")))
		return rf_sip_is_token(scheme) ? RF_E_UNSUPPORTED : RF_E_MALFORMED;
	*f = (struct fields){ .other_count = 0 };
	unsigned count = 0;
	do {
		if (++count > RF_DIGEST_PARAMS)
			return RF_E_LIMIT;
		int rc = take_field(&r, f);
		if (rc)
			return rc;
	} while (rf_take_if(&r, ','));
	return rf_reader_end(&r);
}

static int take_alg(const struct fields *f, enum rf_digest_alg *ret_alg, bool *ret_sess)
{
	*ret_alg = RF_DIGEST_MD5; /* RFC 7616 3.3: when it is not said */
	*ret_sess = false;
	return f->has[P_ALGORITHM] ? rf_digest_alg_parse(f->value[P_ALGORITHM], ret_alg, ret_sess) : 0;
}

static int take_bool(const struct fields *f, enum name id, bool *ret)
{
	bool yes = rf_view_eq_nocase(f->value[id], RF_V("true"));

	if (f->has[id] && !yes && !rf_view_eq_nocase(f->value[id], RF_V("false")))
		return RF_E_MALFORMED;
	*ret = f->has[id] && yes;
	return 0;
}

static bool hex_digits(struct rf_view v, size_t n)
{
	for (size_t i = 0; i < v.n; i++) {
		uint8_t c = rf_lower(v.p[i]);

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
	}
	return v.n == n;
}

static uint32_t hex_value(struct rf_view v)
{
	uint32_t x = 0;

	for (size_t i = 0; i < v.n; i++) {
		uint8_t c = rf_lower(v.p[i]);

		x = x << 4 | (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return x;
}

/* --- credentials */

static int take_qop(const struct fields *f, struct rf_digest_cred *c)
{
	if (!f->has[P_QOP])
		return c->sess ? RF_E_MALFORMED : 0;
	if (rf_view_eq_nocase(f->value[P_QOP], RF_V("auth")))
		c->qop = RF_DIGEST_QOP_AUTH;
	else if (rf_view_eq_nocase(f->value[P_QOP], RF_V("auth-int")))
		c->qop = RF_DIGEST_QOP_AUTH_INT;
	else
		return RF_E_UNSUPPORTED;
	if (!f->has[P_CNONCE] || rf_view_empty(c->cnonce) || !hex_digits(c->nc_text, 8))
		return RF_E_MALFORMED;
	c->nc = hex_value(c->nc_text);
	return c->nc ? 0 : RF_E_MALFORMED;
}

int rf_digest_cred_parse(struct rf_view value, struct rf_digest_cred *ret_cred)
{
	struct fields f;
	int rc = take_fields(value, &f);

	if (rc)
		return rc;
	struct rf_digest_cred c = {
		.username = f.value[f.has[P_USERNAME] ? P_USERNAME : P_USERNAME_EXT],
		.username_ext = f.has[P_USERNAME_EXT],
		.realm = f.value[P_REALM],
		.nonce = f.value[P_NONCE],
		.uri = f.value[P_URI],
		.response = f.value[P_RESPONSE],
		.cnonce = f.value[P_CNONCE],
		.opaque = f.value[P_OPAQUE],
		.nc_text = f.value[P_NC],
	};
	rc = take_alg(&f, &c.alg, &c.sess);
	if (rc == 0)
		rc = take_bool(&f, P_USERHASH, &c.userhash);
	if (rc == 0)
		rc = take_qop(&f, &c);
	if (rc)
		return rc;
	if (f.has[P_USERNAME] == f.has[P_USERNAME_EXT] || (c.username_ext && c.userhash) || !f.has[P_REALM] ||
	    rf_view_empty(c.nonce) || rf_view_empty(c.uri) || !hex_digits(c.response, 2 * rf_digest_alg_bytes(c.alg)))
		return RF_E_MALFORMED;
	*ret_cred = c;
	return 0;
}

bool rf_digest_realm_of(struct rf_view value, struct rf_view *ret_realm)
{
	struct fields f;

	if (take_fields(value, &f) || !f.has[P_REALM])
		return false;
	*ret_realm = f.value[P_REALM];
	return true;
}

/* UTF-8'lang'pct-encoded (RFC 8187 3.2.1). */
static int put_ext_value(struct rf_writer *w, struct rf_view v)
{
	size_t charset = rf_view_find(v, '\'');
	struct rf_view rest = rf_view_from(v, charset + 1);
	size_t language = rf_view_find(rest, '\'');

	if (charset == v.n || language == rest.n)
		return RF_E_MALFORMED;
	if (!rf_view_eq_nocase(rf_view_sub(v, 0, charset), RF_V("UTF-8")))
		return RF_E_UNSUPPORTED;
	struct rf_reader r = rf_reader_of(rf_view_from(rest, language + 1));
	while (rf_left(&r)) {
		uint8_t c = rf_take_u8(&r);

		if (c == '%') {
			struct rf_view two = rf_take(&r, 2);

			if (r.err || !hex_digits(two, 2))
				return RF_E_MALFORMED;
			rf_put_byte(w, (uint8_t)hex_value(two));
		} else if (rf_sip_is_token(rf_view_of(&c, 1)) && c != '*' && c != '\'') {
			rf_put_byte(w, c);
		} else {
			return RF_E_MALFORMED;
		}
	}
	return w->err;
}

int rf_digest_cred_user(const struct rf_digest_cred *cred, struct rf_writer *w)
{
	if (cred->userhash)
		return RF_E_STATE;
	if (cred->username_ext)
		return put_ext_value(w, cred->username);
	for (size_t i = 0; i < cred->username.n; i++) {
		if (cred->username.p[i] == '\\' && i + 1 < cred->username.n)
			i++;
		rf_put_byte(w, cred->username.p[i]);
	}
	return w->err;
}

/* --- challenges */

/* The list inside qop="auth,auth-int". */
static unsigned qops_of(struct rf_view list)
{
	struct rf_reader r = rf_reader_of(list);
	unsigned qops = 0;

	while (rf_left(&r)) {
		struct rf_view one = rf_view_trim(rf_take_until(&r, ','));

		if (rf_view_eq_nocase(one, RF_V("auth")))
			qops |= RF_DIGEST_QOP_AUTH;
		else if (rf_view_eq_nocase(one, RF_V("auth-int")))
			qops |= RF_DIGEST_QOP_AUTH_INT;
	}
	return qops;
}

int rf_digest_challenge_parse(struct rf_view value, struct rf_digest_challenge *ret_ch)
{
	struct fields f;
	int rc = take_fields(value, &f);

	if (rc)
		return rc;
	struct rf_digest_challenge c = {
		.realm = f.value[P_REALM],
		.nonce = f.value[P_NONCE],
		.opaque = f.value[P_OPAQUE],
		.domain = f.value[P_DOMAIN],
		/* RFC 7616 3.3: anything but true is false */
		.stale = rf_view_eq_nocase(f.value[P_STALE], RF_V("true")),
		.qops = qops_of(f.value[P_QOP]),
	};
	rc = take_alg(&f, &c.alg, &c.sess);
	if (rc == 0)
		rc = take_bool(&f, P_USERHASH, &c.userhash);
	if (rc)
		return rc;
	if (!f.has[P_REALM] || rf_view_empty(c.nonce))
		return RF_E_MALFORMED;
	if (f.has[P_QOP] && !c.qops)
		return RF_E_UNSUPPORTED;
	*ret_ch = c;
	return 0;
}

/* --- writing */

/* Would quoted() give back exactly this? */
static bool fits_quotes(struct rf_view v)
{
	for (size_t i = 0; i < v.n; i++) {
		uint8_t c = v.p[i];

		if (c == '"')
			return false;
		if (c == '\\' && ++i == v.n)
			return false;
		c = v.p[i];
		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static void put_name(struct rf_writer *w, bool *first, enum name id)
{
	rf_put(w, *first ? RF_V(" ") : RF_V(", "));
	*first = false;
	rf_put(w, *name_of(id));
	rf_put_byte(w, '=');
}

static void put_bare(struct rf_writer *w, bool *first, enum name id, struct rf_view v)
{
	put_name(w, first, id);
	rf_put(w, v);
}

static void put_quoted(struct rf_writer *w, bool *first, enum name id, struct rf_view v)
{
	put_name(w, first, id);
	rf_put_byte(w, '"');
	rf_put(w, v);
	rf_put_byte(w, '"');
}

static void put_alg(struct rf_writer *w, bool *first, enum rf_digest_alg alg, bool sess)
{
	put_bare(w, first, P_ALGORITHM, rf_digest_alg_name(alg));
	if (sess)
		rf_put_lit(w, "-sess");
}

/* Would ext_value() give back exactly this? */
static bool fits_ext(struct rf_view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (!is_ext(v.p[i]))
			return false;
	return v.n > 0;
}

int rf_digest_put_cred(struct rf_writer *w, const struct rf_digest_cred *cred)
{
	bool first = true, counted = cred->qop != RF_DIGEST_QOP_NONE;

	if (!(cred->username_ext ? fits_ext(cred->username) : fits_quotes(cred->username)) ||
	    !fits_quotes(cred->realm) || !fits_quotes(cred->nonce) || !fits_quotes(cred->uri) ||
	    !fits_quotes(cred->response) || !fits_quotes(cred->cnonce) || !fits_quotes(cred->opaque) ||
	    (counted && !hex_digits(cred->nc_text, 8)))
		return RF_E_MALFORMED;
	rf_put_lit(w, "Digest");
	if (cred->username_ext)
		put_bare(w, &first, P_USERNAME_EXT, cred->username);
	else
		put_quoted(w, &first, P_USERNAME, cred->username);
	put_quoted(w, &first, P_REALM, cred->realm);
	put_quoted(w, &first, P_NONCE, cred->nonce);
	put_quoted(w, &first, P_URI, cred->uri);
	put_quoted(w, &first, P_RESPONSE, cred->response);
	put_alg(w, &first, cred->alg, cred->sess);
	if (cred->cnonce.n)
		put_quoted(w, &first, P_CNONCE, cred->cnonce);
	if (cred->opaque.n)
		put_quoted(w, &first, P_OPAQUE, cred->opaque);
	if (counted) {
		put_bare(w, &first, P_QOP, cred->qop == RF_DIGEST_QOP_AUTH ? RF_V("auth") : RF_V("auth-int"));
		put_bare(w, &first, P_NC, cred->nc_text);
	}
	if (cred->userhash)
		put_bare(w, &first, P_USERHASH, RF_V("true"));
	return w->err;
}

int rf_digest_put_challenge(struct rf_writer *w, const struct rf_digest_challenge *ch)
{
	bool first = true;

	if (!fits_quotes(ch->realm) || !fits_quotes(ch->nonce) || !fits_quotes(ch->opaque) || !fits_quotes(ch->domain))
		return RF_E_MALFORMED;
	rf_put_lit(w, "Digest");
	put_quoted(w, &first, P_REALM, ch->realm);
	if (ch->domain.n)
		put_quoted(w, &first, P_DOMAIN, ch->domain);
	put_quoted(w, &first, P_NONCE, ch->nonce);
	if (ch->opaque.n)
		put_quoted(w, &first, P_OPAQUE, ch->opaque);
	if (ch->stale)
		put_bare(w, &first, P_STALE, RF_V("true"));
	put_alg(w, &first, ch->alg, ch->sess);
	if (ch->qops)
		put_quoted(w, &first, P_QOP,
			   ch->qops == RF_DIGEST_QOP_AUTH ? RF_V("auth") :
			   ch->qops == RF_DIGEST_QOP_AUTH_INT ? RF_V("auth-int") : RF_V("auth,auth-int"));
	if (ch->userhash)
		put_bare(w, &first, P_USERHASH, RF_V("true"));
	return w->err;
}
