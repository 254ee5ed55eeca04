#include "site/tree.h"

#include "base/hash.h"
#include "base/random.h"
#include "base/table.h"
#include "site/site.h"

#include <yaml.h>

enum { KEYS_BY_TABLE = 8 }; /* larger maps look for duplicate keys by hash */

struct build {
	yaml_parser_t parser;
	const char *file;
	struct rf_arena *arena;
	struct rf_findings *findings;
	struct rf_hash_key hash_key;
	size_t nodes;
	int rc;
};

struct seen {
	struct rf_node node;
	const struct rf_tree *key;
};

static struct rf_place place_of(const struct build *b, yaml_mark_t mark)
{
	return (struct rf_place){ b->file, (uint32_t)mark.line + 1, (uint32_t)mark.column + 1 };
}

static int refuse(struct build *b, struct rf_place place, const char *mend, const char *text)
{
	rf_finding_add(b->findings, RF_SEV_ERROR, place, NULL, mend, "%s", text);
	return RF_E_INVALID;
}

/* libyaml's own words are good enough once they have a place. */
static int syntax_error(struct build *b)
{
	const yaml_parser_t *p = &b->parser;

	if (p->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	const char *problem = p->problem ? p->problem : "cannot be read";
	const char *context = p->context ? p->context : "";
	rf_finding_add(b->findings, RF_SEV_ERROR, place_of(b, p->problem_mark), NULL,
		       "check quotes, brackets, colons and indentation here and in the line above",
		       "not valid YAML: %s%s%s", context, context[0] ? ", " : "", problem);
	return RF_E_INVALID;
}

static int next_event(struct build *b, yaml_event_t *event)
{
	return yaml_parser_parse(&b->parser, event) ? 0 : syntax_error(b);
}

static int check_decor(struct build *b, struct rf_place at, const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor)
		return refuse(b, at, "write the value out where it is needed", "anchors (&name) are not used here");
	if (tag)
		return refuse(b, at, "leave the tag out", "tags (!name) are not used here");
	return 0;
}

static int new_node(struct build *b, yaml_mark_t mark, enum rf_tree_kind kind, struct rf_tree **ret_node)
{
	if (++b->nodes > RF_SITE_NODES_MAX)
		return refuse(b, place_of(b, mark), "keep phones in a CSV file (phones_file)", "too many values");
	struct rf_tree *t = rf_arena_zalloc(b->arena, sizeof *t);
	if (!t)
		return -ENOMEM;
	t->kind = kind;
	t->line = (uint32_t)mark.line + 1;
	t->column = (uint32_t)mark.column + 1;
	*ret_node = t;
	return 0;
}

static int build_text(struct build *b, const yaml_event_t *e, struct rf_tree **ret_node)
{
	struct rf_view v = rf_view_of(e->data.scalar.value, e->data.scalar.length);
	struct rf_place at = place_of(b, e->start_mark);
	int rc = check_decor(b, at, e->data.scalar.anchor, e->data.scalar.tag);

	if (rc)
		return rc;
	if (v.n > RF_SITE_TEXT_MAX)
		return refuse(b, at, "shorten it to 1024 bytes", "this text is too long");
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] < ' ' || v.p[i] == 0x7f)
			return refuse(b, at, "write it in one line without escapes", "a control character in a text");
	rc = new_node(b, e->start_mark, RF_TREE_TEXT, ret_node);
	if (rc)
		return rc;
	char *s = rf_arena_cstr(b->arena, v);
	if (!s)
		return -ENOMEM;
	(*ret_node)->text = rf_view_of(s, v.n);
	(*ret_node)->plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	return 0;
}

static int build_node(struct build *b, const yaml_event_t *e, unsigned depth, struct rf_tree **ret_node);

static int build_list(struct build *b, struct rf_tree *list, unsigned depth)
{
	struct rf_tree **link = &list->first;

	for (;;) {
		yaml_event_t e;
		int rc = next_event(b, &e);

		if (rc)
			return rc;
		if (e.type == YAML_SEQUENCE_END_EVENT) {
			yaml_event_delete(&e);
			return 0;
		}
		rc = build_node(b, &e, depth, link);
		yaml_event_delete(&e);
		if (rc)
			return rc;
		link = &(*link)->next;
		list->count++;
	}
}

static int duplicate(struct build *b, const struct rf_tree *key, const struct rf_tree *first)
{
	rf_finding_add(b->findings, RF_SEV_ERROR, (struct rf_place){ b->file, key->line, key->column }, NULL,
		       "keep one of them", "\"%.*s\" is given twice, first in line %u", RF_VFMT(key->text),
		       first->line);
	return RF_E_INVALID;
}

static const struct rf_tree *find_seen(const struct rf_table *t, uint64_t hash, struct rf_view text)
{
	for (struct rf_node *n = rf_table_first(t, hash); n; n = rf_table_next(n)) {
		const struct seen *s = rf_container(n, struct seen, node);

		if (rf_view_eq(s->key->text, text))
			return s->key;
	}
	return NULL;
}

static int check_many_keys(struct build *b, const struct rf_tree *map)
{
	struct seen *seen = rf_arena_array(b->arena, map->count, sizeof *seen), *s = seen;
	struct rf_table table;
	int rc = seen ? 0 : -ENOMEM;

	rf_table_init(&table, map->count);
	for (const struct rf_tree *k = map->first; k && rc == 0; k = k->next, s++) {
		uint64_t hash = rf_hash(&b->hash_key, k->text);
		const struct rf_tree *first = find_seen(&table, hash, k->text);

		s->key = k;
		rc = first ? duplicate(b, k, first) : rf_table_add(&table, &s->node, hash);
	}
	rf_table_fini(&table);
	return rc;
}

static int check_keys(struct build *b, const struct rf_tree *map)
{
	if (map->count > KEYS_BY_TABLE)
		return check_many_keys(b, map);
	for (const struct rf_tree *k = map->first; k; k = k->next)
		for (const struct rf_tree *other = map->first; other != k; other = other->next)
			if (rf_view_eq(other->text, k->text))
				return duplicate(b, k, other);
	return 0;
}

static int build_pair(struct build *b, const yaml_event_t *key_event, unsigned depth, struct rf_tree **ret_key)
{
	yaml_event_t e;

	if (key_event->type != YAML_SCALAR_EVENT)
		return refuse(b, place_of(b, key_event->start_mark), "write  name: value", "a key must be a word");
	int rc = build_text(b, key_event, ret_key);
	if (rc)
		return rc;
	rc = next_event(b, &e);
	if (rc)
		return rc;
	rc = build_node(b, &e, depth, &(*ret_key)->value);
	yaml_event_delete(&e);
	return rc;
}

static int build_map(struct build *b, struct rf_tree *map, unsigned depth)
{
	struct rf_tree **link = &map->first;

	for (;;) {
		yaml_event_t e;
		int rc = next_event(b, &e);

		if (rc)
			return rc;
		if (e.type == YAML_MAPPING_END_EVENT) {
			yaml_event_delete(&e);
			return check_keys(b, map);
		}
		rc = build_pair(b, &e, depth, link);
		yaml_event_delete(&e);
		if (rc)
			return rc;
		link = &(*link)->next;
		map->count++;
	}
}

static int build_inner(struct build *b, const yaml_event_t *e, unsigned depth, struct rf_tree **ret_node)
{
	bool map = e->type == YAML_MAPPING_START_EVENT;
	int rc = check_decor(b, place_of(b, e->start_mark),
			     map ? e->data.mapping_start.anchor : e->data.sequence_start.anchor,
			     map ? e->data.mapping_start.tag : e->data.sequence_start.tag);

	if (rc)
		return rc;
	if (depth >= RF_SITE_DEPTH_MAX)
		return refuse(b, place_of(b, e->start_mark), "no setting of a site lies deeper than 8",
			      "nested too deep");
	rc = new_node(b, e->start_mark, map ? RF_TREE_MAP : RF_TREE_LIST, ret_node);
	if (rc)
		return rc;
	return map ? build_map(b, *ret_node, depth + 1) : build_list(b, *ret_node, depth + 1);
}

static int build_node(struct build *b, const yaml_event_t *e, unsigned depth, struct rf_tree **ret_node)
{
	switch (e->type) {
	case YAML_SCALAR_EVENT:
		return build_text(b, e, ret_node);
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		return build_inner(b, e, depth, ret_node);
	case YAML_ALIAS_EVENT:
		return refuse(b, place_of(b, e->start_mark), "write the value out where it is needed",
			      "aliases (*name) are not used here");
	default:
		return refuse(b, place_of(b, e->start_mark), NULL, "a value is missing here");
	}
}

/* Stream start, document start, one node, document end, stream end. */
static int build_document(struct build *b, struct rf_tree **ret_root)
{
	yaml_event_t e = { 0 };
	bool done = false;
	int rc = 0;

	while (!done && rc == 0) {
		rc = next_event(b, &e);
		if (rc)
			return rc;
		switch (e.type) {
		case YAML_STREAM_START_EVENT:
		case YAML_DOCUMENT_END_EVENT:
			break;
		case YAML_DOCUMENT_START_EVENT:
			if (*ret_root)
				rc = refuse(b, place_of(b, e.start_mark), "keep one document in the file",
					    "a second document begins here");
			break;
		case YAML_STREAM_END_EVENT:
			done = true;
			break;
		default:
			rc = build_node(b, &e, 0, ret_root);
		}
		yaml_event_delete(&e);
	}
	return rc;
}

int rf_tree_parse(struct rf_view bytes, const char *file, struct rf_arena *arena, struct rf_findings *findings,
		  struct rf_tree **ret_root)
{
	struct build b = { .file = file, .arena = arena, .findings = findings };
	struct rf_tree *root = NULL;
	struct rf_random random;
	int rc = rf_tree_check_bytes(bytes, file, true, findings);

	if (rc)
		return rc;
	rf_random_system(&random);
	rf_random_fill(&random, &b.hash_key, sizeof b.hash_key);
	if (!yaml_parser_initialize(&b.parser))
		return -ENOMEM;
	yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&b.parser, bytes.n ? bytes.p : (const uint8_t *)"", bytes.n);
	rc = build_document(&b, &root);
	yaml_parser_delete(&b.parser);
	if (rc == 0)
		*ret_root = root;
	return rc;
}
