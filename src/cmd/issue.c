#include "cmd/issue.h"

#include <stdlib.h>

static int record(const struct rf_cmd_ctx *c, struct rf_store *store, const struct rf_ca_request *req,
		  const struct rf_pki_id *id)
{
	struct rf_store_cert cert = {
		.serial = rf_pki_id_serial(id), .phone = rf_view_str(req->name), .subject = rf_view_str(req->uri),
		.host = req->host, .not_before = { id->not_before_s * 1000000 },
		.not_after = { id->not_after_s * 1000000 },
	};
	struct rf_diag diag = { 0 };

	memcpy(cert.sha256, id->sha256, sizeof cert.sha256);
	return rf_store_cert_add(store, &cert, &diag) ? rf_cmd_diag(c, &diag) : 0;
}

static int issue(const struct rf_cmd_ctx *c, struct rf_ca *ca, struct rf_store *store, const struct rf_ca_request *req,
		 struct rf_pki_id *ret_id)
{
	struct rf_wall now = c->clock.wall(c->clock.ctx);
	struct rf_diag diag = { 0 };
	size_t before;

	/* The older ones first: should this end halfway, the phone has none rather than two. */
	if (!req->host && rf_store_cert_revoke(store, false, rf_view_str(req->name), now, &before, &diag))
		return rf_cmd_diag(c, &diag);
	if (rf_ca_issue(ca, req, now, ret_id, &diag))
		return rf_cmd_diag(c, &diag);
	return record(c, store, req, ret_id);
}

bool rf_issue_request(const struct rf_site *site, struct rf_view name, struct rf_view number, unsigned days,
		      struct rf_issue_request *ret_req)
{
	struct rf_issue_request *r = ret_req;
	int n = snprintf(r->uri, sizeof r->uri, "sip:%.*s@%.*s", RF_VFMT(number), RF_VFMT(site->domain));

	rf_site_urn(site, name, r->urn);
	r->ca = (struct rf_ca_request){
		.name = r->name, .uri = r->uri, .urn = r->urn, .p384 = site->policy.profile == RF_CRYPTO_CNSA,
		.days = days,
	};
	return rf_view_cstr(name, r->name, sizeof r->name) && n > 0 && (size_t)n < sizeof r->uri;
}

int rf_issue_phone(const struct rf_cmd_ctx *c, struct rf_ca *ca, struct rf_store *store, const struct rf_site *site,
		   struct rf_view name, struct rf_view number, unsigned days, struct rf_pki_id *ret_id)
{
	struct rf_issue_request req;

	if (!rf_issue_request(site, name, number, days, &req))
		return rf_cmd_error(c, RF_EXIT_USAGE, "sip:%.*s@%.*s does not fit into a certificate", RF_VFMT(number),
				    RF_VFMT(site->domain));
	return issue(c, ca, store, &req.ca, ret_id);
}

static bool is_loopback(const struct rf_site_ip *ip)
{
	static const uint8_t one[16] = { [15] = 1 };

	return ip->family == 4 ? ip->b[0] == 127 : ip->family == 6 && memcmp(ip->b, one, sizeof one) == 0;
}

int rf_issue_revoke_host(const struct rf_cmd_ctx *c, struct rf_store *store, struct rf_view name, size_t *ret_n)
{
	struct rf_diag diag = { 0 };

	return rf_store_cert_revoke(store, true, name, c->clock.wall(c->clock.ctx), ret_n, &diag) ?
	       rf_cmd_diag(c, &diag) : 0;
}

/* What a border shows to the outside: the domain, and the addresses that the outside knows. */
static int issue_outside(const struct rf_cmd_ctx *c, struct rf_ca *ca, struct rf_store *store,
			 const struct rf_site *site, const struct rf_site_host *host,
			 const struct rf_ca_request *inside)
{
	const struct rf_site_outside *o = &host->outside;
	struct rf_ca_request req = { .host = true, .name = inside->name, .uri = inside->uri, .p384 = inside->p384,
				     .days = inside->days };
	struct rf_diag diag = { 0 };
	struct rf_pki_id id;
	struct rf_site_ip ip;
	size_t n = 0;

	if (!(host->roles & RF_ROLE_BORDER) || !o->pos.line)
		return 0;
	if (!rf_site_ip_parse(site->domain, false, &ip))
		req.dns[0] = rf_site_cstr(site->domain);
	if (o->address_text.n)
		req.ip[n++] = rf_site_cstr(o->advertised_text.n ? o->advertised_text : o->address_text);
	if (o->address6_text.n)
		req.ip[n++] = rf_site_cstr(o->address6_text);
	if (rf_ca_issue_outside(ca, &req, c->clock.wall(c->clock.ctx), &id, &diag))
		return rf_cmd_diag(c, &diag);
	return record(c, store, &req, &id);
}

int rf_issue_host(const struct rf_cmd_ctx *c, struct rf_ca *ca, struct rf_store *store, const struct rf_site *site,
		  const struct rf_site_host *host, unsigned days, struct rf_pki_id *ret_id)
{
	const char *domain = rf_site_cstr(site->domain), *name = rf_site_cstr(host->name);
	char *uri = NULL, *full = NULL;
	struct rf_site_ip ip;
	int status = RF_EXIT_FAILED;

	if (asprintf(&uri, "sip:%s", domain) < 0)
		uri = NULL;
	if (asprintf(&full, "%s.%s", name, domain) < 0)
		full = NULL;
	struct rf_ca_request req = {
		.host = true, .name = name, .uri = uri, .p384 = site->policy.profile == RF_CRYPTO_CNSA, .days = days,
		.ip = { rf_site_cstr(host->address_text) },
	};
	size_t n = 0;
	/* A domain may be an address; then it is one among the addresses. */
	if (!rf_site_ip_parse(site->domain, false, &ip)) {
		req.dns[n++] = domain;
		req.dns[n++] = full;
	}
	if (is_loopback(&host->address))
		req.dns[n++] = "localhost";
	if (host->address6_text.n)
		req.ip[1] = rf_site_cstr(host->address6_text);
	if (uri && full)
		status = issue(c, ca, store, &req, ret_id);
	else
		rf_cmd_error(c, status, "out of memory");
	if (!status)
		status = issue_outside(c, ca, store, site, host, &req);
	free(uri);
	free(full);
	return status;
}

struct list {
	struct rf_ca_revoked *v;
	uint8_t (*serials)[RF_PKI_SERIAL_MAX];
	size_t n, room;
};

static int collect(void *ctx, const struct rf_store_cert *cert)
{
	struct list *l = ctx;

	if (!cert->revoked || cert->serial.n > RF_PKI_SERIAL_MAX)
		return 0;
	if (l->n == l->room) {
		size_t room = l->room ? l->room * 2 : 64;
		struct rf_ca_revoked *v = reallocarray(l->v, room, sizeof *v);

		if (v)
			l->v = v;
		uint8_t (*serials)[RF_PKI_SERIAL_MAX] = reallocarray(l->serials, room, sizeof *serials);
		if (serials)
			l->serials = serials;
		if (!v || !serials)
			return -ENOMEM;
		l->room = room;
	}
	memcpy(l->serials[l->n], cert->serial.p, cert->serial.n);
	l->v[l->n++] = (struct rf_ca_revoked){ { NULL, cert->serial.n }, cert->revoked_at };
	return 0;
}

int rf_issue_crl(const struct rf_cmd_ctx *c, struct rf_ca *ca, struct rf_store *store)
{
	struct rf_diag diag = { 0 };
	struct list l = { 0 };
	int rc = rf_store_certs(store, collect, &l, &diag);

	for (size_t i = 0; i < l.n; i++)
		l.v[i].serial.p = l.serials[i]; /* now that the array no longer moves */
	if (rc == 0)
		rc = rf_ca_write_crl(ca, l.v, l.n, c->clock.wall(c->clock.ctx), &diag);
	free(l.v);
	free(l.serials);
	if (rc && !diag.code)
		rf_diag_set(&diag, rc, "cannot write " RF_PKI_CRL ": %s", rf_err_text(rc));
	return rc ? rf_cmd_diag(c, &diag) : 0;
}
