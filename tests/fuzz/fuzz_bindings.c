/* The log of bindings. The input is a salt-free list of bodies, each behind two bytes of length: they are sealed into a
 * file, so that the fuzzer gets past the sums; and the input as it is, as a file. What is read must be what a second
 * reading of a file made from it says. */
#include "store/bindings_int.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sum {
	size_t n, bytes;
};

static int add(void *ctx, const struct rf_replay_entry *e)
{
	struct rf_stored_binding s = { .key = e->key };
	struct sum *x = ctx;

	x->n++;
	x->bytes += e->key.n + e->record.n; /* puts of one change share its AOR */
	if (rf_record_get(e->record, &s) == 0 && rf_record_bytes(&s) != e->record.n)
		abort();
	return 0;
}

static void read_file(struct rf_view file)
{
	struct rf_replay r;
	struct sum x = { 0 };

	if (rf_replay(file, &r))
		return;
	if (r.good > file.n || rf_replay_each(&r, add, &x) || x.n != r.live || x.bytes > file.n)
		abort();
	rf_replay_free(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *file = malloc(RF_LOG_HEAD + size * (RF_LOG_RECORD_HEAD + 1) + 1);
	size_t at = 0, n = RF_LOG_HEAD;
	uint64_t sum = 0;

	read_file(rf_view_of(data, size));
	if (!file)
		return 0;
	memcpy(file, "RFBINDL1\0\0\0\0\0\0\0\5", RF_LOG_HEAD);
	while (size - at > 2) {
		size_t body = (size_t)data[at] << 8 | data[at + 1];

		at += 2;
		if (body > size - at)
			body = size - at;
		rf_record_be(file + n + 8, body, 4);
		memcpy(file + n + RF_LOG_RECORD_HEAD, data + at, body);
		sum = rf_log_sum(5, sum, rf_view_of(file + n + 8, 4 + body));
		rf_record_be(file + n, sum, 8);
		n += RF_LOG_RECORD_HEAD + body;
		at += body;
	}
	read_file(rf_view_of(file, n));
	free(file);
	return 0;
}
