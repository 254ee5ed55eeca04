"""The memory of a process, looked through from outside."""


def places(pid, what):
    """Where these bytes stand: [(kind of memory, address, what is around them)]."""
    found = []
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            span, rights, *rest = line.split()
            if not rights.startswith("rw"):
                continue
            first, last = (int(x, 16) for x in span.split("-"))
            try:
                mem.seek(first)
                content = mem.read(last - first)
            except OSError:
                continue
            at = content.find(what)
            while at >= 0:
                found.append((rest[3] if len(rest) > 3 else "?", hex(first + at), content[max(0, at - 64):at + 64]))
                at = content.find(what, at + 1)
    return found
