"""The rules of a switch that is a Linux bridge, in a kernel: what a phone needs passes, and what an attacker in its place would
send does not. sw-branch of examples/office; the bridge is a plain one, since the VLANs are the kernel's matter and not these
rules'."""
import ipaddress
import re
import struct

import pytest

from frames import BROADCAST, Device, arp, ether, ip_frame, packet, tcp, udp
from lab import wait_until
from test_compile import compile_to, office

UPLINK, GATEWAY = "swp24", "10.130.0.1"
FORGED = "02:66:66:66:66:66"
OTHER = "00:00:5e:00:53:aa"     # somebody behind the uplink


class Switch(Device):
    def __init__(self, bundle):
        rules = bundle / "switches" / "sw-branch" / "ringfort.nft"
        text = rules.read_text()
        self.stations = {}
        for port, body in re.findall(r"^\tchain port/(\S+) \{.*?\n(.*?)^\t\}", text, re.M | re.S):
            mac = re.search(r"ether saddr != ([0-9a-f:]{17})", body)
            if mac:
                v6 = re.search(r"ip6 saddr \{ (fe80\S+), (2001\S+) \} accept", body)
                self.stations[port] = (mac.group(1), re.search(r"^\t\tip saddr (\S+) accept", body, re.M).group(1), *v6.groups())
        self.phone, self.second = list(self.stations)[:2]
        self.data = re.findall(r'"(\S+)" : goto', text)[-1]
        super().__init__([self.phone, self.second, self.data, "swp9", UPLINK])
        self.run("ip", "link", "add", "br0", "type", "bridge", "stp_state", "0", "mcast_snooping", "0")
        for name in self.macs:
            self.run("ip", "link", "set", name, "master", "br0")
        # Among others: bridged packets do not pass the hooks of IP, which cut their padding off.
        self.run("sysctl", "-q", "-p", str(rules.parent / "sysctl.conf"))
        self.run("ip", "link", "set", "br0", "up")
        wait_until("all ports forward", lambda: self.run("bridge", "link").count("state forwarding") == len(self.macs), 10)
        self.run("nft", "-f", str(rules))

    def out(self, port, frame):
        """Does this frame, sent into port, come out at the uplink? Asked with one behind it that does."""
        self.frames(UPLINK)
        self.send(port, frame)
        mac, ip4 = self.stations[self.second][:2]
        marker = ip_frame("02:00:00:00:00:01", mac, udp(ip4, 1, "192.0.2.2", 2))
        self.send(self.second, marker)
        assert self.wait(UPLINK, lambda f: f[:len(marker)] == marker)
        return frame in [f[:len(frame)] for f in self.frames(UPLINK)]


@pytest.fixture(scope="module")
def switch(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bridge")
    s = Switch(compile_to(office(folder), folder / "rules"))
    yield s
    s.close()


def dhcp(mac, op=1):
    return struct.pack("!BBBB", op, 1, 6, 0) + b"\0" * 24 + bytes(int(x, 16) for x in mac.split(":")) + b"\0" * 212


def discover(mac, chaddr=None, sport=68, dport=67, op=1):
    return ip_frame(BROADCAST, mac, udp("0.0.0.0", sport, "255.255.255.255", dport, dhcp(chaddr or mac, op)))


def icmp6(src, dst, kind, body):
    return packet(src, dst, 58, bytes([kind, 0, 0, 0]) + body)


def advert(src, target):
    return icmp6(src, "ff02::1", 136, b"\x20\0\0\0" + ipaddress.ip_address(target).packed)


def solicit(src, target):
    return icmp6(src, "ff02::1:ff00:1", 135, b"\0\0\0\0" + ipaddress.ip_address(target).packed)


def what_a_phone_sends(mac, ip4, link, ip6):
    gw = "02:00:00:00:00:01"
    yield "DHCP request", discover(mac)
    yield "DHCP renewal", ip_frame(gw, mac, udp(ip4, 68, "10.20.0.21", 67, dhcp(mac)))
    yield "ARP request", ether(BROADCAST, mac, 0x0806, arp(1, mac, ip4, "00:00:00:00:00:00", GATEWAY))
    yield "ARP answer", ether(gw, mac, 0x0806, arp(2, mac, ip4, gw, GATEWAY))
    yield "ARP probe for its own", ether(BROADCAST, mac, 0x0806, arp(1, mac, "0.0.0.0", "00:00:00:00:00:00", ip4))
    yield "IPv4", ip_frame(gw, mac, tcp(ip4, 40000, "10.20.0.11", 5061))
    yield "IPv6", ip_frame(gw, mac, tcp(ip6, 40000, "2001:db8:0:20::11", 5061))
    yield "neighbour solicitation", ip_frame("33:33:ff:00:00:01", mac, solicit(link, "fe80::1"))
    yield "neighbour advertisement", ip_frame(gw, mac, advert(ip6, ip6))
    yield "is my address free", ip_frame("33:33:ff:00:00:01", mac, solicit("::", ip6))
    yield "is my link-local address free", ip_frame("33:33:ff:00:00:01", mac, solicit("::", link))
    yield "DHCPv6 request", ip_frame("33:33:00:01:00:02", mac, udp(link, 546, "ff02::1:2", 547))
    yield "router solicitation", ip_frame("33:33:00:00:00:02", mac, icmp6(link, "ff02::2", 133, b"\0" * 4))


def attacks(mac, ip4, link, ip6):
    gw = "02:00:00:00:00:01"
    yield "a foreign MAC", "foreign-mac", ip_frame(gw, FORGED, tcp(ip4, 40000, "10.20.0.11", 5061))
    yield "a foreign MAC in ARP", "arp-forged", ether(BROADCAST, mac, 0x0806, arp(2, FORGED, ip4, gw, "10.130.0.9"))
    yield "the gateway's address in ARP", "arp-forged", ether(BROADCAST, mac, 0x0806, arp(2, mac, GATEWAY, gw, "10.130.0.9"))
    yield "ARP request with another's address", "arp-forged", ether(BROADCAST, mac, 0x0806, arp(1, mac, "10.130.0.77", gw, GATEWAY))
    yield "ARP probe for another's", "arp-forged", ether(BROADCAST, mac, 0x0806, arp(1, mac, "0.0.0.0", gw, GATEWAY))
    yield "gratuitous ARP", "arp-gratuitous", ether(BROADCAST, mac, 0x0806, arp(1, mac, ip4, "00:00:00:00:00:00", ip4))
    yield "gratuitous ARP answer", "arp-gratuitous", ether(BROADCAST, mac, 0x0806, arp(2, mac, ip4, BROADCAST, ip4))
    yield "gratuitous ARP for the gateway", "arp-forged", ether(BROADCAST, mac, 0x0806, arp(2, mac, GATEWAY, BROADCAST, GATEWAY))
    yield "RARP", "source-forged", ether(BROADCAST, mac, 0x8035, arp(3, mac, "0.0.0.0", mac, "0.0.0.0"))
    yield "DHCP offer", "dhcp-server", ip_frame(BROADCAST, mac, udp(ip4, 67, "255.255.255.255", 68, dhcp(mac, 2)))
    yield "DHCP for another (starvation)", "source-forged", discover(mac, FORGED)
    yield "DHCP answer as a request", "source-forged", discover(mac, op=2)
    yield "DHCPv6 answer", "dhcp-server", ip_frame("33:33:00:01:00:02", mac, udp(link, 547, "ff02::1", 546))
    yield "router advertisement", "router-advertisement", ip_frame("33:33:00:00:00:01", mac, icmp6(link, "ff02::1", 134, b"\0" * 12))
    yield "IPv6 redirect", "router-advertisement", ip_frame(gw, mac, icmp6(link, "ff02::1", 137, b"\0" * 36))
    yield "another's IPv4", "source-forged", ip_frame(gw, mac, tcp("10.130.0.77", 40000, "10.20.0.11", 5061))
    yield "the server's IPv4", "source-forged", ip_frame(gw, mac, tcp("10.20.0.11", 40000, "10.20.0.12", 5061))
    yield "another's IPv6", "source-forged", ip_frame(gw, mac, tcp("2001:db8:1:30::77", 40000, "2001:db8:0:20::11", 5061))
    yield "another's link-local", "source-forged", ip_frame(gw, mac, udp("fe80::1", 1, "ff02::1", 2))
    yield "advertisement of the gateway", "neighbour-forged", ip_frame(gw, mac, advert(link, "fe80::1"))
    yield "advertisement of another's address", "neighbour-forged", ip_frame(gw, mac, advert(ip6, "2001:db8:1:30::77"))
    yield "another's address claimed", "source-forged", ip_frame(gw, mac, solicit("::", "2001:db8:1:30::77"))
    yield "a VLAN tag", "tagged", ether(gw, mac, 0x8100, b"\0\x14\x08\0" + tcp(ip4, 1, "10.20.0.11", 5061))
    yield "two VLAN tags", "tagged", ether(gw, mac, 0x88a8, b"\0\x14\x81\0\0\x1e\x08\0" + tcp(ip4, 1, "10.20.0.11", 5061))
    yield "spanning tree", "switch-control", ether("01:80:c2:00:00:00", mac, 0x0026, b"\x42\x42\x03" + b"\0" * 40)
    yield "spanning tree of others", "switch-control", ether("01:00:0c:cc:cc:cd", mac, 0x0032, b"\xaa\xaa\x03" + b"\0" * 40)
    yield "something else", "source-forged", ether(BROADCAST, mac, 0x88b5, b"hello")


def test_what_a_phone_needs(switch):
    for name, frame in what_a_phone_sends(*switch.stations[switch.phone]):
        assert switch.out(switch.phone, frame), name


def test_what_an_attacker_sends(switch):
    for name, counter, frame in attacks(*switch.stations[switch.phone]):
        before = switch.counters("bridge")[counter]
        assert not switch.out(switch.phone, frame), name
        assert switch.counters("bridge")[counter] == before + 1, name


def test_another_phones_place(switch):
    """A phone unplugged and plugged in elsewhere is nobody there."""
    for name, frame in what_a_phone_sends(*switch.stations[switch.phone]):
        assert not switch.out(switch.second, frame), name


def test_nobody_is_expected_there(switch):
    """A telephony port without a station in the site file."""
    before = switch.counters("bridge")["no-station"]
    for name, frame in what_a_phone_sends(*switch.stations[switch.phone]):
        assert not switch.out("swp9", frame), name
    assert switch.counters("bridge")["no-station"] >= before + 13


def test_mac_flood_on_a_data_port(switch):
    """One station is learned; the next five hundred are not, and the first goes on."""
    gw = "02:00:00:00:00:01"
    first = ip_frame(gw, "02:10:00:00:00:01", tcp("10.180.0.50", 40000, "10.180.0.1", 443))
    assert switch.out(switch.data, first)
    for n in range(500):
        switch.send(switch.data, ip_frame(gw, f"02:20:00:00:{n >> 8:02x}:{n & 255:02x}", tcp("10.180.0.50", n + 1, "10.180.0.1", 443)))
    assert not switch.out(switch.data, ip_frame(gw, "02:20:00:00:ff:ff", tcp("10.180.0.50", 1, "10.180.0.1", 443)))
    assert switch.out(switch.data, first)
    assert switch.run("bridge", "fdb", "show", "br", "br0").count("02:20:") == 0
    for name, frame in (("the gateway's address", tcp("10.180.0.1", 1, "10.180.0.9", 2)), ("a server's", tcp("10.20.0.11", 1, "10.180.0.9", 2))):
        assert not switch.out(switch.data, ip_frame(gw, "02:10:00:00:00:01", frame)), name


def test_a_storm(switch):
    """Broadcast beyond a hundredth of a gigabit is dropped; what goes to one station is not."""
    mac, ip4 = switch.stations[switch.phone][:2]
    big = ip_frame(BROADCAST, mac, udp(ip4, 1, "255.255.255.255", 9, b"x" * 1400))
    for _ in range(20):
        for _ in range(500):
            switch.send(switch.phone, big)
        if switch.counters("bridge")["storm"] > 100:
            break
    assert switch.counters("bridge")["storm"] > 100
    assert switch.out(switch.phone, ip_frame("02:00:00:00:00:01", mac, tcp(ip4, 40000, "10.20.0.11", 5061)))


def test_behind_the_uplink_everything_passes(switch):
    offer = ip_frame(switch.stations[switch.phone][0], OTHER, udp("10.20.0.21", 67, "10.130.0.50", 68, dhcp(FORGED, 2)))
    switch.send(UPLINK, offer)
    assert switch.wait(switch.phone, lambda f: f[:len(offer)] == offer)
