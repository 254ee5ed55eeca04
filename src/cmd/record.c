#include "cmd/record.h"

#include "ledger/ledger.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

static void put_by(struct rf_event *e)
{
	const struct passwd *pw = getpwuid(getuid());

	rf_event_cstr(e, "by", pw ? pw->pw_name : "");
	rf_event_u64(e, "uid", getuid());
	/* sudo says who asked for root; it is a claim of the environment, so it has a name of its own. */
	const char *sudo = getenv("SUDO_USER");
	if (sudo && getuid() == 0)
		rf_event_cstr(e, "sudo_user", sudo);
}

static void put_certificate(struct rf_event *e, const struct rf_pki_id *id)
{
	char serial[2 * RF_PKI_SERIAL_MAX];
	struct rf_writer w;

	rf_writer_init(&w, serial, sizeof serial);
	rf_put_hex(&w, id->serial, id->serial_len);
	rf_event_str(e, "certificate", rf_view_of(serial, w.n));
	rf_event_time(e, "until", (struct rf_wall){ id->not_after_s * 1000000 });
}

void rf_cmd_record(const struct rf_cmd_ctx *c, const struct rf_cmd_record *r)
{
	char *dir = rf_cmd_path(c, "ledger");
	struct rf_diag diag = { 0 };
	struct rf_event e;

	rf_event_init(&e, r->kind, c->clock.wall(c->clock.ctx));
	rf_event_str(&e, "phone", r->phone);
	rf_event_str(&e, "user", r->user);
	rf_event_str(&e, "host", r->host);
	rf_event_str(&e, "number", r->number);
	rf_event_str(&e, "url", r->url);
	rf_event_cstr(&e, "set", r->set);
	if (r->certificate)
		put_certificate(&e, r->certificate);
	if (r->count)
		rf_event_u64(&e, "count", r->count);
	put_by(&e);
	if (rf_ledger_append(dir, &e, &diag))
		fprintf(c->err, "ringfort: done, but not on record: %s\n", diag.text);
	free(dir);
}
