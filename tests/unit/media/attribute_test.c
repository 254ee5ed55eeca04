/* What may cross, attribute by attribute, and each value cut short at the end of a page. */
#include "guard.h"
#include "media/attribute.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <string.h>

static const struct {
	const char *name, *value;
	unsigned kind;
	bool crosses;
} rows[] = {
	{ "rtpmap", "96 opus/48000/2", RF_ATTR_RTP, true }, { "RTPMAP", "96 opus/48000/2", RF_ATTR_RTP, true },
	{ "rtpmap", "x opus/48000", RF_ATTR_RTP, false }, { "rtpmap", "96 10.0.0.1/8000", RF_ATTR_RTP, false },
	{ "rtpmap", "96 a b/8000", RF_ATTR_RTP, false }, { "rtpmap", "96 opus/48000", RF_ATTR_FAX, false },
	{ "fmtp", "96 useinbandfec=1;stereo=0", RF_ATTR_RTP, true }, { "fmtp", "96 a=10.0.0.1", RF_ATTR_RTP, false },
	{ "fmtp", "96 a=fe80::1", RF_ATTR_RTP, false }, { "fmtp", "96 u=a@b", RF_ATTR_RTP, false },
	{ "fmtp", "97 sprop-parameter-sets=Z0IACpZTBYmI,aMljiA==", RF_ATTR_RTP, true },
	{ "fmtp", "", RF_ATTR_RTP, false },
	{ "rtcp-fb", "* ccm tmmbr smaxpr=120", RF_ATTR_RTP, true }, { "rtcp-fb", "96 x.y", RF_ATTR_RTP, false },
	{ "ptime", "20", RF_ATTR_RTP, true }, { "ptime", "20 ms", RF_ATTR_RTP, false },
	{ "framerate", "29.97", RF_ATTR_RTP, true }, { "framerate", "10.0.0.1", RF_ATTR_RTP, false },
	{ "framerate", "10.", RF_ATTR_RTP, false },
	{ "extmap", "1 urn:ietf:params:rtp-hdrext:ssrc-audio-level", RF_ATTR_RTP, true },
	{ "extmap", "3/sendonly urn:ietf:params:rtp-hdrext:sdes:mid", RF_ATTR_RTP, true },
	{ "extmap", "4 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time", RF_ATTR_RTP, true },
	{ "extmap", "5 urn:3gpp:video-orientation", RF_ATTR_RTP, true },
	{ "extmap", "4 http://www.webrtc.org/experiments/rtp-hdrext/10.0.0.1", RF_ATTR_RTP, false },
	{ "extmap", "4 http://10.0.0.1/x", RF_ATTR_RTP, false }, { "extmap", "4", RF_ATTR_RTP, false },
	{ "extmap", "4 urn:ietf:params:rtp-hdrext:sdes:fe80::1", RF_ATTR_RTP, false },
	{ "ssrc", "1234 cname:a1b2+/=", RF_ATTR_RTP, true },
	{ "ssrc", "1234 cname:alice@10.0.0.1", RF_ATTR_RTP, false },
	{ "ssrc", "1234 msid:{1} {2}", RF_ATTR_RTP, true }, { "ssrc", "1234 other:x", RF_ATTR_RTP, false },
	{ "ssrc", "x cname:x", RF_ATTR_RTP, false }, { "ssrc-group", "FID 1 2", RF_ATTR_RTP, true },
	{ "accept-types", "message/cpim text/plain *", RF_ATTR_MSRP, true },
	{ "accept-types", "text/10.0.0.1", RF_ATTR_MSRP, false },
	{ "accept-types", "application/vnd.3gpp", RF_ATTR_MSRP, true }, { "setup", "active", RF_ATTR_BFCP, true },
	{ "setup", "active", RF_ATTR_RTP, false }, { "setup", "x", RF_ATTR_BFCP, false },
	{ "floorid", "1 mstrm:2", RF_ATTR_BFCP, true }, { "floorid", "1 m-stream:2 3", RF_ATTR_BFCP, true },
	{ "floorid", "1 mstrm:10.0.0.1", RF_ATTR_BFCP, false }, { "floorid", "1", RF_ATTR_BFCP, true },
	{ "T38FaxVersion", "0", RF_ATTR_FAX, true }, { "t38faxversion", "0", RF_ATTR_FAX, true },
	{ "T38FaxFillBitRemoval", "", RF_ATTR_FAX, true }, { "T38FaxUdpEC", "t38UDPRedundancy", RF_ATTR_FAX, true },
	{ "fingerprint", "sha-1 00:11", RF_ATTR_FAX, false },
	{ "fingerprint", "sha-256 00:11", RF_ATTR_FAX, false },
	{ "candidate", "1 1 UDP 1 10.0.0.1 9 typ host", RF_ATTR_RTP, false },
	{ "rtcp", "9 IN IP4 10.0.0.1", RF_ATTR_RTP, false },
	{ "crypto", "1 x inline:y", RF_ATTR_RTP, false }, { "alt", "1", RF_ATTR_RTP, false },
	{ "X-anything", "1", RF_ATTR_RTP, false }, { "mid", "1", RF_ATTR_RTP, false },
	{ "rtcp-mux", "", RF_ATTR_RTP, false }, { "msid", "a b", RF_ATTR_RTP, true },
	{ "msid", "host.example b", RF_ATTR_RTP, false },
	{ "lang", "en-GB", RF_ATTR_RTP, true },
	{ "content", "slides", RF_ATTR_RTP, true },
};

static struct rf_sdp_attr attr_of(const char *name, struct rf_view value)
{
	return (struct rf_sdp_attr){ .name = rf_view_str(name), .value = value };
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct rf_sdp_attr a = attr_of(rows[i].name, rf_view_str(rows[i].value));

		if ((rf_attr_rule(&a, rows[i].kind) != NULL) != rows[i].crosses)
			fail_msg("%s:%s", rows[i].name, rows[i].value);
		for (size_t n = 0; n < strlen(rows[i].value); n++) {
			struct rf_view cut = guard_copy(rf_view_of(rows[i].value, n));

			a.value = cut;
			rf_attr_rule(&a, rows[i].kind);
			guard_free(cut);
		}
	}
}

static void test_written(void **state)
{
	struct rf_sdp_attr a = attr_of("RTPMAP", RF_V("96 opus/48000/2"));
	uint8_t buf[64];
	struct rf_writer w;

	(void)state;
	rf_writer_init(&w, buf, sizeof buf);
	rf_attr_put(&w, rf_attr_rule(&a, RF_ATTR_RTP), a.value);
	assert_true(rf_view_eq(rf_view_of(buf, w.n), RF_V("a=rtpmap:96 opus/48000/2\r\n")));
	assert_int_equal(rf_attr_format(RF_V("96 x")), 96);
	assert_int_equal(rf_attr_format(RF_V("* x")), -1);
	assert_int_equal(rf_attr_format(RF_V("128 x")), -1);
	assert_false(rf_attr_word(RF_V("")));
	assert_false(rf_attr_word(RF_V("a.b")));
	assert_true(rf_attr_word(RF_V("a-b_c")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
