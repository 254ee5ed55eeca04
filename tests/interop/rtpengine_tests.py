#!/usr/bin/python3
"""rtpengine's own test programs against our relay: rtpengine_tests.py [--rtpengine] [--hold] [--json] CHECKOUT [PROGRAM...]

CHECKOUT is a folder with rtpengine's t/ (and, if there, perl/); the programs run unchanged, in a network namespace of their own with
the addresses that they expect. For each one: of its calls, how many are as rtpengine's, how many differ, and by which rules (see
RtpengineTests.pm). --rtpengine asks Debian's rtpengine instead, as the control; --hold lets nobody speak before the answer."""
import argparse
import collections
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ADDRESSES = ["203.0.113.%d/24" % n for n in (1, 2, 7, 8)] + ["198.51.100.%d/24" % n for n in range(1, 60)] + [
    "2001:db8:4321::%d/64" % n for n in (1, 2)] + ["2001:db8:abcd::%d/64" % n for n in range(1, 9)]
NG = 2223
# Differences that docs/relay.md answers for: see there, "rtpengine's own tests".
ON_PURPOSE = {
    "source": "media comes from where the description says", "unanswered": "nothing is passed on before the answer",
    "replay": "no sequence number twice", "suites": "no F8, no NULL, AEAD too, the strongest first", "ICE lite": "the only candidate",
    "ICE unasked": "ICE=default adds none where there was none", "ptime": "packets are passed on as long as they come",
    "transcoding": "only what docs/relay.md names", "loop protect": "no description passes untouched",
    "RTCP": "reports are read and written anew, none is made up", "refused: rtpp-flags": "flags come as a list",
    "a=label": "labels are the relay's own, and always there", "value: tag-medias match": "the same",
    "value: media-labels match": "the same", "value: MOS": "4.41 for what comes whole in G.711 (G.107), theirs 4.3",
    "a=xg726bitorder": "an attribute that no document defines",
}
# Programs that expect what is different on purpose: more suites that their clients know, media before the answer, SHA-1.
KNOWN = {
    "test-plain-sdes.pl": "suites", "test-plain-sdes-full.pl": "suites", "test-sdes-sdes.pl": "suites",
    "test-basic-ipv4.pl": "unanswered", "test-basic-ipv6.pl": "unanswered", "test-basic-ipv4-6.pl": "unanswered",
    "test-basic-ipv6-4.pl": "unanswered", "test-packetloss.pl": "unanswered", "test-transcode.pl": "transcoding",
    # these end in an error of their own with every relay, Debian's rtpengine 10.5 too
    "test-basic.pl": "theirs", "test-unidirectional.pl": "theirs", "test-sdes-sdes-select-offer.pl": "theirs",
    "test-sdes-sdes-select-offer-restrict.pl": "theirs", "test-ice.pl": "theirs", "test-dtls.pl": "theirs",
}
PORTS = "30000-31999"


def interfaces(program):
    """What the program would start rtpengine with: -i NAME/ADDRESS."""
    named = re.findall(r"-i (?:([\w-]+)/)?([0-9a-fA-F.:]+)(?:!([0-9a-fA-F.:]+))?", program)
    named = named or [("", "203.0.113.1", ""), ("", "2001:db8:4321::1", "")]
    rounds = re.findall(r"@interfaces = qw\((.*?)\)", program)
    return named + [(name, "203.0.113.2", "") for names in rounds for name in names.split()]


def relay_argv(program):
    argv = [os.environ["RINGFORT"], "relay", "--listen-ng", f"127.0.0.1:{NG}", "--ports", PORTS, "--workers", "1"]
    for name, address, told in interfaces(program):
        argv += ["--interface", f"{name or 'default'}/{address}" + (f"!{told}" if told else "")]
    return argv


def rtpengine_argv(program):
    first, last = PORTS.split("-")
    argv = ["rtpengine", "--config-file=none", "-t", "-1", "-n", f"127.0.0.1:{NG}", "-f", "-E", "-L", "3", "-m", first, "-M", last]
    for name, address, told in interfaces(program):
        argv += ["-i", (f"{name}/" if name else "") + address + (f"!{told}" if told else "")]
    return argv


def quiet(p):
    """Ends what this program started."""
    if p.poll() is None:
        for _ in range(2):      # the second one ends it with its sessions
            p.send_signal(signal.SIGTERM)
            time.sleep(0.2)
        try:
            p.wait(12)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()


def run(checkout, path, options):
    """One program: {"program", "ended", "cases": [...]}; ended is 0, or what it said last."""
    text = path.read_text()
    argv = (rtpengine_argv if options.rtpengine else relay_argv)(text)
    with tempfile.TemporaryDirectory() as folder, open(os.path.join(folder, "relay.log"), "wb") as log:
        cases = pathlib.Path(folder, "cases")
        endless = "->stop()" not in text and "->run()" in text
        env = {**os.environ, "RINGFORT_CASES": str(cases), "RTPENGINE_HOST": "127.0.0.1", "RTPENGINE_PORT": str(NG),
               "RTPE_TEST_PSEUDO_RAND": "1", "RTPE_TEST_V4_ADDRS": "198.51.100.40 198.51.100.41", "RTPE_TEST_V6_ADDRS": "2001:db8:abcd::7 2001:db8:abcd::8",
               "RINGFORT_SECONDS": "10" if endless else "", "RINGFORT_HOLD": "1" if options.hold else ""}
        relay = subprocess.Popen(argv, stdout=log, stderr=log)
        try:
            wait_for_port(relay)
            done = subprocess.run(["perl", "-I", str(checkout / "perl"), "-I", str(HERE), "-MRtpengineTests", str(path)], env=env,
                                  capture_output=True, text=True, timeout=120)
            said = done.stdout + done.stderr
            ended, last = done.returncode, said.strip().splitlines()[-1:] or [""]
        except subprocess.TimeoutExpired:
            ended, last, said = -1, ["it did not end"], ""
        finally:
            quiet(relay)
        lines = cases.read_text().splitlines() if cases.exists() else []
        if options.verbose:
            print(said, pathlib.Path(log.name).read_text(errors="replace")[-2000:], sep="\n", file=sys.stderr)
    return {"program": path.name, "exit": ended, "last": last[0], "cases": [json.loads(line) for line in lines],
            "talks": "->run()" in text, "media": re.findall(r"media packets (\w+): (\d+) (\d+)", said)}


def wait_for_port(relay):
    """Until the port of NG is bound."""
    for _ in range(100):
        if f":{NG:04X} " in pathlib.Path("/proc/net/udp").read_text() or relay.poll() is not None:
            return
        time.sleep(0.05)


def heard(result):
    """Did both parties of a program on their test clients hear RTP?"""
    received = [int(rtp) for kind, rtp, rtcp in result["media"] if kind == "received"]
    return result["exit"] == 0 and all(received) and (len(received) == 2 or not result["talks"])


def verdict(result):
    """(calls as rtpengine's, {rule: calls that differ by it}, what is no purpose of ours)"""
    if not result["cases"]:
        ok, rule = heard(result), KNOWN.get(result["program"], "fault")
        return int(ok), {} if ok else {rule: 1}, [] if ok or rule != "fault" else [result["last"]]
    rules = collections.Counter(rule for case in result["cases"] for rule in case["rules"])
    faults = [f"{case['case']}: {rule}: {what}" for case in result["cases"] for rule, what in case["rules"].items()
              if rule not in ON_PURPOSE]
    return sum(not case["rules"] for case in result["cases"]), dict(rules), faults


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("checkout", type=pathlib.Path)
    p.add_argument("programs", nargs="*")
    for flag in ("rtpengine", "hold", "json", "verbose", "inside"):
        p.add_argument(f"--{flag}", action="store_true", help=argparse.SUPPRESS if flag == "inside" else None)
    options = p.parse_args()
    if not options.inside:
        os.environ.setdefault("RINGFORT", str(HERE.parent.parent / "build/src/ringfort"))
        os.execvp("unshare", ["unshare", "-n", sys.executable, str(pathlib.Path(__file__).resolve()), "--inside", *sys.argv[1:]])
    for line in ("ip link set lo up", *(f"ip addr add {a} dev lo{' nodad' if ':' in a else ''}" for a in ADDRESSES)):
        subprocess.run(line.split(), check=True)
    programs = [options.checkout / "t" / name for name in options.programs] or sorted(
        [*(options.checkout / "t").glob("test-*.pl"), *(options.checkout / "t").glob("auto-daemon-tests*.pl")])
    results = [run(options.checkout, path, options) for path in programs]
    if options.json:
        print(json.dumps(results))
        return
    total = collections.Counter()
    for result in results:
        same, rules, faults = verdict(result)
        calls = len(result["cases"]) or 1
        total.update(calls=calls, same=same, differ=calls - same, faults=len(faults))
        print(f"{result['program']:46} {calls:3} calls, {same:3} the same; differ by {rules or 'nothing'}")
        for fault in faults:
            print(f"    NOT ON PURPOSE {fault}")
    print(f"{len(results)} programs, {total['calls']} calls: {total['same']} the same, {total['differ']} differ, "
          f"{total['faults']} times not on purpose")
    sys.exit(1 if total["faults"] else 0)


if __name__ == "__main__":
    main()
