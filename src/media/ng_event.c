#include "media/ng_event.h"

#include "media/limits.h"
#include "media/ng_out.h"

static const char begin[] = "event_";

void rf_ng_event_put(struct rf_writer *w, uint64_t number, const struct rf_ng_event *e)
{
	struct rf_ng_out o;

	rf_put(w, rf_view_str(begin));
	rf_put_u64(w, number);
	rf_put_byte(w, ' ');
	rf_ng_out_init(&o, w, RF_NG_BENCODE);
	rf_ng_out_dict(&o);
	rf_ng_out_member(&o, "call-id", e->call_id);
	rf_ng_out_number(&o, "code", e->code);
	rf_ng_out_number(&o, "duration", e->ms);
	rf_ng_out_member(&o, "event", RF_V("DTMF"));
	rf_ng_out_member(&o, "tag", e->tag);
	rf_ng_out_end(&o);
}

static bool is_int(const struct rf_ng_value *top, const char *key, int64_t most, int64_t *ret)
{
	const struct rf_ng_value *v = rf_ng_get(top, key);

	*ret = v && v->type == RF_NG_INT ? v->num : -1;
	return *ret >= 0 && *ret <= most;
}

int rf_ng_event_parse(struct rf_view message, struct rf_arena *arena, struct rf_ng_event *ret_event)
{
	enum rf_ng_encoding encoding;
	struct rf_ng_value *top = NULL;
	struct rf_view cookie;
	int64_t code, ms;

	if (!rf_view_starts(message, rf_view_str(begin)))
		return RF_E_NOT_FOUND;
	int rc = rf_ng_message_parse(message, arena, &cookie, &encoding, &top, NULL);

	if (rc)
		return rc;
	*ret_event = (struct rf_ng_event){ rf_ng_get_str(top, "call-id"), rf_ng_get_str(top, "tag"), 0, 0 };
	if (!rf_view_eq(rf_ng_get_str(top, "event"), RF_V("DTMF")) || !is_int(top, "code", 15, &code) ||
	    !is_int(top, "duration", UINT16_MAX, &ms) || !ret_event->call_id.n || !ret_event->tag.n)
		return RF_E_MALFORMED;
	ret_event->code = (uint8_t)code;
	ret_event->ms = (uint16_t)ms;
	return 0;
}
