#include "call/trunk_number.h"

#include "base/err.h"
#include "site/pattern.h"

/* Digits and a leading plus, without what only people need. False: it is no number. */
static bool plain(struct rf_view user, uint8_t *buf, size_t cap, struct rf_view *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < user.n; i++) {
		uint8_t c = user.p[i];

		if (c == '-' || c == '.' || c == '(' || c == ')')
			continue;
		if (!((c >= '0' && c <= '9') || (c == '+' && n == 0) || c == '*' || c == '#') || n == cap)
			return false;
		buf[n++] = c;
	}
	*ret = rf_view_of(buf, n);
	return n > (n && buf[0] == '+');
}

static void put_world(struct rf_writer *w, struct rf_view country, struct rf_view rest)
{
	rf_put_byte(w, '+');
	rf_put(w, country);
	rf_put(w, rest);
}

void rf_trunk_number_put(struct rf_writer *w, const struct rf_site_plan *plan, int format, struct rf_view number)
{
	if (format != RF_FORMAT_NATIONAL || !plan || !plan->country_code.n || number.n == 0 || number.p[0] != '+') {
		rf_put(w, number);
		return;
	}
	struct rf_view digits = rf_view_from(number, 1);
	bool home = rf_view_starts(digits, plan->country_code);

	rf_put(w, home ? plan->national : plan->international);
	rf_put(w, home ? rf_view_from(digits, plan->country_code.n) : digits);
}

static void add(struct rf_trunk_forms *f, struct rf_view country, struct rf_view area, struct rf_view rest)
{
	struct rf_writer w;
	struct rf_view v;

	if (f->n == RF_TRUNK_FORMS || rest.n == 0)
		return;
	rf_writer_init(&w, f->text[f->n], sizeof f->text[f->n]);
	rf_put_byte(&w, '+');
	rf_put(&w, country);
	rf_put(&w, area);
	rf_put(&w, rest);
	if (rf_writer_done(&w, &v) == 0)
		f->v[f->n++] = v;
}

static bool only_digits(struct rf_view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] < '0' || v.p[i] > '9')
			return false;
	return v.n > 0;
}

void rf_trunk_number_forms(const struct rf_site_plan *plan, struct rf_view user, struct rf_trunk_forms *ret_forms)
{
	struct rf_trunk_forms *f = ret_forms;
	struct rf_view none = { NULL, 0 }, number;

	f->n = 0;
	if (!plain(user, f->text[0], sizeof f->text[0], &number))
		return;
	f->v[f->n++] = number;
	if (!only_digits(number) || !plan)
		return;
	if (plan->international.n && rf_view_starts(number, plan->international))
		add(f, none, none, rf_view_from(number, plan->international.n));
	if (plan->national.n && plan->country_code.n && rf_view_starts(number, plan->national))
		add(f, plan->country_code, none, rf_view_from(number, plan->national.n));
	add(f, none, none, number);
	if (plan->country_code.n)
		add(f, plan->country_code, none, number);
	if (plan->country_code.n && plan->area_code.n)
		add(f, plan->country_code, plan->area_code, number);
}

int rf_trunk_number_world(const struct rf_site_plan *plan, struct rf_view user, uint8_t *buf, size_t cap,
			  struct rf_view *ret_number)
{
	struct rf_view none = { NULL, 0 }, number;
	uint8_t text[RF_TRUNK_NUMBER_MAX];
	struct rf_writer w;

	if (!plain(user, text, sizeof text, &number))
		return RF_E_NOT_FOUND;
	rf_writer_init(&w, buf, cap);
	if (number.p[0] == '+' && only_digits(rf_view_from(number, 1)))
		rf_put(&w, number);
	else if (!plan || !only_digits(number))
		return RF_E_NOT_FOUND;
	else if (plan->international.n && rf_view_starts(number, plan->international))
		put_world(&w, none, rf_view_from(number, plan->international.n));
	else if (plan->national.n && plan->country_code.n && rf_view_starts(number, plan->national))
		put_world(&w, plan->country_code, rf_view_from(number, plan->national.n));
	else
		return RF_E_NOT_FOUND;
	if (w.n < 2)
		return RF_E_NOT_FOUND;
	return rf_writer_done(&w, ret_number);
}

static const struct rf_site_did *did_of(const struct rf_site_trunk *trunk, struct rf_view form)
{
	for (size_t k = 0; k < trunk->number_count; k++)
		if (rf_pattern_match(trunk->numbers[k].match, form))
			return &trunk->numbers[k];
	return NULL;
}

int rf_trunk_number_match(const struct rf_site_trunk *trunk, const struct rf_site_plan *plan, struct rf_view user,
			  struct rf_trunk_forms *ret_forms, struct rf_view *ret_form)
{
	rf_trunk_number_forms(plan, user, ret_forms);
	for (size_t i = 0; i < ret_forms->n; i++)
		if (did_of(trunk, ret_forms->v[i])) {
			*ret_form = ret_forms->v[i];
			return 0;
		}
	return RF_E_NOT_FOUND;
}

int rf_trunk_number_ours(const struct rf_site_trunk *trunk, const struct rf_site_plan *plan, struct rf_view user,
			 uint8_t *buf, size_t cap, struct rf_view *ret_number)
{
	struct rf_trunk_forms forms;
	struct rf_view form;

	int rc = rf_trunk_number_match(trunk, plan, user, &forms, &form);
	const struct rf_site_did *did = rc ? NULL : did_of(trunk, form);

	if (!did)
		return RF_E_NOT_FOUND;
	return rf_pattern_apply(did->match, did->to, form, buf, cap, ret_number) ? RF_E_SPACE : 0;
}

int rf_trunk_number_outside(const struct rf_site_trunk *trunk, struct rf_view ours, uint8_t *buf, size_t cap,
			    struct rf_view *ret_number)
{
	for (size_t k = 0; k < trunk->number_count; k++) {
		const struct rf_site_did *did = &trunk->numbers[k];

		/* A template is a pattern of its own, and the other way round, as long as both leave
		 * the same digits open. */
		if (!rf_pattern_ok(did->to) || !rf_pattern_to_ok(did->to, did->match))
			continue;
		int rc = rf_pattern_apply(did->to, did->match, ours, buf, cap, ret_number);

		if (rc == 0)
			return 0;
		if (rc != RF_E_NOT_FOUND)
			return RF_E_SPACE;
	}
	return RF_E_NOT_FOUND;
}
