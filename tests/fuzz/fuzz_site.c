/* A site file, a phones file and an attestations.yaml, split at NUL bytes (which none of them can hold). */
#include "site/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rf_view all = rf_view_of(data, n);
	size_t cut = rf_view_find(all, 0);
	struct rf_findings findings;
	struct rf_site *site = NULL;

	rf_findings_init(&findings);
	struct rf_view rest = rf_view_from(all, cut + 1);
	size_t second = rf_view_find(rest, 0);
	int rc = rf_site_parse_attested(rf_view_sub(all, 0, cut), rf_view_sub(rest, 0, second),
					rf_view_from(rest, second + 1), "site.yaml",
					(struct rf_wall){ 1795305600000000 }, &findings, &site);
	if ((rc == 0) != (site != NULL) || (rc == RF_E_INVALID && !findings.count[RF_SEV_ERROR]))
		__builtin_trap();
	if (site && rf_site_check(site, (struct rf_wall){ 1795305600000000 }, &findings))
		__builtin_trap();
	for (size_t i = 0; site && i < site->phone_count; i++)
		if (!rf_site_phone(site, site->phones[i].name))
			__builtin_trap();
	rf_site_put(site);
	rf_findings_fini(&findings);
	return 0;
}
