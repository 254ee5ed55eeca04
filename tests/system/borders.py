"""A site in two halves: a controller and a border, each a process of its own, and trunks that reach the border alone."""
import os
import shutil

import lab
from lab import wait_until
from trunks import Peer

SITE = """\
site: test
domain: {domain}
level: medium
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


def add_addresses(*addresses):
    global _aliases
    lab.phones.loopback_up(addresses, first=_aliases)
    _aliases += len(addresses)


class Halves:
    """The site of make_site() with `borders` borders in front of its controller."""

    def __init__(self, site, borders=1, more=""):
        self.site, self.names = site, [f"edge-{i}" for i in range(borders)]
        self.inside = [f"10.60.{site.n}.{11 + i}" for i in range(borders)]
        self.outside = [f"10.61.{site.n}.{11 + i}" for i in range(borders)]
        add_addresses(*self.inside, *self.outside)
        self.write(more)
        for name in self.names:
            site.run("host", "issue", name)
        site.started.append(self)

    def write(self, more):
        lines = [BORDER.format(name=n, inside=i, outside=o) for n, i, o in zip(self.names, self.inside, self.outside)]
        (self.site.dir / "site.yaml").write_text(SITE.format(
            domain=self.site.domain, n=self.site.n, address=self.site.address, borders="\n".join(lines), more=more))

    def up(self):
        """One directory, so one border at a time: the second has its own copy."""
        self.site.run("up", "--host", "ctl-a")
        self.site.run("up", "--host", self.names[0])

    def peer(self, address, cert, key, border=0, **kw):
        p = Peer(self.site, address, cert, key, **kw)
        p.server = (self.outside[border], 5061 if p.transport == "tls" else 5060)
        return p

    def status(self):
        """The border's."""
        answer = self.site.json("status")
        return next(a for a in [answer, *answer.get("others", [])] if a["role"] == "border")

    def trunk(self, name, role="border"):
        return next(t for t in self.site.json("trunk", "list", "--role", role)["trunks"] if t["name"] == name)

    def wait_trunk(self, name, state, seconds=10):
        for role in ("border", "controller"):
            wait_until(f"trunk {name} is {state} at the {role}", lambda: self.trunk(name, role)["state"] == state, seconds)

    def census(self):
        counted = {}
        answer = self.site.json("status")
        for a in [answer, *answer.get("others", [])]:
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
