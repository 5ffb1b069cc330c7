"""Evidence that anyone can check: a Merkle log, signed checkpoints and receipts.

A fact is a `Leaf`; `append` logs it with the change that it tells of,
`sequence` numbers and signs, `issue_receipts` proves it to the person, and
`verify_receipt` and `verify_log` check. Pure parts: tree, note, leaf, receipt.
"""

from upheld.evidence.audit import Fault, LogReport, verify_log
from upheld.evidence.issue import issue_receipts
from upheld.evidence.keys import Keys, ensure_keys, load_keys, load_public_key
from upheld.evidence.leaf import Identifier, Leaf
from upheld.evidence.log import append, append_all, latest_checkpoint, sequence
from upheld.evidence.note import Checkpoint, Signer, Verifier, open_checkpoint
from upheld.evidence.receipt import Receipt, ReceiptReport, verify_receipt

__all__ = [
    "Checkpoint",
    "Fault",
    "Identifier",
    "Keys",
    "Leaf",
    "LogReport",
    "Receipt",
    "ReceiptReport",
    "Signer",
    "Verifier",
    "append",
    "append_all",
    "ensure_keys",
    "issue_receipts",
    "latest_checkpoint",
    "load_keys",
    "load_public_key",
    "open_checkpoint",
    "sequence",
    "verify_log",
    "verify_receipt",
]
