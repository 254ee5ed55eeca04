/* Addresses outside that a border wants dropped. They outlive the border's connection: that is when
 * an attack succeeds. */
#include "role/wall_int.h"

#include "role/wall_right.h"

#include <arpa/inet.h>
#include <stdlib.h>

struct rf_wall_block {
	struct rf_node node;
	struct rf_front *wall;
	struct rf_timer end;
	struct rf_tuple address;
	int64_t until_us;            /* by the date */
	char host[64];
};

static struct rf_wall_block *find(const struct rf_front *w, const struct rf_tuple *t, uint64_t *ret_hash)
{
	*ret_hash = rf_hash(&w->hash_key, rf_view_of(t, sizeof *t));
	for (struct rf_node *n = rf_table_first(&w->blocks, *ret_hash); n; n = rf_table_next(n)) {
		struct rf_wall_block *b = rf_container(n, struct rf_wall_block, node);

		if (memcmp(&b->address, t, sizeof *t) == 0)
			return b;
	}
	return NULL;
}

static void forget(struct rf_wall_block *b)
{
	rf_timer_stop(rf_loop_wheel(b->wall->loop), &b->end);
	rf_table_del(&b->wall->blocks, &b->node);
	free(b);
}

/* The kernel lets go of it by itself. */
static void end_fire(struct rf_timer *t)
{
	forget(rf_container(t, struct rf_wall_block, end));
}

static int check(struct rf_front *w, const struct rf_wall_host *host, const struct rf_wall_request *r,
		 uint32_t *ret_index)
{
	const struct rf_site_host *h = rf_wall_host_of(w, rf_view_str(host->name));
	size_t more = 0;
	uint64_t hash;

	for (size_t i = 0; i < r->n; i++) {
		bool known = find(w, &r->tuples[i], &hash) != NULL;

		*ret_index = (uint32_t)i;
		if (!h || !rf_wall_may_block(w->site, h, &r->tuples[i]))
			return RF_E_DENIED;
		if (r->verb == RF_WALL_UNBLOCK && !known)
			return RF_E_NOT_FOUND;
		more += !known;
	}
	return r->verb == RF_WALL_BLOCK && w->blocks.count + more > RF_WALL_BLOCKS ? RF_E_LIMIT : 0;
}

static struct rf_wall_block *add(struct rf_front *w, const struct rf_tuple *t, uint64_t hash)
{
	struct rf_wall_block *b = calloc(1, sizeof *b);

	if (!b)
		return NULL;
	b->wall = w;
	b->address = *t;
	rf_timer_init(&b->end, end_fire);
	if (rf_table_add(&w->blocks, &b->node, hash)) {
		free(b);
		return NULL;
	}
	return b;
}

/* False: no memory. */
static bool block(struct rf_front *w, const struct rf_wall_host *host, const struct rf_wall_request *r, uint32_t i,
		  struct rf_wall_wait *wait)
{
	struct rf_hand_element e = { .op = RF_HAND_REFRESH, .set = RF_HAND_BLOCKED, .timeout_ms = r->seconds * 1000,
				     .tuple = r->tuples[i] };
	uint64_t hash;
	struct rf_wall_block *b = find(w, &r->tuples[i], &hash);

	if (!b) {
		e.op = RF_HAND_OPEN;
		b = add(w, &r->tuples[i], hash);
	}
	if (!b)
		return false;
	memcpy(b->host, host->name, sizeof b->host);
	b->until_us = w->clock.wall(w->clock.ctx).us + (int64_t)r->seconds * 1000000;
	rf_timer_start(rf_loop_wheel(w->loop), &b->end, (uint64_t)r->seconds * 1000);
	rf_wall_push(w, &e, wait, i);
	w->counts.blocked += e.op == RF_HAND_OPEN;
	return true;
}

static void unblock(struct rf_front *w, const struct rf_wall_request *r, uint32_t i, struct rf_wall_wait *wait)
{
	struct rf_hand_element e = { .op = RF_HAND_CLOSE, .set = RF_HAND_BLOCKED, .tuple = r->tuples[i] };
	uint64_t hash;
	struct rf_wall_block *b = find(w, &r->tuples[i], &hash);

	if (b) /* the same one may be named twice */
		forget(b);
	rf_wall_push(w, &e, wait, i);
}

int rf_wall_block_request(struct rf_front *w, struct rf_wall_host *host, const struct rf_wall_request *r,
			  struct rf_wall_wait *wait, uint32_t *ret_index)
{
	int rc = check(w, host, r, ret_index);

	for (uint32_t i = 0; i < r->n && !rc; i++) {
		if (r->verb == RF_WALL_UNBLOCK)
			unblock(w, r, i, wait);
		else if (!block(w, host, r, i, wait)) {
			w->counts.failed++;
			rf_wall_answer(wait, i);
		}
	}
	return rc;
}

void rf_wall_block_undo(struct rf_front *w, const struct rf_hand_element *e)
{
	uint64_t hash;
	struct rf_wall_block *b = find(w, &e->tuple, &hash);

	if (b && e->op != RF_HAND_CLOSE)
		forget(b);
}

static void free_block(struct rf_node *n, void *arg)
{
	(void)arg;
	forget(rf_container(n, struct rf_wall_block, node));
}

void rf_wall_blocks_fini(struct rf_front *w)
{
	rf_table_each(&w->blocks, free_block, NULL);
	rf_table_fini(&w->blocks);
}

/* --- status */

static void show(struct rf_node *n, void *arg)
{
	struct rf_wall_block *b = rf_container(n, struct rf_wall_block, node);
	char ip[INET6_ADDRSTRLEN], until[RF_WALL_TEXT];

	inet_ntop(b->address.family == 4 ? AF_INET : AF_INET6, b->address.src, ip, sizeof ip);
	rf_wall_text((struct rf_wall){ b->until_us }, until);
	json_array_append_new(arg, json_pack("{s:s,s:s,s:s}", "address", ip, "until", until, "host", b->host));
}

json_t *rf_wall_blocks_json(struct rf_front *w)
{
	json_t *list = json_array();

	rf_table_each(&w->blocks, show, list);
	return list;
}
