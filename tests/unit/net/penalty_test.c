/* Who offends is passed over for a while, longer each time; who does not is never, whatever others do. */
#include "net/penalty.h"

#include "base/err.h"
#include "fail_alloc.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static struct rf_addr v4(uint32_t n)
{
	return (struct rf_addr){ .family = 4, .port = 5060,
				 .ip = { 203, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n } };
}

static struct rf_mono at_s(uint64_t s)
{
	return (struct rf_mono){ 1000000000 + s * 1000000 };
}

struct seen {
	struct rf_penalty last;
	unsigned n;
	struct rf_addr spared;
};

static void began(void *ctx, const struct rf_penalty *p)
{
	struct seen *s = ctx;

	s->last = *p;
	s->n++;
}

static bool spared(void *ctx, const struct rf_addr *source)
{
	return rf_addr_same_ip(&((struct seen *)ctx)->spared, source);
}

static struct rf_penalties *make(struct seen *seen)
{
	struct rf_penalties *p;

	assert_int_equal(rf_penalties_new(&(struct rf_penalties_conf){ .began = began, .spared = spared, .ctx = seen }, &p), 0);
	return p;
}

static void points(void **state)
{
	static const struct {
		enum rf_offence o;
		unsigned times; /* until the penalty */
	} t[] = {
		{ RF_OFFENCE_SCANNER, 1 }, { RF_OFFENCE_STRANGER, 10 }, { RF_OFFENCE_PASSWORD, 10 },
		{ RF_OFFENCE_MALFORMED, 20 }, { RF_OFFENCE_HANDSHAKE, 20 }, { RF_OFFENCE_RATE, 100 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct seen seen = { .n = 0 };
		struct rf_penalties *p = make(&seen);
		struct rf_addr a = v4(1), b = v4(2);

		for (unsigned k = 1; k <= t[i].times; k++) {
			assert_false(rf_penalty_blocked(p, &a, at_s(0)));
			a.port = (uint16_t)k;
			rf_penalty_offend(p, &a, t[i].o, at_s(0));
			assert_int_equal(seen.n, k == t[i].times);
		}
		assert_true(rf_penalty_blocked(p, &a, at_s(0)) && rf_penalty_blocked(p, &a, at_s(59)));
		assert_false(rf_penalty_blocked(p, &a, at_s(60)) || rf_penalty_blocked(p, &b, at_s(0)));
		assert_int_equal(seen.last.offence, t[i].o);
		assert_int_equal(seen.last.seconds, 60);
		assert_int_equal(seen.last.source.port, 0);
		rf_penalties_free(p);
	}
	assert_false(rf_penalty_blocked(NULL, &(struct rf_addr){ .family = 4 }, at_s(0)));
	rf_penalty_offend(NULL, &(struct rf_addr){ .family = 4 }, RF_OFFENCE_SCANNER, at_s(0));
}

static void now_and_then(void **state)
{
	struct seen seen = { .n = 0 };
	struct rf_penalties *p = make(&seen);
	struct rf_addr a = v4(1);

	(void)state;
	for (unsigned i = 0; i < 1000; i++) /* as fast as it is forgotten */
		rf_penalty_offend(p, &a, RF_OFFENCE_STRANGER, at_s(20 * i));
	assert_int_equal(seen.n, 0);
	rf_penalties_free(p);
}

static void longer_each_time(void **state)
{
	struct seen seen = { .n = 0 };
	struct rf_penalties *p = make(&seen);
	struct rf_addr a = v4(1);
	uint64_t s = 0, want = 60;

	(void)state;
	for (unsigned i = 1; i < 20; i++) {
		rf_penalty_offend(p, &a, RF_OFFENCE_SCANNER, at_s(s));
		assert_int_equal(seen.n, i);
		assert_int_equal(seen.last.seconds, want);
		assert_int_equal(seen.last.count, i);
		rf_penalty_offend(p, &a, RF_OFFENCE_SCANNER, at_s(s)); /* still on its way: no second one */
		assert_int_equal(seen.n, i);
		s += want;
		want = want * 2 < RF_PENALTY_MOST_S ? want * 2 : RF_PENALTY_MOST_S;
	}
	s += 3 * (uint64_t)RF_PENALTY_FORGET_S;
	rf_penalty_offend(p, &a, RF_OFFENCE_SCANNER, at_s(s));
	assert_true(seen.last.seconds >= RF_PENALTY_MOST_S / 8);
	s += 40 * (uint64_t)RF_PENALTY_FORGET_S;
	rf_penalty_offend(p, &a, RF_OFFENCE_SCANNER, at_s(s));
	assert_int_equal(seen.last.seconds, 60);
	rf_penalties_free(p);
}

static void networks_of_ipv6(void **state)
{
	struct rf_addr a = { .family = 6, .ip = { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 9 } }, same = a, other = a;
	struct seen seen = { .n = 0 };
	struct rf_penalties *p = make(&seen);

	(void)state;
	same.ip[15] = 77;
	other.ip[7] = 2;
	rf_penalty_offend(p, &a, RF_OFFENCE_SCANNER, at_s(0));
	assert_true(rf_penalty_blocked(p, &same, at_s(1)));
	assert_false(rf_penalty_blocked(p, &other, at_s(1)));
	rf_penalties_free(p);
}

static void spared_and_forgiven(void **state)
{
	struct seen seen = { .spared = v4(7) };
	struct rf_penalties *p = make(&seen);
	struct rf_addr trunk = v4(7), a = v4(8);
	struct rf_penalty list[4];

	(void)state;
	for (int i = 0; i < 10; i++)
		rf_penalty_offend(p, &trunk, RF_OFFENCE_SCANNER, at_s(0));
	assert_false(rf_penalty_blocked(p, &trunk, at_s(0)));
	rf_penalty_offend(p, &a, RF_OFFENCE_SCANNER, at_s(0));
	assert_int_equal(rf_penalties_list(p, at_s(10), list, 4), 1);
	assert_int_equal(list[0].seconds, 50);
	assert_int_equal(rf_penalty_lift(p, &trunk), RF_E_NOT_FOUND);
	assert_int_equal(rf_penalty_lift(p, &a), 0);
	assert_false(rf_penalty_blocked(p, &a, at_s(10)));
	assert_int_equal(rf_penalties_list(p, at_s(10), NULL, 0), 0);
	rf_penalty_offend(p, &a, RF_OFFENCE_SCANNER, at_s(20));
	assert_int_equal(seen.last.seconds, 60); /* forgiven is forgotten */
	rf_penalties_free(p);
}

/* Many sources, true or forged: those that are blocked stay so, and the rest takes turns. */
static void many(void **state)
{
	struct seen seen = { .n = 0 };
	struct rf_penalties *p = make(&seen);
	struct rf_penalties_stats st;
	struct rf_addr first = v4(1);

	(void)state;
	rf_penalty_offend(p, &first, RF_OFFENCE_SCANNER, at_s(0));
	for (uint32_t i = 2; i < 100000; i++) {
		struct rf_addr a = v4(i);

		rf_penalty_offend(p, &a, RF_OFFENCE_MALFORMED, at_s(0));
	}
	rf_penalties_stats(p, at_s(1), &st);
	assert_int_equal(st.sources, RF_PENALTY_SOURCES);
	assert_true(rf_penalty_blocked(p, &first, at_s(1)) && st.unknown == 0 && st.blocked == 1);
	for (uint32_t i = 0; i < 50000; i++) {
		struct rf_addr a = v4(0x200000 + i);

		rf_penalty_offend(p, &a, RF_OFFENCE_SCANNER, at_s(100));
	}
	rf_penalties_stats(p, at_s(101), &st);
	assert_true(st.blocked <= RF_PENALTY_BLOCKED && st.blocked > RF_PENALTY_BLOCKED * 9 / 10);
	assert_int_equal(st.offences[RF_OFFENCE_MALFORMED], 99998);
	/* their time is over: others have a place */
	for (uint32_t i = 0; i < 10000; i++) {
		struct rf_addr a = v4(0x400000 + i);

		rf_penalty_offend(p, &a, RF_OFFENCE_SCANNER, at_s(1000));
		if (i < 100)
			assert_true(rf_penalty_blocked(p, &a, at_s(1001)));
	}
	rf_penalties_free(p);
}

static void no_memory(void **state)
{
	struct rf_penalties *p;
	struct rf_addr a = v4(1);

	(void)state;
	for (unsigned n = 1;; n++) {
		fail_alloc_at(n);
		int rc = rf_penalties_new(&(struct rf_penalties_conf){ .began = NULL }, &p);
		if (rc == 0)
			rf_penalty_offend(p, &a, RF_OFFENCE_SCANNER, at_s(0));
		bool failed = fail_alloc_off();

		assert_int_equal(rc, n == 1 ? -ENOMEM : 0);
		if (rc)
			continue;
		assert_int_equal(rf_penalty_blocked(p, &a, at_s(0)), !failed);
		rf_penalties_free(p);
		if (!failed)
			break;
	}
}

static void *storm(void *arg)
{
	for (uint32_t i = 0; i < 20000; i++) {
		struct rf_addr a = v4(i % 500);

		rf_penalty_offend(arg, &a, (enum rf_offence)(i % RF_OFFENCES), at_s(i / 100));
		rf_penalty_blocked(arg, &a, at_s(i / 100));
		if (i % 97 == 0)
			rf_penalty_lift(arg, &a);
	}
	return NULL;
}

static void threads(void **state)
{
	struct rf_penalties *p;
	pthread_t t[4];

	(void)state;
	assert_int_equal(rf_penalties_new(&(struct rf_penalties_conf){ .began = NULL }, &p), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, storm, p), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	rf_penalties_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(points), cmocka_unit_test(now_and_then), cmocka_unit_test(longer_each_time),
		cmocka_unit_test(networks_of_ipv6), cmocka_unit_test(spared_and_forgiven), cmocka_unit_test(many),
		cmocka_unit_test(no_memory), cmocka_unit_test(threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
