#include "role/host.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *const names[] = { "controller", "border", "relay", "gateway", "provision", "console", "voicemail",
				     "wall" };

const char *rf_role_name(unsigned bit)
{
	for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
		if (bit == 1u << i)
			return names[i];
	return NULL;
}

static bool is_address(const struct sockaddr *sa, const struct rf_site_ip *ip)
{
	if (sa && ip->family == 4 && sa->sa_family == AF_INET)
		return memcmp(&((const struct sockaddr_in *)(const void *)sa)->sin_addr, ip->b, 4) == 0;
	if (sa && ip->family == 6 && sa->sa_family == AF_INET6)
		return memcmp(&((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, ip->b, 16) == 0;
	return false;
}

static bool lives_here(const struct ifaddrs *list, const struct rf_site_host *h)
{
	for (; list; list = list->ifa_next)
		if (is_address(list->ifa_addr, &h->address) || is_address(list->ifa_addr, &h->address6))
			return true;
	return false;
}

static const struct rf_site_host *by_name(const struct rf_site *site)
{
	char name[256] = "";

	if (gethostname(name, sizeof name - 1) < 0)
		return NULL;
	const struct rf_site_host *h = rf_site_host(site, rf_view_str(name));
	if (h)
		return h;
	size_t dot = rf_view_find(rf_view_str(name), '.');
	return rf_site_host(site, rf_view_of(name, dot));
}

static const struct rf_site_host *by_address(const struct rf_site *site, unsigned role)
{
	struct ifaddrs *list = NULL;
	const struct rf_site_host *found = NULL;

	if (getifaddrs(&list) < 0)
		return NULL;
	for (size_t i = 0; i < site->host_count && !found; i++)
		if (site->hosts[i].roles & role && lives_here(list, &site->hosts[i]))
			found = &site->hosts[i];
	freeifaddrs(list);
	return found;
}

static const struct rf_site_host *only_one(const struct rf_site *site, unsigned role)
{
	const struct rf_site_host *found = NULL;
	unsigned n = 0;

	for (size_t i = 0; i < site->host_count; i++)
		if (site->hosts[i].roles & role) {
			found = &site->hosts[i];
			n++;
		}
	return n == 1 ? found : NULL;
}

/* "controller or border" */
static const char *names_of(unsigned roles, char *dst, size_t cap)
{
	size_t n = 0;

	dst[0] = 0;
	for (unsigned bit = 1; rf_role_name(bit); bit <<= 1)
		if (roles & bit && n < cap)
			n += (size_t)snprintf(dst + n, cap - n, "%s%s", n ? " or " : "", rf_role_name(bit));
	return dst;
}

int rf_role_host(const struct rf_site *site, const char *name, unsigned role, const struct rf_site_host **ret_host,
		 struct rf_diag *diag)
{
	const struct rf_site_host *h = NULL;
	char words[128];

	if (name) {
		h = rf_site_host(site, rf_view_str(name));
		if (!h)
			return rf_diag_set(diag, RF_E_NOT_FOUND, "the site file has no host %s", name);
	} else if (site->host_count) {
		h = by_name(site);
		if (!h || !(h->roles & role))
			h = by_address(site, role);
		if (!h)
			h = only_one(site, role);
		if (!h)
			return rf_diag_set(diag, RF_E_NOT_FOUND, "none of the site's hosts with the role %s has this "
					   "machine's name or address: --host NAME says which one it is",
					   names_of(role, words, sizeof words));
	}
	if (h && !(h->roles & role))
		return rf_diag_set(diag, RF_E_NOT_FOUND, "host %s has no role %s in the site file",
				   rf_site_cstr(h->name), names_of(role, words, sizeof words));
	*ret_host = h;
	return 0;
}
