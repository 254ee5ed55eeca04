"""Headless baresip phones, driven over their control port, and the namespace that they live in.

Python's standard library only. Every process started here dies with the one that started it.
"""
import ctypes
import json
import math
import os
import pathlib
import queue
import signal
import socket
import struct
import subprocess
import threading
import time
import wave

CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class Trouble(Exception):
    """What went wrong, in words for whoever started this."""


def die_with_parent():
    """For preexec_fn: the kernel kills this process when its parent ends, however that happens."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def own_namespace(pids=True):
    """Move into a network namespace of our own (and, for children from now on, a process namespace).

    Works for root, and for anybody where user namespaces are allowed. Returns False where neither is permitted;
    nothing has changed then. The process must have one thread.
    """
    flags = CLONE_NEWNET | (CLONE_NEWPID if pids else 0)
    uid, gid = os.getuid(), os.getgid()
    if _libc.unshare(flags) != 0:
        if _libc.unshare(flags | CLONE_NEWUSER) != 0:
            return False
        # The same ids inside as outside: what we start is the ordinary user that it would be anyway.
        pathlib.Path("/proc/self/setgroups").write_text("deny")
        pathlib.Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        pathlib.Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    return True


def loopback_up(addresses=(), first=1):
    """Bring lo up and give it these IPv4 addresses. Through ioctl: no tool runs with our rights."""
    import fcntl
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        def ifreq(name, tail):
            return struct.pack("16s24s", name.encode(), tail)

        def address(a):
            return struct.pack("HH4s8s", socket.AF_INET, 0, socket.inet_aton(a), b"")
        fcntl.ioctl(s, 0x8914, ifreq("lo", struct.pack("H", 0x1 | 0x40)))      # SIOCSIFFLAGS: up, running
        for i, a in enumerate(addresses):
            fcntl.ioctl(s, 0x8916, ifreq(f"lo:{first + i}", address(a)))           # SIOCSIFADDR
            fcntl.ioctl(s, 0x891c, ifreq(f"lo:{first + i}", address("255.255.255.255")))  # SIOCSIFNETMASK


def free_port(address="127.0.0.1", kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind((address, 0))
        return s.getsockname()[1]


def wait_until(what, check, seconds=10.0, step=0.05):
    """Wait for check() to be true; what says in words what did not happen."""
    end = time.monotonic() + seconds
    while True:
        result = check()
        if result:
            return result
        if time.monotonic() > end:
            raise Trouble(f"{what}: not within {seconds:g} seconds")
        time.sleep(step)


def goertzel(samples, rate, hertz):
    """The share of the samples' energy that lies at one frequency: near 1 for that tone, near 0 for noise."""
    n = len(samples)
    total = sum(x * x for x in samples)
    if not n or not total:
        return 0.0
    c = 2 * math.cos(2 * math.pi * hertz / rate)
    a = b = 0.0
    for x in samples:
        a, b = x + c * a - b, a
    return 2 * (a * a + b * b - c * a * b) / (n * total)


class Baresip:
    """One phone. `folder` holds config and accounts; what it records and logs goes there too."""

    def __init__(self, name, folder, address, control_port, program="baresip"):
        self.name, self.folder, self.address = name, pathlib.Path(folder), address
        self.control_port, self.program = control_port, program
        self.process = self.socket = None
        self.events, self._answers, self._seen = [], queue.Queue(), threading.Condition()

    def start(self):
        log = open(self.folder / "log", "wb")
        self.process = subprocess.Popen(
            [self.program, "-f", str(self.folder), "-s", "-v"], cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=log, stderr=subprocess.STDOUT, preexec_fn=die_with_parent,
            env=dict(os.environ, HOME=str(self.folder)))
        log.close()
        wait_until(f"phone {self.name} opens its control port", self._connect, 10)
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def _connect(self):
        if self.process.poll() is not None:
            raise Trouble(f"phone {self.name} ended at once:\n{self.log_tail()}")
        try:
            self.socket = socket.create_connection((self.address, self.control_port), timeout=2)
        except OSError:
            return False
        self.socket.settimeout(None)
        return True

    def log_tail(self, lines=12):
        try:
            return "\n".join((self.folder / "log").read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    def _read(self):
        pending = b""
        while True:
            try:
                piece = self.socket.recv(65536)
            except OSError:
                piece = b""
            if not piece:
                return
            pending += piece
            while b":" in pending:
                size, rest = pending.split(b":", 1)
                if not size.isdigit() or len(rest) < int(size) + 1:
                    break
                message, pending = rest[:int(size)], rest[int(size) + 1:]
                self._take(json.loads(message.decode(errors="replace")))

    def _take(self, message):
        if message.get("event"):
            with self._seen:
                self.events.append(message)
                self._seen.notify_all()
        else:
            self._answers.put(message)

    def command(self, command, params="", seconds=5):
        while not self._answers.empty():
            self._answers.get()
        text = json.dumps({"command": command, "params": params, "token": "1"}).encode()
        self.socket.sendall(b"%d:%s," % (len(text), text))
        try:
            return self._answers.get(timeout=seconds)
        except queue.Empty:
            raise Trouble(f"phone {self.name} did not answer the command {command}") from None

    def mark(self):
        """The number of events so far: wait_event(since=mark) looks only at later ones."""
        with self._seen:
            return len(self.events)

    def wait_event(self, *kinds, seconds=10.0, since=0, fatal=()):
        """The first event of one of these types; an event named in fatal ends the waiting with its reason."""
        end = time.monotonic() + seconds
        with self._seen:
            while True:
                for e in self.events[since:]:
                    if e.get("type") in kinds:
                        return e
                    if e.get("type") in fatal:
                        raise Trouble(f"phone {self.name}: {e.get('type')} {e.get('param', '')}".rstrip())
                left = end - time.monotonic()
                if left <= 0 or self.process.poll() is not None:
                    raise Trouble(f"phone {self.name}: no {' or '.join(kinds)} within {seconds:g} seconds; its log "
                                  f"ends:\n{self.log_tail()}")
                self._seen.wait(min(left, 0.5))

    def statistics(self):
        """The phone's own count of RTP packets: {'sent': n, 'received': n} from `callstat`."""
        text = self.command("callstat").get("data", "")
        return text

    def tone_heard(self, hertz, seconds=1.0):
        """Does what this phone decoded hold that tone? From its own recording of the received audio."""
        files = sorted(self.folder.glob("dump-*-dec.wav"))
        if not files:
            return 0.0
        raw = files[-1].read_bytes()[44:]
        with wave.open(str(files[-1])) as w:
            rate, channels = w.getframerate(), w.getnchannels()
        samples = struct.unpack(f"<{len(raw) // 2}h", raw[:len(raw) // 2 * 2])[::channels]
        n = int(rate * seconds)
        return goertzel(samples[-n:], rate, hertz)

    def stop(self):
        if not self.process:
            return
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(3)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.socket:
            self.socket.close()


HEADLESS = """\
# A phone without microphone and loudspeaker: it sends a tone and records what it hears.
net_interface {address}
audio_player aubridge,{name}
audio_source ausine,{tone}
audio_alert aubridge,{name}-alert
ausrc_srate 48000
ausrc_channels 2
auplay_srate 48000
auplay_channels 2
rtp_stats yes
snd_path {folder}
ctrl_tcp_listen {address}:{control_port}
"""
HEADLESS_MODULES = ["ausine.so", "aubridge.so", "sndfile.so"]


def make_headless(folder, name, address, tone, control_port):
    """Turn an issued baresip configuration into one for a machine without sound; nothing about SIP, TLS or SRTP is
    touched."""
    folder = pathlib.Path(folder)
    ours = HEADLESS.format(**locals())
    mine = {line.split()[0] for line in ours.splitlines() if line and line[0] != "#"}
    kept, modules = [], []
    for line in (folder / "config").read_text().splitlines():
        words = line.split()
        if words and words[0] in mine:
            continue
        if words and words[0] in ("module", "module_app", "module_tmp"):
            if any(m in words[1] for m in ("alsa", "pulse", "oss", "stdio", "cons", "jack", "v4l2", "x11")):
                continue
            modules.append(words[1])
        kept.append(line)
    kept += [f"module {m}" for m in HEADLESS_MODULES if m not in modules]
    if "ctrl_tcp.so" not in modules:
        kept.append("module_app ctrl_tcp.so")
    if "menu.so" not in modules:
        kept.append("module_app menu.so")
    if not any(line.startswith("module_path") for line in kept):
        kept.insert(0, "module_path /usr/lib/baresip/modules")
    (folder / "config").write_text(ours + "\n".join(kept) + "\n")
    (folder / "contacts").touch()
