#include "media/said.h"
#include "base/secret.h"
#include "media/attribute.h"
#include "rtp/dtls.h"
#include "rtp/ice.h"

#include <stdlib.h>

_Static_assert((int)RF_SRTP_AEAD_AES_256_GCM == (int)RF_SDP_AEAD_AES_256_GCM &&
	(int)RF_SRTP_AES_CM_128_HMAC_SHA1_32 == (int)RF_SDP_AES_CM_128_HMAC_SHA1_32 &&
	(int)RF_SRTP_SUITES == (int)RF_SDP_SUITE_COUNT, "one numbering of suites");

static bool is(const struct rf_sdp_attr *at, const char *name)
{
	size_t n = strlen(name);

	return at->name.n == n && rf_view_eq_nocase(at->name, rf_view_of(name, n));
}

static bool has_word(struct rf_view v, struct rf_view word)
{
	while (v.n) {
		size_t n = rf_view_find(v, ' ');

		if (rf_view_eq_nocase(rf_view_sub(v, 0, n), word))
			return true;
		v = rf_view_from(v, n + 1);
	}
	return false;
}

/* The bounds are path.h's: no client in use has longer ones. */
static bool ice_ok(const struct rf_said *s)
{
	return s->ufrag.n <= RF_PATH_UFRAG_MAX && s->pwd.n <= RF_PATH_PWD_MAX && rf_ice_ufrag_ok(s->ufrag) &&
	       rf_ice_pwd_ok(s->pwd);
}

static void add_print(struct rf_said *s, struct rf_view value)
{
	struct rf_dtls_print print;

	if (rf_dtls_print_parse(value, &print)) {
		s->weak_print = true;
		return;
	}
	if (s->n_prints == RF_PATH_PRINTS_MAX)
		return;
	memcpy(s->prints[s->n_prints].bytes, print.bytes, print.n);
	s->prints[s->n_prints++].n = print.n;
}

static uint32_t base64(uint8_t c)
{
	if ((uint8_t)(c - 'A') < 26)
		return c - 'A';
	if ((uint8_t)(c - 'a') < 26)
		return c - 'a' + 26u;
	if ((uint8_t)(c - '0') < 10)
		return c - '0' + 52u;
	return c == '+' ? 62 : 63;
}

/* Already known to be well formed and of the right length (rf_sdp_crypto_parse()). */
static void read_key(struct rf_view v, uint8_t key[static RF_SRTP_KEY_MAX])
{
	uint32_t bits = 0;
	unsigned have = 0;
	size_t n = 0;

	for (size_t i = 0; i < v.n && v.p[i] != '=' && n < RF_SRTP_KEY_MAX; i++) {
		bits = (bits << 6 | base64(v.p[i])) & 0xffffff;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		key[n++] = (uint8_t)(bits >> have);
	}
}

/* A line whose keys are several, whose MKI is long, or whose parameters are not the defaults is not used: each of them
 * would have to be kept by both sides, and no client in use offers only such lines. */
static void add_key(struct rf_said *s, struct rf_view value)
{
	struct rf_sdp_crypto c;
	struct rf_said_key k = { 0 };
	size_t colon;
	uint64_t bytes;

	if (s->n_keys == RF_SAID_KEYS_MAX || rf_sdp_crypto_parse(value, &c) || c.n_keys != 1 || c.params.n)
		return;
	k.tag = c.tag;
	k.suite = (uint8_t)c.suite;
	if (c.keys[0].mki.n) {
		colon = rf_view_find(c.keys[0].mki, ':');
		if (!rf_view_u64(rf_view_sub(c.keys[0].mki, 0, colon), UINT64_MAX, &k.mki) ||
		    !rf_view_u64(rf_view_from(c.keys[0].mki, colon + 1), RF_SAID_MKI_BYTES, &bytes))
			return;
		k.mki_n = (uint8_t)bytes;
	}
	read_key(c.keys[0].inline_key, k.key);
	size_t at = s->n_keys++;
	for (; at && s->keys[at - 1].suite > k.suite; at--)
		s->keys[at] = s->keys[at - 1];
	s->keys[at] = k;
	rf_secret_wipe(&k, sizeof k);
}

/* a=path:msrp://host:port/session;tcp, perhaps more URIs behind it: relays of the client, which we are not. */
static void read_path(struct rf_said *s, struct rf_view v)
{
	struct rf_view uri = rf_view_sub(v, 0, rf_view_find(v, ' '));
	size_t skip = rf_view_starts_nocase(uri, RF_V("msrps://")) ? 8 : rf_view_starts_nocase(uri, RF_V("msrp://")) ? 7 : 0;
	struct rf_view rest = rf_view_from(uri, skip), id;
	size_t semi;

	rest = rf_view_from(rest, rf_view_find(rest, '/') + 1);
	semi = rf_view_find(rest, ';');
	id = rf_view_sub(rest, 0, semi);
	if (skip && uri.n == v.n && rf_attr_word(id) && rf_view_eq_nocase(rf_view_from(rest, semi), RF_V(";tcp")))
		s->path_id = id;
}

/* ms of a packet that can be made: 10, 20, 30, 40, 60; 0: v is another one, or none. */
static uint8_t ptime_of(struct rf_view v)
{
	uint64_t ms;

	return rf_view_u64(v, 60, &ms) && ms && ms != 50 && ms % 10 == 0 ? (uint8_t)ms : 0;
}

static struct rf_view word_of(struct rf_view *v)
{
	size_t n = rf_view_find(*v, ' ');
	struct rf_view word = rf_view_sub(*v, 0, n);

	*v = rf_view_from(*v, n + 1);
	return word;
}

/* foundation component transport priority address port "typ" type ... */
static void add_candidate(struct rf_said *s, struct rf_view v)
{
	struct rf_path_candidate c = { 0 };
	uint64_t component, port;

	word_of(&v);
	struct rf_view number = word_of(&v), transport = word_of(&v);

	word_of(&v);
	struct rf_view address = word_of(&v);

	if (s->n_candidates == RF_PATH_CANDIDATES_MAX || !rf_view_u64(number, 2, &component) || !component ||
	    !rf_view_eq_nocase(transport, RF_V("UDP")) || !rf_view_u64(word_of(&v), 65535, &port) || !port ||
	    !rf_view_eq(word_of(&v), RF_V("typ")) || rf_addr_parse(address, (uint16_t)port, &c.at) ||
	    rf_addr_is_any(&c.at) || rf_addr_is_multicast(&c.at))
		return;
	c.rtcp = component == 2;
	s->candidates[s->n_candidates++] = c;
}

/* a=extmap:4/recvonly urn:ietf:params:rtp-hdrext:sdes:mid */
static void read_extension(struct rf_said *s, struct rf_view v)
{
	size_t n = rf_view_find(v, ' ');
	struct rf_view number = rf_view_sub(v, 0, rf_view_find(rf_view_sub(v, 0, n), '/')),
		       uri = rf_view_from(v, n + 1);
	uint64_t id;

	uri = rf_view_sub(uri, 0, rf_view_find(uri, ' '));
	if (rf_view_eq(uri, RF_V("urn:ietf:params:rtp-hdrext:sdes:mid")) && rf_view_u64(number, 255, &id))
		s->mid_ext = (uint8_t)id;
}

/* a=rtcp-fb:96 nack pli, a=rtcp-fb:* ccm fir; of whatever format. */
static void read_feedback(struct rf_said *s, struct rf_view v)
{
	word_of(&v);
	struct rf_view kind = word_of(&v), what = word_of(&v);

	s->pli |= rf_view_eq_nocase(kind, RF_V("nack")) && rf_view_eq_nocase(what, RF_V("pli"));
	s->fir |= rf_view_eq_nocase(kind, RF_V("ccm")) && rf_view_eq_nocase(what, RF_V("fir"));
}

/* The attributes of one section; those of the session come first and count where the m-line has none of its own. */
static void read_attrs(struct rf_said *s, const struct rf_sdp_attr *at, size_t n, struct rf_view *rtcp)
{
	for (size_t i = 0; i < n; i++, at++) {
		switch (at->id) {
		case RF_SDP_A_CRYPTO:
			add_key(s, at->value);
			break;
		case RF_SDP_A_FINGERPRINT:
			add_print(s, at->value);
			break;
		case RF_SDP_A_SETUP:
			s->setup = (uint8_t)rf_sdp_setup_of(at->value);
			break;
		case RF_SDP_A_MID:
			if (rf_attr_word(at->value))
				s->mid = at->value;
			break;
		case RF_SDP_A_OTHER:
			if (is(at, "rtcp-mux"))
				s->mux = true;
			else if (is(at, "rtcp-mux-only"))
				s->mux = s->mux_only = true;
			else if (is(at, "rtcp"))
				*rtcp = at->value;
			else if (is(at, "ice-ufrag"))
				s->ufrag = at->value;
			else if (is(at, "ice-pwd"))
				s->pwd = at->value;
			else if (is(at, "ice-lite"))
				s->ice_lite = true;
			else if (is(at, "ice-options"))
				s->trickle = has_word(at->value, RF_V("trickle"));
			else if (is(at, "candidate"))
				add_candidate(s, at->value);
			else if (is(at, "extmap"))
				read_extension(s, at->value);
			else if (is(at, "rtcp-fb"))
				read_feedback(s, at->value);
			else if (is(at, "path"))
				read_path(s, at->value);
			else if (is(at, "ptime"))
				s->ptime = ptime_of(at->value);
			break;
		default:
			break;
		}
	}
}

/* a=rtcp:port or port IN IP4 address (RFC 3605). */
static void read_rtcp(struct rf_said *s, struct rf_view v, bool own_address)
{
	size_t n = rf_view_find(v, ' ');
	uint64_t port;

	s->remote_rtcp = s->remote;
	s->remote_rtcp.port = (uint16_t)(s->remote.port + 1);
	if (!rf_view_u64(rf_view_sub(v, 0, n), 65535, &port) || port == 0)
		return;
	s->remote_rtcp.port = (uint16_t)port;
	v = rf_view_from(v, n + 1);
	if (v.n == 0 || !own_address || s->remote.family == 0)
		return;
	if (rf_view_starts_nocase(v, RF_V("IN IP4 ")) || rf_view_starts_nocase(v, RF_V("IN IP6 "))) {
		struct rf_addr addr;

		/* Of the other family it could not be reached from the same port. */
		if (rf_addr_parse(rf_view_from(v, 7), (uint16_t)port, &addr) == 0 && addr.family == s->remote.family &&
		    !rf_addr_is_multicast(&addr) && !rf_addr_is_any(&addr))
			s->remote_rtcp = addr;
	}
}

/* With ICE an address is only where nobody has checked yet: another one of the other family would take the line to an
 * interface that its candidates are not for. */
static bool stands_in(const struct rf_said_source *source, const struct rf_sdp_conn *c, const struct rf_said *s)
{
	return source->instead.family && (!s->ice || !c->present || (source->instead.family == 6) == c->ip6);
}

static int read_address(const struct rf_sdp *sdp, const struct rf_sdp_media *m, const struct rf_said_source *source,
	struct rf_said *s, const char **ret_why)
{
	const struct rf_sdp_conn *c = rf_sdp_media_conn(sdp, m);

	bool instead = stands_in(source, c, s);

	s->family = instead ? source->instead.family : c->ip6 ? 6 : 4;
	if (c->zero) {
		/* The old way to hold (RFC 3264 8.4); with ICE it only says that the candidates are still to
		 * come (RFC 8840 4.1.1). */
		s->dir &= s->ice ? RF_SDP_SENDRECV : RF_SDP_SENDONLY;
		return 0;
	}
	if (instead) {
		s->remote = source->instead;
	} else if (c->present && rf_addr_parse(c->addr, 0, &s->remote)) {
		*ret_why = "a name stands where the description must have an address";
		return RF_E_INVALID;
	}
	s->remote.port = m->port;
	return 0;
}

int rf_said_read(struct rf_arena *a, const struct rf_sdp *sdp, size_t i, const struct rf_said_source *source,
		 struct rf_said *ret_said, const char **ret_why)
{
	const struct rf_sdp_media *m = &sdp->media[i];
	struct rf_said s = { .kind = (uint8_t)m->kind, .proto = (uint8_t)m->proto, .dir = (uint8_t)m->dir,
		.live = m->port != 0, .bundle_only = m->bundle_only, .learn = source->learn,
		.waits = source->waits };
	struct rf_view rtcp = { 0 };
	int rc;

	s.codecs = rf_arena_alloc(a, RF_SAID_CODECS_MAX * sizeof s.codecs[0]);
	s.keys = rf_arena_alloc(a, RF_SAID_KEYS_MAX * sizeof s.keys[0]);
	s.prints = rf_arena_array(a, RF_PATH_PRINTS_MAX, sizeof s.prints[0]);
	s.candidates = rf_arena_array(a, RF_PATH_CANDIDATES_MAX, sizeof s.candidates[0]);
	if (!s.codecs || !s.keys || !s.prints || !s.candidates)
		return -ENOMEM;
	read_attrs(&s, sdp->attrs, sdp->n_attrs, &rtcp);
	uint8_t session_prints = s.n_prints, session_keys = s.n_keys;
	read_attrs(&s, m->attrs, m->n_attrs, &rtcp);
	if (s.n_prints > session_prints && session_prints) {
		s.n_prints -= session_prints;
		memmove(s.prints, s.prints + session_prints, s.n_prints * sizeof s.prints[0]);
	}
	if (session_keys)
		s.n_keys = 0; /* a=crypto is of the media level (RFC 4568 5) */
	s.ice = s.ufrag.n || s.pwd.n;
	rc = read_address(sdp, m, source, &s, ret_why);
	if (rc)
		return rc;
	read_rtcp(&s, rtcp, source->instead.family == 0);
	if (s.live && s.ice && !ice_ok(&s)) {
		*ret_why = "ICE wants a user fragment of 4 to 32 characters and a password of 22 to 64";
		return RF_E_INVALID;
	}
	if (rf_sdp_proto_is_rtp(m->proto))
		s.n_codecs = (uint8_t)rf_codec_read(m, s.codecs, RF_SAID_CODECS_MAX);
	*ret_said = s;
	return 0;
}

static size_t padded(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

/* The block: the struct, its arrays, then the text. */
static size_t block_bytes(const struct rf_said *s)
{
	size_t n = padded(sizeof *s) + padded(s->n_codecs * sizeof s->codecs[0]) +
		   padded(s->n_keys * sizeof s->keys[0]) + padded(s->n_prints * sizeof s->prints[0]) +
		   padded(s->n_candidates * sizeof s->candidates[0]) + s->ufrag.n + s->pwd.n + s->mid.n + s->path_id.n;

	for (size_t i = 0; i < s->n_codecs; i++)
		n += s->codecs[i].name.n + s->codecs[i].fmtp.n;
	return n;
}

static void *put_array(uint8_t **at, const void *p, size_t bytes)
{
	void *to = *at;

	if (bytes)
		memcpy(to, p, bytes);
	*at += padded(bytes);
	return to;
}

static void put_text(uint8_t **at, struct rf_view *v)
{
	if (v->n)
		memcpy(*at, v->p, v->n);
	v->p = *at;
	*at += v->n;
}

struct rf_said *rf_said_keep(const struct rf_said *said)
{
	uint8_t *at = calloc(1, block_bytes(said));
	struct rf_said *s = (struct rf_said *)(void *)at;

	if (!s)
		return NULL;
	*s = *said;
	at += padded(sizeof *s);
	s->codecs = put_array(&at, said->codecs, s->n_codecs * sizeof s->codecs[0]);
	s->keys = put_array(&at, said->keys, s->n_keys * sizeof s->keys[0]);
	s->prints = put_array(&at, said->prints, s->n_prints * sizeof s->prints[0]);
	s->candidates = put_array(&at, said->candidates, s->n_candidates * sizeof s->candidates[0]);
	put_text(&at, &s->ufrag);
	put_text(&at, &s->pwd);
	put_text(&at, &s->mid);
	put_text(&at, &s->path_id);
	for (size_t i = 0; i < s->n_codecs; i++) {
		put_text(&at, &s->codecs[i].name);
		put_text(&at, &s->codecs[i].fmtp);
	}
	return s;
}

void rf_said_free(struct rf_said *said)
{
	if (!said)
		return;
	rf_secret_wipe(said, block_bytes(said));
	free(said);
}
