#include "cmd/password.h"

#include "base/secret.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

/* One line from fd, without what a stdio buffer would leave behind in memory. 0, -errno, RF_E_LIMIT. */
static int read_line(int fd, struct rf_password *p)
{
	p->n = 0;
	for (;;) {
		ssize_t got = read(fd, p->text + p->n, 1);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0 || p->text[p->n] == '\n')
			break;
		if (++p->n > RF_PASSWORD_MAX)
			return RF_E_LIMIT;
	}
	if (p->n && p->text[p->n - 1] == '\r')
		p->n--;
	p->text[p->n] = '\0';
	return 0;
}

static int ask(int tty, const char *prompt, struct rf_password *p)
{
	struct termios before, quiet;

	if (tcgetattr(tty, &before))
		return -errno;
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	if (write(tty, prompt, strlen(prompt)) < 0 || tcsetattr(tty, TCSAFLUSH, &quiet))
		return -errno;
	int rc = read_line(tty, p);
	(void)tcsetattr(tty, TCSAFLUSH, &before);
	if (write(tty, "\n", 1) < 0 && rc == 0)
		rc = -errno;
	return rc;
}

static int from_terminal(const struct rf_cmd_ctx *c, bool confirm, struct rf_password *p)
{
	struct rf_password again;
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

	if (tty < 0)
		return rf_cmd_error(c, RF_EXIT_USAGE,
				    "there is no terminal to ask for the password; give it on standard "
				    "input with --password-stdin");
	int rc = ask(tty, "Password: ", p);
	if (rc == 0 && confirm) {
		rc = ask(tty, "Again: ", &again);
		bool same = rc == 0 && rf_secret_eq(rf_view_of(p->text, p->n), rf_view_of(again.text, again.n));
		rf_secret_wipe(&again, sizeof again);
		if (rc == 0 && !same) {
			close(tty);
			return rf_cmd_error(c, RF_EXIT_USAGE, "the two passwords differ");
		}
	}
	close(tty);
	return rc ? rf_cmd_error(c, RF_EXIT_USAGE, "cannot read the password: %s", rf_err_text(rc)) : 0;
}

const char *rf_password_fault(struct rf_view password, unsigned min)
{
	size_t characters = 0;
	bool control = false;

	for (size_t i = 0; i < password.n; i++) {
		characters += (password.p[i] & 0xc0) != 0x80;
		control |= password.p[i] < ' ' || password.p[i] == 0x7f;
	}
	if (characters < min)
		return "is too short for this site's level";
	if (password.n > RF_PASSWORD_MAX)
		return "is longer than 256 bytes";
	return control ? "has control characters; phones cannot send them" : NULL;
}

void rf_password_make(struct rf_random *random, unsigned min, struct rf_password *ret_password)
{
	static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789"; /* 5 bits each */
	size_t n = min > 20 ? min : 20;

	ret_password->n = n < RF_PASSWORD_MAX ? n : RF_PASSWORD_MAX;
	for (size_t i = 0; i < ret_password->n; i++)
		ret_password->text[i] = letters[rf_random_u64(random) % 32];
	ret_password->text[ret_password->n] = '\0';
}

int rf_cmd_password(const struct rf_cmd_ctx *c, bool from_stdin, bool confirm, unsigned min,
		    struct rf_password *ret_password)
{
	int status = 0;

	if (from_stdin) {
		int rc = read_line(STDIN_FILENO, ret_password);

		if (rc)
			status = rf_cmd_error(c, RF_EXIT_USAGE, "cannot read the password from standard input: %s",
					      rf_err_text(rc));
	} else {
		status = from_terminal(c, confirm, ret_password);
	}
	const char *fault = status ? NULL : rf_password_fault(rf_view_of(ret_password->text, ret_password->n), min);

	if (fault)
		status = rf_cmd_error(c, RF_EXIT_USAGE, "the password %s: it must have at least %u characters", fault,
				      min);
	if (status)
		rf_secret_wipe(ret_password, sizeof *ret_password);
	return status;
}
