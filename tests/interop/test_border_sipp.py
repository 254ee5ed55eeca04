"""sipp as a carrier behind the border, over UDP: scenarios of ours, each of which says what that side must see. Early media, reliable
provisional responses, hold by INVITE and by UPDATE from either end, refusals and calls that are given up. Inside is sipp as a phone
without TLS, or a client of ours with TLS and keys."""
import re

import pytest

from borders import Halves
from dialogs import SDP, sdp
from lab import have
from outside import OurRelay
from peers import PASSWORD, Sipp

pytestmark = pytest.mark.skipif(not have("sipp"), reason="sipp is not installed")

SITE = """\
sip:
  listen:
    - {{ transport: tls, address: {address}, port: 5061 }}
    - {{ transport: udp, address: {address}, port: 5060 }}
  digest: [md5]
trunks:
  - {{ name: old, peer: "{peer}", port: 5060, transport: udp, addresses: ["{peer}"], health_interval: 0, trusted: true,
       numbers: {{ "+4930123410xx": "10xx" }} }}
class: all
classes:
  all: {{ grants: [internal, local, national, international, service] }}
routes:
  - {{ name: out, trunks: [old] }}
deviations:
  - {{ mitigation: ph-auth-signaling-encryption, reason: test, approved_by: tester, until: 2028-01-01 }}
  - {{ mitigation: ph-auth-media-encryption, reason: test, approved_by: tester, until: 2028-01-01 }}
  - {{ mitigation: pub-encrypt-voip, trunks: [old], reason: test, approved_by: tester, until: 2028-01-01 }}
"""


@pytest.fixture
def border(make_site):
    """(the halves, the carrier's sipp)"""
    site = make_site(level="minimum", phones={"lobby": "1002"}, up=False)
    peer = site.phone_address(6)
    two = Halves(site, more=SITE.format(address=site.address, peer=peer), media=", encryption: optional", relay=OurRelay)
    site.phone_add("alice-phone", "1001")
    site.run("user", "add", "alice", "--number", "1001", "--password-stdin", stdin=PASSWORD + "\n")
    two.up()
    return two, Sipp(site, 6, "+43123456", "carrier")


OUT = [
    # the phone's scenario, the carrier's, the values of the two
    ("uac", "uas", {}, {}),
    ("uac-waits", "uas-hangs-up", {}, {}),
    ("uac-refused", "uas-refuses", {"CODE": 486}, {"CODE": 486}),
    ("uac-refused", "uas-refuses", {"CODE": 603}, {"CODE": 603}),
    ("uac-refused", "uas-refuses", {"CODE": 404}, {"CODE": 404}),
    ("uac-refused", "uas-refuses", {"CODE": 503}, {"CODE": 500}),       # no other way is left
    ("uac-cancels", "uas-cancelled", {}, {"CODE": 487, "OFFER": "nobody"}),
    ("uac-cancels", "uas-cancelled", {}, {"CODE": 200, "AFTER": "hung-up"}),
    ("uac-early", "uas-early", {}, {}),
    ("uac-holds", "uas-held", {}, {}),
    ("uac-held", "uas-acts", {}, {}),
    ("uac-pracks", "uas-prack", {}, {}),
    ("uac-late", "uas-late", {}, {}),
]


def rows(table, quick):
    """Those that are named quick run always, the others are long."""
    ids = ["-".join([*(x for x in row[:2] if isinstance(x, str)), *(str(v) for d in row[2:] for v in d.values() if v != "nobody")])
           for row in table]
    return [pytest.param(*row, id=i, marks=[] if i in quick else [pytest.mark.long]) for row, i in zip(table, ids)]


@pytest.mark.parametrize("caller,called,mine,theirs", rows(OUT, {"uac-early-uas-early", "uac-held-uas-acts", "uac-late-uas-late"}))
def test_out(border, caller, called, mine, theirs):
    two, carrier = border
    alice = Sipp(two.site, 0, "1001", "alice")
    alice.register()
    far = carrier.listen(called, **theirs)
    alice.run(caller, "0089123456", **mine)
    carrier.finish(far)
    two.wait_empty(15)
    two.relay.wait_empty(two.relay.before)


MIRROR = {"sendonly": "recvonly", "recvonly": "sendonly"}


class Inside:
    """A phone with TLS that answers what comes, until its call is over."""

    def __init__(self, client):
        self.client, self.first = client, None
        self.contact = f"Contact: <sip:x@{client.here()};transport=tls>"

    def describe(self, m, code, *headers):
        body = m.body.decode() if isinstance(m.body, bytes) else m.body
        way = re.findall(r"a=(sendonly|recvonly|inactive|sendrecv)", body)[-1:] or ["sendrecv"]
        tag = re.findall(r"a=crypto:(\d+) AES_CM_128_HMAC_SHA1_80 ", body) or ["1"]      # 1: an offer of ours
        answer = sdp(MIRROR.get(way[0], way[0])).replace("a=crypto:1 ", f"a=crypto:{tag[0]} ")
        self.client.reply(m, code, headers=[SDP, self.contact, *headers], body=answer)

    def invited(self, m, how):
        if self.first:
            return self.describe(m, 200)
        self.first = m
        if isinstance(how, int):
            return self.client.reply(m, how)
        if how == "reliable":
            return self.describe(m, 183, "Require: 100rel", "RSeq: 1")
        if how == "early":
            self.describe(m, 183)
        self.client.reply(m, 180, headers=[self.contact])
        return self.describe(m, 200) if how != "rings" else None

    def answers(self, how):
        while True:
            m = self.client.receive(9)
            assert m is not None, "nothing comes any more"
            if m.method == "INVITE":
                self.invited(m, how)
            elif m.method == "UPDATE":
                self.describe(m, 200)
            elif m.method in ("PRACK", "CANCEL", "BYE"):
                self.client.reply(m, 200)
                if m.method == "PRACK":
                    self.client.reply(self.first, 200, headers=[self.contact])
                elif m.method == "CANCEL":
                    self.client.reply(self.first, 487)
                else:
                    return
            elif m.method == "ACK" and not self.first.body:
                self.answer = m.body.decode()
            elif m.method == "ACK" and (isinstance(how, int) or how == "rings"):
                return


IN = [
    # the carrier's scenario, what the phone does, the carrier's values
    ("uac", "answers", {}),
    ("uac-early", "early", {}),
    ("uac-pracks", "reliable", {}),
    ("uac-cancels", "rings", {}),
    ("uac-refused", 486, {"CODE": 486}),
    ("uac-refused", 603, {"CODE": 603}),
    ("uac-holds", "answers", {}),
    ("uac-holds", "answers", {"METHOD": "UPDATE", "REACK": "nothing"}),
    ("uac-late", "answers", {}),
]


@pytest.mark.parametrize("caller,how,mine", rows(IN, {"uac-pracks-reliable", "uac-late-answers"}))
def test_in(border, caller, how, mine):
    """A carrier is known by its address: nobody asks it for a password."""
    two, carrier = border
    lobby = two.site.client("lobby").open()
    assert lobby.register(f"sip:1002@{two.site.domain}").code == 200
    far = carrier.start(caller, "+493012341002", to=f"{two.outside[0]}:5060", DOMAIN=two.outside[0], INSTEAD_OF_invite="invite-unasked",
                        **mine)
    phone = Inside(lobby)
    phone.answers(how)
    carrier.finish(far)
    if caller == "uac-late":    # what it offered is answered by the relay, with keys
        assert f"c=IN IP4 {two.inside[0]}" in phone.answer and " RTP/SAVP " in phone.answer and "a=crypto:1 " in phone.answer
    two.wait_empty(15)
    two.relay.wait_empty(two.relay.before)
