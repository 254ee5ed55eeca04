"""Frames by hand: made, sent and seen on one end of a veth whose other end is in the namespace of a device under test."""
import ipaddress
import json
import os
import pathlib
import select
import signal
import socket
import struct
import subprocess
import time

from lab import phones

BROADCAST = "ff:ff:ff:ff:ff:ff"


def mac(text):
    return bytes(int(part, 16) for part in text.split(":"))


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def packet(src, dst, proto, payload, tos=0):
    """An IP packet of either family; the checksum inside payload (at its offset of proto) is filled in."""
    src, dst = ipaddress.ip_address(src), ipaddress.ip_address(dst)
    at = {6: 16, 17: 6, 1: 2, 58: 2}.get(proto)
    if at is not None:
        pseudo = src.packed + dst.packed + struct.pack("!IHBB", len(payload), 0, 0, proto)
        if src.version == 4:
            pseudo = src.packed + dst.packed + struct.pack("!BBH", 0, proto, len(payload))
        if proto == 1:
            pseudo = b""
        payload = payload[:at] + b"\0\0" + payload[at + 2:]
        payload = payload[:at] + struct.pack("!H", checksum(pseudo + payload) or 0xffff) + payload[at + 2:]
    if src.version == 6:
        return struct.pack("!IHBB", 6 << 28 | tos << 20, len(payload), proto, 255) + src.packed + dst.packed + payload
    head = struct.pack("!BBHHHBBH4s4s", 0x45, tos, 20 + len(payload), 1, 0, 64, proto, 0, src.packed, dst.packed)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def udp(src, sport, dst, dport, data=b"x", tos=0):
    return packet(src, dst, 17, struct.pack("!HHHH", sport, dport, 8 + len(data), 0) + data, tos)


def tcp(src, sport, dst, dport, flags=2, seq=1, ack=0, data=b""):
    return packet(src, dst, 6, struct.pack("!HHIIBBHHH", sport, dport, seq, ack, 0x50, flags, 8192, 0, 0) + data)


def ether(dst, src, kind, data):
    return (mac(dst) + mac(src) + struct.pack("!H", kind) + data).ljust(60, b"\0")


def ip_frame(dst, src, ip):
    return ether(dst, src, 0x0800 if ip[0] >> 4 == 4 else 0x86dd, ip)


def arp(op, src_mac, src_ip, dst_mac, dst_ip):
    return struct.pack("!HHBBH", 1, 0x0800, 6, 4, op) + mac(src_mac) + socket.inet_aton(src_ip) + mac(dst_mac) + \
        socket.inet_aton(dst_ip)


class Device:
    """A network namespace of its own with interfaces of given names; we hold the other ends."""

    def __init__(self, interfaces, setup=""):
        # With a /sys of its own: there each namespace sees the interfaces of whoever mounted it.
        self.process = subprocess.Popen(["unshare", "-n", "-m", "sh", "-ec",
                                         f"mount -t sysfs sysfs /sys; {setup}\nexec sleep infinity"],
                                        preexec_fn=phones.die_with_parent)
        self.ours, self.sockets, self.macs, self.our_macs, self.passed_over = {}, {}, {}, {}, {}
        phones.wait_until("the device has its namespace", self._is_apart, 5)
        for n, name in enumerate(interfaces):
            self._wire(n, name)

    def _is_apart(self):
        return (os.readlink(f"/proc/{self.process.pid}/ns/net") != os.readlink("/proc/self/ns/net") and
                pathlib.Path(f"/proc/{self.process.pid}/comm").read_text().strip() == "sleep")

    def _wire(self, n, name):
        ours = f"t{self.process.pid}-{n}"
        subprocess.run(["ip", "link", "add", ours, "type", "veth", "peer", "name", name, "netns",
                        str(self.process.pid)], check=True)
        subprocess.run(["sysctl", "-qw", f"net.ipv6.conf.{ours}.disable_ipv6=1"], check=True)
        subprocess.run(["ip", "link", "set", ours, "up"], check=True)
        self.run("ip", "link", "set", name, "up")
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        s.bind((ours, 0))
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        s.setblocking(False)
        self.ours[name], self.sockets[name] = ours, s
        show = subprocess.run(["ip", "-j", "link", "show", "dev", ours], capture_output=True, text=True, check=True)
        self.our_macs[name] = json.loads(show.stdout)[0]["address"]
        self.macs[name] = json.loads(self.run("ip", "-j", "link", "show", "dev", name))[0]["address"]

    def run(self, *args, stdin=None, check=True):
        """A program inside the device; its output."""
        done = subprocess.run(["nsenter", "-t", str(self.process.pid), "-n", "-m", *args],
                              input=stdin, capture_output=True, text=True, timeout=60)
        if check and done.returncode:
            raise AssertionError(f"{' '.join(args)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def send(self, interface, frame):
        self.sockets[interface].send(frame)

    def send_ip(self, interface, ip):
        self.send(interface, ip_frame(self.macs[interface], self.our_macs[interface], ip))

    def frames(self, interface):
        """What has come out there and was not looked at yet; our own frames are left out."""
        out = self.passed_over.pop(interface, [])
        while True:
            try:
                frame, where = self.sockets[interface].recvfrom(65536)
            except BlockingIOError:
                return out
            if where[2] != 4:      # PACKET_OUTGOING
                out.append(frame)

    def wait(self, interface, wanted, seconds=3):
        """The first frame there for which wanted(frame), None when none comes. Others are kept for frames()."""
        end, others = time.monotonic() + seconds, []
        try:
            while True:
                frames = self.frames(interface)
                for n, frame in enumerate(frames):
                    if wanted(frame):
                        others += frames[n + 1:]
                        return frame
                    others.append(frame)
                left = end - time.monotonic()
                if left <= 0 or not select.select([self.sockets[interface]], [], [], left)[0]:
                    return None
        finally:
            self.passed_over[interface] = others

    def counters(self, family="inet"):
        """Packets by the name of a counter of nftables."""
        found = json.loads(self.run("nft", "-j", "list", "counters", "table", family, "ringfort"))
        return {x["counter"]["name"]: x["counter"]["packets"] for x in found["nftables"] if "counter" in x}

    def close(self):
        for s in self.sockets.values():
            s.close()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
