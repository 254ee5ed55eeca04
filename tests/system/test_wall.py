"""The wall on a router: rules applied, confirmed and taken back; pinholes; drops on record."""
import json
import os
import shutil
import signal
import socket
import subprocess
import time

import pytest

import streams
from house import SITE, House
from lab import wait_until


def why_not():
    if os.geteuid() != 0:
        return "only root makes routers of namespaces"
    if not shutil.which("nft"):
        return "there is no nft"
    done = subprocess.run(["unshare", "-n", "nft", "-f", "-"], input="table inet t {\n\tset s { type inet_proto . ipv4_addr . "
                          "inet_service; flags timeout; }\n}\n", capture_output=True, text=True)
    return f"this kernel takes no rules: {done.stderr.strip()}" if done.returncode else None


pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "")

# One more flow than SITE: the next bundle.
OTHER = SITE.replace("services: workstation }", "services: workstation }\n"
                     "  - { name: depot, zone: admin, address: 10.50.0.16, services: log }")


@pytest.fixture
def house(tmp_path):
    h = House(tmp_path)
    yield h
    h.close()


@pytest.fixture
def guarded(house):
    """A house whose wall runs with a confirmed bundle."""
    bundle = house.compile()
    house.start()
    house.ok("apply", bundle)
    house.ok("confirm")
    return house


def digest(house):
    rules = house.status().get("rules")
    return rules and rules["bundle"]


def pair(src, sport, dst, dport):
    return f"udp/{src}/{sport}/{dst}/{dport}", f"udp/{dst}/{dport}/{src}/{sport}"


class Media:
    """A datagram from one zone to another: does it arrive?"""

    def __init__(self, house, a, a_zone, b, b_zone, family=socket.AF_INET):
        self.a, self.b = house.spaces[a_zone].socket(family), house.spaces[b_zone].socket(family)
        self.a.bind(a)
        self.b.bind(b)
        self.to = b
        self.count = 0

    def passes(self, wait=0.15):
        self.count += 1
        text = str(self.count).encode()
        self.a.sendto(text, self.to)
        self.b.settimeout(wait)
        try:
            while self.b.recv(100) != text:
                pass
            return True
        except TimeoutError:
            return False

    def close(self):
        self.a.close()
        self.b.close()


# ---- bundles

def test_apply_confirm_and_start_again(house):
    bundle = house.compile()
    house.start()
    assert house.status()["rules"] is None and not house.rules()
    assert "confirm" in house.ok("apply", bundle, "--confirm", 30)
    first = digest(house)
    assert first and "chain forward" in house.rules()
    assert not house.status()["rules"]["confirmed"]
    house.ok("confirm")
    assert house.status()["rules"]["confirmed"]
    assert house.call("confirm").returncode == 1
    assert house.stop() == 0
    subprocess.run(house.rt.argv("nft", "flush", "ruleset"), check=True)
    house.start()
    assert digest(house) == first and "chain forward" in house.rules()
    assert house.recorded("wall.applied") and house.recorded("wall.confirmed")


def test_nobody_confirms(guarded):
    first = digest(guarded)
    before = guarded.rules()
    guarded.ok("apply", guarded.compile("other", OTHER), "--confirm", 1)
    assert digest(guarded) != first
    wait_until("the rules before", lambda: digest(guarded) == first, 10)
    assert guarded.status()["rules"]["confirmed"]
    assert strip(guarded.rules()) == strip(before)
    reverted = guarded.recorded("wall.reverted")
    assert reverted and "in time" in reverted[-1]["why"]


def strip(rules):
    """Without what packets have changed."""
    return [line for line in rules.splitlines() if "packets" not in line and "expires" not in line]


def test_management_cut_off(guarded):
    """The next bundle knows no workstation: who administers is out, and in again when the time is over."""
    def ssh():
        with guarded.spaces["admin"].socket(kind=socket.SOCK_STREAM) as s:
            s.settimeout(0.3)
            try:
                s.connect(("10.50.0.1", 22))
            except ConnectionRefusedError:
                return True # nobody listens: the packet came through
            except TimeoutError:
                return False
            return True

    assert ssh()
    guarded.ok("apply", guarded.compile("other", SITE.replace("services: workstation", "services: ids")), "--confirm", 2)
    assert not ssh()
    wait_until("management again", ssh, 10)
    assert guarded.recorded("wall.reverted")


@pytest.mark.parametrize("whom", [("front",), ("hand",), ("front", "hand", "guard"), ("guard", "hand")])
def test_killed_while_unconfirmed(guarded, whom):
    first = digest(guarded)
    before = strip(guarded.rules())
    guarded.ok("apply", guarded.compile("other", OTHER), "--confirm", 600)
    assert strip(guarded.rules()) != before
    guarded.kill(*whom)
    if "guard" not in whom:
        wait_until("the rules before", lambda: strip(guarded.rules()) == before, 10)
    guarded.wall.wait(20)
    wait_until("its processes have ended", lambda: not any(guarded.pids().values()), 10)
    guarded.start()
    assert digest(guarded) == first and strip(guarded.rules()) == before
    assert guarded.status()["rules"]["confirmed"]
    assert guarded.recorded("wall.reverted")


def test_killed_when_confirmed(guarded):
    first, before = digest(guarded), strip(guarded.rules())
    guarded.kill("front", "hand", "guard")
    assert strip(guarded.rules()) == before
    guarded.start()
    assert digest(guarded) == first and strip(guarded.rules()) == before
    assert not guarded.events("wall.reverted")


def test_refused(guarded, tmp_path):
    first = digest(guarded)

    def refused(bundle, word, *more):
        done = guarded.call("apply", bundle, *more)
        assert done.returncode == 1 and word in done.stderr, f"{done.returncode} {done.stderr}"
        assert digest(guarded) == first

    good = guarded.compile()
    unsigned = tmp_path / "unsigned"
    shutil.copytree(good, unsigned)
    (unsigned / "MANIFEST.sig").unlink()
    refused(unsigned, "not signed")
    changed = tmp_path / "changed"
    shutil.copytree(good, changed)
    rules = changed / "routers" / "rt" / "ringfort.nft"
    rules.write_text(rules.read_text().replace("policy drop", "policy accept"))
    refused(changed, "MANIFEST")
    forged = tmp_path / "forged"
    shutil.copytree(good, forged)
    (forged / "MANIFEST").write_text((forged / "MANIFEST").read_text().replace("level medium", "level minimum"))
    refused(forged, "signed")
    refused(good, "not for", "--router", "other")
    text = (guarded.dir / "site.yaml").read_text()
    other = guarded.compile("other", OTHER)
    (guarded.dir / "site.yaml").write_text(text)
    refused(other, "another site.yaml")


def test_the_hand_believes_nobody(guarded):
    """Past the command, straight into the wall's folder: as one would who took the front over."""
    first, before = digest(guarded), strip(guarded.rules())
    good = guarded.compile("other", OTHER)
    wall = guarded.dir / "wall"
    parts = {"manifest": good / "MANIFEST", "sig": good / "MANIFEST.sig", "nft": good / "routers" / "rt" / "ringfort.nft"}

    def put(**changed):
        for name, path in parts.items():
            data = path.read_bytes()
            (wall / f"incoming.{name}").write_bytes(changed[name](data) if name in changed else data)
        return ask(guarded, {"do": "apply", "confirm": "30"})

    assert not put(nft=lambda d: d + b"\n")["ok"]
    assert not put(nft=lambda d: d.replace(b"policy drop", b"policy accept"))["ok"]
    assert not put(manifest=lambda d: d.replace(b"site house", b"site other"))["ok"]
    assert not put(sig=lambda d: d[:200])["ok"]
    assert not put(sig=lambda d: b"")["ok"]
    assert digest(guarded) == first and strip(guarded.rules()) == before
    assert guarded.recorded("wall.refused")
    assert put()["ok"]


def ask(house, question):
    s = socket.socket(socket.AF_UNIX)
    here = os.open(".", os.O_RDONLY)
    try:
        os.chdir(house.dir / "state")
        s.connect("wall.sock")
    finally:
        os.fchdir(here)
        os.close(here)
    with s:
        s.settimeout(30)
        s.sendall(json.dumps(question).encode() + b"\n")
        return json.loads(s.makefile().readline())


def test_older(guarded):
    old = guarded.compile("old", OTHER)
    time.sleep(1.1)  # times of signing are in seconds
    new = guarded.compile("new", OTHER.replace("10.50.0.16", "10.50.0.17"))
    guarded.ok("apply", new)
    guarded.ok("confirm")
    (guarded.dir / "site.yaml").write_text(OTHER)
    done = guarded.call("apply", old)
    assert done.returncode == 1 and "--older" in done.stderr
    guarded.ok("apply", old, "--older")


def test_what_it_has_given_up(guarded):
    pids = guarded.pids()
    caps = {}
    for name in ("front", "hand", "guard"):
        text = open(f"/proc/{pids[name]}/status").read()
        caps[name] = int(next(x for x in text.splitlines() if x.startswith("CapPrm")).split()[1], 16)
        assert "NoNewPrivs:\t1" in text
    assert caps == {"front": 0, "hand": 1 << 12, "guard": 1 << 12}


# ---- pinholes

def test_media_passes_while_its_pinhole_is_open(guarded):
    out = Media(guarded, ("10.60.0.12", 20000), "border", ("198.51.100.7", 30000), "internet")
    back = Media(guarded, ("198.51.100.7", 30001), "internet", ("10.60.0.12", 20001), "border")
    edge = guarded.client()
    assert not out.passes() and not back.passes()
    a, b = pair("10.60.0.12", 20000, "198.51.100.7", 30000)[0], pair("198.51.100.7", 30001, "10.60.0.12", 20001)[0]
    assert edge.ask("open", 30, a, b) == "ok"
    assert out.passes() and back.passes()
    assert edge.ask("refresh", 30, a) == "ok"
    assert guarded.status()["pinholes"]["now"] == 2
    assert edge.ask("close", a) == "ok"
    assert not out.passes() and back.passes()   # a flow that runs stops at once
    assert edge.ask("close", a) == "no unknown 0"
    assert edge.ask("refresh", 30, a) == "no unknown 0"
    edge.close()
    out.close()
    back.close()


def test_ipv6(guarded):
    media = Media(guarded, ("fd00:60::12", 20000), "border", ("fd00:30::50", 20002), "phone", socket.AF_INET6)
    edge = guarded.client()
    tuple6 = "udp/fd00:60::12/20000/fd00:30::50/20002"
    assert not media.passes()
    assert edge.ask("open", 30, tuple6) == "ok"
    wait_until("neighbours know each other, and media passes", media.passes, 5)
    assert edge.ask("close", tuple6) == "ok"
    assert not media.passes()
    media.close()


def elements(house, name):
    done = json.loads(house.rt.run("nft", "-j", "list", "set", "inet", "ringfort", name))
    return next(x["set"] for x in done["nftables"] if "set" in x).get("elem", [])


def test_openings(guarded):
    """Any port of one address to one port of ours and back, for a while; all of it gone the moment that it is closed."""
    relay = guarded.client("relay", "10.60.0.12")
    def place(zone, ip, port):
        s = guarded.spaces[zone].socket()
        s.bind((ip, port))
        return s

    def passes(a, b):
        a.sendto(b"x", b.getsockname())
        b.settimeout(0.15)
        try:
            return b.recvfrom(10)[1] == a.getsockname()
        except TimeoutError:
            return False

    ours, beside = place("border", "10.60.0.12", 20000), place("border", "10.60.0.12", 20002)
    one, two, low = (place("internet", "198.51.100.7", p) for p in (30000, 44444, 1000))
    stranger = place("internet", "203.0.113.9", 30000)
    hole = "udp/198.51.100.7/any/10.60.0.12/20000"
    assert not passes(one, ours) and not passes(ours, one)
    assert relay.ask("open", 61, hole) == "no denied 0" and relay.ask("open", 60, hole) == "ok"
    assert passes(one, ours) and passes(two, ours) and passes(ours, two)
    assert not passes(stranger, ours) and not passes(one, beside) and not passes(low, ours)
    assert relay.ask("refresh", 60, hole) == "no denied 0" and relay.ask("open", 60, hole) == "ok"
    assert guarded.status()["pinholes"]["openings"] == 1
    # It crosses a change of rules, with the time that is left.
    guarded.ok("apply", guarded.compile())
    guarded.ok("confirm")
    assert len(elements(guarded, "openings4")) == 1 and passes(two, ours)
    assert relay.ask("close", hole) == "ok"
    assert not passes(one, ours) and not passes(two, ours) and not passes(ours, two) and not elements(guarded, "openings4")
    assert relay.ask("open", 1, hole) == "ok"
    wait_until("it ends by itself", lambda: guarded.status()["pinholes"]["openings"] == 0 and not passes(one, ours), 4)
    why = {e["why"] for e in guarded.recorded("wall.refused")}
    assert "an opening for UDP ends by itself within 60 seconds" in why
    for s in (ours, beside, one, two, low, stranger, relay):
        s.close()


def test_a_connection(guarded):
    """It begins through an opening, goes on by its own pinholes, and stops at once with them: nobody tracks it."""
    relay = guarded.client("relay", "10.60.0.12")
    ours = guarded.spaces["border"].socket(kind=socket.SOCK_STREAM)
    ours.bind(("10.60.0.12", 20010))
    ours.listen(1)
    hole = "tcp/198.51.100.7/any/10.60.0.12/20010"
    there = guarded.spaces["internet"]
    assert streams.connect(there, "198.51.100.7", ours.getsockname(), 0.2) is None
    assert relay.ask("open", 60, hole) == "ok"
    assert streams.connect(there, "203.0.113.9", ours.getsockname(), 0.2) is None
    a = streams.connect(there, "198.51.100.7", ours.getsockname())
    b, _ = ours.accept()
    exact = [x.replace("udp", "tcp") for x in pair("10.60.0.12", 20010, *a.getsockname())]
    assert streams.says(a, b, b"by the opening") and relay.ask("open", 60, *exact) == "ok" and relay.ask("close", hole) == "ok"
    assert streams.says(a, b, b"by its own") and streams.says(b, a, b"both ways")
    assert streams.connect(there, "198.51.100.7", ours.getsockname(), 0.2) is None
    assert relay.ask("close", *exact) == "ok"
    assert not streams.says(a, b, b"not any more", 0.3) and not streams.says(b, a, b"nor back", 0.3)
    assert relay.ask("open", 60, *exact) == "ok"      # they have not noticed: what was sent comes when it is sent again
    a.settimeout(5)
    b.settimeout(5)
    assert b.recv(100) == b"not any more" and a.recv(100) == b"nor back"
    assert relay.ask("close", *exact) == "ok"
    for s in (a, b, ours, relay):
        s.close()


def test_time_is_over(guarded):
    media = Media(guarded, ("10.60.0.12", 20000), "border", ("10.30.0.50", 20002), "phone")
    edge = guarded.client("relay", "10.60.0.12")
    hole = "udp/10.60.0.12/20000/10.30.0.50/20002"
    assert edge.ask("open", 1, hole) == "ok" and media.passes()
    for _ in range(3):
        time.sleep(0.6)
        assert edge.ask("refresh", 1, hole) == "ok" and media.passes()
    wait_until("its end", lambda: not media.passes(), 3)
    assert guarded.status()["pinholes"]["now"] == 0
    media.close()


def test_only_media_of_the_site(guarded):
    """What a border or relay that was taken over gets."""
    edge, relay = guarded.client(), guarded.client("relay", "10.60.0.12")
    for hole in ["tcp/10.60.0.12/20000/198.51.100.7/443",         # not media
                 "tcp/198.51.100.7/any/10.60.0.12/5061",          # openings to other ports, other ends, from other zones
                 "udp/10.60.0.12/any/198.51.100.7/30000", "tcp/198.51.100.7/any/10.60.0.66/20000",
                 "udp/10.20.0.11/any/10.60.0.12/20000", "udp/224.0.0.1/any/10.60.0.12/20000",
                 "udp/10.60.0.12/20000/198.51.100.7/53",          # another port
                 "udp/10.60.0.12/53/198.51.100.7/30000",
                 "udp/10.60.0.12/20000/10.20.0.11/20000",         # zones without such a flow
                 "udp/10.60.0.12/20000/10.50.0.101/20000",
                 "udp/10.30.0.50/20000/10.20.0.11/20000",
                 "udp/10.30.0.50/20000/198.51.100.7/20000",       # no relay at either end
                 "udp/10.60.0.66/20000/198.51.100.7/30000",       # nobody's address
                 "udp/10.60.0.12/20000/224.0.0.1/30000", "udp/10.60.0.12/20000/127.0.0.1/30000",
                 "udp/10.60.0.12/20000/255.255.255.255/30000"]:
        assert edge.ask("open", 30, hole) == "no denied 0", hole
        assert relay.ask("open", 30, hole) == "no denied 0", hole
    good = "udp/10.60.0.12/20000/198.51.100.7/30000"
    assert edge.ask("open", 30, good, "udp/10.60.0.12/20000/10.20.0.11/20000") == "no denied 1"
    assert guarded.status()["pinholes"]["now"] == 0               # all or nothing
    assert relay.ask("open", 30, good) == "ok"
    assert edge.ask("close", good) == "no unknown 0"              # another's
    assert edge.ask("open", 30, good) == "ok"                     # a standby takes it over
    assert relay.ask("close", good) == "no unknown 0"
    assert edge.ask("close", good) == "ok"
    wait_until("the refusal on record", lambda: guarded.events("wall.refused"), 5)


def test_who_may_ask(guarded, tmp_path):
    for host, address in (("ctl-a", "10.60.0.11"), ("desk", "10.60.0.11"), ("edge", "10.60.0.12")):
        with pytest.raises((ConnectionError, OSError)):
            guarded.client(host, address)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                    tmp_path / "key.pem", "-out", tmp_path / "cert.pem", "-subj", "/CN=edge", "-addext",
                    "subjectAltName=URI:sip:voice.example.org,IP:10.60.0.11"], check=True, capture_output=True)
    with pytest.raises((ConnectionError, OSError)):
        guarded.client("edge", "10.60.0.11", cert=tmp_path)
    guarded.client().close()
    assert guarded.status()["pinholes"]["refused"] >= 3


def test_a_host_that_is_no_relay_any_more(guarded):
    relay = guarded.client("relay", "10.60.0.12")
    hole = "udp/10.60.0.12/20000/198.51.100.7/30000"
    assert relay.ask("open", 60, hole) == "ok" and relay.ask("refresh", 60, hole) == "ok"
    (guarded.dir / "site.yaml").write_text(SITE.replace("roles: relay", "roles: gateway").replace("zone: border, address: 10.60.0.12",
                                                                                          "zone: border, address: 10.60.0.13"))
    os.kill(guarded.pids()["front"], signal.SIGHUP)
    wait_until("it is taken up", lambda: guarded.events("config.loaded") or guarded.events("config.refused"), 5)
    assert guarded.events("config.loaded"), guarded.log()
    assert relay.line() == ""     # its connection ends, and what it had opened is closed
    wait_until("nothing is open", lambda: not guarded.status()["pinholes"]["now"], 5)


def test_lines_that_are_none(guarded):
    for text in (b"\n", b"x\n", b"1\n", b"1 open\n", b"1 open 30\n", b"1 open 0 udp/10.60.0.12/1/10.30.0.50/2\n", b"1 ping x\n",
                 b"1 open 30 udp/10.60.0.12/1/10.30.0.50\n", b"\x00\xff\n", b"1 " + b"a" * 20000):
        c = guarded.client()
        c.send(text)
        answer = c.line()
        assert "malformed" in answer and c.line() == "", (text, answer)
        c.close()
    c = guarded.client()
    assert c.ask("ping") == "ok"
    c.send(b"7 open 30 udp/10.60.0.12/20000/10.30.0.50")  # in pieces
    c.send(b"/20002\n")
    assert c.line() == "7 ok"


def test_flood(guarded):
    """More than it takes is answered with busy or limit; what was open goes on."""
    edge, relay = guarded.client(), guarded.client("relay", "10.60.0.12")
    hole = "udp/10.60.0.12/20000/10.30.0.50/20002"
    media = Media(guarded, ("10.60.0.12", 20000), "border", ("10.30.0.50", 20002), "phone")
    assert relay.ask("open", 60, hole) == "ok"
    lines, answers = [], {}
    for i in range(600):
        holes = " ".join(f"udp/10.60.0.12/{16384 + i}/198.51.100.7/{1024 + i * 64 + k}" for k in range(64))
        lines.append(f"{i} open 60 {holes}\n")
    edge.s.settimeout(30)
    for at in range(0, len(lines), 50):
        edge.send("".join(lines[at:at + 50]))
        for _ in range(50):
            word = edge.line().split(" ", 1)[1]
            answers[word] = answers.get(word, 0) + 1
    assert media.passes()
    assert answers["ok"] == 30000 // 64 and answers["no limit"] == 600 - 30000 // 64
    assert relay.ask("close", hole) == "ok" and not media.passes()
    edge.close()
    media.close()


def test_pinholes_outlive_a_bundle_and_the_wall(guarded):
    media = Media(guarded, ("10.60.0.12", 20000), "border", ("10.30.0.50", 20002), "phone")
    edge = guarded.client()
    assert edge.ask("open", 60, "udp/10.60.0.12/20000/10.30.0.50/20002") == "ok"
    guarded.ok("apply", guarded.compile("other", OTHER))
    assert media.passes()
    guarded.ok("confirm")
    edge.close()
    guarded.kill("front")
    wait_until("its processes have ended", lambda: not any(guarded.pids().values()), 10)
    guarded.start()
    assert media.passes()
    media.close()


# ---- addresses that attack

def test_who_is_blocked_is_not_heard(guarded):
    """Before anything else is looked at: also where a pinhole is open. Others are heard, and so is it when time is over."""
    bad = Media(guarded, ("203.0.113.9", 30000), "internet", ("10.60.0.12", 20000), "border")
    good = Media(guarded, ("198.51.100.7", 30000), "internet", ("10.60.0.12", 20002), "border")
    edge = guarded.client()
    assert edge.ask("open", 60, "udp/203.0.113.9/30000/10.60.0.12/20000", "udp/198.51.100.7/30000/10.60.0.12/20002") == "ok"
    assert bad.passes() and good.passes()
    assert edge.ask("block", 600, "203.0.113.9", "2001:db8::9") == "ok"
    assert not bad.passes() and good.passes()
    assert sorted(b["address"] for b in guarded.status()["blocked"]) == ["2001:db8::9", "203.0.113.9"]
    assert next(d for d in guarded.status()["drops"] if d["rule"] == "blocked")["packets"] > 0
    assert edge.ask("unblock", "203.0.113.9") == "ok" and bad.passes()
    assert edge.ask("unblock", "203.0.113.9") == "no unknown 0"
    assert edge.ask("block", 1, "203.0.113.9") == "ok" and not bad.passes()
    assert edge.ask("block", 2, "203.0.113.9") == "ok"      # for longer
    wait_until("it is heard again", bad.passes, 10)
    wait_until("nobody but the other one is blocked", lambda: len(guarded.status()["blocked"]) == 1, 5)
    bad.close()
    good.close()


def test_whom_nobody_can_block(guarded):
    """A border that was taken over, or fooled by forged packets, cannot cut off the site or its carrier."""
    edge, relay = guarded.client(), guarded.client("relay", "10.60.0.12")
    assert relay.ask("block", 60, "203.0.113.9") == "no denied 0"
    for address in ("10.20.0.11", "10.60.0.12", "10.30.0.50", "198.51.100.7", "192.0.2.1", "127.0.0.1", "fd00:30::50", "::1"):
        assert edge.ask("block", 60, "203.0.113.8", address) == "no denied 1", address
    assert not guarded.status()["blocked"]
    assert edge.ask("block", 60, "203.0.113.9") == "ok" and relay.ask("unblock", "203.0.113.9") == "no denied 0"
    lines = [" ".join(f"100.64.{(n * 64 + k) >> 8}.{(n * 64 + k) & 255}" for k in range(64)) for n in range(140)]
    answers = [edge.ask("block", 600, line) for line in lines]
    assert answers.count("ok") == (8192 - 1) // 64 and answers[-1] == "no limit"


def test_blocks_outlive_a_bundle_and_who_asked(guarded):
    bad = Media(guarded, ("203.0.113.9", 30000), "internet", ("10.60.0.12", 20000), "border")
    edge = guarded.client()
    assert edge.ask("open", 60, "udp/203.0.113.9/30000/10.60.0.12/20000") == "ok"
    assert edge.ask("block", 600, "203.0.113.9") == "ok"
    edge.close()
    guarded.ok("apply", guarded.compile("other", OTHER))
    guarded.ok("confirm")
    assert not bad.passes()
    guarded.kill("front")
    wait_until("its processes have ended", lambda: not any(guarded.pids().values()), 10)
    guarded.start()
    assert not bad.passes()
    bad.close()


@pytest.mark.long
def test_who_has_gone_loses_its_pinholes(guarded):
    edge = guarded.client()
    assert edge.ask("open", 600, "udp/10.60.0.12/20000/10.30.0.50/20002") == "ok"
    edge.close()
    wait_until("it is closed", lambda: guarded.status()["pinholes"]["now"] == 0, 20)


# ---- drops

def test_drops_go_on_record(house):
    bundle = house.compile()
    house.start(drops_s=1)
    house.ok("apply", bundle)
    house.ok("confirm")
    media = Media(house, ("10.30.0.50", 4000), "phone", ("10.20.0.11", 4001), "server")
    for _ in range(5):
        media.a.sendto(b"x", media.to)
    spoofed = house.spaces["phone"]
    spoofed.run("ip", "addr", "add", "10.77.0.1/32", "dev", "eth0")
    s = spoofed.socket()
    s.bind(("10.77.0.1", 4000))
    s.sendto(b"x", ("10.20.0.11", 4001))
    wait_until("both rules on record", lambda: len({e["rule"] for e in house.events("wall.drops")}) >= 2, 10)
    by_rule = {e["rule"]: e for e in house.events("wall.drops")}
    spoof = next(e for r, e in by_rule.items() if "source-in-zone" in r)
    assert spoof["packets"] == 1 and "10.77.0.1 4000 > 10.20.0.11 4001" in spoof["sample"]
    assert any(e["packets"] >= 5 and "udp 10.30.0.50 4000" in e.get("sample", "") for e in by_rule.values())
    assert {d["rule"] for d in house.status()["drops"]} >= set(by_rule)
    media.close()
    s.close()
