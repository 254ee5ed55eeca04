"""Chromium through the relay: with a plain phone at the other side, and two of its connections with each other, audio and video.

What the relay writes must be what a browser takes: ICE-lite, DTLS-SRTP, rtcp-mux, its m-lines without BUNDLE; and no word of the
browser's own addresses may come out at the other side."""
import json
import re
import secrets
import threading

import pytest

from anchor import Party, Relay, connect, rtp
from browser import Chromium, Pages
from lab import have, wait_until

pytestmark = pytest.mark.skipif(not have("chromium"), reason="chromium is not installed")

NG = 2223
PAGE = """<!doctype html><meta charset="utf-8"><title>relay</title><script>
const pcs = {};
function start() {}
function gathered(pc) {
  return new Promise(done => { if (pc.iceGatheringState === "complete") done();
                               pc.onicegatheringstatechange = () => pc.iceGatheringState === "complete" && done(); });
}
async function make(name, video) {
  const pc = pcs[name] = new RTCPeerConnection();
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


def test_with_a_plain_phone(relay, ng, page):
    phone, call = Party("127.0.0.1"), {"call_id": secrets.token_hex(8), "from_tag": "browser"}
    offer = page.eval("offer('a', false)")
    said = ng.ask("offer", sdp=offer, transport_protocol="RTP/AVP", ICE="remove", codec={"strip": ["all"], "except": ["PCMA"]}, **call)
    assert "m=audio" in said["sdp"] and " RTP/AVP 8\r\n" in said["sdp"] and "a=ice" not in said["sdp"]
    nothing_of(offer, said["sdp"])
    phone.learn(said["sdp"])
    back = ng.ask("answer", to_tag="phone", sdp=phone.sdp(), **call)["sdp"]
    page.eval(f"answered('a', {json.dumps(back)})")
    over = threading.Event()

    def echo():
        """What it hears goes back under its own name."""
        seq = 0
        phone.s.settimeout(0.2)
        while not over.is_set():
            try:
                heard = phone.s.recv(2000)
            except TimeoutError:
                continue
            seq += 1
            phone.s.sendto(rtp(seq, int.from_bytes(heard[4:8], "big"), phone.ssrc, heard[12:]), phone.to)

    thread = threading.Thread(target=echo)
    thread.start()
    try:
        heard = wait_until("speech comes back", lambda: (m := page.eval("media('a')"))["audio"] > 25 and m, 20)
        assert heard["state"] == "connected", heard
        ends = relay.json("show", call["call_id"])["media"][0]["ends"]
        assert min(e["packets"] for e in ends) > 20, ends
    finally:
        over.set()
        thread.join()
        phone.close()
    ng.ask("delete", **call)
    relay.wait_empty()


def test_with_itself(relay, ng, page):
    """Both sides are browsers: two handshakes, two sets of candidates, audio and video each on a path of its own."""
    call = {"call_id": secrets.token_hex(8), "from_tag": "a"}
    first = page.eval("offer('a', true)")
    to_b = ng.ask("offer", sdp=first, **call)["sdp"]
    second = page.eval(f"answer('b', true, {json.dumps(to_b)})")
    to_a = ng.ask("answer", to_tag="b", sdp=second, **call)["sdp"]
    nothing_of(first, to_b)
    nothing_of(second, to_a)
    page.eval(f"answered('a', {json.dumps(to_a)})")
    for name in "ab":
        wait_until(f"{name} sees and hears", lambda n=name: (m := page.eval(f"media('{n}')"))["audio"] > 25 and m["video"] > 25 and m, 20)
    assert len(relay.json("show", call["call_id"])["media"]) == 2
    ng.ask("delete", **call)
    relay.wait_empty()
