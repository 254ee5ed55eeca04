/* The words of the NG protocol: one row for each that rtpengine's documentation has, and for those that its clients
 * send beside them. What a row says is what rf_ng_request_parse() does, rf_ng_request_put() writes, and docs/relay.md
 * shows (a test holds the page to these tables). */
#ifndef RF_MEDIA_NG_WORDS_H
#define RF_MEDIA_NG_WORDS_H

#include "media/ng.h"

/* What becomes of a word. */
enum rf_ng_fate {
	RF_NG_DONE,      /* it goes into the request, and the relay does it */
	RF_NG_ACCEPTED,  /* it asks for what is so anyway */
	RF_NG_IGNORED,   /* it is not done, and the reply's warning says so */
	RF_NG_REFUSED,   /* the request is refused: leaving the word out would change security or meaning */
};

enum rf_ng_form {
	RF_NG_FORM_FLAG,    /* an entry of "flags", or a key with on or off; sets bit x of flags, x < 0: none */
	RF_NG_FORM_TEXT,    /* a string of at most y bytes, without control characters */
	RF_NG_FORM_BYTES,   /* any string of at most y bytes */
	RF_NG_FORM_INT,     /* x..y; digits in a string will do */
	RF_NG_FORM_ENUM,    /* one of the choices, into a 32-bit enum; x: says what a word with its own row says */
	RF_NG_FORM_BITS,    /* a list of choices (or one), into a byte; x: others are refused, else ignored */
	RF_NG_FORM_LIST,    /* a list of strings (or one) of at most y bytes */
	RF_NG_FORM_ADDRESS, /* an IP address */
	RF_NG_FORM_SOURCE,  /* a list: "IP4" or "IP6", and an address of it */
	RF_NG_FORM_PAIR,    /* a list of two strings of at most y bytes */
	RF_NG_FORM_CODE,    /* a DTMF event: 0..15, or one of 0-9 * # A-D */
	RF_NG_FORM_CODECS,  /* a dictionary: its keys are words with "codec-" in front */
	RF_NG_FORM_FLAGS,   /* the list of flags */
	RF_NG_FORM_COMMAND, /* what rf_ng_commands are for */
	RF_NG_FORM_SAME,    /* another spelling of "word" or "word=value" in alias */
	RF_NG_FORM_NONE,    /* looked at by nobody: with fate IGNORED, REFUSED or ACCEPTED */
};

struct rf_ng_choice {
	const char *name;   /* several with '|' between; one that ends in '-' begins names of a list at offset list */
	uint16_t value;
	uint16_t list;
	enum rf_ng_fate fate; /* IGNORED: with the value all the same, as far as that goes */
	const char *reason;
};

struct rf_ng_word {
	const char *name;   /* as rtpengine's documentation has it */
	const char *also;   /* other names, '|' between; NULL: none */
	enum rf_ng_form form;
	bool in_flags;      /* also as "name-value" or "name=value" among the flags */
	enum rf_ng_fate fate;
	uint16_t at;        /* where in struct rf_ng_request */
	int32_t x, y;
	const struct rf_ng_choice *choices; /* ended by a NULL name */
	const char *alias;
	const char *reason; /* one line for people; NULL where DONE says it all */
};

/* In the order of the names' bytes, as bencode wants keys. */
extern const struct rf_ng_word rf_ng_words[];
extern const size_t rf_ng_words_n;

enum { RF_NG_NEEDS_CALL = 1, RF_NG_NEEDS_FROM = 2, RF_NG_NEEDS_TO = 4, RF_NG_NEEDS_SDP = 8, RF_NG_NEEDS_CODE = 16 };

struct rf_ng_command_row {
	const char *name;
	enum rf_ng_fate fate; /* DONE or REFUSED */
	uint8_t needs;
	const char *reason;
};
extern const struct rf_ng_command_row rf_ng_commands[RF_NG_COMMANDS];

/* Flags that contradict each other. */
struct rf_ng_quarrel {
	enum rf_ng_flag a, b;
};
extern const struct rf_ng_quarrel rf_ng_quarrels[];
extern const size_t rf_ng_quarrels_n;
const char *rf_ng_flag_name(enum rf_ng_flag f);

/* Is v this name or one of them (with '|' between)? Blanks, hyphens and underscores are the same, and the case of
 * letters. */
bool rf_ng_is(struct rf_view v, const char *names);
/* The length of the name that v begins with and that a '-' or the like follows, with a byte at least behind it; 0:
 * none. */
size_t rf_ng_begins(struct rf_view v, const char *names);
/* The first of them. */
struct rf_view rf_ng_first_name(const char *names);
/* The row with this name; NULL: not known. */
const struct rf_ng_word *rf_ng_word_find(struct rf_view name);

#endif
