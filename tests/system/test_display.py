"""Names and texts of a phone that lies: what the called phone, the record and the terminal make of them."""
import re

import pytest

from dialogs import establish, expect, sdp
from trunks import wait_empty

HIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


@pytest.mark.parametrize("name", [
    "The Director", "desk", "1002", "\u202e2001", "<script>alert(1)</script>", "D\u200besk", "Desk\\\" <sip:1002@x>",
    "D\u0435sk", "\x9b31mred",
], ids=["title", "colleague", "number", "turned", "script", "hidden", "quote", "cyrillic", "terminal"])
def test_a_phone_does_not_name_itself(site, name):
    lobby, desk = site.client("lobby").open(), site.client("desk").open()
    for c, number in ((lobby, 1001), (desk, 1002)):
        assert c.register(f"sip:{number}@{site.domain}").code == 200
    own = f"sip:1001@{site.domain}"
    data = lobby.request("INVITE", f"sip:1002@{site.domain}", sender=own, to=f"sip:1002@{site.domain}",
                         headers=["Content-Type: application/sdp", f"Subject: {name}", f"Organization: {name}",
                                  f"P-Asserted-Identity: \"{name}\" <sip:1002@{site.domain}>"],
                         body=sdp())
    lobby.send(data.replace(f"From: <{own}>".encode(), f'From: "{name}" <{own}>'.encode(), 1))
    answer = desk.receive(3)
    if answer is None:  # not well-formed text: it never reached the other phone
        assert lobby.receive(1).code >= 400
        return
    text = "\n".join(f"{n}: {v}" for n, v in answer.headers)
    assert answer.method == "INVITE" and f"<{own}>" in answer.get("From")
    shown = answer.get("From") + answer.get("P-Asserted-Identity")
    assert name not in shown and "script" not in text and "Subject" not in text and "Organization" not in text
    desk.reply(answer, 486, "Busy <b>Here</b>")
    assert "<b>" not in expect(lobby, 486).line
    wait_empty(site)


def test_a_user_agent_is_shown_without_tricks(site):
    lobby = site.client("lobby").open()
    aor = f"sip:1001@{site.domain}"
    evil = "Phone\u202e\u200b <img src=x onerror=alert(1)> & \"co\""
    assert lobby.register(aor, headers=[f"User-Agent: {evil}"]).code == 200
    agent = site.bindings()[0]["agent"]
    assert "Phone" in agent and not set(agent) & set("<>&\"'") and not HIDDEN.search(agent)
    assert not HIDDEN.search(site.run("bindings").replace("\n", ""))
    site.wait_event("registration.accepted", aor=f"1001@{site.domain}")
    for file in (site.dir / "ledger").glob("*.jsonl"):
        assert not HIDDEN.search(file.read_text(encoding="utf-8").replace("\n", ""))


def test_a_reason_with_markup_does_not_cross(site):
    lobby, desk = site.client("lobby").open(), site.client("desk").open()
    for c, number in ((lobby, 1001), (desk, 1002)):
        assert c.register(f"sip:{number}@{site.domain}").code == 200
    a, b, _ = establish(lobby, f"sip:1001@{site.domain}", desk, f"sip:1002@{site.domain}")
    lobby.send(a.request("BYE", headers=['Reason: SIP;cause=200;text="<script>x</script>"']))
    bye = expect(desk, "BYE")
    assert "script" not in "\n".join(v for _, v in bye.headers)
    desk.reply(bye, 200)
    assert expect(lobby, 200)
    wait_empty(site)
