"""Collections: works that several people gather together."""

from __future__ import annotations

import re
import secrets
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Response
from fastapi.responses import HTMLResponse

from .database import Database, Row
from .render import View
from .visitor import Checked, Db, Member, Visitor

router = APIRouter(prefix="/collections", default_response_class=HTMLResponse)
Text = Annotated[str, Form()]


@router.get("")
def mine(view: View, db: Db, me: Member) -> Response:
    """List the collections that the person is a member of."""
    return view.show(
        "collections.html", "Collections", collections=db.all("collections", account=me.id)
    )


@router.post("", dependencies=[Checked])
def add(view: View, db: Db, me: Member, name: Text, description: Text = "") -> Response:
    """Start a collection; who starts it is its first member."""
    if not name.strip() or me.account is None:
        raise HTTPException(422, "A collection needs a name.")
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:30] or "collection"
    slug = f"{words}-{secrets.token_hex(3)}"
    made = db.get(
        "add_collection",
        slug=slug,
        name=name.strip()[:120],
        description=description[:1000],
        account=me.id,
    )
    db.do("add_member", collection=made, handle=me.account["handle"], role="owner")
    return view.go(f"/collections/{slug}")


def _collection(db: Database, me: Visitor, slug: str) -> Row:
    """Give a collection of this person's; 404 otherwise."""
    found = db.one("collection", slug=slug, account=me.id)
    if found is None:
        raise HTTPException(404, "There is no such collection among yours.")
    return found


@router.get("/{slug}")
def show(view: View, db: Db, me: Member, slug: str) -> Response:
    """Show a collection to its members."""
    found = _collection(db, me, slug)
    return view.show(
        "collection.html", found["name"], collection=found,
        members=db.all("collection_members", collection=found["id"]),
        works=db.all("collection_works", collection=found["id"], account=me.id),
    )  # fmt: skip


@router.post("/{slug}/members", dependencies=[Checked])
def add_member(view: View, db: Db, me: Member, slug: str, handle: Text) -> Response:
    """Let somebody in, by their user name."""
    found = _collection(db, me, slug)
    db.do(
        "add_member", collection=found["id"], handle=handle.strip().removeprefix("@"), role="editor"
    )
    return view.go(f"/collections/{slug}")


@router.post("/{slug}/items", dependencies=[Checked])
def add_item(
    view: View, db: Db, me: Member, slug: str, work: Annotated[int, Form()], note: Text = ""
) -> Response:
    """Put a work that this person may see into a collection."""
    found = _collection(db, me, slug)
    email = me.account["email"] if me.account else None
    if db.one("work", id=work, viewer=me.id, email=email) is None:
        raise HTTPException(404, "There is no such work, or it is not shared with you.")
    db.do("add_item", collection=found["id"], generation=work, account=me.id, note=note[:300])
    return view.go(f"/collections/{slug}")
