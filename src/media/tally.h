/* How well streams that are over have arrived, added up: the histograms of a metrics page. A stream counts when its
 * path ends or another SSRC takes its place. One thread at a time. */
#ifndef RF_MEDIA_TALLY_H
#define RF_MEDIA_TALLY_H

#include "rtp/quality.h"

enum { RF_TALLY_STEPS = 6 };

struct rf_media_tally {
	uint64_t streams, received, lost;    /* packets of all of them */
	uint64_t mos[RF_TALLY_STEPS];        /* streams up to rf_tally_mos_100[i], those of lower steps included */
	uint64_t mos_100_sum;
	uint64_t jitter[RF_TALLY_STEPS];     /* streams up to rf_tally_jitter_us[i], likewise */
	uint64_t jitter_us_sum;
};

/* MOS times 100, and microseconds: what people notice is between them. */
extern const uint32_t rf_tally_mos_100[RF_TALLY_STEPS], rf_tally_jitter_us[RF_TALLY_STEPS];

/* A stream that brought nothing is none. */
void rf_tally_add(struct rf_media_tally *t, const struct rf_quality_sum *stream);
/* All of other's into t. */
void rf_tally_join(struct rf_media_tally *t, const struct rf_media_tally *other);

#endif
