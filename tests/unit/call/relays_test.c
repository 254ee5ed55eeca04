/* A relay on a Unix socket that answers and is gone: what is asked out of its answer finds the connection closed. */
#include "kit.h"

#include "call/relays.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

struct asker {
	struct rf_ng_client *client;
	unsigned answered, closed;
};

static void on_answer(void *arg, int err, int relay, const struct rf_ng_reply *reply)
{
	struct rf_ng_request req = { .command = RF_NG_DELETE, .call_id = RF_V("two") };
	struct asker *a = arg;

	(void)reply;
	a->answered += err == 0;
	a->closed += err != 0;
	if (!err)
		assert_int_equal(rf_ng_client_ask(a->client, &req, relay, on_answer, a), 0);
}

static int listener(const char path[static sizeof ((struct sockaddr_un *)0)->sun_path])
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(sa.sun_path, path, sizeof sa.sun_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
	assert_int_equal(listen(fd, 4), 0);
	return fd;
}

/* An answer to each of the two messages that are there, in one piece; they begin with their cookies. */
static void answer_both(int fd)
{
	char in[4096], out[512];
	ssize_t n = recv(fd, in, sizeof in - 1, 0);
	int len = 0;

	assert_true(n > 0);
	in[n] = 0;
	for (char *at = in; at; at = strstr(at + 1, "ee") ? strstr(at + 1, "ee") + 2 : NULL) {
		int cookie = (int)strcspn(at, " ");

		if (!at[0])
			break;
		len += snprintf(out + len, sizeof out - (size_t)len, "%.*s d6:result2:oke", cookie, at);
	}
	assert_int_equal(send(fd, out, (size_t)len, MSG_NOSIGNAL), len);
}

static void answers_and_is_gone(void **state)
{
	struct kit *k = kit_new("minimum");
	char path[sizeof ((struct sockaddr_un *)0)->sun_path];
	struct rf_relay_at at = { .path = path };
	struct rf_relays *r;
	struct asker a = { .answered = 0 };

	(void)state;
	snprintf(path, sizeof path, "%s/relay.sock", k->dir);
	int fd = listener(path);

	assert_int_equal(rf_relays_new(k->core, &at, 1, &r), 0);
	a.client = rf_relays_client(r);
	for (unsigned i = 0; i < 2; i++) {
		struct rf_ng_request req = { .command = RF_NG_DELETE, .call_id = RF_V("one") };

		assert_int_equal(rf_ng_client_ask(a.client, &req, 0, on_answer, &a), 0);
	}
	int relay = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

	assert_true(relay >= 0);
	answer_both(relay);
	close(relay);
	kit_run(k);
	assert_int_equal(a.answered, 1);
	close(fd);
	rf_relays_free(r);
	assert_int_equal(a.closed, 2);
	unlink(path);
	kit_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(answers_and_is_gone) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
