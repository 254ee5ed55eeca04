#include "sdp/sdp_int.h"

static void put_address(struct rf_writer *w, bool ip6, struct rf_view addr)
{
	if (ip6)
		rf_put_lit(w, "IN IP6 ");
	else
		rf_put_lit(w, "IN IP4 ");
	rf_put(w, addr);
	rf_put_lit(w, "\r\n");
}

static void put_line(struct rf_writer *w, char type, struct rf_view v)
{
	rf_put_byte(w, (uint8_t)type);
	rf_put_byte(w, '=');
	rf_put(w, v);
	rf_put_lit(w, "\r\n");
}

static void put_origin(struct rf_writer *w, const struct rf_sdp_origin *o)
{
	rf_put_lit(w, "o=");
	rf_put(w, o->user);
	rf_put_byte(w, ' ');
	rf_put_u64(w, o->id);
	rf_put_byte(w, ' ');
	rf_put_u64(w, o->version);
	rf_put_byte(w, ' ');
	put_address(w, o->ip6, o->addr);
}

static void put_conn(struct rf_writer *w, const struct rf_sdp_conn *c)
{
	if (!c->present)
		return;
	rf_put_lit(w, "c=");
	put_address(w, c->ip6, c->addr);
}

static void put_bws(struct rf_writer *w, const struct rf_sdp_bw *bws, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		rf_put_lit(w, "b=");
		rf_put(w, bws[i].type);
		rf_put_byte(w, ':');
		rf_put_u64(w, bws[i].value);
		rf_put_lit(w, "\r\n");
	}
}

/* A group without the lines that are off (RFC 5888 9.2); none at all when no other is left. */
static void put_group(struct rf_writer *w, const struct rf_sdp *sdp, const struct rf_sdp_attr *a)
{
	struct rf_view rest = a->value, word = rf_sdp_word(&rest);
	bool begun = false;

	for (struct rf_view mid = rf_sdp_word(&rest); mid.n; mid = rf_sdp_word(&rest)) {
		const struct rf_sdp_media *m = rf_sdp_media_named(sdp, mid);

		if (m && !rf_sdp_media_live(m))
			continue;
		if (!begun) {
			rf_put_lit(w, "a=group:");
			rf_put(w, word);
		}
		begun = true;
		rf_put_byte(w, ' ');
		rf_put(w, mid);
	}
	if (begun)
		rf_put_lit(w, "\r\n");
}

static void put_attrs(struct rf_writer *w, const struct rf_sdp *session, const struct rf_sdp_attr *attrs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (attrs[i].drop)
			continue;
		if (session && attrs[i].id == RF_SDP_A_GROUP && attrs[i].value.n) {
			put_group(w, session, &attrs[i]);
			continue;
		}
		rf_put_lit(w, "a=");
		rf_put(w, attrs[i].name);
		if (attrs[i].value.p) {
			rf_put_byte(w, ':');
			rf_put(w, attrs[i].value);
		}
		rf_put_lit(w, "\r\n");
	}
}

static void put_media(struct rf_writer *w, const struct rf_sdp_media *m)
{
	rf_put_lit(w, "m=");
	rf_put(w, m->media);
	rf_put_byte(w, ' ');
	rf_put_u64(w, m->port);
	if (m->port_count > 1) {
		rf_put_byte(w, '/');
		rf_put_u64(w, m->port_count);
	}
	rf_put_byte(w, ' ');
	rf_put(w, m->proto_text);
	for (size_t i = 0; i < m->n_formats; i++) {
		rf_put_byte(w, ' ');
		rf_put(w, m->formats[i]);
	}
	if (m->n_formats == 0)
		rf_put_lit(w, " 0"); /* a line that is off may come without; the grammar wants one */
	rf_put_lit(w, "\r\n");
	if (m->info.p)
		put_line(w, 'i', m->info);
	put_conn(w, &m->conn);
	put_bws(w, m->bws, m->n_bws);
	put_attrs(w, NULL, m->attrs, m->n_attrs);
}

void rf_sdp_build(struct rf_writer *w, const struct rf_sdp *sdp, const struct rf_sdp_origin *origin)
{
	rf_put_lit(w, "v=0\r\n");
	put_origin(w, origin ? origin : &sdp->origin);
	put_line(w, 's', rf_view_empty(sdp->name) ? RF_V("-") : sdp->name);
	if (sdp->info.p)
		put_line(w, 'i', sdp->info);
	put_conn(w, &sdp->conn);
	put_bws(w, sdp->bws, sdp->n_bws);
	rf_put_lit(w, "t=");
	rf_put_u64(w, sdp->t_start);
	rf_put_byte(w, ' ');
	rf_put_u64(w, sdp->t_stop);
	rf_put_lit(w, "\r\n");
	put_attrs(w, sdp, sdp->attrs, sdp->n_attrs);
	for (size_t i = 0; i < sdp->n_media; i++)
		put_media(w, &sdp->media[i]);
}

const struct rf_sdp_attr *rf_sdp_attr_find(const struct rf_sdp_attr *attrs, size_t n, enum rf_sdp_aid id)
{
	for (size_t i = 0; i < n; i++)
		if (attrs[i].id == id && !attrs[i].drop)
			return &attrs[i];
	return NULL;
}

const struct rf_sdp_conn *rf_sdp_media_conn(const struct rf_sdp *sdp, const struct rf_sdp_media *m)
{
	return m->conn.present ? &m->conn : &sdp->conn;
}

void rf_sdp_media_off(struct rf_sdp_media *m)
{
	const struct rf_sdp_attr *mid = rf_sdp_attr_find(m->attrs, m->n_attrs, RF_SDP_A_MID);

	for (size_t i = 0; i < m->n_attrs; i++)
		m->attrs[i].drop = &m->attrs[i] != mid;
	m->port = 0;
	m->port_count = 1;
	m->bundle_only = false;
}
