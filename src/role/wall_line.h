/* Requests for pinholes, and for blocks of whole addresses, as lines of text over TLS. One parser of strangers' bytes, touching nothing else.
 *
 *	wall:     ringfort-wall 1
 *	peer:     7 open 30 udp/10.60.0.11/20000/198.51.100.7/30000 udp/198.51.100.7/30000/10.60.0.11/20000
 *	wall:     7 ok
 *	peer:     8 refresh 30 udp/10.60.0.11/20000/198.51.100.7/30000
 *	wall:     8 ok
 *	peer:     9 close udp/10.60.0.11/20000/198.51.100.7/30000
 *	wall:     9 no unknown 0
 *	peer:     14 open 30 tcp/198.51.100.7/any/10.60.0.12/20002
 *	wall:     14 ok
 *	peer:     10 ping
 *	wall:     10 ok
 *	peer:     11 block 600 203.0.113.9 2001:db8::9
 *	wall:     11 ok
 *	peer:     12 unblock 203.0.113.9
 *	wall:     12 ok
 *
 * A request: its number (answers may come in another order), what to do, for open and refresh how many seconds, then one
 * or more 5-tuples: protocol, source, source port, destination, destination port. A tuple is one direction; a call's media
 * usually needs two. The source port may be "any": an opening, for every port of the source and for what goes back to it. Its
 * destination is the asking host's own (or, of a border, a relay's). One of UDP is for RF_WALL_OPENING_SECONDS_MAX at most and is
 * not refreshed: who has it knows the port by then. block and unblock take addresses: packets from them are dropped before
 * anything else, for so many seconds; only a border may ask for that, and only for addresses outside the site that are no trunk's.
 * All of a request is done or, when one tuple may not be opened or the bounds do not admit it, nothing.
 *
 *	ok                all done, and in the kernel
 *	no denied I       the I-th tuple (from 0): no flow of the site permits this host to open it, or to keep it open; or
 *	                  the I-th address may not be blocked, or not by this host
 *	no unknown I      refresh, close: it is not open, or another host's; unblock: it is not blocked
 *	no limit          too many are open (of this host, or of all), or blocked
 *	no busy           too many requests without answer: ask again
 *	no kernel I       the kernel did not take it; those before and behind it may be open
 *	no malformed WHY  the connection ends with it
 *
 * open for what is open refreshes it, and takes it over from the host that opened it (a standby that goes on with calls). */
#ifndef RF_ROLE_WALL_LINE_H
#define RF_ROLE_WALL_LINE_H

#include "base/err.h"
#include "base/view.h"
#include "role/hand.h"

enum {
	RF_WALL_LINE_MAX = 8192,     /* bytes, with its end */
	RF_WALL_LINE_TUPLES = 64,
	RF_WALL_SECONDS_MAX = 3600,  /* of a pinhole */
	RF_WALL_OPENING_SECONDS_MAX = 60, /* of an opening for UDP */
	RF_WALL_BLOCK_SECONDS_MAX = 86400,
};

#define RF_WALL_HELLO "ringfort-wall 1\n"

enum rf_wall_verb { RF_WALL_OPEN, RF_WALL_REFRESH, RF_WALL_CLOSE, RF_WALL_PING, RF_WALL_BLOCK, RF_WALL_UNBLOCK };

struct rf_wall_request {
	uint32_t id;
	enum rf_wall_verb verb;
	uint32_t seconds;            /* 1..RF_WALL_SECONDS_MAX of open and refresh, of block more; else 0 */
	size_t n;
	struct rf_tuple tuples[RF_WALL_LINE_TUPLES]; /* block, unblock: family and src, the rest zero */
};

/* line: without its end. RF_E_MALFORMED, RF_E_LIMIT with the rule that refused it; ret_request->id is then the number
 * of the request when it had one, else 0. */
int rf_wall_line_parse(struct rf_view line, struct rf_wall_request *ret_request, const char **ret_rule);
/* A tuple as the record has it. Gives dst. */
const char *rf_tuple_text(const struct rf_tuple *t, char *dst, size_t cap);

#endif
