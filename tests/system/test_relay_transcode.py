"""Two parties that have no codec in common, a relay in its sandbox between them: the tones of each arrive at the other, judged with
codecs of other libraries."""
import itertools
import math
import re
import struct
import subprocess

import pytest

import lab
from anchor import Call, Party, Relay, Refused, connect
from codecs_of_others import CODECS
from ears import power

INSIDE, OUTSIDE = "10.78.0.1", "10.78.0.2"
ALICE, BOB = "10.78.1.1", "10.78.1.2"
NG = 2224
TONES = (440, 700, 1000, 1300, 1700)


class Phone(Party):
    """It speaks one codec, and events where it says so."""

    def use(self, codec, events=False):
        self.codec, self.events = codec, events
        self.kind, make, self.ticks = CODECS[codec]
        self.made, self.stamp, self.event = make(), 1000, 101
        return self

    def learn(self, sdp):
        """And by which number the other side wants events of our clock."""
        super().learn(sdp)
        clock = self.codec.split("/")[1]
        named = re.search(rf"a=rtpmap:(\d+) telephone-event/{clock}\r", sdp)
        self.event = int(named[1]) if named else self.event

    def sdp(self, proto="RTP/AVP", extra=""):
        clock = self.codec.split("/")[1]
        more = f"a=rtpmap:{self.event} telephone-event/{clock}\r\n" if self.events else ""
        return super().sdp(proto).replace("8\r\na=rtpmap:8 PCMA/8000",
                                          f"{self.kind}{f' {self.event}' if self.events else ''}\r\na=rtpmap:{self.kind} {self.codec}") + more

    def say(self, hz, frames):
        """A tone, 20 ms a packet; hz may be two."""
        both = hz if isinstance(hz, tuple) else (hz,)
        for i in range(frames):
            samples = [round(sum(6000 * math.sin(2 * math.pi * h * (160 * i + n) / 8000) for h in both)) for n in range(160)]
            self.seq += 1
            self.s.sendto(struct.pack("!BBHII", 0x80, self.kind, self.seq & 0xffff, self.stamp, self.ssrc) +
                          self.made.encode(samples), self.to)
            self.stamp += self.ticks

    def press(self, event, ms=160):
        clock = int(self.codec.split("/")[1])
        for i, done in enumerate([*range(20, ms + 1, 20), ms, ms]):
            self.seq += 1
            end = 0x80 if done == ms else 0
            self.s.sendto(struct.pack("!BBHII", 0x80, self.event | (0x80 if i == 0 else 0), self.seq & 0xffff, self.stamp, self.ssrc) +
                          struct.pack("!BBH", event, end | 10, done * clock // 1000), self.to)
        self.stamp += self.ticks * ms // 20

    def gather(self, n):
        """So many packets: (payload type, number, time, payload)."""
        self.s.settimeout(3)
        got = []
        while len(got) < n:
            p = self.s.recv(2000)
            got.append((p[1] & 0x7f, *struct.unpack("!HI", p[2:8]), p[12:]))
        return got

    def hears_tone(self, frames):
        """The tone in so many packets, which come in its own codec, one after the other."""
        got = self.gather(frames)
        assert {p[0] for p in got} == {self.kind}
        assert [p[1] for p in got] == [(got[0][1] + i) % 65536 for i in range(frames)]
        assert [p[2] for p in got] == [(got[0][2] + i * self.ticks) % 2 ** 32 for i in range(frames)]
        sound = [s for p in got for s in self.made.decode(p[3])][800:]
        assert max(map(abs, sound)) > 4000, "it is too quiet"
        loud = {hz: power(sound, hz) for hz in TONES}
        return {hz for hz, p in loud.items() if p > max(loud.values()) / 20}


@pytest.fixture(scope="module")
def relay(tmp_path_factory):
    lab.phones.loopback_up([INSIDE, OUTSIDE, ALICE, BOB], first=4000)
    r = Relay(tmp_path_factory.mktemp("relay"), ["relay", "--listen-ng", f"127.0.0.1:{NG}", "--interface", f"inside/{INSIDE}",
              "--interface", f"outside/{OUTSIDE}", "--ports", "31000-31999", "--workers", 1, "--transcodings", 2])
    yield r
    assert r.stop() == 0, r.log()


@pytest.fixture
def call(relay):
    """call(Alice's codec, Bob's): a call that is up."""
    before, ends = relay.descriptors(), []

    def up(one, other, events=(False, False), answer=True, **fields):
        ng, alice, bob = connect("127.0.0.1", NG), Phone(ALICE).use(one, events[0]), Phone(BOB).use(other, events[1])
        fields.setdefault("codec", {"mask": ["all"], "transcode": [other]})
        ends.append((Call(ng, alice, bob, direction=["inside", "outside"]), ng, alice, bob))
        c = ends[-1][0]
        c.offer(**fields)
        if answer:
            c.answer()
        return c

    yield up
    for c, *sockets in ends:
        try:
            c.delete()
        except Refused:
            pass
        for s in sockets:
            s.close()
    relay.wait_empty(before)
    assert relay.counts()["transcoded"] == 0


@pytest.mark.parametrize("one,other", list(itertools.combinations(CODECS, 2)))
def test_tones(call, relay, one, other):
    c = call(one, other)
    c.a.say(1000, 30)
    assert c.b.hears_tone(30) == {1000}
    c.b.say(700, 30)
    assert c.a.hears_tone(30) == {700}
    assert relay.counts()["transcoded"] == 1
    ends = relay.json("show", c.id)["media"][0]["ends"]
    assert [(e["transcoded"]["from"], e["transcoded"]["to"]) for e in ends] == [
        (one.removesuffix("/2"), other.removesuffix("/2")), (other.removesuffix("/2"), one.removesuffix("/2"))]
    medias = {tag: t["medias"][0] for tag, t in c.ng.ask("query", call_id=c.id)["tags"].items()}
    assert medias["alice"]["codec"] == one.removesuffix("/2") and medias["alice"]["transcoded to"] == other.removesuffix("/2")
    assert c.ng.ask("statistics")["statistics"]["currentstatistics"]["transcodedmedia"] == 1


def test_events_become_keys_and_keys_events(call):
    """Alice has events and Opus, Bob has neither."""
    c = call("opus/48000/2", "PCMA/8000", events=(True, False))
    c.a.press(5)
    got = c.b.gather(8)
    sound = [s for p in got for s in c.b.made.decode(p[3])]
    loud = {hz: power(sound, hz) for hz in (697, 770, 852, 941, 1209, 1336, 1477, 1633)}
    assert {p[0] for p in got} == {8} and {hz for hz, p in loud.items() if p > max(loud.values()) / 20} == {770, 1336}
    c.b.say((941, 1336), 8)  # a zero
    c.b.say(0, 8)
    got = c.a.gather(1)
    while got[-1][0] != c.a.event or not got[-1][3][1] & 0x80:
        got += c.a.gather(1)
    events = [p for p in got if p[0] == c.a.event]
    assert len(events) > 5 and {p[3][0] for p in events} == {0}
    assert len({p[2] for p in events}) == 1


def test_events_with_another_clock(call):
    c = call("opus/48000/2", "PCMU/8000", events=(True, True), codec={"transcode": ["PCMU"], "mask": ["opus"]})
    c.a.say(1000, 5)
    last = c.b.gather(5)[-1]
    c.a.press(7)
    got = c.b.gather(10)
    assert {p[0] for p in got} == {c.b.event} and {p[2] for p in got} == {(last[2] + 160) % 2 ** 32}
    assert got[-1][3] == struct.pack("!BBH", 7, 0x80 | 10, 1280)
    c.b.press(3)
    assert c.a.gather(10)[-1][3] == struct.pack("!BBH", 3, 0x80 | 10, 160 * 48)


def test_other_sizes_of_packets(call):
    c = call("PCMA/8000", "opus/48000/2", ptime=60)
    c.a.say(1000, 30)
    got = c.b.gather(10)
    assert [p[2] - got[0][2] for p in got] == [i * 2880 for i in range(10)]
    c.b.say(700, 10)
    assert c.a.hears_tone(10) == {700}


def test_silence_and_blocks(call):
    c = call("PCMA/8000", "PCMU/8000")
    c.ng.ask("silence media", call_id=c.id, from_tag="alice")
    c.a.say(1000, 3)
    assert {p[3] for p in c.b.gather(3)} == {b"\xfe" * 160}  # what A-law has for nothing
    c.ng.ask("unsilence media", call_id=c.id, from_tag="alice")
    c.ng.ask("block media", call_id=c.id, from_tag="alice")
    c.a.say(1000, 3)
    assert c.b.hear_nothing()
    c.b.say(700, 10)
    assert c.a.hears_tone(10) == {700}


def test_no_more_than_there_may_be(call, relay):
    for _ in range(2):
        call("PCMA/8000", "PCMU/8000")
    with pytest.raises(Refused, match="so much is transcoded already"):
        call("PCMA/8000", "PCMU/8000", answer=False)
    assert relay.counts()["transcoded"] == 2


def test_by_rtpengines_own_client(call):
    c = call("PCMA/8000", "PCMA/8000", codec={})
    done = subprocess.run(["rtpengine-ng-client", f"--proxy-port={NG}", "--proxy-address=127.0.0.1", "offer", "--call-id=other",
                           "--from-tag=x", "--codec-transcode=G722", "--codec-mask=PCMA", f"--sdp={c.a.sdp()}"],
                          capture_output=True, text=True, timeout=20)
    assert done.returncode == 0 and "G722/8000" in done.stdout, done.stdout + done.stderr
    c.ng.ask("delete", call_id="other", from_tag="x")


def test_packets_of_another_size(call, relay):
    """Both speak PCMA: 40 ms towards Bob, 10 towards Alice, byte for byte what was said, and nothing is transcoded."""
    c = call("PCMA/8000", "PCMA/8000", codec={}, ptime=40, ptime_reverse=10)
    said = []
    for n in range(20):
        payload = bytes((n * 7 + i) % 251 for i in range(160))
        said.append(payload)
        c.a.send(payload=payload)
    got = c.b.gather(10)
    assert b"".join(p[3] for p in got) == b"".join(said) and {len(p[3]) for p in got} == {320}
    assert [p[1] for p in got] == [(got[0][1] + i) % 65536 for i in range(10)]
    c.b.send(payload=said[0])
    got = c.a.gather(2)
    assert b"".join(p[3] for p in got) == said[0] and got[1][2] - got[0][2] == 80
    assert relay.counts()["transcoded"] == 0
