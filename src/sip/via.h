/* One Via value (RFC 3261 20.42; rport RFC 3581; alias RFC 5923; keep RFC 6223). */
#ifndef RF_SIP_VIA_H
#define RF_SIP_VIA_H

#include "sip/params.h"
#include "sip/uri.h"

enum rf_sip_transport {
	RF_SIP_TRANSPORT_OTHER, /* a token we do not know: no error in a lower Via (RFC 4475 3.1.1.10) */
	RF_SIP_UDP,
	RF_SIP_TCP,
	RF_SIP_TLS,
	RF_SIP_SCTP,
	RF_SIP_WS,
	RF_SIP_WSS,
	RF_SIP_TRANSPORTS
};

/* "UDP", "TLS", ...; the empty view for OTHER. */
struct rf_view rf_sip_transport_name(enum rf_sip_transport t);
/* name must be a token. Without case; RF_SIP_TRANSPORT_OTHER when unknown. */
enum rf_sip_transport rf_sip_transport_of(struct rf_view name);

struct rf_sip_via {
	struct rf_view text;           /* the whole value */
	struct rf_view transport_name; /* as written */
	struct rf_view host;           /* sent-by without brackets */
	struct rf_view params;         /* from the first ";" */
	struct rf_view branch;         /* empty when there is none */
	struct rf_view received;       /* without brackets (RFC 5118 4.5); empty when there is none */
	struct rf_view maddr;
	enum rf_sip_transport transport;
	enum rf_sip_host_kind host_kind;
	uint16_t port;                 /* sent-by port, 0 when none is written */
	uint16_t rport;                /* the value of rport, 0 when it has none */
	bool has_rport;
	bool has_alias;
	bool has_oc;                   /* overload control (RFC 7339): sip/oc.h */
	bool rfc3261;                  /* branch begins with the magic cookie and goes on */
	bool sent_by_ok;               /* everything before the parameters was understood */
};

/* One value: no comma outside quotes. RF_E_MALFORMED, RF_E_LIMIT; then *ret_via is still written: with sent_by_ok
 * true only the parameters were bad, and a response could be sent by it. */
int rf_sip_via_parse(struct rf_view value, struct rf_sip_via *ret_via);

/* The magic cookie of RFC 3261 8.1.1.7. */
#define RF_SIP_COOKIE "z9hG4bK"

#endif
