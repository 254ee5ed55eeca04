"""Addresses outside that attack a border: nothing of them is looked at for a while, and it is longer each time; the trunk's
address, which anybody can forge or sit behind, never."""
import json
import os
import socket
import ssl
import subprocess

import pytest

import house
from borders import Halves, TRUNK, add_addresses, copy_ca
from dialogs import establish, expect
from lab import RINGFORT, die_with_parent, have, wait_until
from test_border import ROUTES
from test_wall import why_not
from trunks import Authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("carrier"))


@pytest.fixture
def border(make_site, authority):
    site = make_site(phones={"lobby": "1001"}, up=False)
    carrier, stranger = f"198.18.{site.n}.7", f"198.18.{site.n}.9"
    add_addresses(carrier, stranger)
    copy_ca(site, authority)
    two = Halves(site, more="trunks:\n" + TRUNK.format(name="carrier", peer=carrier, certificate="sip.carrier.example", more="")
                 + ROUTES)
    peer = two.peer(carrier, *authority.issue("DNS:sip.carrier.example")).listen()
    two.up()
    two.wait_trunk("carrier", "up")
    lobby = site.client("lobby").open()
    assert lobby.register(f"sip:1001@{site.domain}").code == 200
    return two, peer, lobby, stranger


def knock(two, source, cert=None):
    """A handshake at the outer port. True: it was answered, with whatever; False: the connection ended at once."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if cert:
        context.load_cert_chain(*cert)
    try:
        with socket.create_connection((two.outside[0], 5061), 3, source_address=(source, 0)) as raw:
            with context.wrap_socket(raw) as s:
                s.settimeout(3)
                s.sendall(b"OPTIONS sip:a SIP/2.0\r\n\r\n")
                s.recv(1)
        return True
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
        return False
    except ssl.SSLError:
        return True
    except OSError:
        return False


def blocked(two):
    return {row["address"]: row for row in two.site.json("blocked", "list")["blocked"]}


def test_who_knocks_without_a_certificate(border):
    two, peer, lobby, stranger = border
    assert not blocked(two) and "no address" in two.site.run("blocked", "list")
    for _ in range(20):
        knock(two, stranger)
    wait_until("it is blocked", lambda: stranger in blocked(two), 5)
    row = blocked(two)[stranger]
    assert row["why"] == "handshake" and 50 <= row["seconds"] <= 60 and row["count"] == 1
    def event():
        lines = two.site.run("ledger", "show", "--role", "border", "--kind", "source.blocked", "--json").splitlines()
        return next((e for e in map(json.loads, lines) if e["address"] == stranger), None)
    wait_until("it is on record", event, 5)
    assert event()["why"] == "handshake" and event()["seconds"] == 60
    assert not knock(two, stranger)
    # calls go on, both ways
    peer.dial()
    a, b, _ = establish(peer, "sip:+43123456@sip.carrier.example", lobby, f"sip:+493012341001@{two.outside[0]};user=phone")
    peer.send(a.request("BYE"))
    lobby.reply(expect(lobby, "BYE"), 200)
    assert expect(peer, 200)
    # forgiven, and again: from the start
    assert "heard again" in two.site.run("blocked", "forgive", stranger)
    assert two.site.call("blocked", "forgive", stranger).returncode == 1
    assert two.site.call("blocked", "forgive", "nonsense").returncode == 2
    assert knock(two, stranger)
    two.wait_empty()


def test_the_carrier_is_never_blocked(border):
    """By its address anybody may knock who can forge or share it; a penalty would cut the site off."""
    two, peer, lobby, _ = border
    for _ in range(30):
        knock(two, peer.address)
    peer.dial()
    a, b, _ = establish(peer, "sip:+43123456@sip.carrier.example", lobby, f"sip:+493012341001@{two.outside[0]};user=phone")
    peer.send(a.request("BYE"))
    lobby.reply(expect(lobby, "BYE"), 200)
    assert expect(peer, 200)
    assert not blocked(two)
    two.wait_empty()


@pytest.mark.skipif(not have("svmap") and not have("sipvicious_svmap"), reason="sipvicious is not installed")
def test_sipvicious(border):
    """It finds nobody: over UDP nothing listens where no trunk wants it, and over TLS it has no certificate."""
    two, _, _, stranger = border
    tool = "svmap" if have("svmap") else "sipvicious_svmap"
    done = subprocess.run([tool, "-p5060-5061", "-b", stranger, two.outside[0]], capture_output=True, text=True, timeout=30)
    assert two.outside[0] not in done.stdout


# ---- the wall drops whom the border blocks

NAMED = house.SITE.replace("peer: 198.51.100.7", "peer: sip.carrier.example")


class Guarded(house.House):
    """A house whose border runs behind its wall."""

    def start_border(self):
        read, write = os.pipe()
        with open(self.folder / "border.log", "ab") as log:
            self.border = subprocess.Popen(
                self.spaces["border"].argv(RINGFORT, "-C", self.dir, "run", "border", "--host", "edge", "--ready-fd", write),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[write], preexec_fn=die_with_parent)
        os.close(write)
        with os.fdopen(read) as ready:
            line = ready.read()
        assert line and json.loads(line)["ok"], line + (self.folder / "border.log").read_text()[-2000:]

    def connects(self, source):
        with self.spaces["internet"].socket(kind=socket.SOCK_STREAM) as s:
            s.settimeout(1)
            s.bind((source, 0))
            try:
                s.connect(("10.60.0.11", 5061))
            except TimeoutError:
                return False
            s.settimeout(10)        # it was let in, however long the border takes to hang up
            try:
                s.sendall(b"GET / HTTP/1.0\r\n\r\n")
                s.recv(100)
            except ConnectionError:
                pass
            return True

    def close(self):
        try:
            if hasattr(self, "border"):
                self.border.terminate()
                self.border.wait(20)
        finally:
            super().close()


@pytest.mark.skipif(bool(why_not()), reason=why_not() or "")
def test_the_wall_drops_whom_the_border_blocks(tmp_path):
    h = Guarded(tmp_path)
    try:
        bundle = h.compile(site=NAMED)
        h.start()
        h.ok("apply", bundle)
        h.ok("confirm")
        h.start_border()
        log = h.folder / "border.log"
        wait_until("the border can ask the wall", lambda: "drops for us whom we block" in log.read_text(), 10)
        for _ in range(20):
            assert h.connects("203.0.113.9")
        wait_until("the wall knows", lambda: [b["address"] for b in h.status()["blocked"]] == ["203.0.113.9"], 5)
        assert h.status()["blocked"][0]["host"] == "edge"
        assert not h.connects("203.0.113.9") and h.connects("198.51.100.7")
        assert next(d for d in h.status()["drops"] if d["rule"] == "blocked")["packets"] > 0
        assert h.call("blocked", "forgive", "203.0.113.9").returncode == 0
        wait_until("the wall hears it again", lambda: not h.status()["blocked"], 5)
        assert h.connects("203.0.113.9")
    finally:
        h.close()
