/* The papers of a host: its certificate, the key behind it, and the files that say whom it believes. A role takes
 * them at the start and again while it runs: when somebody says `ringfort reload`, and by itself when one of the
 * files has been written anew. Either all that it found takes the place of what it had, or nothing does and it says
 * why. Main's thread. */
#ifndef RF_ROLE_PAPERS_H
#define RF_ROLE_PAPERS_H

#include "pki/id.h"
#include "role/renew.h"
#include "site/site.h"

struct evp_pkey_st;
struct rf_keeper;

enum { RF_PAPERS_NAMES = 3, RF_PAPERS_WHY = 700 };

struct rf_papers {
	struct rf_keeper *keeper;
	char cert_file[RF_RENEW_PATH];
	char name[RF_PAPERS_NAMES][256]; /* what a new certificate must name */
	struct rf_renew renew;
	bool taken;                  /* something is in use */
	uint8_t sha256[32];          /* of the certificate in use */
	int64_t until_s;             /* and when it ends */
	struct rf_pki_id next;       /* as rf_papers_open() found it */
	int64_t old_told_s;          /* when it was last told that the list of revoked ones is old; 0: it is not */
	char refused[RF_PAPERS_WHY]; /* why what is on the disk is not in use; "": it is */
};

/* host NULL: a site without hosts. Certificate, key and pki/ca.pem are watched from now on; the role adds to renew
 * what else it reads. */
void rf_papers_init(struct rf_papers *p, struct rf_keeper *keeper, const struct rf_site *site,
		    const struct rf_site_host *host);
/* The file of that name in the host's folder. */
void rf_papers_file(const struct rf_site_host *host, const char *file, char dst[static RF_RENEW_PATH]);
/* Is it worth to take them: something has changed, or was refused before? Changes count as seen. */
bool rf_papers_due(struct rf_papers *p);
/* The key of the certificate on the disk (role/hostkey.h), which may take over. The caller makes contexts of it, frees
 * it, and says how that went. */
int rf_papers_open(struct rf_papers *p, int64_t now_s, struct evp_pkey_st **ret_key, struct rf_diag *diag);
/* What rf_papers_open() found is in use. */
void rf_papers_taken(struct rf_papers *p);
/* It is not, because of that. */
void rf_papers_refused(struct rf_papers *p, const char *why);
/* The list of revoked certificates was to be written anew by until_s (0: nobody said): is that to be told now? When the
 * time is over, and once a day from then on. */
bool rf_papers_tell_old(struct rf_papers *p, int64_t until_s, int64_t now_s);
/* For status: "" or what is wrong. */
const char *rf_papers_problem(const struct rf_papers *p, int64_t now_s, char dst[static RF_PAPERS_WHY + 100]);

#endif
