"""Sealing what a worklist must remember: AES-256-GCM under a key outside the database."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import zlib

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from upheld.errors import EvidenceError

_NONCE_BYTES = 12


def seal(key: bytes, data: bytes, about: str) -> bytes:
    """Encrypt `data`; `about` (a batch's id) is authenticated with it."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, zlib.compress(data, 1), about.encode())


def unseal(key: bytes, data: bytes, about: str) -> bytes:
    """Decrypt; raise EvidenceError where key or data are not the ones."""
    try:
        plain = AESGCM(key).decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], about.encode())
    except InvalidTag:
        message = f"the worklist of batch `{about}` does not open with this key"
        raise EvidenceError(message, help="restore seal.key from its backup") from None
    return zlib.decompress(plain)


def ledger_hash(key: bytes, kind: str, value: str) -> bytes:
    """Give the keyed hash of an erased identifier, folded so that spelling does not matter."""
    return hmac.new(key, f"{kind}:{value.strip().lower()}".encode(), hashlib.sha256).digest()
