"""A peer of another organisation, as a trunk sees it: certificates of its own, a server that takes calls over TLS, TCP or
UDP, and connections that it makes. Its OPTIONS are answered by themselves; everything else comes in order.

A Peer is used like a SipClient: receive(), reply(), send(), request(); what is sent goes to where the last request came
from, or to the connection that dial() made.
"""
import pathlib
import queue
import secrets
import select
import socket
import ssl
import subprocess
import threading
import time

from lab import SipClient, wait_until

SITE = """\
trunks:
{trunks}
"""


def openssl(folder, *args, stdin=None):
    done = subprocess.run(["openssl", *map(str, args)], cwd=folder, input=stdin, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


class Authority:
    """A certificate authority outside the site."""

    def __init__(self, folder, name="carrier CA"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.cert = self.folder / "ca.pem"
        openssl(self.folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                "ca.key", "-out", "ca.pem", "-days", "2", "-subj", f"/CN={name}", "-addext",
                "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def issue(self, *names):
        """(certificate, key) for these subjectAltNames, "DNS:sip.carrier.example"."""
        stem = secrets.token_hex(4)
        openssl(self.folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                f"{stem}.key", "-out", f"{stem}.csr", "-subj", f"/CN={stem}")
        (self.folder / f"{stem}.ext").write_text(f"subjectAltName={','.join(names)}\n"
                                                 "extendedKeyUsage=serverAuth,clientAuth\n")
        openssl(self.folder, "x509", "-req", "-in", f"{stem}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                "-CAcreateserial", "-days", "1", "-out", f"{stem}.pem", "-extfile", f"{stem}.ext")
        return self.folder / f"{stem}.pem", self.folder / f"{stem}.key"


class Peer(SipClient):
    """A server at address:port, and a client with the same certificate."""

    def __init__(self, site, address, cert=None, key=None, port=5061, transport="tls", answer_options=200):
        super().__init__((site.address, 5061 if transport == "tls" else 5060), domain=site.domain, transport=transport)
        self.site, self.address, self.port, self.cert, self.key = site, address, port, cert, key
        self.answer_options, self.options = answer_options, 0
        self.inbox, self.lock, self.busy = queue.Queue(), threading.Lock(), threading.Lock()
        self.threads, self.open_sockets = {}, []    # a thread reads each socket
        self.accepted = self.failed_handshakes = 0
        self.listening, self.out, self.over = None, None, False
        site.started.append(self)

    def here(self):
        return f"{self.address}:{self.port}"

    # ---- connections

    def listen(self):
        kind = socket.SOCK_DGRAM if self.transport == "udp" else socket.SOCK_STREAM
        s = socket.socket(socket.AF_INET, kind)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((self.address, self.port))
        self.listening, self.over = s, False
        if self.transport == "udp":
            self.out = s
            self._thread(self._datagrams, s)
        else:
            s.listen(16)
            self._thread(self._accept, s)
        return self

    def dial(self, timeout=5):
        """Connect to the site; raises ssl.SSLError or ConnectionError when it is not wanted."""
        raw = socket.create_connection(self.server, timeout, source_address=(self.address, 0))
        if self.transport == "tls":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.load_verify_locations(self.site.dir / "pki" / "ca.pem")
            if self.cert:
                context.load_cert_chain(self.cert, self.key)
            raw = context.wrap_socket(raw, server_hostname=self.domain)
        self.dialled = raw
        self._use(raw)
        return self

    def _use(self, s, ours=True):
        s.setblocking(False)
        with self.lock:
            self.out = s if ours else self.out
            self.open_sockets.append(s)
        self._thread(self._stream, s)

    def _thread(self, target, s):
        t = self.threads[s] = threading.Thread(target=target, args=(s,), daemon=True)
        t.start()

    def _accept(self, listening):
        while True:
            try:
                s, _ = listening.accept()
            except OSError:
                return
            s.settimeout(5)
            try:
                if self.transport == "tls":
                    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                    context.load_cert_chain(self.cert, self.key)
                    context.load_verify_locations(self.site.dir / "pki" / "ca.pem")
                    context.verify_mode = ssl.CERT_REQUIRED
                    s = context.wrap_socket(s, server_side=True)
            except OSError:     # an SSLError is one
                self.failed_handshakes += 1
                continue
            self.accepted += 1
            self._use(s, self.out is None)

    def _stream(self, s):
        reader = SipClient(self.server, transport=self.transport)
        reader.socket, reader.local = s, (self.address, self.port)
        while True:
            while m := reader._take():
                self._sort(m, s, None)
            try:
                select.select([s], [], [])
                with self.busy:         # OpenSSL reads and writes one connection in one thread at a time
                    piece = s.recv(65536)
            except (ssl.SSLWantReadError, BlockingIOError):
                continue
            except (OSError, ValueError):
                piece = b""
            if not piece:
                if s is self.dialled:
                    self.inbox.put(None)
                return
            reader.pending += piece

    def _datagrams(self, s):
        while True:
            try:
                data, where = s.recvfrom(65536)
            except OSError:
                return
            if self.over:
                return
            reader = SipClient(self.server, transport="udp")
            reader.pending = data
            m = reader._take()
            if m:
                self._sort(m, s, where)

    def _sort(self, m, s, where):
        m.socket, m.where = s, where
        if m.method == "OPTIONS" and ";tag=" not in m.get("To"):
            self.options += 1
            if self.answer_options:
                self.reply(m, self.answer_options)
            return
        self.inbox.put(m)

    # ---- messages

    def receive(self, timeout=5):
        try:
            m = self.inbox.get(timeout=timeout)
        except queue.Empty:
            return None
        if m is None:
            return None     # the connection that we made has ended
        with self.lock:
            if m.method:
                self.out, self.where = m.socket, m.where
        return m

    def reply(self, request, *args, **kw):
        with self.lock:
            self.out, self.where = request.socket, request.where
        super().reply(request, *args, **kw)

    where = dialled = None

    def send(self, data):
        if self.transport == "udp":
            self.out.sendto(data, self.where or self.server)
        else:
            with self.busy:
                self.out.sendall(data)  # never more than the socket's buffer takes

    def hang(self, *sockets):
        """Close these without a word: when their threads have left them. A thread that waits in select() for a number that is
        closed meanwhile waits for whoever gets it next, a pipe of a command's, say, and as long as it does that stays open."""
        for s in sockets:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for s in sockets:
            thread = self.threads.pop(s, None)
            if thread:
                thread.join(10)
                assert not thread.is_alive(), f"{self.address}: a thread still reads {s}"
            s.close()

    def die(self):
        """As kill -9: every socket closes, nothing is said."""
        self.over = True
        if self.listening:
            self.hang(self.listening)
        self.hang(*self.open_sockets)
        self.open_sockets.clear()
        self.listening = None

    stop = die


def state_of(site, trunk):
    return next(t for t in site.json("trunk", "list")["trunks"] if t["name"] == trunk)


def wait_state(site, trunk, state, seconds=8):
    return wait_until(f"trunk {trunk} is {state}", lambda: state_of(site, trunk)["state"] == state, seconds)


def census(site):
    """Everything that lives because of calls, over all workers; empty when nothing is left."""
    counted = {}
    for w in site.json("status")["workers"]:
        for k, v in w.items():
            if k.endswith("_now") and v:
                counted[k] = counted.get(k, 0) + v
    for t in site.json("trunk", "list")["trunks"]:
        if t["channels"]:
            counted[f"channels of {t['name']}"] = t["channels"]
    return counted


def wait_empty(site, seconds=10):
    wait_until(f"nothing is left, but {census(site)}", lambda: not census(site), seconds)


__all__ = ["Authority", "Peer", "state_of", "wait_state", "census", "wait_empty", "time"]
