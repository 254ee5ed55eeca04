/* What the roles of a host answer to status, as a page of Prometheus' text format. Touches
 * nothing but its arguments. */
#ifndef RF_CMD_METRICS_PAGE_H
#define RF_CMD_METRICS_PAGE_H

#include <stdio.h>

struct json_t;

/* answers: an array of them, each with "role". Every metric has its help and type once, its samples of all roles behind
 * them; what no role tells is left out. Labels: role, host where it is told, and what the metric's own table says. */
void rf_cmd_metrics_page(FILE *out, const struct json_t *answers);
/* The same as [{"name": .., "type": .., "labels": {..}, "value": ..}, ..]; NULL: out of memory. */
struct json_t *rf_cmd_metrics_json(const struct json_t *answers);

#endif
