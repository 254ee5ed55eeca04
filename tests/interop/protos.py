"""The ground that PROTOS c07-sip covers: an INVITE that is broken in one element, element by element, each times the kinds of what
does not belong there that the suite names. Names and numbers of the groups are those of its public description (4,527 cases in
54 groups); the messages and values are our own, at least as many in each group as there."""

LENGTHS = (0, 2, 3, 4, 7, 8, 16, 32, 64, 128, 255, 256, 1024, 4096, 8193, 70000)


def repeated(*chars):
    return [c * n for c in chars for n in LENGTHS]


FORMATS = [f * n for f in ("%s", "%n", "%x", "%.9999d", "%1$s", "%99$n") for n in (1, 4, 32, 128)]
UTF8 = ["\xc0\x80", "\xc0\xaf", "\xc1\xbf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xef\xbf\xbe", "\xf0\x80\x80\xaf", "\xf8\x88\x80\x80\x80", "\xff",
        "\xfe", "\x80", "\xc3", "\xe2\x80\xae", "\xef\xbb\xbf", "\xf4\x90\x80\x80", "a\xcc\x81" * 64]
ESCAPES = ["\x1b[2J", "\x1b[31m", "\x1b]0;x\x07", "\x1b[6n", "\x1bc", "\x9b2J", "\x1b[999999999C", "\x1b(0", "\x07", "\x08" * 8, "\x1b" * 256,
           "\x1b[?1049h", "\x1b]52;c;YQ==\x07", "\x1bP$q\x1b\\", "\x0e", "\x7f"]
LINES = ["", "\r", "\n", "\n\r", "\r\r", "\n\n", "\r\n\r\n", "\r\r\n", "\0\r\n", "\r\n" * 5000]
WHOLE = ["-1", "0", "00", "000000000000000000001", "+1", " 1", "1 ", "1.5", "1e3", "0x7f", "1,1", "-0", "--1", "", "a", "127", "128", "255", "256",
         "32767", "32768", "-32768", "-32769", "65535", "65536", "2147483647", "2147483648", "-2147483648", "-2147483649", "4294967295",
         "4294967296", "-4294967296", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "18446744073709551615",
         "18446744073709551616", *("9" * n for n in (21, 64, 256, 1024, 4096, 8193, 70000)), "\0", "%d"]
ADDRESSES = ["0.0.0.0", "255.255.255.255", "256.256.256.256", "127.0.0.1", "1.2.3", "1.2.3.4.5", "1..2.3", ".1.2.3", "1.2.3.", "01.02.03.04",
             "0x7f.1", "2130706433", "-1.2.3.4", "1.2.3.99999999999", "1.2.3.4/8", "::", "::1", "[::1]", "[", "]", "[::1", "[]", "[:::]", "[::%lo]",
             "[::ffff:1.2.3.4]", "[" + "1:" * 64 + "]", "224.0.0.1", "1.2.3.4 5", "a.b.c.d", "...."]
URIS = ["", "sip", "sip:", "sip:@", "sip::", "sip:a@", "sip:@b", "sip:a@b:", "sip:a@b:99999", "sip:a@b:0", "sip:a@b@c", "sip:a:b:c@d", "sip:a@[::1",
        "sip:%@b", "sip:%00@b", "sip:a@b;", "sip:a@b;;", "sip:a@b;=", "sip:a@b?", "sip:a@b?a", "sip:a@b?=&", "sip:a@b?Route=%3Csip:x%3E", "SIP:A@B",
        "sips:", "tel:", "tel:+", "urn:", "http://a/", "mailto:a@b", "cid:", "a", "*", "<sip:a@b>", "sip:a@b;transport=x", "sip:a@b;maddr=",
        "sip:a@b;lr;lr", "sip:a@b;method=BYE", "x" * 4096 + ":a@b"]
VERSIONS = ["", "SIP", "SIP/", "SIP/2", "SIP/2.", "SIP/.0", "SIP/2.00", "SIP/02.0", "SIP/1.0", "SIP/3.0", "SIP/2.1", "sip/2.0", "S1P/2.0", "SIP /2.0",
            "SIP/ 2.0", "SIP/2.0 ", "SIP/2.0.0", "SIP/-2.0", "SIP\\2.0", "HTTP/1.1", "SIP/2.0/TLS", "2.0", "/2.0", "SIP/4294967298.0",
            "SIP/2.4294967296", "SIP/2.0SIP/2.0", "SIP//2.0"]
TAGS = ["", " ", "a b", ";", "=", "\"a\"", "<a>", "a;tag=b", "a,b", "@", ":", "/", "a\0b", "%00", "\t"]
TYPES = ["", "/", "application", "application/", "/sdp", "application//sdp", "application/sdp/x", "application/sdp;", "application/sdp;a",
         "application/sdp;=b", "application/sdp;a=\"", "application/sdp;boundary=", "multipart/mixed", "multipart/mixed;boundary=x",
         "multipart/mixed;boundary=" + "b" * 4096, "text/plain", "application/isup", "application/x", "message/sip", "message/sipfrag", "*/*", "a/*",
         "image/gif", "application/sdp,application/sdp", "Application/SDP", "application / sdp"]

TEXT = [*repeated("a", " ", "\0", ":", "@", "=", "<", ">", "/", "("), *FORMATS, *UTF8, *ESCAPES]
SHORT = [*repeated("a", " ", "\0", "/", ":"), *FORMATS, *UTF8, *ESCAPES]
KINDS = {
    "text": TEXT, "short": SHORT, "line": LINES, "number": WHOLE,
    "address": [*ADDRESSES, *repeated("a", "1.", "[", ":", "\0")],
    "uri": [*URIS, *repeated("a", "@")],
    "version": [*VERSIONS, *repeated("a", "/", "2.0")],
    "tag": [*TAGS, *repeated("a", "\0"), *ESCAPES],
    "type": [*TYPES, *TEXT, *repeated("text/", ";a=b")],
    ":": repeated(":"), "@": repeated("@"), "=": repeated("="), "<": repeated("<"), ">": repeated(">"), "/": repeated("/"),
}

# Group of PROTOS, cases there, the element in MESSAGE, kind.
GROUPS = [
    ("sip-method", 193, "method", "text"), ("sip-request-uri", 61, "uri", "uri"), ("sip-version", 75, "version", "version"),
    ("sip-via-host", 106, "via-host", "address"), ("sip-via-hostcolon", 16, "via-colon", ":"), ("sip-via-hostport", 46, "via-port", "number"),
    ("sip-via-version", 75, "via-version", "version"), ("sip-via-tag", 57, "branch", "tag"),
    ("sip-from-displayname", 193, "from-name", "text"), ("sip-from-tag", 57, "from-tag", "tag"), ("sip-from-colon", 16, "from-colon", ":"),
    ("sip-from-uri", 61, "from-uri", "uri"), ("sip-contact-displayname", 193, "contact-name", "text"), ("sip-contact-uri", 61, "contact-uri", "uri"),
    ("sip-contact-left-paranthesis", 16, "contact-left", "<"), ("sip-contact-right-paranthesis", 16, "contact-right", ">"),
    ("sip-to", 193, "to-name", "text"), ("sip-to-left-paranthesis", 16, "to-left", "<"), ("sip-to-right-paranthesis", 16, "to-right", ">"),
    ("sip-call-id-value", 193, "call-id", "text"), ("sip-call-id-at", 16, "call-id-at", "@"), ("sip-call-id-ip", 106, "call-id-host", "address"),
    ("sip-expires", 46, "expires", "number"), ("sip-max-forwards", 46, "forwards", "number"), ("sip-cseq-integer", 46, "cseq", "number"),
    ("sip-cseq-string", 193, "cseq-method", "text"), ("sip-content-type", 247, "type", "type"), ("sip-content-length", 46, "length", "number"),
    ("sip-request-crlf", 10, "line-end", "line"), ("crlf-request", 10, "first", "line"), ("sdp-attribute-crlf", 10, "last", "line"),
    ("sdp-proto-v-identifier", 193, "v", "text"), ("sdp-proto-v-equal", 16, "v-equal", "="), ("sdp-proto-v-integer", 46, "v-number", "number"),
    ("sdp-origin-username", 193, "o-user", "text"), ("sdp-origin-sessionid", 46, "o-id", "number"), ("sdp-origin-networktype", 193, "o-net", "text"),
    ("sdp-origin-ip", 106, "o-host", "address"), ("sdp-session", 193, "s", "text"), ("sdp-connection-networktype", 188, "c-net", "text"),
    ("sdp-connection-ip", 106, "c-host", "address"), ("sdp-time-start", 46, "t-start", "number"), ("sdp-time-stop", 1, "t-stop", "number"),
    ("sdp-media-media", 193, "m", "text"), ("sdp-media-port", 46, "m-port", "number"), ("sdp-media-transport", 118, "m-proto", "short"),
    ("sdp-media-type", 46, "m-format", "number"), ("sdp-attribute-rtpmap", 118, "a", "short"), ("sdp-attribute-colon", 16, "a-colon", ":"),
    ("sdp-attribute-payloadtype", 46, "a-format", "number"), ("sdp-attribute-encodingname", 118, "a-name", "short"),
    ("sdp-attribute-slash", 16, "a-slash", "/"), ("sdp-attribute-clockrate", 46, "a-rate", "number"),
]

HEAD = ("{first}{method} {uri} {version}{line-end}"
        "Via: {via-version}/TLS {via-host}{via-colon}{via-port};branch={branch}\r\n"
        "From: {from-name}<{from-uri}>;tag={from-tag}\r\nTo: {to-name}{to-left}sip:+493012341002@host{to-right}\r\n"
        "Call-ID: {call-id}{call-id-at}{call-id-host}\r\nCSeq: {cseq} {cseq-method}\r\n"
        "Contact: {contact-name}{contact-left}{contact-uri}{contact-right}\r\nExpires: {expires}\r\nMax-Forwards: {forwards}\r\n"
        "Content-Type: {type}\r\nContent-Length: {length}\r\n\r\n")
BODY = ("{v}{v-equal}{v-number}\r\no={o-user} {o-id} 1 {o-net} IP4 {o-host}\r\ns={s}\r\nc={c-net} IP4 {c-host}\r\nt={t-start} {t-stop}\r\n"
        "m={m} {m-port} {m-proto} {m-format}\r\n{a}{a-colon}{a-format} {a-name}{a-slash}{a-rate}\r\n"
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz{last}")


def _usual(host, name):
    return {
        "first": "", "method": "INVITE", "uri": f"sip:+493012341002@{host}", "version": "SIP/2.0", "line-end": "\r\n",
        "via-version": "SIP/2.0", "via-host": "192.0.2.9", "via-colon": ":", "via-port": "5061", "branch": "z9hG4bK" + name,
        "from-name": '"Anna" ', "from-uri": "sip:+43123456@sip.carrier.example", "from-colon": "", "from-tag": "t" + name,
        "to-name": '"Desk" ', "to-left": "<", "to-right": ">", "call-id": name, "call-id-at": "@", "call-id-host": "192.0.2.9",
        "cseq": "1", "cseq-method": "INVITE", "contact-name": "", "contact-left": "<", "contact-uri": "sip:a@192.0.2.9:5061;transport=tls",
        "contact-right": ">", "expires": "60", "forwards": "70", "type": "application/sdp",
        "v": "v", "v-equal": "=", "v-number": "0", "o-user": "-", "o-id": "1", "o-net": "IN", "o-host": "192.0.2.9", "s": "-", "c-net": "IN",
        "c-host": "192.0.2.9", "t-start": "0", "t-stop": "0", "m": "audio", "m-port": "40000", "m-proto": "RTP/SAVP", "m-format": "8",
        "a": "a=rtpmap", "a-colon": ":", "a-format": "8", "a-name": "PCMA", "a-slash": "/", "a-rate": "8000", "last": "\r\n"}


def _fill(text, words):
    for name, value in words.items():
        text = text.replace("{" + name + "}", value)
    return text


def messages(host):
    """(group, does it end what a stream can be read as?, bytes): `valid`, and then every group."""
    yield "valid", *_message(host, "valid", None, None)
    for group, _, element, kind in GROUPS:
        for n, value in enumerate(KINDS[kind]):
            yield group, *_message(host, f"{group}-{n}", element, value)


def _message(host, name, element, value):
    words = _usual(host, name)
    if element == "from-colon":
        words["from-uri"] = "sip" + value + "+43123456@sip.carrier.example"
    elif element:
        words[element] = value
    body = _fill(BODY, words).encode("latin-1")
    words.setdefault("length", str(len(body)))
    head = _fill(HEAD, words).encode("latin-1")
    return element in ("length", "line-end", "first") or len(head) + len(body) > 32768, head + body
