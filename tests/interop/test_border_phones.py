"""Calls between phones of others through controller, border and relay: heard at both ends by their tones, and recorded outside,
where nothing of the inside and no speech is to be found. The same calls attacked with RTP."""
import math
import os
import random
import re
import shutil
import socket
import struct
import wave

import pytest

import checks
from lab import have, wait_until
from outside import PEER, PHONE, Wiretap, carrier_phone, hears, inner_phone, names_of, samples, send_as, traced, whole
from phones import goertzel

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not have("baresip"), reason="no root, or baresip is not installed")


def alaw_code(x):
    """ITU-T G.711, of a sample of 13 bits: enough for a loud tone."""
    sign, x = (0x80, x) if x >= 0 else (0, -x - 1)
    segment = max(0, x.bit_length() - 5)
    return (sign | segment << 4 | (x >> max(1, segment) & 15)) ^ 0x55


def tone(hertz, n, at=0):
    return bytes(alaw_code(int(3000 * math.sin(2 * math.pi * hertz * (at + i) / 8000))) for i in range(n))


def rtp(seq, ssrc, payload, kind=8):
    return struct.pack(">BBHII", 0x80, kind, seq & 0xffff, seq * 160 & 0xffffffff, ssrc) + payload


def the_tap_hears(tap, address):
    """Speech that is not encrypted is found in what it records; otherwise its silence would say nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((address, 0))
        for seq in range(50):
            s.sendto(rtp(seq, 7, tone(1700, 160, seq * 160)), (tap.addresses[0], 9))
    wait_until("the tap hears plain speech", lambda: tap.loudest(1700) > 0.9, 5)
    assert tap.loudest(440, 880) < 0.1


def inside_words(site, two, *phones):
    """What nobody outside is to learn."""
    words = {f"10.20.{site.n}.", PHONE, f"10.30.{site.n}.", f"10.60.{site.n}.", "127.0.0.1", "ctl-a", "edge-0",
             "ringfort", "lobby", "desk", "linphone"}
    for trace in phones:
        words |= {w for w in names_of(trace) if len(w) > 5}
    return words


def nothing_inside(site, two, far, tap, *phones):
    trace = traced(far)
    assert trace.count("SIP/2.0") > 6, "the peer traces its messages"
    assert all(len(names_of(t)) > 3 for t in phones), "the phone traces them too"
    words = inside_words(site, two, *phones)
    for word in words:
        assert word.lower() not in trace.lower(), f"{word} is in a message to the peer:\n{trace}"
        assert not tap.has(word), f"{word} is in a packet outside"


@pytest.fixture
def call(make_site, authority, places):
    """call(who, answer): everything up, and a call from "in" or "out" that rings or is answered; what it is made of."""
    def make(who, answer="auto"):
        two = whole(make_site, authority, {"lobby": "1001"})
        site = two.site
        tap = Wiretap(two.outside[0])
        site.started.append(tap)
        far = carrier_phone(site, places[PEER], authority, answer=answer)
        two.up()
        lobby = inner_phone(site, places[PHONE], "lobby", answer=answer)
        site.wait_registered("1001")
        two.wait_trunk("carrier", "up")
        if who == "in":
            far.command("dial", f"sip:+493012341001@{two.outside[0]}")
        else:
            lobby.command("dial", f"sip:0089123456@{site.domain}")
        return two, tap, lobby, far
    return make


def speak(lobby, far):
    for p in (far, lobby):
        p.wait_event("CALL_ESTABLISHED", seconds=15, fatal=("CALL_CLOSED",))
    wait_until("the phone hears the tone from outside", lambda: hears(lobby, 880), 15)
    wait_until("the outside hears the phone's tone", lambda: hears(far, 440), 15)


@pytest.mark.parametrize("who", ["in", "out"])
def test_tones_and_nothing_else(call, who):
    two, tap, lobby, far = call(who)
    speak(lobby, far)
    (far if who == "in" else lobby).command("hangup")
    two.wait_empty(15)
    two.relay.wait_empty(two.relay.before)
    assert len(tap.rtp(PEER)) > 50 and len(tap.rtp(two.outside[0])) > 50
    assert tap.loudest(440, 880) < 0.1, "speech outside"
    the_tap_hears(tap, two.site.phone_address(5))
    nothing_inside(two.site, two, far, tap, traced(lobby))


class Attack:
    """RTP of somebody who is no party of the call, to the ports of its outer side; all of it is remembered."""

    def __init__(self, two, stranger):
        self.two, self.stranger, self.sent = two, stranger, set()
        self.seq = 0

    def _send(self, source, to, payload):
        self.sent.add(payload[12:])
        send_as(source, to, payload)

    def strange(self, port, ssrc=1, n=40):
        """Plain speech from a stranger, and from the peer's address and a port that is not its own, also to the RTCP port."""
        for _ in range(n):
            self.seq += 1
            sound = rtp(self.seq, ssrc, tone(1500, 160, self.seq * 160))
            for source in ((self.stranger, 5004), (PEER, 5006)):
                for to in (port, port + 1):
                    self._send(source, (self.two.outside[0], to), sound)
        return 4 * n

    def replay(self, packets):
        """What the peer has sent already, as it was sent."""
        for p in packets:
            send_as(p.source, p.to, p.payload)
        return len(packets)

    def forge(self, like, ahead):
        """From the peer's own address and port, with its SSRC and sequence numbers to come; but without its keys."""
        seq = struct.unpack(">H", like.payload[2:4])[0]
        for i in range(40):
            self._send(like.source, like.to, rtp(seq + ahead + i, like.ssrc, tone(1500, len(like.payload) - 12, i * 160)))
        return 40


def hears_the_attack(phone):
    heard = samples(phone)
    return max((goertzel(heard[i:i + 800], 8000, 1500) for i in range(0, len(heard) - 800, 800)), default=0)


def drops(two):
    return dict(two.relay.status()["drops"])


def test_media_is_attacked(call):
    """Before the answer, during the call, in it from its own address and port, and after it: nobody hears anything of it."""
    two, tap, lobby, far = call("out", "manual")
    site = two.site
    inner = Wiretap(two.inside[0])
    site.started.append(inner)
    attack = Attack(two, site.phone_address(5))
    far.wait_event("CALL_INCOMING", seconds=15)
    port = int(re.findall(r"(?s)c=IN IP4 " + re.escape(two.outside[0]) + r"\b.*?m=audio (\d+)", traced(far))[-1])
    sent = attack.strange(port)
    wait_until("what came before the answer is counted", lambda: sum(drops(two).values()) >= sent, 5)
    assert drops(two)["unanswered"] and set(drops(two)) <= {"unanswered", "source", "type"}     # type: RTP at the port of RTCP
    assert not inner.rtp(two.inside[0]) and not tap.rtp(two.outside[0]), "media before the answer"

    far.command("accept")
    speak(lobby, far)
    genuine = [p for p in tap.rtp(PEER) if p.to[1] == port and p.source[1] not in (5004, 5006)]
    before = drops(two)
    strange = attack.strange(port, genuine[-1].ssrc)
    replayed = attack.replay(genuine[-40:]) + attack.replay(genuine[:10])
    forged = attack.forge(genuine[-1], 400) + attack.forge(genuine[-1], 30000)

    def counted(rule):
        return drops(two).get(rule, 0) - before.get(rule, 0)
    wait_until("strangers are counted", lambda: counted("source") + counted("type") >= strange and counted("source"), 5)
    wait_until("replays are counted", lambda: counted("replay") >= replayed, 5)
    assert sum(counted(rule) for rule in ("auth", "sequence", "rate")) >= forged and counted("auth"), drops(two)
    n = len(samples(lobby))
    wait_until("the call goes on", lambda: len(samples(lobby)) > n + 8000, 10)
    assert hears(lobby, 880) and hears(far, 440)
    lobby.command("hangup")
    two.wait_empty(15)
    two.relay.wait_empty(two.relay.before)
    attack.strange(port, genuine[-1].ssrc)
    attack.replay(genuine[-40:])

    for phone in (lobby, far):
        assert hears_the_attack(phone) < 0.05, f"{phone.name} hears what strangers say"
    through = [p.payload[12:] for p in inner.rtp(two.inside[0]) if p.to[0] == PHONE]
    assert len(through) > 50 and len(set(through)) == len(through), "a packet went through twice"
    assert not attack.sent & set(through)
    assert {p.to[0] for p in tap.rtp(two.outside[0])} == {PEER}, "media went elsewhere"


class Siege:
    """Everything that a stranger can send to both sides of a call's relay, at any moment, from an address of his own, from the
    party's with another port, and in the party's very name; none of it has a key."""

    def __init__(self, two, stranger):
        self.two, self.stranger = two, stranger
        self.rng, self.seq, self.said = random.Random(9), 0, set()

    def sides(self):
        """Of each port of the relay: it, and who is its party; [] when there is no session."""
        made = []
        for call in self.two.relay.json("calls")["calls"]:
            for medium in self.two.relay.json("show", call["call_id"])["media"]:
                for end in medium["ends"]:
                    (ours, port), (_, theirs) = (end[k].rsplit(":", 1) if end[k] else ("", 0) for k in ("local", "remote"))
                    made.append(((ours, int(port)), (PHONE if ours == self.two.inside[0] else PEER, int(theirs) or 5008),
                                 end["streams"][0]["ssrc"] if end["streams"] else 7))
        return made

    def packets(self, ssrc):
        """(to which of the two ports, bytes)"""
        for i in range(8):      # speech, also as the very first packet of all
            self.seq += 1
            sound = rtp(self.seq, ssrc, tone(1500, 160, self.seq * 160))
            self.said.add(sound[12:])
            yield 0, sound
            yield 0, sound + self.rng.randbytes(10)     # as long as SRTP
        report = struct.pack(">BBHIQIII", 0x80, 200, 6, ssrc, 0xE000000000000000, 160, 9, 9)
        name = struct.pack(">BBHIBB", 0x81, 202, 3, ssrc, 1, 4) + b"evil\0\0"
        bye = struct.pack(">BBHI", 0x81, 203, 1, ssrc)
        for compound in (report + name, report + name + bye, bye):
            yield 1, compound
            yield 0, compound                           # as with rtcp-mux
            yield 1, compound + struct.pack(">I", 0x80000001)       # SRTCP without its tag
            yield 1, compound + struct.pack(">I", 0x80000001) + self.rng.randbytes(10)
            yield 1, compound + struct.pack(">I", 1) + self.rng.randbytes(10)       # and not encrypted
        for check in (checks.check("abcd", "efgh", "0123456789012345678901", True), b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12)):
            yield 0, check
            yield 1, check
        hello = bytes([1, 0, 0, 44, 0, 0, 0, 0, 0, 0, 0, 44, 254, 253]) + bytes(32) + bytes([0, 0, 0, 2, 0xC0, 0x2B, 1, 0, 0, 0])
        yield 0, b"\x16\xfe\xff\x00\x00\x00\x00\x00\x00\x00\x00" + struct.pack(">H", len(hello)) + hello
        yield 0, b"\x15\xfe\xfd\x00\x00\x00\x00\x00\x00\x00\x01\x00\x02\x02\x28"    # a fatal alert
        for kind in range(0, 256, 16):
            yield kind >> 4 & 1, bytes([kind]) + self.rng.randbytes(40)

    def lay(self, sides=None):
        """How many packets."""
        sent = 0
        for (ours, port), (party, theirs), ssrc in sides or self.sides():
            for odd, payload in self.packets(ssrc):
                for source in ((self.stranger, 5004), (party, theirs + 20), (party, theirs + odd)):
                    send_as(source, (ours, port + odd), payload)
                    sent += 1
        return sent


def goes_on(lobby, far):
    """For a second from now on."""
    n = len(samples(lobby))
    wait_until("the call goes on", lambda: len(samples(lobby)) > n + 8000, 10)
    wait_until("both hear each other", lambda: hears(lobby, 880) and hears(far, 440), 5)


def passed(two):
    """Packets of each end that were authentic and sent on."""
    return [end["packets"] for call in two.relay.json("calls")["calls"] for m in two.relay.json("show", call["call_id"])["media"]
            for end in m["ends"]]


def test_strangers_at_every_moment(call):
    """Both sides: while it rings, with the first packet, in the call, held, resumed, after its end, and in the next call, to which
    what was said in the one before is played; nothing goes anywhere but from the one phone to the other, which heard each other."""
    two, tap, lobby, far = call("out", "manual")
    inner = Wiretap(two.inside[0])
    two.site.started.append(inner)
    siege = Siege(two, two.site.phone_address(5))
    far.wait_event("CALL_INCOMING", seconds=15)
    sides = siege.sides()
    assert {ours for (ours, _), _, _ in sides} == {two.inside[0], two.outside[0]}
    sent = siege.lay()
    wait_until("it is counted", lambda: sum(drops(two).values()) >= sent // 2, 5)     # ports of RTCP are not open yet
    assert not inner.rtp(two.inside[0]) and not tap.rtp(two.outside[0]), "media before the answer"
    far.command("accept")
    siege.lay(sides)            # about when the first packet comes
    speak(lobby, far)
    before = sum(drops(two).values())
    sent = siege.lay()
    wait_until("that, too", lambda: sum(drops(two).values()) >= before + sent * 9 // 10, 5)
    goes_on(lobby, far)
    lobby.command("hold")
    wait_until("it is held", lambda: traced(lobby).count("a=recvonly") == 1, 5)
    siege.lay()
    lobby.command("resume")
    siege.lay()
    wait_until("it is resumed", lambda: traced(lobby).count("a=sendrecv") == 4, 5)
    n = passed(two)     # baresip's bridge to no loudspeaker stays shut after a hold
    wait_until("media goes on both ways", lambda: all(now > was + 50 for now, was in zip(passed(two), n)), 5)
    old = [p for p in tap.rtp(PEER) if (p.to[0], p.to[1]) in {ours for ours, _, _ in sides} and len(p.payload) > 172][-60:]
    assert len(old) == 60
    lobby.command("hangup")
    two.wait_empty(15)
    siege.lay(sides)
    far.command("accept")
    lobby.command("dial", f"sip:0089123456@{two.site.domain}")
    wait_until("the next call is there", siege.sides, 10)
    new = next(ours for ours, _, _ in siege.sides() if ours[0] == two.outside[0])
    for p in old:
        send_as(p.source, new, p.payload)
        siege.said.add(p.payload[12:])
    wait_until("it rings", lambda: traced(far).count("SIP/2.0 180") >= 2 or traced(far).count("\nINVITE ") >= 2, 10)
    far.command("accept")
    wait_until("they speak", lambda: hears(lobby, 880) and hears(far, 440), 15)
    for p in old:
        send_as(p.source, new, p.payload)
    siege.lay()
    goes_on(lobby, far)
    for phone in (lobby, far):
        assert hears_the_attack(phone) < 0.05, f"{phone.name} hears what strangers say"
    for one, address in ((inner, two.inside[0]), (tap, two.outside[0])):
        through = [p.payload[12:] for p in one.rtp(address)]
        assert len(through) > 100 and not siege.said & set(through)
        assert {p.to[0] for p in one.packets if p.udp and p.source[0] == address and p.source[1] >= 30000} == \
            {PHONE if one is inner else PEER}, "media went elsewhere"
    lobby.command("hangup")
    two.wait_empty(15)
    two.relay.wait_empty(two.relay.before)


def wav(path, hertz, seconds=20):
    with wave.open(str(path), "wb") as w:
        w.setnchannels(1)
        w.setsampwidth(2)
        w.setframerate(8000)
        w.writeframes(b"".join(struct.pack("<h", int(8000 * math.sin(2 * math.pi * hertz * i / 8000))) for i in range(8000 * seconds)))


@pytest.mark.skipif(not have("linphonec"), reason="linphonec is not installed")
@pytest.mark.parametrize("who", ["out", pytest.param("in", marks=pytest.mark.long)])
def test_linphone_inside(make_site, authority, places, tmp_path, monkeypatch, who):
    """linphonec, which plays a file and records one, with baresip outside; it calls, and it is called."""
    two = whole(make_site, authority, {"desk": "1002"})
    site = two.site
    tap = Wiretap(two.outside[0])
    site.started.append(tap)
    far = carrier_phone(site, places[PEER], authority)
    two.up()
    wrapper = tmp_path / "bin" / "linphonec"
    wrapper.parent.mkdir()
    wrapper.write_text("#!/bin/sh\nexec " + " ".join(places[PHONE].argv(shutil.which("linphonec"))) + ' "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}:{os.environ['PATH']}")
    said, heard = tmp_path / "said.wav", tmp_path / "heard.wav"
    wav(said, 440)
    linphone = site.linphone("desk")
    site.wait_registered("1002", seconds=25)
    two.wait_trunk("carrier", "up")
    linphone.command("soundcard use files")
    linphone.command(f"record {heard}")
    if who == "out":
        linphone.command(f"call sip:0089123456@{site.domain}")
    else:
        far.command("dial", f"sip:+493012341002@{two.outside[0]}")
    far.wait_event("CALL_ESTABLISHED", seconds=15, fatal=("CALL_CLOSED",))
    linphone.command(f"play {said}")
    wait_until("the outside hears what linphone plays", lambda: hears(far, 440), 15)
    wait_until("linphone hears the tone from outside", lambda: recorded(heard, 880), 15)
    if who == "out":
        linphone.command("terminate")
        far.wait_event("CALL_CLOSED", seconds=8)
    else:
        far.command("hangup")
    two.wait_empty(15)
    two.relay.wait_empty(two.relay.before)
    assert tap.loudest(440, 880) < 0.1, "speech outside"
    trace = (linphone.folder / "log").read_text(errors="replace")
    assert "Call-ID" in trace
    nothing_inside(site, two, far, tap, trace)


def recorded(file, hertz, rate=8000):
    """Is the last second of a file that linphone is writing (its header comes at the end) that tone?"""
    raw = file.read_bytes()[44:] if file.exists() else b""
    heard = struct.unpack(f"<{len(raw) // 2}h", raw[:len(raw) // 2 * 2])[-rate:]
    return len(heard) == rate and goertzel(heard, rate, hertz) > 0.9
