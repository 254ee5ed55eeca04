/* The keeper's own side: a process with a key, a few threads that each read a question and write an answer. */
#include "role/keeper.h"
#include "role/keeper_login.h"
#include "role/keeper_wire.h"

#include "base/clock.h"

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
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_FILE_MAX 8192
#define STACK_BYTES (256 * 1024)

struct keeper {
	EVP_PKEY *key[RF_KEEPER_KEYS]; /* NULL: not given */
	struct rf_keeper_passwords passwords;
	pthread_barrier_t set_up, confined; /* every thread has signed once; every thread has its filter */
	atomic_uint failed;
	atomic_bool filtered;
	bool locked;
};

struct server {
	struct keeper *keeper;
	EVP_PKEY_CTX *ctx[RF_KEEPER_KEYS];
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

/* Read through our own descriptor into locked memory: no stdio buffer keeps a copy. */
static int read_key(const char *path, EVP_PKEY **ret_key, struct rf_diag *diag)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return rf_diag_set(diag, -errno, "%s: %s", path, strerror(errno));
	int rc = 0;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > KEY_FILE_MAX)
		rc = rf_diag_set(diag, RF_E_INVALID, "%s is not a key file", path);
	else if (st.st_mode & 077)
		rc = rf_diag_set(diag, RF_E_DENIED, "%s can be read by others (mode %04o): chmod 600 %s", path,
				 (unsigned)st.st_mode & 07777, path);
	char *pem = rc ? NULL : OPENSSL_secure_zalloc(KEY_FILE_MAX);
	ssize_t n = pem ? read(fd, pem, KEY_FILE_MAX) : -1;
	close(fd);
	BIO *bio = n > 0 ? BIO_new_mem_buf(pem, (int)n) : NULL;
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
	BIO_free(bio);
	OPENSSL_secure_clear_free(pem, KEY_FILE_MAX);
	if (rc)
		return rc;
	if (!key)
		return rf_diag_set(diag, RF_E_CRYPTO, "%s holds no private key in PEM without a passphrase", path);
	if (!EVP_PKEY_is_a(key, "EC")) {
		EVP_PKEY_free(key);
		return rf_diag_set(diag, RF_E_UNSUPPORTED, "%s is not an EC key", path);
	}
	*ret_key = key;
	return 0;
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

static int sign(struct server *s, unsigned key, const uint8_t *digest, size_t n, uint8_t *sig, size_t *ret_n)
{
	*ret_n = RF_KEEPER_SIG_MAX;
	return EVP_PKEY_sign(s->ctx[key], sig, ret_n, digest, n) == 1 ? RF_KEEPER_OK : RF_KEEPER_NO_SIGNATURE;
}

/* A key that is there, and a digest that it may sign: TLS has several, a token has SHA-256. */
static bool good_question(const struct server *s, const uint8_t *q)
{
	return q[0] == RF_KEEPER_QUESTION && q[2] < RF_KEEPER_KEYS && s->ctx[q[2]] &&
	       (q[1] == 32 || (q[2] == RF_KEEPER_KEY_TLS && (q[1] == 48 || q[1] == 64)));
}

static void answer(struct server *s, const uint8_t *question, size_t n)
{
	uint8_t out[RF_KEEPER_ANSWER_SIZE] = { RF_KEEPER_ANSWER };
	bool login = n == RF_KEEPER_LOGIN_SIZE && question[0] == RF_KEEPER_LOGIN && s->digest;
	size_t sig_n = 0;
	int status = RF_KEEPER_BAD_QUESTION;

	if (n == RF_KEEPER_QUESTION_SIZE || n == RF_KEEPER_LOGIN_SIZE)
		memcpy(out + 4, question + 4, 4);
	if (login || (n == RF_KEEPER_QUESTION_SIZE && good_question(s, question)))
		status = over_rate(s) ? RF_KEEPER_OVER_RATE :
			 login ? rf_keeper_login_answer(&s->keeper->passwords, s->digest, question, out + 8, &sig_n) :
				 sign(s, question[2], question + 8, question[1], out + 8, &sig_n);
	if (status != RF_KEEPER_OK)
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
	uint8_t sig[RF_KEEPER_SIG_MAX], digest[32] = { 1 };
	size_t n;

	s->clock = rf_clock_system();
	for (unsigned i = 0; i < RF_KEEPER_KEYS; i++) {
		if (!s->keeper->key[i])
			continue;
		s->ctx[i] = EVP_PKEY_CTX_new_from_pkey(NULL, s->keeper->key[i], NULL);
		if (!s->ctx[i] || EVP_PKEY_sign_init(s->ctx[i]) != 1 ||
		    sign(s, i, digest, sizeof digest, sig, &n) != RF_KEEPER_OK)
			atomic_fetch_add(&s->keeper->failed, 1);
	}
	if (s->keeper->passwords.n && rf_keeper_login_prepare(&s->digest))
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

static int read_keys(struct keeper *k, const char *tls, const char *stir, struct rf_diag *diag)
{
	char group[64] = "";
	int rc = strcmp(tls, "-") == 0 ? 0 : read_key(tls, &k->key[RF_KEEPER_KEY_TLS], diag);

	if (rc || strcmp(stir, "-") == 0)
		return rc;
	rc = read_key(stir, &k->key[RF_KEEPER_KEY_STIR], diag);
	if (!rc && (EVP_PKEY_get_group_name(k->key[RF_KEEPER_KEY_STIR], group, sizeof group, NULL) != 1 ||
		    OBJ_txt2nid(group) != NID_X9_62_prime256v1))
		rc = rf_diag_set(diag, RF_E_UNSUPPORTED, "%s is not on P-256, which signed calls need", stir);
	return rc;
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
	settle_heap();
	/* The private number itself lies in locked pages even where the limit forbids to lock everything. */
	if (CRYPTO_secure_malloc_init(32768, 16) == 0)
		return rf_diag_set(diag, RF_E_CRYPTO, "no locked memory for the key");
	int rc = read_keys(k, argv[2], argv[6], diag);
	for (char **a = argv + 7; !rc && a[0] && a[1]; a += 2)
		rc = rf_keeper_login_read(&k->passwords, a[0], a[1], diag);
	k->locked = !rc && mlockall(MCL_CURRENT) == 0; /* with root's right to do so, while it lasts */
	if (!rc)
		rc = rf_sandbox_drop_user(become, diag);
	if (!rc)
		rc = rf_sandbox_no_new_privileges(diag);
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
	if (set_up(&k, argv, servers, (unsigned)n, &diag)) {
		for (unsigned i = 0; i < RF_KEEPER_KEYS; i++)
			EVP_PKEY_free(k.key[i]);
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
