"""A phone's ear: where its media arrives, SRTP undone by another library than ringfort's code (python cryptography), and
what tone is in it."""
import base64
import hmac
import math
import secrets
import socket
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SUITES = {  # bytes of key, salt, tag; AEAD
    "AEAD_AES_256_GCM": (32, 12, 16, True), "AEAD_AES_128_GCM": (16, 12, 16, True),
    "AES_256_CM_HMAC_SHA1_80": (32, 14, 10, False), "AES_CM_128_HMAC_SHA1_80": (16, 14, 10, False),
}


def ulaw(code):
    """ITU-T G.711 table 2a, as a sample of 16 bits."""
    x = ~code & 0xff
    value = ((((x & 15) << 1) + 33 << (x >> 4 & 7)) - 33) * 4
    return -value if x & 0x80 else value


def alaw(code):
    """ITU-T G.711 table 1a."""
    x = code ^ 0x55
    segment, value = x >> 4 & 7, ((x & 15) << 1) + 1
    value = (value if segment == 0 else value + 32 << segment - 1) * 8
    return value if x & 0x80 else -value


def keystream(key, iv, data):
    c = Cipher(algorithms.AES(key), modes.CTR(iv)).encryptor()
    return c.update(data) + c.finalize()


def lay_over(salt, at, number, n):
    x = bytearray(salt)
    for i, b in enumerate(number.to_bytes(n, "big")):
        x[at + i] ^= b
    return bytes(x)


class Srtp:
    """The receiving side of one stream (RFC 3711 3.3, RFC 7714 8)."""

    def __init__(self, suite, master):
        key_n, salt_n, self.tag, self.aead = SUITES[suite]
        assert len(master) == key_n + salt_n
        key, salt = master[:key_n], master[key_n:]

        def derive(label, n):
            iv = lay_over(salt.ljust(16, b"\0"), 7, label, 1)
            return keystream(key, iv, bytes(n))
        self.key, self.auth, self.salt = derive(0, key_n), derive(1, 20), derive(2, salt_n)
        self.roc, self.last = 0, None

    def open(self, packet):
        """The RTP packet; AssertionError or InvalidTag when it is not authentic."""
        seq, ssrc = struct.unpack(">xxH4xI", packet[:12])
        if self.last is not None and seq < self.last:
            self.roc += 1
        self.last = seq
        index = self.roc << 16 | seq
        if self.aead:
            iv = lay_over(lay_over(self.salt, 2, ssrc, 4), 6, index, 6)
            return packet[:12] + AESGCM(self.key).decrypt(iv, packet[12:], packet[:12])
        body, tag = packet[:-self.tag], packet[-self.tag:]
        assert hmac.digest(self.auth, body + self.roc.to_bytes(4, "big"), "sha1")[:self.tag] == tag, "not authentic"
        iv = lay_over(lay_over(self.salt.ljust(16, b"\0"), 4, ssrc, 4), 8, index, 6)
        return body[:12] + keystream(self.key, iv, body[12:])


    def seal(self, rtp):
        """The sending side, of a stream that does not count so far; AEAD."""
        seq, ssrc = struct.unpack(">xxH4xI", rtp[:12])
        iv = lay_over(lay_over(self.salt, 2, ssrc, 4), 6, seq, 6)
        return rtp[:12] + AESGCM(self.key).encrypt(iv, rtp[12:], rtp[:12])


class Ear:
    """An address where media arrives, and the description that says so."""

    def __init__(self, host, suite="AEAD_AES_256_GCM", code=8, named=None):
        self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, 0))
        self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
        self.suite, self.code, self.version = suite, code, 0
        self.host = named or host

    def description(self, direction="sendrecv", tag=1, port=None):
        key_n, salt_n, *_ = SUITES[self.suite]
        key = base64.b64encode(secrets.token_bytes(key_n + salt_n)).decode()
        self.version += 1
        return (f"v=0\r\no=- 1 {self.version} IN IP4 {self.host}\r\ns=-\r\nc=IN IP4 {self.host}\r\nt=0 0\r\n"
                f"m=audio {self.socket.getsockname()[1] if port is None else port} RTP/SAVP {self.code}\r\n"
                f"a=crypto:{tag} {self.suite} inline:{key}\r\na={direction}\r\n")

    def receive(self, timeout=2):
        """(packet, DSCP), or None."""
        self.socket.settimeout(timeout)
        try:
            data, control, *_ = self.socket.recvmsg(2048, 64)
        except TimeoutError:
            return None
        return data, control[0][2][0] >> 2

    def hear(self, offer, packets):
        """Take so many packets of the stream that this offer announces: (samples of 16 bits, their headers, DSCPs)."""
        line = next(x for x in offer.split("\r\n") if x.startswith("a=crypto:"))
        _, suite, key = line.split(" ")
        stream = Srtp(suite, base64.b64decode(key.removeprefix("inline:")))
        sound, heads, marks = [], [], set()
        while len(heads) < packets:
            got = self.receive()
            assert got, f"only {len(heads)} packets"
            rtp = stream.open(got[0])
            marks.add(got[1])
            heads.append(struct.unpack(">BBHII", rtp[:12]))
            sound += [(alaw if heads[-1][1] & 0x7f == 8 else ulaw)(x) for x in rtp[12:]]
        return sound, heads, marks


def power(samples, hz):
    re = sum(s * math.cos(2 * math.pi * hz * i / 8000) for i, s in enumerate(samples))
    im = sum(s * math.sin(2 * math.pi * hz * i / 8000) for i, s in enumerate(samples))
    return (re * re + im * im) / len(samples) ** 2
