/* What a recorder takes is made of what the party says: a direction of its own (dsp.h), from the side of the recorder's
 * path on which there is nobody. The party's packets go in there as copies; the call itself notices nothing. */
#include "media/recorder.h"
#include "media/dsp.h"

static bool is_taken(const struct answer_types *a, uint8_t type)
{
	return a->bits[type >> 6] >> (type & 63) & 1;
}

static bool speaks(const struct rf_codec *c)
{
	return rf_pcm_codec_of(c->name, c->clock) != RF_PCM_NONE;
}

static const struct rf_codec *offered_as(const struct rf_said *offered, const struct rf_codec *like)
{
	for (size_t k = 0; k < offered->n_codecs; k++) {
		const struct rf_codec *c = &offered->codecs[k];

		if (!c->off && c->type == like->type && c->clock == like->clock &&
		    rf_view_eq_nocase(c->name, like->name))
			return c;
	}
	return NULL;
}

void rf_recorder_types(const struct rf_said *offered, const struct rf_said *said, struct answer_types *ret)
{
	*ret = (struct answer_types){ .any = false };
	for (size_t i = 0; i < said->n_codecs; i++) {
		const struct rf_codec *c = &said->codecs[i];

		if (!offered_as(offered, c))
			continue;
		ret->bits[c->type >> 6] |= UINT64_C(1) << (c->type & 63);
		ret->any |= !(c->flags & (RF_TYPE_DTMF | RF_TYPE_COMFORT));
		ret->speaks |= offered->kind == RF_SDP_AUDIO && speaks(c);
	}
}

bool rf_recorder_can(const struct answer_types *a, const struct rf_codec *c)
{
	return a->speaks && speaks(c);
}

bool rf_recorder_needs(const struct rf_said *offered, const struct answer_types *a)
{
	for (size_t k = 0; k < offered->n_codecs; k++) {
		const struct rf_codec *c = &offered->codecs[k];

		if (!c->made && (c->off || !is_taken(a, c->type)) && rf_recorder_can(a, c))
			return true;
	}
	return false;
}

/* ---- the direction */

static uint32_t bits_for(const struct rf_codec *said, const struct rf_codec *offered)
{
	uint32_t most = rf_codec_bits_most(said), bits = offered->bits_s;

	return most && (!bits || most < bits) && most < RF_PCM_BITS_MAX ? most : bits;
}

static void set_takes(const struct rf_said *offered, const struct rf_said *said, struct rf_dsp_conf *c)
{
	for (size_t i = 0; i < said->n_codecs && c->n < RF_PATH_TYPES_MAX; i++) {
		const struct rf_codec *x = &said->codecs[i], *as = offered_as(offered, x);
		uint8_t codec = (uint8_t)rf_pcm_codec_of(x->name, x->clock);

		if (!as)
			continue;
		if (codec && !c->bits_s)
			c->bits_s = bits_for(x, as);
		c->types[c->n++] = (struct rf_dsp_type){
			.type = x->type, .codec = codec, .dtmf = x->flags & RF_TYPE_DTMF, .clock = x->clock
		};
	}
}

static bool takes_events(const struct rf_dsp_conf *c)
{
	for (unsigned i = 0; i < c->n; i++)
		if (c->types[i].dtmf)
			return true;
	return false;
}

static enum rf_dsp_way way_of(const struct rf_codec *c, const struct answer_types *a, const struct rf_dsp_conf *conf)
{
	if (!c->off && is_taken(a, c->type))
		return RF_DSP_PASS;
	if (c->flags & RF_TYPE_DTMF)
		return takes_events(conf) ? RF_DSP_CLOCK : RF_DSP_LEAVE;
	return rf_recorder_can(a, c) ? RF_DSP_CODE : RF_DSP_LEAVE;
}

static void set_says(const struct rf_said *offered, const struct answer_types *a, struct rf_dsp_conf *conf)
{
	for (size_t k = 0; k < offered->n_codecs && conf->n_in < RF_PATH_TYPES_MAX; k++) {
		const struct rf_codec *c = &offered->codecs[k];

		if (!c->made)
			conf->in[conf->n_in++] =
				(struct rf_dsp_in){ .type = c->type,
						    .codec = (uint8_t)rf_pcm_codec_of(c->name, c->clock),
						    .way = (uint8_t)way_of(c, a, conf),
						    .dtmf = c->flags & RF_TYPE_DTMF,
						    .clock = c->clock };
	}
}

int rf_recorder_code(struct rf_turn *t, struct rf_copy *copy, const struct rf_said *offered, const struct rf_said *said,
		     const struct answer_types *a)
{
	const struct rf_relay_conf *c = &t->relay->conf;
	struct rf_dsp_conf conf = { .ptime = said->ptime };
	struct rf_dsp *d = rf_dsp_of(copy->sink, RF_RECORDER_SOURCE);

	memcpy(copy->types, a->bits, sizeof copy->types);
	if (!d && !rf_recorder_needs(offered, a))
		return 0;
	set_takes(offered, said, &conf);
	set_says(offered, a, &conf);
	int rc = rf_dsp_get(copy->sink, RF_RECORDER_SOURCE, c->loop, c->random, NULL, NULL, &d);

	rc = rc ? rc : rf_dsp_set(d, &conf);
	if (rc)
		return rf_turn_fail(t, rc, "no memory");
	/* What is left out there leaves no gap in the numbers. */
	for (unsigned i = 0; i < conf.n_in; i++)
		copy->types[conf.in[i].type >> 6] |= UINT64_C(1) << (conf.in[i].type & 63);
	return 0;
}
