"""Two network namespaces with a veth between them: the load's on core 1, the relay's on core 0. What the kernel does for the
relay (receiving, and a program in its driver) is done by one thread on the relay's core, so that it is counted as the
relay's; what happens to a packet behind the relay happens on its core too, as a driver's sending does, and is the same for all.
With two senders there is no such thread: each core receives what it sends (Bed)."""
import contextlib
import ctypes
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

RELAY_CORE, LOAD_CORE = 0, 1
LOAD, RELAY = "10.99.0.1", "10.99.0.2"
# What is measured goes before whatever else this machine does: the link's driver as an interrupt would, then the relay; the
# load and its senders likewise on their core. Others are left the twentieth of each core that Linux keeps for them.
FIFO_RELAY, FIFO_LINK, FIFO_SENDER, FIFO_LOAD = 9, 10, 10, 11
HELD_TIMES, HELD_NS = 100, 500000    # interrupts of an interface that keeps them back


def die_with_parent():
    """For preexec_fn: the kernel kills this process when the bench ends, however that happens."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)   # PR_SET_PDEATHSIG


def run(*argv):
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)


def cpu_us(tasks):
    """Microseconds on a processor of these threads (/proc/PID/schedstat counts in nanoseconds)."""
    total = 0
    for t in tasks:
        try:
            total += int(pathlib.Path(f"/proc/{t}/schedstat").read_text().split()[0])
        except (OSError, IndexError):
            pass
    return total / 1000


def kernel_thread(name):
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if (entry / "comm").read_text().strip().startswith(name):
                    return int(entry.name)
            except OSError:
                pass
    raise RuntimeError(f"no thread {name}")


def sweep():
    """Namespaces of a bench that was killed outright, and so could not remove them itself."""
    for ns in pathlib.Path("/run/netns").glob("rfm-[gr]*"):
        if not pathlib.Path(f"/proc/{ns.name[5:]}/exe").exists():   # nor does a zombie have one
            subprocess.run(["ip", "netns", "del", ns.name], stderr=subprocess.DEVNULL, check=False)


class Bed:
    def __init__(self, mediaload, senders=1):
        """senders: 1, as above. 2: one on each core, each with a queue of the link. What is received is then dealt with on the
        core where it was sent, as by a card with two queues, without a thread between."""
        self.mediaload, self.senders = str(mediaload), senders
        self.gen, self.rel = f"rfm-g{os.getpid()}", f"rfm-r{os.getpid()}"
        self.dev_gen, self.dev_rel = f"mg{os.getpid()}", f"mr{os.getpid()}"

    def __enter__(self):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))   # by way of __exit__
        sweep()
        try:
            for ns in (self.gen, self.rel):
                run("ip", "netns", "add", ns)
                run("ip", "-n", ns, "link", "set", "lo", "up")
            queues = ("numrxqueues", str(self.senders), "numtxqueues", str(self.senders))
            run("ip", "link", "add", self.dev_gen, "address", "02:00:00:00:00:01", *queues, "netns", self.gen, "type", "veth",
                "peer", "name", self.dev_rel, "address", "02:00:00:00:00:02", *queues, "netns", self.rel)
            for ns, dev, address in ((self.gen, self.dev_gen, LOAD), (self.rel, self.dev_rel, RELAY)):
                run("ip", "-n", ns, "addr", "add", f"{address}/24", "dev", dev)
                run("ip", "-n", ns, "link", "set", dev, "up")
                run("ip", "netns", "exec", ns, self.mediaload, "--prepare", dev)
            self.soft = kernel_thread(f"ksoftirqd/{RELAY_CORE}")
            self.threads = [self.soft]
            if self.senders == 1:
                self.thread()
            else:
                self.spread()
            return self
        except BaseException:
            self.__exit__()
            raise

    def threaded(self, yes):
        run("ip", "netns", "exec", self.rel, "sh", "-c", f"echo {yes} >/sys/class/net/{self.dev_rel}/threaded")

    def thread(self):
        self.threaded(1)
        driver = kernel_thread(f"napi/{self.dev_rel}")
        os.sched_setaffinity(driver, {RELAY_CORE})
        os.sched_setscheduler(driver, os.SCHED_FIFO, os.sched_param(FIFO_LINK))
        self.threads = [self.soft, driver]

    def spread(self):
        """What a core sends goes onto that core's queue: else one core's packets end on the other behind the relay."""
        for ns, dev in ((self.gen, self.dev_gen), (self.rel, self.dev_rel)):
            for core in range(self.senders):
                run("ip", "netns", "exec", ns, "sh", "-c", f"echo {1 << core:x} >/sys/class/net/{dev}/queues/tx-{core}/xps_cpus")

    def cable(self):
        """Frames that the link had no room for, so far: towards the relay, and behind it. (256 of each queue.)"""
        out = subprocess.run(["ip", "-n", self.rel, "-s", "-j", "link", "show", self.dev_rel], capture_output=True, check=True)
        stats = json.loads(out.stdout)[0]["stats64"]
        return stats["rx"]["dropped"], stats["tx"]["dropped"]

    @contextlib.contextmanager
    def single(self):
        """For the time of single packets. What is received is dealt with where it was sent, up to the relay's socket, as by a card
        whose interrupts another core takes: waking a thread for each packet takes longer here than any relay does. And the
        relay's core does not sleep: something of the lowest class turns there, which all else interrupts at once."""
        self.threaded(0)
        spinner = subprocess.Popen(["taskset", "-c", str(RELAY_CORE), "chrt", "--idle", "0", "sh", "-c", "while :; do :; done"],
                                   preexec_fn=die_with_parent)
        try:
            yield
        finally:
            spinner.kill()
            spinner.wait()
            self.thread()

    def __exit__(self, *_):
        for ns in (self.gen, self.rel):
            subprocess.run(["ip", "netns", "del", ns], stderr=subprocess.DEVNULL, check=False)

    def hold_back(self, held):
        """As docs/relay.md says for --poll, or as a kernel has it from the start."""
        base = f"/sys/class/net/{self.dev_rel}"
        run("ip", "netns", "exec", self.rel, "sh", "-c", f"echo {HELD_TIMES if held else 0} >{base}/napi_defer_hard_irqs; "
            f"echo {HELD_NS if held else 0} >{base}/gro_flush_timeout")

    def kernel_us(self):
        return cpu_us(self.threads)


class Load:
    """mediaload, told what to do line by line."""

    def __init__(self, bed, mode, calls, packets, mux=False):
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", bed.gen, "taskset", "-c", str(LOAD_CORE), "chrt", "-f", str(FIFO_LOAD), bed.mediaload, "--dev",
             bed.dev_gen, "--from", LOAD, "--priority", str(FIFO_SENDER), "--ng", f"{RELAY}:2223", "--mode", mode,
             "--calls", str(calls), "--packets", str(packets), "--senders", str(bed.senders),
             *(["--mux"] if mux else [])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        self.packets = packets
        self.hear()

    def hear(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("mediaload ended")
        return json.loads(line)

    def tell(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        return self.hear()

    def end(self):
        self.process.stdin.close()
        self.process.wait(30)


class Relay:
    """A relay on its core: what it is called, how it is started, what it costs."""
    name = "?"
    learns = False    # a stream that it has seen for a while goes a shorter way
    held = False    # the relay's interface keeps its interrupts back

    def __init__(self, bed, work, workers=1):
        """workers: threads, of which the first has the relay's core and a second one the load's beside it."""
        self.bed, self.work, self.workers, self.process = bed, work, workers, None

    def argv(self):
        raise NotImplementedError

    def start(self):
        self.bed.hold_back(self.held)
        cores = str(RELAY_CORE) if self.workers == 1 else f"{RELAY_CORE},{LOAD_CORE}"
        fifo = FIFO_RELAY if self.bed.senders == 1 else FIFO_LOAD   # a sender on its core never sleeps
        with open(self.work / f"{self.name}.log", "ab") as log:
            self.process = subprocess.Popen(["ip", "netns", "exec", self.bed.rel, "taskset", "-c", cores, "chrt", "-f", str(fifo)] +
                                            self.argv(), stdin=subprocess.PIPE, stdout=log, stderr=log, preexec_fn=die_with_parent)
        self.wait()

    def wait(self):
        end = time.monotonic() + 10
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.name} ended: {(self.work / f'{self.name}.log').read_text()[-500:]}")
            if self.ready():
                return
            time.sleep(0.05)
        raise RuntimeError(f"{self.name} does not come up")

    def ready(self):
        """Somebody hears UDP port 2223 in the relay's namespace."""
        table = subprocess.run(["ip", "netns", "exec", self.bed.rel, "cat", "/proc/net/udp", "/proc/net/udp6"], text=True,
                               capture_output=True, check=True).stdout
        return ":08AF " in table

    def stop(self):
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def pids(self):
        """The process and every one below it."""
        children = {}
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                except (OSError, IndexError):
                    continue
                children.setdefault(parent, []).append(int(entry.name))
        out, todo = [], [self.process.pid]
        while todo:
            out.append(todo.pop())
            todo += children.get(out[-1], [])
        return out

    def cpu_us(self):
        """Of its own threads; the kernel's receiving thread is the bed's."""
        return cpu_us(f"{p}/task/{t.name}" for p in self.pids() for t in pathlib.Path(f"/proc/{p}/task").glob("*"))

    def pss_kb(self):
        total = 0
        for p in self.pids():
            try:
                total += int(next(line.split()[1] for line in open(f"/proc/{p}/smaps_rollup") if line.startswith("Pss:")))
            except (OSError, StopIteration):
                pass
        return total


class Rtpengine(Relay):
    """Debian's, in userspace (its kernel module is not for sale here: --table=-1), one worker thread on its one core."""
    name = "rtpengine"

    def argv(self):
        return ["rtpengine", "--foreground", "--log-stderr", "--table=-1", f"--interface={RELAY}", f"--listen-ng={RELAY}:2223",
                "--port-min=10000", "--port-max=60000", "--log-level=2", f"--num-threads={self.workers}", "--delete-delay=0",
                f"--pidfile={self.work}/rtpengine.pid"]


class RtpengineHeld(Rtpengine):
    """The same, on an interface that keeps its interrupts back, as ringfort-poll has it."""
    name = "rtpengine-held"
    held = True


class Ringfort(Relay):
    """Ours, all in userspace: one worker."""
    name = "ringfort"
    fast = xdp = poll = False

    def argv(self):
        binary = pathlib.Path(self.bed.mediaload).parents[1] / "src" / "ringfort"
        return [str(binary), "relay", "--listen-ng", f"{RELAY}:2223", "--peer", LOAD, "--interface", f"bench/{RELAY}", "--ports",
                "10000-60000", "--workers", str(self.workers), *(["--fast", self.bed.dev_rel] if self.fast else []),
                *(["--xdp", self.bed.dev_rel] if self.xdp else []), *(["--poll"] if self.poll else [])]


class Fast(Ringfort):
    """Ours, with the kernel's way where it can go."""
    name = "ringfort-fast"
    fast = learns = True


class Xdp(Ringfort):
    """Ours, in userspace, packets past the sockets."""
    name = "ringfort-xdp"
    xdp = learns = True


class Poll(Ringfort):
    """Ours, by sockets, packets fetched from the driver."""
    name = "ringfort-poll"
    poll = held = True


class Wire(Relay):
    """No relay: what the link itself costs and how long a packet takes there and back."""
    name = "wire"

    def argv(self):
        return [self.bed.mediaload, "--echo", self.bed.dev_rel]

    def ready(self):
        return "ready" in (self.work / "wire.log").read_text()

    def start(self):
        (self.work / "wire.log").unlink(missing_ok=True)
        super().start()


class Kernel(Relay):
    """The kernel's way of ours alone: streams that were told to it, nobody in userspace."""
    name = "kernel"

    def __init__(self, bed, work, calls):
        super().__init__(bed, work)
        self.calls = calls

    def argv(self):
        return [str(pathlib.Path(self.bed.mediaload).parents[1] / "tests" / "unit" / "media" / "fast_pass"), self.bed.dev_rel]

    def start(self):
        self.log = self.work / "kernel.log"
        self.log.unlink(missing_ok=True)
        super().start()
        self.process.stdin.write(f"calls {self.calls} {RELAY} {LOAD}\n".encode())
        self.process.stdin.flush()
        while not self.log.read_text().endswith(f"\n{2 * self.calls}\n"):
            time.sleep(0.05)

    def ready(self):
        return "ready" in self.log.read_text()
