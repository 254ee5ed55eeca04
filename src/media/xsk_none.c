/* What is built where the kernel's program cannot be: opening says so, and nothing else is ever called. */
#include "media/xsk.h"

int rf_xsk_open(const char *const *devices, unsigned n_devices, unsigned parts, struct rf_xsk **ret_xsk,
		struct rf_diag *d)
{
	(void)devices;
	(void)n_devices;
	(void)parts;
	(void)ret_xsk;
	return rf_diag_set(d, RF_E_UNSUPPORTED,
			   "this ringfort was built without libbpf, bpftool or clang's target bpf");
}

void rf_xsk_close(struct rf_xsk *x)
{
	(void)x;
}

struct rf_xsk_part *rf_xsk_part(struct rf_xsk *x, unsigned index)
{
	(void)x;
	(void)index;
	return NULL;
}

int rf_xsk_admit(struct rf_xsk_part *part, const struct rf_addr *from, const struct rf_addr *to)
{
	(void)part;
	(void)from;
	(void)to;
	return RF_E_UNSUPPORTED;
}

void rf_xsk_dismiss(struct rf_xsk_part *part, const struct rf_addr *from, const struct rf_addr *to)
{
	(void)part;
	(void)from;
	(void)to;
}

unsigned rf_xsk_fds(const struct rf_xsk_part *part, int fds[static RF_XSK_QUEUES_MAX])
{
	(void)part;
	(void)fds;
	return 0;
}

unsigned rf_xsk_take(struct rf_xsk_part *part, struct rf_view frames[static RF_XSK_BATCH])
{
	(void)part;
	(void)frames;
	return 0;
}

void rf_xsk_give_back(struct rf_xsk_part *part)
{
	(void)part;
}

int rf_xsk_find_way(struct rf_xsk_part *part, const struct rf_addr *from, const struct rf_addr *to, uint8_t dscp,
		    uint64_t now_us, struct rf_xsk_way *ret_way, bool *ret_touch)
{
	(void)part;
	(void)from;
	(void)to;
	(void)dscp;
	(void)now_us;
	(void)ret_way;
	(void)ret_touch;
	return RF_E_UNSUPPORTED;
}

bool rf_xsk_send(struct rf_xsk_part *part, const struct rf_xsk_way *way, struct rf_view payload)
{
	(void)part;
	(void)way;
	(void)payload;
	return false;
}

void rf_xsk_flush(struct rf_xsk_part *part)
{
	(void)part;
}

struct rf_xsk_totals rf_xsk_totals(const struct rf_xsk *x)
{
	(void)x;
	return (struct rf_xsk_totals){ .flows = 0 };
}
