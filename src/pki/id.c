#include "pki/id.h"

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>
#include <stddef.h>
#include <time.h>

static int read_time(const ASN1_TIME *t, int64_t *ret_s)
{
	struct tm tm;

	if (!t || !ASN1_TIME_to_tm(t, &tm))
		return RF_E_MALFORMED;
	*ret_s = timegm(&tm);
	return 0;
}

static int read_serial(const X509 *cert, struct rf_pki_id *id)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
	const uint8_t *p = ASN1_STRING_get0_data(serial);
	int n = ASN1_STRING_length(serial);

	if (ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER)
		return RF_E_MALFORMED;
	for (; n > 0 && *p == 0; n--)
		p++;
	if (n <= 0 || n > RF_PKI_SERIAL_MAX)
		return RF_E_MALFORMED;
	memcpy(id->serial, p, (size_t)n);
	id->serial_len = (uint8_t)n;
	return 0;
}

/* Printable ASCII without blanks: what a URI may consist of (RFC 3986 2). */
static bool is_plain(struct rf_view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] <= ' ' || v.p[i] >= 0x7f)
			return false;
	return v.n > 0;
}

static int keep(char *dst, size_t cap, struct rf_view v, bool lower)
{
	char text[RF_PKI_URI_MAX + 1];

	if (v.n >= cap || v.n >= sizeof text)
		return RF_E_LIMIT;
	for (size_t i = 0; i < v.n; i++)
		text[i] = (char)(lower ? rf_lower(v.p[i]) : v.p[i]);
	text[v.n] = '\0';
	if (dst[0] && strcmp(dst, text) != 0)
		return RF_E_INVALID; /* a second, different one */
	memcpy(dst, text, v.n + 1);
	return 0;
}

/* The host of a sip URI without user part; empty when it is none. */
static struct rf_view domain_of(struct rf_view uri)
{
	struct rf_view none = { NULL, 0 };

	if (!rf_view_starts_nocase(uri, RF_V("sip:")) || rf_view_find(uri, '@') < uri.n)
		return none;
	uri = rf_view_from(uri, 4);
	uri = rf_view_sub(uri, 0, rf_view_find(uri, ';'));
	uri = rf_view_sub(uri, 0, rf_view_find(uri, '?'));
	return uri.n && uri.p[0] == '[' ? uri : rf_view_sub(uri, 0, rf_view_find(uri, ':'));
}

/* Whole or not at all. */
static void add_domain(struct rf_pki_id *id, struct rf_view v)
{
	size_t n = strlen(id->domains);

	if (!is_plain(v) || v.n + 1 > RF_PKI_DOMAINS_MAX - n)
		return;
	for (size_t i = 0; i < v.n; i++)
		id->domains[n + i] = (char)rf_lower(v.p[i]);
	id->domains[n + v.n] = ' ';
	id->domains[n + v.n + 1] = '\0';
}

static int read_uri(struct rf_view v, struct rf_pki_id *id)
{
	if (!is_plain(v))
		return RF_E_MALFORMED;
	if (rf_view_starts_nocase(v, RF_V("sip:")) || rf_view_starts_nocase(v, RF_V("sips:"))) {
		struct rf_view domain = domain_of(v);

		add_domain(id, domain);
		if (domain.n && id->uri[0] && domain_of(rf_view_str(id->uri)).n)
			return 0; /* one more domain: the list has it */
		return keep(id->uri, sizeof id->uri, v, false);
	}
	if (rf_view_starts_nocase(v, RF_V("urn:uuid:")))
		return v.n == RF_PKI_URN_LEN ? keep(id->urn, sizeof id->urn, v, true) : RF_E_MALFORMED;
	return 0;
}

static void read_address(struct rf_view v, struct rf_pki_id *id)
{
	char text[INET6_ADDRSTRLEN];

	if ((v.n == 4 && inet_ntop(AF_INET, v.p, text, sizeof text)) ||
	    (v.n == 16 && inet_ntop(AF_INET6, v.p, text, sizeof text)))
		add_domain(id, rf_view_str(text));
}

/* RFC 5922 7.1: DNS names are domains only where no sip URI is one. */
static void read_domains(const GENERAL_NAMES *names, struct rf_pki_id *id)
{
	bool by_uri = id->domains[0] != '\0';

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		const ASN1_STRING *s = name->type == GEN_DNS ? name->d.dNSName :
				       name->type == GEN_IPADD ? name->d.iPAddress : NULL;
		struct rf_view v = s ? rf_view_of(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s)) : RF_V("");

		if (name->type == GEN_DNS && !by_uri)
			add_domain(id, v);
		else if (name->type == GEN_IPADD)
			read_address(v, id);
	}
}

static int read_names(const X509 *cert, struct rf_pki_id *id)
{
	int critical, rc = 0;
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, &critical, NULL);

	if (!names)
		return critical == -1 ? 0 : RF_E_MALFORMED; /* -1: there is none; else it is there twice or broken */
	for (int i = 0; rc == 0 && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type != GEN_URI)
			continue;
		const ASN1_IA5STRING *s = name->d.uniformResourceIdentifier;
		rc = read_uri(rf_view_of(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s)), id);
	}
	if (rc == 0)
		read_domains(names, id);
	GENERAL_NAMES_free(names);
	return rc;
}

int rf_pki_id_from_x509(const struct x509_st *cert, struct rf_pki_id *ret_id)
{
	struct rf_pki_id id = { .present = true };
	unsigned n = sizeof id.sha256;
	int rc = read_serial(cert, &id);

	if (rc == 0)
		rc = read_time(X509_get0_notBefore(cert), &id.not_before_s);
	if (rc == 0)
		rc = read_time(X509_get0_notAfter(cert), &id.not_after_s);
	if (rc == 0)
		rc = read_names(cert, &id);
	if (rc)
		return rc;
	if (!X509_digest(cert, EVP_sha256(), id.sha256, &n))
		return RF_E_CRYPTO;
	*ret_id = id;
	return 0;
}

bool rf_pki_id_names(const struct rf_pki_id *id, struct rf_view domain)
{
	struct rf_view left = rf_view_str(id->domains);

	while (left.n) {
		struct rf_view one = rf_view_sub(left, 0, rf_view_find(left, ' '));

		if (domain.n && rf_view_eq_nocase(one, domain))
			return true;
		left = rf_view_from(left, one.n + 1);
	}
	return false;
}

size_t rf_pki_id_used(const struct rf_pki_id *id)
{
	return id->domains[0] ? offsetof(struct rf_pki_id, domains) + strlen(id->domains) + 1 :
				offsetof(struct rf_pki_id, uri) + strlen(id->uri) + 1;
}
