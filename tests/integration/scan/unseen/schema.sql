-- Tickets for concerts: Rails habits, no foreign keys, plural names, Dutch in the older tables.

CREATE TABLE users (
    id bigserial PRIMARY KEY, login varchar(40) NOT NULL UNIQUE, email varchar(190) NOT NULL,
    encrypted_password varchar(80) NOT NULL, mobile varchar(30), birthday date,
    current_sign_in_ip varchar(45), locale varchar(8), admin boolean NOT NULL DEFAULT false,
    invited_by_id bigint, created_at timestamp NOT NULL
);
CREATE TABLE venues (id bigserial PRIMARY KEY, name varchar(80) NOT NULL, city varchar(60), capacity int);
CREATE TABLE concerts (
    id bigserial PRIMARY KEY, venue_id bigint NOT NULL, title varchar(120) NOT NULL,
    starts_at timestamp NOT NULL, base_price_cents int NOT NULL
);
CREATE TABLE bookings (
    id bigserial PRIMARY KEY, user_id bigint, concert_id bigint NOT NULL, guest_email varchar(190),
    total_cents int NOT NULL, stripe_customer_id varchar(40), state varchar(12) NOT NULL, created_at timestamp NOT NULL
);
CREATE TABLE tickets (
    id bigserial PRIMARY KEY, booking_id bigint NOT NULL, seat varchar(8), holder_email varchar(190),
    barcode varchar(40) NOT NULL UNIQUE
);
CREATE TABLE groepen (id bigserial PRIMARY KEY, naam varchar(60) NOT NULL, aangemaakt timestamp);
CREATE TABLE groep_leden (id bigserial PRIMARY KEY, groep_id bigint NOT NULL, user_id bigint NOT NULL, rol varchar(10));
CREATE TABLE comments (
    id bigserial PRIMARY KEY, commentable_type varchar(30) NOT NULL, commentable_id bigint NOT NULL,
    author_id bigint NOT NULL, body text NOT NULL, created_at timestamp NOT NULL
);
CREATE TABLE attachments (
    id bigserial PRIMARY KEY, record_type varchar(30) NOT NULL, record_id bigint NOT NULL,
    file_key varchar(200) NOT NULL, byte_size int
);
CREATE TABLE nieuwsbrief (e_mail varchar(190) NOT NULL, sinds date, bron varchar(20));
CREATE TABLE push_tokens (id bigserial PRIMARY KEY, user_id bigint NOT NULL, device_id varchar(60), token varchar(160), platform varchar(10));
CREATE TABLE app_events (id bigserial PRIMARY KEY, device_id varchar(60), name varchar(40) NOT NULL, data jsonb, at timestamp NOT NULL);
CREATE TABLE payouts (id bigserial PRIMARY KEY, venue_id bigint NOT NULL, iban varchar(34), amount_cents int NOT NULL, paid_on date);
CREATE TABLE versions (
    id bigserial PRIMARY KEY, item_type varchar(30) NOT NULL, item_id bigint NOT NULL, event varchar(10),
    whodunnit varchar(20), object_changes jsonb, created_at timestamp
);
CREATE TABLE schema_migrations (version varchar(30) PRIMARY KEY);
