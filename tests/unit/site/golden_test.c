/* Every golden/NAME.yaml (with golden/NAME.csv and golden/NAME.attested as its phones file and attestations.yaml, where
 * they exist) is loaded on a fixed day, and what
 * comes of it must be golden/NAME.expect: the findings, or the site in short. RF_GOLDEN_REWRITE=1 writes the expected
 * files anew: look at the difference before you keep it. */
#include "fail_alloc.h"
#include "guard.h"
#include "site/site.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct rf_wall day = { 1795305600000000 }; /* 2026-11-22 */

static void print_policy(FILE *out, const struct rf_policy *p)
{
	fprintf(out, "policy: transports %u, certificate %s, user %s, media %s, dtls %d, digests %u, suites",
		p->transports, p->require_certificate ? "required" : p->ask_certificate ? "asked" : "no",
		p->require_user ? "required" : "if any", p->media_encrypted ? "encrypted" : "open", p->dtls_srtp,
		p->digests);
	for (unsigned i = 0; i < RF_SITE_SUITES; i++)
		if (p->suites & 1u << i)
			fprintf(out, " %s", rf_site_suite_name((enum rf_site_suite)i));
	fprintf(out, ", profile %s, password %u\n", p->profile == RF_CRYPTO_CNSA ? "cnsa" : "standard",
		p->password_min);
}

static void print_times(FILE *out, const struct rf_site_times *t)
{
	for (size_t i = 0; i < t->n; i++)
		fprintf(out, " days %02x %u-%u", t->v[i].days, t->v[i].from_min, t->v[i].to_min);
}

static void print_list(FILE *out, const char *what, const struct rf_site_list *l)
{
	fprintf(out, ", %s", what);
	for (size_t i = 0; i < l->n; i++)
		fprintf(out, " %s", rf_site_cstr(l->v[i]));
}

static void print_plan(FILE *out, const struct rf_site_plan *p)
{
	fprintf(out, "plan %s country '%s' area '%s' outside '%s' prefixes '%s' '%s' digits %u %u\n",
		rf_site_cstr(p->name), rf_site_cstr(p->country_code), rf_site_cstr(p->area_code),
		rf_site_cstr(p->outside), rf_site_cstr(p->international), rf_site_cstr(p->national), p->national_digits,
		p->local_digits);
	for (size_t i = 0; i < p->rule_count; i++)
		fprintf(out, "  rule %s to '%s' class %s\n", rf_site_cstr(p->rules[i].match),
			rf_site_cstr(p->rules[i].to), rf_class_name((enum rf_call_class)p->rules[i].call_class));
}

static void print_class(FILE *out, const struct rf_site_cos *c)
{
	fprintf(out, "class %s grants %02x", rf_site_cstr(c->name), c->grants);
	print_list(out, "allow", &c->allow);
	print_list(out, "deny", &c->deny);
	print_times(out, &c->hours);
	fprintf(out, ", until %lld, otherwise '%s', %u at once %u an hour %u abroad\n", (long long)c->until_s,
		c->otherwise ? rf_site_cstr(c->otherwise->name) : "", c->calls, c->calls_per_hour,
		c->abroad_minutes_per_day);
}

static void print_names(FILE *out, const char *what, unsigned bits, const char *(*name)(unsigned i))
{
	fprintf(out, ", %s", what);
	for (unsigned i = 0; name(i); i++)
		if (bits & 1u << i)
			fprintf(out, " %s", name(i));
}

/* Where it is not all that a border takes. */
static void print_accept(FILE *out, const struct rf_site_accept *a)
{
	if (a->methods == (1u << RF_ACCEPT_METHODS) - 1 && a->headers == (1u << RF_ACCEPT_HEADERS) - 1 &&
	    a->parameters == (1u << RF_ACCEPT_PARAMETERS) - 1 && a->bodies == (1u << RF_ACCEPT_BODIES) - 1 &&
	    !a->refuse && a->message_bytes == RF_ACCEPT_MESSAGE_BYTES && a->header_fields == RF_ACCEPT_HEADER_FIELDS)
		return;
	fprintf(out, "  accept %u bytes, %u fields", a->message_bytes, a->header_fields);
	print_names(out, "methods", a->methods, rf_accept_method_name);
	print_names(out, "headers", a->headers, rf_accept_header_name);
	print_names(out, "parameters", a->parameters, rf_accept_parameter_name);
	print_names(out, "bodies", a->bodies, rf_accept_body_name);
	print_names(out, "refuse", a->refuse, rf_accept_rule_name);
	fputc('\n', out);
}

static void print_trunk(FILE *out, const struct rf_site_trunk *t)
{
	print_list(out, "certificate", &t->certificate);
	for (size_t i = 0; i < t->number_count; i++)
		fprintf(out, ", %s is %s", rf_site_cstr(t->numbers[i].match), rf_site_cstr(t->numbers[i].to));
	fprintf(out, ", %zu addresses, caller '%s', format %d, a second %u in %u out, cost %u, health %u, stir %u, "
		"precedence %d, link '%s'", t->addresses.n, rf_site_cstr(t->caller_number), t->format,
		t->calls_per_second_in, t->calls_per_second_out, t->cost, t->health_interval_s, t->stir,
		t->trust_precedence, t->link ? rf_site_cstr(t->link->name) : "");
	if (t->login.n || t->registers)
		fprintf(out, ", login '%s' by '%s', md5 %d, register %d for %u", rf_site_cstr(t->login),
			rf_site_cstr(t->password_file), t->login_md5, t->registers, t->register_s);
	print_times(out, &t->hours);
	if (t->encryption != RF_TRUNK_MEDIA_ENCRYPTED)
		fprintf(out, ", media %s", t->encryption == RF_TRUNK_MEDIA_EITHER ? "of either kind" : "plain");
	if (t->codecs.n || t->dtmf) {
		print_list(out, "codecs", &t->codecs);
		fprintf(out, "%s, keys %d", t->transcode ? " made" : "", t->dtmf);
	}
	fputc('\n', out);
	print_accept(out, &t->accept);
}

static void print_routes(FILE *out, const struct rf_site *s)
{
	for (size_t i = 0; i < s->tel.route_count; i++) {
		const struct rf_site_route *r = &s->tel.routes[i];

		fprintf(out, "route %s classes %02x order %d", rf_site_cstr(r->name), r->classes, r->order);
		print_list(out, "numbers", &r->numbers);
		print_list(out, "locations", &r->locations);
		for (size_t j = 0; j < r->trunk_names.n; j++)
			fprintf(out, ", by %s", rf_site_cstr(r->trunks[j]->name));
		print_times(out, &r->hours);
		fputc('\n', out);
	}
}

static void print_numbers(FILE *out, const struct rf_site_telephony *t)
{
	for (size_t i = 0; i < t->group_count; i++) {
		fprintf(out, "group %s %s strategy %d ring %u then '%s'", rf_site_cstr(t->groups[i].name),
			rf_site_cstr(t->groups[i].number), t->groups[i].strategy, t->groups[i].ring_s,
			rf_site_cstr(t->groups[i].on_no_answer));
		print_list(out, "members", &t->groups[i].members);
		fputc('\n', out);
	}
	for (size_t i = 0; i < t->number_count; i++)
		fprintf(out, "number %s ring %d %u caller '%s'\n", rf_site_cstr(t->numbers[i].number),
			t->numbers[i].ring, t->numbers[i].ring_s, rf_site_cstr(t->numbers[i].caller_number));
	for (size_t i = 0; i < t->speed_count; i++)
		fprintf(out, "speed %s is %s\n", rf_site_cstr(t->speeds[i].number), rf_site_cstr(t->speeds[i].to));
	for (size_t i = 0; i < t->link_count; i++)
		fprintf(out, "link %s calls %u kbit %u each %u\n", rf_site_cstr(t->links[i].name), t->links[i].calls,
			t->links[i].kbit_per_second, t->links[i].kbit_per_call);
	for (int i = 0; i < RF_FEATURES; i++)
		fprintf(out, "%s%s %s", i ? ", " : "codes: ", rf_feature_name((enum rf_feature)i),
			rf_site_cstr(t->codes[i]));
	fputc('\n', out);
}

/* The part about calls, of sites that say something about them. */
static void print_calls(FILE *out, const struct rf_site *s)
{
	const struct rf_site_telephony *t = &s->tel;

	if (!t->plan_count && !t->class_count && !t->group_count && !t->link_count)
		return;
	fprintf(out, "plan '%s', class '%s', time zone '%s', %zu holidays\n", rf_site_cstr(t->plan->name),
		rf_site_cstr(t->cos->name), rf_site_cstr(t->timezone), t->holidays.n);
	for (size_t i = 0; i < t->plan_count; i++)
		print_plan(out, &t->plans[i]);
	for (size_t i = 0; i < t->class_count; i++)
		print_class(out, &t->classes[i]);
	for (size_t i = 0; i < s->trunk_count; i++)
		print_trunk(out, &s->trunks[i]);
	print_routes(out, s);
	print_numbers(out, t);
	fprintf(out, "park %u-%u back after %u, voicemail '%s', test '%s', call back %u, hook '%s'\n", t->parking.first,
		t->parking.last, t->parking.return_s, rf_site_cstr(t->voicemail.number),
		rf_site_cstr(s->emergency.test), s->emergency.callback_s, rf_site_cstr(s->emergency.hook));
	fprintf(out, "stir '%s' '%s' '%s' '%s' %d, %zu hosts, %zu providers, emergency calls %u, overload %u %u %u\n",
		rf_site_cstr(t->stir.certificate), rf_site_cstr(t->stir.key), rf_site_cstr(t->stir.url),
		rf_site_cstr(t->stir.trust), t->stir.attest, t->stir.hosts.n, t->stir.providers.n,
		s->limits.emergency_calls, s->limits.overload_cpu_percent, s->limits.overload_memory_mb,
		s->limits.overload_queue);
	for (size_t i = 0; i < s->location_count; i++)
		fprintf(out, "location %s plan '%s' class '%s' link '%s' %s/%s/%s/%s/%s/%s elin '%s'\n",
			rf_site_cstr(s->locations[i].name), rf_site_cstr(s->locations[i].plan->name),
			s->locations[i].cos ? rf_site_cstr(s->locations[i].cos->name) : "",
			s->locations[i].link ? rf_site_cstr(s->locations[i].link->name) : "",
			rf_site_cstr(s->locations[i].country), rf_site_cstr(s->locations[i].state),
			rf_site_cstr(s->locations[i].city), rf_site_cstr(s->locations[i].street),
			rf_site_cstr(s->locations[i].house_number), rf_site_cstr(s->locations[i].postal_code),
			rf_site_cstr(s->locations[i].elin));
	for (size_t i = 0; i < s->phone_count; i++)
		fprintf(out, "phone %s class '%s' pickup '%s' precedence '%s'\n", rf_site_cstr(s->phones[i].name),
			s->phones[i].cos ? rf_site_cstr(s->phones[i].cos->name) : "",
			rf_site_cstr(s->phones[i].pickup_group), rf_site_cstr(s->phones[i].precedence));
	for (size_t i = 0; s->roaming.pos.line && i < s->phone_count; i++)
		if (s->phones[i].roams)
			fprintf(out, "phone %s roams, class '%s', NAT %d\n", rf_site_cstr(s->phones[i].name),
				s->roaming.cos ? rf_site_cstr(s->roaming.cos->name) : "", s->roaming.nat);
}

static void print_listen(FILE *out, const struct rf_site_listen *l)
{
	fprintf(out, "listen %s '%s' %u", rf_transport_name(l->transport), rf_site_cstr(l->address_text), l->port);
	if (l->transport == RF_TRANSPORT_WS || l->transport == RF_TRANSPORT_WSS) {
		fprintf(out, " path %.*s origins", RF_VFMT(l->path));
		for (size_t i = 0; i < l->origins.n; i++)
			fprintf(out, " %s", rf_site_cstr(l->origins.v[i]));
	}
	fputc('\n', out);
}

static void print_site(FILE *out, const struct rf_site *s)
{
	fprintf(out, "site %s, domain %s, level %s, run as %s\n", rf_site_cstr(s->name), rf_site_cstr(s->domain),
		rf_level_name(s->level), rf_site_cstr(s->run_as));
	for (size_t i = 0; i < s->zone_count; i++)
		fprintf(out, "zone %s kind %u vlan %u %s %s\n", rf_site_cstr(s->zones[i].name), s->zones[i].kind,
			s->zones[i].vlan, rf_site_cstr(s->zones[i].subnet_text),
			rf_site_cstr(s->zones[i].subnet6_text));
	for (size_t i = 0; i < s->host_count; i++)
		fprintf(out, "host %s zone %s at %s roles %u standby for '%s'\n", rf_site_cstr(s->hosts[i].name),
			rf_site_cstr(s->hosts[i].zone->name), rf_site_cstr(s->hosts[i].address_text), s->hosts[i].roles,
			rf_site_cstr(s->hosts[i].standby_for));
	for (size_t i = 0; i < s->host_count; i++)
		if (s->hosts[i].outside.pos.line)
			fprintf(out, "host %s outside at '%s' '%s' said to be '%s', families %u %u\n",
				rf_site_cstr(s->hosts[i].name), rf_site_cstr(s->hosts[i].outside.address_text),
				rf_site_cstr(s->hosts[i].outside.address6_text),
				rf_site_cstr(s->hosts[i].outside.advertised_text),
				rf_site_outside_ip(&s->hosts[i], 4)->family,
				rf_site_outside_ip(&s->hosts[i], 6)->family);
	for (size_t i = 0; i < s->phone_count; i++)
		fprintf(out, "phone %s number %s in '%s' mac '%s' port '%s' label '%s' line %u:%u\n",
			rf_site_cstr(s->phones[i].name), rf_site_cstr(s->phones[i].number),
			s->phones[i].location ? rf_site_cstr(s->phones[i].location->room) : "",
			rf_site_cstr(s->phones[i].mac_text), rf_site_cstr(s->phones[i].port),
			rf_site_cstr(s->phones[i].label), s->phones[i].pos.file, s->phones[i].pos.line);
	for (size_t i = 0; i < s->trunk_count; i++)
		fprintf(out, "trunk %s to %s over %s, %u channels\n", rf_site_cstr(s->trunks[i].name),
			rf_site_cstr(s->trunks[i].peer), rf_transport_name(s->trunks[i].transport),
			s->trunks[i].channels);
	for (size_t i = 0; i < s->sip.listens; i++)
		print_listen(out, &s->sip.listen[i]);
	fprintf(out, "register %u %u %u, bindings %u, session %d %u %u, ring %u, external calls %u\n",
		s->sip.register_min_s, s->sip.register_default_s, s->sip.register_max_s, s->sip.bindings_per_number,
		s->sip.session_timer, s->sip.session_expires_s, s->sip.session_min_s, s->sip.ring_timeout_s,
		s->limits.external_calls);
	fprintf(out, "emergency numbers %zu via %zu notify %zu, deviations %zu\n", s->emergency.numbers.n,
		s->emergency.via.n, s->emergency.notify.n, s->deviation_count);
	print_policy(out, &s->policy);
	print_calls(out, s);
}

static void print_ips(FILE *out, const char *what, const struct rf_site_ip *v, size_t n)
{
	char s[INET6_ADDRSTRLEN];

	fprintf(out, " %s", what);
	for (size_t i = 0; i < n; i++)
		fprintf(out, " %s/%u",
			v[i].family ? inet_ntop(v[i].family == 6 ? AF_INET6 : AF_INET, v[i].b, s, sizeof s) : "none",
			v[i].prefix);
}

static void print_switch(FILE *out, const struct rf_site_switch *sw)
{
	static const char *const uses[] = { "access", "uplink", "unused" };

	fprintf(out, "switch %s kind %d zone %s location '%s' office '%s'", rf_site_cstr(sw->name), sw->kind,
		rf_site_cstr(sw->zone->name), sw->location ? rf_site_cstr(sw->location->name) : "",
		sw->office ? rf_site_cstr(sw->office->name) : "");
	print_ips(out, "at", &sw->address, 1);
	for (size_t i = 0; i < sw->port_count; i++) {
		const struct rf_site_port *p = &sw->ports[i];

		fprintf(out, "\n  %s %s '%s%s%s' macs %u%s", rf_site_cstr(p->name), uses[p->use],
			p->zone ? rf_site_cstr(p->zone->name) : "",
			p->to_router ? rf_site_cstr(p->to_router->name) : "",
			p->to_switch ? rf_site_cstr(p->to_switch->name) : "", p->macs, p->ranged ? " of a range" : "");
	}
	fputc('\n', out);
}

static void print_router(FILE *out, const struct rf_site_router *r)
{
	fprintf(out, "router %s kind %d main '%s' standby '%s' office '%s' host '%s'", rf_site_cstr(r->name), r->kind,
		r->main ? rf_site_cstr(r->main->name) : "", r->standby ? rf_site_cstr(r->standby->name) : "",
		r->office ? rf_site_cstr(r->office->name) : "", r->host ? rf_site_cstr(r->host->name) : "");
	for (size_t i = 0; i < r->interface_count; i++) {
		fprintf(out, "\n  %s in %s", rf_site_cstr(r->interfaces[i].name),
			rf_site_cstr(r->interfaces[i].zone->name));
		print_ips(out, "at", &r->interfaces[i].address, 1);
		print_ips(out, "and", &r->interfaces[i].address6, 1);
	}
	fputc('\n', out);
}

static void print_allow(FILE *out, const struct rf_site_allow *a)
{
	fprintf(out, "allow %s to %s category %d protocol %d ports", rf_site_cstr(a->from->name),
		rf_site_cstr(a->to->name), a->category, a->protocol);
	for (size_t i = 0; i < a->port_count; i++)
		fprintf(out, " %u-%u", a->ports[i].first, a->ports[i].last);
	print_ips(out, "from", a->from_ips, a->from_ip_count);
	print_ips(out, "to", a->to_ips, a->to_ip_count);
	fprintf(out, " '%s' by '%s'\n", rf_site_cstr(a->reason), rf_site_cstr(a->deviation));
}

/* Who is plugged in where, and in which zone that is. */
static void print_plugs(FILE *out, const struct rf_site *s)
{
	for (size_t i = 0; i < s->host_count; i++)
		fprintf(out, "host %s services %x mac '%s' on '%s' '%s'\n", rf_site_cstr(s->hosts[i].name),
			s->hosts[i].services, rf_site_cstr(s->hosts[i].mac_text),
			s->hosts[i].on_switch ? rf_site_cstr(s->hosts[i].on_switch->name) : "",
			s->hosts[i].on_port ? rf_site_cstr(s->hosts[i].on_port->name) : "");
	for (size_t i = 0; i < s->phone_count; i++)
		fprintf(out, "phone %s on '%s' '%s' zone '%s'\n", rf_site_cstr(s->phones[i].name),
			s->phones[i].on_switch ? rf_site_cstr(s->phones[i].on_switch->name) : "",
			s->phones[i].on_port ? rf_site_cstr(s->phones[i].on_port->name) : "",
			s->phones[i].zone ? rf_site_cstr(s->phones[i].zone->name) : "");
}

/* The part about the network, of sites that describe one. */
static void print_network(FILE *out, const struct rf_site *s)
{
	const struct rf_site_network *n = &s->network;

	if (!rf_site_has_network(s))
		return;
	for (size_t i = 0; i < s->zone_count; i++) {
		const struct rf_site_zone *z = &s->zones[i];

		fprintf(out, "zone %s gateways '%s' '%s' office '%s' protocol '%s' dhcp %d\n", rf_site_cstr(z->name),
			rf_site_cstr(z->gateway_text), rf_site_cstr(z->gateway6_text),
			z->office ? rf_site_cstr(z->office->name) : "", rf_site_cstr(z->protocol), z->dhcp);
	}
	for (size_t i = 0; i < s->router_count; i++)
		print_router(out, &s->routers[i]);
	for (size_t i = 0; i < s->switch_count; i++)
		print_switch(out, &s->switches[i]);
	for (size_t i = 0; i < s->office_count; i++) {
		const struct rf_site_office *o = &s->offices[i];

		fprintf(out, "office %s link '%s' router '%s' hub '%s' peer '%s' local '%s'\n", rf_site_cstr(o->name),
			o->link ? rf_site_cstr(o->link->name) : "", o->router ? rf_site_cstr(o->router->name) : "",
			o->hub ? rf_site_cstr(o->hub->name) : "", rf_site_cstr(o->peer_text),
			rf_site_cstr(o->local_text));
	}
	for (size_t i = 0; i < s->allow_count; i++)
		print_allow(out, &s->allows[i]);
	print_plugs(out, s);
	fprintf(out, "network");
	print_ips(out, "forwards to", n->dns_forward.v, n->dns_forward.n);
	print_list(out, "time from", &n->ntp_servers);
	fprintf(out, ", nts %d, lease %u, media %u-%u, external %u, storm %u, 802.1X %d, confirm %u\n", n->nts,
		n->dhcp_lease_s, n->media_first, n->media_last, n->external_kbit_per_call, n->storm_percent, n->dot1x,
		n->confirm_s);
	for (size_t i = 0; i < s->attestation_count; i++)
		fprintf(out, "attested %s by '%s' on %s until %s in '%s': '%s'\n",
			rf_site_cstr(s->attestations[i].mitigation), rf_site_cstr(s->attestations[i].by),
			rf_site_cstr(s->attestations[i].on_text), rf_site_cstr(s->attestations[i].until_text),
			rf_site_cstr(s->attestations[i].document), rf_site_cstr(s->attestations[i].text));
}

static char *outcome(struct rf_view yaml, struct rf_view csv, struct rf_view attestations, const char *name)
{
	struct rf_findings findings;
	struct rf_site *site = NULL;
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	assert_non_null(out);
	rf_findings_init(&findings);
	int rc = rf_site_parse_attested(yaml, csv, attestations, name, day, &findings, &site);
	rf_findings_print(&findings, out);
	if (rc)
		fprintf(out, "refused: %s\n", rf_err_text(rc));
	else {
		print_site(out, site);
		print_network(out, site);
	}
	assert_true(rc == 0 || findings.count[RF_SEV_ERROR] > 0);
	assert_true((rc == 0) == (site != NULL));
	rf_findings_fini(&findings);
	rf_site_put(site);
	fclose(out);
	return text;
}

static void compare(const char *path, const char *text)
{
	if (getenv("RF_GOLDEN_REWRITE")) {
		FILE *f = fopen(path, "w");

		assert_non_null(f);
		fputs(text, f);
		fclose(f);
		return;
	}
	struct rf_view want = guard_file(path);
	if (!want.p)
		fail_msg("%s is missing; RF_GOLDEN_REWRITE=1 writes it:\n%s", path, text);
	if (!rf_view_eq(want, rf_view_str(text)))
		fail_msg("%s differs; now it is:\n%s", path, text);
	free((void *)(uintptr_t)want.p);
}

/* The file itself, and every prefix of it, the bytes flush against an unmapped page. */
static void check_file(const char *folder, const char *name)
{
	char path[4096], csv_path[4096], attest_path[4096], expect[4096];
	size_t stem = strlen(name) - strlen(".yaml");

	snprintf(path, sizeof path, "%s/%s", folder, name);
	snprintf(csv_path, sizeof csv_path, "%s/%.*s.csv", folder, (int)stem, name);
	snprintf(attest_path, sizeof attest_path, "%s/%.*s.attested", folder, (int)stem, name);
	snprintf(expect, sizeof expect, "%s/%.*s.expect", folder, (int)stem, name);
	struct rf_view yaml = guard_file(path), csv = guard_file(csv_path), attested = guard_file(attest_path);
	assert_non_null(yaml.p);
	struct rf_view edge = guard_copy(yaml), csv_edge = guard_copy(csv), attested_edge = guard_copy(attested);
	char *text = outcome(edge, csv_edge, attested_edge, name);
	compare(expect, text);
	free(text);
	guard_free(edge);
	guard_free(csv_edge);
	guard_free(attested_edge);
	size_t step = yaml.n > 4096 ? yaml.n / 512 : 7;
	for (size_t i = 0; i < yaml.n; i += step) {
		struct rf_site *site = NULL;

		edge = guard_copy(rf_view_sub(yaml, 0, i));
		rf_site_parse(edge, csv, name, day, NULL, &site);
		rf_site_put(site);
		guard_free(edge);
	}
	free((void *)(uintptr_t)yaml.p);
	free((void *)(uintptr_t)csv.p);
	free((void *)(uintptr_t)attested.p);
}

static void golden(void **state)
{
	const char *folder = *state;
	struct dirent *e;
	DIR *d = opendir(folder);
	unsigned n = 0;

	assert_non_null(d);
	while ((e = readdir(d))) {
		size_t len = strlen(e->d_name);

		if (len > 5 && strcmp(e->d_name + len - 5, ".yaml") == 0) {
			check_file(folder, e->d_name);
			n++;
		}
	}
	closedir(d);
	assert_true(n > 20);
}

/* Inputs that are made rather than kept: too large, too deep, too many. */
static void too_large(void **state)
{
	size_t n = (size_t)10 << 20;
	uint8_t *p = malloc(n);
	char *text;

	(void)state;
	assert_non_null(p);
	memset(p, '#', n);
	text = outcome(rf_view_of(p, n), (struct rf_view){ 0 }, (struct rf_view){ 0 }, "big.yaml");
	assert_string_equal(text, "big.yaml: error: larger than 4 MiB (keep phones in a CSV file (phones_file))\n"
				  "refused: over a limit\n");
	free(text);
	memset(p, '[', n = 100000);
	text = outcome(rf_view_of(p, n), (struct rf_view){ 0 }, (struct rf_view){ 0 }, "deep.yaml");
	assert_non_null(strstr(text, "deep.yaml:1:9: error: nested too deep"));
	free(text);
	free(p);
}

static void every_allocation(void **state)
{
	static const char yaml[] = "site: a\ndomain: a.example\nlevel: medium\n"
				   "zones: { server: { subnet: 10.0.0.0/24 }, phone: { vlan: 3, "
				   "subnet: 10.0.1.0/24 } }\n"
				   "hosts: [ { name: h, zone: server, address: 10.0.0.2, roles: controller } ]\n"
				   "dial_plans: { d: { country_code: 49, rules: [ { match: +49900*, "
				   "class: premium } ] } }\n"
				   "classes: { c: { grants: local, hours: [mon-fri 08:00-18:00], deny: [+1*] } }\n"
				   "locations: { l: { class: c, dial_plan: d } }\n"
				   "trunks: [ { name: t, peer: t.example, numbers: { +49301234xx: 12xx } } ]\n"
				   "routes: [ { name: r, trunks: [t] } ]\n"
				   "groups: [ { name: g, number: 2000, members: [1] } ]\n"
				   "speed_dials: { 81: 1 }\nlinks: { w: { calls: 3 } }\nholidays: [2026-12-25]\n"
				   "phones_file: p.csv\nphones: [ { name: x, number: 1, switch: s, port: p1 } ]\n"
				   "offices: { o: { link: w, router: q, hub: r } }\n"
				   "routers: [ { name: r, interfaces: [ { zone: server } ] }, { name: q, office: o, "
				   "interfaces: [ { zone: phone, address: 10.0.1.2 } ] } ]\n"
				   "switches: [ { name: s, zone: server, address: 10.0.0.3, ports: [ { name: p1-4, "
				   "zone: phone }, { name: up, to: r } ] } ]\n"
				   "allow: [ { from: phone, to: server, category: media, protocol: udp, ports: [9-10, "
				   "12], to_hosts: [h], reason: because } ]\nnetwork: { dns_forward: 192.0.2.1 }\n";
	struct rf_view csv = RF_V("name,number\np1,10\np2,11\n");
	struct rf_view attested =
		RF_V("- { mitigation: hw-ecc, by: A B, on: 2026-01-01, until: 2027-01-01, text: seen }\n");

	(void)state;
	for (unsigned n = 1;; n++) {
		struct rf_findings findings;
		struct rf_site *site = NULL;

		rf_findings_init(&findings);
		fail_alloc_at(n);
		int rc = rf_site_parse_attested(rf_view_str(yaml), csv, attested, "a", day, &findings, &site);
		bool failed = fail_alloc_off();
		rf_findings_fini(&findings);
		rf_site_put(site);
		if (!failed) {
			assert_int_equal(rc, 0);
			break;
		}
		/* A table that cannot grow works on with longer chains: then the site is there all the same. */
		assert_true(rc == 0 || rc == -ENOMEM);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(golden, argv[1]),
		cmocka_unit_test(too_large),
		cmocka_unit_test(every_allocation),
	};

	return argc == 2 ? cmocka_run_group_tests_name("golden", tests, NULL, NULL) : 2;
}
