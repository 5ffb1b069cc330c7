"""Tables on the terminal and in a pipe."""

from __future__ import annotations

import pytest

from upheld.cli.output import count_of, say_table

UUID = "0f7449f7-542b-46cb-864f-67e757d05119"
ROWS = [("jane.doe.with.a.long.name@example.org", f"access-{UUID}.zip", 1_234)]


def said(capsys: pytest.CaptureFixture[str]) -> str:
    say_table("Packages", ("person", "package", "rows"), ROWS)
    return capsys.readouterr().out


def test_uuids_are_cut_where_the_terminal_is_narrow(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = said(capsys)
    assert "access-0f7449f7….zip" in out
    assert "jane.doe.with.a.long.name@example.org" in out
    assert "1,234" in out
    assert all(len(line) <= 80 for line in out.splitlines())


def test_nothing_is_cut_in_a_wide_terminal_or_in_a_pipe(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    assert UUID in said(capsys)
    monkeypatch.delenv("COLUMNS")
    assert UUID in said(capsys)


def test_what_is_in_brackets_is_not_taken_for_a_style(capsys: pytest.CaptureFixture[str]) -> None:
    say_table("Values", ("value",), [("[erased] [bold]",)])
    assert "[erased] [bold]" in capsys.readouterr().out


def test_no_rows_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    say_table("Nothing", ("a", "b"), [])
    assert capsys.readouterr().out == ""


def test_numbers_of_things() -> None:
    assert count_of(1, "receipt") == "1 receipt"
    assert count_of(2_000, "receipt") == "2,000 receipts"
