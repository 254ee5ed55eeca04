#include "call/join_sdp.h"

#include "call/core_int.h"

static struct rf_view take_line(struct rf_view *text)
{
	size_t end = rf_view_find(*text, '\n');
	struct rf_view line = rf_view_sub(*text, 0, end < text->n ? end + 1 : end);

	*text = rf_view_from(*text, line.n);
	return line;
}

static bool is(struct rf_view line, char type)
{
	return line.n > 2 && line.p[0] == (uint8_t)type && line.p[1] == '=';
}

unsigned rf_join_sdp_lines(struct rf_view sdp)
{
	unsigned n = 0;

	while (sdp.n)
		n += is(take_line(&sdp), 'm');
	return n;
}

struct rf_view rf_join_sdp_trim(struct rf_view sdp, unsigned n)
{
	struct rf_view rest = sdp;
	unsigned seen = 0;

	while (rest.n) {
		size_t at = sdp.n - rest.n;

		if (is(take_line(&rest), 'm') && ++seen > n)
			return rf_view_sub(sdp, 0, at);
	}
	return sdp;
}

static struct rf_view find_line(struct rf_view sdp, char type, unsigned index)
{
	while (sdp.n) {
		struct rf_view line = take_line(&sdp);

		if (is(line, type) && index-- == 0)
			return line;
	}
	return (struct rf_view){ NULL, 0 };
}

static struct rf_view take_word(struct rf_view *text)
{
	struct rf_view word = rf_view_sub(*text, 0, rf_view_find(*text, ' '));

	*text = rf_view_from(*text, word.n + 1);
	return word;
}

/* "o=user id version IN IP4 host" with the next version; false when it is not of that form. */
static bool put_origin(struct rf_writer *w, struct rf_view line)
{
	struct rf_view user = take_word(&line), id = take_word(&line), version = take_word(&line);
	uint64_t n;

	if (!user.n || !id.n || !line.n || !rf_view_u64(version, INT64_MAX - 1, &n))
		return false;
	rf_put(w, user);
	rf_put_byte(w, ' ');
	rf_put(w, id);
	rf_put_byte(w, ' ');
	rf_put_u64(w, n + 1);
	rf_put_byte(w, ' ');
	rf_put(w, line);
	return true;
}

/* "m=audio 4000 RTP/AVP 0" as "m=audio 0 RTP/AVP 0". */
static void put_off(struct rf_writer *w, struct rf_view line)
{
	rf_put(w, take_word(&line));
	take_word(&line);
	rf_put_lit(w, " 0 ");
	rf_put(w, line);
}

struct rf_view rf_join_sdp_go_on(struct rf_call_core *core, struct rf_view sdp, struct rf_view before, bool offer)
{
	unsigned lines = rf_join_sdp_lines(sdp), had = rf_join_sdp_lines(before);
	struct rf_view rest = sdp, origin = find_line(before, 'o', 0), out = { NULL, 0 };
	struct rf_writer w;

	rf_writer_init(&w, core->sdp_join, sizeof core->sdp_join);
	while (rest.n) {
		struct rf_view line = take_line(&rest);

		if (!(is(line, 'o') && origin.n && put_origin(&w, origin)))
			rf_put(&w, line);
	}
	for (unsigned i = lines; offer && i < had; i++)
		put_off(&w, find_line(before, 'm', i));
	rf_writer_done(&w, &out);
	return out;
}
