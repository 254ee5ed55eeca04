/* One place where bytes leave: by a UDP socket, by a connection of ours, or by mail to the worker that has it. */
#include "ua/ua_int.h"

static int send_udp(struct rf_ua *ua, const struct rf_flow *flow, struct rf_view bytes)
{
	const struct rf_port *p = flow->listener < ua->port_count ? &ua->ports[flow->listener] : NULL;

	if (!p || !p->udp)
		return RF_E_CLOSED;
	return rf_udp_send(p->udp, bytes, &flow->remote, flow->local.family ? &flow->local : NULL);
}

int rf_ua_send(struct rf_ua *ua, const struct rf_flow *flow, struct rf_view bytes, struct rf_view branch)
{
	if (rf_flow_is_inside(flow))
		return rf_mail_inside(ua, flow->worker, bytes);
	if (rf_flow_is_stream(flow) && flow->worker != ua->worker)
		return rf_mail_send(ua, flow, bytes, branch);
	if (ua->wire)
		return ua->wire->send(ua->wire->ctx, flow, bytes);
	if (flow->kind == RF_FLOW_UDP)
		return send_udp(ua, flow, bytes);
	if (!rf_flow_is_stream(flow))
		return RF_E_INVALID;
	struct rf_conn *c = rf_conn_find(ua, flow->stream);
	return c ? rf_conn_send(c, bytes) : RF_E_CLOSED;
}

struct rf_flow rf_ua_inside(const struct rf_ua *ua, unsigned worker)
{
	struct rf_flow flow = {
		.kind = RF_FLOW_TLS, .listener = RF_FLOW_INSIDE, .worker = (uint8_t)worker, .stream = UINT64_MAX,
	};

	(void)ua;
	rf_addr_parse(RF_V("127.0.0.1"), (uint16_t)(worker + 1), &flow.remote);
	flow.local = flow.remote;
	return flow;
}

int rf_ua_hop_flow(struct rf_ua *ua, const struct rf_hop *hop, const struct rf_tls_who *who, struct rf_flow *ret_flow)
{
	if (ua->wire)
		return ua->wire->dial(ua->wire->ctx, hop, ret_flow);
	if (hop->kind != RF_FLOW_UDP)
		return rf_conn_to(ua, hop, who, ret_flow);
	int i = rf_port_udp_for(ua, &hop->addr, who->from);
	if (i < 0)
		return RF_E_UNSUPPORTED;
	*ret_flow = (struct rf_flow){ .remote = hop->addr, .kind = RF_FLOW_UDP, .worker = ua->worker,
				      .listener = (uint8_t)i };
	return 0;
}
