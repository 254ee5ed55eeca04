"""JsSIP in Chromium over WSS: two pages register, call, hear each other, hold, send a digit, hang up, talk to a desk
phone of another make, and vanish.

make check-long, with JSSIP set (browser.py) and Debian's chromium installed."""
import shutil

import pytest

from browser import Chromium, Pages, bundle, find_jssip
from lab import wait_until
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
