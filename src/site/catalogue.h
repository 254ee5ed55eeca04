/* The catalogue's ids (private to this room; level.h has the questions). */
#ifndef RF_SITE_CATALOGUE_H
#define RF_SITE_CATALOGUE_H

#include <stddef.h>

struct rf_mitigation {
	const char *id;
	unsigned levels;
};

extern const struct rf_mitigation rf_catalogue[];
extern const size_t rf_catalogue_count;

#endif
