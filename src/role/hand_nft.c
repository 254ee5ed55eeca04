#include "role/hand_int.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *const programs[] = { "/usr/sbin/nft", "/sbin/nft", "/usr/bin/nft" };

static int write_all(int fd, struct rf_view v)
{
	for (size_t done = 0; done < v.n;) {
		ssize_t k = write(fd, v.p + done, v.n - done);

		if (k < 0 && errno != EINTR)
			return -errno;
		done += k > 0 ? (size_t)k : 0;
	}
	return 0;
}

/* The texts as a file that no one else sees, from its beginning. */
static int as_input(struct rf_view rules, struct rf_view more, int *ret_fd)
{
	int fd = memfd_create("rules", MFD_CLOEXEC);
	int rc = fd < 0 ? -errno : write_all(fd, rules);

	if (!rc)
		rc = write_all(fd, more);
	if (!rc && lseek(fd, 0, SEEK_SET) != 0)
		rc = -errno;
	if (rc && fd >= 0)
		close(fd);
	else if (!rc)
		*ret_fd = fd;
	return rc;
}

/* In the child: nothing of ours but the two descriptors, and an environment that says nothing. */
static void exec_nft(int in, int out)
{
	char name[] = "nft", f[] = "-f", dash[] = "-", lang[] = "LANG=C.UTF-8";
	char *const argv[] = { name, f, dash, NULL }, *const env[] = { lang, NULL };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0)
		_exit(126);
	close_range(STDERR_FILENO + 1, ~0u, 0);
	for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
		execve(programs[i], argv, env);
	_exit(127);
}

/* SIGCHLD is blocked in this process (hand_main.c), so that it can be waited for with a bound. */
static int wait_for(pid_t pid, int *ret_status)
{
	struct rf_clock clock = rf_clock_system();
	uint64_t end_us = clock.mono(clock.ctx).us + (uint64_t)RF_HAND_NFT_SECONDS * 1000000;
	struct timespec step = { .tv_nsec = 200 * 1000000 };
	bool late = false;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (;;) {
		pid_t got = waitpid(pid, ret_status, late ? 0 : WNOHANG);

		if (got == pid || (got < 0 && errno != EINTR))
			return late ? RF_E_TIMEOUT : 0;
		if (clock.mono(clock.ctx).us > end_us) {
			kill(pid, SIGKILL);
			late = true;
		} else {
			sigtimedwait(&set, NULL, &step);
		}
	}
}

/* The first line of what nft said, in diag. */
static int complaint(int fd, int status, struct rf_diag *diag)
{
	char text[400] = "";
	ssize_t n = pread(fd, text, sizeof text - 1, 0);

	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return rf_diag_set(diag, RF_E_NOT_FOUND, "there is no %s: install nftables", programs[0]);
	if (n < 0)
		n = 0;
	for (ssize_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < ' ')
			text[i] = ' ';
	text[n] = '\0';
	return rf_diag_set(diag, RF_E_INVALID, "nft took none of it (exit status %d): %.300s",
			   WIFEXITED(status) ? WEXITSTATUS(status) : -1, text);
}

int rf_hand_nft_load(struct rf_view rules, struct rf_view more, struct rf_diag *diag)
{
	int in = -1, status = 0, out = memfd_create("answer", MFD_CLOEXEC);
	int rc = out < 0 ? -errno : as_input(rules, more, &in);
	pid_t pid = rc ? -1 : fork();

	if (pid == 0)
		exec_nft(in, out);
	if (!rc && pid < 0)
		rc = -errno;
	if (!rc)
		rc = wait_for(pid, &status);
	if (rc == RF_E_TIMEOUT)
		rf_diag_set(diag, rc, "nft did not end within %d seconds and was killed: nothing was loaded",
			    RF_HAND_NFT_SECONDS);
	else if (rc)
		rf_diag_set(diag, rc, "running nft: %s", rf_err_text(rc));
	else if (!WIFEXITED(status) || WEXITSTATUS(status))
		rc = complaint(out, status, diag);
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	return rc;
}
