"""Media past the sockets with a relay as it runs, confined: two parties in networks of their own, the relay's host between them."""
import ctypes
import fcntl
import functools
import os
import re
import secrets
import signal
import socket
import struct
import subprocess

import pytest

from anchor import Call, Party, Relay, connect, rtp
from ears import Srtp
from lab import die_with_parent
from test_fast import Way

NG = 2223
SIOCETHTOOL, STXCSUM, SFLAGS, TXVLAN, RXVLAN = 0x8946, 0x17, 0x26, 1 << 7, 1 << 8
AFTER = 16          # packets that go by sockets first

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes networks and loads programs into the kernel")


def drive(way, device, name, command, value):
    """What `ethtool -K` does; no device: here."""
    words = ctypes.create_string_buffer(struct.pack("=II", command, value))
    with way.plain(device, socket.AF_INET, socket.SOCK_DGRAM) if device else socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
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
    return Call(asker(way), *parties, direction=["inside", "outside"]).up()


def asker(way):
    return connect("127.0.0.1", NG, make=functools.partial(way.plain, way.host))


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


def test_what_it_lacks_is_said(way, run, tmp_path):
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
    shared = SharedCall(way, tmp_path, "plain")
    shared.speak(AFTER + 2)
    assert ways_of_all(relay, shared) == {"sockets"}
    shared.delete()
    relay.wait_empty()


# ---- lines that share a port

def ports_of(sdp):
    return [int(port) for port in re.findall(r"(?m)^m=\w+ (\d+)", sdp)]


class Line:
    """One of them: its own numbers and type, on the socket and under the keys of all."""

    def __init__(self, shared, kind):
        self.shared, self.kind = shared, kind
        self.ssrc, self.seq = secrets.randbits(32), secrets.randbits(15)

    def send(self):
        self.seq += 1
        packet = rtp(self.seq, self.seq * 160, self.ssrc, kind=self.kind)
        self.shared.s.sendto(self.out.seal(packet), self.shared.to)
        return packet

    def hears(self, packet):
        """The next one on the port is this one."""
        return self.heard.open(self.shared.s.recv(2000))[12:] == packet[12:]


class Shared:
    """A party that has sound and video on one port (BUNDLE), by DTLS-SRTP: its handshake is OpenSSL's."""

    KEY, SALT = 16, 12

    def __init__(self, way, device, ip, folder):
        self.way, self.device, self.ip = way, device, ip
        self.key, self.cert = folder / f"{ip}.key", folder / f"{ip}.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=party", "-keyout", self.key, "-out", self.cert], check=True, capture_output=True)
        print_ = subprocess.run(["openssl", "x509", "-in", self.cert, "-noout", "-fingerprint", "-sha256"], check=True, text=True,
                                capture_output=True).stdout
        self.print = print_.strip().split("=")[1]
        with way.plain(device, socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind((ip, 0))
            self.port = s.getsockname()[1]
        self.lines = [Line(self, 8), Line(self, 96)]

    def sdp(self):
        line = "m={} {} UDP/TLS/RTP/SAVPF {}\r\na=mid:{}\r\na=rtcp-mux\r\na=setup:active\r\na=fingerprint:sha-256 {}\r\n{}\r\n"
        return (f"v=0\r\no=- 1 1 IN IP4 {self.ip}\r\ns=-\r\nc=IN IP4 {self.ip}\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n" +
                line.format("audio", self.port, 8, 0, self.print, "a=rtpmap:8 PCMA/8000") +
                line.format("video", self.port, 96, 1, self.print, "a=rtpmap:96 VP8/90000"))

    def learn(self, sdp):
        one, two = ports_of(sdp)
        assert "a=group:BUNDLE 0 1" in sdp and one == two
        self.to = (re.search(r"(?m)^c=IN IP4 (\S+)", sdp)[1], one)

    def shake(self):
        """Its program ends without a word; then the port is ours."""
        n = self.KEY + self.SALT
        with subprocess.Popen(["nsenter", f"--net=/proc/{self.device.process.pid}/ns/net", "openssl", "s_client", "-dtls1_2", "-bind",
                               f"{self.ip}:{self.port}", "-connect", "{}:{}".format(*self.to), "-use_srtp", "SRTP_AEAD_AES_128_GCM",
                               "-cert", self.cert, "-key", self.key, "-keymatexport", "EXTRACTOR-dtls_srtp", "-keymatexportlen",
                               str(2 * n)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              preexec_fn=die_with_parent) as program:
            text = ""
            for line in program.stdout:
                text += line
                if "Keying material: " in line:
                    break
            program.kill()
        m = bytes.fromhex(text.rsplit("Keying material: ", 1)[1])
        out, heard = m[:self.KEY] + m[2 * self.KEY:-self.SALT], m[self.KEY:2 * self.KEY] + m[-self.SALT:]
        for line in self.lines:
            line.out, line.heard = Srtp("AEAD_AES_128_GCM", out), Srtp("AEAD_AES_128_GCM", heard)
        self.s = self.way.plain(self.device, socket.AF_INET, socket.SOCK_DGRAM)
        self.s.bind((self.ip, self.port))
        self.s.settimeout(2)
        return self


class Video(Party):
    def send(self):
        return super().send(kind=96)


class SharedCall:
    """Between a party that has its lines on one port and one that has, or has not."""

    def __init__(self, way, folder, other):
        self.id, self.ng = secrets.token_hex(8), asker(way)
        fields = {"call_id": self.id, "from_tag": "alice", "direction": ["inside", "outside"]}
        a = Shared(way, way.a, "10.1.0.2", folder)
        if other == "plain":
            far = [kind("10.2.0.2", make=functools.partial(way.plain, way.b)) for kind in (Party, Video)]
            to_b = self.ng.ask("offer", sdp=a.sdp(), transport_protocol="RTP/AVP", **fields)["sdp"]
            for p, port in zip(far, ports_of(to_b)):
                p.to = ("10.2.0.1", port)
            video = f"m=video {far[1].port} RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n"
            a.learn(self.ng.ask("answer", to_tag="bob", sdp=far[0].sdp() + video, **fields)["sdp"])
        else:
            b = Shared(way, way.b, "10.2.0.2", folder)
            b.to = ("10.2.0.1", ports_of(self.ng.ask("offer", sdp=a.sdp(), **fields)["sdp"])[0])   # which b's answer picks
            a.learn(self.ng.ask("answer", to_tag="bob", sdp=b.sdp(), **fields)["sdp"])
            far = b.shake().lines
        a.shake()
        self.pairs = list(zip(a.lines, far))

    def speak(self, packets):
        for near, far in self.pairs:
            for one, other in ((near, far), (far, near)):
                for _ in range(packets):
                    assert other.hears(one.send())

    def delete(self):
        self.ng.ask("delete", call_id=self.id)


def ways_of_all(relay, c):
    return {e["way"] for m in relay.json("show", c.id)["media"] for e in m["ends"]}


@pytest.mark.parametrize("other,flows", [("plain", 3), ("shared", 2)])
def test_lines_that_share_a_port(way, run, tmp_path, other, flows):
    """As those of browsers do: the port's flow comes past the sockets, for all that is on it."""
    relay = run("--workers", 2, "--xdp", "inside, outside")
    if not relay.status()["af_xdp"]["on"]:
        pytest.skip(f"this kernel does not: {relay.status()['problems']}")
    before = relay.descriptors()
    c = SharedCall(way, tmp_path, other)
    c.speak(1)
    assert ways_of_all(relay, c) == {"sockets"}
    c.speak(AFTER)
    done = relay.status()["af_xdp"]["packets"]
    c.speak(10)
    status = relay.status()
    assert ways_of_all(relay, c) == {"af_xdp"}
    assert status["af_xdp"]["packets"] == done + 40 and status["af_xdp"]["flows"] == flows
    assert not status["drops"] and not status["problems"]
    assert [m["ends"][0]["cipher"] for m in relay.json("show", c.id)["media"]] == ["AEAD_AES_128_GCM"] * 2
    c.delete()
    relay.wait_empty(before)
    assert relay.status()["af_xdp"]["flows"] == 0
