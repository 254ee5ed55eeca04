/* Private to the ledger and its tests: the chain of lines, the journal (directory, segments, lock, head), and what a
 * test may put between us and the disk. */
#ifndef RF_LEDGER_LEDGER_INT_H
#define RF_LEDGER_LEDGER_INT_H

#include "ledger/ledger.h"
#include "ledger/reader.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <sys/types.h>

enum { RF_HASH_BYTES = 32, RF_HASH_TEXT = 65, RF_SEGMENT_NAME = 32 };

/* SHA-256 with a kept context. */
struct rf_sha {
	EVP_MD *md;
	EVP_MD_CTX *ctx;
};
int rf_sha_init(struct rf_sha *s);
void rf_sha_fini(struct rf_sha *s);
/* 64 lower-case hex digits and a NUL. RF_E_CRYPTO when OpenSSL refuses. */
int rf_sha_text(struct rf_sha *s, struct rf_view v, char ret_text[static RF_HASH_TEXT]);

/* The end of the chain: what the next line continues. */
struct rf_chain {
	uint64_t seq;                 /* of the last line, 0 before the first */
	char hash[RF_HASH_TEXT];
	int64_t second;               /* the second that date holds, to spare the calendar for the next line */
	char date[RF_WALL_TEXT];
};
void rf_chain_init(struct rf_chain *c);
/* Write the next line with its LF onto w and move the chain on. On an error (RF_E_SPACE, RF_E_CRYPTO) neither moves. */
int rf_chain_put(struct rf_chain *c, struct rf_sha *sha, struct rf_writer *w, struct rf_wall time, struct rf_view kind,
	struct rf_view body);

struct rf_ledger_io {
	ssize_t (*write)(void *ctx, int fd, const void *p, size_t n);
	int (*sync)(void *ctx, int fd);
	void *ctx;
};
extern const struct rf_ledger_io rf_ledger_io_system;

struct rf_journal {
	char *path;
	int dir_fd, lock_fd, seg_fd;
	char seg_name[RF_SEGMENT_NAME];
	uint64_t seg_bytes, seg_limit;
	uint64_t id;                  /* who we are in the lock file */
	bool dirty;                   /* written since the last sync */
	struct rf_chain chain;
	struct rf_sha sha;
	struct rf_clock clock;
	struct rf_ledger_io io;
	unsigned n_notes;             /* what the scan found, to be recorded before anything else */
	struct rf_event notes[2];
};

/* No file is touched before rf_journal_attach(). */
int rf_journal_init(struct rf_journal *j, const char *path, size_t segment_bytes, struct rf_clock clock);
void rf_journal_fini(struct rf_journal *j);
/* Open directory and lock anew (made when missing) and read the tail. Also after the directory has vanished. */
int rf_journal_attach(struct rf_journal *j, struct rf_diag *diag);
/* Is what we write still what the path leads to. */
bool rf_journal_attached(const struct rf_journal *j);
/* Take the lock for one batch, reading the tail again if another process wrote. RF_E_BUSY when it is held. */
int rf_journal_lock(struct rf_journal *j);
void rf_journal_unlock(struct rf_journal *j);
/* Under the lock: append whole lines, all or nothing (a part written is cut off again). before: the chain's end that
 * they continue. Changes segment when due; the segment that is left is synced, with the head, first. */
int rf_journal_append(struct rf_journal *j, struct rf_view lines, const struct rf_chain *before);
/* Under the lock: to the disk, and the head after it. */
int rf_journal_sync(struct rf_journal *j);

/* Read what is at the end of the newest segment and set chain, segment and note from it (tail.c). Under the lock. */
int rf_journal_scan(struct rf_journal *j);
/* Make a file in the directory, mode 0600, owned by the directory's owner. -errno or a descriptor. */
int rf_journal_create(const struct rf_journal *j, const char *name, int flags);

/* First seqs of the segments of a directory, sorted (segment.c). *ret_list is malloc'd. */
int rf_segments_list(int dir_fd, uint64_t **ret_list, size_t *ret_n);
void rf_segment_name(char dst[static RF_SEGMENT_NAME], uint64_t first_seq);

struct rf_head {
	uint64_t seq;
	char hash[RF_HASH_TEXT];
};
/* RF_E_NOT_FOUND when there is none, RF_E_CORRUPT when it cannot be read as one. */
int rf_head_read(int dir_fd, struct rf_head *ret_head);
int rf_head_write(const struct rf_journal *j, const struct rf_head *head);

#define RF_HASH_ZERO "0000000000000000000000000000000000000000000000000000000000000000"

/* As rf_ledger_open(), with the disk replaced. */
int rf_ledger_open_io(const char *dir, const struct rf_ledger_options *options, const struct rf_ledger_io *io,
	struct rf_ledger **ret_ledger, struct rf_diag *diag);
/* One turn of the writing thread, for tests without a thread: take, write, sync when due or when `sync`. */
int rf_ledger_turn(struct rf_ledger *l, bool sync);

#endif
