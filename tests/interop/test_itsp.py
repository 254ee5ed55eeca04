"""A provider that knows its customer by a password alone: kamailio asks for it, keeps the registration, and sends calls for
the account over the connection that registered."""
import shutil
import subprocess

import pytest

from dialogs import SDP, expect, invite, sdp, uri
from lab import die_with_parent, wait_until
from peers import Ending
from test_carrier import HERE, KAMAILIO, TLS, Subscriber, pathlib, up
from trunks import Authority, state_of, wait_empty

SITE = """\
dial_plans: {{ default: {{ country_code: "49", area_code: "30", outside: "0" }} }}
dial_plan: default
trunks:
  - {{ name: itsp, peer: "{peer}", port: 5061, ca: carrier-ca.pem, certificate: [sip.itsp.example], trusted: true,
       numbers: {{ "+4930123410xx": "10xx" }}, health_interval: 0, login: acme, password_file: itsp.password,
       register: true, register_interval: 60 }}
"""


@pytest.fixture
def itsp(make_site, tmp_path):
    if not pathlib.Path(KAMAILIO).exists():
        pytest.skip("kamailio is not installed")
    authority = Authority(tmp_path / "itsp")
    site = make_site(phones={"lobby": "1001"}, up=False)
    address, there = site.phone_address(7), site.phone_address(6)
    shutil.copy(authority.cert, site.dir / "carrier-ca.pem")
    password = site.dir / "itsp.password"
    password.write_text("open sesame\n")
    password.chmod(0o600)
    site.write(SITE.format(peer=address))
    cert, key = authority.issue("DNS:sip.itsp.example")
    modules = next(p.parent for p in pathlib.Path("/usr/lib").glob("*/kamailio/modules/tm.so"))
    tls, config = site.folder / "tls.cfg", site.folder / "itsp.cfg"
    # it asks nobody for a certificate: the password is all that it knows
    tls.write_text(TLS.format(cert=cert, key=key, ca=site.dir / "pki" / "ca.pem")
                   .replace("verify_certificate = yes\nrequire_certificate = yes", "verify_certificate = no", 1))
    text = (HERE / "kamailio-itsp.cfg").read_text()
    for word, value in (("ADDRESS", address), ("SUBSCRIBER", there), ("TLS", tls), ("MODULES", f"{modules}/")):
        text = text.replace(f"@{word}@", str(value))
    config.write_text(text)
    log = open(site.folder / "kamailio.log", "wb")
    process = subprocess.Popen(["unshare", "--pid", "--fork", "--kill-child", KAMAILIO, "-f", str(config), "-DD", "-E", "-m",
                                "32", "-Y", str(site.folder), "-P", str(site.folder / "kamailio.pid")],
                               stdout=log, stderr=log, stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)
    log.close()
    site.started.append(Ending(process))
    far = Subscriber(site, there, address).open()
    site.started.append(far)

    def start():
        site.up()
        lobby = site.client("lobby").open()
        assert lobby.register(f"sip:1001@{site.domain}").code == 200
        return lobby
    return site, start, far


def registered(site):
    try:
        wait_until("it is registered", lambda: state_of(site, "itsp").get("registered_until"), 45)
    except Exception:
        raise AssertionError((site.folder / "kamailio.log").read_text()[-3000:])


def test_calls_out_and_in(itsp):
    site, start, far = itsp
    lobby = start()
    registered(site)
    assert site.wait_event("trunk.registered", trunk="itsp")["expires"] == 60
    assert "registered until" in site.run("trunk", "show", "itsp")
    for _ in range(2):                    # the second one knows the challenge already
        invite(lobby, f"sip:1001@{site.domain}", f"sip:0089123456@{site.domain}")
        got = expect(far, "INVITE")
        assert "acme" not in str(got.headers) and "sesame" not in str(got.headers)
        a, _ = up(lobby, far, got)
        lobby.send(a.request("BYE"))
        far.reply(expect(far, "BYE"), 200)
        assert expect(lobby, 200)
        wait_empty(site)
    far.call_id = "in-1"
    far.send(far.request("INVITE", "sip:+493012341001@itsp.example", sender="sip:+43123456@itsp.example",
                         to="sip:+493012341001@itsp.example", headers=[SDP], body=sdp()))
    got = expect(lobby, "INVITE")
    assert uri(got.get("From")) == f"sip:+43123456@{site.domain}"
    lobby.reply(got, 486)
    assert expect(far, 486)
    wait_empty(site)


def test_a_wrong_password(itsp):
    site, start, far = itsp
    (site.dir / "itsp.password").write_text("open barley\n")
    lobby = start()
    site.wait_event("trunk.login", trunk="itsp", why="its password is refused")
    invite(lobby, f"sip:1001@{site.domain}", f"sip:0089123456@{site.domain}")
    assert expect(lobby, 503)
    assert far.receive(0.05) is None and not state_of(site, "itsp").get("registered_until")
    wait_empty(site)


def test_a_file_that_others_read(itsp):
    site, _, _ = itsp
    (site.dir / "itsp.password").chmod(0o644)
    done = site.call("up")
    assert done.returncode != 0 and "chmod 600" in done.stdout + done.stderr
