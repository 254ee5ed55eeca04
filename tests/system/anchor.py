"""A media relay and whoever speaks with it: the NG protocol in bencode, parties with sockets and RTP, written here anew."""
import itertools
import json
import os
import pathlib
import secrets
import socket
import struct
import subprocess

from lab import RINGFORT, die_with_parent, wait_until


# ---- bencode

def bencode(x):
    if isinstance(x, int):
        return b"i%de" % x
    if isinstance(x, (str, bytes)):
        raw = x.encode() if isinstance(x, str) else x
        return b"%d:%s" % (len(raw), raw)
    if isinstance(x, dict):
        return b"d" + b"".join(bencode(k) + bencode(v) for k, v in x.items()) + b"e"
    return b"l" + b"".join(map(bencode, x)) + b"e"


def bdecode(raw, at=0):
    """A value and where it ends; IndexError or ValueError when it is not whole."""
    c = raw[at:at + 1]
    if c == b"i":
        end = raw.index(b"e", at)
        return int(raw[at + 1:end]), end + 1
    if c in (b"l", b"d"):
        items, at = [], at + 1
        while raw[at:at + 1] != b"e":
            if at >= len(raw):
                raise IndexError
            item, at = bdecode(raw, at)
            items.append(item)
        return (items if c == b"l" else dict(zip(items[::2], items[1::2]))), at + 1
    colon = raw.index(b":", at)
    end = colon + 1 + int(raw[at:colon])
    if end > len(raw):
        raise IndexError
    return raw[colon + 1:end].decode(errors="surrogateescape"), end


class Refused(Exception):
    pass


class Ng:
    """Who controls a relay: over a datagram or stream socket that is connected."""

    def __init__(self, s):
        self.s = s
        self.prefix = secrets.token_hex(4)
        self.count = itertools.count()
        self.left = b""
        self.answers = {}

    def send(self, **fields):
        cookie = f"{self.prefix}_{next(self.count)}"
        self.s.sendall(cookie.encode() + b" " + bencode({k.replace("_", "-"): v for k, v in fields.items()}))
        return cookie

    def receive(self, cookie):
        """Its answer; several workers answer in any order."""
        while cookie not in self.answers:
            try:
                name, _, rest = self.left.partition(b" ")
                value, end = bdecode(rest)
                self.left = rest[end:].lstrip(b"\n")
                self.answers[name.decode()] = value
            except (IndexError, ValueError):
                more = self.s.recv(65536)
                if not more:
                    raise ConnectionError("it hung up") from None
                self.left += more
        return self.answers.pop(cookie)

    def raw(self, **fields):
        return self.receive(self.send(**fields))

    def ask(self, command, **fields):
        answer = self.raw(command=command, **fields)
        if answer["result"] not in ("ok", "pong"):
            raise Refused(f"{command}: {answer}")
        return answer

    def close(self):
        self.s.close()


# ---- parties

def rtp(seq, stamp, ssrc, payload=b"\xd5" * 160, kind=8):
    return struct.pack("!BBHII", 0x80, kind, seq & 0xffff, stamp & 0xffffffff, ssrc) + payload


class Party:
    """One side of a call: a socket (and one beside it for RTCP), its description, what it heard."""

    def __init__(self, address, port=0, make=socket.socket, family=socket.AF_INET):
        self.s = make(family, socket.SOCK_DGRAM)
        self.s.bind((address, port))
        self.s.settimeout(2)
        self.address, self.port = self.s.getsockname()[:2]
        self.family = family
        self.ssrc = secrets.randbits(32)
        self.seq = secrets.randbits(15)
        self.to = None

    def sdp(self, proto="RTP/AVP", extra=""):
        ip = "IP6" if self.family == socket.AF_INET6 else "IP4"
        return (f"v=0\r\no=- 1 1 IN {ip} {self.address}\r\ns=-\r\nc=IN {ip} {self.address}\r\nt=0 0\r\n"
                f"m=audio {self.port} {proto} 8\r\na=rtpmap:8 PCMA/8000\r\n{extra}")

    def learn(self, sdp):
        """Where the relay wants our media."""
        lines = sdp.splitlines()
        self.to = (next(x.split()[2] for x in lines if x.startswith("c=")),
                   int(next(x.split()[1] for x in lines if x.startswith("m="))))

    def send(self, to=None, **kw):
        self.seq += 1
        packet = rtp(self.seq, self.seq * 160, self.ssrc, **kw)
        self.s.sendto(packet, to or self.to)
        return packet

    def hears(self, packet, wait=2):
        """Does this packet arrive? Others are passed over."""
        self.s.settimeout(wait)
        try:
            while True:
                if self.s.recv(2000)[12:] == packet[12:]:
                    return True
        except TimeoutError:
            return False

    def hear_nothing(self, wait=0.2):
        self.s.settimeout(wait)
        try:
            return not self.s.recv(2000)
        except TimeoutError:
            return True

    def close(self):
        self.s.close()


class Call:
    """A session of the relay between two parties."""

    def __init__(self, ng, a, b, call_id=None, **fields):
        self.ng, self.a, self.b = ng, a, b
        self.id = call_id or secrets.token_hex(8)
        self.fields = fields

    def offer(self, **more):
        answer = self.ng.ask("offer", call_id=self.id, from_tag="alice", sdp=self.a.sdp(), **self.fields, **more)
        self.b.learn(answer["sdp"])
        return answer

    def answer(self, **more):
        answer = self.ng.ask("answer", call_id=self.id, from_tag="alice", to_tag="bob", sdp=self.b.sdp(), **self.fields, **more)
        self.a.learn(answer["sdp"])
        return answer

    def up(self):
        self.offer()
        self.answer()
        return self

    def speaks(self):
        """Both ways, each packet as it was."""
        for one, other in ((self.a, self.b), (self.b, self.a)):
            for _ in range(3):
                assert other.hears(one.send()), f"{one.address} is not heard by {other.address}"

    def silent(self):
        for one, other in ((self.a, self.b), (self.b, self.a)):
            packet = one.send()
            if other.hears(packet, 0.3):
                return False
        return True

    def delete(self):
        return self.ng.ask("delete", call_id=self.id, from_tag="alice")


# ---- the relay

class Relay:
    def __init__(self, folder, argv, prefix=(), ready=True):
        """argv: behind `ringfort -C folder`."""
        self.dir = pathlib.Path(folder)
        self.log_file = self.dir / "relay.log"
        read, write = os.pipe()
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen([*prefix, RINGFORT, "-C", str(self.dir), *map(str, argv), "--ready-fd", str(write)],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[write],
                                            preexec_fn=die_with_parent)
        os.close(write)
        with os.fdopen(read) as f:
            line = f.read()
        self.ready = json.loads(line) if line else {}
        assert not ready or self.ready.get("ok"), f"{line}\n{self.log()}"
        self.pid = self.ready.get("pid")

    def log(self):
        return self.log_file.read_text(errors="replace")[-4000:]

    def call(self, *args):
        return subprocess.run([RINGFORT, "-C", str(self.dir), "relay", *map(str, args)], capture_output=True, text=True, timeout=60)

    def json(self, *args):
        done = self.call(*args, "--json")
        assert done.stdout, f"{done.returncode} {done.stderr}\n{self.log()}"
        return json.loads(done.stdout)

    def status(self):
        return self.json()

    def counts(self):
        return self.status()["counts"]

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def wait_empty(self, before=None):
        """The census: no session, path, port, socket; as many descriptors as before."""
        def empty():
            c = self.counts()
            return not (c["sessions"] or c["paths"] or c["ports"] or c["sockets"])
        wait_until("nothing is left of the sessions", empty, 10)
        if before is not None:
            wait_until("all descriptors are closed", lambda: self.descriptors() <= before, 5)

    def stop(self, wait=20):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(wait)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode


def connect(host, port, kind=socket.SOCK_DGRAM, make=socket.socket, source=None):
    s = make(socket.AF_INET6 if ":" in host else socket.AF_INET, kind)
    if source:
        s.bind((source, 0))
    s.connect((host, port))
    s.settimeout(5)
    return Ng(s)
