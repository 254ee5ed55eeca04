#!/usr/bin/env python3
"""ringfort beside Debian's kamailio: server CPU per call and per registration, calls per second, memory, as ratios in
one run. See bench/README.md. Server on one core, load on the other; each measurement is repeated in turn (ringfort,
kamailio, ringfort, kamailio, ...) so that a drift of the machine hits both.

    bench/signaling/run.py BUILD-DIR [--rounds 3] [--quick] [--phones N] [--idle-phones N] [--json FILE] [--only NAME]
    bench/signaling/run.py BUILD-DIR --avalanche 20000
    bench/signaling/run.py BUILD-DIR --soak 5000000
"""
import argparse
import contextlib
import json
import os
import pathlib
import platform
import resource
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from server import DOMAIN, Kamailio, Ringfort, die_with_parent

FIRST = 1001
LOAD_CORE = 1 if (os.cpu_count() or 1) > 1 else 0


def make_pki(directory, build):
    """A CA, a server certificate and one per phone for kamailio; made by openssl, EC P-256 leaves as ringfort's."""
    if directory.exists():
        return
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
        argv = ["nice", "-n", str(options.pop("nice", 0)), "taskset", "-c", str(options.pop("core", LOAD_CORE)), str(binary), "--server", f"127.0.0.1:{port}", "--via", via, "--mode", mode,
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


def half_load(server, make_load, seconds, gone):
    """What 24 calls at a time reach, then half as many a second, one after the other as they come: time from the INVITE
    that was let in to its first 18x or 2xx, both halves of the load client and the loopback included. gone: each number
    has the contact of the load client before, too, where nobody is any more."""
    most = busy(server, make_load(count=4000, window=24))
    if not gone:
        server.stop()
        server.start()
    rate = max(int(most["per_second"] / 2), 1)
    got = busy(server, make_load(count=rate * seconds, window=256, rate=rate))
    return {**got, "rate": rate, "failed": got["failed"] + most["failed"], "why": got["why"] or most["why"]}


WORKERS = (("one", 1, "0", "1 worker on a core"), ("shared", 2, "0", "2 workers on that core"),
           ("two", 2, "0,1", "2 workers on both cores, the load on one of them"))


EVEN_RATE = 2500


def even(server, make_load, n):
    """n workers, each on a core of its own with a load client of its own beside it and the same calls a second: processor
    time of the workers' threads a call. The load's phones are heard by whichever worker the kernel takes."""
    server.stop()
    server.set_workers(n, ",".join(map(str, range(n))))
    server.start()
    phones = 100 // 2
    loads = [make_load(core=i, first=FIRST + i * phones, phones=phones, sockets=32, rate=EVEN_RATE, count=3 * EVEN_RATE, window=256)
             for i in range(n)]
    for load in loads:
        load.mark("ready")
    server.pin_workers(range(n))
    before = server.workers_us()
    for load in loads:
        load.go()
    done = [load.mark("done") for load in loads]
    used = server.workers_us() - before
    for load in loads:
        load.end()
    total = sum(d["done"] for d in done)
    return {"cpu_us": used / max(total, 1), "per_second": sum(d["done"] / d["seconds"] for d in done),
            "failed": sum(d["failed"] for d in done), "why": next((d["why"] for d in done if d["why"]), "")}


def workers(server, make_load):
    """The same calls with one worker, with two on the same core, and with two on both. There is no third core for the load, so
    what two workers could do is told by what the second costs: twice what two do on one core. And what a call costs a worker
    when each of one or two has a core and the same calls a second."""
    out = {"failed": 0, "why": ""}
    for key, n in (("even1", 1), ("even2", 2)):
        out[key] = even(server, make_load, n)
        out["failed"] += out[key]["failed"]
        out["why"] = out["why"] or out[key]["why"]
    out["even_scale"] = 2 * out["even1"]["cpu_us"] / out["even2"]["cpu_us"]
    for key, n, cores, _ in WORKERS:
        server.stop()
        server.set_workers(n, cores)
        server.start()
        out[key] = busy(server, make_load())
        out["failed"] += out[key]["failed"]
        out["why"] = out["why"] or out[key]["why"]
    server.stop()
    server.set_workers(1, "0")
    server.start()
    out["scale"] = 2 * out["one"]["cpu_us"] / out["shared"]["cpu_us"]
    out["rate_scale"] = 2 * out["shared"]["per_second"] / out["one"]["per_second"]
    out["beside"] = out["two"]["per_second"] / out["one"]["per_second"]
    return out


def show_workers(results):
    for name, rows in results.items():
        for key, _, _, text in WORKERS + (("even1", 1, "", f"1 worker, {EVEN_RATE} calls a second, its load beside it"),
                                          ("even2", 2, "", "2 workers on a core each, as many each, a load beside each")):
            cpu, least, most = median([r[key] for r in rows], "cpu_us")
            rate, low, high = median([r[key] for r in rows], "per_second")
            print(f"  {name:9} {text}: {cpu:.1f} us a call ({least:.1f}..{most:.1f}), {rate:.0f} calls a second ({low:.0f}..{high:.0f})")
        for key, text in (("even_scale", "by processor time a call of the workers, a core each"), ("scale", "by processor time a call"), ("rate_scale", "by calls a second on one core"),
                          ("beside", "measured, the load having one of the two cores too")):
            print("  {:9} two workers to one, {}: {:.2f} ({:.2f}..{:.2f})".format(name, text, *median(rows, key)))
        if any(r["failed"] for r in rows):
            print(f"  FAILED: {next(r['why'] for r in rows if r['failed'])}", flush=True)


SAMPLE_S = 2


def soak(server, make_load, transactions, rates):
    """Calls and registrations side by side until that many transactions are done (three a call: INVITE and its 407, INVITE,
    BYE; two a registration). Memory is looked at every two seconds; it is flat when the last quarter of the samples lies
    no more than 2 percent and 2 MiB above the second quarter. The first is the filling of tables."""
    calls_s, registrations_s = rates
    seconds = transactions / (3 * calls_s + 2 * registrations_s)
    calls = make_load("calls", first=FIRST, phones=CALLERS * 2, rate=calls_s, count=int(seconds * calls_s), window=2000)
    calls.mark("ready")
    regs = make_load("register", first=FIRST + CALLERS * 2, rate=registrations_s, count=int(seconds * registrations_s))
    regs.mark("ready")
    samples, before, began = [], server.cpu_us(), time.monotonic()
    for load in (calls, regs):
        load.go()
    ends = [calls, regs]
    results = {}
    while ends:
        readable = select.select([e.process.stdout for e in ends], [], [], SAMPLE_S)[0]
        samples.append((time.monotonic() - began, server.pss_kb()))
        for e in [e for e in ends if e.process.stdout in readable]:
            results["calls" if e is calls else "registrations"] = e.mark("done")
            ends.remove(e)
    took = time.monotonic() - began
    cpu = server.cpu_us() - before
    calls.end()
    regs.end()
    quarter = len(samples) // 4
    second, last = (statistics.mean(kb for _, kb in part) for part in (samples[quarter:2 * quarter], samples[-quarter - 1:-1]))
    done = 3 * results["calls"]["done"] + 2 * results["registrations"]["done"]
    return {"seconds": took, "transactions": done, "cpu_percent": cpu / took / 1e4, "samples": samples, "second": second, "last": last,
            "flat": last - second <= max(second * 0.02, 2048), "results": results,
            "failed": sum(r["failed"] for r in results.values())}


def show_soak(results):
    flat = True
    for name, rows in results.items():
        for r in rows:
            c, g = r["results"]["calls"], r["results"]["registrations"]
            print(f"  {name:9} {r['transactions']} transactions in {r['seconds']:.0f} s ({c['done']} calls, {c['failed']} failed, "
                  f"{g['done']} registrations, {g['failed']} failed), {r['cpu_percent']:.0f} % of a core")
            for part, load in (("calls", c), ("registrations", g)):
                print(f"  {name:9} {part}: answered within p50 {load['p50_us']} us, p99 {load['p99_us']} us, {load['repeats']} repeats"
                      + (f"  FAILED: {load['why']}" if load["failed"] else ""))
            step = max(1, len(r["samples"]) // 10)
            print(f"  {name:9} MiB after seconds: "
                  + ", ".join(f"{kb / 1024:.1f} ({t:.0f})" for t, kb in r["samples"][::step]))
            print(f"  {name:9} memory: second quarter {r['second'] / 1024:.1f} MiB, last {r['last'] / 1024:.1f} MiB: "
                  + ("flat" if r["flat"] else "GROWS"), flush=True)
            flat = flat and r["flat"] and not r["failed"]
    return flat


CALLERS, CALL_RATE = 20, 50


WAVES = (("first", "in"), ("again", "again"), ("restarted", "done"))


def avalanche(server, make_load, count):
    """All phones connect and register at once, three times: with full handshakes; with the sessions they got, when only
    their connections broke; and when the server was killed and started anew. Calls are placed between others meanwhile."""
    crowd = make_load("avalanche", first=FIRST + CALLERS, phones=count - CALLERS, nice=10, own_address=True)
    crowd.mark("ready")
    out = {"count": count - CALLERS}
    for wave, mark in WAVES:
        if wave == "restarted":
            server.kill()
            server.start(fresh=False)
        calls = make_load("calls", first=FIRST, phones=CALLERS, rate=CALL_RATE, window=64,
                          count=CALL_RATE * max(4, count // 600))
        calls.mark("ready")
        calls.go()
        before = server.cpu_us()
        crowd.go()
        got = crowd.mark(mark)
        out[wave] = {**got, "cpu_us": (server.cpu_us() - before) / (count - CALLERS), "pss_mb": server.pss_kb() / 1024}
        out[wave]["calls"] = calls.mark("done")
        calls.end()
    crowd.end()
    return out


def show_avalanche(results):
    for name, rows in results.items():
        for row in rows:
            for wave, _ in WAVES:
                w, c = row[wave], row[wave]["calls"]
                print(f"  {name:9} {wave}: {row['count']} phones, last 200 after {w['seconds']:.1f} s (half after "
                      f"{w['p50_us'] / 1e6:.1f}), {w['cpu_us']:.0f} us CPU each with the calls, {w['resumed']} of "
                      f"{w['handshakes']} handshakes resumed, {w['again']} came again"
                      + (f"  FAILED: {w['why']}" if w["failed"] else ""))
                print(f"  {name:9}   {w['pss_mb']:.0f} MiB; calls meanwhile: {c['done']}, {c['failed']} failed"
                      f"{' (' + c['why'] + ')' if c['failed'] else ''}, answered within p50 {c['p50_us'] / 1000:.1f} ms, "
                      f"p99 {c['p99_us'] / 1000:.1f} ms", flush=True)


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

    def at_half_load(via, gone=False):
        return lambda server: half_load(server, lambda **o: load(server, via, "calls", password="secret-", **o),
                                        4 if a.quick else 10, gone)

    def by_workers(via):
        # Kamailio's workers are processes of its configuration: it is not asked.
        return lambda server: workers(server, lambda **o: load(server, via, "calls", password="secret-", **{
            "count": 2 * calls, "window": min(n, 48), "sockets": 64, **o}))

    def soaked(server):
        def make_load(mode, **options):
            return load(server, "udp", mode, seconds=7200, sockets=32, **{"phones": n - 2 * CALLERS, **options})
        return soak(server, make_load, a.soak, a.soak_rates)

    if a.soak:
        return [("soak", "calls and registrations side by side (UDP)", "soak", soaked)]
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
        ("latency-udp", "UDP: INVITE to its first answer at half load", "p50_us", at_half_load("udp")),
        ("latency-udp-gone", "the same, and every number has a contact more where nobody is", "p50_us", at_half_load("udp", gone=True)),
        ("latency-tls", "TLS: INVITE to its first answer at half load", "p50_us", at_half_load("tls")),
        ("workers-udp", "UDP calls with one worker and with two", "workers", by_workers("udp")),
        ("workers-tls", "TLS calls with one worker and with two", "workers", by_workers("tls")),
        ("held-calls", "memory of a held call (UDP)", "kb_each", memory("udp", "hold", 1000)),
        ("idle-tls", "memory of an idle TLS phone, registered", "kb_each", idle_phones),
    ]


def median(rows, key):
    values = sorted(r[key] for r in rows)
    return statistics.median(values), values[0], values[-1]


def show(name, text, unit, results):
    """One line a server and the ratio, with the spread."""
    label = {"cpu_us": "us", "kb_each": "KiB", "p50_us": "us at p50"}[unit]
    mid = {}
    for server, rows in results.items():
        mid[server], low, high = median(rows, unit)
        extra = ""
        if unit == "cpu_us":
            extra = f", {median(rows, 'per_second')[0]:.0f}/s, first answer p50 {median(rows, 'p50_us')[0]:.0f} us" \
                    f" p99 {median(rows, 'p99_us')[0]:.0f} us"
        if unit == "p50_us":
            p99, least, most = median(rows, "p99_us")
            extra = f", p99 {p99:.0f} us ({least:.0f}..{most:.0f}), at {median(rows, 'rate')[0]:.0f} calls a second"
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
    pki = ring.work / "ring-pki"
    ring.phone_pki = ring.idle_pki = pki
    if pki.exists():
        return
    print(f"  making a site with {ring.phones} phones{' and users' if ring.users else ''}", flush=True)
    ring.make_site()
    pki.mkdir()
    (pki / "ca.pem").symlink_to(ring.site / "pki" / "ca.pem")
    link_phones(pki, lambda n: ring.site / "pki" / "phones" / f"p{n}" / "cert.pem",
                lambda n: ring.site / "pki" / "phones" / f"p{n}" / "key.pem", range(ring.first, ring.first + ring.phones))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("build", type=pathlib.Path)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--phones", type=int, default=400)
    p.add_argument("--idle-phones", type=int, default=1000, help="for idle-tls; their certificates take a while")
    p.add_argument("--avalanche", type=int, default=0, metavar="N", help="only this: N phones come back at once; "
                   "each needs a descriptor")
    p.add_argument("--server", choices=("ringfort", "kamailio"), help="of an avalanche: only this one")
    p.add_argument("--soak", type=int, default=0, metavar="N", help="only this, of ringfort alone: at least N transactions")
    p.add_argument("--soak-rates", type=lambda t: tuple(map(int, t.split(","))), default=(3000, 6000), metavar="CALLS,REGISTRATIONS",
                   help="a second (3000,6000)")
    p.add_argument("--work", type=pathlib.Path, metavar="DIR", help="sites and keys are made there, stay, and are used again by a "
                   "run with the same numbers of phones; without it they are made anew and removed")
    p.add_argument("--prepare", action="store_true", help="with --work: make them, and measure nothing")
    p.add_argument("--quick", action="store_true")
    p.add_argument("--only", action="append", default=[])
    p.add_argument("--json", type=pathlib.Path)
    a = p.parse_args()
    a.idle_phones = a.avalanche or a.idle_phones
    if a.avalanche:   # both servers and the load inherit it, as far as the system lets us
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if hard < 2 * a.avalanche:
            with contextlib.suppress(ValueError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (2 * a.avalanche,) * 2)
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        if hard < a.avalanche + 100:
            sys.exit(f"a process may open {hard} files here: at most {hard - 100} phones")
    a.rounds = 1 if a.soak else a.rounds
    a.sipload = a.build.resolve() / "bench" / "sipload"
    if a.quick and not a.avalanche:
        a.idle_phones = min(a.idle_phones, a.phones)
    if not shutil.which("kamailio"):
        sys.exit("kamailio is not installed: apt-get install kamailio kamailio-tls-modules")
    out = {"machine": f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}", "rounds": a.rounds,
           "cases": {}}
    status = 0
    if a.work:
        a.work.mkdir(exist_ok=True)
    with contextlib.nullcontext(a.work) if a.work else tempfile.TemporaryDirectory(prefix="ringfort-bench-") as tmp:
        tmp = pathlib.Path(tmp).resolve()
        numbers = range(FIRST, FIRST + max(a.phones, a.idle_phones))
        pki = tmp / "pki"
        make_pki(pki, a.build)
        link_phones(pki, lambda n: pki / "client.crt", lambda n: pki / "client.key", numbers)
        ring = Ringfort(tmp, 15060, 15061, 0, binary=a.build.resolve() / "src" / "ringfort", first=FIRST, phones=a.phones)
        (tmp / "idle").mkdir(exist_ok=True)
        many = Ringfort(tmp / "idle", 15060, 15061, 0, binary=ring.binary, first=FIRST, phones=a.idle_phones, users=False,
                        addresses=bool(a.avalanche))
        kam = Kamailio(tmp, 25060, 25061, 0, pki=pki, shared_mb=6144 if a.avalanche else 1024)
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
            if a.prepare:
                continue
            results = {"ringfort": [], "kamailio": []}
            for _ in range(a.rounds):
                for server in (mine,) if unit in ("workers", "soak") else (mine, kam):
                    if a.server and a.server != server.name:
                        continue
                    server.start()
                    try:
                        results[server.name].append(run(server))
                        if unit == "avalanche":
                            show_avalanche({server.name: results[server.name][-1:]})
                    finally:
                        server.stop()
            if not results["kamailio"]:
                del results["kamailio"]
            if unit == "avalanche":
                pass    # shown already: a round takes minutes
            elif unit == "workers":
                show_workers(results)
            elif unit == "soak":
                status = 0 if show_soak(results) else 1
            else:
                show(name, text, unit, results)
            out["cases"][name] = results
    if a.json:
        a.json.write_text(json.dumps(out, indent=1))
    return status


if __name__ == "__main__":
    sys.exit(main())
