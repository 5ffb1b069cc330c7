"""The composition root: settings in, a wired web service out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from obstore.store import LocalStore, ObjectStore
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool
from starlette.exceptions import HTTPException

from . import accounts, api, curation, money, support, works
from .database import Connection, Statements
from .generators import AudioGenerator, ImageGenerator, ProceduralAudio, ProceduralImages
from .render import Pages

_POLICY = (
    "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that the service needs from outside. Sizes are in bytes."""

    database: str
    objects: ObjectStore | Path
    secure_cookies: bool = True
    largest_upload: int = 5_000_000
    images: ImageGenerator = field(default_factory=ProceduralImages)
    audio: AudioGenerator = field(default_factory=ProceduralAudio)

    @property
    def store(self) -> ObjectStore:
        """Give the object store; a folder becomes one."""
        if isinstance(self.objects, Path):
            return LocalStore(self.objects, mkdir=True)
        return self.objects


def create_app(settings: Settings) -> FastAPI:
    """Wire the service. The pool opens when the service starts and closes with it."""

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        with ConnectionPool[Connection](
            settings.database, min_size=1, max_size=8, open=True, kwargs={"row_factory": dict_row}
        ) as pool:
            app.state.pool = pool
            yield

    app = FastAPI(title="Studio", lifespan=running, docs_url=None, redoc_url=None)
    app.state.settings = settings
    app.state.store = settings.store
    app.state.statements = Statements()
    app.state.pages = Pages()
    static = Path(str(files(__package__).joinpath("static")))
    app.mount("/static", StaticFiles(directory=static), name="static")
    for part in (works, accounts, curation, money, support, api):
        app.include_router(part.router)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _bad_form)
    app.middleware("http")(_headers)
    return app


async def _headers(request: Request, call_next: object) -> Response:
    """Set the headers that every answer carries."""
    response: Response = await call_next(request)  # type: ignore[operator]  # Starlette's own type is private
    response.headers.setdefault("Content-Security-Policy", _POLICY)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    return response


def _http_error(request: Request, error: Exception) -> Response:
    """Answer an error as JSON to programs and as a page to people."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    message = str(error.detail) if isinstance(error, HTTPException) else "Something went wrong."
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": message}, status)
    if status == 401:
        return RedirectResponse("/sign-in", 303)
    pages: Pages = request.app.state.pages
    return pages.error(request, status, message)


def _bad_form(request: Request, _error: Exception) -> Response:
    """Answer a form or body that lacks something; the input itself is not repeated."""
    return _http_error(
        request, HTTPException(422, "Something in what you sent is missing or malformed.")
    )
