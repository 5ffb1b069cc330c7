"""Support: a person writes, a member of staff answers."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Response
from fastapi.responses import HTMLResponse

from .database import Database, Row
from .render import View
from .visitor import Checked, Db, Member, Visitor

router = APIRouter(prefix="/support", default_response_class=HTMLResponse)
Text = Annotated[str, Form()]


@router.get("")
def tickets(view: View, db: Db, me: Member) -> Response:
    """List a person's tickets; to staff, all that are open."""
    found = db.all("all_tickets") if me.staff else db.all("tickets", account=me.id)
    return view.show("support.html", "Support", tickets=found)


@router.post("", dependencies=[Checked])
def ask(view: View, db: Db, me: Member, subject: Text, body: Text) -> Response:
    """Open a ticket."""
    if not subject.strip() or not body.strip() or me.account is None:
        raise HTTPException(422, "Please say what it is about.")
    context = {"agent": me.agent, "device_id": me.device}
    ticket = db.get(
        "add_ticket",
        account=me.id,
        email=me.account["email"],
        subject=subject.strip()[:200],
        context=context,
    )
    db.do("add_message", id=ticket, account=me.id, body=body.strip()[:5000])
    return view.go(f"/support/{ticket}")


def _ticket(db: Database, me: Visitor, ticket_id: int) -> Row:
    """Give a ticket of this person's, or any to staff; 404 otherwise."""
    found = db.one("ticket", id=ticket_id, account=me.id, staff=me.staff)
    if found is None:
        raise HTTPException(404, "There is no such ticket of yours.")
    return found


@router.get("/{ticket_id}")
def ticket_page(view: View, db: Db, me: Member, ticket_id: int) -> Response:
    """Show a conversation."""
    ticket = _ticket(db, me, ticket_id)
    return view.show(
        "ticket.html", ticket["subject"], ticket=ticket, messages=db.all("messages", id=ticket_id)
    )


@router.post("/{ticket_id}", dependencies=[Checked])
def answer(view: View, db: Db, me: Member, ticket_id: int, body: Text) -> Response:
    """Go on with a conversation; an answer by staff makes them its assignee."""
    _ticket(db, me, ticket_id)
    if not body.strip():
        raise HTTPException(422, "Please write something.")
    db.do("lock_ticket", id=ticket_id)  # messages are numbered one after another
    db.do("add_message", id=ticket_id, account=me.id, body=body.strip()[:5000])
    status, assignee = ("waiting", me.id) if me.staff else ("open", None)
    db.do("move_ticket", id=ticket_id, status=status, assignee=assignee)
    return view.go(f"/support/{ticket_id}")
