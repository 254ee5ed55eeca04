/* Penalties of sources outside (net/penalty.h), a border's: who is never punished, what goes on record, and the walls that are
 * asked to drop such packets before they come here. */
#include "role/controller_int.h"

#include "role/block_right.h"

#include <stdlib.h>

enum { SHOWN = 1000 };

/* The site as of the last reload, for whoever offends on whatever thread. */
static struct rf_site *take_site(struct rf_controller *k)
{
	pthread_mutex_lock(&k->penalty_lock);
	struct rf_site *site = rf_site_get(k->penalty_site);
	pthread_mutex_unlock(&k->penalty_lock);
	return site;
}

/* Whom a wall would not block is not punished here either: the site, its gateways, its trunks. */
static bool spared(void *ctx, const struct rf_addr *source)
{
	struct rf_controller *k = ctx;
	struct rf_site *site = take_site(k);
	struct rf_site_ip ip = { .family = source->family, .prefix = source->family == 4 ? 32 : 128 };

	memcpy(ip.b, source->ip, source->family == 4 ? 4 : 16);
	bool may = rf_may_block(site, &ip);

	rf_site_put(site);
	return !may;
}

static void began(void *ctx, const struct rf_penalty *p)
{
	struct rf_controller *k = ctx;
	uint8_t text[RF_ADDR_TEXT];
	struct rf_writer w;
	struct rf_event e;

	rf_writer_init(&w, text, sizeof text);
	rf_addr_put_host(&w, &p->source, false);
	rf_event_init(&e, RF_EVENT_SOURCE_BLOCKED, k->clock.wall(k->clock.ctx));
	rf_event_str(&e, "address", rf_view_of(text, w.n));
	rf_event_cstr(&e, "why", rf_offence_name(p->offence));
	rf_event_u64(&e, "seconds", p->seconds);
	rf_event_u64(&e, "count", p->count);
	rf_ledger_post(k->ledger, &e);
}

int rf_controller_open_penalties(struct rf_controller *k, struct rf_diag *diag)
{
	struct rf_penalties_conf conf = { .hash_key = k->hash_key, .began = began, .spared = spared, .ctx = k };

	pthread_mutex_init(&k->penalty_lock, NULL);
	if (!k->opt->border)
		return 0;
	rf_controller_penalty_site(k, k->site);
	return rf_penalties_new(&conf, &k->penalties) ? rf_diag_set(diag, -ENOMEM, "out of memory") : 0;
}

void rf_controller_penalty_site(struct rf_controller *k, struct rf_site *site)
{
	pthread_mutex_lock(&k->penalty_lock);
	struct rf_site *old = k->penalty_site;

	k->penalty_site = rf_site_get(site);
	pthread_mutex_unlock(&k->penalty_lock);
	rf_site_put(old);
}

void rf_controller_close_penalties(struct rf_controller *k)
{
	rf_penalties_free(k->penalties);
	rf_site_put(k->penalty_site);
	k->penalties = NULL;
	k->penalty_site = NULL;
}

/* ---- `ringfort blocked` */

static json_t *one_json(const struct rf_penalty *p)
{
	uint8_t text[RF_ADDR_TEXT];
	struct rf_writer w;

	rf_writer_init(&w, text, sizeof text);
	rf_addr_put_host(&w, &p->source, false);
	return json_pack("{s:s%,s:s,s:I,s:I}", "address", (const char *)text, w.n, "why", rf_offence_name(p->offence), "seconds",
			 (json_int_t)p->seconds, "count", (json_int_t)p->count);
}

json_t *rf_controller_penalties_json(struct rf_controller *k)
{
	struct rf_penalty *list = calloc(SHOWN, sizeof *list);
	struct rf_mono now = k->clock.mono(k->clock.ctx);
	size_t n = list ? rf_penalties_list(k->penalties, now, list, SHOWN) : 0;
	struct rf_penalties_stats st;
	json_t *rows = json_array(), *by = json_object();

	for (size_t i = 0; i < n && i < SHOWN; i++)
		json_array_append_new(rows, one_json(&list[i]));
	free(list);
	rf_penalties_stats(k->penalties, now, &st);
	for (unsigned o = 0; o < RF_OFFENCES; o++)
		json_object_set_new(by, rf_offence_name((enum rf_offence)o), json_integer((json_int_t)st.offences[o]));
	return json_pack("{s:o,s:I,s:I,s:I,s:o,s:b}", "blocked", rows, "blocked_now", (json_int_t)n, "penalties",
			 (json_int_t)st.penalties, "passed_over", (json_int_t)st.refused, "offences", by, "truncated", n > SHOWN);
}

int rf_controller_forgive(struct rf_controller *k, struct rf_view address)
{
	struct rf_addr a;
	struct rf_event e;

	if (rf_addr_parse(address, 0, &a) || a.port)
		return RF_E_MALFORMED;
	int rc = rf_penalty_lift(k->penalties, &a);

	if (rc)
		return rc;
	rf_event_init(&e, RF_EVENT_SOURCE_FORGIVEN, k->clock.wall(k->clock.ctx));
	rf_event_str(&e, "address", address);
	rf_ledger_post(k->ledger, &e);
	return 0;
}
