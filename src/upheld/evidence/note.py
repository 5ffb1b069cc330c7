"""Signed notes and checkpoints, as C2SP writes them.

Sources: https://c2sp.org/signed-note (text, keys, signatures, verifier keys)
and https://c2sp.org/tlog-checkpoint (origin, size, root). Only Ed25519
(algorithm byte 0x01), and only what this log writes: a checkpoint with
extension lines is refused. Bytes are taken exactly: base64 that does not
encode back to itself, or a size with a leading zero, is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from upheld.errors import EvidenceError

_ED25519 = b"\x01"
_PRIVATE = "PRIVATE+KEY+"
_DASH = "\u2014 "
_KEY_HASH_BYTES = 4
_SECRET_BYTES = 32
# The specification lets a verifier refuse more; the same bound as Go's implementation.
_MOST_SIGNATURES = 100
_SIZE = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)


def encode_base64(data: bytes) -> str:
    """Encode as standard base64 with padding."""
    return base64.b64encode(data).decode("ascii")


def decode_base64(text: str) -> bytes:
    """Decode standard base64; ValueError unless it is the one canonical encoding."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError("not base64") from error
    if encode_base64(data) != text:
        raise ValueError("not canonical base64")
    return data


def check_name(name: str) -> str:
    """Give the key name back, or raise: it must be non-empty, with no space, plus or control."""
    if not name or "+" in name or any(c.isspace() or not c.isprintable() for c in name):
        message = f"`{name}` cannot name a log"
        raise EvidenceError(
            message, help="use a name like `privacy.example.org/log`, with no space or plus"
        )
    return name


def _key_hash(name: str, public: bytes) -> bytes:
    digest = hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()
    return digest[:_KEY_HASH_BYTES]


def _split_key(text: str, what: str) -> tuple[str, bytes, bytes]:
    """Split `name+hash+base64(0x01 || 32 bytes)`; the errors never quote the text."""
    parts = text.split("+", 2)
    try:
        name, key_hash = parts[0], bytes.fromhex(parts[1])
        data = decode_base64(parts[2])
    except (IndexError, ValueError) as error:
        raise EvidenceError(
            f"this is not a {what}", help="it reads `name+hash+base64`, on one line"
        ) from error
    if parts[1] != key_hash.hex() or len(data) != 1 + _SECRET_BYTES or data[:1] != _ED25519:
        raise EvidenceError(
            f"this {what} is not an Ed25519 key", help="it may be cut short; copy the whole line"
        )
    return check_name(name), key_hash, data[1:]


@dataclass(frozen=True, slots=True)
class Verifier:
    """A log's public key and its name; `str()` gives the C2SP vkey."""

    name: str
    public: bytes
    """The 32 raw bytes of the Ed25519 public key."""

    @classmethod
    def parse(cls, text: str) -> Verifier:
        """Read a vkey, `name+hash+base64(0x01 || public)`; EvidenceError if it is not one."""
        name, key_hash, public = _split_key(text.strip(), "public key of a log")
        if key_hash != _key_hash(name, public):
            raise EvidenceError(
                "the public key of the log does not match its own hash",
                help="it was altered or mistyped; fetch it again",
            )
        return cls(name, public)

    @property
    def key_hash(self) -> bytes:
        """Give the four bytes by which a signature line names this key."""
        return _key_hash(self.name, self.public)

    def __str__(self) -> str:
        """Give the vkey."""
        key = encode_base64(_ED25519 + self.public)
        return f"{self.name}+{self.key_hash.hex()}+{key}"

    def accepts(self, text: bytes, signature: bytes) -> bool:
        """Tell whether the 64-byte signature is this key's over the text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text)
        except (InvalidSignature, ValueError):
            return False
        return True

    def open(self, note: bytes) -> bytes:
        """Give the signed text of a note, its last newline included.

        Signatures by other keys are passed over, as the specification says,
        but must be well formed. EvidenceError when the note is malformed or
        holds no valid signature of this key.
        """
        text, signatures = _split_note(note)
        mine = [
            signature[_KEY_HASH_BYTES:]
            for name, signature in signatures
            if name == self.name and signature[:_KEY_HASH_BYTES] == self.key_hash
        ]
        if not mine:
            message = f"the checkpoint is not signed by `{self.name}` with this key"
            raise EvidenceError(
                message, help="take the public key of the log that issued it, or it was altered"
            )
        if not all(self.accepts(text, signature) for signature in mine):
            raise EvidenceError(
                "the checkpoint's signature is wrong: it was altered",
                help="ask the service to issue it again",
            )
        return text


@dataclass(frozen=True, slots=True)
class Signer:
    """A log's private key and its name; it never shows in a repr."""

    name: str
    secret: bytes = field(repr=False)
    """The 32-byte Ed25519 seed."""

    @classmethod
    def generate(cls, name: str) -> Signer:
        """Make a new key for the log of that name."""
        return cls(check_name(name), Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def parse(cls, text: str) -> Signer:
        """Read `PRIVATE+KEY+name+hash+base64(0x01 || seed)`, as Go's note package writes it."""
        line = text.strip()
        if not line.startswith(_PRIVATE):
            raise EvidenceError(
                "this is not a private key of a log", help="restore the key file from its backup"
            )
        name, key_hash, secret = _split_key(line.removeprefix(_PRIVATE), "private key of a log")
        signer = cls(name, secret)
        if signer.verifier.key_hash != key_hash:
            raise EvidenceError(
                "the private key of the log does not match its own hash",
                help="restore the key file from its backup",
            )
        return signer

    def private_text(self) -> str:
        """Give the line that `parse` reads. Secret."""
        key = encode_base64(_ED25519 + self.secret)
        return f"{_PRIVATE}{self.name}+{self.verifier.key_hash.hex()}+{key}"

    @property
    def verifier(self) -> Verifier:
        """Give the public half."""
        private = Ed25519PrivateKey.from_private_bytes(self.secret)
        return Verifier(self.name, private.public_key().public_bytes_raw())

    def sign(self, text: bytes) -> bytes:
        """Give the note: the text, which must end in a newline, and one signature line."""
        if not text.endswith(b"\n"):
            raise ValueError("the text of a note ends in a newline")
        signature = Ed25519PrivateKey.from_private_bytes(self.secret).sign(text)
        line = encode_base64(self.verifier.key_hash + signature)
        return text + f"\n{_DASH}{self.name} {line}\n".encode()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log: how many leaves it has and their root."""

    origin: str
    size: int
    root: bytes

    def text(self) -> bytes:
        """Give the three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{encode_base64(self.root)}\n".encode()

    def signed(self, signer: Signer) -> bytes:
        """Give the signed note."""
        return signer.sign(self.text())


def open_checkpoint(note: bytes, verifier: Verifier) -> Checkpoint:
    """Verify a signed checkpoint and read it; EvidenceError says what is wrong."""
    text = verifier.open(note).decode()
    lines = text.removesuffix("\n").split("\n")
    try:
        origin, size, root = lines
        checkpoint = Checkpoint(origin, _size(size), decode_base64(root))
    except ValueError as error:
        raise EvidenceError(
            "the signed note is not a checkpoint", help="its lines are origin, size and root"
        ) from error
    if origin != verifier.name or len(checkpoint.root) != hashlib.sha256().digest_size:
        raise EvidenceError(
            "the checkpoint is of another log, or its root is not SHA-256",
            help="take the public key of the log that issued it",
        )
    return checkpoint


def _size(text: str) -> int:
    if not _SIZE.fullmatch(text):
        raise ValueError("not a size")
    return int(text)


def _split_note(note: bytes) -> tuple[bytes, list[tuple[str, bytes]]]:
    """Split a note into its text and `(name, key hash || signature)` per line."""
    malformed = EvidenceError(
        "the checkpoint is not a signed note", help="it may be cut short; fetch it again"
    )
    try:
        whole = note.decode()
    except UnicodeDecodeError as error:
        raise malformed from error
    text, blank, tail = whole.rpartition("\n\n")
    controls = any(c < " " and c != "\n" for c in whole)
    if not blank or not tail.endswith("\n") or controls:
        raise malformed
    lines = tail.removesuffix("\n").split("\n")
    if len(lines) > _MOST_SIGNATURES:
        raise malformed
    signatures = []
    for line in lines:
        name, _, encoded = line.removeprefix(_DASH).partition(" ")
        try:
            if not line.startswith(_DASH):
                raise malformed
            data = decode_base64(encoded)
            check_name(name)
        except (ValueError, EvidenceError) as error:
            raise malformed from error
        if len(data) <= _KEY_HASH_BYTES:
            raise malformed
        signatures.append((name, data))
    return (text + "\n").encode(), signatures
