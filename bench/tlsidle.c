/* What an idle TLS connection costs the server in memory, and a message over one in processor time.
 *
 *	tlsidle [CONNECTIONS [MESSAGES]]        default 2000 and 200000
 *
 * A child process opens CONNECTIONS connections with client certificates (TLS 1.3, P-384) to a listener of src/net in
 * this process and keeps them open; then it sends MESSAGES messages of 600 bytes over them in turn, each answered with
 * 400. Resident size is read from /proc/self/statm before and after; what OpenSSL holds is counted through its own
 * memory functions, the whole heap by mallinfo2(). */
#include "../tests/unit/net/kit.h"

#include "pki/id.h"

#include <openssl/crypto.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REQUEST = 600, ANSWER = 400 };

/* OpenSSL's memory functions take no argument of ours. */
static size_t ssl_bytes, ssl_blocks;

static void *count_malloc(size_t n, const char *file, int line)
{
	void *p = malloc(n);

	(void)file;
	(void)line;
	ssl_bytes += p ? malloc_usable_size(p) + sizeof(size_t) : 0;
	ssl_blocks += p != NULL;
	return p;
}

static void count_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	ssl_bytes -= p ? malloc_usable_size(p) + sizeof(size_t) : 0;
	ssl_blocks -= p != NULL;
	free(p);
}

static void *count_realloc(void *p, size_t n, const char *file, int line)
{
	if (!p)
		return count_malloc(n, file, line);
	ssl_bytes -= malloc_usable_size(p) + sizeof(size_t);
	p = realloc(p, n);
	ssl_bytes += p ? malloc_usable_size(p) + sizeof(size_t) : 0;
	return p;
}

struct bench {
	unsigned open, want;
	unsigned long messages, want_messages;
};

static void on_accept(struct rf_stream *s, void *arg)
{
	rf_stream_set_arg(s, arg);
}

static void on_open(struct rf_stream *s, const struct rf_pki_id *peer)
{
	struct bench *b = rf_stream_arg(s);

	if (!peer || !peer->uri[0])
		abort();
	b->open++;
}

static size_t on_data(struct rf_stream *s, struct rf_view bytes)
{
	static const char answer[ANSWER];
	struct bench *b = rf_stream_arg(s);
	size_t used = 0;

	for (; bytes.n - used >= REQUEST; used += REQUEST) {
		rf_stream_send(s, rf_view_of(answer, sizeof answer));
		b->messages++;
	}
	return used;
}

static void on_closed(struct rf_stream *s, const struct rf_stream_end *end)
{
	(void)s;
	if (end->why != RF_WHY_PEER)
		fprintf(stderr, "closed: %s: %s\n", rf_stream_why_name(end->why), end->text);
}

static const struct rf_stream_ops ops = { on_accept, on_open, on_data, on_closed };

static size_t resident(void)
{
	unsigned long pages = 0, all;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%lu %lu", &all, &pages) != 2)
		abort();
	fclose(f);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static double cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)u.ru_utime.tv_sec * 1e6 + (double)u.ru_utime.tv_usec + (double)u.ru_stime.tv_sec * 1e6 +
	       (double)u.ru_stime.tv_usec;
}

static void must(int ok)
{
	if (!ok)
		abort();
}

static int dial(const struct rf_addr *addr)
{
	struct sockaddr_storage sa;
	socklen_t len = (socklen_t)rf_addr_to_sockaddr(addr, &sa);
	int fd = socket(sa.ss_family, SOCK_STREAM, 0);

	must(fd >= 0 && connect(fd, (const struct sockaddr *)&sa, len) == 0);
	return fd;
}

static void clients(const struct rf_addr *addr, const struct kit_cert *phone, unsigned n, unsigned long messages,
		    int go)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL **ssl = calloc(n, sizeof *ssl);
	char bytes[REQUEST] = "", back[ANSWER];

	must(SSL_CTX_use_certificate(ctx, phone->cert) == 1 && SSL_CTX_use_PrivateKey(ctx, phone->key) == 1);
	for (unsigned i = 0; i < n; i++) {
		ssl[i] = SSL_new(ctx);
		SSL_set_fd(ssl[i], dial(addr));
		must(SSL_connect(ssl[i]) == 1);
	}
	must(read(go, back, 1) == 1);
	for (unsigned long sent = 0; sent < messages; sent++) {
		SSL *s = ssl[sent % n];

		must(SSL_write(s, bytes, sizeof bytes) == (int)sizeof bytes);
		for (int got = 0; got < ANSWER;) {
			int rc = SSL_read(s, back, ANSWER - got);

			must(rc > 0);
			got += rc;
		}
	}
	must(read(go, back, 1) == 1);
	_exit(0);
}

int main(int argc, char **argv)
{
	struct bench b = { .want = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 2000,
			   .want_messages = argc > 2 ? strtoul(argv[2], NULL, 10) : 200000 };
	struct rf_loop *loop;
	struct rf_net *net;
	struct rf_listener *listener;
	struct rf_listener_conf l = { .ops = &ops, .arg = &b, .handshake_ms = 60000 };
	int go[2];

	must(CRYPTO_set_mem_functions(count_malloc, count_realloc, count_free) == 1);
	struct kit_cert ca = kit_make((struct kit_want){ .cn = "site CA" });
	struct kit_cert server = kit_make((struct kit_want){ .issuer = &ca, .cn = "ctl", .eku = "serverAuth" });
	struct kit_cert phone = kit_make((struct kit_want){ .issuer = &ca, .cn = "1001", .eku = "clientAuth",
		.san = "URI:sip:1001@voice.example.org,URI:urn:uuid:0f5a3d1e-8a52-4cbe-9a3d-0123456789ab" });
	must(rf_loop_new(NULL, &loop) == 0);
	must(rf_net_new(loop, &(struct rf_net_conf){ .streams_per_source = 100000, .handshakes = 100000 }, &net) == 0);
	must(rf_addr_parse(RF_V("127.0.0.1"), 0, &l.local) == 0);
	l.tls = kit_tls(&server, &ca, (struct rf_tls_conf){ .client = RF_TLS_CLIENT_REQUIRED });
	must(rf_listener_new(net, &l, &listener) == 0);
	must(pipe(go) == 0);
	pid_t child = fork();
	if (child == 0)
		clients(rf_listener_local(listener), &phone, b.want, b.want_messages, go[0]);

	/* The first connections warm up what is made once; the others are measured. */
	unsigned warm = b.want / 10;
	while (b.open < warm)
		rf_loop_turn(loop, 10);
	size_t rss = resident(), heap = mallinfo2().uordblks, ssl = ssl_bytes, blocks = ssl_blocks;
	double cpu = cpu_us();
	while (b.open < b.want)
		rf_loop_turn(loop, 10);
	double n = b.want - warm;
	printf("connections measured        %.0f\n", n);
	printf("processor per handshake     %.0f us\n", (cpu_us() - cpu) / n);
	printf("resident per connection     %.0f bytes\n", (double)(resident() - rss) / n);
	printf("heap per connection         %.0f bytes\n", (double)(mallinfo2().uordblks - heap) / n);
	printf("of it OpenSSL's             %.0f bytes in %.0f blocks\n", (double)(ssl_bytes - ssl) / n,
	       (double)(ssl_blocks - blocks) / n);
	fflush(stdout);

	cpu = cpu_us();
	must(write(go[1], "", 1) == 1);
	while (b.messages < b.want_messages)
		rf_loop_turn(loop, 10);
	printf("processor per message       %.2f us (request %d bytes in, answer %d bytes out, one at a time)\n",
	       (cpu_us() - cpu) / (double)b.messages, REQUEST, ANSWER);
	rf_loop_turn(loop, 10);
	printf("resident per connection     %.0f bytes after that\n", (double)(resident() - rss) / n);
	must(write(go[1], "", 1) == 1);
	waitpid(child, NULL, 0);
	return 0;
}
