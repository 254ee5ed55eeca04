/* Secrets: compared in constant time, wiped when done, never logged. */
#ifndef RF_BASE_SECRET_H
#define RF_BASE_SECRET_H

#include "base/view.h"

/* Equal in content and length; time depends on the lengths only. */
bool rf_secret_eq(struct rf_view a, struct rf_view b);
/* Overwrite, in a way that the compiler may not drop. */
void rf_secret_wipe(void *p, size_t n);
/* The same to malloc'd bytes, which are given back; NULL is fine. */
void rf_secret_free(void *p, size_t n);

#endif
