#include "ua/stats.h"

#include "ua/ua_int.h"

static const char *const names[RF_UA_COUNTS] = {
	[RF_UA_REQUESTS_IN] = "requests-in",
	[RF_UA_RESPONSES_IN] = "responses-in",
	[RF_UA_REQUESTS_OUT] = "requests-out",
	[RF_UA_RESPONSES_OUT] = "responses-out",
	[RF_UA_REPEATED_IN] = "repeated-in",
	[RF_UA_REPEATED_OUT] = "repeated-out",
	[RF_UA_PINGS_IN] = "pings-in",
	[RF_UA_PONGS_IN] = "pongs-in",
	[RF_UA_FLOWS_OPENED] = "flows-opened",
	[RF_UA_FLOWS_CLOSED] = "flows-closed",
	[RF_UA_FLOWS_AGED] = "flows-aged",
	[RF_UA_MAIL_IN] = "mail-in",
	[RF_UA_MAIL_OUT] = "mail-out",
	[RF_UA_REFUSED_PEER] = "refused-peer",
	[RF_UA_REFUSED_PARSE] = "refused-parse",
	[RF_UA_REFUSED_RATE] = "refused-rate",
	[RF_UA_REFUSED_PENALTY] = "refused-penalty",
	[RF_UA_REFUSED_TRANSACTIONS] = "refused-transactions",
	[RF_UA_REFUSED_DRAIN] = "refused-drain",
	[RF_UA_REFUSED_CLIENTS] = "refused-clients",
	[RF_UA_REFUSED_HOPS] = "refused-hops",
	[RF_UA_REFUSED_MERGED] = "refused-merged",
	[RF_UA_REFUSED_SIPS] = "refused-sips",
	[RF_UA_REFUSED_EXTENSION] = "refused-extension",
	[RF_UA_REFUSED_CANCEL] = "refused-cancel",
	[RF_UA_REFUSED_FRAME] = "refused-frame",
	[RF_UA_REFUSED_WEBSOCKET] = "refused-websocket",
	[RF_UA_REFUSED_MAIL] = "refused-mail",
	[RF_UA_STRAY_RESPONSE] = "stray-response",
	[RF_UA_STRAY_ACK] = "stray-ack",
	[RF_UA_FOREIGN_RESPONSE] = "foreign-response",
	[RF_UA_EVICTED] = "evicted",
	[RF_UA_FORKS_CUT] = "forks-cut",
	[RF_UA_SEND_FAILED] = "send-failed",
	[RF_UA_NO_MEMORY] = "no-memory",
	[RF_UA_TLS_REFUSED] = "tls-refused",
	[RF_UA_EVENTS_CUT] = "events-cut",
};

const char *rf_ua_count_name(enum rf_ua_count count)
{
	return count < RF_UA_COUNTS ? names[count] : "unknown";
}

static uint64_t load(const uint64_t *x)
{
	return __atomic_load_n(x, __ATOMIC_RELAXED);
}

void rf_ua_stats(const struct rf_ua *ua, struct rf_ua_stats *ret_stats)
{
	const struct rf_ua_stats *s = &ua->stats;

	for (size_t i = 0; i < RF_UA_COUNTS; i++)
		ret_stats->count[i] = load(&s->count[i]);
	for (size_t i = 0; i < RF_SIP_RULES; i++)
		ret_stats->by_rule[i] = load(&s->by_rule[i]);
	ret_stats->srv_now = load(&s->srv_now);
	ret_stats->cli_now = load(&s->cli_now);
	ret_stats->flows_now = load(&s->flows_now);
	ret_stats->acks_now = load(&s->acks_now);
	ret_stats->srv_most = load(&s->srv_most);
	ret_stats->cli_most = load(&s->cli_most);
}
