#include "store/directory.h"

#include "base/arena.h"
#include "base/clean.h"
#include "base/hash.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/table.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { ARENA_MAX = 1024 * 1024 * 1024 };

struct number {
	struct rf_node node;
	struct rf_view number;
	const struct rf_dir_phone **phones;
	const struct rf_dir_user **users;
	size_t phone_count, user_count;
	size_t phone_room, user_room;
};

/* How a name of somebody here reads. */
struct shown {
	struct rf_node node;
	struct rf_view key;
};

struct phone {
	struct rf_node by_name, by_urn;
	struct rf_dir_phone pub;
};

/* H(username:realm) in hex, of one algorithm. */
struct user_hash {
	struct rf_node node;
	const struct rf_dir_user *user;
	enum rf_digest_alg alg;
	char hex[2 * RF_DIGEST_HASH_MAX];
};

struct user {
	struct rf_node by_name;
	struct user_hash hash[RF_DIGEST_ALGS];
	struct rf_dir_user pub;
};

struct cert {
	struct rf_node node;
	uint8_t serial[RF_PKI_SERIAL_MAX], sha256[32];
	uint8_t serial_len;
	bool host, revoked;
	struct rf_view phone;
};

struct rf_directory {
	atomic_uint refs;
	struct rf_site *site;
	struct rf_arena arena;
	struct rf_hash_key key;
	struct rf_table phones, urns, users, hashes, numbers, certs, shown;
	struct phone *phone_v;
	size_t phone_count, user_count, cert_count, revoked_count;
	bool bare;                   /* no database: who the site's authority calls a phone is one */
	struct rf_digest_ha1 *ha1;   /* mapped apart: locked, wiped */
	size_t ha1_bytes;
};

/* --- look-ups */

static struct phone *find_phone(const struct rf_directory *d, struct rf_view name)
{
	for (struct rf_node *n = rf_table_first(&d->phones, rf_hash(&d->key, name)); n; n = rf_table_next(n)) {
		struct phone *p = rf_container(n, struct phone, by_name);

		if (rf_view_eq(p->pub.name, name))
			return p;
	}
	return NULL;
}

const struct rf_dir_phone *rf_directory_phone(const struct rf_directory *d, struct rf_view name)
{
	const struct phone *p = find_phone(d, name);

	return p ? &p->pub : NULL;
}

const struct rf_dir_phone *rf_directory_phone_by_urn(const struct rf_directory *d, struct rf_view urn)
{
	for (struct rf_node *n = rf_table_first(&d->urns, rf_hash_nocase(&d->key, urn)); n; n = rf_table_next(n)) {
		const struct phone *p = rf_container(n, struct phone, by_urn);

		if (rf_view_eq_nocase(rf_view_of(p->pub.urn, RF_SITE_URN - 1), urn))
			return &p->pub;
	}
	return NULL;
}

const struct rf_dir_user *rf_directory_user(const struct rf_directory *d, struct rf_view name)
{
	for (struct rf_node *n = rf_table_first(&d->users, rf_hash(&d->key, name)); n; n = rf_table_next(n)) {
		const struct user *u = rf_container(n, struct user, by_name);

		if (rf_view_eq(u->pub.name, name))
			return &u->pub;
	}
	return NULL;
}

const struct rf_dir_user *rf_directory_user_by_hash(const struct rf_directory *d, enum rf_digest_alg alg,
						    struct rf_view hex)
{
	for (struct rf_node *n = rf_table_first(&d->hashes, rf_hash(&d->key, hex)); n; n = rf_table_next(n)) {
		const struct user_hash *h = rf_container(n, struct user_hash, node);

		if (h->alg == alg && rf_view_eq(rf_view_of(h->hex, 2 * rf_digest_alg_bytes(alg)), hex))
			return h->user;
	}
	return NULL;
}

static struct number *find_number(const struct rf_directory *d, struct rf_view number)
{
	for (struct rf_node *n = rf_table_first(&d->numbers, rf_hash(&d->key, number)); n; n = rf_table_next(n)) {
		struct number *x = rf_container(n, struct number, node);

		if (rf_view_eq(x->number, number))
			return x;
	}
	return NULL;
}

static bool find_shown(const struct rf_directory *d, struct rf_view key)
{
	for (struct rf_node *n = rf_table_first(&d->shown, rf_hash(&d->key, key)); n; n = rf_table_next(n))
		if (rf_view_eq(rf_container(n, struct shown, node)->key, key))
			return true;
	return false;
}

bool rf_directory_is_name(const struct rf_directory *d, struct rf_view text)
{
	uint8_t buf[RF_SITE_TEXT_MAX];
	struct rf_view key = rf_clean_key(text, buf, sizeof buf);

	return key.n && find_shown(d, key);
}

size_t rf_directory_phones_of(const struct rf_directory *d, struct rf_view number,
			      const struct rf_dir_phone *const **ret_list)
{
	const struct number *x = find_number(d, number);

	*ret_list = x ? x->phones : NULL;
	return x ? x->phone_count : 0;
}

size_t rf_directory_users_of(const struct rf_directory *d, struct rf_view number,
			     const struct rf_dir_user *const **ret_list)
{
	const struct number *x = find_number(d, number);

	*ret_list = x ? x->users : NULL;
	return x ? x->user_count : 0;
}

bool rf_directory_number(const struct rf_directory *d, struct rf_view number)
{
	return find_number(d, number) != NULL;
}

static const struct cert *find_cert(const struct rf_directory *d, struct rf_view serial)
{
	for (struct rf_node *n = rf_table_first(&d->certs, rf_hash(&d->key, serial)); n; n = rf_table_next(n)) {
		const struct cert *c = rf_container(n, struct cert, node);

		if (rf_view_eq(rf_view_of(c->serial, c->serial_len), serial))
			return c;
	}
	return NULL;
}

bool rf_directory_revoked(const struct rf_directory *d, struct rf_view serial)
{
	const struct cert *c = find_cert(d, serial);

	return c && c->revoked;
}

const struct rf_site *rf_directory_site(const struct rf_directory *d)
{
	return d->site;
}

void rf_directory_counts(const struct rf_directory *d, struct rf_directory_counts *ret_counts)
{
	*ret_counts = (struct rf_directory_counts){
		.phones = d->phone_count, .users = d->user_count, .certificates = d->cert_count,
		.revoked = d->revoked_count,
	};
}

static int no(int code, const char **ret_why, const char *why)
{
	if (ret_why)
		*ret_why = why;
	return code;
}

/* The certificate names the number that the phone has today. */
static bool names_number(const struct rf_directory *d, const struct rf_dir_phone *p, const char *uri)
{
	struct rf_view v = rf_view_str(uri), domain = d->site->domain;

	return rf_view_starts_nocase(v, RF_V("sip:")) && v.n == 4 + p->number.n + 1 + domain.n &&
	       rf_view_eq(rf_view_sub(v, 4, p->number.n), p->number) && v.p[4 + p->number.n] == '@' &&
	       rf_view_eq_nocase(rf_view_from(v, 4 + p->number.n + 1), domain);
}

static int prove_dates(const struct rf_directory *d, const struct rf_pki_id *id, struct rf_wall now,
		       const struct rf_dir_phone *p, const char **ret_why)
{
	if (now.us / 1000000 < id->not_before_s || now.us / 1000000 > id->not_after_s)
		return no(RF_E_STALE, ret_why, "the certificate is out of its dates");
	if (p->locked)
		return no(RF_E_DENIED, ret_why, "the phone is locked");
	if (!names_number(d, p, id->uri))
		return no(RF_E_DENIED, ret_why, "the certificate is for another number than the phone has");
	return 0;
}

int rf_directory_prove(const struct rf_directory *d, const struct rf_pki_id *id, struct rf_wall now,
		       const struct rf_dir_phone **ret_phone, const char **ret_why)
{
	static const uint8_t own_ca[sizeof id->authority];

	if (!id->present)
		return no(RF_E_AUTH, ret_why, "no client certificate");
	const struct rf_dir_phone *p = rf_directory_phone_by_urn(d, rf_view_str(id->urn));
	if (!p)
		return no(RF_E_NOT_FOUND, ret_why, "the certificate's device is not a phone of this site");
	const struct cert *c = find_cert(d, rf_pki_id_serial(id));
	if (d->bare && memcmp(id->authority, own_ca, sizeof own_ca) != 0)
		return no(RF_E_NOT_FOUND, ret_why, "the certificate was not issued by this site");
	if (!d->bare &&
	    (!c || c->host || memcmp(c->sha256, id->sha256, sizeof c->sha256) != 0 || !rf_view_eq(c->phone, p->name)))
		return no(RF_E_NOT_FOUND, ret_why, "the certificate was not issued by this site for this phone");
	if (c && c->revoked)
		return no(RF_E_STALE, ret_why, "the certificate is revoked");
	int rc = prove_dates(d, id, now, p, ret_why);

	if (rc == 0)
		*ret_phone = p;
	return rc;
}

/* --- building */

static struct number *make_number(struct rf_directory *d, struct rf_view number)
{
	struct number *x = find_number(d, number);

	if (x)
		return x;
	x = rf_arena_zalloc(&d->arena, sizeof *x);
	if (!x)
		return NULL;
	x->number = number;
	return rf_table_add(&d->numbers, &x->node, rf_hash(&d->key, number)) ? NULL : x;
}

/* Room for one more pointer: the old list stays in the arena, which is at most as much again. */
static void *grow(struct rf_directory *d, const void *old, size_t n, size_t *room)
{
	size_t want = *room ? *room * 2 : 1;
	void **v = rf_arena_array(&d->arena, want, sizeof *v);

	if (v && n)
		memcpy(v, old, n * sizeof *v);
	if (v)
		*room = want;
	return v;
}

static int add_shown(struct rf_directory *d, struct rf_view name)
{
	uint8_t buf[RF_SITE_TEXT_MAX];
	struct rf_view key = rf_clean_key(name, buf, sizeof buf);

	if (key.n == 0 || find_shown(d, key))
		return 0;
	struct shown *s = rf_arena_zalloc(&d->arena, sizeof *s);

	if (!s || rf_view_dup(&d->arena, key, &s->key))
		return -ENOMEM;
	return rf_table_add(&d->shown, &s->node, rf_hash(&d->key, key));
}

static int number_phone(struct rf_directory *d, const struct rf_dir_phone *p)
{
	struct number *x = make_number(d, p->number);

	if (x && x->phone_count == x->phone_room) {
		void *v = grow(d, x->phones, x->phone_count, &x->phone_room);

		if (!v)
			return -ENOMEM;
		x->phones = v;
	}
	if (!x)
		return -ENOMEM;
	x->phones[x->phone_count++] = p;
	return 0;
}

static int number_user(struct rf_directory *d, const struct rf_dir_user *u)
{
	struct number *x = make_number(d, u->number);

	if (x && x->user_count == x->user_room) {
		void *v = grow(d, x->users, x->user_count, &x->user_room);

		if (!v)
			return -ENOMEM;
		x->users = v;
	}
	if (!x)
		return -ENOMEM;
	x->users[x->user_count++] = u;
	return 0;
}

static int add_phones(struct rf_directory *d)
{
	const struct rf_site *s = d->site;
	int rc = 0;

	d->phone_v = rf_arena_array(&d->arena, s->phone_count, sizeof *d->phone_v);
	if (!d->phone_v)
		return -ENOMEM;
	for (size_t i = 0; rc == 0 && i < s->phone_count; i++) {
		struct phone *p = &d->phone_v[i];

		p->pub.site = &s->phones[i];
		p->pub.name = s->phones[i].name;
		p->pub.number = s->phones[i].number;
		rf_site_urn(s, p->pub.name, p->pub.urn);
		rc = rf_table_add(&d->phones, &p->by_name, rf_hash(&d->key, p->pub.name));
		if (rc == 0)
			rc = rf_table_add(&d->urns, &p->by_urn,
					  rf_hash_nocase(&d->key, rf_view_of(p->pub.urn, RF_SITE_URN - 1)));
		if (rc == 0)
			rc = number_phone(d, &p->pub);
		if (rc == 0)
			rc = add_shown(d, p->pub.site->label);
		if (rc == 0)
			rc = add_shown(d, p->pub.name);
	}
	d->phone_count = s->phone_count;
	return rc;
}

static int count_user(void *ctx, const struct rf_store_user *u)
{
	(void)u;
	++*(size_t *)ctx;
	return 0;
}

/* A map of its own for the hashes: locked against swapping where the limit permits, never dumped. */
static int map_ha1(struct rf_directory *d, size_t users)
{
	size_t bytes = (users ? users : 1) * RF_DIGEST_ALGS * sizeof *d->ha1;
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	d->ha1 = p;
	d->ha1_bytes = bytes;
	(void)madvise(p, bytes, MADV_DONTDUMP);
	(void)mlock(p, bytes);
	return 0;
}

struct add_user {
	struct rf_directory *d;
	struct rf_digest_ctx *digest;
	size_t most;
};

static int hash_user(struct rf_directory *d, struct rf_digest_ctx *digest, struct user *u)
{
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < RF_DIGEST_ALGS; i++) {
		struct user_hash *h = &u->hash[i];

		if (!(u->pub.algs & RF_DIGEST_BIT(i)))
			continue;
		h->user = &u->pub;
		h->alg = (enum rf_digest_alg)i;
		rc = rf_digest_userhash(digest, h->alg, u->pub.name, d->site->domain, h->hex);
		if (rc == 0)
			rc = rf_table_add(&d->hashes, &h->node,
					  rf_hash(&d->key, rf_view_of(h->hex, 2 * rf_digest_alg_bytes(h->alg))));
	}
	return rc;
}

static int add_user(void *ctx, const struct rf_store_user *from)
{
	struct add_user *a = ctx;
	struct rf_directory *d = a->d;
	struct rf_digest_ha1 *ha1 = d->ha1 + d->user_count * RF_DIGEST_ALGS;

	if (d->user_count == a->most)
		return RF_E_BUSY; /* one came in between counting and reading: build again */
	struct user *u = rf_arena_zalloc(&d->arena, sizeof *u);
	if (!u || rf_view_dup(&d->arena, from->name, &u->pub.name) ||
	    rf_view_dup(&d->arena, from->number, &u->pub.number) ||
	    rf_view_dup(&d->arena, from->class_name, &u->pub.class_name) ||
	    rf_view_dup(&d->arena, from->precedence, &u->pub.precedence))
		return -ENOMEM;
	u->pub.cos = from->class_name.n ? rf_site_cos(d->site, from->class_name) : NULL;
	u->pub.class_until_s = from->class_until_s;
	memcpy(ha1, from->ha1, sizeof from->ha1);
	u->pub.locked = from->locked;
	u->pub.algs = from->algs;
	u->pub.ha1 = ha1;
	d->user_count++;
	int rc = rf_table_add(&d->users, &u->by_name, rf_hash(&d->key, u->pub.name));

	if (rc == 0)
		rc = add_shown(d, u->pub.name);
	if (rc == 0)
		rc = hash_user(d, a->digest, u);
	return rc ? rc : number_user(d, &u->pub);
}

static int add_users(struct rf_directory *d, struct rf_store *store, struct rf_diag *diag)
{
	struct add_user a = { .d = d };
	int rc = rf_store_users(store, count_user, &a.most, diag);

	if (rc == 0)
		rc = map_ha1(d, a.most);
	if (rc == 0)
		rc = rf_digest_ctx_new(&a.digest);
	if (rc == 0)
		rc = rf_store_users(store, add_user, &a, diag);
	rf_digest_ctx_free(a.digest);
	return rc;
}

static int add_cert(void *ctx, const struct rf_store_cert *from)
{
	struct rf_directory *d = ctx;
	struct cert *c = rf_arena_zalloc(&d->arena, sizeof *c);

	if (!c || rf_view_dup(&d->arena, from->phone, &c->phone))
		return -ENOMEM;
	if (!from->serial.n || from->serial.n > sizeof c->serial)
		return RF_E_CORRUPT;
	memcpy(c->serial, from->serial.p, from->serial.n);
	c->serial_len = (uint8_t)from->serial.n;
	memcpy(c->sha256, from->sha256, sizeof c->sha256);
	c->host = from->host;
	c->revoked = from->revoked;
	d->cert_count++;
	d->revoked_count += from->revoked;
	return rf_table_add(&d->certs, &c->node, rf_hash(&d->key, from->serial));
}

static int lock_phone(void *ctx, struct rf_view name)
{
	struct phone *p = find_phone(ctx, name);

	if (p)
		p->pub.locked = true;
	return 0;
}

static void directory_free(struct rf_directory *d)
{
	rf_table_fini(&d->phones);
	rf_table_fini(&d->urns);
	rf_table_fini(&d->users);
	rf_table_fini(&d->hashes);
	rf_table_fini(&d->numbers);
	rf_table_fini(&d->certs);
	rf_table_fini(&d->shown);
	if (d->ha1) {
		rf_secret_wipe(d->ha1, d->ha1_bytes);
		munmap(d->ha1, d->ha1_bytes);
	}
	rf_arena_fini(&d->arena);
	rf_site_put(d->site);
	free(d);
}

static struct rf_directory *directory_alloc(struct rf_site *site)
{
	struct rf_directory *d = calloc(1, sizeof *d);
	struct rf_random random;

	if (!d)
		return NULL;
	atomic_init(&d->refs, 1);
	rf_random_system(&random);
	rf_random_fill(&random, &d->key, sizeof d->key);
	rf_arena_init(&d->arena, ARENA_MAX);
	rf_table_init(&d->phones, RF_SITE_PHONES_MAX);
	rf_table_init(&d->urns, RF_SITE_PHONES_MAX);
	rf_table_init(&d->users, RF_STORE_USERS_MAX);
	rf_table_init(&d->hashes, (size_t)RF_STORE_USERS_MAX * RF_DIGEST_ALGS);
	rf_table_init(&d->numbers, RF_SITE_PHONES_MAX + RF_STORE_USERS_MAX);
	rf_table_init(&d->certs, RF_STORE_CERTS_MAX);
	rf_table_init(&d->shown, 2 * RF_SITE_PHONES_MAX + RF_STORE_USERS_MAX);
	d->site = rf_site_get(site);
	return d;
}

int rf_directory_new(struct rf_site *site, struct rf_store *store, struct rf_directory **ret_dir, struct rf_diag *diag)
{
	struct rf_directory *d = directory_alloc(site);

	if (!d)
		return rf_diag_set(diag, -ENOMEM, "out of memory");
	if (diag)
		diag->code = 0;
	int rc = add_phones(d);
	if (rc == 0)
		rc = add_users(d, store, diag);
	if (rc == 0)
		rc = rf_store_certs(store, add_cert, d, diag);
	if (rc == 0)
		rc = rf_store_phone_locks(store, lock_phone, d, diag);
	if (rc) {
		if (diag && !diag->code)
			rf_diag_set(diag, rc, "the directory cannot be built: %s", rf_err_text(rc));
		directory_free(d);
		return rc;
	}
	*ret_dir = d;
	return 0;
}

int rf_directory_new_bare(struct rf_site *site, const struct rf_view *revoked, size_t n, struct rf_directory **ret_dir,
			  struct rf_diag *diag)
{
	struct rf_directory *d = directory_alloc(site);
	int rc = d ? add_phones(d) : -ENOMEM;

	if (d)
		d->bare = true;
	for (size_t i = 0; i < n && !rc; i++)
		rc = add_cert(d, &(struct rf_store_cert){ .serial = revoked[i], .revoked = true });
	if (!rc) {
		*ret_dir = d;
		return 0;
	}
	if (d)
		directory_free(d);
	return rf_diag_set(diag, rc, "the directory cannot be built: %s", rf_err_text(rc));
}

struct rf_directory *rf_directory_get(struct rf_directory *d)
{
	atomic_fetch_add_explicit(&d->refs, 1, memory_order_relaxed);
	return d;
}

void rf_directory_put(struct rf_directory *d)
{
	if (d && atomic_fetch_sub_explicit(&d->refs, 1, memory_order_acq_rel) == 1)
		directory_free(d);
}
