#include "frame_kit.h"

void frame_put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t sum(const uint8_t *p, size_t n, uint32_t so_far)
{
	for (; n > 1; n -= 2, p += 2)
		so_far += (uint32_t)p[0] << 8 | p[1];
	return n ? so_far + ((uint32_t)p[0] << 8) : so_far;
}

static unsigned folded(uint32_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return ~s & 0xffff;
}

size_t frame_udp_at(const struct frame *f)
{
	return f->b[12] == 0x86 ? FRAME_V6_UDP : FRAME_V4_UDP;
}

unsigned frame_udp_sum(const struct frame *f)
{
	size_t at = frame_udp_at(f), n = (size_t)(f->b[at + 4] << 8 | f->b[at + 5]);
	const uint8_t *ip = f->b + 14;
	struct frame zero = *f;

	frame_put16(zero.b + at + 6, 0);
	unsigned s =
		folded(sum(zero.b + at, n,
			   sum(ip + (at == FRAME_V4_UDP ? 12 : 8), at == FRAME_V4_UDP ? 8 : 32, 17 + (uint32_t)n)));

	return s ? s : 0xffff;
}

void frame_seal(struct frame *f)
{
	size_t at = frame_udp_at(f);

	if (at == FRAME_V4_UDP) {
		frame_put16(f->b + 24, 0);
		frame_put16(f->b + 24, folded(sum(f->b + 14, 20, 0)));
	}
	frame_put16(f->b + at + 6, frame_udp_sum(f));
}

static void head_v4(uint8_t *ip, const struct rf_addr *from, const struct rf_addr *to, size_t udp_n)
{
	ip[0] = 0x45;
	ip[1] = 0x03;
	frame_put16(ip + 2, (unsigned)udp_n + 20);
	frame_put16(ip + 4, 0x7777);
	ip[8] = 33;
	ip[9] = 17;
	memcpy(ip + 12, from->ip, 4);
	memcpy(ip + 16, to->ip, 4);
}

static void head_v6(uint8_t *ip, const struct rf_addr *from, const struct rf_addr *to, size_t udp_n)
{
	ip[0] = 0x6b;
	ip[1] = 0x8a;
	ip[3] = 7;
	frame_put16(ip + 4, (unsigned)udp_n);
	ip[6] = 17;
	ip[7] = 33;
	memcpy(ip + 8, from->ip, 16);
	memcpy(ip + 24, to->ip, 16);
}

void frame_make(struct frame *f, const uint8_t to_mac[6], const struct rf_addr *from, const struct rf_addr *to,
		uint8_t first, size_t n)
{
	bool v6 = from->family == 6;
	uint8_t *udp = f->b + (v6 ? FRAME_V6_UDP : FRAME_V4_UDP);

	memset(f, 0, sizeof *f);
	memcpy(f->b, to_mac, 6);
	memset(f->b + 6, 2, 6);
	frame_put16(f->b + 12, v6 ? 0x86dd : 0x0800);
	(v6 ? head_v6 : head_v4)(f->b + 14, from, to, n + 8);
	frame_put16(udp, from->port);
	frame_put16(udp + 2, to->port);
	frame_put16(udp + 4, (unsigned)n + 8);
	for (size_t i = 0; i < n; i++)
		udp[8 + i] = (uint8_t)(first + i);
	f->n = (size_t)(udp + 8 + n - f->b);
	frame_seal(f);
}
