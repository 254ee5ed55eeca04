/* Comma-separated values as RFC 4180 has them (quotes, doubled quotes; no line end inside quotes): cut into lines and
 * those into fields. Empty lines and lines that begin with # are passed over. What the fields mean is for others: the
 * phones file (csv.c), and the files that commands take. */
#ifndef RF_SITE_CSV_ROW_H
#define RF_SITE_CSV_ROW_H

#include "base/view.h"
#include "site/site.h"

struct rf_csv {
	struct rf_view rest;   /* not yet read */
	uint32_t line;         /* of the row read last, from 1 */
};

enum rf_csv_result { RF_CSV_OK, RF_CSV_OPEN /* quotes that do not end */, RF_CSV_LONG /* over RF_SITE_TEXT_MAX */ };

struct rf_csv_field {
	struct rf_view text;   /* in the line, or in buf when it was quoted */
	uint32_t column;       /* where it begins, from 1 */
	bool last;
	uint8_t buf[RF_SITE_TEXT_MAX + 1];
};

/* bytes are borrowed; a spreadsheet's byte order mark is passed over. */
void rf_csv_init(struct rf_csv *c, struct rf_view bytes);
/* The next line that is a row, without its line end. False: there is none. */
bool rf_csv_line(struct rf_csv *c, struct rf_view *ret_line);
/* The field at *at, which moves on to the next one. After anything but RF_CSV_OK the line is over; column is set. */
enum rf_csv_result rf_csv_field(struct rf_view line, size_t *at, struct rf_csv_field *f);

#endif
