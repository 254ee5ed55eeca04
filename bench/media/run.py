#!/usr/bin/env python3
"""Media relays side by side: packets a second that one core carries, processor time a packet, latency, memory and processor
time a call, as ratios to Debian's rtpengine in one run. See bench/README.md. Relay on core 0, load on core 1; each measurement
is repeated in turn, so that a drift of the machine hits all.

    bench/media/run.py BUILD-DIR [--rounds 3] [--quick] [--mode plain --mode srtp-gcm ...] [--relay NAME ...]
                       [--json FILE] [--more FILE ...] [--about FILE ...]
"""
import argparse
import contextlib
import json
import os
import pathlib
import platform
import resource
import statistics
import subprocess
import sys
import tempfile

from bed import Bed, Fast, Kernel, Load, Poll, Ringfort, Rtpengine, RtpengineHeld, Wire, Xdp

MODES = {
    "plain": "RTP, plain on both sides",
    "pass-cm": "SRTP with the same keys on both sides, AES_CM_128_HMAC_SHA1_80",
    "pass-gcm": "SRTP with the same keys on both sides, AEAD_AES_128_GCM",
    "cross": "SRTP AES_CM_128_HMAC_SHA1_80 on one side, AEAD_AES_128_GCM on the other",
    "srtp-cm": "RTP on one side, SRTP AES_CM_128_HMAC_SHA1_80 on the other",
    "srtp-gcm": "RTP on one side, SRTP AEAD_AES_128_GCM on the other",
}
STREAMS_A_CALL = 2
SILENT = ("wire", "kernel")    # nobody to set up calls with: beside plain RTP only
PACKETS_A_STREAM = 50
RAMP = 1000
GATHER_US = 50      # how long a network card waits before it tells of packets, when many come
PAUSES = 0.2        # of the 20 ms that a run consists of, those in which something may be lost
TRIES = 2           # before a rate is too much: a moment of the machine's spoils one run, seldom two
UNSENT = 0.1        # of the packets of a run, those that the load may leave out
QUEUE = 0.025       # of a run's time: more than half of the packets later than this, and it is 5 percent more than the relay can do


class Bench:
    def __init__(self, a, bed, work):
        self.a, self.bed, self.work = a, bed, work
        self.seconds, self.long = (0.5, 0.6) if a.quick else (2.0, 2.0)

    def fly(self, relay, load, streams, seconds, gather=GATHER_US):
        """One run, and what it cost."""
        cable = self.bed.cable()
        before = relay.cpu_us(), self.bed.kernel_us()
        r = load.tell("run", streams, seconds, gather)
        r["own_us"] = (relay.cpu_us() - before[0]) / max(r["sent"], 1)
        r["kernel_us"] = (self.bed.kernel_us() - before[1]) / max(r["sent"], 1)
        r["cable_in"], r["cable_out"] = (now - then for now, then in zip(self.bed.cable(), cable))
        r["lost_in_relay"] = r["lost"] - r["cable_in"] - r["cable_out"]
        r["lost_percent"] = 100 * r["lost"] / max(r["sent"], 1)
        r["cpu_us"] = r["own_us"] + r["kernel_us"]
        for fault in ("stray", "address", "length", "head", "bad", "again"):
            if r[fault]:
                raise RuntimeError(f"{relay.name}: {r[fault]} packets are wrong ({fault}): {r}")
        return r

    def carries(self, relay, load, streams):
        """Is every packet there, and no queue? Loss of a moment is the machine's, which stands still now and then for longer than
        the link's 256 packets last (the wire's row shows how often); loss of a relay that has too much to do is everywhere. A run
        in which the load itself stood still for long says nothing."""
        tries = TRIES
        seconds = min(self.seconds, load.packets / streams / PACKETS_A_STREAM)
        for _ in range(10):
            r = self.fly(relay, load, streams, seconds)
            if r["unsent"] > r["due"] * UNSENT:
                continue
            if r["slices_with_loss"] <= r["slices"] * PAUSES and r["p50_us"] < QUEUE * seconds * 1e6:
                return r
            tries -= 1
            if not tries:
                return None
        raise RuntimeError(f"{relay.name}: others have too much of this machine: of {r['due']} packets {r['unsent']} were not sent")

    def most(self, relay, load, streams_max, about):
        """The highest rate, to 4 percent. about: what it was in another round, 0 if that is not known."""
        low, high, best, step = 0, None, None, 1.08 if about else 2
        streams = min(about or 1000, streams_max)
        while high is None or high > low * 1.04:
            r = self.carries(relay, load, streams)
            if r:
                low, best = streams, r
                if streams == streams_max:
                    break
            else:
                high = streams
            if high is None:
                streams = min(int(low * step), streams_max)
            elif low == 0 and about:
                streams = int(high / step)
            else:
                streams = (low + high) // 2
            step = min(step * step, 2)
            if streams < 20:
                break
        return best

    def round(self, relay, mode, about):
        calls = self.a.calls
        relay.start()
        try:
            load = Load(self.bed, mode, calls + 50, self.a.packets)
            out = {}
            if relay.name not in SILENT:
                self.calls(relay, load, out)
            first = load.tell("up", 200)
            before = relay.pss_kb()
            got = load.tell("up", calls - 200)
            if relay.name not in SILENT:
                out["call_kb"] = (relay.pss_kb() - before) / (calls - 200)
            self.no_failure(relay, first, got)
            streams_max = STREAMS_A_CALL * calls
            self.warm(relay, load, streams_max)
            if not self.a.quick:
                out["low"] = self.fly(relay, load, 200, 2, 0)
            out["most"] = self.most(relay, load, streams_max, about)
            if out["most"]:
                self.half(relay, load, out, max(out["most"]["streams"] // 2, 1))
            got = load.tell("down")
            self.no_failure(relay, got)
            load.end()
            return out
        finally:
            relay.stop()

    def warm(self, relay, load, streams_max):
        """Sources are learned, the first packets of streams dealt with, streams go where they can go: not part of what is measured. As
        calls come, not all at once."""
        for streams in range(RAMP, streams_max + 1, RAMP) if relay.learns else (streams_max, min(RAMP, streams_max)):
            load.tell("run", streams, 0.4, GATHER_US)

    def calls(self, relay, load, out):
        for key, at_once in (("call_us", 1), ("call_16_us", 16)):
            warm = load.tell("cycle", 200, at_once)
            before = relay.cpu_us()
            got = load.tell("cycle", 300 if self.a.quick else 1000, at_once)
            out[key] = (relay.cpu_us() - before) / max(got["done"], 1)
            self.no_failure(relay, warm, got)

    def half(self, relay, load, out, streams):
        out["half"] = self.fly(relay, load, streams, self.long)
        with self.bed.single():
            out["half_each"] = self.fly(relay, load, streams, self.long, 0)
            if not self.a.quick:
                out["each"] = self.fly(relay, load, 200, self.long, 0)
        if not self.a.quick:
            out["at_20k"] = self.fly(relay, load, 400, 2)

    def beside_the_wire(self, wire, rows):
        """What the link itself takes at each relay's half rate: what is more is the relay's."""
        wire.start()
        try:
            load = Load(self.bed, "wire", self.a.calls + 50, self.a.packets)
            load.tell("up", self.a.calls)
            for row in rows:
                for key, gather in (("half", GATHER_US), ("half_each", 0), ("each", 0)):
                    if row.get(key):
                        with self.bed.single() if not gather else contextlib.nullcontext():
                            r = self.fly(wire, load, row[key]["streams"], self.long, gather)
                        for p in ("p50_us", "p99_us"):
                            row[key][f"added_{p}"] = row[key][p] - r[p]
            load.end()
        finally:
            wire.stop()

    @staticmethod
    def no_failure(relay, *got):
        for g in got:
            if g["failed"]:
                raise RuntimeError(f"{relay.name}: {g['failed']} calls failed: {g['why']}")


def median(rows, *path):
    values = []
    for r in rows:
        for key in path:
            r = (r or {}).get(key)
        if r is not None:
            values.append(r)
    return (statistics.median(values), min(values), max(values)) if values else None


ROWS = (
    ("packets a second on one core", ("most", "per_second"), "{:,.0f}", True),
    ("of them lost while the machine stood still, %", ("most", "lost_percent"), "{:.3f}", False),
    ("packets lost in the relay, not in the link's queue", ("most", "lost_in_relay"), "{:,.0f}", False),
    ("us of a core a packet there", ("most", "cpu_us"), "{:.2f}", False),
    ("of them in the relay's own threads", ("most", "own_us"), "{:.2f}", False),
    ("us of a core a packet at 20,000 a second", ("at_20k", "cpu_us"), "{:.2f}", False),
    ("streams of 50 packets a second that is", ("most", "streams"), "{:,.0f}", True),
    ("us there and back at half of that rate, p50", ("half", "p50_us"), "{:.1f}", False),
    ("of them added by the relay, p50", ("half", "added_p50_us"), "{:.1f}", False),
    ("us there and back, p99", ("half", "p99_us"), "{:.0f}", False),
    ("the same, each packet at once, p50", ("half_each", "p50_us"), "{:.1f}", False),
    ("the same, each packet at once, p99", ("half_each", "p99_us"), "{:.1f}", False),
    ("of them added by the relay, p50", ("half_each", "added_p50_us"), "{:.1f}", False),
    ("of them added by the relay, p99", ("half_each", "added_p99_us"), "{:.1f}", False),
    ("us at 10,000 packets a second, each at once, p50", ("each", "p50_us"), "{:.1f}", False),
    ("us at 10,000 packets a second, each at once, p99", ("each", "p99_us"), "{:.1f}", False),
    ("of them added by the relay, p50", ("each", "added_p50_us"), "{:.1f}", False),
    ("us at 10,000 a second, the core asleep between, p50", ("low", "p50_us"), "{:.1f}", False),
    ("us of processor a call set up and ended", ("call_us",), "{:.0f}", False),
    ("the same, 16 of them at once", ("call_16_us",), "{:.0f}", False),
    ("KiB a call that is up", ("call_kb",), "{:.1f}", False),
)


def show(results):
    base = results.get("rtpengine")
    for text, path, form, more in ROWS:
        for name, rows in results.items():
            m = median(rows, *path)
            if not m:
                continue
            ratio = ""
            b = base and name not in ("rtpengine", "wire") and median(base, *path)
            if b and m[0] > 0 and b[0] > 0:
                ratio = f"   x {m[0] / b[0]:.2f} of rtpengine" if more else f"   / {b[0] / m[0]:.2f}"
            print(f"  {text:46} {name:18} {form.format(m[0]):>9} ({form.format(m[1])}..{form.format(m[2])}){ratio}", flush=True)


def versions():
    def first(*argv):
        r = subprocess.run(argv, text=True, capture_output=True, check=False)
        return (r.stdout + r.stderr).strip().splitlines()[0] if r.returncode == 0 else "?"
    return {"machine": f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}",
            "rtpengine": first("rtpengine", "--version")}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("build", type=pathlib.Path)
    p.add_argument("--rounds", type=int, help="3, with --quick 1; 0: show those of --more")
    p.add_argument("--mode", action="append", choices=MODES, default=[])
    p.add_argument("--relay", action="append", default=[], help="only these: wire, rtpengine, rtpengine-held, "
                   "ringfort, ringfort-poll, ringfort-xdp, ringfort-fast, kernel")
    p.add_argument("--calls", type=int, default=4000, help="that are up; two streams each")
    p.add_argument("--packets", type=int, default=1000000, help="of one run, made beforehand (256 bytes each)")
    p.add_argument("--quick", action="store_true", help="shorter runs, one round, nothing at low rates")
    p.add_argument("--json", type=pathlib.Path, help="what was measured, for --more")
    p.add_argument("--more", type=pathlib.Path, action="append", default=[],
                   help="rounds of another sitting (--json), added to these: medians and spread are of all")
    p.add_argument("--about", type=pathlib.Path, action="append", default=[],
                   help="rounds that are not counted: the search for the highest rate begins where they ended")
    a = p.parse_args()
    mediaload = a.build.resolve() / "bench" / "mediaload"
    if os.geteuid() != 0:
        sys.exit("the bench makes network namespaces and loads programs into the kernel: only root may")
    if not mediaload.exists():
        sys.exit(f"{mediaload} is missing: ninja -C {a.build} bench/mediaload (needs clang, bpftool and libbpf)")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if a.rounds is None:
        a.rounds = 1 if a.quick else 3
    a.calls = min(a.calls, (hard - 200) // 4)    # a relay has four sockets a call
    out = {**versions(), "rounds": a.rounds, "modes": {}}
    print(f"{out['machine']}; {out['rtpengine']}; relay on core 0, load on core 1", flush=True)
    with tempfile.TemporaryDirectory(prefix="ringfort-media-") as tmp, Bed(mediaload) as bed:
        bench = Bench(a, bed, pathlib.Path(tmp))
        kinds = [k for k in (Wire, Rtpengine, RtpengineHeld, Ringfort, Poll, Xdp, Fast, Kernel) if not a.relay or k.name in a.relay]
        for mode in a.mode or MODES:
            print(f"{mode}: {MODES[mode]}", flush=True)
            results = {k.name: [] for k in kinds if k.name not in SILENT or mode == "plain"}
            about = {}
            for files, into in ((a.more, results), (a.about, about)):
                for earlier in files:
                    for name, rows in json.loads(earlier.read_text())["modes"].get(mode, {}).items():
                        into.setdefault(name, []).extend(rows)
            for _ in range(a.rounds):
                for kind in kinds:
                    if kind.name in results:
                        relay = kind(bed, bench.work, a.calls) if kind is Kernel else kind(bed, bench.work)
                        was = median(results[kind.name] + about.get(kind.name, []), "most", "streams")
                        results[kind.name].append(bench.round(relay, kind.name if kind.name in SILENT else mode,
                                                              int(was[0]) if was else 0))
                if Wire in kinds and a.rounds:
                    bench.beside_the_wire(Wire(bed, bench.work), [r[-1] for name, r in results.items() if r and name != "wire"])
            show(results)
            out["modes"][mode] = results
    if a.json:
        a.json.write_text(json.dumps(out, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
