/* Every key of a site file: one row each. */
#include "site/schema.h"
#include "site/site_int.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define AT(type, member) offsetof(struct type, member)
#define ALL(member) offsetof(struct rf_site_all, member)

static const struct rf_choice levels[] = {
	{ "minimum", RF_LEVEL_MINIMUM }, { "medium", RF_LEVEL_MEDIUM }, { "highest", RF_LEVEL_HIGHEST }, { 0 },
};

static const struct rf_choice transports[] = {
	{ "tls", RF_TRANSPORT_TLS }, { "tcp", RF_TRANSPORT_TCP }, { "udp", RF_TRANSPORT_UDP },
	{ "wss", RF_TRANSPORT_WSS }, { "ws", RF_TRANSPORT_WS }, { 0 },
};

static const struct rf_choice digests[] = {
	{ "sha-256", RF_SITE_DIGEST_SHA256 }, { "sha-512-256", RF_SITE_DIGEST_SHA512_256 },
	{ "md5", RF_SITE_DIGEST_MD5 }, { 0 },
};

static const struct rf_choice suites[] = {
	{ "AEAD_AES_256_GCM", 1u << RF_SITE_AEAD_AES_256_GCM },
	{ "AEAD_AES_128_GCM", 1u << RF_SITE_AEAD_AES_128_GCM },
	{ "AES_256_CM_HMAC_SHA1_80", 1u << RF_SITE_AES_256_CM_HMAC_SHA1_80 },
	{ "AES_CM_128_HMAC_SHA1_80", 1u << RF_SITE_AES_CM_128_HMAC_SHA1_80 },
	{ "AES_CM_128_HMAC_SHA1_32", 1u << RF_SITE_AES_CM_128_HMAC_SHA1_32 }, { 0 },
};

static const struct rf_choice watchers[] = {
	{ "own", RF_WATCH_OWN }, { "pickup_group", RF_WATCH_PICKUP_GROUP }, { "all", RF_WATCH_ALL }, { 0 },
};

static const struct rf_choice dnd_answers[] = {
	{ "unavailable", RF_DND_UNAVAILABLE }, { "busy", RF_DND_BUSY }, { 0 },
};

static const struct rf_choice demands[] = {
	{ "required", RF_ASKED_YES }, { "optional", RF_ASKED_NO }, { 0 },
};

static const struct rf_choice switches[] = { { "true", RF_ASKED_YES }, { "false", RF_ASKED_NO }, { 0 } };

static const struct rf_choice profiles[] = {
	{ "standard", 1 + RF_CRYPTO_STANDARD }, { "cnsa", 1 + RF_CRYPTO_CNSA }, { 0 },
};

/* locations */

static const struct rf_key location_rows[] = {
	{ "building", RF_KEY_TEXT, AT(rf_site_location, building) },
	{ "floor", RF_KEY_TEXT, AT(rf_site_location, floor) },
	{ "room", RF_KEY_TEXT, AT(rf_site_location, room) },
	{ "address", RF_KEY_TEXT, AT(rf_site_location, address) },
	{ "country", RF_KEY_COUNTRY, AT(rf_site_location, country) },
	{ "state", RF_KEY_TEXT, AT(rf_site_location, state) },
	{ "county", RF_KEY_TEXT, AT(rf_site_location, county) },
	{ "city", RF_KEY_TEXT, AT(rf_site_location, city) },
	{ "street", RF_KEY_TEXT, AT(rf_site_location, street) },
	{ "house_number", RF_KEY_TEXT, AT(rf_site_location, house_number) },
	{ "postal_code", RF_KEY_TEXT, AT(rf_site_location, postal_code) },
	{ "elin", RF_KEY_NUMBER, AT(rf_site_location, elin) },
	{ "dial_plan", RF_KEY_NAME, AT(rf_site_location, dial_plan_name) },
	{ "class", RF_KEY_NAME, AT(rf_site_location, class_name) },
	{ "link", RF_KEY_NAME, AT(rf_site_location, link_name) },
};

static const struct rf_keys location_keys = {
	"a location", location_rows, COUNT(location_rows), sizeof(struct rf_site_location), NULL,
	AT(rf_site_location, name), true, AT(rf_site_location, pos),
};

/* phones: the columns of the phones file have the same names */

static const struct rf_key phone_rows[] = {
	{ "name", RF_KEY_NAME, AT(rf_site_phone, name), .required = true },
	{ "number", RF_KEY_NUMBER, AT(rf_site_phone, number), .required = true },
	{ "location", RF_KEY_NAME, AT(rf_site_phone, location_name), .place_at = AT(rf_site_phone, location_pos) },
	{ "mac", RF_KEY_MAC, AT(rf_site_phone, mac_text), AT(rf_site_phone, mac), AT(rf_site_phone, has_mac),
	  .place_at = AT(rf_site_phone, mac_pos) },
	{ "switch", RF_KEY_NAME, AT(rf_site_phone, switch_name), .place_at = AT(rf_site_phone, switch_pos) },
	{ "port", RF_KEY_TEXT, AT(rf_site_phone, port), .place_at = AT(rf_site_phone, port_pos) },
	{ "label", RF_KEY_TEXT, AT(rf_site_phone, label) },
	{ "class", RF_KEY_NAME, AT(rf_site_phone, class_name) },
	{ "pickup_group", RF_KEY_NAME, AT(rf_site_phone, pickup_group) },
	{ "precedence", RF_KEY_GRANT, AT(rf_site_phone, precedence) },
	{ "dtmf", RF_KEY_CHOICE, AT(rf_site_phone, dtmf), .choices = rf_dtmf_choices,
	  .place_at = AT(rf_site_phone, dtmf_pos) },
	{ "confirmed", RF_KEY_DATE, AT(rf_site_phone, confirmed_text), AT(rf_site_phone, confirmed_s) },
};

const struct rf_keys rf_phone_keys = {
	"a phone", phone_rows, COUNT(phone_rows), sizeof(struct rf_site_phone), NULL, 0, true, AT(rf_site_phone, pos),
};

/* deviations */

static const struct rf_key deviation_rows[] = {
	{ "mitigation", RF_KEY_NAME, AT(rf_site_deviation, mitigation), .required = true,
	  .place_at = AT(rf_site_deviation, mitigation_pos) },
	{ "reason", RF_KEY_TEXT, AT(rf_site_deviation, reason), .required = true,
	  .place_at = AT(rf_site_deviation, reason_pos) },
	{ "approved_by", RF_KEY_TEXT, AT(rf_site_deviation, approved_by), .required = true,
	  .place_at = AT(rf_site_deviation, approved_pos) },
	{ "until", RF_KEY_DATE, AT(rf_site_deviation, until_text), AT(rf_site_deviation, until_s), .required = true,
	  .place_at = AT(rf_site_deviation, until_pos) },
	{ "trunks", RF_KEY_NAMES, AT(rf_site_deviation, trunks), .place_at = AT(rf_site_deviation, trunks_pos) },
};

static const struct rf_keys deviation_keys = {
	"a deviation", deviation_rows, COUNT(deviation_rows), sizeof(struct rf_site_deviation), NULL, 0, true,
	AT(rf_site_deviation, pos),
};

/* sip */

static const struct rf_site_listen listen_defaults = { .transport = RF_TRANSPORT_TLS };

static const struct rf_key listen_rows[] = {
	{ "transport", RF_KEY_CHOICE, AT(rf_site_listen, transport), .choices = transports, .required = true },
	{ "address", RF_KEY_ADDRESS, AT(rf_site_listen, address_text), AT(rf_site_listen, address) },
	{ "port", RF_KEY_COUNT, AT(rf_site_listen, port), .min = 1, .max = 65535 },
	{ "path", RF_KEY_PATH, AT(rf_site_listen, path) },
	{ "origins", RF_KEY_ORIGINS, AT(rf_site_listen, origins), .max = RF_SITE_ORIGINS_MAX },
};

static const struct rf_keys listen_keys = {
	"a listener", listen_rows, COUNT(listen_rows), sizeof(struct rf_site_listen), &listen_defaults, 0, true,
	AT(rf_site_listen, pos),
};

static const struct rf_key register_rows[] = {
	{ "min", RF_KEY_COUNT, ALL(pub.sip.register_min_s), .min = 10, .max = 86400 },
	{ "default", RF_KEY_COUNT, ALL(pub.sip.register_default_s), .min = 10, .max = 604800 },
	{ "max", RF_KEY_COUNT, ALL(pub.sip.register_max_s), .min = 10, .max = 604800 },
	{ "bindings", RF_KEY_COUNT, ALL(pub.sip.bindings_per_number), .min = 1, .max = 64 },
};

static const struct rf_keys register_keys = {
	"sip.register", register_rows, COUNT(register_rows), .has_pos = true, .pos_at = ALL(asked.register_pos),
};

static const struct rf_key session_rows[] = {
	{ "enabled", RF_KEY_BOOL, ALL(pub.sip.session_timer) },
	{ "expires", RF_KEY_COUNT, ALL(pub.sip.session_expires_s), .min = 90, .max = 86400 },
	{ "min", RF_KEY_COUNT, ALL(pub.sip.session_min_s), .min = 90, .max = 86400 }, /* RFC 4028 5: at least 90 */
};

static const struct rf_keys session_keys = {
	"sip.session_timer", session_rows, COUNT(session_rows), .has_pos = true, .pos_at = ALL(asked.session_pos),
};

static const struct rf_key sip_rows[] = {
	{ "listen", RF_KEY_ITEMS, ALL(pub.sip.listen), ALL(pub.sip.listens), .max = RF_SITE_LISTEN_MAX,
	  .sub = &listen_keys },
	{ "workers", RF_KEY_COUNT, ALL(pub.sip.workers), .min = 0, .max = 64 },
	{ "client_certificate", RF_KEY_CHOICE, ALL(asked.client_certificate), .choices = demands,
	  .place_at = ALL(asked.client_certificate_pos) },
	{ "require_user", RF_KEY_BOOL, ALL(asked.require_user), .place_at = ALL(asked.require_user_pos) },
	{ "digest", RF_KEY_CHOICES, ALL(asked.digests), .choices = digests, .place_at = ALL(asked.digests_pos) },
	{ "register", RF_KEY_PART, 0, .sub = &register_keys },
	{ "session_timer", RF_KEY_PART, 0, .sub = &session_keys },
	{ "ring_timeout", RF_KEY_COUNT, ALL(pub.sip.ring_timeout_s), .min = 10, .max = 180 },
	{ "keepalive", RF_KEY_COUNT, ALL(pub.sip.keepalive_s), .min = 0, .max = 3600 },
	{ "dscp", RF_KEY_COUNT, ALL(pub.sip.dscp), .min = 0, .max = 63 },
	{ "reauthenticate", RF_KEY_COUNT, ALL(pub.sip.reauthenticate_s), .min = 10, .max = 86400 },
};

static const struct rf_keys sip_keys = {
	"sip", sip_rows, COUNT(sip_rows), .has_pos = true, .pos_at = ALL(asked.sip_pos),
};

/* media, crypto */

static const struct rf_key media_rows[] = {
	{ "encryption", RF_KEY_CHOICE, ALL(asked.media_encryption), .choices = demands,
	  .place_at = ALL(asked.media_pos) },
	{ "suites", RF_KEY_CHOICES, ALL(asked.suites), .choices = suites, .place_at = ALL(asked.suites_pos) },
	{ "dtls_srtp", RF_KEY_CHOICE, ALL(asked.dtls_srtp), .choices = switches, .place_at = ALL(asked.dtls_pos) },
	{ "relays", RF_KEY_ADDRESSES, ALL(pub.media.relays), .max = 16 },
	{ "relay_port", RF_KEY_COUNT, ALL(pub.media.relay_port), .min = 1, .max = 65535 },
	{ "announce_port", RF_KEY_COUNT, ALL(pub.media.announce_port), .min = 0, .max = 65535,
	  .place_at = ALL(pub.media.announce_pos) },
};

static const struct rf_keys media_keys = { "media", media_rows, COUNT(media_rows) };

static const struct rf_key relay_rows[] = {
	{ "workers", RF_KEY_COUNT, ALL(pub.relay.workers), .min = 0, .max = 32 },
	{ "ng", RF_KEY_ADDRESSES, ALL(pub.relay.ng), .place_at = ALL(pub.relay.ng_pos) },
	{ "ng_port", RF_KEY_COUNT, ALL(pub.relay.ng_port), .min = 1, .max = 65535 },
	{ "peers", RF_KEY_ADDRESSES, ALL(pub.relay.peers), .place_at = ALL(pub.relay.peers_pos) },
	{ "silence", RF_KEY_COUNT, ALL(pub.relay.silence_s), .min = 10, .max = 3600 },
	{ "fast", RF_KEY_TEXT, ALL(pub.relay.fast), .place_at = ALL(pub.relay.fast_pos) },
	{ "xdp", RF_KEY_TEXT, ALL(pub.relay.xdp), .place_at = ALL(pub.relay.xdp_pos) },
	{ "poll", RF_KEY_BOOL, ALL(pub.relay.poll) },
	{ "sounds", RF_KEY_TEXT, ALL(pub.relay.sounds) },
	{ "transcodings", RF_KEY_COUNT, ALL(pub.relay.transcodings), .min = 1, .max = 10000 },
};
static const struct rf_keys relay_keys = { "relay", relay_rows, COUNT(relay_rows) };

static const struct rf_key roaming_rows[] = {
	{ "phones", RF_KEY_NAMES, ALL(pub.roaming.phones) },
	{ "class", RF_KEY_NAME, ALL(pub.roaming.class_name) },
	{ "nat", RF_KEY_BOOL, ALL(pub.roaming.nat) },
	{ "browsers", RF_KEY_BOOL, ALL(pub.roaming.browsers) },
};
static const struct rf_keys roaming_keys = {
	"roaming", roaming_rows, COUNT(roaming_rows), .has_pos = true, .pos_at = ALL(pub.roaming.pos),
};

static const struct rf_key crypto_rows[] = {
	{ "profile", RF_KEY_CHOICE, ALL(asked.profile), .choices = profiles, .place_at = ALL(asked.profile_pos) },
};

static const struct rf_keys crypto_keys = { "crypto", crypto_rows, COUNT(crypto_rows) };

/* limits */

#define LIMIT(name, low, high) { #name, RF_KEY_COUNT, AT(rf_site_limits, name), .min = (low), .max = (high) }

static const struct rf_key overload_rows[] = {
	{ "cpu_percent", RF_KEY_COUNT, AT(rf_site_limits, overload_cpu_percent), .min = 10, .max = 100 },
	{ "memory_mb", RF_KEY_COUNT, AT(rf_site_limits, overload_memory_mb), .min = 0, .max = 1000000 },
	{ "queue", RF_KEY_COUNT, AT(rf_site_limits, overload_queue), .min = 100, .max = 1000000 },
};

static const struct rf_keys overload_keys = { "limits.overload", overload_rows, COUNT(overload_rows) };

static const struct rf_key limit_rows[] = {
	LIMIT(external_calls, 0, 1000000),
	LIMIT(calls, 1, 1000000),
	LIMIT(calls_per_number, 1, 1000),
	LIMIT(connections, 1, 1000000),
	LIMIT(connections_per_source, 1, 1000000),
	LIMIT(handshakes_per_second, 1, 100000),
	LIMIT(messages_per_second, 1, 1000000),
	LIMIT(requests_per_second, 1, 1000000),
	LIMIT(transactions, 100, 10000000),
	LIMIT(registrations, 1, 1000000),
	LIMIT(emergency_calls, 1, 100000),
	LIMIT(subscriptions, 1, 1000000),
	LIMIT(messages, 1, 1000000),
	{ "overload", RF_KEY_PART, 0, .sub = &overload_keys },
};

static const struct rf_keys limit_keys = { "limits", limit_rows, COUNT(limit_rows) };

/* emergency */

static const struct rf_key emergency_rows[] = {
	{ "numbers", RF_KEY_NUMBERS, AT(rf_site_emergency, numbers) },
	{ "via", RF_KEY_NAMES, AT(rf_site_emergency, via) },
	{ "notify", RF_KEY_NUMBERS, AT(rf_site_emergency, notify) },
	{ "test", RF_KEY_NUMBER, AT(rf_site_emergency, test) },
	{ "callback_seconds", RF_KEY_COUNT, AT(rf_site_emergency, callback_s), .min = 60, .max = 86400 },
	{ "hook", RF_KEY_FILE, AT(rf_site_emergency, hook) },
};

static const struct rf_keys emergency_keys = {
	"emergency", emergency_rows, COUNT(emergency_rows), .has_pos = true, .pos_at = AT(rf_site_emergency, pos),
};

/* the file */

static const struct rf_key site_rows[] = {
	{ "site", RF_KEY_NAME, ALL(pub.name), .required = true, .place_at = ALL(asked.name_pos) },
	{ "domain", RF_KEY_DOMAIN, ALL(pub.domain), .required = true, .place_at = ALL(asked.domain_pos) },
	{ "level", RF_KEY_CHOICE, ALL(pub.level), .choices = levels, .required = true,
	  .place_at = ALL(pub.level_pos) },
	{ "run_as", RF_KEY_NAME, ALL(pub.run_as) },
	{ "zones", RF_KEY_NAMED, ALL(pub.zones), ALL(pub.zone_count), .max = RF_SITE_ITEMS_MAX, .sub = &rf_zone_keys },
	{ "hosts", RF_KEY_ITEMS, ALL(pub.hosts), ALL(pub.host_count), .max = RF_SITE_ITEMS_MAX, .sub = &rf_host_keys },
	{ "routers", RF_KEY_ITEMS, ALL(pub.routers), ALL(pub.router_count), .max = RF_SITE_ITEMS_MAX,
	  .sub = &rf_router_keys },
	{ "switches", RF_KEY_ITEMS, ALL(pub.switches), ALL(pub.switch_count), .max = RF_SITE_ITEMS_MAX,
	  .sub = &rf_switch_keys },
	{ "offices", RF_KEY_NAMED, ALL(pub.offices), ALL(pub.office_count), .max = RF_SITE_ITEMS_MAX,
	  .sub = &rf_office_keys },
	{ "allow", RF_KEY_ITEMS, ALL(pub.allows), ALL(pub.allow_count), .max = RF_SITE_ITEMS_MAX,
	  .sub = &rf_allow_keys },
	{ "network", RF_KEY_PART, ALL(pub.network), .sub = &rf_network_keys },
	{ "locations", RF_KEY_NAMED, ALL(pub.locations), ALL(pub.location_count), .max = RF_SITE_ITEMS_MAX,
	  .sub = &location_keys },
	{ "phones", RF_KEY_ITEMS, ALL(pub.phones), ALL(pub.phone_count), .max = RF_SITE_PHONES_MAX,
	  .sub = &rf_phone_keys },
	{ "phones_file", RF_KEY_FILE, ALL(pub.phones_file), .place_at = ALL(asked.phones_file_pos) },
	{ "trunks", RF_KEY_ITEMS, ALL(pub.trunks), ALL(pub.trunk_count), .max = RF_SITE_ITEMS_MAX,
	  .sub = &rf_trunk_keys },
	{ "trunk_defaults", RF_KEY_PART, ALL(pub.trunk_defaults), .sub = &rf_trunk_defaults_keys },
	{ "routes", RF_KEY_ITEMS, ALL(pub.tel.routes), ALL(pub.tel.route_count), .max = RF_SITE_ITEMS_MAX,
	  .sub = &rf_route_keys },
	{ "timezone", RF_KEY_TIMEZONE, ALL(pub.tel.timezone), .place_at = ALL(asked.timezone_pos) },
	{ "holidays", RF_KEY_DATES, ALL(pub.tel.holidays), .max = 1000 },
	{ "dial_plan", RF_KEY_NAME, ALL(pub.tel.plan_name), .place_at = ALL(pub.tel.plan_pos) },
	{ "dial_plans", RF_KEY_NAMED, ALL(pub.tel.plans), ALL(pub.tel.plan_count), .max = RF_SITE_ITEMS_MAX,
	  .sub = &rf_plan_keys },
	{ "class", RF_KEY_NAME, ALL(pub.tel.class_name), .place_at = ALL(pub.tel.class_pos) },
	{ "classes", RF_KEY_NAMED, ALL(pub.tel.classes), ALL(pub.tel.class_count), .max = RF_SITE_ITEMS_MAX,
	  .sub = &rf_cos_keys },
	{ "speed_dials", RF_KEY_PAIRS, ALL(pub.tel.speeds), ALL(pub.tel.speed_count), .max = RF_SITE_ITEMS_MAX,
	  .sub = &rf_speed_keys },
	{ "feature_codes", RF_KEY_PART, 0, .sub = &rf_code_keys },
	{ "groups", RF_KEY_ITEMS, ALL(pub.tel.groups), ALL(pub.tel.group_count), .max = RF_SITE_ITEMS_MAX,
	  .sub = &rf_group_keys },
	{ "numbers", RF_KEY_NAMED, ALL(pub.tel.numbers), ALL(pub.tel.number_count), .max = RF_SITE_PHONES_MAX,
	  .sub = &rf_numbering_keys },
	{ "parking", RF_KEY_PART, ALL(pub.tel.parking), .sub = &rf_parking_keys },
	{ "voicemail", RF_KEY_PART, ALL(pub.tel.voicemail), .sub = &rf_voicemail_keys },
	{ "watch", RF_KEY_CHOICE, ALL(pub.tel.watch), .choices = watchers },
	{ "do_not_disturb", RF_KEY_CHOICE, ALL(pub.tel.dnd_says), .choices = dnd_answers },
	{ "links", RF_KEY_NAMED, ALL(pub.tel.links), ALL(pub.tel.link_count), .max = RF_SITE_ITEMS_MAX,
	  .sub = &rf_link_keys },
	{ "stir", RF_KEY_PART, ALL(pub.tel.stir), .sub = &rf_stir_keys },
	{ "precedence", RF_KEY_PART, ALL(pub.tel.dscp), .sub = &rf_precedence_keys },
	{ "sip", RF_KEY_PART, 0, .sub = &sip_keys },
	{ "media", RF_KEY_PART, 0, .sub = &media_keys },
	{ "relay", RF_KEY_PART, 0, .sub = &relay_keys },
	{ "roaming", RF_KEY_PART, 0, .sub = &roaming_keys },
	{ "crypto", RF_KEY_PART, 0, .sub = &crypto_keys },
	{ "limits", RF_KEY_PART, ALL(pub.limits), .sub = &limit_keys },
	{ "emergency", RF_KEY_PART, ALL(pub.emergency), .sub = &emergency_keys },
	{ "deviations", RF_KEY_ITEMS, ALL(pub.deviations), ALL(pub.deviation_count), .max = RF_SITE_ITEMS_MAX,
	  .sub = &deviation_keys },
};

const struct rf_keys rf_site_keys = { "the site file", site_rows, COUNT(site_rows) };
