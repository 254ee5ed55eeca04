/* The two halves of a subscription of a phone outside, for roam_watch*.c. */
#ifndef RF_CALL_ROAM_WATCH_INT_H
#define RF_CALL_ROAM_WATCH_INT_H

#include "call/roam_int.h"
#include "call/sub_int.h"

enum { RF_ROAM_WATCH_ID_MAX = 64, RF_ROAM_WATCH_GRACE_MS = 64000 };

struct rf_roam_watch {
	TAILQ_ENTRY(rf_roam_watch) list;
	struct rf_node by_out, by_in, by_phone;
	struct rf_call_core *core;
	const struct rf_sub_package *package;
	struct rf_party *party;      /* the phone: a reference */
	struct rf_dialog *out;       /* with the phone */
	struct rf_dialog *in;        /* with the controller; NULL: not asked yet */
	struct rf_flow flow;         /* of the phone, as it last asked */
	struct rf_srv *asked;        /* a refresh of the phone that waits, NULL */
	struct rf_cli *asking;       /* ours; it may outlive what it was asked for */
	struct rf_srv *told;         /* a NOTIFY that waits for the phone, NULL */
	struct rf_cli *telling;
	struct rf_timer timer;       /* nothing was heard of it for longer than it lives */
	bool up;                     /* the controller has taken it */
	char host[RF_SITE_NAME_MAX + 1]; /* the controller */
	uint8_t id_n;
	uint8_t id[RF_ROAM_WATCH_ID_MAX];          /* of the phone's Event */
};
TAILQ_HEAD(rf_roam_watch_list, rf_roam_watch);

struct rf_roam_watches {
	struct rf_roam_watch_list list;
	struct rf_table by_out, by_in, by_phone;
	size_t count;
};

/* --- roam_watch.c */

/* Out of every table and freed, without a word to anybody. */
void rf_roam_watch_drop(struct rf_roam_watch *w);
/* It is forgotten when nothing is heard of it for so long and a while. */
void rf_roam_watch_live(struct rf_roam_watch *w, uint32_t seconds);
/* Contact, Event, Accept and Expires of a SUBSCRIBE to this controller. */
void rf_roam_watch_put_ask(const struct rf_roam_watch *w, const struct rf_site_host *host, uint32_t expires_s,
			   struct rf_writer *out);
/* Event of the package; with the phone's id where it is for the phone. */
void rf_roam_watch_put_event(const struct rf_roam_watch *w, bool with_id, struct rf_writer *out);
/* Header lines of the 200 to the phone's SUBSCRIBE, in core->head. */
struct rf_view rf_roam_watch_granted(struct rf_roam_watch *w, uint32_t expires_s);
/* The seconds of a controller's 2xx, asked at most. */
uint32_t rf_roam_watch_least(uint32_t asked, const struct rf_sip_msg *answer);
/* What a phone asks for. */
uint32_t rf_roam_watch_asked(const struct rf_sip_msg *msg);
/* What a controller's refusal is to the phone, as refused() of struct rf_roaming_ops. */
unsigned rf_roam_watch_told_as(const struct rf_sip_msg *msg, struct rf_writer *w);
/* The phone's SUBSCRIBE is refused, counted. */
void rf_roam_watch_refuse(struct rf_call_core *core, struct rf_in *in, unsigned code);

/* --- roam_watch_dialog.c */

/* A last NOTIFY with this reason, then dropped. */
void rf_roam_watch_end(struct rf_roam_watch *w, const char *reason);

#endif
