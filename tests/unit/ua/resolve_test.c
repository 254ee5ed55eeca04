/* RFC 3263 against a zone in a table: rf_dns_start() and rf_dns_stop() are wrapped at link time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fail_alloc.h"
#include "loop/loop.h"
#include "net/dns.h"
#include "ua/resolve.h"

#include <stdio.h>
#include <stdlib.h>

struct rf_dns_query {
	enum rf_dns_type type;
	char name[256];
	void (*done)(void *arg, const struct rf_dns_answer *answer);
	void *arg;
};

static struct rf_loop *loop;
static struct rf_random zeros; /* picks the first within one priority */
static struct rf_dns_query *waiting;
static char asked[512];

static const struct {
	const char *name;
	struct rf_dns_naptr naptr;
} naptrs[] = {
	{ "full.example", { 50, 50, "s", "SIP+D2T", "", "_sip._tcp.full.example" } },
	{ "full.example", { 10, 90, "S", "SIPS+D2T", "", "_sips._tcp.full.example" } },
	{ "full.example", { 10, 20, "s", "SIP+D2U", "", "_sip._udp.full.example" } },
	{ "full.example", { 1, 1, "s", "SIP+D2W", "", "_sip._ws.full.example" } },
	{ "full.example", { 1, 1, "u", "E2U+sip", "!x!y!", "" } },
};

static const struct {
	const char *name;
	struct rf_dns_srv srv;
} srvs[] = {
	{ "_sip._udp.full.example", { 20, 0, 5070, "b.example" } },
	{ "_sip._udp.full.example", { 10, 5, 5071, "a.example" } },
	{ "_sip._tcp.full.example", { 1, 1, 5072, "a.example" } },
	{ "_sips._tcp.full.example", { 1, 1, 5073, "a.example" } },
	{ "_sips._tcp.srv.example", { 1, 1, 5074, "a.example" } },
	{ "_sip._udp.srv.example", { 1, 1, 5075, "b.example" } },
	{ "_sip._udp.none.example", { 0, 0, 0, "" } },
};

static const struct {
	const char *name, *addr;
} addrs[] = {
	{ "a.example", "2001:db8::a" }, { "a.example", "192.0.2.10" }, { "b.example", "192.0.2.11" },
	{ "plain.example", "192.0.2.12" }, { "none.example", "192.0.2.13" }, { "six.example", "2001:db8::6" },
};

int __wrap_rf_dns_start(struct rf_dns *dns, enum rf_dns_type type, struct rf_view name,
			void (*done)(void *arg, const struct rf_dns_answer *answer), void *arg,
			struct rf_dns_query **ret_query);
void __wrap_rf_dns_stop(struct rf_dns_query *query);

int __wrap_rf_dns_start(struct rf_dns *dns, enum rf_dns_type type, struct rf_view name,
			void (*done)(void *arg, const struct rf_dns_answer *answer), void *arg,
			struct rf_dns_query **ret_query)
{
	static const char *const types[] = { "A", "SRV", "NAPTR" };
	size_t n = strlen(asked);

	(void)dns;
	assert_null(waiting);
	waiting = calloc(1, sizeof *waiting);
	if (!waiting)
		return -ENOMEM;
	*waiting = (struct rf_dns_query){ .type = type, .done = done, .arg = arg };
	assert_true(rf_view_cstr(name, waiting->name, sizeof waiting->name));
	snprintf(asked + n, sizeof asked - n, "%s %s;", types[type], waiting->name);
	*ret_query = waiting;
	return 0;
}

void __wrap_rf_dns_stop(struct rf_dns_query *query)
{
	if (!query)
		return;
	assert_ptr_equal(query, waiting);
	free(waiting);
	waiting = NULL;
}

static void answer_one(void)
{
	struct rf_dns_query *q = waiting;
	struct rf_dns_answer a = { .type = q->type };
	struct rf_addr addr[8];
	struct rf_dns_srv srv[8];
	struct rf_dns_naptr naptr[8];

	waiting = NULL;
	if (q->type == RF_DNS_ADDR) {
		for (size_t i = 0; i < sizeof addrs / sizeof addrs[0]; i++)
			if (!strcmp(addrs[i].name, q->name))
				assert_int_equal(rf_addr_parse(rf_view_str(addrs[i].addr), 0, &addr[a.n++]), 0);
		a.addr = addr;
	} else if (q->type == RF_DNS_SRV) {
		for (size_t i = 0; i < sizeof srvs / sizeof srvs[0]; i++)
			if (!strcmp(srvs[i].name, q->name))
				srv[a.n++] = srvs[i].srv;
		a.srv = srv;
	} else {
		for (size_t i = 0; i < sizeof naptrs / sizeof naptrs[0]; i++)
			if (!strcmp(naptrs[i].name, q->name))
				naptr[a.n++] = naptrs[i].naptr;
		a.naptr = naptr;
	}
	if (!strcmp(q->name, "slow.example"))
		a.status = RF_E_TIMEOUT;
	else if (!a.n)
		a.status = RF_E_NOT_FOUND;
	q->done(q->arg, &a);
	free(q);
}

static struct {
	size_t calls;
	int status;
	char text[512], tls_name[64];
} got;

static void on_done(void *arg, int status, const struct rf_hops *hops)
{
	char addr[RF_ADDR_TEXT];

	(void)arg;
	got.calls++;
	got.status = status;
	got.text[0] = '\0';
	for (size_t i = 0; hops && i < hops->n; i++) {
		size_t n = strlen(got.text);

		snprintf(got.text + n, sizeof got.text - n, "%s %s;", rf_flow_kind_name(hops->hop[i].kind),
			 rf_addr_text(&hops->hop[i].addr, addr));
	}
	if (hops)
		snprintf(got.tls_name, sizeof got.tls_name, "%.*s", RF_VFMT(hops->tls_name));
}

static void zero_fill(struct rf_random *r, void *p, size_t n)
{
	(void)r;
	memset(p, 0, n);
}

enum { ALL = 1 << RF_FLOW_UDP | 1 << RF_FLOW_TCP | 1 << RF_FLOW_TLS, NO_TLS = 1 << RF_FLOW_UDP | 1 << RF_FLOW_TCP };

static int run(const char *text, struct rf_resolve_conf conf)
{
	struct rf_sip_uri uri;
	struct rf_resolve *r;

	got.calls = 0;
	asked[0] = '\0';
	assert_int_equal(rf_sip_uri_parse(rf_view_str(text), &uri), 0);
	conf.loop = loop;
	conf.random = &zeros;
	conf.dns = (struct rf_dns *)(void *)&zeros; /* never looked into */
	int rc = rf_resolve_start(&conf, &uri, on_done, NULL, &r);
	if (rc)
		return rc;
	assert_int_equal(got.calls, 0);
	for (int i = 0; i < 50 && !got.calls; i++) {
		if (waiting)
			answer_one();
		rf_loop_turn(loop, 0);
	}
	assert_int_equal(got.calls, 1);
	return 0;
}

static void test_table(void **state)
{
	static const struct {
		const char *name, *uri;
		unsigned kinds;
		bool secure, large, only_v4;
		int status;
		const char *hops, *asked, *tls_name;
	} cases[] = {
		{ "address", "sip:192.0.2.1", ALL, .hops = "udp 192.0.2.1:5060;", .asked = "" },
		{ "address and port", "sip:[2001:db8::1]:5080", ALL, .hops = "udp [2001:db8::1]:5080;", .asked = "" },
		{ "address, sips", "sips:192.0.2.1", ALL, .hops = "tls 192.0.2.1:5061;", .tls_name = "192.0.2.1" },
		{ "address, secure", "sip:192.0.2.1", ALL, .secure = true, .hops = "tls 192.0.2.1:5061;" },
		{ "address, tcp", "sip:192.0.2.1;transport=tcp", ALL, .hops = "tcp 192.0.2.1:5060;" },
		{ "address, tls", "sip:192.0.2.1;transport=TLS", ALL, .hops = "tls 192.0.2.1:5061;" },
		{ "sips over tcp is tls", "sips:192.0.2.1;transport=tcp", ALL, .hops = "tls 192.0.2.1:5061;" },
		{ "sips over udp", "sips:192.0.2.1;transport=udp", ALL, .status = RF_E_UNSUPPORTED },
		{ "unknown transport", "sip:192.0.2.1;transport=sctp", ALL, .status = RF_E_UNSUPPORTED },
		{ "no tls here", "sips:192.0.2.1", NO_TLS, .status = RF_E_UNSUPPORTED },
		{ "large", "sip:192.0.2.1", ALL, .large = true, .hops = "tcp 192.0.2.1:5060;udp 192.0.2.1:5060;" },
		{ "maddr", "sip:x.example;maddr=192.0.2.9", ALL, .hops = "udp 192.0.2.9:5060;",
		  .tls_name = "x.example" },
		{ "name and port", "sip:plain.example:5099", ALL, .hops = "udp 192.0.2.12:5099;",
		  .asked = "A plain.example;" },
		{ "name and transport", "sip:full.example;transport=tcp", ALL,
		  .hops = "tcp [2001:db8::a]:5072;tcp 192.0.2.10:5072;",
		  .asked = "SRV _sip._tcp.full.example;A a.example;" },
		{ "name and transport without SRV", "sip:plain.example;transport=tcp", ALL,
		  .hops = "tcp 192.0.2.12:5060;" },
		{ "NAPTR by order and preference", "sip:full.example", ALL,
		  .hops = "udp [2001:db8::a]:5071;udp 192.0.2.10:5071;udp 192.0.2.11:5070;tls [2001:db8::a]:5073;"
			  "tls 192.0.2.10:5073;tcp [2001:db8::a]:5072;tcp 192.0.2.10:5072;",
		  .asked = "NAPTR full.example;SRV _sip._udp.full.example;SRV _sips._tcp.full.example;"
			   "SRV _sip._tcp.full.example;A a.example;A b.example;A a.example;A a.example;" },
		{ "NAPTR, sips", "sips:full.example", ALL, .hops = "tls [2001:db8::a]:5073;tls 192.0.2.10:5073;",
		  .tls_name = "full.example" },
		{ "NAPTR, only v4", "sips:full.example", ALL, .only_v4 = true, .hops = "tls 192.0.2.10:5073;" },
		{ "SRV without NAPTR", "sip:srv.example", ALL,
		  .hops = "tls [2001:db8::a]:5074;tls 192.0.2.10:5074;udp 192.0.2.11:5075;" },
		{ "neither", "sip:plain.example", ALL, .hops = "udp 192.0.2.12:5060;",
		  .asked = "NAPTR plain.example;SRV _sips._tcp.plain.example;SRV _sip._tcp.plain.example;"
			   "SRV _sip._udp.plain.example;A plain.example;" },
		{ "service not offered", "sip:none.example;transport=udp", ALL, .hops = "udp 192.0.2.13:5060;" },
		{ "unknown name", "sip:nowhere.example", ALL, .status = RF_E_NOT_FOUND },
		{ "slow server", "sip:slow.example:5060", ALL, .status = RF_E_TIMEOUT },
		{ "only v6 for a v4 host", "sip:six.example:5060", ALL, .only_v4 = true, .status = RF_E_NOT_FOUND },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct rf_resolve_conf conf = { .kinds = cases[i].kinds, .secure = cases[i].secure,
						.large = cases[i].large, .v4 = true, .v6 = !cases[i].only_v4 };

		assert_int_equal(run(cases[i].uri, conf), 0);
		if (got.status != cases[i].status || (cases[i].hops && strcmp(got.text, cases[i].hops)))
			fail_msg("%s: %d %s", cases[i].name, got.status, got.text);
		if (cases[i].asked && strcmp(asked, cases[i].asked))
			fail_msg("%s: asked %s", cases[i].name, asked);
		if (cases[i].tls_name && strcmp(got.tls_name, cases[i].tls_name))
			fail_msg("%s: name %s", cases[i].name, got.tls_name);
	}
}

static void test_not_sip(void **state)
{
	struct rf_resolve_conf conf = { .kinds = ALL, .v4 = true };

	(void)state;
	assert_int_equal(run("tel:+1234", conf), RF_E_INVALID);
}

static void test_stop(void **state)
{
	struct rf_resolve_conf conf = { .loop = loop, .random = &zeros, .kinds = ALL, .v4 = true,
					.dns = (struct rf_dns *)(void *)&zeros };
	struct rf_sip_uri uri;
	struct rf_resolve *r;

	(void)state;
	got.calls = 0;
	assert_int_equal(rf_sip_uri_parse(RF_V("sip:full.example"), &uri), 0);
	assert_int_equal(rf_resolve_start(&conf, &uri, on_done, NULL, &r), 0);
	rf_resolve_stop(r);
	assert_null(waiting);
	assert_int_equal(rf_sip_uri_parse(RF_V("sip:192.0.2.1"), &uri), 0);
	assert_int_equal(rf_resolve_start(&conf, &uri, on_done, NULL, &r), 0);
	rf_resolve_stop(r);
	rf_loop_turn(loop, 0);
	assert_int_equal(got.calls, 0);
	rf_resolve_stop(NULL);
}

static void test_no_memory(void **state)
{
	struct rf_resolve_conf conf = { .kinds = ALL, .v4 = true, .v6 = true };

	(void)state;
	for (unsigned n = 1;; n++) {
		fail_alloc_at(n);
		int rc = run("sip:full.example", conf);
		if (!fail_alloc_off())
			break;
		if (rc)
			assert_int_equal(rc, -ENOMEM);
		assert_true(n < 50);
	}
}

static int setup(void **state)
{
	(void)state;
	zeros.fill = zero_fill;
	return rf_loop_new(NULL, &loop);
}

static int teardown(void **state)
{
	(void)state;
	rf_loop_free(loop);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_not_sip),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
