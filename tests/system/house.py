"""A house of network namespaces: a Linux router with a foot in each zone, and one machine in each of them.

Namespaces are those of processes that do nothing, so that they end with the test however it ends; sockets of this process
can be made in any of them."""
import ctypes
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess

from lab import RINGFORT, die_with_parent, wait_until

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)

SITE = """\
site: house
domain: voice.example.org
level: medium
zones:
  server:   { vlan: 20, subnet: 10.20.0.0/24, subnet6: "fd00:20::/64" }
  phone:    { vlan: 30, subnet: 10.30.0.0/24, subnet6: "fd00:30::/64" }
  admin:    { vlan: 50, subnet: 10.50.0.0/24, subnet6: "fd00:50::/64" }
  border:   { vlan: 60, subnet: 10.60.0.0/24, subnet6: "fd00:60::/64" }
  internet: { gateway: 192.0.2.1 }
hosts:
  - { name: ctl-a, zone: server, address: 10.20.0.11, roles: [controller, provision] }
  - { name: edge, zone: border, address: 10.60.0.11, address6: "fd00:60::11", roles: border }
  - { name: relay, zone: border, address: 10.60.0.12, address6: "fd00:60::12", roles: relay }
  - { name: desk, zone: admin, address: 10.50.0.101, services: workstation }
  - { name: rt, zone: admin, address: 10.50.0.1, address6: "fd00:50::1", roles: wall }
routers:
  - name: rt
    interfaces:
      - { zone: server, name: server0 }
      - { zone: phone, name: phone0 }
      - { zone: admin, name: admin0 }
      - { zone: border, name: border0 }
      - { zone: internet, name: internet0, address: 192.0.2.2 }
locations:
  lobby: { building: Main, floor: 1, room: Lobby, address: "1 Example Road" }
trunks:
  - { name: carrier, peer: 198.51.100.7, transport: tls, channels: 30 }
limits: { external_calls: 30 }
"""

# zone: (router's addresses, machine's addresses, the machine's way out)
FEET = {
    "server": (["10.20.0.1/24", "fd00:20::1/64"], ["10.20.0.11/24", "fd00:20::11/64"], "10.20.0.1"),
    "phone": (["10.30.0.1/24", "fd00:30::1/64"], ["10.30.0.50/24", "10.30.0.51/24", "fd00:30::50/64"], "10.30.0.1"),
    "admin": (["10.50.0.1/24", "fd00:50::1/64"], ["10.50.0.101/24", "fd00:50::101/64"], "10.50.0.1"),
    "border": (["10.60.0.1/24", "fd00:60::1/64"],
               ["10.60.0.11/24", "10.60.0.12/24", "10.60.0.66/24", "fd00:60::11/64", "fd00:60::12/64"], "10.60.0.1"),
    "internet": (["192.0.2.2/24"], ["192.0.2.1/24", "198.51.100.7/32", "203.0.113.9/32"], "192.0.2.2"),
}


class Space:
    """A network namespace."""

    def __init__(self):
        self.holder = subprocess.Popen(["unshare", "-n", "sleep", "infinity"], preexec_fn=die_with_parent)
        own = os.readlink("/proc/self/ns/net")
        wait_until("a namespace", lambda: self.link() not in (None, own), 5)
        self.run("ip", "link", "set", "lo", "up")

    def link(self):
        try:
            return os.readlink(f"/proc/{self.holder.pid}/ns/net")
        except OSError:
            return None

    def argv(self, *args):
        return ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", *map(str, args)]

    def run(self, *args, **kw):
        done = subprocess.run(self.argv(*args), capture_output=True, text=True, timeout=60, **kw)
        assert done.returncode == 0, f"{args}: {done.stdout}{done.stderr}"
        return done.stdout

    def socket(self, family=socket.AF_INET, kind=socket.SOCK_DGRAM):
        """A socket of this process in that namespace."""
        here = os.open("/proc/self/ns/net", os.O_RDONLY)
        there = os.open(f"/proc/{self.holder.pid}/ns/net", os.O_RDONLY)
        try:
            assert _libc.setns(there, CLONE_NEWNET) == 0
            s = socket.socket(family, kind)
            assert _libc.setns(here, CLONE_NEWNET) == 0
        finally:
            os.close(here)
            os.close(there)
        s.settimeout(5)
        return s

    def close(self):
        self.holder.kill()
        self.holder.wait()


class House:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.dir = self.folder / "site"
        self.spaces = {}
        self.wall = None
        self.dir.mkdir()
        (self.dir / "site.yaml").write_text(SITE)
        self.ok("init", self.dir, bare=True)
        self.build()

    # ---- the wires

    def build(self):
        self.rt = Space()
        self.spaces["rt"] = self.rt
        batch = []
        for zone, (feet, addresses, via) in FEET.items():
            s = self.spaces[zone] = Space()
            self.rt.run("ip", "link", "add", f"{zone}0", "type", "veth", "peer", "name", "eth0", "netns", s.holder.pid)
            batch += [f"ip addr add {a} dev {zone}0 nodad" if ":" in a else f"ip addr add {a} dev {zone}0" for a in feet]
            batch.append(f"ip link set {zone}0 up")
            lines = [f"ip addr add {a} dev eth0" + (" nodad" if ":" in a else "") for a in addresses]
            lines += ["ip link set eth0 up", f"ip route add default via {via}"]
            if zone != "internet":
                lines.append(f"ip -6 route add default via {feet[1].split('/')[0]}")
            s.run("sh", "-ec", "\n".join(lines))
        batch += ["echo 1 > /proc/sys/net/ipv4/ip_forward", "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding",
                  "ip route add 198.51.100.7/32 via 192.0.2.1", "ip route add 203.0.113.9/32 via 192.0.2.1"]
        self.rt.run("sh", "-ec", "\n".join(batch))

    # ---- commands, on the router

    def call(self, *args, bare=False, timeout=60):
        argv = [RINGFORT, *([] if bare else ["-C", str(self.dir)]), *map(str, args)]
        if "rt" in self.spaces:
            argv = self.rt.argv(*argv)
        return subprocess.run(argv, capture_output=True, text=True, timeout=timeout)

    def ok(self, *args, **kw):
        done = self.call(*args, **kw)
        assert done.returncode == 0, f"{args}: {done.returncode}\n{done.stdout}{done.stderr}\n{self.log()}"
        return done.stdout

    def status(self):
        done = self.call("wall", "--json")
        return json.loads(done.stdout) if done.stdout else {}

    def compile(self, name="bundle", site=None):
        if site is not None:
            (self.dir / "site.yaml").write_text(site)
        self.ok("compile", "-o", self.folder / name)
        return self.folder / name

    def start(self, drops_s=60):
        """`ringfort run wall`, and wait until it is ready."""
        read, write = os.pipe()
        with open(self.folder / "wall.log", "ab") as log:
            self.wall = subprocess.Popen(
                self.rt.argv(RINGFORT, "-C", self.dir, "run", "wall", "--host", "rt", "--ready-fd", write, "--drops-every",
                             drops_s), stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[write],
                start_new_session=True)
        os.close(write)
        with os.fdopen(read) as ready:
            line = ready.read()
        assert line and json.loads(line)["ok"], f"{line}\n{self.log()}"
        return json.loads(line)

    def log(self):
        try:
            return (self.folder / "wall.log").read_text(errors="replace")[-4000:]
        except OSError:
            return ""

    def pids(self):
        """Processes of the wall by their names: front, guard, hand, keeper. Only those that this house started."""
        found = {}
        for p in pathlib.Path("/proc").iterdir():
            try:
                if p.name.isdigit() and os.readlink(p / "ns/net") == self.rt.link():
                    found[(p / "comm").read_text().strip()] = int(p.name)
            except OSError:
                continue
        return {"front": found.get("ringfort-wall"), "hand": found.get("ringfort-hand"), "guard": found.get("ringfort-guard")}

    def stop(self):
        if self.wall and self.wall.poll() is None:
            self.wall.terminate()
            self.wall.wait(20)
        return self.wall.returncode if self.wall else None

    def kill(self, *names):
        pids = self.pids()
        for n in names:
            try:
                os.kill(pids[n], signal.SIGKILL)
            except ProcessLookupError:
                pass  # the hand ends with the front
        if "front" in names:
            self.wall.wait(20)
        return pids

    def close(self):
        try:
            self.stop()
        finally:
            for s in self.spaces.values():
                s.close()
            shutil.rmtree(self.dir, ignore_errors=True)

    def rules(self):
        """What the kernel has of our table, "" when there is none."""
        done = subprocess.run(self.rt.argv("nft", "list", "table", "inet", "ringfort"), capture_output=True, text=True)
        return done.stdout if done.returncode == 0 else ""

    def events(self, kind):
        out = self.call("ledger", "show", "--json", "--kind", kind).stdout
        return [json.loads(line) for line in out.splitlines()]

    def recorded(self, kind):
        """The same, once there is one: a line is on its way to the disk for some milliseconds."""
        wait_until(f"{kind} on record", lambda: self.events(kind), 5)
        return self.events(kind)

    # ---- asking for pinholes

    def client(self, host="edge", address="10.60.0.11", cert=None):
        return Client(self, host, address, cert)


class Client:
    """A border or relay: the protocol of src/role/wall_line.h, in TLS of another library."""

    def __init__(self, house, host, address, cert=None):
        where = cert or house.dir / "pki" / "hosts" / host
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(house.dir / "pki" / "ca.pem")
        context.load_cert_chain(where / "cert.pem", where / "key.pem")
        raw = house.spaces["border"].socket(kind=socket.SOCK_STREAM)
        raw.bind((address, 0))
        raw.connect(("10.60.0.1", 2224))
        self.s = context.wrap_socket(raw, server_hostname="rt.voice.example.org")
        self.file = self.s.makefile("rb")
        self.next = 0
        hello = self.file.readline()
        if hello != b"ringfort-wall 1\n":
            raise ConnectionError(f"no hello: {hello}")

    def send(self, text):
        self.s.sendall(text if isinstance(text, bytes) else text.encode())

    def line(self):
        return self.file.readline().decode().strip()

    def ask(self, *words):
        self.next += 1
        self.send(f"{self.next} {' '.join(map(str, words))}\n")
        number, answer = self.line().split(" ", 1)
        assert int(number) == self.next
        return answer

    def close(self):
        try:
            self.file.close()
            self.s.close()
        except OSError:
            pass
