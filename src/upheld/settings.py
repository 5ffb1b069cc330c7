"""A project on disk: settings, data maps, and where the engine keeps its own things.

A project is a folder (`privacy/` by default) with `settings.yaml` and
`maps/*.yaml`. Reading it touches nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from upheld.datamap import DataMap, load_map
from upheld.errors import ProjectError
from upheld.located import first_problem, read_located

EMBEDDED = "embedded:"
_FROM_ENVIRONMENT = "env:"


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    upheld: str = Field(pattern=r"^settings/1$")
    name: str = Field(pattern=r"^[a-z][a-z0-9.-]*$")
    home: str = "../.upheld"
    systems: dict[str, str]
    objects: dict[str, str] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Project:
    """A project, read and checked.

    `name` is the log's origin; `home` the engine's folder (keys, embedded
    database, reports); `systems` maps a system to its database URL, `objects` an
    object store to its URL; `maps` holds one data map per system. `engine_url`
    is the engine's own database, None for the embedded one.
    """

    folder: Path
    name: str
    home: Path
    systems: dict[str, str]
    objects: dict[str, str]
    maps: dict[str, DataMap]
    engine_url: str | None


def find_project(given: Path | None, environ: Mapping[str, str], here: Path) -> Path:
    """Give the project's folder: `--project`, UPHELD_PROJECT, or `./privacy`."""
    named = given or (Path(environ["UPHELD_PROJECT"]) if environ.get("UPHELD_PROJECT") else None)
    folder = named or here / "privacy"
    if not (folder / "settings.yaml").is_file():
        message = f"there is no project in `{folder}`: `settings.yaml` is missing"
        raise ProjectError(message, help="say `--project DIR`, or set UPHELD_PROJECT")
    return folder


def load_project(folder: Path, environ: Mapping[str, str]) -> Project:
    """Read a project; raise ProjectError or MapError with file and line."""
    file = folder / "settings.yaml"
    located = read_located(file.read_text(encoding="utf-8"), file)
    try:
        said = _Settings.model_validate(located.value)
    except ValidationError as problem:
        raise first_problem(problem, located, ProjectError, _Settings.model_fields) from None
    maps: dict[str, DataMap] = {}
    for path in sorted((folder / "maps").glob("*.yaml")):
        datamap = load_map(path)
        if datamap.system in maps:
            message = f"`{path}` maps the system `{datamap.system}`, which has a map already"
            raise ProjectError(message, help="give each system one map")
        if datamap.system not in said.systems:
            message = f"`{path}` maps the system `{datamap.system}`, which settings do not name"
            raise ProjectError(
                message,
                where=located.place(("systems",)),
                help=f"add `{datamap.system}: URL` under `systems`",
            )
        for store in datamap.objects:
            if store not in said.objects:
                message = f"`{path}` names the object store `{store}`, which settings do not"
                raise ProjectError(
                    message,
                    where=located.place(("objects",)),
                    help=f"add `{store}: URL` under `objects`",
                )
        maps[datamap.system] = datamap
    if not maps:
        message = f"there is no data map in `{folder / 'maps'}`"
        raise ProjectError(message, help="`upheld map scan URL` drafts one")
    home = (
        Path(environ["UPHELD_HOME"])
        if environ.get("UPHELD_HOME")
        else file.resolve().parent / said.home
    )
    return Project(
        folder=folder,
        name=said.name,
        home=home.resolve(),
        systems={name: resolve_url(url, environ) for name, url in said.systems.items()},
        objects={
            name: _object_url(resolve_url(url, environ), file.resolve().parent)
            for name, url in said.objects.items()
        },
        maps=maps,
        engine_url=environ.get("UPHELD_DATABASE_URL") or None,
    )


def resolve_url(url: str, environ: Mapping[str, str]) -> str:
    """Take a URL out of the environment, where secrets belong, if it says `env:NAME`."""
    if not url.startswith(_FROM_ENVIRONMENT):
        return url
    name = url.removeprefix(_FROM_ENVIRONMENT)
    if not environ.get(name):
        message = f"the environment variable `{name}` is not set"
        raise ProjectError(message, help="a URL is taken from it")
    return environ[name]


def _object_url(url: str, base: Path) -> str:
    """Make a folder that is relative to the settings absolute."""
    return url if "://" in url else f"file://{(base / url).resolve()}"
