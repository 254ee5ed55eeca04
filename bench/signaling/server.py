"""The two servers that are measured, started and watched alike. CPU and memory are the kernel's own account of all
processes of the server: time on a processor from /proc/PID/task/*/schedstat, proportional set size from /proc/PID/smaps_rollup."""
import contextlib
import ctypes
import datetime
import os
import pathlib
import signal
import socket
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
DOMAIN = "voice.example.org"


def die_with_parent():
    """For preexec_fn: the kernel kills this process when the bench ends, however that happens."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)   # PR_SET_PDEATHSIG


def die_with_bench(process):
    """The same for a server that changes its user, which makes the kernel forget that (prctl(2)): a shell in a session of
    its own, which no signal to the bench reaches, waits for the end of a pipe that only the bench holds, and then kills
    the server's session."""
    return subprocess.Popen(["sh", "-c", "read -r _; kill -9 -$0 2>/dev/null", str(process.pid)], stdin=subprocess.PIPE,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


def descendants(pid):
    """pid and every process below it."""
    children = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
            children.setdefault(parent, []).append(int(entry.name))
    out, todo = [], [pid]
    while todo:
        p = todo.pop()
        out.append(p)
        todo += children.get(p, [])
    return out


def wait_for_port(port, seconds=20, listens=True):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with socket.socket() as s:
            s.settimeout(0.2)
            if (s.connect_ex(("127.0.0.1", port)) == 0) == listens:
                return
        time.sleep(0.05)
    raise RuntimeError(f"{'nothing' if listens else 'something still'} listens on port {port}")


class Server:
    """One server process tree on one core."""
    name = "?"
    end = signal.SIGTERM

    def __init__(self, work, plain_port, tls_port, core):
        self.work = pathlib.Path(work)
        self.plain_port, self.tls_port, self.core = plain_port, tls_port, core
        self.process = self.guard = None

    def spawn(self, argv, **kw):
        log = open(self.work / f"{self.name}.log", "ab")
        self.process = subprocess.Popen(["taskset", "-c", str(self.core)] + argv, stdout=log, stderr=log,
                                        stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=die_with_parent,
                                        **kw)
        self.guard = die_with_bench(self.process)

    def roots(self):
        return [self.process.pid]

    def pids(self):
        return [p for root in self.roots() for p in descendants(root)]

    def cpu_us(self):
        """CPU used so far by all threads of its processes that live, in microseconds; what the scheduler counted, not
        what a sampling clock saw."""
        ns = 0
        for pid in self.pids():
            for task in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"):
                try:
                    ns += int(task.read_text().split()[0])
                except OSError:
                    continue
        return ns // 1000

    def pss_kb(self):
        total = 0
        for pid in self.pids():
            try:
                for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                    if line.startswith("Pss:"):
                        total += int(line.split()[1])
            except OSError:
                continue
        return total

    def kill(self):
        """As a power cut ends it."""
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.forget()

    def forget(self):
        """Its processes have ended: the number of their session may be somebody else's next."""
        self.guard.kill()
        self.guard.wait()
        self.guard.stdin.close()
        self.process = self.guard = None

    def stop(self):
        if not self.process:
            return
        self.process.send_signal(self.end)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            for pid in self.pids():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait()
        self.forget()
        wait_for_port(self.plain_port, listens=False)   # its children may end after it
        wait_for_port(self.tls_port, listens=False)


class Kamailio(Server):
    """Debian's kamailio as a registrar and stateful proxy, with the quick allocator."""
    name = "kamailio"
    end = signal.SIGKILL   # unshare heeds nothing else, and takes the others with it

    def __init__(self, *args, pki, digest=True, shared_mb=1024):
        super().__init__(*args)
        self.pki, self.digest, self.shared_mb = pki, digest, shared_mb

    def start(self, fresh=True):   # it never keeps anything
        modules = next(p for p in ("/usr/lib/x86_64-linux-gnu/kamailio/modules", "/usr/lib64/kamailio/modules",
                                   "/usr/lib/aarch64-linux-gnu/kamailio/modules") if os.path.isdir(p))
        text = (HERE / "kamailio.cfg.in").read_text()
        for key, value in {"DOMAIN": DOMAIN, "PLAIN_PORT": self.plain_port, "TLS_PORT": self.tls_port, "PKI": self.pki,
                           "MPATH": modules}.items():
            text = text.replace(f"@{key}@", str(value))
        config = self.work / "kamailio.cfg"
        config.write_text(text)
        # As root in a process namespace: its many processes end with us, however we end.
        alone = ["unshare", "--pid", "--fork", "--kill-child"] if os.geteuid() == 0 else []
        self.spawn([*alone, "kamailio", "-f", str(config), "-DD", "-E", "-m", str(self.shared_mb), "-M", "32", "-x", "tlsf", "-X", "tlsf",
                    "-Y", str(self.work)] + (["-A", "WITH_DIGEST"] if self.digest else []))
        wait_for_port(self.plain_port)
        wait_for_port(self.tls_port)


class Ringfort(Server):
    """ringfort's controller: a back-to-back user agent that authenticates every request. One worker.

    The bench's site is at level minimum with written deviations for UDP, TCP and plain media, because that is what
    kamailio is compared over; over TLS the phones show certificates, and with users=True each request needs the
    password of its user too, as at highest."""
    name = "ringfort"

    def __init__(self, *args, binary, first, phones, users=True, workers=1, addresses=False):
        super().__init__(*args)
        self.addresses = addresses      # each phone has its own: the site's own bounds hold
        self.binary, self.first, self.phones, self.users, self.workers = str(binary), first, phones, users, workers
        self.site = self.work / "site"

    def command(self, *argv, stdin=None):
        done = subprocess.run([self.binary, "-C", str(self.site), *map(str, argv)], input=stdin, text=True,
                              capture_output=True)
        if done.returncode:
            raise RuntimeError(f"ringfort {' '.join(map(str, argv))}: {done.stderr.strip()}")
        return done.stdout

    def limits(self):
        """None that matters: one address plays all phones."""
        return ("  calls: 100000\n  calls_per_number: 1000\n  connections: 100000\n  connections_per_source: 100000\n"
                "  handshakes_per_second: 100000\n  messages_per_second: 1000000\n  requests_per_second: 100000\n")

    def site_text(self):
        until = datetime.date.today() + datetime.timedelta(days=30)
        return f"""site: bench
domain: {DOMAIN}
level: minimum
phones_file: phones.csv
zones:
  server: {{ subnet: 127.0.0.0/8 }}
hosts:
  - {{ name: bench, zone: server, address: 127.0.0.1, roles: [controller] }}
sip:
  workers: {self.workers}
  require_user: {"true" if self.users else "false"}
  listen:
    - {{ transport: tls, port: {self.tls_port} }}
    - {{ transport: tcp, port: {self.plain_port} }}
    - {{ transport: udp, port: {self.plain_port} }}
  register: {{ bindings: 12 }}
media: {{ encryption: optional }}
limits:
{self.limits_of_phones() if self.addresses else self.limits()}deviations:
  - {{ mitigation: ph-auth-signaling-encryption, reason: bench over plain transports, approved_by: bench, until: {until} }}
  - {{ mitigation: ph-auth-media-encryption, reason: bench over plain transports, approved_by: bench, until: {until} }}
"""

    def limits_of_phones(self):
        """As they are without a word in the site file, but for the twenty who call all the time from one address."""
        return "  calls_per_number: 1000\n  requests_per_second: 1000\n  messages_per_second: 5000\n"

    def set_workers(self, n, core):
        """So many, on these cores ("0,1"), from its next start on."""
        self.workers, self.core = n, core
        (self.site / "site.yaml").write_text(self.site_text())

    def worker_threads(self):
        """Their /proc directories, by the worker's number."""
        tasks = [t for pid in self.pids() for t in pathlib.Path(f"/proc/{pid}/task").glob("*")]
        named = {t: (t / "comm").read_text().strip() for t in tasks}
        return {int(name.rsplit("-", 1)[1]): t for t, name in named.items() if name.startswith("rf-worker-")}

    def pin_workers(self, cores):
        for i, core in enumerate(cores):
            os.sched_setaffinity(int(self.worker_threads()[i].name), {core})

    def workers_us(self):
        return sum(int((t / "schedstat").read_text().split()[0]) for t in self.worker_threads().values()) // 1000

    def make_site(self):
        if (self.site / "site.yaml").exists():
            return
        self.site.mkdir(exist_ok=True)
        (self.site / "site.yaml").write_text(self.site_text())
        subprocess.run([self.binary, "init", str(self.site)], check=True, capture_output=True)
        numbers = range(self.first, self.first + self.phones)
        self.command("phone", "add", "--file", "-", stdin="name,number\n" + "".join(f"p{n},{n}\n" for n in numbers))
        if self.users:
            self.command("user", "add", "--file", "-", stdin="name,number,password\n" + "".join(f"{n},{n},secret-{n}\n" for n in numbers))

    def start(self, fresh=True):
        self.make_site()
        for old in (self.site / "state").glob("bindings.*") if fresh else ():   # each round begins without registrations, as kamailio's
            old.unlink()
        self.spawn([self.binary, "-C", str(self.site), "run", "controller"])
        wait_for_port(self.tls_port)
