/* Rules of nftables, as `nft -j list ruleset` prints them (libnftables-json(5)). */
#include "prove/nft_int.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

int rf_nftj_fail(struct rf_nftj *n, int code, const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return rf_rs_fail(n->rs, code, 0, "%s: %s", n->place ? n->place : "the list of rules", text);
}

static struct rf_rs_chain *chain(struct rf_nftj *n, const char *name)
{
	char full[RF_RS_TEXT_MAX];

	snprintf(full, sizeof full, "%s %s %s", n->family, n->table, name);
	return rf_rs_chain(n->rs, rf_view_str(full));
}

static uint8_t family_of(const char *family)
{
	return strcmp(family, "ip") == 0 ? 4 : strcmp(family, "ip6") == 0 ? 6 : 0;
}

/* --- chains and their hooks */

static int hook(struct rf_nftj *n, struct rf_rs_chain *c, json_t *j)
{
	static const char *const hooks[RF_RS_HOOK_KINDS] = {
		[RF_RS_HOOK_INGRESS] = "ingress", [RF_RS_HOOK_PREROUTING] = "prerouting", [RF_RS_HOOK_INPUT] = "input",
		[RF_RS_HOOK_FORWARD] = "forward", [RF_RS_HOOK_OUTPUT] = "output",
		[RF_RS_HOOK_POSTROUTING] = "postrouting",
	};
	const char *name = rf_nftj_str(j, "hook"), *type = rf_nftj_str(j, "type"), *policy = rf_nftj_str(j, "policy");
	json_t *dev = json_object_get(j, "dev"), *prio = json_object_get(j, "prio"), *d;
	size_t i;
	int kind = 0;

	while (kind < RF_RS_HOOK_KINDS && strcmp(name, hooks[kind]))
		kind++;
	if (kind == RF_RS_HOOK_KINDS)
		return rf_nftj_fail(n, RF_E_UNSUPPORTED, "the hook \"%s\" is not known", name);
	if (strcmp(n->family, "bridge") == 0 || strcmp(n->family, "arp") == 0)
		return rf_nftj_fail(n, RF_E_UNSUPPORTED,
				    "tables of the family %s see frames, not what is routed; give the rules without it",
				    n->family);
	if (strcmp(type, "filter") && strcmp(type, "route") && strcmp(type, "nat"))
		return rf_nftj_fail(n, RF_E_UNSUPPORTED, "a chain of type \"%s\"", type);
	if (!json_is_integer(prio) || json_integer_value(prio) < INT_MIN || json_integer_value(prio) > INT_MAX)
		return rf_nftj_fail(n, RF_E_UNSUPPORTED, "a priority that is no number");
	json_t *devs = json_is_array(dev) ? json_incref(dev) : dev ? json_pack("[O]", dev) : json_pack("[n]");
	json_array_foreach(devs, i, d) {
		struct rf_rs_hook *h = rf_rs_hook(n->rs, kind, c, (int32_t)json_integer_value(prio),
						  strcmp(policy, "drop") == 0 ? RF_RS_DROP : RF_RS_ACCEPT);

		if (!h)
			break;
		h->family = family_of(n->family);
		if (json_is_string(d))
			h->interface = rf_rs_interface(n->rs, rf_view_str(json_string_value(d))).name;
	}
	json_decref(devs);
	return n->rs->err;
}

static void read_chain(struct rf_nftj *n, json_t *j)
{
	const char *name = rf_nftj_str(j, "name");
	char place[200];

	snprintf(place, sizeof place, "chain %s %s %s", n->family, n->table, name);
	n->place = place;
	struct rf_rs_chain *c = chain(n, name);
	if (c && c->defined)
		rf_nftj_fail(n, RF_E_MALFORMED, "it is there twice");
	if (c)
		c->defined = true;
	if (c && json_object_get(j, "hook"))
		hook(n, c, j);
	n->place = NULL;
}

/* --- sets, read when a rule first looks into them, because their types are the fields that are looked at */

static json_t *find(struct rf_nftj *n, const char *kind, const char *name)
{
	json_t *item;
	size_t i;

	json_array_foreach(n->items, i, item) {
		json_t *x = json_object_get(item, kind);

		if (x && strcmp(rf_nftj_str(x, "name"), name) == 0 && strcmp(rf_nftj_str(x, "table"), n->table) == 0
		    && strcmp(rf_nftj_str(x, "family"), n->family) == 0)
			return x;
	}
	return NULL;
}

/* A rule or a program may fill it while the device runs: it has timeouts, or a rule adds to it. (nft 1.0.6 does not
 * list the flag `dynamic` in JSON, so rules are looked at.) */
static bool adds_to(json_t *j, const char *name)
{
	json_t *expr = json_object_get(json_object_get(j, "rule"), "expr"), *x;
	size_t i;

	json_array_foreach(expr, i, x) {
		const char *set = rf_nftj_str(json_object_get(x, "set"), "set");

		if (set[0] == '@' && strcmp(set + 1, name) == 0)
			return true;
	}
	return false;
}

static bool changes(struct rf_nftj *n, json_t *set, const char *name)
{
	json_t *flags = json_object_get(set, "flags"), *x;
	bool yes = json_object_get(set, "timeout") != NULL;
	size_t i;

	json_array_foreach(flags, i, x) {
		const char *s = json_string_value(x);

		yes |= s && (strcmp(s, "timeout") == 0 || strcmp(s, "dynamic") == 0);
	}
	json_array_foreach(n->items, i, x)
		yes |= adds_to(x, name);
	return yes;
}

struct rf_rs_set *rf_nftj_set(struct rf_nftj *n, const char *name, const struct rf_nftj_left *left)
{
	char full[RF_RS_TEXT_MAX];
	json_t *j;

	snprintf(full, sizeof full, "%s %s %s", n->family, n->table, name);
	struct rf_rs_set *set = rf_rs_set_named(n->rs, rf_view_str(full));
	if (set)
		return set;
	j = find(n, "set", name);
	if (!j)
		j = find(n, "map", name);
	if (!j) {
		rf_nftj_fail(n, RF_E_MALFORMED, "the set @%s is not there", name);
		return NULL;
	}
	set = rf_rs_set(n->rs, rf_view_str(full), left->n);
	if (!set)
		return NULL;
	set->changes = changes(n, j, name);
	rf_nftj_rows(n, set, left, json_object_get(j, "elem"));
	return n->rs->err ? NULL : set;
}

/* --- statements */

static bool is_verdict(const char *key)
{
	static const char *const verdicts[] = { "accept", "drop", "return", "jump", "goto", "reject", "continue" };

	for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++)
		if (strcmp(key, verdicts[i]) == 0)
			return true;
	return false;
}

static int verdict(struct rf_nftj *n, struct rf_rs_rule *r, const char *key, json_t *j)
{
	if (strcmp(key, "accept") == 0)
		r->verdict = RF_RS_ACCEPT;
	else if (strcmp(key, "drop") == 0 || strcmp(key, "reject") == 0)
		r->verdict = RF_RS_DROP;
	else if (strcmp(key, "return") == 0)
		r->verdict = RF_RS_RETURN;
	else if (strcmp(key, "continue") == 0)
		r->verdict = RF_RS_NEXT;
	else {
		r->verdict = strcmp(key, "jump") == 0 ? RF_RS_JUMP : RF_RS_GOTO;
		r->target = chain(n, rf_nftj_str(j, "target"));
	}
	return n->rs->err;
}

/* What leaves the packet as it is, as far as rules can see. */
static bool is_harmless(const char *key)
{
	static const char *const harmless[] = { "counter", "log", "comment", "ct timeout", "flow", "last" };

	for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
		if (strcmp(key, harmless[i]) == 0)
			return true;
	return false;
}

/* Named limits and quotas say themselves whether they are bounds. */
static bool is_over(struct rf_nftj *n, const char *kind, json_t *x)
{
	const char *name = json_string_value(x);

	return json_is_true(json_object_get(name ? find(n, kind, name) : x, "inv"));
}

static int chance(struct rf_nftj *n, struct rf_rs_rule *r, const char *key, json_t *x)
{
	static const char *const inner[] = { "limit", "quota", "ct count" };
	bool over = false;
	char what[200];

	if (strcmp(key, "set") == 0 || strcmp(key, "meter") == 0) {
		json_t *stmt = json_object_get(x, "stmt"), *s = json_is_array(stmt) ? json_array_get(stmt, 0) : stmt;

		for (size_t i = 0; i < 3; i++)
			over |= json_is_true(json_object_get(json_object_get(s, inner[i]), "inv"));
		snprintf(what, sizeof what, "%s %s", key, rf_nftj_str(x, key[0] == 's' ? "set" : "name"));
	} else {
		over = is_over(n, key, x);
		snprintf(what, sizeof what, "%s%s%s", key, over ? " over" : "", json_is_string(x) ? " (named)" : "");
	}
	rf_rs_match_sometimes(n->rs, r, over ? RF_RS_REST_NO : RF_RS_REST_YES, what);
	return n->rs->err;
}

static int mangle(struct rf_nftj *n, struct rf_rs_rule *r, json_t *j)
{
	json_t *key = json_object_get(j, "key"), *value = json_object_get(j, "value");
	json_t *meta = json_object_get(key, "meta"), *payload = json_object_get(key, "payload");
	const char *m = rf_nftj_str(meta, "key"), *f = rf_nftj_str(payload, "field");
	uint32_t dscp;
	char what[160];

	if (json_object_get(value, "map"))
		rf_rs_match_sometimes(n->rs, r, RF_RS_REST_EITHER, "a map has the key");
	if (strcmp(m, "mark") == 0 && json_is_integer(value))
		return rf_rs_effect(n->rs, r, RF_RS_SET_MARK, (uint32_t)json_integer_value(value));
	if (strcmp(m, "mark") == 0)
		return rf_rs_effect(n->rs, r, RF_RS_ANY_MARK, 0);
	if (strcmp(f, "dscp") == 0 && json_is_string(value) &&
	    rf_nftj_number(RF_RS_DSCP, false, json_string_value(value), &dscp))
		return rf_rs_effect(n->rs, r, RF_RS_SET_DSCP, dscp);
	if (strcmp(f, "dscp") == 0 && json_is_integer(value) && json_integer_value(value) >= 0 &&
	    json_integer_value(value) < 64)
		return rf_rs_effect(n->rs, r, RF_RS_SET_DSCP, (uint32_t)json_integer_value(value));
	if (strcmp(f, "dscp") == 0)
		return rf_rs_effect(n->rs, r, RF_RS_ANY_DSCP, 0);
	if (strcmp(m, "priority") == 0 || strcmp(m, "nftrace") == 0 || strcmp(f, "ecn") == 0 ||
	    strcmp(rf_nftj_str(json_object_get(key, "ct"), "key"), "mark") == 0 ||
	    strcmp(rf_nftj_str(json_object_get(key, "ct"), "key"), "label") == 0 || json_object_get(key, "tcp option"))
		return 0;
	return rf_nftj_fail(n, RF_E_UNSUPPORTED, "sets something that the prover does not know: %s",
			   rf_nftj_short(key, what, sizeof what));
}

/* A rule of the same matches, for one element of a verdict map. */
static struct rf_rs_rule *twin(struct rf_nftj *n, const struct rf_rs_rule *r)
{
	struct rf_rs_rule *t = rf_rs_rule(n->rs, r->chain, r->line, rf_view_str(r->text));

	if (!t)
		return NULL;
	t->handle = r->handle;
	t->comment = r->comment;
	for (const struct rf_rs_match *m = r->matches; m; m = m->next) {
		struct rf_rs_match *copy = rf_rs_match_kind(n->rs, t, m->kind, m->negate);

		if (!copy)
			return NULL;
		struct rf_rs_match *next = copy->next;
		*copy = *m;
		copy->next = next;
	}
	for (const struct rf_rs_effect *e = r->effects; e; e = e->next)
		rf_rs_effect(n->rs, t, e->kind, e->value);
	return n->rs->err ? NULL : t;
}

static void map_element(struct rf_nftj *n, const struct rf_rs_rule *r, const struct rf_nftj_left *left, json_t *element)
{
	struct rf_rs_cell cells[RF_RS_FIELDS_MAX];
	struct rf_rs_set *set = rf_rs_set(n->rs, (struct rf_view){ 0 }, left->n);
	json_t *to = json_array_get(element, 1);
	const char *key = json_object_iter_key(json_object_iter(to));

	if (!set || rf_nftj_cells(n, left, json_array_get(element, 0), cells) || rf_rs_row(n->rs, set, cells))
		return;
	if (!key || !is_verdict(key)) {
		rf_nftj_fail(n, RF_E_UNSUPPORTED, "a verdict map with something else than verdicts");
		return;
	}
	struct rf_rs_rule *t = twin(n, r);
	if (t) {
		rf_rs_match_set(n->rs, t, set, left->fields, left->n, false);
		verdict(n, t, key, json_object_get(to, key));
	}
}

/* One rule an element: keys of a map do not overlap, so their order does not matter. r itself
 * stays, without a verdict. */
static int vmap(struct rf_nftj *n, struct rf_rs_rule *r, json_t *j)
{
	json_t *data = json_object_get(j, "data"), *elements = json_object_get(data, "set"), *x;
	const char *name = json_string_value(data);
	struct rf_nftj_left left;
	size_t i;

	if (rf_nftj_left(n, r, json_object_get(j, "key"), &left))
		return n->rs->err;
	if (name) {
		json_t *map = name[0] == '@' ? find(n, "map", name + 1) : NULL;

		if (!map)
			return rf_nftj_fail(n, RF_E_MALFORMED, "the map %s is not there", name);
		if (changes(n, map, name + 1))
			return rf_nftj_fail(n, RF_E_UNSUPPORTED, "the verdict map %s changes while the device runs",
					    name);
		elements = json_object_get(map, "elem");
	}
	if (left.kind != RF_NFTJ_FIELDS || left.mask)
		return rf_nftj_fail(n, RF_E_UNSUPPORTED, "a verdict map of something that sets of packets do not know");
	json_array_foreach(elements, i, x) {
		map_element(n, r, &left, x);
		if (n->rs->err)
			break;
	}
	return n->rs->err;
}

static int statement(struct rf_nftj *n, struct rf_rs_rule *r, const char *key, json_t *x)
{
	bool match = strcmp(key, "match") == 0, by_chance = strcmp(key, "limit") == 0 || strcmp(key, "quota") == 0
		   || strcmp(key, "ct count") == 0 || strcmp(key, "set") == 0 || strcmp(key, "meter") == 0;

	if (r->effects && (match || by_chance || strcmp(key, "vmap") == 0))
		return rf_nftj_fail(n, RF_E_UNSUPPORTED, "a condition behind what it changes; write two rules");
	if (match)
		return rf_nftj_match(n, r, x);
	if (by_chance)
		return chance(n, r, key, x);
	if (is_verdict(key))
		return verdict(n, r, key, x);
	if (strcmp(key, "vmap") == 0)
		return vmap(n, r, x);
	if (strcmp(key, "mangle") == 0)
		return mangle(n, r, x);
	if (strcmp(key, "notrack") == 0)
		return rf_rs_effect(n->rs, r, RF_RS_NOTRACK, 0);
	if (is_harmless(key))
		return 0;
	return rf_nftj_fail(n, RF_E_UNSUPPORTED, "a statement that the prover does not know: %s", key);
}

int rf_nftj_rule(struct rf_nftj *n, json_t *j)
{
	json_t *expr = json_object_get(j, "expr"), *x;
	json_int_t handle = json_integer_value(json_object_get(j, "handle"));
	char place[300], text[RF_RS_TEXT_MAX + 1];
	bool ended = false;
	size_t i;

	snprintf(place, sizeof place, "rule with handle %lld of chain %s %s %s", (long long)handle, n->family, n->table,
		 rf_nftj_str(j, "chain"));
	n->place = place;
	struct rf_rs_chain *c = chain(n, rf_nftj_str(j, "chain"));
	if (c && !c->defined)
		return rf_nftj_fail(n, RF_E_MALFORMED, "its chain is not there");
	struct rf_rs_rule *r = c ? rf_rs_rule(n->rs, c, 0, rf_view_str(rf_nftj_text(expr, text, sizeof text))) : NULL;
	if (!r)
		return n->rs->err;
	r->handle = (uint64_t)handle;
	const char *comment = rf_nftj_str(j, "comment");
	if (*comment && !(r->comment = rf_arena_cstr(&n->rs->arena, rf_view_str(comment))))
		return rf_nftj_fail(n, -ENOMEM, "no memory");
	json_array_foreach(expr, i, x) {
		const char *key = json_object_iter_key(json_object_iter(x));

		if (!key || json_object_size(x) != 1)
			return rf_nftj_fail(n, RF_E_MALFORMED, "a statement that is none");
		if (ended && !is_harmless(key))
			return rf_nftj_fail(n, RF_E_MALFORMED, "\"%s\" behind a verdict", key);
		if (statement(n, r, key, json_object_get(x, key)))
			return n->rs->err;
		ended |= is_verdict(key) || strcmp(key, "vmap") == 0;
	}
	n->place = NULL;
	return 0;
}

/* --- the whole */

static void look(struct rf_nftj *n, const char *kind, json_t *j)
{
	static const char *const passed[] = { "metainfo", "table", "set", "map", "element", "counter", "quota", "limit",
					      "flowtable", "ct timeout", "rule", "chain" };

	for (size_t i = 0; i < sizeof passed / sizeof *passed; i++)
		if (strcmp(kind, passed[i]) == 0)
			return;
	rf_nftj_fail(n, RF_E_UNSUPPORTED, "an object that the prover does not know: %s \"%s\"", kind,
		     rf_nftj_str(j, "name"));
}

static void each(struct rf_nftj *n, const char *wanted, void (*use)(struct rf_nftj *n, json_t *j))
{
	json_t *item;
	size_t i;

	json_array_foreach(n->items, i, item) {
		const char *kind = json_object_iter_key(json_object_iter(item));
		json_t *j = kind ? json_object_get(item, kind) : NULL;

		if (!j || n->rs->err) {
			rf_nftj_fail(n, RF_E_MALFORMED, "an entry that is no object");
			return;
		}
		n->family = rf_nftj_str(j, "family");
		n->table = rf_nftj_str(j, "table");
		if (!wanted)
			look(n, kind, j);
		else if (strcmp(kind, wanted) == 0)
			use(n, j);
	}
}

static void read_rule(struct rf_nftj *n, json_t *j)
{
	rf_nftj_rule(n, j);
}

int rf_read_nft_json(struct rf_view bytes, const char *name, struct rf_ruleset *ret_rs, struct rf_diag *diag)
{
	struct rf_nftj n = { .rs = ret_rs };
	json_error_t e = { 0 };
	json_t *root = NULL;

	rf_ruleset_init(ret_rs, name, "nftables");
	ret_rs->tracks = ret_rs->reassembles = true;
	if (bytes.n > RF_RS_FILE_MAX)
		rf_rs_fail(ret_rs, RF_E_LIMIT, 0, "more than %d MiB of rules", RF_RS_FILE_MAX / 1024 / 1024);
	else if (!(root = json_loadb((const char *)bytes.p, bytes.n, JSON_REJECT_DUPLICATES, &e)))
		rf_rs_fail(ret_rs, json_error_code(&e) == json_error_out_of_memory ? -ENOMEM : RF_E_MALFORMED,
			   e.line > 0 ? (uint32_t)e.line : 0, "no JSON: %s", e.text);
	n.items = json_object_get(root, "nftables");
	if (root && !json_is_array(n.items))
		rf_rs_fail(ret_rs, RF_E_MALFORMED, 0, "no list of rules: make one with `nft -j list ruleset`");
	each(&n, NULL, NULL);
	each(&n, "chain", read_chain);
	each(&n, "rule", read_rule);
	json_decref(root);
	int rc = rf_ruleset_check(ret_rs);
	if (rc) {
		if (diag)
			*diag = ret_rs->diag;
		rf_ruleset_fini(ret_rs);
	}
	return rc;
}
