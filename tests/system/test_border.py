"""The border: calls of trunks in both directions through two processes, who is heard by it, and what never crosses it."""
import json
import ssl
import struct

import pytest

from borders import TRUNK, Halves, copy_ca
from dialogs import SDP, Leg, establish, expect, invite, sdp, uri
from lab import Baresip, make_headless, wait_until
from phones import goertzel
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
    def make(more="", trunk="", routes=ROUTES, listen=True, up=True, borders=1):
        site = make_site(phones={"lobby": "1001", "desk": "1002"}, up=False)
        address = site.phone_address(7)
        copy_ca(site, authority)
        two = Halves(site, borders, more="trunks:\n" + TRUNK.format(name="carrier", peer=address, certificate="sip.carrier.example",
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


def test_a_call_ends_before_it_is_answered(halves):
    """Cancelled from outside and from inside, refused from inside and from outside."""
    two, peer, lobby, _ = halves()
    two.wait_trunk("carrier", "up")
    peer.dial()
    sent = invite(peer, "sip:+43123456@sip.carrier.example", f"sip:+493012341001@{two.outside[0]}")
    got = expect(lobby, "INVITE")
    lobby.reply(got, 180)
    while peer.receive().code != 180:
        pass
    peer.send(cancel(sent))
    assert expect(lobby, "CANCEL")
    lobby.reply(got, 487)
    assert expect(peer, 200) and expect(peer, 487)

    sent = invite(lobby, f"sip:1001@{two.site.domain}", f"sip:0089123456@{two.site.domain}")
    got = expect(peer, "INVITE")
    peer.reply(got, 180)
    while lobby.receive().code != 180:
        pass
    lobby.send(cancel(sent))
    stop = expect(peer, "CANCEL")
    peer.reply(stop, 200)
    peer.reply(got, 487)
    assert expect(lobby, 200) and expect(lobby, 487)

    invite(lobby, f"sip:1001@{two.site.domain}", f"sip:0089123457@{two.site.domain}")
    peer.reply(expect(peer, "INVITE"), 486)
    assert expect(lobby, 486)
    invite(peer, "sip:+43123456@sip.carrier.example", f"sip:+493012341001@{two.outside[0]}")
    lobby.reply(expect(lobby, "INVITE"), 486)
    assert expect(peer, 486)
    two.wait_empty()


def cancel(sent):
    """CANCEL of an INVITE as it was sent."""
    lines = sent.decode().split("\r\n\r\n")[0].split("\r\n")
    keep = [ln for ln in lines if ln.split(":")[0] in ("Via", "Max-Forwards", "From", "To", "Call-ID")]
    number = next(ln for ln in lines if ln.startswith("CSeq:")).split()[1]
    target = lines[0].split()[1]
    return "\r\n".join([f"CANCEL {target} SIP/2.0", *keep, f"CSeq: {number} CANCEL", "Content-Length: 0", "", ""]).encode()


def connection(body):
    """Where a description says that media goes."""
    return next(ln.split()[-1] for ln in text_of(body).splitlines() if ln.startswith("c="))


def text_of(body):
    return body.decode() if isinstance(body, bytes) else body


def test_early_media_and_hold(halves):
    """183 with a description, reliable; hold from inside, resumed from outside: every description is the relay's."""
    two, peer, lobby, _ = halves()
    two.wait_trunk("carrier", "up")
    invite(lobby, f"sip:1001@{two.site.domain}", f"sip:0089123456@{two.site.domain}", ["Supported: 100rel"])
    got = expect(peer, "INVITE")
    assert connection(got.body) == two.outside[0]
    peer.reply(got, 183, headers=["Require: 100rel", "RSeq: 1", SDP,
                                  f"Contact: <sip:x@{peer.here()};transport=tls>"], body=sdp())
    prack = expect(peer, "PRACK")
    peer.reply(prack, 200)
    while (early := lobby.receive()).code != 183:
        pass
    assert connection(early.body) == two.inside[0] and early.get("RSeq")
    to = early.get("To")
    a = leg_of(lobby, early)
    lobby.send(a.request("PRACK", headers=[f"RAck: {early.get('RSeq')} {early.get('CSeq')}"], cseq=a.cseq + 1))
    assert expect(lobby, 200)
    peer.reply(got, 200, headers=[f"Contact: <sip:x@{peer.here()};transport=tls>"])
    ok = expect(lobby, 200)
    assert ok.get("To") == to
    lobby.send(a.request("ACK", cseq=int(ok.get("CSeq").split()[0])))
    assert expect(peer, "ACK")

    a.cseq += 1
    lobby.send(a.request("INVITE", headers=[SDP], body=sdp("sendonly")))
    held = expect(peer, "INVITE")
    assert connection(held.body) == two.outside[0] and "a=sendonly" in text_of(held.body)
    peer.reply(held, 200, headers=[SDP, f"Contact: <sip:x@{peer.here()};transport=tls>"], body=sdp("recvonly"))
    ok = expect(lobby, 200)
    assert connection(ok.body) == two.inside[0] and "a=recvonly" in text_of(ok.body)
    lobby.send(a.request("ACK", cseq=int(ok.get("CSeq").split()[0])))
    assert expect(peer, "ACK")
    # Each server acknowledges by itself: what comes behind the phone's ACK shows that it is with all of them, else 491 is right.
    lobby.send(a.request("INFO"))
    peer.reply(expect(peer, "INFO"), 200)
    assert expect(lobby, 200)

    b = Leg(peer, got.get("Call-ID"), f"{got.get('To')};tag={peer.tag}", got.get("From"), uri(got.get("Contact")), 0)
    peer.send(b.request("INVITE", headers=[SDP], body=sdp()))
    again = expect(lobby, "INVITE")
    assert connection(again.body) == two.inside[0] and "a=sendrecv" in text_of(again.body)
    lobby.reply(again, 200, headers=[SDP, f"Contact: <sip:x@{lobby.here()};transport=tls>"], body=sdp())
    ok = expect(peer, 200)
    assert connection(ok.body) == two.outside[0]
    peer.send(b.request("ACK", cseq=1))
    assert expect(lobby, "ACK")
    peer.send(b.request("BYE"))
    lobby.reply(expect(lobby, "BYE"), 200)
    assert expect(peer, 200)
    two.wait_empty()


def leg_of(caller, answer):
    return Leg(caller, caller.call_id, answer.get("From"), answer.get("To"), uri(answer.get("Contact")),
               int(answer.get("CSeq").split()[0]))


INSIDE = ["User-Agent: InsidePhone/7.1", "Organization: InsideOrg", "Subject: InsideSubject", "Alert-Info: <http://inside.alert/>",
          "Call-Info: <http://inside.info/>;answer-after=0", "Reply-To: <sip:inside.reply@voice.example.org>",
          "X-Inside-Header: inside-value", "Answer-Mode: Auto", "In-Reply-To: inside-call@here",
          "Warning: 399 inside.host \"inside-warning\""]


def telling(text):
    """A description that says who made it, and where, in every place that there is; and what must cross."""
    return (text.replace("o=- ", "o=inside-user ").replace("s=-", "s=inside-session")
            .replace("t=0 0\r\n", "t=0 0\r\na=tool:InsidePhone 7\r\na=x-where:lobby\r\n")
            + "a=ssrc:77 cname:inside@192.0.2.1\r\na=X-nat:192.0.2.1 inside\r\na=ptime:20\r\na=ssrc:77 cname:Abc123\r\n")


def test_nothing_of_the_inside_crosses(halves):
    """Every message that the trunk was ever sent, in calls of both directions with all that phones say of themselves."""
    two, peer, lobby, desk = halves()
    two.wait_trunk("carrier", "up")
    peer.dial()
    invite(lobby, f"sip:1001@{two.site.domain}", f"sip:0089123456@{two.site.domain}", INSIDE, offer=telling(sdp()))
    own_id = lobby.call_id
    got = expect(peer, "INVITE")
    assert "a=ptime:20" in text_of(got.body) and "cname:Abc123" in text_of(got.body)
    peer.reply(got, 200, headers=[SDP, f"Contact: <sip:x@{peer.here()};transport=tls>"], body=sdp())
    ok = expect(lobby, 200)
    a = leg_of(lobby, ok)
    lobby.send(a.request("ACK", cseq=a.cseq))
    assert expect(peer, "ACK")
    for kind, body, crosses in (
            ("application/dtmf-relay;at=inside", "Signal=5\r\nDuration=100\r\nX-Where: 192.0.2.1\r\n", b"Signal=5\r\nDuration=100\r\n"),
            ("application/media_control+xml", f"<!-- inside --><media_control at='{lobby.here()}'><vc_primitive><to_encoder>"
             "<picture_fast_update/></to_encoder></vc_primitive></media_control>", b"<picture_fast_update/>")):
        lobby.send(a.request("INFO", headers=[f"Content-Type: {kind}", "X-Inside: secret", "Info-Package: inside.ctl-a"], body=body))
        info = expect(peer, "INFO")
        assert crosses in info.body and info.get("Content-Type") == kind.split(";")[0]
        peer.reply(info, 200)
        assert expect(lobby, 200)
    lobby.send(a.request("INFO", headers=["Content-Type: application/media_control+xml"], body="<media_control>inside</media_control>"))
    assert expect(lobby, 415)
    lobby.send(a.request("BYE", headers=['Reason: Q.850;cause=16;text="inside-reason"', *INSIDE]))
    bye = expect(peer, "BYE")
    assert bye.get("Reason") in ("", "Q.850;cause=16")
    peer.reply(bye, 200)
    assert expect(lobby, 200)

    # the other way round: what a phone says in its answers
    invite(peer, "sip:+43123456@sip.carrier.example", f"sip:+493012341002@{two.outside[0]}")
    got = expect(desk, "INVITE")
    desk.reply(got, 180, headers=[*INSIDE, f"Contact: <sip:inside-contact@{desk.here()};transport=tls>"])
    desk.reply(got, 200, headers=[SDP, *INSIDE, f"Contact: <sip:inside-contact@{desk.here()};transport=tls>"], body=telling(sdp()))
    ok = expect(peer, 200)
    b = leg_of(peer, ok)
    peer.send(b.request("ACK", cseq=b.cseq))
    assert expect(desk, "ACK")
    peer.send(b.request("BYE"))
    desk.reply(expect(desk, "BYE"), 200, headers=INSIDE)
    assert expect(peer, 200)
    invite(peer, "sip:+43123456@sip.carrier.example", f"sip:+493012341002@{two.outside[0]}")
    desk.reply(expect(desk, "INVITE"), 403, "Inside-Reason", headers=INSIDE)
    assert expect(peer, 480)
    two.wait_empty()

    site = two.site
    secrets = [f"10.20.{site.n}.", f"10.30.{site.n}.11", f"10.30.{site.n}.12", f"10.60.{site.n}.", "127.0.0.1", "ctl-a", "edge-0",
               "ringfort", "inside", own_id, lobby.tag, desk.tag, *lobby.here().split(":")[1:], *desk.here().split(":")[1:],
               "192.0.2.1", "lobby", "desk"]
    assert len(peer.seen) >= 8
    for message in peer.seen:
        for word in secrets:
            assert word.lower() not in message.lower(), f"{word} crossed:\n{message}"


REMOTE = ["Alert-Info: <http://ring.example/>;info=alert-autoanswer", "Call-Info: <sip:x@y>;answer-after=0", "Answer-Mode: Auto",
          "Replaces: 1@2;to-tag=3;from-tag=4", "Referred-By: <sip:1001@voice.example.org>", "Subject: Buy",
          "User-Agent: CarrierSwitch", "P-Preferred-Identity: <sip:1001@voice.example.org>", "X-Carrier: yes"]


def test_what_is_dropped_is_counted(halves):
    """Remote control, other dialogs, names: phones never see them, and status says by which rule they were dropped."""
    two, peer, lobby, _ = halves()
    peer.dial()
    invite(peer, "sip:+43123456@sip.carrier.example", f"sip:+493012341001@{two.outside[0]}", REMOTE)
    got = expect(lobby, "INVITE")
    text = "\n".join(f"{n}: {v}" for n, v in got.headers).lower()
    for word in ("alert-info", "call-info", "answer-mode", "replaces:", "referred-by", "subject", "carrierswitch", "x-carrier",
                 two.outside[0], "sip.carrier.example"):
        assert word not in text, word
    lobby.reply(got, 486)
    assert expect(peer, 486)
    dropped = two.status()["dropped"]
    assert two.status()["trunks"][0]["dropped_by"] == dropped
    assert dropped["remote-control"] == 3 and dropped["other-dialog"] == 2 and dropped["name"] == 2
    assert dropped["identity"] == 1 and dropped["header"] == 1
    for method in ("REFER", "SUBSCRIBE", "PUBLISH", "MESSAGE", "REGISTER", "NOTIFY"):
        peer.call_id = f"{method}-1@x"
        answer = peer.ask(peer.request(method, f"sip:+493012341001@{two.outside[0]}",
                                       sender="sip:+43123456@sip.carrier.example", to=f"sip:+493012341001@{two.outside[0]}",
                                       headers=["Event: presence", "Refer-To: <sip:1002@voice.example.org>"]))
        assert answer.code in (405, 481), method
    a, b, _ = establish(peer, "sip:+43123456@sip.carrier.example", lobby, f"sip:+493012341001@{two.outside[0]}")
    for method in ("REFER", "MESSAGE"):
        peer.send(a.request(method, headers=["Refer-To: <sip:1002@voice.example.org>"]))
        assert peer.receive().code == 405, method
    peer.send(a.request("BYE"))
    lobby.reply(expect(lobby, "BYE"), 200)
    assert expect(peer, 200)
    assert two.status()["dropped"]["method"] >= 5
    two.wait_empty()


def test_a_trunk_has_a_list_of_its_own(halves):
    """A parameter and a header that this trunk is not to send never reach the site, methods and rules of its own refuse the rest."""
    two, peer, lobby, _ = halves(trunk=", accept: { methods: [OPTIONS], headers: [Privacy], parameters: [user], refuse: [remote-control] }")
    peer.dial()
    to = f"sip:+493012341001@{two.outside[0]};cpc=ordinary"
    got, sender = ["Session-Expires: 90;refresher=uac", "Supported: timer"], "sip:+43123456@sip.carrier.example"
    invite(peer, sender, to, [*got, "Alert-Info: <http://ring.example/>"])
    assert expect(peer, 403)
    a, b, _ = establish(peer, sender, lobby, to, got)
    peer.send(a.request("INFO"))
    answer = peer.receive()
    assert answer.code == 405 and "INFO" not in answer.get("Allow") and "OPTIONS" in answer.get("Allow")
    peer.send(a.request("BYE"))
    lobby.reply(expect(lobby, "BYE"), 200)
    assert expect(peer, 200)
    by = two.status()["trunks"][0]["dropped_by"]
    assert by["method"] == by["remote-control"] == 1 and by["parameter"] >= 2 and by["header"] >= 1
    assert two.status()["dropped"] == by
    two.wait_empty()


def test_headers_that_one_trunk_knows(halves):
    """Carried from it and to it, by name, within bounds; what tells of the inside, and what no trunk named, is not."""
    two, peer, lobby, _ = halves(trunk=", accept: { further: [ { name: X-Billing, bytes: 32 } ] }",
                                 more="deviations:\n  - { mitigation: pub-sbc, trunks: [carrier], reason: test, approved_by: tester, "
                                      "until: 2099-01-01 }\n")
    peer.dial()
    sender, to = "sip:+43123456@sip.carrier.example", f"sip:+493012341001@{two.outside[0]}"
    a, b, got = establish(peer, sender, lobby, to, ["X-Billing: code=7", "X-Other: 1"])
    assert got.get("X-Billing") == "code=7" and not got.get("X-Other")
    peer.send(a.request("BYE"))
    lobby.reply(expect(lobby, "BYE"), 200)
    assert expect(peer, 200)
    out = f"sip:0123456@{two.site.domain}"
    for value, goes in (("code=8", True), (f"at {two.site.address}", False), ("x" * 33, False)):
        a, b, got = establish(lobby, f"sip:1001@{two.site.domain}", peer, out, [f"X-Billing: {value}", "X-Other: 1"])
        assert got.get("X-Billing") == (value if goes else "") and not got.get("X-Other")
        lobby.send(a.request("BYE"))
        peer.reply(expect(peer, "BYE"), 200)
        assert expect(lobby, 200)
    two.wait_empty()


def test_strangers_get_nothing(halves, authority, tmp_path):
    """At the outside: no certificate, another authority's, another name's, a phone's, a host's. At the inside: a phone's."""
    two, peer, lobby, _ = halves()
    site, pki = two.site, two.site.dir / "pki"
    address = site.phone_address(7)
    other = Authority(tmp_path / "other", "other CA")
    hosts = pki / "hosts"
    candidates = {
        "no certificate": (None, None), "another authority": other.issue("DNS:sip.carrier.example"),
        "another name": authority.issue("DNS:evil.example"), "a phone": site.credentials("lobby")[:2],
        "a host": (hosts / "ctl-a" / "cert.pem", hosts / "ctl-a" / "key.pem"),
    }
    before = len(two.site.ledger("call.start"))
    for where, server in (("outside", two.outside[0]), ("inside", two.inside[0])):
        for who, (cert, key) in candidates.items():
            c = Peer(site, address, cert, key)
            c.server = (server, 5061)
            try:
                c.dial()
                c.send(c.request("INVITE", f"sip:+493012341001@{server}", sender="sip:+43123456@sip.carrier.example",
                                 to=f"sip:+493012341001@{server}", headers=[SDP], body=sdp()))
                assert c.receive(3) is None, f"{who} got an answer at the {where}"
            except (ssl.SSLError, OSError):
                pass
            c.die()
    assert len(two.site.ledger("call.start")) == before
    counted = two.status()["counted"]
    assert counted["refused-peer"] >= 3 and counted["tls-refused"] >= 6
    # who is expected is heard meanwhile
    peer.dial()
    invite(peer, "sip:+43123456@sip.carrier.example", f"sip:+493012341001@{two.outside[0]}")
    lobby.reply(expect(lobby, "INVITE"), 486)
    assert expect(peer, 486)


def test_the_controller_believes_a_border_alone(halves):
    """A phone that names a trunk group in its Contact is a phone; a trunk at the controller is nobody."""
    two, peer, lobby, desk = halves()
    domain = two.site.domain
    lobby.call_id = "tgrp-1@x"
    lobby.send(lobby.request("INVITE", f"sip:1002@{domain}", sender=f"sip:1001@{domain}", to=f"sip:1002@{domain}",
                             headers=[SDP], body=sdp(),
                             contact=f"sip:1001;tgrp=carrier;trunk-context={domain}@{lobby.here()};transport=tls"))
    got = expect(desk, "INVITE")
    assert uri(got.get("From")) == f"sip:1001@{domain}"
    desk.reply(got, 486)
    assert expect(lobby, 486)
    peer.server = (two.site.address, 5061)
    try:
        peer.dial()
        invite(peer, "sip:+43123456@sip.carrier.example", f"sip:+493012341001@{two.site.address}")
        m = peer.receive(3)
        assert m is None or m.code == 403
    except (ssl.SSLError, OSError):
        pass


SECOND = """\
  - {{ name: second, peer: "{peer}", port: 5061, ca: carrier-ca.pem, certificate: [second.example], health_interval: 1,
       numbers: {{ "+4930123499xx": "10xx" }} }}
"""
BOTH = ROUTES.replace("[carrier]", "[carrier, second]")


def test_the_next_trunk_and_no_border(halves, authority):
    """A trunk that is down gives way to the next one; without a border there is no way out, and it says so."""
    two, peer = halves(more=SECOND.format(peer="10.30.255.254"), routes=BOTH, listen=False, up=False)
    site = two.site
    address = site.phone_address(6)
    text = (site.dir / "site.yaml").read_text().replace("10.30.255.254", address)
    (site.dir / "site.yaml").write_text(text)
    second = two.peer(address, *authority.issue("DNS:second.example")).listen()
    two.up()
    lobby = site.client("lobby").open()
    assert lobby.register(f"sip:1001@{site.domain}").code == 200
    two.wait_trunk("second", "up")
    invite(lobby, f"sip:1001@{site.domain}", f"sip:0089123456@{site.domain}")
    got = expect(second, "INVITE", 10)
    second.reply(got, 486)
    assert expect(lobby, 486)
    two.wait_trunk("carrier", "down", 12)
    two.kill()
    wait_until("the controller finds no way out", lambda: two.trunk("second", "controller")["state"] == "down", 15)
    invite(lobby, f"sip:1001@{site.domain}", f"sip:0089123456@{site.domain}")
    assert expect(lobby, 503)
    site.run("up", "--host", "edge-0")
    two.wait_trunk("second", "up", 20)


def test_the_second_border(halves):
    """The first border is not there: calls go out and come in by the second, and its trunk counts as up."""
    two, peer = halves(borders=2, up=False)
    site = two.site
    two.up("edge-1")
    lobby = site.client("lobby").open()
    assert lobby.register(f"sip:1001@{site.domain}").code == 200
    wait_until("the controller has a way", lambda: two.trunk("carrier", "controller")["state"] == "up", 15)
    a, b, _ = establish(lobby, f"sip:1001@{site.domain}", peer, f"sip:0089123456@{site.domain}")
    lobby.send(a.request("BYE"))
    peer.reply(expect(peer, "BYE"), 200)
    assert expect(lobby, 200)
    peer.server = (two.outside[1], 5061)
    peer.dial()
    a, b, _ = establish(peer, "sip:+43123456@sip.carrier.example", lobby, f"sip:+493012341001@{two.outside[1]};user=phone")
    peer.send(a.request("BYE"))
    lobby.reply(expect(lobby, "BYE"), 200)
    assert expect(peer, 200)
    two.wait_empty()


def test_no_relay_no_call(halves):
    """A call that runs goes on without its relay, also its end; a new one is refused until there is one again."""
    two, peer, lobby, desk = halves()
    two.wait_trunk("carrier", "up")
    peer.dial()
    a, b, _ = establish(peer, "sip:+43123456@sip.carrier.example", lobby, f"sip:+493012341001@{two.outside[0]}")
    assert two.status()["healthy"]
    two.relay.stop()
    invite(peer, "sip:+43123456@sip.carrier.example", f"sip:+493012341002@{two.outside[0]}")
    assert expect(peer, 503, 10)
    assert not two.status()["healthy"] and "no media relay answers" in str(two.status()["problems"])
    peer.send(a.request("BYE"))
    lobby.reply(expect(lobby, "BYE"), 200)
    assert expect(peer, 200)
    two.relay.start()

    def works():
        invite(peer, "sip:+43123456@sip.carrier.example", f"sip:+493012341002@{two.outside[0]}")
        m = peer.receive()
        while m and m.code == 100:
            m = peer.receive()
        return m is None or m.code != 503
    wait_until("there are calls again", works, 20, 0.5)
    assert two.status()["healthy"]
    desk.reply(expect(desk, "INVITE"), 486)
    two.wait_empty()


def hears(phone, hertz, rate=8000):
    """As tone_heard(), while it records: the file has no header of its own before its end."""
    raw = next(iter(sorted(phone.folder.glob("dump-*-dec.wav"))[-1:]), None)
    raw = raw.read_bytes()[44:] if raw else b""
    samples = struct.unpack(f"<{len(raw) // 2}h", raw[:len(raw) // 2 * 2])
    return len(samples) > rate and goertzel(samples[-rate:], rate, hertz) > 0.9


UDP = """\
trunks:
  - {{ name: old, peer: "{peer}", port: 5060, transport: udp, addresses: ["{peer}"], health_interval: 0,
       numbers: {{ "+4930123410xx": "10xx" }} }}
deviations:
  - {{ mitigation: ph-auth-media-encryption, reason: test, approved_by: tester, until: 2028-01-01 }}
  - {{ mitigation: pub-encrypt-voip, trunks: [old], reason: test, approved_by: tester, until: 2028-01-01 }}
"""


def test_tones_through_the_relay(make_site):
    """baresip outside over UDP without keys, baresip inside over TLS with SRTP, AES-GCM: each hears the other's tone."""
    site = make_site(level="minimum", phones={"lobby": "1001", "desk": "1002"}, up=False)
    address = site.phone_address(6)
    two = Halves(site, more=UDP.format(peer=address), media=", encryption: optional, suites: [AEAD_AES_256_GCM]")
    two.up()
    lobby = site.baresip("lobby", 0, tone=440, account={"mediaenc": "srtp-mand"})
    site.wait_registered("1001")
    site.run("phone", "config", "desk", "--for", "baresip", "-o", site.folder / "baresip-desk")
    folder = site.folder / "baresip-desk"
    make_headless(folder, "desk", address, 880, 4444)
    (folder / "accounts").write_text(f"<sip:+43123456@{address};transport=udp>;regint=0;audio_codecs=PCMA/8000/1\n")
    far = Baresip("desk", folder, address, 4444)
    site.started.append(far)
    far.start()
    far.command("dial", f"sip:+493012341001@{two.outside[0]}")
    far.wait_event("CALL_ESTABLISHED", seconds=15)
    wait_until("the phone hears the tone from outside", lambda: hears(lobby, 880), 15)
    wait_until("the outside hears the phone's tone", lambda: hears(far, 440), 15)
    far.command("hangup")
    two.wait_empty(15)

    def told():
        lines = site.run("ledger", "show", "--role", "border", "--kind", "call.media", "--json").splitlines()
        return {e["side"]: e for e in map(json.loads, lines)}
    wait_until("how the media was is on record", lambda: set(told()) == {"site", "trunk"}, 5)
    ends = [json.loads(x) for x in site.run("ledger", "show", "--role", "border", "--kind", "call.end", "--json").splitlines()]
    assert {e["session"] for e in told().values()} == {e["session"] for e in ends}
    assert all(e["packets"] > 50 and e["type"] == "audio" for e in told().values())
    assert told()["site"]["suite"] == "AEAD_AES_256_GCM" and not told()["trunk"].get("suite")


def test_no_more_calls_than_the_line_carries(halves):
    """limits.external_calls, at the border: the one past it is told when to come again, either way; the one that is up goes on."""
    two, peer, lobby, desk = halves(more="limits: { external_calls: 1 }\n")
    two.wait_trunk("carrier", "up")
    peer.dial()
    a, b, _ = establish(peer, "sip:+43123456@sip.carrier.example", lobby, f"sip:+493012341001@{two.outside[0]};user=phone")
    invite(desk, f"sip:1002@{two.site.domain}", f"sip:0123456@{two.site.domain}")
    refused = expect(desk, 503)
    assert refused.get("Retry-After"), refused
    second = two.peer(two.site.phone_address(7), peer.cert, peer.key)
    second.dial()
    invite(second, "sip:+43123457@sip.carrier.example", f"sip:+493012341002@{two.outside[0]};user=phone")
    refused = expect(second, 503)
    assert refused.get("Retry-After"), refused
    peer.send(a.request("INFO"))
    lobby.reply(expect(lobby, "INFO"), 200)
    assert expect(peer, 200)
    peer.send(a.request("BYE"))
    lobby.reply(expect(lobby, "BYE"), 200)
    assert expect(peer, 200)
    two.wait_empty()


@pytest.mark.long
def test_who_is_connected_for_an_hour_proves_himself_anew(halves):
    """sip.reauthenticate, the least it may be: the peer's own connection ends, and it is counted."""
    two, peer, lobby, _ = halves(more="sip: { reauthenticate: 10 }\n")
    peer.dial()
    assert peer.ask(peer.request("OPTIONS", f"sip:{two.outside[0]}")).code == 200
    wait_until("the connection has ended", lambda: two.status()["counted"].get("flows-aged", 0) >= 1, 20)
    assert peer.receive(5) is None
    peer.dial()
    assert peer.ask(peer.request("OPTIONS", f"sip:{two.outside[0]}")).code == 200
