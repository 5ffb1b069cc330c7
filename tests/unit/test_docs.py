"""Docs that fail the build: what exists is documented, what is documented exists and runs."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from upheld import errors

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("examples/**/*.md")])
FENCE = re.compile(
    r"^(?P<ticks>`{3,})(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=ticks)[ ]*$", re.MULTILINE | re.DOTALL
)
HEADING = re.compile(r"^#{1,6} +(.*?)(?: +#+)?$", re.MULTILINE)
TICKED = re.compile(r"`([^`\n]+)`")


def page_id(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def sections(text: str) -> dict[str, str]:
    """Give for each heading (without backticks) the text up to the next heading."""
    blank = FENCE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
    heads = list(HEADING.finditer(blank))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    return {
        head[1].replace("`", "").strip(): text[head.end() : end]
        for head, end in zip(heads, ends, strict=True)
    }


# --- the command line ------------------------------------------------------------------------


@dataclass(frozen=True)
class Command:
    """A command as the person types it, with its options as they type them."""

    name: str
    options: frozenset[str]


def commands(node: Any, name: str) -> Iterator[Command]:  # noqa: ANN401  click has no public type for both groups and commands that Typer keeps to
    if node.hidden:
        return
    told = {
        option
        for param in node.params
        if param.param_type_name == "option" and not param.hidden
        for option in [*param.opts, *param.secondary_opts]
    }
    yield Command(name, frozenset(told - {"--help", "-h"}))
    for child, below in sorted(getattr(node, "commands", {}).items()):
        yield from commands(below, f"{name} {child}")


def undocumented(known: list[Command], text: str) -> list[str]:
    """Give what the page leaves out, and what it promises that does not exist."""
    told = sections(text)
    names = {command.name for command in known}
    gaps = [
        f"`{head}` is documented and does not exist"
        for head in told
        if re.fullmatch(r"upheld( [a-z-]+)*", head) and head not in names
    ]
    for command in known:
        if command.name not in told:
            gaps.append(f"`{command.name}` has no heading")
            continue
        ticked = {word for span in TICKED.findall(told[command.name]) for word in span.split()}
        written = {word.split("=")[0].rstrip(",") for word in ticked if word.startswith("-")}
        gaps += [f"`{command.name} {o}` is not described" for o in command.options - written]
        gaps += [
            f"`{command.name} {o}` is described and does not exist"
            for o in written - command.options - {"--help", "-h", "-", "--"}
        ]
    return sorted(gaps)


def test_every_command_and_option_is_documented() -> None:
    if not (ROOT / "src/upheld/cli/main.py").exists():
        pytest.skip("the command line does not exist yet")
    typer_main = importlib.import_module("typer.main")
    app = importlib.import_module("upheld.cli.main").app
    known = list(commands(typer_main.get_command(app), "upheld"))
    assert undocumented(known, (ROOT / "docs/cli.md").read_text(encoding="utf-8")) == []


def test_a_gap_in_the_commands_is_found() -> None:
    known = [Command("upheld verify", frozenset({"--key", "--json"})), Command("upheld log", NONE)]
    text = "## `upheld verify`\n\n- `--key FILE`: the key\n- `--old`\n\n## upheld gone\n"
    assert undocumented(known, text) == [
        "`upheld gone` is documented and does not exist",
        "`upheld log` has no heading",
        "`upheld verify --json` is not described",
        "`upheld verify --old` is described and does not exist",
    ]


NONE: frozenset[str] = frozenset()


# --- error codes -----------------------------------------------------------------------------


def codes() -> set[str]:
    kinds = [k for k in vars(errors).values() if isinstance(k, type)]
    return {k.code for k in kinds if issubclass(k, errors.UpheldError)}


def test_every_error_code_is_documented() -> None:
    told = sections((ROOT / "docs/errors.md").read_text(encoding="utf-8"))
    assert {head for head in told if re.fullmatch(r"[a-z][a-z-]*", head)} == codes()


def test_every_error_kind_has_its_own_code() -> None:
    kinds = [k for k in vars(errors).values() if isinstance(k, type)]
    assert len(codes()) == len([k for k in kinds if issubclass(k, errors.UpheldError)])


# --- data maps in docs -----------------------------------------------------------------------

MapLoader = Callable[[str, Path], object]


def map_loader() -> MapLoader | None:
    if importlib.util.find_spec("upheld.datamap") is None:
        return None
    loader = getattr(importlib.import_module("upheld.datamap"), "load_map_text", None)
    return cast("MapLoader | None", loader)


def fences(text: str, info: str) -> Iterator[tuple[int, str]]:
    """Give (line of the first line inside, body) of each fenced block with this info string."""
    for found in FENCE.finditer(text):
        if " ".join(found["info"].split()) == info:
            yield text.count("\n", 0, found.start("body")) + 1, found["body"]


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_data_maps_in_docs_load(page: Path) -> None:
    load = map_loader()
    if load is None:
        pytest.skip("the map loader does not exist yet")
    for line, body in fences(page.read_text(encoding="utf-8"), "yaml datamap"):
        # Blank lines before it make the loader's line numbers those of the page.
        load("\n" * (line - 1) + body, page)


def test_a_wrong_data_map_in_docs_is_found() -> None:
    load = map_loader()
    if load is None:
        pytest.skip("the map loader does not exist yet")
    text = "one\n\n```yaml datamap\nnonsense: true\n```\n"
    [(line, body)] = fences(text, "yaml datamap")
    assert (line, body) == (4, "nonsense: true\n")
    with pytest.raises(errors.ProjectError):
        load(body, Path("page.md"))


# --- examples that run -----------------------------------------------------------------------
#
# ```console run      `$ command` lines run in one temporary folder per page, in order; what
#                     follows each is its output; a line `...` stands for any lines.
# ```yaml file=a/b    is written to that file first (any language).


class ExampleError(AssertionError):
    """A documented example does not do what the page says."""


def run_page(text: str, folder: Path) -> int:
    """Run a page's examples in `folder`; give the number of commands run."""
    count = 0
    for found in FENCE.finditer(text):
        words = found["info"].split()
        target = next((w.removeprefix("file=") for w in words if w.startswith("file=")), None)
        if target:
            (folder / target).parent.mkdir(parents=True, exist_ok=True)
            (folder / target).write_text(found["body"], encoding="utf-8")
        elif words == ["console", "run"]:
            for command, expected in steps(found["body"]):
                run_step(command, expected, folder)
                count += 1
    return count


def steps(body: str) -> Iterator[tuple[str, list[str]]]:
    command: str | None = None
    expected: list[str] = []
    for line in [*body.splitlines(), "$ "]:
        if line.startswith("$ "):
            if command:
                yield command, expected
            command, expected = line[2:], []
        else:
            expected.append(line)


def run_step(command: str, expected: list[str], folder: Path) -> None:
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "COLUMNS": "100",
        "NO_COLOR": "1",
    }
    done = subprocess.run(
        shlex.split(command),
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    wanted = "\n".join(".*" if e == "..." else re.escape(e.rstrip()) for e in expected)
    printed = "\n".join(line.rstrip() for line in done.stdout.splitlines())
    if not re.fullmatch(wanted, printed, re.DOTALL):
        message = f"$ {command}\nexit {done.returncode}, printed:\n{printed}"
        raise ExampleError(message)


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_examples_in_docs_run(page: Path, tmp_path: Path) -> None:
    run_page(page.read_text(encoding="utf-8"), tmp_path)


def test_a_wrong_example_is_found(tmp_path: Path) -> None:
    page = "```text file=a/b.txt\nx\ny\nz\n```\n\n```console run\n$ cat a/b.txt\nx\n...\n{}\n```\n"
    assert run_page(page.format("z"), tmp_path) == 1
    with pytest.raises(ExampleError):
        run_page(page.format("q"), tmp_path)


# --- links -----------------------------------------------------------------------------------

LINK = re.compile(r"(?<!\\)\[[^\]\n]*\]\(([^)\s]+)(?: \"[^\"]*\")?\)")


def anchors(text: str) -> set[str]:
    """Give the anchors that code hosts make of headings."""
    kept = (re.sub(r"[^\w\- ]", "", head.lower()) for head in sections(text))
    return {head.replace(" ", "-") for head in kept}


def broken_links(page: Path) -> list[str]:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    broken = []
    for target in LINK.findall(text):
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path) if path else page
        if not file.exists() or (
            anchor and anchor not in anchors(file.read_text(encoding="utf-8"))
        ):
            broken.append(target)
    return broken


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_resolve(page: Path) -> None:
    assert broken_links(page) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "a.md"
    page.write_text(
        "# One `two` three\n[a](#one-two-three) [b](#no) [c](b.md) [d](a.md)\n"
        "```\n[e](no.md)\n```\n"
    )
    assert broken_links(page) == ["#no", "b.md"]
