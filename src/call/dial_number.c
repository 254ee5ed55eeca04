/* The spellings of a number: what people and phones write, and the one form that decisions are made on. */
#include "call/dial_int.h"

static bool digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* RFC 3966 3: visual-separator; spaces come from people and address books. */
static bool separator(uint8_t c)
{
	return c == '-' || c == '.' || c == '(' || c == ')' || c == ' ' || c == '/';
}

/* Is there a parameter phone-context, and is it not ours? */
static bool of_elsewhere(struct rf_view params, struct rf_view domain)
{
	while (params.n) {
		size_t n = rf_view_find(params, ';');
		struct rf_view one = rf_view_sub(params, 0, n);
		size_t eq = rf_view_find(one, '=');

		if (rf_view_eq_nocase(rf_view_trim(rf_view_sub(one, 0, eq)), RF_V("phone-context")) &&
		    !rf_view_eq_nocase(rf_view_trim(rf_view_from(one, eq + 1)), domain))
			return true;
		params = rf_view_from(params, n + 1);
	}
	return false;
}

enum rf_dial_text_fault rf_dial_clean(struct rf_view text, struct rf_view domain,
				      uint8_t buf[static RF_DIAL_NUMBER_MAX],
				      struct rf_view *ret_number)
{
	size_t end = rf_view_find(text, ';'), n = 0;

	if (text.n > RF_DIAL_TEXT_MAX)
		return RF_DIAL_TEXT_LONG;
	if (of_elsewhere(rf_view_from(text, end + 1), domain))
		return RF_DIAL_TEXT_CONTEXT;
	for (size_t i = 0; i < end && i < text.n; i++) {
		uint8_t c = text.p[i];

		if (separator(c))
			continue;
		if (!digit(c) && c != '*' && c != '#' && !(c == '+' && n == 0))
			return RF_DIAL_TEXT_BAD;
		if (n == RF_DIAL_NUMBER_MAX)
			return RF_DIAL_TEXT_LONG;
		buf[n++] = c;
	}
	*ret_number = rf_view_of(buf, n);
	return n > (n && buf[0] == '+') ? RF_DIAL_TEXT_OK : RF_DIAL_TEXT_BAD;
}

int rf_dial_text(const struct rf_sip_uri *uri, uint8_t *buf, size_t cap, struct rf_view *ret_text)
{
	struct rf_view user;
	int rc = rf_sip_uri_unescape(uri->user, buf, cap, &user);

	if (rc)
		return rc == RF_E_SPACE ? RF_E_LIMIT : rc;
	if (uri->scheme == RF_SIP_SCHEME_TEL && uri->params.n) {
		if (user.n + 1 + uri->params.n > cap)
			return RF_E_LIMIT;
		memmove(buf, user.p, user.n);
		buf[user.n] = ';';
		memcpy(buf + user.n + 1, uri->params.p, uri->params.n);
		user = rf_view_of(buf, user.n + 1 + uri->params.n);
	}
	*ret_text = user;
	return 0;
}

static bool all_digits(struct rf_view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (!digit(v.p[i]))
			return false;
	return v.n > 0;
}

/* Two digits (ITU-T E.164, list of country codes); 1 and 7 have one, all others three. */
static bool two_digits(unsigned code)
{
	static const uint8_t codes[] = {
		20, 27, 30, 31, 32, 33, 34, 36, 39, 40, 41, 43, 44, 45, 46, 47, 48, 49, 51, 52, 53, 54,
		55, 56, 57, 58, 60, 61, 62, 63, 64, 65, 66, 81, 82, 84, 86, 90, 91, 92, 93, 94, 95, 98,
	};

	for (size_t i = 0; i < sizeof codes; i++)
		if (codes[i] == code)
			return true;
	return false;
}

size_t rf_dial_country_digits(struct rf_view digits)
{
	if (digits.n < 3)
		return digits.n;
	if (digits.p[0] == '1' || digits.p[0] == '7')
		return 1;
	return two_digits((unsigned)(digits.p[0] - '0') * 10 + (unsigned)(digits.p[1] - '0')) ? 2 : 3;
}

/* "+49 (0) 30 ...": the prefix that is only dialled inside the country stands between code and number. Some carriers
 * pass over it, so it must not make another number of it: taken off, as often as it stands there. False: none did. */
static bool take_prefix(const struct rf_site_plan *plan, struct rf_view body, struct rf_view *ret_rest)
{
	struct rf_view rest = rf_view_from(body, plan->country_code.n);
	bool taken = false;

	if (!plan->country_code.n || !plan->national.n || !rf_view_starts(body, plan->country_code) ||
	    (plan->national.p[0] != '0' && !rf_view_eq(plan->country_code, RF_V("1"))))
		return false;
	for (; rest.n && rf_view_starts(rest, plan->national); taken = true)
		rest = rf_view_from(rest, plan->national.n);
	*ret_rest = rest;
	return taken;
}

static bool build(struct rf_view a, struct rf_view b, struct rf_view c, uint8_t buf[static RF_DIAL_NUMBER_MAX],
		  struct rf_view *ret)
{
	struct rf_writer w;

	rf_writer_init(&w, buf, RF_DIAL_NUMBER_MAX);
	rf_put_byte(&w, '+');
	rf_put(&w, a);
	rf_put(&w, b);
	rf_put(&w, c);
	if (rf_writer_done(&w, ret))
		return false;
	return ret->n >= 5 && ret->n <= 16 && ret->p[1] != '0';
}

static bool in_full(const struct rf_site_plan *plan, struct rf_view body, uint8_t buf[static RF_DIAL_NUMBER_MAX],
		    struct rf_view *ret)
{
	struct rf_view none = { NULL, 0 }, rest;

	return take_prefix(plan, body, &rest) ? rest.n && build(plan->country_code, rest, none, buf, ret) :
						build(body, none, none, buf, ret);
}

bool rf_dial_e164(const struct rf_site_plan *plan, struct rf_view number, uint8_t buf[static RF_DIAL_NUMBER_MAX],
		  struct rf_view *ret_e164, const char **ret_how)
{
	struct rf_view none = { NULL, 0 }, rest = number, body;
	uint8_t text[RF_DIAL_NUMBER_MAX];

	*ret_how = "dialled with +";
	if (number.n && number.p[0] == '+') {
		rest = rf_view_from(number, 1);
		return all_digits(rest) && in_full(plan, rest, buf, ret_e164);
	}
	if (!all_digits(number) || !rf_view_starts(number, plan->outside))
		return false;
	rest = rf_view_from(number, plan->outside.n);
	*ret_how = "international prefix";
	if (plan->international.n && rf_view_starts(rest, plan->international))
		return in_full(plan, rf_view_from(rest, plan->international.n), buf, ret_e164);
	if (!plan->country_code.n || !rest.n)
		return false;
	*ret_how = "national prefix";
	if (plan->national.n && rf_view_starts(rest, plan->national))
		return build(plan->country_code, rf_view_from(rest, plan->national.n), none, text, &body) &&
		       in_full(plan, rf_view_from(body, 1), buf, ret_e164);
	*ret_how = "national number";
	if (plan->national_digits && rest.n == plan->national_digits)
		return build(plan->country_code, rest, none, buf, ret_e164);
	*ret_how = "local number";
	if (plan->area_code.n && (!plan->local_digits || rest.n == plan->local_digits))
		return build(plan->country_code, plan->area_code, rest, buf, ret_e164);
	*ret_how = "national number";
	return !plan->national.n && !plan->area_code.n && build(plan->country_code, rest, none, buf, ret_e164);
}
