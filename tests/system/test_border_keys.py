"""Keys by INFO on one side of a border and as events on the other: whoever presses them, the other side gets them in its own way,
once, and what they were is in no log and no record."""
import base64
import re
import struct

import pytest

from borders import add_addresses
from dialogs import establish, expect
from ears import SUITES, Ear, Srtp
from lab import wait_until
from test_border import authority  # noqa: F401, a fixture
from test_border_relay import make_own, sessions

RELAY = "Content-Type: application/dtmf-relay"


class Keys(Ear):
    """An ear that takes events, and hears those of one stream."""

    def description(self, **kw):
        self.said = super().description(**kw)
        return self.said.replace(f"RTP/SAVP {self.code}\r\n", f"RTP/SAVP {self.code} 101\r\n") + (
            "a=rtpmap:101 telephone-event/8000\r\n")

    def answer(self, message):
        """To an offer: takes its line with our suite."""
        text = message.body if isinstance(message.body, str) else message.body.decode()
        self.line = next(x for x in text.split("\r\n") if x.startswith("a=crypto:") and f" {self.suite} " in x)
        return self.description(tag=self.line.split(":")[1].split(" ")[0])

    def learn(self, text):
        text = text if isinstance(text, str) else text.decode()
        self.line = next(x for x in text.split("\r\n") if x.startswith("a=crypto:"))
        self.to = (re.search(r"c=IN IP4 (\S+)", text)[1], int(re.search(r"m=audio (\d+)", text)[1]))
        self.events = "telephone-event" in text

    def press(self, to, event, ms=160):
        """An event, as SRTP under the key of our last description."""
        key = base64.b64decode(re.search(rf"{self.suite} inline:(\S+)", self.said)[1])
        seal, self.seq = Srtp(self.suite, key), getattr(self, "seq", 100)
        for i, done in enumerate([*range(20, ms + 1, 20), ms, ms]):
            self.seq += 1
            rtp = struct.pack("!BBHII", 0x80, 101 | (0x80 if i == 0 else 0), self.seq, 160 * event, 77) + struct.pack(
                "!BBH", event, (0x80 if done == ms else 0) | 10, done * 8)
            self.socket.sendto(seal.seal(rtp), to)

    def silent(self):
        return self.receive(0.3) is None

    def event(self):
        """The next event that ends: its code and duration."""
        stream = Srtp(self.line.split(" ")[1], base64.b64decode(self.line.split("inline:")[1].split("|")[0]))
        while got := self.receive(3):
            rtp = stream.open(got[0])
            if rtp[1] & 0x7f == 101 and rtp[13] & 0x80:
                return rtp[12], struct.unpack("!H", rtp[14:16])[0]
        raise AssertionError("no event came")


@pytest.fixture
def call(make_site, authority, monkeypatch):  # noqa: F811
    def make(trunk):
        two, peer, lobby = make_own(make_site, authority, monkeypatch, trunk)
        add_addresses(at := two.site.phone_address(8))
        inner, outer = Keys(at), Keys(two.site.phone_address(7))
        a, b, _ = establish(lobby, f"sip:1001@{two.site.domain}", peer, f"sip:0089123456@{two.site.domain}",
                            offer=inner.description(), answer=outer.answer)
        inner.learn(a.answer)
        return two, (lobby, a, inner), (peer, b, outer)
    return make


def hang_up(two, lobby, a, peer):
    lobby.send(a.request("BYE"))
    peer.reply(expect(peer, "BYE"), 200)
    assert expect(lobby, 200)
    two.wait_empty()
    wait_until("the relay has let go", lambda: sessions(two) == 0, 5)


def test_info_becomes_events(call):
    two, (lobby, a, inner), (peer, b, outer) = call(", dtmf: rfc4733")
    peer.send(b.request("INFO", headers=[RELAY], body="Signal=5\r\nDuration=160\r\n"))
    assert expect(peer, 200)
    assert inner.event() == (5, 1280)
    lobby.send(a.request("INFO", headers=["Content-Type: application/dtmf"], body="#"))
    assert expect(lobby, 200)
    assert outer.event() == (11, 2000)
    # what is no key: refused, or said anew where it is something else that is known
    peer.send(b.request("INFO", headers=[RELAY], body="Signal=55\r\n"))
    assert expect(peer, 400)
    xml = "Content-Type: application/media_control+xml"
    peer.send(b.request("INFO", headers=[xml], body="<x/>"))
    assert expect(peer, 415)
    peer.send(b.request("INFO", headers=[xml], body="<media_control><picture_fast_update/><x/></media_control>"))
    info = expect(lobby, "INFO")
    assert b"<picture_fast_update/>" in info.body and b"<x/>" not in info.body
    lobby.reply(info, 200)
    assert expect(peer, 200)
    # more than a hand presses
    for _ in range(40):
        peer.send(b.request("INFO", headers=[RELAY], body="Signal=1\r\nDuration=100\r\n"))
    codes = {peer.receive(5).code for _ in range(40)}
    assert codes == {200, 500}
    hang_up(two, lobby, a, peer)
    shown = two.site.run("ledger", "show", "--role", "border") + two.log(200)
    assert "Signal" not in shown and "INFO" not in shown


def test_events_become_info(call):
    two, (lobby, a, inner), (peer, b, outer) = call(", dtmf: info")
    assert inner.events
    for event, name in ((5, "5"), (11, "#")):
        inner.press(inner.to, event)
        info = expect(peer, "INFO")
        text = info.body if isinstance(info.body, str) else info.body.decode()
        assert info.get("Content-Type") == "application/dtmf-relay" and text == f"Signal={name}\r\nDuration=160\r\n"
        peer.reply(info, 200)
    assert outer.silent(), "told twice"
    # and the other way round
    peer.send(b.request("INFO", headers=[RELAY], body="Signal=9\r\nDuration=200\r\n"))
    assert expect(peer, 200)
    assert inner.event() == (9, 1600)
    # the phone's own INFO is what the trunk takes
    lobby.send(a.request("INFO", headers=[RELAY], body="Signal=1\r\nDuration=100\r\n"))
    peer.reply(expect(peer, "INFO"), 200)
    assert expect(lobby, 200)
    hang_up(two, lobby, a, peer)
    shown = two.site.run("ledger", "show", "--role", "border") + two.site.run("ledger", "show", "--role", "relay") + two.log(200)
    assert "Signal" not in shown and "DTMF" not in shown
