/* The border's side of the NG protocol: requests to one or several relays, matched with replies by cookie, repeated
 * over UDP, with health by ping and failover. A machine: it owns no socket; whoever does gives it datagrams and turns
 * the wheel.
 *
 *	rf_ng_client_ask() -> send -> ... rf_ng_client_datagram() or the wheel -> done, exactly once
 *
 * A call belongs to the relay that took its offer: whoever asks for it again names that relay. With relay RF_NG_ANY the
 * first that is well is asked, and when it does not answer, says load limit, or is found dead meanwhile, the next; each
 * once. A relay that took an offer and whose reply was lost keeps a session that nobody answers: it ends there by
 * itself. Timer (UDP): sent again after 250, 500, 1000 ms, ... until the time is over.
 * A relay is well until `pings_lost` of what it was asked in a row went unanswered, or, by UDP, one request with all
 * its repetitions; and again as soon as it answers anything. What waits together counts once. Pings go out every
 * ping_ms while the client lives, the first at once. What a relay must hear though nobody waits for it
 * (rf_ng_client_tell(): the end of a call) is kept while it is not well, and told when it is, few at a time. From
 * inside a callback everything may be called but rf_ng_client_free(), and rf_ng_client_datagram() not from inside send
 * or done. Threads: the wheel's. */
#ifndef RF_MEDIA_NG_CLIENT_H
#define RF_MEDIA_NG_CLIENT_H

#include "loop/timer.h"
#include "media/ng_event.h"
#include "media/ng_reply.h"

struct rf_ng_client;

enum { RF_NG_RELAYS_MAX = 16, RF_NG_ANY = -1 };

struct rf_ng_client_ops {
	/* Send these bytes to relay number n (in the order of the configuration). What is lost is sent again. */
	void (*send)(void *arg, unsigned relay, struct rf_view bytes);
	/* The relay's state has changed, for the record. May be NULL. */
	void (*health)(void *arg, unsigned relay, bool well);
	/* What the relay tells unasked, good for the call only. Of those reached by UDP nothing is
	 * believed. May be NULL. */
	void (*event)(void *arg, unsigned relay, const struct rf_ng_event *e);
};

/* err 0: reply has come from relay (its result may still be "error"). RF_E_TIMEOUT: no relay answered; RF_E_CLOSED: the
 * client ended; RF_E_MALFORMED: the relay answered what nobody can read. reply is good for the call only, NULL on
 * error. */
typedef void rf_ng_client_done(void *arg, int err, int relay, const struct rf_ng_reply *reply);

struct rf_ng_client_conf {
	struct rf_wheel *wheel;
	const struct rf_ng_client_ops *ops;
	void *arg;
	unsigned n_relays;               /* 1..RF_NG_RELAYS_MAX, in the order of preference */
	uint32_t reliable;   /* bit n: relay n is reached by TCP, TLS or a Unix socket, nothing is sent twice; each
			      * message that rf_ng_frame_next() (ng_frame.h) finds is one rf_ng_client_datagram() */
	uint64_t cookie_key; /* random: begins every cookie, so that no restart takes an old reply for its own */
	struct rf_hash_key hash_key;     /* random */
	uint32_t asks_max;               /* outstanding; 0: 4096 */
	uint32_t timeout_ms;             /* of one relay; 0: 2000 */
	uint32_t ping_ms;                /* 0: 5000 */
	uint32_t pings_lost;             /* 0: 2 */
	uint32_t owed_max;               /* to tell all relays when they are well again; 0: 4096. Past it the
					  * oldest is forgotten */
};

int rf_ng_client_new(const struct rf_ng_client_conf *conf, struct rf_ng_client **ret_client);
/* Outstanding ones are done with RF_E_CLOSED. NULL is fine. */
void rf_ng_client_free(struct rf_ng_client *c);

/* req's cookie and encoding are the client's to set (bencode). The request is copied. RF_E_LIMIT: too many outstanding;
 * RF_E_BUSY: no relay is well (or this one is not); RF_E_SPACE: does not fit a datagram; -ENOMEM. On an error done does
 * not come; otherwise never from inside this call. */
int rf_ng_client_ask(struct rf_ng_client *c, const struct rf_ng_request *req, int relay, rf_ng_client_done *done,
		     void *arg);
/* The same for what this relay must hear: now, or when it is well again, at most an hour later, when what it is about
 * has ended there by itself. Its answer is nobody's. RF_E_LIMIT: there is no such relay. */
int rf_ng_client_tell(struct rf_ng_client *c, const struct rf_ng_request *req, int relay);
/* Nobody waits any more: done does not come for what has this arg. */
void rf_ng_client_forget(struct rf_ng_client *c, const void *arg);
/* The stream to this relay has ended, or could not be made: what it was asked will not be answered, and ends with the
 * next turn of the wheel. Also from inside send. */
void rf_ng_client_cut(struct rf_ng_client *c, unsigned relay);
/* Bytes that came from relay. What matches nothing is counted. */
void rf_ng_client_datagram(struct rf_ng_client *c, unsigned relay, struct rf_view bytes);

bool rf_ng_client_well(const struct rf_ng_client *c, unsigned relay);

struct rf_ng_client_stats {
	uint64_t asked, repeated, answered, timed_out, failed_over, stray, malformed, pings, told, forgotten;
	size_t outstanding, owed;
};
void rf_ng_client_stats(const struct rf_ng_client *c, struct rf_ng_client_stats *ret_stats);

#endif
