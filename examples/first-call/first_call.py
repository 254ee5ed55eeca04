#!/usr/bin/env python3
"""The story of `make run`: a fresh site, two real phones, a secure call, and what is on record afterwards.

Everything is done by the commands that a person would type, which are shown. The phones are baresip without sound
hardware: they send a tone and record what they hear. All of it lives in a network namespace of its own when that is
permitted, so nothing here touches, or is disturbed by, the host's network.

On a terminal it stays up with a live view until Ctrl-C; otherwise it stops all that it started and exits 0.
"""
import argparse
import contextlib
import json
import os
import pathlib
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

import phones as lab      # noqa: E402
from wire import Verdict, Wire  # noqa: E402

DOMAIN = "voice.example.org"
CONTROLLER = "10.20.0.11"
# name, number, location, address, tone in hertz
PHONES = [("lobby", "1001", "lobby", "10.30.0.11", 440), ("desk", "1002", "desk", "10.30.0.12", 660)]
PLAIN_PAYLOAD = 160   # G.711, 20 ms
TALK_SECONDS = 4


class Page:
    """What a person reads: steps, commands, results."""

    def __init__(self):
        self.colour = sys.stdout.isatty() and os.environ.get("TERM") != "dumb" and "NO_COLOR" not in os.environ
        self.began = time.monotonic()

    def paint(self, code, text):
        return f"\033[{code}m{text}\033[0m" if self.colour else text

    def step(self, text):
        print(f"\n{self.paint('1', text)}", flush=True)

    def command(self, args):
        print(f"  {self.paint('36', '$ ' + ' '.join(shlex.quote(a) for a in args))}", flush=True)

    def output(self, text):
        """What a command printed; long lines are cut where the terminal ends, or at 160 characters."""
        most = max(60, shutil.get_terminal_size((164, 50)).columns - 4)
        for line in text.rstrip().splitlines():
            line = line.rstrip()
            print(f"    {line if len(line) <= most else line[:most - 1] + '…'}", flush=True)

    def good(self, text):
        print(f"  {self.paint('32', 'ok')}  {text}", flush=True)

    def note(self, text):
        print(f"  {self.paint('33', '--')}  {text}", flush=True)


class Story:
    def __init__(self, ringfort, folder, private, page):
        self.ringfort, self.folder, self.private, self.page = ringfort, folder, private, page
        self.site = folder / "site"
        self.phones, self.wire = {}, None
        self.controller = CONTROLLER if private else "127.0.0.1"
        self.port = 5061
        self.told = False   # the story is through, only the live view is left

    # ---- typing commands

    def run(self, *args, show=True, quiet=False, check=True):
        args = ["ringfort", *map(str, args)]
        if not quiet:
            self.page.command(args)
        done = subprocess.run([self.ringfort, *args[1:]], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=60)
        if done.returncode and check:
            raise lab.Trouble(f"`{' '.join(args)}` ended with status {done.returncode}:\n"
                              f"{(done.stderr or done.stdout).strip()}")
        if show and not quiet:
            self.page.output(done.stdout)
        return done.stdout

    def ask(self, *args):
        """The same command with --json, for our own checks: not shown."""
        return json.loads(self.run("-C", self.site, *args, "--json", quiet=True))

    # ---- the steps

    def make_site(self):
        self.page.step("A site")
        self.site.mkdir()
        text = (HERE / "site.yaml").read_text()
        if not self.private:   # the host's loopback instead of addresses of our own
            self.port = lab.free_port()
            text = text.replace("10.20.0.0/24", "127.0.0.0/24").replace(CONTROLLER, self.controller)
            text += f"\nsip:\n  listen:\n    - {{ transport: tls, port: {self.port} }}\n"
        (self.site / "site.yaml").write_text(text)
        self.run("init", self.site)
        for name, number, location, _, _ in PHONES:
            self.run("-C", self.site, "phone", "add", name, "--number", number, "--location", location)
        self.run("-C", self.site, "check", check=False)

    def start_controller(self):
        self.page.step("The controller")
        self.run("-C", self.site, "up")
        self.run("-C", self.site, "status")

    def start_phones(self):
        self.page.step("Two phones (baresip), with the configuration and certificates that ringfort issued")
        for name, number, _, address, tone in PHONES:
            folder = self.folder / name
            self.run("-C", self.site, "phone", "config", name, "--for", "baresip", "-o", folder)
            if not self.private:
                address = "127.0.0.1"
            control = 4444 if self.private else lab.free_port()
            lab.make_headless(folder, name, address, tone, control)
            self.adjust_account(folder)
            if not self.private:
                self.own_ports(folder)
            self.phones[name] = lab.Baresip(name, folder, address, control)
        start = time.monotonic()
        for phone in self.phones.values():
            phone.start()
        wanted = {number for _, number, *_ in PHONES}
        try:
            lab.wait_until("both phones are registered", lambda: self.bound() == wanted, 15)
        except lab.Trouble as e:
            logs = "\n".join(f"{p.name}'s log ends:\n{p.log_tail()}" for p in self.phones.values())
            raise lab.Trouble(f"{e}\n{logs}") from None
        self.page.good(f"both phones registered over mutual TLS, {time.monotonic() - start:.1f} s after they started")
        self.run("-C", self.site, "bindings")

    def bound(self):
        rows = self.ask("bindings").get("bindings", [])
        return {r["aor"].split(":")[-1].split("@")[0] for r in rows if r.get("phone")}

    def adjust_account(self, folder):
        """A phone that nobody sits at: it answers by itself, and speaks G.711, whose plain size we know."""
        file = folder / "accounts"
        lines = []
        for line in file.read_text().splitlines():
            if line.strip() and not line.lstrip().startswith("#"):
                parts = [p for p in line.split(";") if not p.startswith(("answermode=", "audio_codecs="))]
                line = ";".join([*parts, "answermode=auto", "audio_codecs=PCMA/8000/1,PCMU/8000/1"])
            lines.append(line)
        file.write_text("\n".join(lines) + "\n")

    def own_ports(self, folder):
        file = folder / "config"
        kept = [s for s in file.read_text().splitlines() if not s.startswith(("sip_listen", "rtp_ports"))]
        low = lab.free_port(kind=socket.SOCK_DGRAM) & ~1
        file.write_text("\n".join([f"sip_listen 127.0.0.1:{lab.free_port()}", f"rtp_ports {low}-{low + 20}", *kept]) + "\n")

    def call(self):
        caller, callee = (self.phones[p[0]] for p in PHONES)
        self.page.step(f"{PHONES[0][0]} ({PHONES[0][1]}) calls {PHONES[1][0]} ({PHONES[1][1]})")
        marks = {p: p.mark() for p in (caller, callee)}
        start = time.monotonic()
        caller.command("dial", f"sip:{PHONES[1][1]}@{DOMAIN}")
        for p in (caller, callee):
            p.wait_event("CALL_ESTABLISHED", seconds=10, since=marks[p], fatal=("CALL_CLOSED",))
        self.page.good(f"established at both phones in {(time.monotonic() - start) * 1000:.0f} ms")
        for p in (caller, callee):
            menc = p.wait_event("CALL_MENC", since=marks[p], seconds=2)["param"].split(",")
            self.page.good(f"{p.name} says: {menc[1]} is encrypted with {menc[2]}")
        return marks

    def live(self):
        self.page.step("The live call")
        self.run("-C", self.site, "calls")
        calls = self.ask("calls")["calls"]
        if len(calls) != 1:
            raise lab.Trouble(f"one call is up, `ringfort calls` shows {len(calls)}")
        self.run("-C", self.site, "calls", "show", calls[0]["id"])

    def listen(self, marks):
        self.page.step(f"What was said, {TALK_SECONDS} seconds of it")
        time.sleep(TALK_SECONDS)
        for p in self.phones.values():
            p.wait_event("CALL_RTCP", since=marks[p], seconds=7)
        lab.wait_until("both phones count packets", lambda: all(self.counted(p, marks[p]) for p in self.phones.values()), 12)
        for p in self.phones.values():
            tx, rx = self.counted(p, marks[p])
            lost = rx["lost"] + tx["lost"]
            self.page.good(f"{p.name} says: {tx['sent']} packets sent, {rx['sent']} received, {lost} lost")
        self.check_wire()

    @staticmethod
    def counted(phone, mark):
        """The phone's own statistics: its last RTCP event in which packets went both ways."""
        for e in reversed(phone.events[mark:]):
            s = e.get("rtcp_stats")
            if e.get("type") == "CALL_RTCP" and s and s["tx"]["sent"] > 50 and s["rx"]["sent"] > 50:
                return s["tx"], s["rx"]
        return None

    def check_wire(self):
        if not self.wire:
            self.page.note("the wire was not watched: that needs root or a network namespace")
            return
        flows = self.wire.rtp()
        if len(flows) != 2:
            raise lab.Trouble(f"two streams are expected on the wire, {len(flows)} were seen: {list(flows)}")
        for (_, target), packets in flows.items():
            name = next((p[0] for p in PHONES if p[3] == target[0]), f"{target[0]}:{target[1]}")
            v = Verdict(packets, PLAIN_PAYLOAD, *(p[4] for p in PHONES))
            if not v.encrypted:
                raise lab.Trouble(f"the audio to {name} is NOT encrypted on the wire: {vars(v)}")
            self.page.good(f"on the wire to {name}: {v.packets} packets, {v.size} bytes each = RTP + {PLAIN_PAYLOAD} of "
                           f"audio + {v.tag} of SRTP tag; decoded as G.711 it is noise")
        if self.wire.plain_sip:
            raise lab.Trouble(f"{self.wire.plain_sip} packets with readable SIP were seen on the wire")
        self.page.good(f"no readable SIP on the wire, {self.wire.tls_records} TLS records")

    def heard(self):
        for p, other in zip(PHONES, reversed(PHONES)):
            share = self.phones[p[0]].tone_heard(other[4])
            if share < 0.9:
                raise lab.Trouble(f"{p[0]} did not hear the {other[4]} Hz tone that {other[0]} sent ({share:.0%} of it)")
            self.page.good(f"{p[0]} heard {other[4]} Hz, the tone that {other[0]} sends, and nothing else ({share:.1%})")

    def hang_up(self, marks):
        self.page.step(f"{PHONES[0][0]} hangs up")
        caller, callee = (self.phones[p[0]] for p in PHONES)
        caller.command("hangup")
        callee.wait_event("CALL_CLOSED", seconds=5, since=marks[callee])
        lab.wait_until("the call is gone from `ringfort calls`", lambda: not self.ask("calls")["calls"], 5)
        time.sleep(0.3)   # the phones close their recordings
        self.heard()

    def record(self):
        self.page.step("What is on record")
        self.run("-C", self.site, "cdr")
        records = self.ask("cdr")
        legs = records if isinstance(records, list) else records.get("cdr", records.get("records", []))
        if len(legs) != 2:
            raise lab.Trouble(f"two call records are expected, one for each leg; there are {len(legs)}")
        self.run("-C", self.site, "ledger", "show")
        self.run("-C", self.site, "ledger", "verify")

    def view(self):
        """Until Ctrl-C: another call, and what the commands show of it, once a second."""
        self.page.step("Staying up: Ctrl-C ends it")
        self.call()
        while True:
            parts = [self.page.paint("1", f"ringfort, {time.strftime('%H:%M:%S')}   (Ctrl-C ends it)"),
                     f"site directory: {self.site}"]
            for what in (["status"], ["bindings"], ["calls"]):
                parts.append("\n" + self.page.paint("36", f"$ ringfort -C {self.site} {' '.join(what)}"))
                parts.append(self.run("-C", self.site, *what, quiet=True, check=False).rstrip())
            print("\033[H\033[2J" + "\n".join(parts), flush=True)
            time.sleep(1)

    def stop(self):
        for p in self.phones.values():
            with contextlib.suppress(Exception):
                p.stop()
        if self.wire:
            self.wire.stop()
        if (self.site / "state").exists():
            with contextlib.suppress(Exception):
                subprocess.run([self.ringfort, "-C", self.site, "down"], stdin=subprocess.DEVNULL, timeout=30,
                               capture_output=True)

    def tell(self, stay):
        self.make_site()
        self.start_controller()
        with contextlib.suppress(PermissionError):
            self.wire = Wire()
        self.start_phones()
        marks = self.call()
        self.live()
        self.listen(marks)
        self.hang_up(marks)
        self.record()
        self.page.step(f"All of it took {time.monotonic() - self.page.began:.1f} seconds.")
        self.told = True
        if stay:
            self.view()


class Ended(BaseException):
    """SIGTERM or SIGINT: unwinds through everything that cleans up."""


def end(number, _frame):
    raise Ended(number)


def tell_story(args, folder, private, page):
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    if private:
        lab.loopback_up([CONTROLLER, *(p[3] for p in PHONES)])
    story = Story(str(pathlib.Path(args.ringfort).resolve()), folder, private, page)
    stay = sys.stdout.isatty() and not args.once
    status = 1
    try:
        story.tell(stay)
        status = 0
    except lab.Trouble as e:
        page.step(page.paint("31", "It did not work."))
        page.output(str(e))
        show_log(story, page)
    except Ended as e:
        # Ctrl-C is how a person ends the live view; anything else that ends us early is a failure.
        status = 0 if story.told and e.args[0] == signal.SIGINT else 128 + e.args[0]
    except Exception as e:   # our own fault: say so rather than leave things running
        page.step(page.paint("31", f"This script failed: {type(e).__name__}: {e}"))
        import traceback
        traceback.print_exc()
        show_log(story, page)
    finally:
        for s in (signal.SIGTERM, signal.SIGINT):
            signal.signal(s, signal.SIG_IGN)
        story.stop()
    return status


def show_log(story, page):
    log = story.site / "state" / "controller.log"
    with contextlib.suppress(OSError):
        page.output("The controller's log ends:\n" + "\n".join(log.read_text().splitlines()[-12:]))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--ringfort", default="build/src/ringfort", help="the program (default: build/src/ringfort)")
    p.add_argument("--once", action="store_true", help="end after the story, on a terminal as well")
    p.add_argument("--host-network", action="store_true", help="on the host's loopback, with free ports")
    p.add_argument("--keep", action="store_true", help="keep the site and the phones' folders, and say where")
    args = p.parse_args()
    page = Page()
    for program, package in (("baresip", "baresip-core"),):
        if not shutil.which(program):
            sys.exit(f"{program} is not installed: apt-get install {package}")
    if not os.access(args.ringfort, os.X_OK):
        sys.exit(f"{args.ringfort} is not there: `make build` makes it")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ringfort-first-call-"))
    private = not args.host_network and lab.own_namespace()
    if not private:
        page.note("no network namespace is permitted here: using the host's loopback and free ports"
                  if not args.host_network else "using the host's loopback and free ports, as asked")
    # The child is the first process of its namespace: when it ends, however, the kernel ends all that it started.
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        lab.die_with_parent()
        os._exit(tell_story(args, folder, private, page))
    for s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(s, lambda number, _frame: forward(child, number))
    while True:
        try:
            _, status = os.waitpid(child, 0)
            break
        except InterruptedError:
            continue
    if args.keep:
        page.note(f"kept: {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 1)


def forward(child, number):
    # A Ctrl-C reaches the child by itself, being of the same terminal; everything else is passed on.
    if number != signal.SIGINT:
        with contextlib.suppress(OSError):
            os.kill(child, signal.SIGTERM)


if __name__ == "__main__":
    main()
