/* Values of the NG protocol from any bytes. What is understood is written again in both encodings and means the same;
 * bencode is written as it came. In a stream its end is found where the parser found it, however the bytes come. */
#include "media/limits.h"
#include "media/ng_frame.h"
#include "media/ng_out.h"

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

static void put(struct rf_ng_out *o, const struct rf_ng_value *v)
{
	if (v->type == RF_NG_STRING) {
		rf_ng_out_str(o, v->str);
	} else if (v->type == RF_NG_INT) {
		rf_ng_out_int(o, v->num);
	} else {
		v->type == RF_NG_LIST ? rf_ng_out_list(o) : rf_ng_out_dict(o);
		for (const struct rf_ng_value *x = v->first; x; x = x->next) {
			if (v->type == RF_NG_DICT)
				rf_ng_out_key(o, x->key);
			put(o, x);
		}
		rf_ng_out_end(o);
	}
}

static struct rf_view written(const struct rf_ng_value *v, enum rf_ng_encoding enc, uint8_t *buf, size_t cap)
{
	struct rf_writer w;
	struct rf_ng_out o;
	struct rf_view out;

	rf_writer_init(&w, buf, cap);
	rf_ng_out_init(&o, &w, enc);
	put(&o, v);
	MUST(rf_writer_done(&w, &out) == 0);
	return out;
}

/* With a cookie in front: whole, and cut in two. */
static void framed(struct rf_view dict)
{
	size_t all = dict.n + 2, n = 0;
	uint8_t *copy = malloc(all + 1);

	MUST(copy);
	memcpy(copy, "c ", 2);
	memcpy(copy + 2, dict.p, dict.n);
	copy[all] = 'x';
	for (size_t cut = 0; cut < all; cut += 1 + all / 16) {
		struct rf_ng_frame f = { 0 };

		MUST(rf_ng_frame_next(&f, rf_view_of(copy, cut), &n) == RF_E_MORE);
		MUST(rf_ng_frame_next(&f, rf_view_of(copy, all + 1), &n) == 0);
		MUST(n == all);
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static uint8_t buf[2][8 * RF_NG_BYTES_MAX];
	struct rf_view in = rf_view_of(data, n);
	enum rf_ng_encoding enc, again_enc;
	struct rf_ng_value *v, *again;
	struct rf_ng_frame f = { 0 };
	struct rf_arena a;
	struct rf_diag d;
	size_t end;

	if (n > RF_NG_BYTES_MAX)
		return 0;
	rf_ng_frame_next(&f, in, &end);
	rf_arena_init(&a, 8 << 20);
	int err = rf_ng_value_parse(in, &a, &v, &enc, &d);
	if (err < 0) {
		MUST(d.code == err);
	} else {
		struct rf_view out = written(v, RF_NG_BENCODE, buf[0], sizeof buf[0]);

		MUST(enc == RF_NG_JSON || rf_view_eq(out, in));
		MUST(rf_ng_value_parse(out, &a, &again, &again_enc, NULL) == 0 && again_enc == RF_NG_BENCODE);
		if (v->type == RF_NG_DICT && out.n < RF_NG_BYTES_MAX - 2)
			framed(out);
		if (enc == RF_NG_JSON) {
			out = written(v, RF_NG_JSON, buf[1], sizeof buf[1]);
			MUST(rf_ng_value_parse(out, &a, &again, &again_enc, NULL) == 0);
			MUST(rf_view_eq(written(again, RF_NG_BENCODE, buf[1], sizeof buf[1]),
					written(v, RF_NG_BENCODE, buf[0], sizeof buf[0])));
			if (out.n < RF_NG_BYTES_MAX - 2)
				framed(rf_view_trim(in)); /* blanks behind it belong to what follows */
		}
	}
	rf_arena_fini(&a);
	return 0;
}
