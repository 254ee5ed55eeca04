"""Calls whose caller another organisation signs, and ours (RFC 8224, 8588)."""
import contextlib
import http.server
import json
import os
import re
import ssl
import threading
import time

import pytest

import stirpeer
from dialogs import expect, invite
from lab import wait_until
from test_call_secrets import keeper
from test_sandbox import controller, memory_holds, secret_of
from trunks import Authority, Peer, wait_empty, wait_state

URL = "https://cert.carrier.example/2027.pem"
US = "https://hq.example/stir.pem"


def with_stir(make_site, tmp_path, own, extra="", **kw):
    """A site that trusts tmp_path/their root and signs with own."""
    site = make_site(up=False, **kw)
    theirs = stirpeer.Organisation(tmp_path / "theirs", number="12155551212")
    folder = site.dir / "stir"
    folder.mkdir()
    for name, path in (("roots.pem", theirs.root), ("key.pem", own.key), ("cert.pem", own.chain)):
        (folder / name).write_bytes(path.read_bytes())
    (folder / "key.pem").chmod(0o600)
    site.write(f'stir: {{ trust: stir/roots.pem, key: stir/key.pem, certificate: stir/cert.pem, url: "{US}" }}\n' + extra)
    return site, theirs


def test_certificates_of_others(make_site, tmp_path):
    own = stirpeer.Organisation(tmp_path / "own", spc="700A")
    strangers = stirpeer.Organisation(tmp_path / "strangers", number="12155551212")
    site, theirs = with_stir(make_site, tmp_path, own, phones={"lobby": "1001"})
    site.up()
    assert "are judged by" in site.run("stir", "add", URL, theirs.chain)
    wrong = site.call("stir", "add", URL, strangers.chain)
    assert wrong.returncode == 1 and "not believed" in wrong.stderr
    assert site.call("stir", "add", "http://plain.example/x.pem", theirs.chain).returncode == 2
    assert site.call("stir", "add", URL, tmp_path / "nothing").returncode == 2
    assert site.json("stir", "list")["certificates"] == [{"url": URL, "believed": True, "why": ""}]
    assert "believed" in site.run("stir", "list")
    assert site.run("reload")
    site.run("stir", "remove", URL)
    assert site.call("stir", "remove", URL).returncode == 2
    assert site.json("stir", "list")["certificates"] == []
    assert [e["url"] for e in site.ledger("stir.added", "stir.removed")] == [URL, URL]


def test_a_key_of_somebody_else_is_refused(make_site, tmp_path):
    own = stirpeer.Organisation(tmp_path / "own", spc="700A")
    other = stirpeer.Organisation(tmp_path / "other", spc="700A")
    site, _ = with_stir(make_site, tmp_path, own, phones={"lobby": "1001"})
    (site.dir / "stir" / "cert.pem").write_bytes(other.chain.read_bytes())
    refused = site.call("up")
    assert refused.returncode and "does not belong to stir.key" in refused.stderr
    (site.dir / "stir" / "cert.pem").write_bytes(own.chain.read_bytes())
    site.up()
    (site.dir / "stir" / "roots.pem").write_text("nothing\n")
    refused = site.call("reload")
    assert refused.returncode and "stir/roots.pem" in refused.stderr
    (site.dir / "stir" / "key.pem").chmod(0o644)
    site.down()
    refused = site.call("up")
    assert refused.returncode and "chmod 600" in refused.stderr


CARRIER = """\
dial_plans:
  default: {{ country_code: "49", area_code: "30", outside: "0" }}
dial_plan: default
classes:
  office: {{ grants: [internal, local, national, international] }}
class: office
trunks:
  - {{ name: carrier, peer: "{peer}", port: 5061, ca: carrier-ca.pem, certificate: [sip.carrier.example],
       numbers: {{ "+4930123410xx": "10xx" }}, trusted: true, health_interval: 1, stir: {stir} }}
"""
CALLER = "sip:+12155551212@sip.carrier.example"


@pytest.fixture
def carrier(make_site, tmp_path):
    """carrier(stir, extra): the site, the carrier's peer, the phone 1001, and what they sign with."""
    def make(stir, extra=""):
        web = Authority(tmp_path / "web")
        own = stirpeer.Organisation(tmp_path / "own", number="493012341001")
        site, theirs = with_stir(make_site, tmp_path, own, phones={"lobby": "1001"})
        address = site.phone_address(7)
        (site.dir / "carrier-ca.pem").write_bytes(web.cert.read_bytes())
        with open(site.dir / "site.yaml", "a") as f:
            f.write(CARRIER.format(peer=address, stir=stir))
        if extra:
            text = (site.dir / "site.yaml").read_text()
            (site.dir / "site.yaml").write_text(text.replace(f'url: "{US}"', f'url: "{US}", ' + extra.format(peer=address)))
        peer = Peer(site, address, *web.issue("DNS:sip.carrier.example"))
        peer.listen()
        site.up()
        lobby = site.client("lobby").open()
        assert lobby.register(f"sip:1001@{site.domain}").code == 200
        return site, peer, lobby, own, theirs, web
    return make


def call(peer, site, identity=None, sender=CALLER):
    invite(peer, sender, f"sip:+493012341001@{site.domain}", [f"Identity: {identity}"] if identity else [])


def test_who_calls_is_proven(carrier):
    site, peer, lobby, own, theirs, _ = carrier("require")
    site.run("stir", "add", URL, theirs.chain)
    peer.dial()
    good = theirs.identity("12155551212", "493012341001", URL)
    call(peer, site, good)
    got = expect(lobby, "INVITE")
    assert "Identity" not in dict(got.headers)
    lobby.reply(got, 486, "Busy Here")
    assert expect(peer, 486)
    assert site.wait_event("identity.verified")["attest"] == "A"
    assert site.wait_event("cdr", leg="a")["identity"] == "A"
    for why, identity, code in [
            ("absent", None, 428), ("replayed", good, 403),
            ("stale", theirs.identity("12155551212", "493012341001", URL, iat=int(time.time()) - 90), 403),
            ("other-caller", theirs.identity("12155551213", "493012341001", URL), 438),
            ("other-destination", theirs.identity("12155551212", "493012341002", URL), 438),
            ("bad-signature", theirs.identity("12155551212", "493012341001", URL, key=own.key), 438),
            ("bad-info", theirs.identity("12155551212", "493012341001", "https://elsewhere.example/x.pem"), 436),
            ("malformed", "a.b.c;info=<" + URL + ">", 438)]:
        call(peer, site, identity)
        answer = expect(peer, code)
        assert answer.code == code, why
        assert site.wait_event("call.refused", rule=why)["code"] == code
    assert site.wait_event("identity.invalid", rule="other-caller")["signed_for"] == "12155551213"
    wait_empty(site)


def test_a_number_that_the_certificate_does_not_cover(carrier):
    """Noted, not refused: the phone rings without a name, and the record says why."""
    site, peer, lobby, _, theirs, _ = carrier("verify")
    site.run("stir", "add", URL, theirs.chain)
    peer.dial()
    invite(peer, "sip:+43123456@sip.carrier.example", f"sip:+493012341001@{site.domain}",
           ['P-Asserted-Identity: "Anna" <sip:+43123456@sip.carrier.example>',
            "Identity: " + theirs.identity("43123456", "493012341001", URL)])
    got = expect(lobby, "INVITE")
    assert "+43123456" in got.get("From") and "Anna" not in got.get("From")
    lobby.reply(got, 486)
    assert expect(peer, 486)
    assert site.wait_event("cdr", leg="a")["identity"] == "no-authority"
    wait_empty(site)


class Web(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(self.server.slow)
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.chain)))
        self.end_headers()
        self.wfile.write(self.server.chain)

    def log_message(self, *args):
        pass


@contextlib.contextmanager
def web_server(address, web, chain, slow=0):
    cert, key = web.issue(f"IP:{address}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    server = http.server.ThreadingHTTPServer((address, 8443), Web)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.slow, server.chain = slow, chain
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_certificate_is_fetched(carrier):
    site, peer, lobby, _, theirs, web = carrier("require", 'hosts: ["{peer}"], fetch_ca: carrier-ca.pem')
    url = f"https://{peer.address}:8443/c.pem"
    peer.dial()
    with web_server(peer.address, web, theirs.chain.read_bytes()) as server:
        for attest in "BC":
            call(peer, site, theirs.identity("12155551212", "493012341001", url, attest))
            got = expect(lobby, "INVITE")
            lobby.reply(got, 486)
            assert expect(peer, 486)
        server.slow = 5
        call(peer, site, theirs.identity("12155551212", "493012341001", url + "?2"))
        assert expect(peer, 436)
        # one that the caller gives up while it waits leaves nothing
        data = invite(peer, CALLER, f"sip:+493012341001@{site.domain}",
                      ["Identity: " + theirs.identity("12155551212", "493012341001", url + "?3")])
        sent = data if isinstance(data, str) else data.decode()
        branch = re.search(r"branch=([^;\s]+)", sent).group(1)
        peer.send(peer.request("CANCEL", f"sip:+493012341001@{site.domain}", sender=CALLER, branch=branch,
                               to=f"sip:+493012341001@{site.domain}", cseq=int(re.search(r"CSeq: (\d+)", sent).group(1))))
        assert {peer.receive().code, peer.receive().code} == {200, 487}
    wait_until("nothing waits", lambda: all(w["identity_checks_now"] == 0 for w in site.json("status")["workers"]), 5)
    wait_empty(site)
    kinds = [e["attest"] for e in site.ledger("identity.verified")]
    assert kinds == ["B", "C"]


def test_our_calls_are_signed(carrier):
    site, peer, lobby, own, _, _ = carrier("sign")
    wait_state(site, "carrier", "up")
    invite(lobby, f"sip:1001@{site.domain}", f"sip:00043123456@{site.domain}")
    got = expect(peer, "INVITE")
    head, claims, params = stirpeer.read(got.get("Identity"), own.chain)
    assert head == {"alg": "ES256", "ppt": "shaken", "typ": "passport", "x5u": US}
    assert claims["orig"] == {"tn": "493012341001"} and claims["dest"] == {"tn": ["43123456"]}
    assert claims["attest"] == "A" and abs(claims["iat"] - time.time()) < 5
    assert params == [f"info=<{US}>", "alg=ES256", "ppt=shaken"]
    assert got.get("Date").endswith("GMT")
    signed = site.wait_event("identity.signed", origid=claims["origid"])
    assert signed["from"] == "+493012341001" and signed["to"] == "+43123456" and signed["trunk"] == "carrier"
    peer.reply(got, 486, "Busy Here")
    assert expect(lobby, 486)
    wait_empty(site)


def test_a_key_that_changes(carrier, tmp_path):
    """Key and certificate are taken up together, by themselves; a key that is taken away is wiped and signs nothing, and that is said."""
    site, peer, lobby, own, _, _ = carrier("sign")
    folder = site.dir / "stir"
    wait_state(site, "carrier", "up")

    def identity():
        invite(lobby, f"sip:1001@{site.domain}", f"sip:00043123456@{site.domain}")
        got = expect(peer, "INVITE")
        peer.reply(got, 486)
        expect(peer, "ACK")
        assert expect(lobby, 486)
        return got.get("Identity")

    def problems():
        return json.loads(site.call("status", "--json").stdout)["problems"]
    stirpeer.read(identity(), own.chain)
    other = stirpeer.Organisation(tmp_path / "other", number="493012341001")
    # the key alone: nothing fits, what was before stays
    (folder / "key.pem").write_bytes(other.key.read_bytes())
    assert "does not belong" in site.call("reload").stderr
    assert any("does not belong to stir.key" in p for p in problems())
    stirpeer.read(identity(), own.chain)
    (folder / "cert.pem").write_bytes(other.chain.read_bytes())
    wait_until("both are taken up", lambda: not problems(), 6)
    stirpeer.read(identity(), other.chain)
    holder, needles = keeper(controller(site)), secret_of(folder / "key.pem")
    if os.geteuid() == 0:
        assert memory_holds(holder, needles) and not memory_holds(holder, secret_of(own.key))
    (folder / "key.pem").unlink()
    said = "calls are not signed (stir.key): stir/key.pem: No such file"
    assert "; but " + said in site.run("reload") and any(said in p for p in problems())
    assert not identity()
    if os.geteuid() == 0:
        assert not memory_holds(holder, needles)
    # also where all else of a reload is refused
    (folder / "key.pem").touch(0o600)
    (folder / "key.pem").write_bytes(other.key.read_bytes())
    site.run("reload")
    stirpeer.read(identity(), other.chain)
    with open(site.dir / "site.yaml", "a") as f:
        f.write("nonsense: 1\n")
    (folder / "key.pem").unlink()
    assert site.call("reload").returncode and said in problems()[0]
    assert not identity()
