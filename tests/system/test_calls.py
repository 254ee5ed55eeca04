"""What happens to a call, each row with two real phones and a look at the record: who ended it, and how."""
import time

import pytest

from lab import have, wait_until


def two(site, **desk):
    lobby, phone = site.baresip("lobby", 0, 440), site.baresip("desk", 1, 660, **desk)
    site.wait_registered("1001", "1002")
    return lobby, phone


def end_of_call(site):
    return site.wait_event("call.end", seconds=6)


def records(site):
    return wait_until("two call records", lambda: len(site.ledger("cdr")) >= 2 and site.ledger("cdr"), 5)


def test_cancel_while_it_rings(site):
    lobby, desk = two(site, answer="manual")
    lobby.command("dial", f"sip:1002@{site.domain}")
    desk.wait_event("CALL_INCOMING")
    assert site.calls()[0]["state"] in ("ringing", "early", "proceeding")
    lobby.command("hangup")
    desk.wait_event("CALL_CLOSED", seconds=5)
    wait_until("no call is left", lambda: not site.calls(), 5)
    assert all(r["outcome"] != "answered" for r in records(site))


def test_decline(site):
    lobby, desk = two(site, answer="manual")
    lobby.command("dial", f"sip:1002@{site.domain}")
    desk.wait_event("CALL_INCOMING")
    desk.command("hangup")
    lobby.wait_event("CALL_CLOSED", seconds=5)
    wait_until("no call is left", lambda: not site.calls(), 5)


def test_answer_by_hand_hold_and_resume(site):
    lobby, desk = two(site, answer="manual")
    lobby.command("dial", f"sip:1002@{site.domain}")
    desk.wait_event("CALL_INCOMING")
    desk.command("accept")
    for p in (lobby, desk):
        p.wait_event("CALL_ESTABLISHED", fatal=("CALL_CLOSED",))
    for who in (lobby, desk):
        who.command("hold")
        time.sleep(0.7)
        who.command("resume")
        time.sleep(0.7)
    assert len(site.calls()) == 1
    desk.command("hangup")
    lobby.wait_event("CALL_CLOSED", seconds=5)
    assert end_of_call(site)


def test_nobody_answers(make_site):
    site = make_site(extra="sip: { ring_timeout: 10 }\n", phones={"lobby": "1001", "desk": "1002"})
    lobby, desk = two(site, answer="manual")
    lobby.command("dial", f"sip:1002@{site.domain}")
    desk.wait_event("CALL_INCOMING")
    lobby.wait_event("CALL_CLOSED", seconds=14)
    desk.wait_event("CALL_CLOSED", seconds=5)
    wait_until("no call is left", lambda: not site.calls(), 5)


@pytest.mark.parametrize("number,code", [("1999", 404), ("1003", 480)])
def test_a_number_that_is_not_there(make_site, number, code):
    site = make_site(phones={"lobby": "1001", "desk": "1002", "off": "1003"})
    lobby = site.baresip("lobby", 0)
    site.wait_registered("1001")
    lobby.command("dial", f"sip:{number}@{site.domain}")
    closed = lobby.wait_event("CALL_CLOSED", seconds=5)
    assert str(code) in closed["param"]


def test_a_phone_that_vanishes_in_a_call(site):
    lobby, desk = two(site)
    lobby.command("dial", f"sip:1002@{site.domain}")
    for p in (lobby, desk):
        p.wait_event("CALL_ESTABLISHED", fatal=("CALL_CLOSED",))
    desk.process.kill()
    lobby.wait_event("CALL_CLOSED", seconds=15)
    wait_until("no call is left", lambda: not site.calls(), 5)
    assert all(r["outcome"] for r in records(site))


def test_a_restart_in_a_call(site):
    """The controller dies under a call: media runs phone to phone and goes on; the record says what is known."""
    lobby, desk = two(site)
    lobby.command("dial", f"sip:1002@{site.domain}")
    for p in (lobby, desk):
        p.wait_event("CALL_ESTABLISHED", fatal=("CALL_CLOSED",))
    site.kill()
    site.up()
    assert {"1001", "1002"} <= site.registered()
    assert site.calls() == []
    assert site.call("ledger", "verify").returncode == 0


@pytest.mark.skipif(not have("linphonec"), reason="linphonec is not installed")
@pytest.mark.parametrize("caller", ["linphone", "baresip"])
def test_linphone_and_baresip(site, caller):
    """Two implementations nobody here wrote, each verifying the server or not, each way."""
    baresip, linphone = site.baresip("lobby", 0, 440), site.linphone("desk", 1)
    site.wait_registered("1001", "1002", seconds=25)
    if caller == "linphone":
        linphone.command(f"call sip:1001@{site.domain}")
    else:
        baresip.command("dial", f"sip:1002@{site.domain}")
    baresip.wait_event("CALL_ESTABLISHED", seconds=15, fatal=("CALL_CLOSED",))
    assert len(site.calls()) == 1
    time.sleep(1)
    if caller == "linphone":
        linphone.command("terminate")
    else:
        baresip.command("hangup")
    baresip.wait_event("CALL_CLOSED", seconds=8)
    wait_until("no call is left", lambda: not site.calls(), 5)
    assert all(r.get("audio") for r in records(site))
