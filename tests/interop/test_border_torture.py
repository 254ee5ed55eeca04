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
import pour
import protos
from lab import have, wait_until
from outside import PEER, PHONE, carrier_phone, hears, inner_phone, samples, whole
from test_border_phones import speak   # noqa: F401

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not have("baresip"), reason="no root, or baresip is not installed")

# Nothing is to be refused for coming too fast: what is not read cannot do harm.
LIMITS = ("limits: { messages_per_second: 1000000, handshakes_per_second: 100000, connections_per_source: 10000, requests_per_second: 1000000,\n"
          "          calls: 200000, calls_per_number: 1000, overload: { cpu_percent: 100, queue: 100000 } }\n")
CHUNKS, CHUNK = 10, 100000


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


# The one who speaks has a number that no one change makes of the one that is called: a call that is none of the broken ones
# would reach it, and be answered.
@pytest.fixture
def busy(make_site, authority, places):   # noqa: F811
    two = whole(make_site, authority, {"lobby": "1057", "desk": "1002"}, limits=LIMITS, trunk=", calls_per_second_in: 100000, channels: 100000")
    site = two.site
    two.far = carrier_phone(site, places[PEER], authority)
    two.up()
    two.lobby = inner_phone(site, places[PHONE], "lobby")
    site.wait_registered("1057")
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


def drip(sender, messages, seconds, wait=0.004):
    """One after the other, of (does it end what a stream can be read as?, bytes)."""
    end = time.monotonic() + seconds
    for lies, data in messages:
        sender.send(data, wait)
        if lies:        # whatever it made the border wait for is not the next one
            sender.end()
        assert time.monotonic() < end, f"{sender.sent} in {seconds} s"
    return sender


def strangers(two, authority, seconds=30):
    """Some of them with no certificate, and with one of nobody's name."""
    server, ca = (two.outside[0], 5061), two.site.dir / "pki" / "ca.pem"
    for pair in (None, authority.issue("DNS:evil.example")):
        s = drip(Sender(server, ca, pair), itertools.islice(bad_invites.systematic(two.outside[0]), 0, None, 100), seconds)
        assert not s.codes, "a stranger got an answer"


def trunk(two, authority):
    return (two.outside[0], 5061), two.site.dir / "pki" / "ca.pem", authority.issue("DNS:sip.carrier.example")


def by_chance(two, authority, seed, n):
    """n of random_ones() on lanes side by side; most are answered, and the border has counted what it read."""
    server, ca, pair = trunk(two, authority)
    before = read_by(two)
    numbered = ((i, *m) for i, m in enumerate(itertools.islice(bad_invites.random_ones(two.outside[0], seed), n), 1))
    s = pour.Pour(server, pour.context(ca, pair)).run(numbered)
    assert s.sent == n and s.answered + s.ended + s.silent == n
    assert read_by(two) - before - s.acks >= 0.97 * n, "the border has not read them"
    # Whose Via cannot be read gets no answer; those at which nothing is broken that matters reach the controller.
    assert s.answered > 0.8 * n and s.codes[480] > 0.1 * n and s.codes[503] < 0.01 * n, vars(s)
    return s


def read_by(two):
    """What came and was looked at so far, refused or not, ACKs too."""
    counted = two.status()["counted"]
    return sum(counted.get(n, 0) for n in ("requests-in", "refused-parse", "refused-frame"))


def all_ends(two):
    two.lobby.command("hangup")
    two.wait_empty(40)
    two.relay.wait_empty(two.relay.before)


@pytest.mark.long   # the groups of PROTOS are in each run
def test_every_field_and_every_anomaly(busy, authority):   # noqa: F811
    """5,250 with one field of the message broken, 3,000 with a line of the description, two thousand by chance."""
    two = busy
    host = two.outside[0]
    strangers(two, authority)
    sent = drip(Sender(*trunk(two, authority)), bad_invites.systematic(host), 60)
    assert sent.sent >= 4527 and sent.codes[400] > 500 and sent.codes[480] > 100, sent.codes
    still_well(two)
    by_chance(two, authority, 5, 1000)
    before = {r: memory(p) for r, p in two.pids.items()}
    described = drip(Sender(*trunk(two, authority)), bad_invites.descriptions(host), 60)
    assert not described.codes[503] and described.codes[488] > 100, described.codes   # whoever makes nothing of one, it is the caller's mistake
    by_chance(two, authority, 6, 1000)
    still_well(two)
    for role, pid in two.pids.items():
        assert memory(pid) < before[role] + 4096, f"memory of the {role}"
    all_ends(two)


def test_the_groups_of_protos(busy, authority):   # noqa: F811
    """In each of the 54 groups of PROTOS c07-sip at least as many as the suite has there. The valid one finds nobody at home, and so
    do others that are broken where nobody needs to look; none is a mistake of ours."""
    two = busy
    made = list(protos.messages(two.outside[0]))
    groups = collections.Counter(group for group, _, _ in made)
    assert len(groups) == 54 and all(groups[group] >= n for group, n, _, _ in protos.GROUPS)
    answers = {}
    for group, its in itertools.groupby(made, lambda m: m[0]):
        s = drip(Sender(*trunk(two, authority)), ((lies, data) for _, lies, data in its), 60,
                 5 if group == "valid" else 0.004)
        s.end()
        assert s.sent == groups[group]
        answers[group] = s.codes
    assert answers["valid"][480] == 1, answers["valid"]
    assert sum(sum(n for code, n in codes.items() if code >= 200) for codes in answers.values()) > 4000, answers
    assert not any(codes[500] for codes in answers.values()), answers
    still_well(two)
    all_ends(two)


@pytest.mark.long
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_a_million(busy, authority, chunk):   # noqa: F811
    """By chance, in the order of ten seeds; calls and memory are looked at every 25,000."""
    two, counted, before = busy, collections.Counter(), {}
    for part in range(4):
        s = by_chance(two, authority, 100 + 4 * chunk + part, CHUNK // 4)
        counted.update(s.codes)
        counted.update({name: getattr(s, name) for name in ("sent", "answered", "ended", "silent", "connections")})
        still_well(two)
        now = {r: memory(p) for r, p in two.pids.items()}
        print(part, now, dict(counted))
        before = before or now      # with what the first 25,000 made it get
        for role in now:
            assert now[role] < before[role] + 16384, f"memory of the {role}"
    all_ends(two)
