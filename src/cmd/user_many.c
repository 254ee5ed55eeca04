/* Thousands of users at once, in one transaction. Passwords come with the file, or are made here and written to a file
 * that only its owner may read: the letters to the people are made of it, then it is to be destroyed. */
#include "cmd/user_many.h"

#include "base/secret.h"
#include "cmd/bulk.h"
#include "cmd/password.h"
#include "cmd/record.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

struct many {
	const struct rf_cmd_ctx *c;
	struct rf_site *site;
	struct rf_store *store;
	struct rf_bulk bulk;
	int name, number, password;    /* columns */
	struct rf_password *made;      /* [rows], where any was made; n 0: it was given */
	size_t made_n;
	const char *out_path;          /* --passwords */
};

static void look_row(struct many *m, size_t row)
{
	struct rf_view name = rf_bulk_get(&m->bulk, row, m->name), number = rf_bulk_get(&m->bulk, row, m->number);
	struct rf_view password = rf_bulk_get(&m->bulk, row, m->password);
	const char *fault = password.n ? rf_password_fault(password, m->site->policy.password_min) : NULL;
	char mend[64];

	if (name.n && !rf_site_name_ok(name))
		rf_bulk_error(&m->bulk, row, m->name, "use letters, digits, '-', '_' and '.'",
			      "\"%.*s\" cannot be a user's name", RF_VFMT(name));
	if (number.n && !rf_site_number_ok(number))
		rf_bulk_error(&m->bulk, row, m->number, "digits, at most 32", "\"%.*s\" is no number", RF_VFMT(number));
	else if (rf_site_is_emergency(m->site, number))
		rf_bulk_error(&m->bulk, row, m->number, "choose another", "%.*s is an emergency number",
			      RF_VFMT(number));
	snprintf(mend, sizeof mend, "at least %u characters", m->site->policy.password_min);
	if (fault)
		rf_bulk_error(&m->bulk, row, m->password, mend, "the password %s", fault);
	else if (!password.n && !m->out_path)
		rf_bulk_error(&m->bulk, row, m->password, "fill it in, or let --passwords FILE make them",
			      "there is no password");
}

static void make_passwords(struct many *m)
{
	struct rf_random random;

	rf_random_system(&random);
	for (size_t i = 0; i < m->bulk.rows; i++)
		if (!rf_bulk_get(&m->bulk, i, m->password).n) {
			rf_password_make(&random, m->site->policy.password_min, &m->made[i]);
			m->made_n++;
		}
	rf_secret_wipe(&random, sizeof random);
}

static struct rf_view password_of(const struct many *m, size_t row)
{
	const struct rf_password *made = &m->made[row];

	return made->n ? rf_view_of(made->text, made->n) : rf_bulk_get(&m->bulk, row, m->password);
}

/* Names and numbers need no quotes, and what we made has none. On disk before anything is in the directory. */
static int write_passwords(const struct many *m)
{
	char buf[4096];
	int fd = open(m->out_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;

	if (!f) {
		int rc = -errno;

		if (fd >= 0)
			close(fd);
		return rf_cmd_error(m->c, RF_EXIT_USAGE, "cannot make %s for the passwords: %s", m->out_path,
				    rf_err_text(rc));
	}
	setvbuf(f, buf, _IOFBF, sizeof buf);
	fputs("name,number,password\n", f);
	for (size_t i = 0; i < m->bulk.rows; i++)
		if (m->made[i].n)
			fprintf(f, "%.*s,%.*s,%s\n", RF_VFMT(rf_bulk_get(&m->bulk, i, m->name)),
				RF_VFMT(rf_bulk_get(&m->bulk, i, m->number)), m->made[i].text);
	bool bad = fflush(f) || fsync(fd);
	int rc = bad ? -errno : 0;
	bad |= fclose(f) != 0;
	rf_secret_wipe(buf, sizeof buf);
	if (!bad)
		return 0;
	unlink(m->out_path);
	return rf_cmd_error(m->c, RF_EXIT_FAILED, "cannot write %s: %s", m->out_path, rf_err_text(rc ? rc : -EIO));
}

static int add_row(struct many *m, struct rf_digest_ctx *digest, size_t row, struct rf_diag *diag)
{
	struct rf_wall now = m->c->clock.wall(m->c->clock.ctx);
	struct rf_store_user user = {
		.name = rf_bulk_get(&m->bulk, row, m->name), .number = rf_bulk_get(&m->bulk, row, m->number),
		.created = now, .changed = now,
	};
	int rc = rf_user_hash(digest, m->site, password_of(m, row), &user);

	if (rc)
		rf_diag_set(diag, rc, "cannot hash a password: %s", rf_err_text(rc));
	else
		rc = rf_store_user_add(m->store, &user, diag);
	rf_secret_wipe(user.ha1, sizeof user.ha1);
	if (rc != RF_E_EXISTS)
		return rc;
	rf_bulk_error(&m->bulk, row, m->name, "`ringfort user passwd` changes a password",
		      "there is a user \"%.*s\" already", RF_VFMT(user.name));
	return 0;
}

static int add_rows(struct many *m)
{
	struct rf_digest_ctx *digest = NULL;
	struct rf_diag diag = { 0 };
	int rc = rf_digest_ctx_new(&digest);

	if (rc)
		return rf_cmd_error(m->c, RF_EXIT_FAILED, "cannot hash passwords: %s", rf_err_text(rc));
	rc = rf_store_begin(m->store, &diag);
	if (rc == 0) {
		for (size_t i = 0; i < m->bulk.rows && rc == 0; i++)
			rc = add_row(m, digest, i, &diag);
		if (rc || m->bulk.findings.count[RF_SEV_ERROR])
			rf_store_rollback(m->store);
		else
			rc = rf_store_commit(m->store, &diag);
	}
	rf_digest_ctx_free(digest);
	return rc ? rf_cmd_diag(m->c, &diag) : rf_bulk_verdict(&m->bulk);
}

static void fill_record(void *ctx, size_t i, struct rf_cmd_record *r)
{
	const struct many *m = ctx;

	*r = (struct rf_cmd_record){ RF_EVENT_USER_ADDED, .user = rf_bulk_get(&m->bulk, i, m->name),
				     .number = rf_bulk_get(&m->bulk, i, m->number) };
}

static int tell(const struct many *m)
{
	if (m->c->json)
		return rf_cmd_json(m->c,
				   json_pack("{s:I, s:I, s:s?}", "added", (json_int_t)m->bulk.rows, "passwords_made",
					     (json_int_t)m->made_n, "passwords", m->made_n ? m->out_path : NULL),
				   RF_EXIT_YES);
	fprintf(m->c->out, "%zu users added\n", m->bulk.rows);
	if (m->made_n)
		fprintf(m->c->out, "%zu passwords in %s: tell them to their owners, then destroy it\n", m->made_n,
			m->out_path);
	return RF_EXIT_YES;
}

static int add_all(struct many *m)
{
	m->name = rf_bulk_column(&m->bulk, "name");
	m->number = rf_bulk_column(&m->bulk, "number");
	m->password = rf_bulk_column(&m->bulk, "password");
	for (size_t i = 0; i < m->bulk.rows; i++)
		look_row(m, i);
	int status = rf_bulk_once(&m->bulk, m->name, "user");
	if (!status)
		status = rf_bulk_verdict(&m->bulk);
	if (status)
		return status;
	m->made = calloc(m->bulk.rows + 1, sizeof *m->made);
	if (!m->made)
		return rf_cmd_error(m->c, RF_EXIT_FAILED, "out of memory");
	make_passwords(m);
	if (m->made_n)
		status = write_passwords(m);
	if (!status && (status = add_rows(m)) != 0 && m->made_n)
		unlink(m->out_path);
	if (status)
		return status;
	rf_cmd_record_all(m->c, m->bulk.rows, fill_record, m);
	return tell(m);
}

int rf_user_add_file(struct rf_cmd_ctx *c)
{
	static const char *const columns[] = { "name", "number", "password", NULL };
	struct many m = { .c = c, .out_path = rf_cmd_opt(c, "passwords") };
	int status = 0;

	if (!rf_cmd_flag(c, "file") || c->args || rf_cmd_flag(c, "number") || rf_cmd_flag(c, "password-stdin"))
		return rf_cmd_error(c, RF_EXIT_USAGE, "one user: NAME --number N [--password-stdin]; many: --file FILE "
						      "[--passwords FILE]");
	m.site = rf_cmd_site(c, &status);
	if (!status)
		m.store = rf_cmd_store(c, &status);
	if (!status)
		status = rf_bulk_open(c, rf_cmd_opt(c, "file"), columns, 2, &m.bulk);
	if (!status)
		status = rf_bulk_verdict(&m.bulk);
	if (!status)
		status = add_all(&m);
	if (m.made)
		rf_secret_wipe(m.made, m.bulk.rows * sizeof *m.made);
	free(m.made);
	rf_bulk_close(&m.bulk);
	rf_store_close(m.store);
	rf_site_put(m.site);
	return status;
}
