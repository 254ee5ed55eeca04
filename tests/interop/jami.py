"""jamid, Jami's daemon: the SIP stack of pjsua (PJSIP), driven over a D-Bus of its own, with a sound server of its own: it says a tone,
and what it hears is recorded."""
import os
import pathlib
import struct
import subprocess

import dbus

from lab import die_with_parent, wait_until
from phones import goertzel

BUS = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path={bus}</listen>
<policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy></busconfig>
"""
# A sound server of its own with no card: a sine is its microphone, what is heard is recorded.
SOUND = """\
load-module module-null-sink sink_name=heard
load-module module-null-sink sink_name=said
load-module module-sine sink=said frequency={hertz}
load-module module-native-protocol-unix auth-anonymous=1 socket={socket}
set-default-source said.monitor
"""
AUDIO = dbus.Array([dbus.Dictionary({"MEDIA_TYPE": "MEDIA_TYPE_AUDIO", "ENABLED": "true", "MUTED": "false", "SOURCE": "",
                                     "LABEL": "audio_0"}, signature="ss")], signature="a{ss}")
DAEMON = "/usr/libexec/jamid"


def mostly(heard, hertz):
    """Are most tenths of its last second (8,000 samples) that tone and nothing else? It leaves out and stretches here and there."""
    tenths = [heard[i:i + 800] for i in range(len(heard) - 8000, len(heard), 800)] if len(heard) >= 8000 else []
    return sum(goertzel(t, 8000, hertz) > 0.9 for t in tenths) > 5


class Jami:
    """space: the namespace that it runs in, or none."""

    def __init__(self, folder, space=None, tone=440):
        self.folder, self.space, self.tone = pathlib.Path(folder), space, tone
        self.folder.mkdir()
        self.started, self.connection = [], None

    def _start(self, argv, log, env):
        with open(self.folder / log, "wb") as out:
            self.started.append(subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env, cwd=self.folder,
                                                 preexec_fn=die_with_parent))

    def start(self):
        f = self.folder
        if self.space:      # its pjproject waits for ever for the end of a list of IPv6 addresses (seen with Linux 6.18)
            self.space.run("sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6")
        (f / "bus.conf").write_text(BUS.format(bus=f / "bus"))
        (f / "sound.pa").write_text(SOUND.format(hertz=self.tone, socket=f / "sound"))
        env = {"PULSE_SERVER": f"unix:{f}/sound", "PULSE_RUNTIME_PATH": str(f / "pulse"), "PATH": os.environ["PATH"], "HOME": str(f), "RES_OPTIONS": "timeout:1 attempts:1", "DBUS_SESSION_BUS_ADDRESS": f"unix:path={f}/bus",
               **{f"XDG_{x}_HOME": str(f / x.lower()) for x in ("CONFIG", "DATA", "CACHE")}}
        self._start(["dbus-daemon", "--nofork", f"--config-file={f}/bus.conf"], "bus.log", env)
        self._start(["pulseaudio", "-n", f"--file={f}/sound.pa", "--exit-idle-time=-1", "--daemonize=no", "--use-pid-file=no",
                     "--disallow-exit", "--realtime=no", "--high-priority=no"], "sound.log", env)
        wait_until("bus and sound server are there", lambda: (f / "bus").exists() and (f / "sound").exists(), 10)
        self._start(["parec", "--device=heard.monitor", "--format=s16le", "--rate=8000", "--channels=1", "--raw", f / "heard.raw"],
                    "record.log", env)
        argv = [DAEMON, "-d", "-c", "-p"]
        self._start(self.space.argv(*argv) if self.space else argv, "log", env)
        self.connection = dbus.bus.BusConnection(f"unix:path={f}/bus")
        wait_until("jamid is on its bus", lambda: self.connection.name_has_owner("cx.ring.Ring"), 10)
        self.calls, self.settings = (dbus.Interface(
            self.connection.get_object("cx.ring.Ring", f"/cx/ring/Ring/{part}", introspect=False), f"cx.ring.Ring.{part}")
            for part in ("CallManager", "ConfigurationManager"))
        self.settings.setNoiseSuppressState("off")      # a tone that does not change is noise to it
        self.settings.setAgcState(False)
        return self

    def add_account(self, number, domain, server, cert, key, ca):
        """A phone of ours: TLS to server ("address:port") with its certificate, SRTP with keys in the description."""
        both = self.folder / "cert-and-ca.pem"      # pjproject 2.12 with GnuTLS takes its own certificate from the list of authorities
        both.write_text(cert.read_text() + ca.read_text())
        values = {"Account.type": "SIP", "Account.username": number, "Account.hostname": domain, "Account.routeset": server,
                  "Account.upnpEnabled": "false", "Account.videoEnabled": "false", "TLS.enable": "true",
                  "TLS.certificateFile": str(both), "TLS.privateKeyFile": str(key), "TLS.certificateListFile": str(both),
                  "TLS.serverName": domain, "SRTP.enable": "true", "SRTP.keyExchange": "sdes"}
        values = {**self.settings.getAccountTemplate("SIP"), **values}
        self.account = self.settings.addAccount(dbus.Dictionary(values, signature="ss"))

    def call(self, uri):
        return self.calls.placeCallWithMedia(self.account, uri, AUDIO)

    def accept(self, call):
        return self.calls.acceptWithMedia(self.account, call, AUDIO)

    def hang_up(self, call):
        self.calls.hangUp(self.account, call)

    def incoming(self):
        """A call that rings, or none."""
        for call in self.calls.getCallList(self.account):
            if self.calls.getCallDetails(self.account, call).get("CALL_STATE") == "INCOMING":
                return call
        return None

    def hears(self, hertz):
        file = self.folder / "heard.raw"
        raw = file.read_bytes()[-16000:] if file.exists() else b""
        return mostly(struct.unpack(f"<{len(raw) // 2}h", raw[:len(raw) // 2 * 2]), hertz)

    def stop(self):
        if self.connection:
            self.connection.close()
            self.connection = None
        for p in reversed(self.started):
            p.terminate()
            try:
                p.wait(3)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
        self.started = []
