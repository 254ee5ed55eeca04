/* STUN from any bytes: what is parsed lies within the message; a server's answer keeps its bound and is parsed again; an
 * ICE agent whose password nobody proved has learned nothing. The same bytes signed with its password are a check: what
 * comes of it is an answer that proves the password, and an address only if it nominated. */
#include "rtp/demux.h"
#include "rtp/ice.h"
#include "rtp/stun_int.h"
#include "rtp/stun_server.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define MUST(cond) \
	do { \
		if (!(cond)) { \
			fprintf(stderr, "line %d: %s\n", __LINE__, #cond); \
			abort(); \
		} \
	} while (0)

static const struct rf_ice_cred ours = { "abcdEFGH", "abcdefghijklmnopqrstuvwx" };
static const struct rf_stun_addr from = { .family = 6, .port = 40000, .ip = { 0x20, 1 } };

static bool within(struct rf_view whole, struct rf_view part)
{
	return !part.p || (part.p >= whole.p && part.n <= (size_t)(whole.p + whole.n - part.p));
}

static void zeros(struct rf_random *r, void *p, size_t n)
{
	(void)r;
	memset(p, 0, n);
}

static void serve(struct rf_view v)
{
	uint8_t out[RF_STUN_SERVER_REPLY_MAX];
	struct rf_view reply;
	struct rf_stun m;

	if (rf_stun_server_answer(v, &from, out, &reply))
		return;
	MUST(reply.n <= v.n + RF_STUN_SERVER_GROWTH);
	MUST(rf_stun_parse(reply, &m) == 0 && (m.class == RF_STUN_SUCCESS || m.error == 420));
}

/* The message cut before its first integrity, and signed; room for it is the caller's. */
static bool sign(const struct rf_stun *m, uint8_t *buf, size_t cap, struct rf_view *ret)
{
	const uint8_t *cut = m->integrity.p ? m->integrity.p - 4 : m->bytes.p + m->bytes.n - (m->fingerprint ? 8 : 0);
	struct rf_writer w;

	if (m->integrity256.p && m->integrity256.p - 4 < cut)
		cut = m->integrity256.p - 4;
	rf_writer_init(&w, buf, cap);
	rf_put(&w, rf_view_of(m->bytes.p, (size_t)(cut - m->bytes.p)));
	rf_stun_put_integrity(&w, rf_view_str(ours.pwd));
	return rf_writer_done(&w, ret) == 0;
}

static void check(struct rf_view v)
{
	struct rf_random r = { .fill = zeros };
	uint8_t out[RF_ICE_REPLY_MAX], buf[RF_STUN_BYTES_MAX];
	struct rf_mono now = { 1 };
	struct rf_ice_result result;
	struct rf_stun m, reply;
	struct rf_ice ice;

	rf_ice_init(&ice, &ours, &r);
	if (rf_stun_parse(v, &m))
		return;
	if (rf_stun_check(&m, rf_view_str(ours.pwd)))
		MUST(rf_ice_receive(&ice, v, &from, now, out, &result) != 0 && !ice.selected);
	if (!sign(&m, buf, sizeof buf, &v))
		return;
	bool means = rf_ice_means(&ice, v, now);
	if (rf_ice_receive(&ice, v, &from, now, out, &result))
		return;
	MUST(means);
	MUST(rf_stun_parse(result.reply, &reply) == 0 && rf_stun_check(&reply, rf_view_str(ours.pwd)) == 0);
	MUST(ice.selected == (m.use_candidate && !result.error) && ice.selected == result.moved);
	rf_ice_fini(&ice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rf_view v = rf_view_of(data, n);
	struct rf_stun m;

	(void)rf_demux_of(v);
	if (rf_stun_parse(v, &m))
		return 0;
	/* On a port of media a first byte over 3 is something else's (RFC 7983 7): methods that nobody has defined. */
	MUST((rf_demux_of(v) == RF_DEMUX_STUN) == (data[0] <= 3));
	MUST(within(v, m.username) && within(v, m.integrity) && within(v, m.integrity256));
	MUST(!m.mapped || m.mapped_address.family == 4 || m.mapped_address.family == 6);
	MUST(m.unknown_count <= RF_STUN_ATTRS_MAX && (!m.error || (m.error >= 300 && m.error < 700)));
	serve(v);
	check(v);
	return 0;
}
