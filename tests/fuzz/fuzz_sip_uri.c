/* URIs, addresses, Via values and parameters from any bytes. What parses is written and parsed again to the same
 * fields; equality is reflexive and symmetric and follows the writing; the address-of-record does not depend on how
 * a URI is written. The input is two halves parted by the first LF. */
#include "sip/addr.h"
#include "sip/build.h"
#include "sip/tgrp.h"
#include "sip/via.h"

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

static bool within(struct rf_view part, struct rf_view all)
{
	return part.n == 0 || (part.p >= all.p && part.p + part.n <= all.p + all.n);
}

static void check_uri(struct rf_view text, const struct rf_sip_uri *u)
{
	uint8_t out[4096], aor1[4096], aor2[4096];
	struct rf_sip_uri again;
	struct rf_writer w;
	struct rf_view v, a, b, name, value;

	MUST(within(u->user, text) && within(u->host, text) && within(u->params, text) && within(u->headers, text));
	rf_writer_init(&w, out, sizeof out);
	rf_sip_uri_put(&w, u);
	MUST(rf_writer_done(&w, &v) == 0);
	MUST(rf_sip_uri_parse(v, &again) == 0);
	MUST(u->scheme == again.scheme && u->port == again.port && u->host_kind == again.host_kind);
	MUST(rf_view_eq(u->user, again.user) && rf_view_eq(u->password, again.password));
	MUST(rf_view_eq(u->host, again.host) && rf_view_eq(u->params, again.params));
	MUST(rf_view_eq(u->headers, again.headers));
	MUST(rf_sip_uri_eq(u, u) && rf_sip_uri_eq(u, &again) && rf_sip_uri_eq(&again, u));
	if (u->scheme == RF_SIP_SCHEME_OTHER)
		return;
	MUST(rf_sip_uri_aor(u, aor1, u->text.n, &a) == 0 && rf_sip_uri_aor(&again, aor2, sizeof aor2, &b) == 0);
	MUST(rf_view_eq(a, b));
	struct rf_tgrp group;

	if (rf_tgrp_parse(u, &group) == 0)
		MUST(within(group.user, text) && within(group.name, text) && within(group.context, text) &&
		     within(group.verstat, text));
	for (struct rf_view rest = u->params; rf_sip_uri_next(&rest, ';', &name, &value);)
		MUST(rf_sip_uri_param(u, name, &v));
	if (!rf_sip_uri_is_sip(u) || u->user.n == 0)
		return;

	/* The user unescaped, escaped by us, is the same user. */
	MUST(rf_sip_uri_unescape(u->user, aor1, sizeof aor1, &v) == 0);
	rf_writer_init(&w, out, sizeof out);
	rf_sip_uri_put_new(&w, u->scheme == RF_SIP_SCHEME_SIPS, v, u->host, u->port);
	MUST(rf_writer_done(&w, &b) == 0 && rf_sip_uri_parse(b, &again) == 0);
	MUST(rf_sip_uri_aor(u, aor1, sizeof aor1, &a) == 0 && rf_sip_uri_aor(&again, aor2, sizeof aor2, &b) == 0);
	MUST(rf_view_eq(a, b));
}

static void check_addr(struct rf_view text)
{
	uint8_t plain[4096], out[8192];
	struct rf_sip_addr a, b;
	struct rf_writer w;
	struct rf_view v, display;

	if (rf_sip_addr_parse(text, &a) || text.n > 2048)
		return;
	MUST(within(a.display, text) && within(a.params, text) && within(a.tag, text));
	check_uri(a.uri.text, &a.uri);
	rf_sip_addr_q(&a);
	MUST(rf_sip_params_check(a.params) == 0);
	if (rf_sip_addr_display(&a, plain, a.display.n, &display))
		return;
	rf_writer_init(&w, out, sizeof out);
	rf_sip_put_name_addr(&w, display, a.uri.text);
	if (a.tag.n)
		rf_sip_put_param(&w, RF_V("tag"), a.tag);
	if (rf_writer_done(&w, &v))
		return; /* the display name holds control characters, and those we do not write */
	MUST(rf_sip_addr_parse(v, &b) == 0);
	MUST(rf_view_eq(a.tag, b.tag) && rf_sip_uri_eq(&a.uri, &b.uri));
}

static void check_via(struct rf_view text)
{
	struct rf_sip_via via;
	struct rf_view host;
	uint16_t port;
	int rc = rf_sip_via_parse(text, &via);

	if (!via.sent_by_ok)
		return;
	MUST(within(via.host, text) && within(via.params, text));
	rf_sip_via_target(&via, &host, &port);
	if (rc == 0)
		MUST(rf_sip_params_check(via.params) == 0 && within(via.branch, text) && host.n > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rf_view all = rf_view_of(data, n);
	size_t at = rf_view_find(all, '\n');
	struct rf_view half[2] = { rf_view_sub(all, 0, at), rf_view_from(all, at + 1) };
	struct rf_sip_uri u[2];
	bool ok[2];
	uint8_t buf[4096];
	struct rf_view v;

	if (n > 4000)
		return 0;
	for (int i = 0; i < 2; i++) {
		ok[i] = rf_sip_uri_parse(half[i], &u[i]) == 0;
		if (ok[i])
			check_uri(half[i], &u[i]);
		check_addr(half[i]);
		check_via(half[i]);
		if (rf_sip_unquote(half[i], buf, sizeof buf, &v) == 0)
			MUST(v.n <= half[i].n);
	}
	if (ok[0] && ok[1])
		MUST(rf_sip_uri_eq(&u[0], &u[1]) == rf_sip_uri_eq(&u[1], &u[0]));
	check_addr(all);
	check_via(all);
	return 0;
}
