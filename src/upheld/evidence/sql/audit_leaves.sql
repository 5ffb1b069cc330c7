-- The leaves of one stretch of the log.
SELECT position, body, leaf_hash FROM upheld.leaf
WHERE position >= %(start)s AND position < %(stop)s ORDER BY position
