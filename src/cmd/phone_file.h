/* Changes to the phones file: lines more or one less, everything else byte for byte as it was. */
#ifndef RF_CMD_PHONE_FILE_H
#define RF_CMD_PHONE_FILE_H

#include "cmd/cmd.h"

/* A cell for a new line: the column's name and what goes there; "": nothing. */
struct rf_phone_cell {
	const char *column;
	struct rf_view text;
};

struct rf_phone_file {
	const struct rf_cmd_ctx *c;
	const struct rf_site *site;
	char *path;
	uint8_t *bytes;   /* as read */
	size_t n;
	int lock;         /* the site's folder, locked against other commands that change the file */
};

/* Read and lock. 0 or an exit status after telling the user. End with rf_phone_file_close(). */
int rf_phone_file_open(const struct rf_cmd_ctx *c, const struct rf_site *site, struct rf_phone_file *ret_f);
void rf_phone_file_close(struct rf_phone_file *f);
/* The file as it will be, line by line. Columns that its first line has not yet are added to it: older lines are
 * shorter then, which the file allows. */
struct rf_phone_draft {
	const struct rf_phone_file *f;
	FILE *out;
	char *bytes;
	size_t n;
	uint32_t lines;          /* so far */
	char header[1024];
};

/* columns: of the cells that will come. 0, or an exit status after telling the user. */
int rf_phone_draft_begin(const struct rf_phone_file *f, const struct rf_phone_cell *columns, size_t n,
			 struct rf_phone_draft *d);
/* One line more: d->lines is its number afterwards. */
void rf_phone_draft_row(struct rf_phone_draft *d, const struct rf_phone_cell *cells, size_t n);
/* d->bytes and d->n are the file now. After a failure too, free d->bytes. */
int rf_phone_draft_end(struct rf_phone_draft *d);
/* The bytes without line number `line`. */
int rf_phone_file_without(const struct rf_phone_file *f, uint32_t line, char **ret_bytes, size_t *ret_n);
/* Would the site load with these bytes? Then they replace the file: temporary file, fsync, rename. */
int rf_phone_file_check(const struct rf_phone_file *f, const char *bytes, size_t n);
/* The same question, answered with findings for the caller to tell: 0 or a negative code. */
int rf_phone_file_findings(const struct rf_phone_file *f, const char *bytes, size_t n, struct rf_findings *findings);
int rf_phone_file_write(const struct rf_phone_file *f, const char *bytes, size_t n);

#endif
