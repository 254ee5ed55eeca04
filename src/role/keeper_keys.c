#include "role/keeper_keys.h"

#include "base/reader.h"

#include <fcntl.h>
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_FILE_MAX 8192
#define OVERTAKEN "the key keeper was slow: `ringfort reload` once more"

/* The numbers of a kind, and the file that it is read from. */
static const struct {
	unsigned first, n;
} places[] = {
	[RF_KEEPER_TLS] = { RF_KEEPER_KEY_TLS, RF_KEEPER_TLS_KEYS },
	[RF_KEEPER_STIR] = { RF_KEEPER_KEY_STIR, RF_KEEPER_STIR_KEYS },
};

/* ---- files */

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

static int read_kind(struct rf_keeper_keys *k, enum rf_keeper_kind kind, EVP_PKEY **ret_key, struct rf_diag *diag)
{
	const char *path = k->file[kind].path;
	char group[64] = "";
	int rc = path ? read_key(path, ret_key, diag) :
			rf_diag_set(diag, RF_E_UNSUPPORTED, "no such key was given at the start");

	if (rc || kind != RF_KEEPER_STIR)
		return rc;
	if (EVP_PKEY_get_group_name(*ret_key, group, sizeof group, NULL) == 1 &&
	    OBJ_txt2nid(group) == NID_X9_62_prime256v1)
		return 0;
	EVP_PKEY_free(*ret_key);
	*ret_key = NULL;
	return rf_diag_set(diag, RF_E_UNSUPPORTED, "%s is not on P-256, which signed calls need", path);
}

/* Is it our confinement that keeps us from the file, rather than whoever runs the site? */
static bool out_of_reach(const struct rf_keeper_file *f, int rc)
{
	struct stat st;

	if (rc != -EACCES || f->reach == RF_KEEPER_REACH_ALL)
		return false;
	return f->reach == RF_KEEPER_REACH_NONE || stat(f->path, &st) < 0 || st.st_ino != f->ino;
}

/* ---- at the start */

void rf_keeper_keys_init(struct rf_keeper_keys *k)
{
	memset(k, 0, sizeof *k);
	pthread_mutex_init(&k->lock, NULL);
	pthread_mutex_init(&k->passwords.lock, NULL);
}

static void know(struct rf_keeper_keys *k, unsigned i, const char *path)
{
	struct stat st;

	k->file[i] = (struct rf_keeper_file){ path, RF_KEEPER_REACH_ALL, stat(path, &st) == 0 ? st.st_ino : 0 };
}

int rf_keeper_keys_start(struct rf_keeper_keys *k, const char *tls, const char *stir, char **logins,
			 struct rf_diag *diag)
{
	const char *key_file[] = { [RF_KEEPER_TLS] = tls, [RF_KEEPER_STIR] = stir };
	int rc = 0;

	for (unsigned i = 0; i < RF_KEEPER_ONE_KEY && !rc; i++) {
		if (!key_file[i])
			continue;
		know(k, i, key_file[i]);
		rc = read_kind(k, (enum rf_keeper_kind)i, &k->key[places[i].first], diag);
	}
	for (char **a = logins; !rc && a[0] && a[1]; a += 2) {
		rc = rf_keeper_login_add(&k->passwords, a[0], a[1], diag);
		if (!rc)
			know(k, RF_KEEPER_ONE_KEY + k->passwords.n - 1, a[1]);
	}
	return rc;
}

void rf_keeper_keys_fini(struct rf_keeper_keys *k)
{
	for (unsigned i = 0; i < RF_KEEPER_KEYS; i++)
		EVP_PKEY_free(k->key[i]);
	rf_keeper_login_wipe(&k->passwords);
}

/* May this folder be opened whole? That of a host's key, which is the keeper's; another one when it lies in the site's
 * folder and is none of those that ringfort itself keeps there: what else there is in it would be the keeper's to read,
 * by root's right. */
static bool of_its_own(const char *folder, bool tls)
{
	static const char *const ours[] = { "pki", "state", "ledger" };
	char site[PATH_MAX], full[PATH_MAX];

	if (tls)
		return true;
	if (!realpath(".", site) || !realpath(folder, full))
		return false;
	size_t n = strlen(site);
	if (strncmp(site, full, n) != 0 || full[n] != '/' || n == 1)
		return false;
	const char *first = full + n + 1;
	size_t first_n = strcspn(first, "/");
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		if (first_n == strlen(ours[i]) && strncmp(first, ours[i], first_n) == 0)
			return false;
	return first_n > 0;
}

int rf_keeper_keys_landlock(struct rf_keeper_keys *k, struct rf_sandbox_landlock *ret_ll, struct rf_diag *diag)
{
	struct rf_sandbox_path paths[RF_KEEPER_FILES_MAX];
	char *folder[RF_KEEPER_FILES_MAX];
	int rc = 0;
	size_t n = 0;

	for (unsigned i = 0; i < RF_KEEPER_FILES_MAX && !rc; i++) {
		struct rf_keeper_file *f = &k->file[i];
		const char *slash = f->path ? strrchr(f->path, '/') : NULL;

		if (!f->path)
			continue;
		folder[n] = slash ? strndup(f->path, (size_t)(slash - f->path)) : strdup(".");
		if (!folder[n]) {
			rc = rf_diag_set(diag, -ENOMEM, "out of memory");
			break;
		}
		f->reach = of_its_own(folder[n], i == RF_KEEPER_TLS) ? RF_KEEPER_REACH_ALL : RF_KEEPER_REACH_FILE;
		paths[n] = (struct rf_sandbox_path){ f->reach == RF_KEEPER_REACH_ALL ? folder[n] : f->path,
						     RF_SANDBOX_READ, true };
		n++;
	}
	if (!rc)
		rc = rf_sandbox_landlock_open(paths, n, ret_ll, diag);
	while (n > 0)
		free(folder[--n]);
	return rc;
}

void rf_keeper_keys_reads(struct rf_keeper_keys *k, bool landlock, bool reads)
{
	for (unsigned i = 0; i < RF_KEEPER_FILES_MAX; i++)
		if (!reads)
			k->file[i].reach = RF_KEEPER_REACH_NONE;
		else if (!landlock)
			k->file[i].reach = RF_KEEPER_REACH_ALL;
}

/* ---- keys by their numbers */

EVP_PKEY *rf_keeper_keys_take(struct rf_keeper_keys *k, unsigned key)
{
	pthread_mutex_lock(&k->lock);
	EVP_PKEY *p = key < RF_KEEPER_KEYS ? k->key[key] : NULL;

	if (p)
		EVP_PKEY_up_ref(p);
	pthread_mutex_unlock(&k->lock);
	return p;
}

/* An order that a later one has overtaken (its answer took too long, and nobody waits for it any
 * more) changes nothing. */
static bool begin_order(struct rf_keeper_keys *k, const uint8_t *question, uint32_t *ret_order)
{
	struct rf_reader r = rf_reader_of(rf_view_of(question + 8, 4));
	uint32_t order = rf_take_be32(&r);

	pthread_mutex_lock(&k->lock);
	bool newest = order > k->order;
	if (newest)
		k->order = order;
	pthread_mutex_unlock(&k->lock);
	*ret_order = order;
	return newest;
}

enum { PLACE_NONE = -1, PLACE_OVERTAKEN = -2 };

/* Its number: that of the same key, or of a free place, which takes it. */
static int keep_key(struct rf_keeper_keys *k, enum rf_keeper_kind kind, EVP_PKEY *key, uint32_t order)
{
	int first = (int)places[kind].first, place = PLACE_NONE, same = PLACE_NONE;

	pthread_mutex_lock(&k->lock);
	for (int i = first + (int)places[kind].n - 1; i >= first; i--) {
		if (k->key[i] && EVP_PKEY_eq(k->key[i], key) == 1)
			same = i;
		else if (!k->key[i])
			place = i;
	}
	if (k->order != order) {
		same = PLACE_OVERTAKEN;
	} else if (same < 0 && place >= 0) {
		EVP_PKEY_up_ref(key);
		k->key[place] = key;
	}
	pthread_mutex_unlock(&k->lock);
	return same != PLACE_NONE ? same : place;
}

/* Where the file cannot be read again the key of the start stays, and serves for a certificate
 * that was issued for it. */
static int first_key(struct rf_keeper_keys *k, enum rf_keeper_kind kind)
{
	pthread_mutex_lock(&k->lock);
	bool there = k->key[places[kind].first];
	pthread_mutex_unlock(&k->lock);
	return there ? (int)places[kind].first : PLACE_NONE;
}

/* Text behind what is said already. */
static void say(const char *text, uint8_t *said, size_t *ret_n)
{
	size_t n = strnlen(text, RF_KEEPER_SIG_MAX - *ret_n);

	memcpy(said + *ret_n, text, n);
	*ret_n += n;
}

static int key_again(struct rf_keeper_keys *k, enum rf_keeper_kind kind, uint32_t order, uint8_t *said, size_t *ret_n)
{
	struct rf_diag diag = { 0 };
	EVP_PKEY *key = NULL;
	int rc = read_kind(k, kind, &key, &diag);
	int place = rc ? PLACE_NONE : keep_key(k, kind, key, order);

	EVP_PKEY_free(key);
	if (rc && k->file[kind].path && out_of_reach(&k->file[kind], rc))
		place = first_key(k, kind);
	if (place >= 0) {
		said[0] = (uint8_t)place;
		*ret_n = 1;
		return RF_KEEPER_OK;
	}
	say(rc ? diag.text :
	    place == PLACE_OVERTAKEN ?
		 OVERTAKEN :
		 "keys that were replaced are all still used by connections: `ringfort down` and `ringfort up`",
	    said, ret_n);
	return RF_KEEPER_NO_KEY;
}

/* ---- passwords */

/* Read anew, or gone: a password whose file was taken away must not open anything any more. */
static int login_again(struct rf_keeper_keys *k, unsigned i, uint32_t order, struct rf_diag *diag)
{
	const struct rf_keeper_file *f = &k->file[RF_KEEPER_ONE_KEY + i];
	char *text = NULL;
	size_t n = 0;
	int rc = rf_keeper_login_read(f->path, &text, &n, diag);
	bool stays = rc && out_of_reach(f, rc);

	if (stays)
		rf_diag_set(diag, rc, "%s is out of the keeper's reach since it was replaced: write into it, or put it "
			    "into a folder of its own and restart", f->path);
	pthread_mutex_lock(&k->lock);
	bool newest = k->order == order;
	if (newest && !stays)
		rf_keeper_login_set(&k->passwords, i, text, n);
	pthread_mutex_unlock(&k->lock);
	rf_keeper_login_free(text);
	return newest ? rc : RF_E_BUSY;
}

/* Which there are now, and what is wrong with the first of the others. */
static int logins_again(struct rf_keeper_keys *k, uint32_t order, uint8_t *said, size_t *ret_n)
{
	struct rf_diag first = { 0 }, diag = { 0 };
	int rc = 0;

	for (unsigned i = 0; i < k->passwords.n && rc != RF_E_BUSY; i++) {
		rc = login_again(k, i, order, &diag);
		if (rc && !first.text[0])
			first = diag;
	}
	if (rc == RF_E_BUSY) {
		say(OVERTAKEN, said, ret_n);
		return RF_KEEPER_NO_KEY;
	}
	uint32_t there = rf_keeper_login_there(&k->passwords);

	for (int i = 0; i < 4; i++)
		said[i] = (uint8_t)(there >> (24 - 8 * i));
	*ret_n = 4;
	say(first.text, said, ret_n);
	return RF_KEEPER_OK;
}

/* ---- orders */

int rf_keeper_keys_again(struct rf_keeper_keys *k, const uint8_t *question, uint8_t *said, size_t *ret_n)
{
	uint32_t order;

	*ret_n = 0;
	if (question[1] > RF_KEEPER_LOGINS)
		return RF_KEEPER_BAD_QUESTION;
	if (!begin_order(k, question, &order)) {
		say(OVERTAKEN, said, ret_n);
		return RF_KEEPER_NO_KEY;
	}
	return question[1] == RF_KEEPER_LOGINS ? logins_again(k, order, said, ret_n) :
						 key_again(k, (enum rf_keeper_kind)question[1], order, said, ret_n);
}

int rf_keeper_keys_keep(struct rf_keeper_keys *k, const uint8_t *question, uint8_t *said, size_t *ret_n)
{
	struct rf_reader r = rf_reader_of(rf_view_of(question + 12, 4));
	uint32_t order, mask = rf_take_be32(&r);
	EVP_PKEY *gone[RF_KEEPER_KEYS] = { NULL };

	*ret_n = 0;
	if (begin_order(k, question, &order)) {
		pthread_mutex_lock(&k->lock);
		for (unsigned i = 0; i < RF_KEEPER_KEYS && k->order == order; i++) {
			if (mask & 1u << i)
				continue;
			gone[i] = k->key[i];
			k->key[i] = NULL;
		}
		pthread_mutex_unlock(&k->lock);
	}
	for (unsigned i = 0; i < RF_KEEPER_KEYS; i++)
		EVP_PKEY_free(gone[i]);
	said[0] = 0;
	*ret_n = 1;
	return RF_KEEPER_OK;
}
