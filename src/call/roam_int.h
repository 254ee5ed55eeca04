/* A request of a phone outside on its way through a border, for roam*.c. */
#ifndef RF_CALL_ROAM_INT_H
#define RF_CALL_ROAM_INT_H

#include "call/border.h"
#include "call/call_int.h"
#include "call/roam.h"

struct rf_roaming;

/* What is different about a kind of request. Static tables. */
struct rf_roaming_ops {
	/* The request for this controller onto w, whole but for Via. */
	int (*put)(struct rf_roaming *r, const struct rf_dir_phone *phone, const struct rf_site_host *host,
		   struct rf_writer *w);
	/* A 2xx: answer with rf_roaming_reply(). */
	void (*taken)(struct rf_roaming *r, const struct rf_dir_phone *phone, const struct rf_sip_msg *msg);
	/* Another final answer below 500, which is no challenge: the code that the phone is told, with header lines for
	 * it onto w. 0: 503. */
	unsigned (*refused)(struct rf_roaming *r, const struct rf_sip_msg *msg, struct rf_writer *w);
	/* The phone is told this code, and r ends. NULL: nobody counts. */
	void (*ended)(struct rf_roaming *r, unsigned code);
	/* Give back what it holds of its own; NULL: nothing. The memory is roam_ask.c's. */
	void (*fini)(struct rf_roaming *r);
	/* How long a controller may take, and then nobody else is asked; 0: as long as for a trunk,
	 * and the next one is. */
	uint32_t wait_ms;
};

/* First member of what a request is; made by calloc. It is asked of the controllers one after the other until one
 * answers with something better than 5xx. */
struct rf_roaming {
	TAILQ_ENTRY(rf_roaming) list;
	struct rf_call_core *core;
	const struct rf_roaming_ops *ops;
	struct rf_srv *srv;          /* NULL: nobody waits for the answer any more */
	struct rf_cli *cli;
	struct rf_flow flow;         /* of the phone */
	size_t tried;                /* controllers */
	char phone[RF_SITE_NAME_MAX + 1];
	uint8_t *login;              /* lines of credentials, NULL: none; wiped at the end */
	size_t login_n;
};

/* --- roam_ask.c */

/* Put it among those that wait: of in->proof.phone, with its credentials. Afterwards one of the functions below ends
 * it; in it srv is watched. RF_E_LIMIT: too many wait; -ENOMEM. Not 0: r is freed, as by its end. */
int rf_roaming_begin(struct rf_roaming *r, const struct rf_roaming_ops *ops, struct rf_call_core *core,
		     struct rf_in *in);
/* The first controller. r may be gone afterwards: there was none, and 503 was said. */
void rf_roaming_go(struct rf_roaming *r);
/* Tell the phone, and end; with our tag where that makes a dialog. */
void rf_roaming_reply(struct rf_roaming *r, unsigned code, struct rf_view headers);
void rf_roaming_reply_in(struct rf_roaming *r, unsigned code, struct rf_view tag, struct rf_view headers);

/* Line and headers of a request outside a dialog to this host: its From and To are the phone's number and `to` at the
 * site, with a Call-ID and tag of our own. */
struct rf_roam_head {
	struct rf_view method, target; /* target: a Request-URI */
	struct rf_view to;             /* number */
	bool anonymous;
};
int rf_roam_put_head(struct rf_call_core *core, const struct rf_dir_phone *phone, const struct rf_roam_head *head,
		     struct rf_writer *w);
/* Our URI of this phone, as that host sees it: "sip:1002@10.60.0.11:5061;transport=tls;gr=urn:..." */
void rf_roam_put_self(struct rf_call_core *core, const struct rf_dir_phone *phone, const struct rf_site_host *host,
		      struct rf_writer *w);
/* sip:number@domain */
void rf_roam_put_number(const struct rf_call_core *core, struct rf_view number, struct rf_writer *w);

/* --- roam_login.c: the password of a phone outside is asked for by a controller and known to nobody here */

/* The credentials for our realm in a phone's request, said anew; nothing where there are none, or none that fit.
 * Whoever gives w wipes it. */
void rf_roam_put_credentials(const struct rf_call_core *core, const struct rf_sip_msg *req, struct rf_writer *w);
/* The challenges of a controller's 401 or 407, said anew: those that fit, each whole. False: there are none
 * that could be answered. */
bool rf_roam_put_challenges(const struct rf_call_core *core, const struct rf_sip_msg *answer, struct rf_writer *w);

#endif
