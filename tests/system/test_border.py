"""The border: calls of trunks in both directions through two processes, who is heard by it, and what never crosses it."""
import ssl

import pytest

from borders import TRUNK, Halves, copy_ca
from dialogs import SDP, establish, expect, invite, sdp, uri
from lab import wait_until
from trunks import Authority, Peer

ROUTES = """\
class: all
classes:
  all: { grants: [internal, local, national, international, service] }
routes:
  - { name: out, trunks: [carrier] }
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("carrier"))


@pytest.fixture
def halves(make_site, authority):
    """halves(): a controller and a border that run, phones lobby (1001) and desk (1002), and the peer of trunk carrier."""
    def make(more="", trunk="", routes=ROUTES, listen=True, up=True):
        site = make_site(phones={"lobby": "1001", "desk": "1002"}, up=False)
        address = site.phone_address(7)
        copy_ca(site, authority)
        two = Halves(site, more="trunks:\n" + TRUNK.format(name="carrier", peer=address, certificate="sip.carrier.example",
                                                           more=trunk) + more + routes)
        peer = two.peer(address, *authority.issue("DNS:sip.carrier.example"))
        if listen:
            peer.listen()
        if not up:
            return two, peer
        two.up()
        phones = []
        for name, number in site.numbers.items():
            c = site.client(name).open()
            assert c.register(f"sip:{number}@{site.domain}").code == 200
            phones.append(c)
        return two, peer, *phones
    return make


def test_a_call_from_outside(halves):
    two, peer, lobby, _ = halves()
    two.wait_trunk("carrier", "up")
    peer.dial()
    a, b, got = establish(peer, "sip:+43123456@sip.carrier.example", lobby,
                          f"sip:+493012341001@{two.outside[0]};user=phone",
                          ['P-Asserted-Identity: "Anna" <sip:+43123456@sip.carrier.example;user=phone>'])
    assert uri(got.get("From")) == f"sip:+43123456@{two.site.domain}"
    assert got.get("From").startswith('"Anna"')
    peer.send(a.request("BYE"))
    lobby.reply(expect(lobby, "BYE"), 200)
    assert expect(peer, 200)
    two.wait_empty()


def test_a_call_to_the_outside(halves):
    two, peer, lobby, _ = halves()
    two.wait_trunk("carrier", "up")
    a, b, got = establish(lobby, f"sip:1001@{two.site.domain}", peer, f"sip:0089123456@{two.site.domain}")
    assert uri(got.get("From")).startswith("sip:+493012341001@")
    assert "+4989123456" in got.line
    peer.send(b.request("BYE"))
    lobby.reply(expect(lobby, "BYE"), 200)
    assert expect(peer, 200)
    two.wait_empty()
