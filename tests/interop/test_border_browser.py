"""A phone in a browser inside, which knows DTLS-SRTP and ICE and nothing else, and a peer outside, which knows SDES and nothing
else: controller, border and relay between them, and each hears the other's tone. Outside nothing of the browser is to be seen."""
import json
import re

import pytest

import borders
from browser import Chromium, Pages
from dialogs import SDP, Leg, expect, uri
from dialogs import sdp as sdes_sdp
from lab import have, wait_until
from outside import PEER, PHONE, OurRelay, Wiretap, carrier_phone, hears, inner_phone, traced, whole
from test_border_video import BLUE, MODULES, films, sees
from test_websocket import aor, come, ring
from webphone import LISTEN, PASSWORD, WebPhone

pytestmark = pytest.mark.skipif(not have("chromium") or not have("baresip"), reason="chromium or baresip is not installed")

# The media half of a phone: a tone instead of a microphone, and an ear for the loudest tone that comes.
PAGE = """<!doctype html><meta charset="utf-8"><title>phone</title><script>
let pc, ear, eye;
function start() {}
function gathered() {
  return new Promise(done => { if (pc.iceGatheringState === "complete") done();
                               pc.onicegatheringstatechange = () => pc.iceGatheringState === "complete" && done(); });
}
function shows(colour) {
  const canvas = document.createElement("canvas"), pen = canvas.getContext("2d");
  [canvas.width, canvas.height] = [176, 144];
  setInterval(() => { pen.fillStyle = colour; pen.fillRect(0, 0, 176, 144); }, 100);
  return canvas.captureStream(10).getTracks()[0];
}
function make(hertz, colour) {
  const sound = new AudioContext({ sampleRate: 48000 }), tone = sound.createOscillator(), mouth = sound.createMediaStreamDestination();
  tone.frequency.value = hertz;
  tone.connect(mouth);
  tone.start();
  pc = new RTCPeerConnection();
  pc.ontrack = e => {
    const stream = new MediaStream([e.track]), player = document.createElement(e.track.kind);
    player.srcObject = stream;
    player.muted = e.track.kind === "video";
    player.play();
    if (e.track.kind === "video") {
      eye = player;
      return;
    }
    ear = sound.createAnalyser();
    ear.fftSize = 8192;
    sound.createMediaStreamSource(stream).connect(ear);
  };
  mouth.stream.getTracks().forEach(t => pc.addTrack(t, mouth.stream));
  if (colour)
    pc.addTrack(shows(colour), mouth.stream);
}
async function offer(hertz, colour) {
  if (!pc)
    make(hertz, colour);
  await pc.setLocalDescription();
  await gathered();
  return pc.localDescription.sdp;
}
async function answer(hertz, sdp) {
  if (!pc)
    make(hertz);
  await pc.setRemoteDescription({ type: "offer", sdp });
  await pc.setLocalDescription();
  await gathered();
  return pc.localDescription.sdp;
}
async function answered(sdp) { await pc.setRemoteDescription({ type: "answer", sdp }); }
function heard() {
  if (!ear) return 0;
  const bins = new Float32Array(ear.frequencyBinCount);
  ear.getFloatFrequencyData(bins);
  const best = bins.indexOf(Math.max(...bins));
  return bins[best] > -60 ? best * 48000 / ear.fftSize : 0;
}
function seen() {     // red, green and blue of the middle of the picture that comes
  if (!eye || !eye.videoWidth) return [0, 0, 0];
  const canvas = document.createElement("canvas"), pen = canvas.getContext("2d");
  [canvas.width, canvas.height] = [eye.videoWidth, eye.videoHeight];
  pen.drawImage(eye, 0, 0);
  return [...pen.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data].slice(0, 3);
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
def call(make_site, authority, places, monkeypatch, request):
    """A site whose number 1001 is a browser, up, with the trunk's phone; and what is recorded outside."""
    monkeypatch.setattr(borders, "SITE", borders.SITE.replace("hosts:\n", "  softphone: {{ vlan: 40, subnet: 10.40.{n}.0/24 }}\nhosts:\n"))

    def listen(site):
        return LISTEN.format(address=site.address, more="")
    two = whole(lambda **kw: make_site(level="minimum", **kw), authority, {"alice": "1001"}, limits=listen)
    site = two.site
    site.run("user", "add", "alice", "--number", "1001", "--password-stdin", stdin=PASSWORD + "\n")
    tap = Wiretap(two.outside[0])
    site.started.append(tap)
    far = carrier_phone(site, places[PEER], authority, more=getattr(request, "param", None))
    two.up()
    alice = come(site, "alice", "1001")
    two.wait_trunk("carrier", "up")
    return two, tap, far, alice


def both_hear(page, far):
    wait_until("the outside hears the browser's tone", lambda: hears(far, 440), 20)
    wait_until("the browser hears the tone from outside", lambda: abs(page.eval("heard()") - 880) < 20, 20)


def keyed_by(two):
    """The versions of DTLS in the one call that the relay has."""
    show = two.relay.json("show", two.relay.json("calls")["calls"][0]["call_id"])
    return [e["dtls"] for media in show["media"] for e in media["ends"] if "dtls" in e]


def nothing_of_the_browser(two, tap, far, said):
    trace = traced(far)
    assert trace.count("SIP/2.0") > 3 and "RTP/SAVP" in trace and "a=crypto" in trace
    for word in ("ice-", "candidate", "fingerprint", "a=setup", "UDP/TLS", ".invalid", f"10.60.{two.site.n}.", f"10.20.{two.site.n}.",
                 "127.0.0.1", *re.findall(r"a=(?:ice-ufrag|ice-pwd|fingerprint):(\S+)", said)):
        assert word not in trace and not tap.has(word), f"{word} is to be seen outside"
    assert len(tap.rtp(PEER)) > 50 and tap.loudest(440, 880) < 0.1


def dial(alice, page, offer):
    """The call's dialog, answered."""
    ring(alice, "0089123456", offer)
    ok = expect(alice, 200, 10)
    answer = ok.body.decode()
    assert "UDP/TLS/RTP/SAVPF" in answer and "a=ice-lite" in answer and "a=crypto" not in answer, answer
    leg = Leg(alice, alice.call_id, ok.get("From"), ok.get("To"), uri(ok.get("Contact")), int(ok.get("CSeq").split()[0]))
    alice.send(leg.request("ACK", cseq=leg.cseq))
    page.eval(f"answered({json.dumps(answer)})")
    return leg


@pytest.mark.skipif(not (MODULES / "avformat.so").exists(), reason="baresip's ffmpeg modules are not installed")
@pytest.mark.parametrize("call", [films(BLUE)], indirect=True, ids=["video"])
def test_a_browser_shows_and_sees(call, page):
    """One bundle, DTLS and ICE at the browser; two lines with keys of their own at the peer. Each sees the other's colour."""
    two, tap, far, alice = call
    offer = page.eval("offer(440, 'red')")
    leg = dial(alice, page, offer)
    both_hear(page, far)
    wait_until("the browser sees blue", lambda: (rgb := page.eval("seen()"))[2] > 150 and max(rgb[:2]) < 100, 20)
    wait_until("the outside sees red", lambda: sees(far, 0), 20)
    alice.send(leg.request("BYE"))
    assert expect(alice, 200)
    two.wait_empty(15)
    two.relay.wait_empty(two.relay.before)
    nothing_of_the_browser(two, tap, far, offer)


def test_a_browser_calls(call, page):
    two, tap, far, alice = call
    offer = page.eval("offer(440)")
    leg = dial(alice, page, offer)
    both_hear(page, far)
    assert keyed_by(two) == ["1.3"]
    # and once more in the call: the browser changes nothing but asks again
    alice.send(leg.request("INVITE", [SDP, f"Contact: <sip:1001@{alice.here()};transport=ws>"], page.eval("offer(440)")))
    again = expect(alice, 200, 10)
    alice.send(leg.request("ACK", cseq=leg.cseq))
    page.eval(f"answered({json.dumps(again.body.decode())})")
    both_hear(page, far)
    alice.send(leg.request("BYE"))
    assert expect(alice, 200)
    two.wait_empty(15)
    two.relay.wait_empty(two.relay.before)
    nothing_of_the_browser(two, tap, far, offer)


def test_a_browser_is_called(call, page):
    """The number has a desk phone beside the browser: each is offered what it knows, and the browser answers."""
    two, tap, far, alice = call
    desk = two.site.client("alice").open()
    assert desk.register(aor(two.site, "1001"), "alice", PASSWORD).code == 200
    far.command("dial", f"sip:+493012341001@{two.outside[0]}")
    got, there = expect(alice, "INVITE", 15), expect(desk, "INVITE", 15)
    assert got.get("Content-Type") == there.get("Content-Type") == "application/sdp"
    offer, keys = got.body.decode(), there.body.decode()
    assert "UDP/TLS/RTP/SAVPF" in offer and "a=ice-lite" in offer and "a=crypto" not in offer, offer
    assert " RTP/SAVP " in keys and "a=crypto" in keys and "a=ice" not in keys and "a=fingerprint" not in keys, keys
    desk.reply(there, 100)     # not 180: baresip's own ringing would stay in the way of what it is to hear
    answer = page.eval(f"answer(440, {json.dumps(offer)})")
    alice.reply(got, 200, headers=[SDP, f"Contact: <sip:{alice.tag}@{alice.here()};transport=ws>"], body=answer)
    expect(alice, "ACK")
    desk.reply(expect(desk, "CANCEL"), 200)
    desk.reply(there, 487)
    far.wait_event("CALL_ESTABLISHED", seconds=15, fatal=("CALL_CLOSED",))
    both_hear(page, far)
    assert keyed_by(two) == ["1.3"]
    far.command("hangup")
    alice.reply(expect(alice, "BYE"), 200)
    two.wait_empty(15)
    two.relay.wait_empty(two.relay.before)
    nothing_of_the_browser(two, tap, far, answer)


@pytest.mark.long
def test_a_desk_phone_is_quicker(call):
    """The same two ring, and the one with keys answers."""
    two, _, far, alice = call
    desk = two.site.client("alice").open()
    assert desk.register(aor(two.site, "1001"), "alice", PASSWORD).code == 200
    far.command("dial", f"sip:+493012341001@{two.outside[0]}")
    got, there = expect(alice, "INVITE", 15), expect(desk, "INVITE", 15)
    alice.reply(got, 100)
    number = re.search(r"a=crypto:(\d+) AES_CM_128_HMAC_SHA1_80 ", there.body.decode()).group(1)
    body = sdes_sdp().replace("a=crypto:1 ", f"a=crypto:{number} ")
    desk.reply(there, 200, headers=[SDP, f"Contact: <sip:x@{desk.here()};transport=tls>"], body=body)
    expect(desk, "ACK")
    far.wait_event("CALL_ESTABLISHED", seconds=15, fatal=("CALL_CLOSED",))
    far.command("hangup")
    desk.reply(expect(desk, "BYE"), 200)
    alice.reply(expect(alice, "CANCEL"), 200)
    alice.reply(got, 487)
    two.wait_empty(15)
    two.relay.wait_empty(two.relay.before)


def test_a_browser_outside(make_site, places, monkeypatch, page):
    """The browser is outside and comes to the border by WSS with its certificate: it calls a desk phone inside and is called."""
    monkeypatch.setattr(borders, "SITE", borders.SITE.replace("hosts:\n", "  softphone: {{ vlan: 40, subnet: 10.40.{n}.0/24 }}\nhosts:\n"))
    site = make_site(level="minimum", phones={"desk": "1003", "anna": "1002"}, up=False)
    two = borders.Halves(site, more=LISTEN.format(address=site.address, more="") + "roaming: { phones: [anna], browsers: true }\n",
                         relay=OurRelay)
    tap = Wiretap(two.outside[0])
    site.started.append(tap)
    two.up()
    desk = inner_phone(site, places[PHONE], "desk")
    stranger = WebPhone(site)
    stranger.server = (two.outside[0], 8443)
    with pytest.raises(Exception):      # no certificate: the end, at this level too
        stranger.open()
    anna = WebPhone(site, cert=site.credentials("anna")[0], key=site.credentials("anna")[1])
    anna.server = (two.outside[0], 8443)
    anna.open()
    me = aor(site, "1002")
    answer = anna.ask(anna.request("REGISTER", to=me, headers=["Supported: path, outbound"]))
    assert answer.code == 200, answer
    site.wait_registered("1002", "1003")

    desk.command("dial", f"sip:1002@{site.domain}")
    got = expect(anna, "INVITE", 15)
    offer = got.body.decode()
    assert "UDP/TLS/RTP/SAVPF" in offer and "a=ice-lite" in offer and f"c=IN IP4 {two.outside[0]}" in offer, offer
    anna.reply(got, 200, headers=[SDP, f"Contact: <sip:x@{anna.here()};transport=ws>"], body=page.eval(f"answer(880, {json.dumps(offer)})"))
    expect(anna, "ACK")
    desk.wait_event("CALL_ESTABLISHED", seconds=15, fatal=("CALL_CLOSED",))
    wait_until("the desk hears the browser's tone", lambda: hears(desk, 880), 20)
    wait_until("the browser hears the desk's tone", lambda: abs(page.eval("heard()") - 440) < 20, 20)
    desk.command("hangup")
    anna.reply(expect(anna, "BYE"), 200)
    two.wait_empty(15)

    page.eval("pc.close(); pc = null; ear = null; 1")
    anna.call_id = "second@test"
    anna.send(anna.request("INVITE", aor(site, "1003"), sender=me, to=aor(site, "1003"), headers=[SDP], body=page.eval("offer(880)")))
    ok = expect(anna, 200, 15)
    leg = Leg(anna, anna.call_id, ok.get("From"), ok.get("To"), uri(ok.get("Contact")), int(ok.get("CSeq").split()[0]))
    anna.send(leg.request("ACK", cseq=leg.cseq))
    page.eval(f"answered({json.dumps(ok.body.decode())})")
    wait_until("the browser hears the desk's tone again", lambda: abs(page.eval("heard()") - 440) < 20, 20)
    wait_until("and the desk the browser's", lambda: hears(desk, 880), 20)
    anna.send(leg.request("BYE"))
    assert expect(anna, 200)
    two.wait_empty(15)
    two.relay.wait_empty(two.relay.before)
    for word in (f"10.20.{site.n}.", f"10.60.{site.n}.", PHONE, "ctl-a", "edge-0"):
        assert word not in "".join(map(str, (got.headers, offer, ok.headers, ok.body))), f"{word} is told outside"
    assert tap.loudest(440, 880) < 0.1
