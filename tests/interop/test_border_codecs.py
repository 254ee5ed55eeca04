"""Phones of others that have no codec in common, a border and its relay between them: each hears the other's tone, the trunk hears
only what it may, and without the site's word there is no call."""
import os

import pytest

from lab import have, set_account, wait_until
from borders import Rtpengine
from outside import PEER, PHONE, OurRelay, carrier_phone, hears, inner_phone, whole

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not have("baresip"), reason="no root, or baresip is not installed")


def speaks(codecs, module):
    """A baresip that knows these codecs and no others."""
    def more(folder):
        config = folder / "config"
        config.write_text(f"module {module}.so\n" + config.read_text())
        set_account(folder, audio_codecs=codecs)
    return more


@pytest.fixture
def call(make_site, authority, places):
    """call(who calls, what the trunk's lines say more, the peer's codec and module): a call under way."""
    def make(who, trunk, codec, module, inside="PCMU/8000/1", relay=OurRelay):
        two = whole(make_site, authority, {"lobby": "1001"}, trunk=trunk, relay=relay)
        site = two.site
        far = carrier_phone(site, places[PEER], authority, more=speaks(codec, module))
        two.up()
        lobby = inner_phone(site, places[PHONE], "lobby", more=speaks(inside, "g711"))
        site.wait_registered("1001")
        two.wait_trunk("carrier", "up")
        if who == "in":
            far.command("dial", f"sip:+493012341001@{two.outside[0]}")
        else:
            lobby.command("dial", f"sip:0089123456@{site.domain}")
        return two, lobby, far
    return make


OPUS, G722 = ("opus/48000/2", "opus", 96000), ("G722/8000/1", "g722", 16000)


@pytest.mark.parametrize("who,codec,module,rate", [("out", *OPUS), ("in", *G722)])
def test_tones_both_ways(call, who, codec, module, rate):
    name = codec.split("/")[0]
    two, lobby, far = call(who, f", codecs: [{name}], transcode: true", codec, module)
    for p in (far, lobby):
        p.wait_event("CALL_ESTABLISHED", seconds=15, fatal=("CALL_CLOSED",))
    wait_until("the phone hears the tone from outside", lambda: hears(lobby, 880), 15)
    wait_until("the outside hears the phone's tone", lambda: hears(far, 440, rate), 15)
    assert two.relay.counts()["transcoded"] == 1
    (far if who == "in" else lobby).command("hangup")
    two.wait_empty(15)
    two.relay.wait_empty(two.relay.before)
    lines = two.site.run("ledger", "show", "--role", "border", "--kind", "call.media", "--json")
    for words in ('"codec":"PCMU/8000"', f'"transcoded_to":"{name}/', f'"codec":"{name}/', '"transcoded_to":"PCMU/8000"'):
        assert words in lines.replace(" ", ""), lines


@pytest.mark.skipif(not have("rtpengine"), reason="rtpengine is not installed")
@pytest.mark.parametrize("who,codec,module,rate", [("out", *OPUS), ("in", *G722)])
def test_rtpengine_as_the_relay(call, who, codec, module, rate):
    """The same words, and Debian's rtpengine transcodes."""
    name = codec.split("/")[0]
    two, lobby, far = call(who, f", codecs: [{name}], transcode: true", codec, module, relay=Rtpengine)
    for p in (far, lobby):
        p.wait_event("CALL_ESTABLISHED", seconds=15, fatal=("CALL_CLOSED",))
    wait_until("the phone hears the tone from outside", lambda: hears(lobby, 880), 15)
    wait_until("the outside hears the phone's tone", lambda: hears(far, 440, rate), 15)
    (far if who == "in" else lobby).command("hangup")
    two.wait_empty(15)


def test_without_a_word_there_is_no_call(call):
    """The trunk takes G722 alone, the phone knows PCMU alone."""
    two, lobby, far = call("out", ", codecs: [G722]", "G722/8000/1", "g722")
    lobby.wait_event("CALL_CLOSED", seconds=15, fatal=("CALL_ESTABLISHED",))
    two.wait_empty(15)
    two.relay.wait_empty(two.relay.before)
    shown = two.site.run("ledger", "show", "--role", "border", "--kind", "call.refused", "--json")
    assert '"rule":"no-codec"' in shown.replace(" ", ""), shown
