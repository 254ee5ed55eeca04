"""What phones outside do beside calling: text, presence, lamps, transfer, and a password where the site asks for one; all of it
through the border, which holds no password and shows nothing of the inside."""
import os
import re
import secrets

import pytest

import borders
from borders import TRUNK, Halves
from dialogs import SDP, Leg, expect, invite, sdp, tag, uri
from lab import Baresip, have, make_headless, set_account, wait_until
from memory import all_places
from test_border import authority, copy_ca  # noqa: F401, a fixture
from test_border_relay import Own
from test_events import let_watch, status_of
from test_roam import CLASSES, ROAMING, SUPPORTED, answer_to, come, contact, establish, nothing_inside, outside

MESSAGE = "Content-Type: text/plain"
PIDF = """\
<?xml version="1.0" encoding="UTF-8"?>
<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:1002@voice.example.org">
<tuple id="t1"><status><basic>closed</basic></status></tuple></presence>
"""


def halves(make_site, monkeypatch, more="", authority=None, bert="1003"):  # noqa: F811
    monkeypatch.setattr(borders, "Rtpengine", Own)
    monkeypatch.setattr(borders, "SITE", borders.SITE.replace("media: {{ relays: [127.0.0.1], relay_port: {relay_port}{media} }}\n", ""))
    monkeypatch.setattr(borders, "BORDER", borders.BORDER.replace("roles: [border]", "roles: [border, relay]"))
    site = make_site(phones={"lobby": "1001", "anna": "1002", "bert": bert}, up=False)
    trunks = ""
    if authority:
        address = site.phone_address(7)
        copy_ca(site, authority)
        trunks = "trunks:\n" + TRUNK.format(name="carrier", peer=address, certificate="sip.carrier.example", more="") + CLASSES
    two = Halves(site, relay=Own, more=trunks + (ROAMING.format() if authority else "roaming: {{ phones: [anna, bert] }}\n".format()) + more)
    if authority:
        two.peer_at = two.peer(address, *authority.issue("DNS:sip.carrier.example")).listen()
    return two


@pytest.fixture
def house(make_site, monkeypatch):
    """A site with a border and a relay on one host; anna and bert may roam, lobby is inside."""
    two = halves(make_site, monkeypatch, "watch: all\n")
    two.up()
    lobby = two.site.client("lobby").open()
    assert lobby.register(f"sip:1001@{two.site.domain}").code == 200
    return two, lobby


def write(c, me, other, text="good morning", headers=(MESSAGE,)):
    return c.request("MESSAGE", other, sender=me, to=other, headers=headers, body=text, contact="")


def test_text(house):
    """From outside to inside, from inside to outside, from one outside to another; and what does not cross."""
    two, lobby = house
    domain = two.site.domain
    anna, _ = come(two, "anna", "1002")
    bert, _ = come(two, "bert", "1003")
    me, inside, other = (f"sip:{n}@{domain}" for n in ("1002", "1001", "1003"))

    anna.send(write(anna, me, inside, headers=[MESSAGE, "X-Secret: of mine", "Subject: none of theirs"]))
    got = expect(lobby, "MESSAGE")
    assert got.body.decode() == "good morning" and "<sip:1002@" in got.get("From")
    assert "192.168" not in str(got.headers) and "X-Secret" not in str(got.headers) and not got.get("Subject")
    lobby.reply(got, 200)
    nothing_inside(two, expect(anna, 200))

    lobby.send(write(lobby, inside, me, "and to you"))
    got = expect(anna, "MESSAGE")
    assert got.body.decode() == "and to you" and "<sip:1001@" in got.get("From") and got.line == f"MESSAGE {contact(anna)} SIP/2.0"
    nothing_inside(two, got)
    anna.reply(got, 200)
    assert expect(lobby, 200)

    anna.send(write(anna, me, other))
    got = expect(bert, "MESSAGE")
    assert "192.168.1.77" not in got.get("From")
    nothing_inside(two, got)
    bert.reply(got, 486)
    assert expect(anna, 486)

    # who writes more than may be is refused himself, and takes nobody else's place
    for _ in range(30):
        lobby.send(write(lobby, inside, me, "again"))
    assert expect(lobby, 503)
    for _ in range(4):
        bert.send(write(bert, other, me, "it is urgent"))
        while (got := expect(anna, "MESSAGE")).body == b"again":
            anna.reply(got, 200)
        anna.reply(got, 200)
        assert expect(bert, 200)
    while got := anna.receive(0.3):
        anna.reply(got, 200)

    # another's name, a type that nobody reads, too much, nobody there, and a number that does not exist
    assert anna.ask(write(anna, other, inside)).code == 403
    refused = anna.ask(write(anna, me, inside, headers=["Content-Type: text/html"]))
    assert refused.code == 415 and "text/plain" in refused.get("Accept")
    assert anna.ask(write(anna, me, inside, "x" * 1301)).code == 413
    assert anna.ask(write(anna, me, f"sip:1099@{domain}")).code == 404
    bert.stop()
    refused = anna.ask(write(anna, me, other))
    assert refused.code == 480
    nothing_inside(two, refused)
    told = two.site.ledger("text.delivered")
    assert [(e["from"], e["to"]) for e in told if e.get("phone") == "anna"], told
    two.wait_empty()


def test_presence(house):
    """anna says how she is from outside; lobby sees it inside, and nobody publishes for another."""
    two, lobby = house
    domain = two.site.domain
    anna, _ = come(two, "anna", "1002")
    me = f"sip:1002@{domain}"
    headers = ["Event: presence", "Expires: 600", "Content-Type: application/pidf+xml"]
    said = anna.ask(anna.request("PUBLISH", me, sender=me, to=me, headers=headers, body=PIDF, contact=""))
    assert said.code == 200 and said.get("SIP-ETag") and said.get("Expires") == "600", said
    nothing_inside(two, said)
    lobby.send(lobby.request("SUBSCRIBE", me, sender=f"sip:1001@{domain}", to=me, headers=["Event: presence", "Expires: 0"]))
    told = expect(lobby, "NOTIFY")
    assert "<basic>closed</basic>" in told.body.decode()
    lobby.reply(told, 200)
    # again without a word, and with a tag that is nobody's
    again = anna.ask(anna.request("PUBLISH", me, sender=me, to=me, contact="",
                                  headers=["Event: presence", f"SIP-If-Match: {said.get('SIP-ETag')}", "Expires: 0"]))
    assert again.code == 200, again
    gone = anna.ask(anna.request("PUBLISH", me, sender=me, to=me, contact="",
                                 headers=["Event: presence", "SIP-If-Match: nobody", "Expires: 600"]))
    assert gone.code == 412
    other = f"sip:1003@{domain}"
    assert anna.ask(anna.request("PUBLISH", other, sender=me, to=other, headers=headers, body=PIDF, contact="")).code == 403
    assert anna.ask(anna.request("PUBLISH", me, sender=me, to=me, headers=["Event: dialog"], contact="")).code == 489
    assert anna.ask(anna.request("PUBLISH", me, sender=me, to=me, contact="",
                                 headers=["Event: presence", "Content-Type: text/plain"], body="here")).code == 415
    two.wait_empty()


class Watch:
    """A subscription as the phone has it."""

    def __init__(self, c, me, whom, package, headers=(), expires=600):
        self.c, self.package, self.headers = c, package, list(headers)
        c.call_id = f"{secrets.token_hex(8)}@watch"
        answer = c.ask(c.request("SUBSCRIBE", whom, to=whom, sender=me, headers=[f"Event: {package}", f"Expires: {expires}", *headers]))
        self.answer = answer
        if answer.code == 200:
            self.leg = Leg(c, c.call_id, answer.get("From"), answer.get("To"), uri(answer.get("Contact")), int(answer.get("CSeq").split()[0]))

    def told(self, code=200):
        got = expect(self.c, "NOTIFY")
        self.c.reply(got, code)
        return got

    def again(self, expires):
        self.c.send(self.leg.request("SUBSCRIBE", [f"Event: {self.package}", f"Expires: {expires}"]))


def test_lamps(house):
    """anna watches lobby from outside: that it rings, talks and is free again; its presence; her own mailbox. She sees what
    numbers do and no dialog of theirs."""
    two, lobby = house
    domain = two.site.domain
    anna, _ = come(two, "anna", "1002")
    bert, _ = come(two, "bert", "1003")
    me, inside, other = (f"sip:{n}@{domain}" for n in ("1002", "1001", "1003"))
    w = Watch(anna, me, inside, "dialog;id=7")
    assert w.answer.code == 200 and 0 < int(w.answer.get("Expires")) <= 600 and two.outside[0] in w.answer.get("Contact")
    first = w.told()
    assert "dialog;id=7" in first.get("Event") and first.get("Subscription-State").startswith("active;expires=")
    assert 'state="full"' in first.body.decode() and two.outside[0] in first.get("Contact")
    nothing_inside(two, w.answer, first)

    a, b, got = establish(bert, other, lobby, inside)
    rang = w.told()
    while "<state>confirmed</state>" not in rang.body.decode():
        rang = w.told()
    assert "sip:1003@" in rang.body.decode() and "call-id" not in rang.body.decode()
    nothing_inside(two, rang)
    bert.send(a.request("BYE"))
    lobby.reply(expect(lobby, "BYE"), 200)
    assert expect(bert, 200)
    free = w.told()
    while "terminated" not in free.body.decode() and 'state="full"' not in free.body.decode():
        free = w.told()

    # nobody else speaks in it
    bert.send(w.leg.request("SUBSCRIBE", ["Event: dialog;id=7", "Expires: 0"], by=bert))
    assert expect(bert, 403)
    # she refreshes it over a new connection, since the old one ended, and hears it all again
    anna.stop()
    anna, _ = come(two, "anna", "1002")
    w.c = w.leg.client = anna
    w.again(300)
    assert expect(anna, 200).get("Expires") == "300"
    assert 'state="full"' in w.told().body.decode()
    w.again(0)
    assert expect(anna, 200)
    over = w.told()
    assert over.get("Subscription-State").startswith("terminated")
    w.again(300)
    assert expect(anna, 481)

    # presence; once only; what she may not, nobody knows or is no package
    once = Watch(anna, me, inside, "presence", expires=0)
    assert once.answer.code == 200 and once.told().get("Subscription-State").startswith("terminated")
    box = Watch(anna, me, me, "message-summary")
    assert box.answer.code == 200 and b"Messages-Waiting" in box.told().body
    assert Watch(anna, me, inside, "message-summary").answer.code == 403
    assert Watch(anna, me, f"sip:1099@{domain}", "presence").answer.code == 404
    refused = Watch(anna, me, inside, "conference").answer
    assert refused.code == 489 and "dialog" in refused.get("Allow-Events")
    short = Watch(anna, me, inside, "presence", expires=20).answer
    assert short.code == 423 and int(short.get("Min-Expires")) == 60
    # a phone that has forgotten: so has everybody
    gone = Watch(anna, me, inside, "presence")
    assert gone.answer.code == 200
    gone.told(481)
    box.again(0)
    assert expect(anna, 200)
    box.told()
    two.wait_empty()


def test_each_phone_of_a_number_has_its_own_time(make_site, monkeypatch):
    """Two phones outside with one number: how long the one is known has nothing to do with the other."""
    two = halves(make_site, monkeypatch, bert="1002")
    two.up()
    times = []
    for name, seconds in (("bert", 61), ("anna", 500), ("bert", 61)):
        c = outside(two, name).open()
        answer = c.ask(c.request("REGISTER", to=f"sip:1002@{two.site.domain}", contact=contact(c), headers=[SUPPORTED, f"Expires: {seconds}"]))
        assert answer.code == 200, answer
        times.append(int(re.search(r"expires=(\d+)", answer.get("Contact"))[1]))
    assert times[0] <= 61 < times[1] <= 500 and times[2] <= 61, times
    two.wait_empty()


def test_password(make_site, monkeypatch):
    """Where a person proves themselves besides the phone, a phone outside is asked as one inside: by the controller, through the
    border."""
    two = halves(make_site, monkeypatch, "sip: {{ require_user: true }}\n".format())
    site, domain = two.site, two.site.domain
    for name, number in (("alice", "1002"), ("liz", "1001")):
        site.run("user", "add", name, "--number", number, "--password-stdin", stdin="correct horse battery staple\n")
    two.up()
    lobby = site.client("lobby").open()
    assert lobby.register(f"sip:1001@{domain}", "liz", "correct horse battery staple").code == 200
    anna = outside(two, "anna").open()
    aor = f"sip:1002@{domain}"

    def ask(password=None, challenge=None, name="alice"):
        headers = [SUPPORTED]
        if challenge:
            headers.append(anna.authorise(challenge, name, password, "REGISTER", f"sip:{domain}"))
        return anna.ask(anna.request("REGISTER", f"sip:{domain}", to=aor, contact=contact(anna), headers=headers))
    asked = ask()
    assert asked.code == 401 and 'realm="' + domain in asked.get("WWW-Authenticate"), asked
    nothing_inside(two, asked)
    assert ask("a guess", asked.get("WWW-Authenticate")).code == 401
    # somebody else's password does not open her phone
    assert ask("correct horse battery staple", ask().get("WWW-Authenticate"), "liz").code == 403
    challenge = ask().get("WWW-Authenticate")
    known = ask("correct horse battery staple", challenge)
    assert known.code == 200 and "192.168.1.77" in known.get("Contact")

    # a challenge of hers is worth nothing to another phone, nor is it good twice
    bert = outside(two, "bert").open()
    stolen = bert.authorise(challenge, "alice", "correct horse battery staple", "REGISTER", f"sip:{domain}")
    assert bert.ask(bert.request("REGISTER", f"sip:{domain}", to=f"sip:1003@{domain}", contact=contact(bert, "1003"),
                                 headers=[SUPPORTED, stolen])).code == 401
    assert ask("correct horse battery staple", challenge).code == 401

    # a call: asked, answered, and on its way; she asks for it by the border's address, as phones do whose proxy that is
    to = f"sip:1001@{two.outside[0]}"
    anna.send(anna.request("INVITE", to, sender=aor, to=to, headers=[SDP], body=sdp(), cseq=501))
    asked = expect(anna, 407)
    nothing_inside(two, asked)
    anna.send(anna.request("ACK", to, sender=aor, to=to, cseq=501, to_tag=tag(asked.get("To")),
                           branch=re.search(r"branch=([^;,\s]+)", asked.get("Via")).group(1)))
    login = anna.authorise(asked.get("Proxy-Authenticate"), "alice", "correct horse battery staple", "INVITE", to, "Proxy-Authorization")
    anna.send(anna.request("INVITE", to, sender=aor, to=to, headers=[SDP, login], body=sdp(), cseq=502))
    got = expect(lobby, "INVITE")
    assert "Proxy-Authorization" not in str(got.headers)
    lobby.reply(got, 200, headers=[SDP, f"Contact: <sip:x@{lobby.here()};transport=tls>"], body=answer_to(got))
    ok = expect(anna, 200)
    a = Leg(anna, anna.call_id, ok.get("From"), ok.get("To"), uri(ok.get("Contact")), 502)
    anna.send(a.request("ACK", cseq=502))
    expect(lobby, "ACK")
    anna.send(a.request("BYE"))
    lobby.reply(expect(lobby, "BYE"), 200)
    assert expect(anna, 200)
    logins = [login]

    # text: likewise
    to = f"sip:1001@{domain}"
    asked = anna.ask(write(anna, aor, to))
    assert asked.code == 407
    login = anna.authorise(asked.get("Proxy-Authenticate"), "alice", "correct horse battery staple", "MESSAGE", to, "Proxy-Authorization")
    anna.send(write(anna, aor, to, headers=[MESSAGE, login]))
    got = expect(lobby, "MESSAGE")
    logins.append(login)
    border = int((site.dir / "state" / "border.pid").read_text())
    said = [x.encode() for text in logins for x in re.findall(r'(?:nonce|response)="([^"]+)', text)]
    assert len(set(said)) == 6
    if os.geteuid() == 0:
        assert all_places(border, said[3:]), "the control: what is on its way can be found"
    lobby.reply(got, 200)
    assert expect(anna, 200)
    two.wait_empty()
    if os.geteuid() == 0:   # who may read the memory of a process
        wait_until("the border has nothing of a login", lambda: not all_places(border, said), 20)


def agree(c, timeout=5):
    """Answers what is asked of a phone in a call, until its INVITE's ACK is in or something else comes: that."""
    while True:
        got = c.receive(timeout)
        assert got is not None
        if got.method == "INVITE":
            body = answer_to(got) if "m=audio" in got.body.decode() else sdp()
            c.reply(got, 200, headers=[SDP, f"Contact: <sip:x@{c.here()};transport=tls>"], body=body)
        elif got.method != "ACK":
            return got


def heard(c, leg, number):
    """The NOTIFYs about a REFER until the last one: their codes."""
    codes = []
    while True:
        got = expect(c, "NOTIFY")
        assert got.get("Event") == f"refer;id={number}" and "message/sipfrag" in got.get("Content-Type")
        c.reply(got, 200)
        codes.append(int(got.body.decode().split()[1]))
        if got.get("Subscription-State").startswith("terminated"):
            return codes


def refer(leg, to, headers=()):
    c = leg.client
    c.send(leg.request("REFER", [f"Refer-To: <{to}>", *headers]))
    return leg.cseq


def test_transfer_blind(house):
    """anna, outside, gives lobby to bert, who is outside too; and to somebody who is not there, which changes nothing."""
    two, lobby = house
    site, domain = two.site, two.site.domain
    anna, _ = come(two, "anna", "1002")
    bert, _ = come(two, "bert", "1003")
    a, b, got = establish(anna, f"sip:1002@{domain}", lobby, f"sip:1001@{domain}")
    # text in the call, both ways
    anna.send(a.request("MESSAGE", [MESSAGE], "one moment"))
    said = expect(lobby, "MESSAGE")
    assert said.body == b"one moment"
    lobby.reply(said, 200)
    assert expect(anna, 200)

    number = refer(a, f"sip:1099@{domain}")
    refused = expect(anna, 404)
    nothing_inside(two, refused)
    number = refer(a, f"sip:1003@{domain}")
    taken = expect(anna, 202)
    rang = expect(bert, "INVITE")
    assert "192.168" not in str(rang.headers)
    nothing_inside(two, taken, rang)
    bert.reply(rang, 486)
    codes = heard(anna, a, number)
    assert codes[-1] == 486, codes
    expect(bert, "ACK")

    number = refer(a, f"sip:1003@{domain}")
    assert expect(anna, 202)
    rang = expect(bert, "INVITE")
    bert.reply(rang, 180)
    offer = sdp() if "m=audio" not in rang.body.decode() else answer_to(rang)
    bert.reply(rang, 200, headers=[SDP, f"Contact: <{contact(bert, '1003')}>"], body=offer)
    asked = expect(lobby, "INVITE")
    lobby.reply(asked, 200, headers=[SDP, f"Contact: <sip:x@{lobby.here()};transport=tls>"], body=answer_to(asked))
    expect(lobby, "ACK")
    expect(bert, "ACK")
    codes = heard(anna, a, number)
    assert codes[0] == 100 and codes[-1] == 200, codes
    anna.reply(expect(anna, "BYE"), 200)
    assert site.wait_event("call.transferred", rule="blind", by="1002", who="1001", to="1003")
    # they talk on without her, and end
    t = Leg(bert, rang.get("Call-ID"), f"{rang.get('To')};tag={bert.tag}", rang.get("From"), uri(rang.get("Contact")), 0)
    bert.send(t.request("BYE"))
    lobby.reply(expect(lobby, "BYE"), 200)
    assert expect(bert, 200)
    two.wait_empty()


def test_picks_up(make_site, monkeypatch):
    """A call that rings inside is picked up by code from outside: the phone there is in it as in each other call of its own."""
    two = halves(make_site, monkeypatch)
    site, domain = two.site, two.site.domain
    (site.dir / "phones.csv").write_text("name,number,pickup_group\nlobby,1001,front\nanna,1002,front\nbert,1003,\n")
    two.up()
    lobby = site.client("lobby").open()
    assert lobby.register(f"sip:1001@{domain}").code == 200
    anna, _ = come(two, "anna", "1002")
    bert, _ = come(two, "bert", "1003")
    invite(bert, f"sip:1003@{domain}", f"sip:1001@{domain}")
    rings = expect(lobby, "INVITE")
    lobby.reply(rings, 180)
    assert expect(bert, 180)
    invite(anna, f"sip:1002@{domain}", f"sip:**1001@{domain}")
    quiet = expect(anna, 200)
    assert b"a=inactive" in quiet.body
    nothing_inside(two, quiet)
    a = Leg(anna, anna.call_id, quiet.get("From"), quiet.get("To"), uri(quiet.get("Contact")), int(quiet.get("CSeq").split()[0]))
    anna.send(a.request("ACK", cseq=a.cseq))
    asked = expect(anna, "INVITE")
    anna.reply(asked, 200, headers=[SDP, f"Contact: <{contact(anna)}>"], body=answer_to(asked))
    expect(anna, "ACK")
    ok = expect(bert, 200)
    b = Leg(bert, bert.call_id, ok.get("From"), ok.get("To"), uri(ok.get("Contact")), int(ok.get("CSeq").split()[0]))
    bert.send(b.request("ACK", cseq=b.cseq))
    lobby.reply(expect(lobby, "CANCEL"), 200)
    lobby.reply(rings, 487)
    anna.send(a.request("MESSAGE", [MESSAGE], "it is me"))
    said = expect(bert, "MESSAGE")
    bert.reply(said, 200)
    assert expect(anna, 200)
    anna.send(a.request("BYE"))
    assert expect(anna, 200)
    bert.reply(expect(bert, "BYE"), 200)
    event = site.wait_event("call.picked_up", by="1002", who="1003")
    assert event["phone"] == "anna"
    two.wait_empty()



def test_transfer_attended(house):
    """anna has called lobby and bert, and brings both together; before that she tries calls that are not hers."""
    two, lobby = house
    site, domain = two.site, two.site.domain
    anna, _ = come(two, "anna", "1002")
    bert, _ = come(two, "bert", "1003")
    me = f"sip:1002@{domain}"
    a, b, _ = establish(anna, me, lobby, f"sip:1001@{domain}")
    c, d, _ = establish(anna, me, bert, f"sip:1003@{domain}")

    def replaces(leg):
        return f"{leg.call_id.replace('@', '%40')}%3Bto-tag%3D{tag(leg.other)}%3Bfrom-tag%3D{tag(leg.own)}"
    # bert's own dialog in her hands, and nobody's
    assert refer(a, f"sip:1003@{domain}?Replaces={replaces(d)}") and expect(anna, 403)
    assert refer(a, f"sip:1003@{domain}?Replaces=x%3Bto-tag%3Dy%3Bfrom-tag%3Dz") and expect(anna, 403)
    # who calls, and is in no call of hers, does not get at it either
    bert.send(a.request("REFER", [f"Refer-To: <sip:1003@{domain}>"], by=bert))
    assert expect(bert, 403)

    number = refer(a, f"{c.target}?Replaces={replaces(c)}")
    taken = expect(anna, 202)
    nothing_inside(two, taken)
    for phone in (bert, lobby):      # he is asked for an offer, and gets the answer
        asked = expect(phone, "INVITE")
        body = answer_to(asked) if "m=audio" in asked.body.decode() else sdp()
        phone.reply(asked, 200, headers=[SDP, f"Contact: <sip:x@{phone.here()};transport=tls>"], body=body)
        if phone is bert:
            nothing_inside(two, asked)
    assert heard(anna, a, number)[-1] == 200
    for _ in range(2):
        anna.reply(expect(anna, "BYE"), 200)
    assert site.wait_event("call.transferred", rule="attended", by="1002", who="1001", to="1003")
    lobby.send(b.request("BYE"))
    bye = agree(bert)
    assert bye.method == "BYE"
    bert.reply(bye, 200)
    assert expect(lobby, 200)
    two.wait_empty()


def baresip_outside(two, name, index, hertz, contacts=None, **account):
    """A baresip that comes to the border, as `phone config --outside` sets it up; with contacts it watches them and its mailbox."""
    site = two.site
    folder, address = site.folder / f"baresip-{name}-outside", site.phone_address(index)
    site.run("phone", "config", name, "--for", "baresip", "--outside", "-o", folder)
    assert two.outside[0] in (folder / "accounts").read_text()
    make_headless(folder, name, address, hertz, 4444)
    set_account(folder, answermode="auto", audio_codecs="PCMA/8000/1", **account)
    if contacts is not None:
        let_watch(site, folder, contacts)
    phone = Baresip(name, folder, address, 4444, "baresip")
    site.started.append(phone)
    return phone.start()


@pytest.mark.skipif(not have("baresip"), reason="baresip is not installed")
def test_transfer_by_baresip(make_site, monkeypatch):
    """baresip outside calls one inside, and gives it to the other phone outside."""
    two = halves(make_site, monkeypatch)
    two.up()
    site, domain = two.site, two.site.domain
    lobby = site.baresip("lobby", 0, 440)
    anna, bert = baresip_outside(two, "anna", 1, 550), baresip_outside(two, "bert", 2, 660)
    site.wait_registered("1001", "1002", "1003")
    anna.command("dial", f"sip:1001@{domain}")
    for p in (lobby, anna):
        p.wait_event("CALL_ESTABLISHED", seconds=15, fatal=("CALL_CLOSED",))
    anna.command("transfer", f"sip:1003@{domain}")
    bert.wait_event("CALL_ESTABLISHED", seconds=15, fatal=("CALL_CLOSED",))
    anna.wait_event("CALL_CLOSED", seconds=5)
    assert site.wait_event("call.transferred", rule="blind", by="1002", who="1001", to="1003")
    bert.command("hangup")
    lobby.wait_event("CALL_CLOSED", seconds=5)
    two.wait_empty()


@pytest.mark.skipif(not have("baresip"), reason="baresip is not installed")
def test_lamps_of_baresip(make_site, monkeypatch):
    """baresip outside sees that lobby comes, and how many messages wait for itself; when it ends it leaves no watch behind."""
    two = halves(make_site, monkeypatch, "watch: all\n")
    two.up()
    site, domain = two.site, two.site.domain
    anna = baresip_outside(two, "anna", 1, 550, contacts=["1001"], mwi="yes")
    site.wait_registered("1002")
    assert "Messages-Waiting: no" in anna.wait_event("MWI_NOTIFY", seconds=15)["param"]
    wait_until("lobby is not there", lambda: "Offline" in status_of(anna, "1001"), 10)
    mark = anna.mark()
    site.json("mwi", "1002", "2", "8")
    told = anna.wait_event("MWI_NOTIFY", seconds=5, since=mark)
    assert "Messages-Waiting: yes" in told["param"] and "Voice-Message: 2/8" in told["param"]
    lobby = site.client("lobby").open()
    assert lobby.register(f"sip:1001@{domain}").code == 200
    wait_until("lobby is there", lambda: "Online" in status_of(anna, "1001"), 10)
    anna.stop()
    two.wait_empty(15)


def test_keys(make_site, monkeypatch):
    """anna's phone presses by INFO and bert's knows events alone: what she presses reaches lobby as events, and nobody else's INFO."""
    two = halves(make_site, monkeypatch)
    rows = (two.site.dir / "phones.csv").read_text().splitlines()
    words = {"anna": ",rfc4733", "name": ",dtmf", "bert": ",", "lobby": ","}
    (two.site.dir / "phones.csv").write_text("".join(f"{r}{words.get(r.split(',')[0], '')}\n" for r in rows))
    two.up()
    domain = two.site.domain
    lobby = two.site.client("lobby").open()
    assert lobby.register(f"sip:1001@{domain}").code == 200
    key = "Content-Type: application/dtmf-relay"
    for name, number, passes in (("anna", "1002", False), ("bert", "1003", True)):
        c, _ = come(two, name, number)
        a, b, _ = establish(c, f"sip:{number}@{domain}", lobby, f"sip:1001@{domain}")
        c.send(a.request("INFO", [key], "Signal=5\r\nDuration=160\r\n"))
        if passes:
            lobby.reply(expect(lobby, "INFO"), 200)
            assert expect(c, 200)
        else:
            got = c.receive()
            assert got.code in (200, 500) and lobby.receive(0.3) is None, got      # 500: nothing was negotiated to press it in
        c.send(a.request("BYE"))
        lobby.reply(expect(lobby, "BYE"), 200)
        assert expect(c, 200)
    two.wait_empty()
