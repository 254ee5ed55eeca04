/* Who is next on the way to an address: the kernel's routes and neighbours, asked by netlink. Asking takes no rights;
 * the answer is there when the question has been sent, nobody waits. */
#ifndef RF_MEDIA_HOP_H
#define RF_MEDIA_HOP_H

#include "net/addr.h"

struct rf_hop {
	uint8_t mac[6];
	bool fresh;                  /* the kernel needs no sign of use to keep it: else send something by a socket */
};

int rf_hop_open(int *ret_fd); /* -errno */
/* From our address out of the interface of this index. RF_E_UNSUPPORTED: the way leads out of another one, or is none
 * for one receiver, or is not Ethernet's alone; RF_E_NOT_FOUND: the neighbour's address is not known now; -errno. */
int rf_hop_ask(int fd, unsigned device, const struct rf_addr *from, const struct rf_addr *to, struct rf_hop *ret_hop);

#endif
