#include "pki/seed.h"

#include "base/secret.h"
#include "pki/pem_file.h"

#include <openssl/rand.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int read_seed(const char *path, uint8_t ret[static RF_PKI_SEED_BYTES])
{
	uint8_t buf[RF_PKI_SEED_BYTES + 1];
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	ssize_t n = read(fd, buf, sizeof buf);
	int rc = n < 0 ? -errno : n == RF_PKI_SEED_BYTES ? 0 : RF_E_CORRUPT;
	close(fd);
	if (!rc)
		memcpy(ret, buf, RF_PKI_SEED_BYTES);
	rf_secret_wipe(buf, sizeof buf);
	return rc;
}

static int make_seed(const char *path, uint8_t ret[static RF_PKI_SEED_BYTES], struct rf_diag *diag)
{
	if (RAND_priv_bytes(ret, RF_PKI_SEED_BYTES) != 1)
		return rf_pki_crypto(diag, "make the site's seed");
	return rf_pki_write(path, rf_view_of(ret, RF_PKI_SEED_BYTES), 0600, RF_PKI_NOW, diag);
}

int rf_pki_seed(const char *dir, bool make, uint8_t ret_seed[static RF_PKI_SEED_BYTES], struct rf_diag *diag)
{
	char *path;

	if (asprintf(&path, "%s/" RF_PKI_SEED, dir) < 0)
		return rf_diag_set(diag, -ENOMEM, "out of memory");
	int rc = read_seed(path, ret_seed);
	if (rc == -ENOENT && make)
		rc = make_seed(path, ret_seed, diag);
	else if (rc == RF_E_CORRUPT)
		rf_diag_at(diag, rc, path, 0, 0, "is no seed of 32 bytes; restore it from a backup");
	else if (rc)
		rf_diag_at(diag, rc, path, 0, 0, "cannot read the site's seed: %s", rf_err_text(rc));
	free(path);
	return rc;
}
