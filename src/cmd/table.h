/* A table for people out of a JSON array of objects. What came from outside (contacts, user agents) is shown without
 * control characters, so that nothing a phone says moves the cursor of an administrator. */
#ifndef RF_CMD_TABLE_H
#define RF_CMD_TABLE_H

#include <stddef.h>
#include <stdio.h>

struct json_t;

struct rf_cmd_column {
	const char *key;   /* of each row's object */
	const char *title;
	unsigned most;     /* characters; what is longer is cut with "..": 0: 40 */
};

/* Rows that are no objects are passed over. */
void rf_cmd_table(FILE *out, const struct json_t *rows, const struct rf_cmd_column *columns, size_t n);
/* One value as text into dst: strings as they are, numbers, booleans as yes and no, anything else "". */
void rf_cmd_cell(const struct json_t *value, char *dst, size_t cap);

#endif
