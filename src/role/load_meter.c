#include "role/load_meter.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Memory does not change as fast as the rest, and asking the kernel costs more: each so many samples. */
enum { MEMORY_TURNS = 10 };

int rf_load_open(void)
{
	return open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
}

/* "max" or a number of bytes; 0: no bound, or no such file. */
static uint64_t group_bound(const char *path)
{
	char text[64] = "";
	FILE *f = fopen(path, "re");

	if (!f)
		return 0;
	char *got = fgets(text, sizeof text, f);

	fclose(f);
	return got ? strtoull(text, NULL, 10) : 0;
}

uint64_t rf_load_memory(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
	uint64_t all = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : 0;
	uint64_t bound = group_bound("/sys/fs/cgroup/memory.max");

	return bound && (all == 0 || bound < all) ? bound : all;
}

/* The second number of statm is what is resident, in pages. */
static uint64_t resident(int statm)
{
	char text[128];
	ssize_t n = statm >= 0 ? pread(statm, text, sizeof text - 1, 0) : -1;

	if (n <= 0)
		return 0;
	text[n] = 0;
	const char *second = strchr(text, ' ');

	return second ? strtoull(second, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static uint64_t thread_cpu_us(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t))
		return 0;
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

bool rf_load_measure(struct rf_load_meter *m, struct rf_mono now, uint32_t every_ms, struct rf_load_sample *ret_sample)
{
	uint64_t cpu_us = thread_cpu_us(), passed_us = now.us - m->last.us, due_us = (uint64_t)every_ms * 1000;
	bool first = m->last.us == 0;

	if (m->turns++ % MEMORY_TURNS == 0)
		m->memory_bytes = resident(m->statm);
	*ret_sample = (struct rf_load_sample){
		.cpu_us = cpu_us - m->cpu_us, .passed_us = passed_us,
		.late_us = passed_us > due_us ? passed_us - due_us : 0, .memory_bytes = m->memory_bytes,
	};
	m->cpu_us = cpu_us;
	m->last = now;
	return !first && passed_us > 0;
}
