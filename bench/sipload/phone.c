#include "load.h"

#include <stdlib.h>

struct phone *phone_numbered(struct load *l, unsigned number)
{
	unsigned i = number - l->opt.first;

	return i < l->opt.phones ? &l->phones[i] : NULL;
}

void put_via(struct phone *p, struct rf_writer *w)
{
	char branch[64], ip[INET_ADDRSTRLEN];

	snprintf(branch, sizeof branch, RF_SIP_COOKIE "l%u-%u", p->number, ++p->branch);
	rf_sip_put_via(w, &(struct rf_sip_new_via){ .transport = p->wire->load->opt.via, .host = rf_view_str(wire_ip(p->wire, ip)),
						    .port = p->wire->port, .branch = rf_view_str(branch),
						    .rport = p->wire->load->opt.via == RF_SIP_UDP });
}

void put_contact(const struct phone *p, struct rf_writer *w)
{
	enum rf_sip_transport via = p->wire->load->opt.via;

	char ip[INET_ADDRSTRLEN];

	rf_put_fmt(w, "Contact: <sip:%u@%s:%u%s>", p->number, wire_ip(p->wire, ip), p->wire->port,
		   via == RF_SIP_UDP ? "" : via == RF_SIP_TCP ? ";transport=tcp" : ";transport=tls");
}

void phone_put_login(struct phone *p, struct rf_digest_login *login, enum rf_sip_hid header, struct rf_view method,
		     struct rf_view uri, struct rf_writer *w)
{
	char user[16];

	if (!login->begun)
		return;
	snprintf(user, sizeof user, "%u", p->number);
	rf_sip_put_hdr_name(w, header);
	if (rf_digest_login_put(login, p->wire->load->digest, rf_view_str(user), &p->ha1, method, uri, RF_V(""), w))
		fail(p->wire->load, "credentials of phone %u", p->number);
	rf_sip_put_crlf(w);
}

static void make_ha1(struct phone *p, struct rf_view realm)
{
	struct load *l = p->wire->load;
	char user[16], password[128];

	if (p->ha1_done)
		return;
	snprintf(user, sizeof user, "%u", p->number);
	snprintf(password, sizeof password, "%s%u", l->opt.password ? l->opt.password : "", p->number);
	rf_digest_ha1(l->digest, RF_DIGEST_SHA256, rf_view_str(user), realm, rf_view_str(password), &p->ha1);
	p->ha1_done = 1;
}

bool phone_challenged(struct phone *p, struct rf_digest_login *login, enum rf_sip_hid challenge)
{
	struct load *l = p->wire->load;
	struct rf_digest_challenge ch[4];
	size_t n = 0;

	for (const struct rf_sip_hdr *h = rf_sip_msg_hdr(l->msg, challenge); h && n < 4;
	     h = rf_sip_msg_hdr_next(l->msg, h))
		if (rf_digest_challenge_parse(h->value, &ch[n]) == 0)
			n++;
	if (n == 0 || !l->opt.password)
		return false;
	make_ha1(p, ch[0].realm);
	return rf_digest_login_begin(login, ch, n, RF_DIGEST_BIT(RF_DIGEST_SHA256), &l->random) == 0;
}

void phone_register(struct phone *p)
{
	struct load *l = p->wire->load;
	char uri[300];
	struct rf_writer w;
	struct rf_view bytes;

	snprintf(uri, sizeof uri, "sip:%s", l->opt.domain);
	rf_writer_init(&w, l->scratch, SCRATCH);
	rf_sip_put_request(&w, RF_V("REGISTER"), rf_view_str(uri));
	put_via(p, &w);
	rf_put_fmt(&w, "Max-Forwards: 70\r\nFrom: <sip:%u@%s>;tag=r%u\r\nTo: <sip:%u@%s>\r\nCall-ID: reg-%u-%u\r\n", p->number,
		   l->opt.domain, p->number, p->number, l->opt.domain, p->number, p->wire->port);
	rf_sip_put_cseq(&w, ++p->reg_cseq, RF_V("REGISTER"));
	put_contact(p, &w);
	for (unsigned i = 1; i < l->contacts; i++)
		rf_put_fmt(&w, ";expires=3600\r\nContact: <sip:%u-%u@127.0.0.1:%u;transport=%s>", p->number, i, p->wire->port,
			   l->opt.via == RF_SIP_UDP ? "udp" : l->opt.via == RF_SIP_TCP ? "tcp" : "tls");
	rf_put_lit(&w, ";expires=3600\r\nUser-Agent: sipload\r\n");
	phone_put_login(p, &p->login, RF_SIP_H_AUTHORIZATION, RF_V("REGISTER"), rf_view_str(uri), &w);
	rf_sip_put_end(&w);
	if (rf_writer_done(&w, &bytes)) {
		fail(l, "REGISTER of phone %u cannot be written", p->number);
		return;
	}
	p->reg_sent_us = l->now_us;
	wire_send(p->wire, bytes);
}

static void registered(struct phone *p, unsigned status)
{
	struct load *l = p->wire->load;

	if (!p->reg_sent_us || l->msg->cseq != p->reg_cseq || status < 200)
		return;
	if (status == 401 && p->reg_tries++ < 2 && phone_challenged(p, &p->login, RF_SIP_H_WWW_AUTHENTICATE)) {
		phone_register(p);
		return;
	}
	if (l->wave_us && status != 200) {
		p->wire->next_us = 0; /* it comes again when it is looked at */
		return;
	}
	histogram_add(&l->answer, l->now_us - (l->wave_us ? l->wave_us : p->reg_sent_us));
	p->reg_sent_us = 0;
	p->reg_tries = 0;
	l->done++;
	if (status != 200) {
		fail(l, "REGISTER of phone %u was answered %u", p->number, status);
		return;
	}
	rf_digest_login_accepted(&p->login);
	l->bindings++;
}

void phones_repeat(struct load *l)
{
	for (unsigned i = 0; i < l->opt.phones; i++) {
		struct phone *p = &l->phones[i];

		if (!p->reg_sent_us || l->now_us - p->reg_sent_us < REPEAT_US * 4)
			continue;
		if (l->opt.via == RF_SIP_UDP && p->reg_tries++ < TRIES) {
			l->repeats++;
			phone_register(p);
			continue;
		}
		if (l->now_us - p->reg_sent_us < 32000000)
			continue;
		p->reg_sent_us = 0;
		l->done++;
		fail(l, "REGISTER of phone %u got no answer", p->number);
	}
}

/* Which phone a request is for: the user of the Request-URI. */
static struct phone *callee(struct load *l)
{
	uint32_t number;

	return rf_view_u32(l->msg->uri.user, &number) ? phone_numbered(l, number) : NULL;
}

void phone_receive(struct wire *wire, struct rf_view bytes, enum rf_sip_carrier carrier)
{
	struct load *l = wire->load;

	if (rf_sip_msg_parse(l->msg, bytes, carrier, NULL)) {
		fail(l, "the server sent what we cannot read: %s", rf_sip_rule_info(l->msg->rule)->name);
		return;
	}
	if (l->msg->is_request) {
		struct phone *p = callee(l);

		if (p)
			call_request(wire, p);
		return;
	}
	if (l->msg->cseq_method == RF_SIP_REGISTER) {
		uint32_t number;
		struct phone *p = rf_view_u32(l->msg->from.uri.user, &number) ? phone_numbered(l, number) : NULL;

		if (p)
			registered(p, l->msg->status);
		return;
	}
	call_response(l);
}
