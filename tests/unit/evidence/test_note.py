"""Notes and checkpoints, against the published example and against forgery."""

from __future__ import annotations

import pytest

from upheld.errors import EvidenceError
from upheld.evidence.note import Checkpoint, Signer, Verifier, open_checkpoint

# The example in the documentation of golang.org/x/mod/sumdb/note.
PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
PUBLIC = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
TEXT = (
    b"If you think cryptography is the answer to your problem,\n"
    b"then you don't know what your problem is.\n"
)
NOTE = (
    TEXT
    + (
        "\n\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXg"
        "KvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    ).encode()
)

SIGNER = Signer("log.example.org", bytes(range(32)))
ROOT = bytes(range(100, 132))


def test_the_published_example_is_read_and_written_to_the_byte() -> None:
    signer = Signer.parse(PRIVATE)
    assert str(signer.verifier) == PUBLIC
    assert signer.private_text() == PRIVATE
    assert signer.sign(TEXT) == NOTE
    assert Verifier.parse(PUBLIC).open(NOTE) == TEXT


def test_a_checkpoint_reads_back() -> None:
    checkpoint = Checkpoint("log.example.org", 7, ROOT)
    note = checkpoint.signed(SIGNER)
    assert note.startswith(b"log.example.org\n7\nZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1+f4CBgoM=\n\n")
    assert open_checkpoint(note, SIGNER.verifier) == checkpoint


def test_no_byte_of_a_checkpoint_can_change() -> None:
    note = Checkpoint("log.example.org", 7, ROOT).signed(SIGNER)
    for at in range(len(note)):
        for bit in (1, 0x20, 0x80):
            forged = note[:at] + bytes([note[at] ^ bit]) + note[at + 1 :]
            with pytest.raises(EvidenceError):
                open_checkpoint(forged, SIGNER.verifier)
        with pytest.raises(EvidenceError):
            open_checkpoint(note[:at], SIGNER.verifier)
    for forged in (note + b"\n", note + b" ", b"\n" + note, note.replace(b"\n", b"\r\n")):
        with pytest.raises(EvidenceError):
            open_checkpoint(forged, SIGNER.verifier)


def test_the_signature_of_a_witness_beside_ours_is_passed_over() -> None:
    checkpoint = Checkpoint("log.example.org", 7, ROOT)
    note = checkpoint.signed(SIGNER)
    witness = Signer("witness.example.net", bytes(32)).sign(checkpoint.text())
    both = note + witness.removeprefix(checkpoint.text() + b"\n")
    assert open_checkpoint(both, SIGNER.verifier) == checkpoint


@pytest.mark.parametrize(
    "text",
    [
        b"log.example.org\n07\nZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1+f4CBgoM=\n",
        b"log.example.org\n-7\nZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1+f4CBgoM=\n",
        b"log.example.org\n7\nZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1+f4CBgoN=\n",
        b"log.example.org\n7\nZGVm\n",
        b"other.example.org\n7\nZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1+f4CBgoM=\n",
        b"log.example.org\n7\nZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1+f4CBgoM=\nmore\n",
        b"log.example.org\n7\n",
    ],
)
def test_a_signed_text_that_is_no_checkpoint_is_refused(text: bytes) -> None:
    with pytest.raises(EvidenceError):
        open_checkpoint(SIGNER.sign(text), SIGNER.verifier)


def test_another_key_of_the_same_name_is_refused() -> None:
    note = Checkpoint("log.example.org", 7, ROOT).signed(SIGNER)
    other = Signer("log.example.org", bytes(32)).verifier
    with pytest.raises(EvidenceError, match=r"not signed by `log[.]example[.]org` with this key"):
        open_checkpoint(note, other)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "PeterNeumann",
        "PeterNeumann+c74f20a3",
        PUBLIC[:-4],
        PUBLIC.replace("c74f20a3", "c74f20a4"),
        PUBLIC.replace("c74f20a3", "C74F20A3"),
        PUBLIC.replace("PeterNeumann", "PeterNeuman"),
        PUBLIC.replace("PeterNeumann", "Peter Neumann"),
        PUBLIC.replace("+ARpc", "+ARpd"),
        PRIVATE,
    ],
)
def test_a_malformed_public_key_is_refused(text: str) -> None:
    with pytest.raises(EvidenceError):
        Verifier.parse(text)


def test_a_private_key_never_shows() -> None:
    assert "AYEKFALVFGyN" not in repr(Signer.parse(PRIVATE))
    with pytest.raises(EvidenceError) as caught:
        Signer.parse(PRIVATE.replace("c74f20a3", "c74f20a4"))
    assert "AYEKFALVFGyN" not in str(caught.value)
    with pytest.raises(EvidenceError, match="not a private key"):
        Signer.parse(PUBLIC)
    with pytest.raises(EvidenceError, match="cannot name a log"):
        Signer.generate("two words")
