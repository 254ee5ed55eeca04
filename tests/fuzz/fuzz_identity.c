/* Bytes as an Identity header field, or, when they begin with "{", as the two halves of a token (up to the first line
 * feed its header, then its payload) that are encoded here, so that the JSON behind the encoding is reached. What is
 * understood is written again and understood as the same. */
#include "sip/identity_hdr.h"
#include "sip/passport.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void put64(struct rf_writer *w, struct rf_view v)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	for (size_t i = 0; i < v.n * 8; i += 6) {
		unsigned x = 0;

		for (size_t b = i; b < i + 6; b++)
			x = x << 1 | (b < v.n * 8 ? v.p[b / 8] >> (7 - b % 8) & 1u : 0);
		rf_put_byte(w, (uint8_t)digits[x]);
	}
}

static void token(struct rf_view v)
{
	static const uint8_t sig[RF_PASSPORT_SIG] = { 1, 2, 3 };
	struct rf_passport p, again;
	uint8_t buf[RF_PASSPORT_MAX + 128];
	struct rf_writer w;

	if (rf_passport_parse(v, &p))
		return;
	must(p.dest_n >= 1 && p.dest_n <= RF_PASSPORT_DEST_MAX && p.orig.kind && p.iat_s >= 0);
	struct rf_passport_claims c = { p.x5u, p.ppt, p.iat_s, p.orig, p.dest[0], p.attest, p.origid, p.div };

	rf_writer_init(&w, buf, sizeof buf);
	int rc = rf_passport_put_input(&w, &c);
	rf_passport_put_signature(&w, sig);
	if (rc == RF_E_SPACE || w.err == RF_E_SPACE) /* escapes made it longer */
		return;
	must(rc == 0);
	rc = rf_passport_parse(rf_view_of(buf, w.n), &again);
	must(rc == 0 || rc == RF_E_LIMIT);
	if (rc == 0)
		must(again.iat_s == p.iat_s && rf_view_eq(again.x5u, p.x5u) && rf_view_eq(again.orig.text, p.orig.text) &&
		     again.orig.kind == p.orig.kind && rf_view_eq(again.dest[0].text, p.dest[0].text));
}

static void header(struct rf_view v)
{
	struct rf_identity_hdr h, again;
	uint8_t buf[8192];
	struct rf_writer w;
	struct rf_view host;

	if (rf_identity_hdr_parse(v, &h))
		return;
	token(h.token);
	if (rf_identity_info_host(h.info, &host) == 0)
		must(host.n && host.p >= h.info.p && host.p + host.n < h.info.p + h.info.n);
	rf_writer_init(&w, buf, sizeof buf);
	rf_put(&w, h.token);
	rf_identity_hdr_put_params(&w, h.info, h.ppt);
	must(w.err == 0 && rf_identity_hdr_parse(rf_view_of(buf, w.n), &again) == 0);
	must(rf_view_eq(again.token, h.token) && rf_view_eq(again.info, h.info) && rf_view_eq(again.ppt, h.ppt));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rf_view v = rf_view_of(data, n);
	uint8_t buf[RF_PASSPORT_MAX * 2];
	struct rf_writer w;

	if (n == 0 || data[0] != '{') {
		header(v);
		return 0;
	}
	size_t line = rf_view_find(v, '\n');

	rf_writer_init(&w, buf, sizeof buf);
	put64(&w, rf_view_sub(v, 0, line));
	rf_put_byte(&w, '.');
	put64(&w, rf_view_from(v, line + 1));
	rf_passport_put_signature(&w, (const uint8_t[RF_PASSPORT_SIG]){ 9 });
	if (w.err == 0)
		token(rf_view_of(buf, w.n));
	return 0;
}
