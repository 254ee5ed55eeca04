#include "call/tone_sdp.h"

#include "base/secret.h"
#include "call/call_int.h"

#include <openssl/evp.h>

/* The audio line that both heard each other by. */
static const struct rf_sdp_line *find_audio(const struct rf_sdp_summary *s, unsigned *ret_index)
{
	for (unsigned i = 0; s && i < s->n_lines; i++)
		if (s->lines[i].kind == RF_SDP_AUDIO && s->lines[i].flags & RF_SDP_LINE_LIVE) {
			*ret_index = i;
			return &s->lines[i];
		}
	return NULL;
}

/* How it was keyed, so that the phone can surely do it again. */
static const char *choose_key(struct rf_leg *leg, struct rf_tone_line *line)
{
	const struct rf_sdp_line *audio = find_audio(leg->pair->media.last, &line->index);

	if (!audio)
		return "no audio";
	if (audio->flags & RF_SDP_LINE_DTLS)
		return "dtls";
	if (!(audio->flags & RF_SDP_LINE_SDES))
		return NULL;
	line->suite = rf_srtp_suite_of(rf_view_str(rf_sdp_suite_text((enum rf_sdp_suite)audio->suites[0])));
	if (line->suite == RF_SRTP_NONE)
		return "suite";
	rf_random_fill(rf_leg_core(leg)->random, line->key, rf_srtp_key_bytes(line->suite));
	return NULL;
}

struct text {
	uint8_t crypto[160], host[RF_ADDR_TEXT];
	struct rf_view formats[2];
	struct rf_sdp_attr attrs[5];
};

static struct rf_sdp_attr attr(const char *name, const char *value)
{
	return (struct rf_sdp_attr){ .name = rf_view_str(name), .value = rf_view_str(value) };
}

static struct rf_view put_crypto(const struct rf_tone_line *line, const char *suite, uint8_t *buf, size_t cap)
{
	uint8_t base64[4 * (RF_SRTP_KEY_MAX / 3 + 1) + 1];
	int n = EVP_EncodeBlock(base64, line->key, (int)rf_srtp_key_bytes(line->suite));
	struct rf_writer w;

	rf_writer_init(&w, buf, cap);
	rf_put_lit(&w, "1 ");
	rf_put(&w, rf_view_str(suite));
	rf_put_lit(&w, " inline:");
	rf_put(&w, rf_view_of(base64, (size_t)n));
	rf_secret_wipe(base64, sizeof base64);
	return rf_view_of(buf, w.n);
}

static void fill_line(struct rf_leg *leg, const struct rf_tone_line *line, uint16_t port, struct rf_sdp_media *m,
		      struct text *t)
{
	const struct rf_sdp_line *was = &leg->pair->media.last->lines[line->index];

	t->formats[0] = RF_V("0");
	t->formats[1] = RF_V("8");
	t->attrs[0] = attr("rtpmap", "0 PCMU/8000");
	t->attrs[1] = attr("rtpmap", "8 PCMA/8000");
	t->attrs[2] = attr("rtcp-mux", NULL); /* the port beside ours may be anybody's */
	t->attrs[3] = attr("sendonly", NULL);
	t->attrs[3].id = RF_SDP_A_SENDONLY;
	m->n_attrs = 4;
	if (line->suite) {
		t->attrs[4] = attr("crypto", NULL);
		t->attrs[4].id = RF_SDP_A_CRYPTO;
		t->attrs[4].value = put_crypto(line, rf_sdp_suite_text((enum rf_sdp_suite)was->suites[0]), t->crypto,
					       sizeof t->crypto);
		m->n_attrs = 5;
	}
	m->port = port;
	m->port_count = 1;
	m->bundle_only = false;
	m->formats = t->formats;
	m->n_formats = 2;
	m->attrs = t->attrs;
	m->conn.present = false;
	m->info = (struct rf_view){ NULL, 0 };
	m->n_bws = 0;
	m->has_dir = true;
	m->dir = RF_SDP_SENDONLY;
}

const char *rf_tone_offer(struct rf_leg *leg, uint16_t port, struct rf_tone_line *ret_line, struct rf_view *ret_sdp)
{
	struct rf_call_core *core = rf_leg_core(leg);
	struct rf_sdp *sdp;
	struct rf_writer w, host;
	struct text t;

	*ret_line = (struct rf_tone_line){ .suite = RF_SRTP_NONE };
	const char *why = choose_key(leg, ret_line);

	if (why)
		return why;
	if (rf_sdp_parse(&core->scratch, rf_view_of(leg->sdp, leg->sdp_n), NULL, &sdp, NULL) ||
	    sdp->n_media <= ret_line->index || sdp->media[ret_line->index].kind != RF_SDP_AUDIO) {
		rf_arena_wipe(&core->scratch);
		return "no audio";
	}
	rf_writer_init(&host, t.host, sizeof t.host);
	rf_addr_put_host(&host, &leg->flow.local, false);
	sdp->conn = (struct rf_sdp_conn){
		.present = true, .ip6 = leg->flow.local.family == 6, .addr = rf_view_of(t.host, host.n),
	};
	sdp->origin.version++;
	sdp->info = (struct rf_view){ NULL, 0 };
	sdp->n_attrs = sdp->n_bws = 0;
	for (size_t i = 0; i < sdp->n_media; i++)
		if (i == ret_line->index)
			fill_line(leg, ret_line, port, &sdp->media[i], &t);
		else
			rf_sdp_media_off(&sdp->media[i]);
	rf_writer_init(&w, core->sdp_join, sizeof core->sdp_join);
	rf_sdp_build(&w, sdp, NULL);
	rf_core_wrote(&core->sdp_join_n, &w);
	rf_arena_wipe(&core->scratch);
	rf_secret_wipe(&t, sizeof t);
	return rf_writer_done(&w, ret_sdp) ? "too long" : NULL;
}

/* --- its answer */

static const char *choose_code(const struct rf_sdp_media *m, enum rf_tone_code *ret_code)
{
	for (size_t i = 0; i < m->n_formats; i++)
		if (rf_view_eq(m->formats[i], RF_V("0")) || rf_view_eq(m->formats[i], RF_V("8"))) {
			*ret_code = rf_view_eq(m->formats[i], RF_V("0")) ? RF_TONE_PCMU : RF_TONE_PCMA;
			return NULL;
		}
	return "codec";
}

/* A phone could have us send to anybody otherwise: where it signals from, or where the site has its phones. */
static bool is_near(struct rf_leg *leg, const struct rf_addr *a)
{
	const struct rf_site *site = rf_core_site(rf_leg_core(leg));
	struct rf_site_ip ip = { .family = a->family, .prefix = a->family == 4 ? 32 : 128 };

	if (rf_addr_same_ip(a, &leg->flow.remote))
		return true;
	memcpy(ip.b, a->ip, sizeof ip.b);
	for (size_t i = 0; i < site->zone_count; i++) {
		const struct rf_site_zone *z = &site->zones[i];

		if ((z->kind == RF_ZONE_PHONE || z->kind == RF_ZONE_SOFTPHONE) &&
		    ((z->subnet.family && rf_site_ip_in(&ip, &z->subnet)) ||
		     (z->subnet6.family && rf_site_ip_in(&ip, &z->subnet6))))
			return true;
	}
	return false;
}

static const char *read_answer(struct rf_leg *leg, const struct rf_tone_line *line, const struct rf_sdp *sdp,
			       struct rf_addr *ret_to, enum rf_tone_code *ret_code)
{
	const struct rf_sdp_media *m = sdp->n_media > line->index ? &sdp->media[line->index] : NULL;
	const struct rf_sdp_conn *c = m ? rf_sdp_media_conn(sdp, m) : NULL;

	if (!m || !m->port || !c->present || c->zero || !(m->dir & RF_SDP_RECVONLY))
		return "not wanted";
	if (rf_addr_parse(c->addr, m->port, ret_to))
		return "address";
	if (ret_to->family == 6 && leg->flow.remote.family == 6)
		ret_to->scope = leg->flow.remote.scope;
	if (!is_near(leg, ret_to))
		return "elsewhere";
	return choose_code(m, ret_code);
}

const char *rf_tone_answer(struct rf_leg *leg, const struct rf_tone_line *line, struct rf_view sdp,
			   struct rf_addr *ret_to, enum rf_tone_code *ret_code)
{
	struct rf_call_core *core = rf_leg_core(leg);
	struct rf_sdp *parsed;
	const char *why = "malformed";

	if (rf_sdp_parse(&core->scratch, sdp, NULL, &parsed, NULL) == 0)
		why = read_answer(leg, line, parsed, ret_to, ret_code);
	rf_arena_wipe(&core->scratch);
	return why;
}
