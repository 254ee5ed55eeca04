"""What really went over the wire: every packet on lo, read from a packet socket, judged without knowing any key."""
import collections
import socket
import struct
import threading

from phones import goertzel

ETH_P_ALL, PACKET_OUTGOING = 3, 4
TCP, UDP = 6, 17


def _segment(mantissa, exponent):
    return mantissa << (exponent - 1) if exponent > 1 else mantissa


def decode_pcma(data):
    out = []
    for b in data:
        b ^= 0x55
        t, seg = (b & 0x0f) << 4, (b & 0x70) >> 4
        t = t + 8 if seg == 0 else _segment(t + 0x108, seg)
        out.append(t if b & 0x80 else -t)
    return out


def decode_pcmu(data):
    out = []
    for b in data:
        b = ~b & 0xff
        t = (((b & 0x0f) << 3) + 0x84) << ((b & 0x70) >> 4)
        out.append(0x84 - t if b & 0x80 else t - 0x84)
    return out


class Wire:
    """Records RTP-looking datagrams by direction, and every TCP byte that looks like SIP in the clear."""

    def __init__(self, interface="lo"):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.bind((interface, 0))
        self.socket.settimeout(0.2)
        self.flows = collections.defaultdict(list)   # (source, destination) -> RTP packets
        self.plain_sip = self.tls_records = 0
        self.running = True
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while self.running:
            try:
                frame, where = self.socket.recvfrom(65535)
            except (TimeoutError, socket.timeout):
                continue
            except OSError:
                return
            if where[2] != PACKET_OUTGOING:   # on lo each packet is seen leaving and arriving
                self._packet(frame[14:])

    def _packet(self, ip):
        if len(ip) < 20 or ip[0] >> 4 != 4:
            return
        head = (ip[0] & 15) * 4
        body = ip[head:struct.unpack("!H", ip[2:4])[0]]
        source, target = socket.inet_ntoa(ip[12:16]), socket.inet_ntoa(ip[16:20])
        if ip[9] == UDP and len(body) >= 8:
            sport, dport = struct.unpack("!HH", body[:4])
            self._datagram((source, sport), (target, dport), body[8:])
        elif ip[9] == TCP and len(body) >= 20:
            self._segment(body[(body[12] >> 4) * 4:])

    def _datagram(self, source, target, data):
        if b"SIP/2.0" in data[:2000]:
            self.plain_sip += 1
        # RTP version 2; RTCP has packet types 192-223 in that byte (RFC 5761).
        if len(data) >= 12 and data[0] >> 6 == 2 and not 192 <= data[1] <= 223:
            self.flows[(source, target)].append(data)

    def _segment(self, data):
        if b"SIP/2.0" in data[:2000]:
            self.plain_sip += 1
        if len(data) > 5 and data[0] in (22, 23) and data[1] == 3:
            self.tls_records += 1

    def stop(self):
        self.running = False
        self.thread.join(2)
        self.socket.close()

    def rtp(self, least=25):
        """Flows with enough packets to be a stream: {(source, target): [datagrams]}."""
        return {k: list(v) for k, v in list(self.flows.items()) if len(v) >= least}


class Verdict:
    """One direction of the audio, judged from outside."""

    def __init__(self, packets, plain_payload, *tones):
        self.packets = len(packets)
        sizes = collections.Counter(len(p) for p in packets)
        self.size = sizes.most_common(1)[0][0]
        head = 12 + 4 * (packets[0][0] & 15)
        # What SRTP adds to the payload that the codec makes: the authentication tag.
        self.tag = self.size - head - plain_payload
        payload = b"".join(p[head:head + plain_payload] for p in packets[:50])
        self.tone_in_clear = max(goertzel(decode(payload), 8000, tone) for tone in tones
                                 for decode in (decode_pcma, decode_pcmu))
        self.distinct = len(set(payload))
        sequence = [struct.unpack("!H", p[2:4])[0] for p in packets]
        self.lost = sum((b - a - 1) & 0xffff for a, b in zip(sequence, sequence[1:])
                        if 0 < ((b - a) & 0xffff) < 1000)

    @property
    def encrypted(self):
        # A tone in G.711 repeats a few byte values, and decoded it is the tone; a cipher's output is neither.
        return self.tag in (4, 8, 10, 16) and self.tone_in_clear < 0.05 and self.distinct > 200
