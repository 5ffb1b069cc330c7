-- What the service asks of its database; parameters by name.

-- name: account_by_email
SELECT id, password_hash FROM account WHERE lower(email) = lower(%(email)s)
-- name: add_account
INSERT INTO account (email, handle, display_name, country, password_hash, training_opt_out)
VALUES (%(email)s, %(handle)s, %(name)s, %(country)s, %(hash)s, %(opt_out)s) RETURNING id
-- name: profile_by_handle
SELECT id, handle, display_name, bio, avatar_key FROM account WHERE handle = %(handle)s AND role = 'person'
-- name: save_profile
UPDATE account SET display_name = %(name)s, bio = %(bio)s, phone = %(phone)s, training_opt_out = %(opt_out)s
WHERE id = %(account)s
-- name: settings
SELECT email, handle, display_name, bio, phone, country, training_opt_out, avatar_key FROM account WHERE id = %(account)s
-- name: set_avatar
UPDATE account SET avatar_key = %(key)s WHERE id = %(account)s
-- name: add_referral
INSERT INTO referral (referrer_id, referred_id, invited_email, code, reward)
SELECT id, %(account)s, %(email)s, %(code)s, 50 FROM account WHERE handle = %(handle)s AND role = 'person'
RETURNING referrer_id

-- name: add_device
INSERT INTO device (id, kind, user_agent, last_ip) VALUES (%(device)s, %(kind)s, %(agent)s, %(ip)s)
ON CONFLICT (id) DO UPDATE SET last_ip = excluded.last_ip
-- name: link_device
INSERT INTO device_account (device_id, account_id) VALUES (%(device)s, %(account)s)
ON CONFLICT (device_id, account_id) DO UPDATE SET last_seen = now()
-- name: add_session
INSERT INTO session (account_id, device_id, token_hash, csrf_token, ip, expires_at)
VALUES (%(account)s, %(device)s, %(token_hash)s, %(csrf)s, %(ip)s, now() + interval '30 days')
-- name: session
SELECT a.id, a.email, a.handle, a.display_name, a.role, s.csrf_token,
    (SELECT coalesce(sum(delta), 0) FROM credit_entry WHERE account_id = a.id) AS credits,
    (SELECT count(*) FROM notification WHERE account_id = a.id AND read_at IS NULL) AS unread
FROM session s JOIN account a ON a.id = s.account_id
WHERE s.token_hash = %(token_hash)s AND s.expires_at > now()
-- name: end_session
DELETE FROM session WHERE token_hash = %(token_hash)s
-- name: add_event
INSERT INTO event (name, props) VALUES (%(name)s, %(props)s)
-- name: add_audit
INSERT INTO audit_entry (actor_id, action, subject_type, subject_id, detail, ip)
VALUES (%(actor)s, %(action)s, %(type)s, %(id)s, %(detail)s, %(ip)s)

-- name: lock_account
SELECT id FROM account WHERE id = %(account)s FOR UPDATE
-- name: balance
SELECT coalesce(sum(delta), 0) AS credits FROM credit_entry WHERE account_id = %(account)s
-- name: add_credits
INSERT INTO credit_entry (account_id, delta, reason, generation_id, payment_id)
VALUES (%(account)s, %(delta)s, %(reason)s, %(generation)s, %(payment)s)
-- name: credit_history
SELECT delta, reason, generation_id, created_at FROM credit_entry WHERE account_id = %(account)s ORDER BY id DESC LIMIT 30

-- name: add_upload
INSERT INTO upload (account_id, object_key, media_type, byte_size, sha256, original_name)
VALUES (%(account)s, %(key)s, %(type)s, %(size)s, %(sha256)s, %(name)s) RETURNING id
-- name: uploads
SELECT id, media_type, original_name, byte_size, created_at FROM upload WHERE account_id = %(account)s ORDER BY id DESC LIMIT 50
-- name: upload
SELECT object_key, media_type FROM upload WHERE id = %(id)s AND account_id = %(account)s
-- name: add_generation
INSERT INTO generation (account_id, upload_id, kind, prompt, params, seed, visibility, output_key)
VALUES (%(account)s, %(upload)s, %(kind)s, %(prompt)s, %(params)s, %(seed)s, %(visibility)s, %(key)s) RETURNING id
-- name: gallery
SELECT g.id, g.kind, g.prompt, g.comment_count, a.handle FROM generation g JOIN account a ON a.id = g.account_id
WHERE g.visibility = 'public' AND (%(before)s::timestamptz IS NULL OR (g.created_at, g.id) < (%(before)s, %(before_id)s))
ORDER BY g.created_at DESC, g.id DESC LIMIT %(limit)s
-- name: place_of
SELECT created_at, id FROM generation WHERE id = %(id)s
-- name: works_of
SELECT g.id, g.kind, g.prompt, g.comment_count, g.visibility, %(handle)s AS handle FROM generation g
WHERE g.account_id = %(account)s AND (%(all)s OR g.visibility = 'public') ORDER BY g.created_at DESC, g.id DESC LIMIT 60
-- name: work
SELECT g.id, g.account_id, g.kind, g.prompt, g.seed, g.visibility, g.shared_with, g.output_key, g.comment_count,
    g.created_at, a.handle, a.display_name,
    (SELECT count(*) FROM reaction r WHERE r.generation_id = g.id) AS hearts
FROM generation g JOIN account a ON a.id = g.account_id
WHERE g.id = %(id)s AND (
    g.visibility = 'public' OR g.account_id = %(viewer)s
    OR (g.visibility = 'shared' AND (
        lower(%(email)s) = ANY (SELECT lower(btrim(e)) FROM unnest(string_to_array(g.shared_with, ';')) e)
        OR EXISTS (SELECT 1 FROM team_member m WHERE m.team_id = g.team_id AND m.account_id = %(viewer)s))))
-- name: share_work
UPDATE generation SET visibility = %(visibility)s, shared_with = %(shared_with)s WHERE id = %(id)s AND account_id = %(account)s
-- name: react
INSERT INTO reaction (generation_id, account_id) VALUES (%(id)s, %(account)s) ON CONFLICT DO NOTHING
-- name: thread
WITH RECURSIVE thread AS (
    SELECT c.*, 0 AS depth, ARRAY[c.id] AS place FROM comment c WHERE generation_id = %(id)s AND parent_id IS NULL
    UNION ALL
    SELECT c.*, least(t.depth + 1, 4), t.place || c.id FROM comment c JOIN thread t ON c.parent_id = t.id
)
SELECT t.id, t.body, t.depth, t.created_at, a.handle FROM thread t JOIN account a ON a.id = t.account_id ORDER BY t.place
-- name: add_comment
INSERT INTO comment (generation_id, parent_id, account_id, body)
SELECT %(id)s, (SELECT p.id FROM comment p WHERE p.id = %(parent)s AND p.generation_id = %(id)s), %(account)s, %(body)s
RETURNING id
-- name: notify
INSERT INTO notification (account_id, actor_id, kind, body) VALUES (%(account)s, %(actor)s, %(kind)s, %(body)s)
-- name: notifications
SELECT kind, body, created_at, read_at FROM notification WHERE account_id = %(account)s ORDER BY id DESC LIMIT 50
-- name: read_notifications
UPDATE notification SET read_at = now() WHERE account_id = %(account)s AND read_at IS NULL

-- name: collections
SELECT c.slug, c.name, count(i.generation_id) AS works FROM collection c
JOIN collection_member m ON m.collection_id = c.id AND m.account_id = %(account)s
LEFT JOIN collection_item i ON i.collection_id = c.id GROUP BY c.id ORDER BY c.id DESC
-- name: collection
SELECT c.id, c.slug, c.name, c.description, c.creator_id FROM collection c
JOIN collection_member m ON m.collection_id = c.id AND m.account_id = %(account)s WHERE c.slug = %(slug)s
-- name: collection_members
SELECT a.handle, m.role FROM collection_member m JOIN account a ON a.id = m.account_id
WHERE m.collection_id = %(collection)s ORDER BY m.joined_at, a.handle
-- name: collection_works
SELECT g.id, g.kind, g.prompt, g.comment_count, a.handle, i.note FROM collection_item i
JOIN generation g ON g.id = i.generation_id JOIN account a ON a.id = g.account_id
WHERE i.collection_id = %(collection)s AND (g.visibility = 'public' OR g.account_id = %(account)s) ORDER BY i.added_at DESC
-- name: add_collection
INSERT INTO collection (slug, name, description, creator_id) VALUES (%(slug)s, %(name)s, %(description)s, %(account)s) RETURNING id
-- name: add_member
INSERT INTO collection_member (collection_id, account_id, role)
SELECT %(collection)s, id, %(role)s FROM account WHERE handle = %(handle)s AND role = 'person'
ON CONFLICT DO NOTHING RETURNING account_id
-- name: add_item
INSERT INTO collection_item (collection_id, generation_id, added_by, note)
VALUES (%(collection)s, %(generation)s, %(account)s, %(note)s) ON CONFLICT DO NOTHING

-- name: packs
SELECT code, name, credits, cents FROM credit_pack ORDER BY cents
-- name: pack
SELECT code, name, credits, cents FROM credit_pack WHERE code = %(code)s
-- name: add_invoice
INSERT INTO invoice (number, account_id, billing_name, billing_email, billing_address, total_cents)
VALUES (%(number)s, %(account)s, %(name)s, %(email)s, %(address)s, %(cents)s) RETURNING id
-- name: add_invoice_line
INSERT INTO invoice_line (invoice_id, line_no, pack_code, description, quantity, unit_cents)
VALUES (%(invoice)s, 1, %(code)s, %(description)s, 1, %(cents)s)
-- name: customer_ref
SELECT customer_ref FROM payment WHERE account_id = %(account)s AND customer_ref IS NOT NULL LIMIT 1
-- name: add_payment
INSERT INTO payment (invoice_id, account_id, customer_ref, charge_ref, card_last4, status, raw)
VALUES (%(invoice)s, %(account)s, %(customer)s, %(charge)s, '4242', 'succeeded', %(raw)s) RETURNING id
-- name: invoices
SELECT number, total_cents, currency, issued_on FROM invoice WHERE account_id = %(account)s ORDER BY id DESC
-- name: invoice
SELECT id, number, billing_name, billing_email, billing_address, total_cents, currency, issued_on
FROM invoice WHERE number = %(number)s AND account_id = %(account)s
-- name: invoice_lines
SELECT description, quantity, unit_cents, amount_cents FROM invoice_line WHERE invoice_id = %(invoice)s ORDER BY line_no

-- name: tickets
SELECT id, subject, status, created_at FROM support_ticket WHERE account_id = %(account)s ORDER BY id DESC
-- name: all_tickets
SELECT id, subject, status, created_at FROM support_ticket WHERE status <> 'closed' ORDER BY id DESC LIMIT 100
-- name: ticket
SELECT id, account_id, subject, status, contact_email FROM support_ticket
WHERE id = %(id)s AND (account_id = %(account)s OR %(staff)s)
-- name: add_ticket
INSERT INTO support_ticket (account_id, contact_email, subject, context)
VALUES (%(account)s, %(email)s, %(subject)s, %(context)s) RETURNING id
-- name: lock_ticket
SELECT id FROM support_ticket WHERE id = %(id)s FOR UPDATE
-- name: add_message
INSERT INTO support_message (ticket_id, seq, author_id, body)
SELECT %(id)s, coalesce(max(seq), 0) + 1, %(account)s, %(body)s FROM support_message WHERE ticket_id = %(id)s
-- name: move_ticket
UPDATE support_ticket SET status = %(status)s, assignee_id = coalesce(%(assignee)s, assignee_id) WHERE id = %(id)s
-- name: messages
SELECT m.body, m.sent_at, a.handle, coalesce(a.role <> 'person', false) AS staff
FROM support_message m LEFT JOIN account a ON a.id = m.author_id WHERE m.ticket_id = %(id)s ORDER BY m.seq

-- name: subscribe
INSERT INTO newsletter_subscriber (email, interests, source, unsubscribe_token)
VALUES (%(email)s, %(interests)s, 'footer', %(token)s)
ON CONFLICT (lower(email)) DO UPDATE SET interests = excluded.interests, unsubscribed_at = NULL
-- name: unsubscribe
UPDATE newsletter_subscriber SET unsubscribed_at = now() WHERE unsubscribe_token = %(token)s

-- name: api_keys
SELECT id, name, scopes, created_at, last_used_at FROM api_key WHERE account_id = %(account)s ORDER BY id
-- name: add_api_key
INSERT INTO api_key (account_id, name, key_hash) VALUES (%(account)s, %(name)s, %(hash)s)
-- name: drop_api_key
DELETE FROM api_key WHERE id = %(id)s AND account_id = %(account)s
-- name: use_api_key
UPDATE api_key SET last_used_at = now() WHERE key_hash = %(hash)s AND 'generate' = ANY (scopes) RETURNING account_id

-- name: prompts_of
SELECT prompt FROM generation WHERE account_id = %(account)s ORDER BY id
-- name: add_export
INSERT INTO prompt_export (account_id, object_key) VALUES (%(account)s, %(key)s)
