#include "sip/mpart.h"

#include "sip/chars.h"

bool rf_sip_is_media_type(struct rf_view content_type, struct rf_view media_type)
{
	struct rf_view v = rf_view_sub(content_type, 0, rf_view_find(content_type, ';'));
	size_t a = rf_view_find(v, '/'), b = rf_view_find(media_type, '/');

	return rf_view_eq_nocase(rf_view_trim(rf_view_sub(v, 0, a)), rf_view_sub(media_type, 0, b)) &&
	       rf_view_eq_nocase(rf_view_trim(rf_view_from(v, a + 1)), rf_view_from(media_type, b + 1));
}

/* Where "--" boundary stands at the start of a line, SIZE_MAX when nowhere. A delimiter line is the delimiter, "--"
 * when it closes, white space, CR LF or the end. */
static size_t find_delimiter(struct rf_view v, struct rf_view boundary, size_t *ret_len, bool *ret_close)
{
	for (size_t at = 0; at < v.n;) {
		struct rf_view line = rf_view_from(v, at);
		size_t n = rf_view_find(line, '\n');
		bool lf = n < line.n;
		struct rf_view text = rf_view_sub(line, 0, n);

		if (rf_view_starts(text, RF_V("--")) && rf_view_starts(rf_view_from(text, 2), boundary)) {
			struct rf_view tail = rf_view_from(text, boundary.n + 2);
			bool close = rf_view_starts(tail, RF_V("--"));

			if (rf_view_trim(rf_view_from(tail, close ? 2 : 0)).n == 0) {
				*ret_len = n + lf;
				*ret_close = close;
				return at;
			}
		}
		at += n + lf;
	}
	return SIZE_MAX;
}

int rf_sip_mpart_init(struct rf_sip_mpart *it, struct rf_view content_type, struct rf_view body)
{
	struct rf_view params = rf_view_from(content_type, rf_view_find(content_type, ';'));
	struct rf_sip_param p;
	size_t len;
	bool close;

	if (!rf_view_starts_nocase(content_type, RF_V("multipart/")))
		return RF_E_UNSUPPORTED;
	if (!rf_sip_params_find(params, RF_V("boundary"), &p) || p.value.n == 0 || p.value.n > 70)
		return RF_E_MALFORMED;
	size_t at = find_delimiter(body, p.value, &len, &close);
	if (at == SIZE_MAX || close)
		return RF_E_MALFORMED;
	*it = (struct rf_sip_mpart){ .boundary = p.value, .rest = rf_view_from(body, at + len) };
	return 0;
}

/* One header line of a part (folds included), its CR LF taken too. false at the empty line or the end. */
static bool next_line(struct rf_view *rest, struct rf_view *ret_line)
{
	size_t n = 0;

	for (;;) {
		n += rf_view_find(rf_view_from(*rest, n), '\n');
		if (n + 1 >= rest->n || (rest->p[n + 1] != ' ' && rest->p[n + 1] != '\t'))
			break;
		n++;
	}
	*ret_line = rf_view_sub(*rest, 0, n);
	*rest = rf_view_from(*rest, n + 1);
	return rf_view_trim(*ret_line).n > 0;
}

static void take_header(struct rf_sip_part *part, struct rf_view line)
{
	size_t colon = rf_view_find(line, ':');
	struct rf_view name = rf_view_trim(rf_view_sub(line, 0, colon));
	struct rf_view value = rf_view_trim(rf_view_from(line, colon + 1));

	if (rf_view_eq_nocase(name, RF_V("Content-Type")) || rf_view_eq_nocase(name, RF_V("c")))
		part->type = value;
	else if (rf_view_eq_nocase(name, RF_V("Content-Disposition")))
		part->disposition = value;
	else if (rf_view_eq_nocase(name, RF_V("Content-ID")))
		part->id = value;
}

int rf_sip_mpart_next(struct rf_sip_mpart *it, struct rf_sip_part *ret_part)
{
	struct rf_sip_part part = { .type = RF_V("text/plain") };
	struct rf_view line;
	size_t len;
	bool close;

	if (it->done)
		return 0;
	if (it->seen == RF_SIP_PARTS_MAX)
		return RF_E_LIMIT;
	size_t at = find_delimiter(it->rest, it->boundary, &len, &close);
	if (at == SIZE_MAX)
		return RF_E_MALFORMED;
	struct rf_view whole = rf_view_sub(it->rest, 0, at), rest = whole;
	/* The CR LF before a delimiter belongs to it (RFC 2046 5.1.1). */
	if (rf_view_ends(rest, RF_V("\r\n")))
		rest.n -= 2;
	while (rest.n && next_line(&rest, &line))
		take_header(&part, line);
	part.head = rf_view_sub(whole, 0, (size_t)(rest.p - whole.p));
	part.body = rest;
	it->rest = rf_view_from(it->rest, at + len);
	it->done = close;
	it->seen++;
	*ret_part = part;
	return 1;
}

int rf_sip_msg_find_body(const struct rf_sip_msg *m, struct rf_view media_type, struct rf_view *ret_body)
{
	struct rf_sip_mpart it;
	struct rf_sip_part part;
	int rc;

	if (m->body.n == 0)
		return RF_E_NOT_FOUND;
	if (rf_sip_is_media_type(m->content_type, media_type)) {
		*ret_body = m->body;
		return 0;
	}
	rc = rf_sip_mpart_init(&it, m->content_type, m->body);
	if (rc)
		return rc == RF_E_UNSUPPORTED ? RF_E_NOT_FOUND : rc;
	while ((rc = rf_sip_mpart_next(&it, &part)) > 0)
		if (rf_sip_is_media_type(part.type, media_type)) {
			*ret_body = part.body;
			return 0;
		}
	return rc ? rc : RF_E_NOT_FOUND;
}
