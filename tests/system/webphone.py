"""A phone in a browser, as far as SIP sees it: SIP over WebSocket (RFC 7118) by a WebSocket library that nobody here
wrote, and descriptions such as browsers make (DTLS-SRTP, ICE, BUNDLE, rtcp-mux)."""
import asyncio
import re
import secrets
import ssl
import threading

import websockets

from lab import DOMAIN, Message, SipClient

ORIGIN = f"https://{DOMAIN}"
PORT = 8443
PASSWORD = "correct horse battery"

# What a site needs for them: a zone of their own, and a listener.
LISTEN = """\
sip:
  listen:
    - {{ transport: tls, address: {address}, port: 5061 }}
    - {{ transport: wss, address: {address}, port: 8443, path: /sip }}
{more}"""


def web_site(make_site, level="minimum", more="", listen="", **numbers):
    """A site with a listener for browsers, and a phone and a user for each NAME=NUMBER, running."""
    site = make_site(level=level, up=False)
    site.write("")
    text = (site.dir / "site.yaml").read_text()
    text = text.replace("hosts:\n", "  softphone: { vlan: 40, subnet: 10.40.0.0/24 }\nhosts:\n", 1)
    (site.dir / "site.yaml").write_text(text + (listen or LISTEN).format(address=site.address, more=more))
    for name, number in numbers.items():
        site.phone_add(name, number)
        site.run("user", "add", name, "--number", number, "--password-stdin", stdin=PASSWORD + "\n")
    return site.up()


class WebPhone(SipClient):
    """A raw SIP client whose messages travel in WebSocket messages. It answers pings by itself, as browsers do."""

    def __init__(self, site, port=PORT, path="/sip", origin=ORIGIN, subprotocols=("sip",), transport="wss", source=None,
                 binary=False, fragment=0, **kw):
        kw.setdefault("ca", site.dir / "pki" / "ca.pem")
        super().__init__((site.address, port), domain=site.domain, transport=transport, source=source, **kw)
        self.path, self.origin, self.subprotocols, self.binary = path, origin, subprotocols, binary
        self.fragment = fragment
        self.invalid = f"{secrets.token_hex(6)}.invalid"   # RFC 7118 A.1: a browser does not know its address
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.ws = None
        site.started.append(self)

    def run(self, work, timeout=10):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout)

    def open(self, timeout=5):
        context = None
        if self.transport == "wss":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.load_verify_locations(self.ca)
            if self.cert:
                context.load_cert_chain(self.cert, self.key)
        address = {"local_addr": (self.source, 0)} if self.source else {}
        async def connect():
            return await websockets.connect(
                f"{self.transport}://{self.domain}:{self.server[1]}{self.path}", host=self.server[0],
                port=self.server[1], ssl=context, origin=self.origin, subprotocols=list(self.subprotocols) or None,
                open_timeout=timeout, ping_interval=None, **address)
        self.ws = self.run(connect())
        assert self.ws.subprotocol == "sip"
        self.local = (self.invalid, 0)
        return self

    def here(self):
        return self.invalid

    def request(self, *args, contact=None, headers=(), **kw):
        if contact is None:
            contact = (f'<sip:{self.tag}@{self.invalid};transport=ws>;+sip.instance="<urn:uuid:00000000-0000-4000-8000-'
                       f'0000{self.tag}>";reg-id=1')
        if contact:
            headers = [f"Contact: {contact}", *headers]
        return super().request(*args, contact="", headers=headers, **kw)

    def send(self, data):
        if self.fragment:
            data = [data[i:i + self.fragment] for i in range(0, len(data), self.fragment)]
        elif not self.binary:
            data = data.decode()
        self.run(self.ws.send(data))

    def receive(self, timeout=5):
        async def next_one():
            return await asyncio.wait_for(self.ws.recv(), timeout)
        try:
            data = self.run(next_one(), timeout + 5)
        except (asyncio.TimeoutError, TimeoutError, websockets.ConnectionClosed):
            return None
        if isinstance(data, bytes):
            data = data.decode()
        head, _, body = data.partition("\r\n\r\n")
        assert re.search(r"(?im)^content-length\s*:\s*(\d+)", head).group(1) == str(len(body.encode()))
        return Message(head, body.encode())

    def closed(self, timeout=5):
        """The close code, once the server has ended it."""
        async def over():
            await asyncio.wait_for(self.ws.wait_closed(), timeout)
            return self.ws.close_code
        return self.run(over(), timeout + 5)

    def tear(self):
        """The computer is gone: no Close frame, no BYE."""
        async def abort():
            self.ws.transport.abort()
            await self.ws.wait_closed()
        self.run(abort())

    def stop(self):
        if not self.thread:
            return
        if self.ws:
            self.tear()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)
        self.thread = None


def webrtc_sdp(setup="actpass", lines=("audio",), candidates=6, port=9):
    """What a browser offers: long, with a line a candidate and a codec, all in one bundle."""
    fingerprint = ":".join(f"{b:02X}" for b in secrets.token_bytes(32))
    out = ["v=0", f"o=- {secrets.randbits(62)} 2 IN IP4 127.0.0.1", "s=-", "t=0 0",
           "a=group:BUNDLE " + " ".join(str(i) for i in range(len(lines))), "a=extmap-allow-mixed",
           "a=msid-semantic: WMS stream"]
    for i, kind in enumerate(lines):
        types = "111 63 9 0 8 13 110 126" if kind == "audio" else "96 97 98 99"
        out += [f"m={kind} {port} UDP/TLS/RTP/SAVPF {types}", "c=IN IP4 0.0.0.0", "a=rtcp:9 IN IP4 0.0.0.0"]
        for k in range(candidates):
            out.append(f"a=candidate:{secrets.randbits(31)} 1 udp {2122260223 - k} 192.0.2.{k + 1} {50000 + k} typ host "
                       f"generation 0 network-id {k + 1} network-cost 10")
        out += [f"a=ice-ufrag:{secrets.token_hex(2)}", f"a=ice-pwd:{secrets.token_hex(12)}", "a=ice-options:trickle",
                f"a=fingerprint:sha-256 {fingerprint}", f"a=setup:{setup}", f"a=mid:{i}",
                "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
                "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time", "a=sendrecv",
                f"a=msid:stream track{i}", "a=rtcp-mux", "a=rtcp-rsize"]
        if kind == "audio":
            out += ["a=rtpmap:111 opus/48000/2", "a=rtcp-fb:111 transport-cc", "a=fmtp:111 minptime=10;useinbandfec=1",
                    "a=rtpmap:63 red/48000/2", "a=fmtp:63 111/111", "a=rtpmap:9 G722/8000", "a=rtpmap:0 PCMU/8000",
                    "a=rtpmap:8 PCMA/8000", "a=rtpmap:13 CN/8000", "a=rtpmap:110 telephone-event/48000",
                    "a=rtpmap:126 telephone-event/8000"]
        else:
            for t in (96, 98):
                out += [f"a=rtpmap:{t} {'VP8' if t == 96 else 'VP9'}/90000", f"a=rtcp-fb:{t} goog-remb",
                        f"a=rtcp-fb:{t} transport-cc", f"a=rtcp-fb:{t} ccm fir", f"a=rtcp-fb:{t} nack",
                        f"a=rtcp-fb:{t} nack pli", f"a=rtpmap:{t + 1} rtx/90000", f"a=fmtp:{t + 1} apt={t}"]
        ssrc = secrets.randbits(32)
        out += [f"a=ssrc:{ssrc} cname:{secrets.token_hex(8)}", f"a=ssrc:{ssrc} msid:stream track{i}"]
    return "\r\n".join(out) + "\r\n"
