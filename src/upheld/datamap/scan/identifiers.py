"""Which kind of identifier a source holds, and whose."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from upheld.datamap.live import LiveTable
from upheld.datamap.scan.people import PersonTable
from upheld.datamap.scan.samples import Sampled, Samples, Source, is_email_like
from upheld.datamap.scan.vocabulary import word_set
from upheld.datamap.scan.words import concept, has, words_of

if TYPE_CHECKING:
    from upheld.datamap.scan.draft import DraftPath
    from upheld.datamap.scan.paths import Routes

_MOST = 0.7
_DEVICE = word_set(
    """
    device visitor fingerprint cookie installation geraet anonymous clientid browser
    idfa gaid imei udid
    """
)
_KEYS = frozenset({"id", "uuid", "uid", "key", "ref", "nr", "guid"})
_PROVIDERS = frozenset({"stripe", "paypal", "payer", "braintree", "mollie", "klarna", "adyen"})
_THINGS = word_set("charge invoice event intent subscription price product plan")
_REFERENCE = _PROVIDERS | {"ref", "reference", "payment", "billing", "psp"}
_NEARLY_ALL = 0.9
_FEW = 3


def kind_of(source: Source, seen: Sampled) -> str | None:
    """Give the kind of identifier that values of a source are, by shape first and name second."""
    if not seen.pairs:
        return None
    words = source.words
    name = "_".join(words)
    opaque = seen.share("uuid", "opaque", "hash") > _MOST
    phone = seen.share("phone")
    key_like = len(words) == 1 or has(words, _KEYS)
    payer = has(words, _PROVIDERS) and not has(words, _THINGS)
    customer = "customer" in words and has(words, _REFERENCE)
    handle = concept(name, "handle") and seen.share("email") <= _MOST
    rules = (
        (is_email_like(seen), "email"),
        (concept(name, "phone") and phone > _MOST, "phone"),
        (phone > _NEARLY_ALL and len(seen.distinct) > _FEW, "phone"),
        (has(words, _DEVICE) and opaque and key_like and not concept(name, "agent"), "device"),
        (opaque and (customer or payer), "payment_customer"),
        (handle and seen.share("handle", "opaque", "text") > _MOST, "handle"),
    )
    return next((kind for holds, kind in rules if holds), None)


def identifier_marks(
    table: LiveTable,
    samples: Samples,
    person: PersonTable | None,
    paths: Iterable[DraftPath],
    routes: Routes,
) -> dict[str, str]:
    """Give the kind of identifier of each column that holds one of the row's owner."""
    found: dict[str, str] = {}
    paths = list(paths)
    mentioned = {p.source.column for p in paths if p.role == "mentioned"}
    owners = [p for p in paths if p.role in {"owner", "co-owner"}]
    for name in table.columns:
        source = Source(table.name, name)
        kind = kind_of(source, samples.sources[source])
        if kind is None or name in mentioned:
            continue
        if person is not None:
            unique = kind != "handle" or samples.sources[source].spread > _MOST
            if unique and not has(
                words_of(name), frozenset(["emergency", "invited", "notfall", "referral"])
            ):
                found[name] = kind
        elif (
            name in routes.own_values.get(table.name, ())
            or (
                kind in {"device", "payment_customer"} and any(p.identifier is None for p in owners)
            )
            or (
                len(owners) == 1
                and owners[0].identifier == kind
                and owners[0].source.column == name
            )
        ):
            found[name] = kind
    return found
