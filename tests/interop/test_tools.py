"""Tools that everybody has: sipsak asks and shoots, sipvicious looks for phones and passwords."""
import os
import subprocess

import pytest

from lab import ROOT, have, wait_until
from peers import PASSWORD, open_site


@pytest.fixture
def site(make_site):
    return open_site(make_site, alice="1001", bob="1002")


def run(*args, seconds=40, cwd=None):
    return subprocess.run(args, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                          timeout=seconds, cwd=cwd, env={**os.environ, **({"HOME": str(cwd)} if cwd else {})})


@pytest.mark.skipif(not have("sipsak"), reason="sipsak is not installed")
def test_sipsak(site):
    me, here = f"sip:1001@{site.address}", f"sip:1001@{site.phone_address(0)}:5060"
    login = ["-u", "alice", "-a", PASSWORD]
    ping = run("sipsak", "-vv", "-s", me, "-H", site.phone_address(0), *login)
    assert "SIP/2.0 " in ping.stdout, ping.stdout + ping.stderr
    register = run("sipsak", "-U", "-vv", "-s", me, "-C", here, "-x", "300", "-H", site.phone_address(0), *login)
    assert site.registered() == {"1001"}, register.stdout + register.stderr
    other = me.replace("1001", "1002")
    run("sipsak", "-U", "-s", other, "-C", here, "-x", "300", "-H", site.phone_address(0), *login)
    assert site.registered() == {"1001"}
    assert site.wait_event("identity.refused", rule="register-other")


@pytest.mark.skipif(not have("sipsak"), reason="sipsak is not installed")
def test_sipsak_shoots(site):
    pid = site.json("status")["pid"]
    for file in sorted((ROOT / "tests" / "torture" / "rfc4475").glob("*.dat"))[::4]:
        run("sipsak", "-f", str(file), "-s", f"sip:{site.address}:5060", "-T", "-D", "1", "-L")
    run("sipsak", "-R", "-s", f"sip:1001@{site.address}", "-L", "-D", "1")
    status = site.json("status")
    assert status["pid"] == pid and status["healthy"]


@pytest.mark.skipif(not have("svmap"), reason="sipvicious is not installed")
@pytest.mark.long   # at a border, in seconds: system/test_penalty.py
@pytest.mark.parametrize("methods", [["REGISTER"], ["INVITE", "OPTIONS"]])
def test_sipvicious(site, tmp_path, methods):
    """It sees that something speaks SIP. It learns no number and no password, and is on record."""
    target = site.address
    svmap = run("svmap", "-p", "5060", "-m", "OPTIONS", target, cwd=tmp_path)
    assert "200" not in svmap.stdout
    for method in methods:
        svwar = run("svwar", "-D", "-e", "1001-1005", "-m", method, "--force", target, cwd=tmp_path)
        known = [line for line in svwar.stdout.splitlines() if "1001" in line or "1002" in line]
        unknown = [line for line in svwar.stdout.splitlines() if "1005" in line]
        # what exists and what does not look the same
        assert bool(known) == bool(unknown), svwar.stdout
    svcrack = run("svcrack", "-u", "1001", "-r", "1000-1010", target, cwd=tmp_path, seconds=60)
    assert "1001" not in "".join(line for line in svcrack.stdout.splitlines() if "|" in line and "password" not in line)
    run("svcrack", "-u", "alice", "-r", "1000-1010", target, cwd=tmp_path, seconds=60)
    assert site.registered() == set()
    assert wait_until("it is on record", lambda: site.ledger("auth.failed", "identity.refused", "message.refused"), 5)
    assert len(site.ledger()) < 2000
    assert site.json("status")["healthy"]
