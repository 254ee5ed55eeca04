/* The keeper: a process of its own that holds the controller's private keys (of TLS, and of caller identity where the
 * site signs its calls, RFC 8224) and answers one question, "sign this digest with that key". The controller, which
 * parses strangers' bytes, never has the key: whoever takes it over may have signatures made while that lasts, but
 * takes no key away.
 *
 * It is forked before the first thread and executes the program anew under a hidden role name, so that it shares no
 * address with the controller. It reads the key file (as root, when it is), becomes the service user, locks and hides
 * its memory, and keeps ten system calls. Questions come over channels, one SOCK_SEQPACKET pair and one thread each;
 * a channel serves one caller at a time, so there are as many as workers.
 *
 * Wire, both directions, fields big-endian, one datagram each, fixed size (keeper.c has the layout). The keeper
 * treats the controller as already taken over: size, scheme and digest length are checked, the rate is bounded
 * (RF_KEEPER_RATE per channel), nothing is ever allocated from a length in a question. */
#ifndef RF_ROLE_KEEPER_H
#define RF_ROLE_KEEPER_H

#include "base/err.h"
#include "base/view.h"
#include "role/sandbox.h"

#define RF_KEEPER_CHANNELS_MAX 64
#define RF_KEEPER_RATE 4000     /* signatures a second and channel: several times what a core can make */
#define RF_KEEPER_SIG_MAX 144   /* an ECDSA P-521 signature in DER has at most 139 bytes */
#define RF_KEEPER_ROLE "keeper" /* the hidden role: `ringfort keeper ...` */

struct rf_keeper;

struct rf_keeper_options {
	const char *exe;      /* what to execute: "/proc/self/exe"; it must pass RF_KEEPER_ROLE to rf_keeper_main() */
	const char *key_file; /* PEM, EC; NULL: none */
	const char *stir_key_file; /* PEM, EC on P-256: signs calls that leave; NULL: none */
	const struct rf_sandbox_user *user; /* whom to become, NULL: nobody */
	unsigned channels;    /* 1 .. RF_KEEPER_CHANNELS_MAX */
};

struct rf_keeper_state {
	uint64_t signatures;  /* made */
	uint64_t refused;     /* bad question, or over the rate */
	uint64_t failed;      /* no answer in time, or the keeper is gone */
	bool alive;
	bool locked;          /* its whole memory is locked (else only the key itself) */
	bool filtered;        /* its system calls are filtered */
};

/* Start it and wait until it is ready. Forks: the process must have one thread. Errors say what is wrong with the key
 * file. The caller ends it with rf_keeper_free(). */
int rf_keeper_new(const struct rf_keeper_options *opt, struct rf_keeper **ret_keeper, struct rf_diag *diag);
/* Closes the channels, upon which the keeper ends, and waits for it. */
void rf_keeper_free(struct rf_keeper *keeper);

/* Sign digest (32, 48 or 64 bytes) with ECDSA; the DER signature goes to sig. Blocks for the time of a signature, two
 * seconds at most. Threads: any. RF_E_CLOSED, RF_E_TIMEOUT, RF_E_BUSY (rate), RF_E_CRYPTO. */
int rf_keeper_sign(struct rf_keeper *keeper, struct rf_view digest, uint8_t sig[static RF_KEEPER_SIG_MAX],
		   size_t *ret_n);

/* The same with the key of caller identity; digest has 32 bytes. RF_E_UNSUPPORTED: it was given none. */
int rf_keeper_sign_stir(struct rf_keeper *keeper, struct rf_view digest, uint8_t sig[static RF_KEEPER_SIG_MAX],
			size_t *ret_n);

void rf_keeper_state(struct rf_keeper *keeper, struct rf_keeper_state *ret_state);

/* The hidden role's main(): argv as given by rf_keeper_new(). Returns the exit status. */
int rf_keeper_main(int argc, char **argv);

#endif
