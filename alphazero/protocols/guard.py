"""Runs one engine and ends it, with every process it started, as soon as the match that asked for it is gone.

    python -I -S guard.py LIFELINE STARTED COMMAND ...

A process between the match and the engine, because nothing else is told of every end: a match that is killed by SIGKILL runs no
code of its own. LIFELINE is the read end of a pipe whose only write end the match holds: its end of file is the match's end,
whatever ended it. STARTED takes the number of the error where the engine cannot be started. The guard exits as the engine
did. It is a file of its own, without imports from the package, so that it starts in a few milliseconds.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import sys
import time

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h
SWEEP_SECONDS = 5.0  # a process that even SIGKILL does not end sleeps in the kernel: no reason to wait for ever


def main() -> None:
    lifeline, started, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    os.set_inheritable(lifeline, False)
    os.set_inheritable(started, False)
    prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
    if prctl is not None:
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # what the engine's children leave behind becomes ours
    told, teller = os.pipe()
    os.set_blocking(teller, False)
    signal.set_wakeup_fd(teller)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda *_: None)  # the wake-up pipe says which came
    guard = os.getpid()
    engine = os.fork()
    if engine == 0:
        _become(command, started, guard, prctl)
    os.close(started)
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):  # the engine's: its end has to be seen at the other side
        os.dup2(nothing, descriptor)
    status = None
    while status is None:
        ready, _, _ = select.select([lifeline, told], [], [])
        if lifeline in ready or set(os.read(told, 4096)) - {signal.SIGCHLD}:
            break
        status = _reaped(engine)
    swept = _sweep(engine)
    code = os.waitstatus_to_exitcode(status if status is not None else swept)
    os._exit(code if code >= 0 else 128 - code)  # a signal's number as shells have it


def _become(command: list[str], started: int, guard: int, prctl: object) -> None:
    """The engine's own process, in a session and a process group of its own."""
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and an ignored signal outlives exec
            signal.signal(number, signal.SIG_DFL)
        if callable(prctl):
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # should somebody kill the guard
            if os.getppid() != guard:
                os._exit(1)
        os.execvp(command[0], command)
    except OSError as error:
        os.write(started, str(error.errno).encode())
    finally:
        os._exit(127)


def _reaped(engine: int) -> int | None:
    """Takes all ended children off; the engine's wait status, if it was one of them."""
    found = None
    with contextlib.suppress(ChildProcessError):
        while True:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process == 0:
                break
            if process == engine:
                found = status
    return found


def _sweep(engine: int) -> int:
    """Kills the engine, its group, and what came to us from them, until nothing is left; the engine's status, had it not ended."""
    end = time.monotonic() + SWEEP_SECONDS
    found: int = signal.SIGKILL  # also where it will not be ended
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            os.killpg(engine, signal.SIGKILL)
        for child in _children():
            with contextlib.suppress(OSError):
                os.kill(child, signal.SIGKILL)
        status = _reaped(engine)
        found = status if status is not None else found
        try:
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:  # none is left
            break
        time.sleep(0.002)
    return found


def _children() -> list[int]:
    """Our children, as /proc has them; none where there is no /proc."""
    own, found = str(os.getpid()).encode(), []
    with contextlib.suppress(OSError):
        for name in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208 (pathlib takes longer to import than all of this)
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
                if file.read().rpartition(b")")[2].split()[1] == own:
                    found.append(int(name))
    return found


if __name__ == "__main__":
    main()
