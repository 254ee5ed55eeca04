#include "media/path_int.h"

#include <stdlib.h>

bool rf_check_type(const struct rf_end *e, uint8_t type)
{
	return e->types_ok[type >> 6 & 1] >> (type & 63) & 1;
}

bool rf_check_event(const struct rf_end *e, uint8_t type)
{
	return e->types_dtmf[type >> 6 & 1] >> (type & 63) & 1;
}

const struct rf_path_type *rf_check_type_of(const struct rf_end *e, uint8_t type)
{
	for (unsigned i = 0; i < e->n_types; i++)
		if (e->types[i].type == type)
			return &e->types[i];
	return NULL;
}

/* The stream is over: how it was. */
static void tally(const struct rf_end *e, const struct rf_path_ssrc *s)
{
	struct rf_quality_sum sum = rf_quality_sum(&s->quality, rf_quality_codec_of((struct rf_view){ 0 }));

	rf_tally_add(&e->sock[0].path->w->totals.ended, &sum);
}

static void begin(const struct rf_end *e, struct rf_path_ssrc *s, const struct rf_rtp_head *head)
{
	const struct rf_path_type *t = rf_check_type_of(e, head->type);
	struct rf_path_ssrc *next = s->next;

	/* seq is one behind: the first packet is the next of it. */
	*s = (struct rf_path_ssrc){
		.next = next, .ssrc = head->ssrc, .seq = (uint16_t)(head->seq - 1), .dtmf = s->dtmf
	};
	if (s->dtmf)
		*s->dtmf = (struct rf_dtmf_in){ 0 };
	rf_quality_init(&s->quality, t ? t->clock : 0);
}

static struct rf_path_ssrc *to_front(struct rf_end *e, struct rf_path_ssrc **link)
{
	struct rf_path_ssrc *s = *link;

	*link = s->next;
	s->next = e->ssrcs;
	e->ssrcs = s;
	return s;
}

struct rf_path_ssrc *rf_check_ssrc(struct rf_end *e, const struct rf_rtp_head *head, uint64_t now_us)
{
	struct rf_path_ssrc **link = &e->ssrcs, **last = NULL;

	for (; *link; link = &(*link)->next) {
		if ((*link)->ssrc == head->ssrc)
			return link == &e->ssrcs ? *link : to_front(e, link);
		last = link;
	}
	if (e->n_ssrcs < RF_PATH_SSRCS_MAX) {
		struct rf_path_ssrc *s = malloc(sizeof *s);

		if (!s)
			return NULL;
		s->dtmf = NULL;
		s->next = e->ssrcs;
		e->ssrcs = s;
		e->n_ssrcs++;
	} else if (now_us - (*last)->last_us >= RF_PATH_SSRC_IDLE_MS * 1000u) {
		tally(e, to_front(e, last));
	} else {
		return NULL;
	}
	begin(e, e->ssrcs, head);
	return e->ssrcs;
}

static bool seen_bit(struct rf_path_ssrc *s, uint16_t behind)
{
	uint64_t bit = UINT64_C(1) << (behind & 63);
	bool was = s->seen[behind >> 6] & bit;

	s->seen[behind >> 6] |= bit;
	return was;
}

static void forward(struct rf_path_ssrc *s, uint16_t by)
{
	if (by >= 128) {
		s->seen[1] = s->seen[0] = 0;
	} else if (by >= 64) {
		s->seen[1] = s->seen[0] << (by - 64);
		s->seen[0] = 0;
	} else {
		s->seen[1] = s->seen[1] << by | s->seen[0] >> (64 - by);
		s->seen[0] <<= by;
	}
	s->seen[0] |= 1;
	s->seq = (uint16_t)(s->seq + by);
	s->jumped = false;
}

enum rf_path_drop rf_check_sequence(struct rf_path_ssrc *s, uint16_t seq)
{
	uint16_t ahead = (uint16_t)(seq - s->seq), behind = (uint16_t)-ahead;

	if (ahead && ahead < RF_PATH_DROPOUT) {
		forward(s, ahead);
		return RF_DROPS;
	}
	if (behind < RF_PATH_MISORDER)
		return seen_bit(s, behind) ? RF_DROP_REPLAY : RF_DROPS;
	if (s->jumped && seq == s->after) { /* two in order: the source began anew */
		s->seen[0] = s->seen[1] = 0;
		s->seq = (uint16_t)(seq - 1);
		forward(s, 1);
		return RF_DROPS;
	}
	s->jumped = true;
	s->after = (uint16_t)(seq + 1);
	return RF_DROP_SEQUENCE;
}

static bool over(uint64_t *mark_us, uint64_t now_us, uint64_t cost_us)
{
	uint64_t from = *mark_us > now_us ? *mark_us : now_us;

	if (from - now_us > 1000000)
		return true;
	*mark_us = from + cost_us;
	return false;
}

bool rf_check_rate(struct rf_path_rate *r, size_t n, uint64_t now_us)
{
	return !over(&r->packets_us, now_us, 1000000 / r->packets_s) &&
	       !over(&r->bytes_us, now_us, n * 1000000 / r->bytes_s);
}

void rf_check_forget_one(struct rf_end *e, uint32_t ssrc)
{
	for (struct rf_path_ssrc **at = &e->ssrcs, *s; (s = *at); at = &s->next) {
		if (s->ssrc != ssrc)
			continue;
		*at = s->next;
		free(s->dtmf);
		free(s);
		e->n_ssrcs--;
		return;
	}
}

void rf_check_forget(struct rf_end *e)
{
	for (struct rf_path_ssrc *s = e->ssrcs, *next; s; s = next) {
		next = s->next;
		tally(e, s);
		free(s->dtmf);
		free(s);
	}
	e->ssrcs = NULL;
	e->n_ssrcs = 0;
}
