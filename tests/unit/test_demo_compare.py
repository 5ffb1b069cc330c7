"""The demo's own comparison: what no entry of the report explains is found."""

from __future__ import annotations

from typing import Any

import pytest
from demo_compare import Comparing, Snapshot, canon

Row = dict[str, Any]
WAS = {"id": 1, "account_id": 7, "bio": "ask jo@x.example, please", "updated_at": "then"}


def of(*rows: Row, keyless: tuple[Row, ...] = (), texts: dict[str, str] | None = None) -> Snapshot:
    texts = texts or {}
    keys = [canon({"sha256": canon(row)}) for row in keyless]
    return Snapshot(
        {
            "account": {canon({"id": row["id"]}): [row] for row in rows},
            "score": {key: [row] for key, row in zip(keys, keyless, strict=True)},
        },
        frozenset({"score"}),
        texts,
        texts,
    )


def line(what: str, key: Row | None = None, table: str = "account", **more: Any) -> Row:  # noqa: ANN401  JSON
    return {"what": what, "table": table, "key": key or {"id": 1}, **more}


def masked(**more: Any) -> Row:  # noqa: ANN401  JSON
    return line("changed", column="bio", rule="mask", **more)


def compare(before: Snapshot, after: Snapshot, *report: Row) -> tuple[list[str], list[Row]]:
    found = Comparing(before, after, list(report), ["jo@x.example", "d1"], ["d2"], ["jo@x.example"])
    result = found.compare()
    said = result.untouched()
    # Whatever of other people's rows or files differs shows in the digest as well.
    assert result.unexplained or said["before"] == said["after"]
    return result.unexplained, result.changed


def test_nothing_changed() -> None:
    assert compare(of(WAS), of(WAS)) == ([], [])


@pytest.mark.parametrize(
    "after",
    [
        of({**WAS, "account_id": 8}),
        of(),
        of(WAS, {"id": 2}),
        of({**WAS, "updated_at": "now"}),
        of(WAS, texts={"a.txt": "a"}),
    ],
    ids=["changed", "gone", "new", "touched", "file"],
)
def test_a_difference_that_is_not_listed(after: Snapshot) -> None:
    assert compare(of(WAS), after)[0]


def test_a_mask_and_what_the_trigger_did_of_it() -> None:
    after = of({**WAS, "bio": "ask [erased], please", "updated_at": "now"})
    found, changed = compare(of(WAS), after, masked())
    assert found == []
    assert [(c["column"], c["rule"]) for c in changed] == [
        ("bio", "mask"),
        ("updated_at", "trigger"),
    ]


@pytest.mark.parametrize(
    "bio", ["ask [erased]", "[erased], please", "[erased]", "ask jo@x.example, please"]
)
def test_a_mask_that_took_more_or_nothing(bio: str) -> None:
    assert compare(of(WAS), of({**WAS, "bio": bio}), masked())[0]


def test_rows_that_went_and_rows_that_only_should_have() -> None:
    assert compare(of(WAS), of(), line("erased"))[0] == []
    assert compare(of(WAS), of(WAS), line("erased"))[0]
    assert compare(of(WAS), of(), line("changed", column=None, rule="go"))[0] == []
    assert compare(of(WAS), of(WAS), line("changed", column=None, rule="go"))[0]
    assert compare(of(WAS), of(), line("kept"))[0]


def test_a_key_that_is_shown_as_a_hash_means_the_leavers_row_alone() -> None:
    before = of({"id": "d1"}, {"id": "d2"}, {"id": "d3"})
    hashed = line("erased", {"id": "hash:00"})
    assert compare(before, of({"id": "d2"}, {"id": "d3"}), hashed)[0] == []
    assert compare(before, of({"id": "d3"}), hashed)[0]
    assert compare(before, of({"id": "d1"}, {"id": "d2"}), hashed)[0]


def test_rows_without_a_key_are_compared_as_they_are() -> None:
    one, two = {"email": "jo@x.example", "score": 1}, {"email": "b@x.example", "score": 2}
    before = of(keyless=(one, two))
    listed = line("changed", {"sha256": canon(one)}, "score", column="email", rule="detach")
    cut = {"email": None, "score": 1}
    assert compare(before, of(keyless=(cut, two)), listed)[0] == []
    assert compare(before, of(keyless=(cut, {**two, "email": None})), listed)[0]
    assert compare(before, of(keyless=({**cut, "score": 3}, two)), listed)[0]
    assert compare(before, of(keyless=(two,)), listed)[0]


def test_a_text_file_may_lose_the_identifier_alone() -> None:
    before = of(texts={"a.txt": "by jo@x.example\nhello"})
    listed = line("changed", {"object": "a.txt"}, "(objects)", column=None, rule="mask")
    assert compare(before, of(texts={"a.txt": "by [erased]\nhello"}), listed)[0] == []
    assert compare(before, of(texts={"a.txt": "by [erased]\n"}), listed)[0]
    assert compare(before, of(), listed)[0]


def test_the_file_of_a_row_that_went_goes_too_unless_another_row_has_it() -> None:
    row, other = {"id": 1, "object_key": "a.txt"}, {"id": 2, "object_key": "a.txt"}
    files = {"a.txt": "a"}
    assert compare(of(row, texts=files), of(), line("erased"))[0] == []
    assert compare(of(row, texts=files), of(texts=files), line("erased"))[0]
    both = of(row, other, texts=files)
    assert compare(both, of(other, texts=files), line("erased"))[0] == []
    assert compare(both, of(other), line("erased"))[0]
