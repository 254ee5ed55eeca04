/* OPTIONS to each trunk (RFC 3261 11), from one worker of the process: what comes of them, and what calls on any worker
 * found, is the trunk's state. Where borders are in between, each of them is asked about each trunk, and a trunk is up
 * when one of them says so; a border asks its controllers, too. Every way has an entry and a machine of its own. */
#include "call/trunk.h"

#include "call/border.h"
#include "call/call_int.h"
#include "sip/tgrp.h"

static void record(struct rf_call_core *core, const struct rf_trunk_peer *p, enum rf_health_state state,
		   const char *why)
{
	struct rf_event e;
	size_t n = strlen(p->name);
	struct rf_view host = p->trunk_n < n ? rf_view_str(p->name + p->trunk_n + 1) : RF_V("");

	if (state == RF_HEALTH_UNKNOWN ||
	    !rf_record_begin(core, state == RF_HEALTH_UP ? RF_EVENT_TRUNK_UP : RF_EVENT_TRUNK_DOWN, &e))
		return;
	rf_event_str(&e, "trunk", rf_view_of(p->name, p->trunk_n));
	rf_event_str(&e, "host", host);
	rf_event_cstr(&e, "why", why);
	rf_record_post(core, &e);
}

static void become(struct rf_call_core *core, struct rf_trunk_peer *p, enum rf_health_state state, const char *why)
{
	if (rf_trunk_become(p, state, rf_core_wall(core), why))
		record(core, p, state, why);
}

void rf_trunk_hurt(struct rf_call_core *core, struct rf_trunk_peer *p, const char *why)
{
	become(core, p, RF_HEALTH_DOWN, why);
	atomic_store_explicit(&p->hurt, true, memory_order_relaxed);
}

enum { HOST_INTERVAL_MS = 5000 }; /* between questions to a controller */

/* What is asked about: a trunk, directly or by way of a host, or a host alone. */
struct asked {
	const struct rf_site_trunk *trunk;
	const struct rf_site_host *host;
};

/* --- a question */

/* Anything that a living server may say: 404, 405 and 401 are answers as good as 200. */
static const char *silence_of(const struct rf_cli_event *e)
{
	if (e->kind == RF_CLI_TIMEOUT || (e->kind == RF_CLI_RESPONSE && e->msg->status == 408))
		return "no answer to OPTIONS";
	if (e->kind == RF_CLI_RESPONSE)
		return e->msg->status == 503 ? "503 to OPTIONS" : NULL;
	switch (e->err) {
	case RF_E_NOT_FOUND:
	case RF_E_TIMEOUT:
		return "its name is not found";
	case RF_E_AUTH:
		return "its TLS was refused";
	default:
		return "no connection";
	}
}

static uint32_t interval_of(const struct rf_call_core *core, const struct rf_trunk_peer *p)
{
	const struct rf_site_trunk *t = rf_site_trunk(rf_core_site(core), rf_view_of(p->name, p->trunk_n));

	return !p->trunk_n ? HOST_INTERVAL_MS : t ? t->health_interval_s * 1000 : 0;
}

static void judge(struct rf_call_core *core, struct rf_trunk_peer *p, const char *silence)
{
	struct rf_mono now = rf_core_now(core);
	uint32_t interval = interval_of(core, p);

	if (silence)
		rf_health_failed(&p->health, interval, now);
	else
		rf_health_answered(&p->health, interval, now);
	become(core, p, p->health.state, silence ? silence : "it answers");
}

static void options_event(void *arg, struct rf_cli *cli, const struct rf_cli_event *e)
{
	struct rf_trunk_peer *p = arg;
	struct rf_call_core *core = p->asker;

	if (e->kind == RF_CLI_RESPONSE && e->msg->status < 200)
		return;
	p->asking = NULL;
	p->health.asking = false;
	if (e->kind == RF_CLI_GONE)
		return; /* the endpoint ends */
	rf_cli_drop(cli);
	judge(core, p, silence_of(e));
}

/* The URI that names the trunk to the border, else that of whom we ask. */
static void put_uri(struct rf_call_core *core, const struct asked *a, const struct rf_trunk_way_to *way,
		    struct rf_writer *w)
{
	uint16_t port;

	if (!a->trunk || !a->host) {
		rf_put(w, way->uri.text);
		return;
	}
	struct rf_view address = rf_border_address(core, a->host, &port);

	rf_tgrp_put_uri(w, RF_V("ping"), a->trunk->name, rf_core_site(core)->domain, address, port);
}

static int ask(struct rf_call_core *core, const struct asked *a, struct rf_trunk_peer *p)
{
	struct rf_trunk_way_to way;
	struct rf_id tag, call_id;
	uint8_t uri[512];
	struct rf_writer w, wu;
	int rc = a->host ? rf_border_aim(core, a->host, &way) : rf_trunk_aim(core, a->trunk, &way);

	rf_writer_init(&wu, uri, sizeof uri);
	if (!rc)
		put_uri(core, a, &way, &wu);
	rc = rc ? rc : wu.err;

	if (rc)
		return rc;
	rf_ua_make_id(core->ua, &tag);
	rf_ua_make_id(core->ua, &call_id);
	rf_writer_init(&w, core->out, sizeof core->out);
	rf_sip_put_request(&w, RF_V("OPTIONS"), rf_view_of(uri, wu.n));
	rf_put_lit(&w, "From: <sip:");
	rf_put(&w, rf_core_site(core)->domain);
	rf_put_lit(&w, ">;tag=");
	rf_put(&w, rf_id_view(&tag));
	rf_put_lit(&w, "\r\nTo: <");
	rf_put(&w, rf_view_of(uri, wu.n));
	rf_put_lit(&w, ">\r\nCall-ID: ");
	rf_put(&w, rf_id_view(&call_id));
	rf_put_lit(&w, "\r\n");
	rf_sip_put_cseq(&w, 1, RF_V("OPTIONS"));
	rf_put_lit(&w, "Max-Forwards: 70\r\nAccept: application/sdp\r\n");
	if (!core->border)
		rf_put_lit(&w, "User-Agent: ringfort\r\n");
	rf_sip_put_end(&w);
	struct rf_cli_new conf = {
		.target = way.target, .timeout_ms = RF_TRUNK_TRY_MS, .fn = options_event, .arg = p,
	};

	rc = rf_writer_done(&w, &conf.request);
	p->asker = core;
	return rc ? rc : rf_cli_new(core->ua, &conf, &p->asking);
}

static void look(struct rf_call_core *core, const struct asked *a, struct rf_trunk_peer *p)
{
	struct rf_mono now = rf_core_now(core);
	uint32_t interval = interval_of(core, p);

	if (!p->watched)
		rf_health_init(&p->health, now);
	p->watched = true;
	if (atomic_exchange_explicit(&p->hurt, false, memory_order_relaxed) &&
	    rf_health_hurt(&p->health, interval, now))
		become(core, p, RF_HEALTH_DOWN, "a call found nobody");
	uint8_t before = p->health.state;
	if (rf_health_due(&p->health, interval, now) && ask(core, a, p))
		judge(core, p, "OPTIONS could not be sent");
	else if (p->health.state != before)
		become(core, p, p->health.state, "nobody has tried again");
}

/* A trunk is as the best of the ways to it. */
static void sum_up(struct rf_call_core *core, const struct rf_site_trunk *t, struct rf_trunk_peer *const *ways,
		   size_t n)
{
	static const uint8_t worth[] = { [RF_HEALTH_DOWN] = 0, [RF_HEALTH_UNKNOWN] = 1, [RF_HEALTH_UP] = 2 };
	struct rf_trunk_peer *p = rf_trunk_peer(core, t);
	struct rf_trunk_peer *best = n ? ways[0] : NULL;

	for (size_t i = 1; i < n; i++)
		if (worth[ways[i]->state] > worth[best->state])
			best = ways[i];
	if (p && best && best != p)
		become(core, p, best->state, best->why ? best->why : "");
}

static void watch_trunk(struct rf_call_core *core, const struct rf_site_trunk *t)
{
	const struct rf_site_host *hosts[RF_TRUNK_WAYS_MAX];
	struct rf_trunk_peer *ways[RF_TRUNK_WAYS_MAX];
	size_t n = rf_trunk_ways(core, hosts), known = 0;

	for (size_t i = 0; i < n; i++) {
		struct rf_trunk_peer *p =
			rf_trunks_find_by(core->trunks, t->name, hosts[i] ? hosts[i]->name : RF_V(""));

		if (!p)
			continue;
		look(core, &(struct asked){ t, hosts[i] }, p);
		ways[known++] = p;
	}
	sum_up(core, t, ways, known);
	if (known && !hosts[0])
		rf_trunk_register(core, t, ways[0]);
}

static void watch_controllers(struct rf_call_core *core)
{
	const struct rf_site_host *hosts[RF_BORDER_HOSTS_MAX];
	size_t n = rf_border_others(core, hosts);

	for (size_t i = 0; i < n; i++) {
		struct rf_trunk_peer *p = rf_trunks_find_by(core->trunks, RF_V(""), hosts[i]->name);

		if (p)
			look(core, &(struct asked){ NULL, hosts[i] }, p);
	}
}

void rf_trunk_watch(struct rf_call_core *core)
{
	const struct rf_site *site = rf_core_site(core);

	if (!core->ua || core->draining)
		return;
	for (size_t i = 0; i < site->trunk_count; i++)
		watch_trunk(core, &site->trunks[i]);
	core->logins_new = false;
	if (core->border)
		watch_controllers(core);
}

void rf_trunk_watch_stop(struct rf_call_core *core)
{
	struct rf_trunk_peer *p = NULL;

	while (core->trunks && (p = rf_trunks_next(core->trunks, p))) {
		if (p->asker != core)
			continue;
		rf_cli_drop(p->asking);
		p->asking = NULL;
		rf_trunk_register_stop(p);
	}
}
