#include "role/relay_int.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

enum { HOME_ROUNDS = 32, HEAP_AHEAD = 16 << 20 };

/* ---- making */

static int share_of_ports(struct anchor_worker *w, struct rf_diag *diag)
{
	struct anchor *a = w->anchor;

	for (unsigned i = 0; i < a->plan.n_interfaces; i++) {
		const struct rf_media_interface *all = &a->plan.interfaces[i];

		w->interfaces[i] = *all;
		if (!rf_anchor_ports(all->port_first, all->port_last, w->index, a->workers,
				     &w->interfaces[i].port_first, &w->interfaces[i].port_last))
			return rf_diag_set(diag, RF_E_INVALID, "ports %u to %u are too few for %u workers",
					   all->port_first, all->port_last, a->workers);
	}
	return 0;
}

static bool has_walls(const struct anchor *a)
{
	struct rf_pinholes_wall walls[RF_PIN_WALLS_MAX];

	return a->site && rf_pinholes_walls_of(a->site, a->host, walls) != 0;
}

static int make_worker(struct anchor *a, unsigned index, struct rf_diag *diag)
{
	struct anchor_worker *w = &a->worker[index];
	char name[32];

	w->anchor = a;
	w->index = index;
	rf_random_system(&w->random);
	rf_timer_init(&w->owe, anchor_owe_fire);
	snprintf(name, sizeof name, "relay %u", index);
	struct rf_loop_conf loop = { .log = a->log, .name = name };
	struct rf_media_conf media = {
		.log = a->log, .random = &w->random, .dtls = a->dtls, .fast = a->fast,
		.xsk = a->xsk ? rf_xsk_part(a->xsk, index) : NULL, .interfaces = w->interfaces,
		.n_interfaces = a->plan.n_interfaces, .keep_max = a->keep_max, .stock = a->keep_max / 4,
		.poll = a->plan.poll,
		.files = a->files,
	};
	struct rf_relay_conf relay = {
		.random = &w->random, .log = a->log, .hash_key = a->hash_key, .fingerprint = rf_dtls_ctx_print(a->dtls),
		.policy = a->plan.policy, .clips = a->clips, .ctx = w,
		.ops = has_walls(a) ? &anchor_relay_ops : &anchor_relay_ops_unwalled,
	};
	int rc = share_of_ports(w, diag);

	if (rc)
		return rc;
	if (relay.policy.sessions_max)
		relay.policy.sessions_max = (relay.policy.sessions_max + a->workers - 1) / a->workers;
	if (relay.policy.coded_max)
		relay.policy.coded_max = (relay.policy.coded_max + a->workers - 1) / a->workers;
	w->reply = malloc(RF_NG_BYTES_MAX);
	if (!w->reply)
		rc = -ENOMEM;
	if (!rc)
		rc = rf_loop_new(&loop, &w->loop);
	media.loop = relay.loop = w->loop;
	if (!rc)
		rc = rf_media_worker_new(&media, &w->media);
	relay.worker = w->media;
	if (!rc)
		rc = rf_relay_new(&relay, &w->relay);
	return rc ? rf_diag_set(diag, rc, "worker %u: %s", index, rf_err_text(rc)) : 0;
}

int anchor_make_workers(struct anchor *a, struct rf_diag *diag)
{
	int rc = 0;

	/* What a worker's heap may come to have is mapped at once, untouched: else it grows by a page and
	 * a system call each. */
	mallopt(M_TOP_PAD, HEAP_AHEAD);
	a->worker = calloc(a->workers, sizeof *a->worker);
	if (!a->worker)
		return rf_diag_set(diag, -ENOMEM, "out of memory");
	for (unsigned i = 0; i < a->workers && !rc; i++)
		rc = make_worker(a, i, diag);
	return rc;
}

/* ---- running */

static void *worker_main(void *arg)
{
	struct anchor_worker *w = arg;
	char name[16];

	snprintf(name, sizeof name, "rf-relay-%u", w->index);
	pthread_setname_np(pthread_self(), name);
	int rc = rf_loop_run(w->loop);
	if (rc)
		rf_log(w->anchor->log, RF_LOG_ERROR, "relay %u: %s", w->index, rf_err_text(rc));
	return NULL;
}

int anchor_start_workers(struct anchor *a, struct rf_diag *diag)
{
	for (unsigned i = 0; i < a->workers; i++) {
		int rc = pthread_create(&a->worker[i].thread, NULL, worker_main, &a->worker[i]);

		if (rc)
			return rf_diag_set(diag, -rc, "worker %u: %s", i, rf_err_text(-rc));
		a->worker[i].started = true;
	}
	return 0;
}

void anchor_join_workers(struct anchor *a)
{
	for (unsigned i = 0; a->worker && i < a->workers; i++)
		if (a->worker[i].started)
			rf_loop_stop(a->worker[i].loop);
	for (unsigned i = 0; a->worker && i < a->workers; i++)
		if (a->worker[i].started)
			pthread_join(a->worker[i].thread, NULL);
}

/* No thread runs: every loop's things may be ended from here. What is on its way through the workers comes home
 * first: a visit goes from one to the next and an answer to the gate that asked, and a turn takes 512 of the 4,096
 * requests that may wait. */
void anchor_free_workers(struct anchor *a)
{
	if (!a->worker)
		return;
	for (unsigned round = 0; round < a->workers + HOME_ROUNDS; round++) {
		for (unsigned i = 0; i < a->workers; i++)
			if (a->worker[i].started)
				rf_loop_turn(a->worker[i].loop, 0);
		if (a->loop)
			rf_loop_turn(a->loop, 0);
	}
	for (unsigned i = 0; i < a->workers; i++) {
		struct anchor_worker *w = &a->worker[i];

		if (w->relay)
			rf_relay_free(w->relay);
		rf_media_worker_free(w->media);
		if (w->loop)
			rf_timer_stop(rf_loop_wheel(w->loop), &w->owe);
	}
	if (a->loop)
		rf_loop_turn(a->loop, 0); /* the ends of their pinholes */
	anchor_free_gate(&a->gate[ANCHOR_GATE_WORKER]);
	for (unsigned i = a->workers; i-- > 0;) { /* the first one last: answers of others go home to its gate */
		rf_loop_free(a->worker[i].loop);
		free(a->worker[i].reply);
	}
	free(a->worker);
	a->worker = NULL;
}

/* ---- visits */

static void arrive(struct rf_mail *mail, int status)
{
	struct anchor_visit *v = rf_container(mail, struct anchor_visit, mail);
	struct anchor *a = v->anchor;

	if (status || v->next > a->workers) {
		v->done(v, status);
		return;
	}
	v->at(v, &a->worker[v->next - 1]);
	struct rf_loop *to = v->next < a->workers ? a->worker[v->next].loop : a->loop;
	v->next++;
	rf_mail_forward(to, mail); /* done() is main's, also where a mailbox is full */
}

int anchor_visit(struct anchor *a, struct anchor_visit *v)
{
	v->anchor = a;
	v->mail.deliver = arrive;
	v->next = 1;
	return rf_mail_post(a->worker[0].loop, &v->mail);
}

void anchor_add(struct anchor_sums *s, const struct anchor_worker *w)
{
	struct rf_relay_census census = rf_relay_census(w->relay);
	struct rf_media_census media = rf_media_census(w->media);
	struct rf_media_totals t;

	rf_media_totals(w->media, &t);
	s->census.sessions += census.sessions;
	s->census.parties += census.parties;
	s->census.media += census.media;
	s->census.coded += census.coded;
	s->census.untold += census.untold;
	s->media.paths += media.paths;
	s->media.ports += media.ports;
	s->media.sockets += media.sockets;
	s->media.kept += media.kept;
	s->media.ports_free += media.ports_free;
	s->media.dry |= media.dry;
	s->media.in_kernel += media.in_kernel;
	s->media.in_xdp += media.in_xdp;
	s->polls = rf_media_polls(w->media);
	s->totals.packets += t.packets;
	s->totals.bytes += t.bytes;
	s->totals.sent += t.sent;
	s->totals.kernel_packets += t.kernel_packets;
	s->totals.kernel_bytes += t.kernel_bytes;
	s->totals.xsk_packets += t.xsk_packets;
	s->totals.xsk_bytes += t.xsk_bytes;
	rf_tally_join(&s->totals.ended, &t.ended);
	for (unsigned i = 0; i < RF_DROPS; i++)
		s->totals.dropped[i] += t.dropped[i];
	for (unsigned i = 0; i < ANCHOR_GATES; i++)
		if (w->anchor->gate[i].worker == w)
			anchor_gate_count(&w->anchor->gate[i], &s->server);
}

struct anchor_worker *anchor_worker_of(struct anchor *a, struct rf_view call_id)
{
	return &a->worker[rf_hash(&a->hash_key, call_id) % a->workers];
}
