-- How far the log goes, and how many leaves wait for a number.
SELECT coalesce((SELECT max(position) + 1 FROM upheld.leaf), 0),
       (SELECT count(*) FROM upheld.leaf WHERE position IS NULL)
