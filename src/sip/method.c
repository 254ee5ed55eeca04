#include "sip/method.h"

static const struct rf_view names[RF_SIP_METHODS] = {
	[RF_SIP_INVITE] = { (const uint8_t *)"INVITE", 6 },
	[RF_SIP_ACK] = { (const uint8_t *)"ACK", 3 },
	[RF_SIP_BYE] = { (const uint8_t *)"BYE", 3 },
	[RF_SIP_CANCEL] = { (const uint8_t *)"CANCEL", 6 },
	[RF_SIP_OPTIONS] = { (const uint8_t *)"OPTIONS", 7 },
	[RF_SIP_REGISTER] = { (const uint8_t *)"REGISTER", 8 },
	[RF_SIP_PRACK] = { (const uint8_t *)"PRACK", 5 },
	[RF_SIP_UPDATE] = { (const uint8_t *)"UPDATE", 6 },
	[RF_SIP_INFO] = { (const uint8_t *)"INFO", 4 },
	[RF_SIP_SUBSCRIBE] = { (const uint8_t *)"SUBSCRIBE", 9 },
	[RF_SIP_NOTIFY] = { (const uint8_t *)"NOTIFY", 6 },
	[RF_SIP_REFER] = { (const uint8_t *)"REFER", 5 },
	[RF_SIP_MESSAGE] = { (const uint8_t *)"MESSAGE", 7 },
	[RF_SIP_PUBLISH] = { (const uint8_t *)"PUBLISH", 7 },
};

enum rf_sip_method rf_sip_method_of(struct rf_view name)
{
	for (unsigned i = RF_SIP_UNKNOWN + 1; i < RF_SIP_METHODS; i++)
		if (names[i].n == name.n && names[i].p[0] == name.p[0] && rf_view_eq(names[i], name))
			return (enum rf_sip_method)i;
	return RF_SIP_UNKNOWN;
}

struct rf_view rf_sip_method_name(enum rf_sip_method method)
{
	return (unsigned)method < RF_SIP_METHODS ? names[method] : (struct rf_view){ NULL, 0 };
}
