#!/usr/bin/env python3
"""Everything that `make check` runs, with one honest sum at the end.

A stage that cannot even build counts as one failed test and the rest goes on, so that one run shows all there is.
Real phones wait more than they compute: what only computes, the sanitizers' and clang's builds, runs behind them in what
time of the processor they leave (SCHED_IDLE), and is shown when they are through.
The last line is the sum over meson's and pytest's own results: "N passed, N failed".
"""
import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree

import heartbeat

ROOT = pathlib.Path(__file__).resolve().parent.parent
REPORTS = ROOT / "build" / "reports"   # what is written on the way: it stays where a check that is killed may leave it
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable


AGAIN_MAX = 3   # more failures than this are no accident
BEHIND = ("asan", "clang")      # stages that run behind "system"
ALONE = ("test_floods", "test_flood_calls", "test_avalanche", "test_overload")   # they load the machine or stop the clock of a process


class Sum:
    def __init__(self):
        self.passed, self.failed, self.skipped = 0, 0, 0
        self.failures = []
        self.second_try = []

    def to_file(self, path):
        path.write_text(json.dumps(vars(self)))

    def add_file(self, path):
        """What another process has summed up; that there is nothing counts as a failure."""
        try:
            other = json.loads(path.read_text())
        except (OSError, ValueError):
            self.add(f"{', '.join(BEHIND)}: ended without a sum", "failed")
            return
        for what, value in other.items():
            setattr(self, what, getattr(self, what) + value)

    def add(self, name, outcome):
        if outcome == "passed":
            self.passed += 1
        elif outcome == "skipped":
            self.skipped += 1
        else:
            self.failed += 1
            self.failures.append(name)


def say(text):
    print(text, flush=True)


def spawn(args, env=None):
    """Run a program from ROOT (main() is there); its exit status and all that it said. By posix_spawn and into a file: no
    pipe is waited for, which a kernel here forgets now and then (tests/heartbeat.py), and a thread hears no signal."""
    with tempfile.TemporaryFile() as out:
        done = subprocess.run([shutil.which(args[0]), *args[1:]], env=env, stdin=subprocess.DEVNULL, stdout=out,
                              stderr=subprocess.STDOUT, close_fds=False, check=False)
        out.seek(0)
        return done.returncode, out.read().decode(errors="replace")


def run(args, **kw):
    return subprocess.run([shutil.which(args[0]), *args[1:]], stdin=subprocess.DEVNULL, close_fds=False, check=False,
                          **kw).returncode


def build(name, jobs, total, compiler="gcc", options=()):
    """Set a build directory up (once) and build all of it with warnings as errors."""
    where = ROOT / name
    env = dict(os.environ, CC=compiler)
    if not (where / "build.ninja").exists():
        status, said = spawn(["meson", "setup", name, "--werror", *options], env)
        if status:
            say(said)
            total.add(f"{name}: meson setup", "failed")
            return False
    else:
        spawn(["meson", "configure", name, "--werror"])
    # --quiet keeps what the compiler says and drops the progress.
    good = run(["ninja", "-C", name, "-j", str(jobs), "--quiet"]) == 0
    total.add(f"{name}: builds without a warning", "passed" if good else "failed")
    return good


def meson_tests(name, jobs, total, suites=(), timeout=1):
    log = ROOT / name / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    args = ["meson", "test", "-C", name, "--no-rebuild", "--print-errorlogs", "-t", str(timeout),
            "--num-processes", str(jobs)]
    for s in suites:
        args += ["--suite", s]
    status = run(args)
    results = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    for r in results:
        outcome = {"OK": "passed", "EXPECTEDFAIL": "passed", "SKIP": "skipped"}.get(r["result"], "failed")
        total.add(f"{name}: {r['name']}", outcome)
    if status and not any(r["result"] not in ("OK", "EXPECTEDFAIL", "SKIP") for r in results):
        total.add(f"{name}: meson test ended with {status}", "failed")


def run_file(path, extra, only=()):
    """One file of tests in a process, with a network of its own: its cases as (name, outcome), and what it printed.
    only: names of cases, all without any."""
    name = f"{path.parent.name}-{path.stem}"
    report = REPORTS / f"{name}.xml"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    env = dict(os.environ, RINGFORT=str(ROOT / "build" / "src" / "ringfort"), PYTHONDONTWRITEBYTECODE="1")
    where = str(path.relative_to(ROOT))
    status, said = spawn([PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *extra,
                          *([f"{where}::{case}" for case in only] or [where])], env)
    if not report.exists():
        return [(f"{name}: pytest ended with {status} and without a report", "failed")], said
    outcomes = []
    for case in ElementTree.parse(report).iter("testcase"):
        kinds = {child.tag for child in case}
        outcome = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
        outcomes.append((f"{case.get('classname')}.{case.get('name')}", outcome))
    return outcomes, said


def run_files(files, jobs, extra):
    """Every file's outcomes: {path: [(name, outcome)]}. What a file printed is shown when it has failed."""
    results = {}
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        running = {pool.submit(run_file, f, extra): f for f in files}
        for done in concurrent.futures.as_completed(running):
            f = running[done]
            results[f], printed = done.result()
            count = collections.Counter(outcome for _, outcome in results[f])
            say(f"{f.relative_to(ROOT)}: " + ", ".join(f"{n} {what}" for what, n in sorted(count.items())))
            if count["failed"]:
                say(printed)
    return results


def real_phones(total, jobs, extra):
    """Real phones run by real time, on a machine that others may load: what failed is run once more, alone, and a test
    that passed only then is named in the sum."""
    files = [f for where in ("system", "interop") for f in sorted((ROOT / "tests" / where).glob("test_*.py"))]
    alone = [f for f in files if f.stem in ALONE]
    # one more at a time than there are cores: they wait for phones and timers more than they compute
    results = run_files([f for f in files if f not in alone], jobs + 1, extra)
    results.update(run_files(alone, 1, extra))
    failed = {f: [t for t, outcome in cases if outcome == "failed"] for f, cases in results.items()}
    failed = {f: tests for f, tests in failed.items() if tests}
    if 0 < sum(map(len, failed.values())) <= AGAIN_MAX:
        say("=== what failed, once more")
        for f, tests in failed.items():
            cases, printed = run_file(f, extra, [t.split(".", t.split("[")[0].count("."))[-1] for t in tests])
            say(printed)
            passed = {t for t, outcome in cases if outcome == "passed"} & set(tests)
            total.second_try += sorted(passed)
            results[f] = [(t, "passed" if t in passed else outcome) for t, outcome in results[f]]
    for cases in results.values():
        for test, outcome in cases:
            total.add(test, outcome)


def stage_main(args, total):
    if build("build", args.jobs, total):
        meson_tests("build", args.jobs, total)


def stage_asan(args, total):
    # -O2: at -O3 the sanitizers' own branches make gcc warn of null pointers that cannot be.
    options = ["-Db_sanitize=address,undefined", "-Db_lundef=false", "-Doptimization=2"]
    if build("build-asan", args.jobs, total, options=options):
        os.environ.setdefault("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=0")
        os.environ.setdefault("UBSAN_OPTIONS", "halt_on_error=1:print_stacktrace=1")
        meson_tests("build-asan", args.jobs, total, timeout=20 if args.sum else 4)


def stage_clang(args, total):
    # It is there for its warnings, which it finds while it parses: no time goes into code that nobody runs.
    build("build-clang", args.jobs, total, compiler="clang", options=["-Doptimization=1", "-Ddebug=false"])


def stage_system(args, total):
    real_phones(total, args.jobs, ["--run-long"] if args.long else [])


def stage_fuzz(args, total):
    if args.long:
        status = run(["tests/fuzz/run", "120", str(args.jobs)])
        total.add("fuzzing", "failed" if status else "passed")


STAGES = {
    "main": ("gcc: build, unit, torture, seeds", stage_main),
    "asan": ("address and undefined-behaviour sanitizers", stage_asan),
    "clang": ("clang: build", stage_clang),
    "system": ("real phones and attacks", stage_system),
    "fuzz": ("fuzzing", stage_fuzz),
}


class Behind:
    """The stages of BEHIND in a process of their own, which ends with this one."""

    def __init__(self, args):
        REPORTS.mkdir(parents=True, exist_ok=True)
        self.sum, self.said = REPORTS / "behind.json", REPORTS / "behind.txt"
        self.sum.unlink(missing_ok=True)
        with open(self.said, "wb") as out:
            self.process = subprocess.Popen(
                [shutil.which("setpriv"), "--pdeathsig", "TERM", "chrt", "--idle", "0", PYTHON, "tests/check.py", "--jobs", str(args.jobs),
                 "--sum", self.sum, *(f"--only={name}" for name in BEHIND)],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, close_fds=False)

    def finish(self, total):
        self.process.wait()
        say(self.said.read_text(errors="replace"))
        total.add_file(self.sum)


def run_stage(name, args, total):
    title, stage = STAGES[name]
    say(f"\n=== {title}")
    began = time.monotonic()
    stage(args, total)
    say(f"=== {title}: {time.monotonic() - began:.0f} s")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--jobs", type=int, default=os.cpu_count())
    p.add_argument("--long", action="store_true", help="also what takes longer")
    p.add_argument("--only", choices=STAGES, action="append", help="this stage alone (may be given again)")
    p.add_argument("--sum", type=pathlib.Path, metavar="FILE", help="leave the sum there, for a check that this one runs behind")
    args = p.parse_args()
    os.chdir(ROOT)
    heartbeat.begin()
    total, start = Sum(), time.monotonic()
    behind = None
    for name in args.only or [n for n in STAGES if n not in BEHIND and (n != "fuzz" or args.long)]:
        if name == "system" and not args.only:
            behind = Behind(args)
        run_stage(name, args, total)
        if name == "system" and behind:
            behind.finish(total)
    if args.sum:
        total.to_file(args.sum)
        return 0
    say("")
    for name in total.second_try:
        say(f"PASSED ONLY AT THE SECOND TRY {name}")
    for name in total.failures:
        say(f"FAILED {name}")
    say(f"{time.monotonic() - start:.0f} s in all, {total.skipped} skipped")
    say(f"{total.passed} passed, {total.failed} failed")
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
