"""Video between phones of others through controller, border and relay: each sends a picture of one colour, and the other one's
decoder shows that colour; audio beside it is recognised by its tone. Outside nothing of the inside is to be read."""
import os
import pathlib
import struct
import zlib

import pytest

from lab import have, wait_until
from outside import PEER, PHONE, Wiretap, carrier_phone, inner_phone, whole
from test_border_phones import nothing_inside, speak, traced
from trunks import Authority

MODULES = pathlib.Path("/usr/lib/baresip/modules")

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not have("baresip") or not (MODULES / "avformat.so").exists(),
                                reason="no root, or baresip with its ffmpeg modules is not installed")

WIDTH, HEIGHT = 176, 144
RED, BLUE = (81, 90, 240), (41, 240, 110)      # Y, Cb, Cr


def picture(path, colour, seconds=60, rate=10):
    """A film of that colour, uncompressed."""
    frame = b"FRAME\n" + bytes([colour[0]]) * (WIDTH * HEIGHT) + b"".join(bytes([c]) * (WIDTH * HEIGHT // 4) for c in colour[1:])
    path.write_bytes(b"YUV4MPEG2 W%d H%d F%d:1 Ip A1:1 C420jpeg\n" % (WIDTH, HEIGHT, rate) + frame * (seconds * rate))


def films(colour):
    """For inner_phone() and carrier_phone(): what their configurations get besides."""
    def prepare(folder):
        picture(folder / "film.y4m", colour)
        with open(folder / "config", "a") as f:
            f.write("module vp8.so\nmodule avformat.so\nmodule fakevideo.so\nmodule_app snapshot.so\n"
                    f"video_source avformat,{folder}/film.y4m\nvideo_display fakevideo,nil\nvideo_size {WIDTH}x{HEIGHT}\n"
                    "video_bitrate 200000\nvideo_fps 10\nvideo_fullscreen no\n")
    return prepare


def middle_of(png):
    """(red, green, blue) of the middle of a PNG of 8 bits a channel, without a library."""
    raw, at, data, head = png, 8, b"", None
    while at < len(raw):
        n, kind = struct.unpack(">I4s", raw[at:at + 8])
        body = raw[at + 8:at + 8 + n]
        head = struct.unpack(">IIBBBBB", body) if kind == b"IHDR" else head
        data += body if kind == b"IDAT" else b""
        at += 12 + n
    width, height, channels = head[0], head[1], {2: 3, 6: 4}[head[3]]
    raw, row = zlib.decompress(data), width * channels
    last = bytes(row)
    for y in range(height // 2 + 1):
        kind, line = raw[y * (row + 1)], bytearray(raw[y * (row + 1) + 1:(y + 1) * (row + 1)])
        for i in range(row):
            a, b, c = (line[i - channels] if i >= channels else 0), last[i], (last[i - channels] if i >= channels else 0)
            paeth = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
            line[i] = (line[i] + (0, a, b, (a + b) // 2, paeth)[kind]) & 255
        last = bytes(line)
    return tuple(last[width // 2 * channels:width // 2 * channels + 3])


def sees(phone, of):
    """Is what its decoder shows of that colour (0: red, 2: blue)?"""
    file = phone.folder / "seen.png"
    phone.command("snapshot_recv", str(file))
    try:
        rgb = middle_of(file.read_bytes())
    except (OSError, TypeError, struct.error, zlib.error):
        return False      # not yet, or half of it
    return rgb[of] > 150 and max(rgb[:of] + rgb[of + 1:]) < 100


def test_colours_and_tones(make_site, tmp_path_factory, places):
    authority = Authority(tmp_path_factory.mktemp("carrier"))
    two = whole(make_site, authority, {"lobby": "1001"})
    site = two.site
    tap = Wiretap(two.outside[0])
    site.started.append(tap)
    far = carrier_phone(site, places[PEER], authority, more=films(BLUE))
    two.up()
    lobby = inner_phone(site, places[PHONE], "lobby", more=films(RED))
    site.wait_registered("1001")
    two.wait_trunk("carrier", "up")
    lobby.command("dial", f"sip:0089123456@{site.domain}")
    speak(lobby, far)
    wait_until("the phone sees the picture from outside", lambda: sees(lobby, 2), 15)
    wait_until("the outside sees the phone's picture", lambda: sees(far, 0), 15)
    lines = two.relay.json("show", two.relay.json("calls")["calls"][0]["call_id"])["media"]
    assert len(lines) == 2 and all(e["packets"] > 10 and e["cipher"] for line in lines for e in line["ends"]), lines
    lobby.command("hangup")
    two.wait_empty(15)
    two.relay.wait_empty(two.relay.before)
    assert tap.loudest(440, 880) < 0.1, "speech outside"
    nothing_inside(site, two, far, tap, traced(lobby))
