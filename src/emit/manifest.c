#include "emit/manifest.h"

#include <openssl/evp.h>

#include <stdio.h>
#include <stdlib.h>

enum { HEAD_LINES = 4, LINE_MAX_BYTES = 64 + 1 + 4 + 1 + 20 + 1 + RF_EMIT_PATH_MAX + 8 };

static int sha256(struct rf_view v, uint8_t ret[static 32])
{
	return EVP_Digest(v.p, v.n, ret, NULL, EVP_sha256(), NULL) == 1 ? 0 : RF_E_CRYPTO;
}

/* --- write */

static int put_entry(struct rf_writer *w, const struct rf_emit_file *f)
{
	uint8_t sum[32];
	int rc = sha256(f->bytes, sum);

	rf_put_lit(w, "file ");
	rf_put_hex(w, sum, sizeof sum);
	rf_put_fmt(w, " %04o %zu %s\n", f->mode, f->bytes.n, f->path);
	return rc;
}

int rf_manifest_write(struct rf_arena *arena, const struct rf_site *site, const struct rf_emit_file *files, size_t n,
		      struct rf_view *ret_text)
{
	size_t cap = 1024 + n * LINE_MAX_BYTES;
	char *buf = malloc(cap);
	struct rf_writer w;
	struct rf_view v;
	int rc = buf ? 0 : -ENOMEM;

	rf_writer_init(&w, buf, buf ? cap : 0);
	rf_put_fmt(&w, "ringfort-bundle 1\nsite %s\nlevel %s\ndigest ", rf_site_cstr(site->name),
		   rf_level_name(site->level));
	rf_put_hex(&w, site->digest, sizeof site->digest);
	rf_put_lit(&w, "\n");
	for (size_t i = 0; i < n && !rc; i++)
		rc = put_entry(&w, &files[i]);
	if (!rc)
		rc = rf_writer_done(&w, &v);
	if (!rc)
		rc = rf_view_dup(arena, v, ret_text);
	free(buf);
	return rc;
}

/* --- parse */

struct parse {
	struct rf_view rest;
	uint32_t line;
	struct rf_diag *diag;
};

static int bad(struct parse *p, const char *what)
{
	return rf_diag_at(p->diag, RF_E_MALFORMED, RF_MANIFEST_FILE, p->line, 0,
			  "%s; remove this folder and compile anew", what);
}

static bool next_line(struct parse *p, struct rf_view *ret)
{
	size_t n = rf_view_find(p->rest, '\n');

	p->line++;
	if (n == p->rest.n) /* the last line must end, too */
		return false;
	*ret = rf_view_sub(p->rest, 0, n);
	p->rest = rf_view_from(p->rest, n + 1);
	return true;
}

/* What stands up to the next blank, which is taken too. */
static struct rf_view word(struct rf_view *line)
{
	size_t n = rf_view_find(*line, ' ');
	struct rf_view v = rf_view_sub(*line, 0, n);

	*line = n < line->n ? rf_view_from(*line, n + 1) : (struct rf_view){ 0 };
	return v;
}

static int head(struct parse *p, const char *key, struct rf_view *ret)
{
	struct rf_view line;

	if (!next_line(p, &line) || !rf_view_eq(word(&line), rf_view_str(key)) || !line.n ||
	    rf_view_find(line, ' ') != line.n)
		return bad(p, "this is no head of a bundle's list");
	*ret = line;
	return 0;
}

static int digit(uint8_t c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool hex32(struct rf_view v, uint8_t ret[static 32])
{
	for (size_t i = 0; i < 32 && v.n == 64; i++) {
		int hi = digit(v.p[2 * i]), lo = digit(v.p[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		ret[i] = (uint8_t)(hi << 4 | lo);
	}
	return v.n == 64;
}

static bool mode_of(struct rf_view v, unsigned *ret)
{
	static const struct { struct rf_view text; unsigned mode; } modes[] = {
		{ { (const uint8_t *)"0600", 4 }, 0600 }, { { (const uint8_t *)"0644", 4 }, 0644 },
		{ { (const uint8_t *)"0755", 4 }, 0755 },
	};

	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
		if (rf_view_eq(v, modes[i].text)) {
			*ret = modes[i].mode;
			return true;
		}
	return false;
}

static bool path_ok(struct rf_view v)
{
	bool start = true;

	for (size_t i = 0; i < v.n; i++) {
		uint8_t c = v.p[i];
		bool plain =
			(rf_lower(c) >= 'a' && rf_lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';

		if (start ? !plain : !plain && c != '.' && c != '/')
			return false;
		start = c == '/';
	}
	return v.n && !start && v.n <= RF_EMIT_PATH_MAX;
}

static int entry(struct parse *p, struct rf_view line, const struct rf_manifest_entry *before,
		 struct rf_manifest_entry *ret)
{
	struct rf_manifest_entry x;

	if (!rf_view_eq(word(&line), RF_V("file")) || !hex32(word(&line), x.sha256) || !mode_of(word(&line), &x.mode))
		return bad(p, "a line is \"file SHA-256 MODE SIZE PATH\"");
	struct rf_view size = word(&line);
	if (!rf_view_u64(size, RF_EMIT_FILE_MAX, &x.size) || (size.n > 1 && size.p[0] == '0'))
		return bad(p, "the size is no number up to 64 MiB");
	if (!path_ok(line))
		return bad(p, "the path leads elsewhere, or has characters that no path of a bundle has");
	x.path = line;
	if (before && rf_view_cmp(before->path, x.path) >= 0)
		return bad(p, "the files are not in the order of their paths");
	*ret = x;
	return 0;
}

static size_t count_lines(struct rf_view v)
{
	size_t n = 0;

	for (size_t i = 0; i < v.n; i++)
		n += v.p[i] == '\n';
	return n;
}

int rf_manifest_parse(struct rf_view text, struct rf_arena *arena, struct rf_manifest *ret_m, struct rf_diag *diag)
{
	struct parse p = { .rest = text, .diag = diag };
	struct rf_manifest m = { 0 };
	struct rf_view version, line;
	uint8_t sum[32];
	size_t lines = text.n > RF_MANIFEST_MAX ? 0 : count_lines(text);

	if (text.n > RF_MANIFEST_MAX || lines > RF_EMIT_FILES_MAX + HEAD_LINES)
		return rf_diag_at(diag, RF_E_LIMIT, RF_MANIFEST_FILE, 0, 0, "this list is longer than any bundle's");
	int rc = head(&p, "ringfort-bundle", &version);
	if (!rc && !rf_view_eq(version, RF_V("1")))
		return bad(&p, "this is a bundle of another ringfort");
	if (!rc)
		rc = head(&p, "site", &m.site);
	if (!rc)
		rc = head(&p, "level", &m.level);
	if (!rc)
		rc = head(&p, "digest", &m.digest);
	if (!rc && !hex32(m.digest, sum))
		rc = bad(&p, "the digest has 64 hexadecimal digits");
	if (rc)
		return rc;
	struct rf_manifest_entry *v = rf_arena_array(arena, lines, sizeof *v);
	if (!v)
		return rf_diag_set(diag, -ENOMEM, "out of memory");
	while (p.rest.n) {
		if (!next_line(&p, &line))
			return bad(&p, "the last line does not end");
		rc = entry(&p, line, m.n ? &v[m.n - 1] : NULL, &v[m.n]);
		if (rc)
			return rc;
		m.n++;
	}
	m.v = v;
	*ret_m = m;
	return 0;
}

/* --- use */

const struct rf_manifest_entry *rf_manifest_find(const struct rf_manifest *m, struct rf_view path)
{
	size_t lo = 0, hi = m->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = rf_view_cmp(m->v[mid].path, path);

		if (c == 0)
			return &m->v[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

int rf_manifest_check(const struct rf_manifest_entry *x, struct rf_view bytes)
{
	uint8_t sum[32];

	if (bytes.n != x->size)
		return RF_E_CORRUPT;
	int rc = sha256(bytes, sum);
	return rc ? rc : memcmp(sum, x->sha256, sizeof sum) ? RF_E_CORRUPT : 0;
}
