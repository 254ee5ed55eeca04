/* What somebody dials: the first byte chooses a plan. What comes of it must be a number, and have a class that holds for
 * the number in full however it is written. */
#include "call/dial_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define NUMBER(s) { (const uint8_t *)s, sizeof s - 1 }

static const struct rf_site_rule rules[] = {
	{ .match = NUMBER("+49[79]x*"), .call_class = RF_CLASS_PREMIUM },
	{ .match = NUMBER("118xx"), .to = NUMBER("118xx"), .call_class = RF_CLASS_SERVICE },
};

static const struct rf_site_plan plans[] = {
	{ .international = NUMBER("") },
	{ .country_code = NUMBER("49"), .area_code = NUMBER("30"), .outside = NUMBER("0"), .international = NUMBER("00"),
	  .national = NUMBER("0"), .rules = rules, .rule_count = 2 },
	{ .country_code = NUMBER("1"), .area_code = NUMBER("212"), .outside = NUMBER("9"), .international = NUMBER("011"),
	  .national = NUMBER("1"), .national_digits = 10, .local_digits = 7 },
	{ .country_code = NUMBER("39"), .international = NUMBER("00") },
};

static enum rf_call_class class_of(const struct rf_site_plan *plan, struct rf_view e164)
{
	struct rf_site_pos pos;
	const char *how;
	enum rf_call_class c = rf_dial_class(plan, e164, &pos, &how);

	if (c < RF_CLASS_LOCAL || c > RF_CLASS_SERVICE || !how[0])
		__builtin_trap();
	return c;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint8_t text[RF_DIAL_NUMBER_MAX], full[RF_DIAL_NUMBER_MAX], again[RF_DIAL_NUMBER_MAX];
	struct rf_view number, e164, same;
	const char *how;

	if (n < 1)
		return 0;
	const struct rf_site_plan *plan = &plans[data[0] % 4];

	if (rf_dial_clean(rf_view_of(data + 1, n - 1), RF_V("hq.example"), text, &number) != RF_DIAL_TEXT_OK)
		return 0;
	if (!rf_dial_e164(plan, number, full, &e164, &how))
		return 0;
	if (e164.n < 5 || e164.n > 16 || e164.p[0] != '+' || e164.p[1] == '0')
		__builtin_trap();
	/* the number in full stands for itself */
	if (!rf_dial_e164(plan, e164, again, &same, &how) || class_of(plan, e164) != class_of(plan, same))
		__builtin_trap();
	return 0;
}
