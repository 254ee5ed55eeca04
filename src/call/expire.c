/* The passing of time for bindings: those that ran out leave the table, and what the disk holds stays true when
 * somebody sets the clock. The table counts on the monotonic clock and does not notice; the disk has dates, since the
 * other clock starts anew with the machine. So after a jump every binding is written once more with its new date,
 * before anything is deleted there. A REGISTER of the very moment of the jump may be overwritten by what the table had
 * before; the phone's next refresh puts that right. */
#include "call/lamps.h"
#include "call/registration.h"
#include "call/trunk.h"

enum { JUMP_US = 5000000, LOOK_AT = 4096, STORE_EVERY = 600 };

static void expired(void *ctx, struct rf_view aor, const struct rf_binding *b)
{
	rf_record_registration(ctx, RF_EVENT_REGISTRATION_EXPIRED, aor, b, "expired");
	rf_lamps_bound(ctx, aor);
}

struct rewrite {
	struct rf_call_core *core;
	struct rf_arena arena;
	struct rf_mono now;
	struct rf_wall wall;
	int rc;
};

static void rewrite_one(void *ctx, struct rf_view aor, const struct rf_binding *b)
{
	struct rewrite *w = ctx;
	struct rf_stored_binding *s;

	if (b->expires.us <= w->now.us || w->rc)
		return;
	w->rc = rf_binding_store(&w->arena, b, w->now, w->wall, &s);
	if (!w->rc)
		w->rc = rf_bindings_put(w->core->bindings, aor, s, NULL, NULL);
	rf_arena_reset(&w->arena);
}

static int rewrite_all(struct rf_call_core *core, struct rf_mono now, struct rf_wall wall)
{
	struct rewrite w = { .core = core, .now = now, .wall = wall };

	rf_arena_init(&w.arena, 16 * 1024);
	rf_location_walk(core->location, rewrite_one, &w);
	rf_arena_fini(&w.arena);
	return w.rc;
}

/* False: dates on disk are not in order yet (no room in its queue); the next second tries again. */
static bool dates_true(struct rf_call_core *core, struct rf_mono now, struct rf_wall wall)
{
	int64_t apart = wall.us - (int64_t)now.us, moved = apart - core->clocks_apart_us;

	if (!core->clocks_known) {
		core->clocks_known = true;
		core->clocks_apart_us = apart;
		return true;
	}
	if (moved < JUMP_US && moved > -JUMP_US)
		return true;
	if (rewrite_all(core, now, wall))
		return false;
	core->counters.clock_jumps++;
	core->clocks_apart_us = apart;
	return true;
}

void rf_call_core_expire(struct rf_call_core *core)
{
	struct rf_mono now = rf_core_now(core);
	struct rf_wall wall = rf_core_wall(core);

	rf_location_expire(core->location, now, LOOK_AT, expired, core);
	rf_lamps_expire(core);
	rf_trunk_watch(core);
	if (core->bindings && dates_true(core, now, wall) && ++core->expire_turns % STORE_EVERY == 0)
		rf_bindings_expire(core->bindings, wall, NULL, NULL);
}
