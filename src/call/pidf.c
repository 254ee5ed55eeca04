#include "call/pidf.h"

#include "base/err.h"

#include <expat.h>
#include <stdlib.h>

#define PIDF "urn:ietf:params:xml:ns:pidf "
#define RPID "urn:ietf:params:xml:ns:pidf:rpid "

enum text { TEXT_NONE, TEXT_BASIC, TEXT_NOTE };

struct reading {
	XML_Parser parser;
	struct rf_presence p;
	unsigned depth, elements;
	int err;
	enum text text;         /* what the text here is */
	unsigned text_depth;
	bool rooted;            /* the root is a presence document */
	bool said;              /* some tuple says open or closed */
	size_t basic_n;
	char basic[8];
};

static void stop(struct reading *r, int err)
{
	r->err = r->err ? r->err : err;
	XML_StopParser(r->parser, XML_FALSE);
}

static bool is(const char *name, const char *wanted)
{
	return strcmp(name, wanted) == 0;
}

static void activity(struct reading *r, const char *name)
{
	static const struct {
		const char *name;
		uint8_t bit;
	} rows[] = {
		{ RPID "away", RF_ACTIVITY_AWAY }, { RPID "vacation", RF_ACTIVITY_AWAY },
		{ RPID "permanent-absence", RF_ACTIVITY_AWAY }, { RPID "meal", RF_ACTIVITY_AWAY },
		{ RPID "sleeping", RF_ACTIVITY_AWAY }, { RPID "travel", RF_ACTIVITY_AWAY },
		{ RPID "busy", RF_ACTIVITY_BUSY }, { RPID "meeting", RF_ACTIVITY_BUSY },
		{ RPID "appointment", RF_ACTIVITY_BUSY }, { RPID "presentation", RF_ACTIVITY_BUSY },
		{ RPID "on-the-phone", RF_ACTIVITY_ON_THE_PHONE },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (is(name, rows[i].name))
			r->p.activities |= rows[i].bit;
}

static void on_start(void *ctx, const XML_Char *name, const XML_Char **attributes)
{
	struct reading *r = ctx;

	(void)attributes;
	if (++r->depth > RF_PIDF_DEPTH || ++r->elements > RF_PIDF_ELEMENTS) {
		stop(r, RF_E_LIMIT);
		return;
	}
	if (r->depth == 1 && !is(name, PIDF "presence")) {
		stop(r, RF_E_MALFORMED);
		return;
	}
	r->rooted = true;
	if (is(name, PIDF "basic")) {
		r->text = TEXT_BASIC;
		r->text_depth = r->depth;
		r->basic_n = 0;
	} else if (is(name, PIDF "note") && r->p.note_n == 0) {
		r->text = TEXT_NOTE;
		r->text_depth = r->depth;
	}
	activity(r, name);
}

/* A note that does not fit is cut, between characters. */
static void cut(struct rf_presence *p)
{
	size_t n = p->note_n;

	while (n && (p->note[n - 1] & 0xc0) == 0x80)
		n--;
	if (n && p->note[n - 1] >= 0xc0)
		p->note_n = (uint8_t)(n - 1);
}

static void take_note(struct rf_presence *p, struct rf_view v)
{
	size_t room = sizeof p->note - p->note_n, n = v.n < room ? v.n : room;

	if (n)
		memcpy(p->note + p->note_n, v.p, n);
	p->note_n = (uint8_t)(p->note_n + n);
	if (n < v.n)
		cut(p);
}

static void on_text(void *ctx, const XML_Char *text, int n)
{
	struct reading *r = ctx;

	if (r->text == TEXT_NOTE)
		take_note(&r->p, rf_view_of(text, (size_t)n));
	for (int i = 0; r->text == TEXT_BASIC && i < n; i++)
		if (r->basic_n < sizeof r->basic)
			r->basic[r->basic_n++] = text[i];
}

static void on_end(void *ctx, const XML_Char *name)
{
	struct reading *r = ctx;

	(void)name;
	if (r->text && r->depth == r->text_depth) {
		struct rf_view basic = rf_view_trim(rf_view_of(r->basic, r->basic_n));

		if (r->text == TEXT_BASIC) {
			r->said = true;
			r->p.open |= rf_view_eq(basic, RF_V("open"));
		}
		r->text = TEXT_NONE;
	}
	r->depth--;
}

static void on_doctype(void *ctx, const XML_Char *name, const XML_Char *system, const XML_Char *public, int internal)
{
	(void)name;
	(void)system;
	(void)public;
	(void)internal;
	stop(ctx, RF_E_MALFORMED);
}

int rf_pidf_parse(struct rf_view doc, uint64_t salt, struct rf_presence *ret_p)
{
	static const XML_Memory_Handling_Suite memory = { malloc, realloc, free };
	struct reading r = { .depth = 0 };

	if (doc.n > RF_PIDF_MAX)
		return RF_E_LIMIT;
	if (doc.n == 0)
		return RF_E_MALFORMED;
	r.parser = XML_ParserCreate_MM("UTF-8", &memory, " ");
	if (!r.parser)
		return -ENOMEM;
	XML_SetHashSalt(r.parser, (unsigned long)salt | 1);
	XML_SetUserData(r.parser, &r);
	XML_SetElementHandler(r.parser, on_start, on_end);
	XML_SetCharacterDataHandler(r.parser, on_text);
	XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);
	enum XML_Status status = XML_Parse(r.parser, (const char *)doc.p, (int)doc.n, 1);

	if (status != XML_STATUS_OK && !r.err)
		r.err = XML_GetErrorCode(r.parser) == XML_ERROR_NO_MEMORY ? -ENOMEM : RF_E_MALFORMED;
	XML_ParserFree(r.parser);
	if (r.err)
		return r.err;
	/* RFC 3863 4.1.4: basic may be missing; a phone that publishes without it is there */
	if (!r.said)
		r.p.open = true;
	*ret_p = r.p;
	return 0;
}
