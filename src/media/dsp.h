/* What the relay does with the sound of one direction of a path: what one party sends, on its way to the other.
 *
 *	a packet of the sender -> is a key in it?                      (listens where somebody asked)
 *	                       -> a key that is blocked becomes silence
 *	                       -> a key or a clip of ours runs: it makes room
 *	                       -> another codec for the taker, another clock, an event as a key (dsp_code.c)
 *	                       -> packets of another size (dsp_cut.c)
 *	                       -> its number in the stream as the taker sees it -> the taker
 *	every 20 ms, while a key or a clip of ours runs: one packet more, to the taker
 *
 * A key is put into the sender's own stream: as an event (RFC 4733) where the taker has said that it understands those,
 * else as tones in the sound. Numbers of packets go on without a gap and never come twice, whatever arrives late. A
 * clip is a stream of its own.
 *
 * One is made for a path's end with the first thing that it has to do, and ends with the path. A direction without one
 * costs nothing. On the worker's thread, as the path. */
#ifndef RF_MEDIA_DSP_H
#define RF_MEDIA_DSP_H

#include "base/random.h"
#include "loop/loop.h"
#include "media/clip.h"
#include "media/path.h"
#include "media/pcm.h"

/* Bounds, also in docs/security.md. */
enum {
	RF_DSP_KEYS_MAX = 32,        /* that wait to be sent */
	RF_DSP_KEY_MS = 250, RF_DSP_PAUSE_MS = 100, RF_DSP_VOLUME = 8, /* where a request says nothing */
	RF_DSP_FRAME_MS = 20,
	RF_DSP_AHEAD_MS = 2000,      /* of sound to be transcoded, before the time that it lasts:
				      * what is more is held */
	RF_DSP_FILL_MS = 120,        /* a gap so long is filled with silence where packets become
				      * others; else it stays one */
};

struct rf_dsp_type {                 /* what the taker understands, in the order of its preference */
	uint8_t type;                /* payload type */
	uint8_t codec;               /* enum rf_pcm_codec */
	bool dtmf;                   /* telephone-event */
	uint32_t clock;
};

enum rf_dsp_way {
	RF_DSP_PASS,                 /* as it is */
	RF_DSP_CODE,                 /* sound in a codec that the taker does not understand: said in its first */
	RF_DSP_CLOCK,                /* an event whose clock is not the taker's */
	RF_DSP_KEYS,                 /* an event, and the taker knows none: pressed as tones */
	RF_DSP_CUT,                  /* as it is, in packets of another size; its codec has a unit */
	RF_DSP_LEAVE,                /* comfort noise that the taker's codec knows in its own way: nothing is sent */
};
/* Bytes of sound that are worth the same time wherever they stand. */
struct rf_dsp_unit {
	struct rf_view name;
	uint32_t clock;
	uint8_t ms, bytes;
	bool fills;                  /* with quiet, where something is missing */
	uint8_t quiet;
};
/* NULL: packets of this codec can not be cut and joined. */
const struct rf_dsp_unit *rf_dsp_unit_of(struct rf_view name, uint32_t clock, unsigned channels);

struct rf_dsp_in {                   /* what the sender may send */
	uint8_t type, codec;         /* as in rf_dsp_type */
	uint8_t way;                 /* enum rf_dsp_way */
	bool dtmf;
	uint32_t clock;
	const struct rf_dsp_unit *unit; /* of CUT */
};

struct rf_dsp_conf {
	uint8_t n, n_in;             /* n_in 0: the sender sends what the taker takes, all of it as it is */
	uint8_t ptime;               /* ms of a packet that is transcoded: 10, 20, 30, 40, 60; 0: as it comes */
	uint8_t cut_ms;              /* ms of a packet of CUT: the same, and a multiple of the unit's */
	uint32_t bits_s;             /* of the encoder, 0: its own choice */
	struct rf_dsp_type types[RF_PATH_TYPES_MAX];
	struct rf_dsp_in in[RF_PATH_TYPES_MAX];
	bool listen;                 /* for keys in the sound */
	bool block;                  /* they go no further; listens, too */
	bool to_events;              /* keys in the sound become events for the taker; listens, and blocks the sound */
};

struct rf_dsp_ops {
	/* A key was heard in the sound: its event and how long it was pressed. */
	void (*dtmf)(void *arg, struct rf_path *p, unsigned end, unsigned event, unsigned ms);
	/* A clip is over, by itself or by another one. */
	void (*played)(void *arg, struct rf_path *p, unsigned end);
};

struct rf_dsp;

/* What the party at this end sends; an object that is there already is found again. -ENOMEM. */
int rf_dsp_get(struct rf_path *p, unsigned end, struct rf_loop *loop, struct rf_random *random,
	       const struct rf_dsp_ops *ops, void *arg, struct rf_dsp **ret_dsp);
/* NULL: there is none. */
struct rf_dsp *rf_dsp_of(const struct rf_path *p, unsigned end);
/* As from now. -ENOMEM, then it listens and transcodes as before: what nobody transcodes is held. */
int rf_dsp_set(struct rf_dsp *d, const struct rf_dsp_conf *conf);

struct rf_dsp_key { uint8_t event, volume; uint16_t ms, pause_ms; };
/* After those that wait. RF_E_LIMIT; RF_E_UNSUPPORTED: the taker understands no event, and no
 * codec that we can speak. */
int rf_dsp_press(struct rf_dsp *d, const struct rf_dsp_key *key);

/* Play a clip to the taker so many times (0: once) and at most so long (0: as long as it lasts), in place of what there
 * was. The clip is held until it is over. RF_E_UNSUPPORTED: no codec that we can speak; -ENOMEM. */
int rf_dsp_play(struct rf_dsp *d, struct rf_clip *clip, uint32_t times, uint32_t ms);
/* False: there was nothing. */
bool rf_dsp_stop(struct rf_dsp *d);

struct rf_dsp_stats {
	uint64_t keys_sent, keys_heard, clips, packets; /* packets: that are not the sender's, one for one */
	uint64_t coded, uncoded;     /* packets of the sender that were transcoded, that could not be */
	enum rf_pcm_codec from, to;  /* the last one of those; NONE: there was none */
};
struct rf_dsp_stats rf_dsp_stats(const struct rf_dsp *d);

#endif
