#include "media/tally.h"

const uint32_t rf_tally_mos_100[RF_TALLY_STEPS] = { 200, 260, 310, 360, 400, 430 }; /* G.107 annex B's bands */
const uint32_t rf_tally_jitter_us[RF_TALLY_STEPS] = { 1000, 5000, 10000, 20000, 50000, 100000 };

static void put(uint64_t *counts, const uint32_t *steps, uint32_t value)
{
	for (unsigned i = 0; i < RF_TALLY_STEPS; i++)
		counts[i] += value <= steps[i];
}

void rf_tally_add(struct rf_media_tally *t, const struct rf_quality_sum *stream)
{
	if (!stream->received)
		return;
	t->streams++;
	t->received += stream->received;
	t->lost += stream->lost;
	t->mos_100_sum += stream->mos_100;
	t->jitter_us_sum += stream->jitter_us;
	put(t->mos, rf_tally_mos_100, stream->mos_100);
	put(t->jitter, rf_tally_jitter_us, stream->jitter_us);
}

void rf_tally_join(struct rf_media_tally *t, const struct rf_media_tally *other)
{
	t->streams += other->streams;
	t->received += other->received;
	t->lost += other->lost;
	t->mos_100_sum += other->mos_100_sum;
	t->jitter_us_sum += other->jitter_us_sum;
	for (unsigned i = 0; i < RF_TALLY_STEPS; i++) {
		t->mos[i] += other->mos[i];
		t->jitter[i] += other->jitter[i];
	}
}
