"""A recorder of a call: hears both parties by `subscribe request`, plain and by SRTP, and reaches neither of them."""
import base64
import math
import re
import socket
import struct

import pytest

import lab
from anchor import Call, Party, Refused, Relay, connect, rtp
from codecs_of_others import Opus
from ears import SUITES, Srtp, alaw, power
from lab import wait_until

INSIDE, OUTSIDE = "10.77.0.1", "10.77.0.2"
ALICE, BOB, MALLORY, RECORDER = "10.77.1.1", "10.77.1.2", "10.77.1.66", "10.77.1.9"
NG = 2223
FROM_ALAW = {code: alaw(code) for code in range(256)}


@pytest.fixture(scope="module", autouse=True)
def addresses():
    lab.phones.loopback_up([INSIDE, OUTSIDE, ALICE, BOB, MALLORY, RECORDER], first=4000)


@pytest.fixture
def relay(tmp_path):
    r = Relay(tmp_path, ["relay", "--listen-ng", f"127.0.0.1:{NG}", "--interface", f"inside/{INSIDE}", "--interface", f"outside/{OUTSIDE}",
                         "--ports", "30000-30999", "--workers", 2])
    yield r
    assert r.stop() == 0, r.log()


@pytest.fixture
def ng():
    x = connect("127.0.0.1", NG)
    yield x
    x.close()


@pytest.fixture
def parties():
    made = [Party(ALICE), Party(BOB)]
    yield made
    for p in made:
        p.close()


class Recorder:
    """A socket for each m-line that it is offered."""

    def __init__(self, ng, call, tag="rec", **fields):
        self.ng, self.call, self.tag = ng, call, tag
        self.offer = ng.ask("subscribe request", call_id=call.id, to_tag=tag, interface="inside", **fields)
        sections = self.offer["sdp"].split("m=")[1:]
        self.ports = [int(s.split()[1]) for s in sections]
        self.keys = [dict(re.findall(r"a=crypto:(\d+) \S+ inline:(\S+)", s)) for s in sections]
        self.suites = dict(re.findall(r"a=crypto:(\d+) (\S+)", sections[0]))
        self.ears = [Party(RECORDER) for _ in sections]

    def answer(self, suite=None):
        tag = next((t for t, s in self.suites.items() if s == suite), None)
        key = base64.b64encode(bytes(range(sum(SUITES.get(suite, (0, 0))[:2])))).decode()
        proto, extra = ("RTP/SAVP", f"a=crypto:{tag} {suite} inline:{key}\r\n") if suite else ("RTP/AVP", "")
        lines = "".join(f"m=audio {e.port} {proto} 8\r\na=rtpmap:8 PCMA/8000\r\n{extra}a=recvonly\r\n" for e in self.ears)
        self.ng.ask("subscribe answer", call_id=self.call.id, to_tag=self.tag, sdp=f"v=0\r\no=- 1 1 IN IP4 {RECORDER}\r\ns=-\r\n"
                    f"c=IN IP4 {RECORDER}\r\nt=0 0\r\n{lines}")
        return [self.keys[i][tag] for i in range(len(self.ears))] if suite else None

    def close(self):
        for e in self.ears:
            e.close()


def test_hears_both_and_reaches_nobody(relay, ng, parties):
    before = relay.descriptors()
    call = Call(ng, *parties, direction=["inside", "outside"]).up()
    rec = Recorder(ng, call, flags=["all"], set_label="siprec")
    assert rec.offer["from-tags"] == ["alice", "bob"] and rec.offer["to-tag"] == "rec"
    assert [m["tag"] for m in rec.offer["media-labels"].values()] == ["alice", "bob"]
    call.speaks()
    assert all(e.hear_nothing(0.05) for e in rec.ears)            # not answered yet
    rec.answer()
    for one, other, ear, deaf in ((*parties, *rec.ears), (*reversed(parties), *reversed(rec.ears))):
        packet = one.send()
        assert other.hears(packet) and ear.hears(packet) and deaf.hear_nothing(0.05)
    shown = [m for m in relay.json("show", call.id)["media"] if "copy_of" in m]
    assert [m["copy_of"] for m in shown] == ["alice", "bob"] and [m["ends"][0]["sent"] for m in shown] == [1, 1]
    assert relay.json("calls")["calls"][0]["recorders"] == 1 and "copy of bob" in relay.call("show", call.id).stdout
    tags = ng.ask("query", call_id=call.id)["tags"]
    assert tags["rec"]["label"] == "siprec" and [s["tag"] for s in tags["rec"]["subscriptions"]] == ["alice", "bob"]

    # what it sends, and what a stranger sends to its ports, is heard by nobody and moves nothing
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as m:
        m.bind((MALLORY, 0))
        for ear, port in zip(rec.ears, rec.ports):
            for s in (ear.s, m):
                s.sendto(rtp(1, 160, 77), (INSIDE, port))
                s.sendto(struct.pack("!BBHI", 0x80, 201, 1, 77), (INSIDE, port + 1))
    assert all(p.hear_nothing(0.05) for p in parties)
    packet = parties[0].send()
    assert rec.ears[0].hears(packet)

    # blocked: for the other party and the recorder alike
    ng.ask("block media", call_id=call.id, from_tag="alice")
    parties[0].send()
    assert rec.ears[0].hear_nothing(0.05) and parties[1].hears(packet, 0.1)
    ng.ask("unblock media", call_id=call.id, from_tag="alice")
    second = Recorder(ng, call, tag="other", from_tag="alice")
    second.answer()
    packet = parties[0].send()
    assert rec.ears[0].hears(packet) and second.ears[0].hears(packet)
    ng.ask("unsubscribe", call_id=call.id, to_tag="rec")
    packet = parties[0].send()
    assert second.ears[0].hears(packet) and rec.ears[0].hear_nothing(0.05)
    call.delete()
    relay.wait_empty(before)
    rec.close()
    second.close()
    wait_until("it is in the log", lambda: "recording of " + call.id in relay.log(), 5)


@pytest.mark.parametrize("suite", ["AEAD_AES_256_GCM", "AES_CM_128_HMAC_SHA1_80"])
def test_tones_by_srtp(relay, ng, parties, suite):
    """Each party's tone in its own m-line, opened by another library with the key that the relay named."""
    call = Call(ng, *parties, direction=["inside", "outside"]).up()
    rec = Recorder(ng, call, flags=["all"], transport_protocol="RTP/SAVP")
    streams = [Srtp(suite, base64.b64decode(key)) for key in rec.answer(suite)]
    heard = [[], []]
    for n in range(25):
        for i, hz in enumerate((440, 1000)):
            wave = [8000 * math.sin(2 * math.pi * hz * (160 * n + k) / 8000) for k in range(160)]
            parties[i].send(payload=bytes(min(FROM_ALAW, key=lambda c: abs(FROM_ALAW[c] - x)) for x in wave))
            rec.ears[i].s.settimeout(2)
            raw = rec.ears[i].s.recv(2000)
            packet = streams[i].open(raw)
            assert raw[12:172] != packet[12:]
            heard[i] += [FROM_ALAW[x] for x in packet[12:]]
    for samples, own, foreign in ((heard[0], 440, 1000), (heard[1], 1000, 440)):
        assert power(samples, own) > 1000 * power(samples, foreign)
    call.delete()
    relay.wait_empty()
    rec.close()


def test_another_codec(relay, ng, parties):
    """The recorder wants Opus, and gets what parties say in PCMA, who notice nothing; heard with libopus."""
    call = Call(ng, *parties, direction=["inside", "outside"]).up()
    rec = Recorder(ng, call, flags=["all"], codec={"mask": ["all"], "transcode": ["opus"]})
    assert "PCMA" not in rec.offer["sdp"] and "opus/48000/2" in rec.offer["sdp"]
    number = re.search(r"a=rtpmap:(\d+) opus", rec.offer["sdp"])[1]
    lines = "".join(f"m=audio {e.port} RTP/AVP {number}\r\na=rtpmap:{number} opus/48000/2\r\na=recvonly\r\n" for e in rec.ears)
    ng.ask("subscribe answer", call_id=call.id, to_tag=rec.tag, sdp=f"v=0\r\no=- 1 1 IN IP4 {RECORDER}\r\ns=-\r\n"
           f"c=IN IP4 {RECORDER}\r\nt=0 0\r\n{lines}")
    heard, decoders, packets = [[], []], [Opus(), Opus()], [[], []]
    for n in range(25):
        for i, hz in enumerate((440, 1000)):
            wave = [8000 * math.sin(2 * math.pi * hz * (160 * n + k) / 8000) for k in range(160)]
            sent = parties[i].send(payload=bytes(min(FROM_ALAW, key=lambda c: abs(FROM_ALAW[c] - x)) for x in wave))
            assert parties[1 - i].hears(sent)
            rec.ears[i].s.settimeout(2)
            packets[i].append(rec.ears[i].s.recv(2000))
            heard[i] += decoders[i].decode(packets[i][-1][12:])
    for samples, own, foreign in ((heard[0][1600:], 440, 1000), (heard[1][1600:], 1000, 440)):
        assert power(samples, own) > 100 * power(samples, foreign)
    stamps = [struct.unpack("!I", p[4:8])[0] for p in packets[0]]
    assert {p[1] & 0x7f for p in packets[0]} == {int(number)} and {b - a for a, b in zip(stamps, stamps[1:])} == {960}
    assert relay.json()["counts"]["transcoded"] == 2 and "from PCMA/8000 to opus/48000" in relay.call("show", call.id).stdout
    call.delete()
    relay.wait_empty()
    assert relay.json()["counts"]["transcoded"] == 0
    rec.close()


def test_shared_keys_are_not_recorded(relay, ng, parties):
    call = Call(ng, *parties, direction=["inside", "outside"])
    key = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + base64.b64encode(bytes(range(30))).decode() + "\r\n"

    def up(**more):
        offer = ng.ask("offer", call_id=call.id, from_tag="alice", sdp=parties[0].sdp("RTP/SAVP", key), **more)["sdp"]
        tag = re.search(r"a=crypto:(\d+) AES_CM_128_HMAC_SHA1_80", offer)[1]
        ng.ask("answer", call_id=call.id, from_tag="alice", to_tag="bob", sdp=parties[1].sdp("RTP/SAVP", key.replace(":1 ", f":{tag} ")))
    up()
    with pytest.raises(Refused, match="share their keys"):
        Recorder(ng, call, flags=["all"])
    up(to_tag="bob", flags=["SIPREC"])
    rec = Recorder(ng, call, flags=["all"])
    assert rec.suites
    call.delete()
    relay.wait_empty()
    rec.close()
