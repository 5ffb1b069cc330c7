"""Bad input gets a clear error and a non-zero exit, and changes nothing."""

from __future__ import annotations

import json
import socket
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.acceptance.service import Service, wait_for
from upheld.evidence.note import Signer


def engine_state(service: Service) -> list[tuple[object, ...]]:
    return [
        *service.engine("SELECT count(*), max(id) FROM upheld.leaf"),
        *service.engine("SELECT count(*) FROM upheld.batch"),
        *service.engine("SELECT count(*) FROM upheld.request"),
    ]


def refuse(service: Service, *words: object, under: Sequence[str] = ()) -> str:
    """Run what must be refused; give the error, having seen that nothing changed."""
    before = service.state(), engine_state(service)
    done = service.run(*words, under=under)
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("error: ")
    assert (service.state(), engine_state(service)) == before
    assert service.left_in_work() == []
    return done.stderr


def edit_map(service: Service, old: str, new: str) -> None:
    file = service.project / "maps/studio.yaml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize("right", ["access", "erase"])
def test_somebody_unknown(studio: Service, right: str) -> None:
    said = refuse(studio, "request", right, "--email", "nobody@nowhere.example", "--out", "out")
    assert "no system knows `nobody@nowhere.example`" in said
    assert "help: check the spelling" in said
    assert not list((studio.folder / "out").glob("*"))


@pytest.mark.parametrize("right", ["access", "erase"])
def test_one_unknown_among_many_stops_the_batch(studio: Service, right: str) -> None:
    who = studio.folder / "who.txt"
    who.write_text(f"# the batch\n{studio.people(20, 21)[0]}\nnobody@nowhere.example\n")
    said = refuse(studio, "request", right, "--from", who, "--out", "out")
    assert f"{who}:3: no system knows `nobody@nowhere.example`" in said


def test_malformed_identifiers(studio: Service) -> None:
    who = studio.folder / "who.txt"
    who.write_text("jane@example.org\njane at example\n")
    said = refuse(studio, "request", "erase", "--from", who)
    assert f"{who}:2: `jane at example` is not an e-mail address" in said
    who.write_text("acount:17\n")
    said = refuse(studio, "request", "erase", "--from", who)
    assert f"{who}:1: unknown kind of identifier `acount`" in said
    assert "did you mean `account`?" in said
    assert "nobody is named" in refuse(studio, "request", "erase")
    assert "cannot read `no.txt`" in refuse(studio, "request", "erase", "--from", "no.txt")


def test_an_account_that_is_not_a_number(studio: Service) -> None:
    assert "no system knows `account:x'; --`" in refuse(
        studio, "request", "erase", "--account", "x'; --"
    )


def test_a_map_that_names_what_is_not_there(studio: Service) -> None:
    edit_map(studio, "  request_log:\n", "  request_logs:\n")
    said = refuse(studio, "request", "erase", "--email", studio.people(20, 21)[0])
    assert "the map names the table `request_logs`, which `studio` does not have" in said
    findings = json.loads(studio.run("map", "check", "--json").stdout)
    assert {f["rule"] for f in findings} == {"map/table-gone", "map/table-unmapped"}


def test_a_map_that_names_a_column_that_is_not_there(studio: Service) -> None:
    edit_map(studio, "      avatar_key: {", "      avatar: {")
    said = refuse(studio, "request", "erase", "--email", studio.people(20, 21)[0])
    assert "the map names the column `account.avatar`, which is not there" in said
    assert "help: `upheld map check` lists all differences" in said


def test_a_map_with_a_wrong_word(studio: Service) -> None:
    edit_map(studio, "    nobody: true\n", "    nobdy: true\n")
    said = refuse(studio, "request", "erase", "--email", "jane@example.org")
    assert "maps/studio.yaml:" in said
    assert "unknown word `nobdy`" in said
    assert "did you mean `nobody`?" in said


def test_a_plan_that_no_rule_allows(studio: Service) -> None:
    # A work that goes takes its comments along; without a rule the plan must stop.
    edit_map(studio, "      - {from: generation_id, to: generation.id, when_gone: go}\n", "")
    everybody = studio.folder / "who.txt"
    everybody.write_text("\n".join(studio.people(20, 60)))
    said = refuse(studio, "request", "erase", "--from", everybody)
    assert "`comment.generation_id` cannot be null and is part of a foreign key" in said
    assert "help: give it a value, or say `when_gone: go`" in said


def test_a_kept_row_that_would_go(studio: Service) -> None:
    edit_map(
        studio,
        "    paths: [{from: account_id, to: account.id}]\n    erase:\n      keep:",
        "    paths: [{from: account_id, to: account.id}]\n"
        "    references: [{from: account_id, to: account.id, when_gone: go}]\n"
        "    erase:\n      keep:",
    )
    everybody = studio.folder / "who.txt"
    everybody.write_text("\n".join(studio.people(20, 60)))
    said = refuse(studio, "request", "erase", "--from", everybody)
    assert "rows of `invoice` are kept by the data map" in said


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"systems": {"studio": "postgresql:///x?host=/nowhere"}},
            "cannot connect to the database",
        ),
        ({"systems": {"studio": "env:NOT_SET"}}, "the environment variable `NOT_SET` is not set"),
        ({"systems": {"other": "embedded:x"}}, "maps the system `studio`, which settings do not"),
        ({"objects": {"media": "nonsense://x"}}, "cannot open the object store `media`"),
        ({"name": "Not A Name"}, "`name`"),
        ({"nmae": "x"}, "unknown word `nmae`"),
    ],
)
def test_a_store_that_is_down_and_settings_that_are_wrong(
    studio: Service, settings: dict[str, Any], message: str
) -> None:
    email = studio.people(20, 21)[0]
    studio.write_project(**settings)
    assert message in refuse(studio, "request", "erase", "--email", email)


@pytest.mark.parametrize("right", ["access", "erase"])
def test_a_database_behind_a_dead_socket(studio: Service, right: str) -> None:
    email = studio.people(20, 21)[0]
    with tempfile.TemporaryDirectory() as folder:  # a socket's path must be short
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(f"{folder}/.s.PGSQL.5432")
        url = f"postgresql://upheld:not-for-the-log@/studio?host={folder}"
        studio.write_project(systems={"studio": url})
        said = refuse(studio, "request", right, "--email", email, "--out", "out")
    assert "cannot connect to the database" in said
    assert "not-for-the-log" not in said
    assert not list((studio.folder / "out").glob("*"))


@pytest.mark.xfail(
    strict=True, reason="a folder that is not there is made, and its objects count as removed"
)
def test_a_folder_of_objects_that_is_not_there(studio: Service) -> None:
    """A slip in its name, or a disk that is not mounted, must not end in a receipt."""
    email = studio.people(20, 21)[0]
    files = studio.files()
    studio.write_project(objects={"media": str(studio.folder / "objcts")})
    done = studio.run("request", "erase", "--email", email)
    assert studio.files() == files, "this copy's files were not in the folder that was named"
    assert done.returncode == 1, done.stdout
    assert studio.engine("SELECT count(*) FROM upheld.leaf") == [(0,)]


def test_a_project_that_is_not_there(studio: Service) -> None:
    (studio.project / "settings.yaml").unlink()
    said = refuse(studio, "request", "erase", "--email", "jane@example.org")
    assert "there is no project in" in said
    assert "help: say `--project DIR`, or set UPHELD_PROJECT" in said


def test_a_full_disk_while_packaging(studio: Service, small_disk: Path) -> None:
    who = studio.folder / "who.txt"
    who.write_text("\n".join(studio.people(20, 120)))
    said = refuse(studio, "request", "access", "--from", who, "--out", small_disk)
    assert "space" in said
    assert list(small_disk.iterdir()) == []


def test_a_file_that_may_not_grow_while_packaging(studio: Service) -> None:
    who = studio.write_who(studio.people(20, 60))
    small = ("sh", "-c", 'ulimit -f 16; exec "$@"', "sh")
    said = refuse(studio, "request", "access", "--from", who, "--out", "out", under=small)
    assert "too large" in said
    assert list((studio.folder / "out").iterdir()) == []


@pytest.mark.parametrize("words", [("request", "erase", "--emial", "x"), ("nonsense",)])
def test_wrong_usage(studio: Service, words: tuple[str, ...]) -> None:
    done = studio.run(*words)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert words[-1] in done.stderr or words[-2] in done.stderr


def test_a_database_that_goes_away_on_the_way(studio: Service) -> None:
    words = ("request", "erase", "--from", studio.write_who(studio.people(20, 60)))
    process = studio.start(*words)
    wait_for(studio, "planned", process)
    ended: list[tuple[bool]] = []
    with psycopg.connect(studio.server.conninfo("postgres"), autocommit=True) as conn:
        # Between two steps it holds no connection for a moment.
        while not ended and process.poll() is None:
            ended = conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                (studio.database,),
            ).fetchall()
    _, err = process.communicate()
    assert process.returncode == 1
    assert studio.json(*words)["people"] in (0, 40)
    assert b"Traceback" not in err
    assert err.startswith(b"error: ")


def test_receipts_that_do_not_hold(studio: Service) -> None:
    one, other = studio.people(20, 22)
    studio.json("request", "erase", "--email", one, "--out", "receipts")
    receipt = next((studio.folder / "receipts").iterdir())
    assert studio.json("verify", receipt, "--email", one)[0]["person"]
    assert "the receipt is not for this email" in refuse(
        studio, "verify", receipt, "--email", other
    )
    assert "cannot read the receipt" in refuse(studio, "verify", "nothing.json")


def test_receipts_that_were_altered_or_cut(studio: Service) -> None:
    email = studio.people(20, 21)[0]
    studio.json("request", "erase", "--email", email, "--out", "receipts")
    receipt = next((studio.folder / "receipts").iterdir())
    whole = receipt.read_bytes()
    for altered, message, hint in (
        (whole[:-40], "the receipt is not JSON", "it may be cut short"),
        (whole[: len(whole) // 2], "the receipt is not JSON", "it may be cut short"),
        (b"", "the receipt is not JSON", "it may be cut short"),
        (
            whole.replace(b"erasure", b"erasurf", 1),
            "the leaf is not in the signed log",
            "issue the receipt again",
        ),
    ):
        receipt.write_bytes(altered)
        said = refuse(studio, "verify", receipt, "--email", email)
        assert message in said
        assert hint in said
        assert email not in said
    receipt.write_bytes(whole)
    assert studio.json("verify", receipt, "--email", email)[0]["ok"]


def test_a_wrong_key(studio: Service) -> None:
    studio.json("request", "erase", "--email", studio.people(20, 21)[0], "--out", "receipts")
    receipt = next((studio.folder / "receipts").iterdir())
    right = (studio.home / "keys/log.pub").read_text(encoding="ascii")
    key = studio.folder / "other.pub"
    for text, message in (
        # A whole key, even of the same name, that did not sign this log.
        (str(Signer.generate("test.example").verifier), "of another log than this public key"),
        (
            f"{right[:-3]}{'A' if right[-3] != 'A' else 'B'}{right[-2:]}",
            "does not match its own hash",
        ),
        (right[:-10], "this is not a public key of a log"),
        ("", "this is not a public key of a log"),
    ):
        key.write_text(text, encoding="ascii")
        assert message in refuse(studio, "verify", receipt, "--key", key)
    assert "cannot read the key `no.pub`" in refuse(studio, "verify", receipt, "--key", "no.pub")
    key.write_text(right, encoding="ascii")
    assert studio.json("verify", receipt, "--key", key)[0]["ok"]
