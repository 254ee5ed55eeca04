"""Transfers between real phones, and what is left of them when one is killed in the middle."""
import secrets

import pytest

from dialogs import SDP, Leg, establish, expect, invite, sdp, tag, uri
from lab import have, wait_until

PHONES = {"lobby": "1001", "desk": "1002", "office": "1003"}
AMONG = ("calls_now", "pairs_now", "relays_now", "joins_now", "transfers_now")


def aor(site, number):
    return f"sip:{number}@{site.domain}"


def register(site, name):
    c = site.client(name).open()
    assert c.register(aor(site, site.numbers[name])).code == 200
    return c


def nobody_left(site, seconds=10):
    def empty():
        workers = site.json("status")["workers"]
        return all(w[k] == 0 for w in workers for k in AMONG)
    wait_until("no call, pair, relay, exchange or transfer is left", empty, seconds)


@pytest.fixture
def three(make_site):
    return make_site(extra="sip: { workers: 1 }\n", phones=PHONES)


def phones(site):
    """lobby talks to desk, office answers by itself."""
    lobby, desk, office = (site.baresip(name, i, 440 + 110 * i) for i, name in enumerate(PHONES))
    site.wait_registered(*PHONES.values())
    lobby.command("dial", aor(site, "1002"))
    for p in (lobby, desk):
        p.wait_event("CALL_ESTABLISHED", fatal=("CALL_CLOSED",))
    return lobby, desk, office


def test_blind_with_real_phones(three):
    lobby, desk, office = phones(three)
    lobby.command("transfer", aor(three, "1003"))
    office.wait_event("CALL_ESTABLISHED", fatal=("CALL_CLOSED",))
    lobby.wait_event("CALL_CLOSED", seconds=5)
    assert three.wait_event("call.transferred", rule="blind", by="1001", who="1002", to="1003")
    wait_until("one call is left", lambda: len(three.calls()) == 1, 5)
    desk.command("hangup")
    office.wait_event("CALL_CLOSED", seconds=5)
    nobody_left(three)


def test_blind_to_a_phone_that_is_busy(three):
    lobby, desk, office = phones(three)
    three.run("phone", "lock", "office")
    lobby.command("transfer", aor(three, "1003"))
    assert three.wait_event("call.transfer_refused", by="1001", to="1003")
    assert len(three.calls()) == 1
    lobby.command("hangup")
    desk.wait_event("CALL_CLOSED", seconds=5)
    nobody_left(three)


@pytest.mark.skipif(not have("linphonec"), reason="linphonec is not installed")
def test_linphone_is_transferred(make_site):
    """baresip gives linphone, which never sees a REFER, to another baresip; and linphone transfers, too."""
    site = make_site(phones=PHONES)
    lobby, office = site.baresip("lobby", 0, 440), site.baresip("office", 2, 660)
    linphone = site.linphone("desk", 1)
    site.wait_registered(*PHONES.values(), seconds=25)
    lobby.command("dial", aor(site, "1002"))
    lobby.wait_event("CALL_ESTABLISHED", seconds=15, fatal=("CALL_CLOSED",))
    lobby.command("transfer", aor(site, "1003"))
    office.wait_event("CALL_ESTABLISHED", fatal=("CALL_CLOSED",))
    lobby.wait_event("CALL_CLOSED", seconds=5)
    wait_until("one call is left", lambda: len(site.calls()) == 1, 5)
    seen = lobby.mark()
    linphone.command(f"transfer {aor(site, '1001')}")
    lobby.wait_event("CALL_ESTABLISHED", fatal=("CALL_CLOSED",), since=seen)
    wait_until("linphone has left", lambda: len(site.calls()) == 1 and
               {leg["number"] for leg in site.json("calls", "show", site.calls()[0]["id"])["call"]["legs"]} ==
               {"1001", "1003"}, 8)
    office.command("hangup")
    lobby.wait_event("CALL_CLOSED", seconds=5, since=seen)
    nobody_left(site)


# ---- raw clients: every step in hand


def refer_to(site, number, leg=None, flag=""):
    if leg is None:
        return f"Refer-To: <{aor(site, number)}>"
    call_id = leg.call_id.replace("@", "%40")
    return (f"Refer-To: <{aor(site, number)}?Replaces={call_id}%3Bto-tag%3D{tag(leg.other)}%3B"
            f"from-tag%3D{tag(leg.own)}{flag}>")


def answer(client, request, body=""):
    client.reply(request, 200, headers=[SDP, f"Contact: <sip:x@{client.here()};transport=tls>"], body=body or sdp())


def notified(leg, code):
    m = expect(leg.client, "NOTIFY")
    assert f"SIP/2.0 {code} ".encode() in m.body, m.body
    leg.client.reply(m, 200)


def callee(client, got):
    return Leg(client, got.get("Call-ID"), f"{got.get('To')};tag={client.tag}", got.get("From"),
               uri(got.get("Contact")), 0)


def hang_up(leg, other):
    leg.client.send(leg.request("BYE"))
    assert expect(leg.client, 200)
    other.client.reply(expect(other.client, "BYE"), 200)


STATES = ("referred", "rings", "answered", "reinvited", "joined")


def blind(site, names, until):
    """A blind transfer step by step, up to this state: the clients of who transfers, is transferred, and of the target."""
    a, b, c = (register(site, name) for name in names)
    me, other, target = (site.numbers[name] for name in names)
    la, lb, _ = establish(a, aor(site, me), b, aor(site, other))
    a.send(la.request("REFER", headers=[refer_to(site, target)]))
    assert expect(a, 202)
    notified(la, 100)
    got = expect(c, "INVITE")
    if until == "referred":
        return a, b, c
    c.reply(got, 180)
    notified(la, 180)
    if until == "rings":
        return a, b, c
    answer(c, got)
    offer = expect(b, "INVITE")
    if until == "answered":
        return a, b, c
    answer(b, offer)
    if until == "reinvited":
        return a, b, c
    expect(b, "ACK")
    expect(c, "ACK")
    notified(la, 200)
    a.reply(expect(a, "BYE"), 200)
    return a, b, c


@pytest.mark.parametrize("who", range(3), ids=("transferor", "transferred", "target"))
def test_killed_in_every_state(make_site, who):
    """The connection of one of them ends, as when its process is killed; when that is known, those of the others."""
    site = make_site(phones={f"{state}{i}": str(1001 + 3 * n + i) for n, state in enumerate(STATES) for i in range(3)})
    clients = [blind(site, [f"{state}{i}" for i in range(3)], state) for state in STATES]
    for c in clients:
        c[who].stop()
    wait_until("that is known", lambda: sum(w["flows_lost"] for w in site.json("status")["workers"]) >= len(STATES), 5)
    for c in clients:
        for one in c:
            one.stop()
    nobody_left(site, 20)


def attended(site):
    a, b, c = (register(site, name) for name in PHONES)
    first, lb, _ = establish(a, aor(site, "1001"), b, aor(site, "1002"))
    second, lc, _ = establish(a, aor(site, "1001"), c, aor(site, "1003"))
    return first, second, lb, lc


def test_attended(three):
    first, second, lb, lc = attended(three)
    a, b, c = first.client, lb.client, lc.client
    a.send(first.request("REFER", headers=[refer_to(three, "1003", second)]))
    assert expect(a, 202)
    notified(first, 100)
    asked = expect(c, "INVITE")
    assert not asked.body
    answer(c, asked)
    answer(b, expect(b, "INVITE"))
    expect(b, "ACK")
    assert b"m=audio" in expect(c, "ACK").body
    notified(first, 200)
    for _ in range(2):
        a.reply(expect(a, "BYE"), 200)
    hang_up(lb, lc)
    nobody_left(three)
    assert three.wait_event("call.transferred", rule="attended")
    assert wait_until("five records", lambda: len(three.ledger("cdr")) >= 5 and three.ledger("cdr"), 5)


def test_a_call_of_others_is_not_taken(three):
    """All that there is to know about a dialog of others, and the right to be called by them: not enough."""
    a, b, c = (register(three, name) for name in PHONES)
    la, lb, _ = establish(a, aor(three, "1001"), b, aor(three, "1002"))
    lc, ld, _ = establish(c, aor(three, "1003"), a, aor(three, "1001"))
    for theirs in (la, lb):
        c.send(lc.request("REFER", headers=[refer_to(three, "1001", theirs)]))
        assert expect(c, 403)
    c.call_id = secrets.token_hex(8)
    for theirs in (la, lb):
        header = f"Replaces: {theirs.call_id};to-tag={tag(theirs.other)};from-tag={tag(theirs.own)}"
        invite(c, aor(three, "1003"), aor(three, "1002"), headers=[header])
        assert expect(c, 403)
    # and nobody refers for another: the party of the leg is the connection's
    c.send(la.request("REFER", headers=[refer_to(three, "1003")], by=c))
    assert expect(c, 403)
    hang_up(la, lb)
    hang_up(lc, ld)
    nobody_left(three)
