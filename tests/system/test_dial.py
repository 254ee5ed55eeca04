"""Who may call what: explained, refused with the same explanation, and changed on phones that are registered."""
import pytest

from dialogs import establish, expect, invite
from lab import wait_until

PLAN = """\
timezone: Europe/Berlin
dial_plans:
  berlin: {{ country_code: 49, area_code: 30, outside: 0 }}
classes:
  staff: {{ grants: {grants}, calls: 1 }}
  travel: {{ grants: [internal, international] }}
  evening: {{ grants: [internal, local], hours: ["18:00-20:00"] }}
class: staff
trunks:
  - {{ name: carrier, peer: 10.30.99.99, cost: 3, health_interval: 0 }}
emergency: {{ via: [carrier] }}
"""


def aor(site, number):
    return f"sip:{number}@{site.domain}"


def plan(grants="[internal, local]"):
    return PLAN.format(grants=grants)


@pytest.fixture
def dialling(make_site):
    return make_site(phones={"lobby": "1001", "desk": "1002"}, extra=plan())


def explain(site, caller, number, *more):
    done = site.call("explain", caller, number, "--json", *more)
    assert done.returncode in (0, 1), done.stderr
    import json
    return done.returncode, json.loads(done.stdout)


def refused(site, client, number, code):
    me = aor(site, "1001")
    answer = client.ask(client.request("INVITE", aor(site, number), sender=me, to=aor(site, number)))
    while answer is not None and answer.code < 200:
        answer = client.receive()
    assert answer is not None and answer.code == code, answer


def test_explained_and_refused_alike(dialling):
    site = dialling
    lobby = site.client("lobby").open()
    assert lobby.register(aor(site, "1001")).code == 200
    for dialled, code, rule, in_full in (
            ("00033140506070", 403, "class-denied", "+33140506070"),
            ("+33-1-40.50(60)70", 403, "class-denied", "+33140506070"),
            ("%2B4990012345", 403, "class-denied", "+4990012345"),
            ("000490%39%30%3012345", 403, "class-denied", "+4990012345"),
            ("4711", 404, "no-such-number", None)):
        refused(site, lobby, dialled, code)
        event = site.wait_event("call.refused", to=dialled)
        assert (event["rule"], event["code"]) == (rule, code)
        status, told = explain(site, "lobby", f"sip:{dialled}@{site.domain}")
        assert status == 1 and (told["rule"], told["code"]) == (rule, code)
        assert event["explanation"] == told["trail"][-1]
        assert [event[f"step{i + 1}"] for i in range(len(told["trail"]) - 1)] == told["trail"][:-1]
        assert event.get("line") == told.get("line")
        assert not in_full or any(in_full in step for step in told["trail"])


def test_explain(dialling):
    site = dialling
    status, told = explain(site, "1001", "0777")
    assert status == 0 and (told["kind"], told["class"], told["number"]) == ("outside", "local", "+4930777")
    assert told["trunks"] == ["carrier"]
    status, told = explain(site, "lobby", "1002")
    assert status == 0 and told["kind"] == "number" and told["reach"] == "not registered now"
    assert site.client("desk").open().register(aor(site, "1002")).code == 200
    assert explain(site, "lobby", "1002")[1]["reach"] == "registered now"
    site.run("user", "add", "alice", "--number", "1001", "--password-stdin", stdin="correct horse battery\n")
    site.run("user", "set", "alice", "--class", "evening")
    assert explain(site, "alice", "0777", "--at", "2026-11-23 19:00")[0] == 0
    status, told = explain(site, "alice", "0777", "--at", "2026-11-23T19:00Z")   # an hour later in Berlin
    assert status == 1 and told["rule"] == "class-hours"
    status, told = explain(site, "carrier", "+493077")
    assert status == 1 and told["rule"] == "not-a-trunk-number"
    assert site.call("explain", "nobody", "1001").returncode == 2
    assert site.call("explain", "lobby", "1001", "--at", "tomorrow").returncode == 2
    text = site.call("explain", "lobby", "112").stdout
    assert text.startswith("yes: emergency (emergency): 112, by trunk carrier\nrule emergency:")


def test_a_class_changes_at_once(dialling):
    site = dialling
    lobby, desk = site.client("lobby").open(), site.client("desk").open()
    assert lobby.register(aor(site, "1001")).code == 200
    assert desk.register(aor(site, "1002")).code == 200
    call, other, _ = establish(lobby, aor(site, "1001"), desk, aor(site, "1002"))
    # one call at once; emergencies are not counted and not refused for it
    invite(lobby, aor(site, "1001"), aor(site, "1002"))
    expect(lobby, 503)
    assert site.wait_event("call.refused", rule="calls")
    lobby.send(call.request("BYE"))
    expect(lobby, 200)
    desk.reply(expect(desk, "BYE"), 200)
    site.write(plan("[local]"))
    site.run("reload")
    # the same registration, the same connection, another answer
    invite(lobby, aor(site, "1001"), aor(site, "1002"))
    expect(lobby, 403)
    event = site.wait_event("call.refused", code=403)
    assert event["rule"] == "class-denied" and event["class"] == "internal"
    site.write(plan())
    site.run("reload")
    call, other, _ = establish(lobby, aor(site, "1001"), desk, aor(site, "1002"))
    lobby.send(call.request("BYE"))
    expect(lobby, 200)
    desk.reply(expect(desk, "BYE"), 200)
    wait_until("no call is left", lambda: site.calls() == [], 5)


def test_a_persons_class(make_site):
    site = make_site(phones={"lobby": "1001"}, extra=plan(), up=False)
    site.run("user", "add", "alice", "--number", "1001", "--password-stdin", stdin="correct horse battery\n")
    assert explain(site, "alice", "00033140")[1]["rule"] == "class-denied"
    site.run("user", "set", "alice", "--class", "travel", "--until", "2099-12-31")
    assert explain(site, "alice", "00033140")[0] == 0
    assert explain(site, "alice", "00033140", "--at", "2100-01-02 00:00")[0] == 1
    site.run("user", "set", "alice", "--precedence", "flash", "--namespace", "dsn")
    site.run("user", "set", "alice", "--precedence", "1", "--namespace", "q735")
    site.run("user", "set", "alice", "--precedence", "routine", "--namespace", "dsn")
    user = site.json("user", "show", "alice")["users"][0]
    assert (user["class"], user["class_until"][:10]) == ("travel", "2099-12-31")
    assert set(user["precedence"].split()) == {"q735.1", "dsn.routine"}
    for wrong in (["--class", "nobody"], ["--until", "2027-01-01"], ["--precedence", "loud", "--namespace", "dsn"],
                  ["--class", "travel", "--until", "soon"], []):
        assert site.call("user", "set", "alice", *wrong).returncode == 2
    site.run("user", "set", "alice", "--class", "none")
    assert explain(site, "alice", "00033140")[1]["rule"] == "class-denied"
