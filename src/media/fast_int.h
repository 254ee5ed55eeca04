/* Inside of the kernel's way, for fast.c and its tests. */
#ifndef RF_MEDIA_FAST_INT_H
#define RF_MEDIA_FAST_INT_H

#include "media/fast.h"

/* The program's descriptor, for a run on a packet of a test. */
int rf_fast_program(const struct rf_fast *f);

#endif
