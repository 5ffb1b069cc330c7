-- Shop and forum of a mail-order house, grown since 2003 and moved from another server in 2015.
-- Foreign keys were lost in the move, save for two that somebody added later.

CREATE TABLE "tbl_Mandant" (
    mandant_id  smallint PRIMARY KEY,
    bez         varchar(60) NOT NULL,
    shop_url    varchar(100),
    kontakt     varchar(80)
);

CREATE TABLE "tbl_Land" (
    lnd_kz      char(2) PRIMARY KEY,
    bez_de      varchar(60) NOT NULL,
    eu_kz       char(1) NOT NULL DEFAULT 'N'
);

CREATE TABLE "tbl_MwSt" (
    mwst_id     smallint PRIMARY KEY,
    satz        numeric(4,2) NOT NULL,
    gueltig_ab  date NOT NULL
);

CREATE TABLE cfg_param (
    prm_key     varchar(40) PRIMARY KEY,
    prm_val     text,
    upd_dat     timestamp,
    upd_usr     varchar(4)
);

CREATE TABLE "tbl_Mitarb" (
    ma_kz       varchar(4) PRIMARY KEY,
    ma_name     varchar(60) NOT NULL,
    ma_mail     varchar(80),
    ma_durchw   varchar(10),
    abt         varchar(20),
    aktiv       char(1) NOT NULL DEFAULT 'J'
);

-- Logins of shop and forum. usr_typ: K customer, M moderator, S system (import, bot).
CREATE TABLE tbl_usr (
    usr_id      serial PRIMARY KEY,
    usr_nick    varchar(30) NOT NULL,
    usr_mail    varchar(120) NOT NULL,
    usr_pwd     char(32) NOT NULL,
    usr_typ     char(1) NOT NULL DEFAULT 'K',
    sig         text,
    avatar_dat  varchar(80),
    reg_dat     timestamp NOT NULL,
    reg_ip      varchar(45),
    ltz_login   timestamp,
    sperr_kz    smallint NOT NULL DEFAULT 0,
    crt_usr     varchar(4),
    upd_usr     varchar(4)
);

CREATE TABLE "tbl_Kdn" (
    mandant_id  smallint NOT NULL,
    cust_no     integer NOT NULL,
    fk_usr      integer,
    anr         varchar(10),
    nname       varchar(60),
    vname       varchar(60),
    firma       varchar(80),
    cust_mail   varchar(120),
    tel         varchar(40),
    "AnschrTxt" text,
    lnd_kz      char(2),
    geb_dat     date,
    ust_id      varchar(20),
    iban        varchar(34),
    pp_payer    varchar(20),
    "BonStufe"  smallint,
    bem         text,
    crt_dat     timestamp,
    crt_usr     varchar(4),
    upd_dat     timestamp,
    upd_usr     varchar(4),
    PRIMARY KEY (mandant_id, cust_no)
);

CREATE TABLE "tbl_Art" (
    art_nr      varchar(12) PRIMARY KEY,
    bez         varchar(100) NOT NULL,
    wg          varchar(20),
    vk_preis    numeric(9,2) NOT NULL,
    mwst_id     smallint NOT NULL REFERENCES "tbl_MwSt",
    "Bestand"   integer,
    crt_dat     timestamp,
    crt_usr     varchar(4),
    upd_usr     varchar(4)
);

CREATE TABLE "tbl_Auftr" (
    auf_nr      integer PRIMARY KEY,
    mandant_id  smallint NOT NULL,
    cust_no     integer NOT NULL,
    auf_dat     timestamp NOT NULL,
    stat        smallint NOT NULL,
    zahl_art    varchar(10),
    pp_txn      varchar(20),
    "LiefAnschr" text,
    tel_avis    varchar(40),
    best_ip     varchar(45),
    ges_betr    numeric(10,2),
    kd_notiz    text,
    crt_usr     varchar(4),
    upd_usr     varchar(4)
);

CREATE TABLE "tbl_AuftrPos" (
    auf_nr      integer NOT NULL REFERENCES "tbl_Auftr",
    pos_nr      smallint NOT NULL,
    art_nr      varchar(12) NOT NULL,
    mng         smallint NOT NULL,
    ep          numeric(9,2) NOT NULL,
    "GravTxt"   varchar(60),
    PRIMARY KEY (auf_nr, pos_nr)
);

CREATE TABLE "tbl_Rech" (
    re_nr       varchar(14) PRIMARY KEY,
    auf_nr      integer NOT NULL,
    mandant_id  smallint NOT NULL,
    cust_no     integer NOT NULL,
    re_dat      date NOT NULL,
    brutto      numeric(10,2) NOT NULL,
    bez_dat     date,
    mail_an     varchar(120)
);

CREATE TABLE "tbl_Gutsch" (
    gs_code     varchar(12) PRIMARY KEY,
    wert        numeric(6,2) NOT NULL,
    fuer_mail   varchar(120),
    einl_auf    integer,
    gueltig_bis date
);

-- Receivers of the newsletter; most have no login and many never bought anything.
CREATE TABLE "NL_Empf" (
    e_mail      varchar(120) NOT NULL,
    liste       varchar(10) NOT NULL,
    anm_dat     timestamp,
    doi_ip      varchar(45),
    abm_dat     timestamp,
    quelle      varchar(20)
);

CREATE TABLE "tbl_Bewert" (
    bew_id      integer PRIMARY KEY,
    art_nr      varchar(12) NOT NULL,
    fk_usr      integer,
    gast_mail   varchar(120),
    anz_name    varchar(40),
    sterne      smallint NOT NULL,
    txt         text,
    dat         timestamp NOT NULL,
    frei_usr    varchar(4)
);

CREATE TABLE frm_forum (
    frm_id      smallint PRIMARY KEY,
    titel       varchar(60) NOT NULL,
    mod_usr     integer
);

CREATE TABLE frm_thema (
    thm_id      integer PRIMARY KEY,
    frm_id      smallint NOT NULL,
    titel       varchar(120) NOT NULL,
    fk_usr      integer,
    dat         timestamp NOT NULL,
    ltz_btr     integer
);

CREATE TABLE frm_beitr (
    btr_id      integer PRIMARY KEY,
    thm_id      integer NOT NULL,
    antw_auf    integer,
    fk_usr      integer,
    txt         text NOT NULL,
    dat         timestamp NOT NULL,
    ip          varchar(45),
    edit_usr    integer,
    gel_kz      smallint NOT NULL DEFAULT 0
);

-- Private messages. an: usr_id of each receiver, with commas.
CREATE TABLE frm_pn (
    pn_id       integer PRIMARY KEY,
    von         integer NOT NULL,
    an          varchar(200) NOT NULL,
    betr        varchar(100),
    txt         text,
    dat         timestamp NOT NULL
);

-- Outgoing mails. empf: addresses with commas.
CREATE TABLE "MailAusg" (
    mail_id     integer PRIMARY KEY,
    dat         timestamp NOT NULL,
    empf        text NOT NULL,
    betr        varchar(150),
    inh         text,
    auf_nr      integer,
    stat        smallint NOT NULL
);

-- obj_typ: USR, AUF, BTR, ART. No key; old rows were copied twice.
CREATE TABLE sys_log (
    dat         timestamp NOT NULL,
    obj_typ     char(3) NOT NULL,
    obj_id      varchar(20) NOT NULL,
    akt         varchar(10) NOT NULL,
    usr         varchar(6),
    txt         text
);

CREATE TABLE log_login (
    dat         timestamp NOT NULL,
    login_mail  varchar(120) NOT NULL,
    ip          varchar(45),
    ua          varchar(200),
    ok          smallint NOT NULL
);
CREATE INDEX log_login_dat ON log_login (dat);
