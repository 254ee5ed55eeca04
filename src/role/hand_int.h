/* The hand's parts, private to role/hand_*.c.
 *
 *	hand_main.c   the visible block, the guard, orders
 *	hand_store.c  what is loaded, on disk
 *	hand_nft.c    rules, by the program nft
 *	hand_set.c    elements of the pinhole sets, by netlink
 *	hand_count.c  counters and refused packets, by netlink */
#ifndef RF_ROLE_HAND_INT_H
#define RF_ROLE_HAND_INT_H

#include "base/writer.h"
#include "role/hand.h"

#define RF_HAND_TABLE "ringfort"

struct mnl_socket;

/* ---- hand_nft.c */

/* Run nft with these texts, one behind the other, as its input: all of it in one transaction or nothing. RF_E_INVALID
 * with the first words of its complaint, RF_E_TIMEOUT, RF_E_NOT_FOUND (there is no nft), -errno. */
int rf_hand_nft_load(struct rf_view rules, struct rf_view more, struct rf_diag *diag);

/* ---- hand_set.c */

struct rf_hand_net {
	struct mnl_socket *nl;
	uint32_t seq;
	uint8_t *buf;
	size_t cap;
};

int rf_hand_net_open(struct rf_hand_net *n, struct rf_diag *diag);
void rf_hand_net_close(struct rf_hand_net *n);
/* Do them, in their order; ret_failed gets a bit for each that could not be done. One transaction when all can. Closing
 * what is not there, and refreshing what has just gone, count as done. Returns how many failed. */
size_t rf_hand_net_elements(struct rf_hand_net *n, const struct rf_hand_element *v, size_t count,
			    uint8_t ret_failed[static RF_HAND_ELEMENTS_MAX / 8]);
/* What the sets hold now, as lines for nft that put it there again with the time that is left, as far as these rules
 * have such sets. *ret_text is malloc'd, "" when there is no such table. -errno. */
int rf_hand_net_saved(struct rf_hand_net *n, struct rf_view rules, char **ret_text, size_t *ret_n);
/* Send `req` and hand each answer to take() until the dump ends. -errno. */
struct nlmsghdr;
int rf_hand_net_dump(struct rf_hand_net *n, struct nlmsghdr *req, void (*take)(const struct nlmsghdr *h, void *arg),
		     void *arg);

/* ---- hand_count.c */

/* The counters that stand before a drop in a text that emit/nftables.c wrote: names, each once. */
struct rf_hand_drops {
	char id[RF_HAND_COUNTERS_MAX][RF_HAND_ID];
	size_t n;
};
void rf_hand_drops_of(struct rf_view rules, struct rf_hand_drops *ret_drops);
/* What the kernel has counted for them. -errno. */
int rf_hand_counters(struct rf_hand_net *n, const struct rf_hand_drops *drops, struct rf_hand_counter *ret_counters,
		     size_t *ret_n);
/* Listen to the log group of refused packets. -errno (-EBUSY: another program does). */
int rf_hand_log_open(unsigned group, struct mnl_socket **ret_nl);
int rf_hand_log_fd(const struct mnl_socket *nl);
void rf_hand_log_close(struct mnl_socket *nl);
/* What has come in, each to take(); never blocks. */
void rf_hand_log_read(struct mnl_socket *nl, void (*take)(const struct rf_hand_drop *drop, void *arg), void *arg);

#endif
