"""The relay as a process of its own: calls by the NG protocol, strangers, thousands of sessions, its end; a census each time."""
import json
import os
import random
import secrets
import shutil
import socket
import subprocess

import pytest

import lab
from anchor import Call, Ng, Party, Refused, Relay, connect
from lab import wait_until

INSIDE, OUTSIDE = "10.77.0.1", "10.77.0.2"
ALICE, BOB, MALLORY = "10.77.1.1", "10.77.1.2", "10.77.1.66"
NG = 2223


@pytest.fixture(scope="module", autouse=True)
def addresses():
    lab.phones.loopback_up([INSIDE, OUTSIDE, ALICE, BOB, MALLORY], first=4000)


@pytest.fixture
def run(tmp_path):
    """run(*options): a relay alone. It ends with the test, with nothing left."""
    made = []

    def start(*options, ports="30000-30999", **kw):
        r = Relay(tmp_path, ["relay", "--listen-ng", f"127.0.0.1:{NG}", "--listen-tcp-ng", f"127.0.0.1:{NG}", "--interface",
                             f"inside/{INSIDE}", "--interface", f"outside/{OUTSIDE}", "--ports", ports, *options], **kw)
        made.append(r)
        return r

    yield start
    for r in made:
        assert r.stop() == 0, r.log()


@pytest.fixture
def relay(run):
    return run("--workers", 2)


@pytest.fixture
def ng():
    x = connect("127.0.0.1", NG)
    yield x
    x.close()


@pytest.fixture
def parties():
    made = [Party(ALICE), Party(BOB)]
    yield made
    for p in made:
        p.close()


WAYS = {"direction": ["inside", "outside"]}


def test_a_call(relay, ng, parties):
    before, stock = relay.descriptors(), relay.counts()["kept"]
    call = Call(ng, *parties, **WAYS).up()
    assert parties[0].to[0] == INSIDE and parties[1].to[0] == OUTSIDE
    call.speaks()
    assert [c["call_id"] for c in relay.json("calls")["calls"]] == [call.id]
    shown = relay.json("show", call.id)["media"]
    assert [e["packets"] for e in shown[0]["ends"]] == [3, 3] and [e["sent"] for e in shown[0]["ends"]] == [3, 3]
    assert call.id in relay.call("calls").stdout and "3 packets in" in relay.call("show", call.id).stdout
    assert relay.call("show", "nobody").returncode == 1
    counts = relay.counts()
    assert counts["sessions"] == 1 and counts["paths"] == 1 and counts["packets"] == 6
    call.delete()
    assert relay.counts()["kept"] == stock    # its sockets wait for another call, as they did before
    relay.wait_empty(before)
    assert relay.counts()["kept"] == stock > 0
    assert call.silent()
    with pytest.raises(Refused):
        call.ng.ask("query", call_id=call.id)


@pytest.mark.parametrize("kind", ["udp", "tcp", "json"])
def test_list_and_statistics_of_all_workers(relay, parties, kind):
    ng = connect("127.0.0.1", NG, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
    calls = [Call(ng, *parties, **WAYS) for _ in range(20)]
    for c in calls:
        c.up()
    if kind == "json":
        ng.s.send(b"x1 " + json.dumps({"command": "list", "limit": 100}).encode())
        answer = json.loads(ng.s.recv(65536).partition(b" ")[2])
        assert set(answer["calls"]) == {c.id for c in calls}
    else:
        assert set(ng.ask("list", limit=100)["calls"]) == {c.id for c in calls}
        assert len(ng.ask("list", limit=7)["calls"]) == 7
        statistics = ng.ask("statistics")["statistics"]
        assert statistics["currentstatistics"]["sessionstotal"] == 20
        assert statistics["totalstatistics"]["uptime"] is not None
        assert ng.ask("ping")["result"] == "pong"
    for c in calls:
        c.delete()
    relay.wait_empty()
    ng.close()


def test_strangers(relay, ng, parties):
    """Bytes from anybody at every port of a call, and packets as if they were of it: nobody hears them, and the call goes on."""
    call = Call(ng, *parties, **WAYS)
    call.offer()
    early = parties[1].send()
    assert parties[0].hear_nothing()          # not answered yet: nothing goes through, first packet included
    call.answer()
    call.speaks()
    rng = random.Random(5)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as m:
        m.bind((MALLORY, 0))
        for side, victim in ((0, parties[1]), (1, parties[0])):
            for port in (parties[side].to[1], parties[side].to[1] + 1):
                for _ in range(100):
                    m.sendto(rng.randbytes(rng.randrange(0, 1400)), (parties[side].to[0], port))
                m.sendto(early[:4] + rng.randbytes(300), (parties[side].to[0], port))
            assert victim.hear_nothing()
    call.speaks()
    drops = relay.status()["drops"]
    assert drops["source"] >= 4 and drops["unanswered"] >= 1 and sum(drops.values()) >= 380, drops
    ends = relay.json("show", call.id)["media"][0]["ends"]
    assert [e["packets"] for e in ends] == [3 * 2, 3 * 2]
    call.delete()
    relay.wait_empty()


def test_garbage_at_every_port(relay, ng, parties):
    call = Call(ng, *parties, **WAYS).up()
    rng = random.Random(7)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as m:
        m.bind((MALLORY, 0))
        for port in range(30000, 31000):
            m.sendto(rng.randbytes(rng.randrange(1, 200)), (INSIDE, port))
            m.sendto(rng.randbytes(rng.randrange(1, 200)), (OUTSIDE, port))
    call.speaks()
    call.delete()
    relay.wait_empty()


def test_garbage_at_the_control_ports(relay, ng, parties):
    call = Call(ng, *parties, **WAYS).up()
    rng = random.Random(9)
    good = b"c1 d7:command5:offer7:call-id3:abce"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as m:
        for _ in range(500):
            m.sendto(rng.randbytes(rng.randrange(0, 1400)), ("127.0.0.1", NG))
        for n in range(len(good)):
            m.sendto(good[:n], ("127.0.0.1", NG))
            m.sendto(good[:n] + bytes([rng.randrange(256)]) + good[n + 1:], ("127.0.0.1", NG))
    for _ in range(20):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
            s.settimeout(5)
            s.connect(("127.0.0.1", NG))
            try:
                s.sendall(rng.randbytes(3000))
            except OSError:
                pass
    call.speaks()
    assert relay.status()["requests"]["malformed"] >= 500
    call.delete()
    relay.wait_empty()


def test_who_may_ask(run, parties):
    run("--workers", 1, "--peer", BOB)
    bob = connect("127.0.0.1", NG, source=BOB)
    assert bob.ask("ping")["result"] == "pong"
    mallory = connect("127.0.0.1", NG, source=MALLORY)
    mallory.s.settimeout(0.3)
    with pytest.raises(TimeoutError):
        mallory.ask("ping")
    bob.close()
    mallory.close()


def test_ports_run_out_and_come_back(run, ng, parties):
    relay = run("--workers", 1, "--interface", "spare/127.0.0.1", ports="30000-30019")   # of which none is taken
    calls, refused = [], 0
    for _ in range(20):
        call = Call(ng, *parties, **WAYS)
        try:
            calls.append(call.up())
        except Refused as why:
            assert "port" in str(why)
            refused += 1
    assert len(calls) >= 5 and refused == 20 - len(calls)
    calls[0].speaks()
    said = relay.call()
    assert said.returncode == 1 and "no port for media is free on interface" in said.stdout
    for call in calls:
        call.delete()
    relay.wait_empty()
    Call(ng, *parties, **WAYS).up().delete()
    relay.wait_empty()


def test_descriptors_run_out_and_come_back(run, ng, parties):
    """What is left of them is for who asks how the relay is, and for who ends calls; the calls that are up notice nothing."""
    relay = run("--workers", 1, ports="30000-30999", prefix=("prlimit", "--nofile=200:200"))
    calls, refused = [], 0
    for _ in range(60):
        call = Call(ng, *parties, **WAYS)
        try:
            calls.append(call.up())
        except Refused as why:
            assert "descriptors" in str(why)
            refused += 1
    assert len(calls) >= 10 and refused
    calls[0].speaks()
    status = relay.status()
    assert status["counts"]["sessions"] == len(calls)
    other = connect("127.0.0.1", NG, kind=socket.SOCK_STREAM)   # a stream, too, is taken
    assert other.ask("ping")["result"] == "pong"
    other.close()
    for call in calls:
        call.delete()
    relay.wait_empty()
    Call(ng, *parties, **WAYS).up().delete()
    relay.wait_empty()


def test_as_many_sessions_as_it_is_told(run, ng, parties):
    relay = run("--workers", 1, "--sessions", 3)
    calls = [Call(ng, *parties, **WAYS).up() for _ in range(3)]
    with pytest.raises(Refused):
        Call(ng, *parties, **WAYS).offer()
    calls[2].speaks()
    for c in calls:
        c.delete()
    relay.wait_empty()


def offered(ng, sdp, n, pipeline=64):
    """n sessions, many on their way at once; the Call-IDs."""
    ids = [secrets.token_hex(8) for _ in range(n)]
    for at in range(0, n, pipeline):
        for command, more in (("offer", {}), ("answer", {"to_tag": "b"})):
            cookies = [ng.send(command=command, call_id=i, from_tag="a", sdp=sdp, **WAYS, **more) for i in ids[at:at + pipeline]]
            for c in cookies:
                answer = ng.receive(c)
                assert answer["result"] == "ok", answer
    return ids


def test_thousands_at_once(run, parties, n=5000):
    relay = run("--workers", 2, ports="20000-44999")
    before = relay.descriptors()
    ng = connect("127.0.0.1", NG, socket.SOCK_STREAM)
    ids = offered(ng, parties[0].sdp(extra="a=rtcp-mux\r\n"), n)
    assert relay.counts()["sessions"] == n
    call = Call(ng, *parties, **WAYS).up()
    call.speaks()
    for at in range(0, n, 64):
        for c in [ng.send(command="delete", call_id=i, from_tag="a") for i in ids[at:at + 64]]:
            assert ng.receive(c)["result"] == "ok"
    call.speaks()
    call.delete()
    ng.close()
    relay.wait_empty(before)


def test_a_stop_waits_for_calls(relay, ng, parties):
    call = Call(ng, *parties, **WAYS).up()
    assert relay.call("stop", "--wait", 60).returncode == 0
    wait_until("it takes nothing new", lambda: relay.status()["stopping"], 5)
    with pytest.raises(Refused):
        Call(ng, *parties, **WAYS).offer()
    call.speaks()
    call.answer()                               # what runs may still change
    call.delete()
    relay.process.wait(10)


def test_stopped_twice(relay, ng, parties):
    Call(ng, *parties, **WAYS).up()
    relay.process.terminate()
    wait_until("it is being stopped", lambda: relay.status()["stopping"], 5)
    relay.process.terminate()
    relay.process.wait(5)
    gone = relay.call()
    assert gone.returncode == 3 and "relay --listen-ng" in gone.stderr     # as it was started: there is no site here


@pytest.mark.long
def test_a_party_that_vanished(run, ng, parties):
    relay = run("--workers", 1, "--silence", 10)
    Call(ng, *parties, **WAYS).up()
    wait_until("its session has ended", lambda: relay.counts()["sessions"] == 0, 20)
    relay.wait_empty()


def test_what_it_has_given_up(relay):
    text = open(f"/proc/{relay.pid}/status").read()
    assert "NoNewPrivs:\t1" in text and "Seccomp:\t2" in text
    assert int(next(x for x in text.splitlines() if x.startswith("CapPrm")).split()[1], 16) == 0
    assert "Uid:\t0" not in text or os.geteuid() != 0
    assert relay.status()["confined"]["syscalls"] == "system calls filtered"


def test_the_kernels_way_is_said(run, ng, parties):
    """Where the kernel cannot pass media on, all works in user space, and status says why."""
    relay = run("--workers", 1, "--fast", "nowhere0")
    status = relay.status()
    assert not status["kernel"]["on"] and not status["healthy"] and "nowhere0" in status["problems"][0]
    call = Call(ng, *parties, **WAYS).up()
    call.speaks()
    assert not any(e["in_kernel"] for e in relay.json("show", call.id)["media"][0]["ends"])
    call.delete()
    relay.wait_empty()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may have the kernel pass media on")
def test_confined_with_the_kernels_way(run, ng, parties):
    subprocess.run(["ip", "link", "add", "fast0", "type", "veth", "peer", "name", "fast1"], check=True)
    try:
        subprocess.run(["ip", "link", "set", "fast0", "up"], check=True)
        relay = run("--workers", 1, "--fast", "fast0,fast1")
        status = relay.status()
        if not status["kernel"]["on"]:
            pytest.skip(f"this kernel does not: {status['problems']}")
        text = open(f"/proc/{relay.pid}/status").read()
        assert int(next(x for x in text.splitlines() if x.startswith("CapPrm")).split()[1], 16) == 0 and "Seccomp:\t2" in text
        call = Call(ng, *parties, **WAYS).up()
        call.speaks()
        call.delete()
        relay.wait_empty()
    finally:
        subprocess.run(["ip", "link", "del", "fast0"], check=True)


@pytest.mark.skipif(not shutil.which("rtpengine-ng-client"), reason="rtpengine-ng-client is not installed")
def test_rtpengines_own_client(relay, parties, tmp_path):
    """The command-line client that comes with rtpengine, unchanged."""
    def client(command, *args):
        done = subprocess.run(["rtpengine-ng-client", command, "--proxy-address=127.0.0.1", f"--proxy-port={NG}", *args],
                              capture_output=True, text=True, timeout=20)
        return done.stdout + done.stderr

    if "Can't locate" in client("ping"):
        pytest.skip("the client's Perl modules are not installed")
    assert "pong" in client("ping")
    for command, party, more in (("offer", parties[0], []), ("answer", parties[1], ["--to-tag=b"])):
        (tmp_path / "sdp").write_bytes(party.sdp().encode())
        told = client(command, "--call-id=xyz", "--from-tag=a", *more, f"--sdp-file={tmp_path / 'sdp'}",
                      "--direction=inside,outside")
        assert "m=audio" in told, told
    assert relay.counts()["sessions"] == 1
    client("delete", "--call-id=xyz", "--from-tag=a")
    relay.wait_empty()


def test_bytes_of_a_stream(relay, ng):
    """MSRP by TCP: one side connects, the other listens; bytes run once both are there, a stranger's connection goes nowhere."""
    b = socket.socket()
    b.bind((BOB, 0))
    b.listen(4)
    b.settimeout(5)

    def sdp(address, port, setup):
        return (f"v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\nm=message {port} TCP/MSRP *\r\n"
                f"a=setup:{setup}\r\na=connection:new\r\na=path:msrp://{address}:{port}/x;tcp\r\na=accept-types:text/plain\r\n")

    a = socket.socket()
    a.bind((ALICE, 0))
    ng.ask("offer", call_id="stream", from_tag="a", sdp=sdp(ALICE, a.getsockname()[1], "actpass"), **WAYS)
    answer = ng.ask("answer", call_id="stream", from_tag="a", to_tag="b", sdp=sdp(BOB, b.getsockname()[1], "passive"), **WAYS)
    port = int(next(x.split()[1] for x in answer["sdp"].splitlines() if x.startswith("m=")))
    a.settimeout(5)
    a.connect((INSIDE, port))
    there, _ = b.accept()
    there.settimeout(5)
    a.sendall(b"hello")
    assert there.recv(10) == b"hello"
    there.sendall(b"and back")
    assert a.recv(10) == b"and back"
    ng.ask("delete", call_id="stream", from_tag="a")
    for s in (a, there, b):
        s.close()
    relay.wait_empty()


# ---- STUN for whoever asks

def ask_stun(source, text, timeout=0.3):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((source, 0))
        s.settimeout(timeout)
        s.sendto(text, (OUTSIDE, 3478))
        try:
            return s.recv(2000), s.getsockname()
        except TimeoutError:
            return None, s.getsockname()


def test_stun(run):
    """What a library of others asks and reads; and what is no request gets nothing."""
    stun = pytest.importorskip("aioice.stun")
    r = run("--stun", OUTSIDE)
    request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
    raw, where = ask_stun(ALICE, bytes(request))
    answer = stun.parse_message(raw)
    assert answer.message_class == stun.Class.RESPONSE and answer.transaction_id == request.transaction_id
    assert tuple(answer.attributes["XOR-MAPPED-ADDRESS"]) == where and len(raw) <= len(bytes(request)) + 24
    for bad in (b"", b"x", bytes(request)[:19], b"\x01" + bytes(request)[1:], bytes(request)[:4] + b"zzzz" + bytes(request)[8:], raw,
                b"OPTIONS sip:a SIP/2.0\r\n\r\n", os.urandom(1400)):
        assert ask_stun(ALICE, bad, 0.05)[0] is None, bad
    assert r.status()["stun"]["answered"] == 1
    # a source that asks without end is not answered without end, and others are
    answered = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((MALLORY, 0))
        s.settimeout(0.5)
        for _ in range(150):
            s.sendto(bytes(request), (OUTSIDE, 3478))
        try:
            while s.recv(2000):
                answered += 1
        except TimeoutError:
            pass
    assert 40 <= answered < 150, answered
    assert ask_stun(BOB, bytes(request))[0]
    assert r.status()["stun"]["limited"] > 0


def test_fetched_under_load(run, ng, parties):
    """Whoever has no driver to ask (the loopback) is told as ever; and a flood does not keep the relay from its requests."""
    relay = run("--workers", 1, "--poll")
    status = relay.status()
    if not status["poll"]:
        assert "Linux 6.9" in status["problems"][0]
        pytest.skip("this kernel does not hand media over")
    assert status["healthy"]
    call = Call(ng, *parties, **WAYS).up()
    call.speaks()
    flood, to = Party(MALLORY), parties[0].to
    for i in range(3000):
        flood.s.sendto(bytes([0x80, 0, i >> 8, i & 255]) + bytes(168), to)
    wait_until("most of the flood is counted", lambda: relay.status()["drops"]["source"] > 1000)
    call.speaks()
    flood.close()
    call.delete()
    relay.wait_empty()
