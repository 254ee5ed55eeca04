/* When two URIs are the same, and the one form under which an address-of-record is filed. */
#include "sip/chars.h"
#include "sip/scan.h"

enum { ESCAPED = 0x100, END = -1 };

static bool is_reserved(uint8_t c)
{
	return c && memchr(";/?:@&=+$,", c, 10);
}

/* The next character of *v with its escape undone. An escaped reserved character stays apart from the same
 * character unescaped (RFC 3261 19.1.4). */
static int next_char(struct rf_view *v)
{
	if (v->n == 0)
		return END;
	int c = v->p[0];
	size_t n = 1;

	if (c == '%' && v->n >= 3) {
		c = rf_sip_hex(v->p[1]) << 4 | rf_sip_hex(v->p[2]);
		n = 3;
		if (is_reserved((uint8_t)c))
			c |= ESCAPED;
	}
	*v = rf_view_from(*v, n);
	return c;
}

bool rf_sip_escaped_eq(struct rf_view a, struct rf_view b, bool fold)
{
	for (;;) {
		int x = next_char(&a), y = next_char(&b);

		if (fold && x != END && y != END && !((x | y) & ESCAPED)) {
			x = rf_lower((uint8_t)x);
			y = rf_lower((uint8_t)y);
		}
		if (x != y)
			return false;
		if (x == END)
			return true;
	}
}

static bool find(struct rf_view list, uint8_t sep, struct rf_view name, struct rf_view *ret_value)
{
	struct rf_view n, v;

	while (rf_sip_uri_next(&list, sep, &n, &v))
		if (rf_sip_escaped_eq(n, name, true)) {
			*ret_value = v;
			return true;
		}
	return false;
}

/* Parameters whose absence says something, so that one side alone never matches. transport is among them by the
 * examples of RFC 3261 19.1.4. */
static bool must_match(struct rf_view name)
{
	static const char *const names[] = { "user", "ttl", "method", "maddr", "transport" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (rf_sip_escaped_eq(name, rf_view_str(names[i]), true))
			return true;
	return false;
}

/* Every parameter of a that b has too is the same; one that b has not is of no account unless strict or one of the
 * above. */
static bool params_within(struct rf_view a, struct rf_view b, bool strict)
{
	struct rf_view rest = a, name, value, other;

	while (rf_sip_uri_next(&rest, ';', &name, &value)) {
		if (find(b, ';', name, &other) ? !rf_sip_escaped_eq(value, other, true) : strict || must_match(name))
			return false;
	}
	return true;
}

static unsigned count_headers(struct rf_view list, struct rf_view name, struct rf_view value, unsigned *ret_all)
{
	struct rf_view n, v;
	unsigned hits = 0;

	for (*ret_all = 0; rf_sip_uri_next(&list, '&', &n, &v); ++*ret_all)
		hits += rf_sip_escaped_eq(n, name, true) && rf_sip_escaped_eq(v, value, false);
	return hits;
}

/* The same headers as often on both sides, in any order. */
static bool headers_eq(struct rf_view a, struct rf_view b)
{
	struct rf_view rest = a, name, value;
	unsigned all_a = 0, all_b = 0;

	if (a.n == 0 || b.n == 0)
		return a.n == b.n;
	while (rf_sip_uri_next(&rest, '&', &name, &value))
		if (count_headers(a, name, value, &all_a) != count_headers(b, name, value, &all_b))
			return false;
	return all_a == all_b;
}

static int next_digit(struct rf_view *v)
{
	while (v->n && memchr("-.()", v->p[0], 4))
		*v = rf_view_from(*v, 1);
	int c = v->n ? rf_lower(v->p[0]) : END;
	*v = rf_view_from(*v, 1);
	return c;
}

static bool number_eq(struct rf_view a, struct rf_view b)
{
	for (;;) {
		int x = next_digit(&a), y = next_digit(&b);

		if (x != y)
			return false;
		if (x == END)
			return true;
	}
}

bool rf_sip_uri_eq(const struct rf_sip_uri *a, const struct rf_sip_uri *b)
{
	if (a->scheme != b->scheme)
		return false;
	if (a->scheme == RF_SIP_SCHEME_OTHER)
		return rf_view_eq(a->text, b->text);
	bool tel = a->scheme == RF_SIP_SCHEME_TEL;
	if (tel ? !number_eq(a->user, b->user) : !rf_sip_escaped_eq(a->user, b->user, false))
		return false;
	/* An empty password ("sip:a:@b") is still one: its view has an address. */
	if (!a->password.p != !b->password.p || !rf_sip_escaped_eq(a->password, b->password, false))
		return false;
	return a->port == b->port && rf_sip_host_eq(a->host, a->host_kind, b->host, b->host_kind) &&
	       params_within(a->params, b->params, tel) && params_within(b->params, a->params, tel) &&
	       headers_eq(a->headers, b->headers);
}

int rf_sip_uri_unescape(struct rf_view v, void *buf, size_t cap, struct rf_view *ret_v)
{
	struct rf_writer w;

	rf_writer_init(&w, buf, cap);
	for (size_t i = 0; i < v.n; i++) {
		uint8_t c = v.p[i];

		if (c == '%') {
			if (v.n - i < 3 || rf_sip_hex(v.p[i + 1]) < 0 || rf_sip_hex(v.p[i + 2]) < 0)
				return RF_E_MALFORMED;
			c = (uint8_t)(rf_sip_hex(v.p[i + 1]) << 4 | rf_sip_hex(v.p[i + 2]));
			i += 2;
		}
		rf_put_byte(&w, c);
	}
	return rf_writer_done(&w, ret_v);
}

int rf_sip_uri_aor(const struct rf_sip_uri *uri, void *buf, size_t cap, struct rf_view *ret_aor)
{
	struct rf_writer w;
	struct rf_view user;

	if (uri->scheme == RF_SIP_SCHEME_OTHER)
		return RF_E_UNSUPPORTED;
	rf_writer_init(&w, buf, cap);
	if (uri->scheme == RF_SIP_SCHEME_TEL) {
		struct rf_view rest = uri->user;

		for (int c; (c = next_digit(&rest)) != END;)
			rf_put_byte(&w, (uint8_t)c);
		return rf_writer_done(&w, ret_aor);
	}
	int rc = rf_sip_uri_unescape(uri->user, buf, cap, &user);
	if (rc)
		return rc;
	w.n = user.n;
	if (user.n)
		rf_put_byte(&w, '@');
	for (size_t i = 0; i < uri->host.n; i++)
		rf_put_byte(&w, rf_lower(uri->host.p[i]));
	return rf_writer_done(&w, ret_aor);
}
