/* What a party said of one m-line, as values: everything that the relay needs to know of a description, read once and
 * then kept as one block as long as it is in force. */
#ifndef RF_MEDIA_SAID_H
#define RF_MEDIA_SAID_H

#include "media/codec.h"
#include "media/path.h"
#include "sdp/crypto.h"

/* Bounds, also in docs/security.md. */
enum {
	RF_SAID_CODECS_MAX = RF_PATH_TYPES_MAX,
	RF_SAID_KEYS_MAX = RF_SDP_CRYPTO_MAX, /* a=crypto lines looked at */
	RF_SAID_MKI_BYTES = RF_PATH_MKI_MAX,
};

struct rf_said_key {           /* one usable a=crypto; secret */
	uint64_t mki;
	uint32_t tag;
	uint8_t suite;         /* enum rf_srtp_suite */
	uint8_t mki_n;         /* bytes in a packet; 0: none */
	uint8_t key[RF_SRTP_KEY_MAX];
};

struct rf_said {
	struct rf_addr remote, remote_rtcp; /* family 0: not known (held by the zero address, ICE to
					     * come); rtcp: port + 1 */
	uint8_t kind;          /* enum rf_sdp_kind */
	uint8_t proto;         /* enum rf_sdp_proto */
	uint8_t dir;           /* enum rf_sdp_dir; an address of zero counts as not wanting to receive */
	uint8_t setup;         /* enum rf_sdp_setup */
	uint8_t keying;        /* enum rf_path_keying: of an offer that was found good, how its sender's leg is keyed */
	uint8_t family;        /* 4 or 6: of its connection line, whatever the address */
	bool live;             /* not switched off */
	bool bundle_only;      /* it has no port but the group's (RFC 9143 6) */
	uint8_t group_at;      /* its place in the description's BUNDLE group, from 1; 0: in none */
	uint8_t mid_ext;       /* the header extension that says its MID (RFC 9143 15); 0: none */
	bool mux, mux_only;    /* RTCP on the RTP port: can, cannot otherwise (RFC 8858) */
	bool ice, ice_lite, trickle;
	bool learn, waits;     /* behind a NAT, as the request declared; nothing is sent there
			        * before its first packet */
	bool pli, fir;         /* it answers these with a whole picture (a=rtcp-fb; RFC 4585, 5104) */
	bool coded;            /* an offer: codecs are made of others; an answer: they have to be */
	uint8_t ptime;         /* ms of a packet that it wants; 0: nothing said, or none that is made here */
	bool weak_print;       /* has fingerprints, and none of a hash that counts */
	uint8_t n_codecs, n_keys, n_prints, n_candidates;
	struct rf_view ufrag, pwd, mid; /* of rf_attr_word() form or ice-chars */
	struct rf_codec *codecs;
	struct rf_said_key *keys;       /* in the order of the policy: suite numbers ascending */
	struct rf_path_print *prints;
	struct rf_path_candidate *candidates; /* UDP, with addresses: names of hosts (mDNS) are nobody's
					       * that a wall could know */
	struct rf_view path_id;         /* MSRP: the session id and what follows of its a=path */
};

/* Where a description's addresses come from when not from itself. */
struct rf_said_source {
	struct rf_addr instead; /* family 0: as the description says */
	bool learn, waits;
};

/* m-line i of a parsed description, into arena and description. RF_E_INVALID (a name instead of an address, ICE without
 * its password, ...: *ret_why), -ENOMEM. */
int rf_said_read(struct rf_arena *a, const struct rf_sdp *sdp, size_t i, const struct rf_said_source *source,
		 struct rf_said *ret_said, const char **ret_why);
/* A copy in one block of its own; NULL without memory. */
struct rf_said *rf_said_keep(const struct rf_said *said);
/* Wiped. NULL is fine. */
void rf_said_free(struct rf_said *said);

#endif
