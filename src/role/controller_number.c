/* What people set for their numbers, shown and changed for an administrator. A change is answered when it is on disk
 * and every worker sees it; the record says who made it. */
#include "role/controller_int.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static json_t *settings_json(struct rf_view number, const struct rf_settings *s)
{
	json_t *j = json_object();
	char value[RF_SETTINGS_TEXT_MAX];

	json_object_set_new(j, "number", json_stringn((const char *)number.p, number.n));
	for (unsigned i = 0; i < RF_SETTINGS_TEXTS; i++) {
		const char *name = rf_settings_text(s, i, value);

		json_object_set_new(j, name, json_string(value));
	}
	return j;
}

/* {"key":value} as the answer; takes value. */
static void answer(struct rf_admin_request *r, const char *key, json_t *value)
{
	json_t *j = value ? json_pack("{s:o}", key, value) : NULL;
	char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;
	size_t n = text ? strlen(text) : 0;

	json_decref(j);
	if (n >= 2)
		rf_admin_answer(r, rf_view_of(text + 1, n - 2));
	else
		rf_admin_refuse(r, "out of memory");
	free(text);
}

/* False: refused. */
static bool known(const struct rf_controller *k, struct rf_admin_request *r, struct rf_view number)
{
	if (rf_directory_number(k->directory, number))
		return true;
	rf_admin_refuse(r,
			"%.40s is not a number of this site: `ringfort phone list` and `ringfort user list` show those "
			"that there are",
			rf_admin_text(r, "number"));
	return false;
}

void rf_controller_do_number(void *ctx, struct rf_admin_request *r)
{
	struct rf_controller *k = ctx;
	struct rf_view number = rf_view_str(rf_admin_text(r, "number"));
	struct rf_settings s;

	if (!known(k, r, number))
		return;
	rf_settings_get(k->settings, number, &s);
	answer(r, "settings", settings_json(number, &s));
}

static void add_row(void *ctx, struct rf_view number, const struct rf_settings *s)
{
	json_array_append_new(ctx, settings_json(number, s));
}

void rf_controller_do_numbers(void *ctx, struct rf_admin_request *r)
{
	struct rf_controller *k = ctx;
	json_t *list = json_array();

	rf_settings_walk(k->settings, add_row, list);
	answer(r, "numbers", list);
}

/* A change that is with the table's thread, and comes back as mail. */
struct changing {
	struct rf_mail mail;
	struct rf_controller *k;
	struct rf_admin_request *request;
	struct rf_settings_change change;
	struct rf_settings now;
	int rc;
	uid_t uid;
	char number[RF_SETTINGS_NUMBER_MAX + 1];
};

static void record(const struct changing *c)
{
	char by[32], line[RF_SETTINGS_LINE_MAX];
	struct rf_event e;

	snprintf(by, sizeof by, "uid %u", (unsigned)c->uid);
	rf_event_init(&e, RF_EVENT_NUMBER_CHANGED, c->k->clock.wall(c->k->clock.ctx));
	rf_event_cstr(&e, "number", c->number);
	rf_event_cstr(&e, "by", by);
	rf_event_cstr(&e, "set", rf_settings_change_line(&c->change, &c->now, line));
	rf_ledger_post(c->k->ledger, &e);
}

static void changed(struct rf_mail *mail, int status)
{
	struct changing *c = rf_container(mail, struct changing, mail);

	if (status == 0 && c->rc == 0) {
		record(c);
		answer(c->request, "settings", settings_json(rf_view_str(c->number), &c->now));
	} else {
		rf_admin_refuse(c->request, "not changed: %s", rf_err_text(status ? status : c->rc));
	}
	free(c);
}

/* On the table's thread. */
static void written(void *ctx, int rc, const struct rf_settings *now)
{
	struct changing *c = ctx;

	c->rc = rc;
	c->now = *now;
	c->mail.deliver = changed;
	if (rf_mail_post(c->k->loop, &c->mail))
		free(c); /* the one who asked gets no answer in time; the change holds, or does
			  * not, as the table says */
}

static int read_change(struct rf_admin_request *r, struct rf_settings_change *ret_change, struct rf_diag *diag)
{
	static const struct rf_settings nothing;
	char value[RF_SETTINGS_TEXT_MAX];

	*ret_change = (struct rf_settings_change){ 0 };
	if (rf_admin_text(r, "clear")[0])
		ret_change->fields = RF_SET_ALL;
	for (unsigned i = 0; i < RF_SETTINGS_TEXTS; i++) {
		const char *name = rf_settings_text(&nothing, i, value), *to = rf_admin_text(r, name);
		int rc = to[0] ? rf_settings_change_text(ret_change, rf_view_str(name), rf_view_str(to), diag) : 0;

		if (rc)
			return rc;
	}
	return ret_change->fields ? 0 : rf_diag_set(diag, RF_E_INVALID, "it says nothing to set");
}

void rf_controller_do_number_set(void *ctx, struct rf_admin_request *r)
{
	struct rf_controller *k = ctx;
	const char *number = rf_admin_text(r, "number");
	struct rf_diag diag = { 0 };
	struct rf_settings_change change;

	/* what a number had that is gone from the site may always be taken away */
	if (!rf_admin_text(r, "clear")[0] && !known(k, r, rf_view_str(number)))
		return;
	if (read_change(r, &change, &diag)) {
		rf_admin_refuse(r, "%s", diag.text);
		return;
	}
	struct changing *c = calloc(1, sizeof *c);

	if (!c) {
		rf_admin_refuse(r, "out of memory");
		return;
	}
	c->k = k;
	c->request = r;
	c->change = change;
	c->uid = rf_admin_uid(r);
	snprintf(c->number, sizeof c->number, "%s", number);
	int rc = rf_settings_change(k->settings, rf_view_str(number), &change, written, c);

	if (!rc)
		return;
	free(c);
	rf_admin_refuse(r, "not changed: %s", rf_err_text(rc));
}
