#include "pki/pem_file.h"

#include "base/secret.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int rf_pki_crypto(struct rf_diag *diag, const char *what)
{
	char text[256] = "no reason given";
	unsigned long e = ERR_peek_last_error();

	if (e)
		ERR_error_string_n(e, text, sizeof text);
	ERR_clear_error();
	return rf_diag_set(diag, RF_E_CRYPTO, "%s: OpenSSL: %s", what, text);
}

static int system_error(struct rf_diag *diag, const char *path, const char *what)
{
	int rc = -errno;

	return rf_diag_at(diag, rc, path, 0, 0, "cannot %s: %s", what, rf_err_text(rc));
}

int rf_pki_mkdir(const char *path, mode_t mode, struct rf_diag *diag)
{
	if (mkdir(path, mode) == 0 || errno == EEXIST)
		return 0;
	return system_error(diag, path, "make this folder");
}

static int write_all(int fd, struct rf_view v, enum rf_pki_when when)
{
	while (v.n) {
		ssize_t n = write(fd, v.p, v.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		v = rf_view_from(v, (size_t)n);
	}
	return when == RF_PKI_NOW ? fsync(fd) : 0;
}

/* The rename is on disk only when the folder is. */
static void sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? strndup(path, (size_t)(slash - path)) : strdup(".");
	int fd = folder ? open(folder[0] ? folder : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd >= 0) {
		(void)fsync(fd);
		close(fd);
	}
	free(folder);
}

int rf_pki_write(const char *path, struct rf_view bytes, mode_t mode, enum rf_pki_when when, struct rf_diag *diag)
{
	char *temp = NULL;

	if (asprintf(&temp, "%s.new-XXXXXX", path) < 0)
		return rf_diag_set(diag, -ENOMEM, "out of memory");
	int rc = 0, fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0) {
		rc = system_error(diag, path, "write this file");
		free(temp);
		return rc;
	}
	if (fchmod(fd, mode) || write_all(fd, bytes, when) || rename(temp, path)) {
		rc = system_error(diag, path, "write this file");
		unlink(temp);
	} else if (when == RF_PKI_NOW) {
		sync_folder(path);
	}
	close(fd);
	free(temp);
	return rc;
}

int rf_pki_sync(const char *folder, struct rf_diag *diag)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 || syncfs(fd) ? system_error(diag, folder, "force this folder to the disk") : 0;

	if (fd >= 0)
		close(fd);
	return rc;
}

static int write_bio(const char *path, BIO *bio, int ok, mode_t mode, enum rf_pki_when when, struct rf_diag *diag)
{
	char *p = NULL;
	long n = bio && ok ? BIO_get_mem_data(bio, &p) : 0;

	return n > 0 ? rf_pki_write(path, rf_view_of(p, (size_t)n), mode, when, diag) :
		       rf_pki_crypto(diag, "encode PEM");
}

int rf_pki_write_key(const char *path, EVP_PKEY *key, enum rf_pki_when when, struct rf_diag *diag)
{
	BIO *bio = BIO_new(BIO_s_secmem()); /* wiped on release */
	int ok = bio && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
	int rc = write_bio(path, bio, ok, 0600, when, diag);

	BIO_free(bio);
	return rc;
}

int rf_pki_write_cert(const char *path, X509 *cert, enum rf_pki_when when, struct rf_diag *diag)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int ok = bio && PEM_write_bio_X509(bio, cert);
	int rc = write_bio(path, bio, ok, 0644, when, diag);

	BIO_free(bio);
	return rc;
}

int rf_pki_write_crl(const char *path, X509_CRL *crl, struct rf_diag *diag)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int ok = bio && PEM_write_bio_X509_CRL(bio, crl);
	int rc = write_bio(path, bio, ok, 0644, RF_PKI_NOW, diag);

	BIO_free(bio);
	return rc;
}

static int open_file(const char *path, FILE **ret_f, struct rf_diag *diag)
{
	*ret_f = fopen(path, "re");
	return *ret_f ? 0 : system_error(diag, path, "read this file");
}

/* Keys of ours have no passphrase; never ask a terminal for one. */
static int no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	(void)buf, (void)size, (void)rwflag, (void)arg;
	return -1;
}

int rf_pki_read_key(const char *path, EVP_PKEY **ret_key, struct rf_diag *diag)
{
	FILE *f;
	int rc = open_file(path, &f, diag);

	if (rc)
		return rc;
	EVP_PKEY *key = PEM_read_PrivateKey(f, NULL, no_passphrase, NULL);
	fclose(f);
	ERR_clear_error();
	if (!key)
		return rf_diag_at(diag, RF_E_CORRUPT, path, 0, 0,
				  "holds no private key in PEM; restore it from a backup");
	*ret_key = key;
	return 0;
}

int rf_pki_read_cert(const char *path, X509 **ret_cert, struct rf_diag *diag)
{
	FILE *f;
	int rc = open_file(path, &f, diag);

	if (rc)
		return rc;
	X509 *cert = PEM_read_X509(f, NULL, no_passphrase, NULL);
	fclose(f);
	ERR_clear_error();
	if (!cert)
		return rf_diag_at(diag, RF_E_CORRUPT, path, 0, 0,
				  "holds no certificate in PEM; restore it from a backup");
	*ret_cert = cert;
	return 0;
}
