/* The snapshot with what only this room needs (private). */
#ifndef RF_SITE_SITE_INT_H
#define RF_SITE_SITE_INT_H

#include "base/arena.h"
#include "base/hash.h"
#include "base/table.h"
#include "site/site.h"

#include <assert.h>
#include <stdatomic.h>

enum rf_asked { RF_ASKED_NOT, RF_ASKED_YES, RF_ASKED_NO };

/* What the file asks for where the level has the last word; rules.c makes struct rf_policy of both. */
struct rf_site_asked {
	int client_certificate;  /* enum rf_asked: required, optional */
	bool require_user;
	unsigned digests, suites; /* 0: not said */
	int media_encryption;    /* enum rf_asked: required, optional */
	int dtls_srtp;           /* enum rf_asked */
	int profile;             /* 1 + enum rf_crypto_profile, 0: not said */
	struct rf_site_pos client_certificate_pos, require_user_pos, digests_pos, suites_pos, media_pos, dtls_pos,
		profile_pos, sip_pos, register_pos, session_pos, name_pos, domain_pos, phones_file_pos, timezone_pos;
};

/* Items by name. */
struct rf_index {
	struct rf_table table;
	struct rf_index_entry *v;
};

struct rf_index_entry {
	struct rf_node node;
	struct rf_view name;
	const void *item;
};

struct rf_site_all {
	struct rf_site pub;
	struct rf_site_asked asked;
	struct rf_arena arena;
	atomic_uint refs;
	struct rf_hash_key hash_key;
	struct rf_index phones, numbers, locations, zones, hosts, trunks;
	struct rf_index plans, classes, groups, numberings, speeds, links;
	struct rf_index offices, routers, switches, ports; /* ports: by switch and name, rf_port_key() */
};

static inline const struct rf_site_all *rf_site_all(const struct rf_site *site)
{
	static_assert(offsetof(struct rf_site_all, pub) == 0, "a pointer to one is a pointer to the other");
	return (const struct rf_site_all *)(const void *)site;
}

/* Room for n entries. -ENOMEM. */
int rf_index_init(struct rf_index *x, struct rf_arena *arena, size_t n);
void rf_index_fini(struct rf_index *x);
/* Add; an entry of that name that is there already is returned in *ret_other (the new one is added all the same). */
int rf_index_add(struct rf_index *x, const struct rf_hash_key *key, struct rf_view name, const void *item,
		 const void **ret_other);
const void *rf_index_find(const struct rf_index *x, const struct rf_hash_key *key, struct rf_view name);

struct rf_load;

/* csv.c: the phones file; appends to *ret_v. The first row names the columns. */
void rf_phones_csv(struct rf_load *l, struct rf_view bytes, struct rf_site_phone **ret_v, size_t *ret_n);
/* refs.c: build the indexes, resolve names, check what items say about each other. */
int rf_site_resolve(struct rf_site_all *all, struct rf_findings *findings);

struct rf_look {
	struct rf_site_all *all;
	struct rf_findings *f;
	int rc;
	/* The same arrays as in all->pub, while they may still be written to. */
	struct rf_site_office *offices;
	struct rf_site_router *routers;
	struct rf_site_switch *switches;
};

#define RF_LOOK_ERROR(k, pos, mend, ...) \
	rf_finding_add((k)->f, RF_SEV_ERROR, rf_site_place((k)->all, pos), NULL, mend, __VA_ARGS__)
#define RF_LOOK_BREACH(k, pos, mitigation, mend, ...) \
	rf_finding_add((k)->f, RF_SEV_ERROR, rf_site_place((k)->all, pos), mitigation, mend, __VA_ARGS__)
#define RF_LOOK_WARNING(k, pos, mend, ...) \
	rf_finding_add((k)->f, RF_SEV_WARNING, rf_site_place((k)->all, pos), NULL, mend, __VA_ARGS__)

/* Into an index: the one of that name that was there, NULL. */
const void *rf_look_add(struct rf_look *k, struct rf_index *x, struct rf_view name, const void *item);
void rf_look_twice(struct rf_look *k, struct rf_site_pos pos, struct rf_site_pos first, const char *what,
		   struct rf_view name);
/* The class or link that an item names; NULL when it names none, and a finding when there is none of that name. */
const struct rf_site_cos *rf_look_class(struct rf_look *k, struct rf_site_pos pos, const char *what, struct rf_view who,
					struct rf_view name);
const struct rf_site_link *rf_look_link(struct rf_look *k, struct rf_site_pos pos, const char *what, struct rf_view who,
					struct rf_view name);
/* refs_net.c: offices come before zones, routers and switches behind hosts and links; phones are plugged in last. */
void rf_look_offices(struct rf_look *k);
const struct rf_site_office *rf_look_office(struct rf_look *k, struct rf_site_pos pos, const char *what,
					    struct rf_view who, struct rf_view name);
const struct rf_site_zone *rf_look_zone(struct rf_look *k, struct rf_site_pos pos, const char *what, struct rf_view who,
					struct rf_view name);
/* A text of ours into the arena; empty, and k->rc set, when there is no room. */
struct rf_view rf_look_text(struct rf_look *k, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A copy of a list that may be written to; NULL and k->rc set when there is no room. */
void *rf_look_writable(struct rf_look *k, const void *v, size_t n, size_t size);
void rf_look_devices(struct rf_look *k);
/* refs_port.c */
/* Linux takes 15 characters, whatever the file may hold. */
void rf_look_port_name(struct rf_look *k, struct rf_site_pos pos, const char *what, struct rf_view who, int kind,
		       struct rf_view name);
void rf_look_switches(struct rf_look *k);
void rf_look_uplinks(struct rf_look *k);
void rf_look_network(struct rf_look *k);
/* refs_addr.c: whose address is whose, and no two alike. Fill: a zone's gateways, where the file does not say them. */
void rf_look_fill_gateways(struct rf_look *k, struct rf_site_zone *zone);
void rf_look_addresses(struct rf_look *k);
/* Where a phone or host is plugged in; unknown switches and ports are errors where the site has switches. */
void rf_look_plug(struct rf_look *k, struct rf_site_pos pos, const char *what, struct rf_view who, struct rf_view sw,
		  struct rf_view port, const struct rf_site_switch **ret_switch, const struct rf_site_port **ret_port);
/* The name of a port among all: the switch's, a space, the port's. */
enum { RF_PORT_KEY_MAX = RF_SITE_NAME_MAX + 1 + RF_SITE_PORT_NAME_MAX };
struct rf_view rf_port_key(struct rf_view sw, struct rf_view port, uint8_t buf[static RF_PORT_KEY_MAX]);
/* refs_tel.c: the part about calls, in two steps: what others name, then what names numbers and trunks. */
void rf_look_plans(struct rf_look *k);
void rf_look_calls(struct rf_look *k);
/* lookup.c */
bool rf_site_deviation_names(const struct rf_site_deviation *d, struct rf_view trunk);
/* accept.c: what `a` does not say, base does; base NULL: the border's own list. */
void rf_accept_merge(struct rf_site_accept *a, const struct rf_site_accept *base);
/* Tells each key that `a` says and that takes more than base does. */
typedef void rf_accept_wider(void *arg, struct rf_site_pos pos, const char *key);
void rf_accept_compare(const struct rf_site_accept *a, const struct rf_site_accept *base, rf_accept_wider *wider,
		       void *arg);
/* rules_trunk.c: what trunks may, and what trunk_defaults and they say together. */
void rf_site_rules_trunks(struct rf_site_all *all, struct rf_wall now, struct rf_findings *findings);
/* rules_tel.c */
void rf_site_rules_tel(struct rf_site_all *all, struct rf_wall now, struct rf_findings *findings);
/* rules_roam.c: phones outside, held against the level and the borders. Behind rf_site_rules(). */
void rf_site_rules_roam(struct rf_site_all *all, struct rf_findings *findings);
/* rules.c: level, asked, deviations -> policy. */
void rf_site_rules(struct rf_site_all *all, struct rf_wall now, struct rf_findings *findings);

/* Letters enough to mean something: "...", "?" and the like give no reason and name nobody. */
bool rf_site_says_something(struct rf_view text);

/* A place for findings. */
struct rf_place rf_site_place(const struct rf_site_all *all, struct rf_site_pos pos);

#endif
