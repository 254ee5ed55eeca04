#include "media/ng_frame.h"

#include "base/err.h"
#include "media/limits.h"

enum { LEAD, COOKIE, FIRST, INSIDE, INTEGER, LENGTH };

static bool is_gap(uint8_t c)
{
	return c == ' ' || c == '\r' || c == '\n' || c == '\t';
}

struct rf_view rf_ng_frame_trim(struct rf_view message)
{
	size_t n = 0;

	while (n < message.n && is_gap(message.p[n]))
		n++;
	return rf_view_from(message, n);
}

/* One byte of bencode: 0 that was the end, RF_E_MORE, RF_E_MALFORMED. */
static int bencode(struct rf_ng_frame *f, uint8_t c)
{
	bool digit = c >= '0' && c <= '9';

	switch (f->state) {
	case INTEGER:
		if (c == 'e')
			f->state = INSIDE;
		else if (!digit && c != '-')
			return RF_E_MALFORMED;
		return RF_E_MORE;
	case LENGTH:
		if (digit) {
			f->number = f->number * 10 + (size_t)(c - '0');
			return f->number > RF_NG_BYTES_MAX ? RF_E_MALFORMED : RF_E_MORE;
		}
		if (c != ':')
			return RF_E_MALFORMED;
		f->at += f->number;
		f->state = INSIDE;
		return RF_E_MORE;
	default:
		break;
	}
	if (digit) {
		f->number = (size_t)(c - '0');
		f->state = LENGTH;
	} else if (c == 'i') {
		f->state = INTEGER;
	} else if (c == 'd' || c == 'l') {
		if (++f->depth > RF_NG_DEPTH_MAX)
			return RF_E_MALFORMED;
	} else if (c == 'e') {
		return --f->depth ? RF_E_MORE : 0;
	} else {
		return RF_E_MALFORMED;
	}
	return RF_E_MORE;
}

static int json(struct rf_ng_frame *f, uint8_t c)
{
	if (f->escaped)
		f->escaped = false;
	else if (f->quoted && c == '\\')
		f->escaped = true;
	else if (c == '"')
		f->quoted = !f->quoted;
	else if (!f->quoted && (c == '{' || c == '['))
		return ++f->depth > RF_NG_DEPTH_MAX ? RF_E_MALFORMED : RF_E_MORE;
	else if (!f->quoted && (c == '}' || c == ']'))
		return --f->depth ? RF_E_MORE : 0;
	return RF_E_MORE;
}

static int step(struct rf_ng_frame *f, uint8_t c)
{
	switch (f->state) {
	case LEAD:
		if (!is_gap(c))
			f->state = COOKIE;
		return RF_E_MORE;
	case COOKIE:
		if (c == ' ')
			f->state = FIRST;
		return RF_E_MORE;
	case FIRST:
		if (c != 'd' && c != '{')
			return RF_E_MALFORMED;
		f->json = c == '{';
		f->depth = 1;
		f->state = INSIDE;
		return RF_E_MORE;
	default:
		return f->json ? json(f, c) : bencode(f, c);
	}
}

int rf_ng_frame_next(struct rf_ng_frame *f, struct rf_view bytes, size_t *ret_n)
{
	int err = RF_E_MORE;

	while (err == RF_E_MORE && f->at < bytes.n) {
		uint8_t c = bytes.p[f->at++]; /* step() may move at on, past a string */

		err = step(f, c);
		if (err == RF_E_MORE && f->at > RF_NG_BYTES_MAX)
			err = RF_E_LIMIT;
	}
	if (err == RF_E_MORE && f->state <= FIRST && f->at > RF_NG_COOKIE_MAX + 64)
		err = RF_E_MALFORMED;
	if (err == 0) {
		*ret_n = f->at;
		*f = (struct rf_ng_frame){ 0 };
	}
	return err;
}
