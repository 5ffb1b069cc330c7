"""Sign-up, sign-in, profile, settings, API keys, prompt export, newsletter."""

from __future__ import annotations

import json
import re
import secrets
from typing import Annotated

import psycopg
from fastapi import APIRouter, Form, HTTPException, Request, Response, UploadFile
from fastapi.responses import HTMLResponse

from .media import media_type, read_limited
from .passwords import hash_password, password_matches
from .render import View
from .visitor import (
    SESSION_COOKIE,
    Checked,
    Db,
    Here,
    Member,
    digest,
    record,
    sign_in,
)

router = APIRouter(default_response_class=HTMLResponse)

_EMAIL = re.compile(r"[^@\s;,<>\"]{1,64}@[^@\s;,<>\"]+\.[^@\s;,<>\"]{2,}\Z")
_HANDLE = re.compile(r"[a-z][a-z0-9_]{2,39}\Z")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}\Z")
_WELCOME = 25
_INTERESTS = ("images", "audio", "api", "events")
Text = Annotated[str, Form()]


@router.get("/sign-up")
def sign_up_form(view: View, via: str = "") -> Response:
    """Show the form; `via` is the handle of who sent them."""
    given = {"email": "", "handle": "", "name": "", "via": via}
    return view.show("sign_up.html", "Sign up", problem="", given=given)


@router.post("/sign-up", dependencies=[Checked])
def sign_up(  # noqa: PLR0913  a form's fields are parameters
    view: View, db: Db, here: Here,
    *, email: Text, handle: Text, name: Text, password: Text,
    country: Text = "DE", via: Text = "", training: Text = "",
) -> Response:  # fmt: skip
    """Make an account, give a few credits, and sign in."""
    given = {"email": email, "handle": handle, "name": name, "via": via}
    problem = _sign_up_problem(email, handle, name, password)
    if problem:
        return view.show("sign_up.html", "Sign up", status=422, problem=problem, given=given)
    try:
        with db.conn.transaction():
            account = db.get(
                "add_account", email=email, handle=handle, name=name.strip(),
                country=country[:2].upper(),
                hash=hash_password(password), opt_out=not training,
            )  # fmt: skip
    except psycopg.errors.UniqueViolation:
        problem = "That e-mail address or name is taken."
        return view.show("sign_up.html", "Sign up", status=409, problem=problem, given=given)
    db.do(
        "add_credits",
        account=account,
        delta=_WELCOME,
        reason="welcome",
        generation=None,
        payment=None,
    )
    if via:
        code = secrets.token_hex(6).upper()
        db.do("add_referral", account=account, email=email, code=code, handle=via)
    return view.go("/create", session=sign_in(db, here, account))


def _sign_up_problem(email: str, handle: str, name: str, password: str) -> str:
    """Say what is wrong with a sign-up, or nothing."""
    if not _EMAIL.match(email):
        return "That does not look like an e-mail address."
    if not _HANDLE.match(handle):
        return "A user name has 3 to 40 small letters, digits or _, and starts with a letter."
    if not name.strip():
        return "Please tell us what to call you."
    if len(password) < 10:
        return "A password needs at least 10 characters."
    return ""


@router.get("/sign-in")
def sign_in_form(view: View) -> Response:
    """Show the form."""
    return view.show("sign_in.html", "Sign in", problem="", email="")


@router.post("/sign-in", dependencies=[Checked])
def sign_in_post(view: View, db: Db, here: Here, email: Text, password: Text) -> Response:
    """Check the password; an unknown address takes as long as a wrong password."""
    found = db.one("account_by_email", email=email)
    stored = bytes(found["password_hash"]) if found else bytes(48)
    if not password_matches(password, stored) or found is None:
        problem = "That e-mail address and password do not match."
        return view.show("sign_in.html", "Sign in", status=401, problem=problem, email=email)
    return view.go("/create", session=sign_in(db, here, found["id"]))


@router.post("/sign-out", dependencies=[Checked])
def sign_out(view: View, db: Db, request: Request) -> Response:
    """End this session."""
    db.do("end_session", token_hash=digest(request.cookies.get(SESSION_COOKIE, "")))
    return view.go("/", session="")


@router.get("/u/{handle}")
def profile(view: View, db: Db, here: Here, handle: str) -> Response:
    """Show somebody's page: all works to themselves, public ones to others."""
    found = db.one("profile_by_handle", handle=handle)
    if found is None:
        raise HTTPException(404, "There is nobody of that name here.")
    works = db.all("works_of", account=found["id"], handle=handle, all=here.id == found["id"])
    if here.id != found["id"]:
        record(db, here, "profile_viewed", path=f"/u/{handle}")
    return view.show("profile.html", f"@{handle}", person=found, works=works)


@router.get("/avatars/{handle}")
def avatar(request: Request, db: Db, handle: str) -> Response:
    """Send a profile picture."""
    found = db.one("profile_by_handle", handle=handle)
    if found is None or found["avatar_key"] is None:
        raise HTTPException(404, "No picture.")
    data = bytes(request.app.state.store.get(found["avatar_key"]).bytes())
    return Response(data, media_type="image/png")


@router.get("/settings")
def settings(view: View, db: Db, me: Member) -> Response:
    """Show the profile, keys and notifications."""
    notes = db.all("notifications", account=me.id)
    db.do("read_notifications", account=me.id)
    return view.show(
        "settings.html", "Settings", mine=db.one("settings", account=me.id),
        keys=db.all("api_keys", account=me.id), notes=notes, new_key="", problem="",
    )  # fmt: skip


@router.post("/settings", dependencies=[Checked])
def save_settings(
    view: View,
    db: Db,
    me: Member,
    name: Text,
    bio: Text = "",
    phone: Text = "",
    training: Text = "",
) -> Response:
    """Save the profile; a malformed phone number is refused."""
    if phone and not _PHONE.match(phone):
        raise HTTPException(
            422, "Write the phone number with its country code, like +493023125000."
        )
    if not name.strip():
        raise HTTPException(422, "A name cannot be empty.")
    db.do(
        "save_profile",
        account=me.id,
        name=name.strip(),
        bio=bio[:1000],
        phone=phone or None,
        opt_out=not training,
    )
    db.do(
        "add_audit",
        actor=me.id,
        action="account.changed",
        type="account",
        id=me.id,
        detail={},
        ip=me.ip,
    )
    return view.go("/settings")


@router.post("/settings/avatar", dependencies=[Checked])
def save_avatar(request: Request, view: View, db: Db, me: Member, picture: UploadFile) -> Response:
    """Store a PNG as profile picture and drop the one before."""
    data = read_limited(picture, request.app.state.settings.largest_upload)
    if media_type(data) != "image/png":
        raise HTTPException(415, "A profile picture must be a PNG.")
    before = db.one("settings", account=me.id)
    key = f"avatars/{secrets.token_hex(16)}.png"
    request.app.state.store.put(key, data)
    db.do("set_avatar", account=me.id, key=key)
    if before and before["avatar_key"]:
        request.app.state.store.delete(before["avatar_key"])
    return view.go("/settings")


@router.post("/settings/keys", dependencies=[Checked])
def add_key(view: View, db: Db, me: Member, name: Text) -> Response:
    """Make an API key; it is shown once and kept as a hash."""
    key = f"studio_{secrets.token_urlsafe(32)}"
    db.do("add_api_key", account=me.id, name=name.strip()[:60] or "key", hash=digest(key))
    return view.show(
        "settings.html", "Settings", mine=db.one("settings", account=me.id),
        keys=db.all("api_keys", account=me.id), notes=[], new_key=key, problem="",
    )  # fmt: skip


@router.post("/settings/keys/{key_id}/delete", dependencies=[Checked])
def drop_key(view: View, db: Db, me: Member, key_id: int) -> Response:
    """End an API key."""
    db.do("drop_api_key", id=key_id, account=me.id)
    return view.go("/settings")


@router.post("/settings/export", dependencies=[Checked])
def export_prompts(request: Request, db: Db, me: Member) -> Response:
    """Write the prompt history to a JSON object, and send it."""
    mine = db.one("settings", account=me.id) or {}
    whole = {
        "account": {"email": mine["email"], "handle": mine["handle"]},
        "prompts": [row["prompt"] for row in db.all("prompts_of", account=me.id)],
    }
    data = json.dumps(whole, indent=1, ensure_ascii=False).encode()
    key = f"exports/{secrets.token_hex(16)}.json"
    request.app.state.store.put(key, data)
    db.do("add_export", account=me.id, key=key)
    headers = {"Content-Disposition": 'attachment; filename="prompts.json"'}
    return Response(data, media_type="application/json", headers=headers)


@router.post("/newsletter", dependencies=[Checked])
def subscribe(
    view: View, db: Db, email: Text, interests: Annotated[list[str] | None, Form()] = None
) -> Response:
    """Subscribe an address; anybody may, with or without an account."""
    if not _EMAIL.match(email):
        raise HTTPException(422, "That does not look like an e-mail address.")
    wanted = [word for word in _INTERESTS if word in (interests or [])]
    db.do("subscribe", email=email, interests=wanted, token=secrets.token_bytes(32))
    return view.show(
        "done.html",
        "Thank you",
        message="You are on the list. Every letter has a link to leave it.",
    )


@router.get("/newsletter/leave/{token}")
def leave_form(view: View, token: str) -> Response:
    """Ask before unsubscribing, so that a mail scanner that opens links does not."""
    return view.show("leave.html", "Leave the newsletter", token=token)


@router.post("/newsletter/leave/{token}")
def leave(view: View, db: Db, token: str) -> Response:
    """Unsubscribe; the token alone is proof enough."""
    try:
        raw = bytes.fromhex(token)
    except ValueError:
        raise HTTPException(404, "That link is not complete.") from None
    if not db.do("unsubscribe", token=raw):
        raise HTTPException(404, "That link is not one of ours.")
    return view.show("done.html", "Goodbye", message="You will get no more letters.")
