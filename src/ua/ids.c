#include "ua/ids.h"

#include <string.h>

static const char digits[16] = "0123456789abcdef";

static void put_hex(uint8_t *dst, const uint8_t *src, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		dst[2 * i] = (uint8_t)digits[src[i] >> 4];
		dst[2 * i + 1] = (uint8_t)digits[src[i] & 15];
	}
}

static void make(struct rf_random *r, uint8_t worker, uint8_t *dst)
{
	uint8_t bytes[1 + 10];

	rf_random_fill(r, bytes + 1, sizeof bytes - 1);
	bytes[0] = worker;
	dst[0] = 'r';
	dst[1] = 'f';
	put_hex(dst + 2, bytes, sizeof bytes);
}

void rf_id_make(struct rf_random *r, uint8_t worker, struct rf_id *ret_id)
{
	make(r, worker, ret_id->text);
}

void rf_branch_make(struct rf_random *r, uint8_t worker, struct rf_branch *ret_branch)
{
	memcpy(ret_branch->text, "z9hG4bK", 7);
	make(r, worker, ret_branch->text + 7);
}

static int hex(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int rf_id_worker(struct rf_view id)
{
	id = rf_view_sub(id, 0, rf_view_find(id, '@'));
	if (id.n != RF_ID_LEN || id.p[0] != 'r' || id.p[1] != 'f')
		return -1;
	for (size_t i = 2; i < id.n; i++)
		if (hex(id.p[i]) < 0)
			return -1;
	return hex(id.p[2]) * 16 + hex(id.p[3]);
}

int rf_branch_worker(struct rf_view branch)
{
	if (branch.n != RF_BRANCH_LEN || memcmp(branch.p, "z9hG4bK", 7) != 0)
		return -1;
	return rf_id_worker(rf_view_from(branch, 7));
}
