/* Sounds that the relay plays: a WAV file, one channel of 16 bits at 8000 or 16,000 samples a second, read whole. They
 * are found by name in a folder that the configuration names, which is read once at the start: a request names a sound,
 * never a file. Or they come in a request (blob). Held by counting, from any thread; what is in one never changes. */
#ifndef RF_MEDIA_CLIP_H
#define RF_MEDIA_CLIP_H

#include "base/err.h"
#include "base/view.h"

/* Bounds, also in docs/security.md. */
enum {
	RF_CLIP_BYTES_MAX = 8 << 20,     /* of a file: four minutes at 16,000 samples a second */
	RF_CLIPS_MAX = 256,              /* files of a folder */
	RF_CLIPS_BYTES_MAX = 64 << 20,   /* of all of them */
	RF_CLIP_NAME_MAX = 64,
};

struct rf_clip;
/* RF_E_MALFORMED, RF_E_UNSUPPORTED (another kind of sound), RF_E_LIMIT, -ENOMEM: *ret_why, static. */
int rf_clip_parse(struct rf_view wav, struct rf_clip **ret_clip, const char **ret_why);
struct rf_clip *rf_clip_hold(struct rf_clip *c);
void rf_clip_drop(struct rf_clip *c); /* NULL is fine */
uint32_t rf_clip_rate(const struct rf_clip *c); /* the best that it has */
uint32_t rf_clip_ms(const struct rf_clip *c);
/* At 8000, or at rf_clip_rate(). */
const int16_t *rf_clip_samples(const struct rf_clip *c, uint32_t rate, size_t *ret_n);

struct rf_clips;
/* Every file NAME.wav of the folder; others are left alone. An error says which file and why. */
int rf_clips_read(const char *folder, struct rf_clips **ret_clips, struct rf_diag *d);
void rf_clips_free(struct rf_clips *c); /* NULL is fine */
/* "welcome" or "welcome.wav", the folder's own. NULL: there is none; c may be NULL. */
struct rf_clip *rf_clips_find(const struct rf_clips *c, struct rf_view name);
size_t rf_clips_count(const struct rf_clips *c);

#endif
