/* A frame of any bytes, as the kernel hands them over: what is taken as a datagram lies within, its lengths agree, and written anew
 * it is read as the same. */
#include "media/link.h"

#include <arpa/inet.h>
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

static struct rf_addr addr(uint8_t family, const uint8_t *ip, uint16_t port)
{
	struct rf_addr a = { .family = family, .port = ntohs(port) };

	memcpy(a.ip, ip, family == 4 ? 4 : 16);
	return a;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const uint8_t mac[6] = { 2 };
	struct rf_link_datagram d, again;
	struct rf_link_head head;
	uint8_t frame[14 + RF_LINK_DATAGRAM_MAX];

	if (rf_link_read(rf_view_of(data, n), &d))
		return 0;
	MUST(d.family == 4 || d.family == 6);
	size_t before = 14u + (d.family == 4 ? 20 : 40) + 8;

	MUST(d.payload.p == data + before && d.payload.n <= n - before && before - 14 + d.payload.n <= RF_LINK_DATAGRAM_MAX);
	struct rf_addr from = addr(d.family, d.from, d.from_port), to = addr(d.family, d.to, d.to_port);

	rf_link_head_make(mac, mac, &from, &to, 46, &head);
	MUST(rf_link_write(&head, d.payload, frame) == before + d.payload.n);
	MUST(rf_link_read(rf_view_of(frame, before + d.payload.n), &again) == 0);
	MUST(rf_view_eq(again.payload, d.payload) && again.from_port == d.from_port && again.to_port == d.to_port);
	MUST(memcmp(again.from, d.from, d.family == 4 ? 4 : 16) == 0 && memcmp(again.to, d.to, d.family == 4 ? 4 : 16) == 0);
	return 0;
}
