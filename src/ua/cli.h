/* Client transactions: a request of ours, until its answers are in (RFC 3261 17.1, RFC 6026), over all the next hops
 * that RFC 3263 gives for its target: on a transport error, a timeout or a 503 the next one is tried, with a branch of
 * its own, and the user sees one transaction.
 *
 * The user writes the whole request without Via. ua puts its Via on top, sends, repeats, and ACKs 3xx-6xx. A 2xx to
 * INVITE is ACKed by the user with rf_cli_ack(); ua repeats that ACK for every repeated 2xx, which the user does not
 * see again. A 2xx with another To tag (a fork) is handed up as a response of its own.
 *
 * Life: from rf_cli_new() until RF_CLI_GONE, which comes exactly once; the pointer is dead afterwards. No function here
 * calls back. Threads: the worker's own. */
#ifndef RF_UA_CLI_H
#define RF_UA_CLI_H

#include "base/err.h"
#include "base/view.h"
#include "sip/uri.h"
#include "ua/flow.h"

struct rf_cli;
struct rf_sip_msg;
struct rf_tls;
struct rf_ua;

/* Where to. The first of these that is set: */
struct rf_target {
	struct rf_flow flow;               /* kind not NONE: over this and nothing else;
					    * RF_CLI_FAILED when it is closed */
	const struct rf_sip_uri *uri;      /* sip or sips: to be resolved (ua/resolve.h); borrowed for the call. The
	                                    * topmost Route's URI, else the Request-URI: the user chooses */
	struct rf_addr addr;               /* an address, with kind and (for TLS) the name the peer must prove */
	uint8_t kind;                      /* enum rf_flow_kind, for addr */
	struct rf_view tls_name;           /* for addr with TLS, and for uri in place of its host; several with a blank
	                                    * between: one of them. Borrowed for the call */
	bool secure;                       /* TLS hops only (a sips URI says so by itself; RFC 5630) */
	const struct rf_addr *from;        /* uri and addr: our address that it comes from, one of IPv4 and one of IPv6,
					    * each of family 0 where the kernel may choose; borrowed, and outlives the
					    * ua. NULL: the kernel chooses */
	struct rf_tls *tls;                /* uri and addr, over TLS: verified by this instead of the ua's own client
	                                    * context; borrowed, and outlives the ua. NULL: the ua's own */
};

enum rf_cli_kind {
	RF_CLI_RESPONSE, /* msg and from are set. 1xx: any number; final: one, for INVITE one 2xx per fork */
	RF_CLI_TIMEOUT,  /* no final response, from no target: as 408. No response comes any more */
	RF_CLI_FAILED,   /* could not be sent (err says why: RF_E_CLOSED flow gone, RF_E_NOT_FOUND name unknown,
	                  * RF_E_LIMIT, -errno): as 503. No response comes any more */
	RF_CLI_GONE,     /* the last event */
};

struct rf_cli_event {
	enum rf_cli_kind kind;
	int err;
	const struct rf_sip_msg *msg;  /* good for this call */
	const struct rf_peer *from;    /* good for this call */
};

typedef void rf_cli_fn(void *arg, struct rf_cli *cli, const struct rf_cli_event *event);

struct rf_cli_new {
	struct rf_target target;
	struct rf_view request;   /* request line, headers without Via, Content-Length, empty line, body; copied */
	uint32_t timeout_ms;      /* without any response from one target, INVITE and others; 0: 64*T1. At most that */
	bool keep_503;            /* hand up a 503 instead of trying the next target */
	bool urgent;              /* may have a place that is kept when client transactions are at their bound: in a
				   * dialog, or of a call for help */
	rf_cli_fn *fn;            /* NULL: nobody wants to know */
	void *arg;
};

/* Send. 0, and RF_CLI_GONE follows some day. RF_E_LIMIT: too many client transactions or a request over 65,000 bytes;
 * RF_E_MALFORMED: request is not a request that we could have written (ACK and CANCEL are not sent by this either);
 * RF_E_INVALID: no usable target; -ENOMEM. What goes wrong later comes as RF_CLI_FAILED. */
int rf_cli_new(struct rf_ua *ua, const struct rf_cli_new *conf, struct rf_cli **ret_cli);

/* INVITE: cancel it (RFC 3261 9.1): at once when a provisional response is here, else when the first one comes; while
 * the target is still being resolved it ends as RF_CLI_FAILED with -ECANCELED. headers: more lines for the CANCEL
 * (Reason), may be empty. The answer to INVITE still comes: 487 in the usual case, a 2xx when it was quicker, or
 * RF_CLI_TIMEOUT. Nothing happens after a final response or a second time. */
int rf_cli_cancel(struct rf_cli *cli, struct rf_view headers);

/* ACK the 2xx with this To tag: ack is the whole request without Via, target where the route set leads (a 2xx that came
 * over a flow of a phone: that flow). Sent now and again for every repetition of the 2xx, as long as cli is there
 * (64*T1). RF_E_STATE: no 2xx with such a tag came; as rf_ua_send_ack(). */
int rf_cli_ack(struct rf_cli *cli, struct rf_view to_tag, const struct rf_target *target, struct rf_view ack);

/* No more events, GONE neither; the transaction runs on by itself (ACKs 3xx-6xx, absorbs repetitions). For an INVITE
 * that is not answered this cancels it. NULL is fine. */
void rf_cli_drop(struct rf_cli *cli);

#endif
