-- The rows: the same on every run, drawn by arithmetic.
INSERT INTO users (login, email, encrypted_password, mobile, birthday, current_sign_in_ip, locale, admin,
                   invited_by_id, created_at)
SELECT 'fan_' || n, 'fan' || n || '@post.example', '$2a$12$' || md5('p' || n) || 'abcdefghijkl',
       CASE WHEN n % 3 > 0 THEN '+316' || 10000000 + n END, date '1970-01-01' + n, '10.9.' || n % 7 || '.' || n % 250,
       'nl-NL', n <= 4, CASE WHEN n % 6 = 0 THEN n / 2 END, timestamp '2023-01-01' + n * interval '1 hour'
FROM generate_series(1, 350) n;
INSERT INTO venues (name, city, capacity) SELECT 'Hall ' || n, 'Utrecht', 100 * n FROM generate_series(1, 9) n;
INSERT INTO concerts (venue_id, title, starts_at, base_price_cents)
SELECT 1 + n % 9, 'Concert ' || n, timestamp '2024-01-01' + n * interval '1 day', 2500 FROM generate_series(1, 60) n;
INSERT INTO bookings (user_id, concert_id, guest_email, total_cents, stripe_customer_id, state, created_at)
SELECT CASE WHEN n % 4 > 0 THEN 1 + n * 7 % 350 END, 1 + n % 60,
       CASE WHEN n % 4 = 0 THEN 'guest' || n || '@mail.example' END, 100 * n,
       CASE WHEN n % 4 > 0 THEN 'cus_' || substr(md5('s' || n * 7 % 350), 1, 14) END, 'paid',
       timestamp '2024-02-01' + n * interval '1 minute'
FROM generate_series(1, 700) n;
INSERT INTO tickets (booking_id, seat, holder_email, barcode)
SELECT 1 + n % 700, 'A' || n % 90, CASE WHEN n % 5 = 0 THEN 'friend' || n || '@mail.example' END, md5('t' || n)
FROM generate_series(1, 1300) n;
INSERT INTO groepen (naam, aangemaakt) SELECT 'Groep ' || n, timestamp '2024-01-01' FROM generate_series(1, 70) n;
INSERT INTO groep_leden (groep_id, user_id, rol) SELECT 1 + n % 70, 1 + n * 3 % 350, 'lid' FROM generate_series(1, 240) n;
INSERT INTO comments (commentable_type, commentable_id, author_id, body, created_at)
SELECT (ARRAY['Concert', 'Venue'])[1 + n % 2], 1 + n % 9, 1 + n * 11 % 350, 'What a night, number ' || n,
       timestamp '2024-03-01' FROM generate_series(1, 400) n;
INSERT INTO attachments (record_type, record_id, file_key, byte_size)
SELECT (ARRAY['User', 'Comment', 'Venue'])[1 + n % 3], 1 + n % 9 + CASE WHEN n % 3 = 2 THEN 0 ELSE n % 300 END,
       'store/' || n || '/picture.jpg', n FROM generate_series(1, 330) n;
INSERT INTO nieuwsbrief SELECT 'FAN' || n || '@post.example', date '2024-01-01', 'site' FROM generate_series(1, 90) n;
INSERT INTO push_tokens (user_id, device_id, token, platform)
SELECT 1 + n % 350, 'dev-' || substr(md5('d' || n % 300), 1, 16), md5('k' || n) || md5('l' || n), 'ios'
FROM generate_series(1, 320) n;
INSERT INTO app_events (device_id, name, data, at)
SELECT 'dev-' || substr(md5('d' || n % 400), 1, 16), 'open',
       jsonb_build_object('screen', 'home', 'user', CASE WHEN n % 2 = 0 THEN jsonb_build_object('id', 1 + n % 350) END),
       timestamp '2024-04-01' + n * interval '1 second' FROM generate_series(1, 1500) n;
INSERT INTO payouts (venue_id, iban, amount_cents, paid_on)
SELECT 1 + n % 9, 'NL91ABNA0417164300', 1000 * n, date '2024-05-01' FROM generate_series(1, 40) n;
INSERT INTO versions (item_type, item_id, event, whodunnit, object_changes, created_at)
SELECT (ARRAY['User', 'Booking'])[1 + n % 2], 1 + n % 340, 'update', (1 + n % 350)::text,
       jsonb_build_object('state', 'paid'), timestamp '2024-06-01' FROM generate_series(1, 500) n;
INSERT INTO schema_migrations SELECT '2024010' || n FROM generate_series(1, 9) n;
