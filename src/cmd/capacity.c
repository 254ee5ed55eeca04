/* ringfort capacity: how many calls a line carries, and how much a number of calls takes: arithmetic on packets, for
 * `limits.external_calls` and `links`. */
#include "cmd/cmd.h"

#include <jansson.h>
#include <string.h>

enum {
	UDP_BYTES = 8, IP4_BYTES = 20, IP6_BYTES = 40, RTP_BYTES = 12,
	ETHERNET_BYTES = 38,        /* header, checksum, preamble and gap of a frame */
	RTCP_PERCENT = 5,           /* RFC 3550 6.2 */
	SHARE_PERCENT = 75,         /* the rest is for signaling and for what nobody thought of */
};

static const struct codec {
	const char *name;
	uint32_t bits_s;
} codecs[] = { { "pcmu", 64000 }, { "pcma", 64000 }, { "g722", 64000 }, { "opus", 24000 }, { "g729", 8000 } };

static const struct suite {
	const char *name;
	uint8_t tag;
} suites[] = {
	{ "aes-gcm", 16 }, { "aes-cm-80", 10 }, { "aes-cm-32", 4 }, { "none", 0 },
};

struct line {
	const struct codec *codec;
	const struct suite *suite;
	uint64_t kbit, calls, ptime, link, share;
	uint64_t packet, call_bits; /* bytes on the line; bits a second of a call, each way */
};

static const struct rf_cmd_opt opts[] = {
	{ "kbit", "N", "what the line carries each way, in kbit/s", 0 },
	{ "calls", "N", "instead: what this many calls take", 0 },
	{ "codec", "NAME", "pcmu, pcma, g722, opus (24 kbit/s) or g729; default pcmu", 0 },
	{ "ptime", "MS", "of sound in a packet, 10 to 120; default 20", 0 },
	{ "suite", "NAME", "of SRTP: aes-gcm, aes-cm-80, aes-cm-32 or none; default aes-gcm", 0 },
	{ "ipv6", NULL, "packets are IPv6", 0 },
	{ "link", "BYTES", "around each IP packet: 38 on Ethernet (default), 8 of PPPoE or some 60 of IPsec on top", 0 },
	{ "share", "PERCENT", "of the line that calls may take; default 75", 0 },
	{ 0 },
};

static int choose(struct rf_cmd_ctx *c, struct line *l)
{
	const char *codec = rf_cmd_opt(c, "codec"), *suite = rf_cmd_opt(c, "suite");

	for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++)
		if (strcmp(codecs[i].name, codec ? codec : "pcmu") == 0)
			l->codec = &codecs[i];
	for (size_t i = 0; i < sizeof suites / sizeof *suites; i++)
		if (strcmp(suites[i].name, suite ? suite : "aes-gcm") == 0)
			l->suite = &suites[i];
	if (!l->codec)
		return rf_cmd_error(c, RF_EXIT_USAGE, "there is no codec \"%s\": pcmu, pcma, g722, opus, g729", codec);
	if (!l->suite)
		return rf_cmd_error(c, RF_EXIT_USAGE, "there is no suite \"%s\": aes-gcm, aes-cm-80, aes-cm-32, none",
				    suite);
	l->ptime = 20;
	l->link = ETHERNET_BYTES;
	l->share = SHARE_PERCENT;
	if (!rf_cmd_number(c, "ptime", 10, 120, &l->ptime) || !rf_cmd_number(c, "link", 0, 1000, &l->link) ||
	    !rf_cmd_number(c, "share", 1, 100, &l->share) || !rf_cmd_number(c, "kbit", 1, 1000000000, &l->kbit) ||
	    !rf_cmd_number(c, "calls", 1, 1000000, &l->calls))
		return RF_EXIT_USAGE;
	if (!l->kbit == !l->calls)
		return rf_cmd_error(c, RF_EXIT_USAGE, "say either --kbit, what the line carries, or --calls");
	return 0;
}

static void reckon(struct line *l, bool ip6)
{
	uint64_t payload = ((uint64_t)l->codec->bits_s * l->ptime + 7999) / 8000;

	l->packet = payload + RTP_BYTES + l->suite->tag + UDP_BYTES + (ip6 ? IP6_BYTES : IP4_BYTES) + l->link;
	l->call_bits = l->packet * 8 * 1000 * (100 + RTCP_PERCENT) / (l->ptime * 100);
	if (l->calls)
		l->kbit = (l->calls * l->call_bits * 100 + l->share * 1000 - 1) / (l->share * 1000);
	else
		l->calls = l->kbit * 1000 * l->share / (l->call_bits * 100);
}

static int run(struct rf_cmd_ctx *c)
{
	struct line l = { NULL };
	int status = choose(c, &l);

	if (status)
		return status;
	reckon(&l, rf_cmd_flag(c, "ipv6"));
	if (c->json)
		return rf_cmd_json(c,
				   json_pack("{s:I,s:I,s:s,s:I,s:s,s:I,s:I,s:I}", "calls", (json_int_t)l.calls, "kbit",
					     (json_int_t)l.kbit, "codec", l.codec->name, "ptime", (json_int_t)l.ptime,
					     "suite", l.suite->name, "packet_bytes", (json_int_t)l.packet, "call_kbit",
					     (json_int_t)((l.call_bits + 999) / 1000), "share", (json_int_t)l.share),
				   l.calls ? RF_EXIT_YES : RF_EXIT_NO);
	fprintf(c->out, "A call of %s takes %llu kbit/s each way: packets of %llu bytes on the line every %llu ms, %d %% of RTCP.\n"
			"%llu kbit/s, %llu %% of it for calls, carry %llu of them at once.\n",
		l.codec->name, (unsigned long long)((l.call_bits + 999) / 1000), (unsigned long long)l.packet,
		(unsigned long long)l.ptime, RTCP_PERCENT, (unsigned long long)l.kbit, (unsigned long long)l.share,
		(unsigned long long)l.calls);
	/* 0 in the site file is no bound at all: never a line to be copied. */
	if (!l.calls)
		return rf_cmd_error(c, RF_EXIT_NO,
				    "not one such call fits: a line for calls wants %llu kbit/s, or a leaner --codec",
				    (unsigned long long)((l.call_bits * 100 + l.share * 1000 - 1) / (l.share * 1000)));
	fprintf(c->out, "\nlimits: { external_calls: %llu }\n", (unsigned long long)l.calls);
	return RF_EXIT_YES;
}

const struct rf_cmd rf_cmd_capacity[] = {
	{
		.name = "capacity",
		.summary = "how many calls a line carries",
		.help = "The sound of a call, its protection and everything around it, counted in packets; what comes "
			"out is what the\n"
			"site file wants as limits.external_calls, or for a link. No site is needed. Exit status 1: "
			"not one call fits.",
		.example = "ringfort capacity --kbit 10000 --codec opus",
		.opts = opts,
		.run = run,
	},
	{ 0 },
};
