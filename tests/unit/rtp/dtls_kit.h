/* Two associations and what is between them, under one clock. The date that OpenSSL asks for goes with it. */
#ifndef RF_TEST_DTLS_KIT_H
#define RF_TEST_DTLS_KIT_H

#include "rtp/dtls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

extern struct rf_mono now;
extern bool modern; /* the client speaks 1.3; without it 1.2 */
extern const struct rf_stun_addr here, there;
extern const enum rf_srtp_suite all_suites[4];

struct packet {
	unsigned to;
	size_t n;
	uint8_t bytes[RF_DTLS_MTU];
};

struct net {
	struct rf_dtls_ctx *ctx[2];
	struct rf_dtls *d[2];
	struct packet queue[64];
	size_t count;
	unsigned sent, sent_bytes[2];
	uint32_t dice;                          /* 0: nothing is lost */
	bool (*lost)(struct net *net, const struct packet *p);
	bool proven;
};

struct rf_dtls *make(struct net *net, unsigned i, enum rf_dtls_setup setup, const enum rf_srtp_suite *suites, size_t n);
void expect_peer(struct net *net, unsigned i);
void open_net(struct net *net); /* 0 is the server, 1 the client */
void close_net(struct net *net);
void deliver(struct net *net, size_t at);
bool pass_time(struct net *net); /* to the next timer, if there is one */
void run(struct net *net);
bool settled(const struct net *net);
void check_keys(struct net *net, enum rf_srtp_suite suite);
bool one_in_three(struct net *net, const struct packet *p);
bool lose_all(struct net *net, const struct packet *p);

#endif
