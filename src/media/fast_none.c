/* What is built where the kernel's program cannot be: opening says so, and nothing else is ever called. */
#include "media/fast.h"

int rf_fast_open(const char *const *devices, unsigned n_devices, size_t streams_max, struct rf_fast **ret_fast,
		 struct rf_diag *d)
{
	(void)devices;
	(void)n_devices;
	(void)streams_max;
	(void)ret_fast;
	return rf_diag_set(d, RF_E_UNSUPPORTED,
			   "this ringfort was built without libbpf, bpftool or clang's target bpf");
}

void rf_fast_close(struct rf_fast *f)
{
	(void)f;
}

int rf_fast_add(struct rf_fast *f, const struct rf_fast_stream *s, uint32_t *ret_id)
{
	(void)f;
	(void)s;
	(void)ret_id;
	return RF_E_UNSUPPORTED;
}

struct rf_fast_counts rf_fast_read(const struct rf_fast *f, uint32_t id)
{
	(void)f;
	(void)id;
	return (struct rf_fast_counts){ .packets = 0 };
}

void rf_fast_saw(struct rf_fast *f, uint32_t id, uint16_t seq)
{
	(void)f;
	(void)id;
	(void)seq;
}

struct rf_fast_counts rf_fast_remove(struct rf_fast *f, uint32_t id)
{
	return rf_fast_read(f, id);
}

struct rf_fast_totals rf_fast_totals(const struct rf_fast *f)
{
	(void)f;
	return (struct rf_fast_totals){ .streams = 0 };
}
