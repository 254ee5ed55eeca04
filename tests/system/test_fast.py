"""The kernel's way of streams on a real way: a party in one network, a relay's host between, a party in another. What arrives while
the process in userspace is stopped came through the kernel."""
import contextlib
import ctypes
import os
import pathlib
import signal
import socket
import struct
import subprocess

import pytest

from frames import Device
from lab import ROOT, die_with_parent, wait_until

RINGFORT = pathlib.Path(os.environ.get("RINGFORT", ROOT / "build" / "src" / "ringfort"))
PASS = RINGFORT.parents[1] / "tests" / "unit" / "media" / "fast_pass"
SSRC = 0x01020304
TTL, TOS = 64, 46 << 2
# What recvmsg() is to tell of a packet's IP header: IP_RECVTTL (12), which Python has no name for, and so on.
HEADS = {socket.AF_INET: ((socket.IPPROTO_IP, 12), (socket.IPPROTO_IP, socket.IP_RECVTOS)),
         socket.AF_INET6: ((socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT), (socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS))}


def rtp(seq, ssrc=SSRC, kind=8, first=0x80):
    return struct.pack("!BBHII", first, kind, seq & 0xffff, 160 * seq & 0xffffffff, ssrc) + bytes(160)


class Pass:
    """fast_pass in the namespace of the relay's host."""

    def __init__(self, host, *devices):
        self.process = subprocess.Popen(["nsenter", f"--net=/proc/{host.process.pid}/ns/net", str(PASS), *devices],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        self.says = self.process.stdout.readline().strip()

    def tell(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def counts(self, i):
        return list(map(int, self.tell("read", i).split()))


def joined(left, left_name, right, right_name):
    subprocess.run(["ip", "link", "add", left_name, "netns", str(left.process.pid), "type", "veth", "peer", "name", right_name,
                    "netns", str(right.process.pid)], check=True)
    left.run("ip", "link", "set", left_name, "up")
    right.run("ip", "link", "set", right_name, "up")


def address(device, name, *addresses):
    for a in addresses:
        device.run("ip", "addr", "add", a, "dev", name, *(["nodad"] if ":" in a else []))


class Way:
    """Party a - relay's host - party b, and b has an address more, which the host reaches by a gateway. The host does not
    forward."""

    def __init__(self):
        self.a, self.host, self.b = (Device([], "ip link set lo up") for _ in range(3))
        joined(self.a, "eth0", self.host, "inside")
        joined(self.b, "eth0", self.host, "outside")
        address(self.a, "eth0", "10.1.0.2/24", "2001:db8:1::2/64")
        address(self.host, "inside", "10.1.0.1/24", "2001:db8:1::1/64")
        address(self.host, "outside", "10.2.0.1/24", "2001:db8:2::1/64")
        address(self.b, "eth0", "10.2.0.2/24", "10.3.0.2/32", "2001:db8:2::2/64")
        self.host.run("ip", "route", "add", "10.3.0.0/24", "via", "10.2.0.2")
        self.b.run("ip", "route", "add", "10.1.0.0/24", "via", "10.2.0.1")
        self.sockets = []

    def plain(self, device, *kind):
        """A socket in the device's namespace, which it keeps when we are back in ours."""
        libc = ctypes.CDLL(None)
        home, there = (os.open(f"/proc/{p}/ns/net", os.O_RDONLY) for p in ("self", device.process.pid))
        try:
            assert libc.setns(there, 0) == 0
            s = socket.socket(*kind)
        finally:
            assert libc.setns(home, 0) == 0
            os.close(home)
            os.close(there)
        self.sockets.append(s)
        return s

    def socket(self, device, local):
        s = self.plain(device, socket.AF_INET6 if ":" in local[0] else socket.AF_INET, socket.SOCK_DGRAM)
        s.bind(local)
        s.settimeout(3)
        for level, option in HEADS[s.family]:
            s.setsockopt(level, option, 1)
        return s

    def end(self):
        for s in self.sockets:
            s.close()
        for device in (self.a, self.host, self.b):
            device.process.kill()
            device.process.wait()


@pytest.fixture
def way():
    w = Way()
    yield w
    w.end()


@pytest.fixture
def fast(way):
    p = Pass(way.host, "inside", "outside")
    if "not permitted" in p.says or "6.6" in p.says:
        pytest.skip(p.says)
    assert p.says == "ready"
    yield p
    p.process.kill()
    p.process.wait()


def silent(s):
    s.setblocking(False)
    with pytest.raises(BlockingIOError):
        s.recv(2000)
    s.settimeout(3)


def text(host, port):
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


TRIPS = {"v4": ("10.1.0.2", "10.1.0.1", "10.2.0.1", "10.2.0.2"), "gateway": ("10.1.0.2", "10.1.0.1", "10.2.0.1", "10.3.0.2"),
         "v6": ("2001:db8:1::2", "2001:db8:1::1", "2001:db8:2::1", "2001:db8:2::2")}


@pytest.mark.parametrize("trip", TRIPS)
def test_passes_while_userspace_is_stopped(way, fast, trip):
    theirs, ours, out, other = TRIPS[trip]
    a, b = way.socket(way.a, (theirs, 4000)), way.socket(way.b, (other, 5000))
    mine = way.socket(way.host, (ours, 20000))
    i = fast.tell("add", text(theirs, 4000), text(ours, 20000), text(out, 20002), text(other, 5000), f"{SSRC:x}", 99)
    assert i.isdigit()
    fast.process.send_signal(signal.SIGSTOP)
    wait_until("it has stopped", lambda: "T (stopped)" in pathlib.Path(f"/proc/{fast.process.pid}/status").read_text(), 5)
    for seq in range(100, 120):
        a.sendto(rtp(seq), (ours, 20000))
        data, ancillary, _, source = b.recvmsg(2000, 256)
        assert data == rtp(seq) and source[:2] == (out, 20002)
        assert sorted(value[0] for _, _, value in ancillary) == sorted((TTL, TOS))
    a.sendto(rtp(119), (ours, 20000))      # again: dropped
    others = [rtp(120, ssrc=5), rtp(120, kind=9), rtp(120, kind=200), rtp(300), rtp(120, first=0x40), b"\x00\x01\x00\x00"]
    for data in others:                    # go up, as they are, one after the other
        a.sendto(data, (ours, 20000))
        got, source = mine.recvfrom(2000)
        assert got == data and source[:2] == (theirs, 4000)
    way.socket(way.a, (theirs, 4002)).sendto(rtp(120), (ours, 20000))
    assert mine.recv(2000) == rtp(120)
    silent(b)
    fast.process.send_signal(signal.SIGCONT)
    assert fast.counts(i) == [20, 20 * 172, 1, 0, 119]
    assert fast.tell("remove", i).startswith("20 ")
    a.sendto(rtp(121), (ours, 20000))
    assert mine.recv(2000) == rtp(121)
    silent(b)


def test_forged_packets(way, fast):
    """The very packet of a stream, but from the side on which its party is not; in pieces; with options; with a hop limit at its end:
    none of it is passed on, and the stream goes on."""
    ours, theirs = "10.1.0.1", "10.1.0.2"
    a, b = way.socket(way.a, (theirs, 4000)), way.socket(way.b, ("10.2.0.2", 5000))
    mine = way.socket(way.host, (ours, 20000))
    i = fast.tell("add", f"{theirs}:4000", f"{ours}:20000", "10.2.0.1:20002", "10.2.0.2:5000", f"{SSRC:x}", 99)
    assert i.isdigit()

    def raw(device, data, options=b"", fragment=0, ttl=64):
        udp = struct.pack(">HHHH", 4000, 20000, 8 + len(data), 0) + data
        head = struct.pack(">BBHHHBBH4s4s", 0x45 + len(options) // 4, 0, 20 + len(options) + len(udp), 7, fragment, ttl, 17, 0,
                           socket.inet_aton(theirs), socket.inet_aton(ours)) + options
        code = (f"import socket; s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW); "
                f"s.sendto(bytes.fromhex('{(head + udp).hex()}'), ('{ours}', 0))")
        device.run("python3", "-c", code)
    raw(way.b, rtp(100))                                    # from outside, in the name of the party inside
    raw(way.a, rtp(100), fragment=0x2000)                   # the first piece of something longer
    raw(way.a, rtp(100), options=b"\x94\x04\x00\x00")      # router alert
    raw(way.a, rtp(100), ttl=1)
    assert fast.counts(i) == [0, 0, 0, 0, 99]
    silent(b)
    a.sendto(rtp(100), (ours, 20000))
    assert b.recv(2000) == rtp(100)
    assert fast.counts(i)[:1] == [1]
    mine.close()


def test_ends_with_the_process(way, fast):
    a, b = way.socket(way.a, ("10.1.0.2", 4000)), way.socket(way.b, ("10.2.0.2", 5000))
    mine = way.socket(way.host, ("10.1.0.1", 20000))
    assert fast.tell("add", "10.1.0.2:4000", "10.1.0.1:20000", "10.2.0.1:20002", "10.2.0.2:5000", f"{SSRC:x}", 99).isdigit()
    a.sendto(rtp(100), ("10.1.0.1", 20000))
    assert b.recv(2000) == rtp(100)
    fast.process.kill()
    fast.process.wait()
    a.sendto(rtp(101), ("10.1.0.1", 20000))
    assert mine.recv(2000) == rtp(101)
    silent(b)
    again = Pass(way.host, "inside", "outside")
    assert again.says == "ready" and again.tell("totals").endswith("streams=0")
    again.process.kill()
    again.process.wait()


def test_the_way_out_is_looked_at(way, fast):
    """No way, and a way out of another interface than our address is on: left to userspace."""
    stream = ("10.1.0.2:4000", "10.1.0.1:20000", "10.2.0.1:20002")
    for party in ("10.9.0.2:5000", "10.1.0.3:5000"):
        assert fast.tell("add", *stream, party, f"{SSRC:x}", 99).startswith("no")
    way.host.run("ip", "route", "add", "10.9.0.0/24", "via", "10.2.0.2")
    assert fast.tell("add", *stream, "10.9.0.2:5000", f"{SSRC:x}", 99).isdigit()


def test_without_rights(way):
    with contextlib.closing(subprocess.Popen(
            ["nsenter", f"--net=/proc/{way.host.process.pid}/ns/net", "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
             str(PASS), "inside"], stdout=subprocess.PIPE, text=True).stdout) as out:
        assert "CAP_BPF and CAP_NET_ADMIN are needed" in out.read()
