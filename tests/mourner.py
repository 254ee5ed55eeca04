#!/usr/bin/env python3
"""mourner.py FOLDER SCRATCH, with a pipe as standard input: when the other end is gone, however its holder died, every process that
has FOLDER in its command line is killed. Controllers change user, and the kernel forgets then whom they were to die with. Then
the folder SCRATCH is removed."""
import os
import pathlib
import shutil
import signal
import sys


def with_folder(folder):
    for proc in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            args = (proc / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if int(proc.name) != os.getpid() and any(a == folder or a.startswith(folder + b"/") for a in args):
            yield int(proc.name)


def main():
    folder = os.fsencode(os.path.abspath(sys.argv[1]))
    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sig, signal.SIG_IGN)
    while sys.stdin.buffer.read(4096):
        pass
    for pid in with_folder(folder):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    shutil.rmtree(sys.argv[2], ignore_errors=True)


if __name__ == "__main__":
    main()
