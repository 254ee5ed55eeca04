/* Input placed flush against an unmapped page: one byte read past the end is a SIGSEGV in every build. */
#ifndef RF_TEST_GUARD_H
#define RF_TEST_GUARD_H

#include "base/view.h"

/* A copy of v whose last byte is the last byte of a readable page. Ends the test program if it cannot. */
struct rf_view guard_copy(struct rf_view v);
void guard_free(struct rf_view v);
/* The bytes of a file (malloc'd, release with free), the empty view with p NULL when it cannot be read. */
struct rf_view guard_file(const char *path);

#endif
