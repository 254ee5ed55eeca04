/* Logs by rsyslog over TLS (RFC 5425): each log host takes them from the devices that the flows lead from, told by the
 * names in their certificates, and from nobody else (log-authorized-senders); everyone else sends all of its own there.
 * TLS is GnuTLS's: with OpenSSL's, rsyslog 8.2302 looks at no name and takes from every certificate of the CA. */
#include "emit/serve.h"

#include <netinet/in.h>

enum { SYSLOG = 6514 };

#define LINE(o, ...) rf_emit_line(o, __VA_ARGS__)

static void put_tls(struct rf_emit_out *o, const char *name)
{
	LINE(o, "global(\n  defaultNetstreamDriver=\"gtls\"\n  defaultNetstreamDriverCAFile=\"/etc/ringfort/ca.pem\"\n"
	     "  defaultNetstreamDriverCertFile=\"/etc/ringfort/%s.pem\"\n"
	     "  defaultNetstreamDriverKeyFile=\"/etc/ringfort/%s.key\"\n)\n", name, name);
}

/* --- who takes */

static bool sends(const struct rf_emit *e, const struct rf_site_host *log, const struct rf_site_host *h)
{
	const struct rf_flow *f;
	size_t at = 0;

	while ((f = rf_serve_flow(e, h->zone, log, IPPROTO_TCP, SYSLOG, &at)))
		if (rf_end_has(&f->from, h))
			return true;
	return false;
}

static void put_peer(struct rf_emit *e, struct rf_emit_out *o, struct rf_view name, size_t *n)
{
	/* The comma stands before, so that one more is one line more. */
	LINE(o, "\n    %c \"%s.%s\"", (*n)++ ? ',' : ' ', rf_site_cstr(name), rf_site_cstr(e->site->domain));
}

static void put_peers(struct rf_emit *e, struct rf_emit_out *o, const struct rf_site_host *log)
{
	const struct rf_site *s = e->site;
	size_t n = 0;

	for (size_t i = 0; i < s->host_count; i++)
		if (&s->hosts[i] != log && s->hosts[i].zone && sends(e, log, &s->hosts[i]))
			put_peer(e, o, s->hosts[i].name, &n);
	for (size_t i = 0; i < s->switch_count; i++)
		put_peer(e, o, s->switches[i].name, &n);
	for (size_t i = 0; i < s->router_count; i++)
		if (!s->routers[i].host)
			put_peer(e, o, s->routers[i].name, &n);
}

static void put_log_host(struct rf_emit *e, const struct rf_site_host *h)
{
	struct rf_emit_out *o;
	char ip[RF_EMIT_IP];

	if (rf_emit_begin(e, &o, 0644, "# ", "services/%s/rsyslog.conf", rf_site_cstr(h->name)))
		return;
	put_tls(o, rf_site_cstr(h->name));
	LINE(o, "module(load=\"imuxsock\")\nmodule(load=\"imtcp\" maxSessions=\"4000\" keepAlive=\"on\")\n"
	     "template(name=\"ByHost\" type=\"string\" "
	     "string=\"/var/log/ringfort/%%fromhost-ip%%/%%$year%%-%%$month%%-%%$day%%.log\")\n"
	     "template(name=\"Whole\" type=\"string\" string=\"<%%pri%%>1 %%timereported:::date-rfc3339%% %%hostname%% "
	     "%%app-name%% %%procid%% %%msgid%% %%structured-data%% %%msg%%\\n\")\n"
	     "ruleset(name=\"remote\" queue.type=\"LinkedList\" queue.size=\"200000\") {\n"
	     "  action(type=\"omfile\" dynaFile=\"ByHost\" template=\"Whole\" fileCreateMode=\"0640\" "
	     "dirCreateMode=\"0750\")\n}\n"
	     "*.* action(type=\"omfile\" file=\"/var/log/ringfort/local.log\" fileCreateMode=\"0640\")\n");
	LINE(o, "input(\n  type=\"imtcp\"\n  port=\"%u\"\n  address=\"%s\"\n  ruleset=\"remote\"\n"
	     "  streamDriver.name=\"gtls\"\n"
	     "  streamDriver.mode=\"1\"\n  streamDriver.authMode=\"x509/name\"\n  permittedPeer=[", SYSLOG,
	     rf_emit_ip(h->address.family ? &h->address : &h->address6, ip));
	put_peers(e, o, h);
	LINE(o, "\n  ]\n)\n");
	rf_emit_end(o);
}

/* --- who sends */

static void put_target(struct rf_emit *e, struct rf_emit_out *o, const struct rf_site_host *log)
{
	char ip[RF_EMIT_IP];

	/* A log host that restarts loses nothing: what waits is kept on disk. */
	LINE(o, "*.* action(\n  type=\"omfwd\"\n  target=\"%s\"\n  port=\"%u\"\n  protocol=\"tcp\"\n"
	     "  tcp_framing=\"octet-counted\"\n"
	     "  template=\"RSYSLOG_SyslogProtocol23Format\"\n  streamDriver=\"gtls\"\n  streamDriverMode=\"1\"\n"
	     "  streamDriverAuthMode=\"x509/name\"\n  streamDriverPermittedPeers=\"%s.%s\"\n"
	     "  action.resumeRetryCount=\"-1\"\n  action.resumeInterval=\"1\"\n  queue.type=\"LinkedList\"\n"
	     "  queue.size=\"50000\"\n"
	     "  queue.filename=\"to-%s\"\n  queue.maxDiskSpace=\"1g\"\n  queue.saveOnShutdown=\"on\"\n)\n",
	     rf_emit_ip(log->address.family ? &log->address : &log->address6, ip), SYSLOG, rf_site_cstr(log->name),
	     rf_site_cstr(e->site->domain), rf_site_cstr(log->name));
}

static void put_sender(struct rf_emit *e, const struct rf_site_host *h)
{
	struct rf_emit_out *o;
	size_t n = 0;

	for (size_t i = 0; i < e->site->host_count; i++)
		n += rf_serves(&e->site->hosts[i], RF_SERVICE_LOG) && sends(e, &e->site->hosts[i], h);
	if (!n || rf_emit_begin(e, &o, 0644, "# ", "services/%s/rsyslog.conf", rf_site_cstr(h->name)))
		return;
	put_tls(o, rf_site_cstr(h->name));
	LINE(o, "global(workDirectory=\"/var/spool/rsyslog\")\nmodule(load=\"imuxsock\")\n");
	for (size_t i = 0; i < e->site->host_count; i++)
		if (rf_serves(&e->site->hosts[i], RF_SERVICE_LOG) && sends(e, &e->site->hosts[i], h))
			put_target(e, o, &e->site->hosts[i]);
	rf_emit_end(o);
}

void rf_emit_rsyslog(struct rf_emit *e)
{
	for (size_t i = 0; i < e->site->host_count; i++) {
		const struct rf_site_host *h = &e->site->hosts[i];

		if (rf_serves(h, RF_SERVICE_LOG))
			put_log_host(e, h);
		else if (h->zone && h->zone->kind != RF_ZONE_DATA)
			put_sender(e, h);
	}
}
