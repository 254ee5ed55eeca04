/* Keys pressed, in the bodies of INFO (no RFC; RFC 6086 section 2 tells of the practice):
 * application/dtmf-relay has lines Signal=KEY and Duration=MS, application/dtmf the key alone. Wire room: no
 * socket, clock or log. Threads: any. */
#ifndef RF_SIP_KEYS_H
#define RF_SIP_KEYS_H

#include "base/err.h"
#include "base/view.h"
#include "base/writer.h"

enum { RF_SIP_KEY_MS = 250, RF_SIP_KEY_MS_MIN = 100, RF_SIP_KEY_MS_MAX = 5000, RF_SIP_KEY_BYTES_MAX = 256 };

struct rf_sip_key {
	uint8_t event;               /* 0..9, 10 *, 11 #, 12..15 A..D, as in RTP (RFC 4733) */
	uint16_t ms;                 /* within the bounds above, whatever was said */
};

/* type: the value of Content-Type. RF_E_UNSUPPORTED: another type; RF_E_MALFORMED: no key or several, too long, a
 * duration that is no number. */
int rf_sip_key_parse(struct rf_view type, struct rf_view body, struct rf_sip_key *ret_key);
/* As application/dtmf-relay. */
void rf_sip_key_put(struct rf_writer *w, const struct rf_sip_key *key);
/* As application/dtmf: the key alone. */
void rf_sip_key_put_alone(struct rf_writer *w, const struct rf_sip_key *key);

#endif
