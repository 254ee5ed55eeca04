"""Calls for help, and of the highest precedence, while strangers pour INVITEs over the controller: each goes through."""
import shutil
import time

import pytest

from dialogs import SDP, Leg, expect, invite, sdp, uri
from lab import wait_until
from strangers import Strangers
from trunks import Authority, Peer, wait_empty, wait_state

SITE = """\
sip:
  listen:
    - {{ transport: tls, address: {address}, port: 5061 }}
{plain}
dial_plans: {{ default: {{ country_code: "49", area_code: "30", outside: "0" }} }}
dial_plan: default
limits: {{ calls_per_number: 4 }}
emergency: {{ numbers: [112], via: [carrier] }}
trunks:
  - {{ name: carrier, peer: "{carrier}", port: 5061, ca: carrier-ca.pem, certificate: [sip.carrier.example],
       caller_number: "+4930999", health_interval: 1 }}
"""
PLAIN = """\
    - {{ transport: udp, address: {address}, port: 5060 }}
    - {{ transport: tcp, address: {address}, port: 5060 }}
deviations:
  - {{ mitigation: ph-auth-signaling-encryption, reason: strangers over UDP, approved_by: tester, until: 2028-01-01 }}
"""
PHONES = "name,number,location,confirmed,precedence\nlobby,1001,lobby,2026-01-31,\ndesk,1002,lobby,,\nchief,1003,lobby,,dsn.flash-override\n"
LIMIT_S = 4         # for a call to be answered; T1 is half a second


@pytest.fixture(params=["minimum", "medium"])
def town(make_site, request, tmp_path):
    """A site with three phones and a carrier, and the ways by which strangers come."""
    plain = request.param == "minimum"
    authority = Authority(tmp_path / "carrier")
    site = make_site(level=request.param, phones={"lobby": "1001", "desk": "1002", "chief": "1003"}, up=False)
    shutil.copy(authority.cert, site.dir / "carrier-ca.pem")
    carrier = Peer(site, site.phone_address(6), *authority.issue("DNS:sip.carrier.example")).listen()
    site.write(SITE.format(address=site.address, carrier=carrier.address, plain=PLAIN.format(address=site.address) if plain else ""))
    (site.dir / "phones.csv").write_text(PHONES)
    site.up()
    wait_state(site, "carrier", "up")
    phone = {}
    for name, number in site.numbers.items():
        phone[name] = site.client(name).open()
        assert phone[name].register(f"sip:{number}@{site.domain}").code == 200
    return site, carrier, phone, ([("udp", 5060), ("tcp", 5060)] if plain else []) + [("tls", 5061)]


def one_call(caller, me, other, callee, headers=()):
    """Dialled, answered, hung up: seconds until the answer."""
    began = time.monotonic()
    invite(caller, me, other, headers)
    got = expect(callee, "INVITE", LIMIT_S)
    callee.reply(got, 200, headers=[SDP, f"Contact: <sip:x@{callee.here()};transport=tls>"], body=sdp())
    ok = expect(caller, 200, LIMIT_S)
    took = time.monotonic() - began
    leg = Leg(caller, caller.call_id, ok.get("From"), ok.get("To"), uri(ok.get("Contact")), int(ok.get("CSeq").split()[0]))
    caller.send(leg.request("ACK", cseq=leg.cseq))
    expect(callee, "ACK", LIMIT_S)
    caller.send(leg.request("BYE"))
    callee.reply(expect(callee, "BYE", LIMIT_S), 200)
    expect(caller, 200, LIMIT_S)
    return took


@pytest.mark.parametrize("rate,seconds", [(3000, 3), pytest.param(20000, 60, marks=pytest.mark.long)])
def test_help_is_reached(town, rate, seconds):
    site, carrier, phone, ways = town
    aor = {name: f"sip:{number}@{site.domain}" for name, number in site.numbers.items()}
    strangers = [Strangers(via, site.address, port, site.domain, rate if via == "udp" else rate // 10) for via, port in ways]
    took = []
    try:
        end = time.monotonic() + seconds
        while time.monotonic() < end or len(took) < 6:
            took.append(one_call(phone["lobby"], aor["lobby"], f"sip:112@{site.domain}", carrier))
            took.append(one_call(phone["chief"], aor["chief"], aor["desk"], phone["desk"],
                                 ["Resource-Priority: dsn.flash-override"]))
    finally:
        sent = [s.end() for s in strangers]
    print(f"{sent} INVITEs of strangers over {ways}, {len(took)} calls, the slowest answered after {max(took):.3f} s")
    assert all(sent) and max(took) < LIMIT_S
    wait_until("every call is on record", lambda: len(site.ledger("emergency.call")) == len(took) // 2, 5)
    assert not site.ledger("call.preempted")
    wait_empty(site)
