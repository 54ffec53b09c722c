"""Faults at the n-th file operation of a process, native libraries included.

The kernel asks before every file system call of a supervised process (seccomp with user
notification, Linux 5.5 and later, no privileges needed): the supervisor lets it pass, answers it
with an error, or kills the process in its place. DuckDB's and SQLite's own calls are seen like
Python's.

Source:
    Linux man-pages: seccomp(2), seccomp_unotify(2), <linux/seccomp.h>, <linux/filter.h>.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import platform
import select
import signal
import socket
import struct
from dataclasses import dataclass, field
from pathlib import Path

_NAMES = (
    "read", "write", "open", "pread64", "pwrite64", "readv", "writev", "preadv", "pwritev", "fsync",
    "fdatasync", "ftruncate", "fallocate", "getdents64", "rename", "renameat", "renameat2", "mkdir",
    "mkdirat", "rmdir", "unlink", "unlinkat", "link", "linkat", "creat", "openat",
    "copy_file_range",
)  # fmt: skip
#: Numbers of the calls in the order of `_NAMES`, then `seccomp`; -1 where the machine has none.
_NUMBERS = {
    "x86_64": (0, 1, 2, 17, 18, 19, 20, 295, 296, 74, 75, 77, 285, 217, 82, 264, 316, 83, 258, 84,
               87, 263, 86, 265, 85, 257, 326, 317),
    "aarch64": (63, 64, -1, 67, 68, 65, 66, 69, 70, 82, 83, 46, 47, 61, -1, 38, 276, -1, 34, -1,
                -1, 35, -1, 37, -1, 56, 285, 277),
}  # fmt: skip
_BY_PATH = {
    # call -> index of the path's argument, and of its folder's handle (None: no handle)
    "open": (0, None), "creat": (0, None), "mkdir": (0, None), "rmdir": (0, None),
    "unlink": (0, None), "rename": (1, None), "link": (1, None), "openat": (1, 0),
    "mkdirat": (1, 0), "unlinkat": (1, 0), "renameat": (3, 2), "renameat2": (3, 2),
    "linkat": (3, 2),
}  # fmt: skip
_READS = frozenset({"read", "open", "pread64", "readv", "preadv", "getdents64", "openat"})
_WRITES = frozenset(_NAMES) - _READS  # an opened file is a change where it is made or cut
_TAKES_SPACE = _WRITES - {"unlink", "unlinkat", "rmdir"}
_NO_NEW_PRIVS, _FILTER_MODE, _NEW_LISTENER, _CONTINUE = 38, 1, 8, 1
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _NOTIFY = 0x7FFF0000, 0x7FC00000
_RECEIVE, _SEND = 0xC0502100, 0xC0182101
_AT_FDCWD = -100
_O_CREAT_OR_TRUNC = os.O_CREAT | os.O_TRUNC


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens at the n-th operation below a folder.

    Args:
        kind: `kill` (SIGKILL in place of the n-th change), `EIO` (the n-th operation fails, once)
            or `ENOSPC` (from the n-th operation that takes space on, all of them fail).
        number: n; counts from 1, only operations that the kind is about.
    """

    kind: str
    number: int

    def concerns(self, operation: Operation) -> bool:
        """Whether an operation counts."""
        if self.kind == "kill":
            return operation.changes
        return operation.takes_space if self.kind == "ENOSPC" else True


@dataclass(frozen=True, slots=True)
class Operation:
    """One file operation: the call and what it is done to."""

    call: str
    path: str
    changes: bool
    takes_space: bool

    def __str__(self) -> str:
        return f"{self.call} {self.path}"


@dataclass(slots=True)
class Supervisor:
    """Answers the kernel for one child.

    Args:
        pid: The child.
        listener: Handle that the kernel asks through.
        below: Operations on other paths pass uncounted.
        fault: What happens, and when; None only records.
    """

    pid: int
    listener: int
    below: Path
    fault: Fault | None = None
    seen: list[Operation] = field(default_factory=list)
    hit: Operation | None = None
    _counted: int = 0

    def attend(self, timeout_seconds: float) -> bool:
        """Answer until the child has ended; False where it was silent for too long."""
        poller = select.poll()
        poller.register(self.listener, select.POLLIN)
        while True:
            events = poller.poll(timeout_seconds * 1000)
            if not events:
                return False
            if not events[0][1] & select.POLLIN:  # hung up: nobody is left under the filter
                return True
            request = bytearray(80)
            try:
                fcntl.ioctl(self.listener, _RECEIVE, request)
            except OSError as error:
                if error.errno == errno.ENOENT:  # who asked was killed meanwhile
                    continue
                raise
            self._answer(request)

    def _answer(self, request: bytearray) -> None:
        asked, pid, _, number, _, _, *arguments = struct.unpack("QIIiIQ6Q", request)
        result, flags = 0, _CONTINUE
        operation = self._operation(pid, number, arguments)
        if operation is not None:
            self.seen.append(operation)
            failure = self._failure(operation)
            if failure == "kill":
                os.kill(self.pid, signal.SIGKILL)
                return
            if failure is not None:
                result, flags = -int(getattr(errno, failure)), 0
        try:
            fcntl.ioctl(self.listener, _SEND, struct.pack("QqiI", asked, 0, result, flags))
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise

    def _failure(self, operation: Operation) -> str | None:
        fault = self.fault
        if fault is None or not fault.concerns(operation):
            return None
        self._counted += 1
        is_due = self._counted == fault.number
        if is_due:
            self.hit = operation
        goes_on = fault.kind == "ENOSPC" and self._counted > fault.number
        return fault.kind if is_due or goes_on else None

    def _operation(self, pid: int, number: int, arguments: list[int]) -> Operation | None:
        call = _call_names()[number]
        try:
            if call in _BY_PATH:
                at, folder = _BY_PATH[call]
                path = _text(pid, arguments[at])
                if not path.startswith("/"):
                    handle = _AT_FDCWD if folder is None else _signed(arguments[folder])
                    path = str(Path(_handle_path(pid, handle)) / path)
            else:
                path = _handle_path(pid, _signed(arguments[0]))
        except OSError:
            # the caller is gone, or the handle is bad: the kernel itself answers that
            return None
        if not path.startswith(str(self.below)):
            return None
        changes = call in _WRITES
        takes_space = call in _TAKES_SPACE
        if call in ("open", "openat"):
            mode = arguments[1 if call == "open" else 2]
            changes = bool(mode & _O_CREAT_OR_TRUNC)
            takes_space = bool(mode & os.O_CREAT)
        return Operation(call, path, changes, takes_space)


def unavailable() -> str | None:
    """Why this machine cannot supervise; None if it can."""
    if platform.system() != "Linux" or platform.machine() not in _NUMBERS:
        return f"no seccomp on {platform.system()} {platform.machine()}"
    answered, asking = socket.socketpair()
    pid = os.fork()
    if not pid:
        try:
            surrender(asking)
        except OSError:
            os._exit(1)
        os._exit(0)
    asking.close()
    _, listeners, _, _ = socket.recv_fds(answered, 1, 1)
    for listener in listeners:  # the child's way out is not under the filter
        os.close(listener)
    answered.close()
    _, status = os.waitpid(pid, 0)
    return None if status == 0 and listeners else "the kernel refuses a seccomp listener"


def surrender(socket_to_supervisor: socket.socket) -> None:
    """Put this process, for good, under a supervisor that gets the listener by the socket.

    Raises:
        OSError: The kernel refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    numbers = [number for number in _call_names() if number >= 0]
    program = [struct.pack("HBBI", _LOAD, 0, 0, 0)]
    for index, number in enumerate(numbers):
        program.append(struct.pack("HBBI", _EQUAL, len(numbers) - index, 0, number))
    program.append(struct.pack("HBBI", _RETURN, 0, 0, _ALLOW))
    program.append(struct.pack("HBBI", _RETURN, 0, 0, _NOTIFY))
    code = ctypes.create_string_buffer(b"".join(program))
    given = _Program(len(program), ctypes.addressof(code))
    seccomp = _NUMBERS[platform.machine()][-1]
    if libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no_new_privs")
    listener = libc.syscall(seccomp, _FILTER_MODE, _NEW_LISTENER, ctypes.byref(given))
    if listener < 0:
        raise OSError(ctypes.get_errno(), "seccomp")
    socket.send_fds(socket_to_supervisor, [b"!"], [listener])
    # sendmsg and close are not under the filter, and the supervisor now has its own handle
    os.close(listener)


_names: dict[int, str] = {}


def _call_names() -> dict[int, str]:
    if not _names:
        numbers = _NUMBERS[platform.machine()]
        _names.update(zip(numbers, _NAMES, strict=False))
        _names.pop(-1, None)
    return _names


def _text(pid: int, address: int) -> str:
    """The text at an address of another process, up to its NUL."""
    found = b""
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        memory.seek(address)
        while b"\0" not in found:
            # never over the end of a page: the next one may not be mapped
            part = memory.read(4096 - (address + len(found)) % 4096)
            if not part:
                break
            found += part
    return os.fsdecode(found.partition(b"\0")[0])


def _handle_path(pid: int, handle: int) -> str:
    entry = "cwd" if handle == _AT_FDCWD else f"fd/{handle}"
    return str(Path(f"/proc/{pid}/{entry}").readlink())


def _signed(value: int) -> int:
    return ctypes.c_int(value & 0xFFFFFFFF).value
