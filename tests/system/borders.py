"""A site in two halves: a controller and a border, each a process of its own, trunks that reach the border alone, and
Debian's rtpengine as the media relay between its two sides, or the one that a test names."""
import itertools
import json
import os
import shutil
import socket
import subprocess

import lab
from lab import wait_until
from trunks import Peer

SITE = """\
site: test
domain: {domain}
level: {level}
zones:
  server: {{ vlan: 20, subnet: 10.20.{n}.0/24 }}
  phone:  {{ vlan: 30, subnet: 10.30.{n}.0/24 }}
  border: {{ vlan: 60, subnet: 10.60.{n}.0/24 }}
  outer:  {{ kind: border, vlan: 61, subnet: 10.61.{n}.0/24 }}
hosts:
  - {{ name: ctl-a, zone: server, address: {address}, roles: [controller] }}
{borders}
locations:
  lobby: {{ building: Main, floor: 1, room: Lobby, address: "1 Example Road" }}
phones_file: phones.csv
media: {{ relays: [127.0.0.1], relay_port: {relay_port}{media} }}
dial_plans:
  default: {{ country_code: "49", area_code: "30", outside: "0" }}
dial_plan: default
{more}
"""

BORDER = "  - {{ name: {name}, zone: border, address: {inside}, roles: [border], outside: {{ address: {outside} }} }}"

TRUNK = """\
  - {{ name: {name}, peer: "{peer}", port: 5061, ca: carrier-ca.pem, certificate: [{certificate}], health_interval: 1,
       numbers: {{ "+4930123410xx": "10xx" }}, trusted: true{more} }}
"""

_aliases = 4000
_ports = itertools.count(22200)


class Rtpengine:
    """Debian's, in user space; one of a test's own, so that nothing of another test's calls is in it."""

    def __init__(self, folder, inside, outside, port):
        self.folder, self.inside, self.outside, self.port = folder, inside, outside, port
        self.process = None

    def start(self):
        folder = self.folder
        with open(folder / "rtpengine.log", "ab") as log:
            self.process = subprocess.Popen(
                ["rtpengine", "--foreground", "--log-stderr", "--log-level=6", "--table=-1",
                 f"--interface=inside/{self.inside}", f"--interface=outside/{self.outside}", "--delete-delay=0",
                 f"--listen-ng=127.0.0.1:{self.port}",
                 "--port-min=30000", "--port-max=31000", "--num-threads=2", "--pidfile=" + str(folder / "rtpengine.pid")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=lab.die_with_parent)
        wait_until("rtpengine answers", self.answers, 20)       # a call before that is refused, as it should be
        return self

    def answers(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.2)
            s.connect(("127.0.0.1", self.port))
            try:
                s.send(b"1_1 d7:command4:pinge")
                return s.recv(100).startswith(b"1_1 ")
            except OSError:
                return False

    def log(self, lines=30):
        return "\n".join((self.folder / "rtpengine.log").read_text(errors="replace").splitlines()[-lines:])

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None


def add_addresses(*addresses):
    global _aliases
    lab.phones.loopback_up(addresses, first=_aliases)
    _aliases += len(addresses)


class Spy(Peer):
    """A peer that keeps every message that it was ever sent."""

    def __init__(self, *args, **kw):
        self.seen = []
        super().__init__(*args, **kw)

    def _sort(self, m, s, where):
        self.seen.append("\n".join([m.line, *(f"{n}: {v}" for n, v in m.headers), "", m.body.decode(errors="replace") if isinstance(m.body, bytes) else m.body]))
        super()._sort(m, s, where)


class Halves:
    """The site of make_site() with `borders` borders in front of its controller."""

    def __init__(self, site, borders=1, more="", media="", relay=Rtpengine):
        self.media = media
        self.site, self.names = site, [f"edge-{i}" for i in range(borders)]
        self.inside = [f"10.60.{site.n}.{11 + i}" for i in range(borders)]
        self.outside = [f"10.61.{site.n}.{11 + i}" for i in range(borders)]
        add_addresses(*self.inside, *self.outside)
        self.relay = relay(site.folder, self.inside[0], self.outside[0], next(_ports)).start()
        site.started.append(self.relay)
        self.write(more)
        for name in self.names:
            site.run("host", "issue", name)
        site.started.append(self)

    def write(self, more):
        lines = [BORDER.format(name=n, inside=i, outside=o) for n, i, o in zip(self.names, self.inside, self.outside)]
        (self.site.dir / "site.yaml").write_text(SITE.format(
            domain=self.site.domain, n=self.site.n, address=self.site.address, borders="\n".join(lines), more=more,
            relay_port=self.relay.port, media=self.media, level=self.site.level))

    def up(self, border="edge-0"):
        """One directory, so one border at a time."""
        self.site.run("up", "--host", "ctl-a")
        self.site.run("up", "--host", border)

    def peer(self, address, cert, key, border=0, **kw):
        p = Spy(self.site, address, cert, key, **kw)
        p.server = (self.outside[border], 5061 if p.transport == "tls" else 5060)
        return p

    def answer(self):
        """Of all roles, well or not."""
        return json.loads(self.site.call("status", "--json").stdout)

    def status(self):
        """The border's."""
        answer = self.answer()
        return next(a for a in [answer, *answer.get("others", [])] if a["role"] == "border")

    def trunk(self, name, role="border"):
        return next(t for t in self.site.json("trunk", "list", "--role", role)["trunks"] if t["name"] == name)

    def wait_trunk(self, name, state, seconds=10):
        for role in ("border", "controller"):
            wait_until(f"trunk {name} is {state} at the {role}", lambda: self.trunk(name, role)["state"] == state, seconds)

    def census(self):
        counted = {}
        answer = self.answer()
        for a in [answer, *answer.get("others", [])]:
            if a["role"] == "relay":
                counted.update({f"relay {k}": a["counts"][k] for k in ("sessions", "paths", "ports") if a["counts"][k]})
                continue
            for w in a["workers"]:
                for k, v in w.items():
                    if k.endswith("_now") and v:
                        counted[f"{a['role']} {k}"] = v
            for t in a["trunks"]:
                if t["channels"]:
                    counted[f"{a['role']} channels of {t['name']}"] = t["channels"]
        return counted

    def wait_empty(self, seconds=12):
        wait_until(f"nothing is left, but {self.census()}", lambda: not self.census(), seconds)

    def kill(self):
        pid = int((self.site.dir / "state" / "border.pid").read_text())
        os.kill(pid, 9)
        return pid

    def log(self, lines=20):
        return "\n".join((self.site.dir / "state" / "border.log").read_text(errors="replace").splitlines()[-lines:])

    def stop(self):
        pass     # Site.close() takes down whatever runs


def copy_ca(site, authority, name="carrier-ca.pem"):
    shutil.copy(authority.cert, site.dir / name)
