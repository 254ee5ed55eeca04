/* What a wall says to its relay, however it was taken over: lines from outside, between wants, breaks and time that passes. */
#include "role/pinbook.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static struct rf_tuple tuple(unsigned i)
{
	/* Each fifth is an opening. */
	return (struct rf_tuple){ .family = 4, .protocol = i % 2 ? IPPROTO_TCP : IPPROTO_UDP, .sport = i % 5 ? (uint16_t)(20000 + i) : 0,
				  .dport = (uint16_t)(30000 + i), .src = { 10, 60, 0, 12 }, .dst = { 198, 51, 100, 7 } };
}

static void want(struct rf_pinbook *b, uint8_t session, uint8_t n)
{
	struct rf_tuple v[8];

	for (unsigned i = 0; i < n % 8; i++)
		v[i] = tuple(session % 16 * 4 + i);
	(void)rf_pinbook_want(b, session % 16, v, n % 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rf_pinbook_conf conf = { .walls = 1, .hash_key = { 1, 2 }, .tuples_max = 64 };
	struct rf_view in = rf_view_of(data, size);
	struct rf_mono now = { 1000000 };
	struct rf_pinbook *b;
	char line[RF_WALL_LINE_MAX];

	if (rf_pinbook_new(&conf, &b))
		return 0;
	rf_pinbook_up(b, 0, now);
	for (unsigned turn = 0; in.n && turn < 500; turn++) {
		size_t n = rf_view_find(in, '\n');
		struct rf_view one = rf_view_sub(in, 0, n);

		in = rf_view_from(in, n < in.n ? n + 1 : n);
		now = rf_mono_add_ms(now, 50);
		if (one.n == 3 && one.p[0] == 'w')
			want(b, one.p[1], one.p[2]);
		else if (one.n == 2 && one.p[0] == 't')
			now = rf_mono_add_ms(now, one.p[1] * 1000ull);
		else if (rf_pinbook_answer(b, 0, one, now)) {
			rf_pinbook_down(b, 0, now);
			rf_pinbook_up(b, 0, now);
		}
		if (rf_pinbook_lost(b, 0, now))
			rf_pinbook_down(b, 0, now);
		while (rf_pinbook_line(b, 0, now, line))
			;
	}
	/* Whatever it said: a wall that is gone for good leaves nothing behind. */
	struct rf_pinbook_stats s;
	rf_pinbook_drop_all(b);
	rf_pinbook_down(b, 0, now);
	now = rf_mono_add_ms(now, 1000000);
	(void)rf_pinbook_lost(b, 0, now);
	rf_pinbook_stats(b, &s);
	if (s.tuples || s.sessions || s.held)
		abort();
	rf_pinbook_free(b);
	return 0;
}
