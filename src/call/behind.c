/* Several phones behind one contact that we called, a proxy or a trunk: each answers with a To tag of its own (RFC 3261
 * 13.2.2.4). The leg's dialog is that of the first. What another one sends reliably must be acknowledged in its own
 * dialog all the same, or it gives the call up (RFC 3262 4); and when it is that one which answers, its dialog takes
 * the place of the leg's, with the numbers that it has come to. */
#include "call/call_int.h"

#include <stdlib.h>

struct rf_behind {
	struct rf_behind *next;
	struct rf_dialog *dlg;
	struct rf_rel_uac rel;
	uint8_t *sdp;               /* its answer to our offer, NULL */
	uint32_t sdp_n;
};

static struct rf_behind *find(const struct rf_pair *pair, struct rf_view tag)
{
	struct rf_behind *fork = pair->behind;

	while (fork && !rf_view_eq(rf_dialog_remote_tag(fork->dlg), tag))
		fork = fork->next;
	return fork;
}

static struct rf_behind *add(struct rf_pair *pair, const struct rf_sip_msg *msg)
{
	struct rf_behind *fork = pair->behind_n < RF_BEHIND_MAX ? calloc(1, sizeof *fork) : NULL;

	if (!fork)
		return NULL;
	if (rf_dialog_fork(pair->b->dlg, msg, &fork->dlg)) {
		free(fork);
		return NULL;
	}
	fork->next = pair->behind;
	pair->behind = fork;
	pair->behind_n++;
	return fork;
}

static void drop(struct rf_behind *fork)
{
	rf_dialog_free(fork->dlg);
	rf_sdp_drop(&fork->sdp, &fork->sdp_n);
	free(fork);
}

void rf_behind_free(struct rf_pair *pair)
{
	while (pair->behind) {
		struct rf_behind *fork = pair->behind;

		pair->behind = fork->next;
		drop(fork);
	}
	pair->behind_n = 0;
}

static void keep_sdp(struct rf_behind *fork, const struct rf_sip_msg *msg)
{
	struct rf_view sdp;
	uint8_t *p;

	if (fork->sdp || rf_sdp_of(msg, &sdp) || !sdp.n || !(p = malloc(sdp.n)))
		return;
	memcpy(p, sdp.p, sdp.n);
	fork->sdp = p;
	fork->sdp_n = (uint32_t)sdp.n;
}

static void send_prack(struct rf_pair *pair, struct rf_behind *fork, uint32_t rseq)
{
	struct rf_leg *b = pair->b;
	struct rf_dialog *mine = b->dlg;
	struct rf_rack rack = { rseq, b->invite_cseq, RF_V("INVITE") };
	struct rf_writer w;
	struct rf_cli *cli;

	b->dlg = fork->dlg; /* our tag is the same: the tables do not see it */
	if (rf_leg_begin(b, RF_SIP_PRACK, &w) == 0) {
		rf_sip_put_hdr_name(&w, RF_SIP_H_RACK);
		rf_rack_put(&w, &rack);
		rf_sip_put_crlf(&w);
		rf_leg_send(b, &w, RF_V(""), RF_V(""), NULL, NULL, &cli);
	}
	b->dlg = mine;
}

bool rf_behind_heard(struct rf_pair *pair, const struct rf_sip_msg *msg, uint32_t rseq)
{
	struct rf_behind *fork = find(pair, msg->to.tag);

	if (!rseq)
		return true;
	if (!pair->b->sdp) /* it offers, and its PRACK would have to answer: there is one answer,
			    * and the first has it */
		return false;
	if (!fork)
		fork = add(pair, msg);
	if (!fork || rf_rel_uac_receive(&fork->rel, rseq) != RF_REL_NEW)
		return false;
	rf_dialog_response(fork->dlg, msg);
	keep_sdp(fork, msg);
	send_prack(pair, fork, rseq);
	return true;
}

bool rf_behind_take(struct rf_pair *pair, const struct rf_sip_msg *msg, uint8_t **ret_sdp, uint32_t *ret_sdp_n)
{
	struct rf_behind *fork = find(pair, msg->to.tag);
	struct rf_dialog *dlg;

	*ret_sdp = NULL;
	*ret_sdp_n = 0;
	if (!fork) {
		if (rf_dialog_fork(pair->b->dlg, msg, &dlg))
			return false;
	} else {
		int rc = rf_dialog_response(fork->dlg, msg);

		if (rc && rc != RF_E_MALFORMED)
			return false;
		dlg = fork->dlg;
		*ret_sdp = fork->sdp;
		*ret_sdp_n = fork->sdp_n;
		fork->dlg = NULL;
		fork->sdp = NULL;
		fork->sdp_n = 0;
		struct rf_behind **at = &pair->behind;

		while (*at != fork)
			at = &(*at)->next;
		*at = fork->next;
		pair->behind_n--;
		drop(fork);
	}
	rf_dialog_free(pair->b->dlg);
	pair->b->dlg = dlg;
	return true;
}
