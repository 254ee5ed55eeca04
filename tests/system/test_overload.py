"""A controller that cannot keep up says so, keeps what it has, and comes back by itself."""
import os
import signal
import time


def test_a_process_that_was_held_up(make_site):
    """Stopped for longer than phones wait, as on a host that ran out of everything: the call is still there, both ends
    of the overload are on record, and calls are taken as before."""
    site = make_site(phones={"lobby": "1001", "desk": "1002"})
    lobby, desk = site.baresip("lobby", 0, 440), site.baresip("desk", 1, 660)
    site.wait_registered("1001", "1002")
    lobby.command("dial", f"sip:1002@{site.domain}")
    for p in (lobby, desk):
        p.wait_event("CALL_ESTABLISHED", fatal=("CALL_CLOSED",))
    pid = site.json("status")["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(2)
    finally:
        os.kill(pid, signal.SIGCONT)
    begun = site.wait_event("overload")
    assert begun["lag_permille"] >= 1000
    assert site.wait_event("overload.over", worker=begun["worker"])
    assert len(site.calls()) == 1
    lobby.command("hangup")
    desk.wait_event("CALL_CLOSED", seconds=5)
    seen = len(desk.events)
    desk.command("dial", f"sip:1001@{site.domain}")
    desk.wait_event("CALL_ESTABLISHED", fatal=("CALL_CLOSED",), since=seen)
