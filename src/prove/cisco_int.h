/* For the files of the readers of IOS and EOS: cisco.c (lines and sections), cisco_list.c (access lists), cisco_ace.c
 * (one entry), cisco_group.c (object groups), cisco_names.c, read_ios.c and read_eos.c (what each language has).
 *
 * A configuration is lines; what belongs to a section is indented under its head. A line is either judged (access
 * lists, groups, bindings), or stands in the table of what cannot change what is filtered, or is an error. */
#ifndef RF_PROVE_CISCO_INT_H
#define RF_PROVE_CISCO_INT_H

#include "prove/words.h"

/* What a table says of a line. */
enum { RF_CISCO_GROUPS_MAX = 4096 }; /* see docs/security.md */

enum rf_cisco_what {
	RF_CISCO_NOT,                /* not understood, or understood and not modelled: an error */
	RF_CISCO_SKIP,               /* cannot change what is filtered */
	RF_CISCO_SKIP_BLOCK,         /* neither can it nor what is indented under it */
	RF_CISCO_LIST,               /* ip access-list ..., and so on: see cisco.c */
	RF_CISCO_NUMBERED,
	RF_CISCO_GROUP,
	RF_CISCO_INTERFACE,
	RF_CISCO_BANNER,
	RF_CISCO_BIND4, RF_CISCO_BIND6,
	RF_CISCO_STRICT4, RF_CISCO_STRICT6,
};

struct rf_cisco_word {
	const char *words;           /* the line begins so; the longest that fits counts */
	uint8_t what;                /* enum rf_cisco_what */
	const char *why;             /* of NOT: what it is; NULL: it is not understood */
};

struct rf_cisco_dialect {
	const char *language;
	const struct rf_cisco_word *top, *interface; /* end with NULL words */
	bool lengths;                /* 10.0.0.0/8 in entries of IPv4 */
	bool empty_permits;          /* a list without entries, or that is not there, lets everything pass */
	bool neighbours;             /* lists of IPv6 end with permits of neighbour solicitations and advertisements */
	bool neighbours_maybe;       /* ...or nobody knows */
	bool later_maybe;            /* whether later fragments fit an entry with ports by their
				      * addresses is not known */
};

struct rf_cisco_list {
	struct rf_cisco_list *next;
	struct rf_view name;
	uint8_t family;
	bool standard, defined, unsorted, whole; /* whole: an entry fits everything */
	uint64_t last;               /* sequence number */
	uint32_t line;
	struct rf_rs_chain *chain;
};

struct rf_cisco_binding {
	struct rf_cisco_binding *next;
	struct rf_cisco_list *list;
	const char *interface;
	uint8_t family;
	bool out;
	uint32_t line;
};

struct rf_cisco_child {
	struct rf_cisco_child *next;
	struct rf_cisco_group *group;
	uint32_t line;
};

struct rf_cisco_group {
	struct rf_cisco_group *next;
	struct rf_view name;
	uint8_t family;              /* 4 or 6: addresses; 0: services */
	bool defined;
	uint32_t line;               /* where it was first named */
	struct rf_rs_set *addresses;
	struct rf_rs_set *services;  /* PROTO, SPORT, DPORT, ICMP_TYPE */
	struct rf_rs_set *protocols; /* of those rows */
	struct rf_rs_set *plain;     /* protocols of rows that ask for nothing else */
	size_t own[3];               /* rows before groups within it were added */
	struct rf_cisco_child *children;
};

struct rf_cisco {
	struct rf_ruleset *rs;
	const struct rf_cisco_dialect *dialect;
	struct rf_view rest;
	uint32_t line;
	struct rf_view text;         /* the line, trimmed */
	struct rf_words w;
	uint8_t section;             /* enum rf_cisco_what: what indented lines are */
	struct rf_cisco_list *lists, *list;
	struct rf_cisco_group *groups, *group;
	struct rf_cisco_binding *bindings, **bindings_end;
	unsigned binding_count, group_count;
	const char *interface;       /* at hand */
};

int rf_cisco_read(struct rf_view bytes, const char *name, const struct rf_cisco_dialect *dialect,
		  struct rf_ruleset *ret_rs, struct rf_diag *diag);
/* The line at hand is an error. */
int rf_cisco_fail(struct rf_cisco *c, int code, const char *why);
void *rf_cisco_take(struct rf_cisco *c, size_t n);

/* Entry of the list at hand, w.at behind a numbered list's head. */
void rf_cisco_entry(struct rf_cisco *c);
/* Sections' heads, w.at behind what the table matched. */
void rf_cisco_list_head(struct rf_cisco *c, uint8_t family);
void rf_cisco_list_numbered(struct rf_cisco *c);
struct rf_cisco_list *rf_cisco_list(struct rf_cisco *c, struct rf_view name, uint8_t family);
/* In the order of sequence numbers; ends; hooks. */
void rf_cisco_lists_end(struct rf_cisco *c);

void rf_cisco_group_head(struct rf_cisco *c);
void rf_cisco_group_line(struct rf_cisco *c);
struct rf_cisco_group *rf_cisco_group(struct rf_cisco *c, struct rf_view name, uint8_t family);
void rf_cisco_groups_end(struct rf_cisco *c);

/* An entry without its sequence number: permit|deny ... */
void rf_cisco_ace(struct rf_cisco *c, uint64_t sequence);

/* "eq 80 443", "range 1 9", ... from the words into a set of ports; nothing there: 0 and *ret_set NULL.
 * bare: "80" is "eq 80". */
int rf_cisco_ports(struct rf_cisco *c, uint32_t protocol, bool bare, struct rf_rs_set **ret_set, bool *ret_negate);
/* any, host A, A WILDCARD, A/LENGTH: mask instead of wildcard with `mask`. */
int rf_cisco_address(struct rf_cisco *c, uint8_t family, bool mask, struct rf_rs_cell *ret_cell);

extern const struct rf_word_number rf_cisco_protocols[], rf_cisco_tcp[], rf_cisco_udp[], rf_cisco_icmp[],
	rf_cisco_icmp6[];
/* "Gi1/0/1", "gigabitethernet 1/0/1": "GigabitEthernet1/0/1", for all that name interfaces so. */
void rf_cisco_interface(struct rf_view name, char *buf, size_t cap);

#endif
