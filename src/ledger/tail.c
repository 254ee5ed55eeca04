/* What stands at the end of the newest segment, and how to go on from there. */
#include "ledger/ledger_int.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 64 * 1024 };

static struct rf_event *add_note(struct rf_journal *j, enum rf_event_kind kind)
{
	struct rf_event *e = &j->notes[j->n_notes < 2 ? j->n_notes++ : 1];

	rf_event_init(e, kind, j->clock.wall(j->clock.ctx));
	return e;
}

/* Offset of the last LF before end, -1 when there is none; -errno below that. */
static int64_t last_lf(int fd, int64_t end, uint8_t *buf)
{
	while (end > 0) {
		size_t want = end < CHUNK ? (size_t)end : CHUNK;
		ssize_t n = pread(fd, buf, want, end - (int64_t)want);

		if (n != (ssize_t)want)
			return n < 0 ? -(int64_t)errno - 1 : -EIO - 1;
		for (size_t i = want; i > 0; i--)
			if (buf[i - 1] == '\n')
				return end - (int64_t)want + (int64_t)i - 1;
		end -= (int64_t)want;
	}
	return -1;
}

static int write_all(const struct rf_journal *j, int fd, const uint8_t *p, size_t n)
{
	while (n) {
		ssize_t done = j->io.write(j->io.ctx, fd, p, n);

		if (done <= 0)
			return done < 0 ? -errno : -ENOSPC;
		p += done;
		n -= (size_t)done;
	}
	return 0;
}

/* Copy [from, end) of seg to a file of its own; the digest of it in *ret_text. */
static int save_bytes(struct rf_journal *j, int seg, int64_t from, int64_t end, const char *name, uint8_t *buf,
	char ret_text[static RF_HASH_TEXT])
{
	uint8_t hash[RF_HASH_BYTES];
	struct rf_writer w;
	int rc = 0, fd = rf_journal_create(j, name, O_TRUNC);

	if (fd < 0)
		return fd;
	if (EVP_DigestInit_ex2(j->sha.ctx, j->sha.md, NULL) != 1)
		rc = RF_E_CRYPTO;
	while (rc == 0 && from < end) {
		ssize_t n = pread(seg, buf, end - from < CHUNK ? (size_t)(end - from) : CHUNK, from);

		if (n <= 0)
			rc = n < 0 ? -errno : -EIO;
		else if (EVP_DigestUpdate(j->sha.ctx, buf, (size_t)n) != 1)
			rc = RF_E_CRYPTO;
		else
			rc = write_all(j, fd, buf, (size_t)n);
		from += n;
	}
	if (rc == 0 && (EVP_DigestFinal_ex(j->sha.ctx, hash, NULL) != 1))
		rc = RF_E_CRYPTO;
	if (rc == 0 && j->io.sync(j->io.ctx, fd))
		rc = -errno;
	close(fd);
	if (rc)
		return rc;
	rf_writer_init(&w, ret_text, RF_HASH_TEXT);
	rf_put_hex(&w, hash, sizeof hash);
	rf_put_byte(&w, '\0');
	return 0;
}

/* Take off what stands behind the last LF, after it is safe in a file of its own. */
static int take_off(struct rf_journal *j, int seg, const char *seg_name, int64_t from, int64_t end, uint8_t *buf)
{
	char name[64], hash[RF_HASH_TEXT];
	uint8_t start[RF_EVENT_STR];
	ssize_t n = pread(seg, start, end - from < (int64_t)sizeof start ? (size_t)(end - from) : sizeof start, from);
	struct rf_event *e;
	int rc;

	if (n < 0)
		return -errno;
	snprintf(name, sizeof name, "recovered-%.12s-%lld.bin", seg_name, (long long)from);
	rc = save_bytes(j, seg, from, end, name, buf, hash);
	if (rc)
		return rc;
	if (ftruncate(seg, from))
		return -errno;
	e = add_note(j, RF_EVENT_LEDGER_RECOVERED);
	rf_event_cstr(e, "segment", seg_name);
	rf_event_u64(e, "bytes", (uint64_t)(end - from));
	rf_event_cstr(e, "sha256", hash);
	rf_event_cstr(e, "saved_as", name);
	rf_event_str(e, "discarded", rf_view_of(start, (size_t)n));
	return 0;
}

struct tail {
	char name[RF_SEGMENT_NAME];
	int fd;
	uint64_t size, name_seq;
	bool good;              /* seq and hash are those of a line that passes its own check */
	uint64_t seq;
	char hash[RF_HASH_TEXT];
	const char *why;        /* when not good */
};

static int check_last_line(struct rf_journal *j, struct tail *t, int64_t from, int64_t end)
{
	uint8_t text[RF_LEDGER_LINE];
	char hash[RF_HASH_TEXT];
	struct rf_ledger_line line;
	int rc;

	t->why = "the last line is not of the ledger's form";
	if (end - from > (int64_t)sizeof text)
		return 0;
	if (pread(t->fd, text, (size_t)(end - from), from) != (ssize_t)(end - from))
		return -EIO;
	if (rf_ledger_line_parse(rf_view_of(text, (size_t)(end - from)), &line))
		return 0;
	rc = rf_sha_text(&j->sha, line.hashed, hash);
	if (rc)
		return rc;
	t->seq = line.seq;
	memcpy(t->hash, line.hash.p, RF_HASH_TEXT - 1);
	t->hash[RF_HASH_TEXT - 1] = '\0';
	t->good = rf_view_eq(line.hash, rf_view_str(hash));
	t->why = "the last line was changed: its hash does not match";
	return 0;
}

/* RF_E_NOT_FOUND when the segment turns out empty and is removed. */
static int read_segment(struct rf_journal *j, uint64_t name_seq, struct tail *t)
{
	uint8_t *buf = malloc(CHUNK);
	struct stat st;
	int64_t lf, before;
	int rc;

	*t = (struct tail){ .name_seq = name_seq };
	rf_segment_name(t->name, name_seq);
	t->fd = buf ? openat(j->dir_fd, t->name, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW) : -1;
	if (t->fd < 0 || fstat(t->fd, &st)) {
		rc = buf ? -errno : -ENOMEM;
		goto out;
	}
	lf = last_lf(t->fd, st.st_size, buf);
	rc = lf < -1 ? (int)(lf + 1) : 0;
	if (rc == 0 && lf + 1 < st.st_size)
		rc = take_off(j, t->fd, t->name, lf + 1, st.st_size, buf);
	if (rc == 0 && lf < 0)
		rc = unlinkat(j->dir_fd, t->name, 0) ? -errno : RF_E_NOT_FOUND;
	if (rc)
		goto out;
	t->size = (uint64_t)lf + 1;
	before = last_lf(t->fd, lf, buf);
	rc = before < -1 ? (int)(before + 1) : check_last_line(j, t, before + 1, lf);
out:
	free(buf);
	if (rc && t->fd >= 0) {
		close(t->fd);
		t->fd = -1;
	}
	return rc;
}

/* Not as it should be: leave all as it stands and begin a new segment behind it. */
static void go_past(struct rf_journal *j, const struct tail *t, enum rf_event_kind kind, const char *why)
{
	struct rf_event *e = add_note(j, kind);

	rf_event_cstr(e, "segment", t->name);
	rf_event_cstr(e, "reason", why);
	rf_event_u64(e, "found_seq", t->seq);
	rf_event_u64(e, "expected_seq", j->chain.seq);
	rf_event_cstr(e, "expected_hash", j->chain.hash);
	if (t->seq > j->chain.seq && t->seq < INT64_MAX / 2)
		j->chain.seq = t->seq;
	if (t->name_seq > j->chain.seq)
		j->chain.seq = t->name_seq;
}

static void go_on(struct rf_journal *j, struct tail *t)
{
	bool same = t->seq == j->chain.seq && strcmp(t->hash, j->chain.hash) == 0;

	if (t->good && (t->seq > j->chain.seq || same)) {
		j->chain.seq = t->seq;
		memcpy(j->chain.hash, t->hash, sizeof j->chain.hash);
		memcpy(j->seg_name, t->name, sizeof j->seg_name);
		j->seg_fd = t->fd;
		j->seg_bytes = t->size;
		t->fd = -1;
	} else if (!t->good) {
		go_past(j, t, RF_EVENT_LEDGER_DAMAGED, t->why);
	} else if (t->seq == j->chain.seq) {
		go_past(j, t, RF_EVENT_LEDGER_DAMAGED, "the last line is not the one that was written");
	} else {
		go_past(j, t, RF_EVENT_LEDGER_TRUNCATED, "lines that were on the disk are missing at the end");
	}
}

int rf_journal_scan(struct rf_journal *j)
{
	struct tail t = { .fd = -1 };
	struct rf_head head;
	uint64_t *list;
	size_t n;
	int rc = rf_segments_list(j->dir_fd, &list, &n);

	if (rc)
		return rc;
	if (j->seg_fd >= 0)
		close(j->seg_fd);
	j->seg_fd = -1;
	/* What should be there: what we wrote ourselves, or what the head has seen, whichever is further. */
	if (rf_head_read(j->dir_fd, &head) == 0 && head.seq > j->chain.seq) {
		j->chain.seq = head.seq;
		memcpy(j->chain.hash, head.hash, sizeof j->chain.hash);
	}
	rc = RF_E_NOT_FOUND;
	while (rc == RF_E_NOT_FOUND && n > 0)
		rc = read_segment(j, list[--n], &t);
	free(list);
	if (rc == 0)
		go_on(j, &t);
	else if (rc == RF_E_NOT_FOUND && j->chain.seq > 0)
		go_past(j, &t, RF_EVENT_LEDGER_TRUNCATED, "every segment is missing");
	if (t.fd >= 0)
		close(t.fd);
	return rc == RF_E_NOT_FOUND ? 0 : rc;
}
