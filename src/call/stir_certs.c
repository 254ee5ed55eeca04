/* Where a core finds the certificate behind a URL: in the site's store, among those that it has fetched, or, on its
 * way, from the fetcher's process. What comes from there is believed no more than any stranger's bytes. */
#include "call/stir_int.h"
#include "sip/identity_hdr.h"

#include <stdlib.h>
#include <sys/socket.h>

static bool allowed(const struct rf_stir_setup *setup, struct rf_view url)
{
	struct rf_view host;

	if (rf_identity_info_host(url, &host))
		return false;
	for (size_t i = 0; i < setup->host_count; i++)
		if (rf_view_eq_nocase(setup->hosts[i], host))
			return true;
	return false;
}

static struct rf_mono after_s(const struct rf_stir *s, uint64_t seconds)
{
	return rf_mono_add_ms(rf_core_now(s->core), seconds * 1000);
}

/* ---- the cache */

static void drop(struct rf_stir *s, size_t i)
{
	rf_stir_cert_free(s->cache[i].cert);
	free(s->cache[i].url);
	s->cache[i] = s->cache[--s->cache_n];
}

static struct rf_stir_cached *cached(struct rf_stir *s, struct rf_view url)
{
	uint64_t hash = rf_hash(&s->core->hash_key, url);

	for (size_t i = 0; i < s->cache_n; i++) {
		struct rf_stir_cached *c = &s->cache[i];

		if (c->hash != hash || !rf_view_eq(rf_view_of(c->url, c->url_n), url))
			continue;
		if (rf_core_now(s->core).us < c->until.us &&
		    (!c->cert || rf_stir_cert_current(c->cert, rf_core_wall(s->core)))) {
			c->used = rf_core_now(s->core);
			return c;
		}
		drop(s, i);
		return NULL;
	}
	return NULL;
}

/* At the cap the one that was not used for the longest time gives way. */
static void keep(struct rf_stir *s, struct rf_view url, struct rf_stir_cert *cert, enum rf_stir_why why)
{
	uint8_t *copy = malloc(url.n);
	size_t oldest = 0;

	if (!s->cache)
		s->cache = calloc(RF_STIR_CACHE_MAX, sizeof *s->cache);
	if (!copy || !s->cache) {
		free(copy);
		rf_stir_cert_free(cert);
		return;
	}
	if (s->cache_n == RF_STIR_CACHE_MAX) {
		for (size_t i = 1; i < s->cache_n; i++)
			if (s->cache[i].used.us < s->cache[oldest].used.us)
				oldest = i;
		drop(s, oldest);
	}
	memcpy(copy, url.p, url.n);
	s->cache[s->cache_n++] = (struct rf_stir_cached){
		.hash = rf_hash(&s->core->hash_key, url), .url = copy, .url_n = url.n, .cert = cert, .why = why,
		.until = after_s(s, cert ? RF_STIR_KEEP_S : RF_STIR_RETRY_S), .used = rf_core_now(s->core),
	};
}

void rf_stir_certs_forget(struct rf_stir *s)
{
	while (s->cache_n)
		drop(s, s->cache_n - 1);
}

/* ---- asking */

static struct rf_stir_want *want_of(struct rf_stir *s, struct rf_view url)
{
	struct rf_stir_want *w;

	TAILQ_FOREACH(w, &s->wants, list)
		if (rf_view_eq(rf_view_of(w->url, w->url_n), url))
			return w;
	return NULL;
}

static void free_want(struct rf_stir *s, struct rf_stir_want *w)
{
	TAILQ_REMOVE(&s->wants, w, list);
	s->wants_n--;
	free(w);
}

/* Questions that were never answered, and that nobody waits for any more. */
static void clear_old(struct rf_stir *s)
{
	struct rf_stir_want *w, *next;

	for (w = TAILQ_FIRST(&s->wants); w; w = next) {
		next = TAILQ_NEXT(w, list);
		if (TAILQ_EMPTY(&w->checks) && w->until.us < rf_core_now(s->core).us)
			free_want(s, w);
	}
}

static enum rf_stir_why send_question(struct rf_stir *s, struct rf_stir_want *w)
{
	uint8_t question[RF_FETCH_HEAD + RF_FETCH_URL_MAX] = { RF_FETCH_QUESTION };

	w->id = ++s->next_id;
	w->until = after_s(s, RF_STIR_RETRY_S);
	for (int i = 0; i < 4; i++)
		question[4 + i] = (uint8_t)(w->id >> (24 - 8 * i));
	memcpy(question + RF_FETCH_HEAD, w->url, w->url_n);
	if (send(s->fd, question, RF_FETCH_HEAD + w->url_n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return errno == EAGAIN ? RF_STIR_BUSY : RF_STIR_FETCH;
	return RF_STIR_OK;
}

/* On its way already, or asked for now; asked for again when the answer never came. */
static enum rf_stir_why ask(struct rf_stir *s, struct rf_view url)
{
	struct rf_stir_want *w = want_of(s, url);

	if (s->fd < 0)
		return RF_STIR_FETCH;
	if (w)
		return w->until.us < rf_core_now(s->core).us ? send_question(s, w) : RF_STIR_OK;
	if (s->wants_n == RF_STIR_WANTS_MAX)
		clear_old(s);
	if (s->wants_n == RF_STIR_WANTS_MAX || url.n > RF_FETCH_URL_MAX || !(w = calloc(1, sizeof *w)))
		return RF_STIR_BUSY;
	TAILQ_INIT(&w->checks);
	w->url_n = url.n;
	memcpy(w->url, url.p, url.n);
	TAILQ_INSERT_TAIL(&s->wants, w, list);
	s->wants_n++;
	enum rf_stir_why why = send_question(s, w);

	if (why)
		free_want(s, w);
	return why;
}

enum rf_stir_why rf_stir_cert_at(struct rf_stir *s, struct rf_view url, const struct rf_stir_cert **ret_cert)
{
	const struct rf_stir_setup *setup = s->setup;

	*ret_cert = NULL;
	for (size_t i = 0; i < setup->known_count; i++)
		if (rf_view_eq(setup->known[i].url, url)) {
			*ret_cert = setup->known[i].cert;
			return RF_STIR_OK;
		}
	if (!allowed(setup, url))
		return RF_STIR_INFO;
	struct rf_stir_cached *c = cached(s, url);

	if (c) {
		*ret_cert = c->cert;
		return c->cert ? RF_STIR_OK : c->why;
	}
	return ask(s, url);
}

void rf_stir_wait(struct rf_stir *s, struct rf_view url, struct rf_stir_check *check)
{
	check->want = want_of(s, url);
	TAILQ_INSERT_TAIL(&check->want->checks, check, list);
}

/* ---- answers */

static void resolve(struct rf_stir *s, struct rf_stir_want *w, bool there, struct rf_view bytes)
{
	struct rf_view url = rf_view_of(w->url, w->url_n);
	struct rf_stir_cert *cert = NULL;
	enum rf_stir_why why = RF_STIR_FETCH;
	struct rf_stir_check *check;

	if (there && s->setup && s->setup->trust)
		why = rf_stir_cert_new(bytes, s->setup->trust, rf_core_wall(s->core), &cert, NULL) ?
			      RF_STIR_CERTIFICATE :
			      RF_STIR_OK;
	keep(s, url, cert, why);
	/* What is told may do anything, a reload among it: each looks for the certificate again. */
	while ((check = TAILQ_FIRST(&w->checks))) {
		struct rf_stir_cached *c = cached(s, url);

		rf_stir_finish(check, c && c->cert ? rf_stir_judge(s, c->cert, &check->e) : c ? c->why : RF_STIR_FETCH);
	}
	free_want(s, w);
}

/* Its process is gone: what waits runs into its time, and what was fetched stays good. */
static void drop_fetcher(struct rf_stir *s)
{
	struct rf_event e;

	rf_log(s->core->log, RF_LOG_ERROR,
	       "the fetcher has ended: no new certificate of a caller outside until a restart");
	rf_event_init(&e, RF_EVENT_FAULT, rf_core_wall(s->core));
	rf_event_cstr(&e, "what", "fetcher");
	rf_event_cstr(&e, "why", "the fetcher has ended");
	rf_record_post(s->core, &e);
	rf_watch_free(s->watch);
	s->watch = NULL;
	s->fd = -1;
}

static void readable(void *arg, unsigned events)
{
	struct rf_stir *s = arg;
	ssize_t n = recv(s->fd, s->in, sizeof s->in, MSG_DONTWAIT | MSG_TRUNC);
	struct rf_stir_want *w;

	(void)events;
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		drop_fetcher(s);
	if (n < RF_FETCH_HEAD || (size_t)n > sizeof s->in || s->in[0] != RF_FETCH_ANSWER)
		return;
	uint32_t id = (uint32_t)s->in[4] << 24 | (uint32_t)s->in[5] << 16 | (uint32_t)s->in[6] << 8 | s->in[7];

	TAILQ_FOREACH(w, &s->wants, list)
		if (w->id == id) {
			resolve(s, w, s->in[1] == 0, rf_view_of(s->in + RF_FETCH_HEAD, (size_t)n - RF_FETCH_HEAD));
			return;
		}
}

int rf_stir_certs_open(struct rf_stir *s, int fd)
{
	s->fd = fd;
	if (fd < 0)
		return 0;
	int rc = rf_watch_new(s->core->loop, fd, readable, s, &s->watch);

	return rc ? rc : rf_watch_set(s->watch, RF_WATCH_READ);
}

void rf_stir_certs_close(struct rf_stir *s)
{
	struct rf_stir_want *w;

	rf_stir_certs_forget(s);
	free(s->cache);
	while ((w = TAILQ_FIRST(&s->wants))) {
		while (!TAILQ_EMPTY(&w->checks))
			rf_stir_drop(TAILQ_FIRST(&w->checks));
		free_want(s, w);
	}
	rf_watch_free(s->watch);
}
