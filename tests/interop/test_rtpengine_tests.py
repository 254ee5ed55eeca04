"""rtpengine's own test programs against our relay: `RTPENGINE_CHECKOUT=FOLDER pytest --run-long ...`, where FOLDER has rtpengine's t/
and perl/. What runs them is tried here with a program of ours in their manner."""
import os
import pathlib
import subprocess
import sys

import pytest

from lab import RINGFORT
from test_rtpclients import clients_are_there

HERE = pathlib.Path(__file__).resolve().parent
CHECKOUT = os.environ.get("RTPENGINE_CHECKOUT")

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not clients_are_there(),
                                reason="no root, or rtpengine-utils and what it needs are not installed")

OURS = r"""
use strict;
use warnings;
use NGCP::Rtpengine::Test;
use NGCP::Rtpengine::AutoTest;

autotest_start(qw(-i 203.0.113.1 -n 2223)) or die;

sub description {
	my ($address, $port) = @_;
	return "v=0\no=- 1 1 IN IP4 $address\ns=x\nt=0 0\nm=audio $port RTP/AVP 0\nc=IN IP4 $address\n";
}
sub both {
	my ($name, @ends) = @_;
	my $told = description('203.0.113.1', 'PORT') . "a=rtpmap:0 PCMU/8000\na=sendrecv\na=rtcp:PORT\n";
	my ($a) = offer($name, {}, description(@{$ends[0]}) . "------------\n$told");
	my ($b) = answer($name, {}, description(@{$ends[1]}) . "------------\n$told");
	return ($a, $b);
}
my @ends = (['198.51.100.1', 4000], ['198.51.100.3', 4002]);
my ($sock_a, $sock_b, $strange) = new_call(@ends, ['198.51.100.6', 4004]);
my ($port_a, $port_b) = both('as it is', @ends);
snd($sock_a, $port_b, rtp(0, 1000, 3000, 0x1234, 'x' x 160));
rcv($sock_b, $port_a, rtpm(0, 1000, 3000, 0x1234, 'x' x 160));
snd($sock_b, $port_a, rtp(0, 2000, 4000, 0x5678, 'y' x 160));
rcv($sock_a, $port_b, rtpm(0, 2000, 4000, 0x5678, 'y' x 160));
rcv_no($sock_b);

($sock_a, $sock_b, $strange) = new_call(@ends, ['198.51.100.6', 4004]);
($port_a, $port_b) = both('from a stranger', @ends);
snd($strange, $port_b, rtp(0, 1000, 3000, 0x1234, 'x' x 160));
rcv($sock_b, $port_a, rtpm(0, 1000, 3000, 0x1234, 'x' x 160));
"""
FAULT = r"""
new_call();
offer('another codec', {}, description(@{$ends[0]}) . "------------\n" . description('203.0.113.1', 'PORT') =~ s/AVP 0/AVP 8/r);
"""


def run(checkout, *args):
    done = subprocess.run([sys.executable, str(HERE / "rtpengine_tests.py"), *args, str(checkout)], capture_output=True, text=True,
                          env={**os.environ, "RINGFORT": RINGFORT}, timeout=3000)
    print(done.stdout + done.stderr)
    return done


@pytest.mark.parametrize("more,status,says", [
    ("", 0, "2 calls: 1 the same, 1 differ, 0 times not on purpose"), (FAULT, 1, "NOT ON PURPOSE another codec: codecs"),
], ids=["known", "fault"])
def test_a_program_of_ours(tmp_path, more, status, says):
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "auto-daemon-tests-ours.pl").write_text(OURS + more)
    done = run(tmp_path)
    assert done.returncode == status and says in done.stdout and "'source': 1" in done.stdout, done.stdout + done.stderr


@pytest.mark.long
@pytest.mark.skipif(not CHECKOUT, reason="RTPENGINE_CHECKOUT names no folder with rtpengine's t/")
def test_theirs():
    done = run(CHECKOUT)
    assert done.returncode == 0, done.stdout + done.stderr
