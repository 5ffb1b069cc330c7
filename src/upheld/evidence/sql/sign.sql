-- Record a signed checkpoint.
INSERT INTO upheld.checkpoint (tree_size, root, note, signed_at)
VALUES (%(size)s, %(root)s, %(note)s, %(at)s)
