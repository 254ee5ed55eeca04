/* What the relay tells of a call (query, delete) and of itself (statistics), as plain structs, and on the wire with the
 * keys that rtpengine has. The relay fills and puts them; the border reads them back for its call record.
 * Arrays and views are borrowed. Times are seconds since 1970 UTC. */
#ifndef RF_MEDIA_NG_STATS_H
#define RF_MEDIA_NG_STATS_H

#include "base/writer.h"
#include "media/ng_value.h"
#include "net/addr.h"

struct rf_ng_count {
	uint64_t packets, bytes, errors;
};

/* Bits of rf_ng_stats_stream.flags and rf_ng_stats_media.flags: rtpengine's words. */
enum {
	RF_NG_STREAM_RTP = 1, RF_NG_STREAM_RTCP = 2, RF_NG_STREAM_FILLED = 4, RF_NG_STREAM_CONFIRMED = 8,
	RF_NG_STREAM_KERNELIZED = 16, RF_NG_STREAM_NO_KERNEL = 32
};
enum {
	RF_NG_MEDIA_INITIALIZED = 1, RF_NG_MEDIA_MUX = 2, RF_NG_MEDIA_DTLS = 4, RF_NG_MEDIA_SDES = 8,
	RF_NG_MEDIA_PASSTHROUGH = 16, RF_NG_MEDIA_ICE = 32, RF_NG_MEDIA_SEND = 64, RF_NG_MEDIA_RECV = 128
};

struct rf_ng_stats_stream {
	struct rf_addr local;            /* ours */
	struct rf_addr endpoint;         /* where packets come from and go to; family 0: not known yet */
	struct rf_addr advertised;       /* what its description says */
	struct rf_view suite;            /* "AEAD_AES_256_GCM"; empty: not encrypted, or passed on unopened */
	int64_t last_packet;             /* 0: none yet */
	uint32_t ssrc;                   /* 0: not known */
	uint32_t flags;
	struct rf_ng_count count;        /* of what came in */
};

struct rf_ng_stats_media {
	uint32_t index;                  /* from 1 */
	struct rf_view type, protocol, codec; /* "audio", "RTP/SAVP", "PCMA/8000" (may be empty) */
	struct rf_view dtls;             /* its version: "1.3"; empty: not keyed so */
	struct rf_view coded;            /* what became of codec for the other party, "opus/48000";
					  * empty: it was passed on */
	uint32_t flags;
	const struct rf_ng_stats_stream *streams;
	size_t n_streams;
};

struct rf_ng_stats_tag {
	struct rf_view tag, label, via_branch, in_dialogue_with;
	const struct rf_view *subscriptions; /* of a recorder: the tags of those whose media it gets */
	size_t n_subscriptions;
	int64_t created;
	const struct rf_ng_stats_media *medias;
	size_t n_medias;
};

/* MOS is ten times the estimate (43: 4.3), 0: not known. */
struct rf_ng_mos {
	uint32_t mos, rtt_us, jitter, loss; /* jitter in ms, loss in percent */
	uint32_t samples;                /* of the average */
	int64_t at;                      /* of the lowest and highest: when */
};

struct rf_ng_stats_ssrc {
	uint32_t ssrc;
	uint64_t packets, bytes;
	uint32_t lost;                   /* cumulative */
	struct rf_ng_mos average, lowest, highest;
};

struct rf_ng_stats_call {
	int64_t created;
	uint32_t created_us;
	int64_t last_signal;
	const struct rf_ng_stats_ssrc *ssrcs;
	size_t n_ssrcs;
	const struct rf_ng_stats_tag *tags;
	size_t n_tags;
	struct rf_ng_count rtp, rtcp;
};

/* Of the relay as a whole: the part of rtpengine's numbers that ringfort has. */
struct rf_ng_stats_relay {
	uint64_t sessions;               /* now */
	uint64_t transcoded;             /* media, now */
	uint64_t media_user, media_kernel, media_mixed; /* now: which way they take */
	uint64_t packet_rate, byte_rate, error_rate; /* a second, over the last one */
	uint64_t uptime_s;
	/* sessions, since the start */
	uint64_t managed, rejected, timed_out, silent, final_timeouts, offer_timeouts, regular, forced;
	uint64_t packets_user, packets_kernel, errors_user, errors_kernel, bytes_user, bytes_kernel;
	uint64_t zero_way, one_way;      /* streams of ended sessions */
	uint64_t duration_us;            /* of all ended sessions together */
	uint64_t commands[32];           /* by enum rf_ng_command, since the start */
	uint64_t errors;                 /* replies that said so */
};

struct rf_ng_out;
/* The members of a reply to query or delete, in two parts because "result" stands between them in the order of keys. */
void rf_ng_stats_put_head(struct rf_ng_out *o, const struct rf_ng_stats_call *call);
void rf_ng_stats_put_tail(struct rf_ng_out *o, const struct rf_ng_stats_call *call);
/* The value of "statistics". */
void rf_ng_stats_put_relay(struct rf_ng_out *o, const struct rf_ng_stats_relay *stats);

/* What a reply to query or delete says of its call; keys that are not there are zero. Arrays lie in the arena.
 * RF_E_MALFORMED: something has another type than it should, RF_E_LIMIT, -ENOMEM. */
int rf_ng_stats_parse(const struct rf_ng_value *reply, struct rf_arena *arena, struct rf_ng_stats_call *ret_call);

#endif
