#include "policy/flow_int.h"

/* The mitigation that takes a zone of this kind away at higher levels. */
static const char *absent_by(enum rf_zone_kind kind)
{
	return kind == RF_ZONE_SOFTPHONE ? "ph-soft-none" : kind == RF_ZONE_CONVERGED ? "ph-conv-none" : NULL;
}

static bool kept(const struct rf_make *m, enum rf_zone_kind kind)
{
	const char *mitigation = absent_by(kind);

	return !mitigation || rf_site_deviation(m->site, mitigation, m->now);
}

static const struct rf_cell_level *at_level(const struct rf_make *m, const struct rf_cell *cell)
{
	int l = (int)m->site->level;

	while (l > 0 && cell->levels[l].zone_absent && kept(m, cell->from) && kept(m, cell->to))
		l--;
	return &cell->levels[l];
}

/* Is the zone reached through a remote office's tunnel, as seen from the other? The internet belongs to nobody, but
 * only a border of the office's own may use it beside the tunnel. */
static bool remote(const struct rf_party *p, const struct rf_party *other)
{
	return p->zone->office && p->zone->office != other->zone->office &&
	       !(p->kind == RF_ZONE_BORDER && other->kind == RF_ZONE_INTERNET);
}

static void narrow(struct rf_pair *p, const struct rf_cell_level *by)
{
	unsigned both = (p->allow | p->optional) & (by->allow | by->optional);

	p->allow &= by->allow;
	p->optional = both & ~p->allow;
	if (by->inspection > p->inspection)
		p->inspection = by->inspection;
}

void rf_pair_make(const struct rf_make *m, struct rf_party from, struct rf_party to, struct rf_pair *ret_pair)
{
	const struct rf_cell *cell = rf_matrix_cell(from.kind, to.kind);
	const struct rf_cell_level *at = at_level(m, cell);
	bool from_remote = remote(&from, &to), to_remote = remote(&to, &from);

	*ret_pair = (struct rf_pair){ .from = from,
				      .to = to,
				      .allow = at->allow,
				      .optional = at->optional,
				      .inspection = at->inspection,
				      .cell = cell,
				      .local = from.zone == to.zone };
	/* remote-zone-keeps-role: the narrower of the two cells holds. */
	if (from_remote || to_remote) {
		ret_pair->wan =
			rf_matrix_cell(from_remote ? RF_ZONE_WAN : from.kind, to_remote ? RF_ZONE_WAN : to.kind);
		narrow(ret_pair, at_level(m, ret_pair->wan));
	}
	if (!(ret_pair->allow | ret_pair->optional))
		ret_pair->inspection = RF_INSPECT_DENY;
}
