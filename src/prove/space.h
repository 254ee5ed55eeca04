/* The space of packets: which bit of a packet is which variable of a set (prove/sets.h), and one packet of it, written
 * out.
 *
 * The order of variables is the order of this table: what cuts rules apart first comes first. Interfaces are no
 * variables: sets are made for one interface in and one out at a time. IPv4 addresses are the first 32 of the 128
 * bits of an address; for them the others do not matter. */
#ifndef RF_PROVE_SPACE_H
#define RF_PROVE_SPACE_H

#include "prove/ruleset.h"
#include "prove/sets.h"

/* The bits, beside the fields of rules: is the packet's 5-tuple in the set of pinholes? Is there an opening to its
 * destination for any port of its source; or the other way round? */
enum { RF_SPACE_PINHOLE = RF_RS_FIELDS, RF_SPACE_FROM_ANY, RF_SPACE_TO_ANY, RF_SPACE_FIELDS, RF_SPACE_NO_HOLE = RF_SPACE_FIELDS };

struct rf_space_field {
	uint16_t first, bits;  /* bits 0: no variables (interfaces) */
};

const struct rf_space_field *rf_space_field(unsigned field);
unsigned rf_space_variables(void);

/* One packet. v4 addresses in the first four bytes. */
struct rf_packet {
	uint8_t family;
	uint8_t src[16], dst[16];
	uint8_t proto, icmp_type, icmp_code, tcp_flags, fragment, state, direction, dscp, pkttype;
	uint16_t sport, dport;
	uint32_t mark;
	bool pinhole, from_any, to_any;
};

/* Packets whose field has a value of the cell; fields with names (interfaces) have no sets: everything. */
int rf_space_cell(struct rf_sets *s, unsigned field, const struct rf_rs_cell *cell);
/* With this bit of RF_SPACE_PINHOLE, FROM_ANY, TO_ANY; and without the two others, NO_HOLE: without any. */
int rf_space_hole(struct rf_sets *s, unsigned field);
int rf_space_hole_only(struct rf_sets *s, unsigned field);
int rf_space_num(struct rf_sets *s, unsigned field, uint32_t lo, uint32_t hi);
int rf_space_family(struct rf_sets *s, uint8_t family);
/* x, whatever the field was. */
int rf_space_forget(struct rf_sets *s, int x, unsigned field);
/* Addresses and ports change places, and with them the two ways of an opening. */
int rf_space_turn(struct rf_sets *s, int x);
/* The packet alone (without its fields that have no meaning: those stay any). */
int rf_space_packet(struct rf_sets *s, const struct rf_packet *p);
/* A member of x, the same for the same x. false: there is none. */
bool rf_space_member(struct rf_sets *s, int x, struct rf_packet *ret_p);

/* Does the packet's field have a value of the cell? Fields with names: false. For prove/trace.c, without sets. */
bool rf_packet_in_cell(const struct rf_packet *p, unsigned field, const struct rf_rs_cell *cell);
/* A value of it as a number; addresses and names: 0. */
uint32_t rf_packet_num(const struct rf_packet *p, unsigned field);

/* "tcp 10.0.0.1:40000 > 10.0.0.2:5061 new syn" for people. Gives buf. */
const char *rf_packet_text(const struct rf_packet *p, char *buf, size_t cap);
/* An address of family 4 or 6 for people. */
const char *rf_packet_address(uint8_t family, const uint8_t *b, char *buf, size_t cap);
const char *rf_packet_protocol(uint8_t family, uint8_t proto, char *buf, size_t cap);
const char *rf_packet_state(uint8_t state);

#endif
