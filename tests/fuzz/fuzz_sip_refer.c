/* The lines of a REFER from any bytes: what is taken is a URI of ours to dial and a Replaces that can be written again. */
#include "sip/refer.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define MUST(cond) \
	do { \
		if (!(cond)) { \
			fprintf(stderr, "line %d: %s\n", __LINE__, #cond); \
			abort(); \
		} \
	} while (0)

#define HEAD "REFER sip:x@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKa\r\nMax-Forwards: 70\r\n" \
	     "From: <sip:a@h>;tag=1\r\nTo: <sip:b@h>;tag=2\r\nCall-ID: c\r\nCSeq: 1 REFER\r\nContent-Length: 0\r\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct rf_sip_msg m;
	uint8_t text[4096], again[RF_REFER_REPLACES_MAX + 64];
	struct rf_replaces r;
	struct rf_refer refer;
	struct rf_writer w;
	struct rf_view v;

	rf_writer_init(&w, text, sizeof text);
	rf_put_lit(&w, HEAD);
	rf_put(&w, rf_view_of(data, n));
	rf_put_lit(&w, "\r\n\r\n");
	if (rf_writer_done(&w, &v) || rf_sip_msg_parse(&m, v, RF_SIP_DATAGRAM, NULL) || rf_refer_parse(&m, &refer))
		return 0;
	MUST(refer.to.scheme != RF_SIP_SCHEME_OTHER);
	if (!refer.has_replaces)
		return 0;
	rf_writer_init(&w, again, sizeof again);
	MUST(rf_replaces_put(&w, &refer.replaces) == 0 && rf_writer_done(&w, &v) == 0);
	MUST(rf_replaces_parse(v, &r) == 0);
	MUST(rf_view_eq(r.call_id, refer.replaces.call_id) && rf_view_eq(r.to_tag, refer.replaces.to_tag));
	return 0;
}
