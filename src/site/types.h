/* The small values that items of a site are made of. */
#ifndef RF_SITE_TYPES_H
#define RF_SITE_TYPES_H

#include "base/view.h"

/* Where an item stands. file 0: site.yaml; 1: the phones file; 2: attestations.yaml. */
struct rf_site_pos {
	uint32_t line, column;
	uint32_t file;
};

/* The place of a value, or where it has none that of its item. */
static inline struct rf_site_pos rf_site_pos_or(struct rf_site_pos value, struct rf_site_pos item)
{
	return value.line ? value : item;
}

/* An IP address or a subnet; bytes in network order, v4 in the first four. */
struct rf_site_ip {
	uint8_t family;        /* 4, 6, or 0: none */
	uint8_t prefix;        /* bits of a subnet; 32 or 128 for an address */
	uint8_t b[16];
};

struct rf_site_list {
	const struct rf_view *v;
	size_t n;
};

struct rf_site_ips {
	const struct rf_site_ip *v;
	size_t n;
};

#endif
