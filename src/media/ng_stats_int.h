/* For ng_stats.c and ng_stats_parse.c: the words of flags on the wire. */
#ifndef RF_MEDIA_NG_STATS_INT_H
#define RF_MEDIA_NG_STATS_INT_H

#include <stdint.h>

struct rf_ng_bit_name {
	uint32_t bit;
	const char *name; /* NULL ends the table */
};

extern const struct rf_ng_bit_name rf_ng_stream_flags[], rf_ng_media_flags[];

#endif
