-- People who make erasing hard, a few of a kind, so that several shapes meet in one batch:
-- e-mail address, and why. Somebody may be here for two reasons.
WITH person AS (
    SELECT a.id, a.email, a.handle FROM account a
    WHERE a.role = 'person'
      AND NOT EXISTS (SELECT 1 FROM account_email e WHERE lower(e.email) = lower(a.email))
)
(SELECT DISTINCT p.email, 'share a collection of their own' FROM person p
 JOIN collection c ON c.creator_id = p.id
 JOIN collection_member m ON m.collection_id = c.id AND m.account_id <> p.id
 ORDER BY 1 LIMIT 3)
UNION ALL
(SELECT DISTINCT p.email, 'own a team with other members' FROM person p
 JOIN team t ON t.owner_id = p.id
 JOIN team_member m ON m.team_id = t.id AND m.account_id <> p.id
 ORDER BY 1 LIMIT 3)
UNION ALL
(SELECT DISTINCT p.email, 'share a device with family' FROM person p
 JOIN device_account d ON d.account_id = p.id
 JOIN device_account o ON o.device_id = d.device_id AND o.account_id <> p.id
 ORDER BY 1 LIMIT 3)
UNION ALL
(SELECT DISTINCT p.email, 'have invoices that tax law keeps' FROM person p
 JOIN invoice i ON i.account_id = p.id
 ORDER BY 1 LIMIT 3)
UNION ALL
(SELECT DISTINCT p.email, 'have a second account' FROM person p
 JOIN account_email e ON e.account_id = p.id
 JOIN account second ON lower(second.email) = lower(e.email) AND second.id <> p.id
 ORDER BY 1 LIMIT 3)
UNION ALL
(SELECT DISTINCT p.email, 'are named in other people''s comments' FROM person p
 JOIN comment c ON c.account_id <> p.id
  AND (strpos(lower(c.body), lower(p.email)) > 0 OR strpos(c.body, '@' || p.handle) > 0)
 ORDER BY 1 LIMIT 3)
UNION ALL
(SELECT n.email, 'was only ever on the newsletter' FROM newsletter_subscriber n
 WHERE NOT EXISTS (SELECT 1 FROM account a WHERE lower(a.email) = lower(n.email))
   AND NOT EXISTS (SELECT 1 FROM account_email e WHERE lower(e.email) = lower(n.email))
   AND NOT EXISTS (SELECT 1 FROM fraud_score f WHERE lower(f.email) = lower(n.email))
   AND NOT EXISTS (SELECT 1 FROM marketing_lead m WHERE lower(m.email) = lower(n.email))
   AND NOT EXISTS (SELECT 1 FROM support_ticket t WHERE lower(t.contact_email) = lower(n.email))
 ORDER BY n.id LIMIT 1)
