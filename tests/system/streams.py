"""Parties whose port nobody names: those that connect (MSRP, BFCP over TCP), and phones behind a NAT that changes ports."""
import base64
import secrets
import socket

from anchor import Party, rtp
from ears import SUITES, Srtp
from house import Space


# ---- connections

def describe(address, port, setup, proto="TCP/MSRP"):
    """Messages, or the control of a floor."""
    line = {"TCP/MSRP": f"m=message {port} TCP/MSRP *\r\na=path:msrp://{address}:{port}/x;tcp\r\na=accept-types:text/plain\r\n",
            "TCP/BFCP": f"m=application {port} TCP/BFCP *\r\na=floorctrl:c-s\r\na=confid:1\r\na=userid:2\r\na=floorid:3 mstrm:4\r\n"}[proto]
    return (f"v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n{line}a=setup:{setup}\r\na=connection:new\r\n")


def place(sdp):
    """Where the relay wants the other end of it."""
    lines = sdp.splitlines()
    return (next(x.split()[2] for x in lines if x.startswith("c=")), int(next(x.split()[1] for x in lines if x.startswith("m="))))


def listen(space, address):
    s = space.socket(kind=socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((address, 0))
    s.listen(4)
    return s


def connect(space, address, to, wait=5):
    """From any port; None: nobody answers."""
    s = space.socket(kind=socket.SOCK_STREAM)
    s.bind((address, 0))
    s.settimeout(wait)
    try:
        s.connect(to)
    except (TimeoutError, ConnectionError):
        s.close()
        return None
    s.settimeout(5)
    return s


def says(one, other, text, wait=5):
    """Does it arrive at the other end?"""
    other.settimeout(wait)
    try:
        one.sendall(text)
        return other.recv(1000) == text
    except (TimeoutError, ConnectionError):
        return False


# ---- a network outside whose router gives each flow a port of its own choice

class Home:
    SEEN = "192.0.2.1"

    def __init__(self, house):
        self.space, out = Space(), house.spaces["internet"]
        out.run("ip", "link", "add", "home0", "type", "veth", "peer", "name", "eth0", "netns", self.space.holder.pid)
        out.run("sh", "-ec", "ip addr add 192.168.5.1/24 dev home0; ip link set home0 up; echo 1 > /proc/sys/net/ipv4/ip_forward")
        self.space.run("sh", "-ec", "ip addr add 192.168.5.7/24 dev eth0; ip link set eth0 up; ip route add default via 192.168.5.1")
        out.run("nft", "-f", "-", input="table ip home {\n\tchain out {\n\t\ttype nat hook postrouting priority srcnat;\n"
                "\t\tip saddr 192.168.5.0/24 masquerade fully-random\n\t}\n}\n")

    def close(self):
        self.space.close()


class Phone(Party):
    """It knows nothing of its NAT, and speaks SRTP: what it names is an address that nobody reaches."""
    SUITE = "AEAD_AES_256_GCM"

    def __init__(self, home, port):
        super().__init__("192.168.5.7", port, lambda f, k: home.space.socket(f, k))
        self.master = secrets.token_bytes(sum(SUITES[self.SUITE][:2]))
        self.sealed = Srtp(self.SUITE, self.master)
        self.seq = 1

    def answer(self, offer):
        line = next(x for x in offer.splitlines() if x.startswith("a=crypto:") and self.SUITE in x)
        self.learn(offer)
        self.heard = Srtp(self.SUITE, base64.b64decode(line.split("inline:")[1].split("|")[0]))
        key = base64.b64encode(self.master).decode()
        return self.sdp("RTP/SAVP", f"a=rtcp-mux\r\n{line.split()[0]} {self.SUITE} inline:{key}\r\n")

    def send(self, to=None, **kw):
        self.seq += 1
        packet = rtp(self.seq, self.seq * 160, self.ssrc, **kw)
        self.s.sendto(self.sealed.seal(packet), to or self.to)
        return packet

    def hears(self, packet, wait=2):
        self.s.settimeout(wait)
        try:
            while True:
                if self.heard.open(self.s.recv(2000))[12:] == packet[12:]:
                    return True
        except TimeoutError:
            return False
