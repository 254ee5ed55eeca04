/* Files of a ledger directory: segments by name, and the head. */
#include "ledger/ledger_int.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { SEGMENTS_MAX = 1 << 20, HEAD_BYTES = 256 };

void rf_segment_name(char dst[static RF_SEGMENT_NAME], uint64_t first_seq)
{
	snprintf(dst, RF_SEGMENT_NAME, "%012llu.jsonl", (unsigned long long)first_seq);
}

static bool segment_seq(const char *name, uint64_t *ret_seq)
{
	struct rf_view v = rf_view_str(name), tail = RF_V(".jsonl");
	char again[RF_SEGMENT_NAME];

	if (!rf_view_ends(v, tail) || !rf_view_u64(rf_view_sub(v, 0, v.n - tail.n), INT64_MAX, ret_seq) ||
	    *ret_seq == 0)
		return false;
	rf_segment_name(again, *ret_seq);
	return rf_view_eq(v, rf_view_str(again)); /* one name for one number */
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = (const uint64_t *)a, *y = (const uint64_t *)b;

	return (*x > *y) - (*x < *y);
}

static int list_add(uint64_t **list, size_t *n, size_t *room, uint64_t seq)
{
	if (*n == *room) {
		size_t more = *room ? *room * 2 : 64;
		uint64_t *p = *n < SEGMENTS_MAX ? realloc(*list, more * sizeof *p) : NULL;

		if (!p)
			return *n < SEGMENTS_MAX ? -ENOMEM : RF_E_LIMIT;
		*list = p;
		*room = more;
	}
	(*list)[(*n)++] = seq;
	return 0;
}

int rf_segments_list(int dir_fd, uint64_t **ret_list, size_t *ret_n)
{
	uint64_t *list = NULL, seq;
	size_t n = 0, room = 0;
	struct dirent *e;
	int rc = 0, fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d) {
		rc = -errno;
		if (fd >= 0)
			close(fd);
		return rc;
	}
	while (rc == 0 && (errno = 0, e = readdir(d)))
		if (segment_seq(e->d_name, &seq))
			rc = list_add(&list, &n, &room, seq);
	if (rc == 0 && errno)
		rc = -errno;
	closedir(d);
	if (rc) {
		free(list);
		return rc;
	}
	if (n)
		qsort(list, n, sizeof *list, compare);
	*ret_list = list;
	*ret_n = n;
	return 0;
}

static bool take_lit(struct rf_view *v, struct rf_view lit)
{
	if (!rf_view_starts(*v, lit))
		return false;
	*v = rf_view_from(*v, lit.n);
	return true;
}

static int head_parse(struct rf_view v, struct rf_head *ret_head)
{
	struct rf_head h;
	size_t n;

	if (!take_lit(&v, RF_V("{\"seq\":")))
		return RF_E_CORRUPT;
	n = rf_view_find(v, ',');
	if (!rf_view_u64(rf_view_sub(v, 0, n), INT64_MAX, &h.seq))
		return RF_E_CORRUPT;
	v = rf_view_from(v, n);
	if (!take_lit(&v, RF_V(",\"hash\":\"")) || v.n < RF_HASH_TEXT - 1 ||
	    !rf_view_eq(rf_view_from(v, RF_HASH_TEXT - 1), RF_V("\"}\n")))
		return RF_E_CORRUPT;
	memcpy(h.hash, v.p, RF_HASH_TEXT - 1);
	h.hash[RF_HASH_TEXT - 1] = '\0';
	*ret_head = h;
	return 0;
}

int rf_head_read(int dir_fd, struct rf_head *ret_head)
{
	uint8_t text[HEAD_BYTES];
	int fd = openat(dir_fd, "head", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? RF_E_NOT_FOUND : -errno;
	n = read(fd, text, sizeof text);
	int rc = n < 0 ? -errno : head_parse(rf_view_of(text, (size_t)n), ret_head);
	close(fd);
	return rc;
}

int rf_head_write(const struct rf_journal *j, const struct rf_head *head)
{
	char text[HEAD_BYTES];
	struct rf_writer w;
	int rc = 0, fd = rf_journal_create(j, "head.new", O_TRUNC);

	if (fd < 0)
		return fd;
	rf_writer_init(&w, text, sizeof text);
	rf_put_lit(&w, "{\"seq\":");
	rf_put_u64(&w, head->seq);
	rf_put_lit(&w, ",\"hash\":\"");
	rf_put(&w, rf_view_of(head->hash, RF_HASH_TEXT - 1));
	rf_put_lit(&w, "\"}\n");
	ssize_t n = j->io.write(j->io.ctx, fd, w.buf, w.n);
	if (n < 0 || (size_t)n != w.n)
		rc = n < 0 ? -errno : -ENOSPC;
	else if (j->io.sync(j->io.ctx, fd))
		rc = -errno;
	if (close(fd) && rc == 0)
		rc = -errno;
	if (rc == 0 && renameat(j->dir_fd, "head.new", j->dir_fd, "head"))
		rc = -errno;
	return rc;
}
