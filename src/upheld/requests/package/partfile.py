"""A file that appears whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import io
import os
import stat
from pathlib import Path
from typing import BinaryIO, cast

from upheld.errors import StoreError

_BUFFER = 1 << 18


def cannot_write(target: Path, error: OSError) -> StoreError:
    """Say what the operating system refused, and what helps."""
    folder = target.parent
    helps = {
        errno.ENOSPC: f"free some space where `{folder}` lies, or choose another folder",
        errno.EDQUOT: f"the quota of `{folder}` is used up: raise it, or choose another folder",
        errno.EFBIG: "the file system or a limit (`ulimit -f`) refuses files of this size",
        errno.ENOENT: f"make the folder `{folder}` first",
        errno.ENOTDIR: f"`{folder}` is not a folder: choose another one",
        errno.EACCES: f"let this user write to `{folder}`, or choose another folder",
        errno.EROFS: f"`{folder}` is read-only: choose another folder",
    }
    reason = (error.strerror or "the system refused").lower()
    next_step = helps.get(error.errno or 0, "see what the system says of it")
    return StoreError(
        f"cannot write the package `{target}`: {reason}",
        help=f"{next_step}; nothing of this package was left behind",
    )


class PartFile:
    """`target.part`, mode 0600, locked by this process until it is committed or discarded.

    One that a killed run left is taken over. OSErrors pass through; StoreError
    when another run is writing it, or when it is not ours.
    """

    def __init__(self, target: Path) -> None:
        """Open it, empty."""
        self.target = target
        self.path = target.with_name(target.name + ".part")
        self.file = cast("BinaryIO", io.BufferedWriter(io.FileIO(self._open(), "w"), _BUFFER))

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        handle = os.open(self.path, flags, 0o600)
        try:
            self._claim(handle)
            os.fchmod(handle, 0o600)
            os.ftruncate(handle, 0)
        except BaseException:
            os.close(handle)
            raise
        return handle

    def _claim(self, handle: int) -> None:
        found = os.fstat(handle)
        if found.st_uid != os.geteuid() or not stat.S_ISREG(found.st_mode):
            raise StoreError(
                f"`{self.path}` belongs to somebody else",
                help="choose a folder that only this user can write to",
            )
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Between open and lock the other run may have renamed what we hold.
            free = os.path.samestat(found, self.path.lstat())
        except (BlockingIOError, FileNotFoundError):
            free = False
        if not free:
            raise StoreError(
                f"another run is writing `{self.target}` now",
                help="wait for it to end, or choose another folder",
            )

    def commit(self) -> None:
        """Put its bytes on disk and give it its name; `settle` makes the name last."""
        self.file.flush()
        os.fsync(self.file.fileno())
        os.replace(self.path, self.target)  # noqa: PTH105  the same call, without another Path
        self.file.close()

    def discard(self) -> None:
        """Remove it, if it was not committed."""
        if self.file.closed:
            return
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()
        # Closing flushes once more, which fails again on a full disk; the descriptor is closed.
        with contextlib.suppress(OSError):
            self.file.close()


def settle(folder: Path) -> None:
    """Put the names in a folder on disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
