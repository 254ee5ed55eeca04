/* Configurations written from a site: a bundle of files, the same bytes for the same site. One file of this room a
 * language; each adds files to the bundle and knows nothing of the others (bundle.c calls them in turn).
 *
 * Every file begins, in its language's comments, with the site's name, level, digest and the file's own path, and no
 * date: `ringfort compile` twice gives the same bytes. Formats without comments (JSON) have it in a member that their
 * reader ignores, or in a MANIFEST line. MANIFEST lists path, size, SHA-256 and mode of every file; a signature over it
 * (pki/, made by cmd/) makes it a signed bundle.
 *
 * Paths: routers/NAME/..., hosts/NAME/..., switches/NAME/..., services/HOST/..., MANIFEST, flows.json. */
#ifndef RF_EMIT_EMIT_H
#define RF_EMIT_EMIT_H

#include "base/arena.h"
#include "base/writer.h"
#include "policy/rules.h"

struct rf_emit_file {
	const char *path;      /* relative, of the characters A-Z a-z 0-9 . _ - and / only */
	struct rf_view bytes;
	unsigned mode;         /* 0644, or 0600 where a secret is named in it */
};

struct rf_bundle {
	const struct rf_emit_file *files; /* by path */
	size_t n;
	struct rf_arena *arena;           /* owned */
};

/* What an emitter has before it. */
struct rf_emit {
	const struct rf_site *site;
	const struct rf_flows *flows;
	const struct rf_rulebook *book;
	struct rf_findings *findings;     /* a warning for what a language cannot say; an error refuses the bundle */
	struct rf_arena *arena;
	struct rf_emit_file *files;       /* grown by rf_emit_add() */
	size_t n, room;
	int err;                          /* sticky */
};

/* A file being written: begins with the head. comment: "# ", "! ", "// "... */
struct rf_emit_out;
int rf_emit_begin(struct rf_emit *e, struct rf_emit_out **ret_out, unsigned mode, const char *comment, const char *path_fmt,
		  ...) __attribute__((format(printf, 5, 6)));
/* Text; past memory the error is sticky and found at the end. */
void rf_emit_line(struct rf_emit_out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void rf_emit_end(struct rf_emit_out *o);

/* One a language. They return nothing: errors are sticky in e. */
void rf_emit_nftables(struct rf_emit *e);  /* routers and hosts on Linux */
void rf_emit_tc(struct rf_emit *e);        /* their queues */
void rf_emit_bridge(struct rf_emit *e);    /* access switches as Linux bridges */
void rf_emit_ios(struct rf_emit *e);
void rf_emit_eos(struct rf_emit *e);
void rf_emit_junos(struct rf_emit *e);
void rf_emit_kea(struct rf_emit *e);
void rf_emit_unbound(struct rf_emit *e);
void rf_emit_chrony(struct rf_emit *e);
void rf_emit_dot1x(struct rf_emit *e);     /* freeradius, hostapd */
void rf_emit_ipsec(struct rf_emit *e);     /* strongSwan: a tunnel a zone */
void rf_emit_keepalived(struct rf_emit *e);
void rf_emit_rsyslog(struct rf_emit *e);
void rf_emit_snmp(struct rf_emit *e);

/* All of them. 0; RF_E_INVALID: see findings; -ENOMEM. */
int rf_bundle_make(const struct rf_site *site, const struct rf_flows *flows, const struct rf_rulebook *book,
		   struct rf_findings *findings, struct rf_bundle *ret_bundle);
void rf_bundle_fini(struct rf_bundle *bundle);

#endif
