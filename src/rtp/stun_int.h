/* Shared by the files of STUN: what is on the wire. */
#ifndef RF_RTP_STUN_INT_H
#define RF_RTP_STUN_INT_H

#include "rtp/stun.h"

#define RF_STUN_COOKIE 0x2112a442u

enum rf_stun_attr {
	RF_STUN_USERNAME = 0x0006,
	RF_STUN_INTEGRITY = 0x0008,
	RF_STUN_ERROR_CODE = 0x0009,
	RF_STUN_UNKNOWN_ATTRIBUTES = 0x000a,
	RF_STUN_INTEGRITY_SHA256 = 0x001c,
	RF_STUN_XOR_MAPPED_ADDRESS = 0x0020,
	RF_STUN_PRIORITY = 0x0024,
	RF_STUN_USE_CANDIDATE = 0x0025,
	RF_STUN_FINGERPRINT = 0x8028,
	RF_STUN_ICE_CONTROLLED = 0x8029,
	RF_STUN_ICE_CONTROLLING = 0x802a,
};

/* CRC-32 of ISO 3309, turned by the constant that tells STUN's from others' (RFC 8489 14.7). */
uint32_t rf_stun_crc(struct rf_view v);
/* HMAC of the message's first n bytes, as if it ended with a mac of mac_n bytes behind them. */
int rf_stun_hmac(struct rf_view message, size_t n, bool sha256, size_t mac_n, struct rf_view key,
		 uint8_t ret_mac[static 32]);

#endif
