/* Asks the sets about single packets, for tests/system/test_prove.py: rules as JSON in a file, or those of a router and
 * their language (then state 1 is TCP with ACK set), lines "IN OUT SOURCE DESTINATION PROTOCOL SPORT DPORT STATE" on
 * the standard input; "accept" or "drop" for each, or "?" where sets and trace disagree. */
#include "prove/trace.h"

#include <stdio.h>
#include <stdlib.h>

static bool packet_of(const char *src, const char *dst, struct rf_packet *p)
{
	struct rf_rs_cell a, b;

	if (!rf_rs_address(rf_view_str(src), &a) || !rf_rs_address(rf_view_str(dst), &b))
		return false;
	p->family = a.family;
	memcpy(p->src, a.ip.lo, 16);
	memcpy(p->dst, b.ip.lo, 16);
	return true;
}

static void answer(struct rf_sets *s, struct rf_device *d, const char *in, const char *out, const struct rf_packet *p)
{
	struct rf_way way = { .kind = RF_WAY_FORWARD, .in = in, .out = out, .mode = RF_REST };
	size_t mark = rf_sets_mark(s);
	struct rf_trace t;

	rf_hull_whole(&way.src);
	rf_hull_whole(&way.dst);
	int x = rf_space_forget(s, rf_space_packet(s, p), RF_RS_STATE);
	bool set = rf_device_pass(d, &way, x, rf_space_num(s, RF_RS_STATE, p->state, p->state), NULL) != rf_sets_none();
	bool alone = rf_trace(d, &way, p, &t) == 0 && t.accept.possible;
	rf_sets_release(s, mark, rf_sets_none());
	puts(set != alone ? "?" : set ? "accept" : "drop");
}

static rf_rs_reader *reader(const char *language)
{
	static const struct { const char *name; rf_rs_reader *read; } readers[] = {
		{ "nft-json", rf_read_nft_json }, { "ios", rf_read_ios }, { "eos", rf_read_eos },
		{ "junos", rf_read_junos },
	};

	for (size_t i = 0; i < sizeof readers / sizeof *readers; i++)
		if (strcmp(readers[i].name, language) == 0)
			return readers[i].read;
	return NULL;
}

int main(int argc, char **argv)
{
	static uint8_t bytes[8 << 20];
	char in[32], out[32], src[64], dst[64];
	unsigned proto, sport, dport, state;
	struct rf_diag diag = { 0 };
	struct rf_ruleset rs;
	struct rf_device *d;
	struct rf_sets *s;
	FILE *f = argc > 1 ? fopen(argv[1], "rb") : NULL;

	rf_rs_reader *read = reader(argc > 2 ? argv[2] : "nft-json");

	if (!f || !read)
		return 2;
	size_t n = fread(bytes, 1, sizeof bytes, f);
	fclose(f);
	if (read(rf_view_of(bytes, n), argv[1], &rs, &diag)) {
		fprintf(stderr, "%s\n", diag.text);
		return 1;
	}
	if (rf_sets_open(rf_space_variables(), 1000000, &s) || rf_device_new(s, &rs, &d))
		return 3;
	while (scanf("%31s %31s %63s %63s %u %u %u %u", in, out, src, dst, &proto, &sport, &dport, &state) == 8) {
		struct rf_packet p = { .proto = (uint8_t)proto, .sport = (uint16_t)sport, .dport = (uint16_t)dport,
				       .state = (uint8_t)state,
				       .tcp_flags = proto != 6 ? 0 : !rs.tracks && state == 1 ? 16 : 2 };

		if (!packet_of(src, dst, &p))
			return 2;
		answer(s, d, in, out, &p);
	}
	rf_device_free(d);
	rf_sets_close(s);
	rf_ruleset_fini(&rs);
	return 0;
}
