/* As much of the NG protocol as a load needs: a request and its answer over UDP, in bencode. */
#include "load.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *const suite_names[RF_SRTP_SUITES] = {
	[RF_SRTP_AEAD_AES_256_GCM] = "AEAD_AES_256_GCM", [RF_SRTP_AEAD_AES_128_GCM] = "AEAD_AES_128_GCM",
	[RF_SRTP_AES_256_CM_HMAC_SHA1_80] = "AES_256_CM_HMAC_SHA1_80",
	[RF_SRTP_AES_CM_128_HMAC_SHA1_80] = "AES_CM_128_HMAC_SHA1_80",
};

enum { REQUEST_MAX = SDP_MAX + 1024, ANSWER_MAX = 4 * SDP_MAX };
#define PATIENCE_NS UINT64_C(1000000000)

/* What a description of the relay says. */
struct said {
	struct in_addr addr;
	uint16_t port;
	unsigned tag;             /* of the line with the suite asked for; 0: none */
	uint8_t key[RF_SRTP_KEY_MAX];
};

bool ng_open(struct load *l)
{
	struct sockaddr_in from = l->own;

	l->sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return l->sock >= 0 && !bind(l->sock, (struct sockaddr *)&from, sizeof from) &&
	       !connect(l->sock, (struct sockaddr *)&l->ng, sizeof l->ng);
}

static size_t text(char *dst, const char *key, const char *value)
{
	return (size_t)sprintf(dst, "%zu:%s%zu:%s", strlen(key), key, strlen(value), value);
}

/* The string value of a key anywhere in a bencoded answer. NULL: not there. */
static const char *value_of(const char *answer, const char *key, size_t *ret_n)
{
	char want[32];
	const char *at;
	char *end;

	snprintf(want, sizeof want, "%zu:%s", strlen(key), key);
	at = strstr(answer, want);
	if (!at)
		return NULL;
	size_t n = strtoul(at + strlen(want), &end, 10);

	if (*end != ':' || n > strlen(end + 1))
		return NULL;
	*ret_n = n;
	return end + 1;
}

/* A request: its cookie is the call and a number, so that whoever reads an answer knows whose it is. */
static size_t put_request(struct load *l, const char *command, unsigned n, const char *more, char dst[static REQUEST_MAX])
{
	char id[48];
	size_t size = (size_t)sprintf(dst, "%u_%s%u d", n, l->run, l->cookie++);

	snprintf(id, sizeof id, "%s-%u@bench", l->run, n);
	size += text(dst + size, "call-id", id);
	size += text(dst + size, "command", command);
	size += text(dst + size, "from-tag", "a");
	return size + (size_t)sprintf(dst + size, "%se", more);
}

/* The next answer; it is waited for without sleeping, for to wake us would be the relay's cost: it runs on its core. 0: none. */
static size_t hear_any(const struct load *l, char *dst, size_t cap)
{
	uint64_t end = now_ns() + PATIENCE_NS;

	do {
		ssize_t got = recv(l->sock, dst, cap - 1, 0);

		if (got > 0) {
			dst[got] = '\0';
			return (size_t)got;
		}
	} while (now_ns() < end);
	return 0;
}

static bool is_ok(const char *answer)
{
	size_t n;
	const char *result = value_of(answer, "result", &n);

	return result && n == 2 && !memcmp(result, "ok", 2);
}

/* One request; what comes back, with its cookie, is in answer. */
static bool ask(struct load *l, const char *command, unsigned n, const char *more, char *answer, size_t cap)
{
	char packet[REQUEST_MAX];
	size_t size = put_request(l, command, n, more, packet), cookie = (size_t)(strchr(packet, ' ') - packet) + 1;

	for (int tries = 0; tries < 3; tries++) {
		size_t got;

		if (send(l->sock, packet, size, 0) < 0)
			break;
		do
			got = hear_any(l, answer, cap);
		while (got && (got < cookie || memcmp(answer, packet, cookie)));
		if (!got)
			continue;
		if (is_ok(answer))
			return true;
		fail(l, "%s: %.200s", command, answer);
		return false;
	}
	fail(l, "%s: no answer", command);
	return false;
}

static void describe(const struct load *l, uint16_t port, enum rf_srtp_suite suite, unsigned tag, const uint8_t *key,
		     char dst[static SDP_MAX])
{
	const char *own = inet_ntoa(l->own.sin_addr);
	int n = snprintf(dst, SDP_MAX, "v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=audio %u RTP/%s 8\r\n"
			 "a=rtpmap:8 PCMA/8000\r\na=sendrecv\r\na=ptime:20\r\n%s", own, own, port, suite ? "SAVP" : "AVP",
			 l->mux ? "a=rtcp-mux\r\n" : "");

	if (suite) {
		char b64[KEY_TEXT_MAX];

		EVP_EncodeBlock((uint8_t *)b64, key, (int)rf_srtp_key_bytes(suite));
		snprintf(dst + n, SDP_MAX - (size_t)n, "a=crypto:%u %s inline:%s\r\n", tag, suite_names[suite], b64);
	}
}

static bool key_of(const char *text64, enum rf_srtp_suite suite, uint8_t *ret_key)
{
	size_t n = rf_srtp_key_bytes(suite), chars = (n + 2) / 3 * 4;
	uint8_t in[KEY_TEXT_MAX], out[KEY_TEXT_MAX];

	for (size_t i = 0; i < chars; i++) /* padding may be left out */
		in[i] = i < (n * 8 + 5) / 6 ? (uint8_t)text64[i] : '=';
	if (EVP_DecodeBlock(out, in, (int)chars) < (int)n)
		return false;
	memcpy(ret_key, out, n);
	return true;
}

static bool hear(struct load *l, const char *answer, enum rf_srtp_suite suite, struct said *ret_said)
{
	struct said s = { .port = 0 };
	char addr[32], name[64], key[KEY_TEXT_MAX + 1];
	unsigned port, tag;
	size_t n;
	const char *sdp = value_of(answer, "sdp", &n);

	for (const char *p = sdp; p && p < sdp + n; p = strchr(p, '\n'), p = p ? p + 1 : p) {
		if (sscanf(p, "c=IN IP4 %31[0-9.]", addr) == 1)
			inet_aton(addr, &s.addr);
		else if (sscanf(p, "m=audio %u", &port) == 1)
			s.port = (uint16_t)port;
		else if (suite && !s.tag && sscanf(p, "a=crypto:%u %63s inline:%80[A-Za-z0-9+/=]", &tag, name, key) == 3 &&
			 !strcmp(name, suite_names[suite]) && key_of(key, suite, s.key))
			s.tag = tag;
	}
	if (!s.port || !s.addr.s_addr || (suite && !s.tag)) {
		fail(l, "not the description expected: %.200s", sdp ? sdp : answer);
		return false;
	}
	*ret_said = s;
	return true;
}

static size_t ask_for(char *dst, const char *protocol, const char *sdp)
{
	size_t n = text(dst, "DTLS", "off");

	n += text(dst + n, "ICE", "remove");
	n += (size_t)sprintf(dst + n, "7:replacel6:origine");
	n += text(dst + n, "sdp", sdp);
	return n + text(dst + n, "transport-protocol", protocol);
}

/* The two directions of a call, with keys of their own. */
static bool begin(struct load *l, unsigned n)
{
	const struct mode *m = l->mode;
	uint16_t port[2] = { (uint16_t)(FIRST_PORT + 4 * n), (uint16_t)(FIRST_PORT + 4 * n + 2) };
	struct way *ab = &l->ways[2 * n], *ba = ab + 1;

	*ab = (struct way){ .from = port[0], .to = port[1], .suite_in = m->suite[0], .suite_out = m->suite[1], .seq = 1 };
	*ba = (struct way){ .from = port[1], .to = port[0], .suite_in = m->suite[1], .suite_out = m->suite[0], .seq = 1 };
	return RAND_bytes(ab->key_in, sizeof ab->key_in) == 1 && RAND_bytes(ba->key_in, sizeof ba->key_in) == 1;
}

static void put_offer(const struct load *l, unsigned n, char more[static SDP_MAX + 512])
{
	const struct way *ab = &l->ways[2 * n];
	char sdp[SDP_MAX];

	describe(l, ab->from, ab->suite_in, 1, ab->key_in, sdp);
	ask_for(more, l->mode->to_b, sdp);
}

/* What the relay says to B, and what B answers. */
static bool put_answer(struct load *l, unsigned n, const char *said, char more[static SDP_MAX + 512])
{
	struct way *ab = &l->ways[2 * n], *ba = ab + 1;
	struct said to_b;
	char sdp[SDP_MAX];

	if (!hear(l, said, l->mode->suite[1], &to_b))
		return false;
	ba->relay_in = ab->relay_out = to_b.addr;
	ba->port_in = ab->port_out = to_b.port;
	memcpy(ab->key_out, to_b.key, sizeof to_b.key);
	describe(l, ba->from, ba->suite_in, to_b.tag, ba->key_in, sdp);
	text(more + ask_for(more, l->mode->to_a, sdp), "to-tag", "b");
	return true;
}

static bool hear_answer(struct load *l, unsigned n, const char *said)
{
	struct way *ab = &l->ways[2 * n], *ba = ab + 1;
	struct said to_a;

	if (!hear(l, said, l->mode->suite[0], &to_a))
		return false;
	ab->relay_in = ba->relay_out = to_a.addr;
	ab->port_in = ba->port_out = to_a.port;
	memcpy(ba->key_out, to_a.key, sizeof to_a.key);
	if (l->mode->passed && memcmp(ab->key_in, ab->key_out, rf_srtp_key_bytes(ab->suite_in))) {
		fail(l, "the relay offers keys of its own where it should pass those of the caller");
		return false;
	}
	return true;
}

bool ng_up(struct load *l, unsigned n)
{
	char more[SDP_MAX + 512], answer[ANSWER_MAX];

	if (!begin(l, n))
		return false;
	put_offer(l, n, more);
	if (!ask(l, "offer", n, more, answer, sizeof answer) || !put_answer(l, n, answer, more))
		return false;
	return ask(l, "answer", n, more, answer, sizeof answer) && hear_answer(l, n, answer);
}

bool ng_down(struct load *l, unsigned n)
{
	char answer[ANSWER_MAX];

	for (unsigned i = 2 * n; i < 2 * n + 2; i++) {
		rf_srtp_out_free(l->ways[i].srtp);
		l->ways[i].srtp = NULL;
	}
	return ask(l, "delete", n, "", answer, sizeof answer);
}

/* ---- many at once */

enum { OFFERED, ANSWERED, DELETED };

static bool send_step(struct load *l, unsigned n, unsigned step, const char *more)
{
	static const char *const commands[] = { "offer", "answer", "delete" };
	char packet[REQUEST_MAX];
	size_t size = put_request(l, commands[step], n, more, packet);

	return send(l->sock, packet, size, 0) == (ssize_t)size;
}

static bool send_offer(struct load *l, unsigned n)
{
	char more[SDP_MAX + 512];

	if (!begin(l, n))
		return false;
	put_offer(l, n, more);
	return send_step(l, n, OFFERED, more);
}

/* An answer to what call n asked last: the next step of it. *ret_over: that was the last one. */
static bool go_on(struct load *l, unsigned n, uint8_t *step, const char *answer, bool *ret_over)
{
	char more[SDP_MAX + 512] = "";

	*ret_over = *step == DELETED;
	if (!is_ok(answer)) {
		fail(l, "step %u: %.200s", *step, answer);
		return false;
	}
	if (*step == OFFERED ? !put_answer(l, n, answer, more) : *step == ANSWERED && !hear_answer(l, n, answer))
		return false;
	return *ret_over || send_step(l, n, ++*step, more);
}

unsigned ng_cycle(struct load *l, unsigned first, unsigned count, unsigned at_once)
{
	uint8_t step[AT_ONCE_MAX] = { OFFERED };
	char answer[ANSWER_MAX];
	unsigned begun = 0, done = 0;
	bool over;

	at_once = at_once < count ? at_once : count;
	for (; begun < at_once; begun++)
		if (!send_offer(l, first + begun))
			return done;
	while (done < count) {
		unsigned n = hear_any(l, answer, sizeof answer) ? (unsigned)strtoul(answer, NULL, 10) - first : at_once;

		if (n >= at_once || !go_on(l, first + n, &step[n], answer, &over)) {
			fail(l, "no answer, or one to a question that nobody asked");
			break;
		}
		if (!over)
			continue;
		done++;
		step[n] = OFFERED;
		if (begun < count && send_offer(l, first + n))
			begun++;
	}
	return done;
}
