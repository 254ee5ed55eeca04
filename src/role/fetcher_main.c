/* The fetcher's own side: a few threads for each channel, each reads a question, fetches, and answers. */
#include "role/fetcher.h"

#include "base/clock.h"
#include "call/stir_wire.h"
#include "role/fetcher_http.h"
#include "sip/identity_hdr.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST_FD = 3, FIXED_ARGS = 6, STACK_BYTES = 512 * 1024 };

struct fetcher {
	SSL_CTX *ctx;
	struct rf_clock clock;
	char *const *hosts;
	size_t host_count;
	atomic_ullong second; /* of the monotonic clock, and below it how many fetches in it: 16 bits */
};

struct server {
	struct fetcher *f;
	int fd;
};

static bool allowed(const struct fetcher *f, struct rf_view url)
{
	struct rf_view host;

	if (rf_identity_info_host(url, &host))
		return false;
	for (size_t i = 0; i < f->host_count; i++)
		if (rf_view_eq_nocase(host, rf_view_str(f->hosts[i])))
			return true;
	return false;
}

static bool over_rate(struct fetcher *f)
{
	unsigned long long now = f->clock.mono(f->clock.ctx).us / 1000000 << 16, old = atomic_load(&f->second), next;

	do
		next = old >> 16 == now >> 16 ? old + 1 : now + 1;
	while (!atomic_compare_exchange_weak(&f->second, &old, next));
	return (next & 0xffff) > RF_FETCHER_RATE;
}

static void *serve(void *arg)
{
	struct server *s = arg;
	uint8_t question[RF_FETCH_HEAD + RF_FETCH_URL_MAX + 1], answer[RF_FETCH_HEAD + RF_FETCH_BODY_MAX];

	for (;;) {
		ssize_t n = recv(s->fd, question, sizeof question, 0);
		size_t body = 0;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			_exit(0); /* the controller is gone */
		if (n <= RF_FETCH_HEAD || (size_t)n == sizeof question || question[0] != RF_FETCH_QUESTION)
			continue;
		struct rf_view url = rf_view_of(question + RF_FETCH_HEAD, (size_t)n - RF_FETCH_HEAD);
		bool had = allowed(s->f, url) && !over_rate(s->f) &&
			   rf_fetch_https(s->f->ctx, url, RF_FETCHER_MS, answer + RF_FETCH_HEAD, RF_FETCH_BODY_MAX,
					  &body) == 0;

		memset(answer, 0, RF_FETCH_HEAD);
		memcpy(answer + 4, question + 4, 4);
		answer[0] = RF_FETCH_ANSWER;
		answer[1] = !had;
		if (send(s->fd, answer, RF_FETCH_HEAD + (had ? body : 0), MSG_NOSIGNAL) < 0)
			_exit(0);
	}
}

static int make_context(struct fetcher *f, const char *ca, struct rf_diag *diag)
{
	f->ctx = SSL_CTX_new(TLS_client_method());
	if (!f->ctx || SSL_CTX_set_min_proto_version(f->ctx, TLS1_2_VERSION) != 1)
		return rf_diag_set(diag, RF_E_CRYPTO, "OpenSSL cannot be used");
	if (SSL_CTX_load_verify_file(f->ctx, ca) != 1)
		return rf_diag_set(diag, RF_E_INVALID,
				   "%s holds no certificates of authorities: install ca-certificates, or name "
				   "another file in stir.fetch_ca",
				   ca);
	SSL_CTX_set_verify(f->ctx, SSL_VERIFY_PEER, NULL);
	return 0;
}

static int confine(char **argv, struct rf_diag *diag)
{
	static const struct rf_sandbox_path paths[] = {
		{ "/etc/resolv.conf", RF_SANDBOX_READ, false }, { "/run/systemd/resolve", RF_SANDBOX_READ, false },
		{ "/etc/hosts", RF_SANDBOX_READ, false }, { "/etc/nsswitch.conf", RF_SANDBOX_READ, false },
		{ "/etc/host.conf", RF_SANDBOX_READ, false }, { "/etc/gai.conf", RF_SANDBOX_READ, false },
	};
	struct rf_sandbox_landlock ll = { .fd = -1 };
	struct rf_sandbox_user user = { 0 };
	bool on;
	int rc = rf_sandbox_landlock_open(paths, sizeof paths / sizeof *paths, &ll, diag);

	if (argv[2][0] != '-')
		user = (struct rf_sandbox_user){ (uid_t)strtoul(argv[2], NULL, 10), (gid_t)strtoul(argv[3], NULL, 10) };
	if (rc && rc != RF_E_UNSUPPORTED)
		return rc;
	rc = rf_sandbox_drop_user(argv[2][0] != '-' ? &user : NULL, diag);
	if (!rc)
		rc = rf_sandbox_no_new_privileges(diag);
	if (!rc && ll.abi)
		rc = rf_sandbox_landlock_apply(&ll, diag);
	return rc ? rc : rf_sandbox_syscalls(RF_SANDBOX_FETCHER, &on, diag);
}

static int start_threads(struct fetcher *f, struct server *servers, unsigned channels, struct rf_diag *diag)
{
	pthread_attr_t attr;
	int rc = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	for (unsigned i = 0; !rc && i < channels; i++) {
		servers[i] = (struct server){ .f = f, .fd = FIRST_FD + (int)i };
		for (unsigned k = 0; !rc && k < RF_FETCHER_AT_ONCE - (i == 0); k++) {
			pthread_t t;

			rc = pthread_create(&t, &attr, serve, &servers[i]);
		}
	}
	pthread_attr_destroy(&attr);
	return rc ? rf_diag_set(diag, -rc, "a thread: %s", strerror(rc)) : 0;
}

int rf_fetcher_main(int argc, char **argv)
{
	struct server servers[RF_FETCHER_CHANNELS_MAX];
	struct fetcher f = { .clock = rf_clock_system() };
	unsigned long channels = argc > FIXED_ARGS ? strtoul(argv[4], NULL, 10) : 0;
	struct rf_diag diag = { 0 };
	struct stat st;

	if (channels < 1 || channels > RF_FETCHER_CHANNELS_MAX || fstat(FIRST_FD, &st) < 0 || !S_ISSOCK(st.st_mode)) {
		fprintf(stderr, "ringfort: %s is started by the controller\n", RF_FETCHER_ROLE);
		return 2;
	}
	signal(SIGINT, SIG_IGN); /* it ends when its channels do */
	signal(SIGHUP, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	prctl(PR_SET_NAME, "ringfort-fetch", 0, 0, 0);
	f.hosts = argv + FIXED_ARGS;
	f.host_count = (size_t)(argc - FIXED_ARGS);
	int rc = make_context(&f, argv[5], &diag);

	if (!rc)
		rc = confine(argv, &diag);
	if (!rc)
		rc = start_threads(&f, servers, (unsigned)channels, &diag);
	if (send(FIRST_FD, diag.text, rc ? strlen(diag.text) : 1, MSG_NOSIGNAL) < 0 || rc) {
		SSL_CTX_free(f.ctx);
		return 1;
	}
	serve(&servers[0]);
	return 0;
}
