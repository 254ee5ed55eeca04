"""What stands still outside the controller does not hold up its calls: a name server that never answers, a disk under the
record or the registrations that takes nothing for a while."""
import os
import re
import shutil
import socket
import subprocess
import threading
import time

import pytest

import lab
from dialogs import establish, expect, invite
from lab import RINGFORT, die_with_parent, wait_until
from test_disk import listens
from trunks import Authority, wait_empty

CALL_S = 1.5        # a call that is set up and ended; held up, it would take the whole standstill
STANDSTILL_S = 4


def aor(site, number):
    return f"sip:{number}@{site.domain}"


def call(site, lobby, desk):
    """From 1001 to 1002 and over: seconds that it took."""
    began = time.monotonic()
    a, _, _ = establish(lobby, aor(site, 1001), desk, aor(site, 1002))
    lobby.send(a.request("BYE"))
    desk.reply(expect(desk, "BYE"), 200)
    expect(lobby, 200)
    return time.monotonic() - began


def final(client, timeout):
    """The next final response, None when there is none in time."""
    while (m := client.receive(timeout)) is not None and m.code < 200:
        pass
    return m


def phones(site):
    out = []
    for name, number in site.numbers.items():
        client = site.client(name).open()
        assert client.register(aor(site, number)).code == 200
        out.append(client)
    return out


@pytest.fixture
def black_hole():
    """Who asks the name server of this machine hears nothing: the list of what was asked."""
    with open("/etc/resolv.conf") as f:
        found = re.search(r"(?m)^nameserver\s+(\d+\.\d+\.\d+\.\d+)", f.read())
    address = found.group(1) if found else "127.0.0.1"
    if not address.startswith("127."):
        lab.phones.loopback_up([address], first=9990)
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((address, 53))
    asked = []

    def listen():
        while True:
            try:
                data = s.recv(4096)
            except OSError:
                return
            if not data:
                return
            asked.append(data)
    threading.Thread(target=listen, daemon=True).start()
    yield asked
    s.close()


@pytest.mark.skipif(os.getuid() != 0, reason="takes port 53: needs root")
def test_names_that_nobody_answers(make_site, black_hole, tmp_path):
    """A trunk whose name cannot be found out: a call to it waits, calls in the house do not."""
    site = make_site(phones={"lobby": "1001", "desk": "1002", "out": "1003"}, up=False)
    shutil.copy(Authority(tmp_path / "carrier").cert, site.dir / "carrier-ca.pem")
    site.write('dial_plans: { default: { country_code: "49", area_code: "30", outside: "0" } }\ndial_plan: default\n'
               "trunks:\n  - { name: dark, peer: sip.dark.example, ca: carrier-ca.pem, health_interval: 1,\n"
               '       caller_number: "+493012340" }\n')
    site.up()
    lobby, desk, out = phones(site)
    wait_until("the name was asked for", lambda: black_hole, 10)
    before = len(black_hole)
    invite(out, aor(site, 1003), aor(site, "0089123456"))
    took = [call(site, lobby, desk) for _ in range(10)]
    assert max(took) < CALL_S, took
    wait_until("it was asked for again", lambda: len(black_hole) > before, 10)
    out.stop()
    wait_empty(site, 15)


class Frozen:
    """A site one of whose folders is a file system of its own that can be frozen; it lives in the controller's mount
    namespace and ends with it."""

    def __init__(self, site, folder, tmp_path):
        self.site, self.where = site, site.dir / folder
        image = tmp_path / "disk"
        with open(image, "wb") as f:
            f.truncate(32 << 20)
        subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)
        script = ('own=$(stat -c %u:%g "$1") && tar -C "$1" -cf "$1.tar" . && mount -o loop "$4" "$1" && '
                  'rmdir "$1/lost+found" && tar -C "$1" -xf "$1.tar" && chown "$own" "$1" && chmod 700 "$1" && '
                  'exec "$2" -C "$3" run controller')
        self.log = tmp_path / "controller.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(["unshare", "-m", "sh", "-c", script, "sh", str(self.where), RINGFORT, str(site.dir),
                                             str(image)], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            preexec_fn=die_with_parent)

    def stand_still(self, seconds):
        """By a process of its own, so that it thaws whatever becomes of us: who waits for a frozen disk cannot be killed."""
        p = subprocess.Popen(["nsenter", "-t", str(self.process.pid), "-m", "sh", "-c",
                              f'fsfreeze -f "$1" && echo still && sleep {seconds}; fsfreeze -u "$1"', "sh", str(self.where)],
                             stdout=subprocess.PIPE, text=True, start_new_session=True)
        assert p.stdout.readline() == "still\n"
        return p


@pytest.fixture
def frozen(make_site, tmp_path):
    made = []

    def make(folder):
        site = make_site(phones={"lobby": "1001", "desk": "1002", "late": "1003"}, up=False)
        f = Frozen(site, folder, tmp_path)
        made.append(f)
        wait_until("the controller listens, or has ended", lambda: listens(site) or f.process.poll() is not None, 10)
        if f.process.poll() is not None:
            pytest.skip(f"no file system of a file here: {f.log.read_text()[-200:]}")
        return f

    yield make
    for f in made:
        f.process.terminate()
        try:
            f.process.wait(10)
        except subprocess.TimeoutExpired:
            f.process.kill()
            f.process.wait()


@pytest.mark.long   # a process that waits for a frozen disk cannot be killed: not where others wait for the machine
@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("fsfreeze"), reason="freezes a small file system: needs root")
@pytest.mark.parametrize("folder", ["ledger", "state"])
def test_a_disk_that_stands_still(frozen, folder):
    """Calls go on; a registration that must be on disk waits for the disk, and one that need not does not."""
    f = frozen(folder)
    site = f.site
    lobby, desk, late = phones(site)
    still = f.stand_still(STANDSTILL_S)
    began = time.monotonic()
    late.send(late.request("REGISTER", aor(site, 1003).replace("1003@", ""), to=aor(site, 1003), headers=["Expires: 300"]))
    took = [call(site, lobby, desk) for _ in range(5)]
    assert max(took) < CALL_S and time.monotonic() - began < STANDSTILL_S, took
    early = final(late, 0.3)
    assert (early is None) == (folder == "state"), early
    assert still.wait(STANDSTILL_S + 5) == 0
    answer = early or final(late, 5)
    assert answer is not None and answer.code == 200
    assert max(call(site, lobby, desk) for _ in range(3)) < CALL_S
    assert f.process.poll() is None
