#include "sip/keys.h"

static const char names[] = "0123456789*#ABCD";

static bool is_type(struct rf_view type, struct rf_view name)
{
	return rf_view_eq_nocase(rf_view_trim(rf_view_sub(type, 0, rf_view_find(type, ';'))), name);
}

/* '5', '#', 'a', or the number of an event: "11" is '#' for some. */
static bool event_of(struct rf_view v, uint8_t *ret)
{
	uint64_t x;

	if (v.n == 1 && v.p[0]) {
		const char *at = strchr(names, v.p[0] >= 'a' && v.p[0] <= 'd' ? v.p[0] - 0x20 : v.p[0]);

		*ret = at ? (uint8_t)(at - names) : 0;
		return at != NULL;
	}
	if (v.n != 2 || !rf_view_u64(v, 15, &x) || x < 10)
		return false;
	*ret = (uint8_t)x;
	return true;
}

static struct rf_view line_of(struct rf_view *v)
{
	size_t n = rf_view_find(*v, '\n');
	struct rf_view line = rf_view_trim(rf_view_sub(*v, 0, n));

	*v = rf_view_from(*v, n + 1);
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	return rf_view_trim(line);
}

static int parse_relay(struct rf_view body, struct rf_sip_key *key)
{
	bool signal = false, duration = false;

	while (body.n) {
		struct rf_view line = line_of(&body);
		size_t eq = rf_view_find(line, '=');
		struct rf_view name = rf_view_trim(rf_view_sub(line, 0, eq)),
			       value = rf_view_trim(rf_view_from(line, eq + 1));
		uint64_t ms;

		if (rf_view_eq_nocase(name, RF_V("Signal"))) {
			if (signal || !event_of(value, &key->event))
				return RF_E_MALFORMED;
			signal = true;
		} else if (rf_view_eq_nocase(name, RF_V("Duration"))) {
			if (duration || !rf_view_u64(value, 1000000, &ms))
				return RF_E_MALFORMED;
			key->ms = (uint16_t)(ms < RF_SIP_KEY_MS_MIN ? RF_SIP_KEY_MS_MIN :
					     ms > RF_SIP_KEY_MS_MAX ? RF_SIP_KEY_MS_MAX :
					     ms);
			duration = true;
		}
	}
	return signal ? 0 : RF_E_MALFORMED;
}

int rf_sip_key_parse(struct rf_view type, struct rf_view body, struct rf_sip_key *ret_key)
{
	bool relay = is_type(type, RF_V("application/dtmf-relay"));
	struct rf_view rest = body;

	*ret_key = (struct rf_sip_key){ .ms = RF_SIP_KEY_MS };
	if (!relay && !is_type(type, RF_V("application/dtmf")))
		return RF_E_UNSUPPORTED;
	if (body.n > RF_SIP_KEY_BYTES_MAX)
		return RF_E_MALFORMED;
	if (relay)
		return parse_relay(body, ret_key);
	if (!event_of(line_of(&rest), &ret_key->event))
		return RF_E_MALFORMED;
	return line_of(&rest).n || rest.n ? RF_E_MALFORMED : 0;
}

void rf_sip_key_put(struct rf_writer *w, const struct rf_sip_key *key)
{
	rf_put_lit(w, "Signal=");
	rf_put_byte(w, (uint8_t)names[key->event & 15]);
	rf_put_lit(w, "\r\nDuration=");
	rf_put_u64(w, key->ms);
	rf_put_lit(w, "\r\n");
}

void rf_sip_key_put_alone(struct rf_writer *w, const struct rf_sip_key *key)
{
	rf_put_byte(w, (uint8_t)names[key->event & 15]);
}
