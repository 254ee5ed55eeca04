#include "site/precedence.h"

#include "site/telephony.h"

/* RFC 4412 10.2 to 10.6. */
const struct rf_namespace rf_namespaces[] = {
	{ "dsn", true, 5, { "routine", "priority", "immediate", "flash", "flash-override" } },
	{ "drsn", true, 6, { "routine", "priority", "immediate", "flash", "flash-override", "flash-override-override" } },
	{ "q735", true, 5, { "4", "3", "2", "1", "0" } },
	{ "ets", false, 5, { "4", "3", "2", "1", "0" } },
	{ "wps", false, 5, { "4", "3", "2", "1", "0" } },
};

const unsigned rf_namespace_count = sizeof rf_namespaces / sizeof *rf_namespaces;

bool rf_precedence_find(struct rf_view value, unsigned *ret_namespace, unsigned *ret_level)
{
	size_t dot = rf_view_find(value, '.');
	struct rf_view name = rf_view_sub(value, 0, dot), level = rf_view_from(value, dot + 1);

	for (unsigned i = 0; i < rf_namespace_count; i++) {
		if (!rf_view_eq_nocase(name, rf_view_str(rf_namespaces[i].name)))
			continue;
		for (unsigned j = 0; j < rf_namespaces[i].levels; j++)
			if (rf_view_eq_nocase(level, rf_view_str(rf_namespaces[i].level[j]))) {
				*ret_namespace = i;
				*ret_level = j;
				return true;
			}
	}
	return false;
}

static struct rf_view next_value(struct rf_view *rest)
{
	*rest = rf_view_trim(*rest);
	size_t n = rf_view_find(*rest, ' ');
	struct rf_view value = rf_view_sub(*rest, 0, n);

	*rest = rf_view_from(*rest, n);
	return value;
}

bool rf_precedence_ok(struct rf_view grant)
{
	unsigned seen = 0, namespace, level, n = 0;
	struct rf_view value, rest = grant;

	while ((value = next_value(&rest)).n) {
		if (!rf_precedence_find(value, &namespace, &level) || seen & 1u << namespace)
			return false;
		seen |= 1u << namespace;
		n++;
	}
	return n > 0 && grant.n <= RF_PRECEDENCE_TEXT_MAX;
}

bool rf_precedence_granted(struct rf_view grant, unsigned namespace, unsigned *ret_level)
{
	struct rf_view value, rest = grant;
	unsigned of, level;

	while ((value = next_value(&rest)).n)
		if (rf_precedence_find(value, &of, &level) && of == namespace) {
			*ret_level = level;
			return true;
		}
	return false;
}

uint8_t rf_precedence_dscp(const struct rf_site_dscp *t, unsigned level, bool emergency)
{
	unsigned highest = RF_PRECEDENCE_LEVELS_MAX - 1;

	return (uint8_t)(emergency ? t->emergency : t->level[level < highest ? level : highest]);
}
