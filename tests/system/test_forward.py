"""Forwards, do not disturb, hunt groups, and what is set for a number, on a running controller: set by commands and
feature codes, carried out in calls of raw clients and of real phones."""
import os
import shutil
import signal

import pytest

from dialogs import SDP, Leg, expect, invite, sdp, uri
from lab import wait_until
from trunks import Authority, Peer

GROUP = 'groups:\n  - { name: desk, number: "2000", members: ["1002", "1003"], strategy: in_order, ring_seconds: 5 }\n'


@pytest.fixture
def three(site):
    """A site with three numbers, each with a client that is registered: lobby 1001, desk 1002, hall 1003."""
    site.phone_add("hall", "1003")
    site.write(GROUP)
    site.run("reload")
    clients = []
    for name, number in (("lobby", 1001), ("desk", 1002), ("hall", 1003)):
        c = site.client(name).open()
        assert c.register(f"sip:{number}@{site.domain}").code == 200
        clients.append(c)
    return site, *clients


def aor(site, number):
    return f"sip:{number}@{site.domain}"


def call(site, lobby, number, headers=()):
    invite(lobby, aor(site, 1001), aor(site, number), headers)


def answer(callee, got):
    callee.reply(got, 200, headers=[SDP, f"Contact: <sip:x@{callee.here()};transport={callee.transport}>"], body=sdp())


def talk(lobby, callee, got):
    """Answer, and hang up from the caller's side."""
    answer(callee, got)
    ok = expect(lobby, 200)
    a = Leg(lobby, lobby.call_id, ok.get("From"), ok.get("To"), uri(ok.get("Contact")), int(ok.get("CSeq").split()[0]))
    lobby.send(a.request("ACK", cseq=a.cseq))
    expect(callee, "ACK")
    lobby.send(a.request("BYE"))
    expect(lobby, 200)
    callee.reply(expect(callee, "BYE"), 200)


def refused(lobby, code):
    m = expect(lobby, code)
    lobby.send(Leg(lobby, lobby.call_id, m.get("From"), m.get("To"), m.get("To"), 0).request("ACK", cseq=1))


def census(site):
    """Nothing of any call is left."""
    keys = ("calls_now", "pairs_now", "relays_now")
    wait_until("no call is left", lambda: not any(w[k] for w in site.json("status")["workers"] for k in keys), 45)


def test_set_show_clear(site):
    site.run("number", "set", "1002", "--forward-busy", "1001", "--no-answer-seconds", "15", "--call-waiting", "off")
    s = site.json("number", "show", "1002")["settings"]
    assert s["forward_busy"] == "1001" and s["no_answer_seconds"] == "15" and s["call_waiting"] == "off"
    assert "1002         forward_busy=1001 no_answer_seconds=15 call_waiting=off" in site.run("number", "list")
    event = site.wait_event("number.changed", number="1002")
    assert event["set"] == "forward_busy=1001 no_answer_seconds=15 call_waiting=off" and event["by"].startswith("uid ")
    assert site.call("number", "set", "1999", "--forward-busy", "1001").returncode == 2
    assert site.call("number", "set", "1002", "--forward-busy", "no number").returncode == 2
    site.down()
    assert site.json("number", "show", "1002")["settings"]["forward_busy"] == "1001"
    site.run("number", "set", "1002", "--forward-busy", "off")
    site.up()
    s = site.json("number", "show", "1002")["settings"]
    assert s["forward_busy"] == "" and s["call_waiting"] == "off"
    site.run("number", "clear", "1002")
    assert site.json("number", "list")["numbers"] == []
    assert site.json("status")["stores"]["settings"] == {"numbers": 0, "changed": 1, "failed": 0, "refused": 0}


def test_the_next_owner_begins_with_nothing(site):
    """What was set for a number goes with the last phone or user that has it."""
    site.run("user", "add", "alice", "--number", "1002", "--password-stdin", stdin="correct horse battery\n")
    site.run("user", "add", "bob", "--number", "1003", "--password-stdin", stdin="correct horse battery\n")
    site.run("number", "set", "1002", "--forward-always", "1001")
    site.run("number", "set", "1003", "--forward-always", "1001")
    site.run("phone", "remove", "desk")
    assert len(site.json("number", "list")["numbers"]) == 2
    site.run("user", "remove", "alice")
    assert [n["number"] for n in site.json("number", "list")["numbers"]] == ["1003"]
    site.down()
    site.run("user", "remove", "bob")
    assert site.json("number", "list")["numbers"] == []


def test_killed_after_the_answer_it_stands(site):
    site.run("number", "set", "1002", "--forward-always", "1001")
    site.kill()
    site.up()
    assert site.json("number", "show", "1002")["settings"]["forward_always"] == "1001"


def test_always_busy_and_moved(three):
    site, lobby, desk, hall = three
    site.run("number", "set", "1002", "--forward-always", "1003")
    call(site, lobby, 1002)
    got = expect(hall, "INVITE")
    assert f"<sip:1002@{site.domain}>;index=1" in got.get("History-Info")
    assert "reason=unconditional" in got.get("Diversion")
    talk(lobby, hall, got)
    assert site.wait_event("call.forwarded")["chain"] == "1002>1003(302)"
    wait_until("the record names who forwarded",
               lambda: [r for r in site.ledger("cdr") if r.get("forwarded_by") == "1002"], 5)
    site.run("number", "clear", "1002")
    site.run("number", "set", "1002", "--forward-busy", "1003")
    call(site, lobby, 1002)
    desk.reply(expect(desk, "INVITE"), 486)
    talk(lobby, hall, expect(hall, "INVITE"))
    site.run("number", "clear", "1002")
    call(site, lobby, 1002)
    desk.reply(expect(desk, "INVITE"), 302, headers=[f"Contact: <sip:1003@{site.domain}>"])
    talk(lobby, hall, expect(hall, "INVITE"))
    census(site)


def test_circles_and_what_is_forbidden(three):
    site, lobby, desk, hall = three
    site.run("number", "set", "1002", "--forward-always", "1003")
    site.run("number", "set", "1003", "--forward-always", "1002")
    call(site, lobby, 1002)
    refused(lobby, 482)
    site.run("number", "clear", "1003")
    for to in ("00900123456", "+90900123456", "0190012345"):
        site.run("number", "set", "1002", "--forward-always", to)
        call(site, lobby, 1002)
        refused(lobby, 403)
    site.run("number", "clear", "1002")
    call(site, lobby, 1002)
    desk.reply(expect(desk, "INVITE"), 302,
               headers=["Contact: <sip:1003@elsewhere.example>", "Contact: <tel:+90900123>"])
    m = lobby.receive(5)
    while m.code < 300:
        m = lobby.receive(5)
    assert m.code in (403, 404, 480)
    census(site)


def test_do_not_disturb(three):
    site, lobby, desk, hall = three
    site.run("number", "set", "1002", "--do-not-disturb", "on")
    call(site, lobby, 1002)
    refused(lobby, 480)
    assert desk.receive(0.2) is None


def test_group(three):
    site, lobby, desk, hall = three
    call(site, lobby, 2000)
    got = expect(desk, "INVITE")
    desk.reply(got, 180)
    desk.reply(got, 486)
    got = expect(hall, "INVITE")
    talk(lobby, hall, got)
    census(site)


@pytest.mark.parametrize("who", ["caller", "first", "second"])
def test_killed_while_it_goes_on(three, who):
    """The connection of one of the three dies while the forwarded call rings."""
    site, lobby, desk, hall = three
    site.run("number", "set", "1002", "--forward-busy", "1003")
    call(site, lobby, 1002)
    got = expect(desk, "INVITE")
    desk.reply(got, 180)
    if who == "first":
        desk.stop()
    else:
        desk.reply(got, 486)
        rings = expect(hall, "INVITE")
        hall.reply(rings, 180)
        (lobby if who == "caller" else hall).stop()
    if who != "caller":
        m = lobby.receive(5)
        while m and m.code < 300:
            m = lobby.receive(5)
        assert m and m.code in (480, 486)
    else:
        hall.reply(expect(hall, "CANCEL"), 200)
        hall.reply(rings, 487)
    census(site)


@pytest.mark.parametrize("who", ["caller", "member"])
def test_killed_in_a_group(three, who):
    """All members ring; the caller, or one of them, dies; and the one who dies after it has answered."""
    site, lobby, desk, hall = three
    site.write(GROUP.replace("in_order", "all"))
    site.run("reload")
    call(site, lobby, 2000)
    rings = {c: expect(c, "INVITE") for c in (desk, hall)}
    for c, got in rings.items():
        c.reply(got, 180)
    if who == "caller":
        lobby.stop()
        for c, got in rings.items():
            c.reply(expect(c, "CANCEL"), 200)
            c.reply(got, 487)
    else:
        desk.stop()
        answer(hall, rings[hall])
        ok = expect(lobby, 200)
        a = Leg(lobby, lobby.call_id, ok.get("From"), ok.get("To"), uri(ok.get("Contact")), 0)
        lobby.send(a.request("ACK", cseq=int(ok.get("CSeq").split()[0])))
        expect(hall, "ACK")
        hall.stop()
        lobby.reply(expect(lobby, "BYE", 15), 200)
    census(site)


def test_real_phones(site):
    """baresip calls a number that forwards, and the phone there rings and talks."""
    site.phone_add("hall", "1003")
    lobby, hall = site.baresip("lobby", 0, 440), site.baresip("hall", 1, 660)
    site.wait_registered("1001", "1003")
    site.run("number", "set", "1002", "--forward-unreachable", "1003")
    lobby.command("dial", aor(site, 1002))
    for p in (lobby, hall):
        p.wait_event("CALL_ESTABLISHED", fatal=("CALL_CLOSED",))
    os.kill(hall.process.pid, signal.SIGKILL)
    lobby.command("hangup")
    census(site)


def test_feature_codes(three):
    """What a phone dials holds for the next call, after kill -9, and for its own number only."""
    site, lobby, desk, hall = three

    def dial(client, number, code, answer, phrase):
        invite(client, aor(site, number), aor(site, code))
        m = expect(client, answer)
        assert m.line == f"SIP/2.0 {answer} {phrase}"
        client.send(Leg(client, client.call_id, m.get("From"), m.get("To"), m.get("To"), 0).request("ACK", cseq=1))

    dial(desk, 1002, "*721003", 480, "All calls go to 1003")
    call(site, lobby, 1002)
    talk(lobby, hall, expect(hall, "INVITE"))
    dial(desk, 1002, "*7200900123", 403, "Calls May Not Be Forwarded There")
    invite(desk, aor(site, 1001), aor(site, "*73"))
    assert expect(desk, 403)
    event = site.wait_event("number.changed", number="1002")
    assert event["phone"] == "desk" and event["by"] == "feature code" and event["set"] == "forward_always=1003"
    site.kill()
    site.up()
    assert site.json("number", "show", "1002")["settings"]["forward_always"] == "1003"


@pytest.fixture
def many(make_site):
    """Six phones whose connections the kernel spread over two workers."""
    numbers = {f"phone{i}": str(1001 + i) for i in range(6)}
    members = ", ".join(f'"{n}"' for n in list(numbers.values())[1:])
    site = make_site(extra="sip: { workers: 2 }\ngroups:\n"
                     f'  - {{ name: g, number: "2000", members: [{members}], strategy: longest_idle,\n'
                     '       ring_seconds: 5 }\n',
                     phones=numbers)
    clients = {}
    for name, number in numbers.items():
        clients[number] = site.client(name).open()
        assert clients[number].register(aor(site, number)).code == 200
    return site, clients


def test_two_workers(many):
    """A setting is seen, and who is in a call is known, wherever a call comes from; a chain over both workers."""
    site, c = many
    for n in range(1001, 1006):
        site.run("number", "set", n, "--forward-busy", n + 1)
    call_from = c["1006"]
    invite(call_from, aor(site, 1006), aor(site, 1001))
    for n in range(1001, 1005):
        c[str(n)].reply(expect(c[str(n)], "INVITE"), 486)
    got = expect(c["1005"], "INVITE")
    assert got.get("History-Info").count("index=") == 5
    talk(call_from, c["1005"], got)
    for n in range(1001, 1006):
        site.run("number", "clear", n)
    site.run("number", "set", "1002", "--call-waiting", "off")
    invite(c["1001"], aor(site, 1001), aor(site, 1002))
    answer(c["1002"], expect(c["1002"], "INVITE"))
    ok = expect(c["1001"], 200)
    a = Leg(c["1001"], c["1001"].call_id, ok.get("From"), ok.get("To"), uri(ok.get("Contact")), 1)
    a.cseq = int(ok.get("CSeq").split()[0])
    c["1001"].send(a.request("ACK", cseq=a.cseq))
    expect(c["1002"], "ACK")
    for n in ("1003", "1004", "1005", "1006"):
        invite(c[n], aor(site, n), aor(site, 1002))
        refused(c[n], 486)
    c["1001"].send(a.request("BYE"))
    expect(c["1001"], 200)
    c["1002"].reply(expect(c["1002"], "BYE"), 200)
    rung = []
    for _ in range(5):                            # each member once: who rang last has been idle the least
        invite(c["1001"], aor(site, 1001), aor(site, 2000))
        for n in ("1002", "1003", "1004", "1005", "1006"):
            got = n not in rung and c[n].receive(0.3)
            if got:
                rung.append(n)
                talk(c["1001"], c[n], got)
                break
    assert sorted(rung) == ["1002", "1003", "1004", "1005", "1006"]
    census(site)


ABROAD = """\
dial_plans:
  default: {{ country_code: "49", area_code: "30", outside: "0" }}
dial_plan: default
classes:
  staff: {{ grants: [internal, local] }}
  travel: {{ grants: [internal, international] }}
class: staff
trunks:
  - {{ name: carrier, peer: "{peer}", port: 5061, ca: carrier-ca.pem, certificate: [sip.carrier.example],
       numbers: {{ "+4930123410xx": "10xx" }}, health_interval: 0 }}
"""


def test_abroad_by_the_right_of_who_forwards(make_site, tmp_path):
    """Nobody reaches abroad over a forward of someone who may not call there; where that one may, everybody does."""
    site = make_site(phones={"lobby": "1001", "desk": "1002"}, up=False)
    address = site.phone_address(7)
    authority = Authority(tmp_path / "carrier")
    shutil.copy(authority.cert, site.dir / "carrier-ca.pem")
    site.write(ABROAD.format(peer=address))
    peer = Peer(site, address, *authority.issue("DNS:sip.carrier.example"))
    peer.listen()
    site.run("user", "add", "dora", "--number", "1002", "--password-stdin", stdin="correct horse battery\n")
    site.run("user", "set", "dora", "--class", "travel")
    site.up()
    lobby, desk = (site.client(n).open() for n in ("lobby", "desk"))
    for c, number in ((lobby, 1001), (desk, 1002)):
        assert c.register(aor(site, number)).code == 200
    far = "00033140506070"
    call(site, lobby, far)
    refused(lobby, 403)
    site.run("number", "set", "1002", "--forward-always", far)
    call(site, lobby, 1002)
    got = expect(peer, "INVITE")
    assert "+33140506070" in got.line and "1002@" not in str(got.headers)
    answer(peer, got)
    ok = expect(lobby, 200)
    a = Leg(lobby, lobby.call_id, ok.get("From"), ok.get("To"), uri(ok.get("Contact")), int(ok.get("CSeq").split()[0]))
    lobby.send(a.request("ACK", cseq=a.cseq))
    expect(peer, "ACK")
    lobby.send(a.request("BYE"))
    expect(lobby, 200)
    peer.reply(expect(peer, "BYE"), 200)
    assert site.wait_event("call.forwarded")["chain"] == "1002>+33140506070(302)"
    site.run("user", "set", "dora", "--class", "none")      # from now on
    call(site, lobby, 1002)
    refused(lobby, 403)
    assert site.wait_event("call.refused", **{"from": "1002"})["rule"] == "class-denied"
    site.run("number", "clear", "1002")
    site.run("user", "set", "dora", "--class", "travel")
    site.run("number", "set", "1001", "--forward-always", far)
    for spelling in (far, "+33140506070", "000331405060" + "70"):
        site.run("number", "set", "1001", "--forward-always", spelling)
        invite(desk, aor(site, 1002), aor(site, 1001))
        refused(desk, 403)
    assert peer.receive(0.2) is None
    census(site)
