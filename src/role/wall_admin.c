/* What the wall answers on its control socket:
 *
 *	{"do":"status"}                              also what rules have dropped since they were loaded
 *	{"do":"apply","confirm":"60","older":"no","router":"core"}   what lies in DIR/wall as incoming.*
 *	{"do":"confirm"}   {"do":"reload"}   {"do":"stop"}
 */
#include "role/wall_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void who(const struct rf_admin_request *r, char *dst, size_t cap)
{
	snprintf(dst, cap, "uid %u", (unsigned)rf_admin_uid(r));
}

void rf_wall_answer_json(struct rf_admin_request *r, json_t *j)
{
	char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;
	struct rf_view members = rf_view_str(text);

	json_decref(j);
	if (text)
		rf_admin_answer(r, rf_view_sub(members, 1, members.n - 2));
	else
		rf_admin_refuse(r, "out of memory");
	free(text);
}

/* --- status */

static json_t *time_json(int64_t us)
{
	char text[RF_WALL_TEXT];

	if (!us)
		return json_null();
	rf_wall_text((struct rf_wall){ us }, text);
	return json_string(text);
}

static json_t *bundle_json(const struct rf_front *w)
{
	const struct rf_hand_state *s = &w->state;

	if (!s->loaded_us)
		return json_null();
	return json_pack("{s:s,s:s,s:o,s:o,s:b,s:o}", "bundle", s->bundle, "site", s->site, "signed",
			 time_json(s->signed_us), "loaded", time_json(s->loaded_us), "confirmed", s->candidate == 0,
			 "until", time_json(s->candidate ? s->deadline_us : 0));
}

static json_t *pinholes_json(const struct rf_front *w)
{
	const struct rf_wall_counts *c = &w->counts;

	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "now", (json_int_t)w->pins.count, "openings",
			 (json_int_t)w->openings, "opened", (json_int_t)c->opened,
			 "refreshed", (json_int_t)c->refreshed, "closed", (json_int_t)c->closed, "expired",
			 (json_int_t)c->expired, "refused", (json_int_t)c->refused, "failed", (json_int_t)c->failed);
}

static json_t *hosts_json(const struct rf_front *w)
{
	json_t *list = json_array();

	for (size_t i = 0; i < RF_WALL_HOSTS; i++)
		if (w->hosts[i].name[0])
			json_array_append_new(list, json_pack("{s:s,s:i,s:I}", "host", w->hosts[i].name, "connections",
							      (int)w->hosts[i].streams, "pinholes",
							      (json_int_t)w->hosts[i].pins));
	return list;
}

static void problem(json_t *list, const char *text)
{
	json_array_append_new(list, json_string(text));
}

static json_t *problems_json(const struct rf_front *w)
{
	json_t *list = json_array();
	struct rf_ledger_state ledger;
	struct rf_keeper_state keeper;
	char papers[RF_PAPERS_WHY + 100], old[RF_REVOKED_TEXT];

	rf_ledger_state(w->ledger, &ledger);
	rf_keeper_state(w->keeper, &keeper);
	if (!w->state.loaded_us)
		problem(list, "no bundle is loaded: `ringfort apply` loads one");
	if (ledger.failing)
		problem(list, "the ledger cannot be written");
	if (!keeper.alive)
		problem(list, "the key keeper has ended: no new TLS connections until a restart");
	if (*rf_revoked_old(rf_revoked_until_s(w->revoked), w->clock.wall(w->clock.ctx).us / 1000000, old))
		problem(list, old);
	if (*rf_papers_problem(&w->papers, w->clock.wall(w->clock.ctx).us / 1000000, papers))
		problem(list, papers);
	if (w->hand_died)
		problem(list, "the hand has died");
	return list;
}

json_t *rf_wall_status(struct rf_front *w)
{
	char landlock[64];
	json_t *problems = problems_json(w);
	uint64_t up_s = (w->clock.mono(w->clock.ctx).us - w->started_at.us) / 1000000;

	snprintf(landlock, sizeof landlock, w->landlock_abi ? "Landlock ABI %d" : "no Landlock in this kernel",
		 w->landlock_abi);
	return json_pack("{s:s,s:i,s:s,s:b,s:I,s:s,s:s,s:o,s:o,s:o,s:o,s:I,s:o,s:{s:s,s:s,s:s}}", "role", "wall", "pid",
			 (int)getpid(), "version", RF_VERSION, "healthy", json_array_size(problems) == 0, "uptime_s",
			 (json_int_t)up_s, "router", rf_site_cstr(w->router->name), "site", rf_site_cstr(w->site->name),
			 "problems", problems, "rules", bundle_json(w), "pinholes", pinholes_json(w), "hosts",
			 hosts_json(w), "blocked_since_start", (json_int_t)w->counts.blocked, "blocked",
			 rf_wall_blocks_json(w), "confined", "user", w->user_name, "landlock", landlock, "syscalls",
			 w->filtered ? "system calls filtered" : "system calls not filtered");
}

/* --- verbs */

static void ordered(struct rf_admin_request *r, int rc)
{
	if (rc)
		rf_admin_refuse(r, "the wall's hand does not take it: %s", rf_err_text(rc));
}

static void do_status(void *ctx, struct rf_admin_request *r)
{
	struct rf_front *w = ctx;

	ordered(r, rf_wall_order(w, RF_HAND_COUNTERS, NULL, r, "status"));
}

static void do_apply(void *ctx, struct rf_admin_request *r)
{
	struct rf_front *w = ctx;
	const char *router = rf_admin_text(r, "router"), *confirm = rf_admin_text(r, "confirm");
	struct rf_hand_order order = { .confirm_s = w->site->network.confirm_s,
				       .older = strcmp(rf_admin_text(r, "older"), "yes") == 0 };
	char by[32];

	if (*router && !rf_view_eq(rf_view_str(router), w->router->name)) {
		rf_admin_refuse(r, "this is the wall of router %s, not of %.64s", rf_site_cstr(w->router->name),
				router);
		return;
	}
	if (*confirm && !rf_view_u32(rf_view_str(confirm), &order.confirm_s)) {
		rf_admin_refuse(r, "\"%.32s\" is no number of seconds", confirm);
		return;
	}
	who(r, by, sizeof by);
	ordered(r, rf_wall_order(w, RF_HAND_APPLY, &order, r, by));
}

static void do_confirm(void *ctx, struct rf_admin_request *r)
{
	struct rf_front *w = ctx;
	char by[32];

	who(r, by, sizeof by);
	ordered(r, rf_wall_order(w, RF_HAND_CONFIRM, NULL, r, by));
}

static void do_reload(void *ctx, struct rf_admin_request *r)
{
	struct rf_front *w = ctx;
	struct rf_diag diag = { 0 };
	char by[32], why[700];

	who(r, by, sizeof by);
	if (rf_wall_reload(w, by, &diag))
		rf_admin_refuse(r, "not reloaded: %s", rf_wall_why(&diag, why, sizeof why));
	else
		rf_wall_answer_json(r, rf_wall_status(w));
}

static void do_stop(void *ctx, struct rf_admin_request *r)
{
	char by[32];

	who(r, by, sizeof by);
	rf_admin_answer(r, (struct rf_view){ NULL, 0 });
	rf_wall_stop(ctx, by);
}

const struct rf_admin_verb rf_wall_verbs[] = {
	{ "status", do_status }, { "apply", do_apply }, { "confirm", do_confirm }, { "reload", do_reload },
	{ "stop", do_stop },
	{ NULL, NULL },
};
