#include "site/tz.h"

#include "site/chars.h"

bool rf_tz_name_ok(struct rf_view text)
{
	if (!text.n || text.n > 63 || (!rf_is_letter(text.p[0]) && text.p[0] != '<'))
		return false;
	for (size_t i = 0; i < text.n; i++)
		if (!rf_is_word(text.p[i]) && !memchr("/_-+,.:<>", text.p[i], 9))
			return false;
	for (size_t i = 1; i < text.n; i++)
		if (text.p[i] == '.' && text.p[i - 1] == '.')
			return false;
	return true;
}
