"""Checks of ICE as a full agent sends them (RFC 8445 7.2), and what comes back."""
import binascii
import hashlib
import hmac
import secrets
import struct

MAGIC = 0x2112A442
USERNAME, INTEGRITY, PRIORITY, USE, FINGERPRINT, CONTROLLING = 6, 8, 0x24, 0x25, 0x8028, 0x802A


def _attribute(kind, value=b""):
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def _message(body, transaction, more):
    return struct.pack("!HHI", 1, len(body) + more, MAGIC) + transaction + body


def check(theirs, ours, password, nominate=False, transaction=None):
    """theirs: the user fragment of who answers, with its password."""
    transaction = transaction or secrets.token_bytes(12)
    body = _attribute(USERNAME, f"{theirs}:{ours}".encode()) + _attribute(PRIORITY, struct.pack("!I", 0x6E0000FF))
    body += _attribute(CONTROLLING, bytes(8)) + (_attribute(USE) if nominate else b"")
    proof = hmac.new(password.encode(), _message(body, transaction, 24), hashlib.sha1).digest()
    body += _attribute(INTEGRITY, proof)
    crc = binascii.crc32(_message(body, transaction, 8)) ^ 0x5354554E
    return _message(body + _attribute(FINGERPRINT, struct.pack("!I", crc)), transaction, 0)


def is_success(raw):
    return len(raw) >= 20 and raw[:2] == b"\x01\x01"


def credentials(sdp):
    """Fragment and password of a description."""
    lines = sdp.splitlines()
    return tuple(next(x.partition(":")[2] for x in lines if x.startswith(f"a=ice-{what}:")) for what in ("ufrag", "pwd"))
