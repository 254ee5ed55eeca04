#include "cmd/phone_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_all(const char *path, uint8_t **ret_p, size_t *ret_n)
{
	FILE *f = fopen(path, "re");
	struct stat st;

	if (!f)
		return -errno;
	int rc = fstat(fileno(f), &st) ? -errno : st.st_size > RF_SITE_CSV_MAX ? RF_E_LIMIT : 0;
	uint8_t *p = rc ? NULL : malloc((size_t)st.st_size + 1);
	size_t n = p ? fread(p, 1, (size_t)st.st_size, f) : 0;
	if (rc == 0)
		rc = !p ? -ENOMEM : ferror(f) ? -EIO : 0;
	fclose(f);
	if (rc) {
		free(p);
		return rc;
	}
	*ret_p = p;
	*ret_n = n;
	return 0;
}

int rf_phone_file_open(const struct rf_cmd_ctx *c, const struct rf_site *site, struct rf_phone_file *ret_f)
{
	struct rf_phone_file f = { .c = c, .site = site, .lock = -1 };

	if (!site->phones_file.n)
		return rf_cmd_error(c, RF_EXIT_USAGE,
				    "%s names no phones file; add the line  phones_file: phones.csv  to it",
				    rf_site_cstr(site->file));
	f.lock = open(c->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f.lock < 0 || flock(f.lock, LOCK_EX)) {
		rf_cmd_error(c, RF_EXIT_FAILED, "cannot lock %s: %s", c->dir, rf_err_text(-errno));
		rf_phone_file_close(&f);
		return RF_EXIT_FAILED;
	}
	int rc = read_all(rf_site_cstr(site->phones_file), &f.bytes, &f.n);
	if (rc) {
		rf_cmd_error(c, RF_EXIT_FAILED, "cannot read %s: %s", rf_site_cstr(site->phones_file), rf_err_text(rc));
		rf_phone_file_close(&f);
		return RF_EXIT_FAILED;
	}
	/* A link leads to the file that is to be replaced, so that the link stays. */
	f.path = realpath(rf_site_cstr(site->phones_file), NULL);
	if (!f.path) {
		rf_phone_file_close(&f);
		return rf_cmd_error(c, RF_EXIT_FAILED, "cannot find %s", rf_site_cstr(site->phones_file));
	}
	*ret_f = f;
	return 0;
}

void rf_phone_file_close(struct rf_phone_file *f)
{
	free(f->bytes);
	free(f->path);
	if (f->lock >= 0)
		close(f->lock); /* releases the lock */
	*f = (struct rf_phone_file){ .lock = -1 };
}

/* The line that names the columns, empty when there is none. */
static struct rf_view header_of(struct rf_view rest)
{
	if (rf_view_starts(rest, RF_V("\xef\xbb\xbf")))
		rest = rf_view_from(rest, 3);
	while (rest.n) {
		size_t n = rf_view_find(rest, '\n');
		struct rf_view line = rf_view_trim(rf_view_sub(rest, 0, n));

		if (line.n && line.p[0] != '#')
			return line;
		rest = rf_view_from(rest, n + 1);
	}
	return (struct rf_view){ 0 };
}

static void put_cell(FILE *out, struct rf_view text)
{
	bool plain = text.p[0] != '#' && rf_view_trim(text).n == text.n;

	for (size_t i = 0; i < text.n && plain; i++)
		plain = text.p[i] != ',' && text.p[i] != '"' && text.p[i] != '\n' && text.p[i] != '\r';
	if (plain) {
		fwrite(text.p, 1, text.n, out);
		return;
	}
	fputc('"', out);
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '"')
			fputc('"', out);
		fputc(text.p[i], out);
	}
	fputc('"', out);
}

/* Column names hold no commas or quotes (they are keys of ours), apart from quotes around a whole name. */
static struct rf_view next_column(struct rf_view *rest)
{
	size_t n = rf_view_find(*rest, ',');
	struct rf_view name = rf_view_trim(rf_view_sub(*rest, 0, n));

	*rest = n < rest->n ? rf_view_from(*rest, n + 1) : (struct rf_view){ 0 };
	if (name.n >= 2 && name.p[0] == '"' && name.p[name.n - 1] == '"')
		name = rf_view_sub(name, 1, name.n - 2);
	return name;
}

static bool has_column(struct rf_view header, const char *column)
{
	for (struct rf_view rest = header; rest.n;)
		if (rf_view_eq(next_column(&rest), rf_view_str(column)))
			return true;
	return false;
}

static uint32_t count_lines(struct rf_view bytes)
{
	uint32_t lines = 0;

	for (size_t i = 0; i < bytes.n; i++)
		lines += bytes.p[i] == '\n';
	return lines + (bytes.n && bytes.p[bytes.n - 1] != '\n');
}

int rf_phone_draft_begin(const struct rf_phone_file *f, const struct rf_phone_cell *columns, size_t n,
			 struct rf_phone_draft *d)
{
	struct rf_view all = rf_view_of(f->bytes, f->n), header = header_of(all);
	bool first = header.n == 0;

	*d = (struct rf_phone_draft){ .f = f, .lines = count_lines(all) };
	if (first)
		header = RF_V("name,number,location,mac,switch,port,label");
	int at = snprintf(d->header, sizeof d->header, "%.*s", RF_VFMT(header));
	for (size_t i = 0; i < n && at < (int)sizeof d->header; i++)
		if (columns[i].text.n && !has_column(header, columns[i].column))
			at += snprintf(d->header + at, sizeof d->header - (size_t)at, ",%s", columns[i].column);
	if (at >= (int)sizeof d->header)
		return rf_cmd_error(f->c, RF_EXIT_USAGE, "%s: the line that names the columns is longer than %zu bytes",
				    f->path, sizeof d->header - 1);
	d->out = open_memstream(&d->bytes, &d->n);
	if (!d->out)
		return rf_cmd_error(f->c, RF_EXIT_FAILED, "out of memory");
	size_t before = first ? f->n : (size_t)(header.p - f->bytes);
	fwrite(f->bytes, 1, before, d->out);
	if (!first) {
		fputs(d->header, d->out);
		fwrite(header.p + header.n, 1, f->n - before - header.n, d->out);
	}
	if (f->n && f->bytes[f->n - 1] != '\n')
		fputc('\n', d->out);
	if (first) {
		fprintf(d->out, "%s\n", d->header);
		d->lines++;
	}
	return 0;
}

void rf_phone_draft_row(struct rf_phone_draft *d, const struct rf_phone_cell *cells, size_t n)
{
	bool first = true;

	for (struct rf_view rest = rf_view_str(d->header); rest.n; first = false) {
		struct rf_view column = next_column(&rest);

		if (!first)
			fputc(',', d->out);
		for (size_t i = 0; i < n; i++)
			if (cells[i].text.n && rf_view_eq(column, rf_view_str(cells[i].column)))
				put_cell(d->out, cells[i].text);
	}
	fputc('\n', d->out);
	d->lines++;
}

int rf_phone_draft_end(struct rf_phone_draft *d)
{
	if (fclose(d->out))
		return rf_cmd_error(d->f->c, RF_EXIT_FAILED, "out of memory");
	if (d->n > RF_SITE_CSV_MAX)
		return rf_cmd_error(d->f->c, RF_EXIT_USAGE, "%s would be larger than 64 MiB", d->f->path);
	return 0;
}

int rf_phone_file_without(const struct rf_phone_file *f, uint32_t line, char **ret_bytes, size_t *ret_n)
{
	struct rf_view rest = rf_view_of(f->bytes, f->n);
	char *bytes = malloc(f->n + 1);
	size_t n = 0;

	if (!bytes)
		return rf_cmd_error(f->c, RF_EXIT_FAILED, "out of memory");
	for (uint32_t at = 1; rest.n; at++) {
		size_t end = rf_view_find(rest, '\n');

		if (end < rest.n)
			end++;
		if (at != line) {
			memcpy(bytes + n, rest.p, end);
			n += end;
		}
		rest = rf_view_from(rest, end);
	}
	*ret_bytes = bytes;
	*ret_n = n;
	return 0;
}

int rf_phone_file_findings(const struct rf_phone_file *f, const char *bytes, size_t n, struct rf_findings *findings)
{
	struct rf_site *site = NULL;
	uint8_t *yaml = NULL;
	size_t yaml_n = 0;
	int rc = read_all(rf_site_cstr(f->site->file), &yaml, &yaml_n);

	if (rc == 0)
		rc = rf_site_parse(rf_view_of(yaml, yaml_n), rf_view_of(bytes, n), rf_site_cstr(f->site->file),
				   f->c->clock.wall(f->c->clock.ctx), findings, &site);
	rf_site_put(site);
	free(yaml);
	return rc;
}

int rf_phone_file_check(const struct rf_phone_file *f, const char *bytes, size_t n)
{
	struct rf_findings findings;
	struct rf_diag diag = { 0 };
	int status = 0;

	rf_findings_init(&findings);
	int rc = rf_phone_file_findings(f, bytes, n, &findings);
	if (rc) {
		if (!rf_findings_diag(&findings, &diag))
			rf_diag_set(&diag, rc, "%s", rf_err_text(rc));
		status = rf_cmd_diag(f->c, &diag);
	}
	rf_findings_fini(&findings);
	return status;
}

static int put_all(int fd, const char *bytes, size_t n)
{
	while (n) {
		ssize_t put = write(fd, bytes, n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		bytes += put;
		n -= (size_t)put;
	}
	return fsync(fd) ? -errno : 0;
}

int rf_phone_file_write(const struct rf_phone_file *f, const char *bytes, size_t n)
{
	struct stat st;
	char *temp;

	if (asprintf(&temp, "%s.new-XXXXXX", f->path) < 0)
		return rf_cmd_error(f->c, RF_EXIT_FAILED, "out of memory");
	int fd = mkostemp(temp, O_CLOEXEC), rc = fd < 0 ? -errno : 0;
	/* Owner and mode as they were; the owner only where we may. */
	if (rc == 0 && stat(f->path, &st) == 0) {
		if (fchown(fd, st.st_uid, st.st_gid) && fchown(fd, (uid_t)-1, st.st_gid))
			st.st_mode &= ~(mode_t)070; /* not to a group that it was not meant for */
		(void)fchmod(fd, st.st_mode & 07777);
	}
	if (rc == 0)
		rc = put_all(fd, bytes, n);
	if (rc == 0 && rename(temp, f->path))
		rc = -errno;
	if (rc && fd >= 0)
		unlink(temp);
	if (fd >= 0)
		close(fd);
	free(temp);
	(void)fsync(f->lock); /* the folder of the site; the file usually lies in it */
	return rc ? rf_cmd_error(f->c, RF_EXIT_FAILED, "cannot write %s: %s", f->path, rf_err_text(rc)) : 0;
}
