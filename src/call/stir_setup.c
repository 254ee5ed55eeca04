#include "call/stir_int.h"

#include "pki/stir_store.h"

#include <stdlib.h>

struct loading {
	struct rf_stir_setup *setup;
	struct rf_wall now;
	const struct rf_log *log;
	size_t cap;
};

static int take_known(void *arg, struct rf_view url, struct rf_view pem)
{
	struct loading *l = arg;
	struct rf_stir_setup *s = l->setup;
	struct rf_stir_known one;
	struct rf_diag diag = { 0 };

	if (rf_stir_cert_new(pem, s->trust, l->now, &one.cert, &diag)) {
		rf_log(l->log, RF_LOG_WARN, "the certificate kept for %.*s is not used: %s", RF_VFMT(url), diag.text);
		return 0;
	}
	if (s->known_count == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 16;
		struct rf_stir_known *more = realloc(s->known, cap * sizeof *more);

		if (more)
			s->known = more;
		l->cap = more ? cap : l->cap;
	}
	if (s->known_count == l->cap || rf_view_dup(&s->texts, url, &one.url)) {
		rf_stir_cert_free(one.cert);
		return -ENOMEM;
	}
	s->known[s->known_count++] = one;
	return 0;
}

static int copy_list(struct rf_arena *a, const struct rf_view *from, size_t n, struct rf_view **ret_list, size_t *ret_n)
{
	*ret_list = n ? rf_arena_array(a, n, sizeof **ret_list) : NULL;
	if (n && !*ret_list)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (rf_view_dup(a, from[i], &(*ret_list)[i]))
			return -ENOMEM;
	*ret_n = n;
	return 0;
}

int rf_stir_setup_new(const struct rf_stir_setup_conf *conf, struct rf_wall now, const struct rf_log *log,
		      struct rf_stir_setup **ret_setup, struct rf_diag *diag)
{
	struct rf_stir_setup *s = calloc(1, sizeof *s);
	struct loading loading = { .setup = s, .now = now, .log = log };

	if (!s && conf->sign_gone)
		conf->sign_gone(conf->sign_arg);
	if (!s)
		return rf_diag_set(diag, -ENOMEM, "caller identity: out of memory");
	atomic_init(&s->references, 1);
	rf_arena_init(&s->texts, 2 << 20);
	s->sign = conf->sign;
	s->sign_arg = conf->sign_arg;
	s->sign_gone = conf->sign_gone;
	int rc = conf->trust_file ? rf_stir_trust_load(conf->trust_file, &s->trust, diag) : 0;

	if (!rc && (copy_list(&s->texts, conf->hosts, conf->host_count, &s->hosts, &s->host_count) ||
		    copy_list(&s->texts, conf->providers, conf->provider_count, &s->providers, &s->provider_count) ||
		    rf_view_dup(&s->texts, conf->x5u, &s->x5u)))
		rc = rf_diag_set(diag, -ENOMEM, "caller identity: out of memory");
	if (!rc && s->trust)
		rc = rf_stir_store_each(conf->dir, take_known, &loading, diag);
	if (rc) {
		rf_stir_setup_put(s);
		return rc;
	}
	*ret_setup = s;
	return 0;
}

struct rf_stir_setup *rf_stir_setup_get(struct rf_stir_setup *s)
{
	if (s)
		atomic_fetch_add_explicit(&s->references, 1, memory_order_relaxed);
	return s;
}

void rf_stir_setup_put(struct rf_stir_setup *s)
{
	if (!s || atomic_fetch_sub_explicit(&s->references, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < s->known_count; i++)
		rf_stir_cert_free(s->known[i].cert);
	free(s->known);
	rf_stir_trust_put(s->trust);
	if (s->sign_gone)
		s->sign_gone(s->sign_arg);
	rf_arena_fini(&s->texts);
	free(s);
}
