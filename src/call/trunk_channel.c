/* Channels: places for calls on a trunk, and on all trunks together, as resources that a call of higher precedence may
 * take from a lower one (resource.h). The party of who is behind the trunk holds them, so that they follow its leg
 * wherever that goes, and are given back when the call to it fails or the last reference is gone. */
#include "call/trunk.h"

#include "call/call_int.h"

#include <stdlib.h>

enum { ITS_OWN, OF_ALL, HOLDS };

struct rf_trunk_channel {
	struct rf_resources *resources;
	struct rf_hold *hold[HOLDS];
	struct rf_trunk_peer *peer;
};

static int take(struct rf_call *call, struct rf_trunk_channel *c, unsigned which, struct rf_view name, uint32_t most)
{
	struct rf_claim claim = rf_admission_claim(call);
	struct rf_victim victims[RF_VICTIMS_MAX];
	size_t n = 0;
	int rc = rf_resource_take(c->resources, name, most, 0, 1, &claim, &c->hold[which], victims, &n);

	if (rc == 0)
		rf_admission_end(call->core, victims, n, call, name);
	return rc;
}

static void give(struct rf_trunk_channel *c)
{
	for (unsigned i = 0; i < HOLDS; i++)
		rf_resource_give(c->resources, c->hold[i]);
	rf_resources_put(c->resources);
	free(c);
}

static struct rf_trunk_channel *take_all(struct rf_call *call, const struct rf_site_trunk *t, struct rf_trunk_peer *p,
					 const char **ret_bound)
{
	struct rf_call_core *core = call->core;
	struct rf_trunk_channel *c = calloc(1, sizeof *c);
	uint8_t name[RF_RESOURCE_NAME_MAX];
	struct rf_writer w;

	*ret_bound = "memory";
	if (!c)
		return NULL;
	c->resources = rf_resources_get(rf_call_shared_resources(core->shared));
	c->peer = p;
	rf_writer_init(&w, name, sizeof name);
	rf_put_lit(&w, "trunk ");
	rf_put(&w, t->name);
	*ret_bound = "channels";
	int rc = w.err ? w.err : take(call, c, ITS_OWN, rf_view_of(name, w.n), t->channels);

	if (!rc) {
		*ret_bound = "external_calls";
		rc = take(call, c, OF_ALL, RF_V("external calls"), rf_core_site(core)->limits.external_calls);
	}
	if (!rc)
		return c;
	give(c);
	return NULL;
}

bool rf_trunk_take_channel(struct rf_call *call, struct rf_party *party, const struct rf_site_trunk *t,
			   enum rf_trunk_way way, const char **ret_bound)
{
	struct rf_trunk_peer *p = rf_trunk_peer(call->core, t);

	*ret_bound = "memory";
	party->channel = p ? take_all(call, t, p, ret_bound) : NULL;
	if (!party->channel) {
		if (p)
			atomic_fetch_add_explicit(&p->over_channels, 1, memory_order_relaxed);
		return false;
	}
	atomic_fetch_add_explicit(&p->channels, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&p->calls[way], 1, memory_order_relaxed);
	return true;
}

void rf_trunk_give_channel(struct rf_party *party)
{
	if (!party->channel)
		return;
	atomic_fetch_sub_explicit(&party->channel->peer->channels, 1, memory_order_relaxed);
	give(party->channel);
	party->channel = NULL;
}

unsigned rf_trunk_take_in(struct rf_call *call)
{
	struct rf_party *caller = call->caller;
	const struct rf_site_trunk *t = rf_site_trunk(rf_core_site(call->core), caller->trunk);
	const char *bound = "trunk";

	if (t && rf_trunk_take_channel(call, caller, t, RF_TRUNK_IN, &bound))
		return 0;
	rf_trunk_record_bound(call, caller, bound);
	return 503;
}

void rf_trunk_record_bound(struct rf_call *call, const struct rf_party *party, const char *bound)
{
	struct rf_event e;

	if (!rf_record_begin(call->core, RF_EVENT_LIMIT, &e))
		return;
	rf_event_cstr(&e, "bound", bound);
	rf_event_str(&e, "trunk", party->trunk);
	rf_event_str(&e, "number", call->caller->number);
	rf_event_str(&e, "session", rf_id_view(&call->id));
	rf_record_post(call->core, &e);
}
