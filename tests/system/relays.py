"""A relay of a site, alone, and whoever asks it by TLS with a certificate of that site."""
import json
import shutil
import socket
import ssl
import subprocess

from anchor import Ng, Relay
from borders import add_addresses
from lab import RINGFORT

SITE = """\
site: relays
domain: voice.example.org
level: minimum
zones:
  server: { vlan: 20, subnet: 10.20.250.0/24 }
  phone:  { vlan: 30, subnet: 10.30.250.0/24 }
  border: { vlan: 60, subnet: 10.60.250.0/24 }
hosts:
  - { name: ctl-a, zone: server, address: 10.20.250.11, roles: [controller] }
  - { name: edge, zone: border, address: 10.60.250.11, roles: [border] }
  - { name: edge-b, zone: border, address: 10.60.250.12, roles: [border] }
  - { name: anchor, zone: border, address: 10.60.250.21, roles: [relay] }
locations:
  lobby: { building: Main, floor: 1, room: Lobby, address: "1 Example Road" }
media: { encryption: optional }
deviations:
  - { mitigation: pub-sbc, reason: test, approved_by: tester, until: 2028-01-01 }
  - { mitigation: ph-auth-media-encryption, reason: test, approved_by: tester, until: 2028-01-01 }
"""
AT = ("10.60.250.21", 2223)


class RelaySite:
    def __init__(self, folder, text=SITE):
        self.dir = folder / "site"
        self.pki = self.dir / "pki"
        add_addresses("10.60.250.11", "10.60.250.12", "10.60.250.21")
        self.dir.mkdir()
        (self.dir / "site.yaml").write_text(text)
        self.run("init", self.dir, bare=True)
        self.relay = Relay(self.dir, ["run", "relay", "--host", "anchor"])

    def call(self, *args, bare=False):
        return subprocess.run([RINGFORT, *([] if bare else ["-C", str(self.dir)]), *map(str, args)], capture_output=True, text=True,
                              timeout=60)

    def run(self, *args, **kw):
        done = self.call(*args, **kw)
        assert done.returncode == 0, f"{args}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def keep(self, host, name):
        """A copy of what the host has now."""
        return shutil.copytree(self.pki / "hosts" / host, self.dir.parent / name)

    def connect(self, host="edge", address="10.60.250.11", cert=None, ca=None):
        where = cert or self.pki / "hosts" / host
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(ca or self.pki / "ca.pem")
        context.load_cert_chain(where / "cert.pem", where / "key.pem")
        s = context.wrap_socket(socket.create_connection(AT, 5, (address, 0)), server_hostname=AT[0])
        return Ng(s)

    def record(self):
        out = self.call("ledger", "show", "--role", "relay", "--json").stdout
        return [json.loads(line) for line in out.splitlines()]

    def stop(self):
        self.relay.stop()
