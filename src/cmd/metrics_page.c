#include "cmd/metrics_page.h"

#include <fnmatch.h>
#include <jansson.h>
#include <stdint.h>
#include <string.h>

enum { LABELS_MAX = 5, WITHIN_MAX = 2 };

/* Where numbers are in an answer: within these objects; where there is an array, in each of its elements, which are
 * told apart by the label `as`, the value of their member `id`. */
struct place { const char *within[WITHIN_MAX], *array, *id, *as; };

static const struct place top = { .array = NULL }, counts = { .within = { "counts" } },
			  counted = { .within = { "counted" } }, dropped = { .within = { "dropped" } },
			  ledger = { .within = { "stores", "ledger" } },
			  workers = { .array = "workers", .id = "worker", .as = "worker" },
			  trunks = { .array = "trunks", .id = "name", .as = "trunk" },
			  drops = { .within = { "drops" } }, kernel = { .within = { "kernel" } },
			  af_xdp = { .within = { "af_xdp" } }, requests = { .within = { "requests" } },
			  stun = { .within = { "stun" } }, ended = { .within = { "ended" } },
			  mos = { .within = { "ended", "mos" } }, jitter = { .within = { "ended", "jitter" } },
			  pinholes = { .within = { "pinholes" } },
			  walls = { .within = { "pinholes" }, .array = "walls", .id = "wall", .as = "wall" };

/* A histogram is three rows: its buckets, with the help, its count and its sum. */
enum type { GAUGE, COUNTER, HISTOGRAM, COUNT, SUM };
static const struct { const char *name, *suffix; } types[] = {
	[GAUGE] = { "gauge", "" }, [COUNTER] = { "counter", "" }, [HISTOGRAM] = { "histogram", "_bucket" },
	[COUNT] = { "histogram", "_count" }, [SUM] = { "histogram", "_sum" },
};

static const struct metric {
	const struct place *place;
	const char *member;         /* with `by`: a pattern (fnmatch(3)); the label `by` is which member
				     * it is, without "_now" */
	const char *by;
	const char *name;
	enum type type;
	const char *help;
} metrics[] = {
	{ &top, "healthy", NULL, "ringfort_healthy", GAUGE, "1: runs, and has no problem" },
	{ &top, "uptime_s", NULL, "ringfort_uptime_seconds", COUNTER, "since the role was started" },
	/* controller, border */
	{ &counts, "bindings", NULL, "ringfort_registrations", GAUGE, "contacts that are registered" },
	{ &counts, "calls", NULL, "ringfort_calls", GAUGE, "calls that are up or being set up" },
	{ &counts, "connections", NULL, "ringfort_connections", GAUGE, "connections of peers" },
	{ &counts, "phones", NULL, "ringfort_phones", GAUGE, "phones of the site" },
	{ &counts, "users", NULL, "ringfort_users", GAUGE, "users of the site" },
	{ &workers, "*_now", "what", "ringfort_now", GAUGE, "things that are under way, of a worker" },
	{ &workers, "load_pressure", NULL, "ringfort_load_pressure", GAUGE, "how loaded a worker is, in per cent" },
	{ &workers, "load_strain", NULL, "ringfort_load_strain", GAUGE, "the same, smoothed" },
	{ &workers, "!(*_now|worker|load_pressure|load_strain)", "event", "ringfort_events_total", COUNTER,
	  "what a worker has done and refused" },
	{ &counted, "*", "what", "ringfort_messages_total", COUNTER,
	  "SIP messages and connections, by what became of them" },
	{ &dropped, "*", "rule", "ringfort_dropped_total", COUNTER, "what the border left out or refused, by rule" },
	{ &trunks, "channels", NULL, "ringfort_trunk_channels", GAUGE, "calls over a trunk" },
	{ &trunks, "channels_most", NULL, "ringfort_trunk_channels_max", GAUGE,
	  "and how many it may have; 0: no limit" },
	{ &trunks, "!(channels|channels_most|port)", "what", "ringfort_trunk_total", COUNTER,
	  "calls of a trunk, by what became of them" },
	{ &trunks, "state", "state", "ringfort_trunk_state", GAUGE, "1 for the state that a trunk is in" },
	{ &ledger, "written", NULL, "ringfort_ledger_lines_total", COUNTER, "lines of the record that are on disk" },
	{ &ledger, "queued", NULL, "ringfort_ledger_queued", GAUGE, "events that wait for it" },
	{ &ledger, "lost", NULL, "ringfort_ledger_lost_total", COUNTER, "events that did not get there" },
	/* relay */
	{ &counts, "sessions", NULL, "ringfort_relay_sessions", GAUGE, "sessions" },
	{ &counts, "paths", NULL, "ringfort_relay_paths", GAUGE, "media of them" },
	{ &counts, "in_kernel", NULL, "ringfort_relay_streams_in_kernel", GAUGE, "streams that the kernel passes on" },
	{ &counts, "af_xdp", NULL, "ringfort_relay_streams_af_xdp", GAUGE, "streams that come past the sockets" },
	{ &counts, "ports", NULL, "ringfort_relay_ports", GAUGE, "ports in use" },
	{ &counts, "ports_free", NULL, "ringfort_relay_ports_free", GAUGE, "ports that are left" },
	{ &counts, "packets", NULL, "ringfort_relay_packets_total", COUNTER, "authentic packets that came" },
	{ &counts, "sent", NULL, "ringfort_relay_packets_sent_total", COUNTER, "packets that went on" },
	{ &kernel, "packets", NULL, "ringfort_relay_packets_kernel_total", COUNTER,
	  "those of them that the kernel passed on" },
	{ &af_xdp, "packets", NULL, "ringfort_relay_packets_af_xdp_total", COUNTER,
	  "packets that came past the sockets" },
	{ &drops, "*", "rule", "ringfort_relay_dropped_total", COUNTER, "packets that went nowhere, by rule" },
	{ &requests, "!(waiting|connections)", "what", "ringfort_relay_requests_total", COUNTER,
	  "requests by the NG protocol, by what became of them" },
	{ &requests, "waiting", NULL, "ringfort_relay_requests_waiting", GAUGE, "requests that are not answered yet" },
	{ &stun, "*", "what", "ringfort_relay_stun_total", COUNTER, "questions to the STUN service" },
	{ &ended, "received", NULL, "ringfort_relay_ended_packets_total", COUNTER, "packets of streams that are over" },
	{ &ended, "lost", NULL, "ringfort_relay_ended_lost_total", COUNTER, "and those that did not come" },
	{ &mos, "*", "le", "ringfort_relay_stream_mos", HISTOGRAM, "MOS of streams that are over, estimated by G.107" },
	{ &ended, "streams", NULL, "ringfort_relay_stream_mos", COUNT, NULL },
	{ &ended, "mos_sum", NULL, "ringfort_relay_stream_mos", SUM, NULL },
	{ &jitter, "*", "le", "ringfort_relay_stream_jitter_seconds", HISTOGRAM, "their jitter" },
	{ &ended, "streams", NULL, "ringfort_relay_stream_jitter_seconds", COUNT, NULL },
	{ &ended, "jitter_sum", NULL, "ringfort_relay_stream_jitter_seconds", SUM, NULL },
	{ &pinholes, "wanted", NULL, "ringfort_relay_pinholes", GAUGE, "pinholes that sessions want" },
	{ &walls, "up", NULL, "ringfort_relay_wall_up", GAUGE, "1: the wall can be asked" },
	{ &walls, "denied", NULL, "ringfort_relay_wall_denied_total", COUNTER, "pinholes that it refused" },
	/* wall */
	{ &pinholes, "now", NULL, "ringfort_wall_pinholes", GAUGE, "pinholes that are open" },
	{ &pinholes, "@(opened|refreshed|closed|expired|refused|failed)", "what",
	  "ringfort_wall_pinholes_total", COUNTER, "pinholes, by what became of them" },
	{ &top, "blocked_since_start", NULL, "ringfort_wall_blocked_total", COUNTER, "addresses that were blocked" },
};

struct label { const char *name, *value; size_t n; };

struct sample {
	const struct metric *metric;
	struct label label[LABELS_MAX];
	size_t labels;
	double value;
};

/* Who takes the samples, in the order of the page. */
struct walk {
	void (*take)(struct walk *w, const struct sample *s);
	FILE *out;
	json_t *list;
	const char *begun;          /* the metric whose help is out */
};

static void label(struct sample *s, const char *name, const char *value, size_t n)
{
	if (s->labels < LABELS_MAX)
		s->label[s->labels++] = (struct label){ name, value, n };
}

/* ---- from answers to samples */

static void number(struct walk *w, struct sample *s, const json_t *v)
{
	if (!json_is_number(v) && !json_is_boolean(v))
		return;
	s->value = json_is_number(v) ? json_number_value(v) : json_is_true(v);
	w->take(w, s);
}

/* A state is a word: 1, and itself the label. */
static void state(struct walk *w, struct sample *s, const json_t *v)
{
	label(s, s->metric->by, json_string_value(v), json_string_length(v));
	s->value = 1;
	w->take(w, s);
}

static void members(struct walk *w, const struct sample *s, const json_t *object)
{
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)(uintptr_t)object, key, v) {
		struct sample one = *s;
		size_t n = strlen(key);

		if (fnmatch(s->metric->member, key, FNM_EXTMATCH))
			continue;
		if (json_is_string(v) && strcmp(key, s->metric->member) == 0) {
			state(w, &one, v);
			continue;
		}
		label(&one, s->metric->by, key, n > 4 && strcmp(key + n - 4, "_now") == 0 ? n - 4 : n);
		number(w, &one, v);
	}
}

static void element(struct walk *w, const struct sample *s, const json_t *object)
{
	struct sample one = *s;

	if (s->metric->by)
		members(w, s, object);
	else
		number(w, &one, json_object_get(object, s->metric->member));
}

static void elements(struct walk *w, const struct sample *s, const json_t *array)
{
	const struct place *at = s->metric->place;
	const json_t *one;
	size_t i;

	json_array_foreach(array, i, one) {
		const json_t *id = json_object_get(one, at->id);
		struct sample named = *s;
		char digits[32];

		snprintf(digits, sizeof digits, "%lld", (long long)json_integer_value(id));
		const char *value = json_is_string(id) ? json_string_value(id) : digits;

		label(&named, at->as, value, strlen(value));
		element(w, &named, one);
	}
}

static void answered(struct walk *w, const struct metric *m, const json_t *answer)
{
	const char *role = json_string_value(json_object_get(answer, "role"));
	const char *host = json_string_value(json_object_get(answer, "host"));
	struct sample s = { .metric = m };
	const json_t *at = answer;

	label(&s, "role", role ? role : "", role ? strlen(role) : 0);
	if (host && *host)
		label(&s, "host", host, strlen(host));
	for (unsigned i = 0; i < WITHIN_MAX && m->place->within[i]; i++)
		at = json_object_get(at, m->place->within[i]);
	if (m->place->array)
		elements(w, &s, json_object_get(at, m->place->array));
	else
		element(w, &s, at);
}

static void each(struct walk *w, const json_t *answers)
{
	const json_t *answer;
	size_t i;

	for (const struct metric *m = metrics; m < metrics + sizeof metrics / sizeof *metrics; m++)
		json_array_foreach(answers, i, answer)
			answered(w, m, answer);
}

/* ---- as a page */

static void put_escaped(FILE *out, const struct label *l)
{
	for (size_t i = 0; i < l->n; i++) {
		if (l->value[i] == '\\' || l->value[i] == '"')
			fputc('\\', out);
		if (l->value[i] == '\n')
			fputs("\\n", out);
		else
			fputc(l->value[i], out);
	}
}

/* le: of the bucket without an upper bound; NULL: the sample as it is. */
static void put_sample(FILE *out, const struct sample *s, const char *suffix, const char *le)
{
	fprintf(out, "%s%s{", s->metric->name, suffix);
	for (size_t i = 0; i < s->labels; i++) {
		fprintf(out, "%s%s=\"", i ? "," : "", s->label[i].name);
		put_escaped(out, &s->label[i]);
		fputc('"', out);
	}
	if (le)
		fprintf(out, ",le=\"%s\"", le);
	fprintf(out, "} %.15g\n", s->value);
}

static void print(struct walk *w, const struct sample *s)
{
	const struct metric *m = s->metric;

	if (!w->begun || strcmp(w->begun, m->name)) {
		fprintf(w->out, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name, types[m->type].name);
		w->begun = m->name;
	}
	if (m->type == COUNT) /* the bucket without an upper bound has all of them */
		put_sample(w->out, s, "_bucket", "+Inf");
	put_sample(w->out, s, types[m->type].suffix, NULL);
}

void rf_cmd_metrics_page(FILE *out, const json_t *answers)
{
	struct walk w = { .take = print, .out = out };

	each(&w, answers);
}

/* ---- as JSON */

static void append(struct walk *w, const struct sample *s)
{
	json_t *labels = json_object();
	char name[96];

	for (size_t i = 0; i < s->labels; i++)
		json_object_set_new(labels, s->label[i].name, json_stringn(s->label[i].value, s->label[i].n));
	snprintf(name, sizeof name, "%s%s", s->metric->name, types[s->metric->type].suffix);
	json_array_append_new(w->list, json_pack("{s:s,s:s,s:o,s:f}", "name", name, "type", types[s->metric->type].name,
						 "labels", labels, "value", s->value));
}

json_t *rf_cmd_metrics_json(const json_t *answers)
{
	struct walk w = { .take = append, .list = json_array() };

	each(&w, answers);
	return w.list;
}
