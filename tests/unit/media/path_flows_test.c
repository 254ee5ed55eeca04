/* The pinholes that a path asks for: exact ones, and openings where a port cannot be known, for no longer than that. */
#include "path_kit.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* "u exact, o openings to this port of ours from that address": how many there are of each. */
struct seen { size_t exact, openings; };

static struct seen look(const struct rf_path *p, unsigned end, unsigned rtcp, const struct rf_addr *from)
{
	struct rf_path_tuple t[RF_PATH_TUPLES_MAX];
	struct rf_addr local = kit_local(p, end, rtcp);
	size_t n = rf_path_flows(p, t);
	struct seen seen = { 0 };

	for (size_t i = 0; i < n; i++) {
		struct rf_addr ip = t[i].from, want = *from;

		ip.port = want.port = 0;
		if (t[i].any_port && rf_addr_eq(&t[i].to, &local)) {
			assert_true(rf_addr_eq(&ip, &want) && !t[i].from.port); /* from nowhere else */
			seen.openings++;
		} else if (!t[i].any_port && rf_addr_eq(&t[i].to, &local) && rf_addr_eq(&t[i].from, from)) {
			seen.exact++;
		}
	}
	return seen;
}

static void sees(const struct rf_path *p, unsigned end, unsigned rtcp, const struct rf_addr *from, size_t exact,
		 size_t openings)
{
	struct seen s = look(p, end, rtcp, from);

	assert_int_equal(s.exact, exact);
	assert_int_equal(s.openings, openings);
}

/* --- a NAT that changes ports */

struct scene {
	struct kit k;
	struct party said, real, b;    /* the phone as it is signaled, as its NAT shows it, and the other */
	struct rf_path *p;
	struct rf_path_end_conf conf;
};

static void begin(struct scene *s, bool mux)
{
	*s = (struct scene){ 0 };
	kit_begin(&s->k);
	party_open(&s->said, "127.0.0.1");
	party_open(&s->real, "127.0.0.1");
	party_open(&s->b, "127.0.0.1");
	s->p = kit_path(&s->k, RF_PATH_RTP, KIT_V4, KIT_V4);
	s->conf = kit_conf(&s->said);
	s->conf.source = RF_SOURCE_FIRST;
	s->conf.rtcp_mux = mux;
	struct rf_path_end_conf other = kit_conf(&s->b);
	assert_int_equal(rf_path_set(s->p, 0, &s->conf), 0);
	assert_int_equal(rf_path_set(s->p, 1, &other), 0);
}

static void end(struct scene *s)
{
	rf_path_free(s->p);
	party_close(&s->said);
	party_close(&s->real);
	party_close(&s->b);
	kit_end(&s->k);
}

static void a_nat_that_changes_ports(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, false);
	sees(s.p, 0, 0, &s.said.at[0], 1, 0); /* before the answer nothing may come */
	rf_path_open(s.p);
	sees(s.p, 0, 0, &s.said.at[0], 1, 1);
	sees(s.p, 0, 1, &s.said.at[1], 1, 1);
	sees(s.p, 1, 0, &s.b.at[0], 1, 0); /* nobody declared one for the other */
	unsigned told = s.k.flows;
	assert_int_equal(kit_passes(&s.k, s.p, 0, &s.real, &s.b, 1), 1);
	assert_int_equal(s.k.flows, told + 1);
	sees(s.p, 0, 0, &s.real.at[0], 1, 0); /* fixed: that one port, and no other */
	sees(s.p, 0, 0, &s.said.at[0], 0, 0);
	sees(s.p, 0, 1, &s.said.at[1], 1, 1); /* its RTCP has not come */
	kit_wait_ms(&s.k, 11000);
	sees(s.p, 0, 1, &s.said.at[1], 1, 0);
	sees(s.p, 0, 0, &s.real.at[0], 1, 0);
	end(&s);
}

static void the_window_ends(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, true);
	rf_path_open(s.p);
	sees(s.p, 0, 0, &s.said.at[0], 1, 1);
	unsigned told = s.k.flows;
	kit_wait_ms(&s.k, 9900);
	sees(s.p, 0, 0, &s.said.at[0], 1, 1);
	assert_int_equal(s.k.flows, told);
	kit_wait_ms(&s.k, 200);
	sees(s.p, 0, 0, &s.said.at[0], 1, 0);
	assert_int_equal(s.k.flows, told + 1); /* by itself */
	/* The same description again opens nothing; another address does, and for as long. */
	assert_int_equal(rf_path_set(s.p, 0, &s.conf), 0);
	sees(s.p, 0, 0, &s.said.at[0], 1, 0);
	s.conf.remote = s.real.at[0];
	assert_int_equal(rf_path_set(s.p, 0, &s.conf), 0);
	sees(s.p, 0, 0, &s.real.at[0], 1, 1);
	kit_wait_ms(&s.k, 10100);
	sees(s.p, 0, 0, &s.real.at[0], 1, 0);
	end(&s);
}

static void none_for_nobody(void **state)
{
	struct rf_path_tuple t[RF_PATH_TUPLES_MAX];
	struct scene s;

	(void)state;
	begin(&s, true);
	rf_path_open(s.p);
	s.conf.remote = (struct rf_addr){ 0 }; /* not known: then not from everywhere */
	assert_int_equal(rf_path_set(s.p, 0, &s.conf), 0);
	for (size_t i = rf_path_flows(s.p, t); i-- > 0;)
		assert_false(t[i].any_port);
	s.conf.remote = s.said.at[0];
	s.conf.source = RF_SOURCE_SIGNALED;
	assert_int_equal(rf_path_set(s.p, 0, &s.conf), 0);
	sees(s.p, 0, 0, &s.said.at[0], 1, 0);
	end(&s);
}

/* With ICE: until a nomination. */
static void candidates_behind_a_nat(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, true);
	s.conf.source = RF_SOURCE_ICE;
	s.conf.nat = true;
	memcpy(s.conf.ufrag, "abcdEFGH", 9);
	memcpy(s.conf.pwd, "abcdefghijklmnopqrstuvwx", 25);
	memcpy(s.conf.ufrag_peer, "theirs", 7);
	s.conf.n_candidates = 1;
	s.conf.candidates[0].at = s.real.at[0];
	assert_int_equal(rf_path_set(s.p, 0, &s.conf), 0);
	sees(s.p, 0, 0, &s.real.at[0], 1, 0);
	rf_path_open(s.p);
	sees(s.p, 0, 0, &s.real.at[0], 1, 1);
	rf_source_fix(s.p, &s.p->end[0], 0, &s.p->end[0].signaled[0]);
	kit_wait_ms(&s.k, 10100);
	assert_int_equal(look(s.p, 0, 0, &s.said.at[0]).openings, 0);
	s.conf.nat = false;
	assert_int_equal(rf_path_set(s.p, 0, &s.conf), 0);
	assert_int_equal(look(s.p, 0, 0, &s.said.at[0]).openings, 0);
	end(&s);
}

/* All that can be asked for at once: both parties behind a NAT, with ICE, and as many candidates as there may be. */
static void as_many_as_there_may_be(void **state)
{
	struct rf_path_tuple t[2 * RF_PATH_TUPLES_MAX];
	struct scene s;

	(void)state;
	begin(&s, false);
	s.conf.source = RF_SOURCE_ICE;
	s.conf.nat = true;
	memcpy(s.conf.ufrag, "abcdEFGH", 9);
	memcpy(s.conf.pwd, "abcdefghijklmnopqrstuvwx", 25);
	memcpy(s.conf.ufrag_peer, "theirs", 7);
	s.conf.n_candidates = RF_PATH_CANDIDATES_MAX;
	for (unsigned i = 0; i < RF_PATH_CANDIDATES_MAX; i++)
		s.conf.candidates[i] = (struct rf_path_candidate){ .rtcp = i % 2, .at = {
			.family = 4, .ip = { 127, 0, 0, 2 }, .port = (uint16_t)(20000 + i) } };
	for (unsigned end = 0; end < 2; end++)
		assert_int_equal(rf_path_set(s.p, end, &s.conf), 0);
	rf_path_open(s.p);
	for (unsigned i = 0; i < 4; i++) /* all are nominated, and ICE begins anew at once */
		rf_source_fix(s.p, &s.p->end[i / 2], i % 2, &s.p->end[i / 2].signaled[i % 2]);
	memcpy(s.conf.ufrag, "HGFEdcba", 9);
	for (unsigned end = 0; end < 2; end++)
		assert_int_equal(rf_path_set(s.p, end, &s.conf), 0);
	assert_int_equal(rf_path_flows(s.p, t), RF_PATH_TUPLES_MAX);
	end(&s);
}

/* --- connections */

static int tcp(struct rf_addr *ret)
{
	struct rf_addr a = { .family = 4, .ip = { 127, 0, 0, 1 } };
	struct rf_peer at;

	rf_peer_of(&a, &at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, &at.sa, at.n), 0);
	assert_int_equal(getsockname(fd, &at.sa, &at.n), 0);
	*ret = rf_peer_addr(&at);
	return fd;
}

static void turns(struct kit *k)
{
	for (unsigned i = 0; i < 8; i++)
		kit_turn(k);
}

static void connections(void **state)
{
	struct rf_addr a, b, a_says;
	struct rf_peer to;
	struct kit k;
	char got[8];

	(void)state;
	kit_begin(&k);
	int phone = tcp(&a), listener = tcp(&b);
	assert_int_equal(listen(listener, 1), 0);
	struct rf_path *p = kit_path(&k, RF_PATH_STREAM, KIT_V4, KIT_V4);
	struct rf_path_end_conf conf[2] = {
		{ .dir = RF_SDP_SENDRECV, .rtcp_mux = true, .remote = a },
		{ .dir = RF_SDP_SENDRECV, .rtcp_mux = true, .remote = b, .dtls_active = true }
	};
	conf[0].remote.port = 9; /* it will connect */
	a_says = conf[0].remote;
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(rf_path_set(p, i, &conf[i]), 0);
	sees(p, 0, 0, &a_says, 0, 0);
	sees(p, 1, 0, &b, 1, 0); /* we connect: both ports are known */
	rf_path_open(p);
	sees(p, 0, 0, &a_says, 0, 1);
	sees(p, 1, 0, &b, 1, 0);
	kit_wait_ms(&k, 60000); /* as long as the call lasts */
	sees(p, 0, 0, &a_says, 0, 1);
	struct rf_addr local = kit_local(p, 0, 0);
	rf_peer_of(&local, &to);
	(void)connect(phone, &to.sa, to.n);
	turns(&k);
	sees(p, 0, 0, &a, 1, 0); /* that connection, and no other */
	/* It is small, so that no way has to say that it is too large. */
	int mss = 0;
	socklen_t n = sizeof mss;
	assert_int_equal(getsockopt(p->end[0].sock[1].fd, IPPROTO_TCP, TCP_MAXSEG, &mss, &n), 0);
	assert_in_range(mss, 500, 1220);
	int other = accept(listener, NULL, NULL);
	assert_true(other >= 0);
	assert_int_equal(send(phone, "hello", 5, 0), 5);
	turns(&k);
	assert_int_equal(recv(other, got, sizeof got, 0), 5);
	close(other); /* and another may come */
	close(phone);
	turns(&k);
	sees(p, 0, 0, &a_says, 0, 1);
	sees(p, 0, 0, &a, 0, 1);
	rf_path_free(p);
	close(listener);
	kit_end(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_nat_that_changes_ports), cmocka_unit_test(the_window_ends),
		cmocka_unit_test(none_for_nobody), cmocka_unit_test(candidates_behind_a_nat),
		cmocka_unit_test(as_many_as_there_may_be),
		cmocka_unit_test(connections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
