/* Events of DTMF from any packets: eleven bytes each, time, sequence number, timestamp and payload. Begins and
 * ends take turns, an end is that of the key which began, and no more than two keys come out of a packet. */
#include "base/reader.h"
#include "rtp/dtmf.h"

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

static void take(const struct rf_dtmf_news *news, int n, int *open)
{
	MUST(n <= RF_DTMF_NEWS_MAX);
	for (int i = 0; i < n; i++) {
		MUST(news[i].event < RF_DTMF_EVENTS && news[i].volume < 64);
		MUST(news[i].end ? *open == news[i].event : *open < 0);
		*open = news[i].end ? -1 : news[i].event;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rf_reader r = rf_reader_of(rf_view_of(data, n));
	struct rf_dtmf_news news[RF_DTMF_NEWS_MAX];
	struct rf_dtmf_in d = { .open = false };
	struct rf_mono now = { 1000000 };
	int open = -1;

	while (rf_left(&r) >= 11) {
		struct rf_rtp_head head = { .size = 12 };

		now.us += rf_take_u8(&r) * UINT64_C(2000);
		head.seq = rf_take_be16(&r);
		head.timestamp = rf_take_be32(&r);
		if (rf_dtmf_in_quiet(&d, now, news))
			take(news, 1, &open);
		take(news, rf_dtmf_in_take(&d, &head, rf_take(&r, 4), now, news), &open);
		MUST(d.open == (open >= 0));
	}
	return 0;
}
