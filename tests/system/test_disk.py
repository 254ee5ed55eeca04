"""A full disk under the record, and under the registrations: calls go on, status says so, nothing is lost in silence."""
import os
import pathlib
import shutil
import socket
import subprocess
import time

import pytest

from lab import RINGFORT, die_with_parent, wait_until

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="mounts a small file system: needs root")


@pytest.fixture
def small_disk(make_site, tmp_path):
    """small_disk("ledger"): a site whose folder of that name has 1 MiB, its controller running in the foreground. The
    mount lives in the controller's own mount namespace and ends with it."""
    running = []

    def make(folder):
        site = make_site(phones={"lobby": "1001", "desk": "1002"}, up=False)
        script = ('own="mode=700,uid=$(stat -c %u "$1"),gid=$(stat -c %g "$1")" && tar -C "$1" -cf "$1.tar" . && '
                  'mount -t tmpfs -o "size=1m,$own" none "$1" && tar -C "$1" -xf "$1.tar" && '
                  'exec "$2" -C "$3" run controller')
        where = site.dir / folder
        log = open(tmp_path / f"{folder}.log", "wb")
        p = subprocess.Popen(["unshare", "-m", "sh", "-c", script, "sh", str(where), RINGFORT, str(site.dir)],
                             stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=die_with_parent)
        running.append(p)
        wait_until("the controller listens", lambda: listens(site), 10)
        return site, pathlib.Path(f"/proc/{p.pid}/root{where}"), p

    yield make
    for p in running:
        p.terminate()
        try:
            p.wait(10)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()


def listens(site):
    with socket.socket() as s:
        return s.connect_ex((site.address, site.port)) == 0


def fill(folder):
    """Take every byte that is left."""
    with open(folder / "ballast", "wb", buffering=0) as f:
        for size in (65536, 4096, 1):
            try:
                while True:
                    f.write(b"\0" * size)
            except OSError:
                continue


def test_the_record_is_full(small_disk, tmp_path):
    site, ledger, process = small_disk("ledger")
    client = site.client("lobby").open()
    assert client.register(f"sip:1001@{site.domain}").code == 200
    fill(ledger)
    for _ in range(5):
        assert site.client("desk").open().register(f"sip:1002@{site.domain}").code == 200
    wait_until("status says that the record fails", lambda: site.call("status").returncode == 1, 10)
    assert "ledger" in site.call("status").stdout + site.call("status").stderr

    (ledger / "ballast").unlink()
    wait_until("status is well again", lambda: site.call("status").returncode == 0, 15)
    time.sleep(0.5)
    copy = tmp_path / "copy"
    (copy / "state").mkdir(parents=True)
    shutil.copytree(ledger, copy / "ledger")
    for name in ("site.yaml", "phones.csv"):
        shutil.copy(site.dir / name, copy)
    verdict = subprocess.run([RINGFORT, "-C", str(copy), "ledger", "verify"], capture_output=True, text=True)
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr
    assert process.poll() is None


def test_the_registrations_are_full(small_disk):
    """A registration that cannot be kept is not answered 200."""
    site, state, process = small_disk("state")
    client = site.client("lobby").open()
    assert client.register(f"sip:1001@{site.domain}").code == 200
    fill(state)
    codes = set()
    for n in range(60):
        contact = f"sip:c{n}@{client.local[0]}:{client.local[1]};transport=tls"
        codes.add(client.register(f"sip:1001@{site.domain}", contact=contact).code)
    assert codes <= {200, 503} and 503 in codes
    (state / "ballast").unlink()
    wait_until("registrations are taken again",
               lambda: client.register(f"sip:1001@{site.domain}").code == 200, 10)
    assert process.poll() is None
