"""Key files: private, whole, the same for every process, and clear when wrong."""

from __future__ import annotations

import os
from multiprocessing import get_context
from pathlib import Path

import pytest

from upheld.errors import EvidenceError
from upheld.evidence.keys import ensure_keys, load_keys, load_public_key
from upheld.evidence.note import Signer

SECRETS = ["log.key", "receipt.key", "ledger.key", "seal.key"]


def make(folder: Path) -> str:
    keys = ensure_keys(folder, "log.example.org")
    return (keys.signer.secret + keys.receipt + keys.ledger + keys.seal).hex()


def test_keys_are_made_once_and_are_private(tmp_path: Path) -> None:
    folder = tmp_path / "project" / "keys"
    before = os.umask(0)
    try:
        keys = ensure_keys(folder, "log.example.org")
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.name for file in folder.iterdir()} == {*SECRETS, "log.pub"}
    for name in SECRETS:
        assert (folder / name).stat().st_mode & 0o777 == 0o600
    assert len({keys.receipt, keys.ledger, keys.seal, keys.signer.secret}) == 4
    assert ensure_keys(folder, "log.example.org") == keys
    assert ensure_keys(folder, "renamed.example.org") == keys
    assert load_public_key(folder / "log.pub") == keys.verifier
    assert [path.name for path in folder.parent.iterdir()] == ["keys"]
    assert keys.receipt.hex() not in repr(keys)
    assert repr(keys.receipt) not in repr(keys)


def test_processes_that_race_get_the_same_keys(tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(12)]
    with get_context("spawn").Pool(3) as pool:
        made = pool.map(make, [folder for folder in folders for _ in range(3)], chunksize=1)
    for at in range(0, len(made), 3):
        assert len(set(made[at : at + 3])) == 1
    assert sorted(tmp_path.iterdir()) == sorted(folders)


@pytest.mark.parametrize("name", SECRETS)
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, name: str) -> None:
    ensure_keys(tmp_path / "keys", "log.example.org")
    (tmp_path / "keys" / name).chmod(0o640)
    with pytest.raises(EvidenceError, match="others may read"):
        load_keys(tmp_path / "keys")


def test_a_folder_that_others_may_enter_is_refused(tmp_path: Path) -> None:
    ensure_keys(tmp_path / "keys", "log.example.org")
    (tmp_path / "keys").chmod(0o730)
    with pytest.raises(EvidenceError, match="is open to others"):
        load_keys(tmp_path / "keys")


@pytest.mark.parametrize("name", [*SECRETS, "log.pub"])
def test_a_lost_key_is_an_error_and_never_made_anew(tmp_path: Path, name: str) -> None:
    ensure_keys(tmp_path / "keys", "log.example.org")
    (tmp_path / "keys" / name).unlink()
    with pytest.raises(EvidenceError, match=f"cannot read the key `.*{name}`"):
        ensure_keys(tmp_path / "keys", "log.example.org")


@pytest.mark.parametrize("text", ["", "AAAA\n", "not base64!\n", "é\n", "A" * 5000])
@pytest.mark.parametrize("name", [*SECRETS, "log.pub"])
def test_a_malformed_key_is_refused(tmp_path: Path, name: str, text: str) -> None:
    ensure_keys(tmp_path / "keys", "log.example.org")
    (tmp_path / "keys" / name).write_text(text, encoding="utf-8")
    with pytest.raises(EvidenceError):
        load_keys(tmp_path / "keys")


def test_a_link_or_a_pipe_in_place_of_a_key_is_refused(tmp_path: Path) -> None:
    ensure_keys(tmp_path / "keys", "log.example.org")
    key = tmp_path / "keys" / "seal.key"
    key.rename(tmp_path / "elsewhere")
    key.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EvidenceError, match="cannot read the key"):
        load_keys(tmp_path / "keys")
    key.unlink()
    os.mkfifo(key, 0o600)
    with pytest.raises(EvidenceError, match="not a key file"):
        load_keys(tmp_path / "keys")


def test_a_public_key_of_another_log_is_refused(tmp_path: Path) -> None:
    ensure_keys(tmp_path / "keys", "log.example.org")
    other = str(Signer.generate("log.example.org").verifier)
    (tmp_path / "keys" / "log.pub").write_text(other + "\n", encoding="ascii")
    with pytest.raises(EvidenceError, match="is not the public half"):
        load_keys(tmp_path / "keys")


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="ascii")
    with pytest.raises(EvidenceError, match="cannot make keys"):
        ensure_keys(tmp_path / "file" / "keys", "log.example.org")
