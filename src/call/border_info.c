/* INFO through a border (RFC 6086, 5168, 4733): said anew from what was understood of it. A key is a key, a request for
 * a whole picture that request; whatever else stood beside it, in the body, behind its type or in the name of a
 * package, stays. */
#include "call/border.h"

#include "call/call_int.h"
#include "sip/keys.h"

enum { PACKAGE_MAX = 32, EVENT_BYTES = 4 };

typedef unsigned say_fn(struct rf_view type, struct rf_view body, struct rf_writer *w);

static unsigned say_relay(struct rf_view type, struct rf_view body, struct rf_writer *w)
{
	struct rf_sip_key key;

	if (rf_sip_key_parse(type, body, &key))
		return 400;
	rf_sip_key_put(w, &key);
	return 0;
}

static unsigned say_key(struct rf_view type, struct rf_view body, struct rf_writer *w)
{
	struct rf_sip_key key;

	if (rf_sip_key_parse(type, body, &key))
		return 400;
	rf_sip_key_put_alone(w, &key);
	return 0;
}

/* An event as in RTP (RFC 4733 2.3): four bytes tell nothing of anybody. */
static unsigned say_event(struct rf_view type, struct rf_view body, struct rf_writer *w)
{
	(void)type;
	if (body.n != EVENT_BYTES)
		return 415;
	rf_put(w, body);
	return 0;
}

static bool has(struct rf_view text, struct rf_view word)
{
	for (size_t at = 0; at + word.n <= text.n; at++)
		if (rf_view_starts(rf_view_from(text, at), word))
			return true;
	return false;
}

static unsigned say_picture(struct rf_view type, struct rf_view body, struct rf_writer *w)
{
	(void)type;
	if (!has(body, RF_V("<picture_fast_update")))
		return 415;
	rf_put_lit(w, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<media_control><vc_primitive><to_encoder>"
		      "<picture_fast_update/></to_encoder></vc_primitive></media_control>\n");
	return 0;
}

static const struct {
	struct rf_view type;
	say_fn *say;
} kinds[] = {
	{ { (const uint8_t *)"application/dtmf-relay", 22 }, say_relay },
	{ { (const uint8_t *)"application/dtmf", 16 }, say_key },
	{ { (const uint8_t *)"audio/telephone-event", 21 }, say_event },
	{ { (const uint8_t *)"application/media_control+xml", 29 }, say_picture },
};

unsigned rf_border_info(const struct rf_sip_msg *msg, struct rf_view *ret_type, struct rf_writer *w)
{
	*ret_type = RF_V("");
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (rf_sip_msg_is_type(msg, kinds[i].type)) {
			*ret_type = kinds[i].type;
			return kinds[i].say(kinds[i].type, msg->body, w);
		}
	return msg->body.n ? 415 : 0;
}

void rf_border_put_package(const struct rf_site *site, const struct rf_sip_msg *msg, struct rf_writer *w)
{
	const struct rf_sip_hdr *h = rf_sip_msg_named(msg, RF_V("Info-Package"), NULL);
	struct rf_view name = h ? rf_view_trim(rf_view_sub(h->value, 0, rf_view_find(h->value, ';'))) : RF_V("");

	if (rf_sip_is_token(name) && name.n <= PACKAGE_MAX && !rf_border_tells(site, name, true))
		rf_sip_put_hdr_named(w, RF_V("Info-Package"), name);
}
