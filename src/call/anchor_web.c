/* Calls from outside to a site that has browsers: nobody at the border knows what will ring there, so the relay is
 * asked twice, for a pair of its own each time (`via-branch`), and the controller gets both offers
 * (border_choice.c). Whichever is answered is the one that the call goes on with; the other's ports are given back
 * by the relay. */
#include "call/anchor_int.h"

#include "call/border.h"

#include "base/secret.h"

#include <stdlib.h>

static bool has_browsers(const struct rf_call_core *core)
{
	const struct rf_site_sip *sip = &rf_core_site(core)->sip;

	for (size_t i = 0; i < sip->listens; i++)
		if (sip->listen[i].transport == RF_TRANSPORT_WSS || sip->listen[i].transport == RF_TRANSPORT_WS)
			return true;
	return false;
}

bool rf_anchor_wants_web(const struct rf_anchor *a, const struct rf_held *h)
{
	return h->kind == RF_HELD_INVITE && (h->trunk || h->phone) && !a->side[RF_TOWARDS_SITE].way.dtls &&
	       a->side[RF_TOWARDS_SITE].policy.dtls && has_browsers(a->core);
}

static int keep(struct rf_view v, uint8_t **bytes, size_t *n)
{
	uint8_t *p = malloc(v.n);

	if (!p)
		return -ENOMEM;
	memcpy(p, v.p, v.n);
	*bytes = p;
	*n = v.n;
	return 0;
}

int rf_web_keep_first(struct rf_web *web, struct rf_view sdp)
{
	return keep(sdp, &web->first, &web->first_n);
}

int rf_web_keep_offer(struct rf_web *web, struct rf_view sdp)
{
	return keep(sdp, &web->offer, &web->offer_n);
}

void rf_web_first_done(struct rf_web *web)
{
	if (web->first)
		rf_secret_wipe(web->first, web->first_n); /* keys */
	free(web->first);
	web->first = NULL;
	web->first_n = 0;
}

void rf_web_fini(struct rf_web *web)
{
	rf_web_first_done(web);
	free(web->offer);
	rf_media_fini(&web->media);
	*web = (struct rf_web){ .offer = NULL };
}

void rf_web_swap(struct rf_anchor *a)
{
	struct rf_media *site = &a->side[RF_TOWARDS_SITE].media, other = a->web.media;

	a->web.media = *site;
	*site = other;
	a->web.chosen = !a->web.chosen;
}

void rf_web_choose(struct rf_anchor *a, struct rf_view answer)
{
	struct rf_arena *scratch = &a->core->scratch;
	struct rf_sdp *sdp;

	if (!a->web.offer)
		return;
	if (rf_sdp_parse(scratch, answer, NULL, &sdp, NULL) == 0)
		for (size_t i = 0; i < sdp->n_media; i++) {
			const struct rf_sdp_media *m = &sdp->media[i];
			bool dtls = m->proto == RF_SDP_UDP_TLS_RTP_SAVP || m->proto == RF_SDP_UDP_TLS_RTP_SAVPF;

			if (!rf_sdp_media_live(m) || !rf_sdp_proto_is_rtp(m->proto))
				continue;
			if (dtls != a->web.chosen)
				rf_web_swap(a);
			break;
		}
	rf_arena_wipe(scratch);
}

void rf_anchor_put_choice(struct rf_leg *leg, struct rf_writer *w, struct rf_view sdp, struct rf_view *ret_type,
			  struct rf_view *ret_body)
{
	enum { PARTS = 1024, TYPE = 128 };
	struct rf_call *call = leg->pair->call;
	const struct rf_web *web = call->anchor ? &call->anchor->web : NULL;
	struct rf_view boundary = rf_id_view(&call->id), type, body;
	struct rf_writer t, b;

	if (!web || !web->offer || !leg->party->host.n || !sdp.n)
		return;
	rf_writer_init(&t, rf_arena_alloc(&call->core->scratch, TYPE), TYPE);
	rf_writer_init(&b, rf_arena_alloc(&call->core->scratch, PARTS + sdp.n + web->offer_n),
		       PARTS + sdp.n + web->offer_n);
	if (!t.buf || !b.buf)
		return;
	rf_put_lit(&t, "multipart/alternative;boundary=");
	rf_put(&t, boundary);
	rf_border_put_choice(&b, boundary, sdp, rf_view_of(web->offer, web->offer_n));
	if (rf_writer_done(&t, &type) || rf_writer_done(&b, &body))
		return;
	rf_put_lit(w, "MIME-Version: 1.0\r\n");
	*ret_type = type;
	*ret_body = body;
}
