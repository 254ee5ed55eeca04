/* Configurations of junos, whatever they are. */
#include "prove/ruleset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rf_ruleset rs;

	if (rf_read_junos(rf_view_of(data, n), "fuzz", &rs, NULL) == 0)
		rf_ruleset_fini(&rs);
	return 0;
}
