/* The zone matrix: what hosts of one kind of zone may open towards another, by level. Data: data/zone-matrix.yaml, made
 * into a table when ringfort is built. What is not in it is denied. */
#ifndef RF_POLICY_MATRIX_H
#define RF_POLICY_MATRIX_H

#include "site/site.h"

enum rf_inspection {
	RF_INSPECT_DENY, RF_INSPECT_INTRA_ZONE, RF_INSPECT_STATELESS, RF_INSPECT_STATEFUL, RF_INSPECT_APPLICATION,
	RF_INSPECT_SBC, RF_INSPECT_VPN, RF_INSPECT_CIRCUIT,
};

/* At one level. */
struct rf_cell_level {
	unsigned allow;              /* bits 1u << enum rf_category: open wherever both zones are */
	unsigned optional;           /* open where the site file says so (`allow`) */
	enum rf_inspection inspection; /* the weakest that will do */
	bool zone_absent;            /* one of the zones is not built at this level */
};

struct rf_cell {
	enum rf_zone_kind from, to;
	struct rf_cell_level levels[RF_LEVELS];
	const char *conditions[RF_CATEGORIES]; /* NULL: none */
	const char *reason;
	const char *const *mitigations;        /* ends with NULL; may be empty */
};

/* Never NULL: a cell that the data does not have denies everything. */
const struct rf_cell *rf_matrix_cell(enum rf_zone_kind from, enum rf_zone_kind to);
const char *rf_category_name(enum rf_category category); /* "network-services" */
const char *rf_zone_kind_name(enum rf_zone_kind kind);
const char *rf_inspection_name(enum rf_inspection inspection);

#endif
