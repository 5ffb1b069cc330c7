-- The next checkpoints, in the order they were signed.
SELECT id, tree_size, root, note FROM upheld.checkpoint
WHERE id > %(after)s ORDER BY id LIMIT %(most)s
