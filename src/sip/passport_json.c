#include "sip/passport_json.h"

#include "base/err.h"
#include "sip/chars.h"

static bool fail(struct rf_pj *j)
{
	j->err = RF_E_MALFORMED;
	return false;
}

static int peek(struct rf_pj *j)
{
	while (j->p < j->end && (*j->p == ' ' || *j->p == '\t' || *j->p == '\r' || *j->p == '\n'))
		j->p++;
	return j->p < j->end && !j->err ? *j->p : -1;
}

static bool take(struct rf_pj *j, uint8_t c)
{
	if (peek(j) != c)
		return false;
	j->p++;
	return true;
}

bool rf_pj_open(struct rf_pj *j, uint8_t bracket)
{
	if (j->depth == RF_PJ_DEPTH || !take(j, bracket))
		return fail(j);
	j->depth++;
	return true;
}

/* The end of the object or array, or what is before its next element. */
static bool go_on(struct rf_pj *j, bool *first, uint8_t closing)
{
	if (take(j, closing)) {
		j->depth--;
		return false;
	}
	if (!*first && !take(j, ','))
		return fail(j);
	*first = false;
	return !j->err;
}

bool rf_pj_element(struct rf_pj *j, bool *first)
{
	return go_on(j, first, ']');
}

bool rf_pj_member(struct rf_pj *j, bool *first, struct rf_view *ret_name)
{
	if (!go_on(j, first, '}'))
		return false;
	if (peek(j) != '"')
		return fail(j);
	uint8_t *from = j->p + 1;

	*ret_name = rf_pj_string(j);
	/* Unescaping shortens: a name that is as long as it was written had no escape. */
	if (j->err || ret_name->n + 1 != (size_t)(j->p - from) || !take(j, ':'))
		return fail(j);
	return true;
}

static int hex4(struct rf_pj *j)
{
	unsigned x = 0;

	if (j->end - j->p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int d = rf_sip_hex(*j->p++);

		if (d < 0)
			return -1;
		x = x << 4 | (unsigned)d;
	}
	return (int)x;
}

static uint8_t *put_utf8(uint8_t *to, unsigned c)
{
	if (c < 0x80) {
		*to++ = (uint8_t)c;
	} else if (c < 0x800) {
		*to++ = (uint8_t)(0xc0 | c >> 6);
		*to++ = (uint8_t)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		*to++ = (uint8_t)(0xe0 | c >> 12);
		*to++ = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		*to++ = (uint8_t)(0x80 | (c & 0x3f));
	} else {
		*to++ = (uint8_t)(0xf0 | c >> 18);
		*to++ = (uint8_t)(0x80 | (c >> 12 & 0x3f));
		*to++ = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		*to++ = (uint8_t)(0x80 | (c & 0x3f));
	}
	return to;
}

/* Behind "\u". The character, or -1; control characters are none that a claim of ours may have. */
static int unicode(struct rf_pj *j)
{
	int c = hex4(j);

	if (c >= 0xd800 && c < 0xdc00) {
		if (j->end - j->p < 6 || j->p[0] != '\\' || j->p[1] != 'u')
			return -1;
		j->p += 2;
		int low = hex4(j);

		return low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00) : -1;
	}
	return c < 0x20 || (c >= 0xdc00 && c < 0xe000) ? -1 : c;
}

/* Behind a backslash: what it stands for is never longer than how it is written. */
static uint8_t *unescape(struct rf_pj *j, uint8_t *to)
{
	uint8_t c = j->p < j->end ? *j->p++ : 0;

	if (c == '"' || c == '\\' || c == '/') {
		*to = c;
		return to + 1;
	}
	int x = c == 'u' ? unicode(j) : -1;

	return x < 0 ? NULL : put_utf8(to, (unsigned)x);
}

struct rf_view rf_pj_string(struct rf_pj *j)
{
	static const struct rf_view none = { NULL, 0 };

	if (!take(j, '"')) {
		fail(j);
		return none;
	}
	uint8_t *from = j->p, *to = from;

	while (j->p < j->end && *j->p != '"') {
		uint8_t c = *j->p++;

		if (c == '\\')
			to = unescape(j, to);
		else if (c < 0x20)
			to = NULL;
		else
			*to++ = c;
		if (!to)
			break;
	}
	if (!to || j->p >= j->end) {
		fail(j);
		return none;
	}
	j->p++;
	return rf_view_of(from, (size_t)(to - from));
}

int64_t rf_pj_integer(struct rf_pj *j)
{
	uint64_t x = 0;

	peek(j);
	const uint8_t *from = j->p, *end = rf_sip_digits(j->p, j->end, 1ull << 53, &x);
	int next = end && end < j->end ? *end : ' ';

	if (j->err || !end || (*from == '0' && end - from > 1) || next == '.' || next == 'e' || next == 'E') {
		fail(j);
		return 0;
	}
	j->p += end - from;
	return (int64_t)x;
}

static bool digits(struct rf_pj *j)
{
	uint8_t *from = j->p;

	while (j->p < j->end && rf_sip_is_digit(*j->p))
		j->p++;
	return j->p > from;
}

static void skip_number(struct rf_pj *j)
{
	bool good;

	if (*j->p == '-')
		j->p++;
	if (j->p < j->end && *j->p == '0') {
		j->p++;
		good = true;
	} else {
		good = digits(j);
	}
	if (good && j->p < j->end && *j->p == '.') {
		j->p++;
		good = digits(j);
	}
	if (good && j->p < j->end && (*j->p | 0x20) == 'e') {
		j->p++;
		if (j->p < j->end && (*j->p == '+' || *j->p == '-'))
			j->p++;
		good = digits(j);
	}
	if (!good)
		fail(j);
}

static void skip_word(struct rf_pj *j)
{
	static const char *const words[] = { "true", "false", "null" };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		size_t n = strlen(words[i]);

		if ((size_t)(j->end - j->p) >= n && memcmp(j->p, words[i], n) == 0) {
			j->p += n;
			return;
		}
	}
	fail(j);
}

void rf_pj_skip(struct rf_pj *j)
{
	struct rf_view name;
	bool first = true;
	int c = peek(j);

	if (c == '"') {
		rf_pj_string(j);
	} else if (c == '{') {
		if (rf_pj_open(j, '{'))
			while (rf_pj_member(j, &first, &name))
				rf_pj_skip(j);
	} else if (c == '[') {
		if (rf_pj_open(j, '['))
			while (rf_pj_element(j, &first))
				rf_pj_skip(j);
	} else if (c == '-' || (c >= '0' && c <= '9')) {
		skip_number(j);
	} else if (c >= 0) {
		skip_word(j);
	} else {
		fail(j);
	}
}

int rf_pj_end(struct rf_pj *j)
{
	if (!j->err && peek(j) >= 0)
		fail(j);
	return j->err;
}
