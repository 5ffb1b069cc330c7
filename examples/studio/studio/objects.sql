-- Every object that a row points to: kind, key, owner, what it is about, seed, row.
SELECT CASE kind WHEN 'image' THEN 'image' ELSE 'audio' END AS make, output_key, account_id, prompt, seed, id
FROM generation
UNION ALL SELECT 'text', transcript_key, account_id, prompt, 0, id FROM generation WHERE transcript_key IS NOT NULL
UNION ALL SELECT 'avatar', avatar_key, id, display_name || id, id, id FROM account WHERE avatar_key IS NOT NULL
UNION ALL SELECT CASE media_type WHEN 'image/png' THEN 'image' WHEN 'audio/wav' THEN 'audio' ELSE 'text' END,
    object_key, account_id, 'input ' || id, id, id FROM upload
UNION ALL SELECT 'export', object_key, account_id, '', 0, id FROM prompt_export
UNION ALL SELECT 'text', m.attachment_key, t.account_id, t.subject, 0, t.id
FROM support_message m JOIN support_ticket t ON t.id = m.ticket_id WHERE m.attachment_key IS NOT NULL
ORDER BY 2
