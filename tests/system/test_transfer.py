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


def test_blind_to_a_phone_that_is_locked(three):
    """baresip hangs up when it hears that it failed; both it and the record are told why."""
    lobby, desk, _ = phones(three)
    three.run("phone", "lock", "office")
    lobby.command("transfer", aor(three, "1003"))
    assert three.wait_event("call.transfer_refused", by="1001", to="1003")
    desk.wait_event("CALL_CLOSED", seconds=5)
    nobody_left(three)


def test_two_calls_on_one_phone(three):
    """Call waiting: a second call comes to a phone in a call; both go on, one of them on hold."""
    lobby, desk, office = phones(three)
    desk.command("hold")
    assert three.wait_event("call.hold")
    seen = desk.mark()
    office.command("dial", aor(three, "1002"))
    desk.wait_event("CALL_ESTABLISHED", fatal=("CALL_CLOSED",), since=seen)
    office.wait_event("CALL_ESTABLISHED", fatal=("CALL_CLOSED",))
    wait_until("two calls", lambda: len(three.calls()) == 2, 5)
    office.command("hangup")
    desk.wait_event("CALL_CLOSED", seconds=5, since=seen)
    wait_until("the held call is left", lambda: len(three.calls()) == 1, 5)
    desk.command("resume")
    assert three.wait_event("call.resume")
    lobby.command("hangup")
    nobody_left(three)


@pytest.mark.skipif(not have("linphonec"), reason="linphonec is not installed")
def test_attended_with_linphone(make_site):
    site = make_site(extra="sip: { workers: 1 }\n", phones=PHONES)
    lobby, office = site.baresip("lobby", 0, 440), site.baresip("office", 2, 660)
    linphone = site.linphone("desk", 1)
    site.wait_registered(*PHONES.values(), seconds=25)
    linphone.command(f"call {aor(site, '1001')}")
    lobby.wait_event("CALL_ESTABLISHED", seconds=15, fatal=("CALL_CLOSED",))
    wait_until("linphone knows", lambda: "Media streams established" in linphone.output(), 5)
    linphone.command("pause")
    assert site.wait_event("call.hold")
    wait_until("linphone knows", lambda: "now paused" in linphone.output(), 5)
    linphone.command(f"call {aor(site, '1003')}")
    office.wait_event("CALL_ESTABLISHED", seconds=15, fatal=("CALL_CLOSED",))
    wait_until("linphone knows", lambda: "established" in linphone.output().partition("id 2")[2], 5)
    linphone.command("transfer 1 --to-call 2")
    assert site.wait_event("call.transferred", rule="attended", by="1002")
    wait_until("one call is left", lambda: len(site.calls()) == 1, 8)
    office.command("hangup")
    lobby.wait_event("CALL_CLOSED", seconds=5)
    nobody_left(site)


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


def test_killed_in_every_state(make_site):
    """The connection of one of them ends, as when its process is killed; when that is known, those of the others."""
    names = {(who, state): [f"{state}{who}{i}" for i in range(3)] for who in range(3) for state in STATES}
    site = make_site(phones={name: str(1001 + n) for n, name in enumerate(sum(names.values(), []))})
    clients = {(who, state): blind(site, three, state) for (who, state), three in names.items()}
    for (who, _), three in clients.items():
        three[who].stop()
    wait_until("that is known", lambda: sum(w["flows_lost"] for w in site.json("status")["workers"]) >= len(names), 5)
    for three in clients.values():
        for one in three:
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


# ---- two workers: whose a call is, is up to the kernel

MANY = {f"phone{i}": str(1001 + i) for i in range(8)}


@pytest.fixture
def spread(make_site):
    """A site with two workers, and clients of which some call on each: {worker: [(name, client), ...]}."""
    site = make_site(extra="sip: { workers: 2 }\nparking: { slots: 701-709, return_seconds: 0 }\n", phones=MANY)
    at = {0: [], 1: []}
    clients = {name: register(site, name) for name in MANY}
    names = list(MANY)
    for i, name in enumerate(names):
        other = names[i - 1]
        a, b, _ = establish(clients[name], aor(site, MANY[name]), clients[other], aor(site, MANY[other]))
        at[site.calls()[0]["worker"]].append((name, clients[name]))
        hang_up(a, b)
        wait_until("the call is over", lambda: not site.calls(), 3)
    if min(len(v) for v in at.values()) < 2:
        pytest.skip("the kernel gave nearly all connections to one worker")
    return site, at


def pairs_of(at):
    """Two who call on these workers and a third one, for each combination."""
    for x in (0, 1):
        for y in (0, 1):
            first = at[x][0]
            second = next(c for c in at[y] if c is not first)
            third = next(c for v in at.values() for c in v if c not in (first, second))
            yield (x, y), first, second, third


def test_attended_over_two_workers(spread):
    site, at = spread
    for workers, (xn, x), (yn, y), (an, a) in pairs_of(at):
        lx, first, _ = establish(x, aor(site, MANY[xn]), a, aor(site, MANY[an]))
        ly, second, _ = establish(y, aor(site, MANY[yn]), a, aor(site, MANY[an]))
        a.send(first.request("REFER", headers=[refer_to(site, MANY[yn], second)]))
        assert expect(a, 202), workers
        notified(first, 100)
        asked = expect(y, "INVITE")
        assert not asked.body
        answer(y, asked)
        offer = expect(x, "INVITE")
        assert b"m=audio" in offer.body
        answer(x, offer)
        expect(x, "ACK")
        assert b"m=audio" in expect(y, "ACK").body
        got = []
        while len(got) < 3 and (m := a.receive(5)):     # the BYE in the call of the REFER waits for the answer to NOTIFY
            a.reply(m, 200)
            got.append(m)
        assert sorted(m.method for m in got) == ["BYE", "BYE", "NOTIFY"], (workers, got)
        assert all(m.method != "NOTIFY" or b"SIP/2.0 200" in m.body for m in got), (workers, got)
        # hold crosses, and the end
        x.send(lx.request("INVITE", headers=[SDP], body=sdp("sendonly")))
        hold = expect(y, "INVITE")
        assert b"a=sendonly" in hold.body
        answer(y, hold, sdp("recvonly"))
        assert expect(x, 200)
        x.send(lx.request("ACK", cseq=lx.cseq))
        expect(y, "ACK")
        hang_up(lx, ly)
        nobody_left(site)


@pytest.mark.long
def test_killed_over_two_workers(spread):
    """One of three after the other, in the middle of an attended transfer, wherever their calls are."""
    site, at = spread
    for n, (workers, (xn, x), (yn, y), (an, a)) in enumerate(pairs_of(at)):
        trio = (xn, yn, an)
        if workers[0] == workers[1]:
            continue
        _, first, _ = establish(x, aor(site, MANY[xn]), a, aor(site, MANY[an]))
        _, second, _ = establish(y, aor(site, MANY[yn]), a, aor(site, MANY[an]))
        a.send(first.request("REFER", headers=[refer_to(site, MANY[yn], second)]))
        assert expect(a, 202)
        asked = expect(y, "INVITE")
        if n % 2:
            answer(y, asked)
            expect(x, "INVITE")
        clients = [x, y, a]
        for c in clients[n % 3:] + clients[:n % 3]:
            c.stop()
        nobody_left(site, 30)
        for v in at.values():
            v[:] = [(name, register(site, name) if name in trio else c) for name, c in v]


def test_taken_over_on_the_other_worker(make_site):
    """Another phone of the number takes the call over, wherever its own connection is."""
    site = make_site(extra="sip: { workers: 2 }\n", phones={"a": "1001", "b": "1002", **{f"c{i}": "1003" for i in range(6)}})
    a, b = register(site, "a"), register(site, "b")
    seen = set()
    for i in range(6):
        c = register(site, "c0")
        d = register(site, f"c{i}") if i else c
        lc, la, _ = establish(c, aor(site, "1003"), a, aor(site, "1001"))
        first = site.calls()[0]["worker"]
        header = f"Replaces: {lc.call_id};to-tag={tag(lc.other)};from-tag={tag(lc.own)}"
        invite(d, aor(site, "1003"), aor(site, "1001"), headers=[header, "Require: replaces"])
        answer(a, expect(a, "INVITE"))
        expect(a, "ACK")
        ok = expect(d, 200)
        ld = Leg(d, d.call_id, ok.get("From"), ok.get("To"), uri(ok.get("Contact")), int(ok.get("CSeq").split()[0]))
        d.send(ld.request("ACK", cseq=ld.cseq))
        c.reply(expect(c, "BYE"), 200)
        seen.add((first, len(site.calls())))
        hang_up(la, ld)
        nobody_left(site)
        c.stop()
        if d is not c:
            d.stop()
    assert seen
    b.stop()


def test_parked_on_one_worker_fetched_from_the_other(spread):
    site, at = spread
    for workers, (xn, x), (yn, y), (an, a) in pairs_of(at):
        lx, la, _ = establish(x, aor(site, MANY[xn]), a, aor(site, MANY[an]))
        a.send(la.request("REFER", headers=[refer_to(site, "701")]))
        assert expect(a, 202), workers
        notified(la, 200)
        a.reply(expect(a, "BYE"), 200)
        hold = expect(x, "INVITE")
        assert b"a=inactive" in hold.body
        answer(x, hold, sdp("inactive"))
        expect(x, "ACK")
        assert site.wait_event("call.parked", slot="701", by=MANY[an])
        invite(y, aor(site, MANY[yn]), aor(site, "701"))
        answer(x, expect(x, "INVITE"))
        expect(x, "ACK")
        ok = expect(y, 200)
        ly = Leg(y, y.call_id, ok.get("From"), ok.get("To"), uri(ok.get("Contact")), int(ok.get("CSeq").split()[0]))
        y.send(ly.request("ACK", cseq=ly.cseq))
        hang_up(ly, lx)
        nobody_left(site)
        assert sum(w["parked_now"] for w in site.json("status")["workers"]) == 0


def test_picked_up_on_the_other_worker(make_site):
    site = make_site(extra="sip: { workers: 2 }\n", phones=MANY)
    table = site.dir / "phones.csv"
    table.write_text("name,number,pickup_group\n" + "".join(f"{name},{number},sales\n" for name, number in MANY.items()))
    site.run("reload")
    clients = {name: register(site, name) for name in MANY}
    caller, bell = clients["phone0"], clients["phone1"]
    for n, name in enumerate(list(MANY)[2:]):
        me = clients[name]
        invite(caller, aor(site, "1001"), aor(site, "1002"))
        rings = expect(bell, "INVITE")
        bell.reply(rings, 180)
        invite(me, aor(site, MANY[name]), aor(site, "*8" if n % 2 else "**1002"))
        quiet = expect(me, 200)
        assert b"a=inactive" in quiet.body
        mine = Leg(me, me.call_id, quiet.get("From"), quiet.get("To"), uri(quiet.get("Contact")),
                   int(quiet.get("CSeq").split()[0]))
        me.send(mine.request("ACK", cseq=mine.cseq))
        answer(me, expect(me, "INVITE"))
        expect(me, "ACK")
        ok = expect(caller, 200)
        theirs = Leg(caller, caller.call_id, ok.get("From"), ok.get("To"), uri(ok.get("Contact")),
                     int(ok.get("CSeq").split()[0]))
        caller.send(theirs.request("ACK", cseq=theirs.cseq))
        cancel = expect(bell, "CANCEL")
        assert "Call completed elsewhere" in cancel.get("Reason")
        bell.reply(cancel, 200)
        bell.reply(rings, 487)
        expect(bell, "ACK")
        hang_up(theirs, mine)
        nobody_left(site)
    assert len(site.ledger("call.picked_up")) == len(MANY) - 2
    invite(clients["phone2"], aor(site, "1003"), aor(site, "*8"))
    assert expect(clients["phone2"], 404)
    nobody_left(site)


def test_the_lamp_of_a_slot(make_site):
    """For who watched it before, and for who begins to while somebody is in it."""
    site = make_site(extra="parking: { slots: 701-702 }\n", phones={**PHONES, "late": "1004"})
    a, b, c, d = (register(site, name) for name in (*PHONES, "late"))

    def watch(client, me):
        client.call_id = f"watch-{me}@test"
        ok = client.ask(client.request("SUBSCRIBE", aor(site, "701"), sender=aor(site, me), to=aor(site, "701"),
                                       headers=["Event: dialog", "Expires: 600"]))
        assert ok.code == 200, ok

    def shows(client, word):
        while True:
            m = expect(client, "NOTIFY", timeout=6)
            client.reply(m, 200)
            if word in m.body:
                return
    watch(c, "1003")
    la, lb, _ = establish(a, aor(site, "1001"), b, aor(site, "1002"))
    a.send(la.request("REFER", headers=[refer_to(site, "701")]))
    assert expect(a, 202)
    shows(c, b"<state>confirmed</state>")
    watch(d, "1004")
    shows(d, b"<state>confirmed</state>")
    answer(b, expect(b, "INVITE"), sdp("inactive"))
    expect(b, "ACK")
    b.send(lb.request("BYE"))
    assert expect(b, 200)
    for client in (c, d):
        shows(client, b"<state>terminated</state>")
    notified(la, 200)
    a.reply(expect(a, "BYE"), 200)
    nobody_left(site)
