/* From a tree to structs by tables of keys (private to this room): a key's row says its name, what kind of value it
 * takes, where in the struct it goes and its bounds. keys.c has the tables; nothing else knows a key's name.
 *
 * All errors of a file are reported, not only the first; a struct with an error in it is never used. */
#ifndef RF_SITE_SCHEMA_H
#define RF_SITE_SCHEMA_H

#include "site/site.h"
#include "site/tree.h"

enum rf_key_type {
	RF_KEY_TEXT,     /* struct rf_view */
	RF_KEY_NAME,     /* struct rf_view: rf_site_name_ok() */
	RF_KEY_NUMBER,   /* struct rf_view: rf_site_number_ok() */
	RF_KEY_DOMAIN,   /* struct rf_view: a host name or an address, made lower case */
	RF_KEY_FILE,     /* struct rf_view: a path inside the site's folder */
	RF_KEY_COUNT,    /* uint32_t from min to max */
	RF_KEY_BOOL,     /* bool */
	RF_KEY_CHOICE,   /* int, one of choices */
	RF_KEY_CHOICES,  /* unsigned: bits, a list of choices or one */
	RF_KEY_RANKED,   /* struct rf_site_list: of choices, the first one preferred */
	RF_KEY_ADDRESS,  /* struct rf_view, and struct rf_site_ip at `at2` */
	RF_KEY_SUBNET,   /* likewise */
	RF_KEY_MAC,      /* struct rf_view, uint8_t[6] at `at2`, bool at `at3` */
	RF_KEY_DATE,     /* struct rf_view, int64_t seconds of that day's end at `at2` */
	RF_KEY_NAMES,    /* struct rf_site_list of RF_KEY_NAME */
	RF_KEY_NUMBERS,  /* struct rf_site_list of RF_KEY_NUMBER */
	RF_KEY_DOMAINS,  /* struct rf_site_list of RF_KEY_DOMAIN */
	RF_KEY_DIGITS,   /* struct rf_view: digits only */
	RF_KEY_PREFIX,   /* struct rf_view: digits, or "none": then it is empty and its p not NULL */
	RF_KEY_CODE,     /* struct rf_view: digits, * and #; or "none" likewise */
	RF_KEY_PATTERN,  /* struct rf_view: rf_pattern_ok() */
	RF_KEY_TEMPLATE, /* struct rf_view: digits, x, a + in front, a * behind; refs_tel.c looks at
			  * it with its pattern */
	RF_KEY_PATTERNS, /* struct rf_site_list of RF_KEY_PATTERN */
	RF_KEY_TIMES,    /* struct rf_site_times: "mon-fri 08:00-18:00" */
	RF_KEY_DATES,    /* struct rf_site_days */
	RF_KEY_SUBNETS,  /* struct rf_site_ips: addresses and networks */
	RF_KEY_RANGE,    /* struct rf_view, and three uint32_t at `at2`: first, last, digits */
	RF_KEY_URL,      /* struct rf_view: https://... */
	RF_KEY_COUNTRY,  /* struct rf_view: two capital letters */
	RF_KEY_GRANT,    /* struct rf_view: rf_precedence_ok() */
	RF_KEY_TIMEZONE, /* struct rf_view: a name like Europe/Berlin, or a rule as in TZ (POSIX) */
	RF_KEY_PATH,     /* struct rf_view: of a URI, begins with / */
	RF_KEY_ORIGINS,  /* struct rf_site_list: https://host:port (RFC 6454); http:// on the
			  * browser's own machine only */
	RF_KEY_ADDRESSES, /* struct rf_site_ips: addresses */
	RF_KEY_PORT,     /* struct rf_view: of a device, like Gi1/0/1 */
	RF_KEY_PORTS,    /* struct rf_site_ports and a count: "443", "8000-8010" */
	RF_KEY_SPAN,     /* two uint32_t: "16384-32767" */
	RF_KEY_ENDS,     /* struct rf_site_list: names of hosts, addresses, networks */
	RF_KEY_PART,     /* a map into the same struct, keys of `sub` */
	RF_KEY_ITEMS,    /* a list of maps: const struct * at `at`, size_t at `at2` */
	RF_KEY_NAMED,    /* a map from names to maps: likewise */
	RF_KEY_PAIRS,    /* a map from texts to texts: likewise; the first row of `sub` is the key,
			  * the second the value */
};

struct rf_choice {
	const char *name;
	unsigned value;
};

struct rf_keys;

struct rf_key {
	const char *name;
	enum rf_key_type type;
	size_t at, at2, at3;
	size_t place_at;                 /* struct rf_site_pos of the value; 0: not kept */
	uint32_t min, max;
	bool required;
	const struct rf_choice *choices; /* ends with a NULL name */
	const struct rf_keys *sub;
};

struct rf_keys {
	const char *what;           /* "a phone": for errors */
	const struct rf_key *v;
	size_t n;
	size_t size;                /* of the struct, for items */
	const void *defaults;       /* a struct of that size to begin with; NULL: zeros */
	size_t name_at;             /* of items in a RF_KEY_NAMED map: where the name goes */
	bool has_pos;
	size_t pos_at;              /* of items and parts: struct rf_site_pos */
};

struct rf_load {
	struct rf_arena *arena;
	struct rf_findings *findings;
	const char *files[3];       /* for places: site.yaml, the phones file, attestations.yaml */
	uint32_t file;              /* which is being read */
	int rc;                     /* sticky: RF_E_INVALID after an error, -ENOMEM */
};

void rf_load_error(struct rf_load *l, uint32_t line, uint32_t column, const char *mend, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* Fill dst from map by keys. */
void rf_load_map(struct rf_load *l, const struct rf_keys *keys, const struct rf_tree *map, void *dst);
/* One scalar value into dst; for the CSV reader as well. */
void rf_load_scalar(struct rf_load *l, const struct rf_key *key, struct rf_view text, uint32_t line, uint32_t column,
		    void *dst);
/* What converters share: the value being read. */
struct rf_value {
	struct rf_load *l;
	const struct rf_key *key;
	struct rf_view text;
	uint32_t line, column;
	char *dst;
};
void rf_value_bad(const struct rf_value *v, const char *mend);
/* scalar_tel.c, scalar_net.c: the types that only calls and only networks need; false: not one of those. */
bool rf_value_tel(const struct rf_value *v);
bool rf_value_net(const struct rf_value *v);
/* A list of maps, or a map of them, as a row of RF_KEY_ITEMS, RF_KEY_NAMED or RF_KEY_PAIRS says. */
void rf_load_items(struct rf_load *l, const struct rf_key *key, const struct rf_tree *value, void *dst);
/* The row named so; unknown: an error with the nearest name and NULL. */
const struct rf_key *rf_load_key(struct rf_load *l, const struct rf_keys *keys, struct rf_view name, uint32_t line,
				 uint32_t column);

/* keys_tel.c */
extern const struct rf_keys rf_plan_keys, rf_cos_keys, rf_trunk_keys, rf_route_keys, rf_group_keys, rf_numbering_keys,
	rf_speed_keys, rf_link_keys, rf_trunk_defaults_keys, rf_parking_keys, rf_voicemail_keys, rf_stir_keys,
	rf_code_keys, rf_precedence_keys;
extern const struct rf_choice rf_dtmf_choices[];
/* accept.c */
extern const struct rf_keys rf_accept_keys;
/* keys_net.c */
extern const struct rf_keys rf_zone_keys, rf_host_keys, rf_router_keys, rf_switch_keys, rf_office_keys, rf_allow_keys,
	rf_network_keys;
extern const struct rf_key rf_attestations_key; /* into struct rf_site_all: the whole of attestations.yaml */
extern const struct rf_keys rf_site_keys;  /* into struct rf_site_all */
extern const struct rf_keys rf_phone_keys; /* into struct rf_site_phone */

#endif
