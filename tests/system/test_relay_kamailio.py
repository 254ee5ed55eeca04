"""kamailio with its module rtpengine, both unchanged, and ringfort's relay in rtpengine's place: calls between baresip and baresip,
recognised at the far end by their tones; a call of sipp, which echoes what it hears."""
import os
import pathlib
import shutil
import subprocess

import pytest

import lab
from anchor import Relay
from house import Space
from lab import Baresip, die_with_parent, have, make_headless, wait_until

KAMAILIO = shutil.which("kamailio") or "/usr/sbin/kamailio"
MODULE = next(iter(pathlib.Path("/usr/lib").glob("*/kamailio/modules/rtpengine.so")), None)

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not MODULE or not pathlib.Path(KAMAILIO).exists() or not have("baresip"),
                                reason="no root, or kamailio with its module rtpengine, or baresip, is not installed")

PROXY, INSIDE, OUTSIDE = "10.78.0.5", "10.78.0.1", "10.78.0.2"
ALICE, BOB = "10.78.1.1", "10.78.2.1"

CONFIG = """\
#!KAMAILIO
# A stateful proxy between alice, inside, and bob, outside; media of both goes through the relay.
debug=2
log_stderror=yes
children=2
tcp_children=1
auto_aliases=no
listen=udp:@PROXY@:5060
mpath="@MODULES@"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "rtpengine.so"
modparam("rtpengine", "rtpengine_sock", "udp:127.0.0.1:2223")
modparam("rr", "enable_full_lr", 1)
request_route {
	if (!mf_process_maxfwd_header("70")) { sl_send_reply("483", "Too Many Hops"); exit; }
	if (is_method("CANCEL")) { rtpengine_delete(); if (t_check_trans()) t_relay(); exit; }
	if (has_totag()) {
		if (is_method("BYE")) rtpengine_delete();
		if (is_method("INVITE") && has_body("application/sdp")) {
			route(OFFER);
			t_on_reply("MEDIA");
		}
		if (loose_route()) { t_relay(); exit; }
		if (is_method("ACK") && t_check_trans()) t_relay();
		exit;
	}
	record_route();
	if (is_method("INVITE") && has_body("application/sdp")) {
		route(OFFER);
		t_on_reply("MEDIA");
	}
	if ($rU == "bob") $du = "sip:@BOB@:5060";
	else $du = "sip:@ALICE@:5060";
	t_on_failure("FAILED");
	t_relay();
}
route[OFFER] {
	if ($si == "@ALICE@") rtpengine_offer("@TO_BOB@ direction=inside direction=outside replace-origin");
	else rtpengine_offer("@TO_ALICE@ direction=outside direction=inside replace-origin");
}
onreply_route[MEDIA] {
	if (status =~ "(183|2[0-9][0-9])" && has_body("application/sdp")) rtpengine_answer("replace-origin");
}
failure_route[FAILED] {
	rtpengine_delete();
}
"""

PHONE = """\
module_path /usr/lib/baresip/modules
module g711.so
module srtp.so
module account.so
sip_listen {address}:5060
"""


@pytest.fixture(scope="module", autouse=True)
def places():
    """Alice and bob on wires of their own; kamailio and the relay are here, in between."""
    lab.phones.loopback_up([PROXY, INSIDE, OUTSIDE], first=4100)
    made = {}
    for i, address in enumerate((ALICE, BOB)):
        s = made[address] = Space()
        here = f"10.78.{i + 1}.254"
        for line in (f"ip link add k{i} type veth peer name eth0 netns {s.holder.pid}", f"ip addr add {here}/24 dev k{i}",
                     f"ip link set k{i} up"):
            subprocess.run(line.split(), check=True)
        s.run("sh", "-ec", f"ip addr add {address}/24 dev eth0\nip link set eth0 up\nip route add default via {here}")
    yield made
    for s in made.values():
        s.close()


@pytest.fixture
def relay(tmp_path):
    folder = tmp_path / "relay"
    folder.mkdir()
    r = Relay(folder, ["relay", "--listen-ng", "127.0.0.1:2223", "--interface", f"inside/{INSIDE}", "--interface",
                       f"outside/{OUTSIDE}", "--ports", "30000-30499"])
    yield r
    assert r.stop() == 0, r.log()


@pytest.fixture
def kamailio(tmp_path, relay):
    started = []

    def start(to_bob="RTP/AVP", to_alice="RTP/AVP"):
        config, log = tmp_path / "kamailio.cfg", tmp_path / "kamailio.log"
        text = CONFIG
        for word, value in (("MODULES", f"{MODULE.parent}/"), ("PROXY", PROXY), ("ALICE", ALICE), ("BOB", BOB), ("TO_BOB", to_bob),
                            ("TO_ALICE", to_alice)):
            text = text.replace(f"@{word}@", value)
        config.write_text(text)
        with open(log, "wb") as out:
            p = subprocess.Popen(["unshare", "--pid", "--fork", "--kill-child", KAMAILIO, "-f", config, "-DD", "-E", "-m", "32", "-Y",
                                  tmp_path, "-P", tmp_path / "kamailio.pid"], stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                                 preexec_fn=die_with_parent)
        started.append(p)
        wait_until("kamailio has found the relay", lambda: relay.status()["requests"]["done"] or p.poll() is not None, 10)
        assert p.poll() is None, log.read_text()[-3000:]
        return log

    yield start
    for p in started:
        p.kill()
        p.wait()


@pytest.fixture
def phone(tmp_path, places):
    made = []

    def make(name, address, tone, **account):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "config").write_text(PHONE.format(address=address))
        more = "".join(f";{k}={v}" for k, v in account.items())
        (folder / "accounts").write_text(f'<sip:{name}@{PROXY}>;regint=0;outbound="sip:{PROXY}:5060";audio_codecs=PCMA/8000/1'
                                         f";answermode=auto{more}\n")
        make_headless(folder, name, address, tone, 4444)
        program = folder / "baresip"
        program.write_text("#!/bin/sh\nexec " + " ".join(places[address].argv("baresip")) + ' "$@"\n')
        program.chmod(0o755)
        p = Baresip(name, folder, address, 4444, str(program)).start()
        made.append(p)
        return p

    yield make
    for p in made:
        p.stop()


def talk(relay, alice, bob):
    """A call from alice: each hears the other's tone, and nobody's media goes past the relay."""
    alice.command("dial", f"sip:bob@{PROXY}")
    alice.wait_event("CALL_ESTABLISHED", fatal=("CALL_CLOSED",))
    bob.wait_event("CALL_ESTABLISHED")
    session = relay.json("calls")["calls"][0]["call_id"]

    def ends():
        return relay.json("show", session)["media"][0]["ends"]
    wait_until("media runs both ways", lambda: all(e["packets"] > 75 for e in ends()), 10)
    seen = ends()
    alice.command("hangup")
    bob.wait_event("CALL_CLOSED")
    relay.wait_empty()
    assert alice.tone_heard(880) > 0.5 and bob.tone_heard(440) > 0.5
    return seen


def test_plain(relay, kamailio, phone):
    kamailio()
    ends = talk(relay, phone("alice", ALICE, 440), phone("bob", BOB, 880))
    assert {e["local"].split(":")[0] for e in ends} == {INSIDE, OUTSIDE}
    assert {e["remote"].split(":")[0] for e in ends} == {ALICE, BOB}
    assert [e["keying"] for e in ends] == ["plain", "plain"]


def test_plain_inside_srtp_outside(relay, kamailio, phone):
    kamailio("RTP/SAVP", "RTP/AVP")
    ends = talk(relay, phone("alice", ALICE, 440), phone("bob", BOB, 880, mediaenc="srtp-mand"))
    assert sorted(e["keying"] for e in ends) == ["plain", "sdes"]
    assert any((e["cipher"] or "").startswith("AE") for e in ends)


@pytest.mark.skipif(not have("sipp"), reason="sipp is not installed")
def test_a_hundred_calls_of_sipp(relay, kamailio, places, tmp_path):
    """sipp calls sipp: its own scenarios, a hundred calls, 25 a second; and nothing is left of them in the relay."""
    kamailio()
    with open(tmp_path / "uas.log", "wb") as out:
        uas = subprocess.Popen(places[BOB].argv("sipp", "-sn", "uas", "-i", BOB, "-p", 5060, "-mi", BOB, "-mp", 7000, "-nostdin"),
                               stdout=out, stderr=out, cwd=tmp_path, preexec_fn=die_with_parent)
    done = subprocess.run(places[ALICE].argv("sipp", "-sn", "uac", "-i", ALICE, "-p", 5060, "-mi", ALICE, "-mp", 7000, "-s", "bob", "-m", 100,
                                             "-r", 25, "-d", 500, "-nostdin", f"{PROXY}:5060"),
                          cwd=tmp_path, capture_output=True, text=True, timeout=60)
    uas.kill()
    uas.wait()
    assert done.returncode == 0, done.stdout[-2000:] + (tmp_path / "kamailio.log").read_text()[-2000:]
    relay.wait_empty()
    assert relay.status()["requests"]["done"] >= 300
