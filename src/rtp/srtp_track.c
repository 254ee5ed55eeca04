/* Which packets of an SSRC were there: a window behind the newest one, for what comes in (nothing twice) and for what
 * goes out (no index twice). */
#include "rtp/srtp_int.h"

#include <stdlib.h>

enum { INDEX_BITS = 48, HALF = 0x8000 };

int rf_srtp_track_check(const struct rf_srtp_track *t, uint64_t index)
{
	if (!t->generation || index > t->top)
		return 0;
	uint64_t back = t->top - index;

	if (back >= RF_SRTP_WINDOW)
		return RF_E_STALE;
	return t->seen[back / 64] >> back % 64 & 1 ? RF_E_EXISTS : 0;
}

static void shift(uint64_t seen[static 2], uint64_t by)
{
	if (by >= RF_SRTP_WINDOW) {
		seen[0] = seen[1] = 0;
	} else if (by >= 64) {
		seen[1] = seen[0] << (by - 64);
		seen[0] = 0;
	} else if (by > 0) {
		seen[1] = seen[1] << by | seen[0] >> (64 - by);
		seen[0] <<= by;
	}
}

void rf_srtp_track_take(struct rf_srtp_track *t, uint64_t index)
{
	if (!t->generation || index > t->top) {
		shift(t->seen, t->generation ? index - t->top : RF_SRTP_WINDOW);
		t->top = index;
		t->seen[0] |= 1;
	} else if (t->top - index < RF_SRTP_WINDOW) {
		uint64_t back = t->top - index;

		t->seen[back / 64] |= UINT64_C(1) << back % 64;
	}
}

int rf_srtp_track_index(const struct rf_srtp_track *t, uint16_t seq, uint64_t *ret_index)
{
	uint64_t roc = t->top >> 16;
	uint16_t last = (uint16_t)t->top;

	if (!t->generation) {
		*ret_index = seq;
		return 0;
	}
	if (last < HALF && seq - last > HALF) {
		if (roc == 0)
			return RF_E_STALE;
		roc--;
	} else if (last >= HALF && last - HALF > seq) {
		roc++;
	}
	if (roc >> (INDEX_BITS - 16))
		return RF_E_LIMIT;
	*ret_index = roc << 16 | seq;
	return 0;
}

/* --- the SSRCs of one direction */

void rf_srtp_streams_init(struct rf_srtp_streams *s)
{
	*s = (struct rf_srtp_streams){ .at = &s->one, .cap = 1 };
}

void rf_srtp_streams_fini(struct rf_srtp_streams *s)
{
	if (s->at != &s->one)
		free(s->at);
	rf_srtp_streams_init(s);
}

struct rf_srtp_stream *rf_srtp_streams_find(struct rf_srtp_streams *s, uint32_t ssrc)
{
	if (s->last < s->count && s->at[s->last].ssrc == ssrc)
		return &s->at[s->last];
	for (uint8_t i = 0; i < s->count; i++)
		if (s->at[i].ssrc == ssrc) {
			s->last = i;
			return &s->at[i];
		}
	return NULL;
}

bool rf_srtp_streams_doubt(const struct rf_srtp_streams *s, const struct rf_srtp_stream *stream)
{
	return stream ? stream->doubtful : s->forgot;
}

static int grow(struct rf_srtp_streams *s)
{
	uint8_t cap = s->cap == 1 ? 4 : (uint8_t)(2 * s->cap);
	struct rf_srtp_stream *at = s->at == &s->one ? malloc(cap * sizeof *at) : realloc(s->at, cap * sizeof *at);

	if (!at)
		return -ENOMEM;
	if (s->at == &s->one)
		at[0] = s->one;
	s->at = at;
	s->cap = cap;
	return 0;
}

static bool is_older(const struct rf_srtp_stream *s, uint32_t generation)
{
	return s->track[RF_SRTP_RTP].generation < generation && s->track[RF_SRTP_RTCP].generation < generation;
}

bool rf_srtp_streams_full(struct rf_srtp_streams *s, uint32_t ssrc, uint32_t generation)
{
	if (s->count < RF_SRTP_SSRCS_MAX || rf_srtp_streams_find(s, ssrc))
		return false;
	for (uint8_t i = 0; i < s->count; i++)
		if (is_older(&s->at[i], generation))
			return false;
	return true;
}

static void forget(struct rf_srtp_streams *s, uint32_t generation)
{
	uint8_t kept = 0;

	for (uint8_t i = 0; i < s->count; i++)
		if (!is_older(&s->at[i], generation))
			s->at[kept++] = s->at[i];
	s->forgot |= kept < s->count;
	s->count = kept;
}

int rf_srtp_streams_add(struct rf_srtp_streams *s, uint32_t ssrc, uint32_t generation,
			struct rf_srtp_stream **ret_stream)
{
	if (s->count == RF_SRTP_SSRCS_MAX)
		forget(s, generation);
	int rc = s->count == RF_SRTP_SSRCS_MAX ? RF_E_LIMIT : s->count == s->cap ? grow(s) : 0;

	if (rc)
		return rc;
	s->last = s->count++;
	s->at[s->last] = (struct rf_srtp_stream){ .ssrc = ssrc, .doubtful = s->forgot };
	*ret_stream = &s->at[s->last];
	return 0;
}
