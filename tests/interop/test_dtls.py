"""DTLS-SRTP with what others wrote: OpenSSL's and GnuTLS's programs, as clients and as servers, over real sockets. Both
sides must come to the same keys; openssl prints what it exports. With a browser: ICE, DTLS, and speech both ways."""
import itertools
import json
import os
import pathlib
import re
import select
import socket
import subprocess
import threading

import pytest

from browser import Chromium, Pages
from lab import RINGFORT, die_with_parent, have, wait_until

PEER = pathlib.Path(RINGFORT).resolve().parent.parent / "tests" / "interop" / "dtls_peer"
LABEL = ["-keymatexport", "EXTRACTOR-dtls_srtp", "-keymatexportlen"]
SUITES = [("AEAD_AES_256_GCM", "SRTP_AEAD_AES_256_GCM", 32, 12), ("AEAD_AES_128_GCM", "SRTP_AEAD_AES_128_GCM", 16, 12),
          ("AES_CM_128_HMAC_SHA1_80", "SRTP_AES128_CM_SHA1_80", 16, 14),
          ("AES_CM_128_HMAC_SHA1_32", "SRTP_AES128_CM_SHA1_32", 16, 14)]
_ports = itertools.count(30000)

pytestmark = pytest.mark.skipif(not os.access(PEER, os.X_OK), reason=f"{PEER} is not built")


class Program:
    """A process, and what it has written so far."""

    def __init__(self, *args):
        self.process = subprocess.Popen([str(a) for a in args], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, preexec_fn=die_with_parent)
        self.bytes = b""
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        while data := self.process.stdout.read1(65536):
            self.bytes += data

    @property
    def text(self):
        return self.bytes.decode(errors="replace")

    def wait(self, pattern, seconds=10):
        try:
            return wait_until(pattern, lambda: re.search(pattern, self.text, re.M), seconds)
        except Exception as e:
            raise AssertionError(f"{e}\n{self.text}") from None

    def end(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(0.5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.reader.join(5)


@pytest.fixture
def start():
    programs = []

    def go(*args):
        programs.append(Program(*args))
        return programs[-1]

    yield go
    for p in programs:
        p.end()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Key, certificate, fingerprint of the other side."""
    folder = tmp_path_factory.mktemp("dtls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=other", "-keyout", key, "-out", cert], check=True, capture_output=True)
    text = subprocess.run(["openssl", "x509", "-in", cert, "-noout", "-fingerprint", "-sha256"], check=True,
                          capture_output=True, text=True).stdout
    return key, cert, "sha-256 " + text.strip().split("=")[1]


def listening(port):
    """Somebody has this UDP port: who binds it, too, is told so."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def split(material, key, salt):
    """RFC 5764 4.2: (client's, server's), each master key and salt."""
    m = bytes.fromhex(material)
    assert len(m) == 2 * (key + salt)
    return m[:key] + m[2 * key:2 * key + salt], m[key:2 * key] + m[2 * key + salt:]


def ours(program):
    m = program.wait(r"^ready \d+ in (\w+) out (\w+)$")
    return bytes.fromhex(m[1]), bytes.fromhex(m[2])


def exported(program):
    return program.wait(r"Keying material: (\w+)")[1]


@pytest.mark.parametrize("suite,name,key,salt", SUITES)
def test_openssl_client(start, certificate, suite, name, key, salt):
    port = next(_ports)
    peer = start(PEER, "passive", port, 0, suite, certificate[2])
    peer.wait("^print ")
    client = start("openssl", "s_client", "-dtls1_2", "-connect", f"127.0.0.1:{port}", "-use_srtp", name,
                   "-cert", certificate[1], "-key", certificate[0], *LABEL, 2 * (key + salt))
    got_in, got_out = ours(peer)
    assert split(exported(client), key, salt) == (got_in, got_out)
    # The certificate that it was shown is the one that we said.
    pem = client.wait(r"-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----")[0]
    text = subprocess.run(["openssl", "x509", "-noout", "-fingerprint", "-sha256"], input=pem, check=True, capture_output=True,
                          text=True).stdout
    assert f"print sha-256 {text.strip().split('=')[1]}" in peer.text
    client.end()   # with close_notify
    peer.wait("^closed$")


@pytest.mark.parametrize("suite,name,key,salt", SUITES)
def test_openssl_server(start, certificate, suite, name, key, salt):
    port, own = next(_ports), next(_ports)
    server = start("openssl", "s_server", "-dtls1_2", "-accept", f"127.0.0.1:{port}", "-use_srtp", name, "-verify", "1",
                   "-cert", certificate[1], "-key", certificate[0], *LABEL, 2 * (key + salt))
    wait_until("the server listens", lambda: listening(port))
    peer = start(PEER, "active", own, port, suite, certificate[2])
    got_in, got_out = ours(peer)
    assert split(exported(server), key, salt) == (got_out, got_in)
    peer.end()     # with close_notify
    server.wait("CONNECTION CLOSED|DONE")


@pytest.mark.parametrize("role", ["active", "passive"])
def test_wrong_fingerprint(start, certificate, role):
    port, own = next(_ports), next(_ports)
    wrong = certificate[2][:-2] + ("00" if certificate[2][-2:] != "00" else "11")
    other = ["-use_srtp", SUITES[0][1], "-cert", certificate[1], "-key", certificate[0]]
    if role == "active":
        start("openssl", "s_server", "-dtls1_2", "-accept", f"127.0.0.1:{port}", "-verify", "1", *other)
        wait_until("the server listens", lambda: listening(port))
    peer = start(PEER, role, own, port if role == "active" else 0, SUITES[0][0], wrong)
    peer.wait("^print ")
    if role == "passive":
        start("openssl", "s_client", "-dtls1_2", "-connect", f"127.0.0.1:{own}", *other)
    peer.wait("^failed fingerprint$")
    assert "ready" not in peer.text


class Sieve:
    """Between client and server: of each flight, or of the server's last, the first copy is lost."""

    def __init__(self, port, to, each):
        self.each = each
        self.front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.front.bind(("127.0.0.1", port))
        self.back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.back.connect(("127.0.0.1", to))
        self.client, self.seen, self.lost = None, set(), 0
        self.stop_read, self.stop_write = os.pipe()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def passes(self, data, side):
        # A flight is told by its side, its epoch, and the kind and number of its first message, as far as they are in clear.
        if not self.each and (side, data[0]) != ("server", 20):   # ChangeCipherSpec begins it
            return True
        what = (side, data[0], data[3:5], data[13], data[17:19] if data[0] == 22 and data[3:5] == b"\0\0" else b"")
        self.lost += what not in self.seen
        fresh = what not in self.seen
        self.seen.add(what)
        return not fresh

    def run(self):
        while True:
            ready = select.select([self.front, self.back, self.stop_read], [], [])[0]
            if self.stop_read in ready:
                return
            try:
                if self.front in ready:
                    data, self.client = self.front.recvfrom(65536)
                    if self.passes(data, "client"):
                        self.back.send(data)
                if self.back in ready:
                    data = self.back.recv(65536)
                    if self.passes(data, "server"):
                        self.front.sendto(data, self.client)
            except ConnectionRefusedError:
                pass

    def close(self):
        os.close(self.stop_write)
        self.thread.join(5)
        for s in (self.front, self.back):
            s.close()
        os.close(self.stop_read)


@pytest.mark.parametrize("role,each", [("active", False), ("passive", False),
                                       pytest.param("active", True, marks=pytest.mark.long),
                                       pytest.param("passive", True, marks=pytest.mark.long)])
def test_lost(start, certificate, role, each):
    """What is lost, the last flight too, comes again: both come to an end, and to the same keys."""
    suite, name, key, salt = SUITES[0]
    port, own, between = next(_ports), next(_ports), next(_ports)
    other = ["-use_srtp", name, "-cert", certificate[1], "-key", certificate[0], *LABEL, 2 * (key + salt)]
    if role == "active":
        program = start("openssl", "s_server", "-dtls1_2", "-accept", f"127.0.0.1:{port}", "-verify", "1", *other)
        wait_until("the server listens", lambda: listening(port))
        sieve = Sieve(between, port, each)
        peer = start(PEER, "active", own, between, suite, certificate[2])
    else:
        peer = start(PEER, "passive", own, 0, suite, certificate[2])
        peer.wait("^print ")
        sieve = Sieve(between, own, each)
        program = start("openssl", "s_client", "-dtls1_2", "-connect", f"127.0.0.1:{between}", *other)
    keys = peer.wait(r"^ready \d+ in (\w+) out (\w+)$", 20)
    got_in, got_out = bytes.fromhex(keys[1]), bytes.fromhex(keys[2])
    client, server = split(exported(program), key, salt)
    assert (client, server) == ((got_out, got_in) if role == "active" else (got_in, got_out))
    assert sieve.lost >= (4 if each else 1)
    sieve.close()


@pytest.mark.skipif(not have("gnutls-cli"), reason="gnutls-cli is not installed")
def test_gnutls_client(start, certificate):
    port = next(_ports)
    peer = start(PEER, "passive", port, 0, "AEAD_AES_256_GCM,AES_CM_128_HMAC_SHA1_80", certificate[2])
    peer.wait("^print ")
    client = start("gnutls-cli", "--udp", "-p", port, "127.0.0.1", "--insecure", "--x509certfile", certificate[1],
                   "--x509keyfile", certificate[0], "--srtp-profiles", "SRTP_AES128_CM_HMAC_SHA1_80")
    assert all(len(k) == 30 for k in ours(peer))
    client.wait("Handshake was completed")
    assert "SRTP profile: SRTP_AES128_CM_HMAC_SHA1_80" in client.text
    peer.end()
    client.wait("Peer has closed")


@pytest.mark.skipif(not have("gnutls-serv"), reason="gnutls-serv is not installed")
def test_gnutls_server(start, certificate):
    port, own = next(_ports), next(_ports)
    server = start("gnutls-serv", "--udp", "-p", port, "--x509certfile", certificate[1], "--x509keyfile", certificate[0],
                   "--require-client-cert", "--srtp-profiles", "SRTP_AES128_CM_HMAC_SHA1_80")
    server.wait("listening on IPv4.*done")
    peer = start(PEER, "active", own, port, "AEAD_AES_256_GCM,AES_CM_128_HMAC_SHA1_80", certificate[2])
    assert all(len(k) == 30 for k in ours(peer))


PAGE = """<!doctype html><meta charset="utf-8"><title>media</title><script>
let pc;
async function start() {
  pc = new RTCPeerConnection();
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  pc.addTrack(stream.getTracks()[0], stream);
  await pc.setLocalDescription();
  await new Promise(done => { if (pc.iceGatheringState === "complete") done();
                              pc.onicegatheringstatechange = () => pc.iceGatheringState === "complete" && done(); });
  return pc.localDescription.sdp;
}
async function answered(sdp) { await pc.setRemoteDescription({ type: "answer", sdp }); }
async function media() {
  const out = { received: 0, dtls: "", cipher: "", version: "", state: pc.connectionState };
  for (const s of (await pc.getStats()).values()) {
    if (s.type === "inbound-rtp") out.received += s.packetsReceived;
    if (s.type === "transport") { out.dtls = s.dtlsState; out.cipher = s.srtpCipher; out.version = s.tlsVersion; }
  }
  return out;
}
</script>"""

ANSWER = """v=0\r
o=- 1 1 IN IP4 127.0.0.1\r
s=-\r
t=0 0\r
a=ice-lite\r
a=group:BUNDLE 0\r
m=audio {port} UDP/TLS/RTP/SAVPF {type}\r
c=IN IP4 127.0.0.1\r
a=mid:0\r
a=rtpmap:{type} opus/48000/2\r
a=rtcp-mux\r
a=sendrecv\r
a=setup:{role}\r
a=fingerprint:{print}\r
a=ice-ufrag:{ufrag}\r
a=ice-pwd:{pwd}\r
a=candidate:1 1 UDP 2130706431 127.0.0.1 {port} typ host\r
"""


@pytest.mark.skipif(not have("chromium"), reason="chromium is not installed")
@pytest.mark.parametrize("role,suite,version", [("passive", "AEAD_AES_256_GCM", 13),
                                                pytest.param("active13", "AEAD_AES_256_GCM", 13, marks=pytest.mark.long),
                                                pytest.param("active", "AEAD_AES_256_GCM", 12, marks=pytest.mark.long),
                                                pytest.param("active", "AES_CM_128_HMAC_SHA1_80", 12, marks=pytest.mark.long)])
def test_chromium(start, tmp_path, role, suite, version):
    """A browser: its checks nominate, its certificate is the one that it named, its speech is authentic and comes back. It
    knows both versions."""
    port, ufrag, pwd = next(_ports), "lite+ice", "abcdefghijklmnopqrstuvwx"
    pages = Pages(PAGE)
    browser = Chromium(tmp_path / "chromium", {})
    try:
        page = browser.open(pages.origin + "/")
        offer = page.eval("start()")
        theirs = {k: re.search(rf"(?m)^a={k}:(.*?)\r?$", offer)[1] for k in ("ice-ufrag", "fingerprint")}
        payload = re.search(r"a=rtpmap:(\d+) opus/48000/2", offer)[1]
        peer = start(PEER, role, port, 0, suite, theirs["fingerprint"], ufrag, pwd, theirs["ice-ufrag"])
        answer = ANSWER.format(port=port, role=role.rstrip("13"), print=peer.wait("^print (.*)$")[1], ufrag=ufrag, pwd=pwd, type=payload)
        page.eval(f"answered({json.dumps(answer)})")
        peer.wait("^nominated$", 20)
        peer.wait(r"^ready \d+")
        peer.wait("^media$")
        media = wait_until("speech comes back", lambda: (m := page.eval("media()"))["received"] > 10 and m, 15)
        assert media["dtls"] == "connected" and media["version"] == {12: "FEFD", 13: "FEFC"}[version], media
        peer.wait(f"^version {version}$")
    finally:
        browser.stop()
        pages.stop()
