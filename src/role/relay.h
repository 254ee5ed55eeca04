/* The relay: a process that anchors media and opens exactly the pinholes that a call needs (docs/decisions/0056).
 *
 *	keeper     the private key of this host (keeper.h); only with a site
 *	relay      this: main thread with the NG protocol, the control socket, the walls' connections; worker threads with media
 *
 * Whoever may speak to it: a border on this host by the Unix socket DIR/state/relay-ng.sock (mode 0600, the service user's); a
 * border on another host by TLS, whose certificate names a host of the site with that role; Kamailio and
 * OpenSIPS by UDP and TCP where the site file, or the command line, says so, and from the addresses that are listed.
 *
 * It runs with a site (opt.dir) or alone (opt.plan): the same process without certificates, record and walls. */
#ifndef RF_ROLE_RELAY_H
#define RF_ROLE_RELAY_H

#include "base/log.h"
#include "media/relay.h"

/* Bounds, also in docs/security.md. */
enum {
	RF_ANCHOR_WORKERS_MAX = 32,
	RF_ANCHOR_NG_MAX = 4,        /* addresses of each kind that requests are heard on */
	RF_ANCHOR_PEERS_MAX = 32,
	RF_ANCHOR_DRAIN_S = 10,      /* how long a stop waits for calls to end, unless it is told otherwise */
	RF_ANCHOR_RECORD_S = 60,     /* how often what was refused goes on record */
	RF_ANCHOR_TLS_PORT = 2223,   /* of borders on other hosts */
	RF_ANCHOR_STUN_PORT = 3478,
	RF_ANCHOR_STUN_RATE = 10,    /* STUN requests a second of one source */
	RF_ANCHOR_STUN_TOTAL = 5000, /* of all */
	RF_ANCHOR_SHOWN_MAX = 20000, /* sessions in one list */
};

/* In DIR/state. */
#define RF_ANCHOR_NG_SOCKET "relay-ng.sock"

/* What a relay is told; texts are borrowed. */
struct rf_anchor_plan {
	struct rf_addr udp[RF_ANCHOR_NG_MAX], tcp[RF_ANCHOR_NG_MAX], tls[RF_ANCHOR_NG_MAX];
	unsigned n_udp, n_tcp, n_tls;
	struct rf_addr stun[RF_ANCHOR_NG_MAX]; /* where whoever asks hears which address it has outside */
	unsigned n_stun;
	struct rf_addr peers[RF_ANCHOR_PEERS_MAX]; /* who may speak UDP and TCP; none: this host */
	unsigned n_peers;
	struct rf_media_interface interfaces[RF_MEDIA_INTERFACES_MAX]; /* with all ports: workers get parts of them */
	unsigned n_interfaces;
	unsigned workers;            /* 0: one for each processor */
	struct rf_relay_policy policy;
	const char *user;            /* account to become; "": stay who we are */
	const char *sounds;          /* folder of WAV files that may be played (media/clip.h); "": none */
	const char *fast;            /* network interfaces for the kernel's path, commas between; "": none */
	const char *xdp;             /* and for packets past the sockets (media/xsk.h) */
	bool poll;                   /* under load datagrams are fetched from the driver (media/worker.h) */
};

struct rf_anchor_options {
	const char *dir;             /* the site's folder; alone: a folder in which state/ is made, NULL: none */
	const char *host;            /* which of the site's hosts this is; NULL: found by name, then by address */
	const struct rf_anchor_plan *plan; /* NULL: made from the site */
	const struct rf_log *log;
	int ready_fd;                /* gets one JSON line when it is ready, or why it is not; -1:
				      * nobody asks. Closed */
	unsigned record_s;           /* 0: RF_ANCHOR_RECORD_S */
};

/* Run until SIGTERM or SIGINT. The process must have one thread, and is not what it was afterwards. */
int rf_anchor_run(const struct rf_anchor_options *opt, struct rf_diag *diag);

/* What a site's host does as a relay. RF_E_INVALID with diag. */
struct rf_site;
struct rf_site_host;
int rf_anchor_plan_site(const struct rf_site *site, const struct rf_site_host *host, struct rf_anchor_plan *ret_plan,
			struct rf_diag *diag);
/* Is it of a network of the inside, of any zone but those of the internet, WAN, PSTN, borders and gateways, and nothing
 * that a trunk is named by (`peer`, `addresses`)? */
bool rf_anchor_inside(const struct rf_site *site, const struct rf_addr *a);
/* Does that say the same of every address in both? */
bool rf_anchor_same_inside(const struct rf_site *a, const struct rf_site *b);
/* The ports of worker `index` of n: consecutive parts of about the same size, each beginning with an even one. False:
 * too few ports for so many workers. */
bool rf_anchor_ports(uint16_t first, uint16_t last, unsigned index, unsigned n, uint16_t *ret_first,
		     uint16_t *ret_last);

#endif
