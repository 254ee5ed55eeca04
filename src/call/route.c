#include "call/route.h"

static void refuse(struct rf_route *r, unsigned code, const char *why)
{
	r->code = code;
	r->why = why;
	r->n = 0;
}

static bool reachable(struct rf_call_core *core, struct rf_view aor, const struct rf_binding *b)
{
	if (b->waiting)
		return false;
	if (!b->by_flow || rf_ua_flow_alive(core->ua, &b->flow))
		return true;
	rf_location_flow_lost(core->location, aor, &b->flow);
	return false;
}

static void find_bindings(struct rf_call_core *core, struct rf_arena *arena, struct rf_route *r)
{
	struct rf_view number = rf_view_of(r->dialled, r->dialled_n), domain = rf_core_site(core)->domain;
	uint8_t buf[320];
	struct rf_writer w;
	struct rf_view aor;
	size_t n = 0, kept = 0;

	rf_writer_init(&w, buf, sizeof buf);
	rf_put(&w, number);
	rf_put_byte(&w, '@');
	rf_put(&w, domain);
	if (rf_writer_done(&w, &aor) ||
	    rf_location_get(core->location, aor, rf_core_now(core), arena, &r->to, &n)) {
		refuse(r, 503, "memory");
		return;
	}
	for (size_t i = 0; i < n && kept < core->limits.forks_per_call; i++)
		if (rf_identity_stands(core, r->to[i].phone, r->to[i].user, number) && reachable(core, aor, &r->to[i]))
			r->to[kept++] = r->to[i];
	r->n = kept;
	if (kept == 0)
		refuse(r, 480, n ? "waiting for the phone to reconnect" : "not registered");
}

/* How many calls this number has made that still are. */
static size_t calls_of(struct rf_call_core *core, struct rf_view number)
{
	size_t count = 0;

	for (struct rf_node *n = rf_table_first(&core->by_number, rf_hash(&core->hash_key, number)); n;
	     n = rf_table_next(n))
		count++;
	return count;
}

void rf_route_find(struct rf_call_core *core, const struct rf_in *in, struct rf_arena *arena,
		   struct rf_route *ret_route)
{
	struct rf_route *r = ret_route;
	struct rf_view number, own = rf_proof_number(&in->proof);

	r->n = 0;
	r->code = 0;
	r->why = NULL;
	r->dialled_n = 0;
	if (!rf_identity_our_host(core, &in->msg->uri)) {
		refuse(r, 403, "not a number of this site");
		return;
	}
	if (!rf_identity_number_of(core, &in->msg->uri, r->dialled, sizeof r->dialled, &number)) {
		refuse(r, 404, "no number");
		return;
	}
	r->dialled_n = number.n;
	memmove(r->dialled, number.p, number.n);
	if (!rf_directory_number(core->directory, number))
		refuse(r, 404, "unknown number");
	else if (rf_view_eq(number, own))
		refuse(r, 486, "called itself");
	else if (calls_of(core, own) >= rf_core_site(core)->limits.calls_per_number)
		refuse(r, 503, "too many calls of this number");
	else
		find_bindings(core, arena, r);
}
