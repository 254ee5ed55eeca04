#include "emit/emit.h"
#include "emit/manifest.h"

#include <stdio.h>
#include <stdlib.h>

/* Every language, in no order that matters: files are sorted by path. */
static rf_emitter *const emitters[] = {
	rf_emit_flows,
	rf_emit_nftables,
	rf_emit_tc,
	rf_emit_linux,
	rf_emit_bridge,
	rf_emit_ios,
	rf_emit_eos,
	rf_emit_junos,
	rf_emit_kea,
	rf_emit_relay,
	rf_emit_unbound,
	rf_emit_chrony,
	rf_emit_dot1x,
	rf_emit_ipsec,
	rf_emit_keepalived,
	rf_emit_radvd,
	rf_emit_rsyslog,
	rf_emit_snmp,
};

static int by_path(const void *a, const void *b)
{
	const struct rf_emit_file *x = a, *y = b;

	return strcmp(x->path, y->path);
}

static bool wanted(const struct rf_emit_file *f, const char *only)
{
	return !only || strncmp(f->path, only, strlen(only)) == 0 || strcmp(f->path, "flows.json") == 0;
}

static int check_once(struct rf_emit *e)
{
	for (size_t i = 1; i < e->n; i++)
		if (strcmp(e->files[i - 1].path, e->files[i].path) == 0) {
			rf_emit_find(e, RF_SEV_ERROR, (struct rf_site_pos){ 0 }, NULL,
				     "give devices and hosts names of their own", "two things are written to %s",
				     e->files[i].path);
			return RF_E_INVALID;
		}
	return 0;
}

static int settle(struct rf_emit *e, const char *only, struct rf_bundle *ret)
{
	size_t n = 0;

	if (e->n)
		qsort(e->files, e->n, sizeof *e->files, by_path);
	int rc = check_once(e);
	if (rc)
		return rc;
	struct rf_emit_file *files = rf_arena_array(e->arena, e->n + 1, sizeof *files);
	if (!files)
		return -ENOMEM;
	for (size_t i = 0; i < e->n; i++)
		if (wanted(&e->files[i], only))
			files[n++] = e->files[i];
	*ret = (struct rf_bundle){ .files = files, .n = n, .arena = e->arena };
	return rf_manifest_write(e->arena, e->site, files, n, &ret->manifest);
}

int rf_bundle_make_by(rf_emitter *const *list, size_t n, const struct rf_site *site, const struct rf_flows *flows,
		      const struct rf_rulebook *book, struct rf_view seed, const char *only,
		      struct rf_findings *findings, struct rf_bundle *ret_bundle)
{
	struct rf_emit e = { .site = site, .flows = flows, .book = book, .findings = findings, .seed = seed };
	struct rf_bundle bundle = { 0 };
	struct rf_writer w;

	e.arena = malloc(sizeof *e.arena);
	if (!e.arena)
		return -ENOMEM;
	rf_arena_init(e.arena, RF_EMIT_BUNDLE_MAX);
	rf_writer_init(&w, e.digest_hex, sizeof e.digest_hex - 1);
	rf_put_hex(&w, site->digest, sizeof site->digest);
	e.err = rf_leases_make(site, e.arena, &e.leases);
	for (size_t i = 0; i < n && e.leases && e.err != -ENOMEM; i++)
		list[i](&e);
	int rc = e.err ? e.err : settle(&e, only, &bundle);
	free(e.files);
	if (rc) {
		rf_arena_fini(e.arena);
		free(e.arena);
		return rc;
	}
	*ret_bundle = bundle;
	return 0;
}

int rf_bundle_make(const struct rf_site *site, const struct rf_flows *flows, const struct rf_rulebook *book,
		   struct rf_view seed, const char *only, struct rf_findings *findings, struct rf_bundle *ret_bundle)
{
	return rf_bundle_make_by(emitters, sizeof emitters / sizeof *emitters, site, flows, book, seed, only, findings,
				 ret_bundle);
}

void rf_bundle_fini(struct rf_bundle *bundle)
{
	if (!bundle->arena)
		return;
	rf_arena_fini(bundle->arena);
	free(bundle->arena);
	*bundle = (struct rf_bundle){ 0 };
}
