/* Descriptions in, descriptions out, and what the paths are told: a table of whole exchanges. */
#include "session_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define HEAD(ip) "v=0\r\no=alice 1 1 IN IP4 " ip "\r\ns=secret.example\r\nc=IN IP4 " ip "\r\nt=0 0\r\n"
#define AUDIO(port, proto) "m=audio " port " " proto " 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
#define A(proto) HEAD("192.0.2.9") AUDIO("2000", proto)
#define B(proto) HEAD("203.0.113.7") AUDIO("3000", proto)
#define KEY_A "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
#define KEY_B "PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR"
#define KEY_L "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9w"
#define SDES_A "a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:" KEY_A "|2^20|1:4\r\n"
#define PRINT "a=fingerprint:sha-256 01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F:20\r\n"
#define OUR_PRINT "a=fingerprint:sha-256 11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00"
#define ICE_A "a=ice-ufrag:frgA\r\na=ice-pwd:0123456789012345678901\r\na=candidate:1 1 UDP 2130706431 192.168.77.7 2000 typ host\r\n"
#define ICE_B "a=ice-ufrag:frgB\r\na=ice-pwd:abcdefghijabcdefghijab\r\na=candidate:1 1 UDP 2130706431 172.16.8.8 2000 typ host\r\n"

static void plain(struct kit *k, const struct rf_path *p)
{
	(void)k;
	assert_int_equal(p->conf[0].keying, RF_KEYING_PLAIN);
	assert_int_equal(p->conf[1].keying, RF_KEYING_PLAIN);
}

static void passed(struct kit *k, const struct rf_path *p)
{
	(void)k;
	for (unsigned end = 0; end < 2; end++) {
		assert_int_equal(p->conf[end].keying, RF_KEYING_PASSED);
		assert_int_equal(p->conf[end].n_keys_in, 1);
		assert_int_equal(p->conf[end].key_out.suite, RF_SRTP_NONE);
	}
	assert_memory_equal(p->conf[0].keys_in[0].key, "YS___semctl () {\t220;}\n}\nunles", 30);
	assert_int_equal(p->conf[0].keys_in[0].mki_n, 4);
	assert_memory_equal(p->conf[0].keys_in[0].mki, "\0\0\0\1", 4);
	assert_int_equal(p->conf[1].keys_in[0].mki_n, 0);
}

static void sdes_to_plain(struct kit *k, const struct rf_path *p)
{
	(void)k;
	assert_int_equal(p->conf[0].keying, RF_KEYING_SDES);
	assert_int_equal(p->conf[0].n_keys_in, 1);
	assert_int_equal(p->conf[0].keys_in[0].suite, RF_SRTP_AES_CM_128_HMAC_SHA1_80);
	assert_int_equal(p->conf[0].key_out.suite, RF_SRTP_AES_CM_128_HMAC_SHA1_80);
	assert_int_equal(p->conf[0].key_out.mki_n, 0);
	assert_int_equal(p->conf[1].keying, RF_KEYING_PLAIN);
}

static void sdes_apart(struct kit *k, const struct rf_path *p)
{
	(void)k;
	for (unsigned end = 0; end < 2; end++) {
		assert_int_equal(p->conf[end].keying, RF_KEYING_SDES);
		assert_int_equal(p->conf[end].n_keys_in, 1);
		assert_int_not_equal(p->conf[end].key_out.suite, RF_SRTP_NONE);
	}
	assert_int_equal(p->conf[0].keys_in[0].suite, RF_SRTP_AES_CM_128_HMAC_SHA1_80);
	assert_int_equal(p->conf[1].keys_in[0].suite, RF_SRTP_AEAD_AES_256_GCM);
	assert_int_equal(p->conf[1].key_out.suite, RF_SRTP_AEAD_AES_256_GCM);
}

static void dtls_to_plain(struct kit *k, const struct rf_path *p)
{
	(void)k;
	assert_int_equal(p->conf[0].keying, RF_KEYING_DTLS);
	assert_int_equal(p->conf[0].n_prints, 1);
	assert_int_equal(p->conf[0].prints[0].n, 32);
	assert_int_equal(p->conf[0].prints[0].bytes[31], 0x20);
	assert_true(p->conf[0].dtls_active);
	assert_int_equal(p->conf[0].dtls_suites, 1 << RF_SRTP_AEAD_AES_256_GCM | 1 << RF_SRTP_AEAD_AES_128_GCM |
			 1 << RF_SRTP_AES_CM_128_HMAC_SHA1_80);
	assert_true(p->conf[0].sync && p->conf[0].sync != p->conf[1].sync);
	assert_int_equal(p->conf[1].keying, RF_KEYING_PLAIN);
}

static void dtls_passive(struct kit *k, const struct rf_path *p)
{
	(void)k;
	assert_int_equal(p->conf[0].keying, RF_KEYING_DTLS);
	assert_false(p->conf[0].dtls_active);
}

static void plain_to_dtls(struct kit *k, const struct rf_path *p)
{
	(void)k;
	assert_int_equal(p->conf[0].keying, RF_KEYING_PLAIN);
	assert_int_equal(p->conf[1].keying, RF_KEYING_DTLS);
	assert_true(p->conf[1].dtls_active);
	assert_int_equal(p->conf[1].source, RF_SOURCE_ICE);
	assert_string_equal(p->conf[1].ufrag_peer, "frgB");
	assert_int_equal(strlen(p->conf[1].ufrag), 8);
	assert_int_equal(strlen(p->conf[1].pwd), 24);
	assert_true(p->conf[1].rtcp_mux);
}

static void ice_both(struct kit *k, const struct rf_path *p)
{
	(void)k;
	assert_int_equal(p->conf[0].source, RF_SOURCE_ICE);
	assert_int_equal(p->conf[1].source, RF_SOURCE_ICE);
	assert_string_equal(p->conf[0].pwd_peer, "0123456789012345678901");
	assert_string_not_equal(p->conf[0].ufrag, p->conf[1].ufrag);
}

static void ice_one(struct kit *k, const struct rf_path *p)
{
	(void)k;
	assert_int_equal(p->conf[0].source, RF_SOURCE_ICE);
	assert_int_equal(p->conf[1].source, RF_SOURCE_SIGNALED);
	assert_string_equal(p->conf[1].ufrag, "");
}

static void both_lite(struct kit *k, const struct rf_path *p)
{
	(void)k;
	assert_int_equal(p->conf[0].source, RF_SOURCE_SIGNALED);
	assert_int_equal(p->conf[0].remote.port, 2000);
}

static void mux_both(struct kit *k, const struct rf_path *p)
{
	(void)k;
	assert_true(p->conf[0].rtcp_mux);
	assert_true(p->conf[1].rtcp_mux);
}

static void mux_a(struct kit *k, const struct rf_path *p)
{
	(void)k;
	assert_true(p->conf[0].rtcp_mux);
	assert_false(p->conf[1].rtcp_mux);
}

static void mux_b(struct kit *k, const struct rf_path *p)
{
	(void)k;
	assert_false(p->conf[0].rtcp_mux);
	assert_true(p->conf[1].rtcp_mux);
}

static void mux_none(struct kit *k, const struct rf_path *p)
{
	(void)k;
	assert_false(p->conf[0].rtcp_mux);
	assert_false(p->conf[1].rtcp_mux);
	assert_int_equal(p->conf[0].remote_rtcp.port, 2001);
}

static void rtcp_apart(struct kit *k, const struct rf_path *p)
{
	(void)k;
	assert_int_equal(p->conf[0].remote_rtcp.port, 2777);
	assert_int_equal(p->conf[0].remote_rtcp.ip[3], 55);
	assert_int_equal(p->conf[1].remote_rtcp.port, 3778);
}

static void learns(struct kit *k, const struct rf_path *p)
{
	(void)k;
	assert_int_equal(p->conf[0].source, RF_SOURCE_FIRST);
	assert_int_equal(p->conf[0].remote.ip[0], 198);
	assert_int_equal(p->conf[0].remote.ip[3], 77);
	assert_int_equal(p->conf[0].remote.port, 2000);
	assert_int_equal(p->conf[0].remote_rtcp.port, 2001);
	assert_int_equal(p->conf[1].source, RF_SOURCE_SIGNALED);
}

static void waits(struct kit *k, const struct rf_path *p)
{
	learns(k, p);
	assert_true(p->conf[0].nat_waits);
	assert_false(p->conf[1].nat_waits);
}

static void instead(struct kit *k, const struct rf_path *p)
{
	(void)k;
	assert_int_equal(p->conf[0].source, RF_SOURCE_SIGNALED);
	assert_int_equal(p->conf[0].remote.ip[3], 88);
}

static void zero(struct kit *k, const struct rf_path *p)
{
	(void)k;
	assert_int_equal(p->conf[0].remote.family, 0);
	assert_int_equal(p->conf[0].dir, RF_SDP_SENDONLY);
}

static void held_both(struct kit *k, const struct rf_path *p)
{
	(void)k;
	assert_int_equal(p->silence_ms, 3600000);
}

static void one_type(struct kit *k, const struct rf_path *p)
{
	(void)k;
	assert_int_equal(p->conf[1].n_types, 2);
	assert_int_equal(p->conf[1].types[0].type, 0);
	assert_int_equal(p->conf[0].n_types, 1);
}

static void six(struct kit *k, const struct rf_path *p)
{
	(void)k;
	assert_int_equal(p->conf[0].remote.family, 4);
	assert_int_equal(p->conf[1].remote.family, 6);
	assert_int_equal(p->interface[1], 3);
}

static void dscp(struct kit *k, const struct rf_path *p)
{
	(void)k;
	assert_int_equal(p->conf[0].dscp, 46);
	assert_int_equal(p->conf[1].dscp, 46);
}

static void connects(struct kit *k, const struct rf_path *p)
{
	(void)k;
	assert_int_equal(p->kind, RF_PATH_STREAM);
	assert_false(p->conf[0].dtls_active); /* the offerer is active: it connects to us */
	assert_true(p->conf[1].dtls_active);
}

static void datagrams(struct kit *k, const struct rf_path *p)
{
	(void)k;
	assert_int_equal(p->kind, RF_PATH_DATAGRAM);
}

/* want: lines that must be there, each ended by \n; "!text": this text stands nowhere; "=n" : so many m-lines. */
static const struct row {
	const char *name, *offer_with, *offer, *want_b, *answer_with, *answer, *want_a;
	void (*check)(struct kit *k, const struct rf_path *p);
} rows[] = {
	{ "plain", "", A("RTP/AVP"), "m=audio 20002 RTP/AVP 8 0 101\na=rtcp:20003\n!192.0.2.9\n!crypto\n!ice\n!mux\n",
	  "", B("RTP/AVP"), "m=audio 20000 RTP/AVP 8 0 101\na=rtcp:20001\n!203.0.113.7\n", plain },
	{ "no rtcp attribute", "'flags':['no rtcp attribute']", A("RTP/AVP"), "!rtcp\n",
	  "'flags':['full rtcp attribute']", B("RTP/AVP"), "a=rtcp:20001 IN IP4 10.0.0.1\n", plain },
	{ "feedback", "'transport protocol':'RTP/AVPF'", A("RTP/AVP") "a=rtcp-fb:* nack\r\n",
	  "m=audio 20002 RTP/AVPF 8 0 101\n"
	  "a=rtcp-fb:* nack\n",
	  "", B("RTP/AVPF") "a=rtcp-fb:* nack\r\n", "m=audio 20000 RTP/AVP 8 0 101\n!rtcp-fb\n", plain },
	{ "keys passed on", "", A("RTP/SAVP") SDES_A, "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_A "|1:4\n", "",
	  B("RTP/SAVP") "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_B "\r\n",
	  "a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:" KEY_B "\nm=audio 20000 RTP/SAVP 8 0 101\n!" KEY_A "\n", passed },
	{ "keys of each leg", "", A("RTP/SAVP") SDES_A, "!NULL\n!F8\n", "",
	  B("RTP/SAVP") "a=crypto:2 AEAD_AES_256_GCM inline:" KEY_L "REU\r\n", "!" KEY_L "\n!AEAD\n", sdes_apart },
	{ "one suite only", "'SDES':['only-AEAD_AES_256_GCM'],'transport protocol':'RTP/SAVP'", A("RTP/AVP"),
	  "!AES_CM\n!AEAD_AES_128\n", "", NULL, NULL, NULL },
	{ "not this suite", "'SDES':['no-AES_CM_128_HMAC_SHA1_80'],'transport protocol':'RTP/SAVP'", A("RTP/AVP"),
	  "m=audio 20002 RTP/SAVP 8 0 101\n!AES_CM_128\n!fingerprint\n", "", NULL, NULL, NULL },
	{ "padded, with a lifetime", "'SDES':['pad','lifetime'],'transport protocol':'RTP/SAVP'", A("RTP/AVP"),
	  "!1:4\n", "", NULL, NULL, NULL },
	{ "protection ends here", "'transport protocol':'RTP/AVP'", A("RTP/SAVP") SDES_A,
	  "m=audio 20002 RTP/AVP 8 0 101\n!crypto\n!" KEY_A "\n", "", B("RTP/AVP"), "m=audio 20000 RTP/SAVP 8 0 101\n",
	  sdes_to_plain },
	{ "DTLS ends here", "'transport protocol':'RTP/AVP'",
	  A("UDP/TLS/RTP/SAVPF") PRINT "a=setup:actpass\r\na=mid:0\r\n"
				       "a=ssrc:5 cname:ab+/=\r\na=ssrc:6 cname:user@192.0.2.9\r\n"
				       "a=extmap:3 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n",
	  "!fingerprint\n!setup\na=ssrc:5 cname:ab+/=\n!ssrc:6\na=mid:0\n"
	  "a=extmap:3 urn:ietf:params:rtp-hdrext:ssrc-audio-level\n",
	  "", B("RTP/AVP"), "m=audio 20000 UDP/TLS/RTP/SAVPF 8 0 101\na=setup:active\n" OUR_PRINT "\na=mid:0\n",
	  dtls_to_plain },
	{ "DTLS passive", "'transport protocol':'RTP/AVP','DTLS-reverse':'passive'",
	  A("UDP/TLS/RTP/SAVP") PRINT "a=setup:actpass\r\n", "", "", B("RTP/AVP"), "a=setup:passive\n", dtls_passive },
	{ "who is active stays so", "'transport protocol':'RTP/AVP'", A("UDP/TLS/RTP/SAVP") PRINT "a=setup:active\r\n",
	  "", "", B("RTP/AVP"), "a=setup:passive\n", dtls_passive },
	{ "DTLS towards a browser", "'transport protocol':'UDP/TLS/RTP/SAVPF','ICE':'force','rtcp-mux':['require']",
	  A("RTP/AVP"),
	  "a=ice-lite\nm=audio 20002 UDP/TLS/RTP/SAVPF 8 0 101\na=setup:actpass\n" OUR_PRINT
	  "\na=rtcp-mux\na=rtcp:20002\n"
	  "a=candidate:1 1 UDP 2130706431 198.51.100.1 20002 typ host\n!crypto\n! 2 UDP\n",
	  "", B("UDP/TLS/RTP/SAVPF") PRINT "a=setup:passive\r\na=rtcp-mux\r\n" ICE_B,
	  "!ice\n!fingerprint\n!mux\n!172.16\n", plain_to_dtls },
	{ "ICE on both sides", "", A("RTP/AVP") ICE_A,
	  "a=ice-lite\n!192.168\n!frgA\n"
	  "a=candidate:1 2 UDP 2130706430 198.51.100.1 20003 typ host\n",
	  "", B("RTP/AVP") ICE_B,
	  "a=ice-lite\n!172.16\n!frgB\na=candidate:1 1 UDP 2130706431 10.0.0.1 20000 typ host\n", ice_both },
	{ "ICE on one side", "'ICE':'remove'", A("RTP/AVP") ICE_A, "!ice\n!candidate\n", "", B("RTP/AVP"),
	  "a=ice-lite\n", ice_one },
	{ "ICE refused by the callee", "", A("RTP/AVP") ICE_A, "a=ice-lite\n", "", B("RTP/AVP"), "a=ice-lite\n",
	  ice_one },
	{ "both are lite", "", A("RTP/AVP") "a=ice-lite\r\n" ICE_A, "", "", B("RTP/AVP") ICE_B, "a=ice-lite\n",
	  both_lite },
	{ "ICE rejected", "'flags':['reject ICE']", A("RTP/AVP") ICE_A, "", "", B("RTP/AVP"), "!ice\n", NULL },
	{ "mux as they like", "", A("RTP/AVP") "a=rtcp-mux\r\n", "a=rtcp-mux\na=rtcp:20003\n", "",
	  B("RTP/AVP") "a=rtcp-mux\r\n", "a=rtcp-mux\na=rtcp:20000\n", mux_both },
	{ "mux not taken", "", A("RTP/AVP") "a=rtcp-mux\r\n", "a=rtcp-mux\n", "", B("RTP/AVP"), "!mux\na=rtcp:20001\n",
	  mux_none },
	{ "mux demuxed", "'rtcp-mux':['demux']", A("RTP/AVP") "a=rtcp-mux\r\n", "!mux\n", "", B("RTP/AVP"),
	  "a=rtcp-mux\na=rtcp:20000\n", mux_a },
	{ "mux rejected", "'rtcp-mux':['reject']", A("RTP/AVP") "a=rtcp-mux\r\n", "!mux\n", "", B("RTP/AVP"), "!mux\n",
	  mux_none },
	{ "mux offered", "'rtcp-mux':['offer']", A("RTP/AVP"), "a=rtcp-mux\na=rtcp:20003\n", "",
	  B("RTP/AVP") "a=rtcp-mux\r\n", "!mux\n", mux_b },
	{ "mux or nothing", "", A("RTP/AVP") "a=rtcp-mux\r\na=rtcp-mux-only\r\n", "!mux-only\n", "", B("RTP/AVP"),
	  "a=rtcp-mux\n", mux_a },
	{ "rtcp elsewhere", "", A("RTP/AVP") "a=rtcp:2777 IN IP4 192.0.2.55\r\n", "!192.0.2\n!2777\n", "",
	  B("RTP/AVP") "a=rtcp:3778\r\n", "!3778\n", rtcp_apart },
	{ "behind a NAT", "'flags':['SIP source address'],'received from':['IP4','198.18.0.77']", A("RTP/AVP"),
	  "!198.18\n", "", B("RTP/AVP"), "", learns },
	{ "behind a NAT, and waits", "'flags':['NAT-wait','SIP source address'],'received from':['IP4','198.18.0.77']",
	  A("RTP/AVP"), "", "", B("RTP/AVP"), "", waits },
	{ "another address", "'media address':'198.18.0.88'", A("RTP/AVP"), "!198.18\n", "", B("RTP/AVP"), "",
	  instead },
	{ "held the old way", "", HEAD("0.0.0.0") AUDIO("2000", "RTP/AVP"), "a=sendonly\n!0.0.0.0\n", "",
	  B("RTP/AVP") "a=recvonly\r\n", "a=recvonly\n", zero },
	{ "held by both", "", A("RTP/AVP") "a=inactive\r\n", "a=inactive\n", "", B("RTP/AVP") "a=inactive\r\n",
	  "a=inactive\n", held_both },
	{ "a browser's candidates come later", "'transport protocol':'RTP/AVP','ICE':'remove'",
	  HEAD("0.0.0.0") AUDIO("9", "UDP/TLS/RTP/SAVPF") PRINT ICE_A
	  "a=setup:actpass\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=rtcp-mux\r\na=ice-options:trickle\r\n",
	  "a=sendrecv\n!ice\n", "", B("RTP/AVP"), "a=sendrecv\na=rtcp-mux\na=rtcp:20000\na=end-of-candidates\n", NULL },
	{ "feedback that was never promised", "", A("RTP/AVP") "a=rtcp-fb:* ccm fir\r\n", "a=rtcp-fb:* ccm fir\n", "",
	  NULL, NULL, NULL },
	{ "session direction", "",
	  "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\na=recvonly\r\n"
	  "m=audio 2000 RTP/AVP 0\r\n",
	  "a=recvonly\n", "", B("RTP/AVP"), "", NULL },
	{ "codecs", "'codec':{'strip':['all'],'except':['PCMU','telephone-event']}",
	  A("RTP/AVP") "a=fmtp:8 annexb=no\r\n",
	  "m=audio 20002 RTP/AVP 0 101\na=rtpmap:101 telephone-event/8000\n!fmtp\n", "'flags':['single codec']",
	  HEAD("203.0.113.7") "m=audio 3000 RTP/AVP 0 8\r\n", "m=audio 20000 RTP/AVP 0\n", one_type },
	{ "codecs in order", "'codec':{'offer':['101','PCMU']}", A("RTP/AVP"), "m=audio 20002 RTP/AVP 101 0 8\n", "",
	  NULL, NULL, NULL },
	{ "never all codecs away", "'codec':{'strip':['all']}", A("RTP/AVP"), "m=audio 20002 RTP/AVP 8 0 101\n", "",
	  NULL, NULL, NULL },
	{ "unknown formats go", "",
	  HEAD("192.0.2.9") "m=audio 2000 RTP/AVP 0 97 98\r\na=rtpmap:97 10.0.0.1/8000\r\n"
			    "a=rtpmap:98 opus/48000/2\r\n",
	  "m=audio 20002 RTP/AVP 0 98\na=rtpmap:98 opus/48000/2\n!97\n", "", NULL, NULL, NULL },
	{ "ptime", "'ptime':30,'ptime-reverse':40", A("RTP/AVP") "a=ptime:20\r\n", "a=ptime:30\n!ptime:20\n", "",
	  B("RTP/AVP"), "a=ptime:40\n", NULL },
	{ "IPv4 to IPv6", "'address family':'IP6'", A("RTP/AVP"), "c=IN IP6 2001:db8:2::1\n", "",
	  "v=0\r\no=- 1 1 IN IP6 2001:db8:9::7\r\ns=-\r\nc=IN IP6 2001:db8:9::7\r\nt=0 0\r\nm=audio 3000 RTP/AVP 8\r\n",
	  "c=IN IP4 10.0.0.1\n", six },
	{ "DSCP", "'TOS':184", A("RTP/AVP"), "", "", B("RTP/AVP"), "", dscp },
	{ "a group without keys is none", "",
	  "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\na=group:BUNDLE x y\r\n"
	  "a=msid-semantic: WMS 192.0.2.1\r\nm=audio 2000 RTP/AVP 0\r\na=mid:x\r\nm=video 0 RTP/AVP 96\r\n"
	  "a=bundle-only\r\na=mid:y\r\n",
	  "!BUNDLE\n!bundle\n!WMS\na=mid:x\nm=video 0 RTP/AVP 96\n", "", NULL, NULL, NULL },
	{ "fax", "", HEAD("192.0.2.9") "m=image 2000 udptl t38\r\na=T38FaxVersion:0\r\na=T38MaxBitRate:14400\r\n"
				       "a=T38FaxFillBitRemoval\r\na=T38FaxUdpEC:10.0.0.1\r\n",
	  "m=image 20002 udptl t38\na=T38MaxBitRate:14400\na=T38FaxFillBitRemoval\n!10.0.0.1\n!sendrecv\n", "",
	  HEAD("203.0.113.7") "m=image 3000 udptl t38\r\na=T38FaxVersion:0\r\n",
	  "m=image 20000 udptl t38\na=T38FaxVersion:0\n", datagrams },
	{ "messages", "", HEAD("192.0.2.9") "m=message 2000 TCP/MSRP *\r\na=path:msrp://192.0.2.9:2000/s3cr;tcp\r\n"
	  "a=accept-types:message/cpim *\r\n"
	  "a=setup:active\r\n",
	  "m=message 20002 TCP/MSRP *\na=path:msrp://198.51.100.1:20002/s3cr;tcp\na=accept-types:message/cpim *\n"
	  "a=setup:active\n!192.0.2\n", "", HEAD("203.0.113.7") "m=message 3000 TCP/MSRP *\r\n"
	  "a=path:msrp://203.0.113.7:3000/t;tcp\r\n"
	  "a=accept-types:*\r\na=setup:passive\r\n", "a=path:msrp://10.0.0.1:20000/t;tcp\n", connects },
	{ "floor control", "", HEAD("192.0.2.9") "m=application 2000 UDP/BFCP *\r\na=floorctrl:c-s\r\n"
	  "a=floorid:1 mstrm:3\r\na=confid:4321\r\n"
	  "a=userid:1234\r\n", "m=application 20002 UDP/BFCP *\na=floorid:1 mstrm:3\na=floorctrl:c-s\n", "",
	  HEAD("203.0.113.7") "m=application 3000 UDP/BFCP *\r\na=floorctrl:s-only\r\n", "", datagrams },
	{ "what nobody knows", "", HEAD("192.0.2.9") AUDIO("2000", "RTP/AVP") "a=candidate:1 1 UDP 1 10.1.1.1 9 typ host\r\n"
	  "a=X-nat:10.1.1.1\r\na=alt:1 2 : Z 10.1.1.1 5\r\na=tool:10.1.1.1\r\na=fmtp:8 host=10.1.1.1\r\n"
	  "a=msid:10.1.1.1\r\n"
	  "a=fmtp:0 mode=1\r\nb=AS:64\r\nb=X-ip:1\r\ni=10.1.1.1\r\nm=x.10 5 a.b c.d\r\n",
	  "!10.1.1.1\n!X-\n!a.b\n!x.10\nb=AS:64\na=fmtp:0 mode=1\nm=unknown 0 unknown 0\n", "", NULL, NULL, NULL },
};

static void expect(const struct kit *k, const struct row *row, const char *want)
{
	char text[512];

	while (*want) {
		size_t n = strcspn(want, "\n");

		snprintf(text, sizeof text, "%.*s", (int)n, want);
		if (text[0] == '!' ? strstr(k->sdp, text + 1) != NULL : !kit_has(k, text))
			fail_msg("%s: \"%s\" in\n%s", row->name, text, k->sdp);
		want += n + (want[n] != 0);
	}
}

static void test_rows(void **state)
{
	struct kit *k = malloc(sizeof *k);
	char members[512];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct row *r = &rows[i];

		kit_setup(k);
		snprintf(members, sizeof members, "'call-id':'c1','from-tag':'A','direction':['in','out']%s%s",
			 r->offer_with[0] ? "," : "", r->offer_with);
		if (kit_ask(k, "offer", members, r->offer) != RF_NG_OK)
			fail_msg("%s: %.*s", r->name, RF_VFMT(k->reply.reason));
		expect(k, r, r->want_b);
		snprintf(members, sizeof members, "'call-id':'c1','from-tag':'A','to-tag':'B'%s%s",
			 r->answer_with[0] ? "," : "", r->answer_with);
		if (r->answer && kit_ask(k, "answer", members, r->answer) != RF_NG_OK)
			fail_msg("%s: %.*s", r->name, RF_VFMT(k->reply.reason));
		if (r->answer)
			expect(k, r, r->want_a);
		if (r->check)
			r->check(k, kit_path(k, 0));
		kit_down(k);
	}
	free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
