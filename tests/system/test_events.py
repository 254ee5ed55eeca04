"""Line lamps, presence, mailboxes and text messages: with baresip and linphonec, across workers, and with clients that
are killed while they watch or are watched."""
import re

import pytest

from dialogs import SDP, establish, expect, sdp, uri
from lab import have, make_headless, set_account, wait_until

NUMBERS = {f"phone{i}": str(1001 + i) for i in range(6)}


def now(site, *names):
    """The sum of these counts over the workers."""
    return [sum(w[n] for w in site.json("status")["workers"]) for n in names]


def nothing_left(site, seconds=10):
    wait_until("the census is zero", lambda: not any(now(site, "subscriptions_now", "calls_now", "pairs_now",
                                                         "messages_now")), seconds)


def prepare(site, name, index, contacts=(), modules=("presence.so", "mwi.so"), **account):
    """A baresip that is configured and not started: with contacts whose presence it asks for."""
    folder = site.folder / f"baresip-{name}"
    site.run("phone", "config", name, "--for", "baresip", "-o", folder)
    make_headless(folder, name, site.phone_address(index), 440, 4444)
    let_watch(site, folder, contacts, modules)
    set_account(folder, answermode="auto", audio_codecs="PCMA/8000/1,PCMU/8000/1", **account)


def let_watch(site, folder, contacts=(), modules=("presence.so", "mwi.so")):
    """Teach a configured baresip to ask for these contacts' presence, and for its mailbox."""
    config = folder / "config"
    text = config.read_text()
    for module in ("contact.so", *modules):
        if module not in text:
            text += f"module_app {module}\n"
    config.write_text(re.sub(r"(?m)^#\s*(module_app\s+(?:contact|presence|mwi)\.so)", r"\1", text))
    (folder / "contacts").write_text("".join(f'"{c}" <sip:{c}@{site.domain}>;presence=p2p\n' for c in contacts))


def status_of(phone, number):
    """What baresip's list of contacts says about a number."""
    for line in phone.command("contacts").get("data", "").splitlines():
        if number in line:
            return re.sub(r"\x1b\[[;\d]*m", "", line)
    return ""


@pytest.fixture
def seen(make_site):
    return make_site(extra="watch: all\n", phones={"lobby": "1001", "desk": "1002"})


def test_presence_as_baresip_sees_it(seen):
    """Not there, there, on the phone, killed."""
    prepare(seen, "lobby", 0, contacts=["1002"])
    prepare(seen, "desk", 1)
    lobby = seen.baresip("lobby", 0)
    seen.wait_registered("1001")
    wait_until("lobby watches", lambda: now(seen, "subscriptions_now") == [1], 10)
    wait_until("desk is not there", lambda: "Offline" in status_of(lobby, "1002"), 5)
    desk = seen.baresip("desk", 1)
    wait_until("desk is there", lambda: "Online" in status_of(lobby, "1002"), 10)
    lobby.command("dial", f"sip:1002@{seen.domain}")
    lobby.wait_event("CALL_ESTABLISHED", fatal=("CALL_CLOSED",))
    wait_until("desk is on the phone", lambda: "Busy" in status_of(lobby, "1002"), 10)
    lobby.command("hangup")
    wait_until("desk is free", lambda: "Online" in status_of(lobby, "1002"), 12)
    desk.process.kill()
    wait_until("desk is gone", lambda: "Offline" in status_of(lobby, "1002"), 12)
    lobby.process.kill()
    nothing_left(seen, 12)
    assert seen.wait_event("watch.end", number="1002", why="connection lost")


def test_message_lamp_of_baresip(site):
    prepare(site, "lobby", 0, mwi="yes")
    lobby = site.baresip("lobby", 0)
    site.wait_registered("1001")
    wait_until("lobby watches its mailbox", lambda: now(site, "subscriptions_now") == [1], 15)
    first = lobby.wait_event("MWI_NOTIFY", seconds=5)
    assert "Messages-Waiting: no" in first["param"]
    mark = lobby.mark()
    assert site.json("mwi", "1001", "2", "8")["mailbox"] == {"number": "1001", "new": 2, "old": 8}
    told = lobby.wait_event("MWI_NOTIFY", seconds=5, since=mark)
    assert "Messages-Waiting: yes" in told["param"] and "Voice-Message: 2/8" in told["param"]
    assert site.call("mwi", "1999", "1").returncode == 1
    assert site.call("mwi", "1001", "many").returncode == 2
    assert site.wait_event("mailbox", number="1001", new=2)
    lobby.process.kill()
    nothing_left(site, 12)


@pytest.mark.skipif(not have("linphonec"), reason="linphonec is not installed")
def test_text_from_linphone(site):
    """linphonec writes to baresip; the record says that, and not what."""
    desk, lobby = site.baresip("desk", 0), site.linphone("lobby", 1)
    site.wait_registered("1001", "1002")
    lobby.command(f"chat sip:1002@{site.domain} thefishareswimming")
    event = site.wait_event("text.delivered", seconds=10, to="1002")
    assert event["phone"] == "desk" and event["from"] == "1001"
    wait_until("baresip shows it", lambda: "thefishareswimming" in desk.log_tail(50), 5)
    assert not any("thefishareswimming" in str(e) for e in site.ledger())
    nothing_left(site)


# ---- raw clients

def aor(site, number):
    return f"sip:{number}@{site.domain}"


class Watch:
    """One subscription of a raw client, which answers every NOTIFY."""

    def __init__(self, site, client, me, number, package="dialog", expires=600):
        self.client, self.number, self.cseq = client, number, 1
        client.call_id = f"watch-{me}-{number}-{package}@test"
        self.ok = client.ask(client.request("SUBSCRIBE", aor(site, number), sender=aor(site, me), to=aor(site, number),
                                            headers=[f"Event: {package}", f"Expires: {expires}"]))

    def until(self, *words):
        """The NOTIFY that says all of this; others before it are answered too."""
        while True:
            m = expect(self.client, "NOTIFY", timeout=6)
            self.client.reply(m, 200)
            text = m.body.decode() + m.get("Subscription-State")
            if all(w in text for w in words):
                return m


def register(site, name):
    c = site.client(name).open()
    assert c.register(aor(site, site.numbers[name])).code == 200
    return c


@pytest.fixture
def many(make_site):
    site = make_site(extra="sip: { workers: 2 }\nwatch: all\n", phones=NUMBERS)
    return site, {name: register(site, name) for name in NUMBERS}


def test_lamps_across_workers(many):
    """Four watch a call between two others; the kernel has spread all six over two workers."""
    site, client = many
    a, b = client["phone0"], client["phone1"]
    watches = []
    for i in range(2, 6):
        me = NUMBERS[f"phone{i}"]
        for number in ("1001", "1002"):
            w = Watch(site, client[f"phone{i}"], me, number)
            assert w.ok.code == 200 and w.ok.get("Expires") == "600"
            w.until("active", 'state="full"')
            watches.append(w)
    assert now(site, "subscriptions_now") == [8]
    one, two, _ = establish(a, aor(site, "1001"), b, aor(site, "1002"))
    by_client = {}
    for w in watches:
        by_client.setdefault(w.client, set()).add(w.number)
    for c, numbers in by_client.items():
        lit = set()
        while lit != numbers:
            m = expect(c, "NOTIFY", timeout=6)
            c.reply(m, 200)
            body = m.body.decode()
            assert "call-id=" not in body     # not of their pickup group
            if "<state>confirmed</state>" in body:
                lit.add(re.search(r'entity="sip:(\d+)@', body).group(1))
    one.client.send(one.request("BYE"))
    assert expect(one.client, 200)
    two.client.reply(expect(two.client, "BYE"), 200)
    for c, numbers in by_client.items():
        dark = set()
        while dark != numbers:
            m = expect(c, "NOTIFY", timeout=6)
            c.reply(m, 200)
            if "<state>terminated</state>" in m.body.decode():
                dark.add(re.search(r'entity="sip:(\d+)@', m.body.decode()).group(1))
    for c in by_client:
        c.stop()
    nothing_left(site, 12)
    board = site.json("status")["workers"]
    assert sum(w["watches"] for w in board) == 8


@pytest.mark.long
def test_killed_while_it_is_watched(many):
    """The watched phone dies in each state of its call: the lamp goes out."""
    site, client = many
    watch = Watch(site, client["phone5"], "1006", "1002")
    watch.until("active")
    for name in ("phone1", "phone2"):
        number = NUMBERS[name]
        if number != "1002":
            watch = Watch(site, client["phone5"], "1006", number)
            watch.until("active")
        caller = client["phone0"]
        if name == "phone1":                          # while it rings
            caller.call_id = "rings@test"
            caller.send(caller.request("INVITE", aor(site, number), sender=aor(site, "1001"), to=aor(site, number),
                                       headers=[SDP], body=sdp()))
            got = expect(client[name], "INVITE")
            client[name].reply(got, 180, "Ringing", headers=[f"Contact: <sip:x@{client[name].here()};transport=tls>"])
            watch.until("<state>early</state>")
        else:                                         # in the call
            establish(caller, aor(site, "1001"), client[name], aor(site, number))
            watch.until("<state>confirmed</state>")
        client[name].socket.close()
        watch.until("<state>terminated</state>")
        if name == "phone2":
            caller.reply(expect(caller, "BYE", timeout=8), 200)
        else:
            expect(caller, 480)
            caller.send(caller.request("ACK", aor(site, number), sender=aor(site, "1001"), to=aor(site, number)))
    for c in client.values():
        c.stop()
    nothing_left(site, 45)


def test_who_may_watch(make_site):
    """By default the pickup group, and only it is shown what Replaces needs."""
    site = make_site(phones={"phone0": "1001", "phone1": "1002", "phone2": "1003"}, up=False)
    csv = site.dir / "phones.csv"
    csv.write_text("".join(line + (",pickup_group" if line.startswith("name,") else
                                   ",front" if line[:6] in ("phone0", "phone1") else
                                   "," if line.startswith("phone2") else "") + "\n"
                           for line in csv.read_text().splitlines()))
    site.up()
    client = {name: register(site, name) for name in ("phone0", "phone1", "phone2")}
    assert Watch(site, client["phone2"], "1003", "1002").ok.code == 403
    assert Watch(site, client["phone2"], "1003", "1002", "presence").ok.code == 403
    assert Watch(site, client["phone0"], "1001", "1002", "message-summary").ok.code == 403
    refused = Watch(site, client["phone0"], "1001", "1002", "conference").ok
    assert refused.code == 489 and "dialog" in refused.get("Allow-Events")
    watch = Watch(site, client["phone0"], "1001", "1002")
    watch.until("active")
    establish(client["phone2"], aor(site, "1003"), client["phone1"], aor(site, "1002"))
    m = watch.until("<state>confirmed</state>").body.decode()
    assert f'local-tag="{client["phone1"].tag}"' in m and 'remote-tag="rf' in m and "call-id=" in m
    assert site.wait_event("watch.refused", rule="watch-policy", number="1002")
    # a stranger with everything that stands in the dialog
    eve = client["phone2"]
    eve.call_id = watch.client.call_id
    eve.send(eve.request("SUBSCRIBE", uri(watch.ok.get("Contact")), sender=aor(site, "1001"), to=aor(site, "1002"),
                         to_tag=watch.ok.get("To").split("tag=")[1], headers=["Event: dialog", "Expires: 0"])
             .replace(eve.tag.encode(), watch.client.tag.encode()))
    assert expect(eve, 403)
    assert now(site, "subscriptions_now") == [1]
