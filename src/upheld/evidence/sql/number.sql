-- Number the next unnumbered leaves from `start` on, in the order they were written.
-- Those up to `after` are done: without saying so, their dead index entries are walked again.
WITH next AS (
    SELECT id, %(start)s::bigint + row_number() OVER (ORDER BY id) - 1 AS position
    FROM (
        SELECT id FROM upheld.leaf
        WHERE position IS NULL AND id > %(after)s
        ORDER BY id LIMIT %(most)s
    ) AS unnumbered
), numbered AS (
    UPDATE upheld.leaf SET position = next.position
    FROM next WHERE leaf.id = next.id
    RETURNING leaf.position, leaf.id, leaf.leaf_hash
)
SELECT id, leaf_hash FROM numbered ORDER BY position
