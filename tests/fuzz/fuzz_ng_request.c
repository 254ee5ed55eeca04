/* Requests of the NG protocol from any bytes: within all bounds; and what is understood, said again by us, is
 * understood as the same, which saying it once more shows. */
#include "media/ng_words.h"

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

static void within_bounds(const struct rf_ng_request *q)
{
	MUST(q->cookie.n > 0 && q->cookie.n <= RF_NG_COOKIE_MAX);
	MUST(q->command < RF_NG_COMMANDS && rf_ng_commands[q->command].fate == RF_NG_DONE);
	MUST(q->call_id.n <= RF_NG_CALL_ID_MAX && q->from_tag.n <= RF_NG_TAG_MAX &&
	     q->via_branch.n <= RF_NG_BRANCH_MAX);
	MUST(q->notes->n <= RF_NG_WARNING_MAX);
	for (unsigned i = 0; i < RF_NG_CODEC_LISTS; i++)
		for (size_t k = 0; k < q->codecs[i].n; k++)
			MUST(k < RF_NG_LIST_MAX && q->codecs[i].v[k].n <= RF_NG_WORD_MAX);
	MUST(!q->tos.set || (q->tos.v >= 0 && q->tos.v <= 255));
	MUST(!q->code.set || (q->code.v >= 0 && q->code.v <= 15));
	MUST(q->media_address.port == 0 && !rf_addr_is_any(&q->media_address));
	MUST(!(rf_ng_has(q, RF_NG_SYMMETRIC) && rf_ng_has(q, RF_NG_ASYMMETRIC)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static uint8_t buf[2][RF_NG_BYTES_MAX];
	struct rf_ng_request q, again;
	struct rf_view once, twice;
	struct rf_writer w;
	struct rf_arena a;
	struct rf_diag d;

	rf_arena_init(&a, 4 << 20);
	int err = rf_ng_request_parse(rf_view_of(data, n), &a, &q, &d);
	if (err < 0) {
		MUST(d.code == err && d.text[0] && q.cookie.n <= RF_NG_COOKIE_MAX);
		rf_arena_fini(&a);
		return 0;
	}
	within_bounds(&q);
	rf_writer_init(&w, buf[0], sizeof buf[0]);
	rf_ng_request_put(&w, &q);
	if (rf_writer_done(&w, &once) == 0) { /* JSON grows */
		MUST(rf_ng_request_parse(once, &a, &again, &d) == 0);
		within_bounds(&again);
		MUST(again.flags == q.flags && again.command == q.command && again.notes->n <= q.notes->n);
		rf_writer_init(&w, buf[1], sizeof buf[1]);
		rf_ng_request_put(&w, &again);
		MUST(rf_writer_done(&w, &twice) == 0 && rf_view_eq(once, twice));
	}
	rf_arena_fini(&a);
	return 0;
}
