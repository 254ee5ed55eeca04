#include "store/bindings_int.h"

#include "base/random.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	BUF = 256 * 1024,
	OPEN_TRIES = 8,
	GROWTH = 8 << 20, /* beyond twice what it says: some 25,000 changes between two compactions */
};

/* --- records to the end */

static int sync_file(int fd)
{
	return fdatasync(fd) ? -errno : 0;
}

/* What is in the buffer goes to the end of the file. */
static int flush(struct rf_bindings_log *log)
{
	for (size_t at = 0; at < log->n;) {
		ssize_t k = pwrite(log->fd, log->buf + at, log->n - at, (off_t)(log->size + at));

		if (k < 0 && errno != EINTR)
			return -errno;
		at += k > 0 ? (size_t)k : 0;
	}
	log->size += log->n;
	log->n = 0;
	return 0;
}

/* Room in the buffer for a record whose body has n bytes. */
static int room(struct rf_bindings_log *log, size_t n, uint8_t **ret_body)
{
	int rc = RF_LOG_RECORD_HEAD + n > BUF - log->n ? flush(log) : 0;

	*ret_body = log->buf + log->n + RF_LOG_RECORD_HEAD;
	return rc;
}

/* The body is written: before it come its sum and its length. */
static void seal(struct rf_bindings_log *log, size_t n)
{
	uint8_t *head = log->buf + log->n;

	rf_record_be(head + 8, n, 4);
	log->sum = rf_log_sum(log->salt, log->sum, rf_view_of(head + 8, 4 + n));
	rf_record_be(head, log->sum, 8);
	log->n += RF_LOG_RECORD_HEAD + n;
}

static int append_all(struct rf_bindings_log *log, const struct rf_change *group)
{
	uint8_t *body;
	int rc = 0;

	for (const struct rf_change *c = group; c && !rc; c = c->next) {
		rc = room(log, c->n, &body);
		if (rc)
			break;
		memcpy(body, c->body, c->n);
		seal(log, c->n);
	}
	if (!rc)
		rc = flush(log);
	return rc || !log->power_safe ? rc : sync_file(log->fd);
}

/* Bytes of a write that failed would be read as changes after a restart, though everybody was told that they failed. */
static int cut_torn(struct rf_bindings_log *log)
{
	log->torn = log->torn && ftruncate(log->fd, (off_t)log->size);
	return log->torn ? -errno : 0;
}

int rf_bindings_log_write(struct rf_bindings_log *log, struct rf_change *group)
{
	const uint64_t size = log->size, sum = log->sum;
	int rc = cut_torn(log);

	if (!rc && (rc = append_all(log, group))) {
		log->size = size;
		log->sum = sum;
		log->n = 0;
		log->torn = true;
		cut_torn(log);
	}
	for (struct rf_change *c = group; c; c = c->next)
		c->rc = rc;
	return rc;
}

/* --- the whole file */

static void forget_bytes(struct rf_view bytes)
{
	if (bytes.n)
		munmap((void *)(uintptr_t)bytes.p, bytes.n);
}

/* All of the file. In mapped memory, and read rather than mapped itself: a disk that fails must not be a signal. */
static int read_all(int fd, size_t n, struct rf_view *ret_bytes)
{
	uint8_t *p = n ? mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) : NULL;

	if (p == MAP_FAILED)
		return -ENOMEM;
	for (size_t at = 0; at < n;) {
		ssize_t k = pread(fd, p + at, n - at, (off_t)at);
		int rc = k == 0 ? RF_E_CORRUPT : -errno;

		if (k > 0) {
			at += (size_t)k;
		} else if (k == 0 || errno != EINTR) {
			munmap(p, n);
			return rc;
		}
	}
	*ret_bytes = rf_view_of(p, n);
	return 0;
}

static int sync_folder(const char *path)
{
	char folder[sizeof ((struct rf_bindings_log *)NULL)->path];
	const char *slash = strrchr(path, '/');
	int n = slash ? (int)(slash - path) : 1;

	snprintf(folder, sizeof folder, "%.*s", n, slash ? path : ".");
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int rc = fsync(fd) ? -errno : 0;
	close(fd);
	return rc;
}

/* A new file beside the old one, with our lock, and with nothing but its head. It uses the old one's buffer. */
static int begin_new(const struct rf_bindings_log *log, const char *name, struct rf_bindings_log *ret_new)
{
	struct rf_bindings_log new = { .buf = log->buf };
	struct rf_random random;

	new.fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (new.fd < 0)
		return -errno;
	if (flock(new.fd, LOCK_EX | LOCK_NB)) {
		int rc = -errno;

		close(new.fd);
		return rc;
	}
	rf_random_system(&random);
	new.salt = rf_random_u64(&random);
	memcpy(new.buf, "RFBINDL1", 8);
	rf_record_be(new.buf + 8, new.salt, 8);
	new.n = RF_LOG_HEAD;
	*ret_new = new;
	return 0;
}

static int put_entry(void *ctx, const struct rf_replay_entry *e)
{
	struct rf_bindings_log *new = ctx;
	const size_t n = 2 + e->aor.n + 1 + 2 + e->key.n + 8 + 2 + e->record.n;
	uint8_t *p;
	int rc = room(new, n, &p);

	if (rc)
		return rc;
	rf_record_be(p, e->aor.n, 2);
	memcpy(p + 2, e->aor.p, e->aor.n);
	p += 2 + e->aor.n;
	*p++ = RF_CHANGE_PUT;
	rf_record_be(p, e->key.n, 2);
	if (e->key.n)
		memcpy(p + 2, e->key.p, e->key.n);
	p += 2 + e->key.n;
	rf_record_be(p, (uint64_t)e->expires_us, 8);
	rf_record_be(p + 8, e->record.n, 2);
	if (e->record.n)
		memcpy(p + 10, e->record.p, e->record.n);
	seal(new, n);
	return 0;
}

static int put_stored(void *ctx, struct rf_view aor, const struct rf_stored_binding *s)
{
	const struct rf_bindings_op op = { RF_BINDINGS_PUT, s };
	uint8_t *p;
	size_t n;
	int rc = rf_change_measure(aor, &op, 1, &n);

	if (!rc)
		rc = room(ctx, n, &p);
	if (rc)
		return rc;
	rf_change_put(p, aor, &op, 1);
	seal(ctx, n);
	return 0;
}

static void set_compact_at(struct rf_bindings_log *log, uint64_t live_bytes)
{
	log->compact_at = 2 * live_bytes + log->growth;
}

/* Write the bindings of r (and those of the database at old_path) to a new file, which takes the old one's place. */
static int rewrite(struct rf_bindings_log *log, const struct rf_replay *r, const char *old_path, struct rf_diag *diag)
{
	struct rf_bindings_log new = { .fd = -1 };
	char name[sizeof log->path + 4];

	snprintf(name, sizeof name, "%s.new", log->path);
	int rc = begin_new(log, name, &new);
	if (rc)
		return rc;
	if (r)
		rc = rf_replay_each(r, put_entry, &new);
	if (!rc && old_path)
		rc = rf_bindings_old_load(old_path, put_stored, &new, diag);
	if (!rc)
		rc = flush(&new);
	if (!rc)
		rc = sync_file(new.fd);
	if (!rc && rename(name, log->path))
		rc = -errno;
	log->n = 0; /* the buffer was the new one's */
	if (rc) {
		close(new.fd);
		unlink(name);
		return rc;
	}
	sync_folder(log->path); /* if it cannot: until the next one the old file is what a loss of power leaves */
	if (log->fd >= 0)
		close(log->fd);
	log->fd = new.fd;
	log->salt = new.salt;
	log->sum = new.sum;
	log->size = new.size;
	log->torn = false;
	set_compact_at(log, log->size);
	return 0;
}

int rf_bindings_log_compact(struct rf_bindings_log *log)
{
	struct rf_replay r = { 0 };
	struct rf_view bytes;

	if (log->size < log->compact_at)
		return 0;
	int rc = read_all(log->fd, log->size, &bytes);
	if (!rc) {
		rc = rf_replay(bytes, &r);
		if (!rc && r.good != log->size)
			rc = RF_E_CORRUPT; /* what is read is not what was written: better long than wrong */
		if (!rc)
			rc = rewrite(log, &r, NULL, NULL);
		rf_replay_free(&r);
		forget_bytes(bytes);
	}
	if (rc)
		log->compact_at = log->size + log->growth;
	return rc;
}

int rf_bindings_log_load(struct rf_bindings_log *log, struct rf_wall now,
			 int (*visit)(void *ctx, struct rf_view aor, const struct rf_stored_binding *s), void *ctx,
			 struct rf_diag *diag)
{
	struct rf_replay r = { 0 };
	struct rf_view bytes;
	int rc = read_all(log->fd, log->size, &bytes);

	if (rc)
		return rf_diag_set(diag, rc, "%s: %s", log->path, rf_err_text(rc));
	rc = rf_replay(bytes, &r);
	if (rc)
		rf_diag_set(diag, rc, "%s: %s", log->path, rf_err_text(rc));
	for (size_t i = 0; !rc && i <= r.mask; i++)
		for (uint32_t k = r.slots[i]; k && !rc; k = r.entries[k - 1].next) {
			const struct rf_replay_entry *e = &r.entries[k - 1];
			struct rf_stored_binding s = { .key = e->key, .expires = { e->expires_us } };

			if (e->expires_us <= now.us)
				continue;
			rc = rf_record_get(e->record, &s);
			rc = rc ? rf_diag_set(diag, rc, "%s: a binding in it cannot be read", log->path) :
				  visit(ctx, e->aor, &s);
		}
	rf_replay_free(&r);
	forget_bytes(bytes);
	return rc;
}

/* --- opening */

/* The file at path, made when missing, and ours alone. Who compacts puts a new file there: then the one that we got
 * the lock of may be gone. */
static int open_locked(const char *path, int *ret_fd, uint64_t *ret_size, struct rf_diag *diag)
{
	for (int i = 0; i < OPEN_TRIES; i++) {
		int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		struct stat mine, there;

		if (fd < 0)
			return rf_diag_set(diag, -errno, "%s: %s", path, rf_err_text(-errno));
		if (flock(fd, LOCK_EX | LOCK_NB)) {
			close(fd);
			return rf_diag_set(diag, RF_E_BUSY, "%s: another process has it open", path);
		}
		if (fstat(fd, &mine) == 0 && stat(path, &there) == 0 && mine.st_ino == there.st_ino &&
		    mine.st_dev == there.st_dev) {
			*ret_fd = fd;
			*ret_size = (uint64_t)mine.st_size;
			return 0;
		}
		close(fd);
	}
	return rf_diag_set(diag, RF_E_BUSY, "%s: another process replaces it again and again", path);
}

static int live_bytes(void *ctx, const struct rf_replay_entry *e)
{
	*(uint64_t *)ctx += RF_LOG_RECORD_HEAD + 15 + e->aor.n + e->key.n + e->record.n;
	return 0;
}

/* Where the last whole record ends; what stands behind it goes. */
static int find_end(struct rf_bindings_log *log, uint64_t size, struct rf_diag *diag)
{
	struct rf_replay r = { 0 };
	struct rf_view bytes;
	uint64_t live = 0;
	int rc = read_all(log->fd, size, &bytes);

	if (rc)
		return rf_diag_set(diag, rc, "%s: %s", log->path, rf_err_text(rc));
	rc = rf_replay(bytes, &r);
	forget_bytes(bytes);
	if (rc)
		return rf_diag_set(diag, rc,
				   "%s: this is not a log of bindings that can be read; move it away, and phones "
				   "are known again when they register",
				   log->path);
	rf_replay_each(&r, live_bytes, &live);
	log->salt = r.salt;
	log->sum = r.sum;
	log->size = r.good;
	log->cut_bytes = size - r.good;
	log->torn = log->cut_bytes > 0;
	rf_replay_free(&r);
	set_compact_at(log, live);
	rc = cut_torn(log);
	return rc ? rf_diag_set(diag, rc, "%s: its torn end cannot be cut off: %s", log->path, rf_err_text(rc)) : 0;
}

int rf_bindings_log_open(const struct rf_bindings_options *opt, struct rf_bindings_log *ret_log, struct rf_diag *diag)
{
	struct rf_bindings_log log = { .fd = -1, .power_safe = opt->power_safe };
	uint64_t size;

	if ((size_t)snprintf(log.path, sizeof log.path, "%s", opt->path) >= sizeof log.path)
		return rf_diag_set(diag, RF_E_LIMIT, "%s: the path is too long", opt->path);
	log.growth = opt->growth ? opt->growth : GROWTH;
	log.buf = malloc(BUF);
	if (!log.buf)
		return rf_diag_set(diag, -ENOMEM, "out of memory");
	int rc = open_locked(log.path, &log.fd, &size, diag);
	if (!rc && size == 0) {
		struct rf_diag why = { 0 };

		rc = rewrite(&log, NULL, opt->old_path, &why);
		if (rc)
			rf_diag_set(diag, rc, "%s: %s", log.path, why.text[0] ? why.text : rf_err_text(rc));
	} else if (!rc) {
		rc = find_end(&log, size, diag);
	}
	if (rc) {
		rf_bindings_log_close(&log);
		return rc;
	}
	if (opt->old_path)
		rf_bindings_old_remove(opt->old_path);
	*ret_log = log;
	return 0;
}

void rf_bindings_log_close(struct rf_bindings_log *log)
{
	if (log->fd >= 0)
		close(log->fd);
	free(log->buf);
	*log = (struct rf_bindings_log){ .fd = -1 };
}
