"""Make works, look at them, share them, talk about them; uploads."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, HTTPException, Request, Response, UploadFile
from fastapi.responses import HTMLResponse

from .database import Database, Row
from .media import media_type, read_limited
from .render import View
from .visitor import Checked, Db, Here, Member, Visitor, record

router = APIRouter(default_response_class=HTMLResponse)

PRICES = {"image": 5, "audio": 8}
_SUFFIX = {"image/png": ".png", "image/jpeg": ".jpg", "audio/wav": ".wav", "text/plain": ".txt"}
_PAGE = 24
_LONGEST_PROMPT = 500
Text = Annotated[str, Form()]


class NotEnoughCreditsError(Exception):
    """The account cannot pay for this work."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks the generators for."""

    kind: str
    prompt: str
    visibility: str = "private"
    upload: int | None = None
    seed: int | None = None


def generate(request: Request, db: Database, account: int, wish: Wish) -> int:
    """Make a work and charge for it; its id.

    Raises HTTPException 422 for a wish that cannot be, NotEnoughCreditsError.
    """
    prompt = wish.prompt.strip()
    if wish.kind not in PRICES or not 0 < len(prompt) <= _LONGEST_PROMPT:
        raise HTTPException(422, f"A prompt has 1 to {_LONGEST_PROMPT} characters.")
    if wish.visibility not in {"private", "public"}:
        raise HTTPException(422, "A new work is private or public.")
    if wish.upload is not None and db.one("upload", id=wish.upload, account=account) is None:
        raise HTTPException(422, "That upload is not yours.")
    db.do("lock_account", account=account)  # so that two requests cannot spend the same credits
    if db.get("balance", account=account) < PRICES[wish.kind]:
        raise NotEnoughCreditsError
    seed = secrets.randbelow(2**32) if wish.seed is None else wish.seed
    settings = request.app.state.settings
    maker = settings.images if wish.kind == "image" else settings.audio
    suffix = ".png" if wish.kind == "image" else ".wav"
    key = f"outputs/{datetime.now(UTC):%Y/%m}/{secrets.token_hex(16)}{suffix}"
    request.app.state.store.put(key, maker.generate(prompt, seed))
    work: int = db.get(
        "add_generation", account=account, upload=wish.upload, kind=wish.kind, prompt=prompt,
        params={}, seed=seed, visibility=wish.visibility, key=key,
    )  # fmt: skip
    db.do(
        "add_credits",
        account=account,
        delta=-PRICES[wish.kind],
        reason="generation",
        generation=work,
        payment=None,
    )
    return work


@router.get("/")
def home(view: View, db: Db) -> Response:
    """Show what this is, and what others made."""
    works = db.all("gallery", before=None, before_id=None, limit=8)
    return view.show("home.html", "Studio", works=works)


@router.get("/gallery")
def gallery(view: View, db: Db, here: Here, before: int | None = None) -> Response:
    """Show public works, newest first, a page at a time."""
    place: Row = (db.one("place_of", id=before) if before is not None else None) or {}
    works = db.all(
        "gallery", before=place.get("created_at"), before_id=place.get("id"), limit=_PAGE + 1
    )
    record(db, here, "page_viewed", path="/gallery")
    older = works[_PAGE - 1]["id"] if len(works) > _PAGE else None
    return view.show("gallery.html", "Gallery", works=works[:_PAGE], older=older)


@router.get("/create")
def create_form(view: View, db: Db, me: Member, prompt: str = "") -> Response:
    """Show the prompt form and the person's inputs."""
    return _create_page(view, db, me, prompt=prompt)


def _create_page(
    view: View, db: Database, me: Visitor, *, prompt: str, problem: str = "", status: int = 200
) -> Response:
    return view.show(
        "create.html", "Create", status=status, problem=problem, prompt=prompt, prices=PRICES,
        uploads=db.all("uploads", account=me.id), longest=_LONGEST_PROMPT,
    )  # fmt: skip


@router.post("/create", dependencies=[Checked])
def create(  # noqa: PLR0913  a form's fields are parameters
    request: Request, view: View, db: Db, me: Member, *, prompt: Text, kind: Text = "image",
    visibility: Text = "private", upload: Text = "",
) -> Response:  # fmt: skip
    """Make a work and show it."""
    wish = Wish(kind, prompt, visibility, int(upload) if upload.isdigit() else None)
    try:
        work = generate(request, db, _id(me), wish)
    except NotEnoughCreditsError:
        problem = "You do not have enough credits for this."
        return _create_page(view, db, me, prompt=prompt, problem=problem, status=402)
    record(db, me, "generated", path="/create", kind=kind)
    return view.go(f"/works/{work}")


@router.post("/uploads", dependencies=[Checked])
def add_upload(request: Request, view: View, db: Db, me: Member, file: UploadFile) -> Response:
    """Keep an input: PNG, JPEG, WAV or text, up to the size limit."""
    data = read_limited(file, request.app.state.settings.largest_upload)
    kind = media_type(data)
    if kind is None:
        raise HTTPException(415, "Inputs are PNG, JPEG, WAV or plain text.")
    key = f"inputs/{me.id}/{secrets.token_hex(16)}{_SUFFIX[kind]}"
    request.app.state.store.put(key, data)
    name = re.sub(r"[^\w .()-]", "_", file.filename or "file")[-120:]
    db.do("add_upload", account=me.id, key=key, type=kind, size=len(data),
          sha256=hashlib.sha256(data).digest(), name=name)  # fmt: skip
    return view.go("/create")


@router.get("/uploads/{upload_id}/file")
def upload_file(request: Request, db: Db, me: Member, upload_id: int) -> Response:
    """Send an input back to its owner, as a download."""
    found = db.one("upload", id=upload_id, account=me.id)
    if found is None:
        raise HTTPException(404, "There is no such upload.")
    data = bytes(request.app.state.store.get(found["object_key"]).bytes())
    return Response(
        data, media_type=found["media_type"], headers={"Content-Disposition": "attachment"}
    )


def _work(db: Database, here: Visitor, work_id: int) -> Row:
    """Give a work that this visitor may see; 404 otherwise, whether it exists or not."""
    email = here.account["email"] if here.account else None
    found = db.one("work", id=work_id, viewer=here.id, email=email)
    if found is None:
        raise HTTPException(404, "There is no such work, or it is not shared with you.")
    return found


@router.get("/works/{work_id}")
def work_page(view: View, db: Db, here: Here, work_id: int, reply: int | None = None) -> Response:
    """Show a work with its comments; `reply` is the comment to be answered."""
    work = _work(db, here, work_id)
    thread = db.all("thread", id=work_id)
    collections = db.all("collections", account=here.id) if here.account else []
    return view.show(
        "work.html", work["prompt"][:60], work=work, thread=thread, collections=collections,
        reply=next((c for c in thread if c["id"] == reply), None),
    )  # fmt: skip


@router.get("/works/{work_id}/file")
def work_file(request: Request, db: Db, here: Here, work_id: int) -> Response:
    """Send the output."""
    work = _work(db, here, work_id)
    data = bytes(request.app.state.store.get(work["output_key"]).bytes())
    kind = "image/png" if work["kind"] == "image" else "audio/wav"
    shared = "public" if work["visibility"] == "public" else "private"
    return Response(data, media_type=kind, headers={"Cache-Control": f"{shared}, max-age=3600"})


@router.post("/works/{work_id}/share", dependencies=[Checked])
def share(
    view: View, db: Db, me: Member, work_id: int, visibility: Text, shared_with: Text = ""
) -> Response:
    """Set who may see a work; addresses are separated by commas, semicolons or blanks."""
    addresses = [word for word in re.split(r"[;,\s]+", shared_with) if "@" in word]
    if visibility not in {"private", "shared", "public"}:
        raise HTTPException(422, "Choose who may see it.")
    listed = "; ".join(addresses) if visibility == "shared" else ""
    if not db.do(
        "share_work", id=work_id, account=me.id, visibility=visibility, shared_with=listed
    ):
        raise HTTPException(404, "That is not a work of yours.")
    detail: dict[str, Any] = {"visibility": visibility}
    db.do(
        "add_audit",
        actor=me.id,
        action="generation.shared",
        type="generation",
        id=work_id,
        detail=detail,
        ip=me.ip,
    )
    return view.go(f"/works/{work_id}")


@router.post("/works/{work_id}/heart", dependencies=[Checked])
def heart(view: View, db: Db, me: Member, work_id: int) -> Response:
    """Like a work, once."""
    _work(db, me, work_id)
    db.do("react", id=work_id, account=me.id)
    return view.go(f"/works/{work_id}")


@router.post("/works/{work_id}/comments", dependencies=[Checked])
def comment(
    view: View, db: Db, me: Member, work_id: int, body: Text, parent: Text = ""
) -> Response:
    """Say something, to the work or to another comment; its maker is told."""
    work = _work(db, me, work_id)
    if not body.strip() or len(body) > 2000:
        raise HTTPException(422, "A comment has 1 to 2,000 characters.")
    said = db.get("add_comment", id=work_id, account=me.id, body=body.strip(),
                  parent=int(parent) if parent.isdigit() else None)  # fmt: skip
    if me.account is not None and work["account_id"] != me.id:
        db.do("notify", account=work["account_id"], actor=me.id, kind="comment",
              body=f"@{me.account['handle']} commented on your work")  # fmt: skip
    return view.go(f"/works/{work_id}#comment-{said}")


def _id(me: Visitor) -> int:
    """Give the id of a signed-in visitor."""
    if me.id is None:
        raise HTTPException(401, "Please sign in first.")
    return me.id
