/* Findings: what is wrong with a site, each with its place, so that a person can mend all of them in one go. Used by
 * the loader, the rules and `ringfort check`. Capped: after RF_FINDINGS_MAX only the counts go on. */
#ifndef RF_SITE_FINDING_H
#define RF_SITE_FINDING_H

#include "base/err.h"

#include <stdbool.h>
#include <stdio.h>

enum rf_severity { RF_SEV_ERROR, RF_SEV_WARNING, RF_SEV_NOTE, RF_SEVS };

enum { RF_FINDINGS_MAX = 200 };

struct rf_finding {
	enum rf_severity severity;
	uint32_t line, column;   /* from 1, 0: the file as a whole */
	char *file;              /* never NULL */
	char *text;              /* what is wrong */
	char *mend;              /* what to do, "" when the text says it */
	const char *mitigation;  /* static: id of the catalogue, "" when none */
};

struct rf_findings {
	struct rf_finding *v;
	size_t n, room;
	size_t count[RF_SEVS];   /* of all, also those over the cap */
	int err;                 /* sticky -ENOMEM: one that could not be kept */
};

/* Where a finding points to. file is borrowed for the call. */
struct rf_place {
	const char *file;
	uint32_t line, column;
};

void rf_findings_init(struct rf_findings *f);
void rf_findings_fini(struct rf_findings *f);

/* Add one. mend and mitigation may be NULL. f may be NULL: nothing is kept. Non-printing bytes in the text are shown
 * as '?'. */
void rf_finding_add(struct rf_findings *f, enum rf_severity severity, struct rf_place place, const char *mitigation,
		    const char *mend, const char *fmt, ...) __attribute__((format(printf, 6, 7)));

/* By file, line, column; stable. */
void rf_findings_sort(struct rf_findings *f);
/* "file:line:column: error: text (mitigation; mend)", one line each, and a line that says how many more there are. */
void rf_findings_print(const struct rf_findings *f, FILE *out);
/* The first error as a diag: returns its code RF_E_INVALID, or 0 when there is no error (-ENOMEM when f->err). */
int rf_findings_diag(const struct rf_findings *f, struct rf_diag *diag);
const char *rf_severity_name(enum rf_severity severity);

#endif
