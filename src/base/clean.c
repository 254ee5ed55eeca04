#include "base/clean.h"

#define REPLACEMENT 0xfffd

uint32_t rf_clean_character(struct rf_view v, size_t n)
{
	static const uint8_t lead[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t c = v.p[0] & lead[n];

	for (size_t i = 1; i < n; i++)
		c = c << 6 | (v.p[i] & 0x3f);
	return c;
}

struct range {
	uint32_t first, last;
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static bool in_ranges(uint32_t c, const struct range *r, size_t n)
{
	for (size_t i = 0; i < n && c >= r[i].first; i++)
		if (c <= r[i].last)
			return true;
	return false;
}

/* In order. Controls; soft hyphen; joiner of graphemes; Arabic letter mark and Hangul fillers; Khmer and Mongolian
 * marks without width; marks of width, joining and direction; line and paragraph separators; invisible operators and
 * isolates; variation selectors; byte order mark; annotations; musical controls; tags and their selectors. */
static const struct range hidden[] = {
	{ 0x00, 0x1f }, { 0x7f, 0x9f }, { 0xad, 0xad }, { 0x34f, 0x34f }, { 0x61c, 0x61c }, { 0x115f, 0x1160 },
	{ 0x17b4, 0x17b5 }, { 0x180b, 0x180f }, { 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f },
	{ 0x3164, 0x3164 }, { 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff }, { 0xffa0, 0xffa0 }, { 0xfff0, 0xfffb },
	{ 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff },
};

/* Private use: what it shows is the font's choice. And the ends of the planes, which are no characters. */
static bool is_nothing(uint32_t c)
{
	return (c >= 0xe000 && c <= 0xf8ff) || c >= 0xf0000 || (c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe;
}

bool rf_clean_is_hidden(uint32_t c)
{
	return in_ranges(c, hidden, COUNT(hidden)) || (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef);
}

static bool is_space(uint32_t c)
{
	return (c >= 0x09 && c <= 0x0d) || c == ' ' || c == 0x85 || c == 0xa0 || c == 0x1680 ||
	       (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
	       c == 0x3000 || c == 0x2800;
}

static bool is_mark(uint32_t c)
{
	static const struct range marks[] = {
		{ 0x300, 0x36f }, { 0x483, 0x489 }, { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff }, { 0x20d0, 0x20ff },
		{ 0xfe20, 0xfe2f },
	};

	return in_ranges(c, marks, COUNT(marks));
}

static uint32_t harmless(uint32_t c)
{
	switch (c) {
	case '<': return 0x2039;
	case '>': return 0x203a;
	case '&': return '+';
	case '"': return 0x201d;
	case '\'': return 0x2019;
	case '`': return 0x2018;
	case '\\': return '/';
	default: return c;
	}
}

static size_t encode(uint32_t c, uint8_t *to)
{
	if (c < 0x80) {
		to[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (uint8_t)(0xc0 | c >> 6);
		to[1] = (uint8_t)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (uint8_t)(0xe0 | c >> 12);
		to[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		to[2] = (uint8_t)(0x80 | (c & 0x3f));
		return 3;
	}
	to[0] = (uint8_t)(0xf0 | c >> 18);
	to[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
	to[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
	to[3] = (uint8_t)(0x80 | (c & 0x3f));
	return 4;
}

/* The next character, U+FFFD for a byte that begins none. */
static uint32_t next(struct rf_view *v)
{
	size_t n = rf_view_utf8(*v);
	uint32_t c = n ? rf_clean_character(*v, n) : REPLACEMENT;

	*v = rf_view_from(*v, n ? n : 1);
	return c;
}

struct rf_view rf_clean_name(struct rf_view v, size_t most, void *buf, size_t cap)
{
	uint8_t *dst = (uint8_t *)buf, one[4];
	size_t n = 0, count = 0;
	unsigned marks = 0;
	bool space = false;

	while (v.n && count < most) {
		uint32_t c = next(&v);

		if (is_space(c)) {
			space = n > 0;
			continue;
		}
		if (rf_clean_is_hidden(c) || (is_mark(c) && (n == 0 || ++marks > 2)))
			continue;
		marks = is_mark(c) ? marks : 0;
		size_t need = encode(is_nothing(c) ? REPLACEMENT : harmless(c), one);

		if (n + space + need > cap || count + space >= most)
			break;
		if (space)
			dst[n++] = ' ';
		memcpy(dst + n, one, need);
		n += need;
		count += 1 + space;
		space = false;
	}
	return rf_view_of(dst, n);
}

/* ---- likenesses */

/* Zeros of decimal digits, of scripts that phones show. */
static int digit_of(uint32_t c)
{
	static const uint32_t zeros[] = {
		'0', 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xe50, 0xed0,
		0xf20, 0x1040, 0x17e0, 0x1810, 0xff10, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6,
	};

	for (size_t i = 0; i < COUNT(zeros); i++)
		if (c >= zeros[i] && c - zeros[i] < 10)
			return (int)(c - zeros[i]);
	if (c >= 0x2460 && c <= 0x2468) /* circled */
		return (int)(c - 0x245f);
	return c == 0xb2 || c == 0xb3 ? (int)(c - 0xb0) : c == 0xb9 ? 1 : -1; /* superscripts */
}

/* Letters that look like one of ours: ASCII in small letters, or 0. */
static uint8_t letter_of(uint32_t c)
{
	static const struct {
		uint32_t c;
		char like;
	} likes[] = {
		/* Cyrillic */
		{ 0x405, 's' }, { 0x406, 'l' }, { 0x408, 'j' }, { 0x410, 'a' }, { 0x412, 'b' }, { 0x415, 'e' },
		{ 0x41a, 'k' }, { 0x41c, 'm' }, { 0x41d, 'h' }, { 0x41e, 'o' }, { 0x420, 'p' }, { 0x421, 'c' },
		{ 0x422, 't' }, { 0x423, 'y' }, { 0x425, 'x' }, { 0x430, 'a' }, { 0x435, 'e' }, { 0x43a, 'k' },
		{ 0x43e, 'o' }, { 0x440, 'p' }, { 0x441, 'c' }, { 0x443, 'y' }, { 0x445, 'x' }, { 0x455, 's' },
		{ 0x456, 'l' }, { 0x458, 'j' }, { 0x4bb, 'h' }, { 0x501, 'd' }, { 0x51b, 'q' }, { 0x51d, 'w' },
		/* Greek */
		{ 0x391, 'a' }, { 0x392, 'b' }, { 0x395, 'e' }, { 0x396, 'z' }, { 0x397, 'h' }, { 0x399, 'l' },
		{ 0x39a, 'k' }, { 0x39c, 'm' }, { 0x39d, 'n' }, { 0x39f, 'o' }, { 0x3a1, 'p' }, { 0x3a4, 't' },
		{ 0x3a5, 'y' }, { 0x3a7, 'x' }, { 0x3b1, 'a' }, { 0x3b9, 'l' }, { 0x3ba, 'k' }, { 0x3bd, 'v' },
		{ 0x3bf, 'o' },
		{ 0x3c1, 'p' },
		{ 0x3c5, 'u' },
		/* Latin without a decomposition that the eye takes */
		{ 0xd8, 'o' }, { 0xf8, 'o' }, { 0x131, 'l' }, { 0x141, 'l' }, { 0x142, 'l' }, { 0x251, 'a' },
		{ 0x261, 'g' }, { 0x1c0, 'l' }, { 0x2113, 'l' },
	};
	/* U+00C0 .. U+00FF and U+0100 .. U+017F without their marks */
	static const char accents[] = "aaaaaaaceeeelllldnooooo\0ouuuuypbaaaaaaaceeeelllldnooooo\0ouuuuypy";
	static const char extended[] = "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhlllllllllllljjkkklllllll"
				       "lllnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzf";

	if (c >= 0xff21 && c <= 0xff3a) /* wide */
		c = c - 0xff21 + 'a';
	else if (c >= 0xff41 && c <= 0xff5a)
		c = c - 0xff41 + 'a';
	else if (c >= 0x1d400 && c <= 0x1d6a3) /* of mathematics: alphabets of 52 letters, one behind the other */
		c = 'a' + (c - 0x1d400) % 26;
	else if (c >= 'A' && c <= 'Z')
		c += 'a' - 'A';
	if (c >= 'a' && c <= 'z')
		return c == 'i' ? 'l' : (uint8_t)c; /* a dot is not seen at a glance, and I is l */
	for (size_t i = 0; i < COUNT(likes); i++)
		if (likes[i].c == c)
			return (uint8_t)likes[i].like;
	if (c >= 0xc0 && c <= 0xff)
		return (uint8_t)accents[c - 0xc0];
	if (c >= 0x100 && c < 0x100 + sizeof extended - 1)
		return (uint8_t)extended[c - 0x100];
	return c == '|' || c == '!' ? 'l' : 0;
}

struct rf_view rf_clean_key(struct rf_view v, void *buf, size_t cap)
{
	uint8_t *dst = (uint8_t *)buf, one[4];
	size_t n = 0;

	while (v.n) {
		uint32_t c = next(&v);
		int d = digit_of(c);
		uint8_t like = letter_of(c);
		size_t need = 1;

		if (d >= 0)
			one[0] = d == 0 ? 'o' : d == 1 ? 'l' : (uint8_t)('0' + d);
		else if (like)
			one[0] = like;
		else if (c < 0xa0 || is_space(c) || is_mark(c) || rf_clean_is_hidden(c) || (c >= 0x2010 && c <= 0x205e))
			continue;
		else
			need = encode(c, one);
		if (n + need > cap)
			break;
		memcpy(dst + n, one, need);
		n += need;
	}
	return rf_view_of(dst, n);
}

struct rf_view rf_clean_digits(struct rf_view v, void *buf, size_t cap)
{
	uint8_t *dst = (uint8_t *)buf;
	size_t n = 0;

	while (v.n && n < cap) {
		int d = digit_of(next(&v));

		if (d >= 0)
			dst[n++] = (uint8_t)('0' + d);
	}
	return rf_view_of(dst, n);
}
