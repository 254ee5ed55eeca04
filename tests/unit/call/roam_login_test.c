/* Credentials and challenges that pass a border: each line whole or none of it, whatever room there is,
 * and nothing behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "call/roam_int.h"

#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define REALM "voice.example.org"
#define CHALLENGE(nonce) "Proxy-Authenticate: Digest realm=\"" REALM "\", nonce=\"" nonce "\", algorithm=SHA-256, qop=\"auth\"\r\n"
#define FIRST(method) "From: <sip:1@x>;tag=a\r\nTo: <sip:2@x>\r\nCall-ID: c\r\nCSeq: 1 " method "\r\nVia: SIP/2.0/TLS h;branch=z9hG4bKx\r\n"

static const char answer[] = "SIP/2.0 407 No\r\n" FIRST("INVITE")
	CHALLENGE("one") "Proxy-Authenticate: Digest realm=\"elsewhere\", nonce=\"two\"\r\n" CHALLENGE("three")
	"Content-Length: 0\r\n\r\n";
static const char request[] = "MESSAGE sip:2@x SIP/2.0\r\n" FIRST("MESSAGE") "Max-Forwards: 70\r\n"
	"Proxy-Authorization: Digest username=\"u\", realm=\"" REALM "\", nonce=\"n\", uri=\"sip:2@x\", response=\""
	"00000000000000000000000000000000\", algorithm=MD5\r\nContent-Length: 0\r\n\r\n";

static struct rf_call_core *core_new(void)
{
	struct rf_call_core *core = calloc(1, sizeof *core);

	assert_non_null(core);
	core->digest_policy.realm = RF_V(REALM);
	return core;
}

static void parse(struct rf_sip_msg *m, const char *text)
{
	assert_int_equal(rf_sip_msg_parse(m, rf_view_str(text), RF_SIP_STREAM, NULL), 0);
}

/* Lines that are written, each of which says this. */
static unsigned lines(const struct rf_writer *w, const char *says)
{
	struct rf_view v = rf_view_of(w->buf, w->n), line;
	unsigned n = 0;

	while (v.n) {
		size_t end = rf_view_find(v, '\n');

		assert_true(end < v.n && end > 1 && v.p[end - 1] == '\r');
		line = rf_view_sub(v, 0, end);
		assert_true(rf_view_starts(line, rf_view_str(says)));
		v = rf_view_from(v, end + 1);
		n++;
	}
	return n;
}

static void nothing_behind(const struct rf_writer *w, size_t cap)
{
	for (size_t i = w->n; i < cap; i++)
		assert_int_equal(w->buf[i], 0);
}

static void challenges(void **state)
{
	struct rf_call_core *core = core_new();
	struct rf_sip_msg m;
	uint8_t buf[1024];
	unsigned most = 0;

	(void)state;
	parse(&m, answer);
	for (size_t cap = 0; cap <= 400; cap++) {
		struct rf_writer w;

		memset(buf, 0, sizeof buf);
		rf_writer_init(&w, buf, cap);
		bool some = rf_roam_put_challenges(core, &m, &w);
		unsigned n = lines(&w, "Proxy-Authenticate: Digest realm=\"" REALM "\", nonce=\"");

		assert_true(some == (n > 0) && n >= most && !w.err);
		nothing_behind(&w, sizeof buf);
		most = n;
	}
	assert_int_equal(most, 2);
	free(core);
}

static void credentials(void **state)
{
	struct rf_call_core *core = core_new();
	struct rf_sip_msg m;
	uint8_t buf[1024];
	unsigned most = 0;

	(void)state;
	parse(&m, request);
	for (size_t cap = 0; cap <= 400; cap++) {
		struct rf_writer w;

		memset(buf, 0, sizeof buf);
		rf_writer_init(&w, buf, cap);
		rf_roam_put_credentials(core, &m, &w);
		unsigned n = lines(&w, "Proxy-Authorization: Digest username=\"u\"");

		assert_true(n >= most && !w.err);
		nothing_behind(&w, sizeof buf);
		most = n;
	}
	assert_int_equal(most, 1);
	free(core);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(challenges),
		cmocka_unit_test(credentials),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
