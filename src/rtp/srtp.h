/* SRTP and SRTCP, both directions: RFC 3711 (AES-CM with HMAC-SHA1), RFC 6188 (192 and 256 bits), RFC 7714
 * (AES-GCM); keys by SDES (RFC 4568) or from a DTLS handshake (RFC 5764) are used alike.
 *
 * One `rf_srtp_in` is what a peer sends to us, one `rf_srtp_out` what we send to it; each serves every SSRC under
 * its keys. With its first packet a master key is turned into session keys (RFC 3711 4.3, no key derivation rate) and
 * OpenSSL's context is made; both stand as long as the key, so a further packet costs no set-up. Encryption and
 * authentication cannot be switched off, and SRTCP that says it is not encrypted is refused.
 *
 * A packet that is not authentic changes nothing: no window, no roll-over counter, no SSRC. A packet index is
 * never sent twice under one key, since in counter mode and in GCM a second packet under the same index would give
 * both away.
 *
 * Packets are opened and sealed in their place. One that is refused is as it came; after RF_E_CRYPTO and -ENOMEM
 * what the buffer holds is of no use.
 * Wire room: no socket, clock or log. One thread at a time for one object. */
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

/* Bounds, also in docs/security.md. */
enum {
	RF_SRTP_KEY_MAX = 46,      /* master key and salt together */
	RF_SRTP_MKI_MAX = 128,     /* RFC 4568 6.1 */
	RF_SRTP_KEYS_MAX = 4,      /* in force at a time, and as many old ones beside them */
	RF_SRTP_SSRCS_MAX = 32,    /* of one direction under its keys */
	RF_SRTP_WINDOW = 128,      /* packets behind the newest one that may still come */
	RF_SRTP_TAG_MAX = 16,
	RF_SRTP_GROW_RTP = RF_SRTP_TAG_MAX + RF_SRTP_MKI_MAX, /* what a packet grows by at most */
	RF_SRTP_GROW_RTCP = 4 + RF_SRTP_GROW_RTP,
};

/* By its registered name (RFC 4568 6.2, 6188 5, 7714 14.1); RF_SRTP_NONE: not ours. */
enum rf_srtp_suite rf_srtp_suite_of(struct rf_view name);
/* Bytes of master key and master salt together; 0 for RF_SRTP_NONE. */
size_t rf_srtp_key_bytes(enum rf_srtp_suite suite);

struct rf_srtp_master {
	enum rf_srtp_suite suite;
	struct rf_view key;        /* master key and behind it the master salt */
	struct rf_view mki;        /* empty: packets carry none */
	uint64_t lifetime;         /* so many RTP and so many RTCP packets (RFC 4568 6.1); 0: RFC 3711 9.2 */
};

/* ---- what a peer sends */

struct rf_srtp_in;

/* masters: 1..RF_SRTP_KEYS_MAX, borrowed. Keys with an MKI are told apart by it; without one each is tried, the
 * one that fitted last first. They may be of different suites: an offerer's, until it is known which one the
 * answerer took. RF_E_INVALID: a key of another length than its suite's, no suite, an MKI that is too long or not
 * as long as the others, none or too many masters, one of them twice; -ENOMEM. */
int rf_srtp_in_new(const struct rf_srtp_master *masters, size_t count, struct rf_srtp_in **ret_in);
/* Wiped. NULL is fine. */
void rf_srtp_in_free(struct rf_srtp_in *in);
/* A packet is to come soon: into the cache with what it takes, step by step, because each step reads what
 * the one before fetched:
 * 0: itself, 1: the key that fitted last, 2: what OpenSSL has of that. */
enum { RF_SRTP_FETCH_STEPS = 3 };
void rf_srtp_in_fetch(const struct rf_srtp_in *in, unsigned step);
/* Other keys from now on. One that is in force or old goes on as it was: nothing of it comes twice. The others
 * that were in force stay valid, second, until rf_srtp_in_drop_old(); those that were old already are gone.
 * Roll-over counters go on (RFC 3711 3.3.1); a peer that begins them anew with a key that was not here before is
 * recognised by its first authentic packet. On an error, as rf_srtp_in_new(), nothing has changed. */
int rf_srtp_in_rekey(struct rf_srtp_in *in, const struct rf_srtp_master *masters, size_t count);
void rf_srtp_in_drop_old(struct rf_srtp_in *in);
/* Is each of these in force? */
bool rf_srtp_in_has(const struct rf_srtp_in *in, const struct rf_srtp_master *masters, size_t count);
/* The suite of the last authentic packet; before the first one, that of the first key. */
enum rf_srtp_suite rf_srtp_in_suite(const struct rf_srtp_in *in);

/* An SRTP packet of n bytes becomes an RTP packet of *ret_n bytes. An SSRC that was not heard before is kept with
 * its first authentic packet; its roll-over counter is 0 then, or 1 when its first packets before the wrap were
 * lost.
 *   RF_E_AUTH         not authentic
 *   RF_E_EXISTS       a packet with this index was here already
 *   RF_E_STALE        too far behind the newest one
 *   RF_E_NOT_FOUND    an MKI that is not ours
 *   RF_E_LIMIT        one SSRC too many (those heard under keys that are gone make room); longer than
 *                     RF_RTP_BYTES_MAX; the key's lifetime is over
 *   RF_E_MALFORMED    it ends before its header, MKI and tag do
 *   RF_E_UNSUPPORTED  not version 2
 *   RF_E_CRYPTO, -ENOMEM */
int rf_srtp_in_rtp(struct rf_srtp_in *in, uint8_t *buf, size_t n, size_t *ret_n);
/* The same of a packet that is to go on as it came: all of the above is judged and remembered, and nothing in buf is
 * changed. *ret_n: bytes of the RTP packet in it. room: n bytes, in which an AEAD is opened, for it shows no other way;
 * what they hold afterwards is of no use. */
int rf_srtp_in_check_rtp(struct rf_srtp_in *in, uint8_t *buf, size_t n, uint8_t *room, size_t *ret_n);
/* Likewise an SRTCP packet to be opened; the compound in it is not looked at beyond its first 8 bytes.
 * Beside the errors above
 *   RF_E_DENIED       it says that it is not encrypted */
int rf_srtp_in_rtcp(struct rf_srtp_in *in, uint8_t *buf, size_t n, size_t *ret_n);

/* ---- what we send */

struct rf_srtp_out;

/* Errors as rf_srtp_in_new(). */
int rf_srtp_out_new(const struct rf_srtp_master *master, struct rf_srtp_out **ret_out);
/* Wiped. NULL is fine. */
void rf_srtp_out_free(struct rf_srtp_out *out);
/* As rf_srtp_in_fetch(). */
void rf_srtp_out_fetch(const struct rf_srtp_out *out, unsigned step);
/* Another key from now on; roll-over counters and SRTCP indexes go on, as RFC 3711 3.3.1 and 3.4 have it. For a
 * peer that begins anew (another DTLS handshake, another offer and answer from the start) make a new one. On an
 * error nothing has changed. */
int rf_srtp_out_rekey(struct rf_srtp_out *out, const struct rf_srtp_master *master);
/* Is this the one in force? */
bool rf_srtp_out_has(const struct rf_srtp_out *out, const struct rf_srtp_master *master);

/* An RTP packet of n bytes in buf becomes an SRTP packet; cap >= n + RF_SRTP_GROW_RTP always suffices. Packets may come
 * out of order, as a relay gets them, within RF_SRTP_WINDOW behind the newest one.
 *   RF_E_STATE        its index was used, or is too far behind to know
 *   RF_E_SPACE        cap leaves no room
 *   RF_E_LIMIT        one SSRC too many; the key is used up, or came back and may have been used for this SSRC;
 *                     longer than RF_RTP_BYTES_MAX
 *   RF_E_MALFORMED, RF_E_UNSUPPORTED, RF_E_CRYPTO, -ENOMEM */
int rf_srtp_out_rtp(struct rf_srtp_out *out, uint8_t *buf, size_t n, size_t cap, size_t *ret_n);
/* Likewise a compound RTCP packet; cap >= n + RF_SRTP_GROW_RTCP always suffices. Its index is the next of its SSRC. */
int rf_srtp_out_rtcp(struct rf_srtp_out *out, uint8_t *buf, size_t n, size_t cap, size_t *ret_n);

#endif
