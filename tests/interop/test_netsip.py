"""Calls with Net::SIP, a SIP stack in Perl that nobody here wrote: it registers by digest, calls and is called."""
import pathlib
import subprocess

import pytest

from lab import die_with_parent, have, wait_until
from peers import PASSWORD, Ending, Sipp, open_site

SCRIPT = pathlib.Path(__file__).with_name("netsip.pl")


def module_is_there():
    return have("perl") and subprocess.run(["perl", "-MNet::SIP", "-e", "1"], capture_output=True).returncode == 0


pytestmark = [pytest.mark.skipif(not have("sipp"), reason="sipp is not installed"),
              pytest.mark.skipif(not module_is_there(), reason="libnet-sip-perl is not installed")]


@pytest.fixture
def phones(make_site):
    site = open_site(make_site, alice="1001", bob="1002")
    bob = Sipp(site, 1, "1002", "bob")
    bob.register()

    def perl(*what):
        out = open(site.folder / "netsip.out", "w+")
        process = subprocess.Popen(["perl", str(SCRIPT), f"{site.phone_address(0)}:5060", f"{site.address}:5060",
                                    site.domain, "1001", "alice", PASSWORD, *what], stdout=out, stderr=out,
                                   preexec_fn=die_with_parent)
        process.said = lambda: (site.folder / "netsip.out").read_text()
        site.started.append(Ending(process))
        return process

    return site, perl, bob


def over(site, process):
    assert process.wait(15) == 0, process.said()
    wait_until("no call is left", lambda: not site.calls(), 8)


def test_calls(phones):
    site, perl, bob = phones
    b = bob.listen("uas")
    a = perl("dial", "1002")
    over(site, a)
    bob.finish(b)


def test_is_called(phones):
    site, perl, bob = phones
    a = perl("listen")
    wait_until("it is registered", lambda: "registered" in a.said() or a.poll() is not None, 8)
    site.wait_registered("1001")
    bob.run("uac", "1001")
    over(site, a)
    assert "left" in a.said()
