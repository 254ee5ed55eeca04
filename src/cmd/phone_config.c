#include "cmd/phone_config.h"

#include "base/secret.h"
#include "pki/ca.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 64 * 1024 };

/* A file of the configuration: 0600, since it may hold a key or a password. What is there is replaced. */
static FILE *create(struct rf_phone_config *p, const char *name)
{
	char *path;

	if (asprintf(&path, "%s/%s", p->out, name) < 0)
		return NULL;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		rf_cmd_error(p->c, RF_EXIT_FAILED, "cannot write %s: %s", path, rf_err_text(-errno));
	free(path);
	return fd < 0 ? NULL : fdopen(fd, "w");
}

static int finish(struct rf_phone_config *p, FILE *f, const char *name)
{
	bool bad = ferror(f);

	if (fclose(f) || bad)
		return rf_cmd_error(p->c, RF_EXIT_FAILED, "cannot write %s/%s", p->out, name);
	return 0;
}

static int copy_into(struct rf_phone_config *p, FILE *out, const char *rel)
{
	char *path = rf_cmd_path(p->c, rel), *bytes = malloc(FILE_MAX);
	FILE *f = bytes ? fopen(path, "re") : NULL;
	size_t n = f ? fread(bytes, 1, FILE_MAX, f) : 0;
	int status = 0;

	if (!n || n == FILE_MAX || fwrite(bytes, 1, n, out) != n)
		status = rf_cmd_error(p->c, RF_EXIT_FAILED,
				      "cannot copy %s; `ringfort phone issue %s` makes a certificate", path,
				      rf_site_cstr(p->phone->name));
	if (f)
		fclose(f);
	if (bytes)
		rf_secret_wipe(bytes, FILE_MAX);
	free(bytes);
	free(path);
	return status;
}

/* One file out of one or two of the pki. */
static int copy(struct rf_phone_config *p, const char *name, const char *first, const char *second)
{
	FILE *f = create(p, name);
	int status;

	if (!f)
		return RF_EXIT_FAILED;
	status = copy_into(p, f, first);
	if (!status && second)
		status = copy_into(p, f, second);
	int closed = finish(p, f, name);
	return status ? status : closed;
}

static const char *host_text(const struct rf_phone_config *p, char *dst, size_t cap)
{
	snprintf(dst, cap, strchr(p->address, ':') ? "[%s]" : "%s", p->address);
	return dst;
}

static int copy_pki(struct rf_phone_config *p, const char *key, const char *cert)
{
	char from_key[160], from_cert[160];

	snprintf(from_key, sizeof from_key, RF_PKI_PHONES "/%s/key.pem", rf_site_cstr(p->phone->name));
	snprintf(from_cert, sizeof from_cert, RF_PKI_PHONES "/%s/cert.pem", rf_site_cstr(p->phone->name));
	int status = copy(p, "ca.pem", RF_PKI_CA_CERT, NULL);
	if (!status && cert)
		status = copy(p, cert, from_cert, NULL);
	if (!status) /* baresip wants both in one file */
		status = copy(p, key, from_key, cert ? NULL : from_cert);
	return status;
}

/* --- baresip 1.0.0 */

static const char baresip_text[] =
	"# Written by ringfort. Start: baresip -f %s\n"
	"poll_method epoll\n"
	"sip_listen 0.0.0.0:0\n"
	"sip_certificate %s/phone.pem\n"
	"sip_cafile %s/ca.pem\n"
	"sip_trans_def tls\n"
	"call_local_timeout 120\n"
	"call_max_calls 4\n"
	"audio_player alsa,default\n"
	"audio_source alsa,default\n"
	"audio_alert alsa,default\n"
	"audio_level no\n"
	"ausrc_format s16\n"
	"auplay_format s16\n"
	"rtp_ports 20000-29999\n"
	"rtp_stats yes\n"
	"jitter_buffer_type fixed\n"
	"jitter_buffer_delay 5-10\n"
	"module_path %s\n"
	"module stdio.so\n"
	"module g711.so\n"
	"module opus.so\n"
	"module alsa.so\n"
	"module srtp.so\n"
	"%s"
	"module_tmp uuid.so\n"
	"module_tmp account.so\n"
	"module_app contact.so\n"
	"module_app menu.so\n";

/* Where Debian keeps baresip's modules. */
static const char *module_path(void)
{
	static const char *const places[] = { "/usr/lib/baresip/modules", "/usr/local/lib/baresip/modules" };

	for (size_t i = 0; i < sizeof places / sizeof *places; i++)
		if (access(places[i], X_OK) == 0)
			return places[i];
	return places[0];
}

/* A value in baresip's account line stands in quotes; a quote inside cannot be written. */
static int check_baresip_password(struct rf_phone_config *p)
{
	if (p->user && (memchr(p->password.text, '"', p->password.n) || memchr(p->password.text, '\\', p->password.n)))
		return rf_cmd_error(p->c, RF_EXIT_USAGE,
				    "baresip cannot be given a password with a quote or a backslash; "
				    "`ringfort user passwd %s` sets another",
				    p->user);
	return 0;
}

/* The display name in quotes; what would end them is left out. */
static void put_label(FILE *f, struct rf_view label)
{
	if (!label.n)
		return;
	fputc('"', f);
	for (size_t i = 0; i < label.n; i++)
		if (label.p[i] != '"' && label.p[i] != '\\' && label.p[i] != '<' && label.p[i] != '>' &&
		    label.p[i] != ';')
			fputc(label.p[i], f);
	fputs("\" ", f);
}

static int write_baresip_account(struct rf_phone_config *p)
{
	const char *transport = rf_transport_name(p->transport);
	char host[80];
	FILE *f = create(p, "accounts");

	if (!f)
		return RF_EXIT_FAILED;
	put_label(f, p->phone->label);
	fprintf(f, "<sip:%s@%s;transport=%s>;regint=600;outbound=\"sip:%s:%u;transport=%s\"",
		rf_site_cstr(p->phone->number), rf_site_cstr(p->site->domain), transport,
		host_text(p, host, sizeof host), p->port, transport);
	if (p->user)
		fprintf(f, ";auth_user=%s;auth_pass=\"%s\"", p->user, p->password.text);
	else
		fputs(";auth_pass=none", f); /* else it asks for one at each start; the certificate is what counts */
	fprintf(f, ";mediaenc=%s\n", p->site->policy.media_encrypted ? "srtp-mand" : "srtp");
	return finish(p, f, "accounts");
}

static int write_text(struct rf_phone_config *p, const char *name, const char *text)
{
	FILE *f = create(p, name);

	if (!f)
		return RF_EXIT_FAILED;
	fputs(text, f);
	return finish(p, f, name);
}

static int write_baresip(struct rf_phone_config *p)
{
	char urn[RF_SITE_URN], uuid[48];
	int status = check_baresip_password(p);

	if (!status)
		status = copy_pki(p, "phone.pem", NULL);
	FILE *f = status ? NULL : create(p, "config");
	if (!f)
		return status ? status : RF_EXIT_FAILED;
	fprintf(f, baresip_text, p->real_out, p->real_out, p->real_out, module_path(),
		p->site->policy.dtls_srtp ? "module dtls_srtp.so\n" : "");
	status = finish(p, f, "config");
	if (!status)
		status = write_baresip_account(p);
	rf_site_urn(p->site, p->phone->name, urn);
	snprintf(uuid, sizeof uuid, "%s", urn + strlen("urn:uuid:"));
	if (!status)
		status = write_text(p, "uuid", uuid); /* its instance id is the one in the certificate */
	return status ? status : write_text(p, "contacts", "# name <sip:number@domain>\n");
}

/* --- linphonec 5.1 */

static const char linphone_text[] =
	"# Written by ringfort. Start: HOME=%s linphonec -c %s/linphonerc\n"
	"[sip]\n"
	"sip_port=%d\n"
	"sip_tcp_port=%d\n"
	"sip_tls_port=%d\n"
	"use_ipv6=%d\n"
	"guess_hostname=1\n"
	"root_ca=%s/ca.pem\n"
	"client_cert_chain=%s/cert.pem\n"
	"client_cert_key=%s/key.pem\n"
	"verify_server_certs=1\n"
	"verify_server_cn=1\n"
	"media_encryption=srtp\n"
	"media_encryption_mandatory=%d\n"
	"srtp_crypto_suites=%s\n"
	"default_proxy=0\n"
	"register_only_when_network_is_up=0\n"
	"uuid=%s\n"
	"[rtp]\n"
	"audio_rtp_port=7078\n"
	"video_rtp_port=9078\n"
	"[net]\n"
	"mtu=1300\n"
	"[proxy_0]\n"
	"reg_proxy=<sip:%s:%u;transport=%s>\n"
	"reg_route=<sip:%s:%u;transport=%s>\n"
	"reg_identity=sip:%s@%s\n"
	"reg_expires=600\n"
	"reg_sendregister=1\n"
	"publish=0\n";

/* The suites that linphone has, of those the site allows, in its own spelling and our order. */
static void linphone_suites(const struct rf_site *site, char *dst, size_t cap)
{
	static const struct { enum rf_site_suite suite; const char *name; } all[] = {
		{ RF_SITE_AES_256_CM_HMAC_SHA1_80, "AES_256_CM_HMAC_SHA1_80" },
		{ RF_SITE_AES_CM_128_HMAC_SHA1_80, "AES_CM_128_HMAC_SHA1_80" },
		{ RF_SITE_AES_CM_128_HMAC_SHA1_32, "AES_CM_128_HMAC_SHA1_32" },
	};
	size_t n = 0;

	dst[0] = '\0';
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (site->policy.suites & 1u << all[i].suite)
			n += (size_t)snprintf(dst + n, cap - n, "%s%s", n ? "," : "", all[i].name);
}

static void put_linphone_auth(struct rf_phone_config *p, FILE *f)
{
	const char *domain = rf_site_cstr(p->site->domain);

	if (p->user)
		fprintf(f, "[auth_info_0]\nusername=%s\nuserid=%s\npasswd=%s\nrealm=%s\ndomain=%s\n",
			rf_site_cstr(p->phone->number), p->user, p->password.text, domain, domain);
}

/* linphone opens its database below HOME and gives up, its listening sockets included, when the folder is missing. */
static int make_home(struct rf_phone_config *p)
{
	static const char *const folders[] = { ".local", ".local/share", ".local/share/linphone" };
	char path[4096];

	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		if ((size_t)snprintf(path, sizeof path, "%s/%s", p->real_out, folders[i]) >= sizeof path ||
		    (mkdir(path, 0700) && errno != EEXIST))
			return rf_cmd_error(p->c, RF_EXIT_FAILED, "cannot make %s: %s", path, rf_err_text(-errno));
	}
	return RF_EXIT_YES;
}

static int write_linphone(struct rf_phone_config *p)
{
	char urn[RF_SITE_URN], suites[160], host[80];
	const char *d = p->real_out, *transport = rf_transport_name(p->transport),
		   *domain = rf_site_cstr(p->site->domain);

	linphone_suites(p->site, suites, sizeof suites);
	if (!suites[0])
		return rf_cmd_error(p->c, RF_EXIT_NO, "linphone 5.1 has none of the SRTP suites that this site allows");
	int status = copy_pki(p, "key.pem", "cert.pem");
	if (!status)
		status = make_home(p);
	FILE *f = status ? NULL : create(p, "linphonerc");
	if (!f)
		return status ? status : RF_EXIT_FAILED;
	rf_site_urn(p->site, p->phone->name, urn);
	host_text(p, host, sizeof host);
	/* 0: no such transport, -1: any port */
	fprintf(f, linphone_text, d, d, p->transport == RF_TRANSPORT_UDP ? -1 : 0,
		p->transport == RF_TRANSPORT_TCP ? -1 : 0, p->transport == RF_TRANSPORT_TLS ? -1 : 0, host[0] == '[', d,
		d, d, p->site->policy.media_encrypted, suites, urn + strlen("urn:uuid:"), host, p->port, transport,
		host, p->port, transport, rf_site_cstr(p->phone->number), domain);
	put_linphone_auth(p, f);
	fputs("[video]\nenabled=0\ncapture=0\ndisplay=0\n", f);
	return finish(p, f, "linphonerc");
}

static const struct {
	const char *kind;
	int (*write)(struct rf_phone_config *p);
} kinds[] = { { "baresip", write_baresip }, { "linphone", write_linphone } };

bool rf_phone_config_kind(const char *kind)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kinds[i].kind, kind) == 0)
			return true;
	return false;
}

int rf_phone_config_write(struct rf_phone_config *p, const char *kind)
{
	int status = RF_EXIT_USAGE;

	if (mkdir(p->out, 0700) && errno != EEXIST)
		return rf_cmd_error(p->c, RF_EXIT_FAILED, "cannot make %s: %s", p->out, rf_err_text(-errno));
	p->real_out = realpath(p->out, NULL);
	if (!p->real_out)
		return rf_cmd_error(p->c, RF_EXIT_FAILED, "cannot find %s: %s", p->out, rf_err_text(-errno));
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kinds[i].kind, kind) == 0)
			status = kinds[i].write(p);
	free(p->real_out);
	p->real_out = NULL;
	return status;
}
