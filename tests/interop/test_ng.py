"""The NG protocol with what others wrote: rtpengine's Perl client and module, and Kamailio's module, ask our server; our client
asks rtpengine's daemon, and the next one when that is killed."""
import itertools
import json
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import threading
import time

import pytest

from lab import RINGFORT, die_with_parent, have, wait_until

PEER = pathlib.Path(RINGFORT).resolve().parent.parent / "tests" / "interop" / "ng_peer"
SDP = "v=0\r\no=- 1 1 IN IP4 192.0.2.5\r\ns=-\r\nc=IN IP4 192.0.2.5\r\nt=0 0\r\nm=audio 30000 RTP/AVP 8\r\n"
_ports = itertools.count(21000, 10)

pytestmark = pytest.mark.skipif(not os.access(PEER, os.X_OK), reason=f"{PEER} is not built")


class Peer:
    """ng_peer, and the lines that it has printed."""

    def __init__(self, *args):
        self.lines = []
        self.process = subprocess.Popen([str(a) for a in (PEER, *args)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        preexec_fn=die_with_parent)
        self.reader = threading.Thread(target=lambda: self.lines.extend(iter(self.process.stdout.readline, "")), daemon=True)
        self.reader.start()
        self.wait("ready")

    def wait(self, pattern, seconds=10, after=0):
        def found():
            return next((line for line in self.lines[after:] if re.search(pattern, line)), None)
        try:
            return wait_until(pattern, found, seconds)
        except Exception as e:
            raise AssertionError(f"{e}: {self.lines}") from None

    def ask(self, *words):
        at = len(self.lines)
        self.process.stdin.write(" ".join(str(w) for w in words) + "\n")
        self.process.stdin.flush()
        return self.wait(r"^(ok|error|failed)", after=at).strip()

    def end(self):
        self.process.stdin.close()
        try:
            return self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


@pytest.fixture
def server(tmp_path):
    peer = Peer("serve", port := next(_ports), tmp_path / "ng")
    peer.port, peer.path = port, tmp_path / "ng"
    yield peer
    assert peer.end() == 0


def request(line):
    """A request that the server has printed, and its warning."""
    text, warning = line.rstrip("\n").split(" warning: ", 1)
    return json.loads(text.split(" ", 1)[1]), warning


def ng_client(server, *args):
    result = subprocess.run(["rtpengine-ng-client", "--proxy-address=127.0.0.1", f"--proxy-port={server.port}", *args],
                            capture_output=True, text=True, timeout=10, check=False)
    return result.stdout + result.stderr


@pytest.mark.skipif(not have("rtpengine-ng-client"), reason="rtpengine-utils is not installed")
@pytest.mark.parametrize("encoding", [(), ("--json",)], ids=["bencode", "json"])
def test_rtpengines_client(server, encoding):
    ng_client(server, *encoding, "ping")
    assert request(server.wait("ping"))[0] == {"command": "ping"}
    said = ng_client(server, *encoding, "offer", "--from-tag=a", "--call-id=c1", "--via-branch=z9hG4bK1", f"--sdp={SDP}", "--symmetric",
                     "--trust-address", "--SDES=pad", "--SDES=no-AES_CM_128_HMAC_SHA1_32", "--rtcp-mux=offer", "--codec-strip=G722",
                     "--codec-transcode=opus/48000/2", "--replace-origin", "--ICE=force", "--DTLS=passive", "--direction=in,out",
                     "--TOS=184", "--media-address=2001:db8::9", "--address-family=IP6", "--received-from=IP4",
                     "--received-from=192.0.2.7", "--protocol=UDP/TLS/RTP/SAVPF", "--label=x", "--DTLS-fingerprint=SHA-384",
                     "--flags=codec-accept-PCMU", "--flags=SDES-lifetime", "--flags=coffee", "--delay-buffer=10")
    assert "New SDP" in said and "m=audio 30000" in said
    assert '"delay-buffer" is not done' in said and 'the flag "coffee" is not known' in said
    got, warning = request(server.wait('"offer"'))
    assert '"coffee"' in warning.replace('\\"', '"')
    assert got.pop("sdp").splitlines() == SDP.splitlines()
    assert got == {
        "command": "offer", "call-id": "c1", "from-tag": "a", "via-branch": "z9hG4bK1", "label": "x", "TOS": 184, "ICE": "force",
        "DTLS": "passive", "DTLS-fingerprint": "SHA-384", "SDES": ["pad", "lifetime", "no-AES_CM_128_HMAC_SHA1_32"],
        "rtcp-mux": ["offer"], "replace": ["origin"], "direction": ["in", "out"], "media address": "2001:db8::9",
        "address family": "IP6", "received from": ["IP4", "192.0.2.7"], "transport protocol": "UDP/TLS/RTP/SAVPF",
        "codec": {"accept": ["PCMU"], "strip": ["G722"], "transcode": ["opus/48000/2"]}, "flags": ["symmetric", "trust address"]}
    assert "created" in ng_client(server, *encoding, "query", "--call-id=c1")
    # What is refused says which word, and why; the client ends with that.
    for word, why in [("--media-handover", "can be stolen"), ("--record-call", "writes no recordings"),
                      ("--SDES=unencrypted_srtp", "encrypted and authenticated, always")]:
        said = ng_client(server, *encoding, "offer", "--from-tag=a", "--call-id=c2", f"--sdp={SDP}", word)
        assert "Error reason" in said and why in said
    assert 'needs "to-tag"' in ng_client(server, *encoding, "answer", "--from-tag=a", "--call-id=c2", f"--sdp={SDP}").replace('\\"', '"')


@pytest.mark.skipif(not have("rtpengine-ng-client"), reason="rtpengine-utils is not installed")
def test_rtpengines_module_by_unix_and_tcp(server):
    """NGCP::Rtpengine on connections that the script has made: the module takes what it reads at once for one message."""
    script = r"""
        package Wire; # perl's recv() on TCP says nothing of the sender, which the module takes for an error
        sub new { bless { s => $_[1] } } sub send { syswrite $_[0]{s}, $_[1] } sub recv { sysread $_[0]{s}, $_[1], $_[2] }
        package main; use strict; use warnings; use IO::Socket::UNIX; use IO::Socket::INET; use NGCP::Rtpengine;
        for my $s (IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $ARGV[0]),
                   Wire->new(IO::Socket::INET->new(Proto => 'tcp', PeerAddr => "127.0.0.1:$ARGV[1]"))) {
            for my $json (0, 1) {
                my $r = NGCP::Rtpengine->new($s); $r->{json} = $json;
                my $o = $r->offer({ 'call-id' => 'c', 'from-tag' => 'a', sdp => $ARGV[2], flags => ['strict source'] });
                print "offer $o->{result} ", length($o->{sdp}), "\n";
                my $a = $r->answer({ 'call-id' => 'c', 'from-tag' => 'a', 'to-tag' => 'b', sdp => $ARGV[2] });
                print "answer $a->{result}\n";
                my $d = $r->req({ command => 'delete', 'call-id' => 'c' });
                print "delete $d->{totals}{RTP}{packets}\n";
            }
        }"""
    result = subprocess.run(["perl", "-e", script, server.path, str(server.port), SDP], capture_output=True, text=True, timeout=20,
                            check=False)
    assert result.stdout.splitlines() == [f"offer ok {len(SDP)}", "answer ok", "delete 5"] * 4, result.stderr


KAMAILIO = """#!KAMAILIO
debug=1
log_stderror=yes
children=1
disable_tcp=yes
listen=udp:127.0.0.1:{sip}
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "rtpengine.so"
modparam("rtpengine", "rtpengine_sock", "udp:127.0.0.1:{ng}")
request_route {{
  $var(done) = 0;
  if (method=="INVITE") {{ if (rtpengine_offer("replace-origin replace-session-connection ICE=remove RTP/SAVP SDES-off DTLS=passive codec-strip-G722 trust-address strict-source")) $var(done) = 1; }}
  if (method=="INFO") {{ if (rtpengine_offer("media-handover")) $var(done) = 1; }}
  if (method=="MESSAGE") {{ if (rtpengine_query()) $var(done) = 1; }}
  if (method=="NOTIFY") {{ if (block_media() && unblock_dtmf() && play_dtmf("code=5 duration=200")) $var(done) = 1; }}
  if (method=="BYE") {{ if (rtpengine_delete()) $var(done) = 1; }}
  if ($var(done) == 1) sl_send_reply("200", "done"); else sl_send_reply("500", "not done");
  exit;
}}
"""


@pytest.mark.skipif(not have("kamailio"), reason="kamailio is not installed")
def test_kamailios_module(server, tmp_path):
    sip = next(_ports)
    (tmp_path / "kamailio.cfg").write_text(KAMAILIO.format(sip=sip, ng=server.port))
    log = open(tmp_path / "log", "w")
    kamailio = subprocess.Popen(["kamailio", "-f", tmp_path / "kamailio.cfg", "-DD", "-E", "-m", "32", "-M", "4", "-Y", tmp_path],
                                stdout=log, stderr=log, preexec_fn=die_with_parent)
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(1)
    s.bind(("127.0.0.1", 0))

    def send(method, body="", tag=";tag=bbb"):
        type_ = "Content-Type: application/sdp\r\n" if body else ""
        s.sendto((f"{method} sip:2@127.0.0.1:{sip} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{s.getsockname()[1]};branch=z9hG4bK{method}\r\n"
                  f"From: <sip:1@x>;tag=aaa\r\nTo: <sip:2@x>{tag}\r\nCall-ID: call@x\r\nCSeq: 1 {method}\r\nMax-Forwards: 70\r\n"
                  f"Contact: <sip:1@127.0.0.1:{s.getsockname()[1]}>\r\n{type_}Content-Length: {len(body)}\r\n\r\n{body}").encode(),
                 ("127.0.0.1", sip))
        try:
            return int(s.recv(4096).split()[1])
        except OSError:
            return None

    try:
        server.wait("ping")
        code = wait_until("kamailio answers", lambda: send("INVITE", SDP, ""), 10)
        assert code == 200
        got, warning = request(server.wait('"offer"'))
        assert got["SDES"] == ["off"] and got["DTLS"] == "passive" and got["transport protocol"] == "RTP/SAVP"
        assert got["codec"] == {"strip": ["G722"]} and got["received from"] == ["IP4", "127.0.0.1"]
        assert got["replace"] == ["origin", "session connection"] and got["supports"] == ["load limit"]
        assert warning == ""
        assert send("INFO", SDP) == 500          # refused, and Kamailio knows
        assert "can be stolen" in (tmp_path / "log").read_text()
        assert send("MESSAGE") == 200 and send("NOTIFY") == 200 and send("BYE") == 200
        assert request(server.wait('"play DTMF"'))[0]["duration"] == 200
        assert request(server.wait('"delete"'))[0]["call-id"] == "call@x"
    finally:
        kamailio.terminate()
        kamailio.wait(10)
        s.close()


class Daemon:
    """Debian's rtpengine, userspace alone, on loopback."""

    def __init__(self, folder):
        self.port = next(_ports)
        conf = folder / f"rtpengine-{self.port}.conf"
        conf.write_text(f"[rtpengine]\ntable = -1\ninterface = 127.0.0.1\nlisten-ng = 127.0.0.1:{self.port}\n"
                        f"port-min = {31000 + self.port % 1000 * 10}\nport-max = {31040 + self.port % 1000 * 10}\n")
        self.log = open(folder / f"rtpengine-{self.port}.log", "w")
        self.process = subprocess.Popen(["rtpengine", f"--config-file={conf}", "-f", "-E", "--log-level=4"], stdout=self.log,
                                        stderr=self.log, preexec_fn=die_with_parent)

    def end(self, how=signal.SIGKILL):
        if self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(10)
        self.log.close()


def rtp(seq, ssrc):
    return struct.pack(">BBHII", 0x80, 8, seq, seq * 160, ssrc) + b"\xd5" * 160


@pytest.mark.skipif(not have("rtpengine"), reason="rtpengine is not installed")
def test_our_client_and_rtpengine(tmp_path):
    daemons = [Daemon(tmp_path), Daemon(tmp_path)]
    peer = None
    a, b = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    for s in (a, b):
        s.bind(("127.0.0.1", 0))
        s.settimeout(5)
    try:
        peer = Peer("ask", *(d.port for d in daemons))

        def ready():
            return peer.ask("ping", "-", "-", "-", 0) == "ok 0"
        wait_until("the first rtpengine answers", ready, 15)
        offered = peer.ask("offer", "c1", "a", "-", a.getsockname()[1])
        answered = peer.ask("answer", "c1", "a", "b", b.getsockname()[1])
        assert offered.startswith("ok 0 port ") and answered.startswith("ok 0 port ")
        for i in range(10):
            a.sendto(rtp(i, 7), ("127.0.0.1", int(answered.split()[3])))
            b.recv(2048)
            b.sendto(rtp(i, 9), ("127.0.0.1", int(offered.split()[3])))
            a.recv(2048)
        said = peer.ask("query", "c1", "-", "-", 0)
        assert re.search(r"^ok 0 created \d+ tags 2 packets 20 ", said), said
        assert f"a/127.0.0.1:{a.getsockname()[1]}/10" in said and f"b/127.0.0.1:{b.getsockname()[1]}/10" in said
        assert peer.ask("query", "none", "-", "-", 0) == "error 0 Unknown call-id"
        assert "packets 20" in peer.ask("delete", "c1", "a", "-", 0)
        assert "warning Call-ID not found" in peer.ask("delete", "none", "a", "-", 0)
        # One dies: what is asked meanwhile goes to the other.
        daemons[0].end()
        begun = time.monotonic()
        assert peer.ask("offer", "c2", "a", "-", a.getsockname()[1]).startswith("ok 1 port ")
        assert time.monotonic() - begun < 3
        peer.wait("dead 0")
    finally:
        for s in (a, b):
            s.close()
        for d in daemons:
            d.end()
        if peer:
            assert peer.end() == 0
