"""Files that people bring: what they are, by their first bytes, and how large."""

from __future__ import annotations

from fastapi import HTTPException, UploadFile

_CHUNK = 64 * 1024


def read_limited(file: UploadFile, largest: int) -> bytes:
    """Read a file of at most `largest` bytes; 413 if it is larger, 422 if empty."""
    data = bytearray()
    while chunk := file.file.read(_CHUNK):
        data += chunk
        if len(data) > largest:
            raise HTTPException(413, f"Files can have up to {largest // 1_000_000} MB.")
    if not data:
        raise HTTPException(422, "That file is empty.")
    return bytes(data)


def media_type(data: bytes) -> str | None:
    """Tell PNG, JPEG, WAV and plain text apart; None for everything else."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(b"RIFF") and data[8:12] == b"WAVE":
        return "audio/wav"
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return "text/plain" if "\0" not in text else None
