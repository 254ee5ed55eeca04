"""The torture messages of RFC 4475 and 5118 to a running controller, over UDP, TCP and TLS, while a call is up. What
each means is tested in tests/torture; here it is that nothing of it hurts anybody."""
import csv
import socket
import time

import pytest

from dialogs import SDP, establish, expect, sdp
from lab import ROOT
from peers import open_site

TORTURE = ROOT / "tests" / "torture"


def messages():
    for folder in ("rfc4475", "rfc5118"):
        with open(TORTURE / folder / "index.tsv", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                yield row, (TORTURE / folder / row["name"]).read_bytes()


@pytest.fixture
def busy(make_site):
    """A site that listens on all transports, with a call between two phones on TLS."""
    site = open_site(make_site, alice="1001", bob="1002")
    site.phone_add("bad", "1003")
    lobby, desk = site.client("alice-phone").open(), site.client("bob-phone").open()
    for client, number in ((lobby, "1001"), (desk, "1002")):
        assert client.register(f"sip:{number}@{site.domain}").code == 200
    site.call_legs = establish(lobby, f"sip:1001@{site.domain}", desk, f"sip:1002@{site.domain}")
    site.pid = site.json("status")["pid"]
    return site


def still_well(site):
    a, b, _ = site.call_legs
    status = site.json("status")
    assert status["pid"] == site.pid and status["healthy"], status["problems"]
    assert len(site.calls()) == 1
    for leg in (a, b):
        assert leg.client.receive(0.1) is None, "nothing came to the phones of the call"
    a.client.send(a.request("INVITE", [SDP], sdp("sendonly")))
    got = expect(b.client, "INVITE")
    b.client.reply(got, 200, headers=[SDP, "Contact: <sip:x@192.0.2.2;transport=tls>"], body=sdp("recvonly"))
    expect(a.client, 200)
    a.client.send(a.request("ACK", cseq=a.cseq))
    expect(b.client, "ACK")
    a.client.send(a.request("BYE"))
    expect(a.client, 200)
    expect(b.client, "BYE")
    assert site.call("ledger", "verify").returncode == 0
    assert {b["aor"].split("@")[0] for b in site.bindings()} == {"1001", "1002"}


def judge(row, code):
    """Nobody who is not known gets what they ask for; what is well-formed is not called malformed."""
    if code == 0:
        return True
    if row["class"].startswith("valid") and row["start"].split()[-1] != "response":
        return code in (401, 403, 404, 405, 407, 416, 420, 481, 482, 483, 501, 503)
    return 400 <= code < 600


def test_datagrams(busy):
    site = busy
    wrong, answered = [], 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((site.phone_address(0), 5060))
        s.settimeout(0.15)
        for row, data in messages():
            s.sendto(data, (site.address, 5060))
            code = 0
            try:
                while code < 200:
                    code = int(s.recv(65536).split()[1])
            except (TimeoutError, socket.timeout):
                pass
            answered += code != 0
            if not judge(row, code):
                wrong.append((row["name"], row["class"], code))
    assert wrong == []
    assert answered > 35
    still_well(site)


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_streams(busy, transport):
    site = busy
    wrong, answered = [], 0
    for row, data in messages():
        client = (site.client("bad") if transport == "tls" else
                  site.client(transport="tcp", source=site.phone_address(0)))
        client.server = (site.address, 5061 if transport == "tls" else 5060)
        client.open()
        client.send(data)
        answer = client.receive(0.3)
        while answer is not None and answer.code < 200:
            answer = client.receive(0.3)
        client.stop()
        site.started.remove(client)
        code = answer.code if answer else 0
        answered += code != 0
        if not judge(row, code):
            wrong.append((row["name"], row["class"], code))
        time.sleep(0.02)   # no faster than the bound on handshakes of one source
    assert wrong == []
    assert answered > 35
    still_well(site)
