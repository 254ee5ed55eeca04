#include "net/net_int.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>

enum {
	STREAMS = 65536,
	STREAMS_PER_SOURCE = 1024,
	HANDSHAKES = 1024,
	ARRIVALS_A_HANDSHAKE = 16,
	OUTPUT_BYTES = 262144,
	CARRY_BYTES = 65536 + 8192, /* a message of the greatest size allowed, and the line that tells so */
};

static void with_defaults(struct rf_net_conf *conf)
{
	conf->streams = conf->streams ? conf->streams : STREAMS;
	conf->streams_per_source = conf->streams_per_source ? conf->streams_per_source : STREAMS_PER_SOURCE;
	conf->handshakes = conf->handshakes ? conf->handshakes : HANDSHAKES;
	conf->arrivals = conf->arrivals ? conf->arrivals : ARRIVALS_A_HANDSHAKE * conf->handshakes;
	conf->output_bytes = conf->output_bytes ? conf->output_bytes : OUTPUT_BYTES;
	conf->carry_bytes = conf->carry_bytes ? conf->carry_bytes : CARRY_BYTES;
}

static void flush(struct rf_hook *hook)
{
	struct rf_net *net = rf_container(hook, struct rf_net, hook);

	rf_stream_steps(net);
	rf_listener_resume(net);
	rf_stream_flush_dirty(net);
	rf_udp_flush_all(net);
}

int rf_net_new(struct rf_loop *loop, const struct rf_net_conf *conf, struct rf_net **ret_net)
{
	static const struct rf_net_conf defaults;
	struct rf_net *net = calloc(1, sizeof *net);

	if (!net)
		return -ENOMEM;
	net->loop = loop;
	net->conf = conf ? *conf : defaults;
	with_defaults(&net->conf);
	net->dirty_end = &net->dirty;
	TAILQ_INIT(&net->steps[0]);
	TAILQ_INIT(&net->steps[1]);
	net->plain_cap = (size_t)net->conf.carry_bytes + RF_NET_WIRE_BYTES + RF_NET_RECORD_BYTES;
	net->wire = malloc(RF_NET_WIRE_BYTES);
	net->plain = malloc(net->plain_cap);
	rf_table_init(&net->sources, net->conf.streams);
	rf_loop_hook_add(loop, &net->hook, flush);
	if (!net->wire || !net->plain) {
		rf_net_free(net);
		return -ENOMEM;
	}
	*ret_net = net;
	return 0;
}

void rf_net_free(struct rf_net *net)
{
	if (!net)
		return;
	net->closing = true;
	rf_stream_end_all(net);
	rf_loop_hook_del(&net->hook);
	rf_udp_rx_free(net->rx);
	while (net->chunks_kept)
		free(net->chunks[--net->chunks_kept]);
	rf_table_fini(&net->sources);
	BIO_meth_free(net->bio_method);
	free(net->plain);
	free(net->wire);
	free(net);
}

struct rf_loop *rf_net_loop(const struct rf_net *net)
{
	return net->loop;
}

const struct rf_net_stats *rf_net_stats(const struct rf_net *net)
{
	return &net->stats;
}

void *rf_net_chunk_get(struct rf_net *net)
{
	return net->chunks_kept ? net->chunks[--net->chunks_kept] : malloc(RF_NET_CHUNK_BYTES);
}

void rf_net_chunk_put(struct rf_net *net, void *chunk)
{
	if (chunk && net->chunks_kept < RF_NET_CHUNKS_KEPT)
		net->chunks[net->chunks_kept++] = chunk;
	else
		free(chunk);
}

int rf_net_source_get(struct rf_net *net, const struct rf_addr *addr, struct rf_net_source **ret_source)
{
	uint8_t key[9] = { addr->family };

	memcpy(key + 1, addr->ip, addr->family == 4 ? 4 : 8);
	uint64_t hash = rf_hash(&net->conf.hash_key, rf_view_of(key, sizeof key));
	for (struct rf_node *n = rf_table_first(&net->sources, hash); n; n = rf_table_next(n)) {
		struct rf_net_source *s = rf_container(n, struct rf_net_source, node);

		if (memcmp(s->key, key, sizeof key) != 0)
			continue;
		if (s->streams >= net->conf.streams_per_source)
			return RF_E_LIMIT;
		s->streams++;
		*ret_source = s;
		return 0;
	}
	struct rf_net_source *s = calloc(1, sizeof *s);
	if (!s)
		return -ENOMEM;
	memcpy(s->key, key, sizeof key);
	s->streams = 1;
	int rc = rf_table_add(&net->sources, &s->node, hash);
	if (rc) {
		free(s);
		return rc;
	}
	*ret_source = s;
	return 0;
}

void rf_net_source_put(struct rf_net *net, struct rf_net_source *source)
{
	if (!source || --source->streams)
		return;
	rf_table_del(&net->sources, &source->node);
	free(source);
}
