"""All of ringfort between the phones of a site and a peer outside: controller, border and relay, each a process of its own; a
phone of others as the peer of the trunk; everything on the outer addresses recorded by the kernel, and played as if it were
speech."""
import re
import secrets
import socket
import struct
import subprocess
import threading

import anchor
from borders import TRUNK, Halves, copy_ca
from ears import alaw, ulaw
from house import Space
from lab import Baresip, make_headless, set_account
from phones import goertzel

PEER_NUMBER = "+4989123456"
ROUTES = """\
class: all
classes:
  all: { grants: [internal, local, national, international, service] }
routes:
  - { name: out, trunks: [carrier] }
"""


PHONE, PEER = "10.79.1.1", "10.79.2.1"


def wires():
    """{address: Space}: a phone inside and a peer outside on wires of their own, so that what they send comes from them."""
    made = {}
    for i, address in enumerate((PHONE, PEER)):
        s = made[address] = Space()
        here = address.rpartition(".")[0] + ".254"
        for line in (f"ip link add w{i} type veth peer name eth0 netns {s.holder.pid}", f"ip addr add {here}/24 dev w{i}",
                     f"ip link set w{i} up"):
            subprocess.run(line.split(), check=True)
        s.run("sh", "-ec", f"ip addr add {address}/24 dev eth0\nip link set eth0 up\nip route add default via {here}")
    return made


class OurRelay:
    """`ringfort run relay`, as borders.Halves takes one."""

    def __init__(self, folder, inside, outside, port):
        self.folder, self.argv = folder / "relay", [
            "relay", "--listen-ng", f"127.0.0.1:{port}", "--interface", f"inside/{inside}", "--interface", f"outside/{outside}",
            "--ports", "30000-30499", "--workers", 1]
        self.port, self.process = port, None

    def start(self):
        self.folder.mkdir(exist_ok=True)
        self.process = anchor.Relay(self.folder, self.argv)
        self.before = self.process.descriptors()
        return self

    def __getattr__(self, name):
        return getattr(self.process, name)

    def stop(self):
        if self.process:
            assert self.process.stop() == 0, self.process.log()
            self.process = None


def whole(make_site, authority, numbers, trunk="", limits="", relay=OurRelay):
    """Halves with phones lobby and so on of `numbers` and the trunk carrier; not up yet. limits: more of the site file, or what makes
    it of the site."""
    site = make_site(phones=numbers, up=False)
    copy_ca(site, authority)
    limits = limits(site) if callable(limits) else limits
    return Halves(site, more="trunks:\n" + TRUNK.format(name="carrier", peer=PEER, certificate="sip.carrier.example", more=trunk) +
                  limits + ROUTES, relay=relay)


def start(site, space, name, folder, address):
    program = folder / "baresip"
    program.write_text("#!/bin/sh\nexec " + " ".join(space.argv("baresip")) + ' "$@"\n')
    program.chmod(0o755)
    phone = Baresip(name, folder, address, 4444, str(program))
    site.started.append(phone)
    return phone.start()


def inner_phone(site, space, name, tone=440, answer="auto", more=None):
    """baresip as ringfort configures it, on its wire; more(folder) adds to that."""
    folder = site.folder / f"baresip-{name}"
    site.run("phone", "config", name, "--for", "baresip", "-o", folder)
    make_headless(folder, name, PHONE, tone, 4444)
    set_account(folder, answermode=answer, audio_codecs="PCMA/8000/1")
    if more:
        more(folder)
    return start(site, space, name, folder, PHONE)


def carrier_phone(site, space, authority, tone=880, answer="auto", more=None):
    """baresip as the peer of the trunk: TLS with its certificate, which it shows in both directions."""
    folder = site.folder / "baresip-far"
    folder.mkdir()
    cert, key = authority.issue("DNS:sip.carrier.example", f"IP:{PEER}")
    (folder / "peer.pem").write_text(cert.read_text() + key.read_text())
    (folder / "config").write_text(
        "module_path /usr/lib/baresip/modules\nmodule g711.so\nmodule srtp.so\nmodule_app account.so\n"
        f"sip_listen {PEER}:5060\nsip_certificate {folder}/peer.pem\nsip_cafile {site.dir}/pki/ca.pem\n")
    make_headless(folder, "far", PEER, tone, 4444)
    (folder / "accounts").write_text(f"<sip:{PEER_NUMBER}@{PEER};transport=tls>;regint=0;audio_codecs=PCMA/8000/1;"
                                     f"answermode={answer};mediaenc=srtp-mand\n")
    if more:
        more(folder)
    return start(site, space, "far", folder, PEER)


def samples(phone):
    """What it has decoded so far, while it records: the file has no header of its own before its end."""
    raw = next(iter(sorted(phone.folder.glob("dump-*-dec.wav"))[-1:]), None)
    raw = raw.read_bytes()[44:] if raw else b""
    return struct.unpack(f"<{len(raw) // 2}h", raw[:len(raw) // 2 * 2])


def hears(phone, hertz, rate=8000):
    """Is its last second that tone and nothing else?"""
    return len(heard := samples(phone)) > rate and goertzel(heard[-rate:], rate, hertz) > 0.9


def traced(phone):
    """Every SIP message that a baresip sent or was sent, by its own trace."""
    return "\n".join(re.findall(r"(?s)\x1b\[36;1m#(.*?)\x1b\[;m", (phone.folder / "log").read_text(errors="replace")))


def names_of(trace):
    """Call-IDs, tags and branches in it."""
    return set(re.findall(r"(?im)^(?:call-id|i)\s*:\s*(\S+)", trace)) | set(re.findall(r"(?:;tag|;branch)=([^\s;>]+)", trace))


class Packet:
    """A UDP datagram or a piece of TCP over IPv4, as it was on the wire."""

    def __init__(self, raw):
        head = (raw[0] & 15) * 4
        self.raw, self.protocol = raw, raw[9]
        ports = struct.unpack(">HH", raw[head:head + 4])
        self.source, self.to = ((socket.inet_ntoa(raw[at:at + 4]), p) for at, p in ((12, ports[0]), (16, ports[1])))
        self.udp = self.protocol == socket.IPPROTO_UDP
        self.payload = raw[head + 8:] if self.udp else raw[head + (raw[head + 12] >> 4) * 4:]

    def is_rtp(self):
        p = self.payload
        return self.udp and len(p) > 12 and p[0] >> 6 == 2 and not 64 <= p[1] & 0x7f < 96

    ssrc = property(lambda self: struct.unpack(">I", self.payload[8:12])[0])


class Wiretap:
    """Everything to and from these addresses, from now on."""

    def __init__(self, *addresses):
        self.addresses, self.packets = addresses, []
        self.s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        s = self.s
        while True:
            try:
                raw, where = s.recvfrom(65536)
            except OSError:
                return
            if where[0] == "lo" and where[2] == socket.PACKET_OUTGOING or where[1] != 0x0800:
                continue    # over lo each is seen twice
            if raw[9] not in (socket.IPPROTO_UDP, socket.IPPROTO_TCP):
                continue
            p = Packet(raw)
            if p.source[0] in self.addresses or p.to[0] in self.addresses:
                self.packets.append(p)

    def rtp(self, source=None):
        return [p for p in list(self.packets) if p.is_rtp() and (source is None or p.source[0] == source)]

    def loudest(self, *tones):
        """The greatest share of one of these tones in any stream, its payloads played as PCMA and as PCMU: near 1 in plain
        speech, near 0 in what is encrypted."""
        streams = {}
        for p in self.rtp():
            streams.setdefault((p.source, p.ssrc), bytearray()).extend(p.payload[12:172])
        best = 0
        for sound in streams.values():
            for law in (alaw, ulaw):
                heard = [law(x) for x in sound[-8000:]]
                best = max(best, *(goertzel(heard, 8000, t) for t in tones)) if len(heard) >= 1600 else best
        return best

    def has(self, word):
        """A packet with these bytes in its payload, or None."""
        word = word.encode() if isinstance(word, str) else word
        return next((p for p in list(self.packets) if word.lower() in p.payload.lower()), None)

    def stop(self):
        self.s.close()


def send_as(source, to, payload):
    """A datagram with any source, whoever that is."""
    head = struct.pack(">HHHH", source[1], to[1], 8 + len(payload), 0)
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), secrets.randbits(16), 0, 64, socket.IPPROTO_UDP, 0,
                     socket.inet_aton(source[0]), socket.inet_aton(to[0]))
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as s:
        s.sendto(ip + head + payload, (to[0], 0))
