#include "ledger/event.h"

struct kind {
	const char *name, *about;
	bool alert;
};

static const struct kind kinds[RF_EVENT_KIND_COUNT] = {
	[RF_EVENT_START] = { "start", "a role began to work", false },
	[RF_EVENT_STOP] = { "stop", "a role ended in good order", false },
	[RF_EVENT_INIT] = { "init", "the site directory was made", false },
	[RF_EVENT_CONFIG_LOADED] = { "config.loaded", "a site file was taken into use", false },
	[RF_EVENT_CONFIG_REFUSED] = { "config.refused", "a site file was refused, the old one kept", true },
	[RF_EVENT_REGISTRATION_ACCEPTED] = { "registration.accepted", "a phone registered", false },
	[RF_EVENT_REGISTRATION_REFUSED] = { "registration.refused", "a registration was refused", true },
	[RF_EVENT_REGISTRATION_EXPIRED] = { "registration.expired", "a phone did not register again in time", false },
	[RF_EVENT_REGISTRATION_REMOVED] = { "registration.removed", "a binding was taken back", false },
	[RF_EVENT_CALL_START] = { "call.start", "a call was accepted for routing", false },
	[RF_EVENT_CALL_RING] = { "call.ring", "the called phone rings", false },
	[RF_EVENT_CALL_ANSWER] = { "call.answer", "a call was answered", false },
	[RF_EVENT_CALL_HOLD] = { "call.hold", "one side put the other on hold", false },
	[RF_EVENT_CALL_RESUME] = { "call.resume", "a held call went on", false },
	[RF_EVENT_CALL_FORWARDED] = { "call.forwarded", "a call went on to another number", false },
	[RF_EVENT_CALL_END] = { "call.end", "a call ended", false },
	[RF_EVENT_CALL_MEDIA] = { "call.media", "how the media of a call was that ended, as its relay saw it", false },
	[RF_EVENT_EMERGENCY_CALL] = { "emergency.call", "somebody called for help", true },
	[RF_EVENT_EMERGENCY_TEST] = { "emergency.test", "somebody tested emergency calls", false },
	[RF_EVENT_EMERGENCY_CALLBACK] = { "emergency.callback", "a call back to who called for help", true },
	[RF_EVENT_EMERGENCY_HOOK] = { "emergency.hook", "the site's program was run", false },
	[RF_EVENT_CALL_PREEMPTED] = { "call.preempted", "a call gave way to one of higher precedence", true },
	[RF_EVENT_CALL_TONE] = { "call.tone", "a phone was told by a tone why its call has ended, or could not be", false },
	[RF_EVENT_CALL_REFUSED] = { "call.refused", "a call was refused", true },
	[RF_EVENT_CALL_TRANSFERRED] = { "call.transferred", "somebody in a call was given to somebody else", false },
	[RF_EVENT_CALL_TRANSFER_REFUSED] = { "call.transfer_refused", "a transfer was refused or failed; says why", true },
	[RF_EVENT_CALL_PICKED_UP] = { "call.picked_up", "a call that rang elsewhere was taken", false },
	[RF_EVENT_CALL_PARKED] = { "call.parked", "a call was put into a parking slot", false },
	[RF_EVENT_CALL_RETRIEVED] = { "call.retrieved", "a parked call was taken, or came back to who parked it", false },
	[RF_EVENT_MEDIA_REFUSED] = { "media.refused", "media broke the policy of the site", true },
	[RF_EVENT_IDENTITY_REFUSED] = { "identity.refused", "someone spoke for an identity that is not theirs", true },
	[RF_EVENT_IDENTITY_SIGNED] = { "identity.signed", "a call to the outside was signed", false },
	[RF_EVENT_IDENTITY_VERIFIED] = { "identity.verified", "another organisation's signature proved who calls", false },
	[RF_EVENT_IDENTITY_INVALID] = { "identity.invalid", "a signed caller identity was not believed", true },
	[RF_EVENT_AUTH_FAILED] = { "auth.failed", "a wrong password or certificate", true },
	[RF_EVENT_MESSAGE_REFUSED] = { "message.refused", "bytes that are no acceptable message", false },
	[RF_EVENT_CONNECTION_REFUSED] = { "connection.refused", "a connection was refused or closed by us", false },
	[RF_EVENT_TRUNK_UP] = { "trunk.up", "a trunk answers", false },
	[RF_EVENT_TRUNK_DOWN] = { "trunk.down", "a trunk does not answer: calls pass it by", true },
	[RF_EVENT_TRUNK_LOGIN] = { "trunk.login", "a trunk does not take our password", true },
	[RF_EVENT_TRUNK_REGISTERED] = { "trunk.registered", "a trunk knows where we are", false },
	[RF_EVENT_SOURCE_BLOCKED] = { "source.blocked",
				      "an address outside attacks: nothing of it is looked at for a while", true },
	[RF_EVENT_SOURCE_FORGIVEN] = { "source.forgiven", "somebody took a penalty back", false },
	[RF_EVENT_LIMIT] = { "limit", "a bound was reached and work refused", true },
	[RF_EVENT_OVERLOAD] = { "overload", "too much to do: new work is refused in part", true },
	[RF_EVENT_OVERLOAD_OVER] = { "overload.over", "all new work is taken again", false },
	[RF_EVENT_OPERATOR] = { "operator", "an administrator acted on the running system", false },
	[RF_EVENT_WATCH_START] = { "watch.start", "somebody watches a number: its calls, presence or mailbox", false },
	[RF_EVENT_WATCH_END] = { "watch.end", "a subscription ended, and why", false },
	[RF_EVENT_WATCH_REFUSED] = { "watch.refused", "a subscription or publication was refused", true },
	[RF_EVENT_TEXT_DELIVERED] = { "text.delivered", "a phone took a text message; its content is never on record", false },
	[RF_EVENT_TEXT_REFUSED] = { "text.refused", "a text message was refused or reached nobody", false },
	[RF_EVENT_MAILBOX] = { "mailbox", "somebody said how many messages wait in a mailbox", false },
	[RF_EVENT_PHONE_ADDED] = { "phone.added", "a phone was added", false },
	[RF_EVENT_PHONE_REMOVED] = { "phone.removed", "a phone was removed and its certificates revoked", false },
	[RF_EVENT_PHONE_LOCKED] = { "phone.locked", "a phone was locked", true },
	[RF_EVENT_PHONE_UNLOCKED] = { "phone.unlocked", "a phone was unlocked", false },
	[RF_EVENT_USER_ADDED] = { "user.added", "a user was added", false },
	[RF_EVENT_USER_REMOVED] = { "user.removed", "a user was removed", false },
	[RF_EVENT_USER_CHANGED] = { "user.changed", "a user's password or rights changed", false },
	[RF_EVENT_USER_LOCKED] = { "user.locked", "a user was locked", true },
	[RF_EVENT_USER_UNLOCKED] = { "user.unlocked", "a user was unlocked", false },
	[RF_EVENT_NUMBER_CHANGED] = { "number.changed", "what is set for a number was changed", false },
	[RF_EVENT_STIR_ADDED] = { "stir.added", "a certificate of another organisation was kept for its signed calls",
				  false },
	[RF_EVENT_STIR_REMOVED] = { "stir.removed", "such a certificate was taken out", false },
	[RF_EVENT_CERTIFICATE_ISSUED] = { "certificate.issued",
					  "the site CA signed a certificate; a phone's one before is revoked", false },
	[RF_EVENT_CERTIFICATE_REVOKED] = { "certificate.revoked", "the certificates of a host were revoked", true },
	[RF_EVENT_WALL_APPLIED] = { "wall.applied", "a router loaded a bundle, which waits to be confirmed", false },
	[RF_EVENT_WALL_CONFIRMED] = { "wall.confirmed", "the bundle that a router had loaded was confirmed", false },
	[RF_EVENT_WALL_REVERTED] = { "wall.reverted", "a bundle was taken back and the one before loaded again", true },
	[RF_EVENT_WALL_REFUSED] = { "wall.refused", "a bundle, a pinhole or who asked for one was refused by a wall", true },
	[RF_EVENT_WALL_DROPS] = { "wall.drops", "packets that a rule of a router dropped, since the last such event", false },
	[RF_EVENT_WALL_PINHOLES] = { "wall.pinholes", "how many pinholes a wall opened and closed since the last such event", false },
	[RF_EVENT_RELAY_ENDED] = { "relay.ended", "a session of a media relay ended by itself, or its media failed; says why", false },
	[RF_EVENT_RELAY_REFUSED] = { "relay.refused", "somebody asked a media relay who may not, or asked for what it does not do", true },
	[RF_EVENT_RELAY_DROPS] = { "relay.drops", "packets or requests that a media relay refused by one rule, since the last such event",
		false },
	[RF_EVENT_RELAY_WALL] = { "relay.wall", "a wall can be asked for pinholes, or cannot any more", true },
	[RF_EVENT_RELAY_PINHOLE] = { "relay.pinhole", "a wall did not open a pinhole that a call needs", true },
	[RF_EVENT_RELAY_RECORDING] = { "relay.recording",
		"copies of what parties of a call say were asked for, began or ended; says by whom and whose", false },
	[RF_EVENT_RELAY_NO_RECORDING] = { "relay.no-recording", "somebody wanted to record a call and was refused; says why", true },
	[RF_EVENT_FAULT] = { "fault", "a part of ringfort itself failed", true },
	[RF_EVENT_CDR] = { "cdr", "call detail record of one leg", false },
	[RF_EVENT_LEDGER_RECOVERED] = { "ledger.recovered", "half a line of a crashed writer was taken off", true },
	[RF_EVENT_LEDGER_GAP] = { "ledger.gap", "the disk refused for a while; says how many events were lost", true },
	[RF_EVENT_LEDGER_DAMAGED] = { "ledger.damaged", "the last line of the record fails its check", true },
	[RF_EVENT_LEDGER_TRUNCATED] = { "ledger.truncated", "the record ends before what the head had seen", true },
};

const char *rf_event_kind_name(enum rf_event_kind kind)
{
	return kind < RF_EVENT_KIND_COUNT ? kinds[kind].name : "unknown";
}

const char *rf_event_kind_about(enum rf_event_kind kind)
{
	return kind < RF_EVENT_KIND_COUNT ? kinds[kind].about : "";
}

bool rf_event_kind_alert(enum rf_event_kind kind)
{
	return kind < RF_EVENT_KIND_COUNT && kinds[kind].alert;
}

enum rf_event_kind rf_event_kind_of(struct rf_view name)
{
	int k = 0;

	while (k < RF_EVENT_KIND_COUNT && !rf_view_eq(rf_view_str(kinds[k].name), name))
		k++;
	return (enum rf_event_kind)k;
}

static const char cut_field[] = ",\"cut\":true";

void rf_event_init(struct rf_event *e, enum rf_event_kind kind, struct rf_wall time)
{
	e->time = time;
	e->kind = (uint8_t)kind;
	e->cut = false;
	/* Room is kept for the field that says that something was cut. */
	rf_writer_init(&e->w, e->bytes, sizeof e->bytes - (sizeof cut_field - 1));
}

/* A field that did not fit is taken back whole, so that the object stays well formed. */
static void keep_if_whole(struct rf_event *e, size_t before)
{
	if (e->w.err) {
		e->w.n = before;
		e->w.err = 0;
		e->cut = true;
	}
	if (e->cut && e->w.cap < sizeof e->bytes) {
		size_t n = sizeof cut_field - 1;

		memmove(e->bytes + n, e->bytes, e->w.n);
		memcpy(e->bytes, cut_field, n);
		e->w.n += n;
		e->w.cap = sizeof e->bytes;
	}
}

static bool plain(uint8_t c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* Is one of the eight bytes of x not plain? Each test has its answer in the high bits; a byte may set that of the next
 * one only when it is set itself. */
static bool odd_one_of_eight(uint64_t x)
{
	const uint64_t each = UINT64_C(0x0101010101010101), high = each * 0x80;
	uint64_t quote = x ^ each * '"', slash = x ^ each * '\\', del = x ^ each * 0x7f;

	return ((x | ((x - each * 0x20) & ~x) | ((quote - each) & ~quote) | ((slash - each) & ~slash) |
		 ((del - each) & ~del)) &
		high) != 0;
}

/* Length of the start of v that JSON takes as it is. */
static size_t plain_run(struct rf_view v)
{
	size_t n = 0;
	uint64_t x;

	for (; v.n - n >= sizeof x; n += sizeof x) {
		memcpy(&x, v.p + n, sizeof x);
		if (odd_one_of_eight(x))
			break;
	}
	while (n < v.n && plain(v.p[n]))
		n++;
	return n;
}

/* Cut between characters: step back over UTF-8 continuation bytes. */
static struct rf_view shorten(struct rf_view v, size_t n)
{
	while (n > 0 && (v.p[n] & 0xc0) == 0x80)
		n--;
	return rf_view_sub(v, 0, n);
}

void rf_event_put_str(struct rf_event *e, struct rf_view name, struct rf_view v)
{
	size_t before = e->w.n;
	bool longer = v.n > RF_EVENT_STR;

	if (v.n == 0)
		return;
	if (longer)
		v = shorten(v, RF_EVENT_STR);
	rf_put(&e->w, name);
	rf_put_byte(&e->w, '"');
	size_t run = plain_run(v);
	rf_put(&e->w, rf_view_sub(v, 0, run));
	if (run < v.n)
		rf_put_json(&e->w, rf_view_from(v, run));
	if (longer) {
		rf_put_lit(&e->w, "\xe2\x80\xa6");
		e->cut = true;
	}
	rf_put_byte(&e->w, '"');
	keep_if_whole(e, before);
}

void rf_event_put_u64(struct rf_event *e, struct rf_view name, uint64_t x)
{
	size_t before = e->w.n;

	rf_put(&e->w, name);
	rf_put_u64(&e->w, x);
	keep_if_whole(e, before);
}

void rf_event_put_bool(struct rf_event *e, struct rf_view name, bool x)
{
	size_t before = e->w.n;

	rf_put(&e->w, name);
	rf_put(&e->w, x ? RF_V("true") : RF_V("false"));
	keep_if_whole(e, before);
}

void rf_event_put_time(struct rf_event *e, struct rf_view name, struct rf_wall t)
{
	char text[RF_WALL_TEXT];

	if (t.us == 0)
		return;
	rf_wall_text(t, text);
	rf_event_put_str(e, name, rf_view_str(text));
}
