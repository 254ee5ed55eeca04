/* Private to this room: one rule of rules.h in the language of nftables. */
#ifndef RF_EMIT_NFT_INT_H
#define RF_EMIT_NFT_INT_H

#include "emit/emit.h"

#include <netinet/in.h>

/* A table being written. */
struct rf_nft {
	struct rf_emit *e;
	struct rf_emit_out *o;
	const struct rf_point *point;
};

/* The name of a counter, a set, a prefix for a rule's id: nft's names begin with a letter. "n-" before a digit. */
struct rf_nft_name {
	const char *prefix, *id;
};
#define RF_NFT_NAME "%s%s"
#define RF_NFT_NAMEV(id) rf_nft_prefix(id), (id)
const char *rf_nft_prefix(const char *id);

/* The interfaces of the point that a rule's zone is behind; the tunnel's name goes to buf. Returns how many, at most
 * max. A host's rules name no interface: it has one foot, and is asked for none (0). */
enum { RF_NFT_IFS_MAX = 16 };
size_t rf_nft_interfaces(const struct rf_nft *n, const struct rf_site_zone *zone, bool tunnel,
			 const char *ret[static RF_NFT_IFS_MAX], char buf[static RF_EMIT_IFNAME]);

/* What of a rule's match is left out, because who calls has said it already. */
enum { RF_NFT_NO_INTERFACES = 1, RF_NFT_NO_STATE = 2, RF_NFT_NO_PINHOLE = 4, RF_NFT_NO_OUT = 8 };

/* In how many spellings the rule is written: one for both families where nothing in it tells them apart, else one for
 * each family that it fits. `family` 0: both. */
size_t rf_nft_families(const struct rf_rule *r, uint8_t ret_family[static 2]);
/* Print the match, each part with a blank behind. */
void rf_nft_match(const struct rf_nft *n, const struct rf_rule *r, uint8_t family, unsigned without);
/* Print the whole rule as lines of a chain: bounds, log, verdict. */
void rf_nft_rule(const struct rf_nft *n, const struct rf_rule *r, unsigned without);
/* Print the sets and limits that rf_nft_rule() refers to. */
void rf_nft_objects(const struct rf_nft *n, const struct rf_rule *r);
/* Its packets are kept out of connection tracking. */
static inline bool rf_nft_untracked(const struct rf_rule *r)
{
	return r->states == RF_STATE_UNTRACKED;
}
/* Is it not tracked only where the wall has it in a set? */
static inline bool rf_nft_untracked_by_set(const struct rf_rule *r)
{
	return r->pinhole && r->protocol == IPPROTO_TCP;
}

#endif
