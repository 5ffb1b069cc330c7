-- The nodes that are completed by the leaves [start, stop): on each level those
-- whose last leaf falls into it.
SELECT node.level, node.index, node.hash
FROM generate_series(0, 62) AS at (level)
JOIN upheld.tree_node AS node
    ON node.level = at.level::smallint
    AND node.index >= %(start)s::bigint >> at.level
    AND node.index < %(stop)s::bigint >> at.level
