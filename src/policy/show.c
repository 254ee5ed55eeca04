#include "policy/show.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static bool takes_part(const struct rf_end *e, const struct rf_site_host *h)
{
	if (e->zone != h->zone)
		return false;
	for (size_t i = 0; i < e->n; i++)
		if ((h->address.family && memcmp(&e->v[i], &h->address, sizeof e->v[i]) == 0) ||
		    (h->address6.family && memcmp(&e->v[i], &h->address6, sizeof e->v[i]) == 0))
			return true;
	return e->n == 0;
}

bool rf_show_wants(const struct rf_show *show, const struct rf_flow *flow)
{
	return (!show->from || flow->from.zone == show->from) && (!show->to || flow->to.zone == show->to) &&
	       (!show->at || takes_part(&flow->from, show->at) || takes_part(&flow->to, show->at));
}

const char *rf_flow_how_name(enum rf_flow_how how)
{
	static const char *const names[] = {
		[RF_FLOW_STATEFUL] = "stateful",
		[RF_FLOW_STATELESS] = "stateless",
		[RF_FLOW_PINHOLE] = "pinhole",
		[RF_FLOW_LOCAL] = "local",
	};

	return (size_t)how < sizeof names / sizeof *names ? names[how] : "?";
}

const char *rf_protocol_name(int protocol)
{
	static const struct {
		int number;
		const char *name;
	} known[] = {
		{ IPPROTO_TCP, "tcp" }, { IPPROTO_UDP, "udp" }, { IPPROTO_ICMP, "icmp" },
		{ IPPROTO_ESP, "esp" }, { RF_VRRP, "vrrp" },
	};

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (known[i].number == protocol)
			return known[i].name;
	return "?";
}

void rf_show_ports(const struct rf_flow *flow, char ret_text[static RF_SHOW_PORTS])
{
	const char *name = rf_protocol_name(flow->protocol);

	if (flow->icmp == RF_ICMP_ECHO)
		snprintf(ret_text, RF_SHOW_PORTS, "%s echo", name);
	else if (flow->protocol != IPPROTO_TCP && flow->protocol != IPPROTO_UDP)
		snprintf(ret_text, RF_SHOW_PORTS, "%s", name);
	else if (flow->dport.first == flow->dport.last)
		snprintf(ret_text, RF_SHOW_PORTS, "%s %u", name, flow->dport.first);
	else
		snprintf(ret_text, RF_SHOW_PORTS, "%s %u-%u", name, flow->dport.first, flow->dport.last);
}

/* Append ", name" or "..." when there is no room for it and one more "...". False: full. */
static bool append(char *text, size_t cap, const char *name)
{
	size_t n = strlen(text);
	bool first = n == 0;

	if (n + (first ? 0 : 2) + strlen(name) + sizeof ", ..." > cap) {
		snprintf(text + n, cap - n, first ? "..." : ", ...");
		return false;
	}
	snprintf(text + n, cap - n, "%s%s", first ? "" : ", ", name);
	return true;
}

static bool of_a_host(const struct rf_end *end, const struct rf_site_ip *ip)
{
	for (size_t i = 0; i < end->host_count; i++)
		if (memcmp(&end->hosts[i]->address, ip, sizeof *ip) == 0 ||
		    memcmp(&end->hosts[i]->address6, ip, sizeof *ip) == 0)
			return true;
	return false;
}

static void ip_text(const struct rf_site_ip *ip, char *text, size_t cap)
{
	char address[INET6_ADDRSTRLEN];

	inet_ntop(ip->family == 4 ? AF_INET : AF_INET6, ip->b, address, sizeof address);
	if (ip->prefix == (ip->family == 4 ? 32 : 128))
		snprintf(text, cap, "%s", address);
	else
		snprintf(text, cap, "%s/%u", address, ip->prefix);
}

void rf_show_end(const struct rf_end *end, char ret_text[static RF_SHOW_END])
{
	ret_text[0] = '\0';
	if (!end->n) {
		snprintf(ret_text, RF_SHOW_END, end->zone->kind == RF_ZONE_INTERNET ? "anybody outside" : "all");
		return;
	}
	for (size_t i = 0; i < end->host_count; i++)
		if (!append(ret_text, RF_SHOW_END, rf_site_cstr(end->hosts[i]->name)))
			return;
	for (size_t i = 0; i < end->n; i++) {
		char text[INET6_ADDRSTRLEN + 8];

		if (of_a_host(end, &end->v[i]))
			continue;
		ip_text(&end->v[i], text, sizeof text);
		if (!append(ret_text, RF_SHOW_END, text))
			return;
	}
}

/* --- the table */

static void pair_line(const struct rf_flow *f, FILE *out)
{
	const struct rf_site_zone *a = f->from.zone, *b = f->to.zone;

	if (a == b)
		fprintf(out, "inside %s (%s)\n", rf_site_cstr(a->name), rf_zone_kind_name(a->kind));
	else
		fprintf(out, "%s -> %s (%s to %s%s%s)\n", rf_site_cstr(a->name), rf_site_cstr(b->name),
			rf_zone_kind_name(a->kind), rf_zone_kind_name(b->kind),
			a->office != b->office ? ", through the tunnel of " : "",
			a->office == b->office ? ""
			: a->office	       ? rf_site_cstr(a->office->name)
					       : rf_site_cstr(b->office->name));
}

static void flow_line(const struct rf_flow *f, FILE *out)
{
	char ports[RF_SHOW_PORTS], from[RF_SHOW_END], to[RF_SHOW_END];

	rf_show_ports(f, ports);
	rf_show_end(&f->from, from);
	rf_show_end(&f->to, to);
	fprintf(out, "  %-16s  %-15s  %-9s  %s -> %s\n", rf_category_name(f->category), ports, rf_flow_how_name(f->how),
		from, to);
	fprintf(out, "      %s [%s%s", f->why, f->mitigation, f->beside_matrix ? "; beside the matrix" : "");
	if (f->pos.line)
		fprintf(out, "; line %u", f->pos.line);
	fprintf(out, "]\n");
}

void rf_show_text(const struct rf_show *show, FILE *out)
{
	const struct rf_flow *last = NULL;
	size_t n = 0;

	for (size_t i = 0; i < show->flows->n; i++) {
		const struct rf_flow *f = &show->flows->v[i];

		if (!rf_show_wants(show, f))
			continue;
		if (!last || last->from.zone != f->from.zone || last->to.zone != f->to.zone) {
			if (last)
				fputc('\n', out);
			pair_line(f, out);
		}
		flow_line(f, out);
		last = f;
		n++;
	}
	fprintf(out, "%s%zu flows; everything else is dropped\n", n ? "\n" : "", n);
}

/* --- the matrix of the level */

static bool has_kind(const struct rf_site *site, int kind)
{
	for (size_t i = 0; i < site->zone_count; i++)
		if ((int)site->zones[i].kind == kind || (kind == RF_ZONE_WAN && site->zones[i].office))
			return true;
	return false;
}

static void put_categories(unsigned bits, FILE *out)
{
	bool first = true;

	for (int c = 0; c < RF_CATEGORIES; c++)
		if (bits & 1u << c) {
			fprintf(out, "%s%s", first ? "" : ", ", rf_category_name((enum rf_category)c));
			first = false;
		}
	if (first)
		fputc('-', out);
}

static void cell_lines(const struct rf_cell *cell, enum rf_level level, FILE *out)
{
	const struct rf_cell_level *at = &cell->levels[level];

	fprintf(out, "%-9s -> %-9s  %-11s  ", rf_zone_kind_name(cell->from), rf_zone_kind_name(cell->to),
		rf_inspection_name(at->inspection));
	put_categories(at->allow, out);
	if (at->optional) {
		fprintf(out, "; where the site says so: ");
		put_categories(at->optional, out);
	}
	fputc('\n', out);
	for (int c = 0; c < RF_CATEGORIES; c++)
		if (cell->conditions[c] && (at->allow | at->optional) & 1u << c)
			fprintf(out, "      %s: %s\n", rf_category_name((enum rf_category)c), cell->conditions[c]);
}

void rf_show_matrix(const struct rf_site *site, FILE *out)
{
	fprintf(out,
		"what hosts of one zone may open to another at level %s; answers belong to it, all else is denied\n",
		rf_level_name(site->level));
	for (int from = 0; from < RF_ZONE_KINDS; from++)
		for (int to = 0; to < RF_ZONE_KINDS; to++) {
			const struct rf_cell *cell = rf_matrix_cell((enum rf_zone_kind)from, (enum rf_zone_kind)to);

			if (has_kind(site, from) && has_kind(site, to) &&
			    cell->levels[site->level].inspection != RF_INSPECT_DENY)
				cell_lines(cell, site->level, out);
		}
}
