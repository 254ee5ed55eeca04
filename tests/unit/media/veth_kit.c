#include "veth_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static bool go(int ns)
{
	return setns(ns, CLONE_NEWNET) == 0;
}

void veth_go_away(const struct veth_kit *k)
{
	if (!go(k->away))
		abort();
}

void veth_go_home(const struct veth_kit *k)
{
	if (!go(k->home))
		abort();
}

bool veth_run(const struct veth_kit *k, bool away, const char *words)
{
	if (away)
		veth_go_away(k);
	int rc = system(words);

	if (away)
		veth_go_home(k);
	return rc == 0;
}

static bool drive(const char *name, uint32_t cmd, uint32_t data)
{
	struct ethtool_value v = { .cmd = cmd, .data = data };
	struct ifreq r = { .ifr_data = (void *)&v };
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(r.ifr_name, sizeof r.ifr_name, "%s", name);
	int rc = ioctl(s, SIOCETHTOOL, &r);

	close(s);
	return rc == 0;
}

bool veth_leave_checksums(const struct veth_kit *k, bool leave)
{
	veth_go_away(k);
	bool ok = drive("near", ETHTOOL_STXCSUM, leave) && drive("far", ETHTOOL_STXCSUM, leave);

	veth_go_home(k);
	return ok;
}

bool veth_strip_tags(const struct veth_kit *k, bool strip)
{
	uint32_t flags = ETH_FLAG_TXVLAN | (strip ? ETH_FLAG_RXVLAN : 0);

	(void)k;
	return drive("inside", ETHTOOL_SFLAGS, flags) && drive("outside", ETHTOOL_SFLAGS, flags);
}

void veth_mac(const char *name, uint8_t ret_mac[6])
{
	struct ifreq r = { .ifr_ifindex = 0 };
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(r.ifr_name, sizeof r.ifr_name, "%s", name);
	if (ioctl(s, SIOCGIFHWADDR, &r))
		abort();
	memcpy(ret_mac, r.ifr_hwaddr.sa_data, 6);
	close(s);
}

/* A child that is elsewhere, until we end. */
static bool keep_namespace(struct veth_kit *k)
{
	char path[64];
	int ready[2], c = 0;

	if (pipe2(ready, O_CLOEXEC))
		return false;
	k->child = fork();
	if (k->child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		c = unshare(CLONE_NEWNET) == 0;
		if (write(ready[1], &c, 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	bool ok = k->child > 0 && read(ready[0], &c, 1) == 1 && c;

	close(ready[0]);
	close(ready[1]);
	snprintf(path, sizeof path, "/proc/%d/ns/net", (int)k->child);
	k->away = ok ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	return k->away >= 0;
}

static bool link_up(const struct veth_kit *k)
{
	char words[256];

	for (unsigned i = 0; i < 2; i++) {
		snprintf(words, sizeof words,
			 "ip link add %s type veth peer name %s netns %d && ip link set %s up && "
			 "ip addr add 10.%u.0.1/24 dev %s && ip addr add 2001:db8:%u::1/64 dev %s nodad",
			 i ? "outside" : "inside", i ? "far" : "near", (int)k->child, i ? "outside" : "inside", i + 1,
			 i ? "outside" : "inside", i + 1, i ? "outside" : "inside");
		if (!veth_run(k, false, words))
			return false;
		snprintf(words, sizeof words,
			 "ip link set %s up && ip addr add 10.%u.0.2/24 dev %s && "
			 "ip addr add 2001:db8:%u::2/64 dev %s nodad",
			 i ? "far" : "near", i + 1, i ? "far" : "near", i + 1, i ? "far" : "near");
		if (!veth_run(k, true, words))
			return false;
	}
	return veth_run(k, false, "ip link set lo up && ip route add 10.3.0.0/24 via 10.2.0.2") &&
	       veth_run(k, true, "ip addr add 10.3.0.2/32 dev far");
}

bool veth_begin(struct veth_kit *k, char *why_not, size_t cap)
{
	*k = (struct veth_kit){ .home = -1, .away = -1 };
	if (unshare(CLONE_NEWNET)) {
		snprintf(why_not, cap, "no network namespace: %s", strerror(errno));
		return false;
	}
	k->home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (k->home < 0 || !keep_namespace(k) || !link_up(k)) {
		snprintf(why_not, cap, "no interfaces (ip link add ... type veth)");
		veth_end(k);
		return false;
	}
	return true;
}

void veth_end(struct veth_kit *k)
{
	if (k->child > 0) {
		kill(k->child, SIGKILL);
		waitpid(k->child, NULL, 0);
	}
	if (k->home >= 0)
		close(k->home);
	if (k->away >= 0)
		close(k->away);
}
