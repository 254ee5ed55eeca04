#!/usr/bin/env python3
"""So many streams at once: what is lost and where, how late, and how much of a core the relay takes. See bench/README.md. The relay has
core 0 (with --workers 2 both), the load core 1; with --senders 2 each core sends half of the streams, and the kernel deals with
them there, as with what a card with two queues receives. The row `wire` is the link without a relay.

    bench/media/streams.py BUILD-DIR [--streams 10000] [--seconds 5] [--relay wire --relay ringfort-fast ...] [--senders 2]
"""
import argparse
import os
import pathlib
import resource
import sys
import tempfile

from bed import Bed, Fast, Load, Ringfort, Rtpengine, Wire, Xdp

PACKETS_A_STREAM = 50
RAMP = 1000
KINDS = (Wire, Rtpengine, Ringfort, Xdp, Fast)


def measure(bed, relay, streams, seconds, mode, gather):
    relay.start()
    try:
        calls = (streams + 1) // 2
        load = Load(bed, "wire" if relay.name == "wire" else mode, calls + 10, int(streams * PACKETS_A_STREAM * (seconds + 1)), mux=True)
        up = load.tell("up", calls)
        if up["failed"]:
            raise RuntimeError(f"{relay.name}: {up['failed']} calls failed: {up['why']}")
        for n in range(RAMP, streams, RAMP):   # sources are learned, streams go where they can go, as calls come: not all at once
            load.tell("run", n, 0.6, gather)
        load.tell("run", streams, 1, gather)
        before = relay.cpu_us(), bed.kernel_us()
        cable = bed.cable()
        r = load.tell("run", streams, seconds, gather)
        r["cable_in"], r["cable_out"] = (now - then for now, then in zip(bed.cable(), cable))
        busy = (relay.cpu_us() - before[0]) / seconds / 1e6, (bed.kernel_us() - before[1]) / seconds / 1e6
        load.tell("down")
        load.end()
        return r, busy
    finally:
        relay.stop()


def say(name, streams, r, busy):
    relay = r["lost"] - r["cable_in"] - r["cable_out"]
    work = ", ".join(f"{ms / r['seconds'] / 10:.0f} %" for ms in r["busy_ms"])
    print(f"{name}, {streams} streams, {r['seconds']:.0f} s: {r['due']} packets were due; {r['unsent']} not sent, for their sender stood "
          f"still ({r['stills']} times, {r['still_ms']:.0f} ms in all; {r['waited_ms']:.0f} ms others had its core); {r['overrun']} left "
          f"out because the core had too much to do\n"
          f"  sent {r['sent']}, {r['per_second']:,.0f} a second; lost {r['lost']} ({100 * r['lost'] / r['sent']:.4f} %): "
          f"{r['cable_in']} before the relay and {r['cable_out']} behind it in the link's queue, {relay} in the relay; in "
          f"{r['slices_with_loss']} of {r['slices']} slices of 20 ms\n"
          f"  p50 {r['p50_us']:.1f}, p99 {r['p99_us']:.1f}, p99.9 {r['p999_us']:.1f}, most {r['max_us']:.0f} us; the load at most "
          f"{r['behind_us']:.0f} us late\n"
          f"  of a core: the relay's threads {100 * busy[0]:.0f} %, threads that receive for it {100 * busy[1]:.0f} %, "
          f"senders with what is done in their turn {work}", flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("build", type=pathlib.Path)
    p.add_argument("--streams", type=int, action="append", default=[])
    p.add_argument("--seconds", type=float, default=5)
    p.add_argument("--mode", default="plain")
    p.add_argument("--gather", type=int, default=50, help="us, what is due within them goes at once")
    p.add_argument("--relay", action="append", default=[], help="only these: wire, rtpengine, ringfort, ringfort-xdp, ringfort-fast")
    p.add_argument("--workers", type=int, default=1, choices=(1, 2))
    p.add_argument("--senders", type=int, default=1, choices=(1, 2))
    a = p.parse_args()
    if any(n % 2 for n in a.streams):
        p.error("two streams are a call: an even number")
    if os.geteuid() != 0:
        sys.exit("the bench makes network namespaces and loads programs into the kernel: only root may")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix="ringfort-streams-") as tmp, Bed(a.build.resolve() / "bench" / "mediaload", a.senders) as bed:
        for kind in KINDS:
            for streams in a.streams or [10000] if not a.relay or kind.name in a.relay else []:
                r, busy = measure(bed, kind(bed, pathlib.Path(tmp), a.workers), streams, a.seconds, a.mode, a.gather)
                say(kind.name, streams, r, busy)
    return 0


if __name__ == "__main__":
    sys.exit(main())
