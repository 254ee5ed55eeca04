/* A rule of nftables for people, near to how nft writes it. What has no short form is shown as JSON. */
#include "base/writer.h"
#include "prove/nft_int.h"

#include <stdlib.h>

enum { DEPTH_MAX = 8, LIST_MAX = 12 };

static void put(struct rf_writer *w, json_t *j, unsigned depth);

static void put_list(struct rf_writer *w, json_t *list, const char *open, const char *between, const char *close,
		     unsigned depth)
{
	json_t *x;
	size_t i;

	rf_put_fmt(w, "%s", open);
	json_array_foreach(list, i, x) {
		if (i == LIST_MAX) {
			rf_put_fmt(w, "%s... %zu in all", between, json_array_size(list));
			break;
		}
		rf_put_fmt(w, "%s", i ? between : "");
		put(w, x, depth);
	}
	rf_put_fmt(w, "%s", close);
}

static void put_match(struct rf_writer *w, json_t *j, unsigned depth)
{
	const char *op = rf_nftj_str(j, "op");
	json_t *right = json_object_get(j, "right");

	put(w, json_object_get(j, "left"), depth);
	rf_put_fmt(w, " %s%s", strcmp(op, "==") && strcmp(op, "in") ? op : "",
		   strcmp(op, "==") && strcmp(op, "in") ? " " : "");
	if (json_is_boolean(right))
		rf_put_fmt(w, "%s", json_is_true(right) ? "exists" : "missing");
	else
		put(w, right, depth);
}

/* Left sides and values: "tcp dport", "10.0.0.0/8", "{ 1, 2 }". */
static bool put_value(struct rf_writer *w, const char *key, json_t *x, unsigned depth)
{
	if (strcmp(key, "payload") == 0)
		rf_put_fmt(w, "%s %s", rf_nftj_str(x, "protocol"), rf_nftj_str(x, "field"));
	else if (strcmp(key, "meta") == 0)
		rf_put_fmt(w, "%s%s", strncmp(rf_nftj_str(x, "key"), "iif", 3) && strncmp(rf_nftj_str(x, "key"), "oif", 3)
			   ? "meta " : "", rf_nftj_str(x, "key"));
	else if (strcmp(key, "ct") == 0)
		rf_put_fmt(w, "ct %s", rf_nftj_str(x, "key"));
	else if (strcmp(key, "prefix") == 0)
		rf_put_fmt(w, "%s/%d", rf_nftj_str(x, "addr"), (int)json_integer_value(json_object_get(x, "len")));
	else if (strcmp(key, "range") == 0)
		put_list(w, x, "", "-", "", depth);
	else if (strcmp(key, "concat") == 0)
		put_list(w, x, "", " . ", "", depth);
	else if (strcmp(key, "set") == 0 && json_is_array(x))
		put_list(w, x, "{ ", ", ", " }", depth);
	else if (strcmp(key, "&") == 0 || strcmp(key, "|") == 0)
		put_list(w, x, "", key[0] == '&' ? " & " : "|", "", depth);
	else if (strcmp(key, "elem") == 0)
		put(w, json_object_get(x, "val"), depth);
	else if (strcmp(key, "fib") == 0) {
		put_list(w, json_object_get(x, "flags"), "fib ", " . ", " ", depth);
		rf_put_fmt(w, "%s", rf_nftj_str(x, "result"));
	} else
		return false;
	return true;
}

static bool put_statement(struct rf_writer *w, const char *key, json_t *x, unsigned depth)
{
	if (strcmp(key, "match") == 0) {
		put_match(w, x, depth);
	} else if (strcmp(key, "jump") == 0 || strcmp(key, "goto") == 0) {
		rf_put_fmt(w, "%s %s", key, rf_nftj_str(x, "target"));
	} else if (strcmp(key, "vmap") == 0) {
		put(w, json_object_get(x, "key"), depth);
		rf_put_lit(w, " vmap ");
		put(w, json_object_get(x, "data"), depth);
	} else if (strcmp(key, "mangle") == 0) {
		put(w, json_object_get(x, "key"), depth);
		rf_put_lit(w, " set ");
		put(w, json_object_get(x, "value"), depth);
	} else if (strcmp(key, "counter") == 0 || strcmp(key, "log") == 0 || strcmp(key, "quota") == 0
		   || strcmp(key, "reject") == 0 || json_is_null(x)) {
		rf_put_fmt(w, "%s", key);
	} else if (strcmp(key, "limit") == 0 && json_is_object(x)) {
		rf_put_fmt(w, "limit rate %s%d/%s", json_is_true(json_object_get(x, "inv")) ? "over " : "",
			   (int)json_integer_value(json_object_get(x, "rate")), rf_nftj_str(x, "per"));
	} else
		return false;
	return true;
}

static void put(struct rf_writer *w, json_t *j, unsigned depth)
{
	const char *key = json_object_size(j) == 1 ? json_object_iter_key(json_object_iter(j)) : NULL;
	json_t *x = key ? json_object_get(j, key) : NULL;

	if (depth >= DEPTH_MAX || w->err) {
		rf_put_lit(w, "...");
	} else if (json_is_string(j)) {
		rf_put_fmt(w, "%s", json_string_value(j));
	} else if (json_is_integer(j)) {
		rf_put_fmt(w, "%lld", (long long)json_integer_value(j));
	} else if (json_is_array(j)) {
		/* An element of a map is a pair. */
		bool pair = json_array_size(j) == 2 && json_is_object(json_array_get(j, 1));

		put_list(w, j, "", pair ? " : " : ",", "", depth + 1);
	} else if (!key || (!put_value(w, key, x, depth + 1) && !put_statement(w, key, x, depth + 1))) {
		char *s = json_dumps(j, JSON_COMPACT | JSON_ENCODE_ANY);

		rf_put_fmt(w, "%s", s ? s : "?");
		free(s);
	}
}

static const char *end(struct rf_writer *w, char *buf, size_t cap)
{
	size_t n = w->n < cap - 1 ? w->n : cap - 1;

	buf[n] = 0;
	if (w->err && n > 3)
		memcpy(buf + n - 3, "...", 3);
	return buf;
}

const char *rf_nftj_short(json_t *j, char *buf, size_t cap)
{
	struct rf_writer w;

	rf_writer_init(&w, buf, cap - 1);
	put(&w, j, 0);
	return end(&w, buf, cap);
}

const char *rf_nftj_text(json_t *expr, char *buf, size_t cap)
{
	struct rf_writer w;
	json_t *x;
	size_t i;

	rf_writer_init(&w, buf, cap - 1);
	json_array_foreach(expr, i, x) {
		rf_put_fmt(&w, "%s", i ? " " : "");
		put(&w, x, 0);
	}
	return end(&w, buf, cap);
}
