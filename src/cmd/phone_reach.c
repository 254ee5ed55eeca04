/* ringfort phone config: which server a phone is to reach, and as whom. What is written then is phone_config.c's. */
#include "base/secret.h"
#include "cmd/cmd.h"
#include "cmd/phone_config.h"
#include "cmd/phone_int.h"

#include <jansson.h>
#include <string.h>

/* Where the controller listens, unless the command says. TLS before the others, those for browsers last. */
static int find_controller(const struct rf_phone_cmd *p, struct rf_phone_config *config)
{
	const struct rf_site *s = p->site;
	const struct rf_site_listen *best = &s->sip.listen[0]; /* a site has at least one */
	uint64_t port = 0;

	for (size_t i = 1; i < s->sip.listens; i++)
		if (s->sip.listen[i].transport < best->transport)
			best = &s->sip.listen[i];
	if (best->transport > RF_TRANSPORT_UDP)
		return rf_cmd_error(p->c, RF_EXIT_NO,
				    "this site listens for phones in browsers only: add an entry with "
				    "transport: tls to sip.listen");
	config->transport = best->transport;
	config->port = best->port;
	config->address = best->address_text.n ? rf_site_cstr(best->address_text) : NULL;
	for (size_t i = 0; !config->address && i < s->host_count; i++)
		if (s->hosts[i].roles & RF_ROLE_CONTROLLER && !s->hosts[i].standby_for.n)
			config->address = rf_site_cstr(s->hosts[i].address_text);
	if (rf_cmd_opt(p->c, "address"))
		config->address = rf_cmd_opt(p->c, "address");
	if (!rf_cmd_number(p->c, "port", 1, 65535, &port))
		return RF_EXIT_USAGE;
	if (port)
		config->port = (unsigned)port;
	if (config->address &&
	    !config->address[strspn(config->address, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
						     "0123456789.:-")] &&
	    config->address[0])
		return 0;
	return rf_cmd_error(p->c, RF_EXIT_USAGE, "--address says where the controller is: a host name or an address");
}

/* Where a border listens for phones outside. */
static int find_border(const struct rf_phone_cmd *p, struct rf_phone_config *config)
{
	const struct rf_site_host *border = NULL;

	if (!p->phone->roams)
		return rf_cmd_error(p->c, RF_EXIT_NO,
				    "phone \"%s\" may not come from outside: name it in  roaming: { phones: [...] }",
				    rf_site_cstr(p->phone->name));
	for (size_t i = 0; i < p->site->host_count; i++) {
		const struct rf_site_host *h = &p->site->hosts[i];

		if (h->roles & RF_ROLE_BORDER && (!border || border->standby_for.n))
			border = h;
	}
	const struct rf_site_outside *o = border ? &border->outside : NULL;

	config->transport = RF_TRANSPORT_TLS;
	config->port = 5061;
	config->address = !o ? NULL : rf_site_cstr(o->advertised_text.n ? o->advertised_text : o->address_text.n ? o->address_text :
						   o->address6_text.n ? o->address6_text : border->address_text);
	return config->address ? 0 : rf_cmd_error(p->c, RF_EXIT_NO, "this site has no border");
}

/* Who answers the challenge, when one will come. */
static int find_user(const struct rf_phone_cmd *p, struct rf_phone_config *config)
{
	const struct rf_policy *policy = &p->site->policy;

	config->user = rf_cmd_opt(p->c, "user");
	if (!config->user && policy->require_user)
		return rf_cmd_error(p->c, RF_EXIT_USAGE,
				    "this site requires a user's password as well; add --user NAME");
	if (!config->user)
		return 0;
	if (!rf_site_name_ok(rf_view_str(config->user)))
		return rf_cmd_error(p->c, RF_EXIT_USAGE, "--user takes a user's name, not \"%s\"", config->user);
	return rf_cmd_password(p->c, rf_cmd_flag(p->c, "password-stdin"), false, 1, &config->password);
}

static int tell_config(const struct rf_phone_config *config, const char *kind)
{
	const struct rf_cmd_ctx *c = config->c;
	bool baresip = strcmp(kind, "baresip") == 0;

	if (c->json)
		return rf_cmd_json(c, json_pack("{s:s, s:s, s:s, s:i}", "for", kind, "dir", config->out, "address",
						config->address, "port", (int)config->port), RF_EXIT_YES);
	fprintf(c->out, "wrote %s; keep it private: it holds the phone's key\n", config->out);
	if (baresip)
		fprintf(c->out, "start: baresip -f %s\n", config->out);
	else
		fprintf(c->out, "start: HOME=%s linphonec -c %s/linphonerc\n", config->out, config->out);
	return RF_EXIT_YES;
}

int rf_phone_config_run(struct rf_cmd_ctx *c)
{
	const char *kind = rf_cmd_opt(c, "for"), *out = rf_cmd_opt(c, "out");
	struct rf_phone_cmd p;

	if (!kind || !rf_phone_config_kind(kind))
		return rf_cmd_error(c, RF_EXIT_USAGE, "--for takes baresip or linphone");
	if (!out || !*out)
		return rf_cmd_error(c, RF_EXIT_USAGE, "-o says which folder to write");
	int status = rf_phone_begin(c, false, &p);
	if (status)
		return status;
	struct rf_phone_config config = { .c = c, .site = p.site, .phone = p.phone, .out = out };
	if (!p.phone)
		status = rf_phone_missing(&p);
	if (!status)
		status = rf_cmd_flag(c, "outside") ? find_border(&p, &config) : find_controller(&p, &config);
	if (!status)
		status = find_user(&p, &config);
	if (!status)
		status = rf_phone_config_write(&config, kind);
	if (!status)
		status = tell_config(&config, kind);
	rf_secret_wipe(&config.password, sizeof config.password);
	return rf_phone_end(&p, status);
}
