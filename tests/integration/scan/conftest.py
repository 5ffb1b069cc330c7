"""Gives the tests here the run's server and a fresh database each."""

from tests.postgres import database, postgres_server

__all__ = ["database", "postgres_server"]
