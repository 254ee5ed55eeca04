"""Two real phones with what ringfort issued them: registered, talking, on record."""
import time

from lab import Verdict, Wire, wait_until


def test_two_baresip_phones(site):
    wire = Wire()
    lobby, desk = site.baresip("lobby", 0, 440), site.baresip("desk", 1, 660)
    site.wait_registered("1001", "1002")
    bindings = {b["phone"]: b for b in site.bindings()}
    assert set(bindings) == {"lobby", "desk"}
    assert all(b["transport"] == "tls" for b in bindings.values())

    lobby.command("dial", f"sip:1002@{site.domain}")
    for p in (lobby, desk):
        p.wait_event("CALL_ESTABLISHED", fatal=("CALL_CLOSED",))
        assert p.wait_event("CALL_MENC")["param"].split(",")[2].startswith(("AES_CM", "AEAD"))
    assert len(site.calls()) == 1
    time.sleep(3)

    flows = wire.rtp()
    assert len(flows) == 2
    for (_, target), packets in flows.items():
        tone = 660 if target[0] == site.phone_address(0) else 440
        verdict = Verdict(packets, 160, tone)
        assert verdict.encrypted, vars(verdict)
    assert wire.plain_sip == 0
    wire.stop()

    lobby.command("hangup")
    desk.wait_event("CALL_CLOSED", seconds=5)
    wait_until("no call is left", lambda: not site.calls(), 5)
    time.sleep(0.3)   # the phones close their recordings
    assert lobby.tone_heard(660) > 0.9 and desk.tone_heard(440) > 0.9

    end = site.wait_event("call.end")
    assert end
    records = wait_until("two call records", lambda: len(site.ledger("cdr")) >= 2 and site.ledger("cdr"), 5)
    assert len(records) == 2
    assert site.call("ledger", "verify").returncode == 0


def test_the_other_phone_hangs_up(site):
    lobby, desk = site.baresip("lobby", 0), site.baresip("desk", 1)
    site.wait_registered("1001", "1002")
    desk.command("dial", f"sip:1001@{site.domain}")
    desk.wait_event("CALL_ESTABLISHED", fatal=("CALL_CLOSED",))
    lobby.wait_event("CALL_ESTABLISHED")
    lobby.command("hangup")
    desk.wait_event("CALL_CLOSED", seconds=5)
    wait_until("no call is left", lambda: not site.calls(), 5)


def test_an_administrator_hangs_up(site):
    lobby, desk = site.baresip("lobby", 0), site.baresip("desk", 1)
    site.wait_registered("1001", "1002")
    lobby.command("dial", f"sip:1002@{site.domain}")
    for p in (lobby, desk):
        p.wait_event("CALL_ESTABLISHED", fatal=("CALL_CLOSED",))
    call = site.calls()[0]["id"]
    assert "1002" in site.run("calls", "show", call)
    site.run("calls", "hangup", call)
    for p in (lobby, desk):
        p.wait_event("CALL_CLOSED", seconds=5)
    assert site.call("calls", "hangup", call).returncode == 1


def test_registrations_survive_a_kill(site):
    lobby = site.baresip("lobby", 0)
    site.wait_registered("1001")
    site.kill()
    site.up()
    # On record at once, waiting for the phone; usable when the phone has come back by itself or been restarted.
    assert "1001" in site.registered()
    lobby.stop()
    site.baresip("lobby", 0)
    wait_until("reachable again", lambda: any(b["state"] == "reachable" for b in site.bindings()), 15)
    assert site.call("ledger", "verify").returncode == 0


def test_up_down_status(make_site):
    site = make_site(up=False)
    assert site.call("status").returncode == 1
    assert "no controller runs" in site.call("status").stderr
    site.up()
    status = site.json("status")
    assert status["running"] and status["healthy"] and status["problems"] == []
    assert status["listen"] == [{"transport": "tls", "address": f"{site.address}:5061"}]
    again = site.call("up")
    assert again.returncode == 0 and "already" in again.stdout
    assert site.down().returncode == 0
    assert site.call("status").returncode == 1
    wait_until("both on record", lambda: [e["kind"] for e in site.ledger("start", "stop")] == ["start", "stop"], 5)
    assert site.call("down").returncode == 0


def test_reload_is_whole_or_not_at_all(site):
    file = site.dir / "site.yaml"
    good = file.read_text()
    file.write_text(good + "colour: blue\n")
    refused = site.call("reload")
    assert refused.returncode == 1 and "colour" in refused.stderr
    assert site.json("status")["healthy"]
    assert site.wait_event("config.refused")
    file.write_text(good.replace("level: medium", "level: highest"))
    refused = site.call("reload")
    assert refused.returncode in (0, 1)
    file.write_text(good)
    assert site.call("reload").returncode == 0
    assert site.wait_event("config.loaded")


def test_a_phone_added_while_it_runs(site):
    site.phone_add("late", "1003")
    phone = site.baresip("late", 2)
    site.wait_registered("1003")
    phone.stop()
