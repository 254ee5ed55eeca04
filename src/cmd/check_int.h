/* Parts of `ringfort check` that look at more than the site file. */
#ifndef RF_CMD_CHECK_INT_H
#define RF_CMD_CHECK_INT_H

#include "site/finding.h"
#include "store/directory.h"

struct rf_check_calls {
	const struct rf_site *site;
	struct rf_store *store;
	struct rf_directory *directory; /* of both */
	struct rf_wall now;             /* classes of service have hours */
	struct rf_findings *findings;
};
/* Numbers that trunks bring in and groups' on_no_answer that lead nowhere: warnings, each with its line. */
void rf_check_calls(const struct rf_check_calls *k);

#endif
