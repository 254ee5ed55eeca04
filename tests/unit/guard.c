#include "guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t pages_bytes(size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (n + page - 1) / page * page + page; /* the last page is the wall */
}

struct rf_view guard_copy(struct rf_view v)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), total = pages_bytes(v.n);
	uint8_t *m = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (m == MAP_FAILED || mprotect(m + total - page, page, PROT_NONE))
		abort();
	uint8_t *p = m + total - page - v.n;
	if (v.n)
		memcpy(p, v.p, v.n);
	return rf_view_of(p, v.n);
}

void guard_free(struct rf_view v)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), total = pages_bytes(v.n);
	uintptr_t end = (uintptr_t)v.p + v.n;

	munmap((void *)(end + page - total), total);
}

struct rf_view guard_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct rf_view none = { NULL, 0 };

	if (!f)
		return none;
	size_t cap = 1u << 20;
	uint8_t *p = malloc(cap);
	size_t n = p ? fread(p, 1, cap, f) : 0;
	fclose(f);
	return p ? rf_view_of(p, n) : none;
}
