"""Writes access packages: rows and objects in, one zip file out.

Everything streams: a table's rows pass once, through a spool that goes to an
unnamed file beside the target when it grows, and an object's chunks go straight
into the zip. What grows is the list of files (about 500 bytes for each).
"""

from __future__ import annotations

import hashlib
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar, cast

from upheld.errors import StoreError, UpheldError

from .archive import Archive, in_pieces, pack, pays
from .media import Kind, kind_of, type_of, worth_deflating
from .model import (
    About,
    ExportObject,
    PackageJob,
    PackageSummary,
    TableRows,
)
from .names import Names
from .page import Figure, Page, Preview, layout, style
from .partfile import PartFile, cannot_write, settle
from .values import BYTE_ORDER_MARK, as_json, csv_row, json_items
from .words import Words, words_for

FORMAT: Final = "upheld.package/1"
# What is smaller than this is held in memory and written at once.
_IN_MEMORY: Final = 1 << 20
# Rows are encoded together up to so many characters.
_HELD: Final = 1 << 17
# Packages that are put on disk together, so that their folder is waited for once.
_GROUP: Final = 16

_Item = TypeVar("_Item")


class _Spool:
    """Text that grows: in memory at first, then in an unnamed file in `folder`."""

    __slots__ = ("_file", "_folder", "_parts", "_size")

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parts: list[str] = []
        self._size = 0
        self._file: BinaryIO | None = None

    def write(self, text: str) -> None:
        self._parts.append(text)
        self._size += len(text)
        if self._size > _IN_MEMORY:
            self._spill()

    def _spill(self) -> None:
        if self._file is None:
            self._file = cast("BinaryIO", tempfile.TemporaryFile(dir=self._folder))  # noqa: SIM115  closed in `move`
        self._file.write(self._encoded())
        self._parts.clear()
        self._size = 0

    def _encoded(self) -> bytes:
        return "".join(self._parts).encode("utf-8", "backslashreplace")

    def move(self, archive: Archive, name: str) -> None:
        """Put all of it into the archive and let go of it."""
        if self._file is None:
            archive.add(name, pack(self._encoded(), deflate=True))
            return
        with self._file as file:
            self._spill()
            file.seek(0)
            archive.add_stream(name, in_pieces(file), deflate=True)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


class _Package:
    """One package being written into an open archive."""

    def __init__(self, archive: Archive, folder: Path, about: About, words: Words) -> None:
        self._archive = archive
        self._folder = folder
        self._about = about
        self._words = words
        self._names = Names()
        self._page = Page(about, words)
        self._titles: dict[str, str] = {}
        self._tables: list[dict[str, Any]] = []
        self._objects: dict[tuple[str, str], tuple[str, Kind]] = {}
        self.rows: dict[tuple[str, str], int] = {}

    def add_table(self, given: TableRows) -> None:
        table = given.table
        plan = layout(table)
        json_text, csv_text = _Spool(self._folder), _Spool(self._folder)
        preview = self._page.preview(plan)
        count, base = 0, ""
        try:
            count = self._copy_rows(given, json_text, csv_text, preview)
            if count:
                base = self._names.take(f"data/{table.system}", table.name)
                json_text.move(self._archive, f"{base}.json")
                csv_text.move(self._archive, f"{base}.csv")
        finally:
            json_text.close()
            csv_text.close()
        self._titles.setdefault(table.name, table.title)
        self.rows[table.system, table.name] = count
        self._page.add_table(table, plan, preview, count, base)
        self._tables.append(
            {
                "system": table.system,
                "table": table.name,
                "title": table.title,
                "rows": count,
                "files": [f"{base}.json", f"{base}.csv"] if count else [],
                "columns": plan.categories,
            }
        )

    def _copy_rows(
        self, given: TableRows, json_text: _Spool, csv_text: _Spool, preview: Preview
    ) -> int:
        """Copy the rows to all three, and give their number."""
        plan = layout(given.table)
        count, held, held_size = 0, [], 0
        csv_text.write(BYTE_ORDER_MARK + plan.csv_head)
        opening = "[\n"
        for role, values in _heard(lambda: given.rows, f"rows of `{given.table.name}`"):
            row = (role, *values)
            line = csv_row(row)
            csv_text.write(line)
            held.append(dict(zip(plan.names, row, strict=True)))
            held_size += len(line)
            if held_size > _HELD:
                json_text.write(opening + json_items(held))
                held, held_size, opening = [], 0, ",\n"
            if preview.open:
                preview.add(role, values)
            count += 1
        if held:
            json_text.write(opening + json_items(held))
        json_text.write("\n]\n")
        return count

    def add_object(self, item: ExportObject) -> None:
        """Write an object, once, however many rows point to it."""
        if (item.store, item.key) in self._objects:
            return
        chunks = _heard(item.open, f"an object from the store `{item.store}`")
        first, size, rest = _begin(chunks)
        path = self._names.take(f"objects/{item.store}", item.key)
        suffix = type_of(path, first[:16])
        kind = kind_of(suffix)
        deflate = worth_deflating(suffix) and pays(first)
        if rest is None:
            self._archive.add(path, pack(first, deflate=deflate))
        else:
            self._archive.add_stream(path, chain((first,), rest), deflate=deflate)
            size = self._archive.files[-1].size
        self._objects[item.store, item.key] = (path, kind)
        name = path.rpartition("/")[2]
        words = self._words
        says = {"image": words.image, "audio": words.audio, "video": words.video}.get(kind, "")
        label = says.format(name=name, table=self._titles.get(item.table, item.table))
        role = "" if item.role == "owner" else words.roles.get(item.role, item.role)
        self._page.add_figure(
            item.category, Figure(kind, path, name, label, words.size(size), role)
        )

    @property
    def objects(self) -> int:
        """How many objects were written."""
        return len(self._objects)

    def finish(self) -> str:
        """Write the page, its style, `about.json` and the manifest, whose SHA-256 it gives."""
        page = self._page.render(self._objects)
        self._archive.add("index.html", pack(page, deflate=True))
        self._archive.add("style.css", style())
        about = self._about
        described = {
            "format": FORMAT,
            "request": about.request,
            "made_at": about.made_at,
            "controller": about.controller,
            "subject": about.subject_label,
            "systems": about.systems,
            "notes": about.notes,
            "language": self._words.lang,
            "tables": self._tables,
            "objects": len(self._objects),
        }
        self._archive.add("about.json", pack(_document(described), deflate=True))
        lines = ",\n".join(
            f'    {{"path": "{f.name}", "size": {f.size}, "sha256": "{f.sha256}"}}'
            for f in self._archive.files
        )
        manifest = f'{{\n  "format": "upheld.manifest/1",\n  "files": [\n{lines}\n  ]\n}}\n'
        data = manifest.encode("ascii")
        self._archive.add("manifest.json", pack(data, deflate=True))
        return hashlib.sha256(data).hexdigest()


def _document(value: dict[str, Any]) -> bytes:
    return (as_json(value) + "\n").encode("utf-8", "backslashreplace")


def _heard(source: Callable[[], Iterable[_Item]], what: str) -> Iterator[_Item]:
    """Pass on what a source gives; its OSErrors are the source's, not the package's."""
    try:
        yield from source()
    except OSError as error:
        raise StoreError(
            f"cannot read {what}: {(error.strerror or type(error).__name__).lower()}",
            help="see that the store is up and that the data map fits it",
        ) from error


def _begin(chunks: Iterator[bytes]) -> tuple[bytes, int, Iterator[bytes] | None]:
    """Read the beginning of an object: (bytes, their number, the rest or None at its end)."""
    parts, size = [], 0
    for chunk in chunks:
        parts.append(chunk)
        size += len(chunk)
        if size > _IN_MEMORY:
            return b"".join(parts), size, chunks
    return (parts[0] if len(parts) == 1 else b"".join(parts)), size, None


def _fill(job: PackageJob, words: Words, part: PartFile) -> PackageSummary:
    archive = Archive(part.file, job.about.made_at)
    package = _Package(archive, job.target.parent, job.about, words)
    for table in job.tables:
        package.add_table(table)
    for item in job.objects:
        package.add_object(item)
    digest = package.finish()
    size = archive.finish()
    return PackageSummary(
        job.target, len(archive.files), size, package.rows, package.objects, digest
    )


def _write(job: PackageJob, words: Words) -> tuple[PartFile, PackageSummary]:
    """Write all of it under its passing name; on any error remove it again."""
    try:
        part = PartFile(job.target)
    except OSError as error:
        raise cannot_write(job.target, error) from error
    try:
        return part, _fill(job, words, part)
    except OSError as error:
        part.discard()
        raise cannot_write(job.target, error) from error
    except BaseException:
        part.discard()
        raise


def _commit(
    group: list[tuple[PartFile, PackageSummary]],
) -> tuple[list[PackageSummary], StoreError | None]:
    """Put packages on disk under their names: (those that are, the first error)."""
    done: list[PackageSummary] = []
    failure: StoreError | None = None
    for part, summary in group:
        try:
            part.commit()
            done.append(summary)
        except OSError as error:
            failure = failure or cannot_write(part.target, error)
        finally:
            part.discard()
    for folder in dict.fromkeys(part.target.parent for part, _ in group):
        try:
            settle(folder)
        except OSError as error:
            failure = failure or cannot_write(folder, error)
    return done, failure


def write_package(
    target: Path,
    about: About,
    tables: Iterable[TableRows],
    objects: Iterable[ExportObject],
    *,
    lang: str = "en",
) -> PackageSummary:
    """Write one access package to `target`, all or nothing, mode 0600, on disk when this returns.

    Reads the tables in order, then the objects. The same input gives the same
    bytes. An existing `target` is replaced. StoreError when the disk is full or
    refuses, a source cannot be read, or another run writes the same package;
    RequestError for a language without words (there are `en` and `de`). After
    any error nothing of it is left, and an older package stays as it was.
    """
    words = words_for(lang)
    written = _write(PackageJob(target, about, tables, objects), words)
    _, failure = _commit([written])
    if failure:
        raise failure
    return written[1]


def write_packages(jobs: Iterable[PackageJob], *, lang: str = "en") -> Iterator[PackageSummary]:
    """Write many packages, as `write_package` does, and give each summary once it is on disk.

    The disk is waited for while the next ones are made, and for a group at a
    time. On an error the packages before it are given first, then it is raised;
    the rest is not begun.
    """
    words = words_for(lang)
    failure: UpheldError | None = None
    group: list[tuple[PartFile, PackageSummary]] = []
    pending: deque[Future[tuple[list[PackageSummary], StoreError | None]]] = deque()
    with ThreadPoolExecutor(max_workers=1) as disk:
        try:
            for job in jobs:
                try:
                    group.append(_write(job, words))
                except UpheldError as error:
                    failure = error
                    break
                if len(group) == _GROUP:
                    pending.append(disk.submit(_commit, group))
                    group = []
                    if len(pending) > 1:
                        yield from _settled(pending.popleft())
            if group:
                pending.append(disk.submit(_commit, group))
                group = []
            while pending:
                yield from _settled(pending.popleft())
        finally:
            for part, _ in group:
                part.discard()
    if failure:
        raise failure


def _settled(
    group: Future[tuple[list[PackageSummary], StoreError | None]],
) -> Iterator[PackageSummary]:
    done, failure = group.result()
    yield from done
    if failure:
        raise failure
