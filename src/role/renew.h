/* Files that a role takes up by itself when somebody has written them anew: certificates, authorities, lists of revoked
 * ones. What is being copied at the moment is left alone until it stays as it is for one look. One thread. */
#ifndef RF_ROLE_RENEW_H
#define RF_ROLE_RENEW_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { RF_RENEW_FILES = 48, RF_RENEW_PATH = 512 };

/* What tells one writing of a file from the next; zeros: there is none. */
struct rf_renew_mark {
	ino_t ino;
	off_t size;
	int64_t s, ns;
};

struct rf_renew {
	unsigned n;
	struct rf_renew_file {
		char path[RF_RENEW_PATH];
		struct rf_renew_mark taken, seen;
	} file[RF_RENEW_FILES];
};

/* Watch this one too, from how it is now on. The same twice is once; past the bound, or with too long a path, nothing:
 * then `ringfort reload` reads it. */
void rf_renew_add(struct rf_renew *r, const char *path);
/* Look, about once a second. True: some have changed since they were taken and stood still between two looks; now they
 * count as taken. */
bool rf_renew_look(struct rf_renew *r);
/* All are taken as they are: before they are read for another reason. True: some have changed since they were taken. */
bool rf_renew_take(struct rf_renew *r);

#endif
