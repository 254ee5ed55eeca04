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
	struct timeval patience = { .tv_sec = 1 };

	l->sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return l->sock >= 0 && !bind(l->sock, (struct sockaddr *)&from, sizeof from) &&
	       !setsockopt(l->sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) &&
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

/* One request; what comes back, without its cookie, is in answer. */
static bool ask(struct load *l, const char *command, unsigned n, const char *more, char *answer, size_t cap)
{
	char packet[SDP_MAX + 1024], id[48], cookie[24];
	size_t size, at;
	ssize_t got;

	snprintf(id, sizeof id, "%s-%u@bench", l->run, n);
	snprintf(cookie, sizeof cookie, "%s_%u ", l->run, l->cookie++);
	size = (size_t)sprintf(packet, "%sd", cookie);
	size += text(packet + size, "call-id", id);
	size += text(packet + size, "command", command);
	size += text(packet + size, "from-tag", "a");
	size += (size_t)sprintf(packet + size, "%se", more);
	for (int tries = 0; tries < 3; tries++) {
		if (send(l->sock, packet, size, 0) < 0)
			break;
		do {
			got = recv(l->sock, answer, cap - 1, 0);
			at = strlen(cookie);
		} while (got > 0 && ((size_t)got < at || memcmp(answer, cookie, at)));
		if (got <= 0)
			continue;
		memmove(answer, answer + at, (size_t)got - at);
		answer[(size_t)got - at] = '\0';
		const char *result = value_of(answer, "result", &at);

		if (result && at == 2 && !memcmp(result, "ok", 2))
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
			 "a=rtpmap:8 PCMA/8000\r\na=sendrecv\r\na=ptime:20\r\n", own, own, port, suite ? "SAVP" : "AVP");

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

bool ng_up(struct load *l, unsigned n)
{
	const struct mode *m = l->mode;
	struct way *ab = &l->ways[2 * n], *ba = ab + 1;
	uint16_t port[2] = { (uint16_t)(FIRST_PORT + 4 * n), (uint16_t)(FIRST_PORT + 4 * n + 2) };
	char sdp[SDP_MAX], more[SDP_MAX + 512], answer[4 * SDP_MAX];
	struct said to_a, to_b;

	*ab = (struct way){ .from = port[0], .to = port[1], .suite_in = m->suite[0], .suite_out = m->suite[1], .seq = 1 };
	*ba = (struct way){ .from = port[1], .to = port[0], .suite_in = m->suite[1], .suite_out = m->suite[0], .seq = 1 };
	if (RAND_bytes(ab->key_in, sizeof ab->key_in) != 1 || RAND_bytes(ba->key_in, sizeof ba->key_in) != 1)
		return false;
	describe(l, port[0], ab->suite_in, 1, ab->key_in, sdp);
	ask_for(more, m->to_b, sdp);
	if (!ask(l, "offer", n, more, answer, sizeof answer) || !hear(l, answer, m->suite[1], &to_b))
		return false;
	describe(l, port[1], ba->suite_in, to_b.tag, ba->key_in, sdp);
	text(more + ask_for(more, m->to_a, sdp), "to-tag", "b");
	if (!ask(l, "answer", n, more, answer, sizeof answer) || !hear(l, answer, m->suite[0], &to_a))
		return false;
	ab->relay_in = ba->relay_out = to_a.addr;
	ab->port_in = ba->port_out = to_a.port;
	ba->relay_in = ab->relay_out = to_b.addr;
	ba->port_in = ab->port_out = to_b.port;
	memcpy(ab->key_out, to_b.key, sizeof to_b.key);
	memcpy(ba->key_out, to_a.key, sizeof to_a.key);
	if (m->passed && memcmp(ab->key_in, ab->key_out, rf_srtp_key_bytes(ab->suite_in))) {
		fail(l, "the relay offers keys of its own where it should pass those of the caller");
		return false;
	}
	return true;
}

bool ng_down(struct load *l, unsigned n)
{
	char answer[4 * SDP_MAX];

	for (unsigned i = 2 * n; i < 2 * n + 2; i++) {
		rf_srtp_out_free(l->ways[i].srtp);
		l->ways[i].srtp = NULL;
	}
	return ask(l, "delete", n, "", answer, sizeof answer);
}
