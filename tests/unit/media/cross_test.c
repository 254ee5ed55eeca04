/* Whatever a description says, none of its addresses, names and keys comes out at the other side: random descriptions,
 * whose forbidden parts are marked, and the marks are looked for in what goes out. */
#include "session_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* What is inside: none of these may be in what goes out, in any spelling. */
static const char *const inside[] = { "10.66.", "fd66:", "FD66:", "corp", "alice", "hush", "66.0.0", "::66" };

/* $4: an inside address, $6: one of IPv6, $n: a name, $p: a port, $w: a secret word. */
static const char *const attributes[] = {
	"rtpmap:0 PCMU/8000", "rtpmap:96 opus/48000/2", "rtpmap:97 $4/8000", "rtpmap:97 $w.$n/8000",
	"rtpmap:101 telephone-event/8000", "fmtp:96 useinbandfec=1", "fmtp:96 host=$4", "fmtp:96 uri=sip:$w@$n",
	"fmtp:101 0-16", "fmtp:97 [$6]:5060", "rtcp:$p IN IP4 $4", "rtcp:$p IN IP6 $6", "rtcp:$p", "rtcp-mux",
	"rtcp-mux-only", "rtcp-fb:* nack pli", "rtcp-fb:96 $4", "candidate:1 1 UDP 2130706431 $4 $p typ host",
	"candidate:2 2 UDP 1694498815 $4 $p typ srflx raddr $4 rport $p",
	"candidate:3 1 UDP 99 $6 $p typ host generation 0", "candidate:4 1 udp 1 $w.$n $p typ host",
	"remote-candidates:1 $4 $p", "ice-ufrag:abcd", "ice-pwd:abcdefghijklmnopqrstuvwx", "ice-lite",
	"ice-options:trickle", "end-of-candidates", "alt:1 4 : $w $w $4 $p", "altc:1 IP4 $4 $p", "ccap:1 IN IP4 $4",
	"tcap:1 RTP/SAVP", "acap:1 crypto:1 X inline:$w", "sqn:0",
	"crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20",
	"crypto:2 $w inline:$w",
	"crypto:9 AEAD_AES_256_GCM inline:QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wREU UNENCRYPTED_SRTP",
	"fingerprint:sha-256 01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F:20",
	"fingerprint:md5 66:00", "setup:actpass", "setup:active", "setup:$w", "tls-id:$w", "key-mgmt:mikey $w", "mid:0",
	"mid:$4", "mid:$n", "sendrecv", "ssrc:1 cname:abc", "ssrc:2 cname:$w@$4", "ssrc:3 msid:$n $w.$n",
	"ssrc-group:FID 1 2", "msid:$4 $n", "label:$n", "extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid",
	"extmap:2 http://$4/$w", "extmap:3 urn:$n:$w.x", "group:BUNDLE $n", "path:msrp://$4:$p/session;tcp",
	"path:msrps://$n:$p/sessio2;tcp msrp://[$6]:$p/x;tcp", "accept-types:text/plain message/cpim",
	"accept-types:text/$4", "ptime:20", "maxptime:$4", "framerate:29.97", "framerate:$4", "T38FaxVersion:0",
	"T38FaxUdpEC:$n.$n", "T38VendorInfo:$4 $p", "floorid:1 mstrm:2", "floorid:1 m-stream:$4", "confid:1",
	"floorctrl:c-s", "connection:new", "X-info:$w $4", "tool:$n", "charset:$w", "cat:$n", "keywds:$w",
	"source-filter: incl IN IP4 * $4", "rtpengine:$w", "oldmediaip:$4", "nortpproxy:$w", "direction:$4",
	"imageattr:96 send [x=$4]", "lang:en", "rid:1 send", "simulcast:send 1", "sctpmap:$p $w $4", "xcap $w", "$w:$4",
};
static const char *const lines[] = { "i=$w at $n", "b=AS:128", "b=X-$n:1", "k=clear:$w", "k=uri:http://$n/$w" };
static const char *const medias[] = {
	"audio $p RTP/AVP 0 96 101", "audio $p RTP/SAVP 0 96", "audio $p UDP/TLS/RTP/SAVPF 96 0",
	"video $p RTP/AVPF 97 96", "audio 0 RTP/AVP 0", "image $p udptl t38", "message $p TCP/MSRP *",
	"application $p UDP/BFCP *", "application $p TCP/TLS/BFCP *", "audio $p RTP/AVP 0 $p",
	"application $p UDP/DTLS/SCTP webrtc-datachannel", "$n $p RTP/AVP 0", "audio $p $n 0", "$n 0 $n $n",
	"text $p RTP/AVP 96", "image $p udptl $n",
};
static const char *const with[] = {
	"'ICE':'force'", "'ICE':'remove'", "'transport protocol':'RTP/AVP'", "'transport protocol':'RTP/SAVP'",
	"'transport protocol':'UDP/TLS/RTP/SAVPF'", "'rtcp-mux':['offer']", "'rtcp-mux':['demux']",
	"'flags':['SIP source address','full rtcp attribute'],'received from':['IP4','10.66.3.4']",
	"'flags':['generate mid']", "'address family':'IP6'", "'DTLS':'off'", "'SDES':['pad']",
	"'media address':'10.66.9.9'", "'codec':{'strip':['PCMU']}",
	"'flags':['original sendrecv','trust address']",
	"'replace':['origin']",
};
#define COUNT(t) (sizeof(t) / sizeof((t)[0]))

struct text {
	char buf[16384];
	size_t n;
	uint64_t seed;
};

static unsigned draw(struct text *t, size_t below)
{
	t->seed = t->seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)((t->seed >> 33) % below);
}

static void put(struct text *t, const char *s)
{
	for (; *s && t->n + 64 < sizeof t->buf; s++) {
		if (*s != '$') {
			t->buf[t->n++] = *s;
			continue;
		}
		char *at = t->buf + t->n;
		size_t left = sizeof t->buf - t->n;
		int n = 0;

		switch (*++s) {
		case '4': n = snprintf(at, left, "10.66.%u.%u", draw(t, 256), draw(t, 256)); break;
		case '6': n = snprintf(at, left, "fd66::%x:%x", draw(t, 65536), draw(t, 65536)); break;
		case 'n': n = snprintf(at, left, "host%u.corp.example", draw(t, 99)); break;
		case 'p': n = snprintf(at, left, "%u", 6600 + draw(t, 60)); break;
		case 'w': n = snprintf(at, left, "hush%u.", draw(t, 99)); break;
		}
		t->n += (size_t)n;
	}
	t->buf[t->n] = 0;
}

static void put_attributes(struct text *t, unsigned most)
{
	for (unsigned n = draw(t, most); n > 0; n--) {
		put(t, "a=");
		put(t, attributes[draw(t, COUNT(attributes))]);
		put(t, "\r\n");
	}
}

static void make(struct text *t, unsigned medias_n)
{
	t->n = 0;
	put(t, draw(t, 4) ? "v=0\r\no=alice 66 1 IN IP4 $4\r\ns=$w\r\n" :
			    "v=0\r\no=alice 66 1 IN IP6 $6\r\ns=$n call\r\n");
	put(t, draw(t, 5) ? "c=IN IP4 $4\r\n" : "c=IN IP6 $6\r\n");
	if (draw(t, 3) == 0)
		put(t, "u=http://$n/\r\ne=$w@$n\r\np=+1 $w\r\n");
	put(t, "t=0 0\r\n");
	put_attributes(t, 6);
	for (unsigned i = 0; i < medias_n; i++) {
		put(t, "m=");
		put(t, medias[draw(t, COUNT(medias))]);
		put(t, "\r\n");
		if (draw(t, 3) == 0) {
			put(t, lines[draw(t, COUNT(lines))]);
			put(t, "\r\n");
		}
		put_attributes(t, 24);
	}
}

static void check(const struct kit *k, const struct text *t)
{
	for (size_t i = 0; i < COUNT(inside); i++)
		if (strcasestr(k->sdp, inside[i]))
			fail_msg("\"%s\" crossed:\n%s\nfrom\n%s", inside[i], k->sdp, t->buf);
}

static void test_random(void **state)
{
	struct kit *k = malloc(sizeof *k);
	struct text *t = malloc(sizeof *t);
	char members[512];
	unsigned passed = 0;

	(void)state;
	kit_setup(k);
	t->seed = 66;
	for (unsigned i = 0; i < 6000; i++) {
		unsigned n = 1 + draw(t, 3);

		make(t, n);
		snprintf(members, sizeof members, "'call-id':'c%u','from-tag':'A','direction':['in','out'],%s", i % 50,
			 with[draw(t, COUNT(with))]);
		if (kit_ask(k, "offer", members, t->buf) == RF_NG_OK) {
			passed++;
			check(k, t);
		}
		make(t, n);
		snprintf(members, sizeof members, "'call-id':'c%u','from-tag':'A','to-tag':'B',%s", i % 50,
			 with[draw(t, COUNT(with))]);
		if (kit_ask(k, "answer", members, t->buf) == RF_NG_OK) {
			passed++;
			check(k, t);
		}
		if (draw(t, 3) == 0) {
			snprintf(members, sizeof members, "'call-id':'c%u'", i % 50);
			kit_ask(k, draw(t, 2) ? "delete" : "query", members, NULL);
		}
	}
	assert_true(passed > 1500);
	kit_down(k);
	free(t);
	free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
