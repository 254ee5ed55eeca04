"""A signal now and then, so that a read which the kernel forgot to wake is made again.

Seen on Linux 6.18: subprocess.Popen() waits for a pipe that nobody holds the other end of any more, for ever, until a
signal comes. Python repeats an interrupted call by itself (PEP 475), so nobody else notices."""
import atexit
import signal


def begin(seconds=2.0):
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, seconds, seconds)
    atexit.register(signal.setitimer, signal.ITIMER_REAL, 0)  # the interpreter takes its handlers off behind that
