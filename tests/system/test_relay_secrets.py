"""What a relay's memory still has of a call that is over: no key, in any of the ways in which it comes and goes."""
import base64
import os
import secrets
import socket
import time

import pytest

from anchor import Refused, connect
from memory import places
from test_relay import ALICE, BOB, NG, WAYS, addresses, parties, run   # noqa: F401

SUITE = "AES_CM_128_HMAC_SHA1_80"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may read the memory of a process")


def keys_of(sdp):
    return [line.partition("inline:")[2].split("|")[0] for line in sdp.splitlines() if line.startswith("a=crypto:")]


def forms(key):
    """As text, and as bytes: what OpenSSL expands of them is its own to wipe."""
    raw = base64.b64decode(key + "=" * (-len(key) % 4))
    return {"text": key.rstrip("=").encode(), "bytes": raw[:16], "salt": raw[-14:]}


def session(ng, parties, offers, name):   # noqa: F811
    """One call with keys of both sides, changed in mid-call; every key that was said by anybody."""
    a, b = parties
    said = [base64.b64encode(k).decode() for k in (secrets.token_bytes(30) for _ in range(4))]
    fields = {"call_id": name, "from_tag": "a", **WAYS}
    for one, other in (said[:2], said[2:]):
        sdp = a.sdp("RTP/SAVP", f"a=crypto:1 {SUITE} inline:{one}\r\n")
        offer = ng.ask("offer", **fields, sdp=sdp, **offers)
        said += keys_of(offer["sdp"])
        tag = next(x.split()[0] for x in offer["sdp"].splitlines() if SUITE + " " in x and x.startswith("a=crypto"))
        answer = ng.ask("answer", **fields, to_tag="b", sdp=b.sdp("RTP/SAVP", f"{tag} {SUITE} inline:{other}\r\n"))
        said += keys_of(answer["sdp"])
    ng.ask("query", call_id=name)
    with pytest.raises(Refused):
        ng.ask("offer", **fields, sdp=a.sdp("RTP/SAVP", f"a=crypto:1 {SUITE} inline:{said[0]}\r\n") + "m=audio\r\n")
    ng.ask("delete", call_id=name, from_tag="a")
    return set(said)


@pytest.mark.parametrize("kind", ["tcp", pytest.param("udp", marks=pytest.mark.long)])
def test_no_key_is_left(run, parties, kind):   # noqa: F811
    relay = run("--workers", 1)
    ng = connect("127.0.0.1", NG, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
    said = session(ng, parties, {"SDES": ["only-" + SUITE]}, "first")
    said |= session(ng, parties, {}, "second")
    assert len(said) > 10
    ng.close()
    if kind == "udp":
        time.sleep(32)      # as long as an answer is kept for who asks again
    relay.wait_empty()

    def left():
        return {(key[:8], form): where for key in said for form, text in forms(key).items() if (where := places(relay.pid, text))}
    assert not left()
