"""Certificates that are written anew while everything runs: connections that begin see the new one, connections and calls that stand go
on; what does not fit is refused with a reason, and the one before stays in use."""
import re
import shutil
import ssl
import subprocess

import pytest

from anchor import Call, Party
from dialogs import establish, expect
from lab import wait_until
from relays import AT, RelaySite
from test_border import authority   # noqa: F401, a fixture
from test_border_relay import make_own


def shown(address, port, cert, key, version="-tls1_3"):
    """The serial number of the certificate that a client of others sees there."""
    done = subprocess.run(["openssl", "s_client", "-connect", f"{address}:{port}", "-cert", cert, "-key", key, version], input="",
                          capture_output=True, text=True, timeout=20)
    found = re.search(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", done.stdout, re.S)
    assert found, done.stdout + done.stderr
    return serial(found.group())


def serial(pem):
    return subprocess.run(["openssl", "x509", "-noout", "-serial"], input=pem, capture_output=True, text=True, check=True).stdout.strip()


def sees(address, port, file, host):
    """Until whoever connects is shown what is on the disk."""
    want = serial(file.read_text())
    wait_until(f"{file} is in use", lambda: shown(address, port, host / "cert.pem", host / "key.pem") == want, 6)


@pytest.fixture
def alone(tmp_path):
    site = RelaySite(tmp_path)
    yield site
    site.stop()


def openssl(*args):
    subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True)


def make_bad(alone, folder):
    """What must not take over, each with a word of the reason: (files to put there, word)."""
    host, pki = alone.pki / "hosts" / "anchor", alone.pki
    own_key = host / "key.pem"
    folder.mkdir()
    request, other = folder / "r.csr", folder / "other.key"
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", other)
    openssl("req", "-new", "-key", own_key, "-subj", "/CN=anchor", "-out", request)
    names = folder / "names"

    def issue(name, san, ca="ca", days="30", key=None):
        names.write_text(f"subjectAltName={san}\n")
        openssl("x509", "-req", "-in", request, "-CA", pki / "ca.pem" if ca == "ca" else folder / "ca.pem", "-CAkey",
                pki / "ca.key" if ca == "ca" else folder / "ca.key", "-set_serial", "4711", "-days", days, "-extfile", names, "-out",
                folder / name)
        return (folder / name).read_text()
    good = "URI:sip:voice.example.org,IP:10.60.250.21"
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-nodes", "-subj", "/CN=another", "-days", "30",
            "-keyout", folder / "ca.key", "-out", folder / "ca.pem")
    return [
        ({"cert.pem": issue("names.pem", "URI:sip:voice.example.org,IP:10.60.250.99")}, "does not name 10.60.250.21"),
        ({"cert.pem": issue("ca2.pem", good, "another")}, "was not signed by an authority in pki/ca.pem"),
        ({"cert.pem": issue("over.pem", good, days="-1")}, "has expired"),
        ({"cert.pem": "no certificate\n"}, "holds no certificate in PEM"),
        ({"cert.pem": issue("good.pem", good), "key.pem": other.read_text()}, "was not issued for the key"),
        ({"key.pem": "no key\n"}, "holds no private key in PEM"),
    ]


def test_a_relay(alone, tmp_path):
    edge, relay = alone.connect(), alone.relay
    cert = alone.pki / "hosts" / "anchor" / "cert.pem"
    host = alone.pki / "hosts" / "edge"
    a, b = Party("10.60.250.11"), Party("10.60.250.12")
    call = Call(edge, a, b, transport_protocol="RTP/AVP").up()
    call.speaks()
    # by itself, when `host issue` has written key and certificate
    alone.run("host", "issue", "anchor")
    sees(*AT, cert, host)
    call.speaks()
    assert edge.ask("ping")      # on the connection that began with the old one
    # what does not fit: refused with a reason, the one before stays, and nothing of the call is disturbed
    keep = alone.keep("anchor", "keep")
    for files, word in make_bad(alone, tmp_path / "bad"):
        for name, text in files.items():
            path = cert.parent / name
            path.write_text(text)
            path.chmod(0o600 if name == "key.pem" else 0o644)
        done = alone.call("reload")
        assert done.returncode == 1 and word in done.stderr and "pki/hosts/anchor/" in done.stderr, (word, done)
        assert done.returncode == 1 and any(word in p for p in relay.status()["problems"])
        assert shown(*AT, host / "cert.pem", host / "key.pem") == serial((keep / "cert.pem").read_text())
        for name in ("cert.pem", "key.pem"):
            shutil.copy(keep / name, cert.parent / name)
        assert alone.call("reload").returncode == 0 and relay.status()["healthy"]
    # and at the word of an administrator, over and over: the keeper forgets what nobody has any more
    for _ in range(10):
        alone.run("host", "issue", "anchor")
        alone.run("reload")
        assert shown(*AT, host / "cert.pem", host / "key.pem") == serial(cert.read_text())
    call.speaks()
    assert edge.ask("ping")
    # another authority is believed beside the first as soon as it stands in pki/ca.pem, and no longer than that
    ca = alone.pki / "ca.pem"
    before = ca.read_text()
    bad = tmp_path / "bad"
    stranger = alone.keep("edge", "stranger")
    openssl("req", "-new", "-key", stranger / "key.pem", "-subj", "/CN=edge", "-out", bad / "e.csr")
    (bad / "names").write_text("subjectAltName=URI:sip:voice.example.org,IP:10.60.250.11\n")
    openssl("x509", "-req", "-in", bad / "e.csr", "-CA", bad / "ca.pem", "-CAkey", bad / "ca.key", "-set_serial", "4712", "-days", "30",
            "-extfile", bad / "names", "-out", stranger / "cert.pem")
    ca.write_text(before + (bad / "ca.pem").read_text())
    alone.run("reload")
    assert alone.connect(cert=stranger).ask("ping")
    ca.write_text(before)
    alone.run("reload")
    with pytest.raises((ConnectionError, ssl.SSLError)):
        alone.connect(cert=stranger).ask("ping")
    call.speaks()
    assert edge.ask("ping")
    call.delete()


def test_controller_and_border(make_site, authority, monkeypatch):   # noqa: F811
    two, peer, lobby = make_own(make_site, authority, monkeypatch)
    site = two.site
    hosts = site.dir / "pki" / "hosts"
    phone = tuple(site.credentials("lobby"))[:2]
    a, b, got = establish(lobby, f"sip:1001@{site.domain}", peer, f"sip:0089123456@{site.domain}")

    def at(address, port, cert, key, file):
        want = serial(file.read_text())
        wait_until(f"{file} is in use", lambda: shown(address, port, cert, key) == want, 6)
    for name in ("ctl-a", "edge-0"):
        site.run("host", "issue", name)
    at(site.address, 5061, *phone, hosts / "ctl-a" / "cert.pem")
    at(two.inside[0], 5061, hosts / "ctl-a" / "cert.pem", hosts / "ctl-a" / "key.pem", hosts / "edge-0" / "cert.pem")
    at(two.outside[0], 5061, peer.cert, peer.key, hosts / "edge-0" / "outside.pem")
    # the call goes on, both ways, and so do the connections
    lobby.send(a.request("BYE"))
    peer.reply(expect(peer, "BYE"), 200)
    assert expect(lobby, 200)
    a, b, got = establish(lobby, f"sip:1001@{site.domain}", peer, f"sip:0089123456@{site.domain}")
    peer.send(b.request("BYE"))
    lobby.reply(expect(lobby, "BYE"), 200)
    assert expect(peer, 200)
    two.wait_empty()
    # one that does not fit: said, and not taken
    (hosts / "ctl-a" / "cert.pem").write_text((hosts / "edge-0" / "cert.pem").read_text())
    done = site.call("reload")
    assert done.returncode == 1 and "was not issued for the key" in done.stderr
    assert lobby.register(f"sip:1001@{site.domain}").code == 200
