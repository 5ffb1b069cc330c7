"""What kind of thing an object is, by its name or, where that says nothing, its first bytes.

It decides how the page shows it and whether deflating it is worth the time.
"""

from __future__ import annotations

from typing import Final, Literal

Kind = Literal["image", "audio", "video", "document", "file"]

_KINDS: Final[dict[str, Kind]] = {
    **dict.fromkeys(("png", "jpg", "jpeg", "gif", "webp", "avif", "bmp", "svg"), "image"),
    **dict.fromkeys(("mp3", "wav", "ogg", "oga", "opus", "flac", "m4a", "aac"), "audio"),
    **dict.fromkeys(("mp4", "m4v", "webm", "mov", "ogv"), "video"),
    **dict.fromkeys(("txt", "json", "csv", "pdf", "md", "log"), "document"),
}
# Compressed already: deflating them costs time and gains nothing.
_COMPRESSED: Final = frozenset(
    "png jpg jpeg gif webp avif heic mp3 ogg oga opus flac m4a aac mp4 m4v webm mov ogv "
    "zip gz xz zst bz2 7z docx xlsx pptx odt ods glb".split()
)
_MAGIC: Final[tuple[tuple[int, bytes, str], ...]] = (
    (0, b"\x89PNG\r\n\x1a\n", "png"),
    (0, b"\xff\xd8\xff", "jpg"),
    (0, b"GIF8", "gif"),
    (8, b"WEBP", "webp"),
    (8, b"WAVE", "wav"),
    (4, b"ftyp", "mp4"),
    (0, b"OggS", "ogg"),
    (0, b"ID3", "mp3"),
    (0, b"fLaC", "flac"),
    (0, b"\x1aE\xdf\xa3", "webm"),
    (0, b"PK\3\4", "zip"),
    (0, b"%PDF-", "pdf"),
)


def type_of(key: str, head: bytes) -> str:
    """Give the type as a lower-case suffix without its dot, `""` where nothing tells it."""
    suffix = key.rpartition("/")[2].rpartition(".")[2].lower() if "." in key else ""
    if suffix in _KINDS or suffix in _COMPRESSED:
        return suffix
    for start, magic, kind in _MAGIC:
        if head.startswith(magic, start):
            return kind
    return suffix


def kind_of(suffix: str) -> Kind:
    """Give how the page shows a type; `file` is named but not linked.

    Files of unknown type and those that a browser would run (web pages,
    scripts) must not open with a click: others may have sent them.
    """
    return _KINDS.get(suffix, "file")


def worth_deflating(suffix: str) -> bool:
    """Tell whether a type is not compressed already."""
    return suffix not in _COMPRESSED
