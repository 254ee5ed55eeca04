/* The controller's side: start the process, ask it, notice its end. */
#include "role/keeper.h"

#include "role/child.h"
#include "role/keeper_wire.h"

#include "base/reader.h"
#include "base/writer.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_TIMEOUT_S 2
#define READY_TIMEOUT_MS 10000

struct channel {
	pthread_mutex_t lock; /* covers id and one question with its answer */
	uint32_t id;
	int fd;
};

struct rf_keeper {
	pid_t pid;
	unsigned n;
	bool locked, filtered;
	atomic_bool gone;
	atomic_uint next; /* where to start looking for a free channel */
	atomic_ullong signatures, refused, failed;
	pthread_mutex_t keys_lock;  /* over the next four */
	unsigned keys[RF_KEEPER_KEYS]; /* how many have it */
	uint32_t fresh;             /* keys of the start that nobody has asked for yet */
	uint32_t order;
	bool unheard;               /* it may have keys that nobody has */
	struct channel channels[];
};

static int start_process(const struct rf_keeper_options *opt, const int *fds, pid_t *ret_pid, struct rf_diag *diag)
{
	char uid[RF_CHILD_ID], gid[RF_CHILD_ID], channels[16];
	char role[] = RF_KEEPER_ROLE, name[] = "ringfort";
	const char *key = opt->key_file ? opt->key_file : "-", *stir = opt->stir_key_file ? opt->stir_key_file : "-";
	char *argv[8 + 2 * RF_KEEPER_LOGINS_MAX] = { name, role };
	unsigned n = 7;

	rf_child_user(opt->user, uid, gid);
	snprintf(channels, sizeof channels, "%u", opt->channels);
	argv[2] = (char *)(uintptr_t)key; /* execve() writes to none of them */
	argv[3] = uid;
	argv[4] = gid;
	argv[5] = channels;
	argv[6] = (char *)(uintptr_t)stir;
	for (unsigned i = 0; i < opt->n_logins; i++) {
		argv[n++] = (char *)(uintptr_t)opt->logins[i].user;
		argv[n++] = (char *)(uintptr_t)opt->logins[i].password_file;
	}
	int rc = rf_child_start(&(struct rf_child){ .what = "the keeper", .exe = opt->exe, .argv = argv, .fds = fds,
						    .n = opt->channels, .first = RF_KEEPER_FIRST_FD }, ret_pid, diag);
	return rc;
}

static int wait_ready(struct rf_keeper *k, struct rf_diag *diag)
{
	uint8_t buf[RF_KEEPER_READY_SIZE + 1];
	struct pollfd p = { .fd = k->channels[0].fd, .events = POLLIN };
	int rc;

	do
		rc = poll(&p, 1, READY_TIMEOUT_MS);
	while (rc < 0 && errno == EINTR);
	ssize_t n = rc == 1 ? recv(p.fd, buf, RF_KEEPER_READY_SIZE, 0) : -1;
	if (n != RF_KEEPER_READY_SIZE || buf[0] != RF_KEEPER_READY)
		return rf_diag_set(diag, RF_E_CLOSED, "the key keeper %s", rc == 0 ? "is not ready after ten seconds" :
				   "ended before it was ready");
	buf[RF_KEEPER_READY_SIZE] = 0;
	if (buf[1] != RF_KEEPER_OK)
		return rf_diag_set(diag, RF_E_CRYPTO, "the key keeper: %s", (const char *)buf + 4);
	k->locked = buf[2] & RF_KEEPER_LOCKED;
	k->filtered = buf[2] & RF_KEEPER_FILTERED;
	return 0;
}

static int make_channels(struct rf_keeper *k, int *fds, struct rf_diag *diag)
{
	struct timeval limit = { .tv_sec = ANSWER_TIMEOUT_S };

	for (unsigned i = 0; i < k->n; i++) {
		int pair[2];

		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
			return rf_diag_set(diag, -errno, "the keeper's channels: %s", strerror(errno));
		k->channels[i].fd = pair[0];
		fds[i] = pair[1];
		setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
		setsockopt(pair[0], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	}
	return 0;
}

int rf_keeper_new(const struct rf_keeper_options *opt, struct rf_keeper **ret_keeper, struct rf_diag *diag)
{
	int fds[RF_KEEPER_CHANNELS_MAX];

	if (opt->channels < 1 || opt->channels > RF_KEEPER_CHANNELS_MAX)
		return rf_diag_set(diag, RF_E_INVALID, "the keeper serves 1 to %d channels", RF_KEEPER_CHANNELS_MAX);
	if (opt->n_logins > RF_KEEPER_LOGINS_MAX)
		return rf_diag_set(diag, RF_E_LIMIT, "the keeper keeps at most %d passwords of trunks",
				   RF_KEEPER_LOGINS_MAX);
	struct rf_keeper *k = calloc(1, sizeof *k + opt->channels * sizeof k->channels[0]);
	if (!k)
		return rf_diag_set(diag, -ENOMEM, "starting the keeper: out of memory");
	k->n = opt->channels;
	k->fresh = (opt->key_file ? 1u << RF_KEEPER_KEY_TLS : 0) | (opt->stir_key_file ? 1u << RF_KEEPER_KEY_STIR : 0);
	k->pid = -1;
	pthread_mutex_init(&k->keys_lock, NULL);
	for (unsigned i = 0; i < k->n; i++) {
		pthread_mutex_init(&k->channels[i].lock, NULL);
		k->channels[i].fd = fds[i] = -1;
	}
	int rc = make_channels(k, fds, diag);
	if (!rc)
		rc = start_process(opt, fds, &k->pid, diag);
	for (unsigned i = 0; i < k->n; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	if (!rc)
		rc = wait_ready(k, diag);
	if (rc) {
		rf_keeper_free(k);
		return rc;
	}
	*ret_keeper = k;
	return 0;
}

void rf_keeper_free(struct rf_keeper *k)
{
	if (!k)
		return;
	for (unsigned i = 0; i < k->n; i++) {
		if (k->channels[i].fd >= 0)
			close(k->channels[i].fd);
		pthread_mutex_destroy(&k->channels[i].lock);
	}
	rf_child_wait(k->pid);
	pthread_mutex_destroy(&k->keys_lock);
	free(k);
}

/* A channel that nobody uses, locked; when all are busy, wait for one of them. */
static struct channel *take_channel(struct rf_keeper *k)
{
	unsigned at = atomic_fetch_add_explicit(&k->next, 1, memory_order_relaxed);

	for (unsigned i = 0; i < k->n; i++) {
		struct channel *c = &k->channels[(at + i) % k->n];

		if (pthread_mutex_trylock(&c->lock) == 0)
			return c;
	}
	struct channel *c = &k->channels[at % k->n];
	pthread_mutex_lock(&c->lock);
	return c;
}

/* The question has room for its number at 4. */
static int ask(struct channel *c, uint8_t *question, size_t n_question, struct rf_view *ret_sig, uint8_t *status,
	       uint8_t buf[static RF_KEEPER_ANSWER_SIZE])
{
	uint32_t id = ++c->id;

	for (int i = 0; i < 4; i++)
		question[4 + i] = (uint8_t)(id >> (24 - 8 * i));
	if (send(c->fd, question, n_question, MSG_NOSIGNAL) != (ssize_t)n_question)
		return errno == EAGAIN ? RF_E_TIMEOUT : RF_E_CLOSED;
	for (;;) {
		ssize_t n = recv(c->fd, buf, RF_KEEPER_ANSWER_SIZE, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return RF_E_TIMEOUT;
		if (n != RF_KEEPER_ANSWER_SIZE || buf[0] != RF_KEEPER_ANSWER)
			return RF_E_CLOSED;
		struct rf_reader r = rf_reader_of(rf_view_of(buf + 2, RF_KEEPER_ANSWER_SIZE - 2));
		uint16_t sig_n = rf_take_be16(&r);
		if (rf_take_be32(&r) != id)
			continue; /* the answer to a question that was given up */
		*status = buf[1];
		*ret_sig = rf_take(&r, sig_n);
		return r.err;
	}
}

/* sig and *ret_n hold what came with another status, too. */
static int put_question(struct rf_keeper *k, uint8_t *question, size_t n_question,
			uint8_t sig[static RF_KEEPER_SIG_MAX], size_t *ret_n)
{
	uint8_t buf[RF_KEEPER_ANSWER_SIZE], status = RF_KEEPER_NO_SIGNATURE;
	struct rf_view answer = { buf, 0 };

	*ret_n = 0;
	if (atomic_load(&k->gone))
		return RF_E_CLOSED;
	struct channel *c = take_channel(k);
	int rc = ask(c, question, n_question, &answer, &status, buf);
	pthread_mutex_unlock(&c->lock);
	if (rc) {
		if (rc == RF_E_CLOSED)
			atomic_store(&k->gone, true);
		atomic_fetch_add(&k->failed, 1);
		return rc;
	}
	if (answer.n <= RF_KEEPER_SIG_MAX) {
		memcpy(sig, answer.p, answer.n);
		*ret_n = answer.n;
	}
	if (status != RF_KEEPER_OK || *ret_n == 0) {
		atomic_fetch_add(&k->refused, 1);
		return status == RF_KEEPER_OVER_RATE ? RF_E_BUSY : RF_E_CRYPTO;
	}
	return 0;
}

static int sign_with(struct rf_keeper *k, unsigned key, struct rf_view digest,
		     uint8_t sig[static RF_KEEPER_SIG_MAX], size_t *ret_n)
{
	uint8_t question[RF_KEEPER_QUESTION_SIZE] = { RF_KEEPER_QUESTION, (uint8_t)digest.n, (uint8_t)key };

	if (digest.n < 20 || digest.n > 64)
		return RF_E_UNSUPPORTED;
	memcpy(question + 8, digest.p, digest.n);
	int rc = put_question(k, question, sizeof question, sig, ret_n);

	if (!rc)
		atomic_fetch_add(&k->signatures, 1);
	return rc;
}

int rf_keeper_sign(struct rf_keeper *k, unsigned key, struct rf_view digest, uint8_t sig[static RF_KEEPER_SIG_MAX],
		   size_t *ret_n)
{
	return key < RF_KEEPER_KEYS ? sign_with(k, key, digest, sig, ret_n) : RF_E_UNSUPPORTED;
}

/* ---- orders: one at a time, so that none is given out again while it is being forgotten */

static void put_be32(uint8_t *p, uint32_t x)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(x >> (24 - 8 * i));
}

/* Under keys_lock. What did not come back may have happened, or happen yet. */
static int order(struct rf_keeper *k, uint8_t question[static RF_KEEPER_QUESTION_SIZE],
		 uint8_t said[static RF_KEEPER_SIG_MAX], size_t *ret_n)
{
	put_be32(question + 8, ++k->order);
	int rc = put_question(k, question, RF_KEEPER_QUESTION_SIZE, said, ret_n);

	if (rc == RF_E_TIMEOUT || rc == RF_E_CLOSED)
		k->unheard = true;
	return rc;
}

static int again(struct rf_keeper *k, uint8_t kind, uint8_t said[static RF_KEEPER_SIG_MAX], size_t *ret_n,
		 struct rf_diag *diag)
{
	uint8_t question[RF_KEEPER_QUESTION_SIZE] = { RF_KEEPER_AGAIN, kind };
	int rc = order(k, question, said, ret_n);

	if (rc)
		rf_diag_set(diag, rc, "%.*s", *ret_n ? (int)*ret_n : 100, *ret_n ? (const char *)said :
			    "the key keeper does not answer: `ringfort down` and `ringfort up`");
	return rc;
}

int rf_keeper_again(struct rf_keeper *k, enum rf_keeper_kind kind, unsigned *ret_key, struct rf_diag *diag)
{
	uint8_t said[RF_KEEPER_SIG_MAX];
	size_t n;

	pthread_mutex_lock(&k->keys_lock);
	int rc = again(k, (uint8_t)kind, said, &n, diag);
	if (!rc && (n != 1 || said[0] >= RF_KEEPER_KEYS))
		rc = rf_diag_set(diag, RF_E_CLOSED,
				 "the key keeper answers nonsense: `ringfort down` and `ringfort up`");
	if (!rc) {
		k->keys[said[0]]++;
		k->fresh &= ~(1u << (kind == RF_KEEPER_TLS ? RF_KEEPER_KEY_TLS : RF_KEEPER_KEY_STIR));
		*ret_key = said[0];
	}
	pthread_mutex_unlock(&k->keys_lock);
	return rc;
}

int rf_keeper_again_logins(struct rf_keeper *k, uint32_t *ret_there, struct rf_diag *diag)
{
	uint8_t said[RF_KEEPER_SIG_MAX];
	size_t n;

	pthread_mutex_lock(&k->keys_lock);
	int rc = again(k, RF_KEEPER_LOGINS, said, &n, diag);
	pthread_mutex_unlock(&k->keys_lock);
	if (rc)
		return rc;
	struct rf_reader r = rf_reader_of(rf_view_of(said, n));

	*ret_there = rf_take_be32(&r);
	diag->text[0] = '\0';
	if (rf_left(&r))
		rf_diag_set(diag, RF_E_INVALID, "%.*s", (int)rf_left(&r), (const char *)r.p);
	return r.err;
}

/* Under keys_lock: it keeps what somebody has, and nothing else. */
static void keep(struct rf_keeper *k)
{
	uint8_t question[RF_KEEPER_QUESTION_SIZE] = { RF_KEEPER_KEEP }, said[RF_KEEPER_SIG_MAX];
	uint32_t mask = k->fresh;
	size_t n;

	for (unsigned i = 0; i < RF_KEEPER_KEYS; i++)
		if (k->keys[i])
			mask |= 1u << i;
	put_be32(question + 12, mask);
	k->unheard = order(k, question, said, &n) != 0;
}

void rf_keeper_forget(struct rf_keeper *k, unsigned key)
{
	pthread_mutex_lock(&k->keys_lock);
	if (key < RF_KEEPER_KEYS && k->keys[key] && --k->keys[key] == 0)
		keep(k);
	pthread_mutex_unlock(&k->keys_lock);
}

void rf_keeper_tidy(struct rf_keeper *k)
{
	if (!k)
		return;
	pthread_mutex_lock(&k->keys_lock);
	if (k->unheard && !atomic_load(&k->gone)) /* one that is gone has forgotten all */
		keep(k);
	pthread_mutex_unlock(&k->keys_lock);
}

int rf_keeper_respond(struct rf_keeper *k, unsigned login, const struct rf_digest_cred *cred, struct rf_view method,
		      char ret_hex[static 2 * RF_DIGEST_HASH_MAX])
{
	const struct rf_view texts[RF_KEEPER_TEXTS] = {
		[RF_KEEPER_REALM] = cred->realm, [RF_KEEPER_NONCE] = cred->nonce, [RF_KEEPER_URI] = cred->uri,
		[RF_KEEPER_METHOD] = method, [RF_KEEPER_NC] = cred->nc_text, [RF_KEEPER_CNONCE] = cred->cnonce,
	};
	uint8_t question[RF_KEEPER_LOGIN_SIZE] = { RF_KEEPER_LOGIN, (uint8_t)cred->alg, (uint8_t)login, cred->sess };
	uint8_t sig[RF_KEEPER_SIG_MAX];
	struct rf_writer w;
	size_t n;

	if (login >= RF_KEEPER_LOGINS_MAX || cred->qop == RF_DIGEST_QOP_AUTH_INT)
		return RF_E_UNSUPPORTED;
	rf_writer_init(&w, question + 8, sizeof question - 8);
	for (unsigned i = 0; i < RF_KEEPER_TEXTS; i++) {
		rf_put_byte(&w, (uint8_t)(texts[i].n >> 8));
		rf_put_byte(&w, (uint8_t)texts[i].n);
		rf_put(&w, texts[i]);
	}
	if (w.err)
		return RF_E_LIMIT;
	int rc = put_question(k, question, sizeof question, sig, &n);

	if (rc)
		return rc;
	if (n != 2 * rf_digest_alg_bytes(cred->alg))
		return RF_E_CRYPTO;
	memcpy(ret_hex, sig, n);
	atomic_fetch_add(&k->signatures, 1);
	return 0;
}

void rf_keeper_state(struct rf_keeper *k, struct rf_keeper_state *ret_state)
{
	struct pollfd p = { .fd = k->channels[0].fd, .events = 0 };

	if (poll(&p, 1, 0) == 1 && p.revents & (POLLHUP | POLLERR))
		atomic_store(&k->gone, true);
	*ret_state = (struct rf_keeper_state){
		.signatures = atomic_load(&k->signatures),
		.refused = atomic_load(&k->refused),
		.failed = atomic_load(&k->failed),
		.alive = !atomic_load(&k->gone),
		.locked = k->locked,
		.filtered = k->filtered,
	};
}
