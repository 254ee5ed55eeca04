#!/bin/sh
# routers/rt-branch/queues.sh
# site office, level medium, digest DIGEST
# Written by `ringfort compile`; what is changed here is lost.
# usage: queues.sh [DEVICE=KBIT...]   the rate of a line that is slower than its interface
set -eu

# The rate of a device: as given, else what the interface says, else a gigabit.
rate() {
	for given in $rates; do
		case $given in "$1"=*) echo "${given#*=}"; return;; esac
	done
	mbit=$(cat "/sys/class/net/$1/speed" 2>/dev/null || echo 1000)
	[ "$mbit" -gt 0 ] 2>/dev/null || mbit=1000
	echo $((mbit * 1000))
}

# mark DEVICE CLASS TOS: packets of either family with this DSCP go to that class.
mark() {
	tc filter add dev "$1" parent 1: protocol ip prio 1 u32 match ip dsfield "$3" 0xfc flowid "$2"
	tc filter add dev "$1" parent 1: protocol ipv6 prio 2 u32 match ip6 priority "$3" 0xfc flowid "$2"
}

# queues DEVICE [KBIT]: KBIT is the ceiling of media; without it media may use nine tenths.
queues() {
	if [ ! -e "/sys/class/net/$1" ]; then
		echo "queues.sh: there is no interface $1" >&2
		status=1
		return
	fi
	all=$(rate "$1")
	media=${2:-$((all * 9 / 10))}
	[ "$media" -le "$((all * 9 / 10))" ] || media=$((all * 9 / 10))
	tc qdisc del dev "$1" root 2>/dev/null || :
	tc qdisc add dev "$1" root handle 1: htb default 30 r2q 1000
	tc class add dev "$1" parent 1: classid 1:1 htb rate "${all}kbit" ceil "${all}kbit"
	tc class add dev "$1" parent 1:1 classid 1:10 htb prio 0 rate "$((media / 2 + 1))kbit" ceil "${media}kbit"
	tc class add dev "$1" parent 1:1 classid 1:20 htb prio 1 rate "$((all / 20 + 1))kbit" ceil "${all}kbit"
	tc class add dev "$1" parent 1:1 classid 1:30 htb prio 2 rate "$((all / 4 + 1))kbit" ceil "${all}kbit"
	tc qdisc add dev "$1" parent 1:10 handle 10: pfifo limit 64
	tc qdisc add dev "$1" parent 1:20 handle 20: pfifo limit 256
	tc qdisc add dev "$1" parent 1:30 handle 30: fq_codel 2>/dev/null ||
		tc qdisc add dev "$1" parent 1:30 handle 30: pfifo limit 1000
	mark "$1" 1:10 0xb8
	mark "$1" 1:10 0xb0
	mark "$1" 1:10 0x88
	mark "$1" 1:10 0x90
	mark "$1" 1:10 0x98
	mark "$1" 1:10 0x80
	mark "$1" 1:20 0xa0
	mark "$1" 1:20 0x60
	mark "$1" 1:20 0xc0
	mark "$1" 1:20 0xe0
}

rates=$*
status=0
queues vlan130
queues vlan150
queues vlan180
queues eth0 4000   # 30 calls to the outside and 10 for help, 100 kbit each
exit $status
