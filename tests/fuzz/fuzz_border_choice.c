/* A message that may have an offer in two forms: what is found lies in its body, behind another part, and is found again when it
 * is written anew. Up to the first line feed the bytes are a content type, the rest is a body. */
#include "call/border.h"

#include "sip/build.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* An INVITE with this body; NULL: it cannot be one. */
static uint8_t *make(struct rf_view type, struct rf_view body, struct rf_sip_msg *ret_msg)
{
	size_t room = type.n + body.n + 512;
	uint8_t *bytes = malloc(room);
	struct rf_writer w;

	rf_writer_init(&w, bytes, bytes ? room : 0);
	rf_put_lit(&w, "INVITE sip:1@h SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\r\nFrom: <sip:2@h>;tag=1\r\nTo: <sip:1@h>\r\n"
		       "Call-ID: 1\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n");
	rf_sip_put_body(&w, type, body);
	if (w.err || rf_sip_msg_parse(ret_msg, rf_view_of(bytes, w.n), RF_SIP_DATAGRAM, NULL)) {
		free(bytes);
		return NULL;
	}
	return bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rf_view all = rf_view_of(data, n), browser, again;
	size_t line = rf_view_find(all, '\n');
	struct rf_sip_msg *msg = malloc(sizeof *msg);
	uint8_t *bytes = msg ? make(rf_view_sub(all, 0, line), rf_view_from(all, line < n ? line + 1 : n), msg) : NULL;

	if (bytes && rf_border_choice(msg, &browser)) {
		must(browser.p > msg->body.p && browser.p + browser.n <= msg->body.p + msg->body.n);
		size_t room = browser.n + 512;
		uint8_t *body = malloc(room), *copy;
		struct rf_writer w;

		must(body != NULL);
		rf_writer_init(&w, body, room);
		rf_border_put_choice(&w, RF_V("a-boundary-that-is-in-no-seed"), RF_V("v=0"), browser);
		copy = make(RF_V("multipart/alternative;boundary=a-boundary-that-is-in-no-seed"), rf_view_of(body, w.n), msg);
		must(copy != NULL);
		/* unless the boundary itself is in it */
		if (rf_border_choice(msg, &again) && again.n == browser.n)
			must(rf_view_eq(again, browser));
		free(copy);
		free(body);
	}
	free(bytes);
	free(msg);
	return 0;
}
