/* Reliable provisionals without PRACK (RFC 3262 3). Phones that ring together are early dialogs of one INVITE, and each
 * numbers, repeats and gives up its own; a list with few members, told apart by the To tag. */
#include "ua/ua_int.h"
#include "base/secret.h"

#include <stdlib.h>

static struct rf_view tag_of(const struct rf_srv_rel *rel)
{
	return rf_view_of(rel->data, rel->tag_n);
}

static void cut(struct rf_srv *srv, struct rf_srv_rel **at)
{
	struct rf_srv_rel *rel = *at;

	*at = rel->next;
	srv->tx.ua->srv_bytes -= rel->n;
	rf_secret_free(rel, sizeof *rel + rel->tag_n + rel->n);
}

void rf_srv_rel_drop(struct rf_srv *srv, struct rf_view tag)
{
	for (struct rf_srv_rel **at = &srv->rels; *at; at = &(*at)->next)
		if (rf_view_eq(tag_of(*at), tag)) {
			cut(srv, at);
			return;
		}
}

void rf_srv_rel_drop_all(struct rf_srv *srv)
{
	while (srv->rels)
		cut(srv, &srv->rels);
}

int rf_srv_rel_keep(struct rf_srv *srv, struct rf_view tag, struct rf_view bytes)
{
	size_t others = 0;

	for (const struct rf_srv_rel *rel = srv->rels; rel; rel = rel->next)
		others += !rf_view_eq(tag_of(rel), tag);
	if (others >= RF_SRV_RELIABLE_MAX)
		return RF_E_LIMIT;
	struct rf_srv_rel *rel = malloc(sizeof *rel + tag.n + bytes.n);

	if (!rel)
		return -ENOMEM;
	rf_srv_rel_drop(srv, tag);
	*rel = (struct rf_srv_rel){ .next = srv->rels, .tag_n = tag.n, .n = bytes.n };
	rf_resend_stop(&rel->resend);
	memcpy(rel->data, tag.p, tag.n);
	memcpy(rel->data + tag.n, bytes.p, bytes.n);
	srv->rels = rel;
	srv->tx.ua->srv_bytes += bytes.n;
	return 0;
}

void rf_srv_rel_start(struct rf_srv *srv, struct rf_view tag)
{
	for (struct rf_srv_rel *rel = srv->rels; rel; rel = rel->next)
		if (rf_view_eq(tag_of(rel), tag))
			rf_resend_start_rel(&rel->resend, srv->tx.ua->timers, rf_loop_now(srv->tx.ua->loop));
}

struct rf_mono rf_srv_rel_next(const struct rf_srv *srv)
{
	struct rf_mono at = rf_mono_never();

	for (const struct rf_srv_rel *rel = srv->rels; rel; rel = rel->next)
		at = rf_mono_first(at, rf_resend_next(&rel->resend));
	return at;
}

/* The user is told afterwards by the caller: it may answer, and then there is no list any more. */
bool rf_srv_rel_step(struct rf_srv *srv, struct rf_mono now)
{
	bool given_up = false;

	for (struct rf_srv_rel *rel = srv->rels; rel; rel = rel->next)
		switch (rf_resend_step(&rel->resend, now)) {
		case RF_RESEND_NOW:
			rf_srv_send(srv, rf_view_of(rel->data + rel->tag_n, rel->n), true);
			break;
		case RF_RESEND_GIVE_UP:
			given_up = true;
			break;
		default:
			break;
		}
	return given_up;
}

size_t rf_srv_rel_bytes(const struct rf_srv *srv)
{
	size_t n = 0;

	for (const struct rf_srv_rel *rel = srv->rels; rel; rel = rel->next)
		n += rel->n;
	return n;
}
