/* Recorders: who gets copies of what parties of a session say (`subscribe request`, `subscribe answer`, `unsubscribe`), private
 * to the relay.
 *
 *	subscribe request -> whose lines? each gets a port of its own (a path with one end) -> an offer that only sends
 *	subscribe answer  -> keys, addresses, payload types of the recorder -> a tap (path.h) at each line that is copied
 *	packet of a party -> authentic, expected, goes on -> tap -> sealed with the recorder's keys -> the recorder
 *
 * What the recorder sends reaches nobody. A copy follows the line that it is of: another path, off, on again. Where the
 * parties come to share their keys there is nothing to copy any more, and the recording ends; it never goes on in silence.
 * Everything that begins or ends one is told to the relay's owner (rf_relay_ops.recording).
 *
 * A recorder looks like a pair (session.h) whose side 0 is the recorder and whose side 1 is nobody, so that its ends are set
 * up and described as those of parties are; it is not among the session's pairs. */
#ifndef RF_MEDIA_RECORDER_H
#define RF_MEDIA_RECORDER_H

#include "media/ng_reply.h"
#include "media/session.h"

/* Bounds, also in docs/security.md. */
enum {
	RF_RECORDERS_MAX = 4,        /* of a session */
	RF_RECORDER_LINES_MAX = 16,  /* m-lines of one */
	RF_RECORDER_PICTURE_MS = 1000, /* between two questions for a whole picture of a party's line, whoever asks */
	RF_RECORDER_SOURCE = 1,      /* of a recorder's path: the side on which there is nobody, and copies come
				      * in to be transcoded */
	RF_RECORDER_LABEL = 11,      /* a=label of the first; all have two digits, so that bencode's
				      * order of keys is theirs */
};

struct rf_copy {                     /* what one of its m-lines is a copy of */
	struct rf_path_tap tap;
	struct rf_recorder *recorder;
	struct rf_path *sink;        /* where copies leave; NULL: the recorder does not want this line */
	struct rf_path *at;          /* where tap is; NULL: nowhere */
	struct rf_pair *pair;        /* the line is this pair's; NULL: it has ended */
	struct rf_view tag;          /* of the party whose words these are */
	uint64_t types[2];           /* payload types that the recorder takes, bits */
	uint64_t left_out;           /* packets of other types */
	uint8_t line, side;
	bool begun;                  /* a packet has reached the recorder */
	uint8_t fir_seq;
	uint32_t ssrc;               /* by which the party is asked for a picture; 0: it never was */
	struct rf_timer picture;     /* it is to be asked for one */
};

struct rf_recorder {
	struct rf_recorder *next;
	struct rf_session *session;
	struct rf_party party;       /* its tag and label */
	struct rf_pair pair;         /* lines: one for each copy */
	struct rf_addr asker;        /* who asked for it */
	struct rf_view *tags;        /* of those who are recorded, each once */
	size_t n_tags, n_copies;
	struct rf_copy *copies;
	uint8_t text[];              /* what tags are views of */
};

/* What a recorder takes of what it was offered. */
struct answer_types {
	uint64_t bits[2];            /* payload types */
	bool any;                    /* not events and noise alone */
	bool speaks;                 /* a codec of sound that the relay speaks is among them */
};

/* A request; what the reply says is left in ret_recorder, the description goes onto sdp. On an
 * error all is as it was. */
int rf_recorder_ask(struct rf_turn *t, struct rf_session *s, struct rf_writer *sdp, struct rf_recorder **ret_recorder);
/* Which m-line is whose: one for each copy, in the turn's arena; NULL: no memory. Right behind a request. */
struct rf_ng_label *rf_recorder_labels(struct rf_turn *t, const struct rf_recorder *r);
int rf_recorder_answer(struct rf_turn *t, struct rf_session *s, const struct rf_sdp *sdp);
int rf_recorder_end(struct rf_turn *t, struct rf_session *s);

/* ---- recorder_code.c: other codecs than the party's */

void rf_recorder_types(const struct rf_said *offered, const struct rf_said *said, struct answer_types *ret);
/* Something that it takes can be made of this codec. */
bool rf_recorder_can(const struct answer_types *a, const struct rf_codec *c);
/* Something of what the party may say has to be transcoded. */
bool rf_recorder_needs(const struct rf_said *offered, const struct answer_types *a);
/* From now on as this answer says. -ENOMEM: t->why. */
int rf_recorder_code(struct rf_turn *t, struct rf_copy *copy, const struct rf_said *offered, const struct rf_said *said,
		     const struct answer_types *a);

/* ---- recorder_picture.c */

/* As soon as it may be, the party is asked for a whole picture; of a line of sound it is not. */
void rf_copy_wants_picture(struct rf_copy *c);
void rf_copy_picture_due(struct rf_timer *timer);

/* ---- recorder.c: their life */

int rf_recorder_new(struct rf_turn *t, struct rf_session *s, struct rf_view tag, const struct rf_view *tags,
		    size_t n_tags, size_t n_copies, struct rf_recorder **ret_recorder);
/* It begins to count: takes the place of one with the same tag. */
void rf_recorder_add(struct rf_recorder *r);
void rf_recorder_free(struct rf_recorder *r);
struct rf_recorder *rf_recorder_find(const struct rf_session *s, struct rf_view tag); /* NULL: none */
void rf_recorder_tell(const struct rf_recorder *r, enum rf_recording_state state, const char *why);
/* Gone from the session, and freed. why: for the record. */
void rf_recorder_stop(struct rf_recorder *r, const char *why);

#endif
