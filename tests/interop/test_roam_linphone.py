"""linphonec outside the border, as `phone config --outside` sets it up: it proves itself by its certificate and by a password, calls and
is called through the relay, writes and is written to, says that it is there, watches a number inside, and gives a call away."""
import os
import re
import wave

import pytest

from borders import Halves
from dialogs import expect
from lab import Linphone, Trouble, have, wait_until
from outside import PHONE, OurRelay, hears, inner_phone
from phones import goertzel
from test_roam_more import write
from test_roam_phones import BEHIND, places  # noqa: F401, a fixture

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not have("linphonec") or not have("baresip"), reason="no root, or linphonec or baresip is not installed")

PASSWORD = "correct horse battery staple"


def write_tone(path, hertz, seconds=20):
    """8 kHz, as linphonec plays it in the place of a microphone."""
    from math import pi, sin
    with wave.open(str(path), "wb") as f:
        f.setnchannels(1)
        f.setsampwidth(2)
        f.setframerate(8000)
        f.writeframes(b"".join(int(8000 * sin(2 * pi * hertz * i / 8000)).to_bytes(2, "little", signed=True)
                               for i in range(8000 * seconds)))


class Outside(Linphone):
    """linphonec with files for a sound card; friends are numbers that it watches."""

    def __init__(self, two, space, name, user=None, friends=()):
        folder = two.site.folder / f"linphone-{name}"
        login = ["--user", user, "--password-stdin"] if user else []
        two.site.run("phone", "config", name, "--for", "linphone", "--outside", *login, "-o", folder, stdin=PASSWORD + "\n" if user else None)
        rc = folder / "linphonerc"
        assert two.outside[0] in rc.read_text()
        text = rc.read_text().replace("publish=0", "publish=1")
        for i, number in enumerate(friends):
            text += f"[friend_{i}]\nurl=\"{number}\" <sip:{number}@{two.site.domain}>\npol=accept\nsubscribe=1\n"
        rc.write_text(text)
        super().__init__(name, folder, prefix=space.argv())
        two.site.started.append(self)

    def sound(self, hertz):
        write_tone(self.folder / "tone.wav", hertz)
        for line in ("soundcard use files", f"play {self.folder}/tone.wav", f"record {self.folder}/heard.wav"):
            self.command(line)

    def quit(self):
        """In good order: it unregisters and takes back what it published and watched."""
        self.command("quit")
        self.process.wait(15)

    def heard(self, hertz):
        """Was half a second or more of what it has recorded that tone? It writes in pieces, the last one when the call ends."""
        file = self.folder / "heard.wav"
        raw = file.read_bytes()[44:] if file.exists() else b""
        said = list(memoryview(raw[:len(raw) // 2 * 2]).cast("h"))
        return [goertzel(said[i:i + 2000], 8000, hertz) > 0.9 for i in range(0, len(said) - 2000, 2000)].count(True) > 1

    def shows(self, what, seconds=15):
        try:
            return wait_until(f"linphonec shows {what}", lambda: re.search(what, self.output()), seconds)
        except Trouble as e:
            raise AssertionError(f"{e}\n{self.output()}") from None


@pytest.fixture
def halves(make_site):
    """halves(more): border, relay and controller up; anna may come from outside."""
    def make(more="", users=()):
        site = make_site(phones={"lobby": "1001", "anna": "1002", "desk": "1003", "clerk": "1004"}, up=False)
        two = Halves(site, more="roaming: { phones: [anna] }\nwatch: all\n" + more, relay=OurRelay)
        for user, number in users:
            site.run("user", "add", user, "--number", number, "--password-stdin", stdin=PASSWORD + "\n")
        two.up()
        return two
    return make


def test_calls_text_and_transfer(halves, places):  # noqa: F811
    """Behind a NAT that changes its ports: it sees lobby come, writes to it and is written to, calls it, gives it to desk, and is called."""
    two = halves()
    site, domain = two.site, two.site.domain
    lobby, desk = inner_phone(site, places[PHONE], "lobby"), site.baresip("desk", 1, 660)
    site.wait_registered("1001", "1003")
    anna = Outside(two, places[BEHIND], "anna", friends=["1001"]).start()
    clerk = site.client("clerk").open()
    assert clerk.register(f"sip:1004@{domain}").code == 200
    anna.shows('Friend "1001" .* is Online')
    anna.sound(880)
    anna.command(f"chat sip:1001@{domain} thefishareswimming")
    assert site.wait_event("text.delivered", seconds=10, to="1001")["from"] == "1002"
    clerk.send(write(clerk, f"sip:1004@{domain}", f"sip:1002@{domain}", "theyswimback"))
    assert expect(clerk, 200)
    anna.shows("theyswimback")

    anna.command(f"call sip:1001@{domain}")
    lobby.wait_event("CALL_ESTABLISHED", seconds=15, fatal=("CALL_CLOSED",))
    anna.shows('Friend "1001" .* is On the phone')
    wait_until("inside hears the tone from outside", lambda: hears(lobby, 880), 15)
    wait_until("outside hears the tone from inside", lambda: anna.heard(440), 15)
    anna.command(f"transfer sip:1003@{domain}")
    desk.wait_event("CALL_ESTABLISHED", seconds=15, fatal=("CALL_CLOSED",))
    assert site.wait_event("call.transferred", rule="blind", by="1002", who="1001", to="1003")
    anna.shows("has been transfered")
    anna.shows("Call 1 with .* ended")
    desk.command("hangup")
    lobby.wait_event("CALL_CLOSED", seconds=5)

    anna.sound(880)
    mark = lobby.mark()
    lobby.command("dial", f"sip:1002@{domain}")
    lobby.wait_event("CALL_ESTABLISHED", seconds=15, fatal=("CALL_CLOSED",), since=mark)
    wait_until("inside hears the tone from outside", lambda: hears(lobby, 880), 15)
    anna.command("terminate")
    lobby.wait_event("CALL_CLOSED", seconds=5, since=mark)
    anna.quit()
    two.wait_empty(15)
    assert "1002" not in site.registered()
    two.relay.wait_empty(two.relay.before)


def test_password(halves, places):  # noqa: F811
    """Where a person proves themselves besides the phone: it registers, publishes, watches, writes and calls, and is asked each time."""
    users = (("liz", "1001"), ("alice", "1002"))
    two = halves("sip: { require_user: true }\n", users)
    site, domain = two.site, two.site.domain
    lobby = site.client("lobby").open()
    assert lobby.register(f"sip:1001@{domain}", "liz", PASSWORD).code == 200
    anna = Outside(two, places[BEHIND], "anna", "alice", friends=["1001"]).start()
    site.wait_registered("1002")
    anna.shows('Friend "1001" .* is Online')
    assert site.wait_event("watch.start", phone="anna", number="1001", package="presence")
    anna.command(f"chat sip:1001@{domain} thefishareswimming")
    said = expect(lobby, "MESSAGE", timeout=10)
    assert said.body == b"thefishareswimming"
    lobby.reply(said, 200)
    anna.command(f"call sip:1001@{domain}")
    rang = expect(lobby, "INVITE", timeout=10)
    assert "uthorization" not in str(rang.headers) and "<sip:1002@" in rang.get("From")
    lobby.reply(rang, 486)
    anna.shows("Call 1 with .* error")
    assert "SIP/2.0 486" in (anna.folder / "log").read_text(errors="replace")
    anna.quit()
    two.wait_empty(15)
    assert "1002" not in site.registered()
