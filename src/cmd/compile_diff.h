/* What a compilation would change: files by lines, flows by what they permit. Shared by `compile --diff` alone. */
#ifndef RF_CMD_COMPILE_DIFF_H
#define RF_CMD_COMPILE_DIFF_H

#include "cmd/cmd.h"
#include "emit/folder.h"

/* Compare the bundle in a folder (as read, perhaps changed by hand) with a new one, and tell the user.
 * RF_EXIT_YES: nothing would change but the digest; RF_EXIT_NO: something would. */
int rf_cmd_compile_diff(const struct rf_cmd_ctx *c, const char *dir, const struct rf_folder *old,
			const struct rf_bundle *new);

#endif
