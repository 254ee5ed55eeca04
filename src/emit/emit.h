/* Configurations written from a site: a bundle of files, the same bytes for the same site. One file of this room a
 * language; each adds files to the bundle and knows nothing of the others (bundle.c calls them in turn, from a table).
 *
 * Every file begins, in its language's comments, with its own path and the site's name, level and digest, and no date:
 * `ringfort compile` twice gives the same bytes. Formats without comments (JSON) put e->digest_hex into a member that
 * their reader ignores, and begin with comment NULL. `compile --diff` takes the old digest for the new one before it
 * compares, so that a change of the site shows where it matters and nowhere else: write it in this spelling only.
 *
 * MANIFEST (manifest.h) lists path, size, SHA-256 and mode of every file; MANIFEST.sig beside it (pki/bundle.h, made by
 * cmd/) makes it a signed bundle. Neither is among the files of struct rf_bundle.
 *
 * Paths: routers/NAME/..., hosts/NAME/..., switches/NAME/..., services/HOST/..., flows.json. A Linux router's rules are
 * routers/NAME/ringfort.nft, a host's hosts/NAME/ringfort.nft, a bridge's switches/NAME/ringfort.nft: each is loaded
 * with one `nft -f` and touches no table but its own. */
#ifndef RF_EMIT_EMIT_H
#define RF_EMIT_EMIT_H

#include "base/arena.h"
#include "base/writer.h"
#include "policy/lease.h"
#include "policy/rules.h"

/* Bounds, also in docs/security.md. */
enum {
	RF_EMIT_FILE_MAX = 64 * 1024 * 1024,    /* bytes of one file */
	RF_EMIT_BUNDLE_MAX = 512 * 1024 * 1024, /* of all files of a bundle */
	RF_EMIT_FILES_MAX = 100000,
	RF_EMIT_PATH_MAX = 255,
};

struct rf_emit_file {
	const char *path;      /* relative, of the characters A-Z a-z 0-9 . _ - and / only; no part begins with a dot */
	struct rf_view bytes;
	unsigned mode;         /* 0644, 0755 for a script, 0600 where a secret is in it */
};

struct rf_bundle {
	const struct rf_emit_file *files; /* by path, in the order of bytes; every path once */
	size_t n;
	struct rf_view manifest;
	struct rf_arena *arena;           /* owned */
};

/* What an emitter has before it. */
struct rf_emit {
	const struct rf_site *site;
	const struct rf_flows *flows;
	const struct rf_rulebook *book;
	struct rf_findings *findings;     /* a warning for what a language cannot say; an error refuses the bundle */
	const struct rf_lease *leases;    /* one for each phone, by its index in the site */
	struct rf_view seed;              /* RF_EMIT_SEED secret bytes of the site; "": there are none */
	char digest_hex[65];
	struct rf_arena *arena;
	struct rf_emit_file *files;       /* private to emit.c */
	size_t n, room;
	int err;                          /* sticky: -ENOMEM, RF_E_LIMIT (a bound above), RF_E_INVALID (a path) */
};

/* A file being written: begins with the head. comment: "# ", "! ", "// "...; NULL: no head. When it cannot begin,
 * *ret_out is NULL, which the other two accept; the reason stays in e->err. */
struct rf_emit_out;
int rf_emit_begin(struct rf_emit *e, struct rf_emit_out **ret_out, unsigned mode, const char *comment,
		  const char *path_fmt, ...) __attribute__((format(printf, 5, 6)));
/* Text, with the line end that it holds; past memory or a bound the error is sticky and found at the end. */
void rf_emit_line(struct rf_emit_out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A view as the inside of a JSON string. */
void rf_emit_json(struct rf_emit_out *o, struct rf_view v);
void rf_emit_end(struct rf_emit_out *o);

/* A finding at a place of the site file (pos.file says which). An error among them refuses the bundle. */
void rf_emit_find(struct rf_emit *e, enum rf_severity severity, struct rf_site_pos pos, const char *mitigation,
		  const char *mend, const char *fmt, ...) __attribute__((format(printf, 6, 7)));

/* A secret that two devices share because both are written from the same site: of label ("ntp 1") and the site's seed,
 * the same each time, 32 bytes as hexadecimal digits. Who has one file's secret learns nothing about another label's. A
 * file with one in it has mode 0600. Without a seed (`compile` shows, the folder is for somebody's eyes) it is the word
 * that RF_EMIT_NO_SECRET says, which no device takes for a key. */
enum { RF_EMIT_SEED = 32, RF_EMIT_SECRET = 65 };
#define RF_EMIT_NO_SECRET "not-compiled-with-the-site-s-secrets"
const char *rf_emit_secret(struct rf_emit *e, const char *label, char dst[static RF_EMIT_SECRET]);

/* An address as text, with "/prefix" when it is a network: "10.30.0.0/20", "fd00::1". */
#define RF_EMIT_IP 48
const char *rf_emit_ip(const struct rf_site_ip *ip, char dst[static RF_EMIT_IP]);

/* The interface on a Linux router that a remote office's zone arrives through: strongSwan makes it (an XFRM interface),
 * nftables and the routing name it. "vpn-" and the zone's name; a name too long for an interface is cut and told
 * apart by a hash. if_id is its number in the kernel, never 0. */
#define RF_EMIT_IFNAME 16
const char *rf_emit_tunnel(const struct rf_site_zone *zone, char dst[static RF_EMIT_IFNAME], uint32_t *ret_if_id);

/* Is it a name of an interface that every place takes as it stands: rules, paths, scripts? */
bool rf_emit_ifname_ok(struct rf_view name);

/* A host that is a router, too (role wall), has the router's files and none in hosts/. */
bool rf_emit_is_router(const struct rf_emit *e, const struct rf_site_host *host);

/* The virtual router of a pair's gateway in a zone (RFC 9568: 1..255, of one link). */
static inline unsigned rf_emit_vrid(const struct rf_site_zone *zone)
{
	return zone->vlan % 255 + 1;
}

enum { RF_EMIT_LOG_GROUP = 5 }; /* of nflog: refused packets, the prefix is the rule's id */

/* One a language. They return nothing: errors are sticky in e. */
typedef void rf_emitter(struct rf_emit *e);
void rf_emit_flows(struct rf_emit *e);     /* flows.json: what `compile --diff` compares */
void rf_emit_nftables(struct rf_emit *e);  /* routers and hosts on Linux */
void rf_emit_tc(struct rf_emit *e);        /* their queues */
void rf_emit_linux(struct rf_emit *e);     /* their kernels, interfaces and routes */
void rf_emit_bridge(struct rf_emit *e);    /* access switches as Linux bridges */
void rf_emit_ios(struct rf_emit *e);
void rf_emit_eos(struct rf_emit *e);
void rf_emit_junos(struct rf_emit *e);
void rf_emit_kea(struct rf_emit *e);
void rf_emit_relay(struct rf_emit *e);     /* of DHCP, on Linux routers */
void rf_emit_unbound(struct rf_emit *e);
void rf_emit_chrony(struct rf_emit *e);
void rf_emit_dot1x(struct rf_emit *e);     /* freeradius, hostapd */
void rf_emit_ipsec(struct rf_emit *e);     /* strongSwan: a tunnel a zone */
void rf_emit_keepalived(struct rf_emit *e);
void rf_emit_radvd(struct rf_emit *e);
void rf_emit_rsyslog(struct rf_emit *e);
void rf_emit_snmp(struct rf_emit *e);      /* Net-SNMP on routers and switches of Linux, where the site wants it */

/* All of them. 0 and a bundle to end with rf_bundle_fini(); RF_E_INVALID: see findings; RF_E_LIMIT; -ENOMEM.
 * seed: rf_emit.seed, borrowed for the call. only: files whose path begins with it ("routers/"), and
 * flows.json; NULL: all. */
int rf_bundle_make(const struct rf_site *site, const struct rf_flows *flows, const struct rf_rulebook *book,
		   struct rf_view seed, const char *only, struct rf_findings *findings, struct rf_bundle *ret_bundle);
/* The same with these emitters (for tests of one). */
int rf_bundle_make_by(rf_emitter *const *emitters, size_t n, const struct rf_site *site, const struct rf_flows *flows,
		      const struct rf_rulebook *book, struct rf_view seed, const char *only,
		      struct rf_findings *findings, struct rf_bundle *ret_bundle);
void rf_bundle_fini(struct rf_bundle *bundle);

#endif
