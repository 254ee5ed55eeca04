/* For the files of the nftables reader. jansson does not appear above it. */
#ifndef RF_PROVE_NFT_INT_H
#define RF_PROVE_NFT_INT_H

#include "prove/ruleset.h"

#include <jansson.h>

struct rf_nftj {
	struct rf_ruleset *rs;
	json_t *items;                 /* what `nft -j list ruleset` lists */
	const char *family, *table;    /* of the rule at hand */
	const char *place;             /* "rule 12 of inet ringfort forward", for errors */
};

/* Left sides: what is looked at. */
enum rf_nftj_left_kind {
	RF_NFTJ_FIELDS,  /* one field, or a concatenation */
	RF_NFTJ_CHANCE,  /* something that sets of packets do not know: rest and what */
	RF_NFTJ_RPF,     /* fib saddr . iif oif */
	RF_NFTJ_TYPE,    /* fib daddr type */
};

struct rf_nftj_left {
	enum rf_nftj_left_kind kind;
	uint8_t fields[RF_RS_FIELDS_MAX];
	bool v6[RF_RS_FIELDS_MAX];      /* icmpv6's names of types and codes */
	unsigned n;
	json_t *mask;                   /* of `field & mask`, NULL: none */
	uint8_t rest;
	const char *what;
};

/* Read the left side j; what it implies (tcp dport: protocol is TCP) becomes matches of the rule. */
int rf_nftj_left(struct rf_nftj *n, struct rf_rs_rule *r, json_t *j, struct rf_nftj_left *ret_left);
/* {"match": ...} of the rule. */
int rf_nftj_match(struct rf_nftj *n, struct rf_rs_rule *r, json_t *j);
/* A set from its elements; keys of maps likewise (the element's first). */
int rf_nftj_rows(struct rf_nftj *n, struct rf_rs_set *set, const struct rf_nftj_left *left, json_t *elements);
int rf_nftj_cells(struct rf_nftj *n, const struct rf_nftj_left *left, json_t *j, struct rf_rs_cell *ret_cells);
/* By name in the table at hand. */
struct rf_rs_set *rf_nftj_set(struct rf_nftj *n, const char *name, const struct rf_nftj_left *left);
/* {"limit"...}, {"quota"...}: is it a bound that must not be passed ("over")? */
int rf_nftj_rule(struct rf_nftj *n, json_t *j);

/* A name of nftables as a number: of icmp types, protocols and so on. */
bool rf_nftj_number(unsigned field, bool v6, const char *name, uint32_t *ret);

int rf_nftj_fail(struct rf_nftj *n, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The rule as nft would write it, for people. */
const char *rf_nftj_text(json_t *expr, char *buf, size_t cap);
const char *rf_nftj_short(json_t *j, char *buf, size_t cap);

static inline const char *rf_nftj_str(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s ? s : "";
}

#endif
