#include "cmd/compile_diff.h"

#include "cmd/table.h"
#include "emit/diff.h"

#include <jansson.h>
#include <stdlib.h>

enum { SHOWN_LINES = 400 }; /* of one file; what is longer is counted */

struct diff {
	const struct rf_cmd_ctx *c;
	const struct rf_folder *old;
	const struct rf_bundle *new;
	json_t *files;       /* of objects, with --json */
	size_t changed;
	int rc;
};

/* --- files */

/* text with the old site's digest replaced by the new one's: a change somewhere changes the digest everywhere, and is
 * no change of this file. malloc'd. */
static struct rf_view with_digest(struct rf_view text, struct rf_view from, struct rf_view to, uint8_t **ret_buf)
{
	uint8_t *buf = malloc(text.n + 1), *at;

	*ret_buf = buf;
	if (!buf)
		return (struct rf_view){ 0 };
	if (text.n)
		memcpy(buf, text.p, text.n);
	for (at = buf; from.n == to.n && (at = memmem(at, text.n - (size_t)(at - buf), from.p, from.n)) != NULL;
	     at += to.n)
		memcpy(at, to.p, to.n);
	return rf_view_of(buf, text.n);
}

static struct rf_view digest_of(struct rf_view manifest)
{
	static const char key[] = "\ndigest ";
	const uint8_t *at = memmem(manifest.p, manifest.n, key, sizeof key - 1);
	size_t left = at ? manifest.n - (size_t)(at - manifest.p) - (sizeof key - 1) : 0;

	return left >= 64 ? rf_view_of(at + sizeof key - 1, 64) : (struct rf_view){ 0 };
}

static const char *word_for(struct rf_view old, struct rf_view new)
{
	return !old.p ? "new" : !new.p ? "gone" : "changed";
}

static void tell_text(struct diff *d, const char *path, struct rf_view old, struct rf_view new,
		      const struct rf_diff_count *n)
{
	struct rf_diff_count same;

	fprintf(d->c->out, "%s: %s, %zu line%s less, %zu more\n", path, word_for(old, new), n->removed,
		n->removed == 1 ? "" : "s", n->added);
	if (!old.p || !new.p)
		return;
	if (n->removed + n->added > SHOWN_LINES)
		fprintf(d->c->out, "  (more than %d lines differ; compile into another folder to compare them)\n",
			SHOWN_LINES);
	else
		d->rc = rf_diff(old, new, d->c->out, &same);
}

static void tell_json(struct diff *d, const char *path, struct rf_view old, struct rf_view new,
		      const struct rf_diff_count *n)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	struct rf_diff_count same;

	if (f && old.p && new.p && n->removed + n->added <= SHOWN_LINES)
		d->rc = rf_diff(old, new, f, &same);
	if (f)
		fclose(f);
	json_array_append_new(d->files, json_pack("{s:s, s:s, s:I, s:I, s:o}", "path", path, "what", word_for(old, new),
						  "removed", (json_int_t)n->removed, "added", (json_int_t)n->added,
						  "diff", rf_cmd_json_view(rf_view_of(text, size))));
	free(text);
}

static void see_file(struct diff *d, const char *path, struct rf_view old, struct rf_view new)
{
	uint8_t *buf;
	struct rf_view was = with_digest(old, d->old->manifest.digest, digest_of(d->new->manifest), &buf);
	struct rf_diff_count n;

	if (!buf)
		d->rc = -ENOMEM;
	if (!old.p)
		was.p = NULL;
	if (!d->rc && !(old.p && new.p && rf_view_eq(was, new))) {
		d->changed++;
		d->rc = rf_diff(was, new, NULL, &n);
		/* flows.json is told apart, as flows. */
		if (!d->rc && d->files)
			tell_json(d, path, was, new, &n);
		else if (!d->rc && strcmp(path, "flows.json") != 0)
			tell_text(d, path, was, new, &n);
	}
	free(buf);
}

static void see_files(struct diff *d)
{
	const struct rf_manifest *m = &d->old->manifest;
	size_t i = 0, k = 0;

	while (!d->rc && (i < m->n || k < d->new->n)) {
		int c = i == m->n ? 1 : k == d->new->n ? -1 : strcmp(d->old->files[i].path, d->new->files[k].path);
		struct rf_view old = c <= 0 ? d->old->files[i].bytes : (struct rf_view){ 0 };
		struct rf_view new = c >= 0 ? d->new->files[k].bytes : (struct rf_view){ 0 };

		see_file(d, c <= 0 ? d->old->files[i].path : d->new->files[k].path, old, new);
		i += c <= 0;
		k += c >= 0;
	}
}

/* --- flows */

/* A flow as one line for people: what it permits. */
static void flow_line(const json_t *flow, char *dst, size_t cap)
{
	const char *id = "?", *from = "?", *to = "?", *category = "?", *protocol = "?", *why = "";
	json_int_t first = 0, last = 0;
	char ports[32] = "";

	(void)json_unpack((json_t *)(uintptr_t)flow, "{s:s, s:s, s:s, s:s, s:s, s?s, s?[I, I]}", "id", &id, "from",
			  &from, "to", &to, "category", &category, "protocol", &protocol, "why", &why, "ports", &first,
			  &last);
	if (last)
		snprintf(ports, sizeof ports, first == last ? " %lld" : " %lld-%lld", (long long)first,
			 (long long)last);
	snprintf(dst, cap, "%s: %s to %s, %s, %s%s: %s", id, from, to, category, protocol, ports, why);
}

static json_t *flows_by_id(struct rf_view text)
{
	json_t *all = text.n ? json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, NULL) : NULL;
	json_t *list = json_object_get(all, "flows"), *by_id = json_object(), *flow;
	size_t i;

	json_array_foreach(list, i, flow) {
		const char *id = json_string_value(json_object_get(flow, "id"));

		if (id)
			json_object_set(by_id, id, flow);
	}
	json_decref(all);
	return by_id;
}

static struct rf_view file_of(const struct rf_emit_file *files, size_t n, const char *path)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(files[i].path, path) == 0)
			return files[i].bytes;
	return (struct rf_view){ 0 };
}

/* Flows of a that b has not (sign), or has otherwise ('~', told once, from the new side). */
static size_t tell_flows(struct diff *d, json_t *a, json_t *b, char sign, json_t *list, json_t *changed)
{
	const char *id;
	json_t *flow;
	size_t n = 0;

	json_object_foreach(a, id, flow) {
		json_t *other = json_object_get(b, id);
		char line[512], clean[512];

		if (other && (!changed || json_equal(flow, other)))
			continue;
		n++;
		if (d->files) {
			json_array_append(other ? changed : list, flow);
			continue;
		}
		flow_line(flow, line, sizeof line);
		json_t *text = rf_cmd_json_view(rf_view_str(line));
		rf_cmd_cell(text, clean, sizeof clean);
		json_decref(text);
		fprintf(d->c->out, "%c %s\n", other ? '~' : sign, clean);
	}
	return n;
}

static json_t *see_flows(struct diff *d, size_t *ret_n)
{
	json_t *old = flows_by_id(file_of(d->old->files, d->old->manifest.n, "flows.json"));
	json_t *new = flows_by_id(file_of(d->new->files, d->new->n, "flows.json"));
	json_t *appear = json_array(), *vanish = json_array(), *change = json_array();

	*ret_n = tell_flows(d, new, old, '+', appear, change);
	*ret_n += tell_flows(d, old, new, '-', vanish, NULL);
	json_decref(old);
	json_decref(new);
	return json_pack("{s:o, s:o, s:o}", "appear", appear, "vanish", vanish, "change", change);
}

int rf_cmd_compile_diff(const struct rf_cmd_ctx *c, const char *dir, const struct rf_folder *old,
			const struct rf_bundle *new)
{
	struct diff d = { .c = c, .old = old, .new = new, .files = c->json ? json_array() : NULL };
	size_t flows = 0;

	see_files(&d);
	if (d.rc) {
		json_decref(d.files);
		return rf_cmd_error(c, RF_EXIT_FAILED, "%s: %s", dir, rf_err_text(d.rc));
	}
	json_t *told = see_flows(&d, &flows);
	int status = d.changed || flows ? RF_EXIT_NO : RF_EXIT_YES;
	if (c->json)
		return rf_cmd_json(c,
				   json_pack("{s:b, s:o, s:o}", "changes", status == RF_EXIT_NO, "files", d.files,
					     "flows", told),
				   status);
	json_decref(told);
	if (status == RF_EXIT_YES)
		fprintf(c->out, "no change: %zu files\n", new->n);
	else
		fprintf(c->out, "%zu file%s, %zu flow%s\n", d.changed, d.changed == 1 ? "" : "s", flows,
			flows == 1 ? "" : "s");
	return status;
}
