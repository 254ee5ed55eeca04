/* The codecs of an m-line as values: what a payload type stands for. One struct per format, in the order of preference;
 * the lists of the NG protocol (strip, except, offer, mask) act on it. This is also what a
 * transcoder needs of each end:
 * struct rf_said (said.h) keeps it for both parties of a path. */
#ifndef RF_MEDIA_CODEC_H
#define RF_MEDIA_CODEC_H

#include "media/ng.h"
#include "media/path.h"

struct rf_codec {
	uint8_t type;          /* payload type */
	uint8_t flags;         /* RF_TYPE_x (path.h) */
	uint8_t channels;      /* 1 where nothing is said */
	bool off;              /* not said to the other party; its owner still listed it */
	bool made;             /* its owner has not listed it: the relay says it on its behalf, and makes of it
			        * what the owner takes */
	bool gone;             /* stripped: as if its owner had not listed it */
	bool heard;            /* its owner may use it, whatever the other party takes (mask, consume, accept) */
	bool first;            /* and rather than what both take (consume) */
	uint32_t clock;
	uint32_t bits_s;       /* of its encoder, as the request said; 0: nothing said */
	struct rf_view name;   /* "opus" */
	struct rf_view fmtp;   /* parameters without the payload type; empty: none */
};

/* Of a parsed m-line, at most most of them into dst; formats that say nothing usable (a dynamic type without rtpmap,
 * two meanings) are left out. Returns how many. Views point into the description. */
size_t rf_codec_read(const struct rf_sdp_media *m, struct rf_codec *dst, size_t most);
/* Does a word of a list ("PCMU", "opus/48000/2", "101") mean this codec? */
bool rf_codec_is(const struct rf_codec *c, struct rf_view word);
/* What the request's lists and flags make of the codecs of an offer (in place, the order too). */
void rf_codec_choose(struct rf_codec *c, size_t n, const struct rf_ng_request *req);
/* The first codec and telephone-event alone (`single codec`). */
void rf_codec_single(struct rf_codec *c, size_t n);

/* ---- codec_made.c: codecs that the relay makes of others. One is in force once its sender has listed it itself. */

/* The codecs of one party's m-line, with room for more. */
struct rf_codec_list {
	struct rf_codec *c;
	size_t n, most;
	const struct rf_sdp_media *m;    /* payload types that it names are not given to others */
	const struct rf_codec *before;   /* the same party's, of its last description: what was made keeps its number */
	size_t n_before;
};

/* An offer, after rf_codec_choose(): what `codec-transcode` asks for is added at the end; never are all codecs off:
 * then none is. Returns whether anything may have to be transcoded. sound: the m-line is audio, else nothing can be. */
bool rf_codec_offer(struct rf_codec_list *offer, const struct rf_ng_request *req, bool sound);
/* The answer to it: what the offerer did not list is not said to it, and where they have nothing in common, or the
 * offer's request said so, codecs of the offerer's own are added. Returns whether anything has to be transcoded. */
bool rf_codec_answer(const struct rf_codec *offer, size_t n_offer, struct rf_codec_list *answer);

/* What its fmtp has as maxaveragebitrate (RFC 7587 6.1), 0: nothing. */
uint32_t rf_codec_bits_most(const struct rf_codec *c);
/* The same codec among these: own (listed by its owner, and not gone), or made. NULL: none. */
const struct rf_codec *rf_codec_own(const struct rf_codec *c, size_t n, const struct rf_codec *like);
const struct rf_codec *rf_codec_made(const struct rf_codec *c, size_t n, const struct rf_codec *like);

#endif
