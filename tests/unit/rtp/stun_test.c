#include "rtp/stun_int.h"
#include "rtp/stun_server.h"

#include "guard.h"
#include "rtp/demux.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static size_t unhex(const char *text, uint8_t *dst)
{
	size_t n = 0;

	for (const char *p = text; *p; p += 2, n++) {
		char byte[3] = { p[0], p[1], 0 };

		dst[n] = (uint8_t)strtoul(byte, NULL, 16);
	}
	return n;
}

static const char password[] = "VOkJxbRl1RmTxUk/WvJxBt";

/* RFC 5769 2.1, 2.2, 2.3 */
static const char request[] = "000100582112a442b7e7a701bc34d686fa87dfae"
	"802200105354554e207465737420636c69656e74" "002400046e0001ff" "80290008932ff9b151263b36"
	"000600096576746a3a68367659202020" "000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2" "80280004e57a3bcf";
static const char answer4[] = "0101003c2112a442b7e7a701bc34d686fa87dfae" "8022000b7465737420766563746f7220"
	"002000080001a147e112a643" "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7" "80280004c07d4c96";
static const char answer6[] = "010100482112a442b7e7a701bc34d686fa87dfae" "8022000b7465737420766563746f7220"
	"002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9"
	"00080014a382954e4be67bf11784c97c8292c275bfe3ed41" "80280004c8fb0b4c";

static void test_vectors(void **state)
{
	static const uint8_t ip6[16] = { 0x20, 1, 0xd, 0xb8, 0x12, 0x34, 0x56, 0x78, 0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77 };
	uint8_t buf[256];
	struct rf_stun m;

	(void)state;
	assert_int_equal(rf_stun_parse(rf_view_of(buf, unhex(request, buf)), &m), 0);
	assert_int_equal(m.class, RF_STUN_REQUEST);
	assert_int_equal(m.method, RF_STUN_BINDING);
	assert_int_equal(m.priority, 0x6e0001ff);
	assert_true(m.controlled && !m.controlling && m.fingerprint && !m.use_candidate);
	assert_true(m.tie_breaker == 0x932ff9b151263b36);
	assert_true(rf_view_eq(m.username, RF_V("evtj:h6vY")));
	assert_int_equal(m.unknown_count, 0);
	assert_int_equal(rf_stun_check(&m, rf_view_str(password)), 0);
	assert_int_equal(rf_stun_check(&m, RF_V("VOkJxbRl1RmTxUk/WvJxBu")), RF_E_AUTH);
	assert_int_equal(rf_stun_check(&m, RF_V("")), RF_E_AUTH);

	assert_int_equal(rf_stun_parse(rf_view_of(buf, unhex(answer4, buf)), &m), 0);
	assert_int_equal(m.class, RF_STUN_SUCCESS);
	assert_true(m.mapped && m.mapped_address.family == 4 && m.mapped_address.port == 32853);
	assert_memory_equal(m.mapped_address.ip, "\xc0\x00\x02\x01\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	assert_int_equal(rf_stun_check(&m, rf_view_str(password)), 0);

	assert_int_equal(rf_stun_parse(rf_view_of(buf, unhex(answer6, buf)), &m), 0);
	assert_true(m.mapped && m.mapped_address.family == 6 && m.mapped_address.port == 32853);
	assert_memory_equal(m.mapped_address.ip, ip6, 16);
	assert_int_equal(rf_stun_check(&m, rf_view_str(password)), 0);
}

/* Every prefix is refused, in memory that ends where it ends, and no bit is without effect, but those that make the
 * fingerprint, which stands behind the integrity, another attribute that may be passed over. */
static void test_prefixes_and_bits(void **state)
{
	uint8_t whole[256], bent[256];
	size_t n = unhex(request, whole);
	struct rf_stun m;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		struct rf_view copy = guard_copy(rf_view_of(whole, i));

		assert_int_not_equal(rf_stun_parse(copy, &m), 0);
		guard_free(copy);
	}
	for (size_t bit = 0; bit < n * 8; bit++) {
		memcpy(bent, whole, n);
		bent[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (rf_stun_parse(rf_view_of(bent, n), &m) == 0 && rf_stun_check(&m, rf_view_str(password)) == 0)
			assert_true(bit / 8 >= n - 8 && bit / 8 < n - 6 && !m.fingerprint);
	}
}

/* A message from attributes in hex, with a head. */
static int parse_attrs(const char *attrs, uint8_t buf[static RF_STUN_BYTES_MAX], struct rf_stun *m)
{
	size_t n = unhex("000100002112a442000102030405060708090a0b", buf);

	n += unhex(attrs, buf + n);
	buf[2] = (uint8_t)((n - 20) >> 8);
	buf[3] = (uint8_t)(n - 20);
	return rf_stun_parse(rf_view_of(buf, n), m);
}

static void test_attributes(void **state)
{
	static const struct {
		const char *attrs;
		int rc;
		size_t unknown;
	} rows[] = {
		{ "", 0, 0 },
		{ "00030004000000060000", RF_E_MALFORMED, 0 },     /* not a multiple of four */
		{ "0003000400000006", 0, 1 },                      /* CHANGE-REQUEST must be understood */
		{ "8fff000400000006", 0, 0 },                      /* may be passed over */
		{ "7fff00017f000000" "00010000", 0, 2 },
		{ "7fff000900000000", RF_E_MALFORMED, 0 },         /* longer than the message */
		{ "7fffffff00000000", RF_E_MALFORMED, 0 },
		{ "7fff0005aaaaaaaaaa000000", 0, 1 },              /* padding */
		{ "002400020001ffff", RF_E_MALFORMED, 0 },         /* PRIORITY of two bytes */
		{ "0024000400000001" "002400020001ffff", 0, 0 },   /* the first of a kind counts */
		{ "0025000400000000", RF_E_MALFORMED, 0 },         /* USE-CANDIDATE with a value */
		{ "00250000", 0, 0 },
		{ "80290004aaaaaaaa", RF_E_MALFORMED, 0 },
		{ "00080010aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", RF_E_MALFORMED, 0 },
		{ "001c000caaaaaaaaaaaaaaaaaaaaaaaa", RF_E_MALFORMED, 0 },
		{ "001c0010aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 0, 0 },
		{ "001c0011aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa000000", RF_E_MALFORMED, 0 },
		{ "002000080001a147e112a643", 0, 0 },
		{ "002000080002a147e112a643", RF_E_MALFORMED, 0 }, /* IPv6 of four bytes */
		{ "002000080003a147e112a643", RF_E_MALFORMED, 0 },
		{ "002000040001a147", RF_E_MALFORMED, 0 },
		{ "000900040000020c", RF_E_MALFORMED, 0 },         /* error 212 */
		{ "0009000400000414", 0, 0 },
		{ "0009000400000464", RF_E_MALFORMED, 0 },         /* error 4 and 100 */
		{ "80280004aaaaaaaa", RF_E_MALFORMED, 0 },         /* a wrong sum */
		{ "80280002aaaa0000", RF_E_MALFORMED, 0 },
		/* Behind the integrity nothing counts. */
		{ "00080014aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" "7fff0000", 0, 0 },
		{ "00080014aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" "00250004aaaaaaaa", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint8_t buf[RF_STUN_BYTES_MAX];
		struct rf_stun m = { .unknown_count = 0 };

		if (parse_attrs(rows[i].attrs, buf, &m) != rows[i].rc || m.unknown_count != rows[i].unknown)
			fail_msg("row %zu: %s", i, rows[i].attrs);
		assert_false(m.use_candidate && i != 11);
	}
}

static void test_bounds(void **state)
{
	uint8_t buf[RF_STUN_BYTES_MAX + 4] = { 0 };
	struct rf_stun m;
	char attrs[33 * 8 + 1];

	(void)state;
	for (unsigned i = 0; i < 33; i++)
		memcpy(attrs + 8 * (size_t)i, "7fff0000", 9);
	assert_int_equal(parse_attrs(attrs, buf, &m), RF_E_LIMIT);
	attrs[32 * 8] = 0;
	assert_int_equal(parse_attrs(attrs, buf, &m), 0);
	assert_int_equal(m.unknown_count, 32); /* of which eight are told */

	/* One attribute that fills a message, and one that is four bytes too long. */
	for (size_t n = RF_STUN_BYTES_MAX; n <= sizeof buf; n += 4) {
		memset(buf, 0, sizeof buf);
		unhex("000100002112a442000102030405060708090a0b8fff", buf);
		buf[2] = (uint8_t)((n - 20) >> 8);
		buf[3] = (uint8_t)(n - 20);
		buf[22] = (uint8_t)((n - 24) >> 8);
		buf[23] = (uint8_t)(n - 24);
		assert_int_equal(rf_stun_parse(rf_view_of(buf, n), &m), n > RF_STUN_BYTES_MAX ? RF_E_LIMIT : 0);
	}
}

/* SHA-256, whole and cut, of "key" (made with another HMAC); it is what counts where both are. */
static void test_integrity256(void **state)
{
	static const char mac[] = "b96e2127df84ab285b2e51bddfd628e1f98cee93eb4a75982967f07b0dffb79e";
	static const char mac20[] = "e39fc9952e2e529d143f7204b024a72df401bf8c";
	uint8_t buf[RF_STUN_BYTES_MAX];
	char attrs[256];
	struct rf_stun m;

	(void)state;
	snprintf(attrs, sizeof attrs, "0024000400000007001c0020%s", mac);
	assert_int_equal(parse_attrs(attrs, buf, &m), 0);
	assert_int_equal(rf_stun_check(&m, RF_V("key")), 0);
	assert_int_equal(rf_stun_check(&m, RF_V("kez")), RF_E_AUTH);
	snprintf(attrs, sizeof attrs, "0024000400000007001c0014%s", mac20);
	assert_int_equal(parse_attrs(attrs, buf, &m), 0);
	assert_int_equal(rf_stun_check(&m, RF_V("key")), 0);
	assert_int_equal(parse_attrs("0024000400000007", buf, &m), 0);
	assert_int_equal(rf_stun_check(&m, RF_V("key")), RF_E_AUTH); /* nothing proves it */
}

/* What is built is parsed as it was meant, whatever fits; what does not fit says so. */
static void test_build(void **state)
{
	static const uint8_t id[12] = "abcdefghijkl";
	struct rf_stun_addr addr = { .family = 6, .port = 65535, .ip = { 0xfd, 1 } };
	struct rf_stun asked = { .unknown = { 3, 0x7fff }, .unknown_count = 2 }, m;
	struct rf_view v;

	(void)state;
	for (size_t cap = 0; cap <= 128; cap++) {
		struct rf_writer w;
		uint8_t buf[128];

		rf_writer_init(&w, buf, cap);
		rf_stun_begin(&w, RF_STUN_ERROR, 0xabc, id);
		rf_stun_put_mapped(&w, &addr);
		rf_stun_put_error(&w, 420);
		rf_stun_put_unknown(&w, &asked);
		rf_stun_put_integrity(&w, RF_V("key"));
		rf_stun_put_fingerprint(&w);
		if (cap < 20 + 24 + 8 + 8 + 24 + 8) {
			assert_int_equal(rf_writer_done(&w, &v), RF_E_SPACE);
			continue;
		}
		assert_int_equal(rf_writer_done(&w, &v), 0);
		assert_int_equal(rf_stun_parse(v, &m), 0);
		assert_int_equal(m.class, RF_STUN_ERROR);
		assert_int_equal(m.method, 0xabc);
		assert_int_equal(m.error, 420);
		assert_memory_equal(m.id, id, 12);
		assert_true(rf_stun_addr_eq(&m.mapped_address, &addr));
		assert_true(m.fingerprint);
		assert_int_equal(rf_stun_check(&m, RF_V("key")), 0);
	}
}

static void test_server(void **state)
{
	static const struct {
		const char *attrs;
		uint16_t error;
		size_t n;
	} rows[] = {
		{ "", 0, 32 },
		{ "0003000400000006", 420, 36 },
		{ "7f0000007f0100007f0200007f0300007f0400007f0500007f0600007f0700007f080000", 420, 48 },
		{ "00060004616263648022000461626364", 0, 32 }, /* credentials are not looked at */
	};
	struct rf_stun_addr from = { .family = 4, .port = 5060, .ip = { 192, 0, 2, 1 } };
	uint8_t buf[RF_STUN_BYTES_MAX], out[RF_STUN_SERVER_REPLY_MAX];
	struct rf_view reply;
	struct rf_stun m;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(parse_attrs(rows[i].attrs, buf, &m), 0);
		assert_int_equal(rf_stun_server_answer(m.bytes, &from, out, &reply), 0);
		assert_int_equal(reply.n, rows[i].n);
		assert_true(reply.n <= m.bytes.n + RF_STUN_SERVER_GROWTH);
		assert_int_equal(rf_stun_parse(reply, &m), 0);
		assert_int_equal(m.error, rows[i].error);
		assert_true(m.error || rf_stun_addr_eq(&m.mapped_address, &from));
		assert_memory_equal(m.id, "\0\1\2\3\4\5\6\7\10\11\12\13", 12);
	}
	/* A response, an indication, another method, no address: silence. */
	static const uint8_t types[][2] = { { 1, 1 }, { 1, 0x11 }, { 0, 0x11 }, { 0, 3 } };
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		assert_int_equal(parse_attrs("", buf, &m), 0);
		memcpy(buf, types[i], 2);
		assert_int_equal(rf_stun_server_answer(m.bytes, &from, out, &reply), RF_E_UNSUPPORTED);
	}
	assert_int_equal(parse_attrs("", buf, &m), 0);
	from.family = 0;
	assert_int_equal(rf_stun_server_answer(m.bytes, &from, out, &reply), RF_E_UNSUPPORTED);
	/* One with a fingerprint is answered with one. */
	from.family = 6;
	assert_int_equal(rf_stun_server_answer(rf_view_of(buf, unhex(request, buf)), &from, out, &reply), 0);
	assert_int_equal(reply.n, 52);
	assert_int_equal(rf_stun_parse(reply, &m), 0);
	assert_true(m.fingerprint);
}

static void test_demux(void **state)
{
	static const struct {
		uint8_t first, second;
		size_t n;
		enum rf_demux want;
	} rows[] = {
		{ 0, 1, 20, RF_DEMUX_STUN }, { 3, 0, 20, RF_DEMUX_STUN }, { 1, 1, 19, RF_DEMUX_OTHER },
		{ 4, 0, 100, RF_DEMUX_OTHER }, { 19, 0, 100, RF_DEMUX_OTHER }, { 20, 254, 13, RF_DEMUX_DTLS },
		{ 22, 254, 12, RF_DEMUX_OTHER }, { 63, 0, 100, RF_DEMUX_DTLS }, { 64, 0, 4, RF_DEMUX_TURN },
		{ 79, 0, 4, RF_DEMUX_TURN }, { 80, 0, 100, RF_DEMUX_OTHER }, { 127, 0, 100, RF_DEMUX_OTHER },
		{ 128, 0, 12, RF_DEMUX_RTP }, { 128, 0, 11, RF_DEMUX_OTHER }, { 128, 191, 12, RF_DEMUX_RTP },
		{ 128, 192, 8, RF_DEMUX_RTCP }, { 191, 223, 8, RF_DEMUX_RTCP }, { 128, 224, 12, RF_DEMUX_RTP },
		{ 128, 200, 7, RF_DEMUX_OTHER }, { 192, 0, 100, RF_DEMUX_OTHER }, { 255, 0, 100, RF_DEMUX_OTHER },
		{ 0, 0, 0, RF_DEMUX_OTHER },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint8_t bytes[100] = { rows[i].first, rows[i].second };

		if (rf_demux_of(rf_view_of(bytes, rows[i].n)) != rows[i].want)
			fail_msg("row %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_prefixes_and_bits),
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_integrity256),
		cmocka_unit_test(test_build),
		cmocka_unit_test(test_server),
		cmocka_unit_test(test_demux),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
