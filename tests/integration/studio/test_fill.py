"""The filler: repeatable, whole, and full of the shapes that it promises."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from studio.fill import create_schema, fill

from upheld.database.conninfo import Conninfo
from upheld.database.embedded import EmbeddedServer
from upheld.datamap import load_map
from upheld.stores.postgres.catalog import read_schema

PEOPLE = 400
MAP = Path(__file__).parents[3] / "examples/studio/privacy/maps/studio.yaml"
KEYS = """
    SELECT output_key FROM generation UNION ALL SELECT transcript_key FROM generation
    UNION ALL SELECT object_key FROM upload UNION ALL SELECT avatar_key FROM account
    UNION ALL SELECT object_key FROM prompt_export
    UNION ALL SELECT attachment_key FROM support_message
"""


@pytest.fixture(scope="module")
def filled(
    postgres_server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[psycopg.Connection, Path]]:
    """Fill one database for the tests that only read."""
    folder = tmp_path_factory.mktemp("studio")
    name = f"studio_{folder.parent.name.replace('-', '_')}"
    postgres_server.ensure_database(name)
    fill(postgres_server.conninfo(name), folder, people=PEOPLE)
    with psycopg.connect(postgres_server.conninfo(name), autocommit=True) as conn:
        yield conn, folder
    with psycopg.connect(postgres_server.conninfo("postgres"), autocommit=True) as conn:
        conn.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))


def objects(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def contents(conn: psycopg.Connection) -> dict[str, str]:
    """Digest each table."""
    digests = {}
    for name in read_schema(conn).tables:
        with conn.cursor() as cursor:
            query = sql.SQL("COPY (SELECT * FROM {0} t ORDER BY t::text) TO STDOUT")
            hashed = hashlib.sha256()
            with cursor.copy(query.format(sql.Identifier(name))) as copy:
                for block in copy:
                    hashed.update(block)
        digests[name] = hashed.hexdigest()
    return digests


def test_the_same_seed_gives_the_same(
    filled: tuple[psycopg.Connection, Path], database: Conninfo, tmp_path: Path
) -> None:
    fill(database, tmp_path, people=PEOPLE)
    with psycopg.connect(database) as conn:
        assert contents(conn) == contents(filled[0])
    assert objects(tmp_path) == objects(filled[1])


def test_another_seed_gives_others(
    filled: tuple[psycopg.Connection, Path], database: Conninfo
) -> None:
    fill(database, people=PEOPLE, seed=1)
    with psycopg.connect(database) as conn:
        same = contents(conn).items() & contents(filled[0]).items()
    assert {name for name, _ in same} == {"credit_pack"}


def test_filling_leaves_the_schema_as_it_was(
    filled: tuple[psycopg.Connection, Path], database: Conninfo
) -> None:
    query = (
        "SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)"
        " FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
        " UNION ALL SELECT 'index', tablename, indexname, indexdef FROM pg_indexes"
        " WHERE schemaname = 'public'"
        " UNION ALL SELECT 'trigger', tgrelid::regclass::text, tgname, tgenabled::text"
        " FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2, 3"
    )
    with psycopg.connect(database) as conn:
        create_schema(conn)
        assert conn.execute(query).fetchall() == filled[0].execute(query).fetchall()


def test_it_refuses_a_database_in_use(database: Conninfo) -> None:
    fill(database, people=20)
    with pytest.raises(ValueError, match="has accounts already"):
        fill(database, people=20)


def test_new_rows_come_after_the_filled(filled: tuple[psycopg.Connection, Path]) -> None:
    conn, _ = filled
    with conn.transaction(force_rollback=True):
        for table in ("comment", "event", "invoice"):
            query = "SELECT nextval(pg_get_serial_sequence(%s, 'id')), (SELECT max(id) FROM {})"
            found = conn.execute(sql.SQL(query).format(sql.Identifier(table)), [table]).fetchone()
            assert found
            assert found[0] > found[1]


def test_rows_and_objects_point_at_each_other(filled: tuple[psycopg.Connection, Path]) -> None:
    conn, folder = filled
    keys = [key for (key,) in conn.execute(KEYS) if key is not None]
    made = objects(folder)
    assert sorted(keys) == sorted(made)
    pictures = [data for key, data in made.items() if key.endswith(".png")]
    assert len(set(pictures)) == len(pictures), "each picture depends on its prompt"
    for key, size, digest in conn.execute("SELECT object_key, byte_size, sha256 FROM upload"):
        assert (size, digest) == (len(made[key]), hashlib.sha256(made[key]).digest())


SHAPES = {
    "a device that a family shares": (
        "SELECT count(*) FROM (SELECT FROM device_account GROUP BY device_id HAVING count(*) > 1) d"
    ),
    "equal rows without a key": (
        "SELECT count(*) FROM (SELECT f::text FROM fraud_score f GROUP BY 1 HAVING count(*) > 1) d"
    ),
    "one person with two accounts": (
        "SELECT count(*) FROM account_email e JOIN account a ON a.email = e.email"
    ),
    "a collection owned by several": (
        "SELECT count(*) FROM (SELECT FROM collection_member GROUP BY collection_id"
        " HAVING count(*) > 1) d"
    ),
    "an answer to somebody else": (
        "SELECT count(*) FROM comment c JOIN comment p ON p.id = c.parent_id"
        " WHERE c.account_id <> p.account_id"
    ),
    "a comment that quotes another's e-mail": (
        "SELECT count(*) FROM comment c JOIN account a ON c.body ~* a.email"
        " WHERE a.id <> c.account_id"
    ),
    "a percent-encoded e-mail": "SELECT count(*) FROM request_log WHERE line LIKE '%\\%40%'",
    "a hex-encoded e-mail": (
        "SELECT count(*) FROM request_log l JOIN account a"
        " ON l.line LIKE '%' || encode(a.email::bytea, 'hex') || '%'"
    ),
    "an e-mail inside bytea": (
        "SELECT count(*) FROM payment_webhook w JOIN account a"
        " ON position(a.email::bytea in w.body) > 0"
    ),
    "a newsletter address in other letters": (
        "SELECT count(*) FROM newsletter_subscriber n JOIN account a"
        " ON lower(n.email) = a.email AND n.email <> a.email"
    ),
    "a reader without an account": (
        "SELECT count(*) FROM newsletter_subscriber n WHERE NOT EXISTS"
        " (SELECT FROM account a WHERE a.email = lower(n.email))"
    ),
    "an event of no account": "SELECT count(*) FROM event WHERE NOT props ? 'account_id'",
    "a work shared by a list": "SELECT count(*) FROM generation WHERE shared_with LIKE '%;%'",
    "an invoice past its ten years": (
        "SELECT count(*) FROM invoice WHERE issued_on < date '2016-09-30'"
    ),
    "staff in tickets": (
        "SELECT count(*) FROM support_message m JOIN account a ON a.id = m.author_id"
        " WHERE a.role <> 'person'"
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_it_holds(filled: tuple[psycopg.Connection, Path], shape: str) -> None:
    found = filled[0].execute(SHAPES[shape]).fetchone()
    assert found
    assert found[0] > 0


def test_counts_are_what_the_trigger_would_keep(filled: tuple[psycopg.Connection, Path]) -> None:
    wrong = filled[0].execute(
        "SELECT count(*) FROM generation g WHERE comment_count <>"
        " (SELECT count(*) FROM comment c WHERE c.generation_id = g.id)"
    )
    assert wrong.fetchone() == (0,)


def test_a_creator_is_a_member_and_an_owner_is_on_the_team(
    filled: tuple[psycopg.Connection, Path],
) -> None:
    strangers = filled[0].execute(
        "SELECT (SELECT count(*) FROM collection c"
        " WHERE NOT EXISTS (SELECT FROM collection_member m"
        " WHERE m.collection_id = c.id AND m.account_id = c.creator_id)),"
        " (SELECT count(*) FROM team t WHERE NOT EXISTS (SELECT FROM team_member m"
        " WHERE m.team_id = t.id AND m.account_id = t.owner_id))"
    )
    assert strangers.fetchone() == (0, 0)


def test_the_map_names_every_table_and_column(filled: tuple[psycopg.Connection, Path]) -> None:
    said = {name: set(table.columns) for name, table in load_map(MAP).tables.items()}
    live = {name: set(table.columns) for name, table in read_schema(filled[0]).tables.items()}
    assert said == live
