"""A call between phones of others through a border and the relay of its own host, which it asks by a Unix socket: nothing of the
relay stands in the site file but its role."""
import os

import pytest

import borders
import outside
from lab import have, wait_until
from outside import PEER, PHONE, carrier_phone, inner_phone, whole
from test_border_phones import speak   # noqa: F401
from test_border_relay import Own

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not have("baresip"), reason="no root, or baresip is not installed")


def test_tones_by_the_unix_socket(make_site, authority, places, monkeypatch):   # noqa: F811
    monkeypatch.setattr(outside, "OurRelay", Own)
    monkeypatch.setattr(borders, "SITE", borders.SITE.replace("media: {{ relays: [127.0.0.1], relay_port: {relay_port}{media} }}\n", ""))
    monkeypatch.setattr(borders, "BORDER", borders.BORDER.replace("roles: [border]", "roles: [border, relay]"))
    two = whole(make_site, authority, {"lobby": "1001"})
    far = carrier_phone(two.site, places[PEER], authority)
    two.up()
    lobby = inner_phone(two.site, places[PHONE], "lobby")
    two.site.wait_registered("1001")
    two.wait_trunk("carrier", "up")
    lobby.command("dial", f"sip:0089123456@{two.site.domain}")
    speak(lobby, far)
    relay = two.site.json("relay")
    assert relay["counts"]["sessions"] == 1 and not [x for x in relay["listen"] if x["transport"] == "udp"]
    lobby.command("hangup")
    two.wait_empty(15)
    wait_until("the relay has let go", lambda: two.site.json("relay")["counts"]["ports"] == 0, 5)
