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
_COMPRESSED: Final = {
    *("png", "jpg", "jpeg", "gif", "webp", "avif", "heic"),
    *("mp3", "ogg", "oga", "opus", "flac", "m4a", "aac"),
    *("mp4", "m4v", "webm", "mov", "ogv", "glb"),
    *("zip", "gz", "xz", "zst", "bz2", "7z", "docx", "xlsx", "pptx", "odt", "ods"),
}
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


def type_of(name: str, head: bytes) -> str:
    """Give the type as a lower-case suffix without its dot, `""` where nothing tells it.

    First bytes are asked only where the name has no suffix: a browser goes by
    the suffix, so `page.html` is a page even if it begins like a picture.
    """
    name = name.rpartition("/")[2]
    if "." in name:
        return name.rpartition(".")[2].lower()
    return next((kind for at, magic, kind in _MAGIC if head.startswith(magic, at)), "")


def kind_of(suffix: str) -> Kind:
    """Give how the page shows a type; `file` is named but not linked.

    Files of unknown type and those that a browser would run (web pages,
    scripts) must not open with a click: others may have sent them.
    """
    return _KINDS.get(suffix, "file")


def worth_deflating(suffix: str) -> bool:
    """Tell whether a type is not compressed already."""
    return suffix not in _COMPRESSED
