"""Calls between two sipps with scenarios of ours: what each side must see is in the scenarios."""
import pytest

from lab import have, wait_until
from peers import Sipp, open_site

pytestmark = pytest.mark.skipif(not have("sipp"), reason="sipp is not installed")


@pytest.fixture
def strangers(make_site):
    site = open_site(make_site, alice="1001", bob="1002")
    return site, Sipp(site, 0, "1001", "alice"), Sipp(site, 1, "1002", "bob")


@pytest.fixture
def pair(strangers):
    strangers[2].register()
    return strangers


@pytest.fixture
def three(make_site):
    site = open_site(make_site, alice="1001", bob="1002", carol="1003")
    alice, bob, carol = (Sipp(site, i, str(1001 + i), name) for i, name in enumerate(("alice", "bob", "carol")))
    bob.register()
    carol.register()
    return site, alice, bob, carol


def outcome(site, seconds=5):
    """No call is left; the caller's record."""
    wait_until("no call is left", lambda: not site.calls(), 8)
    return wait_until("the records", lambda: [r for r in site.ledger("cdr") if r["leg"] == "a"], seconds)[-1]


CALLS = [
    # caller, called, outcome, who hung up
    ("uac", "uas", {}, {}, "answered", "caller"),
    ("uac-waits", "uas-hangs-up", {}, {}, "answered", "callee"),
    ("uac-refused", "uas-refuses", {"CODE": 486}, {"CODE": 486}, "busy", None),
    ("uac-refused", "uas-refuses", {"CODE": 603}, {"CODE": 603}, "declined", None),
    ("uac-refused", "uas-refuses", {"CODE": 480}, {"CODE": 500}, "unavailable", None),
    ("uac-refused", "uas-refuses", {"CODE": 480}, {"CODE": 404}, "unavailable", None),
    ("uac-cancels", "uas-cancelled", {}, {"CODE": 487, "OFFER": "nobody"}, "cancelled", "caller"),
    ("uac-cancels", "uas-cancelled", {}, {"CODE": 200, "AFTER": "hung-up"}, "cancelled", "caller"),
    ("uac-early", "uas-early", {}, {}, "answered", "caller"),
    ("uac-holds", "uas-held", {}, {}, "answered", "caller"),
    ("uac-holds", "uas-held", {"METHOD": "UPDATE", "REACK": "nothing"}, {"METHOD": "UPDATE", "REACKED": "at-once"},
     "answered", "caller"),
    ("uac-held", "uas-acts", {}, {}, "answered", "callee"),
    ("uac-pracks", "uas-prack", {}, {}, "answered", "caller"),
    ("uac-late", "uas-late", {}, {}, "answered", "caller"),
]


@pytest.mark.parametrize("caller,called,mine,theirs,ended,by", CALLS,
                         ids=[f"{c[0]}-{c[3].get('CODE', '')}{c[2].get('METHOD', '')}" for c in CALLS])
def test_call(pair, caller, called, mine, theirs, ended, by):
    site, alice, bob = pair
    b = bob.listen(called, **theirs)
    a = alice.start(caller, "1002", **mine)
    alice.finish(a)
    bob.finish(b)
    record = outcome(site)
    assert record["outcome"] == ended
    assert by is None or record["ended_by"] == by


# what the caller, the called and the third do; the event; the values of the first two
TRANSFERS = [
    ("uac-refers", "uas-moved", "uas-late", "call.transferred", {}, {}),
    ("uac-holds-refers", "uas-held-moved", "uas-late", "call.transferred", {}, {}),
    ("uac-refers-quietly", "uas-moved", "uas-late", "call.transferred", {}, {}),
    ("uac-refers-in-vain", "uas-held", "uas-refuses", "call.transfer_refused", {"OUTCOME": 486}, {"CODE": 486}),
    ("uac-refers-in-vain", "uas-held", "uas-refuses", "call.transfer_refused", {"OUTCOME": 603}, {"CODE": 603}),
    ("uac-moved", "uas-refers", "uas-late-hangs-up", "call.transferred", {"PAUSE": 1}, {}),
]


@pytest.mark.parametrize("caller,called,third,event,mine,theirs", TRANSFERS,
                         ids=[f"{t[0]}-{t[1]}{t[4].get('OUTCOME', '')}" for t in TRANSFERS])
def test_transfer(three, caller, called, third, event, mine, theirs):
    """A calls B; one of them refers the other to C (RFC 3515, 5589): each sees what is due to it."""
    site, alice, bob, carol = three
    target = {"TARGET": f"<sip:1003@{site.domain}>"}
    c = carol.listen(third, **theirs)
    b = bob.listen(called, **target)
    a = alice.start(caller, "1002", **target, **mine)
    for phone, process in ((alice, a), (bob, b), (carol, c)):
        phone.finish(process)
    wait_until("no call is left", lambda: not site.calls(), 8)
    site.wait_event(event)


def test_replaces(three):
    """Another phone of the caller's number takes its place (RFC 3891): B hears a new offer, the first phone BYE."""
    site, alice, bob, _ = three
    other = Sipp(site, 3, "1001", "alice", name="other")
    b = bob.listen("uas-rejoined")
    a = alice.start("uac-waits", "1002", PAUSE=1)
    call_id, own, remote = alice.dialog(a)
    wait_until("the call is up", lambda: any(c["state"] == "answered" for c in site.calls()), 5)
    replaces = f"Replaces: {call_id};to-tag={remote};from-tag={own}"
    other.run("uac", "1002", EXTRA=f"{replaces}&#10;Require: replaces")
    alice.finish(a)
    bob.finish(b)
    site.wait_event("call.transferred", rule="replaced")
    # the same again: that dialog is over
    other.run("uac-refused", "1002", EXTRA=f"{replaces}&#10;Require: replaces", CODE=481)


def test_replaces_of_somebody_else(three):
    site, alice, bob, carol = three
    b = bob.listen("uas-hangs-up")
    a = alice.start("uac-waits", "1002", PAUSE=1)
    call_id, own, remote = alice.dialog(a)
    carol.run("uac-refused", "1002", EXTRA=f"Replaces: {call_id};to-tag={remote};from-tag={own}", CODE=403)
    alice.finish(a)
    bob.finish(b)


INSTANCE = '+sip.instance="<urn:uuid:00000000-0000-1000-8000-0004f2000001>"'
REGISTRATIONS = {
    # RFC 3327: the call comes by the Path that the registration went
    "path": ({"EXTRA": "Supported: path&#10;Path: <sip:edge@[local_ip]:[local_port];lr>",
              "GRANTED": "Path: .sip:edge@"},
             "Route: .sip:edge@[0-9.:]+;lr."),
    # RFC 5626: the call comes on the flow of the registration, whatever the Contact says
    "outbound": ({"CONTACT": f"<sip:@ME@@192.0.2.7:9;ob>;reg-id=1;{INSTANCE}", "EXTRA": "Supported: path, outbound",
                  "GRANTED": "Require: outbound"}, "INVITE sip:1002@192.0.2.7:9;ob SIP/2.0"),
}


@pytest.mark.parametrize("how", REGISTRATIONS)
def test_registered_by(strangers, how):
    site, alice, bob = strangers
    values, comes = REGISTRATIONS[how]
    bob.register(**values)
    b = bob.listen("uas-routed", COMES=comes)
    alice.run("uac", "1002")
    bob.finish(b)
    assert outcome(site)["outcome"] == "answered"


def test_one_flow_of_a_phone_at_a_time(strangers):
    """reg-id 1 and 2 of one instance are two ways to one phone: two bindings, and the call goes one of them."""
    site, alice, bob = strangers
    for reg_id in (1, 2, 1):
        bob.register(CONTACT=f"<sip:@ME@@[local_ip]:[local_port];ob>;reg-id={reg_id};{INSTANCE}",
                     EXTRA="Supported: path, outbound", GRANTED="Require: outbound")
    assert len(site.bindings()) == 2
    b = bob.listen("uas")
    alice.run("uac", "1002")
    bob.finish(b)
    assert outcome(site)["outcome"] == "answered"


def test_new_offer_refused(pair):
    """500 and 488 to a re-INVITE leave what was agreed; the next offer is heard."""
    site, alice, bob = pair
    for refusal, told in ((500, 500), (488, 488)):
        b = bob.listen("uas-refuses-offer", REFUSAL=refusal)
        alice.run("uac-asks-again", "1002", CODE=told)
        bob.finish(b)


def test_offered_again_before_the_answer(pair):
    """The caller's UPDATE after PRACK (RFC 3311) crosses, and the 2xx needs no description."""
    site, alice, bob = pair
    b = bob.listen("uas-updated")
    alice.run("uac-updates", "1002")
    bob.finish(b)
