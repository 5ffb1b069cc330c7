"""Names are read alike in several habits, and abbreviations find their words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upheld.datamap.scan.words import alike, concept, singular, stems, topic_of, words_of


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("fk_usr", ("fk", "usr")),
        ("KundenNr", ("kunden", "nr")),
        ("userid", ("user", "id")),
        ("kdnr", ("kd", "nr")),
        ("HTTPServer", ("http", "server")),
        ("paid", ("paid",)),
        ("Straße", ("strasse",)),
    ],
)
def test_words(name: str, words: tuple[str, ...]) -> None:
    assert words_of(name) == words


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        ("usr", "user", True),
        ("cust", "customers", True),
        ("acct", "account", True),
        ("kdn", "kunden", True),
        ("pac", "paciente", True),
        ("us", "user", False),
        ("order", "user", False),
        ("post", "position", False),
    ],
)
def test_alike(one: str, two: str, *, same: bool) -> None:
    assert alike(one, two) is same


@given(st.text(), st.text())
def test_alike_has_no_order(one: str, two: str) -> None:
    assert alike(one, two) == alike(two, one)


@given(st.text(alphabet="abcdeinrsxy", max_size=9))
def test_singular_keeps_the_beginning(word: str) -> None:
    assert singular(word)[:1] == word[:1]


@pytest.mark.parametrize(
    ("table", "topic"),
    [
        ("order_log", "log"),
        ("Rechnungen", "payment"),
        ("facturas", "payment"),
        ("team_member", "account"),
        ("account_email", "contact"),
        ("tbl_Bewert", "communication"),
        ("newsletter_subscriber", "marketing"),
        ("widget", None),
    ],
)
def test_topics(table: str, topic: str | None) -> None:
    assert topic_of(stems(words_of(table))) == topic


def test_concepts_see_compounds() -> None:
    assert concept("usr_mail", "email")
    assert concept("user_agent", "agent")
    assert not concept("email_count_total", "phone")
