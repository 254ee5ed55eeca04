"""A relay of a site with a wall between it and everybody: pinholes for exactly a call's addresses and ports, as long as it lasts."""
import json
import os
import socket
import ssl
import subprocess
import time

import pytest

import checks
from anchor import Call, Ng, Party, Refused, Relay
from house import SITE, House
from lab import RINGFORT, wait_until
from streams import Home, Phone, connect, describe, listen, place, says
from test_wall import why_not

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "")

PLAIN = SITE.replace("level: medium", "level: minimum").replace("trunks:", "media: { encryption: optional }\nrelay: { workers: 2 }\ntrunks:") + """\
deviations:
  - { mitigation: ph-auth-media-encryption, reason: "media in clear is easier to look at", approved_by: "the tests", until: 2099-12-31 }
"""
RELAY, EDGE, PHONE, PEER = "10.60.0.12", "10.60.0.11", "10.30.0.50", "198.51.100.7"


class Anchored(House):
    """A house with a relay in its border zone, and whoever speaks with it as its border would."""

    def start_relay(self):
        self.relay = Relay(self.dir, ["run", "relay", "--host", "relay", "--drops-every", 1], prefix=self.spaces["border"].argv())
        wait_until("the wall can be asked", lambda: self.pins().get("walls", [{}])[0].get("up"), 10)
        return self.relay

    def pins(self):
        return self.relay.status().get("pinholes", {})

    def border(self, host="edge", address=EDGE):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.dir / "pki" / "ca.pem")
        where = self.dir / "pki" / "hosts" / host
        context.load_cert_chain(where / "cert.pem", where / "key.pem")
        raw = self.spaces["border"].socket(kind=socket.SOCK_STREAM)
        raw.bind((address, 0))
        raw.connect((RELAY, 2223))
        return Ng(context.wrap_socket(raw, server_hostname="relay.voice.example.org"))

    def party(self, zone, address, port, family=socket.AF_INET):
        return Party(address, port, lambda f, k: self.spaces[zone].socket(f, k), family)

    def told(self, kind):
        """On the relay's own record, once there is one."""
        def events():
            out = self.call("ledger", "show", "--role", "relay", "--json", "--kind", kind).stdout
            return [json.loads(line) for line in out.splitlines()]
        wait_until(f"{kind} on record", events, 5)
        return events()

    def close(self):
        try:
            if hasattr(self, "relay"):
                self.relay.stop()
        finally:
            super().close()


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    h = Anchored(tmp_path_factory.mktemp("house"))
    (h.dir / "site.yaml").write_text(PLAIN)
    bundle = h.compile()
    h.start()
    h.ok("apply", bundle)
    h.ok("confirm")
    yield h
    h.close()


@pytest.fixture
def house(built):
    built.start_relay()
    yield built
    built.relay.stop()
    assert built.relay.process.returncode == 0, built.relay.log()


@pytest.fixture
def call(house):
    ng = house.border()
    call = Call(ng, house.party("phone", PHONE, 20002), house.party("internet", PEER, 30000), direction=["inside", "outside"])
    yield call
    for x in (call.a, call.b, ng):
        x.close()


def wall_pins(house):
    return house.status()["pinholes"]["now"]


def test_open_with_the_call_and_closed_with_it(house, call):
    call.up()
    wait_until("the wall has opened what it needs", lambda: house.pins()["walls"][0]["waiting"] == 0 and wall_pins(house) == 8, 5)
    call.speaks()
    stranger = house.party("internet", "192.0.2.1", 30000)
    stranger.to = call.b.to
    packet = stranger.send()                       # nor from where the call is not
    assert not call.a.hears(packet, 0.2)
    dropped = {d["rule"]: d["packets"] for d in house.status()["drops"]}
    assert sum(dropped.values()) >= 1
    assert "source" not in house.relay.status()["drops"]   # the wall kept it out, the relay never saw it
    call.delete()
    wait_until("nothing is open", lambda: wall_pins(house) == 0, 5)
    counts = house.relay.counts()
    assert counts["sessions"] == 0
    before = house.status()["drops"]
    assert call.silent()
    after = {d["rule"]: d["packets"] for d in house.status()["drops"]}
    assert sum(after.values()) > sum(d["packets"] for d in before)  # the running flow stopped at the wall
    stranger.close()


class Checked:
    """A call whose outer party knows ICE: a plain phone inside, candidates outside, one of which is where it is."""

    def __init__(self, house, ports=(30040, 30042), **answer):
        self.ng = house.border()
        self.a = house.party("phone", PHONE, 20030)
        self.b, self.other = (house.party("internet", PEER, p) for p in ports)
        self.strange = house.party("internet", PEER, 30050)
        ice = "a=ice-ufrag:peer\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\na=rtcp-mux\r\n" + "".join(
            f"a=candidate:{i} 1 udp {9 - i} {PEER} {x.port} typ host\r\n" for i, x in enumerate((self.b, self.other)))
        fields = {"call_id": f"ice-{self.b.port}-{len(answer)}", "from_tag": "a"}
        offer = self.ng.ask("offer", **fields, sdp=self.a.sdp(), ICE="force", direction=["inside", "outside"], rtcp_mux=["offer"])
        self.b.learn(offer["sdp"])
        self.other.to = self.strange.to = self.b.to
        self.ufrag, self.password = checks.credentials(offer["sdp"])
        # The default address is nobody's: what counts is candidates.
        sdp = self.b.sdp(extra=ice).replace(f"m=audio {self.b.port}", "m=audio 9")
        self.a.learn(self.ng.ask("answer", **fields, to_tag="b", sdp=sdp, ICE="remove", **answer)["sdp"])
        self.fields = fields

    def check(self, who, **kw):
        """Is it answered?"""
        who.s.sendto(checks.check(self.ufrag, "peer", self.password, **kw), who.to)
        who.s.settimeout(0.2)
        try:
            while True:
                if checks.is_success(who.s.recv(2000)):
                    return True
        except TimeoutError:
            return False

    def close(self):
        for x in (self.a, self.b, self.other, self.strange, self.ng):
            x.close()


def test_ice_through_the_wall(house):
    """The wall lets checks from the candidates through, and no others; after a nomination nothing but what was nominated."""
    c = Checked(house)
    wait_until("a's ports, and two candidates", lambda: wall_pins(house) == 4 + 4, 5)
    wait_until("checks are answered from where it is", lambda: c.check(c.b), 5)
    assert c.check(c.other) and not c.check(c.strange)
    assert "stun" not in house.relay.status()["drops"]     # the wall kept it out
    assert c.check(c.other, nominate=True)
    wait_until("what was nominated", lambda: wall_pins(house) == 4 + 2, 5)
    assert not c.check(c.b)
    for one, other in ((c.a, c.other), (c.other, c.a)):
        wait_until("media flows", lambda: other.hears(one.send(), 0.2), 5)
        assert all(other.hears(one.send()) for _ in range(3))
    assert c.b.hear_nothing()
    c.ng.ask("delete", **c.fields)
    wait_until("nothing is open", lambda: wall_pins(house) == 0, 5)
    assert not c.other.hears(c.a.send(), 0.2) and not c.a.hears(c.other.send(), 0.2) and not c.check(c.other)
    c.close()


def openings(house):
    return house.status()["pinholes"]["openings"]


class Stream:
    """A call of messages or floor control: who connects is the one that says so, and the relay connects to the other."""

    def __init__(self, house, proto, inside):
        self.house, self.ng, self.id = house, house.border(), f"stream-{proto}-{inside}"
        outside = {"active": "passive", "passive": "active"}[inside]
        self.at = {"phone": PHONE, "internet": PEER}
        self.setup = {"phone": inside, "internet": outside}
        self.listener = listen(house.spaces[self.passive()], self.at[self.passive()])
        port = {z: self.listener.getsockname()[1] if z == self.passive() else 9 for z in self.at}
        fields = {"call_id": self.id, "from_tag": "a", "direction": ["inside", "outside"]}
        sdp = {z: describe(self.at[z], port[z], self.setup[z], proto) for z in self.at}
        self.to = {"internet": place(self.ng.ask("offer", **fields, sdp=sdp["phone"])["sdp"])}
        self.to["phone"] = place(self.ng.ask("answer", **fields, to_tag="b", sdp=sdp["internet"])["sdp"])

    def passive(self):
        return next(z for z, s in self.setup.items() if s == "passive")

    def active(self):
        return next(z for z, s in self.setup.items() if s == "active")

    def connect(self, address=None, wait=5):
        return connect(self.house.spaces[self.active()], address or self.at[self.active()], self.to[self.active()], wait)

    def delete(self):
        self.ng.ask("delete", call_id=self.id, from_tag="a")

    def close(self):
        self.listener.close()
        self.ng.close()


@pytest.mark.parametrize("proto, inside", [("TCP/BFCP", "passive"), ("TCP/MSRP", "active")])
def test_connections(house, proto, inside):
    """Through the wall both ways: for who was signaled, one connection, no longer than the call."""
    x = Stream(house, proto, inside)
    wait_until("an opening, and the way of the relay's own connection", lambda: (wall_pins(house), openings(house)) == (3, 1), 5)
    stranger = "203.0.113.9" if x.active() == "internet" else "10.30.0.51"
    assert x.connect(stranger, 0.3) is None
    one = x.connect()
    assert one
    other, (came_from, _) = x.listener.accept()
    assert came_from == x.to[x.passive()][0]
    assert says(one, other, b"hello") and says(other, one, b"x" * 900)
    wait_until("both connections, and nothing else", lambda: (wall_pins(house), openings(house)) == (4, 0), 5)
    assert x.connect(wait=0.3) is None                     # nor from there a second time
    assert says(one, other, b"still here")
    assert "source" not in house.relay.status()["drops"]   # the wall kept them out, the relay never saw them
    x.delete()
    wait_until("nothing is open", lambda: wall_pins(house) == 0, 5)
    assert not says(one, other, b"anybody there?", 0.3) and x.connect(wait=0.3) is None
    house.relay.wait_empty()
    for s in (one, other, x):
        s.close()


@pytest.fixture(scope="module")
def home(built):
    h = Home(built)
    yield h
    h.close()


def test_a_nat_that_changes_ports(house, home):
    """The wall lets any port of the NAT's address through, until the first packet with the right key; then that port alone."""
    ng, a, b = house.border(), house.party("phone", PHONE, 20040), Phone(home, 30060)
    stranger, beside = house.party("internet", PEER, 30061), house.party("internet", Home.SEEN, 30062)
    fields = {"call_id": "nat", "from_tag": "a", "direction": ["inside", "outside"]}
    offer = ng.ask("offer", **fields, sdp=a.sdp(), transport_protocol="RTP/SAVP", rtcp_mux=["offer"])
    sdp = b.answer(offer["sdp"])
    assert openings(house) == 0
    a.learn(ng.ask("answer", **fields, to_tag="b", sdp=sdp, flags=["SIP-source-address"], received_from=["IP4", Home.SEEN])["sdp"])
    stranger.to = beside.to = b.to
    wait_until("an opening", lambda: openings(house) == 1, 5)
    packet = stranger.send()
    assert not a.hears(packet, 0.2) and not house.relay.status()["drops"]              # the wall kept it out
    packet = beside.send()                                                             # behind the same NAT, without the key
    assert not a.hears(packet, 0.2) and house.relay.status()["drops"].get("auth") == 1
    assert openings(house) == 1
    wait_until("the phone is heard", lambda: a.hears(b.send(), 0.3), 5)
    wait_until("its port alone is open", lambda: (openings(house), wall_pins(house)) == (0, 4 + 2), 5)
    assert f"{Home.SEEN} . 30060" not in house.rt.run("nft", "list", "set", "inet", "ringfort", "pinholes4") # not what it named
    for _ in range(5):
        assert a.hears(b.send()) and b.hears(a.send())
    before = house.relay.status()["drops"]
    for s in (stranger, beside):
        packet = s.send()
        assert not a.hears(packet, 0.2)
    assert house.relay.status()["drops"] == before                                     # the wall kept both out
    ng.ask("delete", call_id="nat", from_tag="a")
    wait_until("nothing is open", lambda: wall_pins(house) == 0, 5)
    assert not a.hears(b.send(), 0.2) and b.hear_nothing()
    for x in (a, b, stranger, beside, ng):
        x.close()


@pytest.mark.long
def test_an_opening_that_nobody_uses(house, home):
    """Ends by itself with the window, and the call goes on without it."""
    ng, a, b = house.border(), house.party("phone", PHONE, 20042), Phone(home, 30064)
    fields = {"call_id": "late", "from_tag": "a", "direction": ["inside", "outside"]}
    offer = ng.ask("offer", **fields, sdp=a.sdp(), transport_protocol="RTP/SAVP", rtcp_mux=["offer"])
    a.learn(ng.ask("answer", **fields, to_tag="b", sdp=b.answer(offer["sdp"]), flags=["SIP-source-address"],
                   received_from=["IP4", Home.SEEN])["sdp"])
    wait_until("an opening", lambda: openings(house) == 1, 5)
    wait_until("it ends", lambda: openings(house) == 0, 15)
    assert not a.hears(b.send(), 0.3) and not house.relay.status()["drops"] and wall_pins(house) == 6
    ng.ask("delete", call_id="late", from_tag="a")
    for x in (a, b, ng):
        x.close()


def test_ice_behind_a_nat(house):
    """A check from a port that no candidate names: where NAT is declared it comes through, until one is nominated."""
    c = Checked(house, flags=["SIP-source-address"], received_from=["IP4", PEER])
    wait_until("two candidates, and an opening", lambda: (wall_pins(house), openings(house)) == (4 + 4 + 1, 1), 5)
    wait_until("checks are answered from another port", lambda: c.check(c.strange), 5)
    assert c.check(c.strange, nominate=True)
    wait_until("what was nominated", lambda: (wall_pins(house), openings(house)) == (4 + 2, 0), 5)
    assert not c.check(c.b)
    for one, other in ((c.a, c.strange), (c.strange, c.a)):
        wait_until("media flows", lambda: other.hears(one.send(), 0.2), 5)
    c.ng.ask("delete", **c.fields)
    wait_until("nothing is open", lambda: wall_pins(house) == 0, 5)
    c.close()


def test_ipv6_inside_ipv4_outside(house):
    ng = house.border()
    a, b = house.party("phone", "fd00:30::50", 20004, socket.AF_INET6), house.party("internet", PEER, 30010)
    call = Call(ng, a, b, direction=["inside", "outside"])
    call.offer(address_family="IP4")
    assert "10.60.0.12" in call.b.to[0]
    call.answer()
    wait_until("pinholes of both families", lambda: wall_pins(house) == 8, 5)
    wait_until("neighbours know each other", lambda: b.hears(a.send(), 0.3), 5)
    call.speaks()
    call.delete()
    wait_until("nothing is open", lambda: wall_pins(house) == 0, 5)
    for x in (a, b, ng):
        x.close()


def test_who_may_ask(house):
    for host, address in (("ctl-a", EDGE), ("desk", EDGE), ("relay", EDGE)):
        with pytest.raises((ConnectionError, OSError)):
            ng = house.border(host, address)
            ng.ask("ping")
    ng = house.border()
    assert ng.ask("ping")["result"] == "pong"
    ng.close()


def test_a_recording(house, call):
    """Its pinholes are like anybody's, and who asked stands in the record from the question on."""
    call.up()
    wait_until("the call's pinholes", lambda: wall_pins(house) == 8, 5)
    ear = house.party("phone", PHONE, 20010)
    offer = call.ng.ask("subscribe request", call_id=call.id, from_tag="bob", to_tag="rec", interface="inside")
    call.ng.ask("subscribe answer", call_id=call.id, to_tag="rec", sdp=ear.sdp(extra="a=recvonly\r\n"))
    wait_until("its own", lambda: wall_pins(house) == 12, 5)
    wait_until("it hears", lambda: ear.hears(call.b.send(), 0.2), 5)
    with pytest.raises(Refused):
        call.ng.ask("subscribe request", call_id=call.id, from_tag="nobody")
    call.ng.ask("unsubscribe", call_id=call.id, to_tag="rec")
    wait_until("they are closed", lambda: wall_pins(house) == 8, 5)
    wait_until("its end is on record", lambda: len(house.told("relay.recording")) == 3, 5)
    asked, begun, ended = house.told("relay.recording")
    assert [e["state"] for e in (asked, begun, ended)] == ["asked", "begun", "ended"]
    assert asked["by"].startswith(EDGE) and asked["call_id"] == call.id and asked["parties"] == "bob" and asked["recorder"] == "rec"
    assert begun["to"] == f"{PHONE}:20010" and ended["why"] == "unsubscribed" and offer["from-tag"] == "bob"
    assert "no party of this session" in house.told("relay.no-recording")[0]["why"]
    call.delete()
    wait_until("nothing is open", lambda: wall_pins(house) == 0, 5)
    ear.close()


def test_the_borders_own_socket(house):
    path = house.dir / "state" / "relay-ng.sock"
    assert path.stat().st_mode & 0o777 == 0o600
    s = socket.socket(socket.AF_UNIX)
    here = os.open(".", os.O_RDONLY)
    os.chdir(path.parent)
    try:
        s.connect(path.name)
    finally:
        os.fchdir(here)
        os.close(here)
    s.settimeout(5)
    assert Ng(s).ask("ping")["result"] == "pong"
    s.close()


def test_the_wall_starts_anew(house, call):
    call.up()
    wait_until("it is open", lambda: wall_pins(house) == 8, 5)
    call.speaks()
    house.kill("front")
    wait_until("its processes have ended", lambda: not any(house.pids().values()), 10)
    call.speaks()                                  # what is open stays open
    wait_until("the relay knows", lambda: not house.pins()["walls"][0]["up"], 5)
    house.start()
    wait_until("all is told anew", lambda: house.pins()["walls"][0]["up"] and wall_pins(house) == 8, 15)
    call.speaks()
    call.delete()
    wait_until("nothing is open", lambda: wall_pins(house) == 0, 5)
    assert [e["up"] for e in house.told("relay.wall")][-2:] == [False, True]


@pytest.mark.long
def test_a_relay_that_is_killed(house, call):
    call.up()
    wait_until("it is open", lambda: wall_pins(house) == 8, 5)
    os.kill(house.relay.pid, 9)
    house.relay.process.wait(5)
    wait_until("the wall has closed what it had opened", lambda: wall_pins(house) == 0, 20)
    house.start_relay()
    with pytest.raises(OSError):
        call.ng.ask("ping")                        # its border has to come again


def test_reload(house):
    """The site file again, whole or not at all; what takes a restart is said."""
    def reload(text):
        (house.dir / "site.yaml").write_text(text)
        return house.call("reload", "--json")
    try:
        done = reload(PLAIN.replace('"fd00:60::11", roles: border', '"fd00:60::11", services: ids }\n'
                                    "  - { name: edge-b, zone: border, address: 10.60.0.66, roles: border"))
        assert done.returncode == 0 and json.loads(done.stdout)["restart"] == "", done.stdout + done.stderr
        with pytest.raises((ConnectionError, OSError)):    # edge is no border any more
            house.border().ask("ping")
        done = reload(PLAIN.replace("relay: { workers: 2 }", "relay: { workers: 2, silence: 90 }"))
        assert json.loads(done.stdout)["restart"] == "the rules of media"
        done = reload(PLAIN.replace("zone: border", "zone: nowhere"))
        assert done.returncode != 0 and "nowhere" in done.stderr
        assert house.told("config.refused")
    finally:
        assert reload(PLAIN).returncode == 0
    ng = house.border()
    assert ng.ask("ping")["result"] == "pong"
    ng.close()


def test_up_and_down(built):
    """In the background, as on a host of its own."""
    def ringfort(*args):
        return subprocess.run(built.spaces["border"].argv(RINGFORT, "-C", built.dir, *args), capture_output=True, text=True, timeout=60)
    done = ringfort("up", "--host", "relay")
    assert done.returncode == 0 and "relay is ready" in done.stdout, done.stdout + done.stderr
    try:
        wait_until("it is well", lambda: ringfort("status").returncode == 0, 10)
        shown = ringfort("status")
        assert "relay      runs" in shown.stdout and "wall       rt is there" in shown.stdout
        assert json.loads(ringfort("status", "--json").stdout)["role"] == "relay"
        assert "runs already" in ringfort("up", "--host", "relay").stdout
    finally:
        done = ringfort("down")
    assert done.returncode == 0 and "relay has stopped" in done.stdout
    assert not (built.dir / "state" / "relay-ng.sock").exists()


def test_stopped_in_order(house, call):
    """A stop takes its pinholes with it: nothing is left open behind a relay that is gone."""
    call.up()
    wait_until("it is open", lambda: wall_pins(house) == 8, 5)
    house.relay.process.terminate()
    wait_until("it is being stopped", lambda: house.relay.status()["stopping"], 5)
    call.speaks()
    house.relay.process.terminate()                # asked twice: at once
    house.relay.process.wait(5)
    assert wall_pins(house) == 0
    assert house.told("stop")


def test_many(house):
    """A thousand calls: all pinholes open, and closed again; how long it takes is printed."""
    ng = house.border()
    a, b = house.party("phone", PHONE, 20010), house.party("internet", PEER, 30020)
    n, ids = 1000, []
    began = time.monotonic()
    for at in range(0, n, 50):
        batch = [f"many-{i}" for i in range(at, at + 50)]
        for command, sdp, more in (("offer", a.sdp(), {}), ("answer", b.sdp(), {"to_tag": "b"})):
            cookies = [ng.send(command=command, call_id=i, from_tag="a", sdp=sdp, direction=["inside", "outside"], **more) for i in batch]
            for c in cookies:
                answer = ng.receive(c)
                assert answer["result"] == "ok", answer
        ids += batch
    wait_until("all is open", lambda: wall_pins(house) == 8 * n, 30, 0.02)
    opened = time.monotonic() - began
    wall = house.pins()["walls"][0]
    print(f"\n{8 * n} pinholes of {n} calls in {opened:.2f} s, {8 * n / opened:.0f} a second; "
          f"wanted to open {wall['open_us'] / 1000:.1f} ms on average, {wall['open_us_max'] / 1000:.1f} ms at most")
    assert wall["denied"] == wall["limit"] == wall["kernel"] == 0
    for at in range(0, n, 50):
        for c in [ng.send(command="delete", call_id=i, from_tag="a") for i in ids[at:at + 50]]:
            assert ng.receive(c)["result"] == "ok"
    wait_until("nothing is open", lambda: wall_pins(house) == 0, 30)
    house.relay.wait_empty()
    for x in (a, b, ng):
        x.close()
