/* RTCP from any bytes: what is said anew is a compound again, carries no name but ours, and says the same when it
 * is said anew once more. */
#include "rtp/rtcp.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define MUST(cond) \
	do { \
		if (!(cond)) { \
			fprintf(stderr, "line %d: %s\n", __LINE__, #cond); \
			abort(); \
		} \
	} while (0)

enum { CAP = 16384 };

static void look(struct rf_view compound)
{
	struct rf_reader r = rf_reader_of(compound), body;
	struct rf_rtcp_packet packet;
	struct rf_rtcp_source source;

	while (rf_rtcp_next(&r, &packet) == 0) {
		MUST(packet.type >= RF_RTCP_SR && packet.type <= RF_RTCP_PSFB && packet.type != RF_RTCP_APP);
		body = rf_reader_of(packet.body);
		for (uint8_t i = 0; packet.type == RF_RTCP_SDES && i < packet.count; i++)
			MUST(rf_rtcp_source_next(&body, &source) == 0 && rf_view_eq(source.cname, RF_V("our name")) && !source.others);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct rf_rtcp_pair there[] = { { 1, 0x11 }, { 2, 0x12 } };
	static uint8_t first[CAP], second[CAP];
	struct rf_rtcp_rewrite how = { there, 2, RF_V("our name") };
	struct rf_rtcp_left_out left;
	size_t first_n, second_n;
	bool reduced = n & 1;

	if (n > 1500 || rf_rtcp_rewrite(rf_view_of(data, n), reduced, &how, first, CAP, &first_n, &left))
		return 0;
	MUST(rf_rtcp_check(rf_view_of(first, first_n), true) == 0);
	look(rf_view_of(first, first_n));
	how.n_pairs = 0;
	MUST(rf_rtcp_rewrite(rf_view_of(first, first_n), true, &how, second, CAP, &second_n, &left) == 0);
	MUST(second_n == first_n && memcmp(first, second, first_n) == 0);
	MUST(!left.app && !left.xr && !left.feedback && !left.other && !left.items && !left.reasons);
	return 0;
}
