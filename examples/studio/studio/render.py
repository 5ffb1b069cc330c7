"""Pages from templates."""

from __future__ import annotations

from datetime import datetime
from importlib.resources import files
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from .visitor import Here, Visitor, remember


class Pages:
    """The templates, compiled once."""

    def __init__(self) -> None:
        """Find the templates next to this package."""
        folder = files(__package__).joinpath("templates")
        self._templates = Environment(
            loader=FileSystemLoader(str(folder)), autoescape=True, undefined=StrictUndefined,
            trim_blocks=True, lstrip_blocks=True,
        )  # fmt: skip
        self._templates.filters["day"] = _day
        self._templates.filters["money"] = _money

    def text(self, name: str, **values: Any) -> str:  # noqa: ANN401  templates take anything
        """Render a template."""
        return self._templates.get_template(name).render(**values)

    def error(self, request: Request, status: int, message: str) -> Response:
        """Render the error page; it knows nothing of the visitor."""
        html = self.text(
            "error.html", title="Sorry", status=status, message=message, me=None, csrf="",
            path=request.url.path,
        )  # fmt: skip
        return HTMLResponse(html, status)


class Screen:
    """The templates for one request: they know the visitor, and answers set the cookies."""

    def __init__(self, request: Request, here: Here) -> None:
        """Hold what every page needs."""
        self.request = request
        self.here: Visitor = here

    def show(self, name: str, title: str, *, status: int = 200, **values: Any) -> Response:  # noqa: ANN401  templates take anything
        """Answer with a page."""
        html = self.request.app.state.pages.text(
            name, title=title, me=self.here.account, csrf=self.here.csrf,
            path=self.request.url.path, **values,
        )  # fmt: skip
        return self._send(HTMLResponse(html, status))

    def go(self, address: str, *, session: str | None = None) -> Response:
        """Answer with "see there" (303); `session` starts a session, "" ends it."""
        return self._send(RedirectResponse(address, 303), session)

    def _send(self, response: Response, session: str | None = None) -> Response:
        remember(self.request, response, self.here, session)
        response.headers["Cache-Control"] = "no-store"
        return response


View = Annotated[Screen, Depends(Screen)]


def _day(moment: datetime) -> str:
    """Write a day as people do."""
    return f"{moment.day} {moment:%B %Y}"


def _money(cents: int) -> str:
    """Write cents as euros."""
    return f"€ {cents / 100:,.2f}"
