/* What the cores of a process have together: how many calls there are, which tokens were seen, which numbers are in
 * calls. */
#include "call/stir_int.h"
#include "call/usage.h"

#include "call/callbacks.h"
#include "call/lines.h"
#include "call/park.h"
#include "call/roam_dialogs.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { USAGE_CAP = 200000 }; /* callers that used something in the last hour, or minutes abroad */

struct rf_call_shared {
	_Atomic size_t users, calls;
	struct rf_stir_replay *replay;
	struct rf_resources *resources;
	struct rf_usage *usage;
	struct rf_lines *lines;
	struct rf_slots *slots;
	struct rf_callbacks *callbacks;
	struct rf_roam_dialogs *roaming;
	_Atomic uint32_t turn;    /* of hunt groups in round robin */
};

static void free_all(struct rf_call_shared *s)
{
	rf_stir_replay_free(s->replay);
	rf_resources_put(s->resources);
	rf_usage_free(s->usage);
	rf_lines_free(s->lines);
	rf_slots_free(s->slots);
	rf_callbacks_free(s->callbacks);
	rf_roam_dialogs_free(s->roaming);
	free(s);
}

struct rf_call_shared *rf_call_shared_new(struct rf_random *random, const struct rf_hash_key *key)
{
	struct rf_call_shared *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	atomic_init(&s->users, 1);
	s->replay = rf_stir_replay_new(random);
	s->resources = rf_resources_new();
	s->lines = rf_lines_new(key);
	s->slots = rf_slots_new();
	s->callbacks = rf_callbacks_new();
	s->roaming = rf_roam_dialogs_new(key);
	if (rf_usage_new(USAGE_CAP, key, &s->usage) || !s->slots || !s->callbacks || !s->roaming || !s->lines ||
	    !s->replay || !s->resources) {
		free_all(s);
		return NULL;
	}
	return s;
}

struct rf_call_shared *rf_call_shared_get(struct rf_call_shared *s)
{
	atomic_fetch_add_explicit(&s->users, 1, memory_order_relaxed);
	return s;
}

void rf_call_shared_put(struct rf_call_shared *s)
{
	if (s && atomic_fetch_sub_explicit(&s->users, 1, memory_order_acq_rel) == 1)
		free_all(s);
}

struct rf_stir_replay *rf_call_shared_replay(struct rf_call_shared *s)
{
	return s->replay;
}

struct rf_usage *rf_call_shared_usage(struct rf_call_shared *s)
{
	return s->usage;
}

struct rf_callbacks *rf_call_shared_callbacks(struct rf_call_shared *s)
{
	return s->callbacks;
}

struct rf_roam_dialogs *rf_call_shared_roaming(struct rf_call_shared *s)
{
	return s->roaming;
}

struct rf_resources *rf_call_shared_resources(struct rf_call_shared *s)
{
	return s->resources;
}

struct rf_lines *rf_call_shared_lines(struct rf_call_shared *s)
{
	return s->lines;
}

struct rf_slots *rf_call_shared_slots(struct rf_call_shared *s)
{
	return s->slots;
}

uint32_t rf_call_shared_turn(struct rf_call_shared *s)
{
	return atomic_fetch_add_explicit(&s->turn, 1, memory_order_relaxed);
}

int rf_call_shared_take(struct rf_call_shared *s, size_t most)
{
	if (atomic_fetch_add_explicit(&s->calls, 1, memory_order_relaxed) < most)
		return 0;
	rf_call_shared_give(s);
	return RF_E_LIMIT;
}

void rf_call_shared_give(struct rf_call_shared *s)
{
	atomic_fetch_sub_explicit(&s->calls, 1, memory_order_relaxed);
}
