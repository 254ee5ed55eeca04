/* What a core and the fetcher say to each other over a SOCK_SEQPACKET pair, one datagram each.
 *
 *	question  type:1 (1)  zero:3  id:4  url: the rest, 1 to 512 bytes
 *	answer    type:1 (2)  status:1 (0 it is there)  zero:2  id:4  certificates: the rest, up to RF_STIR_CERT_BYTES */
#ifndef RF_CALL_STIR_WIRE_H
#define RF_CALL_STIR_WIRE_H

enum {
	RF_FETCH_QUESTION = 1,
	RF_FETCH_ANSWER = 2,
	RF_FETCH_HEAD = 8,
	RF_FETCH_URL_MAX = 512,
	RF_FETCH_BODY_MAX = 16384,
};

#endif
