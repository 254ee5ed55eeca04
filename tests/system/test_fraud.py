"""Somebody wants calls that others pay for, to be somebody else, to hear what is not theirs, or nobody to get help."""
import re
import shutil

import pytest

from dialogs import SDP, Leg, establish, expect, invite, sdp, tag, uri
from trunks import Authority, Peer, census, wait_empty

SITE = """\
dial_plans:
  default: {{ country_code: "49", area_code: "30", outside: "0" }}
dial_plan: default
parking: {{ slots: 701-709, return_seconds: 0 }}
class: {cos}
classes:
  staff: {{ grants: [internal, local, national], {bounds} }}
  travel: {{ grants: [internal, local, national, international], {bounds} }}
limits: {{ calls: 40, emergency_calls: 4, calls_per_number: 40 }}
emergency: {{ numbers: [110, 112], via: [one, two] }}
trunks:
  - {{ name: one, peer: "{one}", port: 5061, ca: carrier-ca.pem, certificate: [one.carrier.example],
       numbers: {{ "+4930123410xx": "10xx" }}, caller_number: "+493012340", health_interval: 0, trusted: true }}
  - {{ name: two, peer: "{two}", port: 5061, ca: carrier-ca.pem, certificate: [two.carrier.example],
       numbers: {{ "+4930123420xx": "10xx" }}, health_interval: 0, cost: 9 }}
"""
ABROAD = "00033140506070"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("carrier"))


class Bank:
    """A site with the phones lobby (1001), desk (1002) and boss (1003), and two trunks that listen."""

    def __init__(self, make_site, authority, cos="staff", bounds="until: 2099-12-31", workers=1, group=None):
        self.site = site = make_site(phones={"lobby": "1001", "desk": "1002", "boss": "1003"}, up=False)
        shutil.copy(authority.cert, site.dir / "carrier-ca.pem")
        one, two = site.phone_address(6), site.phone_address(7)
        site.write(SITE.format(one=one, two=two, cos=cos, bounds=bounds) +
                   f"sip: {{ workers: {workers} }}\n")
        self.one, self.two = (Peer(site, where, *authority.issue(f"DNS:{name}.carrier.example")).listen()
                              for where, name in ((one, "one"), (two, "two")))
        if group:
            (site.dir / "phones.csv").write_text("name,number,location,pickup_group\n" + "".join(
                f"{name},{number},lobby,{group}\n" for name, number in site.numbers.items()))
        site.up()
        self.phones = [self.come(name) for name in site.numbers]

    def come(self, name):
        c = self.site.client(name).open()
        assert c.register(self.aor(name)).code == 200
        return c

    def aor(self, who):
        return f"sip:{self.site.numbers.get(who, who)}@{self.site.domain}"

    def from_outside(self, peer, to, sender="sip:+43123456@carrier.example", headers=()):
        if not peer.dialled:
            peer.dial()
        invite(peer, sender, self.aor(to), headers)


@pytest.fixture
def bank(make_site, authority):
    return lambda **kw: Bank(make_site, authority, **kw)


def answer(client, got):
    client.reply(got, 200, headers=[SDP, f"Contact: <sip:x@{client.here()};transport={client.transport}>"], body=sdp())


def up(caller):
    ok = expect(caller, 200)
    a = Leg(caller, caller.call_id, ok.get("From"), ok.get("To"), uri(ok.get("Contact")), int(ok.get("CSeq").split()[0]))
    caller.send(a.request("ACK", cseq=a.cseq))
    return a


def hang_up(leg, other):
    leg.client.send(leg.request("BYE"))
    other.reply(expect(other, "BYE"), 200)
    assert expect(leg.client, 200)


# ---- calls that one has no right to


def park(bank, by, other, slot="701"):
    """`by` talks to `other` and parks them there; the leg of who is parked."""
    site = bank.site
    me, them = (next(n for n, c in zip(site.numbers, bank.phones) if c is x) for x in (by, other))
    a, b, _ = establish(by, bank.aor(me), other, bank.aor(them))
    by.send(a.request("REFER", headers=[f"Refer-To: <{bank.aor(slot)}>"]))
    assert expect(by, 202)
    by.reply(expect(by, "NOTIFY"), 200)
    by.reply(expect(by, "BYE"), 200)
    hold = expect(other, "INVITE")
    answer(other, hold)
    expect(other, "ACK")
    return b


def test_nobody_outside_fetches_who_is_parked(bank):
    b = bank()
    lobby, desk, _ = b.phones
    parked = park(b, lobby, desk)
    for number in ("701", "*88701", "*8", "**1002", "*68701"):
        b.from_outside(b.one, number)
        got = b.one.receive()
        while got is not None and got.code < 200:
            got = b.one.receive()
        assert got is not None and got.code in (403, 404), (number, got)
    assert census(b.site)["parked_now"] == 1
    desk.send(parked.request("BYE"))
    assert expect(desk, 200)
    wait_empty(b.site)


def test_no_trunk_takes_the_place_of_another(bank):
    """Who calls without a number is nobody: not the same nobody as the next one."""
    b = bank()
    lobby, _, _ = b.phones
    nobody = "sip:anonymous@anonymous.invalid"
    b.two.dial()
    a, l, _ = establish(b.two, nobody, lobby, b.aor("+493012342001"))
    replaces = f"Replaces: {a.call_id};to-tag={tag(a.other)};from-tag={tag(a.own)}"
    for peer, sender in ((b.one, nobody), (b.one, "sip:+43123456@carrier.example"), (b.two, nobody)):
        b.from_outside(peer, "+493012341002", sender, headers=[replaces])
        assert expect(peer, 403)
    hang_up(l, b.two)
    wait_empty(b.site)


# ---- somebody else


@pytest.mark.parametrize("user", ["1002", "+493012341002", "03012341002", "12341002", "+49(30)1234-1002", "110", "112",
                                  "+49110", "%31002", "1002;x=y"])
def test_a_stranger_is_not_shown_with_a_number_of_ours(bank, user):
    b = bank()
    b.from_outside(b.one, "+493012341001", f"sip:{user}@carrier.example")
    got = expect(b.phones[0], "INVITE")
    assert "anonymous.invalid" in got.get("From") and not got.all("P-Asserted-Identity"), got.get("From")
    b.phones[0].reply(got, 486)
    assert expect(b.one, 486)


# ---- free calls


def test_strangers_use_up_nobodys_class(bank):
    """What a class of service bounds is what people of the site do: callers outside share nothing of it."""
    b = bank(bounds="calls: 1")
    lobby, desk, boss = b.phones
    nobody, calls = "sip:anonymous@anonymous.invalid", []
    for n, c in ((1, lobby), (2, desk), (3, boss)):
        b.from_outside(b.one, f"+49301234100{n}", nobody)
        got = expect(c, "INVITE")
        answer(c, got)
        calls.append((up(b.one), c))
        expect(c, "ACK")
    for leg, c in calls:
        hang_up(leg, c)
    wait_empty(b.site)


def test_a_forward_counts_for_who_forwards(bank):
    """As many calls outside at once as the class allows, also when others have them made."""
    b = bank(cos="travel", bounds="calls: 1")
    lobby, desk, boss = b.phones
    b.site.run("number", "set", "1003", "--forward-always", ABROAD)
    invite(lobby, b.aor("lobby"), b.aor("boss"))
    got = expect(b.one, "INVITE")
    answer(b.one, got)
    a = up(lobby)
    expect(b.one, "ACK")
    invite(desk, b.aor("desk"), b.aor("boss"))
    m = expect(desk, 503)
    assert b.site.wait_event("limit", bound="calls")
    invite(boss, b.aor("boss"), b.aor(ABROAD))
    assert expect(boss, 503)
    hang_up(a, b.one)
    wait_empty(b.site)
    invite(desk, b.aor("desk"), b.aor("boss"))
    b.one.reply(expect(b.one, "INVITE"), 486)
    assert expect(desk, 486)
    wait_empty(b.site)


# ---- nobody gets help


@pytest.mark.parametrize("sender,headers", [
    ("alice", []), ("1002", []), ("nobody", ["Resource-Priority: dsn.flash-override"]),
    ("1001", ["Resource-Priority: dsn.flash-override"]), ("1001", ["Require: resource-priority", "Resource-Priority: esnet.0"]),
    ("1001", ["Resource-Priority: , ;"]),
], ids=["a-user", "another-number", "both", "not-granted", "unknown", "malformed"])
def test_help_comes_whatever_the_phone_says(bank, sender, headers):
    """The phone has proven which one it is, and that is who calls; what it says about itself is no reason to refuse."""
    b = bank()
    lobby = b.phones[0]
    invite(lobby, b.aor(sender), b.aor("112"), headers)
    got = expect(b.one, "INVITE")
    assert "sip:112@" in got.line and not got.all("Resource-Priority")
    answer(b.one, got)
    a = up(lobby)
    expect(b.one, "ACK")
    assert b.site.wait_event("emergency.call")["from"] == "1001"
    hang_up(a, b.one)
    wait_empty(b.site)
    if sender != "1001":    # for anything else it is
        invite(lobby, b.aor(sender), b.aor("1002"))
        assert expect(lobby, 403)


def test_one_phone_does_not_take_all_the_help(bank):
    """However many emergency calls one phone makes, the next phone has its own."""
    b = bank()
    lobby, desk, _ = b.phones
    for _ in range(4):
        invite(lobby, b.aor("lobby"), b.aor("112"))
        expect(b.one, "INVITE")
    for _ in range(3):
        invite(lobby, b.aor("lobby"), b.aor("112"))
        assert expect(lobby, 503)
    assert b.site.wait_event("call.refused", rule="emergency-calls-of-phone")
    invite(desk, b.aor("desk"), b.aor("112"))
    got = expect(b.one, "INVITE")
    answer(b.one, got)
    a = up(desk)
    expect(b.one, "ACK")
    hang_up(a, b.one)
    lobby.stop()
    b.one.die()
    b.two.die()
    wait_empty(b.site)


def test_who_calls_for_help_is_not_cut_off(bank):
    """A phone that is locked in mid-call loses its calls, but not to those who help."""
    b = bank()
    lobby = b.phones[0]
    invite(lobby, b.aor("lobby"), b.aor("112"))
    answer(b.one, expect(b.one, "INVITE"))
    a = up(lobby)
    expect(b.one, "ACK")
    b.site.run("phone", "lock", "lobby")
    invite(lobby, b.aor("lobby"), b.aor("1002"))
    assert expect(lobby, 403)
    assert b.one.inbox.empty() and len(b.site.calls()) == 1
    hang_up(a, b.one)
    wait_empty(b.site)


def test_who_calls_for_help_is_not_hidden(bank):
    """Hidden for good, for this call, and by what the phone says: who helps sees where to call back all the same."""
    b = bank()
    lobby = b.phones[0]
    b.site.run("number", "set", "1001", "--hide-number", "on")
    invite(lobby, "sip:anonymous@anonymous.invalid", b.aor("112"), ["Privacy: id"])
    got = expect(b.one, "INVITE")
    assert uri(got.get("From")).startswith("sip:+493012341001@") and not got.all("Privacy")
    b.one.reply(got, 503)
    got = expect(b.two, "INVITE")
    assert uri(got.get("From")).startswith("sip:+493012341001@") or uri(got.get("From")).startswith("sip:+49301234"), got
    answer(b.two, got)
    a = up(lobby)
    expect(b.two, "ACK")
    hang_up(a, b.two)
    wait_empty(b.site)


# ---- more free calls


def replaces(leg):
    return (f"?Replaces={leg.call_id.replace('@', '%40')}%3Bto-tag%3D{tag(leg.other)}%3Bfrom-tag%3D{tag(leg.own)}")


def test_a_call_given_away_still_counts(bank):
    """Who calls abroad and gives the call to somebody who had called them has made it all the same."""
    b = bank(cos="travel", bounds="calls: 1")
    lobby, desk, boss = b.phones
    _, theirs, _ = establish(desk, b.aor("desk"), boss, b.aor("boss"))
    invite(boss, b.aor("boss"), b.aor(ABROAD))
    answer(b.one, expect(b.one, "INVITE"))
    mine = up(boss)
    expect(b.one, "ACK")
    boss.send(mine.request("REFER", headers=[f"Refer-To: <{b.aor('desk')}{replaces(theirs)}>"]))
    assert expect(boss, 202)
    boss.reply(expect(boss, "NOTIFY"), 200)
    for _ in range(2):      # one is asked for an offer, the other gets it
        for c in (b.one, desk):
            m = c.receive(0.5)
            if m is not None and m.method == "INVITE":
                answer(c, m)
    byes = 0
    while byes < 2:
        m = boss.receive()
        assert m is not None
        if m.method in ("NOTIFY", "BYE"):
            byes += m.method == "BYE"
            boss.reply(m, 200)
    assert b.site.wait_event("call.transferred", rule="attended", by="1003")
    invite(boss, b.aor("boss"), b.aor(ABROAD))
    assert expect(boss, 503)
    desk.stop()
    b.one.die()
    wait_empty(b.site, 20)
    invite(boss, b.aor("boss"), b.aor("1001"))      # and is over with the call
    lobby.reply(expect(lobby, "INVITE"), 486)
    assert expect(boss, 486)


def test_no_way_leads_abroad(bank):
    """Whoever may not call abroad is no bridge either: forwards of all kinds, chains of them, a phone's own 302."""
    b = bank()
    lobby, desk, boss = b.phones

    def refused():
        invite(lobby, b.aor("lobby"), b.aor("desk"))
        while (m := lobby.receive()) is not None and (m.method or m.code < 200):
            pass
        assert m is not None and m.code in (403, 480, 486, 503), m
        assert b.one.inbox.empty() and b.two.inbox.empty()

    for far in (ABROAD, "+33140506070"):
        for kind in ("always", "unreachable"):
            b.site.run("number", "set", "1003", "--forward-always", far)
            b.site.run("number", "set", "1002", f"--forward-{kind}", "1003")
            if kind == "unreachable":
                desk.register(b.aor("desk"), expires=0)
            refused()
            b.site.run("number", "clear", "1002")
        b.site.run("number", "clear", "1003")
        desk.register(b.aor("desk"))
    for contact in ("sip:{n}@{d}", "tel:+33140506070", "sip:%2B33140506070@{d}", "sip:{n}@10.20.0.99", "sip:{n};x=y@{d}",
                    "sips:{n}@{d}", "sip:+33-140-506070@{d};user=phone", "sip:00900123456@{d}", "sip:+49900123456@{d}"):
        invite(lobby, b.aor("lobby"), b.aor("desk"))
        got = expect(desk, "INVITE")
        desk.reply(got, 302, headers=[f"Contact: <{contact.format(n=ABROAD, d=b.site.domain)}>"])
        expect(desk, "ACK")
        while (m := lobby.receive()) is not None and m.code < 200:
            pass
        assert m is not None and m.code in (403, 480), (contact, m)
    assert b.one.inbox.empty() and b.two.inbox.empty()
    wait_empty(b.site)


def test_all_that_is_known_of_a_call_is_not_enough(bank):
    """Each method that there is inside a call or a subscription, by another phone of the site that knows every tag."""
    b = bank()
    lobby, desk, boss = b.phones
    la, lb, _ = establish(lobby, b.aor("lobby"), desk, b.aor("desk"))
    lobby.call_id = "watch-mailbox@test"
    ok = lobby.ask(lobby.request("SUBSCRIBE", b.aor("lobby"), sender=b.aor("lobby"), to=b.aor("lobby"),
                                 headers=["Event: message-summary", "Expires: 600"]))
    watch = Leg(lobby, lobby.call_id, ok.get("From"), ok.get("To"), uri(ok.get("Contact")), 100)
    lobby.reply(expect(lobby, "NOTIFY"), 200)
    for leg in (la, lb):
        for method, headers in (("BYE", []), ("INVITE", []), ("UPDATE", []), ("INFO", []), ("OPTIONS", []), ("PRACK", []),
                                ("REFER", [f"Refer-To: <{b.aor('boss')}>"]), ("SUBSCRIBE", ["Event: dialog"]),
                                ("MESSAGE", ["Content-Type: text/plain"]), ("NOTIFY", ["Event: refer"])):
            boss.send(leg.request(method, headers=headers, by=boss))
            assert expect(boss, 403), method
    boss.send(watch.request("SUBSCRIBE", headers=["Event: message-summary", "Expires: 0"], by=boss))
    assert expect(boss, 403)
    for method, headers in (("MESSAGE", ["Content-Type: text/plain"]), ("PUBLISH", ["Event: presence"]),
                            ("SUBSCRIBE", ["Event: dialog"]), ("INVITE", [])):
        boss.call_id = f"{method}@test"
        assert boss.ask(boss.request(method, b.aor("desk"), sender=b.aor("lobby"), to=b.aor("desk"), headers=headers,
                                     contact=f"sip:x@{boss.here()}")).code == 403, method
    assert boss.ask(boss.request("PUBLISH", b.aor("desk"), sender=b.aor("boss"), to=b.aor("desk"),
                                 headers=["Event: presence", "Content-Type: application/pidf+xml"], body="<x/>")).code == 403
    invite(boss, b.aor("lobby"), b.aor(f"*72{ABROAD}"))     # a code for somebody else's number
    assert expect(boss, 403)
    hang_up(la, desk)
    assert b.site.json("status")["workers"][0]["subscriptions_now"] == 1
