"""A border and its relays on machines of their own: the border asks them by TLS with certificates of the site, media runs where they
are, a call stays with its relay, another relay takes the next call when one is gone, and keys that a relay hears come back by TLS."""
import itertools
import os
import shutil
import subprocess

import pytest

import borders
from anchor import Party, Relay
from borders import TRUNK, Halves, add_addresses
from dialogs import establish, expect
from frames import Device
from lab import wait_until
from test_border import ROUTES, authority, copy_ca  # noqa: F401, a fixture
from test_border_keys import Keys
from test_border_relay import Own

RELAY = "  - {{{{ name: {name}, zone: border, address: {inside}, roles: [relay], outside: {{{{ address: {outside} }}}} }}}}\n"
DEVIATIONS = """\
deviations:
  - { mitigation: ph-auth-media-encryption, reason: test, approved_by: tester, until: 2028-01-01 }
  - { mitigation: pub-encrypt-voip, trunks: [carrier], reason: test, approved_by: tester, until: 2028-01-01 }
"""


class Elsewhere:
    """Another machine with relays, each with an address for each side and a copy of the site's folder."""

    def __init__(self, site, names):
        self.site, self.n = site, site.n
        self.device = Device([], "ip link set lo up")
        self.at = {name: (f"10.60.{site.n}.{21 + i}", f"10.61.{site.n}.{21 + i}") for i, name in enumerate(names)}
        ours = f"r{self.device.process.pid}"
        here, there = f"10.62.{site.n}.1", f"10.62.{site.n}.2"
        for line in (f"link add {ours} type veth peer name eth0 netns {self.device.process.pid}", f"addr add {here}/24 dev {ours}",
                     f"link set {ours} up", *(f"route add {a} via {there}" for pair in self.at.values() for a in pair)):
            if line.startswith("route"):
                self.device.run("ip", "link", "set", "eth0", "up")
                self.device.run("ip", "addr", "replace", f"{there}/24", "dev", "eth0")
            subprocess.run(["ip", *line.split()], check=True)
        self.device.run("ip", "route", "add", "default", "via", here)
        for pair in self.at.values():
            for a in pair:
                self.device.run("ip", "addr", "add", f"{a}/32", "dev", "lo")
        self.relays = {}

    def start(self, name):
        folder = self.site.folder / name
        if not folder.exists():
            shutil.copytree(self.site.dir, folder, ignore=shutil.ignore_patterns("state", "ledger"))
        self.relays[name] = Relay(folder, ["run", "relay", "--host", name],
                                  prefix=["nsenter", "-t", str(self.device.process.pid), "-n"])
        return self.relays[name]

    def kill(self, name):
        """kill -9; it is gone when this returns, as its next one wants."""
        relay = self.relays[name]
        os.kill(relay.pid, 9)
        wait_until("the relay is gone", lambda: relay.process.poll() is not None, 10)

    def sessions(self, name):
        return self.relays[name].json()["counts"]["sessions"]

    def stop(self):
        for r in self.relays.values():
            r.stop()
        self.device.close()


def make_apart(make_site, authority, monkeypatch, names, trunk, more=""):  # noqa: F811
    site = make_site(phones={"lobby": "1001"}, up=False, level="minimum")
    far = Elsewhere(site, names)
    site.started.append(far)
    hosts = "".join(RELAY.format(name=n, inside=i, outside=o) for n, (i, o) in far.at.items())
    monkeypatch.setattr(borders, "Rtpengine", Own)
    monkeypatch.setattr(borders, "SITE", borders.SITE.replace("media: {{ relays: [127.0.0.1], relay_port: {relay_port}{media} }}\n",
                        "media: {{ encryption: optional }}\n").replace("{borders}\n", "{borders}\n" + hosts))
    address = site.phone_address(7)
    copy_ca(site, authority)
    two = Halves(site, more="trunks:\n" + TRUNK.format(name="carrier", peer=address, certificate="sip.carrier.example",
                                                       more=trunk) + ROUTES + more)
    peer = two.peer(address, *authority.issue("DNS:sip.carrier.example")).listen()
    for name in far.at:
        site.run("host", "issue", name)
        far.start(name)
    two.up()
    two.wait_trunk("carrier", "up")
    lobby = site.client("lobby").open()
    assert lobby.register(f"sip:1001@{site.domain}").code == 200
    return two, peer, lobby, far


@pytest.fixture
def apart(make_site, authority, monkeypatch):  # noqa: F811
    return make_apart(make_site, authority, monkeypatch, ["anchor-0", "anchor-1"], ", encryption: none", DEVIATIONS)


@pytest.fixture
def hears(make_site, authority, monkeypatch):  # noqa: F811
    return make_apart(make_site, authority, monkeypatch, ["anchor-0"], ", dtmf: info", DEVIATIONS.split("  - { mitigation: pub")[0])


def call(two, peer, lobby):
    """A call out, and the parties of its media."""
    own, other = Party(lobby.here().rsplit(":", 1)[0]), Party(peer.address)
    a, b, got = establish(lobby, f"sip:1001@{two.site.domain}", peer, f"sip:0089123456@{two.site.domain}", offer=own.sdp(),
                          answer=lambda got: other.sdp())
    other.learn(text(got.body))
    own.learn(text(a.answer))
    return a, own, other


def text(body):
    return body.decode() if isinstance(body, bytes) else body


def speak(own, other):
    for one, two in ((own, other), (other, own)):
        for _ in range(3):
            assert two.hears(one.send()), f"{one.address} is not heard by {two.address}"


def end(a, peer, lobby):
    lobby.send(a.request("BYE"))
    peer.reply(expect(peer, "BYE"), 200)
    assert expect(lobby, 200)


def test_relays_on_another_machine(apart):
    two, peer, lobby, far = apart
    first, own, other = call(two, peer, lobby)
    assert (own.to[0], other.to[0]) == far.at["anchor-0"]
    speak(own, other)
    assert far.sessions("anchor-0") == 1 and far.sessions("anchor-1") == 0
    # the relay of the call is gone: the next call is with the other one, and the first one ends as calls do
    far.kill("anchor-0")
    second, own, other = call(two, peer, lobby)
    assert (own.to[0], other.to[0]) == far.at["anchor-1"]
    speak(own, other)
    end(first, peer, lobby)
    # it comes again: calls go there again, and the second one stays where it is
    far.start("anchor-0")
    wait_until("the border has found it", lambda: f"{far.at['anchor-0'][0]}:2223 answers" in two.log(40), 15)
    third, own3, other3 = call(two, peer, lobby)
    assert own3.to[0] == far.at["anchor-0"][0]
    speak(own3, other3)
    speak(own, other)
    assert far.sessions("anchor-0") == far.sessions("anchor-1") == 1
    end(second, peer, lobby)
    end(third, peer, lobby)
    # whoever answers there with another host's certificate is asked nothing
    far.kill("anchor-0")
    theirs = two.site.folder / "anchor-0" / "pki" / "hosts"
    shutil.rmtree(theirs / "anchor-0")
    shutil.copytree(two.site.dir / "pki" / "hosts" / "anchor-1", theirs / "anchor-0")
    far.start("anchor-0")
    fourth, own, _ = call(two, peer, lobby)
    assert own.to[0] == far.at["anchor-1"][0]
    wait_until("the border says why", lambda: "hostname mismatch" in two.log(40), 15)
    assert far.sessions("anchor-0") == 0
    end(fourth, peer, lobby)
    wait_until("nothing is left there", lambda: far.sessions("anchor-0") == far.sessions("anchor-1") == 0, 5)
    two.wait_empty()


def told(peer, inner, event):
    """The key that the relay hears is an INFO to the trunk. None: nobody was told."""
    inner.press(inner.to, event)
    try:
        info = expect(peer, "INFO", 1)
    except AssertionError:
        return None
    peer.reply(info, 200)
    return text(info.body)


def test_keys_from_another_machine(hears):
    two, peer, lobby, far = hears
    add_addresses(at := two.site.phone_address(8))
    inner, outer = Keys(at), Keys(two.site.phone_address(7))
    a, b, _ = establish(lobby, f"sip:1001@{two.site.domain}", peer, f"sip:0089123456@{two.site.domain}", offer=inner.description(),
                        answer=outer.answer)
    inner.learn(a.answer)
    assert inner.to[0] == far.at["anchor-0"][0] and inner.events
    assert told(peer, inner, 5) == "Signal=5\r\nDuration=160\r\n"
    assert outer.silent(), "told twice"
    # the stream breaks: the border makes another one, and asks again
    far.device.run("ss", "-K", "sport", "=", "2223")
    presses = itertools.cycle(range(10))
    wait_until("keys are told by the new stream", lambda: told(peer, inner, next(presses)), 10)
    assert outer.silent(), "told twice"
    end(a, peer, lobby)
    wait_until("nothing is left there", lambda: far.sessions("anchor-0") == 0, 5)
    two.wait_empty()
