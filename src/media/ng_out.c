#include "media/ng_out.h"

void rf_ng_out_init(struct rf_ng_out *o, struct rf_writer *w, enum rf_ng_encoding encoding)
{
	*o = (struct rf_ng_out){ .w = w, .encoding = encoding };
}

/* A value begins: JSON wants a comma before all but the first, keys have had theirs. */
static void separate(struct rf_ng_out *o, bool key)
{
	if (o->encoding == RF_NG_BENCODE || (!key && !o->at[o->depth].list))
		return;
	if (o->at[o->depth].more)
		rf_put_byte(o->w, ',');
	o->at[o->depth].more = true;
}

static void open_it(struct rf_ng_out *o, bool list)
{
	bool json = o->encoding == RF_NG_JSON;

	separate(o, false);
	rf_put_byte(o->w, list ? json ? '[' : 'l' : json ? '{' : 'd');
	if (o->depth == RF_NG_DEPTH_MAX) {
		o->w->err = o->w->err ? o->w->err : RF_E_LIMIT;
		return;
	}
	o->depth++;
	o->at[o->depth].list = list;
	o->at[o->depth].more = false;
}

void rf_ng_out_dict(struct rf_ng_out *o)
{
	open_it(o, false);
}

void rf_ng_out_list(struct rf_ng_out *o)
{
	open_it(o, true);
}

void rf_ng_out_end(struct rf_ng_out *o)
{
	rf_put_byte(o->w, o->encoding == RF_NG_BENCODE ? 'e' : o->at[o->depth].list ? ']' : '}');
	if (o->depth)
		o->depth--;
}

static void text(struct rf_ng_out *o, struct rf_view v)
{
	if (o->encoding == RF_NG_BENCODE) {
		rf_put_u64(o->w, v.n);
		rf_put_byte(o->w, ':');
		rf_put(o->w, v);
	} else {
		rf_put_byte(o->w, '"');
		rf_put_json(o->w, v);
		rf_put_byte(o->w, '"');
	}
}

void rf_ng_out_key(struct rf_ng_out *o, struct rf_view key)
{
	separate(o, true);
	text(o, key);
	if (o->encoding == RF_NG_JSON)
		rf_put_byte(o->w, ':');
}

void rf_ng_out_str(struct rf_ng_out *o, struct rf_view v)
{
	separate(o, false);
	text(o, v);
}

void rf_ng_out_int(struct rf_ng_out *o, int64_t x)
{
	separate(o, false);
	if (o->encoding == RF_NG_BENCODE)
		rf_put_byte(o->w, 'i');
	if (x < 0)
		rf_put_byte(o->w, '-');
	rf_put_u64(o->w, x < 0 ? 0 - (uint64_t)x : (uint64_t)x);
	if (o->encoding == RF_NG_BENCODE)
		rf_put_byte(o->w, 'e');
}
