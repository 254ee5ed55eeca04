/* Package presence (RFC 3856): one document made of what is known of a number: is one of its phones registered, is it
 * on the phone, does it want no calls, what have its phones published (the newest note; all activities). PIDF
 * (RFC 3863) with the activities of RPID (RFC 4480). Who is spoken to is never in it. */
#include "call/sub_int.h"

#include "base/clean.h"
#include "base/xml.h"
#include "call/settings.h"

static bool registered(struct rf_call_core *core, struct rf_view number)
{
	struct rf_binding *b;
	uint8_t aor[320];
	struct rf_writer w;
	size_t n = 0;

	rf_writer_init(&w, aor, sizeof aor);
	rf_put(&w, number);
	rf_put_byte(&w, '@');
	rf_put(&w, rf_core_site(core)->domain);
	if (w.err || rf_location_get(core->location, rf_view_of(aor, w.n), rf_core_now(core), &core->scratch, &b, &n))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!b[i].waiting)
			return true;
	return false;
}

/* Who does not want to be disturbed is busy. */
static bool wants_no_calls(struct rf_call_core *core, struct rf_view number)
{
	struct rf_settings set;

	rf_settings_get(core->settings, number, &set);
	return set.dnd;
}

static struct rf_presence compose(struct rf_call_core *core, struct rf_view number, const struct rf_board_line *line)
{
	struct rf_presence p = { .open = line->presences == 0 };

	for (size_t i = 0; i < line->presences; i++) {
		const struct rf_presence *x = &line->presence[i];

		p.open |= x->open;
		p.activities |= x->activities;
		if (!p.note_n && x->note_n) {
			p.note_n = x->note_n;
			memcpy(p.note, x->note, x->note_n);
		}
	}
	p.open = p.open && registered(core, number);
	if (wants_no_calls(core, number))
		p.activities |= RF_ACTIVITY_BUSY;
	for (size_t i = 0; i < line->dialogs; i++)
		if (line->dialog[i].state == RF_LINE_CONFIRMED)
			p.activities |= RF_ACTIVITY_ON_THE_PHONE;
	return p;
}

static void put_person(const struct rf_presence *p, struct rf_writer *w)
{
	if (!p->activities)
		return;
	rf_put_lit(w, "<dm:person id=\"person\"><rpid:activities>");
	if (p->activities & RF_ACTIVITY_ON_THE_PHONE)
		rf_put_lit(w, "<rpid:on-the-phone/>");
	if (p->activities & RF_ACTIVITY_BUSY)
		rf_put_lit(w, "<rpid:busy/>");
	if (p->activities & RF_ACTIVITY_AWAY)
		rf_put_lit(w, "<rpid:away/>");
	rf_put_lit(w, "</rpid:activities></dm:person>\n");
}

static void put_document(struct rf_sub *sub, const struct rf_presence *p, struct rf_writer *w)
{
	uint8_t note[4 * RF_BOARD_NOTE];

	rf_put_lit(w,
		   "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		   "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\""
		   " xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\" entity=\"");
	rf_sub_put_uri(sub->core, rf_sub_number(sub), w);
	rf_put_lit(w, "\">\n<tuple id=\"ringfort\"><status><basic>");
	rf_put(w, p->open ? RF_V("open") : RF_V("closed"));
	rf_put_lit(w, "</basic></status><contact>");
	rf_sub_put_uri(sub->core, rf_sub_number(sub), w);
	rf_put_lit(w, "</contact>");
	if (p->note_n)
		rf_xml_element(w, "note",
			       rf_clean_name(rf_view_of(p->note, p->note_n), RF_BOARD_NOTE, note, sizeof note));
	rf_put_lit(w, "</tuple>\n");
	put_person(p, w);
	rf_put_lit(w, "</presence>\n");
}

static bool body(struct rf_sub *sub, const struct rf_board_line *line, bool full, struct rf_writer *w)
{
	struct rf_presence p = compose(sub->core, rf_sub_number(sub), line);
	struct rf_view text;

	put_document(sub, &p, w);
	if (rf_writer_done(w, &text))
		return full;
	uint64_t hash = rf_hash(&sub->core->hash_key, text);

	if (!full && hash == sub->told)
		return false;
	sub->told = hash;
	return true;
}

/* RFC 3856 6.10: one in five seconds. */
const struct rf_sub_package rf_sub_presence = {
	.name = { (const uint8_t *)"presence", 8 },
	.type = { (const uint8_t *)"application/pidf+xml", 20 },
	.interval_ms = 5000, .burst = 4, .others = true, .body = body,
};
