/* SRTP, the sending side of one stream: RFC 3711 (AES-CM with HMAC-SHA1), RFC 6188 (192 and 256 bits), RFC 7714
 * (AES-GCM). The master key is turned into session keys once (RFC 3711 4.3, no key derivation rate), and the OpenSSL
 * contexts that hold them are kept as long as the stream, so a packet costs no set-up.
 *
 * A packet index is never used twice: one that is not above the last is refused, since in counter mode and in GCM a
 * second packet under the same index would give both away. Encryption and authentication cannot be switched off.
 * Wire room: no socket, clock or log. One thread at a time. */
#ifndef RF_RTP_SRTP_H
#define RF_RTP_SRTP_H

#include "base/err.h"
#include "base/view.h"

enum rf_srtp_suite {
	RF_SRTP_NONE,
	RF_SRTP_AEAD_AES_256_GCM,
	RF_SRTP_AEAD_AES_128_GCM,
	RF_SRTP_AES_256_CM_HMAC_SHA1_80,
	RF_SRTP_AES_192_CM_HMAC_SHA1_80,
	RF_SRTP_AES_CM_128_HMAC_SHA1_80,
	RF_SRTP_AES_256_CM_HMAC_SHA1_32,
	RF_SRTP_AES_192_CM_HMAC_SHA1_32,
	RF_SRTP_AES_CM_128_HMAC_SHA1_32,
	RF_SRTP_SUITES,
};

enum {
	RF_SRTP_KEY_MAX = 46, /* master key and salt together */
	RF_SRTP_TAG_MAX = 16, /* what a packet grows by */
};

/* By its registered name (RFC 4568 6.2, 6188 5, 7714 14.1); RF_SRTP_NONE: not ours. */
enum rf_srtp_suite rf_srtp_suite_of(struct rf_view name);
/* Bytes of master key and master salt together; 0 for RF_SRTP_NONE. */
size_t rf_srtp_key_bytes(enum rf_srtp_suite suite);

struct rf_srtp;

/* key: master key and behind it the master salt. RF_E_INVALID: of another length than the suite's, or no suite;
 * RF_E_CRYPTO; -ENOMEM. */
int rf_srtp_new(enum rf_srtp_suite suite, struct rf_view key, struct rf_srtp **ret_srtp);
/* Wiped. NULL is fine. */
void rf_srtp_free(struct rf_srtp *srtp);
/* Make an RTP packet of n bytes in buf an SRTP packet, in its place; all packets of one SSRC, in order (gaps are fine).
 * RF_E_SPACE: cap leaves no room for the tag; RF_E_STATE: its sequence number is not above the last one's; RF_E_LIMIT:
 * the key's 2^48 packets are used up; as rf_rtp_head_parse(); RF_E_CRYPTO. On an error buf must not be sent. */
int rf_srtp_protect(struct rf_srtp *srtp, uint8_t *buf, size_t n, size_t cap, size_t *ret_n);

#endif
