"""Strangers who pour INVITEs over a controller, from many addresses, in a process of their own:

    python3 strangers.py udp|tcp|tls ADDRESS PORT DOMAIN RATE

until its standard input closes; then one line says how many went out. A third is well formed and from nowhere, a third in
the name of a phone, a third broken. Over TCP each connection says a few; over TLS (without a certificate) a handshake is
tried and an INVITE sent behind it. Addresses of 127.0.0.0/8 are all of lo's.
"""
import random
import select
import socket
import ssl
import subprocess
import sys
import time

SOURCES = 400


def messages(rng, domain, transport):
    """A few hundred, made before it begins."""
    sdp = ("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n")
    out = []
    for i in range(600):
        sender = f"sip:stranger{i}@nowhere.example" if i % 3 == 0 else f"sip:1001@{domain}"
        text = (f"INVITE sip:{rng.choice(('1001', '1002', '112', '0900123456'))}@{domain} SIP/2.0\r\n"
                f"Via: SIP/2.0/{transport.upper()} 127.0.0.1:5999;rport;branch=z9hG4bK{rng.getrandbits(64):x}\r\n"
                f"Max-Forwards: 70\r\nFrom: <{sender}>;tag={i}\r\nTo: <sip:1002@{domain}>\r\nCall-ID: {rng.getrandbits(64):x}\r\n"
                f"CSeq: 1 INVITE\r\nContact: <sip:x@127.0.0.1:5999>\r\nResource-Priority: dsn.flash-override\r\n"
                f"Content-Type: application/sdp\r\nContent-Length: {len(sdp)}\r\n\r\n{sdp}")
        data = bytearray(text.encode())
        if i % 3 == 2:
            for _ in range(8):
                data[rng.randrange(len(data))] = rng.randrange(256)
        out.append(bytes(data))
    return out


def connect(transport, server, i):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM)
    s.settimeout(1)
    s.bind((f"127.2.{i // 250}.{1 + i % 250}", 0))
    s.connect(server)
    if transport == "tls":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        s = context.wrap_socket(s)
    s.setblocking(transport != "udp")
    return s


def pour(transport, server, pieces, rate, ended):
    sent, began, open_sockets = 0, time.monotonic(), {}
    while not ended():
        for _ in range(min(2000, int((time.monotonic() - began) * rate) - sent)):
            i = sent % SOURCES
            sent += 1
            try:
                if i not in open_sockets:
                    open_sockets[i] = connect(transport, server, i)
                open_sockets[i].send(pieces[sent % len(pieces)])
                if transport != "udp" and sent // SOURCES % 4 == 3:
                    open_sockets.pop(i).close()
            except (OSError, ssl.SSLError):
                if transport != "udp" and i in open_sockets:
                    open_sockets.pop(i).close()
            if transport == "tls" and ended():
                return sent
        time.sleep(0.001)
    return sent


def main():
    transport, address, port, domain, rate = sys.argv[1:]
    pieces = messages(random.Random(transport), domain, transport)
    print(pour(transport, (address, int(port)), pieces, int(rate), lambda: select.select([sys.stdin], [], [], 0)[0]), flush=True)


class Strangers:
    """That process, as a test holds it."""

    def __init__(self, transport, address, port, domain, rate):
        self.process = subprocess.Popen([sys.executable, __file__, transport, address, str(port), domain, str(rate)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def end(self):
        """How many INVITEs they tried to send."""
        if self.process.stdin:
            self.process.stdin.close()
            self.process.stdin = None
        said = self.process.stdout.read()
        self.process.wait(10)
        return int(said or 0)


if __name__ == "__main__":
    main()
