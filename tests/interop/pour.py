"""Many messages at once: connections side by side, each with a batch under way. What came back is counted message by message, by the
name that each bears in its Call-ID, tag and branch, so that nobody takes what was never read for what did no harm."""
import collections
import re
import socket
import ssl
import threading
import time

NAME = re.compile(rb"r\d+x(\d+)")
LENGTH = re.compile(rb"(?i)\r\n[ \t]*(?:content-length|l)[ \t]*:")
BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")
BATCH = 48


def tells_its_end(data, head):
    """May another message follow it on a stream? `head` is where its body is, but for what was done to it."""
    return data[:1].isalnum() and data.find(b"\r\n\r\n") == head - 4 and len(LENGTH.findall(data, 0, head)) == 1 and not BARE.search(data, 0, head)


def ack(response):
    """For a final answer to an INVITE (RFC 3261 17.1.1.3), or nothing: no trunk leaves those without it."""
    fields = {}
    for line in response.split(b"\r\n"):
        name, colon, value = line.partition(b":")
        if colon and name.lower() not in fields:
            fields[name.lower()] = value.strip()
    if not fields.get(b"cseq", b"").endswith(b"INVITE") or not all(n in fields for n in (b"via", b"from", b"to", b"call-id")):
        return b""
    return (b"ACK sip:x@x.example SIP/2.0\r\nVia: %s\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s ACK\r\nMax-Forwards: 70\r\n"
            b"Content-Length: 0\r\n\r\n" % (fields[b"via"], fields[b"from"], fields[b"to"], fields[b"call-id"], fields[b"cseq"].split()[0]))


class Pour:
    """`sent` messages; of those `answered` got a final answer, `ended` got none before their connection was closed, `silent` got
    nothing within `wait` seconds. `again`: sent once more, because they were behind one that had closed the connection."""

    def __init__(self, server, context, steady=2, single=12, wait=1.0):
        self.server, self.context, self.wait, self.lanes = server, context, wait, [SteadyLane] * steady + [SingleLane] * single
        self.codes, self.lock = collections.Counter(), threading.Lock()
        self.sent = self.answered = self.ended = self.silent = self.again = self.connections = self.acks = 0

    def run(self, messages):
        """messages: an iterator of (number, does it tell its end?, bytes)."""
        self.messages, self.held, failed = iter(messages), {True: collections.deque(), False: collections.deque()}, []

        def run_lane(lane):
            try:
                lane.run()
            except Exception as e:      # told by the thread that asked
                failed.append(e)
        threads = [threading.Thread(target=run_lane, args=(lane(self),)) for lane in self.lanes]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        if failed:
            raise failed[0]
        return self

    def take(self, tells, n):
        """At most n of one kind. What is met of the other kind is kept for the other lanes."""
        with self.lock:
            while len(self.held[tells]) < n and len(self.held[not tells]) < 100 * BATCH and (m := next(self.messages, None)):
                self.held[m[1]].append(m)
            return [self.held[tells].popleft() for _ in range(min(n, len(self.held[tells])))]

    def all_taken(self, tells):
        with self.lock:
            if not self.held[tells] and (m := next(self.messages, None)):
                self.held[m[1]].append(m)
                return False
            return not self.held[tells]

    def count(self, **numbers):
        with self.lock:
            for name, n in numbers.items():
                setattr(self, name, getattr(self, name) + n)


class Lane:
    """One connection, and the next when it is closed."""

    def __init__(self, pour):
        self.pour, self.s, self.rest, self.session = pour, None, b"", None

    def open(self):
        if self.s:
            return
        self.s = self.pour.context.wrap_socket(socket.create_connection(self.pour.server, 10), session=self.session)
        self.s.settimeout(10)
        self.rest = b""
        self.pour.count(connections=1)

    def end(self):
        if self.s:
            self.session = self.s.session
            self.s.close()
        self.s = None

    def read(self, seconds):
        """Final answers that have come, as sets of the numbers that they name; None: it is closed."""
        try:
            self.s.settimeout(seconds)
            got = self.s.recv(262144)
        except TimeoutError:
            return []
        except OSError:
            got = b""
        if not got:
            return None
        *heads, self.rest = (self.rest + got).split(b"\r\n\r\n")     # none has a body
        finals = [h for h in heads if h.startswith(b"SIP/2.0 ") and h[8:9] != b"1"]
        with self.pour.lock:
            self.pour.codes.update(int(h[8:11]) for h in finals)
        return [({int(n) for n in NAME.findall(h)}, h) for h in finals]


class SteadyLane(Lane):
    """Batch after batch; at most four are waited for."""

    def run(self):
        waiting, back = {}, []      # number: (message, when), in order
        while True:
            if len(waiting) < 4 * BATCH:
                batch = back[:BATCH] or self.pour.take(True, BATCH)
                back = back[len(batch):] if back else []
                if not batch and not waiting:
                    if self.pour.all_taken(True):
                        break
                    time.sleep(0.01)
                    continue
                now = time.monotonic()
                waiting.update((m[0], (m, now)) for m in batch)
                self.pour.count(sent=len(batch))
                self.open()
                back += self.say(b"".join(m[2] for m in batch), waiting)
            if waiting and self.s:
                back += self.hear(waiting)
        self.end()

    def say(self, data, waiting):
        try:
            self.s.settimeout(10)
            self.s.sendall(data)
            return []
        except OSError:
            return self.closed(waiting)

    def hear(self, waiting):
        answers, acks = self.read(0.02), []
        if answers is None:
            return self.closed(waiting)
        for names, head in answers:
            acks.append(ack(head))
            for n in names & waiting.keys():
                del waiting[n]
                self.pour.count(answered=1)
        late = time.monotonic() - self.pour.wait
        for n in [n for n, (_, when) in waiting.items() if when < late]:
            del waiting[n]
            self.pour.count(silent=1)
        self.pour.count(acks=sum(1 for a in acks if a))
        return self.say(b"".join(acks), waiting) if acks else []

    def closed(self, waiting):
        """Which of them did it is not known: the first that waits is given up, the others are sent again."""
        behind = [m for m, _ in waiting.values()][1:]
        self.pour.count(ended=len(waiting) - len(behind), again=len(behind), sent=-len(behind))
        waiting.clear()
        self.end()
        return behind


class SingleLane(Lane):
    """A connection for each, which is closed behind it: it may have ended what can be read."""

    def run(self):
        while not self.pour.all_taken(False):
            for m in self.pour.take(False, 1):
                self.one(m)

    def one(self, m):
        self.open()
        self.pour.count(sent=1)
        try:
            self.s.sendall(m[2])
        except OSError:
            pass
        answers = self.read(0.1)        # as a rule it refuses and closes
        self.pour.count(**{"answered" if answers else "ended" if answers is None else "silent": 1})
        self.end()


def context(ca, pair):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.load_verify_locations(ca)
    made.load_cert_chain(*pair)
    return made
