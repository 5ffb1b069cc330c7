"""Shape detectors: what is made in a shape is seen in it, and looks like nothing else."""

from __future__ import annotations

import string
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upheld.datamap.scan import shapes

WORD = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=12)
LETTERS = st.text(string.ascii_lowercase, min_size=2, max_size=6)


@given(WORD, WORD, LETTERS)
def test_emails(local: str, host: str, top: str) -> None:
    address = f"{local}@{host}.{top}"
    assert shapes.shape_of(address) == "email"
    assert not shapes.is_email(f"see {address}")
    assert not shapes.is_email(address.replace("@", " at "))


@given(st.integers(10**6, 10**14 - 1).map(str), st.sampled_from(["+", "00", "0"]))
def test_phones(digits: str, lead: str) -> None:
    assert shapes.is_phone(lead + digits)
    assert not shapes.is_phone("1" + digits)


@given(st.uuids())
def test_uuids(value: uuid.UUID) -> None:
    assert shapes.shape_of(str(value)) == shapes.shape_of(str(value).upper()) == "uuid"
    assert not shapes.is_uuid(value.hex)


@given(st.ip_addresses())
def test_ips(value: object) -> None:
    assert shapes.shape_of(str(value)) == "ip"


@given(st.binary(min_size=32, max_size=32))
def test_hashes(value: bytes) -> None:
    assert shapes.is_hash(value.hex())
    assert not shapes.is_hash(value.hex()[:-1])


@given(st.datetimes())
def test_timestamps(value: object) -> None:
    assert shapes.shape_of(str(value)) == "timestamp"


@given(st.lists(WORD, min_size=1, max_size=4), WORD, st.sampled_from(["png", "wav", "json", "gz"]))
def test_object_keys(folders: list[str], name: str, extension: str) -> None:
    key = "/".join([*folders, f"{name}.{extension}"])
    assert shapes.is_object_key(key)
    assert not shapes.is_object_key(f"https://{key}")


@given(st.text(string.digits, min_size=18, max_size=18))
def test_ibans_need_right_check_digits(number: str) -> None:
    check = 98 - int(f"{number}131400") % 97
    assert shapes.is_iban(f"DE{check:02d}{number}")
    assert not shapes.is_iban(f"DE{(check + 1) % 100:02d}{number}")


@given(st.text())
def test_anything_has_exactly_one_shape(value: str) -> None:
    assert isinstance(shapes.shape_of(value), str)


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36", "agent"),
        ("https://example.com/a.png", "url"),
        ("de-AT", "locale"),
        ("Visa", "brand"),
        ("42", "integer"),
        ("cus_9f2k11", "opaque"),
        ("tom_w", "handle"),
        ("a plain sentence", "text"),
        ("2001:db8::1", "ip"),
    ],
)
def test_shapes(value: str, shape: str) -> None:
    assert shapes.shape_of(value) == shape


@pytest.mark.parametrize("address", ["info@x.example", "No-Reply@x.example", "kontakt@x.example"])
def test_desks(address: str) -> None:
    assert shapes.is_desk(address)
    assert not shapes.is_desk("j" + address)
