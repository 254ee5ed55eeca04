"""Calls between two raw clients, whose every identifier a test may then misuse."""
import base64
import secrets

SDP = "Content-Type: application/sdp"


def sdp(direction="sendrecv", secure=True):
    """An offer or answer, with SDES-SRTP or in the clear."""
    key = base64.b64encode(secrets.token_bytes(30)).decode()
    crypto = f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{key}\r\n" if secure else ""
    return ("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
            f"m=audio 40000 RTP/{'SAVP' if secure else 'AVP'} 8\r\na=rtpmap:8 PCMA/8000\r\n{crypto}a={direction}\r\n")


def tag(value):
    return value.split(";tag=")[1].split(";")[0] if ";tag=" in value else ""


def uri(value):
    return value.split("<")[1].split(">")[0] if "<" in value else value


def expect(client, what, timeout=5):
    """The next message that is this request (a method) or final response (a code); others in between are dropped."""
    while True:
        m = client.receive(timeout)
        assert m is not None, f"no {what}"
        if m.method == what or m.code == what:
            return m
        assert m.code < 200 or not isinstance(what, int), f"{m.line} instead of {what}"


class Leg:
    """One side of a call as its phone knows it."""

    def __init__(self, client, call_id, own, other, target, cseq):
        self.client, self.call_id, self.own, self.other = client, call_id, own, other
        self.target, self.cseq = target, cseq

    def request(self, method, headers=(), body="", cseq=None, by=None, branch=None):
        """A request inside the dialog; by: another client, who has learned all there is to know."""
        c = by or self.client
        if cseq is None:
            self.cseq += 1
            cseq = self.cseq
        host = c.here()
        lines = [f"{method} {self.target} SIP/2.0",
                 f"Via: SIP/2.0/{c.transport.upper()} {host};rport;branch={branch or 'z9hG4bK' + secrets.token_hex(8)}",
                 "Max-Forwards: 70", f"From: {self.own}", f"To: {self.other}", f"Call-ID: {self.call_id}",
                 f"CSeq: {cseq} {method}"]
        if method in ("INVITE", "UPDATE", "REFER", "SUBSCRIBE"):
            lines.append(f"Contact: <sip:x@{host};transport={c.transport}>")
        lines += [*headers, f"Content-Length: {len(body.encode())}"]
        return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def invite(caller, me, other, headers=(), offer=None, **kw):
    """Send an INVITE with an offer; returns what was sent."""
    caller.call_id = f"{secrets.token_hex(8)}@test"
    data = caller.request("INVITE", other, sender=me, to=other, headers=[SDP, *headers], body=offer or sdp(), **kw)
    caller.send(data)
    return data


def establish(caller, me, callee, other, headers=(), offer=None, answer=None):
    """A call from me to other that is answered: (the caller's leg, the called side's leg, the INVITE that arrived). answer: what is
    answered to a message that came; the caller's leg has the answer that came there."""
    invite(caller, me, other, headers, offer)
    got = expect(callee, "INVITE")
    callee.reply(got, 200, headers=[SDP, f"Contact: <sip:x@{callee.here()};transport={callee.transport}>"],
                 body=answer(got) if answer else sdp())
    ok = expect(caller, 200)
    a = Leg(caller, caller.call_id, ok.get("From"), ok.get("To"), uri(ok.get("Contact")),
            int(ok.get("CSeq").split()[0]))
    a.answer = ok.body
    caller.send(a.request("ACK", cseq=a.cseq))
    expect(callee, "ACK")
    b = Leg(callee, got.get("Call-ID"), f"{got.get('To')};tag={callee.tag}", got.get("From"),
            uri(got.get("Contact")), 0)
    return a, b, got
