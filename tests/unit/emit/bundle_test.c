/* The framework: files with heads, sorted, bounded; written to a folder and read back. */
#include "emit/folder.h"

#include <dirent.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "fail_alloc.h"

static const struct rf_site site = { .name = RF_V("office"), .level = RF_LEVEL_MEDIUM, .digest = { 0xab } };
static const struct rf_flows flows = { .site = &site };

#define DIGEST "ab00000000000000000000000000000000000000000000000000000000000000"

/* --- emitters of this test */

static void put(struct rf_emit *e, const char *path, const char *text)
{
	struct rf_emit_out *o;

	rf_emit_begin(e, &o, 0644, "# ", "%s", path);
	rf_emit_line(o, "%s\n", text);
	rf_emit_end(o);
}

static void two(struct rf_emit *e)
{
	put(e, "routers/b/x", "two");
	put(e, "hosts/a/x", "one");
}

static void more(struct rf_emit *e)
{
	put(e, "routers/a/x", "three");
}

static void again(struct rf_emit *e)
{
	put(e, "hosts/a/x", "other");
}

static void up(struct rf_emit *e)
{
	put(e, "hosts/../x", "");
}

static void finds(struct rf_emit *e)
{
	rf_emit_find(e, RF_SEV_ERROR, (struct rf_site_pos){ 7, 3, 0 }, NULL, "do not", "a rule of %d words", 4);
}

static void large(struct rf_emit *e)
{
	struct rf_emit_out *o;

	rf_emit_begin(e, &o, 0644, NULL, "x");
	for (size_t i = 0; i <= RF_EMIT_FILE_MAX; i += 1 << 20)
		rf_emit_line(o, "%*s", 1 << 20, "");
	rf_emit_end(o);
}

#define NO_SEED ((struct rf_view){ 0 })
#define MAKE(ret, ...) \
	rf_bundle_make_by((rf_emitter *const[]){ __VA_ARGS__ }, sizeof (rf_emitter *[]){ __VA_ARGS__ } / sizeof(rf_emitter *), \
			  &site, &flows, NULL, NO_SEED, NULL, NULL, ret)

/* --- the bundle */

static void sorted(void **state)
{
	struct rf_bundle b;

	(void)state;
	assert_int_equal(MAKE(&b, two, more, rf_emit_flows), 0);
	assert_int_equal(b.n, 4);
	assert_string_equal(b.files[0].path, "flows.json");
	assert_string_equal(b.files[1].path, "hosts/a/x");
	assert_string_equal(b.files[2].path, "routers/a/x");
	assert_true(rf_view_eq(b.files[1].bytes,
			       RF_V("# hosts/a/x\n# site office, level medium, digest " DIGEST "\n"
				    "# Written by `ringfort compile`; what is changed here is lost.\none\n")));
	rf_bundle_fini(&b);
	assert_int_equal(rf_bundle_make_by((rf_emitter *const[]){ two, more, rf_emit_flows }, 3, &site, &flows, NULL,
					   NO_SEED, "routers/", NULL, &b), 0);
	assert_int_equal(b.n, 3);
	rf_bundle_fini(&b);
}

static void refused(void **state)
{
	struct rf_findings f;
	struct rf_bundle b;

	(void)state;
	assert_int_equal(MAKE(&b, two, again), RF_E_INVALID);
	assert_int_equal(MAKE(&b, up), RF_E_INVALID);
	assert_int_equal(MAKE(&b, large), RF_E_LIMIT);
	rf_findings_init(&f);
	assert_int_equal(rf_bundle_make_by((rf_emitter *const[]){ finds, two }, 2, &site, &flows, NULL, NO_SEED, NULL,
					   &f, &b), RF_E_INVALID);
	assert_int_equal(f.n, 1);
	assert_int_equal(f.v[0].line, 7);
	assert_string_equal(f.v[0].text, "a rule of 4 words");
	rf_findings_fini(&f);
}

static void no_memory(void **state)
{
	(void)state;
	for (unsigned n = 1;; n++) {
		struct rf_bundle b;

		fail_alloc_at(n);
		int rc = MAKE(&b, two, more);
		if (!fail_alloc_off()) {
			rf_bundle_fini(&b);
			break;
		}
		assert_int_equal(rc, -ENOMEM);
	}
}

static void addresses(void **state)
{
	static const struct { struct rf_site_ip ip; const char *text; } cases[] = {
		{ { 4, 32, { 10, 1, 2, 3 } }, "10.1.2.3" }, { { 4, 20, { 10, 30, 0, 0 } }, "10.30.0.0/20" },
		{ { 6, 128, { 0xfd, [15] = 1 } }, "fd00::1" }, { { 6, 64, { 0xfd } }, "fd00::/64" },
		{ { 0, 0, { 0 } }, "" },
	};
	char text[RF_EMIT_IP];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_string_equal(rf_emit_ip(&cases[i].ip, text), cases[i].text);
}

static void tunnels(void **state)
{
	struct rf_site_zone a = { .name = RF_V("branch-a") }, b = { .name = RF_V("phones-of-branch-a") },
			    c = { .name = RF_V("phones-of-branch-b") };
	char name_a[RF_EMIT_IFNAME], name_b[RF_EMIT_IFNAME], name_c[RF_EMIT_IFNAME];
	uint32_t id_a, id_b, id_c;

	(void)state;
	assert_string_equal(rf_emit_tunnel(&a, name_a, &id_a), "vpn-branch-a");
	rf_emit_tunnel(&b, name_b, &id_b);
	rf_emit_tunnel(&c, name_c, &id_c);
	assert_int_equal(strlen(name_b), 15);
	assert_string_not_equal(name_b, name_c);
	assert_true(id_a != id_b && id_b != id_c && id_a && id_b && id_c);
}

/* --- in a folder */

static int folder(void **state)
{
	char *dir = strdup("/tmp/rf-emit-XXXXXX");

	*state = dir;
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

static int unfolder(void **state)
{
	nftw(*state, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(*state);
	return 0;
}

static const char *at(const char *dir, const char *rel)
{
	static _Thread_local char path[256];

	snprintf(path, sizeof path, "%s/%s", dir, rel);
	return path;
}

static void make_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static ino_t inode(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : st.st_ino;
}

static size_t entries(const char *dir)
{
	DIR *d = opendir(dir);
	size_t n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static int write_two(const char *out, bool with_more, struct rf_folder_written *w)
{
	struct rf_diag diag = { 0 };
	struct rf_bundle b;

	assert_int_equal(with_more ? MAKE(&b, two, more) : MAKE(&b, two), 0);
	int rc = rf_folder_write(out, &b, RF_V("signature\n"), w, &diag);
	rf_bundle_fini(&b);
	return rc;
}

static void written(void **state)
{
	const char *dir = *state;
	struct rf_folder_written w;
	struct rf_folder f;
	struct rf_diag diag = { 0 };
	char out[128];

	snprintf(out, sizeof out, "%s/out/", dir);
	assert_int_equal(write_two(out, true, &w), 0);
	assert_true(w.files == 3 && w.changed == 3 && w.removed == 0);
	assert_int_equal(rf_folder_read(out, true, &f, &diag), 0);
	assert_int_equal(f.manifest.n, 3);
	assert_true(rf_view_eq(f.signature, RF_V("signature\n")));
	rf_folder_fini(&f);

	/* Somebody else's files stay, what did not change keeps its inode, what does not belong goes. */
	ino_t one = inode(at(out, "hosts/a/x"));
	make_file(at(out, "README"), "mine");
	assert_int_equal(mkdir(at(out, ".git"), 0755), 0);
	make_file(at(out, ".git/HEAD"), "mine");
	make_file(at(out, "routers/a/notes"), "mine");
	assert_int_equal(write_two(out, false, &w), 0);
	assert_true(w.files == 2 && w.changed == 0 && w.removed == 1);
	assert_int_equal(inode(at(out, "hosts/a/x")), one);
	assert_int_equal(inode(at(out, "routers/a/x")), 0);
	assert_true(inode(at(out, "README")) && inode(at(out, ".git/HEAD")) && inode(at(out, "routers/a/notes")));
	assert_int_equal(entries(dir), 1);
}

static void changed_by_hand(void **state)
{
	struct rf_folder_written w;
	struct rf_folder f;
	struct rf_diag diag = { 0 };
	char out[128];

	snprintf(out, sizeof out, "%s/out", (char *)*state);
	assert_int_equal(write_two(out, false, &w), 0);
	assert_int_equal(truncate(at(out, "hosts/a/x"), 5), 0);
	assert_int_equal(rf_folder_read(out, true, &f, &diag), RF_E_CORRUPT);
	assert_string_equal(diag.file, "hosts/a/x");
	assert_int_equal(rf_folder_read(out, false, &f, &diag), 0);
	assert_int_equal(f.files[0].bytes.n, 5);
	rf_folder_fini(&f);
	/* A link in place of a file leads nowhere. */
	assert_int_equal(unlink(at(out, "hosts/a/x")), 0);
	assert_int_equal(symlink("/etc/passwd", at(out, "hosts/a/x")), 0);
	assert_int_equal(rf_folder_read(out, true, &f, &diag), RF_E_CORRUPT);
	assert_int_equal(rf_folder_read(out, false, &f, &diag), 0);
	assert_null(f.files[0].bytes.p);
	rf_folder_fini(&f);
	assert_int_equal(write_two(out, false, &w), 0);
	assert_int_equal(w.changed, 1);
	assert_int_equal(rf_folder_read(out, true, &f, &diag), 0);
	rf_folder_fini(&f);
}

static void not_ours(void **state)
{
	struct rf_folder_written w;
	struct rf_folder f;
	struct rf_diag diag = { 0 };
	const char *dir = *state;

	make_file(at(dir, "thesis"), "mine");
	assert_int_equal(write_two(dir, false, &w), RF_E_EXISTS);
	assert_int_equal(entries(dir), 1);
	assert_int_equal(rf_folder_read(dir, false, &f, &diag), RF_E_NOT_FOUND);
	make_file(at(dir, "MANIFEST"), "ringfort-bundle 1\n");
	assert_int_equal(rf_folder_read(dir, false, &f, &diag), RF_E_MALFORMED);
	assert_int_equal(write_two(dir, false, &w), RF_E_MALFORMED);
	assert_int_equal(rf_folder_read("/nonexistent", false, &f, &diag), -ENOENT);
	assert_int_equal(write_two("/nonexistent/out", false, &w), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sorted), cmocka_unit_test(refused), cmocka_unit_test(no_memory),
		cmocka_unit_test(addresses),
		cmocka_unit_test(tunnels),
		cmocka_unit_test_setup_teardown(written, folder, unfolder),
		cmocka_unit_test_setup_teardown(changed_by_hand, folder, unfolder),
		cmocka_unit_test_setup_teardown(not_ours, folder, unfolder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
