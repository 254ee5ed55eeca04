/* Both ends of the NG protocol for test_ng.py, on 127.0.0.1.
 *
 *	ng_peer serve PORT PATH     the relay's server by UDP and TCP on PORT and on the Unix socket PATH, with no relay
 *	behind it:
 *	                            descriptions come back as they are. Prints each request as JSON, then its warning,
 *	                            on one line
 *	ng_peer ask PORT...         the border's client, with these relays. Reads lines from its input:
 *	                            COMMAND CALL-ID FROM-TAG TO-TAG RTP-PORT ("-": none, 0: no description), prints "ok
 *	                            RELAY ...", "error RELAY WHY", "failed CODE" for each, and "well RELAY", "dead
 *	                            RELAY"
 * Both end with their input. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "media/ng_client.h"
#include "media/ng_server.h"
#include "media/ng_words.h"
#include "net/udp.h"

struct peer {
	struct rf_loop *loop;
	struct rf_net *net;
	struct rf_ng_server *server;
	struct rf_ng_client *client;
	struct rf_udp *udp;
	struct rf_addr relays[RF_NG_RELAYS_MAX];
	unsigned n_relays;
	char line[1024];
	size_t line_n;
};

static void must(int err, const char *what)
{
	if (err == 0)
		return;
	fprintf(stderr, "%s: %s\n", what, rf_err_text(err));
	exit(3);
}

static struct rf_addr here(unsigned port)
{
	struct rf_addr a;

	must(rf_addr_parse(RF_V("127.0.0.1"), (uint16_t)port, &a), "address");
	return a;
}

/* ---- serve */

static void print_request(const struct rf_ng_request *req)
{
	static uint8_t buf[4 * RF_NG_BYTES_MAX];
	struct rf_ng_request q = *req;
	struct rf_writer w;

	q.encoding = RF_NG_JSON;
	rf_writer_init(&w, buf, sizeof buf);
	rf_ng_request_put(&w, &q);
	printf("%.*s warning: %.*s\n", (int)w.n, (const char *)buf, (int)req->notes->n, req->notes->text);
	fflush(stdout);
}

static void on_request(void *arg, struct rf_ng_ask *ask)
{
	static uint8_t buf[RF_NG_BYTES_MAX];
	struct rf_ng_request *req = rf_ng_ask_request(ask);
	const struct rf_ng_stats_tag tag = { .tag = RF_V("a"), .created = 1 };
	const struct rf_ng_stats_call call = { .created = 7, .tags = &tag, .n_tags = 1, .rtp = { 5, 6, 0 } };
	struct rf_writer w;

	(void)arg;
	print_request(req);
	rf_writer_init(&w, buf, sizeof buf);
	if (req->command == RF_NG_QUERY || req->command == RF_NG_DELETE)
		rf_ng_reply_call(&w, req, &call);
	else if (req->command == RF_NG_LISTING)
		rf_ng_reply_list(&w, req, &(struct rf_view){ (const uint8_t *)"c1", 2 }, 1);
	else if (req->command == RF_NG_STATISTICS)
		rf_ng_reply_statistics(&w, req, &(struct rf_ng_stats_relay){ .sessions = 3 });
	else
		rf_ng_reply_answer(&w, req, &(struct rf_ng_answer){ .sdp = req->sdp });
	rf_ng_ask_answer(ask, rf_view_of(buf, w.n));
}

static const struct rf_ng_server_ops server_ops = { .on_request = on_request };

static void serve(struct peer *p, unsigned port, const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct rf_addr local = here(port);

	must(rf_ng_server_new(&(struct rf_ng_server_conf){ .net = p->net, .ops = &server_ops, .arg = p }, &p->server),
	     "server");
	must(rf_ng_server_udp(p->server, &local, NULL), "udp");
	must(rf_ng_server_tcp(p->server, &local, NULL, NULL), "tcp");
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path);
	must(bind(fd, (const struct sockaddr *)&sa, sizeof sa) || listen(fd, 16) ? -errno : 0, path);
	must(rf_ng_server_unix_fd(p->server, fd), "unix");
}

/* ---- ask */

static void send_to(void *arg, unsigned relay, struct rf_view bytes)
{
	struct peer *p = arg;

	rf_udp_send(p->udp, bytes, &p->relays[relay], NULL);
}

static void health(void *arg, unsigned relay, bool well)
{
	(void)arg;
	printf("%s %u\n", well ? "well" : "dead", relay);
	fflush(stdout);
}

static const struct rf_ng_client_ops client_ops = { .send = send_to, .health = health };

static void on_datagram(void *arg, struct rf_udp *udp, struct rf_view bytes, const struct rf_addr *from,
			const struct rf_addr *to)
{
	struct peer *p = arg;

	(void)udp;
	(void)to;
	for (unsigned i = 0; i < p->n_relays; i++)
		if (rf_addr_eq(&p->relays[i], from))
			rf_ng_client_datagram(p->client, i, bytes);
}

static const struct rf_udp_ops udp_ops = { .on_datagram = on_datagram };

static void print_stats(const struct rf_ng_reply *r)
{
	struct rf_ng_stats_call call;
	struct rf_arena a;

	rf_arena_init(&a, RF_NG_ARENA_BYTES);
	if (rf_ng_stats_parse(r->top, &a, &call) == 0)
		printf(" created %lld tags %zu packets %llu streams", (long long)call.created, call.n_tags,
		       (unsigned long long)call.rtp.packets);
	for (size_t t = 0; t < call.n_tags; t++)
		for (size_t m = 0; m < call.tags[t].n_medias; m++)
			for (size_t s = 0; s < call.tags[t].medias[m].n_streams; s++) {
				const struct rf_ng_stats_stream *x = &call.tags[t].medias[m].streams[s];
				char text[RF_ADDR_TEXT];

				printf(" %.*s/%s/%llu", RF_VFMT(call.tags[t].tag), rf_addr_text(&x->endpoint, text),
				       (unsigned long long)x->count.packets);
			}
	rf_arena_fini(&a);
}

static void on_done(void *arg, int err, int relay, const struct rf_ng_reply *r)
{
	(void)arg;
	if (err < 0)
		printf("failed %d", err);
	else if (r->result == RF_NG_ERROR || r->result == RF_NG_LOAD_LIMIT)
		printf("error %d %.*s", relay, RF_VFMT(r->reason));
	else
		printf("ok %d", relay);
	if (err == 0 && r->warning.n)
		printf(" warning %.*s", RF_VFMT(r->warning));
	const uint8_t *m = err == 0 && r->sdp.n ? memmem(r->sdp.p, r->sdp.n, "m=audio ", 8) : NULL;
	if (m)
		printf(" port %ld", strtol((const char *)m + 8, NULL, 10));
	if (err == 0 && rf_ng_get(r->top, "totals"))
		print_stats(r);
	printf("\n");
	fflush(stdout);
}

static void run(struct peer *p, const char *line)
{
	char command[32], call[64], from[64], to[64], sdp[256];
	struct rf_ng_request q = { .replace = RF_NG_REPLACE_ORIGIN | RF_NG_REPLACE_CONNECTION };
	unsigned port;

	if (sscanf(line, "%31s %63s %63s %63s %u", command, call, from, to, &port) != 5)
		exit(2);
	for (unsigned c = 0; c < RF_NG_COMMANDS; c++)
		if (rf_ng_is(rf_view_str(command), rf_ng_command_name((enum rf_ng_command)c)))
			q.command = (enum rf_ng_command)c;
	q.call_id = rf_view_str(call);
	q.from_tag = strcmp(from, "-") ? rf_view_str(from) : q.from_tag;
	q.to_tag = strcmp(to, "-") ? rf_view_str(to) : q.to_tag;
	int n = snprintf(sdp, sizeof sdp, "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
			 "m=audio %u RTP/AVP 8\r\n", port);
	if (port)
		q.sdp = rf_view_of(sdp, (size_t)n);
	int err = rf_ng_client_ask(p->client, &q, RF_NG_ANY, on_done, p);
	if (err < 0)
		on_done(p, err, -1, NULL);
}

static void ask(struct peer *p, int n, char **ports)
{
	struct rf_udp_conf udp = { .local = here(0), .ops = &udp_ops, .arg = p };
	struct rf_ng_client_conf conf = { .wheel = rf_loop_wheel(p->loop),
					  .ops = &client_ops,
					  .arg = p,
					  .n_relays = (unsigned)n,
					  .cookie_key = (uint64_t)getpid(),
					  .ping_ms = 300,
					  .timeout_ms = 1000 };

	p->n_relays = (unsigned)n;
	for (int i = 0; i < n; i++)
		p->relays[i] = here((unsigned)atoi(ports[i]));
	must(rf_udp_new(p->net, &udp, &p->udp), "udp");
	must(rf_ng_client_new(&conf, &p->client), "client");
}

/* ---- both */

static void on_input(void *arg, unsigned events)
{
	struct peer *p = arg;
	ssize_t n = read(0, p->line + p->line_n, sizeof p->line - 1 - p->line_n);
	char *end;

	(void)events;
	if (n <= 0) {
		rf_loop_stop(p->loop);
		return;
	}
	p->line_n += (size_t)n;
	p->line[p->line_n] = 0;
	while ((end = strchr(p->line, '\n'))) {
		*end = 0;
		if (p->client)
			run(p, p->line);
		p->line_n -= (size_t)(end + 1 - p->line);
		memmove(p->line, end + 1, p->line_n + 1);
	}
}

int main(int argc, char **argv)
{
	struct peer p = { .n_relays = 0 };
	struct rf_watch *input;

	must(rf_loop_new(NULL, &p.loop), "loop");
	must(rf_net_new(p.loop, NULL, &p.net), "net");
	if (argc == 4 && strcmp(argv[1], "serve") == 0)
		serve(&p, (unsigned)atoi(argv[2]), argv[3]);
	else if (argc > 2 && argc <= 2 + RF_NG_RELAYS_MAX && strcmp(argv[1], "ask") == 0)
		ask(&p, argc - 2, argv + 2);
	else
		return 2;
	must(rf_watch_new(p.loop, 0, on_input, &p, &input), "input");
	rf_watch_set(input, RF_WATCH_READ);
	printf("ready\n");
	fflush(stdout);
	rf_loop_run(p.loop);
	rf_watch_free(input);
	rf_ng_client_free(p.client);
	rf_udp_free(p.udp);
	rf_ng_server_free(p.server);
	rf_loop_turn(p.loop, 0);
	rf_net_free(p.net);
	rf_loop_free(p.loop);
	return 0;
}
