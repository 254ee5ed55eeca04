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
	rf_core_wrote(&core->sdp_join_n, &w);
	rf_writer_done(&w, &out);
	return out;
}

/* --- an answer that says: not now */

static bool has_name(struct rf_view line, struct rf_view name)
{
	struct rf_view rest = rf_view_from(line, 2);

	return rf_view_starts(rest, name) && (rest.n == name.n || rest.p[name.n] == ':' || rest.p[name.n] == '\r');
}

static bool is_one_of(struct rf_view line, const char *const *names)
{
	for (; *names; names++)
		if (has_name(line, rf_view_str(*names)))
			return true;
	return false;
}

/* A key of ours in place of theirs, as long: nothing is ever sent under it. */
static void put_crypto(struct rf_call_core *core, struct rf_writer *w, struct rf_view line)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	static const struct rf_view inline_key = { (const uint8_t *)" inline:", 8 };
	size_t at = 0, n = 0;

	while (at < line.n && !rf_view_starts(rf_view_from(line, at), inline_key))
		at++;
	rf_put(w, rf_view_sub(line, 0, at));
	rf_put(w, inline_key);
	struct rf_view key = rf_view_from(line, at + inline_key.n);

	while (n < key.n && key.p[n] != '|' && key.p[n] != ' ' && key.p[n] != '\r' && key.p[n] != '=')
		n++;
	for (size_t i = 0; i + 1 < n; i++)
		rf_put_byte(w, (uint8_t)digits[rf_random_u64(core->random) & 63]);
	if (n)
		rf_put_byte(w, 'A'); /* bits behind the key's last are none */
	for (; n < key.n && key.p[n] == '='; n++)
		rf_put_byte(w, '=');
	rf_put_lit(w, "\r\n");
}

static void put_fingerprint(struct rf_call_core *core, struct rf_writer *w)
{
	static const char hex[] = "0123456789ABCDEF";

	rf_put_lit(w, "a=fingerprint:sha-256 ");
	for (int i = 0; i < 32; i++) {
		uint64_t x = rf_random_u64(core->random);

		if (i)
			rf_put_byte(w, ':');
		rf_put_byte(w, (uint8_t)hex[x & 15]);
		rf_put_byte(w, (uint8_t)hex[x >> 4 & 15]);
	}
	rf_put_lit(w, "\r\n");
}

struct answer {
	bool media, live, crypto;
};

static void put_attribute(struct rf_call_core *core, struct rf_writer *w, struct answer *a, struct rf_view line)
{
	static const char *const always[] = { "group", "mid", NULL };
	static const char *const live[] = { "rtpmap", "fmtp", "ptime", "maxptime", "rtcp-mux", NULL };

	if (is_one_of(line, always) || (a->live && is_one_of(line, live))) {
		rf_put(w, line);
	} else if (a->live && has_name(line, RF_V("crypto")) && !a->crypto) {
		a->crypto = true;
		put_crypto(core, w, line);
	} else if ((a->live || !a->media) && has_name(line, RF_V("fingerprint"))) {
		put_fingerprint(core, w);
	} else if ((a->live || !a->media) && has_name(line, RF_V("setup"))) {
		rf_put(w, has_name(rf_view_from(line, 6), RF_V("passive")) ? RF_V("a=setup:active\r\n") :
									     RF_V("a=setup:passive\r\n"));
	}
}

static void begin_media(struct rf_writer *w, struct answer *a, struct rf_view line)
{
	struct rf_view rest = line, kind = take_word(&rest), port = take_word(&rest);

	if (a->live)
		rf_put_lit(w, "a=inactive\r\n");
	*a = (struct answer){ .media = true, .live = !rf_view_eq(port, RF_V("0")) };
	rf_put(w, kind);
	rf_put(w, a->live ? RF_V(" 9 ") : RF_V(" 0 "));
	rf_put(w, rest);
}

struct rf_view rf_join_sdp_inactive(struct rf_call_core *core, struct rf_view offer)
{
	struct answer a = { false, false, false };
	struct rf_view out = { NULL, 0 };
	struct rf_writer w;

	rf_writer_init(&w, core->sdp_join, sizeof core->sdp_join);
	while (offer.n) {
		struct rf_view line = take_line(&offer);

		if (is(line, 'o')) {
			rf_put_lit(&w, "o=- ");
			rf_put_u64(&w, rf_random_u64(core->random) >> 2);
			rf_put_lit(&w, " 1 IN IP4 0.0.0.0\r\n");
		} else if (is(line, 'c')) {
			rf_put(&w, rf_view_starts(line, RF_V("c=IN IP6")) ? RF_V("c=IN IP6 ::\r\n") :
									    RF_V("c=IN IP4 0.0.0.0\r\n"));
		} else if (is(line, 'm')) {
			begin_media(&w, &a, line);
		} else if (is(line, 'a')) {
			put_attribute(core, &w, &a, line);
		} else if (is(line, 'v') || is(line, 's') || is(line, 't')) {
			rf_put(&w, line);
		}
	}
	if (a.live)
		rf_put_lit(&w, "a=inactive\r\n");
	rf_core_wrote(&core->sdp_join_n, &w);
	rf_writer_done(&w, &out);
	return out;
}

/* --- what was said before, but nothing flows */

static bool is_direction(struct rf_view line)
{
	static const char *const names[] = { "sendrecv", "sendonly", "recvonly", "inactive", NULL };

	return is(line, 'a') && is_one_of(line, names);
}

struct rf_view rf_join_sdp_hold(struct rf_call_core *core, struct rf_view before)
{
	struct rf_view origin = find_line(before, 'o', 0), out = { NULL, 0 };
	struct rf_writer w;
	bool media = false;

	rf_writer_init(&w, core->sdp_join, sizeof core->sdp_join);
	while (before.n) {
		struct rf_view line = take_line(&before);

		if (is(line, 'm') && media)
			rf_put_lit(&w, "a=inactive\r\n");
		media |= is(line, 'm');
		if (is_direction(line) || (is(line, 'o') && put_origin(&w, origin)))
			continue;
		if (is(line, 'a') && has_name(line, RF_V("setup")))
			rf_put_lit(&w, "a=setup:actpass\r\n");
		else
			rf_put(&w, line);
	}
	if (media)
		rf_put_lit(&w, "a=inactive\r\n");
	rf_core_wrote(&core->sdp_join_n, &w);
	rf_writer_done(&w, &out);
	return out;
}
