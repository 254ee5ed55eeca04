#include "fake_path.h"

#include <netinet/in.h>
#include <stdlib.h>

static const struct rf_media_interface all[4] = {
	{ .name = "in", .local = { .ip = { 10, 0, 0, 1 }, .family = 4 } },
	{ .name = "in", .local = { .ip = { 0x20, 1, 0xd, 0xb8, 0, 1, [15] = 1 }, .family = 6 } },
	{ .name = "out",
	  .local = { .ip = { 10, 9, 9, 9 }, .family = 4 },
	  .advertised = { .ip = { 198, 51, 100, 1 }, .family = 4 },
	  .outer = true },
	{ .name = "out", .outer = true, .local = { .ip = { 0x20, 1, 0xd, 0xb8, 0, 2, [15] = 1 }, .family = 6 } },
};

const struct rf_media_interface *rf_media_interface_at(const struct rf_media_worker *w, unsigned index)
{
	(void)w;
	return index < 4 ? &all[index] : NULL;
}

int rf_media_interface_find(const struct rf_media_worker *w, struct rf_view name, unsigned family)
{
	for (int i = 0; i < 4; i++) {
		const struct rf_media_interface *in = &all[i];

		if (w->only_ip4 && in->local.family == 6)
			continue;
		if ((name.n == 0 || rf_view_eq(name, rf_view_str(in->name))) &&
		    (family == 0 || in->local.family == family))
			return i;
	}
	return -1;
}

void rf_media_totals(const struct rf_media_worker *w, struct rf_media_totals *ret)
{
	(void)w;
	*ret = (struct rf_media_totals){ .packets = 5, .dropped = { 1, 2 } };
}

int rf_path_new(struct rf_media_worker *w, enum rf_path_kind kind, const unsigned interface[RF_PATH_ENDS],
		const struct rf_path_ops *ops, void *arg, struct rf_path **ret_path, const char **ret_what)
{
	void *memory = malloc(16); /* so that tests of failing allocations meet this one, too */

	free(memory);
	if (!memory)
		return -ENOMEM;
	for (size_t i = 0; i < KIT_PATHS && (w->most == 0 || w->n_used < w->most); i++) {
		struct rf_path *p = &w->paths[i];

		if (p->used)
			continue;
		*p = (struct rf_path){ .worker = w, .used = true, .kind = kind, .interface = { interface[0], interface[1] }, .ops = ops,
			.arg = arg };
		for (unsigned end = 0; end < 2; end++, w->next_port = (uint16_t)(w->next_port + 2))
			p->port[end] = w->next_port;
		w->n_used++;
		*ret_path = p;
		return 0;
	}
	*ret_what = "ports are exhausted";
	return RF_E_LIMIT;
}

void rf_path_free(struct rf_path *p)
{
	if (!p)
		return;
	if (!p->used || p->riders)
		abort(); /* twice, or while somebody rides on it */
	for (unsigned end = 0; end < 2; end++)
		if (p->bearer[end])
			p->bearer[end]->riders--;
	for (unsigned end = 0; end < 2; end++)
		if (p->filter[end] && p->filter[end]->gone)
			p->filter[end]->gone(p->filter[end]);
	for (unsigned end = 0; end < 2; end++)
		for (struct rf_path_tap *t = p->taps[end], *next; t; t = next) {
			next = t->next;
			t->gone(t);
		}
	p->used = false;
	p->worker->n_used--;
}

void rf_path_local(const struct rf_path *p, unsigned end, struct rf_addr *ret_rtp, struct rf_addr *ret_rtcp)
{
	const struct rf_media_interface *in;

	if (p->interface[end] == RF_PATH_CARRIED) {
		rf_path_local(p->bearer[end], 0, ret_rtp, ret_rtcp);
		return;
	}
	in = &all[p->interface[end]];
	*ret_rtp = in->advertised.family ? in->advertised : in->local;
	ret_rtp->port = p->port[end];
	*ret_rtcp = *ret_rtp;
	ret_rtcp->port = (uint16_t)(ret_rtp->port + !p->conf[end].rtcp_mux);
}

int rf_path_set(struct rf_path *p, unsigned end, const struct rf_path_end_conf *conf)
{
	if (p->worker->set_error)
		return p->worker->set_error;
	p->conf[end] = *conf;
	p->sets[end]++;
	p->ops->flows(p->arg, p);
	return 0;
}

void rf_path_open(struct rf_path *p)
{
	p->open = true;
}

void rf_path_set_filter(struct rf_path *p, unsigned end, struct rf_path_filter *f)
{
	p->filter[end] = f;
}

struct rf_path_filter *rf_path_filter_at(const struct rf_path *p, unsigned end)
{
	return p->filter[end];
}

int rf_path_ride(struct rf_path *p, unsigned end, struct rf_path *on)
{
	if (p->interface[end] != RF_PATH_CARRIED || (on && on->interface[1] != RF_PATH_NOBODY))
		return RF_E_INVALID;
	if (p->bearer[end])
		p->bearer[end]->riders--;
	p->bearer[end] = on;
	if (on)
		on->riders++;
	return 0;
}

void rf_path_add_tap(struct rf_path *p, unsigned end, struct rf_path_tap *t)
{
	t->next = p->taps[end];
	p->taps[end] = t;
}

void rf_path_drop_tap(struct rf_path *p, unsigned end, struct rf_path_tap *t)
{
	for (struct rf_path_tap **at = &p->taps[end]; *at; at = &(*at)->next)
		if (*at == t) {
			*at = t->next;
			return;
		}
}

int rf_path_send_rtcp(struct rf_path *p, unsigned end, uint8_t *compound, size_t n, size_t cap)
{
	(void)cap;
	if (!p->open)
		return RF_E_STATE;
	p->sent_rtcp[end]++;
	memcpy(p->last[end], compound, n);
	p->last_n[end] = n;
	return 0;
}

int rf_path_send(struct rf_path *p, unsigned end, uint8_t *packet, size_t n, size_t cap)
{
	(void)cap;
	if (!p->open)
		return RF_E_STATE;
	p->sent[end]++;
	memcpy(p->last[end], packet, n);
	p->last_n[end] = n;
	return 0;
}

void rf_path_set_silence(struct rf_path *p, uint32_t ms)
{
	p->silence_ms = ms;
}

void rf_path_hold(struct rf_path *p, unsigned end, unsigned holds)
{
	p->holds[end] = holds;
}

size_t rf_path_flows(const struct rf_path *p, struct rf_path_tuple ret[static RF_PATH_TUPLES_MAX])
{
	size_t n = 0;

	for (unsigned end = 0; end < 2; end++)
		if (p->conf[end].remote.family && p->interface[end] < 4)
			ret[n++] = (struct rf_path_tuple){ p->conf[end].remote, all[p->interface[end]].local, IPPROTO_UDP };
	return n;
}

void rf_path_stats(const struct rf_path *p, unsigned end, struct rf_path_end_stats *ret_stats)
{
	*ret_stats = p->stats[end];
	ret_stats->keying = p->conf[end].keying;
	if (p->conf[end].n_keys_in)
		ret_stats->suite = p->conf[end].keys_in[0].suite;
}
