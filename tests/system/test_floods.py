"""Twenty-four floods of broken bytes at once, from strangers and from a phone gone bad, while two phones talk: the call
goes on, others may register, the controller is the same process afterwards."""
import os
import random
import socket
import ssl
import threading
import time

import pytest

from lab import ROOT, wait_until

TORTURE = sorted(p for p in (ROOT / "tests" / "torture").glob("rfc*/*") if p.suffix != ".tsv" and p.is_file())


def mutated(rng, seeds):
    """A message with a few bytes changed, taken out, doubled, or another message's tail behind its head."""
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.randint(1, 8)):
        at, what = rng.randrange(len(data)), rng.randrange(5)
        if what == 0:
            data[at] = rng.randrange(256)
        elif what == 1:
            del data[at:at + rng.randint(1, 40)]
        elif what == 2:
            data[at:at] = data[at:at + rng.randint(1, 200)] * rng.randint(1, 4)
        elif what == 3:
            data[at:at] = rng.choice((b"\0", b"\r\n\r\n", b"\r\n ", b",", b";", b"%", b"\xff" * 40, b"9" * 30))
        else:
            data[at:] = rng.choice(seeds)[at:]
        if not data:
            data = bytearray(b"\r\n")
    return bytes(data)


class Flood(threading.Thread):
    """One source that goes on until told to stop, opening anew whenever it is thrown out."""

    def __init__(self, site, kind, seed):
        super().__init__(daemon=True)
        self.site, self.kind, self.rng = site, kind, random.Random(seed)
        self.stopping, self.sent = threading.Event(), 0
        self.seeds = [p.read_bytes() for p in TORTURE]

    def run(self):
        while not self.stopping.is_set():
            try:
                getattr(self, self.kind)()
            except (OSError, ssl.SSLError, ValueError):
                time.sleep(0.005)

    def pour(self, send, pieces):
        for _ in range(500):
            if self.stopping.is_set():
                return
            send(pieces())
            self.sent += 1

    def proven(self):
        """A phone with a good certificate and bad manners."""
        client = self.site.client("bad").open(timeout=2)
        self.site.started.remove(client)
        try:
            self.pour(client.socket.sendall, lambda: mutated(self.rng, self.seeds))
        finally:
            client.stop()

    def raw(self):
        """Not even TLS."""
        with socket.create_connection((self.site.address, self.site.port), timeout=2) as s:
            self.pour(s.sendall, lambda: mutated(self.rng, self.seeds))

    def hello(self):
        """A handshake that begins well and goes wrong."""
        with socket.create_connection((self.site.address, self.site.port), timeout=2) as s:
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            tls = context.wrap_bio(incoming, outgoing)
            with pytest.raises(ssl.SSLWantReadError):
                tls.do_handshake()
            data = bytearray(outgoing.read())
            for _ in range(self.rng.randint(0, 6)):
                data[self.rng.randrange(len(data))] = self.rng.randrange(256)
            s.sendall(data[:self.rng.randint(1, len(data))])
            self.sent += 1
            time.sleep(0.01)

    def slow(self):
        """A message that never ends, a byte at a time."""
        client = self.site.client("bad").open(timeout=2)
        self.site.started.remove(client)
        try:
            for byte in b"INVITE sip:1001@voice.example.org SIP/2.0\r\nVia: " + b"x" * 2000:
                if self.stopping.is_set():
                    return
                client.socket.sendall(bytes([byte]))
                self.sent += 1
                time.sleep(0.002)
        finally:
            client.stop()


def run_floods(site, seconds):
    kinds = ["proven"] * 10 + ["raw"] * 6 + ["hello"] * 6 + ["slow"] * 2
    floods = [Flood(site, kind, seed) for seed, kind in enumerate(kinds)]
    for f in floods:
        f.start()
    time.sleep(seconds)
    return floods


@pytest.mark.parametrize("seconds", [8, pytest.param(120, marks=pytest.mark.long)])
def test_a_call_goes_on_under_24_floods(make_site, seconds):
    site = make_site(phones={"lobby": "1001", "desk": "1002", "bad": "1003", "late": "1004"})
    lobby, desk = site.baresip("lobby", 0, 440), site.baresip("desk", 1, 660)
    site.wait_registered("1001", "1002")
    lobby.command("dial", f"sip:1002@{site.domain}")
    for p in (lobby, desk):
        p.wait_event("CALL_ESTABLISHED", fatal=("CALL_CLOSED",))
    pid = site.json("status")["pid"]
    call = site.calls()[0]["id"]

    floods = run_floods(site, seconds)
    try:
        assert [c["id"] for c in site.calls()] == [call]
        answer = site.client("late", source=site.phone_address(5)).open(timeout=10).register(f"sip:1004@{site.domain}")
        assert answer is not None and answer.code == 200, "another phone may register meanwhile"
    finally:
        for f in floods:
            f.stopping.set()
        for f in floods:
            f.join(10)
    assert all(f.sent for f in floods), [(f.kind, f.sent) for f in floods]

    assert site.json("status")["pid"] == pid
    assert [c["id"] for c in site.calls()] == [call]
    assert not any(e.get("type") == "CALL_CLOSED" for p in (lobby, desk) for e in p.events)
    lobby.command("hangup")
    desk.wait_event("CALL_CLOSED", seconds=5)
    wait_until("no call is left", lambda: not site.calls(), 5)
    assert site.call("ledger", "verify").returncode == 0


def test_bytes_on_every_port(site):
    """Garbage to the ports one at a time: a clear end each time, and the phone next to it is served."""
    for data in (b"\0" * 10000, b"GET / HTTP/1.0\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"A" * 70000, os.urandom(4096), b"\r\n" * 2000):
        with socket.create_connection((site.address, site.port), timeout=5) as s:
            try:
                s.sendall(data)
                s.settimeout(12)
                while s.recv(4096):
                    pass
            except (ConnectionError, BrokenPipeError):
                pass
        assert site.client("lobby").open().register(f"sip:1001@{site.domain}").code == 200
