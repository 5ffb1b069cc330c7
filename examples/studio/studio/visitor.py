"""Who is visiting: sessions, devices, forged-request tokens, API keys."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Form, HTTPException, Request, Response
from psycopg_pool import ConnectionPool

from .database import Connection, Database, Row

SESSION_COOKIE = "studio_session"
CSRF_COOKIE = "studio_csrf"
DEVICE_COOKIE = "studio_device"
_MONTH = 30 * 86400


def database(request: Request) -> Iterator[Database]:
    """Give one transaction per request; it commits before the answer is sent."""
    pool = cast("ConnectionPool[Connection]", request.app.state.pool)
    with pool.connection() as conn:
        yield Database(conn, request.app.state.statements)


Db = Annotated[Database, Depends(database, scope="function")]


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody at the door; `account` is None until they sign in."""

    account: Row | None
    csrf: str
    device: str
    ip: str | None
    agent: str

    @property
    def id(self) -> int | None:
        """Give the account id, if signed in."""
        return self.account["id"] if self.account else None

    @property
    def staff(self) -> bool:
        """Tell whether a member of staff is visiting."""
        return self.account is not None and self.account["role"] != "person"


def digest(token: str) -> bytes:
    """Hash a random token for the database; it is long, so plain SHA-256 does."""
    return hashlib.sha256(token.encode()).digest()


def visitor(request: Request, db: Db) -> Visitor:
    """Read the cookies. New values are set by `remember`."""
    token = request.cookies.get(SESSION_COOKIE, "")
    account = db.one("session", token_hash=digest(token)) if token else None
    csrf = account["csrf_token"] if account else request.cookies.get(CSRF_COOKIE, "")
    return Visitor(
        account=account,
        csrf=csrf or secrets.token_urlsafe(24),
        device=request.cookies.get(DEVICE_COOKIE, "") or f"dev_{secrets.token_hex(10)}",
        ip=_ip(request),
        agent=request.headers.get("user-agent", "")[:300],
    )


Here = Annotated[Visitor, Depends(visitor)]


def member(here: Here) -> Visitor:
    """Let only signed-in visitors in; others are sent to sign in (401)."""
    if here.account is None:
        raise HTTPException(401, "Please sign in first.")
    return here


Member = Annotated[Visitor, Depends(member)]


def check_form(here: Here, csrf: Annotated[str, Form()] = "") -> None:
    """Refuse a form that this site did not hand to this visitor (403)."""
    if not csrf or not hmac.compare_digest(csrf.encode(), here.csrf.encode()):
        raise HTTPException(403, "This form has expired. Go back, reload the page and try again.")


Checked = Depends(check_form)


def sign_in(db: Database, here: Visitor, account: int) -> str:
    """Start a session with a fresh token, and link the device; the token."""
    token = secrets.token_urlsafe(32)
    kind = "phone" if "Mobile" in here.agent else "desktop"
    db.do("add_device", device=here.device, kind=kind, agent=here.agent, ip=here.ip)
    db.do("link_device", device=here.device, account=account)
    db.do(
        "add_session", account=account, device=here.device, token_hash=digest(token),
        csrf=secrets.token_urlsafe(24), ip=here.ip,
    )  # fmt: skip
    record(db, here, "signed_in", account=account)
    return token


def record(
    db: Database, here: Visitor, name: str, *, account: int | None = None, **props: str
) -> None:
    """Write one analytics event."""
    who = account or here.id
    db.do("add_event", name=name, props={"account_id": who, "device_id": here.device, **props})


def remember(
    request: Request, response: Response, here: Visitor, session: str | None = None
) -> None:
    """Set the cookies that this visitor lacks; `session` starts one, "" ends it."""
    secure = request.app.state.settings.secure_cookies
    wanted = {CSRF_COOKIE: (here.csrf, _MONTH), DEVICE_COOKIE: (here.device, 12 * _MONTH)}
    if here.account is not None:
        del wanted[CSRF_COOKIE]
    if session is not None:
        wanted[SESSION_COOKIE] = (session, _MONTH if session else 0)
    for name, (value, age) in wanted.items():
        if request.cookies.get(name) != value:
            response.set_cookie(
                name, value, max_age=age, httponly=True, samesite="lax", secure=secure
            )


def _ip(request: Request) -> str | None:
    """Give the peer's address, where it is one."""
    host = request.client.host if request.client else ""
    return host if ":" in host or host.replace(".", "").isdigit() else None
