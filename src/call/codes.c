#include "call/codes.h"

#include "base/reader.h"

struct row {
	uint16_t from, to; /* range of codes */
	uint16_t tell;     /* 0: the same code */
	uint8_t rank;
};

/* The first row that fits. A phone's own trouble with us or with its account is not the caller's business: that is
 * 480. Redirections are not followed; a later issue gives them a meaning. */
static const struct row rows[] = {
	{ 300, 399, 480, 20 }, /* somewhere else: not followed */
	{ 401, 401, 480, 20 }, /* we have no password for a phone */
	{ 403, 403, 480, 20 },
	{ 407, 407, 480, 20 },
	{ 408, 408, 480, 15 },
	{ 415, 415, 488, 50 }, /* the caller's body was made by us: what is left is the media */
	{ 416, 416, 480, 20 },
	{ 420, 420, 480, 20 }, /* Require of ours, not of the caller */
	{ 421, 422, 480, 20 },
	{ 481, 482, 480, 10 },
	{ 483, 483, 480, 20 },
	{ 486, 486, 0, 70 },
	{ 487, 487, 480, 5 },  /* a phone that cancels by itself */
	{ 488, 488, 0, 60 },
	{ 404, 404, 480, 30 }, /* the number exists; that phone has forgotten it */
	{ 484, 485, 480, 30 },
	{ 400, 499, 480, 25 }, /* 400, 480, 491, 493, 494 and what nobody knows */
	{ 503, 503, 480, 15 }, /* would tell the caller that we are overloaded (RFC 3261 16.7 (6)) */
	{ 500, 599, 480, 15 },
	{ 600, 600, 0, RF_CODE_STOPS },
	{ 603, 603, 0, RF_CODE_STOPS },
	{ 604, 604, 480, RF_CODE_STOPS },
	{ 606, 606, 488, 60 }, /* of one phone, not of the person: other phones may do */
	{ 607, 608, 603, RF_CODE_STOPS },
	{ 600, 699, 603, RF_CODE_STOPS },
};

struct rf_code rf_code_of_phone(unsigned code)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (code >= rows[i].from && code <= rows[i].to)
			return (struct rf_code){ rows[i].tell ? rows[i].tell : code, rows[i].rank };
	return (struct rf_code){ 480, 0 };
}

static const struct {
	uint16_t code;
	const char *word;
} outcomes[] = {
	{ 200, "answered" },	{ 403, "denied" },	 { 404, "unknown" },	 { 408, "no-answer" },
	{ 480, "unavailable" }, { 486, "busy" },	 { 487, "cancelled" },	 { 488, "media-refused" },
	{ 503, "overload" },	{ 600, "busy" },	 { 603, "declined" },
};

const char *rf_code_outcome(unsigned code)
{
	for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++)
		if (outcomes[i].code == code)
			return outcomes[i].word;
	return "failed";
}

static bool printable(struct rf_view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] < 0x20 || v.p[i] == 0x7f)
			return false;
	return true;
}

static bool quoted(struct rf_view v)
{
	if (v.n < 2 || v.p[0] != '"' || v.p[v.n - 1] != '"')
		return false;
	for (size_t i = 1; i + 1 < v.n; i++)
		if (v.p[i] == '"' || memchr("\\<>&'`", v.p[i], 6))
			return false;
	return true;
}

bool rf_reason_passes(struct rf_view value)
{
	struct rf_reader r = rf_reader_of(rf_view_trim(value));
	bool cause = false, text = false;
	uint32_t number;

	if (value.n > 128 || !printable(value))
		return false;
	struct rf_view protocol = rf_view_trim(rf_take_until(&r, ';'));

	if (!rf_view_eq_nocase(protocol, RF_V("SIP")) && !rf_view_eq_nocase(protocol, RF_V("Q.850")))
		return false;
	while (rf_left(&r)) {
		struct rf_view value_of = rf_take_until(&r, ';');
		struct rf_reader p = rf_reader_of(value_of);
		struct rf_view name = rf_view_trim(rf_take_until(&p, '='));
		struct rf_view arg = rf_view_trim((struct rf_view){ p.p, rf_left(&p) });

		if (!cause && rf_view_eq_nocase(name, RF_V("cause")) && arg.n <= 3 && rf_view_u32(arg, &number))
			cause = true;
		else if (!text && rf_view_eq_nocase(name, RF_V("text")) && quoted(arg))
			text = true;
		else
			return false;
	}
	return cause;
}
