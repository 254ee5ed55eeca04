#include "ledger/ledger_int.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { READ_BYTES = 256 * 1024 };

struct rf_ledger_reader {
	int dir_fd, fd;
	uint64_t *list;         /* first seqs of the segments known */
	size_t n, next;         /* next: the one to open when this is read */
	uint64_t current;       /* first seq of the open segment */
	bool last_look;         /* a newer segment was seen: read this one to its end once more, then go on */
	char name[RF_SEGMENT_NAME];
	uint64_t number;        /* of the last line returned */
	off_t offset;           /* in the file, of the end of what is in buf */
	size_t from, to;        /* the part of buf not yet returned */
	size_t tail;
	bool skipping;          /* in a line too long to be ours */
	uint8_t buf[READ_BYTES];
};

int rf_ledger_reader_new(const char *dir, struct rf_ledger_reader **ret_reader, struct rf_diag *diag)
{
	struct rf_ledger_reader *r = malloc(sizeof *r);
	int rc;

	if (!r)
		return rf_diag_set(diag, -ENOMEM, "no memory to read the ledger");
	memset(r, 0, offsetof(struct rf_ledger_reader, buf));
	r->fd = -1;
	r->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->dir_fd < 0) {
		rc = errno == ENOENT ? RF_E_NOT_FOUND : -errno;
		rf_diag_set(diag, rc, "%s: cannot read the ledger: %s", dir, strerror(errno));
		goto fail;
	}
	rc = rf_segments_list(r->dir_fd, &r->list, &r->n);
	if (rc) {
		rf_diag_set(diag, rc, "%s: cannot read the ledger: %s", dir, rf_err_text(rc));
		goto fail;
	}
	if (r->n == 0) {
		rc = rf_diag_set(diag, RF_E_NOT_FOUND, "%s: there is no record here yet", dir);
		goto fail;
	}
	*ret_reader = r;
	return 0;
fail:
	rf_ledger_reader_free(r);
	return rc;
}

void rf_ledger_reader_free(struct rf_ledger_reader *r)
{
	if (!r)
		return;
	if (r->fd >= 0)
		close(r->fd);
	if (r->dir_fd >= 0)
		close(r->dir_fd);
	free(r->list);
	free(r);
}

size_t rf_ledger_reader_tail(const struct rf_ledger_reader *r)
{
	return r->tail;
}

static int open_segment(struct rf_ledger_reader *r)
{
	r->current = r->list[r->next];
	rf_segment_name(r->name, r->current);
	r->fd = openat(r->dir_fd, r->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (r->fd < 0)
		return -errno;
	r->next++;
	r->number = 0;
	r->offset = 0;
	r->from = r->to = r->tail = 0;
	r->last_look = r->skipping = false;
	return 0;
}

/* More bytes behind those in buf. 0 with *ret_got 0 at the end of the file. */
static int fill(struct rf_ledger_reader *r, size_t *ret_got)
{
	ssize_t n;

	memmove(r->buf, r->buf + r->from, r->to - r->from);
	r->to -= r->from;
	r->from = 0;
	do
		n = pread(r->fd, r->buf + r->to, sizeof r->buf - r->to, r->offset);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	r->offset += n;
	r->to += (size_t)n;
	*ret_got = (size_t)n;
	return 0;
}

/* Is there a segment after this one, perhaps a new one. */
static int look_for_next(struct rf_ledger_reader *r, bool *ret_is)
{
	uint64_t *list;
	size_t n, i = 0;
	int rc;

	*ret_is = r->next < r->n;
	if (*ret_is)
		return 0;
	rc = rf_segments_list(r->dir_fd, &list, &n);
	if (rc)
		return rc;
	while (i < n && list[i] <= r->current)
		i++;
	free(r->list);
	r->list = list;
	r->n = n;
	r->next = i;
	*ret_is = i < n;
	return 0;
}

static void line_of(struct rf_ledger_reader *r, struct rf_view text, struct rf_ledger_line *line)
{
	line->text = text;
	line->file = r->name;
	line->number = ++r->number;
}

/* At the end of the bytes of this segment: is that all for now, or does another follow. */
static int at_end(struct rf_ledger_reader *r, struct rf_ledger_line *ret_line)
{
	bool next;
	int rc = look_for_next(r, &next);

	if (rc)
		return rc;
	r->tail = r->to - r->from;
	if (next && !r->last_look) {
		r->last_look = true;
		return 0;
	}
	if (!next) {
		/* What is half there may be cut off and written anew: read it again next time. */
		r->offset -= (off_t)r->tail;
		r->to = r->from;
		return RF_E_MORE;
	}
	close(r->fd);
	r->fd = -1;
	if (r->tail || r->skipping) {
		line_of(r, rf_view_of(r->buf + r->from, r->tail), ret_line);
		r->from = r->to;
		return RF_E_CORRUPT;
	}
	return 0;
}

static int take_line(struct rf_ledger_reader *r, size_t n, struct rf_ledger_line *ret_line)
{
	struct rf_view text = rf_view_of(r->buf + r->from, n);
	struct rf_ledger_line line = { 0 };
	bool skipped = r->skipping;
	int rc = RF_E_CORRUPT;

	r->from += n + 1;
	r->skipping = false;
	r->tail = 0;
	if (!skipped && n <= RF_LEDGER_LINE)
		rc = rf_ledger_line_parse(text, &line);
	line_of(r, text, &line);
	*ret_line = line;
	return rc;
}

int rf_ledger_reader_next(struct rf_ledger_reader *r, struct rf_ledger_line *ret_line)
{
	for (;;) {
		size_t got = 0, n;
		int rc;

		if (r->fd < 0) {
			if (r->next >= r->n)
				return RF_E_MORE;
			rc = open_segment(r);
			if (rc)
				return rc;
		}
		n = rf_view_find(rf_view_of(r->buf + r->from, r->to - r->from), '\n');
		if (n < r->to - r->from)
			return take_line(r, n, ret_line);
		if (n >= RF_LEDGER_LINE) {
			r->skipping = true; /* keep the first bytes out: the line is told as corrupt at its end */
			r->from = r->to;
		}
		rc = fill(r, &got);
		if (rc == 0 && got == 0)
			rc = at_end(r, ret_line);
		if (rc)
			return rc;
	}
}
