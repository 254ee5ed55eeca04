/* The announcer (announcer.h), where the site has something that a call may have to give up to another. */
#include "role/controller_int.h"

static bool may_preempt(const struct rf_site *site)
{
	return site->tel.link_count || site->trunk_count;
}

/* The addresses that we listen on, each once. */
static size_t addresses(const struct rf_controller *k, struct rf_addr local[static RF_ANNOUNCE_SOCKETS])
{
	size_t n = 0;

	for (size_t i = 0; i < k->listens && n < RF_ANNOUNCE_SOCKETS; i++) {
		size_t j = 0;

		while (j < n && !rf_addr_same_ip(&local[j], &k->listen[i].local))
			j++;
		if (j < n)
			continue;
		local[n] = k->listen[i].local;
		local[n++].port = (uint16_t)k->site->media.announce_port;
	}
	return n;
}

int rf_controller_start_announcer(struct rf_controller *k, struct rf_diag *diag)
{
	const struct rf_site_media *media = &k->site->media;
	bool asked = media->announce_pos.line != 0;
	struct rf_addr local[RF_ANNOUNCE_SOCKETS];
	struct rf_announcer_options opt = {
		.exe = "/proc/self/exe", .user = k->become ? &k->user : NULL, .channels = k->workers, .local = local,
		.locals = addresses(k, local),
	};
	struct rf_diag why = { 0 };

	if (rf_controller_is_border(k) || !media->announce_port || (!asked && !may_preempt(k->site)))
		return 0;
	int rc = rf_announcer_new(&opt, &k->announcer, &why);

	if (rc && asked)
		return rf_diag_set(diag, rc, "media.announce_port: %s: choose another port, or 0 for no tones",
				   why.text);
	if (rc)
		rf_log(k->log, RF_LOG_WARN,
		       "phones will not hear why a call was taken from them: %s; choose another port in "
		       "media.announce_port, or 0",
		       why.text);
	return 0;
}

int rf_controller_give_announcer(struct rf_controller *k, struct rf_worker *w)
{
	size_t n;
	const struct rf_addr *local = k->announcer ? rf_announcer_locals(k->announcer, &n) : NULL;

	return local ? rf_call_core_set_announcer(w->core, rf_announcer_fd(k->announcer, w->index), local, n) : 0;
}
