-- Store nodes.
COPY upheld.tree_node (level, index, hash) FROM STDIN (FORMAT BINARY)
