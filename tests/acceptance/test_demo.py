"""The demo, run as `make demo` runs it; then its report, held against the data it left."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

ROOT = Path(__file__).parents[2]
BATCH = 50


@dataclass(frozen=True)
class Ran:
    """A demo that ran in a home of its own."""

    people: int
    home: Path
    said: str
    report: dict[str, Any]

    def upheld(self, *words: object) -> subprocess.CompletedProcess[bytes]:
        environ = {k: v for k, v in os.environ.items() if not k.startswith("UPHELD_")}
        return subprocess.run(
            [sys.executable, "-m", "upheld.cli", *map(str, words)],
            env={**environ, "UPHELD_PROJECT": str(self.home / "privacy")},
            cwd=self.home,
            capture_output=True,
            check=False,
        )

    def dump(self, *words: object) -> bytes:
        done = self.upheld("db", "dump", *words)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module", params=[200, pytest.param(2_000, marks=pytest.mark.slow)])
def ran(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    home = tmp_path_factory.mktemp("demo") / "home"
    people: int = request.param
    command = [sys.executable, "examples/studio/demo.py", "--people", people, "--home", home]
    done = subprocess.run([*map(str, command)], cwd=ROOT, capture_output=True, check=False)
    said = done.stdout.decode()
    assert done.returncode == 0, said + done.stderr.decode()
    return Ran(people, home, said, json.loads((home / "demo/report.json").read_text()))


def words_of(person: dict[str, Any]) -> set[str]:
    lists = ("emails", "handles", "phones", "device_ids")
    return {str(one).lower() for name in lists for one in person[name]} | {person["email"].lower()}


def grep(words: set[str], text: bytes | Path, folder: Path) -> list[bytes]:
    """Find lines (of a folder: files) with one of them as a whole token, as it is or encoded."""
    written = {form for w in words for form in (w, quote(w, safe=""), w.encode().hex())}
    written |= {w.upper().encode().hex() for w in words}
    file = folder / "words.txt"
    file.write_text("\n".join(sorted(written)))
    place = ["-r", "-l", str(text)] if isinstance(text, Path) else ["-"]
    done = subprocess.run(
        ["grep", "-a", "-F", "-i", "-w", "-f", str(file), *place],
        input=None if isinstance(text, Path) else text,
        env={**os.environ, "LC_ALL": "C"},
        capture_output=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout.splitlines()


def copied(dump: bytes) -> Iterator[tuple[str, dict[str, str], bytes]]:
    """Give (table, cells, line) of every row in a plain-text dump."""
    table, columns = "", list[str]()
    for line in dump.splitlines():
        head = re.match(rb"COPY public\.(\w+) \((.*)\) FROM stdin;", line)
        if head:
            table, columns = head[1].decode(), head[2].decode().replace('"', "").split(", ")
        elif line == rb"\.":
            table = ""
        elif table:
            yield table, dict(zip(columns, line.decode().split("\t"), strict=True)), line


def test_it_says_what_happened_in_plain_words(ran: Ran) -> None:
    for words in (
        f"{ran.people:,} people",
        "50 people ask for their data",
        "50 people ask to be erased",
        "residue 0",
        "50 receipts verified",
        "Every claim holds.",
    ):
        assert words in ran.said


def test_the_report_has_its_shape(ran: Ran) -> None:
    report = ran.report
    assert report["people"] == ran.people
    assert report["residue"] == 0
    assert len(report["erased"]) == BATCH
    for person in report["erased"]:
        assert person["email"]
        if person["account_id"] is None:
            assert person["handle"] is person["phone"] is None
        else:
            assert person["account_id"] == person["account_ids"][0]
            assert person["handle"] == person["handles"][0]
    assert any(len(p["account_ids"]) > 1 for p in report["erased"]), "nobody with two accounts"
    assert any(p["account_id"] is None for p in report["erased"]), "nobody with only an address"
    assert any(p["shared_devices"] for p in report["erased"]), "nobody shares a device"
    assert sum(len(p["device_ids"]) for p in report["erased"]) > BATCH / 2
    assert {frozenset(k) for k in report["kept"]} == {frozenset({"table", "key", "basis", "until"})}
    assert {frozenset(c) for c in report["changed"]} == {
        frozenset({"table", "key", "column", "rule"})
    }
    assert {c["rule"] for c in report["changed"]} == {"detach", "pass", "go", "mask", "trigger"}
    assert report["untouched"]["before"] == report["untouched"]["after"]
    assert report["untouched"]["rows"] > 10 * ran.people
    assert report["untouched"]["objects"] > ran.people


def test_nothing_of_the_erased_is_left_outside_kept_rows(ran: Ran, tmp_path: Path) -> None:
    words = {word for person in ran.report["erased"] for word in words_of(person)}
    kept = [(line["table"], line["key"]) for line in ran.report["kept"]]
    dump = ran.dump("--system", "studio")
    found = set(grep(words, dump, tmp_path))
    for table, cells, line in copied(dump):
        if line in found:
            assert any(
                table == name and all(cells[c] == str(v) for c, v in key.items())
                for name, key in kept
            ), f"a row of {table} that is not kept"
    assert found <= {line for _, _, line in copied(dump)}, "outside of any row"
    objects = Path(ran.report["objects_dir"])
    assert len(list(objects.rglob("*.png"))) > ran.people
    assert grep(words, objects, tmp_path) == []


def test_the_search_would_find_somebody_who_is_there(ran: Ran, tmp_path: Path) -> None:
    dump = ran.dump("--system", "studio")
    for email in (ran.home / "demo/access.txt").read_text().split()[:5]:
        assert grep({email.lower()}, dump, tmp_path)
        assert not grep({email.lower()[:-1]}, dump, tmp_path)
    assert grep({"by"}, Path(ran.report["objects_dir"]), tmp_path)


def test_the_engine_holds_nobody_in_clear(ran: Ran, tmp_path: Path) -> None:
    words = {word for person in ran.report["erased"] for word in words_of(person)}
    words |= set((ran.home / "demo/access.txt").read_text().lower().split())
    dump = ran.dump()
    assert b"COPY upheld.leaf" in dump
    assert grep(words, dump, tmp_path) == []


def test_kept_rows_are_there_with_basis_and_date(ran: Ran) -> None:
    rows = list(copied(ran.dump("--system", "studio")))
    for line in ran.report["kept"]:
        assert line["basis"].startswith("GDPR Art. 6(1)(c)")
        assert date.fromisoformat(line["until"]) > date(2026, 1, 1)
        assert any(
            table == line["table"] and all(cells[c] == str(v) for c, v in line["key"].items())
            for table, cells, _ in rows
        )


def test_rows_that_others_shared_are_there_and_those_that_went_are_not(ran: Ran) -> None:
    there: dict[str, list[dict[str, str]]] = {}
    for table, cells, _ in copied(ran.dump("--system", "studio")):
        there.setdefault(table, []).append(cells)
    for change in ran.report["changed"]:
        if change["table"] in ("(objects)", "event", "fraud_score"):
            continue  # files; partitions have names of their own; rows without a key
        found = any(
            all(cells[c] == str(v) for c, v in change["key"].items())
            for cells in there[change["table"]]
        )
        assert found is (change["column"] is not None), change
    devices = {cells["id"] for cells in there["device"]}
    for person in ran.report["erased"]:
        assert devices >= set(person["shared_devices"])


def test_packages_open_and_receipts_hold_with_the_key_alone(ran: Ran) -> None:
    packages = list(Path(ran.report["packages_dir"]).glob("*.zip"))
    assert len(packages) == BATCH
    for package in packages:
        with zipfile.ZipFile(package) as opened:
            assert opened.testzip() is None
            assert {"index.html", "manifest.json"} <= set(opened.namelist())
    for folder in ("packages_dir", "receipts_dir"):
        done = ran.upheld("verify", ran.report[folder], "--key", ran.report["public_key"], "--json")
        assert done.returncode == 0, done.stderr
        assert [one["ok"] for one in json.loads(done.stdout)] == [True] * BATCH


def test_a_second_demo_in_the_same_home_is_refused(ran: Ran) -> None:
    fcntl = pytest.importorskip("fcntl")
    with (ran.home / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(
            [sys.executable, "examples/studio/demo.py", "--home", str(ran.home)],
            cwd=ROOT,
            capture_output=True,
            check=False,
        )
    assert done.returncode == 1
    assert b"another demo runs" in done.stderr


def test_a_folder_with_one_forged_receipt_does_not_verify(ran: Ran, tmp_path: Path) -> None:
    whole = sorted(Path(ran.report["receipts_dir"]).glob("*.json"))[:3]
    for file in whole:
        (tmp_path / file.name).write_bytes(file.read_bytes())
    key = Path(ran.report["public_key"]).read_text().strip()
    assert ran.upheld("verify", tmp_path, "--key", key).returncode == 0
    forged = tmp_path / whole[1].name
    forged.write_bytes(forged.read_bytes().replace(b"erasure", b"erasurf", 1))
    done = ran.upheld("verify", tmp_path, "--key", key, "--json")
    assert done.returncode == 1
    assert "1 of 3 failed" in json.loads(done.stderr)["message"]
    assert {Path(one["receipt"]).name: one["ok"] for one in json.loads(done.stdout)} == {
        whole[0].name: True,
        whole[1].name: False,
        whole[2].name: True,
    }
