"""Calls to the outside: what a trunk is told and what it is not, failover, channels, and what nobody can make us dial."""
import shutil

import pytest

from dialogs import SDP, Leg, expect, invite, sdp, uri
from lab import wait_until
from trunks import Authority, Peer, state_of, wait_empty, wait_state

SITE = """\
dial_plans:
  default: {{ country_code: "49", area_code: "30", outside: "0" }}
dial_plan: default
trunks:
  - {{ name: first, peer: "{a}", port: 5061, ca: carrier-ca.pem, certificate: [one.carrier.example], channels: {channels},
       numbers: {{ "+4930123410xx": "10xx" }}, caller_number: "+493012340", health_interval: {interval}, trusted: {trusted},
       cost: 1, calls_per_second_out: {rate}, format: {format} }}
  - {{ name: second, peer: "{b}", port: 5061, ca: carrier-ca.pem, certificate: [two.carrier.example, b.carrier.example],
       numbers: {{ "+4930123410xx": "10xx" }}, health_interval: {interval}, cost: 5 }}
"""
FAR = "+4989123456"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("carrier"))


@pytest.fixture
def outside(make_site, authority):
    """outside(...): a site with two trunks, the cheaper one first, and phones lobby (1001) and desk (1002)."""
    def make(channels=2, interval=0, trusted="true", rate=20, names=("one.carrier.example", "two.carrier.example"),
             listen=(True, True), extra="", form="e164", **kw):
        site = make_site(phones={"lobby": "1001", "desk": "1002"}, up=False)
        a, b = site.phone_address(6), site.phone_address(7)
        shutil.copy(authority.cert, site.dir / "carrier-ca.pem")
        site.write(SITE.format(a=a, b=b, channels=channels, interval=interval, trusted=trusted, rate=rate, format=form)
                   + extra)
        peers = [Peer(site, where, *authority.issue(f"DNS:{name}"), **kw) for where, name in zip((a, b), names)]
        for peer, on in zip(peers, listen):
            if on:
                peer.listen()
        site.up()
        phones = []
        for name, number in site.numbers.items():
            c = site.client(name).open()
            assert c.register(f"sip:{number}@{site.domain}").code == 200
            phones.append(c)
        return site, *peers, *phones
    return make


def call(site, phone, number="0089123456", me="1001", headers=()):
    invite(phone, f"sip:{me}@{site.domain}", f"sip:{number}@{site.domain}", headers)


def answer(peer, got):
    peer.reply(got, 200, headers=[SDP, f"Contact: <sip:gw@{peer.here()};transport={peer.transport}>"], body=sdp())


def legs(phone, peer, got):
    ok = expect(phone, 200)
    a = Leg(phone, phone.call_id, ok.get("From"), ok.get("To"), uri(ok.get("Contact")), int(ok.get("CSeq").split()[0]))
    phone.send(a.request("ACK", cseq=a.cseq))
    expect(peer, "ACK")
    return a, Leg(peer, got.get("Call-ID"), f"{got.get('To')};tag={peer.tag}", got.get("From"), uri(got.get("Contact")), 0)


def test_what_the_trunk_is_told(outside):
    site, first, _, lobby, _ = outside()
    call(site, lobby)
    got = expect(first, "INVITE")
    assert got.line.split()[1].startswith(f"sip:{FAR}@{first.address}:5061")
    assert uri(got.get("To")).startswith(f"sip:{FAR}@{first.address}")
    assert uri(got.get("From")) == f"sip:+493012341001@{site.domain};user=phone"
    assert uri(got.get("P-Asserted-Identity")) == f"sip:+493012341001@{site.domain};user=phone"
    assert not got.get("From").startswith('"')
    text = "\n".join(f"{n}: {v}" for n, v in got.headers)
    for inside in ("lobby", "Lobby", "10.30.", "1001@"):
        assert inside not in text.replace(first.address, "").replace("+493012341001", ""), inside
    assert got.get("User-Agent") == "ringfort" and not got.all("History-Info")
    assert state_of(site, "first")["channels"] == 1
    answer(first, got)
    a, b = legs(lobby, first, got)
    assert site.calls()[0]["to"] == FAR
    first.send(b.request("BYE"))
    lobby.reply(expect(lobby, "BYE"), 200)
    assert expect(first, 200)
    wait_empty(site)
    cdr = site.wait_event("cdr", direction="out")
    assert cdr["outcome"] == "answered" and cdr["to"] == FAR and "device" not in cdr


def test_the_caller_hangs_up(outside):
    site, first, _, lobby, _ = outside(form="national")
    call(site, lobby)
    got = expect(first, "INVITE")
    assert got.line.split()[1].startswith("sip:089123456@")
    assert uri(got.get("From")).startswith("sip:03012341001@")
    answer(first, got)
    a, _ = legs(lobby, first, got)
    lobby.send(a.request("BYE"))
    first.reply(expect(first, "BYE"), 200)
    assert expect(lobby, 200)
    wait_empty(site)


@pytest.mark.parametrize("trusted", ["true", "false"])
def test_a_hidden_number(outside, trusted):
    site, first, _, lobby, _ = outside(trusted=trusted)
    call(site, lobby, headers=["Privacy: id"])
    got = expect(first, "INVITE")
    assert "anonymous" in got.get("From").lower() and got.get("Privacy") == "id"
    assert bool(got.all("P-Asserted-Identity")) == (trusted == "true")
    if trusted == "false":
        assert "1001" not in str(got.headers)
    first.reply(got, 486)
    assert expect(lobby, 486)
    wait_empty(site)


@pytest.mark.parametrize("code,told", [(486, 486), (600, 600), (603, 603), (404, 404), (403, 403), (480, 480), (488, 488)])
def test_answers_of_the_callee_are_final(outside, code, told):
    site, first, second, lobby, _ = outside()
    call(site, lobby)
    first.reply(expect(first, "INVITE"), code)
    assert expect(lobby, told)
    assert second.receive(0.1) is None
    wait_empty(site)


def test_a_trunk_sends_no_call_elsewhere(outside):
    """A redirection from outside is not followed, neither inside nor to another number outside."""
    site, first, second, lobby, desk = outside()
    for where in (f"sip:1002@{site.domain}", f"sip:009001234@{site.domain}", "sip:+4990012345@one.carrier.example"):
        call(site, lobby)
        first.reply(expect(first, "INVITE"), 302, headers=[f"Contact: <{where}>"])
        assert expect(lobby, 480)
        assert second.receive(0.05) is None and desk.receive(0.05) is None
    wait_empty(site)


@pytest.mark.parametrize("code", [500, 502, 503, 504, 408, 407])
def test_answers_of_the_trunk_are_not(outside, code):
    site, first, second, lobby, _ = outside()
    call(site, lobby)
    first.reply(expect(first, "INVITE"), code)
    got = expect(second, "INVITE")
    assert state_of(site, "first")["channels"] == 0
    answer(second, got)
    _, b = legs(lobby, second, got)
    second.send(b.request("BYE"))
    lobby.reply(expect(lobby, "BYE"), 200)
    wait_empty(site)


def test_nobody_is_left(outside):
    site, first, second, lobby, _ = outside()
    call(site, lobby)
    first.reply(expect(first, "INVITE"), 503)
    second.reply(expect(second, "INVITE"), 500)
    assert expect(lobby, 503)
    wait_empty(site)


def test_one_is_not_there(outside):
    """Connection refused: the next one at once; the dead one is passed by until it is asked again."""
    site, first, second, lobby, _ = outside(interval=1, listen=(False, True))
    wait_state(site, "second", "up")
    wait_state(site, "first", "down")
    call(site, lobby)
    got = expect(second, "INVITE", 2)
    second.reply(got, 486)
    assert expect(lobby, 486)
    first.listen()
    wait_state(site, "first", "up")
    assert [e["kind"] for e in site.ledger("trunk.up", "trunk.down") if e["trunk"] == "first"] == ["trunk.down", "trunk.up"]
    call(site, lobby)
    first.reply(expect(first, "INVITE", 2), 486)
    assert expect(lobby, 486)
    wait_empty(site)


def test_one_has_another_name(outside):
    """A peer whose certificate is somebody else's gets no call, whatever its address."""
    site, first, second, lobby, _ = outside(names=("two.carrier.example", "b.carrier.example"))
    call(site, lobby)
    second.reply(expect(second, "INVITE", 4), 486)
    assert expect(lobby, 486)
    assert first.receive(0.05) is None and first.accepted == 0
    assert wait_state(site, "first", "down")
    wait_empty(site)


def test_channels(outside):
    """What is over one trunk's channels goes by the next; the count comes back to nothing."""
    site, first, second, lobby, desk = outside(channels=1)
    call(site, lobby)
    one = expect(first, "INVITE")
    call(site, desk, me="1002")
    two = expect(second, "INVITE")
    assert uri(two.get("From")).startswith("sip:+493012341002@")
    assert site.wait_event("limit", bound="channels", trunk="first")
    first.reply(one, 486)
    second.reply(two, 486)
    assert expect(lobby, 486) and expect(desk, 486)
    wait_empty(site)


def test_all_of_them(outside):
    site, first, second, lobby, desk = outside(extra="limits: { external_calls: 1 }\n")
    call(site, lobby)
    one = expect(first, "INVITE")
    call(site, desk, me="1002")
    assert expect(desk, 503)
    assert site.wait_event("limit", bound="external_calls")
    first.reply(one, 486)
    assert expect(lobby, 486)
    wait_empty(site)


def test_rate(outside):
    site, first, second, lobby, desk = outside(rate=1)
    for n in range(3):
        call(site, lobby)
    assert expect(first, "INVITE") and expect(second, "INVITE") and expect(second, "INVITE")
    assert site.wait_event("limit", bound="calls_per_second_out", trunk="first")


@pytest.mark.parametrize("state", ["sent", "rings", "answered"])
def test_the_peer_dies(outside, state):
    site, first, second, lobby, _ = outside(listen=(True, False))
    call(site, lobby)
    got = expect(first, "INVITE")
    if state == "rings":
        first.reply(got, 180, "Ringing")
        wait_until("it rings", lambda: site.calls()[0]["state"] == "ringing", 3)
    elif state == "answered":
        answer(first, got)
        legs(lobby, first, got)
    first.die()
    if state == "answered":
        lobby.reply(expect(lobby, "BYE", 15), 200)
    else:
        assert expect(lobby, 503)
    wait_empty(site, 15)


def test_the_connection_is_made_anew(outside):
    """The peer closes its connection in a call: the call goes on over another one."""
    site, first, _, lobby, _ = outside()
    call(site, lobby)
    got = expect(first, "INVITE")
    answer(first, got)
    a, b = legs(lobby, first, got)
    first.hang(got.socket)
    update = first.receive(8)
    assert update.method in ("UPDATE", "INVITE") and first.accepted == 2, update
    answer(first, update)
    lobby.send(a.request("BYE"))
    bye = expect(first, "BYE")
    first.reply(bye, 200)
    assert expect(lobby, 200)
    wait_empty(site)


def test_a_right_that_falls_in_mid_call(outside):
    """The class loses its grant, or the person theirs: the call that goes on by it ends, on both sides, and says why."""
    classes = "class: staff\nclasses:\n  staff: {{ grants: {} }}\n  abroad: {{ grants: [internal, international] }}\n"
    site, first, _, lobby, _ = outside(extra=classes.format("[internal, national]"))
    text = (site.dir / "site.yaml").read_text()
    call(site, lobby)
    got = expect(first, "INVITE")
    answer(first, got)
    legs(lobby, first, got)
    site.run("reload")   # nothing changed: nothing ends
    assert len(site.calls()) == 1
    (site.dir / "site.yaml").write_text(text.replace("[internal, national]", "[internal]"))
    site.run("reload")
    for side in (lobby, first):
        bye = expect(side, "BYE")
        assert "No longer allowed" in bye.get("Reason")
        side.reply(bye, 200)
    end = site.wait_event("call.end", ended_by="system")
    assert end["why"] == "not granted to the caller's class of service"
    wait_empty(site)
    call(site, lobby)
    expect(lobby, 403)
    assert site.wait_event("call.refused", rule="class-denied")["class"] == "national"
    # a person who may, on the same phone's number: granted by name, and for as long as they have it
    site.run("user", "add", "alice", "--number", "1001", "--password-stdin", stdin="correct horse battery\n")
    site.run("user", "set", "alice", "--class", "abroad")
    assert site.call("explain", "alice", "000431234567").returncode == 0
    assert site.call("explain", "lobby", "000431234567").returncode == 1
    call(site, lobby, "000431234567")
    expect(lobby, 403)


def test_from_outside_to_outside(outside):
    """A number of ours that is forwarded abroad takes a caller from outside along only by the rights of its owner."""
    site, first, second, lobby, _ = outside()
    first.dial()
    invite(first, "sip:+43123456@one.carrier.example", f"sip:{FAR}@{site.domain}")
    assert expect(first, 404)
    site.run("number", "set", "1001", "--forward-always", "0089123456")
    invite(first, "sip:+43123456@one.carrier.example", f"sip:+493012341001@{site.domain}")
    got = expect(first, "INVITE")
    assert uri(got.get("From")).startswith("sip:+43123456@")
    assert uri(got.get("Diversion")).startswith("sip:+493012341001@") and "unconditional" in got.get("Diversion")
    first.reply(got, 486)
    assert expect(first, 486)
    wait_empty(site)


def test_a_peer_that_has_too_much_to_do(outside):
    """It asks to be spared (RFC 7339): calls go another way until that is over, but for who calls with precedence."""
    site, first, second, lobby, _ = outside()
    call(site, lobby)
    got = expect(first, "INVITE")
    via = got.get("Via")
    assert ";oc;oc-algo=" in via
    spare = via.replace(';oc;oc-algo="loss"', ';oc=100;oc-algo="loss";oc-validity=60000;oc-seq=1.1')
    got.headers = [(n, spare if n == "via" else v) for n, v in got.headers]
    first.reply(got, 503)
    expect(first, "ACK")
    second.reply(expect(second, "INVITE"), 486)
    assert expect(lobby, 486)
    call(site, lobby)
    second.reply(expect(second, "INVITE"), 486)
    assert expect(lobby, 486)
    assert first.inbox.empty()
    assert site.wait_event("limit", bound="peer_load", trunk="first")
    assert state_of(site, "first")["spared"] == 1
    assert "1 spared the peer" in site.run("trunk", "show", "first")
    wait_empty(site)
