#include "load.h"

#include <unistd.h>

static const char plain_sdp[] = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
				"m=audio 40000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
				"a=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n";
static const char crypto_sdp[] = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
				 "m=audio 40000 RTP/SAVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
				 "a=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
				 "a=crypto:1 AES_CM_128_HMAC_SHA1_80 "
				 "inline:PSTsVRgOTmWhdS6A7pJ4IYuPK3qAhe8LZEKzXa4Y\r\n";

static struct rf_view sdp(const struct load *l)
{
	return rf_view_str(l->opt.via == RF_SIP_TLS ? crypto_sdp : plain_sdp);
}

static void send_built(struct load *l, struct phone *p, struct rf_writer *w)
{
	struct rf_view bytes;

	if (rf_writer_done(w, &bytes))
		fail(l, "a message of phone %u cannot be written", p->number);
	else
		wire_send(p->wire, bytes);
}

/* The same, said again over UDP until something comes. */
static void send_until_answered(struct load *l, struct call *c, struct rf_writer *w)
{
	c->said_n = 0;
	if (l->opt.via == RF_SIP_UDP && !w->err && w->n <= sizeof c->said) {
		memcpy(c->said, l->scratch, w->n);
		c->said_n = w->n;
		c->gap_us = REPEAT_US;
		c->again_us = l->now_us + c->gap_us;
	}
	send_built(l, c->from, w);
}

static unsigned slot(const struct load *l, const struct call *c)
{
	return (unsigned)(c - l->calls);
}

static void invite(struct load *l, struct call *c)
{
	struct rf_writer w;
	char uri[300];

	snprintf(uri, sizeof uri, "sip:%s@%s", c->to, l->opt.domain);
	rf_writer_init(&w, l->scratch, SCRATCH);
	if (rf_dialog_put_request(c->dialog, RF_V("INVITE"), 70, &w, &c->invite_cseq))
		fail(l, "INVITE cannot be written");
	put_via(c->from, &w);
	put_contact(c->from, &w);
	rf_put_lit(&w, "\r\nAllow: INVITE, ACK, BYE, CANCEL, OPTIONS\r\nUser-Agent: sipload\r\n");
	if (l->opt.header)
		rf_put_fmt(&w, "%s\r\n", l->opt.header);
	phone_put_login(c->from, c->login, RF_SIP_H_PROXY_AUTHORIZATION, RF_V("INVITE"), rf_view_str(uri), &w);
	rf_sip_put_body(&w, RF_V("application/sdp"), sdp(l));
	c->began_us = l->now_us;
	c->act_us = l->now_us;
	send_until_answered(l, c, &w);
}

static void bye(struct load *l, struct call *c)
{
	struct rf_writer w;

	rf_writer_init(&w, l->scratch, SCRATCH);
	rf_dialog_put_request(c->dialog, RF_V("BYE"), 70, &w, NULL);
	put_via(c->from, &w);
	rf_sip_put_end(&w);
	send_until_answered(l, c, &w);
	c->state = CALL_BYE;
	c->act_us = l->now_us;
}

static void ack(struct load *l, struct call *c)
{
	struct rf_writer w;

	rf_writer_init(&w, l->scratch, SCRATCH);
	rf_dialog_put_ack(c->dialog, c->invite_cseq, 70, &w);
	put_via(c->from, &w);
	rf_sip_put_end(&w);
	send_built(l, c->from, &w);
}

/* The ACK of a refusal belongs to the INVITE's transaction: its Via, and the To of the answer. */
static void ack_refusal(struct load *l, struct call *c)
{
	struct rf_writer w;
	char uri[300];

	snprintf(uri, sizeof uri, "sip:%s@%s", c->to, l->opt.domain);
	rf_writer_init(&w, l->scratch, SCRATCH);
	rf_sip_put_request(&w, RF_V("ACK"), rf_view_str(uri));
	rf_sip_put_hdr(&w, RF_SIP_H_VIA, l->msg->via.text);
	rf_sip_put_hdr(&w, RF_SIP_H_MAX_FORWARDS, RF_V("70"));
	rf_sip_put_hdr(&w, RF_SIP_H_FROM, l->msg->from.text);
	rf_sip_put_hdr(&w, RF_SIP_H_TO, l->msg->to.text);
	rf_sip_put_hdr(&w, RF_SIP_H_CALL_ID, l->msg->call_id);
	rf_sip_put_cseq(&w, l->msg->cseq, RF_V("ACK"));
	rf_sip_put_end(&w);
	send_built(l, c->from, &w);
}

static void over(struct load *l, struct call *c)
{
	rf_dialog_free(c->dialog);
	c->dialog = NULL;
	c->state = CALL_FREE;
	l->done++;
}

static int new_dialog(struct load *l, struct call *c)
{
	char id[64], local[300], remote[300], tag[32];

	snprintf(id, sizeof id, "call-%u-%u-%d", slot(l, c), c->generation, (int)getpid());
	snprintf(tag, sizeof tag, "a%u-%u", slot(l, c), c->generation);
	snprintf(local, sizeof local, "<sip:%u@%s>", c->from->number, l->opt.domain);
	snprintf(remote, sizeof remote, "<sip:%s@%s>", c->to, l->opt.domain);
	struct rf_dialog_setup setup = {
		.call_id = rf_view_str(id), .local = rf_view_str(local), .local_tag = rf_view_str(tag),
		.remote = rf_view_str(remote), .cseq = 1,
		.target = rf_view_sub(rf_view_str(remote), 1, strlen(remote) - 2),
	};

	rf_dialog_free(c->dialog);
	c->dialog = NULL;
	return rf_dialog_new_uac(&setup, &c->dialog);
}

void call_start(struct load *l, struct call *c, struct phone *from, const char *to)
{
	c->from = from;
	snprintf(c->to, sizeof c->to, "%s", to);
	c->generation++;
	c->retries = 0;
	c->tries = 0;
	c->own_login = (struct rf_digest_login){ 0 };
	c->login = l->opt.keep_login ? &from->proxy_login : &c->own_login;
	c->state = CALL_INVITED;
	if (new_dialog(l, c)) {
		fail(l, "no dialog for a call");
		over(l, c);
		return;
	}
	invite(l, c);
}

static struct call *of_call_id(struct load *l, struct rf_view id)
{
	char text[64], *end;

	if (!rf_view_cstr(id, text, sizeof text) || strncmp(text, "call-", 5) != 0)
		return NULL;
	unsigned long i = strtoul(text + 5, &end, 10), generation = *end == '-' ? strtoul(end + 1, NULL, 10) : 0;
	struct call *c = i < l->opt.window ? &l->calls[i] : NULL;
	return c && c->generation == generation && c->state != CALL_FREE ? c : NULL;
}

static void answered(struct load *l, struct call *c)
{
	rf_dialog_response(c->dialog, l->msg);
	ack(l, c);
	if (c->state != CALL_INVITED)
		return; /* the 2xx came again */
	if (c->tries == 0)
		histogram_add(&l->answer, l->now_us - c->began_us);
	c->state = CALL_UP;
	l->held++;
	c->act_us = l->now_us + (uint64_t)l->opt.hold_ms * 1000;
	if (l->opt.hold_ms == 0)
		bye(l, c);
}

static void invite_response(struct load *l, struct call *c)
{
	unsigned status = l->msg->status;

	if (status < 200) {
		if (status > 100 && c->tries == 0 && c->state == CALL_INVITED) {
			histogram_add(&l->answer, l->now_us - c->began_us);
			c->tries = 1; /* counted */
		}
		return;
	}
	if (status < 300) {
		answered(l, c);
		return;
	}
	ack_refusal(l, c);
	if (c->state != CALL_INVITED || l->msg->cseq != c->invite_cseq)
		return;
	if (status == 407 && c->retries < LOGINS &&
	    phone_challenged(c->from, c->login, RF_SIP_H_PROXY_AUTHENTICATE)) {
		c->retries++;
		uint32_t next = c->invite_cseq; /* the dialog has ended with the 407: the retry is a new one, CSeq higher */
		if (new_dialog(l, c) == 0) {
			while (next--) {
				struct rf_writer skip;
				uint32_t cseq;

				rf_writer_init(&skip, l->scratch, SCRATCH);
				rf_dialog_put_request(c->dialog, RF_V("INVITE"), 70, &skip, &cseq);
			}
			invite(l, c);
			return;
		}
	}
	if (l->opt.may_refuse && status == 503 && rf_sip_msg_hdr(l->msg, RF_SIP_H_RETRY_AFTER))
		l->refused++;
	else
		fail(l, "INVITE was answered %u", status);
	over(l, c);
}

void call_response(struct load *l)
{
	struct call *c = of_call_id(l, l->msg->call_id);

	if (!c)
		return;
	if (l->msg->cseq_method == RF_SIP_INVITE) {
		if (c->state == CALL_INVITED) /* a 2xx that comes again must not stop the BYE */
			c->said_n = 0;
		invite_response(l, c);
		return;
	}
	c->said_n = 0;
	if (l->msg->cseq_method == RF_SIP_BYE && c->state == CALL_BYE && l->msg->status >= 200) {
		if (l->msg->status == 200)
			rf_digest_login_accepted(c->login);
		else
			fail(l, "BYE was answered %u", l->msg->status);
		l->held--;
		over(l, c);
	}
}

void calls_tick(struct load *l)
{
	for (unsigned i = 0; i < l->opt.window; i++) {
		struct call *c = &l->calls[i];

		if (c->said_n && l->now_us >= c->again_us) {
			wire_send(c->from->wire, rf_view_of(c->said, c->said_n));
			l->repeats++;
			/* RFC 3261 17.1: an INVITE waits twice as long each time, others at most T2 */
			c->gap_us = c->state == CALL_BYE && c->gap_us * 2 > REPEAT_MOST_US ? REPEAT_MOST_US : c->gap_us * 2;
			c->again_us = l->now_us + c->gap_us;
		}
		if (c->state == CALL_UP && l->now_us >= c->act_us)
			bye(l, c);
		else if ((c->state == CALL_INVITED || c->state == CALL_BYE) && l->now_us > c->act_us + 32000000) {
			fail(l, "%s got no final answer", c->state == CALL_BYE ? "BYE" : "INVITE");
			if (c->state == CALL_BYE)
				l->held--;
			over(l, c);
		}
	}
}

/* The callee keeps nothing: its tag comes from the Call-ID, its answers from the request. */
void call_request(struct wire *wire, struct phone *p)
{
	struct load *l = wire->load;
	const struct rf_hash_key key = { 1, 2 };
	struct rf_sip_echo echo;
	uint8_t lines[8192];
	char tag[32];
	struct rf_writer w;

	if (l->msg->method == RF_SIP_ACK || rf_sip_echo_make(l->msg, NULL, lines, sizeof lines, &echo))
		return;
	snprintf(tag, sizeof tag, "b%016llx", (unsigned long long)rf_hash(&key, l->msg->call_id));
	if (l->msg->method != RF_SIP_INVITE) {
		rf_writer_init(&w, l->scratch, SCRATCH);
		rf_sip_put_response(&w, &echo, 200, rf_view_str(NULL), rf_view_str(tag), false);
		rf_sip_put_end(&w);
		send_built(l, p, &w);
		return;
	}
	static const unsigned codes[] = { 180, 200 };
	for (unsigned i = 0; i < 2; i++) {
		rf_writer_init(&w, l->scratch, SCRATCH);
		rf_sip_put_response(&w, &echo, codes[i], rf_view_str(NULL), rf_view_str(tag), true);
		put_contact(p, &w);
		rf_put_lit(&w, "\r\n");
		rf_sip_put_body(&w, codes[i] == 200 ? RF_V("application/sdp") : rf_view_str(NULL),
				codes[i] == 200 ? sdp(l) : rf_view_str(NULL));
		send_built(l, p, &w);
	}
}
