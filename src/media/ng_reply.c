#include "media/ng_reply.h"

#include <stdarg.h>
#include <stdio.h>

#include "media/ng_out.h"

static const char too_long[] = "the reply does not fit into a message: ask for less";

/* The keys that every reply may have: "result" and, last of all keys, "warning". */
static void put_result(struct rf_ng_out *o, const char *result)
{
	rf_ng_out_member(o, "result", rf_view_str(result));
}

static void put_warning(struct rf_ng_out *o, const struct rf_ng_request *req, const char *more)
{
	static const char cut[] = "; and more";
	const struct rf_ng_notes *notes = req->notes;
	char text[RF_NG_WARNING_MAX + 128];
	struct rf_writer w;

	rf_writer_init(&w, text, sizeof text);
	if (notes)
		rf_put(&w, rf_view_of(notes->text, notes->n));
	if (notes && notes->cut)
		rf_put(&w, rf_view_str(cut));
	if (more) {
		rf_put(&w, w.n ? RF_V("; ") : RF_V(""));
		rf_put(&w, rf_view_str(more));
	}
	rf_ng_out_member(o, "warning", rf_view_of(text, w.n));
}

static const struct rf_view faults[RF_NG_FAULTS] = {
	[RF_NG_FAULT_DESCRIPTION] = { (const uint8_t *)"description", 11 },
	[RF_NG_FAULT_CALL] = { (const uint8_t *)"call", 4 },
	[RF_NG_FAULT_REQUEST] = { (const uint8_t *)"request", 7 },
	[RF_NG_FAULT_RELAY] = { (const uint8_t *)"relay", 5 },
};

static void put_error(struct rf_writer *w, const struct rf_ng_request *req, enum rf_ng_fault fault,
		      struct rf_view reason)
{
	struct rf_ng_out o;

	rf_ng_out_init(&o, w, req->encoding);
	rf_ng_out_dict(&o);
	rf_ng_out_member(&o, "error-kind", faults[fault]);
	rf_ng_out_member(&o, "error-reason", reason);
	put_result(&o, "error");
	rf_ng_out_end(&o);
}

/* After a reply that began at: if it did not fit, an error in its place. */
static void settle(struct rf_writer *w, const struct rf_ng_request *req, size_t at)
{
	if (!w->err)
		return;
	w->err = 0;
	w->n = at;
	put_error(w, req, RF_NG_FAULT_NONE, rf_view_str(too_long));
}

void rf_ng_reply_ok(struct rf_writer *w, const struct rf_ng_request *req)
{
	rf_ng_reply_answer(w, req, &(struct rf_ng_answer){ .sdp = { NULL, 0 } });
}

void rf_ng_reply_error(struct rf_writer *w, const struct rf_ng_request *req, const char *fmt, ...)
{
	char text[640];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	put_error(w, req, RF_NG_FAULT_NONE, rf_view_of(text, n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1));
}

void rf_ng_reply_fault(struct rf_writer *w, const struct rf_ng_request *req, enum rf_ng_fault fault, const char *why)
{
	put_error(w, req, fault, rf_view_str(why));
}

void rf_ng_reply_load(struct rf_writer *w, const struct rf_ng_request *req, const char *why)
{
	struct rf_ng_out o;

	if (!(req->supports & RF_NG_SUPPORTS_LOAD_LIMIT)) {
		put_error(w, req, RF_NG_FAULT_RELAY, rf_view_str(why));
		return;
	}
	rf_ng_out_init(&o, w, req->encoding);
	rf_ng_out_dict(&o);
	rf_ng_out_member(&o, "message", rf_view_str(why));
	put_result(&o, "load limit");
	rf_ng_out_end(&o);
}

/* With the tag in it or the label, as what stands around it has the other one. */
static void put_label(struct rf_ng_out *o, const struct rf_ng_label *l, bool tag)
{
	rf_ng_out_dict(o);
	rf_ng_out_number(o, "index", l->index);
	if (!tag)
		rf_ng_out_member(o, "label", l->label);
	rf_ng_out_member(o, "mode", l->mode);
	if (tag)
		rf_ng_out_member(o, "tag", l->tag);
	rf_ng_out_member(o, "type", l->type);
	rf_ng_out_end(o);
}

static void put_media_labels(struct rf_ng_out *o, const struct rf_ng_answer *a)
{
	if (!a->n_labels)
		return;
	rf_ng_out_key(o, RF_V("media-labels"));
	rf_ng_out_dict(o);
	for (size_t i = 0; i < a->n_labels; i++) {
		rf_ng_out_key(o, a->labels[i].label);
		put_label(o, &a->labels[i], true);
	}
	rf_ng_out_end(o);
}

static void put_tag_medias(struct rf_ng_out *o, const struct rf_ng_answer *a)
{
	if (!a->n_labels)
		return;
	rf_ng_out_key(o, RF_V("tag-medias"));
	rf_ng_out_list(o);
	for (size_t i = 0; i < a->n_labels;) {
		struct rf_view tag = a->labels[i].tag;

		rf_ng_out_dict(o);
		rf_ng_out_key(o, RF_V("medias"));
		rf_ng_out_list(o);
		for (; i < a->n_labels && rf_view_eq(a->labels[i].tag, tag); i++)
			put_label(o, &a->labels[i], false);
		rf_ng_out_end(o);
		rf_ng_out_member(o, "tag", tag);
		rf_ng_out_end(o);
	}
	rf_ng_out_end(o);
}

void rf_ng_reply_answer(struct rf_writer *w, const struct rf_ng_request *req, const struct rf_ng_answer *answer)
{
	struct rf_ng_out o;
	size_t at = w->n;

	rf_ng_out_init(&o, w, req->encoding);
	rf_ng_out_dict(&o);
	if (answer->duration.set)
		rf_ng_out_number(&o, "duration", answer->duration.v);
	if (answer->from_tags.n == 1)
		rf_ng_out_member(&o, "from-tag", answer->from_tags.v[0]);
	if (answer->from_tags.n) {
		rf_ng_out_key(&o, RF_V("from-tags"));
		rf_ng_out_list(&o);
		for (size_t i = 0; i < answer->from_tags.n; i++)
			rf_ng_out_str(&o, answer->from_tags.v[i]);
		rf_ng_out_end(&o);
	}
	put_media_labels(&o, answer);
	put_result(&o, req->command == RF_NG_PING ? "pong" : "ok");
	rf_ng_out_member(&o, "sdp", answer->sdp);
	put_tag_medias(&o, answer);
	rf_ng_out_member(&o, "to-tag", answer->to_tag);
	put_warning(&o, req, NULL);
	rf_ng_out_end(&o);
	settle(w, req, at);
}

void rf_ng_reply_call(struct rf_writer *w, const struct rf_ng_request *req, const struct rf_ng_stats_call *call)
{
	struct rf_ng_out o;
	size_t at = w->n;

	rf_ng_out_init(&o, w, req->encoding);
	rf_ng_out_dict(&o);
	rf_ng_stats_put_head(&o, call);
	put_result(&o, "ok");
	rf_ng_stats_put_tail(&o, call);
	put_warning(&o, req, NULL);
	rf_ng_out_end(&o);
	settle(w, req, at);
}

/* Room that is kept for what follows the list. */
enum { LIST_TAIL = RF_NG_WARNING_MAX + 256 };

void rf_ng_reply_list(struct rf_writer *w, const struct rf_ng_request *req, const struct rf_view *call_ids, size_t n)
{
	struct rf_ng_out o;
	size_t at = w->n, i = 0;

	rf_ng_out_init(&o, w, req->encoding);
	rf_ng_out_dict(&o);
	rf_ng_out_key(&o, RF_V("calls"));
	rf_ng_out_list(&o);
	/* One byte may become six in JSON. */
	for (; i < n && w->cap - w->n > LIST_TAIL + 6 * call_ids[i].n; i++)
		rf_ng_out_str(&o, call_ids[i]);
	rf_ng_out_end(&o);
	put_result(&o, "ok");
	put_warning(&o, req, i < n ? "there are more than fit" : NULL);
	rf_ng_out_end(&o);
	settle(w, req, at);
}

void rf_ng_reply_statistics(struct rf_writer *w, const struct rf_ng_request *req, const struct rf_ng_stats_relay *stats)
{
	struct rf_ng_out o;
	size_t at = w->n;

	rf_ng_out_init(&o, w, req->encoding);
	rf_ng_out_dict(&o);
	put_result(&o, "ok");
	rf_ng_out_key(&o, RF_V("statistics"));
	rf_ng_stats_put_relay(&o, stats);
	put_warning(&o, req, NULL);
	rf_ng_out_end(&o);
	settle(w, req, at);
}

/* ---- reading */

static const struct {
	struct rf_view word;
	enum rf_ng_result result;
} results[] = {
	{ { (const uint8_t *)"ok", 2 }, RF_NG_OK },
	{ { (const uint8_t *)"pong", 4 }, RF_NG_PONG },
	{ { (const uint8_t *)"error", 5 }, RF_NG_ERROR },
	{ { (const uint8_t *)"load limit", 10 }, RF_NG_LOAD_LIMIT },
};

static enum rf_ng_fault fault_of(struct rf_view word)
{
	for (unsigned f = RF_NG_FAULT_NONE + 1; f < RF_NG_FAULTS; f++)
		if (rf_view_eq(word, faults[f]))
			return (enum rf_ng_fault)f;
	return RF_NG_FAULT_NONE;
}

int rf_ng_reply_parse(struct rf_view message, struct rf_arena *arena, struct rf_ng_reply *ret, struct rf_diag *d)
{
	struct rf_ng_value *top = NULL;

	memset(ret, 0, sizeof(*ret));
	int err = rf_ng_message_parse(message, arena, &ret->cookie, &ret->encoding, &top, d);
	if (err < 0)
		return err;
	struct rf_view word = rf_ng_get_str(top, "result");
	for (size_t i = 0; i < sizeof results / sizeof *results; i++)
		if (rf_view_eq(word, results[i].word)) {
			ret->result = results[i].result;
			ret->reason = rf_ng_get_str(top, ret->result == RF_NG_ERROR ? "error-reason" : "message");
			if (ret->result == RF_NG_ERROR)
				ret->fault = fault_of(rf_ng_get_str(top, "error-kind"));
			ret->warning = rf_ng_get_str(top, "warning");
			ret->sdp = rf_ng_get_str(top, "sdp");
			ret->to_tag = rf_ng_get_str(top, "to-tag");
			ret->top = top;
			return 0;
		}
	return rf_diag_set(d, RF_E_MALFORMED, "a reply without a \"result\" that is known");
}
