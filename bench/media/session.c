/* What a call costs the sessions of the relay: offer, answer and delete in one process, over paths that are none, so that what is
 * measured is this room's part: reading, deciding, writing. The requests are read beforehand. Then the memory of calls that stay.
 *
 *	session [CALLS]      one line a kind: microseconds of CPU a call, bytes a call */
#include "../../tests/unit/media/fake_path.h"
#include "media/ng_reply.h"
#include "media/relay.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define HEAD "v=0\r\no=alice 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
#define CODECS "a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n"
#define KEY "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n"
#define WEB "a=rtcp-mux\r\na=setup:actpass\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n" \
	"a=fingerprint:sha-256 01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F:20\r\n"

static const struct kind {
	const char *name, *offer, *answer;
	enum rf_ng_protocol protocol;
} kinds[] = {
	{ "plain", HEAD "m=audio 2000 RTP/AVP 8 0 101\r\n" CODECS, HEAD "m=audio 3000 RTP/AVP 8 101\r\n" CODECS, RF_NG_PROTOCOL_UNSET },
	{ "keys passed on", HEAD "m=audio 2000 RTP/SAVP 8 0 101\r\n" CODECS KEY, HEAD "m=audio 3000 RTP/SAVP 8 101\r\n" CODECS KEY,
	  RF_NG_PROTOCOL_UNSET },
	{ "SDES to plain", HEAD "m=audio 2000 RTP/SAVP 8 0 101\r\n" CODECS KEY, HEAD "m=audio 3000 RTP/AVP 8 101\r\n" CODECS, RF_NG_RTP_AVP },
	{ "browser to plain", HEAD "m=audio 2000 UDP/TLS/RTP/SAVPF 8 0 101\r\n" CODECS WEB, HEAD "m=audio 3000 RTP/AVP 8 101\r\n" CODECS,
	  RF_NG_RTP_AVP },
};

static struct rf_relay *relay;
static uint8_t out[65536];

static void ask(enum rf_ng_command command, const char *call_id, const char *sdp, enum rf_ng_protocol protocol)
{
	struct rf_ng_request q = { .command = command, .call_id = rf_view_str(call_id), .from_tag = RF_V("caller-tag"),
		.to_tag = command == RF_NG_OFFER ? RF_V("") : RF_V("callee-tag"), .sdp = rf_view_str(sdp), .protocol = protocol,
		.direction = { RF_V("in"), RF_V("out") } };
	struct rf_writer w;

	rf_writer_init(&w, out, sizeof out);
	rf_relay_do(relay, &q, &w);
	if (w.err || !memmem(out, w.n, "6:result2:ok", 12)) {
		fprintf(stderr, "%.*s\n", (int)w.n, (char *)out);
		exit(1);
	}
}

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void measure(const struct kind *k, unsigned calls)
{
	double began = cpu_us();
	size_t before;
	char id[32];

	for (unsigned i = 0; i < calls; i++) {
		snprintf(id, sizeof id, "call-%u@example", i);
		ask(RF_NG_OFFER, id, k->offer, k->protocol);
		ask(RF_NG_ANSWER, id, k->answer, RF_NG_PROTOCOL_UNSET);
		ask(RF_NG_DELETE, id, "", RF_NG_PROTOCOL_UNSET);
	}
	double each = (cpu_us() - began) / calls;

	before = mallinfo2().uordblks;
	for (unsigned i = 0; i < KIT_PATHS; i++) {
		snprintf(id, sizeof id, "call-%u@example", i);
		ask(RF_NG_OFFER, id, k->offer, k->protocol);
		ask(RF_NG_ANSWER, id, k->answer, RF_NG_PROTOCOL_UNSET);
	}
	printf("%-18s %6.2f us %6zu bytes\n", k->name, each, (mallinfo2().uordblks - before) / KIT_PATHS);
	for (unsigned i = 0; i < KIT_PATHS; i++) {
		snprintf(id, sizeof id, "call-%u@example", i);
		ask(RF_NG_DELETE, id, "", RF_NG_PROTOCOL_UNSET);
	}
}

int main(int argc, char **argv)
{
	unsigned calls = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 50000;
	struct rf_media_worker *worker = calloc(1, sizeof *worker);
	struct rf_random random;
	struct rf_relay_conf conf = { .worker = worker, .random = &random,
		.policy = { .plain_allowed = true, .dtls = true, .suites = 0x3e },
		.fingerprint = "sha-256 11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00" };

	rf_random_system(&random);
	if (!worker || rf_loop_new(NULL, &conf.loop) || rf_relay_new(&conf, &relay))
		return 1;
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		measure(&kinds[i], calls);
	rf_relay_free(relay);
	rf_loop_free(conf.loop);
	free(worker);
	return 0;
}
