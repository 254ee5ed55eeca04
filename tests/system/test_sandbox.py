"""What a running controller has given up, seen from outside."""
import os
import pathlib
import pwd
import subprocess

import pytest

from lab import wait_until

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root drops to a user")


def controller(site):
    return site.json("status")["pid"]


def keeper(pid):
    for task in pathlib.Path("/proc").iterdir():
        if task.name.isdigit():
            try:
                status = (task / "status").read_text()
            except OSError:
                continue
            if f"PPid:\t{pid}\n" in status:
                return int(task.name)
    raise AssertionError("the controller has no keeper")


def fields(path):
    return dict(line.split(":\t", 1) for line in path.read_text().splitlines() if ":\t" in line)


def every_thread(pid):
    return [fields(t / "status") for t in pathlib.Path(f"/proc/{pid}/task").iterdir()]


@ROOT_ONLY
def test_every_thread_is_confined(site):
    uid = str(pwd.getpwnam("ringfort").pw_uid)
    pid = controller(site)
    for process in (pid, keeper(pid)):
        threads = every_thread(process)
        assert len(threads) >= 2
        for t in threads:
            assert t["Uid"].split() == [uid] * 4
            assert t["NoNewPrivs"] == "1"
            assert t["Seccomp"] == "2"
            assert int(t["CapBnd"], 16) == int(t["CapInh"], 16) == int(t["CapAmb"], 16) == 0
            # the keeper may read its key file again, inside the folder that Landlock leaves it
            assert int(t["CapPrm"], 16) == int(t["CapEff"], 16) == (0 if process == pid else 1 << 2)
            assert t["Groups"].split() in ([], [t["Gid"].split()[0]])


def secret_of(key_file):
    """The private number of an EC key."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    key = load_pem_private_key(key_file.read_bytes(), None)
    n = key.private_numbers().private_value
    size = (key.curve.key_size + 7) // 8
    return n.to_bytes(size, "big"), n.to_bytes(size, "little")


def memory_holds(pid, needles):
    """Is one of these byte strings in the process's memory? Eight bytes of a number are enough to tell."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            area, mode = line.split()[:2]
            if "r" not in mode or "[v" in line:
                continue
            start, end = (int(x, 16) for x in area.split("-"))
            if end - start > 1 << 28:
                continue
            try:
                mem.seek(start)
                data = mem.read(end - start)
            except OSError:
                continue
            if any(n[i:i + 8] in data for n in needles for i in (0, 8, 16)):
                return True
    return False


@ROOT_ONLY
def test_the_private_key_is_in_the_keeper_alone(site):
    # Some handshakes first, so that the key has been used.
    for _ in range(3):
        client = site.client("lobby").open()
        client.stop()
    needles = secret_of(site.dir / "pki" / "hosts" / "ctl-a" / "key.pem")
    pid = controller(site)
    try:
        assert memory_holds(keeper(pid), needles)   # the control: we can find it where it is
    except PermissionError:
        pytest.skip("the memory of other processes may not be read here")
    assert not memory_holds(pid, needles)


def test_a_dead_keeper_is_said(site):
    pid = controller(site)
    os.kill(keeper(pid), 9)
    wait_until("status says that it is not well", lambda: site.call("status").returncode == 1, 5)
    status = site.call("status", "--json")
    assert "keeper" in status.stdout
    assert site.wait_event("fault")
    assert site.down().returncode == 0


@ROOT_ONLY
def test_no_service_user_is_explained(make_site):
    site = make_site(up=False, extra="run_as: nobody-at-all\n")
    up = site.call("up")
    assert up.returncode == 3
    assert "useradd" in up.stderr


def test_a_port_in_use_is_explained(site, make_site):
    other = make_site(up=False)
    text = (other.dir / "site.yaml").read_text().replace(f"10.20.{other.n}.", f"10.20.{site.n}.")
    (other.dir / "site.yaml").write_text(text)
    up = other.call("up")
    assert up.returncode == 3
    assert "listening on tls" in up.stderr and "another program" in up.stderr


def test_a_site_below_a_closed_directory(make_site, tmp_path):
    # pytest's own temporary directories are 0700 and root's: the service user cannot walk to the site.
    assert (tmp_path.parent.stat().st_mode & 0o7) == 0 or os.geteuid() != 0
    site = make_site(phones={"lobby": "1001"})
    assert site.client("lobby").open().register(f"sip:1001@{site.domain}").code == 200
    assert site.call("reload").returncode == 0


def test_an_unprivileged_user_runs_a_site(make_site):
    if os.geteuid() != 0 or subprocess.run(["setpriv", "--version"], capture_output=True).returncode:
        pytest.skip("needs root to become somebody else")
    site = make_site(up=False, phones={"lobby": "1001"})
    subprocess.run(["chown", "-R", "nobody", str(site.folder)], check=True)
    for parent in (site.folder, *site.folder.parents):
        if parent == pathlib.Path("/tmp"):
            break
        parent.chmod(parent.stat().st_mode | 0o55)
    as_nobody = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "--"]
    from lab import RINGFORT
    up = subprocess.run([*as_nobody, RINGFORT, "-C", str(site.dir), "up"], capture_output=True, text=True)
    assert up.returncode == 0, up.stderr + site.log()
    assert site.client("lobby").open().register(f"sip:1001@{site.domain}").code == 200
    status = site.json("status")
    assert status["confined"]["user"] == "nobody"
    down = subprocess.run([*as_nobody, RINGFORT, "-C", str(site.dir), "down"], capture_output=True, text=True)
    assert down.returncode == 0, down.stderr
