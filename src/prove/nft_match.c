/* Matches of nftables: left side, operator, right side. */
#include "prove/nft_int.h"

#include <arpa/inet.h>

/* --- values */

static json_t *only(json_t *j, const char *key)
{
	return json_is_object(j) && json_object_size(j) == 1 ? json_object_get(j, key) : NULL;
}

/* A number, a name, or several of them as bits. */
static bool number(const struct rf_nftj_left *left, unsigned at, json_t *j, uint32_t *ret)
{
	json_t *all = json_is_array(j) ? j : only(j, "|"), *x;
	uint32_t one;
	size_t i;

	if (json_is_integer(j)) {
		json_int_t v = json_integer_value(j);

		*ret = (uint32_t)v;
		/* States and families have names; only the version of IP is its own number. */
		return v >= 0 && v <= UINT32_MAX && left->fields[at] != RF_RS_STATE
		       && (left->fields[at] != RF_RS_FAMILY || v == 4 || v == 6);
	}
	if (json_is_string(j))
		return rf_nftj_number(left->fields[at], left->v6[at], json_string_value(j), ret);
	if (!all || left->fields[at] == RF_RS_STATE)
		return false;
	*ret = 0;
	json_array_foreach(all, i, x) {
		if (!number(left, at, x, &one))
			return false;
		*ret |= one;
	}
	return true;
}

static bool address(const char *text, uint8_t *ret_family, uint8_t ret_b[static 16])
{
	memset(ret_b, 0, 16);
	*ret_family = strchr(text, ':') ? 6 : 4;
	return inet_pton(*ret_family == 6 ? AF_INET6 : AF_INET, text, ret_b) == 1;
}

static bool address_cell(json_t *j, struct rf_rs_cell *ret_cell)
{
	json_t *prefix = only(j, "prefix"), *range = only(j, "range");
	uint8_t family, other, lo[16], hi[16];
	const char *text = json_string_value(prefix ? json_object_get(prefix, "addr") : range ? json_array_get(range, 0) : j);
	json_int_t bits = json_integer_value(json_object_get(prefix, "len"));

	if (!text || !address(text, &family, lo))
		return false;
	if (prefix) {
		*ret_cell = rf_rs_prefix(family, lo, (unsigned)bits);
		return bits >= 0 && bits <= (family == 4 ? 32 : 128);
	}
	text = range ? json_string_value(json_array_get(range, 1)) : text;
	if (!text || !address(text, &other, hi) || other != family)
		return false;
	*ret_cell = rf_rs_span(family, lo, hi);
	return true;
}

static bool interface_cell(struct rf_nftj *n, const struct rf_nftj_left *left, json_t *j, struct rf_rs_cell *ret_cell)
{
	const char *name = json_string_value(j);

	if (!name)
		return false;
	if (left->what && strcmp(name, "loopback"))
		return false; /* of the types of interfaces only this one is known */
	*ret_cell = rf_rs_interface(n->rs, left->what ? RF_V("lo") : rf_view_str(name));
	return true;
}

static int cell(struct rf_nftj *n, const struct rf_nftj_left *left, unsigned at, json_t *j, struct rf_rs_cell *ret_cell)
{
	json_t *range = only(j, "range");
	uint8_t field = left->fields[at];
	uint32_t lo, hi;
	char what[160];
	bool ok;

	if (field == RF_RS_SRC || field == RF_RS_DST) {
		ok = address_cell(j, ret_cell);
	} else if (field == RF_RS_IN || field == RF_RS_OUT) {
		ok = interface_cell(n, left, j, ret_cell);
	} else {
		ok = number(left, at, range ? json_array_get(range, 0) : j, &lo);
		hi = lo;
		if (ok && range)
			ok = number(left, at, json_array_get(range, 1), &hi);
		if (ok)
			*ret_cell = rf_rs_num(lo, hi);
	}
	return ok ? n->rs->err : rf_nftj_fail(n, RF_E_UNSUPPORTED, "the prover does not know this value: %s",
					     rf_nftj_short(j, what, sizeof what));
}

int rf_nftj_cells(struct rf_nftj *n, const struct rf_nftj_left *left, json_t *j, struct rf_rs_cell *ret_cells)
{
	json_t *parts = only(j, "concat"), *element = only(j, "elem");

	if (element)
		return rf_nftj_cells(n, left, json_object_get(element, "val"), ret_cells);
	if (left->n == 1 && !parts)
		return cell(n, left, 0, j, &ret_cells[0]);
	if (json_array_size(parts) != left->n)
		return rf_nftj_fail(n, RF_E_MALFORMED, "a value of %zu parts where %u are looked at",
				    json_array_size(parts), left->n);
	for (unsigned i = 0; i < left->n && !n->rs->err; i++)
		cell(n, left, i, json_array_get(parts, i), &ret_cells[i]);
	return n->rs->err;
}

int rf_nftj_rows(struct rf_nftj *n, struct rf_rs_set *set, const struct rf_nftj_left *left, json_t *elements)
{
	struct rf_rs_cell cells[RF_RS_FIELDS_MAX];
	json_t *x;
	size_t i;

	json_array_foreach(elements, i, x)
		if (rf_nftj_cells(n, left, json_is_array(x) ? json_array_get(x, 0) : x, cells) == 0)
			rf_rs_row(n->rs, set, cells);
	return n->rs->err;
}

/* --- operators */

static int match_set(struct rf_nftj *n, struct rf_rs_rule *r, const struct rf_nftj_left *left, json_t *elements,
		     bool negate)
{
	struct rf_rs_set *set = rf_rs_set(n->rs, (struct rf_view){ 0 }, left->n);

	if (set && rf_nftj_rows(n, set, left, elements) == 0)
		rf_rs_match_set(n->rs, r, set, left->fields, left->n, negate);
	return n->rs->err;
}

static int match_named(struct rf_nftj *n, struct rf_rs_rule *r, const struct rf_nftj_left *left, const char *name,
		       bool negate)
{
	struct rf_rs_set *set = rf_nftj_set(n, name, left);

	if (set)
		rf_rs_match_set(n->rs, r, set, left->fields, left->n, negate);
	return n->rs->err;
}

/* field & mask == value. */
static int match_masked(struct rf_nftj *n, struct rf_rs_rule *r, const struct rf_nftj_left *left, json_t *right,
			bool negate)
{
	struct rf_rs_cell c = { .kind = RF_RS_MASK }, mask, value;
	struct rf_nftj_left plain = *left;

	if (left->fields[0] == RF_RS_STATE || left->fields[0] == RF_RS_IN || left->fields[0] == RF_RS_OUT)
		return rf_nftj_fail(n, RF_E_UNSUPPORTED, "a mask on states or interfaces");
	if (cell(n, &plain, 0, left->mask, &mask) || cell(n, &plain, 0, right, &value))
		return n->rs->err;
	c.family = value.family;
	if (left->fields[0] == RF_RS_SRC || left->fields[0] == RF_RS_DST) {
		memcpy(c.ip.lo, value.ip.lo, 16);
		memcpy(c.ip.hi, mask.ip.lo, 16);
	} else {
		c.num.lo = value.num.lo;
		c.num.hi = mask.num.lo;
	}
	rf_rs_match_cell(n->rs, r, left->fields[0], c, negate);
	return n->rs->err;
}

/* One of the bits (op "in"), or none (op "!"). */
static int match_bits(struct rf_nftj *n, struct rf_rs_rule *r, const struct rf_nftj_left *left, json_t *right,
		      bool none)
{
	json_t *list = json_is_array(right) ? right : only(right, "|");
	struct rf_rs_cell c = { .kind = RF_RS_MASK };

	if (left->fields[0] == RF_RS_STATE) {
		json_t *wrapped = list ? json_incref(list) : json_pack("[O]", right);

		match_set(n, r, left, wrapped, none);
		json_decref(wrapped);
		return n->rs->err;
	}
	if (!number(left, 0, right, &c.num.hi))
		return rf_nftj_fail(n, RF_E_UNSUPPORTED, "bits that the prover does not know");
	rf_rs_match_cell(n->rs, r, left->fields[0], c, !none);
	return n->rs->err;
}

/* <, >, <=, >= of numbers. */
static int match_order(struct rf_nftj *n, struct rf_rs_rule *r, const struct rf_nftj_left *left, const char *op,
		       json_t *right)
{
	static const uint32_t most[RF_RS_FIELDS] = {
		[RF_RS_PROTO] = 255, [RF_RS_SPORT] = 65535, [RF_RS_DPORT] = 65535, [RF_RS_ICMP_TYPE] = 255,
		[RF_RS_ICMP_CODE] = 255, [RF_RS_MARK] = UINT32_MAX, [RF_RS_DSCP] = 63,
	};
	uint32_t x, max = most[left->fields[0]];

	if (!max || !number(left, 0, right, &x) || x > max)
		return rf_nftj_fail(n, RF_E_UNSUPPORTED, "an order (%s) that the prover does not know", op);
	bool less = op[0] == '<', equal = op[1] == '=';
	if (!equal && x == (less ? 0 : max)) { /* nothing is less than nothing */
		struct rf_rs_set *none = rf_rs_set(n->rs, (struct rf_view){ 0 }, 1);

		if (none)
			rf_rs_match_set(n->rs, r, none, left->fields, 1, false);
		return n->rs->err;
	}
	if (less)
		rf_rs_match_num(n->rs, r, left->fields[0], 0, equal ? x : x - 1, false);
	else
		rf_rs_match_num(n->rs, r, left->fields[0], equal ? x : x + 1, max, false);
	return n->rs->err;
}

static int match_fields(struct rf_nftj *n, struct rf_rs_rule *r, const struct rf_nftj_left *left, const char *op,
			json_t *right)
{
	bool negate = strcmp(op, "!=") == 0, equal = strcmp(op, "==") == 0;
	json_t *set = only(right, "set"), *bits = json_is_array(right) ? right : only(right, "|");
	const char *text = json_string_value(right);

	if (left->n == 1 && (strcmp(op, "in") == 0 || strcmp(op, "!") == 0))
		return match_bits(n, r, left, right, op[0] == '!');
	if (left->n == 1 && (op[0] == '<' || op[0] == '>'))
		return match_order(n, r, left, op, right);
	if (!negate && !equal)
		return rf_nftj_fail(n, RF_E_UNSUPPORTED, "the operator \"%s\" is not known", op);
	if (left->mask)
		return match_masked(n, r, left, right, negate);
	if (set)
		return match_set(n, r, left, set, negate);
	if (text && text[0] == '@')
		return match_named(n, r, left, text + 1, negate);
	/* A state is one bit, so it never is two of them at once. */
	if (left->n == 1 && left->fields[0] == RF_RS_STATE && bits)
		return match_set(n, r, left, NULL, negate);
	json_t *one = json_pack("[O]", right);
	match_set(n, r, left, one, negate);
	json_decref(one);
	return n->rs->err;
}

static int match_rpf(struct rf_nftj *n, struct rf_rs_rule *r, const char *op, json_t *right)
{
	bool none = json_is_false(right) || (json_is_string(right) && strcmp(json_string_value(right), "0") == 0)
		    || (json_is_integer(right) && json_integer_value(right) == 0);

	if ((!none && !json_is_true(right)) || (strcmp(op, "==") && strcmp(op, "!=")))
		return rf_nftj_fail(n, RF_E_UNSUPPORTED,
				    "`fib saddr . iif oif` is understood with `missing`, `exists` and 0 only");
	rf_rs_match_kind(n->rs, r, RF_RS_RPF, none == (op[0] == '='));
	return n->rs->err;
}

static int match_type(struct rf_nftj *n, struct rf_rs_rule *r, const char *op, json_t *right)
{
	static const struct { const char *name; uint8_t bit; } names[] = {
		{ "local", RF_RS_TO_SELF }, { "broadcast", RF_RS_TO_BROADCAST }, { "multicast", RF_RS_TO_MULTICAST },
		{ "unicast", RF_RS_TO_OTHERS }, { "anycast", 0 },
	};
	json_t *set = only(right, "set"), *list = set ? json_incref(set) : json_pack("[O]", right), *x;
	uint8_t types = 0;
	size_t i, k;

	json_array_foreach(list, i, x) {
		const char *s = json_string_value(x);

		for (k = 0; k < sizeof names / sizeof *names && (!s || strcmp(s, names[k].name)); k++)
			;
		if (k == sizeof names / sizeof *names)
			rf_nftj_fail(n, RF_E_UNSUPPORTED, "`fib daddr type` with a type that is not known");
		else
			types |= names[k].bit;
	}
	json_decref(list);
	if (strcmp(op, "==") && strcmp(op, "!="))
		rf_nftj_fail(n, RF_E_UNSUPPORTED, "`fib daddr type` with the operator \"%s\"", op);
	struct rf_rs_match *m = n->rs->err ? NULL : rf_rs_match_kind(n->rs, r, RF_RS_LOCAL, op[0] == '!');
	if (m)
		m->types = types;
	return n->rs->err;
}

int rf_nftj_match(struct rf_nftj *n, struct rf_rs_rule *r, json_t *j)
{
	const char *op = rf_nftj_str(j, "op");
	json_t *right = json_object_get(j, "right");
	struct rf_nftj_left left;

	if (!right)
		return rf_nftj_fail(n, RF_E_MALFORMED, "a match without a right side");
	if (rf_nftj_left(n, r, json_object_get(j, "left"), &left))
		return n->rs->err;
	switch (left.kind) {
	case RF_NFTJ_RPF:
		return match_rpf(n, r, op, right);
	case RF_NFTJ_TYPE:
		return match_type(n, r, op, right);
	case RF_NFTJ_CHANCE:
		/* "exists" turned round, or "is not": then the ordinary packet is the one that fits. */
		if (left.rest == RF_RS_REST_NO && (json_is_false(right) || strcmp(op, "!=") == 0))
			left.rest = RF_RS_REST_YES;
		rf_rs_match_sometimes(n->rs, r, left.rest, left.what);
		return n->rs->err;
	default:
		return match_fields(n, r, &left, op, right);
	}
}
