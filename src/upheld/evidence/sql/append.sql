-- Append leaves; a fact that is logged already (same dedupe) is left as it is.
-- In order of dedupe, so that two writers of the same facts cannot deadlock.
INSERT INTO upheld.leaf (dedupe, body, leaf_hash)
SELECT new.dedupe, new.body, sha256('\x00'::bytea || new.body)
FROM unnest(%(dedupes)s::text[], %(bodies)s::bytea[]) AS new (dedupe, body)
ORDER BY new.dedupe
ON CONFLICT (dedupe) DO NOTHING
