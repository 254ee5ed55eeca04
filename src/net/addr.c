#include "net/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

_Static_assert(sizeof(struct rf_addr) == 24, "compared and hashed as bytes: no padding");

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static struct rf_addr of_v4(const void *ip, uint16_t port)
{
	struct rf_addr a = { .port = port, .family = 4 };

	memcpy(a.ip, ip, 4);
	return a;
}

static struct rf_addr of_v6(const uint8_t ip[static 16], uint32_t scope, uint16_t port)
{
	struct rf_addr a = { .port = port, .family = 6, .scope = scope };

	if (memcmp(ip, mapped, sizeof mapped) == 0)
		return of_v4(ip + sizeof mapped, port);
	memcpy(a.ip, ip, 16);
	return a;
}

static bool parse_port(struct rf_view v, uint16_t *ret_port)
{
	uint64_t port;

	if (v.n > 5 || !rf_view_u64(v, 65535, &port))
		return false;
	*ret_port = (uint16_t)port;
	return true;
}

static int parse_v4(struct rf_view host, uint16_t port, struct rf_addr *ret_addr)
{
	char text[INET_ADDRSTRLEN];
	struct in_addr ip;

	if (!rf_view_cstr(host, text, sizeof text) || inet_pton(AF_INET, text, &ip) != 1)
		return RF_E_MALFORMED;
	*ret_addr = of_v4(&ip, port);
	return 0;
}

static int parse_v6(struct rf_view host, uint16_t port, struct rf_addr *ret_addr)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr ip;
	uint32_t scope = 0;
	size_t percent = rf_view_find(host, '%');

	if (percent < host.n && !rf_view_u32(rf_view_from(host, percent + 1), &scope))
		return RF_E_MALFORMED;
	host = rf_view_sub(host, 0, percent);
	if (!rf_view_cstr(host, text, sizeof text) || inet_pton(AF_INET6, text, &ip) != 1)
		return RF_E_MALFORMED;
	*ret_addr = of_v6(ip.s6_addr, scope, port);
	return 0;
}

int rf_addr_parse(struct rf_view text, uint16_t default_port, struct rf_addr *ret_addr)
{
	uint16_t port = default_port;
	size_t colon = rf_view_find(text, ':');

	if (text.n && text.p[0] == '[') {
		size_t end = rf_view_find(text, ']');
		struct rf_view rest = rf_view_from(text, end + 1);

		if (end == text.n)
			return RF_E_MALFORMED;
		if (rest.n && (rest.p[0] != ':' || !parse_port(rf_view_from(rest, 1), &port)))
			return RF_E_MALFORMED;
		return parse_v6(rf_view_sub(text, 1, end - 1), port, ret_addr);
	}
	if (rf_view_find(rf_view_from(text, colon + 1), ':') < rf_view_from(text, colon + 1).n)
		return parse_v6(text, port, ret_addr);
	if (colon < text.n && !parse_port(rf_view_from(text, colon + 1), &port))
		return RF_E_MALFORMED;
	return parse_v4(rf_view_sub(text, 0, colon), port, ret_addr);
}

static void put_ip(struct rf_writer *w, const struct rf_addr *a)
{
	char text[INET6_ADDRSTRLEN] = "";

	if (a->family == 4) {
		for (int i = 0; i < 4; i++) {
			if (i)
				rf_put_byte(w, '.');
			rf_put_u64(w, a->ip[i]);
		}
	} else if (a->family == 6 && inet_ntop(AF_INET6, a->ip, text, sizeof text)) {
		rf_put(w, rf_view_str(text));
	}
}

const char *rf_addr_text(const struct rf_addr *a, char dst[static RF_ADDR_TEXT])
{
	struct rf_writer w;

	rf_writer_init(&w, dst, RF_ADDR_TEXT - 1);
	if (a->family == 6)
		rf_put_byte(&w, '[');
	put_ip(&w, a);
	if (a->scope) {
		rf_put_byte(&w, '%');
		rf_put_u64(&w, a->scope);
	}
	if (a->family == 6)
		rf_put_byte(&w, ']');
	if (a->family) {
		rf_put_byte(&w, ':');
		rf_put_u64(&w, a->port);
	} else {
		rf_put_lit(&w, "none");
	}
	dst[w.n] = '\0';
	return dst;
}

void rf_addr_put_host(struct rf_writer *w, const struct rf_addr *a, bool brackets)
{
	brackets = brackets && a->family == 6;
	if (brackets)
		rf_put_byte(w, '[');
	put_ip(w, a);
	if (brackets)
		rf_put_byte(w, ']');
}

int rf_addr_from_sockaddr(const struct sockaddr *sa, size_t len, struct rf_addr *ret_addr)
{
	if (len < sizeof sa->sa_family)
		return RF_E_MALFORMED;
	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)sa;

		if (len < sizeof *in)
			return RF_E_MALFORMED;
		*ret_addr = of_v4(&in->sin_addr, ntohs(in->sin_port));
		return 0;
	}
	if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)sa;

		if (len < sizeof *in6)
			return RF_E_MALFORMED;
		*ret_addr = of_v6(in6->sin6_addr.s6_addr, in6->sin6_scope_id, ntohs(in6->sin6_port));
		return 0;
	}
	return RF_E_UNSUPPORTED;
}

size_t rf_addr_to_sockaddr(const struct rf_addr *a, struct sockaddr_storage *ret_sa)
{
	if (a->family == 4) {
		struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(a->port) };

		memcpy(&in.sin_addr, a->ip, 4);
		memcpy(ret_sa, &in, sizeof in);
		return sizeof in;
	}
	if (a->family == 6) {
		struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(a->port),
					    .sin6_scope_id = a->scope };

		memcpy(&in6.sin6_addr, a->ip, 16);
		memcpy(ret_sa, &in6, sizeof in6);
		return sizeof in6;
	}
	return 0;
}

bool rf_addr_eq(const struct rf_addr *a, const struct rf_addr *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

bool rf_addr_same_ip(const struct rf_addr *a, const struct rf_addr *b)
{
	return a->family == b->family && a->scope == b->scope && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

bool rf_addr_is_any(const struct rf_addr *a)
{
	static const uint8_t zero[16];

	return a->family && memcmp(a->ip, zero, sizeof zero) == 0;
}

bool rf_addr_is_loopback(const struct rf_addr *a)
{
	static const uint8_t one[16] = { [15] = 1 };

	return (a->family == 4 && a->ip[0] == 127) || (a->family == 6 && memcmp(a->ip, one, sizeof one) == 0);
}

bool rf_addr_is_multicast(const struct rf_addr *a)
{
	return (a->family == 4 && a->ip[0] >> 4 == 14) || (a->family == 6 && a->ip[0] == 0xff);
}

uint64_t rf_addr_hash(const struct rf_hash_key *key, const struct rf_addr *a)
{
	return rf_hash(key, rf_view_of(a, sizeof *a));
}
