"""SIP programs of others as phones of a site: sipp with our scenarios.

A scenario in sipp/ is sipp's own XML. What many have in common stands in parts: `<include part="invite"/>`. Words
between @ are values: of the run (domain, own number), of the include, or by default as below; OFFER and ACKBODY name
a part.
"""
import pathlib
import re
import socket
import subprocess

import lab
from lab import die_with_parent, wait_until

FOLDER = pathlib.Path(__file__).resolve().parent / "sipp"
DEFAULTS = {"OFFER": "offer", "ACKBODY": "nobody", "DIRECTION": "sendrecv", "ANSWERED": "sendrecv", "EXTRA": "",
            "TAG": "s", "PAUSE": "200", "RETRANS": "", "CODE": "200", "STAY": "0", "METHOD": "INVITE", "REACK": "reack",
            "REACKED": "acked", "AFTER": "nothing", "REFERRED": "202", "OUTCOME": "200", "MOVED": "sendrecv",
            "CONTACT": "<sip:@ME@@[local_ip]:[local_port];transport=[transport]>", "GRANTED": "Contact:", "COMES": "."}
PASSWORD = "correct horse battery"

# A site that also takes what sipp 3.6 can: no TLS, no SRTP, MD5.
OPEN = """\
sip:
  listen:
    - {{ transport: tls, address: {address}, port: 5061 }}
    - {{ transport: udp, address: {address}, port: 5060 }}
    - {{ transport: tcp, address: {address}, port: 5060 }}
  digest: [md5]
media: {{ encryption: optional }}
deviations:
  - {{ mitigation: ph-auth-signaling-encryption, reason: interoperation test, approved_by: tester, until: 2028-01-01 }}
  - {{ mitigation: ph-auth-media-encryption, reason: interoperation test, approved_by: tester, until: 2028-01-01 }}
"""


def _lines_without(text, word):
    return re.sub(rf"(?m)^{word}\n", "", text)


def _fill(text, values):
    def include(match):
        own = dict(re.findall(r'(\w+)="([^"]*)"', match.group(1)))
        part = _fill(own.pop("part"), values)
        part = values.get(f"INSTEAD_OF_{part}", part)
        return _fill((FOLDER / f"{part}.part").read_text(), {**values, **{k: _fill(v, values) for k, v in own.items()}})

    if not values.get("EXTRA"):
        text = _lines_without(text, "@EXTRA@")
    text = re.sub(r"[ \t]*<include ([^>]*)/>\n", include, text)
    for name in ("OFFER", "ACKBODY"):
        if f"@{name}@" in text:
            text = text.replace(f"@{name}@\n", _fill((FOLDER / f"{values[name]}.part").read_text(), values))
    for name, value in values.items():
        if name == "RETRANS" and value:
            value = f' retrans="{value}"'
        text = text.replace(f"@{name}@", str(value))
    return text.replace("&#10;", "\n")


class Sipp:
    """One phone with an address and a number; its runs follow each other on the same port."""

    def __init__(self, site, index, number, user, port=5060, name=None):
        self.site, self.number, self.user, self.port = site, number, user, port
        self.address, self.folder, self.runs = site.phone_address(index), site.folder / f"sipp-{name or number}", 0
        self.folder.mkdir()

    def start(self, scenario, dial=None, transport="udp", to=None, **values):
        """The running process of one scenario, once through."""
        self.runs += 1
        values = {**DEFAULTS, "DOMAIN": self.site.domain, "ME": self.number, **values}
        name = f"{self.runs}-{scenario}"
        file = self.folder / f"{name}.xml"
        file.write_text(_fill((FOLDER / f"{scenario}.xml").read_text(), values))
        uri = f"{dial}@{self.site.domain}" if dial else self.site.domain
        args = ["sipp", to or f"{self.site.address}:5060", "-sf", str(file),
                "-t", {"udp": "u1", "tcp": "t1"}[transport],
                "-i", self.address, "-p", str(self.port), "-mi", self.address, "-m", "1", "-nostdin",
                "-timeout", "9", "-timeout_error", "-s", dial or "0",
                "-au", self.user, "-ap", PASSWORD, "-auth_uri", uri,
                "-trace_err", "-error_file", str(self.folder / f"{name}.errors"),
                "-trace_msg", "-message_file", str(self.folder / f"{name}.messages")]
        process = subprocess.Popen(args, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, preexec_fn=die_with_parent)
        process.scenario, process.trace = name, self.folder / f"{name}.errors"
        self.site.started.append(Ending(process))
        return process

    def finish(self, process, seconds=25):
        try:
            _, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            _, err = process.communicate()
        errors = process.trace.read_text(errors="replace") if process.trace.exists() else ""
        assert process.returncode == 0, (f"{self.number}: {process.scenario} ended with {process.returncode}\n"
                                         f"{err.decode(errors='replace')[-1500:]}\n{errors[:3000]}")

    def run(self, scenario, dial=None, **values):
        self.finish(self.start(scenario, dial, **values))

    def register(self, transport="udp", **values):
        self.run("register", transport=transport, **values)

    def listen(self, scenario, **values):
        """The same for a scenario that waits: returns when the port is open."""
        process = self.start(scenario, **values)
        wait_until(f"sipp {scenario} listens", lambda: self._bound() or process.poll() is not None, 5)
        if process.poll() is not None:
            self.finish(process)
        return process

    def dialog(self, process):
        """Call-ID, our tag and the other's of the dialog that this caller's process has by now."""
        trace = self.folder / f"{process.scenario}.messages"

        def find():
            text = trace.read_text(errors="replace") if trace.exists() else ""
            return re.findall(r"(?s)SIP/2\.0 200 [^\n]*\n.*?\nFrom:[^\n]*tag=([^\s;]+).*?\nTo:[^\n]*tag=([^\s;]+).*?"
                              r"\nCall-ID: (\S+)", text)
        own, other, call_id = wait_until(f"{process.scenario} has a dialog", find, 5)[-1]
        return call_id, own, other

    def _bound(self):
        """Is our UDP port taken? Told by trying."""
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as s:
            try:
                s.bind((self.address, self.port))
            except OSError:
                return True
        return False


class Ending:
    """For Site.started: a process that is stopped at the end of the test."""

    def __init__(self, process):
        self.process = process

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def open_site(make_site, **numbers):
    """A site at level minimum with its deviations, one phone and one user a number, running."""
    site = make_site(level="minimum", up=False)
    site.write(OPEN.format(address=site.address))
    for user, number in numbers.items():
        site.phone_add(f"{user}-phone", number)
        site.run("user", "add", user, "--number", number, "--password-stdin", stdin=PASSWORD + "\n")
    return site.up()


__all__ = ["Sipp", "Ending", "open_site", "PASSWORD", "lab"]
