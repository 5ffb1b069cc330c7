"""Private folders and files: made so that only their owner can use them, and checked."""

from __future__ import annotations

import os
import secrets
import stat
from typing import TYPE_CHECKING

from upheld.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path


def private_folder(path: Path, owner: int, *, mode: int = 0o700) -> Path:
    """Make `path` for `owner` alone, or check that it is so already.

    Refuses a link, a file, another owner and any wider mode: whoever prepared
    such a folder could read or replace what is put into it.
    """
    try:
        path.mkdir(mode=mode)
        path.chmod(mode)  # the umask may have narrowed it
    except FileExistsError:
        pass
    except OSError as error:
        msg = f"cannot make the folder `{path}`: {error.strerror}"
        raise StoreError(msg) from error
    found = path.lstat()
    if found.st_uid == os.geteuid() != owner and stat.S_ISDIR(found.st_mode):
        os.chown(path, owner, owner, follow_symlinks=False)
        found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        msg = f"`{path}` is not a folder"
        raise StoreError(msg, help="remove it")
    if found.st_uid != owner:
        msg = f"`{path}` belongs to another user (uid {found.st_uid})"
        raise StoreError(msg, help="run as that user, or remove the folder")
    if stat.S_IMODE(found.st_mode) & ~mode:
        msg = f"`{path}` is open to other users"
        raise StoreError(msg, help=f"find out why, then `chmod {mode:o}` it")
    return path


def open_private(path: Path) -> int:
    """Open the file `path`, made if missing, for this user alone; give its descriptor."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o600)
    except OSError as error:
        msg = f"cannot open `{path}`: {error.strerror}"
        raise StoreError(msg) from error


def write_private(path: Path, text: str) -> None:
    """Put `text` into `path` (mode 0600) in one step: readers see all of it or none."""
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(path)


def give_all(path: Path, owner: int, group: int) -> None:
    """Hand `path` and everything below it to `owner`; links are not followed."""
    for folder, _, files in os.walk(path):
        os.chown(folder, owner, group, follow_symlinks=False)
        for name in files:
            os.chown(os.path.join(folder, name), owner, group, follow_symlinks=False)  # noqa: PTH118  thousands of files
