/* Bytes as a message/cpim body: one that is somebody's is nobody else's, unless it names no sender. */
#include "call/cpim.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rf_view body = rf_view_of(data, n), none = RF_V("voice.example.org");
	bool a = rf_cpim_from_is(body, RF_V("1001"), RF_V("ann"), none);
	bool b = rf_cpim_from_is(body, RF_V("1002"), RF_V("bob"), none);
	bool nobody = rf_cpim_from_is(body, RF_V(""), RF_V(""), none);

	if ((a && b) != nobody)
		abort();
	return 0;
}
