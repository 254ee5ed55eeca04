/* What a phone outside asks at a border, again and again, with the first, second, n-th allocation failing: nothing
 * crashes, nothing stays behind, and the phone hears 500 or 503. No controller is there, so each ends in 503 when all
 * memory is to be had. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "fail_alloc.h"
#include "kit.h"

#include "call/border.h"
#include "call/roam.h"

#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#ifndef REALM
#define REALM "voice.example.org"
#endif

static const char roaming[] = "roaming: { phones: [ann, bob] }\n";

/* The core is a border's for the time of one request, and the phone's datagram came over TLS at its outer side. */
static void at_border(struct kit *k, bool is)
{
	k->core->border = is;
	k->outer = is;
}

static const struct {
	const char *what, *method, *uri, *extra, *body;
} rows[] = {
	{ "a registration", "REGISTER", "sip:" REALM "", "Contact: <sip:1001@192.0.2.9:5061;transport=tls>;expires=300;+sip.instance=\"<urn:uuid:x>\"\r\n"
	  "Authorization: Digest username=\"u\", realm=\"" REALM "\", nonce=\"n\", uri=\"sip:x\", response=\""
	  "00000000000000000000000000000000\", algorithm=MD5\r\n", NULL },
	{ "text", "MESSAGE", "1002", "Content-Type: text/plain\r\n", "hello" },
	{ "presence", "PUBLISH", "1001", "Event: presence\r\nContent-Type: application/pidf+xml\r\n", "<presence/>" },
	{ "a lamp", "SUBSCRIBE", "1002", "Event: dialog;id=4\r\nExpires: 300\r\n", NULL },
};

static void fails_in_turn(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct kit *k = kit_new_with("minimum", roaming);
		struct phone *a = &k->phone[0];
		bool failed = true;

		k->core->limits.subscriptions = 16;
		assert_int_equal(rf_roam_watches_new(k->core, &k->core->roam_watches), 0);
		for (unsigned n = 1; failed && n < 400; n++) {
			at_border(k, true);
			phone_request(a, rows[i].method, rows[i].uri, "1001", "1001", rows[i].extra, rows[i].body);
			fail_alloc_at(n);
			kit_run(k);
			failed = fail_alloc_off();
			kit_wait(k, 40000);
			at_border(k, false);
			while (a->in != a->out)
				phone_forget(a);
			if (rf_roam_watches_count(k->core->roam_watches) || k->core->roamings_n)
				fail_msg("%s: something stays behind allocation %u", rows[i].what, n);
		}
		if (failed)
			fail_msg("%s: never ends", rows[i].what);
		kit_census(k);
		kit_free(k);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fails_in_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
