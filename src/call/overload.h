/* When there is more work than this process can do: whose work is put off, and how much of it.
 *
 * Two measures, each 1000 when its bound is reached. Pressure is how busy the worker's processor is; strain is what
 * callers feel: how late the loop comes to its work, how much waits in its mail, how near memory is to its bound. A
 * flood that costs only processor time may keep a worker busy all day and phones hardly notice; so pressure puts off
 * calls to the outside and what can wait, and only strain those inside the site. Emergency calls and requests inside a
 * dialog are never put off.
 *
 * A worker that is short of time for its datagrams is not late: it reads so many in a turn, the others wait in the
 * kernel, and then the kernel drops them. So what waits there is strain as well, but of those who came by UDP only: who
 * floods a socket with datagrams must not keep the others, over TLS, from calling.
 *
 * Between the two ends of its ramp a class is refused in proportion, so that a little overload turns away a little and
 * the answer to load is smooth (RFC 7339 calls it loss). A machine: it gets samples and random bits, and holds no
 * clock. One worker's. */
#ifndef RF_CALL_OVERLOAD_H
#define RF_CALL_OVERLOAD_H

#include "base/clock.h"

#include <stdbool.h>

enum rf_load_class {
	RF_LOAD_EMERGENCY,   /* never refused */
	RF_LOAD_PRECEDENCE,  /* calls with a granted precedence over routine (RFC 4412) */
	RF_LOAD_INTERNAL,    /* calls to numbers of the site */
	RF_LOAD_REGISTER,
	RF_LOAD_EXTERNAL,    /* calls to the outside and from it */
	RF_LOAD_OTHER,       /* subscriptions, messages: they can wait */
	RF_LOAD_CLASSES,
};

/* 0 in a field: the value beside it. */
struct rf_overload_conf {
	uint32_t cpu_percent;   /* 90: of one processor, of each worker */
	uint32_t lag_ms;        /* 500: T1, when phones begin to repeat themselves */
	uint64_t memory_bytes;  /* no bound: of the process */
	uint64_t queue_bytes;   /* 4 MiB: mail that waits for the worker */
};

/* What happened since the last sample; about every RF_OVERLOAD_SAMPLE_MS. */
struct rf_load_sample {
	uint64_t cpu_us;        /* of the worker's thread */
	uint64_t passed_us;     /* of the monotonic clock */
	uint64_t late_us;       /* how much later than due the sample was taken */
	uint64_t memory_bytes;  /* of the process, now */
	uint64_t queue_bytes;   /* now */
	uint64_t udp_bytes, udp_room; /* datagrams that wait in the kernel now, and for how much it has room */
	bool udp_dropped;       /* it had no room for some */
};

enum {
	RF_OVERLOAD_SAMPLE_MS = 100,
	RF_OVERLOAD_QUIET = 900, /* below this pressure no class is refused */
};

struct rf_overload {
	struct rf_overload_conf conf;
	uint32_t cpu, lag, queue, memory; /* per mille of the bounds; all but memory smoothed */
	uint32_t udp;           /* likewise; moves by steps, up while half of the room is taken or datagrams are lost */
	uint64_t refused[RF_LOAD_CLASSES];
};

void rf_overload_init(struct rf_overload *o, const struct rf_overload_conf *conf);
/* New bounds (a reload); what was measured stays. */
void rf_overload_set(struct rf_overload *o, const struct rf_overload_conf *conf);
void rf_overload_sample(struct rf_overload *o, const struct rf_load_sample *s);
/* The two measures, per mille of their bounds; udp: for what came in a datagram. */
uint32_t rf_overload_strain(const struct rf_overload *o, bool udp);
uint32_t rf_overload_pressure(const struct rf_overload *o, bool udp);
/* Which share of this class is refused now, in percent. */
unsigned rf_overload_loss(const struct rf_overload *o, enum rf_load_class c, bool udp);
/* May this one go on? random: 32 fresh bits. False is counted. */
bool rf_overload_admit(struct rf_overload *o, enum rf_load_class c, bool udp, uint32_t random);
/* Seconds for Retry-After: spread, so that those who were sent away do not come back all at once. */
uint32_t rf_overload_retry_s(enum rf_load_class c, uint32_t random);
/* "emergency", "internal", ... */
const char *rf_load_class_name(enum rf_load_class c);

#endif
