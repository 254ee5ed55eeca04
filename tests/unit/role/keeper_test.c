/* The keeper as a real process (this program executes itself), and TLS with a key that only the keeper has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "role/hostkey.h"
#include "role/keeper.h"
#include "role/keeper_wire.h"
#include "role/keyhandle.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct fixture {
	char dir[64], key_file[96];
	EVP_PKEY *key;
	X509 *cert;
	struct rf_keeper *keeper;
	EVP_PKEY *handle;
	unsigned place;
};

static int forward(void *arg, struct rf_view digest, uint8_t sig[static RF_KEYHANDLE_SIG_MAX], size_t *ret_n)
{
	struct fixture *f = arg;

	return rf_keeper_sign(f->keeper, f->place, digest, sig, ret_n);
}

static X509 *self_signed(EVP_PKEY *key)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
	X509_set_issuer_name(x, name);
	X509_set_pubkey(x, key);
	assert_int_not_equal(X509_sign(x, key, EVP_sha384()), 0);
	return x;
}

static void set_up(struct fixture *f, const char *curve, unsigned channels)
{
	struct rf_diag diag = { 0 };

	snprintf(f->dir, sizeof f->dir, "/tmp/rf-keeper-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->key_file, sizeof f->key_file, "%s/key.pem", f->dir);
	f->key = EVP_EC_gen(curve);
	assert_non_null(f->key);
	umask(077);
	FILE *out = fopen(f->key_file, "w");
	assert_non_null(out);
	assert_int_equal(PEM_write_PrivateKey(out, f->key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(out);
	f->cert = self_signed(f->key);
	struct rf_keeper_options opt = { .exe = "/proc/self/exe", .key_file = f->key_file, .channels = channels };
	if (rf_keeper_new(&opt, &f->keeper, &diag))
		fail_msg("%s", diag.text);
	assert_int_equal(rf_keeper_again(f->keeper, RF_KEEPER_TLS, &f->place, &diag), 0);
	assert_int_equal(rf_keyhandle_new(X509_get0_pubkey(f->cert), forward, NULL, f, &f->handle, &diag), 0);
}

static void tear_down(struct fixture *f)
{
	rf_keyhandle_free(f->handle);
	rf_keeper_free(f->keeper);
	X509_free(f->cert);
	EVP_PKEY_free(f->key);
	unlink(f->key_file);
	rmdir(f->dir);
}

static void a_signature_verifies(void **state)
{
	static const char *const curves[] = { "P-256", "P-384" };
	struct fixture f = { 0 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		uint8_t digest[48] = { 7 }, sig[RF_KEEPER_SIG_MAX];
		size_t n;

		set_up(&f, curves[i], 2);
		for (int round = 0; round < 3; round++) {
			digest[1] = (uint8_t)round;
			assert_int_equal(rf_keeper_sign(f.keeper, 0, rf_view_of(digest, i ? 48 : 32), sig, &n), 0);
			EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(f.key, NULL);
			assert_int_equal(EVP_PKEY_verify_init(ctx), 1);
			assert_int_equal(EVP_PKEY_verify(ctx, sig, n, digest, i ? 48 : 32), 1);
			EVP_PKEY_CTX_free(ctx);
		}
		assert_int_equal(rf_keeper_sign(f.keeper, 0, rf_view_of(digest, 7), sig, &n), RF_E_UNSUPPORTED);
		struct rf_keeper_state st;
		rf_keeper_state(f.keeper, &st);
		assert_true(st.alive);
		assert_int_equal(st.signatures, 3);
		assert_int_equal(rf_keeper_sign(f.keeper, 0, rf_view_of(digest, 33), sig, &n), RF_E_CRYPTO);
		rf_keeper_state(f.keeper, &st);
		assert_int_equal(st.refused, 1);
		tear_down(&f);
	}
}

/* A whole handshake in memory, client to server and back. */
static void handshake(SSL_CTX *server_ctx, SSL_CTX *client_ctx, int version)
{
	SSL *s = SSL_new(server_ctx), *c = SSL_new(client_ctx);
	BIO *sb, *cb;

	assert_int_equal(BIO_new_bio_pair(&sb, 65536, &cb, 65536), 1);
	SSL_set_bio(s, sb, sb);
	SSL_set_bio(c, cb, cb);
	SSL_set_min_proto_version(c, version);
	SSL_set_max_proto_version(c, version);
	SSL_set_accept_state(s);
	SSL_set_connect_state(c);
	int a = -1, b = -1;
	for (int i = 0; i < 20 && (a != 1 || b != 1); i++) {
		b = b == 1 ? 1 : SSL_do_handshake(c);
		a = a == 1 ? 1 : SSL_do_handshake(s);
	}
	assert_int_equal(a, 1);
	assert_int_equal(b, 1);
	assert_int_equal(SSL_version(s), version);
	SSL_free(s);
	SSL_free(c);
}

static uint64_t many(SSL_CTX *server, SSL_CTX *client, int version, unsigned n)
{
	struct rf_clock clock = rf_clock_system();
	uint64_t start = clock.mono(clock.ctx).us;

	for (unsigned i = 0; i < n; i++)
		handshake(server, client, version);
	return (clock.mono(clock.ctx).us - start) / n;
}

static SSL_CTX *server_context(X509 *cert, EVP_PKEY *key)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	assert_int_equal(SSL_CTX_use_certificate(ctx, cert), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(ctx, key), 1);
	assert_int_equal(SSL_CTX_check_private_key(ctx), 1);
	return ctx;
}

static void tls_with_a_key_elsewhere(void **state)
{
	static const char *const curves[] = { "P-256", "P-384" };
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	struct fixture f = { 0 };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		set_up(&f, curves[i / 2], 1);
		SSL_CTX *far = server_context(f.cert, f.handle);
		SSL_CTX *near = server_context(f.cert, f.key), *client = SSL_CTX_new(TLS_client_method());
		uint64_t far_us = many(far, client, versions[i % 2], 20);
		uint64_t near_us = many(near, client, versions[i % 2], 20);
		print_message("%s %s: handshake (both sides) %lu us with the keeper, %lu us without\n", curves[i / 2],
			      i % 2 ? "TLS 1.3" : "TLS 1.2", (unsigned long)far_us, (unsigned long)near_us);
		struct rf_keeper_state st;
		rf_keeper_state(f.keeper, &st);
		assert_int_equal(st.signatures, 20);
		SSL_CTX_free(far);
		SSL_CTX_free(near);
		SSL_CTX_free(client);
		tear_down(&f);
	}
}

static void cost_of_a_signature(void **state)
{
	struct fixture f = { 0 };
	struct rf_clock clock = rf_clock_system();
	uint8_t digest[32] = { 7 }, sig[RF_KEEPER_SIG_MAX];
	size_t n;

	(void)state;
	set_up(&f, "P-256", 1);
	uint64_t start = clock.mono(clock.ctx).us;
	for (int i = 0; i < 500; i++)
		assert_int_equal(rf_keeper_sign(f.keeper, 0, rf_view_of(digest, 32), sig, &n), 0);
	print_message("P-256 signature through the keeper: %lu us\n",
		      (unsigned long)(clock.mono(clock.ctx).us - start) / 500);
	tear_down(&f);
}

static void a_dead_keeper_is_noticed(void **state)
{
	struct fixture f = { 0 };
	uint8_t digest[32] = { 7 }, sig[RF_KEEPER_SIG_MAX];
	struct rf_keeper_state st;
	char path[64];
	size_t n;

	(void)state;
	set_up(&f, "P-256", 2);
	/* Our only child is the keeper. */
	snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
	FILE *in = fopen(path, "r");
	int pid = 0;
	if (!in || fscanf(in, "%d", &pid) != 1)
		skip();
	fclose(in);
	kill(pid, SIGKILL);
	siginfo_t info;
	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
	assert_int_equal(rf_keeper_sign(f.keeper, 0, rf_view_of(digest, 32), sig, &n), RF_E_CLOSED);
	rf_keeper_state(f.keeper, &st);
	assert_false(st.alive);
	assert_int_equal(st.failed, 1);
	tear_down(&f);
}

static void bad_key_files_are_explained(void **state)
{
	struct rf_diag diag = { 0 };
	struct rf_keeper *k = NULL;
	char file[] = "/tmp/rf-keeper-bad-XXXXXX";
	int fd = mkstemp(file);
	struct rf_keeper_options opt = { .exe = "/proc/self/exe", .key_file = file, .channels = 1 };

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "no key\n", 7), 7);
	assert_int_equal(rf_keeper_new(&opt, &k, &diag), RF_E_CRYPTO);
	assert_non_null(strstr(diag.text, "no private key"));
	fchmod(fd, 0644);
	assert_int_equal(rf_keeper_new(&opt, &k, &diag), RF_E_CRYPTO);
	assert_non_null(strstr(diag.text, "chmod 600"));
	close(fd);
	unlink(file);
	assert_int_equal(rf_keeper_new(&opt, &k, &diag), RF_E_CRYPTO);
	assert_non_null(strstr(diag.text, "No such file"));
	opt.channels = 0;
	assert_int_equal(rf_keeper_new(&opt, &k, &diag), RF_E_INVALID);
	assert_null(k);
}

static bool verifies(EVP_PKEY *key, const uint8_t *digest, const uint8_t *sig, size_t n)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	bool good = EVP_PKEY_verify_init(ctx) == 1 && EVP_PKEY_verify(ctx, sig, n, digest, 32) == 1;

	EVP_PKEY_CTX_free(ctx);
	return good;
}

/* The key of caller identity beside TLS's, and alone; each answers with itself. */
static void two_keys(void **state)
{
	struct fixture f = { 0 }, g = { 0 };
	struct rf_keeper *both = NULL, *alone = NULL;
	struct rf_diag diag = { 0 };
	uint8_t digest[48] = { 9 }, sig[RF_KEEPER_SIG_MAX];
	size_t n;

	(void)state;
	set_up(&f, "P-384", 1);
	set_up(&g, "P-256", 1);
	struct rf_keeper_options opt = { .exe = "/proc/self/exe", .key_file = f.key_file, .stir_key_file = g.key_file,
					 .channels = 1 };
	assert_int_equal(rf_keeper_new(&opt, &both, &diag), 0);
	assert_int_equal(rf_keeper_sign(both, 0, rf_view_of(digest, 32), sig, &n), 0);
	assert_true(verifies(f.key, digest, sig, n));
	unsigned stir = 0, none;
	assert_int_equal(rf_keeper_again(both, RF_KEEPER_STIR, &stir, &diag), 0);
	assert_int_equal(rf_keeper_sign(both, stir, rf_view_of(digest, 32), sig, &n), 0);
	assert_true(verifies(g.key, digest, sig, n));
	assert_int_equal(rf_keeper_sign(both, stir, rf_view_of(digest, 48), sig, &n), RF_E_CRYPTO);
	assert_int_equal(rf_keeper_again(f.keeper, RF_KEEPER_STIR, &none, &diag), RF_E_CRYPTO);
	assert_non_null(strstr(diag.text, "no such key"));
	opt.key_file = NULL;
	assert_int_equal(rf_keeper_new(&opt, &alone, &diag), 0);
	assert_int_equal(rf_keeper_sign(alone, 0, rf_view_of(digest, 32), sig, &n), RF_E_CRYPTO);
	assert_int_equal(rf_keeper_again(alone, RF_KEEPER_STIR, &stir, &diag), 0);
	assert_int_equal(rf_keeper_sign(alone, stir, rf_view_of(digest, 32), sig, &n), 0);
	assert_true(verifies(g.key, digest, sig, n));
	rf_keeper_free(both);
	rf_keeper_free(alone);
	opt.stir_key_file = f.key_file; /* P-384 */
	assert_int_equal(rf_keeper_new(&opt, &alone, &diag), RF_E_CRYPTO);
	assert_non_null(strstr(diag.text, "P-256"));
	tear_down(&f);
	tear_down(&g);
}

static void write_key(const char *file, EVP_PKEY *key, mode_t mode)
{
	FILE *out = fopen(file, "w");

	assert_non_null(out);
	assert_int_equal(PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(out);
	assert_int_equal(chmod(file, mode), 0);
}

/* The key file is read again: the same key has the same number, another one another, and what
 * nobody has is forgotten. */
static void read_again(void **state)
{
	struct fixture f = { 0 };
	struct rf_diag diag = { 0 };
	uint8_t digest[32] = { 9 }, sig[RF_KEEPER_SIG_MAX];
	unsigned same, other, more, all[RF_KEEPER_TLS_KEYS];
	size_t n;

	(void)state;
	set_up(&f, "P-256", 2);
	assert_int_equal(f.place, 0);
	assert_int_equal(rf_keeper_again(f.keeper, RF_KEEPER_TLS, &same, &diag), 0);
	assert_int_equal(same, 0);
	EVP_PKEY *next = EVP_EC_gen("P-384");
	write_key(f.key_file, next, 0600);
	assert_int_equal(rf_keeper_again(f.keeper, RF_KEEPER_TLS, &other, &diag), 0);
	assert_int_equal(other, 1);
	assert_int_equal(rf_keeper_sign(f.keeper, other, rf_view_of(digest, 32), sig, &n), 0);
	assert_true(verifies(next, digest, sig, n));
	assert_int_equal(rf_keeper_sign(f.keeper, 0, rf_view_of(digest, 32), sig, &n), 0);
	assert_true(verifies(f.key, digest, sig, n));
	/* the first one has two owners */
	rf_keeper_forget(f.keeper, same);
	assert_int_equal(rf_keeper_sign(f.keeper, 0, rf_view_of(digest, 32), sig, &n), 0);
	rf_keeper_forget(f.keeper, f.place);
	assert_int_equal(rf_keeper_sign(f.keeper, 0, rf_view_of(digest, 32), sig, &n), RF_E_CRYPTO);
	rf_keeper_forget(f.keeper, f.place); /* nobody's: nothing */
	rf_keeper_forget(f.keeper, 77);
	assert_int_equal(rf_keeper_sign(f.keeper, 77, rf_view_of(digest, 32), sig, &n), RF_E_UNSUPPORTED);
	/* what is wrong with the file is said, and the keys that are there are left alone */
	assert_int_equal(chmod(f.key_file, 0644), 0);
	assert_int_equal(rf_keeper_again(f.keeper, RF_KEEPER_TLS, &more, &diag), RF_E_CRYPTO);
	assert_non_null(strstr(diag.text, "chmod 600"));
	unlink(f.key_file);
	assert_int_equal(rf_keeper_again(f.keeper, RF_KEEPER_TLS, &more, &diag), RF_E_CRYPTO);
	assert_non_null(strstr(diag.text, "No such file"));
	assert_int_equal(rf_keeper_sign(f.keeper, other, rf_view_of(digest, 32), sig, &n), 0);
	/* as many as there are places, and then no more */
	for (unsigned i = 0; i < RF_KEEPER_TLS_KEYS - 1; i++) {
		EVP_PKEY *key = EVP_EC_gen("P-256");

		write_key(f.key_file, key, 0600);
		EVP_PKEY_free(key);
		assert_int_equal(rf_keeper_again(f.keeper, RF_KEEPER_TLS, &all[i], &diag), 0);
	}
	EVP_PKEY *last = EVP_EC_gen("P-256");
	write_key(f.key_file, last, 0600);
	assert_int_equal(rf_keeper_again(f.keeper, RF_KEEPER_TLS, &more, &diag), RF_E_CRYPTO);
	assert_non_null(strstr(diag.text, "still used"));
	rf_keeper_forget(f.keeper, all[0]);
	assert_int_equal(rf_keeper_again(f.keeper, RF_KEEPER_TLS, &more, &diag), 0);
	assert_int_equal(more, all[0]);
	assert_int_equal(rf_keeper_sign(f.keeper, more, rf_view_of(digest, 32), sig, &n), 0);
	assert_true(verifies(last, digest, sig, n));
	EVP_PKEY_free(next);
	EVP_PKEY_free(last);
	tear_down(&f);
}

/* Caller identity's key likewise, on its curve alone; TLS's are left alone by that. */
static void stir_again(void **state)
{
	struct fixture f = { 0 }, g = { 0 };
	struct rf_keeper *k = NULL;
	struct rf_diag diag = { 0 };
	uint8_t digest[32] = { 9 }, sig[RF_KEEPER_SIG_MAX];
	unsigned tls, first, second, more, all[RF_KEEPER_STIR_KEYS];
	size_t n;

	(void)state;
	set_up(&f, "P-256", 1);
	set_up(&g, "P-256", 1);
	struct rf_keeper_options opt = {
		.exe = "/proc/self/exe", .key_file = f.key_file, .stir_key_file = g.key_file, .channels = 2
	};
	assert_int_equal(chdir("/tmp"), 0); /* the site's folder: that of the key is one of its own in it */
	assert_int_equal(rf_keeper_new(&opt, &k, &diag), 0);
	/* what nobody has asked for yet is not forgotten with another one */
	assert_int_equal(rf_keeper_again(k, RF_KEEPER_TLS, &tls, &diag), 0);
	rf_keeper_forget(k, tls);
	assert_int_equal(rf_keeper_sign(k, RF_KEEPER_KEY_STIR, rf_view_of(digest, 32), sig, &n), 0);
	assert_int_equal(rf_keeper_sign(k, tls, rf_view_of(digest, 32), sig, &n), RF_E_CRYPTO);
	assert_int_equal(rf_keeper_again(k, RF_KEEPER_TLS, &tls, &diag), 0);
	assert_int_equal(rf_keeper_again(k, RF_KEEPER_STIR, &first, &diag), 0);
	EVP_PKEY *next = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-384");
	write_key(g.key_file, next, 0600);
	assert_int_equal(rf_keeper_again(k, RF_KEEPER_STIR, &second, &diag), 0);
	assert_int_not_equal(first, second);
	assert_int_equal(rf_keeper_sign(k, second, rf_view_of(digest, 32), sig, &n), 0);
	assert_true(verifies(next, digest, sig, n));
	rf_keeper_forget(k, first);
	assert_int_equal(rf_keeper_sign(k, first, rf_view_of(digest, 32), sig, &n), RF_E_CRYPTO);
	write_key(g.key_file, other, 0600);
	assert_int_equal(rf_keeper_again(k, RF_KEEPER_STIR, &more, &diag), RF_E_CRYPTO);
	assert_non_null(strstr(diag.text, "P-256"));
	unlink(g.key_file);
	assert_int_equal(rf_keeper_again(k, RF_KEEPER_STIR, &more, &diag), RF_E_CRYPTO);
	assert_non_null(strstr(diag.text, "No such file"));
	for (unsigned i = 0; i < RF_KEEPER_STIR_KEYS - 1; i++) {
		EVP_PKEY *key = EVP_EC_gen("P-256");

		write_key(g.key_file, key, 0600);
		EVP_PKEY_free(key);
		assert_int_equal(rf_keeper_again(k, RF_KEEPER_STIR, &all[i], &diag), 0);
	}
	write_key(g.key_file, f.key, 0600);
	assert_int_equal(rf_keeper_again(k, RF_KEEPER_STIR, &more, &diag), RF_E_CRYPTO);
	assert_non_null(strstr(diag.text, "still used"));
	assert_int_equal(rf_keeper_sign(k, tls, rf_view_of(digest, 32), sig, &n), 0);
	assert_true(verifies(f.key, digest, sig, n));
	rf_keeper_free(k);
	EVP_PKEY_free(next);
	EVP_PKEY_free(other);
	tear_down(&f);
	tear_down(&g);
}

/* An order to wipe that the keeper did not take (here: over its rate) is given again until it did. */
static void unheard_orders(void **state)
{
	struct fixture f = { 0 };
	uint8_t digest[32] = { 9 }, sig[RF_KEEPER_SIG_MAX];
	struct rf_clock clock = rf_clock_system();
	size_t n;
	int rc = 0;

	(void)state;
	set_up(&f, "P-256", 1);
	uint64_t end = clock.mono(clock.ctx).us + 5000000;
	while (rc != RF_E_BUSY && clock.mono(clock.ctx).us < end)
		rc = rf_keeper_sign(f.keeper, f.place, rf_view_of(digest, 7 + 25), sig, &n);
	assert_int_equal(rc, RF_E_BUSY);
	rf_keeper_forget(f.keeper, f.place);
	while ((rc = rf_keeper_sign(f.keeper, f.place, rf_view_of(digest, 32), sig, &n)) == RF_E_BUSY)
		usleep(2000);
	assert_int_equal(rc, 0); /* it was lost indeed */
	rf_keeper_tidy(f.keeper);
	assert_int_equal(rf_keeper_sign(f.keeper, f.place, rf_view_of(digest, 32), sig, &n), RF_E_CRYPTO);
	rf_keeper_tidy(f.keeper);
	rf_keeper_tidy(NULL);
	tear_down(&f);
}

/* As root it becomes another user, and reads a file that is root's alone by the one capability that it keeps.
 * Where that was withheld (a unit's bounding set) it serves with the key of its start. In a child, for what is
 * withheld is so for good. */
static int as_a_user(bool withheld)
{
	const struct rf_sandbox_user nobody = { 65534, 65534 };
	struct rf_keeper_options opt = { .exe = "/proc/self/exe", .channels = 1, .user = &nobody };
	struct fixture f = { 0 };
	struct rf_keeper *k = NULL;
	struct rf_diag diag = { 0 };
	uint8_t digest[32] = { 9 }, sig[RF_KEEPER_SIG_MAX];
	unsigned place;
	size_t n;

	set_up(&f, "P-256", 1);
	opt.key_file = f.key_file;
	if (withheld && prctl(PR_CAPBSET_DROP, CAP_DAC_READ_SEARCH, 0, 0, 0) < 0)
		return 1;
	int rc = rf_keeper_new(&opt, &k, &diag);
	if (rc || rf_keeper_again(k, RF_KEEPER_TLS, &place, &diag) || place != 0) {
		fprintf(stderr, "%s\n", diag.text);
		return 2;
	}
	EVP_PKEY *next = EVP_EC_gen("P-256");
	write_key(f.key_file, next, 0600);
	if (rf_keeper_again(k, RF_KEEPER_TLS, &place, &diag) ||
	    rf_keeper_sign(k, place, rf_view_of(digest, 32), sig, &n))
		return 3;
	rc = verifies(withheld ? f.key : next, digest, sig, n) ? 0 : 4;
	EVP_PKEY_free(next);
	rf_keeper_free(k);
	tear_down(&f);
	return rc;
}

static void read_again_as_a_user(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	for (int withheld = 0; withheld < 2; withheld++) {
		int status = -1;
		pid_t pid = fork();

		if (pid == 0)
			_exit(as_a_user(withheld));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (status)
			fail_msg("%s: %d", withheld ? "withheld" : "kept", WEXITSTATUS(status));
	}
}

static unsigned gone_calls;

static void count_gone(void *arg)
{
	(void)arg;
	gone_calls++;
}

/* The handle lives as long as anything has the key: a context, a connection, a copy. */
static void the_last_one_ends_it(void **state)
{
	struct fixture f = { 0 };
	struct rf_diag diag = { 0 };
	EVP_PKEY *key = NULL;

	(void)state;
	set_up(&f, "P-256", 1);
	gone_calls = 0;
	assert_int_equal(rf_keyhandle_new(X509_get0_pubkey(f.cert), forward, count_gone, &f, &key, &diag), 0);
	SSL_CTX *ctx = server_context(f.cert, key);
	rf_keyhandle_free(key);
	SSL *ssl = SSL_new(ctx);
	SSL_CTX_free(ctx);
	assert_int_equal(gone_calls, 0);
	SSL_free(ssl);
	assert_int_equal(gone_calls, 1);
	tear_down(&f);
}

static struct rf_pki_id own_id(void)
{
	struct rf_pki_id id = { .present = true, .not_before_s = 100, .not_after_s = 200 };

	snprintf(id.domains, sizeof id.domains, "voice.example.org 10.0.0.1 ");
	return id;
}

static void host_keys(void **state)
{
	struct fixture f = { 0 };
	struct rf_diag diag = { 0 };
	struct rf_pki_id id;
	EVP_PKEY *key = NULL, *again = NULL;
	char cert_file[128];

	(void)state;
	set_up(&f, "P-256", 1);
	snprintf(cert_file, sizeof cert_file, "%s/cert.pem", f.dir);
	FILE *out = fopen(cert_file, "w");
	assert_int_equal(PEM_write_X509(out, f.cert), 1);
	fclose(out);
	assert_int_equal(rf_hostkey_open(f.keeper, cert_file, &key, &id, &diag), 0);
	assert_true(id.not_after_s > id.not_before_s);
	SSL_CTX_free(server_context(f.cert, key));
	/* another key beside it */
	EVP_PKEY *other = EVP_EC_gen("P-256");
	write_key(f.key_file, other, 0600);
	assert_int_equal(rf_hostkey_open(f.keeper, cert_file, &again, &id, &diag), RF_E_INVALID);
	assert_null(again);
	assert_string_equal(diag.file, cert_file);
	assert_non_null(strstr(diag.text, "was not issued for the key"));
	/* it was forgotten again: there is room for many more tries */
	for (unsigned i = 0; i < 2 * RF_KEEPER_TLS_KEYS; i++)
		assert_int_equal(rf_hostkey_open(f.keeper, cert_file, &again, &id, &diag), RF_E_INVALID);
	out = fopen(cert_file, "w");
	fputs("no certificate\n", out);
	fclose(out);
	assert_int_equal(rf_hostkey_open(f.keeper, cert_file, &again, &id, &diag), RF_E_INVALID);
	assert_non_null(strstr(diag.text, "no certificate in PEM"));
	unlink(cert_file);
	assert_int_equal(rf_hostkey_open(f.keeper, cert_file, &again, &id, &diag), -ENOENT);
	rf_keyhandle_free(key);
	EVP_PKEY_free(other);
	tear_down(&f);
}

static void host_certificates(void **state)
{
	static const struct {
		int64_t now_s;
		const char *name;
		const char *word;    /* NULL: it may take over */
	} rows[] = {
		{ 150, "voice.example.org", NULL }, { 150, "10.0.0.1", NULL },
		{ 150, "10.0.0.2", "does not name 10.0.0.2" }, { 201, "10.0.0.1", "has expired" },
		{ 99, "10.0.0.1", "not valid yet" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *names[] = { rows[i].name, NULL };
		struct rf_pki_id id = own_id();
		struct rf_diag diag = { 0 };
		int rc = rf_hostkey_check("cert.pem", &id, NULL, names, rows[i].now_s, &diag);

		assert_int_equal(rc, rows[i].word ? RF_E_INVALID : 0);
		assert_true(!rows[i].word || (strstr(diag.text, rows[i].word) && strcmp(diag.file, "cert.pem") == 0));
	}
}

/* Who signed it: a self-signed one is its own authority's, and no other's. */
static void host_authorities(void **state)
{
	static const char *const none[] = { NULL };
	struct fixture f = { 0 }, g = { 0 };
	struct rf_pki_id id = own_id();
	struct rf_diag diag = { 0 };
	char ours[128], theirs[128];

	(void)state;
	set_up(&f, "P-256", 1);
	set_up(&g, "P-256", 1);
	snprintf(ours, sizeof ours, "%s/cert.pem", f.dir);
	snprintf(theirs, sizeof theirs, "%s/cert.pem", g.dir);
	FILE *a = fopen(ours, "w"), *b = fopen(theirs, "w");
	assert_int_equal(PEM_write_X509(a, f.cert), 1);
	assert_int_equal(PEM_write_X509(b, g.cert), 1);
	fclose(a);
	fclose(b);
	assert_int_equal(rf_hostkey_check(ours, &id, ours, none, 150, &diag), 0);
	assert_int_equal(rf_hostkey_check(ours, &id, theirs, none, 150, &diag), RF_E_INVALID);
	assert_non_null(strstr(diag.text, "was not signed by an authority"));
	assert_int_equal(rf_hostkey_check(ours, &id, "/nonexistent.pem", none, 150, &diag), RF_E_INVALID);
	unlink(ours);
	unlink(theirs);
	tear_down(&f);
	tear_down(&g);
}

/* A password's file with this in it. */
static void write_password(const char *file, const char *text, mode_t mode)
{
	FILE *out = fopen(file, "w");

	assert_non_null(out);
	fputs(text, out);
	fclose(out);
	assert_int_equal(chmod(file, mode), 0);
}

/* Files that were written anew, taken away, spoilt and brought back; each login for itself. */
static void passwords_again(struct rf_keeper *k, const struct rf_digest_cred *c, char file[2][32])
{
	char old[2 * RF_DIGEST_HASH_MAX], got[2 * RF_DIGEST_HASH_MAX];
	size_t n = 2 * rf_digest_alg_bytes(c->alg);
	struct rf_diag diag = { 0 };
	uint32_t there = 0;

	assert_int_equal(rf_keeper_again_logins(k, &there, &diag), 0);
	assert_true(there == 3 && !diag.text[0]);
	assert_int_equal(rf_keeper_respond(k, 1, c, RF_V("INVITE"), old), 0);
	write_password(file[1], "another", 0600);
	assert_int_equal(rf_keeper_again_logins(k, &there, &diag), 0);
	assert_true(there == 3 && !diag.text[0]);
	assert_int_equal(rf_keeper_respond(k, 1, c, RF_V("INVITE"), got), 0);
	assert_memory_not_equal(got, old, n);
	write_password(file[1], "two\nlines\n", 0600);
	assert_int_equal(rf_keeper_again_logins(k, &there, &diag), 0);
	assert_true(there == 1 && strstr(diag.text, "one line") && strstr(diag.text, file[1]));
	assert_int_equal(rf_keeper_respond(k, 1, c, RF_V("INVITE"), got), RF_E_CRYPTO);
	assert_int_equal(rf_keeper_respond(k, 0, c, RF_V("INVITE"), got), 0);
	unlink(file[1]);
	assert_int_equal(rf_keeper_again_logins(k, &there, &diag), 0);
	assert_true(there == 1 && strstr(diag.text, "No such file"));
	write_password(file[1], "x", 0600);
	assert_int_equal(chmod(file[1], 0644), 0);
	assert_int_equal(rf_keeper_again_logins(k, &there, &diag), 0);
	assert_true(there == 1 && strstr(diag.text, "chmod 600"));
	write_password(file[1], "open \"sesame\"", 0600);
	assert_int_equal(rf_keeper_again_logins(k, &there, &diag), 0);
	assert_true(there == 3 && !diag.text[0]);
	assert_int_equal(rf_keeper_respond(k, 1, c, RF_V("INVITE"), got), 0);
	assert_memory_equal(got, old, n);
}

static void passwords(void **state)
{
	static const struct rf_digest_cred challenge = {
		.realm = { (const uint8_t *)"example.org", 11 }, .nonce = { (const uint8_t *)"n-1", 3 },
		.uri = { (const uint8_t *)"sip:a@b", 7 }, .nc_text = { (const uint8_t *)"00000001", 8 },
		.cnonce = { (const uint8_t *)"c-1", 3 }, .qop = RF_DIGEST_QOP_AUTH,
	};
	char dir[] = "/tmp/rf-keeper-XXXXXX", file[2][32];
	struct rf_keeper_login logins[2] = { { "bob", file[0] }, { "eve", file[1] } };
	struct rf_keeper_options opt = { .exe = "/proc/self/exe", .channels = 1, .logins = logins, .n_logins = 2 };
	static uint8_t big[RF_KEEPER_LOGIN_SIZE];
	struct rf_diag diag = { 0 };
	struct rf_keeper *k = NULL;
	struct rf_digest_ctx *ctx;
	char got[2 * RF_DIGEST_HASH_MAX];

	(void)state;
	assert_true(mkdtemp(dir) && chdir("/tmp") == 0);
	for (int i = 0; i < 2; i++)
		snprintf(file[i], sizeof file[i], "%s/p%d", dir, i);
	write_password(file[0], "zanzibar\r\n", 0600);
	write_password(file[1], "open \"sesame\"", 0600);
	assert_int_equal(rf_keeper_new(&opt, &k, &diag), 0);
	assert_int_equal(rf_digest_ctx_new(&ctx), 0);
	for (unsigned alg = 0; alg < RF_DIGEST_ALGS; alg++)
		for (unsigned who = 0; who < 2; who++)
			for (int form = 0; form < 3; form++) { /* auth, -sess, without qop */
				struct rf_digest_cred c = challenge;
				char want[2 * RF_DIGEST_HASH_MAX];
				struct rf_digest_ha1 ha1;

				c.alg = (enum rf_digest_alg)alg;
				c.sess = form == 1;
				if (form == 2) {
					c.qop = RF_DIGEST_QOP_NONE;
					c.nc_text = c.cnonce = RF_V("");
				}
				rf_digest_ha1(ctx, c.alg, rf_view_str(logins[who].user), c.realm,
					      who ? RF_V("open \"sesame\"") : RF_V("zanzibar"), &ha1);
				assert_int_equal(rf_digest_response(ctx, &c, &ha1, RF_V("INVITE"), RF_V(""), want), 0);
				assert_int_equal(rf_keeper_respond(k, who, &c, RF_V("INVITE"), got), 0);
				assert_memory_equal(got, want, 2 * rf_digest_alg_bytes(c.alg));
			}
	struct rf_digest_cred c = challenge;
	passwords_again(k, &c, file);
	assert_int_equal(rf_keeper_respond(k, 2, &c, RF_V("INVITE"), got), RF_E_CRYPTO);
	assert_int_equal(rf_keeper_respond(k, RF_KEEPER_LOGINS_MAX, &c, RF_V("INVITE"), got), RF_E_UNSUPPORTED);
	c.qop = RF_DIGEST_QOP_AUTH_INT;
	assert_int_equal(rf_keeper_respond(k, 0, &c, RF_V("INVITE"), got), RF_E_UNSUPPORTED);
	c = challenge;
	c.nonce = rf_view_of(big, sizeof big);
	assert_int_equal(rf_keeper_respond(k, 0, &c, RF_V("INVITE"), got), RF_E_LIMIT);
	rf_keeper_free(k);
	rf_digest_ctx_free(ctx);

	static const struct {
		const char *text, *says;
		mode_t mode;
	} bad[] = {
		{ "", "holds no password", 0600 }, { "\n\n", "holds no password", 0600 },
		{ "a\nb\n", "one line", 0600 }, { "a", "chmod 600", 0640 },
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		write_password(file[1], bad[i].text, bad[i].mode);
		assert_int_equal(rf_keeper_new(&opt, &k, &diag), RF_E_CRYPTO);
		assert_non_null(strstr(diag.text, bad[i].says));
	}
	for (int i = 0; i < 2; i++)
		unlink(file[i]);
	rmdir(dir);
	assert_int_equal(rf_keeper_new(&opt, &k, &diag), RF_E_CRYPTO);
	opt.n_logins = RF_KEEPER_LOGINS_MAX + 1;
	assert_int_equal(rf_keeper_new(&opt, &k, &diag), RF_E_LIMIT);
}

/* A file that lies in the site's folder itself, beside what the keeper may not read: it is read again when it was
 * written in place, and not when another one was put there; then the password before stays, and it is said. Taken
 * away is taken away. */
static void out_of_reach(void **state)
{
	static const struct rf_digest_cred c = { .realm = { (const uint8_t *)"r", 1 },
						 .nonce = { (const uint8_t *)"n", 1 },
						 .uri = { (const uint8_t *)"sip:b", 5 } };
	char dir[] = "/tmp/rf-keeper-XXXXXX", old[2 * RF_DIGEST_HASH_MAX], got[2 * RF_DIGEST_HASH_MAX];
	struct rf_keeper_login login = { "bob", "one.password" };
	struct rf_keeper_options opt = { .exe = "/proc/self/exe", .channels = 1, .logins = &login, .n_logins = 1 };
	struct rf_sandbox_landlock ll = { .fd = -1 };
	struct rf_diag diag = { 0 };
	struct rf_keeper *k = NULL;
	uint32_t there = 0;
	size_t n = 2 * rf_digest_alg_bytes(c.alg);

	(void)state;
	if (rf_sandbox_landlock_open(NULL, 0, &ll, &diag))
		skip();
	close(ll.fd);
	assert_true(mkdtemp(dir) && chdir(dir) == 0);
	write_password(login.password_file, "first", 0600);
	assert_int_equal(rf_keeper_new(&opt, &k, &diag), 0);
	assert_int_equal(rf_keeper_respond(k, 0, &c, RF_V("INVITE"), old), 0);
	write_password(login.password_file, "second", 0600);
	assert_int_equal(rf_keeper_again_logins(k, &there, &diag), 0);
	assert_true(there == 1 && !diag.text[0]);
	assert_int_equal(rf_keeper_respond(k, 0, &c, RF_V("INVITE"), got), 0);
	assert_memory_not_equal(got, old, n);
	write_password("next", "third", 0600);
	assert_int_equal(rename("next", login.password_file), 0);
	assert_int_equal(rf_keeper_again_logins(k, &there, &diag), 0);
	assert_true(there == 1 && strstr(diag.text, "out of the keeper's reach"));
	assert_int_equal(rf_keeper_respond(k, 0, &c, RF_V("INVITE"), old), 0);
	assert_memory_equal(got, old, n);
	unlink(login.password_file);
	assert_int_equal(rf_keeper_again_logins(k, &there, &diag), 0);
	assert_true(there == 0 && strstr(diag.text, "No such file"));
	assert_int_equal(rf_keeper_respond(k, 0, &c, RF_V("INVITE"), got), RF_E_CRYPTO);
	rf_keeper_free(k);
	assert_int_equal(chdir("/tmp"), 0);
	rmdir(dir);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], RF_KEEPER_ROLE) == 0)
		return rf_keeper_main(argc, argv);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signature_verifies),
		cmocka_unit_test(tls_with_a_key_elsewhere),
		cmocka_unit_test(cost_of_a_signature),
		cmocka_unit_test(a_dead_keeper_is_noticed),
		cmocka_unit_test(bad_key_files_are_explained),
		cmocka_unit_test(read_again), cmocka_unit_test(stir_again), cmocka_unit_test(unheard_orders),
		cmocka_unit_test(read_again_as_a_user), cmocka_unit_test(the_last_one_ends_it),
		cmocka_unit_test(host_keys), cmocka_unit_test(host_certificates), cmocka_unit_test(host_authorities),
		cmocka_unit_test(two_keys),
		cmocka_unit_test(passwords), cmocka_unit_test(out_of_reach),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
