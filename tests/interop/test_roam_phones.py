"""A phone of others outside, behind a NAT that changes its ports: it registers at the border, calls a phone inside and is called by
it, and each hears the other's tone. Strangers who speak to the relay while it waits for the phone's first packet are not heard,
and what is seen outside says nothing of the inside."""
import os
import re
import socket
import subprocess

import pytest

import borders
from house import Space
from lab import Baresip, have, make_headless, set_account, wait_until
from outside import PEER, PHONE, OurRelay, Wiretap, hears, inner_phone, names_of, samples, send_as, traced
from phones import goertzel
from test_border_phones import rtp, tone

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not have("baresip"), reason="no root, or baresip is not installed")

BEHIND = "192.168.77.2"     # the phone's own address; PEER is its NAT's
CONTROL = 4444
NAT = """\
table ip nat {
    chain out { type nat hook postrouting priority 100; oifname eth0 ip saddr 192.168.77.0/24 masquerade random; }
    chain in { type filter hook forward priority 0; policy drop;
        iifname eth0 tcp dport 4444 accept
        iifname inner accept
        ct state established accept
    }
}
"""


@pytest.fixture(scope="module")
def places():
    """{PHONE: a phone inside, BEHIND: one behind a NAT outside}, each on a wire of its own."""
    inside, nat, behind = Space(), Space(), Space()
    for line in (f"ip link add w0 type veth peer name eth0 netns {inside.holder.pid}", "ip addr add 10.79.1.254/24 dev w0",
                 f"ip link add w1 type veth peer name eth0 netns {nat.holder.pid}", "ip addr add 10.79.2.254/24 dev w1",
                 "ip link set w0 up", "ip link set w1 up"):
        subprocess.run(line.split(), check=True)
    inside.run("sh", "-ec", f"ip addr add {PHONE}/24 dev eth0; ip link set eth0 up; ip route add default via 10.79.1.254")
    nat.run("sh", "-ec", f"ip addr add {PEER}/24 dev eth0; ip link set eth0 up; ip route add default via 10.79.2.254; "
            f"ip link add inner type veth peer name eth0 netns {behind.holder.pid}; ip addr add 192.168.77.1/24 dev inner; "
            "ip link set inner up; sysctl -q -w net.ipv4.ip_forward=1")
    subprocess.run(nat.argv("nft", "-f", "-"), input=NAT, text=True, check=True)
    behind.run("sh", "-ec", f"ip addr add {BEHIND}/24 dev eth0; ip link set eth0 up; ip route add default via 192.168.77.1")
    subprocess.run(f"ip route add 192.168.77.0/24 via {PEER}".split(), check=True)    # for the test's own control, and nothing else
    yield {PHONE: inside, BEHIND: behind}
    for s in (behind, nat, inside):
        s.close()


def roaming_phone(site, two, space, name, hertz, answer):
    folder = site.folder / f"baresip-{name}"
    site.run("phone", "config", name, "--for", "baresip", "--outside", "-o", folder)
    assert two.outside[0] in (folder / "accounts").read_text()
    make_headless(folder, name, BEHIND, hertz, CONTROL)
    set_account(folder, answermode=answer, audio_codecs="PCMA/8000/1")
    program = folder / "baresip"
    program.write_text("#!/bin/sh\nexec " + " ".join(space.argv("baresip")) + ' "$@"\n')
    program.chmod(0o755)
    phone = Baresip(name, folder, BEHIND, CONTROL, str(program))
    site.started.append(phone)
    return phone.start()


@pytest.fixture
def call(make_site, places):
    """call(who): everything up, and a call that rings: of anna, who is outside, or of lobby."""
    def make(who):
        site = make_site(phones={"lobby": "1001", "anna": "1002"}, up=False)
        two = borders.Halves(site, more="roaming: { phones: [anna] }\n", relay=OurRelay)
        tap = Wiretap(two.outside[0])
        site.started.append(tap)
        two.up()
        lobby = inner_phone(site, places[PHONE], "lobby", answer="manual" if who == "anna" else "auto")
        anna = roaming_phone(site, two, places[BEHIND], "anna", 880, "auto")
        site.wait_registered("1001", "1002")
        caller, number = (anna, "1001") if who == "anna" else (lobby, "1002")
        caller.command("dial", f"sip:{number}@{site.domain}")
        return two, tap, lobby, anna
    return make


def speak(lobby, anna):
    for p in (lobby, anna):
        p.wait_event("CALL_ESTABLISHED", seconds=15, fatal=("CALL_CLOSED",))
    wait_until("inside hears the tone from outside", lambda: hears(lobby, 880), 15)
    wait_until("outside hears the tone from inside", lambda: hears(anna, 440), 15)


def nothing_inside(site, two, tap, anna, lobby):
    trace = traced(anna)
    assert trace.count("SIP/2.0") > 6
    words = {f"10.20.{site.n}.", PHONE, f"10.30.{site.n}.", f"10.60.{site.n}.", "127.0.0.1", "ctl-a", "edge-0", "ringfort"}
    words |= {w for w in names_of(traced(lobby)) if len(w) > 5}
    for word in words:
        assert word.lower() not in trace.lower(), f"{word} is in a message to the phone outside:\n{trace}"
        assert not tap.has(word), f"{word} is in a packet outside"
    assert len(tap.rtp(PEER)) > 50 and tap.loudest(440, 880) < 0.1, "speech outside"


def stranger(two, port, sources, n=40):
    """Plain speech from others, to the port that waits for a phone."""
    for seq in range(n):
        for source in sources:
            send_as(source, (two.outside[0], port), rtp(seq, 77, tone(1500, 160, seq * 160)))


def loudest(phone, hertz):
    heard = samples(phone)
    return max((goertzel(heard[i:i + 800], 8000, hertz) for i in range(0, len(heard) - 800, 800)), default=0)


def test_it_calls(call):
    two, tap, lobby, anna = call("anna")
    site = two.site
    lobby.wait_event("CALL_INCOMING", seconds=15)
    # who speaks first has no port to speak to yet: all ports of the relay are tried, from the NAT's address and another
    ports = range(30000, 30500, 2)
    for port in ports:
        stranger(two, port, ((PEER, 5004), (site.phone_address(5), 5004)), 1)
    lobby.command("accept")
    speak(lobby, anna)
    port = next(p.source[1] for p in tap.rtp(two.outside[0]))
    told = int(re.findall(r"(?s)c=IN IP4 " + re.escape(BEHIND) + r"\b.*?m=audio (\d+)", traced(anna))[-1])
    theirs = {p.source for p in tap.rtp(PEER) if p.to[1] == port and p.source[1] != 5004}
    assert len(theirs) == 1 and next(iter(theirs))[1] != told, "the NAT changes ports"
    stranger(two, port, ((PEER, 5004), (PEER, told), (site.phone_address(5), 5004)))
    n = len(samples(lobby))
    wait_until("the call goes on", lambda: len(samples(lobby)) > n + 8000, 10)
    assert hears(lobby, 880) and hears(anna, 440) and loudest(lobby, 1500) < 0.05
    # until its first packet has proved its key, what is for it goes to the port that it named, at the address that it speaks from
    assert {p.to for p in tap.rtp(two.outside[0])} <= theirs | {(PEER, told)}, "media went elsewhere"
    anna.command("hangup")
    two.wait_empty(15)
    two.relay.wait_empty(two.relay.before)
    nothing_inside(site, two, tap, anna, lobby)


def test_it_is_called(call):
    two, tap, lobby, anna = call("lobby")
    speak(lobby, anna)
    lobby.command("hangup")
    two.wait_empty(15)
    two.relay.wait_empty(two.relay.before)
    nothing_inside(two.site, two, tap, anna, lobby)
    # its own address is nowhere: not inside, and not in the records
    assert BEHIND not in traced(lobby) and BEHIND not in str(two.site.bindings())
