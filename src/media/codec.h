/* The codecs of an m-line as values: what a payload type stands for. One struct per format, in the order of preference;
 * the lists of the NG protocol (strip, except, offer, mask) act on it. This is also what a transcoder needs of each end:
 * struct rf_said (said.h) keeps it for both parties of a path. */
#ifndef RF_MEDIA_CODEC_H
#define RF_MEDIA_CODEC_H

#include "media/ng.h"
#include "media/path.h"

struct rf_codec {
	uint8_t type;          /* payload type */
	uint8_t flags;         /* RF_TYPE_x (path.h) */
	uint8_t channels;      /* 1 where nothing is said */
	bool off;              /* taken out of what goes on; its owner still listed it */
	uint32_t clock;
	struct rf_view name;   /* "opus" */
	struct rf_view fmtp;   /* parameters without the payload type; empty: none */
};

/* Of a parsed m-line, at most most of them into dst; formats that say nothing usable (a dynamic type without rtpmap, two
 * meanings) are left out. Returns how many. Views point into the description. */
size_t rf_codec_read(const struct rf_sdp_media *m, struct rf_codec *dst, size_t most);
/* Does a word of a list ("PCMU", "opus/48000/2", "101") mean this codec? */
bool rf_codec_is(const struct rf_codec *c, struct rf_view word);
/* What the request's lists and flags make of the codecs of an offer (in place, the order too). Never all off: then nothing is
 * changed (as rtpengine). Returns false where a codec to be transcoded to is not among them. */
bool rf_codec_choose(struct rf_codec *c, size_t n, const struct rf_ng_request *req);
/* The first codec and telephone-event alone (`single codec`). */
void rf_codec_single(struct rf_codec *c, size_t n);

#endif
