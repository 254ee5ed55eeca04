/* sipload: thousands of SIP phones in one process, to load a server and measure it. UDP, TCP, TLS with a client
 * certificate per phone, digest. Callers and callees are the same phones: the first half calls the second.
 *
 *	main.c   options, the order of things, the report
 *	wire.c   sockets: bytes in, messages out
 *	phone.c  REGISTER, and which message belongs to whom
 *	call.c   the caller's call; the callee answers from the request alone
 *	avalanche.c  all phones at once, again and again until they are in
 *	flood.c  strangers
 *
 * One thread, epoll. It measures itself nothing but time to answer: the server's CPU and memory are read from outside
 * (bench/signaling/run.py), which sipload waits for at marked points. */
#ifndef RF_BENCH_SIPLOAD_H
#define RF_BENCH_SIPLOAD_H

#include "base/hash.h"
#include "sip/build.h"
#include "sip/dialog.h"
#include "sip/digest.h"
#include "sip/frame.h"
#include "sip/msg.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>

struct load;

/* In an avalanche a connection is not there from the beginning. */
enum wire_coming { WIRE_IN, WIRE_AWAY, WIRE_CONNECTING, WIRE_SHAKING };

/* A socket. UDP: shared by many phones; TCP, TLS: one a phone. */
struct wire {
	struct load *load;
	int fd;
	uint16_t port;          /* ours */
	uint32_t ip;            /* ours, as a number */
	SSL *ssl;               /* TLS only */
	struct rf_sip_frame frame;
	uint8_t *in, *out;      /* stream: bytes not yet framed, bytes not yet sent */
	size_t in_n, in_cap, out_at, out_n, out_cap;
	bool writing;           /* EPOLLOUT is asked for */
	bool broken;
	enum wire_coming coming;
	uint64_t next_us;       /* avalanche: when to come again, or to give up waiting */
	SSL_SESSION *session;   /* avalanche: of the last time */
};

struct phone {
	struct wire *wire;
	unsigned number;
	uint32_t reg_cseq;
	uint64_t reg_sent_us;   /* 0: no REGISTER in flight */
	unsigned reg_tries;
	uint32_t branch;        /* counts up, for our Vias */
	struct rf_digest_login login, proxy_login; /* proxy_login: kept between calls, with --keep-login */
	char ha1_done;
	struct rf_digest_ha1 ha1;
};

enum call_state { CALL_FREE, CALL_INVITED, CALL_UP, CALL_BYE };

struct call {
	enum call_state state;
	struct phone *from;
	char to[24];            /* the number dialled */
	uint32_t generation;    /* in our Call-ID: a late message of an earlier call is not ours */
	struct rf_dialog *dialog;
	unsigned retries;       /* with credentials; a nonce may be too old more than once when much is lost */
	struct rf_digest_login *login, own_login; /* a phone with two calls has two challenges */
	uint64_t began_us;      /* INVITE that was let in was sent */
	uint64_t act_us;        /* when to hang up, or when the last request was sent */
	unsigned tries;
	uint32_t invite_cseq;
	/* UDP: what waits for an answer, and when it is said again */
	uint8_t said[2048];
	size_t said_n;
	uint64_t again_us, gap_us;
};

struct options {
	struct sockaddr_in server;
	enum rf_sip_transport via;
	const char *domain, *pki, *password, *mode, *to, *header;
	unsigned first, phones, sockets, count, window, rate, hold_ms, seconds, contacts, sources;
	bool step, keep_login, own_address, may_refuse;
};

enum { BUCKETS = 640 };

/* Microseconds, sixteen buckets to a doubling. */
struct histogram {
	uint64_t bucket[BUCKETS], n;
};

struct load {
	struct options opt;
	int epoll;
	SSL_CTX *tls;
	struct wire *wires;
	unsigned wire_count;
	struct phone *phones;
	struct call *calls;      /* opt.window of them */
	struct rf_digest_ctx *digest;
	struct rf_random random;
	struct rf_sip_msg *msg;
	uint8_t *scratch;        /* 64 KiB */
	uint64_t now_us;
	/* progress */
	unsigned started, done, failed, repeats, bindings, refused;
	unsigned next_call;      /* where to look for a free one */
	unsigned held;           /* calls answered and up */
	unsigned contacts;       /* in each REGISTER */
	uint64_t wave_us;        /* avalanche: its beginning */
	unsigned again, shaken, resumed;
	struct histogram answer; /* REGISTER to 200, or INVITE to its first 18x or 2xx */
	char why[128];           /* the first failure */
};

enum { SCRATCH = 65536, REPEAT_US = 500000, REPEAT_MOST_US = 4000000, TRIES = 8, LOGINS = 4 };

uint64_t now_us(void);
void fail(struct load *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void histogram_add(struct histogram *h, uint64_t us);

/* wire.c */
int wires_open(struct load *l);
void wires_close(struct load *l);
/* Wait at most ms and handle what came. */
void wires_poll(struct load *l, int ms);
void wire_send(struct wire *w, struct rf_view bytes);
/* The address that this wire sends from: 127.0.0.1, or with --own-address one of 127.16.0.0 on, each its own. */
struct sockaddr_in wire_address(const struct load *l, unsigned i);
/* "127.0.0.1" */
const char *wire_ip(const struct wire *w, char buf[static INET_ADDRSTRLEN]);

/* phone.c */
void phone_register(struct phone *p);
void phones_repeat(struct load *l);
/* A message came in on w. */
void phone_receive(struct wire *w, struct rf_view bytes, enum rf_sip_carrier carrier);
void put_via(struct phone *p, struct rf_writer *w);
void put_contact(const struct phone *p, struct rf_writer *w);
struct phone *phone_numbered(struct load *l, unsigned number);
/* Take up the challenge in l->msg. False when it cannot be answered. */
bool phone_challenged(struct phone *p, struct rf_digest_login *login, enum rf_sip_hid challenge);
void phone_put_login(struct phone *p, struct rf_digest_login *login, enum rf_sip_hid header, struct rf_view method,
		     struct rf_view uri, struct rf_writer *w);

/* avalanche.c */
void avalanche_prepare(struct load *l);
/* One wave: seconds until the last phone is in. */
double avalanche(struct load *l);
/* Something happened on a connection that is not there yet. */
void avalanche_event(struct wire *w);

/* flood.c */
/* For opt.seconds, with a line on standard output at the beginning and the end. */
int flood(struct load *l);

/* call.c */
/* to: a number, as it is dialled. */
void call_start(struct load *l, struct call *c, struct phone *from, const char *to);
void calls_tick(struct load *l);
void call_response(struct load *l);
void call_request(struct wire *w, struct phone *callee);

#endif
