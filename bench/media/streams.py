#!/usr/bin/env python3
"""So many streams at once: what is lost, how late, and how much of a core the relay takes. See bench/README.md. The relay has core 0
(with --workers 2 both), the load core 1. The row `wire` is the link without a relay, whose losses are the machine's.

    bench/media/streams.py BUILD-DIR [--streams 10000] [--seconds 5] [--relay wire --relay ringfort-fast ...] [--workers 2]
"""
import argparse
import os
import pathlib
import resource
import sys
import tempfile

from bed import Bed, Fast, Load, Ringfort, Rtpengine, Wire

PACKETS_A_STREAM = 50
KINDS = (Wire, Rtpengine, Ringfort, Fast)


def measure(bed, relay, streams, seconds, mode, gather):
    relay.start()
    try:
        calls = (streams + 1) // 2
        load = Load(bed, "wire" if relay.name == "wire" else mode, calls + 10, int(streams * PACKETS_A_STREAM * (seconds + 1)), mux=True)
        up = load.tell("up", calls)
        if up["failed"]:
            raise RuntimeError(f"{relay.name}: {up['failed']} calls failed: {up['why']}")
        load.tell("run", streams, 1, gather)   # sources are learned, streams go where they can go
        before = relay.cpu_us(), bed.kernel_us()
        r = load.tell("run", streams, seconds, gather)
        busy = (relay.cpu_us() - before[0]) / seconds / 1e6, (bed.kernel_us() - before[1]) / seconds / 1e6
        load.tell("down")
        load.end()
        return r, busy
    finally:
        relay.stop()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("build", type=pathlib.Path)
    p.add_argument("--streams", type=int, action="append", default=[])
    p.add_argument("--seconds", type=float, default=5)
    p.add_argument("--mode", default="plain")
    p.add_argument("--gather", type=int, default=50, help="us, what is due within them goes at once")
    p.add_argument("--relay", action="append", default=[], help="only these: wire, rtpengine, ringfort, ringfort-fast")
    p.add_argument("--workers", type=int, default=1, choices=(1, 2))
    a = p.parse_args()
    if os.geteuid() != 0:
        sys.exit("the bench makes network namespaces and loads programs into the kernel: only root may")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix="ringfort-streams-") as tmp, Bed(a.build.resolve() / "bench" / "mediaload") as bed:
        for kind in KINDS:
            for streams in a.streams or [10000] if not a.relay or kind.name in a.relay else []:
                r, busy = measure(bed, kind(bed, pathlib.Path(tmp), a.workers), streams, a.seconds, a.mode, a.gather)
                print(f"{kind.name:14} {streams:6} streams, {r['per_second']:,.0f} packets a second: lost {r['lost']} of {r['sent']} "
                      f"({100 * r['lost'] / r['sent']:.4f} %) in {r['slices_with_loss']} of {r['slices']} slices of 20 ms; "
                      f"p50 {r['p50_us']:.0f} us, p99 {r['p99_us']:.0f} us; {100 * busy[0]:.0f} % of a core its own, "
                      f"{100 * busy[1]:.0f} % receiving; the load was at most {r['behind_us']:.0f} us late", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
