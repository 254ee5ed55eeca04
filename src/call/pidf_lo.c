#include "call/pidf_lo.h"

#include "base/err.h"
#include "base/xml.h"

#include <time.h>

static const char head[] =
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
	"<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\""
	" xmlns:gp=\"urn:ietf:params:xml:ns:pidf:geopriv10\""
	" xmlns:ca=\"urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr\" entity=\"pres:";

/* The elements in the order of the schema (RFC 5139 5). */
static const struct {
	const char *name;
	size_t at;
} rows[] = {
#define AT(member) offsetof(struct rf_site_location, member)
	{ "ca:country", AT(country) }, { "ca:A1", AT(state) }, { "ca:A2", AT(county) }, { "ca:A3", AT(city) },
	{ "ca:RD", AT(street) }, { "ca:HNO", AT(house_number) }, { "ca:LOC", AT(address) }, { "ca:FLR", AT(floor) },
	{ "ca:PC", AT(postal_code) }, { "ca:BLD", AT(building) }, { "ca:ROOM", AT(room) },
#undef AT
};

static struct rf_view text_of(const struct rf_site_location *l, size_t at)
{
	return *(const struct rf_view *)(const void *)((const char *)l + at);
}

static void put_civic(struct rf_writer *w, const struct rf_site_location *l)
{
	rf_put_lit(w, "<ca:civicAddress>");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_view text = text_of(l, rows[i].at);

		if (text.n)
			rf_xml_element(w, rows[i].name, text);
	}
	rf_put_lit(w, "</ca:civicAddress>");
}

static void put_time(struct rf_writer *w, struct rf_wall at)
{
	time_t t = (time_t)(at.us / 1000000);
	struct tm tm;
	char text[32];

	if (gmtime_r(&t, &tm) && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm))
		rf_put(w, rf_view_str(text));
}

void rf_pidf_lo_put(struct rf_writer *w, const struct rf_pidf_lo *lo)
{
	rf_put(w, rf_view_str(head));
	rf_xml_text(w, lo->number);
	rf_put_byte(w, '@');
	rf_xml_text(w, lo->domain);
	rf_put_lit(w, "\"><dm:device id=\"phone\"><gp:geopriv><gp:location-info>");
	if (lo->location)
		put_civic(w, lo->location);
	rf_put_lit(w, "</gp:location-info><gp:usage-rules><gp:retransmission-allowed>yes</gp:retransmission-allowed>"
		      "</gp:usage-rules><gp:method>Manual</gp:method></gp:geopriv>");
	if (lo->device.n)
		rf_xml_element(w, "dm:deviceID", lo->device);
	if (!lo->location || !lo->confirmed)
		rf_xml_element(w, "dm:note", lo->location ? RF_V("The location is not confirmed: ask the caller.") :
							    RF_V("The location is not known: ask the caller."));
	rf_put_lit(w, "<dm:timestamp>");
	put_time(w, lo->at);
	rf_put_lit(w, "</dm:timestamp></dm:device></presence>\r\n");
}

void rf_location_put_text(struct rf_writer *w, const struct rf_site_location *l)
{
	const struct {
		const char *before;
		struct rf_view text;
	} parts[] = {
		{ "", l->building }, { "floor ", l->floor }, { "", l->room }, { "", l->address }, { "", l->street },
		{ "", l->house_number }, { "", l->postal_code }, { "", l->city }, { "", l->country },
	};
	const char *between = "";

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		if (!parts[i].text.n || w->cap - w->n < parts[i].text.n + 16)
			continue;
		rf_put(w, rf_view_str(between));
		rf_put(w, rf_view_str(parts[i].before));
		rf_put(w, parts[i].text);
		between = ", ";
	}
}
