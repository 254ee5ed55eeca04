/* nft as a program: what a kernel has loaded, or would have of a file. libnftables is GPL-2 only and is not linked. */
#ifndef RF_CMD_NFT_LIST_H
#define RF_CMD_NFT_LIST_H

#include "base/err.h"
#include "base/view.h"

/* `nft -j list ruleset` of the network namespace at hand, or of `netns` (a name of `ip netns`). */
int rf_nft_list_loaded(const char *netns, struct rf_view *ret_json, struct rf_diag *diag);
/* Load `text` into a network namespace of its own, which is gone afterwards, and list it. name is for people. */
int rf_nft_list_text(struct rf_view text, const char *name, struct rf_view *ret_json, struct rf_diag *diag);
/* *ret_json was malloc'd: rf_nft_list_free(). */
void rf_nft_list_free(struct rf_view json);

#endif
