-- E-mail addresses of people who make erasing hard, two of a kind: several shapes in one batch.
WITH person AS (
    SELECT a.id, a.email FROM account a
    WHERE a.role = 'person'
      AND NOT EXISTS (SELECT 1 FROM account_email e WHERE lower(e.email) = lower(a.email))
), picked AS (
    (SELECT p.id, p.email FROM person p JOIN collection c ON c.creator_id = p.id
     JOIN collection_member m ON m.collection_id = c.id AND m.account_id <> p.id
     ORDER BY c.id LIMIT 2)
    UNION
    (SELECT p.id, p.email FROM person p JOIN team t ON t.owner_id = p.id
     JOIN team_member m ON m.team_id = t.id AND m.account_id <> p.id
     ORDER BY t.id LIMIT 2)
    UNION
    (SELECT p.id, p.email FROM person p JOIN device_account d ON d.account_id = p.id
     JOIN device_account o ON o.device_id = d.device_id AND o.account_id <> p.id
     ORDER BY p.id LIMIT 2)
    UNION
    (SELECT p.id, p.email FROM person p JOIN invoice i ON i.account_id = p.id
     ORDER BY i.id LIMIT 3)
    UNION
    (SELECT p.id, p.email FROM person p JOIN account_email e ON e.account_id = p.id
     ORDER BY p.id LIMIT 2)
)
SELECT email FROM picked
UNION ALL
(SELECT n.email FROM newsletter_subscriber n
 WHERE NOT EXISTS (SELECT 1 FROM account a WHERE lower(a.email) = lower(n.email))
   AND NOT EXISTS (SELECT 1 FROM account_email e WHERE lower(e.email) = lower(n.email))
   AND NOT EXISTS (SELECT 1 FROM fraud_score f WHERE lower(f.email) = lower(n.email))
 ORDER BY n.id LIMIT 1)
