/* How loaded a worker is: the processor time of its thread, how late its timer is, the memory of the process. */
#ifndef RF_ROLE_LOAD_METER_H
#define RF_ROLE_LOAD_METER_H

#include "base/clock.h"
#include "call/overload.h"

/* Of one worker; used on its thread. */
struct rf_load_meter {
	int statm;                 /* /proc/self/statm, shared by all meters; -1: memory is not known */
	uint64_t cpu_us;
	struct rf_mono last;       /* 0: never measured */
	uint64_t memory_bytes;
	unsigned turns;
};

/* Open what rf_load_measure() reads, while files may still be opened. -1: there is none; the owner closes it. */
int rf_load_open(void);
/* Physical memory in bytes, or the bound of our control group when that is lower; 0: not known. Opens files. */
uint64_t rf_load_memory(void);
/* Since the call before this one, which was meant to be every_ms ago. False: the first time, there is nothing to say.
 * */
bool rf_load_measure(struct rf_load_meter *m, struct rf_mono now, uint32_t every_ms, struct rf_load_sample *ret_sample);

#endif
