#include "rtp/dtmf.h"

#include "base/reader.h"

enum {
	END = 0x80, RESERVED = 0x40, VOLUME = 0x3f,
	SEGMENT_MAX = 0xffff,      /* what a duration can say (RFC 4733 2.5.1.3) */
	STEP_MAX = 8000,
};

static const char keys[RF_DTMF_EVENTS + 1] = "0123456789*#ABCD";

int rf_dtmf_event_of(char key)
{
	for (int i = 0; i < RF_DTMF_EVENTS; i++)
		if (keys[i] == key)
			return i;
	return -1;
}

/* --- reading */

struct report {
	uint8_t event, volume;
	bool end;
	uint16_t duration;
};

static int parse(struct rf_view payload, struct report *ret_report)
{
	struct rf_reader r = rf_reader_of(payload);
	uint8_t event = rf_take_u8(&r), second = rf_take_u8(&r);
	struct report report = { event, second & VOLUME, second & END, rf_take_be16(&r) };

	if (rf_reader_end(&r) || second & RESERVED)
		return RF_E_MALFORMED;
	if (event >= RF_DTMF_EVENTS)
		return RF_E_UNSUPPORTED;
	*ret_report = report;
	return 0;
}

static struct rf_dtmf_news end(struct rf_dtmf_in *d)
{
	d->open = false;
	return (struct rf_dtmf_news){ true, d->event, d->volume, d->before + d->duration };
}

/* A key held for longer than a duration can say goes on as another segment, right behind the one before. */
static bool is_next_segment(const struct rf_dtmf_in *d, const struct report *r, uint32_t timestamp)
{
	return d->open && r->event == d->event && timestamp != d->timestamp && timestamp - d->timestamp == SEGMENT_MAX;
}

static int begin(struct rf_dtmf_in *d, const struct report *r, uint32_t timestamp, struct rf_dtmf_news *ret_news)
{
	int n = 0;

	if (d->open)
		ret_news[n++] = end(d);
	d->open = d->known = true;
	d->event = r->event;
	d->volume = r->volume;
	d->timestamp = timestamp;
	d->before = 0;
	d->duration = 0;
	ret_news[n++] = (struct rf_dtmf_news){ false, r->event, r->volume, 0 };
	return n;
}

/* Between two keys there may be so much speech that sequence numbers have gone half their round. */
static bool is_recent(const struct rf_dtmf_in *d, struct rf_mono now)
{
	return now.us < d->heard.us || now.us - d->heard.us < RF_DTMF_LATE_MS * UINT64_C(1000);
}

int rf_dtmf_in_take(struct rf_dtmf_in *d, const struct rf_rtp_head *head, struct rf_view payload, struct rf_mono now,
		    struct rf_dtmf_news ret_news[static RF_DTMF_NEWS_MAX])
{
	struct report r;
	int n = 0, rc = parse(payload, &r);
	uint16_t ahead = (uint16_t)(head->seq - d->seq);

	if (rc)
		return rc;
	if (d->known && is_recent(d, now) && (ahead == 0 || ahead >= 0x8000)) /* was here, or what came after it was */
		return 0;
	d->seq = head->seq;
	d->heard = now;
	if (is_next_segment(d, &r, head->timestamp)) {
		d->before += SEGMENT_MAX;
		d->timestamp = head->timestamp;
		d->duration = 0;
	} else if (!d->known || head->timestamp != d->timestamp) {
		n = begin(d, &r, head->timestamp, ret_news);
	} else if (!d->open) {
		return 0; /* its end, told again */
	}
	if (r.duration > d->duration)
		d->duration = r.duration;
	if (r.end)
		ret_news[n++] = end(d);
	return n;
}

bool rf_dtmf_in_quiet(struct rf_dtmf_in *d, struct rf_mono now, struct rf_dtmf_news *ret_news)
{
	if (!d->open || now.us < d->heard.us || now.us - d->heard.us < RF_DTMF_QUIET_MS * 1000)
		return false;
	*ret_news = end(d);
	return true;
}

/* --- sending */

int rf_dtmf_out_begin(struct rf_dtmf_out *d, unsigned event, unsigned volume, uint32_t timestamp, uint32_t duration,
		      uint32_t step)
{
	if (event >= RF_DTMF_EVENTS || volume > VOLUME || step == 0 || step > STEP_MAX || duration < step ||
	    duration > RF_DTMF_DURATION_MAX)
		return RF_E_INVALID;
	*d = (struct rf_dtmf_out){
		.event = (uint8_t)event, .volume = (uint8_t)volume, .timestamp = timestamp, .left = duration,
		.step = step,
	};
	return 0;
}

bool rf_dtmf_out_next(struct rf_dtmf_out *d, struct rf_rtp_head *ret_head, uint8_t ret_payload[static RF_DTMF_BYTES])
{
	if (d->times == RF_DTMF_LAST_TIMES)
		return false;
	if (d->times == 0)
		d->at += d->step;
	bool last = d->at >= d->left && d->left <= SEGMENT_MAX, full = !last && d->at > SEGMENT_MAX;
	uint32_t told = last ? d->left : full ? SEGMENT_MAX : d->at;

	*ret_head = (struct rf_rtp_head){ .timestamp = d->timestamp, .marker = !d->begun };
	ret_payload[0] = d->event;
	ret_payload[1] = (uint8_t)(d->volume | (last ? END : 0));
	ret_payload[2] = (uint8_t)(told >> 8);
	ret_payload[3] = (uint8_t)told;
	d->begun = true;
	d->times = (uint8_t)(d->times + last);
	if (full) {
		d->timestamp += SEGMENT_MAX;
		d->at -= SEGMENT_MAX;
		d->left -= SEGMENT_MAX;
	}
	return true;
}
