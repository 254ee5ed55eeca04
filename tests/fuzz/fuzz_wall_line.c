/* Requests for pinholes from any bytes: a rule is named for each refusal, and what is understood keeps its bounds and
 * means the same when it is written out and read again. */
#include "role/wall_line.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
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

static const char *const verbs[] = { "open", "refresh", "close", "ping", "block", "unblock" };

static bool blocks(const struct rf_wall_request *r)
{
	return r->verb == RF_WALL_BLOCK || r->verb == RF_WALL_UNBLOCK;
}

static size_t put_tuple(char *dst, size_t cap, const struct rf_tuple *t, bool alone)
{
	char src[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN], port[8] = "any";
	int family = t->family == 4 ? AF_INET : AF_INET6;

	inet_ntop(family, t->src, src, sizeof src);
	inet_ntop(family, t->dst, to, sizeof to);
	if (alone)
		return (size_t)snprintf(dst, cap, " %s", src);
	if (!rf_tuple_is_opening(t))
		snprintf(port, sizeof port, "%u", t->sport);
	return (size_t)snprintf(dst, cap, " %s/%s/%s/%s/%u", t->protocol == IPPROTO_UDP ? "udp" : "tcp", src, port, to, t->dport);
}

static void again(const struct rf_wall_request *r)
{
	static char text[RF_WALL_LINE_MAX];
	struct rf_wall_request other;
	const char *rule = NULL;
	size_t n = (size_t)snprintf(text, sizeof text, "%u %s", r->id, verbs[r->verb]);

	if (r->seconds)
		n += (size_t)snprintf(text + n, sizeof text - n, " %u", r->seconds);
	for (size_t i = 0; i < r->n; i++)
		n += put_tuple(text + n, sizeof text - n, &r->tuples[i], blocks(r));
	MUST(n < sizeof text);
	MUST(rf_wall_line_parse(rf_view_of(text, n), &other, &rule) == 0);
	MUST(other.id == r->id && other.verb == r->verb && other.seconds == r->seconds && other.n == r->n);
	MUST(memcmp(other.tuples, r->tuples, r->n * sizeof r->tuples[0]) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rf_wall_request r;
	const char *rule = NULL;
	int rc = rf_wall_line_parse(rf_view_of(data, n), &r, &rule);

	if (rc) {
		MUST(rule && (rc == RF_E_MALFORMED || rc == RF_E_LIMIT));
		return 0;
	}
	MUST(r.n <= RF_WALL_LINE_TUPLES && (r.n > 0) == (r.verb != RF_WALL_PING));
	MUST(r.seconds <= (blocks(&r) ? RF_WALL_BLOCK_SECONDS_MAX : RF_WALL_SECONDS_MAX));
	MUST((r.seconds > 0) == (r.verb == RF_WALL_OPEN || r.verb == RF_WALL_REFRESH || r.verb == RF_WALL_BLOCK));
	for (size_t i = 0; i < r.n; i++) {
		char said[160];

		MUST((r.tuples[i].family == 4 || r.tuples[i].family == 6) && !r.tuples[i].dport == blocks(&r));
		rf_tuple_text(&r.tuples[i], said, sizeof said);
	}
	again(&r);
	return 0;
}
