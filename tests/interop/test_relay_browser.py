"""Chromium through the relay: with a plain phone at the other side, and two of its connections with each other, audio and video.

What the relay writes must be what a browser takes: ICE-lite, DTLS-SRTP, rtcp-mux, BUNDLE; and no word of the browser's own addresses
may come out at the other side."""
import json
import os
import re
import secrets
import socket
import struct
import subprocess
import threading
import time

import pytest

from anchor import Party, Relay, connect, rtp
from browser import Chromium, Pages
from lab import have, wait_until
from test_fast import Way
from test_xdp import SFLAGS, STXCSUM, TXVLAN, asker, drive

pytestmark = pytest.mark.skipif(not have("chromium"), reason="chromium is not installed")

NG = 2223
PAGE = """<!doctype html><meta charset="utf-8"><title>relay</title><script>
const pcs = {};
function start() {}
function gathered(pc) {
  return new Promise(done => { if (pc.iceGatheringState === "complete") done();
                               pc.onicegatheringstatechange = () => pc.iceGatheringState === "complete" && done(); });
}
let policy = "balanced";
async function make(name, video) {
  const pc = pcs[name] = new RTCPeerConnection({ bundlePolicy: policy });
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video });
  stream.getTracks().forEach(t => pc.addTrack(t, stream));
  return pc;
}
async function offer(name, video) {
  const pc = await make(name, video);
  await pc.setLocalDescription();
  await gathered(pc);
  return pc.localDescription.sdp;
}
async function answer(name, video, sdp) {
  const pc = await make(name, video);
  await pc.setRemoteDescription({ type: "offer", sdp });
  await pc.setLocalDescription();
  await gathered(pc);
  return pc.localDescription.sdp;
}
async function again(name) {
  await pcs[name].setLocalDescription();
  return pcs[name].localDescription.sdp;
}
async function add(name) {
  const stream = await navigator.mediaDevices.getUserMedia({ video: true });
  stream.getTracks().forEach(t => pcs[name].addTrack(t, stream));
  return again(name);
}
async function reanswer(name, sdp) {
  await pcs[name].setRemoteDescription({ type: "offer", sdp });
  for (const t of pcs[name].getTransceivers())
    if (!t.sender.track) {
      const stream = await navigator.mediaDevices.getUserMedia({ video: true });
      await t.sender.replaceTrack(stream.getVideoTracks()[0]);
      t.direction = "sendrecv";
    }
  return again(name);
}
async function answered(name, sdp) { await pcs[name].setRemoteDescription({ type: "answer", sdp }); }
async function media(name) {
  const out = { state: pcs[name].connectionState, audio: 0, video: 0 };
  for (const s of (await pcs[name].getStats()).values())
    if (s.type === "inbound-rtp") out[s.kind] += s.packetsReceived;
  return out;
}
</script>"""


@pytest.fixture
def page(tmp_path):
    pages = Pages(PAGE)
    browser = Chromium(tmp_path / "chromium", {})
    yield browser.open(pages.origin + "/")
    browser.stop()
    pages.stop()


@pytest.fixture
def relay(tmp_path):
    r = Relay(tmp_path, ["relay", "--listen-ng", f"127.0.0.1:{NG}", "--interface", "lo/127.0.0.1", "--ports", "30000-30999"])
    yield r
    assert r.stop() == 0, r.log()


@pytest.fixture
def ng():
    x = connect("127.0.0.1", NG)
    yield x
    x.close()


def nothing_of(theirs, crossed):
    """Credentials, certificate, ports and candidates of one side are not at the other."""
    for name in ("ice-ufrag", "ice-pwd", "fingerprint", "candidate"):
        for value in re.findall(rf"(?m)^a={name}:(.*?)\r?$", theirs):
            assert value not in crossed
    for port in re.findall(r" (\d{4,5}) typ ", theirs):
        assert f" {port} " not in crossed


class Echo:
    """A plain phone with a port for each m-line: what it hears goes back under its own name."""

    def __init__(self, lines):
        self.parties = [Party("127.0.0.1") for _ in range(lines)]
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(p,)) for p in self.parties]

    def sdp(self):
        video = "".join(f"m=video {p.port} RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n" for p in self.parties[1:])
        return self.parties[0].sdp() + video

    def learn(self, sdp):
        for p, port in zip(self.parties, re.findall(r"(?m)^m=\w+ (\d+)", sdp)):
            p.to = ("127.0.0.1", int(port))
        for t in self.threads:
            t.start()

    def run(self, p):
        seq = 0
        p.s.settimeout(0.2)
        while not self.over.is_set():
            try:
                heard = p.s.recv(2000)
            except TimeoutError:
                continue
            seq += 1
            start = 12 + (4 + 4 * int.from_bytes(heard[14:16], "big") if heard[0] & 0x10 else 0)
            p.s.sendto(rtp(seq, int.from_bytes(heard[4:8], "big"), p.ssrc, heard[start:], heard[1]), p.to)

    def stop(self):
        self.over.set()
        for t, p in zip(self.threads, self.parties):
            if t.ident:
                t.join()
            p.close()


@pytest.mark.parametrize("video", [False, True])
def test_with_a_plain_phone(relay, ng, page, video):
    """One port and one key at the browser, whatever it says on it; at the phone each line has its own port in the clear."""
    phone, call = Echo(1 + video), {"call_id": secrets.token_hex(8), "from_tag": "browser"}
    page.eval("policy = 'max-bundle'")
    offer = page.eval(f"offer('a', {json.dumps(video)})")
    said = ng.ask("offer", sdp=offer, transport_protocol="RTP/AVP", ICE="remove", codec={"strip": ["all"], "except": ["PCMA", "VP8"]}, **call)
    assert "m=audio" in said["sdp"] and " RTP/AVP 8\r\n" in said["sdp"] and "a=ice" not in said["sdp"] and "BUNDLE" not in said["sdp"]
    nothing_of(offer, said["sdp"])
    back = ng.ask("answer", to_tag="phone", sdp=phone.sdp(), DTLS="passive", **call)["sdp"]
    assert "a=group:BUNDLE 0" in back and len(set(re.findall(r"(?m)^m=\w+ (\d+)", back))) == 1
    try:
        phone.learn(said["sdp"])
        page.eval(f"answered('a', {json.dumps(back)})")
        if video:
            heard = moves_on(page, "a")
        else:
            heard = wait_until("speech comes back", lambda: (m := page.eval("media('a')"))["audio"] > 25 and m, 20)
        assert heard["state"] == "connected", heard
        assert versions(relay, call) == {("browser", "1.3")}
        for media in relay.json("show", call["call_id"])["media"]:
            assert min(e["packets"] for e in media["ends"]) > 20, media
    finally:
        phone.stop()
    ng.ask("delete", **call)
    relay.wait_empty()


def moves_on(page, name, before=None):
    """Both kinds of media arrive, more of each than before."""
    before = before or {"audio": 0, "video": 0}
    return wait_until(f"{name} sees and hears", lambda: (m := page.eval(f"media('{name}')"))["audio"] > before["audio"] + 25 and
                      m["video"] > before["video"] + 25 and m, 20)


@pytest.mark.parametrize("policy", [pytest.param("balanced", marks=pytest.mark.long),
                                    pytest.param("max-compat", marks=pytest.mark.long), "max-bundle"])
def test_with_itself(relay, ng, page, policy):
    """Both sides are browsers: two handshakes, audio and video on one port of each side, by the first who is asked."""
    call = {"call_id": secrets.token_hex(8), "from_tag": "a"}
    page.eval(f"policy = '{policy}'")
    first = page.eval("offer('a', true)")
    to_b = ng.ask("offer", sdp=first, **call)["sdp"]
    assert "a=group:BUNDLE 0 1" in to_b and len(set(re.findall(r"(?m)^m=\w+ (\d+)", to_b))) == 2
    second = page.eval(f"answer('b', true, {json.dumps(to_b)})")
    # Its checks do not wait until its answer has arrived, and where they say that it is, it stays.
    wait_until("b is nominated", lambda: any(e["remote"] for m in relay.json("show", call["call_id"])["media"] for e in m["ends"]), 15)
    to_a = ng.ask("answer", to_tag="b", sdp=second, **call)["sdp"]
    assert "a=group:BUNDLE 0 1" in to_a and len(set(re.findall(r"(?m)^m=\w+ (\d+)", to_a))) == 1
    nothing_of(first, to_b)
    nothing_of(second, to_a)
    page.eval(f"answered('a', {json.dumps(to_a)})")
    for name in "ab":
        moves_on(page, name)
    # Who answers an offer of ours begins the handshake, and with 1.3; where we are to begin it is 1.2.
    assert versions(relay, call) == {("a", "1.2"), ("b", "1.3")}
    counts = relay.counts()
    assert counts["sockets"] == 2 and counts["ports"] == 4, counts     # one port of each side, its pair's odd one unused
    assert len(relay.json("show", call["call_id"])["media"]) == 2
    again(ng, page, call, "a", "b")
    again(ng, page, call, "b", "a")
    assert relay.counts()["sockets"] == 2
    ng.ask("delete", call_id=call["call_id"])
    relay.wait_empty()


class Near(Way):
    """And the browser's own machine is on a link with the relay's host."""

    def __init__(self):
        super().__init__()
        subprocess.run(["sh", "-ec", f"""ip link add page type veth peer name near netns {self.host.process.pid}
ip addr add 10.4.0.2/24 dev page; ip link set page up"""], check=True)
        self.host.run("sh", "-ec", "ip addr add 10.4.0.1/24 dev near; ip link set near up; ip link set lo up")
        drive(self, None, "page", STXCSUM, 0)
        drive(self, self.host, "near", SFLAGS, TXVLAN)


@pytest.fixture
def near(tmp_path):
    n = Near()
    n.relay = Relay(tmp_path, ["relay", "--listen-ng", f"127.0.0.1:{NG}", "--interface", "near/10.4.0.1", "--ports", "30000-30999",
                               "--xdp", "near"], prefix=["nsenter", f"--net=/proc/{n.host.process.pid}/ns/net"])
    yield n
    stopped = n.relay.stop()
    n.end()
    assert stopped == 0, n.relay.log()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes networks and loads programs into the kernel")
def test_past_the_sockets(near, page):
    """Sound and video of both browsers, each on one port: by AF_XDP, with ICE and handshakes in between."""
    relay = near.relay
    if not relay.status()["af_xdp"]["on"]:
        pytest.skip(f"this kernel does not: {relay.status()['problems']}")
    ng, call = asker(near), {"call_id": secrets.token_hex(8), "from_tag": "a"}
    page.eval("policy = 'max-bundle'")
    to_b = ng.ask("offer", sdp=page.eval("offer('a', true)"), **call)["sdp"]
    to_a = ng.ask("answer", to_tag="b", sdp=page.eval(f"answer('b', true, {json.dumps(to_b)})"), **call)["sdp"]
    page.eval(f"answered('a', {json.dumps(to_a)})")
    for name in "ab":
        moves_on(page, name)
    assert {e["way"] for m in relay.json("show", call["call_id"])["media"] for e in m["ends"]} == {"af_xdp"}
    assert relay.status()["af_xdp"]["flows"] == 2
    again(ng, page, call, "a", "b")
    status = relay.status()
    assert status["af_xdp"]["packets"] > status["counts"]["packets"] / 2, status
    ng.ask("delete", call_id=call["call_id"])
    relay.wait_empty()
    assert relay.status()["af_xdp"]["flows"] == 0


def versions(relay, call):
    return {(e["tag"], e["dtls"]) for media in relay.json("show", call["call_id"])["media"] for e in media["ends"] if "dtls" in e}


def again(ng, page, call, one, other):
    """A re-offer of one of them: all stays on the ports it has."""
    before = {name: page.eval(f"media('{name}')") for name in "ab"}
    call = {"call_id": call["call_id"], "from_tag": one, "to_tag": other}
    offered = ng.ask("offer", sdp=page.eval(f"again('{one}')"), **call)["sdp"]
    assert len(set(re.findall(r"(?m)^m=\w+ (\d+)", offered))) == 1
    answer = page.eval(f"reanswer('{other}', {json.dumps(offered)})")
    back = ng.ask("answer", sdp=answer, **call)["sdp"]
    page.eval(f"answered('{one}', {json.dumps(back)})")
    for name in "ab":
        moves_on(page, name, before[name])


def test_a_line_more(relay, ng, page):
    """Video comes to a call of sound: into the same bundle, on both sides. The answer is slower than ICE and the handshake, as signaling may be."""
    call = {"call_id": secrets.token_hex(8), "from_tag": "a"}
    page.eval("policy = 'max-bundle'")
    to_b = ng.ask("offer", sdp=page.eval("offer('a', false)"), **call)["sdp"]
    said = page.eval(f"answer('b', false, {json.dumps(to_b)})")
    wait_until("b has shaken hands before its answer is told", lambda: page.eval("pcs['b'].connectionState") == "connected", 10)
    to_a = ng.ask("answer", to_tag="b", sdp=said, **call)["sdp"]
    page.eval(f"answered('a', {json.dumps(to_a)})")
    wait_until("speech", lambda: page.eval("media('a')")["audio"] > 25 and page.eval("media('b')")["audio"] > 25, 20)
    more = ng.ask("offer", to_tag="b", sdp=page.eval("add('a')"), **call)["sdp"]
    assert "a=group:BUNDLE 0 1" in more
    back = ng.ask("answer", to_tag="b", sdp=page.eval(f"reanswer('b', {json.dumps(more)})"), **call)["sdp"]
    page.eval(f"answered('a', {json.dumps(back)})")
    for name in "ab":
        moves_on(page, name)
    assert relay.counts()["sockets"] == 2
    ng.ask("delete", call_id=call["call_id"])
    relay.wait_empty()


def is_whole_picture(packet):
    """Of VP8: the first packet of a key frame (RFC 7741 4.2, 4.3)."""
    body = packet[12 + (4 + 4 * int.from_bytes(packet[14:16], "big") if packet[0] & 0x10 else 0):]
    if body[0] & 0x17 != 0x10:                                           # the beginning of a frame
        return False
    at = 1
    if body[0] & 0x80:
        more, at = body[1], 2
        if more & 0x80:
            at += 2 if body[at] & 0x80 else 1
        at += bool(more & 0x40) + bool(more & 0x30)
    return not body[at] & 1


@pytest.mark.long
def test_a_recorder_joins_the_video(relay, ng, page):
    """Chromium makes whole pictures when it is asked for them: one when a recorder joins, and one when that asks itself."""
    call = {"call_id": secrets.token_hex(8), "from_tag": "a"}
    to_b = ng.ask("offer", sdp=page.eval("offer('a', true)"), codec={"strip": ["all"], "except": ["opus", "VP8"]}, **call)["sdp"]
    to_a = ng.ask("answer", to_tag="b", sdp=page.eval(f"answer('b', true, {json.dumps(to_b)})"), **call)["sdp"]
    page.eval(f"answered('a', {json.dumps(to_a)})")
    for name in "ab":
        moves_on(page, name)
    offer = ng.ask("subscribe request", to_tag="rec", transport_protocol="RTP/AVP", **call)["sdp"]
    assert re.search(r"m=video .*\r\n(?:a=.*\r\n)*a=rtcp-fb:\* nack pli", offer)
    ears = [Party("127.0.0.1"), Party("127.0.0.1")]
    lines = [f"{line}\r\n" for line in offer.split("\r\n") if line.startswith(("m=", "a=rtpmap", "a=fmtp"))]
    ports = [int(p) for p in re.findall(r"(?m)^m=\w+ (\d+)", offer)]
    body = "".join(lines)
    for ear, port in zip(ears, ports):
        body = body.replace(f" {port} ", f" {ear.port} ")
    ng.ask("subscribe answer", call_id=call["call_id"], to_tag="rec",
           sdp=f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n{body}")
    video = ears[1]
    video.s.settimeout(3)

    def whole():
        """The first packet of the next whole picture."""
        for _ in range(2000):
            packet = video.s.recv(2000)
            if packet[1] & 0x7f == int(re.search(r"a=rtpmap:(\d+) VP8", offer)[1]) and is_whole_picture(packet):
                return packet
        raise AssertionError("no whole picture came")

    first = whole()
    time.sleep(1.1)                                                      # not more often than once a second
    pli = struct.pack("!BBHIBBHI", 0x80, 201, 1, 77, 0x81, 206, 2, 77) + first[8:12]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rtcp:
        rtcp.bind(("127.0.0.1", video.port + 1))
        rtcp.sendto(pli, ("127.0.0.1", ports[1] + 1))
        whole()
    for ear in ears:
        ear.close()
    ng.ask("delete", call_id=call["call_id"])
    relay.wait_empty()
