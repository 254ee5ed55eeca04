"""A phone whose call is taken from it hears the preemption tone before its BYE: played by the announcer, encrypted as the
call was. Whoever cannot hear it, or does not want to, gets the BYE at once; nothing is left behind."""
import os
import pathlib
import secrets
import signal
import socket
import struct

import pytest

from dialogs import SDP, Leg, expect, uri
from ears import Ear, power
from lab import wait_until

NUMBERS = {"main1": "1001", "main2": "1002", "far1": "1003", "far2": "1004", "far3": "1005"}
GRANTS = {"main1": "", "main2": "dsn.flash", "far1": "", "far2": "", "far3": "dsn.flash-override"}
FLASH = "Resource-Priority: dsn.flash"


@pytest.fixture
def linked(make_site):
    """Three phones behind a link that carries one call, two at the main site."""
    site = make_site(extra="links: { wan: { calls: 1 } }\nsip: { workers: 2 }\nprecedence: { dscp: { flash: 45 } }\n",
                     up=False)
    text = (site.dir / "site.yaml").read_text()
    (site.dir / "site.yaml").write_text(text.replace("locations:\n", "locations:\n  branch: { room: Far, link: wan }\n"))
    for name, number in NUMBERS.items():
        site.run("phone", "add", name, "--number", number, "--location", "branch" if name.startswith("far") else "lobby")
    rows = [f"{name},{number},{'branch' if name.startswith('far') else 'lobby'},{GRANTS[name]}"
            for name, number in NUMBERS.items()]
    (site.dir / "phones.csv").write_text("\n".join(["name,number,location,precedence", *rows]) + "\n")
    site.up()
    client = {}
    for i, (name, number) in enumerate(NUMBERS.items()):
        client[name] = site.client(name, source=site.phone_address(i)).open()
        client[name].ear = Ear(site.phone_address(i))
        assert client[name].register(f"sip:{number}@{site.domain}").code == 200
    return site, client


def talk(site, client, a, b, headers=()):
    """A call from a to b that is answered."""
    caller, callee = client[a], client[b]
    me, other = (f"sip:{NUMBERS[x]}@{site.domain}" for x in (a, b))
    caller.call_id = f"{secrets.token_hex(8)}@test"
    caller.send(caller.request("INVITE", other, sender=me, to=other, headers=[SDP, *headers], body=caller.ear.description()))
    got = expect(callee, "INVITE")
    contact = f"Contact: <sip:x@{callee.here()};transport=tls>"
    callee.reply(got, 200, headers=[SDP, contact], body=callee.ear.description())
    ok = expect(caller, 200)
    x = Leg(caller, caller.call_id, ok.get("From"), ok.get("To"), uri(ok.get("Contact")), int(ok.get("CSeq").split()[0]))
    caller.send(x.request("ACK", cseq=x.cseq))
    expect(callee, "ACK")
    return x, Leg(callee, got.get("Call-ID"), f"{got.get('To')};tag={callee.tag}", got.get("From"), uri(got.get("Contact")), 0)


def take(c, direction="recvonly", **how):
    """Take the offer of a tone."""
    offer = expect(c, "INVITE")
    body = offer.body.decode()
    assert "a=sendonly" in body and "RTP/SAVP 0 8" in body, body
    c.reply(offer, 200, headers=[SDP, f"Contact: <sip:x@{c.here()};transport=tls>"],
            body=c.ear.description(direction, **how))
    expect(c, "ACK")
    return body


def goes(c):
    bye = expect(c, "BYE")
    assert bye.get("Reason").startswith("preemption;cause=5")
    c.reply(bye, 200)


def hang_up(leg, other):
    leg.client.send(leg.request("BYE"))
    assert expect(leg.client, 200)
    other.client.reply(expect(other.client, "BYE"), 200)


def tone_of(site, name, **fields):
    return site.wait_event("call.tone", number=NUMBERS[name], **fields)


def census_is_zero(site):
    wait_until("nothing is left", lambda: all(
        w["calls_now"] == w["pairs_now"] == w["tones_now"] == w["resources_now"] == 0
        for w in site.json("status")["workers"]), 8)


def marks_on_the_wire(capture, address, port):
    """DSCPs of what this address of ours sent from this port."""
    capture.setblocking(False)
    seen = set()
    while True:
        try:
            packet = capture.recv(65536)[14:]
        except BlockingIOError:
            return seen
        if packet and packet[0] >> 4 == 4 and packet[9] == 6 and socket.inet_ntoa(packet[12:16]) == address and \
                struct.unpack(">H", packet[20:22])[0] == port:
            seen.add(packet[1] >> 2)


def test_both_hear_it(linked):
    site, client = linked
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as capture:
        capture.bind(("lo", 0))
        talk(site, client, "main1", "far1")
        # The other call need not wait for the tone: its place is free at once.
        x, y = talk(site, client, "main2", "far2", [FLASH])
        assert marks_on_the_wire(capture, site.address, site.port) == {40}
    offers = {name: take(client[name]) for name in ("main1", "far1")}
    for name, offer in offers.items():
        assert f"c=IN IP4 {site.address}" in offer and "m=audio 5004 " in offer
        sound, heads, marks = client[name].ear.hear(offer, 150)
        assert marks == {46}
        assert {h[1] & 0x7f for h in heads} == {8} and len({h[4] for h in heads}) == 1
        assert [h[2] for h in heads] == [(heads[0][2] + i) & 0xffff for i in range(150)]
        assert [h[3] for h in heads] == [(heads[0][3] + 160 * i) & 0xffffffff for i in range(150)]
        low, high = power(sound[:4000], 440), power(sound[:4000], 620)
        assert 0.9 < low / high < 1.1 and all(power(sound[:4000], hz) < low / 500 for hz in (350, 480, 530, 1000))
    assert offers["main1"].split("inline:")[1] != offers["far1"].split("inline:")[1]
    for name in offers:
        goes(client[name])
        assert tone_of(site, name, outcome="played", packets=150)
        assert client[name].ear.receive(0.1) is None
    assert site.wait_event("call.end", why="preempted")
    hang_up(x, y)
    census_is_zero(site)


@pytest.mark.parametrize("suite", ["AES_CM_128_HMAC_SHA1_80", "AES_256_CM_HMAC_SHA1_80", "AEAD_AES_128_GCM"])
def test_whoever_hangs_up_hears_no_more(linked, suite):
    """The other hears it to its end; by every suite of the level. Marked as its call was."""
    site, client = linked
    for c in client.values():
        c.ear.suite = suite
    client["far1"].ear.code = 0
    a, b = talk(site, client, "main2", "far1", [FLASH])
    x, y = talk(site, client, "far3", "main1", ["Resource-Priority: dsn.flash-override"])
    offer, other = take(client["main2"]), take(client["far1"])
    sound, heads, marks = client["main2"].ear.hear(offer, 5)
    assert marks == {45} and heads[0][1] & 0x80 and not heads[1][1] & 0x80
    a.client.send(a.request("BYE"))
    assert expect(a.client, 200)
    sound, heads, _ = client["far1"].ear.hear(other, 10)
    assert heads[0][1] & 0x7f == 0
    b.client.send(b.request("BYE"))
    assert expect(b.client, 200)
    assert tone_of(site, "main2", outcome="cut", why="hung up")
    hang_up(x, y)
    census_is_zero(site)


def test_who_cannot_hear_it(linked):
    """The call ends as it always did; why there was no tone is on record."""
    site, client = linked

    def refuse(c):
        c.reply(expect(c, "INVITE"), 488)
        expect(c, "ACK")

    def answer_elsewhere(c):
        c.ear.host, here = "10.99.9.9", c.ear.host
        take(c)
        c.ear.host = here

    def other_suite(c):
        c.ear.suite, was = "AES_CM_128_HMAC_SHA1_80", c.ear.suite
        take(c)
        c.ear.suite = was

    def other_codec(c):
        c.ear.code = 9
        take(c)
        c.ear.code = 8
    rows = [(refuse, "refused"), (answer_elsewhere, "elsewhere"), (other_suite, "media"), (other_codec, "codec"),
            (lambda c: take(c, "inactive"), "not wanted"), (lambda c: take(c, port=0), "not wanted"),
            (lambda c: take(c, tag=7), "media")]
    for i in range(0, len(rows), 2):
        talk(site, client, "main1", "far1")
        x, y = talk(site, client, "main2", "far2", [FLASH])
        for name, (act, why) in zip(("main1", "far1"), rows[i:i + 2]):
            act(client[name])
        for name, (act, why) in zip(("main1", "far1"), rows[i:i + 2]):
            goes(client[name])
            assert tone_of(site, name, outcome="none", why=why), why
            assert client[name].ear.receive(0.02) is None
        if i + 1 == len(rows):
            goes(client["far1"])    # it said nothing at all
            assert tone_of(site, "far1", outcome="none", why="no answer")
        hang_up(x, y)
        census_is_zero(site)


@pytest.mark.parametrize("when", ["asked", "playing"])
def test_a_phone_that_dies(linked, when):
    site, client = linked
    talk(site, client, "main1", "far1")
    x, y = talk(site, client, "main2", "far2", [FLASH])
    for name in ("main1", "far1"):
        if when == "playing":
            client[name].ear.hear(take(client[name]), 2)
        else:
            expect(client[name], "INVITE")
        client[name].stop()
    for name in ("main1", "far1"):
        assert tone_of(site, name, outcome="cut" if when == "playing" else "none")
    hang_up(x, y)
    census_is_zero(site)


def announcers(site):
    """(the one that waits, the one that speaks)"""
    controller = (site.dir / "state" / "controller.pid").read_text().strip()

    def child(parent, name):
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                comm, rest = stat.read_text().split("(", 1)[1].rsplit(")", 1)
            except OSError:
                continue
            if comm == name and rest.split()[1] == parent:
                return stat.parent.name
        return None
    waits = child(controller, "ringfort-tone")
    return waits, waits and child(waits, "ringfort-tone")


def test_the_announcer_dies(linked):
    """In the middle of a tone: the call ends in time, and the next one hears its tone."""
    site, client = linked
    waits, speaks = announcers(site)
    talk(site, client, "main1", "far1")
    x, y = talk(site, client, "main2", "far2", [FLASH])
    client["far1"].reply(expect(client["far1"], "INVITE"), 486)
    goes(client["far1"])
    client["main1"].ear.hear(take(client["main1"]), 2)
    os.kill(int(speaks), signal.SIGKILL)
    goes(client["main1"])
    assert tone_of(site, "main1", outcome="none", why="announcer")
    hang_up(x, y)
    census_is_zero(site)
    wait_until("another one", lambda: announcers(site)[1] not in (None, speaks), 5)
    talk(site, client, "main1", "far1")
    x, y = talk(site, client, "main2", "far2", [FLASH])
    while client["main1"].ear.receive(0.05):
        pass
    client["main1"].ear.hear(take(client["main1"]), 3)
    client["main1"].stop()
    client["far1"].stop()
    hang_up(x, y)
    census_is_zero(site)


def test_it_is_confined(linked):
    site, _ = linked
    waits, speaks = announcers(site)
    for pid, filtered in ((waits, "0"), (speaks, "2")):
        status = dict(line.split(":\t", 1) for line in (pathlib.Path("/proc") / pid / "status").read_text().splitlines()
                      if ":\t" in line)
        assert status["NoNewPrivs"] == "1" and int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0
        assert status["Seccomp"] == filtered
    assert site.json("status")["confined"]["announcer"] == "in a process of its own"


def test_media_beside_signalling(linked):
    """A phone may hear at another address of the site's phones than it signals from."""
    site, client = linked
    client["main1"].ear = Ear(site.phone_address(6))
    a, _ = talk(site, client, "main1", "far1")
    x, y = talk(site, client, "main2", "far2", [FLASH])
    client["main1"].ear.hear(take(client["main1"]), 3)
    a.client.send(a.request("BYE"))
    assert expect(a.client, 200)
    client["far1"].stop()
    hang_up(x, y)
    census_is_zero(site)
