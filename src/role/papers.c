#include "role/papers.h"

#include "pki/ca.h"
#include "role/hostkey.h"
#include "role/keyhandle.h"

#include <stdio.h>
#include <string.h>

void rf_papers_file(const struct rf_site_host *host, const char *file, char dst[static RF_RENEW_PATH])
{
	/* The folder is named after the host; a site that names no hosts has one called "controller". */
	snprintf(dst, RF_RENEW_PATH, RF_PKI_HOSTS "/%s/%s", host ? rf_site_cstr(host->name) : "controller", file);
}

void rf_papers_init(struct rf_papers *p, struct rf_keeper *keeper, const struct rf_site *site,
		    const struct rf_site_host *host)
{
	const struct rf_view names[RF_PAPERS_NAMES] = { site->domain, host ? host->address_text : RF_V(""),
							host ? host->address6_text : RF_V("") };
	size_t n = 0;

	memset(p, 0, sizeof *p);
	p->keeper = keeper;
	rf_papers_file(host, "cert.pem", p->cert_file);
	for (size_t i = 0; i < RF_PAPERS_NAMES; i++)
		if (names[i].n && rf_view_cstr(names[i], p->name[n], sizeof p->name[n]))
			n++;
	char key_file[RF_RENEW_PATH];

	rf_papers_file(host, "key.pem", key_file);
	rf_renew_add(&p->renew, p->cert_file);
	rf_renew_add(&p->renew, key_file); /* looked at from outside: the keeper reads it */
	rf_renew_add(&p->renew, RF_PKI_CA_CERT);
}

bool rf_papers_due(struct rf_papers *p)
{
	return rf_renew_take(&p->renew) || p->refused[0];
}

int rf_papers_open(struct rf_papers *p, int64_t now_s, struct evp_pkey_st **ret_key, struct rf_diag *diag)
{
	const char *names[RF_PAPERS_NAMES + 1] = { NULL };
	int rc = rf_hostkey_open(p->keeper, p->cert_file, ret_key, &p->next, diag);

	for (size_t i = 0; i < RF_PAPERS_NAMES && p->name[i][0]; i++)
		names[i] = p->name[i];
	/* What is in use already is not asked: a role whose certificate has ended may still take a new
	 * list of revoked ones. */
	if (!rc && p->taken && memcmp(p->sha256, p->next.sha256, sizeof p->sha256) != 0)
		rc = rf_hostkey_check(p->cert_file, &p->next, RF_PKI_CA_CERT, names, now_s, diag);
	if (rc) {
		rf_keyhandle_free(*ret_key);
		*ret_key = NULL;
	}
	return rc;
}

void rf_papers_taken(struct rf_papers *p)
{
	p->taken = true;
	memcpy(p->sha256, p->next.sha256, sizeof p->sha256);
	p->until_s = p->next.not_after_s;
	p->refused[0] = '\0';
}

void rf_papers_refused(struct rf_papers *p, const char *why)
{
	snprintf(p->refused, sizeof p->refused, "%s", why);
}

bool rf_papers_tell_old(struct rf_papers *p, int64_t until_s, int64_t now_s)
{
	enum { AGAIN_S = 86400 };

	if (!until_s || now_s <= until_s) {
		p->old_told_s = 0;
		return false;
	}
	if (p->old_told_s && now_s - p->old_told_s < AGAIN_S && now_s >= p->old_told_s)
		return false;
	p->old_told_s = now_s;
	return true;
}

const char *rf_papers_problem(const struct rf_papers *p, int64_t now_s, char dst[static RF_PAPERS_WHY + 100])
{
	enum { SOON_S = 14 * 86400 };

	dst[0] = '\0';
	if (p->refused[0])
		snprintf(dst, RF_PAPERS_WHY + 100, "certificates were refused, those before are in use: %s",
			 p->refused);
	else if (p->taken && now_s > p->until_s - SOON_S)
		snprintf(dst, RF_PAPERS_WHY + 100,
			 now_s > p->until_s ? "%s has expired: `ringfort host issue` makes another" :
			 "%s ends within two weeks: `ringfort host issue` makes another",
			 p->cert_file);
	return dst;
}
