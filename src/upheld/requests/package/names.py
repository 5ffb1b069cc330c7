"""Names of files in the zip that are safe on every system and never collide.

Keys and table names come from data, so they may hold `..`, drive letters,
control characters, reserved names or letters that differ in case only.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

_SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.=-]*(?<!\.)", re.ASCII)
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+", re.ASCII)
_SUFFIX = re.compile(r"\.[a-z0-9]{1,8}\Z", re.ASCII)
# Windows refuses these with any suffix, and paths over 260 characters.
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|\Z)", re.IGNORECASE)
_LONGEST_PART = 80
_LONGEST = 160
_DEEPEST = 12


def is_safe(path: str) -> bool:
    """Tell whether a relative path can stand in the zip as it is."""
    parts = path.split("/")
    return (
        len(path) <= _LONGEST
        and len(parts) <= _DEEPEST
        and all(
            len(part) <= _LONGEST_PART and _SAFE.fullmatch(part) and not _RESERVED.match(part)
            for part in parts
        )
    )


def made_safe(path: str, again: int = 0) -> str:
    """Give a flat safe name: what is readable of it, then 16 digits of its SHA-256."""
    digest = hashlib.sha256(f"{again}\0{path}".encode("utf-8", "surrogatepass")).hexdigest()[:16]
    ascii_only = unicodedata.normalize("NFKD", path).encode("ascii", "ignore").decode("ascii")
    found = _SUFFIX.search(ascii_only.lower())
    suffix = found.group() if found else ""
    stem = _UNSAFE.sub("_", ascii_only[: len(ascii_only) - len(suffix)]).strip("_.-")
    return f"{stem[-40:].lstrip('_.-') or 'file'}-{digest}{suffix}"


class Names:
    """Hands out names below the folders of the zip; the same calls give the same names.

    Remembers every name that it gave, as a file system would that ignores case.
    """

    def __init__(self) -> None:
        """Start with nothing taken."""
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def take(self, folder: str, path: str) -> str:
        """Give a name for `path` below `folder` (itself safe), `path` as it is where it can be."""
        name = f"{folder}/{path if is_safe(path) else made_safe(path)}"
        again = 0
        while not self._claim(name.lower()):
            again += 1
            name = f"{folder}/{made_safe(path, again)}"
        return name

    def _claim(self, name: str) -> bool:
        if name in self._files or name in self._folders:
            return False
        folders = []
        cut = name.rfind("/")
        while cut > 0:
            folder = name[:cut]
            if folder in self._files:
                return False
            folders.append(folder)
            cut = folder.rfind("/")
        self._files.add(name)
        self._folders.update(folders)
        return True
