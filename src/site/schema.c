#include "site/schema.h"

#include "site/near.h"

#include <stdio.h>

static void *member(void *dst, size_t at)
{
	return (char *)dst + at;
}

const struct rf_key *rf_load_key(struct rf_load *l, const struct rf_keys *keys, struct rf_view name, uint32_t line,
				 uint32_t column)
{
	const struct rf_key *near = NULL;
	unsigned best = RF_NEAR_MAX;
	char mend[120];

	for (size_t i = 0; i < keys->n; i++) {
		if (rf_view_eq(name, rf_view_str(keys->v[i].name)))
			return &keys->v[i];
		unsigned d = rf_near_distance(name, rf_view_str(keys->v[i].name));
		if (d < best) {
			best = d;
			near = &keys->v[i];
		}
	}
	if (near && rf_near_enough(best, name.n))
		snprintf(mend, sizeof mend, "did you mean \"%s\"?", near->name);
	else
		snprintf(mend, sizeof mend, "remove it; `man ringfort-site` has the keys");
	rf_load_error(l, line, column, mend, "unknown key \"%.*s\" in %s", (int)(name.n > 80 ? 80 : name.n),
		      (const char *)name.p, keys->what);
	return NULL;
}

static const char *kind_name(enum rf_tree_kind kind)
{
	return kind == RF_TREE_TEXT ? "a single value" : kind == RF_TREE_LIST ? "a list" : "a mapping";
}

static bool want(struct rf_load *l, const struct rf_key *key, const struct rf_tree *value, enum rf_tree_kind kind)
{
	if (value->kind == kind)
		return true;
	const char *mend = kind == RF_TREE_TEXT ? "write one value behind the colon"
			 : kind == RF_TREE_LIST ? "write [ a, b ], or one \"- a\" per line" : "write { key: value }";
	rf_load_error(l, value->line, value->column, mend, "%s must be %s, not %s", key->name, kind_name(kind),
		      kind_name(value->kind));
	return false;
}

/* All lists of values have one shape. */
struct list {
	const void *v;
	size_t n;
};
_Static_assert(sizeof(struct list) == sizeof(struct rf_site_list) &&
		       sizeof(struct list) == sizeof(struct rf_site_ips) &&
		       sizeof(struct list) == sizeof(struct rf_site_times) &&
		       sizeof(struct list) == sizeof(struct rf_site_days),
	       "a pointer and a count");
_Static_assert(offsetof(struct rf_site_allow, port_count) == offsetof(struct rf_site_allow, ports) + sizeof(void *),
	       "the ports of an allow are such a list");

static size_t item_size(enum rf_key_type type)
{
	return type == RF_KEY_TIMES ? sizeof(struct rf_site_time) : type == RF_KEY_DATES ? sizeof(int64_t) :
	       type == RF_KEY_SUBNETS || type == RF_KEY_ADDRESSES ? sizeof(struct rf_site_ip) :
	       type == RF_KEY_PORTS ? sizeof(struct rf_site_ports) : sizeof(struct rf_view);
}

/* A list of values, or one value alone. */
static void load_texts(struct rf_load *l, const struct rf_key *key, const struct rf_tree *value, void *dst)
{
	size_t max = key->max ? key->max : RF_SITE_LIST_MAX, size = item_size(key->type);
	char mend[40];
	struct rf_key one = *key;
	size_t n = value->kind == RF_TREE_TEXT ? 1 : value->count;

	if (value->kind == RF_TREE_MAP) {
		want(l, key, value, RF_TREE_LIST);
		return;
	}
	if (n > max) {
		snprintf(mend, sizeof mend, "at most %zu", max);
		rf_load_error(l, value->line, value->column, mend, "too many entries in %s", key->name);
		return;
	}
	char *v = rf_arena_array(l->arena, n, size);
	if (!v) {
		l->rc = -ENOMEM;
		return;
	}
	one.at = 0;
	const struct rf_tree *t = value->kind == RF_TREE_TEXT ? value : value->first;
	for (size_t i = 0; i < n; i++, t = t->next)
		if (want(l, key, t, RF_TREE_TEXT))
			rf_load_scalar(l, &one, t->text, t->line, t->column, v + i * size);
	memcpy(member(dst, key->at), &(struct list){ v, n }, sizeof(struct list));
}

static void load_choices(struct rf_load *l, const struct rf_key *key, const struct rf_tree *value, void *dst)
{
	if (value->kind == RF_TREE_TEXT) {
		rf_load_scalar(l, key, value->text, value->line, value->column, dst);
		return;
	}
	if (!want(l, key, value, RF_TREE_LIST))
		return;
	if (!value->count)
		rf_load_error(l, value->line, value->column, "name at least one, or leave the key out", "%s is empty",
			      key->name);
	for (const struct rf_tree *t = value->first; t; t = t->next)
		if (want(l, key, t, RF_TREE_TEXT))
			rf_load_scalar(l, key, t->text, t->line, t->column, dst);
}

void rf_load_items(struct rf_load *l, const struct rf_key *key, const struct rf_tree *value, void *dst)
{
	const struct rf_keys *sub = key->sub;
	bool pairs = key->type == RF_KEY_PAIRS, named = key->type == RF_KEY_NAMED || pairs;

	if (value->kind == RF_TREE_TEXT && value->plain && !value->text.n)
		return; /* "trunks:" with nothing behind it: none */
	if (!want(l, key, value, named ? RF_TREE_MAP : RF_TREE_LIST))
		return;
	if (value->count > key->max) {
		rf_load_error(l, value->line, value->column,
			      "split the site, or keep phones in a CSV file (phones_file)",
			      "%s has %zu entries; %u is the most", key->name, value->count, key->max);
		return;
	}
	char *items = rf_arena_array(l->arena, value->count, sub->size);
	if (!items) {
		l->rc = -ENOMEM;
		return;
	}
	*(const void **)member(dst, key->at) = items;
	*(size_t *)member(dst, key->at2) = value->count;
	for (const struct rf_tree *t = value->first; t; t = t->next, items += sub->size) {
		const struct rf_key name_key = { .name = "a name here", .type = RF_KEY_NAME, .at = sub->name_at };
		const struct rf_tree *map = named ? t->value : t;

		if (sub->defaults)
			memcpy(items, sub->defaults, sub->size);
		if (sub->has_pos)
			*(struct rf_site_pos *)member(items, sub->pos_at) =
				(struct rf_site_pos){ t->line, t->column, l->file };
		if (named)
			rf_load_scalar(l, pairs ? &sub->v[0] : &name_key, t->text, t->line, t->column, items);
		if (pairs) {
			if (want(l, &sub->v[1], map, RF_TREE_TEXT))
				rf_load_scalar(l, &sub->v[1], map->text, map->line, map->column, items);
		} else if (map->kind != RF_TREE_MAP)
			rf_load_error(l, map->line, map->column, "write { key: value }", "%s must be a mapping, not %s",
				      sub->what, kind_name(map->kind));
		else
			rf_load_map(l, sub, map, items);
	}
}

static void load_part(struct rf_load *l, const struct rf_key *key, const struct rf_tree *value, void *dst)
{
	if (value->kind == RF_TREE_TEXT && value->plain && !value->text.n)
		return; /* "limits:" with nothing behind it */
	if (!want(l, key, value, RF_TREE_MAP))
		return;
	if (key->sub->has_pos)
		*(struct rf_site_pos *)member(dst, key->at + key->sub->pos_at) =
			(struct rf_site_pos){ value->line, value->column, l->file };
	rf_load_map(l, key->sub, value, member(dst, key->at));
}

static void load_value(struct rf_load *l, const struct rf_key *key, const struct rf_tree *value, void *dst)
{
	if (key->place_at)
		*(struct rf_site_pos *)member(dst, key->place_at) =
			(struct rf_site_pos){ value->line, value->column, l->file };
	switch (key->type) {
	case RF_KEY_NAMES:
	case RF_KEY_NUMBERS:
	case RF_KEY_RANKED:
	case RF_KEY_DOMAINS:
	case RF_KEY_PATTERNS:
	case RF_KEY_TIMES:
	case RF_KEY_DATES:
	case RF_KEY_SUBNETS:
	case RF_KEY_ORIGINS:
	case RF_KEY_ADDRESSES:
	case RF_KEY_PORTS:
	case RF_KEY_ENDS:
		load_texts(l, key, value, dst);
		break;
	case RF_KEY_CHOICES:
		*(unsigned *)member(dst, key->at) = 0;
		load_choices(l, key, value, dst);
		break;
	case RF_KEY_ITEMS:
	case RF_KEY_NAMED:
	case RF_KEY_PAIRS:
		rf_load_items(l, key, value, dst);
		break;
	case RF_KEY_PART:
		load_part(l, key, value, dst);
		break;
	default:
		if (want(l, key, value, RF_TREE_TEXT))
			rf_load_scalar(l, key, value->text, value->line, value->column, dst);
	}
}

void rf_load_map(struct rf_load *l, const struct rf_keys *keys, const struct rf_tree *map, void *dst)
{
	for (size_t i = 0; i < keys->n; i++) {
		bool given = false;

		for (const struct rf_tree *t = map->first; t && keys->v[i].required && !given; t = t->next)
			given = rf_view_eq(t->text, rf_view_str(keys->v[i].name));
		if (keys->v[i].required && !given)
			rf_load_error(l, map->line, map->column, "add it", "%s has no \"%s\"", keys->what,
				      keys->v[i].name);
	}
	for (const struct rf_tree *t = map->first; t; t = t->next) {
		const struct rf_key *key = rf_load_key(l, keys, t->text, t->line, t->column);

		if (key)
			load_value(l, key, t->value, dst);
	}
}
