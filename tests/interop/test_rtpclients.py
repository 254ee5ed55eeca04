"""Calls between rtpengine's own test clients (Perl, from Debian's rtpengine-utils) through our relay: every packet comes out as it went in.

Their DTLS is left out: it speaks version 1.0 and SHA-1 alone, which OpenSSL 3 and this relay refuse."""
import pathlib
import subprocess

import pytest

from anchor import Relay
from lab import die_with_parent, have

SCRIPT = pathlib.Path(__file__).with_name("rtpclients.pl")
NG = 2223
MODES = ["plain", "sdes", "sdes-plain", "plain-sdes", "ice", "ice-plain", "plain-ice", "sdes-ice"]


def clients_are_there():
    return have("perl") and subprocess.run(["perl", "-MNGCP::Rtpengine::Test", "-e", "1"], capture_output=True).returncode == 0


pytestmark = pytest.mark.skipif(not clients_are_there(), reason="rtpengine-utils and what it needs are not installed")


@pytest.fixture
def relay(tmp_path):
    r = Relay(tmp_path, ["relay", "--listen-ng", f"127.0.0.1:{NG}", "--interface", "lo/127.0.0.1", "--ports", "30000-30999"])
    yield r
    assert r.stop() == 0, r.log()


def test_calls(relay):
    before = relay.descriptors()
    calls = [(mode, subprocess.Popen(["perl", str(SCRIPT), str(NG), str(20000 + 100 * n), mode], text=True, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT, preexec_fn=die_with_parent)) for n, mode in enumerate(MODES)]
    for mode, call in calls:
        out = call.communicate(timeout=30)[0]
        assert call.returncode == 0, f"{mode}: {out}"
        _, a_sent, a_got, _, b_sent, b_got = out.split("\n")[-2].split()
        assert min(int(a_got), int(b_got)) >= 100 and int(a_sent) - int(b_got) <= 3 and int(b_sent) - int(a_got) <= 3, f"{mode}: {out}"
    relay.wait_empty(before)
