/* Splitting header values at commas, over all fields of one name (RFC 3261 7.3.1). */
#include "sip/chars.h"
#include "sip/msg.h"

struct rf_sip_values rf_sip_values_of(const struct rf_sip_msg *m, enum rf_sip_hid id)
{
	const struct rf_sip_hdr *h = rf_sip_msg_hdr(m, id);

	return (struct rf_sip_values){ .m = m, .hdr = h, .rest = h ? h->value : (struct rf_view){ NULL, 0 } };
}

struct rf_sip_values rf_sip_values_in(struct rf_view list)
{
	return (struct rf_sip_values){ .rest = rf_sip_trim(list) };
}

/* Length up to a comma outside quotes and brackets, n when there is none; SIZE_MAX when one stays open. */
static size_t element(struct rf_view v)
{
	const uint8_t *p = v.p, *end = p + v.n;

	for (;; p++) {
		while (p < end && !rf_sip_is(*p, RF_SIP_C_SPLIT))
			p++;
		if (p == end || *p == ',')
			return (size_t)(p - v.p);
		if (*p == '<') {
			p = memchr(p, '>', (size_t)(end - p));
			if (!p)
				return SIZE_MAX;
			continue;
		}
		for (p++; p < end && *p != '"'; p++)
			p += *p == '\\' && end - p > 1;
		if (p == end)
			return SIZE_MAX;
	}
}

int rf_sip_values_next(struct rf_sip_values *it, struct rf_view *ret_v)
{
	while (it->rest.n == 0) {
		if (it->more)
			return RF_E_MALFORMED; /* a comma with nothing behind it */
		it->hdr = it->m && it->hdr ? rf_sip_msg_hdr_next(it->m, it->hdr) : NULL;
		if (!it->hdr)
			return 0;
		it->rest = it->hdr->value;
	}
	size_t n = it->rest.n;
	if (memchr(it->rest.p, ',', n))
		n = element(it->rest);
	if (n == SIZE_MAX)
		return RF_E_MALFORMED;
	struct rf_view v = rf_sip_trim(rf_view_sub(it->rest, 0, n));
	it->more = n < it->rest.n;
	it->rest = it->more ? rf_sip_trim(rf_view_from(it->rest, n + 1)) : (struct rf_view){ NULL, 0 };
	if (v.n == 0)
		return RF_E_MALFORMED;
	*ret_v = v;
	return 1;
}
