-- People and their data, drawn from a seed: one INSERT per table, no loops.
--
-- Run by fill.py inside one transaction, with constraints and indexes set
-- aside. It has put these into pg_temp before: seed(), people(), staff(),
-- twins(), secret() (a password hash). Everything else is a function of a row
-- number, so that the same seed gives the same rows, and any row can name any
-- person without a join.

-- name: functions
CREATE FUNCTION pg_temp.accounts() RETURNS bigint IMMUTABLE LANGUAGE sql AS
    'SELECT pg_temp.staff() + pg_temp.people() + pg_temp.twins()';
CREATE FUNCTION pg_temp.base() RETURNS timestamptz IMMUTABLE LANGUAGE sql AS
    $$SELECT timestamptz '2026-09-30 12:00:00+00'$$;
-- A number from 0 to n - 1.
CREATE FUNCTION pg_temp.pick(id bigint, salt bigint, n bigint) RETURNS bigint IMMUTABLE LANGUAGE sql AS
    'SELECT (hashint8extended(id * 1000 + salt, pg_temp.seed()) & 9223372036854775807) % n';
CREATE FUNCTION pg_temp.word(words text[], id bigint, salt bigint) RETURNS text IMMUTABLE LANGUAGE sql AS
    'SELECT words[1 + pg_temp.pick(id, salt, cardinality(words))]';
-- An account of a person; one of staff.
CREATE FUNCTION pg_temp.who(id bigint, salt bigint) RETURNS bigint IMMUTABLE LANGUAGE sql AS
    'SELECT pg_temp.staff() + 1 + pg_temp.pick(id, salt, pg_temp.people() + pg_temp.twins())';
CREATE FUNCTION pg_temp.helper(id bigint, salt bigint) RETURNS bigint IMMUTABLE LANGUAGE sql AS
    'SELECT 1 + pg_temp.pick(id, salt, pg_temp.staff())';
CREATE FUNCTION pg_temp.ago(id bigint, salt bigint, days bigint) RETURNS timestamptz IMMUTABLE LANGUAGE sql AS
    $$SELECT pg_temp.base() - interval '1 second' * pg_temp.pick(id, salt, days * 86400)$$;
CREATE FUNCTION pg_temp.hex(id bigint, salt bigint) RETURNS text IMMUTABLE LANGUAGE sql AS
    $$SELECT md5(pg_temp.seed() || ':' || salt || ':' || id)$$;
CREATE FUNCTION pg_temp.first_name(id bigint) RETURNS text IMMUTABLE LANGUAGE sql AS
    $$SELECT pg_temp.word('{Amara,Ben,Chiara,Dario,Elif,Farid,Greta,Hanna,Ines,Jonas,Keiko,Lena,Mateo,Nadia,Omar,Priya,Quentin,Rosa,Samir,Tilda,Uwe,Vera,Wanda,Yuki,Zoe}', id, 1)$$;
CREATE FUNCTION pg_temp.last_name(id bigint) RETURNS text IMMUTABLE LANGUAGE sql AS
    $$SELECT pg_temp.word('{Adler,Bianchi,Castro,Demir,Eriksen,Fischer,Garcia,Haddad,Ito,Jansen,Keller,Lopez,Moreau,Novak,Okafor,Petrov,Quinn,Rossi,Sato,Tanaka,Urban,Vogel,Weber,Yilmaz,Zimmer}', id, 2)$$;
CREATE FUNCTION pg_temp.email(id bigint) RETURNS text IMMUTABLE LANGUAGE sql AS
    $$SELECT lower(pg_temp.first_name(id)) || '.' || lower(pg_temp.last_name(id)) || '.' || (10000 + id) || '@'
        || CASE WHEN id <= pg_temp.staff() THEN 'studio.example'
                ELSE pg_temp.word('{mailbox.example,post.example,inbox.example,letters.example,web.example}', id, 3) END$$;
CREATE FUNCTION pg_temp.handle(id bigint) RETURNS text IMMUTABLE LANGUAGE sql AS
    $$SELECT pg_temp.word('{amber,azure,bold,calm,coral,crimson,dusty,emerald,faint,golden,hazel,indigo,jade,lilac,mellow,misty,quiet,rusty,silver,sunny,teal,velvet,violet,wild}', id, 4)
        || '_' || pg_temp.word('{badger,bear,crane,deer,falcon,finch,fox,hare,heron,ibis,lark,lynx,marten,moth,otter,owl,pike,raven,robin,seal,stoat,swan,tern,wren}', id, 5)
        || '_' || (10000 + id)$$;
-- Numbers kept for fiction: North American 555-01xx, and extensions behind Berlin's 030 23125.
CREATE FUNCTION pg_temp.any_phone(id bigint) RETURNS text IMMUTABLE LANGUAGE sql AS
    $$SELECT CASE WHEN id % 3 = 0 AND id < 79900
        THEN '+1' || (201 + id / 100) || '55501' || lpad((id % 100)::text, 2, '0')
        ELSE '+493023125' || lpad(id::text, 6, '0') END$$;
CREATE FUNCTION pg_temp.phone(id bigint) RETURNS text IMMUTABLE LANGUAGE sql AS
    'SELECT CASE WHEN pg_temp.pick(id, 6, 100) < 65 THEN pg_temp.any_phone(id) END';
CREATE FUNCTION pg_temp.device(id bigint, nth bigint) RETURNS text IMMUTABLE LANGUAGE sql AS
    $$SELECT CASE WHEN (id + nth) % 2 = 0 THEN 'dev_' || left(pg_temp.hex(id, 10 + nth), 20)
        ELSE pg_temp.hex(id, 10 + nth)::uuid::text END$$;
-- The device at hand: a family shares the first one's.
CREATE FUNCTION pg_temp.own_device(id bigint) RETURNS text IMMUTABLE LANGUAGE sql AS
    'SELECT pg_temp.device(id, 0)';
CREATE FUNCTION pg_temp.second_device(id bigint) RETURNS boolean IMMUTABLE LANGUAGE sql AS
    'SELECT pg_temp.pick(id, 7, 100) < 40';
CREATE FUNCTION pg_temp.shares_device(id bigint) RETURNS boolean IMMUTABLE LANGUAGE sql AS
    'SELECT id > pg_temp.staff() AND id < pg_temp.accounts() AND pg_temp.pick(id, 8, 100) < 5';
CREATE FUNCTION pg_temp.customer(id bigint) RETURNS text IMMUTABLE LANGUAGE sql AS
    $$SELECT 'cus_' || left(pg_temp.hex(id, 14), 16)$$;
CREATE FUNCTION pg_temp.ip(id bigint) RETURNS inet IMMUTABLE LANGUAGE sql AS
    $$SELECT ('2001:db8:' || to_hex(id / 65536) || ':' || to_hex(id % 65536) || '::' || to_hex(pg_temp.pick(id, 9, 65536)))::inet$$;
CREATE FUNCTION pg_temp.agent(id bigint) RETURNS text IMMUTABLE LANGUAGE sql AS
    $$SELECT pg_temp.word('{Mozilla/5.0 (X11; Linux x86_64) Firefox/143.0,Mozilla/5.0 (iPhone) Safari/605.1,Mozilla/5.0 (Android 16) Chrome/141.0,Mozilla/5.0 (Macintosh) Safari/605.1,StudioApp/3.2}', id, 15)$$;
CREATE FUNCTION pg_temp.address(id bigint) RETURNS jsonb IMMUTABLE LANGUAGE sql AS
    $$SELECT jsonb_build_object('street', pg_temp.word('{Lindenweg,Hafengasse,Mill Lane,Via Roma,Rue du Port,Calle Sol}', id, 16) || ' ' || (1 + pg_temp.pick(id, 17, 180)),
        'postcode', lpad((10000 + pg_temp.pick(id, 18, 89999))::text, 5, '0'),
        'city', pg_temp.word('{Bremen,Leipzig,York,Parma,Nantes,Cadiz}', id, 19))$$;
CREATE FUNCTION pg_temp.prompt(id bigint) RETURNS text IMMUTABLE LANGUAGE sql AS
    $$SELECT pg_temp.word('{amber,teal,violet,crimson,misty,golden,midnight,emerald,rose,silver}', id, 20) || ' '
        || pg_temp.word('{sea,lake,harbour,desert,hills,forest,garden,city,mountains,canyon,island,glacier}', id, 21) || ' '
        || pg_temp.word('{at dawn,after rain,under two moons,in deep winter,in high summer,before a storm,seen from a train,with paper boats,with lanterns,full of birds}', id, 22) || ', '
        || pg_temp.word('{calm,sad,bright,dark,dreamy,tense}', id, 23) || ', '
        || pg_temp.word('{gouache,woodcut,film still,pastel,isometric,ink wash,risograph,oil on linen}', id, 24)$$;
-- Words that quote a person, in the ways in which people and programs write them down.
CREATE FUNCTION pg_temp.quote(other bigint, way bigint) RETURNS text IMMUTABLE LANGUAGE sql AS
    $$SELECT CASE way
        WHEN 0 THEN 'write to ' || pg_temp.email(other) || ', please.'
        WHEN 1 THEN 'thanks @' || pg_temp.handle(other) || '!'
        WHEN 2 THEN 'call ' || coalesce(pg_temp.phone(other), pg_temp.email(other)) || ' after six'
        WHEN 3 THEN 'their page is /u/' || pg_temp.handle(other) || '?from=' || replace(pg_temp.email(other), '@', '%40')
        WHEN 4 THEN 'To: "' || pg_temp.first_name(other) || '" <' || upper(pg_temp.email(other)) || '>'
        ELSE 'ask (' || pg_temp.handle(other) || ')' END$$;

-- name: team_member
INSERT INTO team_member (team_id, account_id, role, joined_at)
SELECT DISTINCT ON (t, a) t, a, CASE k WHEN 0 THEN 'owner' WHEN 1 THEN 'editor' ELSE 'viewer' END::member_role,
    pg_temp.ago(t, 30, 500)
FROM generate_series(1, greatest(pg_temp.people() / 10, 1)) t, generate_series(0, 3) k,
    LATERAL (SELECT pg_temp.who(t, 31 + k) AS a) m
WHERE k <= pg_temp.pick(t, 35, 4)
ORDER BY t, a, k;

-- name: team
INSERT INTO team (id, name, slug, owner_id, billing_email, created_at)
SELECT t, pg_temp.last_name(o) || ' ' || pg_temp.word('{Studio,Films,Prints,Sound,Games}', t, 36), 'team-' || t, o,
    CASE WHEN pg_temp.pick(t, 37, 3) < 2 THEN pg_temp.email(pg_temp.who(t, 31 + pg_temp.pick(t, 35, 2))) END,
    pg_temp.ago(t, 30, 500)
FROM generate_series(1, greatest(pg_temp.people() / 10, 1)) t, LATERAL (SELECT pg_temp.who(t, 31) AS o) m;

-- name: account
INSERT INTO account (id, email, handle, display_name, role, phone, country, bio, settings, password_hash,
    avatar_key, default_team_id, training_opt_out, created_at, updated_at)
SELECT a, pg_temp.email(a), pg_temp.handle(a), pg_temp.first_name(a) || ' ' || pg_temp.last_name(a),
    CASE WHEN a = 1 THEN 'admin' WHEN a <= pg_temp.staff() THEN 'support' ELSE 'person' END::account_role,
    pg_temp.phone(a), pg_temp.word('{DE,FR,GB,US,IT,ES,BR,JP}', a, 40),
    CASE pg_temp.pick(a, 41, 12)
        WHEN 0 THEN 'Painter of small things. Commissions: ' || pg_temp.email(a)
        WHEN 1 THEN 'I am @' || pg_temp.handle(a) || ' everywhere.'
        WHEN 2 THEN 'With ' || pg_temp.quote(pg_temp.who(a, 42), pg_temp.pick(a, 43, 6))
        WHEN 3 THEN 'Sound first.' ELSE '' END,
    jsonb_strip_nulls(jsonb_build_object(
        'theme', pg_temp.word('{light,dark,auto}', a, 44), 'email_digest', pg_temp.pick(a, 45, 2) = 0,
        'shipping', CASE WHEN pg_temp.pick(a, 46, 100) < 30 THEN pg_temp.address(a) || jsonb_build_object(
            'name', pg_temp.first_name(a) || ' ' || pg_temp.last_name(a), 'phone', pg_temp.phone(a)) END,
        'emergency_contact', CASE WHEN pg_temp.pick(a, 47, 100) < 4 THEN
            jsonb_build_object('email', pg_temp.email(pg_temp.who(a, 48))) END)),
    pg_temp.secret(), CASE WHEN pg_temp.pick(a, 49, 100) < 55 THEN 'avatars/' || pg_temp.hex(a, 49) || '.png' END,
    m.team_id, pg_temp.pick(a, 50, 100) < 18, pg_temp.ago(a, 51, 700), pg_temp.ago(a, 51, 700)
FROM generate_series(1, pg_temp.accounts()) a
LEFT JOIN (SELECT account_id, min(team_id) AS team_id FROM team_member GROUP BY account_id) m ON m.account_id = a;

-- name: account_email
INSERT INTO account_email (account_id, email, verified_at)
SELECT a, lower(pg_temp.first_name(a)) || '.private.' || (10000 + a) || '@home.example', pg_temp.ago(a, 51, 700)
FROM generate_series(pg_temp.staff() + 1, pg_temp.accounts()) a WHERE pg_temp.pick(a, 53, 100) < 12
UNION ALL  -- the second account of a person who already has one
SELECT pg_temp.staff() + pg_temp.people() + t, pg_temp.email(pg_temp.staff() + t),
    pg_temp.ago(pg_temp.staff() + pg_temp.people() + t, 51, 700)
FROM generate_series(1, pg_temp.twins()) t;

-- name: device
INSERT INTO device (id, kind, user_agent, last_ip, first_seen)
SELECT pg_temp.device(a, nth), CASE nth WHEN 0 THEN pg_temp.word('{phone,laptop,desktop}', a, 54) ELSE 'tablet' END,
    pg_temp.agent(a), pg_temp.ip(a), pg_temp.ago(a, 51, 700)
FROM generate_series(1, pg_temp.accounts()) a, generate_series(0, 1) nth
WHERE nth = 0 OR pg_temp.second_device(a);

-- name: device_account
INSERT INTO device_account (device_id, account_id, last_seen)
SELECT pg_temp.device(a, nth), a, pg_temp.ago(a, 55, 90)
FROM generate_series(1, pg_temp.accounts()) a, generate_series(0, 1) nth
WHERE nth = 0 OR pg_temp.second_device(a)
UNION ALL  -- a family's
SELECT pg_temp.device(a, 0), a + 1, pg_temp.ago(a, 56, 90)
FROM generate_series(1, pg_temp.accounts()) a WHERE pg_temp.shares_device(a);

-- name: session
INSERT INTO session (id, account_id, device_id, token_hash, csrf_token, ip, created_at, expires_at)
SELECT pg_temp.hex(s, 57)::uuid, a, pg_temp.own_device(a), sha256(convert_to(pg_temp.hex(s, 58), 'UTF8')),
    pg_temp.hex(s, 59), pg_temp.ip(a), pg_temp.ago(s, 60, 60), pg_temp.ago(s, 60, 60) + interval '30 days'
FROM generate_series(1, pg_temp.people() * 12 / 10) s, LATERAL (SELECT pg_temp.who(s, 61) AS a) m;

-- name: api_key
INSERT INTO api_key (id, account_id, name, key_hash, scopes, created_at, last_used_at)
SELECT k, pg_temp.who(k, 62), pg_temp.word('{laptop,batch job,game server,plugin}', k, 63),
    sha256(convert_to(pg_temp.hex(k, 64), 'UTF8')),
    CASE WHEN pg_temp.pick(k, 65, 2) = 0 THEN '{generate}' ELSE '{generate,read}' END::text[],
    pg_temp.ago(k, 66, 400), CASE WHEN pg_temp.pick(k, 67, 3) > 0 THEN pg_temp.ago(k, 68, 20) END
FROM generate_series(1, pg_temp.people() * 15 / 100) k;

-- name: upload
INSERT INTO upload (id, account_id, object_key, media_type, byte_size, sha256, original_name, created_at)
SELECT u, a, 'inputs/' || a || '/' || pg_temp.hex(u, 69) || CASE k WHEN 0 THEN '.txt' WHEN 1 THEN '.wav' ELSE '.png' END,
    CASE k WHEN 0 THEN 'text/plain' WHEN 1 THEN 'audio/wav' ELSE 'image/png' END, 1 + pg_temp.pick(u, 70, 90000),
    sha256(convert_to(pg_temp.hex(u, 69), 'UTF8')),
    CASE pg_temp.pick(u, 71, 8) WHEN 0 THEN pg_temp.handle(a) || '.png' WHEN 1 THEN pg_temp.first_name(a) || ' passport photo.png'
        ELSE pg_temp.word('{IMG_2041.png,sketch.png,scan.png,loop.wav,notes.txt}', u, 72) END,
    pg_temp.ago(u, 73, 400)
FROM generate_series(1, pg_temp.people() / 2) u,
    LATERAL (SELECT pg_temp.who(u, 74) AS a, pg_temp.pick(u, 75, 10) AS k) m;

-- name: comment
INSERT INTO comment (id, generation_id, parent_id, account_id, body, created_at)
SELECT c + 1, 1 + pg_temp.pick(c / 5, 76, pg_temp.people() * 3),
    CASE c % 5 WHEN 1 THEN c WHEN 2 THEN c WHEN 4 THEN c END, pg_temp.who(c, 77),
    pg_temp.word('{Lovely light.,How did you get the grain?,The second moon is a nice touch.,Too dark for me.,Print this!,I hear rain in it.,Can I use this as a cover?,What seed was that?}', c, 78)
        || CASE WHEN pg_temp.pick(c, 79, 100) < 14
            THEN ' ' || pg_temp.quote(pg_temp.who(c, 80), pg_temp.pick(c, 81, 6)) ELSE '' END,
    pg_temp.ago(c / 5, 82, 300) + interval '1 hour' * (c % 5)
FROM generate_series(0, pg_temp.people() * 18 / 10 - 1) c;

-- name: generation
INSERT INTO generation (id, account_id, team_id, upload_id, kind, prompt, params, seed, visibility, shared_with,
    output_key, transcript_key, comment_count, created_at, updated_at)
SELECT g, a, m.team_id, u.id, CASE WHEN sound THEN 'audio' ELSE 'image' END::media_kind,
    pg_temp.prompt(g) || CASE pg_temp.pick(g, 83, 60)
        WHEN 0 THEN ', portrait of ' || pg_temp.handle(pg_temp.who(g, 84))
        WHEN 1 THEN ', signed ' || pg_temp.email(a)
        WHEN 2 THEN ', for ' || pg_temp.email(pg_temp.who(g, 84)) ELSE '' END,
    jsonb_strip_nulls(jsonb_build_object('steps', 20 + pg_temp.pick(g, 85, 30), 'size', 112,
        'credit', CASE pg_temp.pick(g, 86, 40) WHEN 0 THEN '@' || pg_temp.handle(pg_temp.who(g, 87)) END,
        'notify', CASE pg_temp.pick(g, 86, 40) WHEN 1 THEN jsonb_build_array(pg_temp.email(a), pg_temp.email(pg_temp.who(g, 87))) END)),
    pg_temp.pick(g, 88, 4294967296),
    CASE WHEN pg_temp.pick(g, 89, 10) < 5 THEN 'public' WHEN pg_temp.pick(g, 89, 10) < 7 THEN 'shared' ELSE 'private' END::visibility,
    CASE WHEN pg_temp.pick(g, 89, 10) IN (5, 6) THEN pg_temp.email(pg_temp.who(g, 90))
        || CASE pg_temp.pick(g, 91, 3) WHEN 0 THEN '; ' || initcap(pg_temp.email(pg_temp.who(g, 92)))
            WHEN 1 THEN ';' || pg_temp.email(pg_temp.who(g, 92)) ELSE '' END ELSE '' END,
    'outputs/' || to_char(pg_temp.ago(g, 93, 400), 'YYYY/MM/') || pg_temp.hex(g, 94) || CASE WHEN sound THEN '.wav' ELSE '.png' END,
    CASE WHEN sound AND pg_temp.pick(g, 95, 2) = 0 THEN 'transcripts/' || pg_temp.hex(g, 96) || '.txt' END,
    coalesce(n.comments, 0), pg_temp.ago(g, 93, 400), pg_temp.ago(g, 93, 400)
FROM generate_series(1, pg_temp.people() * 3) g
CROSS JOIN LATERAL (SELECT pg_temp.who(g, 97) AS a, pg_temp.pick(g, 98, 4) = 0 AS sound) w
LEFT JOIN (SELECT account_id, min(team_id) AS team_id FROM team_member GROUP BY account_id) m
    ON m.account_id = a AND pg_temp.pick(g, 99, 3) = 0
LEFT JOIN (SELECT account_id, min(id) AS id FROM upload WHERE media_type = 'image/png' GROUP BY account_id) u
    ON u.account_id = a AND pg_temp.pick(g, 100, 2) = 0
LEFT JOIN (SELECT generation_id, count(*) AS comments FROM comment GROUP BY generation_id) n ON n.generation_id = g;

-- name: reaction
INSERT INTO reaction (generation_id, account_id, emoji, created_at)
SELECT DISTINCT ON (g, a) g, a, pg_temp.word('{heart,wow,ear,fire}', r, 101), pg_temp.ago(r, 102, 300)
FROM generate_series(1, pg_temp.people()) r,
    LATERAL (SELECT 1 + pg_temp.pick(r, 103, pg_temp.people() * 3) AS g, pg_temp.who(r, 104) AS a) m
ORDER BY g, a, r;

-- name: collection
INSERT INTO collection (id, slug, name, description, creator_id, cover_id, created_at, updated_at)
SELECT c, pg_temp.word('{rain,paper,north,slow,blue,small}', c, 105) || '-' || c, pg_temp.prompt(c + 7),
    CASE WHEN pg_temp.pick(c, 106, 5) = 0 THEN 'Curated with ' || pg_temp.quote(pg_temp.who(c, 110), pg_temp.pick(c, 107, 6)) ELSE '' END,
    pg_temp.who(c, 109), CASE WHEN pg_temp.pick(c, 108, 2) = 0 THEN 1 + pg_temp.pick(c * 4, 113, pg_temp.people() * 3) END,
    pg_temp.ago(c, 112, 300), pg_temp.ago(c, 112, 300)
FROM generate_series(1, pg_temp.people() / 4) c;

-- name: collection_member
INSERT INTO collection_member (collection_id, account_id, role, joined_at)
SELECT DISTINCT ON (c, a) c, a, CASE k WHEN 0 THEN 'owner' ELSE 'editor' END::member_role, pg_temp.ago(c, 112, 300)
FROM generate_series(1, pg_temp.people() / 4) c, generate_series(0, 2) k, LATERAL (SELECT pg_temp.who(c, 109 + k) AS a) m
WHERE k <= pg_temp.pick(c, 114, 3)
ORDER BY c, a, k;

-- name: collection_item
INSERT INTO collection_item (collection_id, generation_id, added_by, tagged_account_ids, note, added_at)
SELECT DISTINCT ON (c, g) c, g, pg_temp.who(c, 109 + pg_temp.pick(c, 115, 1 + pg_temp.pick(c, 114, 3))),
    CASE pg_temp.pick(i, 116, 3) WHEN 0 THEN '{}'::bigint[] WHEN 1 THEN ARRAY[pg_temp.who(i, 117)]
        ELSE ARRAY[pg_temp.who(i, 117), pg_temp.who(i, 118)] END,
    CASE WHEN pg_temp.pick(i, 119, 12) = 0 THEN pg_temp.quote(pg_temp.who(i, 117), pg_temp.pick(i, 120, 6)) ELSE '' END,
    pg_temp.ago(c, 121, 200)
FROM generate_series(4, pg_temp.people() + 3) i,
    LATERAL (SELECT 1 + (i / 4 - 1) % (pg_temp.people() / 4) AS c, 1 + pg_temp.pick(i, 113, pg_temp.people() * 3) AS g) m
ORDER BY c, g, i;

-- name: prompt_export
INSERT INTO prompt_export (id, account_id, object_key, created_at)
SELECT e, pg_temp.who(e, 122), 'exports/' || pg_temp.hex(e, 123) || '.json', pg_temp.ago(e, 124, 200)
FROM generate_series(1, pg_temp.people() / 10) e;

-- name: follow
INSERT INTO follow (follower_id, followee_id, created_at)
SELECT DISTINCT ON (a, b) a, b, pg_temp.ago(f, 125, 300)
FROM generate_series(1, pg_temp.people() * 7 / 10) f,
    LATERAL (SELECT pg_temp.who(f, 126) AS a, pg_temp.who(f, 127) AS b) m
WHERE a <> b ORDER BY a, b, f;

-- name: referral
INSERT INTO referral (id, referrer_id, referred_id, invited_email, code, reward, created_at)
SELECT r, a, CASE WHEN joined THEN b END,
    CASE WHEN joined THEN pg_temp.email(b) ELSE 'invitee.' || (10000 + r) || '@elsewhere.example' END,
    'R' || upper(left(pg_temp.hex(r, 128), 10)), CASE WHEN joined THEN 50 ELSE 0 END, pg_temp.ago(r, 129, 400)
FROM generate_series(1, pg_temp.people() * 15 / 100) r, LATERAL (SELECT pg_temp.who(r, 130) AS a,
    pg_temp.staff() + 1 + (r * 6 + pg_temp.pick(r, 131, 6)) % pg_temp.people() AS b, pg_temp.pick(r, 132, 3) > 0 AS joined) m
WHERE a <> b;

-- name: notification
INSERT INTO notification (id, account_id, actor_id, kind, body, created_at, read_at)
SELECT n, pg_temp.who(n, 133), b, k, '@' || pg_temp.handle(b) || ' '
        || CASE k WHEN 'comment' THEN 'commented on your work' WHEN 'follow' THEN 'follows you' ELSE 'shared a work with you' END,
    pg_temp.ago(n, 134, 120), CASE WHEN pg_temp.pick(n, 135, 2) = 0 THEN pg_temp.ago(n, 134, 120) + interval '1 day' END
FROM generate_series(1, pg_temp.people()) n,
    LATERAL (SELECT pg_temp.who(n, 136) AS b, pg_temp.word('{comment,follow,share}', n, 137) AS k) m;

-- name: support_ticket
INSERT INTO support_ticket (id, account_id, contact_email, assignee_id, subject, status, context, created_at)
SELECT t, CASE WHEN known THEN a END,
    CASE WHEN NOT known THEN 'visitor.' || (10000 + t) || '@elsewhere.example'
        WHEN pg_temp.pick(t, 138, 4) = 0 THEN initcap(pg_temp.email(a)) ELSE pg_temp.email(a) END,
    CASE WHEN pg_temp.pick(t, 139, 5) > 0 THEN pg_temp.helper(t, 140) END,
    pg_temp.word('{Refund,Cannot sign in,My picture is gone,Wrong invoice address,Someone copied my work,API limits}', t, 141)
        || CASE WHEN pg_temp.pick(t, 142, 6) = 0 THEN ' (' || pg_temp.handle(a) || ')' ELSE '' END,
    pg_temp.word('{open,waiting,closed}', t, 143)::ticket_status,
    jsonb_strip_nulls(jsonb_build_object('agent', pg_temp.agent(a), 'device_id', CASE WHEN known THEN pg_temp.own_device(a) END,
        'callback', CASE WHEN known AND pg_temp.pick(t, 144, 3) = 0 THEN pg_temp.phone(a) END,
        'cc', CASE WHEN pg_temp.pick(t, 145, 12) = 0 THEN jsonb_build_array(pg_temp.email(pg_temp.who(t, 146))) END)),
    pg_temp.ago(t, 147, 300)
FROM generate_series(1, pg_temp.people() / 5) t,
    LATERAL (SELECT pg_temp.who(t, 148) AS a, pg_temp.pick(t, 149, 10) > 0 AS known) m;

-- name: support_message
INSERT INTO support_message (ticket_id, seq, author_id, body, attachment_key, sent_at)
SELECT t.id, s, CASE s WHEN 2 THEN coalesce(t.assignee_id, pg_temp.helper(t.id, 140)) ELSE t.account_id END,
    CASE s WHEN 1 THEN 'Hello, ' || lower(t.subject) || '. You reach me at ' || t.contact_email || coalesce(' or ' || (t.context ->> 'callback'), '') || '.'
        WHEN 2 THEN 'Dear customer, we looked at the account of ' || upper(t.contact_email) || '. Is it this one?'
        ELSE 'Yes. ' || CASE WHEN pg_temp.pick(t.id, 150, 4) = 0
            THEN 'It is about this person: ' || pg_temp.quote(pg_temp.who(t.id, 151), pg_temp.pick(t.id, 152, 6))
            ELSE 'Thank you.' END END,
    CASE WHEN s = 1 AND pg_temp.pick(t.id, 153, 8) = 0 THEN 'tickets/' || pg_temp.hex(t.id, 154) || '.txt' END,
    t.created_at + interval '5 hours' * (s - 1)
FROM support_ticket t, generate_series(1, 3) s WHERE s < 3 OR pg_temp.pick(t.id, 155, 2) = 0;

-- name: invoice
INSERT INTO invoice (id, number, account_id, billing_name, billing_email, billing_address, total_cents, issued_on)
SELECT i, 'S-' || (100000 + i), a, pg_temp.first_name(a) || ' ' || pg_temp.last_name(a), pg_temp.email(a), pg_temp.address(a),
    p.cents + CASE WHEN pg_temp.pick(i, 157, 10) < 3 THEN 1900 ELSE 0 END, d
FROM generate_series(1, pg_temp.people() / 2) i
CROSS JOIN LATERAL (SELECT pg_temp.who(i, 156) AS a, pg_temp.word('{spark,flow,atelier}', i, 158) AS code,
    (pg_temp.ago(i, 159, 800) - CASE WHEN i % 33 = 0 THEN interval '11 years' ELSE interval '0' END)::date AS d) m
JOIN credit_pack p USING (code);

-- name: invoice_line
INSERT INTO invoice_line (invoice_id, line_no, pack_code, description, quantity, unit_cents, booked_on)
SELECT i.id, 1, p.code, p.name || ', ' || p.credits || ' credits', 1, p.cents, i.issued_on
FROM invoice i JOIN credit_pack p ON p.code = pg_temp.word('{spark,flow,atelier}', i.id, 158)
UNION ALL
SELECT i.id, 2, NULL, 'Print, sent to ' || (i.billing_address ->> 'city')
    || CASE WHEN pg_temp.pick(i.id, 160, 12) = 0 THEN ', gift for ' || pg_temp.handle(pg_temp.who(i.id, 161)) ELSE '' END, 1, 1900, i.issued_on
FROM invoice i WHERE pg_temp.pick(i.id, 157, 10) < 3;

-- name: payment
INSERT INTO payment (id, invoice_id, account_id, customer_ref, charge_ref, card_last4, status, raw, booked_on, created_at)
SELECT i.id, i.id, i.account_id, pg_temp.customer(i.account_id), 'ch_' || left(pg_temp.hex(i.id, 162), 20),
    lpad(pg_temp.pick(i.account_id, 163, 10000)::text, 4, '0'), pg_temp.word('{succeeded,succeeded,succeeded,refunded}', i.id, 164)::payment_status,
    jsonb_build_object('object', 'charge', 'receipt_email', i.billing_email,
        'billing_details', jsonb_build_object('name', i.billing_name, 'address', i.billing_address)),
    i.issued_on, i.issued_on + interval '10 hours'
FROM invoice i;

-- name: credit_entry
INSERT INTO credit_entry (id, account_id, delta, reason, generation_id, payment_id, created_at)
SELECT row_number() OVER (ORDER BY kind, ref), account_id, delta, reason, generation_id, payment_id, created_at
FROM (
    SELECT 1 AS kind, p.id AS ref, p.account_id, 500 AS delta, 'purchase' AS reason, NULL::bigint AS generation_id, p.id AS payment_id, p.created_at FROM payment p
    UNION ALL
    SELECT 2, g.id, g.account_id, -5, CASE WHEN pg_temp.pick(g.id, 165, 50) = 0 THEN 'gift to ' || pg_temp.handle(pg_temp.who(g.id, 166)) ELSE 'generation' END,
        g.id, NULL, g.created_at FROM generation g WHERE g.id % 2 = 0
) e;

-- name: payment_webhook
INSERT INTO payment_webhook (id, customer_ref, body, log, received_at)
SELECT p.id / 2, p.customer_ref,
    convert_to(json_build_object('type', 'charge.' || p.status, 'data', json_build_object('customer', p.customer_ref,
        'charge', p.charge_ref, 'receipt_email', p.raw ->> 'receipt_email'))::text, 'UTF8'),
    CASE WHEN pg_temp.pick(p.id, 167, 4) = 0 THEN 'retry 1; payer ' || encode(convert_to(p.raw ->> 'receipt_email', 'UTF8'), 'hex') ELSE 'ok' END, p.created_at
FROM payment p WHERE p.id % 2 = 0;

-- name: newsletter_subscriber
INSERT INTO newsletter_subscriber (id, email, interests, source, unsubscribe_token, subscribed_at, unsubscribed_at)
SELECT n, CASE WHEN n > pg_temp.accounts() THEN 'reader.' || (10000 + n) || '@elsewhere.example'
        WHEN pg_temp.pick(n, 168, 3) = 0 THEN initcap(pg_temp.email(n)) ELSE pg_temp.email(n) END,
    CASE pg_temp.pick(n, 169, 3) WHEN 0 THEN '{images}' WHEN 1 THEN '{audio,api}' ELSE '{images,events}' END::text[],
    pg_temp.word('{footer,sign-up,event}', n, 170), sha256(convert_to(pg_temp.hex(n, 171), 'UTF8')), pg_temp.ago(n, 172, 600),
    CASE WHEN pg_temp.pick(n, 173, 8) = 0 THEN pg_temp.base() END
FROM generate_series(pg_temp.staff() + 1, pg_temp.accounts() + pg_temp.people() / 12) n
WHERE n > pg_temp.accounts() OR pg_temp.pick(n, 174, 100) < 35;

-- name: marketing_lead
INSERT INTO marketing_lead (id, vendor, email, payload, interests, received_on)
SELECT l, pg_temp.word('{Leadwell,Prospectica,B2Beacon}', l, 175),
    CASE WHEN known THEN pg_temp.email(a) ELSE 'buyer.' || (10000 + l) || '@company.example' END,
    jsonb_strip_nulls(jsonb_build_object('company', pg_temp.last_name(l) || ' Media',
        'contact', CASE WHEN known THEN jsonb_build_object('name', pg_temp.first_name(a) || ' ' || pg_temp.last_name(a),
            'phone', pg_temp.phone(a), 'address', pg_temp.address(a)) ELSE jsonb_build_object('name', pg_temp.first_name(l)) END,
        'colleagues', CASE WHEN pg_temp.pick(l, 176, 5) = 0 THEN jsonb_build_array(pg_temp.email(pg_temp.who(l, 177)), 'desk.' || (10000 + l) || '@company.example') END,
        'source_url', 'https://fair.example/badge?e=' || replace(CASE WHEN known THEN pg_temp.email(a) ELSE 'none' END, '@', '%40'))),
    CASE pg_temp.pick(l, 178, 3) WHEN 0 THEN '{games}' WHEN 1 THEN '{film,advertising}' ELSE '{print}' END::text[],
    pg_temp.ago(l, 179, 300)::date
FROM generate_series(1, pg_temp.people() * 3 / 10) l,
    LATERAL (SELECT pg_temp.who(l, 180) AS a, pg_temp.pick(l, 181, 3) > 0 AS known) m;

-- name: fraud_score
INSERT INTO fraud_score (device_id, email, score, signals, received_at)
SELECT CASE WHEN pg_temp.pick(f, 182, 10) < 8 THEN pg_temp.own_device(a) END,
    CASE WHEN pg_temp.pick(f, 182, 10) NOT IN (0, 1, 2) THEN CASE pg_temp.pick(f, 183, 4) WHEN 0 THEN upper(pg_temp.email(a)) ELSE pg_temp.email(a) END END,
    (pg_temp.pick(f, 184, 1001) / 1000.0)::numeric(4, 3),
    jsonb_build_object('velocity', pg_temp.pick(f, 185, 9), 'ip', host(pg_temp.ip(a))), date_trunc('day', pg_temp.ago(f, 186, 200))
FROM generate_series(1, pg_temp.people() * 6 / 10) f
CROSS JOIN LATERAL (SELECT pg_temp.who(f, 187) AS a) m
CROSS JOIN LATERAL generate_series(1, CASE WHEN pg_temp.pick(f, 188, 25) = 0 THEN 2 ELSE 1 END) twice;

-- name: event
INSERT INTO event (id, occurred_at, name, props)
SELECT e, pg_temp.ago(e, 189, 180), k,
    jsonb_strip_nulls(jsonb_build_object('account_id', CASE WHEN pg_temp.pick(e, 190, 10) < 9 THEN a END, 'device_id', pg_temp.own_device(a),
        'path', CASE k WHEN 'profile_viewed' THEN '/u/' || pg_temp.handle(pg_temp.who(e, 191)) WHEN 'page_viewed' THEN '/gallery' ELSE '/create' END,
        'ref', CASE WHEN pg_temp.pick(e, 192, 40) = 0 THEN 'https://mail.example/?to=' || replace(pg_temp.email(pg_temp.who(e, 193)), '@', '%40') END))
FROM generate_series(1, pg_temp.people() * 5 / 2) e,
    LATERAL (SELECT pg_temp.who(e, 194) AS a, pg_temp.word('{page_viewed,page_viewed,generated,profile_viewed,signed_in}', e, 195) AS k) m;

-- name: audit_entry
INSERT INTO audit_entry (id, actor_id, action, subject_type, subject_id, detail, ip, created_at)
SELECT e, CASE WHEN k = 'account' AND pg_temp.pick(e, 196, 3) = 0 THEN pg_temp.helper(e, 197) ELSE o.actor END,
    CASE k WHEN 'account' THEN 'account.changed' WHEN 'generation' THEN 'generation.shared' WHEN 'collection' THEN 'collection.renamed' ELSE 'invoice.sent' END,
    k, o.subject,
    CASE k WHEN 'account' THEN jsonb_build_object('field', 'email', 'new', pg_temp.email(o.actor))
        WHEN 'invoice' THEN jsonb_build_object('to', pg_temp.email(o.actor))
        WHEN 'generation' THEN jsonb_build_object('with', pg_temp.email(pg_temp.who(e, 198))) ELSE '{}' END,
    pg_temp.ip(o.actor), pg_temp.ago(e, 199, 365)
FROM generate_series(1, pg_temp.people() * 12 / 10) e
CROSS JOIN LATERAL (SELECT pg_temp.word('{account,account,generation,collection,invoice}', e, 200) AS k) m
CROSS JOIN LATERAL (SELECT 1 + pg_temp.pick(e, 201, CASE k WHEN 'generation' THEN pg_temp.people() * 3 WHEN 'collection' THEN pg_temp.people() / 4 ELSE pg_temp.people() / 2 END) AS ref) r
CROSS JOIN LATERAL (SELECT
    CASE k WHEN 'account' THEN pg_temp.who(e, 202) ELSE ref END AS subject,
    CASE k WHEN 'account' THEN pg_temp.who(e, 202) WHEN 'generation' THEN pg_temp.who(ref, 97)
        WHEN 'collection' THEN pg_temp.who(ref, 109) ELSE pg_temp.who(ref, 156) END AS actor) o;

-- name: request_log
INSERT INTO request_log (id, device_id, ip, line, logged_at)
SELECT l, pg_temp.own_device(a), pg_temp.ip(a),
    CASE pg_temp.pick(l, 203, 8)
        WHEN 0 THEN 'GET /sign-in?email=' || replace(pg_temp.email(a), '@', '%40') || ' 200'
        WHEN 1 THEN 'GET /u/' || pg_temp.handle(pg_temp.who(l, 204)) || ' 200'
        WHEN 2 THEN 'POST /hooks/mail 202 to=' || encode(convert_to(pg_temp.email(pg_temp.who(l, 204)), 'UTF8'), 'hex')
        WHEN 3 THEN 'ERROR mailer: {"to":"' || pg_temp.email(pg_temp.who(l, 204)) || '","code":550}'
        ELSE 'GET /gallery 200' END, pg_temp.ago(l, 205, 30)
FROM generate_series(1, pg_temp.people() * 4 / 10) l, LATERAL (SELECT pg_temp.who(l, 206) AS a) m;
