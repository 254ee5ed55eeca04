#!/usr/bin/env python3
"""How long does `ringfort prove` take for a site of 12 zones whose router has 5,000 rules?

The site's own compiled rules, and beside each rule that accepts others that accept a part of it (one source, one port), so
that all of them matter and the whole is still right: nothing of it can be skipped. A second run has one more rule, which opens
too much, and must find it.

    bench/prove/prove.py build/src/ringfort [--rules 5000]
"""
import argparse
import copy
import ipaddress
import json
import pathlib
import random
import subprocess
import tempfile

ZONES = {"server": 20, "database": 21, "phone": 30, "phone-b": 31, "phone-c": 32, "phone-d": 33, "gateway": 40, "admin": 50,
         "border": 60, "converged": 70, "data": 80}
KINDS = {"database": "server", "phone-b": "phone", "phone-c": "phone", "phone-d": "phone"}


def site(folder):
    lines = ["site: bench", "domain: voice.example.org", "level: medium", "zones:"]
    for name, vlan in ZONES.items():
        kind = f"kind: {KINDS[name]}, " if name in KINDS else ""
        lines.append(f"  {name}: {{ {kind}vlan: {vlan}, subnet: 10.{vlan}.0.0/22, subnet6: '2001:db8:0:{vlan}::/64' }}")
    lines += ["  internet: {}", "hosts:"]
    hosts = [("ctl-a", "server", 20, "roles: [controller, provision]"), ("ctl-b", "server", 20, "roles: [controller, provision], standby_for: ctl-a"),
             ("svc-a", "server", 20, "services: [dhcp, dns, ntp]"), ("db-a", "database", 21, "services: [database, cache]"),
             ("gw-a", "gateway", 40, "roles: gateway"), ("edge-a", "border", 60, "roles: [border, relay]"),
             ("vm-a", "converged", 70, "roles: voicemail"), ("con-a", "admin", 50, "roles: console"),
             ("log-a", "admin", 50, "services: log"), ("desk-a", "admin", 50, "services: workstation")]
    for n, (name, zone, vlan, what) in enumerate(hosts, 11):
        lines.append(f"  - {{ name: {name}, zone: {zone}, address: 10.{vlan}.0.{n}, address6: '2001:db8:0:{vlan}::{n}', {what} }}")
    lines += ["routers:", "  - name: core", "    interfaces:"]
    lines += [f"      - {{ zone: {zone} }}" for zone in ZONES] + ["      - { zone: internet, name: eth0, address: 192.0.2.2 }"]
    (folder / "site.yaml").write_text("\n".join(lines) + "\n")


def listing(ringfort, folder):
    subprocess.run([ringfort, "-C", folder, "compile", "-o", folder / "rules", "--unsigned"], check=True, capture_output=True)
    text = (folder / "rules/routers/core/ringfort.nft").read_text()
    out = subprocess.run(["unshare", "-n", "sh", "-c", "nft -f - && nft -j list ruleset"], input=text, capture_output=True,
                         text=True, check=True)
    return json.loads(out.stdout)


def address(rng, rule, field):
    """One address that the rule could see there."""
    for e in rule["expr"]:
        left = e.get("match", {}).get("left", {}).get("payload", {})
        if left.get("protocol") == "ip" and left.get("field") == field and e["match"]["op"] == "==":
            right = e["match"]["right"]
            right = rng.choice(right["set"]) if isinstance(right, dict) and "set" in right else right
            if isinstance(right, dict) and "prefix" in right:
                net = ipaddress.ip_network(f"{right['prefix']['addr']}/{right['prefix']['len']}")
                return str(net[rng.randrange(1, net.num_addresses - 1)])
            return right if isinstance(right, str) else None
    return None


def part_of(rng, rule):
    """A rule that accepts some of what this one does; None when it has no addresses of IPv4."""
    source = address(rng, rule, "saddr")
    if source is None:
        return None
    part = copy.deepcopy(rule)
    port = {"match": {"op": "==", "left": {"payload": {"protocol": "th", "field": "sport"}}, "right": rng.randrange(1024, 65536)}}
    only = {"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": source}}
    part["expr"] = [only, port] + part["expr"] if rng.random() < 0.5 else [only] + part["expr"]
    return part


def grow(listed, wanted, rng):
    items = listed["nftables"]
    rules = [i for i in items if "rule" in i]
    accepting = [i for i in rules if {"accept": None} in i["rule"]["expr"] and "forward/" in i["rule"]["chain"]]
    more, n = {}, len(rules)
    while n < wanted:
        item = rng.choice(accepting)
        part = part_of(rng, item["rule"])
        if part is not None:
            part["handle"] = 100000 + n
            more.setdefault(id(item), []).append({"rule": part})
            n += 1
    out = []
    for item in items:
        out += more.get(id(item), [])
        out.append(item)
    return {"nftables": out}, n


def prove(ringfort, folder, rules):
    (folder / "rules.json").write_text(json.dumps(rules))
    out = subprocess.run(["/usr/bin/time", "-f", "%e %M", ringfort, "-C", folder, "prove", "--rules", folder / "rules.json", "--json"],
                         capture_output=True, text=True)
    seconds, kib = out.stderr.strip().splitlines()[-1].split()
    return json.loads(out.stdout), float(seconds), int(kib)


def main():
    ask = argparse.ArgumentParser()
    ask.add_argument("ringfort")
    ask.add_argument("--rules", type=int, default=5000)
    ask.add_argument("--runs", type=int, default=5)
    a = ask.parse_args()
    ringfort = str(pathlib.Path(a.ringfort).resolve())
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        site(folder)
        rules, n = grow(listing(ringfort, folder), a.rules, random.Random(1))
        runs = [prove(ringfort, folder, rules) for _ in range(a.runs)]
        answer = runs[0][0]
        print(f"{n} rules, {answer['flows']} flows, {answer['pairs']} pairs of zones: "
              f"{'proven' if answer['proven'] else 'not proven'}, {len(answer['never_match'])} never match")
        print("whole command, s: " + " ".join(f"{s:.2f}" for _, s, _ in runs) + f"; sets alone {answer['seconds']:.2f};"
              f" memory {max(k for _, _, k in runs) // 1024} MiB")
        chain = "forward/phone/server"
        hole = {"rule": {"family": "inet", "table": "ringfort", "chain": chain, "handle": 1, "expr": [
            {"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": "10.30.1.7"}},
            {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 5432}}, {"accept": None}]}}
        at = next(i for i, x in enumerate(rules["nftables"]) if x.get("rule", {}).get("chain") == chain)
        rules["nftables"].insert(at, hole)
        answer, seconds, _ = prove(ringfort, folder, rules)
        print(f"with a hole: {seconds:.2f} s, {[c['packet']['text'] for c in answer['counterexamples']]}")


if __name__ == "__main__":
    main()
