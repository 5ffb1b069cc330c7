"""House rules that no linter knows, each with a sample that shows that it fires."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parents[2]
CODE = ("src", "tests", "examples", "bench")
LONGEST_FUNCTION = 70

# Left behind by tools, or not ours.
SKIPPED = {
    ".git",
    ".venv",
    ".upheld",
    "__pycache__",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    ".hypothesis",
    ".import_linter_cache",
    "dist",
}


@dataclass(frozen=True)
class Source:
    """A Python file: its path from the root of the repository, with slashes, and its text."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def origins(self) -> dict[str, str]:
        """Give for each imported name what it stands for: `dt` -> `datetime.datetime`."""
        found: dict[str, str] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for name in node.names:
                    root = name.name.partition(".")[0]
                    found[name.asname or root] = name.name if name.asname else root
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                for name in node.names:
                    found[name.asname or name.name] = f"{node.module}.{name.name}"
        return found

    def called(self, node: ast.Call) -> str:
        """Give the full dotted name of what is called, imports resolved."""
        head, dot, rest = ast.unparse(node.func).partition(".")
        return self.origins.get(head, head) + dot + rest

    def calls(self) -> Iterator[tuple[ast.Call, str]]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield node, self.called(node)


@dataclass(frozen=True)
class Finding:
    line: int
    message: str


Rule = Callable[[Source], Iterator[Finding]]


def short_functions(source: Source) -> Iterator[Finding]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > LONGEST_FUNCTION:
                yield Finding(
                    node.lineno,
                    f"`{node.name}` has {lines} lines, at most {LONGEST_FUNCTION}: "
                    "split it where its second job starts",
                )


def telling_names(source: Source) -> Iterator[Finding]:
    vague = {"util", "utils", "helper", "helpers", "common", "manager", "managers", "misc"}
    for part in PurePosixPath(source.path).with_suffix("").parts:
        if part.strip("_") in vague:
            yield Finding(1, f"`{part}` says nothing: name the module after what it holds")


# Called name -> (where it is allowed all the same, what to write in its place).
BANNED: dict[str, tuple[tuple[str, ...], str]] = {
    "print": (
        ("src/upheld/cli/", "bench/", "examples/", "tests/"),
        "return the value and let the command line print it",
    ),
    "datetime.datetime.utcnow": ((), "datetime.now(UTC)"),
    "datetime.datetime.utcfromtimestamp": ((), "datetime.fromtimestamp(seconds, UTC)"),
    "datetime.date.today": ((), "datetime.now(UTC).date()"),
    "time.sleep": (
        (
            "src/upheld/database/",  # waits for a server process, which sends no signal
            "examples/studio/",  # waits for its own server likewise
            "tests/acceptance/",  # kills at random moments
            "tests/integration/",  # waits for processes to start and to end
        ),
        "wait for the event itself: a lock, a process, LISTEN",
    ),
    "eval": ((), "ast.literal_eval or a parser"),
    "exec": ((), "a function"),
    "os.system": ((), "subprocess.run with a list"),
    "os.popen": ((), "subprocess.run with a list"),
    "yaml.load": ((), "yaml.safe_load, or yaml.compose where lines matter"),
    "yaml.load_all": ((), "yaml.safe_load_all"),
    "yaml.unsafe_load": ((), "yaml.safe_load"),
    "yaml.full_load": ((), "yaml.safe_load"),
}


def allowed_calls(source: Source) -> Iterator[Finding]:
    for node, name in source.calls():
        allowed, instead = BANNED.get(name, ((), ""))
        if instead and not source.path.startswith(allowed or ("\0",)):
            yield Finding(node.lineno, f"`{name}` is banned here: {instead}")


def zoned_times(source: Source) -> Iterator[Finding]:
    for node, name in source.calls():
        if name == "datetime.datetime.now" and not node.args and not node.keywords:
            yield Finding(node.lineno, "`datetime.now()` has no zone: datetime.now(UTC)")


def real_secrets(source: Source) -> Iterator[Finding]:
    if not source.path.startswith("src/"):
        return
    for node, name in source.calls():
        if name.startswith("random.") and source.origins.get("random", "random") == "random":
            yield Finding(node.lineno, f"`{name}` can be guessed: use `secrets`")


def no_shell(source: Source) -> Iterator[Finding]:
    for node, name in source.calls():
        shell = next((k.value for k in node.keywords if k.arg == "shell"), None)
        off = isinstance(shell, ast.Constant) and not shell.value
        if name.startswith(("subprocess.", "asyncio.")) and shell is not None and not off:
            yield Finding(node.lineno, "`shell=True` lets data become commands: pass a list")


SQL_RUNNERS = {"execute", "executemany", "copy", "stream", "SQL"}


def composed_sql(source: Source) -> Iterator[Finding]:
    for node, name in source.calls():
        runner = name.rpartition(".")[2]
        if runner in SQL_RUNNERS and node.args and is_pasted_text(node.args[0]):
            yield Finding(
                node.lineno,
                f"text pasted together in `{runner}(`: psycopg.sql.SQL(…).format(…) and parameters",
            )


def is_pasted_text(node: ast.expr) -> bool:
    """Tell whether this is an f-string, `"…" % x`, `"…" + x` or `"…".format(x)`."""
    if isinstance(node, ast.JoinedStr):
        return any(isinstance(part, ast.FormattedValue) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
        return any(is_text(side) or is_pasted_text(side) for side in (node.left, node.right))
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"format", "join"}
        and is_text(node.func.value)
    )


def is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
    )


def heard_errors(source: Source) -> Iterator[Finding]:
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        broad = node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"}
        silent = all(
            isinstance(step, ast.Pass | ast.Continue)
            or (isinstance(step, ast.Expr) and isinstance(step.value, ast.Constant))
            for step in node.body
        )
        if broad and silent:
            yield Finding(node.lineno, "swallows every error: name the one that is expected")


def one_http_client(source: Source) -> Iterator[Finding]:
    for line, module in imports(source):
        if module.partition(".")[0] == "requests":
            yield Finding(line, "`requests` is banned: httpx")


# What turns a map and a live schema into SQL opens no connection.
PURE = ("src/upheld/footprint/", "src/upheld/datamap/model")


def pure_core(source: Source) -> Iterator[Finding]:
    if not source.path.startswith(PURE):
        return
    for line, module in imports(source):
        within = module == "psycopg.sql" or module.startswith("psycopg.sql.")
        if module.partition(".")[0].startswith("psycopg") and not within:
            yield Finding(line, f"`{module}` in the pure core: only psycopg.sql, to compose")


def imports(source: Source) -> Iterator[tuple[int, str]]:
    """Give each absolute import as (line, dotted name), `from a import b` as `a.b`."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield node.lineno, name.name
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            for name in node.names:
                yield node.lineno, f"{node.module}.{name.name}"


RULES: tuple[Rule, ...] = (
    short_functions,
    telling_names,
    allowed_calls,
    zoned_times,
    real_secrets,
    no_shell,
    composed_sql,
    heard_errors,
    one_http_client,
    pure_core,
)


def sources() -> list[Source]:
    paths = (p for folder in CODE for p in sorted((ROOT / folder).rglob("*.py")))
    return [
        Source(p.relative_to(ROOT).as_posix(), p.read_text(encoding="utf-8"))
        for p in paths
        if not SKIPPED.intersection(p.relative_to(ROOT).parts)
    ]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_code_keeps(rule: Rule) -> None:
    broken = [f"{s.path}:{f.line}: {f.message}" for s in sources() for f in rule(s)]
    assert not broken, "\n".join(broken)


LONG = "def f():\n" + "    x = 1\n" * LONGEST_FUNCTION
SRC = "src/upheld/policy/model.py"

BAD: list[tuple[Rule, str, str]] = [
    (short_functions, SRC, LONG),
    (short_functions, SRC, "class A:\n    async " + LONG.replace("\n", "\n    ").rstrip()),
    (telling_names, "src/upheld/utils.py", ""),
    (telling_names, "tests/common/test_x.py", ""),
    (telling_names, "bench/_helpers.py", ""),
    (allowed_calls, SRC, "print('x')"),
    (allowed_calls, SRC, "import datetime\ndatetime.datetime.utcnow()"),
    (allowed_calls, SRC, "from datetime import datetime as dt\ndt.utcnow()"),
    (allowed_calls, SRC, "from datetime import date\ndate.today()"),
    (allowed_calls, SRC, "import time\ntime.sleep(1)"),
    (allowed_calls, SRC, "from time import sleep as rest\nrest(1)"),
    (allowed_calls, "examples/studio/app.py", "eval('1')"),
    (allowed_calls, "tests/unit/test_x.py", "exec('1')"),
    (allowed_calls, SRC, "import os\nos.system('ls')"),
    (allowed_calls, SRC, "import yaml\nyaml.load(text, Loader=yaml.SafeLoader)"),
    (zoned_times, SRC, "from datetime import datetime\ndatetime.now()"),
    (real_secrets, SRC, "import random\nrandom.choice('ab')"),
    (real_secrets, SRC, "from random import randbytes\nrandbytes(8)"),
    (no_shell, SRC, "import subprocess\nsubprocess.run('ls', shell=True)"),
    (no_shell, SRC, "from subprocess import Popen\nPopen('ls', shell=on)"),
    (composed_sql, SRC, "c.execute(f'select {x}')"),
    (composed_sql, SRC, "c.execute('select %s' % x)"),
    (composed_sql, SRC, "c.execute('select ' + x + ' from t')"),
    (composed_sql, SRC, "c.execute('select {}'.format(x))"),
    (composed_sql, SRC, "c.copy(f'copy {t} to stdout')"),
    (composed_sql, SRC, "from psycopg import sql\nsql.SQL(f'select {x}')"),
    (heard_errors, SRC, "try:\n    f()\nexcept Exception:\n    pass"),
    (heard_errors, SRC, "try:\n    f()\nexcept:\n    ..."),
    (one_http_client, SRC, "import requests"),
    (one_http_client, SRC, "from requests.auth import AuthBase"),
    (pure_core, "src/upheld/footprint/plan.py", "import psycopg"),
    (pure_core, "src/upheld/footprint/plan.py", "from psycopg import Connection, sql"),
    (pure_core, "src/upheld/datamap/model.py", "from psycopg_pool import ConnectionPool"),
]


@pytest.mark.parametrize(("rule", "path", "text"), BAD)
def test_rule_fires(rule: Rule, path: str, text: str) -> None:
    assert list(rule(Source(path, text)))


GOOD: list[tuple[Rule, str, str]] = [
    (short_functions, SRC, LONG.removesuffix("    x = 1\n")),
    (telling_names, "src/upheld/requests/plan.py", ""),
    (allowed_calls, "src/upheld/cli/main.py", "print('x')"),
    (allowed_calls, "src/upheld/database/embedded.py", "import time\ntime.sleep(0.1)"),
    (allowed_calls, SRC, "import yaml\nyaml.safe_load(text)"),
    (zoned_times, SRC, "from datetime import UTC, datetime\ndatetime.now(UTC)"),
    (real_secrets, "bench/__main__.py", "import random\nrandom.Random(7)"),
    (no_shell, SRC, "import subprocess\nsubprocess.run(['ls'], shell=False)"),
    (composed_sql, SRC, "c.execute('select %s', (x,))"),
    (composed_sql, SRC, "c.execute(sql.SQL('select {}').format(x))"),
    (heard_errors, SRC, "try:\n    f()\nexcept KeyError:\n    pass"),
    (one_http_client, SRC, "from upheld.requests import erase"),
    (pure_core, "src/upheld/footprint/plan.py", "from psycopg import sql"),
    (pure_core, "src/upheld/stores/postgres.py", "import psycopg"),
]


@pytest.mark.parametrize(("rule", "path", "text"), GOOD)
def test_rule_stays_quiet(rule: Rule, path: str, text: str) -> None:
    assert not list(rule(Source(path, text)))


def test_every_rule_has_a_sample() -> None:
    assert {rule for rule, _, _ in BAD} == set(RULES)


def dead_modules(package: list[Source], entry_points: set[str]) -> list[str]:
    """Give the modules that no other module imports; `package` is what src/ holds."""
    modules = {module_name(s): s for s in package}
    used = set(entry_points)
    for name, source in modules.items():
        used.update(found for found in imported_modules(source, name) if found != name)
    return sorted(
        source.path
        for name, source in modules.items()
        if name not in used and not source.path.endswith(("/__init__.py", "/__main__.py"))
    )


def module_name(source: Source) -> str:
    dotted = source.path.removeprefix("src/").removesuffix(".py").replace("/", ".")
    return dotted.removesuffix(".__init__")


def imported_modules(source: Source, name: str) -> Iterator[str]:
    """Give every dotted name that an import may mean, with each of its parents."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            targets = [n.name for n in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                drop = node.level - source.path.endswith("/__init__.py")
                above = name.split(".")[: len(name.split(".")) - drop]
                base = ".".join([*above, *filter(None, [node.module])])
            targets = [f"{base}.{n.name}" for n in node.names]
        else:
            continue
        for target in targets:
            parts = target.split(".")
            yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1))


def test_no_module_is_dead() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    entry_points = {target.partition(":")[0] for target in scripts.values()}
    package = [s for s in sources() if s.path.startswith("src/")]
    assert dead_modules(package, entry_points) == []


def test_a_dead_module_is_found() -> None:
    package = [
        Source("src/upheld/__init__.py", ""),
        Source("src/upheld/a.py", "from upheld.b import x"),
        Source("src/upheld/b.py", "from .c import d"),
        Source("src/upheld/c/__init__.py", ""),
        Source("src/upheld/c/d.py", "from . import e"),
        Source("src/upheld/c/e.py", ""),
        Source("src/upheld/dead.py", "import upheld.dead"),
    ]
    assert dead_modules(package, {"upheld.a"}) == ["src/upheld/dead.py"]


DATA = {".sql", ".html", ".j2", ".css", ".js", ".json"}


def unread_data(files: list[str], texts: dict[str, str]) -> list[str]:
    """Give the data files that no code or template names, by file name or by quoted stem.

    A folder called `migrations` is read whole, so naming it is enough.
    """
    dead = []
    for file in files:
        path = PurePosixPath(file)
        folder = path.parent.name
        wanted = [re.escape(path.name), rf"['\"]{re.escape(path.stem)}['\"]"]
        if folder == "migrations":
            wanted.append(rf"\b{folder}\b")
        pattern = re.compile("|".join(wanted))
        if not any(pattern.search(text) for name, text in texts.items() if name != file):
            dead.append(file)
    return dead


def test_every_data_file_is_read() -> None:
    package = ROOT / "src"
    files = [p.relative_to(ROOT).as_posix() for p in sorted(package.rglob("*")) if p.suffix in DATA]
    readers = {".py", ".html", ".j2", ".css"}
    texts = {
        p.relative_to(ROOT).as_posix(): p.read_text(encoding="utf-8")
        for p in package.rglob("*")
        if p.suffix in readers
    }
    assert unread_data(files, texts) == []


def test_an_unread_data_file_is_found() -> None:
    files = ["src/u/sql/claim.sql", "src/u/sql/old.sql", "src/u/migrations/0001_start.sql"]
    texts = {"src/u/a.py": "read('claim'); folder('migrations'); told = 1"}
    assert unread_data(files, texts) == ["src/u/sql/old.sql"]


# In parts, so that this file does not find itself.
HOSTS = (
    "py" + "pi.org",
    "python" + "hosted.org",
    "npm" + "js.org",
    "npm" + "js.com",
    "deb" + "ian.org",
    "proxy.go" + "lang.org",
    "static.crates" + ".io",
)
PLACES = ("/wo" + "rk/", "/ro" + "ot/", "/tm" + "p/bash_jobs", "/opt/py" + "pi", "/opt/wh" + "eels")
TIED = re.compile(
    "|".join([*(re.escape(h) for h in HOSTS), *(rf"(?<![\w.~-]){re.escape(p)}" for p in PLACES)])
)


def ties_to_one_machine(text: str) -> list[int]:
    """Give the lines that name a registry's host or a folder of somebody's machine."""
    return [n for n, line in enumerate(text.splitlines(), 1) if TIED.search(line)]


def test_nothing_names_a_registry_or_a_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sorted(ROOT.rglob("*"))
        if path.is_file() and not SKIPPED.intersection(path.relative_to(ROOT).parts)
        for line in ties_to_one_machine(path.read_text(encoding="utf-8", errors="ignore"))
    ]
    assert not found, f"no registry hosts, no paths of one machine: {found}"


@pytest.mark.parametrize("needle", [*HOSTS, *PLACES])
def test_a_registry_or_a_machine_is_found(needle: str) -> None:
    assert ties_to_one_machine(f"fine\nsee {needle}x") == [2]
    assert ties_to_one_machine("fine\nsee docs/network/roots") == []
