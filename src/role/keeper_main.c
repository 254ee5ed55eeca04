/* The keeper's own side: a process with a key, a few threads that each read a question and write an answer. */
#include "role/keeper.h"
#include "role/keeper_keys.h"
#include "role/keeper_wire.h"

#include "base/clock.h"
#include "base/secret.h"

#include <fcntl.h>
#include <malloc.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define STACK_BYTES (256 * 1024)

struct keeper {
	struct rf_keeper_keys keys;
	pthread_barrier_t set_up, confined; /* every thread has signed once; every thread has its filter */
	atomic_uint failed;
	atomic_bool filtered;
	bool locked;
};

struct server {
	struct keeper *keeper;
	struct rf_digest_ctx *digest; /* NULL: no passwords */
	struct rf_clock clock;
	uint64_t second; /* of the monotonic clock */
	unsigned made;   /* signatures in that second */
	int fd;
};

static void tell_ready(int fd, int status, int flags, const char *text)
{
	uint8_t buf[RF_KEEPER_READY_SIZE] = { RF_KEEPER_READY, (uint8_t)status, (uint8_t)flags };

	memcpy(buf + 4, text, strnlen(text, sizeof buf - 5));
	if (write(fd, buf, sizeof buf) < 0)
		_exit(1); /* the controller is gone before it began */
}

static bool over_rate(struct server *s)
{
	uint64_t now = s->clock.mono(s->clock.ctx).us / 1000000;

	if (now != s->second) {
		s->second = now;
		s->made = 0;
	}
	return ++s->made > RF_KEEPER_RATE;
}

/* TLS has several digests, a token has SHA-256. */
static int sign(struct keeper *k, const uint8_t *q, uint8_t *sig, size_t *ret_n)
{
	bool good = q[1] == 32 || (q[2] < RF_KEEPER_KEY_STIR && (q[1] == 48 || q[1] == 64));
	EVP_PKEY *key = good ? rf_keeper_keys_take(&k->keys, q[2]) : NULL;
	EVP_PKEY_CTX *ctx = key ? EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL) : NULL;

	*ret_n = RF_KEEPER_SIG_MAX;
	int status = !key ? RF_KEEPER_BAD_QUESTION :
		     ctx && EVP_PKEY_sign_init(ctx) == 1 && EVP_PKEY_sign(ctx, sig, ret_n, q + 8, q[1]) == 1 ?
			    RF_KEEPER_OK :
			    RF_KEEPER_NO_SIGNATURE;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	return status;
}

static int act(struct server *s, const uint8_t *q, size_t n, uint8_t *said, size_t *ret_n)
{
	if (n == RF_KEEPER_LOGIN_SIZE)
		return q[0] == RF_KEEPER_LOGIN && s->digest ?
			       rf_keeper_login_answer(&s->keeper->keys.passwords, s->digest, q, said, ret_n) :
			       RF_KEEPER_BAD_QUESTION;
	switch (n == RF_KEEPER_QUESTION_SIZE ? q[0] : 0) {
	case RF_KEEPER_QUESTION:
		return sign(s->keeper, q, said, ret_n);
	case RF_KEEPER_AGAIN:
		return rf_keeper_keys_again(&s->keeper->keys, q, said, ret_n);
	case RF_KEEPER_KEEP:
		return rf_keeper_keys_keep(&s->keeper->keys, q, said, ret_n);
	default:
		return RF_KEEPER_BAD_QUESTION;
	}
}

static void answer(struct server *s, const uint8_t *question, size_t n)
{
	uint8_t out[RF_KEEPER_ANSWER_SIZE] = { RF_KEEPER_ANSWER };
	size_t sig_n = 0;

	if (n == RF_KEEPER_QUESTION_SIZE || n == RF_KEEPER_LOGIN_SIZE)
		memcpy(out + 4, question + 4, 4);
	int status = over_rate(s) ? RF_KEEPER_OVER_RATE : act(s, question, n, out + 8, &sig_n);
	if (status != RF_KEEPER_OK && status != RF_KEEPER_NO_KEY)
		sig_n = 0;
	out[1] = (uint8_t)status;
	out[2] = (uint8_t)(sig_n >> 8);
	out[3] = (uint8_t)sig_n;
	if (write(s->fd, out, sizeof out) < 0)
		_exit(0); /* the controller is gone */
}

/* One signature while everything is still allowed: it fetches algorithms and seeds this thread's generator. */
static void prepare(struct server *s)
{
	uint8_t sig[RF_KEEPER_SIG_MAX], question[RF_KEEPER_QUESTION_SIZE] = { RF_KEEPER_QUESTION, 32 };
	size_t n;

	s->clock = rf_clock_system();
	for (unsigned i = 0; i < RF_KEEPER_KEYS; i++) {
		question[2] = (uint8_t)i;
		if (s->keeper->keys.key[i] && sign(s->keeper, question, sig, &n) != RF_KEEPER_OK)
			atomic_fetch_add(&s->keeper->failed, 1);
	}
	if (s->keeper->keys.passwords.n && rf_keeper_login_prepare(&s->digest))
		atomic_fetch_add(&s->keeper->failed, 1);
	pthread_barrier_wait(&s->keeper->set_up);
}

static void confine(struct server *s)
{
	bool on = false;

	if (rf_sandbox_syscalls(RF_SANDBOX_KEEPER, &on, NULL))
		atomic_fetch_add(&s->keeper->failed, 1);
	atomic_store(&s->keeper->filtered, on);
	pthread_barrier_wait(&s->keeper->confined);
}

static void serve(struct server *s)
{
	uint8_t question[RF_KEEPER_LOGIN_SIZE + 1]; /* one more, to notice a longer one */

	for (;;) {
		ssize_t got = read(s->fd, question, sizeof question);

		if (got <= 0)
			_exit(0); /* the controller has closed its end: the whole keeper is done */
		answer(s, question, (size_t)got);
	}
}

static void *server_main(void *arg)
{
	prepare(arg);
	confine(arg);
	serve(arg);
	return NULL;
}

/* OpenSSL's decoders leave a key's bytes in memory that they give back: in this process all of it is wiped. */
static void *take_memory(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return malloc(n);
}

static void give_memory(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	rf_secret_free(p, p ? malloc_usable_size(p) : 0);
}

static void *move_memory(void *p, size_t n, const char *file, int line)
{
	size_t had = p ? malloc_usable_size(p) : 0;

	if (n && n <= had)
		return p;
	void *to = n ? malloc(n) : NULL;
	if (to && p)
		memcpy(to, p, had);
	if (to || !n)
		give_memory(p, file, line);
	return to;
}

/* glibc's heap is filled up front and never shrinks, in one arena: afterwards no allocation needs a system call. */
static void settle_heap(void)
{
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_MAX, 0);
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
	mallopt(M_TOP_PAD, 1 << 20);
	free(malloc(256 * 1024));
}

/* The first server is the main thread; the others get a thread each. */
static int start_servers(struct keeper *k, struct server *servers, unsigned n, struct rf_diag *diag)
{
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	pthread_barrier_init(&k->set_up, NULL, n);
	pthread_barrier_init(&k->confined, NULL, n);
	for (unsigned i = 0; i < n; i++) {
		pthread_t t;

		servers[i] = (struct server){ .keeper = k, .fd = RF_KEEPER_FIRST_FD + (int)i };
		int rc = i ? pthread_create(&t, &attr, server_main, &servers[i]) : 0;
		if (rc)
			return rf_diag_set(diag, -rc, "a thread: %s", strerror(rc));
	}
	pthread_attr_destroy(&attr);
	return 0;
}

/* What may still be opened is the keeper's own. With Landlock around that the right to read in it whatever its modes
 * say is worth no more than the keys, which are here anyway. Without Landlock, or where that right was withheld from
 * us, we go on without. */
static int give_up(struct keeper *k, const struct rf_sandbox_user *become, struct rf_diag *diag)
{
	struct rf_sandbox_landlock ll = { .fd = -1 };
	int rc = rf_keeper_keys_landlock(&k->keys, &ll, diag);

	if (rc == RF_E_UNSUPPORTED)
		rc = 0;
	bool keeps = ll.abi && become && rf_sandbox_has(CAP_DAC_READ_SEARCH);
	rf_keeper_keys_reads(&k->keys, ll.abi > 0, !become || keeps);
	if (!rc)
		rc = keeps ? rf_sandbox_drop_user_but(become, CAP_DAC_READ_SEARCH, diag) :
			     rf_sandbox_drop_user(become, diag);
	if (!rc)
		rc = rf_sandbox_no_new_privileges(diag);
	if (!rc && ll.abi)
		rc = rf_sandbox_landlock_apply(&ll, diag);
	if (ll.fd >= 0)
		close(ll.fd);
	return rc;
}

static char *file_of(char *arg)
{
	return strcmp(arg, "-") == 0 ? NULL : arg;
}

static int set_up(struct keeper *k, char **argv, struct server *servers, unsigned n, struct rf_diag *diag)
{
	struct rf_sandbox_user user, *become = NULL;
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	prctl(PR_SET_NAME, "ringfort-keeper", 0, 0, 0);
	if (argv[3][0] != '-') {
		user = (struct rf_sandbox_user){ (uid_t)strtoul(argv[3], NULL, 10), (gid_t)strtoul(argv[4], NULL, 10) };
		become = &user;
	}
	setrlimit(RLIMIT_MEMLOCK, &all); /* as root; others keep the limit that they have */
	if (CRYPTO_set_mem_functions(take_memory, move_memory, give_memory) == 0)
		return rf_diag_set(diag, RF_E_CRYPTO,
				   "memory of the key's library cannot be wiped: something used it before");
	settle_heap();
	/* The private number itself lies in locked pages even where the limit forbids to lock everything. */
	if (CRYPTO_secure_malloc_init(32768, 16) == 0)
		return rf_diag_set(diag, RF_E_CRYPTO, "no locked memory for the key");
	int rc = rf_keeper_keys_start(&k->keys, file_of(argv[2]), file_of(argv[6]), argv + 7, diag);
	k->locked = !rc && mlockall(MCL_CURRENT) == 0; /* with root's right to do so, while it lasts */
	if (!rc)
		rc = give_up(k, become, diag);
	return rc ? rc : start_servers(k, servers, n, diag);
}

int rf_keeper_main(int argc, char **argv)
{
	struct stat st;
	struct keeper k = { 0 };
	struct server servers[RF_KEEPER_CHANNELS_MAX];
	struct rf_diag diag = { 0 };
	unsigned long n = argc >= 7 && argc % 2 == 1 ? strtoul(argv[5], NULL, 10) : 0;

	if (n < 1 || n > RF_KEEPER_CHANNELS_MAX || fstat(RF_KEEPER_FIRST_FD, &st) < 0 || !S_ISSOCK(st.st_mode)) {
		fprintf(stderr, "ringfort: %s is started by the controller\n", RF_KEEPER_ROLE);
		return 2;
	}
	/* A terminal's Ctrl-C is for the controller; this process ends when its channels do. */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	rf_keeper_keys_init(&k.keys);
	if (set_up(&k, argv, servers, (unsigned)n, &diag)) {
		rf_keeper_keys_fini(&k.keys);
		tell_ready(RF_KEEPER_FIRST_FD, RF_KEEPER_NO_SIGNATURE, 0, diag.text);
		return 1;
	}
	prepare(&servers[0]);
	if (mlockall(MCL_CURRENT) == 0) /* the threads' stacks as well, where the limit allows it */
		k.locked = true;
	confine(&servers[0]);
	if (atomic_load(&k.failed)) {
		tell_ready(RF_KEEPER_FIRST_FD, RF_KEEPER_NO_SIGNATURE, 0, "the key does not sign");
		return 1;
	}
	tell_ready(RF_KEEPER_FIRST_FD, RF_KEEPER_OK, (k.locked ? RF_KEEPER_LOCKED : 0) |
		   (atomic_load(&k.filtered) ? RF_KEEPER_FILTERED : 0), "");
	serve(&servers[0]);
	return 0;
}
