"""The key files of a project: a private folder, made whole or not at all.

- `log.key` signs the checkpoints of the log (Ed25519). Lost: nothing more can
  be logged under this name.
- `log.pub` is its public half (a C2SP vkey), to be given away.
- `receipt.key` derives the salts of receipts. Lost: no receipt can be issued again.
- `ledger.key` keys the hashes of erased identifiers. Lost: a restored backup
  cannot be cleaned.
- `seal.key` seals the worklists of running erasures (AES-256-GCM). Lost: a
  running erasure must be planned anew.

They are kept outside the database, so that its dump proves nothing about
anybody. A missing file is an error and is never made anew on its own: a new
key would quietly end what the old one could do.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from upheld.errors import EvidenceError
from upheld.evidence.note import Signer, Verifier, check_name, decode_base64, encode_base64

LOG, LOG_PUBLIC, RECEIPT, LEDGER, SEAL = (
    "log.key",
    "log.pub",
    "receipt.key",
    "ledger.key",
    "seal.key",
)
_SECRET_BYTES = 32
_MOST_BYTES = 4096
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_RESTORE = "restore the folder of keys from its backup"


@dataclass(frozen=True, slots=True)
class Keys:
    """All keys of a project, in memory; none shows in a repr."""

    signer: Signer
    receipt: bytes = field(repr=False)
    ledger: bytes = field(repr=False)
    seal: bytes = field(repr=False)

    @property
    def verifier(self) -> Verifier:
        """Give the log's public key; `str()` of it is the text of `log.pub`."""
        return self.signer.verifier


def ensure_keys(folder: Path, name: str) -> Keys:
    """Load the keys, or make all of them if the folder is missing or empty.

    `name` names a new log (its origin), as in `privacy.example.org/log`; an
    existing log keeps its own. The keys are written in a folder beside it,
    which is then renamed: of two processes one wins and both load its keys.
    """
    check_name(name)
    if not folder.is_dir() or not any(folder.iterdir()):
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            _make(folder, Signer.generate(name))
        except OSError as error:
            raise EvidenceError(
                f"cannot make keys in `{folder}`: {error.strerror}",
                help="check the folder's owner and free space",
            ) from error
    return load_keys(folder)


def _make(folder: Path, signer: Signer) -> None:
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        _write(fresh / LOG, signer.private_text(), 0o600)
        _write(fresh / LOG_PUBLIC, str(signer.verifier), 0o644)
        for name in (RECEIPT, LEDGER, SEAL):
            _write(fresh / name, encode_base64(secrets.token_bytes(_SECRET_BYTES)), 0o600)
        _sync(fresh)
        try:
            fresh.rename(folder)
        except OSError:
            # A folder with files in it is not replaced: another process was first.
            if not any(folder.iterdir()):
                raise
        _sync(folder.parent)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _write(path: Path, text: str, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def load_keys(folder: Path) -> Keys:
    """Load every key; EvidenceError if one is missing, malformed or open to others."""
    if folder.is_dir() and folder.stat().st_mode & _OTHERS:
        raise EvidenceError(
            f"the folder of keys `{folder}` is open to others",
            help=f"chmod 700 {folder}, and think who may have been in it",
        )
    signer = Signer.parse(_read(folder / LOG))
    public = Verifier.parse(_read(folder / LOG_PUBLIC, secret=False))
    if public != signer.verifier:
        raise EvidenceError(
            f"`{folder / LOG_PUBLIC}` is not the public half of `{LOG}`", help=_RESTORE
        )
    return Keys(
        signer=signer,
        receipt=_secret(folder / RECEIPT),
        ledger=_secret(folder / LEDGER),
        seal=_secret(folder / SEAL),
    )


def load_public_key(path: Path) -> Verifier:
    """Load a log's public key from a file such as `log.pub`; EvidenceError if it is none."""
    return Verifier.parse(_read(path, secret=False))


def _secret(path: Path) -> bytes:
    try:
        data = decode_base64(_read(path).strip())
    except ValueError as error:
        raise EvidenceError(f"`{path}` is not a key", help=_RESTORE) from error
    if len(data) != _SECRET_BYTES:
        raise EvidenceError(f"`{path}` is not a key of {_SECRET_BYTES} bytes", help=_RESTORE)
    return data


def _read(path: Path, *, secret: bool = True) -> str:
    """Read a small text file; a secret one must be a plain file that only its owner may open."""
    try:
        # A link is refused for secrets: its target's folder may be open to others.
        # Without waiting, so that a pipe in its place does not hang us.
        flags = os.O_RDONLY | os.O_NONBLOCK | (os.O_NOFOLLOW if secret else 0)
        with os.fdopen(os.open(path, flags), "rb") as file:
            status = os.fstat(file.fileno())
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise EvidenceError(
            f"cannot read the key `{path}`: {error.strerror}", help=_RESTORE
        ) from error
    if not stat.S_ISREG(status.st_mode) or len(data) > _MOST_BYTES:
        raise EvidenceError(f"`{path}` is not a key file", help=_RESTORE)
    if secret and status.st_mode & _OTHERS:
        raise EvidenceError(
            f"others may read the key `{path}`",
            help=f"chmod 600 {path}, and think who may have read it",
        )
    try:
        return data.decode("ascii")
    except UnicodeDecodeError as error:
        raise EvidenceError(f"`{path}` is not a key file", help=_RESTORE) from error
