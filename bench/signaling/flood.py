#!/usr/bin/env python3
"""Emergency calls, calls of the highest precedence and ordinary calls, placed while strangers flood the controller with
INVITEs: does each go through, and how long does it take? See bench/README.md.

    bench/signaling/flood.py BUILD-DIR [--rate 20000] [--seconds 20] [--sources 1000] [--only NAME]
"""
import argparse
import csv
import datetime
import json
import pathlib
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

from run import FIRST, LOAD_CORE, Load, link_phones
from server import DOMAIN, Ringfort, die_with_parent

CARRIER_PORT, PLAIN_PORT, TLS_PORT = 15990, 15060, 15061
GROUP = 10          # phones of a kind: five call, five are called
CALL_RATE = 20      # of each kind
KINDS = {"emergency": {"to": "112"}, "flash-override": {"header": "Resource-Priority: dsn.flash-override"}, "ordinary": {}}

SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/{} 0\r\n{}"
CRYPTO = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:PSTsVRgOTmWhdS6A7pJ4IYuPK3qAhe8LZEKzXa4Y\r\n"

EXTRA = """\
trunks:
  - {{ name: carrier, peer: 127.0.0.1, port: {port}, ca: carrier-ca.pem, certificate: [sip.carrier.example], channels: 10000,
       caller_number: "+4930999" }}
emergency: {{ numbers: [112], via: [carrier] }}
dial_plans: {{ default: {{ country_code: "49", area_code: "30", outside: "0" }} }}
dial_plan: default
"""


def carrier_pki(folder):
    folder.mkdir()

    def openssl(*argv):
        subprocess.run(["openssl", *argv], check=True, capture_output=True, cwd=folder)
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=carrier CA")
    (folder / "ext").write_text("subjectAltName=DNS:sip.carrier.example\nextendedKeyUsage=serverAuth,clientAuth\n")
    openssl("req", *curve, "-keyout", "key.pem", "-out", "csr", "-subj", "/CN=carrier")
    openssl("x509", "-req", "-in", "csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "cert.pem",
            "-days", "1", "-extfile", "ext")


class Carrier:
    """A peer over TLS that takes every call at once."""

    def __init__(self, pki):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(pki / "cert.pem", pki / "key.pem")
        self.listening = socket.create_server(("127.0.0.1", CARRIER_PORT), backlog=64)
        self.calls = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                s, _ = self.listening.accept()
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._serve, args=(self.context.wrap_socket(s, server_side=True),), daemon=True).start()
            except ssl.SSLError:
                continue
            except OSError:
                return

    def _serve(self, s):
        pending = b""
        while True:
            try:
                piece = s.recv(65536)
            except OSError:
                return
            if not piece:
                return
            pending += piece
            while b"\r\n\r\n" in pending:
                head, _, rest = pending.partition(b"\r\n\r\n")
                found = re.search(rb"(?im)^(?:content-length|l)\s*:\s*(\d+)", head)
                n = int(found.group(1)) if found else 0
                if len(rest) < n:
                    break
                if head.strip():
                    s.sendall(self._answer(head.decode(errors="replace"), rest[:n]))
                pending = rest[n:]

    def _answer(self, head, body):
        lines = head.lstrip().split("\r\n")
        method = lines[0].split()[0]
        if method in ("ACK", "SIP/2.0"):
            return b""
        kept = [x for x in lines[1:] if x.lower().startswith(("via:", "from:", "to:", "call-id:", "cseq:", "v:", "f:", "t:", "i:"))]
        kept = [x + ";tag=c" if x.lower().startswith(("to:", "t:")) and ";tag=" not in x else x for x in kept]
        sdp = ""
        if method == "INVITE":
            self.calls += 1
            secure = b"RTP/SAVP" in body
            sdp = SDP.format("SAVP" if secure else "AVP", CRYPTO if secure else "")
            kept += [f"Contact: <sip:c@127.0.0.1:{CARRIER_PORT};transport=tls>", "Content-Type: application/sdp"]
        return ("\r\n".join(["SIP/2.0 200 OK", *kept, f"Content-Length: {len(sdp)}"]) + "\r\n\r\n" + sdp).encode()


class Flooded(Ringfort):
    """A site with a carrier for emergency calls and a group of phones with the highest precedence."""

    def __init__(self, *args, level, carrier_ca, **kw):
        super().__init__(*args, users=level == "minimum", **kw)
        self.level, self.carrier_ca = level, carrier_ca

    def site_text(self):
        if self.level == "minimum":
            return super().site_text() + EXTRA.format(port=CARRIER_PORT)
        return (f"site: bench\ndomain: {DOMAIN}\nlevel: {self.level}\nphones_file: phones.csv\n"
                "zones:\n  server: { subnet: 127.0.0.0/8 }\n"
                "hosts:\n  - { name: bench, zone: server, address: 127.0.0.1, roles: [controller] }\n"
                f"sip:\n  workers: {self.workers}\n  listen:\n    - {{ transport: tls, port: {self.tls_port} }}\n"
                f"limits:\n{self.limits()}") + EXTRA.format(port=CARRIER_PORT)

    def limits(self):
        """As they are without a word in the site file, but for what one number may do: few phones place many calls."""
        return "  calls_per_number: 1000\n  requests_per_second: 1000\n  messages_per_second: 2000\n"

    def make_site(self):
        if self.site.exists():
            return
        self.site.mkdir()
        (self.site / "carrier-ca.pem").write_bytes(self.carrier_ca.read_bytes())
        super().make_site()
        file = self.site / "phones.csv"
        rows = list(csv.DictReader(x for x in file.read_text().splitlines() if x and not x.startswith("#")))
        with file.open("w") as f:
            names = [*dict.fromkeys([*rows[0], "precedence"])]
            out = csv.DictWriter(f, names, lineterminator="\n")
            out.writeheader()
            for row in rows:
                high = GROUP <= int(row["number"]) - FIRST < 2 * GROUP
                out.writerow({**row, "precedence": "dsn.flash-override" if high else ""})
        for n in range(FIRST + GROUP, FIRST + 2 * GROUP) if self.users else ():
            self.command("user", "set", n, "--precedence", "flash-override", "--namespace", "dsn")


class Flood:
    def __init__(self, a, server, via, rate):
        port = server.tls_port if via == "tls" else server.plain_port
        argv = ["nice", "-n", "5", "taskset", "-c", str(LOAD_CORE), str(a.sipload), "--server", f"127.0.0.1:{port}",
                "--via", via, "--mode", "flood", "--domain", DOMAIN, "--pki", str(server.phone_pki), "--first", str(FIRST),
                "--phones", str(server.phones), "--rate", str(rate), "--sources", str(a.sources), "--seconds", str(a.seconds + 4)]
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        self.process.stdout.readline()

    def end(self):
        got = json.loads(self.process.stdout.readline())
        self.process.wait(30)
        return got


def one(a, server, callers_via, floods):
    """Calls of each kind at CALL_RATE while these (via, rate) pour in."""
    server.start()
    try:
        time.sleep(1.5)     # the carrier's health is asked
        loads = {}
        for i, (kind, options) in enumerate(KINDS.items()):
            password = {"password": "secret-"} if server.users else {}
            loads[kind] = Load(a.sipload, server, callers_via, "calls", server.phone_pki, first=FIRST + i * GROUP, phones=GROUP,
                               window=256, rate=CALL_RATE, count=CALL_RATE * a.seconds, seconds=a.seconds + 40, nice=-5,
                               **options, **password)
            loads[kind].mark("ready")
        pouring = [Flood(a, server, via, rate) for via, rate in floods]
        time.sleep(1)
        before = server.cpu_us()
        began = time.monotonic()
        for load in loads.values():
            load.go()
        results = {kind: load.mark("done") for kind, load in loads.items()}
        cpu = (server.cpu_us() - before) / 1e6 / (time.monotonic() - began)
        poured = [f.end() for f in pouring]
        for load in loads.values():
            load.end()
        return {"results": results, "poured": poured, "cpu": cpu}
    finally:
        server.stop()


def show(name, floods, got):
    print(f"{name}: server {got['cpu'] * 100:.0f} % of a core", flush=True)
    for (via, rate), p in zip(floods, got["poured"]):
        print(f"  flood over {via}: {p['sent'] / p['seconds']:.0f} INVITEs a second sent of {rate} asked, {p['not_taken']} not taken, "
              f"{p['connected']} connections, {p['thrown_out']} thrown out, {p['answers']} answers")
    bad = 0
    for kind, r in got["results"].items():
        print(f"  {kind:14} {r['done']} calls, {r['failed']} failed{': ' + r['why'] if r['failed'] else ''}; answered within p50 "
              f"{r['p50_us'] / 1000:.1f} ms, p99 {r['p99_us'] / 1000:.1f} ms, most {r['max_us'] / 1000:.1f} ms, {r['repeats']} repeats",
              flush=True)
        bad += r["failed"] if kind != "ordinary" else 0
    return bad


def cases(rate):
    third = rate // 3
    return [
        ("quiet", "minimum", "tls", []),
        ("udp", "minimum", "tls", [("udp", rate)]),
        ("udp-callers-udp", "minimum", "udp", [("udp", rate)]),
        ("tcp", "minimum", "tls", [("tcp", rate)]),
        ("tls", "minimum", "tls", [("tls", rate)]),
        ("all", "minimum", "tls", [("udp", rate - 2 * third), ("tcp", third), ("tls", third)]),
        ("medium-quiet", "medium", "tls", []),
        ("medium-tls", "medium", "tls", [("tls", rate)]),
    ]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("build", type=pathlib.Path)
    p.add_argument("--rate", type=int, default=20000)
    p.add_argument("--seconds", type=int, default=20)
    p.add_argument("--sources", type=int, default=1000)
    p.add_argument("--only", action="append", default=[])
    p.add_argument("--json", type=pathlib.Path)
    a = p.parse_args()
    a.sipload = a.build.resolve() / "bench" / "sipload"
    bad, out = 0, {"at": datetime.datetime.now().isoformat(timespec="seconds"), "cases": {}}
    with tempfile.TemporaryDirectory(prefix="ringfort-flood-") as tmp:
        tmp = pathlib.Path(tmp)
        carrier_pki(tmp / "carrier")
        carrier = Carrier(tmp / "carrier")
        servers = {}
        for level in ("minimum", "medium"):
            (tmp / level).mkdir()
            servers[level] = Flooded(tmp / level, PLAIN_PORT, TLS_PORT, 0, binary=a.build.resolve() / "src" / "ringfort",
                                     first=FIRST, phones=GROUP * len(KINDS), level=level, carrier_ca=tmp / "carrier" / "ca.pem")
        for name, level, callers_via, floods in cases(a.rate):
            if a.only and name not in a.only:
                continue
            server = servers[level]
            if not server.site.exists():
                server.make_site()
                pki = server.work / "pki"
                pki.mkdir()
                (pki / "ca.pem").symlink_to(server.site / "pki" / "ca.pem")
                link_phones(pki, lambda n: server.site / "pki" / "phones" / f"p{n}" / "cert.pem",
                            lambda n: server.site / "pki" / "phones" / f"p{n}" / "key.pem",
                            range(FIRST, FIRST + server.phones))
                server.phone_pki = pki
            got = one(a, server, callers_via, floods)
            bad += show(name, floods, got)
            out["cases"][name] = got
        assert carrier.calls or not out["cases"], "the carrier saw no call"
    if a.json:
        a.json.write_text(json.dumps(out, indent=1))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
