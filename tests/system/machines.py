"""Machines with a Debian on them: a network namespace, and /etc, /var, /dev and /run of their own over those of this host, so that
files of a bundle lie where they would lie, and daemons that Debian packages start from there."""
import os
import pathlib
import re
import shutil
import subprocess

from frames import Device
from lab import phones

# What the guide tells people to do with a bundle: the file, where it goes, and whose it is.
GUIDE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "guide.md"


def places():
    """The guide's table of a bundle's files: [(pattern, place, owner)]."""
    rows = re.findall(r"^\| `((?:services|routers|switches|pki)/\S+)` \| `(/\S+)` \| (\S+) \|", GUIDE.read_text(), re.M)
    return [(re.compile(re.escape(file).replace("HOST", "(?P<host>[^/]+)").replace("NAME", "(?P<name>[^/]+)")
                        .replace("PORT", "(?P<port>[^/]+)") + "$"), place, owner) for file, place, owner in rows]


class Machine(Device):
    def __init__(self, folder, name):
        self.name = name
        folder = pathlib.Path(folder) / f"machine-{name}"
        folder.mkdir()
        super().__init__([], f"""
            mount --make-rprivate /
            mount -t tmpfs tmpfs {folder}
            for d in etc var dev; do
                mkdir {folder}/$d {folder}/$d-work
                mount -t overlay -o lowerdir=/$d,upperdir={folder}/$d,workdir={folder}/$d-work overlay /$d
            done
            mount -t tmpfs tmpfs /run
            mkdir -p /var/lib/kea /var/spool/rsyslog /run/lock /run/kea /run/lock/kea /run/hostapd /run/chrony /run/freeradius /etc/ringfort
            ip link set lo up""")
        self.daemons = []

    def path(self, path):
        """A file of the machine, from outside."""
        return pathlib.Path(f"/proc/{self.process.pid}/root{path}")

    def write(self, path, data, mode=0o644):
        file = self.path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        if isinstance(data, str):
            file.write_text(data)
        else:
            file.write_bytes(data)
        file.chmod(mode)

    def install(self, bundle, site, name=None, kind="services"):
        """What the bundle and the site have for a host (or a router, a switch), as the guide says."""
        name = name or self.name
        for root, files in ((bundle, (bundle / kind / name).rglob("*")), (site, (site / "pki").rglob("*"))):
            for file in sorted(f for f in files if f.is_file()):
                for pattern, place, owner in places():
                    m = pattern.match(str(file.relative_to(root)))
                    found = m and m.groupdict()
                    if m and found.get("host", name) == name:
                        self._put(file, place.replace("HOST", name).replace("NAME", name)
                                  .replace("PORT", found.get("port") or ""), owner)

    def _put(self, file, place, owner):
        data = file.read_bytes()
        old = self.path(place)
        if place.endswith("-ca.pem") and file.name == "crl.pem":
            data = old.read_bytes() + data    # the list stands behind the certificate
        self.write(place, data, file.stat().st_mode & 0o777)
        if owner != "root":
            shutil.chown(self.path(place), owner, owner)

    def wire(self, mine, other, theirs, mac=None, up=True):
        """An interface of ours and one of another machine, joined."""
        subprocess.run(["ip", "link", "add", mine, *(["address", mac] if mac else []), "netns", str(self.process.pid), "type",
                        "veth", "peer", "name", theirs, "netns", str(other.process.pid)], check=True)
        self.run("ip", "link", "set", mine, "up")
        if up:
            other.run("ip", "link", "set", theirs, "up")

    def wire_to_us(self, name):
        """An interface whose other end we hold, for frames by hand."""
        self._wire(len(self.sockets), name)

    def ip(self, *lines):
        self.run("ip", "-batch", "-", stdin="".join(f"{line}\n" for line in lines))

    def popen(self, *args, **kw):
        kw.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.Popen(["nsenter", "-t", str(self.process.pid), "-n", "-m", *map(str, args)],
                                preexec_fn=phones.die_with_parent, **kw)

    def start(self, *args, env=None):
        """A daemon in the foreground; its output is in a file."""
        log = self.path(f"/run/{len(self.daemons)}-{os.path.basename(args[0])}.out")
        out = open(log, "wb")
        process = self.popen(*args, stdout=out, stderr=subprocess.STDOUT, env=dict(os.environ, **(env or {})))
        out.close()
        process.log = log
        self.daemons.append(process)
        return process

    def until(self, what, condition, seconds=5):
        try:
            return phones.wait_until(what, condition, seconds)
        except phones.Trouble as e:
            logs = "\n".join(f"{d.log.name}: {d.poll()}\n{d.log.read_text(errors='replace')[-3000:]}" for d in self.daemons)
            raise AssertionError(f"{e}\n{logs}") from None

    def listens(self, port, kind="-lun"):
        return f":{port} " in self.run("ss", kind, "-H") + " "

    def check(self, *args):
        """A daemon's own check of its file: 0."""
        done = subprocess.run(["nsenter", "-t", str(self.process.pid), "-n", "-m", *args], capture_output=True, text=True,
                              timeout=20)
        assert done.returncode == 0, f"{args}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def end(self, process, seconds=5):
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def close(self):
        for d in reversed(self.daemons):
            d.poll() is None and d.terminate()
        for d in self.daemons:
            try:
                d.wait(0.5)
            except subprocess.TimeoutExpired:
                d.kill()
                d.wait()
        super().close()
