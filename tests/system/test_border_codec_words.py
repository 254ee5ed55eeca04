"""Which codecs cross between a site and its trunk, and in which order, where Debian's rtpengine is the border's relay: the words are the
same as for ringfort's own (tests/unit/call/anchor_test.c), and what rtpengine makes of them is looked at on both sides."""
import base64
import re

import pytest

from borders import add_addresses
from dialogs import establish, expect, invite
from test_border import authority, halves  # noqa: F401, fixtures

MAPS = {"PCMU": "0 PCMU/8000", "PCMA": "8 PCMA/8000", "G722": "9 G722/8000", "opus": "96 opus/48000/2",
        "telephone-event": "101 telephone-event/8000", "G729": "18 G729/8000"}
KEY = base64.b64encode(bytes(range(30))).decode()
EVENTS = "telephone-event"


def sdp(at, codecs, tag="1"):
    maps = [MAPS[c] for c in codecs]
    return (f"v=0\r\no=- 1 1 IN IP4 {at}\r\ns=-\r\nc=IN IP4 {at}\r\nt=0 0\r\nm=audio 4000 RTP/SAVP {' '.join(m.split()[0] for m in maps)}\r\n"
            + "".join(f"a=rtpmap:{m}\r\n" for m in maps) + f"a=crypto:{tag} AES_CM_128_HMAC_SHA1_80 inline:{KEY}\r\n")


def names(text):
    """The codecs of a description, in its order."""
    text = text if isinstance(text, str) else text.decode()
    maps = {m.split()[0]: c for c, m in MAPS.items()} | dict(re.findall(r"a=rtpmap:(\d+) ([^/\r]+)", text))
    return [maps[t] for t in re.search(r"m=audio \d+ \S+ (.*)\r", text)[1].split()]


def answer(at, codecs):
    """What takes these codecs of an offer; keeps what was offered."""
    def make(got):
        text = got.body if isinstance(got.body, str) else got.body.decode()
        make.offered = names(text)
        opus = re.search(r"a=rtpmap:(\d+) opus", text)
        made = sdp(at, codecs, re.search(r"a=crypto:(\d+) AES_CM_128_HMAC_SHA1_80", text)[1])
        return made.replace("96", opus[1]) if opus else made
    return make


ALL = ["PCMA", "PCMU", "G722", "opus"]


# who calls, what it offers, the trunk's words, what is offered on, what is taken of that (None: refused before), what the caller is told
@pytest.mark.parametrize("who,said,words,offered,taken,told", [
    ("out", ["opus", "PCMU", EVENTS], "codecs: [PCMA, G722], transcode: true", ["PCMA", "G722", EVENTS], ["G722", EVENTS], ["opus"]),
    ("out", ["opus", EVENTS], "codecs: [PCMU, PCMA]", None, None, None),
    *(pytest.param(*row, marks=pytest.mark.long) for row in [
        ("out", ["opus", "PCMA", "PCMU", EVENTS], "codecs: [PCMA, PCMU], transcode: true", ["PCMA", "PCMU", EVENTS], ["PCMA", EVENTS],
         ["PCMA", EVENTS]),
        ("out", ["opus", "PCMA", "PCMU", EVENTS], "codecs: [PCMU, PCMA]", ["PCMU", "PCMA", EVENTS], ["PCMU", EVENTS], ["PCMU", EVENTS]),
        ("out", ["G729", "PCMA"], "codecs: [G729, PCMA], transcode: true", ["G729", "PCMA"], ["G729"], ["G729"]),
        ("out", ["PCMA", EVENTS], "codecs: [opus], transcode: true", ["opus", EVENTS], ["opus"], ["PCMA"]),
        ("in", ["PCMA", EVENTS], "codecs: [PCMA], transcode: true", ALL + [EVENTS, EVENTS], ["opus", EVENTS], ["PCMA"]),
        ("in", ["PCMA", EVENTS], "codecs: [PCMA], transcode: true", ALL + [EVENTS, EVENTS], ["PCMA", EVENTS], ["PCMA", EVENTS]),
        ("in", ["G722", "opus", "PCMA", EVENTS], "codecs: [PCMA]", ["PCMA", EVENTS], ["PCMA", EVENTS], ["PCMA", EVENTS]),
        ("in", ["G722", "opus"], "codecs: [PCMA]", None, None, None),
        ("in", ["G722"], "codecs: [G722], transcode: true", ["G722", "PCMA", "PCMU", "opus"], ["PCMU"], ["G722"]),
    ]),
])
def test_words(halves, who, said, words, offered, taken, told):  # noqa: F811
    two, peer, lobby, _ = halves(trunk=", " + words)
    two.wait_trunk("carrier", "up")
    add_addresses(at := two.site.phone_address(8))
    if who == "out":
        caller, callee, me, other = lobby, peer, f"sip:1001@{two.site.domain}", f"sip:0089123456@{two.site.domain}"
    else:
        peer.dial()
        caller, callee, me, other = peer, lobby, "sip:+43123456@sip.carrier.example", f"sip:+493012341001@{two.outside[0]};user=phone"
    if taken is None:
        invite(caller, me, other, offer=sdp(at, said))
        assert expect(caller, 488)
        shown = two.site.run("ledger", "show", "--role", "border", "--kind", "call.refused", "--json")
        assert '"rule":"no-codec"' in shown.replace(" ", ""), shown
        return
    takes = answer(at, taken)
    a, b, _ = establish(caller, me, callee, other, offer=sdp(at, said), answer=takes)
    assert takes.offered == offered and names(a.answer) == told
    caller.send(a.request("BYE"))
    callee.reply(expect(callee, "BYE"), 200)
    assert expect(caller, 200)
    two.wait_empty()
