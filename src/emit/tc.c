/* Queues of Linux routers, as a script of tc commands: signaling and media go before the rest, told by the DSCP that
 * the rules have set, and media towards the outside has a ceiling. Linux can do this in many ways; HTB and u32 are the
 * ones that every kernel has, down to small ones. fq_codel is used for the rest where it is there.
 *
 *	1:10  media      EF and what RFC 4594 has for video; first, a short queue: late sound is no sound
 *	1:20  signaling  CS5, CS3, and network control (CS6, CS7): a little, but never starved
 *	1:30  the rest
 */
#include "emit/emit.h"

/* What each class is for. */
static const struct { unsigned class, dscp; } classes[] = {
	{ 10, 46 }, { 10, 44 }, { 10, 34 }, { 10, 36 }, { 10, 38 }, { 10, 32 },
	{ 20, 40 }, { 20, 24 }, { 20, 48 }, { 20, 56 },
};

static void put_filters(struct rf_emit_out *o)
{
	for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
		rf_emit_line(o, "\tmark \"$1\" 1:%u 0x%02x\n", classes[i].class, classes[i].dscp << 2);
}

static void put_functions(struct rf_emit_out *o)
{
	rf_emit_line(o,
		"# usage: queues.sh [DEVICE=KBIT...]   the rate of a line that is slower than its interface\n"
		"set -eu\n\n"
		"# The rate of a device: as given, else what the interface says, else a gigabit.\n"
		"rate() {\n"
		"\tfor given in $rates; do\n"
		"\t\tcase $given in \"$1\"=*) echo \"${given#*=}\"; return;; esac\n"
		"\tdone\n"
		"\tmbit=$(cat \"/sys/class/net/$1/speed\" 2>/dev/null || echo 1000)\n"
		"\t[ \"$mbit\" -gt 0 ] 2>/dev/null || mbit=1000\n"
		"\techo $((mbit * 1000))\n"
		"}\n\n"
		"# mark DEVICE CLASS TOS: packets of either family with this DSCP go to that class.\n"
		"mark() {\n"
		"\ttc filter add dev \"$1\" parent 1: protocol ip prio 1 u32 match ip dsfield \"$3\" 0xfc flowid \"$2\"\n"
		"\ttc filter add dev \"$1\" parent 1: protocol ipv6 prio 2 u32 match ip6 priority \"$3\" 0xfc flowid \"$2\"\n"
		"}\n\n"
		"# queues DEVICE [KBIT]: KBIT is the ceiling of media; without it media may use nine tenths.\n"
		"queues() {\n"
		"\tif [ ! -e \"/sys/class/net/$1\" ]; then\n"
		"\t\techo \"queues.sh: there is no interface $1\" >&2\n"
		"\t\tstatus=1\n"
		"\t\treturn\n"
		"\tfi\n"
		"\tall=$(rate \"$1\")\n"
		"\tmedia=${2:-$((all * 9 / 10))}\n"
		"\t[ \"$media\" -le \"$((all * 9 / 10))\" ] || media=$((all * 9 / 10))\n"
		"\ttc qdisc del dev \"$1\" root 2>/dev/null || :\n"
		"\ttc qdisc add dev \"$1\" root handle 1: htb default 30 r2q 1000\n"
		"\ttc class add dev \"$1\" parent 1: classid 1:1 htb rate \"${all}kbit\" ceil \"${all}kbit\"\n"
		"\ttc class add dev \"$1\" parent 1:1 classid 1:10 htb prio 0 rate \"$((media / 2 + 1))kbit\" ceil \"${media}kbit\"\n"
		"\ttc class add dev \"$1\" parent 1:1 classid 1:20 htb prio 1 rate \"$((all / 20 + 1))kbit\" ceil \"${all}kbit\"\n"
		"\ttc class add dev \"$1\" parent 1:1 classid 1:30 htb prio 2 rate \"$((all / 4 + 1))kbit\" ceil \"${all}kbit\"\n"
		"\ttc qdisc add dev \"$1\" parent 1:10 handle 10: pfifo limit 64\n"
		"\ttc qdisc add dev \"$1\" parent 1:20 handle 20: pfifo limit 256\n"
		"\ttc qdisc add dev \"$1\" parent 1:30 handle 30: fq_codel 2>/dev/null ||\n"
		"\t\ttc qdisc add dev \"$1\" parent 1:30 handle 30: pfifo limit 1000\n");
	put_filters(o);
	rf_emit_line(o, "}\n\nrates=$*\nstatus=0\n");
}

/* Media to and from the outside at once, emergency calls beyond the bound of calls included; 0: no bound. */
static uint64_t external_kbit(const struct rf_site *s)
{
	return s->limits.external_calls ? ((uint64_t)s->limits.external_calls + s->limits.emergency_calls) *
					  s->network.external_kbit_per_call : 0;
}

static void put_router(struct rf_emit *e, const struct rf_site_router *r)
{
	uint64_t cap = external_kbit(e->site);
	struct rf_emit_out *o;

	rf_emit_begin(e, &o, 0755, NULL, "routers/%s/queues.sh", rf_site_cstr(r->name));
	rf_emit_line(o, "#!/bin/sh\n# routers/%s/queues.sh\n# site %s, level %s, digest %s\n"
			"# Written by `ringfort compile`; what is changed here is lost.\n",
		     rf_site_cstr(r->name), rf_site_cstr(e->site->name), rf_level_name(e->site->level), e->digest_hex);
	put_functions(o);
	for (size_t i = 0; i < r->interface_count; i++) {
		const struct rf_site_interface *f = &r->interfaces[i];

		if (f->zone->kind == RF_ZONE_INTERNET && cap)
			rf_emit_line(o, "queues %s %llu   # %u calls to the outside and %u for help, %u kbit each\n",
				     rf_site_cstr(f->name), (unsigned long long)cap, e->site->limits.external_calls,
				     e->site->limits.emergency_calls, e->site->network.external_kbit_per_call);
		else
			rf_emit_line(o, "queues %s\n", rf_site_cstr(f->name));
	}
	rf_emit_line(o, "exit $status\n");
	rf_emit_end(o);
}

void rf_emit_tc(struct rf_emit *e)
{
	for (size_t i = 0; i < e->site->router_count; i++)
		if (e->site->routers[i].kind == RF_DEVICE_LINUX)
			put_router(e, &e->site->routers[i]);
}
