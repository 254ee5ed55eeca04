/* The site's program for emergency calls: its process (notifier.h), and what becomes of each time that it runs. */
#include "role/controller_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int rf_controller_start_hook(struct rf_controller *k, struct rf_diag *diag)
{
	const char *hook = rf_site_cstr(k->site->emergency.hook);
	char program[RF_SITE_TEXT_MAX + 3];

	if (!*hook || rf_controller_is_border(k))
		return 0;
	/* Seen from the site's folder, where we are: the way there from / may be closed to the service user. */
	snprintf(program, sizeof program, "%s%s", *hook == '/' ? "" : "./", hook);
	if (access(program, X_OK))
		return rf_diag_set(diag, -errno, "emergency.hook: %s cannot be run: %s; make it executable (chmod +x)",
				   hook, strerror(errno));
	struct rf_notifier_options opt = { .exe = "/proc/self/exe",
					   .program = program,
					   .user = k->become ? &k->user : NULL };

	return rf_notifier_new(&opt, &k->notifier, diag);
}

int rf_controller_tell_hook(void *ctx, struct rf_view text)
{
	struct rf_controller *k = ctx;
	uint32_t id;

	return rf_notifier_tell(k->notifier, text, &id);
}

static void record_end(struct rf_controller *k, const struct rf_notifier_end *end)
{
	struct rf_event e;

	rf_event_init(&e, RF_EVENT_EMERGENCY_HOOK, k->clock.wall(k->clock.ctx));
	rf_event_u64(&e, "run", end->id);
	rf_event_cstr(&e, "outcome", end->status == 0 ? "done" : end->status > 0 ? "failed" :
				     end->status == -1 ? "killed" : "not started");
	if (end->status > 0)
		rf_event_u64(&e, "status", (uint64_t)end->status);
	rf_ledger_post(k->ledger, &e);
	if (end->status)
		rf_log(k->log, RF_LOG_ERROR, "emergency.hook did not do its work (%d): somebody may not have been told",
		       end->status);
}

static void on_end(void *arg, unsigned events)
{
	struct rf_controller *k = arg;
	struct rf_notifier_end end;
	int rc;

	(void)events;
	while ((rc = rf_notifier_ended(k->notifier, &end)) == 0)
		record_end(k, &end);
	if (rc != RF_E_CLOSED)
		return;
	rf_watch_set(k->hook_ends, 0);
	rf_log(k->log, RF_LOG_ERROR,
	       "the process that runs emergency.hook has ended: nobody is told by it until a restart");
}

int rf_controller_watch_hook(struct rf_controller *k)
{
	if (!k->notifier)
		return 0;
	int rc = rf_watch_new(k->loop, rf_notifier_fd(k->notifier), on_end, k, &k->hook_ends);

	return rc ? rc : rf_watch_set(k->hook_ends, RF_WATCH_READ);
}
