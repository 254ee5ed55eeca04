"""Phones, peers and callers that end as by kill -9, in every state of what they can be doing: nothing of them is left."""
import secrets

import pytest

from dialogs import SDP, establish, expect, invite, sdp, tag
from lab import wait_until
from test_fraud import Bank, answer, authority, up  # noqa: F401
from trunks import census, wait_empty


class Street(Bank):
    """Its three phones, with a call or something else in each state."""

    def __init__(self, make_site, authority, workers):
        super().__init__(make_site, authority, workers=workers, group="all")
        for state in STATES:
            state(self, *zip(self.phones, (self.aor(name) for name in self.site.numbers)))


def mine(peer, caller, method="INVITE"):
    """What this caller's INVITE became at a peer, where those of others may lie before it."""
    number = caller.split(":")[1].split("@")[0]
    while True:
        m = peer.receive()
        assert m is not None, f"nothing of {number}"
        if m.method == method and (f"34{number}@" in m.get("From") or f"341{number[-3:]}@" in m.get("From")):
            return m


def outside_trying(s, a, b, c):
    invite(a[0], a[1], s.aor("0089123456"))
    mine(s.one, a[1])


def outside_early(s, a, b, c):
    invite(a[0], a[1], s.aor("0089123456"))
    s.one.reply(mine(s.one, a[1]), 183, headers=[SDP, f"Contact: <sip:x@{s.one.here()};transport=tls>"], body=sdp())
    while (m := a[0].receive()).code != 183:
        assert m is not None


def outside_up(s, a, b, c):
    invite(a[0], a[1], s.aor("0089123456"))
    answer(s.one, mine(s.one, a[1]))
    up(a[0])
    expect(s.one, "ACK")


def emergency_trying(s, a, b, c):
    invite(a[0], a[1], s.aor("112"))
    mine(s.one, a[1])


def emergency_rings(s, a, b, c):
    invite(a[0], a[1], s.aor("112"))
    s.one.reply(mine(s.one, a[1]), 180, headers=[f"Contact: <sip:x@{s.one.here()};transport=tls>"])
    while (m := a[0].receive()).code != 180:
        assert m is not None


def emergency_up(s, a, b, c):
    invite(a[0], a[1], s.aor("112"))
    answer(s.one, mine(s.one, a[1]))
    up(a[0])
    expect(s.one, "ACK")


def moved_to_the_outside(s, a, b, c):
    invite(a[0], a[1], b[1])
    got = expect(b[0], "INVITE")
    b[0].reply(got, 302, headers=[f"Contact: <{s.aor('0089123456')}>"])
    expect(b[0], "ACK")
    mine(s.one, a[1])


def park_asked(s, a, b, c):
    la, _, _ = establish(a[0], a[1], b[0], b[1])
    a[0].send(la.request("REFER", headers=[f"Refer-To: <{s.aor('*68')}>"]))
    assert expect(a[0], 202)
    expect(b[0], "INVITE")      # hold, which is not answered


def parked(s, a, b, c):
    la, _, _ = establish(a[0], a[1], b[0], b[1])
    a[0].send(la.request("REFER", headers=[f"Refer-To: <{s.aor('*68')}>"]))
    assert expect(a[0], 202)
    answer(b[0], expect(b[0], "INVITE"))
    expect(b[0], "ACK")


def fetched(s, a, b, c):
    """Somebody fetches who is parked, and neither of the two answers any more."""
    la, _, _ = establish(a[0], a[1], b[0], b[1])
    a[0].send(la.request("REFER", headers=[f"Refer-To: <{s.aor('709')}>"]))
    assert expect(a[0], 202)
    answer(b[0], expect(b[0], "INVITE"))
    expect(b[0], "ACK")
    invite(c[0], c[1], s.aor("709"))
    expect(b[0], "INVITE")


def picked_up(s, a, b, c):
    invite(a[0], a[1], b[1])
    b[0].reply(expect(b[0], "INVITE"), 180)
    invite(c[0], c[1], s.aor("*8"))
    while (m := c[0].receive()).code != 200:
        assert m is not None and m.code < 200, m    # its 200 is not acknowledged


def attended_asked(s, a, b, c):
    first, _, _ = establish(a[0], a[1], b[0], b[1])
    second, _, _ = establish(a[0], a[1], c[0], c[1])
    call_id = second.call_id.replace("@", "%40")
    a[0].send(first.request("REFER", headers=[
        f"Refer-To: <{c[1]}?Replaces={call_id}%3Bto-tag%3D{tag(second.other)}%3Bfrom-tag%3D{tag(second.own)}>"]))
    assert expect(a[0], 202)
    expect(c[0], "INVITE")


def referred(s, a, b, c):
    la, _, _ = establish(a[0], a[1], b[0], b[1])
    a[0].send(la.request("REFER", headers=[f"Refer-To: <{s.aor('0089123456')}>"]))
    assert expect(a[0], 202)
    mine(s.one, b[1])       # who is transferred is who it sees


def watched(s, a, b, c):
    """The NOTIFY is not answered; with a publication and a message that are not either."""
    a[0].call_id = secrets.token_hex(8)
    assert a[0].ask(a[0].request("SUBSCRIBE", b[1], sender=a[1], to=b[1], headers=["Event: dialog", "Expires: 600"],
                                 contact=f"sip:x@{a[0].here()};transport=tls")).code == 200
    expect(a[0], "NOTIFY")


def told(s, a, b, c):
    a[0].call_id = secrets.token_hex(8)
    a[0].send(a[0].request("MESSAGE", b[1], sender=a[1], to=b[1], headers=["Content-Type: text/plain"], body="hello"))
    expect(b[0], "MESSAGE")


STATES = [outside_trying, outside_early, outside_up, emergency_trying, emergency_rings, emergency_up,
          moved_to_the_outside, park_asked, parked, fetched, picked_up, attended_asked, referred, watched, told]


@pytest.mark.parametrize("workers", [pytest.param(1, marks=pytest.mark.long), 2])
@pytest.mark.parametrize("who", range(3), ids=("first", "second", "third"))
def test_one_of_them(make_site, authority, who, workers):  # noqa: F811
    s = Street(make_site, authority, workers)
    assert census(s.site)["calls_now"] >= len(STATES) - 2
    lost = sum(w["flows_lost"] for w in s.site.json("status")["workers"])
    s.phones[who].stop()
    wait_until("that is known", lambda: sum(w["flows_lost"] for w in s.site.json("status")["workers"]) > lost, 5)
    for c in s.phones:
        c.stop()
    s.one.die()
    s.two.die()
    wait_empty(s.site, 40)


def test_the_peers(make_site, authority):  # noqa: F811
    s = Street(make_site, authority, 2)
    s.one.die()
    s.two.die()
    assert expect(s.phones[0], "BYE", 15)       # nobody is at the other side, and nobody comes back
    for c in s.phones:
        c.stop()
    wait_empty(s.site, 40)
