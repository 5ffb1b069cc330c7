"""Every fixed word of the page, per language; adding a language is adding a `Words`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from upheld.errors import RequestError

_KILO = 1000


@dataclass(frozen=True, slots=True)
class Words:
    """The catalogue of one language; `{…}` stand for what is put in."""

    lang: str
    thousands: str
    decimal: str
    moment: str
    months: tuple[str, ...]
    title: str
    skip: str
    for_whom: str
    made_on: str
    request: str
    systems: str
    contents: str
    nothing: str
    totals: str
    category: str
    meaning: str
    entries_head: str
    files_head: str
    one_entry: str
    many_entries: str
    one_file: str
    many_files: str
    how_to_read: str
    hints: tuple[str, ...]
    notes: str
    empty_tables: str
    files: str
    entry_number: str
    your_part: str
    roles: dict[str, str]
    yes: str
    no: str
    more_rows: str
    all_rows: str
    cut: str
    more_files: str
    image: str
    audio: str
    video: str
    not_linked: str
    categories: dict[str, tuple[str, str]]
    unknown_category: str

    def number(self, count: int) -> str:
        """Write a whole number with its thousands apart."""
        return f"{count:,}".replace(",", self.thousands)

    def entries(self, count: int) -> str:
        """Write `1 entry`, `2 entries`."""
        return (self.one_entry if count == 1 else self.many_entries).format(self.number(count))

    def file_count(self, count: int) -> str:
        """Write `1 file`, `2 files`."""
        return (self.one_file if count == 1 else self.many_files).format(self.number(count))

    def size(self, count: int) -> str:
        """Write a number of bytes in decimal units, as file managers do."""
        if count < _KILO:
            return f"{count} B"
        amount, unit = count / _KILO, "kB"
        for larger in ("MB", "GB", "TB"):
            if amount < _KILO:
                break
            amount, unit = amount / _KILO, larger
        digits = 1 if amount < 10 else 0  # noqa: PLR2004  two figures are enough for people
        return f"{amount:.{digits}f} {unit}".replace(".", self.decimal)

    def date(self, value: datetime) -> str:
        """Write a moment in full, in UTC where it has a zone."""
        zone = ""
        if value.tzinfo is not None:
            value, zone = value.astimezone(UTC), " UTC"
        month = self.months[value.month - 1]
        return (
            self.moment.format(day=value.day, month=month, year=value.year, time=f"{value:%H:%M}")
            + zone
        )

    def category_words(self, name: str) -> tuple[str, str]:
        """Give the heading and the explanation of a category, plain ones for an unknown one."""
        known = self.categories.get(name) or self.categories.get(name.removesuffix("s"))
        if known:
            return known
        heading = name.replace("_", " ").replace("-", " ").strip()
        return heading[:1].upper() + heading[1:], self.unknown_category


ENGLISH: Final = Words(
    lang="en",
    thousands=",",
    decimal=".",
    moment="{day} {month} {year}, {time}",
    months=(
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ),
    title="Your data at {controller}",
    skip="Skip to the content",
    for_whom="For",
    made_on="Made on",
    request="Request",
    systems="Searched in",
    contents="What is in here",
    nothing="Nothing about you was found.",
    totals="This package holds {entries} and {files} about you.",
    category="Kind of data",
    meaning="What it is",
    entries_head="Entries",
    files_head="Files",
    one_entry="{} entry",
    many_entries="{} entries",
    one_file="{} file",
    many_files="{} files",
    how_to_read="How to read it",
    hints=(
        (
            "This page works without the internet. Unpack the whole zip first, so that "
            "pictures and links are found."
        ),
        (
            "Below, your data is grouped by what it is about. A dash (–) means that nothing"  # noqa: RUF001  the dash of the page
            " is stored."
        ),
        (
            "Long tables show their first entries here. Everything is in the folder data: "
            "CSV files open in a spreadsheet, JSON files are for other programs and hold "
            "the exact values."
        ),
        (
            "In the CSV files, an apostrophe (') stands in front of text that a spreadsheet"
            " would otherwise run as a formula."
        ),
        "Data about other people has been left out or replaced.",
        (
            "The file manifest.json holds a checksum (SHA-256) of every other file, to show"
            " that nothing was changed."
        ),
    ),
    notes="Please note",
    empty_tables="Also searched, with nothing about you:",
    files="Files",
    entry_number="Entry {}",
    your_part="Your part",
    roles={"owner": "yours", "co-owner": "shared with others", "mentioned": "mentions you"},
    yes="yes",
    no="no",
    more_rows="Shown: the first {shown} of {entries}. All of them:",
    all_rows="{entries}, also as:",
    cut="… ({count} more characters in the CSV and JSON files)",
    more_files="{count} more are in the folder objects, listed in manifest.json.",
    image="Picture {name}, from “{table}”",
    audio="Sound {name}, from “{table}”",
    video="Video {name}, from “{table}”",
    not_linked="open it from the folder yourself, if you trust it",
    categories={
        "account": ("Account", "Who you are to this service: name, addresses, settings."),
        "identity": ("Identity", "What proves or describes who you are."),
        "contact": ("Contact details", "How you can be reached."),
        "payment": ("Payments", "What you bought, invoices and payments."),
        "inputs": ("What you put in", "What you wrote, uploaded or recorded."),
        "outputs": ("What was made for you", "What the service made from what you put in."),
        "communication": ("Messages", "What you wrote to others or to us, and what we wrote."),
        "support": ("Help and support", "Your questions to support and the answers."),
        "social": ("You and others", "Whom you follow, and what you share."),
        "device": ("Devices", "The devices and browsers that you used."),
        "usage": ("Use of the service", "What you did, and when."),
        "log": ("Technical records", "What our systems wrote down while you used them."),
        "location": ("Places", "Where you were, as far as it was recorded."),
        "cookie": ("Cookies", "Small records that your browser kept for us."),
        "security": ("Security", "Sign-ins and what protects your account."),
        "marketing": ("Advertising and news", "What we sent you or would have, and your wishes."),
        "preference": ("Your choices", "What you allowed and what you refused."),
        "inference": ("What was concluded", "What was worked out about you from other data."),
        "training": ("Training of models", "Where your data was used to train a model."),
    },
    unknown_category="Further data about you.",
)

GERMAN: Final = Words(
    lang="de",
    thousands=".",
    decimal=",",
    moment="{day}. {month} {year}, {time}",
    months=(
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ),
    title="Ihre Daten bei {controller}",
    skip="Zum Inhalt springen",
    for_whom="Für",
    made_on="Erstellt am",
    request="Anfrage",
    systems="Durchsucht",
    contents="Was hier enthalten ist",
    nothing="Über Sie wurde nichts gefunden.",
    totals="Dieses Paket enthält {entries} und {files} über Sie.",
    category="Art der Daten",
    meaning="Was das ist",
    entries_head="Einträge",
    files_head="Dateien",
    one_entry="{} Eintrag",
    many_entries="{} Einträge",
    one_file="{} Datei",
    many_files="{} Dateien",
    how_to_read="So lesen Sie es",
    hints=(
        (
            "Diese Seite braucht kein Internet. Entpacken Sie zuerst das ganze Zip, damit "
            "Bilder und Verweise gefunden werden."
        ),
        (
            "Unten sind Ihre Daten danach geordnet, worum es geht. Ein Strich (–) heißt, "  # noqa: RUF001  the dash of the page
            "dass nichts gespeichert ist."
        ),
        (
            "Lange Tabellen zeigen hier ihre ersten Einträge. Alles liegt im Ordner data: "
            "CSV-Dateien öffnen sich in einer Tabellenkalkulation, JSON-Dateien sind für "
            "andere Programme und enthalten die genauen Werte."
        ),
        (
            "In den CSV-Dateien steht ein Apostroph (') vor Text, den eine "
            "Tabellenkalkulation sonst als Formel ausführen würde."
        ),
        "Daten über andere Menschen wurden weggelassen oder ersetzt.",
        (
            "Die Datei manifest.json enthält eine Prüfsumme (SHA-256) jeder anderen Datei, "
            "damit sich zeigen lässt, dass nichts verändert wurde."
        ),
    ),
    notes="Bitte beachten Sie",
    empty_tables="Ebenfalls durchsucht, ohne etwas über Sie:",
    files="Dateien",
    entry_number="Eintrag {}",
    your_part="Ihr Anteil",
    roles={"owner": "Ihres", "co-owner": "mit anderen geteilt", "mentioned": "erwähnt Sie"},
    yes="ja",
    no="nein",
    more_rows="Gezeigt sind die ersten {shown}, insgesamt: {entries}. Alle:",
    all_rows="{entries}, auch als:",
    cut="… ({count} weitere Zeichen in den CSV- und JSON-Dateien)",
    more_files="{count} weitere liegen im Ordner objects, verzeichnet in manifest.json.",
    image="Bild {name}, aus „{table}“",
    audio="Ton {name}, aus „{table}“",
    video="Video {name}, aus „{table}“",
    not_linked="öffnen Sie sie selbst aus dem Ordner, wenn Sie ihr trauen",
    categories={
        "account": ("Konto", "Wer Sie für diesen Dienst sind: Name, Adressen, Einstellungen."),
        "identity": ("Identität", "Was belegt oder beschreibt, wer Sie sind."),
        "contact": ("Kontaktdaten", "Wie Sie zu erreichen sind."),
        "payment": ("Zahlungen", "Was Sie gekauft haben, Rechnungen und Zahlungen."),
        "inputs": ("Was Sie eingegeben haben", "Was Sie schrieben, hochluden oder aufnahmen."),
        "outputs": ("Was für Sie entstand", "Was der Dienst aus Ihren Eingaben gemacht hat."),
        "communication": ("Nachrichten", "Was Sie anderen oder uns schrieben, und was wir."),
        "support": ("Hilfe", "Ihre Fragen an den Kundendienst und die Antworten."),
        "social": ("Sie und andere", "Wem Sie folgen und was Sie teilen."),
        "device": ("Geräte", "Die Geräte und Browser, die Sie benutzt haben."),
        "usage": ("Nutzung des Dienstes", "Was Sie taten, und wann."),
        "log": ("Technische Aufzeichnungen", "Was unsere Systeme dabei aufschrieben."),
        "location": ("Orte", "Wo Sie waren, soweit es aufgezeichnet wurde."),
        "cookie": ("Cookies", "Kleine Vermerke, die Ihr Browser für uns aufhob."),
        "security": ("Sicherheit", "Anmeldungen, und was Ihr Konto schützt."),
        "marketing": ("Werbung und Neuigkeiten", "Was wir Ihnen sandten, und Ihre Wünsche dazu."),
        "preference": ("Ihre Entscheidungen", "Was Sie erlaubt und was Sie abgelehnt haben."),
        "inference": ("Was geschlossen wurde", "Was aus anderen Daten über Sie abgeleitet wurde."),
        "training": ("Training von Modellen", "Wo mit Ihren Daten ein Modell trainiert wurde."),
    },
    unknown_category="Weitere Daten über Sie.",
)

_CATALOGUE: Final = {words.lang: words for words in (ENGLISH, GERMAN)}


def words_for(lang: str) -> Words:
    """Give the catalogue of a language (`en`, `de`); RequestError where there is none."""
    found = _CATALOGUE.get(lang)
    if found is None:
        raise RequestError(
            f"packages cannot be written in the language `{lang}`",
            help=f"there are: {', '.join(sorted(_CATALOGUE))}",
        )
    return found
