"""ringfort compile: the same bytes for the same site, compared with tests/golden; what others' programs say of the files;
how small a small change shows.

RF_GOLDEN_REWRITE=1 writes tests/golden anew: look at the difference before you keep it."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from frames import Device
from lab import RINGFORT, ROOT

GOLDEN = ROOT / "tests" / "golden" / "office"
# A router, a host, a switch and the flows of the office in full; the rest of its files are of the same kinds.
KEPT = re.compile(r"routers/rt-branch/|hosts/ctl-a/|switches/sw-(branch|ground|first|second)/|services/(svc|log|auth|dmz)-a/|"
                  r"routers/rt-a/[a-z]+\.conf|flows\.json$")


def ringfort(*args, check=True, **kw):
    done = subprocess.run([RINGFORT, *map(str, args)], capture_output=True, text=True, timeout=60, **kw)
    if check and done.returncode:
        raise AssertionError(f"{args}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def office(folder):
    site = folder / "office"
    shutil.copytree(ROOT / "examples" / "office", site)
    return site


def compile_to(site, out, **kw):
    ringfort("-C", site, "compile", "-o", out, "--unsigned", **kw)
    return out


def tree(folder):
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compile")
    return compile_to(office(folder), folder / "rules")


def without_digest(data):
    return re.sub(rb"\b[0-9a-f]{64}\b", b"DIGEST", data)


def test_golden(bundle):
    now = {name: without_digest(data) for name, data in tree(bundle).items() if KEPT.match(name)}
    if os.environ.get("RF_GOLDEN_REWRITE"):
        shutil.rmtree(GOLDEN, ignore_errors=True)
        for name, data in now.items():
            (GOLDEN / name).parent.mkdir(parents=True, exist_ok=True)
            (GOLDEN / name).write_bytes(data)
    kept = tree(GOLDEN)
    other = sorted(name for name in set(now) | set(kept) if now.get(name) != kept.get(name))
    assert other == [], "look at what changed: RF_GOLDEN_REWRITE=1 pytest system/test_compile.py, then git diff tests/golden"


def test_the_same_bytes(bundle, tmp_path):
    """From another folder, in another language, time zone and working directory."""
    again = compile_to(office(tmp_path), tmp_path / "rules", cwd="/",
                       env={**os.environ, "LC_ALL": "de_DE.UTF-8", "LANG": "tr_TR.UTF-8", "TZ": "Pacific/Kiritimati"})
    first = tree(bundle)
    assert {n: d for n, d in tree(again).items() if first.get(n) != d} == {}


def test_head(bundle):
    """Every file says where it came from; what has no place for it is listed with the digest in MANIFEST."""
    digest = re.search(r"digest ([0-9a-f]{64})", (bundle / "MANIFEST").read_text()).group(1)
    for name, data in tree(bundle).items():
        assert digest.encode() in data[:1000], name
        assert b"office" in data[:1000] and b"medium" in data[:1000], name


def test_one_phone_is_one_small_change(tmp_path):
    site = office(tmp_path)
    out = compile_to(site, tmp_path / "rules")
    assert ringfort("-C", site, "compile", "--diff", out).stdout.startswith("no change")
    phones = site / "phones.csv"
    text = phones.read_text()
    line = next(x for x in text.splitlines() if "sw-branch" in x)
    phones.write_text(text.replace(line, re.sub(r"(..:){5}..", "00:00:5e:00:54:fe", line)))
    done = ringfort("-C", site, "compile", "--diff", out, check=False)
    assert done.returncode == 1
    changed = re.findall(r"^(\S+): changed", done.stdout, re.M)
    assert all(name.startswith(("switches/sw-branch/", "services/")) for name in changed) and changed
    assert "0 flows" in done.stdout
    hunks = done.stdout.split("switches/sw-branch/ringfort.nft: changed")[1].split("\n@@")
    assert len(hunks) <= 4 and len(done.stdout.splitlines()) < 120


def test_flows_appear(tmp_path):
    site = office(tmp_path)
    out = compile_to(site, tmp_path / "rules")
    file = site / "site.yaml"
    file.write_text("".join(x for x in file.read_text().splitlines(True) if "leaving and hearing messages" not in x))
    done = ringfort("-C", site, "compile", "--diff", out, check=False)
    assert done.returncode == 1
    assert re.findall(r"^- \S*media\S*: phone to converged", done.stdout, re.M)
    assert not re.findall(r"^\+ \S+: ", done.stdout, re.M)


def test_nft_takes_every_file(bundle):
    files = sorted(bundle.rglob("*.nft")) + sorted((ROOT / "tests" / "unit" / "emit" / "golden").glob("*.nft"))
    assert len(files) > 10
    d = Device([])
    try:
        for file in files:
            d.run("nft", "-c", "-f", str(file))
            # Loading twice is loading once; what others have stays.
        d.run("nft", "add", "table", "inet", "of-somebody-else")
        d.run("nft", "-f", str(bundle / "routers/rt-a/ringfort.nft"))
        once = d.run("nft", "list", "ruleset")
        d.run("nft", "-f", str(bundle / "routers/rt-a/ringfort.nft"))
        assert d.run("nft", "list", "ruleset") == once and "of-somebody-else" in once
    finally:
        d.close()


def test_kernel_settings_and_queues(bundle):
    """sysctl knows every key; tc takes the queues, twice; the outside's media has its ceiling."""
    names = ["vlan20", "vlan21", "vlan30", "vlan31", "vlan40", "vlan50", "vlan60", "vlan70", "vlan80", "eth0"]
    d = Device(names)
    try:
        d.run("sysctl", "-p", str(bundle / "routers/rt-a/sysctl.conf"))
        for key, value in (("net.ipv4.ip_forward", "1"), ("net.ipv6.conf.all.accept_ra", "0")):
            assert d.run("sysctl", "-n", key).strip() == value
        for _ in range(2):
            d.run(str(bundle / "routers/rt-a/queues.sh"), "eth0=20000")
        classes = d.run("tc", "class", "show", "dev", "eth0")
        assert re.search(r"class htb 1:10 .*ceil 4Mbit", classes), classes       # (30 + 10 calls) x 100 kbit
        assert re.search(r"class htb 1:1 root .*rate 20Mbit", classes), classes
        assert d.run("tc", "filter", "show", "dev", "vlan30").count("flowid 1:10") == 12
    finally:
        d.close()


def test_sh_syntax(bundle):
    for file in bundle.rglob("*.sh"):
        subprocess.run(["dash", "-n", str(file)], check=True)


def test_signed(tmp_path):
    """openssl verifies what compile signed, and nothing else."""
    site = office(tmp_path)
    ringfort("init", site)
    out = tmp_path / "rules"
    assert " signed" in ringfort("-C", site, "compile", "-o", out).stdout

    def verify(content):
        return subprocess.run(["openssl", "cms", "-verify", "-binary", "-inform", "PEM", "-in", out / "MANIFEST.sig", "-content",
                               content, "-CAfile", site / "pki" / "ca.pem", "-purpose", "any", "-out", "/dev/null"],
                              capture_output=True).returncode
    assert verify(out / "MANIFEST") == 0
    other = tmp_path / "other"
    other.write_bytes((out / "MANIFEST").read_bytes().replace(b"medium", b"median"))
    assert verify(other) != 0
    assert pathlib.Path(site / "pki" / "seed").stat().st_mode & 0o777 == 0o600


def test_radvd_takes_its_files(bundle):
    files = sorted(bundle.glob("routers/*/radvd.conf"))
    assert [f.parent.name for f in files] == ["rt-a", "rt-b", "rt-branch"]
    for f in files:
        done = subprocess.run(["/usr/sbin/radvd", "-c", "-C", f], capture_output=True, text=True, timeout=10)
        assert done.returncode == 0, done.stderr
