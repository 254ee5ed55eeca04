#include "ledger/ledger_int.h"

#include <fcntl.h>
#include <unistd.h>

struct verify {
	struct rf_sha sha;
	struct rf_head head;
	int head_rc;
	bool head_met;          /* the line that the head names was seen, with its hash */
	struct rf_chain at;
	char file[RF_SEGMENT_NAME];
	struct rf_ledger_report *report;
	struct rf_diag *diag;
};

static void problem(struct verify *v, const struct rf_ledger_line *line, uint64_t seq, const char *text)
{
	struct rf_ledger_report *r = v->report;

	if (r->problems++)
		return;
	snprintf(r->seen_file, sizeof r->seen_file, "%s", line ? line->file : "");
	r->seen_line = line ? line->number : 0;
	r->seen_seq = seq;
	if (line)
		rf_diag_at(v->diag, RF_E_CORRUPT, line->file, (uint32_t)line->number, 0, "seq %llu: %s",
			   (unsigned long long)seq, text);
	else
		rf_diag_set(v->diag, RF_E_CORRUPT, "seq %llu: %s", (unsigned long long)seq, text);
}

static bool is_self_report(struct rf_view kind)
{
	return rf_view_starts(kind, RF_V("ledger."));
}

static void check_order(struct verify *v, const struct rf_ledger_line *line)
{
	char text[160];

	if (line->seq == v->at.seq + 1) {
		if (!rf_view_eq(line->prev, rf_view_str(v->at.hash)))
			problem(v, line, line->seq, v->at.seq ?
				"it does not continue the line before it: that one was exchanged, or this one was" :
				"the first line must continue nothing (prev of zeros)");
		return;
	}
	if (v->at.seq == 0)
		snprintf(text, sizeof text, "the record begins here: lines 1 to %llu are missing",
			 (unsigned long long)line->seq - 1);
	else if (line->seq > v->at.seq)
		snprintf(text, sizeof text, "it follows seq %llu: the lines between are missing",
			 (unsigned long long)v->at.seq);
	else
		snprintf(text, sizeof text, "it follows seq %llu: lines are out of order or repeated",
			 (unsigned long long)v->at.seq);
	problem(v, line, line->seq, text);
}

static void check_name(struct verify *v, const struct rf_ledger_line *line)
{
	char name[RF_SEGMENT_NAME];

	if (strcmp(v->file, line->file) == 0)
		return;
	snprintf(v->file, sizeof v->file, "%s", line->file);
	v->report->segments++;
	rf_segment_name(name, line->seq);
	if (line->number == 1 && strcmp(name, line->file) != 0)
		problem(v, line, line->seq, "the first line's seq is not the one that the file is named by");
}

static int check_line(struct verify *v, const struct rf_ledger_line *line)
{
	char hash[RF_HASH_TEXT];
	int rc = rf_sha_text(&v->sha, line->hashed, hash);

	if (rc)
		return rc;
	if (!rf_view_eq(line->hash, rf_view_str(hash)))
		problem(v, line, line->seq, "its hash does not match: the line was changed");
	check_order(v, line);
	check_name(v, line);
	if (v->head_rc == 0 && line->seq == v->head.seq) {
		v->head_met = true;
		if (!rf_view_eq(line->hash, rf_view_str(v->head.hash)))
			problem(v, line, line->seq, "the head remembers another line with this number");
	}
	if (v->report->lines++ == 0)
		v->report->first_seq = line->seq;
	v->report->gaps += is_self_report(line->kind);
	v->at.seq = line->seq;
	memcpy(v->at.hash, line->hash.p, RF_HASH_TEXT - 1);
	return 0;
}

static int all_lines(struct verify *v, struct rf_ledger_reader *r)
{
	struct rf_ledger_line line = { 0 };
	int rc = 0;

	while (rc == 0 || rc == RF_E_CORRUPT) {
		rc = rf_ledger_reader_next(r, &line);
		if (rc == RF_E_CORRUPT) {
			problem(v, &line, v->at.seq + 1, "this is not a line of the ledger");
			v->report->lines++;
		} else if (rc == 0) {
			rc = check_line(v, &line);
		}
	}
	v->report->tail_bytes = rf_ledger_reader_tail(r);
	return rc == RF_E_MORE ? 0 : rc;
}

static void check_head(struct verify *v)
{
	char text[160];

	if (v->head_rc == RF_E_NOT_FOUND) {
		/* A young ledger has none for a second; one that has is never without again. */
		if (v->report->segments > 1)
			problem(v, NULL, v->at.seq,
				"the file `head` is missing: the end of the record cannot be vouched for");
	} else if (v->head_rc) {
		problem(v, NULL, v->at.seq, "the file `head` is not readable as one");
	} else if (!v->head_met && v->head.seq > v->at.seq) {
		snprintf(text, sizeof text, "the record ends here, but the head has seen seq %llu: the end was cut off",
			 (unsigned long long)v->head.seq);
		problem(v, NULL, v->at.seq, text);
	}
}

int rf_ledger_verify(const char *dir, struct rf_ledger_report *ret_report, struct rf_diag *diag)
{
	struct rf_ledger_report report = { 0 };
	struct verify v = { .report = &report, .diag = diag };
	struct rf_ledger_reader *r = NULL;
	int rc, fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* The head first: what is written while we read can then only be behind it. */
	v.head_rc = fd < 0 ? RF_E_NOT_FOUND : rf_head_read(fd, &v.head);
	if (fd >= 0)
		close(fd);
	if (v.head_rc && v.head_rc != RF_E_NOT_FOUND && v.head_rc != RF_E_CORRUPT)
		return rf_diag_set(diag, v.head_rc, "%s/head: %s", dir, rf_err_text(v.head_rc));
	rf_chain_init(&v.at);
	rc = rf_sha_init(&v.sha);
	if (rc)
		return rf_diag_set(diag, rc, "no memory to verify the ledger");
	rc = rf_ledger_reader_new(dir, &r, diag);
	if (rc == RF_E_NOT_FOUND && v.head_rc == 0 && v.head.seq > 0) {
		problem(&v, NULL, 0, "there is a head but not one segment: the whole record is missing");
		rc = 0;
	} else if (rc == 0) {
		rc = all_lines(&v, r);
		if (rc)
			rf_diag_set(diag, rc, "%s: cannot read on: %s", dir, rf_err_text(rc));
		else
			check_head(&v);
	}
	rf_ledger_reader_free(r);
	rf_sha_fini(&v.sha);
	if (rc)
		return rc;
	report.last_seq = v.at.seq;
	memcpy(report.last_hash, v.at.hash, sizeof report.last_hash);
	*ret_report = report;
	return report.problems ? RF_E_CORRUPT : 0;
}
