"""A running Studio on an empty database of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from fastapi.testclient import TestClient
from studio.app import Settings, create_app
from studio.fill import create_schema
from studio.generators import ProceduralAudio, ProceduralImages

from upheld.database.conninfo import Conninfo


class Browser:
    """A visitor with cookies, who sends forms as the pages hand them out."""

    def __init__(self, client: TestClient) -> None:
        self.client = client

    def token(self, page: str) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', self.client.get(page).text)
        assert found, page
        return found[1]

    def send(self, address: str, page: str, files: object = None, **fields: str) -> str:
        """Send the form on `page`; the address that the answer leads to."""
        answer = self.client.post(
            address, data={"csrf": self.token(page), **fields}, files=files, follow_redirects=False
        )
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    def sign_up(self, handle: str, **fields: str) -> str:
        return self.send(
            "/sign-up", "/sign-up", email=f"{handle}@mail.example", handle=handle,
            name=handle.title(), password="correct horse", **fields,
        )  # fmt: skip


@pytest.fixture
def studio(database: Conninfo, tmp_path: Path) -> Settings:
    with psycopg.connect(database) as conn:
        create_schema(conn)
    return Settings(
        database, tmp_path / "objects", secure_cookies=False, largest_upload=20_000,
        images=ProceduralImages(32), audio=ProceduralAudio(0.1),
    )  # fmt: skip


@pytest.fixture
def service(studio: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(studio)) as client:
        yield client


@pytest.fixture
def browser(service: TestClient) -> Browser:
    return Browser(service)


@pytest.fixture
def other(service: TestClient) -> Browser:
    """Give a second visitor of the same service."""
    return Browser(TestClient(service.app))


@pytest.fixture
def rows(studio: Settings) -> Iterator[psycopg.Connection]:
    with psycopg.connect(studio.database, autocommit=True) as conn:
        yield conn
