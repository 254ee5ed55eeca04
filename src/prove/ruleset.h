/* Rules as they were read: one form for every language, made by a reader (nftables, iptables, IOS, EOS, Junos), used by
 * the engine that makes sets of packets of them. Not to be confused with policy/rules.h, which
 * the prover must not know.
 *
 * A ruleset is what one device has: chains of rules, and hooks that say where a packet meets which chain. Everything
 * lives in the ruleset's arena. A reader fills it with the functions below, all of which have a sticky error, and says
 * with rf_rs_fail() what it does not understand: a reader never leaves out anything that could change a verdict.
 *
 * The way of a packet through a device (those hooks that the device has, in the order of priority):
 *
 *	received --> INGRESS --> PREROUTING --> routing --> FORWARD --> POSTROUTING --> sent
 *	                                           |                        ^
 *	                                           +--> INPUT     OUTPUT ---+
 *
 * An access list bound "in" to an interface is a PREROUTING hook of that interface, one bound "out" a POSTROUTING hook
 * (`own` false where the device does not ask it about its own packets), a filter of the control plane (lo0 of Junos) an
 * INPUT hook. A device that keeps no state (tracks false) sees every packet as untracked. A keyword `established` is
 * two rules, or one match of TCP_FLAGS with two cells: ACK set, RST set.
 *
 * Fragments: matches of ports, ICMP and TCP flags fit no later fragment by themselves, as in nftables. A language that
 * sees it otherwise (IOS permits later fragments by addresses alone) says so with a second rule that has a match
 * FRAGMENT in 1..1 and none of the ports. */
#ifndef RF_PROVE_RULESET_H
#define RF_PROVE_RULESET_H

#include "base/arena.h"
#include "base/err.h"

/* Bounds, also listed in docs/security.md. Past one: RF_E_LIMIT, and nothing is proven. */
enum {
	RF_RS_FILE_MAX = 64 * 1024 * 1024, /* bytes of one file of rules */
	RF_RS_ARENA_MAX = 512 * 1024 * 1024,
	RF_RS_CHAINS_MAX = 8192,
	RF_RS_HOOKS_MAX = 4096,
	RF_RS_RULES_MAX = 200000,
	RF_RS_MATCHES_MAX = 64,            /* in one rule */
	RF_RS_SETS_MAX = 65536,
	RF_RS_CELLS_MAX = 2000000,         /* in all sets */
	RF_RS_FIELDS_MAX = 8,              /* of a concatenation */
	RF_RS_DEPTH_MAX = 16,              /* jumps within jumps, as in the kernel */
	RF_RS_TEXT_MAX = 400,              /* bytes of a rule that are shown */
};

/* What a match looks at. */
enum rf_rs_field {
	RF_RS_FAMILY,     /* 4 or 6 */
	RF_RS_SRC, RF_RS_DST,
	RF_RS_PROTO,      /* of the transport header: 0..255 */
	RF_RS_SPORT, RF_RS_DPORT,
	RF_RS_ICMP_TYPE, RF_RS_ICMP_CODE, /* of ICMP and ICMPv6; the reader adds the match of PROTO */
	RF_RS_TCP_FLAGS,  /* FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128 */
	RF_RS_FRAGMENT,   /* 0: whole, or the first piece; 1: a later piece */
	RF_RS_STATE,      /* enum rf_rs_state */
	RF_RS_DIRECTION,  /* of the connection: 0 original, 1 reply */
	RF_RS_MARK,       /* 32 bits; 0 until a rule sets it */
	RF_RS_DSCP,       /* 0..63 */
	RF_RS_PKTTYPE,    /* 0 to us, 1 broadcast, 2 multicast, 3 somebody else's */
	RF_RS_IN, RF_RS_OUT, /* interfaces, by name */
	RF_RS_FIELDS,
};

enum rf_rs_state {
	RF_RS_NEW, RF_RS_ESTABLISHED, RF_RS_RELATED, RF_RS_INVALID, RF_RS_UNTRACKED, RF_RS_STATES,
};

enum rf_rs_cell_kind {
	RF_RS_ANY,        /* every value */
	RF_RS_RANGE,      /* lo..hi */
	RF_RS_MASK,       /* value & hi == lo */
	RF_RS_NAME,       /* an interface */
	RF_RS_NAME_STAR,  /* interfaces whose names begin so */
};

/* One value or some. num: all fields but SRC and DST (ip) and interfaces (name). */
struct rf_rs_cell {
	uint8_t kind;     /* enum rf_rs_cell_kind */
	uint8_t family;   /* of SRC and DST: 4 or 6; the cell fits packets of that family only */
	union {
		struct { uint32_t lo, hi; } num;
		struct { uint8_t lo[16], hi[16]; } ip; /* network order; v4 in the first four bytes, the others 0 */
		const char *name;
	};
};

/* A table of tuples: n rows of field_count cells. A plain list of values is one with field_count 1. */
struct rf_rs_set {
	struct rf_rs_set *next;
	const char *name;           /* NULL: written in the rule itself */
	unsigned field_count;
	struct rf_rs_cell *cells;   /* row by row */
	size_t n, room;             /* rows */
	bool changes;               /* rows come and go while the device runs (timeouts, filled by rules or programs):
				     * what is here is a moment's content */
	uint32_t line;
};

enum rf_rs_match_kind {
	RF_RS_IN_SET,     /* the tuple of the packet's fields is a row of the set */
	RF_RS_SOMETIMES,  /* nobody can tell from the packet: a rate, a quota, the time of day; `rest` says what holds
			   * when nothing is exceeded */
	RF_RS_RPF,        /* the way back to the source leads out of the interface that it came in on */
	RF_RS_LOCAL,      /* the destination is of one of the match's `types`; none given: the device itself */
};

/* Kinds of destinations, as bits. */
enum { RF_RS_TO_SELF = 1, RF_RS_TO_BROADCAST = 2, RF_RS_TO_MULTICAST = 4, RF_RS_TO_OTHERS = 8 };

enum rf_rs_rest { RF_RS_REST_YES, RF_RS_REST_NO, RF_RS_REST_EITHER };

struct rf_rs_match {
	struct rf_rs_match *next;
	uint8_t kind;               /* enum rf_rs_match_kind */
	uint8_t rest;               /* enum rf_rs_rest: of SOMETIMES; not turned round by negate */
	bool negate;
	uint8_t types;              /* RF_RS_TO_*, of LOCAL */
	uint8_t field_count;
	uint8_t fields[RF_RS_FIELDS_MAX]; /* enum rf_rs_field, in the order of the set's columns */
	const struct rf_rs_set *set;
	const char *what;           /* of SOMETIMES, for people: "limit rate over 20/second" */
};

enum rf_rs_verdict {
	RF_RS_NEXT,       /* none: on to the next rule */
	RF_RS_ACCEPT,     /* through this hook's chain; the next chain of the hook is asked */
	RF_RS_DROP,       /* gone; reject is this, too */
	RF_RS_JUMP, RF_RS_GOTO,
	RF_RS_RETURN,     /* in a hook's own chain: its policy */
};

/* What a rule does to a packet that fits, before its verdict. */
enum rf_rs_effect_kind {
	RF_RS_SET_MARK,   /* to value */
	RF_RS_ANY_MARK,   /* to something that cannot be told */
	RF_RS_SET_DSCP, RF_RS_ANY_DSCP,
	RF_RS_NOTRACK,
};

struct rf_rs_effect {
	struct rf_rs_effect *next;
	uint8_t kind;
	uint32_t value;
};

struct rf_rs_chain;

struct rf_rs_rule {
	struct rf_rs_rule *next;
	uint32_t id;                /* 0.. in the ruleset, in the order in which they were read */
	uint32_t line;              /* of the file; 0: not known */
	uint64_t handle;            /* of nftables; a sequence number elsewhere; 0: none */
	const char *text;           /* as written, cut at RF_RS_TEXT_MAX; never NULL */
	const char *comment;        /* "" when none */
	struct rf_rs_chain *chain;
	struct rf_rs_match *matches; /* all must fit */
	struct rf_rs_match **matches_end;
	unsigned match_count;
	struct rf_rs_effect *effects;
	struct rf_rs_effect **effects_end;
	uint8_t verdict;            /* enum rf_rs_verdict */
	uint8_t family;             /* of its table: 4, 6, 0 both */
	struct rf_rs_chain *target; /* of JUMP and GOTO */
};

struct rf_rs_chain {
	struct rf_rs_chain *next;
	const char *name;           /* unique: "inet ringfort forward", "filter FORWARD", the name of an access list */
	bool defined;               /* else only jumped to, so far */
	bool elsewhere;             /* asked about something else than packets on their way (who may log in): that none
				     * meets it is no news */
	uint32_t line;
	struct rf_rs_rule *rules, **rules_end;
	size_t rule_count;
};

enum rf_rs_hook_kind {
	RF_RS_HOOK_INGRESS, RF_RS_HOOK_PREROUTING, RF_RS_HOOK_INPUT, RF_RS_HOOK_FORWARD, RF_RS_HOOK_OUTPUT,
	RF_RS_HOOK_POSTROUTING, RF_RS_HOOK_KINDS,
};

/* Here packets meet a chain. */
struct rf_rs_hook {
	struct rf_rs_hook *next;
	uint8_t kind;               /* enum rf_rs_hook_kind */
	uint8_t family;             /* 4, 6, 0 both */
	uint8_t policy;             /* RF_RS_ACCEPT or RF_RS_DROP: for what reaches the end */
	bool own;                   /* of POSTROUTING: also the device's own packets */
	int32_t priority;           /* lower first; of the same, in the order of reading */
	struct rf_rs_chain *chain;
	const char *interface;      /* NULL: all; else only packets of this one (in before routing, out behind it) */
	uint32_t line;              /* where the policy stands */
	const char *text;           /* "policy drop", "the end of access-list 101" */
};

struct rf_ruleset {
	struct rf_arena arena;      /* owned */
	const char *file;           /* for people: path, or "kernel" */
	const char *language;       /* "nftables", "iptables", "ios", "eos", "junos" */
	bool tracks;                /* connections are tracked; set by the reader */
	bool reassembles;           /* later fragments never meet a rule */
	struct rf_rs_chain *chains, **chains_end;
	size_t chain_count;
	struct rf_rs_hook *hooks, **hooks_end;
	size_t hook_count;
	struct rf_rs_set *sets, **sets_end;
	size_t set_count, cell_count, rule_count;
	/* Interfaces on which the device itself drops packets whose way back leads elsewhere (`ip verify unicast
	 * source`); "*": all. A list of names. */
	const struct rf_rs_name *strict;
	/* How the names of interfaces in here are spelled ("Gi1/0/1" is "GigabitEthernet1/0/1",
	 * "ge-0/0/1" is its unit 0):
	 * who compares them with names from elsewhere spells those so. NULL: as they are. */
	void (*spell)(struct rf_view name, char *buf, size_t cap);
	int err;                    /* sticky */
	struct rf_diag diag;        /* of err */
};

struct rf_rs_name {
	const struct rf_rs_name *next;
	const char *name;
};

void rf_ruleset_init(struct rf_ruleset *rs, const char *file, const char *language);
void rf_ruleset_fini(struct rf_ruleset *rs);

/* --- for readers. After the first error every one of them does nothing and returns NULL or a code, so a reader may
 * look once a rule at rs->err. Texts are copied. */

/* Set the error, unless there is one: RF_E_UNSUPPORTED for what is not understood, RF_E_MALFORMED for what is no rule
 * of the language, RF_E_LIMIT. Returns rs->err. */
int rf_rs_fail(struct rf_ruleset *rs, int code, uint32_t line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* The chain of that name, made when it is not there. `defined` is the reader's to set. */
struct rf_rs_chain *rf_rs_chain(struct rf_ruleset *rs, struct rf_view name);
struct rf_rs_hook *rf_rs_hook(struct rf_ruleset *rs, enum rf_rs_hook_kind kind, struct rf_rs_chain *chain,
			      int32_t priority, enum rf_rs_verdict policy);
/* A rule at the end of the chain, with no match (fits everything) and verdict NEXT. text is cleaned for printing. */
struct rf_rs_rule *rf_rs_rule(struct rf_ruleset *rs, struct rf_rs_chain *chain, uint32_t line, struct rf_view text);

/* A set; name may be empty. Rows are added one by one; cells[field_count] are copied. */
struct rf_rs_set *rf_rs_set(struct rf_ruleset *rs, struct rf_view name, unsigned field_count);
int rf_rs_row(struct rf_ruleset *rs, struct rf_rs_set *set, const struct rf_rs_cell *cells);
/* By name, NULL: there is none. */
struct rf_rs_set *rf_rs_set_named(const struct rf_ruleset *rs, struct rf_view name);

/* Matches, at the end of the rule's. */
struct rf_rs_match *rf_rs_match_set(struct rf_ruleset *rs, struct rf_rs_rule *rule, const struct rf_rs_set *set,
				    const uint8_t *fields, unsigned field_count, bool negate);
struct rf_rs_match *rf_rs_match_num(struct rf_ruleset *rs, struct rf_rs_rule *rule, enum rf_rs_field field, uint32_t lo,
				    uint32_t hi, bool negate);
/* One cell of any kind. */
struct rf_rs_match *rf_rs_match_cell(struct rf_ruleset *rs, struct rf_rs_rule *rule, enum rf_rs_field field,
				     struct rf_rs_cell cell, bool negate);
struct rf_rs_match *rf_rs_match_sometimes(struct rf_ruleset *rs, struct rf_rs_rule *rule, enum rf_rs_rest rest,
					  const char *what);
struct rf_rs_match *rf_rs_match_kind(struct rf_ruleset *rs, struct rf_rs_rule *rule, enum rf_rs_match_kind kind,
				     bool negate);
int rf_rs_effect(struct rf_ruleset *rs, struct rf_rs_rule *rule, enum rf_rs_effect_kind kind, uint32_t value);
/* name NULL or "*": all. */
int rf_rs_strict(struct rf_ruleset *rs, struct rf_view name);

/* Cells. */
struct rf_rs_cell rf_rs_num(uint32_t lo, uint32_t hi);
struct rf_rs_cell rf_rs_prefix(uint8_t family, const uint8_t *address, unsigned bits); /* host bits are cleared */
struct rf_rs_cell rf_rs_span(uint8_t family, const uint8_t *lo, const uint8_t *hi);
/* value & mask: the bits of the mask must agree with the address (IOS wildcards turned round). */
struct rf_rs_cell rf_rs_masked(uint8_t family, const uint8_t *address, const uint8_t *mask);
/* "10.0.0.0/8", "10.0.0.1", "10.0.0.1-10.0.0.9", the same of IPv6. false: it is none. */
bool rf_rs_address(struct rf_view text, struct rf_rs_cell *ret_cell);
/* The name of an interface; a star at its end is a wildcard. NULL name: no memory (sticky). */
struct rf_rs_cell rf_rs_interface(struct rf_ruleset *rs, struct rf_view name);

/* What every ruleset must keep, asked by readers at their end: jumps go to chains that are defined, not in circles, not
 * too deep; ranges the right way round; fields of a match as many as its set's. rs->err or 0. */
int rf_ruleset_check(struct rf_ruleset *rs);

/* --- readers: bytes of a file to rules. On success (0) the caller ends *ret_rs with rf_ruleset_fini(); else the code
 * is returned, diag says what and where, and there is nothing to end. name is for people. */
typedef int rf_rs_reader(struct rf_view bytes, const char *name, struct rf_ruleset *ret_rs, struct rf_diag *diag);

rf_rs_reader rf_read_nft_json, rf_read_iptables, rf_read_ip6tables, rf_read_ios, rf_read_eos, rf_read_junos;

#endif
