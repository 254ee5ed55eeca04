/* ringfort prove: do the rules permit exactly the flows of the site. */
#include "cmd/cmd.h"
#include "cmd/prove_input.h"
#include "emit/emit.h"
#include "prove/prove.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { IDLE_SHOWN = 20 };

/* --- the answer, for people */

static const char *zone_name(const struct rf_site_zone *z, const char *otherwise)
{
	return z ? rf_site_cstr(z->name) : otherwise;
}

static void say_breach(FILE *out, const struct rf_breach *b)
{
	static const char *const says[RF_BREACH_KINDS] = {
		[RF_BREACH_LEAK] = "passes, and no flow permits it",
		[RF_BREACH_STOPPED] = "is stopped, and a flow needs it",
		[RF_BREACH_ANSWER] = "is stopped, and it answers a flow",
		[RF_BREACH_TAKEN] = "is taken by the device, and no flow permits it",
	};
	char packet[300];

	fprintf(out, "%s > %s: a packet %s\n", zone_name(b->from, "device"), zone_name(b->to, b->device),
		says[b->kind]);
	fprintf(out, "    packet  %s\n", rf_packet_text(&b->packet, packet, sizeof packet));
	fprintf(out, "    at      %s%s%s%s%s\n", *b->device ? b->device : "(no device)", b->in && *b->in ? ", in " : "",
		b->in ? b->in : "", b->out && *b->out ? ", out " : "", b->out ? b->out : "");
	fprintf(out, "    rule    %s%s%s%s%s\n", b->text, *b->comment ? "  # " : "", b->comment,
		*b->place ? "\n            " : "", b->place);
	if (b->flow)
		fprintf(out, "    flow    %s: %s (%s)\n", b->flow->id, b->flow->why, b->flow->mitigation);
}

/* Beside packets that show a fault they are only counted. */
static void say_idle(FILE *out, const struct rf_proof *p)
{
	size_t shown = p->proven ? IDLE_SHOWN : 0;

	for (size_t i = 0; i < p->idle_count && i < shown; i++) {
		const struct rf_idle *x = &p->idle[i];

		fprintf(out, "%s: never matches: %s\n            %s\n", x->device, x->rule->text, x->place);
		if (x->by)
			fprintf(out, "    because %s\n            %s\n", x->by->text, x->by_place);
		else
			fprintf(out, "    because no packet of this site reaches it and fits it\n");
	}
	if (p->idle_count > shown)
		fprintf(out, "%zu%s rules that never match (--json lists all)\n", p->idle_count - shown,
			shown ? " more" : "");
}

static int answer_text(const struct rf_cmd_ctx *c, const struct rf_proof *p, double seconds)
{
	for (size_t i = 0; i < p->breach_count; i++)
		say_breach(c->out, &p->breaches[i]);
	say_idle(c->out, p);
	for (size_t i = 0; i < p->assumed_count; i++)
		fprintf(c->out, "assumed: %s\n", p->assumed[i]);
	if (p->unjudged)
		fprintf(c->out, "not looked at: %zu pairs of zones, because no rules of their routers were given\n",
			p->unjudged);
	fprintf(c->out, "%s: %zu rules, %zu flows, %zu pairs of zones, %.2f s", p->proven ? "proven" : "not proven",
		p->rules, p->flows, p->pairs - p->unjudged, seconds);
	if (!p->proven)
		fprintf(c->out, "; %zu counterexamples%s", p->breach_count,
			p->breach_count == RF_BREACHES_MAX ? ", no more are shown" : "");
	fprintf(c->out, "\n");
	return p->proven ? RF_EXIT_YES : RF_EXIT_NO;
}

/* --- and for programs */

static json_t *packet_json(const struct rf_packet *p)
{
	char src[64], dst[64], text[300], proto[24];
	json_t *j =
		json_pack("{s:s, s:i, s:s, s:s, s:s, s:s}", "text", rf_packet_text(p, text, sizeof text), "family",
			  p->family, "protocol", rf_packet_protocol(p->family, p->proto, proto, sizeof proto), "source",
			  rf_packet_address(p->family, p->src, src, sizeof src), "destination",
			  rf_packet_address(p->family, p->dst, dst, sizeof dst), "state", rf_packet_state(p->state));

	if (j) {
		json_object_set_new(j, "protocol_number", json_integer(p->proto));
		json_object_set_new(j, "source_port", json_integer(p->sport));
		json_object_set_new(j, "destination_port", json_integer(p->dport));
		json_object_set_new(j, "icmp_type", json_integer(p->icmp_type));
		json_object_set_new(j, "icmp_code", json_integer(p->icmp_code));
		json_object_set_new(j, "tcp_flags", json_integer(p->tcp_flags));
		json_object_set_new(j, "fragment", json_boolean(p->fragment));
		json_object_set_new(j, "in_pinhole_set", json_boolean(p->pinhole));
		json_object_set_new(j, "in_opening_set", json_boolean(p->from_any || p->to_any));
	}
	return j;
}

static json_t *text_or_null(const char *s)
{
	return s && *s ? json_string(s) : json_null();
}

static json_t *breach_json(const struct rf_breach *b)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "kind", rf_breach_name(b->kind),
			 "from", text_or_null(b->from ? rf_site_cstr(b->from->name) : NULL), "to",
			 text_or_null(b->to ? rf_site_cstr(b->to->name) : NULL), "packet", packet_json(&b->packet),
			 "device", b->device, "in", text_or_null(b->in), "out", text_or_null(b->out), "rule",
			 text_or_null(b->text), "place", text_or_null(b->place), "comment", text_or_null(b->comment),
			 "flow", text_or_null(b->flow ? b->flow->id : NULL));
}

static int answer_json(const struct rf_cmd_ctx *c, const struct rf_proof *p, double seconds)
{
	json_t *breaches = json_array(), *idle = json_array(), *assumed = json_array();

	for (size_t i = 0; i < p->breach_count; i++)
		json_array_append_new(breaches, breach_json(&p->breaches[i]));
	for (size_t i = 0; i < p->idle_count; i++)
		json_array_append_new(idle, json_pack("{s:s, s:s, s:s, s:o, s:o}", "device", p->idle[i].device, "rule",
						      p->idle[i].rule->text, "place", p->idle[i].place, "shadowed_by",
						      text_or_null(p->idle[i].by ? p->idle[i].by->text : NULL),
						      "shadowed_by_place", text_or_null(p->idle[i].by_place)));
	for (size_t i = 0; i < p->assumed_count; i++)
		json_array_append_new(assumed, json_string(p->assumed[i]));
	json_t *j =
		json_pack("{s:b, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:f}", "proven", p->proven, "counterexamples",
			  breaches, "never_match", idle, "assumed", assumed, "rules", (json_int_t)p->rules, "flows",
			  (json_int_t)p->flows, "pairs", (json_int_t)(p->pairs - p->unjudged), "pairs_not_looked_at",
			  (json_int_t)p->unjudged, "nodes", (json_int_t)p->nodes, "seconds", seconds);
	return rf_cmd_json(c, j, p->proven ? RF_EXIT_YES : RF_EXIT_NO);
}

/* --- the work */

static void tunnel_name(const struct rf_site_zone *zone, char *ret_name, size_t cap)
{
	char name[RF_EMIT_IFNAME];
	uint32_t if_id;

	snprintf(ret_name, cap, "%s", rf_emit_tunnel(zone, name, &if_id));
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct progress {
	const struct rf_cmd_ctx *c;
	double begun, said;
};

/* A line that is written over, for people who wait longer than a second. */
static void show_progress(void *ctx, size_t done, size_t of)
{
	struct progress *p = ctx;
	double now = now_s();

	if (now - p->begun < 1 || (now - p->said < 0.2 && done < of) || p->c->json || !isatty(fileno(p->c->err)))
		return;
	p->said = now;
	fprintf(p->c->err, "\r%zu of %zu pairs of zones%s", done, of, done == of ? "\n" : "");
	fflush(p->c->err);
}

static int prove_with(struct rf_cmd_ctx *c, const struct rf_flows *flows, struct rf_prove_input *in)
{
	struct progress progress = { .c = c, .begun = now_s() };
	struct rf_prove_ask ask = { .flows = flows, .rules = in->rules, .n = in->n, .tunnel = tunnel_name,
				    .progress = show_progress, .ctx = &progress };
	struct rf_diag diag = { 0 };
	struct rf_proof proof;

	int rc = rf_prove(&ask, &proof, &diag);
	if (rc)
		return rf_cmd_diag(c, &diag);
	double seconds = now_s() - progress.begun;
	int status = c->json ? answer_json(c, &proof, seconds) : answer_text(c, &proof, seconds);
	rf_proof_fini(&proof);
	return status;
}

static int prove(struct rf_cmd_ctx *c)
{
	struct rf_prove_input in = { 0 };
	struct rf_cmd_network net;
	int status = rf_cmd_network(c, &net);

	if (status)
		return status;
	status = rf_prove_input(c, &net, &in);
	if (status == RF_EXIT_YES)
		status = prove_with(c, &net.flows, &in);
	rf_prove_input_fini(&in);
	rf_cmd_network_end(&net);
	return status;
}

static const struct rf_cmd_opt opts[] = {
	{ "rules", "FILE", "rules of one router, instead of what the site compiles to" },
	{ "router", "NAME", "whose rules --rules or --loaded are; not needed where the site has one" },
	{ "format", "FORMAT",
	  "of --rules: nft, nft-json, iptables, ip6tables, ios, eos, junos; else told by the file" },
	{ "bundle", "DIR", "the rules of all devices in a folder that `ringfort compile -o DIR` wrote" },
	{ "loaded", NULL, "the rules that this kernel has loaded" },
	{ "netns", "NAME", "with --loaded: of this network namespace" },
	{ 0 },
};

const struct rf_cmd rf_cmd_prove[] = {
	{ .name = "prove", .args = "[NAME=FILE[:FORMAT]]...", .max_args = 512,
	  .summary = "do the rules permit exactly the flows of the site, or which packet shows that not", .opts = opts,
	  .help = "Reads the rules back, makes sets of packets of them, and compares along the way between every two zones, for\n"
		  "IPv4 and IPv6: nothing passes but the flows (`ringfort flows`), and all of them do, with their answers.\n"
		  "Without rules it proves what the site compiles to. NAME=FILE gives the rules of router or host NAME.\n"
		  "Exit status 0: proven; 1: not, with packets that show it.",
	  .example = "ringfort -C site prove --rules rules.json --router core", .run = prove },
	{ 0 },
};
