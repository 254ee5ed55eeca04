"""The rules of the office's router in a kernel, asked packet by packet: every flow passes, and nothing else does. Who decides
what should pass is flows.json and a dozen lines here, not the code that wrote the rules."""
import ipaddress
import json
import random
import re
import struct
import time

import pytest

from frames import BROADCAST, Device, arp, ether, tcp, udp
from test_compile import compile_to, office

PORTS = [22, 53, 67, 69, 80, 123, 161, 389, 443, 514, 547, 636, 853, 1720, 2000, 2223, 2224, 3306, 4460, 5060, 5061, 5062,
         5432, 6379, 6514, 8080, 16384, 20000, 32767, 32768, 50000]
SYN, ACK = 2, 16


class Router(Device):
    """rt-a as networkd would set it up; each interface is one zone."""

    def __init__(self, bundle):
        folder = bundle / "routers" / "rt-a"
        self.zone_of, self.net, addresses, routes = {}, {}, [], []
        for file in sorted((folder / "networkd").glob("30-*.network")):
            text = file.read_text()
            name = re.search(r"^Name=(\S+)", text, re.M).group(1)
            zone = re.search(r"^Description=zone (\S+)", text, re.M).group(1)
            self.zone_of[name] = zone
            for a in re.findall(r"^Address=(\S+)", text, re.M):
                addresses.append((name, a))
                if zone != "internet":
                    net = ipaddress.ip_interface(a).network
                    self.net[zone, net.version] = net
        super().__init__(self.zone_of)
        self.own4 = {self.zone_of[name]: a.split("/")[0] for name, a in addresses if ":" not in a}
        self.interface = {zone: name for name, zone in self.zone_of.items()}
        self.run("sysctl", "-q", "-p", str(folder / "sysctl.conf"))
        lines = [f"addr add {a} dev {name}{' nodad' if ':' in a else ''}" for name, a in addresses]
        lines += ["route add default dev eth0", "route add ::/0 dev eth0"]
        self.run("ip", "-batch", "-", stdin="\n".join(lines) + "\n")
        self.run("nft", "-f", str(folder / "ringfort.nft"))

    def know(self, zone, addresses):
        """Who these are on that link, so that the router asks nobody."""
        name = self.interface[zone]
        self.run("ip", "-batch", "-", stdin="".join(
            f"neigh replace {a} lladdr {self.our_macs[name]} dev {name} nud permanent\n" for a in addresses))

    def settle(self, zone):
        """All that was sent there has been dealt with: a question behind it, who has your address, is answered."""
        name = self.interface[zone]
        us, net = self.our_macs[name], self.net.get((zone, 4))
        asker = str(net[-2]) if net else "192.0.2.99"
        self.send(name, ether(BROADCAST, us, 0x0806, arp(1, us, asker, "00:00:00:00:00:00", self.own4[zone])))
        assert self.wait(name, lambda f: f[12:14] == b"\x08\x06" and f[20:22] == b"\0\2")

    def seen(self, wanted, seconds=5):
        """Numbers of probes that came out, by zone, until all wanted are among them."""
        out, end = {}, time.monotonic() + seconds
        while wanted - set(out) and time.monotonic() < end:
            for name, zone in self.zone_of.items():
                for frame in self.frames(name):
                    n = number_in(frame)
                    if n is not None:
                        out[n] = zone
        return out


def number_in(frame):
    """The number of a probe: TCP's sequence number, or the eight bytes that UDP carries."""
    kind = frame[12] << 8 | frame[13]
    if kind not in (0x0800, 0x86dd):
        return None
    at, proto = (14 + (frame[14] & 15) * 4, frame[23]) if kind == 0x0800 else (54, frame[20])
    if proto == 6:
        return struct.unpack("!I", frame[at + 4:at + 8])[0]
    if proto == 17 and frame[at + 8:at + 12] == b"prob":
        return struct.unpack("!I", frame[at + 12:at + 16])[0]
    return None


def probe(n, proto, src, sport, dst, dport):
    if proto == "tcp":
        return tcp(src, sport, dst, dport, SYN, seq=n)
    return udp(src, sport, dst, dport, b"prob" + struct.pack("!I", n))


class Oracle:
    """What flows.json permits."""

    def __init__(self, bundle, nets):
        self.flows = json.loads((bundle / "flows.json").read_text())["flows"]
        self.nets = nets

    def is_in(self, address, flow, side):
        address = ipaddress.ip_address(address)
        listed = flow.get(f"{side}_addresses")
        if listed is not None:
            return any(address in ipaddress.ip_network(x) for x in listed)
        if flow[side] == "internet":
            return not any(address in net for net in self.nets.values() if net.version == address.version)
        net = self.nets.get((flow[side], address.version))
        return net is not None and address in net

    def fits(self, flow, proto, src, sport, dst, dport):
        low, high = flow.get("source_ports", [0, 65535])
        first, last = flow.get("ports", [0, 65535])
        return (flow["protocol"] == proto and self.is_in(src, flow, "from") and self.is_in(dst, flow, "to") and
                low <= sport <= high and first <= dport <= last)

    def passes(self, proto, src, sport, dst, dport):
        for flow in self.flows:
            if flow["how"] in ("stateful", "stateless") and self.fits(flow, proto, src, sport, dst, dport):
                return True
            if flow["how"] == "stateless" and self.fits(flow, proto, dst, dport, src, sport):
                return True
        return False


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nft")
    return compile_to(office(folder), folder / "rules")


@pytest.fixture
def router(bundle):
    r = Router(bundle)
    yield r
    r.close()


def people(oracle, router, version):
    """Addresses to ask with: those that flows name, some others of each zone, and of the outside."""
    out = {zone: set() for zone, v in router.net if v == version and zone in router.interface}
    for flow in oracle.flows:
        for side in ("from", "to"):
            for a in flow.get(f"{side}_addresses", []):
                a = ipaddress.ip_network(a)
                if flow[side] in out and a.num_addresses == 1 and a.version == version and \
                        a[0] in router.net[flow[side], version]:
                    out[flow[side]].add(str(a[0]))
    for zone in out:
        net = router.net[zone, version]
        out[zone] |= {str(net[9]), str(net[10])}
    own = set(re.findall(r"inet6? (\S+)/", router.run("ip", "addr")))
    gateways = {str(net[1]) for net in router.net.values()}
    out = {zone: sorted(a - own - gateways) for zone, a in out.items()}
    out["internet"] = ["203.0.113.7", "198.18.4.1"] if version == 4 else ["2001:db8:cafe::7", "2620:0:2d0::1"]
    return out


@pytest.mark.parametrize("version", [4, 6])
def test_every_flow_and_nothing_else(bundle, router, version):
    oracle, rng = Oracle(bundle, router.net), random.Random(46)
    who = people(oracle, router, version)
    for zone, addresses in who.items():
        router.know(zone, addresses)
    probes, number = {}, 1000

    def ask(zone, to, proto, src, sport, dst, dport):
        nonlocal number
        number += 1
        probes[number] = (oracle.passes(proto, src, sport, dst, dport), zone, to, proto, src, sport, dst, dport)

    # Each flow once.
    asked = 0
    for flow in oracle.flows:
        if flow["how"] == "local" or flow["protocol"] not in ("tcp", "udp"):
            continue
        for src in who.get(flow["from"], []):
            dst = next((a for a in who.get(flow["to"], []) if oracle.is_in(a, flow, "to")), None)
            if dst and oracle.is_in(src, flow, "from"):
                low, high = flow.get("source_ports", [1024, 65535])
                ask(flow["from"], flow["to"], flow["protocol"], src, rng.randint(low, high), dst, flow["ports"][0])
                asked += 1
                break
    assert asked > (40 if version == 4 else 20)
    # And whatever comes to mind.
    zones = list(who)
    for _ in range(1500):
        zone, to = rng.sample(zones, 2)
        ask(zone, to, rng.choice(["tcp", "udp"]), rng.choice(who[zone]), rng.choice([rng.randint(1024, 65535),
            rng.randint(16384, 32767)]), rng.choice(who[to]), rng.choice(PORTS))
    for n, (_, zone, _, proto, src, sport, dst, dport) in probes.items():
        router.send_ip(router.interface[zone], probe(n, proto, src, sport, dst, dport))
    for zone in who:
        router.settle(zone)
    expected = {n for n, p in probes.items() if p[0]}
    seen = router.seen(expected)
    assert sorted(probes[n] for n in expected - set(seen)) == []
    assert sorted(probes[n] for n in set(seen) - expected if n in probes) == []
    assert [(probes[n], zone) for n, zone in seen.items() if n in probes and zone != probes[n][2]] == []
    assert len(expected) > (30 if version == 4 else 20)


def passes(router, zone, to, ip):
    """Does this packet come out there? The frame, or None."""
    router.frames(router.interface[to])
    router.send_ip(router.interface[zone], ip)
    router.settle(zone)
    n = number_in(b"\0" * 12 + (b"\x08\0" if ip[0] >> 4 == 4 else b"\x86\xdd") + ip)
    return next((f for f in router.frames(router.interface[to]) if number_in(f) == n), None)


MEDIA = {4: ("10.30.1.9", 20000, "10.60.0.11", 20002), 6: ("2001:db8:0:30::109", 20000, "2001:db8:0:60::11", 20002)}


@pytest.mark.parametrize("version", [4, 6])
def test_a_pinhole_that_goes_ends_what_runs(router, version):
    src, sport, dst, dport = MEDIA[version]
    router.know("phone", [src])
    router.know("border", [dst])
    element = f"{{ udp . {src} . {sport} . {dst} . {dport} timeout 1m }}"
    forth, back = probe(1, "udp", src, sport, dst, dport), probe(2, "udp", dst, dport, src, sport)
    assert not passes(router, "phone", "border", forth)
    router.run("nft", "add", "element", "inet", "ringfort", f"pinholes{version}", element)
    for _ in range(3):
        frame = passes(router, "phone", "border", forth)
        assert frame
    tos = frame[15] if version == 4 else (frame[14] << 4 | frame[15] >> 4) & 0xff
    assert tos >> 2 == 46
    # Neighbours of the hole are closed, the other direction has one of its own.
    assert not passes(router, "phone", "border", probe(3, "udp", src, sport + 2, dst, dport))
    assert not passes(router, "phone", "border", probe(4, "udp", src, sport, dst, dport + 2))
    assert not passes(router, "border", "phone", back)
    router.run("nft", "add", "element", "inet", "ringfort", f"pinholes{version}",
               f"{{ udp . {dst} . {dport} . {src} . {sport} timeout 1m }}")
    assert passes(router, "border", "phone", back)
    router.run("nft", "delete", "element", "inet", "ringfort", f"pinholes{version}", element)
    assert not passes(router, "phone", "border", forth)
    assert router.run("cat", "/proc/net/nf_conntrack", check=False).count(src) == 0


def test_answers_and_marks(router):
    """Who was asked may answer, and both directions are marked."""
    router.know("phone", ["10.30.1.9"])
    router.know("server", ["10.20.0.11"])
    assert not passes(router, "server", "phone", tcp("10.20.0.11", 5061, "10.30.1.9", 40000, SYN | ACK, seq=10, ack=12))
    asked = passes(router, "phone", "server", tcp("10.30.1.9", 40000, "10.20.0.11", 5061, SYN, seq=11))
    answer = passes(router, "server", "phone", tcp("10.20.0.11", 5061, "10.30.1.9", 40000, SYN | ACK, seq=12, ack=12))
    assert asked and answer
    assert asked[15] >> 2 == 40 and answer[15] >> 2 == 40
    assert not passes(router, "phone", "server", tcp("10.30.1.9", 40000, "10.20.0.11", 22, SYN, seq=13))


def test_a_forged_source(router):
    router.know("server", ["10.20.0.11"])
    router.know("phone", ["10.30.1.9"])
    for n, (zone, src, dst, to) in enumerate([("phone", "10.50.0.101", "10.20.0.11", "server"),
                                               ("phone", "127.0.0.1", "10.20.0.11", "server"),
                                               ("internet", "10.30.1.9", "10.20.0.11", "server"),
                                               ("internet", "224.0.0.5", "10.20.0.11", "server"),
                                               ("data", "10.20.0.12", "10.30.1.9", "phone")], 1):
        assert not passes(router, zone, to, probe(n, "tcp", src, 40000, dst, 5061))
    v6 = ("2001:db8:0:50::101", "2001:db8:0:20::11")
    router.know("server", [v6[1]])
    assert not passes(router, "phone", "server", probe(9, "tcp", v6[0], 40000, v6[1], 5061))
    assert router.counters()["source-in-zone-phone"] > 0


def test_one_source_floods(router):
    """Its new connections are bounded; somebody else's are not held up."""
    router.know("server", ["10.20.0.11"])
    phone = router.interface["phone"]
    for n in range(400):
        router.send_ip(phone, probe(5000 + n, "tcp", "10.30.1.9", 10000 + n, "10.20.0.11", 5061))
    assert passes(router, "phone", "server", probe(7000, "tcp", "10.30.1.10", 40000, "10.20.0.11", 5061))
    assert router.counters()["over-rate"] > 200
