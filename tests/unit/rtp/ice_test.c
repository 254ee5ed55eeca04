#include "rtp/ice.h"

#include "rtp/stun_int.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static const struct rf_ice_cred ours = { "abcdEFGH", "abcdefghijklmnopqrstuvwx" };
static const struct rf_ice_cred later = { "newuFRAG", "xwvutsrqponmlkjihgfedcba" };
static const struct rf_stun_addr a = { .family = 4, .port = 4000, .ip = { 192, 0, 2, 1 } };
static const struct rf_stun_addr b = { .family = 4, .port = 4001, .ip = { 192, 0, 2, 1 } };
static const struct rf_stun_addr c = { .family = 6, .port = 4000, .ip = { 0x20, 1, 0xd, 0xb8 } };

struct check {
	const char *username, *pwd;
	uint32_t priority;
	uint32_t id;
	bool nominates, controlled, unknown, no_integrity, sha256;
	uint16_t type; /* 0: a Binding request */
};

static void put_attr(struct rf_writer *w, uint16_t type, struct rf_view v)
{
	static const uint8_t zero[4];
	uint8_t head[4] = { (uint8_t)(type >> 8), (uint8_t)type, (uint8_t)(v.n >> 8), (uint8_t)v.n };

	rf_put(w, rf_view_of(head, 4));
	rf_put(w, v);
	rf_put(w, rf_view_of(zero, -v.n & 3));
}

static struct rf_view build(const struct check *k, uint8_t *buf, size_t cap)
{
	uint8_t id[12] = { (uint8_t)(k->id >> 24), (uint8_t)(k->id >> 16), (uint8_t)(k->id >> 8), (uint8_t)k->id };
	uint8_t priority[4] = { (uint8_t)(k->priority >> 24), (uint8_t)(k->priority >> 16), (uint8_t)(k->priority >> 8),
				(uint8_t)k->priority };
	struct rf_writer w;
	struct rf_view v;

	rf_writer_init(&w, buf, cap);
	rf_stun_begin(&w, RF_STUN_REQUEST, RF_STUN_BINDING, id);
	if (k->type) {
		buf[0] = (uint8_t)(k->type >> 8);
		buf[1] = (uint8_t)k->type;
	}
	if (k->username)
		put_attr(&w, RF_STUN_USERNAME, rf_view_str(k->username));
	put_attr(&w, k->controlled ? RF_STUN_ICE_CONTROLLED : RF_STUN_ICE_CONTROLLING, RF_V("tiebreak"));
	if (k->priority)
		put_attr(&w, RF_STUN_PRIORITY, rf_view_of(priority, 4));
	if (k->nominates)
		put_attr(&w, RF_STUN_USE_CANDIDATE, RF_V(""));
	if (k->unknown)
		put_attr(&w, 0x7f00, RF_V(""));
	if (k->sha256) {
		uint8_t mac[32];

		assert_int_equal(rf_stun_hmac(rf_view_of(buf, w.n), w.n, true, 32, rf_view_str(k->pwd), mac), 0);
		put_attr(&w, RF_STUN_INTEGRITY_SHA256, rf_view_of(mac, 32));
	} else if (!k->no_integrity) {
		rf_stun_put_integrity(&w, rf_view_str(k->pwd));
	}
	rf_stun_put_fingerprint(&w);
	assert_int_equal(rf_writer_done(&w, &v), 0);
	return v;
}

static int receive(struct rf_ice *ice, const struct check *k, const struct rf_stun_addr *from, uint64_t ms,
		   struct rf_ice_result *ret)
{
	static uint8_t reply[RF_ICE_REPLY_MAX];
	struct rf_mono now = { 1000000 + ms * 1000 };
	uint8_t buf[512];
	struct rf_view v = build(k, buf, sizeof buf);
	bool means = rf_ice_means(ice, v, now);
	int rc = rf_ice_receive(ice, v, from, now, reply, ret);

	assert_true(means || rc); /* nothing that would have been taken is turned away before */
	return rc;
}

static bool is_at(const struct rf_ice *ice, const struct rf_stun_addr *want)
{
	struct rf_stun_addr at;

	return rf_ice_remote(ice, &at) && rf_stun_addr_eq(&at, want);
}

static void begin(struct rf_ice *ice, struct rf_random *r)
{
	rf_random_system(r);
	rf_ice_init(ice, &ours, r);
	assert_int_equal(rf_ice_set_remote(ice, RF_V("peer")), 0);
}

/* What does not prove our password, or is no check, changes nothing and is not answered. */
static void test_strangers(void **state)
{
	static const struct {
		struct check check;
		int rc;
	} rows[] = {
		{ { "abcdEFGH:peer", "wrongwrongwrongwrongwron", 1, 1, .nominates = true }, RF_E_AUTH },
		{ { "abcdEFGH:peer", "abcdefghijklmnopqrstuvwx", 1, 2, .nominates = true, .no_integrity = true },
		  RF_E_AUTH },
		{ { NULL, "abcdefghijklmnopqrstuvwx", 1, 3, .nominates = true }, RF_E_AUTH },
		{ { "abcdEFGH", "abcdefghijklmnopqrstuvwx", 1, 4, .nominates = true }, RF_E_AUTH },
		{ { "abcdEFGH:", "abcdefghijklmnopqrstuvwx", 1, 5, .nominates = true }, RF_E_AUTH },
		{ { "abcdEFGH:peer2", "abcdefghijklmnopqrstuvwx", 1, 6, .nominates = true }, RF_E_AUTH },
		{ { "abcdEFG:peer", "abcdefghijklmnopqrstuvwx", 1, 7, .nominates = true }, RF_E_AUTH },
		{ { ":peer", "abcdefghijklmnopqrstuvwx", 1, 8, .nominates = true }, RF_E_AUTH },
		{ { "abcdEFGH:peer", "abcdefghijklmnopqrstuvwx", 1, 9, .nominates = true, .type = 0x0101 },
		  RF_E_UNSUPPORTED },
		{ { "abcdEFGH:peer", "abcdefghijklmnopqrstuvwx", 1, 10, .nominates = true, .type = 0x0011 },
		  RF_E_UNSUPPORTED },
		{ { "abcdEFGH:peer", "abcdefghijklmnopqrstuvwx", 1, 11, .nominates = true, .type = 0x0003 },
		  RF_E_UNSUPPORTED },
	};
	struct rf_ice_result result;
	struct rf_random r;
	struct rf_ice ice;

	(void)state;
	begin(&ice, &r);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (receive(&ice, &rows[i].check, &a, i, &result) != rows[i].rc)
			fail_msg("row %zu", i);
	assert_false(ice.selected);
	assert_false(rf_ice_consent(&ice, (struct rf_mono){ 0 }));
	rf_ice_fini(&ice);
}

static void test_nominated(void **state)
{
	struct check k = { "abcdEFGH:peer", ours.pwd, 100, 1 };
	struct rf_ice_result result;
	struct rf_random r;
	struct rf_ice ice;
	struct rf_stun m;

	(void)state;
	begin(&ice, &r);
	/* A check is answered; without a nomination nothing is learned. */
	assert_int_equal(receive(&ice, &k, &a, 0, &result), 0);
	assert_false(result.moved || result.fresh || ice.selected);
	assert_int_equal(rf_stun_parse(result.reply, &m), 0);
	assert_int_equal(rf_stun_check(&m, rf_view_str(ours.pwd)), 0);
	assert_true(m.class == RF_STUN_SUCCESS && m.fingerprint && rf_stun_addr_eq(&m.mapped_address, &a));
	k.id++, k.nominates = true;
	assert_int_equal(receive(&ice, &k, &c, 10, &result), 0);
	assert_true(result.moved && result.fresh && is_at(&ice, &c));
	assert_int_equal(rf_stun_parse(result.reply, &m), 0);
	assert_true(rf_stun_addr_eq(&m.mapped_address, &c));
	/* Consent is by checks from there, nominating or not, and from there alone. */
	k.id++, k.nominates = false;
	assert_int_equal(receive(&ice, &k, &c, 20000, &result), 0);
	assert_true(result.fresh && !result.moved);
	k.id++;
	assert_int_equal(receive(&ice, &k, &a, 40000, &result), 0);
	assert_false(result.fresh);
	assert_true(rf_ice_consent(&ice, (struct rf_mono){ 1000000 + 49999 * 1000 }));
	assert_false(rf_ice_consent(&ice, (struct rf_mono){ 1000000 + 50000 * 1000 }));
	/* HMAC-SHA256 proves, too. */
	k.id++, k.sha256 = true;
	assert_int_equal(receive(&ice, &k, &c, 50001, &result), 0);
	assert_true(result.fresh && rf_ice_consent(&ice, (struct rf_mono){ 1000000 + 50002 * 1000 }));
}

/* Which of several nominations counts. */
static void test_moves(void **state)
{
	struct check low = { "abcdEFGH:peer", ours.pwd, 100, 1, .nominates = true };
	struct check high = { "abcdEFGH:peer", ours.pwd, 200, 1000, .nominates = true };
	struct rf_ice_result result;
	struct rf_random r;
	struct rf_ice ice;

	(void)state;
	begin(&ice, &r);
	assert_int_equal(receive(&ice, &low, &a, 0, &result), 0);
	assert_int_equal(receive(&ice, &high, &b, 1, &result), 0);
	assert_true(result.moved && is_at(&ice, &b));
	low.id++;
	assert_int_equal(receive(&ice, &low, &a, 2, &result), 0); /* worth less than what is there and alive */
	assert_true(!result.moved && is_at(&ice, &b));
	low.id++;
	assert_int_equal(receive(&ice, &low, &a, 1 + RF_ICE_YIELD_MS - 1, &result), 0);
	assert_true(!result.moved && is_at(&ice, &b));
	low.id++;
	assert_int_equal(receive(&ice, &low, &a, 1 + RF_ICE_YIELD_MS, &result), 0); /* that has been silent */
	assert_true(result.moved && is_at(&ice, &a));
	low.id++;
	assert_int_equal(receive(&ice, &low, &c, 5000, &result), 0); /* worth as much: the later one */
	assert_true(result.moved && is_at(&ice, &c));
}

/* A check that was answered once is worth nothing from elsewhere, ever. */
static void test_replayed(void **state)
{
	struct check k = { "abcdEFGH:peer", ours.pwd, 100, 0, .nominates = true };
	struct rf_ice_result result;
	struct rf_random r;
	struct rf_ice ice;

	(void)state;
	begin(&ice, &r);
	for (k.id = 1; k.id <= 2000; k.id++)
		assert_int_equal(receive(&ice, &k, &a, k.id * 2500, &result), 0);
	assert_true(is_at(&ice, &a));
	for (k.id = 1; k.id <= 2000; k.id++) {
		assert_int_equal(receive(&ice, &k, &b, 100000000, &result), 0);
		assert_false(result.moved || result.fresh);
	}
	/* The same again from where it was is a retransmission. */
	k.id = 2000;
	assert_int_equal(receive(&ice, &k, &a, 100000001, &result), 0);
	assert_true(result.fresh && !result.moved && is_at(&ice, &a));
	/* One who holds the password can still move: some new transaction is not taken for an old one. */
	for (k.id = 3000; k.id < 3020 && !result.moved; k.id++)
		assert_int_equal(receive(&ice, &k, &b, 100000002, &result), 0);
	assert_true(result.moved && is_at(&ice, &b));
}

static void test_faults(void **state)
{
	static const struct {
		struct check check;
		uint16_t error;
	} rows[] = {
		{ { "abcdEFGH:peer", "abcdefghijklmnopqrstuvwx", 1, 1, .nominates = true, .controlled = true }, 487 },
		{ { "abcdEFGH:peer", "abcdefghijklmnopqrstuvwx", 1, 2, .nominates = true, .unknown = true }, 420 },
	};
	struct rf_ice_result result;
	struct rf_random r;
	struct rf_ice ice;
	struct rf_stun m;

	(void)state;
	begin(&ice, &r);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(receive(&ice, &rows[i].check, &a, i, &result), 0);
		assert_int_equal(result.error, rows[i].error);
		assert_int_equal(rf_stun_parse(result.reply, &m), 0);
		assert_int_equal(m.error, rows[i].error);
		assert_int_equal(rf_stun_check(&m, rf_view_str(ours.pwd)), 0);
		assert_false(result.moved || result.fresh || ice.selected);
	}
}

static void test_restart(void **state)
{
	struct check k = { "abcdEFGH:peer", ours.pwd, 200, 1, .nominates = true };
	struct check n = { "newuFRAG:reep", later.pwd, 100, 100, .nominates = true };
	struct rf_ice_result result;
	struct rf_random r;
	struct rf_ice ice;

	(void)state;
	begin(&ice, &r);
	assert_int_equal(receive(&ice, &k, &a, 0, &result), 0);
	rf_ice_restart(&ice, &later, &r, (struct rf_mono){ 1000000 });
	/* Those who have not heard of it yet keep consent, and move nothing. */
	k.id++;
	assert_int_equal(receive(&ice, &k, &a, 100, &result), 0);
	assert_true(result.fresh && is_at(&ice, &a));
	k.id++;
	assert_int_equal(receive(&ice, &k, &b, 200, &result), 0);
	assert_true(!result.moved && is_at(&ice, &a));
	/* A check under the new ones selects, whatever it is worth. */
	assert_int_equal(rf_ice_set_remote(&ice, RF_V("reep")), 0);
	assert_int_equal(receive(&ice, &n, &b, 300, &result), 0);
	assert_true(result.moved && is_at(&ice, &b));
	/* And the old ones are gone. */
	k.id++;
	assert_int_equal(receive(&ice, &k, &a, 400, &result), RF_E_AUTH);
	/* Without such a check they end by time. */
	rf_ice_restart(&ice, &ours, &r, (struct rf_mono){ 2000000 });
	n.id++;
	assert_int_equal(receive(&ice, &n, &b, 1000 + RF_ICE_GRACE_MS - 1, &result), 0);
	n.id++;
	assert_int_equal(receive(&ice, &n, &b, 1000 + RF_ICE_GRACE_MS, &result), RF_E_AUTH);
	/* The other side alone has new ones: the next nomination counts. */
	assert_int_equal(rf_ice_set_remote(&ice, RF_V("peer")), 0);
	assert_int_equal(rf_ice_set_remote(&ice, RF_V("third")), 0);
	k = (struct check){ "abcdEFGH:third", ours.pwd, 1, 500, .nominates = true };
	assert_int_equal(receive(&ice, &k, &c, 2000 + RF_ICE_GRACE_MS, &result), 0);
	assert_true(result.moved && is_at(&ice, &c));
}

/* Whoever is proven may move, but not to and fro as often as it may check: walls follow each move. */
static void test_to_and_fro(void **state)
{
	struct check k = { "abcdEFGH:peer", ours.pwd, 100, 1, .nominates = true };
	struct rf_ice_result result;
	struct rf_random r;
	struct rf_ice ice;
	unsigned moves = 0;

	(void)state;
	begin(&ice, &r);
	for (unsigned i = 0; i < 500; i++, k.id++) {
		assert_int_equal(receive(&ice, &k, i & 1 ? &b : &a, 10 * i, &result), 0);
		assert_true(result.reply.n > 0);
		moves += result.moved;
	}
	assert_in_range(moves, RF_ICE_MOVES_AHEAD, RF_ICE_MOVES_AHEAD + 5000 / RF_ICE_MOVE_MS + 1);
	assert_int_equal(receive(&ice, &k, &a, 10000, &result), 0);
	k.id++;
	assert_int_equal(receive(&ice, &k, &b, 10000 + RF_ICE_MOVE_MS, &result), 0);
	assert_true(is_at(&ice, &b));
}

static void test_words(void **state)
{
	char most[RF_ICE_UFRAG_MAX + 2];
	struct rf_ice_cred one, two;
	struct rf_random r;
	struct rf_writer w;
	struct rf_view v;
	uint8_t buf[128];

	(void)state;
	rf_random_system(&r);
	rf_ice_cred_make(&r, &one);
	rf_ice_cred_make(&r, &two);
	assert_true(rf_ice_ufrag_ok(rf_view_str(one.ufrag)) && rf_ice_pwd_ok(rf_view_str(one.pwd)));
	assert_string_not_equal(one.ufrag, two.ufrag);
	assert_string_not_equal(one.pwd, two.pwd);
	memset(most, 'x', sizeof most - 1);
	most[sizeof most - 1] = 0;
	assert_false(rf_ice_ufrag_ok(rf_view_str(most)));
	assert_false(rf_ice_pwd_ok(rf_view_str(most)));
	most[sizeof most - 2] = 0;
	assert_true(rf_ice_ufrag_ok(rf_view_str(most)));
	assert_false(rf_ice_ufrag_ok(RF_V("abc")));
	assert_true(rf_ice_ufrag_ok(RF_V("aZ9+")));
	assert_false(rf_ice_ufrag_ok(RF_V("ab:c")));
	assert_false(rf_ice_ufrag_ok(RF_V("ab\0c")));
	assert_false(rf_ice_pwd_ok(RF_V("abcdefghijklmnopqrstu")));
	assert_true(rf_ice_pwd_ok(RF_V("abcdefghijklmnopqrstuv")));
	/* RFC 8445 5.1.2.1: 2^24 * 126 + 2^8 * 65535 + 255 */
	assert_true(rf_ice_priority(65535, 1) == 2130706431 && rf_ice_priority(65535, 2) == 2130706430);
	rf_writer_init(&w, buf, sizeof buf);
	rf_ice_put_candidate(&w, 1, 2, 65534, RF_V("2001:db8::1"), 10001);
	assert_int_equal(rf_writer_done(&w, &v), 0);
	assert_true(rf_view_eq(v, RF_V("1 2 UDP 2130706174 2001:db8::1 10001 typ host")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_nominated),
		cmocka_unit_test(test_moves),
		cmocka_unit_test(test_replayed),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_to_and_fro),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
