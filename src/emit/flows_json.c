/* flows.json: the flows of the site as a program reads them, one flow a line, so that one new flow is one new line. No
 * line numbers of the site file in it: they change without a flow changing. */
#include "emit/emit.h"

#include <netinet/in.h>

static const char *how_name(enum rf_flow_how how)
{
	static const char *const names[] = {
		[RF_FLOW_STATEFUL] = "stateful", [RF_FLOW_STATELESS] = "stateless", [RF_FLOW_PINHOLE] = "pinhole",
		[RF_FLOW_LOCAL] = "local",
	};

	return names[how];
}

static void put_text(struct rf_emit_out *o, const char *key, const char *text)
{
	rf_emit_line(o, ",\"%s\":\"", key);
	rf_emit_json(o, rf_view_str(text));
	rf_emit_line(o, "\"");
}

static void put_end(struct rf_emit_out *o, const char *key, const struct rf_end *end)
{
	char text[RF_EMIT_IP];

	put_text(o, key, rf_site_cstr(end->zone->name));
	if (!end->n)
		return;
	rf_emit_line(o, ",\"%s_addresses\":[", key);
	for (size_t i = 0; i < end->n; i++)
		rf_emit_line(o, "%s\"%s\"", i ? "," : "", rf_emit_ip(&end->v[i], text));
	rf_emit_line(o, "]");
}

static void put_protocol(struct rf_emit_out *o, int protocol)
{
	static const struct { int number; const char *name; } known[] = {
		{ IPPROTO_TCP, "tcp" }, { IPPROTO_UDP, "udp" }, { IPPROTO_ICMP, "icmp" }, { IPPROTO_ESP, "esp" },
	};

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (known[i].number == protocol) {
			put_text(o, "protocol", known[i].name);
			return;
		}
	rf_emit_line(o, ",\"protocol\":\"%d\"", protocol);
}

static bool has_ports(int protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
}

static void put_flow(struct rf_emit_out *o, const struct rf_flow *f)
{
	rf_emit_line(o, "{\"id\":\"");
	rf_emit_json(o, rf_view_str(f->id));
	rf_emit_line(o, "\"");
	put_end(o, "from", &f->from);
	put_end(o, "to", &f->to);
	put_text(o, "category", rf_category_name(f->category));
	put_protocol(o, f->protocol);
	if (has_ports(f->protocol) && (f->sport.first || f->sport.last != UINT16_MAX))
		rf_emit_line(o, ",\"source_ports\":[%u,%u]", f->sport.first, f->sport.last);
	if (has_ports(f->protocol))
		rf_emit_line(o, ",\"ports\":[%u,%u]", f->dport.first, f->dport.last);
	put_text(o, "how", how_name(f->how));
	put_text(o, "inspection", rf_inspection_name(f->inspection));
	rf_emit_line(o, ",\"dscp\":%u,\"new_per_second\":%u", f->dscp, f->new_per_second);
	put_text(o, "mitigation", f->mitigation);
	put_text(o, "why", f->why);
	rf_emit_line(o, "}");
}

void rf_emit_flows(struct rf_emit *e)
{
	struct rf_emit_out *o;

	rf_emit_begin(e, &o, 0644, NULL, "flows.json");
	rf_emit_line(o, "{\"site\":\"%s\",\"level\":\"%s\",\"digest\":\"%s\",\"flows\":[", rf_site_cstr(e->site->name),
		     rf_level_name(e->site->level), e->digest_hex);
	for (size_t i = 0; o && i < e->flows->n; i++) {
		rf_emit_line(o, "%s\n", i ? "," : "");
		put_flow(o, &e->flows->v[i]);
	}
	rf_emit_line(o, "\n]}\n");
	rf_emit_end(o);
}
