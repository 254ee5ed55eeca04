#include "call/park.h"
#include "call/sub_int.h"

#include <stdlib.h>

/* --- tables */

int rf_subs_new(struct rf_call_core *core, struct rf_subs **ret_subs)
{
	struct rf_subs *subs = calloc(1, sizeof *subs);
	size_t cap = core->limits.subscriptions;

	if (!subs)
		return -ENOMEM;
	rf_table_init(&subs->by_tag, cap);
	rf_table_init(&subs->by_number, cap);
	rf_table_init(&subs->by_flow, cap);
	rf_table_init(&subs->by_party, cap);
	TAILQ_INIT(&subs->list);
	*ret_subs = subs;
	return 0;
}

void rf_subs_free(struct rf_subs *subs)
{
	if (!subs)
		return;
	while (!TAILQ_EMPTY(&subs->list))
		rf_sub_drop(TAILQ_FIRST(&subs->list), NULL);
	rf_table_fini(&subs->by_tag);
	rf_table_fini(&subs->by_number);
	rf_table_fini(&subs->by_flow);
	rf_table_fini(&subs->by_party);
	free(subs);
}

size_t rf_subs_count(const struct rf_subs *subs)
{
	return subs->count;
}

static uint64_t number_hash(const struct rf_call_core *core, struct rf_view number)
{
	return rf_hash(&core->hash_key, number);
}

static struct rf_sub *first_of(struct rf_call_core *core, struct rf_view number, struct rf_node **it)
{
	struct rf_node *n =
		*it ? rf_table_next(*it) : rf_table_first(&core->subs->by_number, number_hash(core, number));

	for (; n; n = rf_table_next(n)) {
		struct rf_sub *sub = rf_container(n, struct rf_sub, by_number);

		if (rf_view_eq(rf_sub_number(sub), number)) {
			*it = n;
			return sub;
		}
	}
	return NULL;
}

/* The board knows which workers have subscriptions, not how many: the first enters, the last leaves. */
static int enter_number(struct rf_sub *sub)
{
	struct rf_call_core *core = sub->core;
	struct rf_node *it = NULL;
	bool fresh = false, first = first_of(core, rf_sub_number(sub), &it) == NULL;
	int rc = rf_table_add(&core->subs->by_number, &sub->by_number, number_hash(core, rf_sub_number(sub)));

	if (rc)
		return rc;
	sub->number_entered = true;
	if (first)
		rc = rf_board_watch(core->board, rf_sub_number(sub), core->worker, &fresh);
	if (fresh)
		rf_lamps_survey(core);
	return rc;
}

static void leave_number(struct rf_sub *sub)
{
	struct rf_call_core *core = sub->core;
	struct rf_node *it = NULL;

	if (!sub->number_entered)
		return;
	rf_table_del(&core->subs->by_number, &sub->by_number);
	sub->number_entered = false;
	if (!first_of(core, rf_sub_number(sub), &it))
		rf_board_unwatch(core->board, rf_sub_number(sub), core->worker);
}

static void leave_flow(struct rf_sub *sub)
{
	if (sub->flow_entered)
		rf_table_del(&sub->core->subs->by_flow, &sub->by_flow);
	sub->flow_entered = false;
}

void rf_sub_move(struct rf_sub *sub, const struct rf_flow *flow)
{
	struct rf_call_core *core = sub->core;

	sub->gone_at = (struct rf_mono){ 0 };
	if (sub->flow_entered && rf_flow_eq(&sub->flow, flow))
		return;
	leave_flow(sub);
	sub->flow = *flow;
	if (rf_flow_is_stream(flow) && !rf_party_is_far(sub->party)) /* a border is found again by its name */
		sub->flow_entered = rf_table_add(&core->subs->by_flow, &sub->by_flow,
						 rf_flow_hash(&core->hash_key, flow)) == 0;
}

/* --- how many a number holds */

struct holder {
	struct rf_node node;
	size_t n;
	uint8_t number_n;
	uint8_t number[64];
};

static struct holder *holder_of(struct rf_call_core *core, struct rf_view number)
{
	struct rf_node *n = rf_table_first(&core->subs->by_party, number_hash(core, number));

	for (; n; n = rf_table_next(n)) {
		struct holder *h = rf_container(n, struct holder, node);

		if (rf_view_eq(rf_view_of(h->number, h->number_n), number))
			return h;
	}
	return NULL;
}

static int hold(struct rf_call_core *core, struct rf_view number)
{
	struct holder *h = holder_of(core, number);

	if (h && h->n >= RF_SUBS_PER_NUMBER)
		return RF_E_LIMIT;
	if (!h) {
		h = number.n <= sizeof h->number ? calloc(1, sizeof *h) : NULL;
		if (!h)
			return -ENOMEM;
		memcpy(h->number, number.p, number.n);
		h->number_n = (uint8_t)number.n;
		int rc = rf_table_add(&core->subs->by_party, &h->node, number_hash(core, number));

		if (rc) {
			free(h);
			return rc;
		}
	}
	h->n++;
	return 0;
}

static void let_go(struct rf_call_core *core, struct rf_view number)
{
	struct holder *h = holder_of(core, number);

	if (h && --h->n == 0) {
		rf_table_del(&core->subs->by_party, &h->node);
		free(h);
	}
}

/* --- made and ended */

static void on_timer(struct rf_timer *t);

static int count(struct rf_sub *sub, const char **ret_bound)
{
	struct rf_call_core *core = sub->core;
	int rc = rf_board_subscribe(core->board);

	if (rc) {
		*ret_bound = "subscriptions";
		return rc;
	}
	rc = hold(core, sub->party->number);
	if (rc) {
		*ret_bound = "subscriptions_per_number";
		rf_board_unsubscribe(core->board);
		return rc;
	}
	sub->counted = true;
	return 0;
}

static int open_dialog(struct rf_sub *sub, struct rf_in *in)
{
	struct rf_call_core *core = sub->core;
	struct rf_dialog *dlg;
	struct rf_id tag;

	rf_ua_make_id(core->ua, &tag);
	int rc = rf_dialog_new_uas(in->msg, rf_id_view(&tag), rf_flow_is_secure(in->from->flow.kind), &dlg);

	if (rc)
		return rc;
	rc = rf_table_add(&core->subs->by_tag, &sub->by_tag, rf_hash(&core->hash_key, rf_id_view(&tag)));
	if (rc) {
		rf_dialog_free(dlg);
		return rc;
	}
	rf_dialog_answered(dlg, 200);
	sub->dlg = dlg;
	return 0;
}

static void set_texts(struct rf_sub *sub, const struct rf_sub_new *conf)
{
	sub->number_n = (uint8_t)conf->number.n;
	memcpy(sub->number, conf->number.p, conf->number.n);
	sub->id_n = (uint8_t)conf->event_id.n;
	if (conf->event_id.n)
		memcpy(sub->id, conf->event_id.p, conf->event_id.n);
}

int rf_sub_new(struct rf_call_core *core, struct rf_in *in, const struct rf_sub_new *conf, const char **ret_bound,
	       struct rf_sub **ret_sub)
{
	struct rf_sub *sub = calloc(1, sizeof *sub);

	*ret_bound = NULL;
	if (!sub)
		return -ENOMEM;
	sub->core = core;
	sub->package = conf->package;
	sub->may_pick_up = conf->may_pick_up;
	sub->full = true;
	rf_timer_init(&sub->timer, on_timer);
	set_texts(sub, conf);
	TAILQ_INSERT_TAIL(&core->subs->list, sub, list);
	core->subs->count++;
	sub->party = rf_party_of(core, &in->proof);
	int rc = sub->party ? count(sub, ret_bound) : -ENOMEM;

	if (!rc)
		rc = open_dialog(sub, in);
	if (!rc) {
		rf_sub_move(sub, &in->from->flow);
		rc = enter_number(sub);
	}
	if (rc) {
		rf_sub_drop(sub, NULL);
		return rc;
	}
	sub->expires = rf_mono_add_ms(rf_core_now(core), (uint64_t)conf->expires_s * 1000);
	sub->look_at = rf_mono_add_ms(rf_core_now(core), RF_SUB_LOOK_MS);
	*ret_sub = sub;
	return 0;
}

void rf_sub_drop(struct rf_sub *sub, const char *why)
{
	struct rf_call_core *core = sub->core;

	if (why)
		rf_record_watch(core, RF_EVENT_WATCH_END, sub->party, sub->package->name, rf_sub_number(sub), why);
	rf_timer_stop(rf_loop_wheel(core->loop), &sub->timer);
	rf_cli_drop(sub->cli);
	leave_number(sub);
	leave_flow(sub);
	if (sub->dlg)
		rf_table_del(&core->subs->by_tag, &sub->by_tag);
	rf_dialog_free(sub->dlg);
	if (sub->counted) {
		let_go(core, sub->party->number);
		rf_board_unsubscribe(core->board);
	}
	rf_party_put(sub->party);
	TAILQ_REMOVE(&core->subs->list, sub, list);
	core->subs->count--;
	free(sub);
}

void rf_sub_end(struct rf_sub *sub, const char *reason, const char *why)
{
	if (sub->state != RF_SUB_ACTIVE)
		return;
	sub->state = RF_SUB_LAST;
	sub->reason = reason;
	sub->why = why;
	rf_sub_want(sub, true);
}

/* --- time */

static struct rf_mono bucket_allows(const struct rf_sub *sub, struct rf_mono now)
{
	uint64_t room = (uint64_t)sub->package->interval_ms * 1000 * (sub->package->burst - 1);
	uint64_t at = sub->full_at.us > room ? sub->full_at.us - room : 0;

	return (struct rf_mono){ at > now.us ? at : now.us };
}

void rf_sub_want(struct rf_sub *sub, bool full)
{
	struct rf_mono now = rf_core_now(sub->core), at = full ? now : bucket_allows(sub, now);

	if (full)
		sub->full = true;
	if (!sub->due.us || at.us < sub->due.us)
		sub->due = at;
	rf_sub_settle(sub);
}

static void take_first(struct rf_mono *at, struct rf_mono other)
{
	if (other.us && other.us < at->us)
		*at = other;
}

void rf_sub_settle(struct rf_sub *sub)
{
	struct rf_mono at = sub->look_at;

	if (sub->state == RF_SUB_ACTIVE)
		take_first(&at, sub->expires);
	if (!sub->cli && !sub->gone_at.us)
		take_first(&at, sub->due);
	if (sub->gone_at.us)
		take_first(&at, rf_mono_add_ms(sub->gone_at, sub->core->limits.flow_grace_ms));
	rf_timer_start_at(rf_loop_wheel(sub->core->loop), &sub->timer, at);
}

/* Its phone may have come back over another connection. */
static bool gone_for_good(struct rf_sub *sub, struct rf_mono now)
{
	struct rf_flow flow;

	if (!sub->gone_at.us || now.us < rf_mono_add_ms(sub->gone_at, sub->core->limits.flow_grace_ms).us)
		return false;
	if (!rf_party_flow(sub->core, sub->party, &flow))
		return true;
	rf_sub_move(sub, &flow);
	rf_sub_want(sub, true);
	return false;
}

static void on_timer(struct rf_timer *t)
{
	struct rf_sub *sub = rf_container(t, struct rf_sub, timer);
	struct rf_mono now = rf_core_now(sub->core);

	if (gone_for_good(sub, now)) {
		rf_sub_drop(sub, "connection lost");
		return;
	}
	if (sub->state == RF_SUB_ACTIVE && sub->expires.us <= now.us)
		rf_sub_end(sub, "timeout", "expired");
	if (sub->look_at.us <= now.us) {
		sub->look_at = rf_mono_add_ms(now, RF_SUB_LOOK_MS);
		rf_sub_want(sub, false);
	}
	if (sub->due.us && sub->due.us <= now.us && !sub->cli && !sub->gone_at.us && rf_sub_notify(sub, now))
		return;
	rf_sub_settle(sub);
}

/* --- what happens elsewhere */

void rf_subs_changed(struct rf_call_core *core, struct rf_view number)
{
	struct rf_node *it = NULL;
	struct rf_sub *sub;

	rf_board_heard(core->board, number, core->worker);
	while ((sub = first_of(core, number, &it)))
		rf_sub_want(sub, false);
}

void rf_subs_flow_lost(struct rf_call_core *core, const struct rf_flow *flow)
{
	uint64_t hash = rf_flow_hash(&core->hash_key, flow);
	struct rf_node *n = rf_table_first(&core->subs->by_flow, hash), *next;

	for (; n; n = next) {
		struct rf_sub *sub = rf_container(n, struct rf_sub, by_flow);

		next = rf_table_next(n);
		if (!rf_flow_eq(&sub->flow, flow))
			continue;
		leave_flow(sub);
		sub->gone_at = rf_core_now(core);
		rf_sub_settle(sub);
	}
}

static bool roams(const struct rf_call_core *core, const struct rf_party *p)
{
	const struct rf_dir_phone *phone = rf_directory_phone(core->directory, p->phone);

	return phone && phone->site && phone->site->roams;
}

void rf_subs_fallen(struct rf_call_core *core)
{
	struct rf_sub *sub, *next;

	for (sub = TAILQ_FIRST(&core->subs->list); sub; sub = next) {
		const struct rf_party *p = sub->party;

		next = TAILQ_NEXT(sub, list);
		if (!rf_identity_stands(core, p->phone, p->user, p->number) || (p->host.n && !roams(core, p)))
			rf_sub_end(sub, "rejected", "phone locked");
		else if (!rf_directory_number(core->directory, rf_sub_number(sub)) &&
			 !rf_park_is_slot(core, rf_sub_number(sub)))
			rf_sub_end(sub, "noresource", "number removed");
		else if (rf_sub_refusal(core, p->number, rf_sub_number(sub), sub->package))
			rf_sub_end(sub, "rejected", "no longer allowed");
		else
			sub->may_pick_up = !p->host.n && rf_sub_may_pick_up(core, p->number, rf_sub_number(sub));
	}
}

void rf_subs_drain(struct rf_call_core *core)
{
	struct rf_sub *sub, *next;

	for (sub = TAILQ_FIRST(&core->subs->list); sub; sub = next) {
		next = TAILQ_NEXT(sub, list);
		rf_sub_end(sub, "probation", "shutting down");
		rf_cli_drop(sub->cli); /* no waiting for the answer to one that is under way */
		sub->cli = NULL;
		if (sub->gone_at.us)
			rf_sub_drop(sub, sub->why);
		else
			rf_sub_notify(sub, rf_core_now(core));
	}
}
