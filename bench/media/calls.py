#!/usr/bin/env python3
"""What a call costs a relay that sets it up and ends it: processor time of its threads (the kernel's work in its system calls
included), system calls, turns of threads. Needs no silent machine: time on the processor is counted, not time that passes.

    bench/media/calls.py BUILD-DIR [--mode plain ...] [--relay NAME ...] [--at-once N ...] [--calls 1000] [--rounds 3]
                         [--rested] [--strace FILE | --perf FILE]
    bench/media/calls.py BUILD-DIR --memory [--mode plain ...] [--relay NAME ...]

--memory: instead, what a call keeps: KiB when it is set up, and when packets went both ways.
"""
import argparse
import itertools
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from bed import Bed, Load, Ringfort, Rtpengine


REST_S = 10.5
FEW, MANY = 200, 1400    # calls between whose numbers memory is looked at


def turns(relay):
    """Times that a thread of the relay gave up its core (waiting) or lost it."""
    n = 0
    for pid in relay.pids():
        for t in pathlib.Path(f"/proc/{pid}/task").glob("*"):
            n += int(pathlib.Path(t / "schedstat").read_text().split()[2])
    return n


def rest(load, calls):
    """So many calls, and then the time that their ports rest, with a call now and then: a relay that has been at work a while."""
    load.tell("cycle", calls, 16)
    end = time.monotonic() + REST_S
    while time.monotonic() < end:
        load.tell("cycle", 1, 1)
        time.sleep(0.5)


def watcher(relay, a):
    """strace or perf beside it, for whoever wants to see where the time goes; the numbers are not to be used then."""
    if a.strace:
        argv = ["strace", "-c", "-f", "-p", str(relay.pids()[-1]), "-o", str(a.strace)]
    elif a.perf:
        argv = ["perf", "record", "-q", "-e", "cpu-clock", "-F", "5000", "-g", "-o", str(a.perf), "-C", "0"]
    else:
        return None
    watch = subprocess.Popen(argv, stderr=subprocess.DEVNULL)
    time.sleep(1)
    return watch


def measure(relay, load, a, at_once):
    load.tell("cycle", 300, at_once)
    if a.rested:
        rest(load, a.calls)
    watch = watcher(relay, a)
    before = relay.cpu_us(), turns(relay)
    got = load.tell("cycle", a.calls, at_once)
    after = relay.cpu_us(), turns(relay)
    if watch:
        watch.send_signal(signal.SIGINT)
        watch.wait()
    if got["failed"]:
        raise RuntimeError(f"{relay.name}: {got['failed']} failed: {got['why']}")
    return (after[0] - before[0]) / got["done"], (after[1] - before[1]) / got["done"], got["done"] / got["seconds"]


def memory(bed, work, kinds, modes):
    for mode, kind in itertools.product(modes, kinds):
        relay = kind(bed, work)
        relay.start()
        try:
            load = Load(bed, mode, MANY, 100 * MANY)
            load.tell("up", FEW)
            load.tell("run", 2 * FEW, 1, 50)
            before = relay.pss_kb()
            load.tell("up", MANY - FEW)
            silent = relay.pss_kb()
            load.tell("run", 2 * MANY, 1, 50)
            heard = relay.pss_kb()
            load.end()
        finally:
            relay.stop()
        print(f"{mode:9} {relay.name:10} {(silent - before) / (MANY - FEW):5.1f} KiB a call set up, "
              f"{(heard - before) / (MANY - FEW):.1f} with packets both ways", flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("build", type=pathlib.Path)
    p.add_argument("--mode", action="append", default=[])
    p.add_argument("--relay", action="append", default=[])
    p.add_argument("--calls", type=int, default=1000)
    p.add_argument("--at-once", type=int, action="append", default=[], help="calls under way at a time (else 1, and 16)")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--rested", action="store_true", help="a relay at work, whose ports have rested: 11 s more each")
    p.add_argument("--memory", action="store_true")
    p.add_argument("--strace", type=pathlib.Path)
    p.add_argument("--perf", type=pathlib.Path)
    a = p.parse_args()
    if os.geteuid() != 0:
        sys.exit("the bench makes network namespaces: only root may")
    kinds = [k for k in (Rtpengine, Ringfort) if not a.relay or k.name in a.relay]
    with tempfile.TemporaryDirectory(prefix="ringfort-calls-") as tmp, Bed(a.build.resolve() / "bench" / "mediaload") as bed:
        modes = a.mode or ["plain", "pass-cm", "pass-gcm", "srtp-gcm", "cross"]
        if a.memory:
            memory(bed, pathlib.Path(tmp), kinds, modes)
            return
        for mode, at_once in itertools.product(modes, a.at_once or [1, 16]):
            rows = {k.name: [] for k in kinds}
            for _ in range(a.rounds):
                for kind in kinds:
                    relay = kind(bed, pathlib.Path(tmp))
                    relay.start()
                    try:
                        load = Load(bed, mode, 100, 1000)
                        rows[kind.name].append(measure(relay, load, a, at_once))
                        load.end()
                    finally:
                        relay.stop()
            for name, r in rows.items():
                us = [x[0] for x in r]
                print(f"{mode:9} {at_once:2} at once  {name:10} {statistics.median(us):6.1f} us a call ({min(us):.1f}..{max(us):.1f}), "
                      f"{statistics.median(x[1] for x in r):.1f} turns, {statistics.median(x[2] for x in r):.0f} calls a second", flush=True)


if __name__ == "__main__":
    main()
