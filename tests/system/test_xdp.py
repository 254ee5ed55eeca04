"""Media past the sockets with a relay as it runs, confined: two parties in networks of their own, the relay's host between them."""
import ctypes
import fcntl
import functools
import os
import signal
import socket
import struct

import pytest

from anchor import Call, Party, Relay, connect
from test_fast import Way

NG = 2223
SIOCETHTOOL, STXCSUM, SFLAGS, TXVLAN, RXVLAN = 0x8946, 0x17, 0x26, 1 << 7, 1 << 8
AFTER = 16          # packets that go by sockets first

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes networks and loads programs into the kernel")


def drive(way, device, name, command, value):
    """What `ethtool -K` does."""
    words = ctypes.create_string_buffer(struct.pack("=II", command, value))
    with way.plain(device, socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, SIOCETHTOOL, struct.pack("16sP16x", name.encode(), ctypes.addressof(words)))


@pytest.fixture
def way():
    w = Way()
    for device in (w.a, w.b):
        drive(w, device, "eth0", STXCSUM, 0)      # nobody reckons checksums for them
    for name in ("inside", "outside"):
        drive(w, w.host, name, SFLAGS, TXVLAN)
    w.host.run("ip", "link", "set", "lo", "up")
    yield w
    w.end()


@pytest.fixture
def run(way, tmp_path):
    made = []

    def start(*options):
        r = Relay(tmp_path, ["relay", "--listen-ng", f"127.0.0.1:{NG}", "--interface", "inside/10.1.0.1", "--interface",
                             "outside/10.2.0.1", "--ports", "30000-30999", *options],
                  prefix=["nsenter", f"--net=/proc/{way.host.process.pid}/ns/net"])
        made.append(r)
        return r

    yield start
    for r in made:
        r.stop()


def call(way):
    """Between party a and party b, by a question from the relay's host."""
    parties = [Party(ip, make=functools.partial(way.plain, device)) for device, ip in ((way.a, "10.1.0.2"), (way.b, "10.2.0.2"))]
    ng = connect("127.0.0.1", NG, make=functools.partial(way.plain, way.host))
    return Call(ng, *parties, direction=["inside", "outside"]).up()


def ways(relay, c):
    return [e["way"] for e in relay.json("show", c.id)["media"][0]["ends"]]


def speak(c, packets):
    for one, other in ((c.a, c.b), (c.b, c.a)):
        for _ in range(packets):
            assert other.hears(one.send())


def xdp_of(way, name):
    return "xdp" in way.host.run("ip", "-o", "link", "show", "dev", name)


def test_a_call_past_the_sockets(way, run):
    relay = run("--workers", 2, "--xdp", "inside, outside")
    status = relay.status()
    if not status["af_xdp"]["on"]:
        pytest.skip(f"this kernel does not: {status['problems']}")
    text = open(f"/proc/{relay.pid}/status").read()
    assert int(next(x for x in text.splitlines() if x.startswith("CapPrm")).split()[1], 16) == 0 and "Seccomp:\t2" in text
    before = relay.descriptors()
    c = call(way)
    speak(c, AFTER)
    assert ways(relay, c) == ["af_xdp", "af_xdp"] and relay.status()["af_xdp"]["packets"] == 0
    speak(c, 20)
    status = relay.status()
    assert status["af_xdp"]["packets"] == 40 and status["af_xdp"]["flows"] == 2 and status["counts"]["af_xdp"] == 2
    assert status["counts"]["sent"] == 2 * (AFTER + 20) and not status["drops"] and not status["problems"]
    assert "in user space by AF_XDP" in relay.call("show", c.id).stdout
    c.delete()
    relay.wait_empty(before)
    assert relay.status()["af_xdp"]["flows"] == 0
    assert xdp_of(way, "inside") and xdp_of(way, "outside")
    relay.process.send_signal(signal.SIGKILL)
    relay.process.wait()
    assert not xdp_of(way, "inside") and not xdp_of(way, "outside")


def test_what_it_lacks_is_said(way, run):
    """And sockets do it."""
    drive(way, way.host, "inside", SFLAGS, TXVLAN | RXVLAN)
    relay = run("--workers", 1, "--xdp", "inside,outside")
    status = relay.status()
    assert not status["af_xdp"]["on"] and not status["healthy"] and "ethtool -K inside rxvlan off" in status["problems"][0]
    assert not xdp_of(way, "inside")
    c = call(way)
    speak(c, AFTER + 2)
    assert ways(relay, c) == ["sockets", "sockets"]
    assert "past the sockets" not in relay.log().splitlines()[-1]
    c.delete()
    relay.wait_empty()
