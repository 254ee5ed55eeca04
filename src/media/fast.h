/* The kernel's way of a stream. What userspace has admitted, and neither encrypts nor listens to, may pass through
 * the kernel without waking us: a program at the receiving side of the relay's interfaces (tc, decisions/0052)
 * checks each packet again, gives it the addresses of the other end, and sends it on. Plain RTP, and SRTP whose
 * keys both parties share.
 *
 * It forwards what has, all together: the interface, source and destination addresses and ports, and the SSRC of an
 * admitted stream; version 2; a payload type that was negotiated; a sequence number that is new and near the last one;
 * room in the stream's rate; a whole IP datagram without options, extension headers, fragments, tag of a VLAN, of at
 * most RF_FAST_BYTES_MAX. A repeated packet and one too many are dropped there, and counted. All else, RTCP too, goes
 * up untouched, to the path's socket, where it is judged as ever. What leaves is as if we had sent it: hop limit 64,
 * the stream's DSCP, no identification, no flow label.
 *
 * It cannot authenticate: the tags of SRTP that passes are checked by the party it is meant for. But each packet
 * whose sequence number is a multiple of RF_FAST_LOOK goes up, so that userspace judges the stream again, and
 * never loses count of it.
 *
 * Opening needs CAP_BPF and CAP_NET_ADMIN and Linux 6.6; after it neither: all that follows is by descriptors, with the
 * system calls bpf (BPF_MAP_UPDATE_ELEM, BPF_MAP_DELETE_ELEM), connect and getsockname alone. Counters are read from
 * shared memory. The program and its maps are held by nothing but this process, and gone with it, however it ends.
 * Threads: any; all workers share one. */
#ifndef RF_MEDIA_FAST_H
#define RF_MEDIA_FAST_H

#include "base/err.h"
#include "net/addr.h"

#include <stdbool.h>

struct rf_fast;

enum {
	RF_FAST_DEVICES_MAX = 16,
	RF_FAST_STREAMS_MAX = 1 << 20,
	RF_FAST_BYTES_MAX = 1280,    /* of an IP datagram: every link carries so much (RFC 8200 5) */
	RF_FAST_AHEAD = 100,         /* sequence numbers: further ahead userspace judges */
	RF_FAST_BEHIND = 48,         /* and so far behind */
	RF_FAST_LOOK = 4096,
};

/* devices: names of interfaces, those with the relay's addresses. streams_max: at a time, 0: 65536; memory for them is
 * some 64 bytes each at once, and 200 more when they are there. Errors, with why in d (may be NULL): RF_E_UNSUPPORTED
 * (built without it, or the kernel is older), -EPERM, RF_E_NOT_FOUND (no such interface), RF_E_INVALID, -errno. */
int rf_fast_open(const char *const *devices, unsigned n_devices, size_t streams_max, struct rf_fast **ret_fast,
		 struct rf_diag *d);
/* Streams are userspace's again. NULL is fine. */
void rf_fast_close(struct rf_fast *f);

struct rf_fast_stream {
	struct rf_addr in_from, in_to;   /* the party that sends, and our address and port that it sends to */
	struct rf_addr out_from, out_to; /* ours towards the other party, and the other party; of the same family */
	uint32_t ssrc;
	uint64_t types[2];               /* payload types, a bit each */
	uint32_t packets_s, bytes_s;     /* bounds of RTP, as rf_path_end_conf has them; none is 0 */
	uint8_t dscp;
	uint16_t seq;                    /* the highest that userspace let through */
	uint64_t seen;                   /* which of those up to seq came: bit 0 is seq */
};

/* From now on in the kernel. RF_E_UNSUPPORTED: the addresses are of two families, or not on devices of ours, or the way
 * to the party leads out of another one than ours is on; RF_E_EXISTS; RF_E_LIMIT; -errno. Then
 * userspace goes on as before. */
int rf_fast_add(struct rf_fast *f, const struct rf_fast_stream *s, uint32_t *ret_id);

struct rf_fast_counts {
	uint64_t packets, bytes;         /* forwarded; bytes of RTP, header included */
	uint64_t repeated, over_rate;    /* dropped */
	uint64_t last_us;                /* monotonic; 0: none yet */
	uint16_t seq;                    /* as in struct rf_fast_stream */
	uint64_t seen;
};

/* What it has done since rf_fast_add(). Costs no system call. */
struct rf_fast_counts rf_fast_read(const struct rf_fast *f, uint32_t id);
/* Userspace let a packet of the stream through that had come up: it is not new any more. One out of the kernel's reach
 * (RF_FAST_AHEAD, RF_FAST_BEHIND) moves it there: it goes on from this one. */
void rf_fast_saw(struct rf_fast *f, uint32_t id, uint16_t seq);
/* Userspace's again, from the next packet on. Its last counts. */
struct rf_fast_counts rf_fast_remove(struct rf_fast *f, uint32_t id);

/* What became of packets, of all streams and of none. Names for status and metrics. */
enum rf_fast_verdict {
	RF_FAST_SENT,
	RF_FAST_REPEATED, RF_FAST_RATE, RF_FAST_FAILED,              /* dropped */
	RF_FAST_NO_STREAM, RF_FAST_NO_RTP, RF_FAST_TYPE, RF_FAST_SEQUENCE, /* went up */
	RF_FAST_LOOKED,                                              /* went up to be looked at */
	RF_FAST_VERDICTS,
};
const char *rf_fast_verdict_name(enum rf_fast_verdict v);

struct rf_fast_totals {
	size_t streams, streams_max;
	uint64_t verdicts[RF_FAST_VERDICTS];
};
struct rf_fast_totals rf_fast_totals(const struct rf_fast *f);

#endif
