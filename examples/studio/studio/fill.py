"""Fill a database and an object store with people and their data, from a seed.

The rows are drawn by the database itself (`fill.sql`); the objects are made
here, by the real generators, from the prompts of those rows. The same seed and
number of people give the same rows and objects.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from obstore.store import LocalStore, ObjectStore
from psycopg import sql

from .generators import AudioGenerator, ImageGenerator, ProceduralAudio, ProceduralImages
from .passwords import hash_password
from .statements import named, text

DEFAULT_SEED = 20260930
DEMO_PASSWORD = "paper-boats-at-dawn"  # noqa: S105  the made-up people's, told in the README
SMALLEST = 20

# Called with what is being made, how many are done, and of how many.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Filled:
    """What was made: rows by table, and the number of objects."""

    rows: dict[str, int]
    objects: int


@dataclass(frozen=True, slots=True)
class Person:
    """The identifiers that other people write down."""

    id: int
    email: str
    handle: str
    phone: str | None


def create_schema(conn: psycopg.Connection) -> None:
    """Create Studio's tables in an empty database."""
    conn.execute(text("schema.sql"))


def fill(
    conninfo: str,
    objects: ObjectStore | Path | None = None,
    *,
    people: int = 2000,
    seed: int = DEFAULT_SEED,
    progress: Progress | None = None,
) -> Filled:
    """Make `people` people and what is theirs, in one transaction.

    Creates the schema if it is not there. `objects` is a folder or a store; with
    None no object is made, and `upload.byte_size` and `sha256` are made up.
    Raises ValueError if there are accounts already, or for fewer than 20 people.
    """
    if people < SMALLEST:
        raise ValueError(f"people must be at least {SMALLEST}")
    tell = progress or (lambda _what, _done, _total: None)
    with psycopg.connect(conninfo) as conn:
        conn.execute("SET TIME ZONE 'UTC'")
        if conn.execute("SELECT to_regclass('account')").fetchone() == (None,):
            create_schema(conn)
        if conn.execute("SELECT 1 FROM account LIMIT 1").fetchone():
            raise ValueError("the database has accounts already")
        rows = _fill_tables(conn, people, seed, tell)
        made = 0 if objects is None else _fill_objects(conn, _store(objects), seed, tell)
        conn.commit()
        conn.autocommit = True
        conn.execute("VACUUM (ANALYZE)")
    return Filled(rows, made)


def _store(objects: ObjectStore | Path) -> ObjectStore:
    """Take a folder for a store."""
    return LocalStore(objects, mkdir=True) if isinstance(objects, Path) else objects


def _fill_tables(
    conn: psycopg.Connection, people: int, seed: int, tell: Progress
) -> dict[str, int]:
    """Run each statement of `fill.sql`; rows by table."""
    conn.execute("SET LOCAL work_mem = '64MB'")
    conn.execute("SET LOCAL maintenance_work_mem = '128MB'")
    conn.execute("SET LOCAL check_function_bodies = off")  # they call each other
    numbers = {
        "seed": seed, "people": people, "staff": 4 + people // 2000, "twins": people // 50,
    }  # fmt: skip
    for name, number in numbers.items():
        conn.execute(
            sql.SQL("CREATE FUNCTION {}() RETURNS bigint IMMUTABLE LANGUAGE sql AS {}").format(
                sql.Identifier("pg_temp", name), sql.Literal(f"SELECT {number}::bigint")
            )
        )
    salt = hashlib.sha256(f"salt {seed}".encode()).digest()[:16]
    conn.execute(
        sql.SQL(
            "CREATE FUNCTION pg_temp.secret() RETURNS bytea IMMUTABLE LANGUAGE sql AS {}"
        ).format(sql.Literal(rf"SELECT '\x{hash_password(DEMO_PASSWORD, salt).hex()}'::bytea"))
    )
    statements = named("fill.sql")
    conn.execute(statements.pop("functions"))
    rows: dict[str, int] = {}
    with _constraints_set_aside(conn):
        for done, (table, statement) in enumerate(statements.items()):
            tell(f"table {table}", done, len(statements))
            rows[table] = conn.execute(statement).rowcount
        tell("indexes and constraints", len(statements), len(statements))
    _advance_sequences(conn)
    return rows


@contextmanager
def _constraints_set_aside(conn: psycopg.Connection) -> Iterator[None]:
    """Drop constraints, indexes and triggers, and put each back as it was.

    The rows then load in any order, and every constraint is still proved, by one
    pass over its table instead of one look per row. All in the transaction.
    """
    constraints = conn.execute(text("constraints.sql")).fetchall()
    indexes = conn.execute(text("indexes.sql")).fetchall()
    triggered = conn.execute(
        "SELECT DISTINCT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
        " WHERE NOT tgisinternal AND c.relnamespace = 'public'::regnamespace"
    ).fetchall()
    for table, name, _definition in constraints:
        conn.execute(_alter(table, sql.SQL("DROP CONSTRAINT {}").format(sql.Identifier(name))))
    for name, _definition in indexes:
        conn.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    for (table,) in triggered:
        conn.execute(_alter(table, sql.SQL("DISABLE TRIGGER USER")))
    yield
    for (table,) in triggered:
        conn.execute(_alter(table, sql.SQL("ENABLE TRIGGER USER")))
    for _name, definition in indexes:
        conn.execute(definition)
    for table, name, definition in reversed(constraints):
        add = sql.SQL("ADD CONSTRAINT {} {}").format(sql.Identifier(name), sql.SQL(definition))
        conn.execute(_alter(table, add))


def _alter(table: str, what: sql.Composable) -> sql.Composed:
    """Compose one ALTER TABLE."""
    return sql.SQL("ALTER TABLE {} {}").format(sql.Identifier(table), what)


def _advance_sequences(conn: psycopg.Connection) -> None:
    """Let every identity column go on behind the last row."""
    found = conn.execute(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND is_identity = 'YES'"
        " AND table_name NOT LIKE 'event\\_%'"  # partitions share their parent's
    ).fetchall()
    for table, column in found:
        conn.execute(
            sql.SQL(
                "SELECT setval(pg_get_serial_sequence({}, {}), coalesce(max({}), 0) + 1, false)"
                " FROM {}"
            ).format(
                sql.Literal(table),
                sql.Literal(column),
                sql.Identifier(column),
                sql.Identifier(table),
            )
        )


# Objects ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes objects: the generators, and the people that texts may name."""

    images: ImageGenerator
    avatars: ImageGenerator
    audio: AudioGenerator
    people: dict[int, Person]
    ids: tuple[int, ...]
    seed: int

    def other(self, draw: random.Random) -> Person:
        """Draw anybody."""
        return self.people[draw.choice(self.ids)]

    def text(self, key: str, owner: int | None, about: str) -> bytes:
        """Write a text that names its owner, and now and then somebody else."""
        draw = random.Random(f"{self.seed} {key}")
        lines = [f"about: {about}"]
        if owner is not None:
            me = self.people[owner]
            lines.append(
                draw.choice([f"by {me.email}", f"by @{me.handle}", f"tel. {me.phone or 'none'}"])
            )
        for _ in range(draw.choice([0, 0, 1, 2])):
            you = self.other(draw)
            lines.append(
                draw.choice([
                    f"[00:0{draw.randrange(9)}] {you.handle}: {about}",
                    f"Cc: <{you.email.upper()}>",
                    f"see https://studio.example/u?e={you.email.replace('@', '%40')}",
                    f"phone {you.phone or you.email}",
                ])
            )  # fmt: skip
        return ("\n".join(lines) + "\n").encode()

    def export(self, key: str, owner: int, prompts: list[str]) -> bytes:
        """Write a person's prompt history as JSON."""
        draw, me = random.Random(f"{self.seed} {key}"), self.people[owner]
        shared = [self.other(draw).email for _ in range(draw.choice([0, 1, 2]))]
        whole = {"account": {"email": me.email, "handle": me.handle}, "prompts": prompts,
                 "shared_with": shared}  # fmt: skip
        return json.dumps(whole, indent=1).encode()


def _fill_objects(conn: psycopg.Connection, store: ObjectStore, seed: int, tell: Progress) -> int:
    """Make every object that a row points to; the number of them."""
    found = conn.execute(
        "SELECT id, email, handle, phone FROM account WHERE role = 'person' ORDER BY id"
    ).fetchall()
    people = {row[0]: Person(*row) for row in found}
    maker = _Maker(ProceduralImages(112), ProceduralImages(64), ProceduralAudio(0.5), people,
                   tuple(people), seed)  # fmt: skip
    wanted = conn.execute(text("objects.sql")).fetchall()
    checked: list[tuple[int, int, bytes]] = []
    for done, (kind, key, owner, about, number, row_id) in enumerate(wanted):
        if done % 100 == 0:
            tell("objects", done, len(wanted))
        data = _make(maker, conn, kind, key, owner, about, number)
        store.put(key, data)
        if key.startswith("inputs/"):
            checked.append((row_id, len(data), hashlib.sha256(data).digest()))
    tell("objects", len(wanted), len(wanted))
    conn.execute(
        "UPDATE upload SET byte_size = n.size, sha256 = n.digest"
        " FROM unnest(%s::bigint[], %s::integer[], %s::bytea[]) AS n (id, size, digest)"
        " WHERE upload.id = n.id",
        [list(column) for column in zip(*checked, strict=True)],
    )
    return len(wanted)


def _make(
    maker: _Maker, conn: psycopg.Connection, kind: str, key: str, owner: int | None, about: str,
    number: int,
) -> bytes:  # fmt: skip
    """Make one object."""
    match kind:
        case "image":
            return maker.images.generate(about, number)
        case "avatar":
            return maker.avatars.generate(about, number)
        case "audio":
            return maker.audio.generate(about, number)
        case "export" if owner is not None:
            prompts = conn.execute(
                "SELECT prompt FROM generation WHERE account_id = %s ORDER BY id", [owner]
            ).fetchall()
            return maker.export(key, owner, [prompt for (prompt,) in prompts])
        case _:
            return maker.text(key, owner, about)


def main() -> None:
    """Fill from the command line."""
    parser = argparse.ArgumentParser(prog="python -m studio.fill", description=__doc__)
    parser.add_argument("conninfo", help="an empty PostgreSQL database, as libpq writes it")
    parser.add_argument("--objects", type=Path, help="folder for objects; none are made without")
    parser.add_argument("--people", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    asked = parser.parse_args()

    def tell(what: str, done: int, total: int) -> None:
        print(f"\r\033[K{what} {done}/{total}", end="", flush=True)

    filled = fill(
        asked.conninfo, asked.objects, people=asked.people, seed=asked.seed, progress=tell
    )
    rows = sum(filled.rows.values())
    print(f"\r\033[K{rows} rows in {len(filled.rows)} tables, {filled.objects} objects")
    print(f"everybody's password is {DEMO_PASSWORD!r}")


if __name__ == "__main__":
    main()
