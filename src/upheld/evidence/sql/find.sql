-- The leaves that hold these facts, in the order given. A statement of its own:
-- its snapshot sees what a concurrent writer committed while `append` waited for it.
SELECT leaf.id
FROM unnest(%(dedupes)s::text[]) WITH ORDINALITY AS new (dedupe, place)
JOIN upheld.leaf ON leaf.dedupe = new.dedupe
ORDER BY new.place
