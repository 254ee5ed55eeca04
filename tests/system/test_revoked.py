"""A host whose certificate is revoked: walls and relays end its connections and let it in no more."""
import datetime
import ssl

import pytest

from anchor import Call, Party, Relay
from house import House
from lab import wait_until
from relays import RelaySite
from test_wall import pair, why_not


@pytest.fixture
def guarded(tmp_path):
    """A house whose wall runs with a confirmed bundle."""
    h = House(tmp_path)
    try:
        bundle = h.compile()
        h.start()
        h.ok("apply", bundle)
        h.ok("confirm")
        yield h
    finally:
        h.close()


@pytest.mark.skipif(bool(why_not()), reason=why_not() or "")
def test_the_wall_cuts_it(guarded):
    edge, relay = guarded.client("edge"), guarded.client("relay", "10.60.0.12")
    assert edge.ask("open", 30, *pair("10.60.0.11", 30000, "203.0.113.9", 40000)) == "ok"
    assert relay.ask("open", 30, *pair("10.60.0.12", 30002, "203.0.113.9", 40002)) == "ok"
    assert guarded.status()["pinholes"]["now"] == 4
    guarded.ok("host", "revoke", "edge")
    assert edge.line() == ""      # the connection ends, and what it had opened closes with it
    wait_until("the pinholes of the other one are left", lambda: guarded.status()["pinholes"]["now"] == 2, 5)
    assert guarded.recorded("wall.refused")[-1]["why"] == "its certificate is revoked"
    with pytest.raises((ConnectionError, ssl.SSLError)):
        guarded.client("edge")
    assert relay.ask("ping") == "ok"
    # a list that says nothing is none: the one before holds
    crl = guarded.dir / "pki" / "crl.pem"
    good = crl.read_bytes()
    crl.write_text("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n")
    wait_until("it is refused", lambda: "pki/crl.pem" in guarded.log() and "is no list" in guarded.log(), 5)
    with pytest.raises((ConnectionError, ssl.SSLError)):
        guarded.client("edge")
    crl.write_bytes(good)
    guarded.ok("host", "issue", "edge")
    again = guarded.client("edge")
    assert again.ask("ping") == "ok"


@pytest.fixture
def alone(tmp_path):
    site = RelaySite(tmp_path)
    yield site
    site.stop()


def hung_up(ng):
    try:
        ng.s.settimeout(5)
        return ng.s.recv(1) == b""
    except (ConnectionError, ssl.SSLError):
        return True


def turned_away(site, **kw):
    """TLS 1.3 says no after the handshake."""
    try:
        site.connect(**kw).ask("ping")
    except (ConnectionError, ssl.SSLError):
        return True
    return False


def test_the_relay_cuts_it(alone):
    edge, other = alone.connect(), alone.connect("edge-b", "10.60.250.12")
    assert edge.ask("ping") and other.ask("ping")
    stolen = alone.keep("edge", "stolen")
    a, b = Party("10.60.250.11"), Party("10.60.250.12")
    its, theirs, both = (Call(ng, *parties, transport_protocol="RTP/AVP").up() for ng, parties in
                         ((edge, (a, b)), (other, (Party("10.60.250.11"), Party("10.60.250.12"))),
                          (other, (Party("10.60.250.11"), Party("10.60.250.12")))))
    edge.ask("block DTMF", call_id=both.id)
    for call in (its, theirs, both):
        call.speaks()
    alone.run("host", "revoke", "edge")
    assert hung_up(edge) and other.ask("ping")
    # its sessions end with it, and those that it had its hands in
    wait_until("its sessions end", lambda: alone.relay.counts()["sessions"] == 1, 5)
    assert its.silent() and both.silent()
    theirs.speaks()
    theirs.delete()
    assert {(e["call_id"], e["why"]) for e in alone.record() if e["kind"] == "relay.ended"} == \
        {(c.id, "the certificate of its border is revoked") for c in (its, both)}
    alone.relay.wait_empty()
    assert turned_away(alone, cert=stolen)
    alone.run("host", "issue", "edge")
    again = alone.connect()
    assert again.ask("ping")
    # at once with a new one: what it had before is nobody's
    alone.run("host", "issue", "edge", "--revoke")
    assert hung_up(again) and turned_away(alone, cert=stolen)
    again = alone.connect()
    assert again.ask("ping")
    # a host that is no border any more
    text = (alone.dir / "site.yaml").read_text()
    (alone.dir / "site.yaml").write_text(text.replace("10.60.250.12, roles: [border]", "10.60.250.12, roles: [voicemail]"))
    alone.run("reload")
    assert hung_up(other) and again.ask("ping")
    # without the list nobody is believed: it is not started, and one that runs goes on with what it had
    (alone.pki / "crl.pem").rename(alone.dir / "crl.pem")
    done = alone.call("reload")
    assert done.returncode == 1 and "pki/crl.pem" in done.stderr
    assert turned_away(alone, cert=stolen) and again.ask("ping")
    refused = [e for e in alone.record() if e["kind"] == "relay.refused"]
    assert {"its certificate is revoked", "no border of this site"} <= {e["why"] for e in refused}
    alone.stop()
    with pytest.raises(AssertionError, match="crl.pem"):
        Relay(alone.dir, ["run", "relay", "--host", "anchor"])


def old_list(pki, days):
    """The authority's list, with nobody in it, that was to be written anew so many days ago."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    ca = x509.load_pem_x509_certificate((pki / "ca.pem").read_bytes())
    key = serialization.load_pem_private_key((pki / "ca.key").read_bytes(), None)
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    crl = x509.CertificateRevocationListBuilder().issuer_name(ca.subject).last_update(now - datetime.timedelta(days=days + 30)).next_update(
        now - datetime.timedelta(days=days)).sign(key, hashes.SHA384())
    (pki / "crl.pem").write_bytes(crl.public_bytes(serialization.Encoding.PEM))


def test_an_old_list(alone):
    """It counts; status and record say since when."""
    edge, good = alone.connect(), (alone.pki / "crl.pem").read_bytes()
    old_list(alone.pki, 12)
    wait_until("it is said", lambda: any("12 days ago: it still counts" in p for p in alone.relay.status()["problems"]), 6)
    wait_until("it is on record", lambda: any(e["kind"] == "fault" and "12 days ago" in e["why"] for e in alone.record()), 4)
    assert edge.ask("ping") and alone.connect().ask("ping")
    (alone.pki / "crl.pem").write_bytes(good)
    assert alone.call("reload").returncode == 0 and alone.relay.status()["healthy"]
    assert [e["what"] for e in alone.record() if e["kind"] == "fault"] == ["list of revoked certificates"]
