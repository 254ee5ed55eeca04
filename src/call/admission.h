/* Does a call fit? Links of the wide area carry so many calls and so much; what a leg takes of them it holds until it
 * is freed. A call of higher precedence takes the place of the lowest when they are full (RFC 4412 4.7.2.1), an
 * emergency call that of anybody. The called-off calls end with Reason: preemption (RFC 4411), on whichever worker they
 * are. Threads: the worker's own. */
#ifndef RF_CALL_ADMISSION_H
#define RF_CALL_ADMISSION_H

#include "call/resource.h"

struct rf_call;
struct rf_call_core;
struct rf_leg;
struct rf_site_link;

/* Before our INVITE to leg leaves: take of the links that its call crosses, between its pair's leg a and it. far: the
 * link that a leg which is no phone of ours lies behind, NULL. 0; 503: full, and *ret_bound says which (static). */
unsigned rf_admission_take(struct rf_leg *leg, const struct rf_site_link *far, const char **ret_bound);
/* Give back what a leg holds; with its end. */
void rf_admission_give(struct rf_leg *leg);

/* In whose name a call claims. */
struct rf_claim rf_admission_claim(const struct rf_call *call);
/* End these calls: they lost their place to by. resource: its name, for the record. */
void rf_admission_end(struct rf_call_core *core, const struct rf_victim *victims, size_t n, const struct rf_call *by,
		      struct rf_view resource);

#endif
