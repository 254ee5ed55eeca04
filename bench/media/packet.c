/* Packets: made whole beforehand, so that sending one costs nothing but copying it. */
#include "load.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <string.h>

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static uint32_t add(const uint8_t *p, size_t n, uint32_t sum)
{
	for (; n > 1; n -= 2, p += 2)
		sum += (uint32_t)p[0] << 8 | p[1];
	return n ? sum + ((uint32_t)p[0] << 8) : sum;
}

static unsigned fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

void packet_plain(unsigned n, uint16_t seq, uint8_t rtp[static RTP_BYTES])
{
	rtp[0] = 0x80;
	rtp[1] = 8;
	put16(rtp + 2, seq);
	put32(rtp + 4, (uint32_t)seq * 160);
	put32(rtp + 8, SSRC_BASE + n);
	for (unsigned i = 12; i < RTP_BYTES; i++)
		rtp[i] = (uint8_t)(i * 7 + n + seq);
}

bool packet_keys(struct way *w)
{
	if (w->suite_in == RF_SRTP_NONE)
		return true;
	return !rf_srtp_out_new(&(struct rf_srtp_master){ w->suite_in, rf_view_of(w->key_in, rf_srtp_key_bytes(w->suite_in)) },
				&w->srtp);
}

bool packet_make(struct load *l, unsigned n, struct packet *p)
{
	struct way *w = &l->ways[n];
	uint8_t *eth = p->bytes, *ip = eth + ETH_HLEN, *udp = ip + 20, *rtp = udp + 8;
	size_t size = RTP_BYTES;

	packet_plain(n, w->seq++, rtp);
	if (w->srtp && rf_srtp_out_rtp(w->srtp, rtp, RTP_BYTES, sizeof p->bytes - HEADS_BYTES, &size))
		return false;
	memcpy(eth, l->mac[1], 6);
	memcpy(eth + 6, l->mac[0], 6);
	put16(eth + 12, ETH_P_IP);
	memset(ip, 0, 28);
	ip[0] = 0x45;
	put16(ip + 2, (unsigned)size + 28);
	ip[6] = 0x40; /* do not fragment */
	ip[8] = 64;
	ip[9] = IPPROTO_UDP;
	memcpy(ip + 12, &l->own.sin_addr, 4);
	memcpy(ip + 16, &w->relay_in, 4);
	put16(ip + 10, fold(add(ip, 20, 0)));
	put16(udp, w->from);
	put16(udp + 2, w->port_in);
	put16(udp + 4, (unsigned)size + 8);
	unsigned sum = fold(add(ip + 12, 8, add(udp, size + 8, IPPROTO_UDP + (uint32_t)size + 8)));

	put16(udp + 6, sum ? sum : 0xffff);
	p->bytes_n = (unsigned short)(HEADS_BYTES + size);
	p->copies = 0;
	p->sent = p->got = 0;
	return true;
}

size_t packet_out_bytes(const struct way *w)
{
	static const uint8_t tags[RF_SRTP_SUITES] = {
		[RF_SRTP_AEAD_AES_256_GCM] = 16, [RF_SRTP_AEAD_AES_128_GCM] = 16,
		[RF_SRTP_AES_256_CM_HMAC_SHA1_80] = 10, [RF_SRTP_AES_CM_128_HMAC_SHA1_80] = 10,
	};

	return HEADS_BYTES + RTP_BYTES + tags[w->suite_out];
}

bool packet_right(const struct load *l, unsigned n, uint16_t seq, const uint8_t *frame, size_t size)
{
	const struct way *w = &l->ways[n];
	uint8_t rtp[RTP_BYTES + RF_SRTP_TAG_MAX];
	struct rf_srtp_out *srtp = NULL;
	size_t want = RTP_BYTES;
	bool ok = true;

	packet_plain(n, seq, rtp);
	if (w->suite_out != RF_SRTP_NONE) {
		ok = !rf_srtp_out_new(&(struct rf_srtp_master){ w->suite_out, rf_view_of(w->key_out, rf_srtp_key_bytes(w->suite_out)) },
				      &srtp) &&
		     !rf_srtp_out_rtp(srtp, rtp, RTP_BYTES, sizeof rtp, &want);
		rf_srtp_out_free(srtp);
	}
	return ok && size == HEADS_BYTES + want && !memcmp(frame + HEADS_BYTES, rtp, want);
}
