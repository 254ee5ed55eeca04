/* What the tests of paths share: a worker on a loop whose clock the test turns, and parties with sockets on loopback.
 * What a party sends is in the relay's socket when the call returns, so nothing here waits. */
#ifndef RF_TEST_MEDIA_PATH_KIT_H
#define RF_TEST_MEDIA_PATH_KIT_H

#include "media/path_int.h"

struct kit {
	struct rf_mono now;
	struct rf_random random;
	struct rf_loop *loop;
	struct rf_media_worker *w;
	unsigned flows;                /* times that the tuples changed */
	unsigned silent;
	unsigned dtls[RF_PATH_ENDS];   /* reports */
	const char *why[RF_PATH_ENDS];
	unsigned dtmf_code, dtmf_ms, dtmfs, pictures;
	size_t fds;                    /* of the process, before */
};

enum { KIT_V4, KIT_V6, KIT_V4_OTHER };  /* interfaces: an address of this process in 127/8, ::1, the
					 * first with other ports */

void kit_begin(struct kit *k);
/* The same with so many pairs of ports on KIT_V4, and fast and dtls as given. */
void kit_begin_with(struct kit *k, unsigned pairs, struct rf_dtls_ctx *dtls, struct rf_fast *fast);
/* The same on interfaces of the test's own; loop and random are the kit's. */
void kit_begin_on(struct kit *k, struct rf_media_conf conf);
/* All that was taken is back: paths, ports, sockets, descriptors. */
void kit_end(struct kit *k);
void kit_turn(struct kit *k);
void kit_wait_ms(struct kit *k, unsigned ms);

struct rf_path *kit_path(struct kit *k, enum rf_path_kind kind, unsigned a, unsigned b);

struct party {
	int fd[2];                     /* RTP, RTCP */
	struct rf_addr at[2];
};
void party_open(struct party *p, const char *ip);
void party_close(struct party *p);
/* Another socket of the same host. */
void party_send(struct kit *k, struct party *p, unsigned rtcp, const struct rf_addr *to, const void *bytes, size_t n);
/* What has come, -1: nothing. from may be NULL. */
ssize_t party_recv(struct party *p, unsigned rtcp, uint8_t *buf, size_t cap, struct rf_addr *from);

/* A plain party that speaks PCMU and telephone-event (101). */
struct rf_path_end_conf kit_conf(const struct party *p);
struct rf_addr kit_local(const struct rf_path *p, unsigned end, unsigned rtcp);

/* 12 bytes and payload bytes that tell the sequence number; returns the length. */
size_t kit_rtp(uint8_t *buf, uint32_t ssrc, uint16_t seq, uint8_t type, size_t payload);
/* This party's packet comes out at the other: 1; nothing: 0. Fails the test when it is another. */
int kit_passes(struct kit *k, struct rf_path *p, unsigned end, struct party *from, struct party *to, uint16_t seq);
/* The n-th key of a suite. */
struct rf_path_key kit_key(enum rf_srtp_suite suite, uint8_t n);
struct rf_srtp_master kit_master(const struct rf_path_key *k);
/* An SR of ssrc with a block about `about`, and its CNAME; the length. */
size_t kit_rtcp(uint8_t *buf, uint32_t ssrc, uint32_t about, uint64_t ntp, uint32_t lsr, uint32_t dlsr,
		const char *cname);

uint64_t kit_drops(const struct rf_path *p, unsigned end, enum rf_path_drop d);
uint64_t kit_drops_all(const struct rf_path *p);

#endif
