"""Serve Studio: `python -m studio CONNINFO --objects FOLDER`."""

from __future__ import annotations

import argparse
from pathlib import Path

import uvicorn

from .app import Settings, create_app


def main() -> None:
    """Serve on this machine only, without TLS, until stopped."""
    parser = argparse.ArgumentParser(prog="python -m studio")
    parser.add_argument("conninfo", help="Studio's database, as libpq writes it")
    parser.add_argument("--objects", type=Path, required=True, help="folder for objects")
    parser.add_argument("--port", type=int, default=8000)
    asked = parser.parse_args()
    settings = Settings(asked.conninfo, asked.objects, secure_cookies=False)
    uvicorn.run(create_app(settings), host="127.0.0.1", port=asked.port)


if __name__ == "__main__":
    main()
