/* The bounds on a session description, one table. Past a bound the description is refused with RF_E_LIMIT. */
#ifndef RF_SDP_LIMITS_H
#define RF_SDP_LIMITS_H

#include <stddef.h>

/* Compile-time sizes that the structs of this room use; the table below may be stricter, never wider. */
enum {
	RF_SDP_MEDIA_MAX = 16,  /* m-lines; a video conference client sends 2 to 5 */
	RF_SDP_CRYPTO_MAX = 8,  /* a=crypto lines of one m-line that are looked at; the rest are removed */
};

struct rf_sdp_limits {
	size_t bytes;      /* the whole description */
	size_t lines;
	size_t line_bytes; /* one line without its end */
	size_t media;      /* m-lines, at most RF_SDP_MEDIA_MAX */
	size_t formats;    /* of one m-line; RTP has 128 payload types, clients use under 30 */
	size_t attrs;      /* a-lines of one section */
	size_t bandwidths; /* b-lines of one section */
};

/* 64 KiB, 200 lines of 4 KiB, 16 m-lines, 64 formats, 128 attributes, 8 bandwidths. */
extern const struct rf_sdp_limits rf_sdp_limits_default;

#endif
