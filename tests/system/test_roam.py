"""Phones outside: registered at the border by their certificate, calling and called through it and the relay beside it; and what
those do who are not such phones, or want to be another one."""
import re
import ssl

import pytest

import borders
from borders import TRUNK, Halves
from dialogs import SDP, Leg, expect, invite, sdp, uri
from lab import wait_until
from test_border import authority, copy_ca  # noqa: F401, a fixture
from test_border_relay import Own

CLASSES = """\
class: all
classes:
  all: { grants: [internal, local, national, international, service] }
  away: { grants: [internal, local] }
routes:
  - { name: out, trunks: [carrier] }
"""
ROAMING = "roaming: {{ phones: [anna, bert], class: away }}\n"
SUPPORTED = "Supported: path, outbound"


@pytest.fixture
def house(make_site, authority, monkeypatch):  # noqa: F811
    """A site with a border and a relay on one host, a trunk; anna and bert may roam, lobby may not."""
    monkeypatch.setattr(borders, "Rtpengine", Own)
    monkeypatch.setattr(borders, "SITE", borders.SITE.replace("media: {{ relays: [127.0.0.1], relay_port: {relay_port}{media} }}\n", ""))
    monkeypatch.setattr(borders, "BORDER", borders.BORDER.replace("roles: [border]", "roles: [border, relay]"))
    site = make_site(phones={"lobby": "1001", "anna": "1002", "bert": "1003"}, up=False)
    address = site.phone_address(7)
    copy_ca(site, authority)
    two = Halves(site, relay=Own, more="trunks:\n" + TRUNK.format(name="carrier", peer=address, certificate="sip.carrier.example", more="")
                 + CLASSES + ROAMING.format())
    two.peer_at = two.peer(address, *authority.issue("DNS:sip.carrier.example")).listen()
    two.up()
    two.wait_trunk("carrier", "up")
    lobby = site.client("lobby").open()
    assert lobby.register(f"sip:1001@{site.domain}").code == 200
    return two, lobby


def outside(two, name, **kw):
    """A client at the outer side, with the certificate of this phone."""
    c = two.site.client(name, **kw)
    c.server = (two.outside[0], 5061)
    return c


def contact(c, number="1002"):
    """As a phone behind a NAT writes it."""
    return f"sip:{number}@192.168.1.77:5060;transport=tls"


def come(two, name, number, **kw):
    c = outside(two, name, **kw).open()
    answer = c.ask(c.request("REGISTER", to=f"sip:{number}@{two.site.domain}", contact=contact(c, number), headers=[SUPPORTED]))
    assert answer is not None and answer.code == 200, answer
    return c, answer


def binding(two, number, role=None):
    args = ["--role", role] if role else []
    return [b for b in two.site.json("bindings", *args)["bindings"] if b["aor"].endswith(f"{number}@{two.site.domain}")]


def text_of(m):
    body = m.body.decode() if isinstance(m.body, bytes) else m.body
    return "\n".join([m.line, *(f"{n}: {v}" for n, v in m.headers), "", body])


def answer_to(offer):
    """By the suite that all of them know, under the number that it has in this offer."""
    number = re.search(r"a=crypto:(\d+) AES_CM_128_HMAC_SHA1_80 ", text_of(offer)).group(1)
    return sdp().replace("a=crypto:1 ", f"a=crypto:{number} ")


def establish(caller, me, callee, other):
    """As that of dialogs."""
    invite(caller, me, other)
    got = expect(callee, "INVITE")
    callee.reply(got, 200, headers=[SDP, f"Contact: <sip:x@{callee.here()};transport={callee.transport}>"], body=answer_to(got))
    ok = expect(caller, 200)
    a = Leg(caller, caller.call_id, ok.get("From"), ok.get("To"), uri(ok.get("Contact")), int(ok.get("CSeq").split()[0]))
    caller.send(a.request("ACK", cseq=a.cseq))
    expect(callee, "ACK")
    return a, Leg(callee, got.get("Call-ID"), f"{got.get('To')};tag={callee.tag}", got.get("From"), uri(got.get("Contact")), 0), got


def nothing_inside(two, *messages):
    for m in messages:
        for word in (f"10.20.{two.site.n}.", f"10.60.{two.site.n}.", f"10.30.{two.site.n}.", "ctl-a", "edge-0", "ringfort"):
            assert word not in text_of(m), f"{word} in\n{text_of(m)}"


def test_registered_and_called(house):
    two, lobby = house
    domain = two.site.domain
    home = f"198.51.100.{two.site.n}"       # her own: nobody's media goes to an address that each host has for itself
    borders.add_addresses(home)
    anna, answer = come(two, "anna", "1002", source=home)
    assert "192.168.1.77" in answer.get("Contact") and 0 < int(re.search(r"expires=(\d+)", answer.get("Contact")).group(1)) <= 600
    nothing_inside(two, answer)
    known = binding(two, "1002")
    assert len(known) == 1 and two.inside[0] in known[0]["contact"] and "192.168" not in str(known), known
    hers = binding(two, "1002", "border")
    assert len(hers) == 1 and hers[0]["address"].startswith(f"{home}:") and hers[0]["phone"] == known[0]["phone"], hers

    # she is called: her Contact is answered for, her connection is used, and what she sees is the border's
    invite(lobby, f"sip:1001@{domain}", f"sip:1002@{domain}")
    got = expect(anna, "INVITE")
    assert got.line == f"INVITE {contact(anna)} SIP/2.0"
    assert "<sip:1001@" in got.get("From") and two.outside[0] in got.get("Contact")
    anna.reply(got, 180)
    anna.reply(got, 200, headers=[SDP, f"Contact: <{contact(anna)}>"], body=answer_to(got))
    ok = expect(lobby, 200)
    a = Leg(lobby, lobby.call_id, ok.get("From"), ok.get("To"), uri(ok.get("Contact")), int(ok.get("CSeq").split()[0]))
    lobby.send(a.request("ACK", cseq=a.cseq))
    ack = expect(anna, "ACK")
    body = text_of(got)
    assert f"c=IN IP4 {two.outside[0]}" in body and " RTP/SAVP " in body and "a=crypto" in body
    assert two.inside[0] in text_of(ok)
    nothing_inside(two, got, ack)
    # she hangs up
    b = Leg(anna, got.get("Call-ID"), f"{got.get('To')};tag={anna.tag}", got.get("From"), uri(got.get("Contact")), 0)
    anna.send(b.request("BYE"))
    bye = expect(lobby, "BYE")
    lobby.reply(bye, 200)
    nothing_inside(two, expect(anna, 200))
    two.wait_empty()


def test_calls_from_outside(house):
    """Inside, by her number; to a national number, which the class for phones outside does not have; and to a local one."""
    two, lobby = house
    domain = two.site.domain
    anna, _ = come(two, "anna", "1002")
    a, b, got = establish(anna, f"sip:1002@{domain}", lobby, f"sip:1001@{domain}")
    assert "<sip:1002@" in got.get("From") and "192.168" not in text_of(got) and f"c=IN IP4 {two.inside[0]}" in text_of(got)
    lobby.send(b.request("BYE"))
    anna.reply(expect(anna, "BYE"), 200)
    assert expect(lobby, 200)
    invite(anna, f"sip:1002@{domain}", f"sip:0089123456@{domain}")
    refused = expect(anna, 403)
    nothing_inside(two, refused)
    assert two.site.wait_event("call.refused", code=403, **{"class": "national"})["phone"] == "anna"
    peer = two.peer_at
    peer.dial()
    a, b, got = establish(anna, f"sip:1002@{domain}", peer, f"sip:0123456@{domain}")
    assert "192.168" not in text_of(got)
    anna.send(a.request("BYE"))
    peer.reply(expect(peer, "BYE"), 200)
    assert expect(anna, 200)
    # and is called from outside by a trunk: out and in again
    a, b, got = establish(peer, "sip:+43123456@sip.carrier.example", anna, f"sip:+493012341002@{two.outside[0]};user=phone")
    assert two.outside[0] in text_of(got)
    peer.send(a.request("BYE"))
    anna.reply(expect(anna, "BYE"), 200)
    assert expect(peer, 200)
    two.wait_empty()



def test_their_class_holds_for_all_of_a_call(house):
    """Wider than the one inside, it lets calls out; when a grant falls, calls that it made end."""
    two, lobby = house
    site, domain = two.site, two.site.domain
    file = site.dir / "site.yaml"
    grants = "grants: [internal, local, national, international, service]", "grants: [internal, local]", "grants: [internal, local, national]"
    file.write_text(file.read_text().replace(f"away: {{ {grants[1]} }}", f"away: {{ {grants[2]} }}").replace(grants[0], grants[1]))
    site.run("reload")
    anna, _ = come(two, "anna", "1002")
    peer = two.peer_at
    peer.dial()
    invite(lobby, f"sip:1001@{domain}", f"sip:0089123456@{domain}")
    assert expect(lobby, 403)
    establish(anna, f"sip:1002@{domain}", peer, f"sip:0089123456@{domain}")
    file.write_text(file.read_text().replace(grants[2], grants[1]))
    site.run("reload")
    for c in (peer, anna):
        c.reply(expect(c, "BYE"), 200)
    two.wait_empty()


def test_forwards_by_code_are_of_that_class(house):
    """Who may not call a number from outside has no calls forwarded there from outside either; inside the number's own class holds."""
    two, lobby = house
    domain = two.site.domain
    anna, _ = come(two, "anna", "1002")

    def settings(number):
        return two.site.json("number", "show", number)["settings"]
    for target, code, now in (("00441234567", 403, ""), ("0089123456", 403, ""), ("1003", 480, "1003"), ("0123456", 480, "0123456"),
                              ("0089123456", 403, "0123456")):
        invite(anna, f"sip:1002@{domain}", f"sip:*72{target}@{domain}")
        assert expect(anna, code), target
        assert settings("1002")["forward_always"] == now
    invite(lobby, f"sip:1001@{domain}", f"sip:*720089123456@{domain}")
    assert expect(lobby, 480)
    assert settings("1001")["forward_always"] == "0089123456"
    two.wait_empty()


def test_who_may_not(house):
    two, lobby = house
    domain = two.site.domain
    # no certificate: the end before a word of SIP; a phone that may not roam, likewise
    for name in (None, "lobby"):
        c = outside(two, name)
        try:
            c.open()
            c.send(c.request("OPTIONS"))
            assert c.receive(3) is None
        except (ssl.SSLError, ConnectionError):
            pass
    anna, _ = come(two, "anna", "1002")
    # another's number, and somebody else's name
    refused = anna.ask(anna.request("REGISTER", to=f"sip:1003@{domain}", contact=contact(anna)))
    assert refused.code == 403
    invite(anna, f"sip:1003@{domain}", f"sip:1001@{domain}")
    assert expect(anna, 403)
    # to speak for herself as a border does: her URI there is worth nothing from her, at either side
    gruu = binding(two, "1002")[0]["contact"]
    invite(anna, f"sip:1002@{domain}", gruu)
    assert expect(anna, 486)           # she has called herself
    bert = two.site.client("bert").open()
    assert bert.ask(bert.request("REGISTER", to=f"sip:1003@{domain}", contact=gruu)).code == 200
    invite(lobby, f"sip:1001@{domain}", f"sip:1003@{domain}")
    got = expect(bert, "INVITE")       # his own connection, whatever he wrote
    bert.reply(got, 486)
    expect(bert, "ACK")
    expect(lobby, 486)
    assert anna.receive(0.3) is None
    # other methods do not cross
    assert anna.ask(anna.request("REFER", f"sip:1001@{domain}", to=f"sip:1001@{domain}", sender=f"sip:1002@{domain}",
                                 headers=[f"Refer-To: <sip:1003@{domain}>"])).code == 405
    two.wait_empty()


def test_flows(house):
    """The connection is gone: 480 at once; another one takes its place; two registrations of one phone are one; unregistered."""
    two, lobby = house
    domain = two.site.domain
    first, _ = come(two, "anna", "1002")
    second, _ = come(two, "anna", "1002")
    assert len(binding(two, "1002")) == 1
    invite(lobby, f"sip:1001@{domain}", f"sip:1002@{domain}")
    got = expect(second, "INVITE")
    assert first.receive(0.2) is None
    second.reply(got, 486)
    expect(second, "ACK")
    expect(lobby, 486)
    # somebody with the right name over another connection ends nobody's call: the dialog is the flow's phone's
    second.stop()
    wait_until("the border knows", lambda: ask_code(lobby, domain) == 480, 5)
    third, _ = come(two, "anna", "1002")
    # keep-alives: two line ends are answered by one (RFC 5626 4.4.1)
    third.send(b"\r\n\r\n")
    third.socket.settimeout(3)
    assert third.socket.recv(10) == b"\r\n"
    gone = third.ask(third.request("REGISTER", to=f"sip:1002@{domain}", contact=contact(third), headers=[SUPPORTED, "Expires: 0"]))
    assert gone.code == 200 and not gone.get("Contact")
    assert not binding(two, "1002")
    two.wait_empty()


def ask_code(lobby, domain):
    invite(lobby, f"sip:1001@{domain}", f"sip:1002@{domain}")
    while True:
        m = lobby.receive(5)
        assert m is not None
        if m.code >= 200:
            lobby.send(lobby.request("ACK", f"sip:1002@{domain}", sender=f"sip:1001@{domain}", to=f"sip:1002@{domain}",
                                     cseq=int(m.get("CSeq").split()[0]), branch=re.search(r"branch=([^;,\s]+)", m.get("Via")).group(1),
                                     to_tag=m.get("To").split("tag=")[1]))
            return m.code


def test_help(house):
    """A call for help from outside: made, and nobody says where the phone is."""
    two, lobby = house
    anna, _ = come(two, "anna", "1002")
    peer = two.peer_at
    peer.dial()
    a, b, got = establish(anna, f"sip:1002@{two.site.domain}", peer, f"sip:112@{two.site.domain}")
    assert "1 Example Road" not in text_of(got) and "Lobby" not in text_of(got)
    told = two.site.wait_event("emergency.call")
    assert not told.get("location"), told
    anna.send(a.request("BYE"))
    peer.reply(expect(peer, "BYE"), 200)
    assert expect(anna, 200)
    two.wait_empty()


def taken(two):
    """Registrations, as the controller has counted them."""
    answer = two.site.json("status")
    return sum(w["registrations"] for a in [answer, *answer.get("others", [])] if a["role"] == "controller" for w in a["workers"])


def test_enemies(house):
    """A flood of registrations of one phone; a phone that speaks into another's call; a phone's own connection that is used in
    another's name."""
    two, lobby = house
    domain = two.site.domain
    anna, _ = come(two, "anna", "1002")
    bert, _ = come(two, "bert", "1003")
    a, b, got = establish(anna, f"sip:1002@{domain}", lobby, f"sip:1001@{domain}")
    # all that anna's dialog is made of, in the hands of bert
    bert.send(a.request("BYE", by=bert))
    assert expect(bert, 403)
    bert.send(a.request("INVITE", [SDP], sdp(), by=bert))
    assert expect(bert, 403)
    # her name on his connection, and his contact in her place
    assert bert.ask(bert.request("REGISTER", to=f"sip:1002@{domain}", contact=contact(bert))).code == 403
    assert bert.ask(bert.request("REGISTER", to=f"sip:1003@{domain}", sender=f"sip:1002@{domain}", contact=contact(bert))).code == 403
    before = taken(two)
    for _ in range(400):
        bert.send(bert.request("REGISTER", to=f"sip:1003@{domain}", contact=contact(bert, "1003"), headers=[SUPPORTED]))
    codes = []
    while len(codes) < 400 and (m := bert.receive(1)) is not None:
        codes.append(m.code)
    assert codes.count(200) < 200, {c: codes.count(c) for c in set(codes)}
    assert taken(two) - before < 200
    # the call of the others is as it was
    lobby.send(b.request("INFO", ["Content-Type: application/dtmf-relay"], "Signal=5\r\nDuration=160\r\n"))
    anna.reply(expect(anna, "INFO"), 200)
    assert expect(lobby, 200)
    anna.send(a.request("BYE"))
    lobby.reply(expect(lobby, "BYE"), 200)
    assert expect(anna, 200)
    two.wait_empty()
