#!/usr/bin/env python3
"""Three times as many calls inside the site as the controller can place: what becomes of them, of calls to the outside, of
emergency calls, and of calls that were up before. See bench/README.md.

    bench/signaling/overload.py BUILD-DIR [--times 3] [--seconds 10] [--only udp|tls] [--share 30]

First the capacity: 24 calls at a time, one after the other. Then that many calls a second times --times, each said once
its time has come, whatever became of those before. --share holds the server to so much of its core (control groups, v1),
where the load cannot say as much in a core of its own as is too much for the whole of the server's."""
import argparse
import collections
import datetime
import json
import os
import pathlib
import sys
import tempfile
import time

import flood
from flood import Carrier, Flooded, carrier_pki
from run import FIRST, Load, link_phones

GROUP = 40          # phones of a kind of those that go on meanwhile
SURGE = 400         # phones that are too many; over TLS each has a connection
HELD = 50
RATE = {"emergency": 20, "emergency-udp": 20, "external": 50}
CLASSES = """\
classes:
  all: { grants: [internal, local, national, service] }
class: all
"""


class Share:
    """A control group that has so many percent of a processor, by pieces of 10 ms; none: 0."""

    def __init__(self, percent):
        self.folder = pathlib.Path(f"/sys/fs/cgroup/cpu/ringfort-bench-{os.getpid()}") if percent else None
        self.percent = percent

    def __enter__(self):
        if self.folder:
            self.folder.mkdir()
            (self.folder / "cpu.cfs_period_us").write_text("10000")
            (self.folder / "cpu.cfs_quota_us").write_text(str(self.percent * 100))
        return self

    def hold(self, pids):
        for pid in pids if self.folder else ():
            (self.folder / "cgroup.procs").write_text(str(pid))

    def __exit__(self, *_):
        if self.folder:
            self.folder.rmdir()


class Overloaded(Flooded):
    def limits(self):
        """One address plays all phones; the bounds of load are as they are without a word."""
        return ("  calls: 100000\n  calls_per_number: 1000\n  connections_per_source: 1000\n  handshakes_per_second: 1000\n"
                "  messages_per_second: 1000000\n  requests_per_second: 1000000\n")

    def site_text(self):
        return super().site_text() + CLASSES


def password(server):
    return {"password": "secret-"} if server.users else {}


def loads_beside(a, server):
    """Those that go on meanwhile: calls that are up, emergency calls over TLS and UDP, calls to the outside."""
    def load(mode, i, via, **options):
        return Load(a.sipload, server, via, mode, server.phone_pki, first=FIRST + i * GROUP, phones=GROUP,
                    seconds=a.seconds + 60, nice=-5, **password(server), **options)

    def steady(i, kind, via, to, **options):
        return load("calls", i, via, to=to, rate=RATE[kind], count=RATE[kind] * a.seconds, window=1000, **options)

    out = {"up before": load("hold", 1, "tls", count=HELD, window=HELD),
           "emergency (TLS)": steady(2, "emergency", "tls", "112"),
           "to the outside (TLS)": steady(4, "external", "tls", "0301234567", may_refuse=True)}
    if server.level == "minimum":
        out["emergency (UDP)"] = steady(3, "emergency-udp", "udp", "112")
    return out


def surge(a, server, via, **options):
    """Those behind the groups call each other."""
    return Load(a.sipload, server, via, "calls", server.phone_pki, first=FIRST + 5 * GROUP, phones=SURGE, sockets=GROUP,
                keep_login=True, seconds=a.seconds + 60, **password(server), **options)


def udp_sockets(port):
    """What the kernel threw away for want of room, of each socket of this port."""
    rows = [line.split() for line in pathlib.Path("/proc/net/udp").read_text().splitlines()[1:]]
    return [int(row[-1]) for row in rows if int(row[1].rsplit(":", 1)[1], 16) == port]


def one(a, server, via, share):
    server.start()
    share.hold(server.pids())
    try:
        time.sleep(1.5)     # the carrier's health is asked
        full = surge(a, server, via, count=20000 if via == "udp" else 8000, window=24)
        full.mark("ready")
        full.go()
        most = full.mark("done")
        full.end()
        capacity = most["done"] / most["seconds"]
        server.stop()
        server.start()
        share.hold(server.pids())
        time.sleep(1.5)
        beside = loads_beside(a, server)
        for name, load in beside.items():
            load.mark("ready")
        beside["up before"].go()
        up = beside["up before"].mark("held")
        rate = int(capacity * a.times)
        much = surge(a, server, via, rate=rate, count=rate * a.seconds, window=60000, may_refuse=True)
        much.mark("ready")
        before, began = server.cpu_us(), time.monotonic()
        much.go()
        time.sleep(1)
        for name, load in beside.items():
            if name != "up before":
                load.go()
        got = much.mark("done")
        cpu = (server.cpu_us() - before) / 1e6 / (time.monotonic() - began)
        results = {name: load.mark("done") for name, load in beside.items() if name != "up before"}
        beside["up before"].go()
        results["up before"] = beside["up before"].mark("done")
        sockets = udp_sockets(server.plain_port)
        results["up before"]["done"] = up["held"]
        for load in (much, *beside.values()):
            load.end()
        events = server.command("ledger", "show", "--kind", "overload", "--json").splitlines()
        kinds = collections.Counter(json.loads(line).get("kind") for line in server.command("ledger", "show", "--json").splitlines())
        return {"capacity": capacity, "rate": rate, "asked_s": a.seconds, "surge": got, "cpu": cpu, "beside": results,
                "overload": [json.loads(line) for line in events], "kinds": kinds,
                "sockets": sockets}
    finally:
        server.stop()


def say(name, r, note=""):
    print(f"  {name:22} {r['done']} calls{note}, {r['refused']} refused (503, Retry-After), {r['failed']} failed"
          f"{': ' + r['why'] if r['failed'] else ''}; first answer p50 {r['p50_us'] / 1000:.1f} ms, p99 {r['p99_us'] / 1000:.1f} ms, "
          f"most {r['max_us'] / 1000:.1f} ms; {r['repeats']} repeats", flush=True)


def show(via, got):
    s = got["surge"]
    offered = s["done"] / s["seconds"]
    print(f"{via}: {got['capacity']:.0f} calls a second is what it can; {got['rate']} a second asked of the load, {offered:.0f} "
          f"a second ended in {s['seconds']:.1f} s; server {got['cpu'] * 100:.0f} % of a core")
    say("inside (" + via.upper() + ")", s, f" ({(s['done'] - s['refused'] - s['failed']) / got['asked_s']:.0f} a second placed)")
    for name, r in got["beside"].items():
        say(name, r)
    if got["overload"]:
        e = got["overload"][0]
        print(f"  on record: {e.get('kind')}: " + ", ".join(f"{k[:-9]} {v}" for k, v in e.items() if k.endswith("_permille")), flush=True)
    print(f"  events: {dict(got['kinds'])}; datagrams lost for want of room: {sum(got['sockets'])}", flush=True)
    return sum(r["failed"] for r in got["beside"].values())


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("build", type=pathlib.Path)
    p.add_argument("--times", type=float, default=3)
    p.add_argument("--seconds", type=int, default=10)
    p.add_argument("--share", type=int, default=0, metavar="PERCENT", help="of a core, that the server has")
    p.add_argument("--only", choices=("udp", "tls"))
    p.add_argument("--json", type=pathlib.Path)
    a = p.parse_args()
    a.sipload = a.build.resolve() / "bench" / "sipload"
    flood.GROUP = GROUP
    bad, out = 0, {"at": datetime.datetime.now().isoformat(timespec="seconds")}
    with tempfile.TemporaryDirectory(prefix="ringfort-overload-") as tmp:
        tmp = pathlib.Path(tmp)
        carrier_pki(tmp / "carrier")
        carrier = Carrier(tmp / "carrier")
        for via, level in (("udp", "minimum"), ("tls", "medium")):
            if a.only not in (None, via):
                continue
            (tmp / via).mkdir()
            server = Overloaded(tmp / via, flood.PLAIN_PORT, flood.TLS_PORT, 0, binary=a.build.resolve() / "src" / "ringfort",
                                first=FIRST, phones=5 * GROUP + SURGE, level=level, carrier_ca=tmp / "carrier" / "ca.pem")
            server.make_site()
            server.phone_pki = tmp / via / "pki"
            server.phone_pki.mkdir()
            (server.phone_pki / "ca.pem").symlink_to(server.site / "pki" / "ca.pem")
            link_phones(server.phone_pki, lambda n: server.site / "pki" / "phones" / f"p{n}" / "cert.pem",
                        lambda n: server.site / "pki" / "phones" / f"p{n}" / "key.pem", range(FIRST, FIRST + server.phones))
            with Share(a.share) as share:
                out[via] = one(a, server, via, share)
            bad += show(via, out[via])
        assert carrier.calls, "the carrier saw no call"
    if a.json:
        a.json.write_text(json.dumps(out, indent=1))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
