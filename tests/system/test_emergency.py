"""Emergency calls: always, by any way that is left, with the place of the phone; and everybody hears of them."""
import json
import re
import shutil
import xml.etree.ElementTree as ElementTree

import pytest

from dialogs import SDP, Leg, establish, expect, invite, sdp, uri
from lab import wait_until
from trunks import Authority, Peer, wait_empty

SITE = """\
dial_plans:
  default: {{ country_code: "49", area_code: "30", outside: "0" }}
dial_plan: default
classes: {{ locked_in: {{ grants: [internal] }} }}
limits: {{ calls: {calls}, emergency_calls: 2, calls_per_number: 4 }}
emergency: {{ numbers: [110], via: [carrier, backup], notify: [1000], test: 199{hook} }}
trunks:
  - {{ name: carrier, peer: "{carrier}", port: 5061, ca: carrier-ca.pem, certificate: [sip.carrier.example],
       channels: 1, caller_number: "+4930999", health_interval: 1 }}
  - {{ name: backup, peer: "{backup}", port: 5061, ca: carrier-ca.pem, certificate: [sip.carrier.example], health_interval: 1 }}
"""
LOBBY = ('lobby: { building: Main, floor: 1, room: "Lobby & Bar", street: Example Road, house_number: 1, postal_code: "10115",'
         ' city: Berlin, country: DE, elin: "+493012345110" }')
PHONES = """\
name,number,location,confirmed,class
guard,1000,lobby,,
lobby,1001,lobby,2026-01-31,locked_in
desk,1002,lobby,,
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("carrier"))


class Town:
    """A site with three phones, their clients, and two peers that take emergency calls."""

    def __init__(self, make_site, authority, listen=("carrier", "backup"), calls=100, hook=None, extra="", level="medium"):
        self.site = site = make_site(level=level, phones={"guard": "1000", "lobby": "1001", "desk": "1002"}, up=False)
        shutil.copy(authority.cert, site.dir / "carrier-ca.pem")
        carrier, backup = site.phone_address(6), site.phone_address(7)
        if hook:
            (site.dir / "alarm.sh").write_text(hook)
            (site.dir / "alarm.sh").chmod(0o755)
        site.write(SITE.format(carrier=carrier, backup=backup, calls=calls, hook=", hook: alarm.sh" if hook else "") + extra)
        text = (site.dir / "site.yaml").read_text()
        text = re.sub(r"  lobby: \{ building.*\n", lambda _: f"  {LOBBY}\n", text)
        (site.dir / "site.yaml").write_text(text)
        (site.dir / "phones.csv").write_text(PHONES)
        self.peer = {}
        for name, address in (("carrier", carrier), ("backup", backup)):
            self.peer[name] = Peer(site, address, *authority.issue("DNS:sip.carrier.example"))
            if name in listen:
                self.peer[name].listen()
        site.up()
        self.phone = {}

    def register(self, *names):
        for name in names:
            self.phone[name] = c = self.site.client(name).open()
            assert c.register(self.aor(name)).code == 200
        return [self.phone[name] for name in names]

    def aor(self, who):
        return f"sip:{self.site.numbers.get(who, who)}@{self.site.domain}"

    def dial(self, name, number, headers=()):
        invite(self.phone[name], self.aor(name), self.aor(number), headers)


def answer(client, request):
    client.reply(request, 200, headers=[SDP, f"Contact: <sip:x@{client.here()};transport=tls>"], body=sdp())


def up(client):
    """The caller's leg after its 200."""
    ok = expect(client, 200)
    a = Leg(client, client.call_id, ok.get("From"), ok.get("To"), uri(ok.get("Contact")), int(ok.get("CSeq").split()[0]))
    client.send(a.request("ACK", cseq=a.cseq))
    return a


def hang_up(leg, other):
    leg.client.send(leg.request("BYE"))
    other.reply(expect(other, "BYE"), 200)
    assert expect(leg.client, 200)


def quiet_guard(guard):
    """The guard's phone takes the message and is busy otherwise; returns the text."""
    text = None
    for _ in range(2):
        m = guard.receive()
        if m.method == "MESSAGE":
            guard.reply(m, 200)
            text = m.body.decode()
        else:
            assert m.method == "INVITE"
            guard.reply(m, 486)
            expect(guard, "ACK")
    return text




def test_help_is_called(make_site, authority):
    town = Town(make_site, authority, hook="#!/bin/sh\ncat > \"$(dirname \"$0\")/state/alarm.json\"\n")
    lobby, guard = town.register("lobby", "guard")
    carrier = town.peer["carrier"]
    town.dial("lobby", "112")
    got = expect(carrier, "INVITE")
    # who and where, to those who send help
    assert got.line.split()[1].startswith("sip:112@")
    assert uri(got.get("From")).startswith("sip:+493012345110@") and "1001" not in got.get("From")
    assert got.get("Priority") == "emergency"
    kind, body = got.get("Content-Type"), got.body.decode()
    assert kind.startswith("multipart/mixed")
    parts = body.split("--" + kind.split("boundary=")[1])
    assert "m=audio" in parts[1] and "a=crypto" in parts[1]
    cid = got.get("Geolocation").strip("<>").removeprefix("cid:").split(">")[0]
    assert f"Content-ID: <{cid}>" in parts[2]
    document = ElementTree.fromstring(parts[2].split("\r\n\r\n", 1)[1].strip())
    civic = {e.tag.split("}")[1]: e.text for e in document.iter() if "civicAddr" in e.tag}
    assert civic["ROOM"] == "Lobby & Bar" and civic["A3"] == "Berlin" and civic["HNO"] == "1" and civic["country"] == "DE"
    assert "not confirmed" not in body
    # the desk hears of it at once
    text = quiet_guard(guard)
    assert "112" in text and "1001" in text and "Lobby & Bar" in text and "NOT CONFIRMED" not in text
    event = town.site.wait_event("emergency.call")
    assert event["from"] == "1001" and event["to"] == "112" and event["confirmed"] is True
    alarm = town.site.dir / "state" / "alarm.json"
    wait_until("the program ran", alarm.exists, 5)
    assert town.site.wait_event("emergency.hook")["outcome"] == "done"
    told = json.loads(alarm.read_text())
    assert told["number"] == "1001" and told["room"] == "Lobby & Bar" and told["session"] == event["session"]
    # it is a call like any other
    answer(carrier, got)
    a = up(lobby)
    expect(carrier, "ACK")
    hang_up(a, carrier)
    wait_empty(town.site)


def test_who_calls_back(make_site, authority):
    town = Town(make_site, authority)
    lobby, guard = town.register("lobby", "guard")
    carrier = town.peer["carrier"]
    carrier.dial()
    invite(carrier, "sip:112@sip.carrier.example", f"sip:+493012345110@{town.site.domain}")
    assert expect(carrier, 404)
    town.dial("lobby", "0112")    # behind the prefix for the outside, too
    got = expect(carrier, "INVITE")
    quiet_guard(guard)
    answer(carrier, got)
    a = up(lobby)
    expect(carrier, "ACK")
    hang_up(a, carrier)
    b, c, _ = establish(carrier, "sip:112@sip.carrier.example", lobby, f"sip:+493012345110@{town.site.domain}")
    assert town.site.wait_event("emergency.callback")["to"] == "1001"
    hang_up(b, lobby)
    wait_empty(town.site)


def test_one_way_after_the_other(make_site, authority):
    """The first trunk refuses, the second one chokes on the location and takes the call without."""
    town = Town(make_site, authority)
    lobby, guard = town.register("lobby", "guard")
    carrier, backup = town.peer["carrier"], town.peer["backup"]
    town.dial("lobby", "911")
    carrier.reply(expect(carrier, "INVITE"), 404)
    expect(carrier, "ACK")
    first = expect(backup, "INVITE")
    assert first.get("Geolocation")
    backup.reply(first, 415)
    expect(backup, "ACK")
    carrier.reply(expect(carrier, "INVITE"), 500)
    expect(carrier, "ACK")
    second = expect(backup, "INVITE")
    assert not second.get("Geolocation") and second.get("Content-Type") == "application/sdp"
    quiet_guard(guard)
    answer(backup, second)
    a = up(lobby)
    expect(backup, "ACK")
    hang_up(a, backup)
    wait_empty(town.site)


def test_nothing_outside_is_left(make_site, authority):
    """Then the desk of the house is called, and hears the caller."""
    town = Town(make_site, authority, listen=())
    desk, guard = town.register("desk", "guard")
    town.dial("desk", "112")
    wanted = None
    while wanted is None:
        m = guard.receive(10)
        assert m is not None, "the desk was not called"
        if m.method == "MESSAGE":
            assert "NOT CONFIRMED" in m.body.decode()
            guard.reply(m, 200)
        elif m.method == "INVITE" and not m.body:
            assert "EMERGENCY" in m.get("From")
            guard.reply(m, 486)
        elif m.method == "INVITE":
            wanted = m
    assert uri(wanted.get("From")) == town.aor("desk")
    answer(guard, wanted)
    a = up(desk)
    expect(guard, "ACK")
    assert town.site.wait_event("emergency.call")["confirmed"] is False
    hang_up(a, guard)
    wait_empty(town.site)


def test_nothing_stands_in_its_way(make_site, authority):
    """A class that may not call out, a full trunk, no place for one more call, and more requests than are allowed."""
    town = Town(make_site, authority, calls=1)
    lobby, guard, desk = town.register("lobby", "guard", "desk")
    carrier, backup = town.peer["carrier"], town.peer["backup"]
    # somebody talks on the only channel, and that is all the calls there may be
    town.dial("desk", "030555123")
    got = expect(carrier, "INVITE")
    answer(carrier, got)
    a = up(desk)
    expect(carrier, "ACK")
    town.dial("lobby", "1002")
    assert expect(lobby, 503)
    for _ in range(60):     # of 50 a second
        lobby.send(lobby.request("OPTIONS", f"sip:{town.site.domain}", sender=town.aor("lobby")))
    wait_until("over the rate", lambda: town.site.ledger("limit"), 5)
    town.dial("lobby", "112")
    # who talked gives way, with a word why
    bye = expect(carrier, "BYE")
    assert bye.get("Reason").startswith("preemption")
    carrier.reply(bye, 200)
    assert "preemption" in (gone := expect(desk, "BYE")).get("Reason")
    desk.reply(gone, 200)
    assert town.site.wait_event("call.preempted", resource="trunk carrier")
    got = expect(carrier, "INVITE")
    assert got.get("Priority") == "emergency"
    # the place that is kept is for who calls for help: the desk is not rung, but told
    note = expect(guard, "MESSAGE")
    guard.reply(note, 200)
    answer(carrier, got)
    while (m := lobby.receive()).code != 200 or "INVITE" not in m.get("CSeq"):
        assert m is not None
    b = Leg(lobby, lobby.call_id, m.get("From"), m.get("To"), uri(m.get("Contact")), int(m.get("CSeq").split()[0]))
    lobby.send(b.request("ACK", cseq=b.cseq))
    expect(carrier, "ACK")
    assert a.call_id != b.call_id and len(town.site.calls()) == 1
    hang_up(b, carrier)
    wait_empty(town.site)
    assert backup.inbox.empty()


def test_the_test_number(make_site, authority):
    town = Town(make_site, authority)
    (lobby,) = town.register("lobby")
    town.dial("lobby", "199")
    seen = {}
    while len(seen) < 2:
        m = lobby.receive()
        assert m is not None, seen
        if m.method == "MESSAGE":
            lobby.reply(m, 200)
            seen["text"] = m.body.decode()
        elif m.code and m.code >= 200 and "INVITE" in m.get("CSeq"):
            seen["code"] = m.code
    assert seen["code"] == 480
    assert all(word in seen["text"] for word in ("TEST", "Lobby & Bar", "+493012345110", "carrier, backup")), seen["text"]
    assert town.site.wait_event("emergency.test")["from"] == "1001"
    assert town.peer["carrier"].inbox.empty()
    wait_empty(town.site)


def test_nobody_has_to_log_in(make_site, authority):
    """Where calls need a phone and a user: for help the phone is enough, for anything else it is not."""
    town = Town(make_site, authority, level="highest", listen=())
    site = town.site
    site.run("user", "add", "bob", "--number", "1000", "--password-stdin", stdin="correct horse battery staple\n")
    guard = site.client("guard").open()
    assert guard.register(town.aor("guard"), "bob", "correct horse battery staple").code == 200
    lobby = town.phone["lobby"] = site.client("lobby").open()
    town.dial("lobby", "1000")
    m = expect(lobby, 407)
    town.dial("lobby", "112")
    while True:
        m = guard.receive(10)
        assert m is not None, "nobody was called"
        if m.method == "INVITE" and m.body:
            break
        guard.reply(m, 200 if m.method == "MESSAGE" else 486)
    answer(guard, m)
    a = up(lobby)
    expect(guard, "ACK")
    hang_up(a, guard)
    wait_empty(site)
