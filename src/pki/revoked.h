/* The site's list of revoked certificates (pki/crl.pem), as roles heed it that have no database: a
 * border, a relay, a wall.
 *
 * Fail closed: a list that is missing, cannot be read or was not signed by the site's authority is none, and who needs
 * one does not start without, or goes on with the one that it had. A list whose time is over still counts, here as in
 * the network's authentication (decision 0048): it says what it says, and closing a whole site because nobody was
 * revoked for a month would end emergency calls too. rf_revoked_old() says it to people. */
#ifndef RF_PKI_REVOKED_H
#define RF_PKI_REVOKED_H

#include "base/err.h"
#include "base/view.h"
#include "pki/id.h"

struct rf_revoked;

enum { RF_REVOKED_MAX = 1 << 20 };

/* Every list in the PEM file crl; each must be signed by a certificate of the PEM file ca. -errno, RF_E_CORRUPT,
 * RF_E_LIMIT, -ENOMEM. */
int rf_revoked_load(const char *crl, const char *ca, struct rf_revoked **ret_revoked, struct rf_diag *diag);
void rf_revoked_free(struct rf_revoked *r); /* NULL is fine */

/* Threads: any, while it is not freed. */
bool rf_revoked_has(const struct rf_revoked *r, struct rf_view serial);
size_t rf_revoked_count(const struct rf_revoked *r);
struct rf_view rf_revoked_serial(const struct rf_revoked *r, size_t i);
/* When the next list was promised, the earliest of all; 0: it was not. */
int64_t rf_revoked_until_s(const struct rf_revoked *r);
enum { RF_REVOKED_TEXT = 400 };
/* For status and the record: "" while it is in its time at now_s, else since when it is not, what that means and what
 * to do. Returns dst. */
const char *rf_revoked_old(int64_t until_s, int64_t now_s, char dst[static RF_REVOKED_TEXT]);

/* Is this one of the site's own, in its dates and not revoked? "": yes, else why not, for people; static. */
const char *rf_revoked_why_not(const struct rf_revoked *r, const struct rf_pki_id *id, int64_t now_s);

#endif
