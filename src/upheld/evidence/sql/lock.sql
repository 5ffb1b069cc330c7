-- One sequencer at a time, until the end of the transaction.
SELECT pg_advisory_xact_lock(hashtextextended('upheld.evidence.sequence', 0))
