"""A process that has imported everything, and forks a child for each piece of work that may fail.

A fresh interpreter costs most of a second, a fork some milliseconds. The nursery itself holds no
engine open when it forks and runs no Python thread. It is asked over its standard input and
answers on its standard output, one JSON object a line.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import small_world
from syscalls import Fault, Supervisor, surrender, unavailable

from landed.errors import LandedError
from landed.project import Home, Project

SILENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended.

    Args:
        how: whole, refused (a LandedError), broke (any other exception), killed or hung.
        cpu_seconds: What the child used of the processor, from the fork to its end.
        text: What the error said; empty where there was none.
        fixes: What to do, of each fault of a LandedError.
        hit: The operation that the fault struck; None where the child never came to it.
        operations: File operations that the fault could have struck, in their order.
        pid: The child's.
    """

    how: str
    cpu_seconds: float
    text: str = ""
    fixes: tuple[str, ...] = ()
    hit: str | None = None
    operations: tuple[str, ...] = ()
    pid: int = 0


class Nursery:
    """The tests' end of it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )
        self.unavailable: str | None = self._hear()["unavailable"]

    def do(
        self,
        work: str,
        project: Path,
        home: Path,
        *,
        kill_after_cpu_seconds: float | None = None,
        fault: Fault | None = None,
    ) -> Ended:
        """Work in a child that is left alone, killed at an instant, or fails at an operation.

        The instant is one of the child's own processor time, so that it strikes the same part of
        the work however busy the machine is.
        """
        return self._raise(
            work=work,
            project=str(project),
            home=str(home),
            kill_after_cpu_seconds=kill_after_cpu_seconds,
            fault=[fault.kind, fault.number] if fault else None,
        )[0]

    def ingest_together(self, project: Path, home: Path, *, children: int) -> list[Ended]:
        """Ingest in several children that start at the same moment."""
        return self._raise(work="ingest", project=str(project), home=str(home), children=children)

    def _raise(self, **given: Any) -> list[Ended]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(given) + "\n")
        self._process.stdin.flush()
        told = self._hear()["ends"]
        lists = ("fixes", "operations")
        return [Ended(**{**one, **{name: tuple(one[name]) for name in lists}}) for one in told]

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert self._process.wait(timeout=SILENCE_SECONDS) == 0

    def _hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the nursery died with {self._process.wait()}"
        found: dict[str, Any] = json.loads(line)
        return found


@contextlib.contextmanager
def opened() -> Iterator[Nursery]:
    """A nursery, ended at last."""
    nursery = Nursery()
    try:
        yield nursery
    finally:
        nursery.close()


def main() -> None:
    """Serve until the input ends."""
    with tempfile.TemporaryDirectory() as folder:
        warm = small_world.make(Path(folder))
        warm.do("ingest")
    gc.collect()
    gc.freeze()  # a child's collections then touch, and copy, no page of the parent's objects
    _say({"unavailable": unavailable()})
    for line in sys.stdin:
        given = json.loads(line)
        _say({"ends": _raise_together(given) if "children" in given else [_raise_one(given)]})
    os._exit(0)  # frozen objects cannot be taken down in order


def _say(what: dict[str, Any]) -> None:
    print(json.dumps(what), flush=True)


def _raise_one(given: dict[str, Any]) -> dict[str, Any]:
    fault = Fault(*given["fault"]) if given["fault"] else None
    here, there = socket.socketpair()
    pid, told = _fork(given, there if fault else None)
    there.close()
    supervisor, hung = None, False
    if fault is not None:
        _, listeners, _, _ = socket.recv_fds(here, 1, 1)
        supervisor = Supervisor(pid, listeners[0], Path(given["home"]), fault)
        hung = not supervisor.attend(SILENCE_SECONDS)
        if hung:
            os.kill(pid, signal.SIGKILL)
        os.close(listeners[0])
    here.close()
    found = _end(pid, told)
    if hung:
        found["how"] = "hung"
    if supervisor is not None:
        found["hit"] = str(supervisor.hit) if supervisor.hit else None
        concerned = [one for one in supervisor.seen if fault is None or fault.concerns(one)]
        found["operations"] = list(map(str, concerned))
    return found


def _raise_together(given: dict[str, Any]) -> list[dict[str, Any]]:
    waiting, starting = os.pipe()
    children = [_fork(given, None, waiting) for _ in range(given["children"])]
    os.close(waiting)
    os.write(starting, b"!" * len(children))
    os.close(starting)
    return [_end(pid, told) for pid, told in children]


def _fork(
    given: dict[str, Any], supervisor: socket.socket | None, start: int | None = None
) -> tuple[int, int]:
    """A child that ingests; its id, and the pipe that tells how it went."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        if start is not None:
            os.read(start, 1)
        _live(given, writing, supervisor)
    os.close(writing)
    return pid, reading


def _end(pid: int, told: int) -> dict[str, Any]:
    with os.fdopen(told, "rb") as words:
        said = words.read()
    _, status, used = os.wait4(pid, 0)
    seconds = used.ru_utime + used.ru_stime
    found: dict[str, Any] = {"how": "killed", "cpu_seconds": seconds, "pid": pid}
    found.update(text="", fixes=[], operations=[])
    if not os.WIFSIGNALED(status):
        found.update(json.loads(said))
    elif os.WTERMSIG(status) != signal.SIGKILL:
        found.update(how="broke", text=f"signal {os.WTERMSIG(status)}")
    return found


def _live(given: dict[str, Any], writing: int, supervisor: socket.socket | None) -> None:
    """What a child does, from the fork to its end."""
    found: dict[str, Any] = {"how": "whole"}
    try:
        project, home = Project(Path(given["project"]), "shop"), Home(Path(given["home"]))
        world = small_world.SmallWorld(project, home)
        if supervisor is not None:
            surrender(supervisor)
        if given.get("kill_after_cpu_seconds") is not None:
            _expire_after(given["kill_after_cpu_seconds"])
        world.do(given["work"])
    except LandedError as error:
        fixes = [fault.fix for fault in error.faults]
        found = {"how": "refused", "text": f"{type(error).__name__}: {error}", "fixes": fixes}
    except BaseException:  # noqa: BLE001 - told to the parent, whatever it is
        found = {"how": "broke", "text": traceback.format_exc()}
    os.write(writing, json.dumps(found).encode())
    os._exit(0)


class _Event(ctypes.Structure):
    """struct sigevent of <signal.h>; 64 bytes on Linux."""

    _fields_ = (
        ("value", ctypes.c_void_p),
        ("signal", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("rest", ctypes.c_char * 48),
    )


class _Timer(ctypes.Structure):
    """struct itimerspec of <time.h>."""

    _fields_ = tuple(
        (name, ctypes.c_long) for name in ("again_s", "again_ns", "first_s", "first_ns")
    )


def _expire_after(cpu_seconds: float) -> None:
    """Have the kernel send SIGKILL to this process once it has used so much processor time."""
    libc = ctypes.CDLL(None, use_errno=True)
    timer = ctypes.c_void_p()
    event = _Event(signal=signal.SIGKILL, notify=0)  # 0: SIGEV_SIGNAL
    clock = time.CLOCK_PROCESS_CPUTIME_ID
    if libc.timer_create(clock, ctypes.byref(event), ctypes.byref(timer)):
        raise OSError(ctypes.get_errno(), "timer_create")
    whole, rest = divmod(max(int(cpu_seconds * 1e9), 1), 1_000_000_000)
    due = _Timer(first_s=whole, first_ns=rest)
    if libc.timer_settime(timer, 0, ctypes.byref(due), None):
        raise OSError(ctypes.get_errno(), "timer_settime")


if __name__ == "__main__":
    main()
