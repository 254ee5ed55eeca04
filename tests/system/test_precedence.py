"""A link that is full: a call of higher precedence takes the place of the lowest, and only who was granted it may."""
import pytest

from dialogs import SDP, establish, expect, invite, sdp
from lab import wait_until

ASK = "Resource-Priority: dsn.{}"
NUMBERS = {"main1": "1001", "main2": "1002", "far1": "1003", "far2": "1004", "far3": "1005"}
GRANTS = {"main1": "", "main2": "dsn.flash", "far1": "", "far2": "", "far3": "dsn.flash-override"}


@pytest.fixture(params=[1, 2], ids=["one worker", "two workers"])
def linked(make_site, request):
    """Three phones behind a link that carries one call, two at the main site."""
    site = make_site(extra=f"links: {{ wan: {{ calls: 1 }} }}\nsip: {{ workers: {request.param} }}\n"
                           "media: { announce_port: 0 }\n", up=False)
    text = (site.dir / "site.yaml").read_text()
    (site.dir / "site.yaml").write_text(text.replace("locations:\n", "locations:\n  branch: { room: Far, link: wan }\n"))
    for name, number in NUMBERS.items():
        site.numbers[name] = number
        site.run("phone", "add", name, "--number", number, "--location", "branch" if name.startswith("far") else "lobby")
    rows = [f"{name},{number},{'branch' if name.startswith('far') else 'lobby'},{GRANTS[name]}"
            for name, number in NUMBERS.items()]
    (site.dir / "phones.csv").write_text("\n".join(["name,number,location,precedence", *rows]) + "\n")
    site.up()
    client = {}
    for name, number in NUMBERS.items():
        client[name] = site.client(name).open()
        assert client[name].register(f"sip:{number}@{site.domain}").code == 200
    return site, client


def aor(site, name):
    return f"sip:{NUMBERS[name]}@{site.domain}"


def call(site, client, a, b, headers=()):
    return establish(client[a], aor(site, a), client[b], aor(site, b), headers)


def refused(site, client, a, b, headers=()):
    invite(client[a], aor(site, a), aor(site, b), headers)
    while True:
        m = client[a].receive()
        if m.code and m.code >= 200:
            return m


def hang_up(leg, other):
    leg.client.send(leg.request("BYE"))
    assert expect(leg.client, 200)
    other.client.reply(expect(other.client, "BYE"), 200)


def census_is_zero(site):
    wait_until("nothing is left", lambda: all(
        w["calls_now"] == w["pairs_now"] == w["resources_now"] == 0 for w in site.json("status")["workers"]), 8)


def test_the_lowest_gives_way(linked):
    site, client = linked
    a, b, _ = call(site, client, "main1", "far1")
    m = refused(site, client, "far2", "main2")
    assert m.code == 503 and m.get("Retry-After")
    assert site.wait_event("limit", bound="link")
    # Inside the far site, and inside the main one, nothing is crossed.
    c, d, _ = call(site, client, "far2", "far3")
    hang_up(c, d)
    # Granted, and higher: the first call ends, the new one is up.
    e, f, got = call(site, client, "main2", "far2", [ASK.format("flash")])
    assert got.get("Resource-Priority") == "dsn.flash"
    for leg in (a, b):
        bye = expect(leg.client, "BYE")
        assert bye.get("Reason").startswith("preemption;cause=5")
        leg.client.reply(bye, 200)
    assert site.wait_event("call.preempted", resource="link wan calls")
    assert site.wait_event("call.end", why="preempted")
    # An equal does not take its place, a higher one does.
    m = refused(site, client, "main1", "far1", [ASK.format("routine")])
    assert m.code == 503
    g, h, _ = call(site, client, "far3", "main1", [ASK.format("flash-override")])
    for leg in (e, f):
        bye = expect(leg.client, "BYE")
        assert "preemption" in bye.get("Reason")
        leg.client.reply(bye, 200)
    hang_up(g, h)
    census_is_zero(site)


def test_who_was_not_granted_it(linked):
    site, client = linked
    a, b, _ = call(site, client, "main2", "far1", [ASK.format("priority")])
    for asked in ("flash", "priority", "flash-override"):
        m = refused(site, client, "main1", "far2", [ASK.format(asked)])
        assert m.code == 403
    assert site.wait_event("call.refused", why="precedence not granted")
    m = refused(site, client, "main2", "far2", [ASK.format("flash-override")])
    assert m.code == 403
    m = refused(site, client, "main1", "far2", ["Resource-Priority: foo.bar", "Require: resource-priority"])
    assert m.code == 417 and "dsn.flash-override" in m.get("Accept-Resource-Priority")
    assert len(site.calls()) == 1
    hang_up(a, b)
    census_is_zero(site)


def test_a_call_that_only_rings_gives_way(linked):
    site, client = linked
    invite(client["main1"], aor(site, "main1"), aor(site, "far1"))
    ringing = expect(client["far1"], "INVITE")
    client["far1"].reply(ringing, 180)
    a, b, _ = call(site, client, "main2", "far2", [ASK.format("flash")])
    m = expect(client["main1"], 503)
    assert m.get("Retry-After")
    cancel = expect(client["far1"], "CANCEL")
    assert "preemption" in cancel.get("Reason")
    client["far1"].reply(cancel, 200)
    client["far1"].reply(ringing, 487)
    hang_up(a, b)
    census_is_zero(site)
