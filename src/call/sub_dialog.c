/* Package dialog (RFC 4235): the dialogs of a number's phones with us. A watcher who may pick up a call is shown what
 * Replaces needs: Call-ID and tags as the watched phone has them, so that an INVITE with Replaces to us finds that leg
 * (to-tag is our tag: remote-tag here). Who is at the other side is named only when the call names them. */
#include "call/sub_int.h"

#include "base/xml.h"

void rf_sub_put_uri(const struct rf_call_core *core, struct rf_view number, struct rf_writer *w)
{
	uint8_t buf[512];
	struct rf_writer uri;

	rf_writer_init(&uri, buf, sizeof buf);
	rf_sip_uri_put_new(&uri, false, number, rf_core_site(core)->domain, 0);
	if (uri.err)
		w->err = w->err ? w->err : uri.err;
	else
		rf_xml_text(w, rf_view_of(buf, uri.n));
}

static void put_party(const struct rf_call_core *core, const char *side, struct rf_view number, struct rf_view display,
		      struct rf_writer *w)
{
	rf_put_byte(w, '<');
	rf_put(w, rf_view_str(side));
	rf_put_lit(w, "><identity");
	if (display.n)
		rf_xml_attr(w, "display", display);
	rf_put_byte(w, '>');
	if (number.n)
		rf_sub_put_uri(core, number, w);
	else
		rf_put_lit(w, "sip:anonymous@anonymous.invalid");
	rf_put_lit(w, "</identity>");
	if (number.n) {
		rf_put_lit(w, "<target uri=\"");
		rf_sub_put_uri(core, number, w);
		rf_put_lit(w, "\"/>");
	}
	rf_put_lit(w, "</");
	rf_put(w, rf_view_str(side));
	rf_put_lit(w, ">\n");
}

static void put_dialog(const struct rf_sub *sub, const struct rf_board_dialog *d, struct rf_writer *w)
{
	static const char *const states[] = {
		[RF_LINE_TRYING] = "trying", [RF_LINE_EARLY] = "early", [RF_LINE_CONFIRMED] = "confirmed",
		[RF_LINE_TERMINATED] = "terminated",
	};
	struct rf_view none = { NULL, 0 };

	rf_put_lit(w, "<dialog");
	rf_xml_attr(w, "id", rf_id_view(&d->id));
	if (sub->may_pick_up) {
		rf_xml_attr(w, "call-id", d->call_id);
		if (d->local_tag.n)
			rf_xml_attr(w, "local-tag", d->local_tag);
		rf_xml_attr(w, "remote-tag", d->remote_tag);
	}
	rf_xml_attr(w, "direction", d->initiator ? RF_V("initiator") : RF_V("recipient"));
	rf_put_lit(w, ">\n");
	rf_xml_element(w, "state", rf_view_str(states[d->state]));
	rf_put_byte(w, '\n');
	put_party(sub->core, "local", rf_sub_number(sub), none, w);
	put_party(sub->core, "remote", d->remote_number, d->remote_number.n ? d->remote_display : none, w);
	rf_put_lit(w, "</dialog>\n");
}

static bool body(struct rf_sub *sub, const struct rf_board_line *line, bool full, struct rf_writer *w)
{
	bool any = false;

	full = full || line->gone > sub->seen;
	rf_put_lit(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		      "<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\"");
	rf_xml_attr_u64(w, "version", sub->body_version);
	rf_xml_attr(w, "state", full ? RF_V("full") : RF_V("partial"));
	rf_put_lit(w, " entity=\"");
	rf_sub_put_uri(sub->core, rf_sub_number(sub), w);
	rf_put_lit(w, "\">\n");
	for (size_t i = 0; i < line->dialogs; i++) {
		const struct rf_board_dialog *d = &line->dialog[i];

		if (full ? d->state == RF_LINE_TERMINATED : d->changed <= sub->seen)
			continue;
		put_dialog(sub, d, w);
		any = true;
	}
	rf_put_lit(w, "</dialog-info>\n");
	if (!any && !full)
		return false;
	sub->body_version++;
	return true;
}

/* RFC 4235 3.10: one a second in the long run; ringing, answered and over may follow each other faster than that. */
const struct rf_sub_package rf_sub_dialog = {
	.name = { (const uint8_t *)"dialog", 6 },
	.type = { (const uint8_t *)"application/dialog-info+xml", 27 },
	.interval_ms = 1000, .burst = 4, .others = true, .body = body,
};
