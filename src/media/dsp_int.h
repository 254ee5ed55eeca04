/* Inside of a direction: dsp.c (its life, packets of the sender), dsp_key.c (keys of ours), dsp_play.c (clips of ours),
 * dsp_hear.c (keys in the sound), dsp_code.c (another codec), dsp_cut.c (packets of another size). */
#ifndef RF_MEDIA_DSP_INT_H
#define RF_MEDIA_DSP_INT_H

#include "media/dsp.h"
#include "media/dtmf_audio.h"
#include "rtp/dtmf.h"

enum { RF_DSP_ROOM = 2048 };

/* The sender's stream as the taker sees it. */
struct rf_dsp_stream {
	bool known;                  /* a packet has gone */
	bool shifted;                /* add has changed: what is late across changed_at would have a
				      * number that is taken */
	uint32_t ssrc, timestamp, clock;
	uint16_t seq;                /* last one that went, as the taker sees it */
	uint16_t heard;              /* the highest one of the sender */
	uint16_t add;                /* from the sender's to the taker's */
	uint16_t changed_at;
	struct rf_mono at;           /* when the one of timestamp came */
};

struct rf_dsp_player {
	struct rf_clip *clip;        /* NULL: nothing plays */
	struct rf_pcm_out *out;
	uint8_t type;
	uint32_t rate, clock;
	size_t at;                   /* next sample */
	uint32_t times;              /* to go, this one among them */
	uint32_t frames;             /* to go at most */
	uint32_t ssrc, timestamp;
	uint16_t seq;
	bool begun;
};

enum {
	RF_DSP_FRAME_SAMPLES = RF_PCM_HIGH * 60 / 1000,
	RF_DSP_CUT_BYTES = 60 * 8,   /* of the longest packet that is joined */
	RF_DSP_WAIT_SAMPLES = RF_DSP_FRAME_SAMPLES + RF_PCM_HIGH * RF_DSP_FILL_MS / 1000 + RF_PCM_MOST,
};

/* What waits until it is a packet of the wished size, in the taker's clock. */
struct rf_dsp_cut {
	const struct rf_dsp_unit *unit; /* NULL: nothing was cut yet, or something else came between */
	uint8_t type;
	bool marker;
	uint32_t at;                 /* of the first byte */
	size_t n;
	uint8_t bytes[RF_DSP_CUT_BYTES];
};

/* From one codec to another. */
struct rf_dsp_coder {
	struct rf_pcm_in *in;        /* NULL: none yet */
	struct rf_pcm_out *out;
	uint8_t in_codec, out_codec;
	uint32_t in_rate, out_rate, bits_s;
	struct rf_rtcp_clock clock;  /* of the stream; from_hz 0: nothing has gone yet */
	uint64_t ahead_us;           /* the sound so far lasts until then */
	/* packets that become others: samples that wait for a frame to be full */
	bool waits, marker;          /* waits: since it began, at is where its first sample stands */
	uint32_t at;
	size_t n;
	/* events */
	struct rf_dtmf_in keys;
	uint32_t keys_clock;
	bool event;                  /* one was sent: */
	uint32_t event_from, event_to;
	struct rf_dsp_cut cut;
	int16_t samples[RF_DSP_WAIT_SAMPLES];
};

enum rf_dsp_pressing { RF_DSP_IDLE, RF_DSP_EVENT, RF_DSP_TONE, RF_DSP_PAUSE };

struct rf_dsp {
	struct rf_path_filter filter; /* first: rf_dsp_of() */
	struct rf_path *path;
	unsigned end;
	struct rf_loop *loop;
	struct rf_random *random;
	const struct rf_dsp_ops *ops;
	void *arg;
	struct rf_dsp_conf conf;
	struct rf_timer timer;       /* runs while a key or a clip does */
	struct rf_mono due;
	struct rf_dsp_stream stream;
	/* keys of ours */
	struct rf_dsp_key keys[RF_DSP_KEYS_MAX];
	uint8_t n_keys, pressing;    /* enum rf_dsp_pressing, of keys[0] */
	uint8_t waited;              /* ticks, for a packet that shows the sender's stream */
	uint32_t left_ms;            /* of tone or pause */
	uint32_t tone_at;            /* samples */
	struct rf_dtmf_out event;
	uint8_t event_type;
	uint8_t said_type;           /* payload type of tones of ours */
	struct rf_pcm_out *tone;
	struct rf_dsp_player player;
	/* keys of theirs, in the sound */
	struct rf_tones *tones;      /* NULL: not listened for */
	struct rf_pcm_in *in;
	uint8_t in_codec;
	struct rf_dsp_coder *coder;  /* NULL: nothing is transcoded */
	struct rf_dsp_stats stats;
};

const struct rf_dsp_type *rf_dsp_type_of(const struct rf_dsp *d, uint8_t type);
/* The first that we can speak; NULL: none. */
const struct rf_dsp_type *rf_dsp_speech(const struct rf_dsp *d);
const struct rf_dsp_in *rf_dsp_in_of(const struct rf_dsp *d, uint8_t type);
/* The first kind of events that the taker takes, with this clock rather than another; NULL: none. */
const struct rf_dsp_type *rf_dsp_events(const struct rf_dsp *d, uint32_t clock);
/* The number that a packet goes by, put into it, and the time and clock (0: none) that it has for the taker. False: it
 * came late, and its number is another's now. */
bool rf_dsp_number(struct rf_dsp *d, const struct rf_rtp_head *head, uint32_t timestamp, uint32_t clock,
		   uint8_t *packet);
/* It makes room: the next one takes its number, so that nobody counts it as lost. */
void rf_dsp_leave_out(struct rf_dsp *d, const struct rf_rtp_head *head);
/* The timer runs from now on, if it does not yet. */
void rf_dsp_wake(struct rf_dsp *d);
/* A packet in the sender's stream, after rf_dsp_now(): the next number of it. */
void rf_dsp_insert(struct rf_dsp *d, const struct rf_rtp_head *head, const uint8_t *payload, size_t n);
/* The timestamp of that stream now. */
uint32_t rf_dsp_now(struct rf_dsp *d, uint32_t clock);

/* ---- dsp_key.c: true while there is something to do */
bool rf_dsp_key_tick(struct rf_dsp *d);
static inline bool rf_dsp_presses(const struct rf_dsp *d)
{
	return d->pressing == RF_DSP_EVENT || d->pressing == RF_DSP_TONE;
}

/* ---- dsp_play.c */
bool rf_dsp_play_tick(struct rf_dsp *d);

/* ---- dsp_code.c: what becomes of a packet, as rf_path_filter.take() */
int rf_dsp_code(struct rf_dsp *d, const struct rf_dsp_in *in, const struct rf_rtp_head *head, uint8_t *packet,
		size_t *n, size_t cap);
/* ---- dsp_cut.c: ON: as it is, and nothing waits; HELD; TAKEN */
int rf_dsp_cut(struct rf_dsp *d, const struct rf_dsp_in *in, const struct rf_rtp_head *head, uint32_t at,
	       const uint8_t *payload, size_t n);
/* What waits goes on in a shorter packet. */
void rf_dsp_cut_end(struct rf_dsp *d);

/* Another stream: what was of the old one is forgotten. */
void rf_dsp_coder_begin(struct rf_dsp_coder *c);
void rf_dsp_coder_free(struct rf_dsp_coder *c); /* NULL is fine */

/* ---- dsp_hear.c */
/* A packet of sound of the sender; it may become silence. */
void rf_dsp_hear(struct rf_dsp *d, uint8_t codec, uint8_t *payload, size_t *n);
void rf_dsp_deaf(struct rf_dsp *d);

#endif
