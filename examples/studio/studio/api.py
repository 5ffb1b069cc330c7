"""The API for programs: bearer keys, JSON in and out."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Header, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field

from .visitor import Db, digest
from .works import NotEnoughCreditsError, Wish, generate

router = APIRouter(prefix="/api/v1")


class Wanted(BaseModel):
    """One generation, as a program asks for it."""

    model_config = ConfigDict(extra="forbid")

    prompt: str = Field(min_length=1, max_length=500)
    kind: Literal["image", "audio"] = "image"
    visibility: Literal["private", "public"] = "private"
    seed: int | None = Field(default=None, ge=0, lt=2**32)


class Made(BaseModel):
    """The work that came of it."""

    id: int
    kind: str
    page: str
    file: str


@router.post("/generations", status_code=201)
def add_generation(
    request: Request, db: Db, wanted: Wanted, authorization: Annotated[str, Header()] = ""
) -> Made:
    """Make a work for the owner of the key (`Authorization: Bearer …`)."""
    scheme, _, key = authorization.partition(" ")
    found = db.one("use_api_key", hash=digest(key)) if scheme.lower() == "bearer" else None
    if found is None:
        raise HTTPException(401, "an API key is needed: `Authorization: Bearer …`")
    wish = Wish(wanted.kind, wanted.prompt, wanted.visibility, None, wanted.seed)
    try:
        work = generate(request, db, found["account_id"], wish)
    except NotEnoughCreditsError:
        raise HTTPException(402, "not enough credits") from None
    return Made(id=work, kind=wanted.kind, page=f"/works/{work}", file=f"/works/{work}/file")
