/* Nanoseconds to parse one ordinary INVITE completely: start line with its URI, every header field named, top Via,
 * From, To, Call-ID, CSeq, Max-Forwards, Content-Length, and the first Contact on demand. The body is delimited, not
 * read. Prints processor time: the median, the fastest and the slowest of many runs.
 *
 *	parse [RUNS]        default 200 runs of 20,000 messages
 */
#include "sip/build.h"
#include "sip/frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MESSAGES 20000

static const char invite[] =
	"INVITE sip:1002@voice.example.org;transport=tls SIP/2.0\r\n"
	"Via: SIP/2.0/TLS 10.30.0.17:49152;branch=z9hG4bK-524287-1a2b3c4d;rport\r\n"
	"Max-Forwards: 70\r\n"
	"From: \"Lobby\" <sip:1001@voice.example.org>;tag=a6c85cf\r\n"
	"To: <sip:1002@voice.example.org>\r\n"
	"Call-ID: 3848276298220188511@10.30.0.17\r\n"
	"CSeq: 1 INVITE\r\n"
	"Contact: <sip:1001@10.30.0.17:49152;transport=tls>\r\n"
	"Allow: INVITE,ACK,BYE,CANCEL,OPTIONS,UPDATE\r\n"
	"Supported: replaces,timer\r\n"
	"User-Agent: desk-phone/1.2.3456\r\n"
	"Session-Expires: 1800\r\n"
	"Content-Type: application/sdp\r\n"
	"Content-Length: 127\r\n"
	"\r\n"
	"v=0\r\n"
	"o=- 1 1 IN IP4 10.30.0.17\r\n"
	"s=-\r\n"
	"c=IN IP4 10.30.0.17\r\n"
	"t=0 0\r\n"
	"m=audio 49170 RTP/SAVP 0 8\r\n"
	"a=rtpmap:0 PCMU/8000\r\n"
	"a=sendrecv\r\n";

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Kept over messages, like the message: see sip/msg.h. */
static struct rf_sip_addr contact;

static void parse_one(struct rf_sip_msg *m, struct rf_view v)
{
	if (rf_sip_msg_parse(m, v, RF_SIP_STREAM, NULL) || rf_sip_msg_addr(m, RF_SIP_H_CONTACT, &contact))
		exit(1);
	/* Or the compiler could drop what nobody looks at. */
	__asm__ volatile("" : : "r"(&contact), "r"(m) : "memory");
}

static void frame_one(struct rf_sip_msg *m, struct rf_view v)
{
	struct rf_sip_frame f;
	size_t n;

	(void)m;
	rf_sip_frame_init(&f);
	if (rf_sip_frame_next(&f, v, NULL, &n) != RF_SIP_FRAME_MESSAGE)
		exit(1);
	__asm__ volatile("" : : "r"(&f) : "memory");
}

static void echo_one(struct rf_sip_msg *m, struct rf_view v)
{
	const struct rf_sip_source src = { RF_V("10.30.0.17"), 49152 };
	struct rf_sip_echo echo;
	struct rf_writer w;
	uint8_t lines[1024], out[1024];

	(void)v;
	if (rf_sip_echo_make(m, &src, lines, sizeof lines, &echo))
		exit(1);
	rf_writer_init(&w, out, sizeof out);
	rf_sip_put_response(&w, &echo, 180, (struct rf_view){ NULL, 0 }, RF_V("tag"), true);
	rf_sip_put_end(&w);
	if (w.err)
		exit(1);
	__asm__ volatile("" : : "r"(out) : "memory");
}

static void measure(const char *what, void (*one)(struct rf_sip_msg *, struct rf_view), struct rf_sip_msg *m,
		    struct rf_view v, unsigned runs, double *ns)
{
	for (unsigned r = 0; r < runs; r++) {
		double from = now_ns();

		for (unsigned i = 0; i < MESSAGES; i++)
			one(m, v);
		ns[r] = (now_ns() - from) / MESSAGES;
	}
	qsort(ns, runs, sizeof *ns, by_value);
	printf("%-28s median %6.1f ns   fastest %6.1f   slowest %6.1f   (%u runs of %u)\n", what, ns[runs / 2], ns[0],
	       ns[runs - 1], runs, MESSAGES);
}

int main(int argc, char **argv)
{
	unsigned runs = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 200;
	struct rf_sip_msg *m = calloc(1, sizeof *m);
	double *ns = calloc(runs ? runs : 1, sizeof *ns);
	struct rf_view v = rf_view_of(invite, sizeof invite - 1);

	if (!m || !ns || runs == 0)
		return 2;
	printf("INVITE of %zu bytes, %d header fields, message struct %zu bytes\n", v.n,
	       rf_sip_msg_parse(m, v, RF_SIP_STREAM, NULL) ? -1 : m->hdr_count, sizeof *m);
	measure("parse", parse_one, m, v, runs, ns);
	measure("frame (stream)", frame_one, m, v, runs, ns);
	measure("echo and 180 from it", echo_one, m, v, runs, ns);
	free(ns);
	free(m);
	return 0;
}
