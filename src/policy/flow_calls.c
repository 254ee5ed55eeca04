/* Signaling and media. Signaling goes to where the controllers listen, and only there; media runs between the ends of a
 * call, and past the border only while a pinhole is open for it. */
#include "policy/flow_int.h"

#include <netinet/in.h>

#define K(kind) (1u << RF_ZONE_##kind)
#define ROLE(r) ((struct rf_who){ .roles = RF_ROLE_##r })

enum { HIGH_FIRST = 1024, ANY_LAST = 65535 };

static const unsigned secure = RF_TRANSPORT_TLS | RF_TRANSPORT_WSS;
static const unsigned of_browsers = RF_TRANSPORT_WS | RF_TRANSPORT_WSS;

/* --- signaling */

static int ip_protocol(unsigned transport)
{
	return transport == RF_TRANSPORT_UDP ? IPPROTO_UDP : IPPROTO_TCP;
}

static uint32_t usual_port(unsigned transport)
{
	return transport == RF_TRANSPORT_TLS   ? 5061
	       : transport == RF_TRANSPORT_WSS ? 443
	       : transport == RF_TRANSPORT_WS  ? 80
					       : 5060;
}

static const char *protocol_of(const struct rf_site_zone *z)
{
	return z->protocol.n ? rf_site_cstr(z->protocol) : "sip";
}

/* At highest each call protocol has servers of its own (protocol-sub-zones); ours is SIP. */
static bool same_protocol(const struct rf_make *m, const struct rf_pair *p)
{
	if (m->site->level != RF_LEVEL_HIGHEST)
		return true;
	return strcmp(protocol_of(p->from.zone), protocol_of(p->to.zone)) == 0;
}

static uint32_t new_per_second(const struct rf_make *m, int protocol)
{
	return protocol == IPPROTO_TCP ? m->site->limits.handshakes_per_second : m->site->limits.messages_per_second;
}

/* SIP over one transport and port. The name is the service's: it must live as long as the flows. */
static void signal(struct rf_make *m, const struct rf_pair *p, const struct rf_end *from, const struct rf_end *to,
		   unsigned transport, uint32_t port, const char *why, struct rf_site_pos pos)
{
	const char *name = rf_transport_name(transport);
	bool usual = port == usual_port(transport);
	struct rf_service s = { .category = RF_CAT_SIGNALING,
				.protocol = ip_protocol(transport),
				.sport = { 0, ANY_LAST },
				.dport = { (uint16_t)port, (uint16_t)port },
				.mitigation = RF_MIT_SIGNALING };

	s.name = usual ? rf_make_text(m, "sip-%s", name) : rf_make_text(m, "sip-%s-%u", name, port);
	struct rf_flow *f = rf_flow_add(m, p, &s, from, to, why);
	if (!f)
		return;
	f->new_per_second = new_per_second(m, s.protocol);
	if (pos.line)
		f->pos = pos;
}

/* The end of a listener: the controllers, or the one address that it is bound to. */
static bool listener_end(struct rf_make *m, const struct rf_party *at, const struct rf_site_listen *l,
			 struct rf_end *ret_end)
{
	if (!rf_party_select(m, *at, ROLE(CONTROLLER), ret_end))
		return false;
	if (!l->address.family)
		return true;
	if (rf_zone_of(m->site, &l->address) != at->zone)
		return false;
	return rf_end_of(m, at->zone, &l->address, 1, ret_end);
}

static void to_controllers(struct rf_make *m, const struct rf_pair *p, struct rf_who who, unsigned transports,
			   const char *why)
{
	struct rf_end from, to;

	if (!rf_party_select(m, p->from, who, &from))
		return;
	for (size_t i = 0; i < m->site->sip.listens; i++) {
		const struct rf_site_listen *l = &m->site->sip.listen[i];

		if ((l->transport & transports) && listener_end(m, &p->to, l, &to))
			signal(m, p, &from, &to, l->transport, l->port, why, l->pos);
	}
}

/* What the site's controllers speak besides TLS, as transports that others may be called on. */
static unsigned plain_transports(const struct rf_site *s)
{
	unsigned seen = 0;

	for (size_t i = 0; i < s->sip.listens; i++)
		seen |= s->sip.listen[i].transport;
	return seen & (RF_TRANSPORT_TCP | RF_TRANSPORT_UDP);
}

static void from_hosts(struct rf_make *m, const struct rf_pair *p, struct rf_who from_who, struct rf_who to_who,
		       unsigned transports, const char *why)
{
	static const unsigned each[] = { RF_TRANSPORT_TLS, RF_TRANSPORT_TCP, RF_TRANSPORT_UDP };
	struct rf_end from, to;

	if (!rf_party_select(m, p->from, from_who, &from) || !rf_party_select(m, p->to, to_who, &to))
		return;
	for (size_t i = 0; i < sizeof each / sizeof *each; i++)
		if (transports & each[i])
			signal(m, p, &from, &to, each[i], usual_port(each[i]), why, (struct rf_site_pos){ 0 });
}

/* Peers in the internet: known addresses, else everybody, and the certificate decides. */
static bool peers_end(struct rf_make *m, const struct rf_site_trunk *t, const struct rf_site_zone *outside,
		      struct rf_end *ret_end)
{
	return rf_end_of(m, outside, t->addresses.v, t->addresses.n, ret_end);
}

static bool trunk_is_outside(const struct rf_make *m, const struct rf_site_trunk *t, const struct rf_site_zone *outside)
{
	return !t->addresses.n || rf_zone_of(m->site, &t->addresses.v[0]) == outside;
}

/* The addresses of a host by which the outside knows it, as far as they lie in this zone. */
static size_t put_outer(const struct rf_make *m, const struct rf_site_host *h, const struct rf_site_zone *z,
			struct rf_site_ip *v)
{
	size_t n = 0;

	for (unsigned family = 4; family <= 6; family += 2) {
		const struct rf_site_ip *ip = rf_site_outside_ip(h, family);

		if (ip->family && (h->outside.pos.line ? rf_zone_of(m->site, ip) : h->zone) == z)
			v[n++] = *ip;
	}
	return n;
}

/* The outer side of the hosts of these roles in this zone. */
static bool outer_end(struct rf_make *m, const struct rf_party *at, unsigned roles, struct rf_end *ret_end)
{
	const struct rf_site *s = m->site;
	struct rf_site_ip *v = rf_arena_array(m->arena, 2 * s->host_count + 1, sizeof *v);
	const struct rf_site_host **hosts = rf_arena_array(m->arena, s->host_count + 1, sizeof *hosts);

	*ret_end = (struct rf_end){ .zone = at->zone, .v = v, .hosts = hosts };
	if (!v || !hosts) {
		m->rc = -ENOMEM;
		return false;
	}
	for (size_t i = 0; i < s->host_count; i++) {
		size_t n = s->hosts[i].roles & roles ? put_outer(m, &s->hosts[i], at->zone, v + ret_end->n) : 0;

		if (n)
			hosts[ret_end->host_count++] = &s->hosts[i];
		ret_end->n += n;
	}
	return ret_end->n > 0;
}

static void trunk_flows(struct rf_make *m, const struct rf_pair *p, bool out)
{
	struct rf_end border;

	if (!outer_end(m, out ? &p->from : &p->to, RF_ROLE_BORDER, &border))
		return;
	for (size_t i = 0; i < m->site->trunk_count; i++) {
		const struct rf_site_trunk *t = &m->site->trunks[i];
		const struct rf_site_zone *outside = out ? p->to.zone : p->from.zone;
		uint32_t port = out && t->port ? t->port : usual_port(t->transport);
		struct rf_service s = { .category = RF_CAT_SIGNALING,
					.protocol = ip_protocol(t->transport),
					.sport = { 0, ANY_LAST },
					.dport = { (uint16_t)port, (uint16_t)port },
					.mitigation = "pub-encrypt-voip" };
		struct rf_end peers;

		if (!trunk_is_outside(m, t, outside) || !peers_end(m, t, outside, &peers))
			continue;
		s.name = rf_make_text(m, "trunk-%s", rf_site_cstr(t->name));
		struct rf_flow *f = rf_flow_add(m, p, &s, out ? &border : &peers, out ? &peers : &border,
						rf_make_text(m, "Calls %s trunk %s, whose certificate is checked.",
							     out ? "to" : "from", rf_site_cstr(t->name)));
		if (!f)
			return;
		f->pos = t->pos;
		f->new_per_second = out ? 0 : new_per_second(m, s.protocol);
	}
}

/* From anywhere: who has no certificate of a phone that may ends before a word of SIP. */
static void roaming_flow(struct rf_make *m, const struct rf_pair *p, const char *name, uint32_t port)
{
	struct rf_service s = { .name = name, .category = RF_CAT_SIGNALING, .protocol = IPPROTO_TCP, .sport = { 0, ANY_LAST },
				.dport = { (uint16_t)port, (uint16_t)port }, .mitigation = "pub-encrypt-voip" };
	struct rf_end border, phones;

	if (!outer_end(m, &p->to, RF_ROLE_BORDER, &border) || !rf_end_of(m, p->from.zone, NULL, 0, &phones))
		return;
	struct rf_flow *f = rf_flow_add(m, p, &s, &phones, &border,
					"Phones of the site that are outside, by their certificates.");

	if (!f)
		return;
	f->pos = m->site->roaming.pos;
	f->new_per_second = new_per_second(m, IPPROTO_TCP);
}

static void roaming_flows(struct rf_make *m, const struct rf_pair *p)
{
	const struct rf_site_listen *browsers = rf_site_roaming_browsers(m->site);

	if (m->site->roaming.phones.n)
		roaming_flow(m, p, "roaming-phones", usual_port(RF_TRANSPORT_TLS));
	if (browsers)
		roaming_flow(m, p, "roaming-browsers", browsers->port);
}

static void with_phones(struct rf_make *m, const struct rf_pair *p)
{
	unsigned from = 1u << p->from.kind, to = 1u << p->to.kind;
	unsigned plain = plain_transports(m->site);

	if ((from & K(PHONE)) && (to & K(SERVER)))
		to_controllers(m, p, (struct rf_who){ .all = true }, ~of_browsers, "Phones register and call.");
	else if ((from & K(SOFTPHONE)) && (to & K(SERVER)))
		to_controllers(m, p, (struct rf_who){ .all = true }, ~0u, "Softphones register and call.");
	else if ((from & K(SERVER)) && (to & (K(PHONE) | K(SOFTPHONE))))
		from_hosts(m, p, ROLE(CONTROLLER), (struct rf_who){ .all = true }, RF_TRANSPORT_TLS | plain,
			   "A controller reaches a phone whose connection was lost.");
}

static void among_hosts(struct rf_make *m, const struct rf_pair *p)
{
	unsigned from = 1u << p->from.kind, to = 1u << p->to.kind;
	unsigned plain = plain_transports(m->site);

	if ((from & K(GATEWAY)) && (to & K(SERVER)))
		to_controllers(m, p, ROLE(GATEWAY), ~of_browsers,
			       "Gateways hand calls from telephone lines to the controllers.");
	else if ((from & K(SERVER)) && (to & K(GATEWAY)))
		from_hosts(m, p, ROLE(CONTROLLER), ROLE(GATEWAY), RF_TRANSPORT_TLS | plain,
			   "Only controllers call through gateways.");
	else if ((from & K(SERVER)) && (to & K(SERVER)))
		to_controllers(m, p, ROLE(CONTROLLER), secure & ~of_browsers, "Controllers pass calls to each other.");
	else if ((from & K(SERVER)) && (to & K(BORDER)))
		from_hosts(m, p, ROLE(CONTROLLER), ROLE(BORDER), RF_TRANSPORT_TLS,
			   "Calls to the outside go to the inner side of the session controller.");
	else if ((from & K(BORDER)) && (to & K(SERVER)))
		to_controllers(m, p, ROLE(BORDER), secure & ~of_browsers,
			       "Calls from outside, checked and rewritten by the session controller.");
	else if ((from & K(SERVER)) && (to & K(CONVERGED)))
		from_hosts(m, p, ROLE(CONTROLLER), ROLE(VOICEMAIL), RF_TRANSPORT_TLS,
			   "Calls to the messaging service.");
	else if ((from & K(CONVERGED)) && (to & K(SERVER)))
		to_controllers(m, p, ROLE(VOICEMAIL), secure & ~of_browsers, "Calls of the messaging service.");
}

static void in_border(struct rf_make *m, const struct rf_pair *p)
{
	struct rf_end from, to;

	if (p->to.kind == RF_ZONE_BORDER && rf_party_select(m, p->from, ROLE(BORDER), &from) &&
	    rf_party_select(m, p->to, ROLE(RELAY), &to))
		rf_flow_add(m, p, rf_service("relay-control"), &from, &to,
			    "The session controller opens and closes sessions in the media relays.");
	else if (p->to.kind == RF_ZONE_INTERNET)
		trunk_flows(m, p, true);
}

static void signaling(struct rf_make *m, const struct rf_pair *p)
{
	if (!rf_pair_opens(p, RF_CAT_SIGNALING, false) || !same_protocol(m, p))
		return;
	with_phones(m, p);
	among_hosts(m, p);
	if (p->from.kind == RF_ZONE_BORDER)
		in_border(m, p);
	else if (p->from.kind == RF_ZONE_INTERNET && p->to.kind == RF_ZONE_BORDER) {
		trunk_flows(m, p, false);
		roaming_flows(m, p);
	}
}

/* --- media */

enum { ENDS = K(PHONE) | K(SOFTPHONE) | K(GATEWAY) };

/* Who sends and gets media in a zone of this kind. */
static struct rf_who media_who(enum rf_zone_kind kind)
{
	switch (kind) {
	case RF_ZONE_GATEWAY:
		return ROLE(GATEWAY);
	case RF_ZONE_BORDER:
		return (struct rf_who){ .roles = RF_ROLE_RELAY | RF_ROLE_BORDER };
	case RF_ZONE_SERVER:
	case RF_ZONE_CONVERGED:
		return ROLE(VOICEMAIL);
	default:
		return (struct rf_who){ .all = true };
	}
}

static const char *media_why(const struct rf_make *m, enum rf_flow_how how, int protocol)
{
	bool srtp = m->site->policy.media_encrypted;

	if (protocol == IPPROTO_TCP)
		return "Messages and floor control (MSRP, BFCP over TCP) of one outside call, "
		       "while its pinhole is open.";
	switch (how) {
	case RF_FLOW_PINHOLE:
		return srtp ? "Media (SRTP) of one outside call, while its pinhole is open."
			    : "Media of one outside call, while its pinhole is open.";
	case RF_FLOW_STATEFUL:
		return srtp ? "Media (SRTP) with a service that plays or records."
			    : "Media with a service that plays or records.";
	default:
		return srtp ? "Media (SRTP) runs directly between the ends of a call."
			    : "Media runs directly between the ends of a call.";
	}
}

static enum rf_flow_how media_how(const struct rf_pair *p)
{
	unsigned both = 1u << p->from.kind | 1u << p->to.kind;

	if (p->local)
		return RF_FLOW_LOCAL;
	if (both & (K(BORDER) | K(INTERNET)))
		return RF_FLOW_PINHOLE;
	return both & ~ENDS ? RF_FLOW_STATEFUL : RF_FLOW_STATELESS;
}

static struct rf_site_ports media_ports(const struct rf_make *m, enum rf_zone_kind kind)
{
	if (kind == RF_ZONE_INTERNET)
		return (struct rf_site_ports){ HIGH_FIRST, ANY_LAST };
	return (struct rf_site_ports){ (uint16_t)m->site->network.media_first, (uint16_t)m->site->network.media_last };
}

/* A relay has an outer side for the internet, and its own address for the site. */
static bool media_end(struct rf_make *m, const struct rf_party *at, const struct rf_party *other,
		      struct rf_end *ret_end)
{
	struct rf_who who = media_who(at->kind);

	return at->kind == RF_ZONE_BORDER && other->kind == RF_ZONE_INTERNET ? outer_end(m, at, who.roles, ret_end) :
									       rf_party_select(m, *at, who, ret_end);
}

/* Connections past a relay: it has ports of the same range, and the others whatever they like. Behind voice in every
 * queue (RFC 4594 4.7, AF21): they take what they can get. */
static void media_tcp(struct rf_make *m, const struct rf_pair *p, const struct rf_end *from, const struct rf_end *to)
{
	static const struct rf_site_ports any = { HIGH_FIRST, ANY_LAST };
	enum { AF21 = 18 };
	bool ahead = p->from.kind == RF_ZONE_BORDER, back = p->to.kind == RF_ZONE_BORDER;
	struct rf_service s = { "media-tcp", RF_CAT_MEDIA, IPPROTO_TCP, ahead ? media_ports(m, p->from.kind) : any,
				back ? media_ports(m, p->to.kind) : any, "arch-per-sbc-pinholes", RF_ICMP_NONE };

	if ((!ahead && !back) || p->from.kind == RF_ZONE_GATEWAY || p->to.kind == RF_ZONE_GATEWAY)
		return; /* telephone lines carry neither */
	struct rf_flow *f = rf_flow_add(m, p, &s, from, to, media_why(m, RF_FLOW_PINHOLE, s.protocol));

	if (!f)
		return;
	f->how = RF_FLOW_PINHOLE;
	f->dscp = AF21;
}

static void media(struct rf_make *m, const struct rf_pair *p)
{
	struct rf_service s = {
		"media",      RF_CAT_MEDIA, IPPROTO_UDP, media_ports(m, p->from.kind), media_ports(m, p->to.kind),
		RF_MIT_MEDIA, RF_ICMP_NONE
	};
	struct rf_end from, to;

	if (!rf_pair_opens(p, RF_CAT_MEDIA, false) || !media_end(m, &p->from, &p->to, &from) ||
	    !media_end(m, &p->to, &p->from, &to))
		return;
	if (p->local && from.host_count == 1 && to.host_count == 1)
		return;
	enum rf_flow_how how = media_how(p);
	if (how == RF_FLOW_PINHOLE)
		s.mitigation = "arch-per-sbc-pinholes";
	struct rf_flow *f = rf_flow_add(m, p, &s, &from, &to, media_why(m, how, s.protocol));
	if (!f)
		return;
	f->how = how;
	if (how == RF_FLOW_PINHOLE)
		media_tcp(m, p, &from, &to);
}

void rf_calls_of_pair(struct rf_make *m, const struct rf_pair *pair)
{
	if (pair->inspection == RF_INSPECT_CIRCUIT)
		return;
	signaling(m, pair);
	media(m, pair);
}
