-- The live schema as one JSON document: tables, columns, keys, foreign keys, checks.
-- Partitions are left out: their parent stands for them.
WITH relation AS (
    SELECT c.oid, n.nspname, c.relname, c.relkind, c.reltuples,
           CASE WHEN n.nspname = 'public' THEN c.relname
                ELSE n.nspname || '.' || c.relname END AS name
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p')
      AND NOT c.relispartition
      AND c.relpersistence <> 't'
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'upheld', 'upheld_work')
      AND n.nspname NOT LIKE 'pg\_%'
),
col AS (
    SELECT a.attrelid, json_agg(json_build_object(
        'name', a.attname,
        'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
        'kind', t.typcategory,
        'base', coalesce(b.typname, t.typname),
        'nullable', NOT a.attnotnull,
        'generated', a.attgenerated <> '',
        'identity', a.attidentity,
        'has_default', a.atthasdef AND a.attgenerated = '',
        'max_length', CASE WHEN t.typname IN ('varchar', 'bpchar') AND a.atttypmod > 4
                           THEN a.atttypmod - 4 END,
        'labels', (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder)
                   FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid),
        'comment', pg_catalog.col_description(a.attrelid, a.attnum)
    ) ORDER BY a.attnum) AS columns
    FROM pg_catalog.pg_attribute a
    JOIN relation r ON r.oid = a.attrelid
    JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_catalog.pg_type b ON b.oid = nullif(t.typbasetype, 0)
    WHERE a.attnum > 0 AND NOT a.attisdropped
    GROUP BY a.attrelid
),
uniq AS (
    SELECT i.indrelid, json_agg(json_build_object(
        'columns', (SELECT json_agg(a.attname ORDER BY k.n)
                    FROM unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, n)
                    JOIN pg_catalog.pg_attribute a
                      ON a.attrelid = i.indrelid AND a.attnum = k.attnum
                    WHERE k.n <= i.indnkeyatts),
        'primary', i.indisprimary
    ) ORDER BY NOT i.indisprimary, i.indexrelid) AS uniques
    FROM pg_catalog.pg_index i
    JOIN relation r ON r.oid = i.indrelid
    WHERE i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
    GROUP BY i.indrelid
),
fk AS (
    SELECT k.conrelid, json_agg(json_build_object(
        'name', k.conname,
        'columns', (SELECT json_agg(a.attname ORDER BY x.n)
                    FROM unnest(k.conkey) WITH ORDINALITY x(attnum, n)
                    JOIN pg_catalog.pg_attribute a
                      ON a.attrelid = k.conrelid AND a.attnum = x.attnum),
        'to', f.name,
        'to_columns', (SELECT json_agg(a.attname ORDER BY x.n)
                       FROM unnest(k.confkey) WITH ORDINALITY x(attnum, n)
                       JOIN pg_catalog.pg_attribute a
                         ON a.attrelid = k.confrelid AND a.attnum = x.attnum),
        'on_delete', k.confdeltype,
        'deferrable', k.condeferrable
    ) ORDER BY k.conname) AS fks
    FROM pg_catalog.pg_constraint k
    JOIN relation r ON r.oid = k.conrelid
    JOIN relation f ON f.oid = k.confrelid
    WHERE k.contype = 'f' AND k.conparentid = 0
    GROUP BY k.conrelid
),
chk AS (
    SELECT k.conrelid, json_agg(json_build_object(
        'name', k.conname,
        'columns', (SELECT json_agg(a.attname) FROM unnest(k.conkey) x(attnum)
                    JOIN pg_catalog.pg_attribute a
                      ON a.attrelid = k.conrelid AND a.attnum = x.attnum),
        'expression', pg_catalog.pg_get_expr(k.conbin, k.conrelid)
    ) ORDER BY k.conname) AS checks
    FROM pg_catalog.pg_constraint k
    JOIN relation r ON r.oid = k.conrelid
    WHERE k.contype = 'c'
    GROUP BY k.conrelid
)
SELECT coalesce(json_agg(json_build_object(
    'name', r.name,
    'schema', r.nspname,
    'relation', r.relname,
    'partitioned', r.relkind = 'p',
    'rows', r.reltuples,
    'comment', pg_catalog.obj_description(r.oid, 'pg_class'),
    'columns', coalesce(col.columns, '[]'::json),
    'uniques', coalesce(uniq.uniques, '[]'::json),
    'fks', coalesce(fk.fks, '[]'::json),
    'checks', coalesce(chk.checks, '[]'::json)
) ORDER BY r.name), '[]'::json)
FROM relation r
LEFT JOIN col ON col.attrelid = r.oid
LEFT JOIN uniq ON uniq.indrelid = r.oid
LEFT JOIN fk ON fk.conrelid = r.oid
LEFT JOIN chk ON chk.conrelid = r.oid
