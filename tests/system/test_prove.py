"""ringfort prove: on what a site compiles to, on rules with holes, and against a kernel that has random rules loaded, packet by
packet."""
import copy
import json
import os
import pathlib
import random
import re
import struct
import subprocess

import pytest

import lab
from frames import BROADCAST, Device, arp, ether, tcp, udp
from test_compile import compile_to, office

ASK = pathlib.Path(lab.RINGFORT).resolve().parent.parent / "tests" / "unit" / "prove" / "prove_ask"


def prove(site, *args):
    done = subprocess.run([lab.RINGFORT, "-C", str(site), "prove", "--json", *map(str, args)], capture_output=True, text=True,
                          timeout=120)
    assert done.returncode in (0, 1), done.stderr
    answer = json.loads(done.stdout)
    assert answer["proven"] == (done.returncode == 0)
    return answer


def listed(text):
    done = subprocess.run(["unshare", "-n", "sh", "-c", "nft -f - && nft -j list ruleset"], input=text, capture_output=True,
                          text=True, check=True)
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prove")
    site = office(folder)
    return site, compile_to(site, folder / "rules")


def test_what_is_compiled_is_proven(compiled):
    site, bundle = compiled
    answer = prove(site, "--bundle", bundle)
    assert answer["counterexamples"] == []
    assert answer["proven"] and answer["pairs"] > 100 and answer["pairs_not_looked_at"] == 0
    assert any("pinholes4" in a for a in answer["assumed"])


TWO = """site: two
domain: two.example
level: minimum
zones:
  server: { vlan: 20, subnet: 10.20.0.0/24 }
  phone:  { vlan: 30, subnet: 10.30.0.0/24 }
  link:   { kind: wan, vlan: 60, subnet: 10.60.0.0/29 }
hosts:
  - { name: ctl, zone: server, address: 10.20.0.11, roles: controller }
  - { name: svc, zone: server, address: 10.20.0.12, services: [dns, ntp] }
routers:
  - { name: core, kind: linux, interfaces: [ { zone: server }, { zone: link, address: 10.60.0.2 } ] }
  - { name: edge, kind: junos, interfaces: [ { zone: phone }, { zone: link, address: 10.60.0.3 } ] }
locations: { here: { building: A, address: B } }
phones:
  - { name: p1, number: 1001, location: here, mac: "00:00:5e:00:54:01" }
"""


def test_a_router_without_state_beside_one_with(tmp_path):
    """Answers pass both: that one of them knows no connections takes nothing from what the other knows. Who stands on the
    link between them may forge addresses, and that is shown."""
    (tmp_path / "site.yaml").write_text(TWO)
    answer = prove(tmp_path)
    assert {c["kind"] for c in answer["counterexamples"]} == {"leak"}
    assert {c["from"] for c in answer["counterexamples"]} == {"link"}
    assert any(a.startswith("edge keeps no state") for a in answer["assumed"])


def rules_of(ruleset, chain):
    return [i for i, x in enumerate(ruleset["nftables"]) if x.get("rule", {}).get("chain") == chain]


def accept(chain, *matches):
    return {"rule": {"family": "inet", "table": "ringfort", "chain": chain, "handle": 9999, "expr": [*matches, {"accept": None}]}}


def match(protocol, field, right):
    return {"match": {"op": "==", "left": {"payload": {"protocol": protocol, "field": field}}, "right": right}}


def test_holes_are_shown(compiled, tmp_path):
    """Each of these is one line that somebody could have typed."""
    site, bundle = compiled
    right = listed((bundle / "routers/rt-a/ringfort.nft").read_text())
    ssh = accept("forward", match("tcp", "dport", 22))
    v6 = accept("forward", {"match": {"op": "==", "left": {"meta": {"key": "nfproto"}}, "right": "ipv6"}},
                match("udp", "dport", 53))
    for name, wrong, kind in [("ssh", ssh, "leak"), ("dns over v6", v6, "leak")]:
        rules = copy.deepcopy(right)
        rules["nftables"].insert(rules_of(rules, "forward")[0], wrong)
        (tmp_path / "rules.json").write_text(json.dumps(rules))
        answer = prove(site, f"rt-a={tmp_path / 'rules.json'}")
        leaks = [c for c in answer["counterexamples"] if c["kind"] == kind]
        assert leaks and any("handle 9999" in (c["place"] or "") for c in leaks), (name, answer["counterexamples"][:2])
    rules = copy.deepcopy(right)
    accepting = [i for i in rules_of(rules, "forward/phone/server") if {"accept": None} in rules["nftables"][i]["rule"]["expr"]]
    del rules["nftables"][accepting[0]]
    (tmp_path / "rules.json").write_text(json.dumps(rules))
    answer = prove(site, f"rt-a={tmp_path / 'rules.json'}")
    assert [c for c in answer["counterexamples"] if c["from"] == "phone" and c["to"] == "server" and c["flow"]]


def test_an_opening_is_no_wider_than_its_flow(compiled, tmp_path):
    """Rules as compiled, where those of the second set forgot the flow's ports: a packet is shown, and the line."""
    site, bundle = compiled
    text = (bundle / "routers/rt-a/ringfort.nft").read_text()
    wide = re.sub(r"(?m)^(.*)tcp sport 1024-65535 (.*ip saddr . ip daddr . th dport @openings4 .*)$", r"\1\2", text)
    assert wide.count("@openings4") == text.count("@openings4") and len(text) - len(wide) >= 2 * len("tcp sport 1024-65535 ")
    (tmp_path / "rules.nft").write_text(wide)
    leaks = [c for c in prove(site, f"rt-a={tmp_path / 'rules.nft'}")["counterexamples"] if c["kind"] == "leak"]
    found = next(c for c in leaks if (c["from"], c["to"]) == ("internet", "border"))
    assert found["packet"]["in_opening_set"] and found["packet"]["protocol"] == "tcp" and found["packet"]["source_port"] < 1024
    assert "@openings4" in found["rule"] or "openings4" in found["rule"]


def test_what_is_not_understood_is_named(compiled, tmp_path):
    site, _ = compiled
    file = tmp_path / "rules.nft"
    file.write_text("table inet x {\n chain f {\n type filter hook forward priority 0; policy drop;\n iifgroup 5 accept\n }\n}\n")
    done = subprocess.run([lab.RINGFORT, "-C", str(site), "prove", f"rt-a={file}"], capture_output=True, text=True)
    assert done.returncode == 2 and "iifgroup" in done.stderr and "inet x f" in done.stderr
    file.write_text("table inet x {\n nonsense\n}\n")
    done = subprocess.run([lab.RINGFORT, "-C", str(site), "prove", f"rt-a={file}"], capture_output=True, text=True)
    assert done.returncode == 2 and "nft says" in done.stderr


# --- a kernel

NETS = {"ra": "10.201.1", "rb": "10.201.2", "rc": "10.201.3"}
PORTS = [1, 2, 3, 4]


class Kernel(Device):
    """A router with three feet, four hosts behind each."""

    def __init__(self):
        super().__init__(list(NETS))
        lines = [f"addr add {net}.1/24 dev {name}" for name, net in NETS.items()]
        lines += [f"neigh replace {net}.{h} lladdr {self.our_macs[name]} dev {name} nud permanent"
                  for name, net in NETS.items() for h in range(2, 6)]
        self.run("ip", "-batch", "-", stdin="\n".join(lines) + "\n")
        self.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0",
                 *[f"net.ipv4.conf.{name}.rp_filter=0" for name in NETS])

    def load(self, text):
        """The rules without those lines that nft says make no sense (TCP and UDP at once), and their listing."""
        while True:
            file = f"/tmp/prove-{self.process.pid}.nft"
            pathlib.Path(file).write_text(text)
            done = subprocess.run(["nsenter", "-t", str(self.process.pid), "-n", "nft", "-f", file], capture_output=True, text=True)
            os.unlink(file)
            if done.returncode == 0:
                return text, self.run("nft", "-j", "list", "ruleset")
            wrong = {int(n) for n in re.findall(r":(\d+):\d+[-\d]*: Error", done.stderr)}
            assert wrong, done.stderr
            text = "\n".join("" if n in wrong else line for n, line in enumerate(text.split("\n"), 1))

    def settle(self):
        for name, net in NETS.items():
            self.send(name, ether(BROADCAST, self.our_macs[name], 0x0806,
                                  arp(1, self.our_macs[name], f"{net}.9", "00:00:00:00:00:00", f"{net}.1")))
            assert self.wait(name, lambda f: f[12:14] == b"\x08\x06" and f[20:22] == b"\0\2")

    def out(self, probes):
        """Which of the probes (by number) come out."""
        for n, (come, _, src, dst, proto, sport, dport) in enumerate(probes):
            self.send_ip(come, tcp(src, sport, dst, dport, 2, seq=n) if proto == 6
                         else udp(src, sport, dst, dport, b"prob" + struct.pack("!I", n)))
        self.settle()
        seen = set()
        for name in NETS:
            for f in self.frames(name):
                if f[12:14] == b"\x08\x00" and f[23] == 6:
                    seen.add(struct.unpack("!I", f[38:42])[0])
                elif f[12:14] == b"\x08\x00" and f[23] == 17 and f[42:46] == b"prob":
                    seen.add(struct.unpack("!I", f[46:50])[0])
        return seen


def some_rules(rng):
    """Text of a small ruleset; each table, chain and match by chance."""
    def addresses():
        net = rng.choice(list(NETS.values()))
        return rng.choice([f"{net}.0/24", f"{net}.{rng.randint(2, 5)}", f"{net}.{rng.choice(['2-3', '3-5'])}",
                           f"{{ {net}.2, {net}.4-{net}.5 }}".replace(f"4-{net}.5", f"4-{net}.5")]).replace(
                               f"{net}.2-3", f"{net}.2-{net}.3").replace(f"{net}.3-5", f"{net}.3-{net}.5")

    def condition():
        return rng.choice([
            lambda: f"ip {rng.choice(['saddr', 'daddr'])} {rng.choice(['', '!= '])}{addresses()}",
            lambda: f"{rng.choice(['tcp', 'udp'])} {rng.choice(['sport', 'dport'])} {rng.choice(['', '!= '])}"
                    f"{rng.choice(['1', '2-3', '{ 1, 3 }'])}",
            lambda: f"iifname {rng.choice(['', '!= '])}\"{rng.choice(list(NETS))}\"",
            lambda: f"oifname {{ \"{rng.choice(list(NETS))}\", \"rb\" }}",
            lambda: f"ct state {rng.choice(['new', 'established', 'untracked', '{ new, untracked }', '!= new'])}",
            lambda: f"meta l4proto {rng.choice(['tcp', 'udp', '!= tcp'])}",
            lambda: f"meta mark {rng.choice(['', '!= '])}{rng.randint(0, 2)}",
            lambda: "iifname . tcp dport { \"ra\" . 1-2, \"rb\" . 3 }",
            lambda: "ip saddr . ip daddr . th dport { 10.201.1.0/24 . 10.201.2.2 . 1-3, 10.201.2.3 . 10.201.3.0/24 . 2 }",
            lambda: f"th dport {rng.choice(['<', '>='])} {rng.randint(2, 4)}",
            lambda: f"tcp flags {rng.choice(['syn', '& (syn | ack) == syn', '! ack', '!= syn'])}",
            lambda: "ip saddr & 0.0.0.1 == 0.0.0.1",
        ])()

    def line(jumps):
        verdicts = ["accept", "drop", "accept", "drop", "reject", "return", "meta mark set 1", "counter"]
        if jumps:
            verdicts += [f"jump {jumps}", f"goto {jumps}", f"iifname vmap {{ \"ra\" : jump {jumps}, \"rb\" : drop }}"]
        return " ".join(condition() for _ in range(rng.randint(1, 3))) + " " + rng.choice(verdicts)

    sub, main = ([line(jumps) for _ in range(rng.randint(2, 6))] for jumps in (None, "sub"))
    raw = [f"{' '.join(condition() for _ in range(1))} {rng.choice(['notrack', 'drop', 'accept', 'meta mark set 2'])}"
           for _ in range(rng.randint(0, 3))]
    raw = [r for r in raw if "oifname" not in r]
    join = "\n\t\t"
    return (f"table inet t {{\n\tchain sub {{\n\t\t{join.join(sub)}\n\t}}\n"
            f"\tchain raw {{\n\t\ttype filter hook prerouting priority raw; policy accept;\n\t\t{join.join(raw)}\n\t}}\n"
            f"\tchain f {{\n\t\ttype filter hook forward priority {rng.choice([0, -150])}; policy {rng.choice(['drop', 'accept'])};\n"
            f"\t\t{join.join(main)}\n\t}}\n}}\n")


def some_probes(rng, count):
    probes = []
    for n in range(count):
        come, go = rng.sample(list(NETS), 2)
        src = rng.choice(list(NETS.values())) if rng.random() < 0.2 else NETS[come]
        # Source and port together tell connections apart: each probe opens its own.
        probes.append((come, go, f"{src}.{rng.randint(2, 5)}", f"{NETS[go]}.{rng.randint(2, 5)}", rng.choice([6, 17]),
                       rng.choice(PORTS), rng.choice(PORTS)))
    keys, fresh = set(), []
    for p in probes:
        key, turned = (p[2], p[3], *p[4:]), (p[3], p[2], p[4], p[6], p[5])
        if key not in keys and turned not in keys:
            keys.add(key)
            fresh.append(p)
    return fresh


def compare(rulesets, tmp_path, seed):
    """Each ruleset in a kernel of its own, so that no connection is left over from another."""
    asked, file = 0, tmp_path / "rules.json"
    for n in range(rulesets):
        rng = random.Random(seed + n)
        kernel = Kernel()
        try:
            text, listed_rules = kernel.load(some_rules(rng))
            file.write_text(listed_rules)
            probes = some_probes(rng, 120)
            out = kernel.out(probes)
        finally:
            kernel.close()
        lines = "".join(f"{c} {g} {s} {d} {p} {sport} {dport} 0\n" for c, g, s, d, p, sport, dport in probes)
        done = subprocess.run([str(ASK), str(file)], input=lines, capture_output=True, text=True, check=True)
        for k, said in enumerate(done.stdout.split()):
            asked += 1
            assert said != "?", (text, probes[k])
            assert (said == "accept") == (k in out), (text, probes[k], said)
    return asked


@pytest.mark.skipif(not ASK.exists(), reason="built without the unit tests")
def test_a_kernel_agrees(tmp_path):
    assert compare(5, tmp_path, 1) > 250


@pytest.mark.long
@pytest.mark.skipif(not ASK.exists(), reason="built without the unit tests")
def test_a_kernel_agrees_for_long(tmp_path):
    assert compare(250, tmp_path, 1000) > 15000
