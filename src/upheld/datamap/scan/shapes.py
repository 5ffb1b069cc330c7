"""What a single value looks like: e-mail address, phone number, IP address, and so on.

Each detector takes one value as text and says yes or no; none of them keeps it.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Iterable

from upheld.datamap.scan.vocabulary import word_set

_EMAIL = re.compile(
    r"[^@\s<>,;\"']{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?\.[A-Za-z]{2,24}\Z"
)
_PHONE = re.compile(r"(?:\+|00|0|\()[\d\s()./-]{5,22}\d\Z")
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\Z")
_URL = re.compile(r"(?:https?|ftp|wss?)://\S+\Z")
_AGENT = re.compile(
    r"(?:Mozilla|Opera|curl|okhttp|Dalvik|python-requests|[A-Za-z]+)/\d[\w.]*(?:\s|\Z).*", re.DOTALL
)
_AGENT_SURE = re.compile(r"Mozilla/\d|Opera/\d|AppleWebKit|Gecko|okhttp/|Dalvik/|CFNetwork|Darwin/")
_HASH = re.compile(
    r"(?:\$[\w$./=+,-]{20,}|(?:\\x)?(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{56}|"
    r"[0-9a-fA-F]{64}|[0-9a-fA-F]{96}|[0-9a-fA-F]{128}))\Z"
)
_STAMP = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d.*)?\Z")
_LOCALE = re.compile(r"[a-z]{2}[-_][A-Z]{2}\Z")
_OBJECT = re.compile(r"(?!\w+://)/?(?:[^\s/:?#]+/)+[^\s/:?#]+\.[A-Za-z][A-Za-z0-9]{0,4}\Z")
_IBAN = re.compile(r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\Z")
_BRANDS = word_set(
    """
    visa mastercard amex maestro discover jcb unionpay diners dinersclub americanexpress
    girocard
    """
)
_INTEGER = re.compile(r"-?\d{1,18}\Z")
_OPAQUE = re.compile(
    r"(?=.*\d)[A-Za-z][A-Za-z0-9]*(?:[_.:-][A-Za-z0-9]+)+\Z|(?=.*\d)(?=.*[A-Za-z])[A-Za-z0-9_-]{8,}\Z"
)
_HANDLE = re.compile(r"@?[A-Za-z0-9][\w.-]{1,38}\Z")


def is_email(value: str) -> bool:
    """Say whether the whole value is one e-mail address (the common part of RFC 5321)."""
    return len(value) <= 254 and bool(_EMAIL.match(value)) and ".." not in value  # noqa: PLR2004  RFC 5321


_DESKS = word_set(
    """
    admin billing buchhaltung contact contacto datenschutz hello help hilfe info kontakt
    mail marketing no-reply noreply office post postmaster privacy sales service shop
    support team vertrieb webmaster
    """
)


def is_desk(value: str) -> bool:
    """Say whether an address is a desk's (`info@`), not a person's (RFC 2142)."""
    return value.partition("@")[0].lower() in _DESKS


def is_phone(value: str) -> bool:
    """Say whether the value is a phone number: 7 to 15 digits (E.164) behind +, 0 or a bracket."""
    return bool(_PHONE.match(value)) and 7 <= sum(c.isdigit() for c in value) <= 17  # noqa: PLR2004  E.164 and 00


def is_ip(value: str) -> bool:
    """Say whether the value is an IPv4 or IPv6 address, a network length behind it allowed."""
    if value.count(".") != 3 and ":" not in value:  # noqa: PLR2004  dotted quads
        return False
    try:
        ipaddress.ip_interface(value)
    except ValueError:
        return False
    return True


def is_uuid(value: str) -> bool:
    """Say whether the value is a UUID in its usual writing (RFC 9562)."""
    return bool(_UUID.match(value))


def is_url(value: str) -> bool:
    """Say whether the whole value is a web address."""
    return bool(_URL.match(value))


def is_user_agent(value: str) -> bool:
    """Say whether the value is a browser's or a program's name for itself (RFC 9110, 10.1.5)."""
    return bool(_AGENT.match(value)) and bool(_AGENT_SURE.search(value))


def is_hash(value: str) -> bool:
    """Say whether the value is a digest in hexadecimal, or a password hash in modular form."""
    return bool(_HASH.match(value))


def is_timestamp(value: str) -> bool:
    """Say whether the value is a date or a time in ISO 8601."""
    return bool(_STAMP.match(value))


def is_locale(value: str) -> bool:
    """Say whether the value is a language and a country (`de-AT`)."""
    return bool(_LOCALE.match(value))


def is_object_key(value: str) -> bool:
    """Say whether the value is a path with an extension, and not a web address."""
    return len(value) <= 1024 and bool(_OBJECT.match(value))  # noqa: PLR2004  the longest key in S3


def is_iban(value: str) -> bool:
    """Say whether the value is an account number whose check digits are right (ISO 13616)."""
    plain = value.replace(" ", "")
    if not _IBAN.match(value) or not plain.isascii():
        return False
    digits = "".join(str(int(c, 36)) for c in plain[4:] + plain[:4])
    return int(digits) % 97 == 1


def is_card_brand(value: str) -> bool:
    """Say whether the value names a brand of payment card."""
    return re.sub(r"[\s_-]", "", value).lower() in _BRANDS


def is_integer(value: str) -> bool:
    """Say whether the value is a whole number of at most 18 digits."""
    return bool(_INTEGER.match(value))


def is_opaque(value: str) -> bool:
    """Say whether the value is a made-up key of letters and digits (`cus_9f2k`), or a UUID."""
    return is_uuid(value) or (len(value) >= 6 and bool(_OPAQUE.match(value)))  # noqa: PLR2004  shorter ones collide


def is_handle(value: str) -> bool:
    """Say whether the value could be a user's name: one word, no number alone."""
    return bool(_HANDLE.match(value)) and not value.isdigit()


_DETECTORS: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("email", is_email),
    ("uuid", is_uuid),
    ("ip", is_ip),
    ("iban", is_iban),
    ("hash", is_hash),
    ("timestamp", is_timestamp),
    ("phone", is_phone),
    ("url", is_url),
    ("agent", is_user_agent),
    ("object", is_object_key),
    ("locale", is_locale),
    ("brand", is_card_brand),
    ("integer", is_integer),
    ("opaque", is_opaque),
    ("handle", is_handle),
)


def shape_of(value: str) -> str:
    """Give the first shape that fits, or `text`."""
    return next((name for name, fits in _DETECTORS if fits(value)), "text")


def shapes_of(values: Iterable[str]) -> Counter[str]:
    """Count the shapes of many values; empty ones are left out."""
    return Counter(shape_of(value) for value in values if value)
