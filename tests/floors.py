#!/usr/bin/env python3
"""The house holds: a room includes only itself and rooms on the floors below it (docs/architecture.md), and of two rooms
on one floor neither knows the other. Wire rooms touch no socket, clock or log."""
import pathlib
import re
import sys

FLOORS = [["base"], ["loop", "site", "sdp", "sip", "pki", "ledger", "rtp"], ["net", "store", "policy"],
          ["ua", "emit", "media", "prove"], ["call"], ["role"], ["cmd"]]
WIRE = {room: "socket|poll|clock_gettime|time|uv|sys/socket" for room in ("sip", "sdp", "rtp")}
FLOOR_OF = {room: n for n, floor in enumerate(FLOORS) for room in floor}


def faults(src):
    for file in sorted(src.glob("*/*.[ch]")):
        room = file.parent.name
        for n, line in enumerate(file.read_text().splitlines(), 1):
            m = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
            if not m:
                continue
            other = m.group(2).split("/")[0]
            if m.group(1) == '"' and other in FLOOR_OF and other != room and FLOOR_OF[other] >= FLOOR_OF.get(room, 99):
                yield f"{file.relative_to(src)}:{n}: {room}/ includes {m.group(2)}, which is not below it"
            elif m.group(1) == "<" and room in WIRE and re.fullmatch(rf"(?:{WIRE[room]})\.h", m.group(2)):
                yield f"{file.relative_to(src)}:{n}: a wire room includes <{m.group(2)}>"
        if room not in FLOOR_OF:
            yield f"{file.relative_to(src)}: this room stands on no floor"


def main():
    here = pathlib.Path(__file__).resolve().parent.parent / "src"
    found = list(faults(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here))
    print("\n".join(found) or "no arrow runs up")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
