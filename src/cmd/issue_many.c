/* Certificates for thousands of phones: what costs time is arithmetic (a key, a signature), so every processor takes
 * its part of the rows; the files are forced to the disk once, and the directory changes once. */
#include "cmd/issue.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

enum { THREADS_MAX = 64, PROGRESS_MS = 200 };

struct many {
	const struct rf_cmd_ctx *c;
	struct rf_ca *ca;
	const struct rf_site *site;
	struct rf_issue_row *rows;
	size_t n;
	unsigned days;
	struct rf_wall now;
	atomic_size_t next, made; /* rows taken by a thread; rows with their files */
	atomic_bool failed;
	pthread_mutex_t lock;     /* of diag */
	struct rf_diag diag;      /* of the first that failed */
};

static int make_one(struct many *m, struct rf_issue_row *row, struct rf_diag *diag)
{
	struct rf_issue_request req;
	struct rf_pki_id id;

	if (!rf_issue_request(m->site, row->name, row->number, m->days, &req))
		return rf_diag_set(diag, RF_E_LIMIT, "sip:%.*s@%.*s does not fit into a certificate",
				   RF_VFMT(row->number), RF_VFMT(m->site->domain));
	req.ca.sync_later = true;
	int rc = rf_ca_issue(m->ca, &req.ca, m->now, &id, diag);
	if (rc)
		return rc;
	row->made.serial_len = id.serial_len;
	memcpy(row->made.serial, id.serial, sizeof id.serial);
	memcpy(row->made.sha256, id.sha256, sizeof id.sha256);
	row->made.not_before_s = id.not_before_s;
	row->made.not_after_s = id.not_after_s;
	return 0;
}

static void *make_rows(void *arg)
{
	struct many *m = arg;
	size_t i;

	while (!atomic_load(&m->failed) && (i = atomic_fetch_add(&m->next, 1)) < m->n) {
		struct rf_diag diag = { 0 };

		if (make_one(m, &m->rows[i], &diag) == 0) {
			atomic_fetch_add(&m->made, 1);
			continue;
		}
		pthread_mutex_lock(&m->lock);
		if (!atomic_exchange(&m->failed, true))
			m->diag = diag;
		pthread_mutex_unlock(&m->lock);
	}
	return NULL;
}

/* On a terminal a line that grows, until all threads are at the end of the rows. */
static void show_progress(struct many *m)
{
	int fd = fileno(m->c->err);

	if (m->c->json || fd < 0 || !isatty(fd))
		return;
	while (!atomic_load(&m->failed) && atomic_load(&m->made) < m->n) {
		fprintf(m->c->err, "\r%zu of %zu certificates", atomic_load(&m->made), m->n);
		fflush(m->c->err);
		nanosleep(&(struct timespec){ .tv_nsec = PROGRESS_MS * 1000000L }, NULL);
	}
	fprintf(m->c->err, "\r%*s\r", 60, "");
}

static int make_files(struct many *m)
{
	int cores = get_nprocs();
	size_t want = cores < 1 ? 1 : cores > THREADS_MAX ? THREADS_MAX : (size_t)cores, running = 0;
	pthread_t thread[THREADS_MAX];

	if (want > m->n)
		want = m->n;
	while (running < want && pthread_create(&thread[running], NULL, make_rows, m) == 0)
		running++;
	if (running == 0)
		make_rows(m);
	show_progress(m);
	for (size_t i = 0; i < running; i++)
		pthread_join(thread[i], NULL);
	if (atomic_load(&m->failed))
		return m->diag.code;
	return rf_ca_sync(m->ca, &m->diag);
}

static int record_one(struct many *m, struct rf_store *store, const struct rf_issue_row *row)
{
	char uri[RF_PKI_URI_MAX + 1];
	size_t before;
	int n = snprintf(uri, sizeof uri, "sip:%.*s@%.*s", RF_VFMT(row->number), RF_VFMT(m->site->domain));
	struct rf_store_cert cert = {
		.serial = rf_view_of(row->made.serial, row->made.serial_len), .phone = row->name,
		.subject = rf_view_of(uri, (size_t)n), .not_before = { row->made.not_before_s * 1000000 },
		.not_after = { row->made.not_after_s * 1000000 },
	};

	memcpy(cert.sha256, row->made.sha256, sizeof cert.sha256);
	int rc = rf_store_cert_revoke(store, false, row->name, m->now, &before, &m->diag);
	return rc ? rc : rf_store_cert_add(store, &cert, &m->diag);
}

static int record_all(struct many *m, struct rf_store *store)
{
	int rc = rf_store_begin(store, &m->diag);

	if (rc)
		return rc;
	for (size_t i = 0; i < m->n && rc == 0; i++)
		rc = record_one(m, store, &m->rows[i]);
	if (rc == 0)
		return rf_store_commit(store, &m->diag);
	rf_store_rollback(store);
	return rc;
}

void rf_issue_remove_files(const struct rf_cmd_ctx *c, struct rf_view name)
{
	static const char *const names[] = { "key.pem", "cert.pem", "" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char rel[160];

		snprintf(rel, sizeof rel, RF_PKI_PHONES "/%.*s/%s", RF_VFMT(name), names[i]);
		char *path = rf_cmd_path(c, rel);
		(void)(names[i][0] ? unlink(path) : rmdir(path));
		free(path);
	}
}

int rf_issue_phones(const struct rf_cmd_ctx *c, struct rf_ca *ca, struct rf_store *store, const struct rf_site *site,
		    struct rf_issue_row *rows, size_t n, unsigned days, bool fresh)
{
	struct many m = {
		.c = c, .ca = ca, .site = site, .rows = rows, .n = n, .days = days, .now = c->clock.wall(c->clock.ctx),
	};

	pthread_mutex_init(&m.lock, NULL);
	int rc = n ? make_files(&m) : 0;
	if (rc == 0)
		rc = record_all(&m, store);
	pthread_mutex_destroy(&m.lock);
	if (rc == 0)
		return 0;
	for (size_t i = 0; fresh && i < n; i++)
		rf_issue_remove_files(c, rows[i].name);
	return rf_cmd_diag(c, &m.diag);
}
