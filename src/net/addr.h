/* An IP address and port as a value: 24 bytes without padding, compared as a whole. IPv4-mapped IPv6 addresses are
 * turned into IPv4 when they come in, so that one peer has one form. */
#ifndef RF_NET_ADDR_H
#define RF_NET_ADDR_H

#include "base/hash.h"
#include "base/view.h"
#include "base/writer.h"

struct sockaddr;
struct sockaddr_storage;

struct rf_addr {
	uint8_t ip[16];  /* network order; IPv4 in the first four, the rest zero */
	uint32_t scope;  /* IPv6 interface index of a link-local address, else 0 */
	uint16_t port;   /* host order */
	uint8_t family;  /* 0 (no address), 4 or 6 */
	uint8_t zero;
};

/* With a NUL: "[ip%4294967295]:65535". */
#define RF_ADDR_TEXT 64

/* "192.0.2.1", "2001:db8::1", "[2001:db8::1]"; with a port "192.0.2.1:5060", "[2001:db8::1]:5060". A scope is a number
 * after '%'. default_port is taken when there is none. RF_E_MALFORMED for anything else, names included. */
int rf_addr_parse(struct rf_view text, uint16_t default_port, struct rf_addr *ret_addr);

/* "192.0.2.1:5060", "[2001:db8::1]:5060". Returns dst. */
const char *rf_addr_text(const struct rf_addr *a, char dst[static RF_ADDR_TEXT]);
/* The address alone, IPv6 in brackets (as in a SIP URI) or bare (as in `received`). Never the scope. */
void rf_addr_put_host(struct rf_writer *w, const struct rf_addr *a, bool brackets);

/* RF_E_UNSUPPORTED when it is neither AF_INET nor AF_INET6, RF_E_MALFORMED when len is too short. */
int rf_addr_from_sockaddr(const struct sockaddr *sa, size_t len, struct rf_addr *ret_addr);
/* Returns the length, 0 when a has no family. */
size_t rf_addr_to_sockaddr(const struct rf_addr *a, struct sockaddr_storage *ret_sa);

bool rf_addr_eq(const struct rf_addr *a, const struct rf_addr *b);
bool rf_addr_same_ip(const struct rf_addr *a, const struct rf_addr *b); /* scope included, port not */
bool rf_addr_is_any(const struct rf_addr *a);      /* 0.0.0.0, :: */
bool rf_addr_is_loopback(const struct rf_addr *a);
bool rf_addr_is_multicast(const struct rf_addr *a);
uint64_t rf_addr_hash(const struct rf_hash_key *key, const struct rf_addr *a);

#endif
