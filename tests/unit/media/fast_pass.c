/* The kernel's way without a relay around it, for tests in namespaces and for bench/media: told line by line which
 * streams pass, it answers each line with one of its own. */
#include "media/fast.h"

#include <stdio.h>
#include <string.h>

static const char usage[] =
	"usage: fast_pass DEVICE...\n"
	"stdin: add FROM TO OUT-FROM OUT-TO SSRC SEQ | read ID | remove ID | totals | calls N OURS THEIRS\n"
	"calls: those that mediaload has in its mode kernel. Example: echo totals | fast_pass eth0\n";

static struct rf_addr addr_of(const char *text)
{
	struct rf_addr a = { .family = 0 };

	if (rf_addr_parse(rf_view_of(text, strlen(text)), 0, &a))
		a.family = 0;
	return a;
}

static void add(struct rf_fast *f, char a[4][64], unsigned ssrc, unsigned seq)
{
	struct rf_fast_stream s = {
		.in_from = addr_of(a[0]), .in_to = addr_of(a[1]), .out_from = addr_of(a[2]), .out_to = addr_of(a[3]),
		.ssrc = ssrc, .types = { UINT64_C(1) << 8 | 1, 0 }, .packets_s = 100, .bytes_s = 25000, .dscp = 46,
		.seq = (uint16_t)seq, .seen = 1,
	};
	uint32_t id;
	int rc = rf_fast_add(f, &s, &id);

	if (rc)
		printf("no: %s\n", rf_err_text(rc));
	else
		printf("%u\n", id);
}

/* Two streams a call: from port p of theirs to port p of ours, and on from the next even one to the next even one. */
static void calls(struct rf_fast *f, unsigned n, const char *ours, const char *theirs)
{
	struct rf_fast_stream s = { .types = { 1 << 8, 0 }, .packets_s = 100, .bytes_s = 25000, .dscp = 46, .seen = 1 };
	unsigned done = 0;
	uint32_t id;

	s.in_to = s.out_from = addr_of(ours);
	s.in_from = s.out_to = addr_of(theirs);
	for (unsigned i = 0; i < 2 * n; i++) {
		uint16_t in = (uint16_t)(10000 + 2 * i), out = i & 1 ? in - 2 : in + 2;

		s.in_from.port = s.in_to.port = in;
		s.out_from.port = s.out_to.port = out;
		s.ssrc = 0x52000000 + i;
		done += !rf_fast_add(f, &s, &id);
	}
	printf("%u\n", done);
}

static void counts(struct rf_fast_counts c)
{
	printf("%llu %llu %llu %llu %u\n", (unsigned long long)c.packets, (unsigned long long)c.bytes,
	       (unsigned long long)c.repeated, (unsigned long long)c.over_rate, c.seq);
}

static bool obey(struct rf_fast *f, const char *line)
{
	char a[4][64];
	unsigned x, y;

	if (sscanf(line, "add %63s %63s %63s %63s %x %u", a[0], a[1], a[2], a[3], &x, &y) == 6) {
		add(f, a, x, y);
	} else if (sscanf(line, "calls %u %63s %63s", &x, a[0], a[1]) == 3) {
		calls(f, x, a[0], a[1]);
	} else if (sscanf(line, "read %u", &x) == 1) {
		counts(rf_fast_read(f, x));
	} else if (sscanf(line, "remove %u", &x) == 1) {
		counts(rf_fast_remove(f, x));
	} else if (!strncmp(line, "totals", 6)) {
		struct rf_fast_totals t = rf_fast_totals(f);

		for (unsigned v = 0; v < RF_FAST_VERDICTS; v++)
			printf("%s=%llu ", rf_fast_verdict_name(v), (unsigned long long)t.verdicts[v]);
		printf("streams=%zu\n", t.streams);
	} else {
		return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct rf_diag d = { .text = "" };
	struct rf_fast *f;
	char line[512];

	if (argc < 2 || argv[1][0] == '-') {
		fputs(usage, argc < 2 ? stderr : stdout);
		return argc < 2 ? 2 : 0;
	}
	if (rf_fast_open((const char *const *)argv + 1, (unsigned)argc - 1, 0, &f, &d)) {
		printf("no: %s\n", d.text);
		return 3;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("ready");
	while (fgets(line, sizeof line, stdin))
		if (!obey(f, line))
			printf("no: what is that\n");
	rf_fast_close(f);
	return 0;
}
