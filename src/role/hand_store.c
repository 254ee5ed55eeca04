#include "role/hand_store.h"

#include "emit/manifest.h"
#include "pki/bundle.h"

#include <dirent.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STATE_MAX = 1024 };

static int read_file(int dir, const char *name, size_t max, struct rf_arena *arena, struct rf_view *ret,
		     struct rf_diag *diag)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	size_t got = 0;

	if (fd < 0)
		return rf_diag_set(diag, errno == ENOENT ? RF_E_NOT_FOUND : -errno, RF_HAND_DIR "/%s: %s", name,
				   rf_err_text(-errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size > max) {
		close(fd);
		return rf_diag_set(diag, RF_E_LIMIT, RF_HAND_DIR "/%s: no file, or longer than any of ours", name);
	}
	uint8_t *p = rf_arena_alloc(arena, (size_t)st.st_size + 1);
	while (p && got < (size_t)st.st_size) {
		ssize_t k = read(fd, p + got, (size_t)st.st_size - got);

		if (k <= 0)
			break;
		got += (size_t)k;
	}
	close(fd);
	if (!p || got != (size_t)st.st_size)
		return rf_diag_set(diag, p ? RF_E_CORRUPT : -ENOMEM, RF_HAND_DIR "/%s: could not be read whole", name);
	*ret = rf_view_of(p, got);
	return 0;
}

static int write_file(int dir, const char *name, struct rf_view bytes, struct rf_diag *diag)
{
	char tmp[64];
	size_t done = 0;

	snprintf(tmp, sizeof tmp, "%.40s.new", name);
	unlinkat(dir, tmp, 0);
	int fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int rc = fd < 0 ? -errno : 0;

	while (!rc && done < bytes.n) {
		ssize_t k = write(fd, bytes.p + done, bytes.n - done);

		if (k < 0)
			rc = errno == EINTR ? 0 : -errno;
		else
			done += (size_t)k;
	}
	if (!rc && fsync(fd) < 0)
		rc = -errno;
	if (fd >= 0)
		close(fd);
	if (!rc && renameat(dir, tmp, dir, name) < 0)
		rc = -errno;
	if (!rc && fsync(dir) < 0)
		rc = -errno;
	return rc ? rf_diag_set(diag, rc, RF_HAND_DIR "/%s: %s", name, rf_err_text(rc)) : 0;
}

/* --- state */

/* The next word of *rest, which a blank or line end ends. */
static struct rf_view word(struct rf_view *rest)
{
	size_t n = 0;

	while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != '\n')
		n++;
	struct rf_view w = rf_view_sub(*rest, 0, n);
	*rest = rf_view_from(*rest, n < rest->n ? n + 1 : n);
	return w;
}

static bool line(struct rf_view *rest, struct rf_view key, uint64_t *ret_number, int64_t *ret_us)
{
	uint64_t us;

	if (!rf_view_eq(word(rest), key) || !rf_view_u64(word(rest), UINT32_MAX, ret_number))
		return false;
	if (!ret_us)
		return true;
	if (!rf_view_u64(word(rest), INT64_MAX, &us))
		return false;
	*ret_us = (int64_t)us;
	return true;
}

static bool parse_state(struct rf_view text, struct rf_hand_store *s)
{
	struct rf_view rest = text;
	bool ok = rf_view_eq(word(&rest), RF_V("ringfort-wall")) && rf_view_eq(word(&rest), RF_V("1")) &&
		  line(&rest, RF_V("confirmed"), &s->confirmed, NULL) &&
		  line(&rest, RF_V("candidate"), &s->candidate, &s->deadline_us) &&
		  line(&rest, RF_V("reverted"), &s->reverted, &s->reverted_us);

	return ok && rest.n && rest.p[rest.n - 1] == '\n' &&
	       rf_view_cstr(rf_view_sub(rest, 0, rest.n - 1), s->reverted_why, sizeof s->reverted_why);
}

int rf_hand_store_open(int dir, struct rf_hand_store *ret_store, struct rf_diag *diag)
{
	struct rf_hand_store s = { .dir = dir };
	struct rf_arena arena;
	struct rf_view text;

	rf_arena_init(&arena, 65536);
	int rc = read_file(dir, "state", STATE_MAX, &arena, &text, diag);
	if (rc == RF_E_NOT_FOUND)
		rc = 0;
	else if (!rc && !parse_state(text, &s))
		rc = rf_diag_set(diag, RF_E_CORRUPT,
				 RF_HAND_DIR "/state is not as ringfort writes it: look at what the kernel has "
					     "(`nft list table inet ringfort`), remove " RF_HAND_DIR
					     "/, start again and apply a bundle");
	rf_arena_fini(&arena);
	if (!rc)
		*ret_store = s;
	return rc;
}

/* Files of bundles that the state does not name. */
static void sweep(const struct rf_hand_store *s)
{
	int fd = openat(s->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d && fd >= 0)
		close(fd);
	while (d && (e = readdir(d))) {
		struct rf_view name = rf_view_str(e->d_name);
		uint64_t number;

		if (rf_view_u64(rf_view_sub(name, 0, rf_view_find(name, '.')), UINT32_MAX, &number) &&
		    number != s->confirmed && number != s->candidate)
			unlinkat(s->dir, e->d_name, 0);
	}
	if (d)
		closedir(d);
}

int rf_hand_store_write(const struct rf_hand_store *s, struct rf_diag *diag)
{
	char text[STATE_MAX];
	int n = snprintf(text, sizeof text,
			 "ringfort-wall 1\nconfirmed %llu\ncandidate %llu %lld\nreverted %llu %lld %s\n",
			 (unsigned long long)s->confirmed, (unsigned long long)s->candidate, (long long)s->deadline_us,
			 (unsigned long long)s->reverted, (long long)s->reverted_us, s->reverted_why);
	int rc = write_file(s->dir, "state", rf_view_of(text, (size_t)n), diag);

	if (!rc)
		sweep(s);
	return rc;
}

/* --- bundles */

static int verify(const struct rf_hand_want *want, struct rf_arena *arena, struct rf_hand_bundle *b,
		  struct rf_diag *diag)
{
	struct rf_manifest m;
	char path[RF_EMIT_PATH_MAX + 1];
	uint8_t sum[32];
	struct rf_writer w;
	int rc = rf_pki_bundle_verify(want->ca_file, b->manifest, b->sig, &b->signed_at, diag);

	if (!rc)
		rc = rf_manifest_parse(b->manifest, arena, &m, diag);
	if (rc)
		return rc;
	if (!rf_view_eq(m.site, rf_view_str(want->site)))
		return rf_diag_set(diag, RF_E_INVALID, "this is a bundle of site %.*s, and this is the wall of site %s",
				   RF_VFMT(m.site), want->site);
	snprintf(path, sizeof path, "routers/%.200s/ringfort.nft", want->router);
	const struct rf_manifest_entry *entry = rf_manifest_find(&m, rf_view_str(path));
	if (!entry)
		return rf_diag_set(diag, RF_E_INVALID, "the bundle has no %s: it was not compiled for this router",
				   path);
	rc = rf_manifest_check(entry, b->rules);
	if (rc)
		return rf_diag_set(diag, rc, "%s is not the file that was signed; `ringfort compile` writes it anew",
				   path);
	if (!SHA256(b->manifest.p, b->manifest.n, sum))
		return rf_diag_set(diag, RF_E_CRYPTO, "hashing MANIFEST failed");
	rf_writer_init(&w, b->bundle, sizeof b->bundle - 1);
	rf_put_hex(&w, sum, sizeof sum);
	return rf_view_cstr(m.digest, b->site, sizeof b->site) ? 0 :
	       rf_diag_set(diag, RF_E_CORRUPT, "MANIFEST: its digest");
}

int rf_hand_bundle_read(int dir, const char *name, const struct rf_hand_want *want, struct rf_arena *arena,
			struct rf_hand_bundle *ret_bundle, struct rf_diag *diag)
{
	struct rf_hand_bundle b = { 0 };
	char file[64];

	snprintf(file, sizeof file, "%.40s.manifest", name);
	int rc = read_file(dir, file, RF_MANIFEST_MAX, arena, &b.manifest, diag);
	snprintf(file, sizeof file, "%.40s.sig", name);
	if (!rc)
		rc = read_file(dir, file, RF_PKI_SIG_MAX, arena, &b.sig, diag);
	snprintf(file, sizeof file, "%.40s.nft", name);
	if (!rc)
		rc = read_file(dir, file, RF_EMIT_FILE_MAX, arena, &b.rules, diag);
	if (!rc)
		rc = verify(want, arena, &b, diag);
	if (!rc)
		*ret_bundle = b;
	return rc;
}

int rf_hand_bundle_write(int dir, uint64_t number, const struct rf_hand_bundle *b, struct rf_diag *diag)
{
	const struct {
		const char *end;
		struct rf_view bytes;
	} parts[] = { { "manifest", b->manifest }, { "sig", b->sig }, { "nft", b->rules } };
	char file[64];
	int rc = 0;

	for (size_t i = 0; i < sizeof parts / sizeof *parts && !rc; i++) {
		snprintf(file, sizeof file, "%llu.%s", (unsigned long long)number, parts[i].end);
		rc = write_file(dir, file, parts[i].bytes, diag);
	}
	return rc;
}
