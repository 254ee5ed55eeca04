/* Listeners and UDP sockets, and what we call ourselves on each of them. */
#include "ua/ua_int.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- sockets ---- */

static void on_datagram(void *arg, struct rf_udp *udp, struct rf_view bytes, const struct rf_addr *from,
			const struct rf_addr *to)
{
	struct rf_port *p = arg;
	struct rf_peer peer = { .flow = { .remote = *from, .local = *to, .kind = RF_FLOW_UDP,
					  .worker = p->ua->worker, .listener = p->index } };

	(void)udp;
	rf_ua_receive(p->ua, &peer, bytes, RF_SIP_DATAGRAM);
}

static const struct rf_udp_ops udp_ops = { .on_datagram = on_datagram };

static int open_udp(struct rf_port *p, const struct rf_ua_listener *conf)
{
	struct rf_udp_conf udp = {
		.local = conf->local,
		.reuse_port = p->ua->workers > 1,
		.v6_also_v4 = conf->v6_also_v4,
		.ops = &udp_ops,
		.arg = p,
	};
	int rc = conf->fd >= 0 ? rf_udp_new_fd(p->ua->net, &udp, conf->fd, &p->udp)
			       : rf_udp_new(p->ua->net, &udp, &p->udp);

	if (!rc)
		p->local = *rf_udp_local(p->udp);
	return rc;
}

static int open_listener(struct rf_port *p, const struct rf_ua_listener *conf)
{
	struct rf_listener_conf listener = {
		.local = conf->local,
		.reuse_port = p->ua->workers > 1,
		.v6_also_v4 = conf->v6_also_v4,
		.tls = rf_flow_is_secure(conf->kind) ? conf->tls : NULL,
		.idle_ms = conf->idle_ms,
		.ops = &rf_conn_ops,
		.arg = p,
	};
	int rc = conf->fd >= 0 ? rf_listener_new_fd(p->ua->net, &listener, conf->fd, &p->listener)
			       : rf_listener_new(p->ua->net, &listener, &p->listener);

	if (!rc)
		p->local = *rf_listener_local(p->listener);
	return rc;
}

static int name_port(struct rf_port *p, const struct rf_ua_listener *conf)
{
	struct rf_writer w;

	rf_writer_init(&w, p->host, sizeof p->host - 1);
	if (conf->host.n)
		rf_put(&w, conf->host);
	else if (p->local.family && !rf_addr_is_any(&p->local))
		rf_addr_put_host(&w, &p->local, false);
	p->host_n = (uint8_t)w.n;
	p->say_port = conf->port ? conf->port : p->local.port;
	return w.err;
}

static int copy_ws(struct rf_port *p, const struct rf_ua_listener *conf)
{
	struct rf_view *origins = calloc(conf->ws.origin_count + 1, sizeof *origins);
	int rc = origins ? rf_ua_dup_view(conf->ws.path, &p->ws.path) : -ENOMEM;

	p->ws.origins = origins;
	for (size_t i = 0; i < conf->ws.origin_count && !rc; i++) {
		rc = rf_ua_dup_view(conf->ws.origins[i], &origins[i]);
		p->ws.origin_count += !rc;
	}
	p->ws_handshake_ms = conf->ws_handshake_ms ? conf->ws_handshake_ms : RF_UA_WS_HANDSHAKE_MS;
	p->ws_ping_ms = conf->ws_ping_ms;
	return rc;
}

static void free_ws(struct rf_port *p)
{
	free((void *)(uintptr_t)p->ws.path.p);
	for (size_t i = 0; i < p->ws.origin_count; i++)
		free((void *)(uintptr_t)p->ws.origins[i].p);
	free((void *)(uintptr_t)p->ws.origins);
	p->ws = (struct rf_ws_site){ .origins = NULL };
}

int rf_port_open(struct rf_ua *ua, uint8_t index, const struct rf_ua_listener *conf)
{
	struct rf_port *p = &ua->ports[index];

	*p = (struct rf_port){ .ua = ua, .index = index, .kind = conf->kind, .local = conf->local,
			       .outside = conf->outside };
	if (conf->kind <= RF_FLOW_NONE || conf->kind >= RF_FLOW_KINDS || (rf_flow_is_secure(conf->kind) && !conf->tls))
		return RF_E_INVALID;
	int rc = conf->kind == RF_FLOW_UDP ? open_udp(p, conf) : open_listener(p, conf);
	if (!rc)
		rc = name_port(p, conf);
	if (!rc && rf_flow_is_ws(conf->kind))
		rc = copy_ws(p, conf);
	ua->families |= 1u << p->local.family | (conf->v6_also_v4 ? 1u << 4 : 0);
	return rc;
}

void rf_port_close(struct rf_port *p)
{
	rf_udp_free(p->udp);
	rf_listener_free(p->listener);
	free_ws(p);
	p->udp = NULL;
	p->listener = NULL;
}

int rf_port_udp_for(const struct rf_ua *ua, const struct rf_addr *to, const struct rf_addr *from)
{
	const struct rf_addr *own = from && from[to->family == 6].family ? &from[to->family == 6] : NULL;

	for (size_t i = 0; i < ua->port_count; i++) {
		const struct rf_port *p = &ua->ports[i];

		if (p->udp && p->local.family == to->family && (!own || rf_addr_same_ip(own, &p->local)) &&
		    (!rf_addr_is_loopback(&p->local) || rf_addr_is_loopback(to)))
			return (int)i;
	}
	return -1;
}

/* ---- names ---- */

/* RFC 3261 19.1.2; RFC 7118 5.1: those of HTTP. */
static uint16_t usual_port(unsigned kind)
{
	return kind == RF_FLOW_TLS ? 5061 : kind == RF_FLOW_WS ? 80 : kind == RF_FLOW_WSS ? 443 : 5060;
}

/* The address from which the kernel would send there: what a socket that is connected, and sends nothing, says. */
static bool source_toward(const struct rf_addr *remote, struct rf_addr *ret_addr)
{
	struct sockaddr_storage sa, mine;
	socklen_t n = (socklen_t)rf_addr_to_sockaddr(remote, &sa), mine_n = sizeof mine;
	bool ok = false;

	if (!n)
		return false;
	int fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	if (!connect(fd, (struct sockaddr *)&sa, n) && !getsockname(fd, (struct sockaddr *)&mine, &mine_n))
		ok = rf_addr_from_sockaddr((struct sockaddr *)&mine, mine_n, ret_addr) == 0;
	close(fd);
	return ok;
}

/* The same for whom we do not know yet: as toward an address of nobody (RFC 5737, RFC 3849). */
static bool source_toward_anyone(struct rf_addr *ret_addr)
{
	struct rf_addr v4, v6;

	return (rf_addr_parse(RF_V("192.0.2.1"), 5060, &v4) == 0 && source_toward(&v4, ret_addr)) ||
	       (rf_addr_parse(RF_V("2001:db8::1"), 5060, &v6) == 0 && source_toward(&v6, ret_addr));
}

/* The one of that kind on the address that the flow leaves from. */
static const struct rf_port *same_address(const struct rf_ua *ua, const struct rf_flow *flow)
{
	for (size_t i = 0; i < ua->port_count; i++)
		if (ua->ports[i].kind == flow->kind && flow->local.family &&
		    rf_addr_same_ip(&ua->ports[i].local, &flow->local))
			return &ua->ports[i];
	return NULL;
}

/* The listener that stands for a flow: its own; for what we dialled the one of the same kind on the same address, else
 * of the same family. */
static const struct rf_port *port_of(const struct rf_ua *ua, const struct rf_flow *flow)
{
	const struct rf_port *same_kind = same_address(ua, flow);

	if (flow->kind != RF_FLOW_NONE && flow->listener < ua->port_count)
		return &ua->ports[flow->listener];
	if (same_kind)
		return same_kind;
	for (size_t i = 0; i < ua->port_count; i++) {
		const struct rf_port *p = &ua->ports[i];

		if (p->kind != flow->kind)
			continue;
		if (p->local.family == flow->remote.family)
			return p;
		if (!same_kind)
			same_kind = p;
	}
	return same_kind ? same_kind : ua->port_count ? &ua->ports[0] : NULL;
}

struct rf_view rf_ua_sent_by(const struct rf_ua *ua, const struct rf_flow *flow, char *buf, uint16_t *ret_port)
{
	const struct rf_port *p = port_of(ua, flow);
	struct rf_addr local = flow->local;
	struct rf_writer w;

	*ret_port = p ? p->say_port : 0;
	if (p && p->host_n)
		return rf_view_of(p->host, p->host_n);
	if ((!local.family || rf_addr_is_any(&local)) && !source_toward(&flow->remote, &local) &&
	    (flow->remote.family || !source_toward_anyone(&local)))
		return RF_V("invalid.invalid"); /* no way there: the send will say so */
	rf_writer_init(&w, buf, 256);
	rf_addr_put_host(&w, &local, false);
	return rf_view_of(buf, w.n);
}

void rf_ua_put_via(const struct rf_ua *ua, const struct rf_flow *flow, struct rf_view branch, struct rf_writer *w)
{
	static const enum rf_sip_transport transports[RF_FLOW_KINDS] = {
		[RF_FLOW_UDP] = RF_SIP_UDP, [RF_FLOW_TCP] = RF_SIP_TCP, [RF_FLOW_TLS] = RF_SIP_TLS,
		[RF_FLOW_WS] = RF_SIP_WS, [RF_FLOW_WSS] = RF_SIP_WSS,
	};
	char buf[256];
	uint16_t port;
	struct rf_view host = rf_ua_sent_by(ua, flow, buf, &port);

	rf_sip_put_via(w, &(struct rf_sip_new_via){
		.transport = transports[flow->kind],
		.host = host,
		.port = port,
		.branch = branch,
		.rport = true,
		.alias = flow->listener == RF_FLOW_OUTBOUND,
		.oc = flow->listener == RF_FLOW_OUTBOUND,
	});
}

void rf_ua_put_contact(const struct rf_ua *ua, const struct rf_flow *flow, struct rf_view user, struct rf_writer *w)
{
	const struct rf_port *p = port_of(ua, flow);
	unsigned kind = flow->kind != RF_FLOW_NONE ? flow->kind : p ? p->kind : RF_FLOW_NONE;
	char buf[256];
	uint16_t port;
	struct rf_view host = rf_ua_sent_by(ua, flow, buf, &port);

	rf_sip_uri_put_new(w, false, user, host, port);
	if (rf_flow_is_ws(kind)) /* RFC 7118 5.1 knows one word for both */
		rf_sip_put_param(w, RF_V("transport"), RF_V("ws"));
	else if (kind == RF_FLOW_TCP || kind == RF_FLOW_TLS)
		rf_sip_put_param(w, RF_V("transport"), rf_view_str(rf_flow_kind_name(kind)));
}

/* Is this an address of this host? From there to there the kernel takes that address itself. */
static bool is_own_address(const struct rf_addr *addr)
{
	struct rf_addr from, to = *addr;

	if (!to.port)
		to.port = 5060;
	return source_toward(&to, &from) && rf_addr_same_ip(&from, &to);
}

bool rf_ua_is_us(const struct rf_ua *ua, const struct rf_sip_uri *uri)
{
	struct rf_addr addr;

	if (!rf_sip_uri_is_sip(uri))
		return false;
	bool literal = uri->host_kind != RF_SIP_HOST_NAME && rf_addr_parse(uri->host, uri->port, &addr) == 0;
	for (size_t i = 0; i < ua->port_count; i++) {
		const struct rf_port *p = &ua->ports[i];
		bool host = rf_view_eq_nocase(uri->host, rf_view_of(p->host, p->host_n)) ||
			    (literal && rf_addr_same_ip(&addr, &p->local));

		if ((uri->port ? uri->port : usual_port(p->kind)) != p->say_port)
			continue;
		if (host || (literal && rf_addr_is_any(&p->local) && is_own_address(&addr)))
			return true;
	}
	return false;
}
