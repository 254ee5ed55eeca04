/* The server at the other end is a socket of this test, answered by hand between turns. */
#include "net/dns.h"

#include "base/err.h"
#include "fail_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

enum { T_A = 1, T_AAAA = 28, T_SRV = 33, T_NAPTR = 35 };

struct world {
	struct rf_loop *loop;
	struct rf_dns *dns;
	int server, asked, answered;
	enum { ANSWER, NXDOMAIN, SILENT, GARBAGE, TRUNCATED, REFUSED, SHORT, NO_DATA, MANY } mode;
	uint32_t ttl;
	struct rf_dns_answer last;
	struct rf_addr addr[RF_DNS_RECORDS_MAX];
	struct rf_dns_srv srv[2];
	struct rf_dns_naptr naptr[2];
	struct rf_dns_query *stop_this;
	bool ask_again;
};

static void put(uint8_t **p, const void *bytes, size_t n)
{
	memcpy(*p, bytes, n);
	*p += n;
}

static void put16(uint8_t **p, unsigned x)
{
	*(*p)++ = (uint8_t)(x >> 8);
	*(*p)++ = (uint8_t)x;
}

/* A record whose owner is the question's name. */
static void put_record(uint8_t **p, unsigned type, uint32_t ttl, const void *data, size_t n)
{
	put16(p, 0xc00c);
	put16(p, type);
	put16(p, 1);
	put16(p, ttl >> 16);
	put16(p, ttl & 0xffff);
	put16(p, (unsigned)n);
	put(p, data, n);
}

static unsigned put_answers(struct world *w, uint8_t **p, unsigned type)
{
	static const uint8_t v6[16] = { 0x20, 1, 0xd, 0xb8, [15] = 1 };
	static const char srv1[] = "\0\12\0\74\23\305\3sip\7example\3org", srv2[] = "\0\24\0\0\23\304\0";
	static const char naptr[] = "\0\62\0\62\1s\10SIPS+D2T\0\5_sips\4_tcp\7example\3org";

	switch (type) {
	case T_A:
		put_record(p, T_A, w->ttl, "\300\0\2\1", 4);
		put_record(p, T_A, w->ttl + 100, "\300\0\2\2", 4);
		for (int i = 0; w->mode == MANY && i < 60; i++)
			put_record(p, T_A, w->ttl, "\300\0\2\3", 4);
		return w->mode == MANY ? 62 : 2;
	case T_AAAA:
		put_record(p, T_AAAA, w->ttl, v6, sizeof v6);
		return 1;
	case T_SRV:
		put_record(p, T_SRV, w->ttl, srv1, sizeof srv1);
		put_record(p, T_SRV, w->ttl, srv2, sizeof srv2 - 1);
		return 2;
	default:
		put_record(p, T_NAPTR, w->ttl, naptr, sizeof naptr);
		return 1;
	}
}

static void answer_one(struct world *w, uint8_t *q, size_t n, const struct sockaddr_in *from)
{
	uint8_t out[4096], *p = out;
	size_t end = 12;

	while (end < n && q[end])
		end += q[end] + 1u;
	unsigned type = (unsigned)q[end + 1] << 8 | q[end + 2];
	w->asked++;
	if (w->mode == SILENT)
		return;
	if (w->mode == GARBAGE) {
		sendto(w->server, "not dns at all", 14, 0, (const struct sockaddr *)from, sizeof *from);
		for (size_t i = 2; i < n; i++)
			q[i] ^= 0x5a;
		sendto(w->server, q, n, 0, (const struct sockaddr *)from, sizeof *from);
		return;
	}
	put(&p, q, end + 5);
	out[2] = 0x81 | (w->mode == TRUNCATED ? 2 : 0);
	out[3] = w->mode == NXDOMAIN ? 0x83 : w->mode == REFUSED ? 0x85 : 0x80;
	memset(out + 4, 0, 8);
	out[5] = 1;
	if (w->mode == ANSWER || w->mode == SHORT || w->mode == MANY)
		out[7] = (uint8_t)put_answers(w, &p, type);
	size_t len = (size_t)(p - out);
	if (w->mode == SHORT)
		len -= 3;
	sendto(w->server, out, len, 0, (const struct sockaddr *)from, sizeof *from);
}

static void serve(struct world *w)
{
	uint8_t q[512];
	struct sockaddr_in from;
	socklen_t len = sizeof from;
	ssize_t n;

	while ((n = recvfrom(w->server, q, sizeof q, MSG_DONTWAIT, (struct sockaddr *)&from, &len)) > 16)
		answer_one(w, q, (size_t)n, &from);
}

static void done(void *arg, const struct rf_dns_answer *answer)
{
	struct world *w = arg;

	w->answered++;
	w->last = *answer;
	if (!answer->status && answer->type == RF_DNS_ADDR)
		memcpy(w->addr, answer->addr, answer->n * sizeof *answer->addr);
	if (!answer->status && answer->type == RF_DNS_SRV)
		memcpy(w->srv, answer->srv, answer->n * sizeof *answer->srv);
	if (!answer->status && answer->type == RF_DNS_NAPTR)
		memcpy(w->naptr, answer->naptr, answer->n * sizeof *answer->naptr);
	rf_dns_stop(w->stop_this);
	w->stop_this = NULL;
	if (w->ask_again) {
		w->ask_again = false;
		assert_int_equal(rf_dns_start(w->dns, RF_DNS_ADDR, RF_V("again.example.org"), done, w, NULL), 0);
	}
}

static void wait_for(struct world *w, int answers)
{
	for (int i = 0; i < 1000 && w->answered < answers; i++) {
		rf_loop_turn(w->loop, 2);
		serve(w);
	}
	assert_int_equal(w->answered, answers);
}

static void new_dns(struct world *w, struct rf_dns_conf conf)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof in;
	char text[64];

	rf_dns_free(w->dns);
	assert_int_equal(getsockname(w->server, (struct sockaddr *)&in, &len), 0);
	snprintf(text, sizeof text, "127.0.0.1:%d", ntohs(in.sin_port));
	conf.servers = text;
	/* A process may be held up for longer than a question waits: short only where nobody answers. */
	conf.timeout_ms = conf.timeout_ms ? conf.timeout_ms : 5000;
	conf.tries = 2;
	assert_int_equal(rf_dns_new(w->loop, &conf, &w->dns), 0);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	w->ttl = 300;
	w->server = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(bind(w->server, (struct sockaddr *)&in, sizeof in), 0);
	assert_int_equal(rf_loop_new(NULL, &w->loop), 0);
	new_dns(w, (struct rf_dns_conf){ .ttl_max_s = 1000 });
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	rf_dns_free(w->dns);
	rf_loop_free(w->loop);
	close(w->server);
	free(w);
	return 0;
}

static int ask(struct world *w, enum rf_dns_type type, const char *name)
{
	return rf_dns_start(w->dns, type, rf_view_str(name), done, w, NULL);
}

static void records(void **state)
{
	struct world *w = *state;

	assert_int_equal(ask(w, RF_DNS_ADDR, "sip.example.org"), 0);
	assert_int_equal(w->answered, 0);
	wait_for(w, 1);
	assert_int_equal(w->last.status, 0);
	assert_int_equal(w->last.n, 3);
	assert_int_equal(w->last.ttl_s, 300);
	assert_int_equal(w->addr[0].family, 6);
	assert_int_equal(w->addr[1].ip[3], 1);
	assert_int_equal(w->addr[2].ip[3], 2);

	assert_int_equal(ask(w, RF_DNS_SRV, "_sips._tcp.example.org"), 0);
	wait_for(w, 2);
	assert_int_equal(w->last.n, 2);
	assert_int_equal(w->srv[0].priority, 10);
	assert_int_equal(w->srv[0].weight, 60);
	assert_int_equal(w->srv[0].port, 5061);
	assert_string_equal(w->srv[0].target, "sip.example.org");
	assert_string_equal(w->srv[1].target, "");

	assert_int_equal(ask(w, RF_DNS_NAPTR, "example.org."), 0);
	wait_for(w, 3);
	assert_int_equal(w->last.n, 1);
	assert_int_equal(w->last.ttl_s, 300);
	assert_string_equal(w->naptr[0].flags, "s");
	assert_string_equal(w->naptr[0].service, "SIPS+D2T");
	assert_string_equal(w->naptr[0].replacement, "_sips._tcp.example.org");
}

static void cache_and_joining(void **state)
{
	struct world *w = *state;
	struct rf_dns_stats stats;

	for (int i = 0; i < 3; i++)
		assert_int_equal(ask(w, RF_DNS_SRV, "_sip._udp.example.org"), 0);
	wait_for(w, 3);
	assert_int_equal(w->asked, 1);
	assert_int_equal(ask(w, RF_DNS_SRV, "_SIP._udp.Example.org"), 0);
	assert_int_equal(w->answered, 3); /* not from inside the call */
	wait_for(w, 4);
	assert_true(w->last.cached);
	assert_int_equal(w->asked, 1);
	rf_dns_stats(w->dns, &stats);
	assert_int_equal(stats.joined, 2);
	assert_int_equal(stats.cache_hits, 1);
	assert_int_equal(stats.cached, 1);
}

static void cache_bounds(void **state)
{
	struct world *w = *state;
	struct rf_dns_stats stats;
	char name[32];

	new_dns(w, (struct rf_dns_conf){ .cache = 4, .ttl_max_s = 60 });
	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof name, "h%d.example.org", i);
		assert_int_equal(ask(w, RF_DNS_SRV, name), 0);
		wait_for(w, i + 1);
		assert_int_equal(w->last.ttl_s, 60);
	}
	rf_dns_stats(w->dns, &stats);
	assert_int_equal(stats.cached, 4);
	w->ttl = 0; /* remembered for ttl_min_s, a second */
	assert_int_equal(ask(w, RF_DNS_SRV, "zero.example.org"), 0);
	wait_for(w, 11);
	assert_int_equal(w->last.ttl_s, 1);
}

static void failures(void **state)
{
	static const struct { int mode, status; const char *name; } cases[] = {
		{ SILENT, RF_E_TIMEOUT, "silent.example.org" },
		{ GARBAGE, RF_E_TIMEOUT, "garbage.example.org" },
		{ NXDOMAIN, RF_E_NOT_FOUND, "nx.example.org" },
		{ NO_DATA, RF_E_NOT_FOUND, "empty.example.org" },
		{ TRUNCATED, RF_E_CLOSED, "long.example.org" }, /* nobody listens on TCP */
		{ REFUSED, RF_E_CLOSED, "refused.example.org" },
		{ SHORT, RF_E_MALFORMED, "short.example.org" },
	};
	struct world *w = *state;
	struct rf_dns_stats stats;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (i == 0 || i == 2)
			new_dns(w, (struct rf_dns_conf){ .timeout_ms = i ? 0 : 40, .ttl_max_s = 1000 });
		for (int type = RF_DNS_ADDR; type <= RF_DNS_NAPTR; type++) {
			w->mode = cases[i].mode;
			w->answered = 0;
			assert_int_equal(ask(w, (enum rf_dns_type)type, cases[i].name), 0);
			wait_for(w, 1);
			if (w->last.status != cases[i].status)
				fail_msg("%s type %d: %d", cases[i].name, type, w->last.status);
			assert_int_equal(w->last.n, 0);
		}
	}
	rf_dns_stats(w->dns, &stats);
	assert_int_equal(stats.cached, 6); /* only "not found" is remembered */
	assert_int_equal(stats.under_way, 0);
}

static void too_many_records(void **state)
{
	struct world *w = *state;
	struct rf_dns_stats stats;

	w->mode = MANY;
	assert_int_equal(ask(w, RF_DNS_ADDR, "many.example.org"), 0);
	wait_for(w, 1);
	assert_int_equal(w->last.status, 0);
	assert_int_equal(w->last.n, RF_DNS_RECORDS_MAX);
	assert_int_equal(w->addr[0].family, 6);
	rf_dns_stats(w->dns, &stats);
	assert_true(stats.records_cut > 0);
}

static void bad_names(void **state)
{
	static const char *const names[] = { "", ".", "a..b", ".a", "a b", "a/b", "exa\tmple", "a\x80",
		"0123456789012345678901234567890123456789012345678901234567890123.org" };
	struct world *w = *state;
	char longest[300];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		assert_int_equal(ask(w, RF_DNS_ADDR, names[i]), RF_E_INVALID);
	memset(longest, 'a', sizeof longest);
	for (size_t i = 20; i < sizeof longest; i += 20)
		longest[i] = '.';
	longest[254] = '\0';
	assert_int_equal(ask(w, RF_DNS_ADDR, longest), RF_E_INVALID);
	longest[253] = '\0';
	assert_int_equal(ask(w, RF_DNS_SRV, longest), 0);
	wait_for(w, 1);
}

static void stopping(void **state)
{
	struct world *w = *state;
	struct rf_dns_query *q[3];

	for (int i = 0; i < 3; i++)
		assert_int_equal(rf_dns_start(w->dns, RF_DNS_SRV, RF_V("stop.example.org"), done, w, &q[i]), 0);
	rf_dns_stop(q[1]);
	w->stop_this = q[0]; /* the first callback stops another that is due in the same turn */
	for (int i = 0; i < 20; i++) {
		rf_loop_turn(w->loop, 2);
		serve(w);
	}
	assert_in_range(w->answered, 1, 2);
	w->answered = 0;
	w->ask_again = true;
	assert_int_equal(ask(w, RF_DNS_SRV, "stop.example.org"), 0); /* from the cache, and asks from its callback */
	wait_for(w, 2);
	w->mode = SILENT;
	assert_int_equal(ask(w, RF_DNS_SRV, "never.example.org"), 0); /* under way when everything ends */
	rf_dns_stop(NULL);
}

static void queries_cap(void **state)
{
	struct world *w = *state;
	struct rf_dns_stats stats;

	new_dns(w, (struct rf_dns_conf){ .queries = 2, .timeout_ms = 40 });
	w->mode = SILENT;
	assert_int_equal(ask(w, RF_DNS_SRV, "a.example.org"), 0);
	assert_int_equal(ask(w, RF_DNS_SRV, "b.example.org"), 0);
	assert_int_equal(ask(w, RF_DNS_SRV, "c.example.org"), RF_E_LIMIT);
	assert_int_equal(ask(w, RF_DNS_SRV, "b.example.org"), 0); /* joins */
	wait_for(w, 3);
	rf_dns_stats(w->dns, &stats);
	assert_int_equal(stats.refused, 1);
}

static void bad_servers(void **state)
{
	struct world *w = *state;
	struct rf_dns *dns;

	assert_int_equal(rf_dns_new(w->loop, &(struct rf_dns_conf){ .servers = "not an address" }, &dns), RF_E_INVALID);
}

static void no_memory(void **state)
{
	struct world *w = *state;

	for (unsigned n = 1; n <= 3; n++) {
		fail_alloc_at(n);
		int rc = ask(w, RF_DNS_SRV, "memory.example.org");
		if (!fail_alloc_off())
			break;
		if (rc)
			assert_int_equal(rc, -ENOMEM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(records, setup, teardown),
		cmocka_unit_test_setup_teardown(cache_and_joining, setup, teardown),
		cmocka_unit_test_setup_teardown(cache_bounds, setup, teardown),
		cmocka_unit_test_setup_teardown(failures, setup, teardown),
		cmocka_unit_test_setup_teardown(too_many_records, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_names, setup, teardown),
		cmocka_unit_test_setup_teardown(stopping, setup, teardown),
		cmocka_unit_test_setup_teardown(queries_cap, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_servers, setup, teardown),
		cmocka_unit_test_setup_teardown(no_memory, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
