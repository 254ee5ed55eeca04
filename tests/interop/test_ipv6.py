"""The same over IPv6: phones on TLS with their certificates, and sipp over UDP and TCP."""
import socket

import pytest

import lab
from dialogs import establish, expect, uri
from lab import have, wait_until
from peers import OPEN, PASSWORD, Sipp, open_site

HERE = "fd00:20::11"

pytestmark = pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")


@pytest.fixture
def addresses():
    try:
        lab.loopback_v6(HERE, *(f"fd00:30::{11 + i}" for i in range(3)))
    except OSError as e:
        if e.errno not in (17,):   # there already
            pytest.skip(f"no IPv6 address may be added here: {e}")


LISTEN = """\
sip:
  listen:
    - {{ transport: tls, address: "{here}", port: 5061 }}
    - {{ transport: tls, address: {address}, port: 5061 }}
"""


def test_a_call_over_tls(addresses, make_site):
    site = make_site(up=False)
    site.write(LISTEN.format(here=HERE, address=site.address))
    for name, number in (("lobby", "1001"), ("desk", "1002")):
        site.phone_add(name, number)
    site.up()
    lobby, desk = site.client("lobby", source="fd00:30::11"), site.client("desk")   # the other one over IPv4
    lobby.server = (HERE, 5061)
    for client, number in ((lobby, "1001"), (desk, "1002")):
        assert client.open().register(f"sip:{number}@{site.domain}").code == 200
    assert any("[fd00:30::11]" in b["address"] for b in site.bindings())
    a, b, got = establish(lobby, f"sip:1001@{site.domain}", desk, f"sip:1002@{site.domain}")
    assert f"[{HERE}]:5061" in a.target and site.address in b.target
    assert uri(got.get("From")) == f"sip:1001@{site.domain}"
    desk.send(b.request("BYE"))
    expect(desk, 200)
    lobby.reply(expect(lobby, "BYE"), 200)
    wait_until("no call is left", lambda: not site.calls(), 5)
    # its own number at the literal address, and not another's
    assert lobby.register(f"sip:1001@[{HERE}]").code == 200
    assert lobby.register(f"sip:1002@[fd00:20:0:0:0:0:0:11]").code == 403


@pytest.mark.skipif(not have("sipp"), reason="sipp is not installed")
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_call_of_sipp(addresses, make_site, transport):
    site = make_site(level="minimum", up=False)
    site.write(OPEN.format(address=site.address).replace(f"udp, address: {site.address}", f'udp, address: "{HERE}"')
               .replace(f"tcp, address: {site.address}", f'tcp, address: "{HERE}"'))
    for user, number in (("alice", "1001"), ("bob", "1002")):
        site.run("user", "add", user, "--number", number, "--password-stdin", stdin=PASSWORD + "\n")
    site.up()
    alice, bob = Sipp(site, 0, "1001", "alice"), Sipp(site, 1, "1002", "bob")
    alice.address, bob.address, to = "fd00:30::11", "fd00:30::12", f"[{HERE}]:5060"
    bob.run("register", to=to)
    b = bob.listen("uas", to=to)
    alice.finish(alice.start("uac", "1002", transport=transport, to=to))
    bob.finish(b)
    wait_until("the records", lambda: len(site.ledger("cdr")) == 2, 5)
    assert {r["outcome"] for r in site.ledger("cdr")} == {"answered"}
