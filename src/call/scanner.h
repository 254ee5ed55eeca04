/* Programs that look for telephone servers to break into. They could hide their names, and the common ones do not. */
#ifndef RF_CALL_SCANNER_H
#define RF_CALL_SCANNER_H

#include "sip/msg.h"

/* Does its User-Agent name one of them? */
bool rf_scanner_named(const struct rf_sip_msg *msg);

#endif
