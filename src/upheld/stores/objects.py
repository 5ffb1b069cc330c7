"""Objects in a bucket or a folder, through one library (obstore) for both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import obstore
from obstore.store import from_url

from upheld.errors import StoreError
from upheld.search.needles import Needles

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_BATCH = 500


@dataclass(frozen=True, slots=True)
class ObjectHit:
    """An object that holds an identifier; only text can be rewritten."""

    store: str
    key: str
    is_text: bool


class Objects:
    """One object store."""

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        try:
            # A folder that was never written to need not exist yet.
            options: dict[str, Any] = {"mkdir": True} if url.startswith("file://") else {}
            self.store: ObjectStore = from_url(url, **options)
        except Exception as problem:  # noqa: BLE001  the library has no common root for bad URLs
            message = f"cannot open the object store `{name}`: {_first_line(problem)}"
            raise StoreError(message, help="check its URL in settings.yaml") from None

    def open(self, key: str) -> Iterator[bytes]:
        """Give an object's bytes in chunks; nothing where it is gone."""
        try:
            for chunk in obstore.get(self.store, key).stream(min_chunk_size=1 << 18):
                yield bytes(chunk)
        except FileNotFoundError:
            return
        except Exception as problem:  # noqa: BLE001  every kind of store has its own errors
            raise self._down(problem) from None

    def exists(self, key: str) -> bool:
        """Say whether there is such an object."""
        try:
            obstore.head(self.store, key)
        except FileNotFoundError:
            return False
        except Exception as problem:  # noqa: BLE001  every kind of store has its own errors
            raise self._down(problem) from None
        return True

    def delete(self, keys: Iterable[str]) -> int:
        """Remove objects; those that are gone already count as removed."""
        done = 0
        rest = iter(keys)
        while batch := list(islice(rest, _BATCH)):
            try:
                obstore.delete(self.store, batch)
            except FileNotFoundError:
                self._delete_singly(batch)
            except Exception as problem:  # noqa: BLE001  every kind of store has its own errors
                raise self._down(problem) from None
            done += len(batch)
        return done

    def _delete_singly(self, keys: Sequence[str]) -> None:
        for key in keys:
            try:
                obstore.delete(self.store, [key])
            except FileNotFoundError:
                continue

    def search(self, needles: Needles) -> Iterator[ObjectHit]:
        """Give every object that holds an identifier as a whole token."""
        if not len(needles):
            return
        for key in self._keys():
            data = self._read(key)
            if not needles.near(data):
                continue
            if needles.find_bytes(data):
                yield ObjectHit(self.name, key, _text(data) is not None)

    def mask(self, needles: Needles, before: Callable[[str], None]) -> int:
        """Rewrite text objects with their identifiers masked; give how many.

        `before` is told each key before its object changes.
        """
        changed = 0
        for hit in list(self.search(needles)):
            if hit.is_text:
                before(hit.key)
                masked, _ = needles.mask_bytes(self._read(hit.key))
                obstore.put(self.store, hit.key, masked)
                changed += 1
        return changed

    def _keys(self) -> Iterator[str]:
        try:
            for page in obstore.list(self.store):
                for meta in page:
                    yield meta["path"]
        except Exception as problem:  # noqa: BLE001  every kind of store has its own errors
            raise self._down(problem) from None

    def _read(self, key: str) -> bytes:
        return b"".join(self.open(key))

    def _down(self, problem: Exception) -> StoreError:
        message = f"the object store `{self.name}` does not answer: {_first_line(problem)}"
        return StoreError(message, help="check that it is there and that its keys are right")


def _text(data: bytes) -> str | None:
    if b"\0" in data:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _first_line(problem: Exception) -> str:
    return (str(problem).splitlines() or [type(problem).__name__])[0]
