/* The operator's log: one JSON line each on stderr when that is a file or a pipe, plain words on a terminal. For the
 * process's own health only; what happened to calls and identities goes to the ledger. Never a secret, never a
 * message from outside. Threads: any (one write(2) per line). */
#ifndef RF_BASE_LOG_H
#define RF_BASE_LOG_H

enum rf_log_level { RF_LOG_ERROR, RF_LOG_WARN, RF_LOG_INFO, RF_LOG_DEBUG };

struct rf_log {
	int fd;
	enum rf_log_level most; /* what is more detailed than this is not written */
	int plain;              /* words rather than JSON */
};

/* To stderr; plain when it is a terminal. */
struct rf_log rf_log_stderr(enum rf_log_level most);
/* log may be NULL: nothing is written. */
void rf_log(const struct rf_log *log, enum rf_log_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
