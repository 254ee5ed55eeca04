/* What the trunks of a site need beside its own certificate authority: the authorities that the site file names for
 * them, each with a TLS context of its own (controller_tls.c), so that none speaks for another's peers. Which files
 * there are needs a restart; what is in them does not. */
#include "role/controller_int.h"

#include "call/border.h"
#include "call/trunk_table.h"

#include <stdio.h>
#include <stdlib.h>

static bool known(const struct rf_controller *k, struct rf_view file)
{
	for (size_t i = 0; i < k->trunk_file_n; i++)
		if (rf_view_eq(file, rf_view_str(k->trunk_files[i])))
			return true;
	return false;
}

static int add(struct rf_controller *k, struct rf_view file, struct rf_diag *diag)
{
	if (known(k, file))
		return 0;
	if (k->trunk_file_n == RF_CONTROLLER_TRUNK_CAS)
		return rf_diag_set(diag, RF_E_LIMIT, "the trunks have more than %d CA files", RF_CONTROLLER_TRUNK_CAS);
	k->trunk_files[k->trunk_file_n++] = rf_site_cstr(file); /* first_site keeps it */
	return 0;
}

int rf_controller_open_trunks(struct rf_controller *k, struct rf_diag *diag)
{
	int rc = 0;

	k->trunks = rf_trunks_new();
	if (!k->trunks)
		return rf_diag_set(diag, -ENOMEM, "out of memory");
	if (!rf_controller_has_trunks(k, k->site))
		return 0;
	for (size_t i = 0; i < k->site->trunk_count && !rc; i++)
		if (k->site->trunks[i].ca.n)
			rc = add(k, k->site->trunks[i].ca, diag);
	return rc;
}

/* ---- their passwords, which the keeper has */

int rf_controller_trunk_logins(struct rf_controller *k, struct rf_keeper_login *logins, unsigned *ret_n,
			       struct rf_diag *diag)
{
	*ret_n = 0;
	k->login_n = 0;
	if (!rf_controller_has_trunks(k, k->site))
		return 0;
	for (size_t i = 0; i < k->site->trunk_count; i++) {
		const struct rf_site_trunk *t = &k->site->trunks[i];

		if (!t->login.n)
			continue;
		if (*ret_n == RF_KEEPER_LOGINS_MAX)
			return rf_diag_set(diag, RF_E_LIMIT, "more than %d trunks have a login", RF_KEEPER_LOGINS_MAX);
		k->logins[*ret_n] = t; /* of first_site, which stays */
		logins[(*ret_n)++] = (struct rf_keeper_login){ rf_site_cstr(t->login), rf_site_cstr(t->password_file) };
	}
	k->login_n = *ret_n;
	return 0;
}

int rf_controller_password(void *ctx, struct rf_view trunk, const struct rf_digest_cred *cred, struct rf_view method,
			   char ret_hex[static 2 * RF_DIGEST_HASH_MAX])
{
	struct rf_controller *k = ctx;

	for (unsigned i = 0; i < k->login_n; i++)
		if (rf_view_eq(k->logins[i]->name, trunk))
			return rf_keeper_respond(k->keeper, i, cred, method, ret_hex);
	return RF_E_UNSUPPORTED;
}

bool rf_controller_take_logins(struct rf_controller *k)
{
	struct rf_diag why = { 0 };
	uint32_t there = 0;
	size_t n = 0;

	k->logins_refused[0] = '\0';
	if (!k->login_n || !k->keeper)
		return true;
	int rc = rf_keeper_again_logins(k->keeper, &there, &why);

	k->logins_new = true;
	for (unsigned i = 0; i < k->login_n && !rc && n < sizeof k->logins_refused; i++)
		if (!(there & 1u << i))
			n += (size_t)snprintf(k->logins_refused + n, sizeof k->logins_refused - n, "%s%s", n ? ", " :
					      "trunks without a password: ", rf_site_cstr(k->logins[i]->name));
	if (why.text[0] && n < sizeof k->logins_refused)
		snprintf(k->logins_refused + n, sizeof k->logins_refused - n, "%s%s",
			 n ? ": " : "passwords of trunks stay as they were: ", why.text);
	return !k->logins_refused[0];
}

/* The same login from the same file as at the start. */
static bool keeps_login(const struct rf_controller *k, const struct rf_site_trunk *t)
{
	for (unsigned i = 0; i < k->login_n; i++)
		if (rf_view_eq(k->logins[i]->name, t->name))
			return rf_view_eq(k->logins[i]->login, t->login) &&
			       rf_view_eq(k->logins[i]->password_file, t->password_file);
	return false;
}

bool rf_controller_logins_fit(const struct rf_controller *k, const struct rf_site *next)
{
	if (!rf_controller_has_trunks(k, next))
		return true;
	for (size_t i = 0; i < next->trunk_count; i++)
		if (next->trunks[i].login.n && !keeps_login(k, &next->trunks[i]))
			return false;
	return true;
}

void rf_controller_close_trunks(struct rf_controller *k)
{
	rf_trunks_put(k->trunks);
	k->trunks = NULL;
}

/* All of next's files are known already. */
bool rf_controller_trunks_fit(const struct rf_controller *k, const struct rf_site *next)
{
	if (!rf_controller_has_trunks(k, next))
		return true;
	for (size_t i = 0; i < next->trunk_count; i++)
		if (next->trunks[i].ca.n && !known(k, next->trunks[i].ca))
			return false;
	return true;
}

/* ---- `ringfort trunk list` */

static json_t *calls_json(struct rf_trunk_peer *p)
{
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "calls_in", (json_int_t)p->calls[RF_TRUNK_IN], "calls_out",
			 (json_int_t)p->calls[RF_TRUNK_OUT], "failed", (json_int_t)p->failed, "over_channels",
			 (json_int_t)p->over_channels, "over_rate_in", (json_int_t)p->over_rate[RF_TRUNK_IN],
			 "over_rate_out", (json_int_t)p->over_rate[RF_TRUNK_OUT], "spared", (json_int_t)p->spared);
}

/* What a border has dropped of its messages, by rule; NULL: nothing. */
static json_t *dropped_json(struct rf_trunk_peer *p, json_int_t *ret_all)
{
	json_t *o = NULL;

	for (unsigned rule = 0; rule < RF_LIST_RULES; rule++) {
		json_int_t n = (json_int_t)p->dropped[rule];

		*ret_all += n;
		if (n && !o)
			o = json_object();
		if (n)
			json_object_set_new(o, rf_list_rule_name((enum rf_list_rule)rule), json_integer(n));
	}
	return o;
}

static const char *media_name(const struct rf_site_trunk *t)
{
	return t->encryption == RF_TRUNK_MEDIA_ENCRYPTED ? "encrypted" : t->encryption == RF_TRUNK_MEDIA_PLAIN ? "plain" : "either";
}

static json_t *trunk_json(const struct rf_controller *k, const struct rf_site_trunk *t)
{
	struct rf_trunk_peer *p = rf_trunks_find(k->trunks, t->name);
	struct rf_wall since = { p ? p->since_us : 0 };
	const char *why = p ? p->why : NULL;
	json_t *j = p ? calls_json(p) : NULL;
	char when[RF_WALL_TEXT] = "";

	if (!j)
		return NULL;
	if (since.us)
		rf_wall_text(since, when);
	json_object_set_new(j, "name", json_string(rf_site_cstr(t->name)));
	json_object_set_new(j, "peer", json_string(rf_site_cstr(t->peer)));
	json_object_set_new(j, "transport", json_string(rf_transport_name(t->transport)));
	json_object_set_new(j, "port", json_integer(t->port));
	json_object_set_new(j, "state", json_string(rf_health_name((enum rf_health_state)p->state)));
	json_object_set_new(j, "since", json_string(when));
	json_object_set_new(j, "why", json_string(why ? why : ""));
	int64_t until = p->registered_until_us;
	if (until)
		rf_wall_text((struct rf_wall){ until }, when);
	if (t->registers)
		json_object_set_new(j, "registered_until", json_string(until ? when : ""));
	json_object_set_new(j, "channels", json_integer(p->channels));
	json_object_set_new(j, "channels_most", json_integer(t->channels));
	json_object_set_new(j, "media", json_string(media_name(t)));
	json_int_t all = 0;
	json_t *dropped = dropped_json(p, &all);

	json_object_set_new(j, "dropped", json_integer(all));
	if (dropped)
		json_object_set_new(j, "dropped_by", dropped);
	return j;
}

json_t *rf_controller_trunks_json(const struct rf_controller *k)
{
	json_t *list = json_array();

	for (size_t i = 0; i < k->site->trunk_count; i++)
		json_array_append_new(list, trunk_json(k, &k->site->trunks[i]));
	return list;
}
