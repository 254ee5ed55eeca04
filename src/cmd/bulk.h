/* A file of things to add, for commands that take thousands at once: comma-separated values, the first row names the
 * columns. It is read whole and checked whole, every error with its line, so that a person can mend all of them before
 * anything is done. */
#ifndef RF_CMD_BULK_H
#define RF_CMD_BULK_H

#include "cmd/cmd.h"
#include "site/csv_row.h"

enum { RF_BULK_COLUMNS_MAX = 32, RF_BULK_ROWS_MAX = RF_SITE_PHONES_MAX };

struct rf_bulk {
	const struct rf_cmd_ctx *c;
	const char *name;              /* of the file, for people */
	uint8_t *bytes;                /* of the file, then of fields that were quoted; wiped at the end */
	size_t n, room;
	char column[RF_BULK_COLUMNS_MAX][32];
	size_t columns, rows;
	struct rf_view *field;         /* [rows][columns]; "" where a row ends early */
	uint32_t *at;                  /* [rows][columns]: where it begins in its line */
	uint32_t *line;                /* [rows] */
	uint32_t header_line;
	struct rf_findings findings;
};

/* Read path, "-" is standard input. columns: names that there may be, ended by NULL; those before `required` must be
 * there, with something in each row. 0, though there may be findings; or an exit status after telling the user. End
 * with rf_bulk_close(), also after a failure. */
int rf_bulk_open(const struct rf_cmd_ctx *c, const char *path, const char *const *columns, size_t required,
		 struct rf_bulk *b);
void rf_bulk_close(struct rf_bulk *b);
/* Its index, -1 when the file has it not. */
int rf_bulk_column(const struct rf_bulk *b, const char *column);
/* "" when there is no such column (-1). */
struct rf_view rf_bulk_get(const struct rf_bulk *b, size_t row, int column);
/* An error of this field; column -1: of the row. */
#define rf_bulk_error(b, row, col, mend, ...) \
	rf_finding_add(&(b)->findings, RF_SEV_ERROR, rf_bulk_place(b, row, col), NULL, mend, __VA_ARGS__)
struct rf_place rf_bulk_place(const struct rf_bulk *b, size_t row, int column);
/* An error for each row that has the same text in this column as an earlier one. */
int rf_bulk_once(struct rf_bulk *b, int column, const char *what);
/* 0, or RF_EXIT_USAGE after telling the user all that was found. */
int rf_bulk_verdict(struct rf_bulk *b);

#endif
