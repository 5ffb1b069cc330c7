"""Passwords, kept as scrypt hashes (RFC 7914)."""

from __future__ import annotations

import hashlib
import hmac
import secrets

_SALT_BYTES = 16


def hash_password(password: str, salt: bytes | None = None) -> bytes:
    """Return 16 bytes of salt and 32 bytes of key; draws the salt if none is given."""
    salt = salt or secrets.token_bytes(_SALT_BYTES)
    key = hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1, dklen=32)
    return salt + key


def password_matches(password: str, stored: bytes) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(hash_password(password, stored[:_SALT_BYTES]), stored)
