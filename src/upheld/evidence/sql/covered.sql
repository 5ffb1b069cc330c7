-- Leaves with the first checkpoint that covers each, in the order asked for.
SELECT want.id, leaf.position, leaf.body, head.tree_size, head.note
FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY AS want (id, place)
LEFT JOIN upheld.leaf ON leaf.id = want.id
LEFT JOIN LATERAL (
    SELECT tree_size, note FROM upheld.checkpoint
    WHERE tree_size > leaf.position ORDER BY tree_size LIMIT 1
) AS head ON true
ORDER BY want.place
