/* Overload control between two SIP servers by loss: RFC 7339, algorithm "loss". The client says in its Via that it
 * understands ("oc"), the server says in the Via of its answers how much of what the client would send it wants to be
 * spared ("oc=20": a fifth), and for how long that holds.
 *
 * Wire and machine only: no clock, no socket. */
#ifndef RF_SIP_OC_H
#define RF_SIP_OC_H

#include "base/clock.h"
#include "sip/via.h"
#include "base/writer.h"

enum {
	RF_OC_VALIDITY_MS = 500,       /* when the answer names none (RFC 7339 4.3) */
	RF_OC_VALIDITY_MAX_MS = 60000, /* a longer one is cut to this: a server that died must not hold us for hours */
};

/* What a server says. */
struct rf_sip_oc {
	uint64_t seq;          /* oc-seq in 1/100000: a later one is larger */
	uint32_t validity_ms;  /* 0: overload control ends now */
	uint8_t loss_percent;  /* 0..100 of the requests are to be spared */
};

/* From the top Via of an answer. RF_E_NOT_FOUND: it says nothing, or its algorithm is another than loss;
 * RF_E_MALFORMED: what it says is not of that form. */
int rf_sip_oc_parse(const struct rf_sip_via *via, struct rf_sip_oc *ret_oc);
/* The parameters of a server's answer, behind those of the client's Via. */
void rf_sip_oc_put(struct rf_writer *w, const struct rf_sip_oc *oc);
/* Is this parameter of a Via one of those? */
bool rf_sip_oc_is(struct rf_view name);

/* One server, as its client remembers it. All zero: nothing was said. */
struct rf_oc_client {
	uint64_t seq;
	struct rf_mono until;
	uint8_t loss_percent;
};

/* What an answer said: an older one than the last is left aside. */
void rf_oc_heard(struct rf_oc_client *c, const struct rf_sip_oc *oc, struct rf_mono now);
/* Which share is spared now, in percent. */
unsigned rf_oc_loss(const struct rf_oc_client *c, struct rf_mono now);
/* May this request go there? random: 32 fresh bits. Emergency calls and precedence are not asked (RFC 7339 5.10.1). */
bool rf_oc_may_send(const struct rf_oc_client *c, struct rf_mono now, uint32_t random);

#endif
