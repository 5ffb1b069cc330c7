-- The nodes that are completed by the leaves [start, stop): on each level those
-- whose last leaf falls into it. OFFSET 0 keeps it one index scan a level, where
-- the planner would else join the whole tree.
SELECT at.level, node.index, node.hash
FROM generate_series(0, 62) AS at (level)
CROSS JOIN LATERAL (
    SELECT index, hash FROM upheld.tree_node
    WHERE level = at.level::smallint
        AND index >= %(start)s::bigint >> at.level
        AND index < %(stop)s::bigint >> at.level
    OFFSET 0
) AS node
