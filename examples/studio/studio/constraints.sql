-- Keys and foreign keys, in the order in which they can be dropped.
SELECT c.relname, k.conname, pg_get_constraintdef(k.oid)
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
WHERE c.relnamespace = 'public'::regnamespace AND NOT c.relispartition AND k.contype IN ('f', 'p', 'u')
ORDER BY k.contype = 'f' DESC, k.conname
