#include "pki/stir_store.h"

#include "pki/pem_file.h"
#include "pki/stir.h"

#include <dirent.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { URL_MAX = 512, FILE_MAX = RF_STIR_CERT_BYTES + URL_MAX + 1 };

static bool path_of(const char *dir, struct rf_view url, char *dst, size_t cap)
{
	uint8_t hash[32];
	char name[33];

	if (rf_stir_digest(url, hash))
		return false;
	for (int i = 0; i < 16; i++)
		snprintf(name + 2 * i, 3, "%02x", hash[i]);
	return (size_t)snprintf(dst, cap, "%s/" RF_STIR_STORE "/%s.pem", dir, name) < cap;
}

/* Root writes for a controller that is another user: what it makes belongs to who owns state/. */
static void give(const char *dir, const char *path)
{
	char state[400];
	struct stat st;

	snprintf(state, sizeof state, "%s/state", dir);
	if (geteuid() == 0 && stat(state, &st) == 0 && lchown(path, st.st_uid, st.st_gid) < 0)
		errno = 0;
}

int rf_stir_store_put(const char *dir, struct rf_view url, struct rf_view pem, struct rf_diag *diag)
{
	char path[512];
	uint8_t *all = malloc(FILE_MAX);
	int rc = all ? 0 : -ENOMEM;

	if (url.n == 0 || url.n > URL_MAX || pem.n == 0 || pem.n > RF_STIR_CERT_BYTES ||
	    !path_of(dir, url, path, sizeof path))
		rc = RF_E_LIMIT;
	if (rc) {
		free(all);
		return rf_diag_set(diag, rc, "the URL or the certificates are too long");
	}
	memcpy(all, url.p, url.n);
	all[url.n] = '\n';
	memcpy(all + url.n + 1, pem.p, pem.n);
	char *slash = strrchr(path, '/');
	*slash = '\0';
	rc = rf_pki_mkdir(path, 0750, diag);
	give(dir, path);
	*slash = '/';
	if (!rc)
		rc = rf_pki_write(path, rf_view_of(all, url.n + 1 + pem.n), 0640,
				  RF_PKI_NOW, diag);
	give(dir, path);
	free(all);
	return rc;
}

int rf_stir_store_remove(const char *dir, struct rf_view url, struct rf_diag *diag)
{
	char path[512];

	if (!path_of(dir, url, path, sizeof path) || unlink(path) < 0)
		return rf_diag_set(diag, errno == ENOENT ? RF_E_NOT_FOUND : -errno, "there is no certificate for %.*s: "
				   "`ringfort stir list` shows those that are", RF_VFMT(url));
	return 0;
}

static int is_pem(const struct dirent *e)
{
	return rf_view_ends(rf_view_str(e->d_name), RF_V(".pem"));
}

static struct rf_view read_file(const char *path, uint8_t *buf)
{
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(buf, 1, FILE_MAX, f) : 0;

	if (f)
		fclose(f);
	return rf_view_of(buf, n < FILE_MAX ? n : 0);
}

int rf_stir_store_each(const char *dir, int (*visit)(void *arg, struct rf_view url, struct rf_view pem), void *arg,
		       struct rf_diag *diag)
{
	char folder[400], path[700];
	struct dirent **names = NULL;
	uint8_t *buf = malloc(FILE_MAX);
	int rc = 0;

	snprintf(folder, sizeof folder, "%s/" RF_STIR_STORE, dir);
	int n = buf ? scandir(folder, &names, is_pem, alphasort) : -1;
	if (!buf)
		rc = rf_diag_set(diag, -ENOMEM, "%s: out of memory", folder);
	else if (n < 0 && errno != ENOENT)
		rc = rf_diag_set(diag, -errno, "%s: %s", folder, strerror(errno));
	for (int i = 0; i < n; i++) {
		if (!rc && i < RF_STIR_STORE_MAX) {
			snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
			struct rf_view all = read_file(path, buf);
			size_t line = rf_view_find(all, '\n');

			if (line > 0 && line < all.n && line <= URL_MAX)
				rc = visit(arg, rf_view_sub(all, 0, line), rf_view_from(all, line + 1));
		}
		free(names[i]);
	}
	free(names);
	free(buf);
	return rc;
}
