#include "ua/flow.h"

#include "base/writer.h"

static const char *const kinds[RF_FLOW_KINDS] = {
	[RF_FLOW_NONE] = "none", [RF_FLOW_UDP] = "udp", [RF_FLOW_TCP] = "tcp", [RF_FLOW_TLS] = "tls",
	[RF_FLOW_WS] = "ws", [RF_FLOW_WSS] = "wss",
};

bool rf_flow_eq(const struct rf_flow *a, const struct rf_flow *b)
{
	if (a->kind != b->kind)
		return false;
	if (rf_flow_is_stream(a))
		return a->stream == b->stream && a->worker == b->worker;
	return a->listener == b->listener && rf_addr_eq(&a->remote, &b->remote);
}

uint64_t rf_flow_hash(const struct rf_hash_key *key, const struct rf_flow *f)
{
	if (rf_flow_is_stream(f)) {
		uint64_t id[2] = { f->stream, f->worker };

		return rf_hash(key, rf_view_of(id, sizeof id));
	}
	return rf_addr_hash(key, &f->remote) + f->listener;
}

const char *rf_flow_kind_name(unsigned kind)
{
	return kind < RF_FLOW_KINDS ? kinds[kind] : "none";
}

const char *rf_flow_text(const struct rf_flow *f, char dst[static RF_FLOW_TEXT])
{
	char addr[RF_ADDR_TEXT];
	struct rf_writer w;

	rf_writer_init(&w, dst, RF_FLOW_TEXT - 1);
	rf_put(&w, rf_view_str(rf_flow_kind_name(f->kind)));
	if (f->kind != RF_FLOW_NONE) {
		rf_put_byte(&w, ' ');
		rf_put(&w, rf_view_str(rf_addr_text(&f->remote, addr)));
	}
	dst[w.n] = '\0';
	return dst;
}
