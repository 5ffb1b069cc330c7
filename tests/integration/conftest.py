"""What every integration test may ask for."""

from __future__ import annotations

from tests.postgres import database, engine_database, postgres_server

__all__ = ["database", "engine_database", "postgres_server"]
