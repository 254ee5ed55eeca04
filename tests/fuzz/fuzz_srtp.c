/* SRTP and SRTCP from any bytes: refused as they came, and nothing is learned from them. What can be sealed opens
 * to what it was, once. The first byte picks suite, kind and MKI; the rest is the packet. */
#include "rtp/rtp.h"
#include "rtp/srtp_int.h"

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

typedef int open_fn(struct rf_srtp_in *in, uint8_t *buf, size_t n, size_t *ret_n);
typedef int seal_fn(struct rf_srtp_out *out, uint8_t *buf, size_t n, size_t cap, size_t *ret_n);

static int check_rtp(struct rf_srtp_in *in, uint8_t *buf, size_t n, size_t *ret_n)
{
	uint8_t *room = malloc(n + !n);

	MUST(room);
	int rc = rf_srtp_in_check_rtp(in, buf, n, room, ret_n);

	free(room);
	return rc;
}

static void refuse(struct rf_srtp_in *in, open_fn *open, struct rf_view packet)
{
	struct rf_srtp_in before = *in;
	uint8_t *buf = malloc(packet.n + !packet.n);
	size_t n;

	MUST(buf);
	memcpy(buf, packet.p, packet.n);
	MUST(open(in, buf, packet.n, &n) != 0);
	MUST(memcmp(buf, packet.p, packet.n) == 0 && memcmp(&before, in, sizeof before) == 0);
	free(buf);
}

static void round_trip(struct rf_srtp_in *in, struct rf_srtp_out *out, open_fn *open, seal_fn *seal, struct rf_view packet)
{
	size_t cap = packet.n + RF_SRTP_GROW_RTCP, n;
	uint8_t *sealed = malloc(cap), *buf = malloc(cap);

	MUST(sealed && buf);
	memcpy(sealed, packet.p, packet.n);
	if (seal(out, sealed, packet.n, cap, &n) == 0 && n <= RF_RTP_BYTES_MAX) {
		size_t got = 0;

		MUST(n > packet.n && n <= cap);
		memcpy(buf, sealed, n);
		buf[packet.p[packet.n - 1] % n] ^= 0x10;
		refuse(in, open, rf_view_of(buf, n));
		memcpy(buf, sealed, n);
		MUST(open(in, buf, n, &got) == 0 && got == packet.n && memcmp(buf, packet.p, got) == 0);
		refuse(in, open, rf_view_of(sealed, n));
		refuse(in, check_rtp, rf_view_of(sealed, n));
	}
	free(sealed);
	free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const uint8_t key[RF_SRTP_KEY_MAX] = { 1, 2, 3 };
	struct rf_srtp_master master = { .suite = RF_SRTP_AEAD_AES_128_GCM };
	struct rf_srtp_out *out;
	struct rf_srtp_in *in;

	if (n < 2)
		return 0;
	master.suite = (enum rf_srtp_suite)(1 + data[0] % (RF_SRTP_SUITES - 1));
	master.key = rf_view_of(key, rf_srtp_key_bytes(master.suite));
	master.mki = rf_view_of(key, (data[0] >> 4 & 3) * 2u);
	MUST(rf_srtp_out_new(&master, &out) == 0 && rf_srtp_in_new(&master, 1, &in) == 0);
	bool is_rtcp = data[0] & 0x80;
	struct rf_view packet = rf_view_of(data + 1, n - 1);

	refuse(in, is_rtcp ? rf_srtp_in_rtcp : rf_srtp_in_rtp, packet);
	refuse(in, check_rtp, packet);
	round_trip(in, out, is_rtcp ? rf_srtp_in_rtcp : rf_srtp_in_rtp, is_rtcp ? rf_srtp_out_rtcp : rf_srtp_out_rtp, packet);
	rf_srtp_out_free(out);
	rf_srtp_in_free(in);
	return 0;
}
