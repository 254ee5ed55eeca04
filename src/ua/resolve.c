/* RFC 3263 4 as a short list of questions, asked one after the other:
 *
 *	NAPTR (only when neither port nor transport are given) -> names for SRV
 *	SRV of each of these (only when no port is given)      -> targets: host, port, transport
 *	A and AAAA of each target                              -> hops
 *
 * Each step that finds nothing leaves what the next one then does by default. */
#include "ua/resolve.h"

#include "base/table.h"
#include "loop/loop.h"
#include "net/dns.h"

#include <stdlib.h>

enum { QUESTIONS_MAX = 6, TARGETS_MAX = 16, NAME_MAX_ = RF_DNS_NAME_MAX + 1 };

struct question {
	uint8_t kind;
	char name[NAME_MAX_ + 16]; /* "_sips._tcp." may come before it */
};

struct target {
	uint8_t kind;
	uint16_t port, priority, weight;
	char name[NAME_MAX_];
};

struct rf_resolve {
	struct rf_resolve_conf conf;
	void (*done)(void *arg, int status, const struct rf_hops *hops);
	void *arg;
	struct rf_dns_query *query;
	struct rf_defer defer;
	int status;               /* why there is no hop yet */
	uint16_t port;            /* of the URI, 0 */
	uint8_t chosen[2];        /* transports when the URI does not say: the first that can be used first */
	size_t chosen_n, question_n, question_at, target_n, target_at;
	bool asked_kind;          /* the URI says its transport */
	bool stopped;
	struct rf_hops hops;
	char host[NAME_MAX_], name[NAME_MAX_]; /* what is looked up; what TLS must prove */
	struct question questions[QUESTIONS_MAX];
	struct target targets[TARGETS_MAX];
};

static void next_target(struct rf_resolve *r);
static void next_question(struct rf_resolve *r);

/* ---- the end ---- */

static void finish_run(struct rf_defer *d)
{
	struct rf_resolve *r = rf_container(d, struct rf_resolve, defer);

	if (!r->stopped) {
		r->hops.tls_name = rf_view_str(r->name);
		r->done(r->arg, r->hops.n ? 0 : r->status, r->hops.n ? &r->hops : NULL);
	}
	free(r);
}

static void finish(struct rf_resolve *r)
{
	rf_loop_defer(r->conf.loop, &r->defer);
}

void rf_resolve_stop(struct rf_resolve *r)
{
	if (!r)
		return;
	rf_dns_stop(r->query);
	r->stopped = true;
	if (!r->defer.queued)
		free(r);
}

static bool usable(const struct rf_resolve *r, unsigned kind)
{
	return (r->conf.kinds >> kind & 1) && (!r->conf.secure || kind == RF_FLOW_TLS);
}

static uint16_t usual_port(unsigned kind)
{
	return kind == RF_FLOW_TLS ? 5061 : 5060;
}

/* ---- targets and hops ---- */

static void add_hop(struct rf_resolve *r, const struct rf_addr *addr, uint16_t port, uint8_t kind)
{
	struct rf_hops *h = &r->hops;

	if (h->n == RF_HOPS_MAX || (addr->family == 4 ? !r->conf.v4 : !r->conf.v6))
		return;
	h->hop[h->n] = (struct rf_hop){ .addr = *addr, .kind = kind };
	h->hop[h->n++].addr.port = port;
}

static void add_target(struct rf_resolve *r, const char *name, uint16_t port, uint8_t kind)
{
	if (r->target_n == TARGETS_MAX)
		return;
	struct target *t = &r->targets[r->target_n++];
	*t = (struct target){ .kind = kind, .port = port };
	memcpy(t->name, name, strlen(name) + 1);
}

/* The host of the URI itself, over the transports that are left to us. */
static void add_host(struct rf_resolve *r)
{
	for (size_t i = 0; i < r->chosen_n; i++)
		add_target(r, r->host, r->port ? r->port : usual_port(r->chosen[i]), r->chosen[i]);
}

static void on_addr(void *arg, const struct rf_dns_answer *answer)
{
	struct rf_resolve *r = arg;
	const struct target *t = &r->targets[r->target_at - 1];

	r->query = NULL;
	if (answer->status)
		r->status = answer->status;
	for (size_t i = 0; !answer->status && i < answer->n; i++)
		add_hop(r, &answer->addr[i], t->port, t->kind);
	next_target(r);
}

static int ask(struct rf_resolve *r, enum rf_dns_type type, const char *name,
	       void (*done)(void *arg, const struct rf_dns_answer *answer))
{
	if (!r->conf.dns)
		return RF_E_NOT_FOUND;
	return rf_dns_start(r->conf.dns, type, rf_view_str(name), done, r, &r->query);
}

static void next_target(struct rf_resolve *r)
{
	struct rf_addr addr;

	while (r->target_at < r->target_n && r->hops.n < RF_HOPS_MAX) {
		const struct target *t = &r->targets[r->target_at++];

		if (!rf_addr_parse(rf_view_str(t->name), 1, &addr)) {
			add_hop(r, &addr, t->port, t->kind);
			continue;
		}
		int rc = ask(r, RF_DNS_ADDR, t->name, on_addr);
		if (!rc)
			return;
		r->status = rc;
	}
	finish(r);
}

/* ---- SRV ---- */

/* RFC 2782: within one priority, at random in proportion to the weights; those without weight have a small chance. */
static void order_targets(struct rf_resolve *r, size_t from)
{
	for (size_t i = from; i < r->target_n; i++) {
		uint16_t first = UINT16_MAX;
		uint64_t sum = 0, pick;
		size_t k;

		for (k = i; k < r->target_n; k++)
			if (r->targets[k].priority < first)
				first = r->targets[k].priority;
		for (k = i; k < r->target_n; k++)
			if (r->targets[k].priority == first)
				sum += r->targets[k].weight + 1u;
		pick = rf_random_u64(r->conf.random) % sum;
		for (k = i; k < r->target_n; k++) {
			if (r->targets[k].priority != first)
				continue;
			if (pick < r->targets[k].weight + 1u)
				break;
			pick -= r->targets[k].weight + 1u;
		}
		struct target t = r->targets[k];
		r->targets[k] = r->targets[i];
		r->targets[i] = t;
	}
}

static void on_srv(void *arg, const struct rf_dns_answer *answer)
{
	struct rf_resolve *r = arg;
	uint8_t kind = r->questions[r->question_at - 1].kind;
	size_t from = r->target_n;

	r->query = NULL;
	if (answer->status)
		r->status = answer->status;
	for (size_t i = 0; !answer->status && i < answer->n && r->target_n < TARGETS_MAX; i++) {
		const struct rf_dns_srv *s = &answer->srv[i];

		if (!s->target[0] || !s->port)
			continue;
		add_target(r, s->target, s->port, kind);
		r->targets[r->target_n - 1].priority = s->priority;
		r->targets[r->target_n - 1].weight = s->weight;
	}
	order_targets(r, from);
	next_question(r);
}

static void add_question(struct rf_resolve *r, uint8_t kind, const char *prefix, const char *name)
{
	struct rf_writer w;

	if (r->question_n == QUESTIONS_MAX || !usable(r, kind))
		return;
	struct question *q = &r->questions[r->question_n];
	rf_writer_init(&w, q->name, sizeof q->name - 1);
	rf_put(&w, rf_view_str(prefix));
	rf_put(&w, rf_view_str(name));
	if (w.err)
		return;
	q->name[w.n] = '\0';
	q->kind = kind;
	r->question_n++;
}

static void next_question(struct rf_resolve *r)
{
	while (r->question_at < r->question_n) {
		int rc = ask(r, RF_DNS_SRV, r->questions[r->question_at++].name, on_srv);

		if (!rc)
			return;
		r->status = rc;
	}
	if (!r->target_n)
		add_host(r); /* RFC 3263 4.2: no SRV at all */
	next_target(r);
}

static void ask_srv_of(struct rf_resolve *r, uint8_t kind)
{
	static const char *const prefix[RF_FLOW_KINDS] = {
		[RF_FLOW_UDP] = "_sip._udp.", [RF_FLOW_TCP] = "_sip._tcp.", [RF_FLOW_TLS] = "_sips._tcp.",
	};

	add_question(r, kind, prefix[kind], r->host);
}

/* ---- NAPTR ---- */

static uint8_t kind_of_service(const char *service)
{
	struct rf_view v = rf_view_str(service);

	return rf_view_eq_nocase(v, RF_V("SIP+D2U"))	? RF_FLOW_UDP
	       : rf_view_eq_nocase(v, RF_V("SIP+D2T"))	? RF_FLOW_TCP
	       : rf_view_eq_nocase(v, RF_V("SIPS+D2T")) ? RF_FLOW_TLS
							: RF_FLOW_NONE;
}

static bool before(const struct rf_dns_naptr *a, const struct rf_dns_naptr *b)
{
	return a->order != b->order ? a->order < b->order : a->preference < b->preference;
}

static void on_naptr(void *arg, const struct rf_dns_answer *answer)
{
	struct rf_resolve *r = arg;
	bool used[RF_DNS_RECORDS_MAX] = { false };

	r->query = NULL;
	for (size_t round = 0; !answer->status && round < answer->n; round++) {
		size_t best = answer->n;

		for (size_t i = 0; i < answer->n && i < RF_DNS_RECORDS_MAX; i++)
			if (!used[i] && (best == answer->n || before(&answer->naptr[i], &answer->naptr[best])))
				best = i;
		if (best == answer->n)
			break;
		used[best] = true;
		const struct rf_dns_naptr *n = &answer->naptr[best];
		uint8_t kind = kind_of_service(n->service);
		if (kind != RF_FLOW_NONE && n->replacement[0] && rf_view_eq_nocase(rf_view_str(n->flags), RF_V("s")))
			add_question(r, kind, "", n->replacement);
	}
	if (!r->question_n) { /* none of use: SRV for each of ours, the safest first */
		ask_srv_of(r, RF_FLOW_TLS);
		ask_srv_of(r, RF_FLOW_TCP);
		ask_srv_of(r, RF_FLOW_UDP);
	}
	next_question(r);
}

/* ---- the start ---- */

static uint8_t kind_of_param(struct rf_view v, bool secure)
{
	if (rf_view_eq_nocase(v, RF_V("tls")))
		return RF_FLOW_TLS;
	if (rf_view_eq_nocase(v, RF_V("tcp")))
		return secure ? RF_FLOW_TLS : RF_FLOW_TCP; /* sips:...;transport=tcp is TLS over TCP, RFC 3261 26.2.2 */
	return rf_view_eq_nocase(v, RF_V("udp")) ? RF_FLOW_UDP : RF_FLOW_NONE;
}

static int choose(struct rf_resolve *r, const struct rf_sip_uri *uri)
{
	static const uint8_t small[] = { RF_FLOW_UDP, RF_FLOW_TCP, RF_FLOW_TLS };
	static const uint8_t large[] = { RF_FLOW_TCP, RF_FLOW_UDP, RF_FLOW_TLS };
	const uint8_t *order = r->conf.large ? large : small;
	struct rf_view v;

	if (rf_sip_uri_param(uri, RF_V("transport"), &v)) {
		r->asked_kind = true;
		r->chosen[r->chosen_n++] = kind_of_param(v, r->conf.secure);
		return usable(r, r->chosen[0]) && r->chosen[0] ? 0 : RF_E_UNSUPPORTED;
	}
	for (size_t i = 0; i < sizeof small && r->chosen_n < 2; i++)
		if (usable(r, order[i]))
			r->chosen[r->chosen_n++] = order[i];
	/* RFC 3263 4.1 has one default; a second way is tried only when the first was not it but our choice by size. */
	if (r->chosen_n == 2 && !r->conf.large)
		r->chosen_n = 1;
	return r->chosen_n ? 0 : RF_E_UNSUPPORTED;
}

static void begin(struct rf_resolve *r)
{
	struct rf_addr addr;

	if (r->port || !rf_addr_parse(rf_view_str(r->host), 1, &addr)) {
		add_host(r);
		next_target(r);
	} else if (r->asked_kind) {
		ask_srv_of(r, r->chosen[0]);
		next_question(r);
	} else if (ask(r, RF_DNS_NAPTR, r->host, on_naptr)) {
		add_host(r);
		next_target(r);
	}
}

int rf_resolve_start(const struct rf_resolve_conf *conf, const struct rf_sip_uri *uri,
		     void (*done)(void *arg, int status, const struct rf_hops *hops), void *arg,
		     struct rf_resolve **ret_resolve)
{
	struct rf_view host = uri->host, maddr;

	if (!rf_sip_uri_is_sip(uri) || !uri->host.n)
		return RF_E_INVALID;
	if (rf_sip_uri_param(uri, RF_V("maddr"), &maddr) && maddr.n)
		host = maddr;
	struct rf_resolve *r = calloc(1, sizeof *r);
	if (!r)
		return -ENOMEM;
	r->conf = *conf;
	r->conf.secure = conf->secure || uri->scheme == RF_SIP_SCHEME_SIPS;
	r->done = done;
	r->arg = arg;
	r->port = uri->port;
	r->status = RF_E_NOT_FOUND;
	rf_defer_init(&r->defer, finish_run);
	if (!rf_view_cstr(host, r->host, sizeof r->host) || !rf_view_cstr(uri->host, r->name, sizeof r->name)) {
		free(r);
		return RF_E_INVALID;
	}
	*ret_resolve = r;
	r->status = choose(r, uri);
	if (r->status) {
		finish(r);
		return 0;
	}
	r->status = RF_E_NOT_FOUND;
	begin(r);
	return 0;
}
