-- The last checkpoint.
SELECT tree_size, root, note FROM upheld.checkpoint ORDER BY id DESC LIMIT 1
