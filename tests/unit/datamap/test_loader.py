"""The map loader: strict, and every refusal says where and what next."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from upheld.datamap import DataMap, json_schema, load_map, load_map_text
from upheld.errors import MapError

ROOT = Path(__file__).parents[3]
_FOUND = re.search(
    r"```yaml datamap\n(.*?)```", (ROOT / "docs/datamap.md").read_text(encoding="utf-8"), re.DOTALL
)
assert _FOUND
EXAMPLE = _FOUND[1]
STUDIO = ROOT / "examples/studio/privacy/maps/studio.yaml"


def load(text: str) -> DataMap:
    return load_map_text(text, Path("shop.yaml"))


def refusal(old: str, new: str) -> MapError:
    assert old in EXAMPLE
    with pytest.raises(MapError) as caught:
        load(EXAMPLE.replace(old, new, 1))
    return caught.value


def line_of(text: str) -> int:
    return EXAMPLE[: EXAMPLE.index(text)].count("\n") + 1


def test_the_example_loads_and_shorthand_is_unfolded() -> None:
    datamap = load(EXAMPLE)
    album = datamap.tables["album"]
    assert [path.role for path in album.paths] == ["co-owner", "co-owner"]
    assert album.paths[1].when_gone == "pass"
    assert album.paths[1].via[0].start.columns == ("created_by",)
    assert datamap.tables["customer"].columns["role"].category == "account"
    keep = datamap.tables["invoice"].erase.keep
    assert keep is not None
    assert (keep.until.column, keep.until.years) == ("issued_on", 10)


def test_a_path_of_one_step_equals_the_same_path_written_out() -> None:
    short = "paths: [{from: email, identifier: email}]"
    long = "paths: [{via: [{from: {column: email}, identifier: email}]}]"
    assert load(EXAMPLE) == load(EXAMPLE.replace(short, long, 1))


@pytest.mark.parametrize(
    ("old", "new", "message", "help_", "at"),
    [
        (
            "to: customer.id}",
            "to: custmer.id}",
            "unknown table `custmer`",
            "did you mean `customer`?",
            "to: customer.id}",
        ),
        (
            "identifiers:",
            "identifers:",
            "unknown word `identifers`",
            "did you mean `identifiers`?",
            "identifiers:",
        ),
        (
            "identifier: handle",
            "identifier: handel",
            "unknown identifier kind `handel`",
            "did you mean `handle`?",
            "handle: {category",
        ),
        (
            "object: media",
            "object: medai",
            "unknown object store `medai`",
            "did you mean `media`?",
            "storage_key",
        ),
        (
            "from: photo_id",
            "from: foto_id",
            "unknown column `foto_id`",
            "did you mean `photo_id`?",
            "{from: photo_id",
        ),
        (
            "when_gone: pass",
            "when_gone: pas",
            "`when_gone`: input should be 'detach', 'pass' or 'go', found `pas`",
            None,
            "from: created_by",
        ),
        (
            "role: {not: staff}",
            "rolle: {not: staff}",
            "unknown column `rolle`",
            "did you mean `role`?",
            "person:",
        ),
        (
            "{column: issued_on, plus: 10 years}",
            "{column: issued_on, plus: ten}",
            "`until`: write {column: NAME, plus: 10 years} (days, months, years)",
            None,
            "until:",
        ),
        (
            "topics: communication",
            "email: communication",
            "`email` stands twice",
            "keep one of the two",
            "topics: communication",
        ),
    ],
)
def test_a_wrong_word_is_refused_with_its_line(
    old: str, new: str, message: str, help_: str | None, at: str
) -> None:
    error = refusal(old, new)
    assert error.message == message
    assert error.help == help_
    assert str(error.where) == f"shop.yaml:{line_of(at)}"


def test_a_missing_word_is_named() -> None:
    error = refusal("region: DE\n", "")
    assert (error.message, error.help) == ("`region` is missing", "add `region:`")


def test_owner_paths_in_a_circle_are_refused_and_mentions_are_not() -> None:
    circle = (
        "  a:\n    paths: [{from: b_id, to: b.id}]\n    columns: {id: account, b_id: account}\n"
        "  b:\n    paths: [{from: a_id, to: a.id}]\n    columns: {id: account, a_id: account}\n"
    )
    with pytest.raises(MapError, match="paths lead in a circle: `a` -> `b` -> `a`") as caught:
        load(EXAMPLE + circle)
    assert caught.value.help == "give one of these tables a path of its own to its people"
    load(EXAMPLE + circle.replace("{from: a_id", "{role: mentioned, from: a_id"))


def test_norway_is_text_and_only_small_words_are_booleans() -> None:
    assert load(EXAMPLE.replace("region: DE", "region: NO")).region == "NO"
    assert "input should be a valid string" in refusal("region: DE", "region: no").message


def test_aliases_are_refused() -> None:
    assert (
        "alias"
        in refusal(
            "columns: {id: inputs, created_by: account, title: inputs}",
            "columns: &c {id: inputs, created_by: account, title: inputs}\n    note: *c",
        ).message
    )


@pytest.mark.parametrize("text", ["", "a: [", "- a", "\tx: 1", "x: \x00"])
def test_what_is_no_map_is_refused(text: str) -> None:
    with pytest.raises(MapError) as caught:
        load(text)
    assert "shop.yaml" in str(caught.value.where)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MapError, match="cannot read the data map") as caught:
        load_map(tmp_path / "no.yaml")
    assert caught.value.help == "`upheld map scan URL` drafts one"


@pytest.mark.parametrize("text", [EXAMPLE, STUDIO.read_text(encoding="utf-8")])
def test_the_json_schema_accepts_what_the_loader_does(text: str) -> None:
    load(text)
    document = json.loads(json.dumps(yaml.safe_load(text), default=str))
    jsonschema.validate(document, json_schema())


def test_the_json_schema_refuses_an_unknown_word() -> None:
    document = json.loads(json.dumps(yaml.safe_load(EXAMPLE), default=str))
    document["tables"]["album"]["pahts"] = []
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, json_schema())
