/* ringfort flows: who may open what to whom, and why. */
#include "cmd/network.h"
#include "policy/show.h"
#include "site/near.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <netinet/in.h>
#include <string.h>

static const struct rf_site_zone *zone_named(const struct rf_cmd_ctx *c, const struct rf_site *site, const char *option,
					     bool *ok)
{
	const char *name = rf_cmd_opt(c, option), *near = NULL;
	unsigned best = RF_NEAR_MAX;

	for (size_t i = 0; name && i < site->zone_count; i++) {
		unsigned d = rf_near_distance(rf_view_str(name), site->zones[i].name);

		if (d == 0)
			return &site->zones[i];
		if (d < best) {
			best = d;
			near = rf_site_cstr(site->zones[i].name);
		}
	}
	if (!name)
		return NULL;
	*ok = false;
	if (near && rf_near_enough(best, strlen(name)))
		rf_cmd_error(c, RF_EXIT_USAGE, "the site has no zone \"%s\"; did you mean %s?", name, near);
	else
		rf_cmd_error(c, RF_EXIT_USAGE, "the site has no zone \"%s\"", name);
	return NULL;
}

static bool wanted(const struct rf_cmd_ctx *c, const struct rf_site *site, struct rf_show *ret_show)
{
	const char *at = rf_cmd_opt(c, "at");
	bool ok = true;

	ret_show->from = zone_named(c, site, "from", &ok);
	ret_show->to = ok ? zone_named(c, site, "to", &ok) : NULL;
	if (ok && at && !(ret_show->at = rf_site_host(site, rf_view_str(at)))) {
		rf_cmd_error(c, RF_EXIT_USAGE, "the site has no host \"%s\"", at);
		ok = false;
	}
	return ok;
}

/* --- JSON: the same members as flows.json of `ringfort compile`, and what people ask of one flow */

static json_t *addresses_json(const struct rf_end *e)
{
	json_t *a = json_array();

	for (size_t i = 0; i < e->n; i++) {
		char text[INET6_ADDRSTRLEN], both[INET6_ADDRSTRLEN + 8];

		inet_ntop(e->v[i].family == 4 ? AF_INET : AF_INET6, e->v[i].b, text, sizeof text);
		snprintf(both, sizeof both, "%s/%u", text, e->v[i].prefix);
		json_array_append_new(a, json_string(both));
	}
	return a;
}

static json_t *hosts_json(const struct rf_end *e)
{
	json_t *a = json_array();

	for (size_t i = 0; i < e->host_count; i++)
		json_array_append_new(a, rf_cmd_json_view(e->hosts[i]->name));
	return a;
}

static json_t *ports_json(struct rf_site_ports p)
{
	return json_pack("[i,i]", p.first, p.last);
}

static json_t *flow_json(const struct rf_flow *f)
{
	bool ports = f->protocol == IPPROTO_TCP || f->protocol == IPPROTO_UDP;
	json_t *j = json_pack("{s:s, s:o, s:o, s:s, s:s, s:s, s:s, s:i, s:i, s:s, s:s, s:b, s:i}", "id", f->id, "from",
			      rf_cmd_json_view(f->from.zone->name), "to", rf_cmd_json_view(f->to.zone->name),
			      "category", rf_category_name(f->category), "protocol", rf_protocol_name(f->protocol),
			      "how", rf_flow_how_name(f->how), "inspection", rf_inspection_name(f->inspection), "dscp",
			      f->dscp, "new_per_second", (int)f->new_per_second, "mitigation", f->mitigation, "why",
			      f->why, "beside_matrix", f->beside_matrix, "line", (int)f->pos.line);

	if (!j)
		return NULL;
	if (f->from.n)
		json_object_set_new(j, "from_addresses", addresses_json(&f->from));
	if (f->to.n)
		json_object_set_new(j, "to_addresses", addresses_json(&f->to));
	if (f->from.host_count)
		json_object_set_new(j, "from_hosts", hosts_json(&f->from));
	if (f->to.host_count)
		json_object_set_new(j, "to_hosts", hosts_json(&f->to));
	if (ports && (f->sport.first || f->sport.last != UINT16_MAX))
		json_object_set_new(j, "source_ports", ports_json(f->sport));
	if (ports)
		json_object_set_new(j, "ports", ports_json(f->dport));
	return j;
}

static int answer_json(const struct rf_cmd_ctx *c, const struct rf_show *show)
{
	const struct rf_site *s = show->flows->site;
	json_t *all = json_array();

	for (size_t i = 0; i < show->flows->n; i++)
		if (rf_show_wants(show, &show->flows->v[i]))
			json_array_append_new(all, flow_json(&show->flows->v[i]));
	return rf_cmd_json(c,
			   json_pack("{s:o, s:s, s:o}", "site", rf_cmd_json_view(s->name), "level",
				     rf_level_name(s->level), "flows", all),
			   RF_EXIT_YES);
}

/* --- the matrix as data */

static json_t *categories_json(unsigned bits)
{
	json_t *a = json_array();

	for (int c = 0; c < RF_CATEGORIES; c++)
		if (bits & 1u << c)
			json_array_append_new(a, json_string(rf_category_name((enum rf_category)c)));
	return a;
}

static json_t *matrix_json(const struct rf_site *site)
{
	json_t *all = json_array();

	for (int from = 0; from < RF_ZONE_KINDS; from++)
		for (int to = 0; to < RF_ZONE_KINDS; to++) {
			const struct rf_cell *cell = rf_matrix_cell((enum rf_zone_kind)from, (enum rf_zone_kind)to);
			const struct rf_cell_level *at = &cell->levels[site->level];

			json_array_append_new(all, json_pack("{s:s, s:s, s:s, s:o, s:o, s:s}", "from",
							     rf_zone_kind_name((enum rf_zone_kind)from), "to",
							     rf_zone_kind_name((enum rf_zone_kind)to), "inspection",
							     rf_inspection_name(at->inspection), "allow",
							     categories_json(at->allow), "optional",
							     categories_json(at->optional), "reason", cell->reason));
		}
	return json_pack("{s:s, s:o}", "level", rf_level_name(site->level), "cells", all);
}

/* --- the answer in the form asked for */

static int written(const struct rf_cmd_ctx *c)
{
	if (fflush(c->out) == 0 && !ferror(c->out))
		return RF_EXIT_YES;
	return rf_cmd_error(c, RF_EXIT_FAILED, "the answer could not be written");
}

static int answer(const struct rf_cmd_ctx *c, const struct rf_show *show)
{
	const char *format = rf_cmd_opt(c, "format");

	if (c->json || (format && strcmp(format, "json") == 0))
		return answer_json(c, show);
	if (!format || strcmp(format, "text") == 0) {
		rf_show_text(show, c->out);
	} else if (strcmp(format, "dot") == 0) {
		rf_show_dot(show, c->out);
	} else if (strcmp(format, "svg") == 0) {
		int rc = rf_show_svg(show, c->out);

		if (rc == RF_E_LIMIT)
			return rf_cmd_error(c, RF_EXIT_USAGE,
					    "a picture has room for %d zones: choose some with --from, --to or --at",
					    RF_SHOW_ZONES_MAX);
		if (rc)
			return rf_cmd_error(c, RF_EXIT_FAILED, "%s", rf_err_text(rc));
	} else {
		return rf_cmd_error(c, RF_EXIT_USAGE, "--format takes text, json, dot or svg, not \"%s\"", format);
	}
	return written(c);
}

static int matrix(const struct rf_cmd_ctx *c)
{
	int status;
	struct rf_site *site = rf_cmd_site(c, &status);

	if (!site)
		return status;
	if (c->json) {
		status = rf_cmd_json(c, matrix_json(site), RF_EXIT_YES);
	} else {
		rf_show_matrix(site, c->out);
		status = written(c);
	}
	rf_site_put(site);
	return status;
}

static int run(struct rf_cmd_ctx *c)
{
	struct rf_cmd_network net;
	struct rf_show show = { 0 };

	if (rf_cmd_flag(c, "matrix"))
		return matrix(c);
	int status = rf_cmd_network(c, &net);
	if (status)
		return status;
	show.flows = &net.flows;
	status = wanted(c, net.site, &show) ? answer(c, &show) : RF_EXIT_USAGE;
	rf_cmd_network_end(&net);
	return status;
}

static const struct rf_cmd_opt opts[] = {
	{ "from", "ZONE", "only what this zone opens" },
	{ "to", "ZONE", "only what is opened to this zone" },
	{ "at", "HOST", "only what this host opens or takes" },
	{ "format", "FORMAT", "text (the default), json, dot (for graphviz) or svg (a picture)" },
	{ "matrix", NULL, "instead: what the zone matrix says at the site's level, with its conditions" },
	{ 0 },
};

const struct rf_cmd rf_cmd_flows[] = {
	{ .name = "flows",
	  .summary = "who may open what to whom in the network, and why",
	  .opts = opts,
	  .help = "Every flow with its category, protocol and ports, how it is guarded, the reason, the mitigation and "
		  "the line of\n"
		  "the site file that it comes from. What is no flow is dropped. Exit status 2 when the site opens "
		  "what the\n"
		  "matrix forbids; the error names the cell.",
	  .example = "ringfort -C site flows --from phone --to server",
	  .run = run },
	{ 0 },
};
