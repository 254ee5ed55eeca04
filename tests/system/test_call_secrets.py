"""What the memory of a controller and a border has of keys: of calls that are over none, in any of the ways in which they come and go; of
certificates and of passwords at trunks never."""
import os
import pathlib
import re
import secrets

import pytest

from borders import add_addresses
from dialogs import SDP, establish, expect, invite
from ears import SUITES
from lab import wait_until
from memory import all_places, places
from test_border import authority, cancel  # noqa: F401, a fixture
from test_border_keys import Keys, hang_up
from test_border_relay import make_own
from test_relay_secrets import forms
from test_sandbox import controller, memory_holds, secret_of

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may read the memory of a process")


def keys_in(*texts):
    text = "\n".join(x if isinstance(x, str) else x.decode() for x in texts if x)
    return set(re.findall(r"inline:([A-Za-z0-9+/=]+)", text))


def keeper(pid):
    """The child of that process that has its keys."""
    for task in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if f"PPid:\t{pid}\n" in (task / "status").read_text() and (task / "comm").read_text().strip() == "ringfort-keeper":
                return int(task.name)
        except OSError:
            continue
    raise AssertionError(f"{pid} has no keeper")


def left(pids, said):
    names = {text: (key[:8], form) for key in said for form, text in forms(key).items()}
    return {(name, *names[text]): where for name, pid in pids.items() for text, where in all_places(pid, names).items()}


def ack(sent, got):
    """ACK of an INVITE that was refused."""
    return re.sub(r"(?m)^To: .*$", f"To: {got.get('To')}", cancel(sent).decode().replace("CANCEL", "ACK").replace("\r", "")).replace(
        "\n", "\r\n").encode()


@pytest.mark.long
def test_nothing_is_left(make_site, authority, monkeypatch):   # noqa: F811
    password = secrets.token_hex(16)

    def with_password(**kw):
        made = make_site(**kw)
        (made.dir / "one.password").write_text(password)
        (made.dir / "one.password").chmod(0o600)
        return made
    two, peer, lobby = make_own(with_password, authority, monkeypatch, ", login: bob, password_file: one.password")
    site = two.site
    add_addresses(at := site.phone_address(8))
    pids = {"controller": controller(site), "border": int((site.dir / "state" / "border.pid").read_text())}
    me, other = f"sip:1001@{site.domain}", f"sip:0089123456@{site.domain}"

    # answered, with new keys in mid-call, and ended
    inner, outer, again = Keys(at), Keys(site.phone_address(7)), Keys(at)
    a, b, got = establish(lobby, me, peer, other, offer=inner.description(), answer=outer.answer)
    inner.learn(a.answer)
    said = keys_in(inner.said, outer.said, inner.line, outer.line, got.body, a.answer)
    assert len(said) >= 2 and left(pids, said), "the control: what is said while the call lasts can be found"
    lobby.send(a.request("INVITE", headers=[SDP], body=again.description()))
    got = expect(peer, "INVITE")
    peer.reply(got, 200, headers=[SDP, f"Contact: <sip:x@{peer.here()};transport={peer.transport}>"], body=outer.answer(got))
    ok = expect(lobby, 200)
    lobby.send(a.request("ACK", cseq=a.cseq))
    expect(peer, "ACK")
    said |= keys_in(again.said, outer.said, got.body, ok.body)
    hang_up(two, lobby, a, peer)

    # refused by who is called, and given up by who calls
    for code in (486, None):
        ear = Keys(at)
        mine = invite(lobby, me, other, (), ear.description())
        got = expect(peer, "INVITE")
        said |= keys_in(ear.said, got.body)
        if code:
            peer.reply(got, code)
            expect(lobby, code)
        else:
            peer.reply(got, 183, headers=[SDP, f"Contact: <sip:x@{peer.here()};transport={peer.transport}>"], body=outer.answer(got))
            said |= keys_in(outer.said, expect(lobby, 183).body)
            lobby.send(cancel(mine))
            peer.reply(expect(peer, "CANCEL"), 200)
            peer.reply(got, 487)
            assert expect(lobby, 200)
            lobby.send(ack(mine, expect(lobby, 487)))
        two.wait_empty()
    assert len(said) >= 8 and SUITES
    wait_until("no key is left", lambda: not left(pids, said), 10)

    # what is the keeper's alone
    for name, host in (("controller", "ctl-a"), ("border", "edge-0")):
        needles = secret_of(site.dir / "pki" / "hosts" / host / "key.pem")
        assert memory_holds(keeper(pids[name]), needles)
        assert not any(memory_holds(pid, needles) for pid in pids.values())
    assert places(keeper(pids["border"]), password.encode())
    assert not any(places(pid, password.encode()) for pid in pids.values())
