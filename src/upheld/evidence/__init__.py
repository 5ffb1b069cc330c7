"""Evidence that anyone can check: a Merkle log, signed checkpoints and receipts."""
