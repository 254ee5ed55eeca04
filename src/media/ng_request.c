/* From a message to struct rf_ng_request: each key and each flag is looked up among the words (ng_words.h), and its row
 * says how it is read. What is said twice must say the same. */
#include <stdarg.h>
#include <stdio.h>

#include "media/ng_words.h"

struct reading {
	struct rf_ng_request *req;
	struct rf_arena *arena;
	struct rf_diag *d;
};

/* A name from outside for a sentence: short, and without what could spoil a terminal. */
struct shown {
	char text[96];
};

static struct shown show(struct rf_view v)
{
	struct shown s;
	struct rf_writer w;

	rf_writer_init(&w, s.text, sizeof s.text - 4);
	rf_put_json(&w, rf_view_sub(v, 0, 40));
	memcpy(s.text + w.n, v.n > 40 || w.err ? "..." : "", v.n > 40 || w.err ? 4 : 1);
	return s;
}

void rf_ng_warn(const struct rf_ng_request *req, const char *fmt, ...)
{
	struct rf_ng_notes *notes = req->notes;
	va_list ap;

	if (!notes || notes->cut)
		return;
	size_t gap = notes->n ? 2 : 0, left = sizeof notes->text - notes->n;
	char text[sizeof notes->text];

	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n + gap > left) {
		notes->cut = true;
		return;
	}
	memcpy(notes->text + notes->n, "; ", gap);
	memcpy(notes->text + notes->n + gap, text, (size_t)n);
	notes->n += gap + (size_t)n;
}

static int wrong(const struct reading *rd, const struct rf_ng_word *w, const char *what)
{
	return rf_diag_set(rd->d, RF_E_INVALID, "\"%s\" %s", w->name, what);
}

static int twice(const struct reading *rd, const struct rf_ng_word *w)
{
	return wrong(rd, w, "is given twice, and not the same");
}

static void *field(const struct reading *rd, size_t at)
{
	return (char *)rd->req + at;
}

static bool is_text(struct rf_view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] < 0x20 || v.p[i] == 0x7f)
			return false;
	return true;
}

static int bounded(const struct reading *rd, const struct rf_ng_word *w, const struct rf_ng_value *v)
{
	if (v->type != RF_NG_STRING)
		return wrong(rd, w, "wants a string");
	if (v->str.n > (size_t)w->y)
		return rf_diag_set(rd->d, RF_E_LIMIT, "\"%s\" is longer than %d bytes", w->name, (int)w->y);
	if (w->form != RF_NG_FORM_BYTES && !is_text(v->str))
		return wrong(rd, w, "has control characters in it");
	return 0;
}

static int take_text(struct reading *rd, const struct rf_ng_word *w, const struct rf_ng_value *v)
{
	struct rf_view *to = field(rd, w->at);
	int err = bounded(rd, w, v);

	if (err < 0)
		return err;
	if (to->n && !rf_view_eq(*to, v->str))
		return twice(rd, w);
	*to = v->str;
	return 0;
}

/* An integer, or a string of digits with or without a minus. */
static bool as_int(const struct rf_ng_value *v, int64_t *ret)
{
	if (v->type == RF_NG_INT) {
		*ret = v->num;
		return true;
	}
	bool minus = v->type == RF_NG_STRING && v->str.n && v->str.p[0] == '-';
	uint64_t x;

	if (v->type != RF_NG_STRING || !rf_view_u64(rf_view_from(v->str, minus), INT32_MAX, &x))
		return false;
	*ret = minus ? -(int64_t)x : (int64_t)x;
	return true;
}

static int put_int(const struct reading *rd, const struct rf_ng_word *w, int64_t x)
{
	struct rf_ng_int *to = field(rd, w->at);

	if (to->set && to->v != x)
		return twice(rd, w);
	*to = (struct rf_ng_int){ .v = (int32_t)x, .set = true };
	return 0;
}

static int take_int(struct reading *rd, const struct rf_ng_word *w, const struct rf_ng_value *v)
{
	int64_t x;

	if (!as_int(v, &x))
		return wrong(rd, w, "wants an integer");
	if (x < w->x || x > w->y)
		return rf_diag_set(rd->d, RF_E_INVALID, "\"%s\" is not within %d to %d", w->name, (int)w->x, (int)w->y);
	if (w->at == offsetof(struct rf_ng_request, tos) && (x < 0 || x > 255))
		return 0;
	if (w->at == offsetof(struct rf_ng_request, volume) && x < 0)
		x = -x;
	return put_int(rd, w, x);
}

static int take_code(struct reading *rd, const struct rf_ng_word *w, const struct rf_ng_value *v)
{
	static const char events[] = "0123456789*#ABCD";
	int64_t x;

	if (v->type == RF_NG_STRING && v->str.n == 1) {
		uint8_t c = v->str.p[0];
		const char *at = c ? strchr(events, c >= 'a' && c <= 'd' ? c - 0x20 : c) : NULL;

		if (!at)
			return wrong(rd, w, "is not an event of DTMF (0-9, *, #, A-D)");
		return put_int(rd, w, at - events);
	}
	if (!as_int(v, &x) || x < 0 || x > 15)
		return wrong(rd, w, "is not an event of DTMF (0-15)");
	return put_int(rd, w, x);
}

/* What a fate other than DONE says: 0 go on. */
static int fate(const struct reading *rd, const struct rf_ng_word *w, enum rf_ng_fate f, const char *choice,
		const char *reason)
{
	const char *eq = choice ? "=" : "";

	if (f == RF_NG_IGNORED)
		rf_ng_warn(rd->req, "\"%s%s%s\" is not done: %s", w->name, eq, choice ? choice : "", reason);
	return f != RF_NG_REFUSED ? 0
				  : rf_diag_set(rd->d, RF_E_UNSUPPORTED, "\"%s%s%s\" is refused: %s", w->name, eq,
						choice ? choice : "", reason);
}

/* Append to a list; its room is taken whole with the first entry. */
static int append(const struct reading *rd, const struct rf_ng_word *w, size_t at, struct rf_view v)
{
	struct rf_ng_list *list = field(rd, at);

	if (!list->v && !(list->v = rf_arena_array(rd->arena, RF_NG_LIST_MAX, sizeof(*list->v))))
		return rf_diag_set(rd->d, -ENOMEM, "out of memory");
	if (list->n == RF_NG_LIST_MAX)
		return rf_diag_set(rd->d, RF_E_LIMIT, "\"%s\" has more than %d entries", w->name, RF_NG_LIST_MAX);
	((struct rf_view *)(uintptr_t)list->v)[list->n++] = v;
	return 0;
}

static const struct rf_ng_choice *choice_of(const struct rf_ng_word *w, struct rf_view v, struct rf_view *ret_rest)
{
	for (const struct rf_ng_choice *c = w->choices; c->name; c++) {
		size_t n = strlen(c->name);

		if (c->list && v.n > n && rf_ng_is(rf_view_sub(v, 0, n), c->name)) {
			*ret_rest = rf_view_from(v, n);
			return c;
		}
		if (!c->list && rf_ng_is(v, c->name))
			return c;
	}
	return NULL;
}

static int unknown_choice(const struct reading *rd, const struct rf_ng_word *w, struct rf_view v, bool strict)
{
	if (strict)
		return rf_diag_set(rd->d, RF_E_INVALID, "\"%s\" may not be \"%s\"", w->name, show(v).text);
	rf_ng_warn(rd->req, "\"%s=%s\" is not known", w->name, show(v).text);
	return 0;
}

/* One string for an ENUM or BITS. */
static int take_choice(struct reading *rd, const struct rf_ng_word *w, struct rf_view v)
{
	struct rf_view rest = { NULL, 0 };
	const struct rf_ng_choice *c = choice_of(w, v, &rest);

	if (!c)
		return unknown_choice(rd, w, v, w->form == RF_NG_FORM_ENUM || w->x);
	int err = fate(rd, w, c->fate, show(v).text, c->reason);
	if (err < 0 || (!c->value && !c->list))
		return err;
	if (c->list)
		return append(rd, w, c->list, rest);
	if (w->form == RF_NG_FORM_BITS) {
		*(uint8_t *)field(rd, w->at) |= (uint8_t)c->value;
		return 0;
	}
	unsigned *to = field(rd, w->at); /* every enum is one */
	if (*to && *to != c->value)
		return twice(rd, w);
	*to = c->value;
	return 0;
}

static int take_item(struct reading *rd, const struct rf_ng_word *w, const struct rf_ng_value *v)
{
	struct rf_ng_word text = { .name = w->name, .form = RF_NG_FORM_TEXT, .y = RF_NG_WORD_MAX };

	if (w->form == RF_NG_FORM_LIST)
		text.y = w->y;
	int err = bounded(rd, &text, v);
	if (err < 0)
		return err;
	return w->form == RF_NG_FORM_LIST ? append(rd, w, w->at, v->str) : take_choice(rd, w, v->str);
}

/* A list of strings, or one string alone. */
static int take_items(struct reading *rd, const struct rf_ng_word *w, const struct rf_ng_value *v)
{
	if (v->type != RF_NG_LIST)
		return take_item(rd, w, v);
	if (v->count > RF_NG_LIST_MAX)
		return rf_diag_set(rd->d, RF_E_LIMIT, "\"%s\" has more than %d entries", w->name, RF_NG_LIST_MAX);
	int err = 0;
	for (const struct rf_ng_value *x = v->first; x && err == 0; x = x->next)
		err = take_item(rd, w, x);
	return err;
}

static int put_address(const struct reading *rd, const struct rf_ng_word *w, struct rf_view text, unsigned family)
{
	struct rf_addr *to = field(rd, w->at), a;

	if (rf_addr_parse(text, 0, &a) < 0 || a.port || a.scope || (family && a.family != family))
		return wrong(rd, w, family ? "is not an address of its family" : "is not an IP address");
	if (rf_addr_is_any(&a) || rf_addr_is_multicast(&a))
		return wrong(rd, w, "is not the address of one host");
	if (to->family && !rf_addr_eq(to, &a))
		return twice(rd, w);
	*to = a;
	return 0;
}

static int take_address(struct reading *rd, const struct rf_ng_word *w, const struct rf_ng_value *v)
{
	return v->type != RF_NG_STRING ? wrong(rd, w, "wants a string") : put_address(rd, w, v->str, 0);
}

/* The two strings of a list; NULL: something else. */
static const struct rf_ng_value *two(const struct rf_ng_value *v)
{
	const struct rf_ng_value *a = v->type == RF_NG_LIST && v->count == 2 ? v->first : NULL;

	return a && a->type == RF_NG_STRING && a->next->type == RF_NG_STRING ? a : NULL;
}

static int take_source(struct reading *rd, const struct rf_ng_word *w, const struct rf_ng_value *v)
{
	const struct rf_ng_value *a = two(v);

	if (!a || !(rf_ng_is(a->str, "IP4|IP6")))
		return wrong(rd, w, "wants a list: IP4 or IP6, and an address");
	return put_address(rd, w, a->next->str, rf_ng_is(a->str, "IP4") ? 4 : 6);
}

static int take_pair(struct reading *rd, const struct rf_ng_word *w, const struct rf_ng_value *v)
{
	const struct rf_ng_value *a = two(v);
	struct rf_view *to = field(rd, w->at);

	if (!a)
		return wrong(rd, w, "wants a list of two strings");
	int err = bounded(rd, w, a);
	if (err == 0)
		err = bounded(rd, w, a->next);
	if (err < 0)
		return err;
	if (to[0].n && !(rf_view_eq(to[0], a->str) && rf_view_eq(to[1], a->next->str)))
		return twice(rd, w);
	to[0] = a->str;
	to[1] = a->next->str;
	return 0;
}

static int take_command(struct reading *rd, const struct rf_ng_word *w, const struct rf_ng_value *v)
{
	if (v->type != RF_NG_STRING)
		return wrong(rd, w, "wants a string");
	for (unsigned c = 0; c < RF_NG_COMMANDS; c++)
		if (rf_ng_is(v->str, rf_ng_commands[c].name)) {
			rd->req->command = (enum rf_ng_command)c;
			return 0;
		}
	return rf_diag_set(rd->d, RF_E_UNSUPPORTED, "the command \"%s\" is not known", show(v->str).text);
}

/* Is a word that asks for something switched off by its value? A flag as key: on or off; others: 0. */
static int is_off(const struct reading *rd, const struct rf_ng_word *w, const struct rf_ng_value *v, bool *ret_off)
{
	int64_t x;
	bool num = as_int(v, &x);

	*ret_off = num ? x == 0 : v->type == RF_NG_STRING && rf_ng_is(v->str, "off|no|false");
	if (w->form != RF_NG_FORM_FLAG || *ret_off || (num && x == 1) ||
	    (v->type == RF_NG_STRING && rf_ng_is(v->str, "on|yes|true")))
		return 0;
	return wrong(rd, w, "wants on or off");
}

static int take_flags(struct reading *rd, const struct rf_ng_word *w, const struct rf_ng_value *v);
static int take_codecs(struct reading *rd, const struct rf_ng_word *w, const struct rf_ng_value *v);

static int take_flag(struct reading *rd, const struct rf_ng_word *w, const struct rf_ng_value *v)
{
	bool off = false;
	int err = is_off(rd, w, v, &off);

	if (err == 0 && !off && w->form == RF_NG_FORM_FLAG && w->x >= 0)
		rd->req->flags |= UINT64_C(1) << w->x;
	return err < 0 || off ? err : fate(rd, w, w->fate, NULL, w->reason);
}

typedef int take_fn(struct reading *rd, const struct rf_ng_word *w, const struct rf_ng_value *v);

static take_fn *const takes[] = {
	[RF_NG_FORM_FLAG] = take_flag,   [RF_NG_FORM_TEXT] = take_text,       [RF_NG_FORM_BYTES] = take_text,
	[RF_NG_FORM_INT] = take_int,     [RF_NG_FORM_ENUM] = take_item,       [RF_NG_FORM_BITS] = take_items,
	[RF_NG_FORM_LIST] = take_items,  [RF_NG_FORM_ADDRESS] = take_address, [RF_NG_FORM_SOURCE] = take_source,
	[RF_NG_FORM_PAIR] = take_pair,   [RF_NG_FORM_CODE] = take_code,       [RF_NG_FORM_CODECS] = take_codecs,
	[RF_NG_FORM_FLAGS] = take_flags, [RF_NG_FORM_COMMAND] = take_command, [RF_NG_FORM_NONE] = take_flag,
};

static int take_one_flag(struct reading *rd, const struct rf_ng_word *flags, struct rf_view v);

static int take(struct reading *rd, const struct rf_ng_word *w, const struct rf_ng_value *v)
{
	bool off = false;

	if (w->form == RF_NG_FORM_SAME) {
		int err = is_off(rd, &(struct rf_ng_word){ .name = w->name, .form = RF_NG_FORM_FLAG }, v, &off);

		return err < 0 || off ? err : take_one_flag(rd, w, rf_view_str(w->alias));
	}
	int err = takes[w->form](rd, w, v);
	if (err < 0 || w->form == RF_NG_FORM_FLAG || w->form == RF_NG_FORM_NONE)
		return err;
	return fate(rd, w, w->fate, NULL, w->reason);
}

/* "name=value" or "name-value": the word with the longest such name. */
static const struct rf_ng_word *with_value(struct rf_view v, struct rf_view *ret_value)
{
	const struct rf_ng_word *best = NULL;
	size_t eq = rf_view_find(v, '='), longest = 0;

	if (eq < v.n) {
		*ret_value = rf_view_from(v, eq + 1);
		best = rf_ng_word_find(rf_view_sub(v, 0, eq));
		if (best && (best->in_flags || best->form == RF_NG_FORM_FLAG))
			return best;
		best = NULL;
	}
	for (size_t i = 0; i < rf_ng_words_n; i++) {
		const struct rf_ng_word *w = &rf_ng_words[i];
		size_t n = w->in_flags ? rf_ng_begins(v, w->name) : 0;

		if (!n && w->in_flags && w->also)
			n = rf_ng_begins(v, w->also);
		if (n > longest) {
			longest = n;
			best = w;
		}
	}
	if (best)
		*ret_value = rf_view_from(v, longest + 1);
	return best;
}

static int take_one_flag(struct reading *rd, const struct rf_ng_word *flags, struct rf_view v)
{
	static const struct rf_ng_value on = { .type = RF_NG_INT, .num = 1 };
	struct rf_ng_value value = { .type = RF_NG_STRING };
	const struct rf_ng_word *w;

	if (v.n > 2 * RF_NG_WORD_MAX || !is_text(v))
		return v.n > 2 * RF_NG_WORD_MAX
			       ? rf_diag_set(rd->d, RF_E_LIMIT, "\"%s\": an entry is too long", flags->name)
			       : wrong(rd, flags, "has control characters in it");
	w = rf_ng_word_find(v);
	if (w)
		return w->form == RF_NG_FORM_FLAG || w->form == RF_NG_FORM_SAME || w->form == RF_NG_FORM_NONE ?
			take(rd, w, &on) : wrong(rd, w, "wants a value");
	w = with_value(v, &value.str);
	if (w)
		return take(rd, w, &value);
	rf_ng_warn(rd->req, "the flag \"%s\" is not known", show(v).text);
	return 0;
}

static int take_flags(struct reading *rd, const struct rf_ng_word *w, const struct rf_ng_value *v)
{
	int err = 0;

	if (v->type != RF_NG_LIST)
		return wrong(rd, w, "wants a list");
	if (v->count > 2 * RF_NG_LIST_MAX)
		return rf_diag_set(rd->d, RF_E_LIMIT, "\"%s\" has more than %d entries", w->name, 2 * RF_NG_LIST_MAX);
	for (const struct rf_ng_value *x = v->first; x && err == 0; x = x->next)
		err = x->type == RF_NG_STRING ? take_one_flag(rd, w, x->str) : wrong(rd, w, "wants strings");
	return err;
}

static int take_codecs(struct reading *rd, const struct rf_ng_word *w, const struct rf_ng_value *v)
{
	int err = 0;

	if (v->type != RF_NG_DICT)
		return wrong(rd, w, "wants a dictionary");
	for (const struct rf_ng_value *x = v->first; x && err == 0; x = x->next) {
		char name[64];
		int n = snprintf(name, sizeof name, "codec-%.*s", x->key.n < 32 ? (int)x->key.n : 32,
				 (const char *)x->key.p);
		const struct rf_ng_word *row = rf_ng_word_find(rf_view_of(name, (size_t)n));

		if (row)
			err = take(rd, row, x);
		else
			rf_ng_warn(rd->req, "\"codec\": \"%s\" is not known", show(x->key).text);
	}
	return err;
}

/* ---- the whole */

static int whole(const struct reading *rd)
{
	const struct rf_ng_request *q = rd->req;
	const struct rf_ng_command_row *c = &rf_ng_commands[q->command];
	const struct { unsigned bit; bool there; const char *name; } needs[] = {
		{ RF_NG_NEEDS_CALL, q->call_id.n, "call-id" }, { RF_NG_NEEDS_FROM, q->from_tag.n, "from-tag" },
		{ RF_NG_NEEDS_TO, q->to_tag.n, "to-tag" }, { RF_NG_NEEDS_SDP, q->sdp.n, "sdp" },
		{ RF_NG_NEEDS_CODE, q->code.set, "code" },
	};

	if (c->fate == RF_NG_REFUSED)
		return rf_diag_set(rd->d, RF_E_UNSUPPORTED, "\"%s\" is refused: %s", c->name, c->reason);
	for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
		if ((c->needs & needs[i].bit) && !needs[i].there)
			return rf_diag_set(rd->d, RF_E_INVALID, "\"%s\" needs \"%s\"", c->name, needs[i].name);
	/* Where media goes, named by a word that this command does not read: never left out without a word. */
	if (q->interface.n && q->command != RF_NG_SUBSCRIBE_REQUEST)
		rf_ng_warn(q, "\"interface\" is not read with \"%s\": an offer has \"direction\", with "
			      "an interface for each side", c->name);
	for (size_t i = 0; i < rf_ng_quarrels_n; i++)
		if (rf_ng_has(q, rf_ng_quarrels[i].a) && rf_ng_has(q, rf_ng_quarrels[i].b))
			return rf_diag_set(rd->d, RF_E_INVALID, "\"%s\" and \"%s\" contradict each other",
					   rf_ng_flag_name(rf_ng_quarrels[i].a), rf_ng_flag_name(rf_ng_quarrels[i].b));
	return 0;
}

static int read_all(struct reading *rd, const struct rf_ng_value *top)
{
	bool command = false;
	int err = 0;

	if (top->type != RF_NG_DICT)
		return rf_diag_set(rd->d, RF_E_MALFORMED, "a request is a dictionary");
	for (const struct rf_ng_value *v = top->first; v && err == 0; v = v->next) {
		const struct rf_ng_word *w = rf_ng_word_find(v->key);

		if (!w) {
			rf_ng_warn(rd->req, "the key \"%s\" is not known", show(v->key).text);
			continue;
		}
		if (w->form == RF_NG_FORM_COMMAND && command)
			return twice(rd, w);
		command |= w->form == RF_NG_FORM_COMMAND;
		err = take(rd, w, v);
	}
	if (err == 0 && !command)
		err = rf_diag_set(rd->d, RF_E_INVALID, "there is no \"command\"");
	return err < 0 ? err : whole(rd);
}

int rf_ng_request_parse(struct rf_view message, struct rf_arena *arena, struct rf_ng_request *ret_req,
			struct rf_diag *d)
{
	struct rf_ng_value *top = NULL;
	struct reading rd = { ret_req, arena, d };

	memset(ret_req, 0, sizeof(*ret_req));
	int err = rf_ng_message_parse(message, arena, &ret_req->cookie, &ret_req->encoding, &top, d);
	if (err == 0 && !(ret_req->notes = rf_arena_zalloc(arena, sizeof(*ret_req->notes))))
		err = rf_diag_set(d, -ENOMEM, "out of memory");
	return err < 0 ? err : read_all(&rd, top);
}
