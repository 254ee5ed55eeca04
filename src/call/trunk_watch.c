/* OPTIONS to each trunk (RFC 3261 11), from one worker of the process: what comes of them, and what calls on any worker
 * found, is the trunk's state. */
#include "call/trunk.h"

#include "call/call_int.h"

static void record(struct rf_call_core *core, const struct rf_trunk_peer *p, enum rf_health_state state,
		   const char *why)
{
	struct rf_event e;

	if (state == RF_HEALTH_UNKNOWN ||
	    !rf_record_begin(core, state == RF_HEALTH_UP ? RF_EVENT_TRUNK_UP : RF_EVENT_TRUNK_DOWN, &e))
		return;
	rf_event_cstr(&e, "trunk", p->name);
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
	const struct rf_site_trunk *t = rf_site_trunk(rf_core_site(core), rf_view_str(p->name));

	return t ? t->health_interval_s * 1000 : 0;
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

static int ask(struct rf_call_core *core, const struct rf_site_trunk *t, struct rf_trunk_peer *p)
{
	struct rf_trunk_way_to way;
	struct rf_id tag, call_id;
	struct rf_writer w;
	int rc = rf_trunk_aim(core, t, &way);

	if (rc)
		return rc;
	rf_ua_make_id(core->ua, &tag);
	rf_ua_make_id(core->ua, &call_id);
	rf_writer_init(&w, core->out, sizeof core->out);
	rf_sip_put_request(&w, RF_V("OPTIONS"), way.uri.text);
	rf_put_lit(&w, "From: <sip:");
	rf_put(&w, rf_core_site(core)->domain);
	rf_put_lit(&w, ">;tag=");
	rf_put(&w, rf_id_view(&tag));
	rf_put_lit(&w, "\r\nTo: <");
	rf_put(&w, way.uri.text);
	rf_put_lit(&w, ">\r\nCall-ID: ");
	rf_put(&w, rf_id_view(&call_id));
	rf_put_lit(&w, "\r\n");
	rf_sip_put_cseq(&w, 1, RF_V("OPTIONS"));
	rf_put_lit(&w, "Max-Forwards: 70\r\nAccept: application/sdp\r\nUser-Agent: ringfort\r\n");
	rf_sip_put_end(&w);
	struct rf_cli_new conf = {
		.target = way.target, .timeout_ms = RF_TRUNK_TRY_MS, .fn = options_event, .arg = p,
	};

	rc = rf_writer_done(&w, &conf.request);
	p->asker = core;
	return rc ? rc : rf_cli_new(core->ua, &conf, &p->asking);
}

static void look(struct rf_call_core *core, const struct rf_site_trunk *t, struct rf_trunk_peer *p)
{
	struct rf_mono now = rf_core_now(core);
	uint32_t interval = t->health_interval_s * 1000;

	if (!p->watched)
		rf_health_init(&p->health, now);
	p->watched = true;
	if (atomic_exchange_explicit(&p->hurt, false, memory_order_relaxed) && rf_health_hurt(&p->health, interval, now))
		become(core, p, RF_HEALTH_DOWN, "a call found nobody");
	uint8_t before = p->health.state;
	if (rf_health_due(&p->health, interval, now) && ask(core, t, p))
		judge(core, p, "OPTIONS could not be sent");
	else if (p->health.state != before)
		become(core, p, p->health.state, "nobody has tried again");
}

void rf_trunk_watch(struct rf_call_core *core)
{
	const struct rf_site *site = rf_core_site(core);

	if (!core->ua || core->draining)
		return;
	for (size_t i = 0; i < site->trunk_count; i++) {
		struct rf_trunk_peer *p = rf_trunk_peer(core, &site->trunks[i]);

		if (p) {
			look(core, &site->trunks[i], p);
			rf_trunk_register(core, &site->trunks[i], p);
		}
	}
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
