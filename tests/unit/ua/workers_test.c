/* Two workers on threads of their own behind one UDP address: whichever of them the kernel gives a request to, its
 * owner answers it. Under the thread sanitizer the queue of loop/mail.c must be suppressed (race:rf_mailbox_read): it
 * cannot see through the barriers of liburcu. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ua/ua_int.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WORKERS = 2, REQUESTS = 400, SOCKETS = 8 };

struct worker {
	struct rf_loop *loop;
	struct rf_random random;
	struct rf_ua *ua;
	pthread_t thread;
	size_t requests, others; /* others: whose To tag is not this worker's */
};

static struct worker workers[WORKERS];

static void on_request(void *ctx, struct rf_srv *srv, const struct rf_sip_msg *msg, const struct rf_peer *from)
{
	struct worker *w = ctx;

	(void)from;
	w->requests++;
	if (msg->to.tag.n && rf_id_worker(msg->to.tag) != rf_ua_worker(w->ua))
		w->others++;
	rf_srv_reply_code(srv, 200);
}

static const struct rf_ua_user user = { .request = on_request };

static void *run(void *arg)
{
	struct worker *w = arg;

	rf_loop_run(w->loop);
	return NULL;
}

static void start(struct rf_addr *addr)
{
	struct rf_ua *all[WORKERS];

	for (unsigned i = 0; i < WORKERS; i++) {
		struct worker *w = &workers[i];
		struct rf_ua_listener listener = { .kind = RF_FLOW_UDP, .fd = -1, .local = *addr };

		rf_random_system(&w->random);
		assert_int_equal(rf_loop_new(NULL, &w->loop), 0);
		struct rf_ua_config config = { .worker = (uint8_t)i, .workers = WORKERS, .loop = w->loop,
					       .random = &w->random, .hash_key = { 5, 6 }, .listeners = &listener,
					       .listener_count = 1, .user = &user, .ctx = w };
		assert_int_equal(rf_ua_new(&config, &w->ua, NULL), 0);
		*addr = *rf_ua_local(w->ua, 0);
		all[i] = w->ua;
	}
	rf_ua_join(all, WORKERS);
	for (unsigned i = 0; i < WORKERS; i++)
		assert_int_equal(pthread_create(&workers[i].thread, NULL, run, &workers[i]), 0);
}

static size_t ask(const struct rf_addr *addr)
{
	struct sockaddr_storage sa;
	socklen_t sa_n = (socklen_t)rf_addr_to_sockaddr(addr, &sa);
	struct pollfd fds[SOCKETS];
	struct rf_random random;
	size_t answers = 0;
	char buf[1024];

	rf_random_system(&random);
	for (int i = 0; i < SOCKETS; i++) {
		fds[i] = (struct pollfd){ .fd = socket(AF_INET, SOCK_DGRAM, 0), .events = POLLIN };
		assert_int_equal(connect(fds[i].fd, (struct sockaddr *)&sa, sa_n), 0);
	}
	for (unsigned i = 0; i < REQUESTS; i++) {
		struct rf_id tag;

		rf_id_make(&random, (uint8_t)(i % WORKERS), &tag);
		int n = snprintf(buf, sizeof buf,
				 "BYE sip:x@y SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK%u;rport\r\n"
				 "From: <sip:a@b>;tag=a\r\n"
				 "To: <sip:x@y>;tag=%.*s\r\nCall-ID: %u\r\nCSeq: 1 BYE\r\n\r\n",
				 i, RF_ID_LEN, (const char *)tag.text, i);
		assert_int_equal(send(fds[i % 7].fd, buf, (size_t)n, 0), n);
		if (i % 16)
			continue;
		struct rf_ua_stats stats; /* any thread may look */
		rf_ua_stats(workers[0].ua, &stats);
		usleep(1000);
	}
	while (answers < REQUESTS && poll(fds, SOCKETS, 3000) > 0)
		for (int i = 0; i < SOCKETS; i++)
			while (recv(fds[i].fd, buf, sizeof buf, MSG_DONTWAIT) > 0)
				answers++;
	for (int i = 0; i < SOCKETS; i++)
		close(fds[i].fd);
	return answers;
}

static void test_owners_answer(void **state)
{
	struct rf_addr addr;
	uint64_t mailed = 0;

	(void)state;
	assert_int_equal(rf_addr_parse(RF_V("127.0.0.1:0"), 0, &addr), 0);
	start(&addr);
	assert_int_equal(ask(&addr), REQUESTS);
	for (unsigned i = 0; i < WORKERS; i++) {
		rf_loop_stop(workers[i].loop);
		pthread_join(workers[i].thread, NULL);
	}
	for (unsigned i = 0; i < WORKERS; i++) {
		assert_int_equal(workers[i].requests, REQUESTS / WORKERS);
		assert_int_equal(workers[i].others, 0);
		mailed += workers[i].ua->stats.count[RF_UA_MAIL_IN];
	}
	assert_true(mailed > 0);
	for (unsigned i = 0; i < WORKERS; i++)
		rf_ua_free(workers[i].ua);
	for (unsigned i = 0; i < WORKERS; i++)
		rf_loop_free(workers[i].loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_owners_answer) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
