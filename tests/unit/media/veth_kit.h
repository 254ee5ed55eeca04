/* A relay's host with two interfaces, "inside" and "outside", and somewhere else both of their neighbours, "near" and "far". This
 * process becomes the host; what is elsewhere is in a network namespace that a child keeps.
 *
 *	inside   10.1.0.1/24, 2001:db8:1::1/64   -   near   10.1.0.2/24, 2001:db8:1::2/64
 *	outside  10.2.0.1/24, 2001:db8:2::1/64   -   far    10.2.0.2/24, 2001:db8:2::2/64, 10.3.0.2/32 behind the gateway 10.2.0.2 */
#ifndef RF_TEST_MEDIA_VETH_KIT_H
#define RF_TEST_MEDIA_VETH_KIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct veth_kit {
	pid_t child;
	int home, away;
};

/* False: why_not; the test is to be skipped. */
bool veth_begin(struct veth_kit *k, char *why_not, size_t cap);
void veth_end(struct veth_kit *k);
/* Sockets are of where they were opened. */
void veth_go_away(const struct veth_kit *k);
void veth_go_home(const struct veth_kit *k);
/* A shell's words, in either place. False: it failed. */
bool veth_run(const struct veth_kit *k, bool away, const char *words);
/* Senders leave checksums to their card (true, as it is at first) or reckon them. */
bool veth_leave_checksums(const struct veth_kit *k, bool leave);
/* Cards at home take tags of VLANs off (true, as it is at first). */
bool veth_strip_tags(const struct veth_kit *k, bool strip);
void veth_mac(const char *name, uint8_t ret_mac[6]);

#endif
