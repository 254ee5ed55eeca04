/* Junos: which statements are judged, which cannot change what is filtered; the rest is refused. */
#include "prove/junos_int.h"

#include <stdio.h>

int rf_junos_fail(struct rf_junos *j, int code, const char *why)
{
	char text[RF_WORDS_SHOWN + 4];
	size_t n = 0;

	text[0] = 0;
	for (unsigned i = 0; i < j->w.n && n < RF_WORDS_SHOWN; i++) {
		char shown[RF_WORDS_SHOWN + 4];

		rf_words_shown(j->w.v[i], shown);
		int k = snprintf(text + n, sizeof text - n, "%s%s", i ? " " : "", shown);
		n += k > 0 ? (size_t)k : 0;
	}
	return rf_rs_fail(j->rs, code, j->line, "%s: \"%s\"", why, text);
}

void *rf_junos_take(struct rf_junos *j, size_t n)
{
	void *p = j->rs->err ? NULL : rf_arena_zalloc(&j->rs->arena, n);

	if (!p)
		rf_rs_fail(j->rs, -ENOMEM, j->line, "the rules take more memory than there is");
	return p;
}

static bool mentions(const struct rf_junos *j, unsigned from, const char *word)
{
	for (unsigned i = from; i < j->w.n; i++)
		if (rf_word_is(j->w.v[i], word))
			return true;
	return false;
}

static void not_understood(struct rf_junos *j)
{
	rf_junos_fail(j, RF_E_UNSUPPORTED, "not understood, and it could change what passes");
}

/* --- filters */

static struct rf_junos_filter *filter_named(struct rf_junos *j, struct rf_view name, uint8_t family)
{
	struct rf_junos_filter *f = j->filter;

	if (f && f->family == family && rf_view_eq(f->name, name))
		return f;
	for (f = j->filters; f; f = f->next)
		if (f->family == family && rf_view_eq(f->name, name))
			return f;
	if (!name.n || name.n > 255 || j->filter_count++ == RF_JUNOS_FILTERS_MAX) {
		rf_junos_fail(j, RF_E_LIMIT, "a filter has a name, and there are not too many");
		return NULL;
	}
	f = rf_junos_take(j, sizeof *f);
	if (!f)
		return NULL;
	*f = (struct rf_junos_filter){ .next = j->filters, .name = name, .family = family, .line = j->line };
	f->terms_end = &f->terms;
	j->filters = f;
	return f;
}

static struct rf_junos_term *term_named(struct rf_junos *j, struct rf_junos_filter *f, struct rf_view name)
{
	struct rf_junos_term *t = f->last;

	if (t && rf_view_eq(t->name, name))
		return t;
	for (t = f->terms; t; t = t->next)
		if (rf_view_eq(t->name, name))
			return f->last = t;
	if (!name.n || name.n > 255 || f->term_count++ == RF_JUNOS_TERMS_MAX) {
		rf_junos_fail(j, RF_E_LIMIT, "a term has a name, and a filter not too many");
		return NULL;
	}
	t = rf_junos_take(j, sizeof *t);
	if (!t)
		return NULL;
	t->name = name;
	t->line = j->line;
	*f->terms_end = t;
	f->terms_end = &t->next;
	return f->last = t;
}

/* Behind "filter". */
static void filter(struct rf_junos *j, uint8_t family)
{
	static const char *const harmless[] = { "interface-specific", "accounting-profile",
						"physical-interface-filter" };
	struct rf_junos_filter *f = filter_named(j, rf_words_take(&j->w), family);
	struct rf_view word = rf_words_take(&j->w);
	struct rf_junos_term *t;

	if (!f || !word.n)
		return;
	j->filter = f;
	for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
		if (rf_word_is(word, harmless[i]))
			return;
	if (!rf_word_is(word, "term")) {
		not_understood(j);
		return;
	}
	t = term_named(j, f, rf_words_take(&j->w));
	word = rf_words_take(&j->w);
	if (!t || !word.n)
		return;
	if (rf_word_is(word, "from"))
		rf_junos_from(j, t);
	else if (rf_word_is(word, "then"))
		rf_junos_then(j, t);
	else
		not_understood(j);
}

static void firewall(struct rf_junos *j)
{
	static const char *const skipped[] = { "policer", "three-color-policer" };
	static const char *const others[] = { "ethernet-switching", "bridge", "vpls", "ccc", "mpls", "any" };

	if (j->w.n == 1 || rf_words_begin(&j->w, 1, "log"))
		return;
	for (size_t i = 0; i < 2; i++)
		if (rf_words_begin(&j->w, 1, skipped[i]))
			return;
	j->w.at = 1;
	if (rf_words_skip(&j->w, "filter")) {
		filter(j, 4);
		return;
	}
	/* Filters of layer 2 matter where they are bound, and that is refused. */
	for (size_t i = 0; rf_word_is(j->w.v[1], "family") && j->w.n > 2 && i < sizeof others / sizeof *others; i++)
		if (rf_word_is(j->w.v[2], others[i]))
			return;
	if (j->w.n == 3 && rf_words_begin(&j->w, 1, "family"))
		return;
	if (rf_words_begin(&j->w, 1, "family inet filter") || rf_words_begin(&j->w, 1, "family inet6 filter")) {
		j->w.at = 4;
		filter(j, rf_word_is(j->w.v[2], "inet6") ? 6 : 4);
		return;
	}
	not_understood(j);
}

static void policy_options(struct rf_junos *j)
{
	struct rf_junos_list *l = j->list;
	struct rf_junos_prefix *p;
	struct rf_view name;

	if (!rf_words_begin(&j->w, 1, "prefix-list"))
		return;
	j->w.at = 2;
	name = rf_words_take(&j->w);
	if (!l || !rf_view_eq(l->name, name))
		for (l = j->lists; l && !rf_view_eq(l->name, name); l = l->next)
			;
	if (!l) {
		if (!name.n || j->list_count++ == RF_JUNOS_FILTERS_MAX) {
			rf_junos_fail(j, RF_E_LIMIT, "a prefix list has a name, and there are not too many");
			return;
		}
		l = rf_junos_take(j, sizeof *l);
		if (!l)
			return;
		l->name = name;
		l->next = j->lists;
		j->lists = l;
	}
	j->list = l;
	if (j->w.at == j->w.n)
		return;
	p = rf_junos_prefix(j, 0);
	if (!p)
		return;
	if (p->except || j->w.at < j->w.n)
		not_understood(j);
	p->next = l->prefixes;
	l->prefixes = p;
}

/* --- interfaces */

static const char *unit_name(struct rf_junos *j)
{
	char name[128];

	if (j->w.v[1].n > 64 || j->w.v[3].n > 16) {
		rf_junos_fail(j, RF_E_LIMIT, "the name of this interface is too long");
		return "";
	}
	snprintf(name, sizeof name, "%.*s.%.*s", RF_VFMT(j->w.v[1]), RF_VFMT(j->w.v[3]));
	const char *kept = rf_arena_cstr(&j->rs->arena, rf_view_str(name));
	if (!kept)
		rf_rs_fail(j->rs, -ENOMEM, j->line, "no memory, or a NUL in the name of an interface");
	return kept ? kept : "";
}

/* Behind "filter" of a unit's family. */
static void binding(struct rf_junos *j, uint8_t family)
{
	struct rf_view word = rf_words_take(&j->w);
	bool out = rf_word_is(word, "output") || rf_word_is(word, "output-list"),
	     list = rf_view_ends(word, RF_V("-list"));
	struct rf_junos_binding *b;

	if ((!out && !rf_word_is(word, "input") && !rf_word_is(word, "input-list")) || j->w.at + 1 != j->w.n) {
		not_understood(j);
		return;
	}
	if (j->binding_count++ == RF_RS_HOOKS_MAX) {
		rf_junos_fail(j, RF_E_LIMIT, "more filters are bound than may be");
		return;
	}
	b = rf_junos_take(j, sizeof *b);
	if (!b)
		return;
	*b = (struct rf_junos_binding){ .filter = rf_words_take(&j->w), .interface = unit_name(j), .family = family, .out = out,
					.list = list, .line = j->line };
	for (const struct rf_junos_binding *k = j->bindings; k; k = k->next)
		if (k->family == family && k->out == out && !(k->list && list) &&
		    strcmp(k->interface, b->interface) == 0)
			rf_junos_fail(j, RF_E_MALFORMED, "the unit has a filter in this direction already");
	*j->bindings_end = b;
	j->bindings_end = &b->next;
}

/* rpf-check: a rule of its own before the filter. */
static void strict(struct rf_junos *j, uint8_t family)
{
	const char *name = unit_name(j);
	char text[RF_RS_TEXT_MAX];

	if (j->w.at < j->w.n) {
		rf_junos_fail(j, RF_E_UNSUPPORTED, "an exception from checking sources is not understood");
		return;
	}
	snprintf(text, sizeof text, "rpf-check of family inet%s on %s", family == 6 ? "6" : "", name);
	struct rf_rs_chain *chain = rf_rs_chain(j->rs, rf_view_str(text));
	struct rf_rs_hook *h = chain ? rf_rs_hook(j->rs, RF_RS_HOOK_PREROUTING, chain, -1, RF_RS_ACCEPT) : NULL;
	struct rf_rs_rule *r = h ? rf_rs_rule(j->rs, chain, j->line, rf_view_str(text)) : NULL;
	if (!r)
		return;
	chain->defined = true;
	h->line = j->line;
	h->family = r->family = family;
	h->interface = name;
	r->verdict = RF_RS_DROP;
	rf_rs_match_kind(j->rs, r, RF_RS_RPF, true);
}

/* Behind "family inet" of a unit. */
static void unit_family(struct rf_junos *j, uint8_t family)
{
	static const char *const harmless[] = {
		"address", "mtu", "no-redirects", "policer", "dhcp", "dhcp-client", "dhcpv6-client",
		"targeted-broadcast", "no-neighbor-learn", "primary", "dad-disable", "nd6-stale-time",
		"unnumbered-address", "accounting",
		"arp-max-cache",
	};
	struct rf_view word = rf_words_take(&j->w);

	if (!word.n)
		return;
	if (rf_word_is(word, "filter")) {
		binding(j, family);
		return;
	}
	if (rf_word_is(word, "rpf-check")) {
		strict(j, family);
		return;
	}
	for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
		if (rf_word_is(word, harmless[i]))
			return;
	not_understood(j);
}

static void unit(struct rf_junos *j)
{
	static const char *const harmless[] = { "description", "disable", "vlan-id", "bandwidth", "proxy-arp", "no-proxy-arp",
						"traps", "no-traps", "enable", "mac", "arp-resp", "interface-mode" };
	struct rf_view word = j->w.n > 4 ? j->w.v[4] : (struct rf_view){ 0 };

	if (!word.n)
		return;
	for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
		if (rf_word_is(word, harmless[i]))
			return;
	if (rf_word_is(word, "family") && j->w.n > 5) {
		j->w.at = 6;
		if (rf_word_is(j->w.v[5], "inet") || rf_word_is(j->w.v[5], "inet6")) {
			unit_family(j, rf_word_is(j->w.v[5], "inet") ? 4 : 6);
			return;
		}
		if (rf_word_is(j->w.v[5], "iso") ||
		    (rf_word_is(j->w.v[5], "ethernet-switching") && !mentions(j, 6, "filter")))
			return;
	}
	not_understood(j);
}

static void interfaces(struct rf_junos *j)
{
	static const char *const tunnels[] = { "st0", "gr-", "ip-", "lt-", "vt-", "sp-", "ms-", "vtep", "rlsq" };
	static const char *const judged[] = { "unit", "filter", "apply-groups", "apply-macro", "family", "tunnel" };

	if (j->w.n < 3)
		return;
	for (size_t i = 0; i < sizeof tunnels / sizeof *tunnels; i++)
		if (rf_view_starts(j->w.v[1], rf_view_str(tunnels[i]))) {
			rf_junos_fail(j, RF_E_UNSUPPORTED,
				      "tunnels are ways past the filters of other interfaces, and not modelled");
			return;
		}
	if (rf_word_is(j->w.v[2], "unit") && j->w.n > 3 && !rf_word_is(j->w.v[1], "interface-range")
	    && rf_view_find(j->w.v[1], '<') == j->w.v[1].n) {
		unit(j);
		return;
	}
	if (rf_word_is(j->w.v[2], "description"))
		return;
	for (size_t i = 0; i < sizeof judged / sizeof *judged; i++)
		if (mentions(j, 1, judged[i])) {
			not_understood(j);
			return;
		}
}

/* --- the whole */

static void without_filter(struct rf_junos *j)
{
	if (mentions(j, 1, "filter") || mentions(j, 1, "flow"))
		rf_junos_fail(j, RF_E_UNSUPPORTED, "a filter in another place than a unit's families is not modelled");
}

static void security(struct rf_junos *j)
{
	static const char *const harmless[] = { "pki", "ssh-known-hosts", "certificates", "authentication-key-chains",
						"macsec" };

	for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
		if (j->w.n == 1 || rf_word_is(j->w.v[1], harmless[i]))
			return;
	rf_junos_fail(j, RF_E_UNSUPPORTED, "zones, policies, address translation and VPNs are not modelled");
}

static void skip(struct rf_junos *j)
{
	(void)j;
}

static const struct { const char *word; void (*judge)(struct rf_junos *j); } sections[] = {
	{ "firewall", firewall }, { "interfaces", interfaces }, { "policy-options", policy_options },
	{ "security", security }, { "forwarding-options", without_filter }, { "vlans", without_filter },
	{ "routing-options", without_filter }, { "protocols", without_filter }, { "switch-options", without_filter },
	{ "system", skip }, { "snmp", skip }, { "version", skip }, { "chassis", skip }, { "class-of-service", skip },
	{ "access", skip }, { "virtual-chassis", skip }, { "poe", skip }, { "multi-chassis", skip },
	{ "schedulers", skip }, { "accounting-options", skip }, { "applications", skip }, { "diameter", skip },
	{ "jsrc", skip },
};

void rf_junos_statement(struct rf_junos *j, bool delete)
{
	size_t i = 0;

	if (!j->w.n) {
		rf_junos_fail(j, RF_E_MALFORMED, "an empty statement");
		return;
	}
	while (i < sizeof sections / sizeof *sections && !rf_word_is(j->w.v[0], sections[i].word))
		i++;
	if (i == sizeof sections / sizeof *sections)
		not_understood(j);
	else if (delete && sections[i].judge != skip)
		rf_junos_fail(j, RF_E_UNSUPPORTED,
			      "what a line takes away is only understood where it could not matter");
	else if (sections[i].judge != skip && (mentions(j, 1, "apply-groups") || mentions(j, 1, "apply-path")))
		rf_junos_fail(j, RF_E_UNSUPPORTED,
			      "groups are not expanded: show the configuration with `| display inheritance`");
	else
		sections[i].judge(j);
}

int rf_read_junos(struct rf_view bytes, const char *name, struct rf_ruleset *ret_rs, struct rf_diag *diag)
{
	struct rf_junos j = { .rs = ret_rs };

	rf_ruleset_init(ret_rs, name, "junos");
	ret_rs->spell = rf_junos_interface;
	j.bindings_end = &j.bindings;
	if (bytes.n > RF_RS_FILE_MAX)
		rf_rs_fail(ret_rs, RF_E_LIMIT, 0, "more than %d MiB", RF_RS_FILE_MAX / 1024 / 1024);
	else
		rf_junos_walk(&j, bytes);
	if (!ret_rs->err)
		rf_junos_end(&j);
	int rc = rf_ruleset_check(ret_rs);
	if (rc) {
		if (diag)
			*diag = ret_rs->diag;
		rf_ruleset_fini(ret_rs);
	}
	return rc;
}
