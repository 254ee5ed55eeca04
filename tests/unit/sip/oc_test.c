/* Overload control (RFC 7339): what is said in a Via, what a client does with it. */
#include "sip/oc.h"

#include "guard.h"
#include "sip/build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define VIA "SIP/2.0/TLS p1.example.net;branch=z9hG4bK2d4790.1"

static const struct {
	const char *via;
	int rc;
	unsigned loss, validity_ms;
	uint64_t seq;
} words[] = {
	/* the examples of RFC 7339 6 */
	{ VIA ";received=192.0.2.111;oc=0;oc-algo=\"loss\";oc-validity=0", 0, 0, 0, 0 },
	{ VIA ";received=192.0.2.111;oc=20;oc-algo=\"loss\";oc-validity=500;oc-seq=1282321615.782", 0, 20, 500,
	  128232161578200 },
	{ VIA ";OC=100;oc-seq=1.5", 0, 100, 500, 150000 },
	{ VIA ";oc=7;oc-seq=999999999999.99999", 0, 7, 500, 99999999999999999 },
	{ VIA, RF_E_NOT_FOUND, 0, 0, 0 },
	{ VIA ";oc", RF_E_NOT_FOUND, 0, 0, 0 },
	{ VIA ";oc;oc-algo=\"loss,A\"", RF_E_NOT_FOUND, 0, 0, 0 },
	{ VIA ";oc=20;oc-algo=\"A\"", RF_E_NOT_FOUND, 0, 0, 0 },
	{ VIA ";oc=101", RF_E_MALFORMED, 0, 0, 0 },
	{ VIA ";oc=-1", RF_E_MALFORMED, 0, 0, 0 },
	{ VIA ";oc=x", RF_E_MALFORMED, 0, 0, 0 },
	{ VIA ";oc=1;oc-validity=4294967296", RF_E_MALFORMED, 0, 0, 0 },
	{ VIA ";oc=1;oc-seq=1", RF_E_MALFORMED, 0, 0, 0 },
	{ VIA ";oc=1;oc-seq=.1", RF_E_MALFORMED, 0, 0, 0 },
	{ VIA ";oc=1;oc-seq=1.", RF_E_MALFORMED, 0, 0, 0 },
	{ VIA ";oc=1;oc-seq=1.123456", RF_E_MALFORMED, 0, 0, 0 },
	{ VIA ";oc=1;oc-seq=1234567890123.1", RF_E_MALFORMED, 0, 0, 0 },
	{ VIA ";oc=1;oc-seq=1.1.1", RF_E_MALFORMED, 0, 0, 0 },
};

static void test_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		struct rf_sip_via via;
		struct rf_sip_oc oc;

		assert_int_equal(rf_sip_via_parse(guard_copy(rf_view_str(words[i].via)), &via), 0);
		int rc = rf_sip_oc_parse(&via, &oc);

		if (rc != words[i].rc)
			fail_msg("%s: %d", words[i].via, rc);
		if (rc)
			continue;
		assert_int_equal(oc.loss_percent, words[i].loss);
		assert_int_equal(oc.validity_ms, words[i].validity_ms);
		assert_true(oc.seq == words[i].seq);
	}
}

static void test_put(void **state)
{
	static const struct rf_sip_oc samples[] = {
		{ 0, 0, 0 }, { 1, 500, 1 }, { 100000, 500, 100 }, { 128232161578200, 60000, 20 },
		{ 123456700089, 1, 99 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
		struct rf_sip_oc oc;
		struct rf_sip_via via;
		struct rf_writer w;
		char text[256];

		rf_writer_init(&w, text, sizeof text);
		rf_put_lit(&w, VIA);
		rf_sip_oc_put(&w, &samples[i]);
		assert_int_equal(w.err, 0);
		assert_int_equal(rf_sip_via_parse(rf_view_of(text, w.n), &via), 0);
		assert_int_equal(rf_sip_oc_parse(&via, &oc), 0);
		assert_int_equal(oc.loss_percent, samples[i].loss_percent);
		assert_int_equal(oc.validity_ms, samples[i].validity_ms);
		assert_true(oc.seq == samples[i].seq);
	}
}

/* The answer says it only to a client that asked, in place of what the client wrote. */
static void test_echo(void **state)
{
	static const char head[] = "OPTIONS sip:x@a SIP/2.0\r\n";
	static const char rest[] = "From: <sip:a@a>;tag=1\r\nTo: <sip:x@a>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n"
				   "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n";
	static const struct {
		const char *via, *want;
	} cases[] = {
		{ "Via: " VIA ";oc;oc-algo=\"loss\"\r\n",
		  "Via: " VIA ";oc=30;oc-algo=\"loss\";oc-validity=500;oc-seq=0.00009" },
		{ "Via: " VIA ";oc=99;oc-seq=5.5;oc-validity=9\r\n",
		  "Via: " VIA ";oc=30;oc-algo=\"loss\";oc-validity=500;oc-seq=0.00009" },
		{ "Via: " VIA "\r\n", "Via: " VIA ";received" },
	};
	const struct rf_sip_oc oc = { .seq = 9, .validity_ms = 500, .loss_percent = 30 };
	const struct rf_sip_source src = { RF_V("192.0.2.1"), 5061, &oc };
	static struct rf_sip_msg msg;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[1024], scratch[1024];
		struct rf_sip_echo echo;
		struct rf_writer w;

		rf_writer_init(&w, text, sizeof text);
		rf_put(&w, rf_view_str(head));
		rf_put(&w, rf_view_str(cases[i].via));
		rf_put(&w, rf_view_str(rest));
		assert_int_equal(rf_sip_msg_parse(&msg, rf_view_of(text, w.n), RF_SIP_DATAGRAM, NULL), 0);
		assert_int_equal(rf_sip_echo_make(&msg, &src, scratch, sizeof scratch, &echo), 0);
		assert_true(rf_view_starts(echo.lines, rf_view_str(cases[i].want)));
	}
}

static struct rf_mono ms(uint64_t t)
{
	return (struct rf_mono){ t * 1000 };
}

static unsigned sent_of_100(const struct rf_oc_client *c, struct rf_mono now)
{
	unsigned n = 0;

	for (uint64_t i = 0; i < 100; i++)
		n += rf_oc_may_send(c, now, (uint32_t)((i << 32) / 100 + 1));
	return n;
}

static void test_client(void **state)
{
	struct rf_oc_client c = { 0 };

	(void)state;
	assert_int_equal(sent_of_100(&c, ms(1)), 100);
	rf_oc_heard(&c, &(struct rf_sip_oc){ 10, 500, 20 }, ms(1000));
	assert_int_equal(sent_of_100(&c, ms(1000)), 80);
	assert_int_equal(sent_of_100(&c, ms(1499)), 80);
	assert_int_equal(sent_of_100(&c, ms(1500)), 100);
	rf_oc_heard(&c, &(struct rf_sip_oc){ 11, 500, 100 }, ms(2000));
	assert_int_equal(sent_of_100(&c, ms(2000)), 0);
	/* an answer that was overtaken */
	rf_oc_heard(&c, &(struct rf_sip_oc){ 10, 500, 0 }, ms(2001));
	assert_int_equal(sent_of_100(&c, ms(2001)), 0);
	/* it is over (RFC 7339 4.3) */
	rf_oc_heard(&c, &(struct rf_sip_oc){ 12, 0, 100 }, ms(2002));
	assert_int_equal(sent_of_100(&c, ms(2002)), 100);
	/* no peer holds us for hours */
	rf_oc_heard(&c, &(struct rf_sip_oc){ 13, UINT32_MAX, 50 }, ms(3000));
	assert_int_equal(rf_oc_loss(&c, ms(3000 + RF_OC_VALIDITY_MAX_MS - 1)), 50);
	assert_int_equal(rf_oc_loss(&c, ms(3000 + RF_OC_VALIDITY_MAX_MS)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_put),
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_client),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
