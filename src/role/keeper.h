/* The keeper: a process of its own that holds the controller's private keys (of TLS, and of caller identity where the
 * site signs its calls, RFC 8224) and the passwords by which it logs in at trunks, and answers two questions: "sign
 * this digest with that key", "what is the response to this challenge"; and takes two orders: "read your files again",
 * "forget the keys but these". The controller, which parses strangers' bytes, never has key or password: whoever takes
 * it over may have answers made while that lasts, but takes no secret away.
 *
 * It is forked before the first thread and executes the program anew under a hidden role name, so that it shares no
 * address with the controller. It reads the key file (as root, when it is), becomes the service user, locks and hides
 * its memory, and keeps fourteen system calls. Of the file system it keeps the key file's folder, to read, those of the
 * other two where they are folders of their own in the site's (else the files as they are), and of root's rights that
 * of reading there what the service user may not; without Landlock neither, and then a new key takes a restart.
 * Questions come over channels, one SOCK_SEQPACKET pair and one thread each; a channel serves one caller at a time, so
 * there are as many as workers.
 *
 * Wire, both directions, fields big-endian, one datagram each, fixed size (keeper.c has the layout). The keeper
 * treats the controller as already taken over: size, scheme and digest length are checked, the rate is bounded
 * (RF_KEEPER_RATE per channel), nothing is ever allocated from a length in a question. */
#ifndef RF_ROLE_KEEPER_H
#define RF_ROLE_KEEPER_H

#include "base/err.h"
#include "base/view.h"
#include "role/sandbox.h"
#include "sip/digest.h"

#define RF_KEEPER_CHANNELS_MAX 64
#define RF_KEEPER_RATE 4000     /* signatures a second and channel: several times what a core can make */
#define RF_KEEPER_TLS_KEYS 8
#define RF_KEEPER_STIR_KEYS 4
#define RF_KEEPER_SIG_MAX 144   /* an ECDSA P-521 signature in DER has at most 139 bytes */
#define RF_KEEPER_LOGINS_MAX 32
#define RF_KEEPER_PASSWORD_MAX 256
#define RF_KEEPER_ROLE "keeper" /* the hidden role: `ringfort keeper ...` */

struct rf_keeper;

/* A password at a trunk: the file holds it alone, with or without a newline behind it. */
struct rf_keeper_login {
	const char *user, *password_file;
};

struct rf_keeper_options {
	const char *exe;      /* what to execute: "/proc/self/exe"; it must pass RF_KEEPER_ROLE to rf_keeper_main() */
	const char *key_file; /* PEM, EC; NULL: none */
	const char *stir_key_file; /* PEM, EC on P-256: signs calls that leave; NULL: none */
	const struct rf_sandbox_user *user; /* whom to become, NULL: nobody */
	unsigned channels;    /* 1 .. RF_KEEPER_CHANNELS_MAX */
	const struct rf_keeper_login *logins;
	unsigned n_logins;    /* at most RF_KEEPER_LOGINS_MAX */
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

enum rf_keeper_kind { RF_KEEPER_TLS, RF_KEEPER_STIR };

/* Read a key file again. *ret_key: the number of the key that is in it, which is one that it had when the file holds
 * the same as before. The caller gives it back with rf_keeper_forget(), once for each time; the keeper wipes what
 * nobody has any more. RF_E_CRYPTO and others, with what is wrong with the file in diag, also that as many as there may
 * be are in use. Threads: any. */
int rf_keeper_again(struct rf_keeper *keeper, enum rf_keeper_kind kind, unsigned *ret_key, struct rf_diag *diag);
void rf_keeper_forget(struct rf_keeper *keeper, unsigned key);
/* Read the passwords again. *ret_there: a bit for each login that has one now; the others answer no challenge any more.
 * 0 also when some are missing or could not be read: the first is explained in diag, else that is empty. RF_E_TIMEOUT
 * and others: nobody knows. */
int rf_keeper_again_logins(struct rf_keeper *keeper, uint32_t *ret_there, struct rf_diag *diag);
/* Call it about once a second: an order to wipe that was not heard is given again, so that what nobody has lives no
 * longer than the keeper is deaf. */
void rf_keeper_tidy(struct rf_keeper *keeper); /* NULL is fine */

/* Sign digest (32, 48 or 64 bytes; of caller identity 32) with ECDSA and that key; the DER signature goes to sig.
 * Blocks for the time of a signature, two seconds at most. Threads: any. RF_E_CLOSED, RF_E_TIMEOUT, RF_E_BUSY
 * (rate), RF_E_CRYPTO. */
int rf_keeper_sign(struct rf_keeper *keeper, unsigned key, struct rf_view digest, uint8_t sig[static RF_KEEPER_SIG_MAX],
		   size_t *ret_n);

/* The response of a challenge (RFC 7616 3.4.1) with the password of a login, by its place in the options; qop auth or
 * none. Of cred are read realm, nonce, uri, nc_text, cnonce, alg, sess and qop. RF_E_UNSUPPORTED: no such login, or
 * auth-int; RF_E_LIMIT: texts too long; else as rf_keeper_sign(), RF_E_CRYPTO also when it has no password any more. */
int rf_keeper_respond(struct rf_keeper *keeper, unsigned login, const struct rf_digest_cred *cred,
		      struct rf_view method, char ret_hex[static 2 * RF_DIGEST_HASH_MAX]);

void rf_keeper_state(struct rf_keeper *keeper, struct rf_keeper_state *ret_state);

/* The hidden role's main(): argv as given by rf_keeper_new(). Returns the exit status. */
int rf_keeper_main(int argc, char **argv);

#endif
