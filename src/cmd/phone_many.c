/* Thousands of phones at once. The rows become lines of the phones file, in the order of its own columns; the site is
 * checked with them in it, and what is wrong is told by the line of the file that was given. Then come keys and
 * certificates, the directory, and last the phones file: a certificate without a line proves nobody. */
#include "cmd/phone_many.h"

#include "cmd/bulk.h"
#include "cmd/issue.h"
#include "cmd/phone_file.h"
#include "cmd/record.h"

#include <jansson.h>
#include <stdlib.h>

struct many {
	const struct rf_cmd_ctx *c;
	struct rf_site *site;
	struct rf_store *store;
	struct rf_ca *ca;
	struct rf_bulk bulk;
	struct rf_phone_file file;
	struct rf_phone_draft draft;
	uint32_t first_line;        /* of ours in the draft */
	struct rf_issue_row *rows;
	struct rf_pki_id id;        /* of the row that goes on record */
};

static void fill_cells(const struct many *m, size_t row, struct rf_phone_cell *cells)
{
	for (size_t i = 0; i < m->bulk.columns; i++)
		cells[i] = (struct rf_phone_cell){ m->bulk.column[i], rf_bulk_get(&m->bulk, row, (int)i) };
}

static int make_draft(struct many *m)
{
	struct rf_phone_cell cells[RF_BULK_COLUMNS_MAX];

	for (size_t i = 0; i < m->bulk.columns; i++)
		cells[i] = (struct rf_phone_cell){ m->bulk.column[i], RF_V("-") };
	int status = rf_phone_draft_begin(&m->file, cells, m->bulk.columns, &m->draft);
	if (status)
		return status;
	m->first_line = m->draft.lines + 1;
	for (size_t i = 0; i < m->bulk.rows; i++) {
		fill_cells(m, i, cells);
		rf_phone_draft_row(&m->draft, cells, m->bulk.columns);
	}
	return rf_phone_draft_end(&m->draft);
}

/* What the site says about a line of ours is said about the row that it was made of. */
static void take_over(struct many *m, const struct rf_finding *x)
{
	bool phones_file = strcmp(x->file, rf_site_cstr(m->site->file)) != 0;
	struct rf_place place = { x->file, x->line, x->column };

	if (phones_file && x->line >= m->first_line && x->line - m->first_line < m->bulk.rows)
		place = rf_bulk_place(&m->bulk, x->line - m->first_line, -1);
	rf_finding_add(&m->bulk.findings, RF_SEV_ERROR, place, NULL, x->mend, "%s", x->text);
}

static int check(struct many *m)
{
	struct rf_findings found;

	rf_findings_init(&found);
	int rc = rf_phone_file_findings(&m->file, m->draft.bytes, m->draft.n, &found);
	for (size_t i = 0; i < found.n; i++)
		if (found.v[i].severity == RF_SEV_ERROR)
			take_over(m, &found.v[i]);
	/* Those that were counted and not kept. */
	m->bulk.findings.count[RF_SEV_ERROR] +=
		found.count[RF_SEV_ERROR] > found.n ? found.count[RF_SEV_ERROR] - found.n : 0;
	rf_findings_fini(&found);
	int status = rf_bulk_verdict(&m->bulk);
	if (!status && rc)
		status = rf_cmd_error(m->c, RF_EXIT_FAILED, "cannot check %s: %s", m->file.path, rf_err_text(rc));
	return status;
}

static int issue(struct many *m, unsigned days)
{
	int name = rf_bulk_column(&m->bulk, "name"), number = rf_bulk_column(&m->bulk, "number");

	m->rows = calloc(m->bulk.rows + 1, sizeof *m->rows);
	if (!m->rows)
		return rf_cmd_error(m->c, RF_EXIT_FAILED, "out of memory");
	for (size_t i = 0; i < m->bulk.rows; i++) {
		m->rows[i].name = rf_bulk_get(&m->bulk, i, name);
		m->rows[i].number = rf_bulk_get(&m->bulk, i, number);
	}
	return rf_issue_phones(m->c, m->ca, m->store, m->site, m->rows, m->bulk.rows, days, true);
}

/* The phones file could not be written: what was certified for it is revoked. */
static void take_back(struct many *m)
{
	struct rf_wall now = m->c->clock.wall(m->c->clock.ctx);
	size_t n;

	if (rf_store_begin(m->store, NULL))
		return;
	for (size_t i = 0; i < m->bulk.rows; i++) {
		rf_store_cert_revoke(m->store, false, m->rows[i].name, now, &n, NULL);
		rf_issue_remove_files(m->c, m->rows[i].name);
	}
	if (rf_store_commit(m->store, NULL) == 0)
		rf_issue_crl(m->c, m->ca, m->store);
}

static void fill_record(void *ctx, size_t i, struct rf_cmd_record *r)
{
	struct many *m = ctx;
	const struct rf_issue_row *row = &m->rows[i];

	m->id = (struct rf_pki_id){ .serial_len = row->made.serial_len, .not_after_s = row->made.not_after_s };
	memcpy(m->id.serial, row->made.serial, sizeof m->id.serial);
	*r = (struct rf_cmd_record){ RF_EVENT_PHONE_ADDED, .phone = row->name, .number = row->number,
				     .certificate = &m->id };
}

static int tell(const struct many *m)
{
	int64_t until_s = m->bulk.rows ? m->rows[0].made.not_after_s : 0;
	char until[RF_WALL_TEXT];

	rf_wall_text((struct rf_wall){ until_s * 1000000 }, until);
	if (m->c->json)
		return rf_cmd_json(m->c, json_pack("{s:I, s:o}", "added", (json_int_t)m->bulk.rows, "not_after",
						   until_s ? json_string(until) : json_null()), RF_EXIT_YES);
	fprintf(m->c->out, "%zu phones added to %s", m->bulk.rows, m->file.path);
	if (until_s)
		fprintf(m->c->out, ", certificates until %.10s in " RF_PKI_PHONES, until);
	fputc('\n', m->c->out);
	return RF_EXIT_YES;
}

static int add_all(struct many *m, unsigned days)
{
	int status = make_draft(m);

	if (!status)
		status = check(m);
	if (!status)
		status = issue(m, days);
	if (!status)
		status = rf_issue_crl(m->c, m->ca, m->store);
	if (!status && (status = rf_phone_file_write(&m->file, m->draft.bytes, m->draft.n)) != 0)
		take_back(m);
	if (status)
		return status;
	rf_cmd_record_all(m->c, m->bulk.rows, fill_record, m);
	return tell(m);
}

static int open_all(struct many *m)
{
	const char *columns[RF_BULK_COLUMNS_MAX + 1] = { "name", "number" };
	struct rf_diag diag = { 0 };
	const char *column;
	size_t n = 2;
	int status = 0;

	for (size_t i = 0; (column = rf_site_phone_column(i)) && n < RF_BULK_COLUMNS_MAX; i++)
		if (strcmp(column, "name") != 0 && strcmp(column, "number") != 0)
			columns[n++] = column;
	m->site = rf_cmd_site(m->c, &status);
	if (!status)
		status = rf_bulk_open(m->c, rf_cmd_opt(m->c, "file"), columns, 2, &m->bulk);
	if (!status)
		status = rf_bulk_once(&m->bulk, rf_bulk_column(&m->bulk, "name"), "phone");
	if (!status)
		status = rf_bulk_verdict(&m->bulk);
	if (!status)
		m->store = rf_cmd_store(m->c, &status);
	if (!status && rf_ca_open(m->c->dir, &m->ca, &diag))
		status = rf_cmd_diag(m->c, &diag);
	if (!status)
		status = rf_phone_file_open(m->c, m->site, &m->file);
	return status;
}

int rf_phone_add_file(struct rf_cmd_ctx *c, unsigned days)
{
	struct many m = { .c = c, .file = { .lock = -1 } };

	for (size_t i = 0; c->cmd->opts[i].name; i++)
		if (c->values[i] && strcmp(c->cmd->opts[i].name, "file") != 0 &&
		    strcmp(c->cmd->opts[i].name, "days") != 0)
			return rf_cmd_error(c, RF_EXIT_USAGE, "--%s goes with one phone; with --file it is a column",
					    c->cmd->opts[i].name);
	if (c->args)
		return rf_cmd_error(c, RF_EXIT_USAGE, "name one phone, or give --file, not both");
	int status = open_all(&m);
	if (!status)
		status = add_all(&m, days);
	free(m.rows);
	free(m.draft.bytes);
	rf_phone_file_close(&m.file);
	rf_bulk_close(&m.bulk);
	rf_ca_close(m.ca);
	rf_store_close(m.store);
	rf_site_put(m.site);
	return status;
}
