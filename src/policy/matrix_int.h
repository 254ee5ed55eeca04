/* The cells of the data, in its order (private to this room and its tests). */
#ifndef RF_POLICY_MATRIX_INT_H
#define RF_POLICY_MATRIX_INT_H

#include "policy/matrix.h"

extern const struct rf_cell rf_matrix_cells[];
extern const size_t rf_matrix_cell_count;

#endif
