/* A body of INFO of any bytes: a key within its bounds, which says the same when it is written again. The first byte says which type. */
#include "sip/keys.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rf_view type = n && data[0] & 1 ? RF_V("application/dtmf") : RF_V("application/dtmf-relay");
	struct rf_sip_key key, again;
	uint8_t text[64];
	struct rf_writer w;

	if (!n || rf_sip_key_parse(type, rf_view_of(data + 1, n - 1), &key) != 0)
		return 0;
	MUST(key.event < 16 && key.ms >= RF_SIP_KEY_MS_MIN && key.ms <= RF_SIP_KEY_MS_MAX);
	rf_writer_init(&w, text, sizeof text);
	rf_sip_key_put(&w, &key);
	MUST(!w.err && rf_sip_key_parse(RF_V("application/dtmf-relay"), rf_view_of(text, w.n), &again) == 0);
	MUST(again.event == key.event && again.ms == key.ms);
	return 0;
}
