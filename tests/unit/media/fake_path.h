/* Paths that are none: they keep what they are told, and stand in the place of path.c and worker.c where a program has
 * this file linked before the library. Two interfaces, "in" and "out", with an address of each family. */
#ifndef RF_TEST_FAKE_PATH_H
#define RF_TEST_FAKE_PATH_H

#include "media/path.h"
#include "media/worker.h"

enum { KIT_PATHS = 64 };

struct rf_path {
	struct rf_media_worker *worker;
	bool used, open;
	enum rf_path_kind kind;
	unsigned interface[2];
	uint16_t port[2];
	struct rf_path_end_conf conf[2];
	unsigned sets[2], holds[2];
	uint32_t silence_ms;
	const struct rf_path_ops *ops;
	void *arg;
	struct rf_path_filter *filter[2];
	struct rf_path_tap *taps[2];
	struct rf_path *bearer[2];       /* rf_path_ride() */
	unsigned riders;
	unsigned sent[2], sent_rtcp[2];  /* rf_path_send(), rf_path_send_rtcp() */
	uint8_t last[2][2048];
	size_t last_n[2];
	struct rf_path_end_stats stats[2];
};

struct rf_media_worker {
	struct rf_path paths[KIT_PATHS];
	size_t n_used, most;             /* most: paths that there may be; 0: all */
	uint16_t next_port;
	int set_error;                   /* what rf_path_set() says; 0: it does its work */
	bool only_ip4;
};

#endif
