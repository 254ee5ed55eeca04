#include "role/keeper_login.h"

#include "base/reader.h"
#include "base/secret.h"
#include "role/keeper_wire.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int look_at_file(int fd, const char *file, struct rf_diag *diag)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0 || st.st_size > RF_KEEPER_PASSWORD_MAX)
		return rf_diag_set(diag, RF_E_INVALID, "%s holds no password: one line of at most %d bytes", file,
				   RF_KEEPER_PASSWORD_MAX);
	if (st.st_mode & 077)
		return rf_diag_set(diag, RF_E_DENIED, "%s can be read by others (mode %04o): chmod 600 %s", file,
				   (unsigned)st.st_mode & 07777, file);
	return 0;
}

int rf_keeper_login_read(const char *file, char **ret_text, size_t *ret_n, struct rf_diag *diag)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return rf_diag_set(diag, -errno, "%s: %s", file, strerror(errno));
	int rc = look_at_file(fd, file, diag);
	char *text = rc ? NULL : OPENSSL_secure_zalloc(RF_KEEPER_PASSWORD_MAX);
	ssize_t n = text ? read(fd, text, RF_KEEPER_PASSWORD_MAX) : -1;

	close(fd);
	if (rc)
		return rc;
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		n--;
	if (n <= 0 || memchr(text, '\n', (size_t)n) || memchr(text, 0, (size_t)n)) {
		rf_keeper_login_free(text);
		return rf_diag_set(diag, RF_E_INVALID, "%s holds no password: one line of text", file);
	}
	*ret_text = text;
	*ret_n = (size_t)n;
	return 0;
}

void rf_keeper_login_free(char *text)
{
	OPENSSL_secure_clear_free(text, RF_KEEPER_PASSWORD_MAX);
}

int rf_keeper_login_add(struct rf_keeper_passwords *p, const char *user, const char *file, struct rf_diag *diag)
{
	int rc = p->n < RF_KEEPER_LOGINS_MAX ? 0 : RF_E_LIMIT;

	if (!rc)
		rc = rf_keeper_login_read(file, &p->text[p->n], &p->text_n[p->n], diag);
	if (!rc)
		p->user[p->n++] = user;
	return rc;
}

void rf_keeper_login_set(struct rf_keeper_passwords *p, unsigned login, const char *text, size_t n)
{
	pthread_mutex_lock(&p->lock);
	rf_secret_wipe(p->text[login], RF_KEEPER_PASSWORD_MAX);
	if (text)
		memcpy(p->text[login], text, n);
	p->text_n[login] = text ? n : 0;
	pthread_mutex_unlock(&p->lock);
}

uint32_t rf_keeper_login_there(struct rf_keeper_passwords *p)
{
	uint32_t there = 0;

	pthread_mutex_lock(&p->lock);
	for (unsigned i = 0; i < p->n; i++)
		if (p->text_n[i])
			there |= UINT32_C(1) << i;
	pthread_mutex_unlock(&p->lock);
	return there;
}

void rf_keeper_login_wipe(struct rf_keeper_passwords *p)
{
	for (unsigned i = 0; i < p->n; i++)
		rf_keeper_login_free(p->text[i]);
	p->n = 0;
}

int rf_keeper_login_prepare(struct rf_digest_ctx **ret_digest)
{
	struct rf_digest_ha1 ha1;
	int rc = rf_digest_ctx_new(ret_digest);

	for (unsigned alg = 0; rc == 0 && alg < RF_DIGEST_ALGS; alg++)
		if (alg != RF_DIGEST_MD5) /* which a FIPS provider does not have */
			rc = rf_digest_ha1(*ret_digest, (enum rf_digest_alg)alg, RF_V("a"), RF_V("b"), RF_V("c"), &ha1);
	return rc;
}

static struct rf_view take_text(struct rf_reader *r)
{
	return rf_take(r, rf_take_be16(r));
}

int rf_keeper_login_answer(struct rf_keeper_passwords *p, struct rf_digest_ctx *digest, const uint8_t *question,
			   uint8_t *out, size_t *ret_n)
{
	struct rf_reader r = rf_reader_of(rf_view_of(question + 8, RF_KEEPER_LOGIN_SIZE - 8));
	unsigned login = question[2];
	struct rf_digest_cred cred = { .alg = (enum rf_digest_alg)question[1], .sess = question[3] == 1 };
	struct rf_view text[RF_KEEPER_TEXTS];
	char hex[2 * RF_DIGEST_HASH_MAX];
	struct rf_digest_ha1 ha1;

	for (unsigned i = 0; i < RF_KEEPER_TEXTS; i++)
		text[i] = take_text(&r);
	if (r.err || question[1] >= RF_DIGEST_ALGS || question[3] > 1 || login >= p->n)
		return RF_KEEPER_BAD_QUESTION;
	cred.realm = text[RF_KEEPER_REALM];
	cred.nonce = text[RF_KEEPER_NONCE];
	cred.uri = text[RF_KEEPER_URI];
	cred.nc_text = text[RF_KEEPER_NC];
	cred.cnonce = text[RF_KEEPER_CNONCE];
	cred.qop = cred.nc_text.n ? RF_DIGEST_QOP_AUTH : RF_DIGEST_QOP_NONE;
	pthread_mutex_lock(&p->lock);
	bool there = p->text_n[login] > 0;
	int rc = !there ? RF_E_NOT_FOUND : rf_digest_ha1(digest, cred.alg, rf_view_str(p->user[login]), cred.realm,
							 rf_view_of(p->text[login], p->text_n[login]), &ha1);
	pthread_mutex_unlock(&p->lock);
	if (!there)
		return RF_KEEPER_NO_KEY;
	if (rc == 0)
		rc = rf_digest_response(digest, &cred, &ha1, text[RF_KEEPER_METHOD], RF_V(""), hex);
	rf_secret_wipe(&ha1, sizeof ha1);
	if (rc)
		return RF_KEEPER_NO_SIGNATURE;
	*ret_n = 2 * rf_digest_alg_bytes(cred.alg);
	memcpy(out, hex, *ret_n);
	return RF_KEEPER_OK;
}
