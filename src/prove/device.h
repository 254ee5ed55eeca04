/* A device: its rules, and what becomes of a set of packets on one way through it.
 *
 * What a rule leaves to chance (rates, quotas, sets that change) is taken in one of two ways:
 *	RF_MAY    both branches are followed: what is accepted may be accepted, sooner or later
 *	RF_REST   nothing is exceeded, and sets hold what was in them when they were read: what is accepted is so when the
 *	          network is quiet. What nobody can say even then goes both ways, so a packet may be accepted and dropped
 * The sets of pinholes and openings are neither: membership is a bit of the packet (RF_SPACE_PINHOLE, FROM_ANY, TO_ANY), which
 * the asker sets. */
#ifndef RF_PROVE_DEVICE_H
#define RF_PROVE_DEVICE_H

#include "prove/space.h"

enum rf_mode { RF_MAY, RF_REST };

/* Addresses: those in the cells, or with `outside` all others. */
struct rf_region {
	const struct rf_rs_cell *v;
	size_t n;
	bool outside;
};

/* First and last address of each family; a quick look before sets are made. */
struct rf_hull {
	bool any4, any6;
	uint8_t lo4[4], hi4[4], lo6[16], hi6[16];
};

enum rf_way_kind { RF_WAY_FORWARD, RF_WAY_INPUT, RF_WAY_OUTPUT };

/* One way through a device. */
struct rf_way {
	enum rf_way_kind kind;
	const char *in, *out;        /* interfaces; "": one whose name is not known, and that every name but lo may
				      * mean; NULL: there is none on this way */
	const struct rf_region *own;  /* the device's addresses; NULL: not known, what is for INPUT is its own */
	const struct rf_region *back; /* sources whose way back leads out of `in`; NULL: not known */
	struct rf_hull src, dst;     /* of the packets that are asked about */
	enum rf_mode mode;
};

struct rf_device;

/* What is found about a rule while sets pass (only with RF_MAY). */
struct rf_device_rule {
	const struct rf_rs_rule *rule;
	bool hit;                    /* some packet fits it when its turn comes */
	bool sampled;                /* else: this one would, were it not for rules before it */
	struct rf_packet sample;
	struct rf_way way;
	int fixed;                   /* what fits as far as the packet alone says; -1: not made yet */
	struct rf_hull dst, src;
	bool loose;                  /* has matches that depend on the way or on chance */
};

/* rs must outlive the device. -ENOMEM, and the errors of sets. */
int rf_device_new(struct rf_sets *s, const struct rf_ruleset *rs, struct rf_device **ret_d);
void rf_device_free(struct rf_device *d);
const struct rf_ruleset *rf_device_rules(const struct rf_device *d);
const struct rf_device_rule *rf_device_rule(const struct rf_device *d, uint32_t id);

/* Send x along the way. x says nothing of STATE; from connection tracking on it is what `states` (a set over STATE and
 * DIRECTION) says, unless a rule had it untracked. Marks begin at 0. The result is what gets through, with the states,
 * marks and DSCP that it has then; *ret_dropped (may be NULL) what is stopped. */
int rf_device_pass(struct rf_device *d, const struct rf_way *way, int x, int states, int *ret_dropped);
/* What the rule's matches fit on this way, as far as sets can say. */
int rf_device_fits(struct rf_device *d, const struct rf_way *way, const struct rf_rs_rule *rule, bool *ret_maybe);

/* Sources or destinations in the region. */
int rf_region_set(struct rf_sets *s, enum rf_rs_field field, const struct rf_region *r);
bool rf_region_has(const struct rf_region *r, uint8_t family, const uint8_t *address);
void rf_hull_whole(struct rf_hull *h);
void rf_hull_region(struct rf_hull *h, const struct rf_region *r);

/* Does the cell name the way's interface? */
bool rf_way_named(const char *interface, const struct rf_rs_cell *cell);
/* Of which kind is a destination on this way: one of RF_RS_TO_*. */
unsigned rf_way_destination(const struct rf_way *way, uint8_t family, const uint8_t *address);
bool rf_way_meets(const struct rf_way *way, const struct rf_rs_hook *hook);
/* The sets of ringfort's own names that the wall fills: which bit of a packet such a look-up asks for. Pinholes by the
 * whole 5-tuple, in either direction, openings by all but the port that may be any. 0: it is no such look-up. */
unsigned rf_match_hole(const struct rf_rs_match *m);
/* The hooks of a way, in the order in which a packet meets them; ends with NULL. */
const struct rf_rs_hook *const *rf_device_hooks(const struct rf_device *d, enum rf_rs_hook_kind kind);

/* Connection tracking looks at packets between hooks of this priority and the next ones (NF_IP_PRI_CONNTRACK). */
enum { RF_PRIORITY_CONNTRACK = -200 };

#endif
