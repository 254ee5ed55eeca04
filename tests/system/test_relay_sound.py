"""What the relay says and plays, asked for by rtpengine's own client, heard by ears of another make; in the relay's sandbox."""
import math
import socket
import struct
import subprocess
import time
import wave

import pytest

import lab
from anchor import Call, Party, Relay, connect, rtp
from ears import alaw, power

INSIDE, OUTSIDE = "10.77.0.1", "10.77.0.2"
ALICE, BOB = "10.77.1.1", "10.77.1.2"
NG = 2223


class Phone(Party):
    """What it takes besides PCMA."""
    first, more = "8", ""

    def sdp(self, proto="RTP/AVP", extra=""):
        return super().sdp(proto, self.more + extra).replace(f" {proto} 8\r\n", f" {proto} {self.first}\r\n")

    def gather(self, n, wait=3):
        """So many packets: (payload type, SSRC, number, payload)."""
        self.s.settimeout(wait)
        got = []
        while len(got) < n:
            p = self.s.recv(2000)
            got.append((p[1] & 0x7f, p[8:12], struct.unpack("!H", p[2:4])[0], p[12:]))
        return got


def tones(packets, among):
    """The frequencies, out of these, that are in what these packets of PCMA say."""
    sound = [alaw(b) for p in packets for b in p[3]]
    loud = {hz: power(sound, hz) for hz in among}
    return {hz for hz, p in loud.items() if p > 10000 and p > max(loud.values()) / 20}


@pytest.fixture(scope="module")
def relay(tmp_path_factory):
    lab.phones.loopback_up([INSIDE, OUTSIDE, ALICE, BOB], first=4000)
    folder = tmp_path_factory.mktemp("relay")
    sounds = folder / "sounds"
    sounds.mkdir()
    for rate in (8000, 16000):
        with wave.open(str(sounds / f"tone{rate}.wav"), "wb") as w:
            w.setparams((1, 2, rate, 0, "NONE", ""))
            w.writeframes(b"".join(struct.pack("<h", round(8000 * math.sin(2 * math.pi * 1000 * i / rate))) for i in range(rate // 2)))
    r = Relay(folder, ["relay", "--listen-ng", f"127.0.0.1:{NG}", "--interface", f"inside/{INSIDE}", "--interface",
                       f"outside/{OUTSIDE}", "--ports", "30000-30999", "--sounds", sounds, "--workers", 1,
                       "--listen-tcp-ng", f"127.0.0.1:{NG}"])
    yield r
    assert r.stop() == 0, r.log()


@pytest.fixture
def call(relay):
    """call(what Bob takes first, and its rtpmap lines): a call that is up."""
    before, ends = relay.descriptors(), []

    def up(first="8", more=""):
        ng, alice, bob = connect("127.0.0.1", NG), Phone(ALICE), Phone(BOB)
        alice.first = bob.first = first
        alice.more = bob.more = more
        ends.append((Call(ng, alice, bob, direction=["inside", "outside"]).up(), ng, alice, bob))
        return ends[-1][0]

    yield up
    for c, *sockets in ends:
        c.delete()
        for s in sockets:
            s.close()
    relay.wait_empty(before)


def client(*argv):
    done = subprocess.run(["rtpengine-ng-client", f"--proxy-port={NG}", "--proxy-address=127.0.0.1", *argv], capture_output=True,
                          text=True, timeout=20)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_keys_as_tones(call):
    c = call()
    client("play DTMF", f"--call-id={c.id}", "--from-tag=alice", "--code=5")
    got = c.b.gather(12)
    assert {p[0] for p in got} == {8} and [p[2] for p in got] == [(got[0][2] + i) % 65536 for i in range(12)]
    assert tones(got[2:10], [697, 770, 852, 941, 1209, 1336, 1477, 1633]) == {770, 1336}


def test_keys_as_events(call):
    c = call("8 101", "a=rtpmap:101 telephone-event/8000\r\n")
    c.ng.ask("play DTMF", call_id=c.id, from_tag="alice", code="#", volume=12)
    c.a.send()
    first = c.b.gather(1)[0]
    got = c.b.gather(15)
    assert {p[:2] for p in got} == {(101, first[1])} and got[0][2] == first[2] + 1
    assert {p[3][0] for p in got} == {11} and got[-1][3] == bytes([11, 0x80 | 12]) + struct.pack("!H", 2000)


@pytest.mark.parametrize("name", ["tone8000", "tone16000"])
def test_a_sound(call, name):
    c = call()
    assert "500" in client("play media", f"--call-id={c.id}", "--from-tag=bob", f"--file={name}")
    begun = time.monotonic()
    got = c.b.gather(25)
    assert 0.3 < time.monotonic() - begun < 1.5
    assert {p[0] for p in got} == {8} and tones(got[5:20], [440, 697, 1000, 1336]) == {1000}
    assert c.a.hear_nothing()
    c.speaks()


def test_a_sound_in_opus_ends_when_told(call):
    c = call("96", "a=rtpmap:96 opus/48000/2\r\n")
    c.ng.ask("play media", call_id=c.id, from_tag="bob", file="tone16000", repeat_times=1000)
    assert {p[0] for p in c.b.gather(30)} == {96}
    client("stop media", f"--call-id={c.id}", "--from-tag=bob")
    while not c.b.hear_nothing(0.1):
        pass


def test_silence(call):
    c = call()
    client("silence media", f"--call-id={c.id}", "--from-tag=alice")
    c.a.send(payload=bytes(range(160)))
    assert c.b.gather(1)[0][3] == b"\xd5" * 160
    assert c.a.hears(c.b.send(payload=bytes(range(160))))
    client("unsilence media", f"--call-id={c.id}", "--from-tag=alice")
    assert c.b.hears(c.a.send(payload=bytes(range(160))))


def test_keys_in_the_sound_are_blocked(call, tmp_path):
    c = call()
    client("block DTMF", f"--call-id={c.id}", "--from-tag=alice")
    encode = {alaw(b): b for b in range(256)}
    levels = sorted(encode)
    for i in range(15):
        said = [4000 * (math.sin(2 * math.pi * 770 * n / 8000) + math.sin(2 * math.pi * 1336 * n / 8000)) for n in
                range(160 * i, 160 * i + 160)]
        c.a.send(payload=bytes(encode[min(levels, key=lambda x: abs(x - s))] for s in said))
    got = c.b.gather(15)
    assert all(p[3] == b"\xd5" * 160 for p in got[2:])


def press(c, key):
    """One packet of an event, and its end three times (RFC 4733 2.5.1.4)."""
    stamp = c.a.seq * 160
    for i in range(4):
        c.a.seq += 1
        event = struct.pack("!BBH", key, (0x80 if i else 0) | 10, 160 * (4 if i else 1))
        c.a.s.sendto(rtp(c.a.seq, stamp, c.a.ssrc, event, 101), c.a.to)


def test_keys_while_nobody_can_be_told(relay, call):
    """On the stream that asked; when it is gone they are not kept for another one, and are counted."""
    c = call("8 101", "a=rtpmap:101 telephone-event/8000\r\n")
    asks = {"call_id": c.id, "from_tag": "alice", "flags": ["detect-DTMF"]}
    one = connect("127.0.0.1", NG, kind=socket.SOCK_STREAM)
    one.ask("unblock DTMF", **asks)
    press(c, 5)
    assert b"4:codei5e" in one.s.recv(1000)
    one.close()
    lab.wait_until("the stream has gone", lambda: relay.status()["requests"]["connections"] == 0)
    press(c, 6)
    lab.wait_until("it is counted", lambda: relay.counts()["keys_untold"] == 1)
    other = connect("127.0.0.1", NG, kind=socket.SOCK_STREAM)
    other.ask("unblock DTMF", **asks)
    press(c, 7)
    assert b"4:codei7e" in other.s.recv(1000)
    other.close()
    assert relay.counts()["keys_untold"] == 1
