"""What a trunk that asks for a password gets: credentials in every request once it has asked, counted up, over again when
its nonce is over; nothing weaker than the site allows, and no password that was refused once more."""
import hashlib
import json
import os
import re
import shutil

import pytest

from dialogs import SDP, Leg, expect, invite, sdp, uri
from memory import places
from test_call_secrets import keeper
from test_sandbox import controller
from trunks import Authority, Peer, wait_empty

SITE = """\
dial_plans: {{ default: {{ country_code: "49", area_code: "30", outside: "0" }} }}
dial_plan: default
trunks:
  - {{ name: first, peer: "{a}", port: 5061, ca: carrier-ca.pem, certificate: [one.carrier.example],
       numbers: {{ "+4930123410xx": "10xx" }}, health_interval: 0, login: acme, password_file: one.password{more} }}
"""
HASH = {"SHA-256": hashlib.sha256, "SHA-512-256": lambda b: hashlib.new("sha512_256", b), "MD5": hashlib.md5}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("carrier"))


@pytest.fixture
def asking(make_site, authority):
    """asking(...): a site whose trunk has a login, that trunk, and a phone."""
    def make(more="", file="one.password"):
        site = make_site(phones={"lobby": "1001"}, up=False)
        a = site.phone_address(6)
        shutil.copy(authority.cert, site.dir / "carrier-ca.pem")
        (site.dir / file).parent.mkdir(exist_ok=True)
        put(site, file, "zanzibar")
        site.write(SITE.format(a=a, more=more).replace("one.password", file))
        peer = Peer(site, a, *authority.issue("DNS:one.carrier.example")).listen()
        site.up()
        lobby = site.client("lobby").open()
        assert lobby.register(f"sip:1001@{site.domain}").code == 200
        return site, peer, lobby
    return make


def put(site, file, password):
    (site.dir / file).touch(0o600)
    (site.dir / file).write_text(password)


def problems(site):
    return json.loads(site.call("status", "--json").stdout)["problems"]


def dial(site, lobby):
    invite(lobby, f"sip:1001@{site.domain}", f"sip:0089123456@{site.domain}")


def challenge(peer, request, nonce, *algorithms, code=407):
    name = "Proxy-Authenticate" if code == 407 else "WWW-Authenticate"
    peer.reply(request, code, headers=[f'{name}: Digest realm="itsp", nonce="{nonce}", algorithm={a}, qop="auth"'
                                       for a in algorithms])


def credentials(request, password="zanzibar"):
    """The parameters of a request's credentials, when they are right."""
    value = request.get("Proxy-Authorization") or request.get("Authorization")
    if not value:
        return None
    p = {k: q or t for k, q, t in re.findall(r'(\w+)=(?:"([^"]*)"|([^,\s]+))', value)}
    h = lambda s: HASH[p["algorithm"]](s.encode()).hexdigest()
    ha1, ha2 = h(f"{p['username']}:{p['realm']}:{password}"), h(f"{request.method}:{p['uri']}")
    assert p["response"] == h(f"{ha1}:{p['nonce']}:{p['nc']}:{p['cnonce']}:{p['qop']}:{ha2}")
    assert p["username"] == "acme" and p["uri"] == request.line.split()[1]
    return p


def up(lobby, peer, got):
    peer.reply(got, 200, headers=[SDP, f"Contact: <sip:gw@{peer.here()};transport=tls>"], body=sdp())
    ok = expect(lobby, 200)
    a = Leg(lobby, lobby.call_id, ok.get("From"), ok.get("To"), uri(ok.get("Contact")), int(ok.get("CSeq").split()[0]))
    lobby.send(a.request("ACK", cseq=a.cseq))
    return a, expect(peer, "ACK")


def test_every_request_has_them(asking):
    site, peer, lobby = asking()
    dial(site, lobby)
    first = expect(peer, "INVITE")
    assert credentials(first) is None
    challenge(peer, first, "n-1", "MD5", "SHA-512-256", "SHA-256")
    expect(peer, "ACK")
    got = expect(peer, "INVITE")
    assert int(got.get("CSeq").split()[0]) == int(first.get("CSeq").split()[0]) + 1
    assert got.get("Call-ID") == first.get("Call-ID") and got.get("From") == first.get("From")
    p = credentials(got)
    assert p["algorithm"] == "SHA-512-256" and p["nonce"] == "n-1" and int(p["nc"], 16) == 1
    a, ack = up(lobby, peer, got)
    assert ack.get("Proxy-Authorization") == got.get("Proxy-Authorization")
    lobby.send(a.request("BYE"))
    bye = expect(peer, "BYE")
    assert int(credentials(bye)["nc"], 16) == 2
    # its nonce is over, and it does not say that it is stale
    challenge(peer, bye, "n-2", "SHA-256", code=401)
    bye = expect(peer, "BYE")
    p = credentials(bye)
    assert p["nonce"] == "n-2" and int(p["nc"], 16) == 1 and bye.get("Authorization")
    peer.reply(bye, 200)
    assert expect(lobby, 200)
    wait_empty(site)


def test_hold_while_the_nonce_ends(asking):
    """A re-INVITE that is challenged: the phone is asked to try again, and that one has credentials."""
    site, peer, lobby = asking()
    dial(site, lobby)
    challenge(peer, expect(peer, "INVITE"), "n-1", "SHA-256")
    expect(peer, "ACK")
    a, _ = up(lobby, peer, expect(peer, "INVITE"))
    lobby.send(a.request("INVITE", headers=[SDP], body=sdp()))
    again = expect(peer, "INVITE")
    assert credentials(again)["nonce"] == "n-1"
    challenge(peer, again, "n-2", "SHA-256")
    expect(peer, "ACK")
    assert expect(lobby, 491)
    lobby.send(a.request("ACK", cseq=a.cseq))
    lobby.send(a.request("INVITE", headers=[SDP], body=sdp()))
    again = expect(peer, "INVITE")
    assert credentials(again)["nonce"] == "n-2"
    peer.reply(again, 200, headers=[SDP, f"Contact: <sip:gw@{peer.here()};transport=tls>"], body=sdp())
    assert expect(lobby, 200)
    lobby.send(a.request("ACK", cseq=a.cseq))
    expect(peer, "ACK")
    lobby.send(a.request("BYE"))
    peer.reply(expect(peer, "BYE"), 200)
    assert expect(lobby, 200)
    wait_empty(site)


def test_nothing_weaker(asking):
    site, peer, lobby = asking()
    dial(site, lobby)
    challenge(peer, expect(peer, "INVITE"), "n-1", "MD5")
    expect(peer, "ACK")
    assert expect(lobby, 503)
    assert "login_md5" in site.wait_event("trunk.login", trunk="first")["why"]
    wait_empty(site)


def test_md5_when_the_site_says_so(asking):
    site, peer, lobby = asking(", login_md5: true")
    dial(site, lobby)
    challenge(peer, expect(peer, "INVITE"), "n-1", "MD5")
    expect(peer, "ACK")
    got = expect(peer, "INVITE")
    assert credentials(got)["algorithm"] == "MD5"
    peer.reply(got, 486)
    assert expect(lobby, 486)
    wait_empty(site)


def test_a_refused_password_is_not_tried_on(asking):
    """An account that is tried again and again would be locked."""
    site, peer, lobby = asking()
    for nonce in ("n-1", "n-2"):
        dial(site, lobby)
        got = expect(peer, "INVITE")
        assert credentials(got) is None
        challenge(peer, got, nonce, "SHA-256")
        expect(peer, "ACK")
        if nonce == "n-1":
            again = expect(peer, "INVITE")
            assert credentials(again)["nonce"] == "n-1"
            challenge(peer, again, "n-1b", "SHA-256")
            expect(peer, "ACK")
        assert expect(lobby, 503)
        assert peer.receive(0.05) is None
    site.wait_event("trunk.login", why="its password is refused")
    wait_empty(site)


def asked_once(site, peer, lobby, nonce, password):
    """A call whose INVITE is challenged: the credentials of the one behind it, None: the site has none."""
    dial(site, lobby)
    got = expect(peer, "INVITE")
    if not credentials(got, password):
        challenge(peer, got, nonce, "SHA-256")
        expect(peer, "ACK")
        got = expect(peer, "INVITE")
    said = credentials(got, password)
    peer.reply(got, 486)
    expect(peer, "ACK")
    assert expect(lobby, 486)
    return said


def test_a_password_that_changes(asking):
    """It is taken up by itself and by a reload; one whose file is taken away is wiped and opens nothing, and all of that can be seen."""
    file = "secrets/one.password"
    site, peer, lobby = asking(file=file)
    holder = keeper(controller(site))
    assert asked_once(site, peer, lobby, "n-1", "zanzibar")
    # refused for a minute from now on: with the new password it is tried at once
    dial(site, lobby)
    for nonce in ("n-2", "n-3"):
        challenge(peer, expect(peer, "INVITE"), nonce, "SHA-256")
        expect(peer, "ACK")
    assert expect(lobby, 503)
    put(site, file, "madagascar")
    assert "; but" not in site.run("reload")
    assert asked_once(site, peer, lobby, "n-4", "madagascar")
    (site.dir / "next").write_text("sansibar again")
    (site.dir / "next").chmod(0o600)
    (site.dir / "next").rename(site.dir / file)
    site.wait_event("config.loaded", text="keys of caller identity and passwords of trunks were taken up")
    assert asked_once(site, peer, lobby, "n-5", "sansibar again")
    # taken away
    if os.geteuid() == 0:
        assert places(holder, b"sansibar again") and not places(holder, b"madagascar")
    (site.dir / file).unlink()
    said = f"trunks without a password: first: {file}: No such file"
    assert "; but " + said in site.run("reload")
    assert any(said in p for p in problems(site))
    assert not asked_once(site, peer, lobby, "n-6", "sansibar again")
    if os.geteuid() == 0:
        assert not places(holder, b"sansibar again")
    # and there again
    put(site, file, "zanzibar")
    site.run("reload")
    assert not problems(site)
    assert asked_once(site, peer, lobby, "n-7", "zanzibar")
    wait_empty(site)


@pytest.mark.parametrize("value", ["Digest", 'Digest realm="x"', "Basic realm=x", 'Digest realm="itsp", nonce="' + "n" * 600 + '"',
                                   'Digest realm="itsp", nonce="n", qop="auth-int"',
                                   'Digest realm="it\\"s\\\\p", nonce="n", algorithm=SHA-256, qop="auth"'])
def test_strange_challenges(asking, value):
    site, peer, lobby = asking()
    dial(site, lobby)
    got = expect(peer, "INVITE")
    peer.reply(got, 407, headers=[f"Proxy-Authenticate: {value}"])
    expect(peer, "ACK")
    if "\\" in value:
        got = expect(peer, "INVITE")
        assert 'realm="it\\"s\\\\p"' in got.get("Proxy-Authorization")
        peer.reply(got, 486)
        assert expect(lobby, 486)
    else:
        assert expect(lobby, 503)
    wait_empty(site)
