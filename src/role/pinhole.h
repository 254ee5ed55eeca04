/* Pinholes of this host at the walls of its zone: a TLS connection to each, kept for as long as the role lives,
 * and on it what pinbook.h wants said. Each wall is asked under its own certificate: it must carry the address
 * that the site gives the wall's host. What is wanted leaves at the end of the turn, one line for all that
 * gathered. One loop's thread. */
#ifndef RF_ROLE_PINHOLE_H
#define RF_ROLE_PINHOLE_H

#include "base/log.h"
#include "net/addr.h"
#include "net/net.h"
#include "net/tls.h"
#include "role/pinbook.h"
#include "site/site.h"

struct rf_pinholes;

struct rf_pinholes_wall {
	char name[64];               /* the wall's host, for people */
	char proves[128];            /* what its certificate must name: addresses, blanks between */
	struct rf_addr at[2];        /* where it listens, in the order in which they are tried; family 0: none */
};

struct rf_pinholes_ops {
	/* A wall can be asked, or cannot any more (why: a sentence). */
	void (*wall)(void *arg, const char *name, bool up, const char *why);
	/* It refused a tuple: "denied", "limit", "kernel". */
	void (*refused)(void *arg, const char *name, const char *why, const struct rf_tuple *tuple);
};

struct rf_pinholes_conf {
	struct rf_net *net;
	const struct rf_log *log;
	struct rf_tls *tls;          /* ours and the CA; a reference is taken */
	struct rf_addr local[2];     /* IPv4, IPv6: addresses of this host that the wall knows it by; family 0: none */
	const struct rf_pinholes_wall *walls; /* copied */
	unsigned n;                  /* 1..RF_PIN_WALLS_MAX */
	struct rf_hash_key hash_key;
	const struct rf_pinholes_ops *ops;
	void *arg;
};

int rf_pinholes_new(const struct rf_pinholes_conf *conf, struct rf_pinholes **ret_pinholes);
/* Connections end; the walls close what was open when their grace is over. NULL is fine. */
void rf_pinholes_free(struct rf_pinholes *p);

/* Connections that are made from now on. */
void rf_pinholes_set_tls(struct rf_pinholes *p, struct rf_tls *tls);

/* As rf_pinbook_want(). */
int rf_pinholes_want(struct rf_pinholes *p, uint64_t session, const struct rf_tuple *tuples, size_t n);
/* Ends everything that is open, as far as the walls answer within ms; then done, once. No want after it. */
void rf_pinholes_close_all(struct rf_pinholes *p, uint32_t ms, void (*done)(void *arg), void *arg);

/* As rf_pinbook_block(). */
int rf_pinholes_block(struct rf_pinholes *p, const struct rf_tuple *address, uint32_t seconds);
void rf_pinholes_stats(const struct rf_pinholes *p, struct rf_pinbook_stats *ret_stats);
unsigned rf_pinholes_walls(const struct rf_pinholes *p);
const char *rf_pinholes_wall_name(const struct rf_pinholes *p, unsigned wall);
void rf_pinholes_wall_stats(const struct rf_pinholes *p, unsigned wall, struct rf_pinbook_wall *ret_stats);

/* The walls that stand between the zone of this host and others: those of the routers with a foot in it (on which they
 * listen). How many; RF_E_LIMIT: more than RF_PIN_WALLS_MAX. */
int rf_pinholes_walls_of(const struct rf_site *site, const struct rf_site_host *host,
			 struct rf_pinholes_wall walls[static RF_PIN_WALLS_MAX]);

#endif
