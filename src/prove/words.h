/* Lines of configurations as words. Views of the file, with bounds; nothing is copied. */
#ifndef RF_PROVE_WORDS_H
#define RF_PROVE_WORDS_H

#include "prove/ruleset.h"

/* Bounds, also listed in docs/security.md. */
enum {
	RF_WORDS_LINE_MAX = 16384,   /* bytes of one line */
	RF_WORDS_MAX = 128,          /* words of a line, of a Junos statement with all that it stands in */
	RF_WORDS_NEST_MAX = 32,      /* braces within braces, groups within groups */
	RF_WORDS_SHOWN = 160,        /* bytes of a line that an error shows */
};

struct rf_words {
	struct rf_view v[RF_WORDS_MAX];
	unsigned n, at;              /* words; the next one to be read */
	bool more;                   /* the line has more than these */
};

/* A table of words that mean numbers. */
struct rf_word_number {
	const char *word;
	uint32_t number, second;     /* second: a code of ICMP + 1, 0: none */
};

/* The next line without its end; false: there is none. */
bool rf_words_line(struct rf_view *rest, struct rf_view *ret_line);
/* By blanks and tabs. */
void rf_words_split(struct rf_view line, struct rf_words *ret_w);

static inline bool rf_word_is(struct rf_view v, const char *word)
{
	return rf_view_eq(v, rf_view_str(word));
}

/* The next word, empty at the end; peeked at, or taken. */
static inline struct rf_view rf_words_peek(const struct rf_words *w)
{
	return w->at < w->n ? w->v[w->at] : (struct rf_view){ 0 };
}

static inline struct rf_view rf_words_take(struct rf_words *w)
{
	return w->at < w->n ? w->v[w->at++] : (struct rf_view){ 0 };
}

/* Take it, if it is that one. */
bool rf_words_skip(struct rf_words *w, const char *word);
/* How many words of the phrase ("ip access-list extended") the line begins with from `at` on: all of them, or 0. */
unsigned rf_words_begin(const struct rf_words *w, unsigned at, const char *phrase);
/* By table (ends with a NULL word), else digits up to max. */
bool rf_word_number(const struct rf_word_number *table, struct rf_view v, uint32_t max, uint32_t *ret,
		    uint32_t *ret_second);
/* For errors: printable, cut. */
const char *rf_words_shown(struct rf_view v, char buf[static RF_WORDS_SHOWN + 4]);

/* Names that the languages of Cisco, Arista and Juniper share. */
extern const struct rf_word_number rf_words_dscp[];

/* Flags of TCP that fit: one bit for each of their 256 values. */
struct rf_flag_set {
	uint8_t bits[32];
};

void rf_flags_with(struct rf_flag_set *f, uint8_t value, uint8_t mask); /* those where flags & mask == value */
/* "(syn & !ack) | rst", of Junos. RF_E_MALFORMED. */
int rf_flags_parse(struct rf_view text, struct rf_flag_set *ret_f);
bool rf_flag_named(struct rf_view word, uint8_t *ret_bit);
/* As a match of the rule. */
void rf_flags_match(struct rf_ruleset *rs, struct rf_rs_rule *r, const struct rf_flag_set *f);

#endif
