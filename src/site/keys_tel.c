/* The keys of a site file that are about calls: one row each. */
#include "site/schema.h"
#include "site/site_int.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define AT(type, member) offsetof(struct type, member)
#define ALL(member) offsetof(struct rf_site_all, member)

static const struct rf_choice classes[] = {
	{ "internal", 1u << RF_CLASS_INTERNAL }, { "local", 1u << RF_CLASS_LOCAL },
	{ "national", 1u << RF_CLASS_NATIONAL }, { "international", 1u << RF_CLASS_INTERNATIONAL },
	{ "premium", 1u << RF_CLASS_PREMIUM }, { "service", 1u << RF_CLASS_SERVICE }, { 0 },
};

static const struct rf_choice class_of_rule[] = {
	{ "internal", RF_CLASS_INTERNAL }, { "local", RF_CLASS_LOCAL }, { "national", RF_CLASS_NATIONAL },
	{ "international", RF_CLASS_INTERNATIONAL }, { "premium", RF_CLASS_PREMIUM }, { "service", RF_CLASS_SERVICE },
	{ 0 },
};

static const struct rf_choice transports[] = {
	{ "tls", RF_TRANSPORT_TLS }, { "tcp", RF_TRANSPORT_TCP }, { "udp", RF_TRANSPORT_UDP }, { 0 },
};

static const struct rf_choice formats[] = { { "e164", RF_FORMAT_E164 }, { "national", RF_FORMAT_NATIONAL }, { 0 } };

static const struct rf_choice trunk_media[] = {
	{ "required", RF_TRUNK_MEDIA_ENCRYPTED }, { "optional", RF_TRUNK_MEDIA_EITHER },
	{ "none", RF_TRUNK_MEDIA_PLAIN }, { 0 },
};

static const struct rf_choice stirs[] = { { "sign", RF_STIR_SIGN }, { "verify", RF_STIR_VERIFY },
					    { "require", RF_STIR_REQUIRE }, { "off", 0 }, { 0 } };

static const struct rf_choice orders[] = { { "listed", RF_ORDER_LISTED }, { "cost", RF_ORDER_COST }, { 0 } };

static const struct rf_choice strategies[] = {
	{ "all", RF_GROUP_ALL }, { "in_order", RF_GROUP_IN_ORDER }, { "round_robin", RF_GROUP_ROUND_ROBIN },
	{ "longest_idle", RF_GROUP_LONGEST_IDLE }, { 0 },
};

static const struct rf_choice rings[] = { { "together", RF_RING_TOGETHER }, { "in_order", RF_RING_IN_ORDER }, { 0 } };

static const struct rf_choice attests[] = {
	{ "A", RF_ATTEST_FULL }, { "B", RF_ATTEST_PARTIAL }, { "C", RF_ATTEST_GATEWAY }, { 0 },
};

/* dial_plans */

static const struct rf_site_rule rule_defaults = { .call_class = RF_CLASSES };

static const struct rf_key rule_rows[] = {
	{ "match", RF_KEY_PATTERN, AT(rf_site_rule, match), .required = true },
	{ "class", RF_KEY_CHOICE, AT(rf_site_rule, call_class), .choices = class_of_rule },
	{ "to", RF_KEY_TEMPLATE, AT(rf_site_rule, to) },
};

static const struct rf_keys rule_keys = {
	"a rule", rule_rows, COUNT(rule_rows), sizeof(struct rf_site_rule), &rule_defaults, 0, true,
	AT(rf_site_rule, pos),
};

static const struct rf_key plan_rows[] = {
	{ "country_code", RF_KEY_DIGITS, AT(rf_site_plan, country_code) },
	{ "area_code", RF_KEY_DIGITS, AT(rf_site_plan, area_code) },
	{ "outside", RF_KEY_PREFIX, AT(rf_site_plan, outside) },
	{ "international", RF_KEY_PREFIX, AT(rf_site_plan, international) },
	{ "national", RF_KEY_PREFIX, AT(rf_site_plan, national) },
	{ "national_digits", RF_KEY_COUNT, AT(rf_site_plan, national_digits), .min = 0, .max = 15 },
	{ "local_digits", RF_KEY_COUNT, AT(rf_site_plan, local_digits), .min = 0, .max = 15 },
	{ "rules", RF_KEY_ITEMS, AT(rf_site_plan, rules), AT(rf_site_plan, rule_count), .max = RF_SITE_ITEMS_MAX,
	  .sub = &rule_keys },
};

const struct rf_keys rf_plan_keys = {
	"a dial plan", plan_rows, COUNT(plan_rows), sizeof(struct rf_site_plan), NULL, AT(rf_site_plan, name), true,
	AT(rf_site_plan, pos),
};

/* classes */

static const struct rf_key cos_rows[] = {
	{ "grants", RF_KEY_CHOICES, AT(rf_site_cos, grants), .choices = classes },
	{ "allow", RF_KEY_PATTERNS, AT(rf_site_cos, allow) },
	{ "deny", RF_KEY_PATTERNS, AT(rf_site_cos, deny) },
	{ "hours", RF_KEY_TIMES, AT(rf_site_cos, hours) },
	{ "until", RF_KEY_DATE, AT(rf_site_cos, until_text), AT(rf_site_cos, until_s) },
	{ "otherwise", RF_KEY_NAME, AT(rf_site_cos, otherwise_name) },
	{ "calls", RF_KEY_COUNT, AT(rf_site_cos, calls), .min = 1, .max = 1000 },
	{ "calls_per_hour", RF_KEY_COUNT, AT(rf_site_cos, calls_per_hour), .min = 1, .max = 100000 },
	{ "abroad_minutes_per_day", RF_KEY_COUNT, AT(rf_site_cos, abroad_minutes_per_day), .min = 1, .max = 100000 },
};

const struct rf_keys rf_cos_keys = {
	"a class", cos_rows, COUNT(cos_rows), sizeof(struct rf_site_cos), NULL, AT(rf_site_cos, name), true,
	AT(rf_site_cos, pos),
};

/* trunks */

static const struct rf_key did_rows[] = {
	{ "a number of a trunk", RF_KEY_PATTERN, AT(rf_site_did, match) },
	{ "the number that it reaches", RF_KEY_TEMPLATE, AT(rf_site_did, to) },
};

static const struct rf_keys did_keys = {
	"a number", did_rows, COUNT(did_rows), sizeof(struct rf_site_did), NULL, 0, true, AT(rf_site_did, pos),
};

static const struct rf_site_trunk trunk_defaults = {
	.transport = RF_TRANSPORT_TLS, .calls_per_second_in = 20, .calls_per_second_out = 20, .health_interval_s = 30,
	.register_s = 3600,
};

static const struct rf_choice codecs[] = { /* names alone: RF_KEY_RANKED */
	{ "PCMA", 0 }, { "PCMU", 0 }, { "G722", 0 }, { "opus", 0 }, { "G729", 0 }, { "G723", 0 }, { "GSM", 0 }, { "iLBC", 0 },
	{ "speex", 0 }, { "AMR", 0 }, { "AMR-WB", 0 }, { "EVS", 0 }, { "G726-32", 0 }, { 0 },
};

const struct rf_choice rf_dtmf_choices[] = {
	{ "rfc4733", RF_DTMF_EVENTS }, { "inband", RF_DTMF_INBAND }, { "info", RF_DTMF_INFO }, { 0 },
};

static const struct rf_key trunk_rows[] = {
	{ "name", RF_KEY_NAME, AT(rf_site_trunk, name), .required = true },
	{ "peer", RF_KEY_DOMAIN, AT(rf_site_trunk, peer), .required = true },
	{ "transport", RF_KEY_CHOICE, AT(rf_site_trunk, transport), .choices = transports },
	{ "port", RF_KEY_COUNT, AT(rf_site_trunk, port), .min = 1, .max = 65535 },
	{ "channels", RF_KEY_COUNT, AT(rf_site_trunk, channels), .min = 1, .max = 100000 },
	{ "addresses", RF_KEY_SUBNETS, AT(rf_site_trunk, addresses) },
	{ "certificate", RF_KEY_DOMAINS, AT(rf_site_trunk, certificate) },
	{ "ca", RF_KEY_FILE, AT(rf_site_trunk, ca) },
	{ "trusted", RF_KEY_BOOL, AT(rf_site_trunk, trusted) },
	{ "numbers", RF_KEY_PAIRS, AT(rf_site_trunk, numbers), AT(rf_site_trunk, number_count),
	  .max = RF_SITE_ITEMS_MAX, .sub = &did_keys },
	{ "caller_number", RF_KEY_NUMBER, AT(rf_site_trunk, caller_number) },
	{ "format", RF_KEY_CHOICE, AT(rf_site_trunk, format), .choices = formats },
	{ "calls_per_second_in", RF_KEY_COUNT, AT(rf_site_trunk, calls_per_second_in), .min = 1, .max = 100000 },
	{ "calls_per_second_out", RF_KEY_COUNT, AT(rf_site_trunk, calls_per_second_out), .min = 1, .max = 100000 },
	{ "cost", RF_KEY_COUNT, AT(rf_site_trunk, cost), .min = 0, .max = 1000000 },
	{ "hours", RF_KEY_TIMES, AT(rf_site_trunk, hours) },
	{ "health_interval", RF_KEY_COUNT, AT(rf_site_trunk, health_interval_s), .min = 0, .max = 3600 },
	{ "login", RF_KEY_TEXT, AT(rf_site_trunk, login) },
	{ "password_file", RF_KEY_FILE, AT(rf_site_trunk, password_file) },
	{ "login_md5", RF_KEY_BOOL, AT(rf_site_trunk, login_md5) },
	{ "register", RF_KEY_BOOL, AT(rf_site_trunk, registers) },
	{ "register_interval", RF_KEY_COUNT, AT(rf_site_trunk, register_s), .min = 60, .max = 86400 },
	{ "stir", RF_KEY_CHOICES, AT(rf_site_trunk, stir), .choices = stirs },
	{ "trust_precedence", RF_KEY_BOOL, AT(rf_site_trunk, trust_precedence) },
	{ "link", RF_KEY_NAME, AT(rf_site_trunk, link_name) },
	{ "encryption", RF_KEY_CHOICE, AT(rf_site_trunk, encryption), .choices = trunk_media,
	  .place_at = AT(rf_site_trunk, encryption_pos) },
	{ "accept", RF_KEY_PART, AT(rf_site_trunk, accept), .sub = &rf_accept_keys },
	{ "codecs", RF_KEY_RANKED, AT(rf_site_trunk, codecs), .max = 13, .choices = codecs,
	  .place_at = AT(rf_site_trunk, codecs_pos) },
	{ "transcode", RF_KEY_BOOL, AT(rf_site_trunk, transcode), .place_at = AT(rf_site_trunk, transcode_pos) },
	{ "dtmf", RF_KEY_CHOICE, AT(rf_site_trunk, dtmf), .choices = rf_dtmf_choices,
	  .place_at = AT(rf_site_trunk, dtmf_pos) },
};

const struct rf_keys rf_trunk_keys = {
	"a trunk", trunk_rows, COUNT(trunk_rows), sizeof(struct rf_site_trunk), &trunk_defaults, 0, true,
	AT(rf_site_trunk, pos),
};

static const struct rf_key trunk_default_rows[] = {
	{ "encryption", RF_KEY_CHOICE, AT(rf_site_trunk_defaults, encryption), .choices = trunk_media,
	  .place_at = AT(rf_site_trunk_defaults, encryption_pos) },
	{ "accept", RF_KEY_PART, AT(rf_site_trunk_defaults, accept), .sub = &rf_accept_keys },
};

const struct rf_keys rf_trunk_defaults_keys = { "trunk_defaults", trunk_default_rows, COUNT(trunk_default_rows) };

/* routes */

static const struct rf_key route_rows[] = {
	{ "name", RF_KEY_NAME, AT(rf_site_route, name), .required = true },
	{ "classes", RF_KEY_CHOICES, AT(rf_site_route, classes), .choices = classes },
	{ "numbers", RF_KEY_PATTERNS, AT(rf_site_route, numbers) },
	{ "locations", RF_KEY_NAMES, AT(rf_site_route, locations) },
	{ "trunks", RF_KEY_NAMES, AT(rf_site_route, trunk_names), .required = true },
	{ "order", RF_KEY_CHOICE, AT(rf_site_route, order), .choices = orders },
	{ "hours", RF_KEY_TIMES, AT(rf_site_route, hours) },
};

const struct rf_keys rf_route_keys = {
	"a route", route_rows, COUNT(route_rows), sizeof(struct rf_site_route), NULL, 0, true, AT(rf_site_route, pos),
};

/* groups, numbers, speed dials */

static const struct rf_site_group group_defaults = { .ring_s = 20 };

static const struct rf_key group_rows[] = {
	{ "name", RF_KEY_NAME, AT(rf_site_group, name), .required = true },
	{ "number", RF_KEY_NUMBER, AT(rf_site_group, number), .required = true },
	{ "members", RF_KEY_NUMBERS, AT(rf_site_group, members), .required = true },
	{ "strategy", RF_KEY_CHOICE, AT(rf_site_group, strategy), .choices = strategies },
	{ "ring_seconds", RF_KEY_COUNT, AT(rf_site_group, ring_s), .min = 5, .max = 180 },
	{ "on_no_answer", RF_KEY_NUMBER, AT(rf_site_group, on_no_answer) },
};

const struct rf_keys rf_group_keys = {
	"a group", group_rows, COUNT(group_rows), sizeof(struct rf_site_group), &group_defaults, 0, true,
	AT(rf_site_group, pos),
};

static const struct rf_site_numbering numbering_defaults = { .ring_s = 15 };

static const struct rf_key numbering_rows[] = {
	{ "ring", RF_KEY_CHOICE, AT(rf_site_numbering, ring), .choices = rings },
	{ "ring_seconds", RF_KEY_COUNT, AT(rf_site_numbering, ring_s), .min = 5, .max = 180 },
	{ "caller_number", RF_KEY_NUMBER, AT(rf_site_numbering, caller_number) },
};

const struct rf_keys rf_numbering_keys = {
	"a number", numbering_rows, COUNT(numbering_rows), sizeof(struct rf_site_numbering), &numbering_defaults,
	AT(rf_site_numbering, number), true, AT(rf_site_numbering, pos),
};

static const struct rf_key speed_rows[] = {
	{ "a speed dial", RF_KEY_CODE, AT(rf_site_speed, number) },
	{ "the number that it stands for", RF_KEY_NUMBER, AT(rf_site_speed, to) },
};

const struct rf_keys rf_speed_keys = {
	"a speed dial", speed_rows, COUNT(speed_rows), sizeof(struct rf_site_speed), NULL, 0, true,
	AT(rf_site_speed, pos),
};

/* links */

static const struct rf_site_link link_defaults = { .kbit_per_call = 100 };

static const struct rf_key link_rows[] = {
	{ "calls", RF_KEY_COUNT, AT(rf_site_link, calls), .min = 1, .max = 1000000 },
	{ "kbit_per_second", RF_KEY_COUNT, AT(rf_site_link, kbit_per_second), .min = 1, .max = 100000000 },
	{ "kbit_per_call", RF_KEY_COUNT, AT(rf_site_link, kbit_per_call), .min = 1, .max = 100000 },
};

const struct rf_keys rf_link_keys = {
	"a link", link_rows, COUNT(link_rows), sizeof(struct rf_site_link), &link_defaults, AT(rf_site_link, name),
	true,
	AT(rf_site_link, pos),
};

/* precedence */

#define LEVEL(name, i) { name, RF_KEY_COUNT, AT(rf_site_dscp, level[i]), .min = 0, .max = 63 }

static const struct rf_key dscp_rows[] = {
	LEVEL("routine", 0), LEVEL("priority", 1), LEVEL("immediate", 2), LEVEL("flash", 3), LEVEL("flash-override", 4),
	LEVEL("flash-override-override", 5),
	{ "emergency", RF_KEY_COUNT, AT(rf_site_dscp, emergency), .min = 0, .max = 63 },
};

static const struct rf_keys dscp_keys = { "precedence.dscp", dscp_rows, COUNT(dscp_rows) };

static const struct rf_key precedence_rows[] = {
	{ "dscp", RF_KEY_PART, 0, .sub = &dscp_keys },
};

const struct rf_keys rf_precedence_keys = { "precedence", precedence_rows, COUNT(precedence_rows) };

/* parking, voicemail, stir */

static const struct rf_key parking_rows[] = {
	{ "slots", RF_KEY_RANGE, AT(rf_site_parking, slots_text), AT(rf_site_parking, first), .required = true },
	{ "return_seconds", RF_KEY_COUNT, AT(rf_site_parking, return_s), .min = 0, .max = 3600 },
};

const struct rf_keys rf_parking_keys = {
	"parking", parking_rows, COUNT(parking_rows), .has_pos = true, .pos_at = AT(rf_site_parking, pos),
};

static const struct rf_key voicemail_rows[] = {
	{ "number", RF_KEY_NUMBER, AT(rf_site_voicemail, number), .required = true },
};

const struct rf_keys rf_voicemail_keys = {
	"voicemail", voicemail_rows, COUNT(voicemail_rows), .has_pos = true, .pos_at = AT(rf_site_voicemail, pos),
};

static const struct rf_key stir_rows[] = {
	{ "certificate", RF_KEY_FILE, AT(rf_site_stir, certificate) },
	{ "key", RF_KEY_FILE, AT(rf_site_stir, key) },
	{ "url", RF_KEY_URL, AT(rf_site_stir, url) },
	{ "trust", RF_KEY_FILE, AT(rf_site_stir, trust) },
	{ "hosts", RF_KEY_NAMES, AT(rf_site_stir, hosts) },
	{ "fetch_ca", RF_KEY_FILE, AT(rf_site_stir, fetch_ca) },
	{ "providers", RF_KEY_NAMES, AT(rf_site_stir, providers) },
	{ "attest", RF_KEY_CHOICE, AT(rf_site_stir, attest), .choices = attests },
};

const struct rf_keys rf_stir_keys = {
	"stir", stir_rows, COUNT(stir_rows), .has_pos = true, .pos_at = AT(rf_site_stir, pos),
};

/* feature_codes: the names are those of rf_feature_name() */

#define CODE(name, feature) { name, RF_KEY_CODE, ALL(pub.tel.codes) + (feature) * sizeof(struct rf_view) }

static const struct rf_key code_rows[] = {
	CODE("forward_always", RF_FEATURE_FORWARD_ALWAYS),
	CODE("forward_always_off", RF_FEATURE_FORWARD_ALWAYS_OFF),
	CODE("forward_busy", RF_FEATURE_FORWARD_BUSY),
	CODE("forward_busy_off", RF_FEATURE_FORWARD_BUSY_OFF),
	CODE("forward_no_answer", RF_FEATURE_FORWARD_NO_ANSWER),
	CODE("forward_no_answer_off", RF_FEATURE_FORWARD_NO_ANSWER_OFF),
	CODE("forward_unreachable", RF_FEATURE_FORWARD_UNREACHABLE),
	CODE("forward_unreachable_off", RF_FEATURE_FORWARD_UNREACHABLE_OFF),
	CODE("do_not_disturb", RF_FEATURE_DND),
	CODE("do_not_disturb_off", RF_FEATURE_DND_OFF),
	CODE("pickup", RF_FEATURE_PICKUP),
	CODE("pickup_group", RF_FEATURE_PICKUP_GROUP),
	CODE("park", RF_FEATURE_PARK),
	CODE("retrieve", RF_FEATURE_RETRIEVE),
	CODE("hide_number", RF_FEATURE_HIDE_NUMBER),
	CODE("show_number", RF_FEATURE_SHOW_NUMBER),
	CODE("call_waiting", RF_FEATURE_CALL_WAITING),
	CODE("call_waiting_off", RF_FEATURE_CALL_WAITING_OFF),
	CODE("voicemail", RF_FEATURE_VOICEMAIL),
};
_Static_assert(COUNT(code_rows) == RF_FEATURES, "each feature has a key");

const struct rf_keys rf_code_keys = {
	"feature_codes", code_rows, COUNT(code_rows), .has_pos = true, .pos_at = ALL(pub.tel.codes_pos),
};

const char *rf_feature_name(enum rf_feature feature)
{
	return (unsigned)feature < RF_FEATURES ? code_rows[feature].name : "?";
}

const char *rf_class_name(enum rf_call_class class)
{
	if (class == RF_CLASS_EMERGENCY)
		return "emergency";
	return (unsigned)class < COUNT(class_of_rule) - 1 ? class_of_rule[class].name : "?";
}
