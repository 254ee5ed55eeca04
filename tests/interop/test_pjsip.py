"""PJSIP, the stack of pjsua, as a phone of the site: Jami's daemon, with calls through controller, border and relay."""
import os

import pytest

pytest.importorskip("dbus", reason="python3-dbus is not installed")

from jami import DAEMON, Jami, mostly
from lab import have, wait_until
from outside import PEER, PHONE, Wiretap, carrier_phone, samples, whole
from test_border_phones import nothing_inside

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not have("baresip") or not os.access(DAEMON, os.X_OK),
                                reason="no root, or baresip or jami-daemon is not installed")


@pytest.mark.parametrize("who", ["out", pytest.param("in", marks=pytest.mark.long)])
def test_pjsip_inside(make_site, authority, places, tmp_path, who):
    """It offers ICE, several codecs and keys, says a tone; baresip is outside."""
    two = whole(make_site, authority, {"lobby": "1001"})
    site = two.site
    tap = Wiretap(two.outside[0])
    site.started.append(tap)
    far = carrier_phone(site, places[PEER], authority)
    two.up()
    jami = Jami(tmp_path / "jami", places[PHONE])
    site.started.append(jami)
    jami.start().add_account("1001", site.domain, f"{site.address}:5061", *site.credentials("lobby"))
    site.wait_registered("1001")
    two.wait_trunk("carrier", "up")
    if who == "out":
        call = jami.call(f"sip:0089123456@{site.domain}")
    else:
        far.command("dial", f"sip:+493012341001@{two.outside[0]}")
        call = wait_until("it rings", jami.incoming, 10)
        assert jami.accept(call)
    far.wait_event("CALL_ESTABLISHED", seconds=15, fatal=("CALL_CLOSED",))
    wait_until("the outside hears what it says", lambda: mostly(samples(far), 440), 15)
    wait_until("it hears the tone from outside", lambda: jami.hears(880), 15)
    if who == "out":
        jami.hang_up(call)
        far.wait_event("CALL_CLOSED", seconds=8)
    else:
        far.command("hangup")
    two.wait_empty(15)
    two.relay.wait_empty(two.relay.before)
    assert tap.loudest(440, 880) < 0.1, "speech outside"
    nothing_inside(site, two, far, tap)
    assert not tap.has("Jami")
