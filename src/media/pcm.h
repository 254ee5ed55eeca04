/* Speech of a codec as samples of 16 bits and back: G.711, G.722 (spandsp) and Opus (libopus), behind
 * one door. One channel, at
 * 8000 or 16000 samples a second: G.722 and Opus speak both, G.711 the first. What a packet holds is at most 120 ms.
 *
 * All bytes from outside go through the decoders of the libraries with their lengths; a payload that is none is
 * RF_E_MALFORMED and changes nothing but the state of that one stream. Threads: any, each object one at a time. */
#ifndef RF_MEDIA_PCM_H
#define RF_MEDIA_PCM_H

#include "base/err.h"
#include "base/view.h"

enum rf_pcm_codec { RF_PCM_NONE, RF_PCM_PCMU, RF_PCM_PCMA, RF_PCM_G722, RF_PCM_OPUS, RF_PCM_CODECS };

enum {
	RF_PCM_LOW = 8000, RF_PCM_HIGH = 16000, /* samples a second */
	RF_PCM_MOST = RF_PCM_HIGH * 120 / 1000, /* samples of one packet */
	RF_PCM_BITS_MIN = 6000, RF_PCM_BITS_MAX = 64000, /* a second, of one channel of Opus */
	RF_PCM_BYTES_MAX = 1275,                /* of one frame of Opus; 20 ms of the others need 160 */
};

/* By the name in a description, without regard to case. */
enum rf_pcm_codec rf_pcm_codec_of(struct rf_view name, uint32_t clock);
/* "opus/48000": as it stands in a description. "": none. */
const char *rf_pcm_text(enum rf_pcm_codec c);
/* The fastest of the two rates that this codec carries. */
uint32_t rf_pcm_rate(enum rf_pcm_codec c);

struct rf_pcm_in;
/* RF_E_UNSUPPORTED: no such codec, or not at this rate; -ENOMEM. */
int rf_pcm_in_new(enum rf_pcm_codec c, uint32_t rate, struct rf_pcm_in **ret_in);
void rf_pcm_in_free(struct rf_pcm_in *in); /* NULL is fine */
/* The samples of a payload. RF_E_MALFORMED: it is none of this codec, or longer than RF_PCM_MOST. */
int rf_pcm_in_take(struct rf_pcm_in *in, struct rf_view payload, int16_t ret[static RF_PCM_MOST], size_t *ret_n);

struct rf_pcm_out;
int rf_pcm_out_new(enum rf_pcm_codec c, uint32_t rate, struct rf_pcm_out **ret_out);
void rf_pcm_out_free(struct rf_pcm_out *out);
/* So many bits a second from now on, within RF_PCM_BITS_x; a codec that has one rate keeps it. */
void rf_pcm_out_set_bits(struct rf_pcm_out *out, uint32_t bits_s);
/* One payload of n samples; Opus wants 10, 20, 40 or 60 ms. RF_E_INVALID: of another length; RF_E_SPACE. */
int rf_pcm_out_put(struct rf_pcm_out *out, const int16_t *samples, size_t n, uint8_t *dst, size_t cap, size_t *ret_n);

/* Make this payload say nothing for as long as it lasts, in place; it never grows. False: that
 * cannot be done with it. */
bool rf_pcm_silence(enum rf_pcm_codec c, uint8_t *payload, size_t *n);

#endif
