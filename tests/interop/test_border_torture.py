"""Broken INVITEs at the outer port of a border, from its trunk and from strangers, while phones of others speak through it: none of
them hears or sees anything of it, nothing crashes, memory stays what it was."""
import collections
import itertools
import os
import socket
import ssl
import time

import pytest

import bad_invites
from lab import have, wait_until
from outside import PEER, PHONE, carrier_phone, hears, inner_phone, samples, whole
from test_border_phones import authority, places, speak   # noqa: F401

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not have("baresip"), reason="no root, or baresip is not installed")

LIMITS = "limits: { messages_per_second: 1000000, handshakes_per_second: 100000, connections_per_source: 10000 }\n"


class Sender:
    """A TLS connection that comes back whenever the border has closed it."""

    def __init__(self, server, ca, pair=None):
        self.server, self.s, self.codes = server, None, collections.Counter()
        self.made = self.sent = self.closed = 0
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.check_hostname = False
        self.context.load_verify_locations(ca)
        if pair:
            self.context.load_cert_chain(*pair)

    def send(self, data, wait=0.004):
        """One message, and what comes back: at most `wait` for it, not at all when the first answer is final."""
        for _ in range(3):
            try:
                if not self.s:
                    self.s = self.context.wrap_socket(socket.create_connection(self.server, 5))
                    self.made += 1
                self.s.settimeout(5)
                self.s.sendall(data)
                self.sent += 1
                return self.read(wait)
            except OSError:
                self.end()
        return None

    def read(self, wait):
        try:
            self.s.settimeout(wait)
            while got := self.s.recv(65536):
                codes = [int(line[8:11]) for line in got.split(b"\r\n") if line.startswith(b"SIP/2.0 ")]
                self.codes.update(codes)
                if any(c >= 200 for c in codes):
                    return
            self.closed += 1
            self.end()
        except TimeoutError:
            pass
        except OSError:
            self.closed += 1
            self.end()

    def end(self):
        if self.s:
            self.s.close()
        self.s = None


def memory(pid):
    """Kilobytes."""
    with open(f"/proc/{pid}/status") as f:
        return int(next(line for line in f if line.startswith("VmRSS")).split()[1])


@pytest.fixture
def busy(make_site, authority, places):   # noqa: F811
    two = whole(make_site, authority, {"lobby": "1001", "desk": "1002"}, limits=LIMITS, trunk=", calls_per_second_in: 100000, channels: 1000")
    site = two.site
    two.far = carrier_phone(site, places[PEER], authority)
    two.up()
    two.lobby = inner_phone(site, places[PHONE], "lobby")
    site.wait_registered("1001")
    two.wait_trunk("carrier", "up")
    two.lobby.command("dial", f"sip:0089123456@{site.domain}")
    speak(two.lobby, two.far)
    two.pids = {r: int((site.dir / "state" / f"{r}.pid").read_text()) for r in ("controller", "border")} | {"relay": two.relay.pid}
    two.marks = {p: p.mark() for p in (two.lobby, two.far)}
    return two


def still_well(two):
    """All three processes are those that they were, and each phone hears the other as before; nothing has reached them."""
    for role, pid in two.pids.items():
        os.kill(pid, 0)
        assert two.site.json("status")["healthy"]
    n = len(samples(two.lobby)), len(samples(two.far))
    wait_until("the call goes on", lambda: len(samples(two.lobby)) > n[0] + 8000 and len(samples(two.far)) > n[1] + 8000, 10)
    assert hears(two.lobby, 880) and hears(two.far, 440)
    for phone, mark in two.marks.items():
        assert not [e for e in phone.events[mark:] if e.get("class") == "call" and not e["type"].startswith("CALL_RTCP")]


def pour(sender, messages, seconds):
    end = time.monotonic() + seconds
    for lies, data in messages:
        sender.send(data)
        if lies:        # whatever it made the border wait for is not the next one
            sender.end()
        if time.monotonic() > end:
            break
    return sender


def attack(two, authority, messages, seconds):
    """As the trunk all of them, as strangers some: with no certificate, with one of nobody's name."""
    server, ca = (two.outside[0], 5061), two.site.dir / "pki" / "ca.pem"
    for pair in (None, authority.issue("DNS:evil.example")):
        s = pour(Sender(server, ca, pair), itertools.islice(bad_invites.systematic(two.outside[0]), 0, None, 100), seconds)
        assert not s.codes, "a stranger got an answer"
    return pour(Sender(server, ca, authority.issue("DNS:sip.carrier.example")), messages, seconds)


def all_ends(two):
    two.lobby.command("hangup")
    two.wait_empty(40)
    two.relay.wait_empty(two.relay.before)


def test_every_field_and_every_anomaly(busy, authority):   # noqa: F811
    """5,250 with one field of the message broken, 3,000 with a line of the description, a thousand by chance."""
    two = busy
    host = two.outside[0]
    sent = attack(two, authority, bad_invites.systematic(host), 30)
    assert sent.sent >= 4527 and sent.codes[400] > 500 and sent.codes[480] > 100, sent.codes
    still_well(two)
    before = {r: memory(p) for r, p in two.pids.items()}
    more = attack(two, authority, itertools.chain(bad_invites.descriptions(host), itertools.islice(
        bad_invites.random_ones(host, 5), 1000)), 30)
    still_well(two)
    for role, pid in two.pids.items():
        assert memory(pid) < before[role] + 4096, f"memory of the {role}"
    all_ends(two)


@pytest.mark.long
def test_a_million(busy, authority):   # noqa: F811
    """By chance, in the order of a seed, memory is looked at every 50,000."""
    two = busy
    attack(two, authority, bad_invites.systematic(two.outside[0]), 120)
    messages = bad_invites.random_ones(two.outside[0], 7)
    before = {r: memory(p) for r, p in two.pids.items()}
    for _ in range(20):
        attack(two, authority, itertools.islice(messages, 50000), 600)
        still_well(two)
        for role, pid in two.pids.items():
            assert memory(pid) < before[role] + 16384, f"memory of the {role}"
    all_ends(two)
