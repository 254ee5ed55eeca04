"""The readers of IOS, EOS and Junos against access lists that another program writes: Capirca makes them from random policies, and
its own checker says what becomes of a packet."""
import random
import subprocess

import pytest

from test_prove import ASK

aclcheck = pytest.importorskip("capirca.lib.aclcheck")
from capirca.lib import arista, cisco, juniper, naming, policy  # noqa: E402

HOSTS = {4: ["10.30.0.2", "10.30.0.3", "10.30.1.9", "10.20.0.11", "10.20.0.12", "10.50.0.101", "198.51.100.7"],
         6: ["fd00:30::2", "fd00:30::3", "fd00:20::11", "fd00:20::12", "fd00:50::101", "2001:db8::7"]}
NETS = {"PHONES": "10.30.0.0/23 fd00:30::/64", "SERVER": "10.20.0.11/32 fd00:20::11/128", "PAIR": "10.20.0.10/31 fd00:20::10/127",
        "DESK": "10.50.0.101/32 fd00:50::101/128", "TEN": "10.0.0.0/8 fd00::/8"}
PORTS = [22, 53, 123, 5060, 5061, 16384, 20000, 32767, 40000]
SERVICES = {"SSH": "22/tcp", "DNS": "53/udp 53/tcp", "NTP": "123/udp", "SIP": "5060-5061/tcp 5060-5061/udp",
            "MEDIA": "16384-32767/udp 16384-32767/tcp"}


def names():
    n = naming.Naming()
    n.ParseNetworkList([line for k, v in NETS.items() for line in [f"{k} = " + v.split()[0], "    " + v.split()[1]]])
    n.ParseServiceList([line for k, v in SERVICES.items() for line in
                        [f"{k} = " + v.split()[0], *("    " + x for x in v.split()[1:])]])
    return n


def term(r, i):
    proto = r.choice(["tcp", "udp", "tcp udp", ""])
    lines = [f"term t{i} {{"]
    if r.random() < 0.7:
        lines.append("source-address:: " + " ".join(r.sample(list(NETS), r.randint(1, 2))))
    if r.random() < 0.7:
        lines.append("destination-address:: " + " ".join(r.sample(list(NETS), r.randint(1, 2))))
    if proto:
        lines.append("protocol:: " + proto)
        fitting = [k for k, v in SERVICES.items() if all(p in v for p in proto.split())]
        if fitting and r.random() < 0.8:
            lines.append(r.choice(["source-port", "destination-port"]) + ":: " + r.choice(fitting))
        if proto == "tcp" and r.random() < 0.3:
            lines.append("option:: tcp-established")
    lines.append("action:: " + r.choice(["accept", "accept", "deny", "reject"]))
    return "\n ".join(lines) + " }\n"


BOUND = {"ios": "interface Vlan30\n ip access-group A in\n ipv6 traffic-filter A in\n",
         "eos": "interface Vlan30\n   ip access-group A in\n",
         "junos": "interfaces { irb { unit 30 { family inet { filter { input A; } } family inet6 { filter { input A; } } } } }\n"}
GENERATORS = [("ios", 4, "cisco A extended", cisco.Cisco), ("ios", 6, "cisco A inet6", cisco.Cisco), ("eos", 4, "arista A extended", arista.Arista),
              ("junos", 4, "juniper A inet", juniper.Juniper), ("junos", 6, "juniper A inet6", juniper.Juniper)]


def expected(parsed, src, dst, proto, sport, dport, answer):
    found = aclcheck.AclCheck(parsed, src, dst, str(sport), str(dport), proto)
    for m in found.Matches():
        if "tcp-est" not in m.possibles or (answer and proto == "tcp"):
            return "accept" if m.action == "accept" else "drop"
    return "drop"


@pytest.mark.parametrize("language,family,target,generator", GENERATORS)
def test_lists_of_another_generator(tmp_path, language, family, target, generator):
    r = random.Random(f"{language}{family}")
    definitions = names()
    for k in range(6):
        text = "header {\n target:: " + target + "\n}\n" + "".join(term(r, i) for i in range(r.randint(1, 8)))
        parsed = policy.ParsePolicy(text, definitions, shade_check=False)
        if "term" not in text:
            continue
        file = tmp_path / f"{k}.cfg"
        file.write_text(str(generator(policy.ParsePolicy(text, definitions, shade_check=False), 2)) + "\n" + BOUND[language].replace(
            *(("ipv6 traffic-filter A in\n", "!\n") if family == 4 else (" ip access-group A in\n", "")) if language == "ios" else
            ("family inet6 { filter { input A; } }", "") if language == "junos" and family == 4 else
            ("family inet { filter { input A; } }", "") if language == "junos" else ("", "")))
        packets = [(*r.sample(HOSTS[family], 2), r.choice(["tcp", "udp"]), r.choice(PORTS), r.choice(PORTS), r.random() < 0.5)
                   for _ in range(150)]
        lines = "".join(f"{'irb.30' if language == 'junos' else 'Vlan30'} out {s} {d} {6 if p == 'tcp' else 17} {a} {b} {1 if e else 0}\n"
                        for s, d, p, a, b, e in packets)
        done = subprocess.run([ASK, file, language], input=lines, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, (file.read_text(), done.stderr)
        for p, got in zip(packets, done.stdout.split(), strict=True):
            assert got == expected(parsed, *p), (p, text, file.read_text())
