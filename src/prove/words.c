#include "prove/words.h"

bool rf_words_line(struct rf_view *rest, struct rf_view *ret_line)
{
	size_t end = rf_view_find(*rest, '\n');

	if (!rest->n)
		return false;
	*ret_line = rf_view_sub(*rest, 0, end);
	*rest = rf_view_from(*rest, end + 1);
	if (ret_line->n && ret_line->p[ret_line->n - 1] == '\r')
		ret_line->n--;
	return true;
}

static bool blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

void rf_words_split(struct rf_view line, struct rf_words *ret_w)
{
	ret_w->n = ret_w->at = 0;
	ret_w->more = false;
	for (size_t i = 0; i < line.n; ) {
		size_t from;

		while (i < line.n && blank(line.p[i]))
			i++;
		for (from = i; i < line.n && !blank(line.p[i]); i++)
			;
		if (i == from)
			return;
		if (ret_w->n == RF_WORDS_MAX) {
			ret_w->more = true;
			return;
		}
		ret_w->v[ret_w->n++] = rf_view_sub(line, from, i - from);
	}
}

bool rf_words_skip(struct rf_words *w, const char *word)
{
	bool is = w->at < w->n && rf_word_is(w->v[w->at], word);

	w->at += is;
	return is;
}

unsigned rf_words_begin(const struct rf_words *w, unsigned at, const char *phrase)
{
	struct rf_view rest = rf_view_str(phrase);
	unsigned n = 0;

	while (rest.n) {
		size_t end = rf_view_find(rest, ' ');

		if (at + n >= w->n || !rf_view_eq(w->v[at + n], rf_view_sub(rest, 0, end)))
			return 0;
		rest = rf_view_from(rest, end + 1);
		n++;
	}
	return n;
}

bool rf_word_number(const struct rf_word_number *table, struct rf_view v, uint32_t max, uint32_t *ret,
		    uint32_t *ret_second)
{
	uint64_t n;

	for (; table && table->word; table++)
		if (rf_word_is(v, table->word)) {
			*ret = table->number;
			if (ret_second)
				*ret_second = table->second;
			return true;
		}
	if (!rf_view_u64(v, max, &n))
		return false;
	*ret = (uint32_t)n;
	if (ret_second)
		*ret_second = 0;
	return true;
}

const char *rf_words_shown(struct rf_view v, char buf[static RF_WORDS_SHOWN + 4])
{
	size_t n = v.n < RF_WORDS_SHOWN ? v.n : RF_WORDS_SHOWN;

	for (size_t i = 0; i < n; i++)
		buf[i] = v.p[i] < 0x20 || v.p[i] >= 0x7f ? '?' : (char)v.p[i];
	memcpy(buf + n, v.n > n ? "..." : "", v.n > n ? 4 : 1);
	return buf;
}

const struct rf_word_number rf_words_dscp[] = {
	{ "default", 0, 0 }, { "be", 0, 0 }, { "ef", 46, 0 },
	{ "cs0", 0, 0 }, { "cs1", 8, 0 }, { "cs2", 16, 0 }, { "cs3", 24, 0 }, { "cs4", 32, 0 }, { "cs5", 40, 0 },
	{ "cs6", 48, 0 }, { "cs7", 56, 0 },
	{ "af11", 10, 0 }, { "af12", 12, 0 }, { "af13", 14, 0 }, { "af21", 18, 0 }, { "af22", 20, 0 },
	{ "af23", 22, 0 }, { "af31", 26, 0 }, { "af32", 28, 0 }, { "af33", 30, 0 }, { "af41", 34, 0 },
	{ "af42", 36, 0 },
	{ "af43", 38, 0 },
	{ NULL, 0, 0 },
};
