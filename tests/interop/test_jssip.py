"""JsSIP in Chromium over WSS: two pages register, call, hear each other, hold, send a digit, hang up, talk to a desk
phone of another make, and vanish.

make check-long, with JSSIP set (browser.py) and Debian's chromium installed."""
import shutil

import pytest

import borders
from browser import Chromium, Pages, bundle, find_jssip
from lab import have, wait_until
from outside import PEER, Wiretap, carrier_phone, samples, traced, whole
from test_border_video import BLUE, films
from webphone import PASSWORD, web_site

LISTEN = """\
sip:
  listen:
    - {{ transport: tls, address: {address}, port: 5061 }}
    - {{ transport: wss, address: {address}, port: 8443, path: /sip, origins: ORIGIN }}
  digest: [md5]   # all that JsSIP knows
"""


@pytest.fixture(scope="module")
def page():
    if not shutil.which("chromium"):
        pytest.skip("no chromium here")
    found = find_jssip()
    if not found:
        pytest.skip("no JsSIP: do `npm install jssip` in a folder, and name it in JSSIP")
    pages = Pages(bundle(found))
    yield pages
    pages.stop()


@pytest.fixture
def phones(page, make_site, tmp_path):
    site = web_site(make_site, listen=LISTEN.replace("ORIGIN", page.origin), alice="1001", bob="1002")
    browser = Chromium(tmp_path / "chromium", {site.domain: site.address})
    site.started.append(browser)
    found = []
    for name, number in (("alice", "1001"), ("bob", "1002")):
        p = browser.open(page.origin + "/")
        p.eval(f"start('sip:{number}@{site.domain}', '{name}', '{PASSWORD}', 'wss://{site.domain}:8443/sip')")
        p.wait("registered")
        found.append(p)
    assert site.registered() == {"1001", "1002"}
    return site, browser, *found


def census(site):
    return sum(w[k] for w in site.json("status")["workers"] for k in ("calls_now", "pairs_now", "relays_now"))


def hears(p, more_than=0):
    def look():
        m = p.eval("media()")
        return m if m["received"] > more_than and m["cipher"] else None
    return wait_until("media arrives in the browser", look, 15)


@pytest.mark.long
def test_call(phones):
    site, _, a, b = phones
    a.eval(f"dial('sip:1002@{site.domain}')")
    for p in (a, b):
        p.wait("confirmed")
        assert "AES" in hears(p)["cipher"]
    a.eval("session.hold()")
    b.wait("hold")
    a.eval("session.unhold()")
    b.wait("unhold")
    before = a.eval("media()")["received"]
    hears(a, before + 10)
    a.eval("session.sendDTMF('5')")
    b.wait("newDTMF")
    b.eval("session.terminate()")
    assert a.wait("ended")[1:] == ["remote", "Terminated"]
    wait_until("no call is alive", lambda: not census(site), 5)
    record = wait_until("two call records", lambda: len(site.ledger("cdr")) >= 2 and site.ledger("cdr"), 5)
    assert {r["outcome"] for r in record} == {"answered"}


@pytest.mark.long
def test_nobody_there_and_cancel(phones):
    site, _, a, b = phones
    a.eval(f"dial('sip:1009@{site.domain}')")
    assert a.wait("failed")[2] == "Not Found"
    b.eval("answering = false")
    a.eval(f"dial('sip:1002@{site.domain}')")
    a.wait("progress")
    a.eval("session.terminate()")
    assert b.wait("failed")[1:] == ["remote", "Canceled"]
    wait_until("no call is alive", lambda: not census(site), 5)


@pytest.mark.long
def test_tab_closed_and_browser_killed(phones):
    site, browser, a, b = phones
    a.eval(f"dial('sip:1002@{site.domain}')")
    b.wait("confirmed")
    hears(b)
    browser.close(b)
    assert a.wait("ended", 20)[1] == "remote"
    wait_until("no call is alive", lambda: not census(site), 5)
    a.eval("answering = false")
    a.eval(f"dial('sip:1001@{site.domain}')")   # itself: busy
    a.wait("failed")
    browser.kill()
    wait_until("the connections are gone", lambda: site.json("status")["counts"]["connections"] == 0, 10)
    wait_until("no call is alive", lambda: not census(site), 10)


@pytest.mark.long
def test_a_desk_phone(phones):
    """A phone of another make that does DTLS-SRTP, on TLS with its certificate: it is called and calls."""
    site, _, a, b = phones
    site.phone_add("desk", "1003")
    desk = site.baresip("desk", 2, account={"mediaenc": "dtls_srtp", "medianat": "ice"}, codecs="PCMA/8000/1",
                        config=("module ice.so", "rtcp_mux yes"))
    site.wait_registered("1003")
    a.eval(f"dial('sip:1003@{site.domain}')")
    a.wait("confirmed")
    hears(a)
    desk.command("hangup")
    assert a.wait("ended")[1] == "remote"
    wait_until("no call is alive", lambda: not census(site), 5)
    desk.command("dial", f"sip:1002@{site.domain}")
    b.wait("confirmed")
    hears(b)
    b.eval("session.terminate()")
    wait_until("no call is alive", lambda: not census(site), 5)


@pytest.mark.long
@pytest.mark.skipif(not have("baresip"), reason="baresip is not installed")
def test_outside(page, make_site, authority, places, tmp_path, monkeypatch):
    """Sound and picture with a peer outside, through controller, border and relay; called from there, too."""
    monkeypatch.setattr(borders, "SITE", borders.SITE.replace("hosts:\n", "  softphone: {{ vlan: 40, subnet: 10.40.{n}.0/24 }}\nhosts:\n"))
    two = whole(lambda **kw: make_site(level="minimum", **kw), authority, {"alice": "1001"},
                limits=lambda site: LISTEN.replace("ORIGIN", page.origin).format(address=site.address))
    site = two.site
    site.run("user", "add", "alice", "--number", "1001", "--password-stdin", stdin=PASSWORD + "\n")
    tap = Wiretap(two.outside[0])
    site.started.append(tap)
    far = carrier_phone(site, places[PEER], authority, more=films(BLUE))
    two.up()
    browser = Chromium(tmp_path / "chromium", {site.domain: site.address})
    site.started.append(browser)
    a = browser.open(page.origin + "/")
    a.eval(f"start('sip:1001@{site.domain}', 'alice', '{PASSWORD}', 'wss://{site.domain}:8443/sip')")
    a.wait("registered")
    two.wait_trunk("carrier", "up")
    a.eval(f"dial('sip:0089123456@{site.domain}', true)")
    a.wait("confirmed")
    assert "AES" in hears(a)["cipher"]
    wait_until("the browser shows pictures from outside", lambda: a.eval("media()")["frames"] > 10, 15)
    wait_until("the outside hears its beeps", lambda: max(samples(far)[-8000:], default=0) > 1000, 15)
    a.eval("session.terminate()")
    far.wait_event("CALL_CLOSED", seconds=8)
    two.wait_empty(15)
    far.command("dial", f"sip:+493012341001@{two.outside[0]}")
    wait_until("the browser takes the call", lambda: len(a.seen("confirmed")) == 2, 15)
    hears(a)
    far.command("hangup")
    wait_until("it ends", lambda: len(a.seen("ended")) == 2, 10)
    two.wait_empty(15)
    two.relay.wait_empty(two.relay.before)
    assert "a=candidate" not in traced(far) and "JsSIP" not in traced(far) and not tap.has("JsSIP")
