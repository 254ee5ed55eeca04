#include "sip/passport.h"

#include "sip/chars.h"
#include "sip/params.h"
#include "sip/passport_json.h"

/* ---- base64url (RFC 4648 5, without padding) */

/* Strict: no length that nothing has, and the bits that are left over are zero, so that every value has one form. */
static int decode(struct rf_view v, uint8_t *dst, size_t cap, size_t *ret_n)
{
	uint32_t bits = 0;
	unsigned held = 0;
	size_t n = 0;

	if (v.n % 4 == 1)
		return RF_E_MALFORMED;
	if (v.n / 4 * 3 + (v.n % 4 ? v.n % 4 - 1 : 0) > cap)
		return RF_E_LIMIT;
	for (size_t i = 0; i < v.n; i++) {
		int x = rf_sip_sextet(v.p[i]);

		if (x < 0)
			return RF_E_MALFORMED;
		bits = bits << 6 | (unsigned)x;
		held += 6;
		if (held >= 8) {
			held -= 8;
			dst[n++] = (uint8_t)(bits >> held);
		}
	}
	*ret_n = n;
	return bits & ((1u << held) - 1) ? RF_E_MALFORMED : 0;
}

static void put_base64(struct rf_writer *w, const uint8_t *p, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		uint32_t x =
			(uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (left > 2 ? p[i + 2] : 0);

		for (unsigned d = 0; d < (left > 2 ? 4 : left + 1); d++)
			rf_put_byte(w, (uint8_t)digits[x >> (18 - 6 * d) & 63]);
	}
}

/* ---- reading */

enum claim {
	C_ALG = 1, C_TYP = 2, C_PPT = 4, C_X5U = 8,
	C_IAT = 16, C_ORIG = 32, C_DEST = 64, C_ATTEST = 128, C_ORIGID = 256, C_DIV = 512,
};

/* A name that is known and was not there before; 0 for any other name. A second one is an error. */
static unsigned claim_of(struct rf_pj *j, struct rf_view name, bool head, unsigned *seen)
{
	static const struct {
		const char *name;
		bool head;
		unsigned claim;
	} rows[] = {
		{ "alg", true, C_ALG }, { "typ", true, C_TYP }, { "ppt", true, C_PPT }, { "x5u", true, C_X5U },
		{ "iat", false, C_IAT }, { "orig", false, C_ORIG }, { "dest", false, C_DEST },
		{ "attest", false, C_ATTEST }, { "origid", false, C_ORIGID }, { "div", false, C_DIV },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (rows[i].head != head || !rf_view_eq(rf_view_str(rows[i].name), name))
			continue;
		if (*seen & rows[i].claim)
			j->err = RF_E_MALFORMED;
		*seen |= rows[i].claim;
		return rows[i].claim;
	}
	return 0;
}

static bool printable(struct rf_view v, size_t most)
{
	if (v.n == 0 || v.n > most)
		return false;
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] <= ' ' || v.p[i] >= 0x7f)
			return false;
	return true;
}

static int read_head(struct rf_passport *p, size_t n)
{
	struct rf_pj j = { p->head, p->head + n, 0, 0 };
	struct rf_view name, alg = { NULL, 0 }, typ = { NULL, 0 };
	unsigned seen = 0;
	bool first = true;

	if (rf_pj_open(&j, '{'))
		while (rf_pj_member(&j, &first, &name))
			switch (claim_of(&j, name, true, &seen)) {
			case C_ALG: alg = rf_pj_string(&j); break;
			case C_TYP: typ = rf_pj_string(&j); break;
			case C_PPT: p->ppt = rf_pj_string(&j); break;
			case C_X5U: p->x5u = rf_pj_string(&j); break;
			default: rf_pj_skip(&j); break;
			}
	if (rf_pj_end(&j) || (seen & (C_ALG | C_TYP | C_X5U)) != (C_ALG | C_TYP | C_X5U) ||
	    !printable(p->x5u, RF_PASSPORT_X5U_MAX))
		return RF_E_MALFORMED;
	if (!rf_view_eq(alg, RF_V("ES256")) || !rf_view_eq(typ, RF_V("passport")))
		return RF_E_UNSUPPORTED;
	if (seen & C_PPT && !rf_view_eq(p->ppt, RF_V("shaken")) && !rf_view_eq(p->ppt, RF_V("div")))
		return RF_E_UNSUPPORTED;
	return 0;
}

/* 1 to 15 of the digits that a number may have. */
static bool is_tn(struct rf_view v)
{
	if (v.n < 1 || v.n > 15)
		return false;
	for (size_t i = 0; i < v.n; i++)
		if (!(v.p[i] >= '0' && v.p[i] <= '9') && v.p[i] != '#' && v.p[i] != '*')
			return false;
	return true;
}

static void take_who(struct rf_pj *j, enum rf_passport_kind kind, struct rf_passport_who *who)
{
	who->kind = kind;
	who->text = rf_pj_string(j);
	if (!(kind == RF_PASSPORT_TN ? is_tn(who->text) : printable(who->text, 255)))
		j->err = RF_E_MALFORMED;
}

static enum rf_passport_kind kind_of(struct rf_view name)
{
	return rf_view_eq(name, RF_V("tn")) ? RF_PASSPORT_TN :
	       rf_view_eq(name, RF_V("uri")) ? RF_PASSPORT_URI : RF_PASSPORT_NONE;
}

/* {"tn":"..."} or {"uri":"..."}: one identity (RFC 8225 5.2.1). div may say more beside it. */
static void read_one(struct rf_pj *j, struct rf_passport_who *who)
{
	struct rf_view name;
	bool first = true;

	if (!rf_pj_open(j, '{'))
		return;
	while (rf_pj_member(j, &first, &name)) {
		enum rf_passport_kind kind = kind_of(name);

		if (kind == RF_PASSPORT_NONE)
			rf_pj_skip(j);
		else if (who->kind)
			j->err = RF_E_MALFORMED;
		else
			take_who(j, kind, who);
	}
	if (!who->kind)
		j->err = RF_E_MALFORMED;
}

/* {"tn":["...",...],"uri":[...]} */
static void read_dest(struct rf_pj *j, struct rf_passport *p)
{
	struct rf_view name;
	bool first = true, had[3] = { false };

	if (!rf_pj_open(j, '{'))
		return;
	while (rf_pj_member(j, &first, &name)) {
		enum rf_passport_kind kind = kind_of(name);
		bool none = true;

		if (kind == RF_PASSPORT_NONE) {
			rf_pj_skip(j);
			continue;
		}
		if (had[kind] || !rf_pj_open(j, '['))
			j->err = RF_E_MALFORMED;
		had[kind] = true;
		while (!j->err && rf_pj_element(j, &none)) {
			if (p->dest_n == RF_PASSPORT_DEST_MAX)
				j->err = RF_E_MALFORMED;
			else
				take_who(j, kind, &p->dest[p->dest_n++]);
		}
	}
	if (p->dest_n == 0)
		j->err = RF_E_MALFORMED;
}

static int read_body(struct rf_passport *p, size_t n)
{
	struct rf_pj j = { p->body, p->body + n, 0, 0 };
	struct rf_view name, attest = { NULL, 0 };
	unsigned seen = 0;
	bool first = true;

	if (rf_pj_open(&j, '{'))
		while (rf_pj_member(&j, &first, &name))
			switch (claim_of(&j, name, false, &seen)) {
			case C_IAT: p->iat_s = rf_pj_integer(&j); break;
			case C_ORIG: read_one(&j, &p->orig); break;
			case C_DEST: read_dest(&j, p); break;
			case C_ATTEST: attest = rf_pj_string(&j); break;
			case C_ORIGID: p->origid = rf_pj_string(&j); break;
			case C_DIV: read_one(&j, &p->div); break;
			default: rf_pj_skip(&j); break;
			}
	unsigned need = C_IAT | C_ORIG | C_DEST;

	if (rf_view_eq(p->ppt, RF_V("shaken")))
		need |= C_ATTEST | C_ORIGID;
	if (rf_view_eq(p->ppt, RF_V("div")))
		need |= C_DIV;
	if (rf_pj_end(&j) || (seen & need) != need)
		return RF_E_MALFORMED;
	if (seen & C_ATTEST && (attest.n != 1 || attest.p[0] < 'A' || attest.p[0] > 'C'))
		return RF_E_MALFORMED;
	if (seen & C_ORIGID && !printable(p->origid, 128))
		return RF_E_MALFORMED;
	p->attest = attest.n ? (char)attest.p[0] : 0;
	return 0;
}

int rf_passport_parse(struct rf_view token, struct rf_passport *ret_p)
{
	size_t dot = rf_view_find(token, '.');
	struct rf_view rest = rf_view_from(token, dot + 1), head = rf_view_sub(token, 0, dot);
	size_t dot2 = rf_view_find(rest, '.');
	struct rf_view body = rf_view_sub(rest, 0, dot2), sig = rf_view_from(rest, dot2 + 1);
	size_t head_n, body_n, sig_n;

	/* The decoded bytes are not cleared first: nothing of them is read that was not written. */
	memset(ret_p, 0, offsetof(struct rf_passport, head));
	if (token.n > RF_PASSPORT_MAX)
		return RF_E_LIMIT;
	if (dot == token.n || dot2 == rest.n || sig.n != (RF_PASSPORT_SIG * 8 + 5) / 6)
		return RF_E_MALFORMED;
	int rc = decode(sig, ret_p->signature, sizeof ret_p->signature, &sig_n);

	if (rc == 0)
		rc = decode(head, ret_p->head, sizeof ret_p->head, &head_n);
	if (rc == 0)
		rc = decode(body, ret_p->body, sizeof ret_p->body, &body_n);
	if (rc)
		return rc;
	ret_p->input = rf_view_sub(token, 0, dot + 1 + dot2);
	rc = read_head(ret_p, head_n);
	return rc ? rc : read_body(ret_p, body_n);
}

/* ---- writing */

static void put_string(struct rf_writer *w, const char *name, struct rf_view v)
{
	rf_put_byte(w, '"');
	rf_put(w, rf_view_str(name));
	rf_put_lit(w, "\":\"");
	rf_put_json(w, v);
	rf_put_byte(w, '"');
}

static void put_who(struct rf_writer *w, const char *name, const struct rf_passport_who *who, bool list)
{
	rf_put_byte(w, '"');
	rf_put(w, rf_view_str(name));
	rf_put(w, who->kind == RF_PASSPORT_TN ? RF_V("\":{\"tn\":") : RF_V("\":{\"uri\":"));
	if (list)
		rf_put_byte(w, '[');
	rf_put_byte(w, '"');
	rf_put_json(w, who->text);
	rf_put_byte(w, '"');
	if (list)
		rf_put_byte(w, ']');
	rf_put_byte(w, '}');
}

static bool can_write(const struct rf_passport_claims *c)
{
	const struct rf_passport_who *who[] = { &c->orig, &c->dest, &c->div };
	bool shaken = rf_view_eq(c->ppt, RF_V("shaken")), div = rf_view_eq(c->ppt, RF_V("div"));

	if (!printable(c->x5u, RF_PASSPORT_X5U_MAX) || c->iat_s < 0 || (c->ppt.n && !shaken && !div))
		return false;
	if (shaken && (c->attest < 'A' || c->attest > 'C' || !printable(c->origid, 128)))
		return false;
	for (size_t i = 0; i < (div ? 3 : 2); i++)
		if (!(who[i]->kind == RF_PASSPORT_TN ? is_tn(who[i]->text) :
		      who[i]->kind == RF_PASSPORT_URI && printable(who[i]->text, 255)))
			return false;
	return true;
}

/* Names in their order by bytes, no white space: the same claims give the same bytes everywhere (RFC 8225 9). */
static void put_head(struct rf_writer *w, const struct rf_passport_claims *c)
{
	rf_put_lit(w, "{\"alg\":\"ES256\",");
	if (c->ppt.n) {
		put_string(w, "ppt", c->ppt);
		rf_put_byte(w, ',');
	}
	rf_put_lit(w, "\"typ\":\"passport\",");
	put_string(w, "x5u", c->x5u);
	rf_put_byte(w, '}');
}

static void put_body(struct rf_writer *w, const struct rf_passport_claims *c)
{
	bool shaken = rf_view_eq(c->ppt, RF_V("shaken"));

	rf_put_byte(w, '{');
	if (shaken) {
		put_string(w, "attest", rf_view_of(&c->attest, 1));
		rf_put_byte(w, ',');
	}
	put_who(w, "dest", &c->dest, true);
	if (rf_view_eq(c->ppt, RF_V("div"))) {
		rf_put_byte(w, ',');
		put_who(w, "div", &c->div, false);
	}
	rf_put_lit(w, ",\"iat\":");
	rf_put_u64(w, (uint64_t)c->iat_s);
	rf_put_byte(w, ',');
	put_who(w, "orig", &c->orig, false);
	if (shaken) {
		rf_put_byte(w, ',');
		put_string(w, "origid", c->origid);
	}
	rf_put_byte(w, '}');
}

int rf_passport_put_input(struct rf_writer *w, const struct rf_passport_claims *claims)
{
	uint8_t buf[RF_PASSPORT_BODY_MAX];
	struct rf_writer json;

	if (!can_write(claims))
		return w->err = RF_E_INVALID;
	rf_writer_init(&json, buf, sizeof buf);
	put_head(&json, claims);
	if (json.err)
		return w->err = json.err;
	put_base64(w, buf, json.n);
	rf_put_byte(w, '.');
	rf_writer_init(&json, buf, sizeof buf);
	put_body(&json, claims);
	if (json.err)
		return w->err = json.err;
	put_base64(w, buf, json.n);
	return w->err;
}

void rf_passport_put_signature(struct rf_writer *w, const uint8_t sig[static RF_PASSPORT_SIG])
{
	rf_put_byte(w, '.');
	put_base64(w, sig, RF_PASSPORT_SIG);
}

int rf_passport_compact(struct rf_view token, const struct rf_passport_claims *claims, void *buf, size_t cap,
			struct rf_passport *ret_p)
{
	struct rf_view whole = { NULL, 0 };
	struct rf_writer w;

	memset(ret_p, 0, offsetof(struct rf_passport, head));
	if (!rf_passport_is_compact(token))
		return RF_E_MALFORMED;
	rf_writer_init(&w, buf, cap);
	int rc = rf_passport_put_input(&w, claims);

	rf_put(&w, rf_view_from(token, 1));
	if (rc == 0)
		rc = rf_writer_done(&w, &whole);
	return rc ? rc : rf_passport_parse(whole, ret_p);
}

int rf_passport_number(struct rf_view number, char ret_digits[static 16])
{
	size_t n = 0;

	if (number.n && number.p[0] == '+')
		number = rf_view_from(number, 1);
	for (size_t i = 0; i < number.n; i++) {
		uint8_t c = number.p[i];

		if (c == '-' || c == '.' || c == '(' || c == ')')
			continue; /* visual separators of RFC 3966 5.1.1 */
		if (n == 15 || !((c >= '0' && c <= '9') || c == '#' || c == '*'))
			return RF_E_INVALID;
		ret_digits[n++] = (char)c;
	}
	ret_digits[n] = '\0';
	return n ? 0 : RF_E_INVALID;
}
