/* What controller and keeper say to each other. Private to role/keeper*.c and their test. Every message is one
 * datagram of exactly its size; unused bytes are zero.
 *
 *	question  type:1 (1)  digest length:1  key:1  zero:1  id:4  digest:64
 *	login     type:1 (4)  algorithm:1  login:1  sess:1  id:4, then texts, each behind its length:2 (realm, nonce, uri,
 *	          method, nc, cnonce); the answer's signature is the response in hex
 *	again     type:1 (5)  kind:1  zero:2  id:4  order:4  zero:60; the answer's signature is the number of the key that the file holds, one
 *	          byte; of passwords a bit for each that is there, four bytes, and what is wrong with the first of the others, as text;
 *	          with another status than OK why not, as text
 *	keep      type:1 (6)  zero:3  id:4  order:4  keys:4 (a bit for each that has an owner; the others are wiped)  zero:56; the answer's
 *	          signature is one zero
 * Orders are numbered: one that comes behind a later one changes nothing.
 *	answer    type:1 (2)  status:1  signature length:2  id:4  signature:144
 *	ready     type:1 (3)  status:1  flags:1  zero:1  text:252 (why not, NUL-padded) */
#ifndef RF_ROLE_KEEPER_WIRE_H
#define RF_ROLE_KEEPER_WIRE_H

#include "role/keeper.h"

#define RF_KEEPER_QUESTION_SIZE 72
#define RF_KEEPER_LOGIN_SIZE 2048
#define RF_KEEPER_ANSWER_SIZE (8 + RF_KEEPER_SIG_MAX)
#define RF_KEEPER_READY_SIZE 256
#define RF_KEEPER_FIRST_FD 3 /* the channels' descriptors in the keeper: 3, 4, ... */

enum rf_keeper_type { RF_KEEPER_QUESTION = 1, RF_KEEPER_ANSWER = 2, RF_KEEPER_READY = 3, RF_KEEPER_LOGIN = 4,
		      RF_KEEPER_AGAIN = 5, RF_KEEPER_KEEP = 6 };
enum rf_keeper_text {
	RF_KEEPER_REALM, RF_KEEPER_NONCE, RF_KEEPER_URI, RF_KEEPER_METHOD, RF_KEEPER_NC, RF_KEEPER_CNONCE,
	RF_KEEPER_TEXTS
};
/* What can be read again, as in rf_keeper_again(). */
enum { RF_KEEPER_ONE_KEY = 2 /* kinds that are one key in one file */, RF_KEEPER_LOGINS = RF_KEEPER_ONE_KEY };
/* Of each there may be several: the one that is in use, and those of contexts that still have connections, of snapshots
 * that still sign. */
enum rf_keeper_key { RF_KEEPER_KEY_TLS, RF_KEEPER_KEY_STIR = RF_KEEPER_KEY_TLS + RF_KEEPER_TLS_KEYS,
		     RF_KEEPER_KEYS = RF_KEEPER_KEY_STIR + RF_KEEPER_STIR_KEYS };
enum rf_keeper_status { RF_KEEPER_OK, RF_KEEPER_BAD_QUESTION, RF_KEEPER_OVER_RATE, RF_KEEPER_NO_SIGNATURE,
			RF_KEEPER_NO_KEY };
enum rf_keeper_flag { RF_KEEPER_LOCKED = 1, RF_KEEPER_FILTERED = 2 };

#endif
