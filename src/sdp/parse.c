/* Two passes. The first finds the lines, checks their bytes and counts what each kind needs, so that the second fills
 * arrays of exactly the right size: what a peer announces never decides how much is allocated, what it sent does. */
#include "base/reader.h"
#include "sdp/chars.h"
#include "sdp/sdp_int.h"

const struct rf_sdp_limits rf_sdp_limits_default = {
	.bytes = 64 * 1024, .lines = 200, .line_bytes = 4096, .media = RF_SDP_MEDIA_MAX, .formats = 64, .attrs = 128,
	.bandwidths = 8,
};

struct line {
	uint8_t type;
	struct rf_view value;
};

struct parse {
	struct rf_arena *a;
	const struct rf_sdp_limits *limits;
	struct rf_diag *diag;
	struct line *lines;
	size_t n_lines, at;
	uint32_t seen; /* bits of the types that may stand once in this section */
};

static int fail(struct parse *p, int code, const char *text)
{
	rf_diag_set(p->diag, code, "session description, line %zu: %s", p->at + 1, text);
	if (p->diag)
		p->diag->line = (uint32_t)p->at + 1;
	return code;
}

/* Without a way out in the middle, so that the compiler may look at many bytes at once. */
static bool clean(struct rf_view v)
{
	unsigned bad = 0;

	for (size_t i = 0; i < v.n; i++)
		bad |= (unsigned)(v.p[i] < 0x20) & (unsigned)(v.p[i] != '\t');
	return !bad && rf_view_find(v, 0x7f) == v.n;
}

/* The next line without its end; false at the end of the text. */
static bool next_line(struct rf_reader *r, struct rf_view *ret_line)
{
	if (rf_left(r) == 0)
		return false;
	struct rf_view v = rf_take_until(r, '\n');
	if (v.n && v.p[v.n - 1] == '\r')
		v.n--;
	*ret_line = v;
	return true;
}

static int split(struct parse *p, struct rf_view text)
{
	struct rf_reader r = rf_reader_of(text);
	struct rf_view v;
	size_t n = 0;

	if (text.n > p->limits->bytes)
		return fail(p, RF_E_LIMIT, "the description is too long");
	while (next_line(&r, &v))
		if (++n > p->limits->lines)
			return p->at = n - 1, fail(p, RF_E_LIMIT, "too many lines");
	p->lines = rf_arena_array(p->a, n + 1, sizeof p->lines[0]);
	if (!p->lines)
		return -ENOMEM;
	r = rf_reader_of(text);
	for (; next_line(&r, &v); p->at++) {
		if (v.n == 0) {
			/* Blank lines only where nothing follows. */
			while (next_line(&r, &v))
				if (v.n)
					return fail(p, RF_E_MALFORMED, "a blank line among the others");
			break;
		}
		if (v.n > p->limits->line_bytes)
			return fail(p, RF_E_LIMIT, "the line is too long");
		if (v.n < 2 || v.p[1] != '=')
			return fail(p, RF_E_MALFORMED, "not of the form type=value");
		if (!clean(v))
			return fail(p, RF_E_MALFORMED, "a control character");
		p->lines[p->at] = (struct line){ v.p[0], rf_view_from(v, 2) };
	}
	p->n_lines = p->at;
	p->at = 0;
	return 0;
}

/* How many lines of a type this section has, from p->at to the next m-line. */
static size_t count_in_section(const struct parse *p, uint8_t type)
{
	size_t n = 0;

	for (size_t i = p->at; i < p->n_lines && p->lines[i].type != 'm'; i++)
		n += p->lines[i].type == type;
	return n;
}

static bool once(struct parse *p, uint8_t type)
{
	uint32_t bit = 1u << (type - 'a');

	if (p->seen & bit)
		return false;
	p->seen |= bit;
	return true;
}

static int parse_origin(struct parse *p, struct rf_view v, struct rf_sdp_origin *o)
{
	struct rf_reader r = rf_reader_of(v);
	struct rf_view user = rf_take_until(&r, ' '), id = rf_take_until(&r, ' '), version = rf_take_until(&r, ' ');
	struct rf_sdp_conn c;

	if (rf_view_empty(user) || !rf_view_u64(id, INT64_MAX, &o->id) || !rf_view_u64(version, INT64_MAX, &o->version))
		return fail(p, RF_E_MALFORMED,
			    "o= wants: user, session id, version (63 bits), IN, IP4 or IP6, address");
	if (rf_sdp_address_parse(rf_take(&r, rf_left(&r)), false, &c))
		return fail(p, RF_E_MALFORMED, "o= without a usable address");
	o->user = user;
	o->ip6 = c.ip6;
	o->addr = c.addr;
	return 0;
}

static int parse_conn(struct parse *p, struct rf_view v, struct rf_sdp_conn *c)
{
	int rc = rf_sdp_address_parse(v, true, c);

	if (rc == RF_E_UNSUPPORTED)
		return fail(p, rc, "c= with a multicast or broadcast address");
	return rc ? fail(p, rc, "c= wants: IN, IP4 or IP6, address") : 0;
}

static int parse_time(struct parse *p, struct rf_view v, struct rf_sdp *sdp)
{
	struct rf_reader r = rf_reader_of(v);
	uint64_t from, to;

	if (!rf_view_u64(rf_take_until(&r, ' '), INT64_MAX, &from) ||
	    !rf_view_u64(rf_take(&r, rf_left(&r)), INT64_MAX, &to))
		return fail(p, RF_E_MALFORMED, "t= wants two numbers");
	if (!(p->seen & 1u << ('t' - 'a'))) {
		p->seen |= 1u << ('t' - 'a');
		sdp->t_start = from;
		sdp->t_stop = to;
	}
	return 0;
}

static int parse_bw(struct parse *p, struct rf_view v, struct rf_sdp_bw *bw)
{
	struct rf_reader r = rf_reader_of(v);

	bw->type = rf_take_until(&r, ':');
	if (!rf_sdp_all(bw->type, rf_sdp_is_token) || !rf_view_u64(rf_take(&r, rf_left(&r)), INT64_MAX, &bw->value))
		return fail(p, RF_E_MALFORMED, "b= wants type:number");
	return 0;
}

static int parse_attr(struct parse *p, struct rf_view v, struct rf_sdp_attr *at)
{
	size_t colon = rf_view_find(v, ':');

	at->name = rf_view_sub(v, 0, colon);
	if (!rf_sdp_all(at->name, rf_sdp_is_token))
		return fail(p, RF_E_MALFORMED, "a= without a name");
	if (colon < v.n)
		at->value = rf_view_from(v, colon + 1);
	at->id = rf_sdp_attr_id(at->name);
	return 0;
}

/* The direction bits of an attribute, -1 when it is none. */
static int dir_of(enum rf_sdp_aid id)
{
	switch (id) {
	case RF_SDP_A_SENDRECV: return RF_SDP_SENDRECV;
	case RF_SDP_A_SENDONLY: return RF_SDP_SENDONLY;
	case RF_SDP_A_RECVONLY: return RF_SDP_RECVONLY;
	case RF_SDP_A_INACTIVE: return RF_SDP_INACTIVE;
	default: return -1;
	}
}

static int note_dir(struct parse *p, enum rf_sdp_aid id, bool *has, enum rf_sdp_dir *dir)
{
	int d = dir_of(id);

	if (d < 0)
		return 0;
	if (*has && (int)*dir != d)
		return fail(p, RF_E_MALFORMED, "two different directions in one section");
	*has = true;
	*dir = (enum rf_sdp_dir)d;
	return 0;
}

/* What a session and an m-line section have in common. */
struct section {
	struct rf_sdp_bw *bws;
	struct rf_sdp_attr *attrs;
	uint16_t n_bws, n_attrs;
	struct rf_sdp_conn conn;
	struct rf_view info;
	bool has_dir, has_key, bundle_only;
	enum rf_sdp_dir dir;
};

static int section_init(struct parse *p, struct section *s)
{
	size_t attrs = count_in_section(p, 'a'), bws = count_in_section(p, 'b');

	*s = (struct section){ .dir = RF_SDP_SENDRECV };
	p->seen = 0;
	if (attrs > p->limits->attrs)
		return fail(p, RF_E_LIMIT, "too many attributes in the section that begins here");
	if (bws > p->limits->bandwidths)
		return fail(p, RF_E_LIMIT, "too many b= in the section that begins here");
	s->attrs = rf_arena_array(p->a, attrs, sizeof s->attrs[0]);
	s->bws = rf_arena_array(p->a, bws, sizeof s->bws[0]);
	return s->attrs && s->bws ? 0 : -ENOMEM;
}

/* i, c, b, k and a: the same at both levels. RF_E_NOT_FOUND for any other type. */
static int section_line(struct parse *p, struct section *s, const struct line *l)
{
	int rc;

	if ((l->type == 'i' || l->type == 'c' || l->type == 'k') && !once(p, l->type))
		return fail(p, RF_E_MALFORMED, "a line twice that may stand once");
	switch (l->type) {
	case 'i':
		s->info = l->value;
		return 0;
	case 'c':
		return parse_conn(p, l->value, &s->conn);
	case 'k':
		s->has_key = true;
		return 0;
	case 'b':
		return parse_bw(p, l->value, &s->bws[s->n_bws++]);
	case 'a':
		rc = parse_attr(p, l->value, &s->attrs[s->n_attrs]);
		if (rc)
			return rc;
		s->bundle_only |= s->attrs[s->n_attrs].id == RF_SDP_A_BUNDLE_ONLY;
		return note_dir(p, s->attrs[s->n_attrs++].id, &s->has_dir, &s->dir);
	default:
		return RF_E_NOT_FOUND;
	}
}

static int parse_session(struct parse *p, struct rf_sdp *sdp)
{
	struct section s;
	int rc;

	if (p->n_lines < 2 || p->lines[0].type != 'v' || !rf_view_eq(p->lines[0].value, RF_V("0")))
		return fail(p, RF_E_MALFORMED, "v=0 must be the first line");
	p->at = 1;
	if (p->lines[1].type != 'o')
		return fail(p, RF_E_MALFORMED, "o= must be the second line");
	rc = parse_origin(p, p->lines[1].value, &sdp->origin);
	if (rc)
		return rc;
	p->at = 2;
	rc = section_init(p, &s);
	if (rc)
		return rc;
	for (; p->at < p->n_lines && p->lines[p->at].type != 'm'; p->at++) {
		const struct line *l = &p->lines[p->at];

		rc = section_line(p, &s, l);
		if (rc == 0)
			continue;
		if (rc != RF_E_NOT_FOUND)
			return rc;
		switch (l->type) {
		case 's': case 'u': case 'z':
			if (!once(p, l->type))
				return fail(p, RF_E_MALFORMED, "a line twice that may stand once");
			if (l->type == 's')
				sdp->name = l->value;
			break;
		case 't':
			rc = parse_time(p, l->value, sdp);
			if (rc)
				return rc;
			break;
		case 'e': case 'p': case 'r':
			break;
		default:
			return fail(p, RF_E_MALFORMED, "a type of line that does not belong here");
		}
	}
	sdp->bws = s.bws;
	sdp->n_bws = s.n_bws;
	sdp->attrs = s.attrs;
	sdp->n_attrs = s.n_attrs;
	sdp->conn = s.conn;
	sdp->info = s.info;
	sdp->has_key = s.has_key;
	sdp->has_dir = s.has_dir;
	sdp->dir = s.dir;
	return 0;
}

static int parse_formats(struct parse *p, struct rf_view v, struct rf_sdp_media *m)
{
	struct rf_reader r = rf_reader_of(v);
	size_t n = 0;
	uint64_t pt;

	for (size_t i = 0; i < v.n; i++)
		n += v.p[i] == ' ';
	if (n + 1 > p->limits->formats)
		return fail(p, RF_E_LIMIT, "too many formats");
	m->formats = rf_arena_array(p->a, n + 1, sizeof m->formats[0]);
	if (!m->formats)
		return -ENOMEM;
	while (rf_left(&r)) {
		struct rf_view f = rf_take_until(&r, ' ');

		if (f.n == 0)
			continue; /* two spaces, or one at the end: seen from real phones, and nothing
				   * can be read into them */
		if (!rf_sdp_all(f, rf_sdp_is_token) || (rf_sdp_proto_is_rtp(m->proto) && !rf_view_u64(f, 127, &pt)))
			return fail(p, RF_E_MALFORMED, "m= with a format that is none");
		m->formats[m->n_formats++] = f;
	}
	if (m->n_formats == 0 && m->port != 0)
		return fail(p, RF_E_MALFORMED, "m= without a format");
	return 0;
}

static bool is_proto(uint8_t c)
{
	return rf_sdp_is_token(c) || c == '/';
}

static int parse_m_line(struct parse *p, struct rf_view v, struct rf_sdp_media *m)
{
	struct rf_reader r = rf_reader_of(v);
	struct rf_view media = rf_take_until(&r, ' '), port = rf_take_until(&r, ' ');
	struct rf_view proto = rf_take_until(&r, ' ');
	size_t slash = rf_view_find(port, '/');
	uint64_t number, count = 1;

	if (!rf_sdp_all(media, rf_sdp_is_token) || !rf_sdp_all(proto, is_proto) ||
	    !rf_view_u64(rf_view_sub(port, 0, slash), 65535, &number) ||
	    (slash < port.n && (!rf_view_u64(rf_view_from(port, slash + 1), 255, &count) || count == 0)))
		return fail(p, RF_E_MALFORMED, "m= wants: media, port, protocol, formats");
	m->media = media;
	m->kind = rf_sdp_kind_of(media);
	m->proto_text = proto;
	m->proto = rf_sdp_proto_of(proto);
	m->port = (uint16_t)number;
	m->port_count = (uint16_t)count;
	return parse_formats(p, rf_take(&r, rf_left(&r)), m);
}

static int parse_media(struct parse *p, struct rf_sdp *sdp, struct rf_sdp_media *m)
{
	struct section s;
	int rc = parse_m_line(p, p->lines[p->at].value, m);

	if (rc)
		return rc;
	p->at++;
	rc = section_init(p, &s);
	for (; rc == 0 && p->at < p->n_lines && p->lines[p->at].type != 'm'; p->at++) {
		rc = section_line(p, &s, &p->lines[p->at]);
		if (rc)
			return rc == RF_E_NOT_FOUND ?
				fail(p, RF_E_MALFORMED, "a type of line that does not belong below m=") : rc;
	}
	if (rc)
		return rc;
	m->bws = s.bws;
	m->n_bws = s.n_bws;
	m->attrs = s.attrs;
	m->n_attrs = s.n_attrs;
	m->conn = s.conn;
	m->info = s.info;
	m->has_dir = s.has_dir;
	m->dir = s.has_dir ? s.dir : sdp->dir;
	m->bundle_only = m->port == 0 && s.bundle_only;
	sdp->has_key |= s.has_key;
	if (m->port && !m->conn.present && !sdp->conn.present)
		return p->at--, fail(p, RF_E_MALFORMED, "the section that ends here has no c=, nor has the session");
	return 0;
}

int rf_sdp_parse(struct rf_arena *a, struct rf_view text, const struct rf_sdp_limits *limits, struct rf_sdp **ret_sdp,
	struct rf_diag *diag)
{
	struct parse p = { .a = a, .limits = limits ? limits : &rf_sdp_limits_default, .diag = diag };
	struct rf_sdp *sdp = rf_arena_zalloc(a, sizeof *sdp);
	size_t n_media = 0;
	int rc = sdp ? split(&p, text) : -ENOMEM;

	if (rc == 0)
		rc = parse_session(&p, sdp);
	if (rc)
		return rc;
	for (size_t i = p.at; i < p.n_lines; i++)
		n_media += p.lines[i].type == 'm';
	if (n_media > p.limits->media || n_media > RF_SDP_MEDIA_MAX)
		return fail(&p, RF_E_LIMIT, "too many m=");
	sdp->media = rf_arena_array(a, n_media, sizeof sdp->media[0]);
	if (!sdp->media)
		return -ENOMEM;
	while (p.at < p.n_lines) {
		rc = parse_media(&p, sdp, &sdp->media[sdp->n_media]);
		if (rc)
			return rc;
		sdp->n_media++;
	}
	*ret_sdp = sdp;
	return 0;
}
