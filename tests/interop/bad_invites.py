"""INVITEs that are broken in one place each: every field of one times every anomaly, in the manner of the PROTOS test suites; and
others that a seed makes by chance. Each is one message on a stream, as far as its Content-Length tells the truth."""
import itertools
import random

import pour

SDP = ("v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 40000 RTP/SAVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
       "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n")

# A value in brackets is a field.
TEXT = ("[INVITE] [sip]:[+493012341002]@[{host}][;user=phone] [SIP]/[2.0]\r\n"
        "[Via]: [SIP/2.0/TLS] [192.0.2.9][:5061];[rport];branch=[z9hG4bK{id}]\r\n"
        "Max-Forwards: [70]\r\n"
        'From: ["Anna"] <[sip]:[+43123456]@[sip.carrier.example]>;tag=[t{id}]\r\n'
        "To: <[sip:+493012341002@{host}]>[;x=1]\r\n"
        "Call-ID: [{id}][@x.example]\r\n"
        "CSeq: [1] [INVITE]\r\n"
        "Contact: <[sip:a@192.0.2.9:5061;transport=tls]>[;expires=9]\r\n"
        "Allow: [INVITE, ACK, BYE]\r\nSupported: [timer]\r\nSession-Expires: [1800][;refresher=uac]\r\nMin-SE: [90]\r\n"
        "P-Asserted-Identity: [<sip:+43123456@sip.carrier.example>]\r\nPrivacy: [none]\r\nDate: [Sun, 22 Nov 2026 12:00:00 GMT]\r\n"
        "Reason: [Q.850;cause=16]\r\nDiversion: [<sip:+4388@x.example>;reason=unknown]\r\nIdentity: [a.b.c;info=<https://x/>]\r\n"
        "Content-Type: [application/sdp][;charset=utf-8]\r\n"
        "Content-Length: [{length}]\r\n\r\n[{sdp}]")

ANOMALIES = [
    "", " ", "\t", "\0", "\x01", "\x7f", "\r", "\n", "\r\n", "\r\n ", ":", "::", ";", ";;;", ",", ",,,", "<", ">", "<>", "@", "@@", "\"",
    "\"\\", "\\", "/", "//", "=", "?", "&", "%", "%00", "%0d%0a", "%zz", "%s%s%s%n", "%99999d", "(", ")", "((((", "[", "]", "[::1", "[::]",
    "*", "..", "../../..", "a", "aa", "-1", "0", "00000000001", "127", "128", "255", "256", "65535", "65536", "2147483647", "2147483648",
    "4294967295", "4294967296", "18446744073709551615", "18446744073709551616", "9" * 40, "1e9", "0x10", "1.1.1.1", "999.999.999.999",
    "1.2.3", "::ffff:1.2.3.4", "localhost", "\xc3\x28", "\xff\xfe", "\xe2\x80\xae", "\xf0\x9f\x98\x80", "\xc0\xaf", "INVITE", "SIP/2.0", "sip:",
    "sips:a@b", "tel:+1", "urn:x", "a b", "a\tb", "a;b=c;b=c", "lr;lr;lr", "z9hG4bK", "Jan", "\r\n\r\n", "\r\nFrom: x", "\r\nContent-Length: 0",
    *(c * n for c in "aA1@;:,<(%" for n in (64, 256, 4096)), "a." * 200, "sip:" * 100, "a@b," * 200, "[" * 300, "\"\\" * 300,
]


def _fields():
    parts = []
    for i, piece in enumerate(TEXT.replace("]", "[").split("[")):
        parts.append((i % 2 == 1, piece))
    return parts


def _fill(piece, words):
    for name, value in words.items():
        piece = piece.replace("{" + name + "}", value)
    return piece


def systematic(host):
    """(is the length of the body a lie?, bytes), one for each field and anomaly."""
    parts = _fields()
    for at, (field, piece) in enumerate(parts):
        if not field:
            continue
        for n, anomaly in enumerate(ANOMALIES):
            body = anomaly if piece == "{sdp}" else SDP
            words = {"host": host, "id": f"{at}x{n}", "length": str(len(body.encode("latin-1"))), "sdp": SDP}
            text = "".join(anomaly if i == at else _fill(p, words) for i, (_, p) in enumerate(parts))
            yield piece == "{length}" or "\r\n\r\n" in anomaly or "Length" in anomaly, text.encode("latin-1")


def descriptions(host):
    """The same for each line of the description."""
    lines = SDP.split("\r\n")[:-1]
    parts = _fields()
    for at, line in enumerate(lines):
        for n, anomaly in enumerate(ANOMALIES):
            for kept in (line[:2], line[:len(line) // 2], ""):
                body = "\r\n".join([*lines[:at], kept + anomaly, *lines[at + 1:]]) + "\r\n"
                words = {"host": host, "id": f"s{at}x{n}x{len(kept)}", "length": str(len(body.encode("latin-1"))), "sdp": body}
                yield False, "".join(_fill(p, words) for _, p in parts).encode("latin-1")


def random_ones(host, seed):
    """Without end: (does it tell its end?, bytes) with a few changes by chance in what is well formed; the length of the body stays
    true unless a change says otherwise. Number n bears the name r{seed}x{n}, n from 1."""
    rng = random.Random(seed)
    words = {"host": host, "id": "{id}", "length": str(len(SDP)), "sdp": SDP}
    text = "".join(_fill(p, words) for _, p in _fields())
    anomalies = [a.encode("latin-1")[:300] for a in ANOMALIES]
    for n in itertools.count(1):
        data = bytearray(text.replace("{id}", f"r{seed}x{n}").encode("latin-1"))
        end = len(data) - len(SDP)
        for _ in range(rng.randrange(1, 6)):
            at = rng.randrange(0, end - 30)
            what = rng.randrange(4)
            if what == 0:
                data[at] = rng.randrange(256)
            elif what == 1:
                data[at:at] = rng.choice(anomalies)
            elif what == 2:
                del data[at:at + rng.randrange(1, 9)]
            else:
                data[at:at] = data[at:at + rng.randrange(1, 40)]
        yield pour.tells_its_end(data, len(data) - len(SDP)), bytes(data)
