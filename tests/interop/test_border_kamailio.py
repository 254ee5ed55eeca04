"""kamailio as the carrier behind the border, with media: it carries the signaling of a trunk over TLS and proves itself by its
certificate, and the phone behind it is baresip over UDP. Speech runs through our relay, recognised at both ends by its tones."""
import pathlib
import subprocess

import pytest

from lab import die_with_parent, have, make_headless, wait_until
from outside import PEER, PEER_NUMBER, PHONE, Wiretap, hears, inner_phone, start, whole, wires
from peers import Ending
from test_carrier import HERE, KAMAILIO, TLS
from trunks import Authority

pytestmark = pytest.mark.skipif(not pathlib.Path(KAMAILIO).exists() or not have("baresip"),
                                reason="kamailio or baresip is not installed")

SUBSCRIBER = "10.79.2.2"


@pytest.fixture(scope="module")
def places():
    made = wires()
    gateway = PEER.rpartition(".")[0] + ".254"
    made[PEER].run("ip", "addr", "add", f"{SUBSCRIBER}/24", "dev", "eth0")
    made[PEER].run("ip", "route", "replace", "default", "via", gateway, "src", SUBSCRIBER)     # baresip's RTP takes that of the route
    yield made
    for s in made.values():
        s.close()


def carrier(two, authority, space):
    """kamailio at the peer's address, with that peer's certificate."""
    folder = two.site.folder
    cert, key = authority.issue("DNS:sip.carrier.example", f"IP:{PEER}")
    (folder / "tls.cfg").write_text(TLS.format(cert=cert, key=key, ca=two.site.dir / "pki" / "ca.pem"))
    text = (HERE / "kamailio-carrier.cfg").read_text()
    modules = next(p.parent for p in pathlib.Path("/usr/lib").glob("*/kamailio/modules/tm.so"))
    for word, value in (("ADDRESS", PEER), ("CONTROLLER", two.outside[0]), ("SUBSCRIBER", SUBSCRIBER), ("TLS", folder / "tls.cfg"),
                        ("MODULES", f"{modules}/")):
        text = text.replace(f"@{word}@", str(value))
    (folder / "carrier.cfg").write_text(text)
    with open(folder / "kamailio.log", "wb") as log:
        process = subprocess.Popen(
            space.argv("unshare", "--pid", "--fork", "--kill-child", KAMAILIO, "-f", folder / "carrier.cfg", "-DD", "-E", "-m", "32",
                       "-Y", folder, "-P", folder / "kamailio.pid"),
            stdout=log, stderr=log, stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)
    two.site.started.append(Ending(process))


def subscriber(site, space, tone=880):
    folder = site.folder / "baresip-far"
    folder.mkdir()
    (folder / "config").write_text("module_path /usr/lib/baresip/modules\nmodule g711.so\nmodule srtp.so\nmodule_app account.so\n"
                                   f"sip_listen {SUBSCRIBER}:5070\n")
    make_headless(folder, "far", SUBSCRIBER, tone, 4444)
    (folder / "accounts").write_text(f'<sip:{PEER_NUMBER}@{PEER};transport=udp>;regint=0;outbound="sip:{PEER}:5060";'
                                     "audio_codecs=PCMA/8000/1;answermode=auto;mediaenc=srtp-mand\n")
    return start(site, space, "far", folder, SUBSCRIBER)


@pytest.mark.parametrize("who", ["in", pytest.param("out", marks=pytest.mark.long)])
def test_tones(make_site, places, tmp_path, who):
    authority = Authority(tmp_path / "carrier")
    two = whole(make_site, authority, {"lobby": "1001"})
    site = two.site
    tap = Wiretap(two.outside[0])
    site.started.append(tap)
    carrier(two, authority, places[PEER])
    far = subscriber(site, places[PEER])
    two.up()
    lobby = inner_phone(site, places[PHONE], "lobby")
    site.wait_registered("1001")
    two.wait_trunk("carrier", "up")
    if who == "in":
        far.command("dial", f"sip:+493012341001@{two.outside[0]}")
    else:
        lobby.command("dial", f"sip:0089123456@{site.domain}")
    for p in (far, lobby):
        p.wait_event("CALL_ESTABLISHED", seconds=15, fatal=("CALL_CLOSED",))
    wait_until("the phone hears the tone from outside", lambda: hears(lobby, 880), 15)
    wait_until("the subscriber hears the phone's tone", lambda: hears(far, 440), 15)
    session = two.relay.json("show", two.relay.json("calls")["calls"][0]["call_id"])
    ends = session["media"][0]["ends"]
    assert {e["remote"].split(":")[0] for e in ends} == {PHONE, SUBSCRIBER} and all(e["cipher"] for e in ends), ends
    (lobby if who == "in" else far).command("hangup")
    two.wait_empty(15)
    two.relay.wait_empty(two.relay.before)
    assert tap.loudest(440, 880) < 0.1, "speech outside"
