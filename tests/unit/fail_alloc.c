#include "fail_alloc.h"

#include <stddef.h>

/* The linker sends malloc to __wrap_malloc and the real one is __real_malloc. A test program is single-threaded
 * here, and the wrappers take no argument of ours, so this count has to be static. */
static unsigned countdown;
static bool failed;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

static bool fail_now(void)
{
	if (countdown == 0 || --countdown)
		return false;
	failed = true;
	return true;
}

void *__wrap_malloc(size_t n)
{
	return fail_now() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fail_now() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
	return fail_now() ? NULL : __real_realloc(p, n);
}

void fail_alloc_at(unsigned n)
{
	countdown = n;
	failed = false;
}

bool fail_alloc_off(void)
{
	countdown = 0;
	return failed;
}
