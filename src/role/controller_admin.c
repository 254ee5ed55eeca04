/* What the controller answers on its control socket. Calls and bindings are asked of the workers by mail
 * (call/control.h); their answers are JSON already and pass through. */
#include "role/controller_int.h"

#include "pki/revoked.h"

#include "call/control.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A question that is with the workers. */
struct asked {
	struct rf_controller *controller;
	struct rf_admin_request *request;
};

static void who(const struct rf_admin_request *r, char *dst, size_t cap)
{
	snprintf(dst, cap, "uid %u", (unsigned)rf_admin_uid(r));
}

/* The inside of a JSON object's text. */
static struct rf_view members_of(struct rf_view json)
{
	json = rf_view_trim(json);
	return json.n >= 2 ? rf_view_sub(json, 1, json.n - 2) : (struct rf_view){ json.p, 0 };
}

static void answer_json(struct rf_admin_request *r, json_t *j)
{
	char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;

	json_decref(j);
	if (text)
		rf_admin_answer(r, members_of(rf_view_str(text)));
	else
		rf_admin_refuse(r, "out of memory");
	free(text);
}

static void ask_workers(struct rf_controller *k, struct rf_admin_request *r, const struct rf_control_query *q,
			rf_control_done_fn *done)
{
	struct rf_call_core *cores[RF_CONTROLLER_WORKERS_MAX];
	struct asked *a = malloc(sizeof *a);

	for (unsigned i = 0; i < k->workers; i++)
		cores[i] = k->worker[i].core;
	if (!a) {
		rf_admin_refuse(r, "out of memory");
		return;
	}
	*a = (struct asked){ k, r };
	if (rf_control_ask(k->loop, cores, k->workers, q, done, a)) {
		free(a);
		rf_admin_refuse(r, "the workers could not be asked: too busy, or out of memory");
	}
}

static void pass_on(void *ctx, int err, struct rf_view json)
{
	struct asked *a = ctx;

	if (err)
		rf_admin_refuse(a->request, "the workers did not answer: %s", rf_err_text(err));
	else
		rf_admin_answer(a->request, members_of(json));
	free(a);
}

static void query(struct rf_controller *k, struct rf_admin_request *r, enum rf_control_verb verb, const char *id)
{
	struct rf_control_query q = { .verb = verb };

	if (strlen(id) >= sizeof q.id) {
		rf_admin_refuse(r, "\"%.40s..\" is too long", id);
		return;
	}
	memcpy(q.id, id, strlen(id));
	who(r, q.by, sizeof q.by);
	ask_workers(k, r, &q, pass_on);
}

static void do_calls(void *ctx, struct rf_admin_request *r)
{
	query(ctx, r, RF_CONTROL_CALLS, "");
}

static void do_call(void *ctx, struct rf_admin_request *r)
{
	query(ctx, r, RF_CONTROL_CALL_SHOW, rf_admin_text(r, "id"));
}

static void do_hangup(void *ctx, struct rf_admin_request *r)
{
	query(ctx, r, RF_CONTROL_CALL_HANGUP, rf_admin_text(r, "id"));
}

static void do_bindings(void *ctx, struct rf_admin_request *r)
{
	query(ctx, r, RF_CONTROL_BINDINGS, rf_admin_text(r, "aor"));
}

static void do_mailbox(void *ctx, struct rf_admin_request *r)
{
	char id[RF_CONTROL_ID];
	int n = snprintf(id, sizeof id, "%s %s %s", rf_admin_text(r, "number"), rf_admin_text(r, "new"),
			 rf_admin_text(r, "old"));

	if (n < 0 || (size_t)n >= sizeof id)
		rf_admin_refuse(r, "that is too long");
	else
		query(ctx, r, RF_CONTROL_MAILBOX, id);
}

static void reloaded(void *ctx, int err, struct rf_view json)
{
	struct asked *a = ctx;

	(void)err;
	(void)json;
	answer_json(a->request, json_pack("{s:s}", "result", a->controller->reload_result));
	free(a);
}

/* Workers read their mail in order: who answers the question has the new directory. So what was reloaded holds when the
 * command comes back. */
static void do_reload(void *ctx, struct rf_admin_request *r)
{
	struct rf_control_query q = { .verb = RF_CONTROL_COUNTERS };
	struct rf_controller *k = ctx;
	struct rf_diag diag = { 0 };
	char by[32], why[700];

	who(r, by, sizeof by);
	if (rf_controller_reload(k, by, &diag))
		rf_admin_refuse(r, "not reloaded: %s", rf_controller_why(&diag, why, sizeof why));
	else
		ask_workers(k, r, &q, reloaded);
}

static void refreshed(void *ctx, int err, struct rf_view json)
{
	struct asked *a = ctx;

	(void)err;
	(void)json;
	rf_admin_answer(a->request, (struct rf_view){ NULL, 0 });
	free(a);
}

/* As do_reload(). */
static void do_refresh(void *ctx, struct rf_admin_request *r)
{
	struct rf_control_query q = { .verb = RF_CONTROL_COUNTERS };

	rf_controller_poll_store(ctx);
	ask_workers(ctx, r, &q, refreshed);
}

static void do_stop(void *ctx, struct rf_admin_request *r)
{
	char by[32];

	who(r, by, sizeof by);
	rf_admin_answer(r, (struct rf_view){ NULL, 0 });
	rf_controller_stop(ctx, by);
}

/* ---- status */

static json_t *listen_json(const struct rf_controller *k)
{
	json_t *list = json_array();
	char text[RF_ADDR_TEXT];

	for (size_t i = 0; i < k->listens; i++)
		json_array_append_new(list, json_pack("{s:s,s:s}", "transport",
						      rf_transport_name(k->listen[i].asked->transport), "address",
						      rf_addr_text(rf_ua_local(k->worker[0].ua, i), text)));
	return list;
}

static json_t *confined_json(const struct rf_controller *k)
{
	char landlock[64], keeper[160] = "not needed: no TLS";
	struct rf_keeper_state st;

	snprintf(landlock, sizeof landlock, k->landlock_abi ? "Landlock ABI %d" : "no Landlock in this kernel",
		 k->landlock_abi);
	if (k->keeper) {
		rf_keeper_state(k->keeper, &st);
		snprintf(keeper, sizeof keeper, "in a process of its own%s, %llu signatures",
			 st.alive ? "" : " that has ended", (unsigned long long)st.signatures);
	}
	return json_pack("{s:s,s:s,s:s,s:s,s:s}", "user", k->user_name, "landlock", landlock, "syscalls",
			 k->filtered ? "system calls filtered" : "system calls not filtered", "keeper", keeper,
			 "announcer", k->announcer ? "in a process of its own" : "off");
}

static json_t *counts_json(const struct rf_controller *k, const json_t *workers)
{
	struct rf_location_counts location;
	struct rf_directory_counts directory;
	struct rf_ua_stats stats;
	json_int_t calls = 0;
	uint64_t flows = 0;
	const json_t *w;
	size_t i;

	rf_location_counts(k->location, &location);
	rf_directory_counts(k->directory, &directory);
	for (unsigned n = 0; n < k->workers; n++) {
		rf_ua_stats(k->worker[n].ua, &stats);
		flows += stats.flows_now;
	}
	json_array_foreach(workers, i, w)
		calls += json_integer_value(json_object_get(w, "calls_now"));
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "bindings", (json_int_t)location.bindings, "aors",
			 (json_int_t)location.aors, "calls", calls, "connections", (json_int_t)flows, "phones",
			 (json_int_t)directory.phones, "users", (json_int_t)directory.users, "certificates",
			 (json_int_t)directory.certificates, "revoked", (json_int_t)directory.revoked);
}

/* What ua refused and counted, over all workers; zeros left out. */
static json_t *refused_json(const struct rf_controller *k)
{
	json_t *o = json_object();
	struct rf_ua_stats stats;

	for (int c = 0; c < RF_UA_COUNTS; c++) {
		uint64_t sum = 0;

		for (unsigned n = 0; n < k->workers; n++) {
			rf_ua_stats(k->worker[n].ua, &stats);
			sum += stats.count[c];
		}
		if (sum)
			json_object_set_new(o, rf_ua_count_name((enum rf_ua_count)c), json_integer((json_int_t)sum));
	}
	return o;
}

static void problem(json_t *list, const char *text, int err)
{
	char line[RF_PAPERS_WHY + 200];

	snprintf(line, sizeof line, "%s%s%s", text, err ? ": " : "", err ? rf_err_text(err) : "");
	json_array_append_new(list, json_string(line));
}

static json_t *problems_json(const struct rf_controller *k)
{
	json_t *list = json_array();
	struct rf_ledger_state ledger;
	struct rf_bindings_counts bindings;
	char papers[RF_PAPERS_WHY + 100], old[RF_REVOKED_TEXT];

	rf_ledger_state(k->ledger, &ledger);
	bindings = (struct rf_bindings_counts){ 0 };
	if (k->bindings)
		rf_bindings_counts(k->bindings, &bindings);
	if (ledger.failing)
		problem(list, "the ledger cannot be written", ledger.error);
	if (ledger.lost)
		problem(list, "events were lost before they reached the ledger", 0);
	if (bindings.last_error)
		problem(list, "registrations cannot be stored", bindings.last_error);
	if (k->keeper_missed)
		problem(list, "the key keeper has ended: no new TLS connections until a restart", 0);
	if (k->stopping)
		problem(list, "it is stopping", 0);
	if (*rf_papers_problem(&k->papers, k->clock.wall(k->clock.ctx).us / 1000000, papers))
		problem(list, papers, 0);
	if (k->stir_refused[0])
		problem(list, k->stir_refused, 0);
	if (k->logins_refused[0])
		problem(list, k->logins_refused, 0);
	if (*rf_revoked_old(k->crl_until_s, k->clock.wall(k->clock.ctx).us / 1000000, old))
		problem(list, old, 0);
	return list;
}

static json_t *stores_json(const struct rf_controller *k)
{
	struct rf_ledger_state l;
	struct rf_bindings_counts b;
	struct rf_settings_counts s;

	rf_ledger_state(k->ledger, &l);
	if (!k->bindings)
		return json_pack("{s:{s:I,s:I,s:I,s:I}}", "ledger", "seq", (json_int_t)l.seq, "written",
				 (json_int_t)l.written, "queued", (json_int_t)l.queued, "lost", (json_int_t)l.lost);
	rf_bindings_counts(k->bindings, &b);
	rf_settings_counts(k->settings, &s);
	return json_pack("{s:{s:I,s:I,s:I,s:I},s:{s:I,s:I,s:I,s:I,s:I},s:{s:I,s:I,s:I,s:I}}",
			 "ledger", "seq", (json_int_t)l.seq, "written", (json_int_t)l.written, "queued",
			 (json_int_t)l.queued, "lost", (json_int_t)l.lost,
			 "bindings", "done", (json_int_t)b.done, "queued", (json_int_t)b.queued, "failed",
			 (json_int_t)b.failed, "refused", (json_int_t)b.refused, "commits", (json_int_t)b.commits,
			 "settings", "numbers", (json_int_t)s.numbers, "changed", (json_int_t)s.changed, "failed",
			 (json_int_t)s.failed, "refused", (json_int_t)s.refused);
}

static json_t *reload_json(const struct rf_controller *k)
{
	char when[RF_WALL_TEXT];

	if (!k->reload_at.us)
		return json_object();
	rf_wall_text(k->reload_at, when);
	return json_pack("{s:s,s:s}", "at", when, "result", k->reload_result);
}

/* What only workers know. */
static void worker_problems(json_t *list, const json_t *workers)
{
	const json_t *w;
	size_t i;

	json_array_foreach(workers, i, w)
		if (json_integer_value(json_object_get(w, "without_relay"))) {
			problem(list, "no media relay answers: calls with the outside are refused (503)", 0);
			return;
		}
}

static void status_done(void *ctx, int err, struct rf_view json)
{
	struct asked *a = ctx;
	struct rf_controller *k = a->controller;
	json_t *answer = err ? NULL : json_loadb((const char *)json.p, json.n, 0, NULL);
	json_t *workers = json_object_get(answer, "workers"), *problems = problems_json(k);
	struct rf_mono now = k->clock.mono(k->clock.ctx);

	if (err)
		problem(problems, "the workers do not answer", err);
	worker_problems(problems, workers);
	json_t *j = json_pack("{s:s,s:b,s:i,s:s,s:I,s:s,s:s,s:s,s:s}", "role", rf_controller_role(k), "healthy",
			      json_array_size(problems) == 0, "pid", (int)getpid(), "version", RF_VERSION, "uptime_s",
			      (json_int_t)((now.us - k->started_at.us) / 1000000), "site", rf_site_cstr(k->site->name),
			      "domain", rf_site_cstr(k->site->domain), "level", rf_level_name(k->site->level), "host",
			      k->host ? rf_site_cstr(k->host->name) : "");
	if (j) {
		json_object_set_new(j, "running", json_true());
		json_object_set_new(j, "problems", problems);
		json_object_set_new(j, "listen", listen_json(k));
		json_object_set_new(j, "counts", counts_json(k, workers));
		json_object_set_new(j, "confined", confined_json(k));
		json_object_set_new(j, "stores", stores_json(k));
		json_object_set_new(j, "counted", refused_json(k));
		json_object_set_new(j, "reload", reload_json(k));
		if (rf_controller_is_border(k))
			json_object_set_new(j, "dropped", rf_controller_dropped_json(k));
		json_object_set_new(j, "trunks", rf_controller_trunks_json(k));
		json_object_set(j, "workers", workers);
	} else {
		json_decref(problems);
	}
	answer_json(a->request, j);
	json_decref(answer);
	free(a);
}

static void do_trunks(void *ctx, struct rf_admin_request *r)
{
	answer_json(r, json_pack("{s:o}", "trunks", rf_controller_trunks_json(ctx)));
}

static void do_blocked(void *ctx, struct rf_admin_request *r)
{
	answer_json(r, rf_controller_penalties_json(ctx));
}

static void do_forgive(void *ctx, struct rf_admin_request *r)
{
	const char *address = rf_admin_text(r, "address");
	int rc = rf_controller_forgive(ctx, rf_view_str(address));

	if (rc)
		rf_admin_refuse(r, rc == RF_E_NOT_FOUND ? "%s is not blocked" : "%s is no address", address);
	else
		rf_admin_answer(r, RF_V(""));
}

static void do_status(void *ctx, struct rf_admin_request *r)
{
	struct rf_control_query q = { .verb = RF_CONTROL_COUNTERS };

	ask_workers(ctx, r, &q, status_done);
}

const struct rf_admin_verb rf_controller_verbs[] = {
	{ "status", do_status }, { "calls", do_calls }, { "call", do_call }, { "hangup", do_hangup },
	{ "bindings", do_bindings }, { "mailbox", do_mailbox }, { "reload", do_reload }, { "refresh", do_refresh },
	{ "number", rf_controller_do_number }, { "numbers", rf_controller_do_numbers },
	{ "number-set", rf_controller_do_number_set },
	{ "trunks", do_trunks }, { "stop", do_stop }, { NULL, NULL },
};

/* A border has no numbers and mailboxes; its bindings are those of phones outside. */
const struct rf_admin_verb rf_controller_border_verbs[] = {
	{ "status", do_status }, { "calls", do_calls }, { "call", do_call }, { "hangup", do_hangup },
	{ "bindings", do_bindings }, { "reload", do_reload }, { "refresh", do_refresh }, { "trunks", do_trunks },
	{ "blocked", do_blocked }, { "forgive", do_forgive },
	{ "stop", do_stop }, { NULL, NULL },
};
