/* Penalties of sources outside (net/penalty.h), a border's: who is never punished, what goes on record, and the walls
 * that are asked to drop such packets before they come here. */
#include "role/controller_int.h"

#include "net/net.h"
#include "role/block_right.h"
#include "role/pinhole.h"

#include <stdlib.h>

enum { SHOWN = 1000, WALL_STREAMS = 16 };

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

/* ---- walls: asked on main's loop */

struct letter {
	struct rf_mail mail;
	struct rf_controller *controller;
	struct rf_penalty penalty;
};

static void ask_walls(struct rf_controller *k, const struct rf_addr *source, uint32_t seconds)
{
	struct rf_tuple t = { .family = source->family };

	memcpy(t.src, source->ip, sizeof t.src);
	if (k->walls && rf_pinholes_block(k->walls, &t, seconds))
		rf_log(k->log, RF_LOG_WARN,
		       "more addresses are blocked than walls are told of: the rest is dropped here");
}

static void deliver(struct rf_mail *mail, int status)
{
	struct letter *l = rf_container(mail, struct letter, mail);

	if (status == 0)
		ask_walls(l->controller, &l->penalty.source, l->penalty.seconds);
	free(l);
}

static void tell_main(struct rf_controller *k, const struct rf_penalty *p)
{
	struct letter *l = k->walls ? malloc(sizeof *l) : NULL;

	if (!l)
		return;
	*l = (struct letter){ .mail = { .deliver = deliver }, .controller = k, .penalty = *p };
	if (rf_mail_post(k->loop, &l->mail))
		free(l);
}

static void on_wall(void *arg, const char *name, bool up, const char *why)
{
	struct rf_controller *k = arg;

	rf_log(k->log, up ? RF_LOG_INFO : RF_LOG_WARN,
	       up ? "wall %s drops for us whom we block" : "wall %s cannot be asked: %s", name, why);
}

static const struct rf_pinholes_ops wall_ops = { .wall = on_wall };

static struct rf_addr own_address(const struct rf_site_ip *ip)
{
	struct rf_addr a = { .family = ip->family };

	memcpy(a.ip, ip->b, ip->family == 4 ? 4 : ip->family == 6 ? 16 : 0);
	return a;
}

int rf_controller_open_walls(struct rf_controller *k, struct rf_diag *diag)
{
	struct rf_net_conf net = { .streams = WALL_STREAMS, .hash_key = k->hash_key };
	struct rf_pinholes_wall walls[RF_PIN_WALLS_MAX];
	int n = k->penalties ? rf_pinholes_walls_of(k->first_site, k->host, walls) : 0;

	if (n < 0)
		return rf_diag_set(diag, n, "more than %d walls stand around this host", RF_PIN_WALLS_MAX);
	if (!n)
		return 0;
	int rc = rf_net_new(k->loop, &net, &k->wall_net);
	struct rf_pinholes_conf conf = {
		.net = k->wall_net, .log = k->log, .tls = k->tls->client, .walls = walls, .n = (unsigned)n,
		.hash_key = k->hash_key, .local = { own_address(&k->host->address), own_address(&k->host->address6) },
		.ops = &wall_ops,
		.arg = k,
	};

	if (!rc)
		rc = rf_pinholes_new(&conf, &k->walls);
	return rc ? rf_diag_set(diag, rc, "connections to walls: %s", rf_err_text(rc)) : 0;
}

void rf_controller_wall_tls(struct rf_controller *k)
{
	if (k->walls)
		rf_pinholes_set_tls(k->walls, k->tls->client);
}

void rf_controller_close_walls(struct rf_controller *k)
{
	rf_pinholes_free(k->walls);
	k->walls = NULL;
	if (k->wall_net)
		rf_loop_turn(k->loop, 0); /* the ends of their connections */
	rf_net_free(k->wall_net);
	k->wall_net = NULL;
}

/* ---- penalties */

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
	tell_main(k, p);
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
	return json_pack("{s:s%,s:s,s:I,s:I}", "address", (const char *)text, w.n, "why", rf_offence_name(p->offence),
			 "seconds", (json_int_t)p->seconds, "count", (json_int_t)p->count);
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
			 (json_int_t)st.penalties, "passed_over", (json_int_t)st.refused, "offences", by, "truncated",
			 n > SHOWN);
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
	ask_walls(k, &a, 0);
	rf_event_init(&e, RF_EVENT_SOURCE_FORGIVEN, k->clock.wall(k->clock.ctx));
	rf_event_str(&e, "address", address);
	rf_ledger_post(k->ledger, &e);
	return 0;
}
