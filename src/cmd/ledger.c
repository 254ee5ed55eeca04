/* ringfort ledger show | verify: what happened, and is the record of it whole. */
#include "cmd/cmd.h"
#include "cmd/roles.h"
#include "ledger/event.h"
#include "ledger/ledger.h"
#include "ledger/reader.h"

#include <jansson.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { FOLLOW_MS = 200 };

static const struct rf_cmd_opt verify_opts[] = {
	{ "role", "NAME", "the record of this role: controller, border or relay", 0 },
	{ 0 }
};

static const struct rf_cmd_opt show_opts[] = {
	{ "kind", "K", "only events of this kind, or of all kinds that begin so: registration, call.end", 'k' },
	{ "since", "TIME", "from TIME on: 2026-11-22, 2026-11-22T08:00 (UTC), or an age: 15m, 2h, 3d", 0 },
	{ "follow", NULL, "go on and show events as they come, until interrupted", 'f' },
	{ "role", "NAME", "the record of this role: controller, border or relay", 0 },
	{ 0 }
};

struct show {
	const struct rf_cmd_ctx *c;
	struct rf_view kind;
	const char *since;
	uint64_t damaged;
};

/* "registration" takes registration.accepted, "call.end" just that. */
static bool kind_passes(struct rf_view want, struct rf_view kind)
{
	if (want.n == 0 || rf_view_eq(want, kind))
		return true;
	return rf_view_starts(kind, want) && kind.p[want.n] == '.';
}

static bool kind_known(struct rf_view want)
{
	for (int k = 0; k < RF_EVENT_KIND_COUNT; k++)
		if (kind_passes(want, rf_view_str(rf_event_kind_name((enum rf_event_kind)k))))
			return true;
	return false;
}

/* `,"a":1,"b":"x"` as ` a=1 b=x`, parsed, so that nothing in a string can pass for a field. */
static void put_fields(FILE *out, struct rf_view body)
{
	char *text = malloc(body.n + 3);
	json_t *o = NULL;
	const char *name;
	json_t *x;

	if (text && body.n) {
		text[0] = '{';
		memcpy(text + 1, body.p + 1, body.n - 1);
		text[body.n] = '}';
		o = json_loadb(text, body.n + 1, 0, NULL);
	}
	json_object_foreach(o, name, x) {
		char *value = json_is_string(x) ? NULL : json_dumps(x, JSON_ENCODE_ANY | JSON_COMPACT);

		fprintf(out, " %s=", name);
		if (value)
			fputs(value, out);
		for (const char *s = json_string_value(x); s && *s; s++)
			fputc((uint8_t)*s < 0x20 || *s == 0x7f ? '?' : *s, out);
		free(value);
	}
	json_decref(o);
	free(text);
}

static void show_line(const struct show *s, const struct rf_ledger_line *line)
{
	FILE *out = s->c->out;

	if (!kind_passes(s->kind, line->kind) ||
	    (s->since && rf_view_cmp(line->time, rf_view_str(s->since)) < 0))
		return;
	if (s->c->json) {
		fwrite(line->text.p, 1, line->text.n, out);
	} else {
		fprintf(out, "%llu %.*s %-22.*s", (unsigned long long)line->seq, RF_VFMT(line->time),
			RF_VFMT(line->kind));
		put_fields(out, line->body);
	}
	fputc('\n', out);
}

static int show_all(struct show *s, struct rf_ledger_reader *r, bool follow)
{
	const struct timespec pause = { 0, FOLLOW_MS * 1000000L };
	struct rf_ledger_line line;

	for (;;) {
		int rc = rf_ledger_reader_next(r, &line);

		if (rc == 0) {
			show_line(s, &line);
		} else if (rc == RF_E_CORRUPT) {
			s->damaged++;
			fprintf(s->c->err, "ringfort: %s line %llu is not a line of the ledger\n", line.file,
				(unsigned long long)line.number);
		} else if (rc != RF_E_MORE) {
			return rc;
		} else if (fflush(s->c->out) || !follow) {
			return 0;
		} else {
			nanosleep(&pause, NULL);
		}
		if (ferror(s->c->out))
			return 0;
	}
}

static int show(struct rf_cmd_ctx *c)
{
	struct show s = { .c = c, .kind = rf_view_str(rf_cmd_opt(c, "kind")), .since = rf_cmd_opt(c, "since") };
	struct rf_ledger_reader *r;
	struct rf_diag diag = { 0 };
	char since[RF_WALL_TEXT];

	if (s.kind.n && !kind_known(s.kind))
		return rf_cmd_error(c, RF_EXIT_USAGE, "--kind %s: there is no such kind; some are: registration, call, "
				    "config, identity.refused, cdr", rf_cmd_opt(c, "kind"));
	if (s.since && rf_ledger_when(rf_view_str(s.since), c->clock.wall(c->clock.ctx), since))
		return rf_cmd_error(c, RF_EXIT_USAGE, "--since %s: not a time; give one like 2026-11-22, "
				    "2026-11-22T08:00 or 2h", s.since);
	s.since = s.since ? since : NULL;
	char *dir = rf_cmd_record_dir(c);

	if (!dir)
		return RF_EXIT_USAGE;
	int rc = rf_ledger_reader_new(dir, &r, &diag);
	free(dir);
	if (rc)
		return rf_cmd_error(c, rc == RF_E_NOT_FOUND ? RF_EXIT_NO : RF_EXIT_FAILED, "%s", diag.text);
	rc = show_all(&s, r, rf_cmd_flag(c, "follow"));
	rf_ledger_reader_free(r);
	if (rc)
		return rf_cmd_error(c, RF_EXIT_FAILED, "cannot read the ledger: %s", rf_err_text(rc));
	if (ferror(c->out))
		return RF_EXIT_FAILED;
	return s.damaged ? RF_EXIT_NO : RF_EXIT_YES;
}

static int verify_json(const struct rf_cmd_ctx *c, const struct rf_ledger_report *r, const struct rf_diag *diag)
{
	json_t *j = json_pack("{s:b,s:I,s:I,s:I,s:I,s:s,s:I,s:I,s:I}", "whole", r->problems == 0,
			      "lines", (json_int_t)r->lines, "segments", (json_int_t)r->segments,
			      "first_seq", (json_int_t)r->first_seq, "last_seq", (json_int_t)r->last_seq,
			      "last_hash", r->last_hash, "problems", (json_int_t)r->problems,
			      "self_reports", (json_int_t)r->gaps, "tail_bytes", (json_int_t)r->tail_bytes);

	if (j && r->problems)
		json_object_set_new(j, "first_problem",
				    json_pack("{s:s,s:I,s:I,s:s}", "file", r->seen_file, "line",
					      (json_int_t)r->seen_line, "seq", (json_int_t)r->seen_seq, "text",
					      diag->text));
	return rf_cmd_json(c, j, r->problems ? RF_EXIT_NO : RF_EXIT_YES);
}

static int verify(struct rf_cmd_ctx *c)
{
	struct rf_ledger_report r = { 0 };
	struct rf_diag diag = { 0 };
	char *dir = rf_cmd_record_dir(c);

	if (!dir)
		return RF_EXIT_USAGE;
	int rc = rf_ledger_verify(dir, &r, &diag);

	free(dir);
	if (rc && rc != RF_E_CORRUPT)
		return rf_cmd_error(c, rc == RF_E_NOT_FOUND ? RF_EXIT_NO : RF_EXIT_FAILED, "%s", diag.text);
	if (c->json)
		return verify_json(c, &r, &diag);
	if (r.problems) {
		fprintf(c->out, "NOT WHOLE: ledger/%s:%llu: %s\n", r.seen_file, (unsigned long long)r.seen_line,
			diag.text);
		if (r.problems > 1)
			fprintf(c->out, "and %llu more problems behind it\n", (unsigned long long)r.problems - 1);
	} else {
		fprintf(c->out, "whole: %llu lines in %llu segments, seq %llu to %llu\n", (unsigned long long)r.lines,
			(unsigned long long)r.segments, (unsigned long long)r.first_seq,
			(unsigned long long)r.last_seq);
	}
	fprintf(c->out, "last hash: %s\n", r.last_hash);
	if (r.gaps)
		fprintf(c->out, "the record itself tells of %llu crashes, gaps or repairs: ringfort "
				"ledger show --kind ledger\n",
			(unsigned long long)r.gaps);
	if (r.tail_bytes)
		fprintf(c->out,
			"%zu bytes at the end are no whole line: a write under way, or the trace of a crash that the "
			"next start will record\n",
			r.tail_bytes);
	return r.problems ? RF_EXIT_NO : RF_EXIT_YES;
}

const struct rf_cmd rf_cmd_ledger[] = {
	{
		.name = "ledger",
		.sub = "show",
		.summary = "what happened, in order",
		.help = "With --json the lines as they stand in the ledger. Times are UTC.",
		.example = "ringfort -C /etc/ringfort ledger show --kind registration --since 1h --follow",
		.opts = show_opts,
		.run = show,
	},
	{
		.name = "ledger",
		.sub = "verify",
		.summary = "is the record whole",
		.help = "Follows the chain of hashes from the first line to the last and compares it with the head. Exit\n"
			"status 0: whole; 1: not, and where. Someone who can write the ledger can replace its end and its\n"
			"head together; compare the last hash with a copy kept elsewhere to see that too.",
		.example = "ringfort -C /etc/ringfort ledger verify",
		.opts = verify_opts,
		.run = verify,
	},
	{ 0 }
};
