#!/usr/bin/python3
"""How many pinholes a second a wall opens, through its TLS front and in the kernel; and how long it loads rules.

    bench/wall/pinholes.py [--count 29952] [--rules 5000]

Makes the house of tests/system/house.py (namespaces; root only), one connection of a border with 32 requests on the way, and
counts what was answered `ok`, which means: in the kernel. The client's own time is on the same machine."""
import argparse
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "system"))

import lab              # noqa: E402

ON_THE_WAY = 32


def tuples(count):
    """count 5-tuples that the site permits, each once."""
    n = 0
    for sport in range(16384, 32768):
        for dport in range(1024, 65536, 61):
            yield f"udp/10.60.0.12/{sport}/198.51.100.7/{dport}"
            n += 1
            if n == count:
                return


def cpu(pids):
    """Seconds of processor that these processes have used."""
    tick = os.sysconf("SC_CLK_TCK")
    total = {}
    for name, pid in pids.items():
        f = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total[name] = (int(f[11]) + int(f[12])) / tick
    return total


def run(client, verb, lines):
    """Send all lines, keep at most ON_THE_WAY of them without answer; the seconds."""
    begun, bad, sent = time.monotonic(), 0, 0
    for i in range(len(lines)):
        if sent < len(lines) and sent - i < ON_THE_WAY // 2:
            client.send("".join(lines[sent:i + ON_THE_WAY]))
            sent = min(i + ON_THE_WAY, len(lines))
        bad += not client.file.readline().endswith(b" ok\n")
    seconds = time.monotonic() - begun
    assert not bad, f"{verb}: {bad} were refused"
    return seconds


def measure(house, per_line, count):
    client = house.client()
    client.s.settimeout(30)
    pids = {k: v for k, v in house.pids().items() if v}
    all_of = list(tuples(count))
    groups = [" ".join(all_of[i:i + per_line]) for i in range(0, count, per_line)]
    for verb, words in (("open", "open 600"), ("refresh", "refresh 600"), ("close", "close")):
        before, own = cpu(pids), resource.getrusage(resource.RUSAGE_SELF)
        lines = [f"{i} {words} {g}\n" for i, g in enumerate(groups)]
        seconds = run(client, verb, lines)
        after, mine = cpu(pids), resource.getrusage(resource.RUSAGE_SELF)
        there = house.rt.run("nft", "list", "set", "inet", "ringfort", "pinholes4").count("timeout ")
        assert there == (0 if verb == "close" else count), f"{there} in the kernel"
        used = {k: after[k] - before[k] for k in pids}
        client_s = mine.ru_utime + mine.ru_stime - own.ru_utime - own.ru_stime
        print(f"{verb:8} {per_line:3} a line: {count / seconds:9.0f} a second; processor seconds: front {used['front']:.2f}, "
              f"hand and kernel {used['hand']:.2f}, client {client_s:.2f}, of {seconds:.2f}; "
              f"{count / (used['front'] + used['hand']):.0f} a second of one core", flush=True)
    client.close()


def one_at_a_time(house, count):
    """A request, its answer, the next request: how long a call waits."""
    client = house.client()
    waits = []
    for i, t in enumerate(tuples(count)):
        begun = time.monotonic()
        client.send(f"{i} open 600 {t}\n")
        assert client.file.readline().endswith(b" ok\n")
        waits.append(time.monotonic() - begun)
    waits.sort()
    print(f"one at a time: {count / sum(waits):.0f} a second; an answer takes {waits[count // 2] * 1e6:.0f} us, 99 % of them "
          f"at most {waits[count * 99 // 100] * 1e6:.0f} us")
    client.close()


def load(house, rules):
    """A set of rules of that size, as the hand loads it: nft -f, one transaction."""
    text = (house.folder / "bundle/routers/rt/ringfort.nft").read_text()
    more = "".join(f"\t\tip saddr 10.30.{i >> 8 & 255}.{i & 255} ip daddr 10.20.0.11 tcp dport {1024 + i} ct state new "
                   f"counter accept comment \"rule-{i}\"\n" for i in range(rules))
    at = text.index("\tchain forward {")
    line = text.index("\n", text.index("hook forward", at)) + 1
    text = text[:line] + more + text[line:]
    path = house.folder / "large.nft"
    path.write_text(text)
    times = []
    for _ in range(5):
        begun = time.monotonic()
        subprocess.run(house.rt.argv("nft", "-f", str(path)), check=True)
        times.append(time.monotonic() - begun)
    print(f"nft -f of {rules} rules more: {min(times) * 1000:.0f} ms at best, {max(times) * 1000:.0f} ms at worst of five "
          f"(12 ms of each enter the namespace)")


def apply(house):
    begun = time.monotonic()
    house.ok("apply", house.folder / "bundle")
    print(f"apply, with proof, of {len(house.rules().splitlines())} lines: {(time.monotonic() - begun) * 1000:.0f} ms")
    house.ok("confirm")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--count", type=int, default=29952)
    p.add_argument("--rules", type=int, default=5000)
    args = p.parse_args()
    lab.phones.own_namespace(pids=False)
    from house import House
    house = House(tempfile.mkdtemp(prefix="rf-wall-"))
    try:
        house.compile()
        house.start()
        apply(house)
        for per_line in (1, 2, 16, 64):
            measure(house, per_line, args.count)
        one_at_a_time(house, 5000)
        load(house, args.rules)
    finally:
        house.close()


if __name__ == "__main__":
    main()
