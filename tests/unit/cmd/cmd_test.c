/* The administrator's commands, as typed, in a folder of their own. Standard input is a pipe where
 * a password is asked. */
#include "cmd/cmd.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
	char dir[64];
	char site[80];
	char *out, *err;
};

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof *p);

	snprintf(p->dir, sizeof p->dir, "/tmp/rf-cmd-XXXXXX");
	if (!mkdtemp(p->dir))
		return -1;
	snprintf(p->site, sizeof p->site, "%s/site", p->dir);
	*state = p;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	struct place *p = *state;

	nftw(p->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(p->out);
	free(p->err);
	free(p);
	return 0;
}

/* Words up to NULL, behind "ringfort -C SITE". */
static int type(struct place *p, ...)
{
	char *argv[32] = { (char *)(uintptr_t)"ringfort", (char *)(uintptr_t)"-C", p->site };
	int argc = 3;
	size_t n;
	va_list ap;

	va_start(ap, p);
	while ((argv[argc] = va_arg(ap, char *)))
		argc++;
	va_end(ap);
	free(p->out);
	free(p->err);
	FILE *out = open_memstream(&p->out, &n), *err = open_memstream(&p->err, &n);
	int status = rf_cmd_run(argc, argv, out, err);
	fclose(out);
	fclose(err);
	return status;
}

#define END ((char *)NULL)

/* Give the next command this on standard input. */
static void feed(const char *text)
{
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	assert_int_equal(write(fd[1], text, strlen(text)), (ssize_t)strlen(text));
	close(fd[1]);
	dup2(fd[0], STDIN_FILENO);
	close(fd[0]);
}

static void make_site(struct place *p, const char *level)
{
	if (type(p, "init", p->site, "--level", level, "--address", "127.0.0.1", "--domain", "a.example", "--host",
		 "ctl", END) != 0)
		fail_msg("%s", p->err);
}

static void write_file(const struct place *p, const char *name, const char *text, const char *mode)
{
	char path[160];

	snprintf(path, sizeof path, "%s/%s", p->site, name);
	FILE *f = fopen(path, mode);
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static char *read_file(const struct place *p, const char *name)
{
	static char text[8192];
	char path[160];

	snprintf(path, sizeof path, "%s/%s", p->site, name);
	FILE *f = fopen(path, "r");
	if (!f)
		return NULL;
	text[fread(text, 1, sizeof text - 1, f)] = '\0';
	fclose(f);
	return text;
}

static void usage(void **state)
{
	struct place *p = *state;

	assert_int_equal(type(p, "chek", END), RF_EXIT_USAGE);
	assert_non_null(strstr(p->err, "did you mean \"check\"?"));
	assert_int_equal(type(p, "phone", END), RF_EXIT_USAGE);
	assert_int_equal(type(p, "phone", "frob", END), RF_EXIT_USAGE);
	assert_int_equal(type(p, "phone", "--help", END), RF_EXIT_YES);
	assert_non_null(strstr(p->out, "phone add NAME"));
	assert_int_equal(type(p, "phone", "add", "--help", END), RF_EXIT_YES);
	assert_non_null(strstr(p->out, "example:"));
	assert_int_equal(type(p, "phone", "add", "a", "--numbr", "1", END), RF_EXIT_USAGE);
	assert_non_null(strstr(p->err, "--number"));
	assert_int_equal(type(p, "phone", "add", "a", "--number", END), RF_EXIT_USAGE);
	assert_int_equal(type(p, "phone", "add", "a", "b", "--number=1", END), RF_EXIT_USAGE);
	assert_int_equal(type(p, "phone", "add", END), RF_EXIT_USAGE);
	assert_int_equal(type(p, "check", "--json=1", END), RF_EXIT_USAGE);
	assert_int_equal(type(p, "--help", END), RF_EXIT_YES);
	assert_int_equal(type(p, "--version", END), RF_EXIT_YES);
	assert_int_equal(type(p, END), RF_EXIT_USAGE);
	/* A folder that is no site. */
	assert_int_equal(type(p, "phone", "list", END), RF_EXIT_FAILED);
	assert_non_null(strstr(p->err, "ringfort init"));
	assert_int_equal(type(p, "phone", "list", "--json", END), RF_EXIT_FAILED);
	assert_non_null(strstr(p->err, "{\"error\""));
}

static void first_site(void **state)
{
	struct place *p = *state;

	make_site(p, "medium");
	assert_int_equal(type(p, "init", p->site, END), RF_EXIT_USAGE); /* never over one that is there */
	if (type(p, "check", END) != RF_EXIT_YES)
		fail_msg("%s%s", p->out, p->err);
	assert_int_equal(type(p, "init", p->dir, END), RF_EXIT_USAGE);  /* not empty */
	char other[96];
	snprintf(other, sizeof other, "%s/other", p->dir);
	assert_int_equal(type(p, "init", other, "--domain", "a b", END), RF_EXIT_USAGE);
	assert_int_equal(type(p, "init", other, "--level", "low", END), RF_EXIT_USAGE);
	assert_int_equal(type(p, "init", other, "--address", "x", END), RF_EXIT_USAGE);
	assert_int_equal(type(p, "init", other, "--port", "0", END), RF_EXIT_USAGE);
	assert_int_equal(access(other, F_OK), -1);
	assert_int_equal(type(p, "init", other, "--address", "fd00::1", END), RF_EXIT_YES);
}

/* A site file that came from elsewhere: the rest is made around it. */
static void around_a_file(void **state)
{
	struct place *p = *state;

	assert_int_equal(mkdir(p->site, 0755), 0);
	write_file(p, "site.yaml",
		   "site: x\ndomain: x.example\nlevel: highest\nphones_file: phones.csv\n"
		   "zones: { server: {} }\nphones: [ { name: a, number: 7 } ]\n"
		   "hosts: [ { name: c, zone: server, address: 127.0.0.1, roles: controller } ]\n",
		   "w");
	assert_int_equal(type(p, "init", p->site, END), RF_EXIT_YES);
	assert_int_equal(type(p, "check", END), RF_EXIT_YES);
	assert_non_null(strstr(p->out, "has no user"));
	assert_non_null(read_file(p, "pki/phones/a/cert.pem"));
	assert_int_equal(type(p, "phone", "remove", "a", END), RF_EXIT_USAGE);
	assert_non_null(strstr(p->err, "site.yaml:6"));
	assert_int_equal(type(p, "phone", "config", "a", "--for", "baresip", "-o", p->dir, END), RF_EXIT_USAGE);
	assert_non_null(strstr(p->err, "--user"));
}

static void phones(void **state)
{
	struct place *p = *state;
	char before[8192], out[96];

	make_site(p, "medium");
	write_file(p, "phones.csv", "# kept as it is\nnumber,name,label\n\n# also this\n1000,x,\n", "w");
	assert_int_equal(type(p, "check", END), RF_EXIT_NO); /* x has no certificate */
	assert_non_null(strstr(p->out, "phones.csv:5:1: error: phone \"x\" has no valid certificate"));
	assert_int_equal(type(p, "phone", "issue", "x", END), RF_EXIT_YES);
	assert_int_equal(type(p, "check", END), RF_EXIT_YES);
	assert_int_equal(type(p, "phone", "add", "y", "--number", "1001", "--label", "Y, the \"second\"", END),
			 RF_EXIT_YES);
	assert_string_equal(read_file(p, "phones.csv"),
			    "# kept as it is\nnumber,name,label\n\n# also this\n1000,x,\n"
			    "1001,y,\"Y, the \"\"second\"\"\"\n");
	snprintf(before, sizeof before, "%s", read_file(p, "phones.csv"));
	assert_int_equal(type(p, "phone", "add", "y", "--number", "1002", END), RF_EXIT_USAGE);
	assert_int_equal(type(p, "phone", "add", "z", "--number", "1x", END), RF_EXIT_USAGE);
	assert_int_equal(type(p, "phone", "add", "../z", "--number", "1", END), RF_EXIT_USAGE);
	assert_int_equal(type(p, "phone", "add", "z", "--number", "1", "--mac", "00:00:00:00:00", END), RF_EXIT_USAGE);
	assert_int_equal(type(p, "phone", "add", "z", "--number", "1", "--label", "a\nb", END), RF_EXIT_USAGE);
	assert_string_equal(read_file(p, "phones.csv"), before);
	assert_null(read_file(p, "pki/phones/z/cert.pem"));
	assert_int_equal(type(p, "phone", "show", "y", "--json", END), RF_EXIT_YES);
	assert_non_null(strstr(p->out, "\"number\": \"1001\""));
	assert_int_equal(type(p, "phone", "lock", "y", END), RF_EXIT_YES);
	assert_int_equal(type(p, "phone", "list", END), RF_EXIT_YES);
	assert_non_null(strstr(p->out, "locked"));
	snprintf(out, sizeof out, "%s/conf", p->dir);
	assert_int_equal(type(p, "phone", "config", "y", "--for", "linphone", "-o", out, END), RF_EXIT_YES);
	assert_int_equal(type(p, "phone", "config", "y", "--for", "baresip", "--out", out, "--port=5071", END),
			 RF_EXIT_YES);
	assert_int_equal(type(p, "phone", "config", "y", "--for", "pots", "-o", out, END), RF_EXIT_USAGE);
	assert_int_equal(type(p, "phone", "remove", "y", END), RF_EXIT_YES);
	assert_string_equal(read_file(p, "phones.csv"), "# kept as it is\nnumber,name,label\n\n# also this\n1000,x,\n");
	assert_null(read_file(p, "pki/phones/y/key.pem"));
	assert_int_equal(type(p, "phone", "remove", "y", END), RF_EXIT_USAGE);
	assert_int_equal(type(p, "check", END), RF_EXIT_YES);
}

static void write_beside(const struct place *p, const char *name, const char *text, char *ret_path, size_t cap)
{
	snprintf(ret_path, cap, "%s/%s", p->dir, name);
	FILE *f = fopen(ret_path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* Files that are refused whole, and what is said of them; %s is the file's path. */
static const struct {
	const char *text, *said[3];
} bad_phones[] = {
	{ "", { "the file is empty" } },
	{ "name\na\n", { ":1:1: error: there is no column \"number\"" } },
	{ "name,numbr\na,1\n", { ":1:6: error: unknown column \"numbr\" (did you mean \"number\"?)" } },
	{ "name,number,name\na,1,b\n", { ":1:13: error: column \"name\" is given twice" } },
	{ "name,number\na,1\n\n# b\na,2\nc\n", { ":5:1: error: phone \"a\" is there twice, first in line 2",
						   ":6:2: error: there is no number" } },
	{ "name,number\na,1,2\n\"b,2\n", { ":2:5: error: more fields", ":3:1: error: a quoted field does not end" } },
	{ "number,name\n1,a\n12x,b\n", { ":3:1: error: number cannot be \"12x\"" } },
	{ "number,name\n1,a\n2,../b\n", { ":3:1: error: name cannot be" } },
	{ "number,name\n1,a\n911,b\n", { ":3:1: error: phone \"b\" has emergency number 911" } },
	{ "number,name,location\n1,a,attic\n3,x,\n", { ":2:1: error: phone \"a\": there is no location",
						     ":3:1: error: phone \"x\" is there twice" } },
};

static void many_phones_refused(void **state)
{
	struct place *p = *state;
	char path[96];

	make_site(p, "medium");
	write_file(p, "phones.csv", "name,number\nx,7\n", "w");
	for (size_t i = 0; i < sizeof bad_phones / sizeof *bad_phones; i++) {
		write_beside(p, "more.csv", bad_phones[i].text, path, sizeof path);
		if (type(p, "phone", "add", "--file", path, END) != RF_EXIT_USAGE)
			fail_msg("%s was taken", bad_phones[i].text);
		for (size_t k = 0; k < 3 && bad_phones[i].said[k]; k++)
			if (!strstr(p->err, bad_phones[i].said[k]))
				fail_msg("%s: said \"%s\", not \"%s\"", bad_phones[i].text, p->err,
					 bad_phones[i].said[k]);
		assert_non_null(strstr(p->err, "more.csv"));
		assert_string_equal(read_file(p, "phones.csv"), "name,number\nx,7\n");
		assert_null(read_file(p, "pki/phones/a/cert.pem"));
	}
	assert_int_equal(type(p, "phone", "add", "--file", path, "--json", END), RF_EXIT_USAGE);
	assert_non_null(strstr(p->err, "\"findings\":[{"));
	assert_int_equal(type(p, "phone", "add", "--file", path, "--label", "l", END), RF_EXIT_USAGE);
	assert_int_equal(type(p, "phone", "add", "a", "--file", path, END), RF_EXIT_USAGE);
	assert_int_equal(type(p, "phone", "add", "--file", "/nowhere/x.csv", END), RF_EXIT_USAGE);
	/* What stops it when some certificates are there already. */
	write_beside(p, "more.csv", "name,number\na,1\nb,2\n", path, sizeof path);
	write_file(p, "pki/phones/b", "a file in the way", "w");
	assert_int_equal(type(p, "phone", "add", "--file", path, END), RF_EXIT_FAILED);
	assert_string_equal(read_file(p, "phones.csv"), "name,number\nx,7\n");
	assert_null(read_file(p, "pki/phones/a/cert.pem"));
	assert_int_equal(type(p, "phone", "list", "--json", END), RF_EXIT_YES);
	assert_null(strstr(p->out, "\"a\""));
}

static void many_phones(void **state)
{
	struct place *p = *state;
	char path[96];

	make_site(p, "medium");
	write_file(p, "phones.csv", "# kept\nnumber,name\n7,x\n", "w");
	write_beside(p, "more.csv", "\xef\xbb\xbfname,label,number\r\na,\"A, \"\"1\"\"\",1\r\n\r\nb,,2\r\n", path,
		     sizeof path);
	assert_int_equal(type(p, "phone", "add", "--file", path, "--json", END), RF_EXIT_YES);
	assert_non_null(strstr(p->out, "\"added\": 2"));
	/* The column that it did not have, at the end; older lines as they were. */
	assert_string_equal(read_file(p, "phones.csv"), "# kept\nnumber,name,label\n7,x\n1,a,\"A, \"\"1\"\"\"\n2,b,\n");
	assert_non_null(read_file(p, "pki/phones/b/key.pem"));
	assert_int_equal(type(p, "phone", "show", "b", "--json", END), RF_EXIT_YES);
	assert_null(strstr(p->out, "\"certificate_until\": null"));
	assert_int_equal(type(p, "phone", "issue", "--all", END), RF_EXIT_YES); /* x */
	assert_int_equal(type(p, "check", END), RF_EXIT_YES);
	assert_int_equal(type(p, "ledger", "verify", END), RF_EXIT_YES);
	assert_int_equal(type(p, "ledger", "show", END), RF_EXIT_YES);
	assert_non_null(strstr(p->out, "phone.added"));
	assert_int_equal(type(p, "phone", "add", "m", "--number", "8", "--mac", "00:00:00:00:00:01", END), RF_EXIT_YES);
	assert_non_null(strstr(read_file(p, "phones.csv"), "\nnumber,name,label,mac\n7,x\n"));
	feed("name,number\nc,3\n");
	assert_int_equal(type(p, "phone", "add", "--file", "-", "--days", "30", END), RF_EXIT_YES);
	write_beside(p, "none.csv", "name,number\n", path, sizeof path);
	assert_int_equal(type(p, "phone", "add", "--file", path, END), RF_EXIT_YES);
	assert_non_null(strstr(p->out, "0 phones added"));
}

static void many_users(void **state)
{
	struct place *p = *state;
	char path[96], out[96], text[256];

	make_site(p, "minimum");
	snprintf(out, sizeof out, "%s/passwords.csv", p->dir);
	write_beside(p, "u.csv", "name,number,password\na,1,correct horse battery\nb,2,short\nc,911,\n../d,4x,\n", path,
		     sizeof path);
	assert_int_equal(type(p, "user", "add", "--file", path, END), RF_EXIT_USAGE);
	assert_non_null(strstr(p->err, "u.csv:3:5: error: the password is too short"));
	assert_non_null(strstr(p->err, "u.csv:4:3: error: 911 is an emergency number"));
	assert_non_null(strstr(p->err, "u.csv:4:7: error: there is no password"));
	assert_non_null(strstr(p->err, "u.csv:5:1: error: \"../d\" cannot be"));
	assert_int_equal(type(p, "user", "show", "a", END), RF_EXIT_NO);
	write_beside(p, "u.csv", "name,number,password\na,1,correct horse battery\nb,2,\n", path, sizeof path);
	assert_int_equal(type(p, "user", "add", "--file", path, "--passwords", out, END), RF_EXIT_YES);
	assert_non_null(strstr(p->out, "2 users added"));
	FILE *f = fopen(out, "r");
	assert_non_null(f);
	text[fread(text, 1, sizeof text - 1, f)] = '\0';
	fclose(f);
	assert_non_null(strstr(text, "name,number,password\nb,2,"));
	assert_null(strstr(text, "correct"));
	assert_int_equal(strlen(text), strlen("name,number,password\nb,2,\n") + 20);
	/* Never over a file that is there; nothing is left of one that was refused by the directory. */
	write_beside(p, "u.csv", "name,number\nc,3\nb,4\n", path, sizeof path);
	assert_int_equal(type(p, "user", "add", "--file", path, "--passwords", out, END), RF_EXIT_USAGE);
	assert_int_equal(remove(out), 0);
	assert_int_equal(type(p, "user", "add", "--file", path, "--passwords", out, END), RF_EXIT_USAGE);
	assert_non_null(strstr(p->err, "u.csv:3:1: error: there is a user \"b\" already"));
	assert_int_equal(access(out, F_OK), -1);
	assert_int_equal(type(p, "user", "show", "c", END), RF_EXIT_NO);
	assert_int_equal(type(p, "user", "add", "--passwords", out, END), RF_EXIT_USAGE);
	assert_int_equal(type(p, "user", "add", "d", "--file", path, END), RF_EXIT_USAGE);
}

static void broken(void **state)
{
	struct place *p = *state;
	char path[160];

	make_site(p, "medium");
	snprintf(path, sizeof path, "%s/pki/hosts/ctl/key.pem", p->site);
	chmod(path, 0644);
	assert_int_equal(type(p, "check", END), RF_EXIT_NO);
	assert_non_null(strstr(p->out, "others than its owner may read this private key"));
	chmod(path, 0600);
	write_file(p, "pki/hosts/ctl/cert.pem", "nonsense", "w");
	assert_int_equal(type(p, "check", END), RF_EXIT_NO);
	assert_non_null(strstr(p->out, "ringfort host issue ctl"));
	assert_int_equal(type(p, "host", "issue", "ctl", END), RF_EXIT_YES);
	assert_int_equal(type(p, "check", END), RF_EXIT_YES);
	write_file(p, "site.yaml", "levle: x\n", "a");
	assert_int_equal(type(p, "check", "--json", END), RF_EXIT_NO);
	assert_non_null(strstr(p->out, "did you mean"));
	assert_int_equal(type(p, "user", "list", END), RF_EXIT_USAGE);
}

/* Calls that nobody would get: a warning with its line, until somebody has that number. */
static void calls_lead_somewhere(void **state)
{
	struct place *p = *state;
	static const char *const lost[] = {
		"calls to +493012345 lead to 1777, which", "calls to +4930777xx lead to 17xx, which",
		"on_no_answer 1888 leads nowhere: no number", "on_no_answer 112 leads nowhere: nobody is",
		"on_no_answer 3003 leads nowhere: it is the group's own",
		"on_no_answer +4412345 leads nowhere: not granted",
	};

	make_site(p, "minimum");
	assert_int_equal(type(p, "phone", "add", "x", "--number", "1000", END), RF_EXIT_YES);
	write_file(p, "site.yaml",
		   "trunks:\n"
		   "  - name: carrier\n"
		   "    peer: sip.carrier.example\n"
		   "    numbers:\n"
		   "      \"+493012345\": 1777\n"
		   "      \"+4930777xx\": 17xx\n"
		   "      \"+4930888xx\": 10xx\n"
		   "      \"+4930999\": 3000\n"
		   "groups:\n"
		   "  - { name: a, number: 3000, members: [1000], on_no_answer: 1888 }\n"
		   "  - { name: b, number: 3001, members: [1000], on_no_answer: 112 }\n"
		   "  - { name: c, number: 3002, members: [1000], on_no_answer: 1000 }\n"
		   "  - { name: d, number: 3003, members: [1000], on_no_answer: 3003 }\n"
		   "  - { name: e, number: 3004, members: [1000], on_no_answer: \"+4412345\" }\n"
		   "  - { name: f, number: 3005, members: [1000] }\n", "a");
	assert_int_equal(type(p, "check", END), RF_EXIT_YES);
	for (size_t i = 0; i < sizeof lost / sizeof *lost; i++)
		if (!strstr(p->out, lost[i]))
			fail_msg("%s\n%s", lost[i], p->out);
	assert_null(strstr(p->out, "10xx, which"));
	assert_null(strstr(p->out, "lead to 3000"));
	assert_null(strstr(p->out, "on_no_answer 1000"));
	feed("correct horse battery\n");
	assert_int_equal(type(p, "user", "add", "ann", "--number", "1777", "--password-stdin", END), RF_EXIT_YES);
	assert_int_equal(type(p, "check", END), RF_EXIT_YES);
	assert_null(strstr(p->out, "1777, which"));
	assert_null(strstr(p->out, "17xx, which"));
}

static void users(void **state)
{
	struct place *p = *state;

	make_site(p, "minimum");
	feed("too short\n");
	assert_int_equal(type(p, "user", "add", "alice", "--number", "1001", "--password-stdin", END), RF_EXIT_USAGE);
	assert_non_null(strstr(p->err, "10 characters"));
	feed("correct horse battery\n");
	assert_int_equal(type(p, "user", "add", "alice", "--number", "1001", "--password-stdin", END), RF_EXIT_YES);
	feed("correct horse battery\n");
	assert_int_equal(type(p, "user", "add", "alice", "--number", "1001", "--password-stdin", END), RF_EXIT_USAGE);
	feed("another horse entirely\n");
	assert_int_equal(type(p, "user", "passwd", "alice", "--password-stdin", END), RF_EXIT_YES);
	assert_int_equal(type(p, "user", "show", "alice", "--json", END), RF_EXIT_YES);
	assert_non_null(strstr(p->out, "SHA-512-256"));
	assert_null(strstr(p->out, "MD5"));
	assert_int_equal(type(p, "user", "lock", "alice", END), RF_EXIT_YES);
	assert_int_equal(type(p, "user", "list", END), RF_EXIT_YES);
	assert_non_null(strstr(p->out, "locked"));
	assert_int_equal(type(p, "user", "unlock", "alice", END), RF_EXIT_YES);
	write_file(p, "site.yaml", "media: { dtls_srtp: true }\n", "a");
	assert_int_equal(type(p, "user", "remove", "alice", END), RF_EXIT_YES);
	assert_int_equal(type(p, "user", "show", "alice", END), RF_EXIT_NO);
}

static void compiled(void **state)
{
	struct place *p = *state;
	char out[160];

	make_site(p, "medium");
	snprintf(out, sizeof out, "%s/rules", p->dir);
	assert_int_equal(type(p, "compile", END), RF_EXIT_USAGE);
	assert_int_equal(type(p, "compile", "-o", out, "--diff", out, END), RF_EXIT_USAGE);
	assert_int_equal(type(p, "compile", "-o", out, "--only", "router", END), RF_EXIT_USAGE);
	assert_int_equal(type(p, "compile", "--diff", out, END), RF_EXIT_FAILED);
	if (type(p, "compile", "-o", out, END) != RF_EXIT_YES)
		fail_msg("%s", p->err);
	assert_non_null(strstr(p->out, " signed"));
	assert_int_equal(type(p, "compile", "-o", out, END), RF_EXIT_YES);
	assert_non_null(strstr(p->out, " 0 changed, 0 removed, signed"));
	assert_int_equal(type(p, "compile", "--diff", out, END), RF_EXIT_YES);
	/* Another digest is no change; another host is. */
	write_file(p, "site.yaml", "# a comment\n", "a");
	assert_int_equal(type(p, "compile", "--diff", out, END), RF_EXIT_YES);
	assert_int_equal(type(p, "compile", "-o", out, END), RF_EXIT_YES);
	char *text = strdup(read_file(p, "site.yaml")), *at = strstr(text, "hosts:\n");
	assert_non_null(at);
	*at = '\0';
	write_file(p, "site.yaml", text, "w");
	write_file(p, "site.yaml", "hosts:\n  - { name: log, zone: server, address: 127.0.0.2, services: log }\n", "a");
	write_file(p, "site.yaml", at + strlen("hosts:\n"), "a");
	free(text);
	if (type(p, "compile", "--diff", out, END) != RF_EXIT_NO)
		fail_msg("%s%s", p->out, p->err);
	assert_non_null(strstr(p->out, "hosts/log/ringfort.nft: new"));
	assert_int_equal(type(p, "compile", "--diff", out, "--json", END), RF_EXIT_NO);
	assert_non_null(strstr(p->out, "\"changes\": true"));
	/* Not a folder of ours. */
	assert_int_equal(type(p, "compile", "-o", p->site, END), RF_EXIT_USAGE);
	assert_non_null(strstr(p->err, "no MANIFEST"));
	/* Without the CA's key nothing is signed by chance. */
	snprintf(out, sizeof out, "%s/pki/ca.key", p->site);
	assert_int_equal(unlink(out), 0);
	snprintf(out, sizeof out, "%s/other", p->dir);
	assert_int_equal(type(p, "compile", "-o", out, END), RF_EXIT_FAILED);
	assert_int_equal(type(p, "compile", "-o", out, "--unsigned", END), RF_EXIT_YES);
	assert_non_null(strstr(p->out, "not signed"));
}

/* Questions to roles: which may be asked, and what is said when none runs. */
static void asked(void **state)
{
	struct place *p = *state;

	make_site(p, "medium");
	assert_int_equal(type(p, "calls", "--role", "relay", END), RF_EXIT_USAGE);
	assert_non_null(strstr(p->err, "--role takes controller or border, not \"relay\""));
	assert_int_equal(type(p, "trunk", "list", "--role", "gateway", END), RF_EXIT_USAGE);
	assert_int_equal(type(p, "bindings", "--role", "x", END), RF_EXIT_USAGE);
	assert_int_equal(type(p, "bindings", "--role", "border", END), RF_EXIT_NO);
	assert_int_equal(type(p, "blocked", "forgive", "example.org", END), RF_EXIT_USAGE);
	assert_non_null(strstr(p->err, "no IP address"));
	assert_int_equal(type(p, "blocked", "forgive", "203.0.113.9", END), RF_EXIT_NO);
}

/* Arithmetic that anybody can do again: 160 bytes of sound, 12 + 16 + 8 + 20 + 38 around them, fifty times a second. */
static void capacity(void **state)
{
	static const struct {
		const char *args[10], *calls, *kbit;
	} t[] = {
		{ { "--kbit", "10000" }, "\"calls\": 70,", "\"call_kbit\": 107," },
		{ { "--kbit", "10000", "--suite", "none" }, "\"calls\": 75,", "\"call_kbit\": 100," },
		{ { "--kbit", "10000", "--codec", "g729", "--ptime", "60", "--link", "0", "--share", "100" },
		  "\"calls\": 615,", "\"call_kbit\": 17," },
		{ { "--calls", "1", "--share", "100", "--ipv6" }, "\"kbit\": 116,", "\"packet_bytes\": 274," },
	};
	struct place *p = *state;

	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		const char *const *a = t[i].args;

		assert_int_equal(type(p, "capacity", "--json", a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7],
				      a[8], a[9], END), RF_EXIT_YES);
		if (!strstr(p->out, t[i].calls) || !strstr(p->out, t[i].kbit))
			fail_msg("%zu: %s", i, p->out);
	}
	/* A line too narrow for one call: no bound of 0, which would be none. */
	assert_int_equal(type(p, "capacity", "--kbit", "142", END), RF_EXIT_NO);
	assert_null(strstr(p->out, "external_calls"));
	assert_non_null(strstr(p->err, "wants 143 kbit/s"));
	assert_int_equal(type(p, "capacity", "--kbit", "143", END), RF_EXIT_YES);
	assert_non_null(strstr(p->out, "limits: { external_calls: 1 }"));
	assert_int_equal(type(p, "capacity", "--json", "--kbit", "1", END), RF_EXIT_NO);
	assert_non_null(strstr(p->out, "\"calls\": 0,"));
	assert_int_equal(type(p, "capacity", END), RF_EXIT_USAGE);
	assert_int_equal(type(p, "capacity", "--kbit", "1", "--calls", "1", END), RF_EXIT_USAGE);
	assert_int_equal(type(p, "capacity", "--kbit", "1", "--codec", "tin", END), RF_EXIT_USAGE);
	assert_int_equal(type(p, "capacity", "--kbit", "1", "--suite", "tin", END), RF_EXIT_USAGE);
	assert_int_equal(type(p, "capacity", "--kbit", "0", END), RF_EXIT_USAGE);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(usage), TEST(first_site), TEST(around_a_file), TEST(phones), TEST(many_phones_refused),
		TEST(many_phones), TEST(many_users), TEST(broken), TEST(calls_lead_somewhere), TEST(users),
		TEST(compiled), TEST(asked), TEST(capacity),
	};

	return cmocka_run_group_tests_name("cmd", tests, NULL, NULL);
}
