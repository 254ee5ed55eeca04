"""A phone outside, behind a NAT that gives media other ports than the phone names, and a wall in the path of everything: it registers, calls
and is called by a phone inside, each hears the other's tone, and with the call every hole closes."""
import json
import re
import socket

import pytest

from anchor import Relay
from house import SITE, House
from lab import RINGFORT, Baresip, have, make_headless, set_account, wait_until
from outside import hears, traced
from streams import Home
from test_wall import why_not

pytestmark = pytest.mark.skipif(bool(why_not()) or not have("baresip"), reason=why_not() or "baresip is not installed")

PHONE, BEHIND = "10.30.0.50", "192.168.5.7"
ROAMING = SITE[:SITE.index("trunks:")] + "phones_file: phones.csv\nroaming: { phones: [anna] }\n"


class Phone(Baresip):
    """baresip in one of the house's rooms; it is told what to do from here."""

    def __init__(self, house, space, name, address, hertz, *more):
        folder = house.folder / f"baresip-{name}"
        house.ok("phone", "config", name, "--for", "baresip", *more, "-o", folder)
        make_headless(folder, name, address, hertz, 4444)
        set_account(folder, answermode="auto", audio_codecs="PCMA/8000/1")
        program = folder / "baresip"
        program.write_text("#!/bin/sh\nexec " + " ".join(space.argv("baresip")) + ' "$@"\n')
        program.chmod(0o755)
        self.space = space
        super().__init__(name, folder, address, 4444, str(program))
        self.start()

    def _connect(self):
        assert self.process.poll() is None, self.log_tail()
        self.socket = self.space.socket(kind=socket.SOCK_STREAM)
        try:
            self.socket.connect((self.address, self.control_port))
        except OSError:
            self.socket.close()
            return False
        self.socket.settimeout(None)
        return True


class Whole(House):
    """A house in which every role of the site runs where it belongs."""

    def __init__(self, folder):
        super().__init__(folder)
        site = self.dir / "site.yaml"
        site.write_text(ROAMING[:ROAMING.index("roaming:")])
        for name, number in (("lobby", "1001"), ("anna", "1002")):
            self.ok("phone", "add", name, "--number", number, "--location", "lobby")
        site.write_text(ROAMING)
        bundle = self.compile()
        self.start()
        self.ok("apply", bundle)
        self.ok("confirm")
        self.phones = []
        self.relay = Relay(self.dir, ["run", "relay", "--host", "relay"], prefix=self.spaces["border"].argv())
        for zone, host in (("server", "ctl-a"), ("border", "edge")):
            self.spaces[zone].run(RINGFORT, "-C", self.dir, "up", "--host", host)
        self.home = Home(self)

    def phone(self, *args):
        self.phones.append(Phone(self, *args))
        return self.phones[-1]

    def registered(self):
        return {b["aor"].split("@")[0].split(":")[-1] for b in json.loads(self.ok("bindings", "--json"))["bindings"]}

    def pinholes(self):
        return self.status()["pinholes"]

    def calls_now(self):
        answer = json.loads(self.ok("status", "--json"))
        return sum(w["calls_now"] for a in [answer, *answer["others"]] if a["role"] in ("controller", "border") for w in a["workers"])

    def close(self):
        try:
            for p in self.phones:
                p.stop()
            self.call("down")
            self.relay.stop()
            self.home.close()
        finally:
            super().close()


@pytest.fixture
def house(tmp_path):
    h = Whole(tmp_path)
    yield h
    h.close()


def test_both_ways(house):
    lobby = house.phone(house.spaces["phone"], "lobby", PHONE, 440)
    anna = house.phone(house.home.space, "anna", BEHIND, 880, "--outside")
    wait_until("both are registered", lambda: house.registered() == {"1001", "1002"}, 15)
    before = None
    for caller, number in ((anna, "1001"), (lobby, "1002")):
        marks = [p.mark() for p in (lobby, anna)]
        caller.command("dial", f"sip:{number}@voice.example.org")
        for p, mark in zip((lobby, anna), marks):
            p.wait_event("CALL_ESTABLISHED", seconds=15, since=mark, fatal=("CALL_CLOSED",))
        wait_until("inside hears the tone from outside", lambda: hears(lobby, 880), 15)
        wait_until("outside hears the tone from inside", lambda: hears(anna, 440), 15)
        wait_until("what stood open for any port is closed", lambda: house.pinholes()["openings"] == 0, 5)
        open_now = house.rt.run("nft", "list", "set", "inet", "ringfort", "pinholes4")
        theirs = {int(p) for p in re.findall(re.escape(Home.SEEN) + r" \. (\d+)", open_now)}
        named = int(re.findall(r"(?s)c=IN IP4 " + re.escape(BEHIND) + r"\b.*?m=audio (\d+)", traced(anna))[-1])
        assert len(theirs) == 2 and not theirs & {named, named + 1}, (named, open_now)    # RTP and RTCP, where the NAT put them
        assert house.pinholes()["now"] == 8
        caller.command("hangup")
        wait_until("nothing is open", lambda: house.pinholes()["now"] == 0, 10)
        wait_until("no call is left", lambda: house.calls_now() == 0, 10)
        house.relay.wait_empty(before)
        before = house.relay.descriptors()
