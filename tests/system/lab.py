"""What the system tests are made of: sites with a running controller, real phones, and a raw SIP client for attacks.

Everything runs in a network namespace of this pytest process (conftest.py), so several may run at once, on the same
addresses. Every site gets a controller address of its own (10.20.N.11) and phone addresses 10.30.N.11 and up.
"""
import hashlib
import itertools
import json
import os
import pathlib
import re
import secrets
import shutil
import socket
import ssl
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "examples" / "first-call"))

import phones                                     # noqa: E402
from phones import Baresip, Trouble, die_with_parent, make_headless, wait_until  # noqa: E402,F401
from wire import Verdict, Wire                    # noqa: E402,F401

RINGFORT = os.environ.get("RINGFORT", str(ROOT / "build" / "src" / "ringfort"))
DOMAIN = "voice.example.org"
SITES_MAX = 200
SCRATCH = {}  # TMPDIR for programs that leave something there: conftest.py says where, and removes it


def loopback_v6(*addresses):
    """Give lo these IPv6 addresses too, as phones.loopback_up() does for IPv4."""
    import fcntl
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
        for a in addresses:
            # struct in6_ifreq; SIOCSIFADDR; lo is the first interface of a namespace
            fcntl.ioctl(s, 0x8916, socket.inet_pton(socket.AF_INET6, a) + (128).to_bytes(4, sys.byteorder) +
                        (1).to_bytes(4, sys.byteorder))


class Failed(AssertionError):
    """A command that should have worked did not."""


class Site:
    """A site directory in a temporary folder, driven by ringfort's own commands."""

    TEXT = """\
site: test
domain: {domain}
level: {level}
zones:
  server: {{ vlan: 20, subnet: 10.20.{n}.0/24 }}
  phone:  {{ vlan: 30, subnet: 10.30.{n}.0/24 }}
hosts:
  - {{ name: ctl-a, zone: server, address: {address}, roles: [controller] }}
locations:
  lobby: {{ building: Main, floor: 1, room: Lobby, address: "1 Example Road" }}
phones_file: phones.csv
"""

    def __init__(self, folder, n, level="medium", extra=""):
        self.folder, self.n, self.level = pathlib.Path(folder), n, level
        self.dir = self.folder / "site"
        self.address, self.port = f"10.20.{n}.11", 5061
        self.domain = DOMAIN
        self.started = []
        self.numbers = {}
        self.dir.mkdir(parents=True)
        self.write(extra)
        self.run("init", self.dir, bare=True)

    def write(self, extra=""):
        (self.dir / "site.yaml").write_text(
            self.TEXT.format(domain=self.domain, level=self.level, n=self.n, address=self.address) + extra)

    # ---- commands

    def call(self, *args, stdin=None, timeout=60):
        """Run a command on this site; a subprocess.CompletedProcess with text."""
        return subprocess.run([RINGFORT, "-C", str(self.dir), *map(str, args)], input=stdin or "", capture_output=True,
                              text=True, timeout=timeout)

    def run(self, *args, bare=False, stdin=None, timeout=60):
        """The same, which must work: its standard output."""
        argv = [RINGFORT, *([] if bare else ["-C", str(self.dir)]), *map(str, args)]
        done = subprocess.run(argv, input=stdin or "", capture_output=True, text=True, timeout=timeout)
        if done.returncode:
            raise Failed(f"{' '.join(argv)}: status {done.returncode}\n{done.stdout}{done.stderr}\n{self.log()}")
        return done.stdout

    def json(self, *args, **kw):
        return json.loads(self.run(*args, "--json", **kw))

    def up(self):
        self.run("up")
        return self

    def down(self):
        return self.call("down", timeout=40)

    def kill(self):
        """kill -9, as the kernel does it when memory ends."""
        pid = int((self.dir / "state" / "controller.pid").read_text())
        os.kill(pid, 9)
        wait_until("the controller is gone", lambda: self.call("status").returncode != 0, 10)

    def log(self, lines=15):
        try:
            return "\n".join((self.dir / "state" / "controller.log").read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    # ---- phones

    def phone_add(self, name, number, *args):
        self.numbers[name] = number
        return self.run("phone", "add", name, "--number", number, "--location", "lobby", *args)

    def credentials(self, name):
        """(certificate, key, ca) files of a phone."""
        where = self.dir / "pki" / "phones" / name
        return where / "cert.pem", where / "key.pem", self.dir / "pki" / "ca.pem"

    def phone_address(self, index):
        return f"10.30.{self.n}.{11 + index}"

    def baresip(self, name, index=0, tone=440, answer="auto", codecs="PCMA/8000/1,PCMU/8000/1", account=(),
                config=()):
        """Configure a phone by `ringfort phone config`, make it headless, start it; it registers by itself."""
        folder = self.folder / f"baresip-{name}"
        if not folder.exists():
            self.run("phone", "config", name, "--for", "baresip", "-o", folder)
            make_headless(folder, name, self.phone_address(index), tone, 4444)
            set_account(folder, answermode=answer, audio_codecs=codecs, **dict(account))
            with open(folder / "config", "a") as f:
                f.writelines(f"{line}\n" for line in config)
        phone = Baresip(name, folder, self.phone_address(index), 4444)
        self.started.append(phone)
        return phone.start()

    def linphone(self, name, index=1, answer=True):
        folder = self.folder / f"linphone-{name}"
        if not folder.exists():
            self.run("phone", "config", name, "--for", "linphone", "-o", folder)
        phone = Linphone(name, folder, answer)
        self.started.append(phone)
        return phone.start()

    def bindings(self):
        return self.json("bindings")["bindings"]

    def registered(self):
        """The numbers that have a binding now."""
        return {b["aor"].split(":")[-1].split("@")[0] for b in self.bindings()}

    def wait_registered(self, *numbers, seconds=15):
        wait_until(f"{', '.join(numbers)} registered", lambda: set(numbers) <= self.registered(), seconds)

    def calls(self):
        return self.json("calls")["calls"]

    def ledger(self, *kinds):
        """Events on record, oldest first, of these kinds (all without any)."""
        events = []
        for file in sorted((self.dir / "ledger").glob("*.jsonl")):
            for line in file.read_text(errors="replace").splitlines():
                try:
                    events.append(json.loads(line))
                except ValueError:
                    continue   # half a line, being written
        return [e for e in events if not kinds or e["kind"] in kinds]

    def wait_event(self, kind, seconds=5, **fields):
        """The first event of that kind whose fields have these values."""
        def find():
            for e in self.ledger(kind):
                if all(e.get(k) == v for k, v in fields.items()):
                    return e
            return None
        return wait_until(f"ledger event {kind} {fields}", find, seconds)

    def client(self, phone=None, **kw):
        """A raw TLS SIP client with a phone's certificate, or with none."""
        if phone:
            cert, key, ca = self.credentials(phone)
            kw = {"cert": cert, "key": key, "ca": ca, **kw}
        else:
            kw.setdefault("ca", self.dir / "pki" / "ca.pem")
        c = SipClient((self.address, self.port), domain=self.domain, **kw)
        self.started.append(c)
        return c

    def close(self):
        for p in self.started:
            try:
                p.stop()
            except Exception:   # a phone that is gone already
                pass
        if (self.dir / "state").exists():
            self.down()


def set_account(folder, **params):
    """Parameters of a baresip account; None takes one away."""
    file = pathlib.Path(folder) / "accounts"
    lines = []
    for line in file.read_text().splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            parts = [p for p in line.split(";") if p.split("=")[0] not in params]
            line = ";".join(parts + [f"{k}={v}" for k, v in params.items() if v is not None])
        lines.append(line)
    file.write_text("\n".join(lines) + "\n")


class Linphone:
    """linphonec, driven by its standard input. prefix: words before its own that start it elsewhere."""

    def __init__(self, name, folder, answer=True, prefix=()):
        self.name, self.folder, self.answer, self.prefix = name, pathlib.Path(folder), answer, prefix
        self.process = None

    def start(self):
        rc = next(self.folder.glob("*linphonerc*"))
        args = [*self.prefix, "linphonec", "-c", str(rc), "-d", "6", "-l", str(self.folder / "log")]
        if self.answer:
            args.append("-a")
        self.out = open(self.folder / "out", "wb")
        self.process = subprocess.Popen(args, cwd=self.folder, stdin=subprocess.PIPE, stdout=self.out,
                                        stderr=subprocess.STDOUT, preexec_fn=die_with_parent,
                                        env=dict(os.environ, HOME=str(self.folder), **SCRATCH))
        return self

    def command(self, text):
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()

    def output(self):
        return (self.folder / "out").read_text(errors="replace")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(3)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process:
            self.out.close()


class Message:
    """A SIP message as received: enough of a parser for tests, on purpose not ringfort's own."""

    def __init__(self, head, body):
        lines = re.sub(r"\r\n[ \t]+", " ", head).split("\r\n")
        self.line, self.body = lines[0], body
        self.headers = [(n.strip().lower(), v.strip()) for n, v in (s.split(":", 1) for s in lines[1:] if ":" in s)]
        self.code = int(self.line.split()[1]) if self.line.startswith("SIP/2.0 ") else 0
        self.method = "" if self.code else self.line.split()[0]

    def all(self, name):
        return [v for n, v in self.headers if n == name.lower()]

    def get(self, name, default=""):
        values = self.all(name)
        return values[0] if values else default

    def __repr__(self):
        return f"<{self.line}>"


_counter = itertools.count(1)


class SipClient:
    """SIP over one TLS, TCP or UDP socket, byte by byte: sends what no real phone would.

    cert and key may be any files, also another phone's, or none. verify=False does not look at the server's
    certificate. open() raises ssl.SSLError or ConnectionError when the server ends it.
    """

    def __init__(self, server, domain=DOMAIN, cert=None, key=None, ca=None, transport="tls", source=None, verify=True,
                 max_version=None):
        self.server, self.domain, self.transport, self.source = server, domain, transport, source
        self.cert, self.key, self.ca, self.verify, self.max_version = cert, key, ca, verify, max_version
        self.socket, self.pending = None, b""
        self.tag, self.call_id = secrets.token_hex(4), f"{secrets.token_hex(8)}@test"

    def open(self, timeout=5):
        kind = socket.SOCK_DGRAM if self.transport == "udp" else socket.SOCK_STREAM
        raw = socket.socket(socket.AF_INET6 if ":" in self.server[0] else socket.AF_INET, kind)
        raw.settimeout(timeout)
        if self.source:
            raw.bind((self.source, 0))
        raw.connect(self.server)
        self.socket = raw
        if self.transport == "tls":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_REQUIRED if self.verify and self.ca else ssl.CERT_NONE
            if self.ca:
                context.load_verify_locations(self.ca)
            if self.cert:
                context.load_cert_chain(self.cert, self.key)
            if self.max_version:
                context.maximum_version = self.max_version
            self.socket = context.wrap_socket(raw, server_hostname=self.domain)
        self.local = raw.getsockname() if self.transport != "tls" else self.socket.getsockname()
        return self

    def stop(self):
        if self.socket:
            self.socket.close()
            self.socket = None

    # ---- messages

    def here(self):
        """Our own host and port as in a URI."""
        host, port = self.local[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def request(self, method, uri=None, to=None, sender=None, headers=(), body="", cseq=None, branch=None, call_id=None,
                to_tag=None, contact=None):
        """A well-formed request; every part can be chosen. Returns bytes."""
        uri = uri or f"sip:{self.domain}"
        sender = sender or to or f"sip:anybody@{self.domain}"
        to = to or sender
        cseq = cseq or next(_counter)
        host = self.here()
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/{self.transport.upper()} {host};rport;branch={branch or 'z9hG4bK' + secrets.token_hex(8)}",
            "Max-Forwards: 70",
            f"From: <{sender}>;tag={self.tag}",
            f"To: <{to}>" + (f";tag={to_tag}" if to_tag else ""),
            f"Call-ID: {call_id or self.call_id}",
            f"CSeq: {cseq} {method}",
        ]
        if contact != "":
            lines.append(f"Contact: <{contact or f'sip:test@{host};transport={self.transport}'}>")
        lines += list(headers)
        lines.append(f"Content-Length: {len(body.encode())}")
        return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()

    def send(self, data):
        self.socket.sendall(data)

    def receive(self, timeout=5):
        """The next message, None when the server closed the connection or said nothing in time."""
        self.socket.settimeout(timeout)
        while True:
            m = self._take()
            if m:
                return m
            try:
                piece = self.socket.recv(65536)
            except (TimeoutError, socket.timeout, ConnectionError, ssl.SSLError):
                return None
            if not piece:
                return None
            self.pending += piece

    def _take(self):
        while self.pending.startswith(b"\r\n"):
            self.pending = self.pending[2:]
        head, mark, rest = self.pending.partition(b"\r\n\r\n")
        if not mark:
            return None
        text = head.decode(errors="replace")
        found = re.search(r"(?im)^(?:content-length|l)\s*:\s*(\d+)", text)
        n = int(found.group(1)) if found else len(rest) if self.transport == "udp" else 0
        if len(rest) < n:
            return None
        self.pending = rest[n:]
        return Message(text, rest[:n])

    def ask(self, data, timeout=5):
        """Send a request and wait for its final response."""
        self.send(data)
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            m = self.receive(max(0.05, end - time.monotonic()))
            if m is None:
                return None
            if m.code >= 200:
                return m
        return None

    def reply(self, request, code, reason="OK", headers=(), body="", to_tag=None):
        """Answer a request that the server sent us."""
        lines = [f"SIP/2.0 {code} {reason}"]
        for name in ("Via", "Record-Route", "From", "To", "Call-ID", "CSeq"):
            for v in request.all(name):
                if name == "To" and ";tag=" not in v and code > 100:
                    v += f";tag={to_tag or self.tag}"
                lines.append(f"{name}: {v}")
        lines += [*headers, f"Content-Length: {len(body.encode())}"]
        self.send(("\r\n".join(lines) + "\r\n\r\n" + body).encode())

    # ---- digest (RFC 7616), the client's side

    def authorise(self, challenge, user, password, method, uri, name="Authorization"):
        p = dict(re.findall(r'(\w+)="?([^",]*)"?', challenge.split(" ", 1)[1]))
        algorithm = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}[p.get("algorithm", "MD5")]

        def h(text):
            return hashlib.new(algorithm, text.encode()).hexdigest()
        nc, cnonce = "00000001", secrets.token_hex(8)
        ha1, ha2 = h(f"{user}:{p['realm']}:{password}"), h(f"{method}:{uri}")
        response = h(f"{ha1}:{p['nonce']}:{nc}:{cnonce}:auth:{ha2}")
        return (f'{name}: Digest username="{user}", realm="{p["realm"]}", nonce="{p["nonce"]}", uri="{uri}", '
                f'response="{response}", algorithm={p.get("algorithm", "MD5")}, qop=auth, nc={nc}, cnonce="{cnonce}"')

    def register(self, aor, user=None, password=None, expires=300, headers=(), sender=None, contact=None):
        """REGISTER, answering one challenge when there are user and password: the last response."""
        uri = f"sip:{self.domain}"
        headers = [f"Expires: {expires}", *headers]
        answer = self.ask(self.request("REGISTER", uri, to=aor, sender=sender, headers=headers, contact=contact))
        if answer is not None and answer.code == 401 and user:
            login = self.authorise(answer.get("WWW-Authenticate"), user, password, "REGISTER", uri)
            answer = self.ask(self.request("REGISTER", uri, to=aor, sender=sender, headers=[*headers, login],
                                           contact=contact))
        return answer


def have(program):
    return shutil.which(program) is not None
