"""Trunks: who is one, what calls from it may reach, and what nobody else may do in its name."""
import shutil
import ssl

import pytest

from dialogs import SDP, establish, expect, invite, sdp, uri
from trunks import Authority, Peer, census, state_of, wait_empty, wait_state

CARRIER = """\
dial_plans:
  default: {{ country_code: "49", area_code: "30", outside: "0" }}
dial_plan: default
trunks:
  - {{ name: carrier, peer: "{peer}", port: 5061, ca: carrier-ca.pem, certificate: [sip.carrier.example],
       numbers: {{ "+4930123410xx": "10xx" }}, channels: 2, calls_per_second_in: {rate}, health_interval: 1,
       trusted: {trusted} }}
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("carrier"))


@pytest.fixture
def carrier(make_site, authority):
    """carrier(rate=20, trusted=True): a site with phones lobby (1001) and desk (1002), their clients, and the peer."""
    def make(rate=20, trusted="true", extra="", listen=True):
        site = make_site(phones={"lobby": "1001", "desk": "1002"}, up=False)
        address = site.phone_address(7)
        shutil.copy(authority.cert, site.dir / "carrier-ca.pem")
        site.write(CARRIER.format(peer=address, rate=rate, trusted=trusted) + extra)
        peer = Peer(site, address, *authority.issue("DNS:sip.carrier.example"))
        if listen:
            peer.listen()
        site.up()
        phones = []
        for name, number in site.numbers.items():
            c = site.client(name).open()
            assert c.register(f"sip:{number}@{site.domain}").code == 200
            phones.append(c)
        return site, peer, *phones
    return make


def test_a_call_from_outside(carrier):
    site, peer, lobby, _ = carrier()
    wait_state(site, "carrier", "up")
    peer.dial()
    a, b, got = establish(peer, "sip:+43123456@sip.carrier.example", lobby,
                          f"sip:+493012341001@{site.address};user=phone",
                          ["P-Asserted-Identity: \"Anna \u202eevil\" <sip:+43123456@sip.carrier.example;user=phone>"])
    # the phone sees the number, the name without tricks, and nothing of the trunk
    assert uri(got.get("From")) == f"sip:+43123456@{site.domain}"
    assert got.get("From").startswith('"Anna evil"')
    assert uri(got.get("P-Asserted-Identity")) == f"sip:+43123456@{site.domain}"
    text = "\n".join(f"{n}: {v}" for n, v in got.headers)
    assert peer.address not in text and "carrier" not in text
    assert state_of(site, "carrier")["channels"] == 1
    peer.send(a.request("BYE"))
    lobby.reply(expect(lobby, "BYE"), 200)
    assert expect(peer, 200)
    wait_empty(site)
    cdr = site.wait_event("cdr", direction="in")
    assert cdr["from"] == "+43123456" and cdr["outcome"] == "answered"


def test_the_other_way_round(carrier):
    """The called phone hangs up; the peer gets the BYE over the same connection."""
    site, peer, lobby, _ = carrier()
    peer.dial()
    a, b, _ = establish(peer, "sip:+43123456@sip.carrier.example", lobby, f"sip:+493012341001@{site.domain}")
    lobby.send(b.request("BYE"))
    bye = expect(peer, "BYE")
    peer.reply(bye, 200)
    assert expect(lobby, 200)
    wait_empty(site)


def ask(peer, to, sender="sip:+43123456@sip.carrier.example", headers=(), method="INVITE"):
    peer.call_id = f"{peer.call_id[:8]}{len(peer.call_id)}{to}{sender}".replace(":", "").replace("@", "-") + "@x"
    body = sdp() if method == "INVITE" else ""
    data = peer.request(method, to, sender=sender, to=to, headers=[*([SDP] if body else []), *headers], body=body)
    return peer.ask(data)


def test_what_it_reaches(carrier):
    """Its own numbers in every spelling that the plan knows; nothing else, neither inside nor outside."""
    site, peer, lobby, desk = carrier()
    peer.dial()
    for user in ("+493012341002", "00493012341002", "03012341002", "493012341002", "3012341002", "12341002",
                 "+49-30-1234-1002"):
        invite(peer, "sip:+43123456@sip.carrier.example", f"sip:{user}@{site.domain}")
        got = expect(desk, "INVITE")
        desk.reply(got, 486, "Busy Here")
        assert expect(peer, 486), user
        expect(desk, "ACK")
    for user in ("1002", "1001", "+493012341099", "+493012342000", "911", "112", "*72", "+4989123", "000441234567",
                 "lobby", "%31001"):
        assert ask(peer, f"sip:{user}@{site.domain}").code == 404, user
    assert ask(peer, "sip:+493012341002@elsewhere.example").code == 404
    refused = site.wait_event("call.refused", trunk="carrier")
    assert refused["code"] == 404
    wait_empty(site)


@pytest.mark.parametrize("sender,headers", [
    ("sip:1002@{domain}", []),
    ("sip:1002@{address}:5061", []),
    ("sip:+493012341002@sip.carrier.example", []),
    ("sip:03012341002@sip.carrier.example", []),
    ("sip:1002@sip.carrier.example", []),
    ("sip:x@sip.carrier.example", ['P-Asserted-Identity: "The Desk" <sip:1002@{domain}>']),
    ("sip:x@sip.carrier.example", ['P-Asserted-Identity: "The Desk" <tel:+493012341002>']),
], ids=["ours", "ours-by-address", "world", "national", "short", "asserted", "asserted-tel"])
def test_it_claims_to_be_one_of_us(carrier, sender, headers):
    site, peer, lobby, _ = carrier()
    peer.dial()
    words = {"domain": site.domain, "address": site.address}
    invite(peer, sender.format(**words), f"sip:+493012341001@{site.domain}", [h.format(**words) for h in headers])
    got = expect(lobby, "INVITE")
    assert "P-Asserted-Identity" not in dict(got.headers) and not got.all("P-Asserted-Identity")
    assert site.domain not in got.get("From") and "Desk" not in got.get("From")
    lobby.reply(got, 486)
    assert expect(peer, 486)
    wait_empty(site)


@pytest.mark.parametrize("sender,headers", [
    ("sip:anonymous@anonymous.invalid", ["P-Asserted-Identity: <sip:+43123456@sip.carrier.example>"]),
    ("sip:+43123456@sip.carrier.example", ["Privacy: id"]),
    ("sip:anonymous@anonymous.invalid", []),
], ids=["from", "privacy", "nothing"])
def test_anonymous_stays_anonymous(carrier, sender, headers):
    site, peer, lobby, _ = carrier()
    peer.dial()
    invite(peer, sender, f"sip:+493012341001@{site.domain}", headers)
    got = expect(lobby, "INVITE")
    assert "43123456" not in str(got.headers)
    assert "anonymous" in got.get("From").lower() and not got.all("P-Asserted-Identity")
    lobby.reply(got, 486)
    expect(peer, 486)
    if any("Asserted" in h for h in headers):       # the record has it all the same
        assert site.wait_event("call.start")["from"] == "+43123456"


def test_names_of_a_peer_that_is_not_trusted(carrier):
    """Its From counts as a number; what it asserts, and the names that it gives, do not."""
    site, peer, lobby, _ = carrier(trusted="false")
    peer.dial()
    invite(peer, "sip:+43123456@sip.carrier.example", f"sip:+493012341001@{site.domain}",
           ['P-Asserted-Identity: "Your Bank" <sip:+4366666@sip.carrier.example>'])
    got = expect(lobby, "INVITE")
    assert uri(got.get("From")) == f"sip:+43123456@{site.domain}" and "Bank" not in str(got.headers)
    lobby.reply(got, 486)
    expect(peer, 486)


@pytest.mark.parametrize("believed", ["true", "false"])
def test_its_precedence(carrier, believed):
    """Only of a trunk that is believed; of another the call is a routine one."""
    site, peer, lobby, _ = carrier(trusted=f"true, trust_precedence: {believed}")
    peer.dial()
    invite(peer, "sip:+43123456@sip.carrier.example", f"sip:+493012341001@{site.domain}", ["Resource-Priority: ets.1"])
    got = expect(lobby, "INVITE")
    assert got.get("Resource-Priority") == ("ets.1" if believed == "true" else "")
    lobby.reply(got, 486)
    assert expect(peer, 486)
    wait_empty(site)


def test_it_does_nothing_but_call(carrier):
    site, peer, lobby, _ = carrier()
    peer.dial()
    number = f"sip:1001@{site.domain}"
    answer = peer.ask(peer.request("REGISTER", f"sip:{site.domain}", to=number, headers=["Expires: 300"]))
    assert answer.code == 403
    assert site.wait_event("identity.refused", rule="trunk-register", trunk="carrier")
    for method in ("MESSAGE", "SUBSCRIBE", "PUBLISH", "REFER", "NOTIFY"):
        extra = ["Event: dialog"] if method in ("SUBSCRIBE", "NOTIFY", "PUBLISH") else []
        code = peer.ask(peer.request(method, number, sender="sip:1002@x.example", to=number, headers=extra)).code
        assert code in (403, 405, 481, 489), (method, code)
    assert peer.ask(peer.request("OPTIONS", f"sip:{site.domain}")).code == 200
    assert site.registered() == {"1001", "1002"}


def test_channels_and_rate(carrier):
    site, peer, lobby, desk = carrier(rate=4)
    peer.dial()
    for n in (1001, 1002):
        invite(peer, "sip:+43123456@sip.carrier.example", f"sip:+49301234{n}@{site.domain}")
    rang = [expect(lobby, "INVITE"), expect(desk, "INVITE")]
    assert state_of(site, "carrier")["channels"] == 2
    third = ask(peer, f"sip:+493012341001@{site.domain}")
    assert third.code == 503 and third.get("Retry-After")
    assert site.wait_event("limit", bound="channels", trunk="carrier")
    for client, got in zip((lobby, desk), rang):
        client.reply(got, 486)
    assert expect(peer, 486) and expect(peer, 486)
    wait_empty(site)
    codes = {ask(peer, f"sip:+49301234999{i}@{site.domain}").code for i in range(6)}
    assert codes == {404, 503}
    assert site.wait_event("limit", bound="calls_per_second_in", trunk="carrier")


def strangers(site, authority, tmp_path):
    other = Authority(tmp_path / "other", "another CA")
    yield "no certificate", None, None
    yield "another name", *authority.issue("DNS:sip.evil.example")
    yield "a user's name", *authority.issue("URI:sip:boss@sip.carrier.example")
    yield "one of ours", *authority.issue(f"DNS:{site.domain}")
    yield "another authority", *other.issue("DNS:sip.carrier.example")


def test_strangers(carrier, authority, tmp_path):
    """Whoever is no trunk gets no call in, and none out through us."""
    site, peer, lobby, _ = carrier()
    wait_state(site, "carrier", "up")
    for what, cert, key in strangers(site, authority, tmp_path):
        c = Peer(site, site.phone_address(6), cert, key)
        for to in ("+493012341001", "+4989123456", "00441234567", "1001"):
            try:
                c.dial()
                answer = ask(c, f"sip:{to}@{site.domain}")
            except (ssl.SSLError, ConnectionError, OSError):
                answer = None
            assert answer is None or answer.code == 403, (what, to, answer)
    rules = {e["rule"] for e in site.ledger("identity.refused")}
    assert "phone-unknown" in rules
    assert site.ledger("connection.refused")
    assert peer.receive(0.05) is None and lobby.receive(0.05) is None
    assert not census(site)


def test_a_phone_is_no_trunk(carrier):
    """A phone's certificate opens the way of phones, not of the trunk; the trunk's opens none of the phones'."""
    site, peer, lobby, desk = carrier()
    assert ask(lobby, f"sip:+493012341002@{site.domain}", sender="sip:+43123456@sip.carrier.example").code == 403
    peer.dial()
    a, b, _ = establish(lobby, f"sip:1001@{site.domain}", desk, f"sip:1002@{site.domain}")
    for leg in (a, b):
        for method in ("BYE", "INVITE", "INFO"):
            peer.send(leg.request(method, by=peer))
            assert expect(peer, 403), method
    lobby.send(a.request("BYE"))
    assert expect(desk, "BYE")


def test_a_call_over_our_own_connection(carrier):
    """The peer may use the connection that our OPTIONS came by."""
    site, peer, lobby, _ = carrier()
    wait_state(site, "carrier", "up")
    a, b, _ = establish(peer, "sip:+43123456@sip.carrier.example", lobby, f"sip:+493012341001@{site.domain}")
    peer.send(a.request("BYE"))
    lobby.reply(expect(lobby, "BYE"), 200)
    assert expect(peer, 200)
    wait_empty(site)


def test_it_moves_no_call(carrier):
    """In a call with one of ours the peer transfers nothing, and takes no call of others over."""
    site, peer, lobby, desk = carrier()
    peer.dial()
    a, b, _ = establish(peer, "sip:+43123456@sip.carrier.example", lobby, f"sip:+493012341001@{site.domain}")
    for target in (f"sip:0089123456@{site.domain}", f"sip:1002@{site.domain}", "sip:+4989123456@sip.carrier.example"):
        peer.send(a.request("REFER", headers=[f"Refer-To: <{target}>"]))
        assert expect(peer, 403), target
    assert site.wait_event("call.transfer_refused", rule="not a phone of this site")
    lobby.send(b.request("BYE"))
    peer.reply(expect(peer, "BYE"), 200)
    assert expect(lobby, 200)
    own, other, _ = establish(lobby, f"sip:1001@{site.domain}", desk, f"sip:1002@{site.domain}")
    for leg in (own, other):
        tags = [x.split(";tag=")[1] for x in (leg.other, leg.own)]
        answer = ask(peer, f"sip:+493012341001@{site.domain}", headers=[
            f"Replaces: {leg.call_id};to-tag={tags[0]};from-tag={tags[1]}", "Require: replaces"])
        assert answer.code in (403, 420, 481), answer
    assert len(site.calls()) == 1
    lobby.send(own.request("BYE"))
    desk.reply(expect(desk, "BYE"), 200)
    wait_empty(site)


def expect_provisional(client):
    while m := client.receive():
        if 100 < m.code < 200:
            return m
    return None


@pytest.mark.parametrize("state", ["rings", "answered"])
def test_the_peer_dies(carrier, state):
    site, peer, lobby, _ = carrier()
    peer.dial()
    if state == "rings":
        invite(peer, "sip:+43123456@sip.carrier.example", f"sip:+493012341001@{site.domain}")
        got = expect(lobby, "INVITE")
        lobby.reply(got, 180, "Ringing")
        assert expect_provisional(peer)
        peer.die()
        assert expect(lobby, "CANCEL")
    else:
        establish(peer, "sip:+43123456@sip.carrier.example", lobby, f"sip:+493012341001@{site.domain}")
        peer.die()
        bye = expect(lobby, "BYE", 15)
        lobby.reply(bye, 200)
    if state == "rings":
        lobby.reply(got, 487)
    wait_empty(site, 15)
    wait_state(site, "carrier", "down", 10)
    assert site.wait_event("trunk.down", trunk="carrier")

