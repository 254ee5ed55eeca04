"""Attempts on calls and names of others by a phone that is itself in order: with every tag and Call-ID known, with
headers that claim, with names written in other ways."""
import re
import secrets

import pytest

from dialogs import SDP, establish, expect, invite, sdp, tag, uri
from lab import wait_until


@pytest.fixture
def three(make_site):
    """A site with the phones lobby (1001), desk (1002) and eve (1003), each on its connection and registered."""
    site = make_site(phones={"lobby": "1001", "desk": "1002", "eve": "1003"})
    clients = []
    for name, number in site.numbers.items():
        c = site.client(name).open()
        assert c.register(f"sip:{number}@{site.domain}").code == 200
        clients.append(c)
    site.aor = lambda number: f"sip:{number}@{site.domain}"
    return site, *clients


def hijacks(site):
    return sum(w["hijacks_refused"] for w in site.json("status")["workers"])


METHODS = ["BYE", "INVITE", "UPDATE", "INFO", "REFER", "OPTIONS", "PRACK", "MESSAGE", "SUBSCRIBE", "NOTIFY"]


def test_a_call_of_others(three):
    """With both legs' tags and Call-IDs, from a connection that is proven to be somebody else's."""
    site, lobby, desk, eve = three
    a, b, _ = establish(lobby, site.aor("1001"), desk, site.aor("1002"))
    tried = 0
    for leg in (a, b):
        for method in METHODS:
            extra = ["Refer-To: <sip:1003@voice.example.org>"] if method == "REFER" else []
            extra += ["Event: dialog"] if method in ("SUBSCRIBE", "NOTIFY") else []
            extra += ["RAck: 1 1 INVITE"] if method == "PRACK" else []
            body = sdp("sendonly") if method in ("INVITE", "UPDATE") else ""
            answer = eve.ask(leg.request(method, [*extra, *([SDP] if body else [])], body, cseq=1000 + tried, by=eve))
            assert answer.code in (403, 405, 481), (method, answer)
            if method != "OPTIONS" and method in METHODS[:5]:
                assert answer.code == 403, (method, answer)
            tried += 1
    assert hijacks(site) >= 10
    assert len(site.calls()) == 1
    assert site.wait_event("identity.refused", rule="dialog-other")
    for client in (lobby, desk):
        assert client.receive(0.3) is None
    # the owner's requests still count from where they were: nothing of eve's moved the sequence
    lobby.send(a.request("BYE"))
    assert expect(lobby, 200)
    assert expect(desk, "BYE")


def test_an_ack_of_others(three):
    """An ACK from elsewhere neither ends the repetition of the 2xx nor opens the way for a BYE."""
    site, lobby, desk, eve = three
    invite(lobby, site.aor("1001"), site.aor("1002"))
    got = expect(desk, "INVITE")
    desk.reply(got, 200, headers=[SDP, "Contact: <sip:x@192.0.2.2;transport=tls>"], body=sdp())
    ok = expect(lobby, 200)
    cseq = ok.get("CSeq").split()[0]
    via = f"Via: SIP/2.0/TLS 192.0.2.9;branch=z9hG4bK{secrets.token_hex(6)}"
    ack = (f"ACK {uri(ok.get('Contact'))} SIP/2.0\r\n{via}\r\n"
           f"Max-Forwards: 70\r\nFrom: {ok.get('From')}\r\nTo: {ok.get('To')}\r\nCall-ID: {ok.get('Call-ID')}\r\n"
           f"CSeq: {cseq} ACK\r\nContent-Length: 0\r\n\r\n")
    eve.send(ack.encode())
    assert expect(lobby, 200, timeout=3), "the 2xx is repeated until its own ACK comes"
    lobby.send(ack.encode())
    expect(desk, "ACK")
    assert len(site.calls()) == 1


def test_cancel_of_others(three):
    site, lobby, desk, eve = three
    sent = invite(lobby, site.aor("1001"), site.aor("1002"))
    got = expect(desk, "INVITE")
    desk.reply(got, 180, "Ringing")
    expect(lobby, 180)
    cancel = re.sub(rb"(?s)Content-Type.*", b"Content-Length: 0\r\n\r\n", sent.replace(b"INVITE sip", b"CANCEL sip"))
    cancel = re.sub(rb"CSeq: (\d+) INVITE", rb"CSeq: \1 CANCEL", cancel)
    assert eve.ask(cancel).code == 481
    assert len(site.calls()) == 1
    assert lobby.ask(cancel).code in (200, 487)
    expect(desk, "CANCEL")


def test_answers_of_others(three):
    """A response with the right branch on another connection answers nothing."""
    site, lobby, desk, eve = three
    invite(lobby, site.aor("1001"), site.aor("1002"))
    got = expect(desk, "INVITE")
    eve.reply(got, 200, headers=[SDP, "Contact: <sip:x@192.0.2.2;transport=tls>"], body=sdp())
    eve.reply(got, 486, "Busy Here")
    desk.reply(got, 180, "Ringing")
    assert expect(lobby, 180)
    assert site.calls()[0]["state"] == "ringing"


def test_replaces(three):
    """Nobody takes over a call by naming it."""
    site, lobby, desk, eve = three
    a, b, _ = establish(lobby, site.aor("1001"), desk, site.aor("1002"))
    for leg in (a, b):
        replaces = f"Replaces: {leg.call_id};to-tag={tag(leg.other)};from-tag={tag(leg.own)}"
        for extra in (["Require: replaces"], []):
            invite(eve, site.aor("1003"), site.aor("1999"), [replaces, *extra])
            assert eve.receive(5).code in (403, 404, 420, 481)
    assert len(site.calls()) == 1
    assert lobby.receive(0.2) is None and desk.receive(0.2) is None


NAMES = [
    # From of a request by the phone of 1003: another number, and its own, in all spellings
    ("sip:1001@voice.example.org", False), ("sip:1001@VOICE.EXAMPLE.ORG", False),
    ("sips:1001@voice.example.org", False),
    ("sip:%31001@voice.example.org", False), ("sip:100%31@voice.example.org", False),
    ("sip:1001;x=y@voice.example.org", False), ("sip:1001:secret@voice.example.org", False),
    ("sip:1001@{address}", False), ("sip:1001@{address}:5061", False), ("tel:1001", False),
    ("tel:1001;phone-context=voice.example.org", False), ("tel:1-0-0-1", False),
    ("sip:1003;x=y@voice.example.org", False), ("sip:voice.example.org", False), ("sip:1003@elsewhere.example", False),
    ("sip:1003%00@voice.example.org", False), ("sip:%201003@voice.example.org", False), ("mailto:1003@x", False),
    ("sip:1003@voice.example.org", True), ("sip:1003@VOICE.example.ORG", True), ("sip:%31003@voice.example.org", True),
    ("sip:1003@{address}", True), ("tel:1003", True),
]


def test_names(three):
    site, lobby, desk, eve = three
    for name, own in NAMES:
        name = name.format(address=site.address)
        invite(eve, name, site.aor("1002"))
        if own:
            got = expect(desk, "INVITE")
            assert uri(got.get("From")) == site.aor("1003"), name
            desk.reply(got, 486, "Busy Here")
            expect(eve, 486)
        else:
            answer = eve.receive(5)
            assert answer.code in (400, 403, 416), (name, answer)
            assert site.calls() == []


def test_names_in_register(three):
    site, lobby, desk, eve = three
    for name, own in NAMES:
        name = name.format(address=site.address)
        answer = eve.register(name)
        assert answer.code in ((200, 400) if own else (400, 403, 404, 416)), (name, answer)
        # for somebody else, by itself; and by somebody else, for itself
        if not own:
            assert eve.register(site.aor("1003"), sender=name).code in (400, 403, 416), name
            assert eve.register(name, sender=site.aor("1003")).code in (400, 403, 404, 416), name
    bindings = site.bindings()
    assert {b["phone"] for b in bindings if b["aor"].startswith("1001@")} == {"lobby"}
    assert {b["aor"] for b in bindings if b["phone"] == "eve"} == {f"1003@{site.domain}"}


def test_claims_in_headers(three):
    """What a phone says of itself is not passed on; what is proven is."""
    site, lobby, desk, eve = three
    claims = ["P-Asserted-Identity: \"Director\" <sip:1001@voice.example.org>",
              "P-Preferred-Identity: <sip:1001@voice.example.org>",
              "Remote-Party-ID: \"Director\" <sip:1001@voice.example.org>;party=calling",
              "P-Asserted-Identity: <tel:1001>", "Identity: abc", "Diversion: <sip:1001@voice.example.org>",
              "History-Info: <sip:1001@voice.example.org>;index=1", "Referred-By: <sip:1001@voice.example.org>",
              "Call-Info: <http://evil.example/>;purpose=icon", "Alert-Info: <http://evil.example/ring>",
              "User-Agent: Director", "Subject: pay me", "Organization: Directorate", "X-Anything: at all"]
    data = eve.request("INVITE", site.aor("1002"), sender=site.aor("1003"), to=site.aor("1002"), headers=[SDP, *claims],
                       body=sdp()).replace(b"From: <", b"From: \"Director 1001\" <")
    eve.send(data)
    got = expect(desk, "INVITE")
    text = "\n".join(f"{n}: {v}" for n, v in got.headers)
    assert "Director" not in text and "1001" not in text and "evil" not in text and "pay me" not in text, text
    assert uri(got.get("From")) == site.aor("1003")
    assert [uri(v) for v in got.all("P-Asserted-Identity")] == [site.aor("1003")]
    for name in ("P-Preferred-Identity", "Remote-Party-ID", "Identity", "Diversion", "History-Info", "X-Anything"):
        assert got.all(name) == []


def test_two_of_what_may_be_once(three):
    site, lobby, desk, eve = three
    for line in (b"From: <sip:1001@voice.example.org>;tag=x\r\n", b"f: <sip:1001@voice.example.org>;tag=x\r\n",
                 b"From : <sip:1001@voice.example.org>;tag=x\r\n"):
        for before in (True, False):
            data = eve.request("INVITE", site.aor("1002"), sender=site.aor("1003"), to=site.aor("1002"), headers=[SDP],
                               body=sdp())
            at = data.index(b"From:") if before else data.index(b"To:")
            eve.send(data[:at] + line + data[at:])
            m = eve.receive(5)
            assert m is not None and m.code == 400, m
    assert site.calls() == [] and desk.receive(0.2) is None


@pytest.mark.parametrize("headers,contact", [
    ((), "sip:1001@198.51.100.7:5061;transport=tls"),
    (("Path: <sip:198.51.100.7;lr>", "Supported: path"), None),
    ((), "sip:1001@127.0.0.1:22;transport=tcp"),
    ((), "sip:1002@voice.example.org"),
    ((), "sip:1001@10.20.0.11;maddr=198.51.100.7"),
])
def test_a_contact_that_points_elsewhere(three, headers, contact):
    """A call goes to the connection that registered, whatever address stood in Contact or Path."""
    site, lobby, desk, eve = three
    assert lobby.register(site.aor("1001"), headers=headers, contact=contact).code in (200, 400, 403, 420)
    invite(eve, site.aor("1003"), site.aor("1001"))
    assert expect(lobby, "INVITE")
    assert desk.receive(0.2) is None


def test_locked(three):
    site, lobby, desk, eve = three
    site.run("phone", "lock", "eve")
    assert eve.register(site.aor("1003")).code == 403
    invite(eve, site.aor("1003"), site.aor("1002"))
    assert expect(eve, 403)
    # and nobody reaches it
    invite(lobby, site.aor("1001"), site.aor("1003"))
    assert expect(lobby, 480)
    assert eve.receive(0.2) is None
    site.run("phone", "unlock", "eve")
    assert eve.register(site.aor("1003")).code == 200


def test_locked_in_a_call(three):
    """Whoever is locked talks to nobody any more; others do."""
    site, lobby, desk, eve = three
    establish(lobby, site.aor("1001"), desk, site.aor("1002"))
    site.run("phone", "lock", "lobby")
    desk.reply(expect(desk, "BYE"), 200)
    wait_until("no call is left", lambda: site.calls() == [] or site.calls()[0]["state"] == "ending", 5)
    establish(eve, site.aor("1003"), desk, site.aor("1002"))
    assert any(c["from"] == "1003" for c in site.calls())


PASSWORD = "a password of fifteen and more"


@pytest.fixture
def highest(make_site):
    site = make_site(level="highest", phones={"lobby": "1001", "desk": "1002"})
    for user, number in (("alice", "1001"), ("bob", "1002")):
        site.run("user", "add", user, "--number", number, "--password-stdin", stdin=PASSWORD + "\n")
    site.aor = lambda number: f"sip:{number}@{site.domain}"
    return site


def test_highest_asks_for_both(highest):
    site = highest
    lobby, desk = site.client("lobby").open(), site.client("desk").open()
    assert lobby.register(site.aor("1001")).code == 401
    assert lobby.register(site.aor("1001"), "alice", "not the password").code == 401
    assert lobby.register(site.aor("1001"), "nobody", PASSWORD).code == 401
    assert lobby.register(site.aor("1001"), "bob", PASSWORD).code == 403     # a good password, of another number
    assert desk.register(site.aor("1001"), "alice", PASSWORD).code == 403    # a good password, at another phone
    assert site.registered() == set()
    assert lobby.register(site.aor("1001"), "alice", PASSWORD).code == 200
    site.run("user", "lock", "alice")
    assert lobby.register(site.aor("1001"), "alice", PASSWORD).code == 403
    site.run("user", "unlock", "alice")
    assert lobby.register(site.aor("1001"), "alice", PASSWORD).code == 200


def test_digest_once_only(highest):
    """The same credentials twice, and a nonce that somebody else was given."""
    site = highest
    lobby, desk = site.client("lobby").open(), site.client("desk").open()
    uri_ = f"sip:{site.domain}"
    challenge = lobby.ask(lobby.request("REGISTER", uri_, to=site.aor("1001"))).get("WWW-Authenticate")
    login = lobby.authorise(challenge, "alice", PASSWORD, "REGISTER", uri_)
    assert lobby.ask(lobby.request("REGISTER", uri_, to=site.aor("1001"), headers=[login])).code == 200
    again = lobby.ask(lobby.request("REGISTER", uri_, to=site.aor("1001"), headers=[login]))
    assert again.code == 401 and "stale=true" in again.get("WWW-Authenticate").lower()
    # desk's owner uses a nonce that lobby was given
    fresh = lobby.ask(lobby.request("REGISTER", uri_, to=site.aor("1001"))).get("WWW-Authenticate")
    stolen = desk.authorise(fresh, "bob", PASSWORD, "REGISTER", uri_)
    assert desk.ask(desk.request("REGISTER", uri_, to=site.aor("1002"), headers=[stolen])).code == 401
    # credentials for one request on another
    other = lobby.authorise(fresh, "alice", PASSWORD, "INVITE", uri_)
    assert lobby.ask(lobby.request("REGISTER", uri_, to=site.aor("1001"), headers=[other])).code == 401
    assert "1002" not in site.registered()


def test_guessing_is_slowed_down(highest):
    site = highest
    lobby = site.client("lobby").open()
    codes = [lobby.register(site.aor("1001"), "alice", f"guess {i}").code for i in range(12)]
    assert codes[0] == 401 and codes[-1] == 403
    assert wait_until("on record", lambda: [e for e in site.ledger("auth.failed") if e["rule"] == "password-tries"], 5)
