"""Transfers and the outside: nobody is given what who transfers may not dial, and a right that falls ends what it gave."""
from dialogs import SDP, Leg, establish, expect, invite, sdp, uri
from test_trunks_out import FAR, answer, authority, outside, wait_empty  # noqa: F401

CLASSES = "class: staff\nclasses:\n  staff: {{ grants: [{}] }}\n"


def notified(leg, code):
    m = expect(leg.client, "NOTIFY")
    assert f"SIP/2.0 {code} ".encode() in m.body, m.body
    leg.client.reply(m, 200)


def refer(leg, target):
    leg.client.send(leg.request("REFER", headers=[f"Refer-To: <{target}>"]))


SPELLINGS = (
    "sip:000431234567@{d}", "sip:+431234567@{d}", "sip:+43%31234567@{d}", "tel:+43-123-4567", "tel:+431234567;phone-context=x",
    "sip:0+431234567@{d}", "sip:000431234567@{d};user=phone", "sip:000431234567@{d};method=INVITE", "sips:000431234567@{d}",
    "sip:000431234567;isub=1@{d}", "sip:0900123456@{d}", "sip:00900123456@{d}", "sip:+49900123456@{d}",
    "sip:000431234567@sip.carrier.example", "sip:1002;tel=+431234567@elsewhere.example")


def test_a_number_that_they_may_not_dial(outside):  # noqa: F811
    """In every spelling; neither by a transfer of one's own nor by one that the other side asks for."""
    site, first, second, lobby, desk = outside(extra=CLASSES.format("internal, national"))
    la, lb, _ = establish(lobby, f"sip:1001@{site.domain}", desk, f"sip:1002@{site.domain}")
    for target in SPELLINGS:
        for leg in (la, lb):
            refer(leg, target.format(d=site.domain))
            m = leg.client.receive(5)
            assert m.code in (400, 403, 404, 416), (target, m)
    assert site.wait_event("call.transfer_refused", rule="class-denied")
    assert first.inbox.empty() and second.inbox.empty()
    assert len(site.calls()) == 1
    lobby.send(la.request("BYE"))
    assert expect(lobby, 200)
    desk.reply(expect(desk, "BYE"), 200)
    wait_empty(site)


def test_given_to_the_outside_until_the_right_falls(outside):  # noqa: F811
    site, first, _, lobby, desk = outside(extra=CLASSES.format("internal, national"))
    la, _, _ = establish(lobby, f"sip:1001@{site.domain}", desk, f"sip:1002@{site.domain}")
    refer(la, f"sip:0089123456@{site.domain}")
    assert expect(lobby, 202)
    notified(la, 100)
    got = expect(first, "INVITE")
    assert not got.body and FAR in got.line
    answer(first, got)
    desk.reply(expect(desk, "INVITE"), 200, headers=[SDP, f"Contact: <sip:x@{desk.here()};transport=tls>"], body=sdp())
    expect(desk, "ACK")
    assert b"m=audio" in expect(first, "ACK").body
    notified(la, 200)
    lobby.reply(expect(lobby, "BYE"), 200)
    assert site.wait_event("call.transferred", rule="blind", by="1001", who="1002")
    text = (site.dir / "site.yaml").read_text()
    (site.dir / "site.yaml").write_text(text.replace("[internal, national]", "[internal]"))
    site.run("reload")
    for side in (desk, first):
        bye = expect(side, "BYE")
        assert "No longer allowed" in bye.get("Reason")
        side.reply(bye, 200)
    wait_empty(site)


def test_a_caller_from_outside_is_given_on(outside):  # noqa: F811
    site, first, _, lobby, desk = outside()
    first.dial()
    invite(first, "sip:+43123456@one.carrier.example", f"sip:+493012341001@{site.domain}")
    got = expect(lobby, "INVITE")
    lobby.reply(got, 200, headers=[SDP, f"Contact: <sip:x@{lobby.here()};transport=tls>"], body=sdp())
    ok = expect(first, 200)
    caller = Leg(first, first.call_id, ok.get("From"), ok.get("To"), uri(ok.get("Contact")), int(ok.get("CSeq").split()[0]))
    first.send(caller.request("ACK", cseq=caller.cseq))
    expect(lobby, "ACK")
    mine = Leg(lobby, got.get("Call-ID"), f"{got.get('To')};tag={lobby.tag}", got.get("From"), uri(got.get("Contact")), 0)
    # who calls from outside moves nobody
    first.send(caller.request("REFER", headers=[f"Refer-To: <sip:1002@{site.domain}>"]))
    assert expect(first, 403)
    refer(mine, f"sip:1002@{site.domain}")
    assert expect(lobby, 202)
    notified(mine, 100)
    rings = expect(desk, "INVITE")
    assert "+43123456" in rings.get("From")
    desk.reply(rings, 200, headers=[SDP, f"Contact: <sip:x@{desk.here()};transport=tls>"], body=sdp())
    answer(first, expect(first, "INVITE"))
    expect(first, "ACK")
    expect(desk, "ACK")
    notified(mine, 200)
    lobby.reply(expect(lobby, "BYE"), 200)
    first.send(caller.request("BYE"))
    assert expect(first, 200)
    desk.reply(expect(desk, "BYE"), 200)
    wait_empty(site)


def test_who_calls_from_outside_fetches_nobody(outside):  # noqa: F811
    """Codes and slots are for phones of the site, and so are the dialogs of others."""
    site, first, _, lobby, desk = outside(extra="parking: {{ slots: 701-702 }}\n".replace("{{", "{").replace("}}", "}"))
    la, lb, _ = establish(lobby, f"sip:1001@{site.domain}", desk, f"sip:1002@{site.domain}")
    refer(la, f"sip:701@{site.domain}")
    assert expect(lobby, 202)
    notified(la, 200)
    lobby.reply(expect(lobby, "BYE"), 200)
    desk.reply(expect(desk, "INVITE"), 200, headers=[SDP, f"Contact: <sip:x@{desk.here()};transport=tls>"],
               body=sdp("inactive"))
    expect(desk, "ACK")
    first.dial()
    for number in ("701", "*88701", "*8", "**1002", "+49301234701"):
        invite(first, "sip:+43123456@one.carrier.example", f"sip:{number}@{site.domain}")
        m = first.receive(5)
        while m.code == 100:
            m = first.receive(5)
        assert m.code in (403, 404), (number, m)
    header = f"Replaces: {lb.call_id};to-tag={lb.other.split(';tag=')[1]};from-tag={lb.own.split(';tag=')[1]}"
    invite(first, "sip:+43123456@one.carrier.example", f"sip:+493012341001@{site.domain}", headers=[header])
    m = first.receive(5)
    assert m.code in (403, 481), m
    desk.send(lb.request("BYE"))
    assert expect(desk, 200)
    wait_empty(site)
