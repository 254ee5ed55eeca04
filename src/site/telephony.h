/* What a site says about calls: how numbers are dialled, who may dial which, where outside calls go, what groups and
 * codes there are. Part of the snapshot of site.h; the same rules about texts hold. Numbers are as written: digits,
 * with a leading + in E.164 form. */
#ifndef RF_SITE_TELEPHONY_H
#define RF_SITE_TELEPHONY_H

#include "site/accept.h"
#include "site/precedence.h"
#include "site/types.h"

struct rf_tz;

/* Classes of calls; what a number is in by its E.164 form. RF_CLASS_EMERGENCY cannot be granted or denied. */
enum rf_call_class {
	RF_CLASS_INTERNAL, RF_CLASS_LOCAL, RF_CLASS_NATIONAL, RF_CLASS_INTERNATIONAL, RF_CLASS_PREMIUM,
	RF_CLASS_SERVICE, RF_CLASS_EMERGENCY, RF_CLASSES,
};
const char *rf_class_name(enum rf_call_class class);

/* A window of time: days as bits (0 Sunday .. 6 Saturday, 7 the holidays of the site), minutes of the day in the site's
 * time zone. from > to: it ends on the day after. */
struct rf_site_time {
	uint8_t days;
	uint16_t from_min, to_min;
};
#define RF_DAY_HOLIDAY 0x80u
#define RF_DAYS_ALL 0xffu

struct rf_site_times {
	const struct rf_site_time *v;     /* none: always */
	size_t n;
};

struct rf_site_days {
	const int64_t *v;                 /* days since 1970-01-01 */
	size_t n;
};

/* A rule of a dial plan. A match with + is held against the E.164 form and gives it a class. Another one is held
 * against what was dialled: with `to` in E.164 form it says what that stands for (no class: the E.164 form has one);
 * else the number goes out as it is, or as `to`, in the class named. Patterns: site/pattern.h. */
struct rf_site_rule {
	struct rf_site_pos pos;
	struct rf_view match, to;
	int call_class;                   /* enum rf_call_class, RF_CLASSES: not said */
};

struct rf_site_plan {
	struct rf_site_pos pos;
	struct rf_view name;              /* "": the built-in one */
	struct rf_view country_code;      /* "49"; "": nothing is national */
	struct rf_view area_code;         /* "30" */
	struct rf_view outside;           /* dialled before an outside number, "": nothing */
	struct rf_view international;     /* "00" */
	struct rf_view national;          /* "0"; "": none is dialled */
	uint32_t national_digits;         /* this many digits without prefix are a national number; 0: no such rule */
	uint32_t local_digits;            /* this many are a local one; 0: any length */
	const struct rf_site_rule *rules; size_t rule_count;
};

/* A class of service: what a caller may. */
struct rf_site_cos {
	struct rf_site_pos pos;
	struct rf_view name;              /* "": the built-in one */
	unsigned grants;                  /* bits 1u << enum rf_call_class */
	struct rf_site_list allow, deny;  /* patterns of numbers; deny wins over allow, allow over grants */
	struct rf_site_times hours;
	struct rf_view until_text;
	int64_t until_s;                  /* 0: no end */
	struct rf_view otherwise_name;
	const struct rf_site_cos *otherwise; /* outside its hours and days; NULL: the built-in one,
					      * internal calls only */
	uint32_t calls;                   /* at once; 0: no bound of its own */
	uint32_t calls_per_hour;
	uint32_t abroad_minutes_per_day;
};

/* Numbers that a trunk brings in: match in E.164 form, to a number of ours; each x in `to` is the digit of an x in
 * match, from the right. */
struct rf_site_did {
	struct rf_site_pos pos;
	struct rf_view match, to;
};

enum { RF_STIR_SIGN = 1, RF_STIR_VERIFY = 2, RF_STIR_REQUIRE = 4 /* verify, and refuse who is not proven */ };
/* How a trunk presses keys. */
enum rf_trunk_dtmf {
	RF_DTMF_AS_SAID,                  /* as its descriptions say; INFO passes as it is */
	RF_DTMF_EVENTS,                   /* events in RTP (RFC 4733); INFO becomes those */
	RF_DTMF_INBAND,                   /* tones in the sound */
	RF_DTMF_INFO,                     /* INFO with application/dtmf-relay */
};
enum rf_number_format { RF_FORMAT_E164, RF_FORMAT_NATIONAL };
/* The media of a trunk's leg. What is not required needs a deviation from RF_MIT_OUTSIDE that names the trunk. */
enum rf_trunk_media {
	RF_TRUNK_MEDIA_UNSAID,
	RF_TRUNK_MEDIA_ENCRYPTED,         /* SRTP or no call; what TLS trunks have that say nothing */
	RF_TRUNK_MEDIA_EITHER,            /* SRTP, and RTP where the trunk wants that */
	RF_TRUNK_MEDIA_PLAIN,             /* RTP; what trunks over UDP and TCP have: nobody can tell them keys */
};

struct rf_site_trunk {
	struct rf_site_pos pos;
	struct rf_view name, peer;
	unsigned transport;               /* one RF_TRANSPORT_*, default TLS */
	uint32_t port;                    /* 0: by DNS (RFC 3263) */
	uint32_t channels;                /* 0: no bound of its own */
	struct rf_site_ips addresses;     /* that its requests come from; none: any, the certificate decides */
	struct rf_site_list certificate;  /* names that its certificate may have; without any in the file: peer */
	struct rf_view ca;                /* file of the authorities of its certificate; "": the site's CA */
	bool trusted;                     /* its P-Asserted-Identity is believed, and it gets ours (RFC 3325 Spec(T)) */
	const struct rf_site_did *numbers; size_t number_count;
	struct rf_view caller_number;     /* shown when the caller has no number that is known outside; "": none */
	int format;                       /* enum rf_number_format of what we send */
	uint32_t calls_per_second_in;     /* 20 */
	uint32_t calls_per_second_out;    /* 20 */
	uint32_t cost;                    /* any unit; less is cheaper; 0 */
	struct rf_site_times hours;
	uint32_t health_interval_s;       /* 30: between OPTIONS; 0: none */
	unsigned stir;                    /* RF_STIR_* */
	struct rf_view login;             /* as which we log in there (RFC 7616); "": it knows us by
					   * certificate or address */
	struct rf_view password_file;     /* in the site's folder; read by the keeper alone */
	bool login_md5;                   /* MD5 is answered, too; else SHA-256 and SHA-512-256 alone (RFC 8760) */
	bool registers;                   /* it learns where we are by REGISTER */
	uint32_t register_s;              /* 3600: for how long at a time */
	bool trust_precedence;            /* its Resource-Priority is believed (RFC 4412) */
	struct rf_site_list codecs;       /* of sound, that may cross a border, the first preferred; none: all */
	bool transcode;                   /* where the two sides have none of them in common, the relay
					   * makes one of the other */
	int dtmf;                         /* enum rf_trunk_dtmf */
	struct rf_site_pos codecs_pos, transcode_pos, dtmf_pos;
	struct rf_view link_name;
	const struct rf_site_link *link;
	int encryption;                   /* enum rf_trunk_media; never UNSAID behind a load */
	struct rf_site_pos encryption_pos;
	struct rf_site_accept accept;     /* what a border takes from it */
};

/* What holds for every trunk that says nothing else. */
struct rf_site_trunk_defaults {
	int encryption;                   /* enum rf_trunk_media */
	struct rf_site_pos encryption_pos;
	struct rf_site_accept accept;
};

enum rf_route_order { RF_ORDER_LISTED, RF_ORDER_COST };

/* Where outside calls go. The first route that fits (class, number, location, time) is taken; its trunks in order. */
struct rf_site_route {
	struct rf_site_pos pos;
	struct rf_view name;
	unsigned classes;                 /* bits; 0: every class */
	struct rf_site_list numbers;      /* patterns of the E.164 form; none: all */
	struct rf_site_list locations;    /* of the caller; none: all */
	struct rf_site_list trunk_names;
	const struct rf_site_trunk *const *trunks; /* resolved, trunk_names.n of them */
	int order;                        /* enum rf_route_order */
	struct rf_site_times hours;
};

enum rf_group_strategy { RF_GROUP_ALL, RF_GROUP_IN_ORDER, RF_GROUP_ROUND_ROBIN, RF_GROUP_LONGEST_IDLE };

struct rf_site_group {
	struct rf_site_pos pos;
	struct rf_view name, number, on_no_answer;
	struct rf_site_list members;      /* numbers */
	int strategy;                     /* enum rf_group_strategy, default all */
	uint32_t ring_s;                  /* 20: each step */
};

/* How the phones of one number ring. */
enum rf_ring { RF_RING_TOGETHER, RF_RING_IN_ORDER };
struct rf_site_numbering {
	struct rf_site_pos pos;
	struct rf_view number;
	int ring;                         /* enum rf_ring */
	uint32_t ring_s;                  /* 15: each phone, when in order */
	struct rf_view caller_number;     /* shown outside instead of the number; "": by the trunk's numbers */
};

struct rf_site_speed {
	struct rf_site_pos pos;
	struct rf_view number, to;        /* short digits; what they stand for, as dialled */
};

struct rf_site_link {
	struct rf_site_pos pos;
	struct rf_view name;
	uint32_t calls;                   /* 0: no bound */
	uint32_t kbit_per_second;         /* 0: no bound */
	uint32_t kbit_per_call;           /* 100 */
};

/* How media that a server sends is marked (RFC 2474), by the precedence of its call. */
struct rf_site_dscp {
	uint32_t level[RF_PRECEDENCE_LEVELS_MAX]; /* 46 (EF, RFC 4594) for the lowest, 44
						   * (VOICE-ADMIT, RFC 5865) above */
	uint32_t emergency;               /* 44 */
};

struct rf_site_parking {
	struct rf_site_pos pos;
	struct rf_view slots_text;
	uint32_t first, last;             /* numbers; last 0: no parking */
	uint32_t digits;                  /* of a slot's number */
	uint32_t return_s;                /* 120: then it goes back to who parked it; 0: never */
};

enum rf_feature {
	RF_FEATURE_FORWARD_ALWAYS, RF_FEATURE_FORWARD_ALWAYS_OFF, RF_FEATURE_FORWARD_BUSY, RF_FEATURE_FORWARD_BUSY_OFF,
	RF_FEATURE_FORWARD_NO_ANSWER, RF_FEATURE_FORWARD_NO_ANSWER_OFF, RF_FEATURE_FORWARD_UNREACHABLE,
	RF_FEATURE_FORWARD_UNREACHABLE_OFF, RF_FEATURE_DND, RF_FEATURE_DND_OFF, RF_FEATURE_PICKUP,
	RF_FEATURE_PICKUP_GROUP, RF_FEATURE_PARK, RF_FEATURE_RETRIEVE, RF_FEATURE_HIDE_NUMBER, RF_FEATURE_SHOW_NUMBER,
	RF_FEATURE_CALL_WAITING, RF_FEATURE_CALL_WAITING_OFF, RF_FEATURE_VOICEMAIL, RF_FEATURES,
};
/* The key of the site file: "forward_always". */
const char *rf_feature_name(enum rf_feature feature);

struct rf_site_voicemail {
	struct rf_site_pos pos;
	struct rf_view number;            /* the pilot; "": none */
};

enum rf_attest { RF_ATTEST_FULL, RF_ATTEST_PARTIAL, RF_ATTEST_GATEWAY };

struct rf_site_stir {
	struct rf_site_pos pos;
	struct rf_view certificate, key;  /* files in the site's folder */
	struct rf_view url;               /* where others fetch the certificate: x5u */
	struct rf_view trust;             /* file of the authorities that we believe */
	struct rf_site_list hosts;        /* where certificates of others may be fetched from */
	struct rf_view fetch_ca;          /* authorities of their web servers; "": the system's */
	struct rf_site_list providers;    /* codes of providers that we believe for every number; "any": all */
	int attest;                       /* enum rf_attest: the highest that we give, for our proven numbers */
};

/* Who may watch the calls and the presence of others (call/sub_policy.c): nobody, phones of the same pickup group, all
 * phones of the site. */
enum rf_watchers { RF_WATCH_PICKUP_GROUP, RF_WATCH_OWN, RF_WATCH_ALL };

enum rf_dnd { RF_DND_UNAVAILABLE, RF_DND_BUSY };

struct rf_site_telephony {
	struct rf_view timezone;          /* "Europe/Berlin"; "": UTC */
	const struct rf_tz *tz;           /* site/tz.h; NULL: UTC */
	struct rf_site_days holidays;
	struct rf_view plan_name, class_name;
	struct rf_site_pos plan_pos, class_pos;
	const struct rf_site_plan *plan;  /* never NULL */
	const struct rf_site_cos *cos;    /* never NULL */
	const struct rf_site_plan *plans;            size_t plan_count;
	const struct rf_site_cos *classes;           size_t class_count;
	const struct rf_site_route *routes;          size_t route_count;
	const struct rf_site_group *groups;          size_t group_count;
	const struct rf_site_numbering *numbers;     size_t number_count;
	const struct rf_site_speed *speeds;          size_t speed_count;
	const struct rf_site_link *links;            size_t link_count;
	struct rf_view codes[RF_FEATURES];           /* "*72"; "": switched off */
	struct rf_site_pos codes_pos;
	struct rf_site_dscp dscp;
	struct rf_site_parking parking;
	struct rf_site_voicemail voicemail;
	int watch;                        /* enum rf_watchers */
	int dnd_says;                     /* enum rf_dnd: what a caller of a number hears that wants no calls */
	struct rf_site_stir stir;
};

/* The class of service that holds where none is named (internal, local, national, service), and the one that is left
 * when a class is outside its hours and names no other (internal). */
extern const struct rf_site_cos rf_cos_standard, rf_cos_internal;

#endif
