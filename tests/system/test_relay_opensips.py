"""The relay as OpenSIPS' module rtpengine speaks with it. OpenSIPS is in no Debian release that this is built on, so its requests are
made here: their members, their order, and that rtpengine_manage() sends what a reply says as an offer of who replied."""
import secrets

import pytest

import lab
from anchor import Party, Relay, connect

INSIDE, OUTSIDE, ALICE, BOB = "10.77.0.1", "10.77.0.2", "10.77.1.1", "10.77.1.2"
NG = 2223


@pytest.fixture(scope="module", autouse=True)
def addresses():
    lab.phones.loopback_up([INSIDE, OUTSIDE, ALICE, BOB], first=4000)


@pytest.fixture
def relay(tmp_path):
    r = Relay(tmp_path, ["relay", "--listen-ng", f"127.0.0.1:{NG}", "--interface", f"inside/{INSIDE}", "--interface", f"outside/{OUTSIDE}",
                         "--ports", "30000-30099", "--workers", 2])
    yield r
    assert r.stop() == 0, r.log()


class Module:
    """rtpengine_manage("replace-origin replace-session-connection ICE=remove in-iface=... out-iface=...") of one call."""

    def __init__(self, ng, a, b):
        self.ng, self.a, self.b, self.call_id = ng, a, b, secrets.token_hex(8)
        self.tags = {a: "alice", b: "bob"}

    def say(self, command, who, other, sdp=None, ways=("inside", "outside"), to=True):
        more = {"sdp": sdp} if sdp else {}
        if sdp:
            more.update({"ICE": "remove", "direction": list(ways), "flags": ["trust-address"], "replace": ["origin", "session-connection"]})
        more.update({"call-id": self.call_id, "received-from": ["IP4", who.address], "from-tag": self.tags[who]})
        if to:
            more["to-tag"] = self.tags[other]
        answer = self.ng.raw(**more, command=command)
        assert answer["result"] == "ok", answer
        return answer

    def request(self, who, other, sdp=None, first=False):
        """INVITE: what it says becomes what `other` is told."""
        answer = self.say("offer", who, other, sdp or who.sdp(), ("inside", "outside") if who is self.a else ("outside", "inside"), not first)
        other.learn(answer["sdp"])
        return answer["sdp"]

    def reply(self, who, other, sdp=None):
        """A provisional or final reply of `who`: sent as an offer, the tags turned round, with the words of the request's route."""
        answer = self.say("offer", who, other, sdp or who.sdp(), ("inside", "outside"))
        other.learn(answer["sdp"])
        return answer["sdp"]

    def speaks(self):
        for one, other in ((self.a, self.b), (self.b, self.a)):
            for _ in range(3):
                assert other.hears(one.send()), f"{one.address} is not heard by {other.address}"


@pytest.fixture
def call(relay):
    ng = connect("127.0.0.1", NG)
    made = [Party(ALICE), Party(BOB)]
    yield Module(ng, *made)
    for x in (*made, ng):
        x.close()


def test_manage(relay, call):
    a, b = call.a, call.b
    before = relay.descriptors()
    call.request(a, b, first=True)
    assert b.to[0] == OUTSIDE
    early = call.reply(b, a)                 # 183
    assert a.to[0] == INSIDE
    call.speaks()
    assert call.reply(b, a) == early         # 200
    call.speaks()
    held = call.request(b, a, b.sdp(extra="a=sendonly\r\n"))
    assert "a=sendonly" in held
    assert "a=recvonly" in call.reply(a, b, a.sdp(extra="a=recvonly\r\n"))
    assert a.hears(b.send())
    assert not b.hears(a.send(), 0.3)
    call.request(a, b)
    call.reply(b, a)
    call.speaks()
    assert relay.counts()["paths"] == 1
    call.say("delete", a, b, to=False)
    relay.wait_empty(before)


def test_what_rtpstat_reads(relay, call):
    """$rtpstat: totals, and the MOS of a tag's SSRCs."""
    call.request(call.a, call.b, first=True)
    call.reply(call.b, call.a)
    call.speaks()
    answer = call.say("query", call.a, call.b)
    assert isinstance(answer["created"], int) and answer["totals"]["RTP"]["packets"] == 6
    assert {"bytes", "packets", "errors"} <= set(answer["totals"]["RTP"]) & set(answer["totals"]["RTCP"])
    streams = {tag: [s for m in answer["tags"][tag]["medias"] for s in m["streams"]] for tag in ("alice", "bob")}
    assert call.a.ssrc in [s.get("SSRC") for s in streams["alice"]] and call.b.ssrc in [s.get("SSRC") for s in streams["bob"]]
    assert {str(call.a.ssrc), str(call.b.ssrc)} <= set(answer["SSRC"])
    call.say("delete", call.a, call.b, to=False)
    relay.wait_empty()
