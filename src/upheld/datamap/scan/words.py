"""What names of tables and columns mean, in several languages, prefixes and abbreviations.

A name is read as a list of small words (`fk_usr`, `KundenNr`, `usr_mail`). Words that
mean the same are one *concept*; where a list does not know a word, the shape of an
abbreviation does: same first letter, the rest in order.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise

from upheld.datamap.scan.vocabulary import word_set

_SPLIT = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_]+")
_UMLAUTS = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"}
    | dict(zip("éèêáàâíóòôúñçÉÁÍÓÚÑ", "eeeaaaiooouncEAIOUN", strict=True))
)
_TAILS = ("nummer", "uuid", "guid", "uid", "nr", "id", "no", "num", "fk")

KEY_WORDS = word_set(
    """
    id ids no nr nrs num number nummer numero key keys ref refs fk pk uid uuid uuids
    guid code cod kennung schluessel idx oid pid
    """
)
PERSON = word_set(
    """
    paciente paziente patienten alumno abonado huesped ospite lid leden medlem asiakas schueler
    studenten bewohner mieter versicherter spender abonne adherent eleve etudiant salarie locataire
    acheteur vendeur bruger osoba pracownik klienci empleado doctor medico arzt aerzte teacher
    lehrer
    interessent bewerber kontoinhaber seller vendor_user tutor kdn gast utenti persone
    user usr account acct acc customer cust client member mbr person people persona
    human kunde kunden kd knd benutzer nutzer anwender teilnehmer mitglied mitgl
    utilisateur usuario cliente utente klant gebruiker klient patient student pupil
    profile subscriber buyer shopper player guest besteller kaeufer socio membre membro
    konto uid passenger tenant_user citizen resident donor learner rider driver
    traveller traveler compte cuenta bruker anvandare kayttaja uzytkownik participant
    attendee freelancer candidate applicant employee
    """
)
STAFF = word_set(
    """
    staff employee admin administrator mitarbeiter mitarb ma operator agent personal
    empleado employe clerk sachbearbeiter backoffice moderator
    """
)
STRONG = word_set(
    """
    creado cree erstellt creato aangemaakt seller reporter
    owner besitzer inhaber holder author autor verfasser ersteller creator poster sender
    absender buyer uploader requester requestor reporter submitter follower followee
    followed following followers referrer referred payer subscriber recipient receiver
    empfaenger addressee user1 user2 uploaded posted written submitted requested sent
    ordered reported proprietaire auteur dueno propietario eigentuemer customer
    beneficiary student created create crt angelegt erfasst host guest winner bidder
    seller voter rater reviewer liker invitee
    """
)
CREATOR = word_set("whodunnit actor initiator performed performer triggered added acting")
OTHERS = word_set(
    """
    assignee assigned agent approver approved moderator bearbeiter sachbearbeiter tagged
    mentioned mention updated modified changed edited edit upd mod chg del frei deleted
    removed resolved closed locked manager supervisor invited inviter cc bcc notify
    watcher watchers colleague colleagues friend friends emergency contact referee
    reviewed verified handled processed freigabe released banned blocked archived merged
    geaendert empfehler vermittler geworben shared share collaborators participants
    attendees viewers witness introduced recommended
    """
)
MENTION_MAIL = word_set(
    """
    invited invite invitee cc bcc notify shared share colleague colleagues friend
    friends emergency recipient to recipients to_email empfaenger referred guest tagged
    mentioned forward forwarded assignee attendees attendee participants collaborators
    reporter_cc watchers target witness empfohlen geworben freund
    """
)
RECIPIENT = word_set(
    """
    to an empf empfaenger recipient recipients receiver receivers addressee an_user
    """
)
MEMBERSHIP = word_set(
    """
    lid leden membre membri miembro medlem deelnemer
    member membership mitglied participant participation user owner collaborator guest
    share sharing access roster attendee enrollment enrolment teilnehmer account person
    permission subscriber seat player mitgl assignment customer kunde family household
    profile
    """
)
NOT_MEMBERSHIP = word_set(
    """
    reaction like vote rating view read favorite favourite bookmark follow watch watcher
    notification mute visit click play download log event history comment message review
    report flag block mention wishlist merkliste order bestellung session login audit
    star seen receipt item invoice upload subscription
    """
)
GROUPS = word_set(
    """
    organization organisation org tenant company workspace firma mandant firm site
    business mandator agency enterprise customer_group
    """
)
SCOPE = word_set(
    """
    role rolle is_staff staff is_admin admin type typ kind is_superuser level gruppe art
    is_bot is_internal
    """
)

# Concept -> words. The first concept that a word has is its own.
CONCEPTS: dict[str, frozenset[str]] = {
    "email": word_set(
        """
    correos
    email mail emailaddress mailaddress mailadresse courriel correo epost eml
    """
    ),
    "phone": word_set(
        """
    movil portable gsm telefono
    phone tel telefon telephone mobile mobil handy fax fon cell msisdn phonenumber
    telefono
    """
    ),
    "handle": word_set(
        """
    handle username login nick nickname screenname benutzername loginname nutzername
    alias spitzname pseudo anmeldename
    """
    ),
    "password": word_set(
        """
    clave contrasena mdp
    password passwd pass pwd passwort kennwort pw passhash motdepasse contrasena secret
    token otp totp salt csrf apikey credential nonce pin jwt refresh webauthn passkey
    signature
    """
    ),
    "ip": word_set(
        """
    ip ipaddr ipaddress ipv4 ipv6 remoteaddr remote_addr ipadresse
    """
    ),
    "agent": frozenset(["useragent", "ua", "agent", "browser"]),
    "device": word_set(
        """
    device visitor fingerprint cookie installation install geraet anonymous anon
    clientid idfa gaid imei udid browserid hardware endpoint
    """
    ),
    "paykey": word_set(
        """
    stripe paypal payer iban mandate braintree adyen mollie psp klarna
    """
    ),
    "name": word_set(
        """
    nombre apellidos
    name vorname nachname firstname lastname surname forename fullname displayname given
    family prenom nom nombre apellido anrede title salutation
    """
    ),
    "address": word_set(
        """
    address addr adresse anschrift street strasse str city ort stadt zip plz postal
    postcode postleitzahl hausnummer hausnr country land region state town ville rue
    calle
    """
    ),
    "birth": word_set(
        """
    nacimiento naissance
    birth birthday birthdate dob geburtstag geburtsdatum geb gebdat gender sex
    geschlecht
    """
    ),
    "place": word_set(
        """
    lat lon lng latitude longitude geo gps coordinates position location standort
    """
    ),
    "money": word_set(
        """
    importe montant bedrag monto iva
    price amount total cents currency iban bic bank card tax vat ust betrag preis summe
    waehrung rabatt mwst discount iva credit balance saldo steuer ustid fee cost netto
    brutto blz kontonr last4 pan
    """
    ),
}

TOPICS: tuple[tuple[str, frozenset[str]], ...] = (
    (
        "credentials",
        word_set(
            """
    token api apikey secret password credential oauth passkey otp recovery reset key
    """
        ),
    ),
    (
        "security",
        word_set(
            """
    acceso connexion flag blacklist
    attempt fraud ban block blocklist denylist sperre risk security session sessions
    sitzung captcha abuse lockout fraude login logins signin anmeldung impersonation
    """
        ),
    ),
    (
        "log",
        word_set(
            """
    version versions
    job queue outbox
    log logs audit history protokoll changelog revision journal trail aenderung historie
    verlauf
    """
        ),
    ),
    (
        "marketing",
        word_set(
            """
    boletin bulletin infolettre nieuwsbrief
    newsletter nl campaign lead consent mailing utm promo werbung optin kampagne
    einwilligung subscriber unsubscribe segment attribution waitlist prospect marketing
    affiliate
    """
        ),
    ),
    (
        "payment",
        word_set(
            """
    booking reservation reservierung reserva pago paiement
    invoice order payment charge refund rechnung bestellung zahlung cart basket
    warenkorb billing price credit wallet transaction purchase position gutschein coupon
    payout sepa pay transfer bestell rechn zahl subscription plan checkout bank
    gutschrift mahnung retoure return shipment lieferung receipt auftrag facture
    commande pedido factura best rech pos ledger
    """
        ),
    ),
    (
        "communication",
        word_set(
            """
    message mail comment post thread ticket notification chat reply review forum topic
    beitrag nachricht kommentar anfrage conversation inbox support bewertung invitation
    invite referral call sms email feedback discussion msg pn pm dm faq mitteilung mention
    guestbook letter announcement rating einladung reminder
    """
        ),
    ),
    (
        "device",
        frozenset(
            ["device", "geraet", "push", "browser", "fingerprint", "installation", "handset"]
        ),
    ),
    (
        "usage",
        word_set(
            """
    appointment termin cita rdv
    event view visit click analytics reaction like vote favorite favourite watch watcher
    follow pageview tracking download search read usage metric stat bookmark merkliste
    wishlist activity besuch klick suche track time hit play impression star merkzettel
    progress timelog timesheet worklog
    """
        ),
    ),
    (
        "location",
        frozenset(["location", "gps", "checkin", "geo", "trip", "standort", "coordinate"]),
    ),
    (
        "contact",
        word_set(
            """
    address addr adresse anschrift contact phone telefon adr kontakt
    """
        ),
    ),
    (
        "outputs",
        word_set(
            """
    generation output export report render result recommendation collection album
    prediction
    """
        ),
    ),
    (
        "inputs",
        word_set(
            """
    listing anzeige angebot annonce anuncio adjunto
    upload file document attachment photo image prompt project issue task note page
    datei bild anhang media draft card board story wiki doc asset video audio idea
    article recipe milestone sprint epic label playlist list survey answer form
    submission
    """
        ),
    ),
    (
        "account",
        word_set(
            """
    profile setting settings preference preferences role team group membership member
    organization organisation workspace tenant permission grant access invite account
    user customer einstellung konto identity
    """
        ),
    ),
)


@lru_cache(maxsize=20_000)
def words_of(name: str) -> tuple[str, ...]:
    """Split a name into small words: `fk_usr`, `KundenNr` and `userid` alike."""
    found: list[str] = []
    for raw in _SPLIT.findall(name.translate(_UMLAUTS)):
        word = raw.lower()
        found.extend(_parts(word))
    return tuple(found)


def _parts(word: str) -> tuple[str, ...]:
    if word in KEY_WORDS or singular(word) in KNOWN:
        return (word,)
    for tail in _TAILS:
        head = word.removesuffix(tail)
        if head != word and len(head) >= 2 and singular(head) in KNOWN:  # noqa: PLR2004  `kdnr`
            return (head, tail)
    return (word,)


@lru_cache(maxsize=20_000)
def singular(word: str) -> str:
    """Give a word without its plural ending, roughly and the same for every form."""
    for tail, instead in (
        ("ies", "y"),
        ("sses", "ss"),
        ("xes", "x"),
        ("ches", "ch"),
        ("shes", "sh"),
    ):
        if word.endswith(tail) and len(word) > len(tail) + 1:
            return word[: -len(tail)] + instead
    if word.endswith("ungen"):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):  # noqa: PLR2004  `gas`
        return word[:-1]
    return word


def _known() -> frozenset[str]:
    every = [PERSON, STAFF, STRONG, CREATOR, OTHERS, *CONCEPTS.values(), *(w for _, w in TOPICS)]
    return frozenset().union(*every)


KNOWN = _known()


def stems(words: Iterable[str]) -> tuple[str, ...]:
    """Give the words that say what a thing is: singular, without `id`, `nr` and the like."""
    return tuple(singular(word) for word in words if word not in KEY_WORDS and not word.isdigit())


@lru_cache(maxsize=100_000)
def alike(one: str, two: str) -> bool:
    """Say whether two words are the same, or one abbreviates the other."""
    one, two = singular(one), singular(two)
    if one == two:
        return True
    if one[:1] != two[:1]:
        return False
    short, long = sorted((one, two), key=len)
    if len(short) < 3:  # noqa: PLR2004  two letters abbreviate anything
        return False
    if long.startswith(short):
        return len(long) - len(short) <= 8 and len(short) * 3 >= len(long)  # noqa: PLR2004  `cust`, `customer`
    return len(short) * 2 >= len(long) and _in_order(short, long) and short[-1] in long[-3:]


def _in_order(short: str, long: str) -> bool:
    rest = iter(long)
    return all(letter in rest for letter in short)


def has(words: Iterable[str], vocabulary: frozenset[str]) -> bool:
    """Say whether one of the words, singular or as it stands, is in the vocabulary."""
    return any(word in vocabulary or singular(word) in vocabulary for word in words)


def concept(name: str, which: str) -> bool:
    """Say whether a column's name speaks of that concept; compounds (`usermail`) count."""
    words = words_of(name)
    vocabulary = CONCEPTS[which]
    if has(words, vocabulary):
        return True
    joined = "".join(words)
    return joined in vocabulary or any(a + b in vocabulary for a, b in pairwise(words))


def shared_prefix(names: Iterable[str]) -> frozenset[str]:
    """Give first words that say nothing: those that most tables of a database share."""
    first = [words_of(name.rpartition(".")[2]) for name in names]
    counts = Counter(words[0] for words in first if len(words) > 1)
    often = {
        word
        for word, n in counts.items()
        if word not in PERSON
        and (
            (n >= _TELLING and n * 5 >= 2 * len(first))
            or (n >= _SHORTEST and len(word) <= _TELLING and word not in KNOWN)
        )
    }
    return frozenset(often | {"tbl", "tb", "tab", "t", "app", "auth", "dbo", "core", "public"})


_WEAK = word_set("preference setting status data detail entry info text")
_JOINS = word_set(
    """
    member membership mitglied participant participation permission grant access lid leden membre
    miembro medlem deelnemer
    """
)
_ADDRESSES = word_set("email mail phone telefon address adresse")


def topic_of(words: Iterable[str]) -> str | None:
    """Give the category that a table's name speaks of; later words count more (`order_log`)."""
    last_first = tuple(reversed(tuple(words)))
    if len(last_first) > 1:
        if has(last_first[:1], _JOINS):
            return "account"
        if has(last_first[:1], _ADDRESSES) and has(last_first[1:], PERSON):
            return "contact"
    weak = tuple(word for word in last_first if has((word,), PERSON | _WEAK))
    ordered = (*(word for word in last_first if word not in weak), *weak)
    for test in (_is_known, _begins, _abbreviates):
        for word in ordered:
            for category, vocabulary in TOPICS:
                if test(word, vocabulary):
                    return category
    return "account" if near(ordered, PERSON) else None


def _is_known(word: str, vocabulary: frozenset[str]) -> bool:
    return word in vocabulary or singular(word) in vocabulary


def _begins(word: str, vocabulary: frozenset[str]) -> bool:
    return len(word) >= _TELLING and any(known.startswith(word) for known in vocabulary)


def _abbreviates(word: str, vocabulary: frozenset[str]) -> bool:
    """Say whether a word without vowels is a known one's: `thm`, `msg`, `ntfctn`."""
    return not _VOWELS.intersection(word) and near((word,), vocabulary)


def near(words: Iterable[str], vocabulary: frozenset[str]) -> bool:
    """Say whether one of the words is in the vocabulary, or abbreviates a word in it."""
    return has(words, vocabulary) or any(
        _SHORTEST <= len(word) < len(known) and alike(word, known)
        for word in words
        for known in vocabulary
        if len(known) > _TELLING
    )


_SHORTEST = 3  # letters, and tables, from which on a word may stand for another
_TELLING = 4  # letters from which on a beginning tells a word
_VOWELS = frozenset("aeiou")
