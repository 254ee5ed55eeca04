/* Logging in at trunks that ask for a password (RFC 3261 22, RFC 7616, 8760). One challenge of each trunk is remembered
 * by each core: its credentials go with every request from then on, until the trunk asks anew. The password is
 * elsewhere (role/keeper.h): who answers is a function of the role. Threads: the worker's own. */
#ifndef RF_CALL_TRUNK_LOGIN_H
#define RF_CALL_TRUNK_LOGIN_H

#include "sip/digest.h"
#include "site/telephony.h"

struct rf_call_core;
struct rf_sip_msg;

/* The response to a challenge of this trunk, as rf_digest_answer_fn. RF_E_UNSUPPORTED: there is no password for it. */
typedef int rf_trunk_password_fn(void *ctx, struct rf_view trunk, const struct rf_digest_cred *cred,
				 struct rf_view method, char ret_hex[static 2 * RF_DIGEST_HASH_MAX]);

/* A line with credentials for the request that w begins with, when the trunk has asked for some before. */
void rf_trunk_login_put(struct rf_call_core *core, const struct rf_site_trunk *t, struct rf_writer *w);
/* An answer other than 100. True: it asks for credentials that the next request will have, so send it again, once.
 * False: it does not, or ours are wrong, which is recorded. */
bool rf_trunk_login_asked(struct rf_call_core *core, const struct rf_site_trunk *t, const struct rf_sip_msg *answer);
/* At the end of the core. */
void rf_trunk_login_free(struct rf_call_core *core);

#endif
