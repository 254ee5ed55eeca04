"""Phones in browsers: SIP over WebSocket, registered by password over TLS, calling each other and being torn off; and
what strangers do to the port."""
import re
import secrets
import socket
import ssl
import time

import pytest
import websockets

from dialogs import SDP, Leg, expect, uri
from dialogs import sdp as sdes_sdp
from lab import wait_until
from webphone import ORIGIN, PASSWORD, PORT, WebPhone, web_site, webrtc_sdp


def aor(site, number):
    return f"sip:{number}@{site.domain}"


def come(site, name, number, **kw):
    phone = WebPhone(site, **kw).open()
    answer = phone.register(aor(site, number), name, PASSWORD, headers=["Supported: path, outbound"])
    assert answer is not None and answer.code == 200, answer
    phone.site, phone.me, phone.name = site, aor(site, number), name
    return phone


def ring(phone, number, body, headers=()):
    """An INVITE with its digest."""
    to = aor(phone.site, number)
    phone.call_id = f"{secrets.token_hex(8)}@test"

    def request(*more):
        return phone.request("INVITE", to, sender=phone.me, to=to, headers=[SDP, *headers, *more], body=body)
    phone.send(request())
    challenge = expect(phone, 407)
    phone.send(phone.request("ACK", to, sender=phone.me, to=to, cseq=int(challenge.get("CSeq").split()[0]),
                             branch=re.search(r"branch=([^;,\s]+)", challenge.get("Via")).group(1),
                             to_tag=challenge.get("To").split("tag=")[1]))
    phone.send(request(phone.authorise(challenge.get("Proxy-Authenticate"), phone.name, PASSWORD, "INVITE", to,
                                       name="Proxy-Authorization")))


def census(site):
    """How much of calls is alive, over all workers."""
    return sum(w[k] for w in site.json("status")["workers"] for k in ("calls_now", "pairs_now", "relays_now"))


def wait_empty(site, seconds=10):
    wait_until("no call is alive", lambda: not census(site), seconds)


def counted(site, name):
    return site.json("status")["counted"].get(name, 0)


@pytest.fixture
def web(make_site):
    return web_site(make_site, alice="1001", bob="1002", desk="1003")


def establish(a, b, number, offer, answer):
    ring(a, number, offer)
    got = expect(b, "INVITE")
    b.reply(got, 180)
    transport = "ws" if isinstance(b, WebPhone) else b.transport
    b.reply(got, 200, headers=[SDP, f"Contact: <sip:{b.tag}@{b.here()};transport={transport}>"], body=answer)
    ok = expect(a, 200)
    leg = Leg(a, a.call_id, ok.get("From"), ok.get("To"), uri(ok.get("Contact")), int(ok.get("CSeq").split()[0]))
    a.send(leg.request("ACK", cseq=leg.cseq))
    expect(b, "ACK")
    return leg, got, ok


def test_two_browsers(web):
    a, b = come(web, "alice", "1001"), come(web, "bob", "1002", binary=True, fragment=1000)
    offer, answer = webrtc_sdp(lines=("audio", "video"), candidates=30), webrtc_sdp("active", ("audio", "video"), 30)
    assert 6000 < len(offer) < 12000
    leg, got, ok = establish(a, b, "1002", offer, answer)

    # the description crossed whole: every candidate, the bundle, the fingerprint, the profile
    for sent, came in ((offer, got.body.decode()), (answer, ok.body.decode())):
        for word in ("candidate:", "a=group:BUNDLE", "a=rtcp-mux", "a=ice-pwd:", "a=fingerprint:", "a=setup:", "a=mid:",
                     "UDP/TLS/RTP/SAVPF", "a=rtcp-fb:", "a=extmap:", "a=ssrc:"):
            assert sent.count(word) == came.count(word), word
    assert re.match(r"SIP/2.0/WSS ", got.get("Via")) and "transport=ws" in got.get("Contact")
    assert "transport=ws" in ok.get("Contact") and "transport=wss" not in ok.get("Contact")

    # and the other one hangs up
    a.send(leg.request("BYE"))
    b.reply(expect(b, "BYE"), 200)
    assert expect(a, 200)
    wait_empty(web)
    assert web.wait_event("call.end")


@pytest.mark.parametrize("state", ["trying", "ringing", "confirmed"])
def test_torn_off(web, state):
    """Both computers are gone, without a Close frame or a BYE. (An answered call waits five seconds for its phones.)"""
    for _ in range(2):   # what they left before must not pass for them now, whichever worker had it
        come(web, "alice", "1001").tear()
    a, b = come(web, "alice", "1001"), come(web, "bob", "1002")
    if state == "confirmed":
        establish(a, b, "1002", webrtc_sdp(), webrtc_sdp("active"))
    else:
        ring(a, "1002", webrtc_sdp())
        got = expect(b, "INVITE")
        if state == "ringing":
            b.reply(got, 180)
        wait_until("it rings", web.calls, 5)
    a.tear()
    b.tear()
    wait_empty(web)
    assert web.json("status")["counted"]["flows-closed"] == 4


def test_a_phone_with_sdes_only(web):
    """The desk phone takes no DTLS-SRTP and the browser no SDES: nobody bridges media yet, so each is told so."""
    a = come(web, "alice", "1001")
    desk = web.client("desk").open()
    assert desk.register(aor(web, "1003"), "desk", PASSWORD).code == 200
    ring(a, "1003", webrtc_sdp())
    got = expect(desk, "INVITE")
    assert b"UDP/TLS/RTP/SAVPF" in got.body and b"a=fingerprint" in got.body
    desk.reply(got, 488, "Not Acceptable Here", headers=['Warning: 302 desk "no such transport"'])
    expect(desk, "ACK")
    refused = expect(a, 488)
    assert "DTLS-SRTP only" in refused.get("Warning")
    # an answer in SDES to an offer of DTLS-SRTP breaks the rules of the site: both are told, nothing hangs
    ring(a, "1003", webrtc_sdp())
    got = expect(desk, "INVITE")
    desk.reply(got, 200, headers=[SDP, f"Contact: <sip:x@{desk.here()};transport=tls>"], body=sdes_sdp())
    expect(desk, "ACK")
    desk.reply(expect(desk, "BYE"), 200)
    refused = expect(a, 488)
    assert re.match(r'30[24] \S+ ".+"|399 \S+ ".+"', refused.get("Warning")), refused.headers
    # a phone that does both talks to the browser over TLS
    leg, _, _ = establish(a, desk, "1003", webrtc_sdp(), webrtc_sdp("active"))
    a.send(leg.request("BYE"))
    desk.reply(expect(desk, "BYE"), 200)
    assert expect(a, 200)
    wait_empty(web)


def test_nobody_else(web):
    """No certificate, so the password is the identity; and a proof on one connection is worth nothing on another."""
    mallory = WebPhone(web).open()
    assert mallory.register(aor(web, "1001")).code == 401
    assert mallory.register(aor(web, "1001"), "alice", "wrong horse battery").code == 401
    assert mallory.register(aor(web, "1001"), "bob", PASSWORD).code == 403
    a, b = come(web, "alice", "1001"), come(web, "bob", "1002")
    leg, _, _ = establish(a, b, "1002", webrtc_sdp(), webrtc_sdp("active"))
    bye = leg.request("BYE", cseq=leg.cseq + 10, by=mallory)
    answer = mallory.ask(bye)
    assert answer is not None and answer.code in (403, 407, 481)
    assert len(web.calls()) == 1
    a.send(leg.request("BYE"))
    b.reply(expect(b, "BYE"), 200)
    wait_empty(web)


def test_medium_wants_a_certificate(make_site):
    deviation = ("deviations:\n  - { mitigation: ph-soft-none, reason: home office, approved_by: CISO, "
                 "until: 2028-01-01 }\n")
    site = web_site(make_site, level="medium", more=deviation, alice="1001")
    with pytest.raises((ssl.SSLError, OSError, websockets.WebSocketException)):
        WebPhone(site).open()
    cert, key, _ = site.credentials("alice")
    phone = WebPhone(site, cert=cert, key=key).open()
    assert phone.register(aor(site, "1001")).code == 200
    assert site.registered() == {"1001"}


def test_highest_has_none(make_site):
    site = make_site(level="highest", up=False)
    site.write("sip: { listen: [ { transport: tls }, { transport: wss, port: 8443 } ] }\n")
    done = site.call("check")
    assert done.returncode == 1 and "ph-soft-none" in done.stdout + done.stderr


def test_no_configuration_for_a_desk_phone(make_site):
    """A site that listens for browsers only has no address to write into a desk phone's configuration."""
    site = make_site(level="minimum", phones={"lobby": "1001"}, up=False)
    text = (site.dir / "site.yaml").read_text().replace("hosts:\n", "  softphone: { vlan: 40, subnet: 10.40.0.0/24 }\nhosts:\n", 1)
    (site.dir / "site.yaml").write_text(text + "sip: { listen: [ { transport: wss, port: 8443 } ] }\n")
    done = site.call("phone", "config", "lobby", "--for", "baresip", "-o", site.folder / "x")
    assert done.returncode == 1 and "browsers only" in done.stderr, done


# ---- strangers

HELLO = (f"GET /sip HTTP/1.1\r\nHost: voice.example.org:{PORT}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
         f"Sec-WebSocket-Protocol: sip\r\nOrigin: {ORIGIN}\r\n\r\n")


def raw(site):
    """A TLS connection to the port, before any word of HTTP."""
    context = ssl.create_default_context(cafile=str(site.dir / "pki" / "ca.pem"))
    context.check_hostname = False
    return context.wrap_socket(socket.create_connection((site.address, PORT), 5), server_hostname=site.domain)


def read_all(s, timeout=8):
    s.settimeout(timeout)
    got = b""
    try:
        while True:
            piece = s.recv(65536)
            if not piece:
                return got
            got += piece
    except (ssl.SSLError, ConnectionError):
        return got


def shake(site):
    s = raw(site)
    s.sendall(HELLO.encode())
    got = b""
    while b"\r\n\r\n" not in got:
        got += s.recv(4096)
    assert got.startswith(b"HTTP/1.1 101 ")
    return s


def frame(first, payload, mask=b"\0\0\0\0"):
    n = len(payload)
    bit = 0x80 if mask else 0
    head = bytes([first, bit | n]) if n < 126 else bytes([first, bit | 126]) + n.to_bytes(2, "big") if n < 65536 else \
        bytes([first, bit | 127]) + n.to_bytes(8, "big")
    return head + mask + payload


def test_handshakes_refused(web):
    rows = [
        (HELLO.replace(ORIGIN, "https://evil.example"), 403, "ws-origin"),
        (HELLO.replace(ORIGIN, "null"), 403, "ws-origin"),
        (HELLO.replace("Sec-WebSocket-Protocol: sip\r\n", ""), 400, "ws-protocol"),
        (HELLO.replace("GET /sip", "GET /"), 404, "ws-path"),
        (HELLO.replace("GET", "POST"), 405, "ws-method"),
        (HELLO.replace("Upgrade: websocket\r\n", ""), 426, "ws-upgrade"),
        (HELLO.replace("Version: 13", "Version: 7"), 426, "ws-version"),
        (HELLO.replace("\r\n\r\n", "\r\nCookie: " + "c" * 9000 + "\r\n\r\n"), 431, "ws-head-long"),
        (HELLO.replace("Host: ", "X: a\r\n folded\r\nHost: "), 400, "ws-request"),
    ]
    for hello, code, rule in rows:
        s = raw(web)
        s.sendall(hello.encode())
        assert read_all(s).startswith(f"HTTP/1.1 {code} ".encode()), rule
        assert web.wait_event("message.refused", rule=rule)
    assert counted(web, "refused-websocket") == len(rows)
    assert web.registered() == set()


def test_slow_handshakes(web):
    """Who comes and says little is sent away after five seconds, however it spreads its bytes."""
    slow, quiet = raw(web), raw(web)
    began = time.monotonic()
    for b in HELLO[:30]:
        slow.sendall(b.encode())
        time.sleep(0.05)
    assert read_all(slow) == b"" and read_all(quiet) == b""
    assert 3 < time.monotonic() - began < 8
    assert web.wait_event("message.refused", rule="ws-slow")


def test_frames_refused(web):
    for data, code, rule in (
            (frame(0x81, b"OPTIONS", mask=b""), 1002, "ws-frame"),
            (frame(0x82, b"x" * 65537), 1009, "ws-limit"),
            (frame(0x02, b"x" * 40000) + frame(0x80, b"x" * 40000), 1009, "ws-limit"),
            (frame(0x01, b"") + frame(0x00, b"") * 100000, 1008, "ws-limit"),
            (frame(0x81, b"\xff\xff"), 1007, "ws-frame"),
    ):
        s = shake(web)
        try:
            s.sendall(data)
        except (ssl.SSLError, ConnectionError):
            pass
        got = read_all(s)
        # a peer that goes on writing may lose what we said at the end
        assert got in (b"", b"\x88\x02" + code.to_bytes(2, "big")), rule
        assert web.wait_event("message.refused", rule=rule)
    # one message in another, and the answer to a keep-alive
    s = shake(web)
    options = ("OPTIONS sip:voice.example.org SIP/2.0\r\nVia: SIP/2.0/WSS x.invalid;branch=z9hG4bK1\r\nCSeq: 1 OPTIONS\r\n"
               "From: <sip:a@voice.example.org>;tag=1\r\nTo: <sip:voice.example.org>\r\nCall-ID: 1\r\n"
               "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n").encode()
    s.sendall(frame(0x81, b"\r\n\r\n") + frame(0x81, options + options))
    s.settimeout(5)
    got = b""
    while b"SIP/2.0 400" not in got:
        got += s.recv(4096)
    assert got.startswith(b"\x81\x02\r\n")
    assert web.wait_event("message.refused", rule="length-long")
    s.close()
    # and after all that the port serves
    assert come(web, "alice", "1001")
