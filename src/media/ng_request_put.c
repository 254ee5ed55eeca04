/* From struct rf_ng_request to a message: the words (ng_words.h) in their order, each as its row says. */
#include "media/ng_out.h"
#include "media/ng_words.h"

static const void *field(const struct rf_ng_request *q, size_t at)
{
	return (const char *)q + at;
}

static void put_text(struct rf_ng_out *o, const struct rf_ng_word *w, const struct rf_ng_request *q)
{
	rf_ng_out_member(o, w->name, *(const struct rf_view *)field(q, w->at));
}

static void put_int(struct rf_ng_out *o, const struct rf_ng_word *w, const struct rf_ng_request *q)
{
	const struct rf_ng_int *x = field(q, w->at);

	if (x->set)
		rf_ng_out_number(o, w->name, x->v);
}

static void put_enum(struct rf_ng_out *o, const struct rf_ng_word *w, const struct rf_ng_request *q)
{
	unsigned x = *(const unsigned *)field(q, w->at);

	for (const struct rf_ng_choice *c = w->choices; x && !w->x && c->name; c++)
		if (c->value == x) {
			rf_ng_out_member(o, w->name, rf_ng_first_name(c->name));
			return;
		}
}

static bool has_choice(const struct rf_ng_choice *c, const struct rf_ng_request *q, uint8_t bits)
{
	return c->list ? ((const struct rf_ng_list *)field(q, c->list))->n > 0 : c->value && (bits & c->value);
}

/* "no-" and each name of its list. */
static void put_prefixed(struct rf_ng_out *o, const struct rf_ng_choice *c, const struct rf_ng_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		char text[RF_NG_WORD_MAX + 1];
		struct rf_writer w;
		struct rf_view v;

		rf_writer_init(&w, text, sizeof text);
		rf_put(&w, rf_view_str(c->name));
		rf_put(&w, list->v[i]);
		if (rf_writer_done(&w, &v) == 0)
			rf_ng_out_str(o, v);
		else
			o->w->err = RF_E_LIMIT;
	}
}

static void put_bits(struct rf_ng_out *o, const struct rf_ng_word *w, const struct rf_ng_request *q)
{
	uint8_t bits = *(const uint8_t *)field(q, w->at);
	bool any = false;

	for (const struct rf_ng_choice *c = w->choices; c->name; c++)
		any |= has_choice(c, q, bits);
	if (!any)
		return;
	rf_ng_out_key(o, rf_view_str(w->name));
	rf_ng_out_list(o);
	for (const struct rf_ng_choice *c = w->choices; c->name; c++)
		if (!has_choice(c, q, bits))
			continue;
		else if (c->list)
			put_prefixed(o, c, field(q, c->list));
		else
			rf_ng_out_str(o, rf_ng_first_name(c->name));
	rf_ng_out_end(o);
}

static void put_items(struct rf_ng_out *o, const char *key, const struct rf_ng_list *list)
{
	if (!list->n)
		return;
	rf_ng_out_key(o, rf_view_str(key));
	rf_ng_out_list(o);
	for (size_t i = 0; i < list->n; i++)
		rf_ng_out_str(o, list->v[i]);
	rf_ng_out_end(o);
}

static bool is_codecs(const struct rf_ng_word *w)
{
	return w->form == RF_NG_FORM_LIST && w->at >= offsetof(struct rf_ng_request, codecs) &&
	       w->at < offsetof(struct rf_ng_request, codecs) + sizeof(((struct rf_ng_request *)0)->codecs);
}

static void put_list(struct rf_ng_out *o, const struct rf_ng_word *w, const struct rf_ng_request *q)
{
	if (!is_codecs(w)) /* those stand in "codec" */
		put_items(o, w->name, field(q, w->at));
}

static void put_codecs(struct rf_ng_out *o, const struct rf_ng_word *w, const struct rf_ng_request *q)
{
	bool any = false;

	for (unsigned i = 0; i < RF_NG_CODEC_LISTS; i++)
		any |= q->codecs[i].n > 0;
	if (!any)
		return;
	rf_ng_out_key(o, rf_view_str(w->name));
	rf_ng_out_dict(o);
	for (size_t i = 0; i < rf_ng_words_n; i++)
		if (is_codecs(&rf_ng_words[i]))
			put_items(o, rf_ng_words[i].name + strlen("codec-"), field(q, rf_ng_words[i].at));
	rf_ng_out_end(o);
}

static void put_host(struct rf_ng_out *o, const struct rf_addr *a)
{
	char text[RF_ADDR_TEXT];
	struct rf_writer w;

	rf_writer_init(&w, text, sizeof text);
	rf_addr_put_host(&w, a, false);
	rf_ng_out_str(o, rf_view_of(text, w.n));
}

static void put_address(struct rf_ng_out *o, const struct rf_ng_word *w, const struct rf_ng_request *q)
{
	const struct rf_addr *a = field(q, w->at);

	if (!a->family)
		return;
	rf_ng_out_key(o, rf_view_str(w->name));
	if (w->form == RF_NG_FORM_ADDRESS) {
		put_host(o, a);
		return;
	}
	rf_ng_out_list(o);
	rf_ng_out_str(o, a->family == 4 ? RF_V("IP4") : RF_V("IP6"));
	put_host(o, a);
	rf_ng_out_end(o);
}

static void put_pair(struct rf_ng_out *o, const struct rf_ng_word *w, const struct rf_ng_request *q)
{
	const struct rf_view *v = field(q, w->at);

	if (v[0].n || v[1].n)
		put_items(o, w->name, &(struct rf_ng_list){ v, 2 });
}

static void put_flags(struct rf_ng_out *o, const struct rf_ng_word *flags, const struct rf_ng_request *q)
{
	if (!q->flags)
		return;
	rf_ng_out_key(o, rf_view_str(flags->name));
	rf_ng_out_list(o);
	for (size_t i = 0; i < rf_ng_words_n; i++) {
		const struct rf_ng_word *w = &rf_ng_words[i];

		if (w->form == RF_NG_FORM_FLAG && w->x >= 0 && rf_ng_has(q, (enum rf_ng_flag)w->x))
			rf_ng_out_str(o, rf_view_str(w->name));
	}
	rf_ng_out_end(o);
}

static void put_command(struct rf_ng_out *o, const struct rf_ng_word *w, const struct rf_ng_request *q)
{
	rf_ng_out_member(o, w->name, rf_view_str(rf_ng_command_name(q->command)));
}

typedef void put_fn(struct rf_ng_out *o, const struct rf_ng_word *w, const struct rf_ng_request *q);

static put_fn *const puts_[] = {
	[RF_NG_FORM_TEXT] = put_text,       [RF_NG_FORM_BYTES] = put_text,      [RF_NG_FORM_INT] = put_int,
	[RF_NG_FORM_CODE] = put_int,        [RF_NG_FORM_ENUM] = put_enum,       [RF_NG_FORM_BITS] = put_bits,
	[RF_NG_FORM_LIST] = put_list,       [RF_NG_FORM_ADDRESS] = put_address, [RF_NG_FORM_SOURCE] = put_address,
	[RF_NG_FORM_PAIR] = put_pair,       [RF_NG_FORM_CODECS] = put_codecs,   [RF_NG_FORM_FLAGS] = put_flags,
	[RF_NG_FORM_COMMAND] = put_command, [RF_NG_FORM_NONE] = NULL,
};

void rf_ng_request_put(struct rf_writer *w, const struct rf_ng_request *q)
{
	struct rf_ng_out o;

	rf_put(w, q->cookie);
	rf_put_byte(w, ' ');
	rf_ng_out_init(&o, w, q->encoding);
	rf_ng_out_dict(&o);
	for (size_t i = 0; i < rf_ng_words_n; i++)
		if (puts_[rf_ng_words[i].form])
			puts_[rf_ng_words[i].form](&o, &rf_ng_words[i], q);
	rf_ng_out_end(&o);
}
