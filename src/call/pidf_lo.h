/* Where a phone is, for those who send help: a PIDF-LO document (RFC 4119, RFC 5491) with the civic address (RFC 5139)
 * of its location in the site file, sent by value with an emergency call (RFC 6442). */
#ifndef RF_CALL_PIDF_LO_H
#define RF_CALL_PIDF_LO_H

#include "base/clock.h"
#include "base/writer.h"
#include "site/site.h"

struct rf_pidf_lo {
	struct rf_view number, domain;           /* the entity: pres:number@domain */
	struct rf_view device;                   /* URN of the phone, "" none */
	const struct rf_site_location *location; /* NULL: not known; then the document says so */
	bool confirmed;                          /* somebody has looked that the phone stands there */
	struct rf_wall at;
};

/* The document. Errors are the writer's. */
void rf_pidf_lo_put(struct rf_writer *w, const struct rf_pidf_lo *lo);
/* In one line for people, "Main, floor 1, Lobby, 1 Example Road": as much of it as is known, at most to the end of w.
 * */
void rf_location_put_text(struct rf_writer *w, const struct rf_site_location *l);

#endif
