#include "scratch.h"

#include <dirent.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

void scratch_init(struct scratch *s)
{
	const char *base = getenv("TMPDIR");

	*s = (struct scratch){ .wall.us = 1790000000000000, .mono.us = 5000000 };
	snprintf(s->dir, sizeof s->dir, "%.80s/rf-ledger-XXXXXX", base ? base : "/tmp");
	assert_non_null(mkdtemp(s->dir));
	snprintf(s->ledger, sizeof s->ledger, "%s/ledger", s->dir);
}

static void clear(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	char file[512];

	while (d && (e = readdir(d))) {
		snprintf(file, sizeof file, "%s/%s", path, e->d_name);
		unlink(file);
	}
	if (d)
		closedir(d);
	rmdir(path);
}

void scratch_fini(struct scratch *s)
{
	char path[256];

	snprintf(path, sizeof path, "%s.moved", s->ledger);
	clear(path);
	clear(s->ledger);
	clear(s->dir);
}

static struct rf_mono mono(void *ctx)
{
	return ((struct scratch *)ctx)->mono;
}

static struct rf_wall wall(void *ctx)
{
	return ((struct scratch *)ctx)->wall;
}

struct rf_ledger_options scratch_options(struct scratch *s)
{
	return (struct rf_ledger_options){ .clock = { mono, wall, s } };
}

const char *scratch_file(struct scratch *s, const char *name)
{
	static char path[256];

	snprintf(path, sizeof path, "%s/%s", s->ledger, name);
	return path;
}

char *scratch_read(const char *path, size_t *ret_n)
{
	FILE *f = fopen(path, "rb");
	struct stat st;

	assert_non_null(f);
	assert_int_equal(fstat(fileno(f), &st), 0);
	char *bytes = malloc((size_t)st.st_size + 1);
	assert_int_equal(fread(bytes, 1, (size_t)st.st_size, f), st.st_size);
	bytes[st.st_size] = '\0';
	fclose(f);
	*ret_n = (size_t)st.st_size;
	return bytes;
}

void scratch_write(const char *path, const char *bytes, size_t n)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	fclose(f);
}

void scratch_fill(struct scratch *s, const struct rf_ledger_options *opt, unsigned from, unsigned to)
{
	struct rf_ledger_options own = scratch_options(s);
	struct rf_ledger *l;
	struct rf_event e;

	assert_int_equal(rf_ledger_open(s->ledger, opt ? opt : &own, &l, NULL), 0);
	for (unsigned i = from; i <= to; i++) {
		rf_event_init(&e, RF_EVENT_LIMIT, s->wall);
		rf_event_u64(&e, "n", i);
		assert_int_equal(rf_ledger_post(l, &e), 0);
		s->wall.us += 1500;
		assert_int_equal(rf_ledger_turn(l, false), 0);
	}
	assert_int_equal(rf_ledger_stop(l), 0);
	rf_ledger_free(l);
}

unsigned scratch_count(struct scratch *s, const char *kind, char *last, size_t cap)
{
	struct rf_ledger_reader *r;
	struct rf_ledger_line line;
	unsigned n = 0;
	int rc;

	if (rf_ledger_reader_new(s->ledger, &r, NULL))
		return 0;
	while ((rc = rf_ledger_reader_next(r, &line)) != RF_E_MORE) {
		assert_true(rc == 0 || rc == RF_E_CORRUPT);
		if (rc || !rf_view_eq(line.kind, rf_view_str(kind)))
			continue;
		n++;
		if (last)
			snprintf(last, cap, "%.*s", RF_VFMT(line.text));
	}
	rf_ledger_reader_free(r);
	return n;
}
