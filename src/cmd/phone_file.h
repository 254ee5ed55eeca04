/* Changes to the phones file: one line more or one less, everything else byte for byte as it was. */
#ifndef RF_CMD_PHONE_FILE_H
#define RF_CMD_PHONE_FILE_H

#include "cmd/cmd.h"

/* A cell for a new line: the column's name and what goes there. */
struct rf_phone_cell {
	const char *column, *text; /* text NULL: nothing */
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
/* The bytes with one line more (malloc'd): cells in the order of the file's own columns. */
int rf_phone_file_with(const struct rf_phone_file *f, const struct rf_phone_cell *cells, size_t n, char **ret_bytes,
		       size_t *ret_n);
/* The bytes without line number `line`. */
int rf_phone_file_without(const struct rf_phone_file *f, uint32_t line, char **ret_bytes, size_t *ret_n);
/* Would the site load with these bytes? Then they replace the file: temporary file, fsync, rename. */
int rf_phone_file_check(const struct rf_phone_file *f, const char *bytes, size_t n);
int rf_phone_file_write(const struct rf_phone_file *f, const char *bytes, size_t n);

#endif
