/* For the files of the reader of Junos: junos_text.c (both forms of writing to statements), read_junos.c (what
 * statements are judged, skipped, refused), junos_term.c (conditions and actions of a filter's term), junos_rules.c
 * (terms to rules), junos_names.c.
 *
 * `set` lines and braces say the same: a statement is a row of words, "firewall family inet filter f
 * term t then accept". */
#ifndef RF_PROVE_JUNOS_INT_H
#define RF_PROVE_JUNOS_INT_H

#include "prove/words.h"

/* Bounds, also listed in docs/security.md. */
enum { RF_JUNOS_FILTERS_MAX = 4096, RF_JUNOS_TERMS_MAX = 20000 }; /* terms: of one filter */

enum rf_junos_numbers { RF_J_PROTO, RF_J_SPORT, RF_J_DPORT, RF_J_PORT, RF_J_TYPE, RF_J_CODE, RF_J_DSCP, RF_J_NUMBERS };
enum rf_junos_ends { RF_J_SRC, RF_J_DST, RF_J_EITHER, RF_J_ENDS };

struct rf_junos_prefix {
	struct rf_junos_prefix *next;
	struct rf_rs_cell cell;
	struct rf_view list;         /* empty: the cell; else the name of a prefix list */
	bool except;
	uint32_t line;
};

struct rf_junos_policer {
	struct rf_junos_policer *next;
	struct rf_view name;
};

struct rf_junos_term {
	struct rf_junos_term *next;
	struct rf_view name;
	uint32_t line;
	struct rf_junos_prefix *ends[RF_J_ENDS];
	struct rf_rs_set *yes[RF_J_NUMBERS], *no[RF_J_NUMBERS]; /* no: -except */
	bool flagged, fragment, first_fragment;
	struct rf_flag_set flags;
	enum { RF_J_NOTHING, RF_J_ACCEPT, RF_J_DROP, RF_J_NEXT } then;
	struct rf_junos_policer *policers;
	bool dscp_set;
	uint32_t dscp;
};

struct rf_junos_filter {
	struct rf_junos_filter *next;
	struct rf_view name;
	uint8_t family;
	uint32_t line;
	struct rf_junos_term *terms, **terms_end, *last;
	unsigned term_count;
	struct rf_rs_chain *chain;
};

struct rf_junos_list {
	struct rf_junos_list *next;
	struct rf_view name;
	struct rf_junos_prefix *prefixes;
};

struct rf_junos_binding {
	struct rf_junos_binding *next;
	struct rf_view filter;
	const char *interface;       /* with its unit */
	uint8_t family;
	bool out, list;
	uint32_t line;
};

struct rf_junos {
	struct rf_ruleset *rs;
	struct rf_words w;           /* the statement */
	uint32_t line;
	struct rf_junos_filter *filters, *filter;
	struct rf_junos_list *lists, *list;
	struct rf_junos_binding *bindings, **bindings_end;
	unsigned filter_count, list_count, binding_count;
};

/* Calls rf_junos_statement() for each. delete: the line takes something away. */
void rf_junos_walk(struct rf_junos *j, struct rf_view bytes);
void rf_junos_statement(struct rf_junos *j, bool delete);

/* The statement is an error. */
int rf_junos_fail(struct rf_junos *j, int code, const char *why);
void *rf_junos_take(struct rf_junos *j, size_t n);

/* w.at behind "from", "then". */
void rf_junos_from(struct rf_junos *j, struct rf_junos_term *t);
void rf_junos_then(struct rf_junos *j, struct rf_junos_term *t);
/* An address with or without a length; ends the statement, but for "except". */
struct rf_junos_prefix *rf_junos_prefix(struct rf_junos *j, uint8_t family);
/* Filters to chains, bindings to hooks. */
void rf_junos_end(struct rf_junos *j);

extern const struct rf_word_number rf_junos_ports[], rf_junos_protocols[], rf_junos_icmp[], rf_junos_icmp6[];
/* "ge-0/0/1" is unit 0 of it. */
void rf_junos_interface(struct rf_view name, char *buf, size_t cap);

#endif
