/* Make the n-th allocation fail (link with fail_alloc_args). The usual loop:
 *
 *	for (unsigned n = 1;; n++) {
 *		fail_alloc_at(n);
 *		int rc = the_thing();
 *		if (!fail_alloc_off())
 *			break;              // it did not reach the n-th allocation: done
 *		assert_int_equal(rc, -ENOMEM);
 *	}
 */
#ifndef RF_TEST_FAIL_ALLOC_H
#define RF_TEST_FAIL_ALLOC_H

#include <stdbool.h>

/* The n-th call from now (1 is the next) of malloc, calloc or realloc in code linked statically returns NULL, and
 * every later one works again. */
void fail_alloc_at(unsigned n);
/* Stop; true when an allocation was failed. */
bool fail_alloc_off(void);

#endif
