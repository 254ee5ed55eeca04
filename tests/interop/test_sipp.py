"""Calls between two sipps with scenarios of ours: what each side must see is in the scenarios."""
import pytest

from lab import have, wait_until
from peers import Sipp, open_site

pytestmark = pytest.mark.skipif(not have("sipp"), reason="sipp is not installed")


@pytest.fixture
def pair(make_site):
    site = open_site(make_site, alice="1001", bob="1002")
    alice, bob = Sipp(site, 0, "1001", "alice"), Sipp(site, 1, "1002", "bob")
    bob.register()
    return site, alice, bob


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
    ("uac-holds", "uas-held", {"METHOD": "UPDATE", "REACK": "nothing"}, {"METHOD": "UPDATE", "REACKED": "nothing"},
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
