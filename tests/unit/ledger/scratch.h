/* A directory for one test, a clock that the test moves, and files as bytes. */
#ifndef RF_TEST_LEDGER_SCRATCH_H
#define RF_TEST_LEDGER_SCRATCH_H

#include "ledger/ledger_int.h"

struct scratch {
	char dir[128];         /* exists */
	char ledger[160];      /* dir/ledger, not yet there */
	struct rf_wall wall;
	struct rf_mono mono;
};

void scratch_init(struct scratch *s);
void scratch_fini(struct scratch *s);
struct rf_ledger_options scratch_options(struct scratch *s);
/* Path of a file in the ledger directory; valid until the next call. */
const char *scratch_file(struct scratch *s, const char *name);
/* A file's bytes, malloc'd, with a NUL behind them. */
char *scratch_read(const char *path, size_t *ret_n);
void scratch_write(const char *path, const char *bytes, size_t n);
/* Open, post events of kind limit numbered from..to, sync, close. */
void scratch_fill(struct scratch *s, const struct rf_ledger_options *opt, unsigned from, unsigned to);
/* How many lines of this kind there are; the text of the last into last (cap bytes). */
unsigned scratch_count(struct scratch *s, const char *kind, char *last, size_t cap);

#endif
