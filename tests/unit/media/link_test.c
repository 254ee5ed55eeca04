/* Frames: what is read from one, and that what is written is what the other side reads, checksums and all. */
#include "media/link.h"

#include "frame_kit.h"
#include "guard.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static const uint8_t mac_a[6] = { 2, 0, 0, 0, 0, 0xa }, mac_b[6] = { 2, 0, 0, 0, 0, 0xb };

static struct rf_addr addr(const char *text)
{
	struct rf_addr a;

	assert_int_equal(rf_addr_parse(rf_view_of(text, strlen(text)), 0, &a), 0);
	return a;
}

static void ends(unsigned family, struct rf_addr *from, struct rf_addr *to)
{
	*from = addr(family == 4 ? "192.0.2.9:4001" : "[2001:db8::9]:4001");
	*to = addr(family == 4 ? "198.51.100.7:30002" : "[2001:db8:1::7]:30002");
}

static void test_reads(void **state)
{
	static const size_t sizes[] = { 0, 1, 12, 172, 1472 };
	static struct frame f;
	struct rf_addr from, to;

	(void)state;
	for (unsigned family = 4; family <= 6; family += 2)
		for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
			size_t n = sizes[i] > 1452 && family == 6 ? 1452 : sizes[i];
			struct rf_link_datagram d;

			ends(family, &from, &to);
			frame_make(&f, mac_b, &from, &to, 7, n);
			struct rf_view v = guard_copy(rf_view_of(f.b, f.n));

			assert_int_equal(rf_link_read(v, &d), 0);
			assert_int_equal(d.family, family);
			assert_memory_equal(d.from, from.ip, family == 4 ? 4 : 16);
			assert_memory_equal(d.to, to.ip, family == 4 ? 4 : 16);
			assert_int_equal(ntohs(d.from_port), 4001);
			assert_int_equal(ntohs(d.to_port), 30002);
			assert_int_equal(d.payload.n, n);
			assert_true(d.payload.p + n == v.p + v.n);
			/* Every prefix is too short; what lies behind does not count. */
			for (size_t k = 0; k < f.n; k++) {
				struct rf_view prefix = guard_copy(rf_view_of(f.b, k));

				assert_int_equal(rf_link_read(prefix, &d), RF_E_MALFORMED);
				guard_free(prefix);
			}
			assert_int_equal(rf_link_read(rf_view_of(f.b, f.n + 20), &d), 0);
			assert_int_equal(d.payload.n, n);
			guard_free(v);
		}
}

static void test_refuses(void **state)
{
	static const struct { const char *what; unsigned family; size_t at; uint8_t byte; int rc; } rows[] = {
		{ "another protocol of Ethernet", 4, 12, 0x81, RF_E_UNSUPPORTED },
		{ "IPv6 said to be IPv4", 6, 13, 0x00, RF_E_UNSUPPORTED },
		{ "version 5", 4, 14, 0x55, RF_E_UNSUPPORTED },
		{ "options", 4, 14, 0x46, RF_E_UNSUPPORTED },
		{ "a short header", 4, 14, 0x44, RF_E_UNSUPPORTED },
		{ "more fragments", 4, 20, 0x20, RF_E_UNSUPPORTED },
		{ "a later fragment", 4, 21, 0x01, RF_E_UNSUPPORTED },
		{ "the reserved bit", 4, 20, 0x80, RF_E_UNSUPPORTED },
		{ "TCP", 4, 23, 6, RF_E_UNSUPPORTED },
		{ "IPv4 above the bound", 4, 16, 0x06, RF_E_UNSUPPORTED },
		{ "IPv4 longer than the frame", 4, 17, 201, RF_E_MALFORMED },
		{ "IPv4 shorter than UDP says", 4, 17, 199, RF_E_MALFORMED },
		{ "IPv4 shorter than its header", 4, 17, 19, RF_E_MALFORMED },
		{ "IPv4 without room for UDP", 4, 17, 27, RF_E_MALFORMED },
		{ "UDP longer than IPv4 says", 4, 39, 181, RF_E_MALFORMED },
		{ "UDP shorter than IPv4 says", 4, 39, 179, RF_E_MALFORMED },
		{ "UDP shorter than its header", 4, 39, 7, RF_E_MALFORMED },
		{ "UDP of 64 KiB", 4, 38, 0xff, RF_E_MALFORMED },
		{ "version 4 in IPv6", 6, 14, 0x45, RF_E_UNSUPPORTED },
		{ "an extension header", 6, 20, 0, RF_E_UNSUPPORTED },
		{ "a fragment header", 6, 20, 44, RF_E_UNSUPPORTED },
		{ "IPv6 above the bound", 6, 18, 0x06, RF_E_UNSUPPORTED },
		{ "IPv6 longer than the frame", 6, 19, 181, RF_E_MALFORMED },
		{ "IPv6 shorter than UDP says", 6, 19, 179, RF_E_MALFORMED },
		{ "IPv6 without room for UDP", 6, 19, 7, RF_E_MALFORMED },
		{ "UDP longer than IPv6 says", 6, 59, 181, RF_E_MALFORMED },
	};
	static struct frame f;
	struct rf_link_datagram d;
	struct rf_addr from, to;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ends(rows[i].family, &from, &to);
		frame_make(&f, mac_b, &from, &to, 7, 172);
		f.b[rows[i].at] = rows[i].byte;
		struct rf_view v = guard_copy(rf_view_of(f.b, f.n));
		int rc = rf_link_read(v, &d);

		guard_free(v);
		if (rc != rows[i].rc)
			fail_msg("%s: %d, not %d", rows[i].what, rc, rows[i].rc);
	}
}

/* The head of what must come out. */
static void expect(struct frame *want, uint8_t dscp)
{
	uint8_t *ip = want->b + 14;

	memcpy(want->b, mac_b, 6);
	memcpy(want->b + 6, mac_a, 6);
	if (frame_udp_at(want) == FRAME_V4_UDP) {
		ip[1] = (uint8_t)(dscp << 2);
		frame_put16(ip + 4, 0);
		ip[6] = 0x40;
		ip[8] = 64;
	} else {
		ip[0] = (uint8_t)(0x60 | dscp >> 2);
		ip[1] = (uint8_t)(dscp << 6);
		ip[2] = ip[3] = 0;
		ip[7] = 64;
	}
	frame_seal(want);
}

static void test_writes(void **state)
{
	static struct frame want, got;
	struct rf_link_head head;
	struct rf_addr from, to;

	(void)state;
	for (unsigned family = 4; family <= 6; family += 2)
		for (size_t n = 0; n < 400; n += n < 40 ? 1 : 37) {
			ends(family, &from, &to);
			frame_make(&want, mac_b, &from, &to, (uint8_t)(n * 7), n);
			expect(&want, 46);
			rf_link_head_make(mac_a, mac_b, &from, &to, 46, &head);
			memset(&got, 0xee, sizeof got);
			struct rf_view payload =
				guard_copy(rf_view_from(rf_view_of(want.b, want.n), frame_udp_at(&want) + 8));

			got.n = rf_link_write(&head, payload, got.b);
			guard_free(payload);
			assert_int_equal(got.n, want.n);
			assert_int_equal(rf_link_ip_bytes(&head, n), want.n - 14);
			for (size_t i = 0; i < want.n; i++)
				if (got.b[i] != want.b[i])
					fail_msg("family %u, %zu bytes: byte %zu is %02x, not %02x", family, n, i,
						 got.b[i], want.b[i]);
			assert_int_equal(got.b[got.n], 0xee);
		}
}

/* A sum that comes out as nothing is said as all ones: 0 would say that there is none. */
static void test_no_zero_checksum(void **state)
{
	struct rf_addr from, to;
	struct rf_link_head head;
	struct frame f = { .n = 0 };
	uint8_t payload[2] = { 0 };

	(void)state;
	ends(4, &from, &to);
	rf_link_head_make(mac_a, mac_b, &from, &to, 0, &head);
	rf_link_write(&head, rf_view_of(payload, 2), f.b);
	memcpy(payload, f.b + FRAME_V4_UDP + 6, 2); /* the sum of the rest: with it everything sums up to all ones */
	f.n = rf_link_write(&head, rf_view_of(payload, 2), f.b);
	assert_int_equal(f.b[FRAME_V4_UDP + 6] << 8 | f.b[FRAME_V4_UDP + 7], 0xffff);
	assert_int_equal(frame_udp_sum(&f), 0xffff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads), cmocka_unit_test(test_refuses), cmocka_unit_test(test_writes),
		cmocka_unit_test(test_no_zero_checksum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
