/* Read the ledger, line by line over its segments, while it is being written or when nobody writes. One thread. */
#ifndef RF_LEDGER_READER_H
#define RF_LEDGER_READER_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "ledger/limits.h"

struct rf_ledger_reader;

struct rf_ledger_line {
	struct rf_view text;       /* without LF; valid until the next call */
	uint64_t seq;
	struct rf_view time;       /* RFC 3339; texts of this form sort as the times do */
	struct rf_view kind;
	struct rf_view body;       /* FIELDS with the comma before them: `,"a":1,"b":"x"`, or empty */
	struct rf_view prev, hash; /* 64 hex digits each */
	struct rf_view hashed;     /* the bytes that the hash is over */
	const char *file;          /* name in the directory; valid until the next call */
	uint64_t number;           /* line in that file, from 1 */
};

/* RF_E_NOT_FOUND when there is no such directory or no segment in it; -errno with diag. */
int rf_ledger_reader_new(const char *dir, struct rf_ledger_reader **ret_reader, struct rf_diag *diag);
void rf_ledger_reader_free(struct rf_ledger_reader *r);

/* The next line. RF_E_MORE: no further whole line now (call again later to follow). RF_E_CORRUPT: the line is not of
 * our form; ret_line has text, file and number, and the next call goes on behind it. -errno: reading failed. */
int rf_ledger_reader_next(struct rf_ledger_reader *r, struct rf_ledger_line *ret_line);
/* Bytes behind the last whole line of the last segment (a write under way, or what a crash left). */
size_t rf_ledger_reader_tail(const struct rf_ledger_reader *r);

/* Split a line into its parts. RF_E_CORRUPT when it is not of our form. Does not check the hash. */
int rf_ledger_line_parse(struct rf_view text, struct rf_ledger_line *ret_line);

/* Follow the chain from the first line to the last and compare it with the head. 0: whole. RF_E_CORRUPT: diag names
 * file, line, seq and what is wrong with the first that is; more problems are counted. */
struct rf_ledger_report {
	uint64_t lines, segments;
	uint64_t first_seq, last_seq;
	uint64_t problems;
	uint64_t gaps;             /* events of kind ledger.gap, .recovered, .damaged, .truncated: told
				    * by the record itself */
	size_t tail_bytes;         /* half a line at the end: a write under way or a crash, not yet a problem */
	char last_hash[65];
	char seen_file[32];        /* where the first problem is */
	uint64_t seen_line, seen_seq;
};
int rf_ledger_verify(const char *dir, struct rf_ledger_report *ret_report, struct rf_diag *diag);

/* A time as a person gives it, as text that compares with rf_ledger_line.time: "2026-11-22", "2026-11-22T04:11",
 * "2026-11-22T04:11:00Z" (UTC), or an age before now: "90s", "15m", "2h", "3d". */
int rf_ledger_when(struct rf_view text, struct rf_wall now, char dst[static RF_WALL_TEXT]);

#endif
