"""The oracle against examples small enough to judge by eye, each a rule of docs/datamap.md."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from tests.property.erasure.masking import mask_bytes, mask_text
from tests.property.erasure.model import (
    Case,
    Change,
    Column,
    ForeignKey,
    FreeText,
    Identifier,
    Prediction,
    Row,
    SameJson,
    SameList,
    Table,
)
from tests.property.erasure.oracle import PlanStops, predict

JANE, KIM, STAFF = 1, 2, 9
TO_PERSON = "customer.id"
KINDS = {"email": {"match": "casefold"}, "device": {}}
OWNED = {"from": "person_id", "to": TO_PERSON}
PEOPLE: list[Row] = [
    {"id": JANE, "email": "jane@ex.com", "role": "member", "tax_no": None},
    {"id": KIM, "email": "kim@ex.com", "role": None, "tax_no": None},
    {"id": STAFF, "email": "desk@ex.com", "role": "staff", "tax_no": None},
]
PERSON_ENTRY: dict[str, Any] = {
    "person": {"as": "customer", "where": {"role": {"not": "staff"}}},
    "columns": {
        "id": "account",
        "email": {"category": "account", "identifier": "email"},
        "role": "account",
        "tax_no": {"category": "account", "same_person": True},
    },
}


def table(name: str, columns: dict[str, str], *keys: ForeignKey, key: str | None = "id") -> Table:
    """Make a table; a type that ends in `!` is NOT NULL, in `*` NOT NULL and UNIQUE."""
    made = [
        Column(column, kind.rstrip("!*"), nullable=kind[-1] not in "!*", unique=kind[-1] == "*")
        for column, kind in columns.items()
    ]
    return Table(name, tuple(made), (key,) if key else (), keys)


def to_person(column: str = "person_id") -> ForeignKey:
    return ForeignKey((column,), "customer", ("id",))


CUSTOMER = table("customer", {"id": "bigint!", "email": "text", "role": "text", "tax_no": "text"})


def erase(
    *parts: tuple[Table, dict[str, Any], list[Row]],
    batch: list[list[Identifier]] | None = None,
    people: list[Row] | None = None,
) -> Prediction:
    """Give the prediction for Jane's erasure, or the batch's, with the parts beside the people."""
    whole = [(CUSTOMER, PERSON_ENTRY, people or PEOPLE), *parts]
    return predict(
        Case(
            tables={one.name: one for one, _, _ in whole},
            rows={one.name: rows for one, _, rows in whole},
            map={"identifiers": KINDS, "tables": {one.name: entry for one, entry, _ in whole}},
            batch=batch or [[("customer", "1")]],
            today=date(2026, 3, 15),
        )
    )


def ids(predicted: Prediction, name: str) -> list[Any]:
    return [row["id"] for row in predicted.rows[name]]


def change(name: str, key: int, column: str | None, rule: str) -> Change:
    return Change(name, (str(key),), column, frozenset({rule}))


NOTE = table("note", {"id": "bigint!", "person_id": "bigint", "other_id": "bigint", "body": "text"})


def note(key: int, person: int | None, other: int | None = None, body: str | None = None) -> Row:
    return {"id": key, "person_id": person, "other_id": other, "body": body}


CO_OWNED = {"paths": [OWNED, {"role": "co-owner", "from": "other_id", "to": TO_PERSON}]}

# Who is meant.


@pytest.mark.parametrize("given", [("customer", "1"), ("email", "JANE@EX.COM")])
def test_a_person_is_found_by_account_and_by_address(given: Identifier) -> None:
    predicted = erase(batch=[[given]])
    assert ids(predicted, "customer") == [KIM, STAFF]
    assert predicted.changes == frozenset()


def test_a_person_row_out_of_scope_is_nobodys() -> None:
    predicted = erase((NOTE, {"paths": [OWNED]}, [note(5, STAFF)]), batch=[[("customer", "9")]])
    assert ids(predicted, "customer") == [JANE, KIM, STAFF]
    assert ids(predicted, "note") == [5]


def test_accounts_with_the_same_mark_are_one_person() -> None:
    marked = [PEOPLE[0] | {"tax_no": "T1"}, PEOPLE[1] | {"tax_no": "T1"}, PEOPLE[2]]
    assert ids(erase(people=marked), "customer") == [STAFF]


def test_an_address_of_two_people_leads_to_neither() -> None:
    shared = [PEOPLE[0], PEOPLE[1] | {"email": "Jane@ex.com"}, PEOPLE[2]]
    predicted = erase(people=shared, batch=[[("email", "jane@ex.com")]])
    assert ids(predicted, "customer") == [JANE, KIM, STAFF]


MAIL = table("mail", {"id": "bigint!", "email": "text"})
MAIL_ENTRY = {
    "paths": [{"from": "email", "identifier": "email"}],
    "columns": {"email": {"category": "account", "identifier": "email"}},
}


def test_a_row_with_only_an_address_is_found_and_an_address_is_enough() -> None:
    rows = [{"id": 1, "email": "Jane@ex.com"}, {"id": 2, "email": "guest@ex.com"}]
    assert ids(erase((MAIL, MAIL_ENTRY, rows)), "mail") == [2]
    guest = erase((MAIL, MAIL_ENTRY, rows), batch=[[("email", "guest@ex.com")]])
    assert ids(guest, "mail") == [1]
    assert ids(guest, "customer") == [JANE, KIM, STAFF]


DEVICE = table("device", {"person_id": "bigint!", "device": "text!"}, key=None)
DEVICE_ENTRY = {
    "paths": [OWNED],
    "columns": {"device": {"category": "device", "identifier": "device"}},
}
SCORE = table("score", {"id": "bigint!", "device": "text"})
SCORE_ENTRY = {"paths": [{"from": "device", "identifier": "device"}]}


def test_a_shared_device_leads_no_further_until_all_who_share_it_leave() -> None:
    used = [{"person_id": one, "device": "dev-1f"} for one in (JANE, KIM)]
    parts = (DEVICE, DEVICE_ENTRY, used), (SCORE, SCORE_ENTRY, [{"id": 1, "device": "dev-1f"}])
    alone = erase(*parts)
    assert alone.rows["device"] == [used[1]]
    assert alone.rows["score"] == [{"id": 1, "device": "dev-1f"}]
    both = erase(*parts, batch=[[("customer", "1")], [("customer", "2")]])
    assert both.rows["score"] == []


# Whose a row is, and what becomes of it.


def test_a_shared_row_stays_and_loses_the_leaver() -> None:
    predicted = erase((NOTE, CO_OWNED, [note(5, JANE, KIM), note(6, JANE, JANE), note(7, KIM)]))
    assert predicted.rows["note"] == [note(5, None, KIM), note(7, KIM)]
    assert predicted.changes == {change("note", 5, "person_id", "detach")}


def test_co_owners_who_leave_together_leave_together() -> None:
    batch: list[list[Identifier]] = [[("customer", "1")], [("email", "kim@ex.com")]]
    predicted = erase((NOTE, CO_OWNED, [note(5, JANE, KIM)]), batch=batch)
    assert predicted.rows["note"] == []
    assert predicted.changes == frozenset()


def test_a_row_passes_to_the_smallest_key_that_stays() -> None:
    team = table("team", {"id": "bigint!", "person_id": "bigint", "ids": "bigint[]"})
    paths = [{**OWNED, "when_gone": "pass"}, {"from": {"array": "ids"}, "to": TO_PERSON}]
    people = [*PEOPLE, PEOPLE[1] | {"id": 3, "email": "lea@ex.com"}]
    row = {"id": 5, "person_id": JANE, "ids": [3, STAFF, KIM]}
    predicted = erase((team, {"paths": paths}, [row]), people=people)
    assert predicted.rows["team"] == [row | {"person_id": KIM}]
    assert predicted.changes == {change("team", 5, "person_id", "pass")}


def test_a_path_that_says_go_takes_the_row_whoever_else_owns_it() -> None:
    entry = {"paths": [{**OWNED, "when_gone": "go"}, CO_OWNED["paths"][1]]}
    predicted = erase((NOTE, entry, [note(5, JANE, KIM)]))
    assert predicted.rows["note"] == []
    assert predicted.changes == {change("note", 5, None, "go")}


def test_a_value_takes_the_place_of_a_leaver() -> None:
    entry = {"paths": [{**OWNED, "value": STAFF}, CO_OWNED["paths"][1]]}
    assert erase((NOTE, entry, [note(5, JANE, KIM)])).rows["note"] == [note(5, STAFF, KIM)]


def test_an_album_belongs_to_its_members_and_so_do_its_photos() -> None:
    album = table("album", {"id": "bigint!"})
    member = table("member", {"album_id": "bigint!", "person_id": "bigint!"}, key=None)
    photo = table("photo", {"id": "bigint!", "album_id": "bigint"})
    parts = (
        (
            album,
            {"paths": [{"via": [{"from": "id", "to": "member.album_id"}]}]},
            [{"id": 1}, {"id": 2}],
        ),
        (
            member,
            {"paths": [OWNED]},
            [
                {"album_id": 1, "person_id": JANE},
                {"album_id": 2, "person_id": JANE},
                {"album_id": 2, "person_id": KIM},
            ],
        ),
        (
            photo,
            {"paths": [{"from": "album_id", "to": "album.id"}]},
            [{"id": 8, "album_id": 1}, {"id": 9, "album_id": 2}],
        ),
    )
    predicted = erase(*parts)
    assert ids(predicted, "album") == [2]
    assert predicted.rows["member"] == [{"album_id": 2, "person_id": KIM}]
    # The second album has another member: the photo's link to it is left as it is.
    assert predicted.rows["photo"] == [{"id": 9, "album_id": 2}]
    assert predicted.changes == frozenset()


# Terms and conditions.


def test_a_polymorphic_pair_needs_its_type_and_both_become_null() -> None:
    pair = table("event", {"id": "bigint!", "kind": "text", "ref": "text", "by_id": "bigint"})
    paths = [
        {"from": "ref", "to": TO_PERSON, "where": {"kind": "person"}},
        {"role": "co-owner", "from": "by_id", "to": TO_PERSON},
    ]
    rows = [
        {"id": 1, "kind": "person", "ref": "1", "by_id": None},
        {"id": 2, "kind": "thing", "ref": "1", "by_id": None},
        {"id": 3, "kind": "person", "ref": "1", "by_id": KIM},
    ]
    predicted = erase((pair, {"paths": paths}, rows))
    assert predicted.rows["event"] == [rows[1], {"id": 3, "kind": None, "ref": None, "by_id": KIM}]


def test_an_element_leaves_its_array_its_list_and_its_json_array() -> None:
    paper = table("paper", {"id": "bigint!", "ids": "bigint[]", "mails": "text", "head": "jsonb"})
    paths = [
        {"from": {"array": "ids"}, "to": TO_PERSON},
        {
            "role": "mentioned",
            "from": {"list": "mails", "separator": ";"},
            "identifier": "email",
        },
        {
            "role": "mentioned",
            "from": {"json": "head", "path": "to[*].email"},
            "identifier": "email",
        },
        {"role": "mentioned", "from": {"json": "head", "path": "from.id"}, "to": TO_PERSON},
    ]
    to = [{"email": "jane@ex.com", "n": 1}, {"email": "kim@ex.com", "n": 2}]
    row = {
        "id": 1,
        "ids": [JANE, KIM],
        "mails": "kim@ex.com ; JANE@ex.com",
        "head": json.dumps({"from": {"id": 1}, "to": to}),
    }
    predicted = erase((paper, {"paths": paths}, [row]))
    assert predicted.rows["paper"] == [
        {
            "id": 1,
            "ids": [KIM],
            "mails": SameList(("kim@ex.com",), ";"),
            "head": SameJson({"from": {"id": None}, "to": to[1:]}),
        }
    ]


def test_several_columns_join_together() -> None:
    contract = table(
        "contract", {"tenant": "bigint!", "no": "text!", "person_id": "bigint!"}, key=None
    )
    usage = table("usage", {"id": "bigint!", "tenant": "bigint", "no": "text"})
    far = {"table": "contract", "columns": ["tenant", "no"]}
    predicted = erase(
        (contract, {"paths": [OWNED]}, [{"tenant": 1, "no": "a", "person_id": JANE}]),
        (
            usage,
            {"paths": [{"from": ["tenant", "no"], "to": far}]},
            [{"id": 1, "tenant": 1, "no": "a"}, {"id": 2, "tenant": 2, "no": "a"}],
        ),
    )
    assert ids(predicted, "usage") == [2]


def test_a_casefold_step_joins_whatever_the_case_and_an_exact_one_does_not() -> None:
    step = {"from": "email", "to": "customer.email"}
    rows = [{"id": 1, "email": "Jane@Ex.com"}]
    assert ids(erase((MAIL, {"paths": [{**step, "match": "casefold"}]}, rows)), "mail") == []
    assert ids(erase((MAIL, {"paths": [step]}, rows)), "mail") == [1]


def test_a_mention_leaves_a_row_that_is_somebody_elses() -> None:
    entry = {"paths": [OWNED, {"role": "mentioned", "from": "other_id", "to": TO_PERSON}]}
    predicted = erase((NOTE, entry, [note(5, KIM, JANE)]))
    assert predicted.rows["note"] == [note(5, KIM, None)]


# References.

REPLY = table(
    "reply", {"id": "bigint!", "note_id": "bigint"}, ForeignKey(("note_id",), "note", ("id",))
)
NOTES = (NOTE, {"paths": [OWNED]}, [note(5, JANE), note(6, KIM)])
REPLIES: list[Row] = [{"id": 1, "note_id": 5}, {"id": 2, "note_id": 6}]


def test_a_foreign_key_without_a_rule_is_detached() -> None:
    predicted = erase(NOTES, (REPLY, {}, REPLIES))
    assert predicted.rows["reply"] == [{"id": 1, "note_id": None}, REPLIES[1]]


def test_a_foreign_key_without_a_rule_that_cannot_be_null_stops_the_plan_where_it_matters() -> None:
    tight = table("reply", {"id": "bigint!", "note_id": "bigint!"}, *REPLY.foreign_keys)
    with pytest.raises(PlanStops, match="no rule"):
        erase(NOTES, (tight, {}, REPLIES))
    assert erase(NOTES, (tight, {}, REPLIES[1:])).rows["reply"] == REPLIES[1:]


def test_a_reference_that_says_go_is_followed_to_the_end() -> None:
    thread = table(
        "thread",
        {"id": "bigint!", "note_id": "bigint", "parent": "bigint"},
        ForeignKey(("note_id",), "note", ("id",)),
        ForeignKey(("parent",), "thread", ("id",)),
    )
    rules = [
        {"from": "note_id", "to": "note.id", "when_gone": "go"},
        {"from": "parent", "to": "thread.id", "when_gone": "go"},
    ]
    rows = [
        {"id": 1, "note_id": None, "parent": 2},
        {"id": 2, "note_id": None, "parent": 3},
        {"id": 3, "note_id": 5, "parent": None},
        {"id": 4, "note_id": 6, "parent": None},
    ]
    predicted = erase(NOTES, (thread, {"references": rules}, rows))
    assert ids(predicted, "thread") == [4]
    assert predicted.changes == {change("thread", one, None, "go") for one in (1, 2, 3)}


# Keeping and anonymising.

BILL = table(
    "bill", {"id": "bigint!", "person_id": "bigint", "on": "date", "body": "text"}, to_person()
)


def bill(key: int, on: date | None) -> Row:
    return {"id": key, "person_id": JANE, "on": on, "body": "jane@ex.com"}


def keep(until: object, **more: object) -> dict[str, Any]:
    return {"paths": [OWNED], "erase": {"keep": {"basis": "a law", "until": until, **more}}}


def test_a_row_is_kept_until_its_day_is_over_and_is_not_searched() -> None:
    rows = [bill(1, date(2016, 3, 15)), bill(2, date(2016, 3, 14)), bill(3, None)]
    predicted = erase((BILL, keep({"column": "on", "plus": "10 years"}), rows))
    # The foreign key to the row that goes is null all the same.
    assert predicted.rows["bill"] == [rows[0] | {"person_id": None}]
    assert predicted.kept == {("bill", ("1",))}
    assert predicted.changes == frozenset()


def test_a_kept_row_loses_at_once_what_the_map_lists() -> None:
    predicted = erase((BILL, keep(date(2030, 1, 1), anonymise=["body"]), [bill(1, None)]))
    assert predicted.rows["bill"] == [bill(1, None) | {"person_id": None, "body": None}]


def test_a_kept_row_that_would_have_to_go_stops_the_plan() -> None:
    entry = keep(date(2030, 1, 1))
    entry["references"] = [{"from": "person_id", "to": TO_PERSON, "when_gone": "go"}]
    with pytest.raises(PlanStops, match="kept row"):
        erase((BILL, entry, [bill(1, None)]))


def test_replacements_by_type() -> None:
    kinds = {
        "a": "text!",
        "b": "varchar(3)!",
        "c": "text*",
        "d": "bigint!",
        "e": "text[]!",
        "f": "jsonb!",
        "g": "text",
        "h": "mood!",
        "i": "date!",
    }
    thing = table("thing", {"id": "bigint!", "person_id": "bigint", **kinds})
    row: Row = dict.fromkeys(kinds, "x") | {"id": 1, "person_id": JANE, "f": "[1]", "e": ["x"]}
    entry = {"paths": [OWNED], "erase": {"anonymise": [*kinds]}}
    predicted = erase((thing, entry, [row]))
    assert predicted.rows["thing"] == [
        {
            "id": 1,
            "person_id": None,
            "a": "erased",
            "b": "era",
            "c": FreeText(),
            "d": 0,
            "e": [],
            "f": SameJson({}),
            "g": None,
            "h": "calm",
            "i": date(1970, 1, 1),
        }
    ]


def test_a_given_value_is_taken_as_it_is() -> None:
    entry = {"paths": [OWNED], "erase": {"anonymise": {"body": "gone", "other_id": None}}}
    predicted = erase((NOTE, entry, [note(5, JANE, KIM, "x")]))
    assert predicted.rows["note"] == [note(5, None, None, "gone")]


def test_a_replacement_that_a_check_refuses_stops_the_plan() -> None:
    columns = (*NOTE.columns[:3], Column("body", "text", nullable=False, check="no stub"))
    strict = Table("note", columns, ("id",))
    entry = {"paths": [OWNED], "erase": {"anonymise": ["body"]}}
    with pytest.raises(PlanStops, match="check"):
        erase((strict, entry, [note(5, JANE, None, "x")]))


# Masking.


def test_what_others_wrote_is_masked_save_where_the_map_says_no() -> None:
    rows = [note(5, KIM, None, "ask Jane@ex.com"), note(6, None, None, "kim@ex.com")]
    predicted = erase((NOTE, {"paths": [OWNED]}, rows))
    assert predicted.rows["note"] == [note(5, KIM, None, "ask [erased]"), rows[1]]
    assert predicted.changes == {change("note", 5, "body", "mask")}
    unsearched = {"paths": [OWNED], "columns": {"body": {"category": "inputs", "search": False}}}
    assert erase((NOTE, unsearched, rows)).rows["note"] == rows


def test_an_address_that_somebody_else_has_too_is_not_masked() -> None:
    shared = [PEOPLE[0], PEOPLE[1] | {"email": "jane@ex.com"}, PEOPLE[2]]
    rows = [note(5, KIM, None, "ask jane@ex.com")]
    assert erase((NOTE, {"paths": [OWNED]}, rows), people=shared).rows["note"] == rows


def test_short_values_and_account_numbers_are_never_searched_for() -> None:
    short = [PEOPLE[0] | {"email": "j@x"}, *PEOPLE[1:]]
    rows = [note(5, KIM, None, "1 j@x")]
    assert erase((NOTE, {"paths": [OWNED]}, rows), people=short).rows["note"] == rows


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("jane@ex.com", "[erased]"),
        ("<JANE@Ex.com>, jane@ex.com.", "<[erased]>, [erased]."),
        ("mailto:jane%40ex.com?x", "mailto:%5Berased%5D?x"),
        ("to%20jane%40ex.com%20now", "to%20%5Berased%5D%20now"),
        (r'{"a": "jane\u0040ex.com"}', '{"a": "[erased]"}'),
        (r"line\njane@ex.com\tend", r"line\n[erased]\tend"),
        ("id=" + b"jane@ex.com".hex() + ";", "id=" + b"[erased]".hex() + ";"),
        ("@jane@ex.com", "@[erased]"),
    ],
)
def test_a_whole_token_is_masked_in_every_writing(text: str, masked: str) -> None:
    assert mask_text(text, ["jane@ex.com"]) == masked


@pytest.mark.parametrize(
    "text",
    [
        "xjane@ex.com",
        "_jane@ex.com",
        "ünjane@ex.com",
        "mary.jane@ex.com",
        "a+jane@ex.com",
        "a-jane@ex.com",
        "%jane@ex.com",
        "a%2Bjane%40ex.com",
        "jane@ex.com.au",
        "jane@ex.com-old.org",
        "jane@ex.comx",
        r"\u0078jane@ex.com",
        "id=" + b"xjane@ex.com".hex() + ";",
    ],
)
def test_a_part_of_a_longer_word_is_left(text: str) -> None:
    assert mask_text(text, ["jane@ex.com"]) == text


def test_the_longest_identifier_wins() -> None:
    assert mask_text("jane@ex.com jane", ["jane", "jane@ex.com"]) == "[erased] [erased]"


def test_bytes_are_masked_and_the_rest_of_them_is_kept() -> None:
    assert mask_bytes(b"\x00\xff jane@ex.com\n\x01", ["jane@ex.com"]) == b"\x00\xff [erased]\n\x01"
