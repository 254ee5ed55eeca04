#include "site/finding.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void rf_findings_init(struct rf_findings *f)
{
	*f = (struct rf_findings){ 0 };
}

void rf_findings_fini(struct rf_findings *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->v[i].file);
		free(f->v[i].text);
		free(f->v[i].mend);
	}
	free(f->v);
	*f = (struct rf_findings){ 0 };
}

const char *rf_severity_name(enum rf_severity severity)
{
	static const char *const names[RF_SEVS] = { "error", "warning", "note" };

	return (unsigned)severity < RF_SEVS ? names[severity] : "?";
}

static bool make_room(struct rf_findings *f)
{
	if (f->n < f->room)
		return true;
	size_t room = f->room ? f->room * 2 : 8;
	struct rf_finding *v = realloc(f->v, room * sizeof *v);
	if (!v)
		return false;
	f->v = v;
	f->room = room;
	return true;
}

/* What a file says goes to terminals: no byte of it may steer one. */
static void tame(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			*s = '?';
}

void rf_finding_add(struct rf_findings *f, enum rf_severity severity, struct rf_place place, const char *mitigation,
		    const char *mend, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (!f)
		return;
	f->count[severity]++;
	if (f->n >= RF_FINDINGS_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	tame(text);
	struct rf_finding made = {
		.severity = severity, .line = place.line, .column = place.column,
		.file = strdup(place.file ? place.file : ""), .text = strdup(text), .mend = strdup(mend ? mend : ""),
		.mitigation = mitigation ? mitigation : "",
	};
	if (made.mend)
		tame(made.mend);
	if (!made.file || !made.text || !made.mend || !make_room(f)) {
		free(made.file);
		free(made.text);
		free(made.mend);
		f->err = -ENOMEM;
		return;
	}
	f->v[f->n++] = made;
}

static int order(const struct rf_finding *a, const struct rf_finding *b)
{
	int by_file = strcmp(a->file, b->file);

	if (by_file)
		return by_file;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return a->column < b->column ? -1 : a->column > b->column;
}

void rf_findings_sort(struct rf_findings *f)
{
	/* Insertion: at most RF_FINDINGS_MAX, nearly in order already, and stable. */
	for (size_t i = 1; i < f->n; i++) {
		struct rf_finding one = f->v[i];
		size_t j = i;

		for (; j > 0 && order(&f->v[j - 1], &one) > 0; j--)
			f->v[j] = f->v[j - 1];
		f->v[j] = one;
	}
}

static void print_one(const struct rf_finding *x, FILE *out)
{
	fputs(x->file, out);
	if (x->line)
		fprintf(out, ":%u:%u", x->line, x->column);
	fprintf(out, ": %s: %s", rf_severity_name(x->severity), x->text);
	if (x->mitigation[0] && x->mend[0])
		fprintf(out, " (%s; %s)", x->mitigation, x->mend);
	else if (x->mitigation[0] || x->mend[0])
		fprintf(out, " (%s%s)", x->mitigation, x->mend);
	fputc('\n', out);
}

void rf_findings_print(const struct rf_findings *f, FILE *out)
{
	size_t all = 0;

	for (size_t i = 0; i < f->n; i++)
		print_one(&f->v[i], out);
	for (size_t i = 0; i < RF_SEVS; i++)
		all += f->count[i];
	if (all > f->n)
		fprintf(out, "and %zu more\n", all - f->n);
}

int rf_findings_diag(const struct rf_findings *f, struct rf_diag *diag)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct rf_finding *x = &f->v[i];

		if (x->severity == RF_SEV_ERROR)
			return rf_diag_at(diag, RF_E_INVALID, x->file, x->line, x->column, "%s%s%s%s", x->text,
					  x->mend[0] ? " (" : "", x->mend, x->mend[0] ? ")" : "");
	}
	if (f->err)
		return rf_diag_set(diag, f->err, "out of memory");
	return f->count[RF_SEV_ERROR] ? rf_diag_set(diag, RF_E_INVALID, "the site file has errors") : 0;
}
