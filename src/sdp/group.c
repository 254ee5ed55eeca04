/* Groups of m-lines (RFC 5888), and the one that shares a transport (BUNDLE, RFC 9143). */
#include "sdp/sdp_int.h"

struct rf_view rf_sdp_word(struct rf_view *rest)
{
	size_t n = rf_view_find(*rest, ' ');
	struct rf_view word = rf_view_sub(*rest, 0, n);

	*rest = rf_view_from(*rest, n + 1);
	return word;
}

const struct rf_sdp_media *rf_sdp_media_named(const struct rf_sdp *sdp, struct rf_view mid)
{
	for (size_t i = 0; i < sdp->n_media; i++) {
		const struct rf_sdp_media *m = &sdp->media[i];

		/* also of a line that is off: its mid stays */
		for (size_t k = 0; k < m->n_attrs; k++)
			if (m->attrs[k].id == RF_SDP_A_MID && rf_view_eq(m->attrs[k].value, mid))
				return m;
	}
	return NULL;
}

static bool same_address(const struct rf_sdp *sdp, const struct rf_sdp_media *a, const struct rf_sdp_media *b)
{
	const struct rf_sdp_conn *x = rf_sdp_media_conn(sdp, a), *y = rf_sdp_media_conn(sdp, b);

	return a->port == b->port && x->present == y->present && x->ip6 == y->ip6 && rf_view_eq(x->addr, y->addr);
}

/* The first line of a group that is on and has a port of its own; NULL unless the group has m. */
static const struct rf_sdp_media *tagged_for(const struct rf_sdp *sdp, struct rf_view mids,
					     const struct rf_sdp_media *m)
{
	const struct rf_sdp_media *tagged = NULL;
	bool has = false;

	for (struct rf_view mid = rf_sdp_word(&mids); mid.n; mid = rf_sdp_word(&mids)) {
		const struct rf_sdp_media *one = rf_sdp_media_named(sdp, mid);

		has |= one == m;
		if (one && one->port && !one->bundle_only && !tagged)
			tagged = one;
	}
	return has ? tagged : NULL;
}

const struct rf_sdp_media *rf_sdp_carrier(const struct rf_sdp *sdp, const struct rf_sdp_media *m)
{
	for (size_t i = 0; i < sdp->n_attrs; i++) {
		struct rf_view mids = sdp->attrs[i].value;
		const struct rf_sdp_media *tagged;

		if (sdp->attrs[i].id != RF_SDP_A_GROUP || sdp->attrs[i].drop ||
		    !rf_view_eq(rf_sdp_word(&mids), RF_V("BUNDLE")))
			continue;
		tagged = tagged_for(sdp, mids, m);
		if (tagged && tagged != m && (m->bundle_only || same_address(sdp, tagged, m)))
			return tagged;
	}
	return NULL;
}
