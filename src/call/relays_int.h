/* What relays.c and relays_tls.c share. */
#ifndef RF_CALL_RELAYS_INT_H
#define RF_CALL_RELAYS_INT_H

#include "call/core_int.h"
#include "call/relays.h"
#include "media/limits.h"
#include "media/ng_frame.h"
#include "net/stream.h"

struct rf_relay_link {
	struct rf_relays *of;
	struct rf_watch *watch;      /* NULL: there is no socket */
	struct rf_relay_at at;
	int fd;                      /* -1 */
	/* of streams: what has come of a reply */
	struct rf_ng_frame frame;
	uint8_t *in;                 /* of a Unix socket */
	size_t in_n;
	uint32_t dropped;            /* connections so far */
	/* TLS */
	struct rf_stream *stream;    /* NULL: none */
	char proves[RF_ADDR_TEXT];   /* what its certificate must name */
	uint16_t told;               /* why it cannot be reached, as it is in the log; 0: it can */
};
enum { IN_MAX = 2 * 65536 };

struct rf_relays {
	struct rf_call_core *core;
	struct rf_ng_client *client;
	struct rf_net *net;          /* of TLS; NULL: there is none */
	struct rf_timer anew;        /* streams that were opened since: bits */
	uint32_t opened;
	unsigned n;
	struct rf_relay_link relay[RF_NG_RELAYS_MAX];
	uint8_t buf[65536];
};

/* relays.c: there is a stream again. Calls hear of it in a later turn. */
void rf_relay_link_opened(const struct rf_relay_link *relay);
/* relays.c: its stream is gone. */
void rf_relay_link_cut(const struct rf_relay_link *relay);
/* relays_tls.c: take what is needed (-ENOMEM, RF_E_INVALID); send, connecting first when there is no
 * connection; the end. */
int rf_relay_link_open_tls(struct rf_relay_link *relay);
void rf_relay_link_send_tls(struct rf_relay_link *relay, struct rf_view bytes);
void rf_relay_link_close_tls(struct rf_relay_link *relay);

#endif
