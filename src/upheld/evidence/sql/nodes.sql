-- Complete nodes of the tree, by their coordinates.
SELECT node.level, node.index, node.hash
FROM unnest(%(levels)s::smallint[], %(indexes)s::bigint[]) AS want (level, index)
JOIN upheld.tree_node AS node ON node.level = want.level AND node.index = want.index
