"""A border and a relay on one machine: the border speaks with it by a Unix socket that nobody else may open, and nothing about it
stands in the site file but the two roles."""
import os

import pytest
from prometheus_client.parser import text_string_to_metric_families

import borders
from dialogs import SDP, establish, expect, invite, sdp
from lab import wait_until
from test_border import ROUTES, authority, copy_ca  # noqa: F401, a fixture
from borders import TRUNK, Halves


class Own:
    """In the place of a relay of others: it comes with `up`."""

    port = 2223

    def __init__(self, *args):
        pass

    def start(self):
        return self

    stop = start


def make_own(make_site, authority, monkeypatch, trunk=""):  # noqa: F811
    """A border that is its relay's host, the peer of its trunk, a phone."""
    monkeypatch.setattr(borders, "Rtpengine", Own)
    monkeypatch.setattr(borders, "SITE", borders.SITE.replace("media: {{ relays: [127.0.0.1], relay_port: {relay_port}{media} }}\n", ""))
    monkeypatch.setattr(borders, "BORDER", borders.BORDER.replace("roles: [border]", "roles: [border, relay]"))
    site = make_site(phones={"lobby": "1001"}, up=False)
    address = site.phone_address(7)
    copy_ca(site, authority)
    two = Halves(site, more="trunks:\n" + TRUNK.format(name="carrier", peer=address, certificate="sip.carrier.example", more=trunk)
                 + ROUTES)
    peer = two.peer(address, *authority.issue("DNS:sip.carrier.example")).listen()
    two.up()
    two.wait_trunk("carrier", "up")
    lobby = site.client("lobby").open()
    assert lobby.register(f"sip:1001@{site.domain}").code == 200
    return two, peer, lobby


@pytest.fixture
def own(make_site, authority, monkeypatch):  # noqa: F811
    return make_own(make_site, authority, monkeypatch)


def relay(two):
    return two.site.json("relay")


def sessions(two):
    return relay(two)["counts"]["sessions"]


def media_of(message):
    text = message.body.decode() if isinstance(message.body, bytes) else message.body
    return [line for line in text.splitlines() if line[:2] in ("c=", "m=", "a=")]


def test_a_call_each_way(own):
    two, peer, lobby = own
    assert os.stat(two.site.dir / "state" / "relay-ng.sock").st_mode & 0o777 == 0o600
    assert not [x for x in relay(two)["listen"] if x["transport"] == "udp"]
    peer.dial()
    a, b, got = establish(peer, "sip:+43123456@sip.carrier.example", lobby, f"sip:+493012341001@{two.outside[0]};user=phone")
    assert f"c=IN IP4 {two.inside[0]}" in media_of(got), media_of(got)
    assert sessions(two) == 1
    peer.send(a.request("BYE"))
    lobby.reply(expect(lobby, "BYE"), 200)
    assert expect(peer, 200)
    wait_until("the relay has let go", lambda: sessions(two) == 0, 5)
    a, b, got = establish(lobby, f"sip:1001@{two.site.domain}", peer, f"sip:0089123456@{two.site.domain}")
    assert f"c=IN IP4 {two.outside[0]}" in media_of(got) and two.inside[0] not in "".join(media_of(got))
    lobby.send(a.request("BYE"))
    peer.reply(expect(peer, "BYE"), 200)
    assert expect(lobby, 200)
    two.wait_empty()
    wait_until("the relay has let go", lambda: sessions(two) == 0 and relay(two)["counts"]["ports"] == 0, 5)
    metrics_of(two)


def test_media_is_not_led_inside(own):
    """A trunk that says it is at an address of the site's, in an offer or in an answer, has no call."""
    two, peer, lobby = own
    led = sdp().replace("c=IN IP4 192.0.2.1", f"c=IN IP4 {two.site.phone_address(1)}")
    peer.dial()
    invite(peer, "sip:+43123456@sip.carrier.example", f"sip:+493012341001@{two.outside[0]};user=phone", offer=led)
    assert expect(peer, 488)
    invite(lobby, f"sip:1001@{two.site.domain}", f"sip:0089123456@{two.site.domain}")
    got = expect(peer, "INVITE")
    peer.reply(got, 200, headers=[SDP, f"Contact: <sip:x@{peer.here()};transport=tls>"], body=led)
    assert expect(peer, "ACK")
    peer.reply(expect(peer, "BYE"), 200)
    while (refused := lobby.receive()).code < 300:
        pass
    assert refused.code == 488, refused
    two.wait_empty()
    wait_until("the relay has let go", lambda: sessions(two) == 0 and relay(two)["counts"]["ports"] == 0, 5)


def metrics_of(two):
    """What Prometheus' own reader finds in the page: every role, and the calls that were."""
    file = two.site.dir / "metrics.prom"
    two.site.run("metrics", "-o", file)
    page = file.read_text()
    found = {(s.name, s.labels["role"], s.labels.get("event", s.labels.get("what"))): s.value
             for family in text_string_to_metric_families(page) for s in family.samples}
    assert {role for name, role, _ in found if name == "ringfort_healthy"} == {"controller", "border", "relay"}
    assert found["ringfort_relay_sessions", "relay", None] == 0
    assert found["ringfort_relay_requests_total", "relay", "done"] >= 6
    assert found["ringfort_trunk_total", "border", "calls_out"] == 1 == found["ringfort_trunk_total", "border", "calls_in"]
    assert len(two.site.json("metrics")) > 20


def test_the_relay_dies_and_comes_again(own):
    """The call goes on as far as signaling can; new ones are refused until a relay is there again."""
    two, peer, lobby = own
    a, b, _ = establish(lobby, f"sip:1001@{two.site.domain}", peer, f"sip:0089123456@{two.site.domain}")
    os.kill(int((two.site.dir / "state" / "relay.pid").read_text()), 9)
    wait_until("the relay is gone", lambda: two.site.call("relay").returncode == 3, 10)
    invite(lobby, f"sip:1001@{two.site.domain}", f"sip:0089123456@{two.site.domain}")
    assert expect(lobby, 503, 10)
    lobby.send(a.request("BYE"))
    peer.reply(expect(peer, "BYE"), 200)
    assert expect(lobby, 200)
    two.site.run("up", "--host", "edge-0")
    wait_until("the border has found it", lambda: "answers" in two.log(3), 12)
    a, b, _ = establish(lobby, f"sip:1001@{two.site.domain}", peer, f"sip:0089123456@{two.site.domain}")
    lobby.send(a.request("BYE"))
    peer.reply(expect(peer, "BYE"), 200)
    assert expect(lobby, 200)
    two.wait_empty()
