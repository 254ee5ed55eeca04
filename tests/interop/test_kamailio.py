"""kamailio as a proxy between phones and ringfort: Path in REGISTER, Record-Route in the dialog."""
import pathlib
import shutil
import subprocess

import pytest

from lab import die_with_parent, have, wait_until
from peers import Ending, Sipp, open_site

HERE = pathlib.Path(__file__).resolve().parent

pytestmark = pytest.mark.skipif(not (have("kamailio") or pathlib.Path("/usr/sbin/kamailio").exists()) or
                                not have("sipp"), reason="kamailio or sipp is not installed")


@pytest.fixture
def proxy(make_site):
    """A site whose phones know only the proxy's address."""
    site = open_site(make_site, alice="1001", bob="1002")
    address = site.phone_address(7)
    modules = next(p.parent for p in pathlib.Path("/usr/lib").glob("*/kamailio/modules/tm.so"))
    config = site.folder / "kamailio.cfg"
    config.write_text((HERE / "kamailio.cfg").read_text().replace("@ADDRESS@", address)
                      .replace("@CONTROLLER@", site.address).replace("@MODULES@", f"{modules}/"))
    log = open(site.folder / "kamailio.log", "wb")
    # In a process namespace of its own: its eighteen processes end with the first, however that ends.
    process = subprocess.Popen(["unshare", "--pid", "--fork", "--kill-child",
                                shutil.which("kamailio") or "/usr/sbin/kamailio", "-f", str(config), "-DD", "-E", "-m",
                                "32", "-Y", str(site.folder), "-P", str(site.folder / "kamailio.pid")],
                               stdout=log, stderr=log, stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)
    log.close()
    site.started.append(Ending(process))
    alice, bob = Sipp(site, 0, "1001", "alice"), Sipp(site, 1, "1002", "bob")
    probe = Sipp(site, 7, "1009", "nobody")
    wait_until("kamailio listens", lambda: probe._bound() or process.poll() is not None, 10)
    assert process.poll() is None, (site.folder / "kamailio.log").read_text()[-2000:]
    site.to = f"{address}:5060"
    bob.run("register", to=site.to)
    return site, alice, bob


@pytest.mark.parametrize("caller,called,mine,theirs", [
    ("uac", "uas", {}, {}),
    ("uac-waits", "uas-hangs-up", {}, {}),
    ("uac-refused", "uas-refuses", {"CODE": 486}, {"CODE": 486}),
    ("uac-holds", "uas-held", {}, {}),
], ids=["call", "hung-up", "busy", "hold"])
def test_through_a_proxy(proxy, caller, called, mine, theirs):
    site, alice, bob = proxy
    b = bob.listen(called, to=site.to, **theirs)
    alice.finish(alice.start(caller, "1002", to=site.to, **mine))
    bob.finish(b)
    wait_until("no call is left", lambda: not site.calls(), 8)
    invite = (bob.folder / f"2-{called}.messages").read_text()
    assert "Record-Route:" in invite and "P-Asserted-Identity: <sip:1001@" in invite
