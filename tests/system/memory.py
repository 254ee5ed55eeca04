"""The memory of a process, looked through from outside."""


def areas(pid):
    """What may be written to, piece by piece: (kind of memory, its first address, content)."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            span, rights, *rest = line.split()
            if not rights.startswith("rw"):
                continue
            first, last = (int(x, 16) for x in span.split("-"))
            try:
                mem.seek(first)
                yield rest[3] if len(rest) > 3 else "?", first, mem.read(last - first)
            except OSError:
                continue


def all_places(pid, whats):
    """Where each of these bytes stand, in one go: {bytes: [(kind of memory, address, what is around them)]}."""
    found = {}
    for kind, first, content in areas(pid):
        for what in whats:
            at = content.find(what)
            while at >= 0:
                found.setdefault(what, []).append((kind, hex(first + at), content[max(0, at - 64):at + 64]))
                at = content.find(what, at + 1)
    return found


def places(pid, what):
    """Where these bytes stand: [(kind of memory, address, what is around them)]."""
    return all_places(pid, [what]).get(what, [])
