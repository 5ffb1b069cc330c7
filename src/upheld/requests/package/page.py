"""The page of a package that a person opens: `index.html`.

Cells are written directly, escaped by MarkupSafe, since there are thousands;
the frame around them is a Jinja2 template that escapes by itself. Memory is
bounded by the number of tables and categories: of each table a preview is
kept, of each category the first files.
"""

from __future__ import annotations

import functools
import importlib.resources
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import jinja2
from markupsafe import Markup, escape

from .archive import Packed, pack
from .media import Kind
from .model import About, ExportTable
from .values import csv_row, spoken
from .words import Words, words_for

PREVIEW_ROWS: Final = 50
# A page stays light enough for a telephone even where every cell is long.
_PREVIEW_CHARS: Final = 100_000
_CELL_CHARS: Final = 1000
_MOST_FIGURES: Final = 200
# Tables with more columns, or longer texts, would have to be scrolled sideways: they stand upright,
# a line for each value.
_MOST_COLUMNS: Final = 6
_LONG_TEXT: Final = 80
_LINK = re.compile("\0([0-9]+)\0")
_NONE: Final = '<td class="none">–</td>'  # noqa: RUF001  a dash is meant


@dataclass(frozen=True, slots=True)
class Layout:
    """What all packages share about a table, worked out once.

    `names` are the keys in JSON and the head of the CSV, the row's role first;
    `heads` the escaped headings on the page, `categories` name -> category.
    """

    category: str
    names: tuple[str, ...]
    csv_head: str
    heads: tuple[str, ...]
    stores: tuple[str | None, ...]
    categories: dict[str, str]


@functools.lru_cache(maxsize=1024)
def layout(table: ExportTable) -> Layout:
    """Give the layout of a table: it belongs to the category of most of its columns."""
    columns = tuple(column.name for column in table.columns)
    role = "_role"
    while role in columns:
        role = f"_{role}"
    counted = Counter(column.category for column in table.columns)
    return Layout(
        category=counted.most_common(1)[0][0] if counted else "account",
        names=(role, *columns),
        csv_head=csv_row((role, *columns)),
        heads=tuple(str(escape(_said(name))) for name in columns),
        stores=tuple(column.object_store for column in table.columns),
        categories={column.name: column.category for column in table.columns},
    )


def _said(name: str) -> str:
    text = name.replace("_", " ").strip() or name
    return text[:1].upper() + text[1:]


@functools.cache
def _template() -> jinja2.Template:
    source = importlib.resources.files(__package__).joinpath("page.html.j2").read_text("utf-8")
    return jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(source)


@functools.cache
def style() -> Packed:
    """Give `style.css`, packed once for all packages of this process."""
    source = importlib.resources.files(__package__).joinpath("style.css").read_bytes()
    return pack(source, deflate=True)


@functools.cache
def _guide(lang: str) -> Markup:
    """Give the hints on reading as list items; they are the same in every package."""
    return Markup("\n").join(Markup("<li>{}</li>").format(hint) for hint in words_for(lang).hints)


class Figure(NamedTuple):
    """An object on the page; `path` is its file in the zip, `role` empty for the person's own."""

    kind: Kind
    path: str
    name: str
    label: str
    size: str
    role: str


@dataclass(slots=True)
class _Section:
    anchor: str
    heading: str
    meaning: str
    tables: list[Markup] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    rows: int = 0
    objects: int = 0
    further: int = 0


class Preview:
    """The first rows of a table, as cells of HTML; `open` while more are wanted.

    `upright` where some text is too long for a column beside others.
    """

    __slots__ = ("_layout", "_links", "_size", "_words", "open", "roles", "rows", "upright")

    def __init__(self, plan: Layout, words: Words, links: list[tuple[str, str]]) -> None:
        """Begin with no row; `links` collects what may become a link to an object."""
        self._layout = plan
        self._words = words
        self._links = links
        self._size = 0
        self.open = True
        self.upright = False
        self.rows: list[list[str]] = []
        self.roles: list[str] = []

    def add(self, role: str, values: tuple[Any, ...]) -> None:
        """Add a row, one value per column."""
        yes, no = self._words.yes, self._words.no
        cells = []
        for value, store in zip(values, self._layout.stores, strict=True):
            text = value if type(value) is str else spoken(value, yes, no)
            if not text:
                cells.append(_NONE)
                continue
            if store is not None:
                self._links.append((store, text))
                cells.append(f"<td>\0{len(self._links) - 1}\0</td>")
                continue
            if len(text) > _LONG_TEXT:
                self.upright = True
                if len(text) > _CELL_CHARS:
                    more = self._words.number(len(text) - _CELL_CHARS)
                    text = text[:_CELL_CHARS] + self._words.cut.format(count=more)
            if "\0" in text:
                text = text.replace("\0", "\ufffd")
            # As `escape`, without a call and an object for each of thousands of cells.
            text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            cells.append(f"<td>{text}</td>")
        self.rows.append(cells)
        self.roles.append(role)
        self._size += sum(map(len, cells))
        self.open = len(self.rows) < PREVIEW_ROWS and self._size < _PREVIEW_CHARS


class Page:
    """Collects what the page shows, table by table and object by object."""

    def __init__(self, about: About, words: Words) -> None:
        """Begin an empty page."""
        self._about = about
        self._words = words
        self._sections: dict[str, _Section] = {}
        self._links: list[tuple[str, str]] = []
        self._empty: list[str] = []
        self._tables = 0

    def preview(self, plan: Layout) -> Preview:
        """Begin the preview of a table."""
        return Preview(plan, self._words, self._links)

    def add_table(
        self, table: ExportTable, plan: Layout, preview: Preview, count: int, base: str
    ) -> None:
        """Add a table of `count` rows whose files are `base` with `.csv` and `.json`."""
        if not count:
            self._empty.append(table.title)
            return
        section = self._section(plan.category)
        section.rows += count
        self._tables += 1
        section.tables.append(self._table(table.title, plan.heads, preview, count, base))

    def add_figure(self, category: str, figure: Figure) -> None:
        """Add an object that the zip holds."""
        section = self._section(category)
        section.objects += 1
        if len(section.figures) < _MOST_FIGURES:
            section.figures.append(figure)
        else:
            section.further += 1

    def render(self, files: dict[tuple[str, str], tuple[str, Kind]]) -> bytes:
        """Give the page; `files` maps (store, key) to (path in the zip, kind)."""
        words = self._words

        def link(found: re.Match[str]) -> str:
            store, key = self._links[int(found.group(1))]
            text = escape(key.replace("\0", "\ufffd")[:_CELL_CHARS])
            path, kind = files.get((store, key), ("", "file"))
            return f'<a href="{path}">{text}</a>' if path and kind != "file" else str(text)

        order = {name: at for at, name in enumerate(words.categories)}
        names = sorted(
            self._sections, key=lambda n: order.get(n, order.get(n.removesuffix("s"), 99))
        )
        sections = [self._sections[name] for name in names]
        if self._links:
            for section in sections:
                section.tables = [Markup(_LINK.sub(link, html)) for html in section.tables]  # noqa: S704  cells and link texts are escaped above
        rows, objects = sum(s.rows for s in sections), sum(s.objects for s in sections)
        totals = words.totals.format(entries=words.entries(rows), files=words.file_count(objects))
        text = _template().render(
            w=words,
            about=self._about,
            title=words.title.format(controller=self._about.controller),
            totals=totals,
            guide=_guide(words.lang),
            sections=sections,
            summary=[
                (s.anchor, s.heading, s.meaning, words.number(s.rows), words.number(s.objects))
                for s in sections
            ],
            empty=self._empty,
        )
        return text.replace("\0", "\ufffd").encode("utf-8", "backslashreplace")

    def _section(self, category: str) -> _Section:
        section = self._sections.get(category)
        if section is None:
            heading, meaning = self._words.category_words(category)
            section = _Section(f"c{len(self._sections) + 1}", heading, meaning)
            self._sections[category] = section
        return section

    def _table(
        self, title: str, heads: tuple[str, ...], preview: Preview, count: int, base: str
    ) -> Markup:
        words, rows = self._words, preview.rows
        title, anchor = str(escape(title)), f"t{self._tables}"
        if any(role != "owner" for role in preview.roles):
            heads = (words.your_part, *heads)
            said = [escape(words.roles.get(role, role)) for role in preview.roles]
            rows = [[f"<td>{role}</td>", *row] for role, row in zip(said, rows, strict=True)]
        caption = f'<caption id="{anchor}">{title}</caption>'
        if count == 1 or preview.upright or len(heads) > _MOST_COLUMNS:
            body = self._records(heads, rows, count)
            html = f'<table class="records">{caption}{body}</table>'
        else:
            head = "".join([f'<th scope="col">{h}</th>' for h in heads])
            body = "".join([f"<tr>{''.join(row)}</tr>\n" for row in rows])
            html = (
                f'<div class="scroll" role="region" aria-labelledby="{anchor}" tabindex="0">'
                f"<table>{caption}<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>"
            )
        entries = words.entries(count)
        if len(rows) < count:
            more = words.more_rows.format(shown=words.number(len(rows)), entries=entries)
        else:
            more = words.all_rows.format(entries=entries)
        links = " ".join(
            f'<a href="{base}.{name.lower()}" aria-label="{name}: {title}">{name}</a>'
            for name in ("CSV", "JSON")
        )
        return Markup(f'{html}\n<p class="more">{more} {links}</p>')  # noqa: S704  every part is escaped or ours

    def _records(self, heads: tuple[str, ...], rows: list[list[str]], count: int) -> str:
        lines = [f'<tr><th scope="row">{head}</th>' for head in heads]
        parts = []
        for number, row in enumerate(rows, 1):
            parts.append("<tbody>\n")
            if count > 1:
                label = self._words.entry_number.format(self._words.number(number))
                parts.append(f'<tr><th class="nr" scope="rowgroup" colspan="2">{label}</th></tr>\n')
            parts += [f"{line}{cell}</tr>\n" for line, cell in zip(lines, row, strict=True)]
            parts.append("</tbody>")
        return "".join(parts)
