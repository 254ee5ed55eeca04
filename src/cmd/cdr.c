/* ringfort cdr: the call records. */
#include "cmd/cmd.h"
#include "cmd/roles.h"
#include "ledger/cdr.h"

#include <stdlib.h>

struct list {
	const struct rf_cmd_ctx *c;
	uint64_t shown;
};

static struct rf_view clip(struct rf_view v, size_t n)
{
	return rf_view_sub(v, 0, n);
}

/* Bytes of a record as they may go to a terminal: control characters become '?'. */
static void cell(FILE *out, struct rf_view v, int width)
{
	struct rf_view s = clip(v, (size_t)width);

	for (size_t i = 0; i < s.n; i++)
		fputc(s.p[i] < 0x20 || s.p[i] == 0x7f ? '?' : s.p[i], out);
	fprintf(out, "%*s", width - (int)s.n + 2, "");
}

/* The user part of an address, which is what people know each other by. */
static struct rf_view who(struct rf_view v)
{
	size_t colon = rf_view_find(v, ':');
	struct rf_view user = colon < v.n ? rf_view_from(v, colon + 1) : v;

	return rf_view_sub(user, 0, rf_view_find(user, '@'));
}

static void put_seconds(FILE *out, const struct rf_cdr *c)
{
	if (c->answer.us && c->end.us >= c->answer.us)
		fprintf(out, "%7.1f  ", (double)(c->end.us - c->answer.us) / 1e6);
	else
		fprintf(out, "%7s  ", "-");
}

static int show_row(void *arg, const struct rf_cdr *cdr, const struct rf_ledger_line *line)
{
	struct list *l = (struct list *)arg;
	FILE *out = l->c->out;
	char start[RF_WALL_TEXT];

	(void)line;
	if (l->shown++ == 0)
		fprintf(out, "%-20s  %-3s  %-12s  %-12s  %-16s  %-10s  %7s  %-4s  %-24s  %-8s  %s\n", "START (UTC)",
			"LEG", "FROM", "TO", "DEVICE", "OUTCOME", "SECONDS", "OVER", "MEDIA", "ENDED BY", "SESSION");
	rf_wall_text(cdr->start.us ? cdr->start : cdr->end, start);
	fprintf(out, "%.19sZ  ", start);
	cell(out, cdr->leg, 3);
	cell(out, who(cdr->from), 12);
	cell(out, who(cdr->to), 12);
	cell(out, cdr->device.n ? cdr->device : cdr->number, 16);
	cell(out, cdr->outcome, 10);
	put_seconds(out, cdr);
	cell(out, cdr->transport, 4);
	cell(out, cdr->audio.n ? cdr->audio : cdr->video, 24);
	cell(out, cdr->ended_by, 8);
	cell(out, cdr->session, 32);
	return fputc('\n', out) < 0 ? RF_E_CLOSED : 0;
}

/* The line as it stands in the ledger is the JSON of the record. */
static int show_json(void *arg, const struct rf_cdr *cdr, const struct rf_ledger_line *line)
{
	struct list *l = (struct list *)arg;

	(void)cdr;
	fputs(l->shown++ ? ",\n  " : "  ", l->c->out);
	return fwrite(line->text.p, 1, line->text.n, l->c->out) == line->text.n ? 0 : RF_E_CLOSED;
}

static const struct rf_cmd_opt opts[] = {
	{ "since", "TIME", "calls that began at TIME or later: 2026-11-22, 2026-11-22T08:00 (UTC), or an age: 2h, 3d", 0 },
	{ "until", "TIME", "calls that began before TIME", 0 },
	{ "number", "N", "calls from or to this number", 0 },
	{ "session", "ID", "the legs of one call", 0 },
	{ "limit", "N", "only the last N records", 'n' },
	{ "role", "NAME", "the record of this role: controller or border", 0 },
	{ 0 }
};

static bool when(const struct rf_cmd_ctx *c, const char *name, char dst[static RF_WALL_TEXT], const char **ret)
{
	const char *text = rf_cmd_opt(c, name);

	if (!text)
		return true;
	if (rf_ledger_when(rf_view_str(text), c->clock.wall(c->clock.ctx), dst)) {
		rf_cmd_error(c, RF_EXIT_USAGE, "--%s %s: not a time; give one like 2026-11-22, 2026-11-22T08:00 or 2h",
			     name, text);
		return false;
	}
	*ret = dst;
	return true;
}

static int cdr(struct rf_cmd_ctx *c)
{
	struct rf_cdr_filter filter = {
		.number = rf_view_str(rf_cmd_opt(c, "number")), .session = rf_view_str(rf_cmd_opt(c, "session")),
	};
	char since[RF_WALL_TEXT], until[RF_WALL_TEXT], *dir;
	struct list list = { .c = c };
	struct rf_diag diag = { 0 };
	uint64_t damaged = 0;
	int rc;

	if (!when(c, "since", since, &filter.since) || !when(c, "until", until, &filter.until) ||
	    !rf_cmd_number(c, "limit", 1, RF_CDR_LAST_MAX, &filter.limit))
		return RF_EXIT_USAGE;
	dir = rf_cmd_record_dir(c);

	if (!dir)
		return RF_EXIT_USAGE;
	if (c->json)
		fputs("[\n", c->out);
	rc = rf_cdr_query(dir, &filter, c->json ? show_json : show_row, &list, &damaged, &diag);
	free(dir);
	if (c->json)
		fputs(list.shown ? "\n]\n" : "]\n", c->out);
	if (rc && rc != RF_E_NOT_FOUND)
		return rf_cmd_error(c, RF_EXIT_FAILED, "%s", diag.text[0] ? diag.text : rf_err_text(rc));
	if (list.shown == 0 && !c->json)
		fputs("no call records\n", c->out);
	if (damaged)
		rf_cmd_error(c, 0, "%llu lines of the ledger could not be read; see `ringfort ledger verify`",
			     (unsigned long long)damaged);
	return fflush(c->out) || ferror(c->out) ? RF_EXIT_FAILED : damaged ? RF_EXIT_NO : RF_EXIT_YES;
}

const struct rf_cmd rf_cmd_cdr[] = {
	{
		.name = "cdr",
		.summary = "call records, one line per leg",
		.help = "Reads the ledger of the site directory; the controller may run or not. "
			"Times are UTC. With --json\n"
			"the records as they stand in the ledger, one object per leg, in an array.",
		.example = "ringfort -C /etc/ringfort cdr --since 2h --number 1001",
		.opts = opts,
		.run = cdr,
	},
	{ 0 }
};
