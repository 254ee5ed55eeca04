"""Calls between phones of others through controller, border and relay: heard at both ends by their tones, and recorded outside,
where nothing of the inside and no speech is to be found. The same calls attacked with RTP."""
import math
import os
import re
import shutil
import socket
import struct
import wave

import pytest

from lab import have, wait_until
from outside import PEER, PHONE, Wiretap, carrier_phone, hears, inner_phone, names_of, samples, send_as, traced, whole, wires
from phones import goertzel
from trunks import Authority

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not have("baresip"), reason="no root, or baresip is not installed")


@pytest.fixture(scope="module")
def places():
    made = wires()
    yield made
    for s in made.values():
        s.close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("carrier"))


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
