/* Signed identities over a whole core: what proves one, everything that does not, and the wait for a certificate. */
#include "kit.h"

#include "call/stir_int.h"
#include "call/stir_wire.h"
#include "pki/stir_store.h"
#include "sip/date.h"
#include "sip/identity_hdr.h"
#include "stir_kit.h"

#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define URL "https://cert.example.org/a.pem"
#define ORIG "12155551212"
#define DEST "493012345678"

struct world {
	struct kit *k;
	struct stir_ca root;
	EVP_PKEY *key;
	char pem[8192];
	size_t pem_n;
	char dir[64];
	int fetcher;                     /* our end of the core's channel */
	struct rf_stir_setup *setup;
	struct rf_stir_verdict verdict;  /* the last one told */
	unsigned told;
	char text[16384];
	struct rf_sip_msg msg;
};

static struct rf_wall wall_now(struct world *w)
{
	return rf_core_wall(w->k->core);
}

static int sign_here(void *arg, struct rf_view digest, uint8_t sig[static 144], size_t *ret_n)
{
	struct world *w = arg;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(w->key, NULL);

	*ret_n = 144;
	int ok = EVP_PKEY_sign_init(ctx) == 1 && EVP_PKEY_sign(ctx, sig, ret_n, digest.p, digest.n) == 1;
	EVP_PKEY_CTX_free(ctx);
	return ok ? 0 : RF_E_CRYPTO;
}

static void take_setup(struct world *w, bool in_store, const char *host)
{
	struct rf_view hosts[1] = { rf_view_str(host) };
	struct rf_diag diag = { 0 };
	char trust[80];
	struct rf_stir_setup_conf conf = {
		.dir = w->dir, .trust_file = trust, .hosts = hosts, .host_count = host ? 1 : 0, .x5u = RF_V(URL),
		.sign = sign_here, .sign_arg = w,
	};

	snprintf(trust, sizeof trust, "%s/trust.pem", w->dir);
	if (in_store)
		assert_int_equal(rf_stir_store_put(w->dir, RF_V(URL), rf_view_of(w->pem, w->pem_n), &diag), 0);
	else
		rf_stir_store_remove(w->dir, RF_V(URL), &diag);
	rf_stir_setup_put(w->setup);
	assert_int_equal(rf_stir_setup_new(&conf, wall_now(w), NULL, &w->setup, &diag), 0);
	rf_call_core_set_stir(w->k->core, w->setup);
}

static struct world *set_up(void)
{
	struct world *w = calloc(1, sizeof *w);
	struct stir_leaf leaf = { .tn = "SEQUENCE:list", .sections = "[list]\n0=EXP:2,IA5:" ORIG "\n" };
	char path[80], pem[4096];
	int pair[2];

	w->k = kit_new("minimum");
	w->k->date_moved_us = (int64_t)time(NULL) * 1000000 - wall_now(w).us;
	w->root = stir_ca_new("authority");
	w->pem_n = stir_leaf_new(&w->root, &leaf, w->pem, sizeof w->pem, &w->key);
	snprintf(w->dir, sizeof w->dir, "/tmp/rf-stir-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(path, sizeof path, "%s/state", w->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof path, "%s/trust.pem", w->dir);
	FILE *f = fopen(path, "w");
	fwrite(pem, 1, stir_pem(w->root.cert, pem, sizeof pem), f);
	fclose(f);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	w->fetcher = pair[1];
	assert_int_equal(rf_call_core_set_fetcher(w->k->core, pair[0]), 0);
	take_setup(w, true, "cert.example.org");
	return w;
}

static void tear_down(struct world *w)
{
	char command[128];

	assert_int_equal(rf_stir_waiting(w->k->core), 0);
	kit_free(w->k);
	rf_stir_setup_put(w->setup);
	stir_ca_free(&w->root);
	EVP_PKEY_free(w->key);
	close(w->fetcher);
	snprintf(command, sizeof command, "rm -r %s", w->dir);
	assert_int_equal(system(command), 0);
	free(w);
}

static void told(void *arg, const struct rf_stir_verdict *v)
{
	struct world *w = arg;

	w->verdict = *v;
	w->told++;
}

/* An INVITE with these header lines. */
static void message(struct world *w, const char *call_id, const char *lines)
{
	int n = snprintf(w->text, sizeof w->text,
			 "INVITE sip:+" DEST "@t SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"
			 "From: <sip:+" ORIG "@peer.example>;tag=1\r\nTo: <sip:+" DEST
			 "@t>\r\nCall-ID: %s\r\nCSeq: 1 INVITE\r\n"
			 "%sContent-Length: 0\r\n\r\n",
			 call_id, lines);

	assert_int_equal(rf_sip_msg_parse(&w->msg, rf_view_of(w->text, (size_t)n), RF_SIP_DATAGRAM,
					  &rf_sip_limits_default),
			 0);
}

static enum rf_stir_why verify(struct world *w, const char *call_id, const char *lines, const char *orig,
			       const char *dest)
{
	struct rf_stir_claim claim = { rf_view_str(orig), rf_view_str(dest) };
	struct rf_stir_check *check;

	message(w, call_id, lines);
	w->told = 0;
	rf_stir_verify(w->k->core, &w->msg, &claim, told, w, &check);
	assert_true(w->told == 1 && !check);
	return w->verdict.why;
}

/* The lines of a call that this core signs. */
static const char *signed_lines(struct world *w, char attest)
{
	static char lines[8192];
	struct rf_stir_claim claim = { RF_V("+" ORIG), RF_V("+" DEST) };
	struct rf_writer out;
	char origid[RF_STIR_ORIGID];

	rf_writer_init(&out, lines, sizeof lines - 1);
	assert_true(rf_stir_signs(w->k->core));
	assert_int_equal(rf_stir_sign(w->k->core, &claim, attest, &out, origid), 0);
	assert_int_equal(strlen(origid), 36);
	lines[out.n] = '\0';
	return lines;
}

/* A token of our own making. */
static const char *made_lines(struct world *w, const struct rf_passport_claims *c, const char *params, bool compact,
			      int64_t date_s)
{
	static char lines[8192];
	char token[RF_PASSPORT_MAX];
	uint8_t digest[RF_STIR_DIGEST], der[144], sig[RF_STIR_SIG];
	struct rf_writer t, out;
	size_t n;

	rf_writer_init(&t, token, sizeof token);
	assert_int_equal(rf_passport_put_input(&t, c), 0);
	assert_int_equal(rf_stir_digest(rf_view_of(token, t.n), digest), 0);
	assert_int_equal(sign_here(w, rf_view_of(digest, 32), der, &n), 0);
	assert_int_equal(rf_stir_sig_from_der(rf_view_of(der, n), sig), 0);
	if (compact) {
		rf_writer_init(&t, token, sizeof token);
		rf_put_byte(&t, '.');
	}
	rf_passport_put_signature(&t, sig);
	rf_writer_init(&out, lines, sizeof lines - 1);
	rf_put_lit(&out, "Date: ");
	rf_sip_put_date(&out, date_s);
	rf_put_lit(&out, "\r\nIdentity: ");
	rf_put(&out, rf_view_of(token, t.n));
	rf_put(&out, rf_view_str(params));
	rf_put_lit(&out, "\r\n");
	assert_int_equal(out.err, 0);
	lines[out.n] = '\0';
	return lines;
}

static struct rf_passport_claims plain(struct world *w)
{
	return (struct rf_passport_claims){
		.x5u = RF_V(URL), .iat_s = wall_now(w).us / 1000000, .orig = { RF_PASSPORT_TN, RF_V(ORIG) },
		.dest = { RF_PASSPORT_TN, RF_V(DEST) },
	};
}

static void what_we_sign_we_believe(void **state)
{
	struct world *w = set_up();

	(void)state;
	for (char attest = 'A'; attest <= 'C'; attest++) {
		char call_id[8] = { attest, 0 };

		assert_int_equal(verify(w, call_id, signed_lines(w, attest), "+" ORIG, DEST), RF_STIR_OK);
		assert_int_equal(w->verdict.attest, attest);
		assert_string_equal(w->verdict.orig, ORIG);
		assert_int_equal(strlen(w->verdict.origid), 36);
		assert_int_equal(rf_stir_verdict_word(&w->verdict)[0], attest);
	}
	assert_int_equal(rf_call_core_counters(w->k->core)->identities_signed, 3);
	assert_int_equal(rf_call_core_counters(w->k->core)->identities_verified, 3);
	tear_down(w);
}

static void each_way_to_be_wrong(void **state)
{
	struct world *w = set_up();
	struct rf_passport_claims c = plain(w);
	struct rf_view reason;
	int64_t now = c.iat_s;
	char lines[8192];

	(void)state;
	assert_int_equal(verify(w, "a", "", ORIG, DEST), RF_STIR_ABSENT);
	assert_int_equal(rf_stir_why_code(RF_STIR_ABSENT, &reason), 428);
	assert_int_equal(verify(w, "b", "Identity: nonsense\r\n", ORIG, DEST), RF_STIR_MALFORMED);
	assert_int_equal(verify(w, "c", "Identity: a.b.c;info=<" URL ">\r\n", ORIG, DEST), RF_STIR_MALFORMED);
	assert_int_equal(verify(w, "d", made_lines(w, &c, ";info=<" URL ">;alg=RS256", false, now), ORIG, DEST),
			 RF_STIR_TYPE);
	assert_int_equal(verify(w, "e", made_lines(w, &c, ";info=<" URL ">;ppt=shaken", false, now), ORIG, DEST),
			 RF_STIR_MALFORMED);
	assert_int_equal(verify(w, "f", made_lines(w, &c, ";info=<" URL "2>", false, now), ORIG, DEST), RF_STIR_INFO);
	assert_int_equal(verify(w, "g", made_lines(w, &c, ";info=<" URL ">", false, now), "12155551213", DEST),
			 RF_STIR_ORIG);
	assert_int_equal(verify(w, "h", made_lines(w, &c, ";info=<" URL ">", false, now), "alice", DEST), RF_STIR_ORIG);
	assert_int_equal(verify(w, "i", made_lines(w, &c, ";info=<" URL ">", false, now), ORIG, "4930"), RF_STIR_DEST);
	c.iat_s = now - RF_STIR_FRESH_S - 1;
	assert_int_equal(verify(w, "j", made_lines(w, &c, ";info=<" URL ">", false, now), ORIG, DEST), RF_STIR_STALE);
	assert_int_equal(rf_stir_why_code(RF_STIR_STALE, &reason), 403);
	c.iat_s = now + RF_STIR_FRESH_S + 2;
	assert_int_equal(verify(w, "k", made_lines(w, &c, ";info=<" URL ">", false, now), ORIG, DEST), RF_STIR_STALE);
	c = plain(w);
	c.x5u = RF_V("http://cert.example.org/a.pem");
	assert_int_equal(verify(w, "l", made_lines(w, &c, ";info=<http://cert.example.org/a.pem>", false, now), ORIG,
				DEST),
			 RF_STIR_INFO);
	c.x5u = RF_V("https://elsewhere.example/a.pem");
	assert_int_equal(verify(w, "m", made_lines(w, &c, ";info=<https://elsewhere.example/a.pem>", false, now), ORIG,
				DEST),
			 RF_STIR_INFO);
	assert_int_equal(rf_stir_why_code(RF_STIR_INFO, &reason), 436);
	c = plain(w);
	c.orig.text = RF_V("12155551213"); /* signed, but not covered */
	assert_int_equal(verify(w, "n", made_lines(w, &c, ";info=<" URL ">", false, now), "12155551213", DEST),
			 RF_STIR_AUTHORITY);
	assert_int_equal(rf_stir_why_code(RF_STIR_AUTHORITY, &reason), 437);
	c = plain(w);
	c.ppt = RF_V("div");
	c.div = (struct rf_passport_who){ RF_PASSPORT_TN, RF_V("1") };
	assert_int_equal(verify(w, "o", made_lines(w, &c, ";info=<" URL ">;ppt=div", false, now), ORIG, DEST),
			 RF_STIR_TYPE);
	/* One byte of the signature's last sextets. */
	c = plain(w);
	snprintf(lines, sizeof lines, "%s", made_lines(w, &c, ";info=<" URL ">", false, now));
	char *at = strstr(lines, ";info=") - 10;
	*at = *at == 'A' ? 'B' : 'A';
	assert_int_equal(verify(w, "p", lines, ORIG, DEST), RF_STIR_SIGNATURE);
	assert_int_equal(rf_stir_why_code(RF_STIR_SIGNATURE, &reason), 438);
	/* A good one behind a bad one counts. */
	char two[8192];
	snprintf(two, sizeof two, "Identity: nonsense\r\n%s", made_lines(w, &c, ";info=<" URL ">", false, now));
	assert_int_equal(verify(w, "q", two, ORIG, DEST), RF_STIR_OK);
	assert_string_equal(rf_stir_verdict_word(&w->verdict), "valid");
	tear_down(w);
}

static void compact_form(void **state)
{
	struct world *w = set_up();
	struct rf_passport_claims c = plain(w);

	(void)state;
	assert_int_equal(verify(w, "a", made_lines(w, &c, ";info=<" URL ">", true, c.iat_s), ORIG, DEST), RF_STIR_OK);
	assert_int_equal(verify(w, "b", made_lines(w, &c, ";info=<" URL ">", true, c.iat_s + 1), ORIG, DEST),
			 RF_STIR_SIGNATURE);
	assert_int_equal(verify(w, "c", made_lines(w, &c, ";info=<" URL ">", true, c.iat_s), ORIG, "4930"),
			 RF_STIR_SIGNATURE);
	assert_int_equal(verify(w, "d", made_lines(w, &c, ";info=<" URL ">;ppt=shaken", true, c.iat_s), ORIG, DEST),
			 RF_STIR_TYPE);
	tear_down(w);
}

static void a_token_is_good_for_one_call(void **state)
{
	struct world *w = set_up();
	char lines[8192];

	(void)state;
	snprintf(lines, sizeof lines, "%s", signed_lines(w, 'A'));
	assert_int_equal(verify(w, "one", lines, ORIG, DEST), RF_STIR_OK);
	assert_int_equal(verify(w, "one", lines, ORIG, DEST), RF_STIR_OK); /* the same call again, after a 422 */
	assert_int_equal(verify(w, "two", lines, ORIG, DEST), RF_STIR_REPLAY);
	kit_wait(w->k, 70000);
	assert_int_equal(verify(w, "two", lines, ORIG, DEST), RF_STIR_STALE);
	tear_down(w);
}

/* ---- the wait for a certificate */

static uint32_t question(struct world *w, const char *url)
{
	uint8_t q[1024];
	ssize_t n = recv(w->fetcher, q, sizeof q, 0);

	assert_int_equal(n, RF_FETCH_HEAD + strlen(url));
	assert_int_equal(q[0], RF_FETCH_QUESTION);
	assert_memory_equal(q + RF_FETCH_HEAD, url, strlen(url));
	return (uint32_t)q[4] << 24 | (uint32_t)q[5] << 16 | (uint32_t)q[6] << 8 | q[7];
}

static void answer(struct world *w, uint32_t id, unsigned status, const void *body, size_t n)
{
	static uint8_t a[RF_FETCH_HEAD + RF_FETCH_BODY_MAX + 1];

	memset(a, 0, RF_FETCH_HEAD);
	a[0] = RF_FETCH_ANSWER;
	a[1] = (uint8_t)status;
	for (int i = 0; i < 4; i++)
		a[4 + i] = (uint8_t)(id >> (24 - 8 * i));
	memcpy(a + RF_FETCH_HEAD, body, n);
	assert_int_equal(send(w->fetcher, a, RF_FETCH_HEAD + n, 0), RF_FETCH_HEAD + n);
	kit_run(w->k);
}

static struct rf_stir_check *begin(struct world *w, const char *call_id, const char *lines)
{
	struct rf_stir_claim claim = { RF_V(ORIG), RF_V(DEST) };
	struct rf_stir_check *check;

	message(w, call_id, lines);
	rf_stir_verify(w->k->core, &w->msg, &claim, told, w, &check);
	memset(w->text, 'x', sizeof w->text); /* the message is not needed any more */
	return check;
}

static void fetched(void **state)
{
	struct world *w = set_up();

	(void)state;
	take_setup(w, false, "cert.example.org");
	w->told = 0;
	assert_non_null(begin(w, "a", signed_lines(w, 'A')));
	assert_non_null(begin(w, "b", signed_lines(w, 'B')));
	assert_int_equal(rf_stir_waiting(w->k->core), 2);
	uint32_t id = question(w, URL);
	assert_true(recv(w->fetcher, w->text, 1, 0) < 0); /* two wait, one was asked for */
	answer(w, id + 1, 0, w->pem, w->pem_n);           /* not what we asked */
	assert_int_equal(w->told, 0);
	answer(w, id, 0, w->pem, w->pem_n);
	assert_int_equal(w->told, 2);
	assert_int_equal(w->verdict.why, RF_STIR_OK);
	assert_int_equal(w->verdict.attest, 'B');
	assert_null(begin(w, "c", signed_lines(w, 'C'))); /* it is there now */
	assert_int_equal(w->verdict.attest, 'C');
	tear_down(w);
}

static void not_fetched(void **state)
{
	struct world *w = set_up();
	static uint8_t junk[RF_FETCH_BODY_MAX];

	(void)state;
	take_setup(w, false, "cert.example.org");
	w->told = 0;
	assert_non_null(begin(w, "a", signed_lines(w, 'A')));
	answer(w, question(w, URL), 1, "", 0);
	assert_int_equal(w->told, 1);
	assert_int_equal(w->verdict.why, RF_STIR_FETCH);
	assert_null(begin(w, "b", signed_lines(w, 'A'))); /* not asked again so soon */
	assert_int_equal(w->verdict.why, RF_STIR_FETCH);
	kit_wait(w->k, RF_STIR_RETRY_S * 1000 + 1);
	assert_non_null(begin(w, "c", signed_lines(w, 'A')));
	answer(w, question(w, URL), 0, junk, sizeof junk);
	assert_int_equal(w->verdict.why, RF_STIR_CERTIFICATE);
	assert_int_equal(w->told, 3);
	tear_down(w);
}

static void in_time_or_not_at_all(void **state)
{
	struct world *w = set_up();

	(void)state;
	take_setup(w, false, "cert.example.org");
	w->told = 0;
	assert_non_null(begin(w, "a", signed_lines(w, 'A')));
	uint32_t id = question(w, URL);
	kit_wait(w->k, RF_STIR_WAIT_MS - 100);
	assert_int_equal(w->told, 0);
	kit_wait(w->k, 200);
	assert_int_equal(w->told, 1);
	assert_int_equal(w->verdict.why, RF_STIR_FETCH);
	/* one that is dropped is not told; the late answer is kept for the next */
	struct rf_stir_check *check = begin(w, "b", signed_lines(w, 'A'));
	assert_non_null(check);
	rf_stir_drop(check);
	answer(w, id, 0, w->pem, w->pem_n);
	assert_int_equal(w->told, 1);
	assert_null(begin(w, "c", signed_lines(w, 'A')));
	assert_int_equal(w->verdict.why, RF_STIR_OK);
	/* the fetcher dies: what it has not brought is not there */
	close(w->fetcher);
	kit_run(w->k);
	take_setup(w, false, "cert.example.org");
	assert_null(begin(w, "d", signed_lines(w, 'A')));
	assert_int_equal(w->verdict.why, RF_STIR_FETCH);
	w->fetcher = -1;
	tear_down(w);
}

static void the_end_while_one_waits(void **state)
{
	struct world *w = set_up();

	(void)state;
	take_setup(w, false, "cert.example.org");
	w->told = 0;
	assert_non_null(begin(w, "a", signed_lines(w, 'A')));
	rf_call_core_set_stir(w->k->core, NULL); /* a reload that trusts nobody */
	answer(w, question(w, URL), 0, w->pem, w->pem_n);
	assert_int_equal(w->told, 1);
	assert_int_not_equal(w->verdict.why, RF_STIR_OK);
	take_setup(w, false, "cert.example.org");
	assert_non_null(begin(w, "b", signed_lines(w, 'A')));
	rf_stir_close(w->k->core); /* as rf_call_core_free() does; what waits is dropped */
	assert_int_equal(w->told, 1);
	tear_down(w);
}

static void the_record(void **state)
{
	struct world *w = set_up();

	(void)state;
	kit_ledger(w->k);
	assert_int_equal(verify(w, "rec-1", signed_lines(w, 'B'), ORIG, DEST), RF_STIR_OK);
	assert_int_equal(verify(w, "rec-2", signed_lines(w, 'B'), "12155551213", DEST), RF_STIR_ORIG);
	assert_int_equal(verify(w, "rec-3", "", ORIG, DEST), RF_STIR_ABSENT);
	char *text = kit_record(w->k);
	assert_int_equal(count_of(text, "\"identity.verified\""), 1);
	assert_int_equal(count_of(text, "\"attest\":\"B\""), 2);
	assert_int_equal(count_of(text, "\"identity.invalid\""), 1);
	assert_int_equal(count_of(text, "\"rule\":\"other-caller\""), 1);
	assert_int_equal(count_of(text, "\"signed_for\":\"" ORIG "\""), 1);
	assert_int_equal(count_of(text, "rec-3"), 0);
	free(text);
	tear_down(w);
}

static void what_cannot_be_signed(void **state)
{
	struct world *w = set_up();
	struct rf_stir_claim claim = { RF_V("alice"), RF_V(DEST) };
	char origid[RF_STIR_ORIGID], buf[256];
	struct rf_writer out;

	(void)state;
	rf_writer_init(&out, buf, sizeof buf);
	assert_int_equal(rf_stir_sign(w->k->core, &claim, 'A', &out, origid), RF_E_UNSUPPORTED);
	claim.orig = RF_V(ORIG);
	assert_int_equal(rf_stir_sign(w->k->core, &claim, 'A', &out, origid), RF_E_SPACE);
	assert_int_equal(rf_stir_sign(w->k->core, &claim, 'X', &out, origid), RF_E_INVALID);
	rf_call_core_set_stir(w->k->core, NULL);
	assert_false(rf_stir_signs(w->k->core));
	assert_int_equal(rf_stir_sign(w->k->core, &claim, 'A', &out, origid), RF_E_UNSUPPORTED);
	assert_int_equal(verify(w, "a", "Identity: a.b.c;info=<" URL ">\r\n", ORIG, DEST), RF_STIR_OFF);
	tear_down(w);
}

static void a_full_memory_of_tokens(void **state)
{
	struct rf_random random;
	uint8_t digest[RF_STIR_DIGEST] = { 0 };

	(void)state;
	rf_random_system(&random);
	struct rf_stir_replay *r = rf_stir_replay_new(&random);
	assert_non_null(r);
	for (unsigned i = 0; i < 16; i++) { /* all in one place */
		digest[0] = (uint8_t)i;
		assert_int_equal(rf_stir_replay_take(r, digest, 1, 100, 160), 0);
	}
	digest[0] = 16;
	assert_int_equal(rf_stir_replay_take(r, digest, 1, 160, 220), RF_E_LIMIT);
	digest[0] = 3;
	assert_int_equal(rf_stir_replay_take(r, digest, 2, 160, 160), RF_E_EXISTS);
	assert_int_equal(rf_stir_replay_take(r, digest, 1, 160, 160), 0);
	digest[0] = 16;
	assert_int_equal(rf_stir_replay_take(r, digest, 1, 161, 221), 0);
	rf_stir_replay_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_we_sign_we_believe), cmocka_unit_test(each_way_to_be_wrong),
		cmocka_unit_test(compact_form), cmocka_unit_test(a_token_is_good_for_one_call),
		cmocka_unit_test(fetched), cmocka_unit_test(not_fetched), cmocka_unit_test(in_time_or_not_at_all),
		cmocka_unit_test(the_end_while_one_waits), cmocka_unit_test(the_record),
		cmocka_unit_test(what_cannot_be_signed), cmocka_unit_test(a_full_memory_of_tokens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
