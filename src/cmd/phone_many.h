/* ringfort phone add --file. */
#ifndef RF_CMD_PHONE_MANY_H
#define RF_CMD_PHONE_MANY_H

#include "cmd/cmd.h"

/* Every phone of the file named by --file, or none. days: of the certificates, 0: as usual. The exit status. */
int rf_phone_add_file(struct rf_cmd_ctx *c, unsigned days);

#endif
