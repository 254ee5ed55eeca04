/* Replies of the NG protocol from any bytes; statistics that are understood are said again by us, and mean the same:
 * saying them once more shows it. */
#include "media/ng_event.h"
#include "media/ng_reply.h"

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

static struct rf_view said(const struct rf_ng_stats_call *call, enum rf_ng_encoding enc, uint8_t *buf, size_t cap)
{
	struct rf_ng_request q = { .command = RF_NG_QUERY, .encoding = enc };
	struct rf_writer w;
	struct rf_view out;

	rf_writer_init(&w, buf, cap);
	rf_put_lit(&w, "c ");
	rf_ng_reply_call(&w, &q, call);
	MUST(rf_writer_done(&w, &out) == 0);
	return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static uint8_t buf[2][RF_NG_BYTES_MAX];
	struct rf_ng_stats_call call, again;
	struct rf_ng_reply r, back;
	struct rf_arena a;
	struct rf_diag d;

	rf_arena_init(&a, 8 << 20);
	int err = rf_ng_reply_parse(rf_view_of(data, n), &a, &r, &d);
	if (err < 0)
		MUST(d.code == err);
	else
		MUST(r.cookie.n > 0 && r.cookie.n <= RF_NG_COOKIE_MAX && r.top && r.result <= RF_NG_LOAD_LIMIT);
	if (err == 0 && rf_ng_stats_parse(r.top, &a, &call) == 0) {
		struct rf_view once = said(&call, r.encoding, buf[0], sizeof buf[0]);

		err = rf_ng_reply_parse(once, &a, &back, NULL);
		/* What was left out before is said with 0: there may be too many values. */
		MUST(err == 0 || err == RF_E_LIMIT);
		if (err == 0 && back.result == RF_NG_OK) {
			MUST(rf_ng_stats_parse(back.top, &a, &again) == 0);
			MUST(rf_view_eq(once, said(&again, r.encoding, buf[1], sizeof buf[1])));
		}
	}
	struct rf_ng_event e;

	if (rf_ng_event_parse(rf_view_of(data, n), &a, &e) == 0)
		MUST(e.code < 16 && e.call_id.n && e.tag.n);
	rf_arena_fini(&a);
	return 0;
}
