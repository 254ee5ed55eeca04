"""kamailio as a carrier: a trunk over TLS with certificates on both sides, its subscriber behind it over UDP; and sipp as
peers over UDP, told by their address."""
import pathlib
import shutil
import socket
import subprocess

import pytest

from dialogs import SDP, Leg, expect, invite, sdp, uri
from lab import SipClient, die_with_parent, have, wait_until
from peers import Ending
from trunks import Authority, wait_empty, wait_state

HERE = pathlib.Path(__file__).resolve().parent
KAMAILIO = shutil.which("kamailio") or "/usr/sbin/kamailio"
TLS = """\
[server:default]
method = TLSv1.2+
verify_certificate = yes
require_certificate = yes
certificate = {cert}
private_key = {key}
ca_list = {ca}
[client:default]
method = TLSv1.2+
verify_certificate = yes
require_certificate = yes
certificate = {cert}
private_key = {key}
ca_list = {ca}
"""
SITE = """\
dial_plans: {{ default: {{ country_code: "49", area_code: "30", outside: "0" }} }}
dial_plan: default
trunks:
  - {{ name: carrier, peer: "{peer}", port: 5061, ca: carrier-ca.pem, certificate: [sip.carrier.example], trusted: true,
       numbers: {{ "+4930123410xx": "10xx" }}, health_interval: 1 }}
"""


class Subscriber(SipClient):
    """A raw UDP client of the carrier's at one address and port."""

    def __init__(self, site, address, carrier):
        super().__init__((carrier, 5060), transport="udp")
        self.address = address

    def open(self, timeout=5):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind((self.address, 5070))
        s.connect(self.server)
        s.settimeout(timeout)
        self.socket, self.local = s, s.getsockname()
        return self


@pytest.fixture
def carrier(make_site, tmp_path):
    if not pathlib.Path(KAMAILIO).exists():
        pytest.skip("kamailio is not installed")
    authority = Authority(tmp_path / "carrier")
    site = make_site(phones={"lobby": "1001"}, up=False)
    address, there = site.phone_address(7), site.phone_address(6)
    shutil.copy(authority.cert, site.dir / "carrier-ca.pem")
    site.write(SITE.format(peer=address))
    cert, key = authority.issue("DNS:sip.carrier.example")
    modules = next(p.parent for p in pathlib.Path("/usr/lib").glob("*/kamailio/modules/tm.so"))
    tls, config = site.folder / "tls.cfg", site.folder / "carrier.cfg"
    tls.write_text(TLS.format(cert=cert, key=key, ca=site.dir / "pki" / "ca.pem"))
    text = (HERE / "kamailio-carrier.cfg").read_text()
    for word, value in (("ADDRESS", address), ("CONTROLLER", site.address), ("SUBSCRIBER", there), ("TLS", tls),
                        ("MODULES", f"{modules}/")):
        text = text.replace(f"@{word}@", str(value))
    config.write_text(text)
    log = open(site.folder / "kamailio.log", "wb")
    process = subprocess.Popen(["unshare", "--pid", "--fork", "--kill-child", KAMAILIO, "-f", str(config), "-DD", "-E", "-m",
                                "32", "-Y", str(site.folder), "-P", str(site.folder / "kamailio.pid")],
                               stdout=log, stderr=log, stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)
    log.close()
    site.started.append(Ending(process))
    site.up()
    try:
        wait_state(site, "carrier", "up", 12)
    except Exception:
        raise AssertionError((site.folder / "kamailio.log").read_text()[-3000:])
    lobby = site.client("lobby").open()
    assert lobby.register(f"sip:1001@{site.domain}").code == 200
    far = Subscriber(site, there, address).open()
    site.started.append(far)
    return site, lobby, far, process


def up(phone, far, got):
    """The far side answers; both legs of the call as their ends know them."""
    routes = [f"Record-Route: {v}" for v in got.all("Record-Route")]
    far.reply(got, 200, headers=[SDP, f"Contact: <sip:far@{far.here()}>"], body=sdp())
    ok = expect(phone, 200)
    a = Leg(phone, phone.call_id, ok.get("From"), ok.get("To"), uri(ok.get("Contact")), int(ok.get("CSeq").split()[0]))
    phone.send(a.request("ACK", cseq=a.cseq))
    assert expect(far, "ACK")
    b = Leg(far, got.get("Call-ID"), f"{got.get('To')};tag={far.tag}", got.get("From"), uri(got.get("Contact")), 0)
    b.routes = [r.replace("Record-Route", "Route") for r in routes]
    return a, b


def test_a_call_out(carrier):
    site, lobby, far, _ = carrier
    invite(lobby, f"sip:1001@{site.domain}", f"sip:0089123456@{site.domain}")
    got = expect(far, "INVITE")
    assert "+4989123456@" in got.line and uri(got.get("From")).startswith("sip:+493012341001@")
    a, b = up(lobby, far, got)
    lobby.send(a.request("BYE"))
    bye = expect(far, "BYE")
    far.reply(bye, 200)
    assert expect(lobby, 200)
    wait_empty(site)


def test_the_far_side_hangs_up(carrier):
    site, lobby, far, _ = carrier
    invite(lobby, f"sip:1001@{site.domain}", f"sip:0089123456@{site.domain}")
    a, b = up(lobby, far, expect(far, "INVITE"))
    far.send(b.request("BYE", headers=b.routes))
    lobby.reply(expect(lobby, "BYE"), 200)
    assert expect(far, 200)
    wait_empty(site)


def test_a_call_in(carrier):
    site, lobby, far, _ = carrier
    far.call_id = "in-1"
    far.send(far.request("INVITE", f"sip:+493012341001@{site.domain}", sender="sip:+43123456@sip.carrier.example",
                         to=f"sip:+493012341001@{site.domain}", headers=[SDP], body=sdp()))
    got = expect(lobby, "INVITE")
    assert uri(got.get("From")) == f"sip:+43123456@{site.domain}"
    text = str(got.headers)
    assert "Record-Route" not in text and site.phone_address(7) not in text
    lobby.reply(got, 486)
    assert expect(far, 486)
    wait_empty(site)


def test_it_is_killed_in_a_call(carrier):
    site, lobby, far, process = carrier
    invite(lobby, f"sip:1001@{site.domain}", f"sip:0089123456@{site.domain}")
    up(lobby, far, expect(far, "INVITE"))
    process.kill()
    lobby.reply(expect(lobby, "BYE", 20), 200)
    wait_empty(site, 15)
    wait_state(site, "carrier", "down", 12)


# --- by address, with a deviation


def taken(address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.bind((address, 5060))
        except OSError:
            return True
    return False


PLAIN = """\
sip:
  listen:
    - {{ transport: tls, address: {address}, port: 5061 }}
    - {{ transport: udp, address: {address}, port: 5060 }}
media: {{ encryption: optional }}
dial_plans: {{ default: {{ country_code: "49", area_code: "30", outside: "0" }} }}
dial_plan: default
trunks:
  - {{ name: old, peer: "{peer}", port: 5060, transport: udp, addresses: ["{peer}"], health_interval: 0,
       numbers: {{ "+4930123410xx": "10xx" }} }}
deviations:
  - {{ mitigation: ph-auth-signaling-encryption, reason: test, approved_by: tester, until: 2028-01-01 }}
  - {{ mitigation: ph-auth-media-encryption, reason: test, approved_by: tester, until: 2028-01-01 }}
  - {{ mitigation: pub-encrypt-voip, trunks: [old], reason: test, approved_by: tester, until: 2028-01-01 }}
"""


@pytest.mark.skipif(not have("sipp"), reason="sipp is not installed")
def test_sipp_by_its_address(make_site):
    """sipp's own scenarios as a carrier over UDP: calls from its address are the trunk's, from another nobody's."""
    site = make_site(level="minimum", phones={"lobby": "1001"}, up=False)
    peer, stranger = site.phone_address(6), site.phone_address(5)
    site.write(PLAIN.format(address=site.address, peer=peer))
    site.up()
    lobby = site.client("lobby").open()
    assert lobby.register(f"sip:1001@{site.domain}").code == 200

    def run(address, *args):
        p = subprocess.Popen(["sipp", f"{site.address}:5060", *args, "-i", address, "-p", "5060", "-mi", address, "-m", "1",
                              "-nostdin", "-timeout", "9", "-timeout_error"], cwd=site.folder,
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                             preexec_fn=die_with_parent)
        site.started.append(Ending(p))
        return p

    p = run(peer, "-sn", "uac", "-s", "+493012341001", "-d", "100")
    got = expect(lobby, "INVITE")
    lobby.reply(got, 200, headers=[SDP, f"Contact: <sip:x@{lobby.here()};transport=tls>"], body=sdp(secure=False))
    assert expect(lobby, "ACK")
    lobby.reply(expect(lobby, "BYE"), 200)
    assert p.wait(10) == 0, p.stderr.read()[-800:]
    assert run(stranger, "-sn", "uac", "-s", "+493012341001").wait(12) != 0
    assert run(stranger, "-sn", "uac", "-s", "0089123456").wait(12) != 0
    assert lobby.receive(0.05) is None
    p = run(peer, "-sn", "uas")
    wait_until("sipp listens", lambda: taken(peer), 5)
    lobby.call_id = "out-1"
    lobby.send(lobby.request("INVITE", f"sip:0089123456@{site.domain}", sender=f"sip:1001@{site.domain}",
                             to=f"sip:0089123456@{site.domain}", headers=[SDP], body=sdp(secure=False)))
    ok = expect(lobby, 200)
    a = Leg(lobby, lobby.call_id, ok.get("From"), ok.get("To"), uri(ok.get("Contact")), int(ok.get("CSeq").split()[0]))
    lobby.send(a.request("ACK", cseq=a.cseq))
    lobby.send(a.request("BYE"))
    assert expect(lobby, 200)
    assert p.wait(10) == 0, p.stderr.read()[-800:]
    wait_empty(site)
