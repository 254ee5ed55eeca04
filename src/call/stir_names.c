/* Why an identity is not proven: names for the record, codes and phrases of RFC 8224 6.2.2. */
#include "call/stir.h"

#define P(code, lit) code, { (const uint8_t *)(lit), sizeof(lit) - 1 }

static const struct {
	const char *name;
	unsigned code;
	struct rf_view phrase;
} rows[RF_STIR_WHYS] = {
	[RF_STIR_OK] = { "valid", 0, { NULL, 0 } },
	[RF_STIR_ABSENT] = { "absent", P(428, "Use Identity Header") },
	[RF_STIR_OFF] = { "no-trust", P(428, "Use Identity Header") },
	[RF_STIR_MALFORMED] = { "malformed", P(438, "Invalid Identity Header") },
	[RF_STIR_TYPE] = { "unsupported", P(438, "Invalid Identity Header") },
	[RF_STIR_STALE] = { "stale", P(403, "Stale Date") },
	[RF_STIR_REPLAY] = { "replayed", P(403, "Stale Date") },
	[RF_STIR_ORIG] = { "other-caller", P(438, "Invalid Identity Header") },
	[RF_STIR_DEST] = { "other-destination", P(438, "Invalid Identity Header") },
	[RF_STIR_INFO] = { "bad-info", P(436, "Bad Identity Info") },
	[RF_STIR_FETCH] = { "no-certificate", P(436, "Bad Identity Info") },
	[RF_STIR_CERTIFICATE] = { "bad-certificate", P(437, "Unsupported Credential") },
	[RF_STIR_AUTHORITY] = { "no-authority", P(437, "Unsupported Credential") },
	[RF_STIR_SIGNATURE] = { "bad-signature", P(438, "Invalid Identity Header") },
	[RF_STIR_BUSY] = { "busy", P(436, "Bad Identity Info") },
};

const char *rf_stir_why_name(enum rf_stir_why why)
{
	return (unsigned)why < RF_STIR_WHYS ? rows[why].name : "unknown";
}

unsigned rf_stir_why_code(enum rf_stir_why why, struct rf_view *ret_reason)
{
	unsigned i = (unsigned)why < RF_STIR_WHYS ? why : RF_STIR_SIGNATURE;

	*ret_reason = rows[i].phrase;
	return rows[i].code;
}

const char *rf_stir_verdict_word(const struct rf_stir_verdict *v)
{
	if (v->why != RF_STIR_OK)
		return rf_stir_why_name(v->why);
	return v->attest == 'A' ? "A" : v->attest == 'B' ? "B" : v->attest == 'C' ? "C" : "valid";
}
