/* From the bytes of a DNS reply to records. c-ares decodes; it does not hand out the time to live of SRV and NAPTR
 * records, which is read here. */
#include "net/dns_int.h"

#include "base/err.h"
#include "base/reader.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

struct rf_dns_records *rf_dns_records_new(enum rf_dns_type type)
{
	struct rf_dns_records *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	r->refs = 1;
	r->answer.type = type;
	r->answer.ttl_s = UINT32_MAX;
	r->answer.addr = r->addr;
	return r;
}

void rf_dns_records_put(struct rf_dns_records *r)
{
	if (r && --r->refs == 0)
		free(r);
}

int rf_dns_status(int ares_status)
{
	switch (ares_status) {
	case ARES_SUCCESS:
		return 0;
	case ARES_ENODATA:
	case ARES_ENOTFOUND:
		return RF_E_NOT_FOUND;
	case ARES_ETIMEOUT:
		return RF_E_TIMEOUT;
	case ARES_EBADRESP:
	case ARES_EFORMERR:
	case ARES_EBADSTR:
		return RF_E_MALFORMED;
	case ARES_ENOMEM:
		return -ENOMEM;
	default:
		return RF_E_CLOSED;
	}
}

/* A name on the wire (RFC 1035 4.1.4): labels up to the empty one or a pointer, which is not followed. */
static void skip_name(struct rf_reader *r)
{
	uint8_t n;

	while ((n = rf_take_u8(r)) != 0 && !r->err) {
		if (n >= 0xc0) {
			rf_take_u8(r);
			return;
		}
		rf_take(r, n);
	}
}

static uint32_t smallest_ttl(const unsigned char *reply, int n)
{
	struct rf_reader r = rf_reader_of(rf_view_of(reply, n > 0 ? (size_t)n : 0));
	uint32_t smallest = UINT32_MAX;

	rf_take(&r, 4);
	unsigned questions = rf_take_be16(&r), answers = rf_take_be16(&r);
	rf_take(&r, 4);
	for (; questions && !r.err; questions--) {
		skip_name(&r);
		rf_take(&r, 4);
	}
	for (; answers && !r.err; answers--) {
		skip_name(&r);
		rf_take(&r, 4);
		uint32_t ttl = rf_take_be32(&r);
		rf_take(&r, rf_take_be16(&r));
		if (ttl > INT32_MAX)
			ttl = 0; /* RFC 2181 8 */
		smallest = ttl < smallest ? ttl : smallest;
	}
	return r.err ? 0 : smallest;
}

static bool room(struct rf_dns_records *r)
{
	if (r->answer.n < RF_DNS_RECORDS_MAX)
		return true;
	r->cut++;
	return false;
}

/* A string of c-ares into a field of size bytes; false when it does not fit. */
static bool copy(char *to, size_t size, const void *from)
{
	const char *s = from;
	size_t n = s ? strnlen(s, size) : 0;

	if (n >= size)
		return false;
	if (n)
		memcpy(to, s, n);
	to[n] = '\0';
	return true;
}

static int add_a(struct rf_dns_records *r, const unsigned char *reply, int n)
{
	struct ares_addrttl a[RF_DNS_RECORDS_MAX];
	int count = RF_DNS_RECORDS_MAX;
	int rc = ares_parse_a_reply(reply, n, NULL, a, &count);

	for (int i = 0; rc == ARES_SUCCESS && i < count && room(r); i++) {
		struct rf_addr *to = &r->addr[r->answer.n++];

		*to = (struct rf_addr){ .family = 4 };
		memcpy(to->ip, &a[i].ipaddr, 4);
	}
	return rf_dns_status(rc);
}

/* IPv6 goes in front of the IPv4 addresses that may be there already. */
static int add_aaaa(struct rf_dns_records *r, const unsigned char *reply, int n)
{
	struct ares_addr6ttl a[RF_DNS_RECORDS_MAX];
	int count = RF_DNS_RECORDS_MAX;
	int rc = ares_parse_aaaa_reply(reply, n, NULL, a, &count);

	if (rc != ARES_SUCCESS)
		return rf_dns_status(rc);
	enum { HALF = RF_DNS_RECORDS_MAX / 2 };
	size_t v4 = r->answer.n, most = RF_DNS_RECORDS_MAX - (v4 > HALF ? HALF : v4);
	size_t v6 = (size_t)count < most ? (size_t)count : most;
	size_t kept = v4 < RF_DNS_RECORDS_MAX - v6 ? v4 : RF_DNS_RECORDS_MAX - v6;
	r->cut += (size_t)count - v6 + v4 - kept;
	memmove(r->addr + v6, r->addr, kept * sizeof *r->addr);
	for (size_t i = 0; i < v6; i++) {
		r->addr[i] = (struct rf_addr){ .family = 6 };
		memcpy(r->addr[i].ip, &a[i].ip6addr, 16);
	}
	r->answer.n = v6 + kept;
	return 0;
}

static int add_srv(struct rf_dns_records *r, const unsigned char *reply, int n)
{
	struct ares_srv_reply *list = NULL;
	int rc = ares_parse_srv_reply(reply, n, &list);

	for (struct ares_srv_reply *s = list; rc == ARES_SUCCESS && s && room(r); s = s->next) {
		struct rf_dns_srv *to = &r->srv[r->answer.n];

		*to = (struct rf_dns_srv){ .priority = s->priority, .weight = s->weight, .port = s->port };
		if (copy(to->target, sizeof to->target, s->host))
			r->answer.n++;
		else
			r->cut++;
	}
	ares_free_data(list);
	return rf_dns_status(rc);
}

static int add_naptr(struct rf_dns_records *r, const unsigned char *reply, int n)
{
	struct ares_naptr_reply *list = NULL;
	int rc = ares_parse_naptr_reply(reply, n, &list);

	for (struct ares_naptr_reply *s = list; rc == ARES_SUCCESS && s && room(r); s = s->next) {
		struct rf_dns_naptr *to = &r->naptr[r->answer.n];

		*to = (struct rf_dns_naptr){ .order = s->order, .preference = s->preference };
		if (copy(to->flags, sizeof to->flags, s->flags) && copy(to->service, sizeof to->service, s->service) &&
		    copy(to->regexp, sizeof to->regexp, s->regexp) &&
		    copy(to->replacement, sizeof to->replacement, s->replacement))
			r->answer.n++;
		else
			r->cut++;
	}
	ares_free_data(list);
	return rf_dns_status(rc);
}

int rf_dns_records_add(struct rf_dns_records *r, int ns_type, const unsigned char *reply, int n)
{
	int rc = ns_type == ns_t_a ? add_a(r, reply, n) : ns_type == ns_t_aaaa ? add_aaaa(r, reply, n) :
		 ns_type == ns_t_srv ? add_srv(r, reply, n) : add_naptr(r, reply, n);
	uint32_t ttl = rc ? UINT32_MAX : smallest_ttl(reply, n);

	if (ttl < r->answer.ttl_s)
		r->answer.ttl_s = ttl;
	return rc;
}
