#!/usr/bin/env python3
"""ringfort beside Debian's kamailio: server CPU per call and per registration, calls per second, memory, as ratios in
one run. See bench/README.md. Server on one core, load on the other; each measurement is repeated in turn (ringfort,
kamailio, ringfort, kamailio, ...) so that a drift of the machine hits both.

    bench/signaling/run.py BUILD-DIR [--rounds 3] [--quick] [--phones N] [--idle-phones N] [--json FILE] [--only NAME]
    bench/signaling/run.py BUILD-DIR --avalanche 20000
"""
import argparse
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile

from server import DOMAIN, Kamailio, Ringfort, die_with_parent

FIRST = 1001
LOAD_CORE = 1 if (os.cpu_count() or 1) > 1 else 0


def make_pki(directory, build):
    """A CA, a server certificate and one per phone for kamailio; made by openssl, EC P-256 leaves as ringfort's."""
    directory.mkdir()

    def openssl(*argv):
        subprocess.run(["openssl", *argv], check=True, capture_output=True, cwd=directory)

    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-nodes", "-keyout", "ca.key", "-out",
            "ca.pem", "-days", "30", "-subj", "/CN=bench CA")
    for name in ("server", "client"):
        (directory / "ext").write_text(f"subjectAltName=DNS:{DOMAIN},IP:127.0.0.1\n")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key", "-out",
                f"{name}.csr", "-subj", f"/CN={name}")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out",
                f"{name}.crt", "-days", "30", "-extfile", "ext")


def link_phones(directory, crt, key, numbers):
    for n in numbers:
        for ext, target in (("crt", crt(n)), ("key", key(n))):
            link = directory / f"{n}.{ext}"
            if not link.exists():
                link.symlink_to(target)


class Load:
    """One run of sipload, stopped at its marks."""

    def __init__(self, binary, server, via, mode, pki, **options):
        port = server.tls_port if via == "tls" else server.plain_port
        argv = ["nice", "-n", str(options.pop("nice", 0)), "taskset", "-c", str(LOAD_CORE), str(binary), "--server", f"127.0.0.1:{port}", "--via", via, "--mode", mode,
                "--domain", DOMAIN, "--pki", str(pki), "--step"]
        for key, value in {"first": FIRST, **options}.items():
            argv += [f"--{key.replace('_', '-')}"] + ([] if value is True else [str(value)])
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        preexec_fn=die_with_parent)

    def mark(self, want):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"sipload ended before '{want}'")
        got = json.loads(line)
        if got["at"] != want:
            raise RuntimeError(f"sipload said {got['at']}, not {want}")
        return got

    def go(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self):
        self.go()
        self.process.wait(60)


def busy(server, load):
    """CPU and outcome of the part between the marks 'ready' and 'done'."""
    load.mark("ready")
    before = server.cpu_us()
    load.go()
    done = load.mark("done")
    used = server.cpu_us() - before
    load.end()
    n = max(done["done"], 1)
    return {"cpu_us": used / n, "per_second": n / done["seconds"], "failed": done["failed"], "p50_us": done["p50_us"],
            "p99_us": done["p99_us"], "why": done["why"]}


def held(server, load, count):
    load.mark("ready")
    before = server.pss_kb()
    load.go()
    up = load.mark("held")
    after = server.pss_kb()
    load.go()
    load.mark("done")
    load.end()
    return {"kb_each": (after - before) / max(up["held"], 1), "failed": up["failed"], "why": up["why"], "count": count}


CONTACTS = 10


def idle(server, make_load, count):
    """Some phones first, so that what a server has once is not counted; then the others, each registered; then the
    others once more with more contacts each. Growth of the proportional set size per phone and per contact."""
    some = count // 4
    early = make_load(first=FIRST, phones=some)
    early.mark("ready")
    at = [server.pss_kb()]
    late = make_load(first=FIRST + some, phones=count - some, contacts=CONTACTS)
    late.mark("ready")
    at.append(server.pss_kb())
    late.go()
    late.mark("bound")
    at.append(server.pss_kb())
    late.go()
    done = late.mark("done")
    late.end()
    early.go()
    early.mark("done")
    early.end()
    return {"kb_each": (at[1] - at[0]) / (count - some), "failed": done["failed"], "why": done["why"],
            "mb_10k": (at[2] - at[1]) / ((CONTACTS - 1) * (count - some)) * 10000 / 1024, "count": count}


CALLERS, CALL_RATE = 20, 50


def avalanche(server, make_load, count):
    """All phones connect and register at once, twice: with full handshakes, then with the sessions they got. Calls are
    placed between others meanwhile."""
    calls = make_load("calls", first=FIRST, phones=CALLERS, rate=CALL_RATE, window=64,
                      count=CALL_RATE * max(4, 2 * count // 300))
    calls.mark("ready")
    crowd = make_load("avalanche", first=FIRST + CALLERS, phones=count - CALLERS, nice=10)
    crowd.mark("ready")
    calls.go()
    out = {"count": count - CALLERS}
    for wave in ("first", "again"):
        before = server.cpu_us()
        crowd.go()
        got = crowd.mark("in" if wave == "first" else "done")
        out[wave] = {**got, "cpu_us": (server.cpu_us() - before) / (count - CALLERS)}
    crowd.end()
    out["calls"] = calls.mark("done")
    calls.end()
    return out


def show_avalanche(results):
    for name, rows in results.items():
        for row in rows:
            for wave in ("first", "again"):
                w = row[wave]
                print(f"  {name:9} {wave}: {row['count']} phones, last 200 after {w['seconds']:.1f} s (half after "
                      f"{w['p50_us'] / 1e6:.1f}), {w['cpu_us']:.0f} us CPU each with the calls, {w['resumed']} of "
                      f"{w['handshakes']} handshakes resumed, {w['again']} came again"
                      + (f"  FAILED: {w['why']}" if w["failed"] else ""))
            c = row["calls"]
            print(f"  {name:9} calls meanwhile and after: {c['done']}, {c['failed']} failed, answered within p50 "
                  f"{c['p50_us'] / 1000:.1f} ms, p99 {c['p99_us'] / 1000:.1f} ms", flush=True)


def cases(a):
    """name, what is printed, unit, the function of (server, its password option or None)."""
    n = a.phones
    calls, regs = (2000, 5000) if a.quick else (20000, 40000)
    tls_calls, tls_regs = (1000, 3000) if a.quick else (10000, 30000)

    def load(server, via, mode, **more):
        options = {"phones": n, "window": min(n, 24), "seconds": 300, **more}
        if via == "udp" or more.get("password"):
            options["password"] = "secret-"
        return Load(a.sipload, server, via, mode, server.phone_pki, **options)

    def measured(via, mode, count, **more):
        return lambda server: busy(server, load(server, via, mode, count=count, **more))

    def memory(via, mode, count, **more):
        return lambda server: held(server, load(server, via, mode, count=count, window=count, **more), count)

    def idle_phones(server):
        def make_load(**options):
            return Load(a.sipload, server, "tls", "idle", server.idle_pki, window=min(a.idle_phones // 4, 24),
                        seconds=600, password="secret-", **options)
        return idle(server, make_load, a.idle_phones)

    def storm(server):
        def make_load(mode, **options):
            return Load(a.sipload, server, "tls", mode, server.idle_pki, seconds=600, password="secret-", **options)
        return avalanche(server, make_load, a.avalanche)

    if a.avalanche:
        return [("avalanche", "phones that come back over TLS all at once", "avalanche", storm)]
    return [
        ("register-udp", "CPU of a UDP registration with digest (401 and 200)", "cpu_us", measured("udp", "register", regs)),
        ("register-udp-200", "the same with 200 at once instead of 24", "cpu_us",
         measured("udp", "register", regs, window=min(n, 200), sockets=64)),
        ("register-tls", "CPU of a TLS registration with digest and certificate", "cpu_us",
         measured("tls", "register", tls_regs, password="secret-")),
        ("call-udp", "CPU of a UDP call with digest", "cpu_us", measured("udp", "calls", calls)),
        ("call-tcp", "CPU of a TCP call with digest", "cpu_us", measured("tcp", "calls", tls_calls, password="secret-")),
        ("call-tls", "CPU of a TLS call with digest and certificates", "cpu_us",
         measured("tls", "calls", tls_calls, password="secret-")),
        ("held-calls", "memory of a held call (UDP)", "kb_each", memory("udp", "hold", 1000)),
        ("idle-tls", "memory of an idle TLS phone, registered", "kb_each", idle_phones),
    ]


def median(rows, key):
    values = sorted(r[key] for r in rows)
    return statistics.median(values), values[0], values[-1]


def show(name, text, unit, results):
    """One line a server and the ratio, with the spread."""
    label = {"cpu_us": "us", "kb_each": "KiB"}[unit]
    mid = {}
    for server, rows in results.items():
        mid[server], low, high = median(rows, unit)
        extra = ""
        if unit == "cpu_us":
            extra = f", {median(rows, 'per_second')[0]:.0f}/s, first answer p50 {median(rows, 'p50_us')[0]:.0f} us" \
                    f" p99 {median(rows, 'p99_us')[0]:.0f} us"
        failed = sum(r["failed"] for r in rows)
        bad = f"  FAILED {failed}: {next(r['why'] for r in rows if r['failed'])}" if failed else ""
        print(f"  {server:9} {mid[server]:8.1f} {label} ({low:.1f}..{high:.1f}){extra}{bad}")
        if "mb_10k" in rows[0]:
            bindings, low, high = median(rows, "mb_10k")
            print(f"  {server:9} {bindings:8.1f} MiB ({low:.1f}..{high:.1f}) for 10,000 contacts, {CONTACTS} a number")
    if mid.get("kamailio"):
        print(f"  ratio     {mid['ringfort'] / mid['kamailio']:8.2f}   ringfort / kamailio", flush=True)


def prepare(ring):
    """A site with its phones and users, once."""
    if ring.site.exists():
        return
    print(f"  making a site with {ring.phones} phones{' and users' if ring.users else ''}", flush=True)
    ring.make_site()
    pki = ring.work / "ring-pki"
    pki.mkdir()
    (pki / "ca.pem").symlink_to(ring.site / "pki" / "ca.pem")
    link_phones(pki, lambda n: ring.site / "pki" / "phones" / f"p{n}" / "cert.pem",
                lambda n: ring.site / "pki" / "phones" / f"p{n}" / "key.pem", range(ring.first, ring.first + ring.phones))
    ring.phone_pki = ring.idle_pki = pki


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("build", type=pathlib.Path)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--phones", type=int, default=400)
    p.add_argument("--idle-phones", type=int, default=1000, help="for idle-tls; their certificates take a while")
    p.add_argument("--avalanche", type=int, default=0, metavar="N", help="only this: N phones come back at once; their "
                   "certificates take a while, and each needs a descriptor (ulimit -n)")
    p.add_argument("--quick", action="store_true")
    p.add_argument("--only", action="append", default=[])
    p.add_argument("--json", type=pathlib.Path)
    a = p.parse_args()
    a.idle_phones = a.avalanche or a.idle_phones
    a.sipload = a.build.resolve() / "bench" / "sipload"
    if a.quick and not a.avalanche:
        a.idle_phones = min(a.idle_phones, a.phones)
    if not shutil.which("kamailio"):
        sys.exit("kamailio is not installed: apt-get install kamailio kamailio-tls-modules")
    out = {"machine": f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}", "rounds": a.rounds,
           "cases": {}}
    with tempfile.TemporaryDirectory(prefix="ringfort-bench-") as tmp:
        tmp = pathlib.Path(tmp)
        numbers = range(FIRST, FIRST + max(a.phones, a.idle_phones))
        pki = tmp / "pki"
        make_pki(pki, a.build)
        link_phones(pki, lambda n: pki / "client.crt", lambda n: pki / "client.key", numbers)
        ring = Ringfort(tmp, 15060, 15061, 0, binary=a.build.resolve() / "src" / "ringfort", first=FIRST, phones=a.phones)
        (tmp / "idle").mkdir()
        many = Ringfort(tmp / "idle", 15060, 15061, 0, binary=ring.binary, first=FIRST, phones=a.idle_phones, users=False)
        kam = Kamailio(tmp, 25060, 25061, 0, pki=pki)
        kam.phone_pki = kam.idle_pki = pki
        for name, text, unit, run in cases(a):
            if a.only and name not in a.only:
                continue
            print(f"{name}: {text}", flush=True)
            if unit == "kb_each" and os.geteuid() != 0:
                print("  left out: only root may read the memory of ringfort's processes", flush=True)
                continue
            mine = many if name in ("idle-tls", "avalanche") else ring
            prepare(mine)
            results = {"ringfort": [], "kamailio": []}
            for _ in range(a.rounds):
                for server in (mine, kam):
                    server.start()
                    try:
                        results[server.name].append(run(server))
                    finally:
                        server.stop()
            if unit == "avalanche":
                show_avalanche(results)
            else:
                show(name, text, unit, results)
            out["cases"][name] = results
    if a.json:
        a.json.write_text(json.dumps(out, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
