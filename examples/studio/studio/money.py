"""Credits, invoices, payments. The provider is made up: every charge succeeds."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Response
from fastapi.responses import HTMLResponse

from .render import View
from .visitor import Checked, Db, Member

router = APIRouter(default_response_class=HTMLResponse)
Text = Annotated[str, Form()]


@router.get("/credits")
def credits_page(view: View, db: Db, me: Member) -> Response:
    """Show the packs, the history and the invoices."""
    return view.show(
        "credits.html", "Credits", packs=db.all("packs"),
        history=db.all("credit_history", account=me.id), invoices=db.all("invoices", account=me.id),
    )  # fmt: skip


@router.post("/credits", dependencies=[Checked])
def buy(
    view: View, db: Db, me: Member, pack: Text, street: Text, postcode: Text, city: Text
) -> Response:
    """Charge for a pack: an invoice, its payment and the credits, all or none."""
    bought = db.one("pack", code=pack)
    if bought is None or me.account is None:
        raise HTTPException(422, "There is no such pack.")
    person, cents = me.account, bought["cents"]
    address = {"street": street[:200], "postcode": postcode[:20], "city": city[:100]}
    number = f"S-{secrets.token_hex(6).upper()}"
    invoice = db.get("add_invoice", number=number, account=me.id, name=person["display_name"],
                     email=person["email"], address=address, cents=cents)  # fmt: skip
    line = f"{bought['name']}, {bought['credits']} credits"
    db.do("add_invoice_line", invoice=invoice, code=pack, description=line, cents=cents)
    before = db.one("customer_ref", account=me.id)
    customer = before["customer_ref"] if before else f"cus_{secrets.token_hex(8)}"
    raw = {"object": "charge", "receipt_email": person["email"],
           "billing_details": {"name": person["display_name"], "address": address}}  # fmt: skip
    payment = db.get("add_payment", invoice=invoice, account=me.id, customer=customer,
                     charge=f"ch_{secrets.token_hex(10)}", raw=raw)  # fmt: skip
    db.do(
        "add_credits",
        account=me.id,
        delta=bought["credits"],
        reason="purchase",
        generation=None,
        payment=payment,
    )
    return view.go("/credits")


@router.get("/invoices/{number}")
def invoice_page(view: View, db: Db, me: Member, number: str) -> Response:
    """Show an invoice to who it was written for."""
    found = db.one("invoice", number=number, account=me.id)
    if found is None:
        raise HTTPException(404, "There is no such invoice of yours.")
    lines = db.all("invoice_lines", invoice=found["id"])
    return view.show("invoice.html", f"Invoice {number}", invoice=found, lines=lines)
