#include "call/feature.h"

#include "call/call_int.h"
#include "call/plan_dial.h"
#include "loop/mail.h"

#include <stdio.h>
#include <stdlib.h>

enum { JOBS_MAX = 256 };

/* A change that is with the table's thread, and comes back as mail. The core's list owns it until then; when the core
 * goes first, the mail. */
struct rf_feature_job {
	struct rf_mail mail;
	TAILQ_ENTRY(rf_feature_job) list;
	struct rf_call_core *core;      /* NULL: gone */
	struct rf_loop *loop;
	struct rf_srv *srv;             /* NULL: gone */
	struct rf_party *party;
	struct rf_settings_change change;
	struct rf_settings now;
	int rc;
	bool stranded;                  /* atomic: done, but its mail found no room */
	char done[96];                  /* the reason phrase of success */
};

static const struct row {
	unsigned field;
	bool on, number;                /* number: the one behind the code is where calls go */
	const char *done;
} rows[RF_FEATURES] = {
	[RF_FEATURE_FORWARD_ALWAYS] = { RF_SET_FORWARD << RF_FORWARD_ALWAYS, true, true, "All calls go to" },
	[RF_FEATURE_FORWARD_ALWAYS_OFF] = { RF_SET_FORWARD << RF_FORWARD_ALWAYS, false, false,
					    "Calls are not forwarded" },
	[RF_FEATURE_FORWARD_BUSY] = { RF_SET_FORWARD << RF_FORWARD_BUSY, true, true, "When busy, calls go to" },
	[RF_FEATURE_FORWARD_BUSY_OFF] = { RF_SET_FORWARD << RF_FORWARD_BUSY, false, false,
					  "When busy, calls are not forwarded" },
	[RF_FEATURE_FORWARD_NO_ANSWER] = { RF_SET_FORWARD << RF_FORWARD_NO_ANSWER, true, true,
					   "Without answer, calls go to" },
	[RF_FEATURE_FORWARD_NO_ANSWER_OFF] = { RF_SET_FORWARD << RF_FORWARD_NO_ANSWER, false, false,
					       "Without answer, calls are not forwarded" },
	[RF_FEATURE_FORWARD_UNREACHABLE] = { RF_SET_FORWARD << RF_FORWARD_UNREACHABLE, true, true,
					     "While unreachable, calls go to" },
	[RF_FEATURE_FORWARD_UNREACHABLE_OFF] = { RF_SET_FORWARD << RF_FORWARD_UNREACHABLE, false, false,
						 "While unreachable, calls are not forwarded" },
	[RF_FEATURE_DND] = { RF_SET_DND, true, false, "Do not disturb is on" },
	[RF_FEATURE_DND_OFF] = { RF_SET_DND, false, false, "Do not disturb is off" },
	[RF_FEATURE_CALL_WAITING] = { RF_SET_CALL_WAITING, true, false, "Call waiting is on" },
	[RF_FEATURE_CALL_WAITING_OFF] = { RF_SET_CALL_WAITING, false, false, "Call waiting is off" },
	[RF_FEATURE_HIDE_NUMBER] = { RF_SET_HIDE_NUMBER, true, false, "Your number is hidden" },
	[RF_FEATURE_SHOW_NUMBER] = { RF_SET_HIDE_NUMBER, false, false, "Your number is shown" },
};

/* --- the answer */

static void record(const struct rf_feature_job *job)
{
	char line[RF_SETTINGS_LINE_MAX];
	struct rf_event e;

	rf_event_init(&e, RF_EVENT_NUMBER_CHANGED, rf_core_wall(job->core));
	rf_event_str(&e, "number", job->party->number);
	rf_event_str(&e, "phone", job->party->phone);
	rf_event_str(&e, "user", job->party->user);
	rf_event_cstr(&e, "by", "feature code");
	rf_event_cstr(&e, "set", rf_settings_change_line(&job->change, &job->now, line));
	rf_record_post(job->core, &e);
}

static void forget(struct rf_feature_job *job)
{
	if (job->core) {
		TAILQ_REMOVE(&job->core->features, job, list);
		job->core->census.features--;
	}
	if (job->srv)
		rf_srv_watch(job->srv, NULL, NULL);
	rf_party_put(job->party);
	free(job);
}

static void come_back(struct rf_mail *mail, int status)
{
	struct rf_feature_job *job = rf_container(mail, struct rf_feature_job, mail);

	if (status == 0 && job->core) {
		if (job->rc == 0)
			record(job);
		if (job->srv && job->rc == 0)
			rf_core_reply(job->core, job->srv, 480, rf_view_str(job->done));
		else if (job->srv)
			rf_core_reply(job->core, job->srv, 500, RF_V("Not Changed: It Could Not Be Written"));
	}
	forget(job);
}

/* On the table's thread. */
static void written(void *ctx, int rc, const struct rf_settings *now)
{
	struct rf_feature_job *job = ctx;

	job->rc = rc;
	job->now = *now;
	job->mail.deliver = come_back;
	if (rf_mail_post(job->loop, &job->mail))
		__atomic_store_n(&job->stranded, true, __ATOMIC_RELEASE);
}

static void pick_up_stranded(struct rf_call_core *core)
{
	for (struct rf_feature_job *job = TAILQ_FIRST(&core->features), *next; job; job = next) {
		next = TAILQ_NEXT(job, list);
		if (__atomic_load_n(&job->stranded, __ATOMIC_ACQUIRE))
			come_back(&job->mail, 0);
	}
}

static void srv_event(void *arg, struct rf_srv *srv, enum rf_srv_event event)
{
	struct rf_feature_job *job = arg;

	(void)srv;
	if (event == RF_SRV_CANCELLED)
		rf_srv_reply_code(job->srv, 487); /* the change is made all the same */
	if (event == RF_SRV_GONE)
		job->srv = NULL;
}

/* --- the question */

static void refuse(struct rf_call_core *core, struct rf_in *in, unsigned code, struct rf_view phrase)
{
	rf_core_reply(core, in->srv, code, phrase);
}

static bool may_call(struct rf_call_core *core, const struct rf_dial_who *who, struct rf_view to)
{
	const struct rf_dial_ask ask = {
		.directory = core->directory, .who = *who, .dialled = to, .now = rf_core_wall(core)
	};

	rf_dial(&ask, &core->dial);
	return rf_plan_forwards_to(core->dial.kind) && !rf_view_eq(core->dial.number, who->number);
}

/* May the number be forwarded there? It is asked again for each call; a person should hear it now. Whoever sets
 * it from outside must be one who could call there from outside: calls are forwarded by the number's rights,
 * which may be wider. */
static bool may_forward(struct rf_call_core *core, const struct rf_proof *proof, struct rf_view to)
{
	const struct rf_dial_who number = { .number = rf_proof_number(proof) };
	struct rf_dial_who outside = number;

	if (!proof->host)
		return may_call(core, &number, to);
	outside.phone = proof->phone ? proof->phone->name : outside.phone;
	outside.roams = true;
	return may_call(core, &number, to) && may_call(core, &outside, to);
}

static bool read_number(struct rf_call_core *core, struct rf_in *in, struct rf_view to, char *dst)
{
	if (!to.n) {
		refuse(core, in, 484, RF_V("Dial the Code and the Number"));
		return false;
	}
	if (!rf_settings_target_ok(to) || !may_forward(core, &in->proof, to)) {
		refuse(core, in, 403, RF_V("Calls May Not Be Forwarded There"));
		return false;
	}
	memcpy(dst, to.p, to.n);
	return true;
}

static void set(struct rf_settings_change *c, const struct row *row)
{
	c->fields = row->field;
	c->to.dnd = row->on;
	c->to.no_call_waiting = !row->on;
	c->to.hide_number = row->on;
}

static struct rf_feature_job *new_job(struct rf_call_core *core, struct rf_in *in, const struct row *row,
				      const struct rf_settings_change *change, struct rf_view arg)
{
	struct rf_feature_job *job = core->census.features < JOBS_MAX ? calloc(1, sizeof *job) : NULL;

	if (!job)
		return NULL;
	job->party = rf_party_of(core, &in->proof);
	if (!job->party) {
		free(job);
		return NULL;
	}
	job->core = core;
	job->loop = core->loop;
	job->change = *change;
	snprintf(job->done, sizeof job->done, row->number ? "%s %.*s" : "%s", row->done, RF_VFMT(arg));
	TAILQ_INSERT_TAIL(&core->features, job, list);
	core->census.features++;
	return job;
}

bool rf_feature_run(struct rf_call_core *core, struct rf_in *in, enum rf_feature feature, struct rf_view arg)
{
	struct rf_settings_change change = { 0 };
	const struct row *row = &rows[feature];
	uint8_t dialled[RF_DIAL_NUMBER_MAX];
	unsigned kind = 0;

	if (!row->field || !core->settings)
		return false;
	/* it stands in core->dial, where we ask ourselves */
	arg = rf_view_sub(arg, 0, sizeof dialled);
	if (arg.n)
		memcpy(dialled, arg.p, arg.n);
	arg = rf_view_of(dialled, arg.n);
	pick_up_stranded(core);
	set(&change, row);
	while (row->number && (unsigned)RF_SET_FORWARD << kind != row->field)
		kind++;
	if (row->number && !read_number(core, in, arg, change.to.forward[kind]))
		return true;
	struct rf_feature_job *job = new_job(core, in, row, &change, arg);
	int rc = job ? rf_settings_change(core->settings, job->party->number, &change, written, job) : -ENOMEM;

	if (rc) {
		if (job)
			forget(job);
		rf_core_reply_headers(core, in->srv, 503, RF_V(""), RF_V("Retry-After: 5\r\n"));
		return true;
	}
	job->srv = in->srv;
	rf_srv_watch(in->srv, srv_event, job);
	return true;
}

void rf_feature_drop(struct rf_call_core *core)
{
	struct rf_feature_job *job;

	while ((job = TAILQ_FIRST(&core->features))) {
		TAILQ_REMOVE(&core->features, job, list);
		core->census.features--;
		job->core = NULL;
		if (job->srv)
			rf_srv_watch(job->srv, NULL, NULL);
		job->srv = NULL;
		if (__atomic_load_n(&job->stranded, __ATOMIC_ACQUIRE))
			forget(job);
	}
}
