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

struct records {
	const struct rf_cmd_ctx *c;
	void (*fill)(void *ctx, size_t i, struct rf_cmd_record *r);
	void *ctx;
};

static void make_event(void *ctx, size_t i, struct rf_event *e)
{
	const struct records *all = ctx;
	struct rf_cmd_record r = { 0 };

	all->fill(all->ctx, i, &r);
	rf_event_init(e, r.kind, all->c->clock.wall(all->c->clock.ctx));
	rf_event_str(e, "phone", r.phone);
	rf_event_str(e, "user", r.user);
	rf_event_str(e, "host", r.host);
	rf_event_str(e, "number", r.number);
	rf_event_str(e, "url", r.url);
	rf_event_cstr(e, "set", r.set);
	if (r.certificate)
		put_certificate(e, r.certificate);
	if (r.count)
		rf_event_u64(e, "count", r.count);
	put_by(e);
}

void rf_cmd_record_all(const struct rf_cmd_ctx *c, size_t n, void (*fill)(void *ctx, size_t i, struct rf_cmd_record *r),
		       void *ctx)
{
	char *dir = rf_cmd_path(c, "ledger");
	struct records all = { c, fill, ctx };
	struct rf_diag diag = { 0 };

	if (n && rf_ledger_append_all(dir, n, make_event, &all, &diag))
		fprintf(c->err, "ringfort: done, but not on record: %s\n", diag.text);
	free(dir);
}

static void copy_record(void *ctx, size_t i, struct rf_cmd_record *r)
{
	(void)i;
	*r = *(const struct rf_cmd_record *)ctx;
}

void rf_cmd_record(const struct rf_cmd_ctx *c, const struct rf_cmd_record *r)
{
	rf_cmd_record_all(c, 1, copy_record, (void *)(uintptr_t)r);
}
