#include "call/tone.h"

#include "base/secret.h"
#include "call/announce.h"
#include "call/call_int.h"
#include "call/tone_sdp.h"
#include "site/precedence.h"

#include <stdlib.h>

enum state { WAIT, ASKED, PLAYING };

struct rf_leg_tone {
	struct rf_leg *leg;
	struct rf_view reason;
	struct rf_timer timer;
	struct rf_mono until;         /* of WAIT */
	struct rf_cli *ask;           /* our re-INVITE, NULL */
	struct rf_announced *playing; /* NULL: not */
	struct rf_media media;        /* of this exchange alone */
	struct rf_tone_line line;
	uint8_t state;
	int socket;                   /* the announcer's */
	uint16_t port;
};

/* --- the end */

static void record(const struct rf_leg *leg, const char *outcome, const char *why, unsigned packets)
{
	struct rf_call *call = leg->pair->call;
	struct rf_event e;

	rf_event_init(&e, RF_EVENT_CALL_TONE, rf_core_wall(call->core));
	rf_event_str(&e, "session", rf_id_view(&call->id));
	rf_event_str(&e, "number", leg->party->number);
	rf_event_str(&e, "phone", leg->party->phone);
	rf_event_str(&e, "user", leg->party->user);
	rf_event_cstr(&e, "tone", "preemption");
	rf_event_cstr(&e, "outcome", outcome);
	rf_event_cstr(&e, "why", why);
	if (packets)
		rf_event_u64(&e, "packets", packets);
	rf_record_post(call->core, &e);
}

static void discard(struct rf_leg_tone *t)
{
	struct rf_call_core *core = rf_leg_core(t->leg);

	rf_timer_stop(rf_loop_wheel(core->loop), &t->timer);
	rf_announce_stop(t->playing);
	rf_cli_drop(t->ask);
	rf_media_fini(&t->media);
	t->leg->tone = NULL;
	core->census.tones--;
	rf_secret_wipe(t, sizeof *t);
	free(t);
}

/* The leg may be gone when this returns. */
static void say_bye(struct rf_leg_tone *t)
{
	struct rf_view reason = t->reason;
	struct rf_leg *leg = t->leg;

	discard(t);
	rf_leg_bye(leg, reason);
	rf_call_settle(leg->pair->call);
}

static void give_up(struct rf_leg_tone *t, const char *why)
{
	record(t->leg, "none", why, 0);
	say_bye(t);
}

void rf_leg_tone_end(struct rf_leg *leg)
{
	if (!leg->tone)
		return;
	record(leg, leg->tone->state == PLAYING ? "cut" : "none", "ended", 0);
	say_bye(leg->tone);
}

void rf_leg_tone_drop(struct rf_leg *leg)
{
	if (!leg->tone)
		return;
	record(leg, leg->tone->state == PLAYING ? "cut" : "none", "hung up", 0);
	discard(leg->tone);
}

/* --- it plays */

static void wait_ms(struct rf_leg_tone *t, uint64_t ms)
{
	rf_timer_start(rf_loop_wheel(rf_leg_core(t->leg)->loop), &t->timer, ms);
}

static void played(void *arg, enum rf_announce_why why, unsigned packets)
{
	struct rf_leg_tone *t = arg;

	t->playing = NULL;
	if (why == RF_ANNOUNCE_DONE)
		record(t->leg, "played", "", packets);
	else
		record(t->leg, "none", why == RF_ANNOUNCE_FULL ? "too many tones" : "announcer", packets);
	say_bye(t);
}

static const char *play(struct rf_leg_tone *t, struct rf_view sdp)
{
	struct rf_call_core *core = rf_leg_core(t->leg);
	const struct rf_precedence *p = &t->leg->pair->call->precedence;
	uint64_t chance[2] = { rf_random_u64(core->random), rf_random_u64(core->random) };
	struct rf_announce_order o = {
		.tone = RF_TONE_PREEMPTION, .ms = RF_LEG_TONE_MS, .socket = (uint8_t)t->socket,
		.suite = (uint8_t)t->line.suite,
		.dscp = rf_precedence_dscp(&rf_core_site(core)->tel.dscp, p->level, false),
		.seq = (uint16_t)chance[0], .timestamp = (uint32_t)chance[1], .ssrc = (uint32_t)(chance[0] >> 16),
	};
	enum rf_tone_code code;
	struct rf_addr to;
	const char *why = rf_tone_answer(t->leg, &t->line, sdp, &to, &code);

	if (why)
		return why;
	o.code = (uint8_t)code;
	o.type = code == RF_TONE_PCMU ? 0 : 8;
	o.family = to.family;
	o.port = to.port;
	o.scope = to.scope;
	memcpy(o.ip, to.ip, sizeof o.ip);
	memcpy(o.key, t->line.key, sizeof o.key);
	int rc = rf_announce_play(core, &o, played, t, &t->playing);

	rf_secret_wipe(&o, sizeof o);
	return rc == 0 ? NULL : rc == -ENOMEM ? "memory" : "announcer";
}

/* --- its answer */

static const char *take_2xx(struct rf_leg_tone *t, const struct rf_sip_msg *msg)
{
	struct rf_leg *leg = t->leg;
	bool secure = rf_leg_secure(leg);
	enum rf_offer_role role = RF_OFFER_NO_SDP;
	struct rf_view sdp, out;
	unsigned code;

	if (rf_sdp_of(msg, &sdp))
		sdp = RF_V("");
	rf_dialog_response(leg->dlg, msg);
	rf_offer_got(&leg->offer, RF_OFFER_INVITE_2XX, sdp.n > 0, &role, &code);
	rf_leg_timer_2xx(leg, msg);
	rf_leg_ack(leg, t->ask, RF_V(""));
	if (role != RF_OFFER_ANSWER)
		return "no description";
	if (rf_media_answer(rf_leg_core(leg), &t->media, secure, secure, sdp, &out) != RF_SDP_RULE_OK)
		return "media";
	return play(t, sdp);
}

static void asked(void *arg, struct rf_cli *cli, const struct rf_cli_event *e)
{
	struct rf_leg_tone *t = arg;
	const char *why;

	if (e->kind == RF_CLI_RESPONSE && e->msg->status < 200)
		return;
	if (e->kind == RF_CLI_GONE) {
		t->ask = NULL;
		return;
	}
	if (t->state != ASKED || t->ask != cli)
		return;
	if (e->kind != RF_CLI_RESPONSE || e->msg->status >= 300) {
		rf_leg_unsent(t->leg, RF_SIP_INVITE);
		give_up(t, e->kind == RF_CLI_RESPONSE ? "refused" : "no answer");
		return;
	}
	why = take_2xx(t, e->msg);
	if (why) {
		give_up(t, why);
		return;
	}
	t->state = PLAYING;
	wait_ms(t, RF_LEG_TONE_MS + RF_LEG_TONE_GRACE_MS);
}

/* --- it is asked */

/* May a re-INVITE with an offer leave? */
static bool quiet(const struct rf_leg *leg)
{
	enum rf_offer_role role;

	return !leg->own && !leg->ack_due && !leg->ack_owed &&
	       rf_offer_can_send(&leg->offer, RF_OFFER_INVITE, &role) == 0 && role == RF_OFFER_OFFER;
}

static const char *ask(struct rf_leg_tone *t)
{
	struct rf_leg *leg = t->leg;
	bool secure = rf_leg_secure(leg);
	struct rf_view sdp, out;
	struct rf_writer w;
	const char *why = rf_tone_offer(leg, t->port, &t->line, &sdp);

	if (why)
		return why;
	if (rf_media_offer(rf_leg_core(leg), &t->media, secure, secure, sdp, &out) != RF_SDP_RULE_OK)
		return "media";
	if (rf_leg_begin(leg, RF_SIP_INVITE, &w) || rf_offer_sent(&leg->offer, RF_OFFER_INVITE, true))
		return "busy";
	rf_leg_put_timer(leg, &w);
	if (rf_leg_send(leg, &w, RF_V("application/sdp"), out, asked, t, &t->ask)) {
		rf_leg_unsent(leg, RF_SIP_INVITE);
		return "not sent";
	}
	t->state = ASKED;
	wait_ms(t, RF_LEG_TONE_ASK_MS);
	return NULL;
}

/* NULL: it is on its way. */
static const char *step(struct rf_leg_tone *t)
{
	if (quiet(t->leg))
		return ask(t);
	if (rf_mono_due(t->until, rf_core_now(rf_leg_core(t->leg))))
		return "busy";
	wait_ms(t, RF_LEG_TONE_STEP_MS);
	return NULL;
}

static void on_timer(struct rf_timer *timer)
{
	struct rf_leg_tone *t = rf_container(timer, struct rf_leg_tone, timer);
	const char *why = t->state == WAIT ? step(t) : t->state == ASKED ? "no answer" : "announcer";

	if (why)
		give_up(t, why);
}

/* NULL: it may be tried. */
static const char *cannot(const struct rf_leg *leg, int *ret_socket, uint16_t *ret_port)
{
	if (rf_party_is_far(leg->party))
		return "trunk";
	if (!leg->sdp || leg->flow.kind == RF_FLOW_NONE || leg->gone_at.us || rf_flow_is_inside(&leg->flow))
		return "no way";
	*ret_socket = rf_announce_socket(rf_leg_core(leg), &leg->flow.local, ret_port);
	return *ret_socket < 0 ? "no announcer" : NULL;
}

bool rf_leg_tone(struct rf_leg *leg, struct rf_view reason)
{
	struct rf_call_core *core = rf_leg_core(leg);
	struct rf_leg_tone *t;
	uint16_t port;
	int socket;

	if (!core->announcing || !rf_leg_confirmed(leg) || leg->bye)
		return false;
	const char *why = cannot(leg, &socket, &port);

	t = why ? NULL : calloc(1, sizeof *t);
	if (!t) {
		record(leg, "none", why ? why : "memory", 0);
		return false;
	}
	*t = (struct rf_leg_tone){
		.leg = leg, .reason = reason, .state = WAIT, .socket = socket, .port = port,
		.until = rf_mono_add_ms(rf_core_now(core), RF_LEG_TONE_QUIET_MS),
	};
	rf_timer_init(&t->timer, on_timer);
	leg->tone = t;
	core->census.tones++;
	why = step(t);
	if (!why)
		return true;
	record(leg, "none", why, 0);
	discard(t);
	return false;
}
